//! The authentication header of the protocol (RFC 3525 section 10.2, the interim AH scheme), with the algorithms of RFC 2402 section 5.
//!
//! The integrity check value is an HMAC over a synthesized IP header and all transactions of the message as they stand in it: for text all
//! octets from the first transaction's to the last of the message, for the binary form the contents of the list of transactions.
//! The synthesized header is the source address, the destination address and the destination port, as 20 hexadecimal digits, which we
//! write in capitals. The scheme is for IPv4 alone, and gives no protection against replay: the window here does, while both sides run.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr, SocketAddrV4};

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;

use crate::message::Authentication;

/// The algorithms of RFC 2402 section 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integrity {
    /// HMAC-MD5-96 (RFC 2403).
    Md5,
    /// HMAC-SHA-1-96 (RFC 2404).
    Sha1,
}

/// Octets of the integrity check value: 96 bits.
const LENGTH: usize = 12;

/// What is shared with a peer that is to be known by the authentication header.
#[derive(Clone)]
pub struct Security {
    /// The security parameter index.
    pub index: [u8; 4],
    /// The algorithm.
    pub integrity: Integrity,
    /// The key.
    pub key: Box<[u8]>,
    /// Our own address as the peer sees it.
    pub local: SocketAddrV4,
    /// The number of the first message less one. A host gives one that is greater than all before a restart, such as the seconds
    /// since an epoch, since the peer refuses what its window has passed.
    pub sequence: u32,
}

/// Without the key.
impl std::fmt::Debug for Security {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { index, integrity, local, sequence, .. } = self;
        f.debug_struct("Security")
            .field("index", index)
            .field("integrity", integrity)
            .field("local", local)
            .field("sequence", sequence)
            .finish_non_exhaustive()
    }
}

/// The state of the header with one peer.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    security: Security,
    sent: u32,
    window: Window,
}

impl Guard {
    pub(super) fn new(security: Security) -> Self {
        Self { sent: security.sequence, security, window: Window::default() }
    }

    /// The header of a message with this body; none towards IPv6, where the scheme must not be used.
    pub(super) fn seal(&mut self, to: SocketAddr, body: &[&[u8]]) -> Option<Authentication<'static>> {
        let IpAddr::V4(_) = to.ip() else { return None };
        self.sent = self.sent.wrapping_add(1);
        let sequence = self.sent.to_be_bytes();
        let data = self.check(SocketAddr::V4(self.security.local), to, body)?;
        Some(Authentication { index: self.security.index, sequence, data: Cow::Owned(data) })
    }

    /// Whether a message is the peer's, and not one that came before.
    pub(super) fn verify(
        &mut self,
        header: Option<&Authentication<'_>>,
        from: SocketAddr,
        body: &[u8],
    ) -> bool {
        let Some(header) = header.filter(|header| header.index == self.security.index) else { return false };
        let number = u32::from_be_bytes(header.sequence);
        if !self.window.is_new(number) {
            return false;
        }
        let expected = self.check(from, SocketAddr::V4(self.security.local), &[body]);
        let is_equal = expected.is_some_and(|expected| equal(&expected, &header.data));
        if is_equal {
            self.window.note(number);
        }
        is_equal
    }

    fn check(&self, from: SocketAddr, to: SocketAddr, body: &[&[u8]]) -> Option<Vec<u8>> {
        let (IpAddr::V4(source), IpAddr::V4(destination)) = (from.ip(), to.ip()) else { return None };
        let port = to.port();
        let ip = format!("{:08X}{:08X}{port:04X}", source.to_bits(), destination.to_bits());
        let parts = || std::iter::once(ip.as_bytes()).chain(body.iter().copied());
        let key = &self.security.key;
        let mut data = match self.security.integrity {
            Integrity::Md5 => digest(Hmac::<Md5>::new_from_slice(key).ok()?, parts()),
            Integrity::Sha1 => digest(Hmac::<Sha1>::new_from_slice(key).ok()?, parts()),
        };
        data.truncate(LENGTH);
        Some(data)
    }
}

