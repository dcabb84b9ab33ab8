//! The play-out buffer under all that a network does: stories in virtual time.
//!
//! Each frame of the sender has its own octet, so that a test sees which frame of the sender is heard in which frame of the receiver.

use std::time::Duration;

use strowger_media::frame::{FRAME_SAMPLES, SILENCE};
use strowger_media::g711::Law;
use strowger_media::jitter::{Insertion, JitterBuffer, Playout, PlayoutConfig};
use strowger_sansio::Rng;

const MILLIS: u64 = 1_000_000;

/// A packet on its way: when it arrives, its timestamp, its marker, its payload.
type Flight = (u64, u32, bool, Vec<u8>);

/// The octet of the sender's frame `n`: A-law has no two octets that decode to one value.
fn octet(n: u32) -> u8 {
    (n % 251) as u8
}

/// Packets of `frames` frames each, sent on time; arrival is for the caller to change.
fn stream(count: u32, frames: u32, first_timestamp: u32) -> Vec<Flight> {
    (0..count)
        .map(|p| {
            let payload = (0..frames).flat_map(|f| [octet(p * frames + f); FRAME_SAMPLES]).collect();
            let timestamp = first_timestamp.wrapping_add(p * frames * FRAME_SAMPLES as u32);
            (u64::from((p + 1) * frames) * 10 * MILLIS, timestamp, p == 0, payload)
        })
        .collect()
}

/// What was heard in each frame of the receiver: the sender's octet, or none for anything else.
struct Heard {
    frames: Vec<(Playout, Option<u8>)>,
    buffer: JitterBuffer,
}

impl Heard {
    fn count(&self, kind: Playout) -> usize {
        self.frames.iter().filter(|(k, _)| *k == kind).count()
    }

    /// Frames of the sender in the order in which they were heard.
    fn octets(&self) -> Vec<u8> {
        self.frames
            .iter()
            .filter(|(kind, _)| *kind == Playout::Sound)
            .filter_map(|(_, octet)| *octet)
            .collect()
    }
}

fn play(mut flights: Vec<Flight>, until: Duration) -> Heard {
    flights.sort_by_key(|flight| flight.0);
    let mut flights = flights.into_iter().peekable();
    let mut buffer = JitterBuffer::new(PlayoutConfig::default());
    let mut frames = Vec::new();
    // The receiver's clock ticks between those of the sender.
    for tick in 0..until.as_millis() as u64 / 10 {
        let now = tick * 10 * MILLIS + 3 * MILLIS;
        while let Some((_, timestamp, marker, payload)) = flights.next_if(|flight| flight.0 <= now) {
            buffer.insert(timestamp, marker, Law::A, &payload);
        }
        let mut frame = SILENCE;
        let kind = buffer.play(&mut frame);
        let octet = frame.iter().all(|s| *s == frame[0]).then(|| Law::A.encode(frame[0]));
        frames.push((kind, octet));
    }
    Heard { frames, buffer }
}

fn in_order(octets: &[u8]) -> bool {
    octets.windows(2).all(|pair| (u16::from(pair[1]) + 251 - u16::from(pair[0])) % 251 <= 3)
}

#[test]
fn on_a_quiet_network_every_frame_is_heard_and_the_delay_shrinks() {
    let heard = play(stream(1000, 2, 4_294_900_000), Duration::from_secs(20));
    let counters = heard.buffer.counters();
    assert_eq!((counters.late, counters.concealed, counters.lengthened), (0, 0, 0), "{counters:?}");
    assert!(heard.buffer.target() <= Duration::from_millis(20), "{:?}", heard.buffer.target());
    assert_eq!(counters.shortened, 2, "from 40 ms to 20 ms, a frame at a time");
    let octets = heard.octets();
    assert!(octets.len() > 1980 && in_order(&octets), "{} frames", octets.len());
}

#[test]
fn every_packet_time_is_played_without_a_hole() {
    for frames in 1..=6 {
        let heard = play(stream(300 / frames, frames, 77), Duration::from_secs(3));
        assert_eq!(heard.buffer.counters().concealed, 0, "{frames} frames a packet");
        assert!(heard.octets().len() > 280, "{frames} frames a packet: {}", heard.octets().len());
    }
}

