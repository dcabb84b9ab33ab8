//! Telephones that register here: where they are is told by the registrar, who they are by their credentials (RFC 3261
//! sections 10.3 and 22).
//!
//! Their addresses are not known beforehand, so that anybody may be one. Whoever is no peer is let in with a response, an ACK, a
//! repetition, a CANCEL of something, and a request within a dialog, whose tags nobody guesses; any other request is challenged,
//! without anything being kept of it, as often as its source may be, and with no more than three times what it sent.

use std::collections::BTreeSet;

use strowger_sansio::Time;

use super::session::Phase;
use super::{Event, Invitation, InviteFault, OUTBOUND, PeerId, SUPPORTED, SessionId, Timer, UserAgent};
use crate::message::{Message, Method, Name, Status, Uri, date};
use crate::registrar::{Binding, Change, Registrar, Verdict};
use crate::text;
use crate::transaction::ServerId;
use crate::transport::Route;

/// How much longer than a request its challenge may be. Who sends in somebody else's name must not multiply by us what he sends; 3 is
/// what RFC 9000 section 8 allows towards an address that is not validated.
const AMPLIFICATION: usize = 3;

/// A registrar, and which peers its users are.
#[derive(Debug)]
pub(super) struct Phones {
    registrar: Registrar,
    /// By user, in rising order.
    peers: Vec<PeerId>,
}

impl Phones {
    pub(super) fn new(now: Time, config: &super::AgentConfig, rng: strowger_sansio::Rng) -> Option<Self> {
        let registrar = config.registrar.clone()?;
        let all = config.peers.iter().zip(0..);
        let (users, peers) = all.filter_map(|(peer, id)| Some((peer.phone.clone()?, PeerId(id)))).unzip();
        Some(Self { registrar: Registrar::new(now, registrar, users, rng), peers })
    }

    /// Whether a telephone has registered from there.
    pub(super) fn is_there(&self, now: Time, from: Route) -> bool {
        self.registrar.user_at(now, from).is_some()
    }

    /// The telephone that has registered from there.
    pub(super) fn at(&self, now: Time, from: Route) -> Option<PeerId> {
        self.registrar.user_at(now, from).and_then(|user| self.peers.get(user).copied())
    }

    fn user(&self, peer: PeerId) -> Option<usize> {
        self.peers.binary_search(&peer).ok()
    }
}

impl UserAgent {
    /// Takes a message from somewhere where a telephone may be. None when it is for the listed peer that is there, too; else
    /// whether it was let in, or answered.
    pub(super) fn phone_input(&mut self, now: Time, from: Route, bytes: &[u8]) -> Option<bool> {
        let phones = self.phones.as_ref()?;
        let peer = self.peer_of(from);
        let is_phone = || phones.registrar.user_at(now, from).is_some();
        if peer.is_some() && !bytes.starts_with(b"REGISTER ") && !is_phone() {
            return None;
        }
        if text::is_keep_alive(bytes) {
            return Some(is_phone());
        }
        let limits = self.config.limits.clone();
        let checked = text::decode(bytes, &limits).and_then(|message| {
            text::check(&message, &limits)?;
            Ok(message)
        });
        let message = match checked {
            Ok(message) => message,
            Err(_) if peer.is_some() => return None,
            Err(error) => {
                let Some(phone) = phones.at(now, from) else {
                    // No answer: its sender has not shown that it is there.
                    self.counters.malformed += 1;
                    return Some(false);
                };
                self.malformed(phone, from, bytes, error);
                self.settle(now);
                return Some(true);
            }
        };
        Some(self.admit(now, from, message, bytes.len()))
    }

