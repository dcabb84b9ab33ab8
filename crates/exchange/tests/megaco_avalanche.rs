//! All Megaco gateways of a network return at once, as after a failure of power (RFC 3525 section 9.2): ten thousand gateway engines
//! register within two seconds, over a network that loses and reorders, and every one of their lines comes into service.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use strowger_exchange::{
    Country, Exchange, Features, GatewayEntry, Input, Inventory, LineAccess, LineEntry, MEGACO_BINARY,
    MEGACO_TEXT, MegacoEncoding, MegacoEntry, NamePlan, ServiceState,
};
use strowger_megaco::binary;
use strowger_megaco::gateway::{
    Flow, Gateway, GatewayConfig, Hook, Item, LineIndex, MediaCapabilities, MediaFault, MediaPlane, Port,
    SignalHandle, SignalOrder, StreamHandle, StreamSpec, StreamStatistics,
};
use strowger_megaco::message::{Caseless, Mid, Version};
use strowger_megaco::text::Layout;
use strowger_megaco::transaction::{Coding, Dialect, Form, PeerConfig};
use strowger_megaco::transport::{Route, Transport};
use strowger_sansio::{Duration, Epoch, NodeId, Rng, SocketId, Time, Timers};

const GATEWAYS: usize = 10_000;
/// Gateways begin within so long (section 9.2: a random part of the maximum waiting delay).
const WAITING: Duration = Duration::from_secs(2);
const LATENCY: Duration = Duration::from_millis(20);
const JITTER: Duration = Duration::from_millis(10);
/// One message in twenty is lost.
const LOSS: f64 = 0.05;

const ENCODINGS: [MegacoEncoding; 3] =
    [MegacoEncoding::Compact, MegacoEncoding::Pretty, MegacoEncoding::Binary];
const VERSIONS: [Version; 3] = [Version::V1, Version::V2, Version::V3];

/// Telephones that nobody touches.
struct Silence(MediaCapabilities);

impl MediaPlane for Silence {
    fn capabilities(&self) -> &MediaCapabilities {
        &self.0
    }

    fn open(&mut self, _: Time, _: StreamHandle, _: &StreamSpec) -> Result<SocketAddr, MediaFault> {
        Err(MediaFault::Insufficient)
    }

    fn modify(&mut self, _: Time, _: StreamHandle, _: &StreamSpec) -> Result<(), MediaFault> {
        Ok(())
    }

    fn close(&mut self, _: Time, _: StreamHandle) -> StreamStatistics {
        StreamStatistics::default()
    }

    fn statistics(&self, _: Time, _: StreamHandle) -> StreamStatistics {
        StreamStatistics::default()
    }

    fn connect(&mut self, _: Time, _: u32, _: &[Port], _: &[Flow]) {}

    fn can_signal(&self, _: Port, _: &SignalOrder) -> bool {
        true
    }

    fn can_detect(&self, _: Port, _: Item) -> bool {
        true
    }

    fn start_signal(&mut self, _: Time, _: Port, _: SignalHandle, _: &SignalOrder) -> Result<(), MediaFault> {
        Ok(())
    }

    fn stop_signal(&mut self, _: Time, _: SignalHandle) {}

    fn hook(&self, _: LineIndex) -> Hook {
        Hook::On
    }
}

fn encoding(gateway: usize) -> MegacoEncoding {
    ENCODINGS[gateway % 3]
}

fn port(encoding: MegacoEncoding) -> u16 {
    if encoding == MegacoEncoding::Binary { 2945 } else { 2944 }
}

fn address(gateway: usize) -> SocketAddr {
    let [_, _, high, low] = u32::try_from(gateway).unwrap().to_be_bytes();
    SocketAddr::from(([127, 1, high, low], port(encoding(gateway))))
}

fn network() -> Inventory {
    let mut network = Inventory::new("town", Country::default());
    for gateway in 0..GATEWAYS {
        let id = format!("gw{gateway}");
        let megaco = MegacoEntry {
            mid: Some(format!("<{id}.town>")),
            encoding: encoding(gateway),
            ..MegacoEntry::default()
        };
        let domain = format!("{id}.town");
        network.gateways.push(GatewayEntry::megaco(&id, address(gateway), &domain, megaco));
        let (number, endpoint) = (format!("2{gateway:05}"), "aaln/1".to_owned());
        network.lines.push(LineEntry {
            number,
            access: LineAccess::endpoint(id, endpoint),
            name: None,
            features: Features::NONE,
        });
    }
    network
}

fn engine(now: Time, gateway: usize, rng: Rng) -> Gateway {
    let mid = Mid::Domain(Caseless::new(&format!("gw{gateway}.town")), None).into();
    let form = match encoding(gateway) {
        MegacoEncoding::Compact => Form::Text(Layout::Compact),
        MegacoEncoding::Pretty => Form::Text(Layout::Pretty),
        MegacoEncoding::Binary => Form::Binary,
    };
    let binary = binary::Options { plan: NamePlan::telephones(), ..binary::Options::default() };
    let coding = Arc::new(Coding { binary, ..Coding::default() });
    let exchange = SocketAddr::from(([127, 0, 0, 1], port(encoding(gateway))));
    let dialect = Dialect { form, ..Dialect::default() };
    let controller = PeerConfig { dialect, coding, ..PeerConfig::at(Route::udp(exchange)) };
    let mut config = GatewayConfig::new(mid).with_lines(1).with_controller(controller);
    config.version = VERSIONS[gateway / 3 % 3];
    config.waiting_delay = WAITING;
    Gateway::new(now, config, rng).unwrap()
}

