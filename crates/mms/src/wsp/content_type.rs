//! Media types with parameters (WSP 8.4.2.24): read in every form, written in the shortest.

use std::borrow::Cow;
use std::fmt;

use super::table::{self, PARAMETERS, ParameterSyntax};
use crate::charset::Charset;
use crate::error::{Fault, Rule};
use crate::octets::{Reader, put_integer, put_long_integer, put_text, put_value};
use crate::text::Text;

/// A media type: a number of the registry, or its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaType<'a> {
    /// A number.
    Number(u64),
    /// A name as text.
    Name(Text<'a>),
}

impl<'a> MediaType<'a> {
    /// `application/vnd.wap.mms-message`.
    pub const MMS: Self = Self::Number(0x3e);
    /// `application/vnd.wap.multipart.related`.
    pub const MULTIPART_RELATED: Self = Self::Number(0x33);
    /// `application/vnd.wap.multipart.mixed`.
    pub const MULTIPART_MIXED: Self = Self::Number(0x23);
    /// `application/vnd.wap.multipart.alternative`.
    pub const MULTIPART_ALTERNATIVE: Self = Self::Number(0x26);
    /// `text/plain`.
    pub const TEXT_PLAIN: Self = Self::Number(0x03);
    /// `application/vnd.wap.sic`: a service indication in WBXML.
    pub const SI: Self = Self::Number(0x2e);
    /// `application/vnd.wap.slc`: a service loading in WBXML.
    pub const SL: Self = Self::Number(0x30);
    /// `application/vnd.wap.coc`: a cache operation in WBXML.
    pub const CO: Self = Self::Number(0x32);
    /// `application/vnd.wap.emn+wbxml`: an e-mail notification.
    pub const EMN: Self = Self::Number(0x030a);
    /// `application/vnd.wap.connectivity-wbxml`: OMA client provisioning, which an unknown sender must not do.
    pub const PROVISIONING: Self = Self::Number(0x36);

    /// The type with this name: its number where it has one.
    #[must_use]
    pub fn named(name: &'a str) -> Self {
        match table::media_number(name) {
            Some(number) => Self::Number(u64::from(number)),
            None => Self::Name(Text::new(name.as_bytes())),
        }
    }

    /// The name; none of a number that nobody registered.
    #[must_use]
    pub fn name(&self) -> Option<Cow<'a, str>> {
        match self {
            Self::Number(number) => table::media_type(*number).map(Cow::Borrowed),
            Self::Name(name) => Some(name.to_str()),
        }
    }

    /// Whether this is that type, whichever way each is written.
    #[must_use]
    pub fn is(&self, other: &MediaType<'_>) -> bool {
        match (self, other) {
            (Self::Number(one), MediaType::Number(two)) => one == two,
            _ => match (self.name(), other.name()) {
                (Some(one), Some(two)) => one.trim().eq_ignore_ascii_case(two.trim()),
                _ => false,
            },
        }
    }

    /// Whether a body of this type is a WSP multipart.
    #[must_use]
    pub fn is_multipart(&self) -> bool {
        match self {
            Self::Number(number) => matches!(number, 0x0b..=0x0f | 0x22..=0x26 | 0x33),
            Self::Name(name) => {
                let name = name.to_str().to_ascii_lowercase();
                name.starts_with("application/vnd.wap.multipart.") || name.starts_with("multipart/")
            }
        }
    }

    fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        match reader.peek() {
            Some(0x20..=0x7f) => {
                let start = reader.offset();
                match reader.text()? {
                    [] => Err(Fault::at(start, Rule::MediaType)),
                    name => Ok(Self::Name(Text::of(name))),
                }
            }
            Some(_) => reader.integer().map(Self::Number),
            None => Err(Fault::at(reader.offset(), Rule::MediaType)),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Number(number) => put_integer(*number, out),
            Self::Name(name) => put_text(name.as_bytes(), out),
        }
    }
}

