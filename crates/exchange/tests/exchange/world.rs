//! Exchange, gateways and the network between them, in virtual time; what subscribers do, and what must hold
//! at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use strowger_exchange::{
    CallEnded, CallId, CallPhase, CallStable, Country, Event, Exchange, Features, GatewayEntry, Input,
    Inventory, LineAccess, LineCondition, LineEntry, LineView, MediaPolicy, Record, Registration, RelayEntry,
    ServiceChange, ServiceState, SettingChange, SipStream, Subject, Subscriptions,
};
use strowger_sansio::{Duration, Epoch, NodeId, Rng, Time};

use crate::gateway::{self, Connection, Endpoint, Gateway};
use crate::sip_peer::{self, SipPeer};

const LATENCY: Duration = Duration::from_millis(5);

/// The address of the exchange.
pub(crate) fn exchange_address() -> SocketAddr {
    "127.0.0.1:2727".parse().unwrap()
}

/// Two gateways with three lines each: 2001 to 2003 on the first, 2004 to 2006 on the second.
pub(crate) fn town() -> Inventory {
    let mut town = Inventory::new("town", Country::default());
    town.agent_address = Some(exchange_address());
    for (gateway, names) in [("gw1", ["Alice", "Bob", "Carol"]), ("gw2", ["Dave", "Erin", "Frank"])] {
        let index = if gateway == "gw1" { 0 } else { 1 };
        let address = format!("127.0.0.{}:2427", 9 + index).parse().unwrap();
        town.gateways.push(gateway::entry(gateway, address, &format!("{gateway}.town")));
        for (line, name) in (1..).zip(names) {
            town.lines.push(LineEntry {
                number: format!("200{}", index * 3 + line),
                access: LineAccess::endpoint(gateway, format!("aaln/{line}")),
                name: Some(name.to_owned()),
                features: Features::default(),
            });
        }
    }
    town
}

/// The town with a third gateway that relays all media.
pub(crate) fn relayed_town(relays: usize) -> (Inventory, usize) {
    let mut town = town();
    let mut relay = GatewayEntry::mgcp("relay", "127.0.0.20:2427".parse().unwrap(), "relay.town");
    relay.relay = Some(RelayEntry { endpoint: "relay/$".to_owned() });
    town.gateways.push(relay);
    town.media = MediaPolicy::Relay { gateway: "relay".to_owned() };
    (town, relays)
}

/// A town whose subscribers have every feature.
pub(crate) fn all() -> Inventory {
    with_every_feature(town())
}

/// Gives every feature to the subscribers of a town.
pub(crate) fn with_every_feature(mut town: Inventory) -> Inventory {
    town.lines.iter_mut().for_each(|line| line.features = Features::ALL);
    town
}

/// 2001 talks with 2004, holds it and talks with 2005: the three are on two gateways.
pub(crate) fn consult(world: &mut World) {
    world.connect("2001", "2004");
    world.flash("2001");
    world.dial("2001", "2005");
    world.lift("2005");
    assert!(world.hear_each_other("2001", "2005"));
}

/// Whether a datagram is lost.
pub(crate) type Loss = Box<dyn FnMut(&[u8]) -> bool>;

pub(crate) struct World {
    pub(crate) exchange: Exchange,
    pub(crate) gateways: Vec<Gateway>,
    pub(crate) now: Time,
    pub(crate) inventory: Inventory,
    wire: BTreeMap<(Time, u64), (SocketAddr, SocketAddr, Vec<u8>)>,
    sent: u64,
    pub(crate) events: Vec<Event>,
    pub(crate) stable: Vec<CallStable>,
    pub(crate) ended: Vec<CallEnded>,
    pub(crate) service: Vec<ServiceChange>,
    pub(crate) settings: Vec<SettingChange>,
    pub(crate) registrations: Vec<Registration>,
    /// What telephones have subscribed to, by their lines.
    pub(crate) subscriptions: BTreeMap<String, Subscriptions>,
    /// What goes over the wire is lost when this says so.
    pub(crate) loses: Loss,
    /// Who is at the other end of the trunk, if the town has one.
    pub(crate) peer: Option<SipPeer>,
    /// Telephones that register.
    pub(crate) phones: Vec<SipPeer>,
    /// When the exchange died, until another one is started.
    pub(crate) died: Option<Time>,
    exchanges: u64,
}

