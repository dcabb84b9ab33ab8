//! Silence that is not sent, comfort noise in its place (RFC 3389), and machines that must not be interrupted.

mod common;

use std::time::Duration;

use common::{FAR, Line, NEAR, STRANGER, config, sine};
use strowger_media::frame::{Frame, SILENCE_DBM0, level_dbm0, sine_peak, to_sample};
use strowger_media::rtp::{RtpHeader, RtpPacket};
use strowger_media::{FRAME_TIME, Payload, Received, RtpSession, SILENCE, SessionConfig, SilenceSuppression};
use strowger_sansio::{Rng, Time};

fn suppressed(remote: std::net::SocketAddr) -> SessionConfig {
    let mut config = SessionConfig::new(&[Payload::PCMU, Payload::COMFORT_NOISE]).toward(remote);
    config.silence = SilenceSuppression::On;
    config
}

/// A room of this level in dBm0: noise of even power.
fn room(dbm0: f64, seed: u64) -> impl FnMut() -> Frame {
    let mut rng = Rng::from_number(seed);
    move || {
        std::array::from_fn(|_| {
            let number = f64::from((rng.next_u32() as i32) >> 16) / 32768.0;
            to_sample(number * sine_peak(dbm0) * 1.5_f64.sqrt())
        })
    }
}

/// What a session sends when it is given these frames: frame number and packet.
fn sent(config: &SessionConfig, frames: impl IntoIterator<Item = Frame>) -> Vec<(usize, Vec<u8>)> {
    let mut session = RtpSession::new(Time::ZERO, config, Rng::from_number(1));
    let packets = frames.into_iter().enumerate().filter_map(|(n, frame)| {
        let now = Time::from_millis(n as u64 * 10);
        Some((n, session.send_frame(now, &frame)?))
    });
    packets.collect()
}

#[test]
fn the_level_of_silence_is_told_at_its_start_and_when_it_changes() {
    let mut tone = sine(800.0);
    let (mut quiet, mut louder) = (room(-65.0, 1), room(-55.0, 2));
    let frames = (0..1500).map(|n| match n {
        100..500 => quiet(),
        500..900 => louder(),
        _ => tone(n),
    });
    let sent = sent(&suppressed(FAR), frames);
    let noise: Vec<(usize, u8)> = sent
        .iter()
        .filter_map(|(n, bytes)| {
            let packet = RtpPacket::decode(bytes).unwrap();
            assert!(packet.payload_type == 0 || packet.payload.len() == 1 && !packet.marker);
            (packet.payload_type == 13).then(|| (*n, packet.payload[0]))
        })
        .collect();
    // After the hangover of 200 ms, every two seconds, and with the change.
    assert_eq!(noise[0].0, 120);
    assert!(noise[0].1.abs_diff(71) <= 1, "-65 dBm0 are -71 dBov: {noise:?}");
    assert!(noise.iter().any(|(n, level)| (520..620).contains(n) && *level < 69), "{noise:?}");
    assert!(noise.last().unwrap().1.abs_diff(61) <= 1, "{noise:?}");
    assert!(noise.len() <= 8, "{noise:?}");
    // Sequence has no gap, time has none either, and talk begins with the marker.
    let headers: Vec<_> = sent.iter().map(|(n, bytes)| (*n, RtpPacket::decode(bytes).unwrap())).collect();
    for pair in headers.windows(2) {
        assert_eq!(pair[1].1.sequence, pair[0].1.sequence.wrapping_add(1));
    }
    let marked: Vec<usize> = headers.iter().filter(|(_, packet)| packet.marker).map(|(n, _)| *n).collect();
    assert_eq!(marked, [1, 901]);
    let (first, last) = (&headers[0], headers.last().unwrap());
    assert_eq!(last.1.timestamp.wrapping_sub(first.1.timestamp), (last.0 - first.0) as u32 * 80);
}

#[test]
fn a_noisy_room_is_learned_and_talk_in_it_is_sent() {
    let (mut noise, mut tone) = (room(-46.0, 3), sine(500.0));
    let frames = (0..3000).map(|n| if (2000..2100).contains(&n) { tone(n) } else { noise() });
    let sent = sent(&suppressed(FAR), frames);
    let voice = |range: std::ops::Range<usize>| {
        let within = sent.iter().filter(|(n, bytes)| range.contains(n) && bytes.len() > 100);
        within.count()
    };
    assert_eq!(voice(0..200), 100, "at first it might be talk");
    assert_eq!(voice(1500..2000), 0, "after some seconds it is the room");
    assert_eq!(voice(2000..2100), 50, "talk stands above it");
    assert_eq!(voice(2200..3000), 0);
}

#[test]
fn a_far_end_that_takes_no_comfort_noise_is_sent_nothing() {
    let mut config = config(FAR);
    config.silence = SilenceSuppression::On;
    let mut tone = sine(800.0);
    let frames = (0..600).map(|n| if n < 100 { tone(n) } else { SILENCE });
    assert!(sent(&config, frames).iter().all(|(n, bytes)| *n <= 120 && bytes.len() == 172));
}

