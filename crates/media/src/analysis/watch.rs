//! Whether one frequency is heard, and for how long.

use std::f64::consts::TAU;
use std::time::Duration;

use crate::frame::{FRAME_SAMPLES, FRAME_TIME, Frame, SAMPLE_RATE, mean_square_to_dbm0};

/// Frames looked at together: 40 ms separate frequencies that are 50 Hz apart.
const WINDOW: usize = 4 * FRAME_SAMPLES;
/// The part of the power that the frequency must have.
const SHARE: f64 = 0.5;
/// The least level in dBm0.
const LEAST_LEVEL: f64 = -45.0;
/// Frames without it that do not end its presence: concealment, and the slips of play-out.
const BRIDGE: u32 = 5;

/// Listens for one frequency.
#[derive(Clone, Debug)]
pub struct FrequencyWatch {
    hertz: f64,
    window: [f64; WINDOW],
    present: u32,
    absent: u32,
    longest: u32,
}

impl FrequencyWatch {
    /// A watch for this frequency in Hz.
    #[must_use]
    pub fn new(hertz: f64) -> Self {
        Self { hertz, window: [0.0; WINDOW], present: 0, absent: BRIDGE, longest: 0 }
    }

    /// The frequency in Hz.
    #[must_use]
    pub const fn hertz(&self) -> f64 {
        self.hertz
    }

    /// Listens to a frame.
    pub fn listen(&mut self, frame: &Frame) {
        self.window.rotate_left(FRAME_SAMPLES);
        let (_, newest) = self.window.split_at_mut(WINDOW - FRAME_SAMPLES);
        for (into, sample) in newest.iter_mut().zip(frame) {
            *into = f64::from(*sample);
        }
        if self.is_there() {
            // What was bridged belongs to it.
            self.present += 1 + if self.present > 0 { self.absent } else { 0 };
            self.absent = 0;
        } else {
            self.absent = self.absent.saturating_add(1);
            if self.absent > BRIDGE {
                self.present = 0;
            }
        }
        self.longest = self.longest.max(self.present);
    }

    /// For how long it has been heard without interruption.
    #[must_use]
    pub fn present_for(&self) -> Duration {
        FRAME_TIME * self.present
    }

    /// The longest time that it was heard without interruption since the watch began.
    #[must_use]
    pub fn longest(&self) -> Duration {
        FRAME_TIME * self.longest
    }

    fn is_there(&self) -> bool {
        let (mut real, mut imaginary, mut total) = (0.0, 0.0, 0.0);
        let (turn_imaginary, turn_real) = (TAU * self.hertz / f64::from(SAMPLE_RATE)).sin_cos();
        let (mut cosine, mut sine) = (1.0, 0.0);
        for (n, sample) in self.window.iter().enumerate() {
            let taper = 0.5 - 0.5 * (TAU * (n as f64 + 0.5) / WINDOW as f64).cos();
            let tapered = sample * taper;
            real += tapered * cosine;
            imaginary += tapered * sine;
            total += tapered * tapered;
            (cosine, sine) =
                (cosine * turn_real - sine * turn_imaginary, cosine * turn_imaginary + sine * turn_real);
        }
        // The taper's mean is 1/2 and the mean of its square 3/8.
        let window = WINDOW as f64;
        let power = (real * real + imaginary * imaginary) * 8.0 / (window * window);
        let all = total / (window * 0.375);
        mean_square_to_dbm0(power) >= LEAST_LEVEL && power >= SHARE * all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{SILENCE, sine_peak, to_sample};
    use crate::tone::Oscillator;

    fn tone(hertz: f64, level: f64) -> impl FnMut() -> Frame {
        let mut voice = Oscillator::new(hertz);
        move || std::array::from_fn(|_| to_sample(voice.sample() * sine_peak(level)))
    }

    #[test]
    fn the_time_that_a_frequency_is_heard_is_measured() {
        let mut watch = FrequencyWatch::new(1000.0);
        let mut sound = tone(1000.0, -20.0);
        for _ in 0..100 {
            watch.listen(&sound());
        }
        assert!(watch.present_for().abs_diff(Duration::from_secs(1)) <= Duration::from_millis(20));
        for _ in 0..20 {
            watch.listen(&SILENCE);
        }
        assert_eq!(watch.present_for(), Duration::ZERO);
        assert!(watch.longest().abs_diff(Duration::from_secs(1)) <= Duration::from_millis(40));
    }

    #[test]
    fn a_short_hole_does_not_end_it() {
        let mut watch = FrequencyWatch::new(1000.0);
        let mut sound = tone(1000.0, -20.0);
        for n in 0..100 {
            let frame = sound();
            watch.listen(if n == 50 || n == 51 { &SILENCE } else { &frame });
        }
        assert!(watch.present_for() >= Duration::from_millis(980), "{:?}", watch.present_for());
    }

    #[test]
    fn other_frequencies_and_faint_sound_are_not_it() {
        for (hertz, level) in [(900.0, -10.0), (1100.0, -10.0), (440.0, -10.0), (1000.0, -50.0)] {
            let mut watch = FrequencyWatch::new(1000.0);
            let mut sound = tone(hertz, level);
            for _ in 0..100 {
                watch.listen(&sound());
            }
            assert!(
                watch.longest() <= Duration::from_millis(20),
                "{hertz} Hz at {level}: {:?}",
                watch.longest()
            );
        }
    }
}
