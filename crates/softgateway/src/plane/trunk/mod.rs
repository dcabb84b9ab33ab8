//! One circuit: a DS0 with channel associated signalling, and the tests of the package T.
//!
//! - `cas`: what the bits of the circuit mean, in the words of RFC 3064. `tones`: what is sent on it. `listener`: tones that are wanted.
//! - `pattern`: the test pattern. `pulses`: digits of a dial. `stage`: the steps of a call that the gateway begins.
//!
//! In each direction a circuit carries 10 ms of sound and the state of its signalling bits; [`CircuitFrame`] is both. Where the
//! other end is, in this gateway or in another one, is not the circuit's affair.

mod cas;
mod listener;
mod pattern;
mod pulses;
mod stage;
mod tones;

use strowger_media::dtmf::DtmfDetector;
use strowger_media::frame::mix_into;
use strowger_media::tone::TonePlan;
use strowger_media::{Frame, SILENCE};
use strowger_mgcp::gateway::{
    EndpointIndex, Hook, MediaEvent, MediaFault, SignalTarget, TrunkSignalling, WantedEvent,
};
use strowger_mgcp::message::{EventParameter, SignalBuf};
use strowger_sansio::Time;

use super::continuity::{ContinuityTest, Tone, Transponder};
use super::line::digits;
use super::machines::{Heard as Machinery, Machines};
use super::signals::Signals;
use cas::Cas;
use listener::Listener;
pub(super) use listener::{HANDSET, finds};
use pulses::Pulses;
use tones::Tones;

/// What one end of a circuit sends in 10 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CircuitFrame {
    /// The bit for "in use".
    pub off_hook: bool,
    /// Ringing current, where the circuit is a line of a PBX.
    pub ringing: bool,
    /// The wires are open: the release of a ground-start line.
    pub open: bool,
    /// Sound.
    pub samples: Frame,
}

impl CircuitFrame {
    /// A circuit at rest.
    pub const IDLE: Self = Self { off_hook: false, ringing: false, open: false, samples: SILENCE };

    /// Whether its bits say that it is at rest.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        !self.off_hook && !self.ringing && !self.open
    }
}

/// How a call begins on a circuit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrunkStart {
    /// The called end winks when it is ready for digits.
    #[default]
    Wink,
    /// Digits follow at once.
    Immediate,
}

/// Who may begin a call on a circuit, seen from the gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrunkDirection {
    /// Either end.
    #[default]
    Both,
    /// The gateway only: an off-hook of the other end blocks the circuit.
    Outgoing,
}

/// How a circuit is provisioned besides its signalling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrunkOptions {
    /// How a call begins.
    pub start: TrunkStart,
    /// Who may begin one.
    pub direction: TrunkDirection,
    /// Its signalling goes another way, as ISUP does: its bits say nothing, and digits are heard whenever they come.
    pub is_clear: bool,
}

/// One circuit.
#[derive(Debug)]
pub(super) struct Trunk {
    cas: Cas,
    tones: Tones,
    pub(super) signals: Signals,
    detector: DtmfDetector,
    pulses: Pulses,
    /// Whether DTMF digits are part of the signalling.
    hears_digits: bool,
    is_clear: bool,
    machines: Machines,
    /// Who listens for tones, while some are wanted.
    listener: Option<Box<Listener>>,
    tests: Vec<(SignalTarget, SignalBuf, ContinuityTest)>,
    /// `T/ct`.
    transponder: Option<(SignalBuf, Transponder)>,
    /// The transponder of the connection mode.
    mode_transponder: Transponder,
    /// `T/tp`: the sample that is sent.
    pattern: Option<(SignalBuf, i16)>,
    /// `T/lb`.
    looped: Option<SignalBuf>,
    incoming: CircuitFrame,
}

/// What the connections of a circuit ask of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked {
    /// There is one at all.
    pub(super) connected: bool,
    /// One is in mode `loopback`.
    pub(super) looped: bool,
    /// One is in mode `conttest`.
    pub(super) tested: bool,
}

