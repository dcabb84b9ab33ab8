//! What has come to a socket, several datagrams in one system call where the system has one for it: Linux's `recvmmsg(2)`.
//!
//! A call that brings less than it could has emptied the socket. Who waits by an edge-triggered poll need not ask again to hear that
//! there is nothing, as the poll tells of whatever comes after it: a transaction alone then costs one system call less, and
//! several at once most of theirs.
//!
//! The gateway reads so. The exchange does not: under a flood of strangers its reading took a tenth longer so.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::AsFd;

use nix::sys::socket::SockaddrStorage;

/// Datagrams that one call takes at most.
pub(crate) const MOST: usize = 16;
/// The largest datagram of UDP over IPv4, and a byte to notice more.
pub(crate) const LARGEST: usize = 65_536;

/// Room for what comes, and what came last.
#[derive(Debug)]
pub(crate) struct Inbox {
    /// A place for each datagram. The system gives memory to those that are used.
    buffer: Vec<u8>,
    /// The senders and lengths of what came last.
    arrived: Vec<(SocketAddr, usize)>,
    /// How many of these have been taken.
    taken: usize,
    /// How many datagrams the next call asks for: what is prepared and never used costs a transaction alone as much as parsing it.
    width: usize,
}

/// One more than is needed of a socket that has one datagram at a time, so that the call says that there is no other.
const LEAST: usize = 2;

/// Whether a socket may have more to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// It may.
    Some,
    /// It had nothing more.
    None,
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self { buffer: vec![0; MOST * LARGEST], arrived: Vec::with_capacity(MOST), taken: 0, width: LEAST }
    }

    /// Takes what has come to a socket that does not block and is bound to `local`, [`MOST`] datagrams at most. What came before
    /// and was not taken is forgotten.
    ///
    /// # Errors
    /// What the system says when there is none, or when the network has told of an earlier datagram's fate.
    pub(crate) fn receive(&mut self, socket: impl AsFd, local: SocketAddr) -> io::Result<Rest> {
        self.arrived.clear();
        self.taken = 0;
        let asked = self.width;
        let rest = system::receive(socket, local, asked, &mut self.buffer, &mut self.arrived)?;
        let came = self.arrived.len();
        if came >= asked {
            self.width = (asked * 4).min(MOST);
        } else if came * 4 <= asked {
            self.width = (asked / 2).max(LEAST);
        }
        Ok(rest)
    }

    /// The next one of what came: its sender and its bytes.
    pub(crate) fn take(&mut self) -> Option<(SocketAddr, &[u8])> {
        let (from, length) = *self.arrived.get(self.taken)?;
        let start = self.taken * LARGEST;
        self.taken += 1;
        Some((from, self.buffer.get(start..start + length)?))
    }
}

/// A sender without an address cannot be answered, and is nobody that could be listed.
fn sender(address: Option<&SockaddrStorage>) -> SocketAddr {
    let nobody = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let Some(address) = address else { return nobody };
    let v4 = address.as_sockaddr_in().map(|address| SocketAddr::from(SocketAddrV4::from(*address)));
    let v6 = || address.as_sockaddr_in6().map(|address| SocketAddr::from(SocketAddrV6::from(*address)));
    v4.or_else(v6).unwrap_or(nobody)
}

#[cfg(target_os = "linux")]
mod system {
    use std::cell::RefCell;
    use std::io::{self, IoSliceMut};
    use std::net::SocketAddr;
    use std::os::fd::{AsFd, AsRawFd};

