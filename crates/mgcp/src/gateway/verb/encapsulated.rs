//! What a command carries besides its own purpose: a notification request, an endpoint configuration, a new notified entity.
//!
//! Their fate is shared (RFC 3435 sections 2.3.3 and 2.3.5): they are all found good before anything happens, and put in force together.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use strowger_sansio::Time;

use super::Origin;
use super::redirect::red;
use crate::digitmap::DigitMap;
use crate::gateway::endpoint::Endpoint;
use crate::gateway::entity::{Alternate, Entity};
use crate::gateway::media::{ConnectionHandle, EndpointIndex, MediaPlane};
use crate::gateway::pending::{Wait, fetch};
use crate::gateway::prepare::{Current, Prepared, Reader};
use crate::gateway::reach::Reach;
use crate::gateway::refusal::{Refusal, refuse};
use crate::gateway::signals::Begun;
use crate::gateway::{Agent, Gateway};
use crate::message::{BearerEncoding, BearerInformation, Command, NotifiedEntity, ParameterCode, ReturnCode};
use crate::transaction::PeerId;

/// How many notified entities a list may have: each is tried for a part of T-MAX.
const ALTERNATES: usize = 8;

/// What a command carries for one endpoint, found good.
pub(super) struct Encapsulated {
    prepared: Option<Prepared>,
    entity: Option<Entity>,
    alternates: Option<Vec<Alternate>>,
    lockstep: Option<u16>,
    bearer: Option<BearerEncoding>,
    reset: Reset,
    domain: usize,
    origin: Origin,
}

/// Whether an endpoint is reset: RED/R (RFC 3991 section 2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reset {
    No,
    Yes,
}

/// The same, with its signals started.
#[must_use = "what was begun must be committed or aborted"]
pub(super) struct Started {
    carried: Encapsulated,
    begun: Option<Begun>,
}

/// The parameters of a notification request: without X there is none that they could belong to.
const OF_REQUESTS: [ParameterCode<'static>; 6] = [
    ParameterCode::RequestedEvents,
    ParameterCode::SignalRequests,
    ParameterCode::DigitMap,
    ParameterCode::QuarantineHandling,
    ParameterCode::DetectEvents,
    ParameterCode::Package { package: "B", name: "PR" },
];

impl Gateway {
    /// Finds out what a command carries for an endpoint, and whether it can be done.
    pub(super) fn encapsulated(
        &self,
        origin: Origin,
        command: &Command<'_>,
        index: EndpointIndex,
        domain: usize,
        current: Current<'_>,
        plane: &dyn MediaPlane,
    ) -> Result<Encapsulated, Refusal> {
        self.encapsulated_like(origin, command, (index, domain), current, &[], plane)
    }

    /// The same for one of several endpoints: `maps` are those that another one has had compiled.
    pub(super) fn encapsulated_like(
        &self,
        origin: Origin,
        command: &Command<'_>,
        (index, domain): (EndpointIndex, usize),
        current: Current<'_>,
        maps: &[Arc<DigitMap>],
        plane: &dyn MediaPlane,
    ) -> Result<Encapsulated, Refusal> {
        let Some(endpoint) = self.endpoint(index) else {
            return Err(refuse(ReturnCode::UNKNOWN_ENDPOINT, "there is no such endpoint"));
        };
        let named = command.parameters.get(ParameterCode::NotifiedEntity);
        let entity = match named.or_else(|| command.parameters.get(red("N"))) {
            Some(text) => Some(self.entity(text, origin)?),
            None => None,
        };
        let alternates = match command.parameters.get(red("NL")) {
            Some(text) => Some(self.alternates(text, origin)?),
            None => None,
        };
        let reset = match command.parameters.get(red("R")) {
            Some(text) if text.eq_ignore_ascii_case("reset") => Reset::Yes,
            Some(_) => return Err(refuse(ReturnCode::COMMAND_PARAMETER, "RED/R can only be \"reset\"")),
            None => Reset::No,
        };
        let reader = Reader {
            endpoint,
            packages: endpoint.packages(),
            dialect: self.dialect,
            current,
            plane,
            hook: plane.hook(index),
            ring_cycle: plane.capabilities().ring_cycle,
            codec: &self.codec,
            limits: &self.limits,
            maps,
            compiled: Cell::new(0),
        };
        let prepared = match command.request_id() {
            Some(id) => Some(reader.read(command, id, named.map(str::to_owned))?),
            None => {
                let stray = OF_REQUESTS.iter().any(|code| command.parameters.contains(*code));
                if stray {
                    let text = "a notification request has a request identifier";
                    return Err(refuse(ReturnCode::PROTOCOL_ERROR, text));
                }
                None
            }
        };
        let bearer = command.bearer().and_then(BearerInformation::encoding);
        let lockstep = lockstep(command)?;
        Ok(Encapsulated { prepared, entity, alternates, lockstep, bearer, reset, domain, origin })
    }

    /// Who a notified entity is. Only configured call agents can be one: nobody else gets what subscribers dial.
    ///
    /// An address must be one of theirs. A name that none of them is known by belongs to the agent that sends it, since names are
    /// not resolved here.
    pub(in crate::gateway) fn entity(&self, text: &str, origin: Origin) -> Result<Entity, Refusal> {
        if text.is_empty() {
            return Ok(Entity::Source(Some((origin.peer, origin.from))));
        }
        let name = NotifiedEntity::parse(text)
            .ok_or_else(|| refuse(ReturnCode::PROTOCOL_ERROR, "the notified entity is malformed"))?;
        let literal = name.domain().strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let peer = match literal.and_then(|ip| ip.parse().ok()) {
            Some(ip) => self.peer_at(SocketAddr::new(ip, name.port())).ok_or_else(|| {
                refuse(ReturnCode::COMMAND_PARAMETER, "the notified entity is not a configured call agent")
            })?,
            None => self.peer_named(name).unwrap_or(origin.peer),
        };
        Ok(Entity::Named(peer, text.to_owned()))
    }

