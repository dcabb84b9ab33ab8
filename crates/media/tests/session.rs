//! Two sessions that talk over a network in virtual time.

#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{FAR, FAR_CONTROL, Line, NEAR, NEAR_CONTROL, STRANGER, config, datagram, sine};
use strowger_media::dtmf::{Digit, DtmfTiming};
use strowger_media::frame::{SILENCE, level_dbm0};
use strowger_media::rtcp::{Compound, CompoundBuilder, NtpTime, ReportBlock, RtcpPacket, SenderInfo};
use strowger_media::rtp::RtpPacket;
use strowger_media::{
    DigitChange, DigitOrigin, Discard, PacketTime, Payload, Received, RtpSession, SessionConfig,
    SessionEvent, SilenceSuppression, SourcePolicy,
};
use strowger_sansio::{Rng, Time};

fn digit(letter: char) -> Digit {
    Digit::from_char(letter).unwrap()
}

#[test]
fn a_talk_is_heard_at_both_ends_and_counted_alike() {
    let mut line = Line::new(&config(NEAR), &config(FAR), 7);
    let (near_heard, far_heard) = line.talk(Duration::from_secs(20), sine(1000.0), sine(440.0));
    let dominant = |samples: &[i16]| strowger_media::frame::level_dbm0(samples);
    assert!(dominant(&near_heard[80_000..]) > -13.0 && dominant(&far_heard[80_000..]) > -13.0);
    let (near, far) = (line.near.statistics(line.now), line.far.statistics(line.now));
    assert_eq!(near.packets_sent, 1000);
    assert_eq!(near.octets_sent, 160_000);
    // The last packet may be on its way.
    assert!(near.packets_sent - far.packets_received <= 1);
    assert_eq!(far.octets_received, far.packets_received * 160);
    assert_eq!((near.packets_lost, far.packets_lost), (0, 0));
    assert_eq!(far.jitter, Duration::ZERO);
    assert_eq!(far.playout.concealed, 0);
}

#[test]
fn packets_follow_each_other_in_sequence_and_time_with_one_marked_start() {
    for (millis, samples) in [(10, 80), (20, 160), (30, 240), (40, 320), (50, 400), (60, 480)] {
        let configuration = SessionConfig { packet_time: PacketTime::nearest(millis), ..config(FAR) };
        let mut session = RtpSession::new(Time::ZERO, &configuration, Rng::from_number(1));
        let mut packets = Vec::new();
        for tick in 0..600 {
            packets.extend(session.send_frame(Time::from_millis(tick * 10), &SILENCE));
        }
        assert_eq!(packets.len(), 6000 / millis as usize);
        let packets: Vec<_> = packets.iter().map(|bytes| RtpPacket::decode(bytes).unwrap()).collect();
        assert!(packets[0].marker && packets[1..].iter().all(|packet| !packet.marker));
        for pair in packets.windows(2) {
            assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
            assert_eq!(pair[1].timestamp, pair[0].timestamp.wrapping_add(samples));
            assert_eq!(pair[1].payload.len(), samples as usize);
            assert_eq!(pair[1].ssrc, pair[0].ssrc);
        }
    }
}

#[test]
fn two_sessions_start_from_numbers_that_cannot_be_guessed() {
    let first = |seed| {
        let mut session = RtpSession::new(Time::ZERO, &config(FAR), Rng::from_number(seed));
        session.send_frame(Time::ZERO, &SILENCE);
        let bytes = session.send_frame(Time::from_millis(10), &SILENCE).unwrap();
        let packet = RtpPacket::decode(&bytes).unwrap();
        (packet.sequence, packet.timestamp, packet.ssrc)
    };
    let (one, two) = (first(1), first(2));
    assert!(one.0 != two.0 && one.1 != two.1 && one.2 != two.2);
}

#[test]
fn after_a_pause_the_talk_goes_on_with_a_marker_and_the_right_time() {
    let mut session = RtpSession::new(Time::ZERO, &config(FAR), Rng::from_number(1));
    let mut packets = Vec::new();
    for tick in 0..500_u64 {
        let now = Time::from_millis(tick * 10);
        packets.extend(match tick {
            // The host lets time pass here, and does not call at all there.
            100..200 => session.skip_frame(now),
            300..400 => None,
            _ => session.send_frame(now, &SILENCE),
        });
    }
    let packets: Vec<_> = packets.iter().map(|bytes| RtpPacket::decode(bytes).unwrap()).collect();
    let marked: Vec<_> = packets.iter().filter(|p| p.marker).map(|p| p.timestamp).collect();
    let start = packets[0].timestamp;
    assert_eq!(marked, [start, start.wrapping_add(200 * 80), start.wrapping_add(400 * 80)]);
    assert!(packets.windows(2).all(|pair| pair[1].sequence == pair[0].sequence.wrapping_add(1)));
}

