//! Tones that come in on a circuit and that a call agent wants to know of: the events of the package T (RFC 3660 section 2.3) besides those
//! of continuity tests, and on the line of a PBX those of the package H (section 2.5), with the caller's number (`H/ci`, and `DO/ci` of RFC 3064 section 2.4).
//!
//! A tone is told of when it begins. Test tones differ by a few hertz, so that a quarter of a second is looked at as a whole; the others are
//! recognised by frequency and cadence as the country has them.

use strowger_media::Frame;
use strowger_media::analysis::{ToneRecogniser, strongest};
use strowger_media::fsk::FskReceiver;
use strowger_media::tone::{SignalTone, Sit, TonePlan};
use strowger_mgcp::gateway::{MediaEvent, WantedEvent};

use super::CircuitFrame;
use super::pattern::PatternWatch;
use crate::display::{self, DataMessage};

/// Samples that a test tone is measured in: 256 ms.
const WINDOW: usize = 2048;
/// Frames between two measurements.
const PAUSE: u32 = 5;
/// Measurements in a row that must agree.
const SURE: u32 = 2;
/// How loud a test tone is at least, in dBm0, and how much louder than anything else.
const LEAST: f64 = -30.0;
const ABOVE: f64 = 20.0;

/// The test tones: symbol, frequency in hertz, and how far off it may be.
const TEST_TONES: [(&str, f64, f64); 4] =
    [("om", 1000.0, 2.0), ("nm", 1004.0, 2.0), ("mm", 1013.8, 4.0), ("tl", 2225.0, 25.0)];

/// The events of the package H that are found on the line of a PBX (RFC 3660 section 2.5).
pub(in crate::plane) const HANDSET: [&str; 13] =
    ["bz", "ci", "dl", "mwi", "nbz", "osi", "ot", "rg", "ro", "sit", "sl", "wt", "y"];
/// Those that are tones.
/// Ringing tone is no event of that package, and one of `cd` in Megaco.
const HEARD: [(&str, SignalTone); 10] = [
    ("bz", SignalTone::Busy),
    ("dl", SignalTone::Dial),
    ("mwi", SignalTone::MessageWaiting),
    ("nbz", SignalTone::Congestion),
    ("ot", SignalTone::OffHookWarning),
    ("ro", SignalTone::Congestion),
    ("rt", SignalTone::Ringback),
    ("sl", SignalTone::StutterDial),
    ("wt", SignalTone::CallWaiting),
    ("y", SignalTone::RecorderWarning),
];
/// Frames without ringing after which another ring is a first one: the longest pause in any country's cadence is 6 s.
const RING_PAUSE: u32 = 650;

/// Whether an event of the package can be found.
pub(in crate::plane) fn finds(event: &str) -> bool {
    let is = |known: &str| known.eq_ignore_ascii_case(event);
    TEST_TONES.iter().any(|(symbol, ..)| is(symbol))
        || ["as", "co1", "co2", "oc", "of", "ro", "sit", "tp", "zz"].into_iter().any(is)
}

/// Listens for what is wanted.
#[derive(Debug)]
pub(super) struct Listener {
    wanted: Vec<WantedEvent>,
    window: Vec<i16>,
    frames: u32,
    /// The test tone that was measured last, and how often in a row; and the one that was told of.
    measured: Option<usize>,
    agreed: u32,
    sounding: Option<usize>,
    recogniser: Box<ToneRecogniser>,
    heard: Option<SignalTone>,
    patterns: Vec<PatternWatch>,
    /// What hears who calls.
    receiver: FskReceiver,
    /// Rings of the bell so far, frames since the last one, and whether the wires were open.
    rings: u32,
    ring_absent: u32,
    was_ringing: bool,
    was_open: bool,
}

impl Listener {
    pub(super) fn new(plan: &TonePlan) -> Self {
        Self {
            wanted: Vec::new(),
            window: Vec::with_capacity(WINDOW),
            frames: 0,
            measured: None,
            agreed: 0,
            sounding: None,
            recogniser: Box::new(ToneRecogniser::new(plan)),
            heard: None,
            patterns: Vec::new(),
            receiver: FskReceiver::new(),
            rings: 0,
            ring_absent: RING_PAUSE,
            was_ringing: false,
            was_open: false,
        }
    }

    /// What is wanted from now on. A tone that sounds already and was told of is not told of again.
    pub(super) fn want(&mut self, plan: &TonePlan, wanted: Vec<WantedEvent>) {
        self.wanted = wanted;
        let octets = self.asked("tp").filter_map(|wanted| wanted.parameters.parse().ok());
        self.patterns = octets.map(|octet| PatternWatch::new(plan, octet)).collect();
    }

    /// The parameters with which an event is wanted, if it is.
    fn asked(&self, symbol: &str) -> impl Iterator<Item = &WantedEvent> {
        self.wanted_of("T", symbol)
    }

    fn wanted_of(&self, package: &str, symbol: &str) -> impl Iterator<Item = &WantedEvent> {
        let is_it = move |wanted: &&WantedEvent| {
            wanted.package == package && wanted.event.eq_ignore_ascii_case(symbol)
        };
        self.wanted.iter().filter(is_it)
    }

