//! What a subscriber hears: recorded, and understood as far as somebody asked.

use std::collections::VecDeque;
use std::time::Duration;

use crate::analysis::{FrequencyWatch, ToneRecogniser};
use crate::frame::{FRAME_TIME, Frame, level_dbm0, samples_in};
use crate::limits::Limits;
use crate::tone::TonePlan;

/// Below this level in dBm0 nothing is heard.
const QUIET: f64 = -45.0;

/// The ear.
#[derive(Debug)]
pub(super) struct Earpiece {
    recording: VecDeque<i16>,
    limit: usize,
    quiet_frames: u32,
    recogniser: Option<Box<ToneRecogniser>>,
    watches: Vec<FrequencyWatch>,
}

impl Earpiece {
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            recording: VecDeque::new(),
            limit: usize::try_from(samples_in(limit)).unwrap_or(usize::MAX),
            quiet_frames: 0,
            recogniser: None,
            watches: Vec::new(),
        }
    }

    pub(super) fn hear(&mut self, frame: &Frame) {
        self.recording.extend(frame);
        let surplus = self.recording.len().saturating_sub(self.limit);
        self.recording.drain(..surplus);
        let quiet = level_dbm0(frame) < QUIET;
        self.quiet_frames = if quiet { self.quiet_frames.saturating_add(1) } else { 0 };
        if let Some(recogniser) = &mut self.recogniser {
            recogniser.listen(frame);
        }
        self.watches.iter_mut().for_each(|watch| watch.listen(frame));
    }

    /// The handset was lifted: what was heard before belongs to another call.
    pub(super) fn lifted(&mut self) {
        self.recording.clear();
        self.quiet_frames = 0;
        if let Some(recogniser) = &mut self.recogniser {
            recogniser.reset();
        }
        for watch in &mut self.watches {
            *watch = FrequencyWatch::new(watch.hertz());
        }
    }

    pub(super) fn listen_for_tones(&mut self, plan: Option<&TonePlan>) {
        self.recogniser = plan.map(|plan| Box::new(ToneRecogniser::new(plan)));
    }

    pub(super) fn tones(&self) -> Option<&ToneRecogniser> {
        self.recogniser.as_deref()
    }

    pub(super) fn watch(&mut self, hertz: f64) -> bool {
        if self.watched(hertz).is_some() {
            return true;
        }
        let room = self.watches.len() < Limits::DEFAULT.watched_frequencies;
        if room {
            self.watches.push(FrequencyWatch::new(hertz));
        }
        room
    }

    pub(super) fn watched(&self, hertz: f64) -> Option<&FrequencyWatch> {
        self.watches.iter().find(|watch| watch.hertz() == hertz)
    }

    pub(super) fn unwatch(&mut self) {
        self.watches.clear();
    }

    pub(super) fn quiet_for(&self) -> Duration {
        FRAME_TIME * self.quiet_frames
    }

    /// The newest samples, at most so many, oldest first.
    pub(super) fn tail(&self, span: Duration) -> Vec<i16> {
        let wanted = usize::try_from(samples_in(span)).unwrap_or(usize::MAX);
        let surplus = self.recording.len().saturating_sub(wanted);
        self.recording.iter().skip(surplus).copied().collect()
    }
}
