//! Which call progress tone is heard, by a country's table.
//!
//! Sound is taken as runs: so long of this sound, so long of silence. Each tone of the table is laid over the newest runs, wherever in its cadence it fits, and
//! the tone that accounts for most of them is heard. As long as several fit equally well, none is: 425 Hz may become dial, busy or
//! ringing tone. Tones that sound alike in a country (Japan's busy and congestion) are heard together.

use std::collections::VecDeque;
use std::time::Duration;

use super::bank::{Bank, WINDOW};
use crate::frame::{FRAME_SAMPLES, FRAME_TIME, Frame, level_dbm0};
use crate::tone::{SignalTone, Sit, Sound, Step, Tone, TonePlan};

/// The tones that are looked for; where two sound alike, the first is the one that is named.
const WATCHED: [SignalTone; 18] = [
    SignalTone::Dial,
    SignalTone::StutterDial,
    SignalTone::MessageWaiting,
    SignalTone::Ringback,
    SignalTone::Busy,
    SignalTone::Congestion,
    SignalTone::NumberUnobtainable,
    SignalTone::SpecialInformation(Sit::NoCircuitIntra),
    SignalTone::SpecialInformation(Sit::NoCircuitInter),
    SignalTone::SpecialInformation(Sit::ReorderIntra),
    SignalTone::SpecialInformation(Sit::ReorderInter),
    SignalTone::SpecialInformation(Sit::Intercept),
    SignalTone::SpecialInformation(Sit::VacantCode),
    SignalTone::SpecialInformation(Sit::IneffectiveOther),
    SignalTone::OffHookWarning,
    SignalTone::Confirm,
    SignalTone::CallWaiting,
    SignalTone::RecorderWarning,
];

/// Sound is a frame louder than this, in dBm0, and than the loudest of late less this, in dB.
const AUDIBLE: f64 = -45.0;
const RANGE: f64 = 25.0;
/// Frames that may be silent inside a sound: a modulated tone is, and so is a hole that play-out concealed badly.
const DIP: u32 = 1;
/// Frames for which a sound may go unrecognised within a run.
const DOUBT: u32 = 8;
/// Frames of the window that recognises sounds.
const WINDOW_FRAMES: u32 = (WINDOW / FRAME_SAMPLES) as u32;
/// Runs that are remembered: the ten bursts of message waiting tone fit.
const RUNS: usize = 24;
/// A sound must last this long before it is named for itself.
const CERTAIN: u32 = 300;
/// Silence, or a steady sound that fits nothing, after which what was heard before no longer matters, in milliseconds.
const BREAK: u32 = 16_000;
const STEADY_BREAK: u32 = 3_000;
/// For how long a tone that has ended is still named, in milliseconds.
const AFTERWARDS: u32 = 3_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Label {
    Silence,
    /// A sound of the bank.
    Sound(usize),
    /// Some other sound.
    Other,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    label: Label,
    frames: u32,
}

impl Run {
    const fn millis(self) -> u32 {
        self.frames * 10
    }
}

/// A step of a shape; it has no end when its length is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stage {
    label: Label,
    millis: u32,
}

impl Stage {
    const fn tolerance(self) -> u32 {
        40 + self.millis / 10
    }

    /// Whether a whole run is this step.
    fn is(self, run: Run) -> bool {
        self.label == run.label && self.millis > 0 && self.millis.abs_diff(run.millis()) <= self.tolerance()
    }

    /// Whether a run that goes on may be this step.
    fn may_become(self, run: Run) -> bool {
        self.label == run.label && (self.millis == 0 || run.millis() <= self.millis + self.tolerance())
    }
}

/// What tones of one sound look like: steps that come once, then steps that repeat.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shape {
    signals: Vec<SignalTone>,
    once: Vec<Stage>,
    cycle: Vec<Stage>,
}

/// How well a shape fits: the runs that it accounts for, and whether it accounts for all of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Fit {
    runs: u32,
    whole: bool,
}

