//! Dates from seconds: the proleptic Gregorian calendar in UTC.

use std::fmt;

use strowger_sansio::civil_date;

/// Seconds since 1970, shown as a date: `2024-01-01T00:00:00Z`; far ones as seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Utc(pub u64);

impl Utc {
    /// Year, month, day, hour, minute, second; none beyond the year 9999.
    #[must_use]
    pub fn fields(self) -> Option<(u16, u8, u8, u8, u8, u8)> {
        let (days, rest) = (self.0 / 86_400, self.0 % 86_400);
        if self.0 > 253_402_300_799 {
            return None;
        }
        let (year, month, day) = civil_date(i64::try_from(days).ok()?);
        let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
        Some((year as u16, month, day, hour as u8, minute as u8, second as u8))
    }

    /// Seconds of a date; none when it is no date, or before 1970.
    #[must_use]
    pub fn from_fields(year: u16, month: u8, day: u8, hour: u8, minute: u8, second: u8) -> Option<Self> {
        if !(1970..=9999).contains(&year)
            || !(1..=12).contains(&month)
            || hour > 23
            || minute > 59
            || second > 59
        {
            return None;
        }
        let (year, month) = (u64::from(year), u64::from(month));
        let year_from_march = if month <= 2 { year - 1 } else { year };
        let (era, of_era) = (year_from_march / 400, year_from_march % 400);
        let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + u64::from(day) - 1;
        let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
        let seconds = u64::from(hour) * 3_600 + u64::from(minute) * 60 + u64::from(second);
        let utc = Self(days * 86_400 + seconds);
        // A day that the month does not have would be another date.
        utc.fields().is_some_and(|fields| fields.2 == day && u64::from(fields.1) == month).then_some(utc)
    }
}

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fields() {
            Some((year, month, day, hour, minute, second)) => {
                write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
            }
            None => write!(f, "{} s", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_dates_and_dates_are_seconds() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (0x6592_0080, "2024-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            let utc = Utc(seconds);
            assert_eq!(utc.to_string(), text);
            let (year, month, day, hour, minute, second) = utc.fields().unwrap();
            assert_eq!(Utc::from_fields(year, month, day, hour, minute, second), Some(utc));
        }
        assert_eq!(Utc(u64::MAX).to_string(), "18446744073709551615 s");
        assert_eq!(Utc::from_fields(2023, 2, 29, 0, 0, 0), None);
        assert_eq!(Utc::from_fields(2023, 4, 31, 0, 0, 0), None);
        assert_eq!(Utc::from_fields(1969, 12, 31, 0, 0, 0), None);
        assert_eq!(Utc::from_fields(2023, 0, 1, 0, 0, 0), None);
    }
}
