//! What a line wants as events, signals and digit maps of H.248.1 Annex E, and what is observed as a line understands it.
//!
//! Every list of events names the hook event that the present hook state can lead to, with `strict=failWrong`: where the hook is
//! already there the command fails with 540, and that tells what the exchange has missed (RFC 3525 Annex E.9).

use std::borrow::Cow;
use std::collections::BTreeSet;

use strowger_megaco::message::{
    AmmDescriptor, Caseless, DigitMapValue, Event, EventAction, EventDigitMap, Events, ItemName, Name,
    ObservedEvent, Parameter, RequestId, Setting, Signal, SignalRequest, SignalType, Value,
};
use strowger_megaco::package::{self, Kind};
use strowger_mgcp::message::ReturnCode;
use strowger_sansio::Duration;

use crate::access::mgcp_line::{Observed, Terms, Watch};
use crate::access::signal;
use crate::{CallingParty, Digits, Ring, Tone};

/// The greatest timer that a digit map can have, in seconds.
const LONGEST_TIMER: u64 = 99;
/// How long a number that is complete but could go on waits for another digit: 4 s, as of RFC 3435 section 2.1.5.
const SHORT_TIMER: u8 = 4;
/// How long a number that is not complete waits for another digit: the 16 s that RFC 3525 section 7.1.14.3 has as example.
const LONG_TIMER: u8 = 16;
/// The longest digit map that is told with its wrong keys: what gateways must hold of one in MGCP (RFC 3435 section 2.1.5).
const LONGEST_MAP: usize = 2048;
/// A short ring: half a second.
const REMINDER: Duration = Duration::from_millis(500);

/// What an order to watch says; the texts stand here, the descriptors borrow them.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) request: u32,
    /// It was given before, when the line was elsewhere.
    pub(super) is_repeated: bool,
    /// The hook event that is waited for.
    is_off_hook: bool,
    flash: bool,
    /// Each key is reported.
    keys: bool,
    digit_map: Option<Map>,
    signals: Vec<Signal<'static>>,
}

#[derive(Clone, Debug)]
struct Map {
    start: u8,
    body: String,
}

impl Wish {
    pub(super) fn new(request: u32, watch: &Watch, terms: &Terms<'_>) -> Self {
        let is_off_hook = matches!(watch, Watch::Seizure { .. } | Watch::Answer(_));
        let digit_map = match watch {
            Watch::Digits(dial) => {
                let patience = dial.patience.unwrap_or(terms.settings.timers.first_digit);
                let map = terms.settings.digit_maps.get(dial.digits);
                let body = digit_map(map, dial.digits == Digits::Free, LONGEST_MAP);
                let start = patience.as_secs().clamp(1, LONGEST_TIMER);
                Some(Map { start: u8::try_from(start).unwrap_or(u8::MAX), body })
            }
            _ => None,
        };
        let names = watch.megaco_signals(terms);
        let key = watch.plays(terms).and_then(|key| signal::KEYS.iter().find(|(own, ..)| *own == key));
        let key = key.map(|(_, _, name)| Signal::new(item(Kind::Signal, name)));
        let signals = names.into_iter().map(|name| named_signal(name, watch, terms)).chain(key).collect();
        let (flash, keys) = (watch.is_flashed(terms), watch.reports_keys(terms));
        Self { request, is_repeated: false, is_off_hook, flash, keys, digit_map, signals }
    }

    /// What it means when the hook is where the order waits for it to go.
    pub(super) const fn hook(&self) -> ReturnCode {
        if self.is_off_hook { ReturnCode::OFF_HOOK } else { ReturnCode::ON_HOOK }
    }

    pub(super) fn events(&self) -> Events<'_> {
        let name = if self.is_off_hook { "al/of" } else { "al/on" };
        let strict =
            Parameter { name: parameter(name, "strict"), setting: Setting::One(Value::Enumeration(2)) };
        let hook = Event {
            name: event(name),
            stream: None,
            action: EventAction::default(),
            parameters: vec![strict],
        };
        let plain = |name| Event {
            name: event(name),
            stream: None,
            action: EventAction::default(),
            parameters: Vec::new(),
        };
        let flash = self.flash.then(|| plain("al/fl"));
        let completion = self.digit_map.as_ref().map(|map| {
            let value = DigitMapValue {
                start: Some(map.start),
                short: Some(SHORT_TIMER),
                long: Some(LONG_TIMER),
                duration: None,
                body: &map.body,
            };
            let digit_map = Some(EventDigitMap::Value(value));
            Event { action: EventAction { digit_map, ..EventAction::default() }, ..plain("dd/ce") }
        });
        let keys = signal::KEYS.iter().take(if self.keys { signal::ON_A_TELEPHONE } else { 0 });
        let keys = keys.map(|(_, name, _)| plain(name));
        let events = [Some(hook), flash, completion].into_iter().flatten().chain(keys).collect();
        Events { request: Some(RequestId::new(self.request)), events }
    }

    pub(super) fn signals(&self) -> Vec<SignalRequest<'_>> {
        self.signals.iter().cloned().map(SignalRequest::Signal).collect()
    }
}

