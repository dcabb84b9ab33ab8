//! From a command's R, D, Q, T and B/PR to a request that an endpoint can carry out: RFC 3435 sections 2.3.3, 3.2.2.16 and B.2.1.
//!
//! Everything that can be refused is refused here, before anything is touched; what then remains to fail is the media plane.
//! Signals have their own room, [`signal_list`](super::signal_list).

use std::cell::Cell;
use std::sync::Arc;

use strowger_sansio::Duration;

use super::config::GatewayLimits;
use super::endpoint::Endpoint;
use super::event::{CodePattern, DIGITS, PackagePattern, Pattern, Place, bit, letters};
use super::media::{ConnectionHandle, Hook, MediaPlane};
use super::refusal::{Refusal, refuse};
use super::request::{
    Audio, Detect, Embedded, Handling, NotificationRequest, Requested, SignalsOnEvent, ToneDuration, glare,
};
use super::wanted::rtp_parameters;
use crate::dialect::Dialect;
use crate::digitmap::{DigitMap, DigitMapError};
use crate::limits::Limits;
use crate::message::{
    ActionSet, Actions, Command, EventConnection, EventList, EventName, EventParameter, EventParameters,
    NotificationControl, ParameterCode, Quarantine, RequestId, RequestedEvent, RequestedEvents, ReturnCode,
};
use crate::package::{self, Package, PackageSet, Parameters};

/// What the words of a request mean at one endpoint.
pub(super) struct Reader<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) packages: PackageSet,
    /// What the call agent calls events and signals.
    pub(super) dialect: Dialect,
    pub(super) current: Current<'a>,
    pub(super) plane: &'a dyn MediaPlane,
    pub(super) hook: Hook,
    pub(super) ring_cycle: Duration,
    pub(super) codec: &'a Limits,
    pub(super) limits: &'a GatewayLimits,
    /// Digit maps that this command's other endpoints have had compiled: a map may cost as much as all the rest.
    pub(super) maps: &'a [Arc<DigitMap>],
    /// How many had to be compiled here.
    pub(super) compiled: Cell<u32>,
}

/// The connection that a command is about, which event names may call `$`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Current<'a> {
    /// None: `$` has no meaning.
    None,
    /// One that is being created or modified, and whether it will have a remote description.
    Present(ConnectionHandle, &'a str, Readiness),
    /// One that is being deleted: it can no longer be named.
    Leaving(ConnectionHandle),
}

/// Whether signals can be sent on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readiness {
    /// It has a remote description.
    Ready,
    /// It has none yet (527).
    NoRemote,
}

/// A request, and the persistent events that come with it.
pub(super) struct Prepared {
    pub(super) request: NotificationRequest,
    pub(super) persistent: Option<Vec<Requested>>,
    /// How many digit maps were compiled for it.
    pub(super) compiled: u32,
}

impl Prepared {
    /// The digit maps of the request and of those embedded in it.
    pub(super) fn maps(&self) -> impl Iterator<Item = &Arc<DigitMap>> {
        let embedded = self.request.requested.iter().filter_map(|entry| entry.embedded.as_ref());
        let embedded = embedded.filter_map(|embedded| embedded.digit_map.as_ref());
        self.request.digit_map.iter().chain(embedded)
    }
}

