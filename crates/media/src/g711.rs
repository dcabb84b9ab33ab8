//! Pulse code modulation of voice frequencies: ITU-T G.711, A-law (PCMA) and mu-law (PCMU), bit-exact.
//!
//! Samples are 16-bit linear. The recommendation defines mu-law on 14 bits and A-law on 13, so decoded values are its
//! tables' values times 4 and times 8. A value on the border of two intervals goes the way of the ITU's reference
//! software (G.191): the magnitude of a negative sample is its one's complement, which makes zero positive.

/// Which of the two laws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Law {
    /// A-law: Europe and international circuits.
    A,
    /// mu-law: North America and Japan.
    Mu,
}

impl Law {
    /// One octet for one sample.
    #[must_use]
    pub const fn encode(self, sample: i16) -> u8 {
        match self {
            Self::A => encode_a(sample),
            Self::Mu => encode_mu(sample),
        }
    }

    /// One sample for one octet.
    #[must_use]
    pub const fn decode(self, octet: u8) -> i16 {
        match self {
            Self::A => A_TABLE[octet as usize],
            Self::Mu => MU_TABLE[octet as usize],
        }
    }

    /// Encodes all samples onto the end of `out`.
    pub fn encode_into(self, samples: &[i16], out: &mut Vec<u8>) {
        match self {
            Self::A => out.extend(samples.iter().map(|s| encode_a(*s))),
            Self::Mu => out.extend(samples.iter().map(|s| encode_mu(*s))),
        }
    }

    /// Decodes as many octets as there is room for; says how many.
    pub fn decode_into(self, octets: &[u8], samples: &mut [i16]) -> usize {
        let table = match self {
            Self::A => &A_TABLE,
            Self::Mu => &MU_TABLE,
        };
        let count = octets.len().min(samples.len());
        for (sample, octet) in samples.iter_mut().zip(octets) {
            *sample = table[*octet as usize];
        }
        count
    }

    /// The octet of silence: the smallest positive value.
    #[must_use]
    pub const fn silence(self) -> u8 {
        match self {
            Self::A => 0xD5,
            Self::Mu => 0xFF,
        }
    }
}

static A_TABLE: [i16; 256] = table(Law::A);
static MU_TABLE: [i16; 256] = table(Law::Mu);

const fn table(law: Law) -> [i16; 256] {
    let mut table = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        table[octet] = match law {
            Law::A => decode_a(octet as u8),
            Law::Mu => decode_mu(octet as u8),
        };
        octet += 1;
    }
    table
}

/// The magnitude as the reference software takes it.
const fn magnitude(sample: i16) -> i32 {
    let wide = sample as i32;
    if wide < 0 { !wide } else { wide }
}

/// G.711 table 1: 12-bit magnitude, 16 steps in each of 7 segments (the lowest of double length), even bits inverted.
const fn encode_a(sample: i16) -> u8 {
    let level = magnitude(sample) >> 4;
    let code = if level < 32 {
        level
    } else {
        // Bit 5 leads in segment 2, bit 10 in segment 7.
        let segment = 28 - level.leading_zeros() as i32;
        segment << 4 | (level >> (segment - 1)) & 0x0F
    };
    let sign = if sample >= 0 { 0x80 } else { 0 };
    (code | sign) as u8 ^ 0x55
}

const fn decode_a(octet: u8) -> i16 {
    let code = (octet ^ 0x55) as i16;
    let segment = (code >> 4) & 0x07;
    let step = (code & 0x0F) << 4;
    let value = if segment == 0 { step + 8 } else { (step + 0x108) << (segment - 1) };
    if code & 0x80 != 0 { value } else { -value }
}

/// G.711 table 2: 13-bit magnitude biased by 33, 16 steps in each of 8 segments, all bits inverted.
const fn encode_mu(sample: i16) -> u8 {
    const BIAS: i32 = 33;
    const OVERLOAD: i32 = 0x1FFF;
    let biased = (magnitude(sample) >> 2) + BIAS;
    let level = if biased > OVERLOAD { OVERLOAD } else { biased };
    // The bias makes bit 5 lead in segment 1; bit 12 leads in segment 8.
    let segment = 26 - level.leading_zeros() as i32;
    let code = segment << 4 | (level >> (segment + 1)) & 0x0F;
    let sign = if sample >= 0 { 0x80 } else { 0 };
    sign | (!code & 0x7F) as u8
}

