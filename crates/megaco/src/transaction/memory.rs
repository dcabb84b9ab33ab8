//! The memory of received transactions, by generations (RFC 3525 Annex D.1.1, D.1.2.2).
//!
//! A generation holds what was answered within a third of LONG-TIMER: replies by the number of their request, and ranges of those that the
//! peer has acknowledged, of which the number alone is kept. Four generations live at a time, so that each transaction is remembered
//! for LONG-TIMER at least and a third more at most; the oldest is dropped whole, which costs nothing for each.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use strowger_sansio::{KeyTable, Time};

use super::Dialect;

/// Peer, its life and the number of the transaction in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(pub(super) u64);

impl Key {
    pub(super) fn peer(self) -> u32 {
        (self.0 >> 40) as u32
    }

    pub(super) fn id(self) -> u32 {
        self.0 as u32
    }

    /// Peers up to 2^24, 256 lives.
    pub(super) fn new(peer: u32, life: u8, id: u32) -> Self {
        Self(u64::from(peer) << 40 | u64::from(life) << 32 | u64::from(id))
    }
}

/// A reply: how it is written, and its octets: one transaction, or several when it was sent in segments, each behind its length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) dialect: Dialect,
    pub(super) octets: Box<[u8]>,
}

#[derive(Clone, Debug)]
struct Generation {
    ends: Time,
    answered: KeyTable<Stored>,
    /// First to last key of each range.
    confirmed: BTreeMap<Key, Key>,
    /// What each peer is charged for in this generation.
    charged: BTreeMap<u32, usize>,
}

/// What is known of a received transaction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Known<'m> {
    /// Nothing.
    New,
    /// It was answered.
    Answered(&'m Stored),
    /// It was answered, and the answer acknowledged.
    Confirmed,
}

#[derive(Clone, Debug)]
pub(super) struct Memory {
    /// The latest first.
    generations: VecDeque<Generation>,
    span: Duration,
    secret: u64,
}

/// Generations that live beside the present one.
const OLDER: usize = 3;

impl Memory {
    pub(super) fn new(long_timer: Duration, secret: u64) -> Self {
        Self { generations: VecDeque::new(), span: long_timer / 3, secret }
    }

    pub(super) fn len(&self) -> usize {
        self.generations.iter().map(|generation| generation.answered.len()).sum()
    }

    pub(super) fn ranges(&self) -> usize {
        self.generations.iter().map(|generation| generation.confirmed.len()).sum()
    }

    /// When something is to be forgotten.
    pub(super) fn next_deadline(&self) -> Option<Time> {
        self.generations.back().map(|oldest| oldest.ends + self.span * OLDER as u32)
    }

    /// Forgets what is due; says what each peer gets back.
    pub(super) fn forget(&mut self, now: Time, mut refund: impl FnMut(u32, usize)) {
        while self.next_deadline().is_some_and(|due| due <= now) {
            let Some(oldest) = self.generations.pop_back() else { return };
            oldest.charged.into_iter().for_each(|(peer, octets)| refund(peer, octets));
        }
    }

    pub(super) fn find(&self, key: Key) -> Known<'_> {
        for generation in &self.generations {
            if let Some(stored) = generation.answered.get(key.0) {
                return Known::Answered(stored);
            }
            let range = generation.confirmed.range(..=key).next_back();
            if range.is_some_and(|(_, last)| key <= *last) {
                return Known::Confirmed;
            }
        }
        Known::New
    }

    /// Keeps a reply. The charge comes back when it is forgotten.
    pub(super) fn keep(&mut self, now: Time, key: Key, stored: Stored, charge: usize) {
        let generation = self.present(now);
        generation.answered.insert(key.0, stored);
        *generation.charged.entry(key.peer()).or_default() += charge;
    }

    /// The reply is acknowledged: its number stays, its octets go. Says how many octets the peer gets back now.
    pub(super) fn confirm(&mut self, key: Key, entry: usize, range: usize) -> usize {
        for generation in &mut self.generations {
            let Some(stored) = generation.answered.remove(key.0) else { continue };
            let grown = generation.insert_range(key);
            let freed = (entry + stored.octets.len()).saturating_sub(if grown { 0 } else { range });
            if let Some(charged) = generation.charged.get_mut(&key.peer()) {
                *charged = charged.saturating_sub(freed);
            }
            return freed;
        }
        0
    }

    /// The generation of this moment.
    fn present(&mut self, now: Time) -> &mut Generation {
        let is_over = self.generations.front().is_none_or(|present| present.ends <= now);
        if is_over {
            let generation = Generation {
                ends: now + self.span,
                answered: KeyTable::new(self.secret),
                confirmed: BTreeMap::new(),
                charged: BTreeMap::new(),
            };
            self.generations.push_front(generation);
        }
        // There is one: it was made just now or before.
        &mut self.generations[0]
    }
}

