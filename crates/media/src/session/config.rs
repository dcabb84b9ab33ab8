//! What a session is told by signalling: formats both ways, packet time, where to send, whom to believe.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use strowger_sansio::SocketId;

use crate::coding::Coding;
use crate::frame::FRAME_TIME;
use crate::g711::Law;
use crate::jitter::PlayoutConfig;
use crate::rtp;

/// What a payload type stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PayloadFormat {
    /// G.711, one octet a sample.
    G711(Law),
    /// G.722 at 64 kbit/s: 16 kHz, but with an RTP clock of 8 kHz (RFC 3551 section 4.5.2), an octet a tick.
    G722,
    /// Telephone events (RFC 4733).
    TelephoneEvent,
    /// Comfort noise (RFC 3389).
    ComfortNoise,
    /// Any other format with an 8 kHz RTP clock: counted and relayed, never decoded. The number is the caller's and
    /// says which formats are equal.
    Opaque(u8),
}

impl PayloadFormat {
    /// mu-law.
    pub const PCMU: Self = Self::G711(Law::Mu);
    /// A-law.
    pub const PCMA: Self = Self::G711(Law::A);

    /// How its sound is coded; none of a format that carries no sound, or none that is decoded.
    #[must_use]
    pub const fn coding(self) -> Option<Coding> {
        match self {
            Self::G711(law) => Some(Coding::G711(law)),
            Self::G722 => Some(Coding::G722),
            Self::TelephoneEvent | Self::ComfortNoise | Self::Opaque(_) => None,
        }
    }
}

/// A payload type and what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Payload {
    /// The payload type, 0 to 127.
    pub number: u8,
    /// Its format.
    pub format: PayloadFormat,
}

impl Payload {
    /// mu-law under its static number (RFC 3551).
    pub const PCMU: Self = Self { number: rtp::PCMU, format: PayloadFormat::PCMU };
    /// A-law under its static number (RFC 3551).
    pub const PCMA: Self = Self { number: rtp::PCMA, format: PayloadFormat::PCMA };
    /// G.722 under its static number (RFC 3551).
    pub const G722: Self = Self { number: rtp::G722, format: PayloadFormat::G722 };

    /// Comfort noise under its static number (RFC 3551).
    pub const COMFORT_NOISE: Self = Self { number: rtp::COMFORT_NOISE, format: PayloadFormat::ComfortNoise };

    /// Telephone events under the number that signalling chose.
    #[must_use]
    pub const fn telephone_event(number: u8) -> Self {
        Self { number, format: PayloadFormat::TelephoneEvent }
    }
}

/// How much sound a packet carries: 10 to 60 ms, in whole frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PacketTime(u8);

impl PacketTime {
    /// The default of RFC 3551 section 4.2: 20 ms.
    pub const DEFAULT: Self = Self(2);

    /// The packet time nearest to `millis` that is a whole number of frames, from 10 to 60 ms. RFC 3435 wants a gateway to choose a
    /// near value instead of refusing one.
    #[must_use]
    pub const fn nearest(millis: u32) -> Self {
        match millis {
            0..15 => Self(1),
            15..55 => Self(((millis + 5) / 10) as u8),
            _ => Self(6),
        }
    }

    /// Frames in a packet, 1 to 6.
    #[must_use]
    pub const fn frames(self) -> u32 {
        self.0 as u32
    }

    /// The time in milliseconds.
    #[must_use]
    pub const fn millis(self) -> u32 {
        self.frames() * 10
    }

    /// The time.
    #[must_use]
    pub fn duration(self) -> Duration {
        FRAME_TIME * self.frames()
    }
}

impl Default for PacketTime {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Whose packets are media of this session. Everything else is thrown away unread and counted: media taken from anyone lets a stranger
/// speak into a call, or have it sent to himself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourcePolicy {
    /// Nobody's: the far end is not known yet.
    Closed,
    /// Those of the address that signalling gave.
    Signalled(SocketAddr),
    /// Those of the first address that sends two packets of the session in sequence, from then on; for a far end behind address
    /// translation.
    LatchOnce,
    /// As `LatchOnce`, but only within this host: its address is known and only its port is not.
    LatchPort(IpAddr),
}

