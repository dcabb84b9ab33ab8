//! Who takes part: one form for each subscriber, whatever form his address came in (MMS ENC section 8).

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use strowger_mms::message::Address;

use crate::smtp::is_path;

/// Characters of an address that is kept.
const LONGEST: usize = 128;

/// A subscriber, or a host or an application that stands for one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// By telephone number or short code: digits, with `+` in front of an international one.
    Number(String),
    /// By address alone.
    Host(IpAddr),
    /// An application of a value-added service provider, by the name that it has here.
    Application(String),
    /// Somebody with a mail address.
    Mail(String),
    /// A subscriber of another MMSC, as that one says.
    Peer {
        /// The name that the MMSC has here.
        peer: String,
        /// The subscriber's number; empty for the MMSC itself.
        number: String,
    },
    /// Nobody: an address that is none or is not served, as it was written. It is kept for the report that says so.
    Nobody(String),
}

/// Why nobody has this address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unaddressable {
    /// It is of no form of MMS ENC section 8.
    Malformed,
    /// It is one of a kind that is not served: mail, names.
    Foreign,
}

impl fmt::Display for Unaddressable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "it is not an address",
            Self::Foreign => "addresses of this kind are not served here",
        })
    }
}

impl Party {
    /// The party of an address as it stands in a message.
    ///
    /// # Errors
    /// [`Unaddressable`] when the address is no address, or is one that is not served.
    pub fn parse(text: &str) -> Result<Self, Unaddressable> {
        let text = text.trim();
        if text.chars().count() > LONGEST {
            return Err(Unaddressable::Malformed);
        }
        let address = Address::parse(text).ok_or(Unaddressable::Malformed)?;
        match &address {
            Address::Plmn(_) | Address::ShortCode(_) => {
                address.digits().map(Self::Number).ok_or(Unaddressable::Malformed)
            }
            Address::Ipv4(host) => Ok(Self::Host(IpAddr::V4(*host))),
            Address::Ipv6(host) => Ok(Self::Host(IpAddr::V6(*host).to_canonical())),
            _ => Err(Unaddressable::Foreign),
        }
    }

    /// The party with this number: digits, `-` and `.` between them, perhaps `+` in front; none when it is no number.
    #[must_use]
    pub fn number(text: &str) -> Option<Self> {
        match Self::parse(text.trim()) {
            Ok(party @ Self::Number(_)) => Some(party),
            _ => Address::number(text.trim())?.digits().map(Self::Number),
        }
    }

    /// Somebody with this mail address, perhaps with a name in front of it; none when it is no address that mail can have.
    #[must_use]
    pub fn mail(text: &str) -> Option<Self> {
        let text = text.trim();
        let bare = match text.rsplit_once('<') {
            Some((_, rest)) => rest.strip_suffix('>')?,
            None => text,
        };
        let (local, domain) = bare.rsplit_once('@')?;
        let whole = !local.is_empty() && !domain.is_empty() && bare.len() <= LONGEST;
        (whole && is_path(bare)).then(|| Self::Mail(format!("{local}@{}", domain.to_ascii_lowercase())))
    }

    /// How the party is written into a message.
    #[must_use]
    pub fn address(&self) -> String {
        match self {
            Self::Number(number) | Self::Peer { number, .. } => Address::Plmn(number.into()).to_string(),
            Self::Host(IpAddr::V4(host)) => Address::Ipv4(*host).to_string(),
            Self::Host(IpAddr::V6(host)) => Address::Ipv6(*host).to_string(),
            Self::Application(name) | Self::Mail(name) | Self::Nobody(name) => name.clone(),
        }
    }

    /// Nobody, at an address that was written so.
    #[must_use]
    pub fn nobody(text: &str) -> Self {
        Self::Nobody(text.trim().chars().take(LONGEST).collect())
    }
}

/// For people and logs: a number, an IP address, or the name of an application or an MMSC.
impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) | Self::Peer { number, .. } => f.write_str(number),
            Self::Host(host) => write!(f, "{host}"),
            Self::Application(name) | Self::Mail(name) | Self::Nobody(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscriber_is_the_same_in_each_form_of_the_address() {
        let number = Party::Number("+15550100".to_owned());
        for text in ["+15550100/TYPE=PLMN", "+1.555-0100/TYPE=PLMN", " +15550100 "] {
            assert_eq!(Party::parse(text).as_ref(), Ok(&number), "{text}");
        }
        assert_eq!(Party::number("+1-555-0100"), Some(number));
        assert_eq!(Party::parse("2001"), Ok(Party::Number("2001".to_owned())));
        assert_eq!(Party::parse("::ffff:192.0.2.1/TYPE=IPv6"), Party::parse("192.0.2.1/TYPE=IPv4"));
    }

    #[test]
    fn a_mail_address_is_read_with_and_without_a_name_and_nothing_else_is_one() {
        let mail = |text: &str| Some(Party::Mail(text.to_owned()));
        assert_eq!(Party::mail("User@Example.NET"), mail("User@example.net"));
        assert_eq!(Party::mail("\"A, Name\" <user@example.net>"), mail("user@example.net"));
        for text in
            ["user", "@example.net", "user@", "a b@example.net", "a@b\r\nc", "<user@example.net", "u>@x"]
        {
            assert_eq!(Party::mail(text), None, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_served_is_told_apart_from_what_is_no_address() {
        assert_eq!(Party::parse("user@example.net"), Err(Unaddressable::Foreign));
        assert_eq!(Party::parse("a/b"), Err(Unaddressable::Malformed));
        assert_eq!(Party::parse(&"1".repeat(200)), Err(Unaddressable::Malformed));
        assert_eq!(Party::number("user@example.net"), None);
    }
}
