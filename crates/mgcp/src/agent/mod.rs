//! The agent role: a call agent (media gateway controller) for many gateways (RFC 3435).
//!
//! The exchange asks for *operations* on endpoints, each with a tag of its own, and hears how they end; it hears what
//! gateways notify, which endpoints restart, and which gateways come and go. The agent does the rest: it queues what must not be
//! under way together (section 4.4.4), answers each command of a gateway, keeps gateways to their own endpoints, notices when one
//! is lost, and deletes connections that nobody waits for any more.
//!
//! ```text
//!   exchange -- create_connection, notification_request, … (tag) --> dispatch -> encode -> transaction -> datagram
//!   datagram -> transaction -> received (NTFY, RSIP, DLCX) ----------> events: Notify, EndpointsRestarted, …
//!                           -> answer (responses) -> dispatch --------> events: Completed, Failed, Proceeding
//!                           -> supervision (signs of life) -----------> events: GatewayUp, GatewayLost
//! ```
//!
//! The rooms: `config`, `inventory` (gateways and their endpoints), `operation` (what can be asked for, and what may be under way
//! together), `dispatch` (the way of an operation), `pace` (how many commands at a time),
//! `encode` (operation to command), `answer` (response to outcome), `bulk` (audits of many endpoints), `outcome`, `received`
//! (commands of gateways), `supervision`, `event`, `counters`.
//!
//! Default deny: a source that is no gateway's address gets no byte and costs one look-up.

mod answer;
mod bulk;
mod config;
mod counters;
mod dispatch;
mod encode;
mod event;
mod inventory;
mod operation;
mod outcome;
mod pace;
mod received;
mod supervision;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use strowger_sansio::{Duration, Epoch, NodeId, Rng, Time, Timers, Transmit};

pub use config::{AgentConfig, AgentLimits, ConfigError, GatewayConfig, GatewayId, Supervision};
pub use counters::AgentCounters;
pub use event::{Event, ObservedEvent};
pub use inventory::GatewayState;
pub use operation::{
    ConnectionOptions, CreateConnection, DeleteConnection, ModifyConnection, NotificationRequest,
};
pub use outcome::{Audit, BulkAudit, BulkEntry, Failure, Outcome, Refused};

use crate::dialect::Dialect;
use crate::message::{
    CallIdBuf, ConnectionIdBuf, EndpointNameBuf, Message, ParameterCode, RequestIdBuf, TransactionId,
};
use crate::text::{self, DecodeError};
use crate::transaction::{self, Bundling, PeerConfig, Received, TransactionCounters, Transactions};
use dispatch::Orphan;
use inventory::Gateway;
use operation::{Operation, OperationId, Request};

/// A call agent. `T` is the caller's tag of an operation.
#[derive(Clone, Debug)]
pub struct Agent<T> {
    config: AgentConfig,
    transactions: Transactions<OperationId>,
    gateways: BTreeMap<GatewayId, Gateway>,
    /// Peers of the transaction layer are numbered as they are added.
    by_peer: Vec<GatewayId>,
    operations: BTreeMap<OperationId, Operation<T>>,
    next_operation: u64,
    orphans: BTreeMap<TransactionId, Orphan>,
    watches: Timers<GatewayId>,
    /// When gateways that are busy may be commanded again.
    rests: Timers<GatewayId>,
    /// When deletions that failed for the moment are given again.
    again: Timers<OperationId>,
    /// Commands without an answer.
    in_flight: usize,
    /// Gateways for which something waits until others have answered.
    waiting: VecDeque<GatewayId>,
    rng: Rng,
    events: VecDeque<Event<T>>,
    counters: AgentCounters,
}