/// The name, or the number in hexadecimal.
impl fmt::Display for MediaType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.name(), self) {
            (Some(name), _) => f.write_str(&name),
            (None, Self::Number(number)) => write!(f, "media type {number:x}"),
            (None, Self::Name(_)) => Ok(()),
        }
    }
}

/// A media type and its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentType<'a> {
    /// The type.
    pub media: MediaType<'a>,
    /// The parameters.
    pub parameters: Parameters<'a>,
}

impl<'a> ContentType<'a> {
    /// A type without parameters.
    #[must_use]
    pub const fn new(media: MediaType<'a>) -> Self {
        Self { media, parameters: Parameters::NONE }
    }

    /// The character set that a parameter names.
    #[must_use]
    pub fn charset(&self) -> Option<Charset> {
        self.parameters.iter().find_map(|parameter| match parameter {
            Parameter::Charset(charset) => Some(charset),
            Parameter::Text { name, value } if name.to_str().eq_ignore_ascii_case("charset") => {
                Charset::from_name(&value.unquoted().to_str())
            }
            _ => None,
        })
    }

    /// The part's name: of `name`, else of `filename`.
    #[must_use]
    pub fn name(&self) -> Option<Text<'a>> {
        self.parameters.text("name").or_else(|| self.parameters.text("filename"))
    }

    /// The Content-ID of the part to start with, of a `multipart/related`.
    #[must_use]
    pub fn start(&self) -> Option<Text<'a>> {
        self.parameters.text("start")
    }

    /// The type of that part.
    #[must_use]
    pub fn start_type(&self) -> Option<MediaType<'a>> {
        self.parameters.iter().find_map(|parameter| match parameter {
            Parameter::MediaType(media) => Some(media),
            Parameter::Text { name, value } if name.to_str().eq_ignore_ascii_case("type") => {
                Some(MediaType::Name(value.unquoted()))
            }
            _ => None,
        })
    }

    /// One value, in any of its forms: a short integer, text, or a length with either and parameters.
    #[inline]
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        match reader.peek() {
            Some(..0x20) => {
                let mut inner = reader.value()?;
                let media = MediaType::read(&mut inner)?;
                let parameters = Parameters { bytes: inner.rest() };
                Parameters::check(inner)?;
                Ok(Self { media, parameters })
            }
            Some(_) => MediaType::read(reader).map(Self::new),
            None => Err(Fault::at(reader.offset(), Rule::MediaType)),
        }
    }

    /// Appends the value in its shortest form.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self.media {
            // The constrained form holds text and short integers only.
            MediaType::Name(_) | MediaType::Number(..0x80) if self.parameters.bytes.is_empty() => {
                self.media.write(out);
            }
            _ => put_value(out, |out| {
                self.media.write(out);
                out.extend_from_slice(self.parameters.bytes);
            }),
        }
    }
}

/// `text/plain; charset=utf-8`.
impl fmt::Display for ContentType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.media)?;
        self.parameters.iter().try_for_each(|parameter| write!(f, "; {parameter}"))
    }
}

/// Parameters, checked and as they are on the wire.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Parameters<'a> {
    bytes: &'a [u8],
}

impl<'a> Parameters<'a> {
    /// No parameters.
    pub const NONE: Parameters<'static> = Parameters { bytes: &[] };

    /// The parameters, in order.
    pub fn iter(&self) -> impl Iterator<Item = Parameter<'a>> + use<'a> {
        let mut reader = Reader::new(self.bytes);
        std::iter::from_fn(move || if reader.is_empty() { None } else { Parameter::read(&mut reader).ok() })
    }

    /// The octets.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The text of the first parameter with this name, without its quotation marks.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<Text<'a>> {
        self.iter().find_map(|parameter| match parameter {
            Parameter::Coded { code, value } if parameter_name(code) == Some(name) => Some(value.unquoted()),
            Parameter::Text { name: known, value } if known.to_str().eq_ignore_ascii_case(name) => {
                Some(value.unquoted())
            }
            _ => None,
        })
    }

    pub(crate) fn check(mut reader: Reader<'a>) -> Result<(), Fault> {
        while !reader.is_empty() {
            Parameter::read(&mut reader)?;
        }
        Ok(())
    }

    pub(crate) fn read_rest(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        Self::check(*reader)?;
        Ok(Self { bytes: reader.take_rest() })
    }

    /// Parameters that are known to be well-formed.
    pub(crate) const fn of(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }
}

