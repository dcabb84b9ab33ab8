//! Loads against our own gateway and our own exchange, datagram by datagram, in virtual time.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::VecDeque;
use std::net::SocketAddr;

use strowger_exchange::{
    Country, DialectChoice, Event, Exchange, Features, GatewayEntry, Input, Inventory, LineAccess, LineEntry,
    Record,
};
use strowger_load::calls::{CallConfig, CallLoad, LoadGateway, LoadLine};
use strowger_load::jobs::{JobConfig, JobLoad, Work};
use strowger_load::{Amount, Load, Offer, Tally};
use strowger_media::MediaPort;
use strowger_mgcp::dialect::Dialect;
use strowger_mgcp::gateway::{CallAgent, GatewayConfig};
use strowger_mgcp::message::EndpointNameBuf;
use strowger_sansio::{Duration, Epoch, NodeId, Rng, SocketId, Time, Transmit};
use strowger_softgateway::{SoftGateway, SoftGatewayConfig};

const DELAY: Duration = Duration::from_millis(2);

fn agent() -> SocketAddr {
    "10.0.0.1:2727".parse().unwrap()
}

fn at(host: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 1, host], 2427))
}

/// What is on the other side of the load.
trait Peer {
    fn input(&mut self, now: Time, from: SocketAddr, bytes: &[u8]);
    fn timeout(&mut self, now: Time);
    /// The next datagram, with its destination and its source.
    fn transmit(&mut self) -> Option<(SocketAddr, Vec<u8>)>;
    fn due(&self) -> Option<Time>;
}

impl Peer for SoftGateway {
    fn input(&mut self, now: Time, from: SocketAddr, bytes: &[u8]) {
        self.handle_input(now, SocketId::MAIN, from, bytes);
    }

    fn timeout(&mut self, now: Time) {
        self.handle_timeout(now);
    }

    fn transmit(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        while let Some(transmit) = self.poll_transmit() {
            if transmit.socket == SocketId::MAIN {
                return Some((transmit.to, transmit.payload));
            }
        }
        None
    }

    fn due(&self) -> Option<Time> {
        self.poll_timeout()
    }
}

impl Peer for Exchange {
    fn input(&mut self, now: Time, from: SocketAddr, bytes: &[u8]) {
        self.handle_input(now, Input::Mgcp { from, bytes });
    }

    fn timeout(&mut self, now: Time) {
        self.handle_timeout(now);
    }

    fn transmit(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        self.poll_transmit().map(|transmit| (transmit.to, transmit.payload))
    }

    fn due(&self) -> Option<Time> {
        self.poll_timeout()
    }
}

/// A peer that hears nothing.
struct Nobody;

impl Peer for Nobody {
    fn input(&mut self, _: Time, _: SocketAddr, _: &[u8]) {}

    fn timeout(&mut self, _: Time) {}

    fn transmit(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        None
    }

    fn due(&self) -> Option<Time> {
        None
    }
}

enum Way {
    ToPeer(SocketAddr),
    ToLoad(SocketId),
}

/// Runs a load against a peer over a link that delays and, when told so, drops every so many-th datagram.
fn run(
    load: &mut dyn Load,
    peer: &mut dyn Peer,
    peer_at: SocketAddr,
    places: &[SocketAddr],
    drop_each: usize,
) -> Time {
    run_from(Time::ZERO, load, peer, peer_at, places, drop_each)
}

