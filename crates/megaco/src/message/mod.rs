//! The message model: a superset of version 3, the same for all wire forms (RFC 3525 section 8).
//!
//! Rooms: `ids` and `value`, the small types; `list`, lists that need no memory; `address`, who sends; `command`, actions and commands; `media`, `event`, `audit`, `service`, the descriptors.

mod address;
mod audit;
mod command;
mod event;
mod ids;
mod list;
mod media;
mod sdp;
mod service;
mod value;

pub use address::{Address, Mid, MtpAddress, OwnedMid};
pub use audit::{
    AuditDescriptor, AuditItem, AuditItems, ContextAudit, IndividualAudit, IndividualControl,
    IndividualDescription, IndividualEvents, IndividualMedia, IndividualProperty, IndividualSignal,
    IndividualSignals, IndividualState, IndividualStream, IndividualStreams, SelectLogic, Selected,
};
pub use command::{
    Action, ActionReply, AmmDescriptor, AmmRequest, AuditCommand, AuditResult, AuditReturn, Command,
    CommandBody, CommandReply, ContextProperties, NotifyRequest, SubtractRequest, TerminationReply, Topology,
    TopologyDirection,
};
pub use event::{
    Completion, DigitMap, DigitMapValue, Direction, Embedded, Event, EventAction, EventDigitMap, EventSpec,
    Events, EventsOf, NotifyBehaviour, ObservedEvent, ObservedEvents, SecondEvents, Signal, SignalList,
    SignalRequest, SignalType,
};
pub use ids::{
    Caseless, ContextId, RequestId, StreamId, TerminationId, TerminationName, Terminations, TimeStamp,
    TransactionId, Version,
};
pub(crate) use ids::{Characters, ShortName};
pub use list::List;
pub use media::{
    BufferControl, Extension, LocalControl, Media, Modem, ModemType, Mux, MuxType, PackageVersion,
    ServiceState, Stream, StreamMode, StreamParameters, Streams, TerminationState,
};
pub use sdp::{Description, Line, LineRef, LineValue, LineValueRef, Tag};
pub use service::{
    Method, NonStandard, Profile, Reason, ServiceChange, ServiceChangeReply, ServiceChangeResult,
    ServiceTarget,
};
pub use value::{ItemName, Name, Parameter, Property, Relation, Setting, Statistic, Value};

/// A message: who sends it, in which version, and its transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// The authentication header (RFC 3525 section 10.2).
    pub authentication: Option<Authentication<'a>>,
    /// The version that the message is written in. Encoders emit nothing newer.
    pub version: Version,
    /// Who sends it.
    pub mid: Mid<'a>,
    /// What it carries.
    pub body: Body<'a>,
}

/// What a message says of itself before its transactions: who sends it, and in which version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'m> {
    /// The authentication header.
    pub authentication: Option<&'m Authentication<'m>>,
    /// The version that the message is written in.
    pub version: Version,
    /// Who sends it.
    pub mid: Mid<'m>,
}

/// The header of a message that was read, and the octets behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening<'a> {
    /// The authentication header.
    pub authentication: Option<Authentication<'a>>,
    /// The version that the message is written in.
    pub version: Version,
    /// Who sends it.
    pub mid: Mid<'a>,
    /// The octets of all transactions.
    pub body: &'a [u8],
}

impl Message<'_> {
    /// All but the body.
    #[must_use]
    pub const fn header(&self) -> Header<'_> {
        Header { authentication: self.authentication.as_ref(), version: self.version, mid: self.mid }
    }
}

/// The authentication header: parameters of IPsec's AH, over UDP and TCP without IPsec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authentication<'a> {
    /// The security parameter index.
    pub index: [u8; 4],
    /// The sequence number.
    pub sequence: [u8; 4],
    /// The integrity check value, 12 to 32 octets.
    pub data: std::borrow::Cow<'a, [u8]>,
}

/// What a message carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// The message that this one answers could not be read.
    Error(ErrorDescriptor<'a>),
    /// At least one transaction.
    Transactions(List<Transaction<'a>>),
}

/// One transaction, or something about one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transaction<'a> {
    /// Commands to be executed.
    Request(Request<'a>),
    /// What became of them.
    Reply(Reply<'a>),
    /// They are being executed.
    Pending(TransactionId),
    /// Replies were received: at least one range.
    Acknowledgement(Vec<Acknowledged>),
    /// A segment of a reply was received (version 3).
    Segment(TransactionId, Segment),
}

/// A range of acknowledged transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// The first.
    pub first: TransactionId,
    /// The last, if there are several.
    pub last: Option<TransactionId>,
}

/// The number of a segment, and whether it is the last (version 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// From 1 on.
    pub number: u16,
    /// No more follow.
    pub is_last: bool,
}

/// Actions to be executed in their order (RFC 3525 section 8.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The transaction.
    pub id: TransactionId,
    /// At least one.
    pub actions: List<Action<'a>>,
}

/// The answer to a request (RFC 3525 section 8.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    /// The transaction.
    pub id: TransactionId,
    /// The receiver shall acknowledge at once.
    pub is_ack_required: bool,
    /// The part that this is of a reply in several (version 3).
    pub segment: Option<Segment>,
    /// What became of the request.
    pub result: ReplyResult<'a>,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyResult<'a> {
    /// Nothing was done.
    Error(ErrorDescriptor<'a>),
    /// At least one action.
    Actions(List<ActionReply<'a>>),
}

/// An error and its explanation (RFC 3525 section 7.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorDescriptor<'a> {
    /// The code.
    pub code: crate::error::ErrorCode,
    /// Text for people.
    pub text: Option<&'a str>,
}
