//! What a line's endpoint is asked to watch for and to play: one notification request for each thing that a
//! line does.
//!
//! Every list names the hook event that the present hook state can lead to, and no other: a gateway refuses
//! the other one with 401 or 402, and that refusal tells what the exchange has missed (RFC 3435 section
//! 4.4.2). All requests are in step mode, so that an endpoint that has reported something waits for what the
//! exchange makes of it.

use std::collections::BTreeSet;

use strowger_mgcp::agent::NotificationRequest;
use strowger_mgcp::message::{RequestIdBuf, RequestedEventBuf, SignalBuf};
use strowger_sansio::{Duration, Time};

use crate::access::{Settings, signal};
use crate::{CallingParty, Digits, Tone};

/// What a line is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Watch {
    /// On hook: wait for a seizure.
    Seizure,
    /// Off hook: invite to dial, and collect digits.
    Digits(Dial),
    /// Off hook: wait for the end, and play this meanwhile.
    End(Option<Tone>),
    /// On hook: ring, and wait for the answer.
    Answer(CallingParty),
}

/// How a party is invited to dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dial {
    pub(super) prompt: Tone,
    pub(super) digits: Digits,
    /// How long the prompt lasts without a digit, when it is not as long as usual.
    pub(super) patience: Option<Duration>,
}

/// What an endpoint has turned out not to be able to do: signals without their parameters, and the completion
/// event.
pub(super) type Lacks = BTreeSet<String>;

/// The name under which the completion of dial tone stands among what is lacked.
const COMPLETION: &str = "L/oc";

impl Watch {
    /// The request.
    pub(super) fn request(
        &self,
        now: Time,
        settings: &Settings,
        lacks: &Lacks,
        request_id: RequestIdBuf,
    ) -> NotificationRequest {
        let events: &[&str] = match self {
            Self::Seizure | Self::Answer(_) => &["L/hd(N)"],
            Self::End(_) => &["L/hu(N)"],
            Self::Digits(_) if lacks.contains(COMPLETION) => &["L/hu(N)", "D/[0-9*#T](D)"],
            Self::Digits(_) => &["L/hu(N)", "L/oc(N)", "D/[0-9*#T](D)"],
        };
        NotificationRequest {
            request_id: Some(request_id),
            events: events.iter().filter_map(|event| RequestedEventBuf::parse(event)).collect(),
            signals: self.signals(now, settings, lacks).iter().filter_map(|s| SignalBuf::parse(s)).collect(),
            digit_map: match self {
                Self::Digits(dial) => Some(settings.digit_maps.get(dial.digits).to_owned()),
                _ => None,
            },
            ..NotificationRequest::default()
        }
    }

    fn signals(&self, now: Time, settings: &Settings, lacks: &Lacks) -> Vec<String> {
        let able = |signal: &String| !lacks.contains(name(signal));
        match self {
            Self::Seizure | Self::End(None) => Vec::new(),
            Self::Digits(dial) => {
                let prompts = signal::prompt(dial.prompt, dial.patience, settings);
                prompts.into_iter().find(able).into_iter().collect()
            }
            Self::End(Some(tone)) => {
                signal::tone(*tone, settings).into_iter().find(able).into_iter().collect()
            }
            Self::Answer(calling) => {
                let caller_id = signal::caller_id(now, settings, calling);
                [signal::ringing(settings), caller_id].into_iter().filter(able).collect()
            }
        }
    }

    /// The endpoint cannot do this: what is given up in its place, so that the next request differs. None
    /// when there is nothing that could be done without.
    pub(super) fn give_up(&self, now: Time, settings: &Settings, lacks: &Lacks) -> Option<String> {
        match self {
            Self::Seizure | Self::End(None) => None,
            Self::Digits(dial) => {
                let prompts = signal::prompt(dial.prompt, dial.patience, settings);
                let left: Vec<_> = prompts.iter().filter(|signal| !lacks.contains(name(signal))).collect();
                match left.as_slice() {
                    // Dial tone itself cannot be done without.
                    [first, _, ..] => Some(name(first).to_owned()),
                    _ => (!lacks.contains(COMPLETION)).then(|| COMPLETION.to_owned()),
                }
            }
            Self::End(Some(_)) => {
                self.signals(now, settings, lacks).first().map(|signal| name(signal).to_owned())
            }
            Self::Answer(_) => {
                let signals = self.signals(now, settings, lacks);
                // Ringing itself cannot be done without.
                signals.get(1).map(|signal| name(signal).to_owned())
            }
        }
    }
}

/// A signal without its parameters.
fn name(signal: &str) -> &str {
    signal.split_once('(').map_or(signal, |(name, _)| name)
}

/// What an endpoint observed, as far as a line cares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Observed {
    pub(super) off_hook: bool,
    pub(super) on_hook: bool,
    /// Dial tone has run out.
    pub(super) completed: bool,
    pub(super) digits: String,
    /// The digit timer has run out.
    pub(super) pause: bool,
}

