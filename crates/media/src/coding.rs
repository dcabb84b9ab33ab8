//! Formats that are decoded, with the state that a stream of each needs.
//!
//! G.711 has no state; G.722 predicts, so that a stream is coded from its beginning to its end by the same coder. All of them have
//! an octet for each unit of an 8 kHz RTP clock, which is what lets the play-out buffer cut them anywhere.

use crate::g711::Law;
use crate::g722;

/// How sound is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Coding {
    /// ITU-T G.711.
    G711(Law),
    /// ITU-T G.722 at 64 kbit/s.
    G722,
}

impl From<Law> for Coding {
    fn from(law: Law) -> Self {
        Self::G711(law)
    }
}

/// Codes what is sent.
#[derive(Clone, Debug, Default)]
pub struct Encoder {
    /// Made when it is first needed: most streams are G.711.
    wide: Option<Box<g722::Encoder>>,
}

impl Encoder {
    /// Encodes all samples, an octet each, onto the end of `out`.
    pub fn encode_into(&mut self, coding: Coding, samples: &[i16], out: &mut Vec<u8>) {
        match coding {
            Coding::G711(law) => law.encode_into(samples, out),
            Coding::G722 => self.wide.get_or_insert_default().encode_into(samples, out),
        }
    }
}

/// Decodes what is received.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    wide: Option<Box<g722::Decoder>>,
}

impl Decoder {
    /// Decodes as many octets as there is room for; says how many.
    pub fn decode_into(&mut self, coding: Coding, octets: &[u8], samples: &mut [i16]) -> usize {
        match coding {
            Coding::G711(law) => law.decode_into(octets, samples),
            Coding::G722 => self.wide.get_or_insert_default().decode_into(octets, samples),
        }
    }

    /// Forgets the stream.
    pub fn reset(&mut self) {
        self.wide = None;
    }
}
