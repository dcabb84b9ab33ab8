//! The far end of a circuit, worked by a script: the exchange or PBX that a gateway's circuit leads to (RFC 3064).
//!
//! It answers each 10 ms of the circuit with 10 ms of its own: a signalling bit, and digits, a tone or a recording. What the gateway does
//! with the circuit becomes facts and meets expectations.
//!
//! Limits: it does what it is told and nothing by itself. An exchange that winks when it is seized is a script that does.

use std::collections::VecDeque;
use std::sync::Arc;

use strowger_media::dtmf::{Digit, DtmfDetector, DtmfEvent, DtmfGenerator, DtmfLevel, DtmfTiming};
use strowger_media::frame::{level_dbm0, samples_in, sine_peak, to_sample};
use strowger_media::fsk::{FskLine, FskSender, FskStandard};
use strowger_media::mf::{MfDigit, MfReceiver, MfSender};
use strowger_media::tone::Oscillator;
use strowger_media::{Frame, SILENCE};
use strowger_mgcp::gateway::TrunkSignalling;
use strowger_mgcp::message::SignalBuf;
use strowger_sansio::{Duration, Time};

use crate::display;
use crate::event::LineFact;
use crate::plane::CircuitFrame;
use crate::script::{Action, Bits, CircuitAction, CircuitSign, Sign, Sound};
use crate::subscriber::{ActionError, QUIET, SILENT, Sounds, TONE_LEVEL, cut, find, gives_tone};

/// Times in frames of 10 ms.
type Frames = u32;
/// The length of a wink, and of a flash of the hook.
const WINK: Frames = 20;
const FLASH: Frames = 50;
/// The pulses of a dial: broken and closed, and the pause before each digit.
const PULSE_BREAK: usize = 6;
const PULSE_MAKE: usize = 4;
const WIND_UP: usize = 70;
/// What is a wink of the gateway, and from when on its bit is a state.
const WINK_RANGE: std::ops::RangeInclusive<Frames> = 10..=35;
const STEADY: Frames = 36;
/// Ringing that has been absent for so long is over.
const RING_PAUSE: Frames = 650;
/// How much is kept of what was heard: enough to be sure of silence.
const KEPT: Duration = SILENT;
/// Digits that are kept of one number.
const MOST_DIGITS: usize = 64;

/// What the far end says.
#[derive(Debug)]
enum Voice {
    Nothing,
    Tone(Box<Oscillator>, Option<u64>),
    Samples(Arc<[i16]>, usize),
}

/// A sign that somebody waits for.
#[derive(Debug)]
struct Expectation {
    number: u64,
    sign: Sign,
    since: Time,
    until: Time,
}

/// The far end of one circuit.
#[derive(Debug)]
pub(crate) struct Distant {
    signalling: TrunkSignalling,
    off_hook: bool,
    ringing: bool,
    open: bool,
    /// For so long the bit is the other way.
    pulse: Frames,
    /// Whether its loop is closed in the next frames, while it dials by pulses.
    dial: VecDeque<bool>,
    /// Who calls, as data.
    caller: Option<Box<FskSender>>,
    mf: MfSender,
    dtmf: DtmfGenerator,
    voice: Voice,
    /// The gateway's bit, and for how long it has been so; and the state that it stands for.
    bit: bool,
    bit_for: Frames,
    steady: bool,
    rings: bool,
    ring_absent: Frames,
    opened: bool,
    /// A wink that no expectation has been met by.
    winked: bool,
    receiver: MfReceiver,
    detector: DtmfDetector,
    /// Digits since the last seizure.
    digits: Vec<String>,
    heard: Vec<i16>,
    expectations: Vec<Expectation>,
    facts: Vec<LineFact>,
}

impl Distant {
    pub(crate) fn new(signalling: TrunkSignalling) -> Self {
        Self {
            signalling,
            off_hook: false,
            ringing: false,
            open: false,
            pulse: 0,
            dial: VecDeque::new(),
            caller: None,
            mf: MfSender::new(),
            dtmf: DtmfGenerator::new(DtmfLevel::default()),
            voice: Voice::Nothing,
            bit: false,
            bit_for: STEADY,
            steady: false,
            rings: false,
            ring_absent: RING_PAUSE,
            opened: false,
            winked: false,
            receiver: MfReceiver::new(),
            detector: DtmfDetector::new(),
            digits: Vec::new(),
            heard: Vec::new(),
            expectations: Vec::new(),
            facts: Vec::new(),
        }
    }

