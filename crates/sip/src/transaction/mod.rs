//! Transactions: a request, its repetitions and its responses as one thing (RFC 3261 section 17, RFC 6026).
//!
//! ```text
//!   user agent -- request, respond ------> Transactions -- datagrams, messages --> host
//!   user agent <- Event ------------------ Transactions <- handle_input ---------- host
//! ```
//!
//! Each request reaches the transaction user once, however often it comes; each response of the user is repeated as its
//! timers want it. ACKs of 2xx and the repetition of 2xx are the user's (RFC 3261 section 13). `timing`: the timers. `client`
//! and `server`: the four machines. `key`: which transaction a message belongs to. `delivery`: requests that are too large for
//! a datagram, connections that end, messages that nobody took.

mod client;
mod delivery;
mod key;
mod server;
mod timing;

use std::collections::{BTreeMap, VecDeque};

use strowger_sansio::{Rng, Time, Timers, Transmit};

use crate::message::{MAGIC_COOKIE, Message, Method, Name, Status};
use crate::text;
use crate::transport::Route;
use client::{Client, State as ClientState, Wants};
pub use delivery::{LARGEST_DATAGRAM, Sent, Stream};
use key::{ClientKey, ServerKey, merged_key};
use server::{Answered, Server, State as ServerState};
use timing::Letter;
pub use timing::Timing;

/// A transaction that this side began. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u64);

/// A transaction that a peer began. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerId(pub u64);

/// What the layer says to its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A request that has not come before. To be answered.
    Request {
        /// Its transaction.
        server: ServerId,
        /// Where it came from.
        from: Route,
        /// The request.
        request: Message<'static>,
    },
    /// A CANCEL, which the layer has answered.
    Cancel {
        /// The INVITE that it takes back, which has had no final response.
        invite: ServerId,
        /// The CANCEL.
        request: Message<'static>,
    },
    /// An ACK of a 2xx, or one that belongs to nothing.
    Ack {
        /// Where it came from.
        from: Route,
        /// The ACK.
        request: Message<'static>,
    },
    /// A response: provisional ones, and one final one, or to INVITE each 2xx.
    Response {
        /// The request's transaction.
        client: ClientId,
        /// The response.
        response: Message<'static>,
    },
    /// A response that belongs to no transaction: a 2xx that came again after its transaction ended is for the user.
    Stray {
        /// Where it came from.
        from: Route,
        /// The response.
        response: Message<'static>,
    },
    /// No final response came in time.
    TimedOut {
        /// The request's transaction.
        client: ClientId,
    },
    /// The request could not be sent (RFC 3261 section 18.4).
    Unsent {
        /// The request's transaction.
        client: ClientId,
    },
    /// No ACK came for a final response that refused an INVITE.
    Unacknowledged {
        /// The transaction.
        server: ServerId,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    Client(ClientId),
    Server(ServerId),
}

/// What has happened, in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Counters {
    /// Requests sent, without repetitions.
    pub requests: u64,
    /// Requests that came, without repetitions.
    pub served: u64,
    /// Requests and responses sent again.
    pub repeated: u64,
    /// Requests that came again.
    pub duplicates: u64,
    /// Requests of this side that nobody answered.
    pub timed_out: u64,
    /// Requests of this side that could not be sent.
    pub unsent: u64,
    /// Requests turned away because too many were open.
    pub overflowed: u64,
}

/// The transactions of one element.
#[derive(Debug)]
pub struct Transactions {
    timing: Timing,
    most: usize,
    /// What carries requests that are too large for a datagram.
    stream: Option<Stream>,
    rng: Rng,
    clients: BTreeMap<ClientId, Client>,
    servers: BTreeMap<ServerId, Server>,
    client_keys: BTreeMap<ClientKey, ClientId>,
    server_keys: BTreeMap<ServerKey, ServerId>,
    merged: BTreeMap<Box<str>, ServerId>,
    timers: Timers<(Owner, Letter)>,
    last: u64,
    transmits: VecDeque<Transmit>,
    events: VecDeque<Event>,
    counters: Counters,
}

impl Transactions {
    /// No transactions. At most `most` of peers are open at a time: beyond that requests are answered with 503.
    #[must_use]
    pub fn new(timing: Timing, most: usize, rng: Rng) -> Self {
        Self {
            timing,
            most,
            stream: None,
            rng,
            clients: BTreeMap::new(),
            servers: BTreeMap::new(),
            client_keys: BTreeMap::new(),
            server_keys: BTreeMap::new(),
            merged: BTreeMap::new(),
            timers: Timers::new(),
            last: 0,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
            counters: Counters::default(),
        }
    }