fn run_from(
    begin: Time,
    load: &mut dyn Load,
    peer: &mut dyn Peer,
    peer_at: SocketAddr,
    places: &[SocketAddr],
    drop_each: usize,
) -> Time {
    let mut wire: VecDeque<(Time, Way, Vec<u8>)> = VecDeque::new();
    let (mut now, mut sent) = (begin, 0_usize);
    for _ in 0..2_000_000 {
        while let Some(transmit) = load.poll_transmit() {
            assert_eq!(transmit.to, peer_at);
            sent += 1;
            if drop_each == 0 || sent % drop_each != 0 {
                let from = places[transmit.socket.0 as usize];
                wire.push_back((now + DELAY, Way::ToPeer(from), transmit.payload));
            }
        }
        while let Some((to, bytes)) = peer.transmit() {
            let place = places.iter().position(|place| *place == to).unwrap();
            sent += 1;
            if drop_each == 0 || sent % drop_each != 0 {
                wire.push_back((now + DELAY, Way::ToLoad(SocketId(u32::try_from(place).unwrap())), bytes));
            }
        }
        let done = load.is_done();
        // What is still on the wire arrives.
        if done && wire.is_empty() {
            return now;
        }
        let arrival = wire.front().map(|(at, _, _)| *at);
        let next = [arrival, load.poll_timeout(), peer.due()].into_iter().flatten().min();
        now = now.max(next.expect("something is due while the load is not done"));
        while wire.front().is_some_and(|(at, _, _)| *at <= now) {
            match wire.pop_front().unwrap() {
                (_, Way::ToPeer(from), bytes) => peer.input(now, from, &bytes),
                (_, Way::ToLoad(socket), bytes) => load.handle_input(now, socket, peer_at, &bytes),
            }
        }
        if load.poll_timeout().is_some_and(|due| due <= now) {
            load.handle_timeout(now);
        }
        if peer.due().is_some_and(|due| due <= now) {
            peer.timeout(now);
        }
    }
    panic!("the load does not end: {:?}", load.tally());
}

fn gateway(relays: u32) -> SoftGateway {
    let mut config = GatewayConfig::new("gw1.town", CallAgent::at(agent())).with_relays(relays);
    config.timers.protocol.mwd = Duration::from_millis(1);
    let ports = (0..64).map(|pair: u16| MediaPort {
        rtp: SocketAddr::from(([10, 0, 1, 1], 5000 + pair * 2)),
        rtcp: SocketAddr::from(([10, 0, 1, 1], 5001 + pair * 2)),
        rtp_socket: SocketId(u32::from(pair) * 2 + 1),
        rtcp_socket: SocketId(u32::from(pair) * 2 + 2),
    });
    let mut config = SoftGatewayConfig::new(config);
    config.port_rest = Duration::ZERO;
    SoftGateway::new(Time::ZERO, config, ports.collect(), Rng::from_number(1)).unwrap()
}

fn jobs(work: Work, offer: Offer, amount: Amount, relays: u32) -> JobLoad {
    let name = |n| EndpointNameBuf::from_parts(&format!("relay/{n}"), "gw1.town").unwrap();
    let mut config = JobConfig::audits(at(1), (1..=relays).map(name).collect());
    (config.work, config.offer, config.amount) = (work, offer, amount);
    config.media = SocketAddr::from(([10, 0, 0, 1], 9));
    JobLoad::new(Time::ZERO, config, Rng::from_number(2))
}

fn against_a_gateway(work: Work, offer: Offer, amount: Amount) -> (JobLoad, SoftGateway) {
    let (mut load, mut peer) = (jobs(work, offer, amount, 8), gateway(8));
    // A gateway that has just been switched on refuses with 405 until its restart is known.
    peer.handle_timeout(Time::from_millis(1));
    let mut id = 0;
    while let Some((_, bytes)) = peer.transmit() {
        id += 1;
        let text = String::from_utf8(bytes).unwrap();
        let transaction = text.split_whitespace().nth(1).unwrap();
        peer.handle_input(
            Time::from_millis(1),
            SocketId::MAIN,
            agent(),
            format!("200 {transaction} OK\r\n").as_bytes(),
        );
    }
    assert!(id > 0, "the gateway announced itself");
    run(&mut load, &mut peer, at(1), &[agent()], 0);
    (load, peer)
}

fn assert_good(tally: &Tally, count: u64) {
    assert_eq!(tally.reasons().collect::<Vec<_>>(), []);
    assert_eq!((tally.begun(), tally.done()), (count, count));
}