impl Trunk {
    pub(super) fn new(signalling: TrunkSignalling, options: TrunkOptions, plan: &TonePlan) -> Self {
        let hears_digits =
            matches!(signalling, TrunkSignalling::Dt | TrunkSignalling::Bl | TrunkSignalling::Do);
        Self {
            cas: Cas::new(signalling, options),
            tones: Tones::default(),
            signals: Signals::default(),
            detector: DtmfDetector::new(),
            pulses: Pulses::default(),
            hears_digits: hears_digits || options.is_clear,
            is_clear: options.is_clear,
            machines: Machines::default(),
            listener: None,
            tests: Vec::new(),
            transponder: None,
            mode_transponder: Transponder::new(plan),
            pattern: None,
            looped: None,
            incoming: CircuitFrame::IDLE,
        }
    }

    /// Whether anything goes on, so that the circuit needs its 10 ms.
    pub(super) fn is_live(&self) -> bool {
        !self.cas.is_idle()
            || !self.incoming.is_idle()
            || !self.signals.is_empty()
            || !self.tests.is_empty()
            || self.transponder.is_some()
            || self.looped.is_some()
            || self.pattern.is_some()
            || self.listener.is_some()
    }

    /// What is wanted of the package T from now on.
    pub(super) fn watch(&mut self, plan: &TonePlan, wanted: Vec<WantedEvent>) {
        if wanted.is_empty() {
            self.listener = None;
        } else {
            self.listener.get_or_insert_with(|| Box::new(Listener::new(plan))).want(plan, wanted);
        }
    }

    /// What the other end sends from now on.
    pub(super) fn receive(&mut self, frame: CircuitFrame) {
        self.incoming = frame;
    }

    /// Whether the PBX at the other end has lifted.
    pub(super) fn hook(&self) -> Hook {
        self.cas.hook()
    }

