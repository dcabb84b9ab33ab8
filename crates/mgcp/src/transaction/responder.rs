//! Received commands: executed at most once, answered every time (RFC 3435 sections 3.5.1, 3.5.2, 3.5.6).
//!
//! A command is *new*, *executing*, *answered* or *confirmed*. Answered ones keep the bytes of their response for T-HIST; confirmed
//! ones only their identifier. Identifiers are kept apart by peer: a gateway's are unique for that gateway alone.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use strowger_sansio::{Backoff, KeyTable, Time};

use super::event::{Answer, Discard, Event, Received, Token};
use super::limits::ENTRY;
use super::outbox::append;
use super::peer::PeerId;
use super::{Timer, Transactions};
use crate::message::{Command, ReturnCode, TransactionId, TransactionRange, Verb};
use crate::text::{DecodeError, ResponseBuilder};

/// Peer, life of the peer, and identifier in one number: an identifier has 30 bits, which leaves two for the life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(u64);

/// Where the life stands in a key.
const LIFE: u32 = 30;
/// How many lives of a peer are told apart. One that begins a fifth within T-HIST may find an answer of its first.
const LIVES: u8 = 4;

impl Key {
    fn new(peer: PeerId, life: u8, id: TransactionId) -> Self {
        Self(u64::from(peer.0) << 32 | u64::from(life % LIVES) << LIFE | u64::from(id.get()))
    }

    fn peer(self) -> PeerId {
        PeerId((self.0 >> 32) as u32)
    }

    fn transaction_id(self) -> Option<TransactionId> {
        TransactionId::new(self.0 as u32 & ((1 << LIFE) - 1))
    }
}

/// A command in execution.
#[derive(Clone, Debug)]
struct Running {
    /// Where the latest copy of the command came from.
    source: SocketAddr,
    /// The provisional response of the role, for duplicates.
    provisional: Option<Vec<u8>>,
    /// Whether any provisional response was sent, so that the final one must ask for its acknowledgement.
    announced: bool,
}

/// A final response that is repeated until its `000` comes.
#[derive(Clone, Debug)]
struct AwaitingAcknowledgement {
    to: SocketAddr,
    first_sent: Time,
    repetitions: u32,
    backoff: Backoff,
}

/// The memory of received commands.
#[derive(Clone, Debug)]
pub(super) struct History {
    /// Stored responses; an empty one has been confirmed.
    answered: KeyTable<Box<[u8]>>,
    running: BTreeMap<Key, Running>,
    /// When to forget, in the order of answering; T-HIST is one value, so this is the order of time.
    expiry: VecDeque<(Time, Key)>,
    /// When execution is taking too long. Entries of commands that were answered meanwhile are skipped.
    deadlines: VecDeque<(Time, Key)>,
    awaiting: BTreeMap<Key, AwaitingAcknowledgement>,
    /// Memory that peers use beyond their own share.
    pooled: usize,
}

impl History {
    pub(super) fn new(secret: u64) -> Self {
        Self {
            answered: KeyTable::new(secret),
            running: BTreeMap::new(),
            expiry: VecDeque::new(),
            deadlines: VecDeque::new(),
            awaiting: BTreeMap::new(),
            pooled: 0,
        }
    }

    /// Commands remembered, executing ones included.
    pub(super) fn len(&self) -> usize {
        self.answered.len() + self.running.len()
    }

    /// The next moment at which something must be done: an execution limit or, with some slack so that a host is not
    /// woken for each single entry, the end of T-HIST.
    pub(super) fn next_deadline(&self) -> Option<Time> {
        let forget = self.expiry.front().map(|(at, _)| *at + PURGE_SLACK);
        let abandon = self.deadlines.front().map(|(at, _)| *at);
        [forget, abandon].into_iter().flatten().min()
    }
}

/// How late an expired entry may be forgotten when nothing else happens.
const PURGE_SLACK: std::time::Duration = std::time::Duration::from_secs(1);

