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
use crate::{CallingParty, Digits, GatewayProtocol, Tone};

/// What a line is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::access) enum Watch {
    /// On hook: wait for a seizure. Meanwhile the lamp for waiting messages is as it should be, which the gateway
    /// must be told after each restart (RFC 3660 section 2.4), and a short ring may be given.
    Seizure { lamp: Option<bool>, reminds: bool },
    /// Off hook: invite to dial, and collect digits.
    Digits(Dial),
    /// Off hook: wait for the end.
    End(Talk),
    /// As `End`, with the tone that says that a call waits, and who it is (RFC 3660 section 2.4: wt, ci).
    Waiting(Talk, CallingParty),
    /// On hook: ring, and wait for the answer.
    Answer(CallingParty),
}

/// What a party off the hook hears, and whether its keys are of interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(in crate::access) struct Talk {
    /// It hears this, or its connection.
    pub(in crate::access) tone: Option<Tone>,
    /// Its keys are reported.
    pub(in crate::access) keys: bool,
    /// This key was pressed at the other side, and is played once.
    pub(in crate::access) key: Option<char>,
}

impl From<Option<Tone>> for Talk {
    fn from(tone: Option<Tone>) -> Self {
        Self { tone, ..Self::default() }
    }
}

/// How a party is invited to dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::access) struct Dial {
    pub(in crate::access) prompt: Tone,
    pub(in crate::access) digits: Digits,
    /// How long the prompt lasts without a digit, when it is not as long as usual.
    pub(in crate::access) patience: Option<Duration>,
}

/// What an endpoint has turned out not to be able to do: signals without their parameters, and the completion
/// event.
pub(in crate::access) type Lacks = BTreeSet<String>;

/// The name under which the completion of dial tone stands among what is lacked.
const COMPLETION: &str = "L/oc";

/// As for [`COMPLETION`], for digits, in a talk as well.
const KEYS: &str = "D/0";

/// As for [`COMPLETION`], for digits in a talk alone: no name of an event or signal, as the next.
const REPORTS: &str = "D/0 reported";

/// As for [`COMPLETION`], for digits that are to be played.
const PLAYS: &str = "D/0 played";

/// As for [`COMPLETION`], for the flash of the hook.
const FLASH: &str = "L/hf";

/// What a request depends on beside what the line wants.
#[derive(Clone, Copy, Debug)]
pub(in crate::access) struct Terms<'a> {
    pub(in crate::access) now: Time,
    pub(in crate::access) settings: &'a Settings,
    pub(in crate::access) protocol: GatewayProtocol,
    pub(in crate::access) lacks: &'a Lacks,
    /// Whether a flash of the hook means anything on this line.
    pub(in crate::access) flash: bool,
    /// Whether the party has been shown who waits.
    pub(in crate::access) shown: bool,
}

impl Watch {
    /// The request.
    pub(super) fn request(&self, terms: &Terms<'_>, request_id: RequestIdBuf) -> NotificationRequest {
        let events = self.events(terms);
        NotificationRequest {
            request_id: Some(request_id),
            events: events.iter().filter_map(|event| RequestedEventBuf::parse(event)).collect(),
            signals: self.signals(terms).iter().filter_map(|s| SignalBuf::parse(s)).collect(),
            digit_map: match self {
                Self::Digits(dial) if !terms.lacks.contains(KEYS) => {
                    Some(terms.settings.digit_maps.get(dial.digits).to_owned())
                }
                _ => None,
            },
            ..NotificationRequest::default()
        }
    }

    /// Whether it has a key to play, though the endpoint may not be able to.
    pub(super) fn has_key(&self) -> bool {
        self.talk().is_some_and(|talk| talk.key.is_some())
    }

    /// As this, once the key has been played that it is to play.
    pub(super) fn without_key(mut self) -> Self {
        if let Self::End(talk) | Self::Waiting(talk, _) = &mut self {
            talk.key = None;
        }
        self
    }

    /// The talk that is watched, of a party off the hook.
    const fn talk(&self) -> Option<&Talk> {
        match self {
            Self::End(talk) | Self::Waiting(talk, _) => Some(talk),
            _ => None,
        }
    }

    /// Whether the endpoint is to report each key.
    pub(in crate::access) fn reports_keys(&self, terms: &Terms<'_>) -> bool {
        let lacks = |name| terms.lacks.contains(name);
        self.talk().is_some_and(|talk| talk.keys)
            && ![KEYS, REPORTS, signal::KEYS_MEGACO].into_iter().any(lacks)
    }