impl World {
    pub(crate) fn new(inventory: Inventory) -> Self {
        let now = Time::from_secs(1000);
        let exchange = Exchange::new(now, inventory.clone(), NodeId(0), Epoch(1), Rng::from_number(42));
        let gateways = inventory.gateways.iter().map(|entry| {
            let lines = inventory.lines.iter().filter(|line| line.gateway() == entry.id).count();
            Gateway::of(entry, lines)
        });
        Self {
            exchange,
            gateways: gateways.collect(),
            now,
            inventory,
            wire: BTreeMap::new(),
            sent: 0,
            events: Vec::new(),
            stable: Vec::new(),
            ended: Vec::new(),
            service: Vec::new(),
            settings: Vec::new(),
            registrations: Vec::new(),
            subscriptions: BTreeMap::new(),
            loses: Box::new(|_| false),
            peer: None,
            phones: Vec::new(),
            died: None,
            exchanges: 1,
        }
    }

    /// A world in which all gateways have been found and all lines are in service.
    pub(crate) fn running(inventory: Inventory) -> Self {
        let mut world = Self::new(inventory);
        world.pass(5);
        for line in world.exchange.snapshot().lines {
            assert_eq!(line.service, ServiceState::InService, "{line:?}");
        }
        world.service.clear();
        world
    }

    pub(crate) fn with_relay(relays: usize) -> Self {
        let (inventory, relays) = relayed_town(relays);
        let mut world = Self::new(inventory);
        world.gateways[2].relays = relays;
        world.pass(5);
        world
    }

    fn send(&mut self, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) {
        if !(self.loses)(&bytes) {
            self.sent += 1;
            self.wire.insert((self.now + LATENCY, self.sent), (from, to, bytes));
        }
    }

    fn drain(&mut self) {
        while let Some(transmit) = self.exchange.poll_transmit() {
            let is_sip = matches!(transmit.socket, strowger_exchange::SIP_UDP | strowger_exchange::SIP_TCP);
            let from = if is_sip { sip_peer::exchange_address() } else { exchange_address() };
            self.send(from, transmit.to, transmit.payload);
        }
        let mut said = Vec::new();
        for peer in self.speakers() {
            said.extend(std::iter::from_fn(|| peer.transmit()));
        }
        for (from, bytes) in said {
            self.send(from, sip_peer::exchange_address(), bytes);
        }
        for index in 0..self.gateways.len() {
            while let Some(bytes) = self.gateways[index].transmit(self.now) {
                let from = self.gateways[index].address;
                self.send(from, exchange_address(), bytes);
            }
        }
        self.events.extend(std::iter::from_fn(|| self.exchange.poll_event()));
        while let Some(record) = self.exchange.poll_record() {
            match record {
                Record::CallStable(stable) => self.stable.push(*stable),
                Record::CallChanged(changed) => {
                    assert!(!self.ended.iter().any(|ended| ended.call == changed.call), "it is over");
                    let place = self.stable.iter().position(|stable| stable.call == changed.call);
                    self.stable[place.expect("not stable yet")] = *changed;
                }
                Record::CallEnded(ended) => self.ended.push(*ended),
                Record::Service(change) => self.service.push(change),
                Record::Setting(change) => self.settings.push(change),
                Record::Registration(registration) => self.registrations.push(registration),
                Record::Subscriptions(kept) => {
                    self.subscriptions.insert(kept.line.clone(), kept);
                }
            }
        }
        let mut calls = BTreeSet::new();
        assert!(self.ended.iter().all(|ended| calls.insert(ended.call)), "two last records of a call");
    }

    fn speakers(&mut self) -> impl Iterator<Item = &mut SipPeer> {
        self.peer.iter_mut().chain(&mut self.phones)
    }

    fn next(&self) -> Option<Time> {
        let wire = self.wire.first_key_value().map(|((at, _), _)| *at);
        let gateways = self.gateways.iter().filter_map(Gateway::timeout).min();
        let exchange = self.exchange.poll_timeout().filter(|_| self.died.is_none());
        let peer = self.peer.iter().chain(&self.phones).filter_map(SipPeer::timeout).min();
        [wire, gateways, exchange, peer].into_iter().flatten().min()
    }