    /// Whether digits on the circuit are MF.
    const fn is_mf(&self) -> bool {
        matches!(self.signalling, TrunkSignalling::Ms | TrunkSignalling::Md | TrunkSignalling::Mo)
    }

    /// Does what a script says.
    pub(crate) fn act(&mut self, action: &Action, sounds: &Sounds) -> Result<(), ActionError> {
        let wrong = |why| Err(ActionError::Circuit(why));
        match action {
            Action::Circuit(CircuitAction::Seize) if self.off_hook || self.bit => {
                return wrong("the circuit is in use");
            }
            Action::Circuit(CircuitAction::Seize) => {
                self.off_hook = true;
                self.digits.clear();
            }
            Action::Circuit(CircuitAction::Answer) if self.off_hook => {
                return wrong("this end is off the hook already");
            }
            Action::Circuit(CircuitAction::Answer) => self.off_hook = true,
            Action::Circuit(CircuitAction::Release) if !self.off_hook => {
                return wrong("this end is on the hook already");
            }
            Action::Circuit(CircuitAction::Release) => {
                self.off_hook = false;
                self.fall_silent();
            }
            Action::Circuit(CircuitAction::Wink) => self.pulse = WINK,
            Action::Flash if self.off_hook => self.pulse = FLASH,
            Action::Flash => return wrong("this end is on the hook"),
            Action::Circuit(CircuitAction::Outpulse(number)) => self.outpulse(number)?,
            Action::Pulse(digits) if self.off_hook => self.dial_pulses(digits)?,
            Action::Pulse(_) => return wrong("this end is on the hook"),
            Action::Circuit(CircuitAction::Caller(number, name)) => self.tell_caller(number, name)?,
            Action::Circuit(CircuitAction::Cas(bits)) => match bits {
                Bits::OffHook => self.off_hook = true,
                Bits::OnHook => self.off_hook = false,
                Bits::Ring => self.ringing = true,
                Bits::Quiet => self.ringing = false,
                Bits::Open => self.open = true,
                Bits::Closed => self.open = false,
            },
            Action::Play(Sound::Tone(hertz), length) => {
                let left = length.map(samples_in);
                self.voice = Voice::Tone(Box::new(Oscillator::new(f64::from(*hertz))), left);
            }
            Action::Play(Sound::File(name), length) => {
                self.voice = Voice::Samples(cut(find(sounds, name)?, *length), 0);
            }
            Action::Quiet => self.fall_silent(),
            Action::OffHook | Action::OnHook | Action::Dial(_) | Action::Key(_) | Action::Record(_) => {
                return wrong("a circuit has no telephone");
            }
        }
        Ok(())
    }

    fn fall_silent(&mut self) {
        self.voice = Voice::Nothing;
        self.dial.clear();
        self.caller = None;
        self.mf.clear();
        self.dtmf.clear();
    }

    /// Dials by breaking the loop, after what is being dialled.
    fn dial_pulses(&mut self, digits: &str) -> Result<(), ActionError> {
        let pulses = |digit: char| digit.to_digit(10).map(|digit| if digit == 0 { 10 } else { digit });
        let counts: Option<Vec<u32>> = digits.chars().map(pulses).collect();
        let counts = counts.ok_or(ActionError::Circuit("a dial has the digits 0 to 9"))?;
        if self.dial.len() > MOST_DIGITS * WIND_UP {
            return Err(ActionError::Circuit("too much is being dialled"));
        }
        for count in counts.into_iter().take(MOST_DIGITS) {
            self.dial.extend(std::iter::repeat_n(true, WIND_UP));
            for _ in 0..count {
                self.dial.extend(std::iter::repeat_n(false, PULSE_BREAK));
                self.dial.extend(std::iter::repeat_n(true, PULSE_MAKE));
            }
        }
        Ok(())
    }

