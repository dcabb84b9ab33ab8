//! The gateway role (RFC 3435 sections 2 and 4): endpoints, connections, events, restart.
//!
//! [`Gateway`] stands between a call agent and a [`MediaPlane`]. Datagrams go in by [`Gateway::handle_input`], what the media sees by
//! [`Gateway::handle_media_event`]; both may call the plane. Commands pass the transaction layer first, so that each is executed
//! once; `verb` then checks, executes and answers them.
//!
//! What it is made of:
//!
//! - [`config`]: what it is provisioned with. [`counters`]: what it has done. [`media`]: [`MediaPlane`], the seam to the media below.
//! - `directory`: endpoint names and wildcards. `endpoint`, `connection`, `entity`: the state. `service`: in and out of service.
//! - `joints`: connections that send to each other. `fax`: what becomes of a fax that is heard.
//! - `verb`: the commands. `prepare`, `signal_list`, `signal_parameters`, `options`, `negotiate`, `remote`, `stream`: what is checked before anything happens.
//! - `pending`: commands for which the media below need time.
//! - `request`, `machine`, `event`, `signals`, `active`, `wanted`: the event machine of section 4.4.1 and the signals of section 2.3.3.
//! - `keepalive`: empty notifications, and the change to another call agent.
//! - `restart`, `together`, `courtesy`: RSIP with its procedures and without. `outgoing`, `mesg`: NTFY, DLCX and MESG towards the call agent.
//!
//! Limits: one audio stream per connection; connections within the gateway carry packets too.

mod active;
pub mod config;
mod connection;
pub mod counters;
mod courtesy;
mod directory;
mod endpoint;
mod entity;
mod event;
mod fax;
mod joints;
mod keepalive;
mod machine;
pub mod media;
mod mesg;
mod names;
mod negotiate;
mod options;
mod outgoing;
mod pending;
mod prepare;
mod provision;
mod reach;
mod refusal;
mod remote;
mod request;
mod restart;
mod service;
mod signal_list;
mod signal_parameters;
mod signals;
mod stream;
mod together;
mod verb;
mod view;
mod wanted;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use strowger_sansio::{Rng, Time, Timers, Transmit};
use strowger_sdp::AddressPolicy;

pub use config::{
    CallAgent, EndpointKind, EndpointSpec, GatewayConfig, GatewayLimits, GatewayTimers, InitialService,
    RangeWildcards, TrunkSignalling,
};
pub use counters::GatewayCounters;
pub use fax::{FaxHandling, MachineSign, MachineTone};
pub use keepalive::{Keepalive, Switchback};
pub use media::{
    ConnectionHandle, EndpointIndex, Hook, LossReason, MediaCapabilities, MediaEvent, MediaFault, MediaMode,
    MediaPlane, MediaSpec, Progress, SignalOutcome, SignalTarget, WantedEvent,
};
pub use mesg::MessageFault;
pub use service::Shutdown;
pub use view::{ConnectionView, EndpointView, GatewaySnapshot};

use crate::dialect::Dialect;
use crate::limits::Limits;
use crate::message::{Command, Message, Response, ReturnCode, TransactionId, Verb};
use crate::text::{self, DecodeError};
use crate::transaction::{
    self, Bundling, PeerConfig, PeerId, Received, Token, TransactionCounters, Transactions,
};
use courtesy::Courtesy;
use directory::Directory;
use endpoint::Endpoint;
use joints::Joints;
use keepalive::Away;
use mesg::SentMessage;
use pending::{Pending, Wait};
use reach::{Outbound, TimerKey};
use restart::{Procedure, ProcedureId};
use together::Together;
use verb::{Ending, Origin};