impl<T: Clone> Transactions<T> {
    pub(super) fn receive_command(
        &mut self,
        now: Time,
        peer: PeerId,
        from: SocketAddr,
        command: &Command<'_>,
    ) -> Received<T> {
        if let Some(ranges) = command.response_ack() {
            self.confirm(peer, ranges.iter());
        }
        let id = command.transaction_id;
        let key = self.key(peer, id);
        if let Some(stored) = self.remembered_answer(key, command.verb) {
            if stored.is_empty() {
                self.counters.confirmed_duplicates += 1;
                return Received::Discarded(Discard::Confirmed);
            }
            self.counters.replayed += 1;
            self.transmit(peer, from, stored);
            return Received::Answered(Answer::Replayed);
        }
        if let Some(running) = self.history.running.get_mut(&key) {
            running.source = from;
            running.announced = true;
            let provisional = running.provisional.clone();
            let queueing = self.peers.get(peer).queueing;
            let code = if queueing { ReturnCode::QUEUED } else { ReturnCode::IN_PROGRESS };
            let bytes = provisional.unwrap_or_else(|| status(code, id));
            self.counters.in_progress += 1;
            self.transmit(peer, from, bytes);
            return Received::Answered(Answer::InProgress);
        }
        if !self.has_room(peer) {
            if command.verb.is_audit() {
                // An audit changes nothing, so it may be executed again: a peer that floods still shows that it lives.
                self.counters.executed += 1;
                return Received::Execute(Token { peer, transaction_id: id, unremembered: Some(from) });
            }
            self.counters.refused += 1;
            self.transmit(peer, from, status(ReturnCode::OVERLOAD, id));
            return Received::Answered(Answer::Refused);
        }
        self.charge(peer, ENTRY);
        self.counters.executed += 1;
        let announced = self.queues(peer);
        self.history.running.insert(key, Running { source: from, provisional: None, announced });
        self.history.deadlines.push_back((now + self.timers.execution, key));
        if announced {
            self.counters.queued += 1;
            self.transmit(peer, from, status(ReturnCode::QUEUED, id));
        }
        Received::Execute(Token { peer, transaction_id: id, unremembered: None })
    }

    /// The key of a command of a peer in its present life.
    fn key(&self, peer: PeerId, id: TransactionId) -> Key {
        Key::new(peer, self.peers.get(peer).life, id)
    }

    /// What a command was answered with. An RSIP is known from former lives of its peer as well: a late copy of the one that began
    /// a former life must not end the present one.
    fn remembered_answer(&self, key: Key, verb: Verb) -> Option<Vec<u8>> {
        let own = self.history.answered.get(key.0);
        let id = key.transaction_id().filter(|_| own.is_none() && verb == Verb::Rsip);
        let former =
            || (0..LIVES).find_map(|life| self.history.answered.get(Key::new(key.peer(), life, id?).0));
        own.or_else(former).map(|stored| stored.to_vec())
    }

    /// The peer begins a new life with the command in execution: it has forgotten which identifiers it used, so that one may return
    /// at once, and *not* as a copy. RFC 3435 section 3.5.2 says of confirmed ranges that when an entity resumes operation commands
    /// are processed "without any test on the transaction-id"; that it holds for answers in memory as well is our reading (design note 18).
    ///
    /// # Panics
    /// When the token is not of this engine.
    pub fn begin_life(&mut self, now: Time, token: &Token) {
        let peer = token.peer;
        let before = self.peers.get(peer).life;
        let life = (before + 1) % LIVES;
        self.peers.get_mut(peer).life = life;
        let first = Key::new(peer, before, TransactionId::MIN);
        let last = Key::new(peer, before, TransactionId::MAX);
        let executing: Vec<_> = self.history.running.range(first..=last).map(|(key, _)| *key).collect();
        for old in executing {
            let running = self.history.running.remove(&old);
            let (Some(running), Some(id)) = (running, old.transaction_id()) else { continue };
            let key = Key::new(peer, life, id);
            self.history.running.insert(key, running);
            self.history.deadlines.push_back((now + self.timers.execution, key));
        }
    }

    /// One more command of a peer executes. Says whether its commands queue, between the water marks of RFC 3435 section 4.4.8.
    fn queues(&mut self, peer: PeerId) -> bool {
        let share = self.peers.get_mut(peer);
        share.executing += 1;
        share.queueing |= share.executing > self.limits.high_water;
        share.queueing
    }

    /// Only what has expired is ever forgotten, so a peer that fills its share waits (RFC 3435 section 4.4.8: 409).
    fn has_room(&self, peer: PeerId) -> bool {
        let share = self.peers.get(peer);
        let has_memory = share.memory < self.limits.memory || self.history.pooled < self.limits.pool;
        has_memory && share.executing < self.limits.executing
    }

    /// Counts memory of a peer; what exceeds its share comes from the pool.
    fn charge(&mut self, peer: PeerId, bytes: usize) {
        let own = self.limits.memory;
        let share = self.peers.get_mut(peer);
        let before = share.memory.saturating_sub(own);
        share.memory += bytes;
        self.history.pooled += share.memory.saturating_sub(own) - before;
    }

