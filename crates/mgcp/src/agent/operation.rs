//! The operations that the exchange asks for, one for each command from call agent to gateway, and the rules of RFC 3435
//! section 4.4.4 on which of them may be under way together.

use std::fmt::{self, Write as _};

use strowger_sansio::Time;

use super::GatewayId;
use crate::message::{
    CallIdBuf, ConnectionId, ConnectionIdBuf, ConnectionMode, EndpointNameBuf, EventNameBuf, ParameterCode,
    Quarantine, RequestIdBuf, RequestedEventBuf, SignalBuf, TransactionId,
};

/// RQNT, or the notification request inside another command (RFC 3435 section 2.3.3).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NotificationRequest {
    /// Its name, from [`Agent::new_request_id`](super::Agent::new_request_id); one is drawn when there is none.
    pub request_id: Option<RequestIdBuf>,
    /// What to watch for; empty clears the list.
    pub events: Vec<RequestedEventBuf>,
    /// What to play; empty stops what plays.
    pub signals: Vec<SignalBuf>,
    /// The digit map; none leaves the endpoint's last one in force.
    pub digit_map: Option<String>,
    /// How events of the time before are treated; none is the protocol's default.
    pub quarantine: Option<Quarantine>,
    /// Events to be detected in the quarantine besides those asked for.
    pub detect: Vec<EventNameBuf>,
}

/// The options of a connection (RFC 3435 section 3.2.2.10), those that a call needs; others go to `others` as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionOptions {
    /// Codec names, the preferred first.
    pub codecs: Vec<String>,
    /// Packetisation period in milliseconds.
    pub packetization: Option<u16>,
    /// Echo cancellation.
    pub echo_cancellation: Option<bool>,
    /// Silence suppression.
    pub silence_suppression: Option<bool>,
    /// Further options, each `name:value`.
    pub others: Vec<String>,
}

impl fmt::Display for ConnectionOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on = |on| if on { "on" } else { "off" };
        let named = [
            self.packetization.map(|ms| format!("p:{ms}")),
            (!self.codecs.is_empty()).then(|| format!("a:{}", self.codecs.join(";"))),
            self.echo_cancellation.map(|is| format!("e:{}", on(is))),
            self.silence_suppression.map(|is| format!("s:{}", on(is))),
        ];
        for (index, option) in named.into_iter().flatten().chain(self.others.iter().cloned()).enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            f.write_str(&option)?;
        }
        Ok(())
    }
}

/// CRCX (RFC 3435 section 2.3.5).
#[derive(Clone, Debug, PartialEq)]
pub struct CreateConnection {
    /// The call, from [`Agent::new_call_id`](super::Agent::new_call_id).
    pub call_id: CallIdBuf,
    /// The mode that the connection begins in.
    pub mode: ConnectionMode<'static>,
    /// Its options.
    pub options: Option<ConnectionOptions>,
    /// The session description of the other side, when it is known.
    pub sdp: Option<Vec<u8>>,
    /// A second endpoint of the same gateway, to be connected with the first inside it.
    pub second_endpoint: Option<EndpointNameBuf>,
    /// A notification request to be carried out with it.
    pub notification: Option<NotificationRequest>,
}

/// MDCX (RFC 3435 section 2.3.6). What is absent stays as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct ModifyConnection {
    /// The call.
    pub call_id: CallIdBuf,
    /// The connection.
    pub connection_id: ConnectionIdBuf,
    /// The new mode.
    pub mode: Option<ConnectionMode<'static>>,
    /// The new options.
    pub options: Option<ConnectionOptions>,
    /// The new session description of the other side.
    pub sdp: Option<Vec<u8>>,
    /// A notification request to be carried out with it.
    pub notification: Option<NotificationRequest>,
}

/// DLCX of one connection (RFC 3435 section 2.3.7).
#[derive(Clone, Debug, PartialEq)]
pub struct DeleteConnection {
    /// The call.
    pub call_id: CallIdBuf,
    /// The connection.
    pub connection_id: ConnectionIdBuf,
    /// A notification request to be carried out with it.
    pub notification: Option<NotificationRequest>,
}

