//! Who sends a message: message identifiers and service change addresses (RFC 3525 sections 8.3, 7.2.8; Annex A.2 `MId`).

use std::fmt;

use super::ids::Caseless;

/// The identity of an entity. The same in all its messages while an association lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mid<'a> {
    /// An IPv4 address.
    Ip4([u8; 4], Option<u16>),
    /// An IPv6 address.
    Ip6([u8; 16], Option<u16>),
    /// A domain name.
    Domain(Caseless<'a>, Option<u16>),
    /// A name of the gateway's own.
    Device(Caseless<'a>),
    /// An address of the message transfer part.
    Mtp(MtpAddress),
}

/// An identity that outlives the message that it came in.
#[derive(Clone, Debug)]
pub enum OwnedMid {
    /// An IPv4 address.
    Ip4([u8; 4], Option<u16>),
    /// An IPv6 address.
    Ip6([u8; 16], Option<u16>),
    /// A domain name.
    Domain(Box<str>, Option<u16>),
    /// A name of the gateway's own.
    Device(Box<str>),
    /// An address of the message transfer part.
    Mtp(MtpAddress),
}

impl OwnedMid {
    /// The identity as it stands in messages.
    #[must_use]
    pub const fn as_mid(&self) -> Mid<'_> {
        match self {
            Self::Ip4(address, port) => Mid::Ip4(*address, *port),
            Self::Ip6(address, port) => Mid::Ip6(*address, *port),
            Self::Domain(name, port) => Mid::Domain(Caseless::new(name), *port),
            Self::Device(name) => Mid::Device(Caseless::new(name)),
            Self::Mtp(address) => Mid::Mtp(*address),
        }
    }
}

impl From<Mid<'_>> for OwnedMid {
    fn from(mid: Mid<'_>) -> Self {
        match mid {
            Mid::Ip4(address, port) => Self::Ip4(address, port),
            Mid::Ip6(address, port) => Self::Ip6(address, port),
            Mid::Domain(name, port) => Self::Domain(name.as_str().into(), port),
            Mid::Device(name) => Self::Device(name.as_str().into()),
            Mid::Mtp(address) => Self::Mtp(address),
        }
    }
}

impl PartialEq for OwnedMid {
    fn eq(&self, other: &Self) -> bool {
        self.as_mid() == other.as_mid()
    }
}

impl Eq for OwnedMid {}

/// As in the text form: `[1.2.3.4]:2944`, `<gw1.town>`, `MTP{04d2}`, or a device's name.
impl fmt::Display for Mid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = match self {
            Self::Ip4(address, port) => {
                write!(f, "[{}]", std::net::Ipv4Addr::from(*address))?;
                port
            }
            Self::Ip6(address, port) => {
                write!(f, "[{}]", std::net::Ipv6Addr::from(*address))?;
                port
            }
            Self::Domain(name, port) => {
                write!(f, "<{name}>")?;
                port
            }
            Self::Device(name) => return write!(f, "{name}"),
            Self::Mtp(address) => {
                f.write_str("MTP{")?;
                address.as_bytes().iter().try_for_each(|octet| write!(f, "{octet:02x}"))?;
                return f.write_str("}");
            }
        };
        port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl fmt::Display for OwnedMid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_mid().fmt(f)
    }
}

/// Two to four octets: the point code with the network indicator in the lowest two bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MtpAddress {
    octets: [u8; 4],
    length: u8,
}

impl MtpAddress {
    /// Two to four octets.
    #[must_use]
    pub fn new(address: &[u8]) -> Option<Self> {
        let mut octets = [0; 4];
        let length = u8::try_from(address.len()).ok().filter(|length| (2..=4).contains(length))?;
        octets.iter_mut().zip(address).for_each(|(to, from)| *to = *from);
        Some(Self { octets, length })
    }

    /// The octets.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.octets.get(..usize::from(self.length)).unwrap_or_default()
    }
}

/// Where requests go from now on: another port of the same host, or another address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address<'a> {
    /// A port.
    Port(u16),
    /// An address.
    Mid(Mid<'a>),
}
