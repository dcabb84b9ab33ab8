//! Compound RTCP packets, written: a report first, then the source description, then a goodbye (RFC 3550 section 6.1).

use super::{
    CNAME, EXTENDED_REPORT, ExtendedBlock, GOODBYE, NtpTime, RECEIVER_REPORT, ReportBlock, SENDER_REPORT,
    SOURCE_DESCRIPTION,
};

/// What a sender reports of itself (section 6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderInfo {
    /// The wall clock.
    pub ntp: NtpTime,
    /// The timestamp of the stream at that moment.
    pub rtp_timestamp: u32,
    /// Packets sent.
    pub packets: u32,
    /// Payload octets sent.
    pub octets: u32,
}

/// The most reports in one packet.
const MAX_BLOCKS: usize = 31;
/// The longest text of an item or a reason.
const MAX_TEXT: usize = 255;

/// A compound packet in the making. It starts with a report, as every compound packet must.
#[derive(Clone, Debug)]
pub struct CompoundBuilder {
    bytes: Vec<u8>,
    ssrc: u32,
}

impl CompoundBuilder {
    /// Starts with a sender report when there is something to tell of sending, and with a receiver report otherwise.
    /// More than 31 blocks are cut.
    #[must_use]
    pub fn report(ssrc: u32, sender: Option<&SenderInfo>, blocks: &[ReportBlock]) -> Self {
        let mut built = Self { bytes: Vec::with_capacity(128), ssrc };
        let blocks = blocks.get(..MAX_BLOCKS).unwrap_or(blocks);
        let packet_type = if sender.is_some() { SENDER_REPORT } else { RECEIVER_REPORT };
        let start = built.begin(packet_type, blocks.len());
        built.word(ssrc);
        if let Some(info) = sender {
            built.bytes.extend_from_slice(&info.ntp.0.to_be_bytes());
            built.word(info.rtp_timestamp);
            built.word(info.packets);
            built.word(info.octets);
        }
        for block in blocks {
            built.word(block.ssrc);
            let lost = block.cumulative_lost.clamp(-0x80_0000, 0x7F_FFFF).cast_unsigned() & 0x00FF_FFFF;
            built.word(u32::from(block.fraction_lost) << 24 | lost);
            built.word(block.extended_highest);
            built.word(block.jitter);
            built.word(block.last_sr);
            built.word(block.delay_since_last_sr);
        }
        built.finish_packet(start);
        built
    }

    /// Adds the source description with the canonical name, cut at 255 octets.
    #[must_use]
    pub fn description(mut self, cname: &str) -> Self {
        let start = self.begin(SOURCE_DESCRIPTION, 1);
        self.word(self.ssrc);
        let text = cut(cname);
        self.bytes.push(CNAME);
        self.bytes.push(text.len() as u8);
        self.bytes.extend_from_slice(text.as_bytes());
        // One null octet ends the list; more fill the word.
        self.bytes.push(0);
        self.finish_packet(start);
        self
    }

    /// Adds an extended report (RFC 3611); nothing without blocks.
    #[must_use]
    pub fn extended(mut self, blocks: &[ExtendedBlock]) -> Self {
        if !blocks.is_empty() {
            let start = self.begin(EXTENDED_REPORT, 0);
            self.word(self.ssrc);
            blocks.iter().for_each(|block| block.encode(&mut self.bytes));
            self.finish_packet(start);
        }
        self
    }

    /// Adds a goodbye with a reason, cut at 255 octets; none when it is empty.
    #[must_use]
    pub fn goodbye(mut self, reason: &str) -> Self {
        let start = self.begin(GOODBYE, 1);
        self.word(self.ssrc);
        let text = cut(reason);
        if !text.is_empty() {
            self.bytes.push(text.len() as u8);
            self.bytes.extend_from_slice(text.as_bytes());
        }
        self.finish_packet(start);
        self
    }

    /// The packet.
    #[must_use]
    pub fn build(self) -> Vec<u8> {
        self.bytes
    }

    fn begin(&mut self, packet_type: u8, count: usize) -> usize {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0x80 | count as u8, packet_type, 0, 0]);
        start
    }

    fn word(&mut self, word: u32) {
        self.bytes.extend_from_slice(&word.to_be_bytes());
    }

    /// Fills the last word and writes the length.
    fn finish_packet(&mut self, start: usize) {
        while !self.bytes.len().is_multiple_of(4) {
            self.bytes.push(0);
        }
        let words = ((self.bytes.len() - start) / 4 - 1) as u16;
        if let Some(length) = self.bytes.get_mut(start + 2..start + 4) {
            length.copy_from_slice(&words.to_be_bytes());
        }
    }
}