/// An item by its name, with identifiers where the tables know it.
fn item(kind: Kind, name: &'static str) -> ItemName<'static> {
    let (package, own) = name.split_once('/').unwrap_or((name, "*"));
    let text = (Name::Text(Caseless::new(package)), Name::Text(Caseless::new(own)));
    let known = package::package_named(package.as_bytes());
    let names = match known.map(|known| (known.id, known.item_named(kind, own.as_bytes()))) {
        Some((package, Some(item))) => (Name::Id(package), Name::Id(item.id)),
        Some((package, None)) => (Name::Id(package), text.1),
        None => text,
    };
    ItemName::new(names.0, names.1).unwrap_or(ItemName::ALL)
}

fn event(name: &'static str) -> ItemName<'static> {
    item(Kind::Event, name)
}

fn parameter(event: &'static str, name: &'static str) -> Name<'static> {
    parameter_of(Kind::Event, event, name)
}

/// A parameter by its name, with its identifier where the tables know it.
fn parameter_of(kind: Kind, own: &'static str, name: &'static str) -> Name<'static> {
    let row = package::item(kind, item(kind, own));
    let own = row.and_then(|row| row.parameters.iter().find(|own| own.name == name));
    own.map_or(Name::Text(Caseless::new(name)), |own| Name::Id(own.id))
}

fn named_signal(own: &'static str, watch: &Watch, terms: &Terms<'_>) -> Signal<'static> {
    let mut signal = Signal::new(item(Kind::Signal, own));
    let timers = &terms.settings.timers;
    let lasts = match (own, watch) {
        ("cg/dt" | "srvtn/rdt" | "srvtn/mwt", Watch::Digits(dial)) => {
            Some(dial.patience.unwrap_or(timers.first_digit))
        }
        ("cg/bt", _) => Some(timers.busy_tone),
        ("cg/ct" | "xcg/vac", _) => Some(timers.failure_tone),
        ("cg/sit", _) => Some(signal::duration(Tone::SpecialInformation, terms.settings)),
        ("cg/rt", _) => Some(timers.ringing),
        (signal::RING_MEGACO, Watch::Seizure { .. }) => Some(REMINDER),
        (signal::RING_MEGACO | signal::DISPLAY_MEGACO, _) => Some(timers.ringing),
        _ => None,
    };
    if let Some(lasts) = lasts {
        signal.kind = Some(SignalType::TimeOut);
        signal.duration = Some(u16::try_from(lasts.as_millis() / 10).unwrap_or(u16::MAX));
    }
    if let Watch::Answer(calling) | Watch::Waiting(_, calling) = watch
        && [signal::DISPLAY_MEGACO, signal::DATA_MEGACO].contains(&own)
    {
        signal.parameters = display(own, calling, terms);
    }
    if let (signal::DATA_MEGACO, Watch::Seizure { lamp: Some(on), .. }) = (own, watch) {
        signal.parameters = vec![data(own, signal::lamp_data(*on))];
    }
    signal
}

/// Ringing tone that lasts so long.
pub(super) fn ringing_tone(lasts: Duration) -> Signal<'static> {
    let mut signal = Signal::new(item(Kind::Signal, "cg/rt"));
    signal.kind = Some(SignalType::TimeOut);
    signal.duration = Some(u16::try_from(lasts.as_millis() / 10).unwrap_or(u16::MAX));
    signal
}

/// The tone of a test of continuity, and its result (RFC 3525 Annex E.10).
pub(super) fn test<'a>(request: u32) -> Vec<AmmDescriptor<'a>> {
    let completion =
        Event { name: event("ct/cmp"), stream: None, action: EventAction::default(), parameters: Vec::new() };
    let events = Events { request: Some(RequestId::new(request)), events: vec![completion] };
    let tone = SignalRequest::Signal(Signal::new(item(Kind::Signal, "ct/ct")));
    vec![AmmDescriptor::Events(events), AmmDescriptor::Signals(vec![tone])]
}

/// What answers such a test.
pub(super) fn responding() -> Signal<'static> {
    Signal::new(item(Kind::Signal, "ct/rsp"))
}

