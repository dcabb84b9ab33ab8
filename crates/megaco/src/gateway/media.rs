//! What the gateway role asks of the media below it, and what the media report up.
//!
//! A context joins terminations (RFC 3525 section 6.1): lines and circuits that are always there, and streams of packets that exist while an
//! ephemeral termination does. [`MediaPlane`] is the seam. The role says which streams there are and who hears whom, as pairs: modes
//! and topology are its own affair. A plane never blocks, and a call that fails has changed nothing.

use std::net::SocketAddr;
use std::time::Duration;

use strowger_sansio::Time;
use strowger_sdp::CodecEntry;

use super::owned::{Argument, Item};
use crate::error::ErrorCode;

/// The place of a physical termination in the configuration, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineIndex(pub u32);

/// A stream of packets, as the role and its plane name it. Never used twice in the life of a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamHandle(pub u64);

/// A signal that is being given. Never used twice in the life of a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignalHandle(pub u64);

/// Where media leave and enter the context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Port {
    /// The two wires of a line, or a circuit.
    Line(LineIndex),
    /// Packets.
    Stream(StreamHandle),
}

/// The hook switch of an analogue line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// The handset rests.
    On,
    /// The handset is lifted.
    Off,
}

/// That what enters at one port leaves at another. A port may be both: what enters there is returned (the mode loop-back).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// Where it enters.
    pub from: Port,
    /// Where it leaves.
    pub to: Port,
}

/// What a stream shall do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSpec {
    /// The formats that may come in, with the payload types of the local description.
    pub receive: Vec<CodecEntry>,
    /// The format to send, with the payload type of the remote description; none until there is one.
    pub send: Option<CodecEntry>,
    /// The payload type to send RFC 4733 events with, when both ends have them.
    pub telephone_event: Option<u8>,
    /// Packetisation period.
    pub packetization: Duration,
    /// Where to send, and the only source to accept from.
    pub remote: Option<SocketAddr>,
    /// Where to send RTCP when it is not the port after `remote`.
    pub remote_rtcp: Option<SocketAddr>,
    /// Whether the context passes anything to this stream: sendOnly or sendReceive.
    pub sends: bool,
    /// Whether what comes in passes into the context: receiveOnly or sendReceive.
    pub receives: bool,
    /// The jitter buffer that is wanted (`nt/jit`).
    pub jitter: Option<Duration>,
}

/// What a stream has carried (RFC 3525 Annexes E.11.4 and E.12.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamStatistics {
    /// Packets sent.
    pub packets_sent: u64,
    /// Packets received.
    pub packets_received: u64,
    /// Octets of payload sent.
    pub octets_sent: u64,
    /// Octets of payload received.
    pub octets_received: u64,
    /// Packets that did not come.
    pub packets_lost: u64,
    /// Interarrival jitter in milliseconds.
    pub jitter_ms: u64,
    /// Half of the round trip in milliseconds, as RTCP says.
    pub latency_ms: u64,
}

/// How long a flash lasts (`mindur` and `maxdur`, RFC 3525 Annex E.9.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlashTiming {
    /// At least.
    pub shortest: Option<Duration>,
    /// At most.
    pub longest: Option<Duration>,
}

/// A signal to be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalOrder {
    /// Which.
    pub item: Item,
    /// Its parameters, as they were asked for.
    pub arguments: Vec<Argument>,
}

/// What a plane can do; constant in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaCapabilities {
    /// Formats, preferred first; `telephone-event` among them when the plane has RFC 4733 events.
    pub codecs: Vec<CodecEntry>,
    /// The packetisation periods, shortest first.
    pub packetization: Vec<Duration>,
}

impl Default for MediaCapabilities {
    /// G.711, as a small gateway has it.
    fn default() -> Self {
        Self {
            codecs: vec![CodecEntry::pcmu(), CodecEntry::pcma(), CodecEntry::telephone_event(101)],
            packetization: [10, 20, 30, 40].map(Duration::from_millis).to_vec(),
        }
    }
}

