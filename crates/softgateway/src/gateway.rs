//! The gateway: the protocol role, the media plane under it, the subscribers at its telephones.
//!
//! ```text
//!  signalling -> Role (mgcp or megaco)      <- events -  Plane  <- frames, hook -  telephones <- steps - Subscriber
//!                                        - calls  ->         - RTP -> media sockets        - signs -> events
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use strowger_media::tone::TonePlan;
use strowger_media::{MediaPort, TelephoneConfig};
use strowger_megaco::gateway as megaco;
use strowger_megaco::transaction::Route;
use strowger_mgcp::gateway::{
    EndpointIndex, EndpointKind, EndpointView, Gateway, GatewayCounters, MediaCapabilities,
};
use strowger_sansio::{Duration, Rng, SocketId, Time, Timers, Transmit};
use strowger_sdp::CodecEntry;

use crate::config::{ConfigError, MegacoConfig, SoftGatewayConfig};
use crate::distant::Distant;
use crate::event::{Event, LineFact, What};
use crate::lateness::Lateness;
use crate::megaco::Layout;
use crate::plane::{CircuitFrame, Plane, PlaneConfig, PlaneCounters};
use crate::role::{Megaco, News, Role, main_route};
use crate::script::{Order, Sign, Step};
use crate::subscriber::{ActionError, Sounds, Subscriber};

/// What a gateway holds, for metrics and for the invariants of a simulation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Connections that the protocol role knows.
    pub connections: usize,
    /// Connections of the plane: as many, at any time between two calls of a `handle_*` method.
    pub streams: usize,
    /// Pairs of media ports in use: as many again.
    pub ports: usize,
    /// Transactions that wait for an answer.
    pub outstanding: usize,
}

/// Frames of circuits that wait for a host to carry them elsewhere: a tenth of a second of a hundred circuits.
const MOST_CIRCUIT_FRAMES: usize = 1_000;
/// How much sound of a late host is made up for.
const CATCH_UP: Duration = Duration::from_millis(100);

/// The software gateway.
pub struct SoftGateway {
    role: Role,
    /// When it was last called.
    now: Time,
    /// Controllers to which a connection is wanted, and those to which none is wanted any more.
    wanted: VecDeque<usize>,
    unwanted: VecDeque<usize>,
    lateness: Lateness,
    plane: Plane,
    /// The endpoints' local names in lower case, and their kinds.
    names: Vec<(String, EndpointKind)>,
    subscribers: Vec<Subscriber>,
    /// The far ends of circuits that scripts work.
    distants: BTreeMap<EndpointIndex, Distant>,
    /// What circuits send to elsewhere.
    circuits: VecDeque<(EndpointIndex, CircuitFrame)>,
    /// When a subscriber has waited long enough, for those that wait: most have no telephone, or nothing to wait for.
    patience: Timers<EndpointIndex>,
    sounds: Sounds,
    next_expectation: u64,
    events: VecDeque<Event>,
    questions: VecDeque<Question>,
}

/// A host name that a gateway wants resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Which call agent's, by its place in the configuration.
    pub agent: usize,
    /// The name and port, as they were configured.
    pub name: String,
}

