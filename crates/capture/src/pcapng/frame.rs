//! The headers that a datagram would have had: IPv4 (RFC 791) or IPv6 (RFC 8200), and UDP (RFC 768).
//!
//! The exchange sees payloads and addresses, not frames; headers are made for them, so that every tool can read the
//! capture. Checksums are right; the hop limit and the identification are invented.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const UDP: u8 = 17;
const UDP_HEADER: usize = 8;
/// What a datagram of a host that is no router starts with.
const HOPS: u8 = 64;

/// Appends an IP packet that holds one UDP datagram. Two families are bridged by IPv4-mapped addresses (RFC 4291
/// section 2.5.5.2). Nothing is appended, and false comes back, when the payload is longer than a datagram can be.
pub(super) fn udp(
    out: &mut Vec<u8>,
    identification: u16,
    from: SocketAddr,
    to: SocketAddr,
    payload: &[u8],
) -> bool {
    let Ok(udp_length) = u16::try_from(UDP_HEADER + payload.len()) else { return false };
    match (from.ip().to_canonical(), to.ip().to_canonical()) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let Some(total) = udp_length.checked_add(20) else { return false };
            out.extend_from_slice(&ipv4(identification, total, source, destination));
            let mut sum = Sum::default();
            sum.add(&source.octets()).add(&destination.octets());
            datagram(out, sum, udp_length, from, to, payload);
        }
        (source, destination) => {
            let (source, destination) = (wide(source), wide(destination));
            // Version 6, no traffic class, no flow.
            out.extend_from_slice(&[0x60, 0, 0, 0]);
            out.extend_from_slice(&udp_length.to_be_bytes());
            out.extend_from_slice(&[UDP, HOPS]);
            out.extend_from_slice(&source.octets());
            out.extend_from_slice(&destination.octets());
            let mut sum = Sum::default();
            sum.add(&source.octets()).add(&destination.octets());
            datagram(out, sum, udp_length, from, to, payload);
        }
    }
    true
}

fn wide(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

fn ipv4(identification: u16, total: u16, source: Ipv4Addr, destination: Ipv4Addr) -> [u8; 20] {
    let [total_high, total_low] = total.to_be_bytes();
    let [id_high, id_low] = identification.to_be_bytes();
    let [s0, s1, s2, s3] = source.octets();
    let [d0, d1, d2, d3] = destination.octets();
    let header = |check: u16| {
        let [check_high, check_low] = check.to_be_bytes();
        [
            0x45, 0, total_high, total_low, id_high, id_low, 0, 0, HOPS, UDP, check_high, check_low, s0, s1,
            s2, s3, d0, d1, d2, d3,
        ]
    };
    header(Sum::default().add(&header(0)).finish())
}

/// The UDP header and the payload; `sum` holds the addresses already.
fn datagram(out: &mut Vec<u8>, mut sum: Sum, length: u16, from: SocketAddr, to: SocketAddr, payload: &[u8]) {
    let (source, destination) = (from.port().to_be_bytes(), to.port().to_be_bytes());
    let length = length.to_be_bytes();
    sum.add(&[0, UDP]).add(&length).add(&source).add(&destination).add(&length).add(payload);
    // A sum of zero is written as its other form, as zero means that there is none.
    let check = match sum.finish() {
        0 => 0xffff,
        check => check,
    };
    out.extend_from_slice(&source);
    out.extend_from_slice(&destination);
    out.extend_from_slice(&length);
    out.extend_from_slice(&check.to_be_bytes());
    out.extend_from_slice(payload);
}

/// The checksum of the Internet (RFC 1071). Parts are added in turn; only the last may have an odd length.
#[derive(Default)]
struct Sum(u64);

impl Sum {
    fn add(&mut self, part: &[u8]) -> &mut Self {
        let (pairs, rest) = part.as_chunks::<2>();
        for pair in pairs {
            self.0 += u64::from(u16::from_be_bytes(*pair));
        }
        if let [last] = rest {
            self.0 += u64::from(*last) << 8;
        }
        self
    }

    fn finish(&self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !(sum as u16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(from: &str, to: &str, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        assert!(udp(&mut out, 0x1234, from.parse().unwrap(), to.parse().unwrap(), payload));
        out
    }

    /// A right checksum makes the sum over everything come out as zero.
    fn check(addresses: &[u8], udp: &[u8]) {
        let length = u16::try_from(udp.len()).unwrap().to_be_bytes();
        assert_eq!(Sum::default().add(addresses).add(&[0, UDP]).add(&length).add(udp).finish(), 0);
    }

    #[test]
    fn an_ipv4_header_has_the_checksum_of_the_known_example() {
        // RFC 1071's arithmetic on the header that textbooks use: 4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7.
        let mut header = *b"\x45\0\0\x73\0\0\x40\0\x40\x11\0\0\xc0\xa8\0\x01\xc0\xa8\0\xc7";
        assert_eq!(Sum::default().add(&header).finish(), 0xb861);
        header[10..12].copy_from_slice(&[0xb8, 0x61]);
        assert_eq!(Sum::default().add(&header).finish(), 0);
    }

    #[test]
    fn a_datagram_over_ipv4_is_whole() {
        let packet = packet("127.0.0.1:2727", "192.0.2.7:2427", b"abc");
        assert_eq!(packet.len(), 20 + 8 + 3);
        assert_eq!(packet[..10], [0x45, 0, 0, 31, 0x12, 0x34, 0, 0, 64, 17]);
        assert_eq!(Sum::default().add(&packet[..20]).finish(), 0);
        assert_eq!(packet[20..26], [0x0a, 0xa7, 0x09, 0x7b, 0, 11]);
        check(&packet[12..20], &packet[20..]);
    }

    #[test]
    fn a_datagram_over_ipv6_is_whole() {
        let packet = packet("[2001:db8::1]:2727", "[2001:db8::2]:2427", b"abcd");
        assert_eq!(packet.len(), 40 + 8 + 4);
        assert_eq!(packet[..8], [0x60, 0, 0, 0, 0, 12, 17, 64]);
        check(&packet[8..40], &packet[40..]);
    }

    #[test]
    fn mapped_addresses_are_ipv4_and_two_families_meet_in_ipv6() {
        assert_eq!(packet("[::ffff:127.0.0.1]:1", "127.0.0.2:2", b"")[0], 0x45);
        let mixed = packet("127.0.0.1:1", "[2001:db8::2]:2", b"x");
        assert_eq!(mixed[8..24], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1]);
        check(&mixed[8..40], &mixed[40..]);
    }

    #[test]
    fn a_checksum_is_never_written_as_none() {
        for octet in 0..=u16::MAX {
            let packet = packet("127.0.0.1:1", "127.0.0.1:1", &octet.to_be_bytes());
            assert_ne!(packet[26..28], [0, 0]);
        }
    }

    #[test]
    fn a_payload_too_long_for_a_datagram_is_left_out() {
        let mut out = Vec::new();
        let at = "127.0.0.1:1".parse().unwrap();
        assert!(udp(&mut out, 0, at, at, &vec![0; 65_507]));
        out.clear();
        assert!(!udp(&mut out, 0, at, at, &vec![0; 65_508]));
        assert!(out.is_empty());
    }
}
