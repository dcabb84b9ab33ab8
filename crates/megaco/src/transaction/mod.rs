//! The transaction layer of both roles (RFC 3525 sections 8, 9, 10.2, Annex D): who is listened to, at-most-once execution, reliable request.
//!
//! A role engine owns one [`Transactions`] and gives it each message with where it came from; the layer reads it and hands up what is
//! for the role. It keeps what must be kept, and repeats what must be repeated.
//!
//! ```text
//!   octets -> accept() -> nobody's: dropped            request(peer, actions, tag) -> its number
//!                      -> Accepted -> handle_input() -> Event::Request{token, actions} -> role acts -> respond(token, result)
//!                                                    -> Event::Reply{tag, result}      -> role goes on
//!   poll_transmit() -> messages        poll_event() -> Failed, Lost, …        poll_timeout(), handle_timeout()
//! ```
//!
//! Events borrow from the message that they came in, so that nothing is copied:
//!
//! ```
//! # use strowger_megaco::message::{ActionReply, CommandBody, CommandReply, ReplyResult};
//! # use strowger_megaco::transaction::*;
//! # use strowger_sansio::Time;
//! fn handle_input(layer: &mut Transactions<u32>, now: Time, route: Route, bytes: &[u8]) {
//!     let Some(accepted) = layer.accept(now, route, bytes) else { return };
//!     for event in layer.handle_input(now, &accepted) {
//!         if let Event::Request { token, actions, .. } = event {
//!             let mut replies = Vec::new();
//!             for action in &actions {
//!                 let commands = action.commands.iter().filter_map(|command| match &command.body {
//!                     CommandBody::Notify(notify) => Some(CommandReply::Notify(notify.terminations.clone(), None)),
//!                     _ => None,
//!                 });
//!                 let commands = commands.collect();
//!                 replies.push(ActionReply { context: action.context, properties: None, commands, error: None });
//!             }
//!             // What fails here is a reply that the peer's version has no way to say; the peer was told 500.
//!             let _ = layer.respond(now, token, ReplyResult::Actions(replies.into()));
//!         }
//!     }
//! }
//! ```
//!
//! The rooms: `input` (received messages), `responder` (received requests), `provisional` (when their senders are told that they take
//! long), `requester` (sent requests), `segment` (replies in parts),
//! `peer` (who is listened to), `dialect` (how a peer speaks), `authentication`, `memory` (what was answered), `ids` (our numbers), `outbox`
//! (messages and what shares them), `timing`, and the plain data of `event`, `limits` and `counters`.

mod authentication;
mod counters;
mod dialect;
mod event;
mod ids;
mod input;
mod limits;
mod memory;
mod outbox;
mod peer;
mod provisional;
mod requester;
mod responder;
mod segment;
mod timing;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use strowger_sansio::{Rng, Time, Timers, TokenBucket, Transmit};

pub use crate::transport::{Route, Transport};
pub use authentication::{Integrity, Security};
pub use counters::TransactionCounters;
pub use dialect::{Coding, Dialect, Form, Learning, NEWEST};
pub use event::{Accepted, Assembled, Event, Failure, RequestError, Token};
pub use ids::TransactionIds;
pub use limits::TransactionLimits;
pub use peer::{PeerConfig, PeerId, Source};
pub use timing::{TimerConflict, TransactionTimers};

use crate::message::{OwnedMid, Transaction, TransactionId, Version};
use memory::{Key, Memory};
use outbox::{Kind, Outbox};
use peer::Peers;
use provisional::Provisional;
use requester::Outgoing;
use responder::{Awaiting, RunningTable};
use segment::Sending;

/// What the header of a message takes at most: an authentication header, a version, and an identifier.
const HEADER: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Request(TransactionId),
    Reply(Key),
    Segments(Key),
}

/// The transactions of one entity with all its peers. `T` is the requester's tag, kept with each sent request.
#[derive(Debug)]
pub struct Transactions<T> {
    mid: OwnedMid,
    timers: TransactionTimers,
    limits: TransactionLimits,
    ids: TransactionIds,
    rng: Rng,
    peers: Peers,
    memory: Memory,
    running: RunningTable,
    provisional: Provisional,
    awaiting: BTreeMap<Key, Awaiting>,
    sending: BTreeMap<Key, Sending>,
    requests: BTreeMap<TransactionId, Outgoing<T>>,
    reassemblies: usize,
    deadlines: Timers<Timer>,
    outbox: Outbox,
    events: VecDeque<Event<'static, T>>,
    errors: TokenBucket,
    /// Memory that peers use beyond their own share.
    pooled: usize,
    counters: TransactionCounters,
}

