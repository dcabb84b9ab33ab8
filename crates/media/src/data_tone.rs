//! Signals that say that machines talk here: fax calling tone, answer tone, fax preamble.
//!
//! - calling tone of T.30 (CNG): 1100 Hz +-38 Hz, half a second of every 3.5;
//! - answer tone of V.25 and V.8 (ANS, ANSam): 2100 Hz +-15 Hz, amplitude-modulated by a fifth in V.8, in many modems and in faxes above
//!   14.4 kbit/s with its phase reversed every 450 ms, which asks the network to take its echo cancellers out;
//! - preamble of T.30: a second of HDLC flags by the upper channel of V.21, 300 bit/s between 1650 Hz (one) and 1850 Hz (zero).
//!
//! What they have in common is what they need of a packet network: no silence suppression, no comfort noise, no play-out that
//! changes its delay, and a codec that keeps the waveform.

use std::f64::consts::TAU;
use std::time::Duration;

use crate::frame::{FRAME_SAMPLES, FRAME_TIME, Frame, SAMPLE_RATE, level_dbm0};

/// What was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DataTone {
    /// A fax calls (CNG).
    Calling,
    /// A modem or fax answers, with a steady phase (ANS, ANSam).
    Answer,
    /// As `Answer`, with phase reversals (/ANS, /ANSam): echo cancellers are to be disabled.
    AnswerReversed,
    /// A fax identifies itself (V.21 flags): whatever it is, it is a fax.
    Preamble,
}

impl DataTone {
    /// Whether only a fax machine gives it.
    #[must_use]
    pub const fn is_fax(self) -> bool {
        matches!(self, Self::Calling | Self::Preamble)
    }
}

/// Below this level in dBm0 nothing is looked for: V.25 receivers need not hear less either.
const LEAST_LEVEL: f64 = -43.0;
/// The part of the power that a tone must have in half a frame.
const SHARE: f64 = 0.7;
/// The part that both frequencies of V.21 have together, even where a bit changes.
const PAIR_SHARE: f64 = 0.5;
/// Half a frame, 5 ms: short enough for a tone that is off by 38 Hz, and just one period of the difference of V.21's two.
const HALF: usize = FRAME_SAMPLES / 2;

/// Frames of answer tone that are believed: 400 ms, less than V.25's 2.6 s and more than any speech sound.
const ANSWER_FRAMES: u32 = 40;
/// Frames of a calling tone, 0.5 s +-15 % and what the grain of frames adds.
const CALLING_FRAMES: std::ops::RangeInclusive<u32> = 41..=60;
/// Frames between two reversals: 450 ms +-25 ms, and the grain.
const REVERSAL_FRAMES: std::ops::RangeInclusive<u32> = 41..=49;
/// Frames of flags that are believed.
const PREAMBLE_FRAMES: u32 = 20;
/// How long nothing may be heard before the same signal is told again.
const FORGET: Duration = Duration::from_secs(4);

/// Listens for all of them.
#[derive(Clone, Debug, Default)]
pub struct DataToneDetector {
    calling: u32,
    answer: u32,
    phases: Phases,
    pair: u32,
    ones: u32,
    told: Option<DataTone>,
    quiet: u32,
}

/// The phase of the answer tone, frame by frame. 2100 Hz has 21 whole periods in a frame, so a steady tone of any frequency near it turns by a
/// constant angle from frame to frame.
#[derive(Clone, Debug, Default)]
struct Phases {
    /// The last two steady frames: frame number and phase.
    last: Option<(u32, f64)>,
    /// By how much the phase turns in a frame.
    turn: f64,
    frame: u32,
    reversed_at: Option<u32>,
}

/// The projection of some samples on a frequency.
struct Projection {
    real: f64,
    imaginary: f64,
}

impl Projection {
    fn of(samples: &[i16], hertz: f64) -> Self {
        let (step_imaginary, step_real) = (TAU * hertz / f64::from(SAMPLE_RATE)).sin_cos();
        let (mut real, mut imaginary, mut cosine, mut sine) = (0.0, 0.0, 1.0, 0.0);
        for sample in samples {
            real += f64::from(*sample) * cosine;
            imaginary -= f64::from(*sample) * sine;
            (cosine, sine) =
                (cosine * step_real - sine * step_imaginary, sine * step_real + cosine * step_imaginary);
        }
        Self { real, imaginary }
    }

    /// The part of the samples' power that it is.
    fn share(&self, samples: &[i16]) -> f64 {
        let power: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
        let own = self.real * self.real + self.imaginary * self.imaginary;
        2.0 * own / (samples.len() as f64 * power.max(1.0))
    }
}

impl DataToneDetector {
    /// A detector that has heard nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Listens to a frame; says what was recognised just now, and each signal once as long as it goes on or returns within seconds.
    /// An answer tone is told again when its phase proves to be reversed.
    pub fn listen(&mut self, frame: &Frame) -> Option<DataTone> {
        let audible = level_dbm0(frame) >= LEAST_LEVEL;
        let heard = self.listen_to(frame, audible);
        self.quiet = if self.is_idle() { self.quiet.saturating_add(1) } else { 0 };
        if FRAME_TIME * self.quiet >= FORGET {
            self.told = None;
        }
        // The calling tone is what comes before anything else, so that nothing takes its place.
        let new = heard.filter(|heard| self.told.is_none_or(|told| told < *heard))?;
        self.told = Some(new);
        Some(new)
    }

