//! Messages: a start line, header fields in their order, a body.
//!
//! [`Method`], [`Status`], [`Name`]: what start lines and fields are called. [`Uri`], [`Address`], [`Via`], [`Parameters`],
//! [`CSeq`], [`RAck`], [`SessionExpires`]: the values that are understood. A message keeps every field as it came; a value
//! is read when it is asked for, and [`crate::text::check`] says once which of those that every message needs are wrong.

pub(crate) mod grammar;

mod address;
mod method;
mod name;
mod parameters;
mod status;
mod uri;
mod values;
mod via;

use std::borrow::Cow;

pub use address::Address;
pub use method::Method;
pub use name::Name;
pub use parameters::Parameters;
pub use status::Status;
pub use uri::{Secure, SipUri, Uri, unescape};
pub use values::{CSeq, RAck, Refresher, SessionExpires, date, q850_cause};
pub use via::{MAGIC_COOKIE, Via};

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// The first line.
    pub start: StartLine<'a>,
    /// The header, without `Content-Length`, which is that of the body.
    pub header: Header<'a>,
    /// The body.
    pub body: Cow<'a, [u8]>,
}

/// The first line of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartLine<'a> {
    /// Of a request.
    Request {
        /// What is wanted.
        method: Method<'a>,
        /// Of whom: the Request-URI.
        uri: Uri<'a>,
    },
    /// Of a response.
    Response {
        /// What became of the request.
        status: Status,
        /// In words.
        phrase: Cow<'a, str>,
    },
}

/// One header field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its name.
    pub name: Name<'a>,
    /// Its value, with folds as they came, without white space at the ends.
    pub value: Cow<'a, str>,
}

/// Header fields, in their order.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Header<'a> {
    fields: Vec<Field<'a>>,
}

impl<'a> Header<'a> {
    /// No fields.
    #[must_use]
    pub const fn new() -> Self {
        Self { fields: Vec::new() }
    }

    pub(crate) fn push_field(&mut self, name: Name<'a>, value: &'a str) {
        self.fields.push(Field { name, value: Cow::Borrowed(value) });
    }

    /// Puts a field behind the others. Line ends and other controls in the value, which would begin another field, become
    /// spaces.
    pub fn push(&mut self, name: Name<'a>, value: impl Into<Cow<'a, str>>) {
        let mut value = value.into();
        if value.contains(|octet: char| octet.is_control() && octet != '\t') {
            value = value.chars().map(|octet| if octet.is_control() { ' ' } else { octet }).collect();
        }
        if grammar::trim(&value).len() != value.len() {
            value = grammar::trim(&value).to_owned().into();
        }
        self.fields.push(Field { name, value });
    }

    /// Puts a field in the place of all of this name.
    pub fn set(&mut self, name: &Name<'a>, value: impl Into<Cow<'a, str>>) {
        self.remove(name);
        self.push(name.clone(), value);
    }

    /// Takes all fields of this name out.
    pub fn remove(&mut self, name: &Name<'_>) {
        self.fields.retain(|field| field.name != *name);
    }

    /// All fields.
    pub fn iter(&self) -> std::slice::Iter<'_, Field<'a>> {
        self.fields.iter()
    }

    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The value of the first field of this name.
    #[must_use]
    pub fn get(&self, name: &Name<'_>) -> Option<&str> {
        self.fields.iter().find(|field| field.name == *name).map(|field| &*field.value)
    }

