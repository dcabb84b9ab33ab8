//! Connections of calls that an exchange takes over from one that has died (RFC 3435 section 2.3.11).
//!
//! A connection is taken to be what the record of its call says. Before its call goes on, its gateway is asked for it: one that it has not got
//! has failed, one that does not flow as it should is asked to once more.

use std::sync::Arc;

use strowger_mgcp::agent::{Failure, Outcome};
use strowger_mgcp::message::{
    CallIdBuf, Category, ConnectionIdBuf, ConnectionMode, ParameterCode, ReturnCode,
};

use super::{News, State, Stream};
use crate::access::gateways::Place;
use crate::access::{Order, Owner, Settings, Tag, Turn};
use crate::{CallStable, Cause, Flow, GatewayProtocol, LegId, Sdp, Side, StreamRole};

/// What is known of a connection that was taken over.
#[derive(Debug)]
pub(super) struct Resume {
    /// What it was connected to; nothing where who is there waits.
    remote: Option<Sdp>,
}

impl Stream {
    /// Takes over the connection of a side of an answered call, whose endpoint has to be `place`.
    pub(in crate::access) fn restore(
        settings: &Settings,
        place: Arc<Place>,
        leg: LegId,
        stable: &CallStable,
        side: Side,
    ) -> Option<Self> {
        let find = |role: StreamRole| stable.streams.iter().find(|stream| stream.role == role);
        let (own, relay) = match side {
            Side::Calling => (find(StreamRole::Calling)?, StreamRole::RelayCalling),
            Side::Called => (find(StreamRole::Called)?, StreamRole::RelayCalled),
        };
        let other = find(relay).or_else(|| find(StreamRole::of(side.other())));
        let is_there = *place.id == *own.termination.gateway
            && place.endpoint.local().eq_ignore_ascii_case(&own.termination.endpoint);
        let mode = match own.flow {
            _ if stable.awaited.is_some() => ConnectionMode::Inactive,
            Flow::Both => ConnectionMode::SendRecv,
            Flow::Rest => ConnectionMode::Inactive,
            Flow::Mixed => ConnectionMode::Conference,
        };
        // Who waits is connected to nobody.
        let remote = other.map(|other| other.local.clone());
        if !is_there || remote.is_none() && stable.awaited.is_none() {
            return None;
        }
        Self::adopt(settings, place, Owner::Leg(leg), own, mode, remote)
    }

    /// Takes over a connection that another exchange had created; none when its record is not legible, or names another host.
    pub(in crate::access) fn adopt(
        settings: &Settings,
        place: Arc<Place>,
        owner: Owner,
        stream: &crate::Stream,
        mode: ConnectionMode<'static>,
        remote: Option<Sdp>,
    ) -> Option<Self> {
        let connection = ConnectionIdBuf::parse(&stream.termination.connection)?;
        let mut adopted = Self {
            place,
            owner,
            call: CallIdBuf::from_u128(stream.call.0),
            state: State::Open(connection),
            mode,
            unwanted: false,
            attempts: 0,
            may_be_left: false,
            essence: None,
            resume: Some(Resume { remote }),
        };
        adopted.read(settings, stream.local.bytes()).ok()?;
        Some(adopted)
    }

    /// Asks its gateway whether it still is what it was (RFC 3435 section 2.3.11); a gateway that answers no such questions
    /// is taken to still have it.
    pub(in crate::access) fn verify(&mut self, turn: &mut Turn<'_>) -> News {
        let State::Open(connection) = &self.state else { return News::Nothing };
        if !self.place.audits {
            return News::Found { flows: true, local: None };
        }
        use ParameterCode::{CallId, ConnectionMode, LocalConnectionDescriptor};
        let info = vec![CallId, ConnectionMode, LocalConnectionDescriptor];
        let tag = Tag::Stream(self.owner, Order::Audit);
        let (gateway, endpoint) = (self.place.gateway, &self.place.endpoint);
        turn.agent.audit_connection(turn.now, (gateway, endpoint), connection.clone(), info, tag);
        News::Nothing
    }

    /// Whether it was taken over, and its gateway has not said that it is there.
    pub(in crate::access) const fn is_sought(&self) -> bool {
        self.resume.is_some()
    }

    /// Goes on with it where an audit has found it. One that does not flow as was asked is asked once more: its exchange died between
    /// a change and what was to follow from it.
    pub(in crate::access) fn go_on(&mut self, turn: &mut Turn<'_>, flows: bool, local: Option<Sdp>) -> News {
        let resume = self.resume.take();
        if flows {
            return News::Modified(local);
        }
        let remote = resume.and_then(|resume| resume.remote);
        self.modify(turn, self.mode, remote.as_ref()).map_or_else(News::Failed, |()| News::Nothing)
    }

    pub(super) fn audited(&mut self, turn: &mut Turn<'_>, result: Result<Outcome, Failure>) -> News {
        let State::Open(connection) = &self.state else { return News::Nothing };
        let connection = connection.clone();
        match result {
            Ok(outcome) => {
                let audit = outcome.audit.unwrap_or_default();
                if audit.call_id.is_some_and(|call| call != self.call) {
                    self.state = State::Gone(None);
                    return News::Failed(Cause::NETWORK_OUT_OF_ORDER);
                }
                let flows = audit.mode.is_none_or(|mode| self.is_mode(mode));
                let before = self.essence.clone();
                match outcome.sdp.map(|bytes| self.read(turn.settings, &bytes)) {
                    None => News::Found { flows, local: None },
                    Some(Ok(sdp)) => News::Found { flows, local: (self.essence != before).then_some(sdp) },
                    Some(Err(reason)) => self.refuse(turn, connection, reason),
                }
            }
            // What follows decides for the whole gateway.
            Err(Failure::GatewayLost | Failure::Restarted) => News::Nothing,
            Err(failure) => {
                let gone = match &failure {
                    Failure::Refused(refused) => {
                        refused.category == Category::ServiceFailure
                            || [ReturnCode::CONNECTION_ID, ReturnCode::UNKNOWN_ENDPOINT]
                                .contains(&refused.code)
                    }
                    _ => false,
                };
                if gone {
                    self.state = State::Gone(None);
                    return News::Failed(Cause::NETWORK_OUT_OF_ORDER);
                }
                // It cannot say: the call goes on until somebody hangs up.
                self.alarm(turn, "AUCX", &failure);
                News::Found { flows: true, local: None }
            }
        }
    }

    /// Whether a mode is what was asked for. H.248 has none for a conference: there those who flow are mixed.
    fn is_mode(&self, mode: ConnectionMode<'_>) -> bool {
        let is_mixed = |mode| matches!(mode, ConnectionMode::SendRecv | ConnectionMode::Conference);
        mode == self.mode
            || self.place.protocol == GatewayProtocol::Megaco && is_mixed(mode) && is_mixed(self.mode)
    }
}
