//! Transfers that this side asks for (RFC 3515, RFC 3892): REFER within a session, and what its peer tells of it.
//!
//! A REFER that is accepted makes a subscription of this side's: it ends with the last NOTIFY, or when nothing is heard for so long as
//! the peer has said, or at first for 64 T1 (RFC 6665 section 4.1.2.4: timer N). One transfer of a session is under way at a time.

use strowger_sansio::{Duration, Time};

use super::session::Phase;
use super::{Event, PeerId, Purpose, SessionId, Timer, UserAgent};
use crate::message::{Message, Method, Name, Status, Uri};
use crate::transaction::ServerId;

/// For how long at most a peer is believed that it will tell more. 300 s: longer than anybody rings.
const PATIENCE: u64 = 300;

/// A transfer that this side has asked for.
#[derive(Debug)]
pub(super) struct Asking {
    /// `Refer-To`.
    target: String,
    /// It was asked for again with credentials.
    tried: bool,
    /// The peer has accepted it.
    accepted: bool,
    /// The number of the REFER, by which later ones of a session are told apart (RFC 3515 section 2.4.6).
    number: u32,
    /// The last word of how it went was heard; the subscription has not ended with it.
    told: bool,
}

impl UserAgent {
    /// Where the other end of a session is reached.
    #[must_use]
    pub fn target(&self, session: SessionId) -> Option<Uri<'static>> {
        Some(self.sessions.get(&session)?.dialog.as_ref()?.target.clone())
    }

    /// The URI of a user of a peer's.
    #[must_use]
    pub fn uri_at(&self, peer: PeerId, user: &str) -> Option<Uri<'static>> {
        Some(Uri::Sip(self.user_at(self.peer(peer)?, user)))
    }

    /// Whether a session has been answered, goes on, and waits for nothing that its sides describe.
    #[must_use]
    pub fn is_settled(&self, session: SessionId) -> bool {
        self.sessions.get(&session).is_some_and(|session| {
            let rests = session.client.is_none() && session.server.is_none() && session.repeat.is_none();
            rests && session.phase == Phase::Confirmed && session.ending.is_none() && session.wanted.is_none()
        })
    }

    /// Asks the peer of a session to call somebody else, in the place of a session of this side's or anew; says whether it can be
    /// asked.
    pub(super) fn ask_for_transfer(
        &mut self,
        now: Time,
        id: SessionId,
        target: &Uri<'_>,
        replaces: Option<SessionId>,
    ) -> bool {
        let Uri::Sip(mut sip) = target.clone().into_owned() else { return false };
        if let Some(other) = replaces {
            let Some(dialog) = self.sessions.get(&other).and_then(|other| other.dialog.as_ref()) else {
                return false;
            };
            // As the user agent sees it that has the other end (RFC 3891 section 3).
            let value = [
                escape(&dialog.call_id),
                format!("to-tag%3D{}", escape(&dialog.remote_tag)),
                format!("from-tag%3D{}", escape(&dialog.local_tag)),
            ];
            sip.headers = Some(format!("Replaces={}", value.join("%3B")).into());
        }
        let standing = |session: &&mut super::Session| {
            let free = session.transfers.asking.as_ref().is_none_or(|asking| asking.told);
            session.phase == Phase::Confirmed && session.ending.is_none() && free
        };
        let Some(session) = self.sessions.get_mut(&id).filter(standing) else { return false };
        let target = format!("<{sip}>");
        session.transfers.asking =
            Some(Asking { target, tried: false, accepted: false, number: 0, told: false });
        self.send_refer(now, id);
        true
    }

    fn send_refer(&mut self, now: Time, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let (transport, secure) = session.reach();
        let Some(target) = session.transfers.asking.as_ref().map(|asking| asking.target.clone()) else {
            return;
        };
        let Some(dialog) = session.dialog.as_mut() else { return };
        let (referrer, mut request) = (dialog.local.clone(), dialog.request(Method::Refer));
        let number = dialog.local_seq;
        if let Some(asking) = &mut session.transfers.asking {
            asking.number = number;
        }
        request.header.push(Name::Contact, self.contact(transport, secure));
        request.header.push(Name::ReferTo, target);
        request.header.push(Name::ReferredBy, referrer);
        self.introduce(&mut request);
        self.say(now, id, request, Purpose::Refer(id));
    }

    /// The peer accepts to be transferred, or does not. `response`: what it has said, if anything.
    pub(super) fn refer_answered(
        &mut self,
        now: Time,
        id: SessionId,
        status: Status,
        response: Option<&Message<'_>>,
    ) {
        let Some(session) = self.sessions.get_mut(&id) else {
            if !status.is_success() {
                self.asking_is_over(id);
            }
            return;
        };
        let (peer, phase) = (session.peer, session.phase);
        let Some(asking) = &mut session.transfers.asking else { return };
        if status.is_success() {
            if !std::mem::replace(&mut asking.accepted, true) {
                self.timers.set(Timer::Asking(id), now + self.config.timing.timeout());
            }
            return;
        }
        let challenged = matches!(status, Status::UNAUTHORIZED | Status::PROXY_AUTHENTICATION_REQUIRED);
        if let Some(response) = response.filter(|_| challenged && phase == Phase::Confirmed)
            && !std::mem::replace(&mut asking.tried, true)
            && self.learn_challenge(peer, response, super::credentials::Tried::No)
        {
            return self.send_refer(now, id);
        }
        self.transfer_ended(id, status, false);
        if status == Status::NO_SUCH_CALL && phase == Phase::Confirmed {
            // It does not know the dialog any more (RFC 3261 section 12.2.1.2).
            self.ended(id, crate::cause::cause_of_status(status), None);
            self.hang_up(now, id, 16);
        }
    }

    fn transfer_ended(&mut self, id: SessionId, status: Status, accepted: bool) {
        let asking = self.sessions.get_mut(&id).and_then(|session| session.transfers.asking.take());
        self.timers.cancel(&Timer::Asking(id));
        if asking.is_some_and(|asking| !asking.told) {
            self.events.push_back(Event::Transferring { session: id, status, accepted });
        }
    }

    /// The peer tells how a transfer goes (RFC 3515 section 2.4.5).
    pub(super) fn told_progress(
        &mut self,
        now: Time,
        id: SessionId,
        server: ServerId,
        request: &Message<'_>,
    ) {
        let session = self.sessions.get_mut(&id);
        let asking = session.and_then(|session| session.transfers.asking.as_mut());
        let asking = asking.filter(|asking| is_refer(request, Some(asking.number)));
        let Some(asking) = asking else {
            // Nobody has subscribed to that (RFC 6665 section 4.1.3).
            self.transactions.respond_with(now, server, Status::NO_SUCH_CALL);
            return;
        };
        // It may overtake the answer to REFER (RFC 3515 section 2.4.4).
        asking.accepted = true;
        self.transactions.respond_with(now, server, Status::OK);
        let body = String::from_utf8_lossy(&request.body);
        let code =
            body.lines().next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
        let lasts = lasts(request).map(|span| span.max(self.config.timing.timeout()));
        match (code.and_then(Status::new), lasts) {
            (Some(status), Some(span)) if !status.is_provisional() => {
                // It does not end with that word, but with the next, which says nothing new (RFC 6665 section 4.1.3).
                if !std::mem::replace(&mut asking.told, true) {
                    self.events.push_back(Event::Transferring { session: id, status, accepted: true });
                }
                return self.timers.set(Timer::Asking(id), now + span);
            }
            (Some(status), None) if !status.is_provisional() => {
                return self.transfer_ended(id, status, true);
            }
            // It ends without a word of how.
            (_, None) => return self.transfer_ended(id, Status::REQUEST_TIMEOUT, false),
            (Some(status), _) if !asking.told => {
                self.events.push_back(Event::Transferring { session: id, status, accepted: true });
            }
            _ => {}
        }
        self.timers.set(Timer::Asking(id), now + lasts.unwrap_or_default());
    }

    /// The peer tells nothing more of a transfer.
    pub(super) fn asking_due(&mut self, id: SessionId) {
        self.asking_is_over(id);
        self.transfer_ended(id, Status::REQUEST_TIMEOUT, false);
    }
}

