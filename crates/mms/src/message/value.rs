//! Values of more than one octet: encoded strings, addresses of senders, times, counted values.

use std::borrow::Cow;
use std::fmt;

use super::codes::{BoxUnit, FlagAction};
use crate::charset::Charset;
use crate::error::{Fault, Rule};
use crate::octets::{Reader, put_integer, put_long_integer, put_text, put_value};
use crate::text::Text;
use crate::wsp::content_type::Parameters;

/// Text with or without its character set (Encoded-string-value).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodedString<'a> {
    /// The character set; none in the plain form, where RFC 2047 words may stand.
    pub charset: Option<Charset>,
    /// The octets, in that character set.
    pub text: EncodedText<'a>,
}

/// The octets of an encoded string: unlike other text they may hold NUL where the character set has two octets a character.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EncodedText<'a>(&'a [u8]);

impl<'a> EncodedText<'a> {
    /// The octets.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

impl fmt::Debug for EncodedText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

impl<'a> EncodedString<'a> {
    /// Text that is sent as it is when it is ASCII, else with its character set, UTF-8.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        let charset = if text.is_ascii() { None } else { Some(Charset::UTF8) };
        Self { charset, text: EncodedText(Text::from(text).as_bytes()) }
    }

    /// Octets in a character set; up to the first NUL where that cannot be a part of a character.
    #[must_use]
    pub fn with_charset(charset: Charset, octets: &'a [u8]) -> Self {
        let octets = if charset.is_wide() { octets } else { Text::new(octets).as_bytes() };
        Self { charset: Some(charset), text: EncodedText(octets) }
    }

    /// The octets as they came.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.text.0
    }

    /// The text for people: from its character set, or with its RFC 2047 words decoded.
    #[must_use]
    pub fn to_str(&self) -> Cow<'a, str> {
        match self.charset {
            Some(charset) => charset.decode(self.text.0),
            None => crate::words::decode(self.text.0),
        }
    }

    #[inline]
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        if !reader.at_length() || reader.peek() == Some(0) {
            return reader.text().map(|text| Self { charset: None, text: EncodedText(text) });
        }
        let mut inner = reader.value()?;
        let start = inner.offset();
        // A length without a charset is seen where only text was meant.
        let charset = if matches!(inner.peek(), Some(0x20..=0x7f)) {
            Charset::ANY
        } else {
            let number = inner.integer()?;
            Charset(u32::try_from(number).map_err(|_| Fault::at(start, Rule::Charset))?)
        };
        let text = if charset.is_wide() { wide(inner)? } else { narrow(&mut inner)? };
        Ok(Self { charset: Some(charset), text: EncodedText(text) })
    }

    #[inline]
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let Some(charset) = self.charset else { return put_text(self.text.0, out) };
        put_value(out, |out| {
            put_integer(u64::from(charset.0), out);
            if charset.is_wide() {
                out.extend_from_slice(self.text.0);
                // The end is one character of the set.
                out.extend_from_slice(&[0, 0]);
            } else {
                put_text(self.text.0, out);
            }
        });
    }
}

fn narrow<'a>(inner: &mut Reader<'a>) -> Result<&'a [u8], Fault> {
    // Octets of the charset need no quote, but most writers add none and some do.
    if inner.peek() == Some(0x7f) {
        inner.skip(1);
    }
    let text = inner.terminated()?;
    inner.finish(Rule::LengthNotUsed)?;
    Ok(text)
}

/// The text ends with the length; one or two octets of NUL at its end are its terminator.
fn wide(inner: Reader<'_>) -> Result<&[u8], Fault> {
    let octets = inner.rest();
    match octets {
        [text @ .., 0, 0] if text.len().is_multiple_of(2) => Ok(text),
        [text @ .., 0] if text.len().is_multiple_of(2) => Ok(text),
        _ => Err(Fault::over(inner.offset(), octets.len(), Rule::TextUnterminated)),
    }
}

impl<'a> From<&'a str> for EncodedString<'a> {
    fn from(text: &'a str) -> Self {
        Self::new(text)
    }
}

impl fmt::Display for EncodedString<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_str())
    }
}

/// The sender (From).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender<'a> {
    /// An address.
    Address(EncodedString<'a>),
    /// The relay is to put the address in, which it knows from the network.
    InsertAddress,
}

