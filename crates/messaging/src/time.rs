//! Times as text: RFC 3339 in UTC, as PAP and the JSON interface have them.

use jiff::Timestamp;

/// Milliseconds since 1970 of `2026-01-31T12:00:00Z`; none when it is no time, or before 1970.
#[must_use]
pub fn parse(text: &str) -> Option<u64> {
    let moment: Timestamp = text.trim().parse().ok()?;
    u64::try_from(moment.as_millisecond()).ok()
}

/// The other way round, in whole seconds.
#[must_use]
pub fn stamp(millis: u64) -> String {
    let seconds = i64::try_from(millis / 1000).unwrap_or(i64::MAX);
    let moment = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
    format!("{moment:.0}")
}
