//! The gateway's end: contexts, terminations, events, signals, and its association with a controller (RFC 3525 sections 6, 7, 9, 11).
//!
//! A [`Gateway`] owns a transaction layer and executes what its controller asks for, action by action. Below it is a [`MediaPlane`], which it calls
//! with each `handle_*` method and which reports by [`Gateway::handle_media_event`]. It has neither sockets nor a clock.
//!
//! ```text
//!   octets -> handle_input() -> execute (targets, check) -> amm / leave / audit -> report -> reply
//!                                        |          |
//!                              MediaPlane::connect  open, modify, close, start_signal
//!   media -> handle_media_event() -> detect (digit maps, lock step, embedding) -> notice -> Notify
//!   association: restart, redirection, version, loss of the controller, hand-off
//! ```
//!
//! The rooms: `config`, `media` and `event` are its seams. `termination`, `detection`, `signal`, `context` hold what is known; `check` reads
//! descriptors by the tables of the packages, `description` session descriptions; `digit_map` matches dial strings; `report` is
//! the model of replies; `owned` what outlives a message; `silence` and `overload` are events of the gateway as a whole,
//! `continuity` those of circuits, `quality` those of streams.

mod amm;
mod association;
mod audit;
mod capabilities;
mod check;
mod clock;
mod config;
mod context;
mod continuity;
mod description;
mod detect;
mod detection;
mod digit_map;
mod event;
mod execute;
mod leave;
mod media;
mod notice;
mod overload;
mod owned;
mod play;
mod quality;
mod report;
mod service;
mod signal;
mod silence;
mod streams;
mod target;
mod termination;
mod tones;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use strowger_sansio::{Rng, Time, Timers, Transmit};

pub use config::{GatewayConfig, GatewayLimits, PhysicalTermination};
pub use digit_map::{Collection, Completion, DigitMap, DigitTimers, NoDigitMap, Step};
pub use event::{ConfigError, ContextView, GatewayEvent, TerminationView};
pub use media::{
    FlashTiming, Flow, Hook, LineIndex, MediaCapabilities, MediaEvent, MediaFault, MediaPlane, Port,
    SignalHandle, SignalOrder, StreamHandle, StreamSpec, StreamStatistics,
};
pub use overload::Load;
pub use owned::{Argument, Choice, Given, Item};
pub use service::Order;
pub use termination::TerminationKind;

use crate::message::{ReplyResult, TerminationName};
use crate::transaction::{self, PeerId, Route, TransactionCounters, TransactionIds, Transactions};
use association::Association;
use clock::TimeOfDay;
use context::Context;
use notice::Notices;
use report::ActionReport;
use termination::{Key, Kind, Termination};

/// Whose request it is that went to the controller.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Tag {
    /// The registration with a controller, of an attempt with this number.
    Register(u64),
    /// Events of a termination.
    Notify(Key),
    /// A service change of terminations.
    ServiceChange,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// The association wants something.
    Association,
    /// A signal is over.
    Signal(Key, SignalHandle),
    /// The silence between two signals of a list is over.
    Pause(Key),
    /// The next digit did not come.
    Digit(Key),
    /// A tone has lasted for long.
    Tone(Key),
    /// A graceful service change comes to its end.
    Leaving(Key),
    /// What streams have lost is to be looked at.
    Quality(Key),
    /// Service comes back.
    Returning(Key),
    /// The controller has said nothing for too long.
    Silence,
}

/// A media gateway.
#[derive(Debug)]
pub struct Gateway {
    config: GatewayConfig,
    transactions: Transactions<Tag>,
    /// The peers of the configured controllers, in their order.
    controllers: Vec<PeerId>,
    association: Association,
    terminations: BTreeMap<Key, Termination>,
    /// Names in lower case.
    names: BTreeMap<Box<str>, Key>,
    ephemerals: u32,
    contexts: BTreeMap<u32, Context>,
    next_context: u32,
    next_key: u32,
    next_ephemeral: u64,
    next_handle: u64,
    signals: BTreeMap<SignalHandle, Key>,
    /// Contexts whose flows the plane has not been told yet.
    unsettled: BTreeSet<u32>,
    notices: BTreeMap<Key, Notices>,
    timers: Timers<Timer>,
    load: Load,
    clock: TimeOfDay,
    events: VecDeque<GatewayEvent>,
    rng: Rng,
}