impl<'a> Sender<'a> {
    /// The address, unless the relay is to put it in.
    #[must_use]
    pub const fn address(&self) -> Option<EncodedString<'a>> {
        match self {
            Self::Address(address) => Some(*address),
            Self::InsertAddress => None,
        }
    }

    #[inline]
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let mut inner = reader.value()?;
        let start = inner.offset();
        let from = match inner.peek() {
            Some(0x80) => {
                inner.skip(1);
                if inner.is_empty() {
                    return Err(Fault::at(start, Rule::From));
                }
                Self::Address(EncodedString::read(&mut inner)?)
            }
            Some(0x81) => {
                inner.skip(1);
                Self::InsertAddress
            }
            _ => return Err(Fault::at(start, Rule::From)),
        };
        inner.finish(Rule::LengthNotUsed)?;
        Ok(from)
    }

    #[inline]
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Address(address) => put_value(out, |out| {
                out.push(0x80);
                address.write(out);
            }),
            Self::InsertAddress => out.extend_from_slice(&[1, 0x81]),
        }
    }
}

impl fmt::Display for Sender<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "{address}"),
            Self::InsertAddress => f.write_str("(the relay inserts it)"),
        }
    }
}

/// A point in time (Delivery-Time, Expiry, Reply-Charging-Deadline).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Seconds since 1970, UTC.
    At(u64),
    /// Seconds from when the message was sent or received.
    In(u64),
}

impl When {
    /// Seconds since 1970, with what is relative counted from `now`.
    #[must_use]
    pub const fn counted_from(self, now: u64) -> u64 {
        match self {
            Self::At(at) => at,
            Self::In(span) => now.saturating_add(span),
        }
    }

    #[inline]
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let mut inner = reader.value()?;
        let start = inner.offset();
        let token = inner.octet().map_err(|_| Fault::at(start, Rule::Time))?;
        if !matches!(token, 0x80 | 0x81) {
            return Err(Fault::at(start, Rule::Time));
        }
        // Short integers are not what the standard says, but are no riddle.
        let seconds = inner.integer()?;
        inner.finish(Rule::LengthNotUsed)?;
        Ok(if token == 0x80 { Self::At(seconds) } else { Self::In(seconds) })
    }

    #[inline]
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        let (token, seconds) = match self {
            Self::At(seconds) => (0x80, seconds),
            Self::In(seconds) => (0x81, seconds),
        };
        // A long integer of 64 bits has nine octets: no length here is ever quoted.
        let start = out.len();
        out.extend_from_slice(&[0, token]);
        put_long_integer(seconds, out);
        let length = out.len() - start - 1;
        if let Some(slot) = out.get_mut(start) {
            *slot = length as u8;
        }
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(seconds) => write!(f, "{}", crate::date::Utc(*seconds)),
            Self::In(seconds) => write!(f, "in {seconds} s"),
        }
    }
}

/// The class of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageClass<'a> {
    /// 80: from one person to another.
    Personal,
    /// 81: an advertisement.
    Advertisement,
    /// 82: information.
    Informational,
    /// 83: made by a terminal on its own, such as a report; it may ask for no report itself.
    Auto,
    /// A number that is not known.
    Unknown(u8),
    /// A class by its name.
    Named(Text<'a>),
}

impl<'a> MessageClass<'a> {
    #[inline]
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        if matches!(reader.peek(), Some(0x20..=0x7f)) {
            let start = reader.offset();
            return match reader.text()? {
                [] => Err(Fault::at(start, Rule::TokenExpected)),
                name => Ok(Self::Named(Text::of(name))),
            };
        }
        Ok(match reader.token()? {
            0x80 => Self::Personal,
            0x81 => Self::Advertisement,
            0x82 => Self::Informational,
            0x83 => Self::Auto,
            other => Self::Unknown(other),
        })
    }

    #[inline]
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Personal => out.push(0x80),
            Self::Advertisement => out.push(0x81),
            Self::Informational => out.push(0x82),
            Self::Auto => out.push(0x83),
            Self::Unknown(code) => out.push(code | 0x80),
            Self::Named(name) => put_text(name.as_bytes(), out),
        }
    }
}

