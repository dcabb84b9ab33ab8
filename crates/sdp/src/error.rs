//! What is wrong with a description: where, what was found there, and which rule it breaks.

use std::fmt;

/// A short excerpt of the offending octets.
pub type Found = strowger_sansio::Excerpt<32>;

/// Why octets are not a session description, or not one that can be used.
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
        let end = match rule {
            // Here the octet itself is the fault.
            Rule::Nul | Rule::LoneReturn => rest.len().min(1),
            _ => rest.iter().position(|byte| matches!(byte, b'\r' | b'\n' | 0)).unwrap_or(rest.len()),
        };
        Self { offset, found: Found::new(rest.get(..end).unwrap_or_default()), rule }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "offset {}: found {}, but {} ({})", self.offset, self.found, self.rule, self.rule.clause())
    }
}

impl std::error::Error for DecodeError {}

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident => $text:literal, $clause:literal;)*) => {
        /// The rules that a description can break.
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
    /// Longer than [`Limits::bytes`](crate::Limits::bytes).
    Size => "a description may not be longer than the limit", "local limit on octets";
    /// A line longer than [`Limits::line`](crate::Limits::line).
    LineSize => "a line may not be longer than the limit", "local limit on line length";
    /// More streams than [`Limits::media`](crate::Limits::media).
    MediaCount => "there may not be more m= lines than the limit", "local limit on media descriptions";
    /// More attributes than [`Limits::attributes`](crate::Limits::attributes).
    AttributeCount => "there may not be more a= lines than the limit", "local limit on attributes";
    /// More formats than [`Limits::formats`](crate::Limits::formats).
    FormatCount => "an m= line may not list more formats than the limit", "local limit on formats";
    /// A NUL octet.
    Nul => "no octet may be NUL", "RFC 8866 section 5";
    /// A carriage return without a line feed after it.
    LoneReturn => "a carriage return stands only before a line feed", "RFC 8866 section 9";
    /// An empty line before the last one.
    EmptyLine => "a line holds a type, an equals sign and a value", "RFC 8866 section 5";
    /// Not `<letter>=`.
    LineForm => "a line begins with one letter and an equals sign", "RFC 8866 section 5";
    /// A letter that the grammar does not have.
    TypeLetter => "the types are v o s i u e p c b t r z k a m", "RFC 8866 section 5";
    /// The first line is not `v=`, or there is none.
    VersionFirst => "a description begins with v=", "RFC 8866 section 5.1";
    /// A version other than 0.
    Version => "the only version is 0", "RFC 8866 section 5.1";
    /// A line of a type that does not occur at this level.
    Level => "only i c b k a may follow an m= line", "RFC 8866 section 5";
    /// A line that may occur once came again.
    Repeated => "this line may occur only once here", "RFC 8866 section 9";
    /// A line without a value.
    EmptyValue => "this line needs a value", "RFC 8866 section 9";
    /// A malformed `o=` line.
    Origin => "o= has user name, session id, version, network type, address type and address", "RFC 8866 section 5.2";
    /// A malformed `c=` line.
    Connection => "c= has network type, address type and address", "RFC 8866 section 5.7";
    /// An address that is not of its type.
    Address => "the address must be of the address type named before it", "RFC 8866 section 5.7";
    /// A malformed `b=` line.
    Bandwidth => "b= has a type, a colon and a number", "RFC 8866 section 5.8";
    /// A malformed `t=` line.
    Timing => "t= has a start and a stop time, in digits", "RFC 8866 section 5.9";
    /// A malformed `r=` line.
    Repeat => "r= has an interval, a duration and offsets", "RFC 8866 section 5.10";
    /// A malformed `z=` line.
    Zone => "z= has pairs of a time and an offset", "RFC 8866 section 5.11";
    /// A malformed `k=` line.
    Key => "k= is prompt, or clear:, base64: or uri: with a value", "RFC 8866 section 5.12";
    /// An attribute without a proper name.
    AttributeName => "an attribute has a name of token characters", "RFC 8866 section 5.13";
    /// The media type of an `m=` line is malformed.
    MediaType => "m= begins with a media type", "RFC 8866 section 5.14";
    /// The port of an `m=` line is malformed.
    Port => "the port is a number up to 65535", "RFC 8866 section 5.14";
    /// The number of ports of an `m=` line is malformed.
    PortCount => "the number of ports is a positive number", "RFC 8866 section 5.14";
    /// The transport of an `m=` line is malformed.
    Transport => "the transport protocol is made of tokens and slashes", "RFC 8866 section 5.14";
    /// A format of an `m=` line is missing or malformed.
    Format => "m= ends with at least one format", "RFC 8866 section 5.14";
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}
