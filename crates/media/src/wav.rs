//! RIFF WAVE files of telephone sound: read and written, in memory.
//!
//! Read: 8 kHz, one channel, as 16-bit or 8-bit linear PCM, A-law or mu-law, also in the extensible form. Written: 16-bit
//! linear PCM. Chunks that carry no sound are passed over. Limits: nothing is resampled and channels are not mixed; a file that
//! would need it is refused by name.

use std::fmt;

use crate::g711::Law;
use crate::limits::Limits;

/// The most samples that a file may hold by default.
pub const MAX_SAMPLES: usize = Limits::DEFAULT.wav_samples;

const PCM: u16 = 1;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
const EXTENSIBLE: u16 = 0xFFFE;
/// A length that a writer leaves when it does not know the length beforehand.
const UNKNOWN_LENGTH: u32 = 0xFFFF_FFFF;

/// A file that is not telephone sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WavError {
    /// Where, in octets from the start.
    pub offset: usize,
    /// What is wrong.
    pub fault: WavFault,
}

/// What can be wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WavFault {
    /// It does not begin as a RIFF WAVE file does.
    NotWave,
    /// A chunk reaches beyond the end of the file.
    Truncated,
    /// The sound comes before its format is described, or there is no description.
    NoFormat,
    /// There is no sound.
    NoData,
    /// The description of the format is shorter than 16 octets.
    ShortFormat,
    /// The format is not PCM, A-law or mu-law; its number.
    Encoding(u16),
    /// There is not one channel; how many there are.
    Channels(u16),
    /// The rate is not 8000 Hz; the rate.
    Rate(u32),
    /// The samples have a width that their format does not have here; the width in bits.
    Width(u16),
    /// There are more samples than the limit; how many there are.
    TooLong(usize),
}

impl fmt::Display for WavError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "octet {}: ", self.offset)?;
        match self.fault {
            WavFault::NotWave => f.write_str("not a RIFF WAVE file"),
            WavFault::Truncated => f.write_str("a chunk reaches beyond the end of the file"),
            WavFault::NoFormat => f.write_str("no format (chunk `fmt `) before the sound"),
            WavFault::NoData => f.write_str("no sound (chunk `data`)"),
            WavFault::ShortFormat => f.write_str("the format (chunk `fmt `) has less than 16 octets"),
            WavFault::Encoding(tag) => {
                write!(f, "format {tag:#06x}; expected PCM (1), A-law (6) or mu-law (7)")
            }
            WavFault::Channels(count) => write!(f, "{count} channels; expected 1"),
            WavFault::Rate(hertz) => write!(f, "{hertz} Hz; expected 8000 Hz"),
            WavFault::Width(bits) => {
                write!(f, "samples of {bits} bits; expected 16 or 8 for PCM, 8 for A-law and mu-law")
            }
            WavFault::TooLong(samples) => write!(f, "{samples} samples, more than the limit"),
        }
    }
}

impl std::error::Error for WavError {}

#[derive(Clone, Copy)]
enum Coding {
    Linear16,
    Linear8,
    G711(Law),
}

impl Coding {
    const fn octets(self) -> usize {
        match self {
            Self::Linear16 => 2,
            Self::Linear8 | Self::G711(_) => 1,
        }
    }
}

/// Reads a file of up to `max_samples` samples.
///
/// # Errors
/// What is wrong, and where.
pub fn decode(file: &[u8], max_samples: usize) -> Result<Vec<i16>, WavError> {
    let fail = |offset, fault| WavError { offset, fault };
    if file.get(..4) != Some(b"RIFF") || file.get(8..12) != Some(b"WAVE") {
        return Err(fail(0, WavFault::NotWave));
    }
    let mut offset = 12;
    let mut coding = None;
    while let Some((head, body)) = file.get(offset..).and_then(<[u8]>::split_first_chunk::<8>) {
        let [i0, i1, i2, i3, l0, l1, l2, l3] = *head;
        let length = u32::from_le_bytes([l0, l1, l2, l3]);
        let is_data = [i0, i1, i2, i3] == *b"data";
        let octets = if is_data && length == UNKNOWN_LENGTH { body.len() } else { length as usize };
        let chunk = body.get(..octets).ok_or(fail(offset + 4, WavFault::Truncated))?;
        let start = offset + 8;
        match &[i0, i1, i2, i3] {
            b"fmt " => coding = Some(format(chunk, start)?),
            b"data" => {
                let coding = coding.ok_or(fail(offset, WavFault::NoFormat))?;
                let samples = octets / coding.octets();
                if samples > max_samples {
                    return Err(fail(offset + 4, WavFault::TooLong(samples)));
                }
                return Ok(sound(chunk, coding));
            }
            _ => {}
        }
        // Chunks begin at even places.
        offset = start + octets + octets % 2;
    }
    let fault = if coding.is_some() { WavFault::NoData } else { WavFault::NoFormat };
    Err(fail(file.len(), fault))
}

