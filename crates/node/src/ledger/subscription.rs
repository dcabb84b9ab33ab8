//! What telephones have subscribed to, as it is kept: a start of the exchange goes on telling them.

use serde::{Deserialize, Serialize};
use strowger_exchange::{StandingSubscription, Subscriptions};

use super::session::DialogEntry;
use crate::clock::{Wall, parse_stamp};

/// What the keys of subscriptions begin with.
pub(super) const SUBSCRIPTION: &str = "subscription/";

/// The key of what the telephone of a line has subscribed to.
pub(super) fn subscription_key(line: &str) -> String {
    format!("{SUBSCRIPTION}{line}")
}

/// What the telephone of a line has subscribed to; the line is in the key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionsEntry {
    /// The user that it registers as.
    pub user: String,
    /// Since when it is so: RFC 3339, UTC.
    pub since: String,
    /// Each of them.
    #[serde(default)]
    pub subscriptions: Vec<SubscriptionEntry>,
}

/// One subscription: what both sides share of it (RFC 3261 section 12, RFC 6665).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionEntry {
    /// `Event`.
    pub event: String,
    /// When it ends: RFC 3339, UTC, to the nanosecond.
    pub expires: String,
    /// Its dialog.
    #[serde(flatten)]
    pub dialog: DialogEntry,
}

impl SubscriptionsEntry {
    /// The record with wall times.
    #[must_use]
    pub fn new(record: &Subscriptions, wall: &Wall) -> Self {
        let subscriptions = record.all.iter().map(|one| SubscriptionEntry::new(one, wall)).collect();
        Self { user: record.user.clone(), since: wall.stamp(record.at), subscriptions }
    }

    /// The record on the engines' clock, of the subscriptions that are legible.
    #[must_use]
    pub fn to_record(&self, line: &str, wall: &Wall) -> Subscriptions {
        let all = self.subscriptions.iter().filter_map(|one| one.to_record(wall)).collect();
        Subscriptions { at: wall.now(), line: line.to_owned(), user: self.user.clone(), all }
    }
}

impl SubscriptionEntry {
    fn new(one: &StandingSubscription, wall: &Wall) -> Self {
        let expires = wall.exact_stamp(one.expires);
        Self { event: one.event.clone(), expires, dialog: (&one.dialog).into() }
    }

    fn to_record(&self, wall: &Wall) -> Option<StandingSubscription> {
        let (dialog, expires) = (self.dialog.to_record()?, wall.time(parse_stamp(&self.expires)?));
        Some(StandingSubscription { dialog, event: self.event.clone(), expires })
    }
}
