//! Hosts for tests that run beside each other: every address of 127.0.0.0/8 is this machine (Linux), so each party has
//! one of its own, with all ports free.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU8, Ordering};

static NEXT: AtomicU8 = AtomicU8::new(0);

/// A host that no other test of this or another process uses: it is told apart by the process and a number.
pub(crate) fn host() -> IpAddr {
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        assert!(number < 31, "a test process has 31 hosts");
        // 127.64.0.0/10 and above, by three bits of the process and five of the number: ids of processes have 22 bits.
        let first = 64 + (number << 1 | high & 1);
        let host = IpAddr::V4(Ipv4Addr::new(127, first, middle, low));
        if UdpSocket::bind((host, 2427)).is_ok() {
            return host;
        }
    }
}

/// A port of a host of its own.
pub(crate) fn at(port: u16) -> SocketAddr {
    SocketAddr::new(host(), port)
}

/// A socket on a host of its own, with patience.
pub(crate) fn peer(port: u16) -> UdpSocket {
    let socket = UdpSocket::bind(at(port)).unwrap();
    socket.set_read_timeout(Some(super::PATIENCE)).unwrap();
    socket
}
