//! A town of two gateways with real RTP in virtual time and without loss: what subscribers do and hear.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![allow(dead_code, unreachable_pub, reason = "each story file uses its own part of the stage")]

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use strowger_exchange::{
    CallEnded, ControllerLeaves, Country, Exchange, Features, GatewayEntry, Input, Inventory, LineAccess,
    LineEntry, MediaPolicy, Record, RelayEntry,
};
use strowger_media::MediaPort;
use strowger_mgcp::dialect::Dialect;
use strowger_mgcp::gateway::{CallAgent, GatewayConfig};
use strowger_sansio::{Duration, Epoch, NodeId, Rng, SocketId, Time};
use strowger_softgateway::{Event, LineFact, Parser, SoftGateway, SoftGatewayConfig, What};

const LATENCY: Duration = Duration::from_millis(3);
const PAIRS: u16 = 12;

/// The tone that each subscriber is known by.
const VOICES: [(&str, u32); 4] = [("2001", 700), ("2002", 900), ("2003", 1100), ("2004", 1300)];

fn agent() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::new(10, 0, 0, 1), 2727))
}

/// The town.
pub struct Stage {
    pub exchange: Exchange,
    pub gateways: Vec<(SoftGateway, Vec<SocketAddr>)>,
    pub now: Time,
    wire: BTreeMap<(Time, u64), (SocketAddr, SocketAddr, Vec<u8>)>,
    sent: u64,
    met: Vec<(usize, u64)>,
    pub ended: Vec<CallEnded>,
    /// What the exchange has told.
    pub told: Vec<strowger_exchange::Event>,
    /// Signalling that has passed, as text.
    pub passed: Vec<String>,
    /// RTCP that has passed.
    pub reports: Vec<Vec<u8>>,
}

impl Stage {
    /// Lines 2001 and 2002 on one gateway, 2003 and 2004 on the other, which relays when that is asked for.
    pub fn new(relayed: bool, leaves: ControllerLeaves) -> Self {
        Self::with(relayed, |inventory| inventory.features.controller_leaves = leaves)
    }

    pub fn with(relayed: bool, provision: impl FnOnce(&mut Inventory)) -> Self {
        Self::speaking(Dialect::RFC3435, relayed, provision)
    }

    /// The same, where both gateways speak so.
    pub fn speaking(dialect: Dialect, relayed: bool, provision: impl FnOnce(&mut Inventory)) -> Self {
        Self::of(relayed, provision, |config| config.gateway.dialect = dialect)
    }

    /// The same, with gateways that are made so.
    pub fn of(
        relayed: bool,
        provision: impl FnOnce(&mut Inventory),
        make: impl Fn(&mut SoftGatewayConfig),
    ) -> Self {
        let mut inventory = Inventory::new("town", Country::default());
        inventory.agent_address = Some(agent());
        let mut rng = Rng::from_number(11);
        let mut gateways = Vec::new();
        for index in 0..2_u8 {
            let ip = Ipv4Addr::new(10, 0, 1, index + 1);
            let (id, address) = (format!("gw{index}"), SocketAddr::from((ip, 2427)));
            let mut entry = GatewayEntry::mgcp(&id, address, &format!("{id}.town"));
            let mut config = GatewayConfig::new(entry.domain.clone(), CallAgent::at(agent())).with_lines(2);
            config.timers.protocol.mwd = Duration::from_secs(1);
            if relayed && index == 1 {
                entry.relay = Some(RelayEntry { endpoint: "relay/$".to_owned() });
                inventory.media = MediaPolicy::Relay { gateway: id.clone() };
                config = config.with_relays(4);
            }
            inventory.gateways.push(entry);
            for line in 1..=2_u8 {
                inventory.lines.push(LineEntry {
                    number: format!("200{}", index * 2 + line),
                    access: LineAccess::endpoint(id.clone(), format!("aaln/{line}")),
                    name: None,
                    features: Features::ALL,
                });
            }
            let at = |port: u16| SocketAddr::from((ip, port));
            let mut sockets = vec![address];
            let ports = (0..PAIRS).map(|pair| {
                let (rtp, rtcp) = (at(16_384 + pair * 2), at(16_385 + pair * 2));
                sockets.extend([rtp, rtcp]);
                let number = u32::from(pair) * 2;
                MediaPort { rtp, rtcp, rtp_socket: SocketId(number + 1), rtcp_socket: SocketId(number + 2) }
            });
            let ports = ports.collect();
            let mut config = SoftGatewayConfig::new(config);
            make(&mut config);
            let gateway = SoftGateway::new(Time::ZERO, config, ports, rng.fork()).unwrap();
            gateways.push((gateway, sockets));
        }
        provision(&mut inventory);
        assert_eq!(inventory.check(), []);
        let exchange = Exchange::new(Time::ZERO, inventory, NodeId(0), Epoch(0), rng.fork());
        let (wire, met, ended, told) = (BTreeMap::new(), Vec::new(), Vec::new(), Vec::new());
        let mut stage = Self {
            exchange,
            gateways,
            now: Time::ZERO,
            wire,
            sent: 0,
            met,
            ended,
            told,
            passed: Vec::new(),
            reports: Vec::new(),
        };
        stage.pass(Duration::from_secs(4));
        stage
    }

    pub fn send(&mut self, from: SocketAddr, to: SocketAddr, payload: Vec<u8>) {
        self.sent += 1;
        if [from, to].contains(&agent()) {
            self.passed.push(String::from_utf8_lossy(&payload).into_owned());
        } else if to.port() % 2 == 1 {
            self.reports.push(payload.clone());
        }
        self.wire.insert((self.now + LATENCY, self.sent), (from, to, payload));
    }

