//! What is left of a dialog when its session is over: the subscription of a REFER (RFC 5057 section 4.1, RFC 3515 section 2.4.4).
//!
//! BYE ends the session and nothing else. Who has sent a REFER is told how that goes in the same dialog, although it has hung up; and
//! what this side has asked for may still be told of. Either ends with the last NOTIFY, or with its time. For the user of this crate the
//! session is over: [`super::Event::Closed`] came before.

use strowger_sansio::Time;

use super::refer::Subscription;
use super::session::Session;
use super::{PeerId, Purpose, SessionId, Timer, UserAgent};
use crate::dialog::Dialog;
use crate::message::{Message, Method, Name, Secure, Status};
use crate::transaction::ServerId;
use crate::transport::{Route, Transport};

/// A dialog without a session.
#[derive(Debug)]
pub(super) struct Usage {
    peer: PeerId,
    route: Route,
    secure: Secure,
    dialog: Dialog,
    key: (String, String),
    /// The peer is told how its transfer goes.
    telling: Option<Subscription>,
    /// The peer tells how this side's goes.
    told: bool,
}

impl Usage {
    /// What is left of a session that is over, if anything is.
    fn of(session: &mut Session) -> Option<Self> {
        let told = session.transfers.asking.is_some();
        let telling = session.transfers.subscription.take().filter(Subscription::lasts);
        if !told && telling.is_none() {
            return None;
        }
        let (dialog, key) = (session.dialog.take()?, session.key.take()?);
        let Session { peer, route, secure, .. } = *session;
        Some(Self { peer, route, secure, dialog, key, telling, told })
    }

    const fn reach(&self) -> (Transport, Secure) {
        (self.route.transport, self.secure)
    }
}

impl UserAgent {
    /// Whether the peer of a session, which may be over, is told how a transfer goes that it has asked for.
    #[must_use]
    pub fn reports_to(&self, session: SessionId) -> bool {
        self.usages.get(&session).is_some_and(|usage| usage.telling.is_some())
            || self.waits_for_transfer(session)
    }

    /// A session is over. Says whether something is left of its dialog.
    pub(super) fn keep_usage(&mut self, now: Time, id: SessionId, session: &mut Session) -> bool {
        let Some(usage) = Usage::of(session) else { return false };
        let until = now + self.config.timing.timeout();
        if usage.told && self.timers.deadline(&Timer::Asking(id)).is_none() {
            self.timers.set(Timer::Asking(id), until);
        }
        self.by_dialog.insert(usage.key.clone(), id);
        self.usages.insert(id, usage);
        true
    }

    /// Nothing is left of a dialog.
    fn end_usage(&mut self, id: SessionId) {
        let over = |usage: &Usage| !usage.told && usage.telling.as_ref().is_none_or(|own| !own.lasts());
        if self.usages.get(&id).is_some_and(over)
            && let Some(usage) = self.usages.remove(&id)
        {
            self.by_dialog.remove(&usage.key);
            self.timers.cancel(&Timer::Referral(id));
            self.timers.cancel(&Timer::Asking(id));
        }
    }

    /// The dialog without a session that a request is of.
    pub(super) fn usage_of(&self, request: &Message<'_>) -> Option<SessionId> {
        let to = request.header.to()?;
        let key = (request.header.call_id()?.to_owned(), to.tag()?.to_owned());
        let id = self.by_dialog.get(&key).copied()?;
        self.usages.get(&id)?.dialog.has(request).then_some(id)
    }

    /// A request in a dialog whose session is over: the peer tells how a transfer goes. There is nothing else to be asked for.
    pub(super) fn within_usage(
        &mut self,
        now: Time,
        id: SessionId,
        (server, method): (ServerId, &Method<'_>),
        request: &Message<'_>,
    ) {
        if !self.serves(now, server, method, request) {
            return;
        }
        let Some(usage) = self.usages.get_mut(&id) else { return };
        if usage.dialog.accept(request).is_err() {
            self.transactions.respond_with(now, server, Status::SERVER_INTERNAL_ERROR);
            return;
        }
        match method {
            Method::Notify if usage.told && super::asking::is_refer(request, None) => {
                self.transactions.respond_with(now, server, Status::OK);
                match super::asking::lasts(request) {
                    Some(span) => self.timers.set(Timer::Asking(id), now + span),
                    None => self.asking_is_over(id),
                }
            }
            Method::Options => self.describe_self(now, server),
            _ => {
                self.transactions.respond_with(now, server, Status::NO_SUCH_CALL);
            }
        }
    }

    /// Nothing more is to be told of a transfer that this side has asked for in a session that is over.
    pub(super) fn asking_is_over(&mut self, id: SessionId) {
        if let Some(usage) = self.usages.get_mut(&id) {
            usage.told = false;
        }
        self.end_usage(id);
    }

    /// Tells a peer whose session is over how the transfer goes that it has asked for.
    pub(super) fn say_progress_behind(&mut self, now: Time, id: SessionId, status: Status) {
        let Some(usage) = self.usages.get_mut(&id) else { return };
        let (reach, peer, route) = (usage.reach(), usage.peer, usage.route);
        let Some(subscription) = usage.telling.as_mut() else { return };
        if !subscription.tells(status) {
            return;
        }
        let (fields, is_silent) = (subscription.fields(now), subscription.is_silent());
        let mut notify = usage.dialog.request(Method::Notify);
        if !is_silent {
            self.finish_notify(&mut notify, reach, fields);
            let mut notify = notify.with_body(super::refer::FRAGMENT, super::refer::fragment(status));
            self.authorize_at_once(peer, &mut notify);
            let to = self.next_hop(route, &notify);
            let sent_by = self.sent_by(to.transport);
            let client = self.transactions.request(now, to, &sent_by, notify);
            self.by_client.insert(client, Purpose::Notify(id));
        }
        self.end_usage(id);
    }

    /// What such a NOTIFY is answered with.
    pub(super) fn notified_behind(&mut self, id: SessionId, status: Option<Status>) {
        if let Some(own) = self.usages.get_mut(&id).and_then(|usage| usage.telling.as_mut()) {
            own.answered(status);
        }
        self.end_usage(id);
    }

    /// `Contact` and what a NOTIFY of a REFER says of itself.
    pub(super) fn finish_notify(
        &self,
        notify: &mut Message<'static>,
        (transport, secure): (Transport, Secure),
        (event, state): (String, String),
    ) {
        notify.header.push(Name::Contact, self.contact(transport, secure));
        self.introduce(notify);
        notify.header.push(Name::Event, event);
        notify.header.push(Name::SubscriptionState, state);
    }
}