    fn refund(&mut self, peer: PeerId, bytes: usize) {
        let own = self.limits.memory;
        let share = self.peers.get_mut(peer);
        let before = share.memory.saturating_sub(own);
        share.memory = share.memory.saturating_sub(bytes);
        let freed = before - share.memory.saturating_sub(own);
        self.history.pooled = self.history.pooled.saturating_sub(freed);
    }

    /// Answers a message that could not be decoded: with the precise return code when it is a command with a readable
    /// identifier from a listed peer, else with nothing. A response is never answered.
    ///
    /// The answer is not stored: nothing was executed, and the same bytes get the same answer.
    pub fn receive_malformed(&mut self, now: Time, from: SocketAddr, error: &DecodeError) {
        self.forget_expired(now);
        let Some(peer) = self.peers.of(from) else {
            self.counters.unlisted += 1;
            return;
        };
        let Some(id) = error.transaction_id.filter(|_| !error.is_response) else {
            self.counters.malformed_dropped += 1;
            return;
        };
        let key = self.key(peer, id);
        if self.history.running.contains_key(&key) || self.history.answered.get(key.0).is_some() {
            // A damaged copy of a command that was understood: its own answer stands.
            self.counters.malformed_dropped += 1;
            return;
        }
        self.counters.malformed_answered += 1;
        let response = ResponseBuilder::new(error.return_code(), id).commentary(error.commentary());
        self.transmit(peer, from, response.finish());
    }

    /// Sends the final response of a command and keeps it for T-HIST.
    ///
    /// When a provisional response went before, an empty `K:` is put into the response and it is repeated until the peer
    /// acknowledges it (3.5.6); the caller's bytes must not hold a `K:` of their own.
    pub fn respond(&mut self, now: Time, token: Token, response: Vec<u8>) {
        self.respond_after(now, token, &[], response);
    }

    /// Like [`Self::respond`], with a command of ours before the response in the same datagram, and in every replay of it: a
    /// gateway whose restart is not complete announces it so (4.4.6, 4.4.7).
    #[expect(clippy::needless_pass_by_value, reason = "a token is spent by its one final response")]
    pub fn respond_after(&mut self, now: Time, token: Token, lead: &[u8], response: Vec<u8>) {
        let key = self.key(token.peer, token.transaction_id);
        if let Some(source) = token.unremembered {
            self.transmit(token.peer, source, behind(lead, response));
            return;
        }
        let Some(running) = self.history.running.remove(&key) else { return };
        if self.history.deadlines.back().is_some_and(|(_, last)| *last == key) {
            self.history.deadlines.pop_back();
        }
        let response = if running.announced { with_response_ack(&response) } else { response };
        let datagram = behind(lead, response);
        let share = self.peers.get_mut(token.peer);
        share.executing = share.executing.saturating_sub(1);
        share.queueing &= share.executing > self.limits.low_water;
        self.charge(token.peer, datagram.len());
        self.history.answered.insert(key.0, datagram.as_slice().into());
        self.history.expiry.push_back((now + self.timers.t_hist, key));
        self.transmit(token.peer, running.source, datagram);
        if running.announced && self.history.awaiting.len() < self.limits.awaiting_acknowledgement {
            let backoff = self.peers.get(token.peer).estimator.backoff(&self.timers.rto());
            self.deadlines.set(Timer::Final(key), now + backoff.rto());
            let awaiting =
                AwaitingAcknowledgement { to: running.source, first_sent: now, repetitions: 0, backoff };
            self.history.awaiting.insert(key, awaiting);
        }
    }

    /// Sends a provisional response, and keeps it for duplicates of the command while it executes.
    pub fn provisional(&mut self, token: &Token, response: Vec<u8>) {
        if let Some(source) = token.unremembered {
            self.transmit(token.peer, source, response);
            return;
        }
        let key = self.key(token.peer, token.transaction_id);
        let Some(running) = self.history.running.get_mut(&key) else { return };
        running.announced = true;
        running.provisional = Some(response.clone());
        let source = running.source;
        self.transmit(token.peer, source, response);
    }

    /// Keeps a provisional response for duplicates of a command, without sending it yet.
    pub fn prepare_provisional(&mut self, token: &Token, response: Vec<u8>) {
        let key = self.key(token.peer, token.transaction_id);
        if let Some(running) = self.history.running.get_mut(&key) {
            running.provisional = Some(response);
        }
    }

