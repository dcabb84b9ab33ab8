//! The one audio stream of a telephone connection (RFC 3435 section 3.4.1), as values.
//!
//! - [`codec`]: [`Codec`], [`CodecEntry`], the static payload types of RFC 3551.
//! - [`event`]: [`EventSet`], the events that a `telephone-event` format lists (RFC 4733).
//! - [`extended`]: [`ExtendedReports`], the formats of `a=rtcp-xr` (RFC 3611).
//! - [`read`]: [`AudioDescription::from_session`], with [`AudioFault`] when the stream cannot be used.
//! - [`write`](mod@write): [`AudioDescription::write`], strictly conformant.
//! - [`negotiate`]: offer and answer (RFC 3264), and the codec lists of RFC 3435 section 2.6.

use std::net::{IpAddr, SocketAddr};

pub mod codec;
pub mod direction;
pub mod event;
pub mod extended;
pub mod negotiate;
pub mod read;
pub mod write;

pub use codec::{Codec, CodecEntry, Purpose};
pub use direction::Direction;
pub use event::EventSet;
pub use extended::ExtendedReports;
pub use negotiate::{Agreement, NoCommonCodec, common};
pub use read::{AudioFault, AudioRule};

/// An audio stream over RTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioDescription {
    /// Where the describing side wants to receive.
    pub address: IpAddr,
    /// The RTP port; 0 when the stream is refused.
    pub port: u16,
    /// The formats, in order of preference. Formats without a known meaning (a dynamic payload type without `a=rtpmap`) are left out.
    pub codecs: Vec<CodecEntry>,
    /// Milliseconds in a packet that the describing side would like to receive; a fraction is dropped.
    pub ptime: Option<u16>,
    /// The most milliseconds in a packet.
    pub maxptime: Option<u16>,
    /// The direction, as the describing side sees it.
    pub direction: Direction,
    /// Where RTCP is received, when `a=rtcp` says so (RFC 3605); otherwise it is the port after [`AudioDescription::port`].
    pub rtcp: Option<SocketAddr>,
    /// The extended reports that the describing side wants (`a=rtcp-xr`, RFC 3611 section 5.1).
    pub extended_reports: ExtendedReports,
    /// The session identifier of the `o=` line; 0 when there is none or it is not a number.
    pub session_id: u64,
    /// The version of the `o=` line; 0 when there is none or it is not a number.
    pub version: u64,
}

impl AudioDescription {
    /// A stream to be received at `at`, both ways, with these codecs: an offer, or this side's means for an answer.
    #[must_use]
    pub fn new(at: SocketAddr, codecs: Vec<CodecEntry>) -> Self {
        Self {
            address: at.ip(),
            port: at.port(),
            codecs,
            ptime: None,
            maxptime: None,
            direction: Direction::SendRecv,
            rtcp: None,
            extended_reports: ExtendedReports::default(),
            session_id: 0,
            version: 0,
        }
    }

    /// Where RTP is to be sent.
    #[must_use]
    pub fn destination(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }

    /// Where RTCP is to be sent: as `a=rtcp` says, or the port after the one for RTP.
    #[must_use]
    pub fn rtcp_destination(&self) -> SocketAddr {
        self.rtcp.unwrap_or_else(|| SocketAddr::new(self.address, self.port.saturating_add(1)))
    }

    /// Whether the stream is refused or ended: port 0 (RFC 3264 sections 6 and 8.2).
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.port == 0
    }

    /// Whether nothing is to be sent because the address is `0.0.0.0` (or `::`), the old form of hold (RFC 3264 section 8.4).
    #[must_use]
    pub fn is_held_by_address(&self) -> bool {
        self.address.is_unspecified()
    }

    /// The format that speech is sent with: the first one that carries speech.
    #[must_use]
    pub fn speech(&self) -> Option<&CodecEntry> {
        self.codecs.iter().find(|entry| entry.is_speech())
    }

    /// The payload type of `telephone-event`, if it is listed.
    #[must_use]
    pub fn telephone_event(&self) -> Option<u8> {
        self.entry(&Codec::TelephoneEvent).map(|entry| entry.payload_type)
    }

    /// The first format with this codec.
    #[must_use]
    pub fn entry(&self, codec: &Codec) -> Option<&CodecEntry> {
        self.codecs.iter().find(|entry| entry.codec == *codec)
    }

    /// What a payload type means in this stream.
    #[must_use]
    pub fn payload(&self, payload_type: u8) -> Option<&CodecEntry> {
        self.codecs.iter().find(|entry| entry.payload_type == payload_type)
    }
}
