//! What is wrong with octets from the wire: where, what was found there, and which rule it breaks.

use std::fmt;

use crate::message::FieldCode;

/// A short excerpt of the offending octets, to be shown in hexadecimal (`{:x}`).
pub type Found = strowger_sansio::Excerpt<16>;

/// Why octets are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// Offset of the first octet at fault, from the start of what was decoded.
    pub offset: usize,
    /// How many octets are at fault; zero when something is missing.
    pub length: usize,
    /// What stands there.
    pub found: Found,
    /// The rule.
    pub rule: Rule,
    /// The header field of MMS that is at fault or missing.
    pub field: Option<FieldCode>,
}

impl DecodeError {
    /// The range of octets at fault.
    #[must_use]
    pub const fn range(&self) -> std::ops::Range<usize> {
        self.offset..self.offset.saturating_add(self.length)
    }

    #[cold]
    pub(crate) fn from_fault(bytes: &[u8], fault: Fault) -> Self {
        let offset = fault.offset.min(bytes.len());
        let rest = bytes.get(offset..).unwrap_or_default();
        let length = rest.len().min(fault.length.max(1));
        Self {
            offset,
            length,
            found: Found::new(rest.get(..length).unwrap_or_default()),
            rule: fault.rule,
            field: (fault.field != 0).then(|| FieldCode::from_code(fault.field)),
        }
    }
}

/// `offset 12: found 1f 00, but a rule (clause)`.
impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "offset {}: found {:x}", self.offset, self.found)?;
        if let Some(field) = self.field {
            write!(f, " ({field})")?;
        }
        write!(f, ", but {} ({})", self.rule, self.rule.clause())
    }
}

impl std::error::Error for DecodeError {}

/// A rule and where it is broken: the error before an excerpt is taken. Small, as it is handed on at each step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) offset: usize,
    pub(crate) length: usize,
    pub(crate) rule: Rule,
    /// The code of the header field, or zero.
    pub(crate) field: u8,
}

impl Fault {
    #[cold]
    pub(crate) const fn at(offset: usize, rule: Rule) -> Self {
        Self { offset, length: 1, rule, field: 0 }
    }

    /// The same fault, of a header field.
    #[cold]
    pub(crate) const fn of(self, field: u8) -> Self {
        Self { field, ..self }
    }

    #[cold]
    pub(crate) const fn over(offset: usize, length: usize, rule: Rule) -> Self {
        Self { offset, length, rule, field: 0 }
    }
}

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident => $text:literal, $clause:literal;)*) => {
        /// The rules that octets can break.
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
        }
    };
}

