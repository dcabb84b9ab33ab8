//! Calls of peers: INVITE, the responses to it, and their ACK (RFC 3261 section 13.3, RFC 3262 section 3).

use std::sync::Arc;

use strowger_sansio::{Duration, Time};
use strowger_sdp::Direction;

use super::compose::wants_secure;
use super::config::Trust;
use super::history::History;
use super::session::{Phase, Reliable, Repeat, Session, SessionTimer, Wish};
use super::{Caller, Event, PeerId, SessionId, Timer, UserAgent};
use crate::cause::status_of_cause;
use crate::dialog::Dialog;
use crate::message::{Address, Message, Name, Refresher, Secure, SessionExpires, Status};
use crate::offer::{Negotiation, OfferFault};
use crate::text;
use crate::transaction::ServerId;
use crate::transport::{Route, Transport};

/// How many provisional responses wait for the PRACK of the one before: more than a call has turns while nobody acknowledges.
const WAITING: usize = 4;

impl UserAgent {
    pub(super) fn incoming_call(
        &mut self,
        now: Time,
        server: ServerId,
        (peer, from): (PeerId, Route),
        request: Message<'static>,
    ) {
        if self.sessions.len() >= self.config.sessions {
            let retry = (Name::RetryAfter, "5".to_owned());
            return self.refuse_with(now, server, Status::SERVICE_UNAVAILABLE, retry);
        }
        let tag = self.transactions.tag(server).unwrap_or_default().to_owned();
        let Some(dialog) = Dialog::of_request(&request, &tag) else {
            self.transactions.respond_with(now, server, Status::BAD_REQUEST);
            return;
        };
        let secure = wants_secure(&request);
        if secure == Secure::Sips && self.config.local(Transport::Tls).is_none() {
            // This side could not be reached by the SIPS URI that it had to name.
            self.transactions.respond_with(now, server, Status::UNSUPPORTED_URI_SCHEME);
            return;
        }
        let replaces = match self.replacing(peer, &request) {
            Ok(replaces) => replaces,
            Err(status) => {
                self.transactions.respond_with(now, server, status);
                return;
            }
        };
        let Some(timer) = self.timer_wish(now, server, &request) else { return };
        let mut media = Negotiation::new(self.rng.next_u64()).without_events(self.takes_keys_by_info(peer));
        let policy = self.peer(peer).map(|peer| peer.media.clone()).unwrap_or_default();
        let offer = match request.session_description() {
            None => None,
            Some(description) => match media.offered(description, (from.address.ip(), &policy)) {
                Ok(seen) => Some(seen),
                Err(fault) => return self.refuse_description(now, server, fault),
            },
        };
        let id = self.next();
        let mut session = Session::new(peer, from, Phase::Offered, media);
        (session.server, session.secure) = (Some(server), secure);
        session.wants_reliable = if request.header.lists(&Name::Require, "100rel") {
            Wish::Required
        } else if request.header.lists(&Name::Supported, "100rel") {
            Wish::Supported
        } else {
            Wish::Unknown
        };
        session.knows_timer = request.header.lists(&Name::Supported, "timer");
        session.timer = timer;
        let key = (dialog.call_id.clone(), dialog.local_tag.clone());
        session.key = Some(key.clone());
        self.by_dialog.insert(key, id);
        session.dialog = Some(dialog);
        self.by_server.insert(server, id);
        self.sessions.insert(id, session);
        self.counters.incoming += 1;
        let trusted = self.peer(peer).is_some_and(|peer| peer.trust == Trust::Trusted);
        let caller = caller(&request, trusted);
        let called = self.called(peer, &request);
        let history = Some(History::of(&request)).filter(|history| history.times() > 0).map(Arc::new);
        let request = Box::new(request);
        self.events.push_back(Event::Incoming {
            session: id,
            peer,
            called,
            caller,
            offer,
            replaces,
            history,
            request,
        });
    }

