//! What the gateway role asks of the media below it, and what the media reports up.
//!
//! RFC 3435 separates the handling of commands from the handling of voice: a connection has a mode, a codec list
//! and a remote address (sections 2.1.3.3 and 2.3.5), a signal is started and stopped (section 2.1.7), a line is on
//! or off the hook (section 4.4.2). [`MediaPlane`] is that seam. The role decides, the plane obeys.
//!
//! Limits: one audio stream per connection, or one image stream in its place; a plane never blocks, and a call that fails has changed nothing.

use std::fmt;
use std::net::SocketAddr;

use strowger_sansio::{Duration, Time};
use strowger_sdp::audio::ExtendedReports;
use strowger_sdp::{CodecEntry, T38Parameters};

use super::fax::{FaxHandling, MachineSign};
use crate::message::{ConnectionMode, ConnectionStatistics, ReturnCode, SignalBuf};

/// The place of an endpoint in the list of [`GatewayConfig::endpoints`](super::GatewayConfig::endpoints), from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointIndex(pub u32);

/// A connection as the role and its plane name it. Never used twice in the life of a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionHandle(pub u64);

/// Where a signal is applied: RFC 3435 section 2.1.7 counts the same signal on an endpoint and on each of its
/// connections as different signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignalTarget {
    /// The line side: the handset, the ringer, the trunk circuit.
    Endpoint(EndpointIndex),
    /// The network side: towards the remote end of one connection, whatever its mode.
    Connection(EndpointIndex, ConnectionHandle),
}

impl SignalTarget {
    /// The endpoint that the signal belongs to.
    #[must_use]
    pub const fn endpoint(self) -> EndpointIndex {
        match self {
            Self::Endpoint(endpoint) | Self::Connection(endpoint, _) => endpoint,
        }
    }
}

/// The hook switch of an analogue line. An endpoint without one is off the hook: nothing keeps it from talking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hook {
    /// The handset rests: only ringing can be heard.
    On,
    /// The handset is lifted.
    Off,
}

/// The base connection modes of RFC 3435 section 3.2.2.6, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MediaMode {
    /// Packets are sent only.
    SendOnly,
    /// Packets are received only.
    RecvOnly,
    /// Both ways.
    SendRecv,
    /// Both ways, and joined to the other connections in this mode.
    Conference,
    /// Neither way.
    Inactive,
    /// The circuit side is looped back into itself.
    Loopback,
    /// The circuit side answers continuity tones.
    ContinuityTest,
    /// Packets are returned to where they came from.
    NetworkLoopback,
    /// Packets are answered as a continuity transponder does.
    NetworkContinuityTest,
}

impl MediaMode {
    /// All nine, in the order of the RFC's table.
    pub const ALL: [Self; 9] = [
        Self::SendOnly,
        Self::RecvOnly,
        Self::SendRecv,
        Self::Conference,
        Self::Inactive,
        Self::Loopback,
        Self::ContinuityTest,
        Self::NetworkLoopback,
        Self::NetworkContinuityTest,
    ];

    /// Whether RFC 3435 section 2.3.5 forbids the mode until the remote description is known (code 527).
    #[must_use]
    pub const fn needs_remote(self) -> bool {
        matches!(
            self,
            Self::SendOnly
                | Self::SendRecv
                | Self::Conference
                | Self::NetworkLoopback
                | Self::NetworkContinuityTest
        )
    }

    /// The base mode that a wire mode means; none of a package's modes and of unknown words.
    #[must_use]
    pub fn of(mode: ConnectionMode<'_>) -> Option<Self> {
        Some(match mode {
            ConnectionMode::SendOnly => Self::SendOnly,
            ConnectionMode::RecvOnly => Self::RecvOnly,
            ConnectionMode::SendRecv => Self::SendRecv,
            ConnectionMode::Conference => Self::Conference,
            ConnectionMode::Inactive => Self::Inactive,
            ConnectionMode::Loopback => Self::Loopback,
            ConnectionMode::ContinuityTest => Self::ContinuityTest,
            ConnectionMode::NetworkLoopback => Self::NetworkLoopback,
            ConnectionMode::NetworkTest => Self::NetworkContinuityTest,
            ConnectionMode::Package { .. } | ConnectionMode::Other(_) => return None,
        })
    }

