//! The exchange at one moment, for consoles, metrics and for the invariants of tests: whatever is open is
//! listed here, so that a leak shows.

use strowger_sansio::Time;

use crate::{CallId, Contact, ServiceState, Termination};

/// Everything that is open, in the order of its identifiers.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// Calls that have not yet given their last record.
    pub calls: Vec<CallView>,
    /// Legs that have not been cleared.
    pub legs: usize,
    /// Connections that are known to exist on gateways.
    pub connections: Vec<Termination>,
    /// Connections whose creation or deletion is under way.
    pub connections_in_transition: usize,
    /// Commands to gateways without an answer yet, those that wait in a queue included; signs of life are not.
    pub transactions: usize,
    /// The lines of the inventory.
    pub lines: Vec<LineView>,
    /// The gateways of the inventory.
    pub gateways: Vec<GatewayView>,
    /// The trunks of the inventory.
    pub trunks: Vec<TrunkView>,
}

impl Snapshot {
    /// Whether nothing is open: no call, leg, connection or transaction.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.calls.is_empty()
            && self.legs == 0
            && self.connections.is_empty()
            && self.connections_in_transition == 0
            && self.transactions == 0
    }
}

/// A call in progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallView {
    /// The call.
    pub call: CallId,
    /// How far it is.
    pub phase: CallPhase,
    /// The caller's number.
    pub calling: String,
    /// The called line's number, once one is tried.
    pub called: Option<String>,
    /// When the caller's line was seized.
    pub start: Time,
    /// When it was answered.
    pub answer: Option<Time>,
    /// The call that its remaining party talks in since a transfer; this one lasts as long as that.
    pub joined: Option<CallId>,
}

/// How far a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallPhase {
    /// The caller dials.
    Dialling,
    /// The called line is reserved and the streams are prepared.
    Routing,
    /// The called side has been offered the call and has not rung yet.
    Offering,
    /// The called party is being rung.
    Ringing,
    /// The called party has answered; the streams are being joined.
    Answered,
    /// The parties talk.
    Talking,
    /// The call has ended; what it held is being freed.
    Clearing,
}

/// A line of the inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineView {
    /// Its number.
    pub number: String,
    /// Its service state.
    pub service: ServiceState,
    /// What it does.
    pub condition: LineCondition,
    /// Its calls.
    pub calls: LineCalls,
    /// Where its telephone has registered from; none where that is none that registers.
    pub contacts: Option<Vec<Contact>>,
}

/// The calls of a line. Most have one at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct LineCalls {
    /// The one that its party has in hand, or is rung for.
    pub active: Option<CallId>,
    /// The one on hold; in a three-way call the first of the two.
    pub held: Option<CallId>,
    /// The one that waits.
    pub waiting: Option<CallId>,
    /// The active and the held call are a three-way call.
    pub mixed: bool,
}

/// What a line does, as far as the exchange knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LineCondition {
    /// On hook, waiting.
    Idle,
    /// It calls or is called.
    InCall,
    /// Its call has ended and its receiver is still off the hook: it hears a tone, the howler, or, locked
    /// out, nothing.
    OffHook,
}

/// A gateway of the inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayView {
    /// Its id.
    pub id: String,
    /// Its service state.
    pub service: ServiceState,
    /// Its endpoints, when it has told of them.
    pub endpoints: Option<EndpointsView>,
    /// What of it is in use, when it speaks Megaco.
    pub megaco: Option<MegacoView>,
}

/// What of a gateway that speaks Megaco is in use, as the exchange knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MegacoView {
    /// How many contexts its lines, circuits and relays are in.
    pub contexts: usize,
    /// How many streams are in these.
    pub streams: usize,
    /// It has too much to do, and calls are held back.
    pub is_overloaded: bool,
}

/// A trunk of the inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrunkView {
    /// Its id.
    pub id: String,
    /// Its service state.
    pub service: ServiceState,
    /// How many calls it has room for.
    pub channels: u32,
    /// How many channels are taken.
    pub taken: u32,
    /// How the exchange's registration with the peer stands; none where it does not register.
    pub registration: Option<TrunkRegistration>,
}

/// A registration with the peer of a trunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct TrunkRegistration {
    /// Until when the peer keeps it, unless it is refreshed before; none: it keeps none.
    pub until: Option<Time>,
    /// The status of the peer's last answer; none when there is none.
    pub status: Option<u16>,
}

/// What a gateway has, against what the inventory says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointsView {
    /// How many endpoints it has.
    pub listed: usize,
    /// Local names that the inventory has and the gateway has not.
    pub missing: Vec<String>,
    /// Local names that the gateway has and the inventory has not.
    pub unlisted: Vec<String>,
}
