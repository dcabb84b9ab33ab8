//! What a receiver knows of one source: RFC 3550 Appendices A.1 (sequence validity), A.3 (loss) and A.8 (jitter).
//!
//! Limits: one source. A change of source starts a new record, and the session keeps the sums.

use strowger_sansio::Time;

use super::bursts::Bursts;

/// Sequence numbers in a cycle.
const CYCLE: u32 = 1 << 16;

/// The largest forward jump that is still a gap: 1 minute at 50 packets a second (A.1).
const MAX_DROPOUT: u16 = 3000;
/// The largest backward step that is still reordering: 2 seconds at 50 packets a second (A.1).
const MAX_MISORDER: u16 = 100;

/// How a packet's sequence number fits (A.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SequenceCheck {
    /// The highest so far; a gap of lost packets may lie before it.
    Newest,
    /// Late or a duplicate: behind the highest.
    Late,
    /// The source started anew: the statistics were reset.
    Restarted,
    /// A jump too large to believe yet; the packet is not counted.
    Jump,
}

/// The loss part of a report block (RFC 3550 section 6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct LossReport {
    /// The fraction lost since the last report, in 256ths.
    pub fraction: u8,
    /// The sum of packets lost, clamped to 24 bits with sign.
    pub cumulative: i32,
    /// The highest sequence number, extended by the count of cycles.
    pub extended_highest: u32,
}

/// The record of one source.
#[derive(Clone, Debug)]
pub struct Reception {
    ssrc: u32,
    base: u32,
    highest: u16,
    cycles: u32,
    /// The next number after a jump: when it arrives, the source has restarted.
    after_jump: Option<u16>,
    received: u64,
    /// Gaps in the sequence, as they were when a packet came behind one.
    loss_runs: u64,
    bursts: Bursts,
    expected_prior: u64,
    received_prior: u64,
    /// Relative transit time of the packet before, in timestamp units.
    transit: Option<u32>,
    /// The jitter, scaled by 16 as A.8 suggests.
    jitter_x16: u32,
}

impl Reception {
    /// A record that starts with the packet of this sequence number, which is not yet counted.
    #[must_use]
    pub fn new(ssrc: u32, sequence: u16) -> Self {
        Self {
            ssrc,
            base: u32::from(sequence),
            highest: sequence.wrapping_sub(1),
            cycles: if sequence == 0 { 0_u32.wrapping_sub(CYCLE) } else { 0 },
            after_jump: None,
            received: 0,
            loss_runs: 0,
            bursts: Bursts::default(),
            expected_prior: 0,
            received_prior: 0,
            transit: None,
            jitter_x16: 0,
        }
    }

    /// The source.
    #[must_use]
    pub const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Counts a packet (A.1 `update_seq`, for a source that is valid).
    #[inline]
    pub fn count(&mut self, sequence: u16) -> SequenceCheck {
        let ahead = sequence.wrapping_sub(self.highest);
        if ahead < MAX_DROPOUT && ahead > 0 {
            if sequence < self.highest {
                self.cycles = self.cycles.wrapping_add(CYCLE);
            }
            self.loss_runs += u64::from(ahead > 1);
            self.bursts.lost(u64::from(ahead) - 1);
            self.bursts.received();
            self.highest = sequence;
            self.received += 1;
            return SequenceCheck::Newest;
        }
        if ahead > 0 && u32::from(ahead) <= CYCLE - u32::from(MAX_MISORDER) {
            if self.after_jump != Some(sequence) {
                self.after_jump = Some(sequence.wrapping_add(1));
                return SequenceCheck::Jump;
            }
            *self = Self { transit: None, ..Self::new(self.ssrc, sequence) };
            self.count(sequence);
            return SequenceCheck::Restarted;
        }
        self.received += 1;
        SequenceCheck::Late
    }

    /// Takes the jitter of a packet into account (A.8), for a clock of 8 kHz.
    #[inline]
    pub fn measure_jitter(&mut self, arrival: Time, timestamp: u32) {
        self.measure_jitter_units((arrival.as_nanos() / 125_000) as u32, timestamp);
    }

