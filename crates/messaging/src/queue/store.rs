//! What the queue keeps on disk: five tables of one redb file.
//!
//! The node's store is a map with a watchable history, which writes each value twice and bounds a transaction to what etcd takes. A
//! queue has no readers of its history and lives from large transactions, so it has tables of its own: rows are appended at one
//! end and removed at the other, which a B-tree does in place.

use std::path::Path;

use redb::{
    Database, Durability, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition,
    WriteTransaction,
};

use super::message::{EndedRow, Message, Seq, names_of_row, names_to_row};

/// Place -> message that has not ended.
const PENDING: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("pending");
/// Owner, NUL, name of a push -> first place, number of recipients.
const KNOWN: TableDefinition<'_, &str, (u64, u32)> = TableDefinition::new("known");
/// Place -> the centre's names of parts that have not been reported on.
const SUBMITTED: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("submitted");
/// Place -> how it ended.
const ENDED: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("ended");
/// Place -> message that was given up, for people to look at.
const DEAD: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("dead");
/// Place -> where a result is to be reported to.
const NOTICES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("notices");
/// `next`, `format`.
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
/// The layout of all this.
const FORMAT: u64 = 1;

/// Memory that redb may use: its own default is a gigabyte.
const CACHE: usize = 64 * 1024 * 1024;

/// Why the queue cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It fails now and may work again.
    #[error("the queue cannot be written: {0}")]
    Unavailable(String),
    /// Another format, damaged, or used by another process.
    #[error("{0}")]
    Unusable(String),
}

fn failing(error: impl Into<redb::Error>) -> StoreError {
    match error.into() {
        redb::Error::Corrupted(what) => StoreError::Unusable(format!("the queue is damaged: {what}")),
        redb::Error::DatabaseAlreadyOpen => {
            StoreError::Unusable("another process has the queue open".to_owned())
        }
        other => StoreError::Unavailable(other.to_string()),
    }
}

/// What is remembered of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The place of its first recipient; the others follow.
    pub first: Seq,
    /// How many recipients.
    pub recipients: u32,
}

/// A recipient's message, as it is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It has not ended.
    Pending(Message),
    /// It has.
    Ended(EndedRow),
}

/// A message that is gone, with the parts that have not been reported on.
#[derive(Debug)]
pub struct SubmittedRow {
    /// The message.
    pub message: Message,
    /// The message centre.
    pub centre: String,
    /// What it calls the parts.
    pub names: Vec<String>,
}

/// What was found at the start.
#[derive(Debug, Default)]
pub struct Restored {
    /// Messages that have not left, in their order.
    pub pending: Vec<Message>,
    /// Messages that have, and may be reported on.
    pub submitted: Vec<SubmittedRow>,
    /// Results that have not been reported.
    pub notices: Vec<(Seq, String)>,
    /// The place of the next message.
    pub next: u64,
}

/// The file.
#[derive(Debug)]
pub struct QueueStore {
    database: Database,
}

/// The key of a push.
fn key(owner: &str, push_id: &str) -> String {
    format!("{owner}\0{push_id}")
}

