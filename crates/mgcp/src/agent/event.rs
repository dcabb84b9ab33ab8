//! What the agent tells the exchange.

use std::time::Duration;

use super::GatewayId;
use super::outcome::{Failure, Outcome};
use crate::message::{
    CallIdBuf, ConnectionIdBuf, ConnectionStatistics, EndpointNameBuf, ReasonCode, RequestIdBuf,
    RestartMethod, SignalBuf,
};

/// An event that an endpoint observed, with its parameters.
pub type ObservedEvent = SignalBuf;

/// An event, drained with `poll_event`. `T` is the caller's tag of an operation.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event<T> {
    /// An operation succeeded (2xx).
    Completed {
        /// The caller's tag.
        tag: T,
        /// What the gateway answered.
        outcome: Outcome,
    },
    /// An operation is under way and takes long (1xx). Its connection and session description, if there are any, may be used
    /// already (RFC 3435 section 3.5.6); they are void if the operation fails in the end.
    Proceeding {
        /// The caller's tag.
        tag: T,
        /// What the gateway answered so far.
        outcome: Outcome,
    },
    /// An operation failed.
    Failed {
        /// The caller's tag.
        tag: T,
        /// Why.
        failure: Failure,
    },
    /// An endpoint observed what its current notification request asked for, or a persistent event.
    Notify {
        /// The gateway.
        gateway: GatewayId,
        /// The endpoint.
        endpoint: EndpointNameBuf,
        /// The request that is answered; `0` for persistent events before any request.
        request_id: RequestIdBuf,
        /// The events, the earliest first.
        events: Vec<ObservedEvent>,
    },
    /// A gateway is there: for the first time, or again.
    GatewayUp {
        /// The gateway.
        gateway: GatewayId,
        /// Whether it had been lost. Its connections may still exist then.
        after_loss: bool,
    },
    /// A gateway whose dialect was to be found out has shown it.
    DialectDetected {
        /// The gateway.
        gateway: GatewayId,
        /// The dialect's name.
        dialect: &'static str,
    },
    /// The name of a gateway is to be looked up; the answer is for [`Agent::handle_resolved`](super::Agent::handle_resolved).
    Resolve {
        /// The gateway.
        gateway: GatewayId,
        /// The name, with a port.
        name: String,
    },
    /// A gateway does not answer. Its pending operations have failed; it is probed until it answers.
    GatewayLost {
        /// The gateway.
        gateway: GatewayId,
    },
    /// A gateway announced a change of service with RSIP.
    EndpointsRestarted {
        /// The gateway.
        gateway: GatewayId,
        /// The endpoints; `*` terms stand for all.
        endpoints: EndpointNameBuf,
        /// What happens to them.
        method: RestartMethod<'static>,
        /// When, or for how long they were disconnected.
        delay: Duration,
        /// The reason, if the gateway gave one.
        reason: Option<ReasonCode>,
    },
    /// Endpoints have notified something and waited in vain for what to do next: in lockstep they notice nothing (RFC 3992). They are
    /// to be given a notification request.
    Lockstep {
        /// The gateway.
        gateway: GatewayId,
        /// The endpoints; `*` terms stand for all.
        endpoints: EndpointNameBuf,
    },
    /// A gateway deleted a connection on its own (RFC 3435 section 2.3.8).
    ConnectionDeletedByGateway {
        /// The gateway.
        gateway: GatewayId,
        /// The endpoint.
        endpoint: EndpointNameBuf,
        /// The call.
        call_id: CallIdBuf,
        /// The connection.
        connection_id: ConnectionIdBuf,
        /// Why.
        reason: Option<ReasonCode>,
        /// The connection's statistics.
        statistics: Option<ConnectionStatistics>,
    },
}
