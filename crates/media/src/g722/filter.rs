//! The filters around the two sub-bands: quadrature mirror filters of 24 taps (G.722 section 6.1), and one down to 8 kHz.

/// The taps of the mirror filters that meet every second sample; the others are the same backwards (G.722 table 11).
const MIRROR: [i32; 12] = [3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11];

/// Splits 16 kHz into the two sub-bands.
#[derive(Clone, Debug, Default)]
pub(super) struct Analysis {
    /// Pairs of samples, oldest first.
    pairs: [[i16; 2]; 12],
}

impl Analysis {
    pub(super) fn split(&mut self, pair: [i16; 2]) -> (i32, i32) {
        self.pairs.rotate_left(1);
        self.pairs[11] = pair;
        let (mut odd, mut even) = (0, 0);
        for (place, [first, second]) in self.pairs.iter().enumerate() {
            odd += i32::from(*first) * MIRROR[place];
            even += i32::from(*second) * MIRROR[11 - place];
        }
        ((even + odd) >> 14, (even - odd) >> 14)
    }
}

/// Joins the two sub-bands to 16 kHz.
#[derive(Clone, Debug, Default)]
pub(super) struct Synthesis {
    /// Sum and difference of the bands, oldest first.
    pairs: [[i32; 2]; 12],
}

impl Synthesis {
    pub(super) fn join(&mut self, low: i32, high: i32) -> [i16; 2] {
        self.pairs.rotate_left(1);
        self.pairs[11] = [low + high, low - high];
        let (mut first, mut second) = (0, 0);
        for (place, [sum, difference]) in self.pairs.iter().enumerate() {
            first += difference * MIRROR[11 - place];
            second += sum * MIRROR[place];
        }
        [sample(first >> 11), sample(second >> 11)]
    }
}

/// Taps of the filter to a telephone channel: flat to 3.4 kHz, 50 dB down from 4.6 kHz on, which is what folds below 3.4 kHz. The
/// filter is symmetric, and its middle tap is the last here; the sum is 2^15.
const CHANNEL: [i32; 20] = [
    -23, 34, 63, -68, -133, 112, 246, -165, -419, 222, 681, -279, -1087, 332, 1779, -373, -3284, 400, 10_362,
    15_968,
];
const TAPS: usize = 2 * CHANNEL.len() - 1;

/// The delay in 8 kHz samples of synthesis, and of the filter to 8 kHz, but for a fraction.
pub(super) const DELAY: usize = (11 + TAPS / 2) / 2;

/// Makes 8 kHz of 16 kHz.
#[derive(Clone, Debug)]
pub(super) struct Halver {
    /// Samples, oldest first.
    past: [i16; TAPS],
}

impl Default for Halver {
    fn default() -> Self {
        Self { past: [0; TAPS] }
    }
}

impl Halver {
    pub(super) fn take(&mut self, pair: [i16; 2]) -> i16 {
        self.past.rotate_left(2);
        self.past[TAPS - 2] = pair[0];
        self.past[TAPS - 1] = pair[1];
        let (older, newer) = (self.past.iter(), self.past.iter().rev());
        let sum: i32 = CHANNEL
            .iter()
            .zip(older.zip(newer))
            .map(|(tap, (old, new))| tap * (i32::from(*old) + i32::from(*new)))
            .sum();
        // The middle tap has met its sample twice.
        let middle = i32::from(self.past[TAPS / 2]) * CHANNEL[CHANNEL.len() - 1];
        sample((sum - middle + (1 << 14)) >> 15)
    }
}

fn sample(value: i32) -> i16 {
    value.clamp(-32_768, 32_767) as i16
}
