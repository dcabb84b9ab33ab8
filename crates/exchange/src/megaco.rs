//! What an inventory says of gateways that speak Megaco, as plain data.

use std::fmt;
use std::str::FromStr;

/// What is to be known of a gateway that speaks Megaco.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct MegacoEntry {
    /// Its message identifier as it stands in messages: `<gw1.town>`, `[192.0.2.9]:2944` or a device's name. Without one, the first
    /// that comes from its address is it from then on.
    pub mid: Option<String>,
    /// What it speaks over.
    pub transport: MegacoTransport,
    /// In which form it is spoken to until it has spoken itself.
    pub encoding: MegacoEncoding,
    /// How the names of its terminations are told in binary form; without a plan, as those of a gateway with telephones.
    pub names: Option<NamePlan>,
    /// What it reads in text where no signals are to be given.
    pub no_signals: NoSignals,
    /// The profiles that are spoken with it, the preferred one first. It is told which of them the association has; without any, none.
    pub profiles: Vec<MegacoProfile>,
}

/// A profile of Megaco (RFC 3525 section 7.2.8): `ResGW/1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MegacoProfile {
    /// Its name: a letter, then letters, digits and `_`, 64 at most.
    pub name: String,
    /// Its version.
    pub version: strowger_megaco::message::Version,
}

impl FromStr for MegacoProfile {
    type Err = NoProfile;

    fn from_str(text: &str) -> Result<Self, NoProfile> {
        let no_profile = || NoProfile(text.to_owned());
        let (name, version) = text.split_once('/').ok_or_else(no_profile)?;
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let is_name = name.len() <= 64
            && name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.bytes().all(is_part);
        let digits = (1..=2).contains(&version.len()) && version.bytes().all(|byte| byte.is_ascii_digit());
        let version = version.parse().ok().and_then(strowger_megaco::message::Version::new);
        let version = version.filter(|_| is_name && digits).ok_or_else(no_profile)?;
        Ok(Self { name: name.to_owned(), version })
    }
}

/// A text that is no profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoProfile(pub String);

impl fmt::Display for NoProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no profile; expected a name and a version, as in \"ResGW/1\"", self.0)
    }
}

impl std::error::Error for NoProfile {}

impl MegacoEntry {
    /// Whether a text is a message identifier as it stands in messages (RFC 3525 section 8.3).
    #[must_use]
    pub fn is_legal_mid(text: &str) -> bool {
        crate::access::is_message_identifier(text)
    }
}

/// What carries Megaco.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum MegacoTransport {
    /// UDP.
    #[default]
    Udp,
    /// TCP, in TPKTs. The gateway connects.
    Tcp,
}

pub use strowger_megaco::binary::NamePlan;
pub use strowger_megaco::text::NoSignals;

/// The forms of Megaco.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum MegacoEncoding {
    /// Text with short tokens.
    #[default]
    Compact,
    /// Text with long tokens.
    Pretty,
    /// BER.
    Binary,
}
