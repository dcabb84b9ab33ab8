//! Requests without their answers: at most so many, each with a deadline.

use std::collections::{BTreeMap, VecDeque};

use strowger_sansio::{Duration, Time};

/// The highest sequence number (section 3.2); the next is 1.
const LAST: u32 = 0x7fff_ffff;

/// Outstanding requests by sequence number, and what belongs to each.
#[derive(Clone, Debug)]
pub(super) struct Window<T> {
    next: u32,
    waiting: BTreeMap<u32, T>,
    /// In the order of sending; entries whose request has been answered are passed over.
    deadlines: VecDeque<(Time, u32)>,
    patience: Duration,
}

impl<T> Window<T> {
    pub(super) const fn new(patience: Duration) -> Self {
        Self { next: 1, waiting: BTreeMap::new(), deadlines: VecDeque::new(), patience }
    }

    /// Takes note of a request and gives it a number.
    pub(super) fn open(&mut self, now: Time, what: T) -> u32 {
        let mut sequence = self.next;
        // After a wrap an old request may still have the number.
        while self.waiting.contains_key(&sequence) {
            sequence = if sequence >= LAST { 1 } else { sequence + 1 };
        }
        self.next = if sequence >= LAST { 1 } else { sequence + 1 };
        self.waiting.insert(sequence, what);
        self.deadlines.push_back((now + self.patience, sequence));
        sequence
    }

    /// Takes the request that an answer is for.
    pub(super) fn close(&mut self, sequence: u32) -> Option<T> {
        let what = self.waiting.remove(&sequence);
        while let Some((_, first)) = self.deadlines.front()
            && !self.waiting.contains_key(first)
        {
            self.deadlines.pop_front();
        }
        what
    }

    /// Takes the request that an answer is for if it asked for an answer of this kind; another one goes on waiting for its own.
    pub(super) fn close_if(&mut self, sequence: u32, asked: impl FnOnce(&T) -> bool) -> Option<T> {
        asked(self.waiting.get(&sequence)?).then(|| self.close(sequence)).flatten()
    }

    /// Takes a request whose answer is overdue.
    pub(super) fn pop_overdue(&mut self, now: Time) -> Option<T> {
        while let Some((deadline, sequence)) = self.deadlines.front().copied() {
            if !self.waiting.contains_key(&sequence) {
                self.deadlines.pop_front();
            } else if deadline <= now {
                self.deadlines.pop_front();
                return self.waiting.remove(&sequence);
            } else {
                break;
            }
        }
        None
    }

    /// Takes them all.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = T> {
        self.deadlines.clear();
        std::mem::take(&mut self.waiting).into_values()
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.deadlines.front().map(|(deadline, _)| *deadline)
    }
}
