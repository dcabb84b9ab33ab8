//! Multi-frequency digits between exchanges (ITU-T Q.320 to Q.326, signalling system R1), made and found.
//!
//! Two of six frequencies make fifteen signals: ten digits, one that begins a number (KP) and one that ends it (ST), and three that
//! a North American network uses as further endings (ST', ST'', ST''') or, where a number begins, as further beginnings. A
//! receiver tells those apart by their place.

use std::collections::VecDeque;
use std::f64::consts::TAU;
use std::time::Duration;

use crate::frame::{FRAME_SAMPLES, Frame, SAMPLE_RATE, SILENCE, mean_square_to_dbm0, sine_peak, to_sample};
use crate::limits::Limits;
use crate::tone::Oscillator;

/// The six frequencies in hertz.
const FREQUENCIES: [f64; 6] = [700.0, 900.0, 1100.0, 1300.0, 1500.0, 1700.0];
/// The level of each of the two, in dBm0.
const LEVEL: f64 = -7.0;
/// How long a signal sounds, and the pause after it.
const SIGNAL: Duration = Duration::from_millis(70);
/// The beginning sounds longer.
const BEGINNING: Duration = Duration::from_millis(100);

/// A signal: its name as RFC 3064 table 11 has it, and the places of its frequencies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MfDigit(u8);

/// Names and frequencies. Those with the same frequencies are told apart by their place.
const SIGNALS: [(&str, usize, usize); 17] = [
    ("0", 3, 4),
    ("1", 0, 1),
    ("2", 0, 2),
    ("3", 1, 2),
    ("4", 0, 3),
    ("5", 1, 3),
    ("6", 2, 3),
    ("7", 0, 4),
    ("8", 1, 4),
    ("9", 2, 4),
    ("K0", 2, 5),
    ("K1", 3, 5),
    ("K2", 1, 5),
    ("S0", 4, 5),
    ("S1", 1, 5),
    ("S2", 3, 5),
    ("S3", 0, 5),
];

impl MfDigit {
    /// The signal of a name: `0` to `9`, `K0` to `K2`, `S0` to `S3`, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let place = SIGNALS.iter().position(|(known, ..)| known.eq_ignore_ascii_case(name))?;
        u8::try_from(place).ok().map(Self)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// Its frequencies in hertz, the lower one first.
    #[must_use]
    pub fn frequencies(self) -> (f64, f64) {
        let (_, low, high) = self.row();
        let of = |place: usize| FREQUENCIES.get(place).copied().unwrap_or_default();
        (of(low), of(high))
    }

    /// Whether it begins a number.
    #[must_use]
    pub fn begins(self) -> bool {
        self.name().starts_with('K')
    }

    /// Whether it ends a number.
    #[must_use]
    pub fn ends(self) -> bool {
        self.name().starts_with('S')
    }

    fn row(self) -> (&'static str, usize, usize) {
        SIGNALS.get(usize::from(self.0)).copied().unwrap_or(("0", 3, 4))
    }

    /// The signal of two frequencies at the beginning of a number, or later.
    fn heard(low: usize, high: usize, first: bool) -> Option<Self> {
        let fits = |(_, a, b): &(&str, usize, usize)| (*a, *b) == (low, high);
        let mut places = (0_u8..).zip(&SIGNALS).filter(|(_, row)| fits(row)).map(|(place, _)| Self(place));
        let (one, two) = (places.next()?, places.next());
        Some(match two {
            Some(two) if one.begins() && !first => two,
            _ => one,
        })
    }
}

/// Sends signals one after the other.
#[derive(Debug, Default)]
pub struct MfSender {
    waiting: VecDeque<MfDigit>,
    sounding: Option<(Oscillator, Oscillator)>,
    /// Samples of the sound that are left, then of the pause.
    on: u64,
    off: u64,
}

impl MfSender {
    /// A sender at rest.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends one more; says whether there was room for it.
    pub fn dial(&mut self, digit: MfDigit) -> bool {
        let room = self.waiting.len() < Limits::DEFAULT.digits;
        if room {
            self.waiting.push_back(digit);
        }
        room
    }

    /// Whether nothing is being sent.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.on == 0 && self.off == 0
    }

    /// Sends no more.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The next 10 ms.
    pub fn frame(&mut self) -> Frame {
        let mut frame = SILENCE;
        let peak = sine_peak(LEVEL);
        for sample in &mut frame {
            if self.on == 0 && self.off == 0 {
                let Some(digit) = self.waiting.pop_front() else { break };
                let (low, high) = digit.frequencies();
                self.sounding = Some((Oscillator::new(low), Oscillator::new(high)));
                self.on = crate::frame::samples_in(if digit.begins() { BEGINNING } else { SIGNAL });
                self.off = crate::frame::samples_in(SIGNAL);
            }
            if self.on > 0 {
                self.on -= 1;
                if let Some((low, high)) = &mut self.sounding {
                    *sample = to_sample((low.sample() + high.sample()) * peak);
                }
            } else {
                self.off = self.off.saturating_sub(1);
            }
        }
        frame
    }
}

