//! Dates of the Gregorian calendar in UTC.

/// Year, month and day of a day counted from the first of 1970, also of days before it.
///
/// Years are counted here from March on, so that a leap day is the last of its year, in eras of 400 years.
#[must_use]
pub const fn civil_date(days: i64) -> (i64, u8, u8) {
    let days = days.saturating_add(719_468);
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + (month <= 2) as i64;
    // A month has 1 to 12, a day 1 to 31.
    (year, month as u8, day as u8)
}

#[cfg(test)]
mod tests {
    use super::civil_date;

    #[test]
    fn days_are_counted_from_1970_through_leap_years_and_centuries() {
        for (days, date) in [
            (0, (1970, 1, 1)),
            (-1, (1969, 12, 31)),
            (11_016, (2000, 2, 29)),
            (11_017, (2000, 3, 1)),
            (12_477, (2004, 2, 29)),
            (47_540, (2100, 2, 28)),
            (47_541, (2100, 3, 1)),
            (-719_468, (0, 3, 1)),
            (2_932_896, (9999, 12, 31)),
        ] {
            assert_eq!(civil_date(days), date, "{days}");
        }
    }

    #[test]
    fn no_day_is_left_out_or_told_twice() {
        let mut before = civil_date(-200_000);
        for days in -199_999..200_000 {
            let date = civil_date(days);
            assert!(date > before, "{days}: {before:?} {date:?}");
            let is_next = date.2 == before.2 + 1 || (date.2 == 1 && before.2 >= 28);
            assert!(is_next, "{days}: {before:?} {date:?}");
            before = date;
        }
    }
}
