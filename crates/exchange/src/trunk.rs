//! Trunks: ways to other networks, as plain data, and the channels that calls take on them. There are trunks to SIP peers, and trunks of
//! circuits.
//!
//! A circuit is two things that come by different ways: its bearer is an endpoint of a media gateway, MGCP or Megaco, and its signalling
//! (ISUP, …) is somebody's who knows the circuit by its trunk and code. [`CircuitEvent`] is what that one says, and
//! [`CircuitOrder`] what it is told; the exchange joins both.
//!
//! A trunk has as many channels as calls may use it at a time. To the call model a channel is like a line without features;
//! its number is that of the lines behind the last line of the inventory. Trunks of a group are tried by priority and weight, as the
//! targets of a name are (RFC 2782).

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use strowger_sansio::Duration;

use crate::{CallingParty, Cause, Diversion, GatewayProtocol, Inventory, InventoryFault};

pub use strowger_sip::Transport as SipTransport;
pub use strowger_sip::agent::{Keys as SipKeys, Redirects, Referrals};
pub use strowger_sip::auth::Algorithm as SipDigest;

/// A trunk: its place in the inventory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrunkId(pub u32);

/// A group of trunks: its place in the inventory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrunkGroupId(pub u32);

/// A group of trunks: which of them are tried first, and how many calls all of them have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrunkGroupEntry {
    /// The name that routes use.
    pub id: String,
    /// How many calls its trunks may have together at a time; none: as many as each has channels.
    pub channels: Option<u32>,
}

/// A socket of the exchange for SIP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SipSocket {
    /// What it carries.
    pub transport: SipTransport,
    /// Where peers reach it.
    pub address: SocketAddr,
}

/// A peer that is known by a name: the host looks for its places (RFC 3263), and tells them with
/// [`Exchange::handle_located`](crate::Exchange::handle_located).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrunkName {
    /// The name of a domain or host.
    pub name: String,
    /// The port, when it is given; no SRV records are asked for then.
    pub port: Option<u16>,
    /// The transport, when it is given; no NAPTR records are asked for then.
    pub transport: Option<SipTransport>,
}

/// Who joins two parties of one peer's that a subscriber transfers to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Joins {
    /// The exchange, which stays between them.
    #[default]
    Exchange,
    /// The peer, if it does so when it is asked by REFER (RFC 3515, RFC 3891).
    Peer,
}

/// A trunk to a SIP peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrunkEntry {
    /// The name that routes and records use.
    pub id: String,
    /// Where calls go; unspecified when the peer is known by a name.
    pub address: SocketAddr,
    /// The peer's name, when its address is not given.
    pub name: Option<TrunkName>,
    /// How.
    pub transport: SipTransport,
    /// Its URIs are SIPS URIs: over TLS alone, and behind the peer, too.
    pub sips: bool,
    /// Hosts besides that one that calls may come from.
    pub sources: Vec<IpAddr>,
    /// The domain in addresses; without one, the peer's and the exchange's own addresses.
    pub domain: Option<String>,
    /// Who the exchange is when the peer asks.
    pub user: Option<String>,
    /// Its password.
    pub password: Option<String>,
    /// The exchange registers with the peer, as that user.
    pub register: bool,
    /// How many calls there may be at a time.
    pub channels: u32,
    /// Addresses that its session descriptions may name. When empty: any.
    pub media: Vec<IpAddr>,
    /// How often the peer is asked whether it is there; none: never.
    pub probe: Option<Duration>,
    /// What it says of callers is believed, and it is told who wants to be unknown (RFC 3325).
    pub trusted: bool,
    /// Which contacts are called that the peer sends a call on to.
    pub follows: Redirects,
    /// Whether the peer may transfer who it talks to: to whom its own calls may go (RFC 3515, RFC 3891).
    pub transfers: Referrals,
    /// How keys that are pressed in a call come and go.
    pub keys: SipKeys,
    /// Who joins two parties of the peer's that a subscriber transfers to each other.
    pub joins: Joins,
    /// Calls that come by it may leave by a trunk again.
    pub transit: bool,
    /// The group that it is of.
    pub group: Option<String>,
    /// Those of its group that have a lower number are tried before it.
    pub priority: u16,
    /// Of those with the same number it is tried first so many times in as many as their weights are together.
    pub weight: u16,
}