#[test]
fn frames_that_come_in_a_burst_after_a_stall_leave_no_gap() {
    let mut session = RtpSession::new(Time::ZERO, &config(FAR), Rng::from_number(1));
    let mut packets = Vec::new();
    for tick in 0..300_u64 {
        let stalled = if (100..115).contains(&tick) { 115 } else { tick };
        packets.extend(session.send_frame(Time::from_millis(stalled * 10), &SILENCE));
    }
    let packets: Vec<_> = packets.iter().map(|bytes| RtpPacket::decode(bytes).unwrap()).collect();
    assert!(packets.windows(2).all(|pair| pair[1].timestamp == pair[0].timestamp.wrapping_add(160)));
}

#[test]
fn silence_is_not_sent_when_it_is_suppressed() {
    let configuration = SessionConfig { silence: SilenceSuppression::On, ..config(FAR) };
    let mut session = RtpSession::new(Time::ZERO, &configuration, Rng::from_number(1));
    let mut tone = sine(800.0);
    let mut sent = Vec::new();
    for tick in 0..400_u64 {
        let now = Time::from_millis(tick * 10);
        let frame = if (100..300).contains(&tick) { SILENCE } else { tone(tick) };
        if let Some(bytes) = session.send_frame(now, &frame) {
            sent.push((tick, RtpPacket::decode(&bytes).unwrap().marker));
        }
    }
    assert!(sent.iter().all(|(tick, _)| !(125..300).contains(tick)), "{sent:?}");
    assert!(sent.iter().any(|(tick, _)| (100..125).contains(tick)), "word endings are not cut");
    assert_eq!(
        sent.iter().filter(|(_, marker)| *marker).map(|(tick, _)| *tick).collect::<Vec<_>>(),
        [1, 301]
    );
}

#[test]
fn nobody_is_sent_anything_before_the_far_end_is_known() {
    let mut session = RtpSession::new(Time::ZERO, &SessionConfig::new(&[Payload::PCMU]), Rng::from_number(1));
    for tick in 0..1000 {
        let now = Time::from_millis(tick * 10);
        assert_eq!(session.send_frame(now, &SILENCE), None);
        session.handle_timeout(now);
        assert_eq!(session.poll_transmit(), None);
    }
    assert_eq!(session.poll_timeout(), None);
    assert_eq!(session.statistics(Time::ZERO).packets_sent, 0);
    assert_eq!(
        session.receive(Time::ZERO, FAR, &datagram(0, 1, 0, 9)),
        Received::Discarded(Discard::WrongSource),
        "nor is anybody heard"
    );
}

#[test]
fn a_stranger_is_not_heard() {
    let mut session = RtpSession::new(Time::ZERO, &config(FAR), Rng::from_number(1));
    let other_port = std::net::SocketAddr::new(FAR.ip(), FAR.port() + 2);
    for from in [STRANGER, other_port] {
        for n in 0..10 {
            let received = session.receive(Time::ZERO, from, &datagram(0, n, u32::from(n) * 160, 9));
            assert_eq!(received, Received::Discarded(Discard::WrongSource));
        }
    }
    assert_eq!(session.receive(Time::ZERO, FAR, &datagram(0, 5, 0, 8)), Received::Audio);
    let statistics = session.statistics(Time::ZERO);
    assert_eq!((statistics.wrong_source, statistics.packets_received), (20, 1));
    assert_eq!(session.remote(), Some(FAR), "packets still go where signalling said");
    assert_eq!(session.poll_event(), None);
}

#[test]
fn an_ipv4_address_in_ipv6_form_is_the_same_address() {
    let mut session = RtpSession::new(Time::ZERO, &config(FAR), Rng::from_number(1));
    let std::net::IpAddr::V4(v4) = FAR.ip() else { panic!() };
    let mapped = std::net::SocketAddr::new(v4.to_ipv6_mapped().into(), FAR.port());
    assert_eq!(session.receive(Time::ZERO, mapped, &datagram(0, 1, 0, 9)), Received::Audio);
}

