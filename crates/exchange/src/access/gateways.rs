//! The gateways of the inventory, as the agent and the adapters know them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use strowger_mgcp::agent::{AgentConfig, GatewayConfig, GatewayId};
use strowger_mgcp::dialect::{AllWildcard, Dialect};
use strowger_mgcp::message::{EndpointNameBuf, NotifiedEntityBuf};
use strowger_sansio::Time;
use strowger_sdp::{AddressPolicy, Hosts};

use super::census::Abilities;
use super::control::Control;
use crate::{
    Cic, CircuitId, DialectChoice, EndpointsView, GatewayEntry, GatewayProtocol, GatewayView, Inventory,
    LineId, MegacoView, ServiceState, TrunkId,
};

/// Where something is: a gateway and an endpoint on it, with what goes for all of its connections.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) gateway: GatewayId,
    /// The gateway's id in the inventory.
    pub(super) id: Arc<str>,
    pub(super) protocol: GatewayProtocol,
    pub(super) endpoint: EndpointNameBuf,
    /// Where its session descriptions come from …
    pub(super) peer: IpAddr,
    /// … and which addresses they may name.
    pub(super) policy: AddressPolicy,
    /// Whether `*` in an endpoint's name stands for all endpoints there.
    pub(super) has_all: bool,
    /// Whether its gateway answers questions about connections.
    pub(super) audits: bool,
    /// What its endpoint can do, as far as its gateway has said.
    pub(super) abilities: Arc<Abilities>,
    /// The encoding names of the codecs that it is asked for.
    pub(super) codecs: Arc<[String]>,
}

impl Place {
    /// The same gateway, another endpoint.
    pub(super) fn at(&self, endpoint: EndpointNameBuf) -> Self {
        let (id, policy) = (self.id.clone(), self.policy.clone());
        let (abilities, codecs) = (self.abilities.clone(), self.codecs.clone());
        let Self { gateway, protocol, peer, has_all, audits, .. } = *self;
        Self { gateway, id, protocol, endpoint, peer, policy, has_all, audits, abilities, codecs }
    }

    /// The same endpoint of a gateway that is elsewhere now.
    pub(super) fn moved(&self, peer: IpAddr, policy: AddressPolicy) -> Self {
        Self { peer, policy, ..self.at(self.endpoint.clone()) }
    }

    /// The same endpoint, of which more is known.
    pub(super) fn able(&self, abilities: Arc<Abilities>) -> Self {
        Self { abilities, ..self.at(self.endpoint.clone()) }
    }
}

/// One gateway.
#[derive(Debug)]
pub(super) struct Gateway {
    pub(super) number: GatewayId,
    pub(super) id: Arc<str>,
    protocol: GatewayProtocol,
    pub(super) service: ServiceState,
    /// Whether the agent took it: it did not when the inventory contradicts itself.
    accepted: bool,
    peer: IpAddr,
    policy: AddressPolicy,
    /// Hosts besides its own that its session descriptions may name.
    media: Vec<IpAddr>,
    has_all: bool,
    audits: bool,
    codecs: Arc<[String]>,
}

impl Gateway {
    fn place(&self, endpoint: EndpointNameBuf) -> Place {
        Place {
            gateway: self.number,
            id: self.id.clone(),
            protocol: self.protocol,
            endpoint,
            peer: self.peer,
            policy: self.policy.clone(),
            has_all: self.has_all,
            audits: self.audits,
            abilities: Arc::default(),
            codecs: self.codecs.clone(),
        }
    }
}

/// All of them; a gateway's number is its place in the inventory.
#[derive(Debug)]
pub(super) struct Gateways {
    list: Vec<Gateway>,
    lines: BTreeMap<(GatewayId, EndpointNameBuf), LineId>,
    by_gateway: BTreeMap<GatewayId, Vec<EndpointNameBuf>>,
    by_id: BTreeMap<Arc<str>, GatewayId>,
    relays: BTreeSet<(GatewayId, EndpointNameBuf)>,
    circuits: BTreeMap<CircuitId, (GatewayId, EndpointNameBuf)>,
    /// The codecs of lines that have lists of their own.
    codecs: BTreeMap<LineId, Arc<[String]>>,
}

