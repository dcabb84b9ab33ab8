//! From a configuration to endpoints in their clean default state.

use std::collections::BTreeSet;
use std::sync::Arc;

use strowger_sansio::Time;

use super::config::{EndpointKind, EndpointSpec, InitialService};
use super::endpoint::{Association, Endpoint, Provisioned, Service, reason};
use super::entity::{Entity, MessageSupport, address_name};
use super::event::Occurrence;
use super::machine::Machine;
use super::media::{EndpointIndex, Hook, MediaPlane};
use super::prepare::{Current, Reader};
use super::reach::Reach;
use super::{Agent, ConfigError, Gateway, GatewayEvent};
use crate::digitmap::DigitMap;
use crate::message::{EndpointNameBuf, ReasonCode};
use crate::package::{self, PackageSet, Reporting};
use crate::transaction::{Bundling, PeerId};

/// How many events wait for a host that does not read them; older ones are dropped.
const EVENTS: usize = 1024;

/// A configured call agent as a notified entity.
fn entity_of(agent: &Agent) -> Entity {
    let name = agent.config.name.clone().unwrap_or_else(|| address_name(agent.config.address));
    Entity::Named(agent.peer, name)
}

impl Gateway {
    /// Makes the endpoints.
    pub(super) fn provision(&mut self, plane: &dyn MediaPlane) -> Result<(), ConfigError> {
        if self.agents.is_empty() {
            return Err(ConfigError::NoCallAgent);
        }
        let mut seen = BTreeSet::new();
        for index in 0..self.specs.len() {
            let Some(spec) = self.specs.get(index).cloned() else { break };
            let domain = self.domains.first().map_or("", String::as_str);
            let full = EndpointNameBuf::from_parts(&spec.name, domain);
            if full.is_none_or(|name| name.as_name().is_wildcarded()) {
                return Err(ConfigError::Name(spec.name));
            }
            if !seen.insert(spec.name.to_ascii_lowercase()) {
                return Err(ConfigError::Repeated(spec.name));
            }
            let index = EndpointIndex(u32::try_from(index).unwrap_or(u32::MAX));
            let endpoint = self.provisioned(index, &spec, plane)?;
            self.directory.set_free(index, endpoint.service.is_in());
            self.endpoints.push(endpoint);
        }
        Ok(())
    }

    /// A configured call agent as a notified entity.
    pub(super) fn entity_of(&self, peer: PeerId) -> Option<Entity> {
        self.agents.iter().find(|agent| agent.peer == peer).map(entity_of)
    }

    fn provisioned(
        &self,
        index: EndpointIndex,
        spec: &EndpointSpec,
        plane: &dyn MediaPlane,
    ) -> Result<Endpoint, ConfigError> {
        let agent =
            self.agents.get(spec.call_agent).ok_or_else(|| ConfigError::CallAgent(spec.name.clone()))?;
        let entity = entity_of(agent);
        let map = self.compile(spec)?;
        let (service, reason) = match spec.service {
            InitialService::In => (Service::In, ReasonCode::NORMAL),
            InitialService::Out(loss) => (Service::Out, reason(loss)),
        };
        let mut endpoint = Endpoint {
            index,
            kind: spec.kind,
            domain: 0,
            entity: entity.clone(),
            alternates: Vec::new(),
            messages: MessageSupport::Unknown,
            lockstep: 0,
            bearer: None,
            service,
            reason,
            association: Association::Known,
            machine: Machine::new(map.clone(), Vec::new()),
            connections: Vec::new(),
            fax: None,
            carries_data: None,
            held: std::collections::VecDeque::new(),
            unanswered: Vec::new(),
            provisioned: Provisioned { entity, digit_map: map, persistent: Vec::new() },
        };
        let of_lines = self.dialect.persistent_events.filter(|_| spec.kind == EndpointKind::AnalogueLine);
        let always = of_lines.map(str::to_owned).or_else(|| persistent(spec.kind.packages()));
        let read = |text: &String| {
            let reader = Reader {
                endpoint: &endpoint,
                packages: spec.kind.packages(),
                dialect: self.dialect,
                current: Current::None,
                plane,
                hook: plane.hook(index),
                ring_cycle: plane.capabilities().ring_cycle,
                codec: &self.codec,
                limits: &self.limits,
                maps: &[],
                compiled: std::cell::Cell::new(0),
            };
            reader.persistent_events(text).map_err(|_| ConfigError::PersistentEvents(spec.name.clone()))
        };
        let always = always.as_ref().map(read).transpose()?.unwrap_or_default();
        let events = spec.persistent_events.as_ref().map(read).transpose()?.unwrap_or_default();
        endpoint.machine.always = always;
        endpoint.machine.persistent.clone_from(&events);
        endpoint.provisioned.persistent = events;
        Ok(endpoint)
    }

