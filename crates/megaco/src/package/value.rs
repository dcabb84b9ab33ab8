//! Values from text and octets by their type (RFC 3525 Annexes A.2 note 4, B.2, B.3).
//!
//! What does not fit its type stays a word or a string: the check says so, and nothing is lost on the way.

use std::borrow::Cow;

use super::{Kind, Type, item_name, package, unnamed};
use crate::error::EncodeError;
use crate::message::{Name, Relation, Setting, Value};

const SAFE: [bool; 256] = {
    let mut safe = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        safe[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let others = b"+-&!_/'?@^`~*$\\()%|.";
    let mut place = 0;
    while place < others.len() {
        safe[others[place] as usize] = true;
        place += 1;
    }
    safe
};

/// Whether a byte can stand in a word (Annex B.2, SafeChar).
pub(crate) fn is_safe(byte: u8) -> bool {
    SAFE.get(usize::from(byte)).copied().unwrap_or(false)
}

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
        // What has no type in the tables is taken for what it looks like.
        Type::None => match text {
            "on" => Value::Boolean(true),
            "off" => Value::Boolean(false),
            _ => decimal(text).map_or_else(as_written, Value::Integer),
        },
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
fn write_fraction(value: u64, out: &mut Vec<u8>) {
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

/// The name of a package, item or parameter; `known` is what the tables call it.
pub(crate) fn write_name(name: Name<'_>, known: Option<&'static str>, out: &mut Vec<u8>) {
    match (name, known) {
        (_, Some(known)) => out.extend_from_slice(known.as_bytes()),
        (Name::Id(id), None) => out.extend_from_slice(&unnamed(id)),
        (Name::Text(text), None) => out.extend_from_slice(text.as_str().as_bytes()),
        (Name::All, None) => out.push(b'*'),
    }
}

/// A number in decimal digits.
pub(crate) fn write_number(number: u32, out: &mut Vec<u8>) {
    let mut digits = [0_u8; 10];
    let mut rest = number;
    let mut length = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
        length += 1;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(digits.len() - length..).unwrap_or_default());
}

/// Octets as pairs of hexadecimal digits.
pub(crate) fn write_hexadecimal(octets: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for octet in octets {
        let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
        out.extend_from_slice(&[digit(octet >> 4), digit(octet & 15)]);
    }
}

/// A value as text, strings without their quotes.
pub(crate) fn write_value(value: &Value<'_>, kind: Type, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    match value {
        Value::Integer(number) => {
            if *number < 0 {
                out.push(b'-');
            }
            match u32::try_from(number.unsigned_abs()) {
                Ok(number) => write_number(number, out),
                Err(_) => out.extend_from_slice(number.unsigned_abs().to_string().as_bytes()),
            }
        }
        Value::Boolean(on) => out.extend_from_slice(if *on { b"on" } else { b"off" }),
        Value::Enumeration(number) => {
            let rows = if let Type::Enumeration(rows) = kind { rows } else { &[] };
            match rows.iter().find(|(_, known)| known == number) {
                Some((name, _)) => out.extend_from_slice(name.as_bytes()),
                None => write_number(*number, out),
            }
        }
        Value::Fraction(fraction) => write_fraction(*fraction, out),
        Value::Token(text) => {
            if text.is_empty() || !text.bytes().all(is_safe) {
                return Err(EncodeError::Illegal { what: "a word with characters that a word has not" });
            }
            out.extend_from_slice(text.as_bytes());
        }
        Value::String(text) => out.extend_from_slice(text.as_bytes()),
        Value::Octets(octets) => write_hexadecimal(octets, out),
        Value::Item(name) => {
            let of = if let Name::Id(id) = name.package() { package(id) } else { None };
            write_name(name.package(), of.map(|of| of.name), out);
            out.push(b'/');
            let row = if let Name::Id(id) = name.item() {
                of.and_then(|of| of.item(Kind::Signal, id))
            } else {
                None
            };
            write_name(name.item(), row.map(|row| row.name), out);
        }
    }
    Ok(())
}

/// One value as a setting: `$` lets the gateway choose.
impl<'a> From<Value<'a>> for Setting<'a> {
    fn from(value: Value<'a>) -> Self {
        if let Value::Token("$") = value { Self::Choose } else { Self::One(value) }
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