/// A media gateway as its call agents see it.
#[derive(Debug)]
pub struct Gateway {
    /// The domains that it answers under, its own first.
    domains: Vec<String>,
    agents: Vec<Agent>,
    dialect: Dialect,
    durations: GatewayTimers,
    limits: GatewayLimits,
    codec: Limits,
    policy: AddressPolicy,
    specs: Vec<EndpointSpec>,
    endpoints: Vec<Endpoint>,
    directory: Directory,
    transactions: Transactions<Tag>,
    timers: Timers<TimerKey>,
    procedures: BTreeMap<ProcedureId, Procedure>,
    next_procedure: u32,
    /// RSIPs that nothing waits for.
    courtesies: BTreeMap<TransactionId, Courtesy>,
    /// MESG commands without an answer.
    messages: BTreeMap<TransactionId, SentMessage>,
    /// Endpoints that are with another call agent than their own, which was silent.
    away: BTreeMap<EndpointIndex, Away>,
    /// Connections that send to each other.
    joints: Joints,
    /// Commands that are under way.
    pending: BTreeMap<pending::Key, Pending>,
    /// Of those, the ones that the transaction layer has answered itself.
    overdue: Vec<pending::Key>,
    next_handle: u64,
    rng: Rng,
    outbox: VecDeque<Outbound>,
    events: VecDeque<GatewayEvent>,
    counters: GatewayCounters,
}

/// A configured call agent.
#[derive(Clone, Debug)]
struct Agent {
    config: CallAgent,
    peer: PeerId,
    /// Whether it is told of endpoints by ranges: as configured, until it does not understand one (Appendix E.5).
    ranges: RangeWildcards,
    /// Whether it is told of several disconnected endpoints by one name, until it does not understand one.
    together: Together,
    /// When it has spoken last, and since when without a longer pause than signs of life allow.
    heard: Time,
    heard_since: Time,
}

/// What a command of the gateway was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag {
    /// A notification of an endpoint, with its number.
    Notify(EndpointIndex, u64),
    /// The loss of a connection of an endpoint.
    Lost(EndpointIndex),
    /// The RSIP of a procedure.
    Procedure(ProcedureId),
    /// The RSIP of an endpoint in lockstep.
    Lockstep(EndpointIndex),
    /// An RSIP that nothing waits for.
    Courtesy,
    /// A MESG.
    Message,
    /// A notification of nothing, as a sign of life.
    Keepalive,
}

/// What a host may want to log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatewayEvent {
    /// A message could not be decoded.
    Malformed {
        /// Who sent it.
        from: SocketAddr,
        /// What was wrong with it.
        error: DecodeError,
    },
    /// A command was refused.
    Refused {
        /// Who sent it.
        from: SocketAddr,
        /// The command.
        verb: Verb,
        /// The code that it was refused with.
        code: ReturnCode,
    },
    /// Endpoints are known to their call agent, after a start or a loss.
    Associated {
        /// Their local name, perhaps with `*`.
        endpoints: String,
    },
    /// The call agent refused an RSIP.
    RestartRefused {
        /// With this code.
        code: ReturnCode,
    },
    /// The host name of a call agent is to be resolved; the answer is for [`Gateway::handle_resolved`].
    Resolve {
        /// Whose, by its place in [`GatewayConfig::call_agents`].
        agent: usize,
        /// The name.
        name: String,
    },
    /// An endpoint has lost its call agent.
    Disconnected {
        /// The endpoint.
        endpoint: EndpointIndex,
    },
}

/// Why a configuration cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// There is no call agent, so nobody could command the gateway.
    NoCallAgent,
    /// The domain or a local name is not legal in an endpoint's name.
    Name(String),
    /// Two endpoints have the same name.
    Repeated(String),
    /// An endpoint names a call agent that is not in the list.
    CallAgent(String),
    /// An endpoint's digit map is malformed or too large.
    DigitMap(String),
    /// An endpoint's persistent events are malformed, or not its own.
    PersistentEvents(String),
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoCallAgent => f.write_str("there must be a call agent"),
            Self::Name(name) => write!(f, "{name:?} cannot be an endpoint's name"),
            Self::Repeated(name) => write!(f, "two endpoints are named {name:?}"),
            Self::CallAgent(name) => {
                write!(f, "the endpoint {name:?} has a call agent that is not in the list")
            }
            Self::DigitMap(name) => write!(f, "the digit map of {name:?} cannot be used"),
            Self::PersistentEvents(name) => write!(f, "the persistent events of {name:?} cannot be used"),
        }
    }
}

impl std::error::Error for ConfigError {}

