//! Rates for each party: so many a minute, and a burst after a pause. One number a party is kept, and only while it matters.

use std::collections::BTreeMap;

use strowger_sansio::{Duration, Time};

use super::super::party::Party;

/// Parties whose numbers are kept; past it those that matter no more are swept.
const SWEEP: usize = 4096;

/// A rate.
#[derive(Clone, Copy, Debug)]
pub(in crate::mmsc) struct Allowance {
    interval: Duration,
    burst: u32,
}

impl Allowance {
    /// So many a minute, and so many at once after a pause; zero a minute is no limit.
    pub(in crate::mmsc) fn new(a_minute: u32, burst: u32) -> Self {
        let interval = Duration::from_secs(60).checked_div(a_minute).unwrap_or_default();
        Self { interval, burst: burst.max(1) }
    }
}

/// What each party has used.
#[derive(Clone, Debug)]
pub(in crate::mmsc) struct Allowances {
    allowance: Allowance,
    /// When each would have been served if everything had come evenly.
    served: BTreeMap<Party, Time>,
}

impl Allowances {
    pub(in crate::mmsc) fn new(allowance: Allowance) -> Self {
        Self { allowance, served: BTreeMap::new() }
    }

    /// Takes `count` at once if the party may.
    pub(in crate::mmsc) fn take(&mut self, now: Time, party: &Party, count: u32) -> bool {
        let Allowance { interval, burst } = self.allowance;
        if interval.is_zero() {
            return true;
        }
        let served = self.served.get(party).copied().unwrap_or_default().max(now);
        let next = served + interval * count;
        // More than a burst at once is let through after a pause as long as itself, else it never were.
        if next > now + interval * burst.max(count) {
            return false;
        }
        self.note(now, party, next);
        true
    }

    /// Takes one, and says when it may go.
    pub(in crate::mmsc) fn queue(&mut self, now: Time, party: &Party) -> Time {
        let Allowance { interval, burst } = self.allowance;
        let served = self.served.get(party).copied().unwrap_or_default().max(now);
        self.note(now, party, served + interval);
        (served - interval * (burst - 1)).max(now)
    }

    fn note(&mut self, now: Time, party: &Party, next: Time) {
        if self.served.len() >= SWEEP && !self.served.contains_key(party) {
            self.served.retain(|_, served| *served > now);
        }
        self.served.insert(party.clone(), next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party(number: u32) -> Party {
        Party::Number(number.to_string())
    }

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let mut senders = Allowances::new(Allowance::new(60, 3));
        let start = Time::from_secs(1000);
        assert!((0..3).all(|_| senders.take(start, &party(1), 1)));
        assert!(!senders.take(start, &party(1), 1));
        assert!(senders.take(start, &party(2), 1), "others do not notice");
        assert!(senders.take(start + Duration::from_secs(1), &party(1), 1));
        assert!(!senders.take(start + Duration::from_secs(1), &party(1), 1));
    }

    #[test]
    fn what_waits_goes_one_by_one() {
        let mut reports = Allowances::new(Allowance::new(60, 2));
        let start = Time::from_secs(1000);
        let times: Vec<_> = (0..4).map(|_| reports.queue(start, &party(1)) - start).collect();
        assert_eq!(times, [0, 0, 1, 2].map(Duration::from_secs));
    }

    #[test]
    fn a_crowd_of_parties_does_not_grow_the_table_for_ever() {
        let mut senders = Allowances::new(Allowance::new(60, 1));
        for number in 0..100_000 {
            assert!(senders.take(
                Time::from_secs(1000) + Duration::from_millis(number),
                &party(number as u32),
                1
            ));
        }
        assert!(senders.served.len() <= SWEEP + 1100, "{}", senders.served.len());
    }
}
