//! A town in virtual time: one exchange, its gateways, the network between them, the people at the telephones.
//!
//! A run has two phases. While the town is awake, everything that the options allow happens, and after each step the safety
//! checks are made. Then the network heals, everybody hangs up, and the town must come to rest within a bounded time with
//! nothing left behind.
//!
//! The rooms: `fate` (what happens to hosts and clocks), `wire` (datagrams and connections).

mod fate;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};

use strowger_capture::{Ladder, LadderLimits};
use strowger_exchange::{CallId, Exchange, Inventory, LineCondition, Record, ServiceState, Termination};
use strowger_sansio::{Duration, Epoch, NodeId, Rng, SocketId, Time};
use strowger_softgateway::script::{Action, Progress, Sign, Sound, Step};
use strowger_softgateway::{ConfigError, Event, LineFact, SoftGateway, What};

use crate::ears::{Ear, Ears, parties};
use crate::invariants::Invariants;
use crate::network::{Network, Packet};
use crate::options::Options;
use crate::person::Person;
use crate::report::{Report, feature};
use crate::store::Store;
use crate::stream::{Notice, Streams};
use crate::tongue::Tongue;
use crate::town::{AGENT_PORT, SIGNALLING, host, town};
use fate::{Turn, turns};

/// How long a town may take to come to rest: the howler and lock-out, the give-up time of a transaction (2 T-HIST), the
/// disconnected procedure's first rounds and the agent's audits, one after the other.
const REST: Duration = Duration::from_secs(400);
/// A call that both parties will hold this long must let them hear each other by then.
const HEARD_WITHIN: Duration = Duration::from_secs(8);

/// How long after the end of a trouble its consequences may still show: the give-up time of a transaction (2 T-HIST), and the
/// round of deletions after it.
const EXCUSED: Duration = Duration::from_secs(75);
/// How soon a line that is at rest gives dial tone.
const DIAL_TONE_WITHIN: Duration = Duration::from_secs(6);

/// Datagrams that the socket of an exchange keeps while its host stands still; later ones are lost.
const SOCKET_KEEPS: usize = 500;
/// Steps at one instant after which an engine is stuck.
const MOST_STEPS_AT_ONCE: u32 = 10_000;

/// A gateway at its address.
struct Host {
    gateway: SoftGateway,
    sockets: Vec<SocketAddr>,
    /// Until when it is not held against anybody that this gateway knows less than others.
    excused: Time,
}

