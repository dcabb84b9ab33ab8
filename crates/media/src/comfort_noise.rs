//! Comfort noise: the payload of RFC 3389 under the static number 13 (RFC 3551 section 4.5), and the noise that it asks for.
//!
//! A payload is the noise level as one octet in -dBov, and may go on with reflection coefficients of its spectrum. We send
//! the level alone and play white noise at it; a receiver may leave the spectrum out.
//!
//! dBov is relative to the overload of the system: a square wave at the largest value is 0 dBov. The largest sine of G.711 is
//! +3.17 dBm0 and has half of that power, so 0 dBov is +6.18 dBm0.

use strowger_sansio::Rng;

use crate::frame::{Frame, sine_peak, to_sample};

/// 0 dBov in dBm0.
const OVERLOAD_DBM0: f64 = 6.18;
/// The part of the way to a new level that is gone in a frame: a step is not heard.
const SLEW: f64 = 0.2;

/// A level of noise, in -dBov: 0 is the loudest, 127 is silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NoiseLevel(u8);

impl NoiseLevel {
    /// The level that a payload asks for; none of an empty one.
    #[must_use]
    pub fn of_payload(payload: &[u8]) -> Option<Self> {
        // The first bit is always zero.
        payload.first().map(|octet| Self(octet & 0x7F))
    }

    /// The nearest level to one in dBm0.
    #[must_use]
    pub fn from_dbm0(dbm0: f64) -> Self {
        // A float cast saturates, and makes zero of what is not a number.
        Self((OVERLOAD_DBM0 - dbm0).round().min(127.0) as u8)
    }

    /// The level in dBm0.
    #[must_use]
    pub fn dbm0(self) -> f64 {
        OVERLOAD_DBM0 - f64::from(self.0)
    }

    /// The payload.
    #[must_use]
    pub const fn to_payload(self) -> [u8; 1] {
        [self.0]
    }

    /// The difference in dB.
    #[must_use]
    pub const fn distance(self, other: Self) -> u8 {
        self.0.abs_diff(other.0)
    }
}

/// Makes noise.
#[derive(Clone, Debug)]
pub struct NoiseGenerator {
    /// The root of twice the mean square, as the peak of a sine of the level.
    peak: f64,
    wanted: f64,
    rng: Rng,
}

impl Default for NoiseGenerator {
    fn default() -> Self {
        // Nobody learns anything from this noise, so that it may be the same in each stream.
        Self { peak: 0.0, wanted: 0.0, rng: Rng::from_number(13) }
    }
}

impl NoiseGenerator {
    /// Goes to this level, smoothly.
    pub fn aim(&mut self, level: NoiseLevel) {
        self.wanted = if level.0 == 127 { 0.0 } else { sine_peak(level.dbm0()) };
    }

    /// Fills `frame` from the sample `from` on.
    pub fn fill(&mut self, frame: &mut Frame, from: usize) {
        self.peak += (self.wanted - self.peak) * SLEW;
        // A uniform number between -1 and 1 has a mean square of a third, a sine of peak 1 of a half.
        let scale = self.peak * 1.5_f64.sqrt() / f64::from(1 << 15);
        for sample in frame.iter_mut().skip(from) {
            let number = (self.rng.next_u32() >> 16) as u16;
            *sample = to_sample(f64::from(number.cast_signed()) * scale);
        }
    }

    /// The next time starts from silence.
    pub fn rest(&mut self) {
        self.peak = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{SILENCE, level_dbm0};

    #[test]
    fn levels_are_told_within_half_a_decibel() {
        for dbm0 in [-70.0, -55.5, -40.0, 0.0, 6.0] {
            let level = NoiseLevel::from_dbm0(dbm0);
            assert!((level.dbm0() - dbm0).abs() <= 0.5, "{dbm0}");
            assert_eq!(NoiseLevel::of_payload(&level.to_payload()), Some(level));
        }
        assert_eq!(NoiseLevel::from_dbm0(-99.0).to_payload(), [105]);
        assert_eq!(NoiseLevel::from_dbm0(f64::NEG_INFINITY).to_payload(), [127]);
        assert_eq!(NoiseLevel::from_dbm0(40.0).to_payload(), [0]);
        assert_eq!(NoiseLevel::of_payload(&[]), None);
        // The reserved bit is not part of the level; a spectrum may follow.
        assert_eq!(NoiseLevel::of_payload(&[0xC0, 130, 90]), Some(NoiseLevel(64)));
    }

    #[test]
    fn noise_has_the_level_that_was_asked_for() {
        let mut noise = NoiseGenerator::default();
        for dbm0 in [-60.0, -45.0, -30.0] {
            noise.aim(NoiseLevel::from_dbm0(dbm0));
            let mut heard = Vec::new();
            for _ in 0..200 {
                let mut frame = SILENCE;
                noise.fill(&mut frame, 0);
                heard.extend(frame);
            }
            let found = level_dbm0(&heard[4000..]);
            assert!((found - NoiseLevel::from_dbm0(dbm0).dbm0()).abs() < 0.5, "{found} is not {dbm0}");
        }
    }
}
