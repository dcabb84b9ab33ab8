//! Seeded randomness: the `ChaCha20` key stream of RFC 8439 as a generator.
//!
//! One generator serves both uses that engines have: a simulated run must be repeatable from its seed, and
//! identifiers on the wire must not be guessable from those already seen.

use std::time::Duration;

const CONSTANTS: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

/// A deterministic generator. From a secret seed its output cannot be predicted; from a known one it can be repeated.
#[derive(Clone, Debug)]
pub struct Rng {
    key: [u32; 8],
    counter: u64,
    block: [u32; 16],
    used: usize,
}

impl Rng {
    /// A generator from 256 bits of seed, which a host takes from the operating system.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let mut key = [0; 8];
        for (word, bytes) in key.iter_mut().zip(seed.as_chunks::<4>().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        Self { key, counter: 0, block: [0; 16], used: 16 }
    }

    /// A generator from a number: for simulated runs and tests.
    #[must_use]
    pub fn from_number(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self::from_seed(bytes)
    }

    /// A generator of its own, drawn from this one: what one part draws then does not disturb another's run.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        let mut seed = [0; 32];
        self.fill(&mut seed);
        Self::from_seed(seed)
    }

    /// 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        if self.used >= self.block.len() {
            self.block = chacha20_block(&self.key, self.counter);
            self.counter = self.counter.wrapping_add(1);
            self.used = 0;
        }
        let word = self.block[self.used];
        self.used += 1;
        word
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        u64::from(self.next_u32()) << 32 | u64::from(self.next_u32())
    }

    /// 128 random bits: a call or request identifier.
    pub fn next_u128(&mut self) -> u128 {
        u128::from(self.next_u64()) << 64 | u128::from(self.next_u64())
    }

    /// Fills `bytes`.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(4) {
            let word = self.next_u32().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }

    /// A number in `0..bound`, each as likely as the other; zero when `bound` is zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        // Numbers under `bias` would make the first residues likelier: draw again.
        let bias = bound.wrapping_neg() % bound;
        loop {
            let draw = self.next_u64();
            if draw >= bias {
                return draw % bound;
            }
        }
    }

    /// True once in `1 / probability` times; never at 0, always at 1.
    pub fn chance(&mut self, probability: f64) -> bool {
        const SCALE: f64 = (1_u64 << 53) as f64;
        ((self.next_u64() >> 11) as f64) < probability * SCALE
    }

    /// A duration from `low` up to and including `high`; `low` when they are the wrong way round.
    pub fn duration(&mut self, low: Duration, high: Duration) -> Duration {
        let span = u64::try_from(high.saturating_sub(low).as_nanos()).unwrap_or(u64::MAX);
        low + Duration::from_nanos(self.below(span.saturating_add(1)))
    }

    /// One of the items; none of an empty slice.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let index = self.below(items.len() as u64);
        items.get(usize::try_from(index).ok()?)
    }
}

/// RFC 8439 section 2.3 with a 64-bit counter and a zero nonce.
fn chacha20_block(key: &[u32; 8], counter: u64) -> [u32; 16] {
    let mut state = [0; 16];
    state[..4].copy_from_slice(&CONSTANTS);
    state[4..12].copy_from_slice(key);
    state[12] = counter as u32;
    state[13] = (counter >> 32) as u32;
    permute(&state)
}

fn permute(state: &[u32; 16]) -> [u32; 16] {
    let mut x = *state;
    for _ in 0..10 {
        quarter_round(&mut x, 0, 4, 8, 12);
        quarter_round(&mut x, 1, 5, 9, 13);
        quarter_round(&mut x, 2, 6, 10, 14);
        quarter_round(&mut x, 3, 7, 11, 15);
        quarter_round(&mut x, 0, 5, 10, 15);
        quarter_round(&mut x, 1, 6, 11, 12);
        quarter_round(&mut x, 2, 7, 8, 13);
        quarter_round(&mut x, 3, 4, 9, 14);
    }
    for (word, start) in x.iter_mut().zip(state) {
        *word = word.wrapping_add(*start);
    }
    x
}

fn quarter_round(x: &mut [u32; 16], a: usize, b: usize, c: usize, d: usize) {
    x[a] = x[a].wrapping_add(x[b]);
    x[d] = (x[d] ^ x[a]).rotate_left(16);
    x[c] = x[c].wrapping_add(x[d]);
    x[b] = (x[b] ^ x[c]).rotate_left(12);
    x[a] = x[a].wrapping_add(x[b]);
    x[d] = (x[d] ^ x[a]).rotate_left(8);
    x[c] = x[c].wrapping_add(x[d]);
    x[b] = (x[b] ^ x[c]).rotate_left(7);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_function_is_that_of_rfc_8439_section_2_3_2() {
        let mut state = [0; 16];
        state[..4].copy_from_slice(&CONSTANTS);
        for (word, start) in state[4..12].iter_mut().zip((0_u8..).step_by(4)) {
            *word = u32::from_le_bytes([start, start + 1, start + 2, start + 3]);
        }
        state[12..].copy_from_slice(&[1, 0x0900_0000, 0x4a00_0000, 0]);
        let out = permute(&state);
        assert_eq!(out[..4], [0xe4e7_f110, 0x1559_3bd1, 0x1fdd_0f50, 0xc471_20a3]);
        assert_eq!(out[12..], [0xd19c_12b5, 0xb94e_16de, 0xe883_d0cb, 0x4e3c_50a2]);
    }

    #[test]
    fn the_same_seed_gives_the_same_run_and_another_gives_another() {
        let draw = |seed| {
            let mut rng = Rng::from_number(seed);
            (0..100).map(|_| rng.next_u64()).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn draws_stay_in_their_range_and_reach_its_ends() {
        let mut rng = Rng::from_number(1);
        let seen: std::collections::BTreeSet<_> = (0..1000).map(|_| rng.below(6)).collect();
        assert_eq!(seen, (0..6).collect());
        assert_eq!(rng.below(0), 0);
        assert!(!(0..1000).any(|_| rng.chance(0.0)));
        assert!((0..1000).all(|_| rng.chance(1.0)));
        let (low, high) = (Duration::from_millis(100), Duration::from_millis(200));
        assert!((0..1000).map(|_| rng.duration(low, high)).all(|d| (low..=high).contains(&d)));
        assert_eq!(rng.duration(high, low), high);
        assert_eq!(rng.pick::<u8>(&[]), None);
    }

    #[test]
    fn a_fork_does_not_follow_its_parent() {
        let mut parent = Rng::from_number(3);
        let mut child = parent.fork();
        assert_ne!(parent.next_u64(), child.next_u64());
    }
}