impl Gateway {
    /// A gateway that has just been switched on: its endpoints will announce themselves after a random delay (RFC 3435 section 4.4.6),
    /// and an off-hook condition that exists already is an event (section 4.4.1).
    ///
    /// # Errors
    /// What is wrong with the configuration.
    pub fn new(
        now: Time,
        config: GatewayConfig,
        mut rng: Rng,
        plane: &mut dyn MediaPlane,
    ) -> Result<Self, ConfigError> {
        let mut transactions =
            Transactions::alone(config.timers.protocol.clone(), config.transactions, rng.fork());
        let bundling = if config.dialect.piggyback { Bundling::Piggyback } else { Bundling::Separate };
        let agents: Vec<_> = config
            .call_agents
            .into_iter()
            .map(|agent| {
                let (address, others) = (agent.address, agent.others.clone());
                let peer = transactions.add_peer(PeerConfig {
                    address: Some(address),
                    others,
                    name: agent.host.clone(),
                    bundling,
                });
                let together = Together::Announced;
                let (heard, heard_since) = (now, now);
                Agent { ranges: agent.ranges, together, config: agent, peer, heard, heard_since }
            })
            .collect();
        let names: Vec<_> = config.endpoints.iter().map(|spec| spec.name.clone()).collect();
        let mut gateway = Self {
            domains: std::iter::once(config.domain).chain(config.aliases).collect(),
            agents,
            dialect: config.dialect,
            durations: config.timers,
            limits: config.limits,
            codec: config.codec,
            policy: config.media,
            specs: config.endpoints,
            endpoints: Vec::new(),
            directory: Directory::new(names),
            transactions,
            timers: Timers::new(),
            procedures: BTreeMap::new(),
            next_procedure: 0,
            courtesies: BTreeMap::new(),
            messages: BTreeMap::new(),
            away: BTreeMap::new(),
            joints: Joints::default(),
            pending: BTreeMap::new(),
            overdue: Vec::new(),
            next_handle: 0,
            rng,
            outbox: VecDeque::new(),
            events: VecDeque::new(),
            counters: GatewayCounters::default(),
        };
        gateway.provision(plane)?;
        gateway.begin_restart(now);
        gateway.begin_keepalive(now);
        for index in (0..).map(EndpointIndex).take(gateway.endpoints.len()) {
            gateway.report_off_hook(now, index, plane);
        }
        gateway.flush(now);
        Ok(gateway)
    }

    /// A datagram from the network. From a source that is no call agent of this gateway it is dropped: no byte goes back.
    pub fn handle_input(&mut self, now: Time, from: SocketAddr, bytes: &[u8], plane: &mut dyn MediaPlane) {
        if self.transactions.peer_of(from).is_none() {
            self.counters.unlisted_sources += 1;
            return;
        }
        let limits = self.codec;
        let mut messages = text::datagram(bytes, &limits);
        while let Some(message) = messages.next() {
            match message.or_else(|error| self.transactions.read_again(from, &messages, &error).ok_or(error))
            {
                Ok(message) => self.receive(now, from, &message, plane),
                Err(error) => {
                    self.counters.malformed += 1;
                    self.transactions.receive_malformed(now, from, &error);
                    self.note(GatewayEvent::Malformed { from, error });
                }
            }
        }
        self.collect_events(now);
    }