#[test]
fn a_latch_takes_the_first_proven_address_and_keeps_it() {
    let configuration =
        SessionConfig { source: SourcePolicy::LatchOnce, remote: Some(STRANGER), ..config(FAR) };
    let mut session = RtpSession::new(Time::ZERO, &configuration, Rng::from_number(1));
    let unproven = Received::Discarded(Discard::Unproven);
    assert_eq!(session.receive(Time::ZERO, STRANGER, &datagram(0, 70, 0, 3)), unproven);
    assert_eq!(session.receive(Time::ZERO, FAR, &datagram(0, 1, 0, 9)), unproven);
    assert_eq!(session.receive(Time::ZERO, STRANGER, &datagram(0, 90, 0, 3)), unproven, "not in sequence");
    assert_eq!(session.receive(Time::ZERO, FAR, &datagram(0, 2, 160, 9)), unproven);
    assert_eq!(session.receive(Time::ZERO, FAR, &datagram(0, 3, 320, 9)), Received::Audio);
    assert_eq!(session.poll_event(), Some(SessionEvent::Latched(FAR)));
    assert_eq!(session.remote(), Some(FAR), "and packets go there");
    for n in 0..5 {
        let late = session.receive(Time::ZERO, STRANGER, &datagram(0, n, 0, 3));
        assert_eq!(late, Received::Discarded(Discard::WrongSource));
    }
    // Signalling says the same again: the latch holds. It says another thing: it does not.
    session.reconfigure(Time::ZERO, &configuration);
    assert_eq!(session.remote(), Some(FAR));
    session.reconfigure(Time::ZERO, &config(STRANGER));
    assert_eq!(session.remote(), Some(STRANGER));
}

#[test]
fn a_latch_within_a_host_takes_only_its_ports() {
    let configuration = SessionConfig { source: SourcePolicy::LatchPort(FAR.ip()), ..config(FAR) };
    let mut session = RtpSession::new(Time::ZERO, &configuration, Rng::from_number(1));
    for n in 0..5 {
        let received = session.receive(Time::ZERO, STRANGER, &datagram(0, n, 0, 3));
        assert_eq!(received, Received::Discarded(Discard::WrongSource));
    }
    let translated = std::net::SocketAddr::new(FAR.ip(), 61_234);
    session.receive(Time::ZERO, translated, &datagram(0, 1, 0, 9));
    assert_eq!(session.receive(Time::ZERO, translated, &datagram(0, 2, 160, 9)), Received::Audio);
    assert_eq!(session.remote(), Some(translated));
}

#[test]
fn what_is_no_media_is_thrown_away_and_counted() {
    let mut session = RtpSession::new(Time::ZERO, &config(FAR), Rng::from_number(1));
    assert!(matches!(
        session.receive(Time::ZERO, FAR, &[0x80; 11]),
        Received::Discarded(Discard::Malformed(_))
    ));
    assert!(matches!(session.receive(Time::ZERO, FAR, &[]), Received::Discarded(Discard::Malformed(_))));
    let unknown = session.receive(Time::ZERO, FAR, &datagram(99, 1, 0, 9));
    assert_eq!(unknown, Received::Discarded(Discard::UnknownPayload));
    let statistics = session.statistics(Time::ZERO);
    assert_eq!((statistics.malformed, statistics.unknown_payload, statistics.packets_received), (2, 1, 0));
}

#[test]
fn a_packet_that_is_not_understood_is_not_lost() {
    let mut session = RtpSession::new(Time::ZERO, &config(FAR), Rng::from_number(1));
    for n in 0..100_u16 {
        // Every tenth is comfort noise, which was not agreed on; two are lost.
        let number = if n % 10 == 9 { 13 } else { 0 };
        if n != 50 && n != 59 {
            session.receive(
                Time::from_millis(u64::from(n) * 20),
                FAR,
                &datagram(number, n, u32::from(n) * 160, 9),
            );
        }
    }
    let statistics = session.statistics(Time::from_secs(2));
    assert_eq!(
        (statistics.packets_received, statistics.unknown_payload, statistics.packets_lost),
        (89, 9, 2)
    );
}

