//! Packets passed from one session to another: what leaves must be a legal stream, whatever came in.

#![allow(clippy::unwrap_used)]

mod common;

use std::net::SocketAddr;

use common::{FAR, NEAR, STRANGER, config, datagram};
use strowger_media::frame::SILENCE;
use strowger_media::rtp::{RtpHeader, RtpPacket};
use strowger_media::{
    Discard, Payload, PayloadFormat, Relayed, RtpSession, SessionConfig, SessionEvent, SourcePolicy, relay,
};
use strowger_sansio::{Rng, Time};

/// A relay between `NEAR` and `FAR`: the session toward each.
struct Bridge {
    near: RtpSession,
    far: RtpSession,
    sent: Vec<RtpHeader>,
}

fn session(config: &SessionConfig, seed: u64) -> RtpSession {
    RtpSession::new(Time::ZERO, config, Rng::from_number(seed))
}

impl Bridge {
    fn new() -> Self {
        Self { near: session(&config(NEAR), 1), far: session(&config(FAR), 2), sent: Vec::new() }
    }

    /// A packet of the near end comes.
    fn pass(&mut self, millis: u64, from: SocketAddr, mut packet: Vec<u8>) -> Relayed {
        let passed = relay(Time::from_millis(millis), from, &mut packet, &mut self.near, &mut self.far);
        if passed == Relayed::Forward(FAR) {
            self.note(&packet);
        }
        passed
    }

    fn note(&mut self, packet: &[u8]) {
        let packet = RtpPacket::decode(packet).unwrap();
        self.sent.push(RtpHeader {
            marker: packet.marker,
            payload_type: packet.payload_type,
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            ssrc: packet.ssrc,
        });
    }

    /// Whether the packets sent until now follow each other in sequence under one identifier, and their times in steps of 20 ms.
    fn assert_one_stream(&self) {
        for pair in self.sent.windows(2) {
            assert_eq!(pair[1].ssrc, self.far.ssrc());
            assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1), "{pair:?}");
            assert_eq!(pair[1].timestamp.wrapping_sub(pair[0].timestamp) % 80, 0, "{pair:?}");
            let step = pair[1].timestamp.wrapping_sub(pair[0].timestamp).cast_signed();
            assert!((0..=16_000).contains(&step), "{pair:?}");
        }
    }
}

#[test]
fn packets_pass_under_the_relay_s_own_identity() {
    let mut bridge = Bridge::new();
    for n in 0..100_u16 {
        let packet = datagram(0, 65_500_u16.wrapping_add(n), u32::MAX - 8000 + u32::from(n) * 80, 77);
        let passed = bridge.pass(u64::from(n) * 20, NEAR, packet);
        assert_eq!(passed, Relayed::Forward(FAR));
    }
    bridge.assert_one_stream();
    assert_eq!(bridge.sent.len(), 100);
    assert_ne!(bridge.sent[0].ssrc, 77);
    assert!(bridge.sent[0].marker && !bridge.sent[1].marker);
    let now = Time::from_secs(2);
    let (near, far) = (bridge.near.statistics(now), bridge.far.statistics(now));
    assert_eq!((near.packets_received, near.octets_received), (100, 16_000));
    assert_eq!((far.packets_sent, far.octets_sent), (100, 16_000));
    assert_eq!((near.packets_sent, far.packets_received), (0, 0));
}

#[test]
fn the_payload_and_the_rest_of_the_header_stay_as_they_came() {
    let mut bridge = Bridge::new();
    let mut packet = Vec::new();
    RtpHeader { marker: true, payload_type: 0, sequence: 1, timestamp: 2, ssrc: 3 }.encode(&mut packet);
    packet[0] |= 0x21;
    packet.extend([0, 0, 0, 9]);
    packet.extend(1..=160);
    packet.extend([0, 2]);
    let before = packet.clone();
    relay(Time::ZERO, NEAR, &mut packet, &mut bridge.near, &mut bridge.far);
    assert_eq!((packet[0], &packet[12..]), (before[0], &before[12..]));
    assert_eq!(bridge.far.statistics(Time::ZERO).octets_sent, 160, "padding is no payload");
}

