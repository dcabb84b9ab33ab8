//! Transfer by REFER (RFC 3515, RFC 4488) and by INVITE with `Replaces` (RFC 3891): a peer of a session sends this side's party to
//! somebody else, or takes the place of another of its own sessions.
//!
//! A REFER that is accepted makes a subscription of its sender's: it is told how the transfer goes by NOTIFY, until it succeeds or
//! fails, unless it wants to hear nothing (`Refer-Sub: false`). The session stays meanwhile, though its user may have ended it: its
//! BYE comes behind the last NOTIFY. One transfer of a session is under way at a time. What this side asks for is in `asking`.

use strowger_sansio::{Duration, Time};

use super::asking::Asking;
use super::config::Referrals;
use super::session::Phase;
use super::{Event, PeerId, Purpose, SessionId, Timer, UserAgent};
use crate::message::{Address, Message, Method, Name, Status, Uri, unescape};
use crate::transaction::ServerId;

/// How long a transfer may take before its sender is told that it has failed: longer than anybody rings.
const PATIENCE: Duration = Duration::from_secs(300);

/// Whom a peer sends this side's party to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referral {
    /// Where: its URI without headers.
    pub uri: Uri<'static>,
    /// Which session there is to be replaced; none: a new one is to begin.
    pub replaces: Option<Replaced>,
    /// Who sends it, as `Referred-By` says (RFC 3892); nobody has proven that.
    pub by: Option<String>,
}

/// A dialog that is to be replaced (RFC 3891 section 6.1), as its own user agent sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// Its `Call-ID`.
    pub call_id: String,
    /// The tag of the user agent that has it.
    pub to_tag: String,
    /// The tag of the other.
    pub from_tag: String,
    /// Only while it is not answered.
    pub early_only: bool,
}

impl Replaced {
    /// Reads the value of `Replaces`; none when it breaks the grammar.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let call_id = parts.next().filter(|id| !id.is_empty())?.to_owned();
        let (mut to_tag, mut from_tag, mut early_only) = (None, None, false);
        for part in parts {
            let (name, value) =
                part.split_once('=').map_or((part, ""), |(name, value)| (name.trim(), value.trim()));
            let place = match name.to_ascii_lowercase().as_str() {
                "to-tag" => &mut to_tag,
                "from-tag" => &mut from_tag,
                "early-only" => {
                    early_only = true;
                    continue;
                }
                _ => continue,
            };
            if value.is_empty() || place.replace(value.to_owned()).is_some() {
                return None;
            }
        }
        Some(Self { call_id, to_tag: to_tag?, from_tag: from_tag?, early_only })
    }
}

/// A transfer that was accepted.
#[derive(Debug)]
pub(super) struct Subscription {
    /// `id` of its notifications: the number of the REFER, but for the first of a session (RFC 3515 section 2.4.6).
    id: Option<u32>,
    /// Its sender wants to hear nothing of it.
    silent: bool,
    /// The last word was said.
    over: bool,
    /// How many words are not answered.
    open: u32,
    until: Time,
}

impl Subscription {
    /// Whether there is more to say, or to be answered.
    pub(super) const fn lasts(&self) -> bool {
        !self.over || self.open > 0
    }

    /// Whether a word is to be told. A final one is the last.
    pub(super) fn tells(&mut self, status: Status) -> bool {
        if self.over {
            return false;
        }
        self.over = !status.is_provisional();
        self.open += u32::from(!self.silent);
        true
    }

    /// Its sender wants to hear nothing of it.
    pub(super) const fn is_silent(&self) -> bool {
        self.silent
    }

    /// A word was answered, or nobody has: who does not know the subscription hears nothing more of it.
    pub(super) fn answered(&mut self, status: Option<Status>) {
        self.open = self.open.saturating_sub(1);
        self.over |= !status.is_some_and(Status::is_success);
    }

    /// `Event` and `Subscription-State` of a NOTIFY.
    pub(super) fn fields(&self, now: Time) -> (String, String) {
        let event = self.id.map_or_else(|| "refer".to_owned(), |number| format!("refer;id={number}"));
        let state = match self.over {
            true => "terminated;reason=noresource".to_owned(),
            false => format!("active;expires={}", self.until.since(now).as_secs()),
        };
        (event, state)
    }
}

/// What notifications of a REFER are written in.
pub(super) const FRAGMENT: &str = "message/sipfrag;version=2.0";

/// What is told of a status (RFC 3515 section 2.4.5).
pub(super) fn fragment(status: Status) -> Vec<u8> {
    format!("SIP/2.0 {} {}\r\n", status.code(), status.phrase()).into_bytes()
}

/// The REFER of a session.
#[derive(Debug, Default)]
pub(super) struct Transfers {
    /// The one that waits for its answer.
    asked: Option<Asked>,
    pub(super) subscription: Option<Subscription>,
    /// How many there were.
    count: u32,
    /// This side has asked for one, and is not told yet how it went.
    pub(super) asking: Option<Asking>,
}

