//! The store that forgets at exit: for tests, the demo, and exchanges that need no records after a restart.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::api::{self, Change, Entry, Limits, Outcome, Revision, Store, StoreError, Txn, Watch};

/// A store in memory.
#[derive(Clone, Default)]
pub struct Memory {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    limits: Limits,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    revision: Revision,
    entries: BTreeMap<String, (Revision, Vec<u8>)>,
    /// The latest changes by revision and their number in it.
    history: BTreeMap<(Revision, u32), Change>,
    /// The last revision that the history no longer holds.
    compacted: Revision,
}

impl Memory {
    /// An empty store.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { shared: Arc::new(Shared { limits, ..Shared::default() }) }
    }

    /// A thread that panicked while it held the lock left whole transactions behind, as nothing in them can fail.
    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for Memory {
    fn get(&self, key: &str) -> Result<Option<Entry>, StoreError> {
        Ok(self.state().entry(key))
    }

    fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Entry>, Revision), StoreError> {
        let state = self.state();
        let start = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let entries = state
            .entries
            .range::<str, _>((start, Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(prefix))
            .take(limit.min(self.shared.limits.page))
            .map(|(key, (revision, value))| Entry {
                key: key.clone(),
                value: value.clone(),
                revision: *revision,
            })
            .collect();
        Ok((entries, state.revision))
    }

    fn txn(&self, txn: &Txn) -> Result<Outcome, StoreError> {
        api::check(txn, &self.shared.limits)?;
        let mut state = self.state();
        for (key, expect) in &txn.compare {
            let current = state.entry(key);
            if !api::holds(expect, current.as_ref().map(|entry| entry.revision)) {
                return Ok(Outcome::Refused { key: key.clone(), current });
            }
        }
        let revision = state.revision.next();
        let mut changes = Vec::new();
        for (key, value) in &txn.puts {
            state.entries.insert(key.clone(), (revision, value.clone()));
            changes.push(Change { key: key.clone(), value: Some(value.clone()), revision });
        }
        for key in &txn.deletes {
            if state.entries.remove(key).is_some() {
                changes.push(Change { key: key.clone(), value: None, revision });
            }
        }
        if !changes.is_empty() {
            state.revision = revision;
            state.history.extend((0..).map(|number| (revision, number)).zip(changes));
            state.compact(self.shared.limits.history);
        }
        let revision = state.revision;
        drop(state);
        self.shared.changed.notify_all();
        Ok(Outcome::Committed(revision))
    }

    fn watch(&self, prefix: &str, from: Revision) -> Result<Box<dyn Watch>, StoreError> {
        let from = from.max(Revision::FIRST);
        let compacted = self.state().compacted;
        if from <= compacted {
            return Err(StoreError::Compacted(compacted.next()));
        }
        let shared = Arc::clone(&self.shared);
        Ok(Box::new(MemoryWatch { shared, prefix: prefix.to_owned(), next: (from, 0) }))
    }
}

impl State {
    fn entry(&self, key: &str) -> Option<Entry> {
        let (revision, value) = self.entries.get(key)?;
        Some(Entry { key: key.to_owned(), value: value.clone(), revision: *revision })
    }

    fn compact(&mut self, keep: u64) {
        let limit = Revision(self.revision.0.saturating_sub(keep));
        self.history = self.history.split_off(&(limit.next(), 0));
        self.compacted = limit;
    }
}

struct MemoryWatch {
    shared: Arc<Shared>,
    prefix: String,
    /// The next change to look at.
    next: (Revision, u32),
}

impl MemoryWatch {
    fn take(&mut self, state: &State) -> Result<Option<Change>, StoreError> {
        if self.next.0 <= state.compacted {
            return Err(StoreError::Compacted(state.compacted.next()));
        }
        for (&(revision, number), change) in state.history.range(self.next..) {
            self.next = (revision, number + 1);
            if change.key.starts_with(&self.prefix) {
                return Ok(Some(change.clone()));
            }
        }
        Ok(None)
    }
}

impl Watch for MemoryWatch {
    fn next(&mut self, patience: Duration) -> Result<Option<Change>, StoreError> {
        let deadline = Instant::now() + patience;
        let shared = Arc::clone(&self.shared);
        let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(change) = self.take(&state)? {
                return Ok(Some(change));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            state = shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
