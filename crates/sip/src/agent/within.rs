//! Requests within dialogs: BYE, re-INVITE, UPDATE, PRACK, INFO, of the peer and of this side (RFC 3261 sections 12.2, 14 and
//! 15, RFC 3262, RFC 3311, RFC 6086).

use strowger_sansio::{Duration, Time};
use strowger_sdp::Direction;

use super::credentials::{self, Tried};
use super::outgoing::ATTEMPTS;
use super::session::{Phase, Session, SessionTimer};
use super::{Event, Purpose, SessionId, Timer, UserAgent};
use crate::message::{Message, Method, Name, RAck, Refresher, SessionExpires, Status};
use crate::offer::OfferFault;
use crate::transaction::{ClientId, ServerId};
use crate::transport::Route;

impl UserAgent {
    /// The session whose dialog a request is of.
    pub(super) fn session_of(&self, request: &Message<'_>) -> Option<SessionId> {
        let to = request.header.to()?;
        let key = (request.header.call_id()?.to_owned(), to.tag()?.to_owned());
        let id = self.by_dialog.get(&key).copied()?;
        let session = self.sessions.get(&id)?;
        let dialogs = session.dialog.iter().chain(session.early.iter().map(|early| &early.dialog));
        dialogs.into_iter().any(|dialog| dialog.has(request)).then_some(id)
    }

    pub(super) fn within_dialog(
        &mut self,
        now: Time,
        server: ServerId,
        (method, from): (&Method<'_>, Route),
        request: &Message<'static>,
    ) {
        let Some(id) = self.session_of(request) else {
            if let Some(id) = self.usage_of(request) {
                return self.within_usage(now, id, (server, method), request);
            }
            if *method == Method::Options {
                return self.describe_self(now, server);
            }
            self.transactions.respond_with(now, server, Status::NO_SUCH_CALL);
            return;
        };
        if !self.serves(now, server, method, request) {
            return;
        }
        let is_back = self.phone_speaks_by(id, from);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let tag = request.header.from().and_then(|from| from.tag().map(str::to_owned)).unwrap_or_default();
        let early = session.early.iter_mut().map(|early| &mut early.dialog);
        let dialog = session.dialog.iter_mut().chain(early).find(|dialog| dialog.remote_tag == tag);
        if dialog.is_some_and(|dialog| dialog.accept(request).is_err()) {
            self.transactions.respond_with(now, server, Status::SERVER_INTERNAL_ERROR);
            return;
        }
        match method {
            Method::Bye => self.bye(now, id, server, request),
            Method::Invite => self.reinvited(now, id, server, request),
            Method::Update => self.updated(now, id, server, request),
            Method::Prack => self.provisional_acknowledged(now, id, server, request),
            Method::Info => self.informed(now, id, server, request),
            Method::Notify => self.told_progress(now, id, server, request),
            Method::Refer => self.referred(now, id, server, request),
            Method::Options => self.describe_self(now, server),
            _ => self.not_allowed(now, server, method),
        }
        if is_back {
            self.resume(now, id);
        }
    }

    fn bye(&mut self, now: Time, id: SessionId, server: ServerId, request: &Message<'_>) {
        self.transactions.respond_with(now, server, Status::OK);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if session.phase == Phase::Ending {
            // The BYEs of both sides have crossed; the answer to this side's closes it.
            return;
        }
        if let Some(pending) = session.server.take() {
            self.by_server.remove(&pending);
            self.transactions.respond_with(now, pending, Status::REQUEST_TERMINATED);
        }
        self.ended(id, request.header.cause().unwrap_or(16), None);
        self.close(now, id);
    }

    /// Says BYE. The session closes when that is answered, or nobody does.
    pub(super) fn hang_up(&mut self, now: Time, id: SessionId, cause: u8) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.phase = Phase::Ending;
        session.repeat = None;
        session.forget_attempts();
        let pending = session.server.take();
        for timer in [Timer::Repeat(id), Timer::Session(id), Timer::Glare(id), Timer::Reliable(id)] {
            self.timers.cancel(&timer);
        }
        if let Some(pending) = pending {
            self.by_server.remove(&pending);
            self.transactions.respond_with(now, pending, Status::REQUEST_TERMINATED);
        }
        if self.sessions.get(&id).is_some_and(|session| session.adrift) {
            return self.timers.set(Timer::Resume(id), now + self.patience());
        }
        self.say_bye(now, id, cause);
    }

