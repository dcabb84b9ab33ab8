//! The protocols that can be shown and explained.

use std::fmt;

use serde::Serialize;

/// A protocol on the wire. Others join with the crates that decode them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Protocol {
    /// MGCP (RFC 3435).
    Mgcp,
    /// Megaco (H.248.1, RFC 3525), text and binary.
    Megaco,
    /// SIP (RFC 3261).
    Sip,
    /// A session description on its own (RFC 8866).
    Sdp,
    /// Media (RFC 3550).
    Rtp,
    /// Its control protocol (RFC 3550 section 6).
    Rtcp,
    /// WAP Push: connectionless WSP (WAP-230), UDP 2948.
    Push,
    /// A message of MMS on its own.
    Mms,
    /// The user data of a short message that has a header (3GPP TS 23.040).
    Sms,
}

impl Protocol {
    /// All protocols.
    pub const ALL: &'static [Self] = &[
        Self::Mgcp,
        Self::Megaco,
        Self::Sip,
        Self::Sdp,
        Self::Rtp,
        Self::Rtcp,
        Self::Push,
        Self::Mms,
        Self::Sms,
    ];

    /// The name in commands and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mgcp => "mgcp",
            Self::Megaco => "megaco",
            Self::Sip => "sip",
            Self::Sdp => "sdp",
            Self::Rtp => "rtp",
            Self::Rtcp => "rtcp",
            Self::Push => "push",
            Self::Mms => "mms",
            Self::Sms => "sms",
        }
    }

    /// The protocol of a datagram by the ports that it came from and went to, where one of them is registered: MGCP on 2427 and
    /// 2727; Megaco on 2944 and 2945; SIP on 5060; WAP Push on 2948, at the handset, and 9200, at the gateway.
    #[must_use]
    pub fn of_ports(one: u16, other: u16) -> Option<Self> {
        let of = |port| match port {
            2427 | 2727 => Some(Self::Mgcp),
            2944 | 2945 => Some(Self::Megaco),
            5060 => Some(Self::Sip),
            2948 | 9200 => Some(Self::Push),
            _ => None,
        };
        of(one).or_else(|| of(other))
    }

    /// The protocol with this name, in either case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|protocol| protocol.name().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mgcp => "MGCP",
            Self::Megaco => "Megaco",
            Self::Sip => "SIP",
            Self::Sdp => "SDP",
            Self::Rtp => "RTP",
            Self::Rtcp => "RTCP",
            Self::Push => "WAP Push",
            Self::Mms => "MMS",
            Self::Sms => "SMS",
        })
    }
}
