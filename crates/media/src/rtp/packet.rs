//! The RTP data packet: RFC 3550 section 5.1 and 5.3.1, with the checks of Appendix A.1.
//!
//! Decoding borrows from the datagram and allocates nothing. Limits: the encoder writes no extension, as RFC 3551 defines none.

use std::fmt;

/// Octets of the fixed header.
pub const HEADER_LEN: usize = 12;

const VERSION: u8 = 2;

/// A decoded packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpPacket<'a> {
    /// The marker bit: for audio, the first packet of a talkspurt.
    pub marker: bool,
    /// The payload type, 0 to 127.
    pub payload_type: u8,
    /// The sequence number.
    pub sequence: u16,
    /// The sampling instant of the first sample, in units of the payload's clock.
    pub timestamp: u32,
    /// The synchronisation source.
    pub ssrc: u32,
    /// The contributing sources, when a mixer lists them.
    pub csrcs: Csrcs<'a>,
    /// The header extension, when there is one.
    pub extension: Option<Extension<'a>>,
    /// The payload, without padding.
    pub payload: &'a [u8],
}

/// The contributing sources of a packet, at most 15.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Csrcs<'a>(&'a [u8]);

impl<'a> Csrcs<'a> {
    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len() / 4
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The identifiers, in the packet's order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + 'a {
        self.0.as_chunks::<4>().0.iter().map(|bytes| u32::from_be_bytes(*bytes))
    }
}

/// A header extension (RFC 3550 section 5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    /// The 16 bits whose meaning the profile defines.
    pub profile: u16,
    /// The extension's data: a multiple of four octets.
    pub data: &'a [u8],
}

/// A datagram that is no RTP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpError {
    /// Where, in octets from the start.
    pub offset: usize,
    /// Which rule it breaks.
    pub rule: Rule,
}

/// The rules that a packet must keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// 12 octets at least (section 5.1).
    FixedHeader,
    /// Version 2 (section 5.1).
    Version,
    /// Not a payload type that, with its marker, reads as an RTCP packet type (Appendix A.1).
    NotRtcp,
    /// The contributing sources lie inside the packet (section 5.1).
    Csrcs,
    /// The header extension lies inside the packet (section 5.3.1).
    Extension,
    /// The padding count is at least one and does not reach into the header (section 5.1).
    Padding,
}

impl Rule {
    /// The rule in words, with its clause.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::FixedHeader => "an RTP packet has at least 12 octets (RFC 3550, 5.1)",
            Self::Version => "the RTP version is 2 (RFC 3550, 5.1)",
            Self::NotRtcp => "the payload type must not read as an RTCP packet type (RFC 3550, A.1)",
            Self::Csrcs => "the contributing sources lie inside the packet (RFC 3550, 5.1)",
            Self::Extension => "the header extension lies inside the packet (RFC 3550, 5.3.1)",
            Self::Padding => "the padding count is at least 1 and stays inside the payload (RFC 3550, 5.1)",
        }
    }
}

impl fmt::Display for RtpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "octet {}: {}", self.offset, self.rule.text())
    }
}

impl std::error::Error for RtpError {}

impl<'a> RtpPacket<'a> {
    /// Reads a packet.
    ///
    /// # Errors
    /// The first rule that the datagram breaks, and where.
    #[inline]
    pub fn decode(datagram: &'a [u8]) -> Result<Self, RtpError> {
        let fail = |offset, rule| RtpError { offset, rule };
        let Some((fixed, mut rest)) = datagram.split_first_chunk::<HEADER_LEN>() else {
            return Err(fail(datagram.len(), Rule::FixedHeader));
        };
        let [flags, kind, s0, s1, t0, t1, t2, t3, r0, r1, r2, r3] = *fixed;
        if flags >> 6 != VERSION {
            return Err(fail(0, Rule::Version));
        }
        // Packet types 200 to 204 of RTCP, seen as a marker and a payload type.
        if (200..=204).contains(&kind) {
            return Err(fail(1, Rule::NotRtcp));
        }
        let mut csrcs = Csrcs::default();
        let csrc_octets = usize::from(flags & 0x0F) * 4;
        if csrc_octets > 0 {
            let (list, after) = rest.split_at_checked(csrc_octets).ok_or(fail(HEADER_LEN, Rule::Csrcs))?;
            (csrcs, rest) = (Csrcs(list), after);
        }
        let mut extension = None;
        if flags & 0x10 != 0 {
            let offset = HEADER_LEN + csrc_octets;
            let (head, after) = rest.split_first_chunk::<4>().ok_or(fail(offset, Rule::Extension))?;
            let [p0, p1, l0, l1] = *head;
            let octets = usize::from(u16::from_be_bytes([l0, l1])) * 4;
            let (data, after) = after.split_at_checked(octets).ok_or(fail(offset + 2, Rule::Extension))?;
            extension = Some(Extension { profile: u16::from_be_bytes([p0, p1]), data });
            rest = after;
        }
        if flags & 0x20 != 0 {
            let count = usize::from(rest.last().copied().unwrap_or(0));
            let keep = rest.len().checked_sub(count).filter(|_| count > 0);
            let offset = datagram.len() - 1;
            rest = keep.and_then(|keep| rest.get(..keep)).ok_or(fail(offset, Rule::Padding))?;
        }
        Ok(Self {
            marker: kind & 0x80 != 0,
            payload_type: kind & 0x7F,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([r0, r1, r2, r3]),
            csrcs,
            extension,
            payload: rest,
        })
    }
}

