//! What a packet and a frame cost: relaying, a session's 10 ms, coding, mixing, and what listens.
//!
//! A relay passes 50 packets a second each way of a call; everything else happens 100 times a second on a line that is off-hook.

use std::hint::black_box;
use std::net::SocketAddr;
use std::time::Duration;

use divan::counter::{BytesCount, ItemsCount};
use divan::{AllocProfiler, Bencher};
use strowger_media::analysis::{FrequencyWatch, ToneRecogniser, compare};
use strowger_media::dtmf::{Digit, DtmfDetector, DtmfGenerator, DtmfTiming};
use strowger_media::g711::Law;
use strowger_media::jitter::{JitterBuffer, PlayoutConfig};
use strowger_media::rtp::{RtpHeader, RtpPacket};
use strowger_media::speech::SpeechNoise;
use strowger_media::tone::{SignalTone, ToneGenerator, TonePlan};
use strowger_media::{
    EndpointShape, FRAME_SAMPLES, Frame, Mixer, Payload, Relayed, RtpSession, SessionConfig, StreamMode,
    relay,
};
use strowger_sansio::{Rng, Time};

/// Shows allocations beside the times: relaying and playing must have none.
#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

const NEAR: ([u8; 4], u16) = ([127, 0, 0, 1], 40_000);
const FAR: ([u8; 4], u16) = ([127, 0, 0, 2], 50_000);
const PACKET: Duration = Duration::from_millis(20);

fn session(remote: ([u8; 4], u16), seed: u64) -> RtpSession {
    let payloads = [Payload::PCMU, Payload::telephone_event(101)];
    let config = SessionConfig::new(&payloads).toward(SocketAddr::from(remote));
    RtpSession::new(Time::ZERO, &config, Rng::from_number(seed))
}

fn packet(sequence: u16, timestamp: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(172);
    RtpHeader { marker: false, payload_type: 0, sequence, timestamp, ssrc: 7 }.encode(&mut bytes);
    bytes.resize(172, 0x55);
    bytes
}

fn talk() -> impl FnMut() -> Frame {
    let mut noise = SpeechNoise::new(Rng::from_number(3), -15.0);
    move || noise.frame()
}

/// One packet through a relay: source check, statistics, new header. The figure to hold is 100 ns.
#[divan::bench]
fn relay_a_packet(bencher: Bencher<'_, '_>) {
    let (mut near, mut far) = (session(NEAR, 1), session(FAR, 2));
    let from = SocketAddr::from(NEAR);
    let (mut now, mut sequence) = (Time::ZERO, 0_u16);
    let template = packet(0, 0);
    let mut bytes = template.clone();
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| {
        now += PACKET;
        sequence = sequence.wrapping_add(1);
        RtpHeader { marker: false, payload_type: 0, sequence, timestamp: u32::from(sequence) * 160, ssrc: 7 }
            .overwrite(&mut bytes);
        let passed = relay(now, from, black_box(&mut bytes), &mut near, &mut far);
        assert!(matches!(passed, Relayed::Forward(_)));
    });
}

/// A packet of a stranger: what a flood costs.
#[divan::bench]
fn refuse_a_stranger(bencher: Bencher<'_, '_>) {
    let mut near = session(NEAR, 1);
    let bytes = packet(1, 160);
    let stranger = SocketAddr::from(([192, 0, 2, 66], 6666));
    bencher.bench_local(|| near.receive(Time::ZERO, stranger, black_box(&bytes)));
}

#[divan::bench]
fn decode_a_packet(bencher: Bencher<'_, '_>) {
    let bytes = packet(1, 160);
    bencher.bench(|| RtpPacket::decode(black_box(&bytes)).map(|packet| packet.sequence));
}

/// 20 ms of one direction of a connection: a packet received, two frames played.
#[divan::bench]
fn receive_and_play_20_ms(bencher: Bencher<'_, '_>) {
    let mut near = session(NEAR, 1);
    let from = SocketAddr::from(NEAR);
    let (mut now, mut number) = (Time::ZERO, 0_u32);
    let mut bytes = packet(0, 0);
    bencher.bench_local(|| {
        now += PACKET;
        number += 1;
        RtpHeader {
            marker: false,
            payload_type: 0,
            sequence: number as u16,
            timestamp: number.wrapping_mul(160),
            ssrc: 7,
        }
        .overwrite(&mut bytes);
        near.receive(now, from, black_box(&bytes));
        (near.play_frame(now), near.play_frame(now))
    });
}