impl Reader<'_> {
    /// The notification request of a command: an RQNT, or what another command encapsulates.
    ///
    /// `id` is its X, `entity` its N.
    pub(super) fn read(
        &self,
        command: &Command<'_>,
        id: RequestId<'_>,
        entity: Option<String>,
    ) -> Result<Prepared, Refusal> {
        let quarantine = command.quarantine().unwrap_or_default();
        let persistent = self.persistent(command)?;
        self.check_persistent(persistent.as_deref())?;
        let digit_map = match command.digit_map() {
            Some(text) => Some(self.digit_map(text)?),
            None => None,
        };
        let has_map = digit_map.is_some() || self.endpoint.machine.digit_map.is_some();
        let depth = Depth::Outer { quarantine, has_map };
        let renamed = |code: ParameterCode<'_>| self.dialect.from_peer(command.parameters.get(code)?);
        let own = renamed(ParameterCode::RequestedEvents);
        let own = own.as_deref().and_then(RequestedEvents::parse);
        let requested = self.requested(own.or(command.requested_events()).unwrap_or_default(), depth)?;
        let own = renamed(ParameterCode::SignalRequests);
        let own = own.as_deref().and_then(EventList::parse);
        let signals = self.signals(own.or(command.signal_requests()).unwrap_or_default())?;
        let own = renamed(ParameterCode::DetectEvents);
        let own = own.as_deref().and_then(EventList::parse);
        let detect = match own.or(command.detect_events()) {
            Some(list) => Some(self.detect(list)?),
            None => None,
        };
        if let Some(code) = glare(&requested, self.hook) {
            return Err(refuse(code, "the line is already in the state whose event is requested"));
        }
        if let Some(code) = signals.iter().find_map(|signal| signal.hook_refusal(self.hook)) {
            return Err(refuse(code, "the signal cannot be applied in this state of the hook"));
        }
        let id = id.to_buf();
        let request = NotificationRequest { id, entity, requested, signals, digit_map, quarantine, detect };
        Ok(Prepared { request, persistent, compiled: self.compiled.get() })
    }

    /// The value of B/PR, if the command has one.
    fn persistent(&self, command: &Command<'_>) -> Result<Option<Vec<Requested>>, Refusal> {
        let code = ParameterCode::Package { package: "B", name: "PR" };
        let Some(text) = command.parameters.get(code) else { return Ok(None) };
        self.persistent_events(text).map(Some)
    }

    /// Reads a list of persistent events.
    pub(super) fn persistent_events(&self, text: &str) -> Result<Vec<Requested>, Refusal> {
        let list = RequestedEvents::parse(text)
            .ok_or_else(|| refuse(ReturnCode::PROTOCOL_ERROR, "B/PR holds no list of requested events"))?;
        let has_map = self.endpoint.machine.digit_map.is_some();
        self.requested(list, Depth::Outer { quarantine: self.endpoint.machine.quarantine, has_map })
    }

    /// A persistent event on a connection that is gone makes each later request fail until the list is replaced (section B.2.1).
    fn check_persistent(&self, new: Option<&[Requested]>) -> Result<(), Refusal> {
        let list = new.unwrap_or(&self.endpoint.machine.persistent);
        let gone = |entry: &Requested| match entry.pattern.place {
            Place::Connection(handle) => !self.exists(handle),
            Place::Endpoint | Place::AnyConnection => false,
        };
        if list.iter().any(gone) {
            return Err(refuse(ReturnCode::CONNECTION_ID, "a persistent event names a deleted connection"));
        }
        Ok(())
    }

    fn exists(&self, handle: ConnectionHandle) -> bool {
        match self.current {
            Current::Leaving(leaving) if leaving == handle => false,
            Current::Present(present, ..) if present == handle => true,
            _ => self.endpoint.connection(handle).is_some(),
        }
    }

    fn digit_map(&self, text: &str) -> Result<Arc<DigitMap>, Refusal> {
        let current = self.endpoint.machine.digit_map.iter();
        if let Some(known) = self.maps.iter().chain(current).find(|map| map.text() == text) {
            return Ok(Arc::clone(known));
        }
        self.compiled.set(self.compiled.get() + 1);
        match DigitMap::compile(text, self.codec) {
            Ok(map) => Ok(Arc::new(map)),
            Err(DigitMapError::UnknownLetter { .. }) => {
                Err(refuse(ReturnCode::DIGIT_MAP_LETTER, "a letter of the digit map is not supported"))
            }
            Err(DigitMapError::Syntax { .. }) => {
                Err(refuse(ReturnCode::PROTOCOL_ERROR, "the digit map is malformed"))
            }
            Err(DigitMapError::TooComplex) => {
                Err(refuse(ReturnCode::NO_RESOURCES, "the digit map is too large"))
            }
        }
    }

    fn requested(&self, list: RequestedEvents<'_>, depth: Depth) -> Result<Vec<Requested>, Refusal> {
        let mut requested: Vec<Requested> = Vec::new();
        for event in list.iter() {
            if requested.len() >= self.limits.requested_events {
                return Err(refuse(ReturnCode::NO_RESOURCES, "too many requested events"));
            }
            let entry = self.requested_event(event, depth)?;
            if requested.iter().any(|other| other.pattern.repeats(&entry.pattern)) {
                return Err(refuse(ReturnCode::PROTOCOL_ERROR, "an event is requested twice"));
            }
            requested.push(entry);
        }
        Ok(requested)
    }

    fn requested_event(&self, event: RequestedEvent<'_>, depth: Depth) -> Result<Requested, Refusal> {
        let pattern = self.pattern(event.name)?;
        let duration = self.event_parameters(&pattern, event.parameters)?;
        let parameters = match (&pattern.package, &pattern.code) {
            (PackagePattern::Is(package), CodePattern::Is(code)) if package.eq_ignore_ascii_case("R") => {
                rtp_parameters(code, event.parameters)?
            }
            // The pattern of the 108 test line is the usual one (RFC 3660 section 2.3).
            _ if pattern.names("T", "tp") && event.parameters.is_empty() => "95".to_owned(),
            _ => event.parameters.as_str().to_owned(),
        };
        let set = check_actions(event.actions, depth)?;
        let handling = if set.contains(ActionSet::NOTIFY) {
            Handling::Notify
        } else if set.contains(ActionSet::ACCUMULATE) {
            Handling::Accumulate
        } else if set.contains(ActionSet::DIGIT_MAP) {
            Handling::DigitMap
        } else if set.contains(ActionSet::IGNORE) {
            Handling::Ignore
        } else {
            Handling::Unreported
        };
        if handling == Handling::DigitMap && !depth.has_map() {
            return Err(refuse(ReturnCode::NO_DIGIT_MAP, "the endpoint has no digit map"));
        }
        let signals = match set.contains(ActionSet::KEEP_SIGNALS) {
            true => SignalsOnEvent::Keep,
            false => SignalsOnEvent::Stop,
        };
        let audio = if set.contains(ActionSet::SWAP) { Audio::Swap } else { Audio::Stay };
        let embedded = match event.actions.embedded() {
            Some(groups) => Some(Arc::new(self.embedded(groups, depth)?)),
            None => None,
        };
        let wire = self.expand(&event.to_string());
        Ok(Requested { pattern, handling, signals, audio, embedded, duration, parameters, wire })
    }

    fn embedded(&self, groups: crate::message::Embedded<'_>, depth: Depth) -> Result<Embedded, Refusal> {
        let digit_map = match groups.digit_map {
            Some(text) => Some(self.digit_map(text)?),
            None => None,
        };
        let has_map = digit_map.is_some() || depth.has_map();
        let requested =
            self.requested(groups.requested_events.unwrap_or_default(), Depth::Embedded { has_map })?;
        let signals = self.signals(groups.signal_requests.unwrap_or_default())?;
        Ok(Embedded { requested, signals, digit_map })
    }

    fn detect(&self, list: EventList<'_>) -> Result<Vec<Detect>, Refusal> {
        let mut detect: Vec<Detect> = Vec::new();
        for event in list.iter() {
            if detect.len() >= self.limits.requested_events {
                return Err(refuse(ReturnCode::NO_RESOURCES, "too many events to detect"));
            }
            let pattern = self.pattern(event.name)?;
            self.event_parameters(&pattern, event.parameters)?;
            detect.push(Detect { pattern, wire: self.expand(&event.to_string()) });
        }
        Ok(detect)
    }

    /// The events that a name asks for.
    fn pattern(&self, name: EventName<'_>) -> Result<Pattern, Refusal> {
        let any_package = name.package == Some("*");
        let package = if any_package { None } else { Some(self.package(name.package)?) };
        let code = match package {
            Some(package) => package_code(package, name.event)?,
            None if name.event.eq_ignore_ascii_case("all") || name.event == "*" => CodePattern::All,
            None => self.code_of_any(name.event)?,
        };
        let mut place = self.place(name.connection)?;
        if let (CodePattern::Is(code), Some(package)) = (&code, package) {
            place = event_place(package, code, place)?;
            if !self.plane.detects(self.endpoint.index, package.name, code) {
                return Err(refuse(ReturnCode::CANNOT_DETECT, "the endpoint cannot find this event"));
            }
        }
        let package =
            package.map_or(PackagePattern::Any, |package| PackagePattern::Is(package.name.to_owned()));
        Ok(Pattern { package, code, place })
    }

    /// The package that a name means here.
    pub(super) fn package(&self, name: Option<&str>) -> Result<&'static Package, Refusal> {
        self.packages
            .resolve(name)
            .ok_or_else(|| refuse(ReturnCode::PACKAGE, "the endpoint does not have this package"))
    }

    /// `*/event`: at least one of the endpoint's packages must have it.
    fn code_of_any(&self, event: &str) -> Result<CodePattern, Refusal> {
        let names = self.packages.names().iter();
        let found = names.filter_map(|name| package::find(name)).find_map(|p| package_code(p, event).ok());
        found.ok_or_else(|| refuse(ReturnCode::NO_SUCH_EVENT, "no package of the endpoint has this event"))
    }

    /// The connection that a name points to.
    pub(super) fn place(&self, connection: Option<EventConnection<'_>>) -> Result<Place, Refusal> {
        let wrong = |text| refuse(ReturnCode::CONNECTION_ID, text);
        match connection {
            None => Ok(Place::Endpoint),
            Some(EventConnection::All) => Ok(Place::AnyConnection),
            Some(EventConnection::Current) => match self.current {
                Current::Present(handle, ..) => Ok(Place::Connection(handle)),
                _ => Err(wrong("only a command that creates or modifies a connection can say $")),
            },
            Some(EventConnection::Id(id)) => {
                let known = self.endpoint.connections.iter().find(|connection| connection.id == id);
                let handle = known.map(|connection| connection.handle).filter(|handle| self.exists(*handle));
                handle.map(Place::Connection).ok_or_else(|| wrong("an event names an unknown connection"))
            }
        }
    }

    /// The wire form for audits: `$` is replaced once and for all (section 2.1.7).
    pub(super) fn expand(&self, wire: &str) -> String {
        match self.current {
            Current::Present(_, id, _) => wire.replace("@$", &format!("@{id}")),
            _ => wire.to_owned(),
        }
    }

    /// Checks the parameters of an event that is asked for.
    fn event_parameters(
        &self,
        pattern: &Pattern,
        parameters: EventParameters<'_>,
    ) -> Result<Option<ToneDuration>, Refusal> {
        let bad = |text| Err(refuse(ReturnCode::EVENT_PARAMETER, text));
        if pattern.names("D", "dd") {
            return tone_duration(parameters).map(Some);
        }
        let (PackagePattern::Is(package), CodePattern::Is(code)) = (&pattern.package, &pattern.code) else {
            return if parameters.is_empty() {
                Ok(None)
            } else {
                bad("a group of events takes no parameters")
            };
        };
        if package.eq_ignore_ascii_case("R") {
            return rtp_parameters(code, parameters).map(|_| None);
        }
        let item = package::find(package).and_then(|package| package.item(code));
        match item.map(|item| item.parameters) {
            // Which pattern to look for must be said; the failure code of B/enf must not.
            Some(Parameters::Number(..)) if parameters.is_empty() && pattern.names("T", "tp") => Ok(None),
            Some(Parameters::Number(low, high)) if !package.eq_ignore_ascii_case("B") => {
                let number = parameters.as_str().parse::<u16>();
                if number.is_ok_and(|number| (low..=high).contains(&number)) {
                    Ok(None)
                } else {
                    bad("a number is missing or out of range")
                }
            }
            _ if parameters.is_empty() => Ok(None),
            // An emulated handset counts rings (RFC 3660 section 2.5).
            _ if package.eq_ignore_ascii_case("H") && is_ringing(code) => match parameters.number("rep") {
                Some(1..=255) if parameters.iter().count() == 1 => Ok(None),
                _ => bad("rep is a number from 1 to 255"),
            },
            _ => bad("the event takes no parameters when it is requested"),
        }
    }
}

