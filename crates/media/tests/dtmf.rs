//! What a DTMF receiver must accept and must refuse: ITU-T Q.24, swept over its limits.

use std::f64::consts::TAU;
use std::time::Duration;

use strowger_media::dtmf::{Digit, DtmfDetector, DtmfEvent, DtmfGenerator, DtmfTiming};
use strowger_media::frame::{FRAME_SAMPLES, sine_peak, to_sample};
use strowger_media::g711::Law;
use strowger_media::speech::SpeechNoise;
use strowger_sansio::Rng;

/// A digit as the network may deliver it.
#[derive(Clone, Copy, Debug)]
struct Burst {
    digit: Digit,
    low: f64,
    high: f64,
    /// Deviation of both frequencies.
    low_off: f64,
    high_off: f64,
    millis: f64,
}

impl Burst {
    fn new(digit: Digit) -> Self {
        Self { digit, low: -10.0, high: -10.0, low_off: 0.0, high_off: 0.0, millis: 50.0 }
    }

    fn samples(&self, phase: f64) -> Vec<f64> {
        let (low, high) = self.digit.frequencies();
        let (low, high) = (low * (1.0 + self.low_off), high * (1.0 + self.high_off));
        let count = (self.millis * 8.0) as u32;
        (0..count)
            .map(|n| {
                let t = f64::from(n) / 8000.0;
                sine_peak(self.low) * (TAU * low * t + phase).sin()
                    + sine_peak(self.high) * (TAU * high * t + 2.0 * phase).sin()
            })
            .collect()
    }
}

/// Listens to samples that begin `lead` samples after a frame does.
fn listen(lead: usize, samples: &[f64]) -> Vec<DtmfEvent> {
    let mut all = vec![0.0; 400 + lead];
    all.extend_from_slice(samples);
    all.resize((all.len() / FRAME_SAMPLES + 8) * FRAME_SAMPLES, 0.0);
    let all: Vec<i16> = all.iter().map(|s| Law::Mu.decode(Law::Mu.encode(to_sample(*s)))).collect();
    let mut detector = DtmfDetector::new();
    all.as_chunks::<FRAME_SAMPLES>().0.iter().flat_map(|frame| detector.listen(frame)).flatten().collect()
}

fn digits(events: &[DtmfEvent]) -> String {
    let began = events.iter().filter_map(|event| match event {
        DtmfEvent::Began { digit, .. } => Some(digit.letter()),
        DtmfEvent::Ended { .. } => None,
    });
    began.collect()
}

/// Places within a frame, in samples.
const LEADS: [usize; 5] = [0, 7, 31, 40, 63];

fn accepted(burst: Burst) {
    for lead in LEADS {
        for phase in [0.0, 1.3, 4.0] {
            let events = listen(lead, &burst.samples(phase));
            assert_eq!(digits(&events), burst.digit.to_string(), "{burst:?}, lead {lead}, phase {phase}");
            assert_eq!(events.len(), 2, "a digit that began also ends: {burst:?}");
        }
    }
}

fn refused(burst: Burst) {
    for lead in LEADS {
        for phase in [0.0, 1.3, 4.0] {
            let events = listen(lead, &burst.samples(phase));
            assert_eq!(digits(&events), "", "{burst:?}, lead {lead}, phase {phase}");
        }
    }
}

#[test]
fn every_digit_of_40_ms_is_found_wherever_it_begins() {
    for digit in Digit::all() {
        for lead in 0..FRAME_SAMPLES {
            let burst = Burst { millis: 40.0, ..Burst::new(digit) };
            let events = listen(lead, &burst.samples(0.7));
            assert_eq!(digits(&events), digit.to_string(), "lead {lead}");
        }
    }
}

#[test]
fn a_burst_below_23_ms_is_no_digit_wherever_it_begins() {
    for digit in Digit::all() {
        for lead in 0..FRAME_SAMPLES {
            for millis in [5.0, 10.0, 15.0, 20.0, 22.9] {
                let events = listen(lead, &Burst { millis, ..Burst::new(digit) }.samples(0.7));
                assert_eq!(digits(&events), "", "{digit} of {millis} ms, lead {lead}");
            }
        }
    }
}

#[test]
fn levels_from_0_to_minus_25_are_accepted_and_below_minus_29_refused() {
    for digit in Digit::all() {
        // Two tones of 0 dBm0 overload the codec: the peak of both is 6 dB above one.
        for level in [0.0, -3.0, -10.0, -20.0, -25.0] {
            accepted(Burst { low: level, high: level, ..Burst::new(digit) });
        }
        for level in [-29.0, -35.0, -50.0] {
            refused(Burst { low: level, high: level, ..Burst::new(digit) });
        }
    }
}

#[test]
fn twist_from_plus_4_to_minus_8_is_accepted_and_far_beyond_refused() {
    for digit in Digit::all() {
        for twist in [4.0, 2.0, -2.0, -5.0, -8.0] {
            accepted(Burst { low: -12.0, high: -12.0 + twist, ..Burst::new(digit) });
        }
        for twist in [7.0, 12.0, -11.0, -15.0] {
            refused(Burst { low: -10.0, high: -10.0 + twist, ..Burst::new(digit) });
        }
    }
}

