//! A user agent: calls to and from listed peers, each a [`SessionId`], over the transactions (RFC 3261 sections 8 to 15).
//!
//! ```text
//!   user -- invite, progress, answer, offer, end --> UserAgent -- requests, responses --> Transactions --> datagrams
//!   user <- Event --------------------------------- UserAgent <- transaction events ---- Transactions <-- datagrams
//! ```
//!
//! The rooms: `config` (sockets and peers), `event` (what it says), `session` (what it keeps), `outgoing` (calls of this side),
//! `redirect` (where peers send them on), `refer` (transfers that they ask for), `asking` (those that this side asks for), `incoming` (calls of peers), `within` (requests inside dialogs), `keys` (that are pressed), `compose` (how messages are made), `purpose` (what requests and deadlines are for), `history` (who sent a call on), `deadline` (what time does),
//! `peers` (whether they are there), `usage` (what is left of dialogs whose sessions are over), `summary` (whether messages wait for telephones), `subscription` (of those, what outlives its user agent), `standing` (sessions that outlive their user agent), `register` (registering with them), `phones` (that register here), `credentials`, `connections` (that end, or cannot be had), `places` (of
//! peers that are known by names).
//!
//! Whoever is not listed gets no answer and costs nothing. A session ends in `Closed` whatever happens: each state waits
//! for something that has a deadline.

mod asking;
mod compose;
mod config;
mod connections;
mod credentials;
mod deadline;
mod event;
mod history;
mod incoming;
mod keys;
mod outgoing;
mod peers;
mod phones;
mod places;
mod purpose;
mod redirect;
mod refer;
mod register;
mod session;
mod standing;
mod subscription;
mod summary;
mod usage;
mod within;

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use strowger_sansio::{Duration, Rng, Time, Timers, Transmit};
use strowger_sdp::{AddressPolicy, Direction};

use crate::auth;
use crate::locate::Destination;
use crate::message::{Message, Method, Name, Status, Uri};
use crate::offer::OfferFault;
use crate::registrar::OUTBOUND;
use crate::text;
use crate::transaction::{self, ClientId, ServerId, Transactions};
use crate::transport::Route;
pub use config::{AgentConfig, Credentials, Keys, Local, Notices, Peer, PeerId, Redirects, Referrals, Trust};
pub use event::{Caller, Event, Invitation, SessionId};
pub use history::{Forwarder, History};
use peers::Presence;
pub use peers::Standing;
use phones::Phones;
use purpose::{Purpose, Timer};
pub use refer::{Referral, Replaced};
use register::Registration;
pub use register::RegistrationState;
use session::{Phase, Session};
pub use standing::{StandingDialog, StandingSession};
pub use subscription::StandingSubscription;
use summary::Summaries;
use usage::Usage;

/// The ACK of a 2xx.
#[derive(Debug)]
struct Acknowledgement {
    tag: String,
    sent: transaction::Sent,
}

/// What a user agent has counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Counters {
    /// Datagrams from nobody that is listed.
    pub unlisted: u64,
    /// Messages that were no SIP, or not what they must be.
    pub malformed: u64,
    /// Calls of peers.
    pub incoming: u64,
    /// Calls of this side.
    pub outgoing: u64,
}

/// A user agent.
#[derive(Debug)]
pub struct UserAgent {
    config: AgentConfig,
    /// The peers that are no telephones: few, whatever telephones there are.
    listed: Vec<PeerId>,
    transactions: Transactions,
    sessions: BTreeMap<SessionId, Session>,
    /// What is left of dialogs whose sessions are over.
    usages: BTreeMap<SessionId, Usage>,
    /// By `Call-ID` and the tag of this side.
    by_dialog: BTreeMap<(String, String), SessionId>,
    by_client: BTreeMap<ClientId, Purpose>,
    by_server: BTreeMap<ServerId, SessionId>,
    /// ACKs, for 2xx that come again: by the INVITE, with the tag of whoever answered.
    acks: BTreeMap<ClientId, Acknowledgement>,
    presence: Vec<Presence>,
    /// Places of peers that have failed, and until when they are passed over.
    down: BTreeMap<(PeerId, Destination), Time>,
    /// What peers have challenged this side with.
    challenges: BTreeMap<PeerId, Vec<auth::Known>>,
    registrations: BTreeMap<PeerId, Registration>,
    phones: Option<Phones>,
    summaries: Summaries,
    /// What the wall's clock showed when: since 1970 in UTC.
    wall: Option<(Time, Duration)>,
    /// The telephone that has proven to have sent the request in hand.
    author: Option<PeerId>,
    timers: Timers<Timer>,
    rng: Rng,
    last: u64,
    events: VecDeque<Event>,
    counters: Counters,
}