#[test]
fn another_source_takes_over_when_it_is_proven_and_the_sums_go_on() {
    let mut session = RtpSession::new(Time::ZERO, &config(FAR), Rng::from_number(1));
    let at = |n: u16| Time::from_millis(u64::from(n) * 20);
    for n in (0..100).filter(|n| n % 10 != 5) {
        session.receive(at(n), FAR, &datagram(0, n, u32::from(n) * 160, 9));
    }
    let stray = session.receive(at(100), FAR, &datagram(0, 7, 0, 44));
    assert_eq!(stray, Received::Discarded(Discard::Unproven));
    assert_eq!(session.receive(at(100), FAR, &datagram(0, 100, 16_000, 9)), Received::Audio);
    session.receive(at(101), FAR, &datagram(0, 500, 0, 55));
    assert_eq!(session.receive(at(102), FAR, &datagram(0, 501, 160, 55)), Received::Audio);
    assert_eq!(session.poll_event(), Some(SessionEvent::SourceChanged { ssrc: 55 }));
    for n in (502..600).filter(|n| *n != 550) {
        session.receive(at(n - 400), FAR, &datagram(0, n, u32::from(n) * 160, 55));
    }
    let statistics = session.statistics(at(300));
    assert_eq!((statistics.packets_lost, statistics.packets_received), (11, 91 + 98));
    assert_eq!(session.remote_ssrc(), Some(55));
}

#[test]
fn when_signalling_names_another_far_end_it_is_heard_at_once() {
    let mut session = RtpSession::new(Time::ZERO, &config(FAR), Rng::from_number(1));
    session.receive(Time::ZERO, FAR, &datagram(0, 1, 0, 9));
    session.reconfigure(Time::ZERO, &config(STRANGER));
    assert_eq!(session.receive(Time::ZERO, STRANGER, &datagram(0, 800, 0, 10)), Received::Audio);
    assert_eq!(
        session.receive(Time::ZERO, FAR, &datagram(0, 2, 160, 9)),
        Received::Discarded(Discard::WrongSource)
    );
    assert_eq!(session.statistics(Time::ZERO).packets_received, 2);
}

#[test]
fn after_a_silence_another_source_is_heard_at_once() {
    let mut session = RtpSession::new(Time::ZERO, &config(FAR), Rng::from_number(1));
    session.receive(Time::ZERO, FAR, &datagram(0, 1, 0, 9));
    let later = Time::from_secs(1);
    assert_eq!(session.receive(later, FAR, &datagram(0, 9000, 77, 10)), Received::Audio);
}

#[test]
fn a_far_end_with_our_identifier_makes_us_take_another_once() {
    let mut session = RtpSession::new(Time::ZERO, &config(FAR), Rng::from_number(1));
    let old = session.ssrc();
    for tick in 0..10 {
        session.send_frame(Time::from_millis(tick * 10), &SILENCE);
    }
    let received = session.receive(Time::ZERO, FAR, &datagram(0, 1, 0, old));
    assert_eq!(received, Received::Discarded(Discard::Looped));
    let new = session.ssrc();
    assert_ne!(new, old);
    assert_eq!(session.poll_event(), Some(SessionEvent::Collision { ssrc: new }));
    let goodbye = session.poll_transmit().unwrap();
    assert_eq!(goodbye.to, FAR_CONTROL);
    let said: Vec<_> = Compound::decode(&goodbye.payload).unwrap().packets().collect();
    let Some(RtcpPacket::Goodbye { sources, .. }) = said.last() else { panic!("{said:?}") };
    assert_eq!(sources.iter().collect::<Vec<_>>(), [old]);
    // It is a loop: the new identifier comes back as well, and now is only passed over. Its reports come back, too.
    let report = |ssrc| CompoundBuilder::report(ssrc, None, &[]).description("").build();
    session.receive_control(Time::ZERO, FAR_CONTROL, &report(new));
    let new = session.ssrc();
    assert_eq!(session.poll_event(), Some(SessionEvent::Collision { ssrc: new }));
    assert!(session.poll_transmit().is_some());
    session.receive_control(Time::ZERO, FAR_CONTROL, &report(new));
    for n in 0..50 {
        session.receive(Time::ZERO, FAR, &datagram(0, n, 0, new));
    }
    assert_eq!(session.ssrc(), new);
    assert_eq!((session.poll_event(), session.poll_transmit()), (None, None));
    assert_eq!(session.statistics(Time::ZERO).looped, 51);
    assert_eq!(session.statistics(Time::ZERO).packets_sent, 5, "what was sent before still counts");
}