#[test]
fn frequencies_within_1_5_percent_are_accepted_and_beyond_3_5_refused() {
    for digit in Digit::all() {
        for off in [-0.015, -0.01, 0.01, 0.015] {
            accepted(Burst { low_off: off, ..Burst::new(digit) });
            accepted(Burst { high_off: off, ..Burst::new(digit) });
            accepted(Burst { low_off: off, high_off: -off, ..Burst::new(digit) });
            accepted(Burst { low_off: off, high_off: off, millis: 40.0, ..Burst::new(digit) });
        }
        for off in [-0.045, -0.035, 0.035, 0.045] {
            refused(Burst { low_off: off, millis: 100.0, ..Burst::new(digit) });
            refused(Burst { high_off: off, millis: 100.0, ..Burst::new(digit) });
        }
    }
}

#[test]
fn limits_hold_together_in_noise_15_db_below() {
    let mut rng = Rng::from_number(15);
    for digit in Digit::all() {
        for (twist, off) in [(0.0, 0.0), (4.0, 0.015), (-8.0, -0.015), (4.0, -0.015), (-8.0, 0.015)] {
            for lead in LEADS {
                let burst = Burst {
                    low: -12.0,
                    high: -12.0 + twist,
                    low_off: off,
                    high_off: off,
                    millis: 50.0,
                    ..Burst::new(digit)
                };
                let weaker = burst.low.min(burst.high);
                // Uniform noise of peak A has the power of a sine of peak A * sqrt(2/3).
                let peak = sine_peak(weaker - 15.0) * 1.5_f64.sqrt();
                let noisy: Vec<f64> = burst
                    .samples(0.4)
                    .iter()
                    .map(|s| s + peak * (f64::from(rng.next_u32()) / f64::from(u32::MAX) * 2.0 - 1.0))
                    .collect();
                assert_eq!(digits(&listen(lead, &noisy)), digit.to_string(), "{burst:?}, lead {lead}");
            }
        }
    }
}

#[test]
fn a_pause_of_40_ms_makes_two_digits_and_a_break_of_10_ms_does_not() {
    for digit in Digit::all() {
        for lead in 0..FRAME_SAMPLES {
            let burst = Burst { millis: 60.0, ..Burst::new(digit) }.samples(0.3);
            let twice = |gap: usize| [burst.clone(), vec![0.0; gap * 8], burst.clone()].concat();
            assert_eq!(digits(&listen(lead, &twice(40))), format!("{digit}{digit}"), "lead {lead}");
            assert_eq!(digits(&listen(lead, &twice(10))), digit.to_string(), "lead {lead}");
        }
    }
}

#[test]
fn digits_at_the_shortest_pace_are_all_found_in_order() {
    let dialled = "0123456789*#ABCD00112233";
    let mut generator = DtmfGenerator::default();
    for letter in dialled.chars() {
        generator.dial(Digit::from_char(letter).unwrap(), DtmfTiming::SHORTEST);
    }
    let mut detector = DtmfDetector::new();
    let mut found = String::new();
    let mut lengths = Vec::new();
    while !generator.is_idle() {
        for event in detector.listen(&generator.frame()).into_iter().flatten() {
            match event {
                DtmfEvent::Began { digit, .. } => found.push(digit.letter()),
                DtmfEvent::Ended { duration, .. } => lengths.push(duration),
            }
        }
    }
    assert_eq!(found, dialled);
    assert!(lengths.iter().all(|l| (40..=60).contains(&l.as_millis())), "{lengths:?}");
}

#[test]
fn a_held_key_is_one_digit_as_long_as_it_is_held() {
    let mut generator = DtmfGenerator::default();
    generator.press(Digit::from_char('7').unwrap());
    let mut detector = DtmfDetector::new();
    let mut events = Vec::new();
    for tick in 0..600 {
        if tick == 500 {
            generator.release();
        }
        events.extend(detector.listen(&generator.frame()).into_iter().flatten());
    }
    assert_eq!(events.len(), 2);
    let DtmfEvent::Ended { duration, .. } = events[1] else { panic!("{events:?}") };
    assert!(duration.abs_diff(Duration::from_secs(5)) <= Duration::from_millis(20), "{duration:?}");
    assert!(generator.is_idle());
}

#[test]
fn speech_is_not_taken_for_digits() {
    for (seed, level) in [(1, -10.0), (2, -15.0), (3, -20.0), (4, -25.0)] {
        let mut talk = SpeechNoise::new(Rng::from_number(seed), level);
        let mut detector = DtmfDetector::new();
        let mut found = Vec::new();
        // Five minutes each.
        for _ in 0..30_000 {
            found.extend(detector.listen(&talk.frame()).into_iter().flatten());
        }
        assert_eq!(found, [], "seed {seed}");
    }
}

#[test]
fn single_tones_noise_and_dial_tone_are_no_digits() {
    for hertz in [350.0, 425.0, 440.0, 697.0, 941.0, 1004.0, 1209.0, 1336.0, 1633.0, 2100.0] {
        let tone: Vec<f64> =
            (0..8000).map(|n| sine_peak(-8.0) * (TAU * hertz * f64::from(n) / 8000.0).sin()).collect();
        assert_eq!(listen(3, &tone), [], "{hertz} Hz");
    }
    let mut rng = Rng::from_number(8);
    let noise: Vec<f64> = (0..80_000).map(|_| f64::from(rng.next_u32() as i16) / 4.0).collect();
    assert_eq!(listen(0, &noise), []);
}
