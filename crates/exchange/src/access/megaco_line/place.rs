//! Where gateways are: at configured addresses, or wherever their names stand for.
//!
//! A gateway that is not there is called at its addresses in turn, and its name is looked up. One that has registered is where it is, until it is
//! lost.

use std::net::SocketAddr;

use strowger_megaco::transaction::{Source, Transport};
use strowger_megaco::transport::Route;
use strowger_mgcp::agent::{self, GatewayId};
use strowger_sansio::{SocketId, Time};

use super::Megaco;
use super::association::{Association, Clock};

/// Where a gateway may speak from and is spoken to, by its addresses.
pub(super) struct Places {
    pub(super) sources: Vec<Source>,
    pub(super) route: Option<Route>,
    /// Those at which it takes datagrams.
    pub(super) callable: Vec<SocketAddr>,
}

impl Places {
    pub(super) fn new((transport, socket): (Transport, SocketId), addresses: &[SocketAddr]) -> Self {
        let source =
            |address: &SocketAddr| Source { address: address.ip(), port: None, transport: Some(transport) };
        // Over TCP the gateway connects.
        let takes = |address: &&SocketAddr| transport == Transport::Udp && address.port() != 0;
        let route = |address| Route { transport, socket, address };
        let first = addresses.first().filter(|_| transport == Transport::Udp);
        Self {
            sources: addresses.iter().map(source).collect(),
            route: first.map(|address| route(*address)),
            callable: addresses.iter().filter(takes).copied().collect(),
        }
    }
}

impl Megaco {
    /// Has a gateway called then, or its name looked up, if it can be.
    pub(super) fn call_at(&mut self, gateway: GatewayId, at: Time) {
        let can_be = |known: &Association| known.host.is_some() || !known.addresses.is_empty();
        if self.associations.get(&gateway).is_some_and(can_be) {
            self.clocks.set((gateway, Clock::Call), at);
        }
    }

    /// Where a gateway is that has registered.
    pub(in crate::access) fn place(&self, gateway: GatewayId) -> Option<SocketAddr> {
        let known = self.associations.get(&gateway)?;
        let is_there = self.controller.as_ref()?.service(known.peer).is_registered();
        known.spoke_from.filter(|_| is_there)
    }

    /// The name of a gateway stands for these addresses now; for none when that could not be found out.
    pub(in crate::access) fn handle_resolved(
        &mut self,
        now: Time,
        gateway: GatewayId,
        addresses: &[SocketAddr],
    ) {
        let (Some(controller), Some(known)) = (&mut self.controller, self.associations.get_mut(&gateway))
        else {
            return;
        };
        let Some(first) = addresses.first() else { return };
        let places = Places::new(known.carrier, addresses);
        controller.relocate(known.peer, &places.sources, places.route);
        known.address = first.ip();
        let is_news = known.addresses != places.callable;
        (known.addresses, known.turn) = (places.callable, 1);
        if is_news && !known.addresses.is_empty() && !controller.service(known.peer).is_registered() {
            let _ = controller.call(now, known.peer);
            self.clocks.set((gateway, Clock::Call), now + self.patience);
        }
    }

    /// A gateway is not there: it is called at the next of its addresses, and its name is looked up.
    pub(super) fn call(&mut self, now: Time, gateway: GatewayId) {
        let (Some(controller), Some(known)) = (&mut self.controller, self.associations.get_mut(&gateway))
        else {
            return;
        };
        if !known.addresses.is_empty() {
            let mut order = known.addresses.clone();
            order.rotate_left(known.turn % known.addresses.len());
            known.turn = known.turn.wrapping_add(1);
            let places = Places::new(known.carrier, &order);
            controller.relocate(known.peer, &places.sources, places.route);
            // What is not sent is tried again with the next call.
            let _ = controller.call(now, known.peer);
        }
        let name = known.host.clone();
        self.clocks.set((gateway, Clock::Call), now + self.patience);
        if let Some(name) = name {
            self.tell(agent::Event::Resolve { gateway, name });
        }
    }
}
