//! Headers of WSP (8.4): of a push, of a request or reply, of a part of a body. A block is checked once; its view then reads
//! lazily and cannot fail.

use std::borrow::Cow;
use std::fmt;

use super::content_type::{ContentType, Parameters};
use super::table::{self, Syntax};
use crate::error::{Fault, Rule};
use crate::octets::{Reader, put_integer, put_long_integer, put_text, put_value};
use crate::text::Text;

/// The name of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderName<'a> {
    /// A code, with bit 7 set.
    Code(u8),
    /// A name as text.
    Text(Text<'a>),
}

impl<'a> HeaderName<'a> {
    /// The header with this name: its newest code where it has one.
    #[must_use]
    pub fn named(name: &'a str) -> Self {
        table::header_code(name).map_or_else(|| Self::Text(Text::from(name)), Self::Code)
    }

    /// The name; none of a code that is not known.
    #[must_use]
    pub fn name(&self) -> Option<Cow<'a, str>> {
        match self {
            Self::Code(code) => table::header(*code).map(|row| Cow::Borrowed(row.name)),
            Self::Text(text) => Some(text.to_str()),
        }
    }

    /// Whether this header has that name, by whichever of its codes.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name().is_some_and(|known| known.eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for HeaderName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.name(), self) {
            (Some(name), _) => f.write_str(&name),
            (None, Self::Code(code)) => write!(f, "header {code:02x}"),
            (None, Self::Text(_)) => Ok(()),
        }
    }
}

/// An application: its number or its URI (header X-Wap-Application-Id).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplicationId<'a> {
    /// A number that OMNA registered.
    Number(u64),
    /// A URI.
    Uri(Text<'a>),
}

impl ApplicationId<'_> {
    /// The user agent for MMS: `x-wap-application:mms.ua`.
    pub const MMS: ApplicationId<'static> = ApplicationId::Number(4);
    /// The browser, which is meant when there is no application identifier.
    pub const WML: ApplicationId<'static> = ApplicationId::Number(2);

    /// Whether this is that application, whichever way each is written.
    #[must_use]
    pub fn is(&self, other: &ApplicationId<'_>) -> bool {
        let number = |id: &ApplicationId<'_>| match id {
            ApplicationId::Number(number) => Some(*number),
            ApplicationId::Uri(uri) => table::application_number(&uri.to_str()).map(u64::from),
        };
        match (number(self), number(other), self, other) {
            (Some(one), Some(two), ..) => one == two,
            (None, None, ApplicationId::Uri(one), ApplicationId::Uri(two)) => one == two,
            _ => false,
        }
    }
}

impl fmt::Display for ApplicationId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => match table::application(*number) {
                Some(name) => write!(f, "x-wap-application:{name}"),
                None => write!(f, "application {number:x}"),
            },
            Self::Uri(uri) => write!(f, "{uri}"),
        }
    }
}

/// A disposition (header Content-Disposition).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disposition<'a> {
    /// What to do with the part.
    pub kind: DispositionKind<'a>,
    /// The parameters.
    pub parameters: Parameters<'a>,
}

/// What to do with a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DispositionKind<'a> {
    /// 80: a field of a form.
    FormData,
    /// 81: to be kept.
    Attachment,
    /// 82: to be shown.
    Inline,
    /// Another number.
    Number(u64),
    /// Another word.
    Text(Text<'a>),
}

impl<'a> DispositionKind<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        if matches!(reader.peek(), Some(0x20..=0x7f)) {
            return Ok(Self::Text(Text::of(reader.text()?)));
        }
        Ok(match reader.integer()? {
            0 => Self::FormData,
            1 => Self::Attachment,
            2 => Self::Inline,
            number => Self::Number(number),
        })
    }

    fn write(self, out: &mut Vec<u8>) {
        match self {
            Self::FormData => out.push(0x80),
            Self::Attachment => out.push(0x81),
            Self::Inline => out.push(0x82),
            Self::Number(number) => put_integer(number, out),
            Self::Text(text) => put_text(text.as_bytes(), out),
        }
    }
}

impl fmt::Display for Disposition<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            DispositionKind::FormData => f.write_str("form-data"),
            DispositionKind::Attachment => f.write_str("attachment"),
            DispositionKind::Inline => f.write_str("inline"),
            DispositionKind::Number(number) => write!(f, "disposition {number:x}"),
            DispositionKind::Text(text) => write!(f, "{text}"),
        }?;
        self.parameters.iter().try_for_each(|parameter| write!(f, "; {parameter}"))
    }
}

