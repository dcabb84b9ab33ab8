//! Lanes: what each application is to be handed, in the order in which it came due.
//!
//! Whoever is slow or gone fills its own lane and holds up nobody else. What is not taken is offered again, with pauses that double,
//! until a message expires or a report is about a message that nobody remembers; what is to be handed is known from the rows on disk,
//! so that a restart loses nothing and offers at most what was under way a second time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use strowger_sansio::Time;

use super::super::message::{DeliveryId, MessageSeq, Report, State, Via};
use super::super::party::Party;
use super::super::request::{Answer, Event, Handover, OrderId, Purpose, Relayed, Taken};
use super::{Mmsc, Timer};

/// Doublings of a pause after which it is the longest anyway.
const DOUBLINGS: u32 = 16;

#[derive(Debug, Default)]
struct Lane {
    due: VecDeque<OrderId>,
    going: usize,
}

/// All lanes.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    lanes: BTreeMap<Party, Lane>,
    lined_up: BTreeSet<OrderId>,
    under_way: BTreeMap<OrderId, Party>,
    attempts: BTreeMap<OrderId, u32>,
}

impl Lanes {
    pub(super) fn push(&mut self, order: OrderId, to: Party) {
        if !self.under_way.contains_key(&order) && self.lined_up.insert(order) {
            self.lanes.entry(to).or_default().due.push_back(order);
        }
    }

    /// The next order of a lane that has room among `window`, which is then under way.
    pub(super) fn next(&mut self, window: usize) -> Option<(OrderId, Party)> {
        let (to, lane) =
            self.lanes.iter_mut().find(|(_, lane)| lane.going < window && !lane.due.is_empty())?;
        let order = lane.due.pop_front()?;
        lane.going += 1;
        let to = to.clone();
        self.lined_up.remove(&order);
        self.under_way.insert(order, to.clone());
        Some((order, to))
    }

    /// An order is no longer under way. Whose it was.
    pub(super) fn end(&mut self, order: &OrderId) -> Option<Party> {
        let to = self.under_way.remove(order)?;
        if let Some(lane) = self.lanes.get_mut(&to) {
            lane.going = lane.going.saturating_sub(1);
            if lane.going == 0 && lane.due.is_empty() {
                self.lanes.remove(&to);
            }
        }
        Some(to)
    }

    pub(super) fn contains(&self, order: &OrderId) -> bool {
        self.lined_up.contains(order)
    }

    pub(super) fn is_under_way(&self, order: &OrderId) -> bool {
        self.under_way.contains_key(order)
    }

    /// What is lined up or under way.
    pub(super) fn len(&self) -> usize {
        self.lined_up.len() + self.under_way.len()
    }

    /// A message is forgotten, and how often it was tried with it.
    pub(super) fn forget(&mut self, message: MessageSeq) {
        let first = OrderId::first_of(message);
        let gone: Vec<_> = self
            .attempts
            .range(first..)
            .map(|(order, _)| *order)
            .take_while(|order| order.delivery.message == message)
            .collect();
        for order in gone {
            self.attempts.remove(&order);
        }
    }

    fn attempts(&self, order: &OrderId) -> u32 {
        self.attempts.get(order).copied().unwrap_or(0)
    }
}

impl Mmsc {
    /// Who is handed what an order stands for; none when it is a push.
    pub(super) fn handed_to(&self, order: OrderId) -> Option<Party> {
        let (envelope, delivery) = self.delivery(order.delivery)?;
        match order.purpose {
            Purpose::Notification => delivery.via.party(),
            Purpose::DeliveryReport | Purpose::ReadReport => {
                match &envelope.from {
                    Some(party @ Party::Application(_)) => Some(party.clone()),
                    // His MMSC is told.
                    Some(Party::Peer { peer, .. }) => {
                        Some(Party::Peer { peer: peer.clone(), number: String::new() })
                    }
                    _ => None,
                }
            }
        }
    }

    /// What is handed over; none when there is nothing to hand over any more.
    pub(super) fn handover(&self, now: Time, id: OrderId, to: Party) -> Option<Handover> {
        let (envelope, delivery) = self.delivery(id.delivery)?;
        let is_due = match id.purpose {
            Purpose::Notification => {
                let now_ms = now.as_millis();
                let in_time = envelope.not_before <= now_ms && envelope.expires > now_ms;
                delivery.state == State::Waiting && in_time
            }
            Purpose::DeliveryReport => delivery.report == Report::Due && delivery.state.report().is_some(),
            Purpose::ReadReport => delivery.reading.is_some_and(|reading| reading.report == Report::Due),
        };
        let attempt = self.lanes.attempts(&id);
        is_due.then(|| Handover { id, attempt, to, envelope: Box::new(envelope.clone()) })
    }

