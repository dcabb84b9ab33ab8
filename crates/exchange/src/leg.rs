//! The seam between the call model and the access adapters: what a leg can report and what it can be told.
//!
//! A leg is one party's side of a call. It lives on a line, a circuit or a dialog, and only its access
//! adapter knows which. The call model speaks the words of this file and no protocol; media are session
//! descriptions as bytes, which it passes on and never reads.

use std::fmt;
use std::sync::Arc;

use strowger_sansio::Duration;

use crate::{Cause, Diversion, History, ReferTo, Ring, StandingSession};

/// A call: 128 random bits, unique among all nodes and epochs without their agreeing on anything. It is the call
/// identifier on the wire as well as the key of the call's records.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u128);

/// 32 hexadecimal digits.
impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One party's side of a call. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LegId(pub u64);

/// A line: its place in the inventory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineId(pub u32);

/// A session description, as the bytes that came. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Sdp(Arc<[u8]>);

impl Sdp {
    /// The description in these bytes.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Sdp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sdp(\"{}\")", self.0.escape_ascii())
    }
}

/// Where a stream ends: a connection on an endpoint of a gateway.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Termination {
    /// The gateway's id in the inventory.
    pub gateway: String,
    /// The local endpoint name.
    pub endpoint: String,
    /// The gateway's identifier of the connection.
    pub connection: String,
}

impl Termination {
    /// What stands for the connection where the gateway speaks Megaco: a stream has no name there but that of its termination, and
    /// its context. The same whenever it is found again, so that records outlive the exchange.
    #[must_use]
    pub fn stream_name(context: u32, termination: &str) -> String {
        let context = strowger_megaco::message::ContextId::new(context);
        crate::access::stream_connection(context, termination).to_string()
    }
}

/// What a stream was like, as its gateway counted it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct MediaStatistics {
    /// RTP packets sent by the gateway.
    pub packets_sent: u64,
    /// Octets of payload sent.
    pub octets_sent: u64,
    /// RTP packets that came.
    pub packets_received: u64,
    /// Octets of payload that came.
    pub octets_received: u64,
    /// Packets that did not come, by gaps in the sequence numbers.
    pub packets_lost: u64,
    /// Mean inter-arrival jitter in milliseconds.
    pub jitter_ms: u32,
    /// Latency in milliseconds; zero when the gateway cannot tell.
    pub latency_ms: u32,
    /// What the play-out says; none when the gateway does not tell.
    pub playout: Option<PlayoutStatistics>,
    /// What the end that hears the stream which the gateway sends has said of it; none when it, or the gateway, does not tell.
    pub reported: Option<ReportedQuality>,
}

/// What a far end makes of the stream that comes to it: its VoIP metrics (RFC 3611 section 4.7). Our software gateway tells it as `X-RL`, `X-RD`,
/// `X-RF` and `X-RM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ReportedQuality {
    /// Packets lost on the way or discarded there, in 256ths.
    pub loss: u8,
    /// From mouth to ear, in milliseconds: half of the round trip, and what the end itself adds.
    pub delay_ms: u32,
    /// Its rating factor, 0 to 100.
    pub r_factor: u8,
    /// Its mean opinion score for a conversation in tenths, 10 to 50.
    pub mos_tenths: u8,
}

/// What the end that plays a stream knows beyond RFC 3435's parameters. Our software gateway tells it as `X-DI`, `X-PO`
/// and `X-LR`, which other call agents ignore as they must.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct PlayoutStatistics {
    /// Packets that came and were not played: too late, or too early to be held.
    pub discarded: u64,
    /// The delay of the play-out buffer in milliseconds.
    pub delay_ms: u32,
    /// Runs of lost packets: the losses in a row count as one.
    pub loss_runs: u64,
}

/// A tone, by its meaning; country and access decide how it sounds and who makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tone {
    /// Dial now.
    Dial,
    /// Dial now; there are messages for you.
    MessageWaitingDial,
    /// What you asked for is understood: dial on (stutter or special dial tone).
    RecallDial,
    /// What you asked for is done.
    Confirmation,
    /// The called party is being rung.
    Ringback,
    /// The called party is busy.
    Busy,
    /// The network is; in North America: reorder.
    Congestion,
    /// The three rising tones: the call cannot succeed, listen or look the number up.
    SpecialInformation,
    /// There is no such number, where a country has a tone of its own for it.
    NumberUnobtainable,
    /// You are on hold; the other party will return.
    Hold,
    /// Your receiver is off the hook.
    Howler,
}

/// Which digits a caller is to dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Digits {
    /// Anything that can be dialled: numbers and feature codes.
    Plan,
    /// As `Plan`, with the codes that act on a call on hold.
    Consultation,
    /// A number of the plan, behind a feature code.
    Number,
    /// Any digits, ended by `#` or a pause.
    Free,
    /// One digit that says what a flash of the hook was for.
    Choice,
}

