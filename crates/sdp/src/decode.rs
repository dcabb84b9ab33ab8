//! Octets to a view, in one pass and without allocation (RFC 8866 sections 5 and 9; RFC 2327 for what is older).
//!
//! What RFC 3435 section 3.4 lets a reader ignore may be missing (`o=`, `s=`, `t=`): a description may be `v=0` alone.
//! The order of lines within the session's part and within a stream's part is not enforced, as an example of RFC 3264
//! (section 9) itself breaks it; [`SessionDescription::departures`] reports it. What decides meaning is enforced: the
//! version first, each line at its level, single lines once, addresses, ports and formats well-formed. The values of
//! attributes are read where they are used, as in [`audio`](crate::audio).

use crate::class::{self, DIGIT, TOKEN, VISIBLE};
use crate::error::{DecodeError, Rule};
use crate::field::{
    Bandwidth, Connection, MediaLine, Origin, Timing, Wild, cut, diagnose_connection, diagnose_media,
};
use crate::limits::Limits;
use crate::line::{field, split};
use crate::session::SessionDescription;

/// Decodes one session description.
///
/// # Errors
/// [`DecodeError`] with the offset, an excerpt and the rule broken.
pub fn decode<'a>(bytes: &'a [u8], limits: &Limits) -> Result<SessionDescription<'a>, DecodeError> {
    if bytes.len() > limits.bytes {
        return Err(DecodeError::at(bytes, limits.bytes, Rule::Size));
    }
    check_octets(bytes)?;
    let mut walk = Walk { bytes, limits, media_offset: bytes.len(), media: 0, attributes: 0, seen: 0 };
    let mut rest = bytes;
    while !rest.is_empty() {
        let offset = bytes.len() - rest.len();
        let (line, next) = split(rest);
        rest = next;
        match line {
            [letter, b'=', value @ ..] => walk.line(*letter, value, offset)?,
            _ => {
                check_blank(bytes, line, rest, offset)?;
                rest = &[];
            }
        }
    }
    if walk.seen == 0 {
        return Err(DecodeError::at(bytes, 0, Rule::VersionFirst));
    }
    Ok(SessionDescription::new(bytes, walk.media_offset, walk.media, walk.attributes))
}

/// No NUL, and no carriage return but before a line feed. Written as a fold, so that it runs over many octets at once.
#[inline]
fn check_octets(bytes: &[u8]) -> Result<(), DecodeError> {
    let after = bytes.get(1..).unwrap_or_default();
    let pairs = bytes.iter().zip(after);
    let bad = pairs.fold(0_u8, |bad, (byte, next)| {
        bad | u8::from(*byte == 0) | (u8::from(*byte == b'\r') & u8::from(*next != b'\n'))
    });
    if bad == 0 && !matches!(bytes.last(), Some(0 | b'\r')) {
        return Ok(());
    }
    Err(diagnose_octets(bytes))
}

#[cold]
fn diagnose_octets(bytes: &[u8]) -> DecodeError {
    for (offset, byte) in bytes.iter().enumerate() {
        if *byte == 0 {
            let mut error = DecodeError::at(bytes, offset, Rule::Nul);
            error.found = crate::error::Found::new(&[0]);
            return error;
        }
        if *byte == b'\r' && bytes.get(offset + 1) != Some(&b'\n') {
            return DecodeError::at(bytes, offset, Rule::LoneReturn);
        }
    }
    DecodeError::at(bytes, bytes.len(), Rule::LoneReturn)
}

/// Empty lines may end a description, as some senders add them; anything else that is not `<letter>=` is an error.
#[cold]
fn check_blank(bytes: &[u8], line: &[u8], rest: &[u8], offset: usize) -> Result<(), DecodeError> {
    if !line.is_empty() {
        return Err(DecodeError::at(bytes, offset, Rule::LineForm));
    }
    if rest.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
        return Ok(());
    }
    Err(DecodeError::at(bytes, offset, Rule::EmptyLine))
}

struct Walk<'w> {
    bytes: &'w [u8],
    limits: &'w Limits,
    media_offset: usize,
    media: usize,
    attributes: usize,
    /// The letters seen at this level, as bits from `a`.
    seen: u32,
}