#[test]
fn digits_go_as_events_and_are_heard_as_tones() {
    let with_events = |to| {
        let mut configuration = config(to);
        configuration.receives.push(Payload::telephone_event(101));
        configuration.sends.push(Payload::telephone_event(101));
        configuration
    };
    let mut line = Line::new(&with_events(NEAR), &with_events(FAR), 3);
    line.far.listen_in_band(true);
    for letter in "25#".chars() {
        assert!(line.near.send_digit(digit(letter), DtmfTiming::USUAL));
    }
    assert!(line.near.is_sending_digits());
    let (_, heard) = line.talk(Duration::from_secs(2), sine(300.0), |_| SILENCE);
    assert!(!line.near.is_sending_digits());
    let changes = line.far_digits();
    let origin = DigitOrigin::Event;
    let expected: Vec<_> = "25#"
        .chars()
        .flat_map(|letter| {
            let (digit, duration) = (digit(letter), Duration::from_millis(100));
            [DigitChange::Began { digit, origin }, DigitChange::Ended { digit, origin, duration }]
        })
        .collect();
    assert_eq!(changes, expected, "each once, and not again as sound");
    // What the ear hears is found by a detector as the same digits.
    let mut detector = strowger_media::dtmf::DtmfDetector::new();
    let found: Vec<_> =
        heard.as_chunks::<80>().0.iter().flat_map(|frame| detector.listen(frame)).flatten().collect();
    assert_eq!(found.len(), 6, "{found:?}");
}

#[test]
fn digits_go_as_sound_where_the_far_end_takes_no_events() {
    let mut line = Line::new(&config(NEAR), &config(FAR), 3);
    line.far.listen_in_band(true);
    for letter in "80".chars() {
        line.near.send_digit(digit(letter), DtmfTiming::SHORTEST);
    }
    line.talk(Duration::from_secs(2), |_| SILENCE, |_| SILENCE);
    let digits: Vec<_> = line
        .far_digits()
        .into_iter()
        .filter_map(|change| match change {
            DigitChange::Began { digit, origin: DigitOrigin::InBand } => Some(digit.letter()),
            _ => None,
        })
        .collect();
    assert_eq!(digits, ['8', '0']);
}

#[test]
fn a_held_key_ends_when_it_is_released() {
    let mut configuration = config(FAR);
    configuration.sends.push(Payload::telephone_event(96));
    configuration.receives.push(Payload::telephone_event(96));
    let back =
        SessionConfig { remote: Some(NEAR), source: SourcePolicy::Signalled(NEAR), ..configuration.clone() };
    let mut line = Line::new(&back, &configuration, 3);
    line.near.press_digit(digit('D'));
    line.talk(Duration::from_secs(12), |_| SILENCE, |_| SILENCE);
    line.near.release_digit();
    line.talk(Duration::from_secs(1), |_| SILENCE, |_| SILENCE);
    let changes = line.far_digits();
    assert_eq!(changes.len(), 2, "{changes:?}");
    let DigitChange::Ended { duration, .. } = changes[1] else { panic!("{changes:?}") };
    assert_eq!(duration, Duration::from_secs(12), "over the limit of one report, 8 s");
}

#[test]
fn an_event_whose_end_is_lost_is_given_up_by_the_clock() {
    let mut configuration = config(FAR);
    configuration.receives.push(Payload::telephone_event(101));
    let mut session = RtpSession::new(Time::ZERO, &configuration, Rng::from_number(1));
    let mut packet = datagram(101, 1, 4000, 9);
    packet.truncate(12);
    packet.extend([5, 10, 0x01, 0x40]);
    assert_eq!(session.receive(Time::ZERO, FAR, &packet), Received::TelephoneEvent);
    assert!(matches!(session.poll_event(), Some(SessionEvent::Digit(DigitChange::Began { .. }))));
    let due = session.poll_timeout().unwrap();
    assert_eq!(due, Time::from_millis(150));
    session.handle_timeout(due);
    let ended = DigitChange::Ended {
        digit: digit('5'),
        origin: DigitOrigin::Event,
        duration: Duration::from_millis(40),
    };
    assert_eq!(session.poll_event(), Some(SessionEvent::Digit(ended)));
    // The tone stops, too.
    assert!(level_dbm0(&session.play_frame(due + Duration::from_millis(100))) < -60.0);
}

