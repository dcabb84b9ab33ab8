//! How messages travel: over UDP one a datagram, over TCP and TLS as [`crate::text::Framer`] cuts them (RFC 3261 section 18).

use std::fmt;
use std::net::SocketAddr;

use strowger_sansio::SocketId;

/// The port where none is named.
pub const PORT: u16 = 5060;
/// The port of TLS where none is named.
pub const TLS_PORT: u16 = 5061;

/// What carries messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// May lose, repeat and reorder.
    Udp,
    /// Keeps order and loses nothing while the connection stands.
    Tcp,
    /// As TCP, and nobody else reads it.
    Tls,
}

impl Transport {
    /// Whether messages arrive unless the connection fails.
    #[must_use]
    pub const fn is_reliable(self) -> bool {
        !matches!(self, Self::Udp)
    }

    /// What a `transport` parameter names (RFC 3261 section 19.1.1); none for those that are not spoken here.
    #[must_use]
    pub fn of_parameter(name: &str) -> Option<Self> {
        [Self::Udp, Self::Tcp, Self::Tls].into_iter().find(|own| own.name().eq_ignore_ascii_case(name))
    }

    /// Its name in a `Via`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        }
    }
}

/// The name of a `transport` parameter.
impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        })
    }
}

/// Where a message came from, or goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// What carries it.
    pub transport: Transport,
    /// The socket, or the connection, which the host numbers.
    pub socket: SocketId,
    /// The other end.
    pub address: SocketAddr,
}

impl Route {
    /// Over UDP, by the host's main socket.
    #[must_use]
    pub const fn udp(address: SocketAddr) -> Self {
        Self { transport: Transport::Udp, socket: SocketId::MAIN, address }
    }

    /// The same way to another address.
    #[must_use]
    pub const fn to(self, address: SocketAddr) -> Self {
        Self { address, ..self }
    }
}