/// The parameters of the signals of `andisp` (H.248.23): the data message, and the pattern of ringing: 1 the usual one, from 2 on those
/// of `r0` and its like.
fn display(own: &'static str, calling: &CallingParty, terms: &Terms<'_>) -> Vec<Parameter<'static>> {
    let mut parameters = vec![data(own, signal::caller_data(terms.now, terms.settings, calling))];
    if own == signal::DISPLAY_MEGACO {
        let pattern = match calling.ring {
            Ring::Normal => 1,
            Ring::Pattern(number) => i64::from(number) + 2,
        };
        let name = parameter_of(Kind::Signal, own, "pattern");
        parameters.push(Parameter { name, setting: Setting::One(Value::Integer(pattern)) });
    }
    parameters
}

fn data(own: &'static str, message: Vec<u8>) -> Parameter<'static> {
    let value = Value::Octets(Cow::Owned(message));
    Parameter { name: parameter_of(Kind::Signal, own, "ddb"), setting: Setting::One(value) }
}

/// A digit map of RFC 3435 in the notation of RFC 3525 section 7.1.14: `*` is E, `#` is F, what is timed ends by its timer.
///
/// A key with which no number goes on has an alternative of its own, so that it is reported: the standard leaves out the last key
/// of what matches nothing, and the exchange would take a wrong number for an unfinished one.
/// `free`: any digits go, so that no digit at all is not a complete number.
fn digit_map(text: &str, free: bool, limit: usize) -> String {
    let inner = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(text);
    let mut alternatives = Vec::new();
    for alternative in inner.split('|') {
        let keys = |text: &str| text.replace('*', "E").replace('#', "F");
        match alternative.strip_suffix("[T#]") {
            Some("x.") if free => alternatives.extend(["xx.".to_owned(), "x.F".to_owned()]),
            Some(timed) => alternatives.extend([keys(timed), format!("{}F", keys(timed))]),
            None => alternatives.push(keys(alternative.strip_suffix('T').unwrap_or(alternative))),
        }
    }
    let wrong = wrong_keys(&alternatives);
    let written = |parts: &mut dyn Iterator<Item = &String>| -> String {
        let parts: Vec<&str> = parts.map(String::as_str).collect();
        format!("({})", parts.join("|"))
    };
    let whole = written(&mut alternatives.iter().chain(&wrong));
    if whole.len() <= limit {
        return whole;
    }
    // Of a map that would be too long with them, those of the first key alone: without them it would be taken for silence.
    let first = wrong.iter().filter(|own| positions(own).len() == 1);
    written(&mut alternatives.iter().chain(first))
}

/// The keys of a digit map.
const KEYS: &str = "0123456789EF";

/// One position of an alternative: as it is written, the keys that it stands for, and whether it may repeat.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Position {
    text: String,
    keys: Vec<char>,
    repeats: bool,
}

fn positions(alternative: &str) -> Vec<Position> {
    let mut found: Vec<Position> = Vec::new();
    let mut chars = alternative.chars();
    while let Some(key) = chars.next() {
        if key == '.' {
            if let Some(last) = found.last_mut() {
                last.repeats = true;
            }
            continue;
        }
        let set: String = match key {
            '[' => chars.by_ref().take_while(|key| *key != ']').collect(),
            key => key.to_string(),
        };
        let text = if key == '[' { format!("[{set}]") } else { set.clone() };
        let mut keys = Vec::new();
        let mut rest = set.chars().peekable();
        while let Some(first) = rest.next() {
            if first == 'x' {
                keys.extend('0'..='9');
            } else if rest.next_if_eq(&'-').is_some() {
                keys.extend(first..=rest.next().unwrap_or(first));
            } else {
                keys.push(first);
            }
        }
        found.push(Position { text, keys, repeats: false });
    }
    found
}

/// For each beginning of a number, the keys with which no alternative goes on.
fn wrong_keys(alternatives: &[String]) -> Vec<String> {
    let all: Vec<Vec<Position>> = alternatives.iter().map(|own| positions(own)).collect();
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for own in &all {
        // Behind what may repeat, beginnings have no one length.
        let fixed = own.iter().take_while(|position| !position.repeats).count();
        for length in 0..=fixed.min(own.len() - 1) {
            let Some(beginning) = own.get(..length) else { continue };
            if !seen.insert(beginning.to_vec()) {
                continue;
            }
            let next: Vec<char> =
                all.iter().filter_map(|other| next_keys(other, beginning)).flatten().collect();
            let text: String = beginning.iter().map(|position| position.text.as_str()).collect();
            let left: String = KEYS.chars().filter(|key| !next.contains(key)).collect();
            let is_complete = all.iter().any(|other| other.len() == length && shares(other, beginning));
            match left.chars().count() {
                // A number that is complete ends by its timer, whatever comes behind.
                0 => {}
                _ if is_complete && length > 0 => {}
                1 => wrong.push(format!("{text}{left}")),
                _ => wrong.push(format!("{text}[{left}]")),
            }
        }
    }
    wrong
}