    /// The wire name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::SendRecv => "sendrecv",
            Self::Conference => "confrnce",
            Self::Inactive => "inactive",
            Self::Loopback => "loopback",
            Self::ContinuityTest => "conttest",
            Self::NetworkLoopback => "netwloop",
            Self::NetworkContinuityTest => "netwtest",
        }
    }
}

impl fmt::Display for MediaMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a connection shall do: everything that the call agent's options, the remote description and the mode say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaSpec {
    /// The connection mode.
    pub mode: MediaMode,
    /// The negotiated formats, best first, with the payload types under which they come in. Holds at least one for speech.
    pub codecs: Vec<CodecEntry>,
    /// The format to speak in, with the payload type that the remote end expects.
    pub send: CodecEntry,
    /// The format to send the sound of modems in, when both ends have one for it (ITU-T V.152). What they send so comes in under the one of `codecs` that
    /// is for data.
    pub data: Option<CodecEntry>,
    /// The payload type to send RFC 4733 events with, when both ends have them.
    pub telephone_event: Option<u8>,
    /// Packetisation period.
    pub packetization: Duration,
    /// Where to send, and the only source to accept from. None until the remote description is known.
    pub remote: Option<SocketAddr>,
    /// Where to send RTCP when it is not the port after `remote`.
    pub remote_rtcp: Option<SocketAddr>,
    /// The extended reports that the remote side asks for.
    pub extended_reports: ExtendedReports,
    /// T.38 over UDPTL instead of audio, and what is said of it here; the formats above then rest until audio returns.
    pub image: Option<T38Parameters>,
    /// What is done when a fax is heard.
    pub fax: FaxHandling,
    /// No sound passes in either direction: T.38 begins, and the call agent has not changed the stream yet (RFC 5347 section 2.1.1).
    pub muted: bool,
    /// The other end, when it is a connection of this same gateway (RFC 3435 section 2.1.3.4): a plane may join the two without
    /// packets, as long as it counts octets as if there were some.
    pub local_peer: Option<ConnectionHandle>,
    /// Voice activity detection: no packets in silence.
    pub silence_suppression: bool,
    /// Echo cancellation on the line side.
    pub echo_cancellation: bool,
    /// Gain towards the line in dB; none leaves it to the plane ("auto").
    pub gain: Option<i16>,
    /// The type-of-service byte of outgoing packets.
    pub type_of_service: u8,
}

/// What a plane can do; constant in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaCapabilities {
    /// Formats, preferred first, with the payload types to offer; `telephone-event` among them when the plane has RFC 4733 events.
    pub codecs: Vec<CodecEntry>,
    /// The packetisation periods, shortest first; the default is 20 ms when it is among them, else the first.
    pub packetization: Vec<Duration>,
    /// The modes, in the order of [`MediaMode::ALL`].
    pub modes: Vec<MediaMode>,
    /// Whether it can cancel echo.
    pub echo_cancellation: bool,
    /// Whether it can suppress silence.
    pub silence_suppression: bool,
    /// Whether it can change gain.
    pub gain_control: bool,
    /// Whether it can send extended RTCP reports (RFC 3611).
    pub extended_reports: bool,
    /// Whether it asks for them in the first description of a connection, before the remote side has asked.
    pub asks_for_reports: bool,
    /// Whether it can mark packets.
    pub type_of_service: bool,
    /// One cycle of the normal ringing cadence, by which `rep=` counts (RFC 3660 section 2.4).
    pub ring_cycle: Duration,
}

impl Default for MediaCapabilities {
    /// A G.711 plane as a small gateway has it.
    fn default() -> Self {
        Self {
            codecs: vec![CodecEntry::pcmu(), CodecEntry::pcma(), CodecEntry::telephone_event(101)],
            packetization: [10, 20, 30, 40].map(Duration::from_millis).to_vec(),
            modes: MediaMode::ALL.to_vec(),
            echo_cancellation: false,
            silence_suppression: false,
            gain_control: false,
            extended_reports: false,
            asks_for_reports: false,
            type_of_service: false,
            ring_cycle: Duration::from_secs(6),
        }
    }
}

