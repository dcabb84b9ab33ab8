//! The ledger: the exchange's records into the store, and call detail records into a file, off the call path.
//!
//! Records go into a bounded queue; a thread takes what waits and writes it as one transaction (group commit, at most one
//! in 10 ms while few wait), so that a slow disk costs delay of the records and never of a call. When the store fails, the batch is kept and tried again
//! while the queue holds what comes; when that is full, records are dropped, counted and logged, and calls go on.
//!
//! Keys: `call/ID` while a call stands; `cdr/NUMBER` when it has ended (both change in one transaction, so that a call
//! is always in one of them); `service/line/NUMBER` and `service/gateway/ID`; `setting/NUMBER/NAME`; `registration/NUMBER` while a telephone is registered; `subscription/NUMBER` while it has subscribed; `meta/epoch`, which each start raises and
//! each transaction compares, so that a second owner of the store fences the first; `meta/cdr`, the last number given;
//! `meta/exported`, how far the file came; `meta/alive`, the last sign of life while calls stand.
//!
//! - [`entry`]: the values, as JSON. `cdr_file`: the file. `quality`: the rating of the sound. `registration`: where telephones are. `session`: sessions of SIP. `subscription`: what telephones have subscribed to. `start`: what a start finds and settles. `writer`: the thread.

pub mod entry;

mod cdr_file;
mod quality;
mod registration;
mod session;
mod start;
mod subscription;
mod writer;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use strowger_exchange::{Record, Setting};
use strowger_sansio::Epoch;

use crate::clock::Wall;
use crate::config::StoreConfig;
use crate::metrics::{Counter, Gauge, Histogram, Registry};
use crate::store::{Store, StoreError};

pub use entry::{
    CallDetail, DiversionEntry, PartyEntry, ServiceEntry, SettingEntry, StableEntry, StatisticsEntry,
    StreamEntry,
};
pub use quality::QualityEntry;
pub use registration::{ContactEntry, RegistrationEntry};
pub use session::{DialogEntry, SessionEntry};
pub use subscription::{SubscriptionEntry, SubscriptionsEntry};

/// How a ledger is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// A file that gets each call detail record as a line of JSON.
    pub cdr: Option<PathBuf>,
    /// Records that may wait while the store is slow. 100 000: some 100 MB, and a thousand calls a second for 50 s.
    pub queue: usize,
    /// Call detail records that the store keeps; older ones are in the file, or gone. 1 000 000: about a gigabyte.
    pub kept: u64,
    /// How often a sign of life is written while calls stand: the most that a crash cuts off a call's length.
    pub alive: Duration,
    /// How far apart transactions begin while few records wait. The first record after a pause is written at once; a stream of
    /// them shares flushes of the disk, each of which costs as much as carrying the call. 10 ms: what a crash may cost
    /// grows by less than a slow disk's flush takes.
    pub pace: Duration,
    /// The first and the longest pause before a failed transaction is tried again.
    pub retry: (Duration, Duration),
}

/// Call detail records that a store in memory keeps: some 10 MB.
const KEPT_IN_MEMORY: u64 = 10_000;

impl Settings {
    /// How a ledger is kept in such a store: one in memory holds the latest 10 000 call detail records, as nobody looks at
    /// what is older before it is gone at the exit.
    #[must_use]
    pub fn for_store(store: &StoreConfig) -> Self {
        match store {
            StoreConfig::Memory => Self { kept: KEPT_IN_MEMORY, ..Self::default() },
            StoreConfig::Embedded { .. } => Self::default(),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cdr: None,
            queue: 100_000,
            kept: 1_000_000,
            alive: Duration::from_secs(5),
            pace: Duration::from_millis(10),
            retry: (Duration::from_millis(100), Duration::from_secs(5)),
        }
    }
}