    /// Says who calls, as an exchange does on a line of a PBX between two rings (North America: GR-30).
    fn tell_caller(&mut self, number: &str, name: &str) -> Result<(), ActionError> {
        if self.signalling != TrunkSignalling::Do || self.off_hook || self.bit {
            return Err(ActionError::Circuit("who calls is said on a line of a PBX that is rung"));
        }
        let quoted = name.replace('"', "\"\"");
        let signal = SignalBuf::parse(&format!("L/ci(\"\",\"{number}\",\"{quoted}\")"));
        let signal = signal.ok_or(ActionError::Circuit("this cannot be shown"))?;
        let message = display::write(signal.parameters());
        self.caller = Some(Box::new(FskSender::new(FskStandard::Bell202, FskLine::OnHook, &message)));
        Ok(())
    }

    /// Sends digits as the circuit's signalling has them. A number of digits alone gets its beginning and end where MF needs them.
    fn outpulse(&mut self, number: &str) -> Result<(), ActionError> {
        let unknown = || ActionError::Circuit("the circuit's signalling has no such digit");
        let listed: Vec<String> = if number.contains(',') {
            number.split(',').map(str::to_owned).collect()
        } else {
            let digits = number.chars().map(String::from);
            match self.is_mf() {
                true => ["K0".to_owned()].into_iter().chain(digits).chain(["S0".to_owned()]).collect(),
                false => digits.collect(),
            }
        };
        if self.is_mf() {
            let digits: Option<Vec<_>> = listed.iter().map(|name| MfDigit::from_name(name)).collect();
            for digit in digits.ok_or_else(unknown)? {
                self.mf.dial(digit);
            }
            return Ok(());
        }
        let key = |name: &String| match name.chars().collect::<Vec<_>>().as_slice() {
            [key] => Digit::from_char(key.to_ascii_uppercase()),
            _ => None,
        };
        let digits: Option<Vec<_>> = listed.iter().map(key).collect();
        for digit in digits.ok_or_else(unknown)? {
            self.dtmf.dial(digit, DtmfTiming::default());
        }
        Ok(())
    }

    /// Begins to wait for a sign.
    pub(crate) fn expect(&mut self, now: Time, number: u64, sign: Sign, within: Duration) {
        self.expectations.push(Expectation { number, sign, since: now, until: now + within });
    }

    /// When an expectation runs out.
    pub(crate) fn poll_timeout(&self) -> Option<Time> {
        self.expectations.iter().map(|expectation| expectation.until).min()
    }

    /// What has happened since this was asked last.
    pub(crate) fn take_facts(&mut self, now: Time) -> Vec<LineFact> {
        self.judge(now);
        std::mem::take(&mut self.facts)
    }

    /// What goes out in these 10 ms.
    pub(crate) fn frame(&mut self) -> CircuitFrame {
        let closed = self.dial.pop_front().unwrap_or(true);
        let off_hook = (self.off_hook && closed) != (self.pulse > 0);
        self.pulse = self.pulse.saturating_sub(1);
        self.caller = self.caller.take().filter(|caller| !caller.is_idle());
        let samples = if let Some(caller) = &mut self.caller {
            caller.frame()
        } else if !self.mf.is_idle() {
            self.mf.frame()
        } else if !self.dtmf.is_idle() {
            self.dtmf.frame()
        } else {
            self.speak()
        };
        CircuitFrame { off_hook, ringing: self.ringing, open: self.open, samples }
    }

    fn speak(&mut self) -> Frame {
        let peak = sine_peak(TONE_LEVEL);
        let mut frame = SILENCE;
        let over = match &mut self.voice {
            Voice::Nothing => false,
            Voice::Tone(oscillator, left) => {
                for sample in &mut frame {
                    *sample = to_sample(oscillator.sample() * peak);
                }
                *left = left.map(|left| left.saturating_sub(frame.len() as u64));
                *left == Some(0)
            }
            Voice::Samples(samples, at) => {
                for (sample, said) in frame.iter_mut().zip(samples.iter().skip(*at)) {
                    *sample = *said;
                }
                *at += frame.len();
                *at >= samples.len()
            }
        };
        if over {
            self.voice = Voice::Nothing;
        }
        frame
    }

    /// Takes what the gateway sends in 10 ms.
    pub(crate) fn hear(&mut self, frame: &CircuitFrame) {
        self.look(frame);
        self.listen(&frame.samples);
    }