impl fmt::Debug for Parameters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// The name of a parameter's code.
#[must_use]
pub fn parameter_name(code: u8) -> Option<&'static str> {
    row(code).map(|row| row.1)
}

fn row(code: u8) -> Option<&'static (u8, &'static str, u8, ParameterSyntax)> {
    PARAMETERS.get(usize::from(code.checked_sub(0x80)?))
}

/// One parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Parameter<'a> {
    /// A character set.
    Charset(Charset),
    /// The media type of the part to start with (code 89).
    MediaType(MediaType<'a>),
    /// A quality factor, as it is on the wire: 1 to 100 are hundredths above -0.01, larger ones thousandths.
    Q(u32),
    /// A parameter of text with a code.
    Coded {
        /// The code.
        code: u8,
        /// The text, with the quotation mark that may precede it.
        value: Text<'a>,
    },
    /// A number, a version, a date or a header name, by its code.
    Number {
        /// The code.
        code: u8,
        /// The number.
        value: u64,
    },
    /// A parameter without value (code 90).
    Flag {
        /// The code.
        code: u8,
    },
    /// A parameter with its name as text.
    Text {
        /// The name.
        name: Text<'a>,
        /// The value.
        value: Text<'a>,
    },
    /// The same with an integer as its value.
    NamedNumber {
        /// The name.
        name: Text<'a>,
        /// The value.
        value: u64,
    },
    /// A code that is not known, with its value as it is on the wire.
    Unknown {
        /// The code, or the number where it is a long integer.
        code: u64,
        /// The octets of the value.
        value: &'a [u8],
    },
}

impl<'a> Parameter<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let start = reader.offset();
        match reader.peek() {
            Some(code @ 0x80..) => {
                reader.skip(1);
                Self::coded(code, reader).map_err(|fault| Fault { length: fault.length.max(1), ..fault })
            }
            Some(0x20..=0x7f) => {
                let name = Text::new(reader.text()?);
                match reader.peek() {
                    Some(0 | 0x20..=0x7f) => Ok(Self::Text { name, value: Text::new(reader.text()?) }),
                    Some(_) => Ok(Self::NamedNumber { name, value: reader.integer()? }),
                    None => Err(Fault::at(start, Rule::Parameter)),
                }
            }
            Some(_) => {
                let code = reader.integer()?;
                Ok(Self::Unknown { code, value: reader.any_value()? })
            }
            None => Err(Fault::at(start, Rule::Parameter)),
        }
    }

    fn coded(code: u8, reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let Some((_, _, _, syntax)) = row(code) else {
            return Ok(Self::Unknown { code: u64::from(code & 0x7f), value: reader.any_value()? });
        };
        match syntax {
            ParameterSyntax::Q => reader.uintvar().map(Self::Q),
            ParameterSyntax::Charset => {
                let start = reader.offset();
                // Some write the name, against the standard.
                if matches!(reader.peek(), Some(0x20..=0x7f)) {
                    return Ok(Self::Coded { code, value: Text::new(reader.text()?) });
                }
                let number = reader.integer()?;
                let number = u32::try_from(number).map_err(|_| Fault::at(start, Rule::Charset))?;
                Ok(Self::Charset(Charset(number)))
            }
            ParameterSyntax::Text => Ok(Self::Coded { code, value: Text::new(reader.text()?) }),
            ParameterSyntax::MediaType => MediaType::read(reader).map(Self::MediaType),
            ParameterSyntax::NoValue => {
                let start = reader.offset();
                match reader.octet()? {
                    0 => Ok(Self::Flag { code }),
                    _ => Err(Fault::at(start, Rule::Parameter)),
                }
            }
            ParameterSyntax::Version | ParameterSyntax::FieldName
                if matches!(reader.peek(), Some(0x20..=0x7f)) =>
            {
                Ok(Self::Coded { code, value: Text::new(reader.text()?) })
            }
            _ => Ok(Self::Number { code, value: reader.integer()? }),
        }
    }

    /// Appends the parameter.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Charset(charset) => {
                out.push(0x81);
                put_integer(u64::from(charset.0), out);
            }
            Self::MediaType(media) => {
                out.push(0x89);
                media.write(out);
            }
            Self::Q(q) => {
                out.push(0x80);
                crate::octets::put_uintvar(*q, out);
            }
            Self::Coded { code, value } => {
                out.push(*code);
                put_text(value.as_bytes(), out);
            }
            Self::Number { code, value } => {
                out.push(*code);
                match row(*code).map(|row| row.3) {
                    Some(ParameterSyntax::Date) => put_long_integer(*value, out),
                    _ => put_integer(*value, out),
                }
            }
            Self::Flag { code } => out.extend_from_slice(&[*code, 0]),
            Self::Text { name, value } => {
                put_text(name.as_bytes(), out);
                put_text(value.as_bytes(), out);
            }
            Self::NamedNumber { name, value } => {
                put_text(name.as_bytes(), out);
                put_integer(*value, out);
            }
            Self::Unknown { code, value } => {
                put_integer(*code, out);
                out.extend_from_slice(value);
            }
        }
    }
}

