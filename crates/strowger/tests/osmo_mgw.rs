//! Interoperation with osmo-mgw, the media gateway of Debian's package of that name: our call agent speaks its dialect and
//! relays talked calls through two connections of one of its endpoints, which are gone afterwards whatever happened.

#![allow(clippy::panic, clippy::print_stderr, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use strowger_capture::{LadderLimits, TextOptions};
use strowger_exchange::{
    CallEnded, Cause, Country, DialectChoice, Features, GatewayEntry, Inventory, LineAccess, LineEntry,
    MediaPolicy, Record, RelayEntry, ServiceState, StreamRole,
};
use strowger_mgcp::limits::Limits;
use strowger_mgcp::message::{Message, ReturnCode, TransactionId, Verb};
use strowger_mgcp::text::decode;
use strowger_node::clock::Wall;
use strowger_node::config::{Listen, StoreConfig};
use strowger_node::gateway::Direction;
use strowger_node::{Config, Frame, LadderTap, Node, Observer};
use support::osmo::OsmoMgw;
use support::process::Running;
use support::subscriber::{Site, Telephones};
use support::{loopback, until};

/// What the exchange exchanged with osmo-mgw, and its call detail records.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    /// The answers of the relay: their codes and the media addresses in them.
    answers: Vec<(ReturnCode, Option<SocketAddr>)>,
    records: Vec<CallEnded>,
    audits: BTreeSet<TransactionId>,
}

struct Witness {
    relay: SocketAddr,
    notes: Notes,
}

impl Observer for Witness {
    fn datagram(&mut self, frame: &Frame<'_>) {
        if frame.from != self.relay && frame.to != self.relay {
            return;
        }
        let mut seen = self.notes.0.lock().unwrap();
        let response = match decode(frame.bytes, &Limits::default()) {
            // A sign of life: osmo-mgw refuses what it asks for, which is one.
            Ok(Message::Command(command)) if command.verb == Verb::Auep => {
                seen.audits.insert(command.transaction_id);
                return;
            }
            Ok(Message::Response(response)) if frame.from == self.relay => response,
            Ok(Message::Command(_)) => return,
            other => panic!("{other:?}: {:?}", String::from_utf8_lossy(frame.bytes)),
        };
        if seen.audits.contains(&response.transaction_id) {
            return;
        }
        let limits = strowger_sdp::Limits::default();
        let media = response.sdp[0].map(|sdp| {
            let session = strowger_sdp::decode(sdp, &limits).unwrap();
            let audio = strowger_sdp::AudioDescription::from_session(&session).unwrap();
            SocketAddr::new(audio.address, audio.port)
        });
        seen.answers.push((response.code, media));
    }

    fn record(&mut self, record: &Record, _: &Wall) {
        if let Record::CallEnded(call) = record {
            self.notes.0.lock().unwrap().records.push((**call).clone());
        }
    }
}

/// An exchange whose calls go through osmo-mgw, and the sites of two gateways.
struct Town {
    node: Node,
    relay: OsmoMgw,
    sites: [Site; 2],
    notes: Notes,
    ladder: LadderTap,
}

impl Drop for Town {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.ladder.ladder().to_text(&TextOptions::default()));
        }
    }
}

impl Town {
    fn open(ringing: Duration) -> Self {
        let relay = OsmoMgw::start();
        let sites = [Site::new("gw1"), Site::new("gw2")];
        let mut inventory = Inventory::new("town", Country::default());
        inventory.timers.ringing = ringing;
        for (site, number) in sites.iter().zip(["2001", "2002"]) {
            inventory.gateways.push(GatewayEntry::mgcp(&site.id, site.address, &site.domain));
            inventory.lines.push(LineEntry {
                number: number.to_owned(),
                access: LineAccess::endpoint(site.id.clone(), "aaln/1"),
                name: None,
                features: Features::default(),
            });
        }
        inventory.gateways.push(GatewayEntry {
            dialect: DialectChoice::Osmo,
            relay: Some(RelayEntry { endpoint: OsmoMgw::ENDPOINT.to_owned() }),
            ..GatewayEntry::mgcp("osmo", relay.address(), OsmoMgw::DOMAIN)
        });
        inventory.media = MediaPolicy::Relay { gateway: "osmo".to_owned() };
        assert_eq!(inventory.check(), []);
        let listen = Listen { mgcp: Some(SocketAddr::new(loopback::host(), 0)), ..Listen::default() };
        let (store, limits) = (StoreConfig::Memory, strowger_node::admission::Limits::default());
        let config = Config { limits, ..Config::new(inventory, listen, store) };
        let notes = Notes::default();
        let witness = Witness { relay: relay.address(), notes: notes.clone() };
        let ladder = LadderTap::new(&config.inventory, LadderLimits::default());
        let node = Node::start(config, vec![Box::new(witness), Box::new(ladder.clone())]).unwrap();
        until("relay in service", || {
            let gateways = node.look().unwrap().snapshot.gateways;
            gateways
                .iter()
                .any(|row| row.id == "osmo" && row.service == ServiceState::InService)
                .then_some(())
        });
        Self { node, relay, sites, notes, ladder }
    }

