//! Who is heard, how often and in which order: what stands between the socket and the exchange, so that one gateway gone
//! mad takes nothing from the others.
//!
//! MGCP says nothing of a peer that floods but that it may be answered with 409 (RFC 3435 section 4.4.8), and even that answer
//! costs more than a gateway has a right to. So each listed source has a [`TokenBucket`]; what comes on top is
//! dropped before it is parsed, as if the network had lost it, and retransmission (section 3.5) recovers what was meant.
//! What is admitted waits for the rest of the batch that the socket had, and then each source gets its turn: a gateway
//! that fills a batch is served after those that sent one datagram.
//!
//! Nothing is ever kept for longer than a batch: at most [`ROOM`] datagrams wait. Strangers wait for nothing and have no
//! bucket; the exchange refuses them by their address.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

use strowger_sansio::{Time, TokenBucket};

/// Datagrams that wait at most, of all sources together: a batch of the socket.
pub const ROOM: usize = 64;

/// How much one gateway or one host of SIP may send.
///
/// A call costs its two gateways about twenty datagrams, so by default a gateway may carry five hundred calls a second, five
/// times its part of 2,000 calls a second over twenty gateways. What a gateway costs that uses all of it without need is some
/// 4 % of a processor: at twice the rate the others' calls felt it.
///
/// A peer of SIP carries the calls of many gateways, and its calls cost it fewer datagrams: it may send twice as much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Datagrams a second, in the long run.
    pub gateway_rate: u32,
    /// Datagrams at once. Half a second's: as much as piles up while a busy host or a network catches its breath.
    pub gateway_burst: u32,
    /// Messages a second of one host of SIP peers and telephones, in the long run.
    pub peer_rate: u32,
    /// Messages of such a host at once.
    pub peer_burst: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { gateway_rate: 5_000, gateway_burst: 2_500, peer_rate: 10_000, peer_burst: 5_000 }
    }
}

/// What becomes of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It waits for its turn.
    Waits,
    /// Its gateway has sent too much, or nobody has taken what waits: it is gone.
    Dropped,
    /// Its source is not listed. It has not been kept.
    Stranger,
}

/// A datagram of a listed source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Where it came from.
    pub from: SocketAddr,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

#[derive(Debug)]
struct Source {
    bucket: TokenBucket,
    waiting: VecDeque<Vec<u8>>,
}

/// The admission of one socket.
#[derive(Debug)]
pub struct Admission {
    sources: BTreeMap<SocketAddr, Source>,
    /// The sources of which something waits, each once, in the order of their turns.
    turns: VecDeque<SocketAddr>,
    waiting: usize,
}

impl Admission {
    /// Hears these sources, each with a full bucket.
    #[must_use]
    pub fn new(now: Time, listed: impl IntoIterator<Item = SocketAddr>, limits: Limits) -> Self {
        let source = |address| {
            let bucket = TokenBucket::new(limits.gateway_rate, limits.gateway_burst, now);
            (address, Source { bucket, waiting: VecDeque::new() })
        };
        Self { sources: listed.into_iter().map(source).collect(), turns: VecDeque::new(), waiting: 0 }
    }

    /// Hears these sources too, of a gateway that is elsewhere now.
    pub fn list(&mut self, now: Time, sources: impl IntoIterator<Item = SocketAddr>, limits: Limits) {
        for address in sources {
            let bucket = TokenBucket::new(limits.gateway_rate, limits.gateway_burst, now);
            self.sources.entry(address).or_insert(Source { bucket, waiting: VecDeque::new() });
        }
    }

