//! What handsets do: fetch, answer notifications, acknowledge, report reading; and what senders ask about their messages.

use strowger_mms::message::{ReadStatus, Status};
use strowger_sansio::Time;

use super::super::compose;
use super::super::message::{DeliveryId, Reading, Report, State};
use super::super::party::Party;
use super::super::request::{Answer, Event, Handed, NotHanded};
use super::Mmsc;

impl Mmsc {
    /// Hands a message out to its recipient and to nobody else.
    pub(super) fn retrieve(&mut self, now: Time, by: &Party, token: &str) -> Answer {
        let Some(id) = self.by_token.get(token).copied() else {
            self.events.push_back(Event::Denied);
            return Answer::NotHanded(NotHanded::Unknown);
        };
        let Some((envelope, delivery)) = self.delivery(id).filter(|(_, delivery)| delivery.to == *by) else {
            self.events.push_back(Event::Denied);
            return Answer::NotHanded(NotHanded::Unknown);
        };
        let held = envelope.not_before > now.as_millis();
        if delivery.state.is_final() || held || envelope.expires <= now.as_millis() {
            return Answer::NotHanded(NotHanded::Over);
        }
        let head = compose::retrieval(envelope, delivery);
        let handed = Handed { head, body: envelope.body, size: envelope.size };
        let first = delivery.fetched.is_none();
        if let Some(envelope) = self.envelopes.get_mut(&id.message)
            && let Some(delivery) = envelope.deliveries.get_mut(id.place)
            && first
        {
            delivery.fetched = Some(now.as_millis());
            self.put(id.message);
        }
        self.events.push_back(Event::Fetched);
        Answer::Handed(handed)
    }

    /// The delivery of this transaction, if it is this party's.
    fn transaction_of(&self, by: &Party, transaction: &str) -> Option<DeliveryId> {
        let id = self.by_transaction.get(transaction).copied()?;
        self.delivery(id).filter(|(_, delivery)| delivery.to == *by).map(|_| id)
    }

    /// m-notifyresp-ind. It may come again, and then changes nothing.
    pub(super) fn respond(
        &mut self,
        now: Time,
        by: &Party,
        transaction: &str,
        status: Status,
        report_allowed: bool,
    ) -> Answer {
        let Some(id) = self.transaction_of(by, transaction) else {
            self.events.push_back(Event::Denied);
            return Answer::NotFound;
        };
        match status {
            Status::Retrieved => return self.acknowledge(now, by, transaction, report_allowed),
            Status::Rejected => self.end(now, id, State::Rejected, report_allowed),
            // Only version management says so: the handset cannot make anything of the notification, and will not next time.
            Status::Unrecognised | Status::Indeterminate => {
                self.end(now, id, State::Indeterminate, report_allowed);
            }
            Status::Deferred => self.defer(id),
            _ => return Answer::NotFound,
        }
        Answer::Done
    }

    /// The recipient knows: he is not told again, and may fetch it until it expires.
    fn defer(&mut self, id: DeliveryId) {
        let Some(envelope) = self.envelopes.get_mut(&id.message) else { return };
        let Some(delivery) = envelope.deliveries.get_mut(id.place) else { return };
        if delivery.state == State::Waiting {
            delivery.state = State::Deferred;
            self.timers.cancel(&super::Timer::Notify(id));
            self.put(id.message);
        }
    }

    /// m-acknowledge-ind, or m-notifyresp-ind with the status retrieved.
    pub(super) fn acknowledge(
        &mut self,
        now: Time,
        by: &Party,
        transaction: &str,
        report_allowed: bool,
    ) -> Answer {
        let Some(id) = self.transaction_of(by, transaction) else {
            self.events.push_back(Event::Denied);
            return Answer::NotFound;
        };
        // The status is "retrieved" only after a successful retrieval: a message that nobody fetched must not be lost to a handset
        // that says so too early.
        if self.delivery(id).is_some_and(|(_, delivery)| delivery.fetched.is_none()) {
            self.events.push_back(Event::Claimed);
            return Answer::NotFound;
        }
        self.end(now, id, State::Retrieved, report_allowed);
        Answer::Done
    }

    /// m-read-rec-ind: the sender hears of it if he asked.
    pub(super) fn read(
        &mut self,
        now: Time,
        by: &Party,
        id: &str,
        status: ReadStatus,
        date: Option<u64>,
    ) -> Answer {
        let Some(seq) = self.by_id.get(id).copied() else { return Answer::NotFound };
        let Some(envelope) = self.envelopes.get_mut(&seq) else { return Answer::NotFound };
        let wanted = envelope.read_report;
        let theirs = |delivery: &&mut super::super::message::Delivery| {
            delivery.to == *by && delivery.fetched.is_some()
        };
        let Some(delivery) = envelope.deliveries.iter_mut().find(theirs) else {
            self.events.push_back(Event::Denied);
            return Answer::NotFound;
        };
        // The first word counts.
        if delivery.reading.is_none() {
            let report = if wanted { Report::Due } else { Report::None };
            let date = date.unwrap_or(now.as_millis() / 1000);
            delivery.reading = Some(Reading { status: status.code(), date, report });
            self.put(seq);
            self.report_what_is_due(now, seq);
        }
        Answer::Done
    }

    /// m-delete-req. A message that was not fetched is rejected, as far as its sender is told; of one that was fetched and never
    /// acknowledged nobody knows what became of it.
    pub(super) fn delete(&mut self, now: Time, by: &Party, locations: &[String]) -> Answer {
        let delete = |location: &String| {
            let token = location.rsplit('/').next().unwrap_or_default();
            let id = self.by_token.get(token).copied();
            let mine = id.and_then(|id| self.delivery(id).map(|(_, delivery)| (id, delivery)));
            let mine = mine.filter(|(_, delivery)| delivery.to == *by && !delivery.state.is_final());
            let Some((id, delivery)) = mine else {
                self.events.push_back(Event::Denied);
                return false;
            };
            let state = if delivery.fetched.is_some() { State::Indeterminate } else { State::Rejected };
            self.end(now, id, state, true);
            true
        };
        Answer::Deleted(locations.iter().map(delete).collect())
    }

    /// A sender takes back what nobody has fetched.
    pub(super) fn cancel(&mut self, now: Time, by: &Party, id: &str) -> Answer {
        let Some(seq) = self.by_id.get(id).copied() else { return Answer::NotFound };
        if self.envelopes.get(&seq).is_none_or(|envelope| envelope.from.as_ref() != Some(by)) {
            return Answer::NotFound;
        }
        let places = self.open_places(seq);
        if places.is_empty() {
            return Answer::TooLate;
        }
        for place in places {
            self.end(now, DeliveryId { message: seq, place }, State::Cancelled, false);
        }
        Answer::Done
    }

    /// What is known of a message, for its sender.
    pub(super) fn look(&self, by: Option<&Party>, id: &str) -> Answer {
        let seq = self.by_id.get(id);
        let envelope = seq.and_then(|seq| self.envelopes.get(seq));
        match envelope.filter(|envelope| by.is_none_or(|by| envelope.from.as_ref() == Some(by))) {
            Some(envelope) => Answer::Known(Box::new(envelope.clone())),
            None => Answer::NotFound,
        }
    }
}