    /// The user that is called. A peer with whom this side is registered calls the contact that it was given, and says in `To`
    /// whom the call is for.
    fn called(&self, peer: PeerId, request: &Message<'_>) -> String {
        let user = request.uri().and_then(crate::message::Uri::number).unwrap_or_default();
        let registered =
            self.peer(peer).filter(|peer| peer.registers).and_then(|peer| peer.credentials.as_ref());
        if registered.is_some_and(|known| known.user == user) {
            return request.header.to().and_then(|to| to.uri.number()).unwrap_or(user);
        }
        user
    }

    /// What a caller wants of session timers, as this side will agree to it; none when it was refused (RFC 4028 section 9).
    #[allow(clippy::option_option, reason = "a request may be refused, or want no timer")]
    pub(super) fn timer_wish(
        &mut self,
        now: Time,
        server: ServerId,
        request: &Message<'_>,
    ) -> Option<Option<SessionTimer>> {
        let Some(wanted) = request.header.get(&Name::SessionExpires).and_then(SessionExpires::parse) else {
            return Some(None);
        };
        let knows = request.header.lists(&Name::Supported, "timer");
        if wanted.interval < self.config.min_se && knows {
            let least = (Name::MinSe, self.config.min_se.to_string());
            self.refuse_with(now, server, Status::SESSION_INTERVAL_TOO_SMALL, least);
            return None;
        }
        let interval = wanted.interval.max(self.config.min_se);
        // A caller that does not know timers cannot refresh; a proxy on the way asked for one.
        let refresher = if knows { wanted.refresher.unwrap_or(Refresher::Uac) } else { Refresher::Uas };
        Some(Some(SessionTimer::of(interval, refresher, false)))
    }

    /// Refuses a description: what is no description with 400, another that cannot be served with 488.
    pub(super) fn refuse_description(&mut self, now: Time, server: ServerId, fault: OfferFault) {
        let (status, warning) = match fault {
            OfferFault::Malformed => {
                (Status::BAD_REQUEST, "399 strowger \"The session description is malformed\"")
            }
            OfferFault::NoAudio => {
                (Status::NOT_ACCEPTABLE_HERE, "304 strowger \"Audio over RTP/AVP is what is served\"")
            }
            OfferFault::NoCommonCodec => (Status::NOT_ACCEPTABLE_HERE, "305 strowger \"No codec is common\""),
            OfferFault::Address(_) => {
                (Status::NOT_ACCEPTABLE_HERE, "399 strowger \"Nothing may be sent to that address\"")
            }
            OfferFault::Turn => {
                (Status::REQUEST_PENDING, "399 strowger \"Another offer waits for its answer\"")
            }
        };
        self.refuse_with(now, server, status, (Name::Warning, warning.to_owned()));
    }

    pub(super) fn refuse_call(&mut self, now: Time, id: SessionId, cause: u8) {
        let Some(server) = self.sessions.get_mut(&id).and_then(|session| session.server.take()) else {
            return self.close(now, id);
        };
        let reason = (Name::Reason, Self::reason(cause));
        self.refuse_with(now, server, status_of_cause(cause), reason);
        self.close(now, id);
    }