impl TrunkEntry {
    /// A trunk to a peer that is known by a name.
    #[must_use]
    pub fn named(id: &str, name: TrunkName) -> Self {
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let transport = name.transport.unwrap_or(SipTransport::Udp);
        Self { name: Some(name), transport, ..Self::sip(id, nowhere) }
    }

    /// A trunk with 100 channels to this address, over UDP.
    #[must_use]
    pub fn sip(id: &str, address: SocketAddr) -> Self {
        Self {
            id: id.to_owned(),
            address,
            name: None,
            transport: SipTransport::Udp,
            sips: false,
            sources: Vec::new(),
            domain: None,
            user: None,
            password: None,
            register: false,
            channels: 100,
            media: Vec::new(),
            probe: None,
            trusted: false,
            follows: Redirects::Own,
            transfers: Referrals::Accepted,
            keys: SipKeys::Stream,
            joins: Joins::Exchange,
            transit: false,
            group: None,
            priority: 1,
            weight: 1,
        }
    }
}

/// The code that both ends of a trunk know a circuit by: the circuit identification code (ITU-T Q.763 section 1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cic(pub u16);

/// A circuit: its trunk, behind those of SIP in the order of the inventory, and its code there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CircuitId {
    /// The trunk.
    pub trunk: TrunkId,
    /// The code.
    pub cic: Cic,
}

/// A trunk of circuits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CircuitTrunkEntry {
    /// The name that routes and records use.
    pub id: String,
    /// Its circuits.
    pub circuits: Vec<CircuitEntry>,
    /// Who signals on them.
    pub signalling: CircuitSignalling,
    /// The group that it is of, and its place there, as of a [`TrunkEntry`].
    pub place: GroupPlace,
    /// Calls that come by it may leave by a trunk again.
    pub transit: bool,
}

/// Who signals on the circuits of a trunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum CircuitSignalling {
    /// Whoever speaks by [`Exchange::handle_circuit`](crate::Exchange::handle_circuit).
    #[default]
    Outside,
    /// The media gateway, with signalling bits and multifrequency digits: package `MS` of RFC 3064. It speaks MGCP.
    Mf,
    /// The media gateway, with signalling bits and DTMF digits: package `DT` of RFC 3064. It speaks MGCP.
    Dtmf,
    /// Nobody: no call comes or goes by them. Their continuity can be tested.
    Nobody,
}

/// The place of a trunk among those of its group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupPlace {
    /// The group; none: it is in none.
    pub group: Option<String>,
    /// Those that have a lower number are tried before it.
    pub priority: u16,
    /// Of those with the same number it is tried first so many times in as many as their weights are together.
    pub weight: u16,
}

impl Default for GroupPlace {
    fn default() -> Self {
        Self { group: None, priority: 1, weight: 1 }
    }
}

/// A circuit of a trunk, and where its bearer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CircuitEntry {
    /// Its code.
    pub cic: Cic,
    /// The media gateway that it ends at.
    pub gateway: String,
    /// The local name of its endpoint there: `ds/ds1-1/7`.
    pub endpoint: String,
}

/// How the far end of a circuit answers a test of its continuity (ITU-T Q.724 section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Continuity {
    /// It gives back what comes: circuits of four wires.
    Loopback,
    /// It answers with another tone: where one side has two wires.
    Transponder,
}

/// What came of a test of continuity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContinuityResult {
    /// The answer came in time: the circuit is whole.
    Passed,
    /// The tone ended without the answer.
    NoAnswer,
    /// The gateway could not go on with the tone.
    BrokenOff,
    /// The gateway refused to test: its code, and its words if it had any. They are the gateway's: escape them where they are shown.
    Refused(String),
    /// The gateway could not be asked, or said nothing of it in time.
    NoResult,
    /// The gateway was lost, restarted, or took the circuit out of service.
    BearerLost,
    /// The far end began a call meanwhile, which goes on.
    Seized,
}

impl std::str::FromStr for Continuity {
    type Err = UnknownAnswer;

    /// `loopback` or `transponder`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "loopback" => Ok(Self::Loopback),
            "transponder" => Ok(Self::Transponder),
            _ => Err(UnknownAnswer),
        }
    }
}