/// Why a plane could not do what it was asked; it then has changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaFault {
    /// Ports, channels or mixers are used up, or it has not got what this needs (510).
    Insufficient,
    /// It cannot generate this signal (513).
    Signal,
    /// It cannot do this mode (517).
    Mode,
    /// It is broken (529).
    Hardware,
}

impl MediaFault {
    /// The code that tells the controller.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::Insufficient => ErrorCode::INSUFFICIENT_RESOURCES,
            Self::Signal => ErrorCode::NO_SIGNAL_EQUIPMENT,
            Self::Mode => ErrorCode::INVALID_MODE,
            Self::Hardware => ErrorCode::HARDWARE_FAILURE,
        }
    }
}

/// What the media saw happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaEvent {
    /// The handset was lifted.
    OffHook(LineIndex),
    /// The handset was put down.
    OnHook(LineIndex),
    /// A short on-hook.
    HookFlash(LineIndex),
    /// A DTMF digit began: `0`-`9`, `*`, `#`, `A`-`D`.
    Digit(Port, char),
    /// That digit ended after this long.
    DigitEnded(Port, char, Duration),
    /// Anything else that the packages name, with the parameters of the report.
    Detected {
        /// Where.
        port: Port,
        /// Which event.
        item: Item,
        /// Its parameters.
        arguments: Vec<Argument>,
    },
    /// A signal has come to its own end.
    SignalEnded(SignalHandle),
    /// A signal could not go on.
    SignalFailed(SignalHandle),
    /// A stream can no longer be sustained: `nt/netfail` with this cause.
    NetworkFailed(StreamHandle, &'static str),
}

/// The media below a gateway.
///
/// The role calls it in the course of one of its own `handle_*` methods; the plane reports by `Gateway::handle_media_event`.
pub trait MediaPlane {
    /// What it can do.
    fn capabilities(&self) -> &MediaCapabilities;

    /// Opens a stream for an ephemeral termination and returns the address where it receives RTP.
    ///
    /// # Errors
    /// The fault; nothing is then open.
    fn open(&mut self, now: Time, stream: StreamHandle, spec: &StreamSpec) -> Result<SocketAddr, MediaFault>;

    /// Changes a stream.
    ///
    /// # Errors
    /// The fault; the stream then goes on as it was.
    fn modify(&mut self, now: Time, stream: StreamHandle, spec: &StreamSpec) -> Result<(), MediaFault>;

    /// Closes a stream and says what it carried.
    fn close(&mut self, now: Time, stream: StreamHandle) -> StreamStatistics;

    /// What a stream has carried so far.
    fn statistics(&self, now: Time, stream: StreamHandle) -> StreamStatistics;

    /// Who hears whom in a context from now on: these flows and no others. Without ports the context is gone.
    fn connect(&mut self, now: Time, context: u32, ports: &[Port], flows: &[Flow]);

    /// Whether a signal can be given at all.
    fn can_signal(&self, port: Port, order: &SignalOrder) -> bool;

    /// How long a break of a line's loop is a flash from now on, and no fault of the line nor the end of a call; as provisioned, where nothing
    /// is said.
    fn set_flash(&mut self, now: Time, line: LineIndex, flash: FlashTiming) {
        let _ = (now, line, flash);
    }

    /// The progress tones (items of package `cd`) that are wanted to be found on a physical termination from now on, and no others.
    fn want_tones(&mut self, now: Time, line: LineIndex, tones: &[u16]) {
        let _ = (now, line, tones);
    }

    /// Whether an event can be found there.
    fn can_detect(&self, port: Port, item: Item) -> bool {
        let _ = (port, item);
        true
    }

    /// Starts a signal. How long it lasts is the role's affair, unless it is brief.
    ///
    /// # Errors
    /// The fault; nothing is then heard.
    fn start_signal(
        &mut self,
        now: Time,
        port: Port,
        signal: SignalHandle,
        order: &SignalOrder,
    ) -> Result<(), MediaFault>;

    /// Stops a signal.
    fn stop_signal(&mut self, now: Time, signal: SignalHandle);

    /// The hook switch of a line.
    fn hook(&self, line: LineIndex) -> Hook;
}