impl Gateway {
    /// A gateway with all terminations in service, that registers after a random part of its maximum waiting delay.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    pub fn new(now: Time, config: GatewayConfig, mut rng: Rng) -> Result<Self, ConfigError> {
        if config.controllers.is_empty() {
            return Err(ConfigError::NoController);
        }
        config.timers.check().map_err(ConfigError::Timers)?;
        let ids = TransactionIds::alone(&mut rng);
        let layer = (config.timers.clone(), config.transactions.clone());
        let mut transactions = Transactions::new(config.mid.clone(), layer.0, layer.1, ids, rng.fork());
        let controllers = config.controllers.iter().map(|peer| transactions.add_peer(peer.clone())).collect();
        let mut terminations = BTreeMap::from([(Key::ROOT, Termination::new(now, "ROOT", Kind::Root))]);
        let mut names = BTreeMap::new();
        let mut next_key = 1;
        for (line, physical) in (0..).zip(&config.terminations) {
            let name = TerminationName::new(physical.name.clone()).filter(|name| !is_wild(name.as_str()));
            let name = name.ok_or_else(|| ConfigError::Name(physical.name.clone()))?;
            let key = Key(next_key);
            next_key += 1;
            let kind = Kind::Physical(physical.kind, LineIndex(line));
            if names.insert(name.as_str().to_ascii_lowercase().into(), key).is_some() {
                return Err(ConfigError::Twice(physical.name.clone()));
            }
            terminations.insert(key, Termination::new(now, name.as_str(), kind));
        }
        let mut timers = Timers::new();
        let wait = rng.duration(Duration::ZERO, config.waiting_delay);
        timers.set(Timer::Association, now + wait);
        Ok(Self {
            association: Association::new(),
            config,
            transactions,
            controllers,
            terminations,
            names,
            ephemerals: 0,
            contexts: BTreeMap::new(),
            next_context: 1,
            next_key,
            next_ephemeral: 1,
            next_handle: 1,
            signals: BTreeMap::new(),
            unsettled: BTreeSet::new(),
            notices: BTreeMap::new(),
            timers,
            load: Load::Normal,
            clock: TimeOfDay::default(),
            events: VecDeque::new(),
            rng,
        })
    }

    /// Tells the gateway the time of day: at `now` it is `since_1970` after the beginning of 1970. Without it, what it reports has no time stamps.
    pub fn set_clock(&mut self, now: Time, since_1970: Duration) {
        self.clock.set(now, since_1970);
    }

    /// Takes a message from where it came from.
    pub fn handle_input(&mut self, now: Time, route: Route, bytes: &[u8], media: &mut dyn MediaPlane) {
        let Some(accepted) = self.transactions.accept(now, route, bytes) else {
            return self.drain(now, media);
        };
        self.heard(now, accepted.peer());
        for event in self.transactions.handle_input(now, &accepted) {
            match event {
                transaction::Event::Request { token, actions, .. } => {
                    match self.may_command(token.peer(), &actions) {
                        Ok(()) => {
                            let reports = self.execute(now, token.peer(), &actions, media);
                            self.settle_contexts(now, media);
                            self.answer(now, token, &reports);
                        }
                        Err(fault) => {
                            let refusal = ReplyResult::Error(fault.describe());
                            // An error of a known code can be written in every version.
                            let _ = self.transactions.respond(now, token, refusal);
                        }
                    }
                }
                transaction::Event::Reply { peer, tag, result, .. } => {
                    self.take_reply(now, peer, &tag, &result, media);
                }
                transaction::Event::Assembled { peer, tag, reply, .. } => {
                    self.take_reply(now, peer, &tag, &reply.result(), media);
                }
                transaction::Event::MessageError { peer, error } => {
                    let code = error.code;
                    self.refused_message(now, peer, code);
                    self.events.push_back(GatewayEvent::MessageError { from: route.address, code });
                }
                transaction::Event::Malformed { error, .. } => {
                    self.events.push_back(GatewayEvent::Malformed { from: route.address, error });
                }
                _ => {}
            }
        }
        self.drain(now, media);
    }

    /// Takes what the media saw happen.
    pub fn handle_media_event(&mut self, now: Time, event: MediaEvent, media: &mut dyn MediaPlane) {
        self.see(now, event, media);
        self.drain(now, media);
    }

    /// A connection to a controller stands; or nothing more is needed to reach it.
    pub fn handle_connected(
        &mut self,
        now: Time,
        controller: usize,
        route: Route,
        media: &mut dyn MediaPlane,
    ) {
        if let Some(peer) = self.controllers.get(controller).copied() {
            self.transactions.set_route(peer, Some(route));
            self.reached(now, controller);
        }
        self.drain(now, media);
    }

    /// A connection to a controller has ended, or could not be made.
    pub fn handle_disconnected(&mut self, now: Time, controller: usize, media: &mut dyn MediaPlane) {
        if let Some(peer) = self.controllers.get(controller).copied() {
            self.transactions.set_route(peer, None);
            self.lost(now, peer);
        }
        self.drain(now, media);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Time, media: &mut dyn MediaPlane) {
        self.transactions.handle_timeout(now);
        while let Some(timer) = self.timers.pop_due(now) {
            match timer {
                Timer::Association => self.associate(now),
                Timer::Signal(key, handle) => self.signal_over(now, key, handle, media),
                Timer::Pause(key) => self.pause_over(now, key, media),
                Timer::Tone(key) => self.tone_lasts(now, key, media),
                Timer::Digit(key) => self.digits_over(now, key, media),
                Timer::Leaving(key) => self.leaving_over(now, key, media),
                Timer::Returning(key) => self.returning_over(now, key),
                Timer::Quality(key) => self.quality_due(now, key, media),
                Timer::Silence => self.silence_over(now, media),
            }
        }
        self.drain(now, media);
    }

    /// The next message to send, without the framing of its transport; `socket` is that of the route.
    pub fn poll_transmit(&mut self, now: Time) -> Option<Transmit> {
        self.transactions.poll_transmit(now)
    }

    /// The next thing that its owner may want to know.
    pub fn poll_event(&mut self) -> Option<GatewayEvent> {
        self.events.pop_front()
    }

    /// When [`Self::handle_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        [self.transactions.poll_timeout(), self.timers.next()].into_iter().flatten().min()
    }

    /// What the transaction layer counted.
    #[must_use]
    pub fn counters(&self) -> &TransactionCounters {
        self.transactions.counters()
    }

    /// Requests that the controller has not answered.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.transactions.outstanding()
    }

    /// The controller that it obeys, by its place in the configuration, while there is an association.
    #[must_use]
    pub fn controller(&self) -> Option<usize> {
        let peer = self.association.controller()?;
        self.controllers.iter().position(|known| *known == peer)
    }

    /// Its contexts.
    pub fn contexts(&self) -> impl Iterator<Item = ContextView> {
        self.contexts.iter().map(|(id, context)| ContextView {
            id: *id,
            priority: context.priority,
            is_emergency: context.is_emergency,
            terminations: context.members.iter().map(|key| self.name_of(*key).to_owned()).collect(),
        })
    }

    /// Its terminations, without the root.
    pub fn terminations(&self) -> impl Iterator<Item = TerminationView<'_>> {
        self.terminations.iter().filter(|(key, _)| **key != Key::ROOT).map(|(_, termination)| {
            TerminationView {
                name: &termination.name,
                context: (termination.context != 0).then_some(termination.context),
                service: termination.service,
                is_ephemeral: termination.kind == Kind::Ephemeral,
                signals: termination.playing.len(),
            }
        })
    }

    fn answer(&mut self, now: Time, token: transaction::Token, reports: &[ActionReport]) {
        let result = ReplyResult::Actions(reports.iter().map(ActionReport::to_message).collect());
        if let Err(error) = self.transactions.respond(now, token, result) {
            self.events.push_back(GatewayEvent::Unwritable { error });
        }
    }

    fn drain(&mut self, now: Time, media: &mut dyn MediaPlane) {
        while let Some(event) = self.transactions.poll_event() {
            match event {
                transaction::Event::Lost { peer } => {
                    self.give_up_connection(peer);
                    self.lost(now, peer);
                }
                transaction::Event::Failed { tag, reason, .. } => self.failed(now, &tag, reason),
                _ => {}
            }
        }
        self.settle_contexts(now, media);
    }

    fn name_of(&self, key: Key) -> &str {
        self.terminations.get(&key).map_or("", |termination| &termination.name)
    }

    fn key_of_line(&self, line: LineIndex) -> Key {
        // Physical terminations come first, behind the root.
        Key(line.0.saturating_add(1))
    }
}

fn is_wild(name: &str) -> bool {
    name.contains(['*', '$'])
}
