//! What becomes of sessions when connections end, and of messages that nobody takes (RFC 3261 sections 8.1.3.1, 18.2.2 and 18.4).

use strowger_sansio::Time;

use super::{Event, Peer, PeerId, Purpose, SessionId, UserAgent};
use crate::error::DecodeError;
use crate::message::Status;
use crate::text;
use crate::transaction::{ClientId, Stream};
use crate::transport::{Route, Transport};

impl UserAgent {
    /// What a stream brought that cannot be cut into messages, of a sender who is listed or has registered by it: a request is refused. The host closes the
    /// connection behind the answer.
    pub fn handle_unframed(&mut self, now: Time, from: Route, bytes: &[u8], error: DecodeError) {
        let phone = || self.phones.as_ref().and_then(|phones| phones.at(now, from));
        if let Some(peer) = self.peer_of(from).or_else(phone) {
            self.malformed(peer, from, bytes, error);
            self.settle(now);
        }
    }

    /// A connection has ended. One that this side made is made again when it is needed. What goes on by one that the peer made goes to
    /// the peer's contact from here on. `unsent`: messages that have not gone by it.
    pub fn handle_disconnected(&mut self, now: Time, from: Route, unsent: &[Vec<u8>]) {
        let stranded = self.transactions.handle_disconnected(from);
        let ids = (0..).map(PeerId).zip(&self.config.peers);
        let at: Vec<(PeerId, bool)> =
            ids.filter(|(_, peer)| is_at(peer, from)).map(|(id, peer)| (id, peer.registers)).collect();
        let is_peers = !at.is_empty();
        for (id, _) in at.iter().filter(|(_, registers)| *registers) {
            self.register_again(now, *id);
        }
        let moved: Vec<(SessionId, Option<Route>)> = self
            .sessions
            .iter()
            .filter(|(_, session)| !is_peers && session.route == from)
            .map(|(id, session)| {
                let target = session.dialog.as_ref().map(|dialog| &dialog.target);
                let contact = target.and_then(|target| self.address_of(target, from));
                let home = || self.placed(session.peer).and_then(|peer| self.way(&peer));
                (*id, contact.or_else(home))
            })
            .collect();
        for (id, to) in &moved {
            if let (Some(session), Some(to)) = (self.sessions.get_mut(id), *to) {
                session.go_by(to);
            }
        }
        self.phones_disconnected(now, from);
        for client in stranded {
            let to = if is_peers { Some(from) } else { self.session_route(client) };
            self.transactions.move_to(client, to.filter(|to| is_peers || *to != from));
        }
        // Requests go again as their transactions have moved; what answers others goes to where these are expected.
        for bytes in unsent.iter().filter(|bytes| bytes.starts_with(b"SIP/")) {
            self.transactions.handle_unsent(now, from, bytes);
        }
        self.settle(now);
    }

    /// Whether a peer is at the other end of a way, and not only somewhere at its host.
    pub(super) fn is_place(&self, route: Route) -> bool {
        self.config.peers.iter().any(|peer| is_at(peer, route))
    }

    /// A message could not be sent to there.
    pub fn handle_unsent(&mut self, now: Time, to: Route, bytes: &[u8]) {
        // Nobody takes a connection where a telephone's began.
        self.phones_disconnected(now, to);
        if bytes.starts_with(b"ACK ") {
            let acks = self.acks.values_mut();
            let sent =
                acks.map(|ack| &mut ack.sent).find_map(|sent| sent.by_datagram(to, bytes).then_some(sent));
            if let Some(sent) = sent.map(|sent| sent.clone()) {
                self.transactions.send_again(sent.route, sent.bytes);
            }
        }
        self.transactions.handle_unsent(now, to, bytes);
        self.settle(now);
    }

    /// The network says that nobody was there for a datagram, of which it quotes the beginning: what it was for has failed, as by 503, if
    /// that can be believed.
    pub fn handle_undelivered(&mut self, now: Time, to: Route, quoted: &[u8]) {
        self.transactions.handle_undelivered(now, to, quoted);
        self.settle(now);
    }

    /// The way of the session that a request belongs to.
    fn session_route(&self, client: ClientId) -> Option<Route> {
        match self.by_client.get(&client)? {
            Purpose::Invite(id)
            | Purpose::Reinvite(id)
            | Purpose::Bye(id)
            | Purpose::Prack(id)
            | Purpose::Notify(id)
            | Purpose::Info(id)
            | Purpose::Refer(id) => self.sessions.get(id).map(|session| session.route),
            Purpose::Notice | Purpose::Probe(..) | Purpose::Register(..) | Purpose::Summary(_) => None,
        }
    }

    /// A request had no answer: none came in time, which is as if the peer had said 408, or it could not be sent, which is as 503 (RFC 3261
    /// section 8.1.3.1).
    pub(super) fn given_up(&mut self, now: Time, client: ClientId, status: Status) {
        match self.by_client.remove(&client) {
            Some(Purpose::Invite(session)) => self.call_failed(now, session, status, None),
            Some(Purpose::Reinvite(session) | Purpose::Bye(session))
                if self.waits_for_telephone(now, session) => {}
            Some(Purpose::Reinvite(session)) => {
                // The peer has lost the dialog, or is gone (RFC 3261 section 12.2.1.2).
                self.ended(session, crate::cause::cause_of_status(status), None);
                self.hang_up(now, session, 102);
            }
            Some(Purpose::Bye(session)) => self.close(now, session),
            Some(Purpose::Probe(peer, place)) => self.probe_failed(now, peer, place),
            Some(Purpose::Register(peer, place)) => self.not_registered_there(now, (peer, place), None),
            Some(Purpose::Refer(session)) => self.refer_answered(now, session, status, None),
            Some(Purpose::Notify(session)) => self.notified(now, session, None),
            Some(Purpose::Summary(id)) => self.summary_answered(now, id, None),
            Some(Purpose::Info(session)) => self.key_told(now, session, status, None),
            Some(Purpose::Prack(_) | Purpose::Notice) | None => {}
        }
    }

    pub(super) fn malformed(&mut self, peer: PeerId, from: Route, bytes: &[u8], error: DecodeError) {
        self.counters.malformed += 1;
        self.events.push_back(Event::Malformed { peer, error });
        if let Some((to, answer)) = text::refuse(bytes, &error, from.address) {
            let to = if from.transport.is_reliable() { from } else { from.to(to) };
            self.transactions.send_again(to, answer);
        }
    }

    /// What carries requests that are too large for datagrams.
    pub(super) fn stream_of(config: &super::AgentConfig) -> Option<Stream> {
        let local = config.local(Transport::Tcp)?;
        Some(Stream { socket: local.socket, sent_by: local.address.to_string() })
    }
}

fn is_at(peer: &Peer, route: Route) -> bool {
    let places = peer.destinations.iter().map(|place| place.address);
    places.chain([peer.address]).any(|address| address == route.address)
}
