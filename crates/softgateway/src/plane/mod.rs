//! The media plane of the software gateway: what stands under [`MediaPlane`](strowger_mgcp::gateway::MediaPlane).
//!
//! Lines are worked in steps of 10 ms while anything is heard on them; a gateway at rest has no clock. Relays have none at
//! all: a packet that comes in on one connection goes out on the other at once.
//!
//! Bridges, servers and circuits are worked like lines.
//!
//! - `line`: one analogue line and its telephone. `server`: one announcement server. `trunk`: one circuit.
//! - `signals`: what is heard by order of the call agent. `continuity`: tests with tones.
//! - `connection`: an RTP session on a pair of ports from the pool.
//! - `image`: datagrams of a fax through a relay.
//! - `stream_watch`: what is wanted to be known of a connection's stream.
//! - `keys`: the feature keys of a telephone. `caller_data`: who calls, as data on the line.
//! - `machines`: modems and fax machines on a line or circuit.
//! - `sound`: 10 ms of a line, and a packet through a relay.
//! - `role`: the calls of the gateway role.
//! - `effect`: what a signal of the package tables does to a line.

mod caller_data;
mod connection;
mod continuity;
mod effect;
mod image;
mod keys;
mod line;
mod machines;
mod role;
mod server;
mod signals;
mod sound;
mod stream_watch;
mod trunk;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use strowger_media::telephone::HookTiming;
use strowger_media::tone::TonePlan;
use strowger_media::{
    EndpointShape, FRAME_TIME, MediaPort, Mixer, PortPool, Telephone, TelephoneConfig, TelephoneEvent,
};
use strowger_mgcp::gateway::{
    ConnectionHandle, EndpointIndex, EndpointKind, MediaCapabilities, MediaEvent, WantedEvent,
};
use strowger_sansio::{Duration, Rng, SocketId, Time, Timers, Transmit};

pub use caller_data::CallerDisplay;
use connection::Connection;
use line::Line;
use server::{Library, Server};
use signals::Signals;
pub use stream_watch::QualityLimits;
use trunk::Trunk;
pub use trunk::{CircuitFrame, TrunkDirection, TrunkOptions, TrunkStart};

/// Datagrams of media that the plane throws away, and why; for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlaneCounters {
    /// They came to a port on which no connection is open.
    pub no_connection: u64,
    /// They were T.38 from somebody else than the far end of their connection.
    pub wrong_source: u64,
    /// They went from one connection of a relay to another.
    pub relayed: u64,
}

/// The place of a connection: that of its ports in the host's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Slot(usize);

/// Which of the two sockets of a connection a datagram came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Channel {
    Rtp,
    Rtcp,
}

/// What an endpoint is besides its connections.
#[derive(Debug)]
enum Body {
    /// A telephone on two wires.
    Line(Box<Line>),
    /// Nothing: packets pass.
    Relay,
    /// Nothing, but what comes in is mixed.
    Bridge(Signals),
    /// Recordings.
    Server(Box<Server>),
    /// A circuit.
    Trunk(Box<Trunk>),
}

/// An endpoint of the plane.
#[derive(Debug)]
struct Endpoint {
    body: Body,
    /// Its connections in the order in which they were opened: their places in the mixer.
    streams: Vec<Slot>,
    mixer: Mixer,
    /// What is wanted of the streams of its connections.
    wanted: Vec<WantedEvent>,
}

impl Endpoint {
    fn shape(&self) -> EndpointShape {
        match self.body {
            Body::Line(_) | Body::Server(_) | Body::Trunk(_) => EndpointShape::Handset,
            // Each connection that sends carries what every other one brings in.
            Body::Relay | Body::Bridge(_) => EndpointShape::Relay,
        }
    }

    const fn is_relay(&self) -> bool {
        matches!(self.body, Body::Relay)
    }

    fn line(&self) -> Option<&Line> {
        match &self.body {
            Body::Line(line) => Some(line),
            _ => None,
        }
    }

    fn line_mut(&mut self) -> Option<&mut Line> {
        match &mut self.body {
            Body::Line(line) => Some(line),
            _ => None,
        }
    }

