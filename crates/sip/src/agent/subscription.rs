//! Subscriptions that outlive their user agent: what must be kept of one, and how another goes on from that (RFC 6665 section 4.2.2).
//!
//! Who goes on speaks first: a NOTIFY says how it is now and where this side is. A telephone that came by a connection is told when it
//! is back by another. A subscription that nobody can go on with any more is ended by a last NOTIFY, so that the telephone subscribes anew
//! (section 4.1.3: `deactivated`).

use strowger_sansio::{Duration, Time};

use super::standing::StandingDialog;
use super::summary::{MOST, Subscription};
use super::{PeerId, Purpose, Timer, UserAgent};
use crate::message::{Method, Name, Secure};
use crate::transport::Route;

/// How long behind each other subscriptions are gone on with: ten thousand of them are no burst.
const PAUSE: Duration = Duration::from_millis(2);

/// What must be kept of a subscription to `message-summary`: the dialog (RFC 3261 section 12), and until when it lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingSubscription {
    /// Its dialog, and the way to the telephone.
    pub dialog: StandingDialog,
    /// `Event`, as its notifications repeat it.
    pub event: String,
    /// When it ends.
    pub expires: Time,
}

impl StandingSubscription {
    fn new(own: &Subscription) -> Self {
        let dialog = StandingDialog::new(&own.dialog, own.route);
        Self { dialog, event: own.event.clone(), expires: own.until }
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
        let way = self.config.local(kept.dialog.transport).map(|local| local.socket);
        let (Some(dialog), Some(socket), true) =
            (kept.dialog.restored(), way, own && room && kept.expires > now)
        else {
            return false;
        };
        let route = Route { transport: kept.dialog.transport, socket, address: kept.dialog.address };
        // Its connection has ended with the user agent that had it.
        let adrift = kept.dialog.transport.is_reliable();
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
        let way = self.config.local(kept.dialog.transport).map(|local| local.socket);
        let (Some(mut dialog), Some(socket)) = (kept.dialog.restored(), way) else { return };
        if kept.dialog.transport.is_reliable() || kept.expires <= now {
            return;
        }
        let route = Route { transport: kept.dialog.transport, socket, address: kept.dialog.address };
        let mut notify = dialog.request(Method::Notify);
        notify.header.push(Name::Event, kept.event.clone());
        notify.header.push(Name::SubscriptionState, "terminated;reason=deactivated");
        notify.header.push(Name::Contact, self.contact(kept.dialog.transport, Secure::Sip));
        self.introduce(&mut notify);
        let sent_by = self.sent_by(kept.dialog.transport);
        let client = self.transactions.request(now, route, &sent_by, notify);
        self.by_client.insert(client, Purpose::Notice);
    }
}