    fn listen_to(&mut self, frame: &Frame, audible: bool) -> Option<DataTone> {
        let (first, second) = frame.split_at(HALF);
        let halves = [first, second];
        let share = |hertz: f64| halves.map(|half| Projection::of(half, hertz).share(half));
        let steady = |hertz: f64| audible && share(hertz).iter().all(|share| *share > SHARE);
        if let Some(heard) = self.follow_calling(steady(1100.0)) {
            return Some(heard);
        }
        if let Some(heard) = self.follow_answer(frame, audible.then(|| share(2100.0))) {
            return Some(heard);
        }
        let pairs = [share(1650.0), share(1850.0)];
        self.follow_preamble(audible, pairs)
    }

    /// A calling tone is told when it ends at its time: what goes on is no such tone.
    fn follow_calling(&mut self, is_there: bool) -> Option<DataTone> {
        if is_there {
            self.calling = self.calling.saturating_add(1);
            return None;
        }
        CALLING_FRAMES.contains(&std::mem::take(&mut self.calling)).then_some(DataTone::Calling)
    }

    fn follow_answer(&mut self, frame: &Frame, shares: Option<[f64; 2]>) -> Option<DataTone> {
        // In the half in which the phase turns over, the tone cancels itself.
        let is_there = shares.is_some_and(|[first, second]| first.max(second) > SHARE);
        if !is_there {
            self.answer = 0;
            self.phases = Phases::default();
            return None;
        }
        self.answer = self.answer.saturating_add(1);
        if self.phases.follow(frame) && self.answer >= ANSWER_FRAMES {
            return Some(DataTone::AnswerReversed);
        }
        (self.answer == ANSWER_FRAMES).then_some(DataTone::Answer)
    }

    /// Flags are three ones for each zero, by turns.
    fn follow_preamble(&mut self, audible: bool, [ones, zeros]: [[f64; 2]; 2]) -> Option<DataTone> {
        let halves = [(ones[0], zeros[0]), (ones[1], zeros[1])];
        if !audible || halves.iter().any(|(one, zero)| one + zero < PAIR_SHARE) {
            self.pair = 0;
            self.ones = 0;
            return None;
        }
        self.pair += 1;
        self.ones += halves.iter().map(|(one, zero)| u32::from(one > zero)).sum::<u32>();
        if self.pair < PREAMBLE_FRAMES {
            return None;
        }
        let percent = self.ones * 100 / (2 * self.pair);
        self.pair = 0;
        self.ones = 0;
        (60..=90).contains(&percent).then_some(DataTone::Preamble)
    }

    const fn is_idle(&self) -> bool {
        self.calling == 0 && self.answer == 0 && self.pair == 0
    }
}

impl Phases {
    /// Follows the phase through a frame; says whether it has been reversed twice at the right distance just now.
    fn follow(&mut self, frame: &Frame) -> bool {
        self.frame = self.frame.saturating_add(1);
        let tone = Projection::of(frame, 2100.0);
        if tone.share(frame) < SHARE {
            // The phase turns over within it.
            return false;
        }
        let phase = tone.imaginary.atan2(tone.real);
        let Some((before, old)) = self.last.replace((self.frame, phase)) else { return false };
        let frames = self.frame - before;
        let off = wrapped(phase - old - self.turn * f64::from(frames));
        if off.abs() < TAU / 3.0 {
            if frames == 1 {
                self.turn = wrapped(self.turn + off / 2.0);
            }
            return false;
        }
        let distance = self.reversed_at.replace(self.frame).map(|at| self.frame - at);
        distance.is_some_and(|distance| REVERSAL_FRAMES.contains(&distance))
    }
}

