//! A town in virtual time: one exchange, its gateways, the network between them, the people at the telephones.
//!
//! A run has two phases. While the town is awake, everything that the options allow happens, and after each step the safety
//! checks are made. Then the network heals, everybody hangs up, and the town must come to rest within a bounded time with
//! nothing left behind.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};

use strowger_capture::{Ladder, LadderLimits, Protocol};
use strowger_exchange::{
    CallId, Exchange, Forward, Input, Inventory, LineCondition, Record, ServiceState, Setting, WallClock,
};

use strowger_sansio::{Duration, Epoch, NodeId, Rng, SocketId, Time};
use strowger_softgateway::script::{Action, Progress, Sign, Sound, Step};
use strowger_softgateway::{ConfigError, Event, LineFact, SoftGateway, What};

use crate::ears::{Ear, Ears, parties};
use crate::invariants::Invariants;
use crate::network::{Network, Packet};
use crate::options::{Habits, Options, Trouble, TroubleKind};
use crate::person::Person;
use crate::report::{Report, feature};
use crate::store::Store;
use crate::town::{AGENT_PORT, GATEWAY_PORT, host, town};

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

/// A turn of a gateway's fate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    CutOff(usize),
    Reconnected(usize),
    Restarted(usize),
    ExchangeRestarted,
    ExchangeStalls,
    ExchangeGoesOn,
    ClockSet(i64),
    OperatorSets,
}