rules! {
    /// Longer than the limit.
    Size => "a message may not be longer than the limit", "local limit on octets";
    /// The octets end where more are due.
    Ends => "more octets are due here", "WSP 8.2";
    /// An unsigned integer of variable length that goes on for more than five octets.
    UintvarLong => "an unsigned integer of variable length has at most five octets", "WSP 8.1.2";
    /// An unsigned integer of variable length beyond 32 bits.
    UintvarLarge => "an unsigned integer of variable length is at most 2^32-1", "WSP 8.1.2";
    /// A length that reaches past what is there.
    LengthPastEnd => "a length does not reach past the octets around it", "WSP 8.4.2.2";
    /// Octets are left within a length.
    LengthNotUsed => "a value fills the length that is announced for it", "WSP 8.4.2.2";
    /// Something else where a value-length belongs.
    LengthExpected => "a value-length begins with an octet below 20", "WSP 8.4.2.2";
    /// Text without its NUL.
    TextUnterminated => "text ends with NUL", "WSP 8.4.2.1";
    /// Something else where text belongs.
    TextExpected => "text begins with an octet of 20 to 7f", "WSP 8.4.2.1";
    /// Text longer than the limit.
    TextLong => "text may not be longer than the limit", "local limit on text";
    /// A long integer without octets, or of more than 30.
    LongIntegerLength => "a long integer has 1 to 30 octets", "WSP 8.4.2.1";
    /// A long integer beyond 64 bits.
    LongIntegerLarge => "an integer beyond 64 bits is no time and no size", "local limit on integers";
    /// Something else where an integer belongs.
    IntegerExpected => "an integer is a short integer or a long integer", "WSP 8.4.2.3";
    /// Something else where a token of one octet belongs.
    TokenExpected => "this value is one octet of 80 to ff", "MMS ENC 7";
    /// A header that begins with an octet below 20, or with 7f.
    HeaderName => "a header begins with a code of 80 to ff or with a name", "WSP 8.4.2.6";
    /// A shift to another page of header codes.
    CodePage => "only the default page of header codes is known", "WSP 8.4.2.6";
    /// More headers than the limit.
    HeaderCount => "there may not be more headers than the limit", "local limit on headers";
    /// The length of headers does not leave room for a content type.
    HeadersLength => "the length of the headers covers the content type", "WSP 8.2.4.1";
    /// A media type that is neither a number nor text.
    MediaType => "a media type is an integer or text", "WSP 8.4.2.24";
    /// A parameter that is malformed.
    Parameter => "a parameter has a token and a value of its kind", "WSP 8.4.2.4";
    /// A charset that is no number.
    Charset => "a charset is an integer of the registry of character sets", "WSP 8.4.2.8";
    /// A PDU type that is not known.
    PduType => "the type is one of the table of PDUs", "WSP 8.2.1, table 34";
    /// Octets after the end of a PDU that has no data.
    Trailing => "nothing follows the last field", "WSP 8.2";
    /// Parts without end.
    PartCount => "there may not be more parts than the limit", "local limit on parts";
    /// A number of parts that is not the number of parts.
    PartsMissing => "as many parts follow as are announced", "WSP 8.5.1";
    /// Octets after the last part.
    PartsTrailing => "nothing follows the last part", "WSP 8.5.1";
    /// No message type.
    NoMessageType => "a message has a message type", "MMS ENC 6";
    /// No version.
    NoVersion => "a message has a version", "MMS ENC 6";
    /// A mandatory header is missing.
    MissingHeader => "a message has its mandatory headers", "MMS ENC 6";
    /// From without a token, or with one that is unknown.
    From => "From holds 80 with an address, or 81", "MMS ENC 7, From";
    /// A time without a token, or with one that is unknown.
    Time => "a time holds 80 or 81 and a long integer", "MMS ENC 7, Expiry";
    /// A WBXML document of a version that is not known.
    WbxmlVersion => "the version is 1.1, 1.2 or 1.3", "WBXML 5.4";
    /// A document in a character set of two octets.
    WbxmlCharset => "documents in character sets of two octets are not read", "WBXML 5.6; local limit";
    /// A place in the string table that is not there.
    WbxmlTable => "a reference points into the string table, at a string that ends there", "WBXML 5.7";
    /// A token where it has no meaning.
    WbxmlToken => "this token does not stand here", "WBXML 5.8";
    /// Too many elements within one another.
    WbxmlDepth => "elements may not lie deeper within each other than the limit", "local limit on depth";
    /// A character that is none, or that XML cannot hold.
    WbxmlEntity => "an entity is a character that XML can hold", "WBXML 5.8.4.3";
    /// A document without an element.
    WbxmlRoot => "a document has one element, and nothing behind it", "WBXML 5.3";
    /// Another document than was expected.
    WbxmlDocument => "a document of this kind has its public identifier and its elements", "WAP-167, WAP-168, WAP-175";
    /// A date that is none.
    WbxmlDate => "a date is digits of year, month, day, hour, minute and second, of which zeros at the end may be left out", "WAP-167 8.2.2";
    /// A type that is none.
    WtpType => "the type of a packet is 1 to 7", "WTP 8.1";
    /// A class of 3.
    WtpClass => "the class of a transaction is 0, 1 or 2", "WTP 8.3.1";
    /// Another version.
    WtpVersion => "the version of WTP is 0", "WTP 8.3.1";
    /// An abort of neither provider nor user.
    WtpAbort => "the provider or the user aborts", "WTP 8.3.5";
    /// A user data header longer than the user data.
    UdhLength => "the user data header ends within the user data", "3GPP TS 23.040 9.2.3.24";
    /// An element longer than the header.
    UdhElement => "an element ends within the user data header", "3GPP TS 23.040 9.2.3.24";
    /// An element of the wrong length for its kind.
    UdhElementLength => "this element has the length of its kind", "3GPP TS 23.040 9.2.3.24";
    /// An element that may occur once came again.
    UdhRepeated => "ports and concatenation occur once", "3GPP TS 23.040 9.2.3.24";
    /// A part whose number is not within the total.
    UdhPart => "parts are numbered from 1 to their total", "3GPP TS 23.040 9.2.3.24.1";
    /// More user data than a message carries.
    UserData => "a short message carries at most 140 octets", "3GPP TS 23.040 9.2.3.24";
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}
