//! What a gateway is told when it is provisioned: its names, its call agents, its endpoints, its timers and limits.
//!
//! RFC 3435 leaves these to "provisioning": the initial notified entity (section 2.1.4), the maximum waiting delay
//! (4.4.6), the disconnected timers (4.4.7), the digit timers (RFC 3660 section 2.2).
//!
//! Limits: only the host names that are listed here are ever resolved, never one that a message mentions.

use std::net::SocketAddr;

use strowger_sansio::Duration;
use strowger_sdp::AddressPolicy;

use super::keepalive::Keepalive;
use super::media::LossReason;
use crate::dialect::Dialect;
use crate::limits::Limits;
use crate::package::PackageSet;
use crate::transaction::{ProtocolTimers, TransactionLimits};

/// Everything that a gateway is provisioned with.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// The domain part of its endpoint names; `[address]` is a legal form.
    pub domain: String,
    /// Other domain parts under which it answers, such as its address in brackets.
    pub aliases: Vec<String>,
    /// The call agents that may command it, each a logical entity with its addresses. The first one is the notified
    /// entity of the endpoints that name none.
    pub call_agents: Vec<CallAgent>,
    /// The endpoints, in the order of [`EndpointIndex`](super::EndpointIndex).
    pub endpoints: Vec<EndpointSpec>,
    /// How it speaks.
    pub dialect: Dialect,
    /// Its timers.
    pub timers: GatewayTimers,
    /// What it keeps at most.
    pub limits: GatewayLimits,
    /// What one datagram may make the codec do.
    pub codec: Limits,
    /// What its call agents may make the transaction layer keep.
    pub transactions: TransactionLimits,
    /// Where media may be sent.
    pub media: AddressPolicy,
}

impl GatewayConfig {
    /// A gateway of one domain, without endpoints, that obeys one call agent.
    #[must_use]
    pub fn new(domain: impl Into<String>, call_agent: CallAgent) -> Self {
        Self {
            domain: domain.into(),
            aliases: Vec::new(),
            call_agents: vec![call_agent],
            endpoints: Vec::new(),
            dialect: Dialect::RFC3435,
            timers: GatewayTimers::default(),
            limits: GatewayLimits::default(),
            codec: Limits::default(),
            transactions: TransactionLimits::default(),
            media: AddressPolicy::default(),
        }
    }

    /// Adds analogue lines `aaln/1` to `aaln/count`.
    #[must_use]
    pub fn with_lines(mut self, count: u32) -> Self {
        self.endpoints.extend((1..=count).map(|n| EndpointSpec::line(format!("aaln/{n}"))));
        self
    }

    /// Adds packet relays `relay/1` to `relay/count`.
    #[must_use]
    pub fn with_relays(mut self, count: u32) -> Self {
        self.endpoints.extend((1..=count).map(|n| EndpointSpec::relay(format!("relay/{n}"))));
        self
    }
}

impl GatewayConfig {
    /// Adds conference bridges `cnf/1` to `cnf/count`.
    #[must_use]
    pub fn with_conferences(mut self, count: u32) -> Self {
        let bridge = |n| EndpointSpec::new(format!("cnf/{n}"), EndpointKind::ConferenceBridge);
        self.endpoints.extend((1..=count).map(bridge));
        self
    }

    /// Adds announcement servers `ann/1` to `ann/count`.
    #[must_use]
    pub fn with_announcements(mut self, count: u32) -> Self {
        let server = |n| EndpointSpec::new(format!("ann/{n}"), EndpointKind::AnnouncementServer);
        self.endpoints.extend((1..=count).map(server));
        self
    }

    /// Adds circuits `ds/unit/1` to `ds/unit/count` with this signalling.
    #[must_use]
    pub fn with_trunks(mut self, unit: &str, count: u32, signalling: TrunkSignalling) -> Self {
        let trunk = |n| EndpointSpec::new(format!("ds/{unit}/{n}"), EndpointKind::Trunk(signalling));
        self.endpoints.extend((1..=count).map(trunk));
        self
    }
}

/// A call agent as the gateway knows it: one logical entity, with all addresses that it may speak from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallAgent {
    /// Its name as a notified entity (`ca@exchange.town`), when it has one.
    pub name: Option<String>,
    /// Where commands to it go.
    pub address: SocketAddr,
    /// Further addresses, tried in this order when the first does not answer, and listened to; port 0 stands for any port of
    /// that host.
    pub others: Vec<SocketAddr>,
    /// Its name in the name service, as the host of the gateway understands it (`ca.example.net:2727`). It is resolved when the
    /// call agent does not answer (RFC 3435 section 4.3).
    pub host: Option<String>,
    /// Whether it understands range wildcards in the names that the gateway uses.
    pub ranges: RangeWildcards,
}

