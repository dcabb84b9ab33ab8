//! The switch: legs, calls, routing, access adapters, records.
//!
//! The rooms of this crate:
//!
//! - [`inventory`]: what the exchange is told of its gateways, lines and routes. [`country`]: what differs by
//!   country. [`codec`]: which codecs gateways are asked for. [`timers`] and [`limits`]: how long and how much.
//! - [`mod@line`]: subscribers' lines. [`trunk`]: ways to other networks. [`route`]: which numbers go there. `megaco`: what gateways of Megaco are told.
//! - [`numbering`]: the plan, and the digit maps derived from it. [`routing`]: where a dialled number goes.
//! - [`feature`]: what subscribers have beyond plain calls.
//! - [`switch`]: the call model. `access`: the adapters between its legs and the protocols.
//! - [`leg`]: the seam between call model and access: leg events, leg commands, contexts.
//! - [`cause`]: why a call ended, in the values of Q.850.
//! - [`record`] and [`event`]: what must be kept, and what may be looked at. [`snapshot`]: what is open.
//! - [`exchange`]: all of it as one engine.

mod access;

pub mod cause;
pub mod codec;
pub mod country;
pub mod event;
pub mod exchange;
pub mod feature;
pub mod inventory;
pub mod leg;
pub mod limits;
pub mod line;
mod megaco;
pub mod numbering;
pub mod record;
pub mod route;
pub mod routing;
pub mod snapshot;
pub mod switch;
pub mod timers;
pub mod trunk;

pub use cause::{Cause, CauseClass};
pub use codec::{Codec, CodecPlan, UnknownCodec};
pub use country::{Country, FlashControl, Law, UnknownCountry};
pub use event::Event;
pub use exchange::{
    Exchange, Input, MEGACO_BINARY, MEGACO_TEXT, SIP_TCP, SIP_TLS, SIP_UDP, SipStream, WallClock,
};
pub use feature::class::ServiceClass;
pub use feature::code::{BadPattern, Codes, Feature, Pattern, Service, Slot};
pub use feature::group::{GroupEntry, GroupId, HuntOrder, UnknownOrder};
pub use feature::setting::{Forward, SetBy, Setting, SettingChange, SettingFault};
pub use feature::subscription::{HotLine, Ring, Subscription, UnknownRing};
pub use feature::{ControllerLeaves, FeaturePlan, Features};
pub use inventory::{
    DialectChoice, GatewayEntry, GatewayProtocol, Inventory, InventoryFault, MediaPolicy, MegacoEncoding,
    MegacoEntry, MegacoProfile, MegacoTransport, NamePlan, NoProfile, NoSignals, RelayEntry,
};
pub use leg::{
    CallId, CallingParty, ContextCommand, ContextEvent, ContextId, Digits, LegCommand, LegEvent, LegId,
    LineEvent, LineId, MediaStatistics, Music, PlayoutStatistics, Precedence, Referred, ReportedQuality, Sdp,
    Side, Termination, Tone,
};
pub use limits::Limits;
pub use line::{LineAccess, LineEntry, Notices, PhoneEntry};
pub use numbering::{DialledForm, DigitMap, Numbering, Way};
pub use record::{
    CallEnded, CallStable, Contact, Diversion, EarlierDiversion, Flow, History, Joined, Party, Record,
    Registration, ReleasedBy, ServiceChange, ServiceState, StandingDialog, StandingSession,
    StandingSubscription, Stream, StreamRecord, StreamRole, Subject, Subscriptions, Transfer,
};
pub use route::{RouteEntry, RouteTarget, UnknownTarget};
pub use routing::{Plan, Resolution, Target};
pub use snapshot::{
    CallPhase, CallView, EndpointsView, GatewayView, LineCalls, LineCondition, LineView, MegacoView,
    Snapshot, TrunkRegistration, TrunkView,
};
pub use strowger_sip::agent::Standing as SipStanding;
pub use switch::{Command, LineCommand, ReferTo, Replacing, RestoredCall, RestoredLeg, Switch};
pub use timers::CallTimers;
pub use trunk::{
    Cic, CircuitEntry, CircuitEvent, CircuitFault, CircuitId, CircuitOrder, CircuitSignalling,
    CircuitTrunkEntry, Continuity, ContinuityResult, GroupPlace, Joins, Redirects, Referrals, SipDigest,
    SipKeys, SipSocket, SipTransport, TrunkEntry, TrunkGroupEntry, TrunkGroupId, TrunkId, TrunkName,
    UnknownAnswer,
};

// The example of the README is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