#[test]
fn a_packet_time_that_is_no_whole_number_of_frames_is_played_as_well() {
    let mut buffer = JitterBuffer::new(PlayoutConfig::default());
    let mut sounding = 0;
    for tick in 0..1000_u32 {
        if tick % 5 == 0 {
            for half in 0..2 {
                let timestamp = (tick / 5 * 2 + half) * 200;
                buffer.insert(timestamp, false, Law::Mu, &[0x10; 200]);
            }
        }
        let mut frame = SILENCE;
        sounding += usize::from(buffer.play(&mut frame) == Playout::Sound);
    }
    assert!(sounding > 980, "{sounding}");
    assert_eq!(buffer.counters().late, 0);
}

#[test]
fn swapped_packets_are_put_back_in_order() {
    let mut flights = stream(500, 2, 0);
    for pair in flights.chunks_mut(2) {
        let (first, second) = pair.split_at_mut(1);
        std::mem::swap(&mut first[0].0, &mut second[0].0);
    }
    let heard = play(flights, Duration::from_secs(10));
    // The very first packet is swapped, too: until it has come, play-out waits for the one that came before it.
    assert!(in_order(&heard.octets()));
    assert!(heard.buffer.counters().concealed <= 2, "{:?}", heard.buffer.counters());
    assert!(heard.octets().len() > 980);
}

#[test]
fn a_packet_that_comes_twice_is_heard_once_and_costs_no_delay() {
    let mut flights = stream(500, 2, 0);
    let again: Vec<_> = flights.iter().map(|(at, ts, m, p)| (at + 90 * MILLIS, *ts, *m, p.clone())).collect();
    flights.extend(again);
    let heard = play(flights, Duration::from_secs(10));
    let counters = heard.buffer.counters();
    assert_eq!((counters.late, counters.lengthened, counters.concealed), (0, 0, 0), "{counters:?}");
    assert!(counters.duplicate >= 490);
    assert!(in_order(&heard.octets()));
}

#[test]
fn lost_packets_are_concealed_and_cost_no_time() {
    let mut rng = Rng::from_number(4);
    let mut flights = stream(1000, 2, 0);
    let before = flights.len();
    flights.retain(|_| !rng.chance(0.05));
    let lost = before - flights.len();
    let heard = play(flights, Duration::from_millis(20_050));
    let counters = heard.buffer.counters();
    assert!(counters.concealed.abs_diff(2 * lost as u64) <= 4, "{lost} lost: {counters:?}");
    assert_eq!(counters.late, 0);
    // What is heard at the end is what was said at the end: nothing has slipped.
    let last = heard.octets().last().copied();
    assert_eq!(last, Some(octet(1999)));
}

#[test]
fn jitter_is_absorbed_after_a_second() {
    let mut rng = Rng::from_number(9);
    let mut flights = stream(3000, 2, 0);
    for flight in &mut flights {
        flight.0 += rng.below(60 * MILLIS);
    }
    let heard = play(flights, Duration::from_secs(60));
    let (learning, learnt) = heard.frames.split_at(200);
    let holes =
        |frames: &[(Playout, Option<u8>)]| frames.iter().filter(|f| f.0 == Playout::Concealed).count();
    assert!(holes(learnt) < 30, "{} of {} frames concealed", holes(learnt), learnt.len());
    assert!(holes(learning) < 40);
    assert!(heard.buffer.target() <= Duration::from_millis(120), "{:?}", heard.buffer.target());
    assert!(in_order(&heard.octets()));
}

#[test]
fn a_spike_of_delay_lengthens_play_out_for_a_while() {
    let mut flights = stream(2000, 2, 0);
    for flight in &mut flights {
        let arrival = &mut flight.0;
        // For a quarter of a second everything is held up, and then comes at once.
        if (5000..5250).contains(&(*arrival / MILLIS)) {
            *arrival = 5250 * MILLIS;
        }
    }
    let heard = play(flights.clone(), Duration::from_secs(6));
    let delay = heard.buffer.delay().as_millis();
    assert!((100..=260).contains(&delay), "{delay}");
    let later = play(flights, Duration::from_secs(39));
    let delay = later.buffer.delay().as_millis();
    assert!(delay < 50, "{delay}");
    assert!(in_order(&later.octets()[900..]));
}

