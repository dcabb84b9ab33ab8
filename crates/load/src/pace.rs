//! When work is due: through a window (closed loop) or at a rate (open loop), until a number or a time is reached.

use strowger_sansio::{Duration, Time};

/// How work is offered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Offer {
    /// So many at the same time; the next one begins when one has ended.
    Window(usize),
    /// So many a second, however long each takes.
    Rate(f64),
}

/// How much work is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// So many units.
    Count(u64),
    /// As many as fit into this time.
    For(Duration),
}

/// The pace of one load.
#[derive(Clone, Debug)]
pub struct Pace {
    offer: Offer,
    amount: Amount,
    start: Time,
    offered: u64,
    stopped: bool,
}

impl Pace {
    /// A pace that begins at `start`.
    #[must_use]
    pub fn new(start: Time, offer: Offer, amount: Amount) -> Self {
        Self { offer, amount, start, offered: 0, stopped: false }
    }

    /// When the next unit is due, given how many are in progress; none while the window is full or when all have been offered. A
    /// unit that is late is measured from here, so that a peer that stalls cannot hide it by delaying the load itself.
    #[must_use]
    pub fn due(&self, now: Time, in_progress: usize) -> Option<Time> {
        if self.is_over(now) {
            return None;
        }
        let due = match self.offer {
            Offer::Window(window) if in_progress < window => now.max(self.start),
            Offer::Window(_) => return None,
            Offer::Rate(rate) => self.start + after(self.offered, rate),
        };
        self.end().is_none_or(|end| due < end).then_some(due)
    }

    /// A unit was offered.
    pub fn offer(&mut self) {
        self.offered += 1;
    }

    /// How many were offered so far.
    #[must_use]
    pub fn offered(&self) -> u64 {
        self.offered
    }

    /// Offers no more.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// Whether all that will be offered has been.
    #[must_use]
    pub fn is_over(&self, now: Time) -> bool {
        let enough = match (self.amount, self.offer) {
            (Amount::Count(count), _) => self.offered >= count,
            // What was due before the end is still offered, however late it is.
            (Amount::For(time), Offer::Rate(rate)) => after(self.offered, rate) >= time,
            (Amount::For(time), Offer::Window(_)) => now >= self.start + time,
        };
        self.stopped || enough
    }

    /// When the time is over, if it is a time.
    #[must_use]
    pub fn end(&self) -> Option<Time> {
        match self.amount {
            Amount::For(time) => Some(self.start + time),
            Amount::Count(_) => None,
        }
    }
}

/// How long after the start the unit with this number is due.
fn after(number: u64, rate: f64) -> Duration {
    Duration::try_from_secs_f64(number as f64 / rate).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_lets_the_next_one_in_when_one_has_ended() {
        let start = Time::from_secs(1);
        let mut pace = Pace::new(start, Offer::Window(2), Amount::Count(3));
        assert_eq!(pace.due(start, 0), Some(start));
        pace.offer();
        pace.offer();
        assert_eq!(pace.due(start, 2), None);
        assert_eq!(pace.due(start, 1), Some(start));
        pace.offer();
        assert!(pace.is_over(start));
        assert_eq!(pace.due(start, 0), None);
    }

    #[test]
    fn a_rate_goes_on_however_many_are_in_progress() {
        let start = Time::from_secs(1);
        let mut pace = Pace::new(start, Offer::Rate(4.0), Amount::For(Duration::from_secs(1)));
        let mut due = Vec::new();
        while let Some(at) = pace.due(Time::from_secs(9), 1000) {
            due.push(at.since(start).as_millis());
            pace.offer();
        }
        assert_eq!(due, [0, 250, 500, 750]);
        assert!(pace.is_over(start));
    }

    #[test]
    fn a_window_ends_with_its_time() {
        let pace = Pace::new(Time::ZERO, Offer::Window(1), Amount::For(Duration::from_secs(2)));
        assert!(pace.due(Time::from_millis(1999), 0).is_some());
        assert!(pace.due(Time::from_secs(2), 0).is_none());
    }
}