/// Whether some number begins as both do.
fn shares(other: &[Position], beginning: &[Position]) -> bool {
    let meet = |(one, own): (&Position, &Position)| one.keys.iter().any(|key| own.keys.contains(key));
    other.iter().zip(beginning).all(meet)
}

/// The keys with which an alternative can go on behind a beginning that is shared; all keys where that cannot be told.
fn next_keys(other: &[Position], beginning: &[Position]) -> Option<Vec<char>> {
    let open = other.iter().take(beginning.len() + 1).position(|position| position.repeats);
    if let Some(open) = open {
        // It may repeat, or be left out, before or at the place that is looked at.
        let begun = beginning.get(..open).unwrap_or(beginning);
        return shares(other, begun).then(|| KEYS.chars().collect());
    }
    (shares(other, beginning)).then(|| other.get(beginning.len()).map(|position| position.keys.clone()))?
}

/// What was observed, as far as a line cares; whether the hook was found so rather than seen to move is no matter here.
pub(super) fn observed(events: &[ObservedEvent<'_>]) -> Observed {
    let mut observed = Observed::default();
    for own in events {
        let is = |name| own.name == event(name);
        if is("al/of") {
            (observed.off_hook, observed.on_hook) = (true, false);
        } else if is("al/on") {
            (observed.off_hook, observed.on_hook) = (false, true);
        } else if is("al/fl") {
            observed.flash = true;
        } else if let Some((key, ..)) = signal::KEYS.iter().find(|(_, name, _)| is(name)) {
            observed.digits.push(*key);
        } else if is("ct/cmp") {
            let is_result = |name| {
                matches!(name, Name::Id(8))
                    || matches!(name, Name::Text(own) if own.as_str().eq_ignore_ascii_case("res"))
            };
            let result = own.parameters.iter().find(|parameter| is_result(parameter.name));
            observed.continuity = Some(result.is_some_and(|result| match &result.setting {
                Setting::One(Value::Enumeration(number)) => *number == 1,
                Setting::One(Value::Token(word) | Value::String(word)) => {
                    word.eq_ignore_ascii_case("success")
                }
                _ => false,
            }));
        } else if is("dd/ce") {
            let value = |id, text: &str| {
                own.parameters.iter().find(|parameter| match parameter.name {
                    Name::Id(own) => own == id,
                    Name::Text(own) => own.as_str().eq_ignore_ascii_case(text),
                    Name::All => false,
                })
            };
            if let Some(Parameter {
                setting: Setting::One(Value::String(text) | Value::Token(text)), ..
            }) = value(1, "ds")
            {
                observed.digits.extend(text.chars().filter_map(key));
            }
            let is_unambiguous = value(3, "Meth").is_some_and(|method| match &method.setting {
                Setting::One(Value::Enumeration(number)) => *number == 1,
                Setting::One(Value::Token(word) | Value::String(word)) => word.eq_ignore_ascii_case("UM"),
                _ => false,
            });
            observed.pause = !is_unambiguous && !observed.digits.is_empty();
            observed.completed = observed.digits.is_empty();
        }
    }
    observed
}

/// A key of a dial string.
fn key(symbol: char) -> Option<char> {
    match symbol.to_ascii_uppercase() {
        'E' | '*' => Some('*'),
        'F' | '#' => Some('#'),
        key @ ('0'..='9' | 'A'..='D') => Some(key),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digit_map_is_told_in_the_other_notation() {
        for (mgcp, megaco) in [
            (
                "(200[1-3]|2010)",
                "(200[1-3]|2010|[013456789EF]|2[123456789EF]|20[23456789EF]|200[0456789EF]|201[123456789EF])",
            ),
            ("(x|*|#)", "(x|E|F)"),
            ("(9xx.[T#])", "(9xx.|9xx.F|[012345678EF]|9[EF])"),
            ("([0-4])", "([0-4]|[56789EF])"),
        ] {
            assert_eq!(digit_map(mgcp, false, 1024), megaco);
        }
        assert_eq!(digit_map("(x.[T#])", true, 1024), "(xx.|x.F)");
        assert_eq!(digit_map("(200[1-3]|2010)", false, 40), "(200[1-3]|2010|[013456789EF])");
    }

    #[test]
    fn signals_have_identifiers_where_the_tables_know_them() {
        assert_eq!(item(Kind::Signal, "cg/dt"), ItemName::of(7, 0x30));
        assert_eq!(event("al/of"), ItemName::of(9, 5));
        assert_eq!(item(Kind::Signal, "andisp/dwa"), ItemName::of(0x3c, 1));
        assert_eq!(parameter_of(Kind::Signal, "andisp/dwa", "pattern"), Name::Id(2));
        assert!(matches!(item(Kind::Signal, "xcg/roh").package(), Name::Text(_)));
        assert_eq!(parameter("al/of", "strict"), Name::Id(1));
    }
}