/// One command to be sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Request {
    Create(Box<CreateConnection>),
    Modify(Box<ModifyConnection>),
    Delete(Box<DeleteConnection>),
    /// All connections of the endpoints, or those of one call (section 2.3.9).
    DeleteAll(Option<CallIdBuf>),
    Notification(Box<NotificationRequest>),
    AuditEndpoint(Vec<ParameterCode<'static>>),
    /// A bulk audit (RFC 3624), from this endpoint on.
    AuditMany(Option<String>),
    AuditConnection(ConnectionIdBuf, Vec<ParameterCode<'static>>),
    /// An AUEP without questions, for a sign of life.
    Probe,
}

impl Request {
    pub(super) fn delete(call_id: CallIdBuf, connection_id: ConnectionIdBuf) -> Self {
        Self::Delete(Box::new(DeleteConnection { call_id, connection_id, notification: None }))
    }

    pub(super) fn notification(&self) -> Option<&NotificationRequest> {
        match self {
            Self::Create(create) => create.notification.as_ref(),
            Self::Modify(modify) => modify.notification.as_ref(),
            Self::Delete(delete) => delete.notification.as_ref(),
            Self::Notification(request) => Some(request),
            _ => None,
        }
    }

    pub(super) fn notification_mut(&mut self) -> Option<&mut NotificationRequest> {
        match self {
            Self::Create(create) => create.notification.as_mut(),
            Self::Modify(modify) => modify.notification.as_mut(),
            Self::Delete(delete) => delete.notification.as_mut(),
            Self::Notification(request) => Some(request),
            _ => None,
        }
    }

    fn connection(&self) -> Option<&ConnectionIdBuf> {
        match self {
            Self::Modify(modify) => Some(&modify.connection_id),
            Self::Delete(delete) => Some(&delete.connection_id),
            _ => None,
        }
    }

    /// Whether this operation must wait for `earlier`, which is not complete, on the same endpoint (section 4.4.4).
    ///
    /// Audits never wait. Notification requests go one by one, also those inside other commands (rules 4 and 6). One
    /// connection is created or modified at a time; a deletion steps in front (rule 3). After a deletion of all
    /// connections nothing new is connected before its answer (rule 5).
    fn waits_for(&self, earlier: &Self) -> bool {
        if self.notification().is_some() && earlier.notification().is_some() {
            return true;
        }
        match (earlier, self) {
            (Self::Create(_), Self::Create(_)) | (Self::DeleteAll(_), Self::Create(_) | Self::Modify(_)) => {
                true
            }
            (Self::Modify(_) | Self::Delete(_), Self::Modify(_)) => earlier.connection() == self.connection(),
            _ => false,
        }
    }

    /// Whether this is given again when the gateway is too busy for it: not what a call waits for, which fails instead
    /// (RFC 3661 section 2.1, temporary failure).
    pub(super) const fn can_wait(&self) -> bool {
        !matches!(self, Self::Create(_) | Self::Modify(_) | Self::Probe)
    }

    /// Whether this is given again when the gateway cannot do it for the moment: what clears the way for others. The deletion of one connection is the caller's to
    /// repeat.
    pub(super) const fn clears(&self) -> bool {
        matches!(self, Self::DeleteAll(_))
    }

    /// Whether this deletes connections.
    pub(super) const fn is_deletion(&self) -> bool {
        matches!(self, Self::DeleteAll(_) | Self::Delete(_))
    }

    /// Whether a deletion makes `earlier` pointless, so that it is not sent if it still waits.
    pub(super) fn supersedes(&self, earlier: &Self) -> bool {
        match (self, earlier) {
            (Self::Delete(delete), Self::Modify(modify)) => delete.connection_id == modify.connection_id,
            (Self::DeleteAll(call), Self::Create(create)) => concerns(call.as_ref(), &create.call_id),
            (Self::DeleteAll(call), Self::Modify(modify)) => concerns(call.as_ref(), &modify.call_id),
            _ => false,
        }
    }
}

/// Whether a deletion of all connections, or of those of one call, means this call's.
pub(super) fn concerns(deleted: Option<&CallIdBuf>, call: &CallIdBuf) -> bool {
    deleted.is_none_or(|deleted| deleted == call)
}

/// Operations in the order in which they were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct OperationId(pub(super) u64);

/// An operation that has no outcome yet.
#[derive(Clone, Debug)]
pub(super) struct Operation<T> {
    pub(super) gateway: GatewayId,
    pub(super) endpoint: EndpointNameBuf,
    pub(super) request: Request,
    /// None: the agent's own, of which nobody hears.
    pub(super) tag: Option<T>,
    pub(super) sent: Option<(TransactionId, Time)>,
    /// How often its gateway was too busy for it, or could not do it for the moment.
    pub(super) refused: u32,
    /// It waits until it is given again.
    pub(super) resting: bool,
    /// What a provisional response told already.
    pub(super) early: Option<Early>,
    /// A deletion of all connections was sent while this creation was under way: what it creates is not wanted (rule 5).
    pub(super) unwanted: bool,
}

impl<T> Operation<T> {
    /// Whether this operation must wait for `earlier`, which is not complete. Creations on a wildcard each get an endpoint of
    /// their own, so they do not wait for one another.
    pub(super) fn waits_for(&self, earlier: &Self) -> bool {
        let apart = self.endpoint.as_name().is_wildcarded()
            && matches!((&earlier.request, &self.request), (Request::Create(_), Request::Create(_)));
        !apart && self.request.waits_for(&earlier.request)
    }
}

/// Connection and session description of a provisional response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Early {
    pub(super) connection_id: Option<ConnectionIdBuf>,
    pub(super) sdp: Option<Vec<u8>>,
}

impl Early {
    /// Whether the final response says something else than the provisional one.
    pub(super) fn contradicts(&self, connection: Option<ConnectionId<'_>>, sdp: Option<&[u8]>) -> bool {
        let other_id =
            self.connection_id.as_ref().is_some_and(|early| connection.is_none_or(|id| id != *early));
        let other_sdp = self.sdp.as_ref().is_some_and(|early| sdp.is_none_or(|sdp| sdp != early.as_slice()));
        other_id || other_sdp
    }
}

/// The items of a comma-separated list.
pub(super) fn join(items: impl Iterator<Item = impl fmt::Display>) -> String {
    let mut out = String::new();
    for (index, item) in items.enumerate() {
        // Writing to a string cannot fail.
        let _ = write!(out, "{}{item}", if index > 0 { ", " } else { "" });
    }
    out
}
