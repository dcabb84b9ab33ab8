//! Word of the network that a signalling datagram did not arrive: RFC 3435 section 4.3 wants an ICMP error to lead to the next address,
//! "with due consideration to possible security issues".
//!
//! Anybody can forge an ICMP error. One is believed only if it quotes a datagram that went to that address lately: that holds a transaction
//! identifier, which who is not on the way does not know. The gateway remembers what it sent, and gives an address up at most once a second; the exchange's
//! call agent knows its commands without an answer, and tries each of them once at each address. Of media, errors are told where a call agent wants to
//! know of them (`R/iu`), with ICMP's code; nothing follows from them.
//!
//! Limits: the errors of single datagrams are to be had on Linux only; elsewhere the timers of the protocol find out.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use strowger_sansio::{Duration, Time};

/// Datagrams that an error may quote: those of the last second of a gateway of many lines.
const REMEMBERED: usize = 256;
/// What is kept of each: the first line of a command, with its identifier.
const KEPT: usize = 48;
/// What is read of the datagram that an error quotes: of SIP, the first line and the first `Via`.
const READ: usize = 512;
/// What an error must quote at least, of a datagram that is longer.
const QUOTED: usize = 24;
/// How often an address may be given up.
const PAUSE: Duration = Duration::from_secs(1);

/// What was sent lately, to tell true errors from forged ones.
#[derive(Debug, Default)]
pub(crate) struct Unreachable {
    sent: VecDeque<Sent>,
    believed: BTreeMap<SocketAddr, Time>,
}

/// The beginning of a datagram, and whom it went to.
#[derive(Clone, Copy, Debug)]
struct Sent {
    to: SocketAddr,
    kept: [u8; KEPT],
    length: usize,
}

impl Unreachable {
    /// A datagram went out.
    pub(crate) fn note(&mut self, to: SocketAddr, datagram: &[u8]) {
        if self.sent.len() >= REMEMBERED {
            self.sent.pop_front();
        }
        let mut kept = [0; KEPT];
        kept.iter_mut().zip(datagram).for_each(|(kept, octet)| *kept = *octet);
        self.sent.push_back(Sent { to, kept, length: datagram.len().min(KEPT) });
    }

    /// Takes the errors that a socket has, and tells of each address that is to be given up. Whether there was any.
    pub(crate) fn take(&mut self, now: Time, socket: &impl Socket, mut lost: impl FnMut(SocketAddr)) -> bool {
        let mut any = false;
        while let Some((to, quoted)) = next(socket) {
            any = true;
            if self.believes(now, to, &quoted) {
                lost(to);
            }
        }
        any
    }

    /// Whether an error that quotes this datagram is to be acted upon.
    fn believes(&mut self, now: Time, to: SocketAddr, quoted: &[u8]) -> bool {
        let is_it = |sent: &Sent| {
            let (address, sent) = (&sent.to, sent.kept.get(..sent.length).unwrap_or_default());
            let length = quoted.len().min(sent.len());
            *address == to && length >= QUOTED.min(sent.len()) && quoted.get(..length) == sent.get(..length)
        };
        if quoted.is_empty() || !self.sent.iter().any(is_it) {
            return false;
        }
        if self.believed.get(&to).is_some_and(|last| now.since(*last) < PAUSE) {
            return false;
        }
        self.believed.retain(|_, last| now.since(*last) < PAUSE);
        self.believed.insert(to, now);
        true
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::io::IoSliceMut;
    use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};