/// Whose call it is, where a gateway has so much to do that calls are held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Precedence {
    /// Anybody's.
    #[default]
    Ordinary,
    /// That of a line whose class of service has priority.
    Priority,
    /// One that has been answered: it is never held back.
    Standing,
    /// A call for help: nor is that.
    Urgent,
}

/// Who calls, as the called party is shown.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct CallingParty {
    /// The number; none when it is not known.
    pub number: Option<String>,
    /// The name.
    pub name: Option<String>,
    /// The caller does not want them to be shown, and they are not here.
    pub withheld: bool,
    /// The ringing that announces this call.
    pub ring: Ring,
    /// Who sent the call on before it came to the exchange; none when nobody did.
    pub history: Option<Arc<History>>,
    /// Who sent the call on from there to the called party, the first first.
    pub diversions: Vec<Diversion>,
}

/// Whether a party that has put a call on hold lets the other one hear something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Music {
    /// It sends on: music, an announcement.
    Sent,
    /// It sends nothing.
    None,
}

/// What a network makes of it that it is asked to join two parties of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Referred {
    /// It has joined them: nobody else is needed any more.
    Done,
    /// It does not, or does not say.
    Refused,
    /// It has called, and whom it has called cannot be had.
    Failed(Cause),
}

/// What a leg reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LegEvent {
    /// The called side took the offered call; it is reserved for it.
    Seized,
    /// The caller has dialled: the digits match the plan, or can no longer match it, or the caller has stopped.
    Digits {
        /// Digits, `*` and `#`.
        digits: String,
    },
    /// Dial tone has run out without a digit.
    NoDigits,
    /// The leg's stream has an end that can be described.
    MediaReady {
        /// Where it is.
        termination: Termination,
        /// The description to hand to the other side.
        local: Sdp,
    },
    /// What must be kept of the leg's signalling, so that it can be gone on with after the exchange has died.
    Signalled(Arc<StandingSession>),
    /// The called party is being rung.
    Alerting,
    /// The called side gives something to hear before anybody answers: its own ringing tone, an announcement. Its `MediaReady` came
    /// before.
    Progress,
    /// The called party has answered.
    Answered,
    /// The stream flows both ways, as [`LegCommand::Connect`] asked. A new description when the old one changed.
    Connected {
        /// The description to hand to the other side, when it is another than before.
        local: Option<Sdp>,
    },
    /// The party has put the call on hold, and its access has told its stream so.
    Held {
        /// What the other party is given to hear meanwhile: nothing, or what the party sends itself.
        music: Music,
    },
    /// The party has returned to the call.
    Retrieved,
    /// A key was pressed in the call: a digit, `*`, `#` or a letter from A to D. Only legs say so whose signalling tells it, or that were told
    /// to [`LegCommand::ReportKeys`].
    Dtmf(char),
    /// What the party's own network makes of [`LegCommand::Refer`].
    Referred(Referred),
    /// The party left, or the access failed. Whatever the leg holds is being freed already: it is not told to
    /// release, and [`LegEvent::Cleared`] follows.
    Released {
        /// Why.
        cause: Cause,
    },
    /// Everything that the leg held is free: the last word of a leg.
    Cleared {
        /// What its stream was like; none when there was none, or when the gateway did not say.
        statistics: Option<MediaStatistics>,
    },
}

/// What a line reports that does not belong to one of its legs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEvent {
    /// The hook was flashed.
    HookFlash,
    /// The receiver was put back. The leg that the party had in hand, if any, has its `Released` behind this;
    /// the others of the line are for the switch to say.
    OnHook,
    /// It has come into service.
    Serves,
}

