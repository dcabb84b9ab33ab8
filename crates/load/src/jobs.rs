//! Jobs: sequences of commands to one MGCP peer, each on an endpoint or a pair of endpoints of its own.
//!
//! Commands go through the transaction layer (RFC 3435 section 3.5), so lost datagrams are repeated as the standard says, and
//! a latency is that of the transaction, from its first transmission to its final response. At a rate, the first command of a job is
//! measured from the moment at which it was due. What the peer itself asks meanwhile is answered.

mod work;

use std::collections::VecDeque;
use std::net::SocketAddr;

use strowger_mgcp::dialect::Dialect;
use strowger_mgcp::limits::Limits;
use strowger_mgcp::message::{
    CallIdBuf, Command, ConnectionId, ConnectionIdBuf, EndpointNameBuf, Message, RequestId, RequestIdBuf,
    Response, ReturnCode, Verb,
};
use strowger_mgcp::text::{ResponseBuilder, datagram};
use strowger_mgcp::transaction::{
    Bundling, Event, Pacing, PeerConfig, PeerId, ProtocolTimers, Received, Token, TransactionLimits,
    Transactions,
};
use strowger_sansio::{Duration, Rng, SocketId, Time, Timers, Transmit};

use crate::{Amount, Load, Offer, Pace, Tally};
pub use work::{Role, Work};

/// What a [`JobLoad`] does.
#[derive(Clone, Debug)]
pub struct JobConfig {
    /// The peer: a gateway, or a call agent for [`Role::Gateway`].
    pub peer: SocketAddr,
    /// The endpoints that are used; of the peer, or for [`Role::Gateway`] our own. A [`Work::Call`] takes two, one after the other.
    pub endpoints: Vec<EndpointNameBuf>,
    /// What is done on each.
    pub work: Work,
    /// How it is offered.
    pub offer: Offer,
    /// How much of it.
    pub amount: Amount,
    /// How long a connection or a call stands before it is deleted.
    pub hold: Duration,
    /// How the peer speaks.
    pub dialect: Dialect,
    /// Where the description of a [`Work::Connection`] sends media: an address that drops them.
    pub media: SocketAddr,
    /// What is reported by a [`Work::Notification`], such as `L/hu`.
    pub observed: Vec<strowger_mgcp::message::SignalBuf>,
    /// The timers of the transaction layer.
    pub timers: ProtocolTimers,
}

impl JobConfig {
    /// Audits of these endpoints, one at a time.
    #[must_use]
    pub fn audits(peer: SocketAddr, endpoints: Vec<EndpointNameBuf>) -> Self {
        Self {
            peer,
            endpoints,
            work: Work::Audit,
            offer: Offer::Window(1),
            amount: Amount::Count(1),
            hold: Duration::ZERO,
            dialect: Dialect::RFC3435,
            media: SocketAddr::from(([127, 0, 0, 1], 9)),
            observed: Vec::new(),
            timers: ProtocolTimers::default(),
        }
    }
}

/// Endpoints that a job has for itself while it lasts.
#[derive(Debug)]
struct Place {
    endpoints: Vec<EndpointNameBuf>,
    /// The request identifier that the call agent gave last, for notifications.
    request: Option<RequestIdBuf>,
    job: Option<Job>,
    /// When its last job ended.
    freed: Time,
}

/// A job under way.
#[derive(Debug)]
struct Job {
    /// When it was due.
    due: Time,
    step: usize,
    /// When the command of this step was sent, or was due.
    sent: Time,
    call: CallIdBuf,
    /// What the peer made, by endpoint of the place.
    connections: Vec<Option<Connection>>,
    /// Why it has failed, while what it made is being deleted.
    failure: Option<String>,
}

/// A connection that a gateway made.
#[derive(Clone, Debug)]
struct Connection {
    id: ConnectionIdBuf,
    description: Vec<u8>,
}

/// Jobs through one socket to one peer.
#[derive(Debug)]
pub struct JobLoad {
    config: JobConfig,
    transactions: Transactions<usize>,
    peer: PeerId,
    places: Vec<Place>,
    free: VecDeque<usize>,
    holds: Timers<usize>,
    pace: Pace,
    rng: Rng,
    tally: Tally,
    now: Time,
}