impl UserAgent {
    /// A user agent without sessions, which begins to ask its peers whether they are there. `rng` must be seeded from a secret.
    #[must_use]
    pub fn new(now: Time, config: AgentConfig, mut rng: Rng) -> Self {
        let transactions = Transactions::new(config.timing.clone(), config.transactions, rng.fork())
            .with_stream(Self::stream_of(&config));
        let mut timers = Timers::new();
        let presence = config.peers.iter().map(|_| Presence::default()).collect();
        for (peer, id) in config.peers.iter().zip(0..) {
            if peer.probe.is_some() {
                timers.set(Timer::Probe(PeerId(id)), now);
            }
            if peer.registers {
                timers.set(Timer::Register(PeerId(id)), now);
            }
        }
        let phones = Phones::new(now, &config, rng.fork());
        let listed = config.peers.iter().zip(0..).filter(|(peer, _)| peer.phone.is_none());
        let listed = listed.map(|(_, id)| PeerId(id)).collect();
        Self {
            config,
            listed,
            transactions,
            sessions: BTreeMap::new(),
            usages: BTreeMap::new(),
            by_dialog: BTreeMap::new(),
            by_client: BTreeMap::new(),
            by_server: BTreeMap::new(),
            acks: BTreeMap::new(),
            presence,
            down: BTreeMap::new(),
            challenges: BTreeMap::new(),
            registrations: BTreeMap::new(),
            phones,
            summaries: Summaries::default(),
            wall: None,
            author: None,
            timers,
            rng,
            last: 0,
            events: VecDeque::new(),
            counters: Counters::default(),
        }
    }

    /// Takes a message: a datagram, or what a [`text::Framer`] cut out of a stream. Says whether its sender is listed.
    pub fn handle_input(&mut self, now: Time, from: Route, bytes: &[u8]) -> bool {
        if let Some(heard) = self.phone_input(now, from, bytes) {
            return heard;
        }
        let Some(peer) = self.peer_of(from) else {
            self.counters.unlisted += 1;
            return false;
        };
        if text::is_keep_alive(bytes) {
            return true;
        }
        let limits = self.config.limits.clone();
        let checked = text::decode(bytes, &limits).and_then(|message| {
            text::check(&message, &limits)?;
            Ok(message)
        });
        match checked {
            Ok(message) => self.transactions.handle_input(now, from, message),
            Err(error) => self.malformed(peer, from, bytes, error),
        }
        self.settle(now);
        true
    }

    /// Tells what the wall's clock shows at `now`, since 1970 in UTC: answers to registrations say it. To be repeated when it is set.
    pub const fn set_wall_clock(&mut self, now: Time, unix: Duration) {
        self.wall = Some((now, unix));
    }

    /// Calls a peer. The session's events follow: `Progress`, `Answered`, or `Ended` and `Closed`.
    ///
    /// # Errors
    /// The peer is not known or cannot be reached by any socket, there are too many sessions, or the description is none.
    pub fn invite(&mut self, now: Time, invitation: &Invitation) -> Result<SessionId, InviteFault> {
        let session = self.start_call(now, invitation)?;
        self.settle(now);
        Ok(session)
    }

    /// Tells a caller how far its call is: 180 without a description, 183 or 180 with one. The response is reliable where the
    /// caller wants it so, and with a description where it can be (RFC 3262).
    ///
    /// # Errors
    /// The description answers nothing.
    pub fn progress(
        &mut self,
        now: Time,
        session: SessionId,
        status: Status,
        description: Option<&[u8]>,
    ) -> Result<(), OfferFault> {
        self.tell_progress(now, session, status, description)
    }