    /// Whether it needs its 10 ms even without a connection.
    fn is_live(&self) -> bool {
        match &self.body {
            Body::Line(line) => line.is_live(),
            Body::Relay => false,
            Body::Bridge(signals) => !signals.is_empty(),
            Body::Server(server) => !server.is_idle(),
            Body::Trunk(trunk) => trunk.is_live(),
        }
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
    pub cname: Arc<str>,
    /// How the telephones are made.
    pub telephone: TelephoneConfig,
    /// How they come to know who calls.
    pub display: CallerDisplay,
    /// How the circuits are provisioned; those that are not listed have the usual options.
    pub trunks: BTreeMap<EndpointIndex, TrunkOptions>,
    /// Circuits that are joined back to back within the gateway.
    pub crossed: Vec<(EndpointIndex, EndpointIndex)>,
    /// What is bad enough for a quality alert.
    pub quality: QualityLimits,
}

/// The media of a software gateway.
#[derive(Debug)]
pub struct Plane {
    config: PlaneConfig,
    ports: PortPool,
    endpoints: Vec<Endpoint>,
    /// Open connections by the place of their ports in the host's list, so that a datagram finds its session at once.
    slots: Vec<Option<Box<Connection>>>,
    /// The slot of each media socket.
    sockets: Vec<Option<(Slot, Channel)>>,
    handles: BTreeMap<ConnectionHandle, Slot>,
    timers: Timers<Slot>,
    /// When a hook switch decides whether a break is a flash.
    hooks: Timers<EndpointIndex>,
    /// Endpoints on which something may be noticed.
    touched: BTreeSet<EndpointIndex>,
    live: BTreeSet<EndpointIndex>,
    next_frame: Option<Time>,
    transmits: VecDeque<Transmit>,
    events: VecDeque<(EndpointIndex, MediaEvent)>,
    counters: PlaneCounters,
    /// The recordings of the announcement servers.
    library: Library,
    /// What subscribers recorded on them: the endpoint, the number and the samples.
    recorded: VecDeque<(EndpointIndex, u32, Arc<[i16]>)>,
    /// What circuits send to elsewhere.
    circuits: VecDeque<(EndpointIndex, CircuitFrame)>,
    /// Sockets whose errors are wanted, until the host has been told.
    doubtful: VecDeque<SocketId>,
    rng: Rng,
}

impl Plane {
    /// A plane whose handsets are down. `ports` are pairs of sockets that the host has bound.
    #[must_use]
    pub fn new(config: PlaneConfig, ports: Vec<MediaPort>, rest: Duration, mut rng: Rng) -> Self {
        let endpoint = |(index, kind): (u32, &EndpointKind)| Endpoint {
            body: match kind {
                EndpointKind::AnalogueLine => Body::Line(Box::new(Line::new(
                    Telephone::new(&config.telephone),
                    config.tones,
                    config.display,
                ))),
                EndpointKind::PacketRelay => Body::Relay,
                EndpointKind::ConferenceBridge => Body::Bridge(Signals::default()),
                EndpointKind::AnnouncementServer => Body::Server(Box::default()),
                EndpointKind::Trunk(signalling) => {
                    let options = config.trunks.get(&EndpointIndex(index)).copied().unwrap_or_default();
                    Body::Trunk(Box::new(Trunk::new(*signalling, options, config.tones)))
                }
            },
            streams: Vec::new(),
            mixer: Mixer::default(),
            wanted: Vec::new(),
        };
        let endpoints = (0..).zip(&config.endpoints).map(endpoint).collect();
        let mut sockets = Vec::new();
        for (slot, port) in ports.iter().enumerate() {
            for (socket, channel) in [(port.rtp_socket, Channel::Rtp), (port.rtcp_socket, Channel::Rtcp)] {
                let place = usize::try_from(socket.0).unwrap_or(0);
                if sockets.len() <= place {
                    sockets.resize(place + 1, None);
                }
                if let Some(entry) = sockets.get_mut(place) {
                    *entry = Some((Slot(slot), channel));
                }
            }
        }
        Self {
            config,
            endpoints,
            slots: ports.iter().map(|_| None).collect(),
            sockets,
            ports: PortPool::new(ports, rest, rng.fork()),
            handles: BTreeMap::new(),
            timers: Timers::new(),
            hooks: Timers::new(),
            touched: BTreeSet::new(),
            live: BTreeSet::new(),
            next_frame: None,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
            counters: PlaneCounters::default(),
            library: Library::default(),
            recorded: VecDeque::new(),
            circuits: VecDeque::new(),
            doubtful: VecDeque::new(),
            rng,
        }
    }