fn format(chunk: &[u8], offset: usize) -> Result<Coding, WavError> {
    let fail = |at, fault| WavError { offset: offset + at, fault };
    let Some((fixed, rest)) = chunk.split_first_chunk::<16>() else {
        return Err(fail(0, WavFault::ShortFormat));
    };
    let [t0, t1, c0, c1, r0, r1, r2, r3, _, _, _, _, _, _, w0, w1] = *fixed;
    let mut tag = u16::from_le_bytes([t0, t1]);
    if tag == EXTENSIBLE {
        // The first two octets of the sub-format are the old number.
        if let Some([s0, s1]) = rest.get(8..10) {
            tag = u16::from_le_bytes([*s0, *s1]);
        }
    }
    let channels = u16::from_le_bytes([c0, c1]);
    let rate = u32::from_le_bytes([r0, r1, r2, r3]);
    let width = u16::from_le_bytes([w0, w1]);
    let coding = match (tag, width) {
        (PCM, 16) => Coding::Linear16,
        (PCM, 8) => Coding::Linear8,
        (A_LAW, 8) => Coding::G711(Law::A),
        (MU_LAW, 8) => Coding::G711(Law::Mu),
        (PCM | A_LAW | MU_LAW, _) => return Err(fail(14, WavFault::Width(width))),
        _ => return Err(fail(0, WavFault::Encoding(tag))),
    };
    if channels != 1 {
        return Err(fail(2, WavFault::Channels(channels)));
    }
    if rate != 8000 {
        return Err(fail(4, WavFault::Rate(rate)));
    }
    Ok(coding)
}

fn sound(chunk: &[u8], coding: Coding) -> Vec<i16> {
    match coding {
        Coding::Linear16 => chunk.as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect(),
        // Eight bits are without sign, with silence in the middle.
        Coding::Linear8 => chunk.iter().map(|octet| (i16::from(*octet) - 128) << 8).collect(),
        Coding::G711(law) => chunk.iter().map(|octet| law.decode(*octet)).collect(),
    }
}