/// Why a ledger cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The store.
    #[error("the store: {0}")]
    Store(#[from] StoreError),
    /// The file of call detail records.
    #[error("the file of call detail records {path}: {error}")]
    Cdr {
        /// The file.
        path: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// What the store holds was written by another program or a later version.
    #[error("the store: {0} is not legible")]
    Illegible(String),
    /// No thread could be started.
    #[error("no thread for the ledger: {0}")]
    Thread(std::io::Error),
}

/// What the store held at the start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Restored {
    /// How often the store has been opened: chooses the range of transaction identifiers.
    pub epoch: Option<Epoch>,
    /// Calls that stood when the process before died: each is to be taken over, or to be given to
    /// [`Ledger::interrupted`].
    pub standing: Vec<StableEntry>,
    /// When that process last gave a sign of life while calls stood, since 1970.
    pub alive: Option<Duration>,
    /// The last known service states, by what follows `service/` in the key.
    pub service: BTreeMap<String, ServiceEntry>,
    /// What was set for lines while the exchange ran, with their numbers.
    pub settings: Vec<(String, Setting)>,
    /// Where telephones were registered, by the numbers of their lines.
    pub registrations: Vec<(String, RegistrationEntry)>,
    /// What telephones had subscribed to, by the numbers of their lines.
    pub subscriptions: Vec<(String, SubscriptionsEntry)>,
    /// Keys of settings that this version does not know. They stay where they are.
    pub unknown_settings: Vec<String>,
}

impl Restored {
    /// The epoch of this start.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.epoch.unwrap_or(Epoch(0))
    }
}

/// What is counted.
#[derive(Clone, Debug)]
struct Counts {
    written: Counter,
    dropped: Counter,
    failures: Counter,
    cdr_failures: Counter,
    waiting: Gauge,
    commit: Histogram,
}

/// Bounds of the commit histogram in microseconds: from a fast disk's flush to a failing one's.
const COMMIT_BOUNDS: &[u64] =
    &[100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000, 10_000_000];

impl Counts {
    fn new(metrics: &Registry) -> Self {
        Self {
            written: metrics.counter("strowger_records_written_total", "Records on stable storage.", &[]),
            dropped: metrics.counter(
                "strowger_records_dropped_total",
                "Records lost because the store failed for too long.",
                &[],
            ),
            failures: metrics.counter(
                "strowger_store_failures_total",
                "Transactions that the store failed to do.",
                &[],
            ),
            cdr_failures: metrics.counter(
                "strowger_cdr_file_failures_total",
                "Writes of call detail records that failed.",
                &[],
            ),
            waiting: metrics.gauge("strowger_records_waiting", "Records that wait to be written.", &[]),
            commit: metrics.histogram(
                "strowger_store_commit_seconds",
                "Duration of transactions.",
                COMMIT_BOUNDS,
            ),
        }
    }
}

/// What both sides of the queue see.
#[derive(Debug)]
struct Shared {
    counts: Counts,
    waiting: AtomicU64,
    healthy: AtomicBool,
    /// How many records the writer is done with, and who waits for more.
    done: AtomicU64,
    news: tokio::sync::Notify,
    /// When a ledger that is being closed gives up.
    deadline: Mutex<Option<Instant>>,
}

