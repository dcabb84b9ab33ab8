//! Wideband speech at 64 kbit/s: ITU-T G.722, mode 1, bit-exact.
//!
//! Two sub-bands of 4 kHz are coded apart, the lower with six bits a sample, the upper with two; an octet stands for two samples at 16 kHz.
//! A packet of it has an RTP clock of 8 kHz all the same (RFC 3551 section 4.5.2 keeps the error of an older profile), so an octet
//! is one unit of the timestamp, as in G.711.
//!
//! Sound here is 8 kHz. Going out, it *is* the lower sub-band: the encoder's filter bank is left out, and no delay or distortion of a
//! converter is added. Coming in, the whole band is put together and filtered to a telephone channel, because the lower
//! sub-band alone carries images of what lies above 4 kHz. Both ends can be had at 16 kHz as well.
//!
//! - `band`: the adaptive quantiser and predictor of one sub-band, and their tables (G.722 section 6.2).
//! - `filter`: the quadrature mirror filters (section 6.1), and the filter to 8 kHz.
//!
//! Limits: modes 2 and 3, which give up bits of the lower band to data, are not spoken; they are told by no description.

mod band;
mod filter;

use crate::frame::FRAME_SAMPLES;
use band::{HighBand, LowBand};
use filter::{Analysis, Halver, Synthesis};

/// Speech to octets.
#[derive(Clone, Debug, Default)]
pub struct Encoder {
    low: LowBand,
    high: HighBand,
    analysis: Analysis,
}

impl Encoder {
    /// An encoder in its reset state.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Encodes 8 kHz samples, an octet each, onto the end of `out`.
    pub fn encode_into(&mut self, samples: &[i16], out: &mut Vec<u8>) {
        // The filter bank would halve them, and leave nothing in the upper band.
        out.extend(samples.iter().map(|sample| self.octet(i32::from(*sample) >> 1, 0)));
    }

    /// Encodes 16 kHz samples, an octet for two, onto the end of `out`. An odd one at the end is left out.
    pub fn encode_wide_into(&mut self, samples: &[i16], out: &mut Vec<u8>) {
        let (pairs, _) = samples.as_chunks::<2>();
        for pair in pairs {
            let (low, high) = self.analysis.split(*pair);
            out.push(self.octet(low, high));
        }
    }

    fn octet(&mut self, low: i32, high: i32) -> u8 {
        self.high.encode(high) << 6 | self.low.encode(low)
    }
}

/// Octets to speech. Errors of a lost packet fade by themselves: the predictors forget.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    low: LowBand,
    high: HighBand,
    synthesis: Synthesis,
    halver: Halver,
}

impl Decoder {
    /// A decoder in its reset state.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Decodes as many octets as there is room for to 8 kHz samples; says how many.
    pub fn decode_into(&mut self, octets: &[u8], samples: &mut [i16]) -> usize {
        let count = octets.len().min(samples.len());
        for (sample, octet) in samples.iter_mut().zip(octets) {
            let pair = self.pair(*octet);
            *sample = self.halver.take(pair);
        }
        count
    }

    /// Decodes octets to 16 kHz samples, two each, onto the end of `out`.
    pub fn decode_wide_into(&mut self, octets: &[u8], out: &mut Vec<i16>) {
        for octet in octets {
            out.extend(self.pair(*octet));
        }
    }

    fn pair(&mut self, octet: u8) -> [i16; 2] {
        let (low, high) = (self.low.decode(octet & 0x3F), self.high.decode(octet >> 6));
        self.synthesis.join(low, high)
    }
}

/// How much later, in 8 kHz samples, sound leaves a decoder than it entered an encoder: half of both filters.
pub const DELAY_SAMPLES: usize = filter::DELAY;

const _: () = assert!(DELAY_SAMPLES < FRAME_SAMPLES, "the delay stays within a frame");

#[cfg(test)]
mod tests;