/// The town.
pub struct World {
    options: Options,
    inventory: Inventory,
    now: Time,
    /// What still happens to gateways: at each time the end of a cut, or its beginning, or a restart.
    troubles: BTreeMap<(Time, usize), Turn>,
    rng: Rng,
    network: Network,
    streams: Streams,
    connections_made: u16,
    exchange: Exchange,
    agent: SocketAddr,
    hosts: Vec<Host>,
    /// Which host has an address.
    by_address: BTreeMap<SocketAddr, (usize, SocketId)>,
    people: Vec<(usize, Person)>,
    invariants: Invariants,
    ladder: Ladder,
    ears: Ears,
    heard: usize,
    /// Expectations of dial tone, of everybody in the morning.
    dial_tones: BTreeMap<(usize, u64), String>,
    /// The exchange's host stands still.
    stalled: bool,
    /// When it last did, or went on.
    stalled_at: Option<Time>,
    /// What has come to the exchange since.
    unread: Vec<Packet>,
    /// What its connections brought.
    unnoticed: Vec<Notice>,
    /// What the exchange's store holds.
    store: Store,
    /// Answered calls that an exchange took over from the one before.
    restored: usize,
    /// Steps since time last went on.
    steps_here: u32,
    /// When the two sides' views of connections are compared next.
    next_comparison: Time,
    compared: usize,
    features: BTreeMap<&'static str, usize>,
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
        for (place, entry) in inventory.gateways.iter().enumerate() {
            let tongue = options.tongues.get(place).copied().unwrap_or(Tongue::Mgcp);
            let (host, sockets) = host(&options, entry, tongue, agent, Time::ZERO, rng.fork())?;
            for (number, socket) in (0..).zip(&sockets) {
                by_address.insert(*socket, (hosts.len(), SocketId(number)));
            }
            hosts.push(Host { gateway: host, sockets, excused: Time::ZERO });
        }
        let network = Network::new(rng.fork(), options.signalling, options.media, &SIGNALLING);
        let exchange =
            Exchange::new(Time::ZERO, inventory.clone(), NodeId(0), Epoch(options.seed), rng.fork());
        // Drawn apart, so that towns of MGCP stay what they were.
        let streams = Streams::new(Rng::from_number(options.seed ^ 0x5443_5000), options.signalling);
        let mut ladder = Ladder::new(LadderLimits::default());
        ladder.name_host(agent.ip(), "exchange");
        for gateway in 1..=hosts.len() {
            let host = hosts.get(gateway - 1).and_then(|host: &Host| host.sockets.first().copied());
            host.into_iter().for_each(|address| ladder.name_host(address.ip(), &format!("gw{gateway}")));
        }
        Ok(Self {
            troubles: turns(&options),
            options,
            inventory,
            now: Time::ZERO,
            rng,
            network,
            streams,
            connections_made: 0,
            exchange,
            agent,
            hosts,
            by_address,
            people,
            invariants: Invariants::default(),
            ladder,
            ears: Ears::default(),
            heard: 0,
            dial_tones: BTreeMap::new(),
            stalled: false,
            stalled_at: None,
            unread: Vec::new(),
            unnoticed: Vec::new(),
            store: Store::default(),
            restored: 0,
            steps_here: 0,
            next_comparison: Time::ZERO,
            compared: 0,
            features: BTreeMap::new(),
        })
    }

    /// Runs the town through its day, its rest, and the morning after.
    #[must_use]
    pub fn run(mut self) -> (Report, Ladder) {
        self.tell_wall();
        self.drain();
        let evening = Time::ZERO + self.options.span;
        while self.invariants.hold() && self.step(evening) {}
        self.network.heal();
        self.streams.heal();
        self.troubles.clear();
        self.now = self.now.max(evening);
        if self.stalled {
            self.go_on();
        }
        for host in &mut self.hosts {
            host.excused = host.excused.min(self.now + EXCUSED);
        }
        for person in 0..self.people.len() {
            let now = self.now;
            let actions = self.people.get_mut(person).map(|(_, someone)| someone.retire(now));
            self.act(person, actions.unwrap_or_default());
        }
        self.drain();
        self.rest();
        self.morning();
        self.rest();
        let report = Report {
            violations: self.invariants.violations().to_vec(),
            calls: self.invariants.calls(),
            answered: self.invariants.answered(),
            heard: self.heard,
            compared: self.compared,
            restored: self.restored,
            features: self.features,
            fate: self.network.fate(),
            took: self.now - Time::ZERO,
            options: self.options,
        };
        (report, self.ladder)
    }

    /// Waits until nothing is going on any more, and looks at what is left.
    fn rest(&mut self) {
        let midnight = self.now + REST;
        while self.invariants.hold() && !self.is_at_rest() && self.step(midnight) {}
        if !self.invariants.hold() {
            return;
        }
        let snapshots = self.hosts.iter().map(|host| host.gateway.snapshot());
        self.invariants.at_rest(self.now, &self.exchange.snapshot(), snapshots);
        for (place, host) in self.hosts.iter().enumerate() {
            for endpoint in host.gateway.endpoints() {
                // The lamp that says that a message waits stays on.
                let sounds =
                    endpoint.signals.split(',').any(|name| !name.is_empty() && !name.contains("vmwi"));
                if !endpoint.associated || endpoint.notifying || sounds {
                    self.invariants.broken(self.now, format!("gateway {place} is not at rest: {endpoint:?}"));
                }
            }
            let Some(gateway) = host.gateway.megaco() else { continue };
            let restless = gateway.terminations().filter(|one| one.context.is_some() || one.signals > 0);
            for own in restless {
                self.invariants.broken(self.now, format!("gateway {place} is not at rest: {own:?}"));
            }
            if gateway.controller().is_none() {
                self.invariants.broken(self.now, format!("gateway {place} has no controller"));
            }
        }
    }

    /// Everybody lifts the handset, hears dial tone, and puts it down: every line is armed.
    fn morning(&mut self) {
        let lines: Vec<_> = self.people.iter().map(|(place, one)| (*place, one.line.clone())).collect();
        let hot: Vec<_> = self.people.iter().map(|(_, one)| self.is_hot(&one.number)).collect();
        for (person, (place, line)) in lines.iter().enumerate() {
            // A hot line calls at once, and says nothing.
            if hot.get(person) == Some(&true) {
                continue;
            }
            self.act(person, vec![Action::OffHook]);
            let sign = Sign::Progress(Progress::Dial);
            let step = Step::Expect { line: line.clone(), sign, within: DIAL_TONE_WITHIN };
            let now = self.now;
            if let Some(host) = self.hosts.get_mut(*place)
                && let Ok(Some(number)) = host.gateway.handle_step(now, &step)
            {
                self.dial_tones.insert((*place, number), line.clone());
            }
        }
        self.drain();
        let end = self.now + DIAL_TONE_WITHIN + Duration::from_secs(1);
        while self.invariants.hold() && !self.dial_tones.is_empty() && self.step(end) {}
        for (person, _) in hot.iter().enumerate().filter(|(_, hot)| !**hot) {
            self.act(person, vec![Action::OnHook]);
        }
        self.drain();
    }

    fn tongue(&self, place: usize) -> Tongue {
        self.options.tongues.get(place).copied().unwrap_or(Tongue::Mgcp)
    }

    fn is_hot(&self, number: &str) -> bool {
        let features = self.inventory.subscriptions.get(number);
        features.and_then(|features| features.hot_line.as_ref()).is_some_and(|hot| hot.after.is_zero())
    }

    fn is_at_rest(&self) -> bool {
        let idle = |host: &Host| {
            host.gateway.snapshot().connections == 0
                && host.gateway.is_quiet()
                && host.gateway.endpoints().all(|endpoint| endpoint.associated && !endpoint.notifying)
                && host.gateway.megaco().is_none_or(|gateway| {
                    gateway.controller().is_some() && gateway.terminations().all(|one| one.signals == 0)
                })
        };
        let exchange = self.exchange.snapshot();
        exchange.is_idle()
            && exchange
                .lines
                .iter()
                .all(|line| line.condition == LineCondition::Idle && line.service == ServiceState::InService)
            && exchange.gateways.iter().all(|gateway| gateway.service == ServiceState::InService)
            && self.hosts.iter().all(idle)
            && self.network.poll_timeout().is_none()
    }

    /// When nothing is under way, exchange and gateways know the same connections.
    fn compare(&mut self) {
        let now = self.now;
        if now < self.next_comparison || self.stalled {
            return;
        }
        self.next_comparison = now + Duration::from_secs(1);
        let exchange = self.exchange.snapshot();
        let quiet = exchange.transactions == 0 && exchange.connections_in_transition == 0;
        if !quiet || self.hosts.iter().any(|host| host.excused > now || !host.gateway.is_quiet()) {
            return;
        }
        let known: BTreeSet<_> = exchange
            .connections
            .into_iter()
            .map(|end| (end.gateway, end.endpoint.to_ascii_lowercase(), end.connection.to_ascii_lowercase()))
            .collect();
        let mut held = BTreeSet::new();
        for place in 0..self.hosts.len() {
            held.extend(self.held(place));
        }
        self.compared += usize::from(!held.is_empty());
        if known != held {
            self.invariants
                .broken(now, format!("the exchange knows of {known:?}, the gateways have {held:?}"));
        }
    }

    /// The connections that a gateway has, by gateway, endpoint and name, in lower case.
    fn held(&mut self, place: usize) -> Vec<(String, String, String)> {
        let (Some(host), Some(entry)) = (self.hosts.get(place), self.inventory.gateways.get(place)) else {
            return Vec::new();
        };
        let own = |endpoint: &str, connection: &str| {
            (entry.id.clone(), endpoint.to_ascii_lowercase(), connection.to_ascii_lowercase())
        };
        let Some(gateway) = host.gateway.megaco() else {
            let endpoints = host.gateway.endpoints();
            let connections = |endpoint: strowger_mgcp::gateway::EndpointView| {
                let name = endpoint.name;
                endpoint.connections.into_iter().map(move |connection| (name.clone(), connection.id))
            };
            return endpoints.flat_map(connections).map(|(name, id)| own(&name, &id)).collect();
        };
        let lines: BTreeSet<_> =
            gateway.terminations().filter(|one| !one.is_ephemeral).map(|one| one.name.to_owned()).collect();
        let mut held = Vec::new();
        let mut odd = Vec::new();
        for context in gateway.contexts() {
            let (own_lines, streams): (Vec<&String>, Vec<&String>) =
                context.terminations.iter().partition(|name| lines.contains(*name));
            match own_lines.as_slice() {
                [line] if !streams.is_empty() => {
                    held.extend(
                        streams.iter().map(|name| own(line, &Termination::stream_name(context.id, name))),
                    );
                }
                _ => odd.push(format!("context {} holds {:?}", context.id, context.terminations)),
            }
        }
        let loose = gateway.terminations().filter(|one| one.is_ephemeral && one.context.is_none());
        odd.extend(loose.map(|one| format!("{} is in no context", one.name)));
        let now = self.now;
        for odd in odd {
            self.invariants.broken(now, format!("gateway {place}: {odd}"));
        }
        held
    }

    /// Goes on to the next thing that is due before `end`; false when there is none.
    fn step(&mut self, end: Time) -> bool {
        let hosts = self.hosts.iter().filter_map(|host| host.gateway.poll_timeout());
        let people = self.people.iter().filter_map(|(_, person)| person.poll_timeout());
        let turn = self.troubles.first_key_value().map(|((at, _), _)| *at);
        let exchange = if self.stalled { None } else { self.exchange.poll_timeout() };
        let wires = [self.network.poll_timeout(), self.streams.poll_timeout()];
        let due = wires.into_iter().chain([exchange, turn]).flatten();
        let Some(due) = due.chain(hosts).chain(people).min().filter(|due| *due < end) else { return false };
        self.steps_here = if due > self.now { 0 } else { self.steps_here + 1 };
        self.now = self.now.max(due);
        let now = self.now;
        if self.steps_here > MOST_STEPS_AT_ONCE {
            self.invariants
                .broken(now, "time stands still: an engine's deadline does not go away".to_owned());
            return false;
        }
        self.turn_fate();
        while let Some(packet) = self.network.receive(now) {
            self.deliver(&packet);
        }
        self.receive_streams();
        if !self.stalled && self.exchange.poll_timeout().is_some_and(|due| due <= now) {
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
        self.compare();
        true
    }

    /// Takes everything that the engines have to give, until they have nothing more.
    fn drain(&mut self) {
        let now = self.now;
        while let Some(transmit) = self.exchange.poll_transmit() {
            self.exchange_sends(transmit);
        }
        while let Some(record) = self.exchange.poll_record() {
            self.store.keep(&record);
            if matches!(record, Record::Setting(_)) {
                *self.features.entry("settings").or_default() += 1;
            }
            self.invariants.record(now, &record);
        }
        while let Some(event) = self.exchange.poll_event() {
            let excused: Vec<_> = self
                .inventory
                .gateways
                .iter()
                .zip(&self.hosts)
                .filter(|(_, host)| host.excused > now)
                .map(|(entry, _)| entry.id.as_str())
                .collect();
            self.invariants.event(now, &event, &excused);
            if let Some(name) = feature(&event) {
                *self.features.entry(name).or_default() += 1;
            }
            if let Some(call) = self.ears.follow(&event) {
                self.flows(call, matches!(event, strowger_exchange::Event::Connected { .. }));
            }
        }
        for place in 0..self.hosts.len() {
            while let Some(host) = self.hosts.get_mut(place)
                && let Some(transmit) = host.gateway.poll_transmit()
            {
                self.gateway_sends(place, transmit);
            }
            // A gateway has one controller here, and no connection but to that.
            while self.hosts.get_mut(place).and_then(|host| host.gateway.poll_close()).is_some() {
                self.streams.forget(self.now, Some(place));
            }
            while let Some((controller, address)) =
                self.hosts.get_mut(place).and_then(|host| host.gateway.poll_connect())
            {
                self.connect(place, controller, address);
            }
            while let Some(event) = self.hosts.get_mut(place).and_then(|host| host.gateway.poll_event()) {
                self.noticed(place, &event);
            }
        }
    }

    /// A gateway says what happened on a line.
    fn noticed(&mut self, place: usize, event: &Event) {
        let What::Line { line, fact } = &event.what else { return };
        match fact {
            LineFact::Met { expectation, .. } => {
                self.dial_tones.remove(&(place, *expectation));
                self.heard += usize::from(self.ears.take(place, *expectation).is_some());
            }
            LineFact::Missed { expectation, instead, .. } => {
                if let Some(line) = self.dial_tones.remove(&(place, *expectation)) {
                    let text = format!("gateway {place} {line} is dead in the morning: {instead}");
                    self.invariants.broken(self.now, text);
                }
                if let Some(ear) = self.ears.take(place, *expectation) {
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
        let still = |person: usize| {
            let person = self.people.get(person).map(|(_, person)| person);
            person.is_some_and(|one| one.talks_until(self.now) && one.steady_since() <= ear.since)
        };
        // A relay, or either party's gateway, may have been cut off or restarted.
        let troubled =
            self.hosts.iter().any(|host| host.excused > ear.since) || self.stalled_at >= Some(ear.since);
        if !troubled && still(ear.listener) && still(ear.speaker) {
            let name = |person: usize| self.people.get(person).map_or("", |(_, one)| one.number.as_str());
            let text = format!("{} does not hear {}: {instead}", name(ear.listener), name(ear.speaker));
            self.invariants.broken(self.now, text);
        }
    }

    /// The streams of a call flow: whoever waited for it begins to talk, and both listen for the other.
    fn flows(&mut self, call: CallId, begins: bool) {
        let snapshot = self.exchange.snapshot();
        let Some(numbers) = parties(&snapshot, call) else { return };
        let find = |number: &str| self.people.iter().position(|(_, person)| person.number == number);
        let [Some(one), Some(other)] = numbers.map(find) else { return };
        let now = self.now;
        for person in [one, other] {
            let actions = self.people.get_mut(person).map(|(_, person)| person.answered(now));
            self.act(person, actions.unwrap_or_default());
        }
        // Who returns to a call may have stopped talking before: only what is sure to be said is listened for.
        let then = now + HEARD_WITHIN + Duration::from_secs(1);
        let talks = |person: &usize| self.people.get(*person).is_some_and(|(_, one)| one.talks_until(then));
        if begins && [one, other].iter().all(talks) {
            self.listen(call, one, other);
            self.listen(call, other, one);
        }
    }

    fn listen(&mut self, call: CallId, listener: usize, speaker: usize) {
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
            self.ears.expect(place, expectation, Ear { since: now, call, listener, speaker });
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