    use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg};

    use super::{LARGEST, MOST, Rest, sender};

    type Headers = RefCell<MultiHeaders<SockaddrStorage>>;

    thread_local! {
        // Where the system writes senders and lengths. These hold addresses of memory and stay with their thread; there is room for
        // an address as long as the last one, so that each family has its own.
        static V4: Headers = headers();
        static V6: Headers = headers();
    }

    fn headers() -> Headers {
        RefCell::new(MultiHeaders::preallocate(MOST, None))
    }

    pub(super) fn receive(
        socket: impl AsFd,
        local: SocketAddr,
        most: usize,
        buffer: &mut [u8],
        arrived: &mut Vec<(SocketAddr, usize)>,
    ) -> io::Result<Rest> {
        let socket = socket.as_fd().as_raw_fd();
        let headers = if local.is_ipv4() { &V4 } else { &V6 };
        headers.with_borrow_mut(|headers| {
            let mut places = buffer.chunks_mut(LARGEST);
            let mut parts: [_; MOST] =
                std::array::from_fn(|_| [IoSliceMut::new(places.next().unwrap_or_default())]);
            let parts = parts.iter_mut().take(most);
            for message in recvmmsg(socket, headers, parts, MsgFlags::MSG_DONTWAIT, None)? {
                arrived.push((sender(message.address.as_ref()), message.bytes));
            }
            io::Result::Ok(())
        })?;
        Ok(if arrived.len() < most { Rest::None } else { Rest::Some })
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::io;
    use std::net::SocketAddr;
    use std::os::fd::{AsFd, AsRawFd};

    use nix::sys::socket::recvfrom;

    use super::{LARGEST, Rest, sender};

    pub(super) fn receive(
        socket: impl AsFd,
        _: SocketAddr,
        _: usize,
        buffer: &mut [u8],
        arrived: &mut Vec<(SocketAddr, usize)>,
    ) -> io::Result<Rest> {
        let place = buffer.get_mut(..LARGEST).unwrap_or_default();
        let (length, from) = recvfrom(socket.as_fd().as_raw_fd(), place)?;
        arrived.push((sender(from.as_ref()), length));
        Ok(Rest::Some)
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    fn pair(host: &str) -> (UdpSocket, UdpSocket) {
        let bind = || UdpSocket::bind((host, 0)).unwrap();
        let (receiver, sender) = (bind(), bind());
        receiver.set_nonblocking(true).unwrap();
        sender.connect(receiver.local_addr().unwrap()).unwrap();
        (receiver, sender)
    }

    fn receive(inbox: &mut Inbox, socket: &UdpSocket) -> io::Result<Rest> {
        inbox.receive(socket, socket.local_addr().unwrap())
    }

    fn take(inbox: &mut Inbox, socket: &UdpSocket) -> Vec<Vec<u8>> {
        let mut taken = Vec::new();
        while let Ok(rest) = receive(inbox, socket) {
            while let Some((_, bytes)) = inbox.take() {
                taken.push(bytes.to_vec());
            }
            if rest == Rest::None {
                break;
            }
        }
        taken
    }

    #[test]
    fn what_has_come_is_taken_in_its_order_with_its_senders_and_then_there_is_nothing() {
        let (receiver, sender) = pair("127.0.0.1");
        let mut inbox = Inbox::new();
        let empty = receive(&mut inbox, &receiver).unwrap_err();
        assert_eq!((empty.kind(), inbox.take()), (io::ErrorKind::WouldBlock, None));
        for count in [1, MOST - 1, MOST, MOST + 1, MOST * 3] {
            // The last one is longer than those before it, the first one has no bytes at all.
            let sent: Vec<_> = (0..count).map(|place| vec![place as u8; place * 7]).collect();
            sent.iter().for_each(|bytes| assert_eq!(sender.send(bytes).unwrap(), bytes.len()));
            assert_eq!(take(&mut inbox, &receiver), sent, "{count}");
            assert!(receive(&mut inbox, &receiver).is_err());
        }
        sender.send(b"who").unwrap();
        receive(&mut inbox, &receiver).unwrap();
        let from = sender.local_addr().unwrap();
        assert_eq!(inbox.take(), Some((from, &b"who"[..])));
        assert_eq!(inbox.take(), None);
    }

    #[test]
    fn the_largest_datagram_comes_whole_among_small_ones() {
        let (receiver, sender) = pair("127.0.0.1");
        let sent = [vec![1], vec![7; 65_507], vec![2; 3]];
        sent.iter().for_each(|bytes| assert_eq!(sender.send(bytes).unwrap(), bytes.len()));
        assert_eq!(take(&mut Inbox::new(), &receiver), sent);
    }

    #[test]
    fn senders_of_both_families_are_told_by_their_addresses() {
        let Ok(six) = UdpSocket::bind("[::1]:0") else { return };
        six.set_nonblocking(true).unwrap();
        let to = six.local_addr().unwrap();
        let (four, v4) = pair("127.0.0.1");
        let v6 = UdpSocket::bind("[::1]:0").unwrap();
        let mut inbox = Inbox::new();
        // One inbox serves all sockets of a gateway.
        for _ in 0..2 {
            v4.send(b"4").unwrap();
            receive(&mut inbox, &four).unwrap();
            assert_eq!(inbox.take().unwrap(), (v4.local_addr().unwrap(), &b"4"[..]));
            v6.send_to(b"6", to).unwrap();
            receive(&mut inbox, &six).unwrap();
            assert_eq!(inbox.take().unwrap(), (v6.local_addr().unwrap(), &b"6"[..]));
        }
    }
}
