//! Two transaction layers in virtual time, with a network between them that loses, duplicates and reorders.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use strowger_mgcp::limits::Limits;
use strowger_mgcp::message::{Message, TransactionId};
use strowger_mgcp::text;
use strowger_mgcp::transaction::{
    Bundling, Event, PeerConfig, PeerId, ProtocolTimers, Received, Token, TransactionLimits, Transactions,
};
use strowger_sansio::{Epoch, NodeId, Rng, Time};

/// What the network does to a datagram.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    /// Share of datagrams that are lost.
    pub(crate) loss: f64,
    /// Share of datagrams that arrive twice.
    pub(crate) duplication: f64,
    /// Least and greatest delay; datagrams overtake one another within.
    pub(crate) delay: (Duration, Duration),
}

impl Weather {
    pub(crate) const CALM: Self =
        Self { loss: 0.0, duplication: 0.0, delay: (Duration::from_millis(10), Duration::from_millis(10)) };
    pub(crate) const DEAD: Self = Self { loss: 1.0, ..Self::CALM };
}

/// How a side answers commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// At once.
    Immediate,
    /// After a while, without a word before.
    Slow(Duration),
    /// A provisional response at once, the final one after a while.
    Announced(Duration),
}

/// One end.
pub(crate) struct Side {
    pub(crate) address: SocketAddr,
    pub(crate) transactions: Transactions<u32>,
    pub(crate) peer: PeerId,
    pub(crate) service: Service,
    /// How often each command of the other side was executed.
    pub(crate) executed: BTreeMap<TransactionId, u32>,
    /// How often each of its own commands ended with a final response.
    pub(crate) completed: BTreeMap<u32, u32>,
    pub(crate) provisional: BTreeMap<u32, u32>,
    pub(crate) timed_out: BTreeMap<u32, u32>,
    pub(crate) exhausted: Vec<u32>,
    pub(crate) suspicions: u32,
    pub(crate) disconnections: u32,
    /// Names that the layer wanted resolved, with the time.
    pub(crate) questions: Vec<(Time, String)>,
    pub(crate) strays: u32,
    /// Request identifiers of the notifications executed, as numbers, in order.
    pub(crate) order: Vec<u32>,
    waiting: VecDeque<(Time, Token)>,
}

/// A datagram that has left.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) at: Time,
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

impl Sent {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap()
    }
}

/// Two ends and the network between them.
pub(crate) struct Pair {
    pub(crate) now: Time,
    pub(crate) sides: [Side; 2],
    pub(crate) weather: Weather,
    /// Whether commands are notifications that confirm the answers that came before (`K:`), and not audits.
    pub(crate) confirms: bool,
    /// All that was sent, lost datagrams included.
    pub(crate) log: Vec<Sent>,
    wire: BTreeMap<(Time, u64), Sent>,
    sequence: u64,
    rng: Rng,
}

pub(crate) fn address(host: u8) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, host], 2427))
}

fn side(
    own: u8,
    other: u8,
    node: u8,
    rng: &mut Rng,
    timers: &ProtocolTimers,
    limits: &TransactionLimits,
) -> Side {
    let mut transactions =
        Transactions::new(timers.clone(), limits.clone(), NodeId(node), Epoch(1), rng.fork());
    let peer =
        transactions.add_peer(PeerConfig { bundling: Bundling::Piggyback, ..PeerConfig::at(address(other)) });
    Side {
        address: address(own),
        transactions,
        peer,
        service: Service::Immediate,
        executed: BTreeMap::new(),
        completed: BTreeMap::new(),
        provisional: BTreeMap::new(),
        timed_out: BTreeMap::new(),
        exhausted: Vec::new(),
        suspicions: 0,
        disconnections: 0,
        questions: Vec::new(),
        strays: 0,
        order: Vec::new(),
        waiting: VecDeque::new(),
    }
}

impl Pair {
    pub(crate) fn new(seed: u64) -> Self {
        Self::with(seed, &ProtocolTimers::default(), &TransactionLimits::default())
    }

    pub(crate) fn with(seed: u64, timers: &ProtocolTimers, limits: &TransactionLimits) -> Self {
        let mut rng = Rng::from_number(seed);
        // Both ends are the same node and epoch on purpose: they draw from one range of identifiers.
        let sides = [side(1, 2, 0, &mut rng, timers, limits), side(2, 1, 0, &mut rng, timers, limits)];
        Self {
            now: Time::from_secs(1000),
            sides,
            weather: Weather::CALM,
            confirms: false,
            log: Vec::new(),
            wire: BTreeMap::new(),
            sequence: 0,
            rng,
        }
    }

    /// One end sends a command with this tag.
    pub(crate) fn command(&mut self, from: usize, tag: u32) -> TransactionId {
        let side = &mut self.sides[from];
        let ranges =
            if self.confirms { side.transactions.confirmations(self.now, side.peer, 4) } else { Vec::new() };
        let ids: Vec<_> = ranges.iter().map(|range| range.first.to_string()).collect();
        let build = |id: TransactionId| {
            let name = format!("{id} aaln/{tag}@gw1.town MGCP 1.0\r\n");
            let confirmed = if ids.is_empty() { String::new() } else { format!("K: {}\r\n", ids.join(",")) };
            // An audit may be executed twice when there is no room to remember it; a notification may not.
            if self.confirms {
                format!("NTFY {name}{confirmed}X: 1\r\nO: L/hd\r\n").into_bytes()
            } else {
                format!("AUEP {name}").into_bytes()
            }
        };
        let id = side.transactions.send(self.now, side.peer, build, tag);
        self.flush();
        id
    }

