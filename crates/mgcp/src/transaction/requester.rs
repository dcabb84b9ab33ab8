//! Sent commands: repeated with back-off until a response comes, given up after twice T-HIST (RFC 3435 sections 3.5.3,
//! 3.5.6 and 4.3).
//!
//! A command is *awaiting* its first response, then perhaps *proceeding* after a provisional one. The timer of an awaiting command is
//! the peer's estimate, doubled with each repetition; a proceeding command is repeated every LONGTRAN. After Max2 repetitions or
//! T-MAX nothing is repeated any more, and the wait for a response goes on in silence.
//!
//! Where the repetitions go is the matter of `ladder`.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use strowger_sansio::{Backoff, Time};

use super::event::{Discard, Event, Received};
use super::ladder::{Step, Walk};
use super::outbox::{SEPARATOR, append};
use super::peer::PeerId;
use super::{Timer, Transactions};
use crate::message::{Message, Response, ReturnCode, TransactionId, TransactionRange, Verb};
use crate::text::{Datagram, DecodeError, ResponseBuilder};

/// Commands that must arrive in order: those of one endpoint, for example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChainId(pub u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not sent yet: the peer is loaded.
    Waiting,
    Awaiting,
    Proceeding,
    /// No more retransmissions; only a response or the end of the wait can come.
    Silent,
}

/// A command without a final response.
#[derive(Clone, Debug)]
pub(super) struct Request<T> {
    pub(super) peer: PeerId,
    pub(super) walk: Walk,
    bytes: Vec<u8>,
    tag: T,
    pub(super) first_sent: Time,
    /// Whether the command was sent more than once, for any reason: its delay then says nothing (Karn's rule).
    pub(super) resent: bool,
    pub(super) backoff: Backoff,
    pub(super) phase: Phase,
    chain: Option<ChainId>,
}

impl<T> Request<T> {
    /// Whether nothing has been heard of it, and it is still repeated.
    pub(super) fn is_awaiting(&self) -> bool {
        self.phase == Phase::Awaiting
    }

    /// Whether this is its beginning.
    pub(super) fn begins_with(&self, quoted: &[u8]) -> bool {
        let length = quoted.len().min(self.bytes.len());
        quoted.get(..length) == self.bytes.get(..length)
    }
}

/// Commands that have ended and whose final response may still come again, asking for its acknowledgement.
#[derive(Clone, Debug, Default)]
pub(super) struct Ended {
    ids: VecDeque<(Time, PeerId, TransactionId)>,
}

/// How many ended commands are known; beyond, the oldest miss the acknowledgement of a repeated response, which is optional.
const ENDED: usize = 1024;

impl Ended {
    fn note(&mut self, now: Time, peer: PeerId, id: TransactionId) {
        if self.ids.len() >= ENDED {
            self.ids.pop_front();
        }
        self.ids.push_back((now, peer, id));
    }

    fn contains(&self, peer: PeerId, id: TransactionId) -> bool {
        self.ids.iter().any(|(_, p, i)| *p == peer && *i == id)
    }

    pub(super) fn forget_before(&mut self, oldest: Time) {
        while self.ids.front().is_some_and(|(at, _, _)| *at < oldest) {
            self.ids.pop_front();
        }
    }
}

impl<T: Clone> Transactions<T> {
    /// Sends a command to a peer. `build` gets the identifier that the command must carry and gives its bytes, which are
    /// repeated unchanged; `tag` comes back with the outcome.
    ///
    /// # Panics
    /// When `peer` was not given out by this engine.
    pub fn send(
        &mut self,
        now: Time,
        peer: PeerId,
        build: impl FnOnce(TransactionId) -> Vec<u8>,
        tag: T,
    ) -> TransactionId {
        self.start(now, peer, None, build, tag)
    }

    /// Sends a command that must not overtake the outstanding ones of the same chain: each transmission carries all of them in one
    /// datagram, the oldest first, as RFC 3435 section 4.4.1 has it for several NTFYs of one endpoint. What exceeds the greatest
    /// datagram waits for the next transmission.
    ///
    /// # Panics
    /// When `peer` was not given out by this engine.
    pub fn send_in_order(
        &mut self,
        now: Time,
        peer: PeerId,
        chain: ChainId,
        build: impl FnOnce(TransactionId) -> Vec<u8>,
        tag: T,
    ) -> TransactionId {
        self.start(now, peer, Some(chain), build, tag)
    }

