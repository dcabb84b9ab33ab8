//! Compound RTCP packets, read: RFC 3550 sections 6.4 to 6.6, with the checks of Appendix A.2.
//!
//! A compound packet is checked whole before anything of it is used: a packet whose second half is nonsense is not believed in its first.
//! Decoding borrows from the datagram and allocates nothing. Limits: application packets and unknown types are passed over, and so
//! are profile extensions of reports.

use std::fmt;

use super::{CNAME, GOODBYE, NtpTime, RECEIVER_REPORT, SENDER_REPORT, SOURCE_DESCRIPTION};

/// A datagram that is no compound RTCP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtcpError {
    /// Where the packet at fault begins, in octets.
    pub offset: usize,
    /// Which rule it breaks.
    pub rule: RtcpRule,
}

/// The rules that a compound packet must keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RtcpRule {
    /// Every packet has a header of four octets.
    Header,
    /// Every packet has version 2.
    Version,
    /// The first packet is a report, without padding.
    FirstIsReport,
    /// The lengths of the packets add up to the length of the datagram.
    Lengths,
    /// Padding is in the last packet only, a multiple of four, and inside the packet.
    Padding,
    /// The sender information and report blocks lie inside the packet.
    ReportBlocks,
    /// The chunks and items of a source description lie inside the packet.
    Description,
    /// The sources and the reason of a goodbye lie inside the packet.
    Goodbye,
}

impl RtcpRule {
    /// The rule in words, with its clause.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Header => "an RTCP packet has a header of four octets (RFC 3550, 6.1)",
            Self::Version => "the version is 2 in every packet (RFC 3550, A.2)",
            Self::FirstIsReport => "the first packet is a report without padding (RFC 3550, A.2)",
            Self::Lengths => "the lengths of the packets add up to that of the datagram (RFC 3550, A.2)",
            Self::Padding => "padding is a multiple of four at the end of the last packet (RFC 3550, 6.4.1)",
            Self::ReportBlocks => "report blocks lie inside their packet (RFC 3550, 6.4)",
            Self::Description => "chunks and items lie inside their packet (RFC 3550, 6.5)",
            Self::Goodbye => "sources and reason lie inside their packet (RFC 3550, 6.6)",
        }
    }
}

impl fmt::Display for RtcpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "octet {}: {}", self.offset, self.rule.text())
    }
}

impl std::error::Error for RtcpError {}

/// One report on one source (section 6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ReportBlock {
    /// The source that is reported on.
    pub ssrc: u32,
    /// The fraction lost since the last report, in 256ths.
    pub fraction_lost: u8,
    /// The packets lost, of 24 bits with sign.
    pub cumulative_lost: i32,
    /// The highest sequence number received, extended by the count of cycles.
    pub extended_highest: u32,
    /// The interarrival jitter in timestamp units.
    pub jitter: u32,
    /// The middle of the last sender report's wall clock; zero when there was none.
    pub last_sr: u32,
    /// The time since then in units of 1/65536 s.
    pub delay_since_last_sr: u32,
}

impl ReportBlock {
    /// Octets of a block.
    pub(super) const LEN: usize = 24;

    fn decode(bytes: &[u8; Self::LEN]) -> Self {
        let (words, _) = bytes.as_chunks::<4>();
        let word = |index: usize| words.get(index).map_or(0, |word| u32::from_be_bytes(*word));
        let loss = word(1);
        Self {
            ssrc: word(0),
            fraction_lost: (loss >> 24) as u8,
            // Shifting up and down again carries the sign of 24 bits into 32.
            cumulative_lost: (loss << 8).cast_signed() >> 8,
            extended_highest: word(2),
            jitter: word(3),
            last_sr: word(4),
            delay_since_last_sr: word(5),
        }
    }
}

/// The reports of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportBlocks<'a>(&'a [u8]);

impl<'a> ReportBlocks<'a> {
    /// The blocks in order.
    pub fn iter(&self) -> impl Iterator<Item = ReportBlock> + use<'a> {
        self.0.as_chunks::<{ ReportBlock::LEN }>().0.iter().map(ReportBlock::decode)
    }
}

/// An item of a source description (section 6.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SdesItem<'a> {
    /// The item's type.
    pub kind: u8,
    /// The item's text; it should be UTF-8, which nobody checks.
    pub text: &'a [u8],
}

