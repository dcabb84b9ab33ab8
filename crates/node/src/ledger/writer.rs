//! The thread that writes: takes what waits, makes one transaction of it, and tries again until the store has it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use strowger_exchange::Record;
use strowger_sansio::Duration as Span;

use super::cdr_file::CdrFile;
use super::entry::{
    CallDetail, ServiceEntry, SettingEntry, StableEntry, call_key, cdr_key, service_key, setting_key,
};
use super::registration::{RegistrationEntry, registration_key};
use super::start::{ALIVE, Book, EXPORTED, ExportError, LAST, json};
use super::subscription::{SubscriptionsEntry, subscription_key};
use super::{Job, Settings, Shared};
use crate::clock::exact_stamp;
use crate::store::{Outcome, StoreError};

/// Keys in one transaction, with room for those of `meta/`: a store's limit is 128 operations.
const KEYS: usize = 120;
/// So many records that wait fill a transaction: each needs a key or two.
const ENOUGH: u64 = 50;
/// How often a failure that goes on is logged.
const REMIND: Duration = Duration::from_secs(10);

pub(super) struct Writer {
    book: Book,
    receiver: Receiver<Job>,
    shared: Arc<Shared>,
    settings: Settings,
    /// Calls that stand.
    standing: u64,
    /// The last call detail record that was pruned from the store.
    pruned: u64,
    /// When the last transaction began.
    begun: Option<Instant>,
    store_fault: Fault,
    file_fault: Fault,
}

/// A failure that may go on for a while.
#[derive(Default)]
struct Fault {
    /// When it was last logged; none while all is well.
    logged: Option<Instant>,
}

impl Fault {
    fn begin(&mut self, what: &'static str, error: &str) {
        if self.logged.is_none_or(|at| at.elapsed() >= REMIND) {
            self.logged = Some(Instant::now());
            tracing::error!(what, error, "records cannot be kept now; calls go on");
        }
    }

    fn end(&mut self, what: &'static str) {
        if self.logged.take().is_some() {
            tracing::info!(what, "records are kept again");
        }
    }
}

/// What one transaction will write.
#[derive(Default)]
struct Batch {
    keys: BTreeMap<String, Option<Vec<u8>>>,
    records: u64,
    /// Call detail records in it.
    details: u64,
    /// The latest time of the wall that it knows.
    unix: Span,
}

impl Writer {
    pub(super) fn new(
        book: Book,
        standing: u64,
        receiver: Receiver<Job>,
        shared: Arc<Shared>,
        settings: Settings,
    ) -> Self {
        let pruned = book.last.saturating_sub(settings.kept);
        Self {
            book,
            receiver,
            shared,
            settings,
            standing,
            pruned,
            begun: None,
            store_fault: Fault::default(),
            file_fault: Fault::default(),
        }
    }