    fn look(&mut self, frame: &CircuitFrame) {
        if frame.off_hook != self.bit {
            if !frame.off_hook && !self.steady && WINK_RANGE.contains(&self.bit_for) {
                self.winked = true;
                self.facts.push(LineFact::Winked);
            }
            self.bit = frame.off_hook;
            self.bit_for = 0;
        }
        self.bit_for = self.bit_for.saturating_add(1);
        if self.bit != self.steady && self.bit_for >= STEADY {
            self.steady = self.bit;
            self.facts.push(if self.steady { LineFact::OffHook } else { LineFact::OnHook });
            if self.steady && !self.off_hook {
                self.digits.clear();
            }
        }
        self.ring_absent = if frame.ringing { 0 } else { self.ring_absent.saturating_add(1) };
        let rings = self.ring_absent < RING_PAUSE;
        if rings != self.rings {
            self.rings = rings;
            self.facts.push(if rings { LineFact::Ringing } else { LineFact::RingingEnded });
        }
        if frame.open && !self.opened {
            self.facts.push(LineFact::Opened);
        }
        self.opened = frame.open;
    }

    fn listen(&mut self, frame: &Frame) {
        let most = usize::try_from(samples_in(KEPT)).unwrap_or(usize::MAX);
        self.heard.extend_from_slice(frame);
        let extra = self.heard.len().saturating_sub(most);
        self.heard.drain(..extra);
        if self.is_mf() {
            if let Some(digit) = self.receiver.listen(frame) {
                self.digit(digit.name().to_owned(), digit.ends());
            }
            return;
        }
        for event in self.detector.listen(frame).into_iter().flatten() {
            if let DtmfEvent::Began { digit, .. } = event {
                self.digit(digit.letter().to_string(), false);
            }
        }
    }

    fn digit(&mut self, name: String, ends: bool) {
        if self.digits.len() < MOST_DIGITS {
            self.digits.push(name);
        }
        if ends {
            self.facts.push(LineFact::Number(self.digits.join(",")));
        }
    }

    /// The digits of the number without what frames it.
    fn number(&self) -> String {
        self.digits.iter().filter(|digit| digit.len() == 1).map(String::as_str).collect()
    }

    fn judge(&mut self, now: Time) {
        for expectation in std::mem::take(&mut self.expectations) {
            let Expectation { number, sign, since, until } = expectation;
            if self.is_met(&sign) {
                if sign == Sign::Circuit(CircuitSign::Wink) {
                    self.winked = false;
                }
                self.facts.push(LineFact::Met { expectation: number, sign, after: now.since(since) });
            } else if now >= until {
                let instead = self.instead();
                self.facts.push(LineFact::Missed { expectation: number, sign, instead });
            } else {
                self.expectations.push(Expectation { number, sign, since, until });
            }
        }
    }

    fn is_met(&self, sign: &Sign) -> bool {
        match sign {
            Sign::Circuit(CircuitSign::OffHook) => self.steady,
            Sign::Circuit(CircuitSign::OnHook) => !self.steady && !self.bit,
            Sign::Circuit(CircuitSign::Wink) => self.winked,
            Sign::Circuit(CircuitSign::Open) => self.opened,
            Sign::Circuit(CircuitSign::Number(number)) => self.number() == *number,
            Sign::Ring => self.rings,
            Sign::RingEnd => !self.rings,
            Sign::Silence => level_dbm0(&self.heard) < QUIET,
            Sign::Sound(Sound::Tone(hertz)) => {
                // The last 300 ms of it, as at a telephone.
                let part = self.heard.len().saturating_sub(2400);
                self.heard.get(part..).is_some_and(|heard| gives_tone(heard, f64::from(*hertz)))
            }
            // What only a telephone shows.
            Sign::Sound(Sound::File(_)) | Sign::Caller(_) | Sign::Progress(_) | Sign::Key(..) => false,
        }
    }

    /// What was noticed instead, in words.
    fn instead(&self) -> String {
        let number = self.number();
        let state = if self.steady { "the gateway is off the hook" } else { "the gateway is on the hook" };
        if number.is_empty() { state.to_owned() } else { format!("{state}, it has sent {number}") }
    }
}