impl Generation {
    /// Says whether a range grew, rather than that there is one more.
    fn insert_range(&mut self, key: Key) -> bool {
        let next = Key(key.0.wrapping_add(1));
        let joins_next = if key.id() == u32::MAX { None } else { self.confirmed.get(&next).copied() };
        let before = self.confirmed.range_mut(..key).next_back();
        let last = joins_next.unwrap_or(key);
        match before {
            Some((first, end)) if end.0.wrapping_add(1) == key.0 && first.0 >> 32 == key.0 >> 32 => {
                *end = last;
            }
            _ => {
                self.confirmed.insert(key, last);
                if joins_next.is_none() {
                    return false;
                }
            }
        }
        if joins_next.is_some() {
            self.confirmed.remove(&next);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn reply() -> Stored {
        Stored { dialect: Dialect::default(), octets: (*b"reply").into() }
    }

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn a_reply_is_kept_for_long_timer_and_a_third_more_at_most() {
        let mut memory = Memory::new(LONG, 1);
        let key = Key::new(7, 0, 9);
        memory.keep(Time::from_secs(100), key, reply(), 5);
        let mut refunded = 0;
        memory.forget(Time::from_secs(139), |_, octets| refunded += octets);
        assert_eq!((memory.find(key), refunded), (Known::Answered(&reply()), 0));
        memory.forget(Time::from_secs(140), |peer, octets| {
            assert_eq!(peer, 7);
            refunded += octets;
        });
        assert_eq!((memory.find(key), refunded, memory.next_deadline()), (Known::New, 5, None));
    }

    #[test]
    fn acknowledged_numbers_in_order_are_one_range() {
        let mut memory = Memory::new(LONG, 1);
        for id in 1..=1000 {
            memory.keep(Time::ZERO, Key::new(1, 0, id), reply(), 69);
            assert_eq!(memory.confirm(Key::new(1, 0, id), 64, 48), if id == 1 { 21 } else { 69 });
        }
        assert_eq!((memory.len(), memory.ranges()), (0, 1));
        assert_eq!(memory.find(Key::new(1, 0, 500)), Known::Confirmed);
        assert_eq!(memory.find(Key::new(1, 1, 500)), Known::New, "another life");
        assert_eq!(memory.find(Key::new(2, 0, 500)), Known::New, "another peer");
        assert_eq!(memory.confirm(Key::new(1, 0, 2000), 64, 48), 0, "what was not answered is not confirmed");
        let mut refunded = 0;
        memory.forget(Time::from_secs(60), |_, octets| refunded += octets);
        assert_eq!(refunded, 48);
    }

    proptest! {
        #[test]
        fn ranges_hold_what_was_confirmed_and_nothing_else(ids in proptest::collection::vec(0_u32..60, 0..80)) {
            let mut memory = Memory::new(LONG, 3);
            let mut model = BTreeSet::new();
            for id in ids {
                if model.insert(id) {
                    memory.keep(Time::ZERO, Key::new(1, 0, id), reply(), 64);
                    memory.confirm(Key::new(1, 0, id), 64, 48);
                }
                let runs = model.iter().filter(|id| !model.contains(&(**id + 1))).count();
                prop_assert_eq!(memory.ranges(), runs);
                for id in 0..61 {
                    prop_assert_eq!(memory.find(Key::new(1, 0, id)) == Known::Confirmed, model.contains(&id));
                }
            }
        }
    }
}
