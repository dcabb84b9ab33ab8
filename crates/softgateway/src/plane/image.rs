//! T.38 through a relay: UDPTL datagrams pass from one connection to the other as they are (RFC 5347 section 2.1.1).
//!
//! Nothing is looked at but the source, which must be the one that the call agent named, as for RTP; the datagrams are
//! counted for the connection parameters (section 2.3).

use std::net::SocketAddr;

use strowger_mgcp::gateway::MediaSpec;
use strowger_sansio::{Time, Transmit};

use super::{Plane, Slot};

/// The far end of a connection that carries T.38.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ImagePort {
    /// Where to send, and the only source to accept from. None until the remote description says so.
    remote: Option<SocketAddr>,
}

impl ImagePort {
    pub(super) fn of(spec: &MediaSpec) -> Option<Self> {
        spec.image.as_ref().map(|_| Self { remote: spec.remote })
    }
}

/// What a connection carried of T.38.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Carried {
    pub(super) packets_sent: u64,
    pub(super) octets_sent: u64,
    pub(super) packets_received: u64,
    pub(super) octets_received: u64,
}

impl Plane {
    /// Passes a datagram of T.38 on to the other connection of its relay.
    pub(super) fn relay_image(&mut self, now: Time, slot: Slot, from: SocketAddr, datagram: &[u8]) {
        let octets = u64::try_from(datagram.len()).unwrap_or(u64::MAX);
        let Some(connection) = self.connection(slot) else { return };
        if connection.image.and_then(|image| image.remote) != Some(from) {
            self.counters.wrong_source += 1;
            return;
        }
        connection.carried.packets_received += 1;
        connection.carried.octets_received += octets;
        let heard = connection.ear.as_mut().and_then(|ear| ear.image(now));
        let endpoint = connection.endpoint;
        self.events.extend(heard.map(|event| (endpoint, event)));
        let Some(outgoing) = self.sink(slot).and_then(|sink| self.connection(sink)) else { return };
        let Some(to) = outgoing.image.and_then(|image| image.remote) else { return };
        outgoing.carried.packets_sent += 1;
        outgoing.carried.octets_sent += octets;
        let socket = outgoing.port.rtp_socket;
        self.counters.relayed += 1;
        self.transmits.push_back(Transmit { socket, to, payload: datagram.to_vec() });
    }
}