/// Whether a plane is done with what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It is.
    Done,
    /// It needs time, and will tell by an event.
    UnderWay,
}

/// Why a plane could not do what it was asked; it then has changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaFault {
    /// Ports, channels or mixers are used up; they may come back (403).
    Exhausted,
    /// It has not got and will not get what this needs (502).
    Insufficient,
    /// It cannot do this combination of mode and endpoint (517).
    Mode,
    /// It cannot generate this signal (513).
    Signal,
    /// It cannot find or play this announcement (514).
    Announcement,
    /// It is broken (529).
    Hardware,
}

impl MediaFault {
    /// The return code of RFC 3435 section 2.4 that tells the call agent.
    #[must_use]
    pub const fn return_code(self) -> ReturnCode {
        match self {
            Self::Exhausted => ReturnCode::NO_RESOURCES_NOW,
            Self::Insufficient => ReturnCode::NO_RESOURCES,
            Self::Mode => ReturnCode::MODE,
            Self::Signal => ReturnCode::CANNOT_SIGNAL,
            Self::Announcement => ReturnCode::CANNOT_ANNOUNCE,
            Self::Hardware => ReturnCode::HARDWARE,
        }
    }
}

/// What the media below an endpoint saw happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaEvent {
    /// The handset was lifted.
    OffHook,
    /// The handset was put down.
    OnHook,
    /// A short on-hook: the register recall.
    HookFlash,
    /// A break of the loop that is as short as a dial pulse and as long as a flash: the digit 1 where digits are asked for and flashes are not, a flash elsewhere.
    HookBreak,
    /// A DTMF (or dial-pulse) digit began: `0`-`9`, `*`, `#`, `A`-`D`.
    Digit(char),
    /// That digit ended after this long.
    DigitEnded(char, Duration),
    /// Any other detector: the package and event code of the package tables, and the event's parameters as they
    /// are to be reported.
    Detected {
        /// Package name.
        package: String,
        /// Event code in that package.
        event: String,
        /// The connection that it was detected on, if it was not the line side.
        connection: Option<ConnectionHandle>,
        /// Parameters, in wire form.
        parameters: Vec<String>,
    },
    /// A modem or fax machine is heard, or is heard no more.
    Machine(MachineSign),
    /// A brief signal has been given to its end.
    SignalEnded(SignalTarget, SignalBuf),
    /// A signal that had been started could not go on.
    SignalFailed(SignalTarget, SignalBuf),
    /// A time-out signal that lasts as long as what it gives has come to its end, and there may be something to tell about it.
    SignalReported {
        /// Where it was given.
        target: SignalTarget,
        /// The signal as it was started.
        signal: SignalBuf,
        /// How it ended.
        outcome: SignalOutcome,
        /// What the event says: behind the signal's name, or instead of it in the package AU (RFC 2897 section 6).
        parameters: Vec<String>,
    },
    /// What a connection was asked last is done: it was [`Progress::UnderWay`].
    Settled(ConnectionHandle),
    /// What a connection was asked last cannot be done; it goes on as it was before, and a new one does nothing.
    SettlingFailed(ConnectionHandle, MediaFault),
    /// What [`MediaPlane::fetch`] was asked for is there, or will not come: starting the signal says which.
    Fetched(SignalBuf),
    /// A connection can no longer be sustained; the gateway gives it up (RFC 3435 section 2.3.8).
    ConnectionLost(ConnectionHandle, LossReason),
}

/// An event of the packages T, R, FXR and H, or `D/dd`, that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedEvent {
    /// Its package: `T`, `R`, `FXR`, `H` or `D`.
    pub package: &'static str,
    /// Its code in the package.
    pub event: String,
    /// The connection that it is to happen on; of none, the endpoint or any of its connections, whichever the event is for.
    pub connection: Option<ConnectionHandle>,
    /// Its parameters, those that were left out included.
    pub parameters: String,
}

/// How a signal ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalOutcome {
    /// Given to its end: `oc`.
    Complete,
    /// Not: `of`.
    Failed,
}

