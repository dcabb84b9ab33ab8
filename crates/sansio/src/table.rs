//! A table from numbers to values, for the memory of answered transactions.
//!
//! At full load a busy peer remembers some hundred thousand answers, and each received command costs one look-up, one
//! insertion and one removal. An ordered map pays a chain of cache misses for each; this table (open addressing, linear
//! probing, removal by shifting back) pays about one. The hash is keyed, so that a peer cannot choose identifiers
//! that collide. Nothing iterates over the table: the order of its slots is never seen.

/// Values by key.
#[derive(Clone, Debug)]
pub struct KeyTable<V> {
    slots: Vec<Option<(u64, V)>>,
    len: usize,
    secret: u64,
}

/// Slots of a table that holds anything.
const LEAST_SLOTS: usize = 64;

impl<V> KeyTable<V> {
    /// An empty table, which takes no memory. `secret` keys the hash.
    #[must_use]
    pub fn new(secret: u64) -> Self {
        Self { slots: Vec::new(), len: 0, secret }
    }

    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: u64) -> Option<&V> {
        let at = self.find(key)?;
        self.slots[at].as_ref().map(|(_, value)| value)
    }

    /// The value of `key`, to be changed.
    pub fn get_mut(&mut self, key: u64) -> Option<&mut V> {
        let at = self.find(key)?;
        self.slots[at].as_mut().map(|(_, value)| value)
    }

    /// Whether there are no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Sets the value of `key`; the old one comes back.
    pub fn insert(&mut self, key: u64, value: V) -> Option<V> {
        if let Some(old) = self.get_mut(key) {
            return Some(std::mem::replace(old, value));
        }
        // At most three quarters full, so that runs stay short and a search always meets a free slot.
        if (self.len + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        self.place(key, value);
        self.len += 1;
        None
    }

    /// Takes the value of `key` out.
    pub fn remove(&mut self, key: u64) -> Option<V> {
        let mut hole = self.find(key)?;
        let (_, value) = self.slots[hole].take()?;
        self.len -= 1;
        let mask = self.slots.len() - 1;
        let mut next = (hole + 1) & mask;
        while let Some((moved, _)) = &self.slots[next] {
            // An entry may fill the hole unless its own home lies behind the hole, cyclically.
            let home = self.home(*moved);
            if (next.wrapping_sub(home) & mask) >= (next.wrapping_sub(hole) & mask) {
                self.slots.swap(hole, next);
                hole = next;
            }
            next = (next + 1) & mask;
        }
        Some(value)
    }

    fn find(&self, key: u64) -> Option<usize> {
        if self.len == 0 {
            return None;
        }
        let mask = self.slots.len() - 1;
        let mut at = self.home(key);
        while let Some((found, _)) = &self.slots[at] {
            if *found == key {
                return Some(at);
            }
            at = (at + 1) & mask;
        }
        None
    }

    fn place(&mut self, key: u64, value: V) {
        let mask = self.slots.len() - 1;
        let mut at = self.home(key);
        while self.slots[at].is_some() {
            at = (at + 1) & mask;
        }
        self.slots[at] = Some((key, value));
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(LEAST_SLOTS);
        let empty = std::iter::repeat_with(|| None).take(size).collect();
        for (key, value) in std::mem::replace(&mut self.slots, empty).into_iter().flatten() {
            self.place(key, value);
        }
    }

    fn home(&self, key: u64) -> usize {
        let mut x = key ^ self.secret;
        x = (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        x = (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        (x ^ (x >> 32)) as usize & (self.slots.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rng;
    use std::collections::BTreeMap;

    #[test]
    fn the_table_agrees_with_an_ordered_map_under_any_mix_of_changes() {
        let mut rng = Rng::from_number(11);
        for seed in 0..8 {
            let mut table = KeyTable::new(seed);
            let mut model = BTreeMap::new();
            for step in 0..20_000_u64 {
                let key = rng.below(700);
                match rng.below(3) {
                    0 => assert_eq!(table.insert(key, step), model.insert(key, step)),
                    1 => assert_eq!(table.remove(key), model.remove(&key)),
                    _ => assert_eq!(table.get(key), model.get(&key)),
                }
                assert_eq!(table.len(), model.len());
            }
            assert!((0..700).all(|key| table.get(key) == model.get(&key)));
        }
    }

    #[test]
    fn an_empty_table_takes_no_memory_and_finds_nothing() {
        let mut table = KeyTable::<u8>::new(0);
        assert_eq!(table.get(1), None);
        assert_eq!(table.remove(1), None);
        assert_eq!(table.slots.capacity(), 0);
    }
}