impl Gateways {
    pub(super) fn new(now: Time, inventory: &Inventory, agent: &mut Control) -> Self {
        let list = inventory.gateways.iter().zip(0..).map(|(entry, number)| {
            let number = GatewayId(number);
            let (has_all, audits, accepted) = match entry.protocol {
                GatewayProtocol::Mgcp => {
                    let config = config(number, entry);
                    let has_all = config.dialect.all_wildcard == AllWildcard::All;
                    let audits = config.dialect.audit;
                    (has_all, audits, agent.agent_mut().add_gateway(now, config).is_ok())
                }
                GatewayProtocol::Megaco => {
                    agent.add_megaco(now, number, entry);
                    (false, true, true)
                }
            };
            let hosts =
                if entry.media.is_empty() { Hosts::Peer } else { Hosts::PeerAnd(entry.media.clone()) };
            Gateway {
                number,
                id: entry.id.as_str().into(),
                protocol: entry.protocol,
                service: ServiceState::Unknown,
                accepted,
                peer: entry.address.ip(),
                policy: AddressPolicy { hosts },
                media: entry.media.clone(),
                has_all,
                audits,
                codecs: inventory.codecs.encoding_names(inventory.country, &entry.id, None).into(),
            }
        });
        let list: Vec<Gateway> = list.collect();
        let mut by_id = BTreeMap::new();
        for gateway in list.iter().filter(|gateway| gateway.accepted) {
            by_id.entry(gateway.id.clone()).or_insert(gateway.number);
        }
        let (lines, by_gateway) = (BTreeMap::new(), BTreeMap::new());
        let mut gateways = Self {
            list,
            lines,
            by_gateway,
            by_id,
            relays: BTreeSet::new(),
            circuits: BTreeMap::new(),
            codecs: BTreeMap::new(),
        };
        let lines = inventory.lines.iter().zip(0..);
        for (line, id) in lines.filter(|(line, _)| line.phone().is_none()) {
            if let Some(place) = gateways.place(agent, line.gateway(), line.endpoint()) {
                if inventory.codecs.lines.contains_key(&line.number) {
                    let own = Some(line.number.as_str());
                    let own = inventory.codecs.encoding_names(inventory.country, line.gateway(), own);
                    gateways.codecs.insert(LineId(id), own.into());
                }
                gateways.by_gateway.entry(place.gateway).or_default().push(place.endpoint.clone());
                gateways.lines.entry((place.gateway, place.endpoint)).or_insert(LineId(id));
            }
        }
        for entry in &inventory.gateways {
            let relay =
                entry.relay.as_ref().and_then(|relay| gateways.place(agent, &entry.id, &relay.endpoint));
            if let Some(relay) = relay {
                gateways.relays.insert((relay.gateway, relay.endpoint));
            }
        }
        for (circuit, entry) in inventory.circuits() {
            if let Some(place) = gateways.place(agent, &entry.gateway, &entry.endpoint) {
                gateways.by_gateway.entry(place.gateway).or_default().push(place.endpoint.clone());
                gateways.circuits.entry(circuit).or_insert((place.gateway, place.endpoint));
            }
        }
        gateways
    }

    /// Where the bearer of a circuit is.
    pub(super) fn circuit_place(&self, trunk: TrunkId, cic: Cic) -> Option<Place> {
        let (gateway, endpoint) = self.circuits.get(&CircuitId { trunk, cic })?;
        self.known(*gateway, endpoint)
    }

    fn place(&self, agent: &Control, id: &str, endpoint: &str) -> Option<Place> {
        let gateway = self.get(*self.by_id.get(id)?)?;
        Some(gateway.place(agent.endpoint(gateway.number, endpoint)?))
    }

    /// Where the lines are. A line whose gateway or endpoint name is not legal, or whose endpoint is another
    /// line's, is nowhere.
    pub(super) fn line_places(&self) -> impl Iterator<Item = (LineId, Place)> {
        self.lines.iter().filter_map(|((gateway, endpoint), line)| {
            let place = self.known(*gateway, endpoint)?;
            let codecs = self.codecs.get(line).unwrap_or(&place.codecs).clone();
            Some((*line, Place { codecs, ..place }))
        })
    }

    /// Where the relays are, with the wildcard that stands for any one of their endpoints.
    pub(super) fn relay_places(&self) -> impl Iterator<Item = Place> {
        self.relays.iter().filter_map(|(gateway, endpoint)| self.known(*gateway, endpoint))
    }

    fn known(&self, gateway: GatewayId, endpoint: &EndpointNameBuf) -> Option<Place> {
        Some(self.get(gateway)?.place(endpoint.clone()))
    }

    pub(super) fn line_at(&self, gateway: GatewayId, endpoint: &EndpointNameBuf) -> Option<LineId> {
        // A tuple of references does not look up a tuple of values.
        self.lines.get(&(gateway, endpoint.clone())).copied()
    }