/// What a leg is told.
///
/// A line may have several legs. Its party has one of them *in hand*: it hears that one's tones, and its hook and
/// keys act on it. The commands about streams (`Connect`, `Hold`, `Mix`) leave that as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LegCommand {
    /// Give the caller this tone and collect digits. Answered by `Digits` or `NoDigits`.
    CollectDigits {
        /// The tone to invite with.
        prompt: Tone,
        /// Which digits end the collection.
        digits: Digits,
        /// How long the tone waits for the first digit, when that differs from the exchange's timer.
        patience: Option<Duration>,
    },
    /// Reserve this line for the call. Answered by `Seized`, or by `Released` with the reason.
    Seize {
        /// The line.
        line: LineId,
        /// Whose call it is.
        precedence: Precedence,
    },
    /// Take this channel of a trunk for a call to a number. Answered by `Seized`, or by `Released` with the reason; `Alert` then
    /// sends the call.
    Call {
        /// The channel.
        line: LineId,
        /// The number.
        number: String,
        /// Who calls, whether that is to be shown or not.
        caller: CallingParty,
        /// Who sent the call on, the first first.
        diversions: Vec<Diversion>,
        /// Whose call it is.
        precedence: Precedence,
    },
    /// Keep a place for the call behind the one that the party on this line is in. Answered by `Seized`, or by
    /// `Released` with the reason. `Alert` then lets the party hear that a call waits.
    Wait {
        /// The line.
        line: LineId,
        /// Whose call it is.
        precedence: Precedence,
    },
    /// Give the party on this line, whose receiver is off the hook, this new leg in hand. It is told what to
    /// collect behind that. `Released` when nobody is there.
    Consult {
        /// The line.
        line: LineId,
    },
    /// Keep this new leg for the party on this line, whose receiver is off the hook, as on hold: it hears nothing of it. `Released`
    /// when nobody is there.
    Keep {
        /// The line.
        line: LineId,
    },
    /// Give the party, whose receiver is off the hook, this leg in hand. `Released` when nobody is there.
    Retrieve,
    /// Ring the party, who has hung up, for this leg that it has. Answered by `Alerting`, then `Answered`. A leg
    /// that waits and has not been told to `Alert` keeps the line for that.
    Recall {
        /// Who is at the other side.
        calling: CallingParty,
    },
    /// Make the leg's stream, listening only. Answered by `MediaReady`, or by `Released` with the reason.
    OpenMedia {
        /// Whose call it is.
        precedence: Precedence,
    },
    /// Make the stream towards `remote` and ring. Answered by `MediaReady`, then `Alerting`.
    Alert {
        /// Who calls.
        calling: CallingParty,
        /// The other side's description.
        remote: Sdp,
    },
    /// Let the party hear this tone.
    Play(Tone),
    /// Let the party hear the stream of the other side, which has not answered, in the place of any tone.
    Hear {
        /// The other side's description.
        remote: Sdp,
    },
    /// The call is being sent on to somebody else, who may be rung behind that.
    Forwarded,
    /// The other side has answered.
    Answer,
    /// Let the stream flow both ways, towards `remote` when it is given. Answered by `Connected`.
    Connect {
        /// The other side's description, when the leg does not have it yet.
        remote: Option<Sdp>,
    },
    /// Let the stream rest: nothing is sent and nothing is heard. Answered by `Connected`.
    Hold {
        /// The other side's description, when it is another than before.
        remote: Option<Sdp>,
    },
    /// Let the stream flow both ways, and join it with the others of the party that are mixed. Answered by
    /// `Connected`.
    Mix {
        /// The other side's description, when it is another than before.
        remote: Option<Sdp>,
    },
    /// Ask the party's own network to join it with somebody who is there as well: with the party of another leg, or with a number. Answered by
    /// `Referred`.
    Refer {
        /// With whom.
        to: ReferTo,
    },
    /// Report the keys that the party presses, each by `Dtmf`, or report none any more: the other side cannot hear them in the stream. A leg that cannot
    /// says nothing.
    ReportKeys(bool),
    /// A key was pressed at the other side: let the party hear it, or tell its signalling.
    Key(char),
    /// End it: free what it holds, and let the party hear why. Answered by `Cleared`.
    Release {
        /// Why.
        cause: Cause,
    },
}

/// Two streams joined in a media gateway. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContextId(pub u64);

/// The side of a context that faces a party.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Towards the caller.
    Calling,
    /// Towards the called party.
    Called,
}

impl Side {
    /// The opposite one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Calling => Self::Called,
            Self::Called => Self::Calling,
        }
    }
}

/// What a context is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContextCommand {
    /// Make the stream of a side, towards `remote` when it is known. Answered by `Added`.
    Add {
        /// Which.
        side: Side,
        /// The party's description.
        remote: Option<Sdp>,
        /// Whose call it is.
        precedence: Precedence,
    },
    /// Let the stream of a side flow to and from `remote`. Answered by `Modified`.
    Modify {
        /// Which.
        side: Side,
        /// The party's description.
        remote: Sdp,
    },
    /// Free everything. Answered by `Cleared`.
    Subtract,
}

/// What a context reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContextEvent {
    /// A side has a stream.
    Added {
        /// Which.
        side: Side,
        /// Where it is.
        termination: Termination,
        /// The description to hand to the party.
        local: Sdp,
    },
    /// A side flows as asked.
    Modified {
        /// Which.
        side: Side,
    },
    /// The context cannot serve the call. What it holds is being freed already; `Cleared` follows.
    Failed {
        /// Why.
        cause: Cause,
    },
    /// Everything is free: the last word of a context.
    Cleared {
        /// What the streams were like, by side.
        statistics: Vec<(Side, MediaStatistics)>,
    },
}
