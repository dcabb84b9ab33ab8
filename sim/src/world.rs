//! A town in virtual time: one exchange, its gateways, the network between them, the people at the telephones.
//!
//! A run has two phases. While the town is awake, everything that the options allow happens, and after each step the safety
//! checks are made. Then the network heals, everybody hangs up, and the town must come to rest within a bounded time with
//! nothing left behind.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};

use strowger_capture::{Ladder, LadderLimits, Protocol};
use strowger_exchange::{
    Country, DialectChoice, Exchange, GatewayEntry, GatewayProtocol, Input, Inventory, LineEntry,
    MediaPolicy, RelayEntry,
};
use strowger_media::MediaPort;
use strowger_media::tone::TonePlan;
use strowger_mgcp::gateway::{CallAgent, ConfigError, GatewayConfig};
use strowger_sansio::{Duration, Epoch, NodeId, Rng, SocketId, Time};
use strowger_softgateway::script::{Action, Sign, Sound, Step};
use strowger_softgateway::{Event, LineFact, SoftGateway, SoftGatewayConfig, What};

use crate::invariants::{Invariants, Violation};
use crate::network::{Fate, Link, Network, Packet};
use crate::options::{Options, Relay};
use crate::person::Person;

/// The call agent's port.
const AGENT_PORT: u16 = 2727;
/// The gateways' port.
const GATEWAY_PORT: u16 = 2427;
/// The first media port.
const MEDIA_PORT: u16 = 16_384;
/// Pairs of media ports on each gateway.
const PORT_PAIRS: u16 = 24;
/// How long a town may take to come to rest: the howler and lock-out, the give-up time of a transaction (2 T-HIST), the
/// disconnected procedure's first rounds and the agent's audits, one after the other.
const REST: Duration = Duration::from_secs(400);
/// A call that both parties will hold this long must let them hear each other by then.
const HEARD_WITHIN: Duration = Duration::from_secs(8);

/// Steps at one instant after which an engine is stuck.
const MOST_STEPS_AT_ONCE: u32 = 10_000;

/// A gateway at its address.
struct Host {
    gateway: SoftGateway,
    sockets: Vec<SocketAddr>,
}

/// How a run went.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was run.
    pub options: Options,
    /// What broke; empty when all held.
    pub violations: Vec<Violation>,
    /// Calls that were begun.
    pub calls: usize,
    /// Calls that were answered.
    pub answered: usize,
    /// Conversations whose both sides were heard by the other.
    pub heard: usize,
    /// What the network did.
    pub fate: Fate,
    /// How long it took in virtual time.
    pub took: Duration,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.options)?;
        writeln!(
            f,
            "{} calls, {} answered, {} ears checked, {} datagrams ({} lost, {} doubled), {:.0} s",
            self.calls,
            self.answered,
            self.heard,
            self.fate.sent,
            self.fate.lost,
            self.fate.duplicated,
            self.took.as_secs_f64()
        )?;
        if self.violations.is_empty() {
            return f.write_str("all invariants held");
        }
        for violation in &self.violations {
            writeln!(f, "VIOLATION {violation}")?;
        }
        Ok(())
    }
}

/// The town.
pub struct World {
    options: Options,
    now: Time,
    network: Network,
    exchange: Exchange,
    agent: SocketAddr,
    hosts: Vec<Host>,
    /// Which host has an address.
    by_address: BTreeMap<SocketAddr, (usize, SocketId)>,
    people: Vec<(usize, Person)>,
    invariants: Invariants,
    ladder: Ladder,
    /// Expectations of hearing the other party, by gateway and number; they count only if both still talk when they are missed.
    ears: BTreeMap<(usize, u64), Ear>,
    heard: usize,
    /// Steps since time last went on.
    steps_here: u32,
}

/// One party's check of hearing the other.
#[derive(Clone, Copy, Debug)]
struct Ear {
    listener: usize,
    speaker: usize,
}

