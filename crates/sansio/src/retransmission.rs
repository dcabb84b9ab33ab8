//! When to repeat what was not answered: the estimate of a peer's answering time, and the timer that backs off from it.
//!
//! MGCP (RFC 3435 sections 3.5.3 and 4.3) and Megaco (RFC 3525 Annex D.1.3) borrow both from TCP in the same words: a smoothed average
//! delay (AAD) and a smoothed deviation (ADEV), fed only by transactions that were never repeated (Karn's rule); after each
//! repetition the average doubles, and the timer is drawn from its upper half. All arithmetic is on whole nanoseconds.

use std::time::Duration;

use crate::Rng;

/// The bounds of a retransmission timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtoBounds {
    /// Towards a peer whose answering time is not known yet.
    pub initial: Duration,
    /// The least.
    pub least: Duration,
    /// The greatest.
    pub greatest: Duration,
    /// N in `AAD + N * ADEV`.
    pub deviation_factor: u32,
}

/// How long a peer takes to answer.
#[derive(Clone, Debug, Default)]
pub struct AnswerTimes {
    average: Option<Duration>,
    deviation: Duration,
    /// The timer of the last retransmission that was answered, for the next new transmission.
    inherited: Option<Duration>,
}

impl AnswerTimes {
    /// The timer of a new transmission. The one after an answered retransmission inherits that one's timer.
    pub fn first_rto(&mut self, bounds: &RtoBounds) -> Duration {
        let rto = self.rto(bounds);
        self.inherited.take().unwrap_or(rto).clamp(bounds.least, bounds.greatest)
    }

    /// AAD + N * ADEV, within its bounds.
    fn rto(&self, bounds: &RtoBounds) -> Duration {
        let computed = match self.average {
            Some(average) => average + self.deviation * bounds.deviation_factor,
            None => bounds.initial,
        };
        computed.clamp(bounds.least, bounds.greatest)
    }

    /// The timer of a transmission that is not a new command, and so takes no inherited timer from one.
    #[must_use]
    pub fn backoff(&self, bounds: &RtoBounds) -> Backoff {
        Backoff::new(self.rto(bounds), self, bounds)
    }

    /// A transaction was answered without any retransmission.
    pub fn observe(&mut self, delay: Duration) {
        let Some(average) = self.average else {
            self.average = Some(delay);
            self.deviation = delay / 2;
            return;
        };
        self.deviation = (self.deviation * 3 + delay.abs_diff(average)) / 4;
        self.average = Some((average * 7 + delay) / 8);
    }

    /// A transaction was answered after its timer had been backed off to `rto`.
    pub fn inherit(&mut self, rto: Duration) {
        self.inherited = Some(rto);
    }

    /// The part of a timer that is the expected delay: T-DELAY before the first repetition. The deviation is added to it anew
    /// each time, so it must not be doubled with it.
    fn t_delay(&self, rto: Duration, bounds: &RtoBounds) -> Duration {
        let least = self.average.unwrap_or(rto).min(rto);
        rto.saturating_sub(self.deviation.saturating_mul(bounds.deviation_factor)).max(least)
    }

    /// The smoothed delay; none before the first measured answer.
    #[must_use]
    pub fn average(&self) -> Option<Duration> {
        self.average
    }
}

/// The retransmission timer of one transmission, doubling with each repetition.
#[derive(Clone, Debug)]
pub struct Backoff {
    /// T-DELAY.
    delay: Duration,
    rto: Duration,
}

impl Backoff {
    /// The timer of a first transmission that waits for `rto`.
    #[must_use]
    pub fn new(rto: Duration, times: &AnswerTimes, bounds: &RtoBounds) -> Self {
        Self { delay: times.t_delay(rto, bounds), rto }
    }

    /// How long to wait.
    #[must_use]
    pub fn rto(&self) -> Duration {
        self.rto
    }

    /// Doubles T-DELAY and draws the next timer, so that peers disturbed by one event do not answer it in step.
    pub fn next(&mut self, rng: &mut Rng, times: &AnswerTimes, bounds: &RtoBounds) -> Duration {
        self.delay = self.delay.saturating_mul(2);
        let drawn = rng.duration(self.delay / 2, self.delay);
        let padded = drawn.saturating_add(times.deviation.saturating_mul(bounds.deviation_factor));
        self.rto = padded.clamp(bounds.least, bounds.greatest);
        self.rto
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const BOUNDS: RtoBounds = RtoBounds {
        initial: Duration::from_millis(200),
        least: Duration::from_millis(200),
        greatest: Duration::from_secs(4),
        deviation_factor: 4,
    };

    #[test]
    fn a_steady_peer_brings_the_timer_down_to_its_delay() {
        let bounds = RtoBounds { least: MS, ..BOUNDS };
        let mut peer = AnswerTimes::default();
        assert_eq!(peer.first_rto(&bounds), bounds.initial);
        for _ in 0..50 {
            peer.observe(40 * MS);
        }
        let rto = peer.first_rto(&bounds);
        assert!((40 * MS..42 * MS).contains(&rto), "{rto:?}");
        peer.observe(500 * MS);
        assert!(peer.first_rto(&bounds) > 400 * MS, "a late answer widens the deviation at once");
    }

    #[test]
    fn the_timer_of_an_answered_retransmission_serves_exactly_one_new_transmission() {
        let bounds = BOUNDS;
        let mut peer = AnswerTimes::default();
        peer.inherit(1700 * MS);
        assert_eq!(peer.first_rto(&bounds), 1700 * MS);
        assert_eq!(peer.first_rto(&bounds), bounds.initial);
    }

    #[test]
    fn each_repetition_doubles_within_the_random_half_and_stops_at_the_maximum() {
        let bounds = BOUNDS;
        let mut rng = Rng::from_number(5);
        let times = AnswerTimes::default();
        for _ in 0..200 {
            let mut backoff = Backoff::new(200 * MS, &times, &bounds);
            let mut delay = 200 * MS;
            for _ in 0..7 {
                delay *= 2;
                let rto = backoff.next(&mut rng, &times, &bounds);
                assert!(
                    rto >= (delay / 2).min(bounds.greatest) && rto <= delay.min(bounds.greatest),
                    "{rto:?}"
                );
            }
        }
    }

    #[test]
    fn a_repetition_doubles_the_expected_delay_and_adds_the_deviation_once() {
        let bounds = RtoBounds { least: MS, ..BOUNDS };
        let mut rng = Rng::from_number(6);
        let mut peer = AnswerTimes::default();
        for delay in [400, 440].into_iter().cycle().take(100) {
            peer.observe(delay * MS);
        }
        let (average, padding) = (peer.average().unwrap(), peer.deviation * bounds.deviation_factor);
        for _ in 0..200 {
            let rto = peer.first_rto(&bounds);
            assert_eq!(rto, average + padding);
            let next = Backoff::new(rto, &peer, &bounds).next(&mut rng, &peer, &bounds);
            assert!(next >= average + padding && next <= average * 2 + padding, "{next:?}");
        }
    }
}
