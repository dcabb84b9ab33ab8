//! What is wrong with a message: where, what was found there, which rule it breaks, and the status that says so.

use std::fmt;

use crate::message::Status;

/// A short excerpt of the offending octets.
pub type Found = strowger_sansio::Excerpt<32>;

/// Why octets are not a SIP message, or not one that can be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// Offset of the octet where the rule is broken, from the start of what was decoded.
    pub offset: usize,
    /// What stands there.
    pub found: Found,
    /// The rule.
    pub rule: Rule,
}

impl DecodeError {
    /// An error at `offset` of `bytes`: the excerpt reaches to the end of the line.
    #[cold]
    pub(crate) fn at(bytes: &[u8], offset: usize, rule: Rule) -> Self {
        let rest = bytes.get(offset..).unwrap_or_default();
        let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n' | 0)).unwrap_or(rest.len());
        Self { offset, found: Found::new(rest.get(..end.max(1)).unwrap_or(rest)), rule }
    }

    /// The status with which a request that breaks this rule is refused.
    #[must_use]
    pub const fn status(&self) -> Status {
        self.rule.status()
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "offset {}: found {}, but {} ({})", self.offset, self.found, self.rule, self.rule.clause())
    }
}

impl std::error::Error for DecodeError {}

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident => $text:literal, $clause:literal, $status:expr;)*) => {
        /// The rules that a message can break.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Rule { $($(#[$doc])* $name,)* }

        impl Rule {
            /// Every rule.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The rule in words.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Where it is written.
            #[must_use]
            pub const fn clause(self) -> &'static str {
                match self { $(Self::$name => $clause,)* }
            }

            /// The status with which a request that breaks it is refused.
            #[must_use]
            pub const fn status(self) -> Status {
                match self { $(Self::$name => $status,)* }
            }
        }
    };
}

rules! {
    /// Longer than [`Limits::message`](crate::Limits::message).
    MessageSize => "a message may not be longer than the limit", "local limit on octets", Status::MESSAGE_TOO_LARGE;
    /// A head longer than [`Limits::head`](crate::Limits::head).
    HeadSize => "the header may not be longer than the limit", "local limit on the header", Status::SERVER_MESSAGE_TOO_LARGE;
    /// A field longer than [`Limits::field`](crate::Limits::field).
    FieldSize => "a header field may not be longer than the limit", "local limit on a field", Status::SERVER_MESSAGE_TOO_LARGE;
    /// More fields than [`Limits::fields`](crate::Limits::fields).
    FieldCount => "there may not be more header fields than the limit", "local limit on fields", Status::SERVER_MESSAGE_TOO_LARGE;
    /// A Request-URI longer than [`Limits::uri`](crate::Limits::uri).
    UriSize => "the Request-URI may not be longer than the limit", "local limit on the Request-URI", Status::URI_TOO_LONG;
    /// More values of a list than [`Limits::values`](crate::Limits::values).
    ValueCount => "a list may not have more values than the limit", "local limit on values", Status::BAD_REQUEST;
    /// Nothing but line ends.
    Empty => "a message has a start line", "RFC 3261 section 7", Status::BAD_REQUEST;
    /// The header has no end.
    HeadEnd => "an empty line ends the header", "RFC 3261 section 7", Status::BAD_REQUEST;
    /// A line that does not end in CR LF.
    LineEnd => "lines end in CR LF, and neither stands alone", "RFC 3261 section 7", Status::BAD_REQUEST;
    /// NUL, or another control character, in the header.
    Control => "no control character stands in the header", "RFC 3261 section 25.1", Status::BAD_REQUEST;
    /// The header is not UTF-8.
    Utf8 => "the header is UTF-8", "RFC 3261 section 7", Status::BAD_REQUEST;
    /// The start line has not three parts.
    StartLine => "a request line is Method SP Request-URI SP SIP-Version", "RFC 3261 section 7.1", Status::BAD_REQUEST;
    /// The method is not a token.
    Method => "a method is a token", "RFC 3261 section 7.1", Status::BAD_REQUEST;
    /// Another version than 2.0.
    Version => "the version is SIP/2.0", "RFC 3261 section 7.1", Status::VERSION_NOT_SUPPORTED;
    /// The Request-URI is no URI.
    RequestUri => "the Request-URI is a URI without spaces, brackets or headers", "RFC 3261 section 7.1", Status::BAD_REQUEST;
    /// The Request-URI has a scheme that is not served.
    Scheme => "the scheme of the Request-URI is sip or sips", "RFC 3261 section 8.2.2.1", Status::UNSUPPORTED_URI_SCHEME;
    /// The status is not three digits from 100 to 699.
    StatusCode => "a status is three digits, from 100 to 699", "RFC 3261 section 7.2", Status::BAD_REQUEST;
    /// Not `name: value`.
    FieldForm => "a header field is a token, a colon and a value", "RFC 3261 section 7.3.1", Status::BAD_REQUEST;
    /// A continuation without a field before it.
    Continuation => "a line that begins with white space continues a field", "RFC 3261 section 7.3.1", Status::BAD_REQUEST;
    /// `Content-Length` is not a number, or came with different values.
    ContentLength => "Content-Length is one number", "RFC 3261 section 20.14", Status::BAD_REQUEST;
    /// The body is shorter than `Content-Length` says.
    BodyShort => "the body has the octets that Content-Length counts", "RFC 3261 section 18.3", Status::BAD_REQUEST;
    /// A message on a stream without `Content-Length`.
    BodyUnbounded => "on a stream Content-Length says where a body ends", "RFC 3261 section 18.3", Status::BAD_REQUEST;
    /// A field that every message must have is not there.
    Missing => "every message has Via, From, To, Call-ID and CSeq", "RFC 3261 section 8.1.1", Status::BAD_REQUEST;
    /// A field that may occur once came again.
    Repeated => "this field may occur only once", "RFC 3261 section 7.3.1", Status::BAD_REQUEST;
    /// The value of a field breaks its grammar.
    Value => "the value of a field follows the grammar", "RFC 3261 section 25.1", Status::BAD_REQUEST;
    /// A comma separates nothing, or parameters are malformed.
    Parameters => "parameters are ;name or ;name=value", "RFC 3261 section 25.1", Status::BAD_REQUEST;
    /// A number is too large.
    Range => "a sequence number is less than 2**31, other numbers than 2**32", "RFC 3261 section 8.1.1.5", Status::BAD_REQUEST;
    /// `CSeq` names another method than the request line.
    CSeqMethod => "CSeq names the method of the request", "RFC 3261 section 8.1.1.5", Status::BAD_REQUEST;
    /// `CSeq` names another method than the request line, which names one that is not known.
    UnknownMethod => "a method that is served is a known one", "RFC 3261 section 8.2.1", Status::NOT_IMPLEMENTED;
    /// A malformed name and address.
    NameAddress => "an address is a URI, or a display name and a URI in <>", "RFC 3261 section 20.10", Status::BAD_REQUEST;
    /// A malformed `Via`.
    Via => "a Via has protocol, transport, sent-by and parameters", "RFC 3261 section 20.42", Status::BAD_REQUEST;
    /// A branch that is only the magic cookie.
    Branch => "something unique follows z9hG4bK in a branch", "RFC 3261 section 8.1.1.7", Status::BAD_REQUEST;
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}
