//! Is what was heard what was said? Normalised cross-correlation with a recording, piece by piece.
//!
//! The play-out buffer leaves frames out and puts frames in, packets are lost, and codecs add noise: so the recording is cut into pieces of 200 ms, one overall delay
//! is found first, and each piece is then looked for near it. A recording is found if most of its pieces are, in order.
//!
//! Limits: a steady tone is alike at every period, so its delay is one of many; use a frequency watch to verify tones.

use std::time::Duration;

use super::fft::{Complex, invert, multiply, transform};
use crate::frame::{level_dbm0, time_of};

/// Samples of a piece: 200 ms.
const PIECE: usize = 1600;
/// How far from the overall delay a piece may lie: 250 ms to either side, the slips of a play-out buffer at its bounds.
const SLACK: usize = 2000;
/// The correlation from which on a piece is taken for found: G.711 gives 0.999, noise of two seconds less than 0.3.
const FOUND: f64 = 0.7;
/// A piece below this level in dBm0 says nothing, and is left out.
const AUDIBLE: f64 = -45.0;

/// How much of a recording was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ContentMatch {
    /// From the start of what was heard to the start of the recording in it, as its pieces have it in the middle.
    pub delay: Duration,
    /// The part of the recording's audible pieces that was found, 0 to 1.
    pub found: f64,
    /// The mean correlation of the pieces that were found, 0 to 1.
    pub correlation: f64,
    /// How many audible pieces the recording has.
    pub pieces: usize,
}

impl ContentMatch {
    /// Whether nine tenths of the recording were heard.
    #[must_use]
    pub fn is_heard(&self) -> bool {
        self.pieces > 0 && self.found >= 0.9
    }
}

/// Looks for `reference` in `heard`. None when the reference has no audible piece of 200 ms, or nothing of it is found.
#[must_use]
pub fn compare(reference: &[i16], heard: &[i16]) -> Option<ContentMatch> {
    let pieces: Vec<(usize, &[i16; PIECE])> = reference
        .as_chunks::<PIECE>()
        .0
        .iter()
        .enumerate()
        .filter(|(_, piece)| level_dbm0(*piece) > AUDIBLE)
        .map(|(index, piece)| (index * PIECE, piece))
        .collect();
    let overall = overall_delay(reference, heard)?;
    let sums = SquareSums::new(heard);
    let mut delays = Vec::new();
    let mut correlations = 0.0;
    for (start, piece) in &pieces {
        if let Some((delay, correlation)) = find(piece, heard, &sums, *start, overall) {
            delays.push(delay);
            correlations += correlation;
        }
    }
    if delays.is_empty() {
        return None;
    }
    let found = delays.len();
    let (_, median, _) = delays.select_nth_unstable(found / 2);
    Some(ContentMatch {
        delay: time_of(u64::try_from(*median).unwrap_or(0)),
        found: found as f64 / pieces.len() as f64,
        correlation: correlations / found as f64,
        pieces: pieces.len(),
    })
}

/// The delay at which the whole of the reference fits best; it may begin before what was heard does.
fn overall_delay(reference: &[i16], heard: &[i16]) -> Option<isize> {
    if reference.is_empty() || heard.is_empty() {
        return None;
    }
    let products = products(reference, heard);
    let (best, _) = products.iter().enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b))?;
    let best = isize::try_from(best).ok()?;
    // The upper part of the circle are negative delays.
    let heard_length = isize::try_from(heard.len()).ok()?;
    Some(if best < heard_length { best } else { best - isize::try_from(products.len()).ok()? })
}

/// The sums of products of the reference with what was heard, for all delays, on a circle.
fn products(reference: &[i16], heard: &[i16]) -> Vec<f64> {
    let length = (reference.len() + heard.len()).next_power_of_two();
    // Both are real, so one transform serves for both: one as the real, one as the imaginary part.
    let mut data: Vec<Complex> = (0..length)
        .map(|n| {
            let at = |sound: &[i16]| sound.get(n).map_or(0.0, |sample| f64::from(*sample));
            (at(heard), at(reference))
        })
        .collect();
    transform(&mut data);
    let mut spectrum: Vec<Complex> = (0..length)
        .map(|k| {
            let mirror = (length - k) % length;
            let (a, b) =
                (data.get(k).copied().unwrap_or_default(), data.get(mirror).copied().unwrap_or_default());
            let heard = ((a.0 + b.0) / 2.0, (a.1 - b.1) / 2.0);
            let reference = ((a.1 + b.1) / 2.0, (b.0 - a.0) / 2.0);
            multiply(heard, (reference.0, -reference.1))
        })
        .collect();
    invert(&mut spectrum);
    spectrum.into_iter().map(|(real, _)| real).collect()
}

/// Sums of squares up to each sample, so that the power of any stretch is a difference.
struct SquareSums(Vec<f64>);

impl SquareSums {
    fn new(samples: &[i16]) -> Self {
        let mut sum = 0.0;
        let mut sums = vec![0.0];
        sums.extend(samples.iter().map(|sample| {
            sum += f64::from(*sample).powi(2);
            sum
        }));
        Self(sums)
    }

