//! The peers that are listened to: who they are, where they may speak from, and how they speak.
//!
//! A message is a peer's when its message identifier, its source address and its transport are. Whoever is at no address of a peer is a
//! stranger: nothing of his is read. Several peers may share an address (virtual gateways, RFC 3525 section 11.1).

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use strowger_sansio::{AnswerTimes, KeyTable, Time};

use super::authentication::{Guard, Security};
use super::dialect::{Coding, Dialect, Form, Learning, form_of, with_values};
use super::ids::Block;
use super::{Route, Transport};
use crate::binary::ValueForm;
use crate::message::{Acknowledged, Mid, OwnedMid, Transaction, TransactionId, Version};

/// A peer, as this engine counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub(super) u32);

impl PeerId {
    /// Peers are counted from 0.
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Where a peer may speak from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The address.
    pub address: IpAddr,
    /// The port; any, when none is named.
    pub port: Option<u16>,
    /// The transport; any, when none is named.
    pub transport: Option<Transport>,
}

impl Source {
    /// Any port and transport of an address.
    #[must_use]
    pub const fn host(address: IpAddr) -> Self {
        Self { address, port: None, transport: None }
    }

    /// Whether a message may come from there.
    #[must_use]
    pub fn has(&self, route: &Route) -> bool {
        self.address == route.address.ip()
            && self.port.is_none_or(|port| port == route.address.port())
            && self.transport.is_none_or(|transport| transport == route.transport)
    }
}

/// What is configured about a peer.
#[derive(Clone, Debug)]
pub struct PeerConfig {
    /// Its message identifier. Without one, the first that comes from its sources is it from then on.
    pub mid: Option<OwnedMid>,
    /// Where it may speak from.
    pub sources: Vec<Source>,
    /// Where requests go, when that is known before it registers.
    pub route: Option<Route>,
    /// What both sides have to know to read one another.
    pub coding: Arc<Coding>,
    /// How it is spoken to at first.
    pub dialect: Dialect,
    /// Whether that changes with how it speaks.
    pub learning: Learning,
    /// The key, when it is to be known by the authentication header.
    pub security: Option<Security>,
    /// How many Pendings we may send for one of its requests before it is answered with 506: its limit for us (root package of
    /// version 2).
    pub pending_limit: Option<u32>,
    /// How many Pendings it may send for one of our requests: our limit for it.
    pub pending_allowance: Option<u32>,
    /// The longest message that it takes, when that is less than our own limit (root package of version 3).
    pub pdu: Option<usize>,
}

impl PeerConfig {
    /// A peer that speaks from, and takes requests at, one place; its message identifier is the first that comes from there.
    #[must_use]
    pub fn at(route: Route) -> Self {
        let source = Source {
            address: route.address.ip(),
            port: Some(route.address.port()),
            transport: Some(route.transport),
        };
        Self { route: Some(route), ..Self::from_source(source) }
    }

    /// A peer that speaks from a source, and takes requests where it registers from.
    #[must_use]
    pub fn from_source(source: Source) -> Self {
        Self {
            mid: None,
            sources: vec![source],
            route: None,
            coding: Arc::default(),
            dialect: Dialect::default(),
            learning: Learning::On,
            security: None,
            pending_limit: None,
            pending_allowance: None,
            pdu: None,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) mid: Option<OwnedMid>,
    pub(super) sources: Vec<Source>,
    pub(super) route: Option<Route>,
    pub(super) coding: Arc<Coding>,
    pub(super) dialect: Dialect,
    /// Whether the version was negotiated, so that headers do not change it.
    pub(super) is_negotiated: bool,
    learning: Learning,
    pub(super) guard: Option<Box<Guard>>,
    pub(super) pending_limit: Option<u32>,
    pub(super) pending_allowance: Option<u32>,
    pub(super) pdu: Option<usize>,
    pub(super) times: AnswerTimes,
    pub(super) block: Block,
    /// Replies that it may be told were received, and when the last one was.
    pub(super) acknowledgements: Vec<Acknowledged>,
    pub(super) acknowledged_at: Time,
    /// How often it forgot what it sent before.
    pub(super) life: u8,
    pub(super) executing: u32,
    pub(super) outstanding: u32,
    pub(super) memory: usize,
    pub(super) is_suspect: bool,
}

impl Peer {
    fn new(config: PeerConfig) -> Self {
        Self {
            mid: config.mid,
            sources: config.sources,
            route: config.route,
            coding: config.coding,
            dialect: config.dialect,
            is_negotiated: false,
            learning: config.learning,
            guard: config.security.map(|security| Box::new(Guard::new(security))),
            pending_limit: config.pending_limit,
            pending_allowance: config.pending_allowance,
            pdu: config.pdu,
            times: AnswerTimes::default(),
            block: Block::default(),
            acknowledgements: Vec::new(),
            acknowledged_at: Time::ZERO,
            life: 0,
            executing: 0,
            outstanding: 0,
            memory: 0,
            is_suspect: false,
        }
    }

    fn is_at(&self, route: &Route) -> bool {
        self.sources.iter().any(|source| source.has(route))
    }