impl SoftGateway {
    /// A gateway with all handsets down, that will announce itself after a random part of its maximum waiting delay. `ports` are
    /// media sockets that its host has bound.
    ///
    /// # Errors
    /// What is wrong with the protocol's part of the configuration.
    pub fn new(
        now: Time,
        config: SoftGatewayConfig,
        ports: Vec<MediaPort>,
        mut rng: Rng,
    ) -> Result<Self, ConfigError> {
        let names: Vec<_> = config
            .gateway
            .endpoints
            .iter()
            .map(|endpoint| (endpoint.name.to_ascii_lowercase(), endpoint.kind))
            .collect();
        let place = |name: &str| {
            let found = names.iter().position(|(known, _)| known.eq_ignore_ascii_case(name))?;
            u32::try_from(found).ok().map(EndpointIndex)
        };
        let plane_config = PlaneConfig {
            endpoints: names.iter().map(|(_, kind)| *kind).collect(),
            tones: config.tones,
            capabilities: MediaCapabilities {
                asks_for_reports: config.asks_for_reports,
                ..capabilities(config.tones)
            },
            cname: format!("gateway@{}", config.gateway.domain).into(),
            telephone: TelephoneConfig { record: config.record },
            display: config.display,
            trunks: config
                .trunks
                .iter()
                .filter_map(|(name, options)| Some((place(name)?, *options)))
                .collect(),
            crossed: config.crossed.iter().filter_map(|(a, b)| Some((place(a)?, place(b)?))).collect(),
            quality: config.quality,
        };
        let mut plane = Plane::new(plane_config, ports, config.port_rest, rng.fork());
        for file in config.announcements {
            plane.list_announcement(&file);
        }
        let role = match config.megaco {
            None => Role::Mgcp(Box::new(Gateway::new(now, config.gateway, rng.fork(), &mut plane)?)),
            Some(MegacoConfig { gateway, since_1970 }) => {
                let lines = u32::try_from(gateway.terminations.len()).unwrap_or(u32::MAX);
                let layout = Layout::new(lines, &capabilities(config.tones));
                let mut gateway = megaco::Gateway::new(now, gateway, rng.fork())?;
                if let Some(since) = since_1970 {
                    gateway.set_clock(now, since);
                }
                Role::Megaco(Box::new(Megaco { gateway, layout, none: GatewayCounters::default() }))
            }
        };
        let subscribers = names.iter().map(|_| Subscriber::default()).collect();
        Ok(Self {
            role,
            now,
            wanted: VecDeque::new(),
            unwanted: VecDeque::new(),
            lateness: Lateness::default(),
            plane,
            names,
            subscribers,
            distants: BTreeMap::new(),
            circuits: VecDeque::new(),
            patience: Timers::new(),
            sounds: Sounds::new(),
            next_expectation: 0,
            events: VecDeque::new(),
            questions: VecDeque::new(),
        })
    }

    /// Gives a WAV file's samples under the name that scripts use.
    pub fn add_sound(&mut self, name: &str, samples: Arc<[i16]>) {
        self.sounds.insert(name.to_owned(), samples);
    }

    /// Gives the announcement servers a recording: `busy.wav` is the announcement of a URL that ends so, and the alias `/busy/`
    /// of RFC 2897; `39.wav` is its segment 39.
    pub fn add_announcement(&mut self, file: &str, samples: Arc<[i16]>) {
        self.plane.add_announcement(file, samples);
    }

    /// Says that the announcement servers have a recording in a file, whose samples are asked for by [`Self::poll_announcement`] when they are
    /// wanted.
    pub fn list_announcement(&mut self, file: &str) {
        self.plane.list_announcement(file);
    }

    /// The next file whose samples are wanted, for [`Self::handle_announcement`].
    pub fn poll_announcement(&mut self) -> Option<String> {
        self.plane.poll_announcement()
    }

    /// The samples of a file that was wanted, or why it cannot be read.
    pub fn handle_announcement(&mut self, now: Time, file: &str, read: Result<Arc<[i16]>, String>) {
        let samples = match read {
            Ok(samples) => Some(samples),
            Err(why) => {
                let what = What::Unreadable { file: file.to_owned(), why };
                self.events.push_back(Event { at: now, what });
                None
            }
        };
        self.plane.handle_announcement(file, samples);
        self.settle(now);
    }

    /// Takes what the other end of a circuit sends in 10 ms, when that end is not on this gateway.
    pub fn handle_circuit(&mut self, now: Time, trunk: EndpointIndex, frame: CircuitFrame) {
        self.plane.handle_circuit(now, trunk, frame);
        self.settle(now);
    }

    /// What a circuit sends in 10 ms to an end that is not on this gateway.
    pub fn poll_circuit(&mut self) -> Option<(EndpointIndex, CircuitFrame)> {
        self.circuits.pop_front().or_else(|| self.plane.poll_circuit())
    }

    /// The endpoint of a local name.
    #[must_use]
    pub fn find_endpoint(&self, local: &str) -> Option<EndpointIndex> {
        self.role.find_endpoint(local)
    }

    /// Takes a datagram from one of the host's sockets.
    pub fn handle_input(&mut self, now: Time, socket: SocketId, from: SocketAddr, datagram: &[u8]) {
        if socket == SocketId::MAIN {
            self.role.handle_input(now, main_route(from), datagram, &mut self.plane);
            self.settle(now);
        } else {
            self.plane.handle_input(now, socket, from, datagram);
            // A packet of a relay seldom says anything to anybody else.
            if self.plane.has_events() {
                self.settle(now);
            }
        }
    }