    /// The key that the endpoint is to play.
    pub(in crate::access) fn plays(&self, terms: &Terms<'_>) -> Option<char> {
        let lacks = |name| terms.lacks.contains(name);
        let able = !lacks(KEYS) && !lacks(PLAYS) && !lacks(signal::PLAYS_MEGACO);
        self.talk().and_then(|talk| talk.key).filter(|_| able)
    }

    fn events(&self, terms: &Terms<'_>) -> Vec<&'static str> {
        let mut events = match self {
            Self::Seizure { .. } | Self::Answer(_) => vec!["L/hd(N)"],
            Self::End(_) | Self::Waiting(..) => vec!["L/hu(N)"],
            Self::Digits(_) => {
                let able = |name| !terms.lacks.contains(name);
                let end = able(COMPLETION).then_some("L/oc(N)");
                let keys = able(KEYS).then_some("D/[0-9*#T](D)");
                std::iter::once("L/hu(N)").chain(end).chain(keys).collect()
            }
        };
        if self.reports_keys(terms) {
            events.push("D/[0-9*#](N)");
        }
        if self.is_flashed(terms) {
            events.push("L/hf(N)");
        }
        events
    }

    /// Whether the endpoint is to report a flash of the hook. At the first dial tone there is nothing to turn to.
    pub(in crate::access) fn is_flashed(&self, terms: &Terms<'_>) -> bool {
        let off_hook = match self {
            Self::Seizure { .. } | Self::Answer(_) => false,
            Self::End(_) | Self::Waiting(..) => true,
            Self::Digits(dial) => dial.prompt == Tone::RecallDial,
        };
        off_hook && terms.flash && !terms.lacks.contains(FLASH)
    }

    fn signals(&self, terms: &Terms<'_>) -> Vec<String> {
        let Terms { now, settings, protocol, lacks, .. } = *terms;
        if protocol == GatewayProtocol::Megaco {
            return self.megaco_signals(terms).into_iter().map(str::to_owned).collect();
        }
        let able = |signal: &String| !lacks.contains(name(signal));
        let sounds = |tone: &Tone| signal::tone(*tone, protocol, settings).into_iter().find(able);
        match self {
            Self::Seizure { lamp, reminds } => {
                let lamp = lamp.map(|on| if on { "L/vmwi(+)" } else { "L/vmwi(-)" });
                let signals = lamp.into_iter().chain(reminds.then_some("L/rs")).map(str::to_owned);
                signals.filter(able).collect()
            }
            Self::Digits(dial) => {
                let prompts = signal::prompt(dial.prompt, protocol, dial.patience, settings);
                prompts.into_iter().find(able).into_iter().collect()
            }
            Self::End(Talk { tone, .. }) => {
                let key = self.plays(terms).map(|key| format!("D/{key}"));
                tone.iter().filter_map(sounds).chain(key).collect()
            }
            Self::Waiting(Talk { tone, .. }, calling) => {
                let key = self.plays(terms).map(|key| format!("D/{key}"));
                if self.is_told_again(terms) {
                    return tone.iter().filter_map(sounds).chain(key).collect();
                }
                let waits = signal::call_waiting(protocol).iter().map(|name| (*name).to_owned()).find(able);
                // A brief signal would be given again with each request.
                let caller_id =
                    (!terms.shown).then(|| signal::caller_id(now, settings, calling)).filter(able);
                tone.iter().filter_map(sounds).chain(waits).chain(caller_id).chain(key).collect()
            }
            Self::Answer(calling) => {
                let caller_id = signal::caller_id(now, settings, calling);
                let ringing = signal::ringing(calling.ring, protocol, settings).into_iter().find(able);
                ringing.into_iter().chain(Some(caller_id).filter(able)).collect()
            }
        }
    }

    /// The signals of a line on a Megaco gateway, by their names.
    pub(in crate::access) fn megaco_signals(&self, terms: &Terms<'_>) -> Vec<&'static str> {
        let able = |signal: &&str| !terms.lacks.contains(*signal);
        let first = |signals: &[&'static str]| signals.iter().copied().find(able);
        let sounds = |tone: &Tone| first(signal::megaco_tone(*tone));
        let named = |signal| Some(signal).filter(able);
        match self {
            Self::Seizure { lamp, reminds } => {
                let lamp = lamp.and_then(|_| named(signal::DATA_MEGACO));
                lamp.into_iter().chain(reminds.then_some(signal::RING_MEGACO)).collect()
            }
            Self::Digits(dial) => sounds(&dial.prompt).into_iter().collect(),
            Self::End(Talk { tone, .. }) => tone.iter().filter_map(sounds).collect(),
            Self::Waiting(Talk { tone, .. }, _) if self.is_told_again(terms) => {
                tone.iter().filter_map(sounds).collect()
            }
            Self::Waiting(Talk { tone, .. }, _) => {
                let waits = first(signal::call_waiting(terms.protocol));
                let shows = (!terms.shown).then(|| named(signal::DATA_MEGACO)).flatten();
                tone.iter().filter_map(sounds).chain(waits).chain(shows).collect()
            }
            Self::Answer(_) => {
                named(signal::DISPLAY_MEGACO).or_else(|| named(signal::RING_MEGACO)).into_iter().collect()
            }
        }
    }

    /// The endpoint is asked again for a key's sake, and its party knows already that a call waits.
    const fn is_told_again(&self, terms: &Terms<'_>) -> bool {
        matches!(self, Self::Waiting(talk, _) if terms.shown && (talk.keys || talk.key.is_some()))
    }

    /// The endpoint cannot do this: what is given up in its place, so that the next request differs. None
    /// when there is nothing that could be done without. `event`: it is an event that it cannot detect.
    pub(super) fn give_up(&self, terms: &Terms<'_>, event: bool) -> Option<String> {
        let is_megaco = terms.protocol == GatewayProtocol::Megaco;
        let flash = || self.is_flashed(terms).then(|| FLASH.to_owned());
        let keys = || {
            let own = if is_megaco { signal::KEYS_MEGACO } else { REPORTS };
            self.reports_keys(terms).then(|| own.to_owned())
        };
        if event && let Some(keys) = keys() {
            return Some(keys);
        }
        if event && let Some(flash) = flash() {
            return Some(flash);
        }
        let given_up = match self {
            Self::Seizure { .. } => {
                let first = self.signals(terms).first().map(|signal| name(signal).to_owned());
                first.filter(|first| first != signal::RING_MEGACO)
            }
            Self::End(Talk { tone: None, .. }) => None,
            Self::Digits(dial) => {
                let prompts = signal::prompt(dial.prompt, terms.protocol, dial.patience, terms.settings);
                let left: Vec<_> =
                    prompts.iter().filter(|signal| !terms.lacks.contains(name(signal))).collect();
                match left.as_slice() {
                    // Dial tone itself cannot be done without.
                    [first, _, ..] => Some(name(first).to_owned()),
                    _ => (!is_megaco && !terms.lacks.contains(COMPLETION)).then(|| COMPLETION.to_owned()),
                }
            }
            // Who waits is given up before the tone that says so.
            Self::Waiting(..) => self.signals(terms).last().map(|signal| name(signal).to_owned()),
            Self::End(_) => self.signals(terms).first().map(|signal| name(signal).to_owned()),
            Self::Answer(_) => {
                let signals = self.signals(terms);
                let ringing = signals.first().map(|signal| name(signal));
                match signals.get(1) {
                    Some(caller_id) => Some(name(caller_id).to_owned()),
                    // Ringing itself cannot be done without, a cadence can.
                    None => ringing
                        .filter(|ringing| !["L/rg", signal::RING_MEGACO].contains(ringing))
                        .map(str::to_owned),
                }
            }
        };
        given_up.or_else(keys).or_else(flash)
    }

    /// What is given up where the endpoint refuses to play a key.
    pub(super) const fn silence(protocol: GatewayProtocol) -> &'static str {
        match protocol {
            GatewayProtocol::Mgcp => PLAYS,
            GatewayProtocol::Megaco => signal::PLAYS_MEGACO,
        }
    }

    /// Whether the endpoint can say that a call waits.
    pub(super) fn can_wait(protocol: GatewayProtocol, lacks: &Lacks) -> bool {
        signal::call_waiting(protocol).iter().any(|signal| !lacks.contains(*signal))
    }
}

/// A signal without its parameters.
fn name(signal: &str) -> &str {
    signal.split_once('(').map_or(signal, |(name, _)| name)
}

/// What an endpoint observed, as far as a line cares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::access) struct Observed {
    pub(in crate::access) off_hook: bool,
    pub(in crate::access) on_hook: bool,
    /// The hook was flashed, before anything else here.
    pub(in crate::access) flash: bool,
    /// Dial tone has run out.
    pub(in crate::access) completed: bool,
    pub(in crate::access) digits: String,
    /// The digit timer has run out.
    pub(in crate::access) pause: bool,
    /// What came of the test of a circuit.
    pub(in crate::access) continuity: Option<bool>,
}

impl Observed {
    /// Reads a list of observed events. Digits come one by one or, from some gateways, as one string (RFC
    /// 3435 section 3.2.2.14). Of the hook events the last tells where the hook is now.
    pub(in crate::access) fn read(events: &[SignalBuf]) -> Self {
        let mut observed = Self::default();
        for event in events {
            let package = event.name().package().map(str::to_ascii_lowercase);
            let name = event.name().event().to_ascii_lowercase();
            match (package.as_deref(), name.as_str()) {
                (Some("l" | "h") | None, "hd") => (observed.off_hook, observed.on_hook) = (true, false),
                (Some("l" | "h") | None, "hu") => (observed.off_hook, observed.on_hook) = (false, true),
                (Some("l" | "h") | None, "hf") => observed.flash = true,
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
    use crate::{CallTimers, Country, Ring};

    fn settings() -> Settings {
        Settings {
            timers: CallTimers::default(),
            country: Country::default(),
            digit_maps: DigitMaps { plan: "(200[12])".to_owned(), ..DigitMaps::default() },
            mismatches: 4,
            session_description: 4096,
            wall: None,
        }
    }

    fn lines(watch: &Watch, lacks: &Lacks) -> (String, String) {
        flashing(watch, lacks, false)
    }

    fn flashing(watch: &Watch, lacks: &Lacks, flash: bool) -> (String, String) {
        let settings = settings();
        let terms = Terms {
            now: Time::ZERO,
            settings: &settings,
            protocol: GatewayProtocol::Mgcp,
            lacks,
            flash,
            shown: false,
        };
        let request = watch.request(&terms, RequestIdBuf::from_u128(1));
        let join = |items: Vec<String>| items.join(",");
        (
            join(request.events.iter().map(ToString::to_string).collect()),
            join(request.signals.iter().map(ToString::to_string).collect()),
        )
    }

    const IDLE: Watch = Watch::Seizure { lamp: None, reminds: false };

    fn dial(prompt: Tone) -> Watch {
        Watch::Digits(Dial { prompt, digits: Digits::Plan, patience: None })
    }

    fn pair(events: &str, signals: &str) -> (String, String) {
        (events.to_owned(), signals.to_owned())
    }

    #[test]
    fn each_thing_that_a_line_does_has_its_request() {
        let none = Lacks::new();
        assert_eq!(lines(&IDLE, &none), pair("L/hd(N)", ""));
        let lamp = Watch::Seizure { lamp: Some(true), reminds: true };
        assert_eq!(lines(&lamp, &none), pair("L/hd(N)", "L/vmwi(+),L/rs"));
        let dial = dial(Tone::Dial);
        assert_eq!(lines(&dial, &none), pair("L/hu(N),L/oc(N),D/[0-9*#T](D)", "L/dl"));
        assert_eq!(lines(&Watch::End(Some(Tone::Ringback).into()), &none), pair("L/hu(N)", "G/rt"));
        let calling = CallingParty { number: Some("2001".to_owned()), ..CallingParty::default() };
        let ring = Watch::Answer(calling);
        assert_eq!(lines(&ring, &none), pair("L/hd(N)", "L/rg,L/ci(\"\",\"2001\",\"\")"));
        let settings = settings();
        let terms = Terms {
            now: Time::ZERO,
            settings: &settings,
            protocol: GatewayProtocol::Mgcp,
            lacks: &none,
            flash: false,
            shown: false,
        };
        let request = dial.request(&terms, RequestIdBuf::from_u128(1));
        assert_eq!(request.digit_map.as_deref(), Some("(200[12])"));
    }

    #[test]
    fn what_an_endpoint_lacks_is_replaced_or_left_out() {
        let settings = settings();
        let mut lacks = Lacks::new();
        let give_up = |watch: &Watch, lacks: &mut Lacks| {
            let terms = Terms {
                now: Time::ZERO,
                settings: &settings,
                protocol: GatewayProtocol::Mgcp,
                lacks,
                flash: false,
                shown: false,
            };
            let given_up = watch.give_up(&terms, false);
            lacks.extend(given_up.clone());
            given_up
        };
        let sit = Watch::End(Some(Tone::SpecialInformation).into());
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
        assert_eq!(give_up(&IDLE, &mut lacks), None);
        let lamp = Watch::Seizure { lamp: Some(false), reminds: false };
        assert_eq!(give_up(&lamp, &mut lacks).as_deref(), Some("L/vmwi"));
        assert_eq!(lines(&lamp, &lacks).1, "");
        assert_eq!(give_up(&lamp, &mut lacks), None);
        let distinctive = CallingParty { ring: Ring::Pattern(3), ..CallingParty::default() };
        let distinctive = Watch::Answer(distinctive);
        assert_eq!(lines(&distinctive, &lacks).1, "L/r3");
        assert_eq!(give_up(&distinctive, &mut lacks).as_deref(), Some("L/r3"));
        assert_eq!(lines(&distinctive, &lacks).1, "L/rg");
        assert_eq!(give_up(&distinctive, &mut lacks), None);
        let recall = self::dial(Tone::RecallDial);
        assert_eq!(lines(&recall, &lacks).1, "L/sl");
        assert_eq!(give_up(&recall, &mut lacks).as_deref(), Some("L/sl"));
        assert_eq!(lines(&recall, &lacks).1, "L/dl");
    }

    #[test]
    fn a_flash_is_asked_for_where_it_can_mean_something_and_given_up_where_it_is_not_seen() {
        let none = Lacks::new();
        let events = |watch: &Watch| flashing(watch, &none, true).0;
        assert_eq!(events(&IDLE), "L/hd(N)");
        assert_eq!(events(&Watch::End(None.into())), "L/hu(N),L/hf(N)");
        assert_eq!(events(&dial(Tone::Dial)), "L/hu(N),L/oc(N),D/[0-9*#T](D)");
        assert_eq!(events(&dial(Tone::RecallDial)), "L/hu(N),L/oc(N),D/[0-9*#T](D),L/hf(N)");
        let settings = settings();
        let give_up = |watch: &Watch, event| {
            let terms = Terms {
                now: Time::ZERO,
                settings: &settings,
                protocol: GatewayProtocol::Mgcp,
                lacks: &none,
                flash: true,
                shown: false,
            };
            watch.give_up(&terms, event)
        };
        assert_eq!(give_up(&Watch::End(Some(Tone::Busy).into()), true).as_deref(), Some("L/hf"));
        assert_eq!(give_up(&Watch::End(Some(Tone::Busy).into()), false).as_deref(), Some("L/bz"));
        assert_eq!(give_up(&Watch::End(None.into()), false).as_deref(), Some("L/hf"));
        assert_eq!(flashing(&Watch::End(None.into()), &Lacks::from(["L/hf".to_owned()]), true).0, "L/hu(N)");
    }

    #[test]
    fn a_waiting_call_is_told_by_its_tone_and_its_caller() {
        let calling = CallingParty { number: Some("2003".to_owned()), ..CallingParty::default() };
        let waiting = Watch::Waiting(None.into(), calling);
        let mut lacks = Lacks::new();
        assert_eq!(lines(&waiting, &lacks), pair("L/hu(N)", "L/wt,L/ci(\"\",\"2003\",\"\")"));
        let settings = settings();
        for given_up in ["L/ci", "L/wt", "L/wt1"] {
            assert!(Watch::can_wait(GatewayProtocol::Mgcp, &lacks));
            let terms = Terms {
                now: Time::ZERO,
                settings: &settings,
                protocol: GatewayProtocol::Mgcp,
                lacks: &lacks,
                flash: false,
                shown: false,
            };
            assert_eq!(waiting.give_up(&terms, false).as_deref(), Some(given_up));
            lacks.insert(given_up.to_owned());
        }
        assert!(!Watch::can_wait(GatewayProtocol::Mgcp, &lacks));
        let terms = Terms {
            now: Time::ZERO,
            settings: &settings,
            protocol: GatewayProtocol::Mgcp,
            lacks: &Lacks::new(),
            flash: false,
            shown: true,
        };
        assert_eq!(waiting.signals(&terms), ["L/wt"], "a caller is shown once");
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