impl Shape {
    fn new(signal: SignalTone, tone: &Tone, bank: &mut Bank) -> Self {
        let mut shape = Self { signals: vec![signal], once: Vec::new(), cycle: Vec::new() };
        for section in tone.sections {
            let (target, times) = match section.times {
                0 => (&mut shape.cycle, 1),
                times => (&mut shape.once, times),
            };
            for _ in 0..times {
                section.steps.iter().for_each(|step| push(target, stage(step, bank)));
            }
        }
        if shape.cycle.is_empty() {
            // A tone that ends is followed by silence.
            if shape.once.last().is_some_and(|last| last.label == Label::Silence) {
                shape.once.pop();
            }
            shape.cycle.push(Stage { label: Label::Silence, millis: AFTERWARDS });
        }
        shape.shorten_cycle();
        shape
    }

    /// How the shape fits the runs, of which the last goes on; none if it does not fit at all.
    fn fit(&self, closed: &VecDeque<Run>, open: Run) -> Option<Fit> {
        let stages = self.once.len() + self.cycle.len();
        (0..stages).filter_map(|now| self.fit_at(now, closed, open)).max()
    }

    /// The fit when the open run is the step `now`.
    fn fit_at(&self, now: usize, closed: &VecDeque<Run>, open: Run) -> Option<Fit> {
        if !self.stage(now)?.may_become(open) {
            return None;
        }
        let mut fit = self.before(now, closed, closed.len());
        if self.once.is_empty() {
            fit.whole = self.cycle.len() > 1 && fit.runs as usize >= self.cycle.len();
        }
        // What follows something that comes once is only that if the latter was heard.
        let needs_past = !self.once.is_empty() && now >= self.once.len();
        (!needs_past || fit.runs >= 2).then_some(fit)
    }

    /// How the runs before the first `count` ones fit the steps before `at`.
    fn before(&self, at: usize, closed: &VecDeque<Run>, count: usize) -> Fit {
        let start_of_cycle = at == self.once.len();
        let once_before = at.checked_sub(1).filter(|_| at <= self.once.len());
        let cycle_before = if start_of_cycle {
            (self.cycle.len() > 1).then(|| self.once.len() + self.cycle.len() - 1)
        } else {
            at.checked_sub(1).filter(|_| at > self.once.len())
        };
        if at == 0 && !self.once.is_empty() {
            return Fit { runs: 0, whole: true };
        }
        let Some((run, earlier)) = count.checked_sub(1).and_then(|n| Some((*closed.get(n)?, n))) else {
            return Fit::default();
        };
        let back = |step: Option<usize>| {
            let step = step.filter(|step| self.stage(*step).is_some_and(|stage| stage.is(run)))?;
            let fit = self.before(step, closed, earlier);
            Some(Fit { runs: fit.runs + 1, ..fit })
        };
        back(once_before).max(back(cycle_before)).unwrap_or_default()
    }

    fn stage(&self, index: usize) -> Option<Stage> {
        self.once.get(index).or_else(|| self.cycle.get(index.checked_sub(self.once.len())?)).copied()
    }

    /// Takes repetitions out of the cycle: on and off twice are on and off.
    fn shorten_cycle(&mut self) {
        let length = self.cycle.len();
        let repeats = |period: &usize| {
            length.is_multiple_of(*period)
                && self.cycle.iter().zip(self.cycle.iter().skip(*period)).all(|(a, b)| a == b)
        };
        if let Some(period) = (1..length).find(repeats) {
            self.cycle.truncate(period);
        }
    }
}

fn stage(step: &Step, bank: &mut Bank) -> Stage {
    let label = match step.sound {
        Sound::Silence => Label::Silence,
        ref sound => bank.enter(sound).map_or(Label::Other, Label::Sound),
    };
    Stage { label, millis: step.millis }
}

/// Adds a step, joining it with one before that sounds the same.
fn push(stages: &mut Vec<Stage>, stage: Stage) {
    match stages.last_mut() {
        Some(last) if last.label == stage.label && last.millis > 0 && stage.millis > 0 => {
            last.millis += stage.millis;
        }
        _ => stages.push(stage),
    }
}

