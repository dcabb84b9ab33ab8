//! Data to a telephone on its line: frequency shift keying at 1200 bit/s, as it carries the caller's number (North America: GR-30, by the
//! frequencies of Bell 202; ETSI EN 300 659-1, by those of ITU-T V.23).
//!
//! A message is preceded by what wakes the receiver: 300 alternating bits and 180 marks where the telephone is on the hook, 80 marks where
//! it is not. Each octet has a start bit (space), eight bits with the least first, and a stop bit (mark). What the octets mean
//! is not known here but for the length that a message has: type, length, as many octets, and one that makes the sum zero.
//!
//! ```text
//!  10101010...10  111...1  0 tttttttt 1  0 llllllll 1  0 ........ 1  ...  0 cccccccc 1  11
//!    seizure       marks      type         length        content           checksum
//! ```
//!
//! Limits: the receiver hears either pair of frequencies, which are 100 Hz apart from each other, by filters between them. It tells what it
//! was sent as it was sent: whether the sum is right, the reader of the message looks.

use std::f64::consts::TAU;

use crate::frame::{FRAME_SAMPLES, Frame, SAMPLE_RATE, SILENCE, sine_peak, to_sample};

/// Bits a second.
const BIT_RATE: u32 = 1_200;
/// Sent level in dBm0: what GR-30 and EN 300 659-1 have for the sending end.
const LEVEL: f64 = -13.5;
/// The bits before a message.
const SEIZURE: usize = 300;
const MARKS_ON_HOOK: usize = 180;
const MARKS_OFF_HOOK: usize = 80;
/// Marks behind it, so that its last bit is whole.
const TAIL: usize = 4;
/// The most octets of a message: type, length, 255 and the checksum.
const LONGEST: usize = 258;

/// Which frequencies stand for mark (one) and space (zero).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FskStandard {
    /// 1200 and 2200 Hz: North America.
    #[default]
    Bell202,
    /// 1300 and 2100 Hz: ETSI.
    V23,
}

impl FskStandard {
    /// Mark and space, in hertz.
    #[must_use]
    pub const fn frequencies(self) -> (f64, f64) {
        match self {
            Self::Bell202 => (1200.0, 2200.0),
            Self::V23 => (1300.0, 2100.0),
        }
    }
}

/// Where the telephone is to which a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FskLine {
    /// On the hook: it is woken first.
    OnHook,
    /// Off the hook.
    OffHook,
}

/// Sends messages.
#[derive(Clone, Debug)]
pub struct FskSender {
    standard: FskStandard,
    bits: Vec<bool>,
    /// Samples sent so far, and the phase in turns.
    at: usize,
    phase: f64,
}

impl FskSender {
    /// A sender of one message, which is cut where it is longer than a message can be.
    #[must_use]
    pub fn new(standard: FskStandard, line: FskLine, message: &[u8]) -> Self {
        let marks = match line {
            FskLine::OnHook => MARKS_ON_HOOK,
            FskLine::OffHook => MARKS_OFF_HOOK,
        };
        let seizure = if line == FskLine::OnHook { SEIZURE } else { 0 };
        let mut bits: Vec<bool> = (0..seizure).map(|place| place % 2 == 1).collect();
        bits.resize(seizure + marks, true);
        for octet in message.iter().take(LONGEST) {
            bits.push(false);
            bits.extend((0..8).map(|bit| octet >> bit & 1 == 1));
            bits.push(true);
        }
        bits.resize(bits.len() + TAIL, true);
        Self { standard, bits, at: 0, phase: 0.0 }
    }

    /// Whether all has been sent.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.bit().is_none()
    }

    fn bit(&self) -> Option<bool> {
        self.bits.get(self.at * BIT_RATE as usize / SAMPLE_RATE as usize).copied()
    }

    /// The next 10 ms; silence behind the end.
    pub fn frame(&mut self) -> Frame {
        let (mark, space) = self.standard.frequencies();
        let peak = sine_peak(LEVEL);
        let mut frame = SILENCE;
        for sample in &mut frame {
            let Some(bit) = self.bit() else { break };
            *sample = to_sample((TAU * self.phase).sin() * peak);
            self.phase = (self.phase + if bit { mark } else { space } / f64::from(SAMPLE_RATE)).fract();
            self.at += 1;
        }
        frame
    }
}