    /// Takes a datagram from one of the media sockets.
    pub fn handle_input(&mut self, now: Time, socket: SocketId, from: SocketAddr, datagram: &[u8]) {
        let entry =
            usize::try_from(socket.0).ok().and_then(|place| self.sockets.get(place).copied().flatten());
        let Some((slot, channel)) = entry else { return };
        let Some(connection) = self.connection(slot) else {
            // The pair rests, or has never been used: late packets of a call that ended, or a stranger's.
            self.counters.no_connection += 1;
            return;
        };
        match channel {
            // UDPTL has no control protocol, and its port is all of it.
            Channel::Rtcp if connection.image.is_some() => {}
            Channel::Rtcp => {
                connection.session.receive_control(now, from, datagram);
            }
            Channel::Rtp if connection.image.is_some() => self.relay_image(now, slot, from, datagram),
            Channel::Rtp if connection.is_relayed => self.relay(now, slot, from, datagram),
            Channel::Rtp => {
                connection.session.receive(now, from, datagram);
                let endpoint = connection.endpoint;
                let sign = connection.follow(now);
                self.events.extend(sign.map(|sign| (endpoint, sign)));
            }
        }
        self.settle(now, slot);
    }

    /// The next media socket of which the host is to tell what the network says of its datagrams, from now on.
    pub fn poll_doubtful(&mut self) -> Option<SocketId> {
        self.doubtful.pop_front()
    }

    /// The network says that a datagram of a media socket did not reach where it went, and why (ICMP destination unreachable). Of anywhere else
    /// than the far end of the connection it is not believed.
    pub fn handle_refused(&mut self, now: Time, socket: SocketId, to: SocketAddr, code: u8) {
        let entry =
            usize::try_from(socket.0).ok().and_then(|place| self.sockets.get(place).copied().flatten());
        let Some((slot, channel)) = entry else { return };
        let Some(connection) = self.connection(slot) else { return };
        let far = connection.session.remote();
        let is_far = match channel {
            Channel::Rtp => far == Some(to),
            // Where RTCP goes is the far end's choice, on its host.
            Channel::Rtcp => far.is_some_and(|far| far.ip() == to.ip()),
        };
        if is_far {
            connection.refusals.count += 1;
            connection.refusals.code = code;
            self.settle(now, slot);
        }
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
        while let Some(index) = self.hooks.pop_due(now) {
            self.with_telephone(now, index, |telephone| telephone.handle_timeout(now));
        }
        while let Some(slot) = self.timers.pop_due(now) {
            if let Some(connection) = self.connection(slot) {
                connection.session.handle_timeout(now);
                let over = connection.ear.as_mut().and_then(|ear| ear.look(now));
                let endpoint = connection.endpoint;
                self.events.extend(over.map(|event| (endpoint, event)));
            }
            self.settle(now, slot);
        }
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// Whether [`Self::poll_event`] has anything to tell.
    #[must_use]
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// What the media saw happen, for the gateway role.
    pub fn poll_event(&mut self) -> Option<(EndpointIndex, MediaEvent)> {
        self.events.pop_front()
    }

    /// When the plane wants its time.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        [self.timers.next(), self.hooks.next(), self.next_frame].into_iter().flatten().min()
    }

    /// The telephone of a line; none of a relay.
    #[must_use]
    pub fn telephone(&self, endpoint: EndpointIndex) -> Option<&Telephone> {
        Some(&self.endpoint(endpoint)?.line()?.telephone)
    }

    /// What the telephone of a line did that its subscriber has not noticed yet.
    pub fn poll_telephone(&mut self, endpoint: EndpointIndex) -> Option<TelephoneEvent> {
        self.endpoint_mut(endpoint)?.line_mut()?.telephone.poll_event()
    }

    /// The next feature key of a line that shows something new, and what.
    pub fn poll_key(&mut self, endpoint: EndpointIndex) -> Option<(u8, String)> {
        self.endpoint_mut(endpoint)?.line_mut()?.keys.poll()
    }

    /// Whether a feature key of a line shows this state or label.
    #[must_use]
    pub fn shows_key(&self, endpoint: EndpointIndex, key: u8, text: &str) -> bool {
        let line = self.endpoint(endpoint).and_then(Endpoint::line);
        line.is_some_and(|line| line.keys.shows(key, text))
    }