    /// Whether a name, with wildcards or not, means any endpoint of the inventory.
    pub(super) fn has_endpoint_under(&self, gateway: GatewayId, pattern: &EndpointNameBuf) -> bool {
        let pattern = pattern.as_name();
        let own = self.by_gateway.get(&gateway).map(Vec::as_slice).unwrap_or_default();
        own.iter().any(|endpoint| pattern.covers(endpoint.as_name()))
            || self.relays.iter().any(|(number, endpoint)| {
                *number == gateway
                    && (pattern.covers(endpoint.as_name()) || endpoint.as_name().covers(pattern))
            })
    }

    /// The number of a gateway.
    pub(super) fn number(&self, id: &str) -> Option<GatewayId> {
        self.by_id.get(id).copied()
    }

    /// The name of a gateway stands for these addresses now: who that is, and which hosts its descriptions may name.
    pub(super) fn moved(
        &mut self,
        id: &str,
        addresses: &[SocketAddr],
    ) -> Option<(GatewayId, IpAddr, AddressPolicy)> {
        let number = *self.by_id.get(id)?;
        let known = self.get_mut(number)?;
        if let Some((first, others)) = addresses.split_first() {
            known.peer = first.ip();
            let hosts = others.iter().map(SocketAddr::ip).chain(known.media.iter().copied());
            let hosts: Vec<_> = hosts.collect();
            let hosts = if hosts.is_empty() { Hosts::Peer } else { Hosts::PeerAnd(hosts) };
            known.policy = AddressPolicy { hosts };
        }
        Some((number, known.peer, known.policy.clone()))
    }

    /// The name of all endpoints of a gateway, if it answers to that.
    pub(super) fn all(&self, agent: &Control, gateway: GatewayId) -> Option<EndpointNameBuf> {
        let known = self.get(gateway).filter(|known| known.accepted && known.has_all && known.audits)?;
        agent.endpoint(known.number, "*")
    }

    /// The endpoints that the inventory has of a gateway; a relay's with the wildcard that stands for any one.
    pub(super) fn endpoints_of(&self, gateway: GatewayId) -> Vec<EndpointNameBuf> {
        let lines = self.by_gateway.get(&gateway).into_iter().flatten();
        let relays =
            self.relays.iter().filter(|(number, _)| *number == gateway).map(|(_, endpoint)| endpoint);
        lines.chain(relays).cloned().collect()
    }

    fn get(&self, gateway: GatewayId) -> Option<&Gateway> {
        self.list.get(usize::try_from(gateway.0).ok()?)
    }

    pub(super) fn get_mut(&mut self, gateway: GatewayId) -> Option<&mut Gateway> {
        self.list.get_mut(usize::try_from(gateway.0).ok()?)
    }

    /// A gateway's id in the inventory.
    pub(super) fn id(&self, gateway: GatewayId) -> &str {
        self.get(gateway).map(|gateway| &*gateway.id).unwrap_or_default()
    }

    pub(super) fn views(
        &self,
        view: impl Fn(GatewayId) -> (Option<EndpointsView>, Option<MegacoView>),
    ) -> impl Iterator<Item = GatewayView> {
        self.list.iter().map(move |gateway| {
            let (endpoints, megaco) = view(gateway.number);
            GatewayView { id: gateway.id.to_string(), service: gateway.service, endpoints, megaco }
        })
    }
}

/// The agent of the exchange: its logical name is what gateways are told to notify.
pub(super) fn agent_config(inventory: &Inventory) -> AgentConfig {
    let entity = inventory.agent_address.and_then(|address| {
        let host = match address.ip() {
            IpAddr::V4(ip) => format!("[{ip}]"),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        NotifiedEntityBuf::parse(&format!("{}@{host}:{}", inventory.name, address.port()))
    });
    AgentConfig::new(entity)
}

fn config(number: GatewayId, entry: &GatewayEntry) -> GatewayConfig {
    let dialect = match entry.dialect {
        DialectChoice::Auto | DialectChoice::Rfc3435 => Dialect::RFC3435,
        DialectChoice::Rfc2705 => Dialect::RFC2705,
        DialectChoice::Ncs => Dialect::NCS,
        DialectChoice::Tgcp => Dialect::TGCP,
        DialectChoice::Mgcp01 => Dialect::MGCP_0_1,
        DialectChoice::Osmo => Dialect::OSMO,
    };
    let detect = entry.dialect == DialectChoice::Auto;
    let host = entry.host.clone();
    let addresses = if host.is_some() { Vec::new() } else { vec![entry.address] };
    GatewayConfig { detect, host, ..GatewayConfig::new(number, addresses, &entry.domain, dialect) }
}