/// Writes a file.
#[must_use]
pub fn encode(samples: &[i16]) -> Vec<u8> {
    // A length beyond 4 GB cannot be expressed; it would be two days of sound.
    let data = u32::try_from(samples.len().saturating_mul(2)).unwrap_or(UNKNOWN_LENGTH);
    let mut file = Vec::with_capacity(44 + samples.len() * 2);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&data.saturating_add(36).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16_u32.to_le_bytes());
    for half in [PCM, 1] {
        file.extend_from_slice(&half.to_le_bytes());
    }
    for word in [8_000_u32, 16_000] {
        file.extend_from_slice(&word.to_le_bytes());
    }
    for half in [2_u16, 16] {
        file.extend_from_slice(&half.to_le_bytes());
    }
    file.extend_from_slice(b"data");
    file.extend_from_slice(&data.to_le_bytes());
    for sample in samples {
        file.extend_from_slice(&sample.to_le_bytes());
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: [i16; 5] = [0, 1, -1, i16::MAX, i16::MIN];

    /// A file of another format.
    fn file(tag: u16, channels: u16, rate: u32, width: u16, data: &[u8]) -> Vec<u8> {
        let mut file = b"RIFF\0\0\0\0WAVE".to_vec();
        file.extend(b"LIST\x03\0\0\0abc\0fmt \x12\0\0\0");
        file.extend(tag.to_le_bytes());
        file.extend(channels.to_le_bytes());
        file.extend(rate.to_le_bytes());
        file.extend([0; 6]);
        file.extend(width.to_le_bytes());
        file.extend([0, 0]);
        file.extend(b"data");
        file.extend((data.len() as u32).to_le_bytes());
        file.extend(data);
        file
    }

    #[test]
    fn a_file_reads_back_as_it_was_written() {
        let bytes = encode(&SOUND);
        assert_eq!(bytes.len(), 44 + 10);
        assert_eq!(bytes[4..8], 46_u32.to_le_bytes());
        assert_eq!(decode(&bytes, MAX_SAMPLES), Ok(SOUND.to_vec()));
        assert_eq!(decode(&encode(&[]), MAX_SAMPLES), Ok(vec![]));
    }

    #[test]
    fn the_formats_of_telephony_are_read_among_other_chunks() {
        let octets = [0x00, 0x55, 0x80, 0xD5, 0xFF];
        let read = |tag| decode(&file(tag, 1, 8000, 8, &octets), MAX_SAMPLES).unwrap();
        assert_eq!(read(A_LAW), octets.map(|octet| Law::A.decode(octet)));
        assert_eq!(read(MU_LAW), octets.map(|octet| Law::Mu.decode(octet)));
        assert_eq!(read(PCM), [-32_768, -11_008, 0, 21_760, 32_512]);
        let linear = decode(&file(PCM, 1, 8000, 16, &[1, 0, 0xFF, 0xFF, 9]), MAX_SAMPLES);
        assert_eq!(linear, Ok(vec![1, -1]), "half a sample at the end is left out");
    }

    #[test]
    fn the_extensible_form_is_read() {
        let mut bytes = b"RIFF\0\0\0\0WAVEfmt \x28\0\0\0".to_vec();
        bytes.extend(EXTENSIBLE.to_le_bytes());
        bytes.extend([1, 0, 0x40, 0x1F, 0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 22, 0, 8, 0, 0, 0, 0, 0]);
        bytes.extend(MU_LAW.to_le_bytes());
        bytes.extend([0; 14]);
        bytes.extend(b"data\x01\0\0\0\x80");
        assert_eq!(decode(&bytes, MAX_SAMPLES), Ok(vec![Law::Mu.decode(0x80)]));
    }

    #[test]
    fn a_file_of_unknown_length_is_read_to_its_end() {
        let mut bytes = encode(&SOUND);
        bytes[40..44].fill(0xFF);
        assert_eq!(decode(&bytes, MAX_SAMPLES), Ok(SOUND.to_vec()));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let check = |bytes: &[u8], offset, fault| {
            assert_eq!(decode(bytes, 100), Err(WavError { offset, fault }));
        };
        check(b"", 0, WavFault::NotWave);
        check(b"RIFF\0\0\0\0AVI ", 0, WavFault::NotWave);
        check(b"RIFF\0\0\0\0WAVE", 12, WavFault::NoFormat);
        check(b"RIFF\0\0\0\0WAVEdata\0\0\0\0", 12, WavFault::NoFormat);
        check(b"RIFF\0\0\0\0WAVEfmt \x04\0\0\0abcd", 20, WavFault::ShortFormat);
        check(&file(3, 1, 8000, 32, &[]), 32, WavFault::Encoding(3));
        check(&file(1, 2, 8000, 16, &[]), 34, WavFault::Channels(2));
        check(&file(1, 1, 44_100, 16, &[]), 36, WavFault::Rate(44_100));
        check(&file(1, 1, 8000, 24, &[]), 46, WavFault::Width(24));
        check(&file(7, 1, 8000, 8, &[0; 101]), 54, WavFault::TooLong(101));
        let whole = encode(&SOUND);
        check(&whole[..whole.len() - 1], 40, WavFault::Truncated);
        check(&whole[..36], 36, WavFault::NoData);
        let error = decode(&file(1, 1, 44_100, 16, &[]), 100).unwrap_err();
        assert_eq!(error.to_string(), "octet 36: 44100 Hz; expected 8000 Hz");
    }
}