impl Transfers {
    /// The request that nobody has answered.
    pub(super) fn asked(&self) -> Option<ServerId> {
        self.asked.as_ref().map(|asked| asked.server)
    }
}

#[derive(Debug)]
struct Asked {
    server: ServerId,
    number: u32,
    silent: bool,
}

impl UserAgent {
    /// A peer sends this side's party to somebody else.
    pub(super) fn referred(&mut self, now: Time, id: SessionId, server: ServerId, request: &Message<'_>) {
        let Some(session) = self.sessions.get(&id) else { return };
        let allowed = self.peer(session.peer).is_some_and(|peer| peer.referrals == Referrals::Accepted);
        let standing = session.phase == Phase::Confirmed && session.ending.is_none();
        if !allowed || !standing {
            self.transactions.respond_with(now, server, Status::DECLINE);
            return;
        }
        let busy = session.transfers.asked.is_some()
            || session.transfers.subscription.as_ref().is_some_and(|under_way| !under_way.over);
        if busy {
            self.transactions.respond_with(now, server, Status::REQUEST_PENDING);
            return;
        }
        // Exactly one Refer-To (RFC 3515 section 2.4.2).
        let Some(target) = request.header.get(&Name::ReferTo).and_then(Address::parse) else {
            self.transactions.respond_with(now, server, Status::BAD_REQUEST);
            return;
        };
        let referral = match referral(target.uri, request) {
            Ok(referral) => referral,
            Err(status) => {
                self.transactions.respond_with(now, server, status);
                return;
            }
        };
        let number = request.header.cseq().map(|cseq| cseq.number).unwrap_or_default();
        let silent = request.header.get(&Name::ReferSub).is_some_and(|value| {
            value.split(';').next().is_some_and(|word| word.trim().eq_ignore_ascii_case("false"))
        });
        if let Some(session) = self.sessions.get_mut(&id) {
            session.transfers.asked = Some(Asked { server, number, silent });
        }
        self.events.push_back(Event::Referred { session: id, referral: Box::new(referral) });
    }

    /// A REFER that is of no session: there is nobody here whom it could send somewhere, and this side calls nobody because a peer wants
    /// it to (RFC 3515 section 5.2).
    pub(super) fn referred_by_nobody(&mut self, now: Time, server: ServerId, request: &Message<'_>) {
        let is_good = request.header.get(&Name::ReferTo).is_some_and(|value| Address::parse(value).is_some());
        let status = if is_good { Status::FORBIDDEN } else { Status::BAD_REQUEST };
        self.transactions.respond_with(now, server, status);
    }

    pub(super) fn take_referral(&mut self, now: Time, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(Asked { server, number, silent }) = session.transfers.asked.take() else { return };
        let of_later = session.transfers.count > 0;
        session.transfers.count += 1;
        let until = now + PATIENCE;
        session.transfers.subscription =
            Some(Subscription { id: of_later.then_some(number), silent, over: false, open: 0, until });
        let reach = session.reach();
        self.timers.set(Timer::Referral(id), until);
        if let Some(mut response) = self.dialog_response(server, Status::ACCEPTED, reach) {
            if silent {
                response.header.push(Name::ReferSub, "false");
            }
            self.transactions.respond(now, server, &response);
        }
        self.say_progress(now, id, Status::TRYING);
    }

    pub(super) fn decline_referral(&mut self, now: Time, id: SessionId, status: Status) {
        let asked = self.sessions.get_mut(&id).and_then(|session| session.transfers.asked.take());
        if let Some(Asked { server, .. }) = asked {
            self.transactions.respond_with(now, server, status);
        }
    }

