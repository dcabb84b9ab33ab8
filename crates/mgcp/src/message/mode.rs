//! Connection modes (RFC 3435 section 3.2.2.6).

use std::fmt;

use crate::scan::{Class, Fault, Scanner, cut};
use crate::text::Rule;

/// What a connection does with media.
#[derive(Clone, Copy, Debug)]
pub enum ConnectionMode<'a> {
    /// Packets are sent only.
    SendOnly,
    /// Packets are received only.
    RecvOnly,
    /// Packets are sent and received.
    SendRecv,
    /// As send and receive, and mixed with other connections of the endpoint.
    Conference,
    /// Neither.
    Inactive,
    /// The circuit is looped back.
    Loopback,
    /// The circuit is in continuity test.
    ContinuityTest,
    /// The connection is looped back to the network.
    NetworkLoopback,
    /// The connection is in network continuity test.
    NetworkTest,
    /// A mode defined by a package.
    Package {
        /// The package.
        package: &'a str,
        /// The mode.
        mode: &'a str,
    },
    /// A word that is no mode of RFC 3435: refused with 517 in commands.
    Other(&'a str),
}

impl<'a> ConnectionMode<'a> {
    /// The nine modes of RFC 3435, in its order.
    pub const ALL: [ConnectionMode<'static>; 9] = [
        ConnectionMode::SendOnly,
        ConnectionMode::RecvOnly,
        ConnectionMode::SendRecv,
        ConnectionMode::Conference,
        ConnectionMode::Inactive,
        ConnectionMode::Loopback,
        ConnectionMode::ContinuityTest,
        ConnectionMode::NetworkLoopback,
        ConnectionMode::NetworkTest,
    ];

    /// Reads a mode; none if it is not a word, or a package and a word.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut s = Scanner::new(text);
        let mode = Self::read(&mut s).ok()?;
        s.is_end().then_some(mode)
    }

    /// Steps over a mode.
    #[inline]
    pub(crate) fn skip(s: &mut Scanner<'_>) -> Result<(), Fault> {
        let word = s.pass(Class::WORD) > 0;
        if word && (!s.eat(b'/') || s.pass(Class::ALNUM) > 0) {
            Ok(())
        } else {
            Err(s.fault(Rule::ConnectionMode))
        }
    }

    pub(crate) fn read(s: &mut Scanner<'a>) -> Result<Self, Fault> {
        let start = s.position();
        Self::skip(s)?;
        let text = s.since(start);
        if let Some((package, mode)) = cut(text, b'/') {
            return Ok(Self::Package { package, mode });
        }
        let Ok(keyword) = <[u8; 8]>::try_from(text.as_bytes()) else {
            return Ok(Self::Other(text));
        };
        // Nothing but a letter becomes a lower-case letter by this bit, among the characters of a word.
        Ok(match &(u64::from_ne_bytes(keyword) | u64::from_ne_bytes([0x20; 8])).to_ne_bytes() {
            b"sendonly" => Self::SendOnly,
            b"recvonly" => Self::RecvOnly,
            b"sendrecv" => Self::SendRecv,
            b"confrnce" => Self::Conference,
            b"inactive" => Self::Inactive,
            b"loopback" => Self::Loopback,
            b"conttest" => Self::ContinuityTest,
            b"netwloop" => Self::NetworkLoopback,
            b"netwtest" => Self::NetworkTest,
            _ => Self::Other(text),
        })
    }

    /// The keyword; of a package's mode, the part behind the slash.
    #[must_use]
    pub const fn keyword(self) -> &'a str {
        match self {
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::SendRecv => "sendrecv",
            Self::Conference => "confrnce",
            Self::Inactive => "inactive",
            Self::Loopback => "loopback",
            Self::ContinuityTest => "conttest",
            Self::NetworkLoopback => "netwloop",
            Self::NetworkTest => "netwtest",
            Self::Package { mode, .. } => mode,
            Self::Other(word) => word,
        }
    }

    /// The same mode without a borrow, when it is one of the nine.
    #[must_use]
    pub fn to_static(self) -> Option<ConnectionMode<'static>> {
        ConnectionMode::ALL.into_iter().find(|mode| *mode == self)
    }
}

impl PartialEq<ConnectionMode<'_>> for ConnectionMode<'_> {
    fn eq(&self, other: &ConnectionMode<'_>) -> bool {
        let package = |mode: &Self| match *mode {
            Self::Package { package, .. } => Some(package),
            _ => None,
        };
        let theirs = match *other {
            ConnectionMode::Package { package, .. } => Some(package),
            _ => None,
        };
        let same_package = match (package(self), theirs) {
            (None, None) => true,
            (Some(left), Some(right)) => left.eq_ignore_ascii_case(right),
            _ => false,
        };
        same_package && self.keyword().eq_ignore_ascii_case(other.keyword())
    }
}

impl Eq for ConnectionMode<'_> {}

impl fmt::Display for ConnectionMode<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Package { package, .. } = self {
            write!(f, "{package}/")?;
        }
        f.write_str(self.keyword())
    }
}
