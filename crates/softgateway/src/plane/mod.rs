//! The media plane of the software gateway: what stands under [`MediaPlane`](strowger_mgcp::gateway::MediaPlane).
//!
//! Lines are worked in steps of 10 ms while anything is heard on them; a gateway at rest has no clock. Relays have none at
//! all: a packet that comes in on one connection goes out on the other at once.
//!
//! - `line`: one analogue line, its telephone and its signals.
//! - `connection`: an RTP session on a pair of ports from the pool.
//! - `sound`: 10 ms of a line, and a packet through a relay.
//! - `role`: the calls of the gateway role.
//! - `effect`: what a signal of the package tables does to a line.

mod connection;
mod effect;
mod line;
mod role;
mod sound;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;

use strowger_media::tone::TonePlan;
use strowger_media::{EndpointShape, FRAME_TIME, Mixer, PortPool, Telephone, TelephoneConfig};
use strowger_mgcp::gateway::{
    ConnectionHandle, EndpointIndex, EndpointKind, MediaCapabilities, MediaEvent,
};
use strowger_sansio::{Rng, SocketId, Time, Timers, Transmit};

use connection::Connection;
use line::Line;

/// Datagrams of media that the plane throws away, and why; for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlaneCounters {
    /// They came to a port on which no connection is open.
    pub no_connection: u64,
    /// They went from one connection of a relay to another.
    pub relayed: u64,
}

/// An endpoint of the plane.
#[derive(Debug)]
struct Endpoint {
    /// The line; none under a relay.
    line: Option<Line>,
    /// Its connections in the order in which they were opened: their places in the mixer.
    connections: Vec<ConnectionHandle>,
    mixer: Mixer,
}

impl Endpoint {
    fn shape(&self) -> EndpointShape {
        if self.line.is_some() { EndpointShape::Handset } else { EndpointShape::Relay }
    }
}

/// What the plane is made of.
#[derive(Clone, Debug)]
pub struct PlaneConfig {
    /// The kind of each endpoint, in the order of [`EndpointIndex`].
    pub endpoints: Vec<EndpointKind>,
    /// The country's tones.
    pub tones: &'static TonePlan,
    /// What the plane offers to call agents.
    pub capabilities: MediaCapabilities,
    /// The canonical name in RTCP.
    pub cname: String,
    /// How the telephones are made.
    pub telephone: TelephoneConfig,
}

/// The media of a software gateway.
#[derive(Debug)]
pub struct Plane {
    config: PlaneConfig,
    ports: PortPool,
    endpoints: Vec<Endpoint>,
    connections: BTreeMap<ConnectionHandle, Connection>,
    /// The connection of each open socket; the even ones carry RTP, the others RTCP.
    sockets: BTreeMap<SocketId, ConnectionHandle>,
    timers: Timers<ConnectionHandle>,
    live: BTreeSet<EndpointIndex>,
    next_frame: Option<Time>,
    transmits: VecDeque<Transmit>,
    events: VecDeque<(EndpointIndex, MediaEvent)>,
    counters: PlaneCounters,
    rng: Rng,
}

impl Plane {
    /// A plane whose handsets are down.
    #[must_use]
    pub fn new(config: PlaneConfig, ports: PortPool, rng: Rng) -> Self {
        let endpoint = |kind: &EndpointKind| Endpoint {
            line: matches!(kind, EndpointKind::AnalogueLine)
                .then(|| Line::new(Telephone::new(&config.telephone))),
            connections: Vec::new(),
            mixer: no_streams(),
        };
        let endpoints = config.endpoints.iter().map(endpoint).collect();
        Self {
            config,
            ports,
            endpoints,
            connections: BTreeMap::new(),
            sockets: BTreeMap::new(),
            timers: Timers::new(),
            live: BTreeSet::new(),
            next_frame: None,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
            counters: PlaneCounters::default(),
            rng,
        }
    }

    /// Takes a datagram from one of the media sockets.
    pub fn handle_input(&mut self, now: Time, socket: SocketId, from: SocketAddr, datagram: &[u8]) {
        let Some(handle) = self.sockets.get(&socket).copied() else {
            self.counters.no_connection += 1;
            return;
        };
        let Some(connection) = self.connections.get_mut(&handle) else { return };
        if socket == connection.port.rtcp_socket {
            connection.session.receive_rtcp(now, from, datagram);
        } else if connection.is_relayed {
            self.relay(now, handle, from, datagram);
        } else {
            connection.session.receive(now, from, datagram);
        }
        self.settle(handle);
    }

    /// Gives the lines their 10 ms, and RTCP its time.
    pub fn handle_timeout(&mut self, now: Time) {
        while let Some(due) = self.next_frame.filter(|due| *due <= now) {
            for endpoint in self.live.clone() {
                self.frame(due, endpoint);
            }
            // After a long pause of the host, sound goes on from now instead of being caught up with.
            let next = due + FRAME_TIME;
            let behind = now.since(next) > FRAME_TIME * MAX_FRAMES_BEHIND;
            self.next_frame = (!self.live.is_empty()).then_some(if behind { now + FRAME_TIME } else { next });
        }
        while let Some(handle) = self.timers.pop_due(now) {
            if let Some(connection) = self.connections.get_mut(&handle) {
                connection.session.handle_timeout(now);
            }
            self.settle(handle);
        }
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// What the media saw happen, for the gateway role.
    pub fn poll_event(&mut self) -> Option<(EndpointIndex, MediaEvent)> {
        self.events.pop_front()
    }

    /// When the plane wants its time.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.timers.next().into_iter().chain(self.next_frame).min()
    }

    /// The telephone of a line; none of a relay.
    #[must_use]
    pub fn telephone(&self, endpoint: EndpointIndex) -> Option<&Telephone> {
        Some(&self.endpoint(endpoint)?.line.as_ref()?.telephone)
    }

    /// Lets a subscriber do something with the telephone, and notices what it does to the line.
    pub fn with_telephone<R>(
        &mut self,
        now: Time,
        endpoint: EndpointIndex,
        act: impl FnOnce(&mut Telephone) -> R,
    ) -> Option<R> {
        let line = self.endpoint_mut(endpoint)?.line.as_mut()?;
        let result = act(&mut line.telephone);
        self.watch_hook(now, endpoint);
        Some(result)
    }

    /// Ports in use.
    #[must_use]
    pub fn ports_taken(&self) -> usize {
        self.ports.taken()
    }

    /// Connections that are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// The counters.
    #[must_use]
    pub fn counters(&self) -> PlaneCounters {
        self.counters
    }

    fn endpoint(&self, index: EndpointIndex) -> Option<&Endpoint> {
        self.endpoints.get(usize::try_from(index.0).ok()?)
    }

    fn endpoint_mut(&mut self, index: EndpointIndex) -> Option<&mut Endpoint> {
        self.endpoints.get_mut(usize::try_from(index.0).ok()?)
    }
}

/// How many frames a late host may catch up with at once: a tenth of a second.
const MAX_FRAMES_BEHIND: u32 = 10;

fn no_streams() -> Mixer {
    Mixer::default()
}
