//! MGCP messages as types (RFC 3435 section 3.2).
//!
//! Everything here borrows from the datagram. A [`Command`] and a [`Response`] hold [`Parameters`], lines as
//! they came, and give each value of RFC 3435 as a type through an accessor named after it; those cannot fail,
//! since [`crate::text::decode`] checked every value's grammar. The types named `...Buf` own what they hold,
//! keep its spelling and compare without regard to case.
//!
//! - `verb`: [`Verb`], [`Version`]. `codes`: [`ReturnCode`], [`ReasonCode`], [`Category`].
//! - `endpoint`: [`EndpointName`], [`NotifiedEntity`]; [`range`]: range wildcards in them. `ids`: [`TransactionId`], [`CallId`], [`ConnectionId`], [`RequestId`].
//! - `parameter`: [`ParameterCode`], [`Parameters`].
//! - `mode`, `options`, `statistics`, `lists`: the values. `event`: events, signals and actions.

mod caseless;
mod codes;
mod digit_map;
mod endpoint;
mod event;
mod ids;
mod lists;
mod mode;
mod options;
mod parameter;
pub mod range;
mod statistics;
mod verb;

pub use codes::{Category, ReasonCode, ReturnCode};
pub use endpoint::{
    CALL_AGENT_PORT, EndpointName, EndpointNameBuf, NotifiedEntity, NotifiedEntityBuf, RangeWildcard, Term,
};
pub use event::{
    Action, ActionSet, Actions, DetectEvents, Embedded, EventConnection, EventConnectionBuf, EventList,
    EventName, EventNameBuf, EventParameter, EventParameters, EventStates, ListedEvent, ObservedEvents,
    RequestedEvent, RequestedEventBuf, RequestedEvents, SignalBuf, SignalRequests,
};
pub use ids::{CallId, CallIdBuf, ConnectionId, ConnectionIdBuf, RequestId, RequestIdBuf, TransactionId};
pub use lists::{
    NotificationControl, PackageList, PackageVersion, Quarantine, QuarantineEvents, Reason, RequestedInfo,
    ResponseAck, RestartMethod, TransactionRange,
};
pub use mode::ConnectionMode;
pub(crate) use options::type_of_service;
pub use options::{
    BearerEncoding, BearerInformation, Capabilities, FormatParameters, Gain, LocalOption, LocalOptions,
    OptionKind, Reservation, ReservationDirection, ResourceSharing, Span, Switch,
};
pub use parameter::{KNOWN, Parameter, ParameterCode, Parameters};
pub use statistics::{ConnectionParameters, ConnectionStatistics, LARGEST_STATISTIC};
pub use verb::{Verb, Version};

pub(crate) use digit_map::read_digit_map;
pub(crate) use event::Walk;
pub(crate) use lists::{read_code_line, read_transaction_id};
pub(crate) use parameter::Known;

/// One MGCP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// A command.
    Command(Command<'a>),
    /// A response.
    Response(Response<'a>),
}

impl Message<'_> {
    /// The transaction that the message belongs to.
    #[must_use]
    pub const fn transaction_id(&self) -> TransactionId {
        match self {
            Self::Command(command) => command.transaction_id,
            Self::Response(response) => response.transaction_id,
        }
    }
}

/// A command (RFC 3435 section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command<'a> {
    /// What is asked for.
    pub verb: Verb,
    /// The transaction.
    pub transaction_id: TransactionId,
    /// The endpoint asked, or reporting.
    pub endpoint: EndpointName<'a>,
    /// The protocol version and profile.
    pub version: Version<'a>,
    /// The parameter lines.
    pub parameters: Parameters<'a>,
    /// The remote connection descriptor.
    pub sdp: Option<&'a [u8]>,
}

