//! From a command's S to signals that can be started: RFC 3435 sections 2.3.3 and 3.2.2.4, with the parameters of RFC 3660.

use strowger_sansio::Duration;

use super::event::Place;
use super::media::Hook;
use super::prepare::{Current, Reader, Readiness};
use super::refusal::{Refusal, refuse};
use super::signal_parameters::{check_parameters, is_ring, is_tone_duration};
use super::signals::{Course, SignalRequest};
use crate::message::{
    ConnectionIdBuf, EventConnectionBuf, EventList, EventParameter, EventParameters, ListedEvent, ReturnCode,
    SignalBuf,
};
use crate::package::{self, HookState, Item, Package, Parameters, Signal, Timing};

/// How long brief signals last when the plane does not say that they have ended: package, symbol, milliseconds. Caller
/// identification needs the silence between two rings; the tones are those of RFC 3660.
const BRIEF: [(&str, &str, u64); 6] = [
    // With the pause behind it: cut short, two equal digits would be one.
    ("D", "", 300),
    ("G", "cf", 600),
    ("L", "ci", 6_000),
    ("L", "adsi", 6_000),
    ("L", "p", 300),
    ("L", "rs", 500),
];
/// What the others get: a second, as the calling card tone has.
const BRIEF_USUAL: Duration = Duration::from_secs(1);