impl Shared {
    fn deadline(&self) -> Option<Instant> {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The writer has kept this many more, or given them up.
    fn done(&self, count: u64) {
        self.taken(count);
        self.done.fetch_add(count, Ordering::Release);
        self.news.notify_one();
    }

    fn taken(&self, count: u64) {
        let left = self.waiting.fetch_sub(count, Ordering::Relaxed).saturating_sub(count);
        self.counts.waiting.set(left as f64);
    }
}

/// What the writer is given.
enum Job {
    /// A record with the relation of its times to the wall.
    Record(Box<Record>, Wall),
    /// A call that the death of its exchange has ended, with that exchange's last sign of life.
    Interrupted(Box<StableEntry>, Duration),
}

/// The call path's side of the ledger.
pub struct Ledger {
    sender: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
    dropping: bool,
    /// How many records the writer was given.
    given: u64,
}

impl Ledger {
    /// Looks what an earlier process left in the store, and starts the thread.
    ///
    /// # Errors
    /// When the store or the file cannot be used, or holds what this version cannot read.
    pub fn open(
        store: Arc<dyn Store>,
        settings: &Settings,
        metrics: &Registry,
    ) -> Result<(Self, Restored), LedgerError> {
        let (book, restored) = start::settle(store, settings)?;
        let (sender, receiver) = sync_channel(settings.queue);
        let shared = Arc::new(Shared {
            counts: Counts::new(metrics),
            waiting: AtomicU64::new(0),
            healthy: AtomicBool::new(true),
            done: AtomicU64::new(0),
            news: tokio::sync::Notify::new(),
            deadline: Mutex::new(None),
        });
        let standing = restored.standing.len() as u64;
        let writer = writer::Writer::new(book, standing, receiver, Arc::clone(&shared), settings.clone());
        let thread = std::thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || writer.run())
            .map_err(LedgerError::Thread)?;
        let ledger = Self { sender: Some(sender), thread: Some(thread), shared, dropping: false, given: 0 };
        Ok((ledger, restored))
    }

    /// Takes a record. Never waits: a full queue drops it, which is counted, and logged when it begins and ends.
    pub fn record(&mut self, record: Record, wall: Wall) {
        self.take(Job::Record(Box::new(record), wall));
    }

    /// A call that stood when the process before died, and cannot be taken over: its call detail record says so.
    pub fn interrupted(&mut self, call: StableEntry, alive: Duration) {
        self.take(Job::Interrupted(Box::new(call), alive));
    }

    fn take(&mut self, job: Job) {
        let Some(sender) = &self.sender else { return };
        let waiting = self.shared.waiting.fetch_add(1, Ordering::Relaxed) + 1;
        // Before it is sent: the last word, when all is written, is the writer's.
        self.shared.counts.waiting.set(waiting as f64);
        match sender.try_send(job) {
            Ok(()) => {
                self.given += 1;
                if std::mem::take(&mut self.dropping) {
                    let lost = self.shared.counts.dropped.value();
                    tracing::warn!(lost, "records are kept again");
                }
            }
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.shared.taken(1);
                self.shared.counts.dropped.increment();
                if !std::mem::replace(&mut self.dropping, true) {
                    tracing::error!("records are being dropped: the store has failed for too long");
                }
            }
        }
    }

    /// How many records it was given and did not have to drop.
    #[must_use]
    pub const fn given(&self) -> u64 {
        self.given
    }

    /// How many of those are on stable storage, or were given up: the first ones.
    #[must_use]
    pub fn kept(&self) -> u64 {
        self.shared.done.load(Ordering::Acquire)
    }

    /// Waits until more are.
    pub async fn keeps(&self) {
        self.shared.news.notified().await;
    }

    /// A view of its health that outlives it.
    #[must_use]
    pub fn health(&self) -> LedgerHealth {
        LedgerHealth(Arc::clone(&self.shared))
    }

    /// Writes what waits and stops; gives up after `patience`. Returns how many records were lost since the start.
    pub fn close(mut self, patience: Duration) -> u64 {
        self.end(patience);
        self.shared.counts.dropped.value()
    }

    fn end(&mut self, patience: Duration) {
        *self.shared.deadline.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Instant::now() + patience);
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            if thread.join().is_err() {
                // A writer that panicked has lost what waited.
                self.shared.counts.dropped.add(self.shared.waiting.load(Ordering::Relaxed).max(1));
            }
        }
    }
}

/// A shard that ends by a fault still gets its records written.
impl Drop for Ledger {
    fn drop(&mut self) {
        self.end(Duration::from_secs(5));
    }
}

/// Whether a ledger keeps what it gets.
#[derive(Clone, Debug)]
pub struct LedgerHealth(Arc<Shared>);

impl LedgerHealth {
    /// Whether the last transaction and the last write to the file succeeded.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.0.healthy.load(Ordering::Relaxed)
    }
}
