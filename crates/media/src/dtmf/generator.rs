//! Digits as sound.

use std::collections::VecDeque;
use std::time::Duration;

use super::digit::Digit;
use crate::frame::{Frame, SILENCE, samples_in, sine_peak, to_sample};
use crate::limits::Limits;
use crate::tone::Oscillator;

/// How long a digit sounds, and how long the pause after it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DtmfTiming {
    on: Duration,
    off: Duration,
}

impl DtmfTiming {
    /// The shortest that may be sent: 50 ms and 45 ms (GR-506 section 15, as RFC 3660 quotes it).
    pub const SHORTEST: Self = Self { on: Duration::from_millis(50), off: Duration::from_millis(45) };
    /// The pace of an automatic dialler: 100 ms and 100 ms.
    pub const USUAL: Self = Self { on: Duration::from_millis(100), off: Duration::from_millis(100) };

    /// These spans, or the shortest that may be sent where they are shorter.
    #[must_use]
    pub fn new(on: Duration, off: Duration) -> Self {
        Self { on: on.max(Self::SHORTEST.on), off: off.max(Self::SHORTEST.off) }
    }

    /// How long a digit sounds.
    #[must_use]
    pub const fn on(self) -> Duration {
        self.on
    }

    /// How long the pause after it is.
    #[must_use]
    pub const fn off(self) -> Duration {
        self.off
    }
}

impl Default for DtmfTiming {
    fn default() -> Self {
        Self::USUAL
    }
}

/// The levels of the two frequencies in dBm0. The high one is sent 2 dB louder, since lines lose more of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DtmfLevel {
    /// Of the low group.
    pub low: f64,
    /// Of the high group.
    pub high: f64,
}

impl Default for DtmfLevel {
    fn default() -> Self {
        Self { low: -10.0, high: -8.0 }
    }
}

#[derive(Clone, Copy, Debug)]
struct Queued {
    digit: Digit,
    /// Samples of tone; none for a tone that is stopped by [`DtmfGenerator::release`].
    on: Option<u64>,
    off: u64,
}

/// What makes digits into frames, one after the other.
#[derive(Clone, Debug)]
pub struct DtmfGenerator {
    level: DtmfLevel,
    queue: VecDeque<Queued>,
    low: Oscillator,
    high: Oscillator,
    /// Samples already played of the digit in front.
    played: u64,
}

impl DtmfGenerator {
    /// One with nothing to play.
    #[must_use]
    pub fn new(level: DtmfLevel) -> Self {
        Self {
            level,
            queue: VecDeque::new(),
            low: Oscillator::new(0.0),
            high: Oscillator::new(0.0),
            played: 0,
        }
    }

    /// Plays a digit after those that wait; says whether there was room.
    pub fn dial(&mut self, digit: Digit, timing: DtmfTiming) -> bool {
        self.push(Queued { digit, on: Some(samples_in(timing.on)), off: samples_in(timing.off) })
    }

    /// Presses a key, after the digits that wait, until it is released; says whether there was room.
    pub fn press(&mut self, digit: Digit) -> bool {
        self.push(Queued { digit, on: None, off: samples_in(DtmfTiming::SHORTEST.off) })
    }

    /// Releases the pressed key: its tone ends, but not before it has lasted 50 ms.
    pub fn release(&mut self) {
        let shortest = samples_in(DtmfTiming::SHORTEST.on);
        let played = self.played;
        for (place, queued) in self.queue.iter_mut().enumerate() {
            if queued.on.is_none() {
                queued.on = Some(if place == 0 { played.max(shortest) } else { shortest });
            }
        }
    }

    /// Forgets all that waits, and falls silent.
    pub fn clear(&mut self) {
        self.queue.clear();
        self.played = 0;
    }

    /// Whether nothing is left to play, the pause after the last digit included.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    /// The digit that sounds now.
    #[must_use]
    pub fn sounding(&self) -> Option<Digit> {
        let front = self.queue.front()?;
        front.on.is_none_or(|on| self.played < on).then_some(front.digit)
    }

    /// The next frame; silence when idle.
    pub fn frame(&mut self) -> Frame {
        let mut frame = SILENCE;
        let (low_peak, high_peak) = (sine_peak(self.level.low), sine_peak(self.level.high));
        for sample in &mut frame {
            let Some(front) = self.queue.front().copied() else { break };
            if front.on.is_none_or(|on| self.played < on) {
                *sample = to_sample(low_peak * self.low.sample() + high_peak * self.high.sample());
            }
            self.played += 1;
            if front.on.is_some_and(|on| self.played >= on + front.off) {
                self.queue.pop_front();
                self.begin();
            }
        }
        frame
    }

    fn push(&mut self, queued: Queued) -> bool {
        if self.queue.len() >= Limits::DEFAULT.digits {
            return false;
        }
        self.queue.push_back(queued);
        if self.queue.len() == 1 {
            self.begin();
        }
        true
    }

    fn begin(&mut self) {
        self.played = 0;
        if let Some(front) = self.queue.front() {
            let (low, high) = front.digit.frequencies();
            self.low = Oscillator::new(low);
            self.high = Oscillator::new(high);
        }
    }
}

impl Default for DtmfGenerator {
    fn default() -> Self {
        Self::new(DtmfLevel::default())
    }
}