/// What the receiver's filters are tuned to: between the frequencies of both standards.
const MARK: f64 = 1250.0;
const SPACE: f64 = 2150.0;
/// Samples that they look at: about a bit's.
const WINDOW: usize = 7;
/// The part of the power that the louder of both has where there is data and no bit changes.
const SHARE: f64 = 0.55;
/// Mean square below which nothing is looked for: some -45 dBm0.
const LEAST_POWER: f64 = 8_000.0;
/// Samples of mark before a first octet is believed: 50 bits. What is behind a seizure, and without one, is longer.
const MARK_SAMPLES: u32 = 333;
/// Samples of anything else than data that end a message that has begun: three bits, since a change of bits looks like that for a moment.
const LOST_SAMPLES: u32 = 20;
/// Bits between two octets at most: senders may put some marks there.
const MOST_MARKS: f64 = 30.0;
/// Samples around the middle of a bit that are like it: the others are like its neighbours as well.
const AROUND: f64 = 1.5;
/// Samples of a bit.
const BIT: f64 = SAMPLE_RATE as f64 / BIT_RATE as f64;

/// Listens for messages.
#[derive(Clone, Debug)]
pub struct FskReceiver {
    window: [f64; WINDOW],
    filters: Filters,
    state: State,
    lost: u32,
    message: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Filters {
    mark: [(f64, f64); WINDOW],
    space: [(f64, f64); WINDOW],
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// So many samples of mark have come.
    Waiting(u32),
    /// The next start bit is due; so many samples of mark have come since the last octet.
    Ready(f64),
    /// So many samples have come since the start bit began; these bits of the octet are known, and of the next one what its middle was
    /// like until now.
    Octet { since: f64, known: u8, octet: u8, middle: f64 },
}

/// What a sample says.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Heard {
    /// It is data, and no bit changes.
    clear: bool,
    /// From -1, a space, to 1, a mark.
    mark: f64,
}

impl Default for FskReceiver {
    fn default() -> Self {
        Self::new()
    }
}

impl FskReceiver {
    /// A receiver that has heard nothing.
    #[must_use]
    pub fn new() -> Self {
        let filter = |hertz: f64| {
            std::array::from_fn(|place| {
                let angle = TAU * hertz * place as f64 / f64::from(SAMPLE_RATE);
                (angle.cos(), angle.sin())
            })
        };
        let filters = Filters { mark: filter(MARK), space: filter(SPACE) };
        Self { window: [0.0; WINDOW], filters, state: State::Waiting(0), lost: 0, message: Vec::new() }
    }

    /// Listens to 10 ms; gives a message when its last octet has come.
    pub fn listen(&mut self, frame: &Frame) -> Option<Vec<u8>> {
        let mut done = None;
        for sample in frame {
            self.window.rotate_left(1);
            if let Some(last) = self.window.last_mut() {
                *last = f64::from(*sample);
            }
            let heard = self.hear();
            done = self.take(heard).or(done);
        }
        done
    }

    /// Whether a message is coming in.
    #[must_use]
    pub fn is_receiving(&self) -> bool {
        !matches!(self.state, State::Waiting(_))
    }

    fn hear(&self) -> Heard {
        let power: f64 = self.window.iter().map(|sample| sample * sample).sum();
        let length = WINDOW as f64;
        if power < LEAST_POWER * length {
            return Heard { clear: false, mark: -1.0 };
        }
        let energy = |filter: &[(f64, f64); WINDOW]| {
            let products = self.window.iter().zip(filter);
            let (real, imaginary) =
                products.fold((0.0, 0.0), |(real, imaginary), (sample, (cosine, sine))| {
                    (real + sample * cosine, imaginary + sample * sine)
                });
            real * real + imaginary * imaginary
        };
        let (mark, space) = (energy(&self.filters.mark), energy(&self.filters.space));
        let share = 2.0 * mark.max(space) / (length * power);
        Heard { clear: share >= SHARE, mark: (mark - space) / (mark + space).max(f64::MIN_POSITIVE) }
    }