    /// Takes a message of a controller that came by a connection.
    pub fn handle_message(&mut self, now: Time, route: Route, message: &[u8]) {
        self.role.handle_input(now, route, message, &mut self.plane);
        self.settle(now);
    }

    /// The next controller to which a connection is wanted, and its address, for [`Self::handle_connection`]: a new one, if there was another.
    pub fn poll_connect(&mut self) -> Option<(usize, SocketAddr)> {
        let controller = self.wanted.pop_front()?;
        Some((controller, self.role.address_of_controller(controller)?))
    }

    /// The next controller to which the connection is to be closed, as nobody answers there. To be asked for before [`Self::poll_connect`].
    pub fn poll_close(&mut self) -> Option<usize> {
        self.unwanted.pop_front()
    }

    /// A connection to a controller stands; or, without a route, has ended or could not be made.
    pub fn handle_connection(&mut self, now: Time, controller: usize, route: Option<Route>) {
        self.role.handle_connected(now, controller, route, &mut self.plane);
        self.settle(now);
    }

    /// Lets a subscriber do what a script says. For an expectation it returns the number under which the verdict will be an event.
    ///
    /// # Errors
    /// Why the subscriber cannot.
    pub fn handle_step(&mut self, now: Time, step: &Step) -> Result<Option<u64>, ActionError> {
        let number = match step {
            Step::Wait(_) => None,
            Step::Operate { endpoints, order } => {
                self.operate(now, endpoints, *order)?;
                None
            }
            Step::Act { line, action } if self.is_circuit(line) => {
                let index = self.distant(line)?;
                if let Some(distant) = self.distants.get_mut(&index) {
                    distant.act(action, &self.sounds)?;
                    let frame = distant.frame();
                    self.plane.handle_circuit(now, index, frame);
                }
                None
            }
            Step::Act { line, action } => {
                let index = self.find(line)?;
                let recording = Subscriber::act(now, &mut self.plane, index, action, &self.sounds)?;
                if let Some(fact) = recording {
                    self.report(now, index, fact);
                }
                None
            }
            Step::Expect { line, sign, within } if self.is_circuit(line) => {
                let index = self.distant(line)?;
                let number = self.next_expectation;
                self.next_expectation += 1;
                if let Some(distant) = self.distants.get_mut(&index) {
                    distant.expect(now, number, sign.clone(), *within);
                }
                Some(number)
            }
            Step::Expect { line, sign, within } => {
                let index = self.find(line)?;
                let number = self.next_expectation;
                self.next_expectation += 1;
                if let Some(subscriber) = self.subscriber(index) {
                    subscriber.expect(now, number, sign.clone(), *within);
                }
                if matches!(sign, Sign::Key(..)) {
                    // Nothing else need happen to a telephone that rests.
                    self.plane.touch(index);
                }
                self.note_patience(index);
                Some(number)
            }
        };
        self.settle(now);
        Ok(number)
    }

    fn operate(&mut self, now: Time, endpoints: &str, order: Order) -> Result<(), ActionError> {
        if self.role.operate(now, endpoints, order, &mut self.plane) {
            Ok(())
        } else {
            Err(ActionError::NoEndpoint(endpoints.to_owned()))
        }
    }