impl<T: Clone> Agent<T> {
    /// A call agent without gateways. Transaction identifiers come from the range of `node` and `epoch`; they, request and
    /// call identifiers are drawn from `rng`, which must be secret.
    #[must_use]
    pub fn new(config: AgentConfig, node: NodeId, epoch: Epoch, mut rng: Rng) -> Self {
        let transactions = Transactions::new(
            config.timers.clone(),
            config.limits.transactions.clone(),
            node,
            epoch,
            rng.fork(),
        );
        Self {
            config,
            transactions,
            gateways: BTreeMap::new(),
            by_peer: Vec::new(),
            operations: BTreeMap::new(),
            next_operation: 0,
            orphans: BTreeMap::new(),
            watches: Timers::new(),
            rests: Timers::new(),
            again: Timers::new(),
            in_flight: 0,
            waiting: VecDeque::new(),
            rng,
            events: VecDeque::new(),
            counters: AgentCounters::default(),
        }
    }

    /// Adds a gateway. It is listened to from now on, and asked for a sign of life if it does not give one by itself.
    ///
    /// # Errors
    /// When the gateway contradicts one that is there already, has no address, or has an illegal name.
    pub fn add_gateway(&mut self, now: Time, config: GatewayConfig) -> Result<(), ConfigError> {
        let id = config.id;
        if self.gateways.contains_key(&id) {
            return Err(ConfigError::DuplicateGateway(id));
        }
        let (first, others) = match config.addresses.split_first() {
            Some((first, others)) => (Some(*first), others.to_vec()),
            None if config.host.is_some() => (None, Vec::new()),
            None => return Err(ConfigError::NoAddress(id)),
        };
        if let Some(taken) = config.addresses.iter().find(|a| self.transactions.peer_of(**a).is_some()) {
            return Err(ConfigError::AddressTaken(id, *taken));
        }
        let probe = EndpointNameBuf::from_parts(&config.probe, &config.domain);
        let probe = probe.ok_or(ConfigError::BadName(id))?;
        let bundling = if config.dialect.piggyback { Bundling::Piggyback } else { Bundling::Separate };
        let peer = PeerConfig { address: first, others, name: config.host.clone(), bundling };
        let peer = self.transactions.add_peer(peer);
        self.by_peer.push(id);
        let announces = config.dialect.notification;
        let pause = self.config.supervision.pause.0;
        self.gateways.insert(id, Gateway::new(config, peer, probe, pause));
        let spread = self.config.supervision.first_probe;
        // One that never speaks first is only there once it has been asked: calls do not wait for that.
        let wait = if announces { self.rng.duration(spread / 2, spread) } else { Duration::ZERO };
        self.watches.set(id, now + wait);
        Ok(())
    }

    /// A call identifier that is in use nowhere and cannot be guessed.
    pub fn new_call_id(&mut self) -> CallIdBuf {
        CallIdBuf::from_u128(self.rng.next_u128())
    }

    /// A request identifier likewise, for a caller that wants to know it before its request is carried out.
    pub fn new_request_id(&mut self) -> RequestIdBuf {
        RequestIdBuf::from_u128(self.rng.next_u128())
    }

    /// The full name of a gateway's endpoint; none when the gateway is unknown or the name illegal.
    #[must_use]
    pub fn endpoint(&self, gateway: GatewayId, local: &str) -> Option<EndpointNameBuf> {
        EndpointNameBuf::from_parts(local, &self.gateways.get(&gateway)?.config.domain)
    }

    /// Whether a gateway can be commanded; none when it is not in the inventory.
    #[must_use]
    pub fn gateway_state(&self, gateway: GatewayId) -> Option<GatewayState> {
        self.gateways.get(&gateway).map(|known| known.state)
    }

    /// How a gateway speaks, as far as that is known by now.
    #[must_use]
    pub fn dialect(&self, gateway: GatewayId) -> Option<Dialect> {
        self.gateways.get(&gateway).map(|known| known.config.dialect)
    }