/// Why a connection cannot be sustained: the reason codes of RFC 3435 section 2.5 that a plane can know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossReason {
    /// The endpoint does not work as it should (900).
    Malfunction,
    /// The network below is gone (902).
    LowerLayer,
    /// The reservation of network resources is gone (903).
    Reservation,
    /// The circuit or its group failed (905).
    Facility,
}

/// The media below a gateway: ports, packets, tones, hook switches.
///
/// The role calls it in the course of one of its own `handle_*` methods. No call blocks; one that returns a fault has changed nothing.
/// What a plane cannot do at once it says by [`Self::progress`] and [`Self::fetch`], and the call agent is told meanwhile (RFC 3435
/// section 3.5.6). The plane reports by `Gateway::handle_media_event`.
pub trait MediaPlane {
    /// What it can do.
    fn capabilities(&self) -> &MediaCapabilities;

    /// The modes that an endpoint's connections can have: those of the plane, unless its kind has fewer.
    fn modes(&self, endpoint: EndpointIndex) -> Vec<MediaMode> {
        let _ = endpoint;
        self.capabilities().modes.clone()
    }

    /// Whether an endpoint's connections can carry `image/t38` over UDPTL.
    fn carries_images(&self, endpoint: EndpointIndex) -> bool {
        let _ = endpoint;
        false
    }

    /// Whether an endpoint can find an event of one of its packages; if not, requests for it are refused with 512.
    fn detects(&self, endpoint: EndpointIndex, package: &str, event: &str) -> bool {
        let _ = (endpoint, package, event);
        true
    }

    /// The events of the packages T, R, FXR and H, and `D/dd`, that are wanted from now on, and no others; counts and times of them begin anew.
    fn watch(&mut self, now: Time, endpoint: EndpointIndex, wanted: Vec<WantedEvent>) {
        let _ = (now, endpoint, wanted);
    }

    /// The states of a circuit that events stand for, as `MS/rlc`: for the ES of an audit.
    fn event_states(&self, endpoint: EndpointIndex) -> Vec<&'static str> {
        let _ = endpoint;
        Vec::new()
    }

    /// Opens a connection and returns the address where it receives RTP (RTCP is on the next port).
    ///
    /// # Errors
    /// The fault; nothing is then open.
    fn open(
        &mut self,
        now: Time,
        endpoint: EndpointIndex,
        connection: ConnectionHandle,
        spec: &MediaSpec,
    ) -> Result<SocketAddr, MediaFault>;

    /// Changes a connection to `spec`.
    ///
    /// # Errors
    /// The fault; the connection then goes on as it was.
    fn modify(&mut self, now: Time, connection: ConnectionHandle, spec: &MediaSpec)
    -> Result<(), MediaFault>;

    /// Whether a connection does yet what it was asked last. While it does not, it may be asked for something else, or be closed.
    fn progress(&self, connection: ConnectionHandle) -> Progress {
        let _ = connection;
        Progress::Done
    }

    /// Has what a signal of an endpoint needs made ready, so that it can be started at once.
    fn fetch(&mut self, now: Time, endpoint: EndpointIndex, signal: &SignalBuf) -> Progress {
        let _ = (now, endpoint, signal);
        Progress::Done
    }

    /// Closes a connection and says what it carried.
    fn close(&mut self, now: Time, connection: ConnectionHandle) -> ConnectionStatistics;

    /// What a connection has carried so far.
    fn statistics(&self, now: Time, connection: ConnectionHandle) -> ConnectionStatistics;

    /// Whether an endpoint can give a signal. Asked of those that are started later than their request is answered: signals of a list, and
    /// brief ones that wait for another; of others starting tells.
    fn gives(&self, endpoint: EndpointIndex, signal: &SignalBuf) -> bool {
        let _ = (endpoint, signal);
        true
    }

    /// Starts a signal. How long it lasts is the role's affair.
    ///
    /// # Errors
    /// The fault; nothing is then heard.
    fn start_signal(&mut self, now: Time, target: SignalTarget, signal: &SignalBuf)
    -> Result<(), MediaFault>;

    /// Stops a signal that was started with these parameters. An on-off signal is turned off.
    fn stop_signal(&mut self, now: Time, target: SignalTarget, signal: &SignalBuf);

    /// The hook switch of an endpoint.
    fn hook(&self, endpoint: EndpointIndex) -> Hook;
}
