//! Verbs (RFC 3435 section 3.2.1.1) and the protocol version (section 3.2.1.4).

use std::fmt;

use crate::scan::{Class, Fault, Scanner, trim_end};
use crate::text::Rule;

/// What a command asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// EndpointConfiguration.
    Epcf,
    /// CreateConnection.
    Crcx,
    /// ModifyConnection.
    Mdcx,
    /// DeleteConnection.
    Dlcx,
    /// NotificationRequest.
    Rqnt,
    /// Notify.
    Ntfy,
    /// AuditEndpoint.
    Auep,
    /// AuditConnection.
    Aucx,
    /// RestartInProgress.
    Rsip,
    /// Message (RFC 3435 Appendix B.2, base package).
    Mesg,
    /// Any other verb, in upper case.
    Other([u8; 4]),
}

impl Verb {
    /// The ten verbs, in the order of the RFC's tables.
    pub const ALL: [Self; 10] = [
        Self::Epcf,
        Self::Crcx,
        Self::Mdcx,
        Self::Dlcx,
        Self::Rqnt,
        Self::Ntfy,
        Self::Auep,
        Self::Aucx,
        Self::Rsip,
        Self::Mesg,
    ];

    /// Reads a verb in either case; none unless it is a letter and three letters or digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::of(text.as_bytes())
    }

    #[inline]
    pub(crate) fn of(text: &[u8]) -> Option<Self> {
        let code: [u8; 4] = text.try_into().ok()?;
        let code = code.map(|byte| byte.to_ascii_uppercase());
        Some(match &code {
            b"EPCF" => Self::Epcf,
            b"CRCX" => Self::Crcx,
            b"MDCX" => Self::Mdcx,
            b"DLCX" => Self::Dlcx,
            b"RQNT" => Self::Rqnt,
            b"NTFY" => Self::Ntfy,
            b"AUEP" => Self::Auep,
            b"AUCX" => Self::Aucx,
            b"RSIP" => Self::Rsip,
            b"MESG" => Self::Mesg,
            [b'A'..=b'Z', rest @ ..] if rest.iter().all(u8::is_ascii_alphanumeric) => Self::Other(code),
            _ => return None,
        })
    }

    /// The four characters.
    #[must_use]
    pub const fn code(&self) -> &[u8; 4] {
        match self {
            Self::Epcf => b"EPCF",
            Self::Crcx => b"CRCX",
            Self::Mdcx => b"MDCX",
            Self::Dlcx => b"DLCX",
            Self::Rqnt => b"RQNT",
            Self::Ntfy => b"NTFY",
            Self::Auep => b"AUEP",
            Self::Aucx => b"AUCX",
            Self::Rsip => b"RSIP",
            Self::Mesg => b"MESG",
            Self::Other(code) => code,
        }
    }

    /// The four characters as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.code()).unwrap_or("????")
    }

    /// The place of a verb of the RFC in [`Verb::ALL`].
    #[must_use]
    pub const fn index(self) -> Option<usize> {
        Some(match self {
            Self::Epcf => 0,
            Self::Crcx => 1,
            Self::Mdcx => 2,
            Self::Dlcx => 3,
            Self::Rqnt => 4,
            Self::Ntfy => 5,
            Self::Auep => 6,
            Self::Aucx => 7,
            Self::Rsip => 8,
            Self::Mesg => 9,
            Self::Other(_) => return None,
        })
    }

    /// Whether the command only asks: AUEP and AUCX.
    #[must_use]
    pub const fn is_audit(self) -> bool {
        matches!(self, Self::Auep | Self::Aucx)
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The protocol's version and profile, as the command line names them.
#[derive(Clone, Copy, Debug)]
pub struct Version<'a> {
    /// The number before the dot.
    pub major: u16,
    /// The number after the dot.
    pub minor: u16,
    /// The profile's name, such as `NCS 1.0`.
    pub profile: Option<&'a str>,
}

impl Version<'static> {
    /// `MGCP 1.0`.
    pub const V1_0: Self = Self { major: 1, minor: 0, profile: None };
    /// `MGCP 0.1`.
    pub const V0_1: Self = Self { major: 0, minor: 1, profile: None };
}

impl<'a> Version<'a> {
    pub(crate) fn read(s: &mut Scanner<'a>) -> Result<Self, Fault> {
        let start = s.position();
        if !s.take(Class::ALPHA).eq_ignore_ascii_case("MGCP") {
            return Err(Fault { at: start, rule: Rule::Version });
        }
        s.space();
        let major = s.number(4, Rule::Version)?;
        if !s.eat(b'.') {
            return Err(s.fault(Rule::Version));
        }
        let minor = s.number(4, Rule::Version)?;
        let gap = s.position();
        s.space();
        let text = trim_end(s.rest());
        if !text.is_empty() && gap == s.position() {
            return Err(s.fault(Rule::Version));
        }
        if let Some(ahead) = text.bytes().position(|byte| byte != b'\t' && !(0x20..0x7f).contains(&byte)) {
            return Err(Fault { at: s.position() + ahead, rule: Rule::Version });
        }
        let number = |wide: u32| u16::try_from(wide).unwrap_or(u16::MAX);
        let profile = (!text.is_empty()).then_some(text);
        Ok(Self { major: number(major), minor: number(minor), profile })
    }
}

impl PartialEq for Version<'_> {
    fn eq(&self, other: &Self) -> bool {
        let words = |profile: Option<&str>, with: Option<&str>| {
            let mut left = profile.unwrap_or_default().split_ascii_whitespace();
            let mut right = with.unwrap_or_default().split_ascii_whitespace();
            loop {
                match (left.next(), right.next()) {
                    (None, None) => return true,
                    (Some(a), Some(b)) if a.eq_ignore_ascii_case(b) => {}
                    _ => return false,
                }
            }
        };
        (self.major, self.minor) == (other.major, other.minor) && words(self.profile, other.profile)
    }
}

impl Eq for Version<'_> {}

impl fmt::Display for Version<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MGCP {}.{}", self.major, self.minor)?;
        match self.profile {
            Some(profile) => write!(f, " {profile}"),
            None => Ok(()),
        }
    }
}
