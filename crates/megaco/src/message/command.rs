//! Actions, commands and their replies (RFC 3525 sections 7.2, 8.2).

use super::ErrorDescriptor;
use super::audit::{AuditDescriptor, AuditItems, ContextAudit};
use super::event::{DigitMap, EventSpec, Events, ObservedEvents, SignalRequest};
use super::ids::{ContextId, StreamId, TerminationId, Terminations};
use super::list::List;
use super::media::{Media, Modem, Mux, PackageVersion};
use super::service::{ServiceChange, ServiceChangeReply};
use super::value::{Property, Statistic};

/// Commands for one context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action<'a> {
    /// The context.
    pub context: ContextId,
    /// What the context is to be.
    pub properties: Option<Box<ContextProperties<'a>>>,
    /// What of the context is asked for.
    pub audit: Option<Box<ContextAudit<'a>>>,
    /// The commands in their order.
    pub commands: List<Command<'a>>,
}

impl<'a> Action<'a> {
    /// Commands for a context, and nothing about the context itself.
    pub fn new(context: ContextId, bodies: impl IntoIterator<Item = CommandBody<'a>>) -> Self {
        let commands = bodies.into_iter().map(Command::from).collect();
        Self { context, properties: None, audit: None, commands }
    }
}

/// What became of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionReply<'a> {
    /// The context.
    pub context: ContextId,
    /// What the context is.
    pub properties: Option<Box<ContextProperties<'a>>>,
    /// The replies of the commands in their order.
    pub commands: List<CommandReply<'a>>,
    /// Why nothing, or nothing more, was done.
    pub error: Option<ErrorDescriptor<'a>>,
}

/// Attributes of a context (RFC 3525 section 6.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContextProperties<'a> {
    /// From 0, the lowest, to 15.
    pub priority: Option<u8>,
    /// Whether it is an emergency call. Setting it back needs version 2.
    pub emergency: Option<bool>,
    /// Who hears whom.
    pub topology: Vec<Topology<'a>>,
    /// Whether it is a call of the emergency preparedness scheme (version 3).
    pub ieps: Option<bool>,
    /// Properties of packages (version 3).
    pub properties: Vec<Property<'a>>,
    /// Contexts that an audit found (version 3).
    pub contexts: Vec<ContextId>,
}

/// Who hears whom (RFC 3525 section 7.1.18).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology<'a> {
    /// The one.
    pub from: TerminationId<'a>,
    /// The other.
    pub to: TerminationId<'a>,
    /// Which way.
    pub direction: TopologyDirection,
    /// For one stream alone (version 2).
    pub stream: Option<StreamId>,
}

/// Which way media flow between two terminations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopologyDirection {
    /// Both ways.
    Bothway,
    /// No way.
    Isolate,
    /// From the first to the second.
    Oneway,
    /// Only what comes from outside the first (version 3).
    OnewayExternal,
    /// What comes from outside the first and what it makes itself (version 3).
    OnewayBoth,
}

/// A command and its marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command<'a> {
    /// `O-`: what follows is executed even if this fails.
    pub is_optional: bool,
    /// `W-`: one reply for all terminations that a wildcard meets.
    pub is_wildcard_reply: bool,
    /// The command.
    pub body: CommandBody<'a>,
}

impl<'a> From<CommandBody<'a>> for Command<'a> {
    fn from(body: CommandBody<'a>) -> Self {
        Self { is_optional: false, is_wildcard_reply: false, body }
    }
}