    pub fn drain(&mut self) {
        while let Some(transmit) = self.exchange.poll_transmit() {
            self.send(agent(), transmit.to, transmit.payload);
        }
        self.told.extend(std::iter::from_fn(|| self.exchange.poll_event()));
        while let Some(record) = self.exchange.poll_record() {
            if let Record::CallEnded(ended) = record {
                self.ended.push(*ended);
            }
        }
        for index in 0..self.gateways.len() {
            while let Some(transmit) = self.gateways[index].0.poll_transmit() {
                let from = self.gateways[index].1[usize::try_from(transmit.socket.0).unwrap()];
                self.send(from, transmit.to, transmit.payload);
            }
            while let Some(Event { what, .. }) = self.gateways[index].0.poll_event() {
                if let What::Line { fact: LineFact::Met { expectation, .. }, .. } = what {
                    self.met.push((index, expectation));
                }
            }
        }
    }

    pub fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        self.drain();
        loop {
            let wire = self.wire.first_key_value().map(|((at, _), _)| *at);
            let gateways = self.gateways.iter().filter_map(|(gateway, _)| gateway.poll_timeout()).min();
            let next = [wire, gateways, self.exchange.poll_timeout()].into_iter().flatten().min();
            let Some(at) = next.filter(|at| *at <= until) else { break };
            self.now = self.now.max(at);
            let now = self.now;
            if let Some(entry) = self.wire.first_entry().filter(|entry| entry.key().0 <= now) {
                let (from, to, bytes) = entry.remove();
                if to == agent() {
                    self.exchange.handle_input(now, Input::Mgcp { from, bytes: &bytes });
                }
                for (gateway, sockets) in &mut self.gateways {
                    if let Some(socket) = sockets.iter().position(|socket| *socket == to) {
                        gateway.handle_input(now, SocketId(u32::try_from(socket).unwrap()), from, &bytes);
                    }
                }
            } else {
                if self.exchange.poll_timeout().is_some_and(|at| at <= now) {
                    self.exchange.handle_timeout(now);
                }
                for (gateway, _) in &mut self.gateways {
                    if gateway.poll_timeout().is_some_and(|at| at <= now) {
                        gateway.handle_timeout(now);
                    }
                }
            }
            self.drain();
        }
        self.now = until;
    }

    /// What a subscriber does; the number of the expectation, if it is one. None for a handset that is not lifted.
    pub fn step(&mut self, number: &str, what: &str) -> Option<(usize, Option<u64>)> {
        let line: usize = number.parse::<usize>().unwrap() - 2001;
        let text = format!("aaln/{} {what}", line % 2 + 1);
        let step = Parser::new().line(&text).unwrap().unwrap();
        let done = self.gateways[line / 2].0.handle_step(self.now, &step);
        self.drain();
        Some((line / 2, done.ok()?))
    }

    /// Does something, and waits until it has had its consequences.
    pub fn does(&mut self, number: &str, what: &str) {
        assert!(self.step(number, what).is_some(), "{number} cannot {what}");
        self.pass(Duration::from_millis(2500));
    }

    /// Whether this is noticed within so many seconds.
    pub fn notices(&mut self, number: &str, sign: &str, within: u64) -> bool {
        let Some((gateway, expectation)) = self.step(number, &format!("expect {sign} within {within}s"))
        else {
            return false;
        };
        let expected = (gateway, expectation.unwrap());
        for _ in 0..within * 4 {
            if self.met.contains(&expected) {
                return true;
            }
            self.pass(Duration::from_millis(250));
        }
        self.met.contains(&expected)
    }

    pub fn expect(&mut self, number: &str, sign: &str) {
        assert!(self.notices(number, sign, 10), "{number} does not notice {sign}");
    }

    /// One of them speaks: those hear it, and nobody else does.
    pub fn hears(&mut self, speaker: &str, listeners: &[&str]) {
        let (_, hertz) = VOICES.iter().find(|(number, _)| *number == speaker).unwrap();
        assert!(self.step(speaker, &format!("play tone:{hertz}")).is_some(), "{speaker} is there");
        self.pass(Duration::from_millis(300));
        for (number, _) in VOICES.iter().filter(|(number, _)| *number != speaker) {
            let heard = self.notices(number, &format!("tone:{hertz}"), 1);
            assert_eq!(heard, listeners.contains(number), "{number} hears {speaker}");
        }
        self.step(speaker, "quiet");
        self.pass(Duration::from_millis(300));
    }

    /// Everybody in the list hears everybody else in it, and is heard by nobody else.
    pub fn talk(&mut self, parties: &[&str]) {
        for speaker in parties {
            let others: Vec<_> = parties.iter().copied().filter(|party| party != speaker).collect();
            self.hears(speaker, &others);
        }
    }

    pub fn connect(&mut self, one: &str, other: &str) {
        self.does(one, "off-hook");
        self.does(one, &format!("dial {other}"));
        self.expect(other, "ring");
        self.does(other, "off-hook");
        self.talk(&[one, other]);
    }

    /// 2001 talks with 2003 and, in consultation, with 2002.
    pub fn consult(&mut self) {
        self.connect("2001", "2003");
        self.does("2001", "flash");
        self.does("2001", "dial 2002");
        self.does("2002", "off-hook");
    }

    /// Everybody hangs up, and nothing is left.
    pub fn end(mut self) {
        for (number, _) in VOICES {
            self.step(number, "on-hook");
        }
        self.pass(Duration::from_secs(200));
        assert!(self.exchange.snapshot().is_idle(), "{:#?}", self.exchange.snapshot());
        for (gateway, _) in &self.gateways {
            assert_eq!(gateway.snapshot().connections, 0);
        }
    }
}