/// Whether a call agent understands range wildcards, which both sides must be provisioned for (RFC 3435 Appendix E.5). Those that it
/// uses itself are always understood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RangeWildcards {
    /// It is told of single endpoints and of `*`.
    #[default]
    Unsupported,
    /// It is told of `aaln/[1-12]` too, until it answers that it knows no such name.
    Supported,
}

impl CallAgent {
    /// An entity with one address.
    #[must_use]
    pub const fn at(address: SocketAddr) -> Self {
        Self { name: None, address, others: Vec::new(), host: None, ranges: RangeWildcards::Unsupported }
    }

    /// The same with a name to resolve when it does not answer.
    #[must_use]
    pub fn resolved_by(mut self, host: impl Into<String>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// The same, understanding range wildcards.
    #[must_use]
    pub const fn with_ranges(mut self) -> Self {
        self.ranges = RangeWildcards::Supported;
        self
    }

    /// The same with a name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

/// One endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointSpec {
    /// The local name: `aaln/1`.
    pub name: String,
    /// What it is.
    pub kind: EndpointKind,
    /// Which of [`GatewayConfig::call_agents`] is its provisioned notified entity.
    pub call_agent: usize,
    /// A digit map to begin with (RFC 3435 section 2.1.5 lets it be provisioned).
    pub digit_map: Option<String>,
    /// Events that it reports before any request, in the form of `B/PR` (RFC 3435 section B.2.1).
    pub persistent_events: Option<String>,
    /// Whether it is in service when the gateway starts.
    pub service: InitialService,
}

impl EndpointSpec {
    /// An analogue line.
    #[must_use]
    pub fn line(name: impl Into<String>) -> Self {
        Self::new(name, EndpointKind::AnalogueLine)
    }

    /// A packet relay.
    #[must_use]
    pub fn relay(name: impl Into<String>) -> Self {
        Self::new(name, EndpointKind::PacketRelay)
    }

    /// An endpoint of any kind.
    #[must_use]
    pub fn new(name: impl Into<String>, kind: EndpointKind) -> Self {
        Self {
            name: name.into(),
            kind,
            call_agent: 0,
            digit_map: None,
            persistent_events: None,
            service: InitialService::In,
        }
    }
}

/// Whether an endpoint starts in service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitialService {
    /// It announces itself with `restart`.
    In,
    /// It announces itself with `forced` and its reason, and refuses all but audits (501).
    Out(LossReason),
}

/// The types of endpoints of RFC 3435 section 2.1.1 that this gateway can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EndpointKind {
    /// Section 2.1.1.2: a telephone on two wires. Default package L.
    AnalogueLine,
    /// Section 2.1.1.6: joins two connections. Default package G.
    PacketRelay,
    /// Section 2.1.1.5: mixes the connections that it has. Default package G.
    ConferenceBridge,
    /// Section 2.1.1.3 and, since it also listens, 2.1.1.4: plays recordings, collects digits and records. Default package A.
    AnnouncementServer,
    /// Section 2.1.1.1: a circuit whose signalling is associated with its channel (RFC 3064). The default package is that of
    /// its signalling.
    Trunk(TrunkSignalling),
}

/// How a circuit is signalled: the packages of RFC 3064 section 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TrunkSignalling {
    /// MF, wink or immediate start.
    Ms,
    /// DTMF or dial pulse, wink or immediate start.
    Dt,
    /// A basic PBX line: the gateway rings, the PBX lifts.
    Bl,
    /// The other end of such a line.
    Do,
    /// MF with Feature Group D.
    Md,
    /// MF towards operator services.
    Mo,
}

impl TrunkSignalling {
    /// All of them, in the order of RFC 3064.
    pub const ALL: [Self; 6] = [Self::Ms, Self::Dt, Self::Bl, Self::Do, Self::Md, Self::Mo];

    /// The name of its package.
    #[must_use]
    pub const fn package(self) -> &'static str {
        match self {
            Self::Ms => "MS",
            Self::Dt => "DT",
            Self::Bl => "BL",
            Self::Do => "DO",
            Self::Md => "MD",
            Self::Mo => "MO",
        }
    }
}