const fn decode_mu(octet: u8) -> i16 {
    const BIAS: i32 = 33 * 4;
    let code = !octet as i32;
    let segment = (code >> 4) & 0x07;
    let value = ((((code & 0x0F) << 3) + BIAS) << segment) - BIAS;
    (if octet & 0x80 != 0 { value } else { -value }) as i16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::level_dbm0;

    /// G.711 tables 5 and 6: eight octets that repeat are a sine of 1 kHz at 0 dBm0.
    const MILLIWATT_A: [u8; 8] = [0x34, 0x21, 0x21, 0x34, 0xB4, 0xA1, 0xA1, 0xB4];
    const MILLIWATT_MU: [u8; 8] = [0x1E, 0x0B, 0x0B, 0x1E, 0x9E, 0x8B, 0x8B, 0x9E];

    /// The recommendation's own construction of its decision values, apart from the bit twiddling above: segment by segment,
    /// in its units (half steps of the first segment).
    fn decision_values(law: Law) -> Vec<i32> {
        let mut values = vec![0];
        match law {
            // Table 1a: segment 1 has 32 intervals of 2, then 16 intervals each, doubling; up to 4096.
            Law::A => {
                let mut step = 2;
                for interval in 1..=128 {
                    values.push(values[interval - 1] + step);
                    if interval >= 32 && interval % 16 == 0 {
                        step *= 2;
                    }
                }
            }
            // Table 2a: one interval of 1, 15 of 2, then 16 each, doubling; up to 8159.
            Law::Mu => {
                values.push(1);
                let mut step = 2;
                for interval in 2..=128 {
                    values.push(values[interval - 1] + step);
                    if interval % 16 == 0 {
                        step *= 2;
                    }
                }
            }
        }
        values
    }

    fn scale(law: Law) -> i32 {
        match law {
            Law::A => 8,
            Law::Mu => 4,
        }
    }

    #[test]
    fn the_decision_values_end_where_the_tables_end() {
        assert_eq!(decision_values(Law::A).last(), Some(&4096));
        assert_eq!(decision_values(Law::Mu).last(), Some(&8159));
    }

    #[test]
    fn every_octet_decodes_to_the_middle_of_its_interval() {
        for law in [Law::A, Law::Mu] {
            let limits = decision_values(law);
            for interval in 0..128_usize {
                // mu-law's quantiser is mid-tread: its first interval is centred on zero.
                let middle = match (law, interval) {
                    (Law::Mu, 0) => 0,
                    _ => (limits[interval] + limits[interval + 1]) * scale(law) / 2,
                };
                let (positive, negative) = match law {
                    Law::A => (interval as u8 ^ 0xD5, interval as u8 ^ 0x55),
                    Law::Mu => (!(interval as u8), !(interval as u8 | 0x80)),
                };
                assert_eq!(i32::from(law.decode(positive)), middle, "{law:?} {interval}");
                assert_eq!(i32::from(law.decode(negative)), -middle, "{law:?} {interval}");
            }
        }
    }

    #[test]
    fn every_sample_encodes_to_the_interval_that_holds_it() {
        for law in [Law::A, Law::Mu] {
            let limits: Vec<_> = decision_values(law).iter().map(|v| v * scale(law)).collect();
            for sample in i16::MIN..=i16::MAX {
                let magnitude = i32::from(sample.unsigned_abs());
                let octet = law.encode(sample);
                let interval = match law {
                    Law::A => usize::from((octet ^ 0x55) & 0x7F),
                    Law::Mu => usize::from(!octet & 0x7F),
                };
                assert_eq!(octet & 0x80 != 0, sample >= 0, "{law:?} {sample}");
                // 14 bits hold 4 linear samples, 13 bits 8: the border has that width.
                let grain = if law == Law::A { 16 } else { 4 };
                let overload = interval == 127 && magnitude >= limits[127];
                let inside = magnitude > limits[interval] - grain && magnitude < limits[interval + 1] + grain;
                assert!(inside || overload, "{law:?} {sample} in {interval}");
                if sample >= 0 && !overload {
                    assert!(
                        (limits[interval]..limits[interval + 1]).contains(&magnitude),
                        "{law:?} {sample}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_decoded_octet_encodes_to_itself() {
        for law in [Law::A, Law::Mu] {
            for octet in 0..=u8::MAX {
                let again = law.encode(law.decode(octet));
                // mu-law has two zeroes; the negative one is not sent.
                let expected = if law == Law::Mu && octet == 0x7F { 0xFF } else { octet };
                assert_eq!(again, expected, "{law:?}");
            }
        }
    }

    #[test]
    fn the_laws_are_monotonic() {
        for law in [Law::A, Law::Mu] {
            for sample in i16::MIN..i16::MAX {
                assert!(
                    law.decode(law.encode(sample)) <= law.decode(law.encode(sample + 1)),
                    "{law:?} {sample}"
                );
            }
        }
    }

    #[test]
    fn the_ends_of_the_range_are_those_of_the_tables() {
        assert_eq!([Law::Mu.encode(i16::MAX), Law::Mu.encode(i16::MIN)], [0x80, 0x00]);
        assert_eq!([Law::A.encode(i16::MAX), Law::A.encode(i16::MIN)], [0xAA, 0x2A]);
        assert_eq!([Law::Mu.decode(0x80), Law::Mu.decode(0x00)], [8031 * 4, -8031 * 4]);
        assert_eq!([Law::A.decode(0xAA), Law::A.decode(0x2A)], [4032 * 8, -4032 * 8]);
        assert_eq!([Law::A.decode(0xD5), Law::A.decode(0x55)], [8, -8]);
        assert_eq!([Law::Mu.silence(), Law::A.silence()], [Law::Mu.encode(0), Law::A.encode(0)]);
    }

    #[test]
    fn the_digital_milliwatt_has_zero_dbm0() {
        for (law, octets) in [(Law::A, MILLIWATT_A), (Law::Mu, MILLIWATT_MU)] {
            let mut samples = [0; 8];
            assert_eq!(law.decode_into(&octets, &mut samples), 8);
            assert!(level_dbm0(&samples).abs() < 0.1, "{law:?} {}", level_dbm0(&samples));
        }
    }

    #[test]
    fn blocks_code_as_single_samples_do() {
        let samples: Vec<i16> = (-400..400).map(|n| n * 81).collect();
        for law in [Law::A, Law::Mu] {
            let mut octets = Vec::new();
            law.encode_into(&samples, &mut octets);
            assert!(octets.iter().zip(&samples).all(|(octet, sample)| *octet == law.encode(*sample)));
            let mut short = [0; 10];
            assert_eq!(law.decode_into(&octets, &mut short), 10);
            assert_eq!(short[9], law.decode(octets[9]));
        }
    }
}
