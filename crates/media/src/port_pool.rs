//! RTP port pairs that are opened before they are needed, so that a call costs no socket.
//!
//! A pair that is given back rests before it is used again: packets of the call that ended are still on their way, and must not be
//! heard in the next one. Pairs are given out in an order that a stranger cannot guess. The pool counts pairs and owns no socket; the
//! host keeps reading the sockets of resting pairs, and throws away what comes.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use strowger_sansio::{Rng, SocketId, Time};

/// A pair of sockets: an even RTP port and the odd RTCP port above it (RFC 3550 section 11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MediaPort {
    /// The local address of RTP.
    pub rtp: SocketAddr,
    /// The local address of RTCP.
    pub rtcp: SocketAddr,
    /// The host's socket for RTP.
    pub rtp_socket: SocketId,
    /// The host's socket for RTCP.
    pub rtcp_socket: SocketId,
}

/// How long a pair rests by default: longer than any packet's life in a network that can carry speech.
pub const QUARANTINE: Duration = Duration::from_secs(2);

/// The pool.
#[derive(Clone, Debug)]
pub struct PortPool {
    free: Vec<MediaPort>,
    resting: VecDeque<(Time, MediaPort)>,
    taken: usize,
    quarantine: Duration,
    rng: Rng,
}

impl PortPool {
    /// A pool of these pairs.
    #[must_use]
    pub fn new(ports: Vec<MediaPort>, quarantine: Duration, rng: Rng) -> Self {
        Self { free: ports, resting: VecDeque::new(), taken: 0, quarantine, rng }
    }

    /// Takes a pair; none when all are taken or resting.
    pub fn take(&mut self, now: Time) -> Option<MediaPort> {
        self.wake(now);
        let index = usize::try_from(self.rng.below(self.free.len() as u64)).ok()?;
        if index >= self.free.len() {
            return None;
        }
        self.taken += 1;
        Some(self.free.swap_remove(index))
    }

    /// Gives a pair back, to rest.
    pub fn give_back(&mut self, now: Time, port: MediaPort) {
        self.taken = self.taken.saturating_sub(1);
        self.resting.push_back((now + self.quarantine, port));
    }

    /// Pairs that can be taken now.
    #[must_use]
    pub fn available(&self, now: Time) -> usize {
        self.free.len() + self.resting.iter().filter(|(until, _)| *until <= now).count()
    }

    /// Pairs that are in use.
    #[must_use]
    pub const fn taken(&self) -> usize {
        self.taken
    }

    /// All pairs, in use or not.
    #[must_use]
    pub fn size(&self) -> usize {
        self.free.len() + self.resting.len() + self.taken
    }

    fn wake(&mut self, now: Time) {
        while self.resting.front().is_some_and(|(until, _)| *until <= now) {
            if let Some((_, port)) = self.resting.pop_front() {
                self.free.push(port);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::net::Ipv4Addr;

    fn pool(size: u16, seed: u64) -> PortPool {
        let address = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let ports = (0..size)
            .map(|n| MediaPort {
                rtp: address(20_000 + 2 * n),
                rtcp: address(20_001 + 2 * n),
                rtp_socket: SocketId(u32::from(n) * 2 + 1),
                rtcp_socket: SocketId(u32::from(n) * 2 + 2),
            })
            .collect();
        PortPool::new(ports, QUARANTINE, Rng::from_number(seed))
    }

    #[test]
    fn each_pair_is_taken_once_and_then_there_is_none() {
        let mut pool = pool(50, 1);
        let taken: BTreeSet<_> = std::iter::from_fn(|| pool.take(Time::ZERO)).collect();
        assert_eq!((taken.len(), pool.taken(), pool.available(Time::ZERO), pool.size()), (50, 50, 0, 50));
    }

    #[test]
    fn a_pair_rests_before_it_is_used_again() {
        let mut pool = pool(1, 1);
        let port = pool.take(Time::ZERO).unwrap();
        let given_back = Time::from_secs(60);
        pool.give_back(given_back, port);
        let early = given_back + QUARANTINE - Duration::from_millis(1);
        assert_eq!((pool.take(early), pool.available(early), pool.size()), (None, 0, 1));
        let rested = given_back + QUARANTINE;
        assert_eq!(pool.available(rested), 1);
        assert_eq!(pool.take(rested), Some(port));
    }

    #[test]
    fn the_order_of_pairs_is_not_that_of_their_numbers() {
        let order = |seed| {
            let mut pool = pool(100, seed);
            std::iter::from_fn(|| pool.take(Time::ZERO)).map(|port| port.rtp.port()).collect::<Vec<_>>()
        };
        let (one, two) = (order(1), order(2));
        assert_ne!(one, two);
        let neighbours = one.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) == 2).count();
        assert!(neighbours < 15, "{neighbours} pairs follow their neighbour");
    }
}
