//! UDP sockets as the engines need them: large buffers, errors that belong to no datagram of ours ignored, losses counted.
//!
//! A socket bound to the IPv6 wildcard serves IPv4 too; the engines see and name IPv4 peers by their IPv4 address.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};

use socket2::{Domain, Protocol, Socket, Type};
use strowger_sansio::Transmit;
use tokio::io::Interest;
use tokio::net::UdpSocket;

use crate::burst::{self, BURST, Way};
use crate::filter::{self, Instruction};
use crate::inbox::LARGEST;
use crate::metrics::{Counter, Registry};
use crate::unreachable;

/// The kernel buffer asked for in each direction. 4 MiB hold ten thousand signalling messages: what a town's gateways
/// send when they all restart within a second. The kernel may grant less.
const BUFFER: usize = 4 * 1024 * 1024;
/// Datagrams that wait because the kernel's send buffer is full; past it the oldest is dropped, as its timer will send it again.
const BACKLOG: usize = 4096;

/// How often the first datagram is tried again where the system tells of the fate of earlier ones: their errors look like its own.
const REPORTS: u32 = 3;

/// A bound socket.
#[derive(Debug)]
pub struct Udp {
    socket: UdpSocket,
    local: SocketAddr,
    /// What is to be sent: until the end of a turn, or until the system can take it.
    backlog: VecDeque<Transmit>,
    /// Whether the system could not take the first of them.
    is_stuck: bool,
    /// Whether the fate of single datagrams is asked for.
    hears_errors: bool,
    buffer: Vec<u8>,
    counts: Counts,
    refusals: crate::log::Throttle,
}

#[derive(Debug)]
struct Counts {
    received: Counter,
    received_bytes: Counter,
    sent: Counter,
    sent_bytes: Counter,
    unreachable: Counter,
    receive_errors: Counter,
    send_errors: Counter,
    send_dropped: Counter,
    kernel_drops: Counter,
}

impl Counts {
    fn new(metrics: &Registry, name: &str) -> Self {
        let count = |metric, help| metrics.counter(metric, help, &[("socket", name)]);
        Self {
            received: count("strowger_datagrams_received_total", "Datagrams that came."),
            received_bytes: count("strowger_datagram_bytes_received_total", "Bytes of datagrams that came."),
            sent: count("strowger_datagrams_sent_total", "Datagrams sent."),
            sent_bytes: count("strowger_datagram_bytes_sent_total", "Bytes of datagrams sent."),
            unreachable: count(
                "strowger_socket_unreachable_total",
                "Reports that an earlier datagram was not delivered.",
            ),
            receive_errors: count("strowger_socket_receive_errors_total", "Failures to receive."),
            send_errors: count(
                "strowger_socket_send_errors_total",
                "Datagrams that the system refused to send.",
            ),
            send_dropped: count(
                "strowger_socket_send_dropped_total",
                "Datagrams dropped because the system could not take them in time.",
            ),
            kernel_drops: count(
                "strowger_socket_kernel_drops_total",
                "Datagrams that the kernel dropped: not read in time, or refused by a filter against a flood.",
            ),
        }
    }
}

/// What a try to receive brought.
#[derive(Debug)]
pub enum Received<'b> {
    /// A datagram.
    Datagram {
        /// Where it came from.
        from: SocketAddr,
        /// Its bytes.
        bytes: &'b [u8],
    },
    /// A report about an earlier datagram, or a failure that has been counted; there may be more to receive.
    Nothing,
    /// There is no more to receive now.
    Empty,
}

