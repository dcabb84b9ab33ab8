//! Known answers of the recommendation's arithmetic, and what speech through it sounds like.

use super::*;
use crate::frame::{level_dbm0, mean_square, sine_peak, to_sample};
use std::f64::consts::TAU;

/// A signal that every implementation can make: the upper bits of a linear congruential generator.
fn numbers(count: usize, shift: u32) -> Vec<i16> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345) & 0x7FFF_FFFF;
        (((state >> 15) as u16 ^ 0x8000).cast_signed()) >> shift
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// FNV-1a, for comparison with long known answers.
fn hash(octets: impl IntoIterator<Item = u8>) -> u32 {
    octets.into_iter().fold(0x811C_9DC5, |hash, octet| (hash ^ u32::from(octet)).wrapping_mul(0x0100_0193))
}

fn sine(hertz: f64, rate: f64, dbm0: f64, count: usize) -> Vec<i16> {
    (0..count).map(|n| to_sample(sine_peak(dbm0) * (TAU * hertz * n as f64 / rate).sin())).collect()
}

fn encode(samples: &[i16]) -> Vec<u8> {
    let mut octets = Vec::new();
    Encoder::new().encode_into(samples, &mut octets);
    octets
}

fn decode(octets: &[u8]) -> Vec<i16> {
    let mut samples = vec![0; octets.len()];
    assert_eq!(Decoder::new().decode_into(octets, &mut samples), octets.len());
    samples
}

/// Signal to noise in dB of what should be this sine, in any phase: the share that is no such sine is noise.
fn purity(heard: &[i16], hertz: f64, rate: f64) -> f64 {
    let wave = |n: usize| (TAU * hertz * n as f64 / rate).sin_cos();
    let (mut sine, mut cosine, mut power) = (0.0, 0.0, 0.0);
    for (n, sample) in heard.iter().enumerate() {
        let sample = f64::from(*sample);
        sine += sample * wave(n).0;
        cosine += sample * wave(n).1;
        power += sample * sample;
    }
    let signal = 2.0 * (sine * sine + cosine * cosine) / heard.len() as f64;
    10.0 * (signal / (power - signal)).log10()
}

/// Signal to noise in dB of `heard`, which is `said` later by some samples, after the first 1000.
fn signal_to_noise(said: &[i16], heard: &[i16], delay: usize) -> f64 {
    let pairs = said.iter().zip(&heard[delay..]).skip(1000);
    let (signal, error) = pairs.fold((0.0, 0.0), |(signal, error), (said, heard)| {
        let (said, heard) = (f64::from(*said), f64::from(*heard));
        (signal + said * said, error + (said - heard) * (said - heard))
    });
    10.0 * (signal / error).log10()
}

/// Octets and samples that an independent implementation makes of the same input, over a second and at three levels.
#[test]
fn known_answers_are_met_to_the_bit() {
    for (shift, octets_hash, samples_hash, first) in [
        (0, 0x40FE_5165, 0xCA8F_57EA, [0x14, 0xA0, 0x84, 0x20]),
        (3, 0x91F3_8221, 0x5F0A_AAD3, [0x5E, 0xF2, 0x8C, 0x21]),
        (8, 0xF4E8_8730, 0xBD28_DA24, [0x5E, 0xFA, 0xF7, 0x70]),
    ] {
        let mut octets = Vec::new();
        Encoder::new().encode_wide_into(&numbers(16_000, shift), &mut octets);
        assert_eq!((octets.len(), &octets[..4]), (8000, &first[..]));
        assert_eq!(hash(octets.iter().copied()), octets_hash, "shifted by {shift}");
        let mut samples = Vec::new();
        Decoder::new().decode_wide_into(&octets, &mut samples);
        assert_eq!(hash(samples.iter().flat_map(|sample| sample.to_le_bytes())), samples_hash);
    }
    let odd: Vec<u8> = numbers(8000, 0).iter().map(|number| (number >> 4) as u8).collect();
    let mut samples = Vec::new();
    Decoder::new().decode_wide_into(&odd, &mut samples);
    assert_eq!(hash(samples.iter().flat_map(|sample| sample.to_le_bytes())), 0xE9D7_5DC1);
}

#[test]
fn silence_stays_silent_for_ever() {
    let octets = encode(&[0; 80_000]);
    assert_eq!(octets[..8], [0xFA; 8]);
    assert!(decode(&octets).iter().all(|sample| sample.abs() <= 8), "no limit cycle grows");
}