#[test]
fn silence_is_heard_as_noise_of_its_level_and_is_no_loss() {
    let mut line = Line::new(&suppressed(NEAR), &suppressed(FAR), 20);
    let mut tone = sine(800.0);
    let mut quiet = room(-58.0, 4);
    line.talk(Duration::from_secs(1), &mut tone, |_| SILENCE);
    line.talk(Duration::from_millis(500), |_| quiet(), |_| SILENCE);
    let (_, heard) = line.talk(Duration::from_secs(8), |_| quiet(), |_| SILENCE);
    for second in heard.chunks(8000) {
        assert!((level_dbm0(second) + 58.0).abs() < 2.0, "{}", level_dbm0(second));
    }
    let (_, heard) = line.talk(Duration::from_secs(1), &mut tone, |_| SILENCE);
    assert!((level_dbm0(&heard[1600..]) + 10.0).abs() < 0.2, "talk is not mixed with noise");
    line.talk(Duration::from_millis(500), |_| quiet(), |_| SILENCE);
    let statistics = line.far.statistics(line.now);
    assert_eq!((statistics.packets_lost, statistics.loss_runs), (0, 0));
    assert_eq!((statistics.playout.concealed, statistics.playout.late), (0, 0));
    // A level is told when its frame is there, a packet of sound when its last frame is.
    assert!(statistics.jitter < Duration::from_millis(1), "{:?}", statistics.jitter);
}

#[test]
fn a_packet_that_is_lost_in_talk_is_concealed_and_no_silence() {
    let mut line = Line::new(&suppressed(NEAR), &suppressed(FAR), 20);
    let mut tone = sine(800.0);
    line.loss = 0.05;
    line.talk(Duration::from_secs(4), &mut tone, |_| SILENCE);
    let statistics = line.far.statistics(line.now);
    assert!(statistics.packets_lost > 3 && statistics.playout.concealed > 5, "{statistics:?}");
}

#[test]
fn noise_before_any_talk_is_played_and_stays_with_its_sender() {
    let mut session = RtpSession::new(Time::ZERO, &suppressed(FAR), Rng::from_number(1));
    let noise = |sequence: u16, ssrc: u32| {
        let mut bytes = Vec::new();
        RtpHeader { marker: false, payload_type: 13, sequence, timestamp: 160, ssrc }.encode(&mut bytes);
        bytes.push(46);
        bytes
    };
    assert_eq!(session.receive(Time::ZERO, FAR, &noise(1, 7)), Received::ComfortNoise);
    assert!(matches!(session.receive(Time::ZERO, STRANGER, &noise(2, 7)), Received::Discarded(_)));
    let mut now = Time::ZERO;
    let mut play = |session: &mut RtpSession, frames: usize| -> Vec<i16> {
        let heard = (0..frames).flat_map(|_| {
            now += FRAME_TIME;
            session.play_frame(now)
        });
        heard.collect()
    };
    let heard = play(&mut session, 100);
    assert!((level_dbm0(&heard[4000..]) + 40.0).abs() < 0.7, "{}", level_dbm0(&heard[4000..]));
    // Another source takes over: the noise of the one before is not its own.
    let later = Time::from_secs(2);
    for n in 0..2 {
        let mut bytes = common::datagram(0, 500 + n, 160 * u32::from(n), 8);
        bytes.truncate(172);
        session.receive(later, FAR, &bytes);
    }
    play(&mut session, 60);
    assert_eq!(level_dbm0(&play(&mut session, 20)), SILENCE_DBM0);
}

#[test]
fn where_machines_talk_nothing_is_suppressed_and_the_delay_stays() {
    let mut wide = suppressed(FAR);
    wide.sends.insert(0, Payload::G722);
    let mut session = RtpSession::new(Time::ZERO, &wide, Rng::from_number(1));
    session.carry_data();
    assert!(session.carries_data());
    let mut kinds = std::collections::BTreeSet::new();
    for n in 0..200_u64 {
        if let Some(bytes) = session.send_frame(Time::from_millis(n * 10), &SILENCE) {
            let packet = RtpPacket::decode(&bytes).unwrap();
            kinds.insert((packet.payload_type, packet.payload.len()));
        }
    }
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), [(0, 160)], "mu-law, without a pause");

    let mut line = Line::new(&config(NEAR), &config(FAR), 20);
    line.talk(Duration::from_secs(1), sine(1000.0), |_| SILENCE);
    line.far.carry_data();
    line.talk(Duration::from_millis(200), sine(1000.0), |_| SILENCE);
    assert_eq!(line.far.playout_delay(), Duration::from_millis(100));
    let before = line.far.statistics(line.now).playout;
    // A late minute: with speech, the delay would follow.
    for round in 0..20 {
        line.delay = Duration::from_millis(if round % 2 == 0 { 20 } else { 90 });
        line.talk(Duration::from_secs(3), sine(1000.0), |_| SILENCE);
    }
    let after = line.far.statistics(line.now).playout;
    assert_eq!((after.shortened, after.lengthened), (before.shortened, before.lengthened));
    assert_eq!(after.late, before.late, "and is long enough");
}