fn is_ringing(code: &str) -> bool {
    code.eq_ignore_ascii_case("rg") || matches!(code.as_bytes(), [b'r' | b'R', b'0'..=b'7'])
}

/// How deep a list of requested events stands.
#[derive(Clone, Copy, Debug)]
enum Depth {
    /// In the command itself.
    Outer { quarantine: Quarantine, has_map: bool },
    /// In an embedded request: one level is supported (section 2.3.3).
    Embedded { has_map: bool },
}

impl Depth {
    fn has_map(self) -> bool {
        match self {
            Self::Outer { has_map, .. } | Self::Embedded { has_map } => has_map,
        }
    }
}

/// Whether the actions of an event can be taken together. [`text::check`](crate::text::check) has looked at those of the command; the
/// events of B/PR and of provisioning come by here only.
fn check_actions(actions: Actions<'_>, depth: Depth) -> Result<ActionSet, Refusal> {
    let bad = |text| Err(refuse(ReturnCode::ACTION, text));
    let mut set = ActionSet::default();
    for action in actions.iter() {
        let one = action.as_set();
        if one == ActionSet::EXTENSION || !set.combines_with(one) {
            return bad("these actions cannot be taken together");
        }
        set = set.with(one);
    }
    match depth {
        Depth::Embedded { .. } if set.contains(ActionSet::EMBEDDED) => {
            bad("one level of embedding is supported")
        }
        // With one notification allowed, the embedded request could never notify.
        Depth::Outer { quarantine, .. }
            if set.contains(ActionSet::NOTIFY.with(ActionSet::EMBEDDED))
                && quarantine.notifications == NotificationControl::Step =>
        {
            bad("N and E stand together in loop mode only")
        }
        _ => Ok(set),
    }
}