impl JobLoad {
    /// A load that begins at `now`.
    #[must_use]
    pub fn new(now: Time, config: JobConfig, mut rng: Rng) -> Self {
        // A load does not spare its peer, whatever the peer says.
        let pacing = Pacing { queue: 0, ..Pacing::default() };
        let limits = TransactionLimits { memory: 2 << 30, pacing, ..TransactionLimits::default() };
        let mut transactions = Transactions::alone(config.timers.clone(), limits, rng.fork());
        let bundling = Bundling::Separate;
        let peer = transactions.add_peer(PeerConfig { bundling, ..PeerConfig::at(config.peer) });
        let each = config.work.endpoints();
        let places: Vec<_> = config
            .endpoints
            .chunks_exact(each)
            .map(|endpoints| Place { endpoints: endpoints.to_vec(), request: None, job: None, freed: now })
            .collect();
        let pace = Pace::new(now, config.offer, config.amount);
        let mut load = Self {
            transactions,
            peer,
            free: (0..places.len()).collect(),
            places,
            holds: Timers::new(),
            pace,
            rng,
            tally: Tally::default(),
            config,
            now,
        };
        load.offer(now);
        load
    }

    fn in_progress(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Begins what is due, as long as there are endpoints for it.
    fn offer(&mut self, now: Time) {
        self.now = now;
        while let Some(due) = self.pace.due(now, self.in_progress()).filter(|due| *due <= now) {
            let Some(place) = self.free.pop_front() else { break };
            self.pace.offer();
            self.tally.begin(now, self.in_progress());
            let connections = vec![None; self.config.work.endpoints()];
            let call = CallIdBuf::from_u128(self.rng.next_u128());
            if let Some(place) = self.places.get_mut(place) {
                // Due while all endpoints were busy.
                if place.freed > due {
                    self.tally.hold_back();
                }
                place.job = Some(Job { due, step: 0, sent: due, call, connections, failure: None });
            }
            self.send(now, place);
        }
    }

    /// Sends the command of a place's step.
    fn send(&mut self, now: Time, index: usize) {
        let Some(place) = self.places.get(index) else { return };
        let Some(job) = &place.job else { return };
        let config = &self.config;
        let build = |id| work::command(id, config, place, job).unwrap_or_default();
        self.transactions.send(now, self.peer, build, index);
    }

    /// The command of a place's step was answered.
    fn answered(&mut self, now: Time, index: usize, response: &Response<'_>) {
        let work = self.config.work;
        let Some(job) = self.places.get_mut(index).and_then(|place| place.job.as_mut()) else { return };
        let verb = work.verb(job.step);
        if job.failure.is_none() {
            self.tally.measure(work::name(verb), now.since(job.sent));
        }
        let side = work.side(job.step);
        let slot = job.connections.get_mut(side);
        if response.code.is_error() {
            // What could not be deleted is not there, as far as we can tell.
            if let (Verb::Dlcx, Some(slot)) = (verb, slot) {
                *slot = None;
            }
            let why = match response.code.name() {
                Some(name) => format!("{verb}: {} {name}", response.code),
                None => format!("{verb}: {}", response.code),
            };
            return self.failed(now, index, why);
        }
        match (verb, slot) {
            (Verb::Crcx, Some(slot)) => {
                let id = response.connection_id().map(ConnectionId::to_buf);
                let description = response.sdp.first().copied().flatten().map(<[u8]>::to_vec);
                let Some((id, description)) = id.zip(description) else {
                    return self.failed(now, index, format!("{verb}: no connection in the answer"));
                };
                *slot = Some(Connection { id, description });
            }
            (Verb::Dlcx, Some(slot)) => *slot = None,
            _ => {}
        }
        self.next(now, index);
    }

    /// Goes to the next step, or waits before it.
    fn next(&mut self, now: Time, index: usize) {
        let work = self.config.work;
        let hold = self.config.hold;
        let Some(job) = self.places.get_mut(index).and_then(|place| place.job.as_mut()) else { return };
        if let Some(why) = job.failure.clone() {
            return self.clear(now, index, &why);
        }
        job.step += 1;
        if job.step >= work.steps() {
            let took = now.since(job.due);
            return self.end(now, index, Ok(took));
        }
        if work.holds_before(job.step) {
            let took = now.since(job.due);
            self.tally.measure("set-up", took);
            if !hold.is_zero() {
                self.holds.set(index, now + hold);
                return;
            }
        }
        job.sent = now;
        self.send(now, index);
    }

    /// A job has failed: what it made is deleted, then it ends.
    fn failed(&mut self, now: Time, index: usize, why: String) {
        let Some(job) = self.places.get_mut(index).and_then(|place| place.job.as_mut()) else { return };
        let why = job.failure.get_or_insert(why).clone();
        self.clear(now, index, &why);
    }

    /// Deletes the next connection of a failed job, or ends it.
    fn clear(&mut self, now: Time, index: usize, why: &str) {
        let work = self.config.work;
        let Some(job) = self.places.get_mut(index).and_then(|place| place.job.as_mut()) else { return };
        let left = job.connections.iter().position(Option::is_some);
        match left.and_then(|side| work.deletion(side)) {
            Some(step) => {
                (job.step, job.sent) = (step, now);
                self.send(now, index);
            }
            None => self.end(now, index, Err(why.to_owned())),
        }
    }

    fn end(&mut self, now: Time, index: usize, result: Result<Duration, String>) {
        if let Some(place) = self.places.get_mut(index) {
            place.job = None;
            place.freed = now;
        }
        self.free.push_back(index);
        match result {
            Ok(took) => {
                if self.config.work.steps() > 1 {
                    self.tally.measure("whole", took);
                }
                self.tally.finish(now);
            }
            Err(why) => self.tally.fail(now, why),
        }
    }

    /// Answers what the peer asks by itself.
    fn execute(&mut self, now: Time, token: Token, command: &Command<'_>) {
        let gateway = self.config.work.role() == Role::Gateway;
        let code = match command.verb {
            Verb::Ntfy | Verb::Rsip if !gateway => ReturnCode::OK,
            Verb::Dlcx if !gateway => ReturnCode::CONNECTION_DELETED,
            Verb::Rqnt if gateway => {
                self.learn_request(command);
                ReturnCode::OK
            }
            Verb::Auep | Verb::Epcf | Verb::Mesg if gateway => ReturnCode::OK,
            Verb::Aucx | Verb::Mdcx | Verb::Dlcx if gateway => ReturnCode::CONNECTION_ID,
            Verb::Crcx if gateway => ReturnCode::NO_RESOURCES_NOW,
            _ => ReturnCode::UNKNOWN_COMMAND,
        };
        let response = ResponseBuilder::new(code, command.transaction_id).finish();
        self.transactions.respond(now, token, response);
    }

    /// Keeps the request identifier that notifications of an endpoint must carry.
    fn learn_request(&mut self, command: &Command<'_>) {
        let name = command.endpoint.to_buf();
        for place in &mut self.places {
            if place.endpoints.contains(&name) {
                place.request = command.request_id().map(RequestId::to_buf);
            }
        }
    }

    fn collect_events(&mut self, now: Time) {
        while let Some(event) = self.transactions.poll_event() {
            if let Event::Exhausted { transaction_id, tag: index, .. } = event {
                self.transactions.abort(now, transaction_id);
                let work = self.config.work;
                let Some(job) = self.places.get_mut(index).and_then(|place| place.job.as_mut()) else {
                    continue;
                };
                let verb = work.verb(job.step);
                // Nobody is there to delete it either.
                if let (Verb::Dlcx, Some(slot)) = (verb, job.connections.get_mut(work.side(job.step))) {
                    *slot = None;
                }
                self.failed(now, index, format!("{verb}: no answer"));
            }
        }
        self.tally.set_retransmissions(self.transactions.counters().retransmissions);
    }
}

impl Load for JobLoad {
    fn handle_input(&mut self, now: Time, _socket: SocketId, from: SocketAddr, bytes: &[u8]) {
        if self.transactions.peer_of(from).is_none() {
            return;
        }
        for message in datagram(bytes, &Limits::DEFAULT) {
            let Ok(message) = message else { continue };
            match (self.transactions.receive(now, from, &message), &message) {
                (Received::Execute(token), Message::Command(command)) => self.execute(now, token, command),
                (Received::Completed { tag, .. }, Message::Response(response)) => {
                    self.answered(now, tag, response);
                }
                _ => {}
            }
        }
        self.collect_events(now);
        self.offer(now);
    }

    fn handle_timeout(&mut self, now: Time) {
        self.transactions.handle_timeout(now);
        self.collect_events(now);
        while let Some(index) = self.holds.pop_due(now) {
            if let Some(job) = self.places.get_mut(index).and_then(|place| place.job.as_mut()) {
                job.sent = now;
            }
            self.send(now, index);
        }
        self.offer(now);
    }

    fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transactions.poll_transmit()
    }

    fn poll_timeout(&self) -> Option<Time> {
        // While all endpoints are busy, the next answer is what is waited for.
        let next = if self.free.is_empty() { None } else { self.pace.due(self.now, self.in_progress()) };
        [self.transactions.poll_timeout(), self.holds.next(), next].into_iter().flatten().min()
    }

    fn stop(&mut self, now: Time) {
        self.now = self.now.max(now);
        self.pace.stop();
    }

    fn is_done(&self) -> bool {
        self.pace.is_over(self.now) && self.in_progress() == 0
    }

    fn tally(&self) -> &Tally {
        &self.tally
    }
}
