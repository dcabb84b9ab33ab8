//! One sub-band: adaptive quantiser (G.722 sections 6.2.1 and 6.2.3) and pole-zero predictor (section 6.2.2, there block 4).
//!
//! Arithmetic is that of the recommendation, in 16 bits with saturation where it says so. Names of steps are its names.

/// The predictor of a sub-band: two poles, six zeros, adapted by signs.
#[derive(Clone, Debug, Default)]
struct Predictor {
    /// The predicted signal, and the part of it that the zeros give.
    signal: i32,
    zeros: i32,
    /// Reconstructed signal and partially reconstructed signal, newest first.
    reconstructed: [i32; 2],
    partial: [i32; 2],
    poles: [i32; 2],
    /// Quantised differences, newest first, and their coefficients.
    differences: [i32; 6],
    coefficients: [i32; 6],
}

fn saturate(value: i32) -> i32 {
    value.clamp(-32_768, 32_767)
}

/// `value` when both are of one sign (zero is positive), else its negative.
const fn same_sign(one: i32, other: i32, value: i32) -> i32 {
    if (one < 0) == (other < 0) { value } else { -value }
}

impl Predictor {
    /// Block 4: adapts to a quantised difference, and predicts the next sample.
    fn adapt(&mut self, difference: i32) {
        let reconstructed = saturate(self.signal + difference);
        let partial = saturate(self.zeros + difference);
        self.adapt_poles(partial);
        self.adapt_zeros(difference);
        self.partial = [partial, self.partial[0]];
        self.reconstructed = [reconstructed, self.reconstructed[0]];
        self.predict();
    }

    /// UPPOL2, then UPPOL1, which needs its result.
    fn adapt_poles(&mut self, partial: i32) {
        let [first, second] = self.poles;
        let toward = same_sign(partial, self.partial[0], -saturate(first << 2)).min(32_767);
        let step = same_sign(partial, self.partial[1], 128);
        let leaked = (second * 32_512) >> 15;
        let second = ((toward >> 7) + step + leaked).clamp(-12_288, 12_288);

        let step = same_sign(partial, self.partial[0], 192);
        let leaked = (first * 32_640) >> 15;
        let bound = saturate(15_360 - second);
        self.poles = [saturate(step + leaked).clamp(-bound, bound), second];
    }

    /// UPZERO, with the shift of the differences.
    fn adapt_zeros(&mut self, difference: i32) {
        let step = if difference == 0 { 0 } else { 128 };
        for (coefficient, past) in self.coefficients.iter_mut().zip(self.differences) {
            *coefficient = saturate(same_sign(difference, past, step) + ((*coefficient * 32_640) >> 15));
        }
        self.differences.rotate_right(1);
        self.differences[0] = difference;
    }

    /// FILTEP, FILTEZ and PREDIC.
    fn predict(&mut self) {
        let product = |coefficient: i32, value: i32| (coefficient * saturate(value * 2)) >> 15;
        let poles = saturate(
            product(self.poles[0], self.reconstructed[0]) + product(self.poles[1], self.reconstructed[1]),
        );
        let zeros = self.coefficients.iter().zip(self.differences).map(|(c, d)| product(*c, d)).sum();
        self.zeros = saturate(zeros);
        self.signal = saturate(poles + self.zeros);
    }
}

/// The scale factor of a quantiser, on a logarithmic scale.
fn scale(logarithm: i32, whole: i32) -> i32 {
    let mantissa = INVERSE_LOG[((logarithm >> 6) & 31) as usize];
    let shift = whole - (logarithm >> 11);
    (if shift < 0 { mantissa << -shift } else { mantissa >> shift }) << 2
}

/// The magnitude that decision levels are compared with.
const fn magnitude(value: i32) -> i32 {
    if value >= 0 { value } else { -(value + 1) }
}

/// The lower sub-band: 60 levels, six bits.
#[derive(Clone, Debug)]
pub(super) struct LowBand {
    predictor: Predictor,
    logarithm: i32,
    step: i32,
}

impl Default for LowBand {
    fn default() -> Self {
        Self { predictor: Predictor::default(), logarithm: 0, step: 32 }
    }
}

impl LowBand {
    /// QUANTL: the six bits of a sample of 15 bits.
    pub(super) fn encode(&mut self, sample: i32) -> u8 {
        let difference = saturate(sample - self.predictor.signal);
        let size = magnitude(difference);
        let level = LOW_DECISION.partition_point(|decision| size >= (decision * self.step) >> 12);
        // Positive codes run down from 61, negative ones from 31, but for the two smallest, which lie above all.
        let code = match (difference < 0, level as u8) {
            (true, level @ 0..=1) => 63 - level,
            (true, level) => 33 - level,
            (false, level) => 61 - level,
        };
        self.adapt(code);
        code
    }

