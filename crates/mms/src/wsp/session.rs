//! Sessions of WSP over WTP (WAP-230 section 7.1), as far as pushes and requests within sessions need them: both roles in one
//! engine, in virtual time. A client connects; the server pushes, confirmed or not; either side ends the session.
//!
//! PDUs come out as octets, to be read with [`decode`]: what a peer sent is checked before it is told of.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use strowger_sansio::{Rng, Time, Transmit};

use super::header::Headers;
use super::pdu::{Capabilities, Connect, ConnectReply, Pdu, Push, Reply, Resume, decode};
use super::{ContentType, MediaType};
use crate::limits::Limits;
use crate::wtp::{AbortReason, Class, Event as Happened, Timing, Transaction, Wtp, WtpError, WtpLimits};

/// The version of WSP that is spoken: 1.0.
pub const VERSION: u8 = 0x10;

/// Reasons of WSP for which a transaction is aborted (WAP-230 table 38).
pub mod reason {
    /// A PDU breaks the rules.
    pub const PROTOERR: u8 = 0xe0;
    /// The session is disconnected.
    pub const DISCONNECT: u8 = 0xe1;
    /// The session is suspended.
    pub const SUSPEND: u8 = 0xe2;
    /// More requests are outstanding than were agreed.
    pub const MOREXCEED: u8 = 0xe6;
    /// The session could not be made.
    pub const CONNECTERR: u8 = 0xe7;
    /// The user refuses the push.
    pub const USERREJ: u8 = 0xe8;
    /// The user has no time for it.
    pub const USERRFS: u8 = 0xe9;
}

/// A session: the peer, and the number that the server gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId {
    /// The other side.
    pub peer: SocketAddr,
    /// The number.
    pub number: u32,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A session is there. To a server, `pdu` is the Connect of its client; to a client, the ConnectReply of its server.
    Connected {
        /// The session.
        session: SessionId,
        /// What the peer said.
        pdu: Vec<u8>,
    },
    /// The server names other addresses, or answers with an error: `pdu` is its Redirect or Reply. There is no session.
    NotConnected {
        /// The server.
        peer: SocketAddr,
        /// What it said; nothing when it said nothing.
        pdu: Vec<u8>,
    },
    /// A push has come. One that is to be confirmed has a transaction for [`Sessions::confirm`] or [`Sessions::reject`].
    Pushed {
        /// The server; the session is the one with it.
        peer: SocketAddr,
        /// The transaction of a push that is to be confirmed.
        confirm: Option<Transaction>,
        /// The PDU.
        pdu: Vec<u8>,
    },
    /// The client has confirmed a push.
    Confirmed {
        /// The transaction that [`Sessions::push`] gave.
        push: Transaction,
    },
    /// A push did not get through, or was refused.
    Failed {
        /// The transaction that [`Sessions::push`] gave.
        push: Transaction,
        /// Why.
        reason: AbortReason,
    },
    /// A client asks for something: to be answered by [`Sessions::reply`].
    Requested {
        /// The transaction.
        request: Transaction,
        /// The PDU: Get, Post or one of their kind.
        pdu: Vec<u8>,
    },
    /// A session was put aside, or taken up again.
    Suspended {
        /// The session.
        session: SessionId,
        /// Whether it was taken up again.
        resumed: bool,
    },
    /// A session has ended.
    Disconnected {
        /// The session.
        session: SessionId,
    },
}

/// Why a command was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionError {
    /// There is no such session, or it is put aside.
    NoSession,
    /// As many pushes are outstanding as were agreed.
    Outstanding,
    /// The transaction layer refuses.
    Transaction(WtpError),
}

impl std::fmt::Display for SessionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoSession => f.write_str("there is no such session, or it is put aside"),
            Self::Outstanding => f.write_str("as many pushes are outstanding as were agreed"),
            Self::Transaction(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SessionError {}

impl From<WtpError> for SessionError {
    fn from(error: WtpError) -> Self {
        Self::Transaction(error)
    }
}

/// Which side of its sessions an engine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It connects, and takes pushes.
    Client,
    /// It is connected to, and pushes.
    Server,
}

/// The number of a capability: pushes that may be outstanding (WSP table 37).
const PUSH_MOR: u8 = 4;

#[derive(Clone, Debug)]
struct Session {
    suspended: bool,
    /// Pushes that may be outstanding.
    most: usize,
    outstanding: usize,
}

