//! Two entities in virtual time, and a network between them that loses, repeats and reorders.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use strowger_megaco::message::{
    Action, ActionReply, Caseless, CommandBody, CommandReply, ContextId, ItemName, Mid, NotifyRequest,
    ObservedEvent, ObservedEvents, OwnedMid, ReplyResult, RequestId, TerminationId, TransactionId,
};
use strowger_megaco::transaction::{
    Event, Failure, PeerConfig, PeerId, Route, Token, TransactionIds, TransactionLimits, TransactionTimers,
    Transactions, Transport,
};
use strowger_sansio::{Duration, Rng, SocketId, Time};

pub(crate) const GATEWAY: usize = 0;
pub(crate) const CONTROLLER: usize = 1;

/// What the network does to messages.
#[derive(Clone, Copy, Default)]
pub(crate) struct Weather {
    pub(crate) loss: f64,
    pub(crate) duplication: f64,
    pub(crate) jitter: Duration,
}

/// What an entity does with requests.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Habit {
    Answer,
    Keep,
}

pub(crate) struct Side {
    pub(crate) layer: Transactions<u32>,
    pub(crate) peer: PeerId,
    pub(crate) habit: Habit,
    /// Termination names of the requests that were handed up, each with how often.
    pub(crate) executed: BTreeMap<String, u32>,
    pub(crate) kept: Vec<Token>,
    pub(crate) replies: BTreeMap<u32, usize>,
    pub(crate) failures: Vec<(u32, Failure)>,
    pub(crate) log: Vec<String>,
    /// What the messages were that it sent.
    pub(crate) sent: Vec<Vec<u8>>,
}

pub(crate) struct World {
    pub(crate) now: Time,
    pub(crate) sides: [Side; 2],
    pub(crate) weather: Weather,
    rng: Rng,
    wire: BTreeMap<(Time, u64), (usize, Vec<u8>)>,
    sequence: u64,
    transport: Transport,
}

pub(crate) fn address(side: usize) -> SocketAddr {
    let [gateway, controller] = ["192.0.2.1:2944", "192.0.2.2:2944"];
    [gateway, controller][side].parse().unwrap()
}

pub(crate) fn mid(side: usize) -> OwnedMid {
    Mid::Domain(Caseless::new(["gw1.town", "town"][side]), None).into()
}

pub(crate) fn notify(name: &str) -> Vec<Action<'static>> {
    let terminations = TerminationId::new(name.to_owned()).unwrap().into();
    let event = ObservedEvent { time: None, name: ItemName::of(9, 5), stream: None, parameters: Vec::new() };
    let observed = ObservedEvents { request: RequestId::new(1), events: vec![event] };
    let body = CommandBody::Notify(NotifyRequest { terminations, observed, error: None });
    vec![Action::new(ContextId::NULL, [body])]
}

