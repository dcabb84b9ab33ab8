//! What an exchange knows of the world: its gateways, lines and routes, as plain data.
//!
//! A host maps its configuration onto these types; nothing here names a file format. Default deny begins here: a
//! gateway, an endpoint or a number that is not in the inventory does not exist.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, SocketAddr};

use strowger_mgcp::message::EndpointNameBuf;

use crate::feature::class::ServiceClass;
use crate::feature::code::{Codes, Service};
use crate::feature::group::GroupEntry;
use crate::feature::setting::Setting;
use crate::feature::subscription::Subscription;
use crate::line::LineEntry;
use crate::route::{RouteEntry, RouteTarget};
use crate::trunk::{Cic, CircuitTrunkEntry, SipDigest, SipSocket, TrunkEntry, TrunkGroupEntry};
use crate::{CallTimers, CodecPlan, Country, FeaturePlan, Limits};

/// Everything that an exchange is told at its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inventory {
    /// The logical name of the exchange: the local part of the notified entity (`N:`) that gateways are told.
    pub name: String,
    /// Where gateways find the call agent, when it differs from the source address of its commands.
    pub agent_address: Option<SocketAddr>,
    /// Tones, codecs and numbering.
    pub country: Country,
    /// The gateways that are commanded, and the only sources that are answered.
    pub gateways: Vec<GatewayEntry>,
    /// The subscribers' lines.
    pub lines: Vec<LineEntry>,
    /// Where numbers go that are not lines.
    pub routes: Vec<RouteEntry>,
    /// Ways to other networks by SIP.
    pub trunks: Vec<TrunkEntry>,
    /// Groups of them.
    pub trunk_groups: Vec<TrunkGroupEntry>,
    /// Ways to other networks by circuits. Their bearers are at the gateways; their signalling is the host's.
    pub circuit_trunks: Vec<CircuitTrunkEntry>,
    /// Where SIP peers find the exchange: what is named in messages. Without it no trunk is in service.
    pub sip: Vec<SipSocket>,
    /// The digests that telephones are asked for, the most wanted first.
    pub digests: Vec<SipDigest>,
    /// What lines have beyond plain calls, by their numbers; a line without an entry has what all have.
    pub subscriptions: BTreeMap<String, Subscription>,
    /// Classes of service.
    pub classes: Vec<ServiceClass>,
    /// Hunt groups.
    pub groups: Vec<GroupEntry>,
    /// Feature codes. None in an inventory that nobody has given any.
    pub codes: Codes,
    /// Numbers that every line may call, whatever its class of service.
    pub emergency: Vec<String>,
    /// What was set since, by the lines' numbers: it is laid over the subscriptions, in this order.
    pub settings: Vec<(String, Setting)>,
    /// Which codecs gateways are asked for.
    pub codecs: CodecPlan,
    /// Whether the parties exchange media directly or through a relay.
    pub media: MediaPolicy,
    /// The codes of the subscribers' features, and what else these go by.
    pub features: FeaturePlan,
    /// How long the phases of a call may last.
    pub timers: CallTimers,
    /// How much may be in progress at once.
    pub limits: Limits,
}

impl Inventory {
    /// An exchange without gateways, lines and routes.
    #[must_use]
    pub fn new(name: &str, country: Country) -> Self {
        Self {
            name: name.to_owned(),
            agent_address: None,
            country,
            gateways: Vec::new(),
            lines: Vec::new(),
            routes: Vec::new(),
            trunks: Vec::new(),
            trunk_groups: Vec::new(),
            circuit_trunks: Vec::new(),
            sip: Vec::new(),
            digests: vec![SipDigest::Sha256, SipDigest::Md5],
            subscriptions: BTreeMap::new(),
            classes: Vec::new(),
            groups: Vec::new(),
            codes: Codes::none(),
            emergency: Vec::new(),
            settings: Vec::new(),
            codecs: CodecPlan::default(),
            media: MediaPolicy::Direct,
            features: FeaturePlan::of(country),
            timers: CallTimers::default(),
            limits: Limits::default(),
        }
    }