impl QueueStore {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let database = Database::builder().set_cache_size(CACHE).create(path).map_err(failing)?;
        Self::prepare(database)
    }

    /// A queue that is forgotten at exit.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn in_memory() -> Result<Self, StoreError> {
        let backend = redb::backends::InMemoryBackend::new();
        let built = Database::builder().set_cache_size(CACHE).create_with_backend(backend);
        Self::prepare(built.map_err(failing)?)
    }

    fn prepare(database: Database) -> Result<Self, StoreError> {
        let store = Self { database };
        let write = store.database.begin_write().map_err(failing)?;
        {
            for table in [PENDING, SUBMITTED, ENDED, DEAD, NOTICES] {
                write.open_table(table).map_err(failing)?;
            }
            write.open_table(KNOWN).map_err(failing)?;
            let mut meta = write.open_table(META).map_err(failing)?;
            let format = meta.get("format").map_err(failing)?.map(|value| value.value());
            match format {
                None => {
                    meta.insert("format", FORMAT).map_err(failing)?;
                }
                Some(FORMAT) => {}
                Some(other) => {
                    let text = format!("the queue has format {other}, this version reads format {FORMAT}");
                    return Err(StoreError::Unusable(text));
                }
            }
        }
        write.commit().map_err(failing)?;
        Ok(store)
    }

    /// Reads everything that has not ended.
    ///
    /// # Errors
    /// When the file fails, or a row cannot be read.
    pub fn restore(&self) -> Result<Restored, StoreError> {
        let damaged = |seq: u64| StoreError::Unusable(format!("the queue is damaged: row {seq}"));
        let read = self.database.begin_read().map_err(failing)?;
        let mut restored = Restored::default();
        let submitted = read.open_table(SUBMITTED).map_err(failing)?;
        for item in read.open_table(PENDING).map_err(failing)?.iter().map_err(failing)? {
            let (seq, row) = item.map_err(failing)?;
            let seq = seq.value();
            let message = Message::of_row(Seq(seq), row.value()).ok_or_else(|| damaged(seq))?;
            match submitted.get(seq).map_err(failing)? {
                None => restored.pending.push(message),
                Some(names) => {
                    let (centre, names) = names_of_row(names.value()).ok_or_else(|| damaged(seq))?;
                    restored.submitted.push(SubmittedRow { message, centre, names });
                }
            }
        }
        for item in read.open_table(NOTICES).map_err(failing)?.iter().map_err(failing)? {
            let (seq, url) = item.map_err(failing)?;
            restored.notices.push((Seq(seq.value()), String::from_utf8_lossy(url.value()).into_owned()));
        }
        let meta = read.open_table(META).map_err(failing)?;
        restored.next = meta.get("next").map_err(failing)?.map_or(1, |next| next.value());
        Ok(restored)
    }

    /// Begins a group of changes.
    ///
    /// # Errors
    /// When the file fails.
    pub fn begin(&self) -> Result<Group, StoreError> {
        Ok(Group { write: self.database.begin_write().map_err(failing)? })
    }

    /// How a push stands, recipient by recipient; none when it is not known.
    ///
    /// # Errors
    /// When the file fails.
    pub fn look(&self, owner: &str, push_id: &str) -> Result<Option<(Known, Vec<Found>)>, StoreError> {
        let read = self.database.begin_read().map_err(failing)?;
        let known = read.open_table(KNOWN).map_err(failing)?;
        let Some(found) = known.get(key(owner, push_id).as_str()).map_err(failing)? else { return Ok(None) };
        let (first, recipients) = found.value();
        let ended = read.open_table(ENDED).map_err(failing)?;
        let pending = read.open_table(PENDING).map_err(failing)?;
        let mut rows = Vec::new();
        for seq in first..first + u64::from(recipients) {
            let row = ended.get(seq).map_err(failing)?;
            if let Some(row) = row.and_then(|row| EndedRow::of_row(row.value())) {
                rows.push(Found::Ended(row));
            } else if let Some(row) = pending.get(seq).map_err(failing)? {
                rows.extend(Message::of_row(Seq(seq), row.value()).map(Found::Pending));
            }
        }
        Ok(Some((Known { first: Seq(first), recipients }, rows)))
    }

    /// How the message at a place ended.
    ///
    /// # Errors
    /// When the file fails.
    pub fn ended(&self, seq: Seq) -> Result<Option<EndedRow>, StoreError> {
        let read = self.database.begin_read().map_err(failing)?;
        let ended = read.open_table(ENDED).map_err(failing)?;
        let row = ended.get(seq.0).map_err(failing)?;
        Ok(row.and_then(|row| EndedRow::of_row(row.value())))
    }

    /// How much there is.
    ///
    /// # Errors
    /// When the file fails.
    pub fn depth(&self) -> Result<Depth, StoreError> {
        let read = self.database.begin_read().map_err(failing)?;
        let pending = read.open_table(PENDING).map_err(failing)?;
        let oldest = pending.first().map_err(failing)?;
        Ok(Depth {
            waiting: pending.len().map_err(failing)?,
            oldest: oldest
                .and_then(|(seq, row)| Some(Message::of_row(Seq(seq.value()), row.value())?.accepted)),
            given_up: read.open_table(DEAD).map_err(failing)?.len().map_err(failing)?,
        })
    }

    /// The latest messages that were given up, at most so many.
    ///
    /// # Errors
    /// When the file fails.
    pub fn dead(&self, most: usize) -> Result<Vec<Message>, StoreError> {
        let read = self.database.begin_read().map_err(failing)?;
        let dead = read.open_table(DEAD).map_err(failing)?;
        let mut out = Vec::new();
        for item in dead.iter().map_err(failing)?.rev().take(most) {
            let (seq, row) = item.map_err(failing)?;
            out.extend(Message::of_row(Seq(seq.value()), row.value()));
        }
        Ok(out)
    }
}

/// What waits, and what was given up, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Messages that have not ended.
    pub waiting: u64,
    /// When the oldest of them was accepted, in milliseconds since 1970.
    pub oldest: Option<u64>,
    /// Messages that cannot be delivered and are kept for people to look at.
    pub given_up: u64,
}

/// Changes that happen together.
pub struct Group {
    write: WriteTransaction,
}

impl std::fmt::Debug for Group {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Group").finish_non_exhaustive()
    }
}

