//! Received requests: executed at most once, answered every time (RFC 3525 Annex D.1.1, D.1.2, D.1.4; section 8.2).
//!
//! A request is *new*, *executing*, *answered* or *confirmed*. Answered ones keep the octets of their reply; confirmed ones their number
//! alone. Numbers are kept apart by peer, which is to say by message identifier.

use std::collections::BTreeMap;

use strowger_sansio::{Backoff, Time};

use super::dialect::{Dialect, Form};
use super::event::{Accepted, Event, Token, describe};
use super::limits::{ENTRY, RANGE};
use super::memory::{Key, Known, Stored};
use super::outbox::Kind;
use super::segment::parts;
use super::{PeerId, Route, Timer, Transactions};
use crate::binary::form_of_reason;
use crate::error::{EncodeError, ErrorCode, Scope};
use crate::message::{
    Acknowledged, Action, ActionReply, CommandBody, ContextId, List, Method, Reply, ReplyResult, Request,
    TerminationId, Transaction, TransactionId, Version,
};

/// A request in execution.
#[derive(Clone, Debug)]
pub(super) struct Running {
    /// Where the latest copy of it came from.
    route: Route,
    /// What it was written in.
    form: Form,
    started: Time,
    pendings: u32,
    /// Actions, and commands in the last of them: what the role has to answer.
    actions: usize,
    /// What could not be read behind the actions.
    fault: Option<Unread>,
}

/// What could not be read of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unread {
    pub(super) scope: Scope,
    pub(super) code: ErrorCode,
    /// The context of the action of which not one command could be read.
    pub(super) context: Option<ContextId>,
}

/// A reply that is repeated until it is acknowledged.
#[derive(Clone, Debug)]
pub(super) struct Awaiting {
    route: Route,
    first_sent: Time,
    repetitions: u32,
    backoff: Backoff,
}

pub(super) type RunningTable = BTreeMap<Key, Running>;

/// Lives of a peer in which a service change is looked for beside the present one.
const FORMER_LIVES: u8 = 3;

impl<T: Clone> Transactions<T> {
    /// The key of a request of a peer in its present life.
    pub(super) fn key(&self, peer: PeerId, id: TransactionId) -> Key {
        Key::new(peer.0, self.peers.get(peer).life, id.get())
    }

