//! Who sends a message: message identifiers and service change addresses (RFC 3525 sections 8.3, 7.2.8; Annex A.2 `MId`).

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
