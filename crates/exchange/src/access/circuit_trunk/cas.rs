//! Channel associated signalling of a circuit as its MGCP gateway works it: the packages `MS` (multifrequency digits) and `DT` (DTMF) of
//! RFC 3064.
//!
//! ```text
//!   the far end seizes      sup, inf  ->  Setup         Release  ->  bz or ro until it lets go, else rel
//!   the exchange seizes     Setup  ->  sup(addr(…))     oc  ->  Progress      ans  ->  Answered
//!   the one who called lets go    rel  ->  Released     Cleared  ->  rlc
//!   the called one lets go        sus  ->  Released     Cleared  ->  rel, and rlc says that the circuit is idle
//! ```
//!
//! It speaks for the circuit to the rest of the exchange as any signalling does ([`CircuitEvent`], [`CircuitOrder`]), and says what its
//! endpoint is to be asked for. Bits cannot say why a call fails: who calls by the circuit hears it.
//!
//! Limits: a called party that hangs up is not waited for (RFC 3064 section 3.2 leaves that to the call agent). A circuit that is used one
//! way only is not asked for `bl`. Numbers are sent at once when all of them is known, and without who calls.

use strowger_mgcp::agent::{Failure, NotificationRequest};
use strowger_mgcp::message::{
    EventParameter, NotificationControl, Quarantine, QuarantineEvents, RequestedEventBuf, SignalBuf,
};
use strowger_sansio::Duration;

use crate::access::Settings;
use crate::access::decision::decide;
use crate::trunk::{CircuitEvent, CircuitOrder, CircuitSignalling};
use crate::{CallingParty, Cause, Digits};

/// What goes on on the circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Its bearer does not serve, and nobody has a call on it.
    Down,
    /// Its gateway was told to let go, and has not said that it is idle; whether the exchange waits for that.
    Releasing {
        told: bool,
    },
    Idle,
    /// The far end has seized it, and the number is not there.
    Dialling,
    Incoming {
        answered: bool,
    },
    /// A call that came and is refused: the caller hears so until he lets go; whether the exchange waits for that.
    Refused {
        told: bool,
        tone: &'static str,
    },
    /// The number goes out.
    Seizing,
    Outgoing {
        answered: bool,
    },
    /// The call is over at the far end, and the bearer is not free yet.
    Released(End),
}

/// How a circuit becomes idle when the call is over at the far end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The far end has let go: it is idle as soon as this one lets go.
    Caller,
    /// Something went wrong: the gateway says when it is idle (RFC 3064 section 4.1).
    Fault,
    /// The called party has let go: this side ends the call.
    Called,
}

/// The signalling of one circuit.
#[derive(Debug)]
pub(super) struct Cas {
    package: &'static str,
    state: State,
    /// A signal that is given once, until the gateway has it.
    once: Option<String>,
    /// Ringing tone is given towards who calls.
    rings: bool,
    number: String,
    /// The endpoint is to be asked for something else than before.
    touched: bool,
    /// The gateway did not take what it was asked for last.
    failed: Option<Fault>,
    /// The call was taken over, and nobody has looked whether it still stands.
    unseen: bool,
    said: Vec<CircuitEvent>,
}

/// Why a request came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// It may be another time.
    Passing,
    Lasting,
}

impl Cas {
    /// The signalling of a circuit, if it is the gateway's.
    pub(super) fn of(signalling: CircuitSignalling) -> Option<Self> {
        let package = match signalling {
            CircuitSignalling::Outside | CircuitSignalling::Nobody => return None,
            CircuitSignalling::Mf => "MS",
            CircuitSignalling::Dtmf => "DT",
        };
        let (state, said, number) = (State::Down, Vec::new(), String::new());
        let (once, rings, touched, failed, unseen) = (None, false, false, None, false);
        Some(Self { package, state, once, rings, number, touched, failed, unseen, said })
    }

    /// An answered call stands on it that another exchange had.
    pub(super) const fn resume(&mut self, is_incoming: bool) {
        self.state = match is_incoming {
            true => State::Incoming { answered: true },
            false => State::Outgoing { answered: true },
        };
        self.unseen = true;
    }

    /// Whether the gateway is to be asked if a call that was taken over still stands; once.
    pub(super) const fn take_unseen(&mut self) -> bool {
        std::mem::replace(&mut self.unseen, false)
    }

    /// Whether calls may be sent by it when nobody uses it.
    pub(super) const fn is_open(&self) -> bool {
        !matches!(self.state, State::Down | State::Releasing { .. })
    }