    /// The exchange dies: what it knew is lost, but for its records.
    pub(crate) fn crash(&mut self) {
        self.died = Some(self.now);
        let now = self.now;
        for phone in self.phones.iter_mut().filter(|phone| phone.place.port() >= sip_peer::FLOWS) {
            phone.disconnected(now);
        }
    }

    /// An exchange starts from the records; the calls that it could not take over.
    pub(crate) fn start_again(&mut self) -> Vec<CallId> {
        self.exchanges += 1;
        let (epoch, rng) = (Epoch(self.exchanges), Rng::from_number(42 + self.exchanges));
        self.exchange = Exchange::new(self.now, self.inventory.clone(), NodeId(0), epoch, rng);
        let alive = self.died.take().unwrap();
        let ended: BTreeSet<_> = self.ended.iter().map(|ended| ended.call).collect();
        let last: BTreeMap<_, _> = self.registrations.iter().map(|last| (&last.line, last.clone())).collect();
        self.exchange.restore_registrations(self.now, &last.into_values().collect::<Vec<_>>());
        let told: Vec<_> = self.subscriptions.values().cloned().collect();
        self.exchange.restore_subscriptions(self.now, &told);
        let standing = self.stable.iter().filter(|stable| !ended.contains(&stable.call));
        let standing: Vec<_> = standing.cloned().collect();
        self.exchange.restore(self.now, &standing, alive)
    }