/// The description of one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// The source.
    pub ssrc: u32,
    items: &'a [u8],
}

impl<'a> Chunk<'a> {
    /// The items in order.
    pub fn items(&self) -> impl Iterator<Item = SdesItem<'a>> + use<'a> {
        let mut rest = self.items;
        std::iter::from_fn(move || {
            let (item, after) = next_item(rest)?;
            rest = after;
            Some(item)
        })
    }

    /// The canonical name.
    #[must_use]
    pub fn cname(&self) -> Option<&'a [u8]> {
        self.items().find(|item| item.kind == CNAME).map(|item| item.text)
    }
}

/// The item at the front; none at the end of the list.
fn next_item(bytes: &[u8]) -> Option<(SdesItem<'_>, &[u8])> {
    let (kind, rest) = bytes.split_first().filter(|(kind, _)| **kind != 0)?;
    let (length, rest) = rest.split_first()?;
    let (text, rest) = rest.split_at_checked(usize::from(*length))?;
    Some((SdesItem { kind: *kind, text }, rest))
}

/// The chunks of a source description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunks<'a> {
    count: u8,
    body: &'a [u8],
}

impl<'a> Chunks<'a> {
    /// The chunks in order.
    pub fn iter(&self) -> impl Iterator<Item = Chunk<'a>> + use<'a> {
        let mut rest = self.body;
        (0..self.count).map_while(move |_| {
            let (chunk, after) = next_chunk(rest)?;
            rest = after;
            Some(chunk)
        })
    }
}

/// The chunk at the front, with its null octets taken off; none when it does not lie inside.
fn next_chunk(bytes: &[u8]) -> Option<(Chunk<'_>, &[u8])> {
    let (ssrc, body) = bytes.split_first_chunk::<4>()?;
    let mut rest = body;
    while let Some((_, after)) = next_item(rest) {
        rest = after;
    }
    // What follows the items is at least one null octet, up to the next multiple of four.
    if rest.first() != Some(&0) {
        return None;
    }
    let used = body.len() - rest.len();
    let padded = used / 4 * 4 + 4;
    let (items, after) = (body.get(..used)?, body.get(padded..)?);
    Some((Chunk { ssrc: u32::from_be_bytes(*ssrc), items }, after))
}

/// The sources that a goodbye names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaving<'a>(&'a [u8]);

impl<'a> Leaving<'a> {
    /// The sources in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + use<'a> {
        self.0.as_chunks::<4>().0.iter().map(|bytes| u32::from_be_bytes(*bytes))
    }
}

/// One packet of a compound packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RtcpPacket<'a> {
    /// A sender report (section 6.4.1).
    SenderReport {
        /// The reporter.
        ssrc: u32,
        /// The wall clock when it was sent.
        ntp: NtpTime,
        /// The timestamp of its stream at that moment.
        rtp_timestamp: u32,
        /// Packets it has sent.
        packets: u32,
        /// Payload octets it has sent.
        octets: u32,
        /// Its reports.
        reports: ReportBlocks<'a>,
    },
    /// A receiver report (section 6.4.2).
    ReceiverReport {
        /// The reporter.
        ssrc: u32,
        /// Its reports.
        reports: ReportBlocks<'a>,
    },
    /// A source description (section 6.5).
    SourceDescription(Chunks<'a>),
    /// A goodbye (section 6.6).
    Goodbye {
        /// Who leaves.
        sources: Leaving<'a>,
        /// Why; it should be UTF-8, which nobody checks.
        reason: Option<&'a [u8]>,
    },
    /// Anything else.
    Other {
        /// The packet type.
        packet_type: u8,
        /// What follows the header.
        body: &'a [u8],
    },
}

/// A compound packet that has passed all checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compound<'a>(&'a [u8]);

impl<'a> Compound<'a> {
    /// Checks a datagram.
    ///
    /// # Errors
    /// The first rule that it breaks, and where the packet at fault begins.
    pub fn decode(datagram: &'a [u8]) -> Result<Self, RtcpError> {
        let mut rest = datagram;
        loop {
            let offset = datagram.len() - rest.len();
            let first = offset == 0;
            let (packet, after) = next_packet(rest, first).map_err(|rule| RtcpError { offset, rule })?;
            if first && !matches!(packet, RtcpPacket::SenderReport { .. } | RtcpPacket::ReceiverReport { .. })
            {
                return Err(RtcpError { offset, rule: RtcpRule::FirstIsReport });
            }
            rest = after;
            if rest.is_empty() {
                return Ok(Self(datagram));
            }
        }
    }

