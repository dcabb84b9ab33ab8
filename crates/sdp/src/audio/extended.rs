//! `a=rtcp-xr`: which extended RTCP reports are wanted (RFC 3611 section 5.1).
//!
//! Limits: the formats of telephony, VoIP metrics and the round trip of a receiver; the others are passed over.

use std::fmt;

/// The wanted reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ExtendedReports {
    /// `voip-metrics`.
    pub voip_metrics: bool,
    /// `rcvr-rtt`, from all receivers or from those that send as well.
    pub round_trip: bool,
}

impl ExtendedReports {
    /// What the attribute's value asks for. An attribute without one asks for nothing.
    #[must_use]
    pub fn parse(value: &str) -> Self {
        let mut wanted = Self::default();
        for format in value.split_ascii_whitespace() {
            // `rcvr-rtt=all:10`: a mode and a number of octets.
            let name = format.split(['=', ':']).next().unwrap_or_default();
            wanted.voip_metrics |= name == "voip-metrics";
            wanted.round_trip |= name == "rcvr-rtt";
        }
        wanted
    }

    /// Whether nothing is wanted.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        !self.voip_metrics && !self.round_trip
    }
}

impl fmt::Display for ExtendedReports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let formats = [(self.round_trip, "rcvr-rtt=all"), (self.voip_metrics, "voip-metrics")];
        let wanted = formats.into_iter().filter(|(is_wanted, _)| *is_wanted).map(|(_, name)| name);
        f.write_str(&wanted.collect::<Vec<_>>().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_read_with_their_parameters_and_others_passed_over() {
        let read = |value| {
            let ExtendedReports { voip_metrics, round_trip } = ExtendedReports::parse(value);
            (voip_metrics, round_trip)
        };
        assert_eq!(
            read("pkt-loss-rle pkt-rcpt-times stat-summary=loss,dup rcvr-rtt=all:10 voip-metrics"),
            (true, true)
        );
        assert_eq!(read("rcvr-rtt=sender"), (false, true));
        assert_eq!(read("voip-metrics2 x-voip-metrics"), (false, false));
        assert_eq!(read(""), (false, false));
        let both = ExtendedReports { voip_metrics: true, round_trip: true };
        assert_eq!(ExtendedReports::parse(&both.to_string()), both);
        assert!(ExtendedReports::parse("").is_empty());
    }
}