impl World {
    /// The town of these options, at time zero.
    ///
    /// # Errors
    /// Options that no gateway can be made of: more lines than names.
    pub fn new(options: Options) -> Result<Self, ConfigError> {
        // The options were drawn from the seed itself; the run goes on from another point of it.
        let mut rng = Rng::from_number(options.seed ^ 0x5742_4f57_4745_5200);
        let agent = SocketAddr::from((Ipv4Addr::new(10, 0, 0, 1), AGENT_PORT));
        let (inventory, people) = town(&options, agent, &mut rng);
        let mut hosts = Vec::new();
        let mut by_address = BTreeMap::new();
        for entry in &inventory.gateways {
            let (host, sockets) = host(&options, entry, agent, rng.fork())?;
            for (number, socket) in (0..).zip(&sockets) {
                by_address.insert(*socket, (hosts.len(), SocketId(number)));
            }
            hosts.push(Host { gateway: host, sockets });
        }
        let network = Network::new(rng.fork(), options.signalling, Link::CLEAN, [AGENT_PORT, GATEWAY_PORT]);
        let exchange = Exchange::new(Time::ZERO, inventory, NodeId(0), Epoch(options.seed), rng.fork());
        let mut ladder = Ladder::new(LadderLimits::default());
        ladder.name_address(agent, "exchange");
        for gateway in 1..=hosts.len() {
            let host = hosts.get(gateway - 1).and_then(|host: &Host| host.sockets.first().copied());
            host.into_iter().for_each(|address| ladder.name_host(address.ip(), &format!("gw{gateway}")));
        }
        Ok(Self {
            options,
            now: Time::ZERO,
            network,
            exchange,
            agent,
            hosts,
            by_address,
            people,
            invariants: Invariants::default(),
            ladder,
            ears: BTreeMap::new(),
            heard: 0,
            steps_here: 0,
        })
    }

    /// Runs the town through its day and its rest.
    #[must_use]
    pub fn run(mut self) -> (Report, Ladder) {
        self.drain();
        let evening = Time::ZERO + self.options.span;
        while self.invariants.hold() && self.step(evening) {}
        self.network.heal();
        self.now = self.now.max(evening);
        for person in 0..self.people.len() {
            let now = self.now;
            let actions = self.people.get_mut(person).map(|(_, someone)| someone.retire(now));
            self.act(person, actions.unwrap_or_default());
        }
        self.drain();
        let midnight = self.now + REST;
        while self.invariants.hold() && !self.is_at_rest() && self.step(midnight) {}
        if self.invariants.hold() {
            let snapshots = self.hosts.iter().map(|host| host.gateway.snapshot());
            self.invariants.at_rest(self.now, &self.exchange.snapshot(), snapshots);
        }
        let report = Report {
            violations: self.invariants.violations().to_vec(),
            calls: self.invariants.calls(),
            answered: self.invariants.answered(),
            heard: self.heard,
            fate: self.network.fate(),
            took: self.now - Time::ZERO,
            options: self.options,
        };
        (report, self.ladder)
    }

    fn is_at_rest(&self) -> bool {
        let idle = |host: &Host| host.gateway.snapshot().connections == 0 && host.gateway.is_quiet();
        self.exchange.snapshot().is_idle()
            && self.hosts.iter().all(idle)
            && self.network.poll_timeout().is_none()
    }

    /// Goes on to the next thing that is due before `end`; false when there is none.
    fn step(&mut self, end: Time) -> bool {
        let hosts = self.hosts.iter().filter_map(|host| host.gateway.poll_timeout());
        let people = self.people.iter().filter_map(|(_, person)| person.poll_timeout());
        let due = [self.network.poll_timeout(), self.exchange.poll_timeout()].into_iter().flatten();
        let Some(due) = due.chain(hosts).chain(people).min().filter(|due| *due < end) else { return false };
        self.steps_here = if due > self.now { 0 } else { self.steps_here + 1 };
        self.now = self.now.max(due);
        let now = self.now;
        if self.steps_here > MOST_STEPS_AT_ONCE {
            self.invariants
                .broken(now, "time stands still: an engine's deadline does not go away".to_owned());
            return false;
        }
        while let Some(packet) = self.network.receive(now) {
            self.deliver(&packet);
        }
        if self.exchange.poll_timeout().is_some_and(|due| due <= now) {
            self.exchange.handle_timeout(now);
        }
        for host in &mut self.hosts {
            if host.gateway.poll_timeout().is_some_and(|due| due <= now) {
                host.gateway.handle_timeout(now);
            }
        }
        for person in 0..self.people.len() {
            let actions = self
                .people
                .get_mut(person)
                .filter(|(_, one)| one.poll_timeout().is_some_and(|due| due <= now));
            let actions = actions.map(|(_, one)| one.handle_timeout(now)).unwrap_or_default();
            self.act(person, actions);
        }
        self.drain();
        for (place, host) in self.hosts.iter().enumerate() {
            self.invariants.gateway(now, place, &host.gateway.snapshot());
        }
        true
    }

