//! The states of a circuit with channel associated signalling, and what they are to a call agent: RFC 3064 sections 2.7 and 3.
//!
//! Bits are looked at each 10 ms. A break or make shorter than 300 ms is a wink or a disturbance, not a change of state.
//!
//! Limits: dial pulses are heard (`pulses`) and not sent; the times are those of North America.

use std::collections::VecDeque;

use strowger_media::mf::MfReceiver;
use strowger_mgcp::gateway::{Hook, MediaEvent, MediaFault, SignalOutcome, SignalTarget, TrunkSignalling};
use strowger_mgcp::message::{EventParameters, SignalBuf};

use super::stage::{Stage, State, dtmf, mf};
use super::tones::Tones;
use super::{CircuitFrame, TrunkDirection, TrunkOptions, TrunkStart};

/// Times in frames of 10 ms.
type Frames = u32;
/// From the seizure to the wink, and its length.
const WINK_DELAY: Frames = 20;
const WINK: Frames = 20;
/// What a wink may last.
const WINK_RANGE: std::ops::RangeInclusive<Frames> = 10..=35;
/// A state that lasts this long is one.
const STEADY: Frames = 30;
/// An off-hook before the wink's end that lasts this long is a seizure from the other end.
const GLARE: Frames = 60;
/// How long a wink, or an off-hook that the protocol needs, is waited for.
const PATIENCE: Frames = 500;
/// From the seizure to the first digit without a wink, and from a wink to the digits.
const PAUSE: Frames = 15;
/// From the seizure to the first digit on a line of a PBX, for its dial tone.
const DIAL_TONE: Frames = 60;
/// Until the first digit, and between two.
const DIGITS: Frames = 500;
/// The break of a hook flash, and what counts as one.
const FLASH: Frames = 50;
const FLASH_RANGE: std::ops::RangeInclusive<Frames> = 20..=100;
/// How long the wires are open to release a line.
const OPEN: Frames = 60;
/// Ringing that has been absent for this long is over: the longest pause in any country's cadence is 6 s.
const RING_PAUSE: Frames = 650;

/// Causes of RFC 3064 table 12.
const NORMAL: &str = "0";
const GLARE_CAUSE: &str = "44";
const PROTOCOL: &str = "111";

/// The signalling of one circuit.
#[derive(Debug)]
pub(super) struct Cas {
    signalling: TrunkSignalling,
    options: TrunkOptions,
    state: State,
    /// How long it has been waiting in its state.
    waited: Frames,
    sends: bool,
    /// A short change of the bit that is sent: frames before it, frames that it lasts.
    pulse: Option<(Frames, Frames)>,
    open: Frames,
    /// The bit that comes in, and for how long it has.
    bit: bool,
    bit_for: Frames,
    /// How long the bit was the other way before.
    bit_before: Frames,
    /// The bit, when it is steady.
    steady: bool,
    rung: bool,
    ring_absent: Frames,
    was_open: bool,
    /// The `sup` or `inf` signal under way.
    sending: Option<(SignalTarget, SignalBuf)>,
    receiver: MfReceiver,
    number: Vec<&'static str>,
    out: Vec<MediaEvent>,
}

impl Cas {
    pub(super) fn new(signalling: TrunkSignalling, options: TrunkOptions) -> Self {
        Self {
            signalling,
            options,
            state: State::Idle,
            waited: 0,
            sends: false,
            pulse: None,
            open: 0,
            bit: false,
            bit_for: STEADY,
            bit_before: 0,
            steady: false,
            rung: false,
            ring_absent: RING_PAUSE,
            was_open: false,
            sending: None,
            receiver: MfReceiver::new(),
            number: Vec::new(),
            out: Vec::new(),
        }
    }

