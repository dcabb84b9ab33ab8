//! The exchange against the gateway role of our own MGCP: both sides of the protocol, each with its own
//! transaction layer, over a network that loses, repeats and reorders. The media are a record of what was
//! asked for.
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::net::SocketAddr;

use strowger_exchange::{
    CallEnded, CallPhase, Cause, Country, Event, Exchange, Features, GatewayEntry, Input, Inventory,
    LineAccess, LineEntry, MediaPolicy, Record, RelayEntry, ServiceState,
};
use strowger_mgcp::gateway::{
    CallAgent, ConnectionHandle, EndpointIndex, Gateway, GatewayConfig, Hook, MediaCapabilities, MediaEvent,
    MediaFault, MediaMode, MediaPlane, MediaSpec, SignalTarget,
};
use strowger_mgcp::message::{ConnectionStatistics, SignalBuf};
use strowger_sansio::{Duration, Epoch, NodeId, Rng, Time};

const LINES: u32 = 2;

/// Media that remembers what it was asked to do.
#[derive(Debug)]
struct Plane {
    host: [u8; 4],
    able: MediaCapabilities,
    hooks: BTreeMap<EndpointIndex, Hook>,
    open: BTreeMap<ConnectionHandle, (EndpointIndex, SocketAddr, MediaSpec)>,
    heard: Vec<(EndpointIndex, String)>,
    /// Brief signals, which are over as soon as they begin.
    brief: Vec<(SignalTarget, SignalBuf)>,
    ports: u16,
}

impl MediaPlane for Plane {
    fn capabilities(&self) -> &MediaCapabilities {
        &self.able
    }

    fn open(
        &mut self,
        _: Time,
        endpoint: EndpointIndex,
        connection: ConnectionHandle,
        spec: &MediaSpec,
    ) -> Result<SocketAddr, MediaFault> {
        self.ports += 2;
        let local = SocketAddr::from((self.host, 20_000 + self.ports));
        self.open.insert(connection, (endpoint, local, spec.clone()));
        Ok(local)
    }

    fn modify(&mut self, _: Time, connection: ConnectionHandle, spec: &MediaSpec) -> Result<(), MediaFault> {
        self.open.get_mut(&connection).unwrap().2 = spec.clone();
        Ok(())
    }

    fn close(&mut self, now: Time, connection: ConnectionHandle) -> ConnectionStatistics {
        self.open.remove(&connection).unwrap();
        self.statistics(now, connection)
    }

    fn statistics(&self, _: Time, _: ConnectionHandle) -> ConnectionStatistics {
        ConnectionStatistics { packets_sent: 7, ..ConnectionStatistics::default() }
    }

    fn start_signal(&mut self, _: Time, target: SignalTarget, signal: &SignalBuf) -> Result<(), MediaFault> {
        if signal.name().event() == "ci" {
            self.brief.push((target, signal.clone()));
        }
        self.heard.push((target.endpoint(), signal.to_string()));
        Ok(())
    }

    fn stop_signal(&mut self, _: Time, target: SignalTarget, signal: &SignalBuf) {
        let signal = signal.to_string();
        let place = self.heard.iter().position(|heard| *heard == (target.endpoint(), signal.clone()));
        self.heard.remove(place.unwrap());
    }

    fn hook(&self, endpoint: EndpointIndex) -> Hook {
        self.hooks.get(&endpoint).copied().unwrap_or(Hook::On)
    }
}

/// What the network does to a datagram.
#[derive(Clone, Copy)]
struct Network {
    loss: f64,
    repetition: f64,
    slowest: Duration,
}

const GOOD: Network = Network { loss: 0.0, repetition: 0.0, slowest: Duration::from_millis(5) };

struct Town {
    exchange: Exchange,
    gateways: Vec<(SocketAddr, Gateway, Plane)>,
    now: Time,
    wire: BTreeMap<(Time, u64), (SocketAddr, SocketAddr, Vec<u8>)>,
    sent: u64,
    network: Network,
    fate: Rng,
    events: Vec<Event>,
    ended: Vec<CallEnded>,
}

fn agent() -> SocketAddr {
    "127.0.0.1:2727".parse().unwrap()
}

