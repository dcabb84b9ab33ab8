//! What an MMSC keeps on disk: rows of messages and small bodies in one redb file, large bodies as files beside it.
//!
//! A file is written and forced before its message is accepted, under a temporary name; it gets its own name in the turn in which the
//! message's row is committed. What a crash leaves without a row is removed at the next start.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use super::message::{BodyKey, Envelope, MessageSeq};
use super::request::{Change, NewBody};

/// Place -> message.
const MESSAGES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("messages");
/// Key -> small body.
const BODIES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("bodies");
/// Place -> row that could not be read.
const QUARANTINE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("quarantine");
/// `next`, `format`.
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
/// The layout of all this.
const FORMAT: u64 = 1;
/// Memory that redb may use.
const CACHE: usize = 64 * 1024 * 1024;
/// Bodies from this size on are files: a B-tree would copy them through its pages.
pub const FILE_FROM: usize = 64 * 1024;
/// What temporary files end with.
const TEMPORARY: &str = ".part";

/// Why something cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It fails now and may work again.
    #[error("the message store cannot be used: {0}")]
    Unavailable(String),
    /// Another format, damaged, or used by another process.
    #[error("{0}")]
    Unusable(String),
}

fn failing(error: impl Into<redb::Error>) -> StoreError {
    match error.into() {
        redb::Error::Corrupted(what) => StoreError::Unusable(format!("the message store is damaged: {what}")),
        redb::Error::DatabaseAlreadyOpen => {
            StoreError::Unusable("another process has the message store open".to_owned())
        }
        other => StoreError::Unavailable(other.to_string()),
    }
}

fn broken(error: &io::Error) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

/// What was found at the start.
#[derive(Debug, Default)]
pub struct Found {
    /// The messages, in their order.
    pub envelopes: Vec<Envelope>,
    /// The place of the next one.
    pub next: u64,
    /// Rows that could not be read: they are set aside, and stop nobody.
    pub unreadable: usize,
}

/// The store.
#[derive(Debug)]
pub struct MessageStore {
    database: Database,
    /// Where large bodies are; none when everything is in memory.
    folder: Option<PathBuf>,
}