    /// Takes a message that was decoded and checked.
    pub fn handle_input(&mut self, now: Time, from: Route, message: Message<'_>) {
        match (message.method(), message.status()) {
            (Some(Method::Ack), _) => self.ack(now, from, message),
            (Some(method), _) => {
                let method = method.clone().into_owned();
                self.incoming(now, from, message, &method);
            }
            (None, Some(status)) => self.response(now, from, message, status),
            (None, None) => {}
        }
    }

    /// Sends a request, whose `Via` is put before its other fields: `sent_by` is this side's host and port. An ACK of a 2xx is
    /// no transaction: see [`Self::send`].
    pub fn request(&mut self, now: Time, to: Route, sent_by: &str, request: Message<'static>) -> ClientId {
        let branch = self.branch();
        let request = self.with_via(to, sent_by, &branch, request);
        match self.too_large(to, &request) {
            Some((stream, changed)) => self.request_with(now, stream, changed, &branch, Some((to, request))),
            None => self.request_with(now, to, request, &branch, None),
        }
    }

    /// Takes back an INVITE that has had no final response: sends the CANCEL (RFC 3261 section 9.1). To be called behind a
    /// provisional response only. False when there is nothing to take back.
    pub fn cancel(&mut self, now: Time, invite: ClientId, fields: &[(Name<'static>, String)]) -> bool {
        let Some(client) = self.clients.get(&invite) else { return false };
        if client.state != ClientState::Proceeding {
            return false;
        }
        let (route, mut cancel) = (client.route, client.same_branch(&Method::Cancel));
        for (name, value) in fields {
            cancel.header.push(name.clone(), value.clone());
        }
        let branch = cancel.header.via().and_then(|via| via.branch().map(str::to_owned)).unwrap_or_default();
        self.request_with(now, route, cancel, &branch, None);
        true
    }

    /// Sends a request of its own kind, which nobody answers: the ACK of a 2xx. Gives what it was, to be sent again as it is.
    pub fn send(&mut self, to: Route, sent_by: &str, request: Message<'static>) -> Sent {
        let branch = self.branch();
        let request = self.with_via(to, sent_by, &branch, request);
        let bytes = text::to_bytes(&request);
        let sent = match self.too_large(to, &request) {
            Some((route, changed)) => {
                Sent { route, bytes: text::to_bytes(&changed), datagram: Some((to, bytes)) }
            }
            None => Sent { route: to, bytes, datagram: None },
        };
        self.send_again(sent.route, sent.bytes.clone());
        sent
    }

    /// Sends octets that were sent before.
    pub fn send_again(&mut self, to: Route, bytes: Vec<u8>) {
        self.transmits.push_back(Transmit { socket: to.socket, to: to.address, payload: bytes });
    }

    /// Whether a request belongs to a transaction that is known: it is a repetition, or a CANCEL of something.
    #[must_use]
    pub fn knows(&self, request: &Message<'_>) -> bool {
        let method = match request.method() {
            Some(Method::Cancel) => &Method::Invite,
            Some(method) => method,
            None => return false,
        };
        ServerKey::of(request, method).is_some_and(|key| self.server_keys.contains_key(&key))
    }

    /// Answers a request of which nothing is kept (RFC 3261 section 8.2.7): a repetition is answered again. An answer to INVITE
    /// is not repeated by itself, so that whoever sends no ACK gets one message for one. One that is longer than `most` octets is not
    /// sent; says whether it was.
    pub fn answer_stateless(
        &mut self,
        from: Route,
        request: &Message<'_>,
        (status, tag): (Status, &str),
        fields: Vec<(Name<'static>, String)>,
        most: usize,
    ) -> bool {
        let mut response = server::response_of(&server::repeated(request, from.address), status, tag);
        for (name, value) in fields {
            response.header.push(name, value);
        }
        let bytes = text::to_bytes(&response);
        if bytes.len() > most {
            return false;
        }
        self.send_again(answer_route(request, from), bytes);
        true
    }

    /// A response to a request, without a body; none when its transaction is over.
    #[must_use]
    pub fn make_response(&self, server: ServerId, status: Status) -> Option<Message<'static>> {
        self.servers.get(&server).map(|server| server.response(status))
    }

    /// The tag of this side in responses to a request.
    #[must_use]
    pub fn tag(&self, server: ServerId) -> Option<&str> {
        self.servers.get(&server).map(|server| server.tag.as_str())
    }

    /// Where responses to a request go.
    #[must_use]
    pub fn route(&self, server: ServerId) -> Option<Route> {
        self.servers.get(&server).map(|server| server.route)
    }

    /// The method of a request; none when its transaction is over.
    #[must_use]
    pub fn method(&self, server: ServerId) -> Option<&Method<'static>> {
        self.servers.get(&server).map(|server| &server.method)
    }

    /// Answers a request. False when it has had its final response.
    pub fn respond(&mut self, now: Time, server: ServerId, response: &Message<'_>) -> bool {
        let Some(own) = self.servers.get_mut(&server) else { return false };
        let (answered, wants) = own.answer(response, &self.timing, now);
        let route = own.route;
        self.follow(Owner::Server(server), route, wants);
        answered == Answered::Sent
    }

    /// Answers a request with a status alone.
    pub fn respond_with(&mut self, now: Time, server: ServerId, status: Status) -> bool {
        let Some(response) = self.make_response(server, status) else { return false };
        self.respond(now, server, &response)
    }

    /// Whether an INVITE waits for its final response.
    #[must_use]
    pub fn is_open(&self, server: ServerId) -> bool {
        self.servers.get(&server).is_some_and(|server| server.state == ServerState::Proceeding)
    }

    /// To be called when [`Self::poll_timeout`] is due.
    pub fn handle_timeout(&mut self, now: Time) {
        while let Some((owner, letter)) = self.timers.pop_due(now) {
            match owner {
                Owner::Client(id) => {
                    let Some(client) = self.clients.get_mut(&id) else { continue };
                    let wants = client.timeout(letter, &self.timing, now);
                    let (route, over) = (client.route, client.state == ClientState::Terminated);
                    self.counters.repeated += u64::from(wants.send.is_some());
                    let timed_out = wants.timed_out;
                    self.follow(owner, route, wants);
                    if over {
                        self.forget_client(id);
                    }
                    if timed_out {
                        self.counters.timed_out += 1;
                        self.events.push_back(Event::TimedOut { client: id });
                    }
                }
                Owner::Server(id) => {
                    let Some(server) = self.servers.get_mut(&id) else { continue };
                    let wants = server.timeout(letter, &self.timing, now);
                    let (route, over) = (server.route, server.state == ServerState::Terminated);
                    self.counters.repeated += u64::from(wants.send.is_some() && letter == Letter::G);
                    let timed_out = wants.timed_out;
                    self.follow(owner, route, wants);
                    if over {
                        self.forget_server(id);
                    }
                    if timed_out {
                        self.events.push_back(Event::Unacknowledged { server: id });
                    }
                }
            }
        }
    }

    /// A message to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// Something that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Self::handle_timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.timers.next()
    }