pub(crate) fn accept_all(actions: &[Action<'_>]) -> Vec<ActionReply<'static>> {
    actions
        .iter()
        .map(|action| {
            let commands = action.commands.iter().map(|command| {
                let name = command.body.terminations().first.as_str().to_owned();
                CommandReply::Notify(TerminationId::new(name).unwrap().into(), None)
            });
            let commands = commands.collect();
            ActionReply { context: action.context, properties: None, commands, error: None }
        })
        .collect()
}

impl World {
    pub(crate) fn new(
        seed: u64,
        transport: Transport,
        shape: impl Fn(usize, &mut PeerConfig, &mut TransactionLimits),
    ) -> Self {
        let side = |side: usize| {
            let mut rng = Rng::from_number(seed * 2 + side as u64);
            let route = Route { transport, socket: SocketId::MAIN, address: address(1 - side) };
            let mut config = PeerConfig { mid: Some(mid(1 - side)), ..PeerConfig::at(route) };
            let mut limits = TransactionLimits::default();
            shape(side, &mut config, &mut limits);
            let ids = TransactionIds::alone(&mut rng);
            let mut layer = Transactions::new(mid(side), TransactionTimers::default(), limits, ids, rng);
            let peer = layer.add_peer(config);
            Side {
                layer,
                peer,
                habit: Habit::Answer,
                executed: BTreeMap::new(),
                kept: Vec::new(),
                replies: BTreeMap::new(),
                failures: Vec::new(),
                log: Vec::new(),
                sent: Vec::new(),
            }
        };
        Self {
            now: Time::from_secs(1),
            sides: [side(GATEWAY), side(CONTROLLER)],
            weather: Weather::default(),
            rng: Rng::from_number(seed),
            wire: BTreeMap::new(),
            sequence: 0,
            transport,
        }
    }

    pub(crate) fn plain(transport: Transport) -> Self {
        Self::new(1, transport, |_, _, _| {})
    }

    pub(crate) fn request(&mut self, side: usize, name: &str, tag: u32) -> TransactionId {
        let own = &mut self.sides[side];
        let id = own.layer.request(self.now, own.peer, notify(name), tag).unwrap();
        self.flush(side);
        id
    }

    /// Gives a message to an entity as if it came from the other.
    pub(crate) fn deliver(&mut self, side: usize, bytes: &[u8]) {
        let route = Route { transport: self.transport, socket: SocketId::MAIN, address: address(1 - side) };
        self.deliver_from(side, route, bytes);
    }

    pub(crate) fn deliver_from(&mut self, side: usize, route: Route, bytes: &[u8]) {
        let own = &mut self.sides[side];
        let Some(accepted) = own.layer.accept(self.now, route, bytes) else {
            return self.flush(side);
        };
        for event in own.layer.handle_input(self.now, &accepted) {
            match event {
                Event::Request { token, actions, .. } => {
                    for command in actions.iter().flat_map(|action| &action.commands) {
                        let name = command.body.terminations().first.as_str().to_owned();
                        *own.executed.entry(name).or_default() += 1;
                    }
                    if own.habit == Habit::Answer {
                        let result = ReplyResult::Actions(accept_all(&actions).into());
                        own.layer.respond(self.now, token, result).unwrap();
                    } else {
                        own.kept.push(token);
                    }
                }
                Event::Reply { tag, result, .. } => {
                    let count = match result {
                        ReplyResult::Actions(actions) => {
                            actions.iter().map(|action| action.commands.len()).sum()
                        }
                        ReplyResult::Error(error) => usize::from(error.code.get()),
                    };
                    assert_eq!(own.replies.insert(tag, count), None, "one reply a request");
                }
                Event::Assembled { tag, reply, .. } => {
                    let ReplyResult::Actions(actions) = reply.result() else { panic!("an error") };
                    let count = actions.iter().map(|action| action.commands.len()).sum();
                    assert_eq!(own.replies.insert(tag, count), None, "one reply a request");
                    own.log.push(format!("assembled {} actions", actions.len()));
                }
                Event::MessageError { error, .. } => {
                    own.log.push(format!("message error {:?} {:?}", error.code, error.text));
                }
                Event::Malformed { error, .. } => own.log.push(format!("malformed {:?}", error.code())),
                Event::Pending { .. } => own.log.push("pending".to_owned()),
                other => panic!("{other:?} comes by poll_event"),
            }
        }
        self.flush(side);
    }

    pub(crate) fn flush(&mut self, side: usize) {
        let own = &mut self.sides[side];
        while let Some(event) = own.layer.poll_event() {
            match event {
                Event::Failed { tag, reason, .. } => own.failures.push((tag, reason)),
                Event::Suspect { .. } => own.log.push(format!("suspect at {}", self.now)),
                Event::Lost { .. } => own.log.push("lost".to_owned()),
                Event::Aborted { .. } => own.log.push("aborted".to_owned()),
                Event::Acknowledged { .. } => own.log.push("acknowledged".to_owned()),
                other => panic!("{other:?}"),
            }
        }
        while let Some(transmit) = own.layer.poll_transmit(self.now) {
            assert_eq!(transmit.to, address(1 - side));
            own.sent.push(transmit.payload.clone());
            let copies = 1 + u32::from(self.rng.chance(self.weather.duplication));
            for _ in 0..copies {
                if self.rng.chance(self.weather.loss) {
                    continue;
                }
                let delay = Duration::from_millis(5) + self.rng.duration(Duration::ZERO, self.weather.jitter);
                self.sequence += 1;
                self.wire.insert((self.now + delay, self.sequence), (1 - side, transmit.payload.clone()));
            }
        }
    }

    /// Runs for a span of time.
    pub(crate) fn run(&mut self, span: Duration) {
        let end = self.now + span;
        loop {
            let arrival = self.wire.keys().next().map(|(at, _)| *at);
            let timers = self.sides.iter().filter_map(|side| side.layer.poll_timeout()).min();
            let Some(next) = arrival.into_iter().chain(timers).min().filter(|next| *next <= end) else {
                break;
            };
            self.now = self.now.max(next);
            if arrival == Some(next) {
                let Some((_, (side, bytes))) = self.wire.pop_first() else { break };
                self.deliver(side, &bytes);
                continue;
            }
            for side in [GATEWAY, CONTROLLER] {
                self.sides[side].layer.handle_timeout(self.now);
                self.flush(side);
            }
        }
        self.now = end;
    }

    pub(crate) fn text(&self, side: usize, message: usize) -> String {
        String::from_utf8_lossy(&self.sides[side].sent[message]).into_owned()
    }
}