impl MessageStore {
    /// Opens the store in a folder, or makes both.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let bodies = folder.join("bodies");
        fs::create_dir_all(&bodies).map_err(|error| broken(&error))?;
        let file = folder.join("mmsc.redb");
        let database = Database::builder().set_cache_size(CACHE).create(file).map_err(failing)?;
        Self::prepare(database, Some(bodies))
    }

    /// A store that is forgotten at exit.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn in_memory() -> Result<Self, StoreError> {
        let backend = redb::backends::InMemoryBackend::new();
        let built = Database::builder().set_cache_size(CACHE).create_with_backend(backend);
        Self::prepare(built.map_err(failing)?, None)
    }

    fn prepare(database: Database, folder: Option<PathBuf>) -> Result<Self, StoreError> {
        let write = database.begin_write().map_err(failing)?;
        {
            for table in [MESSAGES, BODIES, QUARANTINE] {
                write.open_table(table).map_err(failing)?;
            }
            let mut meta = write.open_table(META).map_err(failing)?;
            let format = meta.get("format").map_err(failing)?.map(|value| value.value());
            match format {
                None => {
                    meta.insert("format", FORMAT).map_err(failing)?;
                }
                Some(FORMAT) => {}
                Some(other) => {
                    return Err(StoreError::Unusable(format!(
                        "the message store has format {other}, this version reads format {FORMAT}"
                    )));
                }
            }
        }
        write.commit().map_err(failing)?;
        Ok(Self { database, folder })
    }

    /// Reads what there is. Rows that are none are set aside, and bodies that belong to nobody are removed.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn find(&self) -> Result<Found, StoreError> {
        let write = self.database.begin_write().map_err(failing)?;
        let mut found = Found::default();
        {
            let meta = write.open_table(META).map_err(failing)?;
            found.next = meta.get("next").map_err(failing)?.map_or(0, |next| next.value());
            let mut messages = write.open_table(MESSAGES).map_err(failing)?;
            let mut quarantine = write.open_table(QUARANTINE).map_err(failing)?;
            let mut unreadable = Vec::new();
            for row in messages.iter().map_err(failing)? {
                let (seq, row) = row.map_err(failing)?;
                match Envelope::of_row(row.value()) {
                    Some(envelope) if envelope.seq == MessageSeq(seq.value()) => {
                        found.envelopes.push(envelope);
                    }
                    _ => unreadable.push((seq.value(), row.value().to_vec())),
                }
            }
            for (seq, row) in &unreadable {
                quarantine.insert(seq, row.as_slice()).map_err(failing)?;
                messages.remove(seq).map_err(failing)?;
            }
            found.unreadable = unreadable.len();
        }
        write.commit().map_err(failing)?;
        Ok(found)
    }

    /// Removes the bodies that nobody needs.
    ///
    /// # Errors
    /// When the folder or the tables cannot be read.
    pub fn sweep(&self, needed: &BTreeSet<BodyKey>) -> Result<(), StoreError> {
        let write = self.database.begin_write().map_err(failing)?;
        {
            let mut bodies = write.open_table(BODIES).map_err(failing)?;
            bodies.retain(|key, _| needed.contains(&BodyKey(key))).map_err(failing)?;
        }
        write.commit().map_err(failing)?;
        let Some(folder) = &self.folder else { return Ok(()) };
        let keep: BTreeSet<String> = needed.iter().map(|key| file_name(*key)).collect();
        for entry in fs::read_dir(folder).map_err(|error| broken(&error))? {
            let entry = entry.map_err(|error| broken(&error))?;
            if entry.file_name().to_str().is_none_or(|name| !keep.contains(name)) {
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(())
    }

    /// Takes a body that was submitted: a large one is written and forced to disk under the temporary name `name`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn take(&self, body: Vec<u8>, name: &str) -> Result<NewBody, StoreError> {
        let Some(folder) = self.folder.as_ref().filter(|_| body.len() >= FILE_FROM) else {
            return Ok(NewBody::Inline(body));
        };
        let name = format!("{name}{TEMPORARY}");
        let written = || {
            let mut file = File::create_new(folder.join(&name))?;
            file.write_all(&body)?;
            file.sync_all()
        };
        match written() {
            Ok(()) => Ok(NewBody::File(name)),
            Err(error) => {
                let _ = fs::remove_file(folder.join(&name));
                Err(broken(&error))
            }
        }
    }

    /// Gives up a body that was not accepted.
    pub fn discard(&self, body: &NewBody) {
        if let (NewBody::File(name), Some(folder)) = (body, &self.folder) {
            let _ = fs::remove_file(folder.join(name));
        }
    }

    /// Writes a group of changes. When this returns, they survive a crash.
    ///
    /// # Errors
    /// When nothing of them, or not everything, could be written: what is on disk then counts.
    pub fn write(&self, changes: &[Change]) -> Result<(), StoreError> {
        self.name_files(changes)?;
        let write = self.database.begin_write().map_err(failing)?;
        {
            let mut messages = write.open_table(MESSAGES).map_err(failing)?;
            let mut bodies = write.open_table(BODIES).map_err(failing)?;
            let mut meta = write.open_table(META).map_err(failing)?;
            let mut next = meta.get("next").map_err(failing)?.map_or(0, |next| next.value());
            let before = next;
            for change in changes {
                match change {
                    Change::PutBody(key, NewBody::Inline(octets)) => {
                        bodies.insert(key.0, octets.as_slice()).map_err(failing)?;
                    }
                    Change::PutBody(_, NewBody::File(_)) => {}
                    Change::DropBody(key) => {
                        bodies.remove(key.0).map_err(failing)?;
                    }
                    Change::Put(envelope) => {
                        next = next.max(envelope.seq.0 + 1);
                        messages.insert(envelope.seq.0, envelope.to_row().as_slice()).map_err(failing)?;
                    }
                    Change::Forget(seq) => {
                        messages.remove(seq.0).map_err(failing)?;
                    }
                }
            }
            if next != before {
                meta.insert("next", next).map_err(failing)?;
            }
        }
        write.commit().map_err(failing)?;
        if let Some(folder) = &self.folder {
            for change in changes {
                if let Change::DropBody(key) = change {
                    let _ = fs::remove_file(folder.join(file_name(*key)));
                }
            }
        }
        Ok(())
    }

    fn name_files(&self, changes: &[Change]) -> Result<(), StoreError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let mut named = false;
        for change in changes {
            if let Change::PutBody(key, NewBody::File(name)) = change {
                fs::rename(folder.join(name), folder.join(file_name(*key)))
                    .map_err(|error| broken(&error))?;
                named = true;
            }
        }
        if named {
            // The names are in the folder, which is a file of its own.
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| broken(&error))?;
        }
        Ok(())
    }

    /// A body; none when it is not there any more.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn body(&self, key: BodyKey) -> Result<Option<Vec<u8>>, StoreError> {
        let read = self.database.begin_read().map_err(failing)?;
        let bodies = read.open_table(BODIES).map_err(failing)?;
        if let Some(body) = bodies.get(key.0).map_err(failing)? {
            return Ok(Some(body.value().to_vec()));
        }
        let Some(folder) = &self.folder else { return Ok(None) };
        match fs::read(folder.join(file_name(key))) {
            Ok(body) => Ok(Some(body)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(broken(&error)),
        }
    }
}

fn file_name(key: BodyKey) -> String {
    format!("{:016x}.body", key.0)
}
