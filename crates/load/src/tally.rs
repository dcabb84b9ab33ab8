//! What became of the work: counts, latencies by name, failures by reason.

use std::borrow::Cow;
use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use strowger_sansio::{Duration, Time};

/// The longest latency that is told apart, in nanoseconds: what takes longer counts as this.
const LONGEST: u64 = 600_000_000_000;

/// The results of one load.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    begun: u64,
    done: u64,
    failed: BTreeMap<Cow<'static, str>, u64>,
    latencies: BTreeMap<&'static str, Histogram<u64>>,
    most_at_once: usize,
    held_back: u64,
    retransmissions: u64,
    first: Option<Time>,
    last: Option<Time>,
}

/// Latencies of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percentiles {
    /// How many were measured.
    pub count: u64,
    /// The median.
    pub p50: Duration,
    /// 90 of 100 took no longer.
    pub p90: Duration,
    /// 99 of 100 took no longer.
    pub p99: Duration,
    /// 999 of 1000 took no longer.
    pub p999: Duration,
    /// The longest.
    pub max: Duration,
}

impl Tally {
    /// A unit begins.
    pub(crate) fn begin(&mut self, now: Time, in_progress: usize) {
        self.begun += 1;
        self.first.get_or_insert(now);
        self.most_at_once = self.most_at_once.max(in_progress);
    }

    /// A unit has ended well.
    pub(crate) fn finish(&mut self, now: Time) {
        self.done += 1;
        self.last = Some(now);
    }

    /// A unit has failed.
    pub(crate) fn fail(&mut self, now: Time, why: impl Into<Cow<'static, str>>) {
        *self.failed.entry(why.into()).or_default() += 1;
        self.last = Some(now);
    }

    /// A unit was due and had nowhere to go: all endpoints were busy.
    pub(crate) fn hold_back(&mut self) {
        self.held_back += 1;
    }

    /// Commands were sent again so often.
    pub(crate) fn set_retransmissions(&mut self, count: u64) {
        self.retransmissions = count;
    }

    /// Something took this long.
    pub(crate) fn measure(&mut self, what: &'static str, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(LONGEST).clamp(1, LONGEST);
        if let Some(known) = self.latencies.get_mut(what) {
            known.saturating_record(nanos);
        } else if let Ok(mut new) = Histogram::new_with_bounds(1, LONGEST, 3) {
            new.saturating_record(nanos);
            self.latencies.insert(what, new);
        }
    }

    /// Units that were begun.
    #[must_use]
    pub fn begun(&self) -> u64 {
        self.begun
    }

    /// Units that ended well.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.done
    }

    /// Units that failed.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failed.values().sum()
    }

    /// Why units failed, and how many for each reason.
    pub fn reasons(&self) -> impl Iterator<Item = (&str, u64)> {
        self.failed.iter().map(|(why, count)| (why.as_ref(), *count))
    }

    /// Units that were due while all endpoints were busy, and so were begun late: with any, the rate that was asked for was not offered.
    #[must_use]
    pub fn held_back(&self) -> u64 {
        self.held_back
    }

    /// How many units were in progress at the same time at most.
    #[must_use]
    pub fn most_at_once(&self) -> usize {
        self.most_at_once
    }

    /// Commands that we sent again because no answer came in time.
    #[must_use]
    pub fn retransmissions(&self) -> u64 {
        self.retransmissions
    }

    /// From the beginning of the first unit to the end of the last.
    #[must_use]
    pub fn took(&self) -> Duration {
        match (self.first, self.last) {
            (Some(first), Some(last)) => last.since(first),
            _ => Duration::ZERO,
        }
    }

    /// Units that ended well, a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        let seconds = self.took().as_secs_f64();
        if seconds > 0.0 { self.done as f64 / seconds } else { 0.0 }
    }

    /// The latencies that were measured, by name.
    pub fn latencies(&self) -> impl Iterator<Item = (&'static str, Percentiles)> {
        self.latencies.iter().map(|(what, histogram)| (*what, percentiles(histogram)))
    }

    /// The latencies of this name.
    #[must_use]
    pub fn latency(&self, what: &str) -> Option<Percentiles> {
        self.latencies.get(what).map(percentiles)
    }
}

fn percentiles(histogram: &Histogram<u64>) -> Percentiles {
    let at = |quantile| Duration::from_nanos(histogram.value_at_quantile(quantile));
    Percentiles {
        count: histogram.len(),
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        p999: at(0.999),
        max: Duration::from_nanos(histogram.max()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_what_was_measured() {
        let mut tally = Tally::default();
        for millis in 1..=1000 {
            tally.measure("answer", Duration::from_millis(millis));
        }
        let Some(answer) = tally.latency("answer") else { panic!("measured") };
        let close = |is: Duration, millis: u64| {
            let wanted = Duration::from_millis(millis);
            is.abs_diff(wanted) <= wanted / 500
        };
        assert_eq!(answer.count, 1000);
        assert!(close(answer.p50, 500) && close(answer.p90, 900) && close(answer.p99, 990), "{answer:?}");
        assert!(close(answer.p999, 999) && close(answer.max, 1000), "{answer:?}");
    }

    #[test]
    fn a_rate_counts_what_ended_well() {
        let mut tally = Tally::default();
        for number in 0..10_u64 {
            tally.begin(Time::from_millis(number * 100), 1);
        }
        for _ in 0..8 {
            tally.finish(Time::from_secs(1));
        }
        tally.fail(Time::from_secs(2), "busy");
        tally.fail(Time::from_secs(2), "busy");
        assert!((tally.rate() - 4.0).abs() < f64::EPSILON);
        assert_eq!(tally.reasons().collect::<Vec<_>>(), [("busy", 2)]);
    }
}