    pub(super) fn say_bye(&mut self, now: Time, id: SessionId, cause: u8) {
        let Some(dialog) = self.sessions.get_mut(&id).and_then(|session| session.dialog.as_mut()) else {
            return self.close(now, id);
        };
        let mut bye = dialog.request(Method::Bye);
        bye.header.push(Name::Reason, Self::reason(cause));
        self.say(now, id, bye, Purpose::Bye(id));
    }

    /// Sends a request within a session with what the peer has challenged this side with before.
    pub(super) fn say(&mut self, now: Time, id: SessionId, mut request: Message<'static>, purpose: Purpose) {
        if let Some(session) = self.sessions.get(&id) {
            self.authorize_at_once(session.peer, &mut request);
        }
        if let Some(client) = self.send_within(now, id, request) {
            self.by_client.insert(client, purpose);
        }
    }

    /// Sends a BYE again that was refused for want of credentials.
    pub(super) fn bye_again(
        &mut self,
        now: Time,
        id: SessionId,
        status: Status,
        response: &Message<'static>,
    ) -> bool {
        let challenged = matches!(status, Status::UNAUTHORIZED | Status::PROXY_AUTHENTICATION_REQUIRED);
        let again = |session: &&mut Session| challenged && session.attempts < ATTEMPTS;
        let Some(session) = self.sessions.get_mut(&id).filter(again) else { return false };
        session.attempts += 1;
        let (peer, tried) = (session.peer, std::mem::replace(&mut session.tried, Tried::Yes));
        if !self.learn_challenge(peer, response, tried) {
            return false;
        }
        let Some(dialog) = self.sessions.get_mut(&id).and_then(|session| session.dialog.as_mut()) else {
            return false;
        };
        let bye = dialog.request(Method::Bye);
        self.say(now, id, bye, Purpose::Bye(id));
        true
    }

    fn reinvited(&mut self, now: Time, id: SessionId, server: ServerId, request: &Message<'_>) {
        let Some(session) = self.sessions.get(&id) else { return };
        if session.server.is_some() {
            // The last is not answered (RFC 3261 section 14.2).
            let retry = (Name::RetryAfter, (self.rng.below(11)).to_string());
            return self.refuse_with(now, server, Status::SERVER_INTERNAL_ERROR, retry);
        }
        if session.client.is_some() && session.media.has_offered() || session.repeat.is_some() {
            self.transactions.respond_with(now, server, Status::REQUEST_PENDING);
            return;
        }
        if session.phase != Phase::Confirmed {
            self.transactions.respond_with(now, server, Status::NO_SUCH_CALL);
            return;
        }
        if !self.renew_timer(now, id, server, request) {
            return;
        }
        if request.session_description().is_some() {
            return self.take_offer(now, id, server, request);
        }
        // This side is to offer: what it has offered or answered last.
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let sent = session.media.sent().to_vec();
        match session.media.offer(&sent, Direction::SendRecv) {
            Ok(body) => self.accept_invite(now, id, server, Some(body), true),
            Err(fault) => self.refuse_description(now, server, fault),
        }
    }

    fn updated(&mut self, now: Time, id: SessionId, server: ServerId, request: &Message<'_>) {
        let Some(session) = self.sessions.get(&id) else { return };
        let offers = request.session_description().is_some();
        if offers && (session.media.has_offered() || session.media.is_offered()) {
            // 491 when this side has offered, 500 when it owes an answer (RFC 3311 section 5.2).
            let status = if session.media.has_offered() {
                Status::REQUEST_PENDING
            } else {
                Status::SERVER_INTERNAL_ERROR
            };
            let retry = (Name::RetryAfter, (self.rng.below(11)).to_string());
            return self.refuse_with(now, server, status, retry);
        }
        if !self.renew_timer(now, id, server, request) {
            return;
        }
        if offers {
            return self.take_offer(now, id, server, request);
        }
        self.accept_update(now, id, server, None);
    }

