//! The sockets of a software gateway: one for signalling, and pairs for media that are bound before any call.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use strowger_media::MediaPort;
use strowger_sansio::{SocketId, Transmit};

use super::connected::Connected;
use crate::burst::Way;

/// Media datagrams are 10 ms to 60 ms of sound each; half a second of them from a late host fits in this.
const MEDIA_BUFFER: usize = 256 * 1024;
/// A restart of many lines at once must fit: RFC 3435 answers are up to 4000 bytes.
pub(super) const SIGNALLING_BUFFER: usize = 4 * 1024 * 1024;
/// How many ports are tried for a pair before giving up, when the system chooses them.
const TRIES: usize = 4096;

/// All sockets of a gateway, by [`SocketId`].
#[derive(Debug)]
pub(super) struct Sockets {
    sockets: Vec<(UdpSocket, SocketAddr)>,
    connected: Connected,
}

/// The number under which the connected socket is read; what comes by it has come to [`SocketId::MAIN`].
pub(super) const CONNECTED: SocketId = SocketId(u32::MAX);

impl Sockets {
    /// Binds the signalling socket at `listen`, and `pairs` pairs of media ports on the same host: from `range`, or where the
    /// system has room.
    ///
    /// # Errors
    /// The socket that could not be bound.
    pub(super) fn bind(
        registry: &Registry,
        listen: SocketAddr,
        range: Option<&RangeInclusive<u16>>,
        pairs: usize,
    ) -> io::Result<(Self, Vec<MediaPort>)> {
        let mut bound = Self { sockets: Vec::with_capacity(1 + pairs * 2), connected: Connected::default() };
        let signalling = socket(listen, SIGNALLING_BUFFER)?;
        crate::unreachable::enable(&signalling, listen);
        bound.add(registry, signalling)?;
        let mut ports = Vec::with_capacity(pairs);
        let mut candidates = range.cloned().map(|range| range.filter(|port| port % 2 == 0));
        for _ in 0..pairs {
            let (rtp, rtcp) = match &mut candidates {
                Some(candidates) => next_pair(listen.ip(), candidates)?,
                None => any_pair(listen.ip())?,
            };
            let (rtp_address, rtcp_address) = (rtp.local_addr()?, rtcp.local_addr()?);
            let rtp_socket = bound.add(registry, rtp)?;
            let rtcp_socket = bound.add(registry, rtcp)?;
            ports.push(MediaPort { rtp: rtp_address, rtcp: rtcp_address, rtp_socket, rtcp_socket });
        }
        Ok((bound, ports))
    }

    fn add(&mut self, registry: &Registry, socket: std::net::UdpSocket) -> io::Result<SocketId> {
        let mut socket = UdpSocket::from_std(socket);
        let address = socket.local_addr()?;
        registry.register(&mut socket, Token(self.sockets.len()), Interest::READABLE)?;
        let id = u32::try_from(self.sockets.len()).map_err(io::Error::other)?;
        self.sockets.push((socket, address));
        Ok(SocketId(id))
    }

    /// How a datagram goes.
    pub(super) fn way(&self, datagram: &Transmit) -> Way {
        let is_connected = datagram.socket == SocketId::MAIN && self.connected.to(datagram.to).is_some();
        if is_connected { Way::Connected } else { Way::Named }
    }

    /// The socket that is connected to the call agent.
    pub(super) fn connected(&self) -> Option<&UdpSocket> {
        self.connected.socket()
    }

    /// Signalling goes to this peer. Who is spoken to again and again is connected to; what comes by that is told of by `token`.
    pub(super) fn note(&mut self, registry: &Registry, token: Token, peer: SocketAddr) {
        let Self { sockets, connected } = self;
        if connected.note(peer)
            && let Some((main, local)) = sockets.first()
            && let Some(socket) = connected.connect(main, *local, peer)
        {
            // One that cannot be waited for cannot be used; a poll that was made for the others takes this one too.
            let _ = registry.register(socket, token, Interest::READABLE);
        }
    }

    /// A socket and its address.
    pub(super) fn get(&self, id: SocketId) -> Option<(&UdpSocket, SocketAddr)> {
        if id == CONNECTED {
            return Some((self.connected.socket()?, self.sockets.first()?.1));
        }
        self.sockets.get(usize::try_from(id.0).ok()?).map(|(socket, address)| (socket, *address))
    }

    pub(super) fn len(&self) -> usize {
        self.sockets.len()
    }
}

/// A bound UDP socket that never blocks, with buffers of this size if the system grants them.
pub(crate) fn socket(address: SocketAddr, buffer: usize) -> io::Result<std::net::UdpSocket> {
    let socket = socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::DGRAM, None)?;
    // The system may grant less; that is its choice.
    let _ = socket.set_recv_buffer_size(buffer);
    let _ = socket.set_send_buffer_size(buffer);
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

fn pair(host: IpAddr, port: u16) -> io::Result<(std::net::UdpSocket, std::net::UdpSocket)> {
    let rtp = socket(SocketAddr::new(host, port), MEDIA_BUFFER)?;
    let rtcp = socket(SocketAddr::new(host, port + 1), MEDIA_BUFFER)?;
    Ok((rtp, rtcp))
}

fn next_pair(
    host: IpAddr,
    candidates: &mut impl Iterator<Item = u16>,
) -> io::Result<(std::net::UdpSocket, std::net::UdpSocket)> {
    // A port that another program has is passed over; the next one may be free.
    candidates
        .find_map(|port| pair(host, port).ok())
        .ok_or_else(|| io::Error::new(io::ErrorKind::AddrInUse, "the RTP port range has too few free pairs"))
}

/// An even port of the system's choice, with its upper neighbour free as well (RFC 3550 section 11).
fn any_pair(host: IpAddr) -> io::Result<(std::net::UdpSocket, std::net::UdpSocket)> {
    for _ in 0..TRIES {
        let probe = socket(SocketAddr::new(host, 0), MEDIA_BUFFER)?;
        let port = probe.local_addr()?.port();
        if port % 2 == 0
            && port < u16::MAX
            && let Ok(rtcp) = socket(SocketAddr::new(host, port + 1), MEDIA_BUFFER)
        {
            return Ok((probe, rtcp));
        }
    }
    Err(io::Error::new(io::ErrorKind::AddrInUse, "no two neighbouring ports are free"))
}
