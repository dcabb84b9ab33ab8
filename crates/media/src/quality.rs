//! How good a conversation over a path can be: the E-model of ITU-T G.107, reduced to what packets can tell.
//!
//! `R = 93.2 - Id - Ie,eff`. All acoustic and electrical terms keep the model's defaults, which give the 93.2; the delay
//! impairment `Id` is the usual two-line approximation of the model's curves for a path without echo. `Ie,eff` follows
//! G.107 section 7.3 with the codec's `Ie` and `Bpl` of G.113 Appendix I. The expectation is the listener's at one end, so a
//! call has two ratings.
//!
//! Limits: a rating is a planning figure, not a measurement of anybody's opinion. Wideband speech that a narrowband
//! telephone plays is rated on the narrowband scale.

use std::time::Duration;

/// What a codec does to speech by itself, and how much packet loss it bears (G.113 Appendix I).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Impairment {
    /// `Ie`: the equipment impairment factor without loss.
    pub equipment: f64,
    /// `Bpl`: the packet-loss robustness factor.
    pub robustness: f64,
}

impl Impairment {
    /// G.711 with concealment of losses.
    pub const G711: Self = Self { equipment: 0.0, robustness: 25.1 };

    /// The row of an RTP encoding name; none of a codec without published figures.
    #[must_use]
    pub fn of(encoding_name: &str) -> Option<Self> {
        let row = CODECS.iter().find(|(name, ..)| name.eq_ignore_ascii_case(encoding_name));
        row.map(|(_, equipment, robustness)| Self { equipment: *equipment, robustness: *robustness })
    }
}

/// Encoding name, `Ie`, `Bpl`. G.722 as a narrowband telephone plays it loses nothing that G.711 would have kept.
const CODECS: [(&str, f64, f64); 6] = [
    ("PCMU", 0.0, 25.1),
    ("PCMA", 0.0, 25.1),
    ("G722", 0.0, 25.1),
    ("G723", 15.0, 16.1),
    ("G729", 11.0, 19.0),
    ("GSM-EFR", 5.0, 10.0),
];

/// `Ro - Is` with the defaults of G.107 table 2.
const BASE: f64 = 93.2;
/// Beyond this one-way delay in milliseconds a conversation suffers visibly.
const NOTICED_MS: f64 = 177.3;

/// What packets tell of one direction of a conversation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Path {
    /// The share of packets that were not played, 0 to 1: lost in the network or discarded as too late.
    pub loss: f64,
    /// Mean length of the bursts of loss over that of random loss; 1 when losses fall at random, or nobody knows.
    pub burst_ratio: f64,
    /// From mouth to ear: packetisation, network, play-out buffer.
    pub delay: Duration,
}

impl Path {
    /// A path without loss and delay.
    pub const IDEAL: Self = Self { loss: 0.0, burst_ratio: 1.0, delay: Duration::ZERO };

    /// The rating of speech in this codec over the path.
    #[must_use]
    pub fn rate(&self, codec: Impairment) -> Rating {
        Rating(BASE - self.delay_impairment() - self.equipment_impairment(codec))
    }

    /// `Id`.
    fn delay_impairment(&self) -> f64 {
        let millis = self.delay.as_secs_f64() * 1000.0;
        0.024 * millis + 0.11 * (millis - NOTICED_MS).max(0.0)
    }

    /// `Ie,eff` (G.107 section 7.3), with the loss in per cent.
    fn equipment_impairment(&self, codec: Impairment) -> f64 {
        let percent = if self.loss.is_nan() { 0.0 } else { self.loss.clamp(0.0, 1.0) * 100.0 };
        // Losses closer together than at random are 1 and more; fewer than at random is a far end's bad arithmetic.
        let burst = if self.burst_ratio.is_finite() { self.burst_ratio.max(1.0) } else { 1.0 };
        let Impairment { equipment, robustness } = codec;
        equipment + (95.0 - equipment) * percent / (percent / burst + robustness)
    }
}

/// The burst ratio of a stream in which so many packets were lost, in so many runs, of so many that were expected.
#[must_use]
pub fn burst_ratio(lost: u64, runs: u64, expected: u64) -> f64 {
    if runs == 0 || expected == 0 || lost >= expected {
        return 1.0;
    }
    let mean = lost as f64 / runs as f64;
    let random = expected as f64 / (expected - lost) as f64;
    mean / random
}