impl Walk<'_> {
    #[inline]
    fn line(&mut self, letter: u8, value: &[u8], offset: usize) -> Result<(), DecodeError> {
        if value.len() + 2 > self.limits.line {
            return Err(self.error(offset, Rule::LineSize));
        }
        if self.seen == 0 && letter != b'v' {
            return Err(self.error(offset, Rule::VersionFirst));
        }
        match letter {
            b'a' => self.attribute(value, offset)?,
            b'm' => return self.stream(value, offset),
            b'c' => {
                if Connection::parse(value).is_none() {
                    let (at, rule) = diagnose_connection(value);
                    return Err(self.error(offset + 2 + at, rule));
                }
                // Several c= lines are several groups of a layered multicast stream; only a stream may have them.
                if self.media == 0 {
                    self.once(letter, offset)?;
                }
            }
            b'b' => self.value(Bandwidth::parse(value).is_some(), offset, Rule::Bandwidth)?,
            b'i' | b'k' => {
                self.once(letter, offset)?;
                let rule = if letter == b'i' { Rule::EmptyValue } else { Rule::Key };
                let good = if letter == b'i' { !value.is_empty() } else { is_key(value) };
                self.value(good, offset, rule)?;
            }
            _ => self.session_line(letter, value, offset)?,
        }
        self.seen |= bit(letter);
        Ok(())
    }

    /// The lines that only the session's part has.
    fn session_line(&mut self, letter: u8, value: &[u8], offset: usize) -> Result<(), DecodeError> {
        if !matches!(letter, b'v' | b'o' | b's' | b'u' | b'e' | b'p' | b't' | b'r' | b'z') {
            return Err(self.error(offset, Rule::TypeLetter));
        }
        if self.media > 0 {
            return Err(self.error(offset, Rule::Level));
        }
        match letter {
            b'v' => {
                self.once(letter, offset)?;
                self.value(value == b"0", offset, Rule::Version)
            }
            b'o' => {
                self.once(letter, offset)?;
                self.value(Origin::parse(value).is_some(), offset, Rule::Origin)
            }
            // RFC 3264's examples have an empty s= line: let it be.
            b's' => self.once(letter, offset),
            b'u' => {
                self.once(letter, offset)?;
                self.value(!value.is_empty(), offset, Rule::EmptyValue)
            }
            b't' => self.value(Timing::parse(value).is_some(), offset, Rule::Timing),
            b'r' => self.value(is_repeat(value), offset, Rule::Repeat),
            b'z' => self.value(is_zone(value), offset, Rule::Zone),
            _ => self.value(!value.is_empty(), offset, Rule::EmptyValue),
        }
    }

    #[inline]
    fn attribute(&mut self, value: &[u8], offset: usize) -> Result<(), DecodeError> {
        let name = class::run(value, TOKEN);
        if name == 0 || value.get(name).is_some_and(|byte| *byte != b':') {
            return Err(self.error(offset + 2 + name, Rule::AttributeName));
        }
        self.attributes += 1;
        if self.attributes > self.limits.attributes {
            return Err(self.error(offset, Rule::AttributeCount));
        }
        Ok(())
    }

    #[inline]
    fn stream(&mut self, value: &[u8], offset: usize) -> Result<(), DecodeError> {
        let Some((_, formats)) = MediaLine::parse_counted(value) else {
            let (at, rule) = diagnose_media(value);
            return Err(self.error(offset + 2 + at, rule));
        };
        if formats > self.limits.formats {
            return Err(self.error(offset, Rule::FormatCount));
        }
        if self.media == 0 {
            self.media_offset = offset;
        }
        self.media += 1;
        if self.media > self.limits.media {
            return Err(self.error(offset, Rule::MediaCount));
        }
        self.seen = bit(b'm');
        Ok(())
    }

    /// A line of this letter may stand only once at this level.
    #[inline]
    fn once(&self, letter: u8, offset: usize) -> Result<(), DecodeError> {
        if self.seen & bit(letter) != 0 {
            return Err(self.error(offset, Rule::Repeated));
        }
        Ok(())
    }

    #[inline]
    fn value(&self, good: bool, offset: usize, rule: Rule) -> Result<(), DecodeError> {
        if good { Ok(()) } else { Err(self.error(offset + 2, rule)) }
    }

    #[cold]
    fn error(&self, offset: usize, rule: Rule) -> DecodeError {
        DecodeError::at(self.bytes, offset, rule)
    }
}

/// The bit of a type letter.
#[inline]
fn bit(letter: u8) -> u32 {
    1 << (letter.wrapping_sub(b'a') & 31)
}

/// `prompt`, or a method with its value (RFC 8866 section 5.12).
fn is_key(value: &[u8]) -> bool {
    match cut(value, b':') {
        (b"prompt", None) => true,
        (b"clear" | b"uri", Some(value)) => !value.is_empty(),
        (b"base64", Some(value)) => {
            let body = value.strip_suffix(b"==").or(value.strip_suffix(b"=")).unwrap_or(value);
            value.len().is_multiple_of(4)
                && body.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
        }
        _ => false,
    }
}

/// Digits with an optional unit: `7d`.
fn is_typed_time(text: &[u8]) -> bool {
    let digits = match text {
        [digits @ .., b'd' | b'h' | b'm' | b's'] => digits,
        _ => text,
    };
    class::all(digits, DIGIT)
}

/// An interval, a duration and at least one offset (RFC 8866 section 5.10).
fn is_repeat(mut value: &[u8]) -> bool {
    let mut count = 0;
    loop {
        match field(&mut value) {
            [] => return count >= 3,
            text if Wild::parse(text, |text| is_typed_time(text).then_some(())).is_none() => return false,
            _ => count += 1,
        }
    }
}

/// Pairs of a time and an offset that may be negative (RFC 8866 section 5.11).
fn is_zone(mut value: &[u8]) -> bool {
    let mut pairs = 0;
    loop {
        let (time, offset) = (field(&mut value), field(&mut value));
        if time.is_empty() {
            return pairs > 0;
        }
        let offset = offset.strip_prefix(b"-").unwrap_or(offset);
        if !class::all(time, DIGIT) || !is_typed_time(offset) || !class::all(offset, VISIBLE) {
            return false;
        }
        pairs += 1;
    }
}