/// The value of a header. A value that is well-formed but not of its header's kind comes as one of the general kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// Text, with the quotation mark that may precede it.
    Text(Text<'a>),
    /// One octet with bit 7 set.
    Token(u8),
    /// A number.
    Integer(u64),
    /// Seconds since 1970.
    Date(u64),
    /// A media type.
    ContentType(ContentType<'a>),
    /// A disposition.
    Disposition(Disposition<'a>),
    /// An application.
    ApplicationId(ApplicationId<'a>),
    /// Anything else, as it is on the wire.
    Raw(&'a [u8]),
}

impl<'a> Value<'a> {
    #[inline]
    fn read(syntax: Syntax, reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let mut attempt = *reader;
        match Self::typed(syntax, &mut attempt) {
            Some(value) => {
                *reader = attempt;
                Ok(value)
            }
            None => reader.any_value().map(Self::Raw),
        }
    }

    #[inline]
    fn typed(syntax: Syntax, reader: &mut Reader<'a>) -> Option<Self> {
        let first = reader.peek()?;
        let text = matches!(first, 0 | 0x20..=0x7f);
        match syntax {
            Syntax::Text | Syntax::Quoted if text => {
                reader.text().ok().map(|text| Self::Text(Text::of(text)))
            }
            Syntax::TokenOrText | Syntax::Version if text => {
                reader.text().ok().map(|text| Self::Text(Text::of(text)))
            }
            Syntax::TokenOrText | Syntax::Version => reader.token().ok().map(Self::Token),
            Syntax::Date => reader.integer().ok().map(Self::Date),
            Syntax::Integer => reader.integer().ok().map(Self::Integer),
            Syntax::ContentType => ContentType::read(reader).ok().map(Self::ContentType),
            Syntax::ApplicationId if text && first != 0 => {
                reader.text().ok().map(|uri| Self::ApplicationId(ApplicationId::Uri(Text::of(uri))))
            }
            Syntax::ApplicationId => {
                reader.integer().ok().map(|number| Self::ApplicationId(ApplicationId::Number(number)))
            }
            Syntax::Disposition => {
                let mut inner = reader.value().ok()?;
                let kind = DispositionKind::read(&mut inner).ok()?;
                let parameters = Parameters::read_rest(&mut inner).ok()?;
                Some(Self::Disposition(Disposition { kind, parameters }))
            }
            Syntax::Text | Syntax::Quoted | Syntax::Raw => None,
        }
    }

    /// Appends the value.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => put_text(text.as_bytes(), out),
            Self::Token(token) => out.push(token | 0x80),
            Self::Integer(value) => put_integer(*value, out),
            Self::Date(value) => put_long_integer(*value, out),
            Self::ContentType(content_type) => content_type.write(out),
            Self::Disposition(disposition) => put_value(out, |out| {
                disposition.kind.write(out);
                out.extend_from_slice(disposition.parameters.as_bytes());
            }),
            Self::ApplicationId(ApplicationId::Number(number)) => put_integer(*number, out),
            Self::ApplicationId(ApplicationId::Uri(uri)) => put_text(uri.as_bytes(), out),
            Self::Raw(octets) => out.extend_from_slice(octets),
        }
    }
}

/// One header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// The name.
    pub name: HeaderName<'a>,
    /// The value.
    pub value: Value<'a>,
}

impl<'a> Header<'a> {
    #[inline]
    fn read(reader: &mut Reader<'a>) -> Result<Option<Self>, Fault> {
        match reader.peek() {
            Some(code @ 0x80..) => {
                reader.skip(1);
                let syntax = table::header(code).map_or(Syntax::Raw, |row| row.syntax);
                let value = Value::read(syntax, reader)?;
                Ok(Some(Self { name: HeaderName::Code(code), value }))
            }
            Some(0x20..=0x7e) => {
                let name = Text::of(reader.text()?);
                let value = match reader.peek() {
                    Some(0 | 0x20..=0x7f) => Value::Text(Text::of(reader.text()?)),
                    _ => Value::Raw(reader.any_value()?),
                };
                Ok(Some(Self { name: HeaderName::Text(name), value }))
            }
            // A shift to the default page changes nothing.
            Some(1) => {
                reader.skip(1);
                Ok(None)
            }
            Some(0x7f) if reader.rest().get(1) == Some(&1) => {
                reader.skip(2);
                Ok(None)
            }
            Some(0) => Err(Fault::at(reader.offset(), Rule::HeaderName)),
            _ => Err(Fault::at(reader.offset(), Rule::CodePage)),
        }
    }

    /// Appends the header.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self.name {
            HeaderName::Code(code) => out.push(code | 0x80),
            HeaderName::Text(name) => put_text(name.as_bytes(), out),
        }
        self.value.write(out);
    }

    /// The value as text that a person reads.
    #[must_use]
    pub fn value_text(&self) -> String {
        let tokens = match self.name {
            HeaderName::Code(code) => table::header(code).map_or(&[][..], |row| row.tokens),
            HeaderName::Text(_) => &[],
        };
        match &self.value {
            Value::Text(text) => text.unquoted().to_string(),
            Value::Token(token) if self.name.is("Encoding-Version") => {
                format!("{}.{}", (token & 0x7f) >> 4, token & 0x0f)
            }
            Value::Token(token) => match tokens.iter().find(|(known, _)| known == token) {
                Some((_, word)) => (*word).to_owned(),
                None => format!("token {token:02x}"),
            },
            Value::Integer(value) | Value::Date(value) => value.to_string(),
            Value::ContentType(content_type) => content_type.to_string(),
            Value::Disposition(disposition) => disposition.to_string(),
            Value::ApplicationId(id) => id.to_string(),
            Value::Raw(octets) => {
                octets.iter().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>().join(" ")
            }
        }
    }
}