/// The rating factor `R`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Rating(f64);

impl Rating {
    /// The factor itself: 93.2 at best for narrowband speech, below 50 nearly everybody is dissatisfied.
    #[must_use]
    pub const fn factor(self) -> f64 {
        self.0.clamp(0.0, 100.0)
    }

    /// The mean opinion score of a conversation, 1 to 4.5 (G.107 Annex B).
    #[must_use]
    pub fn opinion(self) -> f64 {
        let r = self.0;
        if r <= 0.0 {
            return 1.0;
        }
        if r >= 100.0 {
            return 4.5;
        }
        // Below 6.5 the polynomial dips under the scale.
        (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, wanted: f64, within: f64) {
        assert!((found - wanted).abs() <= within, "{found} is not {wanted}");
    }

    #[test]
    fn ratings_give_the_opinions_that_annex_b_prints() {
        for (r, mos) in [(90.0, 4.34), (80.0, 4.03), (70.0, 3.60), (60.0, 3.10), (50.0, 2.58)] {
            // The table gives 80 as 4.03 where its own formula gives 4.024.
            near(Rating(r).opinion(), mos, 0.0065);
        }
        near(Path::IDEAL.rate(Impairment::G711).opinion(), 4.41, 0.005);
    }

    #[test]
    fn an_opinion_stays_on_its_scale_and_never_rises_when_the_rating_falls() {
        assert_eq!((Rating(-40.0).opinion(), Rating(140.0).opinion()), (1.0, 4.5));
        assert_eq!((Rating(-40.0).factor(), Rating(140.0).factor()), (0.0, 100.0));
        let opinions: Vec<f64> = (0..=1000).map(|tenth| Rating(f64::from(tenth) / 10.0).opinion()).collect();
        assert!(opinions.windows(2).all(|pair| pair[0] <= pair[1]));
        assert!(opinions.iter().all(|mos| (1.0..=4.5).contains(mos)));
    }

    /// By hand: 5 % of loss over G.711 costs 95 * 5 / (5 + 25.1) = 15.78; 250 ms cost 6 + 0.11 * 72.7 = 14.00.
    #[test]
    fn loss_and_delay_cost_what_the_formula_says() {
        let path = Path { loss: 0.05, ..Path::IDEAL };
        near(path.rate(Impairment::G711).factor(), 93.2 - 15.78, 0.01);
        let path = Path { delay: Duration::from_millis(250), ..Path::IDEAL };
        near(path.rate(Impairment::G711).factor(), 93.2 - 14.0, 0.01);
        let g729 = Impairment::of("g729").unwrap();
        near(Path::IDEAL.rate(g729).factor(), 82.2, 0.001);
        assert_eq!(Impairment::of("X-NEW"), None);
    }

    #[test]
    fn bursts_cost_more_than_the_same_loss_at_random() {
        let random = Path { loss: 0.03, ..Path::IDEAL };
        let bursts = Path { burst_ratio: 2.0, ..random };
        assert!(bursts.rate(Impairment::G711) < random.rate(Impairment::G711));
        for odd in [f64::NAN, f64::INFINITY, -3.0, 0.5] {
            assert_eq!(
                Path { burst_ratio: odd, ..random }.rate(Impairment::G711),
                random.rate(Impairment::G711)
            );
        }
        let all = Path { loss: f64::NAN, ..Path::IDEAL };
        assert_eq!(all.rate(Impairment::G711), Path::IDEAL.rate(Impairment::G711));
    }

    #[test]
    fn a_burst_ratio_is_the_mean_run_over_that_of_random_loss() {
        // Every fourth packet lost alone: runs of 1 where random loss has runs of 4/3.
        near(burst_ratio(250, 250, 1000), 0.75, 1e-9);
        near(burst_ratio(250, 50, 1000), 3.75, 1e-9);
        assert_eq!((burst_ratio(0, 0, 1000), burst_ratio(10, 1, 10), burst_ratio(1, 1, 0)), (1.0, 1.0, 1.0));
    }
}
