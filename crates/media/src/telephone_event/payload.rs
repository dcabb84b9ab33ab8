//! The event report: RFC 4733 section 2.3.

/// Octets of a report.
pub(super) const REPORT_LEN: usize = 4;

/// One report of one event. A payload holds several when events follow each other without a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventReport {
    /// The event's code; 0 to 15 are the digits.
    pub event: u8,
    /// Whether the event has ended.
    pub end: bool,
    /// The level of a tone in -dBm0, 0 to 63.
    pub volume: u8,
    /// How long it has lasted, in timestamp units.
    pub duration: u16,
}

impl EventReport {
    /// The reports of a payload, in order. Octets at the end that are no whole report are left out.
    pub fn decode(payload: &[u8]) -> impl Iterator<Item = Self> + '_ {
        payload.as_chunks::<REPORT_LEN>().0.iter().map(|[event, flags, d0, d1]| Self {
            event: *event,
            end: flags & 0x80 != 0,
            volume: flags & 0x3F,
            duration: u16::from_be_bytes([*d0, *d1]),
        })
    }

    /// The four octets. The reserved bit is zero.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; REPORT_LEN] {
        let [d0, d1] = self.duration.to_be_bytes();
        [self.event, (self.end as u8) << 7 | self.volume & 0x3F, d0, d1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_reads_back_as_it_was_written() {
        let report = EventReport { event: 11, end: true, volume: 10, duration: 1600 };
        assert_eq!(report.to_bytes(), [11, 0x8A, 0x06, 0x40]);
        assert_eq!(EventReport::decode(&report.to_bytes()).collect::<Vec<_>>(), [report]);
    }

    #[test]
    fn the_reserved_bit_is_ignored_and_odd_octets_are_left_out() {
        let reports: Vec<_> = EventReport::decode(&[1, 0x7F, 0, 1, 2, 0, 0, 2, 9, 9]).collect();
        assert_eq!(reports.len(), 2);
        assert_eq!((reports[0].volume, reports[0].end), (63, false));
        assert_eq!(EventReport::decode(&[1, 2, 3]).count(), 0);
    }
}
