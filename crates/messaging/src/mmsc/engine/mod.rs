//! [`Mmsc`], the engine: what is accepted, who is told about it, who may fetch it, and what its sender hears; without a disk, a
//! clock or a socket.
//!
//! Requests come in with a ticket. What is to be written comes out as [`Change`]s; answers and pushes of the same turn may leave
//! only once those are on disk, so that nothing is promised that a crash could undo. When the disk fails, the host throws the
//! engine away and opens another from what is there.
//!
//! - here: the tables and what is drained. `submit`: messages come in. `fetch`: handsets. `notify`: pushes and
//!   their repetition. `lanes`: what applications are handed. `allowance`: rates.

pub(super) mod allowance;
mod fetch;
mod lanes;
mod notify;
mod submit;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use strowger_sansio::{Duration, Rng, Time, Timers};

use super::config::MmscConfig;
use super::message::{BodyKey, DeliveryId, Envelope, MessageSeq, State};
use super::party::Party;
use super::request::{Answer, Change, Event, Handover, Order, OrderId, Request, Ticket};
use allowance::{Allowance, Allowances};
use lanes::Lanes;

/// What one recipient has waiting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Load {
    messages: usize,
    octets: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// A notification is due.
    Notify(DeliveryId),
    /// A message runs out of time.
    Expiry(MessageSeq),
    /// It need not be remembered any more.
    Forget(MessageSeq),
    /// A report may go.
    Report(OrderId),
}

/// What there is of everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Population {
    /// Messages, those that ended and are remembered among them.
    pub messages: usize,
    /// Messages of which somebody still has to fetch one.
    pub waiting: usize,
    /// Pushes that are with the push gateway.
    pub under_way: usize,
    /// Pushes that wait for room there.
    pub due: usize,
    /// Messages and reports that applications are to be handed.
    pub handing: usize,
    /// Octets of bodies.
    pub octets: u64,
    /// When the oldest message that waits was accepted, in milliseconds since 1970.
    pub oldest: Option<u64>,
}

/// A relay and its store: one MMSC.
#[derive(Debug)]
pub struct Mmsc {
    config: MmscConfig,
    rng: Rng,
    next: u64,
    envelopes: BTreeMap<MessageSeq, Envelope>,
    by_id: BTreeMap<String, MessageSeq>,
    by_token: BTreeMap<String, DeliveryId>,
    by_transaction: BTreeMap<String, DeliveryId>,
    /// Submissions that may come again: sender, transaction identifier and digest.
    submissions: BTreeMap<(Party, String, u64), MessageSeq>,
    /// The last digest of each transaction identifier, to tell of those that are used twice.
    loads: BTreeMap<Party, Load>,
    bodies: BTreeMap<BodyKey, (usize, u64)>,
    /// Messages that somebody still has to fetch.
    waiting: BTreeSet<MessageSeq>,
    octets: u64,
    /// Messages that ended, the one that ended first in front.
    remembered: BTreeSet<(u64, MessageSeq)>,
    senders: Allowances,
    reports: Allowances,
    timers: Timers<Timer>,
    due: VecDeque<OrderId>,
    under_way: BTreeSet<OrderId>,
    lanes: Lanes,
    changes: VecDeque<Change>,
    answers: VecDeque<(Ticket, Answer)>,
    events: VecDeque<Event>,
}

fn millis(time: u64) -> Time {
    Time::from_millis(time)
}

fn whole_millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

impl Mmsc {
    /// An MMSC that knows what was found on disk, and the place of the next message. `rng` makes content locations: it must not be
    /// guessable.
    #[must_use]
    pub fn open(config: MmscConfig, rng: Rng, now: Time, next: u64, found: Vec<Envelope>) -> Self {
        let mut mmsc = Self {
            senders: Allowances::new(Allowance::new(config.sender_rate, config.sender_burst)),
            reports: Allowances::new(Allowance::new(config.report_rate, config.report_rate)),
            config,
            rng,
            next,
            envelopes: BTreeMap::new(),
            by_id: BTreeMap::new(),
            by_token: BTreeMap::new(),
            by_transaction: BTreeMap::new(),
            submissions: BTreeMap::new(),
            loads: BTreeMap::new(),
            bodies: BTreeMap::new(),
            waiting: BTreeSet::new(),
            octets: 0,
            remembered: BTreeSet::new(),
            timers: Timers::new(),
            due: VecDeque::new(),
            under_way: BTreeSet::new(),
            lanes: Lanes::default(),
            changes: VecDeque::new(),
            answers: VecDeque::new(),
            events: VecDeque::new(),
        };
        for envelope in found {
            // A replaced body has a key of its own.
            mmsc.next = mmsc.next.max(envelope.seq.0 + 1).max(envelope.body.0 + 1);
            mmsc.index(now, envelope);
        }
        mmsc
    }

