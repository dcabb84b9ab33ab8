//! The peers that are listened to: their addresses, and what is known about the way they answer.
//!
//! RFC 3435 section 3.5 lets a response come from another address than the one that was commanded, so a peer is a *set* of
//! addresses. Who is not in any set is a stranger: the role engine asks [`Peers::of`] before it parses anything.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

use strowger_sansio::Time;

use super::outbox::Bundling;
use super::timing::Estimator;
use crate::message::TransactionId;

/// A configured peer: a gateway for a call agent, a call agent for a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u32);

/// What is configured about a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerConfig {
    /// Where commands go, and a source that is listened to.
    pub address: SocketAddr,
    /// Further sources that are listened to; port 0 stands for any port of that host.
    pub others: Vec<SocketAddr>,
    /// Whether messages to this peer may share a datagram.
    pub bundling: Bundling,
}

/// Identifiers of answers received and not yet confirmed to their sender; older ones are forgotten, as confirming is optional.
const UNCONFIRMED: usize = 16;

#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) config: PeerConfig,
    pub(super) estimator: Estimator,
    /// Final responses received, with their time, to be confirmed by a later command.
    pub(super) unconfirmed: VecDeque<(Time, TransactionId)>,
    /// Commands of this peer that are remembered, executing ones included.
    pub(super) remembered: usize,
    /// Bytes of stored responses.
    pub(super) stored: usize,
    /// Commands of this peer that execute now.
    pub(super) executing: usize,
}

impl Peer {
    pub(super) fn note_final(&mut self, now: Time, id: TransactionId) {
        if self.unconfirmed.len() >= UNCONFIRMED {
            self.unconfirmed.pop_front();
        }
        self.unconfirmed.push_back((now, id));
    }
}

/// The peers, and who an address belongs to.
#[derive(Clone, Debug, Default)]
pub(super) struct Peers {
    peers: Vec<Peer>,
    by_address: BTreeMap<(u128, u16), PeerId>,
    /// Whether any address is listed with port 0, which costs a second look-up.
    any_port: bool,
}

impl Peers {
    /// Adds a peer. An address that another peer has already stays with that one.
    pub(super) fn add(&mut self, config: PeerConfig) -> PeerId {
        let id = PeerId(self.peers.len() as u32);
        self.list(id, &config);
        self.peers.push(Peer {
            config,
            estimator: Estimator::default(),
            unconfirmed: VecDeque::new(),
            remembered: 0,
            stored: 0,
            executing: 0,
        });
        id
    }

    /// Replaces what is configured about a peer.
    pub(super) fn configure(&mut self, id: PeerId, config: PeerConfig) {
        self.by_address.retain(|_, owner| *owner != id);
        self.any_port = self.by_address.keys().any(|(_, port)| *port == 0);
        self.list(id, &config);
        self.get_mut(id).config = config;
    }

    fn list(&mut self, id: PeerId, config: &PeerConfig) {
        for address in std::iter::once(&config.address).chain(&config.others) {
            self.by_address.entry(key(*address)).or_insert(id);
            self.any_port |= address.port() == 0;
        }
    }

    /// Who `address` belongs to.
    pub(super) fn of(&self, address: SocketAddr) -> Option<PeerId> {
        let exact = key(address);
        let listed = self.by_address.get(&exact);
        if listed.is_none() && self.any_port {
            return self.by_address.get(&(exact.0, 0)).copied();
        }
        listed.copied()
    }

    pub(super) fn get(&self, id: PeerId) -> &Peer {
        &self.peers[id.0 as usize]
    }

    pub(super) fn get_mut(&mut self, id: PeerId) -> &mut Peer {
        &mut self.peers[id.0 as usize]
    }
}

/// One form for every spelling of an address: IPv4 as IPv4-mapped IPv6, without flow label and scope.
fn key(address: SocketAddr) -> (u128, u16) {
    let ip = match address.ip() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    };
    (u128::from(ip), address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(addresses: &[&str]) -> PeerConfig {
        let mut addresses = addresses.iter().map(|a| a.parse().unwrap());
        PeerConfig {
            address: addresses.next().unwrap(),
            others: addresses.collect(),
            bundling: Bundling::Separate,
        }
    }

    fn peers(lists: &[&[&str]]) -> Peers {
        let mut peers = Peers::default();
        for list in lists {
            peers.add(config(list));
        }
        peers
    }

    #[test]
    fn a_peer_is_known_by_each_of_its_addresses_in_any_spelling() {
        let peers = peers(&[&["192.0.2.1:2427", "192.0.2.2:2427"], &["[2001:db8::1]:2427"]]);
        assert_eq!(peers.of("192.0.2.2:2427".parse().unwrap()), Some(PeerId(0)));
        assert_eq!(peers.of("[::ffff:192.0.2.1]:2427".parse().unwrap()), Some(PeerId(0)));
        assert_eq!(peers.of("[2001:db8::1]:2427".parse().unwrap()), Some(PeerId(1)));
    }

    #[test]
    fn another_port_of_a_listed_host_is_a_stranger_unless_any_port_is_listed() {
        let strict = peers(&[&["192.0.2.1:2427"]]);
        assert_eq!(strict.of("192.0.2.1:2428".parse().unwrap()), None);
        let open = peers(&[&["192.0.2.1:2427", "192.0.2.1:0"], &["192.0.2.1:2500"]]);
        assert_eq!(open.of("192.0.2.1:2428".parse().unwrap()), Some(PeerId(0)));
        assert_eq!(open.of("192.0.2.1:2500".parse().unwrap()), Some(PeerId(1)));
    }

    #[test]
    fn an_address_that_was_taken_away_is_a_stranger() {
        let mut peers = peers(&[&["192.0.2.1:2427", "192.0.2.1:0"]]);
        peers.configure(PeerId(0), config(&["192.0.2.9:2427"]));
        assert_eq!(peers.of("192.0.2.1:2427".parse().unwrap()), None);
        assert_eq!(peers.of("192.0.2.9:2427".parse().unwrap()), Some(PeerId(0)));
    }
}