/// The events of one package that a code asks for.
fn package_code(package: &'static Package, code: &str) -> Result<CodePattern, Refusal> {
    let missing = || refuse(ReturnCode::NO_SUCH_EVENT, "the package has no such event");
    let dtmf = package.name == "D";
    if code.eq_ignore_ascii_case("all") || (code == "*" && !dtmf) {
        return Ok(CodePattern::All);
    }
    if dtmf && code.eq_ignore_ascii_case("x") {
        return Ok(CodePattern::Letters(DIGITS));
    }
    if let Some(range) = code.strip_prefix('[') {
        let set = letters(range.trim_end_matches(']')).ok_or_else(missing)?;
        let known = |letter: &char| package.event(&letter.to_string()).is_some();
        let mut all = ('#'..='Z').filter(|letter| set & bit(*letter) != 0);
        return if all.all(|letter| known(&letter)) { Ok(CodePattern::Letters(set)) } else { Err(missing()) };
    }
    let item = package.item(code).ok_or_else(missing)?;
    match item.event {
        Some(_) => Ok(CodePattern::Is(item.symbol.to_owned())),
        None => Err(refuse(ReturnCode::CANNOT_DETECT, "this is a signal, not an event")),
    }
}

/// Whether an event can be detected at a place. Those that happen on connections only mean all of them when none is named
/// (RFC 3660 section 2.1, G/ld).
fn event_place(package: &Package, code: &str, place: Place) -> Result<Place, Refusal> {
    let Some(event) = package.event(code) else { return Ok(place) };
    match (event.place, &place) {
        (package::Place::Endpoint, Place::AnyConnection | Place::Connection(_)) => {
            Err(refuse(ReturnCode::CANNOT_DETECT, "the event is not detected on connections"))
        }
        (package::Place::Connection, Place::Endpoint) => Ok(Place::AnyConnection),
        _ => Ok(place),
    }
}

