//! Identifiers on the wire: unpredictable, and from ranges that no two nodes share.
//!
//! Several nodes act as one call agent, so a gateway may see commands of two of them within its memory of past
//! transactions (T-HIST): were their identifiers to collide, it would replay an old answer instead of executing
//! the new command. Each pair of node and epoch therefore owns a slice of the number range, and walks it in the order of a
//! keyed permutation: no identifier returns before the slice is used up, and none can be guessed from those before.

use crate::Rng;

/// The number of a node in its cluster, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u8);

/// How often the ownership of a shard has changed: the fencing token of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

/// Nodes that share the identifiers of one logical call agent.
const NODES: u64 = 16;
/// Successive epochs of a node that must not collide within the peer's memory.
const EPOCHS: u64 = 8;
const ROUNDS: usize = 4;

/// An endless source of identifiers from one slice of a range, or from all of it.
#[derive(Clone, Debug)]
pub struct IdSpace {
    first: u64,
    size: u64,
    half_bits: u32,
    keys: [u64; ROUNDS],
    next: u64,
}

impl IdSpace {
    /// The slice of `low..=high` that `node` owns in `epoch`, walked in an order drawn from `rng`.
    ///
    /// # Panics
    /// When the range is too small to be shared by 16 nodes and 8 epochs: a programming error, as ranges are
    /// constants of the protocols.
    #[must_use]
    pub fn new(low: u64, high: u64, node: NodeId, epoch: Epoch, rng: &mut Rng) -> Self {
        let slices = NODES * EPOCHS;
        assert!(low < high && (high - low) / slices > 0, "an identifier range too small to share");
        let size = (high - low) / slices;
        let slice = u64::from(node.0) % NODES * EPOCHS + epoch.0 % EPOCHS;
        Self::over(low + slice * size, size, rng)
    }

    /// All of `low..=high`, for one that shares its identifiers with nobody. It does not remember, after a restart, which it used
    /// before: the more there are to choose from, the less likely is it that one returns within the peer's memory.
    ///
    /// # Panics
    /// When the range is empty: a programming error, as ranges are constants of the protocols.
    #[must_use]
    pub fn whole(low: u64, high: u64, rng: &mut Rng) -> Self {
        assert!(low <= high, "an identifier range without identifiers");
        Self::over(low, high - low + 1, rng)
    }

    fn over(first: u64, size: u64, rng: &mut Rng) -> Self {
        let bits = 64 - (size - 1).max(1).leading_zeros();
        let keys = std::array::from_fn(|_| rng.next_u64());
        Self { first, size, half_bits: bits.div_ceil(2), keys, next: rng.below(size) }
    }

    /// The next identifier.
    pub fn draw(&mut self) -> u64 {
        // The permutation is over a power of two; positions outside the slice are walked on until one is inside.
        let mut position = self.next;
        self.next = (self.next + 1) % self.size;
        loop {
            position = self.permute(position);
            if position < self.size {
                return self.first + position;
            }
        }
    }

    /// Whether `id` lies in this slice.
    #[must_use]
    pub fn contains(&self, id: u64) -> bool {
        (self.first..self.first + self.size).contains(&id)
    }

    /// A balanced Feistel network over `2 * half_bits` bits.
    fn permute(&self, value: u64) -> u64 {
        let mask = (1 << self.half_bits) - 1;
        let (mut left, mut right) = (value >> self.half_bits, value & mask);
        for key in self.keys {
            (left, right) = (right, (left ^ mix(right ^ key)) & mask);
        }
        left << self.half_bits | right
    }
}

/// A 64-bit finaliser: every input bit moves every output bit.
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    x = (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    x ^ (x >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn space(node: u8, epoch: u64) -> IdSpace {
        IdSpace::new(1, 999_999_999, NodeId(node), Epoch(epoch), &mut Rng::from_number(9))
    }

    #[test]
    fn no_identifier_returns_before_the_slice_is_used_up() {
        let mut ids = IdSpace::new(1, 128 * 1000, NodeId(2), Epoch(3), &mut Rng::from_number(4));
        let drawn: BTreeSet<_> = (0..999).map(|_| ids.draw()).collect();
        assert_eq!(drawn.len(), 999);
        assert!(drawn.iter().all(|id| ids.contains(*id)));
        assert!(drawn.contains(&ids.draw()));
    }

    #[test]
    fn nodes_and_successive_epochs_share_no_identifier() {
        let mut spaces: Vec<_> = (0..16).flat_map(|n| (0..8).map(move |e| space(n, e))).collect();
        let mut seen = BTreeSet::new();
        for ids in &mut spaces {
            for _ in 0..100 {
                let id = ids.draw();
                assert!((1..=999_999_999).contains(&id));
                assert!(seen.insert(id));
            }
        }
    }

    #[test]
    fn two_that_start_one_after_the_other_hardly_meet() {
        let drawn = |seed| {
            let mut ids = IdSpace::whole(1, 999_999_999, &mut Rng::from_number(seed));
            (0..10_000).map(|_| ids.draw()).collect::<BTreeSet<_>>()
        };
        let (before, after) = (drawn(1), drawn(2));
        assert_eq!(before.len(), 10_000);
        assert!(before.iter().chain(&after).all(|id| (1..=999_999_999).contains(id)));
        // One in ten such pairs shares one; of the 128th part of the range they would share a dozen.
        assert!(before.intersection(&after).count() < 2);
    }

    #[test]
    fn all_of_a_range_are_used_before_one_returns() {
        let mut ids = IdSpace::whole(1, 100, &mut Rng::from_number(3));
        assert_eq!((0..100).map(|_| ids.draw()).collect::<BTreeSet<_>>(), (1..=100).collect());
    }

    #[test]
    fn identifiers_do_not_follow_one_another() {
        let mut ids = space(0, 0);
        let drawn: Vec<_> = (0..1000).map(|_| ids.draw()).collect();
        let neighbours = drawn.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) < 1000).count();
        assert!(neighbours < 5, "{neighbours} of 999 draws lie beside the draw before");
    }
}
