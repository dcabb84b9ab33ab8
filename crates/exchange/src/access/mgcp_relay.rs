//! Contexts on packet relays: endpoints that join two packet connections (RFC 3435 section 2.1.1, "packet relay").
//!
//! The first connection is created on the wildcard for any one endpoint, and the gateway says which one it
//! took; the second is created on that. What comes in by the one leaves by the other. A context that fails at
//! any step deletes what it has.
//!
//! The connections of a relay that comes up are deleted all together, as none of them belongs to a call. A
//! gateway whose dialect cannot name all endpoints (osmo-mgw) is asked for those that were lost with it; what
//! a former exchange left there stays, and is for the gateway's own time-out.
//!
//! Where contexts were taken over from a former exchange, those are audited one by one, and `survey` finds what stands beside them.

mod survey;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use strowger_mgcp::agent::{Failure, GatewayId, Outcome};
use strowger_mgcp::message::{CallIdBuf, ConnectionIdBuf, ConnectionMode, EndpointNameBuf, RestartMethod};
use strowger_sdp::AddressPolicy;

use super::census::{self, Abilities};
use super::gateways::{Gateways, Place};
use super::stream::{News, Stream};
use super::{Order, Owner, Settings, Tag, Turn};
use crate::{
    CallId, CallStable, Cause, ContextCommand, ContextEvent, ContextId, GatewayProtocol, Inventory,
    MediaPolicy, MediaStatistics, Precedence, Sdp, Side, Snapshot, StreamRole,
};

pub(crate) use survey::Question;
use survey::Survey;

/// The relay that the media policy names, and the contexts on it.
#[derive(Debug)]
pub(super) struct Relays {
    place: Option<Arc<Place>>,
    /// Whether its gateway takes commands.
    up: bool,
    /// Where there were connections when the gateway was lost.
    left: Vec<(EndpointNameBuf, CallId)>,
    contexts: BTreeMap<ContextId, Context>,
    survey: Survey,
}

#[derive(Debug)]
struct Context {
    call: CallId,
    streams: Vec<(Side, Stream)>,
    ended: bool,
}

impl Relays {
    pub(super) fn new(inventory: &Inventory, gateways: &Gateways) -> Self {
        let place = match &inventory.media {
            MediaPolicy::Direct => None,
            MediaPolicy::Relay { gateway } => gateways.relay_places().find(|place| *place.id == **gateway),
        };
        Self {
            place: place.map(Arc::new),
            up: false,
            left: Vec::new(),
            contexts: BTreeMap::new(),
            survey: Survey::default(),
        }
    }

    pub(super) fn command(
        &mut self,
        turn: &mut Turn<'_>,
        call: CallId,
        id: ContextId,
        command: ContextCommand,
    ) {
        match command {
            ContextCommand::Add { side, remote, precedence } => {
                self.add(turn, (call, precedence), id, side, remote.as_ref());
            }
            ContextCommand::Modify { side, remote } => {
                let Some(context) = self.contexts.get_mut(&id).filter(|context| !context.ended) else {
                    return;
                };
                let stream = context.stream(side).ok_or(Cause::TEMPORARY_FAILURE);
                if let Err(cause) = stream.and_then(|stream| stream.connect(turn, Some(&remote))) {
                    self.fail(turn, id, cause);
                }
            }
            ContextCommand::Subtract => {
                self.end(turn, id);
                self.check_cleared(turn, id);
            }
        }
    }

    fn add(
        &mut self,
        turn: &mut Turn<'_>,
        (call, precedence): (CallId, Precedence),
        id: ContextId,
        side: Side,
        remote: Option<&Sdp>,
    ) {
        let context =
            self.contexts.entry(id).or_insert_with(|| Context { call, streams: Vec::new(), ended: false });
        let Some(place) = self.place.as_ref().filter(|_| self.up) else {
            return self.fail(turn, id, Cause::NETWORK_OUT_OF_ORDER);
        };
        if context.streams.is_empty() && !turn.agent.admits(turn.now, place.gateway, precedence) {
            return self.fail(turn, id, Cause::SWITCHING_EQUIPMENT_CONGESTION);
        }
        // The second connection goes where the first one is.
        let place = match context.streams.first() {
            Some((_, first)) => Arc::new(place.at(first.endpoint().clone())),
            None => place.clone(),
        };
        // A connection without the other side's description cannot send yet (RFC 3435 section 2.3.5, code 527).
        let mode = if remote.is_some() { ConnectionMode::SendRecv } else { ConnectionMode::RecvOnly };
        let stream = Stream::create(turn, place, Owner::Context(id, side), (call, precedence), mode, remote);
        context.streams.push((side, stream));
    }