    /// Operations without an outcome, the agent's own included.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.operations.len()
    }

    /// How many of those are signs of life that were asked for: they come and go by themselves, whatever the caller does.
    #[must_use]
    pub fn probing(&self) -> usize {
        self.gateways.values().filter(|known| known.probe.is_some()).count()
    }

    /// Commands without a final response.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.transactions.outstanding()
    }

    /// What the agent counted.
    #[must_use]
    pub fn counters(&self) -> &AgentCounters {
        &self.counters
    }

    /// What its transaction layer counted.
    #[must_use]
    pub fn transaction_counters(&self) -> &TransactionCounters {
        self.transactions.counters()
    }

    /// Creates a connection (CRCX). On a `$` endpoint the gateway chooses one; the outcome names it.
    pub fn create_connection(
        &mut self,
        now: Time,
        gateway: GatewayId,
        endpoint: &EndpointNameBuf,
        create: CreateConnection,
        tag: T,
    ) {
        self.submit(now, gateway, endpoint, Request::Create(Box::new(create)), Some(tag));
    }

    /// Modifies a connection (MDCX).
    pub fn modify_connection(
        &mut self,
        now: Time,
        gateway: GatewayId,
        endpoint: &EndpointNameBuf,
        modify: ModifyConnection,
        tag: T,
    ) {
        self.submit(now, gateway, endpoint, Request::Modify(Box::new(modify)), Some(tag));
    }

    /// Deletes one connection (DLCX).
    pub fn delete_connection(
        &mut self,
        now: Time,
        gateway: GatewayId,
        endpoint: &EndpointNameBuf,
        delete: DeleteConnection,
        tag: T,
    ) {
        self.submit(now, gateway, endpoint, Request::Delete(Box::new(delete)), Some(tag));
    }

    /// Deletes all connections of an endpoint, or of all that a `*` stands for; those of one call, when it is given (DLCX without
    /// connection identifier).
    pub fn delete_connections(
        &mut self,
        now: Time,
        gateway: GatewayId,
        endpoint: &EndpointNameBuf,
        call: Option<CallIdBuf>,
        tag: T,
    ) {
        self.submit(now, gateway, endpoint, Request::DeleteAll(call), Some(tag));
    }

    /// Asks an endpoint to watch for events and to play signals (RQNT).
    pub fn notification_request(
        &mut self,
        now: Time,
        gateway: GatewayId,
        endpoint: &EndpointNameBuf,
        request: NotificationRequest,
        tag: T,
    ) {
        self.submit(now, gateway, endpoint, Request::Notification(Box::new(request)), Some(tag));
    }

    /// Asks an endpoint about itself (AUEP); with a `*`, for the names of all endpoints.
    pub fn audit_endpoint(
        &mut self,
        now: Time,
        gateway: GatewayId,
        endpoint: &EndpointNameBuf,
        info: Vec<ParameterCode<'static>>,
        tag: T,
    ) {
        self.submit(now, gateway, endpoint, Request::AuditEndpoint(info), Some(tag));
    }

    /// Asks many endpoints at once, which `*` or a range stands for, how many connections each has and whether it gives a signal; from a
    /// local name on, where an answer before had no room for more (AUEP of RFC 3624).
    pub fn audit_many(
        &mut self,
        now: Time,
        gateway: GatewayId,
        endpoints: &EndpointNameBuf,
        start: Option<String>,
        tag: T,
    ) {
        self.submit(now, gateway, endpoints, Request::AuditMany(start), Some(tag));
    }

    /// Asks about a connection (AUCX).
    pub fn audit_connection(
        &mut self,
        now: Time,
        gateway: GatewayId,
        endpoint: &EndpointNameBuf,
        connection: ConnectionIdBuf,
        info: Vec<ParameterCode<'static>>,
        tag: T,
    ) {
        self.submit(now, gateway, endpoint, Request::AuditConnection(connection, info), Some(tag));
    }

    /// Takes a datagram from the network.
    pub fn handle_input(&mut self, now: Time, from: SocketAddr, bytes: &[u8]) {
        let Some(peer) = self.transactions.peer_of(from) else {
            self.counters.unlisted += 1;
            return;
        };
        let Some(gateway) = self.by_peer.get(peer.0 as usize).copied() else { return };
        self.counters.datagrams += 1;
        let limits = self.config.limits.codec;
        let mut messages = text::datagram(bytes, &limits);
        while let Some(item) = messages.next() {
            match item.or_else(|error| self.transactions.read_again(from, &messages, &error).ok_or(error)) {
                Ok(message) => self.handle_message(now, gateway, from, &message),
                Err(error) => self.handle_malformed(now, gateway, from, &error),
            }
        }
        self.drain(now);
    }

    fn handle_message(&mut self, now: Time, gateway: GatewayId, from: SocketAddr, message: &Message<'_>) {
        let received = self.transactions.receive(now, from, message);
        match (received, message) {
            (Received::Execute(token), Message::Command(command)) => {
                self.execute(now, gateway, token, command);
            }
            (Received::Completed { tag, .. }, Message::Response(response)) => {
                self.heard(now, gateway);
                self.answered(now, tag, response);
            }
            (Received::Provisional { tag, .. }, Message::Response(response)) => {
                self.heard(now, gateway);
                self.proceeding(tag, response);
            }
            (Received::Stray { .. }, Message::Response(response)) => {
                self.stray(now, gateway, response);
                self.suspect_alive(now, gateway);
            }
            (Received::Answered(_) | Received::Acknowledged, _) => self.suspect_alive(now, gateway),
            _ => {}
        }
    }

    /// A message that cannot be read. A broken answer to a command of ours will not get better by repeating the command.
    fn handle_malformed(&mut self, now: Time, gateway: GatewayId, from: SocketAddr, error: &DecodeError) {
        self.counters.malformed += 1;
        self.transactions.receive_malformed(now, from, error);
        self.suspect_alive(now, gateway);
        let Some(transaction) = error.transaction_id.filter(|_| error.is_response) else { return };
        let peer = self.gateways.get(&gateway).map(|known| known.peer);
        let broken = peer.and_then(|peer| self.transactions.tag(peer, transaction).copied());
        if let Some(id) = broken {
            self.heard(now, gateway);
            self.give_up(now, id, Failure::BadAnswer);
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Time) {
        self.transactions.handle_timeout(now);
        self.drain(now);
        while let Some(gateway) = self.watches.pop_due(now) {
            self.watch(now, gateway);
        }
        while let Some(gateway) = self.rests.pop_due(now) {
            self.rested(now, gateway);
        }
        while let Some(id) = self.again.pop_due(now) {
            self.cleared_again(now, id);
        }
        self.drain(now);
    }

    /// The answer to [`Event::Resolve`]: the addresses that the name of a gateway stands for now, none when they could not be found out.
    /// They are commanded in this order, and listened to in the place of those that it stood for before.
    pub fn handle_resolved(&mut self, now: Time, gateway: GatewayId, addresses: &[SocketAddr]) {
        let Some(peer) = self.gateways.get(&gateway).map(|known| known.peer) else { return };
        self.transactions.handle_resolved(now, peer, addresses);
        self.drain(now);
    }

    /// The network reports that a datagram to `address` was not delivered, and quotes its beginning: a command on its way there tries the
    /// gateway's next address, if there is one (RFC 3435 section 4.3). Whether the report is believed: it is when it quotes a command without an answer.
    pub fn handle_undelivered(&mut self, now: Time, address: SocketAddr, quoted: &[u8]) -> bool {
        let is_believed = self.transactions.handle_undelivered(now, address, quoted);
        self.drain(now);
        is_believed
    }

    /// Takes over what the transaction layer has to tell.
    fn drain(&mut self, now: Time) {
        while let Some(event) = self.transactions.poll_event() {
            match event {
                transaction::Event::Exhausted { tag, .. } => self.exhausted(now, tag),
                transaction::Event::TimedOut { tag, .. } => self.give_up(now, tag, Failure::Unanswered),
                transaction::Event::Resolve { peer, name } => {
                    if let Some(gateway) = self.by_peer.get(peer.0 as usize).copied() {
                        self.events.push_back(Event::Resolve { gateway, name });
                    }
                }
                _ => {}
            }
        }
    }

    /// The next datagram to be sent.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transactions.poll_transmit()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event<T>> {
        self.events.pop_front()
    }

    /// When [`Self::handle_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        let own = [self.watches.next(), self.rests.next(), self.again.next()];
        own.into_iter().chain([self.transactions.poll_timeout()]).flatten().min()
    }
}