    fn admit(&mut self, now: Time, from: Route, message: Message<'_>, length: usize) -> bool {
        let own = match message.method() {
            None | Some(Method::Ack) => true,
            Some(Method::Cancel) => {
                if !self.transactions.knows(&message) {
                    self.counters.unlisted += 1;
                    return false;
                }
                true
            }
            Some(_) => {
                self.transactions.knows(&message)
                    || self.session_of(&message).is_some()
                    || self.usage_of(&message).is_some()
            }
        };
        if !own {
            let Some(phones) = &mut self.phones else { return false };
            match phones.registrar.judge(now, from, &message) {
                Verdict::Proven(user) => self.author = phones.peers.get(user).copied(),
                Verdict::Challenged(values) => {
                    let tag = phones.registrar.tag(&message);
                    let fields = values.into_iter().map(|value| (Name::WwwAuthenticate, value)).collect();
                    let status = (Status::UNAUTHORIZED, tag.as_str());
                    let most = length.saturating_mul(AMPLIFICATION);
                    return self.transactions.answer_stateless(from, &message, status, fields, most);
                }
                Verdict::Ignored => {
                    self.counters.unlisted += 1;
                    return false;
                }
            }
        }
        self.transactions.handle_input(now, from, message);
        self.settle(now);
        self.author = None;
        true
    }

    /// A REGISTER whose sender has proven who it is.
    pub(super) fn register_phone(
        &mut self,
        now: Time,
        server: ServerId,
        (peer, from): (PeerId, Route),
        request: &Message<'_>,
    ) {
        let Some(phones) = &mut self.phones else { return };
        let Some(user) = phones.user(peer) else {
            self.transactions.respond_with(now, server, Status::FORBIDDEN);
            return;
        };
        let reply = phones.registrar.register(now, user, from, request);
        let is_elsewhere = reply.change == Change::Moved;
        match reply.change {
            Change::Nothing => {}
            Change::Refreshed => self.events.push_back(Event::Refreshed { peer }),
            Change::Moved => self.events.push_back(Event::Moved { peer }),
        }
        self.set_expiry();
        if let Some(mut response) = self.transactions.make_response(server, reply.status) {
            for (name, value) in reply.fields {
                response.header.push(name, value);
            }
            // A telephone may set its clock by it (section 10.2.8).
            if let Some((then, unix)) = self.wall.filter(|_| reply.status.is_success()) {
                response.header.push(Name::Date, date(unix.saturating_add(now.since(then))));
            }
            self.introduce(&mut response);
            response.header.set(&Name::Supported, format!("{}, {OUTBOUND}", SUPPORTED.join(", ")));
            self.transactions.respond(now, server, &response);
        }
        if is_elsewhere {
            self.sessions_follow(now, peer);
            self.tell_contacts(now, peer);
        }
    }

    fn set_expiry(&mut self) {
        match self.phones.as_ref().and_then(|phones| phones.registrar.poll_timeout()) {
            Some(at) => self.timers.set(Timer::Bindings, at),
            None => {
                self.timers.cancel(&Timer::Bindings);
            }
        }
    }

    /// A connection has ended by which telephones had registered: they are not there any more.
    pub(super) fn phones_disconnected(&mut self, now: Time, from: Route) {
        self.summaries.disconnected(from);
        let Some(phones) = &mut self.phones else { return };
        let users = phones.registrar.disconnected(from);
        let peers: Vec<PeerId> = users.iter().filter_map(|user| phones.peers.get(*user).copied()).collect();
        self.events.extend(peers.into_iter().map(|peer| Event::Moved { peer }));
        let mut adrift = BTreeSet::new();
        for session in self.sessions.values_mut().filter(|session| session.route == from) {
            if phones.peers.binary_search(&session.peer).is_ok() {
                session.adrift = true;
                adrift.insert(session.peer);
            }
        }
        self.set_expiry();
        for peer in adrift {
            self.sessions_follow(now, peer);
        }
    }