    fn accept_update(&mut self, now: Time, id: SessionId, server: ServerId, body: Option<Vec<u8>>) {
        let Some(session) = self.sessions.get(&id) else { return };
        let (reach, timer) = (session.reach(), session.timer);
        let Some(mut response) = self.dialog_response(server, Status::OK, reach) else { return };
        if let Some(timer) = timer {
            let refresher = if timer.ours { Refresher::Uas } else { Refresher::Uac };
            let agreed = SessionExpires { interval: timer.interval, refresher: Some(refresher) };
            response.header.push(Name::SessionExpires, agreed.to_string());
        }
        if let Some(body) = body {
            response = response.with_body("application/sdp", body);
        }
        self.transactions.respond(now, server, &response);
    }

    /// The peer offers within a session. An offer that says nothing new, such as one that refreshes the session, is answered
    /// as the last was.
    fn take_offer(&mut self, now: Time, id: SessionId, server: ServerId, request: &Message<'_>) {
        let (peer_address, policy) = self.media_rule(id);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let description = request.session_description().unwrap_or_default();
        let before = session.media.remote().map(<[u8]>::to_vec);
        match session.media.offered(description, (peer_address, &policy)) {
            Err(fault) => self.refuse_description(now, server, fault),
            Ok(seen) if before.as_ref() == Some(&seen) => {
                let sent = session.media.sent().to_vec();
                match session.media.answer(&sent, Direction::SendRecv) {
                    Ok(body) if request.method() == Some(&Method::Update) => {
                        self.accept_update(now, id, server, Some(body));
                    }
                    Ok(body) => self.accept_invite(now, id, server, Some(body), false),
                    Err(fault) => self.refuse_description(now, server, fault),
                }
            }
            Ok(seen) => {
                session.server = Some(server);
                self.by_server.insert(server, id);
                self.events.push_back(Event::Offered { session: id, description: seen });
            }
        }
    }

    pub(super) fn accept_offer(
        &mut self,
        now: Time,
        id: SessionId,
        description: &[u8],
        direction: Direction,
    ) -> Result<(), OfferFault> {
        let Some(session) = self.sessions.get_mut(&id) else { return Ok(()) };
        let Some(server) = session.server.filter(|_| session.phase != Phase::Offered) else { return Ok(()) };
        let body = session.media.answer(description, direction)?;
        session.server = None;
        self.by_server.remove(&server);
        match self.transactions.method(server) {
            Some(Method::Update) => self.accept_update(now, id, server, Some(body)),
            _ => self.accept_invite(now, id, server, Some(body), false),
        }
        Ok(())
    }

