//! Values from text and octets by their type (RFC 3525 Annexes A.2 note 4, B.2, B.3).
//!
//! What does not fit its type stays a word or a string: the check says so, and nothing is lost on the way.

use std::borrow::Cow;

use super::{Kind, Type, item_name};
use crate::message::{Relation, Setting, Value};

/// Text, and whether it stood in quotes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Written<'a> {
    pub(crate) text: &'a str,
    pub(crate) is_quoted: bool,
}

/// The value that a text is.
pub(crate) fn from_text<'a>(kind: Type, written: Written<'a>) -> Value<'a> {
    let Written { text, is_quoted } = written;
    let as_written = || if is_quoted { Value::String(text) } else { Value::Token(text) };
    match kind {
        Type::String => Value::String(text),
        Type::Signal => signal(text).unwrap_or_else(as_written),
        _ if is_quoted => Value::String(text),
        Type::Boolean => boolean(text).unwrap_or_else(as_written),
        Type::Integer(..) | Type::Double => number(text).unwrap_or_else(as_written),
        Type::Fraction => fraction(text).unwrap_or_else(as_written),
        Type::Octets => octets(text).unwrap_or_else(as_written),
        Type::Enumeration(rows) => enumeration(rows, text).unwrap_or_else(as_written),
        Type::None => decimal(text).map_or_else(as_written, Value::Integer),
        Type::Word | Type::List(_) => as_written(),
    }
}

fn boolean(text: &str) -> Option<Value<'static>> {
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    // The words of the text of packages, which peers take literally, besides those of Annex B.2.
    if is("on") || is("true") {
        Some(Value::Boolean(true))
    } else if is("off") || is("false") {
        Some(Value::Boolean(false))
    } else {
        None
    }
}

/// A number in the one way in which this crate writes it.
fn decimal(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_plain = digits == "0" && digits.len() == text.len()
        || (!digits.starts_with('0')
            && !digits.is_empty()
            && digits.bytes().all(|byte| byte.is_ascii_digit()));
    if is_plain { text.parse().ok() } else { None }
}

fn number(text: &str) -> Option<Value<'static>> {
    let number = match text.as_bytes() {
        [b'0', b'x' | b'X', _, ..] => {
            let digits = text.get(2..)?;
            // A sign is no digit.
            digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(())?;
            i64::from_str_radix(digits, 16).ok()?
        }
        [b'-' | b'0'..=b'9', ..] => text.parse().ok()?,
        _ => return None,
    };
    Some(Value::Integer(number))
}

fn fraction(text: &str) -> Option<Value<'static>> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(whole) && is_number(part) && part.len() <= 12 && !whole.is_empty()).then_some(())?;
    let whole: u32 = whole.parse().ok()?;
    let scale = 10_u128.pow(u32::try_from(part.len()).ok()?);
    let part: u128 = if part.is_empty() { 0 } else { part.parse().ok()? };
    let scaled = ((part << 32) + scale / 2) / scale;
    (scaled < 1 << 32).then_some(())?;
    Some(Value::Fraction(u64::from(whole) << 32 | u64::try_from(scaled).ok()?))
}

/// A fraction with as few digits as tell it from its neighbours.
pub(crate) fn write_fraction(value: u64, out: &mut Vec<u8>) {
    use std::io::Write as _;
    let (whole, part) = (value >> 32, value & 0xffff_ffff);
    // Writing to memory cannot fail.
    let _ = write!(out, "{whole}");
    if part == 0 {
        return;
    }
    for digits in 1..=10_u32 {
        let scale = 10_u128.pow(digits);
        let rounded = (u128::from(part) * scale + (1 << 31)) >> 32;
        if rounded < scale && ((rounded << 32) + scale / 2) / scale == u128::from(part) {
            let _ = write!(out, ".{rounded:0width$}", width = digits as usize);
            return;
        }
    }
    let _ = write!(out, ".{:010}", (u128::from(part) * 10_000_000_000) >> 32);
}

fn octets(text: &str) -> Option<Value<'static>> {
    let nibble = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    (rest.is_empty()).then_some(())?;
    let octets: Option<Vec<u8>> =
        pairs.iter().map(|[high, low]| Some(nibble(*high)? << 4 | nibble(*low)?)).collect();
    octets.map(|octets| Value::Octets(Cow::Owned(octets)))
}

fn enumeration(rows: &[(&str, u32)], text: &str) -> Option<Value<'static>> {
    let named = rows.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, number)| *number);
    let number = named.or_else(|| decimal(text).and_then(|number| u32::try_from(number).ok()))?;
    Some(Value::Enumeration(number))
}

fn signal(text: &str) -> Option<Value<'_>> {
    let (package, item) = text.split_once('/')?;
    item_name(Kind::Signal, package, item).map(|(name, _)| Value::Item(name))
}

/// One value as a setting: `$` lets the gateway choose.
impl<'a> From<Value<'a>> for Setting<'a> {
    fn from(value: Value<'a>) -> Self {
        if value == Value::Token("$") { Self::Choose } else { Self::One(value) }
    }
}

impl Relation {
    /// The sign of the text form.
    pub(crate) const fn sign(self) -> u8 {
        match self {
            Self::Greater => b'>',
            Self::Smaller => b'<',
            Self::Unequal => b'#',
        }
    }
}