impl fmt::Display for MessageClass<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Personal => f.write_str("personal"),
            Self::Advertisement => f.write_str("advertisement"),
            Self::Informational => f.write_str("informational"),
            Self::Auto => f.write_str("auto"),
            Self::Unknown(code) => write!(f, "class {code:02x}"),
            Self::Named(name) => write!(f, "{name}"),
        }
    }
}

/// A value with a number in front where several requests are answered at once: Content-Location and Response-Status of
/// m-mbox-delete-conf and m-delete-conf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted<T> {
    /// The number, by which location and status belong together.
    pub count: Option<u64>,
    /// The value.
    pub value: T,
}

impl<T> Counted<T> {
    /// A value without number.
    pub const fn plain(value: T) -> Self {
        Self { count: None, value }
    }
}

impl<T: fmt::Display> fmt::Display for Counted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            Some(count) => write!(f, "{count}: {}", self.value),
            None => write!(f, "{}", self.value),
        }
    }
}

/// Who sent or forwarded a message before (Previously-Sent-By).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreviousSender<'a> {
    /// The place in the order of forwarding, from 1.
    pub count: u64,
    /// The address.
    pub address: EncodedString<'a>,
}

/// And when (Previously-Sent-Date).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreviousDate {
    /// The place in the order of forwarding, from 1.
    pub count: u64,
    /// Seconds since 1970.
    pub date: u64,
}

/// A keyword of a message in the box (MM-Flags).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MmFlags<'a> {
    /// What to do with it.
    pub action: FlagAction,
    /// The keyword.
    pub keyword: EncodedString<'a>,
}

/// A total or a quota of the box (Mbox-Totals, Mbox-Quotas).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoxSize {
    /// What is counted.
    pub unit: BoxUnit,
    /// How many.
    pub value: u64,
}

/// What a part of the message is (Element-Descriptor).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ElementDescriptor<'a> {
    /// The part's Content-ID or location.
    pub reference: Text<'a>,
    /// Parameters, of which `type` gives the media type.
    pub parameters: Parameters<'a>,
}

/// A value that is read within a length of its own, all of which it must use.
fn within<'a, T>(
    reader: &mut Reader<'a>,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let mut inner = reader.value()?;
    let value = read(&mut inner)?;
    inner.finish(Rule::LengthNotUsed)?;
    Ok(value)
}

impl<'a> PreviousSender<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        within(reader, |inner| Ok(Self { count: inner.integer()?, address: EncodedString::read(inner)? }))
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        put_value(out, |out| {
            put_integer(self.count, out);
            self.address.write(out);
        });
    }
}

impl PreviousDate {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        within(reader, |inner| Ok(Self { count: inner.integer()?, date: inner.integer()? }))
    }

    pub(crate) fn write(self, out: &mut Vec<u8>) {
        put_value(out, |out| {
            put_integer(self.count, out);
            put_long_integer(self.date, out);
        });
    }
}

impl<'a> MmFlags<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        within(reader, |inner| {
            Ok(Self { action: FlagAction::from_code(inner.token()?), keyword: EncodedString::read(inner)? })
        })
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        put_value(out, |out| {
            out.push(self.action.code());
            self.keyword.write(out);
        });
    }
}

impl BoxSize {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        within(reader, |inner| Ok(Self { unit: BoxUnit::from_code(inner.token()?), value: inner.integer()? }))
    }

    pub(crate) fn write(self, out: &mut Vec<u8>) {
        put_value(out, |out| {
            out.push(self.unit.code());
            put_integer(self.value, out);
        });
    }
}

impl<'a> ElementDescriptor<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        within(reader, |inner| {
            Ok(Self { reference: Text::of(inner.text()?), parameters: Parameters::read_rest(inner)? })
        })
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        put_value(out, |out| {
            put_text(self.reference.as_bytes(), out);
            out.extend_from_slice(self.parameters.as_bytes());
        });
    }
}

impl fmt::Display for PreviousSender<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.count, self.address)
    }
}

impl fmt::Display for PreviousDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.count, crate::date::Utc(self.date))
    }
}

impl fmt::Display for MmFlags<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.action, self.keyword)
    }
}

impl fmt::Display for BoxSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.value, self.unit)
    }
}

impl fmt::Display for ElementDescriptor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reference)?;
        self.parameters.iter().try_for_each(|parameter| write!(f, "; {parameter}"))
    }
}
