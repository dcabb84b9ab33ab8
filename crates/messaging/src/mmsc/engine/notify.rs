//! Pushes: notifications until a message is fetched, and reports for its sender.
//!
//! A push that the push gateway took is its matter; that it took it is written, so that a restart repeats only what it did
//! not. A push that was sent is not a message that arrived: notifications are repeated, with pauses that double.

use strowger_sansio::{Duration, Time};

use super::super::compose;
use super::super::message::{DeliveryId, MessageSeq, Report, State};
use super::super::party::Party;
use super::super::request::{Event, Order, OrderId, Purpose, Taken};
use super::{Mmsc, Timer, millis, whole_millis};

/// How long a report is worth sending.
const REPORT_TIME: Duration = Duration::from_secs(86_400);
/// The pause when the push gateway has too much to do.
const BUSY: Duration = Duration::from_secs(1);

impl Mmsc {
    /// What became of an order.
    pub fn handle_taken(&mut self, now: Time, id: OrderId, taken: Taken) {
        if self.lanes.is_under_way(&id) {
            self.handed_over(now, id, taken);
            return;
        }
        if !self.under_way.remove(&id) {
            return;
        }
        match taken {
            Taken::Accepted => self.events.push_back(Event::Pushed(id.purpose)),
            Taken::Busy | Taken::NoWay | Taken::Refused => self.events.push_back(Event::Held(id.purpose)),
        }
        match id.purpose {
            Purpose::Notification => self.notified(now, id.delivery, taken),
            Purpose::DeliveryReport | Purpose::ReadReport => self.reported(now, id, taken),
        }
    }

    /// A notification is due.
    pub(super) fn notify(&mut self, delivery: DeliveryId) {
        self.line_up(OrderId { delivery, purpose: Purpose::Notification });
    }

    /// An order waits for its turn: with the pushes, or in the lane of whoever is handed it.
    pub(super) fn line_up(&mut self, order: OrderId) {
        match self.handed_to(order) {
            Some(party) => self.lanes.push(order, party),
            None => self.due.push_back(order),
        }
    }

    /// Whether somebody has an order now.
    pub(super) fn is_under_way(&self, order: &OrderId) -> bool {
        self.under_way.contains(order) || self.lanes.is_under_way(order)
    }

    /// Those who have not fetched a message, nor are being handed it, are told about it when its time has come.
    pub(super) fn announce_anew(&mut self, now: Time, seq: MessageSeq) {
        for place in self.open_places(seq) {
            let id = DeliveryId { message: seq, place };
            let Some(envelope) = self.envelopes.get_mut(&seq) else { return };
            let not_before = envelope.not_before;
            let Some(delivery) = envelope.deliveries.get_mut(place) else { continue };
            if delivery.state == State::Waiting && not_before > now.as_millis() {
                delivery.next = not_before;
                self.timers.set(Timer::Notify(id), millis(not_before));
            }
        }
    }

    fn notified(&mut self, now: Time, id: DeliveryId, taken: Taken) {
        let (first, longest) = (self.config.retry_first, self.config.retry_longest);
        let Some(envelope) = self.envelopes.get_mut(&id.message) else { return };
        let Some(delivery) = envelope.deliveries.get_mut(id.place) else { return };
        if delivery.state != State::Waiting {
            return;
        }
        let pause = match taken {
            Taken::Accepted => {
                delivery.notified = delivery.notified.saturating_add(1);
                // Who has fetched a message and does not say so is not reminded of it every minute.
                let doublings = if delivery.fetched.is_some() { 16 } else { (delivery.notified - 1).min(16) };
                (first * 2_u32.pow(doublings)).min(longest)
            }
            Taken::Busy => BUSY,
            // The way may be back before the message expires: the inventory is the operator's.
            Taken::NoWay | Taken::Refused => longest,
        };
        let next = now + pause;
        delivery.next = next.as_millis();
        self.timers.set(Timer::Notify(id), next);
        if taken == Taken::Accepted {
            self.put(id.message);
        }
    }

    fn reported(&mut self, now: Time, id: OrderId, taken: Taken) {
        if taken == Taken::Busy {
            self.timers.set(Timer::Report(id), now + BUSY);
            return;
        }
        // A sender whom no push reaches is told nothing: there is no other way.
        self.report_ended(id);
    }

