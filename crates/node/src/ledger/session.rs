//! Sessions of SIP as they are kept with the streams of calls that stand.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use strowger_exchange::{SipTransport, StandingDialog, StandingSession};

/// What is kept of a dialog, and of the way to the peer (RFC 3261 section 12). Its members stand among those of what it is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DialogEntry {
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
    /// `udp`, `tcp` or `tls`.
    pub transport: String,
    /// Where the peer is.
    pub address: SocketAddr,
}

const TRANSPORTS: [SipTransport; 3] = [SipTransport::Udp, SipTransport::Tcp, SipTransport::Tls];

impl From<&StandingDialog> for DialogEntry {
    fn from(dialog: &StandingDialog) -> Self {
        let dialog = dialog.clone();
        Self {
            call_id: dialog.call_id,
            local_tag: dialog.local_tag,
            remote_tag: dialog.remote_tag,
            local: dialog.local,
            remote: dialog.remote,
            target: dialog.target,
            route_set: dialog.route_set,
            local_seq: dialog.local_seq,
            remote_seq: dialog.remote_seq,
            transport: dialog.transport.to_string(),
            address: dialog.address,
        }
    }
}

impl DialogEntry {
    /// The dialog; none of a transport that is not known.
    pub(super) fn to_record(&self) -> Option<StandingDialog> {
        let transport = TRANSPORTS.into_iter().find(|transport| transport.to_string() == self.transport)?;
        let own = self.clone();
        Some(StandingDialog {
            call_id: own.call_id,
            local_tag: own.local_tag,
            remote_tag: own.remote_tag,
            local: own.local,
            remote: own.remote,
            target: own.target,
            route_set: own.route_set,
            local_seq: own.local_seq,
            remote_seq: own.remote_seq,
            transport,
            address: own.address,
        })
    }
}

/// What is kept of a session: what both sides share of it (RFC 3261 section 12, RFC 4028, RFC 3264 section 8).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionEntry {
    /// Its dialog.
    #[serde(flatten)]
    pub dialog: DialogEntry,
    /// Whether the exchange has begun it.
    #[serde(default)]
    pub calls: bool,
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

impl From<&StandingSession> for SessionEntry {
    fn from(session: &StandingSession) -> Self {
        Self {
            dialog: (&session.dialog).into(),
            calls: session.calls,
            interval: session.interval,
            refreshes: session.refreshes,
            description: session.description,
            version: session.version,
        }
    }
}

impl SessionEntry {
    pub(super) fn to_record(&self) -> Option<StandingSession> {
        Some(StandingSession {
            dialog: self.dialog.to_record()?,
            calls: self.calls,
            interval: self.interval,
            refreshes: self.refreshes,
            description: self.description,
            version: self.version,
        })
    }
}