#[test]
fn audits_take_one_round_trip_each_and_a_window_has_so_many_under_way() {
    let (load, _) = against_a_gateway(Work::Audit, Offer::Window(4), Amount::Count(100));
    let tally = load.tally();
    assert_good(tally, 100);
    assert_eq!(tally.most_at_once(), 4);
    let audits = tally.latency("AUEP").unwrap();
    assert_eq!(audits.count, 100);
    assert!(audits.p50.abs_diff(DELAY * 2) < Duration::from_micros(20), "{audits:?}");
    // 100 of 4 ms each, four at a time.
    assert!((tally.rate() - 1000.0).abs() < 10.0, "{}", tally.rate());
}

#[test]
fn connections_are_deleted_as_they_were_made() {
    let (load, peer) = against_a_gateway(Work::Connection, Offer::Window(8), Amount::Count(50));
    assert_good(load.tally(), 50);
    assert_eq!(load.tally().latency("CRCX").unwrap().count, 50);
    assert_eq!(load.tally().latency("DLCX").unwrap().count, 50);
    assert_eq!(peer.endpoints().map(|endpoint| endpoint.connections.len()).sum::<usize>(), 0);
}

#[test]
fn a_call_joins_two_endpoints_both_ways() {
    let (load, _) = against_a_gateway(Work::Call, Offer::Rate(100.0), Amount::For(Duration::from_secs(1)));
    let tally = load.tally();
    assert_good(tally, 100);
    assert_eq!(tally.latency("MDCX").unwrap().count, 100);
    // Three commands, one after the other.
    assert!(tally.latency("set-up").unwrap().p50.abs_diff(DELAY * 6) < Duration::from_micros(50));
    assert_eq!(tally.held_back(), 0);
}

#[test]
fn a_rate_that_the_endpoints_cannot_carry_is_said_to_be_held_back() {
    let (load, _) = against_a_gateway(Work::Call, Offer::Rate(1000.0), Amount::Count(300));
    let tally = load.tally();
    assert_good(tally, 300);
    assert!(tally.held_back() > 100, "{}", tally.held_back());
    // What waited counts as time that it took.
    assert!(tally.latency("set-up").unwrap().p99 > DELAY * 20);
}

#[test]
fn what_a_gateway_refuses_is_counted_by_its_code() {
    let mut load = jobs(Work::Audit, Offer::Window(2), Amount::Count(20), 10);
    let mut peer = gateway(5);
    run(&mut load, &mut peer, at(1), &[agent()], 0);
    assert_eq!(load.tally().reasons().collect::<Vec<_>>(), [("AUEP: 500 Unknown endpoint", 10)]);
    assert_eq!(load.tally().done(), 10);
}

#[test]
fn a_peer_that_is_silent_is_asked_as_the_standard_says_and_then_given_up() {
    let mut load = jobs(Work::Audit, Offer::Window(1), Amount::Count(2), 1);
    let end = run(&mut load, &mut Nobody, at(1), &[agent()], 0);
    assert_eq!(load.tally().reasons().collect::<Vec<_>>(), [("AUEP: no answer", 2)]);
    assert!(load.tally().retransmissions() >= 8, "{}", load.tally().retransmissions());
    assert!(end > Time::from_secs(5), "{end:?}");
}

/// An exchange, the gateways that a load plays, and the lines on them by turns.
fn town(gateways: u8, lines: u32) -> (Exchange, CallConfig, Vec<SocketAddr>) {
    town_with(gateways, lines, DialectChoice::Auto)
}

fn town_with(gateways: u8, lines: u32, dialect: DialectChoice) -> (Exchange, CallConfig, Vec<SocketAddr>) {
    let mut inventory = Inventory::new("town", "us".parse::<Country>().unwrap());
    let mut config = CallConfig {
        agent: agent(),
        gateways: Vec::new(),
        lines: Vec::new(),
        number: None,
        offer: Offer::Window(1),
        amount: Amount::Count(1),
        ring: Duration::from_millis(100),
        hold: Duration::from_secs(1),
        patience: Duration::from_secs(10),
        restart_delay: Duration::from_millis(10),
    };
    for number in 1..=gateways {
        let (id, domain) = (format!("gw{number}"), format!("gw{number}.town"));
        inventory.gateways.push(GatewayEntry { dialect, ..GatewayEntry::mgcp(&id, at(number), &domain) });
        config.gateways.push(LoadGateway { address: at(number), domain, dialect: Dialect::RFC3435 });
    }
    for line in 0..lines {
        let place = line as usize % usize::from(gateways);
        let endpoint = format!("aaln/{}", line / u32::from(gateways) + 1);
        let number = format!("{}", 2001 + line);
        let gateway = format!("gw{}", place + 1);
        inventory.lines.push(LineEntry {
            number: number.clone(),
            access: LineAccess::endpoint(gateway, endpoint.clone()),
            name: None,
            features: Features::default(),
        });
        config.lines.push(LoadLine { gateway: place, endpoint, number });
    }
    let exchange = Exchange::new(Time::ZERO, inventory, NodeId(0), Epoch(1), Rng::from_number(3));
    let places = config.gateways.iter().map(|gateway| gateway.address).collect();
    (exchange, config, places)
}

