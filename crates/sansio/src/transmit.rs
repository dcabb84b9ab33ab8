//! What an engine asks its host to send.

use std::net::SocketAddr;

/// Which of the sockets that the host opened for an engine. An engine with one socket uses [`SocketId::MAIN`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u32);

impl SocketId {
    /// The only socket of an engine that has one; the signalling socket of an engine that has more.
    pub const MAIN: Self = Self(0);
}

/// A datagram to be sent as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// The local socket that it leaves from.
    pub socket: SocketId,
    /// The destination.
    pub to: SocketAddr,
    /// The bytes.
    pub payload: Vec<u8>,
}

impl Transmit {
    /// A datagram from the main socket.
    #[must_use]
    pub fn new(to: SocketAddr, payload: Vec<u8>) -> Self {
        Self { socket: SocketId::MAIN, to, payload }
    }
}
