//! The time of day: what stands in observed events and service changes (RFC 3525 Annex B.2, `TimeStamp`).

use std::time::Duration;

use strowger_sansio::Time;

use crate::message::TimeStamp;

/// What the engine's time is on the calendar, in UTC. A gateway that was not told sends no time stamps.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TimeOfDay {
    known: Option<(Time, Duration)>,
}

impl TimeOfDay {
    /// At `now` it is `since_1970` after the beginning of 1970.
    pub(super) const fn set(&mut self, now: Time, since_1970: Duration) {
        self.known = Some((now, since_1970));
    }

    pub(super) fn stamp(&self, at: Time) -> Option<TimeStamp> {
        let (then, since) = self.known?;
        let since = if at >= then { since + at.since(then) } else { since.saturating_sub(then.since(at)) };
        TimeStamp::of(since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_eight_digits_of_date_and_eight_of_time() {
        let text = |seconds, millis| {
            TimeStamp::of(Duration::from_secs(seconds) + Duration::from_millis(millis)).unwrap().to_string()
        };
        assert_eq!(text(0, 0), "19700101T00000000");
        assert_eq!(text(951_782_400, 999), "20000229T00000099");
        assert_eq!(text(1_078_012_800, 0), "20040229T00000000");
        assert_eq!(text(4_107_542_399, 10), "21000228T23595901");
        let mut clock = TimeOfDay::default();
        assert_eq!(clock.stamp(Time::ZERO), None);
        clock.set(Time::from_secs(100), Duration::from_secs(86_400));
        assert_eq!(clock.stamp(Time::from_secs(99)).unwrap().to_string(), "19700101T23595900");
        assert_eq!(clock.stamp(Time::from_secs(161)).unwrap().to_string(), "19700102T00010100");
    }
}