#[test]
fn tones_of_a_telephone_channel_come_out_clean_and_at_their_level() {
    for hertz in [300.0, 1000.0, 2000.0, 3000.0, 3400.0] {
        for level in [-3.0, -20.0, -40.0] {
            let heard = decode(&encode(&sine(hertz, 8000.0, level, 8800)));
            let found = level_dbm0(&heard[800..]);
            assert!((found - level).abs() < 0.7, "{hertz} Hz at {level} dBm0 has {found}");
            let ratio = purity(&heard[800..], hertz, 8000.0);
            assert!(ratio > 28.0, "{hertz} Hz at {level} dBm0: {ratio} dB");
        }
    }
}

#[test]
fn a_wide_tone_keeps_its_level_up_to_seven_kilohertz() {
    for hertz in [200.0, 1000.0, 3000.0, 4000.0, 5000.0, 6500.0, 7000.0] {
        let (mut octets, mut heard) = (Vec::new(), Vec::new());
        Encoder::new().encode_wide_into(&sine(hertz, 16_000.0, -10.0, 17_600), &mut octets);
        Decoder::new().decode_wide_into(&octets, &mut heard);
        let found = level_dbm0(&heard[1600..]);
        assert!((found + 10.0).abs() < 1.0, "{hertz} Hz comes out at {found} dBm0");
        let ratio = purity(&heard[1600..], hertz, 16_000.0);
        assert!(ratio > if hertz < 3500.0 { 28.0 } else { 12.0 }, "{hertz} Hz: {ratio} dB");
    }
}

#[test]
fn noise_like_speech_comes_through_with_telephone_quality() {
    let mut past = 0.0;
    // The power of speech lies low.
    let said: Vec<i16> = numbers(32_000, 1)
        .iter()
        .map(|white| {
            past += (f64::from(*white) - past) * 0.15;
            to_sample(past)
        })
        .collect();
    let (mut octets, mut heard) = (Vec::new(), Vec::new());
    Encoder::new().encode_wide_into(&said, &mut octets);
    Decoder::new().decode_wide_into(&octets, &mut heard);
    // Both filter banks delay by 11 samples each.
    let ratio = signal_to_noise(&said, &heard, 22);
    assert!(ratio > 18.0, "{ratio} dB");
}

/// What lies above 4 kHz must not fold into a telephone's channel.
#[test]
fn the_upper_band_is_not_heard_at_eight_kilohertz() {
    for hertz in [4700.0, 5000.0, 6000.0, 7000.0] {
        let mut octets = Vec::new();
        Encoder::new().encode_wide_into(&sine(hertz, 16_000.0, -10.0, 16_000), &mut octets);
        let found = level_dbm0(&decode(&octets)[800..]);
        assert!(found < -35.0, "{hertz} Hz leaks at {found} dBm0");
    }
}

/// A lost packet of 20 ms leaves encoder and decoder in different states; within 100 ms the difference has gone.
#[test]
fn a_decoder_that_missed_a_packet_finds_back_to_the_encoder() {
    let said = sine(700.0, 8000.0, -10.0, 16_000);
    let octets = encode(&said);
    let whole = decode(&octets);
    let mut decoder = Decoder::new();
    let mut heard = vec![0; octets.len()];
    decoder.decode_into(&octets[..4000], &mut heard[..4000]);
    decoder.decode_into(&octets[4160..], &mut heard[4160..]);
    let difference: Vec<i16> =
        heard.iter().zip(&whole).map(|(one, other)| one.saturating_sub(*other)).collect();
    assert!(mean_square(&difference[4160..4240]) > 0.0, "it was hurt");
    assert!(level_dbm0(&difference[4960..]) < -45.0, "{}", level_dbm0(&difference[4960..]));
}

#[test]
fn the_loudest_input_saturates_and_does_not_wrap() {
    let square: Vec<i16> = (0..8000).map(|n| if n / 9 % 2 == 0 { i16::MIN } else { i16::MAX }).collect();
    let heard = decode(&encode(&square));
    for (n, sample) in heard.iter().enumerate().skip(100) {
        // Well inside a half wave its sign is that of the input.
        let place = (n + 9 * 1000 - DELAY_SAMPLES) % 18;
        match place {
            3..6 => assert!(*sample < -15_000, "{n}: {sample}"),
            12..15 => assert!(*sample > 15_000, "{n}: {sample}"),
            _ => {}
        }
    }
}