    /// Everything in it that contradicts itself, in the order of its lists; empty when it is sound.
    ///
    /// An exchange made from an unsound inventory still runs: an entry that is at fault is as if it were not
    /// there.
    #[must_use]
    pub fn check(&self) -> Vec<InventoryFault> {
        let mut faults = Vec::new();
        let (mut ids, mut addresses) = (BTreeSet::new(), BTreeSet::new());
        for gateway in &self.gateways {
            if !ids.insert(gateway.id.as_str()) {
                faults.push(InventoryFault::DuplicateGateway(gateway.id.clone()));
            }
            if gateway.host.is_none() && !addresses.insert(gateway.address) {
                faults.push(InventoryFault::DuplicateAddress(gateway.address));
            }
            let relay = gateway.relay.as_ref().map(|relay| relay.endpoint.as_str());
            faults.extend(illegal_name(relay.unwrap_or("*"), &gateway.domain));
        }
        let mut numbers = self.check_lines(&ids, &mut faults);
        faults.extend(crate::feature::check(self, &numbers));
        let of_subscriptions = self.subscriptions.values().flat_map(|line| &line.numbers);
        numbers.extend(of_subscriptions.map(|(number, _)| number.as_str()));
        numbers.extend(self.groups.iter().map(|group| group.number.as_str()));
        self.check_trunks(&mut faults);
        self.check_routes(&numbers, &mut faults);
        if let MediaPolicy::Relay { gateway } = &self.media {
            match self.gateways.iter().find(|entry| entry.id == *gateway) {
                None => faults.push(InventoryFault::UnknownGateway(gateway.clone())),
                Some(entry) if entry.relay.is_none() => {
                    faults.push(InventoryFault::NotARelay(gateway.clone()));
                }
                Some(_) => {}
            }
        }
        faults
    }

    fn check_routes(&self, numbers: &BTreeSet<&str>, faults: &mut Vec<InventoryFault>) {
        let mut prefixes = BTreeSet::new();
        for route in &self.routes {
            if !is_number(&route.prefix) {
                faults.push(InventoryFault::BadNumber(route.prefix.clone()));
            }
            if !prefixes.insert(route.prefix.as_str()) {
                faults.push(InventoryFault::DuplicatePrefix(route.prefix.clone()));
            }
            if route.strip > route.prefix.len() {
                faults.push(InventoryFault::StripsTooMuch(route.prefix.clone()));
            }
            if route.to.is_empty() {
                faults.push(InventoryFault::NoTarget(route.prefix.clone()));
            }
            if route
                .length
                .as_ref()
                .is_some_and(|length| length.is_empty() || usize::from(*length.end()) < route.prefix.len())
            {
                faults.push(InventoryFault::BadLength(route.prefix.clone()));
            }
            for target in &route.to {
                match target {
                    RouteTarget::Line(number) if !numbers.contains(number.as_str()) => {
                        faults.push(InventoryFault::UnknownNumber(number.clone()));
                    }
                    RouteTarget::Trunk(id) if !self.all_trunks().any(|(own, ..)| own == id) => {
                        faults.push(InventoryFault::UnknownTrunk(id.clone()));
                    }
                    RouteTarget::TrunkGroup(id) if !self.trunk_groups.iter().any(|group| group.id == *id) => {
                        faults.push(InventoryFault::UnknownTrunkGroup(id.clone()));
                    }
                    _ => {}
                }
            }
        }
    }
}

/// A name that the gateway's protocol does not allow.
pub(crate) fn illegal_name(endpoint: &str, domain: &str) -> Option<InventoryFault> {
    let legal = EndpointNameBuf::from_parts(endpoint, domain).is_some();
    (!legal).then(|| InventoryFault::IllegalName(format!("{endpoint}@{domain}")))
}