/// Listens for the tones of one country.
#[derive(Clone, Debug)]
pub struct ToneRecogniser {
    bank: Bank,
    shapes: Vec<Shape>,
    window: Box<[f64; WINDOW]>,
    closed: VecDeque<Run>,
    open: Run,
    /// Frames since the open run's sound was last recognised, and silent frames inside it.
    doubt: u32,
    dip: u32,
    loudest: f64,
    /// The shape that is heard now, and for how many frames.
    heard: Option<usize>,
    heard_frames: u32,
}

impl ToneRecogniser {
    /// One that has heard nothing.
    #[must_use]
    pub fn new(plan: &TonePlan) -> Self {
        let mut bank = Bank::default();
        let mut shapes: Vec<Shape> = Vec::new();
        for signal in WATCHED {
            let shape = Shape::new(signal, &plan.tone(signal), &mut bank);
            let alike =
                shapes.iter_mut().find(|known| known.once == shape.once && known.cycle == shape.cycle);
            match alike {
                Some(known) => known.signals.push(signal),
                None => shapes.push(shape),
            }
        }
        Self {
            bank,
            shapes,
            window: Box::new([0.0; WINDOW]),
            closed: VecDeque::with_capacity(RUNS),
            open: Run { label: Label::Silence, frames: 0 },
            doubt: 0,
            dip: 0,
            loudest: AUDIBLE,
            heard: None,
            heard_frames: 0,
        }
    }

    /// Listens to a frame; says whether what is heard has changed.
    pub fn listen(&mut self, frame: &Frame) -> bool {
        self.window.rotate_left(FRAME_SAMPLES);
        let (_, newest) = self.window.split_at_mut(WINDOW - FRAME_SAMPLES);
        for (into, sample) in newest.iter_mut().zip(frame) {
            *into = f64::from(*sample);
        }
        let level = level_dbm0(frame);
        // The loudest of late fades by 20 dB a second, so that a faint tone after a loud one is heard.
        self.loudest = (self.loudest - 0.2).max(level);
        self.follow(level > AUDIBLE.max(self.loudest - RANGE));
        self.judge()
    }

    /// The tone that is heard now.
    #[must_use]
    pub fn heard(&self) -> Option<SignalTone> {
        self.signals().first().copied()
    }

    /// Whether this tone is heard now. Of tones that sound alike, all are.
    #[must_use]
    pub fn hears(&self, signal: SignalTone) -> bool {
        self.signals().contains(&signal)
    }

    fn signals(&self) -> &[SignalTone] {
        self.heard.and_then(|index| self.shapes.get(index)).map_or(&[], |shape| &shape.signals)
    }

    /// For how long the tone has been recognised.
    #[must_use]
    pub fn heard_for(&self) -> Duration {
        FRAME_TIME * self.heard_frames
    }

    /// Forgets all.
    pub fn reset(&mut self) {
        self.closed.clear();
        self.open = Run { label: Label::Silence, frames: 0 };
        self.doubt = 0;
        self.dip = 0;
        self.loudest = AUDIBLE;
        self.heard = None;
        self.heard_frames = 0;
    }

    /// Continues or ends the open run.
    fn follow(&mut self, audible: bool) {
        self.open.frames += 1;
        match (self.open.label, audible) {
            (Label::Silence, false) => {}
            (Label::Silence, true) => {
                self.open.frames -= 1;
                self.begin(Label::Other, 1);
            }
            (_, false) => {
                self.dip += 1;
                if self.dip > DIP {
                    let silent = self.dip;
                    self.open.frames -= silent;
                    self.begin(Label::Silence, silent);
                }
            }
            (label, true) => {
                self.dip = 0;
                self.recognise(label);
            }
        }
    }

