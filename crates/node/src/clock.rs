//! The one place where the host's clocks are read.
//!
//! Engines live on a monotonic clock that starts at the process's origin. What the wall shows is asked anew for each
//! conversion, so that a clock that was set does not bend durations: the times of one record fit each other, and the
//! latest of them fits the wall at the moment of writing.

use std::time::{Instant, SystemTime};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use strowger_exchange::WallClock;
use strowger_sansio::{Duration, Time};

/// The past that an exchange's clock has: ten years, so that calls that an earlier process began have a time too.
const PAST: Duration = Duration::from_secs(10 * 365 * 86_400);

/// Two clocks that are read within this are read at once: a reading takes some 50 ns.
const AT_ONCE: Duration = Duration::from_nanos(500);
/// How often it is tried again.
const LOOKS: u32 = 8;

/// The host's clocks. Copies share the origin.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
    /// The engines' time at the origin.
    past: Duration,
}

impl Clock {
    /// A clock that starts now.
    #[must_use]
    pub fn start() -> Self {
        Self { origin: Instant::now(), past: Duration::ZERO }
    }

    /// A clock that starts now, and on which what was before this process has a time.
    #[must_use]
    pub fn with_past() -> Self {
        Self { origin: Instant::now(), past: PAST }
    }

    /// The engines' time.
    #[must_use]
    pub fn now(&self) -> Time {
        self.at(Instant::now())
    }

    /// The engines' time at `instant`.
    #[must_use]
    pub fn at(&self, instant: Instant) -> Time {
        let nanos = instant.saturating_duration_since(self.origin).as_nanos();
        Time::ZERO + self.past + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// When the host's timers must fire for `time`; far deadlines are cut to a day, which costs one idle wake-up.
    #[must_use]
    pub fn instant(&self, time: Time) -> Instant {
        let now = Instant::now();
        let wait = time.since(self.at(now)).min(Duration::from_secs(86_400));
        now + wait
    }

    /// What the wall shows now, to convert engine times by.
    #[must_use]
    pub fn wall(&self) -> Wall {
        // Whoever is interrupted between the two clocks would see them apart: of several looks the quickest counts.
        let look = || {
            let before = self.now();
            let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            let took = self.now().since(before);
            (took, Wall { now: before + took / 2, unix })
        };
        let (mut took, mut wall) = look();
        for _ in 0..LOOKS {
            if took <= AT_ONCE {
                break;
            }
            let again = look();
            if again.0 < took {
                (took, wall) = again;
            }
        }
        wall
    }
}

/// The relation of engine time and wall time at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wall {
    now: Time,
    unix: Duration,
}

impl Wall {
    /// The wall shows `unix`, since 1970 in UTC, at the engines' `now`.
    #[must_use]
    pub const fn new(now: Time, unix: Duration) -> Self {
        Self { now, unix }
    }

    /// What the wall showed at `time`, since 1970 in UTC.
    #[must_use]
    pub fn unix(&self, time: Time) -> Duration {
        if time >= self.now {
            self.unix.saturating_add(time.since(self.now))
        } else {
            self.unix.saturating_sub(self.now.since(time))
        }
    }

    /// The engines' time when the wall showed `unix`; the earliest there is for what lies before that.
    #[must_use]
    pub fn time(&self, unix: Duration) -> Time {
        if unix >= self.unix {
            self.now + (unix - self.unix)
        } else {
            Time::ZERO + self.now.since(Time::ZERO).saturating_sub(self.unix - unix)
        }
    }

    /// The moment of the relation, on the engines' clock.
    #[must_use]
    pub const fn now(&self) -> Time {
        self.now
    }

    /// The moment of the relation, since 1970 in UTC.
    #[must_use]
    pub const fn now_unix(&self) -> Duration {
        self.unix
    }

    /// What the wall showed at `time`, as RFC 3339 text in UTC with milliseconds.
    #[must_use]
    pub fn stamp(&self, time: Time) -> String {
        stamp(self.unix(time))
    }

    /// The same to the nanosecond, for what is read back.
    #[must_use]
    pub fn exact_stamp(&self, time: Time) -> String {
        exact_stamp(self.unix(time))
    }

    /// It as the exchange wants it, with the local offset of this moment.
    #[must_use]
    pub fn for_exchange(&self) -> WallClock {
        let moment = timestamp(self.unix);
        let utc_offset = TimeZone::system().to_offset(moment).seconds();
        WallClock { unix: self.unix, utc_offset }
    }
}

/// `2025-11-20T13:29:00.250Z`.
#[must_use]
pub fn stamp(unix: Duration) -> String {
    format!("{:.3}", timestamp(unix))
}

/// `2025-11-20T13:29:00.250000000Z`, for what is read back.
#[must_use]
pub fn exact_stamp(unix: Duration) -> String {
    format!("{:.9}", timestamp(unix))
}

/// The other way round; none for text that is no time.
#[must_use]
pub fn parse_stamp(text: &str) -> Option<Duration> {
    let moment: Timestamp = text.parse().ok()?;
    u64::try_from(moment.as_nanosecond()).ok().map(Duration::from_nanos)
}

fn timestamp(unix: Duration) -> Timestamp {
    let nanos = i128::try_from(unix.as_nanos()).unwrap_or(i128::MAX);
    Timestamp::from_nanosecond(nanos).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engine_times_become_wall_times_on_both_sides_of_now() {
        let wall = Wall::new(Time::from_secs(100), Duration::from_millis(1_700_000_000_250));
        assert_eq!(wall.stamp(Time::from_secs(100)), "2023-11-14T22:13:20.250Z");
        assert_eq!(wall.stamp(Time::from_secs(40)), "2023-11-14T22:12:20.250Z");
        assert_eq!(wall.stamp(Time::from_secs(101)), "2023-11-14T22:13:21.250Z");
        for time in [Time::from_secs(40), Time::from_secs(100), Time::from_secs(101)] {
            assert_eq!(wall.time(wall.unix(time)), time);
        }
        assert_eq!(wall.time(Duration::ZERO), Time::ZERO);
        assert_eq!(wall.stamp(Time::MAX).len(), 24, "far beyond is still text");
    }

    #[test]
    fn a_stamp_is_read_back() {
        let unix = Duration::from_millis(1_700_000_000_001);
        assert_eq!(parse_stamp(&stamp(unix)), Some(unix));
        assert_eq!(parse_stamp("yesterday"), None);
        assert_eq!(stamp(Duration::ZERO), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn a_time_that_is_kept_comes_back_to_the_nanosecond() {
        let wall = Wall::new(Time::from_secs(100), Duration::from_nanos(1_700_000_000_250_000_001));
        let at = Time::from_nanos(99_999_999_999);
        let kept = wall.exact_stamp(at);
        assert_eq!(kept, "2023-11-14T22:13:20.250000000Z");
        assert_eq!(parse_stamp(&kept).map(|unix| wall.time(unix)), Some(at));
        let another = Wall::new(Time::from_secs(7), Duration::from_nanos(1_700_000_003_123_456_789));
        let back = another.time(parse_stamp(&kept).unwrap());
        assert_eq!((another.stamp(back), another.exact_stamp(back)), (wall.stamp(at), kept));
    }

    #[test]
    fn a_deadline_that_never_comes_does_not_overflow_the_host_clock() {
        let clock = Clock::start();
        assert!(clock.instant(Time::MAX) > Instant::now());
        assert!(clock.instant(Time::ZERO) <= Instant::now());
    }
}