    fn agent(&self) -> SocketAddr {
        self.node.mgcp().unwrap()
    }

    fn telephones(&self, site: usize) -> Telephones {
        let telephones = Telephones::start(&self.sites[site], self.agent(), 1);
        for (name, seed) in [("alma.wav", 1), ("bell.wav", 2)] {
            telephones.learn(name, seed, 40);
        }
        telephones
    }

    /// The media addresses that the relay has given.
    fn relay_addresses(&self) -> BTreeSet<SocketAddr> {
        let seen = self.notes.0.lock().unwrap();
        seen.answers.iter().filter_map(|(_, media)| *media).collect()
    }

    /// Waits until nobody holds anything: the exchange by its own word, osmo-mgw by its.
    fn comes_to_rest(&self) {
        until("rest of the exchange", || self.node.look().unwrap().snapshot.is_idle().then_some(()));
        self.relay_is_empty();
    }

    fn relay_is_empty(&self) {
        until("deletion of all connections", || (self.relay.connections() == 0).then_some(()));
    }

    /// The record of the only call.
    fn record(&self) -> CallEnded {
        let records = self.notes.0.lock().unwrap().records.clone();
        assert_eq!(records.len(), 1, "{records:?}");
        records[0].clone()
    }
}

/// The caller's and the called subscriber's talk, each heard by the other.
fn both_hear_each_other(caller: &mut Telephones, called: &mut Telephones) {
    caller.step("aaln/1 play alma.wav");
    called.step("aaln/1 play bell.wav");
    called.step("aaln/1 expect alma.wav within 15s");
    caller.step("aaln/1 expect bell.wav within 15s");
}

#[test]
fn a_talked_call_goes_through_osmo_mgw() {
    if !OsmoMgw::is_installed() {
        return;
    }
    let town = Town::open(Duration::from_secs(60));
    let (mut caller, mut called) = (town.telephones(0), town.telephones(1));
    caller.step("aaln/1 off-hook");
    caller.step("aaln/1 expect dial-tone within 10s");
    caller.step("aaln/1 dial 2002");
    called.step("aaln/1 expect ring within 10s");
    caller.step("aaln/1 expect ringback within 10s");
    called.step("aaln/1 off-hook");
    both_hear_each_other(&mut caller, &mut called);
    assert_eq!(town.relay.connections(), 2);
    let relay = town.relay_addresses();
    assert_eq!(relay.len(), 2, "{relay:?}");
    assert!(relay.iter().all(|side| side.ip() == town.relay.host() && OsmoMgw::MEDIA.contains(&side.port())));

    called.step("aaln/1 on-hook");
    caller.step("aaln/1 on-hook");
    town.comes_to_rest();

    // Each party exchanged packets with one side of the relay and with nobody else.
    let peers = [caller.media_peers(), called.media_peers()];
    assert!(peers.iter().all(|peers| peers.len() == 1), "{peers:?}");
    assert_eq!(peers.iter().flatten().copied().collect::<BTreeSet<_>>(), relay);
    for telephones in [&caller, &called] {
        let packets = telephones.packets();
        let received = packets.iter().filter(|packet| packet.direction == Direction::Received).count();
        // A second of talk is 50 packets, and the talk was compared over a second at least.
        assert!(received >= 50 && packets.len() - received >= 50, "{received} of {}", packets.len());
    }
    assert!(town.relay.counter("all_rtp:packets_tx") >= 100);
    assert_eq!((town.relay.counter("crcx:success"), town.relay.counter("dlcx:success")), (2, 2));
    let seen = town.notes.0.lock().unwrap().answers.clone();
    assert!(seen.iter().all(|(code, _)| code.is_success()), "{seen:?}");
    let record = town.record();
    assert_eq!((record.cause, record.dialled.as_str()), (Cause::NORMAL_CLEARING, "2002"));
    assert!(record.answer.is_some());
    let roles: Vec<_> = record.media.iter().map(|stream| stream.role).collect();
    use StreamRole::{Called, Calling, RelayCalled, RelayCalling};
    assert_eq!(roles, [Calling, RelayCalling, RelayCalled, Called]);
    for stream in &record.media {
        let statistics = stream.statistics.as_ref().unwrap();
        assert!(statistics.packets_received >= 50, "{stream:?}");
    }
    caller.stop();
    called.stop();
}

