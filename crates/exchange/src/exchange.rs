//! The exchange as one engine: the switch, its access adapters and the protocol engines below them, with the four kinds of
//! methods of every engine (see [`strowger_sansio`]).

use std::collections::VecDeque;
use std::net::SocketAddr;

use strowger_sansio::{Duration, Epoch, NodeId, Rng, Time, Transmit};

use crate::{Event, Inventory, Record, Snapshot};

/// What a host hands to an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// A datagram at the MGCP call agent's port.
    Mgcp {
        /// Where it came from.
        from: SocketAddr,
        /// Its bytes.
        bytes: &'a [u8],
    },
}

/// What the engine's clock shows on the wall; only the time that caller identification shows depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WallClock {
    /// Since 1970-01-01T00:00:00Z.
    pub unix: Duration,
    /// Local time minus UTC, in seconds.
    pub utc_offset: i32,
}

/// An exchange.
#[derive(Debug)]
pub struct Exchange {
    events: VecDeque<Event>,
    records: VecDeque<Record>,
    transmits: VecDeque<Transmit>,
}

impl Exchange {
    /// An exchange that begins to put the gateways of `inventory` into service at once.
    ///
    /// `node` and `epoch` choose the range of its transaction identifiers; `rng` must be seeded from a secret.
    #[must_use]
    pub fn new(now: Time, inventory: Inventory, node: NodeId, epoch: Epoch, rng: Rng) -> Self {
        let _ = (now, inventory, node, epoch, rng);
        Self { events: VecDeque::new(), records: VecDeque::new(), transmits: VecDeque::new() }
    }

    /// Tells what the clock shows on the wall at `now`. To be repeated when the host's clock is set or its offset changes.
    pub fn set_wall_clock(&mut self, now: Time, wall: WallClock) {
        let _ = (now, wall);
    }

    /// Takes a datagram.
    pub fn handle_input(&mut self, now: Time, input: Input<'_>) {
        let _ = (now, input);
    }

    /// To be called when [`Self::poll_timeout`] is due.
    pub fn handle_timeout(&mut self, now: Time) {
        let _ = now;
    }

    /// A datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// Something that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Something to be kept.
    pub fn poll_record(&mut self) -> Option<Record> {
        self.records.pop_front()
    }

    /// When [`Self::handle_timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        None
    }

    /// Everything that is open.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::default()
    }
}