    /// A subscriber presses a feature key.
    pub fn press_key(&mut self, endpoint: EndpointIndex, key: u8) {
        let event = MediaEvent::Detected {
            package: "KY".to_owned(),
            event: format!("fk{key}"),
            connection: None,
            parameters: Vec::new(),
        };
        self.events.push_back((endpoint, event));
    }

    /// Lets a subscriber do something with the telephone, and notices what it does to the line.
    pub fn with_telephone(&mut self, now: Time, endpoint: EndpointIndex, act: impl FnOnce(&mut Telephone)) {
        if let Some(line) = self.endpoint_mut(endpoint).and_then(Endpoint::line_mut) {
            act(&mut line.telephone);
        }
        self.watch(now, endpoint);
    }

    /// How long a break of a line's loop is a flash, at least and at most; as in its country, where nothing is said.
    pub(crate) fn set_flash(
        &mut self,
        now: Time,
        endpoint: EndpointIndex,
        (shortest, longest): (Option<Duration>, Option<Duration>),
    ) {
        let usual = HookTiming::of(self.config.tones.country()).unwrap_or_default();
        let (shortest, longest) = (shortest.unwrap_or(usual.shortest), longest.unwrap_or(usual.longest));
        let timing = HookTiming { shortest, longest, ..usual };
        self.with_telephone(now, endpoint, |telephone| telephone.set_hook_timing(timing));
    }

    /// Puts a recording of the announcement servers under the name of its file.
    pub fn add_announcement(&mut self, file: &str, samples: Arc<[i16]>) {
        self.library.insert(file, samples);
    }

    /// Says that there is a recording in a file, which is read when it is wanted.
    pub fn list_announcement(&mut self, file: &str) {
        self.library.list(file);
    }

    /// The next file that is wanted, for [`Self::handle_announcement`].
    pub fn poll_announcement(&mut self) -> Option<String> {
        self.library.poll_question()
    }

    /// Takes a file that was wanted: its samples, or nothing if it cannot be read.
    pub fn handle_announcement(&mut self, file: &str, samples: Option<Arc<[i16]>>) {
        for (endpoint, signal) in self.library.answer(file, samples) {
            self.events.push_back((endpoint, MediaEvent::Fetched(signal)));
        }
    }

    /// Forgets samples of recordings that nobody has wanted lately, when there are too many.
    pub fn tidy(&mut self) {
        self.library.tidy();
    }

    /// What a subscriber has recorded on an announcement server: the endpoint, the number and the samples.
    pub fn poll_recorded(&mut self) -> Option<(EndpointIndex, u32, Arc<[i16]>)> {
        self.recorded.pop_front()
    }

    /// Takes what the other end of a circuit sends in 10 ms. What it sent last holds until it sends again.
    pub fn handle_circuit(&mut self, now: Time, endpoint: EndpointIndex, frame: CircuitFrame) {
        let Some(state) = self.endpoint_mut(endpoint) else { return };
        if let Body::Trunk(trunk) = &mut state.body {
            trunk.receive(frame);
            self.watch(now, endpoint);
        }
    }

    /// Whether the other end of a circuit is in this gateway.
    #[must_use]
    pub fn is_crossed(&self, endpoint: EndpointIndex) -> bool {
        self.config.crossed.iter().any(|(one, two)| *one == endpoint || *two == endpoint)
    }

    /// What a circuit sends in its next 10 ms to an end outside of this gateway.
    pub fn poll_circuit(&mut self) -> Option<(EndpointIndex, CircuitFrame)> {
        self.circuits.pop_front()
    }

    /// Ports in use.
    #[must_use]
    pub fn ports_taken(&self) -> usize {
        self.ports.taken()
    }

    /// Connections that are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.handles.len()
    }

    /// The counters.
    #[must_use]
    pub fn counters(&self) -> PlaneCounters {
        self.counters
    }

    /// Has an endpoint looked at.
    pub fn touch(&mut self, endpoint: EndpointIndex) {
        self.touched.insert(endpoint);
    }

    /// An endpoint on which something may be noticed since this was asked last.
    pub fn poll_touched(&mut self) -> Option<EndpointIndex> {
        self.touched.pop_first()
    }

    fn connection(&mut self, slot: Slot) -> Option<&mut Connection> {
        self.slots.get_mut(slot.0)?.as_deref_mut()
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