/// The network: who sends what to which gateway, or from it.
struct Wire {
    rng: Rng,
    due: BTreeMap<(Time, u64), (usize, bool, Vec<u8>)>,
    sent: u64,
    lost: u64,
}

impl Wire {
    fn send(&mut self, now: Time, gateway: usize, is_for_gateway: bool, bytes: Vec<u8>) {
        self.sent += 1;
        if self.rng.chance(LOSS) {
            self.lost += 1;
            return;
        }
        let at = now + LATENCY + self.rng.duration(Duration::ZERO, JITTER);
        self.due.insert((at, self.sent), (gateway, is_for_gateway, bytes));
    }
}

#[test]
fn ten_thousand_megaco_gateways_that_return_at_once_are_all_served() {
    let begun = Time::from_secs(1000);
    let mut rng = Rng::from_number(1);
    let mut exchange = Exchange::new(begun, network(), NodeId(0), Epoch(1), rng.fork());
    let mut gateways: Vec<_> = (0..GATEWAYS).map(|number| engine(begun, number, rng.fork())).collect();
    let by_address: BTreeMap<_, _> = (0..GATEWAYS).map(|gateway| (address(gateway), gateway)).collect();
    let mut silence = Silence(MediaCapabilities::default());
    let mut wire = Wire { rng: rng.fork(), due: BTreeMap::new(), sent: 0, lost: 0 };
    let mut timers = Timers::new();
    for (number, gateway) in gateways.iter().enumerate() {
        timers.set(number, gateway.poll_timeout().unwrap());
    }
    let (mut now, mut most, mut served) = (begun, 0, None);
    while now < begun + Duration::from_secs(60) && served.is_none() {
        let arrival = wire.due.first_key_value().map(|((at, _), _)| *at);
        let next = [arrival, exchange.poll_timeout(), timers.next()];
        now = now.max(next.into_iter().flatten().min().unwrap());
        let mut touched = None;
        if let Some(entry) = wire.due.first_entry().filter(|entry| entry.key().0 <= now) {
            let (number, is_for_gateway, bytes) = entry.remove();
            let is_binary = encoding(number) == MegacoEncoding::Binary;
            if is_for_gateway {
                let from = SocketAddr::from(([127, 0, 0, 1], port(encoding(number))));
                gateways[number].handle_input(now, Route::udp(from), &bytes, &mut silence);
                touched = Some(number);
            } else {
                let socket = if is_binary { MEGACO_BINARY } else { MEGACO_TEXT };
                let route = Route { transport: Transport::Udp, socket, address: address(number) };
                exchange.handle_input(now, Input::Megaco { route, bytes: &bytes });
            }
        } else if let Some(number) = timers.pop_due(now) {
            gateways[number].handle_timeout(now, &mut silence);
            touched = Some(number);
        } else {
            exchange.handle_timeout(now);
        }
        if let Some(number) = touched {
            while let Some(transmit) = gateways[number].poll_transmit(now) {
                assert_eq!(transmit.socket, SocketId::MAIN);
                wire.send(now, number, false, transmit.payload);
            }
            match gateways[number].poll_timeout() {
                Some(due) => timers.set(number, due),
                None => {
                    timers.cancel(&number);
                }
            }
        }
        while let Some(transmit) = exchange.poll_transmit() {
            wire.send(now, by_address[&transmit.to], true, transmit.payload);
        }
        most = most.max(wire.due.len());
        while exchange.poll_event().is_some() || exchange.poll_record().is_some() {}
        // Nothing is on the wire any more when all have been answered, and nobody repeats anything soon.
        if wire.due.is_empty() && now > begun + WAITING {
            let snapshot = exchange.snapshot();
            let serves = |state| state == ServiceState::InService;
            let is_done = snapshot.transactions == 0
                && snapshot.lines.iter().all(|line| serves(line.service))
                && snapshot.gateways.iter().all(|gateway| serves(gateway.service));
            served = is_done.then(|| now.since(begun));
        }
    }
    let snapshot = exchange.snapshot();
    let out = snapshot.lines.iter().filter(|line| line.service != ServiceState::InService);
    assert_eq!(out.count(), 0, "all lines serve");
    assert_eq!(snapshot.transactions, 0, "nothing is under way any more");
    assert!(gateways.iter().all(|gateway| gateway.controller() == Some(0)), "all gateways know that they do");
    let executed = gateways.iter().map(|gateway| gateway.counters().executed).max();
    println!(
        "{GATEWAYS} Megaco gateways registered within {WAITING:?}: all in service after {:?}, {} messages, {} of them lost, at most {most} \
         on their way, at most {} transactions executed by one",
        served.unwrap(),
        wire.sent,
        wire.lost,
        executed.unwrap(),
    );
}