    /// Gives the open run the name of its sound, or begins another one.
    fn recognise(&mut self, label: Label) {
        if self.open.frames < WINDOW_FRAMES {
            return;
        }
        // Mostly a sound goes on, which is quicker to see than what it is.
        let found = match label {
            Label::Sound(known) if self.bank.holds(&self.window, known) => Some(known),
            _ => self.bank.classify(&self.window),
        };
        match (label, found.map(Label::Sound)) {
            // What came before a sound was recognised was its beginning, unless it was too long for that.
            (Label::Other, Some(found)) if self.open.frames <= 2 * WINDOW_FRAMES => self.open.label = found,
            (known, Some(found)) if known == found => self.doubt = 0,
            (_, Some(found)) => {
                // The first frame of another sound makes the window doubtful, so the doubtful frames are its own.
                let of_new = (self.doubt + 1).min(self.open.frames);
                self.open.frames -= of_new;
                self.begin(found, of_new);
            }
            (Label::Sound(_), None) => {
                self.doubt += 1;
                if self.doubt > DOUBT {
                    let doubtful = self.doubt;
                    self.open.frames -= doubtful.min(self.open.frames);
                    self.begin(Label::Other, doubtful);
                }
            }
            (_, None) => {}
        }
    }

    fn begin(&mut self, label: Label, frames: u32) {
        if self.open.frames > 0 {
            if self.closed.len() >= RUNS {
                self.closed.pop_front();
            }
            self.closed.push_back(self.open);
        }
        self.open = Run { label, frames };
        self.doubt = 0;
        self.dip = 0;
    }

