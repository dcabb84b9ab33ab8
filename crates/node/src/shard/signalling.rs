//! SIP in the shard: datagrams and connections to messages of the exchange, and back.

use std::net::SocketAddr;

use strowger_capture::{Protocol, Way as Direction};
use strowger_exchange::{Input, SIP_TLS, SIP_UDP, SipStanding, SipStream};
use strowger_sansio::{Time, Transmit};
use strowger_sip::locate::Destination;
use strowger_sip::{Route, Transport};

use super::{Frame, Shard};
use crate::admission::ROOM;
use crate::sip::{Arrival, End, Sent, Way, route};
use crate::socket::{Received, Udp};

impl Shard {
    /// Takes a batch of datagrams of SIP. What strangers send is refused by its address before it is looked at.
    pub(super) fn receive_sip(&mut self) {
        self.hear_sip_errors();
        for _ in 0..ROOM {
            let Some(udp) = &mut self.sip.udp else { return };
            udp.flush();
            let to = udp.local();
            let (from, bytes) = match udp.try_receive() {
                Received::Datagram { from, bytes } => (from, bytes.to_vec()),
                Received::Nothing => continue,
                Received::Empty => break,
            };
            let now = self.clock.now();
            let route = Route { transport: Transport::Udp, socket: SIP_UDP, address: from };
            let standing = self.exchange.sip_standing(now, route);
            let is_known = matches!(standing, SipStanding::Listed | SipStanding::Registered);
            if !self.sip_shares.admit(now, standing, from.ip()) {
                self.counts.excess.increment();
                if let Some(suppressed) = self.floods.admit() {
                    tracing::warn!(peer = %from, suppressed, "a peer sends more than its share");
                }
                continue;
            }
            if is_known || self.strangers.take(now) {
                self.show(Direction::In, (from, to), &bytes);
            }
            self.exchange.handle_input(now, Input::Sip { from: route, bytes: &bytes });
            self.collect_sip();
            self.counts.turns.observe(self.clock.now().since(now));
        }
        self.flush();
        self.tell();
    }

    /// Hears which datagrams were not delivered.
    fn hear_sip_errors(&mut self) {
        for _ in 0..ROOM {
            let Some((to, quoted)) = self.sip.udp.as_mut().and_then(Udp::take_error) else { return };
            let fate = SipStream::Undelivered { to, quoted: &quoted };
            self.exchange.handle_sip_stream(self.clock.now(), fate);
            self.collect();
        }
    }

    /// Something came by a connection of SIP.
    pub(super) fn sip_arrived(&mut self, arrival: Arrival) {
        let now = self.clock.now();
        match arrival {
            Arrival::Connected(way, connection) => self.sip.connected(way, connection),
            Arrival::Message(way, to, bytes) => {
                self.show(Direction::In, (way.1, to), &bytes);
                self.exchange.handle_input(now, Input::Sip { from: route(way), bytes: &bytes });
                let is_registered = self.exchange.sip_standing(now, route(way)) == SipStanding::Registered;
                self.sip.note_registered(way, is_registered);
                self.collect_sip();
                self.counts.turns.observe(self.clock.now().since(now));
            }
            Arrival::Unframed(way, to, bytes, error) => {
                self.show(Direction::In, (way.1, to), &bytes);
                let from = route(way);
                self.exchange.handle_sip_stream(now, SipStream::Unframed { from, bytes: &bytes, error });
                self.collect();
                self.sip.close(way);
                self.exchange.handle_sip_stream(now, SipStream::Ended { from, unsent: &[] });
            }
            Arrival::Ended(way, number, end, unsent) => {
                if let Some(unsent) = self.sip.ended(way, number, end, unsent) {
                    self.stream_ended(now, way, end, &unsent);
                }
            }
        }
    }

    fn stream_ended(&mut self, now: Time, way: Way, end: End, unsent: &[Vec<u8>]) {
        let from = route(way);
        match end {
            End::Closed => self.exchange.handle_sip_stream(now, SipStream::Ended { from, unsent }),
            End::Refused => {
                for bytes in unsent {
                    self.exchange.handle_sip_stream(now, SipStream::Unsent { to: from, bytes });
                }
            }
        }
    }

    /// It is known where a trunk's peer is.
    pub(super) fn located(&mut self, trunk: &str, places: &[Destination]) {
        self.sip.located(trunk, places);
        self.exchange.handle_located(self.clock.now(), trunk, places);
    }

    /// Sends a message by a connection, or lets the engine know that it cannot be.
    pub(super) fn send_by_stream(&mut self, Transmit { socket, to, payload }: Transmit) {
        let transport = if socket == SIP_TLS { Transport::Tls } else { Transport::Tcp };
        let way = (transport, to);
        let local = self.sip.local_of(way).unwrap_or(to);
        self.show(Direction::Out, (local, to), &payload);
        let now = self.clock.now();
        match self.sip.send(way, payload) {
            Sent::Waits => {}
            Sent::Not(message) => self.stream_ended(now, way, End::Refused, &[message]),
            Sent::GivenUp(messages) => self.stream_ended(now, way, End::Closed, &messages),
        }
    }

    /// Shows a message to those who look on.
    fn show(&mut self, way: Direction, (from, to): (SocketAddr, SocketAddr), bytes: &[u8]) {
        let (at, protocol) = (self.clock.now(), Protocol::Sip);
        let frame = Frame { at, clock: &self.clock, from, to, protocol, way, bytes };
        self.observers.iter_mut().for_each(|observer| observer.datagram(&frame));
    }
}