    /// The hosts of all sources, in their order.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = IpAddr> {
        self.sources.keys().map(SocketAddr::ip)
    }

    /// Takes a datagram, unless it is one too many. Only what waits is copied.
    pub fn offer(&mut self, now: Time, from: SocketAddr, bytes: &[u8]) -> Verdict {
        let Some(source) = self.sources.get_mut(&from) else { return Verdict::Stranger };
        if self.waiting >= ROOM || !source.bucket.take(now) {
            return Verdict::Dropped;
        }
        if source.waiting.is_empty() {
            self.turns.push_back(from);
        }
        source.waiting.push_back(bytes.to_vec());
        self.waiting += 1;
        Verdict::Waits
    }

    /// The datagram whose turn it is. Those of one source come in the order in which they were offered.
    pub fn take(&mut self) -> Option<Datagram> {
        let from = self.turns.pop_front()?;
        let source = self.sources.get_mut(&from)?;
        let bytes = source.waiting.pop_front()?;
        self.waiting -= 1;
        if !source.waiting.is_empty() {
            self.turns.push_back(from);
        }
        Some(Datagram { from, bytes })
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use super::*;

    const START: Time = Time::from_secs(100);
    const LIMITS: Limits = Limits { gateway_rate: 1000, gateway_burst: 50, peer_rate: 1, peer_burst: 1 };

    fn gateway(number: u8) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::new(192, 0, 2, number), 2427))
    }

    fn admission(gateways: u8, limits: Limits) -> Admission {
        Admission::new(START, (1..=gateways).map(gateway), limits)
    }

    /// Whose datagrams are taken, until none waits.
    fn served(admission: &mut Admission) -> Vec<SocketAddr> {
        std::iter::from_fn(|| admission.take()).map(|datagram| datagram.from).collect()
    }

    #[test]
    fn a_gateway_gone_mad_is_cut_to_its_rate_and_the_others_lose_nothing() {
        let mut admission = admission(3, LIMITS);
        let mut heard = BTreeMap::new();
        let mut dropped = BTreeMap::new();
        // Ten seconds at 100,000 a second from the first; each other sends a datagram every 10 ms.
        for step in 0..1_000_000_u64 {
            let now = START + Duration::from_micros(10 * step);
            let mut offers = vec![1];
            if step % 1000 == 0 {
                offers.extend([2, 3]);
            }
            for number in offers {
                match admission.offer(now, gateway(number), b"NTFY") {
                    Verdict::Waits => *heard.entry(number).or_insert(0) += 1,
                    Verdict::Dropped => *dropped.entry(number).or_insert(0) += 1,
                    Verdict::Stranger => panic!("gateway {number} is listed"),
                }
            }
            if step % 20 == 19 {
                served(&mut admission);
            }
        }
        assert_eq!(heard, BTreeMap::from([(1, 50 + 9_999), (2, 1000), (3, 1000)]));
        assert_eq!(dropped, BTreeMap::from([(1, 1_000_000 - 50 - 9_999)]));
    }

    #[test]
    fn a_gateway_that_has_come_to_its_senses_is_heard_again() {
        let mut admission = admission(1, LIMITS);
        let verdicts: Vec<_> = (0..60).map(|_| admission.offer(START, gateway(1), b"NTFY")).collect();
        assert_eq!(verdicts.iter().filter(|verdict| **verdict == Verdict::Waits).count(), 50);
        served(&mut admission);
        assert_eq!(admission.offer(START, gateway(1), b"NTFY"), Verdict::Dropped);
        let soon = START + Duration::from_millis(1);
        assert_eq!(admission.offer(soon, gateway(1), b"NTFY"), Verdict::Waits);
        assert_eq!(admission.offer(soon, gateway(1), b"NTFY"), Verdict::Dropped);
    }

    #[test]
    fn gateways_have_their_turns_however_much_one_of_them_sent_before() {
        let mut admission = admission(3, LIMITS);
        for number in [1, 1, 1, 1, 2, 1, 3, 2] {
            assert_eq!(admission.offer(START, gateway(number), b"NTFY"), Verdict::Waits);
        }
        let expected = [1, 2, 3, 1, 2, 1, 1, 1].map(gateway);
        assert_eq!(served(&mut admission), expected);
        // One that has been served stands behind those that wait.
        for number in [1, 1, 2] {
            admission.offer(START, gateway(number), b"NTFY");
        }
        assert_eq!(admission.take().map(|datagram| datagram.from), Some(gateway(1)));
        admission.offer(START, gateway(3), b"NTFY");
        assert_eq!(served(&mut admission), [2, 1, 3].map(gateway));
    }

    #[test]
    fn the_datagrams_of_one_gateway_stay_in_order() {
        let mut admission = admission(2, LIMITS);
        for number in 0..20_u8 {
            admission.offer(START, gateway(1 + number % 2), &[number]);
        }
        let taken: Vec<_> = std::iter::from_fn(|| admission.take()).collect();
        for gateway in [gateway(1), gateway(2)] {
            let own = taken.iter().filter(|datagram| datagram.from == gateway);
            let order: Vec<_> = own.map(|datagram| datagram.bytes[0]).collect();
            assert!(order.len() == 10 && order.is_sorted(), "{order:?}");
        }
    }

    #[test]
    fn what_waits_is_bounded_whoever_sends_it() {
        let mut admission = admission(200, Limits::default());
        let waits = (1..=200).filter(|number| {
            let large = [0; 60_000];
            admission.offer(START, gateway(*number), &large) == Verdict::Waits
        });
        assert_eq!(waits.count(), ROOM);
        assert_eq!(served(&mut admission).len(), ROOM);
        assert_eq!(admission.offer(START, gateway(200), b"NTFY"), Verdict::Waits);
    }

    #[test]
    fn a_stranger_takes_no_room_and_nothing_from_a_gateways_share() {
        let mut admission = admission(1, LIMITS);
        let near = SocketAddr::new(gateway(1).ip(), 2428);
        for stranger in [gateway(9), near, "[2001:db8::1]:2427".parse().unwrap()] {
            for _ in 0..1000 {
                assert_eq!(admission.offer(START, stranger, b"RSIP"), Verdict::Stranger);
            }
        }
        assert_eq!(admission.take(), None);
        let waits = (0..50).filter(|_| admission.offer(START, gateway(1), b"NTFY") == Verdict::Waits);
        assert_eq!(waits.count(), 50);
    }
}