impl Udp {
    /// Binds `address`; `name` labels its metrics. To be called within the runtime that drives it.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub fn bind(address: SocketAddr, name: &str, metrics: &Registry) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(!address.ip().is_unspecified())?;
        }
        // Larger buffers are a wish: a system that grants less still works.
        let _ = socket.set_recv_buffer_size(BUFFER);
        let _ = socket.set_send_buffer_size(BUFFER);
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        let socket = UdpSocket::from_std(socket.into())?;
        let local = socket.local_addr()?;
        Ok(Self {
            socket,
            local,
            backlog: VecDeque::new(),
            is_stuck: false,
            hears_errors: false,
            buffer: vec![0; LARGEST],
            counts: Counts::new(metrics, name),
            refusals: crate::log::Throttle::default(),
        })
    }

    /// The address that it is bound to.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Waits until there may be something to receive or, while datagrams wait, until some can be sent.
    ///
    /// # Errors
    /// When the runtime has been shut down.
    pub async fn ready(&self) -> io::Result<()> {
        let mut interest = Interest::READABLE;
        if !self.backlog.is_empty() {
            interest |= Interest::WRITABLE;
        }
        if self.hears_errors {
            interest |= Interest::ERROR;
        }
        self.socket.ready(interest).await.map(drop)
    }

    /// Asks the system for the fate of single datagrams: from now on [`Self::take_error`] is to be called until it gives nothing, after each
    /// [`Self::ready`].
    pub fn hear_errors(&mut self) {
        unreachable::enable(&self.socket, self.local);
        self.hears_errors = true;
    }

    /// A datagram that was not delivered: where it went, and the beginning of it. Anybody can forge that.
    pub fn take_error(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        let next = || unreachable::next(&self.socket).ok_or_else(|| io::ErrorKind::WouldBlock.into());
        self.socket.try_io(Interest::ERROR, next).ok()
    }

    /// Takes one datagram if there is one.
    pub fn try_receive(&mut self) -> Received<'_> {
        match self.socket.try_recv_from(&mut self.buffer) {
            Ok((length, from)) => {
                self.counts.received.increment();
                self.counts.received_bytes.add(length as u64);
                let bytes = self.buffer.get(..length).unwrap_or_default();
                Received::Datagram { from: SocketAddr::new(from.ip().to_canonical(), from.port()), bytes }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Received::Empty,
            Err(error) if is_report(&error) || self.hears_errors => {
                self.counts.unreachable.increment();
                Received::Nothing
            }
            Err(error) => {
                self.counts.receive_errors.increment();
                if let Some(suppressed) = self.refusals.admit() {
                    tracing::warn!(local = %self.local, %error, suppressed, "receiving fails");
                }
                Received::Empty
            }
        }
    }

    /// Sends a datagram with the next [`Self::flush`], or before it when many wait.
    pub fn send(&mut self, to: SocketAddr, bytes: Vec<u8>) {
        if self.backlog.len() >= BACKLOG {
            self.backlog.pop_front();
            self.counts.send_dropped.increment();
        }
        self.backlog.push_back(Transmit::new(self.target(to), bytes));
        if !self.is_stuck && self.backlog.len() >= BURST {
            self.flush();
        }
    }

    /// Sends what waits, as far as the system can take it.
    pub fn flush(&mut self) {
        self.is_stuck = false;
        let mut reports = 0;
        while !self.backlog.is_empty() {
            let waiting = self.backlog.make_contiguous();
            match self.socket.try_io(Interest::WRITABLE, || burst::send(&self.socket, Way::Named, waiting)) {
                Ok(sent) => {
                    reports = 0;
                    let bytes = waiting.iter().take(sent).map(|datagram| datagram.payload.len() as u64).sum();
                    self.counts.sent.add(sent as u64);
                    self.counts.sent_bytes.add(bytes);
                    self.backlog.drain(..sent.min(self.backlog.len()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.is_stuck = true;
                    return;
                }
                // The system reports an earlier datagram's fate and has not tried this one.
                Err(error) if is_report(&error) || self.hears_errors && reports < REPORTS => {
                    reports += 1;
                    self.counts.unreachable.increment();
                }
                Err(error) => {
                    reports = 0;
                    self.cannot_send(&error);
                }
            }
        }
    }

    /// The first datagram can never be sent. It is counted and forgotten: the engine's timers are what answers for loss.
    fn cannot_send(&mut self, error: &io::Error) {
        let Some(Transmit { to, payload, .. }) = self.backlog.pop_front() else { return };
        self.counts.send_errors.increment();
        if let Some(suppressed) = self.refusals.admit() {
            tracing::warn!(%to, length = payload.len(), %error, suppressed, "a datagram cannot be sent");
        }
    }

    /// Whether everything has been handed to the system.
    #[must_use]
    pub fn is_flushed(&self) -> bool {
        self.backlog.is_empty()
    }

    /// Sets a filter in the kernel, or takes it away.
    ///
    /// # Errors
    /// Why the system takes none, or no such one.
    pub(crate) fn filter(&self, program: Option<&[Instruction]>) -> io::Result<()> {
        filter::set(&self.socket, program)
    }

    /// The form of `to` that this socket's family takes.
    fn target(&self, to: SocketAddr) -> SocketAddr {
        match to.ip() {
            IpAddr::V4(v4) if self.local.is_ipv6() => {
                SocketAddr::V6(SocketAddrV6::new(v4.to_ipv6_mapped(), to.port(), 0, 0))
            }
            _ => to,
        }
    }

    /// Takes over the kernel's count of datagrams that it dropped here.
    pub fn count_kernel_drops(&self) {
        if let Some(drops) = kernel_drops(self.local) {
            self.counts.kernel_drops.raise_to(drops);
        }
    }
}

/// Whether an error is an ICMP message about an earlier datagram: it says nothing of the socket, and can be forged.
fn is_report(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted
    )
}

/// The last column of `/proc/net/udp` for the socket bound to `local`; none on other systems.
fn kernel_drops(local: SocketAddr) -> Option<u64> {
    let table = if local.is_ipv4() { "/proc/net/udp" } else { "/proc/net/udp6" };
    drops_of(&std::fs::read_to_string(table).ok()?, local)
}

fn drops_of(table: &str, local: SocketAddr) -> Option<u64> {
    let wanted = format!("{}:{:04X}", hex(local.ip()), local.port());
    let row = table.lines().find(|row| row.split_whitespace().nth(1) == Some(wanted.as_str()))?;
    row.split_whitespace().last()?.parse().ok()
}