impl Reader<'_> {
    /// The signals of a list.
    pub(super) fn signals(&self, list: EventList<'_>) -> Result<Vec<SignalRequest>, Refusal> {
        let mut signals: Vec<SignalRequest> = Vec::new();
        for signal in list.iter() {
            if signals.len() >= self.limits.requested_events {
                return Err(refuse(ReturnCode::NO_RESOURCES, "too many signals"));
            }
            let request = self.signal(signal)?;
            if signals.iter().any(|other| other.repeats(&request)) {
                return Err(refuse(ReturnCode::PROTOCOL_ERROR, "a signal is requested twice"));
            }
            signals.push(request);
        }
        Ok(signals)
    }

    fn signal(&self, signal: ListedEvent<'_>) -> Result<SignalRequest, Refusal> {
        let package = match signal.name.package {
            Some("*") => return Err(refuse(ReturnCode::NO_SUCH_EVENT, "a signal names its package")),
            name => self.package(name)?,
        };
        let item = package
            .item(signal.name.event)
            .ok_or_else(|| refuse(ReturnCode::NO_SUCH_EVENT, "the package has no such signal"))?;
        let kind =
            item.signal.ok_or_else(|| refuse(ReturnCode::CANNOT_SIGNAL, "this is an event, not a signal"))?;
        if package.name == "G" && item.symbol == "rbk" {
            return self.ringback_alias(package, signal);
        }
        let place = self.place(signal.name.connection)?;
        self.check_place(kind, &place)?;
        let steps = match item.parameters {
            Parameters::Signals => self.steps(signal.parameters)?,
            _ => Vec::new(),
        };
        let course = self.course(package, item, kind, signal.parameters)?;
        let connection = match (&place, self.current) {
            (Place::Endpoint, _) => None,
            (Place::AnyConnection, _) => Some(EventConnectionBuf::All),
            (Place::Connection(handle), Current::Present(current, id, _)) if *handle == current => {
                ConnectionIdBuf::parse(id).map(EventConnectionBuf::Id)
            }
            (Place::Connection(handle), _) => {
                self.endpoint.connection(*handle).map(|known| EventConnectionBuf::Id(known.id.clone()))
            }
        };
        let name = signal.name.to_buf().qualified(package.name).on(connection);
        let wire = self.expand(&signal.to_string());
        Ok(SignalRequest {
            signal: SignalBuf::new(name, signal.parameters),
            package: package.name,
            code: item.symbol,
            key: key(item, signal.parameters),
            place,
            wire,
            course,
            hook: kind.hook,
            steps,
        })
    }

    /// The signals of a list, which are time-out and brief ones that the endpoint can give (RFC 3660 section 2.8).
    fn steps(&self, parameters: EventParameters<'_>) -> Result<Vec<SignalRequest>, Refusal> {
        let bad = |text| refuse(ReturnCode::EVENT_PARAMETER, text);
        let list = EventList::parse(parameters.as_str()).ok_or_else(|| bad("this is no list of signals"))?;
        let mut steps = Vec::new();
        for signal in list.iter() {
            if steps.len() >= self.limits.requested_events {
                return Err(refuse(ReturnCode::NO_RESOURCES, "too many signals"));
            }
            match signal.name.package {
                None => return Err(bad("each signal of a list names its package")),
                Some(package) if package.eq_ignore_ascii_case("SL") => {
                    return Err(bad("a list holds no list of signals"));
                }
                Some(_) if signal.name.connection.is_some() => {
                    return Err(bad("the signals of a list are the endpoint's"));
                }
                Some(_) => {}
            }
            let step =
                self.signal(signal).map_err(|_| bad("the list holds what is no signal of the endpoint"))?;
            if matches!(step.course, Course::On | Course::Off) {
                return Err(bad("on-off signals do not end, and stand in no list"));
            }
            if !self.plane.gives(self.endpoint.index, &step.signal) {
                return Err(bad("the endpoint cannot give a signal of the list"));
            }
            steps.push(step);
        }
        if steps.is_empty() { Err(bad("the list is empty")) } else { Ok(steps) }
    }

    /// `G/rbk(connection)` is `G/rt@connection` (RFC 3660 section 2.1).
    fn ringback_alias(
        &self,
        package: &'static Package,
        signal: ListedEvent<'_>,
    ) -> Result<SignalRequest, Refusal> {
        let bad = |text| refuse(ReturnCode::EVENT_PARAMETER, text);
        if signal.name.connection.is_some() {
            return Err(bad("rbk names its connection in parentheses"));
        }
        let mut parameters = signal.parameters.iter();
        let Some(EventParameter::Value(connection)) = parameters.next() else {
            return Err(bad("rbk names a connection"));
        };
        let to = signal.parameters.number("to").map(|to| format!("(to={to})")).unwrap_or_default();
        let text = format!("{}/rt@{connection}{to}", package.name);
        let alias = EventList::parse(&text).and_then(|list| list.iter().next());
        let mut request = self.signal(alias.ok_or_else(|| bad("rbk names a connection"))?)?;
        request.wire = self.expand(&signal.to_string()).replace("($", &format!("({}", self.current_id()));
        Ok(request)
    }

    fn current_id(&self) -> &str {
        match self.current {
            Current::Present(_, id, _) => id,
            _ => "$",
        }
    }

    /// Whether a signal can be applied at a place, and a connection can carry it.
    fn check_place(&self, kind: Signal, place: &Place) -> Result<(), Refusal> {
        let refused = match (kind.place, place) {
            (package::Place::Endpoint, Place::AnyConnection | Place::Connection(_)) => {
                Some("the signal is not applied to connections")
            }
            (package::Place::Connection, Place::Endpoint) => {
                Some("the signal is applied to connections only")
            }
            _ => None,
        };
        if let Some(text) = refused {
            return Err(refuse(ReturnCode::CANNOT_SIGNAL, text));
        }
        let Place::Connection(handle) = place else { return Ok(()) };
        let ready = match self.current {
            Current::Present(current, _, readiness) if current == *handle => readiness == Readiness::Ready,
            _ => self.endpoint.connection(*handle).is_some_and(|connection| connection.remote.is_some()),
        };
        match ready {
            true => Ok(()),
            false => {
                Err(refuse(ReturnCode::NO_REMOTE_DESCRIPTOR, "the connection has no remote description yet"))
            }
        }
    }

    /// How the signal behaves with these parameters.
    fn course(
        &self,
        package: &Package,
        item: &Item,
        kind: Signal,
        parameters: EventParameters<'_>,
    ) -> Result<Course, Refusal> {
        check_parameters(package, item, kind, parameters)?;
        match kind.timing {
            Timing::OnOff if parameters.contains("-") => Ok(Course::Off),
            Timing::OnOff => Ok(Course::On),
            Timing::Brief => {
                let known = BRIEF.iter().find(|(of, symbol, _)| {
                    *of == package.name && (symbol.is_empty() || symbol.eq_ignore_ascii_case(item.symbol))
                });
                Ok(Course::Brief(known.map_or(BRIEF_USUAL, |(.., millis)| Duration::from_millis(*millis))))
            }
            Timing::TimeOut(length) => {
                // Rings are counted, and then the time does not matter (RFC 3660 section 2.4).
                if let Some(cycles) = is_ring(package, item).then(|| parameters.number("rep")).flatten() {
                    return Ok(Course::TimeOut(Some(self.ring_cycle * cycles)));
                }
                // D/dd adds 50 ms of silence to its tone (RFC 3660 section 2.2).
                let tail = Duration::from_millis(if is_tone_duration(package, item) { 50 } else { 0 });
                Ok(Course::TimeOut(match parameters.number("to") {
                    Some(0) => None,
                    Some(millis) => Some(Duration::from_millis(u64::from(millis)) + tail),
                    None => length.duration().map(|default| default + tail),
                }))
            }
        }
    }
}

/// The feature key of KY/ks and KY/ls.
fn key(item: &Item, parameters: EventParameters<'_>) -> Option<u32> {
    match (item.parameters, parameters.iter().next()) {
        (Parameters::KeyState | Parameters::KeyLabel, Some(EventParameter::Value(key))) => key.parse().ok(),
        _ => None,
    }
}

impl SignalRequest {
    /// The code that refuses the signal in this state of the hook: RFC 3435 section 4.4.2. Signals on connections go out whatever
    /// the handset does.
    pub(super) fn hook_refusal(&self, hook: Hook) -> Option<ReturnCode> {
        if let Some(code) = self.steps.iter().find_map(|step| step.hook_refusal(hook)) {
            return Some(code);
        }
        match (self.hook, hook) {
            (Some(HookState::Off), Hook::On) if self.place == Place::Endpoint => Some(ReturnCode::ON_HOOK),
            (Some(HookState::On), Hook::Off) if self.place == Place::Endpoint => Some(ReturnCode::OFF_HOOK),
            _ => None,
        }
    }
}