fn ended(exchange: &mut Exchange) -> Vec<u8> {
    let causes = std::iter::from_fn(|| exchange.poll_record());
    causes
        .filter_map(|record| match record {
            Record::CallEnded(call) => Some(call.cause.value()),
            _ => None,
        })
        .collect()
}

#[test]
fn each_call_is_dialled_rung_answered_and_released() {
    let (mut exchange, mut config, places) = town(2, 8);
    (config.offer, config.amount) = (Offer::Window(4), Amount::Count(40));
    let mut load = CallLoad::new(Time::ZERO, config, Rng::from_number(4)).unwrap();
    run(&mut load, &mut exchange, agent(), &places, 0);
    assert_good(load.tally(), 40);
    for what in ["dial-tone", "post-dial", "cut-through", "release"] {
        let measured = load.tally().latency(what).unwrap();
        assert_eq!(measured.count, 40, "{what}");
        assert!(measured.max < Duration::from_millis(100), "{what}: {measured:?}");
    }
    assert_eq!(ended(&mut exchange), [16; 40], "normal clearing each time");
    assert_eq!(load.tally().most_at_once(), 4);
}

#[test]
fn gateways_that_restart_under_a_running_exchange_have_all_their_calls() {
    let (mut exchange, mut config, places) = town(4, 400);
    (config.offer, config.amount) = (Offer::Window(100), Amount::Count(400));
    (config.ring, config.hold) = (Duration::ZERO, Duration::ZERO);
    let mut begin = Time::ZERO;
    for life in 0..6 {
        let mut load = CallLoad::new(begin, config.clone(), Rng::from_number(life)).unwrap();
        begin = run_from(begin, &mut load, &mut exchange, agent(), &places, 0) + Duration::from_millis(300);
        assert_good(load.tally(), 400);
        assert_eq!(ended(&mut exchange), [16; 400], "life {life}");
    }
}

#[test]
fn a_call_succeeds_in_each_dialect_that_has_lines_configured_or_found_out() {
    let choices = [
        (Dialect::RFC3435, DialectChoice::Rfc3435, "rfc3435"),
        // What RFC 2705 differs in is not in its version: found out, it is taken for RFC 3435.
        (Dialect::RFC2705, DialectChoice::Rfc2705, "rfc3435"),
        (Dialect::MGCP_0_1, DialectChoice::Mgcp01, "mgcp-0.1"),
        (Dialect::NCS, DialectChoice::Ncs, "ncs"),
        (Dialect::TGCP, DialectChoice::Tgcp, "tgcp"),
    ];
    let with_lines = Dialect::ALL.iter().filter(|dialect| dialect.notification);
    assert!(with_lines.eq(choices.iter().map(|(dialect, ..)| dialect)));
    for (dialect, configured, detected) in choices {
        for choice in [configured, DialectChoice::Auto] {
            let (mut exchange, mut config, places) = town_with(1, 4, choice);
            config.gateways[0].dialect = dialect;
            (config.offer, config.amount) = (Offer::Window(2), Amount::Count(4));
            let mut load = CallLoad::new(Time::ZERO, config, Rng::from_number(9)).unwrap();
            run(&mut load, &mut exchange, agent(), &places, 0);
            assert_good(load.tally(), 4);
            assert_eq!(ended(&mut exchange), [16; 4], "{}", dialect.name);
            let found = std::iter::from_fn(|| exchange.poll_event()).find_map(|event| match event {
                Event::DialectDetected { dialect, .. } => Some(dialect),
                _ => None,
            });
            assert_eq!(found, (choice == DialectChoice::Auto).then_some(detected), "{}", dialect.name);
        }
    }
}