/// `charset=utf-8`.
impl fmt::Display for Parameter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |code: u8| parameter_name(code).unwrap_or("?");
        match self {
            Self::Charset(charset) => write!(f, "charset={charset}"),
            Self::MediaType(media) => write!(f, "type={media}"),
            Self::Q(q @ 1..=100) => write!(f, "q=0.{:02}", q - 1),
            Self::Q(q) => write!(f, "q=0.{:03}", q.saturating_sub(100)),
            Self::Coded { code, value } => write!(f, "{}={}", named(*code), value.unquoted()),
            Self::Number { code, value } => write!(f, "{}={value}", named(*code)),
            Self::Flag { code } => f.write_str(named(*code)),
            Self::Text { name, value } => write!(f, "{name}={}", value.unquoted()),
            Self::NamedNumber { name, value } => write!(f, "{name}={value}"),
            Self::Unknown { code, value } => write!(f, "parameter {code:x} of {} octets", value.len()),
        }
    }
}

/// A content type that is put together, with its parameters in a buffer of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentTypeBuf {
    media: Result<u64, String>,
    parameters: Vec<u8>,
}

impl ContentTypeBuf {
    /// The type with this name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let media = table::media_number(name).map(u64::from).ok_or_else(|| name.to_owned());
        Self { media, parameters: Vec::new() }
    }

    /// With a parameter more.
    #[must_use]
    pub fn with(mut self, parameter: &Parameter<'_>) -> Self {
        parameter.write(&mut self.parameters);
        self
    }

    /// With a character set.
    #[must_use]
    pub fn charset(self, charset: Charset) -> Self {
        self.with(&Parameter::Charset(charset))
    }

    /// With a name, in the form that old readers know.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        self.with(&Parameter::Coded { code: 0x85, value: Text::new(name.as_bytes()) })
    }

    /// With the part to start with, of a `multipart/related`.
    #[must_use]
    pub fn start(self, content_id: &str) -> Self {
        self.with(&Parameter::Coded { code: 0x8a, value: Text::new(content_id.as_bytes()) })
    }

    /// With the type of that part.
    #[must_use]
    pub fn start_type(self, name: &str) -> Self {
        // The parameter is written with the type's name, as readers expect.
        self.with(&Parameter::MediaType(MediaType::Name(Text::new(name.as_bytes()))))
    }

    /// The content type.
    #[must_use]
    pub fn as_content_type(&self) -> ContentType<'_> {
        let media = match &self.media {
            Ok(number) => MediaType::Number(*number),
            Err(name) => MediaType::Name(Text::new(name.as_bytes())),
        };
        ContentType { media, parameters: Parameters::of(&self.parameters) }
    }
}
