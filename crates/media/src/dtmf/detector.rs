//! Finds digits in sound: ITU-T Q.24.
//!
//! | Condition | Accepted | Refused |
//! |---|---|---|
//! | level of each frequency | 0 to -25 dBm0 | below -29 dBm0 |
//! | high group against low group | +4 to -8 dB | beyond +7 and -11 dB |
//! | frequency | within 1.5 % | beyond 3.5 % |
//! | length | from 40 ms | below 23 ms |
//! | pause between digits | from 40 ms | |
//! | break inside a digit | up to 10 ms | |
//!
//! Every 10 ms the newest 30 ms are looked at. They hold a digit if their six sixths are about equally loud (so the tone lasted all the
//! time, which no tone below 23 ms does and each of 40 ms does once), if the strongest frequency of either group accounts for
//! nearly all of the power (which speech does not do), and if the phase of either frequency advances between the first and
//! the last 22.5 ms as one of the standard's does (which tells 1.5 % from 3.5 % in a window that is too short to resolve them).
//!
//! Limits: dial tone must not be mixed into the same direction; on a four-wire interface it is not.

use std::f64::consts::{PI, TAU};
use std::time::Duration;

use super::digit::{Digit, HIGH, LOW};
use crate::frame::{FRAME_SAMPLES, Frame, mean_square, mean_square_to_dbm0, time_of};

/// The samples looked at: 30 ms.
const WINDOW: usize = 240;
/// The two overlapping parts whose phases are compared, and their distance: 22.5 ms and 7.5 ms.
const PART: usize = 180;
const HOP: usize = WINDOW - PART;
/// Each sixth must have this part of the mean power at least.
const EVENNESS: f64 = 0.5;
/// The part of the power that the two frequencies must account for: speech rarely reaches it.
const PURITY: f64 = 0.94;
/// The least level of each frequency, in dBm0.
const LEAST_LEVEL: f64 = -27.0;
/// The most that the high group may exceed the low, and the low the high, in dB.
const TWIST: f64 = 5.5;
const REVERSE_TWIST: f64 = 9.5;
/// The largest deviation of a frequency: halfway between what must be accepted and what must be refused.
const DEVIATION: f64 = 0.025;
/// Frames without the tones that end a digit: a break of 10 ms touches two, a pause of 40 ms holds three.
const ABSENT_FRAMES: u32 = 3;
/// A frame has the tones if they have this part of their power in it.
const PRESENT: f64 = 0.25;

/// What the detector found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DtmfEvent {
    /// A digit has begun, some 30 ms ago.
    Began {
        /// Which.
        digit: Digit,
        /// Its level in dBm0, of both frequencies together.
        level: f64,
    },
    /// A digit has ended.
    Ended {
        /// Which.
        digit: Digit,
        /// How long it lasted, to 10 ms.
        duration: Duration,
    },
}

#[derive(Clone, Copy, Debug)]
struct Current {
    digit: Digit,
    power: f64,
    frames: u32,
    absent: u32,
}

/// The detector of one direction.
#[derive(Clone, Debug)]
pub struct DtmfDetector {
    window: [f64; WINDOW],
    current: Option<Current>,
    taper: &'static [f64; PART],
}

impl Default for DtmfDetector {
    fn default() -> Self {
        Self::new()
    }
}

impl DtmfDetector {
    /// A detector that has heard nothing.
    #[must_use]
    pub fn new() -> Self {
        Self { window: [0.0; WINDOW], current: None, taper: taper() }
    }

    /// The digit that sounds now.
    #[must_use]
    pub fn sounding(&self) -> Option<Digit> {
        self.current.map(|current| current.digit)
    }

    /// Listens to a frame. At most one digit ends and one begins with it, in this order.
    pub fn listen(&mut self, frame: &Frame) -> [Option<DtmfEvent>; 2] {
        self.window.rotate_left(FRAME_SAMPLES);
        let (_, newest) = self.window.split_at_mut(WINDOW - FRAME_SAMPLES);
        for (into, sample) in newest.iter_mut().zip(frame) {
            *into = f64::from(*sample);
        }
        let loud = mean_square_to_dbm0(mean_square(frame)) > LEAST_LEVEL;
        let found = if loud { self.recognise() } else { None };
        let mut ended = None;
        if let Some(current) = &mut self.current {
            current.frames += 1;
            let present = tone_power(frame, current.digit) >= PRESENT * current.power;
            current.absent = if present { 0 } else { current.absent + 1 };
            let replaced = found.is_some_and(|(digit, _)| digit != current.digit);
            if current.absent >= ABSENT_FRAMES || replaced {
                let frames = current.frames - current.absent;
                let duration = time_of(u64::from(frames) * FRAME_SAMPLES as u64);
                ended = Some(DtmfEvent::Ended { digit: current.digit, duration });
                self.current = None;
            }
        }
        let mut began = None;
        if let (None, Some((digit, power))) = (self.current, found) {
            // The window is three frames long, and the tone was in all of it.
            self.current = Some(Current { digit, power, frames: 3, absent: 0 });
            began = Some(DtmfEvent::Began { digit, level: mean_square_to_dbm0(power) });
        }
        [ended, began]
    }

