//! A session that speaks G.722: an octet a tick of an 8 kHz clock (RFC 3551 section 4.5.2).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::time::Duration;

use common::{FAR, Line, NEAR, sine};
use strowger_media::frame::{level_dbm0, sine_peak, to_sample};
use strowger_media::g722;
use strowger_media::rtp::{RtpHeader, RtpPacket};
use strowger_media::{FRAME_TIME, Payload, Relayed, RtpSession, SILENCE, SessionConfig, relay};
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

/// A telephone that hears and speaks at 16 kHz.
#[derive(Default)]
struct WideTelephone {
    encoder: g722::Encoder,
    decoder: g722::Decoder,
    heard: Vec<i16>,
    sent: u16,
}

impl WideTelephone {
    /// The next 20 ms of a tone of -10 dBm0.
    fn speak(&mut self, hertz: f64) -> Vec<u8> {
        let from = u64::from(self.sent) * 320;
        let phase = |n: u64| std::f64::consts::TAU * hertz * n as f64 / 16_000.0;
        let tone: Vec<_> = (from..from + 320).map(|n| to_sample(sine_peak(-10.0) * phase(n).sin())).collect();
        let mut packet = Vec::new();
        let timestamp = u32::from(self.sent) * 160;
        RtpHeader { marker: self.sent == 0, payload_type: 9, sequence: self.sent, timestamp, ssrc: 7 }
            .encode(&mut packet);
        self.encoder.encode_wide_into(&tone, &mut packet);
        self.sent += 1;
        packet
    }

    fn hear(&mut self, packet: &[u8]) {
        let packet = RtpPacket::decode(packet).unwrap();
        assert_eq!((packet.payload_type, packet.payload.len()), (9, 160));
        self.decoder.decode_wide_into(packet.payload, &mut self.heard);
    }
}

/// The level in dBm0 of what is heard at one frequency, and of all the rest.
fn spectrum(heard: &[i16], hertz: f64, rate: f64) -> (f64, f64) {
    let (mut sine, mut cosine, mut power) = (0.0, 0.0, 0.0);
    for (n, sample) in heard.iter().enumerate() {
        let (s, c) = (std::f64::consts::TAU * hertz * n as f64 / rate).sin_cos();
        let sample = f64::from(*sample);
        sine += sample * s;
        cosine += sample * c;
        power += sample * sample;
    }
    let count = heard.len() as f64;
    let signal = 2.0 * (sine * sine + cosine * cosine) / (count * count);
    let level = |mean: f64| 20.0 * ((2.0 * mean).sqrt() / sine_peak(0.0)).log10();
    (level(signal), level((power / count - signal).max(1e-9)))
}

#[test]
fn a_wide_tone_passes_a_relay_from_end_to_end() {
    for hertz in [300.0, 1000.0, 3400.0, 5000.0, 6800.0] {
        let (mut caller, mut called) = (WideTelephone::default(), WideTelephone::default());
        let mut incoming = RtpSession::new(Time::ZERO, &wide(NEAR), Rng::from_number(1));
        let mut outgoing = RtpSession::new(Time::ZERO, &wide(FAR), Rng::from_number(2));
        let mut now = Time::ZERO;
        for _ in 0..100 {
            let mut packet = caller.speak(hertz);
            assert_eq!(relay(now, NEAR, &mut packet, &mut incoming, &mut outgoing), Relayed::Forward(FAR));
            called.hear(&packet);
            now += FRAME_TIME * 2;
        }
        assert_eq!(called.heard.len(), 32_000, "two seconds at 16 kHz");
        let (tone, rest) = spectrum(&called.heard[16_000..], hertz, 16_000.0);
        assert!((tone + 10.0).abs() < 1.0, "{hertz} Hz comes out at {tone} dBm0");
        assert!(rest < tone - 12.0, "{hertz} Hz: {tone} dBm0 of tone and {rest} of other things");
    }
}

#[test]
fn a_wide_telephone_and_a_line_hear_each_other_in_the_channel_of_the_line() {
    let mut line = RtpSession::new(Time::ZERO, &wide(NEAR), Rng::from_number(1));
    let mut telephone = WideTelephone::default();
    let mut heard = [Vec::new(), Vec::new()];
    let mut now = Time::ZERO;
    let mut says = sine(1000.0);
    for tick in 0..400 {
        // First a tone that a line can hear, then one that lies above.
        let half = usize::from(tick >= 200);
        if tick % 2 == 0 {
            let packet = telephone.speak([1000.0, 6000.0][half]);
            line.receive(now, NEAR, &packet);
        }
        heard[half].extend(line.play_frame(now));
        if let Some(packet) = line.send_frame(now, &says(tick)) {
            telephone.hear(&packet);
        }
        now += FRAME_TIME;
    }
    let (tone, rest) = spectrum(&heard[0][8_000..], 1000.0, 8_000.0);
    assert!((tone + 10.0).abs() < 0.5 && rest < -35.0, "{tone} and {rest}");
    let above = level_dbm0(&heard[1][8_000..]);
    assert!(above < -45.0, "{above} dBm0 of what a line cannot hear");
    let (tone, rest) = spectrum(&telephone.heard[32_000..], 1000.0, 16_000.0);
    assert!((tone + 10.0).abs() < 0.5 && rest < -30.0, "{tone} and {rest}");
}