    /// Follows what the line of a PBX does besides sound: ringing current, and wires that are opened.
    pub(super) fn follow(&mut self, incoming: &CircuitFrame, events: &mut Vec<MediaEvent>) {
        if incoming.ringing && !self.was_ringing {
            self.rings = if self.ring_absent >= RING_PAUSE { 1 } else { self.rings.saturating_add(1) };
            for wanted in self.wanted_of("H", "rg") {
                let count = wanted.parameters.rsplit('=').next().and_then(|count| count.trim().parse().ok());
                if count.unwrap_or(1) == self.rings {
                    events.push(told("H", "rg", &wanted.parameters));
                }
            }
        }
        self.ring_absent = if incoming.ringing { 0 } else { self.ring_absent.saturating_add(1) };
        if incoming.off_hook {
            self.ring_absent = RING_PAUSE;
        }
        if incoming.open && !self.was_open && self.wanted_of("H", "osi").next().is_some() {
            events.push(told("H", "osi", ""));
        }
        (self.was_ringing, self.was_open) = (incoming.ringing, incoming.open);
    }

    /// Listens to 10 ms.
    pub(super) fn listen(&mut self, frame: &Frame, events: &mut Vec<MediaEvent>) {
        self.measure(frame, events);
        for pattern in &mut self.patterns {
            if pattern.listen(frame) {
                events.push(event("tp", &pattern.octet.to_string()));
            }
        }
        if self.recogniser.listen(frame) {
            self.recognise(events);
        }
        self.hear_caller(frame, events);
    }

    /// Who calls comes as data between the rings.
    fn hear_caller(&mut self, frame: &Frame, events: &mut Vec<MediaEvent>) {
        let message = self.receiver.listen(frame);
        let Some(DataMessage::Caller(signal)) = message.as_deref().and_then(display::read) else { return };
        let caller = signal.strip_prefix("L/ci(").and_then(|rest| rest.strip_suffix(')')).unwrap_or_default();
        for package in ["DO", "H"] {
            if self.wanted_of(package, "ci").next().is_some() {
                events.push(told(package, "ci", caller));
            }
        }
    }

    /// The circuit was answered by signalling.
    pub(super) fn answered(&self, events: &mut Vec<MediaEvent>) {
        if self.asked("as").next().is_some() {
            events.push(event("as", ""));
        }
    }

    fn measure(&mut self, frame: &Frame, events: &mut Vec<MediaEvent>) {
        let extra = (self.window.len() + frame.len()).saturating_sub(WINDOW);
        self.window.drain(..extra.min(self.window.len()));
        self.window.extend_from_slice(frame);
        self.frames += 1;
        if self.frames < PAUSE || self.window.len() < WINDOW - frame.len() {
            return;
        }
        self.frames = 0;
        let found = test_tone(&self.window);
        self.agreed = if found == self.measured { self.agreed + 1 } else { 1 };
        self.measured = found;
        if self.agreed < SURE || found == self.sounding {
            return;
        }
        self.sounding = found;
        let symbol = found.and_then(|place| TEST_TONES.get(place)).map(|(symbol, ..)| *symbol);
        if let Some(symbol) = symbol
            && self.asked(symbol).next().is_some()
        {
            events.push(event(symbol, ""));
        }
    }

    fn recognise(&mut self, events: &mut Vec<MediaEvent>) {
        let heard = self.recogniser.heard();
        if heard == self.heard {
            return;
        }
        self.heard = heard;
        if heard.is_none() {
            return;
        }
        if self.recogniser.hears(SignalTone::Congestion) && self.asked("ro").next().is_some() {
            events.push(event("ro", ""));
        }
        if self.recogniser.hears(SignalTone::SpecialInformation(Sit::ReorderInter))
            && self.asked("zz").next().is_some()
        {
            events.push(event("zz", ""));
        }
        for (symbol, tone) in HEARD {
            if self.recogniser.hears(tone) && self.wanted_of("H", symbol).next().is_some() {
                // A stutter is known by the dial tone that follows it at once.
                events.push(told("H", symbol, if symbol == "sl" { "del=0" } else { "" }));
            }
        }
        for wanted in self.asked("sit").chain(self.wanted_of("H", "sit")) {
            let sit = wanted.parameters.parse().ok().and_then(Sit::from_number);
            if sit.is_some_and(|sit| self.recogniser.hears(SignalTone::SpecialInformation(sit))) {
                events.push(told(wanted.package, "sit", &wanted.parameters));
            }
        }
    }
}

/// The test tone that a stretch of sound is.
fn test_tone(samples: &[i16]) -> Option<usize> {
    let found = strongest(samples, 2);
    let loudest = found.first().filter(|loudest| loudest.level > LEAST)?;
    if found.get(1).is_some_and(|next| next.level > loudest.level - ABOVE) {
        return None;
    }
    let off = |(_, hertz, _): &(&str, f64, f64)| (loudest.hertz - hertz).abs();
    // Of two that are near, the nearer.
    let near = TEST_TONES.iter().enumerate().filter(|(_, tone)| off(tone) <= tone.2);
    near.min_by(|(_, one), (_, other)| off(one).total_cmp(&off(other))).map(|(place, _)| place)
}

fn event(symbol: &str, parameters: &str) -> MediaEvent {
    told("T", symbol, parameters)
}

fn told(package: &str, symbol: &str, parameters: &str) -> MediaEvent {
    MediaEvent::Detected {
        package: package.to_owned(),
        event: symbol.to_owned(),
        connection: None,
        parameters: Some(parameters.to_owned()).filter(|text| !text.is_empty()).into_iter().collect(),
    }
}