/// The parameters of a request for D/dd: RFC 3660 section 2.2.
fn tone_duration(parameters: EventParameters<'_>) -> Result<ToneDuration, Refusal> {
    let bad = |text| refuse(ReturnCode::EVENT_PARAMETER, text);
    let known = |parameter| match parameter {
        EventParameter::Named { name, .. } => {
            ["dg", "to", "su"].iter().any(|known| known.eq_ignore_ascii_case(name))
        }
        EventParameter::Value(_) | EventParameter::Quoted(_) => false,
    };
    if !parameters.iter().all(known) {
        return Err(bad("dd has dg, to and su"));
    }
    let is_truth = |text: &str| ["true", "false"].iter().any(|known| known.eq_ignore_ascii_case(text));
    if parameters.named("su").is_some_and(|su| !is_truth(su.as_str())) {
        return Err(bad("su is true or false"));
    }
    let tones = match parameters.named("dg") {
        None => u128::MAX,
        Some(tone) if tone.as_str().len() == 1 => {
            letters(tone.as_str()).ok_or_else(|| bad("dg names no tone"))?
        }
        Some(_) => return Err(bad("dg names one tone")),
    };
    let exceeds = match parameters.named("to") {
        None => None,
        Some(_) => {
            let millis = parameters.number("to").filter(|millis| (40..=60_000).contains(millis));
            let millis = millis.ok_or_else(|| bad("to is a number from 40 to 60000"))?;
            Some(Duration::from_millis(u64::from((millis + 5) / 10 * 10)))
        }
    };
    Ok(ToneDuration { tones, exceeds })
}