    /// Announces that all endpoints go out of service, and takes no new calls.
    pub fn shut_down(&mut self, now: Time) {
        self.role.shut_down(now, &mut self.plane);
        self.settle(now);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Time) {
        self.lateness.note(now, self.poll_timeout());
        self.role.set_load(self.lateness.load(now));
        self.work_circuits(now);
        self.plane.handle_timeout(now);
        while let Some(index) = self.patience.pop_due(now) {
            self.plane.touch(index);
        }
        self.settle(now);
        self.role.handle_timeout(now, &mut self.plane);
        self.settle(now);
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.role.poll_transmit(self.now).or_else(|| self.plane.poll_transmit())
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The next name to be resolved, for [`Self::handle_resolved`].
    pub fn poll_question(&mut self) -> Option<Question> {
        self.questions.pop_front()
    }

    /// The addresses that a name stands for; none when it could not be resolved.
    pub fn handle_resolved(&mut self, now: Time, agent: usize, addresses: &[SocketAddr]) {
        self.role.handle_resolved(now, agent, addresses);
        self.settle(now);
    }

    /// The system says that a signalling datagram could not be delivered.
    pub fn handle_unreachable(&mut self, now: Time, address: SocketAddr) {
        self.role.handle_unreachable(now, address);
        self.settle(now);
    }

    /// The next media socket of which the host is to tell what the network says of its datagrams, for [`Self::handle_refused`].
    pub fn poll_doubtful(&mut self) -> Option<SocketId> {
        self.plane.poll_doubtful()
    }

    /// The network says that a datagram of a media socket did not arrive, by the code of ICMP's "destination unreachable".
    pub fn handle_refused(&mut self, now: Time, socket: SocketId, to: SocketAddr, code: u8) {
        self.plane.handle_refused(now, socket, to, code);
        self.settle(now);
    }

    /// When [`Self::handle_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        let deadlines = [self.role.poll_timeout(), self.plane.poll_timeout(), self.patience.next()];
        let distants = self.distants.values().filter_map(Distant::poll_timeout);
        deadlines.into_iter().flatten().chain(distants).min()
    }

