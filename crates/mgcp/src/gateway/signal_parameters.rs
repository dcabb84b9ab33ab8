//! What may stand in the parentheses of a signal: RFC 3435 section 3.2.2.4, with the parameters of each package's own rows (538).

use super::refusal::{Refusal, refuse};
use crate::message::{EventParameter, EventParameters, ReturnCode};
use crate::package::audio::AudioRequest;
use crate::package::{Item, Length, Package, Parameters, SetupContent, SetupPart, Signal, Timing};

/// The highest number of a feature key (RFC 3149 section 2.1).
const FEATURE_KEYS: u32 = 99;
/// The states of a feature key (RFC 3149 section 2.1).
const KEY_STATES: [&str; 10] = ["en", "db", "id", "dt", "cn", "dc", "rg", "rb", "ho", "he"];
/// The MF digits of RFC 3064 table 11.
const MF_DIGITS: [&str; 17] =
    ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "K0", "K1", "K2", "S0", "S1", "S2", "S3"];
/// More digits than any numbering plan has, with their delimiters.
const MOST_DIGITS: usize = 40;

fn bad<T>(text: &'static str) -> Result<T, Refusal> {
    Err(refuse(ReturnCode::EVENT_PARAMETER, text))
}

/// Whether the signal is a kind of ringing, which counts its cycles.
pub(super) fn is_ring(package: &Package, item: &Item) -> bool {
    let digit = |symbol: &str| matches!(symbol.as_bytes(), [b'r', b'0'..=b'7']);
    matches!(package.name, "L" | "H") && (item.symbol == "rg" || digit(item.symbol))
}

/// Whether the signal is a DTMF tone of a given length.
pub(super) fn is_tone_duration(package: &Package, item: &Item) -> bool {
    package.name == "D" && item.symbol.eq_ignore_ascii_case("dd")
}

/// Whether the parameters are those of the signal (538).
pub(super) fn check_parameters(
    package: &Package,
    item: &Item,
    kind: Signal,
    parameters: EventParameters<'_>,
) -> Result<(), Refusal> {
    match item.parameters {
        Parameters::Setup(parts) => return check_setup(parts, parameters),
        Parameters::MfDigits => return check_digits(parameters, SetupContent::Mf),
        Parameters::KeyState | Parameters::KeyLabel => return check_key(item, parameters),
        // They were read one by one.
        Parameters::Signals => return Ok(()),
        Parameters::Transponder => return check_transponder(parameters),
        Parameters::Audio(operation) => {
            return match AudioRequest::parse(operation, parameters.as_str()) {
                Some(_) => Ok(()),
                None => bad("these are no parameters of an audio server"),
            };
        }
        _ => {}
    }
    let timed = matches!(kind.timing, Timing::TimeOut(length) if length != Length::Variable);
    if parameters.named("to").is_some() && (!timed || parameters.number("to").is_none()) {
        return bad("to is a number of milliseconds of a time-out signal");
    }
    if is_tone_duration(package, item) || (package.name == "D" && item.symbol.eq_ignore_ascii_case("do")) {
        return check_tone(item, parameters);
    }
    if package.name == "A" && parameters.iter().next().is_none() {
        return bad("an announcement has a name");
    }
    let ring = is_ring(package, item);
    if ring
        && parameters.named("rep").is_some()
        && !parameters.number("rep").is_some_and(|n| (1..=255).contains(&n))
    {
        return bad("rep is a number from 1 to 255");
    }
    if item.symbol == "sl"
        && parameters.named("del").is_some()
        && parameters.number("del").is_none_or(|n| n > 10_000)
    {
        return bad("del is a number up to 10000");
    }
    check_values(package, item, kind, ring, parameters)
}

fn check_values(
    package: &Package,
    item: &Item,
    kind: Signal,
    ring: bool,
    parameters: EventParameters<'_>,
) -> Result<(), Refusal> {
    let mut numbers = 0;
    for parameter in parameters.iter() {
        let known = match (parameter, item.parameters) {
            (_, Parameters::Free) => true,
            (EventParameter::Named { name, .. }, _) => {
                name.eq_ignore_ascii_case("to") || (ring && name.eq_ignore_ascii_case("rep"))
            }
            (EventParameter::Value(sign), _) if kind.timing == Timing::OnOff && matches!(sign, "+" | "-") => {
                true
            }
            (EventParameter::Value(number), Parameters::Number(low, high)) => {
                numbers += 1;
                numbers == 1 && number.parse::<u16>().is_ok_and(|number| (low..=high).contains(&number))
            }
            _ => false,
        };
        if !known {
            return bad("the signal has no such parameter, or not with this value");
        }
    }
    // On lines the special information tone has a usual one, and so has the test pattern; the other numbered signals must say which (RFC
    // 3660 sections 2.1 to 2.4).
    let has_usual = matches!((package.name, item.symbol), ("L" | "H", "sit") | ("T", "tp"));
    let needs = matches!(item.parameters, Parameters::Number(..)) && !has_usual;
    if needs && numbers == 0 { bad("the signal needs its number") } else { Ok(()) }
}