fn digest<'p>(mut mac: impl Mac, parts: impl Iterator<Item = &'p [u8]>) -> Vec<u8> {
    parts.for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

/// Compares without telling by its duration where the first difference is.
fn equal(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && left.iter().zip(right).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

/// The sequence numbers that were seen, as in RFC 2402 section 3.4.3: the last 64.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    greatest: u32,
    seen: u64,
}

impl Window {
    fn is_new(self, number: u32) -> bool {
        if number > self.greatest {
            return true;
        }
        let back = self.greatest - number;
        number != 0 && back < 64 && self.seen & (1 << back) == 0
    }

    fn note(&mut self, number: u32) {
        if number > self.greatest {
            let step = number - self.greatest;
            self.seen = self.seen.checked_shl(step).unwrap_or(0) | 1;
            self.greatest = number;
        } else {
            self.seen |= 1 << (self.greatest - number).min(63);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"T=1{C=-{N=a{OE=1{al/of}}}}";

    fn pair(integrity: Integrity) -> (Guard, Guard, SocketAddr, SocketAddr) {
        let (here, there) = ("192.0.2.1:2944", "192.0.2.2:2945");
        let guard = |local: &str| {
            let local = local.parse().unwrap();
            let key = (*b"a key of 20 octets..").into();
            Guard::new(Security { index: [0, 0, 1, 2], integrity, key, local, sequence: 0 })
        };
        (guard(here), guard(there), here.parse().unwrap(), there.parse().unwrap())
    }

    #[test]
    fn the_digests_are_those_of_rfc_2202() {
        let parts: [&[u8]; 2] = [b"what do ya want ", b"for nothing?"];
        let md5 = digest(Hmac::<Md5>::new_from_slice(b"Jefe").unwrap(), parts.into_iter());
        assert_eq!(md5[..4], [0x75, 0x0c, 0x78, 0x3e]);
        let sha1 = digest(Hmac::<Sha1>::new_from_slice(b"Jefe").unwrap(), parts.into_iter());
        assert_eq!(sha1[..4], [0xef, 0xfc, 0xdf, 0x6a]);
    }

    #[test]
    fn a_sealed_message_is_taken_once_and_only_unchanged_from_its_source() {
        for integrity in [Integrity::Md5, Integrity::Sha1] {
            let (mut ours, mut theirs, here, there) = pair(integrity);
            let header = ours.seal(there, &[BODY]).unwrap();
            assert_eq!(header.data.len(), 12);
            assert!(!theirs.verify(Some(&header), there, BODY), "another source");
            assert!(!theirs.verify(Some(&header), here, b"T=2{}"), "another body");
            let mut forged = header.clone();
            forged.data.to_mut()[11] ^= 1;
            assert!(!theirs.verify(Some(&forged), here, BODY), "another value");
            assert!(!theirs.verify(None, here, BODY), "no header");
            assert!(theirs.verify(Some(&header), here, BODY));
            assert!(!theirs.verify(Some(&header), here, BODY), "a replay");
        }
    }

    #[test]
    fn a_body_in_parts_has_the_value_of_the_whole() {
        let (mut ours, mut theirs, here, there) = pair(Integrity::Sha1);
        let header = ours.seal(there, &[b"T=1{", b"}"]).unwrap();
        assert!(theirs.verify(Some(&header), here, b"T=1{}"));
    }

    #[test]
    fn messages_may_arrive_out_of_order_within_the_window() {
        let mut window = Window::default();
        for number in [5, 3, 4, 100, 37] {
            assert!(window.is_new(number), "{number}");
            window.note(number);
        }
        for number in [0, 3, 5, 36, 37, 100] {
            assert!(!window.is_new(number), "{number}");
        }
        assert!(window.is_new(38) && window.is_new(u32::MAX));
    }

    #[test]
    fn the_scheme_is_not_used_over_ipv6() {
        let (mut ours, ..) = pair(Integrity::Md5);
        assert!(ours.seal("[2001:db8::1]:2944".parse().unwrap(), &[BODY]).is_none());
    }
}
