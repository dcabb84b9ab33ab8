//! What a subscriber says, one thing after the other.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use strowger_sansio::Rng;

use crate::dtmf::{Digit, DtmfGenerator, DtmfTiming};
use crate::frame::{Frame, SILENCE, samples_in, sine_peak, to_sample};
use crate::limits::Limits;
use crate::speech::SpeechNoise;
use crate::tone::Oscillator;

/// What a subscriber says into the microphone.
#[derive(Clone, Debug, PartialEq)]
pub enum Utterance {
    /// Nothing, for a while.
    Silence(Duration),
    /// Recorded sound.
    Samples(Arc<[i16]>),
    /// A sine.
    Tone {
        /// Frequency in Hz.
        hertz: f64,
        /// Level in dBm0.
        level: f64,
        /// How long; without end when none.
        duration: Option<Duration>,
    },
    /// Keys of the keypad, one after the other.
    Digits {
        /// The keys.
        digits: Vec<Digit>,
        /// How long each sounds, and the pause after it.
        timing: DtmfTiming,
    },
    /// Noise that is like speech; the same number gives the same talk.
    Speech {
        /// The number.
        seed: u64,
        /// The level of its syllables in dBm0.
        level: f64,
        /// How long; without end when none.
        duration: Option<Duration>,
    },
}

impl Utterance {
    /// Keys with the pace of an automatic dialler; characters that are no keys are left out.
    #[must_use]
    pub fn keys(keys: &str) -> Self {
        Self::Digits {
            digits: keys.chars().filter_map(Digit::from_char).collect(),
            timing: DtmfTiming::USUAL,
        }
    }
}

/// What is being said, with how far it has come.
#[derive(Debug)]
enum Voice {
    Silence,
    Samples(Arc<[i16]>, usize),
    Tone(Oscillator, f64),
    Digits(Box<DtmfGenerator>, Frame, usize),
    Speech(Box<SpeechNoise>),
}

/// The queue of a mouthpiece.
#[derive(Debug, Default)]
pub(super) struct Mouthpiece {
    queue: VecDeque<Utterance>,
    /// What is being said, and how many samples of it are left; no number when it has no end or knows it itself.
    voice: Option<(Voice, Option<u64>)>,
}

impl Mouthpiece {
    /// Says something after all that waits, if there is room.
    pub(super) fn say(&mut self, utterance: Utterance) {
        if self.has_room() {
            self.queue.push_back(utterance);
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.queue.len() < Limits::DEFAULT.utterances
    }

    /// Forgets all that waits and stops what is being said.
    pub(super) fn clear(&mut self) {
        self.queue.clear();
        self.voice = None;
    }

    /// Whether nothing is being said and nothing waits.
    pub(super) fn is_idle(&self) -> bool {
        self.voice.is_none() && self.queue.is_empty()
    }

    /// The next frame, and whether the last thing that was to be said ended in it.
    pub(super) fn frame(&mut self) -> (Frame, bool) {
        let mut frame = SILENCE;
        let busy = !self.is_idle();
        for slot in &mut frame {
            loop {
                if self.voice.is_none() {
                    self.voice = self.queue.pop_front().map(|next| begin(&next));
                }
                let Some((voice, left)) = &mut self.voice else { break };
                if *left != Some(0)
                    && let Some(sample) = voice.sample()
                {
                    *slot = sample;
                    *left = left.map(|left| left - 1);
                    break;
                }
                self.voice = None;
            }
        }
        self.drop_finished();
        (frame, busy && self.is_idle())
    }

    /// What has ended with this frame is not carried into the next.
    fn drop_finished(&mut self) {
        let over = self.voice.as_ref().is_some_and(|(voice, left)| *left == Some(0) || voice.is_over());
        if over {
            self.voice = None;
        }
    }
}

fn begin(utterance: &Utterance) -> (Voice, Option<u64>) {
    match utterance {
        Utterance::Silence(span) => (Voice::Silence, Some(samples_in(*span))),
        Utterance::Samples(samples) => (Voice::Samples(Arc::clone(samples), 0), None),
        Utterance::Tone { hertz, level, duration } => {
            (Voice::Tone(Oscillator::new(*hertz), sine_peak(*level)), duration.map(samples_in))
        }
        Utterance::Digits { digits, timing } => {
            let mut generator = DtmfGenerator::default();
            // The generator holds the longest number twice; the rest of a longer one is not dialled.
            let _ = digits.iter().all(|digit| generator.dial(*digit, *timing));
            (Voice::Digits(Box::new(generator), SILENCE, SILENCE.len()), None)
        }
        Utterance::Speech { seed, level, duration } => {
            let talk = SpeechNoise::new(Rng::from_number(*seed), *level);
            (Voice::Speech(Box::new(talk)), duration.map(samples_in))
        }
    }
}

impl Voice {
    /// The next sample; none at its own end.
    fn sample(&mut self) -> Option<i16> {
        match self {
            Self::Silence => Some(0),
            Self::Samples(samples, at) => {
                let sample = samples.get(*at).copied();
                *at += 1;
                sample
            }
            Self::Tone(oscillator, peak) => Some(to_sample(oscillator.sample() * *peak)),
            Self::Digits(generator, frame, at) => {
                if *at >= frame.len() {
                    if generator.is_idle() {
                        return None;
                    }
                    *frame = generator.frame();
                    *at = 0;
                }
                let sample = frame.get(*at).copied();
                *at += 1;
                sample
            }
            Self::Speech(talk) => Some(talk.sample()),
        }
    }

