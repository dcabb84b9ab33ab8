//! Sessions of SIP as they are kept with the streams of calls that stand.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use strowger_exchange::{SipTransport, StandingSession};

/// What is kept of a session: what both sides share of it (RFC 3261 section 12, RFC 4028, RFC 3264 section 8).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionEntry {
    /// The `Call-ID`.
    pub call_id: String,
    /// The exchange's tag.
    pub local_tag: String,
    /// The peer's tag.
    pub remote_tag: String,
    /// The exchange's name and address.
    pub local: String,
    /// The peer's.
    pub remote: String,
    /// Where requests are addressed to.
    pub target: String,
    /// The proxies on the way, the nearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub route_set: Vec<String>,
    /// The number of the exchange's last request.
    pub local_seq: u32,
    /// The number of the peer's last request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_seq: Option<u32>,
    /// Whether the exchange has begun it.
    #[serde(default)]
    pub calls: bool,
    /// `udp`, `tcp` or `tls`.
    pub transport: String,
    /// Where the peer is.
    pub address: SocketAddr,
    /// Within how many seconds it must be refreshed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<u32>,
    /// Whether the exchange refreshes it.
    #[serde(default)]
    pub refreshes: bool,
    /// The identifier of the exchange's descriptions.
    pub description: u64,
    /// The version of the last.
    pub version: u64,
}

const TRANSPORTS: [SipTransport; 3] = [SipTransport::Udp, SipTransport::Tcp, SipTransport::Tls];

impl From<&StandingSession> for SessionEntry {
    fn from(session: &StandingSession) -> Self {
        let StandingSession { call_id, local_tag, remote_tag, local, remote, target, route_set, .. } =
            session.clone();
        Self {
            call_id,
            local_tag,
            remote_tag,
            local,
            remote,
            target,
            route_set,
            local_seq: session.local_seq,
            remote_seq: session.remote_seq,
            calls: session.calls,
            transport: session.transport.to_string(),
            address: session.address,
            interval: session.interval,
            refreshes: session.refreshes,
            description: session.description,
            version: session.version,
        }
    }
}

impl SessionEntry {
    pub(super) fn to_record(&self) -> Option<StandingSession> {
        let transport = TRANSPORTS.into_iter().find(|transport| transport.to_string() == self.transport)?;
        let Self { call_id, local_tag, remote_tag, local, remote, target, route_set, .. } = self.clone();
        Some(StandingSession {
            call_id,
            local_tag,
            remote_tag,
            local,
            remote,
            target,
            route_set,
            local_seq: self.local_seq,
            remote_seq: self.remote_seq,
            calls: self.calls,
            transport,
            address: self.address,
            interval: self.interval,
            refreshes: self.refreshes,
            description: self.description,
            version: self.version,
        })
    }
}