#[test]
fn a_call_that_nobody_answers_leaves_nothing_on_osmo_mgw() {
    if !OsmoMgw::is_installed() {
        return;
    }
    let town = Town::open(Duration::from_secs(2));
    let (mut caller, mut called) = (town.telephones(0), town.telephones(1));
    caller.step("aaln/1 off-hook");
    caller.step("aaln/1 dial 2002");
    called.step("aaln/1 expect ring within 10s");
    // The caller waits for nothing: the exchange gives up, and the relay is free before the caller is.
    called.step("aaln/1 expect ring-end within 15s");
    town.relay_is_empty();
    caller.step("aaln/1 on-hook");
    town.comes_to_rest();
    assert_eq!(town.record().cause, Cause::NO_ANSWER);
    assert!(town.relay.counter("crcx:success") >= 1);
    assert_eq!(town.relay.counter("crcx:success"), town.relay.counter("dlcx:success"));
}

#[test]
fn a_caller_who_gives_up_leaves_nothing_on_osmo_mgw() {
    if !OsmoMgw::is_installed() {
        return;
    }
    let town = Town::open(Duration::from_secs(60));
    let (mut caller, mut called) = (town.telephones(0), town.telephones(1));
    for _ in 0..3 {
        caller.step("aaln/1 off-hook");
        caller.step("aaln/1 dial 2002");
        called.step("aaln/1 expect ring within 10s");
        caller.step("aaln/1 on-hook");
        town.comes_to_rest();
        called.step("aaln/1 expect ring-end within 15s");
    }
    let records = town.notes.0.lock().unwrap().records.clone();
    assert_eq!(records.len(), 3);
    assert!(records.iter().all(|record| record.answer.is_none()), "{records:?}");
    assert!(town.relay.counter("crcx:success") >= 3);
    assert_eq!(town.relay.counter("crcx:success"), town.relay.counter("dlcx:success"));
}

#[test]
fn a_gateway_that_dies_in_a_call_leaves_nothing_on_osmo_mgw() {
    if !OsmoMgw::is_installed() {
        return;
    }
    let town = Town::open(Duration::from_secs(60));
    let mut caller = town.telephones(0);
    let (listen, agent) = (town.sites[1].address.to_string(), town.agent().to_string());
    let arguments = ["gateway", "mgcp", "--listen", &listen, "--agent", &agent, "--domain", "gw2.town"];
    let more = ["--lines", "1", "--max-waiting-delay", "0.05", "--control"];
    let mut called = Running::strowger(arguments.iter().chain(&more));
    called.json(&[("event", "registered")]);
    caller.step("aaln/1 off-hook");
    caller.step("aaln/1 dial 2002");
    called.json(&[("event", "ring"), ("line", "aaln/1")]);
    called.say("aaln/1 off-hook");
    called.say("aaln/1 play tone:1000");
    caller.step("aaln/1 expect tone:1000 within 15s");
    assert_eq!(town.relay.connections(), 2);
    called.cut();
    caller.step("aaln/1 on-hook");
    town.relay_is_empty();
    until("the end of the call", || town.node.look().unwrap().snapshot.calls.is_empty().then_some(()));
    assert_eq!(town.record().cause, Cause::NORMAL_CLEARING);
    assert_eq!((town.relay.counter("crcx:success"), town.relay.counter("dlcx:success")), (2, 2));

    // The relay serves the next call of those who are left.
    let mut again = town.telephones(1);
    again.step("aaln/1 off-hook");
    again.step("aaln/1 dial 2001");
    caller.step("aaln/1 expect ring within 10s");
    caller.step("aaln/1 off-hook");
    both_hear_each_other(&mut again, &mut caller);
    caller.step("aaln/1 on-hook");
    again.step("aaln/1 on-hook");
    town.comes_to_rest();
    assert_eq!((town.relay.counter("crcx:success"), town.relay.counter("dlcx:success")), (4, 4));
}
