//! Sent requests: repeated until they are answered or given up (RFC 3525 Annex D.1.3 to D.1.5, D.2.3, D.2.4).

use std::time::Duration;

use strowger_sansio::{Backoff, Time};

use super::dialect::Dialect;
use super::event::{Accepted, Event, Failure, RequestError};
use super::outbox::Kind;
use super::peer::PeerId;
use super::segment::Reassembly;
use super::{Route, Timer, Transactions};
use crate::message::{Acknowledged, Action, List, Reply, ReplyResult, Request, Transaction, TransactionId};

/// A request that waits for its reply.
#[derive(Clone, Debug)]
pub(super) struct Outgoing<T> {
    pub(super) peer: PeerId,
    /// Whom it went to before it was handed over to another: he may answer as well.
    former: Option<PeerId>,
    tag: T,
    octets: Box<[u8]>,
    dialect: Dialect,
    first_sent: Time,
    /// The last sign that the peer is at work on it; T-MAX counts from there.
    sign: Time,
    backoff: Backoff,
    repetitions: u32,
    is_repeated: bool,
    pendings: u32,
    pub(super) reassembly: Option<Box<Reassembly>>,
}

impl<T: Clone> Transactions<T> {
    /// Sends a request to a peer. Its end comes as [`Event::Reply`], [`Event::Assembled`] or [`Event::Failed`], with the tag.
    ///
    /// # Errors
    /// Why it is not sent. Nothing was done then.
    ///
    /// # Panics
    /// When `peer` was not given out by this engine.
    pub fn request<'a>(
        &mut self,
        now: Time,
        peer: PeerId,
        actions: impl Into<List<Action<'a>>>,
        tag: T,
    ) -> Result<TransactionId, RequestError> {
        let target = self.peers.get_mut(peer);
        let route = target.route.ok_or(RequestError::NoRoute)?;
        let limit = self.limits.outstanding;
        if target.outstanding as usize >= limit {
            return Err(RequestError::Outstanding { limit });
        }
        let mut id = target.block.draw(&mut self.ids);
        while self.requests.contains_key(&id) {
            id = target.block.draw(&mut self.ids);
        }
        let (dialect, coding) = (target.dialect, &target.coding);
        let transaction = Transaction::Request(Request { id, actions: actions.into() });
        let write = |out: &mut Vec<u8>| dialect.encode(coding, &transaction, out);
        let length = self.outbox.push(peer, route, (Kind::Transaction, dialect), write)?;
        let limit = target.pdu.unwrap_or(usize::MAX).min(self.limits.pdu);
        if length > limit.saturating_sub(super::HEADER) {
            self.outbox.unpush();
            return Err(RequestError::TooLong { length, limit });
        }
        target.outstanding += 1;
        let bounds = self.timers.rto();
        let rto = if route.transport.is_reliable() {
            self.timers.reliable
        } else {
            target.times.first_rto(&bounds)
        };
        let backoff = Backoff::new(rto, &target.times, &bounds);
        self.deadlines.set(Timer::Request(id), now + rto);
        self.counters.requested += 1;
        let request = Outgoing {
            peer,
            former: None,
            tag,
            octets: self.outbox.last().into(),
            dialect,
            first_sent: now,
            sign: now,
            backoff,
            repetitions: 0,
            is_repeated: false,
            pendings: 0,
            reassembly: None,
        };
        self.requests.insert(id, request);
        Ok(id)
    }

    /// Gives a request up: whatever comes for it is stray. Says whether it was outstanding.
    pub fn withdraw(&mut self, transaction: TransactionId) -> bool {
        self.end(transaction).is_some()
    }

    /// Hands the requests that one peer has not answered over to another, as a gateway does whose controller was replaced (RFC 3525
    /// section 11.5, Annex D.1.5). One that was written in a form or version that the other does not have fails instead.
    ///
    /// # Panics
    /// When `to` was not given out by this engine.
    pub fn hand_over(&mut self, now: Time, from: PeerId, to: PeerId) {
        let dialect = self.peers.get(to).dialect;
        for id in self.outstanding_of(from) {
            let Some(request) = self.requests.get_mut(&id) else { continue };
            if request.dialect != dialect {
                self.fail(id, Failure::Withdrawn);
                continue;
            }
            request.peer = to;
            request.former = Some(from);
            request.sign = now;
            request.repetitions = 0;
            request.is_repeated = true;
            request.backoff = self.peers.get(to).times.backoff(&self.timers.rto());
            for (peer, step) in [(from, -1), (to, 1)] {
                let count = &mut self.peers.get_mut(peer).outstanding;
                *count = count.saturating_add_signed(step);
            }
            self.repeat(now, id);
        }
    }

    /// Fails all that a peer has not answered.
    ///
    /// # Panics
    /// When `peer` was not given out by this engine.
    pub fn fail_outstanding(&mut self, peer: PeerId, reason: Failure) {
        for id in self.outstanding_of(peer) {
            self.fail(id, reason);
        }
    }

    fn outstanding_of(&self, peer: PeerId) -> Vec<TransactionId> {
        self.requests.iter().filter(|(_, request)| request.peer == peer).map(|(id, _)| *id).collect()
    }

    /// The repetition timer of a request ran out.
    pub(super) fn request_due(&mut self, now: Time, id: TransactionId) {
        let Some(request) = self.requests.get_mut(&id) else { return };
        let peer = request.peer;
        if request.reassembly.is_some() {
            self.segments_missing(id);
            return;
        }
        if now.since(request.sign) >= self.timers.t_max || request.repetitions >= self.timers.max2 {
            self.events.push_back(Event::Lost { peer });
            self.fail(id, Failure::TimedOut);
            return;
        }
        request.repetitions += 1;
        request.is_repeated = true;
        if request.repetitions >= self.timers.max1 && !self.peers.get(peer).is_suspect {
            self.peers.get_mut(peer).is_suspect = true;
            self.events.push_back(Event::Suspect { peer });
        }
        self.repeat(now, id);
    }

    /// Sends a request again, and sets its next timer.
    fn repeat(&mut self, now: Time, id: TransactionId) {
        let Some(request) = self.requests.get_mut(&id) else { return };
        let peer = self.peers.get(request.peer);
        let is_reliable = peer.route.is_some_and(|route| route.transport.is_reliable());
        let wait = if request.pendings > 0 {
            self.timers.after_pending(is_reliable)
        } else if is_reliable {
            self.timers.reliable
        } else {
            request.backoff.next(&mut self.rng, &peer.times, &self.timers.rto())
        };
        let end = request.sign + self.timers.t_max;
        self.deadlines.set(Timer::Request(id), (now + wait).min(end).max(now + Duration::from_millis(1)));
        // Without a way to the peer the request waits for one.
        if let Some(route) = peer.route {
            self.counters.retransmissions += 1;
            self.outbox.push_octets(request.peer, route, request.dialect, &request.octets);
        }
    }

    pub(super) fn receive_pending<'m>(
        &mut self,
        now: Time,
        peer: PeerId,
        id: TransactionId,
    ) -> Option<Event<'m, T>> {
        let Some(request) = self.own(peer, id) else {
            self.counters.stray += 1;
            return None;
        };
        if request.reassembly.is_some() {
            // The reply is on its way: a Pending behind it is ignored (Annex D.1.4).
            return None;
        }
        request.sign = now;
        request.pendings += 1;
        request.repetitions = 0;
        let (pendings, to) = (request.pendings, request.peer);
        let target = self.peers.get_mut(to);
        target.is_suspect = false;
        if target.pending_allowance.is_some_and(|allowance| pendings > allowance) {
            self.fail(id, Failure::TooManyPending);
            return None;
        }
        let is_reliable = target.route.is_some_and(|route| route.transport.is_reliable());
        let wait = self.timers.after_pending(is_reliable);
        self.deadlines.set(Timer::Request(id), now + wait);
        Some(Event::Pending { peer, transaction: id })
    }

    /// A request that this peer may answer.
    pub(super) fn own(&mut self, peer: PeerId, id: TransactionId) -> Option<&mut Outgoing<T>> {
        self.requests.get_mut(&id).filter(|request| request.peer == peer || request.former == Some(peer))
    }

    pub(super) fn receive_reply<'m>(
        &mut self,
        now: Time,
        accepted: &Accepted<'m>,
        reply: Reply<'m>,
    ) -> Option<Event<'m, T>> {
        let (peer, id) = (accepted.peer, reply.id);
        if id == TransactionId::UNREADABLE {
            // The peer could not read which request of ours this is about (RFC 3525 section 8.1.1).
            let ReplyResult::Error(error) = reply.result else { return None };
            return Some(Event::MessageError { peer, error });
        }
        if let Some(segment) = reply.segment {
            return self.receive_segment(now, accepted, id, segment);
        }
        let is_own = self.own(peer, id).is_some();
        if reply.is_ack_required && (is_own || self.ids.contains(id)) {
            // Whether the last acknowledgement was lost is not known: it is given as often as it is asked for (Annex D.1.4).
            self.acknowledge_at_once(peer, accepted.route, id);
        }
        if !is_own {
            self.counters.stray += 1;
            return None;
        }
        if !reply.is_ack_required {
            let limit = self.limits.acknowledgements;
            self.peers.get_mut(peer).note_reply(now, id, limit);
        }
        let (tag, elapsed) = self.complete(now, id)?;
        Some(Event::Reply { peer, transaction: id, tag, result: reply.result, elapsed })
    }

    /// A reply of which a part could not be read: the peer would send the same again.
    pub(super) fn receive_unreadable_reply(&mut self, peer: PeerId, id: TransactionId) {
        if self.own(peer, id).is_some() {
            self.fail(id, Failure::Unreadable);
        }
    }

    fn acknowledge_at_once(&mut self, peer: PeerId, route: Route, id: TransactionId) {
        let transaction = Transaction::Acknowledgement(vec![Acknowledged { first: id, last: None }]);
        self.send(peer, route, &transaction);
    }

    /// The reply is there: takes the request out, and the time it took into account.
    pub(super) fn complete(&mut self, now: Time, id: TransactionId) -> Option<(T, Duration)> {
        let request = self.end(id)?;
        let elapsed = now.since(request.first_sent);
        self.counters.answered += 1;
        let peer = self.peers.get_mut(request.peer);
        peer.is_suspect = false;
        let is_reliable = peer.route.is_some_and(|route| route.transport.is_reliable());
        match (request.is_repeated, request.pendings) {
            (false, 0) => peer.times.observe(elapsed),
            (true, 0) if !is_reliable => peer.times.inherit(request.backoff.rto()),
            _ => {}
        }
        Some((request.tag, elapsed))
    }

    pub(super) fn fail(&mut self, id: TransactionId, reason: Failure) {
        let Some(request) = self.end(id) else { return };
        self.counters.failed += 1;
        let Outgoing { peer, tag, .. } = request;
        self.events.push_back(Event::Failed { peer, transaction: id, tag, reason });
    }

    fn end(&mut self, id: TransactionId) -> Option<Outgoing<T>> {
        let request = self.requests.remove(&id)?;
        self.deadlines.cancel(&Timer::Request(id));
        let peer = self.peers.get_mut(request.peer);
        peer.outstanding = peer.outstanding.saturating_sub(1);
        if request.reassembly.is_some() {
            self.reassemblies = self.reassemblies.saturating_sub(1);
        }
        Some(request)
    }

    /// A segment came: the peer is at work on it.
    pub(super) fn renew(&mut self, now: Time, id: TransactionId) {
        if let Some(request) = self.requests.get_mut(&id) {
            request.sign = now;
            self.deadlines.set(Timer::Request(id), now + self.timers.segmentation);
        }
    }
}
