//! The peers that are listened to: their addresses, and what is known about the way they answer.
//!
//! RFC 3435 section 3.5 lets a response come from another address than the one that was commanded, so a peer is a *set* of
//! addresses. Who is not in any set is a stranger: the role engine asks [`Peers::of`] before it parses anything.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

use strowger_sansio::{AnswerTimes, Time};

use super::outbox::Bundling;
use super::pacing::Window;
use crate::message::TransactionId;

/// A configured peer: a gateway for a call agent, a call agent for a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u32);

/// What is configured about a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerConfig {
    /// Where commands go first, and a source that is listened to. None while only the name is known.
    pub address: Option<SocketAddr>,
    /// Further addresses to try, and sources that are listened to; port 0 stands for any port of that host, and is not tried.
    pub others: Vec<SocketAddr>,
    /// The name that stands for the peer in the name service, as it was provisioned. The layer asks the host to resolve it when
    /// RFC 3435 section 4.3 says so; what it resolves to is listened to as well. Names that peers merely mention never get here.
    pub name: Option<String>,
    /// Whether messages to this peer may share a datagram.
    pub bundling: Bundling,
}

impl PeerConfig {
    /// A peer of one address, whose messages each travel in a datagram of their own.
    #[must_use]
    pub const fn at(address: SocketAddr) -> Self {
        Self { address: Some(address), others: Vec::new(), name: None, bundling: Bundling::Separate }
    }

    /// All that is listed for it.
    fn listed(&self) -> impl Iterator<Item = SocketAddr> {
        self.address.into_iter().chain(self.others.iter().copied())
    }
}

/// Addresses that one name may bring: more interfaces than any call agent has, and few enough to be tried within T-MAX.
const RESOLVED: usize = 8;

/// Identifiers of answers received and not yet confirmed to their sender; older ones are forgotten, as confirming is optional.
const UNCONFIRMED: usize = 16;

#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) config: PeerConfig,
    pub(super) estimator: AnswerTimes,
    /// What the name resolved to last.
    resolved: Vec<SocketAddr>,
    /// The address that answered last: where new commands go first.
    preferred: Option<SocketAddr>,
    /// When the name was resolved last.
    pub(super) resolved_at: Option<Time>,
    /// When the question was put that is not answered yet.
    pub(super) asked_at: Option<Time>,
    /// Final responses received, with their time, to be confirmed by a later command.
    pub(super) unconfirmed: VecDeque<(Time, TransactionId)>,
    /// Memory that its commands and their responses take.
    pub(super) memory: usize,
    /// Commands of this peer that execute now.
    pub(super) executing: usize,
    /// Whether so many execute that more are told that they queue (101).
    pub(super) queueing: bool,
    /// How many commands to it may be unanswered.
    pub(super) window: Window,
    /// Which of its lives this is, counted round: after a restart it has forgotten what identifiers it used.
    pub(super) life: u8,
}

impl Peer {
    fn new(config: PeerConfig) -> Self {
        Self {
            config,
            estimator: AnswerTimes::default(),
            resolved: Vec::new(),
            preferred: None,
            resolved_at: None,
            asked_at: None,
            unconfirmed: VecDeque::new(),
            memory: 0,
            executing: 0,
            queueing: false,
            window: Window::default(),
            life: 0,
        }
    }

    /// The addresses that commands may go to, in the order in which they are tried; some may come twice.
    pub(super) fn targets(&self) -> impl Iterator<Item = SocketAddr> {
        let listed = self.config.listed().filter(|address| address.port() != 0);
        self.preferred.into_iter().chain(listed).chain(self.resolved.iter().copied())
    }

    /// An answer came from `from`: new commands go there first.
    pub(super) fn prefer(&mut self, from: SocketAddr) {
        if self.preferred != Some(from) && self.targets().any(|target| target == from) {
            self.preferred = Some(from);
        }
    }

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
        self.peers.push(Peer::new(config));
        id
    }

    /// Replaces what is configured about a peer.
    pub(super) fn configure(&mut self, id: PeerId, config: PeerConfig) {
        self.by_address.retain(|_, owner| *owner != id);
        self.any_port = self.by_address.keys().any(|(_, port)| *port == 0);
        self.list(id, &config);
        let peer = self.get_mut(id);
        if peer.config.name != config.name {
            peer.resolved.clear();
            peer.resolved_at = None;
        }
        peer.preferred = None;
        peer.config = config;
        let resolved = peer.resolved.clone();
        self.learn(id, &resolved);
    }

    /// Replaces the addresses that came from the name service. An address of another peer stays with that one, and what cannot
    /// be one host's address is passed over.
    pub(super) fn learn(&mut self, id: PeerId, addresses: &[SocketAddr]) {
        let peer = self.get(id);
        let listed: Vec<_> = peer.config.listed().map(key).collect();
        let old: Vec<_> = peer.resolved.iter().map(|address| key(*address)).collect();
        self.by_address.retain(|k, owner| *owner != id || listed.contains(k) || !old.contains(k));
        let mut learnt = Vec::new();
        for address in addresses.iter().copied().filter(|address| is_host(*address)) {
            if learnt.len() < RESOLVED && *self.by_address.entry(key(address)).or_insert(id) == id {
                learnt.push(address);
            }
        }
        let peer = self.get_mut(id);
        peer.resolved = learnt;
        let kept = |address: &SocketAddr| {
            peer.resolved.contains(address) || peer.config.listed().any(|listed| listed == *address)
        };
        peer.preferred = peer.preferred.filter(kept);
    }

    fn list(&mut self, id: PeerId, config: &PeerConfig) {
        for address in config.listed() {
            self.by_address.entry(key(address)).or_insert(id);
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

/// Whether an answer of the name service can be the address of one host.
fn is_host(address: SocketAddr) -> bool {
    let ip = address.ip().to_canonical();
    let everyone = matches!(ip, IpAddr::V4(v4) if v4.is_broadcast());
    address.port() != 0 && !ip.is_unspecified() && !ip.is_multicast() && !everyone
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
        let first = addresses.next().unwrap();
        PeerConfig { others: addresses.collect(), ..PeerConfig::at(first) }
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

    #[test]
    fn what_a_name_resolves_to_is_listened_to_until_it_resolves_to_something_else() {
        let mut peers = peers(&[&["192.0.2.1:2427"], &["192.0.2.7:2427"]]);
        let own: SocketAddr = "192.0.2.1:2427".parse().unwrap();
        let new: SocketAddr = "192.0.2.2:2427".parse().unwrap();
        let others: SocketAddr = "192.0.2.7:2427".parse().unwrap();
        let group: SocketAddr = "224.0.0.1:2427".parse().unwrap();
        peers.learn(PeerId(0), &[own, new, others, group]);
        assert_eq!(peers.of(new), Some(PeerId(0)));
        assert_eq!(peers.of(others), Some(PeerId(1)), "the name service cannot take another peer's address");
        assert_eq!(peers.of(group), None);
        let targets: Vec<_> = peers.get(PeerId(0)).targets().collect();
        assert_eq!(targets, [own, own, new]);
        peers.learn(PeerId(0), &[own]);
        assert_eq!(peers.of(new), None);
        assert_eq!(peers.of(own), Some(PeerId(0)));
        peers.learn(PeerId(0), &[]);
        assert_eq!(peers.of(own), Some(PeerId(0)), "what is configured stays");
    }
}