/// The turns of what happens to gateways. When two cuts of a gateway overlap, the first end is the end.
fn turns(options: &Options) -> BTreeMap<(Time, usize), Turn> {
    let restart = options.exchange_restart.map(|at| ((Time::ZERO + at, usize::MAX), Turn::ExchangeRestarted));
    let mut turns: BTreeMap<_, _> = restart.into_iter().collect();
    if let Some((at, lasts)) = options.stall {
        let at = Time::ZERO + at;
        turns.insert((at, usize::MAX - 1), Turn::ExchangeStalls);
        turns.insert((at + lasts, usize::MAX - 1), Turn::ExchangeGoesOn);
    }
    if let Some((at, by)) = options.clock_set {
        turns.insert((Time::ZERO + at, usize::MAX - 2), Turn::ClockSet(by));
    }
    if options.habits == Habits::Features {
        // Now and then an operator lights a lamp, or helps somebody out.
        let rounds = options.span.as_secs() / 20;
        turns.extend(
            (1..=rounds).map(|round| ((Time::from_secs(20 * round), usize::MAX - 3), Turn::OperatorSets)),
        );
    }
    for (number, Trouble { gateway, at, kind }) in options.troubles.iter().enumerate() {
        let at = Time::ZERO + *at;
        match kind {
            TroubleKind::Restart => {
                turns.insert((at, number), Turn::Restarted(*gateway));
            }
            TroubleKind::CutOff(lasts) => {
                turns.insert((at, number), Turn::CutOff(*gateway));
                turns.insert((at + *lasts, number), Turn::Reconnected(*gateway));
            }
        }
    }
    turns
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
            let (host, sockets) = host(&options, entry, agent, Time::ZERO, rng.fork())?;
            for (number, socket) in (0..).zip(&sockets) {
                by_address.insert(*socket, (hosts.len(), SocketId(number)));
            }
            hosts.push(Host { gateway: host, sockets, excused: Time::ZERO });
        }
        let network = Network::new(rng.fork(), options.signalling, options.media, [AGENT_PORT, GATEWAY_PORT]);
        let exchange =
            Exchange::new(Time::ZERO, inventory.clone(), NodeId(0), Epoch(options.seed), rng.fork());
        let mut ladder = Ladder::new(LadderLimits::default());
        ladder.name_address(agent, "exchange");
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

    fn is_hot(&self, number: &str) -> bool {
        let features = self.inventory.subscriptions.get(number);
        features.and_then(|features| features.hot_line.as_ref()).is_some_and(|hot| hot.after.is_zero())
    }

    fn is_at_rest(&self) -> bool {
        let idle = |host: &Host| {
            host.gateway.snapshot().connections == 0
                && host.gateway.is_quiet()
                && host.gateway.endpoints().all(|endpoint| endpoint.associated && !endpoint.notifying)
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

    /// The fate of gateways takes its turns.
    fn turn_fate(&mut self) {
        let now = self.now;
        while let Some(((at, _), turn)) = self.troubles.first_key_value().map(|(key, turn)| (*key, *turn))
            && at <= now
        {
            self.troubles.pop_first();
            let place = match turn {
                Turn::CutOff(place) | Turn::Reconnected(place) | Turn::Restarted(place) => place,
                Turn::ExchangeRestarted => {
                    self.restart_exchange();
                    continue;
                }
                Turn::ClockSet(by) => {
                    self.store.set_clock(by);
                    self.tell_wall();
                    continue;
                }
                Turn::OperatorSets => {
                    self.operator_sets();
                    continue;
                }
                Turn::ExchangeStalls => {
                    (self.stalled, self.stalled_at) = (true, Some(now));
                    continue;
                }
                Turn::ExchangeGoesOn => {
                    self.go_on();
                    continue;
                }
            };
            let Some(host) = self.hosts.get_mut(place) else { continue };
            let Some(address) = host.sockets.first().map(SocketAddr::ip) else { continue };
            match turn {
                Turn::CutOff(_) => {
                    // For as long as it lasts; its end sets the time anew.
                    host.excused = Time::MAX;
                    self.network.cut_off(address);
                }
                Turn::Reconnected(_) => {
                    host.excused = now + EXCUSED;
                    self.network.reconnect(address);
                }
                _ => {
                    host.excused = host.excused.max(now + EXCUSED);
                    self.restart(place);
                }
            }
        }
    }

    /// The exchange is told what the wall shows.
    fn tell_wall(&mut self) {
        let unix = self.store.origin() + self.now.since(Time::ZERO);
        self.exchange.set_wall_clock(self.now, WallClock { unix, utc_offset: 3_600 });
    }

    /// An operator sets something for somebody.
    fn operator_sets(&mut self) {
        let Some(line) = self.rng.pick(&self.inventory.lines).map(|line| line.number.clone()) else { return };
        let on = self.rng.chance(0.5);
        let settings = [
            Setting::MessageWaiting(on),
            Setting::CallWaiting(on),
            Setting::DoNotDisturb(on && self.rng.chance(0.3)),
            Setting::RejectAnonymous(on),
            Setting::WithholdNumber(on),
            Setting::Forward(Forward::Always, None),
        ];
        if let Some(setting) = self.rng.pick(&settings)
            && let Err(fault) = self.exchange.set(self.now, &line, setting)
        {
            self.invariants.broken(self.now, format!("{line} cannot have {setting:?}: {fault}"));
        }
    }

    /// A gateway begins anew; whose handset is lifted notices nothing but silence.
    fn restart(&mut self, place: usize) {
        let Some(entry) = self.inventory.gateways.get(place) else { return };
        let Ok((gateway, _)) = host(&self.options, entry, self.agent, self.now, self.rng.fork()) else {
            return;
        };
        let Some(host) = self.hosts.get_mut(place) else { return };
        host.gateway = gateway;
        self.invariants.forget(entry.address);
        self.ears.forget_gateway(place);
        let lifted = |(host, person): &(usize, Person)| *host == place && person.is_off_hook();
        let people: Vec<_> =
            (0..self.people.len()).filter(|person| self.people.get(*person).is_some_and(lifted)).collect();
        for person in people {
            self.act(person, vec![Action::OffHook]);
        }
    }

    /// The exchange begins anew, in the next epoch, from what its store holds: the records of answered calls that have not
    /// ended, and what subscribers have set. What it had begun besides has no record, and what it had made must be found.
    fn restart_exchange(&mut self) {
        let epoch = Epoch(self.options.seed + 1);
        let now = self.now;
        let inventory = self.store.inventory(&self.inventory);
        self.exchange = Exchange::new(now, inventory, NodeId(0), epoch, self.rng.fork());
        self.tell_wall();
        self.invariants.forget(self.agent);
        let standing = self.store.take_standing();
        let refused = self.exchange.restore(now, &standing, now);
        let restored = standing.iter().map(|stable| stable.call).filter(|call| !refused.contains(call));
        let restored: BTreeSet<_> = restored.collect();
        for stable in standing.into_iter().filter(|stable| restored.contains(&stable.call)) {
            self.store.keep(&Record::CallStable(Box::new(stable)));
        }
        self.restored += restored.len();
        self.invariants.forget_calls(&restored);
        for host in &mut self.hosts {
            host.excused = host.excused.max(self.now + EXCUSED);
        }
    }

    /// The exchange's host runs again: what came meanwhile is read, as much of it as the socket kept, and what is due is done.
    fn go_on(&mut self) {
        let now = self.now;
        (self.stalled, self.stalled_at) = (false, Some(now));
        for packet in std::mem::take(&mut self.unread) {
            self.exchange.handle_input(now, Input::Mgcp { from: packet.from, bytes: &packet.payload });
        }
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
        for (host, entry) in self.hosts.iter().zip(&self.inventory.gateways) {
            for endpoint in host.gateway.endpoints() {
                let name = endpoint.name.to_ascii_lowercase();
                held.extend(
                    endpoint.connections.into_iter().map(|connection| {
                        (entry.id.clone(), name.clone(), connection.id.to_ascii_lowercase())
                    }),
                );
            }
        }
        self.compared += usize::from(!held.is_empty());
        if known != held {
            self.invariants
                .broken(now, format!("the exchange knows of {known:?}, the gateways have {held:?}"));
        }
    }

    /// Goes on to the next thing that is due before `end`; false when there is none.
    fn step(&mut self, end: Time) -> bool {
        let hosts = self.hosts.iter().filter_map(|host| host.gateway.poll_timeout());
        let people = self.people.iter().filter_map(|(_, person)| person.poll_timeout());
        let turn = self.troubles.first_key_value().map(|((at, _), _)| *at);
        let exchange = if self.stalled { None } else { self.exchange.poll_timeout() };
        let due = [self.network.poll_timeout(), exchange, turn].into_iter().flatten();
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

    fn deliver(&mut self, packet: &Packet) {
        let now = self.now;
        if packet.to == self.agent && self.stalled {
            if self.unread.len() < SOCKET_KEEPS {
                self.unread.push(packet.clone());
            }
        } else if packet.to == self.agent {
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
