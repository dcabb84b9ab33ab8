//! A session that speaks G.722: an octet a tick of an 8 kHz clock (RFC 3551 section 4.5.2).

mod common;

use std::time::Duration;

use common::{FAR, Line, NEAR, sine};
use strowger_media::frame::level_dbm0;
use strowger_media::rtp::RtpPacket;
use strowger_media::{FRAME_TIME, Payload, RtpSession, SILENCE, SessionConfig};
use strowger_sansio::{Rng, Time};

fn wide(remote: std::net::SocketAddr) -> SessionConfig {
    SessionConfig::new(&[Payload::G722, Payload::PCMU]).toward(remote)
}

#[test]
fn its_clock_is_that_of_eight_kilohertz() {
    let mut session = RtpSession::new(Time::ZERO, &wide(FAR), Rng::from_number(1));
    let mut now = Time::ZERO;
    let mut seen = Vec::new();
    for tick in 0..10 {
        if let Some(bytes) = session.send_frame(now, &sine(1000.0)(tick)) {
            let packet = RtpPacket::decode(&bytes).unwrap();
            seen.push((packet.payload_type, packet.timestamp, packet.payload.len()));
        }
        now += FRAME_TIME;
    }
    assert_eq!(seen.len(), 5);
    assert!(seen.iter().all(|(number, _, octets)| (*number, *octets) == (9, 160)));
    assert!(seen.windows(2).all(|pair| pair[1].1.wrapping_sub(pair[0].1) == 160));
}

#[test]
fn speech_arrives_at_its_level_both_ways() {
    let mut line = Line::new(&wide(NEAR), &wide(FAR), 20);
    let (near, far) = line.talk(Duration::from_secs(3), sine(1000.0), sine(2000.0));
    for heard in [&near[8000..], &far[8000..]] {
        assert!((level_dbm0(heard) + 10.0).abs() < 0.5, "{}", level_dbm0(heard));
    }
    let statistics = line.far.statistics(line.now);
    assert_eq!((statistics.packets_lost, statistics.playout.concealed), (0, 0));
}

#[test]
fn loss_is_concealed_and_the_decoder_finds_back() {
    let mut line = Line::new(&wide(NEAR), &wide(FAR), 20);
    line.loss = 0.1;
    line.talk(Duration::from_secs(3), sine(1000.0), |_| SILENCE);
    line.loss = 0.0;
    line.talk(Duration::from_millis(300), sine(1000.0), |_| SILENCE);
    let lost = line.far.statistics(line.now).packets_lost;
    assert!(lost > 5, "{lost}");
    let (_, heard) = line.talk(Duration::from_secs(1), sine(1000.0), |_| SILENCE);
    assert!((level_dbm0(&heard) + 10.0).abs() < 0.5, "{}", level_dbm0(&heard));
    assert_eq!(line.far.statistics(line.now).packets_lost, lost);
}

#[test]
fn each_packet_is_decoded_as_its_payload_type_says() {
    let mut line = Line::new(&wide(NEAR), &wide(FAR), 20);
    line.talk(Duration::from_secs(1), sine(1000.0), |_| SILENCE);
    // The sender falls back to mu-law, without a word to the other side.
    let fallback = SessionConfig { sends: vec![Payload::PCMU], ..wide(FAR) };
    line.near.reconfigure(line.now, &fallback);
    line.talk(Duration::from_millis(300), sine(1000.0), |_| SILENCE);
    let (_, heard) = line.talk(Duration::from_secs(1), sine(1000.0), |_| SILENCE);
    assert!((level_dbm0(&heard) + 10.0).abs() < 0.5, "{}", level_dbm0(&heard));
}
