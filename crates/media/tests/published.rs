//! What is published of broken handling of RTP and RTCP, as classes: each test carries the identifiers of the records that it
//! stands for. Nothing here is encrypted, so of the records about SRTP only what does not depend on it is met.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{FAR, FAR_CONTROL, NEAR, STRANGER, config, datagram};
use strowger_media::rtcp::{Compound, CompoundBuilder, RtcpPacket};
use strowger_media::rtp::RtpPacket;
use strowger_media::{Received, RtpSession};
use strowger_sansio::{Duration, Rng, Time};

fn session() -> RtpSession {
    RtpSession::new(Time::ZERO, &config(FAR), Rng::from_number(1))
}

/// A compound packet: an empty report of somebody's, and this behind it.
fn behind_a_report(packet: &[u8]) -> Vec<u8> {
    let mut bytes = CompoundBuilder::report(9, None, &[]).build();
    bytes.extend_from_slice(packet);
    bytes
}

#[test]
fn cve_2017_14099_media_from_elsewhere_is_neither_heard_nor_followed() {
    let mut session = session();
    let mut now = Time::ZERO;
    for number in 0..200_u16 {
        now += Duration::from_millis(20);
        let timestamp = u32::from(number) * 160;
        assert!(matches!(
            session.receive(now, STRANGER, &datagram(0, number, timestamp, 66)),
            Received::Discarded(_)
        ));
        // The right host with another port, and the right port of another host, are elsewhere, too.
        for from in [(FAR.ip(), FAR.port() + 2), (NEAR.ip(), FAR.port())] {
            let received = session.receive(now, from.into(), &datagram(0, number, timestamp, 66));
            assert!(matches!(received, Received::Discarded(_)));
        }
        assert_eq!(session.remote(), Some(FAR), "what is sent goes on to where it went");
        assert_eq!(session.play_frame(now), strowger_media::frame::SILENCE);
    }
    assert_eq!(session.statistics(now).packets_received, 0);
    assert!(!matches!(session.receive(now, FAR, &datagram(0, 1, 160, 5)), Received::Discarded(_)));
}

#[test]
fn cve_2025_53399_who_knows_the_numbers_of_a_stream_injects_nothing_from_elsewhere() {
    let mut now = Time::ZERO;
    let mut session = session();
    for number in 0..50_u16 {
        now += Duration::from_millis(20);
        session.receive(now, FAR, &datagram(0, number, u32::from(number) * 160, 5));
        session.play_frame(now);
        session.play_frame(now);
    }
    let before = session.statistics(now);
    // Who sees the stream knows its numbers, and still speaks from elsewhere.
    for number in 50..100_u16 {
        let forged = datagram(0, number, u32::from(number) * 160, 5);
        assert!(matches!(session.receive(now, STRANGER, &forged), Received::Discarded(_)));
        let goodbye = CompoundBuilder::report(5, None, &[]).goodbye("injected").build();
        assert!(!session.receive_control(now, STRANGER, &goodbye));
    }
    assert_eq!(session.statistics(now).packets_received, before.packets_received);
    assert_eq!((session.remote(), session.remote_control()), (Some(FAR), Some(FAR_CONTROL)));
    assert!(!matches!(session.receive(now, FAR, &datagram(0, 50, 50 * 160, 5)), Received::Discarded(_)));
}

#[test]
fn cve_2021_26712_a_replayed_packet_is_heard_once() {
    let mut session = session();
    let mut now = Time::ZERO;
    let packets: Vec<_> = (0..100_u16).map(|n| datagram(0, n, u32::from(n) * 160, 5)).collect();
    for packet in &packets {
        now += Duration::from_millis(20);
        session.receive(now, FAR, packet);
        session.play_frame(now);
        session.play_frame(now);
    }
    let lost = session.statistics(now).packets_lost;
    // All of it again, while the talk pauses.
    for packet in &packets {
        session.receive(now, FAR, packet);
    }
    let mut heard = 0;
    for _ in 0..200 {
        now += Duration::from_millis(10);
        heard += usize::from(session.play_frame(now) != strowger_media::frame::SILENCE);
    }
    assert!(heard < 50, "{heard} of 200 frames: that is more than the rest of the talk and its fading");
    assert!(session.playout_delay() <= Duration::from_millis(400), "what is old fills no buffer");
    // RFC 3550 section 6.4.1: duplicates count as received, so that the loss falls by as many.
    assert_eq!(session.statistics(now).packets_lost, lost - 100);
    assert_eq!(session.remote_ssrc(), Some(5));
}

#[test]
fn cve_2021_43804_a_goodbye_whose_reason_is_longer_than_the_packet_is_refused() {
    for length in 0..=255_u8 {
        for words in 1..=3_u8 {
            for count in 0..=31_u8 {
                let mut packet =
                    vec![0x80 | count, 203, 0, words, 0, 0, 0, 9, length, b'b', b'y', b'e', 0, 0, 0, 0];
                packet.truncate(4 + 4 * usize::from(words));
                let bytes = behind_a_report(&packet);
                let Ok(compound) = Compound::decode(&bytes) else { continue };
                for read in compound.packets() {
                    let RtcpPacket::Goodbye { sources, reason } = read else { continue };
                    let octets = sources.iter().count() * 4 + reason.map_or(0, |reason| reason.len() + 1);
                    assert!(octets <= packet.len() - 4, "{packet:?}");
                }
                let mut session = session();
                session.receive_control(Time::ZERO, FAR_CONTROL, &bytes);
            }
        }
    }
}

#[test]
fn cve_2021_43845_and_cve_2022_21722_lengths_that_do_not_fit_are_refused() {
    // Extended reports with blocks longer than the packet, and every packet type with every length it does not have.
    for packet_type in 190..=213_u8 {
        for words in [0_u16, 1, 2, 3, 4, 5, 100, 0x7fff, 0xffff] {
            for count in [0_u8, 1, 2, 31] {
                let [high, low] = words.to_be_bytes();
                let mut packet = vec![0x80 | count, packet_type, high, low];
                packet.extend_from_slice(&[0, 0, 0, 9, 4, 0xff, 0xff, 0xff, 7, 0, 0, 8]);
                let bytes = behind_a_report(&packet);
                for end in 0..=bytes.len() {
                    if let Ok(compound) = Compound::decode(&bytes[..end]) {
                        assert!(compound.packets().count() <= 2);
                    }
                    session().receive_control(Time::ZERO, FAR_CONTROL, &bytes[..end]);
                }
            }
        }
    }
    // Four octets, and RTP with sources, an extension and padding that are not there.
    for first in 0..=255_u8 {
        for length in 0..=16 {
            for fill in [0, 1, 0x7f, 0xff] {
                let mut packet = vec![fill; length];
                if let Some(octet) = packet.first_mut() {
                    *octet = first;
                }
                if let Ok(read) = RtpPacket::decode(&packet) {
                    assert!(read.payload.len() + read.csrcs.len() * 4 + 12 <= packet.len());
                }
                session().receive(Time::ZERO, FAR, &packet);
            }
        }
    }
}
