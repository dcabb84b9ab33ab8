//! Transactions that wait to be sent, and the messages that they travel in (RFC 3525 section 8.3).
//!
//! Transactions to one place that are queued one after another share a message while it stays within what passes an Ethernet whole.
//! Acknowledgements of replies ride along.

use std::collections::VecDeque;

use super::{Dialect, PeerId, Route};

/// One transaction, which is a piece of the arena.
#[derive(Clone, Copy, Debug)]
struct Entry {
    peer: PeerId,
    route: Route,
    /// How it is written, and so the message around it.
    dialect: Dialect,
    start: usize,
    end: usize,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Shares its message.
    Transaction,
    /// A whole message that is written already: a message-level error.
    Message,
}

/// The queue, and the octets of all that is in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Outbox {
    queue: VecDeque<Entry>,
    arena: Vec<u8>,
}

/// The next message: where it goes, and its transactions.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    pub(super) peer: PeerId,
    pub(super) route: Route,
    pub(super) dialect: Dialect,
    pub(super) kind: Kind,
    /// Pieces of the arena, valid until the next push.
    pub(super) pieces: Vec<(usize, usize)>,
}

impl Outbox {
    /// Queues what `write` appends; nothing when it fails.
    pub(super) fn push<E>(
        &mut self,
        peer: PeerId,
        route: Route,
        (kind, dialect): (Kind, Dialect),
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<usize, E> {
        let start = self.arena.len();
        if let Err(error) = write(&mut self.arena) {
            self.arena.truncate(start);
            return Err(error);
        }
        let end = self.arena.len();
        self.queue.push_back(Entry { peer, route, dialect, start, end, kind });
        Ok(end - start)
    }

    pub(super) fn push_octets(&mut self, peer: PeerId, route: Route, dialect: Dialect, octets: &[u8]) {
        let start = self.arena.len();
        self.arena.extend_from_slice(octets);
        self.queue.push_back(Entry {
            peer,
            route,
            dialect,
            start,
            end: self.arena.len(),
            kind: Kind::Transaction,
        });
    }

    /// The transaction that was queued last.
    pub(super) fn last(&self) -> &[u8] {
        self.queue.back().and_then(|entry| self.arena.get(entry.start..entry.end)).unwrap_or_default()
    }

    /// Takes the transaction that was queued last out again.
    pub(super) fn unpush(&mut self) {
        if let Some(entry) = self.queue.pop_back() {
            self.arena.truncate(entry.start);
        }
    }

    /// Takes the transactions of the next message: as many neighbours as fit.
    pub(super) fn pop(&mut self, bundle: usize, bundled: usize) -> Option<Batch> {
        let first = self.queue.pop_front()?;
        let mut pieces = vec![(first.start, first.end)];
        let mut length = first.end - first.start;
        while first.kind == Kind::Transaction && pieces.len() < bundled {
            let Some(next) = self.queue.front() else { break };
            length += next.end - next.start + 1;
            let is_neighbour = next.peer == first.peer
                && next.route == first.route
                && next.dialect == first.dialect
                && next.kind == Kind::Transaction;
            if !is_neighbour || length > bundle {
                break;
            }
            pieces.push((next.start, next.end));
            self.queue.pop_front();
        }
        Some(Batch { peer: first.peer, route: first.route, dialect: first.dialect, kind: first.kind, pieces })
    }

    pub(super) fn octets(&self, (start, end): (usize, usize)) -> &[u8] {
        self.arena.get(start..end).unwrap_or_default()
    }

    /// Gives the arena free when nothing refers to it.
    pub(super) fn settle(&mut self) {
        if self.queue.is_empty() {
            self.arena.clear();
            // What one burst needed is not kept for ever.
            self.arena.shrink_to(1 << 16);
        }
    }
}