/// D/dd and D/do: which tone, and how long.
fn check_tone(item: &Item, parameters: EventParameters<'_>) -> Result<(), Refusal> {
    let tone = parameters.named("dg").map(EventParameters::as_str);
    let is_tone = |tone: &str| {
        matches!(tone.to_ascii_uppercase().as_bytes(), [b'0'..=b'9' | b'*' | b'#' | b'A'..=b'D'])
    };
    if !tone.is_some_and(is_tone) {
        return bad("dg names one tone");
    }
    let on_off = item.symbol.eq_ignore_ascii_case("do");
    let known = |parameter| match parameter {
        EventParameter::Named { name, .. } => {
            name.eq_ignore_ascii_case("dg") || (!on_off && name.eq_ignore_ascii_case("to"))
        }
        EventParameter::Value(sign) => on_off && matches!(sign, "+" | "-"),
        EventParameter::Quoted(_) => false,
    };
    if !parameters.iter().all(known) {
        return bad("the tone has no such parameter");
    }
    let millis = parameters.named("to").map(|_| parameters.number("to"));
    if item.symbol.eq_ignore_ascii_case("dd")
        && millis.is_some_and(|millis| !millis.is_some_and(|millis| (50..=60_000).contains(&millis)))
    {
        return bad("to is a number from 50 to 60000");
    }
    Ok(())
}

/// T/ct: two tones, not the same, and a sign; who turns it off need not name them.
fn check_transponder(parameters: EventParameters<'_>) -> Result<(), Refusal> {
    let (mut heard, mut sent, mut sign) = (None, None, None);
    for parameter in parameters.iter() {
        let free = match parameter {
            EventParameter::Named { name, values } => {
                let tones = ["co1", "co2"].into_iter();
                let tone = tones.into_iter().find(|tone| tone.eq_ignore_ascii_case(values.as_str()));
                let place = match name.to_ascii_lowercase().as_str() {
                    "in" => &mut heard,
                    "out" => &mut sent,
                    _ => return bad("the transponder has in and out"),
                };
                tone.is_some() && std::mem::replace(place, tone).is_none()
            }
            EventParameter::Value(text @ ("+" | "-")) => sign.replace(text).is_none(),
            _ => false,
        };
        if !free {
            return bad("the transponder hears one of co1 and co2, and sends the other");
        }
    }
    match (heard, sent) {
        (Some(heard), Some(sent)) if heard != sent => Ok(()),
        (None, None) if sign == Some("-") => Ok(()),
        _ => bad("the transponder hears one of co1 and co2, and sends the other"),
    }
}

/// `sup`: RFC 3064 table 13. The order of its parameters does not matter.
fn check_setup(parts: &[SetupPart], parameters: EventParameters<'_>) -> Result<(), Refusal> {
    let mut seen: Vec<&str> = Vec::new();
    for parameter in parameters.iter() {
        let EventParameter::Named { name, values } = parameter else {
            return bad("sup has named parameters");
        };
        let Some(part) = parts.iter().find(|part| part.name.eq_ignore_ascii_case(name)) else {
            return bad("this trunk sends no such part of an address");
        };
        if seen.contains(&part.name) {
            return bad("a part of the address stands twice");
        }
        seen.push(part.name);
        check_digits(values, part.holds)?;
    }
    match parts.iter().any(|part| part.needed && !seen.contains(&part.name)) {
        true => bad("sup lacks a part of the address"),
        false => Ok(()),
    }
}

fn check_digits(values: EventParameters<'_>, content: SetupContent) -> Result<(), Refusal> {
    let mut count = 0;
    for value in values.iter() {
        let EventParameter::Value(digit) = value else { return bad("digits stand alone between commas") };
        count += 1;
        let known = match content {
            SetupContent::Mf => MF_DIGITS.iter().any(|known| known.eq_ignore_ascii_case(digit)),
            SetupContent::Dtmf => {
                matches!(digit.to_ascii_uppercase().as_bytes(), [b'0'..=b'9' | b'*' | b'#' | b'A'..=b'D'])
            }
            SetupContent::SignalingType => ["nda", "nta"].iter().any(|kind| kind.eq_ignore_ascii_case(digit)),
        };
        if !known {
            return bad("this is no digit of the trunk");
        }
    }
    match (content, count) {
        (SetupContent::SignalingType, 1) => Ok(()),
        (SetupContent::Mf | SetupContent::Dtmf, 1..=MOST_DIGITS) => Ok(()),
        _ => bad("too few or too many digits"),
    }
}

/// KY/ks and KY/ls: a key, and its state or label.
fn check_key(item: &Item, parameters: EventParameters<'_>) -> Result<(), Refusal> {
    let mut values = parameters.iter();
    let key = match values.next() {
        Some(EventParameter::Value(number)) => number.parse::<u32>().ok(),
        _ => None,
    };
    if !key.is_some_and(|key| (1..=FEATURE_KEYS).contains(&key)) {
        return bad("a feature key has a number from 1 to 99");
    }
    let good = match (item.parameters, values.next()) {
        (Parameters::KeyState, Some(EventParameter::Value(state))) => {
            KEY_STATES.iter().any(|known| known.eq_ignore_ascii_case(state))
        }
        (Parameters::KeyLabel, Some(EventParameter::Value(_) | EventParameter::Quoted(_))) => true,
        _ => false,
    };
    if good && values.next().is_none() { Ok(()) } else { bad("the key has no such state or label") }
}