    /// Replaces what side 0 knows about its peer.
    pub(crate) fn configure(&mut self, change: impl FnOnce(&mut PeerConfig)) {
        let side = &mut self.sides[0];
        let mut config = side.transactions.peer(side.peer).clone();
        change(&mut config);
        side.transactions.configure_peer(side.peer, config);
    }

    /// The name service answers side 0.
    pub(crate) fn resolved(&mut self, addresses: &[SocketAddr]) {
        let side = &mut self.sides[0];
        side.transactions.handle_resolved(self.now, side.peer, addresses);
        self.flush();
    }

    /// Puts a datagram on the wire as if `from` had sent it.
    pub(crate) fn inject(&mut self, from: SocketAddr, to: usize, bytes: &[u8]) {
        self.deliver(&Sent { at: self.now, from, to: self.sides[to].address, bytes: bytes.to_vec() });
        self.flush();
    }

    /// Lets time pass until nothing is due before the end of `span`.
    pub(crate) fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(next) = self.next_due().filter(|at| *at <= end) {
            self.now = self.now.max(next);
            self.step();
        }
        self.now = end;
    }

    /// Datagrams that one end sent, first to last.
    pub(crate) fn sent_by(&self, side: usize) -> Vec<&Sent> {
        self.log.iter().filter(|sent| sent.from == self.sides[side].address).collect()
    }

    fn next_due(&self) -> Option<Time> {
        let wire = self.wire.keys().next().map(|(at, _)| *at);
        let timers = self.sides.iter().filter_map(|side| side.transactions.poll_timeout());
        let answers = self.sides.iter().flat_map(|side| side.waiting.iter().map(|(at, _)| *at));
        wire.into_iter().chain(timers).chain(answers).min()
    }

    fn step(&mut self) {
        while let Some(entry) = self.wire.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let sent = entry.remove();
            self.deliver(&sent);
        }
        for side in &mut self.sides {
            side.answer_due(self.now);
            side.transactions.handle_timeout(self.now);
        }
        self.flush();
    }

    fn deliver(&mut self, sent: &Sent) {
        let Some(side) = self.sides.iter_mut().find(|side| side.address == sent.to) else { return };
        for item in text::datagram(&sent.bytes, &Limits::default()) {
            match item {
                Ok(message) => side.take(self.now, sent.from, &message),
                Err(error) => side.transactions.receive_malformed(self.now, sent.from, &error),
            }
        }
    }

    pub(crate) fn flush(&mut self) {
        for index in 0..2 {
            self.sides[index].collect_events(self.now);
            while let Some(transmit) = self.sides[index].transactions.poll_transmit() {
                let from = self.sides[index].address;
                let sent = Sent { at: self.now, from, to: transmit.to, bytes: transmit.payload };
                self.log.push(sent.clone());
                let copies = 1 + u32::from(self.rng.chance(self.weather.duplication));
                for _ in 0..copies {
                    if !self.rng.chance(self.weather.loss) {
                        let at = self.now + self.rng.duration(self.weather.delay.0, self.weather.delay.1);
                        self.sequence += 1;
                        self.wire.insert((at, self.sequence), sent.clone());
                    }
                }
            }
        }
    }
}

impl Side {
    fn take(&mut self, now: Time, from: SocketAddr, message: &Message<'_>) {
        match self.transactions.receive(now, from, message) {
            Received::Execute(token) => {
                *self.executed.entry(token.transaction_id()).or_default() += 1;
                if let Message::Command(command) = message {
                    self.order.extend(command.request_id().map(|id| id.as_str().parse::<u32>().unwrap()));
                }
                let id = token.transaction_id();
                match self.service {
                    Service::Immediate => self.transactions.respond(now, token, ok(id)),
                    Service::Slow(delay) => self.waiting.push_back((now + delay, token)),
                    Service::Announced(delay) => {
                        let early = format!("100 {id} Wait\r\nI: abc\r\n").into_bytes();
                        self.transactions.provisional(&token, early);
                        self.waiting.push_back((now + delay, token));
                    }
                }
            }
            Received::Completed { tag, .. } => *self.completed.entry(tag).or_default() += 1,
            Received::Provisional { tag, .. } => *self.provisional.entry(tag).or_default() += 1,
            Received::Stray { .. } => self.strays += 1,
            _ => {}
        }
    }

    fn answer_due(&mut self, now: Time) {
        for _ in 0..self.waiting.len() {
            let Some((at, token)) = self.waiting.pop_front() else { return };
            if at <= now {
                let id = token.transaction_id();
                self.transactions.respond(now, token, ok(id));
            } else {
                self.waiting.push_back((at, token));
            }
        }
    }

    fn collect_events(&mut self, now: Time) {
        while let Some(event) = self.transactions.poll_event() {
            match event {
                Event::TimedOut { tag, .. } => *self.timed_out.entry(tag).or_default() += 1,
                Event::Exhausted { tag, .. } => self.exhausted.push(tag),
                Event::Suspect { .. } => self.suspicions += 1,
                Event::Disconnected { .. } => self.disconnections += 1,
                Event::Resolve { name, .. } => self.questions.push((now, name)),
                _ => {}
            }
        }
    }
}

/// A plain positive answer.
pub(crate) fn ok(id: TransactionId) -> Vec<u8> {
    format!("200 {id} OK\r\n").into_bytes()
}