    /// Answers a call.
    ///
    /// # Errors
    /// The description does not answer the caller's offer: the call is as before.
    pub fn answer(
        &mut self,
        now: Time,
        session: SessionId,
        description: &[u8],
        direction: Direction,
    ) -> Result<(), OfferFault> {
        self.accept_call(now, session, description, direction)
    }

    /// Ends a session, whatever its state, for a cause of Q.850: refuses a call, takes one back, or hangs up. `Closed` follows.
    pub fn end(&mut self, now: Time, session: SessionId, cause: u8) {
        self.end_session(now, session, cause);
        self.settle(now);
    }

    /// Describes this side's stream anew, if the description says anything new; `Agreed` or `Refused` follows then. Says
    /// whether it does.
    pub fn offer(&mut self, now: Time, session: SessionId, description: &[u8], direction: Direction) -> bool {
        self.reoffer(now, session, description, direction)
    }

    /// Answers a new description of the peer's.
    ///
    /// # Errors
    /// The description does not answer it.
    pub fn answer_offer(
        &mut self,
        now: Time,
        session: SessionId,
        description: &[u8],
        direction: Direction,
    ) -> Result<(), OfferFault> {
        self.accept_offer(now, session, description, direction)
    }

    /// Does not accept a new description of the peer's.
    pub fn refuse_offer(&mut self, now: Time, session: SessionId, status: Status) {
        self.decline_offer(now, session, status);
    }

    /// Accepts a transfer that a peer asks for: its outcome is to follow by [`Self::tell_referral`].
    pub fn accept_referral(&mut self, now: Time, session: SessionId) {
        self.take_referral(now, session);
    }

    /// Does not accept a transfer.
    pub fn refuse_referral(&mut self, now: Time, session: SessionId, status: Status) {
        self.decline_referral(now, session, status);
    }

    /// Asks the peer of a session to call somebody else: in the place of another session of this side's, or anew. `Transferring` says how
    /// it goes. False: it cannot be asked, as it has not answered, or is asked already.
    pub fn refer(
        &mut self,
        now: Time,
        session: SessionId,
        target: &Uri<'_>,
        replaces: Option<SessionId>,
    ) -> bool {
        self.ask_for_transfer(now, session, target, replaces)
    }

    /// Tells a peer how a transfer goes that it has asked for: 180 while somebody is rung, 200 or a refusal as the last word.
    pub fn tell_referral(&mut self, now: Time, session: SessionId, status: Status) {
        self.say_progress(now, session, status);
    }

    /// Goes on with a session that [`Self::end`] has ended, while its BYE waits for the outcome of a transfer that its peer has asked
    /// for: the peer takes its party back. Says whether it does.
    pub fn take_back(&mut self, session: SessionId) -> bool {
        let waits = self.waits_for_transfer(session);
        let ended = self.sessions.get_mut(&session).and_then(|session| session.ending.take_if(|_| waits));
        ended.is_some()
    }

    /// Tells the peer of a session by INFO that a key was pressed: a digit, `*`, `#` or a letter from A to D. Says whether it will be told:
    /// a peer that takes keys in the stream ([`Keys::Stream`]) is not.
    pub fn press(&mut self, now: Time, session: SessionId, key: char) -> bool {
        self.tell_key(now, session, key)
    }

    /// To be called when [`Self::poll_timeout`] is due.
    pub fn handle_timeout(&mut self, now: Time) {
        self.transactions.handle_timeout(now);
        self.settle(now);
        while let Some(timer) = self.timers.pop_due(now) {
            self.deadline(now, timer);
        }
        self.settle(now);
    }

