//! What the signals of Megaco are to the plane that need more than a name: data messages, announcements, lists of digits, ringing patterns.

use strowger_megaco::gateway::{Choice, Given, Item, SignalOrder};

use crate::display::{self, DataMessage};

/// Several digits at once (package `dg`), with their list and the silence between them.
pub(super) const DIGITS: Item = Item::new(5, 1);
const TONES: u16 = 1;
const GAP: u16 = 2;
/// Several progress tones, one after the other (package `cg`), with the same parameters.
pub(super) const PROGRESS: Item = Item::new(7, 1);
/// The first of them, and how long each lasts in milliseconds, as provisioned (Annex E.3.3).
const FIRST_TONE: u32 = 0x30;
const EACH: i64 = 2_000;
/// The gap without that parameter, in milliseconds, and the most digits.
const USUAL_GAP: i64 = 50;
const MOST_DIGITS: usize = 32;

/// A fixed announcement (package `an`), with its number and how often it is given; the gateway knows where to.
pub(super) const ANNOUNCEMENT: Item = Item::new(0x1d, 1);
const NUMBER: u16 = 1;
const CYCLES: u16 = 2;
/// More cycles than anybody listens to.
const MOST_CYCLES: i64 = 1_000;

/// Ringing with a data message, and a data message alone (package `andisp`).
pub(super) const DISPLAY_WITH_ALERTING: Item = Item::new(0x3c, 1);
pub(super) const DATA: Item = Item::new(0x3c, 2);
/// Their parameters: the data message, and the pattern of ringing.
const DATA_BLOCK: u16 = 1;
const PATTERN: u16 = 2;

/// The data message of a signal, if there is one that can be read.
pub(super) fn message(order: &SignalOrder) -> Option<DataMessage> {
    let block = order.arguments.iter().find(|own| own.id == DATA_BLOCK)?;
    let Choice::One(Given::Octets(octets)) = &block.choice else { return None };
    display::read(octets)
}

/// The recording that an announcement is, and how often it is given: that of its number, `39` for `39.wav`.
pub(super) fn recording(order: &SignalOrder) -> Option<(String, i64)> {
    let number = |id: u16| {
        let argument = order.arguments.iter().find(|own| own.id == id)?;
        argument.choice.values().first().and_then(Given::number)
    };
    Some((number(NUMBER)?.to_string(), number(CYCLES).unwrap_or(1).clamp(1, MOST_CYCLES)))
}

/// The keys of a list of tones, as they stand in digit maps, and the silence between them.
pub(super) fn keys(order: &SignalOrder) -> Option<(String, i64)> {
    let argument = |id: u16| order.arguments.iter().find(|own| own.id == id).map(|own| &own.choice);
    let letter = |value: &Given| {
        let tone = u32::try_from(value.number()?).ok()?;
        Some(match tone {
            0x10..=0x19 => char::from_digit(tone - 0x10, 10)?,
            0x1a..=0x1d => char::from_u32(u32::from('A') + tone - 0x1a)?,
            0x20 => 'E',
            0x21 => 'F',
            _ => return None,
        })
    };
    let keys: String = argument(TONES)?.values().iter().map(letter).collect::<Option<_>>()?;
    let gap = argument(GAP).and_then(Choice::number).unwrap_or(USUAL_GAP);
    ((1..=MOST_DIGITS).contains(&keys.len()) && (0..=10_000).contains(&gap)).then_some((keys, gap))
}

/// The progress tones of a list by their places, as a signal of the plane.
pub(super) fn progress(order: &SignalOrder) -> Option<String> {
    let argument = |id: u16| order.arguments.iter().find(|own| own.id == id).map(|own| &own.choice);
    let digit = |value: &Given| {
        let place = u32::try_from(value.number()?).ok()?.checked_sub(FIRST_TONE)?;
        char::from_digit(place, 9)
    };
    let tones: String = argument(TONES)?.values().iter().map(digit).collect::<Option<_>>()?;
    let gap = argument(GAP).and_then(Choice::number).unwrap_or(USUAL_GAP);
    let is_legal = (1..=MOST_DIGITS).contains(&tones.len()) && (0..=10_000).contains(&gap);
    is_legal.then(|| format!("D/pl(tones={tones},each={EACH},gap={gap})"))
}

/// How it rings: pattern 1 is the usual one, from 2 on they are distinctive.
pub(super) fn ringing(order: &SignalOrder) -> &'static str {
    const DISTINCTIVE: [&str; 8] = ["L/r0", "L/r1", "L/r2", "L/r3", "L/r4", "L/r5", "L/r6", "L/r7"];
    let pattern = order.arguments.iter().find(|own| own.id == PATTERN).map(|own| &own.choice);
    let Some(Choice::One(Given::Integer(number))) = pattern else { return "L/rg" };
    let place = usize::try_from(number - 2).ok();
    place.and_then(|place| DISTINCTIVE.get(place)).copied().unwrap_or("L/rg")
}