/// Whether a NOTIFY tells of a REFER: of that with this number, or of any. The first of a dialog may be told of without it.
pub(super) fn is_refer(request: &Message<'_>, number: Option<u32>) -> bool {
    let Some(event) = request.header.get(&Name::Event) else { return false };
    let mut parts = event.split(';').map(str::trim);
    let id = event.split(';').find_map(|part| part.trim().strip_prefix("id=")?.trim().parse::<u32>().ok());
    parts.next() == Some("refer") && id.is_none_or(|id| number.is_none_or(|number| number == id))
}

/// For how long the subscription of a NOTIFY lasts still, as far as that is believed; none: it is over.
pub(super) fn lasts(request: &Message<'_>) -> Option<Duration> {
    let state = request.header.get(&Name::SubscriptionState).unwrap_or_default();
    if state.trim_start().get(..10).is_some_and(|word| word.eq_ignore_ascii_case("terminated")) {
        return None;
    }
    let expires = state.split(';').find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("expires").then(|| value.trim().parse::<u64>().ok())?
    });
    Some(Duration::from_secs(expires.unwrap_or(PATIENCE).min(PATIENCE)))
}

/// What may not stand in the value of a URI's header, escaped (RFC 3261 section 25.1: `hvalue`).
fn escape(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut escaped, octet| {
        if octet.is_ascii_alphanumeric() || b"-_.!~*'()[]/?:+$".contains(&octet) {
            escaped.push(char::from(octet));
        } else {
            let _ = write!(escaped, "%{octet:02X}");
        }
        escaped
    })
}