    fn start(
        &mut self,
        now: Time,
        peer: PeerId,
        chain: Option<ChainId>,
        build: impl FnOnce(TransactionId) -> Vec<u8>,
        tag: T,
    ) -> TransactionId {
        let id = self.draw_id();
        let target = self.peers.get(peer);
        let request = Request {
            peer,
            walk: Walk::new(target),
            bytes: build(id),
            tag,
            first_sent: now,
            resent: false,
            backoff: target.estimator.backoff(&self.timers.rto()),
            phase: Phase::Waiting,
            chain,
        };
        self.requests.insert(id, request);
        if let Some(chain) = chain {
            self.chains.entry((peer, chain)).or_default().push(id);
        }
        self.admit(now, peer, id);
        id
    }

    /// Sends a command for the first time.
    pub(super) fn dispatch(&mut self, now: Time, id: TransactionId) {
        let Some(request) = self.requests.get_mut(&id) else { return };
        let target = self.peers.get_mut(request.peer);
        let rto = target.estimator.first_rto(&self.timers.rto());
        request.backoff = Backoff::new(rto, &target.estimator, &self.timers.rto());
        request.phase = Phase::Awaiting;
        request.first_sent = now;
        target.window.sent();
        self.deadlines.set(Timer::Request(id), now + rto);
        self.counters.requests += 1;
        self.transmit_request(now, id);
    }

    /// Identifiers come from this node's slice; one that is still outstanding is passed over.
    fn draw_id(&mut self) -> TransactionId {
        loop {
            let drawn = u32::try_from(self.ids.draw()).ok().and_then(TransactionId::new);
            if let Some(id) = drawn.filter(|id| !self.requests.contains_key(id)) {
                return id;
            }
        }
    }

    /// Withdraws a command: it is not repeated any more and its response, if one comes, is a stray. Whether the peer executes it is
    /// not known.
    pub fn abort(&mut self, now: Time, id: TransactionId) -> Option<T> {
        let request = self.end(now, id)?;
        self.counters.aborted += 1;
        Some(request.tag)
    }

    /// Directs an outstanding command to another peer, as RFC 3435 section 4.3 asks when a new call agent has shown up: it is sent there
    /// at once, unchanged, and only that peer can answer it from now on. The time that it may take is that of its first
    /// transmission: after T-MAX it is not sent any more. Nothing happens when it is directed there already.
    ///
    /// # Panics
    /// When `peer` was not given out by this engine.
    pub fn redirect(&mut self, now: Time, id: TransactionId, peer: PeerId) {
        let target = self.peers.get_mut(peer);
        let rto = target.estimator.first_rto(&self.timers.rto());
        let backoff = Backoff::new(rto, &target.estimator, &self.timers.rto());
        let walk = Walk::new(target);
        let Some(request) = self.requests.get_mut(&id).filter(|request| request.peer != peer) else { return };
        let old = request.peer;
        let is_new = request.phase == Phase::Waiting;
        request.peer = peer;
        request.walk = walk;
        request.resent = !is_new;
        request.backoff = backoff;
        let late = !is_new && now.since(request.first_sent) > self.timers.t_max;
        request.phase = if late { Phase::Silent } else { Phase::Awaiting };
        let end = request.first_sent + self.timers.give_up();
        if let Some(chain) = request.chain {
            if let Some(members) = self.chains.get_mut(&(old, chain)) {
                members.retain(|member| *member != id);
            }
            self.chains.retain(|_, members| !members.is_empty());
            self.chains.entry((peer, chain)).or_default().push(id);
        }
        if is_new {
            self.dispatch(now, id);
            return;
        }
        self.peers.get_mut(peer).window.sent();
        self.peers.get_mut(old).window.ended();
        self.release(now, old);
        if late {
            self.deadlines.set(Timer::Request(id), end);
            return;
        }
        self.deadlines.set(Timer::Request(id), (now + rto).min(end));
        self.counters.retransmissions += 1;
        self.transmit_request(now, id);
    }