    /// As [`Self::measure_jitter`], for any clock, with the arrival in its units.
    #[inline]
    pub fn measure_jitter_units(&mut self, arrival: u32, timestamp: u32) {
        let transit = arrival.wrapping_sub(timestamp);
        if let Some(before) = self.transit.replace(transit) {
            let difference = transit.wrapping_sub(before).cast_signed().unsigned_abs();
            // A jump of the timestamp's origin is no jitter: beyond 2^26 units (over two hours) the sum would overflow.
            let difference = difference.min(1 << 26);
            self.jitter_x16 = self.jitter_x16 + difference - ((self.jitter_x16 + 8) >> 4);
        }
    }

    /// The interarrival jitter in timestamp units (section 6.4.1).
    #[must_use]
    pub const fn jitter(&self) -> u32 {
        self.jitter_x16 >> 4
    }

    /// The highest sequence number, extended by the count of cycles.
    #[must_use]
    pub const fn extended_highest(&self) -> u32 {
        self.cycles.wrapping_add(self.highest as u32)
    }

    /// Packets received, late ones and duplicates included.
    #[must_use]
    pub const fn received(&self) -> u64 {
        self.received
    }

    /// Packets expected (A.3).
    #[must_use]
    pub const fn expected(&self) -> u64 {
        (self.extended_highest().wrapping_sub(self.base)).wrapping_add(1) as u64
    }

    /// Runs of lost packets. A run whose packets were only late counts as well.
    #[must_use]
    pub const fn loss_runs(&self) -> u64 {
        self.loss_runs
    }

    /// How losses and discards cluster. A packet that came late is not taken back.
    #[must_use]
    pub const fn bursts(&self) -> &Bursts {
        &self.bursts
    }

    /// The packet that came last was not played.
    pub fn discarded(&mut self) {
        self.bursts.discarded();
    }

    /// Packets lost (A.3); negative when there were more duplicates than losses.
    #[must_use]
    pub const fn lost(&self) -> i64 {
        self.expected().cast_signed() - self.received.cast_signed()
    }