    pub(super) const fn package(&self) -> &'static str {
        self.signalling.package()
    }

    pub(super) fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
            && !self.sends
            && self.pulse.is_none()
            && self.open == 0
            && !self.steady
            && self.ring_absent >= RING_PAUSE
            && self.out.is_empty()
    }

    /// Whether digits that come in belong to a call.
    pub(super) fn is_in_use(&self) -> bool {
        match self.signalling {
            TrunkSignalling::Bl => self.steady,
            TrunkSignalling::Do => self.sends,
            _ => matches!(self.state, State::Incoming { .. } | State::Outgoing { .. }),
        }
    }

    pub(super) fn hook(&self) -> Hook {
        match self.signalling {
            TrunkSignalling::Bl if !self.steady => Hook::On,
            _ => Hook::Off,
        }
    }

    /// Whether ringing signals go out as current.
    pub(super) fn rings(&self) -> bool {
        self.signalling == TrunkSignalling::Bl && !self.steady
    }

    pub(super) const fn is_open(&self) -> bool {
        self.open > 0
    }

    /// The bit that goes out.
    pub(super) fn sends_off_hook(&self) -> bool {
        match self.pulse {
            Some((0, _)) => !self.sends,
            _ => self.sends,
        }
    }

    /// The events whose states hold.
    pub(super) fn states(&self) -> Vec<&'static str> {
        let idle = matches!(self.state, State::Idle);
        let list: &[(&'static str, bool)] = match self.signalling {
            TrunkSignalling::Ms => {
                &[("MS/sup", self.is_called()), ("MS/bl", self.is_barred()), ("MS/rlc", idle)]
            }
            TrunkSignalling::Dt => {
                &[("DT/sup", self.is_called()), ("DT/bl", self.is_barred()), ("DT/rlc", idle)]
            }
            TrunkSignalling::Md => {
                &[("MD/sup", self.is_called()), ("MD/bl", self.is_barred()), ("MD/rlc", idle)]
            }
            TrunkSignalling::Mo => &[("MO/rbz", self.is_barred()), ("MO/rlc", idle)],
            TrunkSignalling::Bl => &[("BL/hd", self.steady), ("BL/hu", !self.steady)],
            TrunkSignalling::Do => &[("DO/rg", self.rung), ("DO/rlc", idle && !self.sends && !self.rung)],
        };
        list.iter().filter(|(_, holds)| *holds).map(|(name, _)| *name).collect()
    }

    fn is_called(&self) -> bool {
        matches!(self.state, State::Incoming { .. } | State::Seizing(_) | State::Outgoing { .. })
    }

    fn is_barred(&self) -> bool {
        matches!(self.state, State::Barred)
    }

    // What the call agent asks for.

    /// Executes a signal of the circuit's own package; says whether it is one of signalling, not a tone.
    pub(super) fn command(
        &mut self,
        target: SignalTarget,
        signal: &SignalBuf,
        symbol: &str,
    ) -> Result<bool, MediaFault> {
        let mut ends = true;
        match (self.signalling, symbol) {
            (_, "sup") => {
                self.set_up(signal.parameters())?;
                self.sending = Some((target, signal.clone()));
                ends = false;
            }
            (TrunkSignalling::Md, "inf") => {
                let stages = VecDeque::from([Stage::Send(mf(signal.parameters())), Stage::Sent]);
                self.go(State::Seizing(stages));
                self.sending = Some((target, signal.clone()));
                ends = false;
            }
            (_, "ans") => self.answer(),
            (_, "res") => self.sends = true,
            (_, "sus") => self.sends = false,
            (_, "bl") => self.block(),
            (TrunkSignalling::Bl, "rel") => self.open = OPEN,
            (_, "rel") => self.release(),
            (_, "rlc") => self.release_complete(),
            (_, "awk" | "cwk" | "rcl") => self.pulse = Some((0, WINK)),
            (TrunkSignalling::Do, "hd") => self.sends = true,
            (TrunkSignalling::Do, "hu") => self.sends = false,
            (TrunkSignalling::Do, "hf") if self.sends => self.pulse = Some((0, FLASH)),
            (TrunkSignalling::Do, "hf") => return Err(MediaFault::Signal),
            _ => return Ok(false),
        }
        if ends {
            self.out.push(MediaEvent::SignalEnded(target, signal.clone()));
        }
        Ok(true)
    }

    /// Stops `sup` or `inf` in the middle; says whether it was under way.
    pub(super) fn stop(&mut self, target: SignalTarget, signal: &SignalBuf) -> bool {
        let is_it = self.sending.as_ref().is_some_and(|(at, known)| *at == target && known == signal);
        if is_it {
            self.sending = None;
            if matches!(self.state, State::Seizing(_)) {
                self.go(State::Outgoing { answered: false, suspended: false });
            }
        }
        is_it
    }

    pub(super) fn answer(&mut self) {
        self.sends = true;
        if let State::Incoming { answered } = &mut self.state {
            *answered = true;
        }
    }

    pub(super) fn block(&mut self) {
        self.sends = true;
        self.go(State::Blocked);
    }

    fn release(&mut self) {
        self.sends = false;
        self.pulse = None;
        match self.state {
            // A circuit that both ends have left already is released at once.
            State::Idle | State::Released | State::Blocked | State::Barred => self.become_idle(),
            _ => self.go(State::Releasing),
        }
    }

    fn release_complete(&mut self) {
        self.sends = false;
        match self.state {
            State::Released => self.go(State::Idle),
            State::Idle => {}
            _ => self.go(State::Releasing),
        }
    }

    fn become_idle(&mut self) {
        self.go(State::Idle);
        self.tell("rlc", &[]);
    }

    /// Seizes the circuit (RFC 3064 tables 14 to 16).
    fn set_up(&mut self, parameters: EventParameters<'_>) -> Result<(), MediaFault> {
        if !matches!(self.state, State::Idle) || (self.steady && self.signalling != TrunkSignalling::Do) {
            return Err(MediaFault::Exhausted);
        }
        let part = |name: &str| parameters.named(name).map(mf).unwrap_or_default();
        let wink =
            || Stage::Wink { tells: matches!(self.signalling, TrunkSignalling::Md | TrunkSignalling::Mo) };
        let start = |stages: Vec<Stage>| match self.options.start {
            TrunkStart::Wink => [wink(), Stage::Pause(PAUSE)].into_iter().chain(stages).collect(),
            TrunkStart::Immediate => [Stage::Pause(PAUSE)].into_iter().chain(stages).collect::<Vec<_>>(),
        };
        let stages = match self.signalling {
            TrunkSignalling::Ms => start(vec![Stage::Send(part("addr"))]),
            TrunkSignalling::Dt => start(vec![Stage::Send(dtmf(parameters))]),
            TrunkSignalling::Do => vec![Stage::Pause(DIAL_TONE), Stage::Send(dtmf(parameters))],
            TrunkSignalling::Mo => vec![
                wink(),
                Stage::Pause(PAUSE),
                Stage::Send(part("addr")),
                Stage::OffHook,
                Stage::Pause(PAUSE),
                Stage::Send(part("id")),
            ],
            TrunkSignalling::Md => {
                let mut stages = vec![wink(), Stage::Pause(PAUSE)];
                if parameters.named("ca").is_some() {
                    stages.extend([
                        Stage::Send(part("ca")),
                        Stage::Sent,
                        Stage::Wink { tells: false },
                        Stage::Pause(PAUSE),
                    ]);
                }
                stages.extend([Stage::Send(part("id")), Stage::Sent, Stage::Send(part("addr"))]);
                stages
            }
            TrunkSignalling::Bl => return Err(MediaFault::Signal),
        };
        self.sends = true;
        self.go(State::Seizing(stages.into_iter().chain([Stage::Sent]).collect()));
        Ok(())
    }

    fn go(&mut self, state: State) {
        self.state = state;
        self.waited = 0;
        self.number.clear();
        self.receiver = MfReceiver::new();
    }

    fn tell(&mut self, event: &str, parameters: &[&str]) {
        self.out.push(MediaEvent::Detected {
            package: self.package().to_owned(),
            event: event.to_owned(),
            connection: None,
            parameters: parameters.iter().map(|text| (*text).to_owned()).collect(),
        });
    }

    // What the circuit does.

    /// Works 10 ms.
    pub(super) fn frame(&mut self, incoming: &CircuitFrame, tones: &mut Tones, events: &mut Vec<MediaEvent>) {
        self.waited = self.waited.saturating_add(1);
        self.open = self.open.saturating_sub(1);
        self.pulse = match self.pulse {
            Some((0, 0)) | None => None,
            Some((0, left)) => Some((0, left - 1)),
            Some((before, left)) => Some((before - 1, left)),
        };
        let pulse = self.look(incoming);
        match self.signalling {
            TrunkSignalling::Bl => {}
            TrunkSignalling::Do => {
                self.line_of_a_pbx(incoming);
                self.seize(None, tones);
            }
            _ => {
                self.seize(pulse, tones);
                self.hear(incoming);
            }
        }
        events.append(&mut self.out);
    }

    /// Follows the bit that comes in; gives the length of a pulse that has just ended.
    fn look(&mut self, incoming: &CircuitFrame) -> Option<Frames> {
        if incoming.off_hook != self.bit {
            self.bit = incoming.off_hook;
            self.bit_before = self.bit_for;
            self.bit_for = 0;
        }
        self.bit_for = self.bit_for.saturating_add(1);
        let flashed = self.bit && self.bit_for == 1 && FLASH_RANGE.contains(&self.bit_before);
        if self.signalling == TrunkSignalling::Bl {
            return self.pbx(flashed);
        }
        // An operator who is connected lets go for as long as a wink: the caller is to be rung again (RFC 3064 section 2.7).
        let winked_on = self.bit && self.bit_for == 1 && WINK_RANGE.contains(&self.bit_before);
        if self.signalling == TrunkSignalling::Mo && self.steady && winked_on {
            self.tell("orbk", &[]);
        }
        if self.bit != self.steady && self.bit_for >= self.patience() {
            self.steady = self.bit;
            match self.steady {
                true => self.off_hook(),
                false => self.on_hook(),
            }
        }
        // A pulse of off-hook: the bit is back where the steady state is.
        (!self.bit && !self.steady && self.bit_for == 1).then_some(self.bit_before)
    }

    /// How long the other end's bit must stay to be believed: a seizure at once, anything that could be a wink longer.
    fn patience(&self) -> Frames {
        match self.state {
            State::Idle | State::Blocked => 2,
            State::Seizing(_) => GLARE,
            _ if self.bit => *WINK_RANGE.end() + 1,
            _ => STEADY,
        }
    }

    /// The other end of a BL circuit: a PBX that lifts, flashes and hangs up.
    fn pbx(&mut self, flashed: bool) -> Option<Frames> {
        if self.bit && !self.steady && self.bit_for >= 2 {
            self.steady = true;
            self.tell("hd", &[]);
        } else if self.steady && flashed {
            self.tell("hf", &[]);
        } else if self.steady && !self.bit && self.bit_for > *FLASH_RANGE.end() {
            self.steady = false;
            self.tell("hu", &[]);
        }
        None
    }

    fn off_hook(&mut self) {
        match &mut self.state {
            State::Idle if self.signalling == TrunkSignalling::Mo => {
                self.go(State::Barred);
                self.tell("rbz", &[]);
            }
            State::Idle if self.options.direction == TrunkDirection::Outgoing => {
                self.go(State::Barred);
                self.tell("bl", &[]);
            }
            State::Idle => {
                self.go(State::Incoming { answered: false });
                self.tell("sup", &[]);
                if self.options.start == TrunkStart::Wink {
                    self.pulse = Some((WINK_DELAY, WINK));
                }
            }
            State::Seizing(stages) if matches!(stages.front(), Some(Stage::Wink { .. })) => {
                self.fail(GLARE_CAUSE);
            }
            State::Outgoing { answered, suspended } => {
                let again = std::mem::replace(suspended, false);
                let first = !std::mem::replace(answered, true);
                if first {
                    self.tell("ans", &[]);
                } else if again {
                    self.tell("res", &[]);
                }
            }
            _ => {}
        }
    }

    fn on_hook(&mut self) {
        match &mut self.state {
            State::Incoming { .. } => {
                self.go(State::Released);
                self.pulse = None;
                self.tell("rel", &[NORMAL]);
            }
            State::Outgoing { suspended, .. } => {
                *suspended = true;
                self.tell("sus", &[]);
            }
            State::Releasing => self.become_idle(),
            State::Barred => self.go(State::Idle),
            _ => {}
        }
    }

    /// The set-up has failed.
    fn fail(&mut self, cause: &'static str) {
        self.sends = false;
        if let Some((target, signal)) = self.sending.take() {
            let (outcome, parameters) = (SignalOutcome::Failed, Vec::new());
            self.out.push(MediaEvent::SignalReported { target, signal, outcome, parameters });
        }
        self.tell("rel", &[cause]);
        self.go(State::Releasing);
    }

    /// The next stage of an outgoing call, when it is due.
    fn seize(&mut self, pulse: Option<Frames>, tones: &mut Tones) {
        let winked = pulse.is_some_and(|length| WINK_RANGE.contains(&length));
        let waits = matches!(&self.state, State::Seizing(stages) if matches!(stages.front(), Some(Stage::Wink { .. })));
        if waits && pulse.is_some_and(|length| length > *WINK_RANGE.end()) {
            // The other end has seized it too, and has already given way.
            self.fail(GLARE_CAUSE);
            return;
        }
        let State::Seizing(stages) = &mut self.state else {
            match self.state {
                // The other end may have let go first, or have never taken it up.
                State::Releasing if !self.steady && !self.bit && self.waited > STEADY => self.become_idle(),
                // A wink before the answer: all digits have come (MD), or the operator wants the caller called (MO).
                State::Outgoing { answered: false, .. }
                    if winked && self.signalling == TrunkSignalling::Md =>
                {
                    self.tell("awk", &[]);
                }
                _ => {}
            }
            return;
        };
        let (waited, tells) = (self.waited, matches!(stages.front(), Some(Stage::Wink { tells: true })));
        let done = match stages.front() {
            None => {
                self.sent();
                return;
            }
            Some(Stage::Wink { .. }) if winked => true,
            Some(Stage::OffHook) if self.bit && self.bit_for > *WINK_RANGE.end() => true,
            Some(Stage::Wink { .. } | Stage::OffHook) if waited > PATIENCE => {
                self.fail(PROTOCOL);
                return;
            }
            Some(Stage::Pause(length)) => waited >= *length,
            Some(Stage::Send(pulses)) => {
                tones.send(pulses);
                true
            }
            Some(Stage::Sent) => tones.is_idle(),
            Some(Stage::Wink { .. } | Stage::OffHook) => false,
        };
        if !done {
            return;
        }
        let was = stages.pop_front();
        self.waited = 0;
        if tells {
            self.tell("swk", &[]);
        }
        if matches!(was, Some(Stage::OffHook)) {
            self.steady = true;
            self.tell("ans", &[]);
        }
    }

    /// All digits are out.
    fn sent(&mut self) {
        // Operator services have gone off-hook in the middle of it; anybody else may answer from now on.
        let answered = self.signalling == TrunkSignalling::Mo;
        self.go(State::Outgoing { answered, suspended: false });
        if let Some((target, signal)) = self.sending.take() {
            let (outcome, parameters) = (SignalOutcome::Complete, Vec::new());
            self.out.push(MediaEvent::SignalReported { target, signal, outcome, parameters });
        }
    }

    /// MF digits of an incoming call.
    fn hear(&mut self, incoming: &CircuitFrame) {
        let mf = matches!(self.signalling, TrunkSignalling::Ms | TrunkSignalling::Md);
        if !mf || !matches!(self.state, State::Incoming { answered: false }) {
            return;
        }
        match self.receiver.listen(&incoming.samples) {
            Some(digit) => {
                self.waited = 0;
                self.number.push(digit.name());
                if digit.ends() || self.number.len() >= 40 {
                    self.tell_number();
                }
            }
            None if self.waited >= DIGITS && !self.number.is_empty() => self.tell_number(),
            None => {}
        }
    }

    fn tell_number(&mut self) {
        let number: Vec<_> = std::mem::take(&mut self.number);
        self.tell("inf", &number);
    }

    /// The other end of a line of a PBX: it rings, and it opens the wires.
    fn line_of_a_pbx(&mut self, incoming: &CircuitFrame) {
        self.ring_absent = if incoming.ringing { 0 } else { self.ring_absent.saturating_add(1) };
        if incoming.ringing && !self.rung && !self.sends {
            self.rung = true;
            self.tell("rg", &[]);
        } else if self.rung && (self.sends || self.ring_absent >= RING_PAUSE) {
            self.rung = false;
            self.ring_absent = RING_PAUSE;
        }
        if incoming.open && !self.was_open {
            self.tell("rel", &[]);
        }
        if self.was_open && !incoming.open && !self.sends {
            self.become_idle();
        }
        self.was_open = incoming.open;
    }
}