    fn take(&mut self, heard: Heard) -> Option<Vec<u8>> {
        self.lost = if heard.clear { 0 } else { self.lost + 1 };
        if self.lost > LOST_SAMPLES {
            self.forget();
            return None;
        }
        match self.state {
            State::Waiting(marks) => {
                let marks = if heard.clear && heard.mark > 0.0 { marks.saturating_add(1) } else { 0 };
                self.state = if marks >= MARK_SAMPLES {
                    State::Ready(f64::NEG_INFINITY)
                } else {
                    State::Waiting(marks)
                };
            }
            State::Ready(_) if heard.mark <= 0.0 => {
                self.state = State::Octet { since: 0.0, known: 0, octet: 0, middle: 0.0 };
            }
            State::Ready(marks) if marks > MOST_MARKS * BIT => self.forget(),
            State::Ready(marks) => self.state = State::Ready(marks + 1.0),
            State::Octet { since, known, octet, middle } => {
                return self.follow(heard, since + 1.0, (known, octet), middle);
            }
        }
        None
    }

    /// A sample of an octet, which is looked at around the middle of each of its bits.
    fn follow(&mut self, heard: Heard, since: f64, (known, octet): (u8, u8), middle: f64) -> Option<Vec<u8>> {
        let from_middle = since - (f64::from(known) + 0.5) * BIT;
        let middle = if from_middle < -AROUND { 0.0 } else { middle + heard.mark };
        let next = |known, octet| State::Octet { since, known, octet, middle };
        if from_middle + 1.0 <= AROUND {
            self.state = next(known, octet);
            return None;
        }
        let bit = middle > 0.0;
        match known {
            // The start bit was a click.
            0 if bit => self.state = State::Ready(0.0),
            0 => self.state = next(1, octet),
            1..=8 => self.state = next(known + 1, octet | u8::from(bit) << (known - 1)),
            _ if !bit => self.forget(),
            _ => {
                self.message.push(octet);
                self.state = State::Ready(0.0);
                let length = self.message.get(1).map_or(usize::MAX, |length| usize::from(*length) + 3);
                if self.message.len() >= length.min(LONGEST) {
                    let message = std::mem::take(&mut self.message);
                    self.forget();
                    return Some(message);
                }
            }
        }
        None
    }

    fn forget(&mut self) {
        self.state = State::Waiting(0);
        self.message.clear();
    }
}

