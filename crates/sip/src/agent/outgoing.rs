//! Calls of this side: INVITE, its provisional and final responses, forks, and taking it back (RFC 3261 sections 9.1 and 13.2).

use strowger_sansio::Time;
use strowger_sdp::Direction;

use super::credentials::{self, Proof, Tried};
use super::history;
use super::session::{Early, Phase, Session, SessionTimer};
use super::{Acknowledgement, Event, Invitation, InviteFault, Purpose, SessionId, Timer, UserAgent};
use crate::cause::cause_of_status;
use crate::dialog::Dialog;
use crate::message::{Message, Method, Name, RAck, Refresher, SessionExpires, StartLine, Status, Uri};
use crate::offer::Negotiation;
use crate::transaction::ClientId;
use crate::transport::Route;

/// How many forks of one call are followed: more than a user has telephones.
const FORKS: usize = 16;

/// How often one request is sent again with credentials, or with a longer session interval.
pub(super) const ATTEMPTS: u8 = 3;

impl UserAgent {
    pub(super) fn start_call(
        &mut self,
        now: Time,
        invitation: &Invitation,
    ) -> Result<SessionId, InviteFault> {
        self.start_call_to(now, invitation, None)
    }

    /// Calls a peer where it is, or at a contact of its.
    pub(super) fn start_call_to(
        &mut self,
        now: Time,
        invitation: &Invitation,
        contact: Option<(Route, Uri<'static>)>,
    ) -> Result<SessionId, InviteFault> {
        if self.sessions.len() >= self.config.sessions {
            return Err(InviteFault::TooMany);
        }
        let known = self.peer(invitation.peer).ok_or(InviteFault::Unreachable)?;
        let placed = if known.phone.is_some() { Some(known.clone()) } else { self.placed(invitation.peer) };
        let mut peer = placed.ok_or(InviteFault::Unreachable)?;
        let here = peer.phone.is_none().then(|| self.way(&peer)).flatten();
        let route = contact.as_ref().map(|(route, _)| *route).or(here).ok_or(InviteFault::Unreachable)?;
        // A telephone is reached by what it has registered with.
        peer.transport = route.transport;
        let by_info = self.takes_keys_by_info(invitation.peer);
        let mut media = Negotiation::new(self.rng.next_u64()).without_events(by_info);
        let offer = media.offer(&invitation.offer, Direction::SendRecv).map_err(InviteFault::Description)?;
        let mut request = self.make_invite(&peer, &invitation.called, &invitation.caller);
        if let (Some((_, contact)), StartLine::Request { uri, .. }) = (contact, &mut request.start) {
            *uri = contact;
        }
        if here.is_some() {
            for route in self.service_route(invitation.peer).to_vec() {
                request.header.push(Name::Route, route);
            }
        }
        let local = self.local_host(&peer);
        let told = (invitation.history.as_deref(), invitation.diversions.as_slice());
        history::tell(&mut request, told, (&invitation.called, &local), peer.trust);
        if let Some(ring) = invitation.ring {
            // Nobody fetches it (RFC 3261 section 20.4): telephones know the patterns by these names.
            request.header.push(Name::AlertInfo, format!("<http://{local}/Bellcore-dr{ring}>"));
        }
        self.ask_for_timer(&mut request, self.config.session_expires);
        let request = request.with_body("application/sdp", offer);
        let id = self.next();
        let mut session = Session::new(invitation.peer, route, Phase::Calling, media);
        session.secure = peer.secure;
        self.sessions.insert(id, session);
        self.counters.outgoing += 1;
        self.send_invite(now, id, request);
        Ok(id)
    }

    /// Sends the first INVITE of a session, or sends it again with something that was wanted of it.
    pub(super) fn send_invite(&mut self, now: Time, id: SessionId, mut request: Message<'static>) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let (route, peer) = (session.route, session.peer);
        session.invite = Some(Box::new(request.clone()));
        self.authorize_at_once(peer, &mut request);
        let proof = credentials::proof(&request);
        let tag = request.header.from().and_then(|from| from.tag().map(str::to_owned));
        if let (Some(call_id), Some(tag)) = (request.header.call_id(), tag) {
            let key = (call_id.to_owned(), tag);
            if let Some(session) = self.sessions.get_mut(&id) {
                (session.key, session.proof) = (Some(key.clone()), proof);
            }
            self.by_dialog.insert(key, id);
        }
        let sent_by = self.sent_by(route.transport);
        let to =
            if request.header.get(&Name::Route).is_some() { self.next_hop(route, &request) } else { route };
        let client = self.transactions.request(now, to, &sent_by, request);
        self.by_client.insert(client, Purpose::Invite(id));
        if let Some(session) = self.sessions.get_mut(&id) {
            session.client = Some(client);
        }
    }

    pub(super) fn invite_response(
        &mut self,
        now: Time,
        id: SessionId,
        client: ClientId,
        status: Status,
        response: &Message<'static>,
    ) {
        let Some(session) = self.sessions.get_mut(&id) else {
            // Somebody else took the call that is over.
            if status.is_success() {
                self.decline_fork(now, client, response);
            }
            return;
        };
        if status.is_success() && session.dialog.is_some() {
            return self.decline_fork(now, client, response);
        }
        if session.client != Some(client) {
            return;
        }
        if status.is_provisional() {
            return self.provisional(now, id, status, response);
        }
        self.timers.cancel(&Timer::Cancelled(id));
        if status.is_success() {
            return self.taken(now, id, client, response);
        }
        self.by_client.remove(&client);
        if !self.try_again(now, id, status, response) {
            self.call_failed(now, id, status, Some(response));
        }
    }

    /// The call is refused, or nobody has answered. It is made again where that may be the place's fault alone (RFC 3263 section 4.3),
    /// and where the peer has sent it.
    pub(super) fn call_failed(
        &mut self,
        now: Time,
        id: SessionId,
        status: Status,
        response: Option<&Message<'static>>,
    ) {
        let of_place = response.is_none() || status == Status::SERVICE_UNAVAILABLE;
        if of_place && self.call_elsewhere(now, id, response) {
            return;
        }
        let peer = self.sessions.get(&id).map(|session| session.peer);
        if let (Some(peer), Some(response), Status::SERVICE_UNAVAILABLE) = (peer, response, status)
            && self.places(peer).len() < 2
        {
            self.overloaded(now, peer, response);
        }
        if !self.follow(now, id, status, response) {
            let cause = response.and_then(|response| response.header.cause());
            self.invite_failed(now, id, status, cause);
        }
    }

    /// The call is refused, or nobody has answered.
    pub(super) fn invite_failed(&mut self, now: Time, id: SessionId, status: Status, cause: Option<u8>) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.client = None;
        }
        self.ended(id, cause.unwrap_or_else(|| cause_of_status(status)), Some(status));
        self.close(now, id);
    }

    fn provisional(&mut self, now: Time, id: SessionId, status: Status, response: &Message<'static>) {
        let (peer_address, policy) = self.media_rule(id);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if session.phase == Phase::Calling {
            session.phase = Phase::Early;
            if let Some(cause) = session.ending {
                return self.cancel(now, id, cause);
            }
        }
        if session.phase != Phase::Early || status == Status::TRYING {
            return;
        }
        let mut reliable = None;
        if let Some(dialog) = Dialog::of_response(response) {
            let known =
                session.early.iter_mut().position(|early| early.dialog.remote_tag == dialog.remote_tag);
            let place = match known {
                Some(place) => place,
                None if session.early.len() < FORKS => {
                    session.early.push(Early { dialog, rseq: None });
                    session.early.len() - 1
                }
                None => return,
            };
            if response.header.lists(&Name::Require, "100rel")
                && let Some(rseq) = response.header.number(&Name::RSeq)
                && let Some(early) = session.early.get_mut(place)
            {
                // One that came before, or before its turn, is not acknowledged (RFC 3262 section 4).
                if early.rseq.is_some_and(|last| rseq != last.wrapping_add(1)) {
                    return;
                }
                early.rseq = Some(rseq);
                reliable = Some((place, rseq));
            }
        }
        let description = response.session_description().and_then(|description| {
            session.media.preview(description, (peer_address, &policy), reliable.is_some()).ok().flatten()
        });
        if let Some((place, rseq)) = reliable {
            self.acknowledge_provisional(now, id, place, rseq, response);
        }
        self.events.push_back(Event::Progress { session: id, status, description });
    }

    fn acknowledge_provisional(
        &mut self,
        now: Time,
        id: SessionId,
        place: usize,
        rseq: u32,
        response: &Message<'_>,
    ) {
        let Some(cseq) = response.header.cseq() else { return };
        let Some(early) = self.sessions.get_mut(&id).and_then(|session| session.early.get_mut(place)) else {
            return;
        };
        let mut prack = early.dialog.request(Method::Prack);
        prack.header.push(Name::RAck, RAck { response: rseq, request: cseq }.to_string());
        self.say(now, id, prack, Purpose::Prack(id));
    }

    /// A 2xx to this side's INVITE.
    fn taken(&mut self, now: Time, id: SessionId, client: ClientId, response: &Message<'static>) {
        let (peer_address, policy) = self.media_rule(id);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(mut dialog) = Dialog::of_response(response) else {
            // Nothing can be sent to who has answered like this.
            return self.invite_failed(now, id, Status::BAD_GATEWAY, Some(111));
        };
        // Requests that were sent within the early dialog have raised its number.
        if let Some(early) = session.early.iter().find(|early| early.dialog.remote_tag == dialog.remote_tag) {
            dialog.local_seq = dialog.local_seq.max(early.dialog.local_seq);
            dialog.remote_seq = early.dialog.remote_seq;
        }
        session.early.clear();
        (session.invite, session.client, session.redirection) = (None, None, None);
        session.forget_attempts();
        let proof = std::mem::take(&mut session.proof);
        let (dialog, route, ending) = (session.dialog.insert(dialog).clone(), session.route, session.ending);
        session.phase = Phase::Confirmed;
        let agreed = session.media.concluded(response.session_description(), (peer_address, &policy));
        session.knows_timer = true;
        let timer = response.header.get(&Name::SessionExpires).and_then(SessionExpires::parse);
        session.timer = timer.map(|agreed| {
            SessionTimer::of(agreed.interval, agreed.refresher.unwrap_or(Refresher::Uac), true)
        });
        self.acknowledge(now, client, (&dialog, route), proof, response);
        self.set_session_timer(now, id);
        match (ending, agreed) {
            (Some(cause), _) => self.hang_up(now, id, cause),
            (None, Ok(description)) => self.events.push_back(Event::Answered { session: id, description }),
            (None, Err(_)) => {
                self.ended(id, 65, None);
                self.hang_up(now, id, 65);
            }
        }
    }

    /// Sends the ACK of a 2xx, and keeps it for when that comes again.
    pub(super) fn acknowledge(
        &mut self,
        now: Time,
        client: ClientId,
        (dialog, route): (&Dialog, Route),
        proof: Proof,
        response: &Message<'_>,
    ) {
        let number = response.header.cseq().map(|cseq| cseq.number).unwrap_or_default();
        let mut ack = dialog.request_numbered(Method::Ack, number);
        for (name, value) in proof {
            ack.header.push(name, value);
        }
        let to = self.next_hop(route, &ack);
        let sent_by = self.sent_by(to.transport);
        let sent = self.transactions.send(to, &sent_by, ack);
        self.acks.insert(client, Acknowledgement { tag: dialog.remote_tag.clone(), sent });
        self.timers.set(Timer::Ack(client), now + self.config.timing.timeout());
    }

    /// Another fork has answered than the one that has the call: it is told at once that it is over (section 13.2.2.4).
    fn decline_fork(&mut self, now: Time, client: ClientId, response: &Message<'static>) {
        let Some(mut dialog) = Dialog::of_response(response) else { return };
        let peer = self.by_client.get(&client).and_then(|purpose| match purpose {
            Purpose::Invite(id) => self.sessions.get(id).map(|session| session.route),
            _ => None,
        });
        let target = dialog.target.clone();
        let Some(route) = peer.or_else(|| self.route_of(&target)) else { return };
        let number = response.header.cseq().map(|cseq| cseq.number).unwrap_or_default();
        let ack = dialog.request_numbered(Method::Ack, number);
        let to = self.next_hop(route, &ack);
        let sent_by = self.sent_by(to.transport);
        self.transactions.send(to, &sent_by, ack);
        let bye = dialog.request(Method::Bye);
        let client = self.transactions.request(now, to, &sent_by, bye);
        self.by_client.insert(client, Purpose::Notice);
    }

    /// The way to the peer that a contact is at.
    fn route_of(&self, target: &crate::message::Uri<'_>) -> Option<Route> {
        let sip = target.as_sip()?;
        let ip = sip.host.trim_matches(['[', ']']).parse().ok()?;
        let address = std::net::SocketAddr::new(ip, sip.port.unwrap_or(crate::transport::PORT));
        let id = self.peer_of(Route::udp(address))?;
        Some(self.way(&self.placed(id)?)?.to(address))
    }

    pub(super) fn end_session(&mut self, now: Time, id: SessionId, cause: u8) {
        let waits = self.waits_for_transfer(id);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if session.ending.is_some() {
            return;
        }
        session.ending = Some(cause);
        match session.phase {
            // Nothing may be taken back before something was heard (RFC 3261 section 9.1) …
            Phase::Calling | Phase::Ending => {}
            Phase::Early => self.cancel(now, id, cause),
            Phase::Offered => self.refuse_call(now, id, cause),
            // … and whoever has answered waits until that is known (section 15).
            Phase::Answered => {}
            Phase::Confirmed if waits => {}
            Phase::Confirmed => self.hang_up(now, id, cause),
        }
    }

    fn cancel(&mut self, now: Time, id: SessionId, cause: u8) {
        let Some(client) = self.sessions.get(&id).and_then(|session| session.client) else { return };
        self.transactions.cancel(now, client, &[(Name::Reason, Self::reason(cause))]);
        if let Some(session) = self.sessions.get_mut(&id) {
            session.phase = Phase::Early;
        }
        self.timers.set(Timer::Cancelled(id), now + self.config.timing.timeout());
    }

    /// Sends an INVITE again that was refused for want of credentials or for too short a session interval.
    fn try_again(&mut self, now: Time, id: SessionId, status: Status, response: &Message<'static>) -> bool {
        let Some(session) = self.sessions.get_mut(&id) else { return false };
        if session.ending.is_some() || session.attempts >= ATTEMPTS {
            return false;
        }
        session.attempts += 1;
        let peer = session.peer;
        let Some(mut request) = session.invite.clone() else { return false };
        let number = request.header.cseq().map(|cseq| cseq.number).unwrap_or_default() + 1;
        match status {
            Status::UNAUTHORIZED | Status::PROXY_AUTHENTICATION_REQUIRED => {
                let tried = std::mem::replace(&mut session.tried, Tried::Yes);
                if !self.learn_challenge(peer, response, tried) {
                    return false;
                }
            }
            Status::SESSION_INTERVAL_TOO_SMALL => {
                let Some(least) = response.header.number(&Name::MinSe).filter(|least| *least <= 86_400)
                else {
                    return false;
                };
                request.header.set(&Name::SessionExpires, least.to_string());
                request.header.set(&Name::MinSe, least.to_string());
            }
            _ => return false,
        }
        request.header.set(&Name::CSeq, format!("{number} INVITE"));
        if let Some(session) = self.sessions.get_mut(&id) {
            session.phase = Phase::Calling;
            session.early.clear();
        }
        self.send_invite(now, id, *request);
        true
    }
}
