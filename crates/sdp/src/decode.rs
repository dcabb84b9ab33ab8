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
    Bandwidth, Connection, MediaLine, Origin, Timing, Wild, cut, diagnose_connection, diagnose_media, octets,
};
use crate::limits::Limits;
use crate::line::{ONES, controls, equal, field};
use crate::session::SessionDescription;

/// Decodes one session description.
///
/// # Errors
/// [`DecodeError`] with the offset, an excerpt and the rule broken.
pub fn decode<'a>(bytes: &'a [u8], limits: &Limits) -> Result<SessionDescription<'a>, DecodeError> {
    match read(bytes, limits) {
        Ok(session) => Ok(session),
        Err(fault) => Err(DecodeError::at(bytes, fault.offset, fault.rule)),
    }
}

/// A rule and where it is broken: the error, before an excerpt is taken. Small, as it is handed on at each step.
struct Fault {
    offset: usize,
    rule: Rule,
}

impl Fault {
    #[cold]
    fn at(offset: usize, rule: Rule) -> Self {
        Self { offset, rule }
    }
}

fn read<'a>(bytes: &'a [u8], limits: &Limits) -> Result<SessionDescription<'a>, Fault> {
    if bytes.len() > limits.bytes {
        return Err(Fault::at(limits.bytes, Rule::Size));
    }
    let mut walk = Walk { limits, media_offset: bytes.len(), media: 0, attributes: 0, seen: 0 };
    let mut offset = 0;
    while let Some(rest) = bytes.get(offset..).filter(|rest| !rest.is_empty()) {
        let end = line_end(rest);
        let (line, tail) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        let ended = match tail {
            [b'\r', b'\n', ..] => 2,
            [b'\n', ..] => 1,
            [] => 0,
            [0, ..] => return Err(Fault::at(offset + end, Rule::Nul)),
            _ => return Err(Fault::at(offset + end, Rule::LoneReturn)),
        };
        let [letter, b'=', value @ ..] = line else {
            no_line(line, tail, offset)?;
            break;
        };
        walk.line(*letter, value, offset)?;
        offset += end + ended;
    }
    if walk.seen == 0 {
        return Err(Fault::at(0, Rule::VersionFirst));
    }
    Ok(SessionDescription::new(bytes, walk.media_offset, walk.media, walk.attributes))
}

/// Where the first line feed, carriage return or NUL stands, eight octets at a time.
#[inline]
fn line_end(text: &[u8]) -> usize {
    let mut offset = 0;
    for word in text.as_chunks::<8>().0 {
        let hits = controls(*word);
        if hits != 0 {
            offset += (hits.trailing_zeros() / 8) as usize;
            break;
        }
        offset += 8;
    }
    // Nearly always the octet found is an end; other controls, and the last octets, are looked at one by one.
    let rest = text.get(offset..).unwrap_or_default();
    match rest.first() {
        Some(octet) if is_end(*octet) => offset,
        _ => offset + rest.iter().position(|octet| is_end(*octet)).unwrap_or(rest.len()),
    }
}

#[inline]
fn is_end(octet: u8) -> bool {
    matches!(octet, 0 | b'\n' | b'\r')
}

/// Empty lines may end a description, as some senders add them; anything else that is not `<letter>=` is an error.
#[cold]
fn no_line(line: &[u8], tail: &[u8], offset: usize) -> Result<(), Fault> {
    if !line.is_empty() {
        return Err(Fault::at(offset, Rule::LineForm));
    }
    match tail.iter().position(|byte| !matches!(byte, b'\r' | b'\n')) {
        None => Ok(()),
        Some(at) if tail.get(at) == Some(&0) => Err(Fault::at(offset + at, Rule::Nul)),
        Some(_) => Err(Fault::at(offset, Rule::EmptyLine)),
    }
}

struct Walk<'w> {
    limits: &'w Limits,
    media_offset: usize,
    media: usize,
    attributes: usize,
    /// The letters seen at this level, as bits from `a`.
    seen: u32,
}