/// Dialled digits with the two keys that are not digits, or an E.164 number with its `+`.
pub(crate) fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+');
    let legal = |c: char| c.is_ascii_digit() || digits.is_none() && matches!(c, '*' | '#');
    let body = digits.unwrap_or(text);
    !body.is_empty() && body.chars().all(legal)
}

/// A media gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayEntry {
    /// The name that the rest of the inventory and the records use.
    pub id: String,
    /// How it is controlled.
    pub protocol: GatewayProtocol,
    /// Where commands go; datagrams from elsewhere are not its. Of a gateway with a name: what that stood for last, unspecified before it was
    /// looked up.
    pub address: SocketAddr,
    /// Its name in the name service, with a port. What it stands for is told by
    /// [`Exchange::handle_resolved`](crate::Exchange::handle_resolved).
    pub host: Option<String>,
    /// The domain of its endpoint names.
    pub domain: String,
    /// The dialect that it speaks.
    pub dialect: DialectChoice,
    /// Addresses that its session descriptions may name. When empty: the address of its signalling alone.
    pub media: Vec<IpAddr>,
    /// Its packet relay, when it has one.
    pub relay: Option<RelayEntry>,
    /// What goes for it when it speaks Megaco.
    pub megaco: MegacoEntry,
}

impl GatewayEntry {
    /// An MGCP gateway whose media come from where its signalling comes from.
    #[must_use]
    pub fn mgcp(id: &str, address: SocketAddr, domain: &str) -> Self {
        Self {
            id: id.to_owned(),
            protocol: GatewayProtocol::Mgcp,
            address,
            host: None,
            domain: domain.to_owned(),
            dialect: DialectChoice::Auto,
            media: Vec::new(),
            relay: None,
            megaco: MegacoEntry::default(),
        }
    }

    /// The same, where the name service knows its address.
    #[must_use]
    pub fn mgcp_named(id: &str, host: &str, domain: &str) -> Self {
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        Self { host: Some(host.to_owned()), ..Self::mgcp(id, nowhere, domain) }
    }

    /// A Megaco gateway whose media come from where its signalling comes from. `domain` completes the names of its terminations
    /// wherever endpoints are named; on the wire they stand alone.
    #[must_use]
    pub fn megaco(id: &str, address: SocketAddr, domain: &str, megaco: MegacoEntry) -> Self {
        Self { protocol: GatewayProtocol::Megaco, megaco, ..Self::mgcp(id, address, domain) }
    }

    /// The same, where the name service knows its address.
    #[must_use]
    pub fn megaco_named(id: &str, host: &str, domain: &str, megaco: MegacoEntry) -> Self {
        Self { protocol: GatewayProtocol::Megaco, megaco, ..Self::mgcp_named(id, host, domain) }
    }
}

/// How a gateway is controlled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GatewayProtocol {
    /// RFC 3435.
    Mgcp,
    /// H.248.1 (RFC 3525).
    Megaco,
}

pub use crate::megaco::{
    MegacoEncoding, MegacoEntry, MegacoProfile, MegacoTransport, NamePlan, NoProfile, NoSignals,
};

/// Which dialect of its protocol a gateway speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum DialectChoice {
    /// The standard's, until the gateway shows another.
    #[default]
    Auto,
    /// RFC 3435 with the packages of RFC 3660.
    Rfc3435,
    /// RFC 2705, as older devices speak it.
    Rfc2705,
    /// PacketCable NCS: `MGCP 1.0 NCS 1.0`.
    Ncs,
    /// PacketCable TGCP: `MGCP 1.0 TGCP 1.0`.
    Tgcp,
    /// `MGCP 0.1` as spoken by older call managers' gateways.
    Mgcp01,
    /// osmo-mgw.
    Osmo,
}