    /// Something that the media below an endpoint saw.
    pub fn handle_media_event(
        &mut self,
        now: Time,
        endpoint: EndpointIndex,
        event: MediaEvent,
        plane: &mut dyn MediaPlane,
    ) {
        let user = matches!(
            event,
            MediaEvent::OffHook
                | MediaEvent::OnHook
                | MediaEvent::HookFlash
                | MediaEvent::HookBreak
                | MediaEvent::Digit(_)
        );
        if self.endpoint(endpoint).is_none_or(|endpoint| !endpoint.service.is_in()) {
            return;
        }
        match event {
            MediaEvent::ConnectionLost(handle, reason) => {
                self.lose_connection(now, endpoint, handle, reason, plane);
            }
            MediaEvent::Settled(handle) => self.settled(now, &Wait::Connection(handle), None, plane),
            MediaEvent::SettlingFailed(handle, fault) => {
                self.settled(now, &Wait::Connection(handle), Some(fault), plane);
            }
            MediaEvent::Fetched(signal) => self.fetched(now, endpoint, &signal, plane),
            event => {
                if let Some((state, mut reach)) = self.visit(endpoint, now, plane) {
                    state.media_event(event, &mut reach);
                }
            }
        }
        if user {
            self.activity(now, endpoint);
        }
        self.flush(now);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Time, plane: &mut dyn MediaPlane) {
        self.transactions.handle_timeout(now);
        while let Some(timer) = self.timers.pop_due(now) {
            match timer {
                TimerKey::Procedure(id) => self.procedure_due(now, id),
                TimerKey::Service(index) => self.service_due(now, index, plane),
                TimerKey::Keepalive => self.keep_alive(now),
                TimerKey::Provisional(peer, id) => self.announce_pending((peer, id)),
                _ => self.endpoint_due(now, timer, plane),
            }
        }
        self.collect_events(now);
        for key in std::mem::take(&mut self.overdue) {
            self.abandon(now, key, plane);
        }
        self.flush(now);
    }

