//! A connection: what the call agent asked for, what was agreed, and how it is described (RFC 3435 sections 2.1.3 and 2.6).

use std::net::SocketAddr;

use strowger_sansio::Duration;
use strowger_sdp::{AudioDescription, ImageDescription};

use super::media::{ConnectionHandle, MediaSpec};
use super::options::Options;
use super::remote::Remote;
use crate::message::{CallIdBuf, ConnectionIdBuf};

/// One connection of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Connection {
    pub(super) handle: ConnectionHandle,
    pub(super) id: ConnectionIdBuf,
    /// The call that it belongs to.
    pub(super) call: CallIdBuf,
    /// The options given so far; what a later command does not mention stays.
    pub(super) options: Options,
    /// What the plane was told.
    pub(super) spec: MediaSpec,
    /// Where the plane receives.
    pub(super) local: SocketAddr,
    /// The identifier of the session in the `o=` line.
    pub(super) session: u64,
    /// The version in the `o=` line: grows with each change.
    pub(super) version: u64,
    /// The remote description as it came, and what it says.
    pub(super) remote: Option<Remote>,
}

impl Connection {
    /// The local description, as it stands now.
    pub(super) fn description(&self) -> Vec<u8> {
        if let Some(t38) = &self.spec.image {
            let mut image = ImageDescription::new(self.local, t38.clone());
            image.session_id = self.session;
            image.version = self.version;
            return image.to_bytes();
        }
        let mut audio = AudioDescription::new(self.local, self.spec.codecs.clone());
        audio.ptime = Some(millis(self.spec.packetization));
        // Both sides then send what both understand.
        audio.extended_reports = self.spec.extended_reports;
        audio.session_id = self.session;
        audio.version = self.version;
        audio.to_bytes()
    }

    /// Whether a change to `spec` changes what the local description says.
    pub(super) fn describes_otherwise(&self, spec: &MediaSpec) -> bool {
        if self.spec.image.is_some() && spec.image.is_some() {
            return self.spec.image != spec.image;
        }
        self.spec.image != spec.image
            || self.spec.codecs != spec.codecs
            || self.spec.packetization != spec.packetization
            || self.spec.extended_reports != spec.extended_reports
    }
}

/// A packetisation period as descriptions and options write it.
pub(super) fn millis(period: Duration) -> u16 {
    u16::try_from(period.as_millis()).unwrap_or(u16::MAX)
}