    /// Somebody asks for something; the answer has the same ticket.
    pub fn handle_request(&mut self, now: Time, ticket: Ticket, request: Request) {
        let answer = match request {
            Request::Submit(submission) => self.submit(now, *submission),
            Request::Forward(forwarding) => self.forward(now, &forwarding),
            Request::Retrieve { by, token } => self.retrieve(now, &by, &token),
            Request::Respond { by, transaction, status, report_allowed } => {
                self.respond(now, &by, &transaction, status, report_allowed)
            }
            Request::Acknowledge { by, transaction, report_allowed } => {
                self.acknowledge(now, &by, &transaction, report_allowed)
            }
            Request::Read { by, id, status, date } => self.read(now, &by, &id, status, date),
            Request::Delete { by, locations } => self.delete(now, &by, &locations),
            Request::Replace(replacement) => self.replace(now, *replacement),
            Request::Relayed { peer, which, state } => self.relayed(now, &peer, &which, state),
            Request::Cancel { by, id } => self.cancel(now, &by, &id),
            Request::Look { by, id } => self.look(by.as_ref(), &id),
        };
        self.answers.push_back((ticket, answer));
    }

    /// What is due.
    pub fn handle_timeout(&mut self, now: Time) {
        while let Some(timer) = self.timers.pop_due(now) {
            match timer {
                Timer::Notify(delivery) => self.notify(delivery),
                Timer::Report(order) => self.line_up(order),
                Timer::Expiry(seq) => self.expire(now, seq),
                Timer::Forget(seq) => self.forget(seq),
            }
        }
    }

    /// What is to be written; drained before anything else leaves.
    pub fn poll_change(&mut self) -> Option<Change> {
        self.changes.pop_front()
    }

    /// The next answer.
    pub fn poll_answer(&mut self) -> Option<(Ticket, Answer)> {
        self.answers.pop_front()
    }

    /// The next push for the push gateway, which answers by [`Self::handle_taken`].
    pub fn poll_order(&mut self, now: Time) -> Option<Order> {
        while self.under_way.len() < self.config.window {
            let id = self.due.pop_front()?;
            if self.under_way.contains(&id) {
                continue;
            }
            if let Some(order) = self.order(now, id) {
                self.under_way.insert(id);
                return Some(order);
            }
        }
        None
    }

    /// The next message or report for an application, which is answered by [`Self::handle_taken`].
    pub fn poll_handover(&mut self, now: Time) -> Option<Handover> {
        while let Some((id, to)) = self.lanes.next(self.config.lane_window) {
            if let Some(handover) = self.handover(now, id, to) {
                return Some(handover);
            }
            self.lanes.end(&id);
        }
        None
    }