    /// How many transactions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.clients.len() + self.servers.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What has happened so far.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    fn incoming(&mut self, now: Time, from: Route, message: Message<'_>, method: &Method<'static>) {
        let Some(key) = ServerKey::of(&message, method) else { return };
        if let Some(server) = self.server_keys.get(&key).and_then(|id| self.servers.get(id)) {
            self.counters.duplicates += 1;
            let (route, wants) = (server.route, server.repetition());
            if let Some(bytes) = wants.send {
                self.counters.repeated += 1;
                self.send_again(route, bytes);
            }
            return;
        }
        let route = answer_route(&message, from);
        if self.servers.len() >= self.most {
            self.counters.overflowed += 1;
            return self.respond_stateless(route, from, &message, Status::SERVICE_UNAVAILABLE);
        }
        let merged = merged_key(&message).filter(|_| *method != Method::Cancel);
        if let Some(merged) = &merged
            && self.merged.contains_key(merged)
        {
            return self.respond_stateless(route, from, &message, Status::LOOP_DETECTED);
        }
        let id = ServerId(self.next());
        let tag = format!("{:016x}", self.rng.next_u64());
        let fallback = delivery::answer_anew(&message, from);
        let origin = server::Origin { from: from.address, route, fallback };
        let (server, wants) =
            Server::new(key.clone(), merged.clone(), origin, &message, tag, (&self.timing, now));
        self.counters.served += 1;
        self.server_keys.insert(key, id);
        if let Some(merged) = merged {
            self.merged.insert(merged, id);
        }
        self.servers.insert(id, server);
        self.follow(Owner::Server(id), route, wants);
        if *method == Method::Cancel {
            return self.cancelled(now, id, message.into_owned());
        }
        self.events.push_back(Event::Request { server: id, from, request: message.into_owned() });
    }

    /// A CANCEL: answered at once, and told to the user when the INVITE is still open (RFC 3261 section 9.2).
    fn cancelled(&mut self, now: Time, cancel: ServerId, request: Message<'static>) {
        let invite =
            ServerKey::of(&request, &Method::Invite).and_then(|key| self.server_keys.get(&key).copied());
        let Some(invite) = invite else {
            self.respond_with(now, cancel, Status::NO_SUCH_CALL);
            return;
        };
        // The answers to both have the same tag.
        let tag = self.tag(invite).map(str::to_owned);
        if let (Some(tag), Some(server)) = (tag, self.servers.get_mut(&cancel)) {
            server.tag = tag;
        }
        self.respond_with(now, cancel, Status::OK);
        if self.is_open(invite) {
            self.events.push_back(Event::Cancel { invite, request });
        }
    }

    fn ack(&mut self, now: Time, from: Route, message: Message<'_>) {
        let known =
            ServerKey::of(&message, &Method::Invite).and_then(|key| self.server_keys.get(&key).copied());
        if let Some(id) = known
            && let Some(server) = self.servers.get_mut(&id)
        {
            let wants = server.acknowledged(&self.timing, now);
            let (route, deliver) = (server.route, wants.deliver);
            self.follow(Owner::Server(id), route, wants);
            if !deliver {
                return;
            }
        }
        self.events.push_back(Event::Ack { from, request: message.into_owned() });
    }

    fn response(&mut self, now: Time, from: Route, message: Message<'_>, status: Status) {
        // A response with a second Via was for somebody who is not here (RFC 3261 section 8.1.3.3).
        if message.header.list(&Name::Via).nth(1).is_some() {
            return;
        }
        let id = ClientKey::of(&message.header).and_then(|key| self.client_keys.get(&key).copied());
        let known = id.and_then(|id| Some((id, self.clients.get_mut(&id)?)));
        let Some((id, client)) = known.filter(|(_, client)| client.sent(&message.header)) else {
            self.events.push_back(Event::Stray { from, response: message.into_owned() });
            return;
        };
        let wants = client.response(status, &message, &self.timing, now);
        let (route, deliver) = (client.route, wants.deliver);
        self.counters.repeated += u64::from(wants.send.is_some() && !deliver);
        self.follow(Owner::Client(id), route, wants);
        if deliver {
            self.events.push_back(Event::Response { client: id, response: message.into_owned() });
        }
    }

    fn request_with(
        &mut self,
        now: Time,
        to: Route,
        request: Message<'static>,
        branch: &str,
        fallback: Option<(Route, Message<'static>)>,
    ) -> ClientId {
        let id = ClientId(self.next());
        let method = request.method().cloned().unwrap_or(Method::Options);
        let (mut client, wants) = Client::new(to, request, &self.timing, now);
        client.fallback = fallback.map(Box::new);
        self.client_keys.insert(ClientKey::new(branch, &method), id);
        self.clients.insert(id, client);
        self.counters.requests += 1;
        self.follow(Owner::Client(id), to, wants);
        id
    }

    fn with_via(
        &self,
        to: Route,
        sent_by: &str,
        branch: &str,
        request: Message<'static>,
    ) -> Message<'static> {
        let mut whole = Message { header: crate::message::Header::new(), ..request };
        let via = delivery::via(to.transport, sent_by, branch);
        whole.header.push(Name::Via, via);
        for field in request.header.iter().filter(|field| field.name != Name::Via) {
            whole.header.push(field.name.clone(), field.value.clone());
        }
        whole
    }

    fn branch(&mut self) -> String {
        format!("{MAGIC_COOKIE}{:016x}", self.rng.next_u64())
    }

    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn respond_stateless(&mut self, route: Route, from: Route, request: &Message<'_>, status: Status) {
        let tag = format!("{:016x}", self.rng.next_u64());
        let response = server::response_of(&server::repeated(request, from.address), status, &tag);
        self.send_again(route, text::to_bytes(&response));
    }

    fn follow(&mut self, owner: Owner, route: Route, wants: Wants) {
        for letter in wants.cancel {
            self.timers.cancel(&(owner, letter));
        }
        for (letter, at) in wants.set {
            self.timers.set((owner, letter), at);
        }
        if let Some(bytes) = wants.send {
            self.send_again(route, bytes);
        }
    }

    fn forget_client(&mut self, id: ClientId) {
        if let Some(client) = self.clients.remove(&id)
            && let Some(key) = ClientKey::of(&client.request.header)
            && self.client_keys.get(&key) == Some(&id)
        {
            self.client_keys.remove(&key);
        }
        for letter in [Letter::A, Letter::B, Letter::D, Letter::E, Letter::F, Letter::K, Letter::M] {
            self.timers.cancel(&(Owner::Client(id), letter));
        }
    }

    fn forget_server(&mut self, id: ServerId) {
        if let Some(server) = self.servers.remove(&id) {
            self.server_keys.remove(&server.key);
            if let Some(merged) = server.merged {
                self.merged.remove(&merged);
            }
        }
        for letter in [Letter::G, Letter::H, Letter::I, Letter::J, Letter::L, Letter::Trying] {
            self.timers.cancel(&(Owner::Server(id), letter));
        }
    }
}

/// Where responses to a request go: back by its connection, or to what its `Via` says.
fn answer_route(message: &Message<'_>, from: Route) -> Route {
    if from.transport.is_reliable() {
        return from;
    }
    message.header.via().map_or(from, |via| from.to(via.answer_to(from.address)))
}
