//! The addresses of call agents that are known by a host name (RFC 3435 sections 2.1.4 and 4.3).
//!
//! A call agent that does not answer may have moved: the transaction layer then wants its name resolved, and the host does it. Only
//! names that were provisioned are resolved. A name in `N:` selects among the provisioned call agents, and never adds one: who could
//! make a gateway resolve names of its choice could have subscribers' digits sent anywhere.

use std::net::SocketAddr;

use strowger_sansio::Time;

use super::{Gateway, GatewayEvent};
use crate::transaction::PeerId;

impl Gateway {
    /// The answer to [`GatewayEvent::Resolve`]: the addresses of a call agent, by its place in
    /// [`GatewayConfig::call_agents`](super::GatewayConfig::call_agents); none when its name could not be resolved.
    pub fn handle_resolved(&mut self, now: Time, agent: usize, addresses: &[SocketAddr]) {
        let Some(peer) = self.agents.get(agent).map(|agent| agent.peer) else { return };
        self.transactions.handle_resolved(now, peer, addresses);
        self.collect_events(now);
    }

    /// The network says that a datagram to `address` was not delivered: a hint, on which another address of the call agent is tried.
    pub fn handle_unreachable(&mut self, now: Time, address: SocketAddr) {
        self.transactions.handle_unreachable(now, address);
        self.collect_events(now);
    }

    pub(super) fn ask(&mut self, peer: PeerId, name: String) {
        if let Some(agent) = self.agents.iter().position(|agent| agent.peer == peer) {
            self.note(GatewayEvent::Resolve { agent, name });
        }
    }
}