    fn between(&self, from: usize, to: usize) -> f64 {
        let at = |index: usize| self.0.get(index).copied().unwrap_or(0.0);
        at(to) - at(from)
    }
}

/// The best place of a piece near where it should be: its delay and correlation.
fn find(
    piece: &[i16; PIECE],
    heard: &[i16],
    sums: &SquareSums,
    start: usize,
    overall: isize,
) -> Option<(isize, f64)> {
    let expected = isize::try_from(start).ok()? + overall;
    let slack = isize::try_from(SLACK).ok()?;
    let first = usize::try_from(expected.saturating_sub(slack).max(0)).ok()?;
    let last = usize::try_from((expected + slack).max(0)).ok()?.min(heard.len().checked_sub(PIECE)?);
    let power: f64 = piece.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    let normalise =
        |at: usize, product: f64| product / (power * sums.between(at, at + PIECE)).sqrt().max(1.0);
    let correlate = |at: usize| {
        let stretch = heard.get(at..at + PIECE).unwrap_or_default();
        let product: i64 = piece.iter().zip(stretch).map(|(a, b)| i64::from(*a) * i64::from(*b)).sum();
        normalise(at, product as f64)
    };
    // The overall delay is right for most pieces: only the others are searched for.
    let likely =
        usize::try_from(expected).ok().filter(|at| (first..=last).contains(at)).map(|at| (at, correlate(at)));
    let (at, correlation) = match likely {
        Some(best) if best.1 >= FOUND => best,
        _ => {
            let products = products(piece, heard.get(first..last + PIECE)?);
            let places = (first..=last).zip(products).map(|(at, product)| (at, normalise(at, product)));
            places.max_by(|a, b| a.1.total_cmp(&b.1))?
        }
    };
    (correlation >= FOUND).then_some((isize::try_from(at).ok()? - isize::try_from(start).ok()?, correlation))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::g711::Law;
    use crate::speech::SpeechNoise;
    use strowger_sansio::Rng;

    fn talk(seed: u64, frames: usize) -> Vec<i16> {
        let mut speech = SpeechNoise::new(Rng::from_number(seed), -15.0);
        (0..frames).flat_map(|_| speech.frame()).collect()
    }

    fn coded(samples: &[i16]) -> Vec<i16> {
        samples.iter().map(|sample| Law::A.decode(Law::A.encode(*sample))).collect()
    }

    #[test]
    fn a_recording_is_found_with_its_delay() {
        let said = talk(1, 300);
        for delay in [0, 1, 400, 2345, 16_000] {
            let heard = coded(&[vec![0; delay], said.clone(), vec![0; 4000]].concat());
            let found = compare(&said, &heard).unwrap();
            assert!(found.is_heard() && found.correlation > 0.99, "{found:?}");
            assert_eq!(found.delay, time_of(delay as u64));
        }
    }

    #[test]
    fn frames_left_out_put_in_and_lost_do_not_hide_it() {
        let said = talk(2, 400);
        let mut heard = vec![0; 640];
        for (n, frame) in said.as_chunks::<80>().0.iter().enumerate() {
            match n {
                // A play-out buffer shortens once, lengthens three times, and loses two packets.
                50 => {}
                120 | 200 | 201 => heard.extend([*frame, *frame].concat()),
                300 | 301 | 350 | 351 => heard.extend([0; 80]),
                _ => heard.extend(frame),
            }
        }
        let found = compare(&said, &coded(&heard)).unwrap();
        assert!(found.is_heard(), "{found:?}");
        assert!(found.delay.abs_diff(Duration::from_millis(90)) <= Duration::from_millis(30), "{found:?}");
    }

    #[test]
    fn another_talk_noise_and_silence_are_not_it() {
        let said = talk(3, 300);
        let mut rng = Rng::from_number(4);
        let noise: Vec<i16> = (0..24_000).map(|_| (rng.next_u32() as i16) / 4).collect();
        for heard in [talk(4, 300), noise, vec![0; 24_000], vec![]] {
            let found = compare(&said, &heard);
            assert!(found.is_none_or(|found| !found.is_heard() && found.found < 0.3), "{found:?}");
        }
        assert_eq!(compare(&[0; 8000], &said), None, "silence cannot be verified");
    }

    #[test]
    fn half_of_a_recording_is_half_found() {
        let said = talk(5, 400);
        let heard = [vec![0; 800], said[..16_000].to_vec(), vec![0; 16_000]].concat();
        let found = compare(&said, &heard).unwrap();
        assert!((0.35..0.65).contains(&found.found), "{found:?}");
        assert!(!found.is_heard());
    }

    #[test]
    fn a_recording_whose_start_was_missed_is_found() {
        let said = talk(6, 400);
        let found = compare(&said, &said[5000..]).unwrap();
        assert!(found.found > 0.75, "{found:?}");
    }
}