/// A pool of endpoints that join two packet connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayEntry {
    /// The local endpoint name to create on, with the gateway's wildcard for "any one": `relay/$`, or
    /// `rtpbridge/*` of osmo-mgw.
    pub endpoint: String,
}

/// How the media of a call travel.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum MediaPolicy {
    /// From gateway to gateway.
    #[default]
    Direct,
    /// Through two connections of one endpoint of this gateway.
    Relay {
        /// Its id in the inventory.
        gateway: String,
    },
}

/// A contradiction in an inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InventoryFault {
    /// Two gateways have this id.
    DuplicateGateway(String),
    /// Two gateways have this address, so that what comes from there could be either's.
    DuplicateAddress(SocketAddr),
    /// An endpoint name that the grammar of RFC 3435 section 2.1.2 does not allow.
    IllegalName(String),
    /// Two lines have this number.
    DuplicateNumber(String),
    /// Two lines hang on this endpoint.
    DuplicateEndpoint {
        /// The gateway's id.
        gateway: String,
        /// The local endpoint name.
        endpoint: String,
    },
    /// Two routes have this prefix.
    DuplicatePrefix(String),
    /// A line or the media policy names a gateway that is not there.
    UnknownGateway(String),
    /// A route names a line that is not there.
    UnknownNumber(String),
    /// A number or prefix with characters that cannot be dialled.
    BadNumber(String),
    /// A route whose length is empty or shorter than its prefix.
    BadLength(String),
    /// A route that takes away more than its prefix.
    StripsTooMuch(String),
    /// A route to nowhere.
    NoTarget(String),
    /// The media policy names a gateway without a relay.
    NotARelay(String),
    /// Two trunks have this id, or one has that of a gateway.
    DuplicateTrunk(String),
    /// A route names a trunk that is not there.
    UnknownTrunk(String),
    /// Two groups of trunks have this id.
    DuplicateTrunkGroup(String),
    /// A route or a trunk names a group of trunks that is not there.
    UnknownTrunkGroup(String),
    /// Circuits on this gateway are to be signalled by it, which its protocol has no packages for.
    NoSignalling(String),
    /// Two circuits of a trunk have this code.
    DuplicateCircuit(Cic),
    /// A trunk, or a line with a telephone that registers, for which the exchange has no socket.
    NoSocket(String),
    /// A telephone without a user, or two with this one.
    BadUser(String),
    /// A gateway or trunk has an id that stands for telephones that register.
    ReservedId(String),
    /// Two classes of service have this id.
    DuplicateClass(String),
    /// A line's features name a class of service that is not there.
    UnknownClass(String),
    /// A line or group that sends its own calls on to itself.
    ForwardsToItself(String),
    /// A group without members.
    NoMember(String),
    /// Two feature codes that could be meant by the same digits.
    CodesClash(Service, Service),
}

