//! How an operation ended.

use std::fmt;
use std::time::Duration;

use super::event::ObservedEvent;
use crate::dialect::Dialect;
use crate::message::{
    CallIdBuf, Category, ConnectionIdBuf, ConnectionMode, ConnectionStatistics, EndpointNameBuf,
    EventNameBuf, ReasonCode, RequestIdBuf, Response, RestartMethod, ReturnCode,
};

/// What a gateway answered to a command that it carried out, or is carrying out.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The return code.
    pub code: ReturnCode,
    /// The new connection.
    pub connection_id: Option<ConnectionIdBuf>,
    /// The connection at the second endpoint.
    pub second_connection_id: Option<ConnectionIdBuf>,
    /// The endpoints that a wildcard stood for: one for a created connection, all for an audit.
    pub specific_endpoints: Vec<EndpointNameBuf>,
    /// The second endpoint, when it was wildcarded.
    pub second_endpoint: Option<EndpointNameBuf>,
    /// The gateway's session description.
    pub sdp: Option<Vec<u8>>,
    /// The other side's session description as the gateway knows it: of an audit.
    pub remote_sdp: Option<Vec<u8>>,
    /// The statistics of a deleted or audited connection.
    pub statistics: Option<ConnectionStatistics>,
    /// What an audit found besides.
    pub audit: Option<Box<Audit>>,
    /// What an audit of many endpoints found; none also when its lists do not fit together.
    pub bulk: Option<BulkAudit>,
}

impl Outcome {
    /// The endpoint that stands behind a wildcard of a CRCX.
    #[must_use]
    pub fn specific_endpoint(&self) -> Option<&EndpointNameBuf> {
        self.specific_endpoints.first()
    }
}

/// What an audit of many endpoints found (RFC 3624).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BulkAudit {
    /// The endpoints, as many as the answer had room for.
    pub entries: Vec<BulkEntry>,
    /// The local name of the endpoint that the audit is to go on with.
    pub next: Option<String>,
}

/// What a bulk audit says of one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkEntry {
    /// Its local name.
    pub local: String,
    /// How many connections it has; 255 for more than 15.
    pub connections: u8,
    /// Whether it is in service.
    pub in_service: bool,
    /// Whether it gives an on-off or time-out signal.
    pub signals: bool,
}

/// What an audit found: only what was asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Audit {
    /// The endpoint's connections.
    pub connections: Vec<ConnectionIdBuf>,
    /// The call of an audited connection.
    pub call_id: Option<CallIdBuf>,
    /// The mode of an audited connection; none also for one that a package defines.
    pub mode: Option<ConnectionMode<'static>>,
    /// The current notification request; `0` before any.
    pub request_id: Option<RequestIdBuf>,
    /// Auditable states that hold, such as off-hook.
    pub event_states: Vec<EventNameBuf>,
    /// Events observed and not yet notified.
    pub observed_events: Vec<ObservedEvent>,
    /// Signals that the endpoint gives: time-out signals that are active, on-off signals that are on, brief ones that wait.
    pub signals: Vec<ObservedEvent>,
    /// The endpoint's service state, as the method of its last RSIP.
    pub restart_method: Option<RestartMethod<'static>>,
    /// The delay of that RSIP.
    pub restart_delay: Option<Duration>,
    /// The reason code.
    pub reason: Option<ReasonCode>,
    /// The greatest datagram that the gateway takes.
    pub max_datagram: Option<u32>,
    /// The packages of the endpoint, the default one first: those of `PL:`, or else those that its capabilities name.
    pub packages: Vec<String>,
    /// The codecs of its capabilities, whatever set they are in.
    pub codecs: Vec<String>,
}

/// Why an operation failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The gateway refused.
    Refused(Refused),
    /// No final response came: whether the gateway carried the command out is not known. A connection that it may have
    /// created is deleted as soon as the agent learns of it.
    Unanswered,
    /// The gateway is lost, or was when the operation was asked for.
    GatewayLost,
    /// The endpoint restarted or went out of service under the operation.
    Restarted,
    /// A later deletion made the operation pointless before it was sent, or while it was under way.
    Superseded,
    /// Too many operations wait on this endpoint.
    TooMany,
    /// The gateway is not in the inventory, or the endpoint is not in the gateway's domain.
    UnknownEndpoint,
    /// The operation holds a digit map or connection options that break the grammar.
    IllegalValue,
    /// The gateway answered something that is not a legal answer to this command.
    BadAnswer,
}

/// A gateway's refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The return code as received.
    pub code: ReturnCode,
    /// RFC 3661's category of it: which decision fits.
    pub category: Category,
    /// The gateway's commentary, for the log. It is the gateway's text: escape it where it is shown.
    pub commentary: Option<String>,
}

impl Failure {
    /// The category for the decision: that of the gateway's code, or of a temporary failure where there is none.
    #[must_use]
    pub fn category(&self) -> Category {
        match self {
            Self::Refused(refused) => refused.category,
            Self::GatewayLost | Self::Restarted => Category::ServiceFailure,
            Self::UnknownEndpoint | Self::IllegalValue => Category::ProvisioningMismatch,
            Self::Unanswered | Self::Superseded | Self::TooMany | Self::BadAnswer => {
                Category::TemporaryFailure
            }
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused(refused) => {
                return write!(
                    f,
                    "refused: {} {}",
                    refused.code,
                    refused.code.name().unwrap_or("unknown code")
                );
            }
            Self::Unanswered => "no answer",
            Self::GatewayLost => "the gateway is lost",
            Self::Restarted => "the endpoint restarted",
            Self::Superseded => "superseded by a deletion",
            Self::TooMany => "too many operations wait on the endpoint",
            Self::UnknownEndpoint => "the endpoint is unknown",
            Self::IllegalValue => "the digit map or the connection options are illegal",
            Self::BadAnswer => "the gateway's answer is not legal",
        })
    }
}

/// The longest commentary that is kept.
const COMMENTARY: usize = 120;

impl Refused {
    pub(super) fn from_response(response: &Response<'_>, dialect: &Dialect) -> Self {
        let commentary = response.commentary.map(|text| text.chars().take(COMMENTARY).collect());
        let meant = match response.code {
            ReturnCode::NO_RESOURCES if dialect.permanent_may_pass => ReturnCode::NO_RESOURCES_NOW,
            ReturnCode::RESTARTING_ENDPOINT if dialect.permanent_may_pass => ReturnCode::RESTARTING,
            ReturnCode::NO_BANDWIDTH if dialect.permanent_may_pass => ReturnCode::NO_BANDWIDTH_NOW,
            code => code,
        };
        Self { code: response.code, category: meant.category(), commentary }
    }
}
