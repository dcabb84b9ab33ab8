//! The wall clock of reports: RFC 3550 section 4, a 64-bit NTP timestamp.

use std::time::Duration;

use strowger_sansio::Time;

/// Seconds since 1900 and their fraction, 32 bits each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct NtpTime(pub u64);

impl NtpTime {
    /// The wall clock at `now`, when it was `origin` at the origin of [`Time`].
    #[must_use]
    pub fn at(origin: Self, now: Time) -> Self {
        let nanos = now.as_nanos();
        let seconds = nanos / 1_000_000_000;
        let fraction = (u128::from(nanos % 1_000_000_000) << 32) / 1_000_000_000;
        Self(origin.0.wrapping_add(seconds << 32).wrapping_add(fraction as u64))
    }

    /// The middle 32 bits, in units of 1/65536 s: the form of LSR (section 6.4.1).
    #[must_use]
    pub const fn middle(self) -> u32 {
        (self.0 >> 16) as u32
    }
}

/// A span in units of 1/65536 s as time.
#[must_use]
pub(crate) fn span(units: u32) -> Duration {
    Duration::from_nanos((u64::from(units) * 1_000_000_000) >> 16)
}

/// Time as a span in units of 1/65536 s; the largest when it is longer.
#[must_use]
pub(crate) fn units(span: Duration) -> u32 {
    u32::try_from((span.as_nanos() << 16) / 1_000_000_000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_clock_runs_with_the_time() {
        let origin = NtpTime(0xB44D_B705 << 32);
        assert_eq!(NtpTime::at(origin, Time::from_millis(125)), NtpTime(0xB44D_B705_2000_0000));
        assert_eq!(NtpTime::at(origin, Time::from_millis(125)).middle(), 0xB705_2000);
        assert_eq!(NtpTime::at(origin, Time::from_secs(3)).0 >> 32, 0xB44D_B708);
    }

    #[test]
    fn spans_convert_both_ways() {
        assert_eq!(units(Duration::from_millis(5250)), 0x0005_4000);
        assert_eq!(span(0x0006_2000), Duration::from_millis(6125));
        assert_eq!(units(Duration::from_secs(1 << 20)), u32::MAX);
    }
}