    /// Whether nobody uses it.
    pub(super) fn is_idle(&self) -> bool {
        self.state == State::Idle
    }

    /// Whether the far end uses it although the exchange has no call there.
    pub(super) const fn is_seized(&self) -> bool {
        matches!(self.state, State::Dialling | State::Refused { .. })
    }

    /// Whether the endpoint is to be asked for something else than before; once.
    pub(super) const fn take_touched(&mut self) -> bool {
        std::mem::replace(&mut self.touched, false)
    }

    /// What it says of the circuit since this was asked last.
    pub(super) fn take_said(&mut self) -> Vec<CircuitEvent> {
        std::mem::take(&mut self.said)
    }

    /// When [`Self::handle_timeout`] is due, from the last change on.
    pub(super) fn patience(&self, settings: &Settings) -> Option<Duration> {
        let timers = &settings.timers;
        match (self.failed, self.state) {
            (Some(Fault::Passing), _) => Some(timers.retry),
            (Some(Fault::Lasting), _) | (None, State::Releasing { .. }) => Some(timers.probe),
            (None, State::Dialling) => Some(timers.setup),
            (None, State::Refused { .. }) => Some(timers.failure_tone),
            _ => None,
        }
    }

    fn go(&mut self, state: State) {
        self.state = state;
        self.rings = false;
        self.failed = None;
        self.number.clear();
    }

    /// Goes there, with a signal of the package.
    fn give(&mut self, signal: &str, state: State) {
        self.go(state);
        self.once = Some(format!("{}/{signal}", self.package));
        self.touched = true;
    }

    /// Goes there, and the endpoint watches for what can happen then.
    fn watch(&mut self, state: State) {
        self.go(state);
        self.once = None;
        self.touched = true;
    }

    fn say(&mut self, event: CircuitEvent) {
        self.said.push(event);
    }

    /// What the signalling is told.
    pub(super) fn order(&mut self, order: &CircuitOrder) {
        match (order, self.state) {
            (CircuitOrder::Setup { number, .. }, State::Idle) => match self.address(number) {
                Some(address) => self.give(&format!("sup({address})"), State::Seizing),
                None => self.say(CircuitEvent::Released { cause: Cause::INVALID_NUMBER_FORMAT }),
            },
            // The far end was faster.
            (CircuitOrder::Setup { .. }, _) => {
                self.say(CircuitEvent::Released { cause: Cause::REQUESTED_CIRCUIT_NOT_AVAILABLE });
            }
            (CircuitOrder::Answered, State::Incoming { answered: false }) => {
                self.give("ans", State::Incoming { answered: true });
            }
            (CircuitOrder::Release { cause }, State::Incoming { answered: false }) => {
                self.refuse(true, *cause);
            }
            (
                CircuitOrder::Release { .. },
                State::Incoming { .. } | State::Outgoing { .. } | State::Seizing,
            ) => {
                self.give("rel", State::Releasing { told: true });
            }
            (CircuitOrder::Release { .. }, _) => self.say(CircuitEvent::Cleared),
            (CircuitOrder::Cleared, State::Released(End::Caller)) => self.give("rlc", State::Idle),
            (CircuitOrder::Cleared, State::Released(End::Fault)) => {
                self.give("rlc", State::Releasing { told: false });
            }
            (CircuitOrder::Cleared, State::Released(End::Called)) => {
                self.give("rel", State::Releasing { told: false });
            }
            (CircuitOrder::Bearer { serves: true }, State::Down) => {
                self.give("rel", State::Releasing { told: false });
            }
            (CircuitOrder::Bearer { serves: true }, State::Releasing { .. }) => {
                self.give("rel", self.state);
            }
            (CircuitOrder::Bearer { serves: true }, _) => self.touched = true,
            (CircuitOrder::Bearer { serves: false }, _) => self.fall(),
            _ => {}
        }
    }

    /// The bearer does not serve: what is no call is over.
    fn fall(&mut self) {
        match self.state {
            State::Releasing { told } | State::Refused { told, .. } => {
                if told {
                    self.say(CircuitEvent::Cleared);
                }
                self.go(State::Down);
            }
            State::Idle | State::Dialling => self.go(State::Down),
            State::Down
            | State::Incoming { .. }
            | State::Outgoing { .. }
            | State::Seizing
            | State::Released(_) => {}
        }
    }

