//! Nothing that arrives makes anything panic, grow or believe: property tests over prefixes, mutations and noise.

#![allow(clippy::unwrap_used)]

mod common;

use common::{FAR, FAR_CONTROL, config};
use proptest::collection::vec;
use proptest::prelude::*;
use strowger_media::jitter::{JitterBuffer, PlayoutConfig};
use strowger_media::rtcp::{Compound, CompoundBuilder, NtpTime, ReportBlock, RtcpPacket, SenderInfo};
use strowger_media::rtp::{RtpHeader, RtpPacket};
use strowger_media::telephone_event::EventReceiver;
use strowger_media::{Payload, Received, RtpSession, wav};
use strowger_sansio::{Rng, Time};

/// A packet with everything that a packet can have.
fn rich_packet() -> Vec<u8> {
    let mut packet = Vec::new();
    RtpHeader { marker: true, payload_type: 0, sequence: 7, timestamp: 8, ssrc: 9 }.encode(&mut packet);
    packet[0] |= 0x20 | 0x10 | 3;
    packet.extend([1; 12]);
    packet.extend([0xBE, 0xDE, 0, 2]);
    packet.extend([2; 8]);
    packet.extend([3; 160]);
    packet.extend([0, 0, 0, 4]);
    packet
}

fn rich_report() -> Vec<u8> {
    let info = SenderInfo { ntp: NtpTime(1 << 40), rtp_timestamp: 5, packets: 6, octets: 7 };
    CompoundBuilder::report(9, Some(&info), &[ReportBlock::default(); 3])
        .description("far@end")
        .goodbye("bye")
        .build()
}

/// Reads everything that a compound packet has.
fn read_all(datagram: &[u8]) -> usize {
    let Ok(compound) = Compound::decode(datagram) else { return 0 };
    compound
        .packets()
        .map(|packet| match packet {
            RtcpPacket::SenderReport { reports, .. } | RtcpPacket::ReceiverReport { reports, .. } => {
                reports.iter().count()
            }
            RtcpPacket::SourceDescription(chunks) => {
                chunks.iter().map(|chunk| chunk.items().map(|item| item.text.len()).sum::<usize>()).sum()
            }
            RtcpPacket::Goodbye { sources, reason } => sources.iter().count() + reason.map_or(0, <[u8]>::len),
            RtcpPacket::Other { body, .. } => body.len(),
        })
        .sum()
}

fn session() -> RtpSession {
    let mut configuration = config(FAR);
    configuration.receives.push(Payload::telephone_event(101));
    RtpSession::new(Time::ZERO, &configuration, Rng::from_number(1))
}

/// A whole thing, cut at any place or with any octets changed.
fn mutated(whole: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let length = whole.len();
    (0..=length, vec((0..length, any::<u8>()), 0..6)).prop_map(move |(cut, changes)| {
        let mut bytes = whole.clone();
        for (at, octet) in changes {
            bytes[at] = octet;
        }
        bytes.truncate(cut.max(1));
        bytes
    })
}

#[test]
fn every_prefix_of_a_packet_is_read_or_refused() {
    let packet = rich_packet();
    for cut in 0..=packet.len() {
        let mut prefix = packet[..cut].to_vec();
        let read = RtpPacket::decode(&prefix);
        assert_eq!(
            read.is_ok(),
            cut == packet.len()
                || (cut > 36 && prefix[cut - 1] != 0 && usize::from(prefix[cut - 1]) <= cut - 36),
            "{cut}"
        );
        session().receive(Time::ZERO, FAR, &prefix);
        prefix.push(0xFF);
        let _ = RtpPacket::decode(&prefix);
    }
}

#[test]
fn every_prefix_of_a_report_is_refused() {
    let report = rich_report();
    assert!(read_all(&report) > 0);
    for cut in 0..report.len() {
        let refused = Compound::decode(&report[..cut]).is_err();
        // Cut between two packets, what is left is a compound packet of its own.
        assert!(refused || [100, 120].contains(&cut), "{cut}");
        session().receive_control(Time::ZERO, FAR_CONTROL, &report[..cut]);
    }
}