impl fmt::Display for InventoryFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateGateway(id) => write!(f, "two gateways have the id {id:?}"),
            Self::DuplicateAddress(address) => write!(f, "two gateways have the address {address}"),
            Self::IllegalName(name) => write!(f, "{name:?} is not a legal endpoint name"),
            Self::DuplicateNumber(number) => write!(f, "two lines have the number {number:?}"),
            Self::DuplicateEndpoint { gateway, endpoint } => {
                write!(f, "two lines hang on the endpoint {endpoint:?} of the gateway {gateway:?}")
            }
            Self::DuplicatePrefix(prefix) => write!(f, "two routes have the prefix {prefix:?}"),
            Self::UnknownGateway(id) => write!(f, "there is no gateway with the id {id:?}"),
            Self::UnknownNumber(number) => write!(f, "there is no line with the number {number:?}"),
            Self::BadNumber(number) => {
                write!(f, "{number:?} cannot be dialled; expected digits, * and #, or + and digits")
            }
            Self::BadLength(prefix) => {
                write!(f, "the length of the route {prefix:?} is empty or shorter than its prefix")
            }
            Self::StripsTooMuch(prefix) => {
                write!(f, "the route {prefix:?} strips more digits than its prefix has")
            }
            Self::NoTarget(prefix) => write!(f, "the route {prefix:?} has no target"),
            Self::NotARelay(id) => write!(f, "the gateway {id:?} has no relay endpoint"),
            Self::DuplicateTrunk(id) => {
                write!(f, "the id {id:?} of a trunk is that of another or of a gateway")
            }
            Self::UnknownTrunk(id) => write!(f, "there is no trunk with the id {id:?}"),
            Self::DuplicateTrunkGroup(id) => write!(f, "two groups of trunks have the id {id:?}"),
            Self::UnknownTrunkGroup(id) => write!(f, "there is no group of trunks with the id {id:?}"),
            Self::NoSignalling(id) => {
                write!(f, "the gateway {id:?} does not speak MGCP: it cannot signal on circuits")
            }
            Self::DuplicateCircuit(cic) => write!(f, "two circuits of a trunk have the code {}", cic.0),
            Self::NoSocket(id) => write!(f, "the exchange has no SIP socket for {id:?}"),
            Self::BadUser(user) => write!(f, "{user:?} is the user of two telephones, or of none"),
            Self::ReservedId(id) => write!(f, "the id {id:?} stands for telephones that register"),
            Self::DuplicateClass(id) => write!(f, "two classes of service have the id {id:?}"),
            Self::UnknownClass(id) => write!(f, "there is no class of service with the id {id:?}"),
            Self::ForwardsToItself(number) => write!(f, "the calls of {number:?} are sent on to itself"),
            Self::NoMember(number) => write!(f, "the group {number:?} has no members"),
            Self::CodesClash(one, other) => {
                write!(f, "the codes of {} and {} cannot be told apart", one.name(), other.name())
            }
        }
    }
}

impl std::error::Error for InventoryFault {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Features, LineAccess};

    fn town() -> Inventory {
        let mut town = Inventory::new("town", Country::default());
        town.gateways.push(GatewayEntry::mgcp("gw1", "127.0.0.9:2427".parse().unwrap(), "gw1.town"));
        for (number, endpoint) in [("2001", "aaln/1"), ("2002", "aaln/2")] {
            town.lines.push(LineEntry {
                number: number.to_owned(),
                access: LineAccess::endpoint("gw1", endpoint),
                name: None,
                features: Features::default(),
            });
        }
        town
    }

    #[test]
    fn a_sound_inventory_has_no_faults() {
        assert_eq!(town().check(), []);
        assert_eq!(Inventory::new("empty", Country::default()).check(), []);
    }

    #[test]
    fn each_contradiction_is_named() {
        let mut town = town();
        town.lines[1].number = "2001".to_owned();
        town.lines[1].access = LineAccess::endpoint("gw1", "AALN/1");
        town.gateways.push(GatewayEntry::mgcp("gw2", town.gateways[0].address, "two words"));
        town.routes.push(RouteEntry {
            prefix: "9".to_owned(),
            strip: 2,
            add: String::new(),
            length: Some(0..=0),
            to: vec![RouteTarget::Line("2999".to_owned())],
        });
        town.media = MediaPolicy::Relay { gateway: "gw1".to_owned() };
        assert_eq!(
            town.check(),
            [
                InventoryFault::DuplicateAddress("127.0.0.9:2427".parse().unwrap()),
                InventoryFault::IllegalName("*@two words".to_owned()),
                InventoryFault::DuplicateNumber("2001".to_owned()),
                InventoryFault::DuplicateEndpoint {
                    gateway: "gw1".to_owned(),
                    endpoint: "AALN/1".to_owned()
                },
                InventoryFault::StripsTooMuch("9".to_owned()),
                InventoryFault::BadLength("9".to_owned()),
                InventoryFault::UnknownNumber("2999".to_owned()),
                InventoryFault::NotARelay("gw1".to_owned()),
            ]
        );
    }
}
