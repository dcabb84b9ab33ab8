//! Digits through a session: telephone events when both ends agreed on them, sound when not; heard either way.

use std::collections::VecDeque;
use std::time::Duration;

use strowger_sansio::Time;

use crate::dtmf::{Digit, DtmfDetector, DtmfEvent, DtmfGenerator, DtmfLevel, DtmfTiming};
use crate::frame::{Frame, SILENCE, sine_peak, to_sample};
use crate::limits::Limits;
use crate::telephone_event::{EventChange, EventReceiver};
use crate::tone::Oscillator;

/// The level sent with events, in -dBm0 (RFC 4733 section 2.3.4).
pub(super) const EVENT_VOLUME: u8 = 10;
/// For this long after an event, its sound in the stream is not taken for another digit.
const ECHO: Duration = Duration::from_millis(200);

/// How a digit came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DigitOrigin {
    /// As telephone events.
    Event,
    /// As sound.
    InBand,
}

/// The beginning or end of a digit, or of an event that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigitChange {
    /// A digit has begun.
    Began {
        /// Which.
        digit: Digit,
        /// How it came.
        origin: DigitOrigin,
    },
    /// A digit has ended.
    Ended {
        /// Which.
        digit: Digit,
        /// How it came.
        origin: DigitOrigin,
        /// How long it lasted.
        duration: Duration,
    },
    /// A telephone event that is no digit has begun.
    EventBegan {
        /// Its code.
        event: u8,
    },
    /// A telephone event that is no digit has ended.
    EventEnded {
        /// Its code.
        event: u8,
        /// How long it lasted.
        duration: Duration,
    },
}

impl From<EventChange> for DigitChange {
    fn from(change: EventChange) -> Self {
        let origin = DigitOrigin::Event;
        match change {
            EventChange::Began { event, .. } => match Digit::from_event(event) {
                Some(digit) => Self::Began { digit, origin },
                None => Self::EventBegan { event },
            },
            EventChange::Ended { event, duration } => match Digit::from_event(event) {
                Some(digit) => Self::Ended { digit, origin, duration },
                None => Self::EventEnded { event, duration },
            },
        }
    }
}

impl From<DtmfEvent> for DigitChange {
    fn from(event: DtmfEvent) -> Self {
        let origin = DigitOrigin::InBand;
        match event {
            DtmfEvent::Began { digit, .. } => Self::Began { digit, origin },
            DtmfEvent::Ended { digit, duration } => Self::Ended { digit, origin, duration },
        }
    }
}

/// All of a session that deals with digits.
#[derive(Clone, Debug, Default)]
pub(super) struct Digits {
    pub(super) event_receiver: EventReceiver,
    pub(super) renderer: Renderer,
    pub(super) listener: Listener,
    pub(super) in_band: InBand,
}

/// A digit that is to be heard for its events.
#[derive(Clone, Debug)]
struct Rendering {
    digit: Digit,
    from: Time,
    until: Option<Time>,
    peak: f64,
    low: Oscillator,
    high: Oscillator,
}

/// Makes sound of received events: the second algorithm of RFC 4733 section 2.5.2.2, a tone from the first report until
/// the end or until the event is given up.
#[derive(Clone, Debug, Default)]
pub(super) struct Renderer {
    queue: VecDeque<Rendering>,
}

impl Renderer {
    /// An event changed. `delay` is that of the play-out, which keeps the tone behind the sound that came before it.
    pub(super) fn change(&mut self, now: Time, change: EventChange, delay: Duration) {
        match change {
            EventChange::Began { event, volume, elapsed } => {
                let Some(digit) = Digit::from_event(event) else { return };
                if self.queue.len() >= Limits::DEFAULT.rendered_digits {
                    return;
                }
                // Zero comes from senders that do not know the level (section 2.5.2.2).
                let level = if volume == 0 { -f64::from(EVENT_VOLUME) } else { -f64::from(volume) };
                let (low, high) = digit.frequencies();
                self.queue.push_back(Rendering {
                    digit,
                    from: now - elapsed + delay,
                    until: None,
                    peak: sine_peak(level),
                    low: Oscillator::new(low),
                    high: Oscillator::new(high),
                });
            }
            EventChange::Ended { event, duration } => {
                let digit = Digit::from_event(event);
                let open = self.queue.iter_mut().rev().find(|r| r.until.is_none() && Some(r.digit) == digit);
                if let Some(rendering) = open {
                    rendering.until = Some(rendering.from + duration);
                }
            }
        }
    }

    /// The frame to be heard instead of the stream's; none when no event sounds.
    pub(super) fn frame(&mut self, now: Time) -> Option<Frame> {
        while self.queue.front().is_some_and(|front| front.until.is_some_and(|until| until <= now)) {
            self.queue.pop_front();
        }
        let front = self.queue.front_mut().filter(|front| front.from <= now)?;
        let mut frame = SILENCE;
        for sample in &mut frame {
            *sample = to_sample(front.peak * (front.low.sample() + front.high.sample()));
        }
        Some(frame)
    }
}

/// Digits found in received sound, when somebody wants to know.
#[derive(Clone, Debug, Default)]
pub(super) struct Listener {
    detector: Option<Box<DtmfDetector>>,
    deaf_until: Time,
}

impl Listener {
    pub(super) fn enable(&mut self, on: bool) {
        if on {
            self.detector.get_or_insert_default();
        } else {
            self.detector = None;
        }
    }

    /// An event was received: its sound is not to be counted again.
    pub(super) fn event_heard(&mut self, now: Time) {
        self.deaf_until = now + ECHO;
        if let Some(detector) = &mut self.detector {
            **detector = DtmfDetector::new();
        }
    }

    pub(super) fn listen(&mut self, now: Time, frame: &Frame) -> [Option<DtmfEvent>; 2] {
        match &mut self.detector {
            Some(detector) if now >= self.deaf_until => detector.listen(frame),
            _ => [None, None],
        }
    }
}

/// What sends digits as sound.
#[derive(Clone, Debug)]
pub(super) struct InBand(DtmfGenerator);

impl Default for InBand {
    fn default() -> Self {
        Self(DtmfGenerator::new(DtmfLevel::default()))
    }
}

impl InBand {
    pub(super) fn dial(&mut self, digit: Digit, timing: DtmfTiming) -> bool {
        self.0.dial(digit, timing)
    }

    pub(super) fn press(&mut self, digit: Digit) -> bool {
        self.0.press(digit)
    }

    pub(super) fn release(&mut self) {
        self.0.release();
    }

    pub(super) fn is_busy(&self) -> bool {
        !self.0.is_idle()
    }

    /// The frame to be sent instead of the caller's; none when no digit is being sent.
    pub(super) fn frame(&mut self) -> Option<Frame> {
        self.is_busy().then(|| self.0.frame())
    }
}