impl Observed {
    /// Reads a list of observed events. Digits come one by one or, from some gateways, as one string (RFC
    /// 3435 section 3.2.2.14). Of the hook events the last tells where the hook is now.
    pub(super) fn read(events: &[SignalBuf]) -> Self {
        let mut observed = Self::default();
        for event in events {
            let package = event.name().package().map(str::to_ascii_lowercase);
            let name = event.name().event().to_ascii_lowercase();
            match (package.as_deref(), name.as_str()) {
                (Some("l" | "h") | None, "hd") => (observed.off_hook, observed.on_hook) = (true, false),
                (Some("l" | "h") | None, "hu") => (observed.off_hook, observed.on_hook) = (false, true),
                (Some("l" | "g" | "h") | None, "oc") => observed.completed = true,
                (Some("d") | None, keys) if keys.chars().all(is_key) => {
                    for key in keys.chars() {
                        match key.to_ascii_uppercase() {
                            'T' => observed.pause = true,
                            key => observed.digits.push(key),
                        }
                    }
                }
                _ => {}
            }
        }
        observed
    }
}

fn is_key(key: char) -> bool {
    matches!(key.to_ascii_uppercase(), '0'..='9' | '*' | '#' | 'A'..='D' | 'T')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::DigitMaps;
    use crate::{CallTimers, Country};

    fn settings() -> Settings {
        Settings {
            timers: CallTimers::default(),
            country: Country::default(),
            digit_maps: DigitMaps { plan: "(200[12])".to_owned(), numbers: String::new() },
            mismatches: 4,
            session_description: 4096,
            wall: None,
        }
    }

    fn lines(watch: &Watch, lacks: &Lacks) -> (String, String) {
        let request = watch.request(Time::ZERO, &settings(), lacks, RequestIdBuf::from_u128(1));
        let join = |items: Vec<String>| items.join(",");
        (
            join(request.events.iter().map(ToString::to_string).collect()),
            join(request.signals.iter().map(ToString::to_string).collect()),
        )
    }

    fn dial(prompt: Tone) -> Watch {
        Watch::Digits(Dial { prompt, digits: Digits::Plan, patience: None })
    }

    fn pair(events: &str, signals: &str) -> (String, String) {
        (events.to_owned(), signals.to_owned())
    }

    #[test]
    fn each_thing_that_a_line_does_has_its_request() {
        let none = Lacks::new();
        assert_eq!(lines(&Watch::Seizure, &none), pair("L/hd(N)", ""));
        let dial = dial(Tone::Dial);
        assert_eq!(lines(&dial, &none), pair("L/hu(N),L/oc(N),D/[0-9*#T](D)", "L/dl"));
        assert_eq!(lines(&Watch::End(Some(Tone::Ringback)), &none), pair("L/hu(N)", "G/rt"));
        let calling = CallingParty { number: Some("2001".to_owned()), name: None };
        let ring = Watch::Answer(calling);
        assert_eq!(lines(&ring, &none), pair("L/hd(N)", "L/rg,L/ci(\"\",\"2001\",\"\")"));
        let request = dial.request(Time::ZERO, &settings(), &none, RequestIdBuf::from_u128(1));
        assert_eq!(request.digit_map.as_deref(), Some("(200[12])"));
    }

    #[test]
    fn what_an_endpoint_lacks_is_replaced_or_left_out() {
        let settings = settings();
        let mut lacks = Lacks::new();
        let give_up = |watch: &Watch, lacks: &mut Lacks| {
            let given_up = watch.give_up(Time::ZERO, &settings, lacks);
            lacks.extend(given_up.clone());
            given_up
        };
        let sit = Watch::End(Some(Tone::SpecialInformation));
        for (given_up, next) in [("L/sit", "L/ro"), ("L/ro", "G/cg"), ("G/cg", "L/bz"), ("L/bz", "")] {
            assert_eq!(give_up(&sit, &mut lacks).as_deref(), Some(given_up));
            assert_eq!(lines(&sit, &lacks).1, next);
        }
        assert_eq!(give_up(&sit, &mut lacks), None);
        let ring = Watch::Answer(CallingParty::default());
        assert_eq!(give_up(&ring, &mut lacks).as_deref(), Some("L/ci"));
        assert_eq!(lines(&ring, &lacks).1, "L/rg");
        assert_eq!(give_up(&ring, &mut lacks), None);
        let dial = dial(Tone::Dial);
        assert_eq!(give_up(&dial, &mut lacks).as_deref(), Some("L/oc"));
        assert_eq!(lines(&dial, &lacks), pair("L/hu(N),D/[0-9*#T](D)", "L/dl"));
        assert_eq!(give_up(&Watch::Seizure, &mut lacks), None);
        let recall = self::dial(Tone::RecallDial);
        assert_eq!(lines(&recall, &lacks).1, "L/sl");
        assert_eq!(give_up(&recall, &mut lacks).as_deref(), Some("L/sl"));
        assert_eq!(lines(&recall, &lacks).1, "L/dl");
    }

    #[test]
    fn digits_are_read_one_by_one_or_as_a_string() {
        let read = |events: &[&str]| {
            Observed::read(&events.iter().map(|event| SignalBuf::parse(event).unwrap()).collect::<Vec<_>>())
        };
        let dialled =
            |digits: &str, pause| Observed { digits: digits.to_owned(), pause, ..Observed::default() };
        assert_eq!(read(&["D/2", "D/0", "D/0", "D/1"]), dialled("2001", false));
        assert_eq!(read(&["D/8295555T"]), dialled("8295555", true));
        assert_eq!(read(&["d/*", "d/2", "d/1", "d/#", "d/t"]), dialled("*21#", true));
        assert!(read(&["L/oc(L/dl)"]).completed);
        assert_eq!(read(&["G/of(G/rt)", "X/y"]), Observed::default());
        let hung_up = read(&["D/2", "L/hd", "L/hu"]);
        assert!(hung_up.on_hook && !hung_up.off_hook);
    }
}
