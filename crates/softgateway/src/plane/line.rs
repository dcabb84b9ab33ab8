//! One analogue line: a telephone on two wires, the signals applied to it, and what its keys are heard as.

use strowger_media::dtmf::{Digit, DtmfDetector, DtmfEvent, DtmfGenerator, DtmfLevel, DtmfTiming};
use strowger_media::frame::mix_into;
use strowger_media::telephone::HookTiming;
use strowger_media::tone::{RingCadence, ToneGenerator, TonePlan};
use strowger_media::{DataTone, DataToneDetector, Frame, SILENCE, Telephone};
use strowger_mgcp::gateway::{MediaEvent, MediaFault, SignalTarget};
use strowger_mgcp::message::SignalBuf;
use strowger_sansio::Time;

use super::effect::{self, Effect};

/// A signal that is being given, on the line or on one of its connections.
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
    Ring {
        cadence: RingCadence,
        since: Time,
    },
    /// Nothing that takes time; a brief signal of this kind is over at once.
    Done,
    Quiet,
}

/// One analogue line.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) telephone: Telephone,
    playing: Vec<Playing>,
    detector: DtmfDetector,
    /// What listens for modems on the line, and to the network.
    machines: [DataToneDetector; 2],
}

impl Line {
    pub(super) fn new(mut telephone: Telephone, plan: &TonePlan) -> Self {
        telephone.listen_for_tones(Some(plan));
        if let Some(timing) = HookTiming::of(plan.country()) {
            telephone.set_hook_timing(timing);
        }
        Self { telephone, playing: Vec::new(), detector: DtmfDetector::new(), machines: Default::default() }
    }

    /// Whether sound or ringing current flows, so that the line needs its 10 ms.
    pub(super) fn is_live(&self) -> bool {
        self.telephone.is_off_hook() || !self.playing.is_empty()
    }

    pub(super) fn start(
        &mut self,
        now: Time,
        plan: &TonePlan,
        target: SignalTarget,
        signal: &SignalBuf,
    ) -> Result<(), MediaFault> {
        let what = match effect::of(plan, signal).ok_or(MediaFault::Signal)? {
            Effect::Tone(generator) => Sounding::Tone(generator),
            Effect::Ring(cadence) => Sounding::Ring { cadence, since: now },
            Effect::Digit(key) => {
                let digit = Digit::from_char(key).ok_or(MediaFault::Signal)?;
                let mut keys = DtmfGenerator::new(DtmfLevel::default());
                keys.dial(digit, DtmfTiming::default());
                Sounding::Keys(Box::new(keys))
            }
            Effect::Caller(text) => {
                self.telephone.show_caller(now, &text);
                Sounding::Done
            }
            Effect::Quiet => Sounding::Quiet,
        };
        self.playing.push(Playing { target, signal: signal.clone(), what });
        self.ring(now);
        Ok(())
    }

    pub(super) fn stop(&mut self, now: Time, target: SignalTarget, signal: &SignalBuf) {
        self.playing.retain(|playing| playing.target != target || playing.signal != *signal);
        self.ring(now);
    }

    /// Drops the signals of a connection that is closed.
    pub(super) fn forget(&mut self, target: SignalTarget) {
        self.playing.retain(|playing| playing.target != target);
    }

    /// Ringing current flows when any ringing signal is in the on-part of its cadence.
    pub(super) fn ring(&mut self, now: Time) {
        let current = self.playing.iter().any(|playing| match &playing.what {
            Sounding::Ring { cadence, since } => {
                cadence.is_on(u64::try_from(now.since(*since).as_millis()).unwrap_or(u64::MAX))
            }
            _ => false,
        });
        self.telephone.ring(now, current);
    }

    /// The next 10 ms of all signals on a target.
    pub(super) fn signal_frame(&mut self, target: SignalTarget) -> Option<Frame> {
        let mut sum = None;
        for playing in self.playing.iter_mut().filter(|playing| playing.target == target) {
            let frame = match &mut playing.what {
                Sounding::Tone(generator) => generator.frame(),
                Sounding::Keys(keys) => keys.frame(),
                Sounding::Ring { .. } | Sounding::Done | Sounding::Quiet => continue,
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

    /// Listens to 10 ms of the microphone for keys.
    pub(super) fn listen(&mut self, frame: &Frame) -> impl Iterator<Item = MediaEvent> + use<> {
        self.detector.listen(frame).into_iter().flatten().map(|event| match event {
            DtmfEvent::Began { digit, .. } => MediaEvent::Digit(digit.letter()),
            DtmfEvent::Ended { digit, duration } => MediaEvent::DigitEnded(digit.letter(), duration),
        })
    }

    /// Listens for modems and fax machines to 10 ms of the microphone, and of what came for the earpiece. Says whether one was recognised,
    /// and what is to be reported of the line: the fax or modem tone of RFC 3660 section 2.1.
    pub(super) fn listen_for_machines(
        &mut self,
        microphone: &Frame,
        network: &Frame,
    ) -> (bool, Option<MediaEvent>) {
        let [line, far] = &mut self.machines;
        let (here, there) = (line.listen(microphone), far.listen(network));
        let event = here.and_then(|tone| {
            let event = match tone {
                tone if tone.is_fax() => "ft",
                DataTone::Answer => "mt",
                // It has been reported when it began.
                _ => return None,
            };
            Some(MediaEvent::Detected {
                package: "G".to_owned(),
                event: event.to_owned(),
                connection: None,
                parameters: Vec::new(),
            })
        });
        (here.is_some() || there.is_some(), event)
    }

    /// The handset is down: what was heard last time is not continued the next time.
    pub(super) fn deafen(&mut self) {
        self.detector = DtmfDetector::new();
        self.machines = Default::default();
    }
}