    pub(super) fn tell_progress(
        &mut self,
        now: Time,
        id: SessionId,
        status: Status,
        description: Option<&[u8]>,
    ) -> Result<(), OfferFault> {
        let Some(session) = self.sessions.get_mut(&id) else { return Ok(()) };
        let Some(server) =
            session.server.filter(|_| session.phase == Phase::Offered && session.ending.is_none())
        else {
            return Ok(());
        };
        // The next response waits for the PRACK of the one before (RFC 3262 section 3).
        if session.reliable.is_some() {
            if session.progress.len() < WAITING {
                session.progress.push_back((status, description.map(<[u8]>::to_vec)));
            }
            return Ok(());
        }
        let is_new = !session.early_answer && session.media.is_offered();
        let body = match description.filter(|_| is_new) {
            Some(description) => Some(session.media.answer(description, Direction::SendRecv)?),
            None => None,
        };
        session.early_answer |= body.is_some();
        let reliable = match session.wants_reliable {
            Wish::Required => true,
            Wish::Supported => body.is_some(),
            Wish::Unknown => false,
        };
        let (route, reach) = (session.route, session.reach());
        let rseq = if reliable {
            session.rseq =
                if session.rseq == 0 { 1 + self.rng.next_u32() % 0x7fff } else { session.rseq + 1 };
            Some(session.rseq)
        } else {
            None
        };
        let Some(mut response) = self.dialog_response(server, status, reach) else { return Ok(()) };
        if let Some(rseq) = rseq {
            response.header.push(Name::Require, "100rel");
            response.header.push(Name::RSeq, rseq.to_string());
        }
        if let Some(body) = body {
            response = response.with_body("application/sdp", body);
        }
        if let Some(rseq) = rseq {
            let number = response.header.cseq().map(|cseq| cseq.number).unwrap_or_default();
            let route = self.transactions.route(server).unwrap_or(route);
            let (interval, until) = (self.config.timing.t1, now + self.config.timing.timeout());
            let bytes = text::to_bytes(&response);
            let waiting = Reliable { bytes, route, interval, until, rseq, number, answer: None };
            if let Some(session) = self.sessions.get_mut(&id) {
                session.reliable = Some(waiting);
            }
            self.timers.set(Timer::Reliable(id), now + interval);
        }
        self.transactions.respond(now, server, &response);
        Ok(())
    }

    pub(super) fn accept_call(
        &mut self,
        now: Time,
        id: SessionId,
        description: &[u8],
        direction: Direction,
    ) -> Result<(), OfferFault> {
        let Some(session) = self.sessions.get_mut(&id) else { return Ok(()) };
        let Some(server) =
            session.server.filter(|_| session.phase == Phase::Offered && session.ending.is_none())
        else {
            return Ok(());
        };
        if let Some(reliable) = &mut session.reliable {
            // A 2xx must not overtake a provisional response whose description is not acknowledged (RFC 3262 section 3).
            reliable.answer = Some(description.to_vec());
            return Ok(());
        }
        let mut offers = false;
        let body = if session.early_answer {
            if !session.media.is_as_before(description, direction) {
                session.wanted = Some((description.to_vec(), direction));
            }
            // What was said reliably is not said again.
            (session.rseq == 0).then(|| session.media.sent().to_vec())
        } else if session.media.is_offered() {
            Some(session.media.answer(description, direction)?)
        } else {
            offers = true;
            Some(session.media.offer(description, direction)?)
        };
        self.accept_invite(now, id, server, body, offers);
        Ok(())
    }