    /// Who calls by the circuit hears that his call came to nothing.
    fn refuse(&mut self, told: bool, cause: Cause) {
        let tone = if cause == Cause::USER_BUSY { "bz" } else { "ro" };
        self.watch(State::Refused { told, tone });
    }

    /// The exchange does not take the call that came.
    pub(super) fn not_taken(&mut self) {
        self.refuse(false, Cause::REQUESTED_CIRCUIT_NOT_AVAILABLE);
    }

    /// Gives ringing tone towards who calls, or ends it.
    pub(super) fn ring(&mut self, on: bool) {
        self.touched |= self.rings != on;
        self.rings = on;
    }

    /// The address of `sup`: MF digits between KP and ST, or DTMF digits (RFC 3064 table 13); none when it has others.
    fn address(&self, number: &str) -> Option<String> {
        let is_digit = |key: char| match self.package {
            "MS" => key.is_ascii_digit(),
            _ => key.is_ascii_digit() || matches!(key, '*' | '#' | 'A'..='D'),
        };
        if number.is_empty() || !number.chars().all(is_digit) {
            return None;
        }
        let digits: Vec<_> = number.chars().map(String::from).collect();
        let digits = digits.join(",");
        Some(if self.package == "MS" { format!("addr(K0,{digits},S0)") } else { format!("addr({digits})") })
    }

    /// What the endpoint is asked for.
    pub(super) fn request(&self, settings: &Settings) -> NotificationRequest {
        let package = self.package;
        let own = |names: &[&str]| names.iter().map(|name| format!("{package}/{name}")).collect::<Vec<_>>();
        let is_dtmf = package == "DT";
        let events = match self.state {
            State::Idle | State::Dialling if is_dtmf => {
                [own(&["sup", "rel"]), vec!["D/[0-9*#T](D)".to_owned()]].concat()
            }
            State::Idle | State::Dialling => own(&["sup", "inf", "rel"]),
            State::Incoming { .. } => own(&["rel"]),
            State::Refused { .. } => own(&["rel", "oc"]),
            State::Seizing => own(&["oc", "ans", "rel"]),
            State::Outgoing { .. } => own(&["ans", "sus", "rel"]),
            State::Down | State::Releasing { .. } | State::Released(_) => own(&["rlc"]),
        };
        let waits = is_dtmf && matches!(self.state, State::Idle | State::Dialling);
        let tone = match self.state {
            State::Incoming { answered: false } if self.rings => Some(format!("{package}/rt")),
            State::Refused { tone, .. } => Some(format!("{package}/{tone}")),
            _ => None,
        };
        NotificationRequest {
            events: events.iter().filter_map(|event| RequestedEventBuf::parse(event)).collect(),
            signals: self.once.iter().chain(&tone).filter_map(|signal| SignalBuf::parse(signal)).collect(),
            digit_map: waits.then(|| settings.digit_maps.get(Digits::Number).to_owned()),
            quarantine: Some(Quarantine {
                events: QuarantineEvents::Process,
                notifications: NotificationControl::Loop,
            }),
            ..NotificationRequest::default()
        }
    }

    /// What became of the last request.
    pub(super) fn answered(&mut self, failure: Option<&Failure>) {
        match failure {
            None => {
                self.once = None;
                self.failed = None;
            }
            // What follows decides for the whole gateway.
            Some(Failure::GatewayLost | Failure::Restarted) => self.fall(),
            Some(failure) if self.state == State::Seizing => {
                self.say(CircuitEvent::Released { cause: decide(failure).cause });
                self.go(State::Released(End::Called));
            }
            Some(failure) => {
                let passes = decide(failure).cause == Cause::TEMPORARY_FAILURE;
                self.failed = Some(if passes { Fault::Passing } else { Fault::Lasting });
            }
        }
    }

    /// A gateway that was asked whether a call that was taken over still stands has said which states hold.
    pub(super) fn found(&mut self, states: &[String]) {
        let idle = format!("{}/rlc", self.package);
        let stands = matches!(self.state, State::Incoming { .. } | State::Outgoing { .. });
        if stands && states.iter().any(|state| state.eq_ignore_ascii_case(&idle)) {
            self.say(CircuitEvent::Released { cause: Cause::NORMAL_CLEARING });
            self.go(State::Released(End::Called));
        }
    }

