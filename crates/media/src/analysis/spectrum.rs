//! The strongest frequencies of a stretch of sound.

use std::f64::consts::TAU;

use super::fft::{Complex, transform};
use crate::frame::{SAMPLE_RATE, mean_square_to_dbm0};

/// The most samples that are looked at: a quarter of a second resolves 8 Hz.
const LONGEST: usize = 2048;
/// The least: 32 ms resolve 63 Hz.
const SHORTEST: usize = 256;
/// What is this far below the strongest is not reported, in dB.
const RANGE: f64 = 30.0;

/// A sine in a sound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Component {
    /// Its frequency in Hz.
    pub hertz: f64,
    /// Its level in dBm0.
    pub level: f64,
}

/// The strongest sines at the end of `samples`, the strongest first, at most `count`, none more than 30 dB below the strongest. None of
/// less than 32 ms of sound, or of silence.
#[must_use]
pub fn strongest(samples: &[i16], count: usize) -> Vec<Component> {
    let length = match samples.len() {
        0..SHORTEST => return Vec::new(),
        length => (1 << length.ilog2()).min(LONGEST),
    };
    let newest = samples.get(samples.len() - length..).unwrap_or_default();
    let mut data: Vec<Complex> = newest
        .iter()
        .enumerate()
        .map(|(n, sample)| {
            let taper = 0.5 - 0.5 * (TAU * (n as f64 + 0.5) / length as f64).cos();
            (f64::from(*sample) * taper, 0.0)
        })
        .collect();
    transform(&mut data);
    // A sine of amplitude A makes a peak of A * length / 4 under this taper.
    let scale = 8.0 / (length as f64 * length as f64);
    let power: Vec<f64> = data.iter().take(length / 2).map(|(re, im)| (re * re + im * im) * scale).collect();
    let mut found: Vec<Component> = power
        .windows(3)
        .enumerate()
        .filter_map(|(k, three)| match three {
            [before, at, after] if at > before && at >= after && *at > 1.0 => {
                Some(interpolate(k + 1, *before, *at, *after, length))
            }
            _ => None,
        })
        .collect();
    found.sort_by(|a, b| b.level.total_cmp(&a.level));
    let floor = found.first().map_or(0.0, |top| top.level - RANGE);
    found.retain(|component| component.level > floor);
    found.truncate(count);
    found
}

/// The sine whose peak lies between bins: under a raised cosine the ratio of two neighbours says where.
fn interpolate(bin: usize, before: f64, at: f64, after: f64, length: usize) -> Component {
    let (neighbour, sign) = if after > before { (after, 1.0) } else { (before, -1.0) };
    let ratio = (neighbour / at).sqrt();
    let shift = ((2.0 * ratio - 1.0) / (1.0 + ratio)).clamp(0.0, 0.5);
    let width = f64::from(SAMPLE_RATE) / length as f64;
    // The peak's height at the shifted place.
    let lobe = if shift < 1e-6 {
        1.0
    } else {
        let x = std::f64::consts::PI * shift;
        x.sin() / x / (1.0 - shift * shift)
    };
    Component { hertz: (bin as f64 + sign * shift) * width, level: mean_square_to_dbm0(at / (lobe * lobe)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{sine_peak, to_sample};
    use crate::g711::Law;
    use crate::tone::Oscillator;

    fn sound(parts: &[(f64, f64)], count: usize) -> Vec<i16> {
        let mut voices: Vec<_> =
            parts.iter().map(|(hertz, level)| (Oscillator::new(*hertz), sine_peak(*level))).collect();
        (0..count)
            .map(|_| {
                let sample = to_sample(voices.iter_mut().map(|(voice, peak)| voice.sample() * *peak).sum());
                Law::Mu.decode(Law::Mu.encode(sample))
            })
            .collect()
    }

    #[test]
    fn frequency_and_level_are_found_between_the_bins() {
        for hertz in [300.0, 425.0, 1000.0, 1003.7, 1209.0, 2713.3, 3400.0] {
            let found = strongest(&sound(&[(hertz, -13.0)], 4000), 1);
            assert!((found[0].hertz - hertz).abs() < 0.5, "{hertz}: {found:?}");
            assert!((found[0].level + 13.0).abs() < 0.2, "{hertz}: {found:?}");
        }
    }

    #[test]
    fn the_parts_of_a_tone_are_found_strongest_first() {
        let found = strongest(&sound(&[(350.0, -20.0), (440.0, -13.0)], 4000), 5);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!((found[0].hertz - 440.0).abs() < 1.0 && (found[1].hertz - 350.0).abs() < 1.0, "{found:?}");
        assert!((found[1].level + 20.0).abs() < 0.5, "{found:?}");
    }

    #[test]
    fn silence_and_too_little_sound_have_no_frequencies() {
        assert_eq!(strongest(&[0; 4000], 3), []);
        assert_eq!(strongest(&[1000; 100], 3), []);
    }
}