/// What a transaction of ours is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Connect,
    Resume(SessionId),
    Push(SessionId),
}

/// The engine.
#[derive(Clone, Debug)]
pub struct Sessions {
    role: Role,
    wtp: Wtp,
    limits: Limits,
    most_sessions: usize,
    rng: Rng,
    sessions: BTreeMap<SessionId, Session>,
    purposes: BTreeMap<Transaction, Purpose>,
    events: VecDeque<Event>,
}

impl Sessions {
    /// An engine without sessions; it keeps at most as many as it may have transactions.
    #[must_use]
    pub fn new(role: Role, timing: Timing, limits: WtpLimits, mut rng: Rng) -> Self {
        let most_sessions = limits.transactions;
        let wtp = Wtp::new(timing, limits, &mut rng);
        Self {
            role,
            wtp,
            limits: Limits::DEFAULT,
            most_sessions,
            rng,
            sessions: BTreeMap::new(),
            purposes: BTreeMap::new(),
            events: VecDeque::new(),
        }
    }

    /// A client connects to a server.
    ///
    /// # Errors
    /// [`SessionError`] when the transaction layer has no room.
    pub fn connect(
        &mut self,
        now: Time,
        server: SocketAddr,
        capabilities: Capabilities<'_>,
        headers: Headers<'_>,
    ) -> Result<(), SessionError> {
        let pdu = octets(&Pdu::Connect(Connect { version: VERSION, capabilities, headers }));
        let transaction = self.wtp.invoke(now, server, Class::WithResult, false, pdu)?;
        self.purposes.insert(transaction, Purpose::Connect);
        Ok(())
    }

    /// A server pushes within a session. A push that is to be confirmed is told of by [`Event::Confirmed`] or
    /// [`Event::Failed`].
    ///
    /// # Errors
    /// [`SessionError`] when there is no such session, it is put aside, or too much is outstanding.
    pub fn push(
        &mut self,
        now: Time,
        session: SessionId,
        push: Push<'_>,
        confirmed: bool,
    ) -> Result<Transaction, SessionError> {
        let state = self.sessions.get_mut(&session).filter(|state| !state.suspended);
        let state = state.ok_or(SessionError::NoSession)?;
        if !confirmed {
            let pdu = octets(&Pdu::Push(push));
            return Ok(self.wtp.invoke(now, session.peer, Class::Unreliable, false, pdu)?);
        }
        if state.outstanding >= state.most {
            return Err(SessionError::Outstanding);
        }
        let pdu = octets(&Pdu::ConfirmedPush(push));
        let transaction = self.wtp.invoke(now, session.peer, Class::Reliable, true, pdu)?;
        state.outstanding += 1;
        self.purposes.insert(transaction, Purpose::Push(session));
        Ok(transaction)
    }

    /// A client confirms a push.
    ///
    /// # Errors
    /// [`SessionError`] when the push does not wait for that.
    pub fn confirm(&mut self, now: Time, push: Transaction) -> Result<(), SessionError> {
        Ok(self.wtp.confirm(now, push)?)
    }

    /// A client refuses a push, for a [`reason`].
    ///
    /// # Errors
    /// [`SessionError`] when the push does not wait for that.
    pub fn reject(&mut self, now: Time, push: Transaction, reason: u8) -> Result<(), SessionError> {
        Ok(self.wtp.abort(now, push, reason)?)
    }

    /// A server answers a request.
    ///
    /// # Errors
    /// [`SessionError`] when the request does not wait for that, or the answer is too long.
    pub fn reply(&mut self, now: Time, request: Transaction, reply: Reply<'_>) -> Result<(), SessionError> {
        Ok(self.wtp.respond(now, request, octets(&Pdu::Reply(reply)))?)
    }

    /// Puts a session aside: nothing is pushed until it is taken up again.
    ///
    /// # Errors
    /// [`SessionError`] when there is no such session.
    pub fn suspend(&mut self, now: Time, session: SessionId) -> Result<(), SessionError> {
        let state = self.sessions.get_mut(&session).ok_or(SessionError::NoSession)?;
        state.suspended = true;
        let pdu = octets(&Pdu::Suspend { session: session.number });
        self.wtp.invoke(now, session.peer, Class::Unreliable, false, pdu)?;
        Ok(())
    }