impl Walk<'_> {
    #[inline]
    fn line(&mut self, letter: u8, value: &[u8], offset: usize) -> Result<(), Fault> {
        if value.len() + 2 > self.limits.line {
            return Err(Fault::at(offset, Rule::LineSize));
        }
        if self.seen == 0 && letter != b'v' {
            return Err(Fault::at(offset, Rule::VersionFirst));
        }
        match letter {
            b'a' => self.attribute(value, offset)?,
            b'm' => return self.stream(value, offset),
            b'c' => {
                if !is_ip4(value) && Connection::parse(value).is_none() {
                    let (at, rule) = diagnose_connection(value);
                    return Err(Fault::at(offset + 2 + at, rule));
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
    fn session_line(&mut self, letter: u8, value: &[u8], offset: usize) -> Result<(), Fault> {
        if !matches!(letter, b'v' | b'o' | b's' | b'u' | b'e' | b'p' | b't' | b'r' | b'z') {
            return Err(Fault::at(offset, Rule::TypeLetter));
        }
        if self.media > 0 {
            return Err(Fault::at(offset, Rule::Level));
        }
        match letter {
            b'v' => {
                self.once(letter, offset)?;
                self.value(value == b"0", offset, Rule::Version)
            }
            b'o' => {
                self.once(letter, offset)?;
                self.value(is_origin(value), offset, Rule::Origin)
            }
            // RFC 3264's examples have an empty s= line: let it be.
            b's' => self.once(letter, offset),
            b'u' => {
                self.once(letter, offset)?;
                self.value(!value.is_empty(), offset, Rule::EmptyValue)
            }
            b't' => self.value(value == b"0 0" || Timing::parse(value).is_some(), offset, Rule::Timing),
            b'r' => self.value(is_repeat(value), offset, Rule::Repeat),
            b'z' => self.value(is_zone(value), offset, Rule::Zone),
            _ => self.value(!value.is_empty(), offset, Rule::EmptyValue),
        }
    }

    #[inline]
    fn attribute(&mut self, value: &[u8], offset: usize) -> Result<(), Fault> {
        let name = class::run(value, TOKEN);
        if name == 0 || value.get(name).is_some_and(|byte| *byte != b':') {
            return Err(Fault::at(offset + 2 + name, Rule::AttributeName));
        }
        self.attributes += 1;
        if self.attributes > self.limits.attributes {
            return Err(Fault::at(offset, Rule::AttributeCount));
        }
        Ok(())
    }

    #[inline]
    fn stream(&mut self, value: &[u8], offset: usize) -> Result<(), Fault> {
        let formats =
            plain_audio(value).or_else(|| MediaLine::parse_counted(value).map(|(_, formats)| formats));
        let Some(formats) = formats else {
            let (at, rule) = diagnose_media(value);
            return Err(Fault::at(offset + 2 + at, rule));
        };
        if formats > self.limits.formats {
            return Err(Fault::at(offset, Rule::FormatCount));
        }
        if self.media == 0 {
            self.media_offset = offset;
        }
        self.media += 1;
        if self.media > self.limits.media {
            return Err(Fault::at(offset, Rule::MediaCount));
        }
        self.seen = bit(b'm');
        Ok(())
    }

    /// A line of this letter may stand only once at this level.
    #[inline]
    fn once(&self, letter: u8, offset: usize) -> Result<(), Fault> {
        if self.seen & bit(letter) != 0 {
            return Err(Fault::at(offset, Rule::Repeated));
        }
        Ok(())
    }

    #[inline]
    fn value(&self, good: bool, offset: usize, rule: Rule) -> Result<(), Fault> {
        if good { Ok(()) } else { Err(Fault::at(offset + 2, rule)) }
    }
}

/// The bit of a type letter.
#[inline]
fn bit(letter: u8) -> u32 {
    1 << (letter.wrapping_sub(b'a') & 31)
}

/// The `c=` line of nearly every description, read without splitting it: `IN IP4` and a plain address.
#[inline]
fn is_ip4(value: &[u8]) -> bool {
    value.strip_prefix(b"IN IP4 ").is_some_and(|address| octets(address).is_some())
}

/// The `m=` line of nearly every description, read in one pass: `audio <port> RTP/AVP` and payload types, each after
/// one space. Says how many there are, or nothing when the line has another form or a fault.
#[inline]
fn plain_audio(value: &[u8]) -> Option<usize> {
    let (port, rest) = digits(value.strip_prefix(b"audio ")?)?;
    if port > 65_535 {
        return None;
    }
    let mut rest = rest.strip_prefix(b" RTP/AVP")?;
    let mut count = 0;
    while let [b' ', tail @ ..] = rest {
        (_, rest) = digits(tail)?;
        count += 1;
    }
    (rest.is_empty() && count > 0).then_some(count)
}

/// One to five digits, and what follows them.
#[inline]
fn digits(text: &[u8]) -> Option<(u32, &[u8])> {
    let mut value = 0;
    let mut count = 0;
    let mut rest = text;
    while let [byte @ b'0'..=b'9', tail @ ..] = rest {
        value = value * 10 + u32::from(byte - b'0');
        count += 1;
        if count > 5 {
            return None;
        }
        rest = tail;
    }
    (count > 0).then_some((value, rest))
}

/// Six fields. Spaces are counted eight octets at a time; a line that parts its fields otherwise is split.
#[inline]
fn is_origin(value: &[u8]) -> bool {
    let (words, tail) = value.as_chunks::<8>();
    let mut count = 0;
    // The spaces of eight octets must not meet one another, nor the last octet before.
    let mut before = 1;
    let mut met = 0;
    for word in words {
        let spaces = equal(*word, b' ') >> 7;
        met |= spaces & (spaces << 8 | before);
        before = spaces >> 56;
        // Each octet is 0 or 1: the product's highest octet is their sum.
        count += spaces.wrapping_mul(ONES) >> 56;
    }
    for octet in tail {
        let space = u64::from(*octet == b' ');
        met |= space & before;
        before = space;
        count += space;
    }
    (met | before == 0 && count == 5) || Origin::parse(value).is_some()
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
