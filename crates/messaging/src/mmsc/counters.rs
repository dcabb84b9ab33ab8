//! What an MMSC has done, as numbers for metrics and lines for the log.

use std::sync::atomic::Ordering;

use super::engine::Population;
use super::message::State;
use super::request::{Event, Purpose};
pub(super) use crate::counters::count;
use crate::counters::note;

counters! {
    /// Messages that were taken.
    accepted: "strowger_mmsc_accepted_total",
    /// Submissions that were refused.
    refused: "strowger_mmsc_refused_total",
    /// Submissions that were answered from memory.
    repeated: "strowger_mmsc_repeated_total",
    /// Transaction identifiers that were used again for another message.
    reused: "strowger_mmsc_reused_total",
    /// Messages that were handed out.
    fetched: "strowger_mmsc_fetched_total",
    /// Requests for what is not there or belongs to somebody else.
    denied: "strowger_mmsc_denied_total",
    /// Messages that handsets said they have without having fetched them.
    claimed: "strowger_mmsc_claimed_total",
    /// Requests from sources that nobody is known at.
    strangers: "strowger_mmsc_strangers_total",
    /// Requests that could not be read.
    malformed: "strowger_mmsc_malformed_total",
    /// Notifications that the push gateway took.
    notifications: "strowger_mmsc_notifications_total",
    /// Reports that the push gateway took.
    reports: "strowger_mmsc_reports_total",
    /// Pushes that the push gateway did not take.
    held: "strowger_mmsc_held_total",
    /// Deliveries that ended with the message fetched.
    retrieved: "strowger_mmsc_retrieved_total",
    /// Deliveries that ended with the message expired.
    expired: "strowger_mmsc_expired_total",
    /// Deliveries that ended otherwise.
    undelivered: "strowger_mmsc_undelivered_total",
    /// Rows of the store that could not be read and were set aside.
    unreadable: "strowger_mmsc_unreadable_rows_total",
    /// Messages that applications took.
    handed: "strowger_mmsc_handed_total",
    /// Reports that applications took.
    told: "strowger_mmsc_told_total",
    /// Messages and reports that applications did not take, or not yet.
    not_handed: "strowger_mmsc_not_handed_total",
    /// Messages and reports that wait for applications.
    handing: "strowger_mmsc_handing",
    /// Messages in the store, those that are only remembered among them.
    messages: "strowger_mmsc_messages",
    /// Messages that somebody still has to fetch.
    waiting: "strowger_mmsc_waiting",
    /// Octets of their contents.
    octets: "strowger_mmsc_octets",
    /// When the oldest of them was taken, in seconds since 1970; 0 when there is none.
    oldest: "strowger_mmsc_oldest_timestamp_seconds",
}

impl Counters {
    /// Counts and logs an event.
    pub(super) fn count(&self, event: &Event) {
        match event {
            Event::Accepted { id, from, recipients, octets } => {
                count(&self.accepted);
                tracing::info!(id, %from, recipients, octets, "message accepted");
            }
            Event::Repeated => count(&self.repeated),
            Event::Reused => count(&self.reused),
            Event::Refused(status) => {
                count(&self.refused);
                tracing::info!(%status, "message refused");
            }
            Event::Fetched => count(&self.fetched),
            Event::Denied => count(&self.denied),
            Event::Claimed => count(&self.claimed),
            Event::Ended { id, to, state } => {
                count(match state {
                    State::Retrieved => &self.retrieved,
                    State::Expired => &self.expired,
                    _ => &self.undelivered,
                });
                tracing::info!(id, %to, state = state.word(), "delivery ended");
            }
            Event::Pushed(Purpose::Notification) => count(&self.notifications),
            Event::Pushed(_) => count(&self.reports),
            Event::Held(_) => count(&self.held),
            Event::Handed(Purpose::Notification, _) => count(&self.handed),
            Event::Handed(..) => count(&self.told),
            Event::NotHanded { to, taken, .. } => {
                count(&self.not_handed);
                tracing::debug!(%to, ?taken, "a message or report was not taken");
            }
        }
    }

    /// Notes what there is.
    pub(super) fn measure(&self, population: &Population) {
        note(&self.messages, population.messages);
        note(&self.waiting, population.waiting);
        note(&self.handing, population.handing);
        self.octets.store(population.octets, Ordering::Relaxed);
        self.oldest.store(population.oldest.unwrap_or_default() / 1000, Ordering::Relaxed);
    }
}
