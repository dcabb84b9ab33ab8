//! Which addresses in a peer's description may be sent to.
//!
//! A description tells a gateway where to send a stream of packets: without a check, anyone who can send one can aim
//! that stream at a host of his choice, or at services on the gateway itself.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::audio::AudioDescription;

/// The hosts that media may be sent to.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Hosts {
    /// Any host: for a gateway, whose call agent names other gateways, and inside a closed network.
    #[default]
    Any,
    /// Only the host that the description came from.
    Peer,
    /// The host that the description came from, and these.
    PeerAnd(Vec<IpAddr>),
}

/// The policy. A stream that is refused by port 0 has no destination, and is a fault here: ask
/// [`AudioDescription::is_refused`] first where that is expected.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct AddressPolicy {
    /// The hosts that media may be sent to.
    pub hosts: Hosts,
}

/// Why an address may not be sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum PolicyFault {
    /// Port 0.
    PortZero,
    /// `0.0.0.0` or `::`, which names no host.
    Unspecified,
    /// A loopback address from a peer that is not on this host.
    Loopback,
    /// A multicast group.
    Multicast,
    /// The limited broadcast address, or one of a reserved block.
    Broadcast,
    /// A host that is neither the peer nor listed.
    ThirdHost,
}

impl PolicyFault {
    /// The fault in words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::PortZero => "the port is 0",
            Self::Unspecified => "the address names no host",
            Self::Loopback => "a loopback address from another host",
            Self::Multicast => "a multicast address",
            Self::Broadcast => "a broadcast or reserved address",
            Self::ThirdHost => "the address is neither the peer's nor a listed one",
        }
    }
}

impl fmt::Display for PolicyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for PolicyFault {}

impl AddressPolicy {
    /// Whether RTP and RTCP may be sent where a description from `peer` says.
    ///
    /// # Errors
    /// The first [`PolicyFault`].
    pub fn check(&self, peer: IpAddr, audio: &AudioDescription) -> Result<(), PolicyFault> {
        self.check_address(peer, audio.destination())?;
        audio.rtcp.map_or(Ok(()), |rtcp| self.check_address(peer, rtcp))
    }

    /// Whether packets may be sent to one address that `peer` named.
    ///
    /// # Errors
    /// The first [`PolicyFault`].
    pub fn check_address(&self, peer: IpAddr, to: SocketAddr) -> Result<(), PolicyFault> {
        // ::ffff:127.0.0.1 is 127.0.0.1 to a socket: judge the address that it stands for.
        let (peer, ip) = (peer.to_canonical(), to.ip().to_canonical());
        if to.port() == 0 {
            return Err(PolicyFault::PortZero);
        }
        if ip.is_unspecified() || matches!(ip, IpAddr::V4(v4) if v4.octets()[0] == 0) {
            return Err(PolicyFault::Unspecified);
        }
        if ip.is_loopback() && !peer.is_loopback() {
            return Err(PolicyFault::Loopback);
        }
        if ip.is_multicast() {
            return Err(PolicyFault::Multicast);
        }
        if matches!(ip, IpAddr::V4(v4) if v4 >= Ipv4Addr::new(240, 0, 0, 0)) {
            return Err(PolicyFault::Broadcast);
        }
        let allowed = match &self.hosts {
            Hosts::Any => true,
            Hosts::Peer => ip == peer,
            Hosts::PeerAnd(hosts) => ip == peer || hosts.iter().any(|host| host.to_canonical() == ip),
        };
        if allowed { Ok(()) } else { Err(PolicyFault::ThirdHost) }
    }
}