/// A word for no answer to a test of continuity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownAnswer;

impl std::fmt::Display for UnknownAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("expected loopback or transponder")
    }
}

impl std::error::Error for UnknownAnswer {}

impl ContinuityResult {
    /// Whether the circuit is whole.
    #[must_use]
    pub fn passed(&self) -> bool {
        *self == Self::Passed
    }
}

impl std::fmt::Display for ContinuityResult {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Passed => "the answer came in time",
            Self::NoAnswer => "the tone ended without an answer",
            Self::BrokenOff => "the gateway could not go on with the tone",
            Self::Refused(answer) => return write!(f, "the gateway refused: {answer}"),
            Self::NoResult => "the gateway said nothing of it in time",
            Self::BearerLost => "the circuit went out of service",
            Self::Seized => "a call came from the far end",
        })
    }
}

/// What the signalling of a circuit says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CircuitEvent {
    /// A call comes for this number.
    Setup {
        /// The called number.
        called: String,
        /// Who calls.
        calling: CallingParty,
    },
    /// The called party is being rung.
    Alerting,
    /// What the far end gives to hear is to be heard.
    Progress,
    /// The called party has answered.
    Answered,
    /// The call is over at the far end. [`CircuitOrder::Cleared`] follows when the bearer is free.
    Released {
        /// Why.
        cause: Cause,
    },
    /// What [`CircuitOrder::Release`] asked for is done: the circuit is idle at the far end too.
    Cleared,
    /// Whether calls may be sent by the circuit. A call on it goes on.
    Open(bool),
    /// Test the continuity of the circuit, which nobody has and whose far end answers so. [`CircuitOrder::Tested`] follows.
    Test(Continuity),
    /// The far end tests the circuit, which nobody has: answer so, until this comes with nothing.
    Respond(Option<Continuity>),
}

/// What the signalling of a circuit is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CircuitOrder {
    /// Call this number. The bearer is there.
    Setup {
        /// The number.
        number: String,
        /// Who calls, whether that is to be shown or not.
        caller: CallingParty,
        /// Who sent the call on, the first first.
        diversions: Vec<Diversion>,
    },
    /// The called party is being rung; ringing tone is given by the bearer's gateway, if it can.
    Alerting,
    /// The bearer carries something to be heard.
    Progress,
    /// The called party has answered.
    Answered,
    /// End the call. [`CircuitEvent::Cleared`] is awaited.
    Release {
        /// Why.
        cause: Cause,
    },
    /// The bearer is free, after [`CircuitEvent::Released`].
    Cleared,
    /// What came of [`CircuitEvent::Test`].
    Tested {
        /// Whether the answer was heard in time.
        passed: bool,
    },
    /// An answered call stands on it that an exchange before this one had: it goes on until either side ends it.
    Standing {
        /// It came by the circuit.
        is_incoming: bool,
    },
    /// Whether the bearer can carry calls: while it cannot, the far end should be told so.
    Bearer {
        /// Whether it can.
        serves: bool,
    },
}

/// What cannot be said of a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CircuitFault {
    /// There is no such circuit.
    Unknown,
    /// Not in the state that it is in: a call for a circuit that has one, an answer without a call.
    Unexpected,
    /// It is not to be tested now: it has a call or a test, or its far end has not let go.
    Taken,
    /// It is not to be tested now: its gateway is not there, or has taken it out of service.
    OutOfService,
}

impl std::fmt::Display for CircuitFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unknown => "there is no such circuit",
            Self::Unexpected => "that cannot happen on the circuit now",
            Self::Taken => "the circuit has a call or a test",
            Self::OutOfService => "the circuit is out of service",
        })
    }
}

impl std::error::Error for CircuitFault {}

impl Inventory {
    /// The identifiers of all trunks, with how many channels each has and whether its calls may leave by a trunk again.
    pub(crate) fn all_trunks(&self) -> impl Iterator<Item = (&str, u32, bool)> {
        let sip = self.trunks.iter().map(|trunk| (trunk.id.as_str(), trunk.channels, trunk.transit));
        let circuits = self.circuit_trunks.iter().map(|trunk| {
            let channels = u32::try_from(trunk.circuits.len()).unwrap_or(u32::MAX);
            (trunk.id.as_str(), channels, trunk.transit)
        });
        sip.chain(circuits)
    }

