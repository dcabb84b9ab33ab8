//! What can be said in a script: what subscribers and the far ends of circuits do, and what they notice.

use std::fmt;
use std::time::Duration;

/// What a subscriber does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Lifts the handset.
    OffHook,
    /// Puts the handset down.
    OnHook,
    /// Presses the hook for the length of a flash.
    Flash,
    /// Presses keys: `0`-`9`, `*`, `#`, `A`-`D`; `,` is a pause of a second.
    Dial(String),
    /// Dials `0`-`9` with a rotary dial, which breaks the loop.
    Pulse(String),
    /// Makes a sound into the mouthpiece; without a length until the next one, or to the end of the file.
    Play(Sound, Option<Duration>),
    /// Presses a feature key, 1 to 99.
    Key(u8),
    /// Falls silent.
    Quiet,
    /// Writes what the earpiece gave since the handset was lifted to a WAV file.
    Record(String),
    /// What the far end of a circuit does, and no subscriber can.
    Circuit(CircuitAction),
}

/// What the far end of a circuit does: the exchange or PBX that the gateway is joined to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CircuitAction {
    /// Begins a call: goes off the hook on a circuit that is free.
    Seize,
    /// Goes off the hook in a call of the gateway.
    Answer,
    /// Is off the hook for 200 ms.
    Wink,
    /// Goes on the hook.
    Release,
    /// Sends digits, MF or DTMF as the circuit has them: one after the other, or by their names with commas between.
    Outpulse(String),
    /// Says who calls, by number and name, as data on the line.
    Caller(String, String),
    /// Sets the state of the circuit itself.
    Cas(Bits),
}

/// States of a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bits {
    /// In use.
    OffHook,
    /// Not in use.
    OnHook,
    /// Ringing current.
    Ring,
    /// None.
    Quiet,
    /// Open wires.
    Open,
    /// Closed wires.
    Closed,
}

pub(super) const BITS: [(&str, Bits); 6] = [
    ("off-hook", Bits::OffHook),
    ("on-hook", Bits::OnHook),
    ("ring", Bits::Ring),
    ("quiet", Bits::Quiet),
    ("open", Bits::Open),
    ("closed", Bits::Closed),
];

/// What the far end of a circuit notices, and no subscriber can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CircuitSign {
    /// The gateway is off the hook, for longer than a wink.
    OffHook,
    /// The gateway is on the hook.
    OnHook,
    /// The gateway has winked.
    Wink,
    /// The gateway has sent this number.
    Number(String),
    /// The gateway has opened the wires.
    Open,
}

/// A sound that a subscriber makes or listens for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sound {
    /// A tone of one frequency in hertz.
    Tone(u16),
    /// A WAV file, by its name.
    File(String),
}

/// What a subscriber notices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sign {
    /// The telephone rings.
    Ring,
    /// It rings no longer.
    RingEnd,
    /// The set shows this caller's number.
    Caller(String),
    /// The earpiece gives this sound. A file is compared by content, whatever the delay.
    Sound(Sound),
    /// The earpiece gives this tone of the country's plan.
    Progress(Progress),
    /// The earpiece gives nothing.
    Silence,
    /// A feature key shows this state or label.
    Key(u8, String),
    /// At the far end of a circuit.
    Circuit(CircuitSign),
}

/// Tones by their meaning, whatever they sound like in this country.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Dial tone.
    Dial,
    /// Ringing tone, as the caller hears it.
    Ringback,
    /// Busy tone.
    Busy,
    /// Congestion (reorder) tone.
    Congestion,
    /// Special information tone.
    SpecialInformation,
    /// The howler for a handset left off the hook.
    Howler,
}

pub(super) const PROGRESS: [(&str, Progress); 6] = [
    ("dial-tone", Progress::Dial),
    ("ringback", Progress::Ringback),
    ("busy", Progress::Busy),
    ("congestion", Progress::Congestion),
    ("sit", Progress::SpecialInformation),
    ("howler", Progress::Howler),
];

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PROGRESS.iter().find(|(_, tone)| tone == self).map_or("", |(name, _)| name))
    }
}

impl fmt::Display for Sound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tone(hertz) => write!(f, "tone:{hertz}"),
            Self::File(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ring => f.write_str("ring"),
            Self::RingEnd => f.write_str("ring-end"),
            Self::Caller(number) => write!(f, "caller {number}"),
            Self::Sound(sound) => sound.fmt(f),
            Self::Progress(tone) => tone.fmt(f),
            Self::Silence => f.write_str("silence"),
            Self::Key(key, text) => write!(f, "key {key} {text}"),
            Self::Circuit(CircuitSign::OffHook) => f.write_str("off-hook"),
            Self::Circuit(CircuitSign::OnHook) => f.write_str("on-hook"),
            Self::Circuit(CircuitSign::Wink) => f.write_str("wink"),
            Self::Circuit(CircuitSign::Open) => f.write_str("open"),
            Self::Circuit(CircuitSign::Number(number)) => write!(f, "number {number}"),
        }
    }
}