    /// The digit that fills the window, and its mean square.
    fn recognise(&self) -> Option<(Digit, f64)> {
        let square: f64 = self.window.iter().map(|sample| sample * sample).sum();
        let mean = square / WINDOW as f64;
        let (sixths, _) = self.window.as_chunks::<{ WINDOW / 6 }>();
        let even = |sixth: &[f64; WINDOW / 6]| {
            sixth.iter().map(|s| s * s).sum::<f64>() >= EVENNESS * mean * (WINDOW / 6) as f64
        };
        if !sixths.iter().all(even) {
            return None;
        }
        let (row, low) = self.strongest(&LOW)?;
        let (column, high) = self.strongest(&HIGH)?;
        let power = low + high;
        let twist = 10.0 * (high / low).log10();
        let pure = power >= PURITY * mean;
        let level = mean_square_to_dbm0(low.min(high));
        let balanced = (-REVERSE_TWIST..=TWIST).contains(&twist);
        if !pure || level < LEAST_LEVEL || !balanced {
            return None;
        }
        Some((Digit::at(row, column)?, power))
    }

    /// The strongest of a group's frequencies, with the mean square of the sine found near it; none when no frequency lies near enough.
    fn strongest(&self, group: &[f64; 4]) -> Option<(usize, f64)> {
        let (first, _) = self.window.split_first_chunk::<PART>()?;
        let (_, last) = self.window.split_last_chunk::<PART>()?;
        let mut best = (0, 0.0, (0.0, 0.0));
        for (index, hertz) in group.iter().enumerate() {
            let bin = self.correlate(first, *hertz);
            let power = bin.0 * bin.0 + bin.1 * bin.1;
            if power > best.1 {
                best = (index, power, bin);
            }
        }
        let (index, power, before) = best;
        let hertz = *group.get(index)?;
        let after = self.correlate(last, hertz);
        // How far the phase advanced over the hop, less what the nominal frequency advances.
        let cross = (after.0 * before.0 + after.1 * before.1, after.1 * before.0 - after.0 * before.1);
        let nominal = TAU * hertz * HOP as f64 / 8000.0;
        let mut excess = cross.1.atan2(cross.0) - nominal;
        excess -= TAU * (excess / TAU).round();
        let deviation = excess / (TAU * HOP as f64 / 8000.0);
        if deviation.abs() > DEVIATION * hertz {
            return None;
        }
        let power = (power + after.0 * after.0 + after.1 * after.1) / 2.0;
        Some((index, power / response(deviation)))
    }

    /// The part's amplitude at a frequency, scaled so that a sine gives the square root of its mean square, as a complex number.
    fn correlate(&self, part: &[f64; PART], hertz: f64) -> (f64, f64) {
        // Goertzel's recursion over the tapered samples.
        let angle = TAU * hertz / 8000.0;
        let (sine, cosine) = angle.sin_cos();
        let (mut s1, mut s2) = (0.0, 0.0);
        for (sample, weight) in part.iter().zip(self.taper) {
            let s0 = sample * weight + 2.0 * cosine * s1 - s2;
            s2 = s1;
            s1 = s0;
        }
        let (real, imaginary) = (s1 - s2 * cosine, s2 * sine);
        // The recursion's phase refers to the last sample; both parts are of one length, so differences are right. The taper's
        // mean is one half, and a sine of amplitude A gives A * PART / 4.
        let scale = 4.0 / PART as f64 / std::f64::consts::SQRT_2;
        (real * scale, imaginary * scale)
    }
}

/// The power response of the tapered part at a distance in Hz from its frequency, one at zero.
fn response(deviation: f64) -> f64 {
    let bins = (deviation * PART as f64 / 8000.0).abs();
    if bins < 1e-6 {
        return 1.0;
    }
    let lobe = (PI * bins).sin() / (PI * bins) / (1.0 - bins * bins);
    (lobe * lobe).max(0.1)
}

/// The mean square of a digit's two frequencies in one frame.
fn tone_power(frame: &Frame, digit: Digit) -> f64 {
    let (low, high) = digit.frequencies();
    [low, high]
        .iter()
        .map(|hertz| {
            let (sine, cosine) = (TAU * hertz / 8000.0).sin_cos();
            let (mut s1, mut s2) = (0.0, 0.0);
            for sample in frame {
                let s0 = f64::from(*sample) + 2.0 * cosine * s1 - s2;
                s2 = s1;
                s1 = s0;
            }
            let (real, imaginary) = (s1 - s2 * cosine, s2 * sine);
            (real * real + imaginary * imaginary) * 2.0 / (FRAME_SAMPLES * FRAME_SAMPLES) as f64
        })
        .sum()
}

/// The raised cosine, which keeps one group's tone out of the other's bins.
fn taper() -> &'static [f64; PART] {
    static TAPER: std::sync::LazyLock<[f64; PART]> = std::sync::LazyLock::new(|| {
        std::array::from_fn(|n| 0.5 - 0.5 * (TAU * (n as f64 + 0.5) / PART as f64).cos())
    });
    &TAPER
}