/// A block of headers, checked and as it is on the wire.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Headers<'a> {
    bytes: &'a [u8],
}

impl<'a> Headers<'a> {
    /// No headers.
    pub const NONE: Headers<'static> = Headers { bytes: &[] };

    /// The octets.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The headers, in order.
    pub fn iter(&self) -> impl Iterator<Item = Header<'a>> + use<'a> {
        self.iter_at().map(|(_, header)| header)
    }

    /// The same with the range of octets that each has in the block.
    pub fn iter_at(&self) -> impl Iterator<Item = (std::ops::Range<usize>, Header<'a>)> + use<'a> {
        let mut reader = Reader::new(self.bytes);
        std::iter::from_fn(move || {
            while !reader.is_empty() {
                let start = reader.offset();
                if let Some(header) = Header::read(&mut reader).ok()? {
                    return Some((start..reader.offset(), header));
                }
            }
            None
        })
    }

    /// The first header with this name, by whichever of its codes.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Header<'a>> {
        self.iter().find(|header| header.name.is(name))
    }

    /// The application that a push is for; the browser when it does not say.
    #[must_use]
    pub fn application(&self) -> ApplicationId<'a> {
        let found = self.iter().find_map(|header| match (header.name, header.value) {
            (HeaderName::Code(0xaf), Value::ApplicationId(id)) => Some(id),
            (HeaderName::Text(_), Value::Text(uri)) if header.name.is("X-Wap-Application-Id") => {
                Some(ApplicationId::Uri(uri))
            }
            _ => None,
        });
        found.unwrap_or(ApplicationId::WML)
    }

    pub(crate) fn read(mut reader: Reader<'a>, limit: usize) -> Result<Self, Fault> {
        let bytes = reader.rest();
        let mut count = 0;
        while !reader.is_empty() {
            count += 1;
            if count > limit {
                return Err(Fault::at(reader.offset(), Rule::HeaderCount));
            }
            Header::read(&mut reader)?;
        }
        Ok(Self { bytes })
    }
}

impl fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// A block of headers that is put together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeadersBuf(Vec<u8>);

impl HeadersBuf {
    /// An empty block.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With a header more.
    #[must_use]
    pub fn with(mut self, header: &Header<'_>) -> Self {
        header.write(&mut self.0);
        self
    }

    /// With a header of text: by its code where the name has one and its value is text.
    #[must_use]
    pub fn text(self, name: &str, value: &str) -> Self {
        let name = match table::header_code(name) {
            Some(code) if table::header(code).is_some_and(|row| row.syntax == Syntax::Text) => {
                HeaderName::Code(code)
            }
            _ => HeaderName::Text(Text::from(name)),
        };
        self.with(&Header { name, value: Value::Text(Text::from(value)) })
    }

    /// With the application that a push is for.
    #[must_use]
    pub fn application(self, id: ApplicationId<'_>) -> Self {
        self.with(&Header { name: HeaderName::Code(0xaf), value: Value::ApplicationId(id) })
    }

    /// With a Content-ID, which is given without quotation mark: `<smil>`.
    #[must_use]
    pub fn content_id(self, id: &str) -> Self {
        let quoted = format!("\"{id}");
        self.with(&Header { name: HeaderName::Code(0xc0), value: Value::Text(Text::from(quoted.as_str())) })
    }

    /// With a Content-Location.
    #[must_use]
    pub fn content_location(self, location: &str) -> Self {
        self.with(&Header { name: HeaderName::Code(0x8e), value: Value::Text(Text::from(location)) })
    }

    /// The block.
    #[must_use]
    pub fn as_headers(&self) -> Headers<'_> {
        Headers { bytes: &self.0 }
    }
}
