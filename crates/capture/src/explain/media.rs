//! RTP and RTCP headers (RFC 3550 sections 5.1 and 6): enough to see what a packet is.

use strowger_sdp::CodecEntry;

use super::tree::{Explained, Fault, Node};
use crate::protocol::Protocol;

const RTP_HEADER: &str = "RFC 3550 section 5.1";
const RTCP_HEADER: &str = "RFC 3550 section 6.1";

fn fault(offset: usize, rule: &str, clause: &str) -> Fault {
    Fault {
        offset,
        length: 0,
        found: String::new(),
        rule: rule.to_owned(),
        clause: clause.to_owned(),
        answer: None,
    }
}

pub(super) fn explain_rtp(octets: &[u8]) -> Explained {
    let mut explained = Explained::new(Protocol::Rtp, octets);
    let Some((header, rest)) = octets.split_first_chunk::<12>() else {
        explained.faults.push(fault(octets.len(), "a packet has at least twelve octets", RTP_HEADER));
        return explained;
    };
    let [flags, kind, s0, s1, t0, t1, t2, t3, i0, i1, i2, i3] = *header;
    if flags >> 6 != 2 {
        explained.faults.push(fault(0, "the version is 2", RTP_HEADER));
        return explained;
    }
    let payload_type = kind & 0x7f;
    let codec = CodecEntry::from_static(payload_type).map(|entry| entry.codec.name().to_owned());
    let number = |label, value: u64, range| Node::new(label, value.to_string(), range, RTP_HEADER);
    explained.nodes = vec![
        number("version", 2, 0..1),
        number("marker", u64::from(kind >> 7), 1..2),
        number("payload type", u64::from(payload_type), 1..2)
            .maybe(codec.or_else(|| Some("dynamic".to_owned()))),
        number("sequence number", u64::from(u16::from_be_bytes([s0, s1])), 2..4),
        number("timestamp", u64::from(u32::from_be_bytes([t0, t1, t2, t3])), 4..8),
        Node::new("SSRC", format!("{:08x}", u32::from_be_bytes([i0, i1, i2, i3])), 8..12, RTP_HEADER),
    ];
    let mut start = 12 + 4 * usize::from(flags & 0x0f);
    if start > octets.len() {
        explained.faults.push(fault(12, "the contributing sources that are counted are there", RTP_HEADER));
        return explained;
    }
    if flags & 0x10 != 0 {
        let extension = rest.get(start - 12..).and_then(|rest| rest.first_chunk::<4>());
        let length =
            extension.map(|[_, _, high, low]| 4 + 4 * usize::from(u16::from_be_bytes([*high, *low])));
        start += length.unwrap_or(usize::MAX / 2);
        if start > octets.len() {
            explained.faults.push(fault(12, "the header extension is whole", "RFC 3550 section 5.3.1"));
            return explained;
        }
    }
    let padding = if flags & 0x20 != 0 { usize::from(octets.last().copied().unwrap_or_default()) } else { 0 };
    if flags & 0x20 != 0 && (padding == 0 || padding > octets.len() - start) {
        explained.faults.push(fault(octets.len() - 1, "the padding counts itself and fits", RTP_HEADER));
        return explained;
    }
    let end = octets.len() - padding;
    explained.nodes.push(Node::new("payload", format!("{} octets", end - start), start..end, RTP_HEADER));
    explained
}

pub(super) fn explain_rtcp(octets: &[u8]) -> Explained {
    let mut explained = Explained::new(Protocol::Rtcp, octets);
    let mut offset = 0;
    while let Some(rest) = octets.get(offset..).filter(|rest| !rest.is_empty()) {
        let Some(([flags, kind, high, low], _)) = rest.split_first_chunk::<4>() else {
            explained.faults.push(fault(offset, "a packet begins with four octets", RTCP_HEADER));
            break;
        };
        let length = 4 + 4 * usize::from(u16::from_be_bytes([*high, *low]));
        if flags >> 6 != 2 {
            explained.faults.push(fault(offset, "the version is 2", RTCP_HEADER));
            break;
        }
        if length > rest.len() {
            explained.faults.push(fault(
                offset + 2,
                "the length does not reach past the datagram",
                RTCP_HEADER,
            ));
            break;
        }
        let (name, clause) = match kind {
            200 => ("sender report", "RFC 3550 section 6.4.1"),
            201 => ("receiver report", "RFC 3550 section 6.4.2"),
            202 => ("source description", "RFC 3550 section 6.5"),
            203 => ("goodbye", "RFC 3550 section 6.6"),
            204 => ("application-defined", "RFC 3550 section 6.7"),
            _ => ("unknown", RTCP_HEADER),
        };
        if offset == 0 && !matches!(kind, 200 | 201) {
            explained.remarks.push(fault(1, "a compound packet begins with a report", RTCP_HEADER));
        }
        let mut node = Node::new("packet type", kind.to_string(), offset..offset + length, clause).note(name);
        let count = Node::new("count", (flags & 0x1f).to_string(), offset..offset + 1, clause);
        node.children.push(count);
        if let Some([i0, i1, i2, i3]) = rest.get(4..8).filter(|_| length >= 8) {
            let ssrc = u32::from_be_bytes([*i0, *i1, *i2, *i3]);
            node.children.push(Node::new("SSRC", format!("{ssrc:08x}"), offset + 4..offset + 8, clause));
        }
        explained.nodes.push(node);
        offset += length;
    }
    if octets.is_empty() {
        explained.faults.push(fault(0, "a packet begins with four octets", RTCP_HEADER));
    }
    explained
}
