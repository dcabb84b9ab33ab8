//! The one place of this crate where the host's clocks are read.
//!
//! What is kept on disk has the wall's time, and the engines need one that never steps back. Here both are one: nanoseconds since 1970
//! in UTC, read from the wall once at the start and counted monotonically from there. A wall that is set later is followed at the
//! next start.

use std::time::{Instant, SystemTime};

use strowger_sansio::{Duration, Time};

/// A clock whose origin is 1970. Copies agree.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    unix: Duration,
}

impl Clock {
    /// Reads the wall.
    #[must_use]
    pub fn start() -> Self {
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { start: Instant::now(), unix }
    }

    /// The engines' time.
    #[must_use]
    pub fn now(&self) -> Time {
        Time::ZERO + self.unix + self.start.elapsed()
    }

    /// When the host's timers must fire for `time`; far deadlines are cut to an hour, which costs one idle wake-up.
    #[must_use]
    pub fn instant(&self, time: Time) -> Instant {
        Instant::now() + time.since(self.now()).min(Duration::from_secs(3600))
    }
}
