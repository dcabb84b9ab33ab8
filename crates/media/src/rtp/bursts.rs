//! Loss in bursts and gaps: the counters of RFC 3611 Appendix A.2.
//!
//! A gap is a stretch in which at least 16 packets are received between any two losses; what lies between gaps is a burst. A burst is what is
//! heard as a fault, a loss within a gap is concealed.

/// `Gmin`.
pub const GAP_THRESHOLD: u8 = 16;

/// The counters, named as in the appendix: transitions between received and lost in gaps (1, 4) and in bursts (2, 3).
#[derive(Clone, Debug, Default)]
pub struct Bursts {
    received: u64,
    lost: u64,
    c11: u64,
    c13: u64,
    c14: u64,
    c22: u64,
    c23: u64,
    c33: u64,
}

/// What the counters say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct BurstSummary {
    /// The part of packets that did not play within bursts, in 256ths.
    pub burst_density: u8,
    /// The same within gaps.
    pub gap_density: u8,
    /// The mean length of a burst in packets.
    pub burst_packets: u64,
    /// The mean length of a gap in packets.
    pub gap_packets: u64,
}

impl Bursts {
    /// A packet came.
    #[inline]
    pub const fn received(&mut self) {
        self.received += 1;
    }

    /// So many packets in a row did not.
    pub fn lost(&mut self, count: u64) {
        if count == 0 {
            return;
        }
        if self.received >= u64::from(GAP_THRESHOLD) {
            *(if self.lost <= 1 { &mut self.c14 } else { &mut self.c13 }) += 1;
            self.lost = 1;
            self.c11 += self.received;
        } else {
            self.lost += 1;
            match self.received.checked_sub(1) {
                None => self.c33 += 1,
                Some(before) => {
                    self.c23 += 1;
                    self.c22 += before;
                }
            }
        }
        self.received = 0;
        self.lost += count - 1;
        self.c33 += count - 1;
    }

    /// The packet that came last was not played.
    pub fn discarded(&mut self) {
        self.received = self.received.saturating_sub(1);
        self.lost(1);
    }

    /// What is known until now: as the appendix computes it, with the packets since the last loss taken for a part of a gap.
    #[must_use]
    pub fn summary(&self) -> BurstSummary {
        let (c11, c13) = (self.c11 + self.received, self.c13.max(1));
        let (c31, c32) = (self.c13, self.c23);
        let total = c11 + self.c14 + self.c13 + self.c22 + self.c23 + c31 + c32 + self.c33;
        let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
        let p32 = share(c32 as f64, (c31 + c32 + self.c33) as f64);
        let p23 = if self.c22 + self.c23 < 1 {
            1.0
        } else {
            1.0 - share(self.c22 as f64, (self.c22 + self.c23) as f64)
        };
        let any = c31 + c32 + self.c33 > 0;
        let burst = if any { share(p23, p23 + p32) } else { 0.0 };
        let gap = share(self.c14 as f64, (c11 + self.c14) as f64);
        let gap_packets = (c11 + self.c14 + self.c13) / c13;
        BurstSummary {
            burst_density: in_256ths(burst),
            gap_density: in_256ths(gap),
            burst_packets: (total / c13).saturating_sub(gap_packets),
            gap_packets,
        }
    }
}

/// A share in 256ths; the whole is 255.
fn in_256ths(share: f64) -> u8 {
    (share * 256.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `.` is a packet that came, `x` one that did not.
    fn counted(pattern: &str, times: usize) -> BurstSummary {
        let mut bursts = Bursts::default();
        for letter in pattern.repeat(times).bytes() {
            if letter == b'x' { bursts.lost(1) } else { bursts.received() }
        }
        bursts.summary()
    }

    #[test]
    fn a_stream_without_loss_is_one_gap() {
        assert_eq!(
            counted(&".".repeat(100), 10),
            BurstSummary { gap_packets: 1000, ..BurstSummary::default() }
        );
    }

    #[test]
    fn single_losses_far_apart_stay_within_a_gap() {
        let summary = counted(&format!("{}x", ".".repeat(49)), 100);
        assert_eq!((summary.burst_density, summary.gap_density), (0, 5), "one in fifty is 5 in 256");
        assert!(summary.burst_packets <= 1, "{summary:?}");
    }

    #[test]
    fn losses_close_together_are_a_burst_of_their_density() {
        // Bursts of nine packets, five of them lost, after 91 that came.
        let summary = counted(&format!("{}x.x.x.x.x", ".".repeat(91)), 50);
        assert_eq!(summary.gap_density, 0);
        assert!((128..=150).contains(&summary.burst_density), "{summary:?}");
        assert!((8..=10).contains(&summary.burst_packets), "{summary:?}");
        assert!((90..=93).contains(&summary.gap_packets), "{summary:?}");
    }

    #[test]
    fn a_run_counts_like_its_losses_one_by_one() {
        let mut run = Bursts::default();
        let mut single = Bursts::default();
        for _ in 0..20 {
            (0..30).for_each(|_| {
                run.received();
                single.received();
            });
            run.lost(7);
            (0..7).for_each(|_| single.lost(1));
        }
        assert_eq!(run.summary(), single.summary());
        assert!(run.summary().burst_density > 250, "{:?}", run.summary());
    }

    #[test]
    fn a_discarded_packet_is_as_good_as_lost() {
        let (mut discarded, mut lost) = (Bursts::default(), Bursts::default());
        for n in 0..1000 {
            discarded.received();
            if n % 7 == 0 {
                discarded.discarded();
                lost.lost(1);
            } else {
                lost.received();
            }
        }
        assert_eq!(discarded.summary(), lost.summary());
    }
}