/// The eight commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandBody<'a> {
    /// A termination joins the context.
    Add(AmmRequest<'a>),
    /// A termination comes from another context.
    Move(AmmRequest<'a>),
    /// A termination changes.
    Modify(AmmRequest<'a>),
    /// A termination leaves the context.
    Subtract(SubtractRequest<'a>),
    /// What is set and known.
    AuditValue(AuditCommand<'a>),
    /// What could be set.
    AuditCapabilities(AuditCommand<'a>),
    /// Events were observed.
    Notify(NotifyRequest<'a>),
    /// Service changes.
    ServiceChange(Terminations<'a>, Box<ServiceChange<'a>>),
}

impl<'a> CommandBody<'a> {
    /// Whom the command is for.
    #[must_use]
    pub const fn terminations(&self) -> &Terminations<'a> {
        match self {
            Self::Add(request) | Self::Move(request) | Self::Modify(request) => &request.terminations,
            Self::Subtract(request) => &request.terminations,
            Self::AuditValue(request) | Self::AuditCapabilities(request) => &request.terminations,
            Self::Notify(request) => &request.terminations,
            Self::ServiceChange(terminations, _) => terminations,
        }
    }
}

/// What Add, Move and Modify say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AmmRequest<'a> {
    /// Whom.
    pub terminations: Terminations<'a>,
    /// What to set, each kind at most once.
    pub descriptors: Vec<AmmDescriptor<'a>>,
    /// What to report.
    pub audit: Option<AuditDescriptor<'a>>,
}

/// A descriptor that can be set and reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AmmDescriptor<'a> {
    /// Streams and state.
    Media(Media<'a>),
    /// A modem.
    Modem(Box<Modem<'a>>),
    /// Multiplexed terminations.
    Mux(Box<Mux<'a>>),
    /// What to detect.
    Events(Events<'a>),
    /// What to buffer.
    EventBuffer(Vec<EventSpec<'a>>),
    /// What to play.
    Signals(Vec<SignalRequest<'a>>),
    /// A dial plan.
    DigitMap(DigitMap<'a>),
    /// Statistics (in commands from version 3 on).
    Statistics(Vec<Statistic<'a>>),
}

/// What Subtract says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubtractRequest<'a> {
    /// Whom.
    pub terminations: Terminations<'a>,
    /// What to report: statistics, if nothing is said.
    pub audit: Option<AuditDescriptor<'a>>,
}

/// What an audit says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditCommand<'a> {
    /// Whom.
    pub terminations: Terminations<'a>,
    /// What to report.
    pub audit: AuditDescriptor<'a>,
}

/// What Notify says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifyRequest<'a> {
    /// Whose events.
    pub terminations: Terminations<'a>,
    /// The events.
    pub observed: ObservedEvents<'a>,
    /// Some were lost.
    pub error: Option<ErrorDescriptor<'a>>,
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandReply<'a> {
    /// Of Add.
    Add(TerminationReply<'a>),
    /// Of Move.
    Move(TerminationReply<'a>),
    /// Of Modify.
    Modify(TerminationReply<'a>),
    /// Of Subtract.
    Subtract(TerminationReply<'a>),
    /// Of AuditValue.
    AuditValue(AuditResult<'a>),
    /// Of AuditCapabilities.
    AuditCapabilities(AuditResult<'a>),
    /// Of Notify.
    Notify(Terminations<'a>, Option<ErrorDescriptor<'a>>),
    /// Of ServiceChange.
    ServiceChange(Box<ServiceChangeReply<'a>>),
}

/// A termination and what it reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TerminationReply<'a> {
    /// Whose.
    pub terminations: Terminations<'a>,
    /// What was found.
    pub audit: Vec<AuditReturn<'a>>,
}

/// What an audit found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditResult<'a> {
    /// The terminations of a context.
    Context(Terminations<'a>),
    /// The context could not be audited.
    ContextError(ErrorDescriptor<'a>),
    /// A termination.
    Termination(TerminationReply<'a>),
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditReturn<'a> {
    /// A descriptor.
    Descriptor(AmmDescriptor<'a>),
    /// Events in the buffer.
    ObservedEvents(ObservedEvents<'a>),
    /// Packages.
    Packages(Vec<PackageVersion<'a>>),
    /// Something failed.
    Error(ErrorDescriptor<'a>),
    /// Descriptors that are empty.
    Empty(AuditItems),
}