impl<T: Clone> Transactions<T> {
    /// An entity that calls itself `mid`, without peers.
    #[must_use]
    pub fn new(
        mid: OwnedMid,
        timers: TransactionTimers,
        limits: TransactionLimits,
        ids: TransactionIds,
        mut rng: Rng,
    ) -> Self {
        Self {
            mid,
            memory: Memory::new(timers.long_timer, rng.next_u64()),
            peers: Peers::new(rng.next_u64()),
            errors: TokenBucket::new(limits.errors_per_second, limits.errors_per_second, Time::ZERO),
            timers,
            limits,
            ids,
            rng,
            running: RunningTable::new(),
            provisional: Provisional::default(),
            awaiting: BTreeMap::new(),
            sending: BTreeMap::new(),
            requests: BTreeMap::new(),
            reassemblies: 0,
            deadlines: Timers::new(),
            outbox: Outbox::default(),
            events: VecDeque::new(),
            pooled: 0,
            counters: TransactionCounters::default(),
        }
    }

    /// Adds a peer.
    pub fn add_peer(&mut self, config: PeerConfig) -> PeerId {
        self.peers.add(config)
    }

    /// Who this entity is.
    #[must_use]
    pub fn mid(&self) -> &OwnedMid {
        &self.mid
    }

    /// The message identifier of a peer, once it is known.
    ///
    /// # Panics
    /// When `peer` was not given out by this engine, as all methods with a peer do.
    #[must_use]
    pub fn mid_of(&self, peer: PeerId) -> Option<&OwnedMid> {
        self.peers.get(peer).mid.as_ref()
    }

    /// Where the requests to a peer go.
    ///
    /// # Panics
    /// When `peer` was not given out by this engine.
    #[must_use]
    pub fn route_of(&self, peer: PeerId) -> Option<Route> {
        self.peers.get(peer).route
    }

    /// From now on requests to the peer go there, those that it has not answered too; to nowhere, while there is no route (RFC 3525
    /// section 9). Replies go to where their requests came from, whatever is said here. The peer may speak from there.
    ///
    /// # Panics
    /// When `peer` was not given out by this engine.
    pub fn set_route(&mut self, peer: PeerId, route: Option<Route>) {
        self.peers.get_mut(peer).route = route;
        if let Some(route) = route {
            let Route { transport, address, .. } = route;
            let source =
                Source { address: address.ip(), port: Some(address.port()), transport: Some(transport) };
            if !self.peers.get(peer).sources.iter().any(|known| known.has(&route)) {
                self.peers.add_source(peer, source);
            }
        }
    }

    /// A peer is to be found elsewhere, as its name stands for other addresses now: it may speak from these sources and no others, and
    /// requests go there, those that it has not answered too. A peer that is `spoken_with` is also still heard, and asked, where it was.
    ///
    /// # Panics
    /// When `peer` was not given out by this engine.
    pub fn relocate(&mut self, peer: PeerId, sources: &[Source], route: Option<Route>, spoken_with: bool) {
        let before = self.peers.get(peer).route.filter(|_| spoken_with);
        let kept = before.map(|route| Source {
            address: route.address.ip(),
            port: None,
            transport: Some(route.transport),
        });
        let is_kept = before.is_none_or(|route| sources.iter().any(|source| source.has(&route)));
        let sources: Vec<_> = sources.iter().copied().chain(kept.filter(|_| !is_kept)).collect();
        self.peers.set_sources(peer, &sources);
        if before.is_none() {
            self.peers.get_mut(peer).route = route;
        }
    }

    /// How a peer is spoken to at present.
    ///
    /// # Panics
    /// When `peer` was not given out by this engine.
    #[must_use]
    pub fn dialect_of(&self, peer: PeerId) -> Dialect {
        self.peers.get(peer).dialect
    }

    /// The version that was agreed on with a peer (RFC 3525 section 11.3): nothing newer is sent from now on.
    ///
    /// # Panics
    /// When `peer` was not given out by this engine.
    pub fn set_version(&mut self, peer: PeerId, version: Version) {
        let known = self.peers.get_mut(peer);
        known.dialect.version = version.min(NEWEST);
        known.is_negotiated = true;
    }