/// The header of a packet to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpHeader {
    /// The marker bit.
    pub marker: bool,
    /// The payload type, 0 to 127.
    pub payload_type: u8,
    /// The sequence number.
    pub sequence: u16,
    /// The timestamp.
    pub timestamp: u32,
    /// The synchronisation source.
    pub ssrc: u32,
}

impl RtpHeader {
    /// The twelve octets.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; HEADER_LEN] {
        let kind = u8::from(self.marker) << 7 | self.payload_type & 0x7F;
        let [s0, s1] = self.sequence.to_be_bytes();
        let [t0, t1, t2, t3] = self.timestamp.to_be_bytes();
        let [r0, r1, r2, r3] = self.ssrc.to_be_bytes();
        [VERSION << 6, kind, s0, s1, t0, t1, t2, t3, r0, r1, r2, r3]
    }

    /// Appends the header to `out`; the payload follows.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_bytes());
    }

    /// Overwrites the header of a decoded packet in place, leaving version, padding, extension and contributing
    /// sources as they are. Shorter slices are left alone.
    #[inline]
    pub fn overwrite(&self, packet: &mut [u8]) {
        if let Some((fixed, _)) = packet.split_first_chunk_mut::<HEADER_LEN>() {
            let flags = fixed[0];
            *fixed = self.to_bytes();
            fixed[0] = flags;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: RtpHeader = RtpHeader {
        marker: true,
        payload_type: 8,
        sequence: 0x1234,
        timestamp: 0x5678_9ABC,
        ssrc: 0xDEAD_BEEF,
    };

    fn packet() -> Vec<u8> {
        let mut bytes = Vec::new();
        HEADER.encode(&mut bytes);
        bytes.extend([1, 2, 3, 4]);
        bytes
    }

    #[test]
    fn a_packet_reads_back_as_it_was_written() {
        let bytes = packet();
        let packet = RtpPacket::decode(&bytes).unwrap();
        assert_eq!(bytes[..12], [0x80, 0x88, 0x12, 0x34, 0x56, 0x78, 0x9A, 0xBC, 0xDE, 0xAD, 0xBE, 0xEF]);
        assert!(packet.marker && packet.payload_type == 8 && packet.sequence == 0x1234);
        assert_eq!((packet.timestamp, packet.ssrc), (0x5678_9ABC, 0xDEAD_BEEF));
        assert_eq!(packet.payload, [1, 2, 3, 4]);
        assert!(packet.csrcs.is_empty() && packet.extension.is_none());
    }

    #[test]
    fn sources_extension_and_padding_are_taken_apart() {
        let mut bytes = packet();
        bytes[0] = 0x80 | 0x20 | 0x10 | 2;
        let optional = [0, 0, 0, 7, 0, 0, 0, 9, 0xBE, 0xDE, 0, 1, 0xAA, 0xBB, 0xCC, 0xDD];
        bytes.splice(12..12, optional);
        bytes.extend([0, 0, 3]);
        let packet = RtpPacket::decode(&bytes).unwrap();
        assert_eq!(packet.csrcs.iter().collect::<Vec<_>>(), [7, 9]);
        let extension = packet.extension.unwrap();
        assert_eq!((extension.profile, extension.data), (0xBEDE, &[0xAA, 0xBB, 0xCC, 0xDD][..]));
        assert_eq!(packet.payload, [1, 2, 3, 4]);
    }

    #[test]
    fn each_broken_rule_is_named_with_its_place() {
        let check = |change: &dyn Fn(&mut Vec<u8>), offset, rule| {
            let mut bytes = packet();
            change(&mut bytes);
            assert_eq!(RtpPacket::decode(&bytes), Err(RtpError { offset, rule }));
        };
        check(&|b| b.truncate(11), 11, Rule::FixedHeader);
        check(&|b| b[0] = 0x40, 0, Rule::Version);
        check(&|b| b[1] = 200, 1, Rule::NotRtcp);
        check(&|b| b[0] |= 2, 12, Rule::Csrcs);
        check(&|b| b[0] |= 0x10, 14, Rule::Extension);
        check(&|b| (b[0], b[15]) = (0xA0, 5), 15, Rule::Padding);
        check(&|b| (b[0], b[15]) = (0xA0, 0), 15, Rule::Padding);
        check(&|b| (b[0] = 0xA0, b.truncate(12)).0, 11, Rule::Padding);
    }

    #[test]
    fn padding_may_be_the_whole_payload() {
        let mut bytes = packet();
        (bytes[0], bytes[15]) = (0xA0, 4);
        assert_eq!(RtpPacket::decode(&bytes).unwrap().payload, []);
    }

    #[test]
    fn overwriting_keeps_what_the_header_does_not_name() {
        let mut bytes = packet();
        bytes[0] |= 0x0F;
        RtpHeader { marker: false, payload_type: 0, sequence: 1, timestamp: 2, ssrc: 3 }
            .overwrite(&mut bytes);
        assert_eq!(bytes[..12], [0x8F, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]);
        assert_eq!(bytes[12..], [1, 2, 3, 4]);
    }
}