#[test]
fn reports_measure_the_round_trip() {
    let mut line = Line::new(&config(NEAR), &config(FAR), 35);
    line.talk(Duration::from_secs(60), sine(500.0), sine(600.0));
    let (near, far) = (line.near.statistics(line.now), line.far.statistics(line.now));
    for statistics in [near, far] {
        let latency = statistics.latency.unwrap();
        assert!(latency.abs_diff(Duration::from_millis(35)) < Duration::from_millis(1), "{latency:?}");
        assert!(
            (8..30).contains(&statistics.reports_sent),
            "{} reports in a minute",
            statistics.reports_sent
        );
        assert_eq!(statistics.remote.map(|report| report.cumulative_lost), Some(0));
        assert_eq!(statistics.reports_refused, 0);
    }
}

#[test]
fn the_round_trip_is_that_of_the_worked_example_of_rfc_3550_figure_2() {
    // The example's clock reads b710:8000 when the report arrives.
    let configuration = SessionConfig { ntp_origin: 0xB44D_B705_2000_0000, ..config(FAR) };
    let mut session = RtpSession::new(Time::ZERO, &configuration, Rng::from_number(1));
    let arrival = Time::from_millis(11_375);
    assert_eq!(NtpTime::at(NtpTime(configuration.ntp_origin), arrival).middle(), 0xB710_8000);
    let block = ReportBlock {
        ssrc: session.ssrc(),
        last_sr: 0xB705_2000,
        delay_since_last_sr: 0x0005_4000,
        ..ReportBlock::default()
    };
    let report = CompoundBuilder::report(9, None, &[block]).description("r").build();
    assert!(session.receive_control(arrival, FAR_CONTROL, &report));
    assert_eq!(session.statistics(arrival).latency, Some(Duration::from_micros(6_125_000 / 2)));
}

#[test]
fn a_report_from_elsewhere_or_with_a_round_trip_below_zero_is_not_believed() {
    let mut session = RtpSession::new(Time::ZERO, &config(FAR), Rng::from_number(1));
    let now = Time::from_secs(5);
    let block = |ssrc, last_sr| ReportBlock {
        ssrc,
        last_sr,
        delay_since_last_sr: 0x0009_0000,
        ..ReportBlock::default()
    };
    let report = |block| CompoundBuilder::report(9, None, &[block]).description("r").build();
    let honest = report(block(session.ssrc(), 0x0001_0000));
    assert!(!session.receive_control(now, STRANGER, &honest));
    assert!(!session.receive_control(now, FAR, &honest), "the port of RTP is not that of RTCP");
    assert!(!session.receive_control(now, FAR_CONTROL, &honest[..12]));
    assert!(session.receive_control(now, FAR_CONTROL, &honest), "it is well formed; its delay is impossible");
    let other = report(block(session.ssrc() ^ 1, 0x0001_0000));
    assert!(session.receive_control(now, FAR_CONTROL, &other));
    let statistics = session.statistics(now);
    assert_eq!((statistics.latency, statistics.reports_refused, statistics.reports_received), (None, 3, 2));
}

#[test]
fn a_report_tells_the_far_end_what_was_lost() {
    let mut line = Line::new(&config(NEAR), &config(FAR), 10);
    line.loss = 0.1;
    line.talk(Duration::from_secs(60), sine(500.0), sine(600.0));
    let far = line.far.statistics(line.now);
    let told = line.near.statistics(line.now).remote.unwrap();
    assert!(far.packets_lost > 200, "{}", far.packets_lost);
    assert!((i64::from(told.cumulative_lost) - far.packets_lost).abs() < 60, "{told:?}");
    assert!((10..50).contains(&told.fraction_lost), "a tenth is 26 of 256: {told:?}");
}