    fn compile(&self, spec: &EndpointSpec) -> Result<Option<Arc<DigitMap>>, ConfigError> {
        let Some(text) = &spec.digit_map else { return Ok(None) };
        let map =
            DigitMap::compile(text, &self.codec).map_err(|_| ConfigError::DigitMap(spec.name.clone()))?;
        Ok(Some(Arc::new(map)))
    }

    /// An off-hook condition that exists when an endpoint starts is an event like any other (section 4.4.1).
    pub(super) fn report_off_hook(&mut self, now: Time, index: EndpointIndex, plane: &mut dyn MediaPlane) {
        let Some((endpoint, mut reach)) = self.visit(index, now, plane) else { return };
        let line = endpoint.packages().contains("L") && endpoint.service.is_in();
        if line && reach.plane.hook(index) == Hook::Off {
            endpoint.occur(Occurrence::new("L", "hd"), &mut reach);
        }
    }

    /// An endpoint.
    pub(super) fn endpoint(&self, index: EndpointIndex) -> Option<&Endpoint> {
        self.endpoints.get(index.0 as usize)
    }

    /// An endpoint, to be changed.
    pub(super) fn endpoint_mut(&mut self, index: EndpointIndex) -> Option<&mut Endpoint> {
        self.endpoints.get_mut(index.0 as usize)
    }

    /// An endpoint with what it may reach.
    pub(super) fn visit<'a>(
        &'a mut self,
        index: EndpointIndex,
        now: Time,
        plane: &'a mut dyn MediaPlane,
    ) -> Option<(&'a mut Endpoint, Reach<'a>)> {
        let bundling = self.bundling();
        let Self { endpoints, timers, durations, limits, counters, joints, outbox, .. } = self;
        let endpoint = endpoints.get_mut(index.0 as usize)?;
        Some((endpoint, Reach { now, plane, timers, durations, limits, counters, joints, outbox, bundling }))
    }

    /// Whether call agents take several messages in one datagram.
    fn bundling(&self) -> Bundling {
        if self.dialect.piggyback { Bundling::Piggyback } else { Bundling::Separate }
    }

    /// The full name of an endpoint, in a form of the domain.
    pub(super) fn full_name(&self, index: EndpointIndex, domain: usize) -> Option<EndpointNameBuf> {
        let domain = self.domains.get(domain).or_else(|| self.domains.first())?;
        EndpointNameBuf::from_parts(self.directory.name(index), domain)
    }

    /// Notes whether an endpoint can be given for `$`.
    pub(super) fn note_free(&mut self, index: EndpointIndex) {
        let is_free = |e: &Endpoint| e.service.is_in() && e.connections.is_empty();
        let free = self.endpoint(index).is_some_and(is_free) && self.pending_connections(index) == 0;
        self.directory.set_free(index, free);
    }

    /// Keeps an event for the host.
    pub(super) fn note(&mut self, event: GatewayEvent) {
        if self.events.len() >= EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }
}

/// The events that packages themselves define as persistent (RFC 3435 section 2.1.7), in the form of `B/PR`.
fn persistent(packages: PackageSet) -> Option<String> {
    let known = packages.names().iter().filter_map(|name| package::find(name));
    let events = known.flat_map(|package| {
        let marked = package
            .items
            .iter()
            .filter(|item| item.event.is_some_and(|event| event.reporting == Reporting::Persistent));
        marked.map(|item| format!("{}/{}", package.name, item.symbol))
    });
    let list: Vec<_> = events.collect();
    (!list.is_empty()).then(|| list.join(","))
}