    /// Sends the 2xx to an INVITE, and again until its ACK comes (RFC 3261 section 13.3.1.4).
    pub(super) fn accept_invite(
        &mut self,
        now: Time,
        id: SessionId,
        server: ServerId,
        body: Option<Vec<u8>>,
        offers: bool,
    ) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let (reach, timer) = (session.reach(), session.timer);
        let (knows, was) = (session.knows_timer, session.phase);
        let route = self.transactions.route(server).unwrap_or(session.route);
        let Some(mut response) = self.dialog_response(server, Status::OK, reach) else { return };
        if let Some(timer) = timer {
            let refresher = if timer.ours { Refresher::Uas } else { Refresher::Uac };
            let agreed = SessionExpires { interval: timer.interval, refresher: Some(refresher) };
            response.header.push(Name::SessionExpires, agreed.to_string());
            if knows && !timer.ours {
                response.header.push(Name::Require, "timer");
            }
        }
        if let Some(body) = body {
            response = response.with_body("application/sdp", body);
        }
        let number = response.header.cseq().map(|cseq| cseq.number).unwrap_or_default();
        let (interval, until) = (self.config.timing.t1, now + self.config.timing.timeout());
        let repeat = Repeat { bytes: text::to_bytes(&response), route, interval, until, number, offers };
        self.transactions.respond(now, server, &response);
        self.by_server.remove(&server);
        if let Some(session) = self.sessions.get_mut(&id) {
            session.server = None;
            session.repeat = Some(repeat);
            if was == Phase::Offered {
                session.phase = Phase::Answered;
            }
        }
        self.timers.set(Timer::Repeat(id), now + interval);
        self.set_session_timer(now, id);
    }

    pub(super) fn acknowledged(&mut self, now: Time, request: &Message<'_>) {
        let (Some(id), Some(cseq)) = (self.session_of(request), request.header.cseq()) else { return };
        let (peer_address, policy) = self.media_rule(id);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if session.repeat.as_ref().is_none_or(|repeat| repeat.number != cseq.number) {
            return;
        }
        let offers = session.repeat.take().is_some_and(|repeat| repeat.offers);
        self.timers.cancel(&Timer::Repeat(id));
        let first = session.phase == Phase::Answered;
        if first {
            session.phase = Phase::Confirmed;
        }
        if let Some(cause) = session.ending {
            if first {
                self.hang_up(now, id, cause);
            }
            return;
        }
        let answer = offers.then(|| {
            let description = request.session_description().ok_or(OfferFault::NoAudio)?;
            session.media.answered(description, (peer_address, &policy))
        });
        match answer {
            Some(Err(_)) => {
                self.ended(id, 65, None);
                self.hang_up(now, id, 65);
            }
            Some(Ok(description)) if !first => {
                self.events.push_back(Event::Agreed { session: id, description });
            }
            answer if first => {
                let description = answer.and_then(Result::ok);
                self.events.push_back(Event::Confirmed { session: id, description });
            }
            _ => {}
        }
        self.offer_what_waits(now, id);
    }

    /// The caller has changed its mind (RFC 3261 section 9.2).
    pub(super) fn cancelled(&mut self, now: Time, invite: ServerId, request: &Message<'_>) {
        self.transactions.respond_with(now, invite, Status::REQUEST_TERMINATED);
        let Some(id) = self.by_server.remove(&invite) else { return };
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.server = None;
        if session.phase == Phase::Offered {
            self.ended(id, request.header.cause().unwrap_or(16), None);
            self.close(now, id);
        } else {
            // A change of the session is taken back: what was agreed stands.
            session.media.refuse();
        }
    }

    /// When a reliable provisional response is sent next.
    pub(super) const fn doubled(interval: Duration) -> Duration {
        interval.saturating_mul(2)
    }
}

/// Who calls: as a trusted peer asserts it (RFC 3325), else as `From` says.
fn caller(request: &Message<'_>, trusted: bool) -> Caller {
    let header = &request.header;
    let asserted = header.list(&Name::PAssertedIdentity).filter(|_| trusted).find_map(Address::parse);
    let private = header.get(&Name::Privacy).is_some_and(|privacy| {
        privacy
            .split(';')
            .any(|wish| matches!(wish.trim().to_ascii_lowercase().as_str(), "id" | "user" | "header"))
    });
    let from = header.from();
    let anonymous = from.as_ref().and_then(|from| from.uri.as_sip()).is_some_and(|uri| {
        uri.host.eq_ignore_ascii_case("anonymous.invalid")
            || uri.user.as_deref().is_some_and(|user| user.eq_ignore_ascii_case("anonymous"))
    });
    let withheld = private || anonymous;
    let shown = asserted.or_else(|| from.filter(|_| !anonymous));
    let name = |address: &Address<'_>| address.name.as_ref().map(|name| name.clone().into_owned());
    Caller {
        user: shown.as_ref().and_then(|shown| shown.uri.number()),
        name: shown.as_ref().and_then(name).filter(|name| !name.is_empty()),
        withheld,
    }
}