    /// A report was given, or is given up.
    pub(super) fn report_ended(&mut self, id: OrderId) {
        let Some(envelope) = self.envelopes.get_mut(&id.delivery.message) else { return };
        let Some(delivery) = envelope.deliveries.get_mut(id.delivery.place) else { return };
        match (id.purpose, &mut delivery.reading) {
            (Purpose::DeliveryReport, _) => delivery.report = Report::Sent,
            (Purpose::ReadReport, Some(reading)) => reading.report = Report::Sent,
            _ => return,
        }
        self.put(id.delivery.message);
    }

    /// Lines up the reports of a message that nobody has taken yet.
    pub(super) fn report_what_is_due(&mut self, now: Time, message: MessageSeq) {
        let Some(envelope) = self.envelopes.get(&message) else { return };
        let Some(from) = envelope.from.clone() else { return };
        let mut orders = Vec::new();
        for (place, delivery) in envelope.deliveries.iter().enumerate() {
            let id = DeliveryId { message, place };
            if delivery.report == Report::Due {
                orders.push(OrderId { delivery: id, purpose: Purpose::DeliveryReport });
            }
            if delivery.reading.is_some_and(|reading| reading.report == Report::Due) {
                orders.push(OrderId { delivery: id, purpose: Purpose::ReadReport });
            }
        }
        for order in orders {
            let timer = Timer::Report(order);
            if self.is_under_way(&order)
                || self.timers.deadline(&timer).is_some()
                || self.due.contains(&order)
                || self.lanes.contains(&order)
            {
                continue;
            }
            // Applications are told over their own connection, as fast as they ask.
            let at = match from {
                Party::Application(_) | Party::Peer { .. } => now,
                _ => self.reports.queue(now, &from),
            };
            if at <= now { self.line_up(order) } else { self.timers.set(timer, at) }
        }
    }

    /// The push that an order stands for; none when there is nothing to push any more.
    pub(super) fn order(&self, now: Time, id: OrderId) -> Option<Order> {
        let (envelope, delivery) = self.delivery(id.delivery)?;
        let now_ms = now.as_millis();
        let (to, pdu, attempt, expires) = match id.purpose {
            Purpose::Notification => {
                let early = envelope.not_before > now_ms;
                if delivery.state != State::Waiting || envelope.expires <= now_ms || early {
                    return None;
                }
                let pdu = compose::notification(envelope, delivery, &self.config.base, now_ms);
                // The push need not outlive the pause until the next one.
                let until = millis(envelope.expires).min(now + self.config.retry_longest);
                (delivery.to.clone(), pdu, delivery.notified, until)
            }
            Purpose::DeliveryReport => {
                let status = delivery.state.report().filter(|_| delivery.report == Report::Due)?;
                let pdu = compose::delivery_report(envelope, delivery, status);
                (envelope.from.clone()?, pdu, 0, now + REPORT_TIME)
            }
            Purpose::ReadReport => {
                let reading = delivery.reading.filter(|reading| reading.report == Report::Due)?;
                let pdu = compose::read_report(envelope, delivery, &reading);
                (envelope.from.clone()?, pdu, 0, now + REPORT_TIME)
            }
        };
        Some(Order { id, attempt, to, pdu, expires, message: envelope.id.clone() })
    }

    /// A message has run out of time.
    pub(super) fn expire(&mut self, now: Time, seq: MessageSeq) {
        let Some(envelope) = self.envelopes.get(&seq) else { return };
        // Only an acknowledgement says "retrieved" (MMS ENC, Status): of a message that was handed out and never acknowledged nobody knows
        // whether it arrived.
        let states: Vec<_> = envelope
            .deliveries
            .iter()
            .map(|delivery| if delivery.fetched.is_some() { State::Indeterminate } else { State::Expired })
            .collect();
        for (place, state) in states.into_iter().enumerate() {
            self.end(now, DeliveryId { message: seq, place }, state, true);
        }
    }

    /// How long a message with this request for an end is kept, in milliseconds from `now`: within what the operator allows.
    pub(super) fn lifetime(&self, asked_ms: Option<u64>) -> u64 {
        let (least, most) = (self.config.shortest_expiry, self.config.longest_expiry);
        asked_ms
            .unwrap_or_else(|| whole_millis(self.config.expiry))
            .clamp(whole_millis(least), whole_millis(most.max(least)))
    }
}
