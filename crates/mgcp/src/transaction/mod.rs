//! The transaction layer of both roles (RFC 3435 sections 3.5 and 4.3): at-most-once execution and reliable request.
//!
//! A role engine owns one [`Transactions`] and hands it each decoded message with its source; the layer does not parse. It
//! says what to do with the message, keeps what must be kept, and repeats what must be repeated.
//!
//! ```text
//!   datagram -> role: peer_of(source)? decode -> receive() -> Execute(token)  -> role acts -> respond(token, bytes)
//!                                                          -> Completed{tag}  -> role goes on
//!                                                          -> Answered, Stray, Discarded: nothing to do
//!   role: send(peer, |id| bytes, tag)          poll_transmit() -> datagrams          poll_event() -> TimedOut, …
//! ```
//!
//! The rooms: `responder` (received commands), `requester` (sent commands), `ladder` (the addresses of a peer), `pacing` (a loaded
//! peer), `timing` (the timers), `peer` (who is listened to),
//! `outbox` (datagrams and piggybacking), and the plain data of
//! `event`, `limits` and `counters`.

mod counters;
mod event;
mod ladder;
mod limits;
mod outbox;
mod pacing;
mod peer;
mod requester;
mod responder;
mod timing;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use strowger_sansio::{Epoch, IdSpace, NodeId, Rng, Time, Timers, Transmit};

pub use counters::TransactionCounters;
pub use event::{Answer, Discard, Event, Received, Token};
pub use limits::TransactionLimits;
pub use outbox::Bundling;
pub use pacing::Pacing;
pub use peer::{PeerConfig, PeerId};
pub use requester::ChainId;
pub use timing::{NameQueries, ProtocolTimers, TimerConflict};

use crate::message::{Message, TransactionId};
use outbox::Outbox;
use peer::Peers;
use requester::{Ended, Request};
use responder::{History, Key};

/// The least and greatest transaction identifier (RFC 3435 section 3.2.1.2).
const IDS: (u64, u64) = (1, 999_999_999);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Request(TransactionId),
    Final(Key),
}

/// The transactions of one role engine with all its peers. `T` is the requester's tag, kept with each sent command.
#[derive(Clone, Debug)]
pub struct Transactions<T> {
    timers: ProtocolTimers,
    limits: TransactionLimits,
    peers: Peers,
    history: History,
    requests: BTreeMap<TransactionId, Request<T>>,
    chains: BTreeMap<(PeerId, ChainId), Vec<TransactionId>>,
    ended: Ended,
    deadlines: Timers<Timer>,
    ids: IdSpace,
    rng: Rng,
    outbox: Outbox,
    events: VecDeque<Event<T>>,
    counters: TransactionCounters,
}

impl<T: Clone> Transactions<T> {
    /// An engine without peers. Its identifiers come from the slice of `node` and `epoch`, in an order drawn from `rng`.
    #[must_use]
    pub fn new(
        timers: ProtocolTimers,
        limits: TransactionLimits,
        node: NodeId,
        epoch: Epoch,
        mut rng: Rng,
    ) -> Self {
        let ids = IdSpace::new(IDS.0, IDS.1, node, epoch, &mut rng);
        Self::with_ids(timers, limits, ids, rng)
    }

    /// The same for an entity that shares its identifiers with no other, as a gateway does: they come from the whole range.
    #[must_use]
    pub fn alone(timers: ProtocolTimers, limits: TransactionLimits, mut rng: Rng) -> Self {
        let ids = IdSpace::whole(IDS.0, IDS.1, &mut rng);
        Self::with_ids(timers, limits, ids, rng)
    }

    fn with_ids(timers: ProtocolTimers, limits: TransactionLimits, ids: IdSpace, mut rng: Rng) -> Self {
        Self {
            outbox: Outbox::new(limits.bundle),
            history: History::new(rng.next_u64()),
            timers,
            limits,
            peers: Peers::default(),
            requests: BTreeMap::new(),
            chains: BTreeMap::new(),
            ended: Ended::default(),
            deadlines: Timers::new(),
            ids,
            rng,
            events: VecDeque::new(),
            counters: TransactionCounters::default(),
        }
    }

    /// Adds a peer. An address that is listed for another peer already stays with that one.
    pub fn add_peer(&mut self, config: PeerConfig) -> PeerId {
        self.peers.add(config)
    }

    /// Replaces what is configured about a peer; outstanding commands go on towards the address they were sent to.
    ///
    /// # Panics
    /// When `peer` was not given out by this engine.
    pub fn configure_peer(&mut self, peer: PeerId, config: PeerConfig) {
        self.peers.configure(peer, config);
    }

    /// Who an address belongs to; strangers are to be dropped before anything of theirs is parsed.
    #[must_use]
    pub fn peer_of(&self, from: SocketAddr) -> Option<PeerId> {
        self.peers.of(from)
    }

    /// What is configured about a peer.
    ///
    /// # Panics
    /// When `peer` was not given out by this engine.
    #[must_use]
    pub fn peer(&self, peer: PeerId) -> &PeerConfig {
        &self.peers.get(peer).config
    }

    /// The smoothed time that a peer takes to answer; none before the first measured answer.
    ///
    /// # Panics
    /// When `peer` was not given out by this engine.
    #[must_use]
    pub fn answering_time(&self, peer: PeerId) -> Option<Duration> {
        self.peers.get(peer).estimator.average()
    }

    /// The timers in force.
    #[must_use]
    pub fn timers(&self) -> &ProtocolTimers {
        &self.timers
    }

    /// What was counted so far.
    #[must_use]
    pub fn counters(&self) -> &TransactionCounters {
        &self.counters
    }

    /// Commands of all peers that are remembered, executing ones included.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.history.len()
    }

    /// Takes a decoded message from the network.
    pub fn receive(&mut self, now: Time, from: SocketAddr, message: &Message<'_>) -> Received<T> {
        self.forget_expired(now);
        let Some(peer) = self.peers.of(from) else {
            self.counters.unlisted += 1;
            return Received::Discarded(Discard::Unlisted);
        };
        match message {
            Message::Command(command) => self.receive_command(now, peer, from, command),
            Message::Response(response) => self.receive_response(now, peer, from, response),
        }
    }

    /// Does what is due: retransmissions, giving up, forgetting.
    pub fn handle_timeout(&mut self, now: Time) {
        self.forget_expired(now);
        self.abandon_overdue(now);
        self.ended.forget_before(now - self.timers.t_hist);
        while let Some(timer) = self.deadlines.pop_due(now) {
            match timer {
                Timer::Request(id) => self.request_due(now, id),
                Timer::Final(key) => self.repeat_final(now, key),
            }
        }
    }

    /// The next datagram to be sent.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.outbox.pop()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event<T>> {
        self.events.pop_front()
    }

    /// When [`Self::handle_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        [self.deadlines.next(), self.history.next_deadline()].into_iter().flatten().min()
    }

    fn transmit(&mut self, peer: PeerId, to: SocketAddr, payload: Vec<u8>) {
        let bundling = self.peers.get(peer).config.bundling;
        self.outbox.push(to, payload, bundling);
    }
}