impl Town {
    /// Lines 2001 and 2002 on one gateway, 2003 and 2004 on another; the second relays if that is asked for.
    fn new(seed: u64, relayed: bool) -> Self {
        let now = Time::from_secs(100);
        let mut rng = Rng::from_number(seed);
        let mut inventory = Inventory::new("town", Country::default());
        inventory.agent_address = Some(agent());
        let mut gateways = Vec::new();
        for index in 0..2_u8 {
            let (id, host) = (format!("gw{index}"), [127, 0, 0, 9 + index]);
            let address = SocketAddr::from((host, 2427));
            let mut entry = GatewayEntry::mgcp(&id, address, &format!("{id}.town"));
            let mut config =
                GatewayConfig::new(entry.domain.clone(), CallAgent::at(agent())).with_lines(LINES);
            if relayed && index == 1 {
                entry.relay = Some(RelayEntry { endpoint: "relay/$".to_owned() });
                config = config.with_relays(4);
                inventory.media = MediaPolicy::Relay { gateway: id.clone() };
            }
            for line in 1..=LINES {
                inventory.lines.push(LineEntry {
                    number: format!("200{}", u32::from(index) * LINES + line),
                    access: LineAccess::endpoint(id.clone(), format!("aaln/{line}")),
                    name: Some(format!("Line {line} \"{id}\"")),
                    features: Features::default(),
                });
            }
            inventory.gateways.push(entry);
            let mut plane = Plane {
                host,
                able: MediaCapabilities::default(),
                hooks: BTreeMap::new(),
                open: BTreeMap::new(),
                heard: Vec::new(),
                brief: Vec::new(),
                ports: 0,
            };
            let gateway = Gateway::new(now, config, rng.fork(), &mut plane).unwrap();
            gateways.push((address, gateway, plane));
        }
        let exchange = Exchange::new(now, inventory, NodeId(0), Epoch(0), rng.fork());
        let (wire, events, ended) = (BTreeMap::new(), Vec::new(), Vec::new());
        let mut town =
            Self { exchange, gateways, now, wire, sent: 0, network: GOOD, fate: rng.fork(), events, ended };
        town.pass(Duration::from_secs(10));
        for line in town.exchange.snapshot().lines {
            assert_eq!(line.service, ServiceState::InService, "{line:?}");
        }
        town
    }

    fn send(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let copies = 1 + u32::from(self.fate.chance(self.network.repetition));
        for _ in 0..copies {
            if !self.fate.chance(self.network.loss) {
                let delay = self.fate.duration(Duration::from_millis(1), self.network.slowest);
                self.sent += 1;
                self.wire.insert((self.now + delay, self.sent), (from, to, bytes.to_vec()));
            }
        }
    }