#[test]
fn clocks_that_differ_do_not_fill_or_drain_the_buffer() {
    for parts_per_million in [-500_i64, -100, 100, 500] {
        let mut flights = stream(30_000, 2, 0);
        for flight in &mut flights {
            let arrival = flight.0 as i64;
            flight.0 = (arrival + arrival / 1_000_000 * parts_per_million) as u64;
        }
        let heard = play(flights, Duration::from_secs(590));
        let counters = heard.buffer.counters();
        let slipped = counters.shortened + counters.lengthened;
        assert!(counters.overrun == 0 && counters.late < 60, "{parts_per_million}: {counters:?}");
        assert!(slipped < 120, "{parts_per_million}: {counters:?}");
        assert!(heard.buffer.depth() <= Duration::from_millis(60), "{:?}", heard.buffer.depth());
        assert!(heard.octets().len() > 58_000, "{parts_per_million}: {} {counters:?}", heard.octets().len());
    }
}

#[test]
fn a_pause_of_the_sender_is_silence_and_not_delay() {
    let mut flights = stream(1000, 2, 0);
    // Silence is not sent for two seconds; the marker tells where the talk goes on.
    flights.retain(|flight| !(5000..7000).contains(&(flight.0 / MILLIS)));
    if let Some(resumed) = flights.iter_mut().find(|flight| flight.0 >= 7000 * MILLIS) {
        resumed.2 = true;
    }
    let heard = play(flights, Duration::from_millis(20_050));
    let counters = heard.buffer.counters();
    assert!(counters.concealed <= 12, "the fade, twice: {counters:?}");
    assert_eq!((counters.late, counters.overrun), (0, 0));
    assert!(heard.count(Playout::Silence) >= 185);
    assert_eq!(heard.octets().last().copied(), Some(octet(1999)));
}

#[test]
fn a_sender_that_starts_its_timestamps_anew_is_heard_again() {
    for jump in [0x8000_0000_u32, 1_000_000, 0_u32.wrapping_sub(4040), 0_u32.wrapping_sub(160_000)] {
        let mut flights = stream(500, 2, 5_000_000);
        for flight in flights.iter_mut().skip(250) {
            flight.1 = flight.1.wrapping_add(jump);
        }
        let heard = play(flights, Duration::from_secs(10));
        assert!(heard.octets().len() > 960, "jump of {jump}: {} frames", heard.octets().len());
        assert!(heard.buffer.depth() <= Duration::from_millis(250), "jump of {jump}");
    }
}

#[test]
fn without_a_listener_the_buffer_stays_bounded() {
    let mut buffer = JitterBuffer::new(PlayoutConfig::default());
    for n in 0..10_000_u32 {
        buffer.insert(n * 160, false, Law::Mu, &[0; 160]);
        assert!(buffer.depth() <= Duration::from_millis(400), "{:?}", buffer.depth());
    }
    assert!(buffer.counters().overrun > 9_900);
}

#[test]
fn payloads_that_cannot_be_sound_are_refused() {
    let mut buffer = JitterBuffer::new(PlayoutConfig::default());
    assert_eq!(buffer.insert(0, true, Law::Mu, &[]), Insertion::Unusable);
    assert_eq!(buffer.insert(0, true, Law::Mu, &[0; 1601]), Insertion::Unusable);
    assert_eq!(buffer.insert(0, true, Law::Mu, &[0; 1600]), Insertion::Queued);
    assert_eq!(
        buffer.insert(80, false, Law::Mu, &[0; 160]),
        Insertion::Duplicate,
        "it overlaps what is there"
    );
}

#[test]
fn concealment_fades_to_silence_within_60_ms() {
    let mut buffer = JitterBuffer::new(PlayoutConfig::default());
    for n in 0..4 {
        buffer.insert(n * 160, n == 0, Law::Mu, &[Law::Mu.encode(8000); 160]);
    }
    let mut peaks = Vec::new();
    let mut frame = SILENCE;
    for _ in 0..24 {
        buffer.play(&mut frame);
        peaks.push(frame.iter().map(|s| s.unsigned_abs()).max().unwrap());
    }
    let end = peaks.iter().rposition(|peak| *peak > 7000 && *peak == peaks[10]).unwrap();
    let fade = &peaks[end + 1..];
    assert!(fade.windows(2).all(|pair| pair[1] <= pair[0]), "{peaks:?}");
    assert_eq!(fade[6..].iter().max(), Some(&0), "{peaks:?}");
    assert!(fade[1] > 4000, "it fades and does not stop: {peaks:?}");
}
