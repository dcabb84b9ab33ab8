//! The store in one file beside the program: redb, nothing to install.
//!
//! Each transaction is on the disk when it returns, and a crash in the middle of one leaves the state before it. After an
//! input/output error the database object is unusable by its own rule; it is closed then and opened again at the
//! next request, so that a disk that was full works again once there is room.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redb::{Database, DatabaseError, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use super::api::{self, Change, Entry, Limits, Outcome, Revision, Store, StoreError, Txn, Watch};

/// Key -> revision of its last put, value.
const ENTRIES: TableDefinition<'_, &str, (u64, &[u8])> = TableDefinition::new("entries");
/// A key and its new value, if it was a put.
type Changed = (&'static str, Option<&'static [u8]>);
/// Revision, number of the change in it -> the change.
const HISTORY: TableDefinition<'_, (u64, u32), Changed> = TableDefinition::new("history");
/// `revision`, `compacted`, `format`.
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
/// The layout of the three tables.
const FORMAT: u64 = 1;
/// Memory that redb may use, in octets: its own default is a gigabyte, which a store of call detail records would fill.
const CACHE: usize = 32 * 1024 * 1024;

/// Opens the database, again after a failure.
pub(super) type Opener = Box<dyn Fn() -> Result<Database, DatabaseError> + Send + Sync>;

/// A store in a file.
#[derive(Clone)]
pub struct Embedded {
    shared: Arc<Shared>,
}

struct Shared {
    limits: Limits,
    open: Opener,
    database: Mutex<Option<Arc<Database>>>,
    /// The latest revision known to this process; watchers wait on its change.
    revision: Mutex<Revision>,
    changed: Condvar,
}

impl Embedded {
    /// Opens the store in the file `path`, or makes it.
    ///
    /// # Errors
    /// When the file cannot be used: no permission, another process has it, not a store, a later format.
    pub fn open(path: &Path, limits: Limits) -> Result<Self, StoreError> {
        let owned = path.to_owned();
        Self::with_opener(Box::new(move || Database::builder().set_cache_size(CACHE).create(&owned)), limits)
    }

    /// A store over any opener; tests inject faults here.
    pub(super) fn with_opener(open: Opener, limits: Limits) -> Result<Self, StoreError> {
        let shared = Shared {
            limits,
            open,
            database: Mutex::new(None),
            revision: Mutex::new(Revision::ZERO),
            changed: Condvar::new(),
        };
        let store = Self { shared: Arc::new(shared) };
        let revision = store.with_database(Shared::prepare)?;
        *lock(&store.shared.revision) = revision;
        Ok(store)
    }

    /// Runs `work` on the open database, and closes it when the storage failed.
    fn with_database<T>(
        &self,
        work: impl FnOnce(&Shared, &Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.shared.with_database(work)
    }
}

impl Shared {
    fn with_database<T>(
        &self,
        work: impl FnOnce(&Self, &Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut slot = lock(&self.database);
        let database = match &*slot {
            Some(database) => Arc::clone(database),
            None => {
                let database = Arc::new((self.open)().map_err(opening)?);
                *slot = Some(Arc::clone(&database));
                database
            }
        };
        drop(slot);
        let result = work(self, &database);
        if matches!(result, Err(StoreError::Unavailable(_))) {
            let mut slot = lock(&self.database);
            // Another thread may have opened it anew already.
            if slot.as_ref().is_some_and(|open| Arc::ptr_eq(open, &database)) {
                *slot = None;
            }
        }
        result
    }

    /// Makes the tables of a new file, checks the format of an old one.
    fn prepare(&self, database: &Database) -> Result<Revision, StoreError> {
        let write = database.begin_write().map_err(failing)?;
        let revision = {
            write.open_table(ENTRIES).map_err(failing)?;
            write.open_table(HISTORY).map_err(failing)?;
            let mut meta = write.open_table(META).map_err(failing)?;
            let format = meta.get("format").map_err(failing)?.map(|value| value.value());
            match format {
                None => {
                    meta.insert("format", FORMAT).map_err(failing)?;
                }
                Some(FORMAT) => {}
                Some(other) => {
                    return Err(StoreError::Unusable(format!(
                        "the store has format {other}, this version reads format {FORMAT}"
                    )));
                }
            }
            number(&meta, "revision")?
        };
        write.commit().map_err(failing)?;
        Ok(Revision(revision))
    }

    fn commit(&self, database: &Database, txn: &Txn) -> Result<Outcome, StoreError> {
        let write = database.begin_write().map_err(failing)?;
        if let Some(refused) = refusal(&write, txn)? {
            write.abort().map_err(failing)?;
            return Ok(refused);
        }
        let revision = apply(&write, txn, self.limits.history)?;
        write.commit().map_err(failing)?;
        Ok(Outcome::Committed(revision))
    }
}

/// The first condition of `txn` that does not hold.
fn refusal(write: &WriteTransaction, txn: &Txn) -> Result<Option<Outcome>, StoreError> {
    let entries = write.open_table(ENTRIES).map_err(failing)?;
    for (key, expect) in &txn.compare {
        let current = entry(&entries, key)?;
        if !api::holds(expect, current.as_ref().map(|entry| entry.revision)) {
            return Ok(Some(Outcome::Refused { key: key.clone(), current }));
        }
    }
    Ok(None)
}

/// Does the puts and deletes, writes the history, forgets history beyond `keep` revisions.
fn apply(write: &WriteTransaction, txn: &Txn, keep: u64) -> Result<Revision, StoreError> {
    let mut entries = write.open_table(ENTRIES).map_err(failing)?;
    let mut history = write.open_table(HISTORY).map_err(failing)?;
    let mut meta = write.open_table(META).map_err(failing)?;
    let old = number(&meta, "revision")?;
    let revision = old + 1;
    let mut changes = 0;
    for (key, value) in &txn.puts {
        entries.insert(key.as_str(), (revision, value.as_slice())).map_err(failing)?;
        history.insert((revision, changes), (key.as_str(), Some(value.as_slice()))).map_err(failing)?;
        changes += 1;
    }
    for key in &txn.deletes {
        let was_there = entries.remove(key.as_str()).map_err(failing)?.is_some();
        if was_there {
            history.insert((revision, changes), (key.as_str(), None)).map_err(failing)?;
            changes += 1;
        }
    }
    if changes == 0 {
        return Ok(Revision(old));
    }
    meta.insert("revision", revision).map_err(failing)?;
    let compacted = revision.saturating_sub(keep);
    if compacted > 0 {
        history.retain_in(..(compacted + 1, 0), |_, _| false).map_err(failing)?;
        meta.insert("compacted", compacted).map_err(failing)?;
    }
    Ok(Revision(revision))
}

impl Store for Embedded {
    fn get(&self, key: &str) -> Result<Option<Entry>, StoreError> {
        self.with_database(|_, database| {
            let read = database.begin_read().map_err(failing)?;
            entry(&read.open_table(ENTRIES).map_err(failing)?, key)
        })
    }

    fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Entry>, Revision), StoreError> {
        self.with_database(|shared, database| {
            let read = database.begin_read().map_err(failing)?;
            let entries = read.open_table(ENTRIES).map_err(failing)?;
            let revision = number(&read.open_table(META).map_err(failing)?, "revision")?;
            let start = after.filter(|after| *after >= prefix).unwrap_or(prefix);
            let mut out = Vec::new();
            for item in entries.range(start..).map_err(failing)? {
                let (key, value) = item.map_err(failing)?;
                let key = key.value();
                if out.len() >= limit.min(shared.limits.page) || !key.starts_with(prefix) {
                    break;
                }
                if Some(key) != after {
                    let (revision, value) = value.value();
                    out.push(Entry {
                        key: key.to_owned(),
                        value: value.to_vec(),
                        revision: Revision(revision),
                    });
                }
            }
            Ok((out, Revision(revision)))
        })
    }

    fn txn(&self, txn: &Txn) -> Result<Outcome, StoreError> {
        api::check(txn, &self.shared.limits)?;
        let outcome = self.with_database(|shared, database| shared.commit(database, txn))?;
        if let Outcome::Committed(revision) = outcome {
            let mut latest = lock(&self.shared.revision);
            *latest = (*latest).max(revision);
            drop(latest);
            self.shared.changed.notify_all();
        }
        Ok(outcome)
    }

