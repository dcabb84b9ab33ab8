//! A tone as frames.

use std::collections::VecDeque;
use std::time::Duration;

use super::oscillator::Oscillator;
use super::shape::{Sound, Step, Tone};
use crate::frame::{Frame, SAMPLE_RATE, SILENCE, samples_in, sine_peak, to_sample};

const SAMPLES_PER_MILLI: u64 = SAMPLE_RATE as u64 / 1000;

#[derive(Clone, Debug)]
enum Part {
    Tone(Tone),
    /// For so many samples at most.
    For(Tone, u64),
    Silence(u64),
}

/// What plays a tone, or several one after the other.
#[derive(Clone, Debug)]
pub struct ToneGenerator {
    parts: VecDeque<Part>,
    section: usize,
    round: u32,
    step: usize,
    /// Samples left of the step; none when the step has no end.
    left: Option<u64>,
    /// Samples left of the part; none when it ends with its tone.
    budget: Option<u64>,
    voices: Vec<Oscillator>,
    modulator: Option<Oscillator>,
    amplitude: f64,
    decay: f64,
    started: bool,
}

impl ToneGenerator {
    /// What plays this tone from its start.
    #[must_use]
    pub fn new(tone: Tone) -> Self {
        let mut own = Self::silent();
        own.then(tone);
        own
    }

    /// What plays nothing yet.
    #[must_use]
    pub fn silent() -> Self {
        Self {
            parts: VecDeque::new(),
            section: 0,
            round: 0,
            step: 0,
            left: Some(0),
            budget: None,
            voices: Vec::new(),
            modulator: None,
            amplitude: 0.0,
            decay: 1.0,
            started: false,
        }
    }

    /// Goes on with another tone when all before it has ended.
    pub fn then(&mut self, tone: Tone) {
        self.parts.push_back(Part::Tone(tone));
    }

    /// Goes on with another tone when all before it has ended, for so long at most: most tones have no end of their own.
    pub fn then_for(&mut self, tone: Tone, duration: Duration) {
        self.parts.push_back(Part::For(tone, samples_in(duration)));
    }

    /// Goes on with silence when all before it has ended.
    pub fn then_silence(&mut self, duration: Duration) {
        self.parts.push_back(Part::Silence(samples_in(duration)));
    }