    fn deliver(&mut self, packet: &Packet) {
        let now = self.now;
        if packet.to == self.agent {
            self.exchange.handle_input(now, Input::Mgcp { from: packet.from, bytes: &packet.payload });
        } else if let Some((host, socket)) = self.by_address.get(&packet.to)
            && let Some(host) = self.hosts.get_mut(*host)
        {
            host.gateway.handle_input(now, *socket, packet.from, &packet.payload);
        }
    }

    /// Takes everything that the engines have to give, until they have nothing more.
    fn drain(&mut self) {
        let now = self.now;
        while let Some(transmit) = self.exchange.poll_transmit() {
            let packet = Packet { from: self.agent, to: transmit.to, payload: transmit.payload };
            self.send(packet);
        }
        while let Some(record) = self.exchange.poll_record() {
            self.invariants.record(now, &record);
        }
        while let Some(event) = self.exchange.poll_event() {
            self.invariants.event(now, &event);
            if let strowger_exchange::Event::Connected { call } = event {
                self.connected(call);
            }
        }
        for place in 0..self.hosts.len() {
            while let Some(host) = self.hosts.get_mut(place)
                && let Some(transmit) = host.gateway.poll_transmit()
            {
                let from = usize::try_from(transmit.socket.0).ok().and_then(|n| host.sockets.get(n).copied());
                if let Some(from) = from {
                    self.send(Packet { from, to: transmit.to, payload: transmit.payload });
                }
            }
            while let Some(event) = self.hosts.get_mut(place).and_then(|host| host.gateway.poll_event()) {
                self.noticed(place, &event);
            }
        }
    }

    fn send(&mut self, packet: Packet) {
        let signalling = [packet.from.port(), packet.to.port()]
            .iter()
            .any(|port| *port == AGENT_PORT || *port == GATEWAY_PORT);
        if signalling {
            self.invariants.datagram(self.now, &packet);
            self.ladder.observe(self.now, packet.from, packet.to, Protocol::Mgcp, &packet.payload);
        }
        self.network.send(self.now, packet);
    }

    /// A gateway says what happened on a line.
    fn noticed(&mut self, place: usize, event: &Event) {
        let What::Line { line, fact } = &event.what else { return };
        match fact {
            LineFact::Met { expectation, .. } => {
                self.heard += usize::from(self.ears.remove(&(place, *expectation)).is_some());
            }
            LineFact::Missed { expectation, instead, .. } => {
                if let Some(ear) = self.ears.remove(&(place, *expectation)) {
                    self.missed(ear, instead);
                }
            }
            _ => {}
        }
        let now = self.now;
        let person = self.people.iter().position(|(host, person)| *host == place && person.line == *line);
        if let Some(person) = person {
            let actions = self.people.get_mut(person).map(|(_, one)| one.handle_event(now, &event.what));
            self.act(person, actions.unwrap_or_default());
        }
    }

    /// A check of hearing counts when both parties have talked all the while.
    fn missed(&mut self, ear: Ear, instead: &str) {
        let still =
            |person: usize| self.people.get(person).is_some_and(|(_, person)| person.talks_until(self.now));
        if still(ear.listener) && still(ear.speaker) {
            let name = |person: usize| self.people.get(person).map_or("", |(_, one)| one.number.as_str());
            let text = format!("{} does not hear {}: {instead}", name(ear.listener), name(ear.speaker));
            self.invariants.broken(self.now, text);
        }
    }

    /// The streams of a call flow: the caller begins to talk, and both listen for the other.
    fn connected(&mut self, call: strowger_exchange::CallId) {
        let view = self.exchange.snapshot().calls.into_iter().find(|view| view.call == call);
        let Some(view) = view else { return };
        let find = |number: &str| self.people.iter().position(|(_, person)| person.number == number);
        let (Some(calling), Some(called)) = (find(&view.calling), view.called.as_deref().and_then(find))
        else {
            return;
        };
        let now = self.now;
        let actions = self.people.get_mut(calling).map(|(_, person)| person.answered(now));
        self.act(calling, actions.unwrap_or_default());
        let then = now + HEARD_WITHIN + Duration::from_secs(1);
        let both = [calling, called];
        if both.iter().all(|person| self.people.get(*person).is_some_and(|(_, one)| one.talks_until(then))) {
            self.listen(calling, called);
            self.listen(called, calling);
        }
    }

