//! Trunks: ways to other networks, as plain data, and the channels that calls take on them.
//!
//! A trunk has as many channels as calls may use it at a time. To the call model a channel is like a line without features;
//! its number is that of the lines behind the last line of the inventory. Trunks of a group are tried by priority and weight, as the
//! targets of a name are (RFC 2782).

use std::net::{IpAddr, SocketAddr};

use strowger_sansio::Duration;

use crate::{Inventory, InventoryFault};

pub use strowger_sip::Transport as SipTransport;
pub use strowger_sip::agent::{Redirects, Referrals};

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
            transit: false,
            group: None,
            priority: 1,
            weight: 1,
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
            let any = trunk.name.as_ref().is_some_and(|name| name.transport.is_none());
            if !self.sip.iter().any(|socket| any || socket.transport == trunk.transport) {
                faults.push(InventoryFault::NoSocket(trunk.id.clone()));
            }
            if let Some(group) = &trunk.group
                && !self.trunk_groups.iter().any(|entry| entry.id == *group)
            {
                faults.push(InventoryFault::UnknownTrunkGroup(group.clone()));
            }
        }
        for (at, group) in self.trunk_groups.iter().enumerate() {
            if self.trunk_groups.iter().take(at).any(|other| other.id == group.id) {
                faults.push(InventoryFault::DuplicateTrunkGroup(group.id.clone()));
            }
        }
    }
}
