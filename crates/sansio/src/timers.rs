//! The deadline table of an engine: at most one deadline a key, drained in order of time.

use std::collections::{BTreeMap, BTreeSet};

use crate::Time;

/// Deadlines by key. Setting a key again moves its deadline; equal deadlines come in the order of their keys,
/// so that a run can be repeated.
#[derive(Clone, Debug)]
pub struct Timers<K> {
    by_key: BTreeMap<K, Time>,
    by_time: BTreeSet<(Time, K)>,
}

impl<K> Default for Timers<K> {
    fn default() -> Self {
        Self { by_key: BTreeMap::new(), by_time: BTreeSet::new() }
    }
}

impl<K: Ord + Clone> Timers<K> {
    /// A table without deadlines.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets or moves the deadline of `key`.
    pub fn set(&mut self, key: K, at: Time) {
        if let Some(old) = self.by_key.insert(key.clone(), at) {
            if old == at {
                return;
            }
            self.by_time.remove(&(old, key.clone()));
        }
        self.by_time.insert((at, key));
    }

    /// Forgets the deadline of `key`; says whether there was one.
    pub fn cancel(&mut self, key: &K) -> bool {
        match self.by_key.remove(key) {
            Some(old) => self.by_time.remove(&(old, key.clone())),
            None => false,
        }
    }

    /// The deadline of `key`.
    #[must_use]
    pub fn deadline(&self, key: &K) -> Option<Time> {
        self.by_key.get(key).copied()
    }

    /// The earliest deadline: what `poll_timeout` returns.
    #[must_use]
    pub fn next(&self) -> Option<Time> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// The key of the earliest deadline.
    #[must_use]
    pub fn first(&self) -> Option<&K> {
        self.by_time.first().map(|(_, key)| key)
    }

    /// Takes the earliest key whose deadline is not after `now`.
    pub fn pop_due(&mut self, now: Time) -> Option<K> {
        if self.next()? > now {
            return None;
        }
        let (_, key) = self.by_time.pop_first()?;
        self.by_key.remove(&key);
        Some(key)
    }

    /// How many deadlines are set.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether no deadline is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_come_in_order_and_only_when_due() {
        let mut timers = Timers::new();
        timers.set("late", Time::from_secs(3));
        timers.set("early", Time::from_secs(1));
        assert_eq!(timers.next(), Some(Time::from_secs(1)));
        assert_eq!(timers.first(), Some(&"early"));
        assert_eq!(timers.pop_due(Time::from_millis(999)), None);
        assert_eq!(timers.pop_due(Time::from_secs(1)), Some("early"));
        assert_eq!(timers.pop_due(Time::from_secs(1)), None);
        assert_eq!(timers.len(), 1);
    }

    #[test]
    fn a_key_has_one_deadline() {
        let mut timers = Timers::new();
        timers.set(1, Time::from_secs(1));
        timers.set(1, Time::from_secs(5));
        assert_eq!(timers.deadline(&1), Some(Time::from_secs(5)));
        assert_eq!(timers.pop_due(Time::from_secs(4)), None);
        assert!(timers.cancel(&1));
        assert!(!timers.cancel(&1));
        assert!(timers.is_empty());
        assert_eq!(timers.next(), None);
    }
}