    /// A `000` of the peer: the final response need not be repeated any more, nor kept. It may come when the repetitions are
    /// over already; what it speaks of is the peer's own command in any case (3.5.2).
    pub(super) fn receive_acknowledgement(&mut self, peer: PeerId, id: TransactionId) -> Received<T> {
        let key = self.key(peer, id);
        if self.history.answered.get(key.0).is_none_or(|stored| stored.is_empty()) {
            self.counters.stray_responses += 1;
            return Received::Stray { peer };
        }
        self.drop_response(key);
        Received::Acknowledged
    }

    /// `K:` of a command: the responses in these ranges have arrived. Only those to the same peer are meant (3.5.2).
    fn confirm(&mut self, peer: PeerId, ranges: impl Iterator<Item = TransactionRange>) {
        let mut allowance = self.limits.confirmed;
        for range in ranges {
            for id in range.first.get()..=range.last.get() {
                if allowance == 0 {
                    return;
                }
                allowance -= 1;
                if let Some(id) = TransactionId::new(id) {
                    self.drop_response(self.key(peer, id));
                }
            }
        }
    }

    fn drop_response(&mut self, key: Key) {
        let Some(stored) = self.history.answered.get_mut(key.0) else { return };
        if stored.is_empty() {
            return;
        }
        let freed = std::mem::take(stored).len();
        self.refund(key.peer(), freed);
        self.counters.confirmations += 1;
        if self.history.awaiting.remove(&key).is_some() {
            self.deadlines.cancel(&Timer::Final(key));
        }
    }

    /// The peer has not acknowledged a final response: once more, as a command would be, until Max2 or T-MAX. A peer that never
    /// does loses nothing.
    pub(super) fn repeat_final(&mut self, now: Time, key: Key) {
        let Some(awaiting) = self.history.awaiting.get_mut(&key) else { return };
        let stored = self.history.answered.get(key.0).filter(|bytes| !bytes.is_empty());
        let may_go =
            now.since(awaiting.first_sent) <= self.timers.t_max && awaiting.repetitions < self.timers.max2;
        let (Some(bytes), true) = (stored, may_go) else {
            self.history.awaiting.remove(&key);
            return;
        };
        let estimator = &self.peers.get(key.peer()).estimator;
        let next = awaiting.backoff.next(&mut self.rng, estimator, &self.timers.rto());
        awaiting.repetitions += 1;
        self.deadlines.set(Timer::Final(key), now + next);
        self.counters.final_retransmissions += 1;
        let (to, bytes) = (awaiting.to, bytes.to_vec());
        self.transmit(key.peer(), to, bytes);
    }

    /// Forgets what was answered more than T-HIST ago.
    pub(super) fn forget_expired(&mut self, now: Time) {
        while let Some((at, key)) = self.history.expiry.front().copied() {
            if at > now {
                return;
            }
            self.history.expiry.pop_front();
            let bytes = self.history.answered.remove(key.0).map_or(0, |stored| stored.len());
            self.refund(key.peer(), ENTRY + bytes);
            if self.history.awaiting.remove(&key).is_some() {
                self.deadlines.cancel(&Timer::Final(key));
            }
        }
    }

    /// Answers with 406 what has executed too long (3.5.6).
    pub(super) fn abandon_overdue(&mut self, now: Time) {
        while let Some((at, key)) = self.history.deadlines.front().copied() {
            if at > now {
                return;
            }
            self.history.deadlines.pop_front();
            let Some(id) = key.transaction_id().filter(|_| self.history.running.contains_key(&key)) else {
                continue;
            };
            let peer = key.peer();
            self.counters.execution_timeouts += 1;
            self.respond(
                now,
                Token { peer, transaction_id: id, unremembered: None },
                status(ReturnCode::TRANSACTION_TIMEOUT, id),
            );
            self.events.push_back(Event::ExecutionTimedOut { peer, transaction_id: id });
        }
    }
}

/// A response without parameters.
fn status(code: ReturnCode, id: TransactionId) -> Vec<u8> {
    ResponseBuilder::new(code, id).finish()
}

/// A response behind what goes before it in the same datagram.
fn behind(lead: &[u8], response: Vec<u8>) -> Vec<u8> {
    if lead.is_empty() {
        return response;
    }
    let mut datagram = lead.to_vec();
    append(&mut datagram, &response);
    datagram
}

/// The response with an empty `K:` behind its first line.
fn with_response_ack(response: &[u8]) -> Vec<u8> {
    let line = memchr::memchr(b'\n', response).map_or(response.len(), |at| at + 1);
    let (head, rest) = response.split_at(line);
    let mut out = Vec::with_capacity(response.len() + 6);
    out.extend_from_slice(head);
    if !head.ends_with(b"\n") {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"K:\r\n");
    out.extend_from_slice(rest);
    out
}