    /// The groups of all trunks, in their order, with priorities and weights.
    pub(crate) fn places_in_groups(&self) -> impl Iterator<Item = (Option<&str>, u16, u16)> {
        let sip = self.trunks.iter().map(|trunk| (trunk.group.as_deref(), trunk.priority, trunk.weight));
        let circuits = self.circuit_trunks.iter().map(|trunk| {
            let GroupPlace { group, priority, weight } = &trunk.place;
            (group.as_deref(), *priority, *weight)
        });
        sip.chain(circuits)
    }

    /// A trunk of circuits by its number.
    pub(crate) fn circuit_trunk(&self, trunk: TrunkId) -> Option<&CircuitTrunkEntry> {
        self.circuit_trunks.get(usize::try_from(trunk.0).ok()?.checked_sub(self.trunks.len())?)
    }

    /// The circuits with their trunks.
    pub(crate) fn circuits(&self) -> impl Iterator<Item = (CircuitId, &CircuitEntry)> {
        let numbers = (0..).skip(self.trunks.len()).map(TrunkId);
        self.circuit_trunks.iter().zip(numbers).flat_map(|(entry, trunk)| {
            entry.circuits.iter().map(move |own| (CircuitId { trunk, cic: own.cic }, own))
        })
    }

    pub(crate) fn check_trunks(&self, faults: &mut Vec<InventoryFault>) {
        for (at, (id, ..)) in self.all_trunks().enumerate() {
            let before = self.all_trunks().take(at).any(|(other, ..)| other == id);
            if before || self.gateways.iter().any(|gateway| gateway.id == id) {
                faults.push(InventoryFault::DuplicateTrunk(id.to_owned()));
            }
        }
        for trunk in &self.trunks {
            let any = trunk.name.as_ref().is_some_and(|name| name.transport.is_none());
            if !self.sip.iter().any(|socket| any || socket.transport == trunk.transport) {
                faults.push(InventoryFault::NoSocket(trunk.id.clone()));
            }
        }
        for group in self.places_in_groups().filter_map(|(group, ..)| group) {
            if !self.trunk_groups.iter().any(|entry| entry.id == *group) {
                faults.push(InventoryFault::UnknownTrunkGroup(group.to_owned()));
            }
        }
        for (at, group) in self.trunk_groups.iter().enumerate() {
            if self.trunk_groups.iter().take(at).any(|other| other.id == group.id) {
                faults.push(InventoryFault::DuplicateTrunkGroup(group.id.clone()));
            }
        }
        let (mut codes, mut places) = (BTreeSet::new(), BTreeSet::new());
        for line in &self.lines {
            places.insert((line.gateway(), line.endpoint().to_ascii_lowercase()));
        }
        for (circuit, entry) in self.circuits() {
            if !codes.insert(circuit) {
                faults.push(InventoryFault::DuplicateCircuit(circuit.cic));
            }
            match self.gateways.iter().find(|gateway| gateway.id == entry.gateway) {
                None => faults.push(InventoryFault::UnknownGateway(entry.gateway.clone())),
                Some(gateway) => {
                    faults.extend(crate::inventory::illegal_name(&entry.endpoint, &gateway.domain));
                }
            }
            let signals = self.circuit_trunk(circuit.trunk).map(|trunk| trunk.signalling).unwrap_or_default();
            let speaks = self.gateways.iter().find(|gateway| gateway.id == entry.gateway);
            if matches!(signals, CircuitSignalling::Mf | CircuitSignalling::Dtmf)
                && speaks.is_some_and(|gateway| gateway.protocol != GatewayProtocol::Mgcp)
            {
                faults.push(InventoryFault::NoSignalling(entry.gateway.clone()));
            }
            if !places.insert((entry.gateway.as_str(), entry.endpoint.to_ascii_lowercase())) {
                let (gateway, endpoint) = (entry.gateway.clone(), entry.endpoint.clone());
                faults.push(InventoryFault::DuplicateEndpoint { gateway, endpoint });
            }
        }
    }
}
