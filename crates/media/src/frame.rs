//! The unit of sound, 10 ms of 8 kHz linear PCM, and its level.
//!
//! Levels are in dBm0 as the codecs of G.711 define it: the overload point of mu-law is a sine of +3.17 dBm0, so a sine
//! of 0 dBm0 (the digital milliwatt) peaks at about 0.69 of full scale. 10 ms is the grain because every packet time
//! in use is a multiple of it.

use std::time::Duration;

/// Samples a second.
pub const SAMPLE_RATE: u32 = 8_000;
/// Samples in a frame.
pub const FRAME_SAMPLES: usize = 80;
/// The time that a frame lasts.
pub const FRAME_TIME: Duration = Duration::from_millis(10);
/// 10 ms of sound.
pub type Frame = [i16; FRAME_SAMPLES];
/// 10 ms of nothing.
pub const SILENCE: Frame = [0; FRAME_SAMPLES];

/// The peak of a sine of 0 dBm0 in 16-bit linear samples: the mu-law overload point (8159 of 14 bits, shifted to 16),
/// lowered by 3.17 dB (G.711 table 2).
pub const DIGITAL_MILLIWATT_PEAK: f64 = 22_656.0;

/// The level that stands for digital silence, which has no logarithm.
pub const SILENCE_DBM0: f64 = -99.0;

/// The peak amplitude of a sine at `dbm0`.
#[must_use]
pub fn sine_peak(dbm0: f64) -> f64 {
    DIGITAL_MILLIWATT_PEAK * 10_f64.powf(dbm0 / 20.0)
}

/// The level, in dBm0, of a signal with this mean square; [`SILENCE_DBM0`] at the least.
#[must_use]
pub fn mean_square_to_dbm0(mean_square: f64) -> f64 {
    let reference = DIGITAL_MILLIWATT_PEAK * DIGITAL_MILLIWATT_PEAK / 2.0;
    if mean_square <= 0.0 {
        return SILENCE_DBM0;
    }
    (10.0 * (mean_square / reference).log10()).max(SILENCE_DBM0)
}

/// The mean square of the samples; zero of none.
#[must_use]
pub fn mean_square(samples: &[i16]) -> f64 {
    if samples.is_empty() {
        return 0.0;
    }
    // 2^30 a sample leaves room for 2^33 samples.
    let sum: u64 = samples.iter().map(|s| u64::from(s.unsigned_abs()).pow(2)).sum();
    sum as f64 / samples.len() as f64
}

/// The level of the samples in dBm0.
#[must_use]
pub fn level_dbm0(samples: &[i16]) -> f64 {
    mean_square_to_dbm0(mean_square(samples))
}

/// A sample from a computed value: rounded, and clipped where a converter would clip.
#[must_use]
pub fn to_sample(value: f64) -> i16 {
    // A float cast saturates, and makes zero of what is not a number.
    value.round() as i16
}

/// Adds `other` to `sum`, clipping.
pub fn mix_into(sum: &mut Frame, other: &Frame) {
    for (into, from) in sum.iter_mut().zip(other) {
        *into = into.saturating_add(*from);
    }
}

/// How many samples a span of time holds; 8 a millisecond.
#[must_use]
pub fn samples_in(span: Duration) -> u64 {
    u64::try_from(span.as_nanos() / 125_000).unwrap_or(u64::MAX)
}

/// How long this many samples last.
#[must_use]
pub const fn time_of(samples: u64) -> Duration {
    Duration::from_nanos(samples.saturating_mul(125_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sine_of_zero_dbm0_measures_zero_dbm0() {
        let sine: Vec<i16> = (0..800)
            .map(|n| {
                to_sample(
                    sine_peak(0.0) * (f64::from(n) * std::f64::consts::TAU * 1000.0 / 8000.0 + 0.3).sin(),
                )
            })
            .collect();
        assert!(level_dbm0(&sine).abs() < 0.01);
        let quieter: Vec<i16> = sine.iter().map(|s| s / 10).collect();
        assert!((level_dbm0(&quieter) + 20.0).abs() < 0.01);
    }

    #[test]
    fn silence_has_a_level_that_can_be_compared() {
        assert_eq!(level_dbm0(&SILENCE), SILENCE_DBM0);
        assert_eq!(level_dbm0(&[]), SILENCE_DBM0);
    }

    #[test]
    fn mixing_clips_and_does_not_wrap() {
        let mut sum = [30_000; FRAME_SAMPLES];
        mix_into(&mut sum, &[30_000; FRAME_SAMPLES]);
        assert_eq!(sum, [i16::MAX; FRAME_SAMPLES]);
    }

    #[test]
    fn samples_and_time_convert_both_ways() {
        assert_eq!(samples_in(Duration::from_millis(20)), 160);
        assert_eq!(time_of(160), Duration::from_millis(20));
    }
}