    use nix::cmsg_space;
    use nix::libc::{sock_extended_err, sockaddr_in6};
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt};

    /// A socket of the system.
    pub(crate) use std::os::fd::AsRawFd as Socket;

    /// Asks the system for the errors of single datagrams.
    pub(crate) fn enable(socket: &impl std::os::fd::AsFd, address: SocketAddr) {
        // A system that has none to give leaves it to the timers. A socket of IPv6 may serve IPv4 as well.
        let _ = setsockopt(socket, sockopt::Ipv4RecvErr, &true);
        if address.is_ipv6() {
            let _ = setsockopt(socket, sockopt::Ipv6RecvErr, &true);
        }
    }

    /// ICMP's "destination unreachable" (RFC 792), and where errors come from that ICMP has brought (`linux/errqueue.h`).
    const UNREACHABLE: u8 = 3;
    const BY_ICMP: u8 = 2;
    /// The same of ICMPv6 (RFC 4443 section 3.1).
    const UNREACHABLE6: u8 = 1;
    const BY_ICMP6: u8 = 3;

    /// The next error: where its datagram went, and the code with which ICMP says that it did not arrive, if that is what it says.
    pub(crate) fn next_refusal(socket: &impl Socket) -> Option<(SocketAddr, Option<u8>)> {
        let mut quoted = [0; super::KEPT];
        let mut parts = [IoSliceMut::new(&mut quoted)];
        let mut told = cmsg_space!(sock_extended_err, sockaddr_in6);
        let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
        let message =
            recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, Some(&mut told), flags).ok()?;
        let mut code = None;
        for told in message.cmsgs().into_iter().flatten() {
            match told {
                ControlMessageOwned::Ipv4RecvErr(error, _)
                    if (error.ee_origin, error.ee_type) == (BY_ICMP, UNREACHABLE) =>
                {
                    code = Some(error.ee_code);
                }
                ControlMessageOwned::Ipv6RecvErr(error, _)
                    if (error.ee_origin, error.ee_type) == (BY_ICMP6, UNREACHABLE6) =>
                {
                    code = Some(as_icmp(error.ee_code));
                }
                _ => {}
            }
        }
        Some((addressed(message.address?)?, code))
    }

    /// What ICMP's code would be for one of ICMPv6 (RFC 4443 section 3.1): port, address, prohibited, or no way.
    const fn as_icmp(code: u8) -> u8 {
        match code {
            1 => 13,
            3 => 1,
            4 => 3,
            _ => 0,
        }
    }

    fn addressed(address: SockaddrStorage) -> Option<SocketAddr> {
        let v4 = address.as_sockaddr_in().map(|address| SocketAddr::from(SocketAddrV4::from(*address)));
        let v6 = || address.as_sockaddr_in6().map(|address| SocketAddr::from(SocketAddrV6::from(*address)));
        let to = v4.or_else(v6)?;
        Some(SocketAddr::new(to.ip().to_canonical(), to.port()))
    }

    /// The next error: where its datagram went, and what is quoted of it.
    pub(crate) fn next(socket: &impl Socket) -> Option<(SocketAddr, Vec<u8>)> {
        let mut quoted = vec![0; super::READ];
        let mut parts = [IoSliceMut::new(&mut quoted)];
        let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
        let message = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, None, flags).ok()?;
        let (to, length) = (addressed(message.address?)?, message.bytes);
        quoted.truncate(length);
        Some((to, quoted))
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::net::SocketAddr;

    pub(crate) fn enable<T>(_: &T, _: SocketAddr) {}

    /// A socket of the system.
    pub(crate) trait Socket {}
    impl<T> Socket for T {}

    pub(crate) fn next(_: &impl Socket) -> Option<(SocketAddr, Vec<u8>)> {
        None
    }

    pub(crate) fn next_refusal(_: &impl Socket) -> Option<(SocketAddr, Option<u8>)> {
        None
    }
}

use system::Socket;
pub(crate) use system::{enable, next, next_refusal};

#[cfg(test)]
mod tests {
    use super::*;

    const COMMAND: &[u8] = b"NTFY 4682468 aaln/1@gw1.town MGCP 1.0\r\nX: 12ab\r\nO: L/hd\r\n";

    fn agent() -> SocketAddr {
        "10.0.0.1:2727".parse().unwrap()
    }

    #[test]
    fn an_error_is_believed_that_quotes_what_went_there() {
        let mut errors = Unreachable::default();
        errors.note(agent(), COMMAND);
        assert!(errors.believes(Time::ZERO, agent(), COMMAND));
        errors.note(agent(), b"200 7 OK\r\n");
        assert!(errors.believes(Time::from_secs(2), agent(), b"200 7 OK\r\n"));
    }

    #[test]
    fn a_forged_error_is_not() {
        let mut errors = Unreachable::default();
        errors.note(agent(), COMMAND);
        let elsewhere = "10.0.0.2:2727".parse().unwrap();
        for (to, quoted) in [
            (elsewhere, COMMAND),
            (agent(), &COMMAND[..10]),
            (agent(), &b""[..]),
            (agent(), &b"NTFY 4682469 aaln/1@gw1.town MGCP 1.0\r\n"[..]),
        ] {
            assert!(!errors.believes(Time::ZERO, to, quoted), "{to} {quoted:?}");
        }
        // What went out long ago is not quoted now.
        (0..REMEMBERED).for_each(|n| errors.note(agent(), format!("200 {n} OK\r\n").as_bytes()));
        assert!(!errors.believes(Time::ZERO, agent(), COMMAND));
    }

    #[test]
    fn a_storm_of_errors_gives_an_address_up_once_a_second() {
        let mut errors = Unreachable::default();
        errors.note(agent(), COMMAND);
        let believed =
            (0..3000).filter(|ms| errors.believes(Time::ZERO + Duration::from_millis(*ms), agent(), COMMAND));
        assert_eq!(believed.count(), 3);
    }
}
