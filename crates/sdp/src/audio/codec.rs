//! Formats of an audio stream: names, payload types, clocks (RFC 3551 section 6; RFC 4733 for telephone events).

use std::fmt;

/// What a payload type carries.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// G.711 with the mu law.
    Pcmu,
    /// G.711 with the A law.
    Pcma,
    /// G.722. Its clock is written as 8000 although it samples at 16000 (RFC 3551 section 4.5.2).
    G722,
    /// DTMF and other telephone events (RFC 4733).
    TelephoneEvent,
    /// Comfort noise (RFC 3389).
    ComfortNoise,
    /// Another, by its name as it was written.
    Other(String),
}

impl Codec {
    /// The codec with this encoding name; names have no case (RFC 4855 section 3).
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        for (known, codec) in [
            ("PCMU", Self::Pcmu),
            ("PCMA", Self::Pcma),
            ("G722", Self::G722),
            ("telephone-event", Self::TelephoneEvent),
            ("CN", Self::ComfortNoise),
        ] {
            if known.eq_ignore_ascii_case(name) {
                return codec;
            }
        }
        Self::Other(name.to_owned())
    }

    /// The encoding name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
            Self::G722 => "G722",
            Self::TelephoneEvent => "telephone-event",
            Self::ComfortNoise => "CN",
            Self::Other(name) => name,
        }
    }

    /// Whether it carries speech: not events or noise alone.
    #[must_use]
    pub fn is_speech(&self) -> bool {
        match self {
            Self::TelephoneEvent | Self::ComfortNoise => false,
            // Redundancy and tones wrap or replace speech, but are not a format to speak in.
            Self::Other(name) => !["red", "tone"].iter().any(|wrapper| wrapper.eq_ignore_ascii_case(name)),
            Self::Pcmu | Self::Pcma | Self::G722 => true,
        }
    }

    /// Whether both are the same encoding; names have no case.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.name().eq_ignore_ascii_case(other.name())
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a format is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Whatever its codec is for.
    #[default]
    Usual,
    /// Voiceband data alone: modems and fax machines (`a=gpmd` with `vbd=yes`, ITU-T V.152). Who sends under it says that the sound is theirs.
    VoicebandData,
}

/// One format of a stream.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodecEntry {
    /// The RTP payload type, 0 to 127.
    pub payload_type: u8,
    /// What it carries.
    pub codec: Codec,
    /// Ticks of the RTP clock in a second.
    pub clock: u32,
    /// Channels.
    pub channels: u8,
    /// The parameters of `a=fmtp`, as they are written.
    pub fmtp: Option<String>,
    /// What it is for.
    pub purpose: Purpose,
}

impl CodecEntry {
    /// A format with one channel and the clock of 8000 that telephony has.
    #[must_use]
    pub fn new(payload_type: u8, codec: Codec) -> Self {
        Self { payload_type, codec, clock: 8000, channels: 1, fmtp: None, purpose: Purpose::Usual }
    }

    /// G.711 mu law at its own payload type, 0.
    #[must_use]
    pub fn pcmu() -> Self {
        Self::new(0, Codec::Pcmu)
    }

    /// G.711 A law at its own payload type, 8.
    #[must_use]
    pub fn pcma() -> Self {
        Self::new(8, Codec::Pcma)
    }

    /// G.722 at its own payload type, 9.
    #[must_use]
    pub fn g722() -> Self {
        Self::new(9, Codec::G722)
    }

    /// The sixteen DTMF events at a dynamic payload type (RFC 4733 section 2.4).
    #[must_use]
    pub fn telephone_event(payload_type: u8) -> Self {
        Self { fmtp: Some("0-15".to_owned()), ..Self::new(payload_type, Codec::TelephoneEvent) }
    }

    /// What a payload type means without `a=rtpmap` (RFC 3551 table 4).
    #[must_use]
    pub fn from_static(payload_type: u8) -> Option<Self> {
        let (_, name, clock, channels) = STATIC.iter().find(|row| row.0 == payload_type)?;
        Some(Self {
            payload_type,
            codec: Codec::from_name(name),
            clock: *clock,
            channels: *channels,
            fmtp: None,
            purpose: Purpose::Usual,
        })
    }

    /// The same format for voiceband data alone.
    #[must_use]
    pub fn for_data(self) -> Self {
        Self { purpose: Purpose::VoicebandData, ..self }
    }

    /// Whether it is for voiceband data alone.
    #[must_use]
    pub fn is_for_data(&self) -> bool {
        self.purpose == Purpose::VoicebandData
    }

    /// Whether people can speak in it.
    #[must_use]
    pub fn is_speech(&self) -> bool {
        self.codec.is_speech() && !self.is_for_data()
    }

    /// Whether both are the same format, at whatever payload types.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.codec.matches(&other.codec)
            && self.clock == other.clock
            && self.channels == other.channels
            && self.purpose == other.purpose
    }
}

/// RFC 3551 table 4: payload type, encoding name, clock, channels.
const STATIC: &[(u8, &str, u32, u8)] = &[
    (0, "PCMU", 8000, 1),
    (3, "GSM", 8000, 1),
    (4, "G723", 8000, 1),
    (5, "DVI4", 8000, 1),
    (6, "DVI4", 16000, 1),
    (7, "LPC", 8000, 1),
    (8, "PCMA", 8000, 1),
    (9, "G722", 8000, 1),
    (10, "L16", 44100, 2),
    (11, "L16", 44100, 1),
    (12, "QCELP", 8000, 1),
    (13, "CN", 8000, 1),
    (14, "MPA", 90000, 1),
    (15, "G728", 8000, 1),
    (16, "DVI4", 11025, 1),
    (17, "DVI4", 22050, 1),
    (18, "G729", 8000, 1),
];