    /// What happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Self::handle_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.timers.next()
    }

    /// What there is of everything.
    #[must_use]
    pub fn population(&self) -> Population {
        Population {
            messages: self.envelopes.len(),
            waiting: self.waiting.len(),
            under_way: self.under_way.len(),
            due: self.due.len(),
            handing: self.lanes.len(),
            octets: self.octets,
            oldest: self.waiting.first().and_then(|seq| Some(self.envelopes.get(seq)?.accepted)),
        }
    }

    /// The bodies that somebody needs.
    pub fn bodies(&self) -> impl Iterator<Item = BodyKey> {
        self.bodies.keys().copied()
    }

    /// Takes a message into all tables and sets its timers.
    fn index(&mut self, now: Time, envelope: Envelope) {
        let seq = envelope.seq;
        self.by_id.insert(envelope.id.clone(), seq);
        if let Some(from) = &envelope.from {
            let key = (from.clone(), envelope.transaction.clone(), envelope.digest);
            self.submissions.insert(key, seq);
        }
        for (place, delivery) in envelope.deliveries.iter().enumerate() {
            let id = DeliveryId { message: seq, place };
            self.by_token.insert(delivery.token.clone(), id);
            self.by_transaction.insert(delivery.transaction.clone(), id);
            if !delivery.state.is_final() {
                let load = self.loads.entry(delivery.to.clone()).or_default();
                load.messages += 1;
                load.octets += envelope.size;
            }
            if delivery.state == State::Waiting {
                self.timers.set(Timer::Notify(id), millis(delivery.next.max(envelope.not_before)));
            }
        }
        match envelope.ended() {
            None => {
                self.waiting.insert(seq);
                let (users, octets) = self.bodies.entry(envelope.body).or_insert((0, envelope.size));
                if *users == 0 {
                    self.octets += *octets;
                }
                *users += 1;
                self.timers.set(Timer::Expiry(seq), millis(envelope.expires));
            }
            Some(ended) => self.remember(seq, ended),
        }
        self.envelopes.insert(seq, envelope);
        self.report_what_is_due(now, seq);
    }

    fn remember(&mut self, seq: MessageSeq, ended: u64) {
        self.remembered.insert((ended, seq));
        self.timers.set(Timer::Forget(seq), millis(ended) + self.config.remember);
    }

    /// The row of a message is to be written as it is now.
    fn put(&mut self, seq: MessageSeq) {
        if let Some(envelope) = self.envelopes.get(&seq) {
            self.changes.push_back(Change::Put(Box::new(envelope.clone())));
        }
    }

    /// Ends a delivery: its load is taken off, its timers stop, its report is due if it is wanted.
    fn end(&mut self, now: Time, id: DeliveryId, state: State, report_allowed: bool) {
        let Some(envelope) = self.envelopes.get_mut(&id.message) else { return };
        let wanted = envelope.delivery_report && report_allowed && state.report().is_some();
        let (size, name) = (envelope.size, envelope.id.clone());
        let Some(delivery) = envelope.deliveries.get_mut(id.place) else { return };
        if delivery.state.is_final() {
            return;
        }
        delivery.state = state;
        delivery.ended = Some(now.as_millis());
        if wanted {
            delivery.report = super::message::Report::Due;
        }
        let to = delivery.to.clone();
        if let Some(load) = self.loads.get_mut(&to) {
            load.messages = load.messages.saturating_sub(1);
            load.octets = load.octets.saturating_sub(size);
            if load.messages == 0 {
                self.loads.remove(&to);
            }
        }
        self.timers.cancel(&Timer::Notify(id));
        self.events.push_back(Event::Ended { id: name, to, state });
        if let Some(ended) = self.envelopes.get(&id.message).and_then(Envelope::ended) {
            self.finish(id.message, ended);
        }
        self.put(id.message);
        self.report_what_is_due(now, id.message);
    }

    /// The last delivery of a message has ended.
    fn finish(&mut self, seq: MessageSeq, ended: u64) {
        self.waiting.remove(&seq);
        self.timers.cancel(&Timer::Expiry(seq));
        self.remember(seq, ended);
        if let Some(body) = self.envelopes.get(&seq).map(|envelope| envelope.body) {
            self.release_body(body);
        }
    }

    /// A body has a user less; the last one takes it along.
    fn release_body(&mut self, body: BodyKey) {
        let Some((users, octets)) = self.bodies.get_mut(&body) else { return };
        *users = users.saturating_sub(1);
        if *users == 0 {
            self.octets = self.octets.saturating_sub(*octets);
            self.bodies.remove(&body);
            self.changes.push_back(Change::DropBody(body));
        }
    }

    fn forget(&mut self, seq: MessageSeq) {
        let Some(envelope) = self.envelopes.remove(&seq) else { return };
        if let Some(ended) = envelope.ended() {
            self.remembered.remove(&(ended, seq));
        }
        self.timers.cancel(&Timer::Forget(seq));
        self.lanes.forget(seq);
        self.by_id.remove(&envelope.id);
        if let Some(from) = envelope.from {
            let key = (from, envelope.transaction, envelope.digest);
            if self.submissions.get(&key) == Some(&seq) {
                self.submissions.remove(&key);
            }
        }
        for delivery in envelope.deliveries {
            self.by_token.remove(&delivery.token);
            self.by_transaction.remove(&delivery.transaction);
        }
        self.changes.push_back(Change::Forget(seq));
    }

    fn delivery(&self, id: DeliveryId) -> Option<(&Envelope, &super::message::Delivery)> {
        let envelope = self.envelopes.get(&id.message)?;
        Some((envelope, envelope.deliveries.get(id.place)?))
    }
}
