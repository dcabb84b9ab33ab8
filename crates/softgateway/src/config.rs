//! What a software gateway is made of.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use strowger_media::TelephoneConfig;
use strowger_media::port_pool::QUARANTINE;
use strowger_media::tone::TonePlan;
use strowger_megaco::gateway as megaco;
use strowger_mgcp::gateway::{
    self as mgcp, CallAgent, EndpointKind, EndpointSpec, GatewayConfig, TrunkSignalling,
};
use strowger_sansio::Duration;

use crate::megaco::Layout;
use crate::plane::{CallerDisplay, QualityLimits, TrunkOptions};

/// What a software gateway is made of.
#[derive(Clone, Debug)]
pub struct SoftGatewayConfig {
    /// The protocol side: names, call agents, endpoints, timers. Of a gateway that speaks Megaco, its endpoints alone.
    pub gateway: GatewayConfig,
    /// The protocol side of a gateway that speaks Megaco.
    pub megaco: Option<MegacoConfig>,
    /// The tones and ringing of its country.
    pub tones: &'static TonePlan,
    /// How long a pair of media ports rests between two calls.
    pub port_rest: Duration,
    /// How much of what an earpiece gives is kept.
    pub record: Duration,
    /// How telephones come to know who calls.
    pub display: CallerDisplay,
    /// How circuits are provisioned, by their local names; those that are not listed have the usual options.
    pub trunks: BTreeMap<String, TrunkOptions>,
    /// Circuits that are joined back to back, by their local names.
    pub crossed: Vec<(String, String)>,
    /// The files with the recordings of announcement servers, which are read when they are wanted.
    pub announcements: Vec<String>,
    /// What is bad enough for a quality alert.
    pub quality: QualityLimits,
    /// Whether extended RTCP reports (RFC 3611) are asked for before the other side does.
    pub asks_for_reports: bool,
}

impl SoftGatewayConfig {
    /// A gateway with North American tones.
    #[must_use]
    pub fn new(gateway: GatewayConfig) -> Self {
        Self {
            gateway,
            megaco: None,
            tones: TonePlan::north_america(),
            port_rest: QUARANTINE,
            record: TelephoneConfig::default().record,
            display: CallerDisplay::default(),
            trunks: BTreeMap::new(),
            crossed: Vec::new(),
            announcements: Vec::new(),
            quality: QualityLimits::default(),
            asks_for_reports: false,
        }
    }
}

/// The protocol side of a gateway that speaks Megaco.
#[derive(Clone, Debug)]
pub struct MegacoConfig {
    /// Names, controllers, lines, timers.
    pub gateway: megaco::GatewayConfig,
    /// The time of day when the gateway begins, since the beginning of 1970; without it, it reports no time stamps.
    pub since_1970: Option<Duration>,
}

impl SoftGatewayConfig {
    /// A gateway that speaks Megaco, with North American tones. Its physical terminations are lines and circuits.
    #[must_use]
    pub fn megaco(config: MegacoConfig) -> Self {
        let mut gateway = GatewayConfig::new(config.gateway.mid.to_string(), CallAgent::at(NOBODY));
        let all = config.gateway.terminations.iter();
        let endpoint = |own: &megaco::PhysicalTermination| match own.kind {
            megaco::TerminationKind::AnalogueLine => EndpointSpec::line(own.name.clone()),
            megaco::TerminationKind::Circuit => {
                let kind = EndpointKind::Trunk(TrunkSignalling::Dt);
                EndpointSpec { kind, ..EndpointSpec::line(own.name.clone()) }
            }
        };
        gateway.endpoints = all.clone().map(endpoint).collect();
        let circuits = all.filter(|own| own.kind == megaco::TerminationKind::Circuit);
        let clear = TrunkOptions { is_clear: true, ..TrunkOptions::default() };
        let trunks = circuits.map(|own| (own.name.clone(), clear)).collect();
        // Where contexts without a line lie, and streams that are in none.
        gateway = gateway.with_conferences(Layout::HIDDEN);
        Self { megaco: Some(config), trunks, ..Self::new(gateway) }
    }
}

/// Whom a gateway has for a call agent that has none.
const NOBODY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0);

/// What is wrong with a configuration.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ConfigError {
    /// Of MGCP.
    Mgcp(mgcp::ConfigError),
    /// Of Megaco.
    Megaco(megaco::ConfigError),
}

impl From<mgcp::ConfigError> for ConfigError {
    fn from(error: mgcp::ConfigError) -> Self {
        Self::Mgcp(error)
    }
}

impl From<megaco::ConfigError> for ConfigError {
    fn from(error: megaco::ConfigError) -> Self {
        Self::Megaco(error)
    }
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Mgcp(error) => error.fmt(f),
            Self::Megaco(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ConfigError {}