/// Whether silence is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SilenceSuppression {
    /// Silence is sent like any other sound.
    #[default]
    Off,
    /// Silence is not sent (RFC 3551 section 4.1); the first packet after it carries the marker. When the far end takes comfort noise, it is
    /// told the level of the silence.
    On,
}

/// Extended reports that the far end's description asks for with `a=rtcp-xr` (RFC 3611 section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ExtendedReports {
    /// VoIP metrics of what is received.
    pub voip_metrics: bool,
    /// The wall clock of a receiver, so that it learns the round trip, and the echo of the far end's.
    pub round_trip: bool,
}

/// What is heard of received telephone events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum EventPlayout {
    /// The tones that they stand for: right for a line, whose subscriber or device expects to hear them.
    #[default]
    Tones,
    /// Nothing: right where the events themselves are used.
    Silence,
}

/// Everything that signalling decides about a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionConfig {
    /// The formats that the far end may send, under the numbers that this end announced.
    pub receives: Vec<Payload>,
    /// The formats that the far end takes, under the numbers that it announced; sound is sent in the first that
    /// carries it, events as telephone events if they are in the list and as sound if not.
    pub sends: Vec<Payload>,
    /// What the sound of modems is sent as, when both ends have a format for it (ITU-T V.152); its number is not among those of `sends`. Without one
    /// the first format of `sends` that keeps the waveform serves.
    pub data: Option<Payload>,
    /// How much sound a sent packet carries.
    pub packet_time: PacketTime,
    /// Whose packets are taken.
    pub source: SourcePolicy,
    /// Where packets are sent; a latched source takes its place.
    pub remote: Option<SocketAddr>,
    /// Where RTCP is sent, when not to the port above `remote` (RFC 3605).
    pub remote_rtcp: Option<SocketAddr>,
    /// The socket that RTP leaves from.
    pub rtp_socket: SocketId,
    /// The socket that RTCP leaves from.
    pub rtcp_socket: SocketId,
    /// The canonical name of this end in RTCP (RFC 3550 section 6.5.1), `user@host` or `host`; cut at 255 octets.
    pub cname: Arc<str>,
    /// Whether silence is sent.
    pub silence: SilenceSuppression,
    /// What is heard of received telephone events.
    pub event_playout: EventPlayout,
    /// Which extended reports (RFC 3611) the far end wants.
    pub extended_reports: ExtendedReports,
    /// Bounds of the play-out delay.
    pub playout: PlayoutConfig,
    /// The wall clock at the origin of [`Time`](strowger_sansio::Time), as a 64-bit NTP timestamp; zero when the host does not know it,
    /// as RFC 3550 section 6.4.1 allows.
    pub ntp_origin: u64,
}

impl SessionConfig {
    /// A session with these formats both ways, with the far end not known yet.
    #[must_use]
    pub fn new(payloads: &[Payload]) -> Self {
        Self::of(payloads.to_vec(), payloads.to_vec(), Arc::from("strowger"))
    }

    /// The same with formats for each way, and the name of this end.
    #[must_use]
    pub fn of(receives: Vec<Payload>, sends: Vec<Payload>, cname: Arc<str>) -> Self {
        Self {
            receives,
            sends,
            data: None,
            packet_time: PacketTime::DEFAULT,
            source: SourcePolicy::Closed,
            remote: None,
            remote_rtcp: None,
            rtp_socket: SocketId::MAIN,
            rtcp_socket: SocketId(1),
            cname,
            silence: SilenceSuppression::default(),
            event_playout: EventPlayout::default(),
            extended_reports: ExtendedReports::default(),
            playout: PlayoutConfig::default(),
            ntp_origin: 0,
        }
    }

    /// The same with the far end at `remote`: packets go there, and only its packets are taken.
    #[must_use]
    pub fn toward(mut self, remote: SocketAddr) -> Self {
        self.remote = Some(remote);
        self.source = SourcePolicy::Signalled(remote);
        self
    }
}