    pub(super) fn stream_outcome(
        &mut self,
        turn: &mut Turn<'_>,
        id: ContextId,
        side: Side,
        order: Order,
        result: Result<Outcome, Failure>,
    ) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let unknown = matches!(result, Err(Failure::Unanswered | Failure::BadAnswer));
        let unknown = order == Order::Create && unknown;
        let call = context.call;
        let Some(stream) = context.stream(side) else { return };
        let news = stream.outcome(turn, order, result);
        let endpoint = stream.endpoint().clone();
        self.stream_news(turn, id, side, news);
        if unknown && endpoint.as_name().is_wildcarded() {
            self.sweep(turn, Some(CallIdBuf::from_u128(call.0)));
        }
        self.check_cleared(turn, id);
    }

    fn stream_news(&mut self, turn: &mut Turn<'_>, id: ContextId, side: Side, news: News) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let ended = context.ended;
        match news {
            News::Found { flows, .. } if !ended => self.found(turn, id, side, flows),
            News::Ready(termination, local) if !ended => {
                turn.context(id, ContextEvent::Added { side, termination, local });
            }
            // A description that changes under way is of no use to a party that has the old one: the call
            // goes on with it.
            News::Modified(_) if !ended => turn.context(id, ContextEvent::Modified { side }),
            News::Failed(cause) => self.fail(turn, id, cause),
            _ => {}
        }
    }

    /// The stream of a side of an answered call, if the relay is where it was.
    pub(super) fn adopt(
        &self,
        settings: &Settings,
        context: Option<ContextId>,
        stable: &CallStable,
        stream: &crate::Stream,
    ) -> Option<(Side, Stream)> {
        let (side, party) = match stream.role {
            StreamRole::RelayCalling => (Side::Calling, StreamRole::Calling),
            StreamRole::RelayCalled => (Side::Called, StreamRole::Called),
            StreamRole::Calling | StreamRole::Called | StreamRole::Left => return None,
        };
        let place = self.place.as_ref().filter(|place| *place.id == *stream.termination.gateway)?;
        let endpoint = EndpointNameBuf::from_parts(&stream.termination.endpoint, place.endpoint.domain())?;
        let owner = Owner::Context(context.unwrap_or(ContextId(0)), side);
        let place = Arc::new(place.at(endpoint));
        let party = stable.streams.iter().find(|stream| stream.role == party);
        let remote = party.map(|party| party.local.clone());
        Some((side, Stream::adopt(settings, place, owner, stream, ConnectionMode::SendRecv, remote)?))
    }

    /// The context of an answered call, as it was.
    pub(super) fn restore(&mut self, settings: &Settings, stable: &CallStable, id: ContextId) {
        let adopted = stable.streams.iter().filter_map(|s| self.adopt(settings, Some(id), stable, s));
        let streams = adopted.collect();
        self.contexts.insert(id, Context { call: stable.call, streams, ended: false });
    }

    /// Asks for the streams of contexts that were taken over; says whether there are any.
    fn resume(&mut self, turn: &mut Turn<'_>) -> bool {
        let resumed = self.contexts.iter().filter(|(_, context)| context.is_sought());
        let resumed: Vec<_> = resumed.map(|(id, _)| *id).collect();
        for id in &resumed {
            for side in [Side::Calling, Side::Called] {
                let Some(stream) = self.contexts.get_mut(id).and_then(|context| context.stream(side)) else {
                    continue;
                };
                let news = stream.verify(turn);
                self.stream_news(turn, *id, side, news);
            }
            self.check_cleared(turn, *id);
        }
        !resumed.is_empty()
    }

    /// A stream of a context that was taken over is there.
    fn found(&mut self, turn: &mut Turn<'_>, id: ContextId, side: Side, flows: bool) {
        let stream = self.contexts.get_mut(&id).and_then(|context| context.stream(side));
        let went_on = stream.map(|stream| stream.go_on(turn, flows, None));
        if let Some(News::Failed(cause)) = went_on {
            self.fail(turn, id, cause);
        }
        if self.contexts.get(&id).is_some_and(|context| !context.is_sought() && !context.ended) {
            turn.context(id, ContextEvent::Modified { side: Side::Called });
        }
    }

    pub(super) fn stream_retry(&mut self, turn: &mut Turn<'_>, id: ContextId, side: Side) {
        if let Some(stream) = self.contexts.get_mut(&id).and_then(|context| context.stream(side)) {
            stream.retry(turn);
        }
        self.check_cleared(turn, id);
    }

    /// The context cannot serve its call.
    fn fail(&mut self, turn: &mut Turn<'_>, id: ContextId, cause: Cause) {
        if self.contexts.get(&id).is_some_and(|context| !context.ended) {
            turn.context(id, ContextEvent::Failed { cause });
            self.end(turn, id);
            self.check_cleared(turn, id);
        }
    }

    fn end(&mut self, turn: &mut Turn<'_>, id: ContextId) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        context.ended = true;
        for (_, stream) in &mut context.streams {
            stream.release(turn);
        }
    }

    fn check_cleared(&mut self, turn: &mut Turn<'_>, id: ContextId) {
        let Some(context) = self.contexts.get(&id) else { return };
        if !context.ended || !context.streams.iter().all(|(_, stream)| stream.is_gone()) {
            return;
        }
        let figures = context.streams.iter().filter_map(|(side, stream)| Some((*side, stream.statistics()?)));
        let statistics = figures.collect();
        self.contexts.remove(&id);
        turn.context(id, ContextEvent::Cleared { statistics });
    }

    /// Deletes everything on the relay, or what belongs to one call.
    fn sweep(&self, turn: &mut Turn<'_>, call: Option<CallIdBuf>) {
        let Some(place) = self.place.as_ref().filter(|place| place.has_all) else { return };
        let all = place.endpoint.local().replace('$', "*");
        if let Some(endpoint) = turn.agent.endpoint(place.gateway, &all) {
            turn.agent.delete_connections(
                turn.now,
                (place.gateway, &endpoint),
                call,
                Tag::RelaySweep(place.gateway),
            );
        }
    }

    /// The relay has been swept, or refuses to be: gateways that cannot do so forget their connections by
    /// themselves.
    pub(super) fn sweep_outcome(
        &mut self,
        turn: &mut Turn<'_>,
        gateway: GatewayId,
        result: Result<Outcome, Failure>,
    ) {
        if let (Some(place), Err(failure)) = (&self.place, result)
            && place.gateway == gateway
        {
            super::stream::alarm(turn, place, "DLCX", &failure);
        }
    }

    /// The gateway is elsewhere now.
    pub(super) fn moved(&mut self, gateway: GatewayId, peer: IpAddr, policy: &AddressPolicy) {
        if let Some(place) = self.place.as_mut().filter(|place| place.gateway == gateway) {
            *place = Arc::new(place.moved(peer, policy.clone()));
        }
    }

    /// The endpoints of a class have said what they can do.
    pub(super) fn learn(&mut self, gateway: GatewayId, class: &str, abilities: &Arc<Abilities>) {
        let place = self.place.as_mut().filter(|place| place.gateway == gateway);
        if let Some(place) = place.filter(|place| census::class(place.endpoint.as_name()) == class) {
            *place = Arc::new(place.able(abilities.clone()));
        }
    }

    fn is_on(&self, gateway: GatewayId) -> bool {
        self.place.as_ref().is_some_and(|place| place.gateway == gateway)
    }

    pub(super) fn gateway_up(&mut self, turn: &mut Turn<'_>, gateway: GatewayId) {
        if self.is_on(gateway) && !self.up {
            self.up = true;
            let left = std::mem::take(&mut self.left);
            if self.resume(turn) {
                return self.survey(turn);
            }
            match &self.place {
                Some(place) if place.has_all => self.sweep(turn, None),
                _ => self.delete(turn, left),
            }
        }
    }

    pub(super) fn gateway_lost(&mut self, turn: &mut Turn<'_>, gateway: GatewayId) {
        if self.is_on(gateway) {
            self.up = false;
            self.survey.break_off();
            let lost = self.lose_all(turn, |_| true);
            self.left.extend(lost);
        }
    }

    pub(super) fn restarted(
        &mut self,
        turn: &mut Turn<'_>,
        gateway: GatewayId,
        endpoints: &EndpointNameBuf,
        method: RestartMethod<'static>,
    ) {
        if !self.is_on(gateway) || !matches!(method, RestartMethod::Restart | RestartMethod::Forced) {
            return;
        }
        let lost = self.lose_all(turn, |endpoint| endpoints.as_name().covers(endpoint.as_name()));
        // A gateway may have announced late that which it did before it was asked for the connections.
        self.delete(turn, lost);
    }

    /// Deletes the connections of calls at places.
    fn delete(&self, turn: &mut Turn<'_>, places: Vec<(EndpointNameBuf, CallId)>) {
        // What a Megaco gateway has kept is compared with what is known when it returns.
        let place = self.place.as_ref().filter(|place| place.protocol == GatewayProtocol::Mgcp);
        let Some(gateway) = place.map(|place| place.gateway) else { return };
        for (endpoint, call) in places {
            let call = Some(CallIdBuf::from_u128(call.0));
            if endpoint.as_name().is_wildcarded() {
                self.sweep(turn, call);
            } else {
                turn.agent.delete_connections(turn.now, (gateway, &endpoint), call, Tag::RelaySweep(gateway));
            }
        }
    }

    /// Streams are lost, and with them the contexts that they belong to; where they were.
    fn lose_all(
        &mut self,
        turn: &mut Turn<'_>,
        is_lost: impl Fn(&EndpointNameBuf) -> bool,
    ) -> Vec<(EndpointNameBuf, CallId)> {
        let mut places = Vec::new();
        for id in self.contexts.keys().copied().collect::<Vec<_>>() {
            let Some(context) = self.contexts.get_mut(&id) else { continue };
            let call = context.call;
            let streams = context.streams.iter_mut().map(|(_, stream)| stream);
            let before = places.len();
            for stream in streams.filter(|stream| !stream.is_gone() && is_lost(stream.endpoint())) {
                stream.lose(turn, None);
                places.push((stream.endpoint().clone(), call));
            }
            if places.len() > before {
                self.fail(turn, id, Cause::NETWORK_OUT_OF_ORDER);
                self.check_cleared(turn, id);
            }
        }
        places.dedup();
        places
    }

    pub(super) fn connection_deleted(
        &mut self,
        turn: &mut Turn<'_>,
        gateway: GatewayId,
        endpoint: &EndpointNameBuf,
        connection: &ConnectionIdBuf,
        statistics: Option<MediaStatistics>,
    ) {
        if !self.is_on(gateway) {
            return;
        }
        let mut contexts = self.contexts.iter();
        let Some((id, _)) = contexts.find(|(_, context)| context.has(endpoint, connection)) else { return };
        let id = *id;
        if let Some(context) = self.contexts.get_mut(&id) {
            let lost = context.streams.iter_mut().find(|(_, stream)| stream.is(endpoint, connection));
            if let Some((_, stream)) = lost {
                stream.lose(turn, statistics);
            }
        }
        self.fail(turn, id, Cause::TEMPORARY_FAILURE);
        self.check_cleared(turn, id);
    }

    pub(super) fn fill(&self, snapshot: &mut Snapshot) {
        let streams = self.contexts.values().flat_map(|context| &context.streams).map(|(_, stream)| stream);
        snapshot.connections.extend(streams.clone().filter_map(Stream::termination));
        snapshot.connections_in_transition += streams.filter(|stream| stream.is_in_transition()).count();
    }
}

impl Context {
    fn has(&self, endpoint: &EndpointNameBuf, connection: &ConnectionIdBuf) -> bool {
        self.streams.iter().any(|(_, stream)| stream.is(endpoint, connection))
    }

    /// Whether a stream was taken over, and its gateway has not said that it is there.
    fn is_sought(&self) -> bool {
        self.streams.iter().any(|(_, stream)| stream.is_sought())
    }

    /// Whether a connection of this call is being created.
    fn creates_for(&self, call: &CallIdBuf) -> bool {
        self.streams.iter().any(|(_, stream)| stream.is_creating_for(call))
    }

    fn stream(&mut self, side: Side) -> Option<&mut Stream> {
        self.streams.iter_mut().find(|(own, _)| *own == side).map(|(_, stream)| stream)
    }
}
