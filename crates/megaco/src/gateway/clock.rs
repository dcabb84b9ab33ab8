//! The time of day: what stands in observed events and service changes (RFC 3525 Annex B.2, `TimeStamp`).

use std::time::Duration;

use strowger_sansio::{Time, civil_date};

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
        stamp(since)
    }
}

fn stamp(since_1970: Duration) -> Option<TimeStamp> {
    let seconds = since_1970.as_secs();
    let (year, month, day) = civil_date(i64::try_from(seconds / 86_400).ok()?);
    let of_day = seconds % 86_400;
    let hundredths = since_1970.subsec_millis() / 10;
    let date = format!("{year:04}{month:02}{day:02}");
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    let time = format!("{hour:02}{minute:02}{second:02}{hundredths:02}");
    TimeStamp::new(date.as_bytes(), time.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_eight_digits_of_date_and_eight_of_time() {
        let text = |seconds, millis| {
            stamp(Duration::from_secs(seconds) + Duration::from_millis(millis)).unwrap().to_string()
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