    /// Tells the sender of a REFER how the transfer goes; a final status is the last word. If the session's user has ended it, BYE
    /// follows then.
    pub(super) fn say_progress(&mut self, now: Time, id: SessionId, status: Status) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return self.say_progress_behind(now, id, status);
        };
        let Some(subscription) = session.transfers.subscription.as_mut().filter(|own| !own.over) else {
            return;
        };
        subscription.tells(status);
        let (fields, silent) = (subscription.fields(now), subscription.silent);
        if !status.is_provisional() {
            self.timers.cancel(&Timer::Referral(id));
        }
        if silent {
            return self.leave_behind_transfer(now, id);
        }
        let reach = session.reach();
        let Some(dialog) = session.dialog.as_mut() else { return };
        let mut notify = dialog.request(Method::Notify);
        self.finish_notify(&mut notify, reach, fields);
        self.say(now, id, notify.with_body(FRAGMENT, fragment(status)), Purpose::Notify(id));
    }

    /// What a NOTIFY is answered with: who does not know the subscription hears nothing more of it.
    pub(super) fn notified(&mut self, now: Time, id: SessionId, status: Option<Status>) {
        let Some(session) = self.sessions.get_mut(&id) else { return self.notified_behind(id, status) };
        if let Some(own) = &mut session.transfers.subscription {
            own.answered(status);
            if own.over {
                self.timers.cancel(&Timer::Referral(id));
            }
        }
        self.leave_behind_transfer(now, id);
    }

    /// Nobody knows what has become of the transfer.
    pub(super) fn referral_due(&mut self, now: Time, id: SessionId) {
        self.say_progress(now, id, Status::REQUEST_TIMEOUT);
    }

    /// Whether the BYE of a session waits for the last word of a transfer.
    pub(super) fn waits_for_transfer(&self, id: SessionId) -> bool {
        let session = self.sessions.get(&id);
        session
            .is_some_and(|session| session.transfers.subscription.as_ref().is_some_and(Subscription::lasts))
    }

    fn leave_behind_transfer(&mut self, now: Time, id: SessionId) {
        let Some(session) = self.sessions.get(&id) else { return };
        let over = session.transfers.subscription.as_ref().is_none_or(|own| !own.lasts());
        if let Some(cause) = session.ending.filter(|_| over && session.phase == Phase::Confirmed) {
            self.hang_up(now, id, cause);
        }
    }

    /// The session that a `Replaces` means, if this user agent has it (RFC 3891 section 3).
    #[must_use]
    pub fn session_to_replace(&self, replaced: &Replaced) -> Option<SessionId> {
        let key = (replaced.call_id.clone(), replaced.to_tag.clone());
        let id = self.by_dialog.get(&key).copied()?;
        let dialog = self.sessions.get(&id)?.dialog.as_ref()?;
        (dialog.remote_tag == replaced.from_tag).then_some(id)
    }

    /// The session of this side's, not answered yet, one of whose dialogs a `Replaces` means.
    fn early_to_replace(&self, replaced: &Replaced) -> Option<SessionId> {
        let key = (replaced.call_id.clone(), replaced.to_tag.clone());
        let id = self.by_dialog.get(&key).copied()?;
        let mut early = self.sessions.get(&id)?.early.iter();
        early.any(|early| early.dialog.remote_tag == replaced.from_tag).then_some(id)
    }

    /// The session that an INVITE is to replace, or what it is refused with (RFC 3891 section 3). A session of somebody else's is
    /// not replaced, though telephones stand in for each other; of early ones those are that this side has begun.
    pub(super) fn replacing(&self, peer: PeerId, request: &Message<'_>) -> Result<Option<SessionId>, Status> {
        let Some(value) = request.header.get(&Name::Replaces) else { return Ok(None) };
        let replaced = Replaced::parse(value).ok_or(Status::BAD_REQUEST)?;
        let known = self.session_to_replace(&replaced).or_else(|| self.early_to_replace(&replaced));
        let id = known.ok_or(Status::NO_SUCH_CALL)?;
        let session = self.sessions.get(&id).ok_or(Status::NO_SUCH_CALL)?;
        let is_phone = |peer: PeerId| self.peer(peer).is_some_and(|peer| peer.phone.is_some());
        let own = session.peer == peer || is_phone(session.peer) && is_phone(peer);
        let may = self.peer(peer).is_some_and(|peer| peer.referrals == Referrals::Accepted);
        match session.phase {
            _ if !own || !may => Err(Status::FORBIDDEN),
            Phase::Confirmed if session.ending.is_some() => Err(Status::DECLINE),
            Phase::Ending => Err(Status::DECLINE),
            Phase::Confirmed | Phase::Answered if replaced.early_only => Err(Status::BUSY_HERE),
            Phase::Confirmed => Ok(Some(id)),
            Phase::Early if session.calls && session.ending.is_none() => Ok(Some(id)),
            _ => Err(Status::NO_SUCH_CALL),
        }
    }
}

/// Whom a REFER means.
fn referral(uri: Uri<'_>, request: &Message<'_>) -> Result<Referral, Status> {
    let mut uri = uri.into_owned();
    let mut replaces = None;
    match &mut uri {
        Uri::Sip(sip) => {
            if sip.parameter("method").is_some_and(|method| method != "INVITE") {
                return Err(Status::NOT_IMPLEMENTED);
            }
            let headers = sip.headers.take().unwrap_or_default().into_owned();
            let value = headers.split('&').find_map(|header| {
                let (name, value) = header.split_once('=')?;
                name.eq_ignore_ascii_case("Replaces").then(|| value.to_owned())
            });
            if let Some(value) = value {
                let text = unescape(&value).ok_or(Status::BAD_REQUEST)?;
                replaces = Some(Replaced::parse(&text).ok_or(Status::BAD_REQUEST)?);
            }
        }
        Uri::Other(text) if text.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("tel:")) => {}
        Uri::Other(_) => return Err(Status::UNSUPPORTED_URI_SCHEME),
    }
    let by = request.header.get(&Name::ReferredBy).map(str::to_owned);
    Ok(Referral { uri, replaces, by })
}