    /// What became of a handover.
    pub(super) fn handed_over(&mut self, now: Time, id: OrderId, taken: Taken) {
        let Some(to) = self.lanes.end(&id) else { return };
        self.events.push_back(match taken {
            Taken::Accepted => Event::Handed(id.purpose, to),
            _ => Event::NotHanded { purpose: id.purpose, to, taken },
        });
        let message = id.purpose == Purpose::Notification;
        match taken {
            Taken::Accepted if message => self.taken_over(now, id.delivery),
            Taken::Refused if message => {
                let delivery = self.delivery(id.delivery);
                let by_mail =
                    delivery.is_some_and(|(_, delivery)| matches!(delivery.via, Via::Mail | Via::Peer(_)));
                // A host on the way is not the recipient.
                let state = if by_mail { State::Unreachable } else { State::Rejected };
                self.end(now, id.delivery, state, true);
            }
            Taken::Accepted | Taken::Refused => self.report_ended(id),
            Taken::Busy | Taken::NoWay => {
                self.offer_again(now, id, taken);
                return;
            }
        }
        self.lanes.attempts.remove(&id);
    }

    /// Somebody else has a message: an application, to which it was addressed; or mail or an MMSC, which are to bring it there.
    fn taken_over(&mut self, now: Time, id: DeliveryId) {
        let Some(envelope) = self.envelopes.get_mut(&id.message) else { return };
        let reports = envelope.delivery_report || envelope.read_report;
        let Some(delivery) = envelope.deliveries.get_mut(id.place) else { return };
        match delivery.via {
            Via::Push | Via::Application(_) => self.end(now, id, State::Retrieved, true),
            Via::Peer(_) if reports && delivery.state == State::Waiting => {
                delivery.state = State::Relayed;
                // It cannot be taken back any more, and its end is not known.
                delivery.fetched = Some(now.as_millis());
                self.put(id.message);
            }
            // Nobody will say what becomes of it (RFC 4356 section 2.1.3).
            Via::Mail | Via::Peer(_) => self.end(now, id, State::Indeterminate, true),
        }
    }

    /// Another MMSC says what became of a message that it was given: by the identifier and the recipient, or by the transaction.
    pub(super) fn relayed(&mut self, now: Time, peer: &str, which: &Relayed, state: Option<State>) -> Answer {
        let found = match which {
            Relayed::Transaction(transaction) => self.by_transaction.get(transaction).copied(),
            Relayed::Recipient { id, to } => self.by_id.get(id).copied().and_then(|message| {
                let envelope = self.envelopes.get(&message)?;
                let place = envelope.deliveries.iter().position(|delivery| delivery.to == *to)?;
                Some(DeliveryId { message, place })
            }),
        };
        let theirs = |id: &DeliveryId| {
            self.delivery(*id)
                .is_some_and(|(_, delivery)| matches!(&delivery.via, Via::Peer(name) if name == peer))
        };
        let Some(id) = found.filter(theirs) else {
            self.events.push_back(Event::Denied);
            return Answer::NotFound;
        };
        if let Some(state) = state {
            self.end(now, id, state, true);
        }
        Answer::Done
    }

    fn offer_again(&mut self, now: Time, id: OrderId, taken: Taken) {
        let attempts = self.lanes.attempts.entry(id).or_insert(0);
        let (first, longest) = (self.config.lane_retry_first, self.config.lane_retry_longest);
        let pause = match taken {
            // The inventory is the operator's, and may be another after a restart.
            Taken::NoWay => longest,
            _ => (first * 2_u32.pow((*attempts).min(DOUBLINGS))).min(longest),
        };
        *attempts = attempts.saturating_add(1);
        let timer = match id.purpose {
            Purpose::Notification => Timer::Notify(id.delivery),
            Purpose::DeliveryReport | Purpose::ReadReport => Timer::Report(id),
        };
        let waiting = self.delivery(id.delivery).is_some_and(|(_, delivery)| !delivery.state.is_final());
        if waiting || id.purpose != Purpose::Notification {
            self.timers.set(timer, now + pause);
        }
    }
}
