//! Sessions that outlive their user agent: what must be kept of one, and how another goes on from that.
//!
//! What is kept is what both sides share and neither can find out again: the dialog (RFC 3261 section 12), who refreshes the session
//! (RFC 4028), and how its descriptions are numbered (RFC 3264 section 8). Who goes on speaks first: a re-INVITE with the description
//! as it was tells the peer where this side is now, and this side whether the peer still has the session.

use std::net::SocketAddr;

use strowger_sansio::{Duration, Time};
use strowger_sdp::Direction;

use super::session::{Phase, Session, SessionTimer};
use super::{PeerId, SessionId, Timer, UserAgent};
use crate::dialog::Dialog;
use crate::message::{Message, Method, Uri};
use crate::offer::Negotiation;
use crate::transport::{Route, Transport};

/// How many requests this side may have sent within a dialog since it was kept. Numbers must rise and may have gaps (section
/// 12.2.2): what is kept need not be kept again for each of them.
pub(super) const REQUESTS: u32 = 0x1_0000;

/// Destination out of order (Q.850): the telephone has not come back.
const GONE: u8 = 27;

/// How long behind each other sessions are gone on with: a thousand of them are no burst.
const PAUSE: Duration = Duration::from_millis(2);

/// What must be kept of a dialog (RFC 3261 section 12), and of the way to the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingDialog {
    /// The `Call-ID`.
    pub call_id: String,
    /// This side's tag.
    pub local_tag: String,
    /// The peer's tag.
    pub remote_tag: String,
    /// This side's name and address, without the tag.
    pub local: String,
    /// The peer's, without the tag.
    pub remote: String,
    /// Where requests are addressed to.
    pub target: String,
    /// The proxies on the way, the nearest first.
    pub route_set: Vec<String>,
    /// The number of this side's last request when it was kept.
    pub local_seq: u32,
    /// The number of the peer's last request when it was kept.
    pub remote_seq: Option<u32>,
    /// How it goes to the peer …
    pub transport: Transport,
    /// … and where that is.
    pub address: SocketAddr,
}

impl StandingDialog {
    pub(super) fn new(dialog: &Dialog, route: Route) -> Self {
        let dialog = dialog.clone();
        Self {
            call_id: dialog.call_id,
            local_tag: dialog.local_tag,
            remote_tag: dialog.remote_tag,
            local: dialog.local,
            remote: dialog.remote,
            target: dialog.target.to_string(),
            route_set: dialog.route_set,
            local_seq: dialog.local_seq,
            remote_seq: dialog.remote_seq,
            transport: route.transport,
            address: route.address,
        }
    }

    /// The dialog to go on with; none when it has no target that requests could go to.
    pub(super) fn restored(&self) -> Option<Dialog> {
        Some(Dialog {
            call_id: self.call_id.clone(),
            local_tag: self.local_tag.clone(),
            remote_tag: self.remote_tag.clone(),
            local: self.local.clone(),
            remote: self.remote.clone(),
            target: Uri::parse(&self.target).filter(|uri| uri.as_sip().is_some())?.into_owned(),
            route_set: self.route_set.clone(),
            // It must stay below 2^31 (section 8.1.1.5).
            local_seq: self.local_seq.saturating_add(REQUESTS).min(u32::MAX >> 1),
            remote_seq: self.remote_seq,
        })
    }
}

/// What must be kept of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingSession {
    /// Its dialog, and the way to the peer.
    pub dialog: StandingDialog,
    /// This side has begun it.
    pub calls: bool,
    /// Within how many seconds it must be refreshed; none: it need not be.
    pub interval: Option<u32>,
    /// This side refreshes it.
    pub refreshes: bool,
    /// The identifier of this side's descriptions.
    pub description: u64,
    /// The version of the last.
    pub version: u64,
}

impl StandingSession {
    /// Whether another is the same but for what has gone on since: numbers and versions.
    #[must_use]
    pub fn is_as(&self, other: &Self) -> bool {
        let still = |own: &Self| {
            let dialog = StandingDialog { local_seq: 0, remote_seq: None, ..own.dialog.clone() };
            Self { dialog, version: 0, ..own.clone() }
        };
        still(self) == still(other)
    }
}

impl UserAgent {
    /// What must be kept of a session, so that it can be gone on with; none before it has a dialog, and when it is over.
    #[must_use]
    pub fn standing(&self, session: SessionId) -> Option<StandingSession> {
        let session = self.sessions.get(&session).filter(|session| session.ending.is_none())?;
        let dialog = session.dialog.as_ref()?;
        let (description, version) = session.media.origin();
        // A connection that the peer made ends with this side's process.
        let lasts = !session.route.transport.is_reliable() || self.is_place(session.route);
        let contact = || self.address_of(&dialog.target, session.route);
        let route = if lasts { session.route } else { contact().unwrap_or(session.route) };
        Some(StandingSession {
            dialog: StandingDialog::new(dialog, route),
            calls: session.calls,
            interval: session.timer.map(|timer| timer.interval),
            refreshes: session.timer.is_some_and(|timer| timer.ours),
            description,
            version,
        })
    }