    /// Writes until the other side closes, or until its patience ends.
    pub(super) fn run(mut self) {
        loop {
            let batch = match self.receiver.recv_timeout(self.settings.alive) {
                Ok(job) => {
                    self.await_company();
                    self.collect(job)
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.sign_of_life();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let records = batch.records;
            let kept = self.commit(&batch);
            self.shared.done(records);
            if kept {
                self.shared.counts.written.add(records);
                self.export();
            } else {
                self.shared.counts.dropped.add(records);
                if self.shared.deadline().is_some() {
                    // Being closed: nothing behind this batch fares better.
                    let rest = self.receiver.try_iter().count() as u64;
                    self.shared.done(rest);
                    self.shared.counts.dropped.add(rest);
                    return;
                }
            }
        }
    }

    /// Lets more records come for the same transaction when the last one has only just begun.
    fn await_company(&mut self) {
        let waits = self.shared.waiting.load(Ordering::Relaxed) < ENOUGH && self.shared.deadline().is_none();
        let left = self.begun.and_then(|begun| self.settings.pace.checked_sub(begun.elapsed()));
        if let Some(left) = left.filter(|_| waits) {
            std::thread::park_timeout(left);
        }
        self.begun = Some(Instant::now());
    }

    /// The first job and what waits behind it, up to a transaction's size.
    fn collect(&mut self, first: Job) -> Batch {
        let mut batch = Batch::default();
        self.add(&mut batch, first);
        while batch.keys.len() < KEYS - 4 {
            let Ok(job) = self.receiver.try_recv() else { break };
            self.add(&mut batch, job);
        }
        batch
    }

    fn add(&mut self, batch: &mut Batch, job: Job) {
        batch.records += 1;
        let (record, wall) = match job {
            Job::Record(record, wall) => (*record, wall),
            Job::Interrupted(call, alive) => {
                self.standing = self.standing.saturating_sub(1);
                return self.add_detail(batch, call.interrupted(alive));
            }
        };
        batch.unix = batch.unix.max(wall.now_unix());
        match record {
            Record::CallStable(stable) => {
                let entry = StableEntry::new(&stable, &wall);
                batch.keys.insert(call_key(&entry.call), Some(json(&entry)));
                self.standing += 1;
            }
            Record::CallChanged(changed) => {
                let entry = StableEntry::new(&changed, &wall);
                batch.keys.insert(call_key(&entry.call), Some(json(&entry)));
            }
            Record::CallEnded(ended) => {
                if ended.answer.is_some() {
                    self.standing = self.standing.saturating_sub(1);
                }
                self.add_detail(batch, CallDetail::new(&ended, &wall));
            }
            Record::Setting(change) => {
                let entry = SettingEntry::new(&change, &wall);
                let key = setting_key(&change.line, &change.setting.name());
                batch.keys.insert(key, Some(json(&entry)));
            }
            Record::Registration(registration) => {
                let entry = RegistrationEntry::new(&registration, &wall);
                let is_there = !entry.contacts.is_empty();
                batch.keys.insert(registration_key(&registration.line), is_there.then(|| json(&entry)));
            }
            Record::Subscriptions(subscriptions) => {
                let entry = SubscriptionsEntry::new(&subscriptions, &wall);
                let is_there = !entry.subscriptions.is_empty();
                batch.keys.insert(subscription_key(&subscriptions.line), is_there.then(|| json(&entry)));
            }
            Record::Service(change) => {
                let entry = ServiceEntry::new(&change, &wall);
                batch.keys.insert(service_key(&change.subject), Some(json(&entry)));
            }
        }
    }

    fn add_detail(&mut self, batch: &mut Batch, detail: CallDetail) {
        batch.details += 1;
        let sequence = self.book.last + batch.details;
        let detail = CallDetail { sequence, ..detail };
        batch.keys.insert(call_key(&detail.call), None);
        batch.keys.insert(cdr_key(sequence), Some(json(&detail)));
        self.prune(batch, sequence);
    }

    /// Forgets one call detail record for each new one, but none that the file does not have yet.
    fn prune(&mut self, batch: &mut Batch, sequence: u64) {
        let exported = self.book.cdr.as_ref().map_or(u64::MAX, CdrFile::last);
        let next = self.pruned + 1;
        if next <= sequence.saturating_sub(self.settings.kept) && next <= exported {
            batch.keys.insert(cdr_key(next), None);
            self.pruned = next;
        }
    }

    /// One transaction; again and again until it is done. False when it was given up.
    fn commit(&mut self, batch: &Batch) -> bool {
        let mut txn = self.book.txn();
        for (key, value) in &batch.keys {
            txn = match value {
                Some(value) => txn.put(key, value.as_slice()),
                None => txn.delete(key),
            };
        }
        let last = self.book.last + batch.details;
        txn = txn.put(LAST, last.to_string());
        if let Some(file) = &self.book.cdr {
            txn = txn.put(EXPORTED, file.last().to_string());
        }
        if self.standing > 0 && !batch.unix.is_zero() {
            txn = txn.put(ALIVE, json(&exact_stamp(batch.unix)));
        }
        let mut pause = self.settings.retry.0;
        loop {
            let begun = Instant::now();
            match self.book.store.txn(&txn) {
                Ok(Outcome::Committed(_)) => {
                    self.shared.counts.commit.observe(begun.elapsed());
                    self.store_works();
                    self.book.last = last;
                    return true;
                }
                Ok(Outcome::Refused { .. }) => {
                    self.store_fails("another process took the store over: nothing is written any more");
                    return false;
                }
                Err(error @ (StoreError::Invalid(_) | StoreError::Compacted(_))) => {
                    self.store_fails(&error.to_string());
                    return false;
                }
                Err(error @ (StoreError::Unavailable(_) | StoreError::Unusable(_))) => {
                    self.store_fails(&error.to_string());
                }
            }
            if !self.wait(pause) {
                return false;
            }
            pause = (pause * 2).min(self.settings.retry.1);
        }
    }

    /// Waits before another try; false when there is no time for one.
    fn wait(&self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        loop {
            let now = Instant::now();
            match self.shared.deadline() {
                Some(deadline) if now >= deadline => return false,
                // Being closed: a short pause, so that several tries fit into the patience.
                Some(_) if until.saturating_duration_since(now) < pause / 2 => return true,
                _ if now >= until => return true,
                _ => std::thread::park_timeout((until - now).min(Duration::from_millis(50))),
            }
        }
    }

    fn export(&mut self) {
        match self.book.export() {
            Ok(()) => {
                self.file_fault.end("file of call detail records");
                self.note_health();
            }
            Err(ExportError::File(error)) => {
                self.shared.counts.cdr_failures.increment();
                self.file_fault.begin("file of call detail records", &error.to_string());
                self.note_health();
            }
            Err(ExportError::Store(error)) => self.store_fails(&error.to_string()),
        }
    }

    /// Notes, while calls stand, that the exchange lives; catches up with the file if that failed.
    fn sign_of_life(&mut self) {
        self.export();
        if self.standing == 0 {
            return;
        }
        let unix = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
        let txn = self.book.txn().put(ALIVE, json(&exact_stamp(unix.unwrap_or_default())));
        match self.book.store.txn(&txn) {
            Ok(_) => self.store_works(),
            Err(error) => self.store_fails(&error.to_string()),
        }
    }

    fn store_fails(&mut self, error: &str) {
        self.shared.counts.failures.increment();
        self.store_fault.begin("store", error);
        self.note_health();
    }

    fn store_works(&mut self) {
        self.store_fault.end("store");
        self.note_health();
    }

    fn note_health(&self) {
        let healthy = self.store_fault.logged.is_none() && self.file_fault.logged.is_none();
        self.shared.healthy.store(healthy, Ordering::Relaxed);
    }
}
