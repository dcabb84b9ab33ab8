//! What a signal of the package tables does to a line: a tone, ringing, a number on the display.
//!
//! RFC 3660 says what a signal means; the country's plan says how that sounds.

use strowger_media::dtmf::DtmfTiming;
use strowger_media::tone::{RingCadence, RingPattern, SignalTone, Sit, ToneGenerator, TonePlan};
use strowger_mgcp::message::{EventParameter, EventParameters, SignalBuf};
use strowger_sansio::Duration;

/// What a signal does.
#[derive(Debug)]
pub(super) enum Effect {
    /// It is heard.
    Tone(Box<ToneGenerator>),
    /// It rings the bell.
    Ring(RingCadence),
    /// It shows who calls.
    Caller(String),
    /// It sends a key, and is over.
    Digit(char, DtmfTiming),
    /// It sends several keys, one after the other.
    Keys(String, DtmfTiming),
    /// It sends a key until it is turned off.
    Held(char),
    /// It changes a lamp, a voltage or a relay that a virtual telephone has not got. Asking for it is legal, nothing is heard.
    Quiet,
}

/// How a row of the package tables sounds.
enum Sound {
    Tone(SignalTone),
    Ring(RingPattern),
    Quiet,
}

use Sound::{Quiet, Ring, Tone};

const LINE: &[(&str, Sound)] = &[
    ("adsi", Quiet),
    ("aw", Tone(SignalTone::Answer)),
    ("bz", Tone(SignalTone::Busy)),
    ("dl", Tone(SignalTone::Dial)),
    ("e", Tone(SignalTone::Error)),
    ("ht", Tone(SignalTone::OnHold)),
    ("lsa", Quiet),
    ("mwi", Tone(SignalTone::MessageWaiting)),
    ("nbz", Tone(SignalTone::Congestion)),
    ("osi", Quiet),
    ("ot", Tone(SignalTone::OffHookWarning)),
    ("p", Tone(SignalTone::Prompt)),
    ("rg", Ring(RingPattern::Normal)),
    ("r0", Ring(RingPattern::Distinctive(0))),
    ("r1", Ring(RingPattern::Distinctive(1))),
    ("r2", Ring(RingPattern::Distinctive(2))),
    ("r3", Ring(RingPattern::Distinctive(3))),
    ("r4", Ring(RingPattern::Distinctive(4))),
    ("r5", Ring(RingPattern::Distinctive(5))),
    ("r6", Ring(RingPattern::Distinctive(6))),
    ("r7", Ring(RingPattern::Distinctive(7))),
    ("ro", Tone(SignalTone::Congestion)),
    ("rs", Ring(RingPattern::Splash)),
    ("sl", Tone(SignalTone::StutterDial)),
    ("v", Tone(SignalTone::Alerting)),
    ("vmwi", Quiet),
    ("wt", Tone(SignalTone::CallWaiting)),
    ("wt1", Tone(SignalTone::CallWaitingPattern(1))),
    ("wt2", Tone(SignalTone::CallWaitingPattern(2))),
    ("wt3", Tone(SignalTone::CallWaitingPattern(3))),
    ("wt4", Tone(SignalTone::CallWaitingPattern(4))),
    ("y", Tone(SignalTone::RecorderWarning)),
    ("z", Tone(SignalTone::CallingCard)),
];

const GENERIC: &[(&str, Sound)] = &[
    ("cf", Tone(SignalTone::Confirm)),
    ("cg", Tone(SignalTone::Congestion)),
    ("it", Tone(SignalTone::Intercept)),
    ("pt", Tone(SignalTone::Preemption)),
    ("rbk", Tone(SignalTone::Ringback)),
    ("rt", Tone(SignalTone::Ringback)),
];

const SUPPLEMENTARY: &[(&str, Sound)] = &[
    ("cd", Tone(SignalTone::ConferenceDepart)),
    ("cj", Tone(SignalTone::ConferenceJoin)),
    ("cm", Tone(SignalTone::Comfort)),
    ("cw", Tone(SignalTone::CallerWaiting)),
    ("ht", Tone(SignalTone::OnHold)),
    ("ni", Tone(SignalTone::NegativeIndication)),
    ("nu", Tone(SignalTone::NumberUnobtainable)),
    ("pr", Tone(SignalTone::PayPhoneRecognition)),
    ("pt", Tone(SignalTone::Pay)),
];