/// The same angle between -pi and pi.
fn wrapped(angle: f64) -> f64 {
    angle - TAU * (angle / TAU).round()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{sine_peak, to_sample};
    use crate::g711::Law;
    use crate::speech::SpeechNoise;
    use crate::tone::{SignalTone, ToneGenerator, TonePlan};
    use strowger_sansio::Rng;

    /// A signal of samples, after A-law.
    fn heard(samples: impl IntoIterator<Item = f64>) -> Vec<(usize, DataTone)> {
        let samples: Vec<i16> =
            samples.into_iter().map(|sample| Law::A.decode(Law::A.encode(to_sample(sample)))).collect();
        let mut detector = DataToneDetector::new();
        let (frames, _) = samples.as_chunks::<FRAME_SAMPLES>();
        frames.iter().enumerate().filter_map(|(n, frame)| Some((n * 10, detector.listen(frame)?))).collect()
    }

    fn tone(hertz: f64, dbm0: f64, millis: usize) -> impl Iterator<Item = f64> {
        (0..millis * 8).map(move |n| sine_peak(dbm0) * (TAU * hertz * n as f64 / 8000.0 + 0.4).sin())
    }

    fn silence(millis: usize) -> impl Iterator<Item = f64> {
        std::iter::repeat_n(0.0, millis * 8)
    }

    /// An answer tone whose phase turns over every `every` milliseconds.
    fn reversed(hertz: f64, every: usize, modulated: bool) -> impl Iterator<Item = f64> {
        (0..24_000_usize).map(move |n| {
            let sign = if (n / (every * 8)).is_multiple_of(2) { 1.0 } else { -1.0 };
            let swing = if modulated { 1.0 + 0.2 * (TAU * 15.0 * n as f64 / 8000.0).sin() } else { 1.0 };
            sign * swing * sine_peak(-12.0) * (TAU * hertz * n as f64 / 8000.0).sin()
        })
    }

    /// Bits by the upper channel of V.21, with a phase that does not jump.
    fn v21(bits: impl Iterator<Item = bool>, dbm0: f64) -> impl Iterator<Item = f64> {
        let mut phase = 0.0_f64;
        let mut clock = 0.0;
        let mut bits = bits.peekable();
        std::iter::from_fn(move || {
            let bit = *bits.peek()?;
            phase += TAU * if bit { 1650.0 } else { 1850.0 } / 8000.0;
            clock += 300.0 / 8000.0;
            if clock >= 1.0 {
                clock -= 1.0;
                bits.next();
            }
            Some(sine_peak(dbm0) * phase.sin())
        })
    }

    #[test]
    fn a_calling_fax_is_known_by_its_first_half_second() {
        for hertz in [1062.0, 1100.0, 1138.0] {
            for level in [-8.0, -35.0] {
                let call = silence(705).chain(tone(hertz, level, 500)).chain(silence(3000));
                let call: Vec<f64> = call.chain(tone(hertz, level, 500)).chain(silence(500)).collect();
                let found = heard(call);
                assert_eq!(found.len(), 1, "{hertz} Hz at {level}: {found:?}");
                assert!(found[0].1 == DataTone::Calling && (1200..1260).contains(&found[0].0), "{found:?}");
            }
        }
        assert_eq!(heard(tone(1100.0, -10.0, 3000).chain(silence(100))), [], "a steady tone calls nobody");
        assert_eq!(heard(tone(1100.0, -10.0, 250).chain(silence(100))), []);
    }

    #[test]
    fn an_answer_tone_is_told_once_and_its_reversals_after_it() {
        for hertz in [2085.0, 2100.0, 2115.0] {
            for modulated in [false, true] {
                let steady = heard(reversed(hertz, 10_000, modulated));
                assert_eq!(steady, [(390, DataTone::Answer)], "{hertz} Hz, modulated {modulated}");
                for every in [425, 450, 475] {
                    let found: Vec<_> = heard(reversed(hertz, every, modulated)).into_iter().collect();
                    assert_eq!(
                        found.iter().map(|(_, tone)| *tone).collect::<Vec<_>>(),
                        [DataTone::Answer, DataTone::AnswerReversed]
                    );
                    assert!(found[1].0 < 1000, "{found:?}");
                }
            }
        }
    }

    #[test]
    fn the_preamble_of_a_fax_is_flags_and_not_a_steady_tone() {
        let flags = || (0..300).map(|bit| !matches!(bit % 8, 0 | 7));
        for level in [-10.0, -38.0] {
            let found = heard(silence(300).chain(v21(flags(), level)));
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].1 == DataTone::Preamble && found[0].0 < 750, "{found:?}");
        }
        assert_eq!(heard(tone(1650.0, -10.0, 2000)), []);
        assert_eq!(heard(tone(1850.0, -10.0, 2000)), []);
    }

    #[test]
    fn a_whole_fax_call_is_told_in_its_order() {
        let flags = (0..300).map(|bit| !matches!(bit % 8, 0 | 7));
        let call = tone(1100.0, -12.0, 500)
            .chain(silence(1500))
            .chain(reversed(2100.0, 450, false))
            .chain(silence(75))
            .chain(v21(flags, -12.0));
        let order: Vec<_> = heard(call).into_iter().map(|(_, tone)| tone).collect();
        assert_eq!(
            order,
            [DataTone::Calling, DataTone::Answer, DataTone::AnswerReversed, DataTone::Preamble]
        );
        assert!(DataTone::Preamble.is_fax() && !DataTone::AnswerReversed.is_fax());
    }

    #[test]
    fn talk_and_call_progress_tones_are_no_machines() {
        let mut talk = SpeechNoise::new(Rng::from_number(5), -15.0);
        let mut detector = DataToneDetector::new();
        for _ in 0..6000 {
            assert_eq!(detector.listen(&talk.frame()), None);
        }
        for signal in [SignalTone::Dial, SignalTone::Busy, SignalTone::Ringback, SignalTone::Congestion] {
            let mut tone = ToneGenerator::new(TonePlan::north_america().tone(signal));
            let mut detector = DataToneDetector::new();
            assert!((0..1000).all(|_| detector.listen(&tone.frame()).is_none()), "{signal:?}");
        }
    }
}
