//! Subscriptions that outlive their user agent: what must be kept of one, and how another goes on from that (RFC 6665 section 4.2.2).
//!
//! Who goes on speaks first: a NOTIFY says how it is now and where this side is. A telephone that came by a connection is told when it
//! is back by another. A subscription that nobody can go on with any more is ended by a last NOTIFY, so that the telephone subscribes anew
//! (section 4.1.3: `deactivated`).

use std::net::SocketAddr;

use strowger_sansio::{Duration, Time};

use super::standing::REQUESTS;
use super::summary::{MOST, Subscription};
use super::{PeerId, Purpose, Timer, UserAgent};
use crate::dialog::Dialog;
use crate::message::{Method, Name, Secure, Uri};
use crate::transport::{Route, Transport};

/// How long behind each other subscriptions are gone on with: ten thousand of them are no burst.
const PAUSE: Duration = Duration::from_millis(2);

/// What must be kept of a subscription to `message-summary`: the dialog (RFC 3261 section 12), and until when it lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingSubscription {
    /// The `Call-ID`.
    pub call_id: String,
    /// This side's tag.
    pub local_tag: String,
    /// The telephone's tag.
    pub remote_tag: String,
    /// This side's name and address, without the tag.
    pub local: String,
    /// The telephone's, without the tag.
    pub remote: String,
    /// Where requests are addressed to.
    pub target: String,
    /// The proxies on the way, the nearest first.
    pub route_set: Vec<String>,
    /// The number of this side's last request when it was kept.
    pub local_seq: u32,
    /// The number of the telephone's last request.
    pub remote_seq: Option<u32>,
    /// `Event`, as its notifications repeat it.
    pub event: String,
    /// When it ends.
    pub expires: Time,
    /// How it goes to the telephone …
    pub transport: Transport,
    /// … and where that is.
    pub address: SocketAddr,
}

impl StandingSubscription {
    fn new(own: &Subscription) -> Self {
        let dialog = own.dialog.clone();
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
            event: own.event.clone(),
            expires: own.until,
            transport: own.route.transport,
            address: own.route.address,
        }
    }

    fn dialog(&self) -> Option<Dialog> {
        Some(Dialog {
            call_id: self.call_id.clone(),
            local_tag: self.local_tag.clone(),
            remote_tag: self.remote_tag.clone(),
            local: self.local.clone(),
            remote: self.remote.clone(),
            target: Uri::parse(&self.target).filter(|uri| uri.as_sip().is_some())?.into_owned(),
            route_set: self.route_set.clone(),
            // Numbers must rise, may have gaps, and stay below 2^31 (RFC 3261 sections 8.1.1.5 and 12.2.1.1).
            local_seq: self.local_seq.saturating_add(REQUESTS).min(u32::MAX >> 1),
            remote_seq: self.remote_seq,
        })
    }
}

impl UserAgent {
    /// What must be kept of the subscriptions of a telephone, in the order in which they were made.
    #[must_use]
    pub fn subscriptions(&self, peer: PeerId) -> Vec<StandingSubscription> {
        let lasting = self.summaries.of(peer).filter(|(_, own)| !own.over);
        lasting.map(|(_, own)| StandingSubscription::new(own)).collect()
    }

    /// Goes on with a subscription that a telephone had before a restart: it is told how it is now. Says whether it does: not when its time
    /// is over, or it makes no dialog.
    pub fn restore_subscription(&mut self, now: Time, peer: PeerId, kept: &StandingSubscription) -> bool {
        // What is kept is not how it stands any more, in any case.
        self.summaries.changed.insert(peer);
        let place = u32::try_from(self.summaries.len()).unwrap_or(u32::MAX);
        let own = self.peer(peer).is_some_and(|peer| peer.phone.is_some());
        let room = self.summaries.of(peer).count() < MOST;
        let way = self.config.local(kept.transport).map(|local| local.socket);
        let (Some(dialog), Some(socket), true) = (kept.dialog(), way, own && room && kept.expires > now)
        else {
            return false;
        };
        let route = Route { transport: kept.transport, socket, address: kept.address };
        // Its connection has ended with the user agent that had it.
        let adrift = kept.transport.is_reliable();
        let Some(id) = self.summaries.insert(Subscription {
            peer,
            dialog,
            route,
            event: kept.event.clone(),
            until: kept.expires,
            adrift,
            open: false,
            news: true,
            over: false,
        }) else {
            return false;
        };
        self.timers.set(Timer::Summary(id), kept.expires);
        if !adrift {
            self.timers.set(Timer::Told(id), now + PAUSE * place);
        }
        true
    }

    /// Ends a subscription that was kept and that nobody can go on with: its line is not there any more, or is another user's. A telephone
    /// that came by a connection cannot be told.
    pub fn end_subscription(&mut self, now: Time, kept: &StandingSubscription) {
        let way = self.config.local(kept.transport).map(|local| local.socket);
        let (Some(mut dialog), Some(socket)) = (kept.dialog(), way) else { return };
        if kept.transport.is_reliable() || kept.expires <= now {
            return;
        }
        let route = Route { transport: kept.transport, socket, address: kept.address };
        let mut notify = dialog.request(Method::Notify);
        notify.header.push(Name::Event, kept.event.clone());
        notify.header.push(Name::SubscriptionState, "terminated;reason=deactivated");
        notify.header.push(Name::Contact, self.contact(kept.transport, Secure::Sip));
        self.introduce(&mut notify);
        let sent_by = self.sent_by(kept.transport);
        let client = self.transactions.request(now, route, &sent_by, notify);
        self.by_client.insert(client, Purpose::Notice);
    }
}