    /// The values of all fields of this name.
    pub fn all<'h>(&'h self, name: &'h Name<'_>) -> impl Iterator<Item = &'h str> {
        self.fields.iter().filter(move |field| field.name == *name).map(|field| &*field.value)
    }

    /// The values of a list: fields of the same name, and what commas part within them (RFC 3261 section 7.3.1).
    pub fn list<'h>(&'h self, name: &'h Name<'_>) -> impl Iterator<Item = &'h str> {
        self.all(name).flat_map(grammar::split_list).filter(|value| !value.is_empty())
    }

    /// Whether a list of tokens, such as `Supported`, has this one.
    #[must_use]
    pub fn lists(&self, name: &Name<'_>, token: &str) -> bool {
        self.list(name).any(|own| own.eq_ignore_ascii_case(token))
    }

    /// The first `Via`.
    #[must_use]
    pub fn via(&self) -> Option<Via<'_>> {
        self.list(&Name::Via).next().and_then(Via::parse)
    }

    /// The value of `From`.
    #[must_use]
    pub fn from(&self) -> Option<Address<'_>> {
        self.get(&Name::From).and_then(Address::parse)
    }

    /// The value of `To`.
    #[must_use]
    pub fn to(&self) -> Option<Address<'_>> {
        self.get(&Name::To).and_then(Address::parse)
    }

    /// The first `Contact` that is an address.
    #[must_use]
    pub fn contact(&self) -> Option<Address<'_>> {
        self.list(&Name::Contact).find_map(Address::parse)
    }

    /// The value of `CSeq`.
    #[must_use]
    pub fn cseq(&self) -> Option<CSeq<'_>> {
        self.get(&Name::CSeq).and_then(CSeq::parse)
    }

    /// The value of `Call-ID`.
    #[must_use]
    pub fn call_id(&self) -> Option<&str> {
        self.get(&Name::CallId)
    }

    /// The number that a field holds, of at most ten digits.
    #[must_use]
    pub fn number(&self, name: &Name<'_>) -> Option<u32> {
        grammar::number(grammar::trim(self.get(name)?))
    }

    /// The Q.850 cause of `Reason` (RFC 3326).
    #[must_use]
    pub fn cause(&self) -> Option<u8> {
        self.all(&Name::Reason).find_map(q850_cause)
    }

    /// The same, owned.
    #[must_use]
    pub fn into_owned(self) -> Header<'static> {
        let own = |field: Field<'a>| Field {
            name: field.name.into_owned(),
            value: Cow::Owned(field.value.into_owned()),
        };
        Header { fields: self.fields.into_iter().map(own).collect() }
    }
}

impl<'h, 'a> IntoIterator for &'h Header<'a> {
    type Item = &'h Field<'a>;
    type IntoIter = std::slice::Iter<'h, Field<'a>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a> Message<'a> {
    /// A request without fields.
    #[must_use]
    pub fn request(method: Method<'a>, uri: Uri<'a>) -> Self {
        Self { start: StartLine::Request { method, uri }, header: Header::new(), body: Cow::Borrowed(&[]) }
    }

    /// A response without fields.
    #[must_use]
    pub fn response(status: Status) -> Self {
        let start = StartLine::Response { status, phrase: Cow::Borrowed(status.phrase()) };
        Self { start, header: Header::new(), body: Cow::Borrowed(&[]) }
    }

    /// Gives it a body of this type.
    #[must_use]
    pub fn with_body(mut self, content_type: &'static str, body: impl Into<Cow<'a, [u8]>>) -> Self {
        self.header.set(&Name::ContentType, content_type);
        self.body = body.into();
        self
    }

    /// The method, of a request.
    #[must_use]
    pub const fn method(&self) -> Option<&Method<'a>> {
        match &self.start {
            StartLine::Request { method, .. } => Some(method),
            StartLine::Response { .. } => None,
        }
    }

    /// The Request-URI, of a request.
    #[must_use]
    pub const fn uri(&self) -> Option<&Uri<'a>> {
        match &self.start {
            StartLine::Request { uri, .. } => Some(uri),
            StartLine::Response { .. } => None,
        }
    }

    /// The status, of a response.
    #[must_use]
    pub const fn status(&self) -> Option<Status> {
        match &self.start {
            StartLine::Request { .. } => None,
            StartLine::Response { status, .. } => Some(*status),
        }
    }

    /// The session description that it carries: the body when its type says `application/sdp`.
    #[must_use]
    pub fn session_description(&self) -> Option<&[u8]> {
        let media = self.header.get(&Name::ContentType)?.split(';').next().unwrap_or_default();
        (grammar::trim(media).eq_ignore_ascii_case("application/sdp") && !self.body.is_empty())
            .then_some(&*self.body)
    }

    /// The same, owned.
    #[must_use]
    pub fn into_owned(self) -> Message<'static> {
        let start = match self.start {
            StartLine::Request { method, uri } => {
                StartLine::Request { method: method.into_owned(), uri: uri.into_owned() }
            }
            StartLine::Response { status, phrase } => {
                StartLine::Response { status, phrase: Cow::Owned(phrase.into_owned()) }
            }
        };
        Message { start, header: self.header.into_owned(), body: Cow::Owned(self.body.into_owned()) }
    }
}
