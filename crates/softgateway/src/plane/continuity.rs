//! Continuity tests with one or two tones: the transponder that answers, and the end that asks (RFC 3435 section 2.3.1, RFC
//! 3660 section 2.3).
//!
//! Limits: the return tone is believed after 60 ms and its removal after the 50 ms that loss in a packet network may take,
//! whatever a national specification allows.

use strowger_media::analysis::FrequencyWatch;
use strowger_media::tone::{SignalTone, ToneGenerator, TonePlan};
use strowger_media::{Frame, SILENCE};
use strowger_sansio::Duration;

/// The two tones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// 2010 Hz.
    Co1,
    /// 1780 Hz.
    Co2,
}

impl Tone {
    pub(super) const BOTH: [Self; 2] = [Self::Co1, Self::Co2];

    /// The tone of a symbol, in any case.
    pub(super) fn named(symbol: &str) -> Option<Self> {
        Self::BOTH.into_iter().find(|tone| tone.symbol().eq_ignore_ascii_case(symbol))
    }

    pub(super) const fn symbol(self) -> &'static str {
        match self {
            Self::Co1 => "co1",
            Self::Co2 => "co2",
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::Co1 => Self::Co2,
            Self::Co2 => Self::Co1,
        }
    }

    fn watch(self) -> FrequencyWatch {
        FrequencyWatch::new(match self {
            Self::Co1 => 2010.0,
            Self::Co2 => 1780.0,
        })
    }

    fn generator(self, plan: &TonePlan) -> ToneGenerator {
        ToneGenerator::new(plan.tone(match self {
            Self::Co1 => SignalTone::Continuity2010,
            Self::Co2 => SignalTone::Continuity1780,
        }))
    }
}

/// How long a tone must be heard to be believed.
const SURE: Duration = Duration::from_millis(60);

/// Answers each tone with the other one, for as long as it is heard.
#[derive(Debug)]
pub(super) struct Transponder {
    pairs: Vec<(FrequencyWatch, ToneGenerator)>,
}

impl Transponder {
    /// One that answers both tones: which of them the circuit is tested with is known at the other end.
    pub(super) fn new(plan: &TonePlan) -> Self {
        Self { pairs: Tone::BOTH.map(|tone| (tone.watch(), tone.other().generator(plan))).into() }
    }

    /// One that answers this tone only.
    pub(super) fn of(plan: &TonePlan, heard: Tone) -> Self {
        Self { pairs: vec![(heard.watch(), heard.other().generator(plan))] }
    }

    /// 10 ms in, and the answer.
    pub(super) fn answer(&mut self, frame: &Frame) -> Frame {
        let mut answer = SILENCE;
        for (watch, generator) in &mut self.pairs {
            watch.listen(frame);
            if watch.present_for() >= SURE {
                answer = generator.frame();
            }
        }
        answer
    }
}

/// The end that asks: it sends a tone until one returns, and reports it when it has gone again.
#[derive(Debug)]
pub(super) struct ContinuityTest {
    go: Option<ToneGenerator>,
    watches: [(Tone, FrequencyWatch); 2],
    heard: Option<Tone>,
}

impl ContinuityTest {
    pub(super) fn new(plan: &TonePlan, go: Tone) -> Self {
        let watches = Tone::BOTH.map(|tone| (tone, tone.watch()));
        Self { go: Some(go.generator(plan)), watches, heard: None }
    }

    /// The go tone, while it is sent.
    pub(super) fn frame(&mut self) -> Option<Frame> {
        self.go.as_mut().map(ToneGenerator::frame)
    }

    /// Listens for the return tone; gives it when the test has passed.
    pub(super) fn listen(&mut self, frame: &Frame) -> Option<Tone> {
        for (tone, watch) in &mut self.watches {
            watch.listen(frame);
            match self.heard {
                None if watch.present_for() >= SURE => {
                    self.heard = Some(*tone);
                    self.go = None;
                }
                Some(heard) if heard == *tone && watch.present_for().is_zero() => {
                    self.heard = None;
                    return Some(*tone);
                }
                _ => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends a test through a far end with a delay of three frames; what came of it within a second.
    fn test(go: Tone, mut far: impl FnMut(&Frame) -> Frame) -> Option<(Tone, usize)> {
        let mut asking = ContinuityTest::new(TonePlan::north_america(), go);
        let mut line = std::collections::VecDeque::from([SILENCE; 3]);
        (0..100).find_map(|n| {
            line.push_back(far(&asking.frame().unwrap_or(SILENCE)));
            let back = line.pop_front()?;
            asking.listen(&back).map(|tone| (tone, n))
        })
    }

    #[test]
    fn a_transponder_answers_with_the_other_tone_and_a_loop_with_the_same() {
        let mut transponder = Transponder::new(TonePlan::north_america());
        assert_eq!(test(Tone::Co1, |frame| transponder.answer(frame)).unwrap().0, Tone::Co2);
        let mut transponder = Transponder::new(TonePlan::north_america());
        assert_eq!(test(Tone::Co2, |frame| transponder.answer(frame)).unwrap().0, Tone::Co1);
        assert_eq!(test(Tone::Co1, |frame| *frame).unwrap().0, Tone::Co1);
    }

    #[test]
    fn a_broken_circuit_and_a_transponder_of_the_other_kind_return_nothing() {
        assert_eq!(test(Tone::Co1, |_| SILENCE), None);
        let mut transponder = Transponder::of(TonePlan::north_america(), Tone::Co2);
        assert_eq!(test(Tone::Co1, |frame| transponder.answer(frame)), None);
    }
}