    /// Who the notified entities of a list are: RED/NL (RFC 3991 section 2.1).
    pub(in crate::gateway) fn alternates(
        &self,
        text: &str,
        origin: Origin,
    ) -> Result<Vec<Alternate>, Refusal> {
        let names = text.split(',').map(str::trim_ascii).filter(|_| !text.is_empty());
        let mut list = Vec::new();
        for name in names {
            if list.len() >= ALTERNATES {
                return Err(refuse(ReturnCode::NO_RESOURCES, "too many notified entities"));
            }
            match self.entity(name, origin)? {
                Entity::Named(peer, name) => list.push((peer, name)),
                Entity::Source(_) => {
                    let text = "a list of notified entities has no empty names";
                    return Err(refuse(ReturnCode::PROTOCOL_ERROR, text));
                }
            }
        }
        Ok(list)
    }

    /// The agent at an address; of several on one host the one that has the port, if any has.
    fn peer_at(&self, named: SocketAddr) -> Option<PeerId> {
        let ip = named.ip().to_canonical();
        let on_host = |address: &SocketAddr| address.ip().to_canonical() == ip;
        let at_port = |address: &SocketAddr| on_host(address) && address.port() == named.port();
        let find = |wanted: &dyn Fn(&SocketAddr) -> bool| {
            self.agents.iter().find(|Agent { config, .. }| {
                std::iter::once(&config.address).chain(&config.others).any(wanted)
            })
        };
        find(&at_port).or_else(|| find(&on_host)).map(|agent| agent.peer)
    }

    fn peer_named(&self, name: NotifiedEntity<'_>) -> Option<PeerId> {
        let known_as = |agent: &&Agent| {
            let known = agent.config.name.as_deref().and_then(NotifiedEntity::parse);
            known.is_some_and(|known| {
                known.domain().eq_ignore_ascii_case(name.domain())
                    && known
                        .local()
                        .unwrap_or_default()
                        .eq_ignore_ascii_case(name.local().unwrap_or_default())
            })
        };
        self.agents.iter().find(known_as).map(|agent| agent.peer)
    }
}

impl Encapsulated {
    /// The digit maps that it came with.
    pub(super) fn maps(&self) -> Vec<Arc<DigitMap>> {
        self.prepared.iter().flat_map(Prepared::maps).cloned().collect()
    }

    /// Adds what its signals wait for.
    pub(super) fn fetch(
        &self,
        now: Time,
        index: EndpointIndex,
        plane: &mut dyn MediaPlane,
        waits: &mut BTreeSet<Wait>,
    ) {
        if let Some(prepared) = &self.prepared {
            fetch(now, index, prepared, plane, waits);
        }
    }

    /// Starts the signals: the last thing that can be refused.
    pub(super) fn begin(
        self,
        endpoint: &mut Endpoint,
        leaving: Option<ConnectionHandle>,
        reach: &mut Reach<'_>,
    ) -> Result<Started, Refusal> {
        let begun = match &self.prepared {
            None => None,
            Some(prepared) => {
                let begun = endpoint.begin_signals(&prepared.request.signals, leaving, reach);
                Some(begun.map_err(|code| refuse(code, "a signal cannot be generated"))?)
            }
        };
        Ok(Started { carried: self, begun })
    }
}

impl Started {
    /// Takes back what was started.
    pub(super) fn abort(self, endpoint: &mut Endpoint, reach: &mut Reach<'_>) {
        if let Some(begun) = self.begun {
            endpoint.machine.signals.abort(begun, reach);
        }
    }

    /// Puts everything in force.
    pub(super) fn commit(self, endpoint: &mut Endpoint, reach: &mut Reach<'_>) {
        let Encapsulated { prepared, entity, alternates, lockstep, bearer, reset, domain, origin } =
            self.carried;
        if reset == Reset::Yes {
            endpoint.clean(reach);
        }
        endpoint.domain = domain;
        match (entity, &endpoint.entity) {
            (Some(entity), _) => endpoint.set_entity(entity),
            (None, Entity::Source(_)) => {
                endpoint.set_entity(Entity::Source(Some((origin.peer, origin.from))));
            }
            (None, Entity::Named(..)) => {}
        }
        if let Some(alternates) = alternates {
            endpoint.set_alternates(alternates);
        }
        if bearer.is_some() {
            endpoint.bearer = bearer;
        }
        if let Some(seconds) = lockstep {
            endpoint.lockstep = seconds;
            endpoint.time_lockstep(reach);
        }
        if let (Some(Prepared { request, persistent, compiled }), Some(begun)) = (prepared, self.begun) {
            reach.counters.digit_maps += u64::from(compiled);
            if let Some(persistent) = persistent {
                endpoint.machine.persistent = persistent;
            }
            endpoint.commit_request(request, begun, reach);
        }
    }
}

/// LCK/LST: seconds (RFC 3992 section 2.1).
fn lockstep(command: &Command<'_>) -> Result<Option<u16>, Refusal> {
    let code = ParameterCode::Package { package: "LCK", name: "LST" };
    let Some(text) = command.parameters.get(code) else { return Ok(None) };
    let digits = (1..=4).contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_digit());
    match text.parse().ok().filter(|_| digits) {
        Some(seconds) => Ok(Some(seconds)),
        None => Err(refuse(ReturnCode::COMMAND_PARAMETER, "LCK/LST is a number from 0 to 9999")),
    }
}