    /// Whether all has been played.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.parts.is_empty()
    }

    /// The next frame; silence once all has been played.
    pub fn frame(&mut self) -> Frame {
        let mut frame = SILENCE;
        for sample in &mut frame {
            while self.left == Some(0) && !self.parts.is_empty() {
                self.next_step();
            }
            if self.parts.is_empty() {
                break;
            }
            *sample = self.sample();
            self.left = self.left.map(|left| left - 1);
            self.budget = self.budget.map(|left| left - 1);
            if self.budget == Some(0) {
                self.next_part();
            }
        }
        // The end is reached when nothing is left to play, not one frame later.
        while self.left == Some(0) && !self.parts.is_empty() {
            self.next_step();
        }
        frame
    }

    fn sample(&mut self) -> i16 {
        if self.voices.is_empty() {
            return 0;
        }
        let mut amplitude = self.amplitude;
        if let Some(modulator) = &mut self.modulator {
            amplitude *= (1.0 + modulator.sample()) / 2.0;
        }
        self.amplitude *= self.decay;
        let sum: f64 = self.voices.iter_mut().map(Oscillator::sample).sum();
        to_sample(sum * amplitude)
    }

    /// Moves on to the step that comes next, in this section, the next one, or the next part.
    fn next_step(&mut self) {
        match self.parts.front() {
            None => {}
            Some(Part::Silence(samples)) => {
                let samples = *samples;
                if std::mem::replace(&mut self.started, true) || samples == 0 {
                    self.next_part();
                } else {
                    self.voices.clear();
                    self.left = Some(samples);
                }
            }
            Some(part @ (Part::Tone(_) | Part::For(..))) => {
                let (tone, most) = match part {
                    Part::For(tone, most) => (*tone, Some(*most)),
                    Part::Tone(tone) => (*tone, None),
                    Part::Silence(_) => return,
                };
                if std::mem::replace(&mut self.started, true) {
                    self.step += 1;
                } else {
                    self.budget = most;
                }
                if self.budget == Some(0) {
                    return self.next_part();
                }
                match self.settle(&tone) {
                    Some(step) => self.begin(&step),
                    None => self.next_part(),
                }
            }
        }
    }

    /// The step at the present place, after moving past the ends of sections.
    fn settle(&mut self, tone: &Tone) -> Option<Step> {
        loop {
            let section = tone.sections.get(self.section)?;
            if let Some(step) = section.steps.get(self.step) {
                return Some(*step);
            }
            self.step = 0;
            self.round = self.round.saturating_add(1);
            // A section without steps would turn without end.
            if section.steps.is_empty() || section.times > 0 && self.round >= section.times {
                self.section += 1;
                self.round = 0;
            }
        }
    }

    fn begin(&mut self, step: &Step) {
        self.left = (step.millis > 0).then(|| u64::from(step.millis) * SAMPLES_PER_MILLI);
        self.voices.clear();
        self.modulator = None;
        self.decay = 1.0;
        self.voices.extend(step.sound.frequencies().iter().map(|hertz| Oscillator::new(*hertz)));
        match step.sound {
            Sound::Silence => {}
            Sound::Sines { level, .. } => self.amplitude = sine_peak(level),
            Sound::Modulated { by, level, .. } => {
                // Full modulation has the power of 3/8 of an unmoved sine of the same peak.
                self.amplitude = sine_peak(level) * (4.0_f64 / 3.0).sqrt() * std::f64::consts::SQRT_2;
                self.modulator = Some(Oscillator::new(by));
            }
            Sound::Decaying { level, constant, .. } => {
                self.amplitude = sine_peak(level);
                self.decay = (-1.0 / (constant * SAMPLES_PER_MILLI as f64)).exp();
            }
        }
    }

    fn next_part(&mut self) {
        self.parts.pop_front();
        self.section = 0;
        self.round = 0;
        self.step = 0;
        self.left = Some(0);
        self.budget = None;
        self.started = false;
        self.voices.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::level_dbm0;
    use crate::tone::{SignalTone, Sit, TonePlan};

    fn samples(generator: &mut ToneGenerator, millis: usize) -> Vec<i16> {
        (0..millis / 10).flat_map(|_| generator.frame()).collect()
    }

    /// Spans of sound and silence in milliseconds, with silence negative.
    fn cadence(samples: &[i16]) -> Vec<i32> {
        let mut spans: Vec<i32> = Vec::new();
        for block in samples.as_chunks::<80>().0 {
            let sign: i32 = if level_dbm0(block) > -50.0 { 10 } else { -10 };
            match spans.last_mut() {
                Some(last) if last.signum() == sign.signum() => *last += sign,
                _ => spans.push(sign),
            }
        }
        spans
    }

    #[test]
    fn tones_without_an_end_follow_one_another_each_for_its_time() {
        let plan = TonePlan::north_america();
        let mut generator = ToneGenerator::silent();
        generator.then_for(plan.tone(SignalTone::Dial), Duration::from_millis(300));
        generator.then_silence(Duration::from_millis(100));
        // It ends within its own silence.
        generator.then_for(plan.tone(SignalTone::Busy), Duration::from_millis(600));
        generator.then_for(plan.tone(SignalTone::Dial), Duration::ZERO);
        assert_eq!(cadence(&samples(&mut generator, 900)), [300, -100, 500]);
        assert!(!generator.is_finished());
        assert_eq!(cadence(&samples(&mut generator, 200)), [-200]);
        assert!(generator.is_finished());
    }

    #[test]
    fn busy_tone_keeps_its_cadence_and_level() {
        let mut busy = ToneGenerator::new(TonePlan::north_america().tone(SignalTone::Busy));
        let heard = samples(&mut busy, 3000);
        assert_eq!(cadence(&heard), [500, -500, 500, -500, 500, -500]);
        assert!((level_dbm0(&heard[..4000]) + 21.0).abs() < 0.1, "two tones of -24 dBm0 make -21");
    }

    #[test]
    fn message_waiting_stutters_ten_times_and_goes_on() {
        let mut tone = ToneGenerator::new(TonePlan::north_america().tone(SignalTone::MessageWaiting));
        let heard = cadence(&samples(&mut tone, 5000));
        assert_eq!(heard.len(), 21);
        assert_eq!(heard[..4], [100, -100, 100, -100]);
        assert_eq!(heard[20], 3000);
        assert!(!tone.is_finished());
    }

    #[test]
    fn recall_dial_tone_waits_as_long_as_it_is_told() {
        let mut tone = TonePlan::north_america().stutter_dial_after(Duration::from_millis(1500));
        assert_eq!(cadence(&samples(&mut tone, 4000)), [100, -100, 100, -100, 100, -1600, 1900]);
    }

    #[test]
    fn a_tone_that_ends_says_so_with_its_last_frame() {
        let mut tone = ToneGenerator::new(TonePlan::north_america().tone(SignalTone::Confirm));
        samples(&mut tone, 590);
        assert!(!tone.is_finished());
        samples(&mut tone, 10);
        assert!(tone.is_finished());
        assert_eq!(tone.frame(), SILENCE);
    }

    #[test]
    fn a_modulated_tone_has_the_level_of_its_table_entry() {
        let mut tone = ToneGenerator::new(TonePlan::of("in").unwrap().tone(SignalTone::Dial));
        let level = level_dbm0(&samples(&mut tone, 2000));
        assert!((level + 10.0).abs() < 0.1, "{level}");
    }

    #[test]
    fn calling_card_tone_dies_away() {
        let mut tone = ToneGenerator::new(TonePlan::north_america().tone(SignalTone::CallingCard));
        let heard = samples(&mut tone, 1000);
        let early = level_dbm0(&heard[800..1600]);
        let late = level_dbm0(&heard[2400..3200]);
        // 200 ms later the amplitude is 1/e: 8.7 dB less.
        assert!((early - late - 8.7).abs() < 1.0, "{early} {late}");
        assert!(tone.is_finished());
    }

    #[test]
    fn every_country_has_every_tone() {
        let plain = [
            SignalTone::Dial,
            SignalTone::StutterDial,
            SignalTone::MessageWaiting,
            SignalTone::Ringback,
            SignalTone::Busy,
            SignalTone::Congestion,
            SignalTone::SpecialInformation(Sit::VacantCode),
            SignalTone::NumberUnobtainable,
            SignalTone::Confirm,
            SignalTone::NegativeIndication,
            SignalTone::CallWaiting,
            SignalTone::CallWaitingPattern(0),
            SignalTone::CallWaitingPattern(2),
            SignalTone::CallWaitingPattern(3),
            SignalTone::CallWaitingPattern(4),
            SignalTone::CallerWaiting,
            SignalTone::OffHookWarning,
            SignalTone::RecorderWarning,
            SignalTone::Intercept,
            SignalTone::Preemption,
            SignalTone::OnHold,
            SignalTone::Comfort,
            SignalTone::ConferenceJoin,
            SignalTone::ConferenceDepart,
            SignalTone::PayPhoneRecognition,
            SignalTone::Pay,
            SignalTone::Error,
            SignalTone::Prompt,
            SignalTone::CallingCard,
            SignalTone::Alerting,
            SignalTone::Answer,
            SignalTone::Continuity2010,
            SignalTone::Continuity1780,
            SignalTone::Milliwatt,
            SignalTone::OldMilliwatt,
            SignalTone::NewestMilliwatt,
            SignalTone::TestLine,
        ];
        for plan in TonePlan::all() {
            for signal in plain {
                let heard = samples(&mut ToneGenerator::new(plan.tone(signal)), 100);
                assert!(level_dbm0(&heard) > -40.0, "{} {signal}", plan.country());
                assert!(heard.iter().all(|s| s.unsigned_abs() < 32_767), "{} {signal} clips", plan.country());
            }
            assert!(plan.ringing(crate::tone::RingPattern::Normal).spans.len() % 2 == 0);
        }
    }
}