/// The package BP, as far as it is sound.
const BUSINESS: &[(&str, Sound)] = &[("beep", Tone(SignalTone::Prompt))];

/// The tones of RFC 3064 section 2, and the ringing of its basic trunks.
const CIRCUIT: &[(&str, Sound)] = &[
    ("bz", Tone(SignalTone::Busy)),
    ("dl", Tone(SignalTone::Dial)),
    ("rg", Ring(RingPattern::Normal)),
    ("ro", Tone(SignalTone::Congestion)),
    ("rt", Tone(SignalTone::Ringback)),
];

/// The package T, as far as it is sound.
const TRUNK: &[(&str, Sound)] = &[
    ("bz", Tone(SignalTone::Busy)),
    ("nm", Tone(SignalTone::Milliwatt)),
    ("mm", Tone(SignalTone::NewestMilliwatt)),
    ("om", Tone(SignalTone::OldMilliwatt)),
    ("pst", Tone(SignalTone::OffHookWarning)),
    ("qt", Quiet),
    ("ro", Tone(SignalTone::Congestion)),
    ("tl", Tone(SignalTone::TestLine)),
    // RFC 3660 section 2.3: an alias of sit(2), whatever its name says.
    ("zz", Tone(SignalTone::SpecialInformation(Sit::ReorderInter))),
];

/// What this signal does; none when a virtual endpoint cannot give it (return code 513).
pub(super) fn of(plan: &TonePlan, signal: &SignalBuf) -> Option<Effect> {
    let package = signal.name().package()?.to_ascii_lowercase();
    let symbol = signal.name().event().to_ascii_lowercase();
    let symbol = symbol.as_str();
    let rows = match package.as_str() {
        "l" => match symbol {
            "ci" => return Some(Effect::Caller(caller(signal.parameters()))),
            "sit" => return Some(tone(plan, SignalTone::SpecialInformation(sit(signal.parameters())?))),
            "sl" => return Some(stutter(plan, signal.parameters())),
            _ => LINE,
        },
        "d" if symbol == "pl" => return progress(plan, signal.parameters()),
        "h" => return handset(plan, symbol, signal.parameters()),
        "d" => return digit(symbol, signal.parameters()),
        "g" => GENERIC,
        "bp" => BUSINESS,
        "ms" | "dt" | "md" | "bl" => CIRCUIT,
        "t" if symbol == "sit" => {
            return Some(tone(plan, SignalTone::SpecialInformation(sit(signal.parameters())?)));
        }
        "t" => TRUNK,
        "sst" => SUPPLEMENTARY,
        _ => return None,
    };
    let (_, sound) = rows.iter().find(|(name, _)| *name == symbol)?;
    Some(match sound {
        Tone(signal) => tone(plan, *signal),
        Ring(pattern) => Effect::Ring(plan.ringing(*pattern)),
        Quiet => Effect::Quiet,
    })
}

/// The package H: a handset can give the tones of a line, and neither ring nor cut one.
fn handset(plan: &TonePlan, symbol: &str, parameters: EventParameters<'_>) -> Option<Effect> {
    match symbol {
        "sit" => Some(tone(plan, SignalTone::SpecialInformation(sit(parameters)?))),
        "sl" => Some(stutter(plan, parameters)),
        _ => match LINE.iter().find(|(name, _)| *name == symbol)? {
            (_, Tone(signal)) => Some(tone(plan, *signal)),
            _ => None,
        },
    }
}

fn tone(plan: &TonePlan, signal: SignalTone) -> Effect {
    Effect::Tone(Box::new(ToneGenerator::new(plan.tone(signal))))
}

/// `L/sl(del=2000)`: the delay before the stutter, at most ten seconds.
fn stutter(plan: &TonePlan, parameters: EventParameters<'_>) -> Effect {
    match parameters.number("del") {
        Some(millis @ 1..=10_000) => {
            Effect::Tone(Box::new(plan.stutter_dial_after(Duration::from_millis(u64::from(millis)))))
        }
        _ => tone(plan, SignalTone::StutterDial),
    }
}