#[test]
fn calls_come_at_their_rate_and_survive_loss() {
    let (mut exchange, mut config, places) = town(3, 60);
    (config.offer, config.amount) = (Offer::Rate(10.0), Amount::For(Duration::from_secs(10)));
    let mut load = CallLoad::new(Time::ZERO, config, Rng::from_number(5)).unwrap();
    run(&mut load, &mut exchange, agent(), &places, 23);
    assert_good(load.tally(), 100);
    assert!(load.tally().retransmissions() > 0);
}

#[test]
fn a_call_to_a_number_that_leads_nowhere_fails_with_what_the_caller_hears() {
    let (mut exchange, mut config, places) = town(1, 4);
    for line in &mut config.lines {
        line.number.replace_range(..1, "7");
    }
    config.amount = Amount::Count(3);
    let mut load = CallLoad::new(Time::ZERO, config, Rng::from_number(6)).unwrap();
    run(&mut load, &mut exchange, agent(), &places, 0);
    assert_eq!(load.tally().done(), 0);
    assert_eq!(load.tally().reasons().collect::<Vec<_>>(), [("unobtainable", 3)]);
}

#[test]
fn a_call_agent_that_is_not_there_ends_the_load() {
    let (_, config, places) = town(1, 2);
    let mut load = CallLoad::new(Time::ZERO, config, Rng::from_number(7)).unwrap();
    run(&mut load, &mut Nobody, agent(), &places, 0);
    assert_eq!(load.tally().reasons().collect::<Vec<_>>(), [("not all gateways were accepted", 1)]);
}

/// A load that somebody stops at a time.
struct Stopped {
    load: CallLoad,
    at: Option<Time>,
}

impl Load for Stopped {
    fn handle_input(&mut self, now: Time, socket: SocketId, from: SocketAddr, bytes: &[u8]) {
        self.load.handle_input(now, socket, from, bytes);
    }

    fn handle_timeout(&mut self, now: Time) {
        if self.at.take_if(|at| *at <= now).is_some() {
            self.stop(now);
        }
        self.load.handle_timeout(now);
    }

    fn poll_transmit(&mut self) -> Option<Transmit> {
        self.load.poll_transmit()
    }

    fn poll_timeout(&self) -> Option<Time> {
        [self.load.poll_timeout(), self.at].into_iter().flatten().min()
    }

    fn stop(&mut self, now: Time) {
        self.load.stop(now);
    }

    fn is_done(&self) -> bool {
        self.load.is_done()
    }

    fn tally(&self) -> &Tally {
        self.load.tally()
    }
}

#[test]
fn a_load_that_is_stopped_begins_nothing_more_and_ends_what_it_has_begun() {
    let (mut exchange, mut config, places) = town(3, 60);
    (config.offer, config.amount) = (Offer::Rate(10.0), Amount::For(Duration::from_secs(1000)));
    let load = CallLoad::new(Time::ZERO, config, Rng::from_number(8)).unwrap();
    let mut load = Stopped { load, at: Some(Time::ZERO + Duration::from_secs(8)) };
    let end = run(&mut load, &mut exchange, agent(), &places, 0);
    let done = load.tally().done();
    assert!((10..=80).contains(&done), "{done}");
    assert_good(load.tally(), done);
    assert!(end < Time::ZERO + Duration::from_secs(60), "{end:?}");

    // Before a gateway was even accepted.
    let (_, config, places) = town(1, 2);
    let load = CallLoad::new(Time::ZERO, config, Rng::from_number(9)).unwrap();
    let mut load = Stopped { load, at: Some(Time::ZERO + Duration::from_millis(10)) };
    run(&mut load, &mut Nobody, agent(), &places, 0);
    assert_eq!((load.tally().done(), load.tally().failures()), (0, 0));
}