    /// The packets in order.
    pub fn packets(&self) -> impl Iterator<Item = RtcpPacket<'a>> + use<'a> {
        let mut rest = self.0;
        let mut first = true;
        std::iter::from_fn(move || {
            let (packet, after) = next_packet(rest, first).ok()?;
            rest = after;
            first = false;
            Some(packet)
        })
    }
}

/// The packet at the front.
fn next_packet(bytes: &[u8], first: bool) -> Result<(RtcpPacket<'_>, &[u8]), RtcpRule> {
    let (header, _) = bytes.split_first_chunk::<4>().ok_or(RtcpRule::Header)?;
    let [flags, packet_type, l0, l1] = *header;
    if flags >> 6 != 2 {
        return Err(RtcpRule::Version);
    }
    let octets = (usize::from(u16::from_be_bytes([l0, l1])) + 1) * 4;
    let (packet, after) = bytes.split_at_checked(octets).ok_or(RtcpRule::Lengths)?;
    let mut body = packet.get(4..).unwrap_or_default();
    if flags & 0x20 != 0 {
        if first && !after.is_empty() {
            return Err(RtcpRule::FirstIsReport);
        }
        let count = usize::from(body.last().copied().unwrap_or(0));
        let keep = body.len().checked_sub(count).filter(|_| count > 0 && count % 4 == 0 && after.is_empty());
        body = keep.and_then(|keep| body.get(..keep)).ok_or(RtcpRule::Padding)?;
    }
    Ok((packet_of(packet_type, flags & 0x1F, body)?, after))
}

fn packet_of(packet_type: u8, count: u8, body: &[u8]) -> Result<RtcpPacket<'_>, RtcpRule> {
    match packet_type {
        SENDER_REPORT => {
            let (ssrc, rest) = word(body).ok_or(RtcpRule::ReportBlocks)?;
            let (info, rest) = rest.split_first_chunk::<20>().ok_or(RtcpRule::ReportBlocks)?;
            let (words, _) = info.as_chunks::<4>();
            let of = |index: usize| words.get(index).map_or(0, |word| u32::from_be_bytes(*word));
            Ok(RtcpPacket::SenderReport {
                ssrc,
                ntp: NtpTime(u64::from(of(0)) << 32 | u64::from(of(1))),
                rtp_timestamp: of(2),
                packets: of(3),
                octets: of(4),
                reports: blocks(rest, count)?,
            })
        }
        RECEIVER_REPORT => {
            let (ssrc, rest) = word(body).ok_or(RtcpRule::ReportBlocks)?;
            Ok(RtcpPacket::ReceiverReport { ssrc, reports: blocks(rest, count)? })
        }
        SOURCE_DESCRIPTION => {
            let chunks = Chunks { count, body };
            if chunks.iter().count() != usize::from(count) {
                return Err(RtcpRule::Description);
            }
            Ok(RtcpPacket::SourceDescription(chunks))
        }
        GOODBYE => {
            let (sources, rest) = body.split_at_checked(usize::from(count) * 4).ok_or(RtcpRule::Goodbye)?;
            let reason = match rest.split_first() {
                None => None,
                Some((length, text)) => Some(text.get(..usize::from(*length)).ok_or(RtcpRule::Goodbye)?),
            };
            Ok(RtcpPacket::Goodbye { sources: Leaving(sources), reason })
        }
        other => Ok(RtcpPacket::Other { packet_type: other, body }),
    }
}

fn word(bytes: &[u8]) -> Option<(u32, &[u8])> {
    bytes.split_first_chunk::<4>().map(|(word, rest)| (u32::from_be_bytes(*word), rest))
}

fn blocks(bytes: &[u8], count: u8) -> Result<ReportBlocks<'_>, RtcpRule> {
    let octets = usize::from(count) * ReportBlock::LEN;
    bytes.get(..octets).map(ReportBlocks).ok_or(RtcpRule::ReportBlocks)
}