    /// How a message of the peer's is answered: as it was spoken, if the configuration does not stand.
    pub(super) fn answering(&self, bytes: &[u8], version: Version) -> Dialect {
        let mut dialect = self.dialect;
        if self.learning == Learning::On {
            dialect.form = form_of(bytes);
            if !self.is_negotiated {
                dialect.version = version.min(super::NEWEST);
            }
        }
        dialect
    }

    /// Speaks in another way until [`Self::unlearn`], and learns nothing: the message has faults, and may be anything.
    pub(super) fn speak_for_now(&mut self, dialect: Dialect) -> (Dialect, Learning) {
        let usual = std::mem::replace(&mut self.dialect, dialect);
        (usual, std::mem::replace(&mut self.learning, Learning::Off))
    }

    /// Speaks as before.
    pub(super) fn unlearn(&mut self, (usual, learning): (Dialect, Learning)) {
        (self.dialect, self.learning) = (usual, learning);
    }

    pub(super) fn learn_values(&mut self, values: ValueForm) {
        if self.learning == Learning::On && self.dialect.form == Form::Binary && self.dialect.values != values
        {
            self.dialect.values = values;
            self.coding = with_values(&self.coding, values);
        }
    }

    /// A reply came: the peer may be told so.
    pub(super) fn note_reply(&mut self, now: Time, id: TransactionId, limit: usize) {
        self.acknowledged_at = now;
        for range in &mut self.acknowledgements {
            let last = range.last.unwrap_or(range.first);
            if last.get().wrapping_add(1) == id.get() && id.get() != 0 {
                range.last = Some(id);
                return;
            }
            if (range.first..=last).contains(&id) {
                return;
            }
        }
        if self.acknowledgements.len() >= limit && !self.acknowledgements.is_empty() {
            self.acknowledgements.remove(0);
        }
        self.acknowledgements.push(Acknowledged { first: id, last: None });
    }
}

impl Peer {
    /// The acknowledgement that is to ride along with the next message, written.
    pub(super) fn take_acknowledgement(
        &mut self,
        now: Time,
        dialect: Dialect,
        long_timer: Duration,
    ) -> Option<Vec<u8>> {
        if self.acknowledgements.is_empty() {
            return None;
        }
        let ranges = std::mem::take(&mut self.acknowledgements);
        if now.since(self.acknowledged_at) >= long_timer {
            // The peer has forgotten them by now.
            return None;
        }
        let mut octets = Vec::with_capacity(32 + ranges.len() * 32);
        dialect.encode(&self.coding, &Transaction::Acknowledgement(ranges), &mut octets).ok()?;
        Some(octets)
    }

    /// Writes a message to this peer around its transactions.
    pub(super) fn seal_message(
        &mut self,
        dialect: Dialect,
        mid: Mid<'_>,
        to: SocketAddr,
        transactions: &[&[u8]],
        out: &mut Vec<u8>,
    ) {
        let separator: &[u8] = if dialect.form == Form::Binary { b"" } else { b"\n" };
        let authentication = self.guard.as_mut().and_then(|guard| {
            let mut body = Vec::with_capacity(transactions.len() * 2);
            for (place, octets) in transactions.iter().enumerate() {
                if place > 0 {
                    body.push(separator);
                }
                body.push(octets);
            }
            guard.seal(to, &body)
        });
        dialect.frame(authentication.as_ref(), mid, transactions.iter().copied(), out);
    }
}

/// All peers, by where they are and what they call themselves.
#[derive(Clone, Debug)]
pub(super) struct Peers {
    peers: Vec<Peer>,
    /// Peers with a known identifier, by a keyed hash of address and identifier; the next free number when it is taken.
    named: KeyTable<PeerId>,
    /// Peers whose identifier is not known yet.
    nameless: BTreeMap<IpAddr, Vec<PeerId>>,
    /// How many sources of peers there are at an address.
    addresses: BTreeMap<IpAddr, u32>,
    secret: u64,
}

impl Peers {
    pub(super) fn new(secret: u64) -> Self {
        Self {
            peers: Vec::new(),
            named: KeyTable::new(secret),
            nameless: BTreeMap::new(),
            addresses: BTreeMap::new(),
            secret,
        }
    }

    pub(super) fn add(&mut self, config: PeerConfig) -> PeerId {
        let id = PeerId(u32::try_from(self.peers.len()).unwrap_or(u32::MAX));
        let is_named = config.mid.is_some();
        self.peers.push(Peer::new(config));
        let sources = self.get(id).sources.clone();
        for source in sources {
            *self.addresses.entry(source.address).or_default() += 1;
            if is_named {
                self.index(id, source.address);
            } else {
                let waiting = self.nameless.entry(source.address).or_default();
                if !waiting.contains(&id) {
                    waiting.push(id);
                }
            }
        }
        id
    }

    pub(super) fn len(&self) -> usize {
        self.peers.len()
    }

    /// # Panics
    /// When the peer is not of this engine.
    pub(super) fn get(&self, id: PeerId) -> &Peer {
        &self.peers[id.0 as usize]
    }

