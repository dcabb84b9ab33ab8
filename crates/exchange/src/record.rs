//! What must survive the exchange: plain data, for a store, for billing and for a node that takes over.
//!
//! There are seven records, and nothing else needs to be kept: a call became stable, a stable call changed, a call ended, a line or
//! gateway changed its service state, a line's features were set, a telephone registered, or subscribed. Times are those of the engine's clock; the host knows what they are on
//! the wall. A call becomes stable once at most, changes only after that, and ends exactly once.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use strowger_sansio::Time;

pub use strowger_sip::agent::{History, StandingDialog, StandingSession, StandingSubscription};

use crate::{CallId, Cause, Forward, MediaStatistics, Sdp, SettingChange, Side, SipTransport, Termination};

/// One fact to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A call was answered.
    CallStable(Box<CallStable>),
    /// Who is in an answered call, or how, has changed: hold, three-way call, transfer. It takes the place of what was kept
    /// of the call before.
    CallChanged(Box<CallStable>),
    /// A call ended, answered or not.
    CallEnded(Box<CallEnded>),
    /// A line or gateway changed its service state.
    Service(ServiceChange),
    /// A line's features were set.
    Setting(SettingChange),
    /// A telephone is elsewhere, or for another time, than before.
    Registration(Registration),
    /// What a telephone has subscribed to is another than before.
    Subscriptions(Subscriptions),
}

/// An answered call, with what is needed to go on with it after its exchange has died.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallStable {
    /// The call.
    pub call: CallId,
    /// Who calls.
    pub calling: Party,
    /// Who answered.
    pub called: Party,
    /// What the caller dialled.
    pub dialled: String,
    /// Who sent the call on before it came to the exchange, the first first.
    pub earlier: Vec<EarlierDiversion>,
    /// Who sent the call on, in this order, until it came to whom it came.
    pub diversions: Vec<Diversion>,
    /// When the caller's line was seized.
    pub start: Time,
    /// When the called party was first rung.
    pub alerting: Option<Time>,
    /// When the called party answered.
    pub answer: Time,
    /// Its streams, in the order calling side to called side: those of who is in it now, whoever called and answered.
    pub streams: Vec<Stream>,
    /// The transfers that it took part in.
    pub transfers: Vec<Transfer>,
    /// The call that the party who is left talks in since a transfer; this one lasts as long as that, for its record alone.
    pub joined: Option<Joined>,
    /// Who transferred the party who is left, while nobody has taken that party: it is given back to this one. Its stream is the only one of the two
    /// parties' then.
    pub awaited: Option<Party>,
}

/// Where the party who is left of a call has gone by a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The call that it talks in.
    pub call: CallId,
    /// The side that it had …
    pub side: Side,
    /// … and the side that it has there.
    pub here: Side,
}

/// How a party wants its stream in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Flow {
    /// Both ways.
    #[default]
    Both,
    /// Not at all: it has the call on hold.
    Rest,
    /// Both ways, joined with its other one: a three-way call.
    Mixed,
}

impl Flow {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Both, Self::Rest, Self::Mixed];

    /// The word for it in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Rest => "rest",
            Self::Mixed => "mixed",
        }
    }
}

/// The call detail record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallEnded {
    /// The call.
    pub call: CallId,
    /// Who called.
    pub calling: Party,
    /// Who was called: the last party that was tried; none when no number led to one.
    pub called: Option<Party>,
    /// What the caller dialled; empty when nothing.
    pub dialled: String,
    /// Who sent the call on before it came to the exchange, the first first.
    pub earlier: Vec<EarlierDiversion>,
    /// Who sent the call on, in this order, until it came to whom it came.
    pub diversions: Vec<Diversion>,
    /// When the caller's line was seized.
    pub start: Time,
    /// When the called party was first rung.
    pub alerting: Option<Time>,
    /// When the called party answered.
    pub answer: Option<Time>,
    /// When the first party released, or the call failed.
    pub end: Time,
    /// Why.
    pub cause: Cause,
    /// On whose account.
    pub released_by: ReleasedBy,
    /// What the streams were like, in the order calling side to called side.
    pub media: Vec<StreamRecord>,
    /// The transfers that it took part in. Each names the other call, so that a chain of records can be followed.
    pub transfers: Vec<Transfer>,
}

/// A party of two calls joined the others of them and left.
///
/// Both calls last until one of the two who talk on hangs up, as each was begun by somebody who pays for it: who
/// has transferred a call pays on for the part that it dialled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// When.
    pub at: Time,
    /// The number of the party that left.
    pub by: String,
    /// The other call.
    pub with: CallId,
}

/// A call was sent on: forwarded by a line, or let go by a hunt group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diversion {
    /// The line's or group's number.
    pub by: String,
    /// Why.
    pub reason: Forward,
    /// The number that it was sent on to.
    pub to: String,
}

/// A call was sent on before it came to the exchange, as the network says that it came from: nobody here has proven it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierDiversion {
    /// The number of who has sent it on; the address of who has none.
    pub by: String,
    /// Why, in a word of RFC 5806: `unconditional`, `user-busy`, `no-answer`, `unknown` and others.
    pub reason: String,
}

impl EarlierDiversion {
    /// Those that a history tells of.
    #[must_use]
    pub fn of(history: &History) -> Vec<Self> {
        let told = history.forwarders().into_iter();
        told.map(|one| Self { by: one.number, reason: one.reason }).collect()
    }
}

