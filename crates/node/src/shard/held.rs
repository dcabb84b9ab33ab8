//! What is not sent before a record is kept: a telephone that has its 200 to REGISTER is where it said, whatever becomes of this
//! process.
//!
//! It costs a telephone the flush of the disk, and nobody else anything. A store that takes longer than [`MOST`] is not waited for: the
//! telephone would ask again by then, and calls go on without a store.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use strowger_sansio::Transmit;

use super::Shard;

/// How long something is held at most: T1 of SIP, when a telephone would ask again.
const MOST: Duration = Duration::from_millis(500);

/// What waits for records, in their order.
#[derive(Debug, Default)]
pub(super) struct Held(VecDeque<Waits>);

#[derive(Debug)]
struct Waits {
    /// How many records must be kept.
    records: u64,
    due: Instant,
    transmits: Vec<Transmit>,
}

impl Held {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// When the first is sent whatever is kept.
    pub(super) fn due(&self) -> Option<Instant> {
        self.0.front().map(|first| first.due)
    }

    fn hold(&mut self, now: Instant, records: u64, transmits: Vec<Transmit>) {
        self.0.push_back(Waits { records, due: now + MOST, transmits });
    }

    /// What need not wait any more.
    fn pop(&mut self, now: Instant, kept: u64) -> Option<Vec<Transmit>> {
        let is_free = |first: &&Waits| first.records <= kept || first.due <= now;
        self.0.front().filter(is_free)?;
        self.0.pop_front().map(|first| first.transmits)
    }
}

impl Shard {
    /// Sends what follows from a message of SIP; what follows from a registration when that is kept.
    pub(super) fn collect_sip(&mut self) {
        if !self.exchange.has_registration() {
            return self.collect();
        }
        let transmits: Vec<_> = std::iter::from_fn(|| self.exchange.poll_transmit()).collect();
        self.tell();
        self.held.hold(Instant::now(), self.ledger.given(), transmits);
        self.release();
    }

    /// Sends what need not wait any more.
    pub(super) fn release(&mut self) {
        while let Some(transmits) = self.held.pop(Instant::now(), self.ledger.kept()) {
            transmits.into_iter().for_each(|transmit| self.send(transmit));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_for_a_record_leaves_when_that_is_kept_or_half_a_second_later() {
        let (mut held, now) = (Held::default(), Instant::now());
        held.hold(now, 3, Vec::new());
        held.hold(now + Duration::from_millis(100), 4, Vec::new());
        assert_eq!(held.due(), Some(now + MOST));
        assert!(held.pop(now, 2).is_none());
        assert!(held.pop(now, 3).is_some());
        assert!(held.pop(now, 3).is_none(), "each waits for its own");
        assert!(held.pop(now + Duration::from_millis(599), 3).is_none());
        assert!(held.pop(now + Duration::from_millis(600), 3).is_some(), "calls go on without a store");
        assert!(held.is_empty());
    }
}