/// A response (RFC 3435 section 3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response<'a> {
    /// The return code.
    pub code: ReturnCode,
    /// The transaction.
    pub transaction_id: TransactionId,
    /// The package that defines the code, of codes 800 to 899.
    pub package: Option<&'a str>,
    /// What the peer had to say.
    pub commentary: Option<&'a str>,
    /// The parameter lines.
    pub parameters: Parameters<'a>,
    /// Session descriptions: the local one, then the remote one of an audited connection.
    pub sdp: [Option<&'a [u8]>; 2],
}

macro_rules! accessors {
    ($( $(#[$doc:meta])* $name:ident: $type:ty = |$parameters:ident| $body:expr; )*) => {
        impl<'a> Parameters<'a> {
            $( $(#[$doc])* #[must_use] pub fn $name(&self) -> $type { let $parameters = self; $body } )*
        }

        impl<'a> Command<'a> {
            $( $(#[$doc])* #[must_use] pub fn $name(&self) -> $type { self.parameters.$name() } )*
        }

        impl<'a> Response<'a> {
            $( $(#[$doc])* #[must_use] pub fn $name(&self) -> $type { self.parameters.$name() } )*
        }
    };
}

accessors! {
    /// `B:` bearer information.
    bearer: Option<BearerInformation<'a>> = |p| p.get(ParameterCode::BearerInformation).map(BearerInformation::checked);
    /// `C:` the call.
    call_id: Option<CallId<'a>> = |p| CallId::parse(p.get(ParameterCode::CallId)?);
    /// `A:` capabilities. An audit may return several lines; see [`all_capabilities`](Self::all_capabilities).
    capabilities: Option<Capabilities<'a>> = |p| p.get(ParameterCode::Capabilities).map(LocalOptions::checked);
    /// `I:` the connection, the first one where an audit lists several.
    connection_id: Option<ConnectionId<'a>> = |p| p.connection_ids().next();
    /// `M:` the mode.
    mode: Option<ConnectionMode<'a>> = |p| ConnectionMode::parse(p.get(ParameterCode::ConnectionMode)?);
    /// `P:` statistics of the connection.
    connection_parameters: Option<ConnectionParameters<'a>> = |p| p.get(ParameterCode::ConnectionParameters).map(ConnectionParameters::checked);
    /// `T:` events to detect during quarantine.
    detect_events: Option<DetectEvents<'a>> = |p| p.get(ParameterCode::DetectEvents).map(EventList::checked);
    /// `D:` the digit map as text.
    digit_map: Option<&'a str> = |p| p.get(ParameterCode::DigitMap);
    /// `ES:` event states.
    event_states: Option<EventStates<'a>> = |p| p.get(ParameterCode::EventStates).map(EventList::checked);
    /// `L:` local connection options.
    local_options: Option<LocalOptions<'a>> = |p| p.get(ParameterCode::LocalConnectionOptions).map(LocalOptions::checked);
    /// `MD:` the longest datagram that the gateway supports.
    max_datagram: Option<u32> = |p| p.get(ParameterCode::MaxMgcpDatagram)?.parse().ok();
    /// `N:` the notified entity; none also when it is there but empty, see
    /// [`clears_notified_entity`](Self::clears_notified_entity).
    notified_entity: Option<NotifiedEntity<'a>> =
        |p| NotifiedEntity::parse(p.get(ParameterCode::NotifiedEntity)?);
    /// Whether `N:` is there with an empty value, which makes the source of commands the notified entity.
    clears_notified_entity: bool = |p| p.get(ParameterCode::NotifiedEntity) == Some("");
    /// `O:` events observed.
    observed_events: Option<ObservedEvents<'a>> = |p| p.get(ParameterCode::ObservedEvents).map(EventList::checked);
    /// `PL:` packages.
    package_list: Option<PackageList<'a>> = |p| p.get(ParameterCode::PackageList).map(PackageList::checked);
    /// `Q:` quarantine handling.
    quarantine: Option<Quarantine> = |p| Quarantine::parse(p.get(ParameterCode::QuarantineHandling)?);
    /// `E:` the reason.
    reason: Option<Reason<'a>> = |p| Reason::parse(p.get(ParameterCode::ReasonCode)?);
    /// `R:` events requested.
    requested_events: Option<RequestedEvents<'a>> = |p| p.get(ParameterCode::RequestedEvents).map(RequestedEvents::checked);
    /// `F:` parameters to audit.
    requested_info: Option<RequestedInfo<'a>> = |p| p.get(ParameterCode::RequestedInfo).map(RequestedInfo::checked);
    /// `X:` the notification request.
    request_id: Option<RequestId<'a>> = |p| RequestId::parse(p.get(ParameterCode::RequestIdentifier)?);
    /// `K:` transactions whose responses arrived.
    response_ack: Option<ResponseAck<'a>> = |p| p.get(ParameterCode::ResponseAck).map(ResponseAck::checked);
    /// `RD:` seconds of delay.
    restart_delay: Option<u32> = |p| p.get(ParameterCode::RestartDelay)?.parse().ok();
    /// `RM:` the kind of restart.
    restart_method: Option<RestartMethod<'a>> = |p| RestartMethod::parse(p.get(ParameterCode::RestartMethod)?);
    /// `I2:` the connection on the second endpoint, the first one of what the grammar lets be a list.
    second_connection_id: Option<ConnectionId<'a>> = |p| {
        let value = p.get(ParameterCode::SecondConnectionId)?;
        ConnectionId::parse(value.split(',').next()?.trim_ascii())
    };
    /// `Z2:` the second endpoint.
    second_endpoint: Option<EndpointName<'a>> = |p| EndpointName::parse(p.get(ParameterCode::SecondEndpointId)?);
    /// `S:` signals to apply.
    signal_requests: Option<SignalRequests<'a>> = |p| p.get(ParameterCode::SignalRequests).map(EventList::checked);
    /// `Z:` the endpoint that was chosen, the first one where an audit lists several.
    specific_endpoint: Option<EndpointName<'a>> =
        |p| EndpointName::parse(p.get(ParameterCode::SpecificEndpointId)?);
}

macro_rules! lists {
    ($( $(#[$doc:meta])* $name:ident: $item:ty = |$parameters:ident| $body:expr; )*) => {
        impl<'a> Parameters<'a> {
            $( $(#[$doc])* pub fn $name(&self) -> impl Iterator<Item = $item> + use<'a> {
                let $parameters = self;
                $body
            } )*
        }

        impl<'a> Command<'a> {
            $( $(#[$doc])* pub fn $name(&self) -> impl Iterator<Item = $item> + use<'a> { self.parameters.$name() } )*
        }

        impl<'a> Response<'a> {
            $( $(#[$doc])* pub fn $name(&self) -> impl Iterator<Item = $item> + use<'a> { self.parameters.$name() } )*
        }
    };
}

lists! {
    /// Every `I:` value: an audit lists all connections of an endpoint, on one line or on several.
    connection_ids: ConnectionId<'a> = |p| p
        .all(ParameterCode::ConnectionId)
        .flat_map(|value| value.split(','))
        .filter_map(|item| ConnectionId::parse(item.trim_ascii()));
    /// Every `Z:` value: an audit with `*` lists all endpoints.
    specific_endpoints: EndpointName<'a> = |p| p
        .all(ParameterCode::SpecificEndpointId)
        .filter_map(EndpointName::parse);
    /// Every `A:` value: an audit gives one line per kind of capability.
    all_capabilities: Capabilities<'a> = |p| p
        .all(ParameterCode::Capabilities)
        .map(LocalOptions::checked);
}

impl<'a> Response<'a> {
    /// The local connection descriptor: the first session description.
    #[must_use]
    pub const fn local_sdp(&self) -> Option<&'a [u8]> {
        self.sdp[0]
    }

    /// The remote connection descriptor: the second session description of an audit that asked for both.
    #[must_use]
    pub const fn remote_sdp(&self) -> Option<&'a [u8]> {
        self.sdp[1]
    }
}