    fn drain(&mut self) {
        for (_, gateway, plane) in &mut self.gateways {
            for (target, signal) in std::mem::take(&mut plane.brief) {
                let text = signal.to_string();
                plane.heard.retain(|(at, heard)| *at != target.endpoint() || *heard != text);
                let ended = MediaEvent::SignalEnded(target, signal);
                gateway.handle_media_event(self.now, target.endpoint(), ended, plane);
            }
        }
        while let Some(transmit) = self.exchange.poll_transmit() {
            self.send(agent(), transmit.to, &transmit.payload);
        }
        for index in 0..self.gateways.len() {
            while let Some(transmit) = self.gateways[index].1.poll_transmit() {
                let from = self.gateways[index].0;
                self.send(from, transmit.to, &transmit.payload);
            }
            while self.gateways[index].1.poll_event().is_some() {}
        }
        self.events.extend(std::iter::from_fn(|| self.exchange.poll_event()));
        while let Some(record) = self.exchange.poll_record() {
            if let Record::CallEnded(ended) = record {
                self.ended.push(*ended);
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        self.drain();
        loop {
            let wire = self.wire.first_key_value().map(|((at, _), _)| *at);
            let gateways = self.gateways.iter().filter_map(|(_, gateway, _)| gateway.poll_timeout()).min();
            let next = [wire, gateways, self.exchange.poll_timeout()].into_iter().flatten().min();
            let Some(at) = next.filter(|at| *at <= until) else { break };
            self.now = self.now.max(at);
            let now = self.now;
            if let Some(entry) = self.wire.first_entry().filter(|entry| entry.key().0 <= now) {
                let (from, to, bytes) = entry.remove();
                match self.gateways.iter_mut().find(|(address, ..)| *address == to) {
                    Some((_, gateway, plane)) => gateway.handle_input(now, from, &bytes, plane),
                    None => self.exchange.handle_input(now, Input::Mgcp { from, bytes: &bytes }),
                }
            } else {
                self.gateways.iter_mut().for_each(|(_, gateway, plane)| gateway.handle_timeout(now, plane));
                self.exchange.handle_timeout(now);
            }
            self.drain();
        }
        self.now = until;
    }

    fn settle(&mut self) {
        self.pass(Duration::from_millis(300));
    }

    fn place(number: u32) -> (usize, EndpointIndex) {
        let line = number - 2001;
        (usize::try_from(line / LINES).unwrap(), EndpointIndex(line % LINES))
    }

    fn hook(&mut self, number: u32, hook: Hook) {
        let (gateway, endpoint) = Self::place(number);
        let (_, gateway, plane) = &mut self.gateways[gateway];
        plane.hooks.insert(endpoint, hook);
        let event = if hook == Hook::Off { MediaEvent::OffHook } else { MediaEvent::OnHook };
        gateway.handle_media_event(self.now, endpoint, event, plane);
        self.drain();
    }

    fn off_hook(&self, number: u32) -> bool {
        let (gateway, endpoint) = Self::place(number);
        self.gateways[gateway].2.hook(endpoint) == Hook::Off
    }

    fn lift(&mut self, number: u32) {
        self.hook(number, Hook::Off);
        self.settle();
    }

    fn hang_up(&mut self, number: u32) {
        self.hook(number, Hook::On);
        self.settle();
    }

    fn press(&mut self, number: u32, key: char) {
        let (gateway, endpoint) = Self::place(number);
        let (_, gateway, plane) = &mut self.gateways[gateway];
        gateway.handle_media_event(self.now, endpoint, MediaEvent::Digit(key), plane);
        self.pass(Duration::from_millis(100));
        let (_, gateway, plane) = &mut self.gateways[Self::place(number).0];
        let ended = MediaEvent::DigitEnded(key, Duration::from_millis(100));
        gateway.handle_media_event(self.now, endpoint, ended, plane);
    }

    fn dial(&mut self, number: u32, keys: &str) {
        keys.chars().for_each(|key| self.press(number, key));
        self.settle();
    }

    fn hears(&self, number: u32) -> String {
        let (gateway, endpoint) = Self::place(number);
        let heard = self.gateways[gateway].2.heard.iter().filter(|(at, _)| *at == endpoint);
        heard.map(|(_, signal)| signal.as_str()).collect::<Vec<_>>().join(",")
    }

    fn stream(&self, number: u32) -> Option<(SocketAddr, &MediaSpec)> {
        let (gateway, endpoint) = Self::place(number);
        let mut open = self.gateways[gateway].2.open.values().filter(|(at, ..)| *at == endpoint);
        open.next().map(|(_, local, spec)| (*local, spec))
    }

    /// Whether two lines hear each other, directly or through the relay.
    fn talk(&self, one: u32, other: u32) -> bool {
        let (Some((one, to_other)), Some((other, to_one))) = (self.stream(one), self.stream(other)) else {
            return false;
        };
        let both_ways = |spec: &MediaSpec| spec.mode == MediaMode::SendRecv;
        if !both_ways(to_other) || !both_ways(to_one) {
            return false;
        }
        let direct = to_other.remote == Some(other) && to_one.remote == Some(one);
        // The relay's connections are those on endpoints behind the lines.
        let relays = self.gateways.iter().flat_map(|(.., plane)| plane.open.values());
        let relays: Vec<_> = relays.filter(|(at, ..)| at.0 >= LINES).collect();
        let side = |party: SocketAddr, spec: &MediaSpec| {
            relays.iter().find(|(_, local, relay)| {
                spec.remote == Some(*local) && relay.remote == Some(party) && both_ways(relay)
            })
        };
        direct || matches!((side(one, to_other), side(other, to_one)), (Some(a), Some(b)) if a.0 == b.0)
    }

    /// All hang up and the network is good: nothing is left.
    fn end(mut self) -> Self {
        self.network = GOOD;
        self.pass(Duration::from_secs(60));
        for number in 2001..=2004 {
            if self.off_hook(number) {
                self.hang_up(number);
            }
        }
        self.pass(Duration::from_secs(200));
        let snapshot = self.exchange.snapshot();
        assert!(snapshot.is_idle(), "{snapshot:#?}");
        for (_, _, plane) in &self.gateways {
            assert!(plane.open.is_empty() && plane.heard.is_empty(), "{plane:?}");
        }
        let started = self.events.iter().filter(|event| matches!(event, Event::CallStarted { .. })).count();
        assert_eq!(started, self.ended.len(), "each call has its one record");
        self
    }
}

#[test]
fn a_call_is_dialled_rung_answered_talked_and_ended() {
    for relayed in [false, true] {
        let mut town = Town::new(1, relayed);
        town.lift(2001);
        assert_eq!(town.hears(2001), "L/dl");
        town.dial(2001, "2003");
        assert_eq!(town.hears(2001), "G/rt");
        assert_eq!(town.hears(2003), "L/rg");
        town.pass(Duration::from_secs(5));
        town.lift(2003);
        assert!(town.talk(2001, 2003), "relayed: {relayed}");
        assert_eq!((town.hears(2001), town.hears(2003)), (String::new(), String::new()));
        assert_eq!(town.exchange.snapshot().calls[0].phase, CallPhase::Talking);
        town.pass(Duration::from_secs(30));
        town.hang_up(2003);
        assert_eq!(town.hears(2001), "L/ro");
        let town = town.end();
        let record = &town.ended[0];
        assert_eq!((record.cause, record.media.len()), (Cause::NORMAL_CLEARING, if relayed { 4 } else { 2 }));
        assert!(record.media.iter().all(|stream| stream.statistics.unwrap().packets_sent == 7));
    }
}

#[test]
fn a_receiver_off_the_hook_is_moved_to_be_put_back() {
    let mut town = Town::new(2, false);
    town.lift(2001);
    let mut heard = Vec::new();
    for _ in 0..140 {
        town.pass(Duration::from_secs(1));
        let hears = town.hears(2001);
        if heard.last() != Some(&hears) {
            heard.push(hears);
        }
    }
    assert_eq!(heard, ["L/dl", "L/ro", "L/ot", ""]);
    assert_eq!(town.exchange.snapshot().lines[0].service, ServiceState::Lockout);
    town.hang_up(2001);
    assert_eq!(town.exchange.snapshot().lines[0].service, ServiceState::InService);
    let town = town.end();
    assert_eq!(town.ended[0].cause, Cause::INVALID_NUMBER_FORMAT);
}

#[test]
fn a_caller_who_stops_dialling_is_told_by_the_digit_timer() {
    let mut town = Town::new(3, false);
    town.lift(2001);
    town.dial(2001, "20");
    town.pass(Duration::from_secs(20));
    assert_eq!(town.hears(2001), "L/ro");
    let town = town.end();
    assert_eq!((town.ended[0].dialled.as_str(), town.ended[0].cause), ("20", Cause::INVALID_NUMBER_FORMAT));
}

#[test]
fn every_tone_is_one_that_the_gateway_can_make() {
    for (dialled, tone) in [("2009", "L/sit(6)"), ("2001", "L/bz"), ("2002", "G/rt")] {
        let mut town = Town::new(4, false);
        town.lift(2001);
        town.dial(2001, dialled);
        assert_eq!(town.hears(2001), tone);
        let refused = town.events.iter().find(|event| matches!(event, Event::OrderRefused { .. }));
        assert_eq!(refused, None);
        town.end();
    }
}

#[test]
fn subscribers_do_anything_over_a_bad_network_and_nothing_is_left() {
    for seed in 0..60 {
        let mut rng = Rng::from_number(seed);
        let mut town = Town::new(seed, rng.chance(0.5));
        town.network = Network {
            loss: *rng.pick(&[0.0, 0.05, 0.2]).unwrap(),
            repetition: *rng.pick(&[0.0, 0.1]).unwrap(),
            slowest: *rng.pick(&[Duration::from_millis(5), Duration::from_millis(300)]).unwrap(),
        };
        for _ in 0..80 {
            let number = 2001 + u32::try_from(rng.below(4)).unwrap();
            match rng.below(4) {
                0 | 1 => {
                    let hook = if town.off_hook(number) { Hook::On } else { Hook::Off };
                    town.hook(number, hook);
                }
                2 if town.off_hook(number) => {
                    let other = 2001 + rng.below(4);
                    town.dial(number, &other.to_string());
                }
                _ => {}
            }
            let pause = rng.duration(Duration::ZERO, Duration::from_secs(3));
            town.pass(pause);
        }
        let mut town = town.end();
        town.lift(2001);
        town.dial(2001, "2003");
        town.lift(2003);
        assert!(town.talk(2001, 2003), "seed {seed}");
        town.end();
    }
}