/// The kernel prints addresses as words in host order.
fn hex(address: IpAddr) -> String {
    let octets = match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    let words = octets.as_chunks::<4>().0.iter();
    words.map(|word| format!("{:08X}", u32::from_ne_bytes(*word))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind(address: &str) -> (Udp, Registry) {
        let metrics = Registry::new();
        (Udp::bind(address.parse().unwrap(), "test", &metrics).unwrap(), metrics)
    }

    async fn receive(udp: &mut Udp) -> (SocketAddr, Vec<u8>) {
        loop {
            udp.ready().await.unwrap();
            udp.flush();
            if let Received::Datagram { from, bytes } = udp.try_receive() {
                return (from, bytes.to_vec());
            }
        }
    }

    #[tokio::test]
    async fn a_refused_datagram_does_not_end_the_socket() {
        let (mut udp, metrics) = bind("127.0.0.1:0");
        // Nobody listens there: the kernel may report it, now or later.
        let nobody = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        for _ in 0..5 {
            udp.send(nobody, b"into the void".to_vec());
        }
        let to = udp.local();
        udp.send(to, b"to myself".to_vec());
        assert_eq!(receive(&mut udp).await, (to, b"to myself".to_vec()));
        assert!(metrics.render().contains("strowger_socket_receive_errors_total{socket=\"test\"} 0"));
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn a_datagram_that_nobody_took_is_quoted_with_its_address() {
        let (mut udp, _) = bind("127.0.0.1:0");
        udp.hear_errors();
        let gone = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let peer = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        udp.send(gone, b"AUEP 1200 *@gw1.town MGCP 1.0\r\n".to_vec());
        let (to, quoted) = loop {
            udp.ready().await.unwrap();
            udp.flush();
            if let Some(error) = udp.take_error() {
                break error;
            }
        };
        assert_eq!((to, &quoted[..10]), (gone, &b"AUEP 1200 "[..]));
        assert_eq!(udp.take_error(), None);
        // What is left of the error ends nothing, and what others send is heard.
        peer.send_to(b"hello", udp.local()).unwrap();
        assert_eq!(receive(&mut udp).await, (peer.local_addr().unwrap(), b"hello".to_vec()));
        udp.send(peer.local_addr().unwrap(), b"hello yourself".to_vec());
        udp.flush();
        let mut buffer = [0; 64];
        assert_eq!(peer.recv_from(&mut buffer).unwrap().0, 14);
        assert!(udp.is_flushed());
    }

    #[tokio::test]
    async fn what_can_never_be_sent_holds_up_nothing_behind_it() {
        let (mut udp, metrics) = bind("127.0.0.1:0");
        udp.hear_errors();
        let peer = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        // Nobody may send to all hosts without asking.
        udp.send("255.255.255.255:9".parse().unwrap(), b"lost".to_vec());
        udp.send(peer.local_addr().unwrap(), b"found".to_vec());
        while !udp.is_flushed() {
            udp.ready().await.unwrap();
            udp.flush();
        }
        let mut buffer = [0; 64];
        let (length, _) = peer.recv_from(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"found");
        assert!(metrics.render().contains("strowger_socket_send_errors_total{socket=\"test\"} 1"));
    }

    #[tokio::test]
    async fn the_largest_datagram_comes_whole_and_a_larger_one_is_counted() {
        let (mut udp, metrics) = bind("127.0.0.1:0");
        let to = udp.local();
        udp.send(to, vec![7; 65_507]);
        udp.send(to, vec![7; 65_508]);
        assert_eq!(receive(&mut udp).await.1.len(), 65_507);
        assert!(metrics.render().contains("strowger_socket_send_errors_total{socket=\"test\"} 1"));
        assert!(udp.is_flushed(), "what can never be sent does not wait");
    }

    #[tokio::test]
    async fn one_socket_serves_both_families_and_names_peers_by_their_own() {
        let metrics = Registry::new();
        let Ok(mut udp) = Udp::bind("[::]:0".parse().unwrap(), "test", &metrics) else {
            return; // a host without IPv6
        };
        let port = udp.local().port();
        let peer = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        peer.send_to(b"hello", ("127.0.0.1", port)).unwrap();
        let (from, _) = receive(&mut udp).await;
        assert_eq!(from, peer.local_addr().unwrap());
        udp.send(from, b"hello yourself".to_vec());
        udp.flush();
        let mut buffer = [0; 64];
        let (length, _) = peer.recv_from(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"hello yourself");
    }

    #[test]
    fn the_kernels_drop_count_is_found_by_address() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
            \x20 10: 00000000:0AA7 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 5\n\
            \x20 11: 0100007F:0AA7 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 42\n";
        if cfg!(target_endian = "little") {
            assert_eq!(drops_of(table, "127.0.0.1:2727".parse().unwrap()), Some(42));
        }
        assert_eq!(drops_of(table, "0.0.0.0:2727".parse().unwrap()), Some(5));
        assert_eq!(drops_of(table, "127.0.0.1:2728".parse().unwrap()), None);
    }

    #[tokio::test]
    async fn the_kernel_knows_our_socket() {
        let (udp, _) = bind("127.0.0.1:0");
        if cfg!(target_os = "linux") {
            assert_eq!(kernel_drops(udp.local()), Some(0));
        }
    }
}