#[test]
fn loss_and_reordering_are_passed_on() {
    let mut bridge = Bridge::new();
    for n in [1_u16, 2, 4, 3, 6, 7] {
        bridge.pass(u64::from(n) * 20, NEAR, datagram(0, n, u32::from(n) * 160, 77));
    }
    let first = bridge.sent[0].sequence;
    let sequence: Vec<_> = bridge.sent.iter().map(|packet| packet.sequence.wrapping_sub(first)).collect();
    assert_eq!(sequence, [0, 1, 3, 2, 5, 6]);
    let start = bridge.sent[0].timestamp;
    let times: Vec<_> = bridge.sent.iter().map(|packet| packet.timestamp.wrapping_sub(start)).collect();
    assert_eq!(times, [0, 160, 480, 320, 800, 960]);
}

#[test]
fn another_source_goes_on_in_the_same_stream() {
    let mut bridge = Bridge::new();
    for n in 0..50_u16 {
        bridge.pass(u64::from(n) * 20, NEAR, datagram(0, n, u32::from(n) * 160, 77));
    }
    // The far end's announcement ends, and a person speaks: other identifier, sequence and time.
    for n in 0..50_u16 {
        let passed = bridge.pass(
            1000 + u64::from(n) * 20,
            NEAR,
            datagram(0, 9000 + n, u32::from(n) * 160 + 7_000_000, 78),
        );
        if n == 0 {
            assert_eq!(passed, Relayed::Discarded(Discard::Unproven));
        }
    }
    bridge.assert_one_stream();
    assert_eq!(bridge.sent.len(), 99);
    assert!(bridge.sent[50].marker, "the change starts a talkspurt");
    assert_eq!(bridge.sent.iter().filter(|packet| packet.marker).count(), 2);
}

#[test]
fn a_source_that_starts_its_numbers_anew_goes_on_in_the_same_stream() {
    let mut bridge = Bridge::new();
    for n in 0..50_u16 {
        bridge.pass(u64::from(n) * 20, NEAR, datagram(0, n, u32::from(n) * 160, 77));
    }
    for n in 0..50_u16 {
        bridge.pass(
            1000 + u64::from(n) * 20,
            NEAR,
            datagram(0, 30_000 + n, 99_000_000 + u32::from(n) * 160, 77),
        );
    }
    bridge.assert_one_stream();
    assert_eq!(bridge.sent.len(), 99);
}

#[test]
fn sound_of_the_relay_s_own_and_passed_packets_are_one_stream() {
    let mut bridge = Bridge::new();
    let mut millis = 0;
    for round in 0..4_u16 {
        // Ringing tone, then the person who was rung, then an announcement, and so on.
        for _ in 0..20 {
            if let Some(packet) = bridge.far.send_frame(Time::from_millis(millis), &SILENCE) {
                bridge.note(&packet);
            }
            millis += 10;
        }
        for n in 0..20 {
            let number = round * 20 + n;
            bridge.pass(millis, NEAR, datagram(0, number, u32::from(number) * 160, 77));
            millis += 20;
        }
    }
    bridge.assert_one_stream();
    assert_eq!(bridge.sent.len(), 4 * 10 + 4 * 20);
}

#[test]
fn a_packet_older_than_the_passage_is_dropped() {
    let mut bridge = Bridge::new();
    for n in 100..110_u16 {
        bridge.pass(u64::from(n) * 20, NEAR, datagram(0, n, u32::from(n) * 160, 77));
    }
    assert_eq!(bridge.pass(2200, NEAR, datagram(0, 99, 99 * 160, 77)), Relayed::Stale);
    assert_eq!(bridge.sent.len(), 10);
}

#[test]
fn a_long_passage_meets_its_numbers_again() {
    let mut bridge = Bridge::new();
    for n in 0..200_000_u32 {
        let passed = bridge.pass(u64::from(n) * 20, NEAR, datagram(0, n as u16, n.wrapping_mul(160), 77));
        assert_eq!(passed, Relayed::Forward(FAR), "packet {n}");
        bridge.sent.truncate(4);
    }
    assert_eq!(bridge.far.statistics(Time::ZERO).packets_sent, 200_000);
}