    /// A client takes a session up again.
    ///
    /// # Errors
    /// [`SessionError`] when there is no such session.
    pub fn resume(&mut self, now: Time, session: SessionId) -> Result<(), SessionError> {
        if !self.sessions.contains_key(&session) {
            return Err(SessionError::NoSession);
        }
        let resume =
            Resume { session: session.number, capabilities: Capabilities::NONE, headers: Headers::NONE };
        let pdu = octets(&Pdu::Resume(resume));
        let transaction = self.wtp.invoke(now, session.peer, Class::WithResult, false, pdu)?;
        self.purposes.insert(transaction, Purpose::Resume(session));
        Ok(())
    }

    /// Ends a session.
    ///
    /// # Errors
    /// [`SessionError`] when there is no such session.
    pub fn disconnect(&mut self, now: Time, session: SessionId) -> Result<(), SessionError> {
        self.sessions.remove(&session).ok_or(SessionError::NoSession)?;
        let pdu = octets(&Pdu::Disconnect { session: session.number });
        self.wtp.invoke(now, session.peer, Class::Unreliable, false, pdu)?;
        Ok(())
    }

    /// Takes a datagram.
    pub fn handle_input(&mut self, now: Time, from: SocketAddr, datagram: &[u8]) {
        self.wtp.handle_input(now, from, datagram);
        self.drain(now);
    }

    /// Lets the transactions do what is due.
    pub fn handle_timeout(&mut self, now: Time) {
        self.wtp.handle_timeout(now);
        self.drain(now);
    }

    fn drain(&mut self, now: Time) {
        while let Some(event) = self.wtp.poll_event() {
            match event {
                Happened::Invoked { transaction, class, user_ack, data } => {
                    self.invoked(now, transaction, class, user_ack, data);
                }
                Happened::Result { transaction, data } => self.result(transaction, data),
                Happened::Delivered { transaction } => {
                    if let Some(Purpose::Push(session)) = self.purposes.remove(&transaction) {
                        self.settled(session);
                        self.events.push_back(Event::Confirmed { push: transaction });
                    }
                }
                Happened::Aborted { transaction, reason } => self.aborted(transaction, reason),
            }
        }
    }

    fn settled(&mut self, session: SessionId) {
        if let Some(state) = self.sessions.get_mut(&session) {
            state.outstanding = state.outstanding.saturating_sub(1);
        }
    }

    fn aborted(&mut self, transaction: Transaction, reason: AbortReason) {
        match self.purposes.remove(&transaction) {
            Some(Purpose::Push(session)) => {
                self.settled(session);
                // A client that says so has no session any more.
                if reason == AbortReason::User(reason::DISCONNECT) && self.sessions.remove(&session).is_some()
                {
                    self.events.push_back(Event::Disconnected { session });
                }
                self.events.push_back(Event::Failed { push: transaction, reason });
            }
            Some(Purpose::Connect) => {
                self.events.push_back(Event::NotConnected { peer: transaction.peer, pdu: Vec::new() });
            }
            Some(Purpose::Resume(session)) => {
                self.sessions.remove(&session);
                self.events.push_back(Event::Disconnected { session });
            }
            None => {}
        }
    }

    /// The peer begins a transaction: what it holds decides. What does not belong to this role is refused.
    fn invoked(&mut self, now: Time, transaction: Transaction, class: Class, user_ack: bool, data: Vec<u8>) {
        let peer = transaction.peer;
        let limits = self.limits.clone();
        let refusal = match (decode(&data, &limits), self.role) {
            (Ok(Pdu::Connect(connect)), Role::Server) if class == Class::WithResult => {
                return self.accept(now, transaction, connect.capabilities, &data);
            }
            (Ok(Pdu::Resume(resume)), Role::Server) if class == Class::WithResult => {
                return self.taken_up(now, transaction, resume.session);
            }
            (Ok(Pdu::Disconnect { session }), _) => {
                let session = SessionId { peer, number: session };
                if self.sessions.remove(&session).is_some() {
                    self.events.push_back(Event::Disconnected { session });
                }
                return;
            }
            (Ok(Pdu::Suspend { session }), _) => {
                let session = SessionId { peer, number: session };
                if let Some(state) = self.sessions.get_mut(&session)
                    && !state.suspended
                {
                    state.suspended = true;
                    self.events.push_back(Event::Suspended { session, resumed: false });
                }
                return;
            }
            (Ok(_), _) if !self.sessions.keys().any(|session| session.peer == peer) => reason::DISCONNECT,
            (Ok(Pdu::Push(_)), Role::Client) if class == Class::Unreliable => {
                self.events.push_back(Event::Pushed { peer, confirm: None, pdu: data });
                return;
            }
            (Ok(Pdu::ConfirmedPush(_)), Role::Client) if class == Class::Reliable => {
                let confirm = user_ack.then_some(transaction);
                self.events.push_back(Event::Pushed { peer, confirm, pdu: data });
                return;
            }
            (Ok(Pdu::Get(_) | Pdu::Post(_)), Role::Server) if class == Class::WithResult => {
                self.events.push_back(Event::Requested { request: transaction, pdu: data });
                return;
            }
            _ => reason::PROTOERR,
        };
        // What nobody waits for cannot be aborted.
        let _ = self.wtp.abort(now, transaction, refusal);
    }