    /// Whether nothing waits for an answer.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.role.outstanding() == 0
    }

    /// What it holds.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            connections: self.role.connections(),
            streams: self.plane.connections(),
            ports: self.plane.ports_taken(),
            outstanding: self.role.outstanding(),
        }
    }

    /// Its endpoints as the protocol role has them.
    pub fn endpoints(&self) -> impl Iterator<Item = EndpointView> {
        self.role.endpoints()
    }

    /// Its Megaco side, if it speaks Megaco: contexts and terminations.
    #[must_use]
    pub fn megaco(&self) -> Option<&megaco::Gateway> {
        self.role.megaco()
    }

    /// What the protocol role counted.
    #[must_use]
    pub fn counters(&self) -> &GatewayCounters {
        self.role.counters()
    }

    /// What the plane counted.
    #[must_use]
    pub fn media_counters(&self) -> PlaneCounters {
        self.plane.counters()
    }

    /// Lets events of the media reach the role, until both are at rest, and the subscribers notice what they can.
    fn settle(&mut self, now: Time) {
        self.now = now;
        self.exchange_circuits(now);
        while let Some((endpoint, event)) = self.plane.poll_event() {
            self.role.handle_media_event(now, endpoint, event, &mut self.plane);
        }
        self.plane.tidy();
        while let Some(news) = self.role.poll_news() {
            match news {
                News::Question(question) => self.questions.push_back(question),
                News::Connect(controller) => self.wanted.push_back(controller),
                News::Close(controller) => self.unwanted.push_back(controller),
                News::Happened(what) => self.events.push_back(Event { at: now, what: self.named(what) }),
            }
        }
        while let Some((index, number, samples)) = self.plane.poll_recorded() {
            let fact = LineFact::Recording { file: format!("{number}.wav"), samples: samples.to_vec() };
            self.report(now, index, fact);
        }
        while let Some(index) = self.plane.poll_touched() {
            let place = usize::try_from(index.0).unwrap_or(usize::MAX);
            let Some(subscriber) = self.subscribers.get_mut(place) else { continue };
            for fact in subscriber.notice(now, &mut self.plane, index, &self.sounds) {
                self.report(now, index, fact);
            }
            self.note_patience(index);
        }
    }

    /// What happened, with an endpoint's name for its number.
    fn named(&self, what: What) -> What {
        match what {
            What::Disconnected { endpoint } => {
                let index = endpoint.parse().ok().map(EndpointIndex);
                What::Disconnected { endpoint: index.map_or(endpoint, |index| self.name(index)) }
            }
            other => other,
        }
    }

    /// Gives the far ends what the circuits have sent, and the circuits what they answer.
    fn exchange_circuits(&mut self, now: Time) {
        if self.distants.is_empty() {
            return;
        }
        while let Some((index, frame)) = self.plane.poll_circuit() {
            match self.distants.get_mut(&index) {
                Some(distant) => {
                    distant.hear(&frame);
                    self.plane.handle_circuit(now, index, distant.frame());
                }
                None if self.circuits.len() < MOST_CIRCUIT_FRAMES => self.circuits.push_back((index, frame)),
                None => {}
            }
        }
        let facts = self.distants.iter_mut().map(|(index, distant)| (*index, distant.take_facts(now)));
        for (index, facts) in facts.collect::<Vec<_>>() {
            facts.into_iter().for_each(|fact| self.report(now, index, fact));
        }
    }

    /// Far ends answer each frame of a circuit before its next one, also when the host is a little late.
    fn work_circuits(&mut self, now: Time) {
        if self.distants.is_empty() {
            return;
        }
        while let Some(due) =
            self.plane.poll_timeout().filter(|due| *due < now && now.since(*due) <= CATCH_UP)
        {
            self.plane.handle_timeout(due);
            self.exchange_circuits(due);
        }
    }

    fn is_circuit(&self, name: &str) -> bool {
        self.names.iter().any(|(known, kind)| known == name && matches!(kind, EndpointKind::Trunk(_)))
    }

    /// The circuit of a name, whose far end is worked from now on.
    fn distant(&mut self, name: &str) -> Result<EndpointIndex, ActionError> {
        let place = self.names.iter().position(|(known, _)| known == name);
        let index = place.and_then(|place| u32::try_from(place).ok()).map(EndpointIndex);
        let kind = place.and_then(|place| self.names.get(place)).map(|(_, kind)| *kind);
        let (Some(index), Some(EndpointKind::Trunk(signalling))) = (index, kind) else {
            return Err(ActionError::NoLine(name.to_owned()));
        };
        if self.plane.is_crossed(index) {
            return Err(ActionError::Circuit("the circuit is joined to another one of this gateway"));
        }
        if !self.distants.contains_key(&index) {
            // What it has sent to nobody is past.
            while let Some((other, frame)) = self.plane.poll_circuit() {
                if other != index && self.circuits.len() < MOST_CIRCUIT_FRAMES {
                    self.circuits.push_back((other, frame));
                }
            }
            self.distants.insert(index, Distant::new(signalling));
        }
        Ok(index)
    }

    /// Notes when a subscriber next wants to be asked.
    fn note_patience(&mut self, index: EndpointIndex) {
        match self.subscriber(index).and_then(|subscriber| subscriber.poll_timeout()) {
            Some(due) => self.patience.set(index, due),
            None => {
                self.patience.cancel(&index);
            }
        }
    }

    fn report(&mut self, now: Time, index: EndpointIndex, fact: LineFact) {
        let line = self.name(index);
        self.events.push_back(Event { at: now, what: What::Line { line, fact } });
    }

    fn name(&self, index: EndpointIndex) -> String {
        let entry = usize::try_from(index.0).ok().and_then(|place| self.names.get(place));
        entry.map(|(name, _)| name.clone()).unwrap_or_default()
    }

    fn subscriber(&mut self, index: EndpointIndex) -> Option<&mut Subscriber> {
        self.subscribers.get_mut(usize::try_from(index.0).ok()?)
    }

    fn find(&self, line: &str) -> Result<EndpointIndex, ActionError> {
        let place =
            self.names.iter().position(|(name, kind)| *kind == EndpointKind::AnalogueLine && name == line);
        place
            .and_then(|place| u32::try_from(place).ok())
            .map(EndpointIndex)
            .ok_or_else(|| ActionError::NoLine(line.to_owned()))
    }
}

/// G.711 in the order of the country's law, in all packet times that the sessions can do.
fn capabilities(tones: &TonePlan) -> MediaCapabilities {
    let mut capabilities = MediaCapabilities::default();
    // Wideband speech costs a telephone its arithmetic and gives it nothing: it is for peers that have nothing else.
    capabilities.codecs.push(CodecEntry::g722());
    capabilities.codecs.extend(CodecEntry::from_static(strowger_media::rtp::COMFORT_NOISE));
    // G.711: mu-law in North America and Japan, A-law elsewhere and between the two.
    if !matches!(tones.country(), "us" | "jp") {
        capabilities.codecs.swap(0, 1);
    }
    capabilities.packetization = (1..=6).map(|frames| Duration::from_millis(10) * frames).collect();
    capabilities.ring_cycle =
        Duration::from_millis(u64::from(tones.ringing(strowger_media::tone::RingPattern::Normal).period()));
    capabilities.silence_suppression = true;
    capabilities.extended_reports = true;
    capabilities
}