    /// Sessions go where the contact of their telephone is registered: it may have come back by another connection, or from behind
    /// another port of its NAT.
    fn sessions_follow(&mut self, now: Time, peer: PeerId) {
        let bindings: Vec<Binding> = self.bindings(now, peer).into_iter().cloned().collect();
        self.summaries_follow(now, peer, &bindings);
        let mut found = Vec::new();
        for (id, session) in self.sessions.iter_mut().filter(|(_, session)| session.peer == peer) {
            let target = session.dialog.as_ref().and_then(|dialog| dialog.target.as_sip());
            let at = target.and_then(|target| bindings.iter().find(|binding| binding.leads_to(target)));
            if let Some(binding) = at.filter(|at| at.route != session.route)
                && session.go_by(binding.route)
            {
                found.push(*id);
            }
        }
        for id in found {
            self.resume(now, id);
        }
    }

    /// What this side has said, an offer or BYE, was lost with the connection of its telephone: it is said again when that has come back. Says whether it is so.
    pub(super) fn waits_for_telephone(&mut self, now: Time, id: SessionId) -> bool {
        let Some(session) = self.sessions.get_mut(&id).filter(|session| session.adrift) else { return false };
        if session.phase != Phase::Ending {
            session.client = None;
            session.media.withdraw();
        }
        if session.wanted.is_some() || session.phase == Phase::Ending {
            self.timers.set(Timer::Resume(id), now + self.patience());
        }
        true
    }

    /// A request of a telephone's within a session has come by another connection than before: it has no other by now. Says whether
    /// it was awaited.
    pub(super) fn phone_speaks_by(&mut self, id: SessionId, from: Route) -> bool {
        let phone = |peer| self.peer(peer).is_some_and(|peer| peer.phone.is_some());
        let is_other = self.sessions.get(&id).is_some_and(|session| {
            from.transport.is_reliable() && session.route != from && phone(session.peer)
        });
        self.sessions.get_mut(&id).filter(|_| is_other).is_some_and(|session| session.go_by(from))
    }

    /// Bindings have come to their end.
    pub(super) fn bindings_due(&mut self, now: Time) {
        if let Some(phones) = &mut self.phones {
            for user in phones.registrar.expire(now) {
                let peer = phones.peers.get(user).copied();
                self.events.extend(peer.map(|peer| Event::Moved { peer }));
            }
        }
        self.set_expiry();
    }

    /// Where a telephone is: what it prefers comes first.
    #[must_use]
    pub fn bindings(&self, now: Time, peer: PeerId) -> Vec<&Binding> {
        let phones = self.phones.as_ref().and_then(|phones| Some((phones, phones.user(peer)?)));
        phones.map(|(phones, user)| phones.registrar.bindings(now, user)).unwrap_or_default()
    }

    /// Puts a binding back that a telephone had before a restart.
    pub fn restore_binding(&mut self, now: Time, peer: PeerId, binding: Binding) {
        if let Some(phones) = &mut self.phones
            && let Some(user) = phones.user(peer)
        {
            phones.registrar.restore(now, user, binding);
        }
        self.set_expiry();
    }

    /// Calls a telephone at one of its contacts, as [`Self::invite`] calls a peer. Each contact is a session of its own.
    ///
    /// # Errors
    /// It is not there, or as for [`Self::invite`].
    pub fn invite_contact(
        &mut self,
        now: Time,
        invitation: &Invitation,
        contact: &str,
    ) -> Result<SessionId, InviteFault> {
        let bindings = self.bindings(now, invitation.peer);
        // Of several flows the one that was made or refreshed last (RFC 5626 section 7).
        let own = bindings.into_iter().filter(|binding| binding.contact == contact);
        let binding = own.max_by_key(|binding| binding.expires);
        let (route, uri) = binding
            .and_then(|binding| Some((binding.route, Uri::parse(&binding.contact)?.into_owned())))
            .ok_or(InviteFault::Unreachable)?;
        let session = self.start_call_to(now, invitation, Some((route, uri)))?;
        self.settle(now);
        Ok(session)
    }
}