    fn accept(&mut self, now: Time, transaction: Transaction, capabilities: Capabilities<'_>, data: &[u8]) {
        let peer = transaction.peer;
        if self.sessions.len() >= self.most_sessions {
            let _ = self.wtp.abort(now, transaction, reason::CONNECTERR);
            return;
        }
        // A client that connects again has lost its session (WSP 7.1.2).
        let old: Vec<_> = self.sessions.keys().filter(|session| session.peer == peer).copied().collect();
        for session in old {
            self.sessions.remove(&session);
            self.events.push_back(Event::Disconnected { session });
        }
        let session = SessionId { peer, number: self.rng.next_u32() >> 4 };
        let headers = Headers::NONE;
        let reply = Pdu::ConnectReply(ConnectReply { session: session.number, capabilities, headers });
        if self.wtp.respond(now, transaction, octets(&reply)).is_ok() {
            self.sessions.insert(session, agreed(capabilities));
            self.events.push_back(Event::Connected { session, pdu: data.to_vec() });
        }
    }

    fn taken_up(&mut self, now: Time, transaction: Transaction, number: u32) {
        let session = SessionId { peer: transaction.peer, number };
        let Some(state) = self.sessions.get_mut(&session) else {
            let _ = self.wtp.abort(now, transaction, reason::DISCONNECT);
            return;
        };
        state.suspended = false;
        let content_type = ContentType::new(MediaType::Number(0));
        let reply = Pdu::Reply(Reply { status: 0x20, content_type, headers: Headers::NONE, data: &[] });
        let _ = self.wtp.respond(now, transaction, octets(&reply));
        self.events.push_back(Event::Suspended { session, resumed: true });
    }

    /// The result of a transaction of ours.
    fn result(&mut self, transaction: Transaction, data: Vec<u8>) {
        let peer = transaction.peer;
        match (self.purposes.remove(&transaction), decode(&data, &self.limits)) {
            (Some(Purpose::Connect), Ok(Pdu::ConnectReply(reply))) => {
                let session = SessionId { peer, number: reply.session };
                self.sessions.insert(session, agreed(reply.capabilities));
                self.events.push_back(Event::Connected { session, pdu: data });
            }
            (Some(Purpose::Connect), _) => self.events.push_back(Event::NotConnected { peer, pdu: data }),
            (Some(Purpose::Resume(session)), Ok(Pdu::Reply(reply))) if reply.status == 0x20 => {
                if let Some(state) = self.sessions.get_mut(&session) {
                    state.suspended = false;
                    self.events.push_back(Event::Suspended { session, resumed: true });
                }
            }
            (Some(Purpose::Resume(session)), _) => {
                self.sessions.remove(&session);
                self.events.push_back(Event::Disconnected { session });
            }
            (Some(Purpose::Push(_)) | None, _) => {}
        }
    }

    /// The next datagram to be sent.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.wtp.poll_transmit()
    }

    /// What happened next.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When something is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.wtp.poll_timeout()
    }

    /// The sessions that there are.
    pub fn sessions(&self) -> impl Iterator<Item = SessionId> + '_ {
        self.sessions.keys().copied()
    }
}

fn octets(pdu: &Pdu<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    pdu.write(&mut out);
    out
}

/// What two sides agree on: pushes outstanding, one unless the client says more.
fn agreed(capabilities: Capabilities<'_>) -> Session {
    let most =
        capabilities.iter().find(|capability| capability.number == Some(PUSH_MOR)).and_then(|capability| {
            match capability.parameters {
                [most] => Some(usize::from(*most)),
                _ => None,
            }
        });
    Session { suspended: false, most: most.unwrap_or(1), outstanding: 0 }
}