    /// The next datagram to be sent.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transactions.poll_transmit()
    }

    /// The next thing that a host may want to log.
    pub fn poll_event(&mut self) -> Option<GatewayEvent> {
        self.events.pop_front()
    }

    /// When [`Self::handle_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        [self.timers.next(), self.transactions.poll_timeout()].into_iter().flatten().min()
    }

    /// What it has done.
    #[must_use]
    pub fn counters(&self) -> &GatewayCounters {
        &self.counters
    }

    /// What its transaction layer has done.
    #[must_use]
    pub fn transaction_counters(&self) -> &TransactionCounters {
        self.transactions.counters()
    }

    fn receive(&mut self, now: Time, from: SocketAddr, message: &Message<'_>, plane: &mut dyn MediaPlane) {
        match (self.transactions.receive(now, from, message), message) {
            (Received::Execute(token), Message::Command(command)) => {
                let origin = Origin { now, peer: token.peer(), from };
                self.heard(now, origin.peer);
                self.run(origin, token, command, plane);
            }
            (Received::Completed { tag, peer, .. }, Message::Response(response)) => {
                self.heard(now, peer);
                self.completed(Origin { now, peer, from }, tag, response, plane);
            }
            (Received::Stray { .. }, _) => self.counters.stray_responses += 1,
            _ => {}
        }
        self.flush(now);
    }

    /// Executes a command and answers it, now or when the media below are done.
    fn run(&mut self, origin: Origin, token: Token, command: &Command<'_>, plane: &mut dyn MediaPlane) {
        let outcome = self.execute(origin, command, plane);
        match outcome.ending {
            Ending::Answered(code, response) => {
                self.reply(origin, token, command.verb, &outcome.endpoints, code, response);
            }
            Ending::Pending(targets, suspended) => self.suspend(origin, token, command, targets, *suspended),
        }
    }

    /// Sends the final answer to a command.
    fn reply(
        &mut self,
        origin: Origin,
        token: Token,
        verb: Verb,
        endpoints: &[EndpointIndex],
        code: ReturnCode,
        response: Vec<u8>,
    ) {
        if code.is_error() {
            self.note(GatewayEvent::Refused { from: origin.from, verb, code });
        }
        if code.is_success() {
            endpoints.iter().for_each(|index| self.follow_entity(origin.now, *index));
        }
        let lead = self.lead(origin.now, verb, code, endpoints);
        self.transactions.respond_after(origin.now, token, &lead, response);
    }

    /// The announcements that must come before the answer to a command.
    fn lead(&mut self, now: Time, verb: Verb, code: ReturnCode, endpoints: &[EndpointIndex]) -> Vec<u8> {
        let mut lead: Vec<u8> = Vec::new();
        let mut announced = Vec::new();
        for index in endpoints {
            let announcement = self.command_came(now, *index);
            // Audits may be answered before the call agent knows about the endpoint, and so may commands by saying that it is
            // restarting or out of service (section 4.4.6).
            let first = [ReturnCode::RESTARTING, ReturnCode::NOT_READY].contains(&code);
            if first || verb.is_audit() || announcement.is_empty() || announced.contains(&announcement) {
                continue;
            }
            if !lead.is_empty() {
                lead.extend_from_slice(b".\r\n");
            }
            lead.extend_from_slice(&announcement);
            announced.push(announcement);
        }
        lead
    }

    /// A command of ours was answered.
    fn completed(&mut self, origin: Origin, tag: Tag, response: &Response<'_>, plane: &mut dyn MediaPlane) {
        match tag {
            Tag::Notify(index, serial) => {
                if response.code.is_error() {
                    self.counters.notifications_failed += 1;
                }
                self.answered(origin.now, index, response.transaction_id, Some(serial), plane);
            }
            Tag::Lost(index) => self.answered(origin.now, index, response.transaction_id, None, plane),
            Tag::Lockstep(index) => {
                self.apply_entities(origin, &[index], response);
                self.answered(origin.now, index, response.transaction_id, None, plane);
            }
            Tag::Procedure(id) => self.procedure_answered(origin, id, response, plane),
            Tag::Courtesy => self.courtesy_answered(origin, response),
            Tag::Message => self.message_answered(response),
            Tag::Keepalive => {}
        }
    }

    /// What the transaction layer gave up.
    fn collect_events(&mut self, now: Time) {
        while let Some(event) = self.transactions.poll_event() {
            let (tag, transaction_id) = match event {
                transaction::Event::TimedOut { tag, transaction_id, .. } => (tag, transaction_id),
                transaction::Event::Suspect { peer, transaction_id } => {
                    self.suspect(now, peer, transaction_id);
                    continue;
                }
                transaction::Event::ExecutionTimedOut { peer, transaction_id } => {
                    self.overdue.push((peer, transaction_id));
                    continue;
                }
                transaction::Event::Resolve { peer, name } => {
                    self.ask(peer, name);
                    continue;
                }
                _ => continue,
            };
            match tag {
                Tag::Notify(index, _) => {
                    self.counters.notifications_failed += 1;
                    self.unanswered(now, index, transaction_id);
                }
                Tag::Lost(index) | Tag::Lockstep(index) => self.unanswered(now, index, transaction_id),
                Tag::Procedure(id) => self.procedure_unanswered(now, id),
                Tag::Courtesy => self.courtesy_unanswered(now, transaction_id),
                // A call agent need not know this command: the endpoint is not disconnected (section B.3).
                Tag::Keepalive => {}
                Tag::Message => {
                    self.messages.remove(&transaction_id);
                }
            }
        }
    }

    fn endpoint_due(&mut self, now: Time, timer: TimerKey, plane: &mut dyn MediaPlane) {
        let index = match timer {
            TimerKey::Signal(index, _)
            | TimerKey::Digit(index)
            | TimerKey::LongDigit(index)
            | TimerKey::ToneDuration(index)
            | TimerKey::LongConnection(index, _)
            | TimerKey::Lockstep(index)
            | TimerKey::Fax(index)
            | TimerKey::Service(index) => index,
            TimerKey::Procedure(_) | TimerKey::Provisional(..) | TimerKey::Keepalive => return,
        };
        let Some((endpoint, mut reach)) = self.visit(index, now, plane) else { return };
        match timer {
            TimerKey::Signal(_, number) => endpoint.signal_expires(number, &mut reach),
            TimerKey::Digit(_) => endpoint.dialling_pauses(&mut reach),
            TimerKey::LongDigit(_) => endpoint.digit_is_long(&mut reach),
            TimerKey::ToneDuration(_) => endpoint.digit_has_lasted(&mut reach),
            TimerKey::LongConnection(_, handle) => endpoint.connection_is_long(handle, &mut reach),
            TimerKey::Lockstep(_) => endpoint.lockstep_lasts(&mut reach),
            TimerKey::Fax(_) => endpoint.fax_gives_up(&mut reach),
            TimerKey::Service(_)
            | TimerKey::Procedure(_)
            | TimerKey::Provisional(..)
            | TimerKey::Keepalive => {}
        }
    }
}