#[test]
fn a_sender_reports_what_it_sent_and_where_its_clock_stands() {
    let mut session = RtpSession::new(Time::ZERO, &config(FAR), Rng::from_number(1));
    let mut last = 0;
    let mut report = None;
    for tick in 0..700_u64 {
        let now = Time::from_millis(tick * 10);
        if let Some(bytes) = session.send_frame(now, &SILENCE) {
            last = RtpPacket::decode(&bytes).unwrap().timestamp;
        }
        session.handle_timeout(now);
        if let Some(sent) = session.poll_transmit() {
            report = Some((now, sent, last, session.statistics(now)));
            break;
        }
    }
    let (now, sent, last, statistics) = report.unwrap();
    assert_eq!((sent.to, sent.socket), (FAR_CONTROL, config(FAR).rtcp_socket));
    let packets: Vec<_> = Compound::decode(&sent.payload).unwrap().packets().collect();
    let RtcpPacket::SenderReport { ssrc, ntp, rtp_timestamp, packets: count, octets, reports } = packets[0]
    else {
        panic!("{packets:?}")
    };
    assert_eq!(ssrc, session.ssrc());
    assert_eq!(ntp, NtpTime::at(NtpTime(0), now));
    assert!((160..=320).contains(&rtp_timestamp.wrapping_sub(last)), "the clock of the packets, read now");
    assert_eq!((u64::from(count), u64::from(octets)), (statistics.packets_sent, statistics.octets_sent));
    assert_eq!(reports.iter().count(), 0, "nothing was heard");
    assert!(matches!(packets[1], RtcpPacket::SourceDescription(_)));
}

#[test]
fn a_listener_sends_receiver_reports() {
    let mut session = RtpSession::new(Time::ZERO, &config(FAR), Rng::from_number(1));
    let sr = CompoundBuilder::report(
        9,
        Some(&SenderInfo { ntp: NtpTime(0xAAAA_1234_5678_BBBB), rtp_timestamp: 0, packets: 0, octets: 0 }),
        &[],
    )
    .description("far")
    .build();
    session.receive(Time::ZERO, FAR, &datagram(0, 1, 0, 9));
    session.receive_control(Time::ZERO, FAR_CONTROL, &sr);
    loop {
        let now = session.poll_timeout().unwrap();
        session.handle_timeout(now);
        let Some(sent) = session.poll_transmit() else { continue };
        let packets: Vec<_> = Compound::decode(&sent.payload).unwrap().packets().collect();
        let RtcpPacket::ReceiverReport { reports, .. } = packets[0] else { panic!("{packets:?}") };
        let block = reports.iter().next().unwrap();
        assert_eq!((block.ssrc, block.last_sr), (9, 0x1234_5678));
        let delay = Duration::from_secs_f64(f64::from(block.delay_since_last_sr) / 65_536.0);
        assert!(delay.abs_diff(now - Time::ZERO) < Duration::from_millis(1));
        return;
    }
}

#[test]
fn a_session_that_ends_says_goodbye_and_hears_nothing_more() {
    let mut line = Line::new(&config(NEAR), &config(FAR), 10);
    line.talk(Duration::from_secs(1), sine(500.0), |_| SILENCE);
    line.near.close(line.now, "call ended");
    let goodbye = line.near.poll_transmit().unwrap();
    assert!(line.far.receive_control(line.now, NEAR_CONTROL, &goodbye.payload));
    assert!(line.far_events().contains(&SessionEvent::Goodbye));
    let late = line.near.receive(line.now, FAR, &datagram(0, 1, 0, 9));
    assert_eq!(late, Received::Discarded(Discard::WrongSource));
    let mut silent = RtpSession::new(Time::ZERO, &config(FAR), Rng::from_number(1));
    silent.close(Time::ZERO, "");
    assert_eq!(silent.poll_transmit(), None, "who never spoke does not take leave (RFC 3550, 6.3.7)");
}

#[test]
fn sound_that_nobody_listened_to_is_not_heard_later() {
    let mut session = RtpSession::new(Time::ZERO, &config(FAR), Rng::from_number(1));
    for n in 0..500_u16 {
        session.receive(Time::from_millis(u64::from(n) * 20), FAR, &datagram(0, n, u32::from(n) * 160, 9));
    }
    session.play_frame(Time::from_secs(1));
    let frame = session.play_frame(Time::from_secs(20));
    assert_eq!(frame, SILENCE);
}

/// Ten thousand connections, each with a session, are to leave room in the caches of a processor for the one whose packet comes.
#[test]
fn a_session_is_small_until_it_is_used() {
    assert!(size_of::<RtpSession>() <= 1024, "{} octets", size_of::<RtpSession>());
}
