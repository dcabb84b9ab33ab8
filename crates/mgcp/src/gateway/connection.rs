//! A connection: what the call agent asked for, what was agreed, and how it is described (RFC 3435 sections 2.1.3 and 2.6).

use std::net::SocketAddr;

use strowger_sansio::Duration;
use strowger_sdp::{AudioDescription, ImageDescription};

use super::fax::{self, FaxHandling};
use super::media::{ConnectionHandle, MediaSpec};
use super::options::Options;
use super::remote::Remote;
use crate::message::{CallIdBuf, ConnectionIdBuf};

/// The first payload type without a meaning of its own: RFC 3551 section 3.
const FIRST_DYNAMIC: u8 = 96;

/// Which network a connection is described on. Below, all of them carry packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Network {
    /// `IN`.
    Internet,
    /// `LOCAL`, with the local name of its endpoint.
    Local(String),
}

/// Whether a modification is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// None: it is as it is described here.
    None,
    /// One that the plane has not finished (`pending`).
    UnderWay,
}

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
    /// How it is described.
    pub(super) network: Network,
    /// The identifier of the session in the `o=` line.
    pub(super) session: u64,
    /// The version in the `o=` line: grows with each change.
    pub(super) version: u64,
    /// The remote description as it came, and what it says.
    pub(super) remote: Option<Remote>,
    pub(super) change: Change,
}

impl Connection {
    /// The local description, as it stands now.
    pub(super) fn description(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.describe(&mut out);
        out
    }

    /// Appends the local description.
    pub(super) fn describe(&self, out: &mut Vec<u8>) {
        match (self.image(), &self.network) {
            // RFC 3435 has no form for an image within the gateway.
            (Some(image), _) => out.extend_from_slice(&image.to_bytes()),
            (None, Network::Internet) => self.audio().write(out),
            (None, Network::Local(endpoint)) => {
                out.extend_from_slice(&self.local_description(endpoint));
                return;
            }
        }
        if self.spec.fax == FaxHandling::T38 {
            out.extend_from_slice(fax::capabilities(&self.spec).as_bytes());
        }
    }

    /// A connection within the gateway: RFC 3435 section 3.4.2.
    fn local_description(&self, endpoint: &str) -> Vec<u8> {
        let formats: Vec<_> = self.spec.codecs.iter().map(|entry| entry.payload_type.to_string()).collect();
        let Self { session, version, id, .. } = self;
        let mut text = format!(
            "v=0\r\no=- {session} {version} LOCAL EPN {endpoint}\r\ns=-\r\nc=LOCAL EPN {endpoint}\r\nt=0 0\r\n\
             a=MGCPlocalcx:{}\r\nm=audio 0 LOCAL {}\r\n",
            id.as_str(),
            formats.join(" ")
        );
        // As with RTP, numbers that mean nothing by themselves are explained.
        for entry in self.spec.codecs.iter().filter(|entry| entry.payload_type >= FIRST_DYNAMIC) {
            text += &format!("a=rtpmap:{} {}/{}\r\n", entry.payload_type, entry.codec.name(), entry.clock);
        }
        text.into_bytes()
    }

    /// What it receives, and where, when that is an image stream.
    pub(super) fn image(&self) -> Option<ImageDescription> {
        let mut image = ImageDescription::new(self.local, self.spec.image.clone()?);
        image.session_id = self.session;
        image.version = self.version;
        Some(image)
    }

    /// What it receives, and where, when that is an audio stream.
    pub(super) fn audio(&self) -> AudioDescription {
        let mut audio = AudioDescription::new(self.local, self.spec.codecs.clone());
        audio.ptime = Some(millis(self.spec.packetization));
        // Both sides then send what both understand.
        audio.extended_reports = self.spec.extended_reports;
        audio.session_id = self.session;
        audio.version = self.version;
        audio
    }

    /// Whether a change to `spec` changes what the local description says.
    pub(super) fn describes_otherwise(&self, spec: &MediaSpec) -> bool {
        if self.spec.image.is_some() && spec.image.is_some() {
            return self.spec.image != spec.image || self.spec.fax != spec.fax;
        }
        self.spec.image != spec.image
            || self.spec.fax != spec.fax
            || self.spec.codecs != spec.codecs
            || self.spec.packetization != spec.packetization
            || self.spec.extended_reports != spec.extended_reports
    }
}

/// A packetisation period as descriptions and options write it.
pub(super) fn millis(period: Duration) -> u16 {
    u16::try_from(period.as_millis()).unwrap_or(u16::MAX)
}
