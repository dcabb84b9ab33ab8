//! A virtual analogue telephone set, for scripted subscribers: hook switch, bell, microphone and earpiece.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use strowger_sansio::{BoundedQueue, Time};

use crate::frame::{FRAME_SAMPLES, Frame, SILENCE, samples_in, sine_peak, to_sample};

/// How a set is made.
#[derive(Clone, Debug, PartialEq)]
pub struct TelephoneConfig {
    /// How much of what the earpiece hears is kept, the newest.
    pub record: Duration,
}

impl Default for TelephoneConfig {
    fn default() -> Self {
        Self { record: Duration::from_secs(30) }
    }
}

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
}

/// What a set reports.
#[derive(Clone, Debug, PartialEq)]
pub enum TelephoneEvent {
    /// The handset was lifted.
    OffHook,
    /// The handset was put down.
    OnHook,
    /// The bell began to ring.
    RingingStarted,
    /// The bell fell silent.
    RingingStopped,
    /// A caller was shown.
    CallerShown(String),
    /// All that was to be said has been said.
    MouthpieceDone,
}

/// The set.
#[derive(Debug)]
pub struct Telephone {
    off_hook: bool,
    ringing: bool,
    caller: Option<String>,
    queue: VecDeque<Utterance>,
    position: u64,
    recording: VecDeque<i16>,
    record_limit: usize,
    events: BoundedQueue<TelephoneEvent>,
}

impl Telephone {
    /// A set with its handset down.
    #[must_use]
    pub fn new(config: &TelephoneConfig) -> Self {
        Self {
            off_hook: false,
            ringing: false,
            caller: None,
            queue: VecDeque::new(),
            position: 0,
            recording: VecDeque::new(),
            record_limit: usize::try_from(samples_in(config.record)).unwrap_or(usize::MAX),
            events: BoundedQueue::new(256),
        }
    }

    /// Lifts the handset.
    pub fn lift(&mut self, _now: Time) {
        if !self.off_hook {
            self.off_hook = true;
            self.ringing = false;
            let _ = self.events.push(TelephoneEvent::OffHook);
        }
    }

    /// Puts the handset down.
    pub fn hang_up(&mut self, _now: Time) {
        if self.off_hook {
            self.off_hook = false;
            self.queue.clear();
            let _ = self.events.push(TelephoneEvent::OnHook);
        }
    }

    /// Whether the handset is lifted.
    #[must_use]
    pub const fn is_off_hook(&self) -> bool {
        self.off_hook
    }

    /// Ringing current appears on the line, or goes away.
    pub fn ring(&mut self, _now: Time, on: bool) {
        if self.ringing != on && !self.off_hook {
            self.ringing = on;
            let event = if on { TelephoneEvent::RingingStarted } else { TelephoneEvent::RingingStopped };
            let _ = self.events.push(event);
        }
    }

    /// The line says who calls.
    pub fn show_caller(&mut self, _now: Time, text: &str) {
        self.caller = Some(text.to_owned());
        let _ = self.events.push(TelephoneEvent::CallerShown(text.to_owned()));
    }

    /// Says something after what is being said.
    pub fn say(&mut self, utterance: Utterance) {
        self.queue.push_back(utterance);
    }

    /// 10 ms into the earpiece.
    pub fn hear(&mut self, _now: Time, frame: &Frame) {
        if !self.off_hook {
            return;
        }
        self.recording.extend(frame);
        let surplus = self.recording.len().saturating_sub(self.record_limit);
        self.recording.drain(..surplus);
    }

    /// 10 ms out of the mouthpiece.
    pub fn speak(&mut self, _now: Time) -> Frame {
        let mut frame = SILENCE;
        if !self.off_hook {
            return frame;
        }
        let mut at = 0;
        while at < FRAME_SAMPLES {
            let Some(utterance) = self.queue.front() else { break };
            let position = self.position;
            let (sample, done) = match utterance {
                Utterance::Silence(span) => (0, position >= samples_in(*span)),
                Utterance::Samples(samples) => {
                    let index = usize::try_from(position).unwrap_or(usize::MAX);
                    (samples.get(index).copied().unwrap_or(0), index >= samples.len())
                }
                Utterance::Tone { hertz, level, duration } => {
                    let phase = std::f64::consts::TAU * hertz * position as f64 / 8000.0;
                    let done = duration.is_some_and(|span| position >= samples_in(span));
                    (to_sample(sine_peak(*level) * phase.sin()), done)
                }
            };
            if done {
                self.queue.pop_front();
                self.position = 0;
                if self.queue.is_empty() {
                    let _ = self.events.push(TelephoneEvent::MouthpieceDone);
                }
                continue;
            }
            if let Some(slot) = frame.get_mut(at) {
                *slot = sample;
            }
            at += 1;
            self.position += 1;
        }
        frame
    }

    /// What the earpiece heard, oldest first.
    #[must_use]
    pub fn recording(&self) -> Vec<i16> {
        self.recording.iter().copied().collect()
    }

    /// Who calls, as the line said it.
    #[must_use]
    pub fn caller(&self) -> Option<&str> {
        self.caller.as_deref()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<TelephoneEvent> {
        self.events.pop()
    }
}
