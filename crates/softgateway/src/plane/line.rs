//! One analogue line: a telephone on two wires, the signals applied to it, and what its keys are heard as.

use strowger_media::dtmf::{Digit, DtmfDetector, DtmfEvent};
use strowger_media::telephone::HookTiming;
use strowger_media::tone::TonePlan;
use strowger_media::{Frame, Telephone};
use strowger_mgcp::gateway::{MediaEvent, MediaFault, SignalTarget, WantedEvent};
use strowger_mgcp::message::SignalBuf;
use strowger_sansio::Time;

use super::caller_data::{CallerData, CallerDisplay, Progress};
use super::effect;
use super::keys::Keys;
use super::machines::Machines;
use super::signals::Signals;

/// One analogue line.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) telephone: Telephone,
    pub(super) signals: Signals,
    pub(super) keys: Keys,
    detector: DtmfDetector,
    /// The digits that are kept from the other side (`D/dd` with `su=true`).
    hidden: Vec<Hidden>,
    machines: Machines,
    display: CallerDisplay,
    country: &'static str,
    /// Who calls, on its way to the telephone.
    caller: Option<Box<CallerData>>,
}

/// Digits that the other side does not hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hidden {
    All,
    Numbers,
    One(char),
}

impl Line {
    pub(super) fn new(mut telephone: Telephone, plan: &TonePlan, display: CallerDisplay) -> Self {
        telephone.listen_for_tones(Some(plan));
        if let Some(timing) = HookTiming::of(plan.country()) {
            telephone.set_hook_timing(timing);
        }
        let signals = Signals::default();
        let (keys, machines) = (Keys::default(), Machines::default());
        Self {
            telephone,
            signals,
            keys,
            detector: DtmfDetector::new(),
            hidden: Vec::new(),
            machines,
            display,
            country: plan.country(),
            caller: None,
        }
    }

    /// Whether sound or ringing current flows, so that the line needs its 10 ms.
    pub(super) fn is_live(&self) -> bool {
        self.telephone.is_off_hook() || !self.signals.is_empty() || self.caller.is_some()
    }

    pub(super) fn start(
        &mut self,
        now: Time,
        plan: &TonePlan,
        target: SignalTarget,
        signal: &SignalBuf,
    ) -> Result<(), MediaFault> {
        if self.is_done_by_the_telephone(now, signal)? {
            return Ok(());
        }
        if let Some(caller) = self.signals.start(now, plan, target, signal)? {
            let by_data = self.display == CallerDisplay::Data && !self.telephone.is_off_hook();
            match by_data {
                true => self.caller = Some(Box::new(CallerData::new(self.country, signal))),
                false => self.telephone.show_caller(now, &caller),
            }
        }
        self.ring(now);
        Ok(())
    }

    /// Whether a signal is one that a line can give.
    pub(super) fn gives(plan: &TonePlan, signal: &SignalBuf) -> bool {
        let of_the_telephone = ["KY", "BP"].iter();
        let package = signal.name().package().unwrap_or_default();
        of_the_telephone.into_iter().any(|known| known.eq_ignore_ascii_case(package))
            || Signals::gives(plan, signal)
    }

    /// What a business telephone does by itself: RFC 3149.
    fn is_done_by_the_telephone(&mut self, now: Time, signal: &SignalBuf) -> Result<bool, MediaFault> {
        let is =
            |package: &str| signal.name().package().is_some_and(|name| name.eq_ignore_ascii_case(package));
        if is("KY") {
            return self.keys.show(signal).map(|()| true).ok_or(MediaFault::Signal);
        }
        let lifted = self.telephone.is_off_hook();
        match signal.name().event().to_ascii_lowercase().as_str() {
            "hd" if is("BP") && !lifted => self.telephone.lift(now),
            "hu" if is("BP") && lifted => self.telephone.hang_up(now),
            "hd" | "hu" if is("BP") => {}
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(super) fn stop(&mut self, now: Time, target: SignalTarget, signal: &SignalBuf) {
        self.signals.stop(target, signal);
        self.keys.clear(signal);
        self.ring(now);
    }

    /// Ringing current flows when any ringing signal is in the on-part of its cadence.
    pub(super) fn ring(&mut self, now: Time) {
        let current = self.signals.rings(now);
        self.telephone.ring(now, current);
    }

    /// 10 ms of the data that say who calls, if there are any.
    pub(super) fn tell_caller(&mut self, now: Time) {
        let Some(data) = &mut self.caller else { return };
        let (is_rung, current) = (self.signals.has_ringing(), self.signals.rings(now));
        let progress =
            if self.telephone.is_off_hook() { Progress::Lost } else { data.frame(is_rung, current) };
        if let Progress::Heard(caller) = &progress {
            self.telephone.show_caller(now, &effect::caller(caller.parameters()));
        }
        if progress != Progress::UnderWay {
            self.caller = None;
        }
    }

    /// Listens to 10 ms of the microphone for keys.
    pub(super) fn listen(&mut self, frame: &Frame) -> impl Iterator<Item = MediaEvent> + use<> {
        digits(&mut self.detector, frame)
    }

    /// What is wanted of digits from now on.
    pub(super) fn hide(&mut self, wanted: &[WantedEvent]) {
        let hidden = |wanted: &WantedEvent| {
            let text = wanted.parameters.to_ascii_lowercase();
            let value =
                |name: &str| text.split(',').find_map(|pair| pair.trim().strip_prefix(name)).map(str::trim);
            (wanted.package == "D" && value("su=") == Some("true")).then(|| match value("dg=") {
                None => Hidden::All,
                Some("x") => Hidden::Numbers,
                Some(key) => {
                    key.chars().next().map_or(Hidden::All, |key| Hidden::One(key.to_ascii_uppercase()))
                }
            })
        };
        self.hidden = wanted.iter().filter_map(hidden).collect();
    }

    /// Whether a digit sounds that the other side is not to hear. What is heard of it before it is known as one passes.
    pub(super) fn hides_digit(&self) -> bool {
        let Some(key) = self.detector.sounding().map(Digit::letter) else { return false };
        self.hidden.iter().any(|hidden| match hidden {
            Hidden::All => true,
            Hidden::Numbers => key.is_ascii_digit(),
            Hidden::One(one) => *one == key,
        })
    }

    /// Listens for modems and fax machines to 10 ms of the microphone, and of what came for the earpiece. Says whether one was recognised,
    /// and reports what there is at the line: the fax or modem tone of RFC 3660 section 2.1, and what the fax procedures need.
    pub(super) fn listen_for_machines(
        &mut self,
        microphone: &Frame,
        network: &Frame,
        events: &mut Vec<MediaEvent>,
    ) -> bool {
        let heard = self.machines.listen(microphone, network);
        events.extend(heard.tone());
        events.extend(heard.sign());
        heard.recognised
    }

    /// The handset is down: what was heard last time is not continued the next time.
    pub(super) fn deafen(&mut self) -> Option<MediaEvent> {
        self.detector = DtmfDetector::new();
        self.machines.forget()
    }
}

/// Listens to 10 ms for keys.
pub(super) fn digits(detector: &mut DtmfDetector, frame: &Frame) -> impl Iterator<Item = MediaEvent> + use<> {
    detector.listen(frame).into_iter().flatten().map(|event| match event {
        DtmfEvent::Began { digit, .. } => MediaEvent::Digit(digit.letter()),
        DtmfEvent::Ended { digit, duration } => MediaEvent::DigitEnded(digit.letter(), duration),
    })
}