fn sit(parameters: EventParameters<'_>) -> Option<Sit> {
    match parameters.iter().next() {
        None => Some(Sit::NoCircuitIntra),
        Some(EventParameter::Value(number)) => Sit::from_number(number.parse().ok()?),
        Some(_) => None,
    }
}

/// The package D: a tone, one of a given length (`dd`), one that is turned on and off (`do`), and the timer, which sounds not.
fn digit(symbol: &str, parameters: EventParameters<'_>) -> Option<Effect> {
    let only = |text: &str| {
        let mut letters = text.chars();
        let key = letters.next()?.to_ascii_uppercase();
        let known = matches!(key, '0'..='9' | '*' | '#' | 'A'..='D') && letters.next().is_none();
        known.then_some(key)
    };
    let named = || only(parameters.named("dg")?.as_str());
    match symbol {
        "dd" => {
            let millis = parameters.number("to").unwrap_or(3_000);
            let timing = DtmfTiming::new(Duration::from_millis(u64::from(millis)), DIGIT_TAIL);
            Some(Effect::Digit(named()?, timing))
        }
        "do" => Some(Effect::Held(named()?)),
        "t" => Some(Effect::Quiet),
        // Of no package: what a list of tones of Megaco becomes.
        "pt" => {
            let letters = parameters.named("keys")?.as_str().chars().map(|key| match key {
                'E' => '*',
                'F' => '#',
                key => key,
            });
            let keys = letters.collect();
            let gap = Duration::from_millis(u64::from(parameters.number("gap")?));
            Some(Effect::Keys(keys, DtmfTiming::new(DIGIT_TAIL * 2, gap)))
        }
        _ => Some(Effect::Digit(only(symbol)?, DtmfTiming::default())),
    }
}

/// The progress tones of a list (RFC 3525 Annex E.7.3), in the order of their identifiers.
const PROGRESS: [SignalTone; 9] = [
    SignalTone::Dial,
    SignalTone::Ringback,
    SignalTone::Busy,
    SignalTone::Congestion,
    SignalTone::SpecialInformation(Sit::NoCircuitIntra),
    SignalTone::RecorderWarning,
    SignalTone::PayPhoneRecognition,
    SignalTone::CallWaiting,
    SignalTone::CallerWaiting,
];

/// Of no package: what a list of progress tones of Megaco becomes, each by its place above, with the time of each and of the silence between.
fn progress(plan: &TonePlan, parameters: EventParameters<'_>) -> Option<Effect> {
    let millis = |name| parameters.number(name).map(|millis| Duration::from_millis(u64::from(millis)));
    let (each, gap) = (millis("each")?, millis("gap")?);
    let mut generator = ToneGenerator::silent();
    for (place, letter) in parameters.named("tones")?.as_str().chars().enumerate() {
        let tone = PROGRESS.get(usize::try_from(letter.to_digit(10)?).ok()?)?;
        if place > 0 {
            generator.then_silence(gap);
        }
        generator.then_for(plan.tone(*tone), each);
    }
    Some(Effect::Tone(Box::new(generator)))
}

/// The silence behind `D/dd` (RFC 3660 section 2.2).
const DIGIT_TAIL: Duration = Duration::from_millis(50);

/// `L/ci(time,number,name)`: what the display shows, number before name. Each part may be missing.
pub(super) fn caller(parameters: EventParameters<'_>) -> String {
    let mut parts = parameters.iter().skip(1).take(2).map(|part| match part {
        EventParameter::Quoted(inner) => EventParameters::unquote(inner).into_owned(),
        EventParameter::Value(value) => value.to_owned(),
        EventParameter::Named { .. } => String::new(),
    });
    let number = parts.next().unwrap_or_default();
    let name = parts.next().unwrap_or_default();
    match (number.is_empty(), name.is_empty()) {
        (false, false) => format!("{number} {name}"),
        (false, true) => number,
        _ => name,
    }
}