/// The tables of a group, open for as long as rows are written.
pub struct Rows<'g> {
    pending: redb::Table<'g, u64, &'static [u8]>,
    known: redb::Table<'g, &'static str, (u64, u32)>,
    submitted: redb::Table<'g, u64, &'static [u8]>,
    ended: redb::Table<'g, u64, &'static [u8]>,
    dead: redb::Table<'g, u64, &'static [u8]>,
    notices: redb::Table<'g, u64, &'static [u8]>,
    meta: redb::Table<'g, &'static str, u64>,
}

impl Group {
    /// Opens the tables.
    ///
    /// # Errors
    /// When the file fails.
    pub fn rows(&self) -> Result<Rows<'_>, StoreError> {
        let open = |table| self.write.open_table(table).map_err(failing);
        Ok(Rows {
            pending: open(PENDING)?,
            submitted: open(SUBMITTED)?,
            ended: open(ENDED)?,
            dead: open(DEAD)?,
            notices: open(NOTICES)?,
            known: self.write.open_table(KNOWN).map_err(failing)?,
            meta: self.write.open_table(META).map_err(failing)?,
        })
    }

    /// Writes the group. When `durable`, a crash does not undo it, nor anything before it.
    ///
    /// # Errors
    /// When the file fails; nothing of the group has happened then, or not for certain.
    pub fn commit(mut self, durable: bool) -> Result<(), StoreError> {
        let durability = if durable { Durability::Immediate } else { Durability::None };
        self.write.set_durability(durability).map_err(|error| StoreError::Unavailable(error.to_string()))?;
        self.write.commit().map_err(failing)
    }
}

impl Rows<'_> {
    /// Takes note of a push. False when its name is known already; nothing has changed then.
    pub(super) fn claim(
        &mut self,
        owner: &str,
        push_id: &str,
        first: u64,
        recipients: u32,
    ) -> Result<bool, StoreError> {
        let key = key(owner, push_id);
        let before = self.known.insert(key.as_str(), (first, recipients)).map_err(failing)?;
        let Some(before) = before.map(|before| before.value()) else { return Ok(true) };
        self.known.insert(key.as_str(), before).map_err(failing)?;
        Ok(false)
    }

    pub(super) fn put(&mut self, seq: Seq, row: &[u8]) -> Result<(), StoreError> {
        self.pending.insert(seq.0, row).map_err(failing)?;
        Ok(())
    }

    pub(super) fn set_next(&mut self, next: u64) -> Result<(), StoreError> {
        self.meta.insert("next", next).map_err(failing)?;
        Ok(())
    }

    pub(super) fn submit(&mut self, seq: Seq, centre: &str, names: &[String]) -> Result<(), StoreError> {
        self.submitted.insert(seq.0, names_to_row(centre, names).as_slice()).map_err(failing)?;
        Ok(())
    }

    pub(super) fn end(
        &mut self,
        seq: Seq,
        row: &[u8],
        submitted: bool,
        notify: Option<&str>,
    ) -> Result<(), StoreError> {
        self.pending.remove(seq.0).map_err(failing)?;
        if submitted {
            self.submitted.remove(seq.0).map_err(failing)?;
        }
        self.ended.insert(seq.0, row).map_err(failing)?;
        if let Some(url) = notify {
            self.notices.insert(seq.0, url.as_bytes()).map_err(failing)?;
        }
        Ok(())
    }

    pub(super) fn bury(&mut self, seq: Seq, message: &[u8]) -> Result<(), StoreError> {
        self.dead.insert(seq.0, message).map_err(failing)?;
        Ok(())
    }

    pub(super) fn noticed(&mut self, seq: Seq) -> Result<(), StoreError> {
        self.notices.remove(seq.0).map_err(failing)?;
        Ok(())
    }

    /// Forgets what ended before `until`, at most so many; those of a push go one by one, its name with the last place.
    pub(super) fn forget(&mut self, until: u64, most: usize) -> Result<usize, StoreError> {
        let mut old = Vec::new();
        for item in self.ended.iter().map_err(failing)?.take(most) {
            let (seq, row) = item.map_err(failing)?;
            match EndedRow::of_row(row.value()) {
                // Places are in the order of acceptance, so that what ended later may stand before what ended earlier: it
                // holds the others up for as long as it is remembered itself, and no longer.
                Some(row) if row.ending.at >= until => break,
                Some(row) => old.push((seq.value(), Some(key(&row.owner, &row.push_id)))),
                None => old.push((seq.value(), None)),
            }
        }
        for (seq, key) in &old {
            self.ended.remove(seq).map_err(failing)?;
            self.dead.remove(seq).map_err(failing)?;
            let Some(key) = key else { continue };
            let known = self.known.get(key.as_str()).map_err(failing)?.map(|known| known.value());
            if let Some((first, recipients)) = known
                && first + u64::from(recipients) <= seq + 1
            {
                self.known.remove(key.as_str()).map_err(failing)?;
            }
        }
        Ok(old.len())
    }
}
