//! Noise that is like speech: voiced and unvoiced syllables of varying pitch, loudness and vowel, with pauses.
//!
//! For what a subscriber says in a script, and to try detectors with: it is never the same twice within a talk, so a correlation finds
//! its place, and it has the harmonics that may fool a tone detector. It is a model of our own (pulses or noise through
//! three resonances in a row), not the artificial voice of ITU-T P.50.

use strowger_sansio::Rng;

use crate::frame::{Frame, SILENCE, sine_peak, to_sample};

/// A resonance: one formant of a vowel.
#[derive(Clone, Copy, Debug, Default)]
struct Resonance {
    a1: f64,
    a2: f64,
    gain: f64,
    y1: f64,
    y2: f64,
}

impl Resonance {
    fn tune(&mut self, hertz: f64, width: f64) {
        let radius = (-std::f64::consts::PI * width / 8000.0).exp();
        let angle = std::f64::consts::TAU * hertz / 8000.0;
        self.a1 = 2.0 * radius * angle.cos();
        self.a2 = -radius * radius;
        // As in the vocal tract, slow changes of pressure pass unchanged.
        self.gain = 1.0 - self.a1 - self.a2;
    }

    fn filter(&mut self, input: f64) -> f64 {
        let output = self.gain * input + self.a1 * self.y1 + self.a2 * self.y2;
        self.y2 = self.y1;
        self.y1 = output;
        output
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Pause,
    Voiced,
    Unvoiced,
}

/// An endless talk.
#[derive(Clone, Debug)]
pub struct SpeechNoise {
    rng: Rng,
    peak: f64,
    kind: Kind,
    length: u32,
    position: u32,
    loudness: f64,
    pitch: f64,
    glide: f64,
    phase: f64,
    /// The low-pass of the vocal cords.
    cords: f64,
    formants: [Resonance; 3],
}

impl SpeechNoise {
    /// A talk whose syllables have about this level in dBm0. The same generator gives the same talk.
    #[must_use]
    pub fn new(rng: Rng, level: f64) -> Self {
        Self {
            rng,
            peak: sine_peak(level),
            kind: Kind::Pause,
            length: 0,
            position: 0,
            loudness: 0.0,
            pitch: 120.0,
            glide: 0.0,
            phase: 0.0,
            cords: 0.0,
            formants: [Resonance::default(); 3],
        }
    }

    /// The next frame.
    pub fn frame(&mut self) -> Frame {
        let mut frame = SILENCE;
        for sample in &mut frame {
            *sample = self.sample();
        }
        frame
    }

    /// The next sample.
    pub fn sample(&mut self) -> i16 {
        if self.position >= self.length {
            self.next_syllable();
        }
        let excitation = match self.kind {
            Kind::Pause => 0.0,
            Kind::Unvoiced => self.uniform() * 2.0 - 1.0,
            Kind::Voiced => {
                self.phase += self.pitch / 8000.0;
                self.pitch = (self.pitch + self.glide).clamp(70.0, 320.0);
                if self.phase >= 1.0 {
                    self.phase -= 1.0;
                    // One pulse carries the power of a whole period.
                    (8000.0 / self.pitch).sqrt()
                } else {
                    0.0
                }
            }
        };
        self.cords += 0.25 * (excitation - self.cords);
        let source = if self.kind == Kind::Unvoiced { excitation } else { self.cords * 3.0 };
        let shaped = self.formants.iter_mut().fold(source, |sound, formant| formant.filter(sound));
        // Syllables rise and fall.
        let rise = (f64::from(self.position) / f64::from(self.length.max(1)) * std::f64::consts::PI).sin();
        self.position += 1;
        let value = shaped * rise * self.loudness * self.peak;
        // A resonance that a harmonic hits would overload: it is bent down instead of clipped.
        to_sample(value / (1.0 + value.abs() / 60_000.0))
    }

    fn next_syllable(&mut self) {
        self.position = 0;
        self.kind = match (self.kind, self.rng.below(10)) {
            (Kind::Voiced, 0..=1) => Kind::Pause,
            (Kind::Voiced | Kind::Pause, 2..=4) => Kind::Unvoiced,
            _ => Kind::Voiced,
        };
        let millis = match self.kind {
            Kind::Pause => self.within(60.0, 350.0),
            Kind::Voiced => self.within(80.0, 320.0),
            Kind::Unvoiced => self.within(30.0, 110.0),
        };
        self.length = (millis * 8.0) as u32;
        self.loudness = self.within(0.08, 0.3);
        self.pitch = self.within(90.0, 260.0);
        self.glide = self.within(-0.01, 0.01);
        let vowel = match self.kind {
            Kind::Unvoiced => [self.within(1500.0, 2200.0), self.within(2200.0, 2900.0), 3500.0],
            _ => [self.within(280.0, 850.0), self.within(900.0, 2300.0), self.within(2400.0, 3100.0)],
        };
        let widths = if self.kind == Kind::Unvoiced { [900.0, 900.0, 900.0] } else { [70.0, 110.0, 170.0] };
        for (formant, (hertz, width)) in self.formants.iter_mut().zip(vowel.into_iter().zip(widths)) {
            formant.tune(hertz, width);
        }
    }

    fn uniform(&mut self) -> f64 {
        f64::from(self.rng.next_u32()) / f64::from(u32::MAX)
    }

    fn within(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::level_dbm0;

    #[test]
    fn talk_has_about_its_level_and_pauses() {
        let mut talk = SpeechNoise::new(Rng::from_number(5), -15.0);
        let frames: Vec<_> = (0..3000).map(|_| talk.frame()).collect();
        let whole = level_dbm0(&frames.concat());
        assert!((-22.0..-10.0).contains(&whole), "{whole}");
        let quiet = frames.iter().filter(|f| level_dbm0(*f) < whole - 25.0).count();
        assert!((200..1500).contains(&quiet), "{quiet} quiet frames of 3000");
        let clipped = frames.iter().flatten().filter(|s| s.unsigned_abs() >= 32_767).count();
        assert!(clipped < 10, "{clipped} clipped");
    }
}
