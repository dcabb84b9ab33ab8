//! Times as text: RFC 3339 in UTC, as PAP and the JSON interface have them.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo, Timestamp, Unit};

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

/// The same as [`parse`], and a time without a zone is one of UTC, as XML Schema allows.
#[must_use]
pub fn parse_local(text: &str) -> Option<u64> {
    let without_zone = || {
        let moment: DateTime = text.trim().parse().ok()?;
        let moment = moment.to_zoned(TimeZone::UTC).ok()?.timestamp();
        u64::try_from(moment.as_millisecond()).ok()
    };
    parse(text).or_else(without_zone)
}

/// Seconds of `P1DT2H`, a day being 24 hours; none when it is no span, is negative, or has months, which have no length of their own.
#[must_use]
pub fn span(text: &str) -> Option<u64> {
    let span: Span = text.trim().parse().ok()?;
    let seconds = span.total((Unit::Second, SpanRelativeTo::days_are_24_hours())).ok()?;
    // Ten thousand years are enough, and can be told exactly.
    (0.0..=3.2e11).contains(&seconds).then_some(seconds as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_spans_of_xml_schema_are_read() {
        assert_eq!(parse_local("1970-01-02T00:00:00Z"), Some(86_400_000));
        assert_eq!(parse_local("1970-01-02T01:00:00.000+01:00"), Some(86_400_000));
        assert_eq!(parse_local("1970-01-02T00:00:00"), Some(86_400_000));
        assert_eq!(parse_local("tomorrow"), None);
        for (text, seconds) in [
            ("PT60S", Some(60)),
            ("P3D", Some(259_200)),
            ("P1DT2H", Some(93_600)),
            ("P1M", None),
            ("-P1D", None),
        ] {
            assert_eq!(span(text), seconds, "{text}");
        }
    }
}
