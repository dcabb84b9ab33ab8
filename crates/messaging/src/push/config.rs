//! The gateway's settings as data; who reads them from a file checks them.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use strowger_sansio::Duration;

use super::address::Network;
use crate::queue::{LanesConfig, WriterConfig};
use crate::smpp::{Authorities, ClientConfig, ClientTls, IdForm};

/// Everything that a gateway is started with.
#[derive(Clone, Debug)]
pub struct PushConfig {
    /// What it calls itself in PAP.
    pub name: String,
    /// Where pushes are submitted (TCP, HTTP).
    pub listen: Option<SocketAddr>,
    /// Where datagrams leave from; without it hosts cannot be reached.
    pub udp: Option<SocketAddr>,
    /// Hosts that may be pushed to. None by default: a gateway that sends to anybody is a weapon.
    pub networks: Vec<Network>,
    /// The queue's file; without one it is forgotten at exit.
    pub store: Option<PathBuf>,
    /// Message centres, the first that serves a number has it.
    pub centres: Vec<CentreEntry>,
    /// Who may push. Nobody by default.
    pub users: Vec<User>,
    /// Networks that results may be reported to over HTTP. None by default: whoever may push must not make us call anybody.
    pub report_to: Vec<Network>,
    /// Who may sign the certificates of those that results are reported to over HTTPS; without it nothing is reported so.
    pub report_authorities: Option<Authorities>,
    /// The networks, in PAP's words (`GSM`), that phones are in; empty is any. Who demands another is refused.
    pub network_types: Vec<String>,
    /// What users' names stand for.
    pub aliases: BTreeMap<String, String>,
    /// How long a push without a time of its own is tried.
    pub lifetime: Duration,
    /// The longest time of its own that is respected.
    pub longest_lifetime: Duration,
    /// Retries and rates.
    pub lanes: LanesConfig,
    /// Bounds of the queue.
    pub queue: WriterConfig,
    /// Bounds of what is submitted.
    pub limits: SubmitLimits,
}

impl Default for PushConfig {
    fn default() -> Self {
        Self {
            name: "strowger".to_owned(),
            listen: None,
            udp: None,
            networks: Vec::new(),
            store: None,
            centres: Vec::new(),
            users: Vec::new(),
            report_to: Vec::new(),
            report_authorities: None,
            network_types: Vec::new(),
            aliases: BTreeMap::new(),
            lifetime: Duration::from_secs(3 * 86_400),
            longest_lifetime: Duration::from_secs(14 * 86_400),
            lanes: LanesConfig::default(),
            queue: WriterConfig::default(),
            limits: SubmitLimits::default(),
        }
    }
}

/// Bounds of what is submitted.
#[derive(Clone, Copy, Debug)]
pub struct SubmitLimits {
    /// Recipients of one push.
    pub recipients: usize,
    /// Octets of one push as it goes out: 255 short messages carry 32 kilobytes.
    pub octets: usize,
    /// Octets of one request over HTTP.
    pub request: usize,
    /// Pushes of one request.
    pub batch: usize,
    /// Connections at one time.
    pub connections: usize,
    /// How long a connection may be silent, or take for one request.
    pub patience: Duration,
}

impl Default for SubmitLimits {
    fn default() -> Self {
        Self {
            recipients: 100,
            octets: 32_000,
            request: 4 << 20,
            batch: 5_000,
            connections: 1_000,
            patience: Duration::from_secs(30),
        }
    }
}

/// A message centre.
#[derive(Clone, Debug)]
pub struct CentreEntry {
    /// Its name in logs and metrics.
    pub id: String,
    /// Where it is.
    pub address: SocketAddr,
    /// How it is proved, where links go through TLS.
    pub tls: Option<ClientTls>,
    /// Connections to it that transmit.
    pub links: usize,
    /// Whether they only transmit, and one more receives.
    pub pair: bool,
    /// Each of them.
    pub client: ClientConfig,
    /// Beginnings of the numbers that it serves; an empty one is any.
    pub prefixes: Vec<String>,
    /// Who sends.
    pub source: String,
    /// The service type.
    pub service_type: String,
    /// How a push too long for one message is parted.
    pub style: SegmentStyle,
    /// References of sixteen bits.
    pub wide_reference: bool,
    /// Whether it sends receipts for those who asked for confirmation.
    pub receipts: bool,
    /// How it names messages in them.
    pub ids: IdForm,
}

/// How user data reach a centre.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SegmentStyle {
    /// Parts of up to 140 octets with a user data header: every centre knows it.
    #[default]
    Header,
    /// One message with the parameter `message_payload`; the centre parts it.
    Payload,
    /// The same by `data_sm`.
    Data,
    /// Parts without header; ports and places are parameters (`sar_*`).
    Parameters,
}

/// Somebody who may push.
#[derive(Clone, Debug, Default)]
pub struct User {
    /// The name.
    pub name: String,
    /// The password; without one the address decides alone.
    pub password: Option<String>,
    /// From where; empty is anywhere, which needs a password.
    pub networks: Vec<Network>,
    /// Whether provisioning and services that load by themselves are let through.
    pub trusted: bool,
    /// Pushes a second; more are refused.
    pub rate: Option<u32>,
}

impl User {
    /// Whether this user may come from that address.
    #[must_use]
    pub fn may_come_from(&self, address: IpAddr) -> bool {
        match self.networks.is_empty() {
            true => self.password.is_some(),
            false => self.networks.iter().any(|network| network.contains(address)),
        }
    }
}