    /// The agreement on a version is over, as the association is: the next message of the peer says its version.
    ///
    /// # Panics
    /// When `peer` was not given out by this engine.
    pub fn forget_version(&mut self, peer: PeerId, version: Version) {
        let known = self.peers.get_mut(peer);
        known.dialect.version = version.min(NEWEST);
        known.is_negotiated = false;
    }

    /// How many Pendings we may send for one request of the peer, and it for one of ours: the properties `MGOriginatedPendingLimit` and
    /// `MGCOriginatedPendingLimit` of the root package.
    ///
    /// # Panics
    /// When `peer` was not given out by this engine.
    pub fn set_pending_limits(&mut self, peer: PeerId, ours: Option<u32>, theirs: Option<u32>) {
        let known = self.peers.get_mut(peer);
        known.pending_limit = ours;
        known.pending_allowance = theirs;
    }

    /// The smoothed time that a peer takes to answer; none before the first measured answer.
    ///
    /// # Panics
    /// When `peer` was not given out by this engine.
    #[must_use]
    pub fn answering_time(&self, peer: PeerId) -> Option<Duration> {
        self.peers.get(peer).times.average()
    }

    /// The timers in force.
    #[must_use]
    pub fn timers(&self) -> &TransactionTimers {
        &self.timers
    }

    /// What was counted so far.
    #[must_use]
    pub fn counters(&self) -> &TransactionCounters {
        &self.counters
    }

    /// How many peers there are.
    #[must_use]
    pub fn peers(&self) -> usize {
        self.peers.len()
    }

    /// Transactions of all peers whose replies are remembered or that execute.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.memory.len() + self.running.len()
    }

    /// Ranges of transactions of which no more than the numbers are remembered.
    #[must_use]
    pub fn remembered_ranges(&self) -> usize {
        self.memory.ranges()
    }

    /// Requests of ours to all peers that are not answered.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.requests.len()
    }

    /// Does what is due: repetitions, Pendings, giving up, forgetting.
    pub fn handle_timeout(&mut self, now: Time) {
        self.forget_expired(now);
        self.provisional_due(now);
        while let Some(timer) = self.deadlines.pop_due(now) {
            match timer {
                Timer::Request(id) => self.request_due(now, id),
                Timer::Reply(key) => self.reply_due(now, key),
                Timer::Segments(key) => self.segments_due(now, key),
            }
        }
    }

    /// The next message to be sent, without the framing of its transport.
    pub fn poll_transmit(&mut self, now: Time) -> Option<Transmit> {
        let Some(batch) = self.outbox.pop(self.limits.bundle, self.limits.bundled) else {
            self.outbox.settle();
            return None;
        };
        let length: usize = batch.pieces.iter().map(|(start, end)| end - start + 1).sum();
        let mut payload = Vec::with_capacity(HEADER + length);
        self.counters.messages += 1;
        let to = batch.route.address;
        if batch.kind == Kind::Message {
            batch.pieces.iter().for_each(|piece| payload.extend_from_slice(self.outbox.octets(*piece)));
        } else {
            self.counters.transactions += batch.pieces.len() as u64;
            let peer = self.peers.get_mut(batch.peer);
            let acknowledgement = peer.take_acknowledgement(now, batch.dialect, self.timers.long_timer);
            let pieces = batch.pieces.iter().map(|piece| self.outbox.octets(*piece));
            let all: Vec<&[u8]> = acknowledgement.as_deref().into_iter().chain(pieces).collect();
            peer.seal_message(batch.dialect, self.mid.as_mid(), to, &all, &mut payload);
        }
        Some(Transmit { socket: batch.route.socket, to, payload })
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event<'static, T>> {
        self.events.pop_front()
    }

    /// When [`Self::handle_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        [self.deadlines.next(), self.memory.next_deadline(), self.provisional.next()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Queues a transaction that is not kept.
    fn send(&mut self, peer: PeerId, route: Route, transaction: &Transaction<'_>) {
        let known = self.peers.get(peer);
        let (dialect, coding) = (known.dialect, &known.coding);
        // What cannot be said in the peer's version is not said: it would not be understood.
        let _ = self
            .outbox
            .push(peer, route, (Kind::Transaction, dialect), |out| dialect.encode(coding, transaction, out));
    }

    fn forget_expired(&mut self, now: Time) {
        if self.memory.next_deadline().is_none_or(|due| due > now) {
            return;
        }
        let mut refunds = Vec::new();
        self.memory.forget(now, |peer, octets| refunds.push((peer, octets)));
        for (peer, octets) in refunds {
            self.refund(peer, octets);
        }
    }
}
