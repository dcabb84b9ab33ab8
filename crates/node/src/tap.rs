//! A live ladder: an observer that draws what the exchange sends and receives while it runs.

use std::sync::{Arc, Mutex, PoisonError};

use strowger_capture::{Ladder, LadderLimits};
use strowger_exchange::Inventory;

use crate::shard::{Frame, Observer};

/// A ladder that others read while it grows. Clones share it.
#[derive(Clone, Debug)]
pub struct LadderTap {
    ladder: Arc<Mutex<Ladder>>,
}

impl LadderTap {
    /// An empty ladder with the names of the inventory's gateways. The exchange is named when its address is known.
    #[must_use]
    pub fn new(inventory: &Inventory, limits: LadderLimits) -> Self {
        let mut ladder = Ladder::new(limits);
        for gateway in inventory.gateways.iter().filter(|gateway| gateway.host.is_none()) {
            ladder.name_address(gateway.address, &gateway.id);
        }
        Self { ladder: Arc::new(Mutex::new(ladder)) }
    }

    /// Reads or adds to the ladder. The exchange waits meanwhile: to render it, take a clone.
    pub fn with<T>(&self, work: impl FnOnce(&mut Ladder) -> T) -> T {
        work(&mut self.ladder.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The ladder as it is now.
    #[must_use]
    pub fn ladder(&self) -> Ladder {
        self.with(|ladder| ladder.clone())
    }
}

impl Observer for LadderTap {
    fn datagram(&mut self, frame: &Frame<'_>) {
        self.with(|ladder| ladder.observe(frame.at, frame.from, frame.to, frame.protocol, frame.bytes));
    }
}