    pub(super) fn decline_offer(&mut self, now: Time, id: SessionId, status: Status) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(server) = session.server.take_if(|_| session.phase != Phase::Offered) else { return };
        session.media.refuse();
        self.by_server.remove(&server);
        self.transactions.respond_with(now, server, status);
    }

    /// A request of the peer refreshes the session (RFC 4028 section 9). False: it was refused.
    fn renew_timer(&mut self, now: Time, id: SessionId, server: ServerId, request: &Message<'_>) -> bool {
        let Some(timer) = self.timer_wish(now, server, request) else { return false };
        if let Some(session) = self.sessions.get_mut(&id) {
            session.timer = timer;
            session.knows_timer = request.header.lists(&Name::Supported, "timer");
        }
        self.set_session_timer(now, id);
        true
    }

    pub(super) fn set_session_timer(&mut self, now: Time, id: SessionId) {
        match self.sessions.get(&id).and_then(|session| session.timer) {
            Some(timer) => self.timers.set(Timer::Session(id), timer.due(now)),
            None => {
                self.timers.cancel(&Timer::Session(id));
            }
        }
    }

    fn provisional_acknowledged(
        &mut self,
        now: Time,
        id: SessionId,
        server: ServerId,
        request: &Message<'_>,
    ) {
        let rack = request.header.get(&Name::RAck).and_then(RAck::parse);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let matches = session.reliable.as_ref().zip(rack.as_ref()).is_some_and(|(waiting, rack)| {
            waiting.rseq == rack.response
                && waiting.number == rack.request.number
                && rack.request.method == Method::Invite
        });
        let Some(waiting) = session.reliable.take_if(|_| matches) else {
            self.transactions.respond_with(now, server, Status::NO_SUCH_CALL);
            return;
        };
        self.timers.cancel(&Timer::Reliable(id));
        if request.session_description().is_some() {
            self.take_offer_of_prack(now, id, server, request);
        } else {
            self.transactions.respond_with(now, server, Status::OK);
        }
        if let Some(description) = waiting.answer {
            // It was a good answer when the user gave it.
            let _ = self.accept_call(now, id, &description, Direction::SendRecv);
            return;
        }
        while let Some(session) = self.sessions.get_mut(&id).filter(|session| session.reliable.is_none())
            && let Some((status, description)) = session.progress.pop_front()
        {
            // What cannot be said now is said with the answer, or refused by it.
            let _ = self.tell_progress(now, id, status, description.as_deref());
        }
    }

    /// A PRACK with an offer of its own is answered as the INVITE was (RFC 3262 section 5).
    fn take_offer_of_prack(&mut self, now: Time, id: SessionId, server: ServerId, request: &Message<'_>) {
        let (peer_address, policy) = self.media_rule(id);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let description = request.session_description().unwrap_or_default();
        let sent = session.media.sent().to_vec();
        let answer = session
            .media
            .offered(description, (peer_address, &policy))
            .and_then(|_| session.media.answer(&sent, Direction::SendRecv));
        match answer {
            Ok(body) => {
                if let Some(response) = self.transactions.make_response(server, Status::OK) {
                    self.transactions.respond(now, server, &response.with_body("application/sdp", body));
                }
            }
            Err(fault) => {
                session.media.refuse();
                self.refuse_description(now, server, fault);
            }
        }
    }

    pub(super) fn reoffer(
        &mut self,
        now: Time,
        id: SessionId,
        description: &[u8],
        direction: Direction,
    ) -> bool {
        let Some(session) = self.sessions.get_mut(&id) else { return false };
        if session.ending.is_some() || session.media.is_as_before(description, direction) {
            session.wanted = None;
            return false;
        }
        session.wanted = Some((description.to_vec(), direction));
        if session.adrift {
            self.timers.set(Timer::Resume(id), now + self.patience());
        }
        self.offer_what_waits(now, id);
        true
    }

    /// Offers what the user wants, as soon as this side may.
    pub(super) fn offer_what_waits(&mut self, now: Time, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let free = session.phase == Phase::Confirmed && session.server.is_none() && session.repeat.is_none();
        if !free || session.media.has_offered() || session.ending.is_some() || session.adrift {
            return;
        }
        let Some((description, direction)) = session.wanted.take() else { return };
        match session.media.offer(&description, direction) {
            Ok(body) => {
                session.wanted = Some((description, direction));
                self.send_reinvite(now, id, body);
            }
            Err(_) => {
                self.events.push_back(Event::Refused { session: id, status: Status::NOT_ACCEPTABLE_HERE });
            }
        }
    }

    /// Sends a re-INVITE.
    pub(super) fn send_reinvite(&mut self, now: Time, id: SessionId, body: Vec<u8>) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let ((transport, secure), peer, timer) = (session.reach(), session.peer, session.timer);
        let Some(dialog) = session.dialog.as_mut() else { return };
        let mut request = dialog.request(Method::Invite);
        request.header.push(Name::Contact, self.contact(transport, secure));
        self.introduce(&mut request);
        match timer {
            Some(timer) => {
                let refresher = Some(if timer.ours { Refresher::Uac } else { Refresher::Uas });
                let wanted = SessionExpires { interval: timer.interval, refresher };
                request.header.push(Name::SessionExpires, wanted.to_string());
            }
            None => self.ask_for_timer(&mut request, self.config.session_expires),
        }
        let mut request = request.with_body("application/sdp", body);
        self.authorize_at_once(peer, &mut request);
        let proof = credentials::proof(&request);
        if let Some(client) = self.send_within(now, id, request) {
            self.by_client.insert(client, Purpose::Reinvite(id));
            if let Some(session) = self.sessions.get_mut(&id) {
                (session.client, session.proof) = (Some(client), proof);
            }
        }
    }

    pub(super) fn reinvite_response(
        &mut self,
        now: Time,
        id: SessionId,
        client: ClientId,
        status: Status,
        response: &Message<'static>,
    ) {
        if status.is_provisional() {
            return;
        }
        self.by_client.remove(&client);
        let (peer_address, policy) = self.media_rule(id);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.client = None;
        if status.is_success() {
            let (Some(dialog), route) = (session.dialog.as_mut(), session.route) else { return };
            dialog.refresh(response);
            let dialog = dialog.clone();
            (session.wanted, session.refreshes) = (None, false);
            session.forget_attempts();
            let proof = std::mem::take(&mut session.proof);
            let agreed = session.media.concluded(response.session_description(), (peer_address, &policy));
            let timer = response.header.get(&Name::SessionExpires).and_then(SessionExpires::parse);
            session.timer = timer.map(|agreed| {
                SessionTimer::of(agreed.interval, agreed.refresher.unwrap_or(Refresher::Uac), true)
            });
            self.acknowledge(now, client, (&dialog, route), proof, response);
            self.set_session_timer(now, id);
            match agreed {
                Ok(description) => self.events.push_back(Event::Agreed { session: id, description }),
                Err(_) => {
                    self.ended(id, 65, None);
                    self.hang_up(now, id, 65);
                }
            }
            return;
        }
        session.media.withdraw();
        match status {
            Status::REQUEST_PENDING => {
                // Both sides have offered at once: who made the Call-ID waits longer (section 14.1).
                let (least, span) = if session.calls { (2_100, 1_900) } else { (0, 2_000) };
                let wait = Duration::from_millis(least + self.rng.below(span / 10 + 1) * 10);
                self.timers.set(Timer::Glare(id), now + wait);
            }
            Status::UNAUTHORIZED | Status::PROXY_AUTHENTICATION_REQUIRED if session.attempts < ATTEMPTS => {
                session.attempts += 1;
                let (peer, tried) = (session.peer, std::mem::replace(&mut session.tried, Tried::Yes));
                if self.learn_challenge(peer, response, tried) {
                    self.offer_again(now, id);
                } else {
                    self.not_accepted(id, status);
                }
            }
            Status::REQUEST_TIMEOUT | Status::NO_SUCH_CALL => {
                self.ended(id, crate::cause::cause_of_status(status), None);
                self.hang_up(now, id, 16);
            }
            _ => self.not_accepted(id, status),
        }
    }

    /// The peer does not accept this side's new description. A refresh that is refused is told to nobody: the session goes on, as
    /// long as its interval lasts.
    fn not_accepted(&mut self, id: SessionId, status: Status) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.forget_attempts();
        session.refreshes = false;
        if session.wanted.take().is_some() {
            self.events.push_back(Event::Refused { session: id, status });
        }
    }

    /// Sends an offer again that could not be taken when it came, or else refreshes the session as that was to do.
    pub(super) fn offer_again(&mut self, now: Time, id: SessionId) {
        match self.sessions.get(&id) {
            Some(session) if session.wanted.is_some() => self.offer_what_waits(now, id),
            Some(session) if session.refreshes => self.refresh(now, id),
            _ => {}
        }
    }

    /// Sends what this side has described last once more, which refreshes the session (RFC 4028 section 7.4). A change that is
    /// under way refreshes, too.
    pub(super) fn refresh(&mut self, now: Time, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let free = session.phase == Phase::Confirmed && session.ending.is_none() && !session.adrift;
        if !free || session.client.is_some() || session.server.is_some() || session.repeat.is_some() {
            return;
        }
        let sent = session.media.sent().to_vec();
        if let Ok(body) = session.media.offer(&sent, Direction::SendRecv) {
            session.refreshes = true;
            self.send_reinvite(now, id, body);
        }
    }
}
