//! The bell: how often it rang, and in which cadence.
//!
//! A set hears bursts, and knows that the ringing is over only when the next burst does not come: it waits for as long as the longest pause of any cadence.

use std::collections::VecDeque;
use std::time::Duration;

use strowger_sansio::Time;

use crate::tone::{RingPattern, TonePlan};

/// A pause after which the bell rings no longer: longer than the six seconds that is the longest in any cadence.
pub(super) const RINGING_OVER: Duration = Duration::from_millis(6_500);
/// Spans that are kept: two cycles of the longest cadence.
const SPANS: usize = 12;
/// How much a span may differ from the cadence's: the grain of frames, and a fifth.
const GRAIN: u32 = 60;

/// The patterns that are told apart, the usual one first.
const PATTERNS: [RingPattern; 7] = [
    RingPattern::Normal,
    RingPattern::Distinctive(1),
    RingPattern::Distinctive(2),
    RingPattern::Distinctive(3),
    RingPattern::Distinctive(4),
    RingPattern::Distinctive(5),
    RingPattern::Splash,
];

/// The bell of a set.
#[derive(Clone, Debug, Default)]
pub(super) struct Ringer {
    current: bool,
    changed: Time,
    bursts: u32,
    /// The spans of on and off in turn, in milliseconds, the newest last.
    spans: VecDeque<(bool, u32)>,
}

impl Ringer {
    /// Current appears or goes away; says whether that is a change.
    pub(super) fn current(&mut self, now: Time, on: bool) -> bool {
        if on == self.current {
            return false;
        }
        let span = now.since(self.changed);
        if on && span >= RINGING_OVER {
            self.bursts = 0;
            self.spans.clear();
        } else {
            if self.spans.len() >= SPANS {
                self.spans.pop_front();
            }
            if self.bursts > 0 {
                self.spans.push_back((self.current, u32::try_from(span.as_millis()).unwrap_or(u32::MAX)));
            }
        }
        self.bursts += u32::from(on);
        self.current = on;
        self.changed = now;
        true
    }

    /// The handset was lifted: the bell is off the line.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    pub(super) const fn sounds(&self) -> bool {
        self.current
    }

    /// Whether the telephone is being rung: in a burst, or in the pause between two.
    pub(super) fn is_ringing(&self, now: Time) -> bool {
        self.current || self.bursts > 0 && now.since(self.changed) < RINGING_OVER
    }

    /// When a telephone that falls silent is no longer being rung.
    pub(super) fn over_at(&self) -> Option<Time> {
        (!self.current && self.bursts > 0).then(|| self.changed + RINGING_OVER)
    }

    pub(super) const fn bursts(&self) -> u32 {
        self.bursts
    }

    /// The first of the patterns of a country that the spans heard make a whole cycle of.
    pub(super) fn pattern(&self, now: Time, plan: &TonePlan) -> Option<RingPattern> {
        PATTERNS.into_iter().find(|pattern| {
            let cadence = plan.ringing(*pattern);
            if cadence.once {
                // One burst, and nothing after it.
                let burst = self.spans.iter().filter(|(on, _)| *on).map(|(_, span)| *span);
                return !self.current
                    && self.bursts == 1
                    && now.since(self.changed) >= RINGING_OVER
                    && burst.zip(cadence.spans).all(|(heard, span)| close(heard, *span));
            }
            self.is_cycle(cadence.spans)
        })
    }

    /// Whether the newest spans are a whole cycle, begun at a burst: the pause before it is the cycle's last.
    fn is_cycle(&self, cadence: &[u32]) -> bool {
        let heard: Vec<(bool, u32)> = self.spans.iter().copied().collect();
        heard.windows(cadence.len()).rev().any(|window| {
            window.first().is_some_and(|(on, _)| *on)
                && window.iter().zip(cadence).all(|((_, heard), span)| close(*heard, *span))
        })
    }
}

fn close(heard: u32, span: u32) -> bool {
    heard.abs_diff(span) <= GRAIN + span / 10
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rings with a cadence for some time; gives the ringer and the time.
    fn rung(plan: &TonePlan, pattern: RingPattern, millis: u64) -> (Ringer, Time) {
        let cadence = plan.ringing(pattern);
        let mut ringer = Ringer::default();
        let start = Time::from_secs(100);
        for at in (0..millis).step_by(10) {
            ringer.current(start + Duration::from_millis(at), cadence.is_on(at));
        }
        (ringer, start + Duration::from_millis(millis))
    }

    #[test]
    fn each_country_s_ringing_is_known_after_one_cycle() {
        for plan in TonePlan::all() {
            let period = u64::from(plan.ringing(RingPattern::Normal).period());
            let (ringer, now) = rung(plan, RingPattern::Normal, period + 20);
            assert_eq!(ringer.pattern(now, plan), Some(RingPattern::Normal), "{}", plan.country());
            assert!(ringer.is_ringing(now));
        }
    }

    #[test]
    fn distinctive_ringing_is_told_from_the_normal_and_from_each_other() {
        let plan = TonePlan::of("de").unwrap();
        for number in 1..=4 {
            let (ringer, now) = rung(plan, RingPattern::Distinctive(number), 9000);
            assert_eq!(ringer.pattern(now, plan), Some(RingPattern::Distinctive(number)));
        }
        let (ringer, now) = rung(plan, RingPattern::Splash, 8000);
        assert_eq!(
            ringer.pattern(now, plan),
            Some(RingPattern::Distinctive(5)),
            "a splash is the fifth pattern"
        );
    }

    #[test]
    fn the_bell_rings_through_its_pauses_and_is_over_when_no_burst_comes() {
        let plan = TonePlan::north_america();
        let (mut ringer, now) = rung(plan, RingPattern::Normal, 13_000);
        assert_eq!((ringer.bursts(), ringer.sounds()), (3, true));
        ringer.current(now, false);
        let over = ringer.over_at().unwrap();
        assert!(ringer.is_ringing(over - Duration::from_millis(1)) && !ringer.is_ringing(over));
        ringer.current(over + Duration::from_secs(60), true);
        assert_eq!(ringer.bursts(), 1, "another call is counted anew");
    }
}