    /// Whether it has come to its own end.
    fn is_over(&self) -> bool {
        match self {
            Self::Samples(samples, at) => *at >= samples.len(),
            Self::Digits(generator, frame, at) => *at >= frame.len() && generator.is_idle(),
            Self::Silence | Self::Tone(..) | Self::Speech(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtmf::{DtmfDetector, DtmfEvent};
    use crate::frame::level_dbm0;

    #[test]
    fn things_are_said_one_after_the_other_without_a_gap() {
        let mut mouth = Mouthpiece::default();
        let recording: Arc<[i16]> = (1..=100).collect();
        mouth.say(Utterance::Samples(Arc::clone(&recording)));
        mouth.say(Utterance::Silence(Duration::from_millis(5)));
        mouth.say(Utterance::Samples(recording));
        let (first, _) = mouth.frame();
        let (second, _) = mouth.frame();
        let (third, done) = mouth.frame();
        let said = [first, second, third].concat();
        assert_eq!(said[..100], (1..=100).collect::<Vec<i16>>());
        assert_eq!(said[100..140], [0; 40]);
        assert_eq!(said[140..], (1..=100).collect::<Vec<i16>>());
        assert!(done && mouth.is_idle());
        assert_eq!(mouth.frame(), (SILENCE, false));
    }

    #[test]
    fn a_tone_lasts_as_long_as_it_is_told_or_without_end() {
        let mut mouth = Mouthpiece::default();
        let tone = |duration| Utterance::Tone { hertz: 1000.0, level: -10.0, duration };
        mouth.say(tone(Some(Duration::from_millis(500))));
        let frames: Vec<_> = (0..60).map(|_| mouth.frame()).collect();
        assert!(frames[..50].iter().all(|(frame, _)| (level_dbm0(frame) + 10.0).abs() < 0.1));
        assert!(frames[50..].iter().all(|(frame, _)| *frame == SILENCE));
        assert_eq!(frames.iter().position(|(_, done)| *done), Some(49));
        mouth.say(tone(None));
        assert!((0..1000).all(|_| !mouth.frame().1));
        mouth.clear();
        assert_eq!(mouth.frame(), (SILENCE, false));
    }

    #[test]
    fn keys_are_dialled_in_order() {
        let mut mouth = Mouthpiece::default();
        mouth.say(Utterance::keys("20-01#"));
        let mut detector = DtmfDetector::new();
        let mut found = String::new();
        while !mouth.is_idle() {
            for event in detector.listen(&mouth.frame().0).into_iter().flatten() {
                if let DtmfEvent::Began { digit, .. } = event {
                    found.push(digit.letter());
                }
            }
        }
        assert_eq!(found, "2001#");
    }

    #[test]
    fn a_script_without_end_is_refused() {
        let mut mouth = Mouthpiece::default();
        for n in 0..1000 {
            assert_eq!(mouth.has_room(), n < Limits::DEFAULT.utterances);
            mouth.say(Utterance::Silence(Duration::from_secs(1)));
        }
        assert_eq!(mouth.queue.len(), Limits::DEFAULT.utterances);
    }

    #[test]
    fn what_has_no_length_is_passed_over() {
        let mut mouth = Mouthpiece::default();
        mouth.say(Utterance::keys("x"));
        mouth.say(Utterance::Samples(Arc::from([])));
        mouth.say(Utterance::Silence(Duration::ZERO));
        assert_eq!(mouth.frame(), (SILENCE, true));
    }
}
