//! The signalling socket once more, connected to the call agent that is spoken to: the system looks up the way of each datagram of a
//! socket that is not, and of a whole transaction that is a tenth.
//!
//! Both are bound to one address. What comes from that peer comes to the connected one, everything else to the other. Nobody else
//! can bind there: sharing is allowed for the moment of binding alone. Where the system has no such thing, or the gateway listens at
//! all addresses, there is one socket.

use std::io;
use std::net::SocketAddr;

use mio::net::UdpSocket;
use socket2::{Domain, SockRef, Socket, Type};

/// Datagrams to one peer, and to nobody else between them, before it is connected to: more than the answers to a few strangers.
const REGULAR: u32 = 64;

/// Who is spoken to, and by what.
#[derive(Debug, Default)]
pub(super) struct Connected {
    open: Option<(UdpSocket, SocketAddr)>,
    /// To whom the last datagrams went, and how many.
    last: Option<(SocketAddr, u32)>,
    /// It could not be had; it is not tried again.
    refused: bool,
}

impl Connected {
    /// The socket, while there is one.
    pub(super) fn socket(&self) -> Option<&UdpSocket> {
        self.open.as_ref().map(|(socket, _)| socket)
    }

    /// The socket, if it is connected to this peer.
    pub(super) fn to(&self, peer: SocketAddr) -> Option<&UdpSocket> {
        self.open.as_ref().filter(|(_, own)| *own == peer).map(|(socket, _)| socket)
    }

    /// A datagram goes to this peer. Says when it is time to connect to it.
    pub(super) fn note(&mut self, peer: SocketAddr) -> bool {
        if self.refused || self.to(peer).is_some() {
            self.last = None;
            return false;
        }
        let count = match self.last {
            Some((last, count)) if last == peer => count + 1,
            _ => 1,
        };
        self.last = Some((peer, count));
        count >= REGULAR
    }

    /// Connects to a peer; gives the socket when it is a new one, to be waited for.
    pub(super) fn connect(
        &mut self,
        main: &UdpSocket,
        local: SocketAddr,
        peer: SocketAddr,
    ) -> Option<&mut UdpSocket> {
        self.last = None;
        if let Some((socket, own)) = &mut self.open {
            // What the peer before had sent is still read here.
            if socket.connect(peer).is_ok() {
                *own = peer;
            }
            return None;
        }
        match twin(main, local, peer) {
            Ok(socket) => {
                let (socket, _) = self.open.insert((UdpSocket::from_std(socket), peer));
                Some(socket)
            }
            Err(_) => {
                self.refused = true;
                None
            }
        }
    }
}

/// Another socket at the address of `main`, connected to `peer`.
fn twin(main: &UdpSocket, local: SocketAddr, peer: SocketAddr) -> io::Result<std::net::UdpSocket> {
    // A socket at all addresses would be pinned to the one that the host has at present.
    if !cfg!(target_os = "linux") || local.ip().is_unspecified() {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let twin = Socket::new(Domain::for_address(local), Type::DGRAM, None)?;
    let main = SockRef::from(main);
    // The system may grant less; that is its choice.
    let _ = twin.set_recv_buffer_size(super::sockets::SIGNALLING_BUFFER);
    let _ = twin.set_send_buffer_size(super::sockets::SIGNALLING_BUFFER);
    twin.set_nonblocking(true)?;
    crate::unreachable::enable(&twin, local);
    share(&main, true)?;
    let bound =
        share(&twin, true).and_then(|()| twin.bind(&local.into())).and_then(|()| twin.connect(&peer.into()));
    let (closed, other) = (share(&main, false), share(&twin, false));
    bound.and(closed).and(other)?;
    Ok(twin.into())
}

/// Lets another socket of this process bind to the same address, or not.
#[cfg(unix)]
fn share(socket: &Socket, may: bool) -> io::Result<()> {
    socket.set_reuse_port(may)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    fn bind(host: &str) -> (std::net::UdpSocket, SocketAddr) {
        let socket = std::net::UdpSocket::bind((host, 0)).unwrap();
        socket.set_nonblocking(true).unwrap();
        let local = socket.local_addr().unwrap();
        (socket, local)
    }

    fn received(socket: &UdpSocket) -> Vec<Vec<u8>> {
        let mut buffer = [0; 64];
        std::iter::from_fn(|| socket.recv(&mut buffer).ok().map(|length| buffer[..length].to_vec())).collect()
    }

    #[test]
    fn a_peer_that_is_spoken_to_gets_a_socket_of_its_own_and_others_have_the_first() {
        let (main, local) = bind("127.0.0.1");
        let main = UdpSocket::from_std(main);
        let ((agent, peer), (other, stranger)) = (bind("127.0.0.2"), bind("127.0.0.3"));
        let mut connected = Connected::default();
        agent.send_to(b"before", local).unwrap();
        // A few answers to others do not count.
        assert!(!(1..REGULAR).any(|_| connected.note(peer)) && !connected.note(stranger));
        assert!(!(1..REGULAR).any(|_| connected.note(peer)) && connected.note(peer));
        assert!(connected.connect(&main, local, peer).is_some());
        assert!(!connected.note(peer) && connected.to(stranger).is_none());
        agent.send_to(b"after", local).unwrap();
        other.send_to(b"from elsewhere", local).unwrap();
        assert_eq!(received(connected.to(peer).unwrap()), [b"after".to_vec()]);
        assert_eq!(received(&main), [b"before".to_vec(), b"from elsewhere".to_vec()]);
        assert!(std::net::UdpSocket::bind(local).is_err(), "nobody else comes in");
        let third = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
        share(&third, true).unwrap();
        assert!(third.bind(&local.into()).is_err(), "by no door");
        connected.socket().unwrap().send(b"answer").unwrap();
        let mut buffer = [0; 64];
        let (length, from) = agent.recv_from(&mut buffer).unwrap();
        assert_eq!((&buffer[..length], from), (&b"answer"[..], local));
        // Another call agent takes over.
        agent.send_to(b"late", local).unwrap();
        assert!((0..REGULAR).any(|_| connected.note(stranger)));
        assert!(connected.connect(&main, local, stranger).is_none());
        other.send_to(b"command", local).unwrap();
        agent.send_to(b"to the first", local).unwrap();
        assert_eq!(received(connected.to(stranger).unwrap()), [b"late".to_vec(), b"command".to_vec()]);
        assert_eq!(received(&main), [b"to the first".to_vec()]);
    }
}