    /// A message to send. On a stream it is as it goes; the host finds or makes the connection to its address, and says when there is none
    /// ([`Self::handle_unsent`]) or no more ([`Self::handle_disconnected`]).
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transactions.poll_transmit()
    }

    /// Something that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        let subscribed = || Some(Event::Subscribed { peer: self.summaries.changed.pop_first()? });
        self.events.pop_front().or_else(subscribed)
    }

    /// When [`Self::handle_timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        [self.transactions.poll_timeout(), self.timers.next()].into_iter().flatten().min()
    }

    /// Whether messages that come by this way are heard: their sender is listed, or a telephone may be there.
    #[must_use]
    pub fn knows(&self, from: Route) -> bool {
        self.phones.is_some() || self.peer_of(from).is_some()
    }

    /// What it goes by.
    #[must_use]
    pub const fn config(&self) -> &AgentConfig {
        &self.config
    }

    /// What it has counted.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What its transactions have counted.
    #[must_use]
    pub const fn transaction_counters(&self) -> &transaction::Counters {
        self.transactions.counters()
    }

    /// How many sessions there are.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// How many transactions there are.
    #[must_use]
    pub fn transactions(&self) -> usize {
        self.transactions.len()
    }

    /// Lets what the transactions have heard have its consequences.
    fn settle(&mut self, now: Time) {
        while let Some(event) = self.transactions.poll_event() {
            match event {
                transaction::Event::Request { server, from, request } => {
                    self.request(now, server, from, request);
                }
                transaction::Event::Cancel { invite, request } => self.cancelled(now, invite, &request),
                transaction::Event::Ack { request, .. } => self.acknowledged(now, &request),
                transaction::Event::Response { client, response } => self.response(now, client, &response),
                transaction::Event::Stray { response, .. } => self.acknowledge_again(&response),
                transaction::Event::TimedOut { client } => {
                    self.given_up(now, client, Status::REQUEST_TIMEOUT);
                }
                transaction::Event::Unsent { client } => {
                    self.given_up(now, client, Status::SERVICE_UNAVAILABLE);
                }
                transaction::Event::Unacknowledged { server } => {
                    self.by_server.remove(&server);
                }
            }
        }
    }

    fn response(&mut self, now: Time, client: ClientId, response: &Message<'static>) {
        let Some(status) = response.status() else { return };
        if status.is_success()
            && let Some(ack) = self.acks.get(&client)
            && response.header.to().is_some_and(|to| to.tag() == Some(&ack.tag))
        {
            let (route, bytes) = (ack.sent.route, ack.sent.bytes.clone());
            return self.transactions.send_again(route, bytes);
        }
        let Some(purpose) = self.by_client.get(&client).copied() else { return };
        if !status.is_provisional() && !matches!(purpose, Purpose::Invite(_) | Purpose::Reinvite(_)) {
            self.by_client.remove(&client);
        }
        match purpose {
            Purpose::Invite(session) => self.invite_response(now, session, client, status, response),
            Purpose::Reinvite(session) => self.reinvite_response(now, session, client, status, response),
            Purpose::Bye(session) if !status.is_provisional() => {
                if !self.bye_again(now, session, status, response) {
                    self.close(now, session);
                }
            }
            Purpose::Probe(peer, place) if !status.is_provisional() => {
                self.probe_answered(now, peer, place, status);
            }
            Purpose::Register(peer, place) if !status.is_provisional() => {
                self.registered(now, (peer, place), status, response);
            }
            Purpose::Notify(session) if !status.is_provisional() => {
                self.notified(now, session, Some(status));
            }
            Purpose::Refer(session) if !status.is_provisional() => {
                self.refer_answered(now, session, status, Some(response));
            }
            Purpose::Summary(id) if !status.is_provisional() => {
                self.summary_answered(now, id, Some(status));
            }
            Purpose::Info(session) if !status.is_provisional() => {
                self.key_told(now, session, status, Some(response));
            }
            Purpose::Bye(_)
            | Purpose::Info(_)
            | Purpose::Refer(_)
            | Purpose::Notify(_)
            | Purpose::Prack(_)
            | Purpose::Summary(_)
            | Purpose::Notice
            | Purpose::Probe(..)
            | Purpose::Register(..) => {}
        }
    }

    fn request(&mut self, now: Time, server: ServerId, from: Route, request: Message<'static>) {
        let Some(method) = request.method().cloned() else { return };
        if method == Method::Subscribe && self.phones.is_some() {
            return self.subscribe(now, server, (self.author.or_else(|| self.peer_of(from)), from), &request);
        }
        if request.header.to().is_some_and(|to| to.tag().is_some()) && method != Method::Register {
            return self.within_dialog(now, server, (&method, from), &request);
        }
        let Some(peer) = self.author.or_else(|| self.peer_of(from)) else { return };
        if !self.serves(now, server, &method, &request) {
            return;
        }
        match method {
            Method::Invite => self.incoming_call(now, server, (peer, from), request),
            Method::Options => self.describe_self(now, server),
            Method::Register if self.phones.is_some() => {
                self.register_phone(now, server, (peer, from), &request);
            }
            Method::Bye | Method::Prack | Method::Update | Method::Info | Method::Notify => {
                self.transactions.respond_with(now, server, Status::NO_SUCH_CALL);
            }
            Method::Refer => self.referred_by_nobody(now, server, &request),
            _ => self.not_allowed(now, server, &method),
        }
    }

    /// Forgets a session and says so.
    fn close(&mut self, now: Time, id: SessionId) {
        let Some(mut session) = self.sessions.remove(&id) else { return };
        if let Some(key) = &session.key {
            self.by_dialog.remove(key);
        }
        if let Some(server) = session.server {
            self.by_server.remove(&server);
        }
        if let Some(server) = session.transfers.asked() {
            self.transactions.respond_with(now, server, Status::REQUEST_TERMINATED);
        }
        if let Some(client) = session.client {
            // Others than the one that has answered may answer still.
            self.timers.set(Timer::Ack(client), now + self.config.timing.timeout());
        }
        for timer in [
            Timer::Repeat(id),
            Timer::Reliable(id),
            Timer::Cancelled(id),
            Timer::Session(id),
            Timer::Glare(id),
            Timer::Resume(id),
        ] {
            self.timers.cancel(&timer);
        }
        if !self.keep_usage(now, id, &mut session) {
            self.timers.cancel(&Timer::Referral(id));
            self.timers.cancel(&Timer::Asking(id));
        }
        self.events.push_back(Event::Closed { session: id });
    }

    /// The session is over for its user, unless that has ended it itself.
    fn ended(&mut self, id: SessionId, cause: u8, status: Option<Status>) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let told = session.ending.is_some() || session.phase == Phase::Ending;
        session.phase = Phase::Ending;
        if !told {
            session.ending = Some(cause);
            self.events.push_back(Event::Ended { session: id, cause, status });
        }
    }

    /// The rule for the addresses in a peer's descriptions.
    fn media_rule(&self, session: SessionId) -> (IpAddr, AddressPolicy) {
        let known = self.sessions.get(&session);
        let policy = known.and_then(|session| self.config.peer(session.peer)).map(|peer| peer.media.clone());
        let address = known.map_or(IpAddr::from([0, 0, 0, 0]), |session| session.route.address.ip());
        (address, policy.unwrap_or_default())
    }

    fn next(&mut self) -> SessionId {
        self.last += 1;
        SessionId(self.last)
    }

    fn token(&mut self) -> String {
        format!("{:016x}", self.rng.next_u64())
    }
}

/// Why a peer cannot be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InviteFault {
    /// There is no such peer, or no socket for its transport.
    Unreachable,
    /// There are too many sessions.
    TooMany,
    /// The description is none that can be offered.
    Description(OfferFault),
}

/// The options of SIP that are known (RFC 3261 section 19.2).
const SUPPORTED: [&str; 4] = ["100rel", "timer", "replaces", "norefersub"];

/// What a request asks for that is not known: the value of `Unsupported`.
fn unsupported(request: &Message<'_>) -> Option<String> {
    let unknown: Vec<&str> = request
        .header
        .list(&Name::Require)
        .filter(|option| !SUPPORTED.iter().any(|known| known.eq_ignore_ascii_case(option)))
        .filter(|option| {
            request.method() != Some(&Method::Register) || !option.eq_ignore_ascii_case(OUTBOUND)
        })
        .collect();
    (!unknown.is_empty()).then(|| unknown.join(", "))
}