    fn listen(&mut self, listener: usize, speaker: usize) {
        let voice = self.people.get(speaker).map_or(0, |(_, person)| person.voice);
        let Some((place, line)) = self.people.get(listener).map(|(host, one)| (*host, one.line.clone()))
        else {
            return;
        };
        let step = Step::Expect { line, sign: Sign::Sound(Sound::Tone(voice)), within: HEARD_WITHIN };
        let now = self.now;
        if let Some(host) = self.hosts.get_mut(place)
            && let Ok(Some(expectation)) = host.gateway.handle_step(now, &step)
        {
            self.ears.insert((place, expectation), Ear { listener, speaker });
        }
    }

    fn act(&mut self, person: usize, actions: Vec<Action>) {
        let Some((place, line)) = self.people.get(person).map(|(host, one)| (*host, one.line.clone())) else {
            return;
        };
        for action in actions {
            let step = Step::Act { line: line.clone(), action };
            let now = self.now;
            if let Some(host) = self.hosts.get_mut(place)
                && let Err(error) = host.gateway.handle_step(now, &step)
            {
                self.invariants.broken(now, format!("{line} cannot {step:?}: {error}"));
            }
        }
    }
}

/// Who lives in the town, and where.
fn town(options: &Options, agent: SocketAddr, rng: &mut Rng) -> (Inventory, Vec<(usize, Person)>) {
    let country: Country = options.country.parse().unwrap_or_default();
    let mut inventory = Inventory::new("town", country);
    inventory.agent_address = Some(agent);
    let mut numbers = Vec::new();
    for gateway in 1..=options.gateways {
        inventory.gateways.push(gateway_entry(gateway));
        for line in 1..=options.lines {
            let number = format!("2{gateway:02}{line}");
            inventory.lines.push(LineEntry {
                number: number.clone(),
                gateway: format!("gw{gateway}"),
                endpoint: format!("aaln/{line}"),
                name: None,
            });
            numbers.push((gateway, format!("aaln/{line}"), number));
        }
    }
    if options.relay == Relay::Always {
        let mut relay = gateway_entry(options.gateways + 1);
        relay.relay = Some(RelayEntry { endpoint: "relay/$".to_owned() });
        inventory.media = MediaPolicy::Relay { gateway: relay.id.clone() };
        inventory.gateways.push(relay);
    }
    let everybody: Vec<_> = numbers.iter().map(|(_, _, number)| number.clone()).collect();
    let people = (0..).zip(numbers).map(|(place, (gateway, line, number))| {
        // Apart from each other and from every call-progress tone, and inside the band of G.711.
        let voice = 1150 + 130 * place;
        let host = usize::try_from(gateway - 1).unwrap_or(0);
        (host, Person::new(number, line, voice, everybody.clone(), rng.fork()))
    });
    let people = people.collect();
    (inventory, people)
}

fn gateway_entry(number: u32) -> GatewayEntry {
    let last = u8::try_from(number).unwrap_or(u8::MAX);
    GatewayEntry {
        id: format!("gw{number}"),
        protocol: GatewayProtocol::Mgcp,
        address: SocketAddr::from((Ipv4Addr::new(10, 0, 1, last), GATEWAY_PORT)),
        domain: format!("gw{number}.town"),
        dialect: DialectChoice::Auto,
        media: Vec::new(),
        relay: None,
    }
}

fn host(
    options: &Options,
    entry: &GatewayEntry,
    agent: SocketAddr,
    rng: Rng,
) -> Result<(SoftGateway, Vec<SocketAddr>), ConfigError> {
    let mut sockets = vec![entry.address];
    let mut ports = Vec::new();
    for pair in 0..PORT_PAIRS {
        let number = u32::from(pair) * 2;
        let at = |port: u16| SocketAddr::new(entry.address.ip(), port);
        let (rtp, rtcp) = (at(MEDIA_PORT + pair * 2), at(MEDIA_PORT + pair * 2 + 1));
        sockets.extend([rtp, rtcp]);
        ports.push(MediaPort {
            rtp,
            rtcp,
            rtp_socket: SocketId(number + 1),
            rtcp_socket: SocketId(number + 2),
        });
    }
    let mut gateway = GatewayConfig::new(entry.domain.clone(), CallAgent::at(agent));
    gateway = if entry.relay.is_some() { gateway.with_relays(8) } else { gateway.with_lines(options.lines) };
    gateway.timers.protocol.mwd = Duration::from_secs(1);
    let mut config = SoftGatewayConfig::new(gateway);
    config.tones = TonePlan::of(options.country).unwrap_or_else(TonePlan::north_america);
    Ok((SoftGateway::new(Time::ZERO, config, ports, rng)?, sockets))
}
