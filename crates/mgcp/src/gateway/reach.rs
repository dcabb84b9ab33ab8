//! What an endpoint may reach while it acts: the clock, the media below it, the gateway's timers, the commands that wait to be sent.

use std::collections::VecDeque;

use strowger_sansio::{Time, Timers};

use super::config::{GatewayLimits, GatewayTimers};
use super::counters::GatewayCounters;
use super::joints::Joints;
use super::media::{ConnectionHandle, EndpointIndex, MediaPlane};
use super::restart::ProcedureId;
use crate::message::{
    CallIdBuf, ConnectionIdBuf, ConnectionStatistics, ReasonCode, RequestIdBuf, TransactionId,
};
use crate::transaction::{Bundling, PeerId};

/// The deadlines of a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TimerKey {
    /// The end of a time-out or brief signal, by its number on the endpoint.
    Signal(EndpointIndex, u32),
    /// Timer T of RFC 3660 section 2.2: no digit came.
    Digit(EndpointIndex),
    /// A digit is held: D/L.
    LongDigit(EndpointIndex),
    /// A digit is held as long as D/dd asks.
    ToneDuration(EndpointIndex),
    /// A connection exists for a long time: G/ld.
    LongConnection(EndpointIndex, ConnectionHandle),
    /// An endpoint has been in lockstep too long: LCK/LST.
    Lockstep(EndpointIndex),
    /// A fax waits for its media to be changed.
    Fax(EndpointIndex),
    /// The next step of a restart or disconnected procedure.
    Procedure(ProcedureId),
    /// A command has executed so long that its sender is told.
    Provisional(PeerId, TransactionId),
    /// Call agents are to be given a sign of life.
    Keepalive,
    /// The restart delay of an endpoint that comes back, or that leaves, is over.
    Service(EndpointIndex),
}

/// Everything outside an endpoint that its state machine touches.
pub(super) struct Reach<'a> {
    pub(super) now: Time,
    pub(super) plane: &'a mut dyn MediaPlane,
    pub(super) timers: &'a mut Timers<TimerKey>,
    pub(super) durations: &'a GatewayTimers,
    pub(super) limits: &'a GatewayLimits,
    pub(super) counters: &'a mut GatewayCounters,
    pub(super) joints: &'a mut Joints,
    pub(super) outbox: &'a mut VecDeque<Outbound>,
    /// Whether the call agent takes several messages in one datagram.
    pub(super) bundling: Bundling,
}

/// A command that an endpoint wants to be sent, once the response to the command in hand is on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outbound {
    pub(super) endpoint: EndpointIndex,
    /// When it was made: what waits too long for its call agent is dropped.
    pub(super) made: Time,
    pub(super) purpose: Purpose,
}

/// What a command of the gateway says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// NTFY.
    Notify {
        /// Which notification of the endpoint it is: its answer ends the notification state only if it is the last one.
        serial: u64,
        /// X of the request that it answers.
        request: RequestIdBuf,
        /// The entity to repeat, if the request named one.
        entity: Option<String>,
        /// The `O:` line.
        events: String,
    },
    /// RSIP with the method of RFC 3992: the endpoint waits for a request.
    Lockstep,
    /// DLCX of the gateway (RFC 3435 section 2.3.8).
    Lost {
        /// The call of the connection.
        call: CallIdBuf,
        /// The connection.
        connection: ConnectionIdBuf,
        /// Why.
        reason: ReasonCode,
        /// What it carried.
        statistics: ConnectionStatistics,
    },
}