    /// Goes on with a session that was kept, between the stream that this side describes, which goes `direction`, and the peer's. The
    /// peer is asked whether it still has it: `Agreed`, `Refused` (all is as before), or `Ended` says what it knows. None when it
    /// cannot be gone on with: the peer is not known, there is a session of this dialog, or what was kept makes none.
    pub fn restore(
        &mut self,
        now: Time,
        peer: PeerId,
        kept: &StandingSession,
        (local, remote): (&[u8], &[u8]),
        direction: Direction,
    ) -> Option<SessionId> {
        self.peer(peer)?;
        let socket = self.config.local(kept.dialog.transport)?.socket;
        let dialog = kept.dialog.restored()?;
        let key = (dialog.call_id.clone(), dialog.local_tag.clone());
        if self.by_dialog.contains_key(&key) || self.sessions.len() >= self.config.sessions {
            return None;
        }
        let media = Negotiation::restored((kept.description, kept.version), local, remote).ok()?;
        let media = media.without_events(self.takes_keys_by_info(peer));
        let route = Route { transport: kept.dialog.transport, socket, address: kept.dialog.address };
        // The name of a peer is not looked up yet, or leads elsewhere by now: what it says of this session is its own all the same.
        if self.peer_of(route) != Some(peer)
            && let Some(own) = self.config.peer_mut(peer).filter(|own| own.phone.is_none())
        {
            own.former.push(route.address.ip());
        }
        // By the connection of a telephone nobody is reached any more: it comes back by another, and then it is asked.
        let adrift =
            kept.dialog.transport.is_reliable() && self.peer(peer).is_some_and(|own| own.phone.is_some());
        let mut session = Session::new(peer, route, Phase::Confirmed, media);
        (session.calls, session.adrift) = (kept.calls, adrift);
        session.secure = dialog.target.as_sip().map_or(session.secure, |target| target.secure);
        session.key = Some(key.clone());
        session.dialog = Some(dialog);
        session.knows_timer = kept.interval.is_some();
        session.timer = kept.interval.map(|interval| SessionTimer { interval, ours: kept.refreshes });
        session.wanted = Some((local.to_vec(), direction));
        let id = self.next();
        let place = u32::try_from(self.sessions.len()).unwrap_or(u32::MAX);
        self.sessions.insert(id, session);
        self.by_dialog.insert(key, id);
        self.set_session_timer(now, id);
        let wait = if adrift { self.patience() } else { PAUSE * place };
        self.timers.set(Timer::Resume(id), now + wait);
        Some(id)
    }

    /// How long a telephone whose connection has ended may take to come back, when something is to be said to it: as long as it might
    /// have taken to answer, and to see that the connection has ended.
    pub(super) fn patience(&self) -> Duration {
        self.config.timing.timeout().saturating_mul(2)
    }

    /// What was to be said within a session can be: it is gone on with, or its telephone has come back.
    pub(super) fn resume(&mut self, now: Time, id: SessionId) {
        self.timers.cancel(&Timer::Resume(id));
        match self.sessions.get(&id).map(|session| (session.phase, session.ending)) {
            Some((Phase::Ending, cause)) => self.say_bye(now, id, cause.unwrap_or(16)),
            Some(_) => self.offer_again(now, id),
            None => {}
        }
    }

    /// The time has come to go on with a session, or has passed for a telephone to come back to it.
    pub(super) fn resume_due(&mut self, now: Time, id: SessionId) {
        let Some(session) = self.sessions.get(&id) else { return };
        if !session.adrift {
            return self.resume(now, id);
        }
        self.ended(id, GONE, None);
        self.close(now, id);
    }

    /// A 2xx of an INVITE that this user agent has not sent: the one before it may have, and its ACK is lost.
    pub(super) fn acknowledge_again(&mut self, response: &Message<'static>) {
        let header = &response.header;
        let Some(cseq) = header.cseq().filter(|cseq| cseq.method == Method::Invite) else { return };
        let tag = header.from().and_then(|from| from.tag().map(str::to_owned));
        let Some(key) = header.call_id().map(str::to_owned).zip(tag) else { return };
        let session = self.by_dialog.get(&key).and_then(|id| self.sessions.get(id));
        let Some((session, dialog)) = session.and_then(|session| Some((session, session.dialog.as_ref()?)))
        else {
            return;
        };
        let remote = header.to().and_then(|to| to.tag().map(str::to_owned)).unwrap_or_default();
        let is_success = response.status().is_some_and(crate::message::Status::is_success);
        if !is_success || remote != dialog.remote_tag || cseq.number > dialog.local_seq {
            return;
        }
        let ack = dialog.request_numbered(Method::Ack, cseq.number);
        let to = self.next_hop(session.route, &ack);
        let sent_by = self.sent_by(to.transport);
        self.transactions.send(to, &sent_by, ack);
    }
}