    /// The loss part of a report block; starts a new interval (A.3).
    pub fn report(&mut self) -> LossReport {
        let expected_interval = self.expected().saturating_sub(self.expected_prior);
        let received_interval = self.received.saturating_sub(self.received_prior);
        self.expected_prior = self.expected();
        self.received_prior = self.received;
        let lost_interval = expected_interval.saturating_sub(received_interval);
        let fraction = (lost_interval << 8).checked_div(expected_interval).unwrap_or(0);
        LossReport {
            fraction: u8::try_from(fraction).unwrap_or(u8::MAX),
            cumulative: i32::try_from(self.lost().clamp(-0x80_0000, 0x7F_FFFF)).unwrap_or(0),
            extended_highest: self.extended_highest(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts the sequence numbers of a range, less those that are lost.
    fn counted(first: u16, count: u32, lost: impl Fn(u32) -> bool) -> Reception {
        let mut reception = Reception::new(1, first);
        for n in (0..count).filter(|n| !lost(*n)) {
            reception.count(first.wrapping_add(n as u16));
        }
        reception
    }

    #[test]
    fn loss_is_what_was_expected_less_what_came() {
        let mut reception = counted(65_000, 2000, |n| n % 10 == 9);
        // The last one is lost, too, and nobody can know.
        assert_eq!((reception.expected(), reception.received(), reception.lost()), (1999, 1800, 199));
        assert_eq!(reception.extended_highest(), 65_000 + 1998);
        let report = reception.report();
        assert_eq!(report, LossReport { fraction: 25, cumulative: 199, extended_highest: 66_998 });
    }

    #[test]
    fn losses_in_a_row_are_one_run() {
        let reception = counted(65_000, 2000, |n| n % 100 >= 95 || n % 100 == 50);
        // The last run has nothing behind it.
        assert_eq!((reception.lost(), reception.loss_runs()), (6 * 20 - 5, 39));
    }

    #[test]
    fn many_cycles_are_counted() {
        let reception = counted(0, 200_000, |_| false);
        assert_eq!((reception.expected(), reception.lost()), (200_000, 0));
        assert_eq!(reception.extended_highest(), 199_999);
        let reception = counted(40_000, 200_000, |n| n == 25_536);
        assert_eq!(
            (reception.expected(), reception.lost()),
            (200_000, 1),
            "the first number of a cycle is lost"
        );
    }

    #[test]
    fn the_fraction_is_that_of_the_interval() {
        let mut reception = counted(10, 100, |_| false);
        assert_eq!(reception.report().fraction, 0);
        for n in (110..210_u16).filter(|n| n % 4 != 0 || *n == 208) {
            reception.count(n);
        }
        // 24 of 99 or 100: the interval has 100 numbers, 110 to 209.
        let report = reception.report();
        assert_eq!((report.cumulative, report.fraction), (24, (24 * 256 / 100) as u8));
        assert_eq!(reception.report().fraction, 0, "nothing was expected since");
    }

    #[test]
    fn duplicates_make_loss_negative_and_the_fraction_zero() {
        let mut reception = counted(0, 10, |_| false);
        for _ in 0..3 {
            assert_eq!(reception.count(9), SequenceCheck::Late);
        }
        let report = reception.report();
        assert_eq!((report.cumulative, report.fraction), (-3, 0));
    }

    #[test]
    fn a_late_packet_is_not_lost() {
        let mut reception = counted(65_530, 20, |n| n == 5);
        assert_eq!(reception.lost(), 1);
        assert_eq!(reception.count(65_535), SequenceCheck::Late);
        assert_eq!((reception.lost(), reception.extended_highest()), (0, 65_549));
    }

    #[test]
    fn the_sum_of_losses_stops_at_24_bits() {
        let mut reception = Reception::new(1, 0);
        reception.count(0);
        for n in 1..6000_u32 {
            reception.count((n * 2900) as u16);
        }
        assert!(reception.lost() > 0x80_0000);
        assert_eq!(reception.report().cumulative, 0x7F_FFFF);
    }

    #[test]
    fn a_jump_is_believed_when_the_next_packet_follows_it() {
        let mut reception = counted(100, 50, |n| n == 3);
        assert_eq!(reception.count(20_000), SequenceCheck::Jump);
        assert_eq!(reception.count(150), SequenceCheck::Newest, "a stray number changed nothing");
        assert_eq!(reception.count(30_000), SequenceCheck::Jump);
        assert_eq!(reception.count(30_001), SequenceCheck::Restarted);
        assert_eq!((reception.received(), reception.lost(), reception.extended_highest()), (1, 0, 30_001));
    }

    #[test]
    fn a_gap_below_a_minute_is_loss_and_a_step_back_below_two_seconds_is_reordering() {
        let mut reception = counted(0, 200, |_| false);
        assert_eq!(reception.count(199 + 2999), SequenceCheck::Newest);
        assert_eq!(reception.lost(), 2998);
        assert_eq!(reception.count(199 + 2999 - 99), SequenceCheck::Late);
        assert_eq!(reception.count(199 + 2999 - 200), SequenceCheck::Jump);
    }

    /// A.8 by hand: packets of 160 units, the arrivals 0, 180, 320, 500 and 640 give transits 0, 20, 0, 20, 0 and so |D| = 20 each.
    #[test]
    fn jitter_follows_the_worked_example() {
        let mut reception = Reception::new(1, 0);
        let mut exact = 0.0_f64;
        for (n, arrival) in [0_u32, 180, 320, 500, 640].into_iter().enumerate() {
            reception.measure_jitter_units(arrival, n as u32 * 160);
            if n > 0 {
                exact += (20.0 - exact) / 16.0;
            }
        }
        // 20 (1 - (15/16)^4) = 4.55 in real numbers.
        assert!((exact - 4.55).abs() < 0.01);
        assert_eq!(reception.jitter(), exact as u32);
    }

    #[test]
    fn jitter_converges_to_the_mean_deviation_and_survives_the_wrap_of_the_clock() {
        let mut reception = Reception::new(1, 0);
        for n in 0..1000_u32 {
            let timestamp = (u32::MAX - 40_000).wrapping_add(n * 160);
            let arrival = 7_000_u32.wrapping_add(n * 160).wrapping_add(if n % 2 == 0 { 80 } else { 0 });
            reception.measure_jitter_units(arrival, timestamp);
        }
        assert!(reception.jitter().abs_diff(80) <= 1, "{}", reception.jitter());
    }

    #[test]
    fn jitter_of_a_steady_stream_is_zero_whatever_the_clocks() {
        let mut reception = Reception::new(1, 0);
        for n in 0..100_u32 {
            let arrival = Time::from_millis(1_000_000 + u64::from(n) * 20);
            reception.measure_jitter(arrival, 0xFFFF_FF00_u32.wrapping_add(n * 160));
        }
        assert_eq!(reception.jitter(), 0);
    }
}
