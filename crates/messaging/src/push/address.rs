//! Client addresses of PAP (WAP-249 section 7): `WAPPUSH=+15550100/TYPE=PLMN@ppg.town`, and the plain forms that people write.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The port at a client (IANA: wap-push).
pub const PUSH_PORT: u16 = 2948;
/// The longest address that is read.
const LONGEST: usize = 256;
/// The most digits of a number in E.164 are 15; what some networks dial has a few more.
const DIGITS: usize = 20;

/// Whom a push is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Address {
    /// A telephone number: digits, with `+` when it is international.
    Number(String),
    /// A host, and the port that is listened on there.
    Host(SocketAddr),
    /// A name that only the gateway's operator can resolve.
    User(String),
}

/// Why an address is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Empty, or beyond all bounds.
    #[error("an address has 1 to 256 characters")]
    Length,
    /// `TYPE=` with another word.
    #[error("the type of the address is not PLMN, IPv4, IPv6 or USER")]
    Type,
    /// Not digits.
    #[error("a number has 1 to 20 digits, and may begin with +")]
    Number,
    /// Not an address.
    #[error("the IP address cannot be read")]
    Host,
    /// `%` without two digits.
    #[error("an escape is % and two hexadecimal digits")]
    Escape,
}

impl Address {
    /// Reads any of the forms: that of PAP, a number, an IP address with or without port.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        // Escaped, an address is longer.
        if text.is_empty() || text.len() > LONGEST * 3 + 32 {
            return Err(AddressError::Length);
        }
        let specifier = text.split_at_checked(8).filter(|(head, _)| head.eq_ignore_ascii_case("WAPPUSH="));
        match specifier {
            Some((_, specifier)) => Self::parse_specifier(specifier),
            None if text.len() > LONGEST => Err(AddressError::Length),
            None => Self::parse_plain(text),
        }
    }

    /// `value/TYPE=type@ppg`, escaped as `%HH`. Which gateway it names is not looked at: it has come here.
    fn parse_specifier(text: &str) -> Result<Self, AddressError> {
        let text = text.rsplit_once('@').map_or(text, |(specifier, _)| specifier);
        let Some((value, kind)) = text.rsplit_once('/') else { return Err(AddressError::Type) };
        let Some((head, kind)) = kind.split_at_checked(5) else { return Err(AddressError::Type) };
        if !head.eq_ignore_ascii_case("TYPE=") {
            return Err(AddressError::Type);
        }
        let value = unescape(value)?;
        if value.len() > LONGEST {
            return Err(AddressError::Length);
        }
        match kind.to_ascii_uppercase().as_str() {
            "PLMN" => Self::number(&value),
            "IPV4" => match value.parse() {
                Ok(host) => Ok(Self::Host(SocketAddr::new(IpAddr::V4(host), PUSH_PORT))),
                Err(_) => Err(AddressError::Host),
            },
            "IPV6" => match value.parse::<Ipv6Addr>() {
                Ok(host) => Ok(Self::Host(SocketAddr::new(IpAddr::V6(host), PUSH_PORT))),
                Err(_) => Err(AddressError::Host),
            },
            "USER" if !value.is_empty() => Ok(Self::User(value)),
            _ => Err(AddressError::Type),
        }
    }

    fn parse_plain(text: &str) -> Result<Self, AddressError> {
        if let Ok(host) = text.parse::<SocketAddr>() {
            return Ok(Self::Host(SocketAddr::new(host.ip().to_canonical(), host.port())));
        }
        if let Ok(host) = text.parse::<IpAddr>() {
            return Ok(Self::Host(SocketAddr::new(host.to_canonical(), PUSH_PORT)));
        }
        match text.chars().all(|c| c.is_ascii_digit() || "+-.() ".contains(c)) {
            true => Self::number(text),
            false => Ok(Self::User(text.to_owned())),
        }
    }

    /// Separators between digits are allowed and dropped.
    fn number(text: &str) -> Result<Self, AddressError> {
        let (plus, rest) = text.strip_prefix('+').map_or(("", text), |rest| ("+", rest));
        let mut number = String::with_capacity(text.len());
        number.push_str(plus);
        number.extend(rest.chars().filter(char::is_ascii_digit));
        let digits = number.len() - plus.len();
        let legal = rest.chars().all(|c| c.is_ascii_digit() || "-.() ".contains(c));
        if !legal || digits == 0 || digits > DIGITS {
            return Err(AddressError::Number);
        }
        Ok(Self::Number(number))
    }

    /// The form of PAP, at a gateway with this name.
    #[must_use]
    pub fn to_pap(&self, gateway: &str) -> String {
        match self {
            Self::Number(number) => format!("WAPPUSH={number}/TYPE=PLMN@{gateway}"),
            Self::Host(host) if host.is_ipv4() => format!("WAPPUSH={}/TYPE=IPv4@{gateway}", host.ip()),
            Self::Host(host) => format!("WAPPUSH={}/TYPE=IPv6@{gateway}", host.ip()),
            Self::User(name) => format!("WAPPUSH={}/TYPE=USER@{gateway}", escape(name)),
        }
    }
}

/// One form for one destination.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(text) => f.write_str(text),
            // A name that would be read as a number or a host, or not as it is, says that it is one.
            Self::User(name) if Self::parse(name).as_ref() == Ok(self) => f.write_str(name),
            Self::User(name) => write!(f, "WAPPUSH={}/TYPE=USER", escape(name)),
            Self::Host(host) => write!(f, "{host}"),
        }
    }
}

fn unescape(text: &str) -> Result<String, AddressError> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|digit| char::from(digit).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else { return Err(AddressError::Escape) };
        out.push(u8::try_from(high << 4 | low).unwrap_or(b'?'));
    }
    String::from_utf8(out).map_err(|_| AddressError::Escape)
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            byte if byte.is_ascii_alphanumeric() || b"+-._".contains(&byte) => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// A range of IP addresses: `10.0.0.0/8`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    bits: u8,
}

impl Network {
    /// Reads `address` or `address/bits`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (base, bits) = match text.split_once('/') {
            Some((base, bits)) => (base, Some(bits.parse::<u8>().ok()?)),
            None => (text, None),
        };
        let base: IpAddr = base.parse().ok()?;
        let width = if base.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(width);
        (bits <= width).then_some(Self { base, bits })
    }

    /// Whether it has this address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let spread = |address: IpAddr| match address {
            IpAddr::V4(v4) => (u128::from(u32::from(v4)) << 96, true),
            IpAddr::V6(v6) => (u128::from(v6), false),
        };
        let ((ours, kind), (theirs, other)) = (spread(self.base), spread(address.to_canonical()));
        let shift = 128 - u32::from(self.bits);
        kind == other && ours.checked_shr(shift).unwrap_or(0) == theirs.checked_shr(shift).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_name_is_read_back_as_that_name() {
        let name = |text: &str| Address::parse(&format!("WAPPUSH={}/TYPE=USER@ppg", escape(text))).unwrap();
        for text in
            ["ann@town", " ann", "12345", "192.0.2.1", "WAPPUSH=x", "a/TYPE=PLMN", &"\u{e4}".repeat(128)]
        {
            let address = name(text);
            assert_eq!(address, Address::User(text.to_owned()));
            assert_eq!(Address::parse(&address.to_string()), Ok(address), "{text:?}");
        }
        assert_ne!(name("12345").to_string(), Address::Number("12345".to_owned()).to_string());
        assert_eq!(name("ann@town").to_string(), "ann@town");
    }
}