    /// The pause that [`Self::patience`] asks for is over.
    pub(super) fn handle_timeout(&mut self) {
        if self.failed.take().is_some() {
            self.touched = true;
            return;
        }
        match self.state {
            State::Dialling => self.refuse(false, Cause::INVALID_NUMBER_FORMAT),
            State::Refused { told, .. } => self.give("rel", State::Releasing { told }),
            State::Releasing { told } => {
                // Nobody waits longer for a far end that does not let go, but the circuit is not used before.
                if told {
                    self.say(CircuitEvent::Cleared);
                }
                self.give("rel", State::Releasing { told: false });
            }
            _ => {}
        }
    }

    /// What happened at the endpoint, in order.
    pub(super) fn observed(&mut self, events: &[SignalBuf]) {
        for event in events {
            let package = event.name().package().unwrap_or(self.package);
            let name = event.name().event().to_ascii_lowercase();
            if package.eq_ignore_ascii_case("D") {
                self.dialled(&name);
            } else if package.eq_ignore_ascii_case(self.package) {
                self.happened(&name, event);
            }
        }
        if self.package == "DT" && self.state == State::Dialling && !self.number.is_empty() {
            self.arrived();
        }
    }

    fn dialled(&mut self, keys: &str) {
        if self.state == State::Dialling {
            let keys = keys.chars().map(|key| key.to_ascii_uppercase());
            self.number.extend(keys.filter(|key| matches!(key, '0'..='9' | '*' | '#' | 'A'..='D')));
        }
    }

    fn happened(&mut self, name: &str, event: &SignalBuf) {
        match (name, self.state) {
            ("sup", State::Idle) => self.go(State::Dialling),
            ("inf", State::Dialling) => self.digits(event),
            ("oc", State::Seizing) => {
                self.watch(State::Outgoing { answered: false });
                self.say(CircuitEvent::Progress);
            }
            ("oc", State::Refused { told, .. }) => self.give("rel", State::Releasing { told }),
            ("ans", State::Seizing | State::Outgoing { answered: false }) => {
                self.watch(State::Outgoing { answered: true });
                self.say(CircuitEvent::Answered);
            }
            ("sus", State::Outgoing { answered: true }) => {
                self.say(CircuitEvent::Released { cause: Cause::NORMAL_CLEARING });
                self.go(State::Released(End::Called));
            }
            ("rel", State::Dialling) => self.give("rlc", State::Idle),
            ("rel", State::Refused { told, .. }) => {
                if told {
                    self.say(CircuitEvent::Cleared);
                }
                self.give("rlc", State::Idle);
            }
            ("rel", State::Incoming { .. } | State::Outgoing { .. } | State::Seizing) => {
                let (cause, end) = reason(event);
                self.say(CircuitEvent::Released { cause });
                self.go(State::Released(end));
            }
            ("rlc", State::Releasing { told }) => {
                if told {
                    self.say(CircuitEvent::Cleared);
                }
                self.watch(State::Idle);
            }
            // It is idle before the bearer is.
            ("rlc", State::Released(_)) => self.go(State::Released(End::Caller)),
            _ => {}
        }
    }

    /// MF digits: the number stands between KP and ST; one without an end came to none in time.
    fn digits(&mut self, event: &SignalBuf) {
        let mut ended = false;
        for value in event.parameters().iter() {
            let EventParameter::Value(name) = value else { continue };
            match name.chars().collect::<Vec<_>>().as_slice() {
                [digit] if digit.is_ascii_digit() && !ended => self.number.push(*digit),
                ['S' | 's', _] => ended = true,
                _ => {}
            }
        }
        if ended && !self.number.is_empty() {
            self.arrived();
        } else {
            self.refuse(false, Cause::INVALID_NUMBER_FORMAT);
        }
    }

    /// The number of a call that comes is complete.
    fn arrived(&mut self) {
        let called = std::mem::take(&mut self.number);
        self.watch(State::Incoming { answered: false });
        self.say(CircuitEvent::Setup { called, calling: CallingParty::default() });
    }
}

/// Why the gateway releases, in the values of RFC 3064 table 12, which are those of Q.850 but for 0.
fn reason(event: &SignalBuf) -> (Cause, End) {
    let value = event.parameters().iter().find_map(|parameter| match parameter {
        EventParameter::Value(value) => value.parse::<u8>().ok(),
        _ => None,
    });
    match value.unwrap_or_default() {
        0 => (Cause::NORMAL_CLEARING, End::Caller),
        other => (Cause::new(other).unwrap_or(Cause::PROTOCOL_ERROR), End::Fault),
    }
}