impl EndpointKind {
    /// The packages of this kind, the default one first.
    #[must_use]
    pub const fn packages(self) -> PackageSet {
        PackageSet::new(match self {
            Self::AnalogueLine => &[
                "L", "D", "G", "R", "B", "DM1", "SST", "SL", "FM", "FXR", "VBD", "GPMD", "KY", "BP", "BA",
                "RED", "LCK",
            ],
            Self::PacketRelay => &["G", "R", "FM", "B", "FXR", "BA", "RED", "LCK"],
            Self::ConferenceBridge => &["G", "SST", "SL", "FM", "R", "B", "BA", "RED", "LCK"],
            Self::AnnouncementServer => &["A", "AU", "SL", "FM", "R", "B", "BA", "RED", "LCK"],
            Self::Trunk(TrunkSignalling::Ms) => {
                &["MS", "T", "G", "SL", "FM", "R", "B", "FXR", "VBD", "GPMD", "BA", "RED", "LCK"]
            }
            Self::Trunk(TrunkSignalling::Dt) => {
                &["DT", "D", "T", "G", "SL", "FM", "R", "B", "DM1", "FXR", "VBD", "GPMD", "BA", "RED", "LCK"]
            }
            Self::Trunk(TrunkSignalling::Bl) => {
                &["BL", "D", "T", "G", "SL", "FM", "R", "B", "DM1", "FXR", "VBD", "GPMD", "BA", "RED", "LCK"]
            }
            Self::Trunk(TrunkSignalling::Do) => &[
                "DO", "H", "D", "T", "G", "SL", "FM", "R", "B", "DM1", "FXR", "VBD", "GPMD", "BA", "RED",
                "LCK",
            ],
            Self::Trunk(TrunkSignalling::Md) => {
                &["MD", "T", "G", "SL", "FM", "R", "B", "FXR", "VBD", "GPMD", "BA", "RED", "LCK"]
            }
            Self::Trunk(TrunkSignalling::Mo) => {
                &["MO", "T", "G", "SL", "FM", "R", "B", "FXR", "VBD", "GPMD", "BA", "RED", "LCK"]
            }
        })
    }

    /// How many connections one endpoint of this kind can have: a line for a three-way call and one more in hand, a
    /// relay for its two sides, a bridge and a server for as many as a voice can be found among.
    #[must_use]
    pub const fn connections(self) -> usize {
        match self {
            Self::AnalogueLine | Self::Trunk(_) => 3,
            Self::PacketRelay => 2,
            Self::ConferenceBridge => 64,
            Self::AnnouncementServer => 16,
        }
    }
}

/// The gateway's timers: those of the transaction layer and of restarting, and those of RFC 3660 section 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayTimers {
    /// Retransmission, memory, restart and disconnection: RFC 3435 sections 3.5, 4.4.6 and 4.4.7.
    pub protocol: ProtocolTimers,
    /// T-partial: between digits while more digits are needed.
    pub partial_dial: Duration,
    /// T-critical: when only the timer is missing.
    pub critical_dial: Duration,
    /// A digit held this long is a long one (D/L).
    pub long_digit: Duration,
    /// A connection older than this is a long one (G/ld).
    pub long_connection: Duration,
    /// Signs of life, where the dialect has them.
    pub keepalive: Keepalive,
}

impl Default for GatewayTimers {
    fn default() -> Self {
        Self {
            protocol: ProtocolTimers::default(),
            partial_dial: Duration::from_secs(16),
            critical_dial: Duration::from_secs(4),
            long_digit: Duration::from_secs(2),
            long_connection: Duration::from_secs(3600),
            keepalive: Keepalive::default(),
        }
    }
}

/// What the gateway keeps at most for each endpoint, so that neither a peer nor a playing child can fill its memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayLimits {
    /// Observed events of one notification. 64 digits are more than any numbering plan; B/oef reports the rest.
    pub observed_events: usize,
    /// Quarantined events. As many as can be observed, twice over; B/qbo reports the rest.
    pub quarantined_events: usize,
    /// Events or signals of one request: each may be its own digit, hook transition and tone.
    pub requested_events: usize,
    /// Brief signals that wait for one another.
    pub pending_brief_signals: usize,
    /// Notifications that are unanswered at the same time; a call agent that asks without answering gets no more.
    pub outstanding_notifications: usize,
    /// Commands that wait for the call agent to come back.
    pub held_commands: usize,
    /// The longest answer to an audit: 4000 bytes are what every peer must accept (RFC 3435 section 3.5.4).
    pub response_bytes: usize,
}

impl Default for GatewayLimits {
    fn default() -> Self {
        Self {
            observed_events: 64,
            quarantined_events: 128,
            requested_events: 64,
            pending_brief_signals: 32,
            outstanding_notifications: 4,
            held_commands: 8,
            response_bytes: 4000,
        }
    }
}