    /// Decides what is heard; says whether it has changed.
    fn judge(&mut self) -> bool {
        let broken = match self.open.label {
            Label::Silence => self.open.millis() >= BREAK,
            _ => self.heard.is_none() && self.open.millis() >= STEADY_BREAK,
        };
        if broken {
            self.closed.clear();
        }
        if self.closed.is_empty() && self.open.label == Label::Silence {
            // Silence after nothing is nothing: most of a talk's pauses end here.
            self.heard_frames = 0;
            return self.heard.take().is_some();
        }
        let fits: Vec<(usize, Fit)> = self
            .shapes
            .iter()
            .enumerate()
            .filter_map(|(index, shape)| Some((index, shape.fit(&self.closed, self.open)?)))
            .collect();
        let best = fits.iter().map(|(_, fit)| *fit).max().unwrap_or_default();
        let heard: Vec<usize> =
            fits.iter().filter(|(_, fit)| *fit == best).map(|(index, _)| *index).collect();
        let certain = match self.open.label {
            Label::Sound(_) => best.runs >= 2 || self.open.millis() >= CERTAIN,
            Label::Silence => best.runs >= 1,
            Label::Other => self.open.frames < WINDOW_FRAMES && best.runs >= 2,
        };
        // A run whose sound is not known yet changes nothing.
        let undecided = self.open.label == Label::Other && self.open.frames < 2 * WINDOW_FRAMES;
        let heard = if undecided {
            self.heard
        } else {
            heard.first().copied().filter(|_| heard.len() == 1 && certain)
        };
        let changed = heard != self.heard;
        self.heard_frames = if changed || heard.is_none() { 0 } else { self.heard_frames + 1 };
        self.heard = heard;
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::SILENCE;
    use crate::g711::Law;
    use crate::speech::SpeechNoise;
    use crate::tone::ToneGenerator;
    use strowger_sansio::Rng;

    /// Listens to a tone through a codec, from some time into it; gives what was heard at the end, and the first time of it.
    fn recognise(
        plan: &'static TonePlan,
        signal: SignalTone,
        skip: u32,
        frames: u32,
    ) -> (ToneRecogniser, Option<u32>) {
        let mut recogniser = ToneRecogniser::new(plan);
        let mut tone = ToneGenerator::new(plan.tone(signal));
        for _ in 0..skip {
            tone.frame();
        }
        let mut first = None;
        for n in 0..frames {
            recogniser.listen(&tone.frame().map(|sample| Law::A.decode(Law::A.encode(sample))));
            if recogniser.hears(signal) {
                first.get_or_insert(n);
            }
        }
        (recogniser, first)
    }

    const PROGRESS: [SignalTone; 5] = [
        SignalTone::Dial,
        SignalTone::Ringback,
        SignalTone::Busy,
        SignalTone::Congestion,
        SignalTone::SpecialInformation(Sit::NoCircuitIntra),
    ];

    #[test]
    fn every_country_s_progress_tones_are_recognised_and_stay_so() {
        for plan in TonePlan::all() {
            for signal in PROGRESS {
                let (recogniser, first) = recognise(plan, signal, 0, 1100);
                assert!(recogniser.hears(signal), "{} {signal}: {:?}", plan.country(), recogniser.heard());
                assert!(first.unwrap() < 700, "{} {signal} after {first:?} frames", plan.country());
            }
        }
    }

    #[test]
    fn joining_in_the_middle_of_a_cadence_is_no_hindrance() {
        for plan in TonePlan::all() {
            for signal in PROGRESS {
                let (recogniser, _) = recognise(plan, signal, 61, 1000);
                assert!(recogniser.hears(signal), "{} {signal}: {:?}", plan.country(), recogniser.heard());
            }
        }
    }

    #[test]
    fn the_tones_of_north_america_are_told_apart() {
        let plan = TonePlan::north_america();
        let tones = [
            (SignalTone::Dial, 200),
            (SignalTone::StutterDial, 200),
            (SignalTone::MessageWaiting, 400),
            (SignalTone::Ringback, 700),
            (SignalTone::Busy, 300),
            (SignalTone::Congestion, 300),
            (SignalTone::Confirm, 100),
            (SignalTone::CallWaiting, 1200),
            (SignalTone::OffHookWarning, 200),
            (SignalTone::RecorderWarning, 200),
            (SignalTone::SpecialInformation(Sit::ReorderIntra), 180),
            (SignalTone::SpecialInformation(Sit::ReorderInter), 180),
            (SignalTone::SpecialInformation(Sit::NoCircuitIntra), 180),
            (SignalTone::SpecialInformation(Sit::NoCircuitInter), 180),
            (SignalTone::SpecialInformation(Sit::Intercept), 180),
            (SignalTone::SpecialInformation(Sit::VacantCode), 180),
            (SignalTone::SpecialInformation(Sit::IneffectiveOther), 180),
        ];
        for (signal, frames) in tones {
            let (recogniser, _) = recognise(plan, signal, 0, frames);
            assert_eq!(recogniser.heard(), Some(signal));
        }
    }

    #[test]
    fn one_tone_after_another_is_heard_as_it_changes() {
        let plan = TonePlan::north_america();
        let mut recogniser = ToneRecogniser::new(plan);
        let mut history = Vec::new();
        let mut listen = |frames: u32, tone: Option<SignalTone>| {
            let mut generator = tone.map(|signal| ToneGenerator::new(plan.tone(signal)));
            for _ in 0..frames {
                let frame = generator.as_mut().map_or(SILENCE, ToneGenerator::frame);
                if recogniser.listen(&frame) {
                    history.push(recogniser.heard());
                }
            }
        };
        listen(50, None);
        listen(150, Some(SignalTone::Dial));
        listen(100, None);
        listen(800, Some(SignalTone::Ringback));
        listen(250, Some(SignalTone::Busy));
        let named: Vec<_> = history.into_iter().flatten().collect();
        assert_eq!(named, [SignalTone::Dial, SignalTone::Ringback, SignalTone::Busy]);
    }

    #[test]
    fn dial_tone_is_heard_within_half_a_second_where_its_sound_is_its_own() {
        let (_, first) = recognise(TonePlan::north_america(), SignalTone::Dial, 0, 100);
        assert!(first.unwrap() <= 40, "{first:?}");
    }

    #[test]
    fn talk_noise_and_silence_are_no_tone() {
        for plan in TonePlan::all() {
            let mut recogniser = ToneRecogniser::new(plan);
            let mut talk = SpeechNoise::new(Rng::from_number(17), -15.0);
            let mut rng = Rng::from_number(18);
            for n in 0..1500 {
                let frame = match n {
                    0..1000 => talk.frame(),
                    1000..1250 => std::array::from_fn(|_| (rng.next_u32() as i16) / 8),
                    _ => SILENCE,
                };
                recogniser.listen(&frame);
                assert_eq!(recogniser.heard(), None, "{} frame {n}", plan.country());
            }
        }
    }
}