/// How many frames a message takes.
#[must_use]
pub fn frames(line: FskLine, octets: usize) -> usize {
    let bits = match line {
        FskLine::OnHook => SEIZURE + MARKS_ON_HOOK,
        FskLine::OffHook => MARKS_OFF_HOOK,
    } + 10 * octets.min(LONGEST)
        + TAIL;
    (bits * SAMPLE_RATE as usize).div_ceil(BIT_RATE as usize * FRAME_SAMPLES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::g711::Law;

    const MESSAGE: &[u8] = b"\x80\x1a\x01\x0809141726\x02\x072125550\x07\x05Alice\x00\xff\x55";

    fn whole() -> Vec<u8> {
        let mut octets = MESSAGE.to_vec();
        octets[1] = u8::try_from(octets.len() - 2).unwrap();
        let sum = octets.iter().fold(0_u8, |sum, octet| sum.wrapping_add(*octet));
        octets.push(sum.wrapping_neg());
        octets
    }

    fn heard(receiver: &mut FskReceiver, samples: &[i16]) -> Vec<Vec<u8>> {
        let frames = samples.as_chunks::<FRAME_SAMPLES>().0.iter();
        frames.filter_map(|frame| receiver.listen(frame)).collect()
    }

    fn sent(standard: FskStandard, line: FskLine, message: &[u8]) -> Vec<i16> {
        let mut sender = FskSender::new(standard, line, message);
        let mut samples = vec![0; 3 * FRAME_SAMPLES];
        let mut count = 0;
        while !sender.is_idle() {
            samples.extend(sender.frame());
            count += 1;
        }
        assert_eq!(count, frames(line, message.len()));
        samples.extend([0; 5 * FRAME_SAMPLES]);
        samples
    }

    /// Noise of this peak that is the same in each run.
    fn noise(peak: i32) -> impl FnMut(i16) -> i16 {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        move |sample| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let added = i32::try_from(state % 1_000).unwrap() * 2 * peak / 1_000 - peak;
            to_sample(f64::from(i32::from(sample) + added))
        }
    }

    #[test]
    fn what_is_sent_by_either_standard_is_received() {
        for standard in [FskStandard::Bell202, FskStandard::V23] {
            for line in [FskLine::OnHook, FskLine::OffHook] {
                let samples = sent(standard, line, &whole());
                assert_eq!(heard(&mut FskReceiver::new(), &samples), [whole()], "{standard:?} {line:?}");
            }
        }
    }

    #[test]
    fn every_octet_comes_through_at_every_offset_of_the_samples() {
        let mut octets = vec![0x80, 255];
        octets.extend(0..=254_u8);
        octets.push(0);
        for offset in 0..20 {
            let mut samples = vec![0; offset];
            samples.extend(sent(FskStandard::Bell202, FskLine::OnHook, &octets));
            samples.extend([0; FRAME_SAMPLES]);
            assert_eq!(heard(&mut FskReceiver::new(), &samples), [octets.clone()], "{offset}");
        }
    }

    #[test]
    fn it_comes_through_companded_quietly_and_with_noise() {
        for standard in [FskStandard::Bell202, FskStandard::V23] {
            let samples = sent(standard, FskLine::OnHook, &whole());
            let mut hiss = noise(300);
            let worn = samples.iter().map(|sample| {
                let quiet = hiss(sample / 4);
                Law::A.decode(Law::A.encode(quiet))
            });
            let worn: Vec<_> = worn.collect();
            assert_eq!(heard(&mut FskReceiver::new(), &worn), [whole()], "{standard:?}");
        }
    }

    #[test]
    fn two_messages_come_one_after_the_other() {
        let mut samples = sent(FskStandard::Bell202, FskLine::OnHook, &whole());
        samples.extend(sent(FskStandard::V23, FskLine::OffHook, b"\x06\x01\x42\xb7"));
        assert_eq!(heard(&mut FskReceiver::new(), &samples), [whole(), b"\x06\x01\x42\xb7".to_vec()]);
    }

    #[test]
    fn what_breaks_off_or_is_no_data_is_no_message() {
        let samples = sent(FskStandard::Bell202, FskLine::OnHook, &whole());
        let mut receiver = FskReceiver::new();
        let mut cut = samples[..samples.len() * 4 / 5].to_vec();
        cut.extend([0; 10 * FRAME_SAMPLES]);
        assert_eq!(heard(&mut receiver, &cut), Vec::<Vec<u8>>::new());
        assert!(!receiver.is_receiving());
        assert_eq!(heard(&mut receiver, &samples), [whole()], "and the next one is heard");
        let mut hiss = noise(20_000);
        let noise: Vec<_> = (0..40_000).map(|_| hiss(0)).collect();
        assert_eq!(heard(&mut FskReceiver::new(), &noise), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn a_steady_tone_is_no_message_however_long() {
        for hertz in [1100.0, 1200.0, 1300.0, 2100.0, 2225.0] {
            let tone = |place: usize| {
                to_sample((TAU * hertz * place as f64 / f64::from(SAMPLE_RATE)).sin() * sine_peak(-10.0))
            };
            let mut samples: Vec<_> = (0..16_000).map(tone).collect();
            samples.extend([0; FRAME_SAMPLES]);
            assert_eq!(heard(&mut FskReceiver::new(), &samples), Vec::<Vec<u8>>::new(), "{hertz}");
        }
    }
}