/// A party as the records name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// The directory number.
    pub number: String,
    /// The name, when the inventory has one.
    pub name: Option<String>,
    /// The gateway's id.
    pub gateway: String,
    /// The local endpoint name there.
    pub endpoint: String,
}

/// Which of the streams of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamRole {
    /// The caller's own.
    Calling,
    /// The relay's, towards the caller.
    RelayCalling,
    /// The relay's, towards the called party.
    RelayCalled,
    /// The called party's own.
    Called,
    /// That of a party that transferred the call and left it.
    Left,
}

impl StreamRole {
    /// All of them, from the calling to the called side, and that of parties that left.
    pub const ALL: [Self; 5] =
        [Self::Calling, Self::RelayCalling, Self::RelayCalled, Self::Called, Self::Left];

    /// That of the party on a side.
    #[must_use]
    pub const fn of(side: Side) -> Self {
        match side {
            Side::Calling => Self::Calling,
            Side::Called => Self::Called,
        }
    }

    /// The word for it in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Calling => "calling",
            Self::RelayCalling => "relay-calling",
            Self::RelayCalled => "relay-called",
            Self::Called => "called",
            Self::Left => "left",
        }
    }
}

/// A stream of a stable call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Which.
    pub role: StreamRole,
    /// The call that it was made for, by whose identifier its gateway knows it: another than the record's when a transfer has
    /// brought its party here.
    pub call: CallId,
    /// Where it ends.
    pub termination: Termination,
    /// The description that the gateway gave of it.
    pub local: Sdp,
    /// How its party wants it; of no meaning for a relay's.
    pub flow: Flow,
    /// The session that it is signalled by, where that is SIP.
    pub session: Option<Arc<StandingSession>>,
}

/// A stream of an ended call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamRecord {
    /// Which.
    pub role: StreamRole,
    /// Where it ended.
    pub termination: Termination,
    /// The last description that the gateway gave of it: which codec was spoken, and in what packets.
    pub local: Sdp,
    /// What it was like; none when the gateway did not say in time.
    pub statistics: Option<MediaStatistics>,
}

/// On whose account a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReleasedBy {
    /// The caller hung up.
    Calling,
    /// The called party hung up, or its access refused or failed.
    Called,
    /// The exchange: a number that leads nowhere, a timer, a gateway that was lost.
    Exchange,
}

impl From<Side> for ReleasedBy {
    fn from(side: Side) -> Self {
        match side {
            Side::Calling => Self::Calling,
            Side::Called => Self::Called,
        }
    }
}

impl ReleasedBy {
    /// The side of a party.
    #[must_use]
    pub const fn side(self) -> Option<Side> {
        match self {
            Self::Calling => Some(Side::Calling),
            Self::Called => Some(Side::Called),
            Self::Exchange => None,
        }
    }

    /// The word for it in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Calling => "calling",
            Self::Called => "called",
            Self::Exchange => "exchange",
        }
    }
}

/// Where the telephone of a line has registered from: it takes the place of what was kept of it before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// When.
    pub at: Time,
    /// The line's number.
    pub line: String,
    /// The user that it registers as.
    pub user: String,
    /// Its contacts; none when it is nowhere.
    pub contacts: Vec<Contact>,
}

/// One contact of a telephone (RFC 3261 section 10.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Its URI, which requests to it name.
    pub uri: String,
    /// How much it is preferred: `q`, in thousandths.
    pub quality: u16,
    /// The `Call-ID` of the REGISTER that made it …
    pub call_id: String,
    /// … and the number of that. One that was sent before it changes nothing.
    pub cseq: u32,
    /// When it ends.
    pub expires: Time,
    /// How it is reached …
    pub transport: SipTransport,
    /// … and where.
    pub address: SocketAddr,
}

/// What the telephone of a line is told of because it has subscribed: it takes the place of what was kept of that before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscriptions {
    /// When.
    pub at: Time,
    /// The line's number.
    pub line: String,
    /// The user that it registers as.
    pub user: String,
    /// Its subscriptions; none when it has none any more.
    pub all: Vec<StandingSubscription>,
}

/// A line or gateway is in another service state than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceChange {
    /// When.
    pub at: Time,
    /// What.
    pub subject: Subject,
    /// The state before.
    pub from: ServiceState,
    /// The state now.
    pub to: ServiceState,
}

/// What has a service state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A line, by its number.
    Line(String),
    /// A gateway, by its id.
    Gateway(String),
    /// A trunk, by its id.
    Trunk(String),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(number) => write!(f, "line {number}"),
            Self::Gateway(id) => write!(f, "gateway {id}"),
            Self::Trunk(id) => write!(f, "trunk {id}"),
        }
    }
}

/// Whether a line or gateway can serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceState {
    /// Nothing has been heard of it since the start.
    Unknown,
    /// It can.
    InService,
    /// Its gateway says that it cannot: taken out of service, faulty, or not known there.
    OutOfService,
    /// Its receiver has been off the hook past the howler; it serves again when that is put back.
    Lockout,
    /// Its gateway does not answer, or its telephone is not registered.
    Unreachable,
}

impl ServiceState {
    /// The word for it in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::InService => "in-service",
            Self::OutOfService => "out-of-service",
            Self::Lockout => "lockout",
            Self::Unreachable => "unreachable",
        }
    }
}

impl fmt::Display for ServiceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