/// 20 ms of the other: two frames coded into a packet.
#[divan::bench]
fn send_20_ms(bencher: Bencher<'_, '_>) {
    let mut near = session(NEAR, 1);
    let frame = talk()();
    let mut now = Time::ZERO;
    let mut out = Vec::new();
    bencher.bench_local(|| {
        now += PACKET;
        near.send_frame_into(now, black_box(&frame), &mut out);
        near.send_frame_into(now, black_box(&frame), &mut out)
    });
}

#[divan::bench(args = [Law::A, Law::Mu])]
fn encode_a_frame(bencher: Bencher<'_, '_>, law: Law) {
    let frame = talk()();
    let mut out = Vec::with_capacity(FRAME_SAMPLES);
    bencher.counter(BytesCount::new(FRAME_SAMPLES)).bench_local(|| {
        out.clear();
        law.encode_into(black_box(&frame), &mut out);
    });
}

#[divan::bench]
fn play_out_a_frame(bencher: Bencher<'_, '_>) {
    let mut buffer = JitterBuffer::new(PlayoutConfig::default());
    let payload = [0x55; 80];
    let (mut frame, mut timestamp) = ([0; FRAME_SAMPLES], 0_u32);
    bencher.bench_local(|| {
        buffer.insert(timestamp, false, Law::Mu, &payload);
        timestamp = timestamp.wrapping_add(80);
        buffer.play(&mut frame)
    });
}

/// A conference: what all of them hear.
#[divan::bench(args = [3, 16, 64])]
fn mix_a_conference(bencher: Bencher<'_, '_>, people: usize) {
    let Ok(plan) = Mixer::plan(EndpointShape::Relay, &vec![StreamMode::Conference; people]) else { return };
    let mut noise = talk();
    let inputs: Vec<Frame> = (0..people).map(|_| noise()).collect();
    bencher.bench(|| {
        let mix = plan.mix(black_box(&inputs), &[0; FRAME_SAMPLES]);
        (0..people).map(|stream| mix.output(stream)[0]).fold(0, i16::wrapping_add)
    });
}

#[divan::bench]
fn make_dial_tone(bencher: Bencher<'_, '_>) {
    let mut tone = ToneGenerator::new(TonePlan::north_america().tone(SignalTone::Dial));
    bencher.bench_local(|| tone.frame());
}

/// What a frame costs the detector: in talk, in silence, and while a digit sounds.
#[divan::bench(args = ["talk", "silence", "digit"])]
fn listen_for_digits(bencher: Bencher<'_, '_>, what: &str) {
    let mut detector = DtmfDetector::new();
    let mut noise = talk();
    let mut keys = DtmfGenerator::default();
    let second = Duration::from_secs(1);
    let frames: Vec<Frame> = (0..200)
        .map(|_| match (what, Digit::from_char('5')) {
            ("talk", _) => noise(),
            ("digit", Some(digit)) => {
                if keys.is_idle() {
                    keys.dial(digit, DtmfTiming::new(second, second / 10));
                }
                keys.frame()
            }
            _ => [0; FRAME_SAMPLES],
        })
        .collect();
    let mut next = frames.iter().cycle();
    bencher.bench_local(|| next.next().map(|frame| detector.listen(frame)));
}

#[divan::bench]
fn listen_for_tones(bencher: Bencher<'_, '_>) {
    let plan = TonePlan::north_america();
    let mut recogniser = ToneRecogniser::new(plan);
    let mut tone = ToneGenerator::new(plan.tone(SignalTone::Busy));
    bencher.bench_local(|| recogniser.listen(&tone.frame()));
}

#[divan::bench]
fn listen_for_a_frequency(bencher: Bencher<'_, '_>) {
    let mut watch = FrequencyWatch::new(1000.0);
    let frame = talk()();
    bencher.bench_local(|| watch.listen(black_box(&frame)));
}

/// Five seconds of talk found in six.
#[divan::bench(sample_count = 10)]
fn verify_a_recording(bencher: Bencher<'_, '_>) {
    let mut noise = talk();
    let said: Vec<i16> = (0..500).flat_map(|_| noise()).collect();
    let heard = [vec![0; 4000], said.clone(), vec![0; 4000]].concat();
    bencher.bench(|| compare(black_box(&said), black_box(&heard)));
}