/// The one spelling of an address: an IPv4 address mapped into IPv6 is the IPv4 address.
#[must_use]
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// So many formats have room in a session; more are rare.
const FEW: usize = 8;

/// Formats by payload type. Of the 128 few are agreed on: to look through these touches less memory than a table of all.
#[derive(Clone, Debug)]
pub(super) struct PayloadTable {
    few: [Option<Payload>; FEW],
    more: Vec<Payload>,
    voice: Option<(u8, Coding)>,
    events: Option<u8>,
}

impl PayloadTable {
    pub(super) fn new(payloads: &[Payload]) -> Self {
        let mut table = Self { few: [None; FEW], more: Vec::new(), voice: None, events: None };
        for payload in payloads {
            table.put(*payload);
            if let Some(coding) = payload.format.coding() {
                table.voice = table.voice.or(Some((payload.number, coding)));
            }
            if payload.format == PayloadFormat::TelephoneEvent {
                table.events = table.events.or(Some(payload.number));
            }
        }
        table
    }

    /// A number stands for the format that was given it last.
    fn put(&mut self, payload: Payload) {
        if payload.number >= 128 {
            return;
        }
        let is_it = |entry: &Payload| entry.number == payload.number;
        let known = self.few.iter_mut().flatten().chain(&mut self.more).find(|entry| is_it(entry));
        if let Some(known) = known {
            *known = payload;
        } else if let Some(free) = self.few.iter_mut().find(|entry| entry.is_none()) {
            *free = Some(payload);
        } else {
            self.more.push(payload);
        }
    }

    /// In the order in which they were given.
    #[inline]
    fn entries(&self) -> impl Iterator<Item = Payload> {
        self.few.iter().map_while(|entry| *entry).chain(self.more.iter().copied())
    }

    #[inline]
    pub(super) fn format(&self, number: u8) -> Option<PayloadFormat> {
        self.entries().find(|payload| payload.number == number).map(|payload| payload.format)
    }

    /// The number under which a format goes; the first when there are several.
    #[inline]
    pub(super) fn number_of(&self, format: PayloadFormat) -> Option<u8> {
        match (format, self.voice) {
            (PayloadFormat::TelephoneEvent, _) => self.events,
            (format, Some((number, voice))) if format.coding() == Some(voice) => Some(number),
            _ => self.entries().find(|payload| payload.format == format).map(|payload| payload.number),
        }
    }

    /// The payload type of telephone events.
    pub(super) const fn events(&self) -> Option<u8> {
        self.events
    }

    /// The format in which data of modems is sent: the first that keeps the waveform.
    pub(super) fn waveform(&self) -> Option<(u8, Coding)> {
        match self.voice {
            Some((_, Coding::G711(_))) => self.voice,
            _ => self.entries().find_map(|payload| match payload.format {
                PayloadFormat::G711(law) => Some((payload.number, Coding::G711(law))),
                _ => None,
            }),
        }
    }

    /// The format in which sound is sent.
    pub(super) const fn voice(&self) -> Option<(u8, Coding)> {
        self.voice
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_time_is_the_nearest_whole_number_of_frames() {
        let millis = |asked| PacketTime::nearest(asked).millis();
        assert_eq!(
            [0, 10, 14, 15, 20, 25, 30, 54, 55, 60, 90, u32::MAX].map(millis),
            [10, 10, 10, 20, 20, 30, 30, 50, 60, 60, 60, 60]
        );
    }

    #[test]
    fn the_first_of_several_formats_is_spoken() {
        let table = PayloadTable::new(&[Payload::telephone_event(101), Payload::PCMA, Payload::PCMU]);
        assert_eq!(table.voice(), Some((8, Coding::G711(Law::A))));
        assert_eq!(table.number_of(PayloadFormat::PCMU), Some(0));
        assert_eq!(table.number_of(PayloadFormat::Opaque(9)), None);
        assert_eq!(table.events(), Some(101));
        assert_eq!(table.format(101), Some(PayloadFormat::TelephoneEvent));
        assert_eq!(table.format(200), None);
    }
}
