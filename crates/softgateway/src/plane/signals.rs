//! The signals that are being given on an endpoint and on its connections, and what they sound like.

use std::sync::Arc;

use strowger_media::dtmf::{Digit, DtmfGenerator, DtmfLevel};
use strowger_media::frame::mix_into;
use strowger_media::tone::{RingCadence, ToneGenerator, TonePlan};
use strowger_media::{Frame, SILENCE};
use strowger_mgcp::gateway::{MediaEvent, MediaFault, SignalTarget};
use strowger_mgcp::message::SignalBuf;
use strowger_sansio::Time;

use super::effect::{self, Effect};
use super::server::Playlist;

/// A signal that is being given.
#[derive(Debug)]
struct Playing {
    target: SignalTarget,
    signal: SignalBuf,
    what: Sounding,
}

#[derive(Debug)]
enum Sounding {
    Tone(Box<ToneGenerator>),
    Keys(Box<DtmfGenerator>),
    /// A recording, so many times.
    Recording(Box<Playlist>, u32),
    /// One whose samples are not there yet.
    Awaited(u32),
    Ring {
        cadence: RingCadence,
        since: Time,
    },
    /// Nothing that takes time; a brief signal of this kind is over at once.
    Done,
    Quiet,
}

/// The signals of one endpoint.
#[derive(Debug, Default)]
pub(super) struct Signals {
    playing: Vec<Playing>,
}

impl Signals {
    /// Whether none is given.
    pub(super) fn is_empty(&self) -> bool {
        self.playing.is_empty()
    }

    /// Starts a signal; a caller's number that is to be shown comes back.
    pub(super) fn start(
        &mut self,
        now: Time,
        plan: &TonePlan,
        target: SignalTarget,
        signal: &SignalBuf,
    ) -> Result<Option<String>, MediaFault> {
        let mut shown = None;
        let what = match effect::of(plan, signal).ok_or(MediaFault::Signal)? {
            Effect::Tone(generator) => Sounding::Tone(generator),
            Effect::Ring(cadence) => Sounding::Ring { cadence, since: now },
            Effect::Digit(key, timing) => {
                let digit = Digit::from_char(key).ok_or(MediaFault::Signal)?;
                let mut keys = DtmfGenerator::new(DtmfLevel::default());
                keys.dial(digit, timing);
                Sounding::Keys(Box::new(keys))
            }
            Effect::Held(key) => {
                let digit = Digit::from_char(key).ok_or(MediaFault::Signal)?;
                let mut keys = DtmfGenerator::new(DtmfLevel::default());
                keys.press(digit);
                Sounding::Keys(Box::new(keys))
            }
            Effect::Keys(letters, timing) => {
                let mut keys = DtmfGenerator::new(DtmfLevel::default());
                for letter in letters.chars() {
                    let digit = Digit::from_char(letter).ok_or(MediaFault::Signal)?;
                    if !keys.dial(digit, timing) {
                        return Err(MediaFault::Signal);
                    }
                }
                Sounding::Keys(Box::new(keys))
            }
            Effect::Caller(text) => {
                shown = Some(text);
                Sounding::Done
            }
            Effect::Quiet => Sounding::Quiet,
        };
        self.playing.push(Playing { target, signal: signal.clone(), what });
        Ok(shown)
    }

    /// Starts a recording, which is given so many times; without its samples, when they have come.
    pub(super) fn announce(
        &mut self,
        target: SignalTarget,
        signal: &SignalBuf,
        samples: Option<Arc<[i16]>>,
        times: u32,
    ) {
        let what = match samples {
            Some(samples) => Sounding::Recording(Box::new(Playlist::of(samples)), times),
            None => Sounding::Awaited(times),
        };
        self.playing.push(Playing { target, signal: signal.clone(), what });
    }

    /// The samples that a recording has waited for, if they can be read; says on which targets it cannot go on otherwise.
    pub(super) fn fetched(&mut self, signal: &SignalBuf, samples: Option<&Arc<[i16]>>) -> Vec<SignalTarget> {
        let mut failed = Vec::new();
        self.playing.retain_mut(|playing| {
            let Sounding::Awaited(times) = playing.what else { return true };
            if playing.signal != *signal {
                return true;
            }
            match samples {
                Some(samples) => {
                    let list = Playlist::of(samples.clone());
                    playing.what = Sounding::Recording(Box::new(list), times);
                    true
                }
                None => {
                    failed.push(playing.target);
                    false
                }
            }
        });
        failed
    }

    /// Whether a signal is one that can be given.
    pub(super) fn gives(plan: &TonePlan, signal: &SignalBuf) -> bool {
        effect::of(plan, signal).is_some()
    }

    /// Ends a signal.
    pub(super) fn stop(&mut self, target: SignalTarget, signal: &SignalBuf) {
        self.playing.retain(|playing| playing.target != target || playing.signal != *signal);
    }

    /// Drops the signals of a connection that is closed.
    pub(super) fn forget(&mut self, target: SignalTarget) {
        self.playing.retain(|playing| playing.target != target);
    }

    /// Whether any ringing signal is in the on-part of its cadence.
    pub(super) fn rings(&self, now: Time) -> bool {
        self.playing.iter().any(|playing| match &playing.what {
            Sounding::Ring { cadence, since } => {
                cadence.is_on(u64::try_from(now.since(*since).as_millis()).unwrap_or(u64::MAX))
            }
            _ => false,
        })
    }

    /// Whether a ringing signal is given, be it in a pause of its cadence.
    pub(super) fn has_ringing(&self) -> bool {
        self.playing.iter().any(|playing| matches!(playing.what, Sounding::Ring { .. }))
    }

    /// The next 10 ms of all signals on a target.
    pub(super) fn frame(&mut self, target: SignalTarget) -> Option<Frame> {
        let mut sum = None;
        for playing in self.playing.iter_mut().filter(|playing| playing.target == target) {
            let frame = match &mut playing.what {
                Sounding::Tone(generator) => generator.frame(),
                Sounding::Keys(keys) => keys.frame(),
                Sounding::Recording(list, times) => match list.frame() {
                    Some(frame) => frame,
                    None if *times > 1 => {
                        *times -= 1;
                        list.rewind();
                        list.frame().unwrap_or(SILENCE)
                    }
                    None => {
                        *times = 0;
                        continue;
                    }
                },
                Sounding::Awaited(_) | Sounding::Ring { .. } | Sounding::Done | Sounding::Quiet => continue,
            };
            mix_into(sum.get_or_insert(SILENCE), &frame);
        }
        sum
    }

    /// Takes the signals that have come to their own end.
    pub(super) fn take_ended(&mut self, now: Time) -> Vec<MediaEvent> {
        let mut ended = Vec::new();
        self.playing.retain(|playing| {
            let over = match &playing.what {
                Sounding::Tone(generator) => generator.is_finished(),
                Sounding::Keys(keys) => keys.is_idle(),
                Sounding::Recording(_, times) => *times == 0,
                Sounding::Awaited(_) => false,
                Sounding::Ring { cadence, since } => {
                    let millis = u64::try_from(now.since(*since).as_millis()).unwrap_or(u64::MAX);
                    cadence.once && millis >= u64::from(cadence.period())
                }
                Sounding::Done => true,
                Sounding::Quiet => false,
            };
            if over {
                ended.push(MediaEvent::SignalEnded(playing.target, playing.signal.clone()));
            }
            !over
        });
        ended
    }
}