    /// The sample of six bits.
    pub(super) fn decode(&mut self, code: u8) -> i32 {
        let difference = (self.step * LOW_SIX_BITS[usize::from(code & 63)]) >> 15;
        let sample = (self.predictor.signal + difference).clamp(-16_384, 16_383);
        self.adapt(code);
        sample
    }

    /// Only the upper four bits steer the adaptation, so that the modes with fewer bits stay in step.
    fn adapt(&mut self, code: u8) {
        let upper = usize::from(code >> 2 & 15);
        let difference = (self.step * LOW_FOUR_BITS[upper]) >> 15;
        let logarithm = ((self.logarithm * 127) >> 7) + LOW_ADAPTATION[upper];
        self.logarithm = logarithm.clamp(0, 18_432);
        self.step = scale(self.logarithm, 8);
        self.predictor.adapt(difference);
    }
}

/// The upper sub-band: four levels, two bits.
#[derive(Clone, Debug)]
pub(super) struct HighBand {
    predictor: Predictor,
    logarithm: i32,
    step: i32,
}

impl Default for HighBand {
    fn default() -> Self {
        Self { predictor: Predictor::default(), logarithm: 0, step: 8 }
    }
}

impl HighBand {
    /// QUANTH: the two bits of a sample.
    pub(super) fn encode(&mut self, sample: i32) -> u8 {
        let difference = saturate(sample - self.predictor.signal);
        let outer = magnitude(difference) >= (564 * self.step) >> 12;
        let code = match (difference < 0, outer) {
            (true, true) => 0,
            (true, false) => 1,
            (false, true) => 2,
            (false, false) => 3,
        };
        self.adapt(code);
        code
    }

    /// The sample of two bits.
    pub(super) fn decode(&mut self, code: u8) -> i32 {
        let difference = (self.step * HIGH_TWO_BITS[usize::from(code & 3)]) >> 15;
        let sample = (self.predictor.signal + difference).clamp(-16_384, 16_383);
        self.adapt(code);
        sample
    }

    fn adapt(&mut self, code: u8) {
        let code = usize::from(code & 3);
        let difference = (self.step * HIGH_TWO_BITS[code]) >> 15;
        let logarithm = ((self.logarithm * 127) >> 7) + HIGH_ADAPTATION[code];
        self.logarithm = logarithm.clamp(0, 22_528);
        self.step = scale(self.logarithm, 10);
        self.predictor.adapt(difference);
    }
}

/// Decision levels of the lower band, from the smallest (G.722 table 14; the code follows from the number of those below).
const LOW_DECISION: [i32; 29] = [
    35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121, 1219,
    1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919,
];

/// Output levels of the six bits of the lower band, by code; the first four codes are never sent.
const LOW_SIX_BITS: [i32; 64] = [
    -136, -136, -136, -136, -24_808, -21_904, -19_008, -16_704, -14_984, -13_512, -12_280, -11_192, -10_232,
    -9_360, -8_576, -7_856, -7_192, -6_576, -6_000, -5_456, -4_944, -4_464, -4_008, -3_576, -3_168, -2_776,
    -2_400, -2_032, -1_688, -1_360, -1_040, -728, 24_808, 21_904, 19_008, 16_704, 14_984, 13_512, 12_280,
    11_192, 10_232, 9_360, 8_576, 7_856, 7_192, 6_576, 6_000, 5_456, 4_944, 4_464, 4_008, 3_576, 3_168,
    2_776, 2_400, 2_032, 1_688, 1_360, 1_040, 728, 432, 136, -432, -136,
];

/// Output levels of the upper four bits.
const LOW_FOUR_BITS: [i32; 16] = [
    0, -20_456, -12_896, -8_968, -6_288, -4_240, -2_584, -1_200, 20_456, 12_896, 8_968, 6_288, 4_240, 2_584,
    1_200, 0,
];

/// What each of the upper four bits' codes does to the logarithm of the step.
const LOW_ADAPTATION: [i32; 16] =
    [-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60];

/// Output levels of the upper band.
const HIGH_TWO_BITS: [i32; 4] = [-7_408, -1_616, 7_408, 1_616];

/// What each code of the upper band does to the logarithm of the step.
const HIGH_ADAPTATION: [i32; 4] = [798, -214, 798, -214];

/// 2048 times two to the power of n/32.
const INVERSE_LOG: [i32; 32] = [
    2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834, 2896,
    2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
];
