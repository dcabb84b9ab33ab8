//! Who carries out what the lines want: the call agent for gateways that speak MGCP, the controller for those that speak Megaco.
//!
//! Lines, streams and relays ask for the same few things whatever their gateway speaks: create, modify, audit and delete a
//! connection, watch and play, look at an endpoint. The answers are the same too. Here the question goes to the protocol of
//! the gateway, and nobody above knows which that is, but for the names of tones (see `signal`).

use std::net::SocketAddr;

use strowger_mgcp::agent::{
    self, CreateConnection, DeleteConnection, GatewayId, ModifyConnection, NotificationRequest,
};
use strowger_mgcp::message::{
    CallIdBuf, ConnectionIdBuf, EndpointNameBuf, ParameterCode, RequestIdBuf, RequestedEventBuf, SignalBuf,
};
use strowger_sansio::{Epoch, NodeId, Rng, Time, Transmit};

use super::circuit_trunk::Part;
use super::gateways::Place;
use super::megaco_line::Megaco;
use super::mgcp_line::{Observed, Terms, Watch};
use super::{Agent, Settings, Tag, gateways};
use crate::{Continuity, GatewayEntry, Inventory, LineId, Precedence, Tone};

/// What a gateway says, whatever it speaks.
#[derive(Debug)]
pub(crate) enum News {
    /// In the words of the call agent.
    Agent(Box<agent::Event<Tag>>),
    /// An endpoint observed something under the request of this name.
    Observed { gateway: GatewayId, endpoint: EndpointNameBuf, request: RequestIdBuf, observed: Observed },
    /// An endpoint does not do any more what it was asked for last.
    Forgotten { gateway: GatewayId, endpoint: EndpointNameBuf },
    /// A gateway told its packages.
    Packages { gateway: GatewayId, packages: Vec<String> },
    /// A gateway told its terminations: those in no context, and those in one, streams among them.
    Terminations { gateway: GatewayId, idle: Vec<EndpointNameBuf>, busy: Vec<EndpointNameBuf> },
    /// A gateway has more to do than it can: calls are held back from now on.
    Overloaded { gateway: GatewayId },
}

impl News {
    pub(super) fn agent(event: agent::Event<Tag>) -> Self {
        Self::Agent(Box::new(event))
    }
}

/// Both protocols.
#[derive(Debug)]
pub(crate) struct Control {
    agent: Agent,
    megaco: Megaco,
}

impl Control {
    pub(super) fn new(inventory: &Inventory, node: NodeId, epoch: Epoch, mut rng: Rng) -> Self {
        let megaco = Megaco::new(inventory, node, epoch, &mut rng);
        Self { agent: Agent::new(gateways::agent_config(inventory), node, epoch, rng), megaco }
    }

    pub(crate) const fn agent(&self) -> &Agent {
        &self.agent
    }

    pub(crate) const fn agent_mut(&mut self) -> &mut Agent {
        &mut self.agent
    }

    pub(crate) const fn megaco(&self) -> &Megaco {
        &self.megaco
    }

    pub(crate) const fn megaco_mut(&mut self) -> &mut Megaco {
        &mut self.megaco
    }

    /// Adds a gateway that speaks Megaco.
    pub(super) fn add_megaco(&mut self, now: Time, gateway: GatewayId, entry: &GatewayEntry) {
        self.megaco.add_gateway(now, gateway, entry);
    }

    fn is_megaco(&self, gateway: GatewayId) -> bool {
        self.megaco.serves(gateway)
    }

    /// The name of an endpoint of a gateway; none if that would be no name.
    pub(super) fn endpoint(&self, gateway: GatewayId, local: &str) -> Option<EndpointNameBuf> {
        match self.megaco.domain(gateway) {
            Some(domain) => EndpointNameBuf::from_parts(local, domain),
            None => self.agent.endpoint(gateway, local),
        }
    }

    /// Operations that have no answer, but for the agent's own.
    pub(super) fn pending(&self) -> usize {
        self.agent.pending() - self.agent.probing() + self.megaco.pending()
    }

    /// Whether a gateway can bear one call more, which counts as one then. Only gateways that speak Megaco say that they have too much to do.
    pub(super) fn admits(&mut self, now: Time, gateway: GatewayId, precedence: Precedence) -> bool {
        self.megaco.admits(now, gateway, precedence)
    }

    pub(super) fn create_connection(
        &mut self,
        now: Time,
        (gateway, endpoint): (GatewayId, &EndpointNameBuf),
        create: CreateConnection,
        precedence: Precedence,
        tag: Tag,
    ) {
        if self.is_megaco(gateway) {
            return self.megaco.create(now, (gateway, endpoint), (&create, precedence), tag);
        }
        self.agent.create_connection(now, gateway, endpoint, create, tag);
    }

    pub(super) fn modify_connection(
        &mut self,
        now: Time,
        (gateway, endpoint): (GatewayId, &EndpointNameBuf),
        modify: ModifyConnection,
        tag: Tag,
    ) {
        if self.is_megaco(gateway) {
            return self.megaco.modify(now, (gateway, endpoint), modify, tag);
        }
        self.agent.modify_connection(now, gateway, endpoint, modify, tag);
    }

    pub(super) fn delete_connection(
        &mut self,
        now: Time,
        (gateway, endpoint): (GatewayId, &EndpointNameBuf),
        delete: DeleteConnection,
        tag: Tag,
    ) {
        if self.is_megaco(gateway) {
            return self.megaco.delete(now, (gateway, endpoint), delete.connection_id, tag);
        }
        self.agent.delete_connection(now, gateway, endpoint, delete, tag);
    }