    /// Lets time pass.
    pub(crate) fn pass_time(&mut self, time: Duration) {
        let until = self.now + time;
        self.drain();
        while let Some(at) = self.next().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            if let Some(entry) = self.wire.first_entry().filter(|entry| entry.key().0 <= self.now) {
                let (from, to, bytes) = entry.remove();
                let now = self.now;
                if to == exchange_address() && self.died.is_some() {
                    // Nobody is there.
                } else if to == exchange_address() {
                    // Whoever is at no gateway's address would speak as the first of them.
                    let gateway = self.gateways.iter().find(|gateway| gateway.address == from);
                    let gateway = gateway.unwrap_or(&self.gateways[0]);
                    self.exchange.handle_input(self.now, gateway::input(gateway, from, &bytes));
                } else if to == sip_peer::exchange_address() && self.died.is_some() {
                    // Nor there.
                    if from.port() >= sip_peer::FLOWS
                        && let Some(peer) = self.speakers().find(|peer| peer.place == from)
                    {
                        peer.unsent(now, &bytes);
                    }
                } else if to == sip_peer::exchange_address() {
                    let from = sip_peer::way(from);
                    self.exchange.handle_input(self.now, Input::Sip { from, bytes: &bytes });
                } else if let Some(peer) = self.speakers().find(|peer| peer.place == to) {
                    peer.hear(now, &bytes);
                } else if to.port() >= sip_peer::FLOWS {
                    // Nobody takes a connection there.
                    let unsent = SipStream::Unsent { to: sip_peer::way(to), bytes: &bytes };
                    self.exchange.handle_sip_stream(now, unsent);
                } else if let Some(gateway) = self.gateways.iter_mut().find(|gateway| gateway.address == to) {
                    gateway.receive(self.now, &bytes);
                }
            } else {
                let now = self.now;
                self.gateways.iter_mut().for_each(|gateway| gateway.handle_timeout(now));
                self.speakers().for_each(|peer| peer.handle_timeout(now));
                if self.died.is_none() && self.exchange.poll_timeout().is_some_and(|at| at <= now) {
                    self.exchange.handle_timeout(now);
                }
            }
            self.drain();
        }
        self.now = until;
    }

    pub(crate) fn pass(&mut self, seconds: u64) {
        self.pass_time(Duration::from_secs(seconds));
    }

    /// Lets a minute pass at most, until this is so.
    pub(crate) fn patiently(&mut self, is_so: impl Fn(&Self) -> bool) {
        for _ in 0..60 {
            if is_so(self) {
                return;
            }
            self.pass(1);
        }
        panic!("it did not come to that within a minute: {:#?}", self.exchange.snapshot());
    }

    /// Lets what is under way arrive.
    pub(crate) fn settle(&mut self) {
        self.pass_time(Duration::from_millis(200));
    }

    pub(crate) fn place(&self, number: &str) -> (usize, String) {
        let line = self.inventory.lines.iter().find(|line| line.number == number).unwrap();
        let gateway = self.inventory.gateways.iter().position(|gateway| gateway.id == line.gateway());
        (gateway.unwrap(), line.endpoint().to_owned())
    }

    pub(crate) fn endpoint(&self, number: &str) -> &Endpoint {
        let (gateway, endpoint) = self.place(number);
        &self.gateways[gateway].endpoints[&endpoint]
    }

    pub(crate) fn gateway_of(&mut self, number: &str) -> &mut Gateway {
        let (gateway, _) = self.place(number);
        &mut self.gateways[gateway]
    }

    /// Lifts or puts back the receiver, and does not wait for what follows.
    pub(crate) fn hook(&mut self, number: &str, off: bool) {
        let (gateway, endpoint) = self.place(number);
        self.gateways[gateway].hook(self.now, &endpoint, off);
        self.drain();
    }

    pub(crate) fn lift(&mut self, number: &str) {
        self.hook(number, true);
        self.settle();
    }

    pub(crate) fn hang_up(&mut self, number: &str) {
        self.hook(number, false);
        self.settle();
    }

    /// Flashes the hook, and does not wait for what follows.
    pub(crate) fn press(&mut self, number: &str) {
        let (gateway, endpoint) = self.place(number);
        self.gateways[gateway].flash(self.now, &endpoint);
        self.drain();
    }

    pub(crate) fn flash(&mut self, number: &str) {
        self.press(number);
        self.settle();
    }

    pub(crate) fn dial(&mut self, number: &str, keys: &str) {
        let (gateway, endpoint) = self.place(number);
        self.gateways[gateway].dial(self.now, &endpoint, keys);
        self.settle();
    }

    /// Presses keys in a talk, and does not wait between them.
    pub(crate) fn press_keys(&mut self, number: &str, keys: &str) {
        let (gateway, endpoint) = self.place(number);
        for key in keys.chars() {
            self.gateways[gateway].key(self.now, &endpoint, key);
            self.drain();
        }
        self.settle();
    }

    /// The keys that were played on a line.
    pub(crate) fn keys_heard(&self, number: &str) -> String {
        let heard = self.endpoint(number).heard.iter();
        heard.filter_map(|signal| signal.strip_prefix("D/")).collect()
    }

    pub(crate) fn signal_ends(&mut self, number: &str) {
        let (gateway, endpoint) = self.place(number);
        self.gateways[gateway].signal_ends(self.now, &endpoint);
        self.settle();
    }

    /// What is played on the line now.
    pub(crate) fn hears(&self, number: &str) -> String {
        let endpoint = self.endpoint(number);
        [endpoint.signals.as_slice(), &endpoint.steady].concat().join(",")
    }

    /// Whether two lines hear each other: each sends to where the other one receives.
    pub(crate) fn talk(&self, one: &str, other: &str) -> bool {
        let stream = |number: &str| {
            let mut connections = self.endpoint(number).connections.values();
            let connection = connections.next().cloned();
            assert!(connections.next().is_none(), "{number} has two connections");
            connection
        };
        let (Some(one), Some(other)) = (stream(one), stream(other)) else { return false };
        one.mode == "sendrecv"
            && other.mode == "sendrecv"
            && one.remote == Some(other.port)
            && other.remote == Some(one.port)
    }

    /// Whether two lines hear each other, whatever other connections they have: each has one that sends to
    /// where the other one's receives.
    pub(crate) fn hear_each_other(&self, one: &str, other: &str) -> bool {
        let flows = |connection: &&Connection| ["sendrecv", "confrnce"].contains(&connection.mode.as_str());
        let streams =
            |number: &str| self.endpoint(number).connections.values().filter(flows).collect::<Vec<_>>();
        let others = streams(other);
        streams(one).iter().any(|one| {
            others.iter().any(|other| one.remote == Some(other.port) && other.remote == Some(one.port))
        })
    }

    /// Whether two lines hear each other through one endpoint of the relay.
    pub(crate) fn relayed(&self, one: &str, other: &str) -> bool {
        let flows = |connection: &&Connection| ["sendrecv", "confrnce"].contains(&connection.mode.as_str());
        let meets = |number: &str, side: &Connection| {
            let mut streams = self.endpoint(number).connections.values().filter(flows);
            streams.any(|stream| stream.remote == Some(side.port) && side.remote == Some(stream.port))
        };
        self.gateways[2].endpoints.values().any(|relay| {
            let sides: Vec<_> = relay.connections.values().filter(flows).collect();
            sides.len() == 2
                && (meets(one, sides[0]) && meets(other, sides[1])
                    || meets(one, sides[1]) && meets(other, sides[0]))
        })
    }

    /// The modes of a line's connections.
    pub(crate) fn modes(&self, number: &str) -> Vec<&str> {
        self.endpoint(number).connections.values().map(|connection| connection.mode.as_str()).collect()
    }

    pub(crate) fn record_of(&self, calling: &str, dialled: &str) -> &CallEnded {
        let is = |record: &&CallEnded| record.calling.number == calling && record.dialled == dialled;
        self.ended
            .iter()
            .find(is)
            .unwrap_or_else(|| panic!("{calling} did not call {dialled}: {:?}", self.ended))
    }

    pub(crate) fn phase(&self) -> Option<CallPhase> {
        self.exchange.snapshot().calls.first().map(|call| call.phase)
    }

    pub(crate) fn line(&self, number: &str) -> LineView {
        self.exchange.snapshot().lines.into_iter().find(|line| line.number == number).unwrap()
    }

    /// Service changes of a line, as the states that it went to.
    pub(crate) fn states(&self, number: &str) -> Vec<ServiceState> {
        let of = |change: &&ServiceChange| change.subject == Subject::Line(number.to_owned());
        self.service.iter().filter(of).map(|change| change.to).collect()
    }

    /// `one` calls `other`, up to the ringing.
    pub(crate) fn ring(&mut self, one: &str, other: &str) {
        self.lift(one);
        assert!(self.hears(one).starts_with("L/dl"), "{one} hears {}", self.hears(one));
        self.dial(one, other);
        assert!(self.hears(other).starts_with("L/rg"), "{other} hears {}", self.hears(other));
    }

    pub(crate) fn connect(&mut self, one: &str, other: &str) {
        self.ring(one, other);
        self.lift(other);
        assert!(self.talk(one, other), "{one} and {other} do not talk");
    }

    /// Everybody hangs up; then nothing may be left anywhere, and every call must have its record.
    pub(crate) fn end(mut self) -> Self {
        self.loses = Box::new(|_| false);
        for gateway in &mut self.gateways {
            gateway.dead = false;
            gateway.swallowed.clear();
        }
        self.pass(60);
        for line in self.inventory.lines.clone() {
            if line.phone().is_none() && self.endpoint(&line.number).off_hook {
                self.hang_up(&line.number);
            }
        }
        self.pass(400);
        let snapshot = self.exchange.snapshot();
        assert!(snapshot.is_idle(), "{snapshot:#?}");
        for line in &snapshot.lines {
            assert_eq!(line.condition, LineCondition::Idle, "{line:?}");
        }
        for gateway in &self.gateways {
            let left: Vec<_> = gateway.connections().collect();
            assert!(left.is_empty(), "{} keeps {left:?}", gateway.domain);
            for (local, endpoint) in &gateway.endpoints {
                assert!(
                    endpoint.steady.is_empty(),
                    "{local}@{} still gives {:?}",
                    gateway.domain,
                    endpoint.steady
                );
            }
        }
        let started = self.events.iter().filter(|event| matches!(event, Event::CallStarted { .. })).count();
        assert_eq!(started, self.ended.len(), "each call has its record");
        let mut twice = self.stable.iter().map(|stable| stable.call).collect::<Vec<_>>();
        twice.dedup();
        assert_eq!(twice.len(), self.stable.len());
        self
    }

    /// As [`Self::end`], with the only record.
    pub(crate) fn end_with_record(self) -> CallEnded {
        let mut world = self.end();
        assert_eq!(world.ended.len(), 1, "{:?}", world.ended);
        world.ended.remove(0)
    }
}
