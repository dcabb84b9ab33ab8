//! What is configured about the call agent and about each of its gateways.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use crate::dialect::Dialect;
use crate::limits::Limits;
use crate::message::NotifiedEntityBuf;
use crate::transaction::{ProtocolTimers, TransactionLimits};

/// A gateway of the inventory; the number is the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GatewayId(pub u32);

/// The call agent as a whole.
#[derive(Clone, Debug)]
pub struct AgentConfig {
    /// The logical name that gateways are given in `N:`, where their dialect has it: the name of the call agent, not of one
    /// host (RFC 3435 section 2.1.4). Without it no `N:` is sent, and gateways use what they are provisioned with.
    pub notified_entity: Option<NotifiedEntityBuf>,
    /// Timers of the transaction layer.
    pub timers: ProtocolTimers,
    /// When gateways are asked for a sign of life.
    pub supervision: Supervision,
    /// Bounds on what is kept and decoded.
    pub limits: AgentLimits,
}

impl AgentConfig {
    /// The defaults, with `name` for `N:`.
    #[must_use]
    pub fn new(notified_entity: Option<NotifiedEntityBuf>) -> Self {
        Self {
            notified_entity,
            timers: ProtocolTimers::default(),
            supervision: Supervision::default(),
            limits: AgentLimits::default(),
        }
    }
}

/// When gateways are asked for a sign of life. RFC 3435 leaves this to the call agent: without it, a gateway that dies
/// in a quiet hour is missed at the next call only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supervision {
    /// How long a gateway that is up may be silent before it is sent an AUEP. None: never.
    pub keep_alive: Option<Duration>,
    /// The first AUEP to a gateway that has not spoken since it was added is sent after a random part of this, so that a
    /// call agent that starts does not probe its whole network at once. One whose dialect has no notifications, and so never
    /// speaks first, is asked at once.
    pub first_probe: Duration,
    /// The pause between two AUEPs to a gateway that is lost, each drawn from a half to the whole of it.
    pub recovery: Duration,
    /// The first and the longest pause that a gateway is given that says that it is overloaded or restarting, each drawn from a
    /// half to the whole of it and doubled while it says so.
    pub pause: (Duration, Duration),
}

impl Default for Supervision {
    fn default() -> Self {
        Self {
            keep_alive: Some(Duration::from_secs(30)),
            first_probe: Duration::from_secs(2),
            recovery: Duration::from_secs(10),
            pause: (Duration::from_secs(1), Duration::from_secs(16)),
        }
    }
}

/// Bounds of the agent role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentLimits {
    /// Of the codec.
    pub codec: Limits,
    /// Of the transaction layer.
    pub transactions: TransactionLimits,
    /// Operations on one endpoint that are not complete. A call has two or three at a time; a longer queue belongs to an endpoint
    /// that does not keep up.
    pub operations_per_endpoint: usize,
    /// Commands without an answer towards all gateways together. After a failure of power all gateways of a network return at
    /// once (RFC 3435 section 4.4.6): what there is to tell them is then told at the pace of their answers.
    pub outstanding: usize,
    /// How often a command that a gateway is too busy for (405, 409) is given again, and a deletion of many connections that fails for the moment. With [`Supervision::pause`] and its
    /// doubling some 30 s pass, longer than a gateway may take to restart its endpoints.
    pub busy_attempts: u32,
    /// Commands without an answer towards one gateway. More would only wait in the gateway's receive buffer, which
    /// holds some tens of datagrams on small devices.
    pub outstanding_per_gateway: usize,
}

impl Default for AgentLimits {
    fn default() -> Self {
        Self {
            codec: Limits::default(),
            transactions: TransactionLimits::default(),
            operations_per_endpoint: 32,
            outstanding: 4096,
            busy_attempts: 6,
            outstanding_per_gateway: 64,
        }
    }
}

/// A gateway of the inventory.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// The caller's number for it.
    pub id: GatewayId,
    /// Where it is commanded (the first) and all sources that it may speak from; port 0 stands for any port of that host.
    pub addresses: Vec<SocketAddr>,
    /// Its name in the name service, with a port. It is resolved when the gateway does not answer (RFC 3435 section 4.3), and what it stands for
    /// then replaces what it stood for before; with a name it needs no addresses.
    pub host: Option<String>,
    /// The domain of its endpoints. It may speak for these only.
    pub domain: String,
    /// How it differs from the RFC.
    pub dialect: Dialect,
    /// Whether it is given another dialect when its first command, or its refusal of ours, shows one.
    pub detect: bool,
    /// The local name of the endpoint that supervision audits; `*` when the gateway's endpoints are not known.
    pub probe: String,
}

impl GatewayConfig {
    /// A gateway whose endpoints are not known to the agent: it is probed with `*`.
    #[must_use]
    pub fn new(id: GatewayId, addresses: Vec<SocketAddr>, domain: &str, dialect: Dialect) -> Self {
        let (domain, probe) = (domain.to_owned(), "*".to_owned());
        Self { id, addresses, host: None, domain, dialect, detect: false, probe }
    }
}

/// A gateway could not be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// Its number is another gateway's.
    DuplicateGateway(GatewayId),
    /// It has neither an address nor a name.
    NoAddress(GatewayId),
    /// Its address is another gateway's, so that what comes from there could be either's.
    AddressTaken(GatewayId, SocketAddr),
    /// Its domain, or the endpoint to be probed, breaks the grammar of endpoint names.
    BadName(GatewayId),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateGateway(id) => write!(f, "gateway {} is there already", id.0),
            Self::NoAddress(id) => write!(f, "gateway {} has no address", id.0),
            Self::AddressTaken(id, address) => {
                write!(f, "the address {address} of gateway {} belongs to another", id.0)
            }
            Self::BadName(id) => write!(f, "gateway {} has an illegal domain or endpoint name", id.0),
        }
    }
}

impl std::error::Error for ConfigError {}