#[test]
fn formats_are_passed_under_the_numbers_that_each_side_gave_them() {
    let g729 = PayloadFormat::Opaque(18);
    let side = |remote, event, opaque| {
        let payloads =
            [Payload::PCMA, Payload::telephone_event(event), Payload { number: opaque, format: g729 }];
        SessionConfig::new(&payloads).toward(remote)
    };
    let mut bridge = Bridge {
        near: session(&side(NEAR, 101, 18), 1),
        far: session(&side(FAR, 96, 97), 2),
        sent: Vec::new(),
    };
    for (n, number) in [8, 101, 18].into_iter().enumerate() {
        bridge.pass(n as u64 * 20, NEAR, datagram(number, n as u16, n as u32 * 160, 77));
    }
    assert_eq!(bridge.sent.iter().map(|packet| packet.payload_type).collect::<Vec<_>>(), [8, 96, 97]);
    let mut only_mu =
        Bridge { near: session(&side(NEAR, 101, 18), 1), far: session(&config(FAR), 2), sent: vec![] };
    assert_eq!(
        only_mu.pass(0, NEAR, datagram(8, 0, 0, 77)),
        Relayed::Unsendable,
        "it would have to be transcoded"
    );
}

#[test]
fn events_that_pass_are_reported_and_keep_their_times() {
    let side = |remote| SessionConfig::new(&[Payload::PCMU, Payload::telephone_event(101)]).toward(remote);
    let mut bridge = Bridge { near: session(&side(NEAR), 1), far: session(&side(FAR), 2), sent: Vec::new() };
    for n in 0..10_u16 {
        bridge.pass(u64::from(n) * 20, NEAR, datagram(0, n, u32::from(n) * 160, 77));
    }
    for n in 10..15_u16 {
        let mut packet = datagram(101, n, 1600, 77);
        packet.truncate(12);
        packet.extend([5, 10, 0, 160 + (n - 10) as u8]);
        bridge.pass(u64::from(n) * 20, NEAR, packet);
    }
    for n in 15..20_u16 {
        bridge.pass(u64::from(n) * 20, NEAR, datagram(0, n, u32::from(n) * 160, 77));
    }
    let start = bridge.sent[0].timestamp;
    let times: Vec<_> = bridge.sent.iter().map(|packet| packet.timestamp.wrapping_sub(start) / 160).collect();
    assert_eq!(times, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10, 10, 10, 15, 16, 17, 18, 19]);
    assert!(matches!(bridge.near.poll_event(), Some(SessionEvent::Digit(_))));
}

#[test]
fn only_the_far_end_s_packets_pass_and_only_to_a_known_far_end() {
    let mut bridge = Bridge::new();
    let stranger = bridge.pass(0, STRANGER, datagram(0, 1, 0, 66));
    assert_eq!(stranger, Relayed::Discarded(Discard::WrongSource));
    assert_eq!(bridge.pass(0, NEAR, vec![0x80; 7]).clone(), bridge.pass(0, NEAR, vec![0x80; 7]));
    let open = SessionConfig { remote: None, source: SourcePolicy::Closed, ..config(FAR) };
    let mut half = Bridge { near: session(&config(NEAR), 1), far: session(&open, 2), sent: Vec::new() };
    assert_eq!(half.pass(0, NEAR, datagram(0, 1, 0, 66)), Relayed::NoRemote);
    assert_eq!(half.far.statistics(Time::ZERO).packets_sent, 0);
}

#[test]
fn a_relay_reports_in_rtcp_for_itself_on_both_sides() {
    let mut bridge = Bridge::new();
    let mut reports = [0, 0];
    for n in 0..1500_u16 {
        let millis = u64::from(n) * 20;
        bridge.pass(millis, NEAR, datagram(0, n, u32::from(n) * 160, 77));
        bridge.sent.clear();
        let now = Time::from_millis(millis);
        for (session, count) in [&mut bridge.near, &mut bridge.far].into_iter().zip(&mut reports) {
            session.handle_timeout(now);
            *count += std::iter::from_fn(|| session.poll_transmit()).count();
        }
    }
    assert!(reports.iter().all(|count| (4..15).contains(count)), "{reports:?}");
}
