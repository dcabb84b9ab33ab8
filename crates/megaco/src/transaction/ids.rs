//! The numbers of our own transactions (RFC 3525 Annex D.1.2.1).
//!
//! Entities that share a message identifier must not share transaction numbers, so each node and epoch has a slice of its own. Numbers
//! that nobody can guess protect against forged replies; numbers in order let a peer acknowledge many of them in one range. Each
//! peer therefore gets blocks of 64 numbers in order, and the blocks come from all over the slice (design note 25).

use strowger_sansio::{Epoch, IdSpace, NodeId, Rng};

use crate::message::TransactionId;

/// Numbers in a block.
const BLOCK: u64 = 64;
/// The first and the last block: the numbers from 64 to 2^32 - 1.
const BLOCKS: (u64, u64) = (1, (1 << 32) / BLOCK - 1);

/// Where an entity takes its transaction numbers from.
#[derive(Clone, Debug)]
pub struct TransactionIds(IdSpace);

impl TransactionIds {
    /// The slice of a node and an epoch.
    #[must_use]
    pub fn shared(node: NodeId, epoch: Epoch, rng: &mut Rng) -> Self {
        Self(IdSpace::new(BLOCKS.0, BLOCKS.1, node, epoch, rng))
    }

    /// All numbers, for an entity whose message identifier is its own.
    #[must_use]
    pub fn alone(rng: &mut Rng) -> Self {
        Self(IdSpace::whole(BLOCKS.0, BLOCKS.1, rng))
    }

    /// Whether a number is one of these.
    #[must_use]
    pub fn contains(&self, id: TransactionId) -> bool {
        self.0.contains(u64::from(id.get()) / BLOCK)
    }
}

/// The block that a peer is in.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Block {
    next: u32,
    left: u8,
}

impl Block {
    pub(super) fn draw(&mut self, ids: &mut TransactionIds) -> TransactionId {
        if self.left == 0 {
            // Below 2^32: the last block ends there.
            self.next = u32::try_from(ids.0.draw() * BLOCK).unwrap_or(u32::MAX);
            self.left = BLOCK as u8;
        }
        let id = TransactionId::new(self.next);
        self.next = self.next.wrapping_add(1);
        self.left -= 1;
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn numbers_go_in_order_within_blocks_and_nodes_share_none() {
        let mut seen = BTreeSet::new();
        for node in 0..16 {
            let mut rng = Rng::from_number(u64::from(node));
            let mut ids = TransactionIds::shared(NodeId(node), Epoch(1), &mut rng);
            let mut block = Block::default();
            let drawn: Vec<_> = (0..640).map(|_| block.draw(&mut ids).get()).collect();
            assert_eq!(drawn.windows(2).filter(|pair| pair[1] == pair[0].wrapping_add(1)).count(), 630);
            assert!(drawn.iter().all(|id| *id >= 64 && ids.contains(TransactionId::new(*id))));
            assert!(drawn.into_iter().all(|id| seen.insert(id)));
        }
    }
}
