//! What goes over the network: datagrams, and messages of connections.

use std::net::SocketAddr;

use strowger_capture::Protocol;
use strowger_exchange::{Input, MEGACO_BINARY, MEGACO_TEXT};
use strowger_megaco::transport::{BINARY_PORT, Route, TEXT_PORT, Transport};
use strowger_sansio::{SocketId, Transmit};

use super::{SOCKET_KEEPS, World};
use crate::network::Packet;
use crate::stream::{End, Notice, Parties, StreamId};
use crate::town::{AGENT_PORT, GATEWAY_PORT};

/// The exchange's numbers of connections begin behind those of its sockets.
const AT_EXCHANGE: u32 = 16;
/// A gateway's numbers of connections begin behind those of its media sockets.
const AT_GATEWAY: u32 = 1_000;
/// The first of the ports from which gateways make connections.
const FROM_PORT: u16 = 40_000;

const fn is_megaco(port: u16) -> bool {
    matches!(port, TEXT_PORT | BINARY_PORT)
}

impl World {
    pub(super) fn deliver(&mut self, packet: &Packet) {
        let now = self.now;
        let is_for_exchange = packet.to.ip() == self.agent.ip();
        if is_for_exchange && self.stalled {
            if self.unread.len() < SOCKET_KEEPS {
                self.unread.push(packet.clone());
            }
        } else if is_for_exchange {
            self.hand_in(packet);
        } else if let Some((host, socket)) = self.by_address.get(&packet.to)
            && let Some(host) = self.hosts.get_mut(*host)
        {
            host.gateway.handle_input(now, *socket, packet.from, &packet.payload);
        }
    }

    /// The exchange reads a datagram.
    pub(super) fn hand_in(&mut self, packet: &Packet) {
        let (from, bytes) = (packet.from, packet.payload.as_slice());
        let socket = if packet.to.port() == BINARY_PORT { MEGACO_BINARY } else { MEGACO_TEXT };
        let input = if is_megaco(packet.to.port()) {
            Input::Megaco { route: Route { transport: Transport::Udp, socket, address: from }, bytes }
        } else {
            Input::Mgcp { from, bytes }
        };
        self.exchange.handle_input(self.now, input);
    }

    pub(super) fn exchange_sends(&mut self, transmit: Transmit) {
        let at = |port: u16| SocketAddr::new(self.agent.ip(), port);
        let from = match transmit.socket {
            SocketId::MAIN => self.agent,
            MEGACO_TEXT => at(TEXT_PORT),
            MEGACO_BINARY => at(BINARY_PORT),
            SocketId(number) => {
                let id = number.saturating_sub(AT_EXCHANGE);
                return self.write(id, End::Exchange, &transmit.payload);
            }
        };
        self.send(Packet { from, to: transmit.to, payload: transmit.payload });
    }

    pub(super) fn gateway_sends(&mut self, place: usize, transmit: Transmit) {
        let number = transmit.socket.0;
        if number >= AT_GATEWAY {
            return self.write(number - AT_GATEWAY, End::Gateway, &transmit.payload);
        }
        let sockets = self.hosts.get(place).map(|host| host.sockets.as_slice()).unwrap_or_default();
        let from = usize::try_from(number).ok().and_then(|number| sockets.get(number).copied());
        if let Some(from) = from {
            self.send(Packet { from, to: transmit.to, payload: transmit.payload });
        }
    }

    fn send(&mut self, packet: Packet) {
        let ports = [packet.from.port(), packet.to.port()];
        if ports.iter().any(|port| matches!(*port, AGENT_PORT | GATEWAY_PORT)) {
            self.invariants.datagram(self.now, &packet);
            self.ladder.observe(self.now, packet.from, packet.to, Protocol::Mgcp, &packet.payload);
        } else if ports.into_iter().any(is_megaco) {
            self.note(packet.from, packet.to, &packet.payload);
        }
        self.network.send(self.now, packet);
    }

    /// A message of Megaco is sent.
    fn note(&mut self, from: SocketAddr, to: SocketAddr, message: &[u8]) {
        self.invariants.message(self.now, from.ip(), to.ip(), message);
        self.ladder.observe(self.now, from, to, Protocol::Megaco, message);
    }

    /// An end of a connection writes a message.
    fn write(&mut self, id: StreamId, end: End, message: &[u8]) {
        let Some(parties) = self.streams.parties(id) else { return };
        let (from, to) = match end {
            End::Gateway => (parties.gateway, parties.exchange),
            End::Exchange => (parties.exchange, parties.gateway),
        };
        self.note(from, to, message);
        self.streams.send(self.now, id, end, message);
    }

    /// A gateway wants a connection.
    pub(super) fn connect(&mut self, place: usize, controller: usize, exchange: SocketAddr) {
        let Some(own) = self.hosts.get(place).and_then(|host| host.sockets.first()) else { return };
        self.connections_made = self.connections_made.wrapping_add(1);
        let gateway = SocketAddr::new(own.ip(), FROM_PORT + self.connections_made % 20_000);
        self.streams.open(self.now, Parties { place, controller, gateway, exchange });
    }

    /// Both sides notice what has become of their connections.
    pub(super) fn receive_streams(&mut self) {
        loop {
            let (hosts, network) = (&self.hosts, &self.network);
            let is_cut = |place: usize| {
                let address = hosts.get(place).and_then(|host| host.sockets.first());
                address.is_some_and(|address| network.is_cut_off(address.ip()))
            };
            let Some(notice) = self.streams.receive(self.now, is_cut) else { return };
            match notice {
                Notice::Message(_, End::Exchange, _) | Notice::Ended(_, End::Exchange) if self.stalled => {
                    self.unnoticed.push(notice);
                }
                Notice::Message(_, End::Exchange, _) | Notice::Ended(_, End::Exchange) => {
                    self.exchange_notices(notice);
                }
                Notice::Broken(id, end) => {
                    let text = format!("the {end:?} reads what is no TPKT on connection {id}");
                    self.invariants.broken(self.now, text);
                }
                Notice::Opened(_) | Notice::Failed(_) | Notice::Message(..) | Notice::Ended(..) => {
                    self.gateway_notices(&notice);
                }
            }
        }
    }

    /// The exchange notices something about a connection.
    pub(super) fn exchange_notices(&mut self, notice: Notice) {
        let now = self.now;
        match notice {
            Notice::Message(id, _, bytes) => {
                let Some(parties) = self.streams.parties(id) else { return };
                let route = Route::tcp(SocketId(AT_EXCHANGE + id), parties.gateway);
                self.exchange.handle_input(now, Input::Megaco { route, bytes: &bytes });
            }
            Notice::Ended(id, _) => self.exchange.handle_disconnected(now, SocketId(AT_EXCHANGE + id)),
            _ => {}
        }
    }

    fn gateway_notices(&mut self, notice: &Notice) {
        let now = self.now;
        let id = match notice {
            Notice::Opened(id) | Notice::Failed(id) | Notice::Message(id, ..) | Notice::Ended(id, _) => *id,
            Notice::Broken(..) => return,
        };
        let Some(parties) = self.streams.parties(id) else { return };
        let Some(host) = self.hosts.get_mut(parties.place) else { return };
        let route = Route::tcp(SocketId(AT_GATEWAY + id), parties.exchange);
        match notice {
            Notice::Message(_, _, bytes) => host.gateway.handle_message(now, route, bytes),
            Notice::Opened(_) => host.gateway.handle_connection(now, parties.controller, Some(route)),
            _ => host.gateway.handle_connection(now, parties.controller, None),
        }
    }
}