    /// A request, of which the actions may be a part only.
    pub(super) fn receive_request<'m>(
        &mut self,
        now: Time,
        accepted: &Accepted<'m>,
        request: Request<'m>,
        fault: Option<Unread>,
    ) -> Option<Event<'m, T>> {
        let Request { id, actions } = request;
        let (peer, route) = (accepted.peer, accepted.route);
        let key = self.key(peer, id);
        if self.answer_from_memory(now, peer, route, key, &actions) {
            return None;
        }
        if let Some(running) = self.running.get_mut(&key) {
            running.route = route;
            self.counters.in_progress += 1;
            return self.send_pending(now, key);
        }
        if actions.is_empty() {
            // Nothing can be executed; the same octets get the same answer, so it need not be remembered.
            let fault = fault?;
            self.counters.malformed_answered += 1;
            let result = match fault.context {
                Some(_) => ReplyResult::Actions(with_fault(List::new(), fault)),
                None => ReplyResult::Error(describe(fault.code)),
            };
            self.send_unremembered(peer, route, id, result);
            return None;
        }
        if !self.has_room(peer) {
            self.counters.refused += 1;
            let refusal = ReplyResult::Error(describe(ErrorCode::INSUFFICIENT_RESOURCES));
            self.send_unremembered(peer, route, id, refusal);
            return None;
        }
        if let Some(values) = reason_of(&actions).and_then(|reason| form_of_reason(accepted.bytes, reason)) {
            self.peers.get_mut(peer).learn_values(values);
        }
        self.charge(peer, ENTRY);
        self.peers.get_mut(peer).executing += 1;
        self.counters.executed += 1;
        let form = accepted.dialect.form;
        let running = Running { route, form, started: now, pendings: 0, actions: actions.len(), fault };
        self.running.insert(key, running);
        self.provisional.begin(now + self.timers.provisional, key);
        let life = self.peers.get(peer).life;
        let token = Token { peer, transaction: id, life };
        Some(Event::Request { token, route, version: accepted.version, actions })
    }

    /// Whether a request was answered before; it is answered again then, unless its reply was acknowledged.
    fn answer_from_memory(
        &mut self,
        now: Time,
        peer: PeerId,
        route: Route,
        key: Key,
        actions: &[Action<'_>],
    ) -> bool {
        let mut key = key;
        let mut known = self.memory.find(key);
        if known == Known::New && registers(actions) {
            // A late copy of what began a former life must not end the present one.
            let life = self.peers.get(peer).life;
            for back in 1..=FORMER_LIVES {
                let former = Key::new(peer.0, life.wrapping_sub(back), key.id());
                if self.memory.find(former) != Known::New {
                    key = former;
                    known = self.memory.find(key);
                    break;
                }
            }
        }
        match known {
            Known::New => false,
            Known::Confirmed => {
                self.counters.confirmed_duplicates += 1;
                true
            }
            Known::Answered(stored) => {
                self.counters.replayed += 1;
                let sending = self.sending.get_mut(&key);
                let backoff = sending.map(|sending| sending.redirect(route));
                for (_, octets) in parts(stored) {
                    self.outbox.push_octets(peer, route, stored.dialect, octets);
                }
                if let Some(wait) = backoff {
                    self.deadlines.set(Timer::Segments(key), now + wait);
                }
                true
            }
        }
    }

    /// Tells the sender of a request that it is being executed, or ends it when that was said often enough.
    fn send_pending<'m>(&mut self, now: Time, key: Key) -> Option<Event<'m, T>> {
        let running = self.running.get_mut(&key)?;
        let peer = PeerId(key.peer());
        let id = TransactionId::new(key.id());
        let known = self.peers.get(peer);
        let has_limit = known.pending_limit.is_some_and(|limit| running.pendings >= limit);
        let is_over = now.since(running.started) >= self.timers.execution;
        if has_limit || is_over {
            let is_new = known.dialect.version >= Version::V2;
            let code = if is_new { ErrorCode::TOO_MANY_PENDING } else { ErrorCode::INTERNAL };
            self.counters.aborted += 1;
            // Its text is short and known: it can be written.
            let _ = self.answer(now, key, ReplyResult::Error(describe(code)));
            return Some(Event::Aborted { peer, transaction: id });
        }
        running.pendings += 1;
        let route = running.route;
        self.counters.pendings += 1;
        self.send(peer, route, &Transaction::Pending(id));
        None
    }

    /// Sends a Pending for a request that will take long (Annex D.1.4); more follow by themselves.
    pub fn defer(&mut self, now: Time, token: &Token) {
        let key = Key::new(token.peer.0, token.life, token.transaction.get());
        if let Some(event) = self.send_pending(now, key) {
            self.events.push_back(event);
        }
    }

    /// Pendings that are due.
    pub(super) fn provisional_due(&mut self, now: Time) {
        while let Some(key) = self.provisional.pop_due(now, |key| self.running.contains_key(&key)) {
            match self.send_pending(now, key) {
                Some(event) => self.events.push_back(event),
                // The next one comes when half of the time has passed after which the sender repeats.
                None => self.provisional.repeat(now + self.timers.after_pending / 2, key),
            }
        }
    }

    /// Sends the reply to a request, and keeps it for LONG-TIMER. A token whose request was aborted does nothing.
    ///
    /// # Errors
    /// What of the reply cannot be written in the peer's version or form; the peer gets 500 then.
    #[expect(clippy::needless_pass_by_value, reason = "a token is spent by its one reply")]
    pub fn respond(&mut self, now: Time, token: Token, result: ReplyResult<'_>) -> Result<(), EncodeError> {
        let key = Key::new(token.peer.0, token.life, token.transaction.get());
        let Some(running) = self.running.get(&key) else { return Ok(()) };
        let result = match (running.fault, result) {
            (Some(fault), ReplyResult::Actions(actions)) if actions.len() >= running.actions => {
                ReplyResult::Actions(with_fault(actions, fault))
            }
            (_, result) => result,
        };
        self.answer(now, key, result)
    }

    fn answer(&mut self, now: Time, key: Key, result: ReplyResult<'_>) -> Result<(), EncodeError> {
        let Some(running) = self.running.remove(&key) else { return Ok(()) };
        self.provisional.end(key, self.running.len(), |key| self.running.contains_key(&key));
        let peer = PeerId(key.peer());
        let id = TransactionId::new(key.id());
        let route = running.route;
        let share = self.peers.get_mut(peer);
        share.executing = share.executing.saturating_sub(1);
        // Over what loses nothing an immediate acknowledgement is not needed (Annex D.2.4).
        let is_ack_required = running.pendings > 0 && !route.transport.is_reliable();
        let reply = Reply { id, is_ack_required, segment: None, result };
        let (dialect, coding) = (Dialect { form: running.form, ..share.dialect }, &share.coding);
        let limit = share.pdu.unwrap_or(usize::MAX).min(self.limits.pdu).saturating_sub(super::HEADER);
        let transaction = Transaction::Reply(reply);
        let written = self
            .outbox
            .push(peer, route, (Kind::Transaction, dialect), |out| dialect.encode(coding, &transaction, out));
        let length = match &written {
            Ok(length) => *length,
            Err(_) => self.push_error(peer, route, dialect, (id, is_ack_required), ErrorCode::INTERNAL),
        };
        if length > limit {
            self.outbox.unpush();
            let Transaction::Reply(reply) = transaction else { return Ok(()) };
            let parted =
                if dialect.version >= Version::V3 { self.part(peer, dialect, reply, limit) } else { None };
            if let Some(octets) = parted {
                let stored = Stored { dialect, octets };
                self.send_segments(now, peer, route, key, &stored);
                self.keep(now, key, stored);
                return Ok(());
            }
            self.counters.too_long += 1;
            self.push_error(peer, route, dialect, (id, is_ack_required), ErrorCode::RESPONSE_TOO_LONG);
        }
        let octets = self.outbox.last().into();
        self.keep(now, key, Stored { dialect, octets });
        if is_ack_required && self.awaiting.len() < self.limits.awaiting_acknowledgement {
            let backoff = self.peers.get(peer).times.backoff(&self.timers.rto());
            self.deadlines.set(Timer::Reply(key), now + backoff.rto());
            self.awaiting.insert(key, Awaiting { route, first_sent: now, repetitions: 0, backoff });
        }
        written.map(drop)
    }

    fn keep(&mut self, now: Time, key: Key, stored: Stored) {
        let length = stored.octets.len();
        self.charge(PeerId(key.peer()), length);
        self.memory.keep(now, key, stored, ENTRY + length);
    }

    /// Queues an error in place of a reply; says its length.
    fn push_error(
        &mut self,
        peer: PeerId,
        route: Route,
        dialect: Dialect,
        (id, is_ack_required): (TransactionId, bool),
        code: ErrorCode,
    ) -> usize {
        let coding = &self.peers.get(peer).coding;
        // 533 came with version 2.
        let code = match code {
            ErrorCode::RESPONSE_TOO_LONG if dialect.version < Version::V2 => ErrorCode::INTERNAL,
            other => other,
        };
        let result = ReplyResult::Error(describe(code));
        let transaction = Transaction::Reply(Reply { id, is_ack_required, segment: None, result });
        let write = |out: &mut Vec<u8>| dialect.encode(coding, &transaction, out);
        self.outbox.push(peer, route, (Kind::Transaction, dialect), write).unwrap_or_default()
    }

    /// Sends a reply that is not remembered: nothing was executed.
    pub(super) fn send_unremembered(
        &mut self,
        peer: PeerId,
        route: Route,
        id: TransactionId,
        result: ReplyResult<'_>,
    ) {
        self.send(
            peer,
            route,
            &Transaction::Reply(Reply { id, is_ack_required: false, segment: None, result }),
        );
    }

    /// Repeats a reply whose acknowledgement has not come.
    pub(super) fn reply_due(&mut self, now: Time, key: Key) {
        let Some(awaiting) = self.awaiting.get_mut(&key) else { return };
        let is_over =
            now.since(awaiting.first_sent) >= self.timers.t_max || awaiting.repetitions >= self.timers.max2;
        let Known::Answered(stored) = self.memory.find(key) else {
            self.awaiting.remove(&key);
            return;
        };
        if is_over {
            self.awaiting.remove(&key);
            return;
        }
        awaiting.repetitions += 1;
        self.counters.replies_repeated += 1;
        let peer = PeerId(key.peer());
        self.outbox.push_octets(peer, awaiting.route, stored.dialect, &stored.octets);
        let times = &self.peers.get(peer).times;
        let wait = awaiting.backoff.next(&mut self.rng, times, &self.timers.rto());
        self.deadlines.set(Timer::Reply(key), now + wait);
    }

    /// Replies that the peer has received need not be kept.
    pub(super) fn receive_acknowledgement(&mut self, peer: PeerId, ranges: &[Acknowledged]) {
        let mut left = self.limits.confirmed;
        for range in ranges {
            let last = range.last.unwrap_or(range.first);
            for id in range.first.get()..=last.get() {
                if left == 0 {
                    return;
                }
                left -= 1;
                self.confirm(peer, TransactionId::new(id));
            }
        }
    }

    fn confirm(&mut self, peer: PeerId, id: TransactionId) {
        let key = self.key(peer, id);
        let freed = self.memory.confirm(key, ENTRY, RANGE);
        self.refund(peer.0, freed);
        if self.awaiting.remove(&key).is_some() {
            self.deadlines.cancel(&Timer::Reply(key));
            self.events.push_back(Event::Acknowledged { peer, transaction: id });
        }
    }

    /// The peer begins a new life with the request in execution: it may use numbers again that it used before, and *not* for the same
    /// requests (Annex D.1.2.2: "when a MG resumes operation" there is no test on the number).
    ///
    /// # Panics
    /// When the token is not of this engine.
    pub fn begin_life(&mut self, token: &mut Token) {
        let peer = self.peers.get_mut(token.peer);
        let before = Key::new(token.peer.0, token.life, token.transaction.get());
        peer.life = peer.life.wrapping_add(1);
        peer.acknowledgements.clear();
        peer.block = super::ids::Block::default();
        token.life = peer.life;
        let after = Key::new(token.peer.0, token.life, token.transaction.get());
        // What else it asked for before is not answered: the numbers are those of other requests now.
        let of_peer = |key: &Key| key.peer() == before.peer() && *key != before;
        let late: Vec<_> = self.running.keys().copied().filter(of_peer).collect();
        peer.executing = peer.executing.saturating_sub(u32::try_from(late.len()).unwrap_or(u32::MAX));
        for key in late {
            self.running.remove(&key);
            self.refund(key.peer(), ENTRY);
        }
        if let Some(running) = self.running.remove(&before) {
            self.running.insert(after, running);
            self.provisional.rename(before, after);
        }
        self.provisional.drop_ended(|key| self.running.contains_key(&key));
    }

    /// Only what has expired is ever forgotten, so a peer that fills its share waits.
    fn has_room(&self, peer: PeerId) -> bool {
        let share = self.peers.get(peer);
        let has_memory = share.memory < self.limits.memory || self.pooled < self.limits.pool;
        has_memory && (share.executing as usize) < self.limits.executing
    }

    /// Counts memory of a peer; what exceeds its share comes from the pool.
    fn charge(&mut self, peer: PeerId, octets: usize) {
        let own = self.limits.memory;
        let share = self.peers.get_mut(peer);
        let before = share.memory.saturating_sub(own);
        share.memory += octets;
        self.pooled += share.memory.saturating_sub(own) - before;
    }

    pub(super) fn refund(&mut self, peer: u32, octets: usize) {
        let own = self.limits.memory;
        let Some(share) = self.peers.try_get_mut(peer) else { return };
        let before = share.memory.saturating_sub(own);
        share.memory = share.memory.saturating_sub(octets);
        let freed = before - share.memory.saturating_sub(own);
        self.pooled = self.pooled.saturating_sub(freed);
    }
}