    pub(super) fn delete_connections(
        &mut self,
        now: Time,
        (gateway, endpoint): (GatewayId, &EndpointNameBuf),
        call: Option<CallIdBuf>,
        tag: Tag,
    ) {
        if self.is_megaco(gateway) {
            return self.megaco.delete_all(now, (gateway, endpoint), tag);
        }
        self.agent.delete_connections(now, gateway, endpoint, call, tag);
    }

    pub(super) fn notification_request(
        &mut self,
        now: Time,
        (gateway, endpoint): (GatewayId, &EndpointNameBuf),
        request: NotificationRequest,
        tag: Tag,
    ) {
        self.agent.notification_request(now, gateway, endpoint, request, tag);
    }

    /// Gives ringing tone at a place towards whoever is at the other end of its circuit, or ends it.
    pub(super) fn ring_back(
        &mut self,
        now: Time,
        place: &Place,
        on: bool,
        settings: &Settings,
        circuit: LineId,
    ) {
        let tones = super::signal::tone(Tone::Ringback, place.protocol, settings);
        let Some(tone) = tones.first() else { return };
        let at = (place.gateway, &place.endpoint);
        let tag = Tag::Tone(circuit);
        if self.is_megaco(place.gateway) {
            let lasts = on.then_some(settings.timers.ringing);
            return self.megaco.ring_back(now, at, lasts, tag);
        }
        let signals = SignalBuf::parse(tone).filter(|_| on).into_iter().collect();
        let request = NotificationRequest { signals, ..NotificationRequest::default() };
        self.agent.notification_request(now, place.gateway, &place.endpoint, request, tag);
    }

    /// Has the endpoint of a circuit do its part of a test of continuity, and what it is asked for besides where it signals too.
    pub(super) fn test_continuity(
        &mut self,
        now: Time,
        place: &Place,
        part: Part,
        besides: NotificationRequest,
        tag: Tag,
    ) {
        let at = (place.gateway, &place.endpoint);
        if self.is_megaco(place.gateway) {
            return self.megaco.test_continuity(now, at, part, tag);
        }
        let (signal, events): (_, &[&str]) = match part {
            Part::Test(Continuity::Loopback) => (Some("T/co1"), &["T/co1(N)", "T/oc(N)", "T/of(N)"]),
            Part::Test(Continuity::Transponder) => (Some("T/co1"), &["T/co2(N)", "T/oc(N)", "T/of(N)"]),
            Part::Respond(Continuity::Loopback) => (Some("T/lb(+)"), &[]),
            Part::Respond(Continuity::Transponder) => (Some("T/ct(in=co1,out=co2,+)"), &[]),
            Part::Stop(Continuity::Loopback) => (Some("T/lb(-)"), &[]),
            Part::Stop(Continuity::Transponder) => (Some("T/ct(in=co1,out=co2,-)"), &[]),
            Part::Rest => (None, &[]),
        };
        let mut request = besides;
        request.events.extend(events.iter().filter_map(|event| RequestedEventBuf::parse(event)));
        request.signals.extend(signal.and_then(SignalBuf::parse));
        self.agent.notification_request(now, place.gateway, &place.endpoint, request, tag);
    }

    /// What a line on a gateway that speaks Megaco is to watch for and to play; the name of the request.
    pub(super) fn watch(
        &mut self,
        now: Time,
        (gateway, endpoint): (GatewayId, &EndpointNameBuf),
        watch: &Watch,
        terms: &Terms<'_>,
        tag: Tag,
    ) -> RequestIdBuf {
        self.megaco.watch(now, (gateway, endpoint), watch, terms, tag)
    }

    pub(super) fn audit_endpoint(
        &mut self,
        now: Time,
        (gateway, endpoint): (GatewayId, &EndpointNameBuf),
        info: Vec<ParameterCode<'static>>,
        tag: Tag,
    ) {
        if self.is_megaco(gateway) {
            return self.megaco.audit_line(now, (gateway, endpoint), tag);
        }
        self.agent.audit_endpoint(now, gateway, endpoint, info, tag);
    }

    pub(super) fn audit_many(
        &mut self,
        now: Time,
        (gateway, endpoints): (GatewayId, &EndpointNameBuf),
        start: Option<String>,
        tag: Tag,
    ) {
        self.agent.audit_many(now, gateway, endpoints, start, tag);
    }

    pub(super) fn audit_connection(
        &mut self,
        now: Time,
        (gateway, endpoint): (GatewayId, &EndpointNameBuf),
        connection: ConnectionIdBuf,
        info: Vec<ParameterCode<'static>>,
        tag: Tag,
    ) {
        if self.is_megaco(gateway) {
            return self.megaco.audit_connection(now, (gateway, endpoint), connection, &info, tag);
        }
        self.agent.audit_connection(now, gateway, endpoint, connection, info, tag);
    }

    pub(super) fn handle_resolved(&mut self, now: Time, gateway: GatewayId, addresses: &[SocketAddr]) {
        if self.is_megaco(gateway) {
            return self.megaco.handle_resolved(now, gateway, addresses);
        }
        self.agent.handle_resolved(now, gateway, addresses);
    }

    pub(super) fn handle_timeout(&mut self, now: Time) {
        self.agent.handle_timeout(now);
        self.megaco.handle_timeout(now);
    }

    pub(crate) fn poll_transmit(&mut self) -> Option<Transmit> {
        self.agent.poll_transmit().or_else(|| self.megaco.poll_transmit())
    }

    pub(super) fn poll_event(&mut self) -> Option<News> {
        self.agent.poll_event().map(News::agent).or_else(|| self.megaco.poll_event())
    }

    pub(super) fn poll_timeout(&self) -> Option<Time> {
        [self.agent.poll_timeout(), self.megaco.poll_timeout()].into_iter().flatten().min()
    }
}