/// Samples looked at together: 20 ms tell frequencies that are 200 Hz apart from each other.
const WINDOW: usize = 2 * FRAME_SAMPLES;
/// Frames in which the same two frequencies must be heard: half of the shortest signal.
const SURE: u32 = 3;
/// The least level of each, in dBm0.
const LEAST: f64 = -30.0;
/// The part of the power that both must have together.
const SHARE: f64 = 0.8;
/// How many decibels one may be above the other.
const TWIST: f64 = 7.0;

/// Finds signals in sound.
#[derive(Debug)]
pub struct MfReceiver {
    window: [f64; WINDOW],
    heard: Option<(usize, usize)>,
    frames: u32,
    told: bool,
    /// Whether the next signal is the first of a number.
    first: bool,
}

impl Default for MfReceiver {
    fn default() -> Self {
        Self::new()
    }
}

impl MfReceiver {
    /// A receiver that waits for the beginning of a number.
    #[must_use]
    pub const fn new() -> Self {
        Self { window: [0.0; WINDOW], heard: None, frames: 0, told: false, first: true }
    }

    /// Listens to 10 ms; gives a signal once, when it is sure of it.
    pub fn listen(&mut self, frame: &Frame) -> Option<MfDigit> {
        self.window.rotate_left(FRAME_SAMPLES);
        let (_, newest) = self.window.split_at_mut(WINDOW - FRAME_SAMPLES);
        for (into, sample) in newest.iter_mut().zip(frame) {
            *into = f64::from(*sample);
        }
        let pair = self.pair();
        if pair != self.heard {
            (self.heard, self.frames, self.told) = (pair, 0, false);
        }
        self.frames += 1;
        if self.told || self.frames < SURE {
            return None;
        }
        let (low, high) = pair?;
        self.told = true;
        let digit = MfDigit::heard(low, high, self.first)?;
        self.first = digit.ends();
        Some(digit)
    }

    /// The two frequencies that are heard, and nothing else.
    fn pair(&self) -> Option<(usize, usize)> {
        let powers = FREQUENCIES.map(|hertz| self.power(hertz));
        let total = self.window.iter().map(|sample| sample * sample).sum::<f64>() / WINDOW as f64;
        let mut order: Vec<(usize, f64)> = powers.into_iter().enumerate().collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1));
        let [(one, loud), (two, soft), ..] = order.as_slice() else { return None };
        let (loud_dbm0, soft_dbm0) = (mean_square_to_dbm0(*loud), mean_square_to_dbm0(*soft));
        let fits = soft_dbm0 >= LEAST && loud_dbm0 - soft_dbm0 <= TWIST && loud + soft >= SHARE * total;
        fits.then(|| if one < two { (*one, *two) } else { (*two, *one) })
    }

    /// The mean square of one frequency in the window.
    fn power(&self, hertz: f64) -> f64 {
        let coefficient = 2.0 * (TAU * hertz / f64::from(SAMPLE_RATE)).cos();
        let (mut before, mut last) = (0.0, 0.0);
        for sample in &self.window {
            let next = sample + coefficient * last - before;
            before = last;
            last = next;
        }
        let square = last * last + before * before - coefficient * last * before;
        2.0 * square / (WINDOW * WINDOW) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(names: &[&str]) -> Vec<&'static str> {
        let (mut sender, mut receiver) = (MfSender::new(), MfReceiver::new());
        for name in names {
            assert!(sender.dial(MfDigit::from_name(name).unwrap()));
        }
        let mut heard = Vec::new();
        while !sender.is_idle() {
            heard.extend(receiver.listen(&sender.frame()).map(MfDigit::name));
        }
        heard
    }

    #[test]
    fn what_is_sent_is_heard_digit_by_digit_even_when_two_are_alike() {
        let number = ["K0", "5", "5", "5", "0", "1", "2", "3", "4", "6", "7", "8", "9", "S0"];
        assert_eq!(sent(&number), number);
    }

    #[test]
    fn beginnings_and_endings_with_the_same_frequencies_are_told_apart_by_their_place() {
        for number in [["K1", "1", "S2"], ["K2", "2", "S1"], ["K0", "3", "S3"]] {
            assert_eq!(sent(&number), number);
        }
    }

    #[test]
    fn dtmf_speech_and_silence_are_no_signals() {
        use crate::dtmf::{Digit, DtmfGenerator, DtmfLevel, DtmfTiming};
        use crate::speech::SpeechNoise;
        let mut keys = DtmfGenerator::new(DtmfLevel::default());
        for digit in Digit::all() {
            keys.dial(digit, DtmfTiming::default());
        }
        let mut receiver = MfReceiver::new();
        while !keys.is_idle() {
            assert_eq!(receiver.listen(&keys.frame()), None);
        }
        let mut talk = SpeechNoise::new(strowger_sansio::Rng::from_number(4), -15.0);
        assert!((0..3000).all(|_| receiver.listen(&talk.frame()).is_none()));
        assert!((0..100).all(|_| receiver.listen(&SILENCE).is_none()));
    }
}