/// Puts the error for what could not be read where RFC 3525 section 8.2.2 wants it: behind the last action for a command, else as
/// an action reply of its own.
fn with_fault(mut actions: List<ActionReply<'_>>, fault: Unread) -> List<ActionReply<'_>> {
    if actions.iter().any(|action| action.error.is_some()) {
        // The role stopped before that place.
        return actions;
    }
    let error = Some(describe(fault.code));
    match (actions.last_mut(), fault.context) {
        (Some(last), None) if fault.scope == Scope::Command => last.error = error,
        (_, context) => {
            let context = context.unwrap_or(ContextId::NULL);
            actions.push(ActionReply { context, properties: None, commands: List::new(), error });
        }
    }
    actions
}

/// Whether a request registers its sender.
fn registers(actions: &[Action<'_>]) -> bool {
    let first = actions.first().and_then(|action| action.commands.first());
    let Some(CommandBody::ServiceChange(terminations, change)) = first.map(|command| &command.body) else {
        return false;
    };
    terminations.first == TerminationId::Root
        && matches!(
            change.method,
            Method::Restart | Method::Disconnected | Method::HandOff | Method::Failover
        )
}

/// The reason of a service change, by which the form of values is told.
fn reason_of<'a>(actions: &[Action<'a>]) -> Option<crate::message::Reason<'a>> {
    let first = actions.first().and_then(|action| action.commands.first())?;
    match &first.body {
        CommandBody::ServiceChange(_, change) => Some(change.reason),
        _ => None,
    }
}
