//! Trunks: ways to other networks, as plain data, and the channels that calls take on them.
//!
//! A trunk has as many channels as calls may use it at a time. To the call model a channel is like a line without features;
//! its number is that of the lines behind the last line of the inventory.

use std::net::{IpAddr, SocketAddr};

use strowger_sansio::Duration;

use crate::{Inventory, InventoryFault};

pub use strowger_sip::Transport as SipTransport;

/// A trunk: its place in the inventory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrunkId(pub u32);

/// A socket of the exchange for SIP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SipSocket {
    /// What it carries.
    pub transport: SipTransport,
    /// Where peers reach it.
    pub address: SocketAddr,
}

/// A trunk to a SIP peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrunkEntry {
    /// The name that routes and records use.
    pub id: String,
    /// Where calls go.
    pub address: SocketAddr,
    /// How.
    pub transport: SipTransport,
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
    /// Calls that come by it may leave by a trunk again.
    pub transit: bool,
}

impl TrunkEntry {
    /// A trunk with 100 channels to this address, over UDP.
    #[must_use]
    pub fn sip(id: &str, address: SocketAddr) -> Self {
        Self {
            id: id.to_owned(),
            address,
            transport: SipTransport::Udp,
            sources: Vec::new(),
            domain: None,
            user: None,
            password: None,
            register: false,
            channels: 100,
            media: Vec::new(),
            probe: None,
            trusted: false,
            transit: false,
        }
    }
}

impl Inventory {
    pub(crate) fn check_trunks(&self, faults: &mut Vec<InventoryFault>) {
        for (at, trunk) in self.trunks.iter().enumerate() {
            let before = self.trunks.iter().take(at).any(|other| other.id == trunk.id);
            if before || self.gateways.iter().any(|gateway| gateway.id == trunk.id) {
                faults.push(InventoryFault::DuplicateTrunk(trunk.id.clone()));
            }
            if !self.sip.iter().any(|socket| socket.transport == trunk.transport) {
                faults.push(InventoryFault::NoSocket(trunk.id.clone()));
            }
        }
    }
}
