//! What telephones have subscribed to, as it is kept: a start of the exchange goes on telling them.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use strowger_exchange::{SipTransport, StandingSubscription, Subscriptions};

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
    /// The `Call-ID`.
    pub call_id: String,
    /// The exchange's tag.
    pub local_tag: String,
    /// The telephone's tag.
    pub remote_tag: String,
    /// The exchange's name and address.
    pub local: String,
    /// The telephone's.
    pub remote: String,
    /// Where requests are addressed to.
    pub target: String,
    /// The proxies on the way, the nearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub route_set: Vec<String>,
    /// The number of the exchange's last request.
    pub local_seq: u32,
    /// The number of the telephone's last request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_seq: Option<u32>,
    /// How it is reached: `udp`, `tcp` or `tls` …
    pub transport: String,
    /// … and where.
    pub address: SocketAddr,
}

const TRANSPORTS: [SipTransport; 3] = [SipTransport::Udp, SipTransport::Tcp, SipTransport::Tls];

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
        let one = one.clone();
        Self {
            event: one.event,
            expires: wall.exact_stamp(one.expires),
            call_id: one.call_id,
            local_tag: one.local_tag,
            remote_tag: one.remote_tag,
            local: one.local,
            remote: one.remote,
            target: one.target,
            route_set: one.route_set,
            local_seq: one.local_seq,
            remote_seq: one.remote_seq,
            transport: one.transport.to_string(),
            address: one.address,
        }
    }

    fn to_record(&self, wall: &Wall) -> Option<StandingSubscription> {
        let own = self.clone();
        Some(StandingSubscription {
            expires: wall.time(parse_stamp(&own.expires)?),
            transport: TRANSPORTS.into_iter().find(|transport| transport.to_string() == own.transport)?,
            event: own.event,
            call_id: own.call_id,
            local_tag: own.local_tag,
            remote_tag: own.remote_tag,
            local: own.local,
            remote: own.remote,
            target: own.target,
            route_set: own.route_set,
            local_seq: own.local_seq,
            remote_seq: own.remote_seq,
            address: own.address,
        })
    }
}