/// The text up to 255 octets, between characters.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtcp::{Compound, RtcpError, RtcpPacket, RtcpRule};

    const BLOCK: ReportBlock = ReportBlock {
        ssrc: 9,
        fraction_lost: 64,
        cumulative_lost: -2,
        extended_highest: 0x0001_0002,
        jitter: 17,
        last_sr: 0xB705_2000,
        delay_since_last_sr: 0x0005_4000,
    };
    const INFO: SenderInfo =
        SenderInfo { ntp: NtpTime(0xB44D_B705_2000_0000), rtp_timestamp: 160, packets: 5, octets: 800 };

    fn compound() -> Vec<u8> {
        CompoundBuilder::report(7, Some(&INFO), &[BLOCK])
            .description("aaln/1@gw1.town")
            .goodbye("done")
            .build()
    }

    #[test]
    fn a_compound_packet_reads_back_as_it_was_written() {
        let bytes = compound();
        let read = Compound::decode(&bytes).unwrap();
        let packets: Vec<_> = read.packets().collect();
        let [
            RtcpPacket::SenderReport { ssrc, ntp, rtp_timestamp, packets: sent, octets, reports },
            sdes,
            bye,
        ] = packets[..]
        else {
            panic!("{packets:?}")
        };
        assert_eq!((ssrc, ntp, rtp_timestamp, sent, octets), (7, INFO.ntp, 160, 5, 800));
        assert_eq!(reports.iter().collect::<Vec<_>>(), [BLOCK]);
        let RtcpPacket::SourceDescription(chunks) = sdes else { panic!("{sdes:?}") };
        let chunks: Vec<_> = chunks.iter().collect();
        assert_eq!((chunks.len(), chunks[0].ssrc, chunks[0].cname()), (1, 7, Some(&b"aaln/1@gw1.town"[..])));
        let RtcpPacket::Goodbye { sources, reason } = bye else { panic!("{bye:?}") };
        assert_eq!((sources.iter().collect::<Vec<_>>(), reason), (vec![7], Some(&b"done"[..])));
    }

    #[test]
    fn an_empty_report_is_legal() {
        let bytes = CompoundBuilder::report(7, None, &[]).description("").build();
        assert_eq!(bytes[..8], [0x80, 201, 0, 1, 0, 0, 0, 7]);
        assert_eq!(Compound::decode(&bytes).unwrap().packets().count(), 2);
    }

    #[test]
    fn names_of_every_length_stay_within_their_words() {
        for length in 0..300 {
            let name = "ä".repeat(length / 2);
            let bytes = CompoundBuilder::report(1, None, &[]).description(&name).goodbye(&name).build();
            assert_eq!(bytes.len() % 4, 0);
            let read = Compound::decode(&bytes).unwrap();
            let cname = read.packets().find_map(|packet| match packet {
                RtcpPacket::SourceDescription(chunks) => chunks.iter().next()?.cname(),
                _ => None,
            });
            let expected = if name.len() > 255 { 254 } else { name.len() };
            assert_eq!(cname.map(<[u8]>::len), Some(expected));
        }
    }

    #[test]
    fn each_broken_rule_is_named_with_its_place() {
        let check = |change: &dyn Fn(&mut Vec<u8>), offset, rule| {
            let mut bytes = compound();
            change(&mut bytes);
            assert_eq!(Compound::decode(&bytes), Err(RtcpError { offset, rule }));
        };
        // 52 octets of report, 28 of description, 16 of goodbye.
        check(&|b| b.clear(), 0, RtcpRule::Header);
        check(&|b| b[0] = 0x41, 0, RtcpRule::Version);
        check(&|b| b[52] = 0x01, 52, RtcpRule::Version);
        check(&|b| b[1] = 202, 0, RtcpRule::Description);
        check(&|b| (b[0], b[1]) = (0x80, 204), 0, RtcpRule::FirstIsReport);
        check(&|b| b[0] |= 0x20, 0, RtcpRule::FirstIsReport);
        check(&|b| b[52] |= 0x20, 52, RtcpRule::Padding);
        check(&|b| b.truncate(b.len() - 4), 80, RtcpRule::Lengths);
        check(&|b| b.push(0), 96, RtcpRule::Header);
        check(&|b| b[0] = 0x82, 0, RtcpRule::ReportBlocks);
        check(&|b| b[3] = 0, 0, RtcpRule::ReportBlocks);
        check(&|b| b[61] = 200, 52, RtcpRule::Description);
        check(&|b| b[52] = 0x82, 52, RtcpRule::Description);
        check(&|b| b[80] = 0x84, 80, RtcpRule::Goodbye);
        check(&|b| b[88] = 200, 80, RtcpRule::Goodbye);
    }

    #[test]
    fn a_report_of_four_octets_is_refused() {
        for packet_type in [200, 201] {
            let error = Compound::decode(&[0x80, packet_type, 0, 0]).unwrap_err();
            assert_eq!(error.rule, RtcpRule::ReportBlocks);
        }
    }

    #[test]
    fn padding_of_the_last_packet_is_taken_off() {
        let mut bytes = CompoundBuilder::report(7, None, &[]).goodbye("").build();
        let start = bytes.len() - 8;
        bytes.extend([0, 0, 0, 4]);
        bytes[start] |= 0x20;
        bytes[start + 3] += 1;
        let read = Compound::decode(&bytes).unwrap();
        let bye = read.packets().last().unwrap();
        assert!(matches!(bye, RtcpPacket::Goodbye { reason: None, .. }), "{bye:?}");
        *bytes.last_mut().unwrap() = 3;
        assert_eq!(Compound::decode(&bytes).unwrap_err().rule, RtcpRule::Padding);
    }
}
