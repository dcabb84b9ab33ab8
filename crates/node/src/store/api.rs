//! The store's contract: a small ordered map with compare-and-set transactions and a watchable history.
//!
//! It is the intersection of what an embedded database and etcd do well (etcd's `Range`, `Txn` and `Watch`), so
//! that one node and a cluster run on the same code. Calls block: the store is used by a writer thread and at
//! start, never on the call path.

use std::time::Duration;

/// A point in the history of a store. Each transaction that changes something makes the next one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

impl Revision {
    /// The revision of an empty store.
    pub const ZERO: Self = Self(0);

    /// The revision of the first change.
    pub const FIRST: Self = Self(1);

    /// The one after this.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The value as it was put.
    pub value: Vec<u8>,
    /// The revision that put it.
    pub revision: Revision,
}

/// What must hold for a transaction to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// The key is not there.
    Absent,
    /// The key is there, whatever its value.
    Present,
    /// The key's value was put by this revision.
    At(Revision),
}

/// Puts and deletes that happen together, or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Txn {
    /// The conditions; all must hold.
    pub compare: Vec<(String, Expect)>,
    /// Keys to be given a value.
    pub puts: Vec<(String, Vec<u8>)>,
    /// Keys to be removed; a key that is not there is no error.
    pub deletes: Vec<String>,
}

impl Txn {
    /// A transaction that does nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a condition.
    #[must_use]
    pub fn expect(mut self, key: impl Into<String>, expect: Expect) -> Self {
        self.compare.push((key.into(), expect));
        self
    }

    /// Adds a put.
    #[must_use]
    pub fn put(mut self, key: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.puts.push((key.into(), value.into()));
        self
    }

    /// Adds a delete.
    #[must_use]
    pub fn delete(mut self, key: impl Into<String>) -> Self {
        self.deletes.push(key.into());
        self
    }

    /// The number of conditions, puts and deletes.
    #[must_use]
    pub fn operations(&self) -> usize {
        self.compare.len().max(self.puts.len() + self.deletes.len())
    }
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It happened; the store is at this revision now, and it is on stable storage.
    Committed(Revision),
    /// A condition did not hold; nothing changed.
    Refused {
        /// The key of the first condition that did not hold.
        key: String,
        /// What stands there instead.
        current: Option<Entry>,
    },
}

/// One change of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The key.
    pub key: String,
    /// The new value; none when the key was deleted.
    pub value: Option<Vec<u8>>,
    /// The revision that made the change.
    pub revision: Revision,
}

/// Bounds of a store; the same for every kind, so that what one accepts every other does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest key in bytes. Ours are under 400: a service state's key holds an endpoint name of up to 255.
    pub key_bytes: usize,
    /// The largest value in bytes. etcd takes requests of up to 1.5 MiB; a record has a few kilobytes.
    pub value_bytes: usize,
    /// Operations in one transaction: etcd's default (`--max-txn-ops`).
    pub operations: usize,
    /// Revisions that `watch` can go back: a standby that was away for longer reads everything again.
    pub history: u64,
    /// Entries in one answer of `list`.
    pub page: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { key_bytes: 512, value_bytes: 256 * 1024, operations: 128, history: 10_000, page: 1_000 }
    }
}

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The request breaks a limit of [`Limits`] or names a key twice: an error of the caller.
    #[error("invalid request: {0}")]
    Invalid(&'static str),
    /// The history before this revision is gone: list again, then watch from there.
    #[error("history before revision {0:?} is gone")]
    Compacted(Revision),
    /// The storage fails now and may work again: disk full, input/output error. What was asked did not happen, or
    /// not for certain: puts of the same values may be repeated.
    #[error("storage unavailable: {0}")]
    Unavailable(String),
    /// The file is another kind, of a later format, damaged, or used by another process.
    #[error("{0}")]
    Unusable(String),
}

/// The ordered map.
pub trait Store: Send + Sync + 'static {
    /// The entry of one key.
    ///
    /// # Errors
    /// When the storage fails.
    fn get(&self, key: &str) -> Result<Option<Entry>, StoreError>;

    /// The entries whose keys begin with `prefix` and come after `after`, in the order of their keys, at most
    /// `limit` (and the page limit), and the revision that they show.
    ///
    /// # Errors
    /// When the storage fails.
    fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Entry>, Revision), StoreError>;

    /// Does all puts and deletes if all conditions hold. When it returns `Committed`, a crash does not undo it.
    ///
    /// # Errors
    /// When the transaction breaks a limit, or the storage fails.
    fn txn(&self, txn: &Txn) -> Result<Outcome, StoreError>;

    /// Follows the changes of keys that begin with `prefix`, those of revision `from` included
    /// ([`Revision::ZERO`]: from the first). To miss none, `list`
    /// first and watch from the revision after the one that it returned.
    ///
    /// # Errors
    /// [`StoreError::Compacted`] when the history no longer reaches back to `from`.
    fn watch(&self, prefix: &str, from: Revision) -> Result<Box<dyn Watch>, StoreError>;
}

/// A place in the history of a store.
pub trait Watch: Send {
    /// The next change, in order; waits up to `patience` for one.
    ///
    /// # Errors
    /// [`StoreError::Compacted`] when the reader was so slow that changes are gone; or the storage fails.
    fn next(&mut self, patience: Duration) -> Result<Option<Change>, StoreError>;
}

/// Checks what every kind of store checks.
pub(super) fn check(txn: &Txn, limits: &Limits) -> Result<(), StoreError> {
    if txn.operations() > limits.operations {
        return Err(StoreError::Invalid("too many operations in one transaction"));
    }
    let mut keys: Vec<&str> = txn.puts.iter().map(|(key, _)| key.as_str()).collect();
    keys.extend(txn.deletes.iter().map(String::as_str));
    let all = keys.iter().copied().chain(txn.compare.iter().map(|(key, _)| key.as_str()));
    if all.into_iter().any(|key| key.is_empty() || key.len() > limits.key_bytes) {
        return Err(StoreError::Invalid("an empty or overlong key"));
    }
    if txn.puts.iter().any(|(_, value)| value.len() > limits.value_bytes) {
        return Err(StoreError::Invalid("an overlong value"));
    }
    keys.sort_unstable();
    if keys.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(StoreError::Invalid("a key is changed twice in one transaction"));
    }
    Ok(())
}

/// Whether a condition holds against what is stored.
pub(super) fn holds(expect: &Expect, revision: Option<Revision>) -> bool {
    match expect {
        Expect::Absent => revision.is_none(),
        Expect::Present => revision.is_some(),
        Expect::At(at) => revision == Some(*at),
    }
}