proptest! {
    #[test]
    fn any_octets_are_read_or_refused(bytes in vec(any::<u8>(), 0..300)) {
        let _ = RtpPacket::decode(&bytes);
        read_all(&bytes);
        let _ = wav::decode(&bytes, 100);
        let mut session = session();
        session.receive(Time::ZERO, FAR, &bytes);
        session.receive_control(Time::ZERO, FAR_CONTROL, &bytes);
    }

    #[test]
    fn what_is_read_lies_inside_the_packet(bytes in mutated(rich_packet())) {
        if let Ok(packet) = RtpPacket::decode(&bytes) {
            let extension = packet.extension.map_or(0, |extension| extension.data.len() + 4);
            prop_assert!(12 + packet.csrcs.len() * 4 + extension + packet.payload.len() <= bytes.len());
        }
    }

    #[test]
    fn reports_that_were_changed_do_no_harm(bytes in mutated(rich_report()), later in 0_u64..100_000) {
        read_all(&bytes);
        let mut session = session();
        session.receive_control(Time::from_millis(later), FAR_CONTROL, &bytes);
        session.handle_timeout(Time::from_millis(later + 10_000));
        if let Some(latency) = session.statistics(Time::ZERO).latency {
            prop_assert!(latency.as_secs() <= 30);
        }
    }

    #[test]
    fn a_header_reads_back_as_it_was_written(
        marker: bool, number in 0_u8..=71, sequence: u16, timestamp: u32, ssrc: u32, payload in vec(any::<u8>(), 0..200)
    ) {
        let header = RtpHeader { marker, payload_type: number, sequence, timestamp, ssrc };
        let mut bytes = Vec::new();
        header.encode(&mut bytes);
        bytes.extend_from_slice(&payload);
        let read = RtpPacket::decode(&bytes).unwrap();
        let again = RtpHeader {
            marker: read.marker,
            payload_type: read.payload_type,
            sequence: read.sequence,
            timestamp: read.timestamp,
            ssrc: read.ssrc,
        };
        prop_assert_eq!((again, read.payload), (header, &payload[..]));
    }

    #[test]
    fn a_session_stays_whole_whatever_sequence_and_time_say(
        packets in vec((any::<u16>(), any::<u32>(), 0_u8..3, any::<bool>(), 0_usize..400, 0_u64..50), 1..200)
    ) {
        let mut session = session();
        let mut now = Time::ZERO;
        for (sequence, timestamp, kind, marker, length, millis) in packets {
            now += std::time::Duration::from_millis(millis);
            let number = if kind == 0 { 101 } else { 0 };
            let mut bytes = Vec::new();
            RtpHeader { marker, payload_type: number, sequence, timestamp, ssrc: u32::from(kind) }.encode(&mut bytes);
            bytes.resize(12 + length, timestamp as u8);
            session.receive(now, FAR, &bytes);
            session.play_frame(now);
            session.send_frame(now, &[0; 80]);
            session.handle_timeout(now);
            while session.poll_event().is_some() {}
            while session.poll_transmit().is_some() {}
        }
        let statistics = session.statistics(now);
        prop_assert!(statistics.packets_received <= 200);
        prop_assert!(statistics.packets_lost <= 200 * 3001);
    }

    #[test]
    fn the_play_out_buffer_stays_bounded_whatever_time_says(
        packets in vec((any::<u32>(), any::<bool>(), 0_usize..2000, 0_u8..4), 1..300)
    ) {
        let mut buffer = JitterBuffer::new(PlayoutConfig::default());
        let mut frame = [0; 80];
        let mut base = 0_u32;
        for (timestamp, marker, length, kind) in packets {
            // Mostly near the stream, now and then anywhere.
            base = if kind == 0 { timestamp } else { base.wrapping_add(timestamp % 2000) };
            buffer.insert(base, marker, strowger_media::g711::Law::A, &vec![0x55; length]);
            prop_assert!(buffer.depth() <= std::time::Duration::from_millis(400), "{:?}", buffer.depth());
            buffer.play(&mut frame);
        }
    }

    #[test]
    fn events_end_as_often_as_they_begin(
        reports in vec((any::<u8>(), any::<bool>(), 0_u16..4000, 0_u32..3000, 0_u64..100), 1..100)
    ) {
        let mut receiver = EventReceiver::new();
        let (mut began, mut ended) = (0, 0);
        let mut now = Time::ZERO;
        let mut timestamp = 0_u32;
        let mut count = |change| match change {
            strowger_media::telephone_event::EventChange::Began { .. } => began += 1,
            strowger_media::telephone_event::EventChange::Ended { .. } => ended += 1,
        };
        for (event, end, duration, advance, millis) in reports {
            now += std::time::Duration::from_millis(millis);
            timestamp = timestamp.wrapping_add(advance);
            let [d0, d1] = duration.to_be_bytes();
            receiver.receive(now, timestamp, &[event % 3, u8::from(end) << 7, d0, d1], &mut count);
        }
        if let Some(change) = receiver.reset() {
            count(change);
        }
        prop_assert_eq!(began, ended);
    }

    #[test]
    fn a_wave_file_that_was_changed_is_read_or_refused(bytes in mutated(wav::encode(&[1, 2, 3, 4, 5, 6, 7, 8]))) {
        if let Ok(samples) = wav::decode(&bytes, 100) {
            prop_assert!(samples.len() <= bytes.len());
        }
    }
}

#[test]
fn a_flood_of_strangers_changes_nothing() {
    let mut session = session();
    for n in 0..10_000_u32 {
        let from = std::net::SocketAddr::from(([198, 51, 100, n as u8], 1024 + (n % 60_000) as u16));
        let received = session.receive(Time::ZERO, from, &rich_packet());
        assert!(matches!(received, Received::Discarded(_)));
        assert!(!session.receive_control(Time::ZERO, from, &rich_report()));
    }
    assert_eq!((session.poll_event(), session.poll_transmit(), session.last_received()), (None, None, None));
}
