//! What a receiver knows of one source: RFC 3550 Appendices A.1 (sequence validity), A.3 (loss) and A.8 (jitter).
//!
//! Limits: one source. A change of source starts a new record, and the session keeps the sums.

use strowger_sansio::Time;

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

    /// Takes the jitter of a packet into account (A.8). `clock_rate` is in Hz.
    #[inline]
    pub fn measure_jitter(&mut self, arrival: Time, timestamp: u32, clock_rate: u32) {
        let units = u128::from(arrival.as_nanos()) * u128::from(clock_rate) / 1_000_000_000;
        self.measure_jitter_units(units as u32, timestamp);
    }

    /// As [`Self::measure_jitter`], with the arrival in timestamp units.
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

    /// Forgets the packet before, so that a jump of the timestamp's origin is not taken for jitter.
    pub fn restart_jitter(&mut self) {
        self.transit = None;
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
