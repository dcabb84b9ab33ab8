//! What an MMSC has done, as numbers for metrics and lines for the log.

use std::sync::atomic::{AtomicU64, Ordering};

use super::engine::Population;
use super::message::State;
use super::request::{Event, Purpose};

/// Counts since the start, and what there is now.
#[derive(Debug, Default)]
pub struct Counters {
    /// Messages taken.
    pub accepted: AtomicU64,
    /// Submissions refused.
    pub refused: AtomicU64,
    /// Submissions answered from memory.
    pub repeated: AtomicU64,
    /// Transaction identifiers used again for another message.
    pub reused: AtomicU64,
    /// Messages handed out.
    pub fetched: AtomicU64,
    /// Requests for what is not there or belongs to somebody else.
    pub denied: AtomicU64,
    /// Messages that handsets said they have without having fetched them.
    pub claimed: AtomicU64,
    /// Requests from sources that nobody is known at.
    pub strangers: AtomicU64,
    /// Requests that could not be read.
    pub malformed: AtomicU64,
    /// Notifications that the push gateway took.
    pub notifications: AtomicU64,
    /// Reports that it took.
    pub reports: AtomicU64,
    /// Pushes that it did not take.
    pub held: AtomicU64,
    /// Deliveries that ended with the message fetched.
    pub retrieved: AtomicU64,
    /// With the message expired.
    pub expired: AtomicU64,
    /// Otherwise.
    pub undelivered: AtomicU64,
    /// Messages, those that are remembered among them.
    pub messages: AtomicU64,
    /// Messages that somebody still has to fetch.
    pub waiting: AtomicU64,
    /// Octets of bodies.
    pub octets: AtomicU64,
}

/// Adds one.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
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
        }
    }

    /// Notes what there is.
    pub(super) fn measure(&self, population: &Population) {
        let note = |counter: &AtomicU64, value: usize| counter.store(value as u64, Ordering::Relaxed);
        note(&self.messages, population.messages);
        note(&self.waiting, population.waiting);
        self.octets.store(population.octets, Ordering::Relaxed);
    }
}