    /// How many commands have no final response yet.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.requests.len()
    }

    /// Whether this command has no final response yet.
    #[must_use]
    pub fn is_outstanding(&self, id: TransactionId) -> bool {
        self.requests.contains_key(&id)
    }

    /// The tag of a command to `peer` that has no final response yet.
    #[must_use]
    pub fn tag(&self, peer: PeerId, id: TransactionId) -> Option<&T> {
        self.requests.get(&id).filter(|request| request.peer == peer).map(|request| &request.tag)
    }

    /// A response of which a parameter that it may not carry is not legal, without that (RFC 3435 section 3.3).
    pub(crate) fn read_again<'a>(
        &self,
        from: SocketAddr,
        messages: &Datagram<'a>,
        error: &DecodeError,
    ) -> Option<Message<'a>> {
        let id = error.transaction_id.filter(|_| error.is_response)?;
        let peer = self.peer_of(from)?;
        let request = self.requests.get(&id).filter(|request| request.peer == peer)?;
        messages.as_answer_to(Verb::parse(std::str::from_utf8(request.bytes.get(..4)?).ok()?)?)
    }

    /// Identifiers of final responses received from `peer`, at most `most`, for the `K:` line of the next command to
    /// it. Each is given once, and only within T-HIST (RFC 3435 section 3.5.2).
    pub fn confirmations(&mut self, now: Time, peer: PeerId, most: usize) -> Vec<TransactionRange> {
        let unconfirmed = &mut self.peers.get_mut(peer).unconfirmed;
        while unconfirmed.front().is_some_and(|(at, _)| now.since(*at) >= self.timers.t_hist) {
            unconfirmed.pop_front();
        }
        let take = most.min(unconfirmed.len());
        unconfirmed.drain(..take).map(|(_, id)| TransactionRange { first: id, last: id }).collect()
    }

    pub(super) fn receive_response(
        &mut self,
        now: Time,
        peer: PeerId,
        from: SocketAddr,
        response: &Response<'_>,
    ) -> Received<T> {
        let id = response.transaction_id;
        if response.code.is_response_ack() {
            return self.receive_acknowledgement(peer, id);
        }
        let Some(request) = self.requests.get_mut(&id) else {
            // The peer repeats a final response since our acknowledgement was lost.
            let asks = !response.code.is_provisional() && response.response_ack().is_some();
            if asks && self.ended.contains(peer, id) {
                self.acknowledge(peer, from, id);
            }
            self.counters.stray_responses += 1;
            return Received::Stray { peer };
        };
        if request.peer != peer {
            self.counters.wrong_peer += 1;
            return Received::Discarded(Discard::WrongPeer);
        }
        let elapsed = now.since(request.first_sent);
        if request.phase != Phase::Proceeding {
            let peer = self.peers.get_mut(peer);
            peer.window.observe(elapsed, self.timers.rto_max);
            match (request.resent, request.walk.repetitions) {
                (false, _) => peer.estimator.observe(elapsed),
                (true, 0) => {}
                (true, _) => peer.estimator.inherit(request.backoff.rto()),
            }
            if request.walk.to() == Some(from) {
                peer.prefer(from);
            }
        }
        if response.code.is_provisional() {
            request.phase = Phase::Proceeding;
            let next = (now + self.timers.longtran).min(request.first_sent + self.timers.give_up());
            self.deadlines.set(Timer::Request(id), next);
            self.counters.provisionals += 1;
            let tag = request.tag.clone();
            if response.code == ReturnCode::QUEUED {
                self.note_load(now, peer);
            }
            return Received::Provisional { tag, transaction_id: id, peer };
        }
        let asks = response.response_ack().is_some();
        if response.code == ReturnCode::OVERLOAD {
            self.note_load(now, peer);
        } else {
            self.note_ease(now, peer);
        }
        let Some(request) = self.end(now, id) else { return Received::Stray { peer } };
        self.counters.completed += 1;
        if asks {
            self.acknowledge(peer, from, id);
        } else {
            self.peers.get_mut(peer).note_final(now, id);
        }
        Received::Completed { tag: request.tag, transaction_id: id, peer, elapsed }
    }

    /// Sends a response acknowledgement, which is never acknowledged itself.
    fn acknowledge(&mut self, peer: PeerId, to: SocketAddr, id: TransactionId) {
        let bytes = ResponseBuilder::new(ReturnCode::RESPONSE_ACK, id).finish();
        self.transmit(peer, to, bytes);
    }

    /// The timer of a command has run out.
    pub(super) fn request_due(&mut self, now: Time, id: TransactionId) {
        let Some(request) = self.requests.get_mut(&id) else { return };
        if request.phase == Phase::Waiting {
            self.dispatch(now, id);
            return;
        }
        let peer = request.peer;
        let end_of_wait = request.first_sent + self.timers.give_up();
        if now >= end_of_wait {
            let Some(request) = self.end(now, id) else { return };
            self.counters.timed_out += 1;
            self.events.push_back(Event::TimedOut { peer, transaction_id: id, tag: request.tag });
            self.events.push_back(Event::Disconnected { peer });
            return;
        }
        let past = now.since(request.first_sent) > self.timers.t_max;
        if past || request.phase == Phase::Silent {
            self.fall_silent(id);
            return;
        }
        if request.phase == Phase::Proceeding {
            let next = self.timers.longtran;
            self.repeat(now, id, next);
            return;
        }
        match self.step(now, id) {
            Step::Repeat => self.repeat_with_back_off(now, id),
            Step::Move(to) => self.readdress(now, id, to),
            Step::Hold => self.hold(now, id),
            Step::Stop => self.fall_silent(id),
        }
    }

    /// One more transmission to the same address, after which the pause is longer.
    fn repeat_with_back_off(&mut self, now: Time, id: TransactionId) {
        let Some(request) = self.requests.get_mut(&id) else { return };
        let peer = request.peer;
        request.walk.repetitions += 1;
        if request.walk.repetitions == self.timers.max1 {
            self.events.push_back(Event::Suspect { peer, transaction_id: id });
        }
        let estimator = &self.peers.get(peer).estimator;
        let next = request.backoff.next(&mut self.rng, estimator, &self.timers.rto());
        self.repeat(now, id, next);
    }

    fn repeat(&mut self, now: Time, id: TransactionId, next: Duration) {
        let Some(request) = self.requests.get_mut(&id) else { return };
        request.resent = true;
        let end = request.first_sent + self.timers.give_up();
        self.deadlines.set(Timer::Request(id), (now + next).min(end));
        self.counters.retransmissions += 1;
        self.transmit_request(now, id);
    }

    /// Everything has been tried; the name service may still know more, until T-MAX.
    fn hold(&mut self, now: Time, id: TransactionId) {
        let Some(request) = self.requests.get_mut(&id) else { return };
        request.walk.held = true;
        // A peer without an address is asked for again when the last answer is stale.
        let wait = if request.walk.to().is_none() { self.timers.fresh } else { self.timers.t_max };
        let end = request.first_sent + self.timers.t_max + Duration::from_nanos(1);
        self.deadlines.set(Timer::Request(id), (now + wait).min(end));
    }

    /// Nothing more is sent; the wait for a response goes on.
    fn fall_silent(&mut self, id: TransactionId) {
        let Some(request) = self.requests.get_mut(&id) else { return };
        if request.phase == Phase::Awaiting {
            let (peer, tag) = (request.peer, request.tag.clone());
            self.events.push_back(Event::Exhausted { peer, transaction_id: id, tag });
        }
        request.phase = Phase::Silent;
        self.deadlines.set(Timer::Request(id), request.first_sent + self.timers.give_up());
    }

    /// Sends a command, with all that are outstanding of its chain.
    pub(super) fn transmit_request(&mut self, now: Time, id: TransactionId) {
        let Some(request) = self.requests.get(&id) else { return };
        let peer = request.peer;
        let Some(to) = request.walk.to() else {
            self.request_due(now, id);
            return;
        };
        let members = request.chain.and_then(|chain| self.chains.get(&(peer, chain)));
        let Some(members) = members.filter(|members| members.len() > 1) else {
            let bytes = request.bytes.clone();
            self.transmit(peer, to, bytes);
            return;
        };
        let mut datagram = Vec::new();
        for member in members {
            let Some(request) = self.requests.get_mut(member) else { continue };
            let joined = datagram.len() + SEPARATOR.len() + request.bytes.len();
            if !datagram.is_empty() && joined > self.limits.chain || request.phase == Phase::Waiting {
                break;
            }
            append(&mut datagram, &request.bytes);
            if *member != id {
                // It has just been sent again: its own timer starts anew, and its delay cannot be measured.
                request.resent = true;
                if request.phase == Phase::Awaiting {
                    let end = request.first_sent + self.timers.give_up();
                    self.deadlines.set(Timer::Request(*member), (now + request.backoff.rto()).min(end));
                }
            }
        }
        self.transmit(peer, to, datagram);
    }

    /// Takes a command off all lists.
    fn end(&mut self, now: Time, id: TransactionId) -> Option<Request<T>> {
        let request = self.requests.remove(&id)?;
        self.deadlines.cancel(&Timer::Request(id));
        if let Some(chain) = request.chain.map(|chain| (request.peer, chain))
            && let Some(members) = self.chains.get_mut(&chain)
        {
            members.retain(|member| *member != id);
            if members.is_empty() {
                self.chains.remove(&chain);
            }
        }
        self.ended.note(now, request.peer, id);
        if request.phase != Phase::Waiting {
            self.peers.get_mut(request.peer).window.ended();
            self.release(now, request.peer);
        }
        Some(request)
    }
}