    pub(super) fn states(&self) -> Vec<&'static str> {
        self.cas.states()
    }

    /// Whether a signal of the package H is one that works the line of a PBX: the handset that the circuit emulates has no other.
    fn is_handset(&self, package: &str, symbol: &str) -> bool {
        package.eq_ignore_ascii_case("H")
            && ["hd", "hu", "hf"].iter().any(|known| known.eq_ignore_ascii_case(symbol))
    }

    /// Whether a signal is one that the circuit can give, when its state allows it.
    pub(super) fn gives(&self, plan: &TonePlan, signal: &SignalBuf) -> bool {
        const TESTS: [&str; 5] = ["co1", "co2", "tp", "as", "bl"];
        let package = signal.name().package().unwrap_or_default();
        let is_test = TESTS.iter().any(|known| known.eq_ignore_ascii_case(signal.name().event()));
        package.eq_ignore_ascii_case(self.cas.package())
            || self.is_handset(package, signal.name().event())
            || (package.eq_ignore_ascii_case("T") && is_test)
            || Signals::gives(plan, signal)
    }

    pub(super) fn start(
        &mut self,
        now: Time,
        plan: &TonePlan,
        target: SignalTarget,
        signal: &SignalBuf,
    ) -> Result<(), MediaFault> {
        let package = signal.name().package().unwrap_or_default().to_ascii_uppercase();
        let symbol = signal.name().event().to_ascii_lowercase();
        if package == "T" {
            return self.start_test(now, plan, target, signal, &symbol);
        }
        let is_own = package == self.cas.package() || self.is_handset(&package, &symbol);
        if is_own && self.cas.command(target, signal, &symbol)? {
            return Ok(());
        }
        self.signals.start(now, plan, target, signal).map(|_| ())
    }

    fn start_test(
        &mut self,
        now: Time,
        plan: &TonePlan,
        target: SignalTarget,
        signal: &SignalBuf,
        symbol: &str,
    ) -> Result<(), MediaFault> {
        if let Some(go) = Tone::named(symbol) {
            self.tests.push((target, signal.clone(), ContinuityTest::new(plan, go)));
            return Ok(());
        }
        match symbol {
            "lb" => self.looped = Some(signal.clone()),
            "tp" => {
                let octet = pattern::octet(signal.parameters()).ok_or(MediaFault::Signal)?;
                self.pattern = Some((signal.clone(), pattern::sample(plan, octet)));
            }
            "ct" => {
                let parameters = signal.parameters();
                let tone = |name: &str| match parameters.named(name)?.iter().next()? {
                    EventParameter::Value(tone) => Tone::named(tone),
                    _ => None,
                };
                let (heard, sent) = (tone("in"), tone("out"));
                // Each must be a tone, and not the same.
                let heard = heard.filter(|heard| sent.is_some_and(|sent| sent != *heard));
                let heard = heard.ok_or(MediaFault::Signal)?;
                self.transponder = Some((signal.clone(), Transponder::of(plan, heard)));
            }
            "as" => self.cas.answer(),
            "bl" => self.cas.block(),
            _ => return self.signals.start(now, plan, target, signal).map(|_| ()),
        }
        Ok(())
    }

    pub(super) fn stop(&mut self, target: SignalTarget, signal: &SignalBuf) {
        self.signals.stop(target, signal);
        self.tests.retain(|(at, known, _)| at != &target || known != signal);
        // An on-off signal may be turned off with other parameters than it was turned on with.
        let is = |known: &SignalBuf| known.name() == signal.name();
        if self.transponder.as_ref().is_some_and(|(known, _)| is(known)) {
            self.transponder = None;
        }
        if self.looped.as_ref().is_some_and(is) {
            self.looped = None;
        }
        if self.pattern.as_ref().is_some_and(|(known, _)| known == signal) {
            self.pattern = None;
        }
        if self.cas.stop(target, signal) {
            self.tones.clear();
        }
    }

    pub(super) fn forget(&mut self, target: SignalTarget) {
        self.signals.forget(target);
        self.tests.retain(|(at, ..)| *at != target);
    }

    /// Works the signalling for 10 ms and gives the sound that came in, unless a test keeps it from the network.
    pub(super) fn listen(&mut self, events: &mut Vec<MediaEvent>) -> Frame {
        let frame = self.incoming.samples;
        let told = events.len();
        self.cas.frame(&self.incoming, &mut self.tones, events);
        if let Some(listener) = &mut self.listener {
            let is_answer =
                |event: &MediaEvent| matches!(event, MediaEvent::Detected { event, .. } if event == "ans");
            if events.iter().skip(told).any(is_answer) {
                listener.answered(events);
            }
            listener.follow(&self.incoming, events);
            listener.listen(&frame, events);
        }
        if self.hears_digits && (self.is_clear || self.cas.is_in_use()) {
            events.extend(digits(&mut self.detector, &frame));
            if let Some(digit) = self.pulses.follow(self.incoming.off_hook) {
                // It is over when it is known.
                events.push(MediaEvent::Digit(digit));
                events.push(MediaEvent::DigitEnded(digit, std::time::Duration::ZERO));
            }
        } else {
            self.detector = DtmfDetector::new();
            self.pulses = Pulses::default();
        }
        for (_, _, test) in &mut self.tests {
            if let Some(tone) = test.listen(&frame) {
                events.push(MediaEvent::Detected {
                    package: "T".to_owned(),
                    event: tone.symbol().to_owned(),
                    connection: None,
                    parameters: Vec::new(),
                });
            }
        }
        if self.transponder.is_some() || self.looped.is_some() { SILENCE } else { frame }
    }

    /// Listens for modems and fax machines at either end of the call.
    pub(super) fn listen_for_machines(&mut self, heard: &Frame) -> Machinery {
        self.machines.listen(&self.incoming.samples, heard)
    }

    /// Nobody talks: what was heard is not continued by the next call.
    pub(super) fn forget_machines(&mut self) -> Option<MediaEvent> {
        self.machines.forget()
    }

    /// What goes out in these 10 ms: what the connections bring in, unless something else is sent instead.
    pub(super) fn speak(
        &mut self,
        now: Time,
        index: EndpointIndex,
        heard: &Frame,
        asked: Asked,
    ) -> CircuitFrame {
        let incoming = self.incoming.samples;
        let mut samples = if let Some((_, transponder)) = &mut self.transponder {
            transponder.answer(&incoming)
        } else if asked.tested {
            self.mode_transponder.answer(&incoming)
        } else if asked.looped || self.looped.is_some() {
            incoming
        } else {
            *heard
        };
        for (_, _, test) in &mut self.tests {
            if let Some(go) = test.frame() {
                samples = go;
            }
        }
        if let Some(tone) = self.signals.frame(SignalTarget::Endpoint(index)) {
            mix_into(&mut samples, &tone);
        }
        if let Some((_, sample)) = self.pattern {
            samples = pattern::frame(sample);
        }
        if !self.tones.is_idle() {
            samples = self.tones.frame();
        }
        let ringing = self.cas.rings() && self.signals.rings(now);
        CircuitFrame { off_hook: self.cas.sends_off_hook(), ringing, open: self.cas.is_open(), samples }
    }
}