    fn watch(&self, prefix: &str, from: Revision) -> Result<Box<dyn Watch>, StoreError> {
        let next = (from.max(Revision::FIRST).0, 0);
        let compacted = self.with_database(|_, database| {
            let read = database.begin_read().map_err(failing)?;
            number(&read.open_table(META).map_err(failing)?, "compacted")
        })?;
        if next.0 <= compacted {
            return Err(StoreError::Compacted(Revision(compacted + 1)));
        }
        Ok(Box::new(EmbeddedWatch { shared: Arc::clone(&self.shared), prefix: prefix.to_owned(), next }))
    }
}

struct EmbeddedWatch {
    shared: Arc<Shared>,
    prefix: String,
    /// The next change to look at.
    next: (u64, u32),
}

impl EmbeddedWatch {
    fn take(&mut self) -> Result<Option<Change>, StoreError> {
        let shared = Arc::clone(&self.shared);
        shared.with_database(|_, database| {
            let read = database.begin_read().map_err(failing)?;
            let compacted = number(&read.open_table(META).map_err(failing)?, "compacted")?;
            if self.next.0 <= compacted {
                return Err(StoreError::Compacted(Revision(compacted + 1)));
            }
            let history = read.open_table(HISTORY).map_err(failing)?;
            for item in history.range(self.next..).map_err(failing)? {
                let (at, change) = item.map_err(failing)?;
                let (revision, number) = at.value();
                let (key, value) = change.value();
                self.next = (revision, number + 1);
                if key.starts_with(&self.prefix) {
                    let (key, value) = (key.to_owned(), value.map(<[u8]>::to_vec));
                    return Ok(Some(Change { key, value, revision: Revision(revision) }));
                }
            }
            Ok(None)
        })
    }
}

impl Watch for EmbeddedWatch {
    fn next(&mut self, patience: Duration) -> Result<Option<Change>, StoreError> {
        let deadline = Instant::now() + patience;
        loop {
            // Read before looking: a change that comes in between is then seen as newer.
            let seen = *lock(&self.shared.revision);
            if let Some(change) = self.take()? {
                return Ok(Some(change));
            }
            let mut latest = lock(&self.shared.revision);
            while *latest == seen {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Ok(None);
                }
                latest =
                    self.shared.changed.wait_timeout(latest, left).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }
}

fn entry(
    table: &impl ReadableTable<&'static str, (u64, &'static [u8])>,
    key: &str,
) -> Result<Option<Entry>, StoreError> {
    let Some(found) = table.get(key).map_err(failing)? else { return Ok(None) };
    let (revision, value) = found.value();
    Ok(Some(Entry { key: key.to_owned(), value: value.to_vec(), revision: Revision(revision) }))
}

fn number(meta: &impl ReadableTable<&'static str, u64>, key: &str) -> Result<u64, StoreError> {
    Ok(meta.get(key).map_err(failing)?.map_or(0, |value| value.value()))
}

/// The guarded values are whole at any time, so that a panic elsewhere does not spoil them.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failing(error: impl Into<redb::Error>) -> StoreError {
    match error.into() {
        redb::Error::Corrupted(what) => StoreError::Unusable(format!("the store is damaged: {what}")),
        redb::Error::TableTypeMismatch { table, .. } => {
            StoreError::Unusable(format!("not a store of Strowger: table {table} has another layout"))
        }
        other => StoreError::Unavailable(other.to_string()),
    }
}

fn opening(error: DatabaseError) -> StoreError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => {
            StoreError::Unusable("another process has the store open".to_owned())
        }
        DatabaseError::UpgradeRequired(version) => {
            StoreError::Unusable(format!("the store has file format {version}, which is too old"))
        }
        DatabaseError::Storage(redb::StorageError::Io(error))
            if error.kind() == std::io::ErrorKind::InvalidData =>
        {
            StoreError::Unusable("the file is not a store".to_owned())
        }
        other => failing(other),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io;
    use std::sync::atomic::{AtomicBool, Ordering};

    use redb::StorageBackend;
    use redb::backends::FileBackend;

    use super::*;

    /// A file on a disk that can be full.
    #[derive(Debug)]
    struct Disk {
        file: FileBackend,
        full: Arc<AtomicBool>,
    }

    impl Disk {
        fn room(&self) -> io::Result<()> {
            let full = self.full.load(Ordering::SeqCst);
            if full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        }
    }

    impl StorageBackend for Disk {
        fn len(&self) -> io::Result<u64> {
            self.file.len()
        }

        fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
            self.file.read(offset, out)
        }

        fn set_len(&self, len: u64) -> io::Result<()> {
            self.room()?;
            self.file.set_len(len)
        }

        fn sync_data(&self) -> io::Result<()> {
            self.room()?;
            self.file.sync_data()
        }

        fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
            self.room()?;
            self.file.write(offset, data)
        }
    }

    #[test]
    fn a_disk_that_was_full_works_again_once_there_is_room() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("town.redb");
        let full = Arc::new(AtomicBool::new(false));
        let disk = Arc::clone(&full);
        let open = move || {
            let file = File::options().read(true).write(true).create(true).truncate(false).open(&path)?;
            let file = FileBackend::new(file)?;
            Database::builder()
                .set_cache_size(CACHE)
                .create_with_backend(Disk { file, full: Arc::clone(&disk) })
        };
        let store = Embedded::with_opener(Box::new(open), Limits::default()).unwrap();
        let put = |key: &str| store.txn(&Txn::new().put(key, vec![7; 10_000]));
        let Ok(Outcome::Committed(before)) = put("a") else { panic!("there is room") };

        full.store(true, Ordering::SeqCst);
        for _ in 0..3 {
            assert!(matches!(put("b"), Err(StoreError::Unavailable(_))));
        }
        full.store(false, Ordering::SeqCst);
        assert_eq!(put("c").unwrap(), Outcome::Committed(before.next()));
        assert!(store.get("a").unwrap().is_some());
        assert_eq!(store.get("b").unwrap(), None, "what failed did not happen");
    }
}