    /// # Panics
    /// When the peer is not of this engine.
    pub(super) fn get_mut(&mut self, id: PeerId) -> &mut Peer {
        &mut self.peers[id.0 as usize]
    }

    pub(super) fn try_get_mut(&mut self, id: u32) -> Option<&mut Peer> {
        self.peers.get_mut(id as usize)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = PeerId> + use<> {
        (0..u32::try_from(self.peers.len()).unwrap_or(u32::MAX)).map(PeerId)
    }

    /// Whether anybody is known at an address.
    pub(super) fn is_listed(&self, address: IpAddr) -> bool {
        self.addresses.contains_key(&address)
    }

    /// Whose message it is.
    pub(super) fn find(&self, route: &Route, mid: &Mid<'_>) -> Option<PeerId> {
        let address = route.address.ip();
        let mut hash = hash(self.secret, address, mid);
        while let Some(id) = self.named.get(hash).copied() {
            let peer = self.get(id);
            if peer.mid.as_ref().is_some_and(|own| own.as_mid() == *mid) && peer.is_at(route) {
                return Some(id);
            }
            hash = hash.wrapping_add(1);
        }
        let waiting = self.nameless.get(&address)?;
        waiting.iter().copied().find(|id| self.get(*id).is_at(route))
    }

    /// The only peer at a source, for messages whose identifier cannot be read.
    pub(super) fn only(&self, route: &Route) -> Option<PeerId> {
        let address = route.address.ip();
        if self.addresses.get(&address) != Some(&1) {
            return None;
        }
        // An error in a message is rare, and so is looking for who is alone at an address.
        self.ids().find(|id| self.get(*id).is_at(route))
    }

    /// Gives a peer its name, when it had none.
    pub(super) fn name(&mut self, id: PeerId, mid: Mid<'_>) {
        if self.get(id).mid.is_some() {
            return;
        }
        self.get_mut(id).mid = Some(mid.into());
        for source in self.get(id).sources.clone() {
            if let Some(waiting) = self.nameless.get_mut(&source.address) {
                waiting.retain(|other| *other != id);
                if waiting.is_empty() {
                    self.nameless.remove(&source.address);
                }
            }
            self.index(id, source.address);
        }
    }

    /// One more place where a peer may speak from.
    pub(super) fn add_source(&mut self, id: PeerId, source: Source) {
        if self.get(id).sources.contains(&source) {
            return;
        }
        self.get_mut(id).sources.push(source);
        *self.addresses.entry(source.address).or_default() += 1;
        if self.get(id).mid.is_some() {
            self.index(id, source.address);
        } else {
            let waiting = self.nameless.entry(source.address).or_default();
            if !waiting.contains(&id) {
                waiting.push(id);
            }
        }
    }

    /// The places where a peer may speak from are these now, and no others.
    pub(super) fn set_sources(&mut self, id: PeerId, sources: &[Source]) {
        for before in std::mem::take(&mut self.get_mut(id).sources) {
            if let Some(count) = self.addresses.get_mut(&before.address) {
                *count -= 1;
                if *count == 0 {
                    self.addresses.remove(&before.address);
                }
            }
            if let Some(waiting) = self.nameless.get_mut(&before.address) {
                waiting.retain(|other| *other != id);
                if waiting.is_empty() {
                    self.nameless.remove(&before.address);
                }
            }
            // Its name at that address stays in the table: others may have had to go around it, and it is found only where it is.
        }
        for source in sources {
            self.add_source(id, *source);
        }
    }

    fn index(&mut self, id: PeerId, address: IpAddr) {
        let Some(mid) = &self.get(id).mid else { return };
        let mut hash = hash(self.secret, address, &mid.as_mid());
        while let Some(other) = self.named.get(hash) {
            if *other == id {
                return;
            }
            hash = hash.wrapping_add(1);
        }
        self.named.insert(hash, id);
    }
}

/// A keyed hash of an address and an identifier without regard to case.
fn hash(secret: u64, address: IpAddr, mid: &Mid<'_>) -> u64 {
    let mut sum = Sum(secret);
    match address {
        IpAddr::V4(address) => sum.add(&address.octets()),
        IpAddr::V6(address) => sum.add(&address.octets()),
    }
    let port = match mid {
        Mid::Ip4(octets, port) => {
            sum.add(octets);
            *port
        }
        Mid::Ip6(octets, port) => {
            sum.add(octets);
            *port
        }
        Mid::Domain(name, port) => {
            sum.add(name.as_str().as_bytes());
            *port
        }
        Mid::Device(name) => {
            sum.add(name.as_str().as_bytes());
            None
        }
        Mid::Mtp(address) => {
            sum.add(address.as_bytes());
            None
        }
    };
    sum.add(&port.unwrap_or_default().to_be_bytes());
    sum.0
}

struct Sum(u64);

impl Sum {
    fn add(&mut self, octets: &[u8]) {
        for octet in octets {
            self.0 = (self.0 ^ u64::from(octet.to_ascii_lowercase())).wrapping_mul(0x0000_0100_0000_01b3);
        }
        self.0 ^= self.0 >> 29;
    }
}
