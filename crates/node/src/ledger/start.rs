//! What a start finds in the store before the first call: the epoch, calls that stood when the process before died, the last known service states, records that the file does not have yet.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use strowger_exchange::Setting;
use strowger_sansio::Epoch;

use super::cdr_file::CdrFile;
use super::entry::{SETTING, ServiceEntry, SettingEntry, StableEntry, cdr_key};
use super::registration::{REGISTRATION, RegistrationEntry};
use super::subscription::{SUBSCRIPTION, SubscriptionsEntry};
use super::{LedgerError, Restored, Settings};
use crate::clock::parse_stamp;
use crate::store::{Entry, Expect, Outcome, Revision, Store, StoreError, Txn};

pub(super) const EPOCH: &str = "meta/epoch";
pub(super) const LAST: &str = "meta/cdr";
pub(super) const EXPORTED: &str = "meta/exported";
pub(super) const ALIVE: &str = "meta/alive";

/// Records that are read or written at a time.
const PAGE: usize = 30;

/// The open books: what the writer goes on with.
pub(super) struct Book {
    pub(super) store: Arc<dyn Store>,
    /// The revision of our epoch: as long as it stands, nobody else owns the store.
    pub(super) epoch: Revision,
    /// The last number given to a call detail record.
    pub(super) last: u64,
    pub(super) cdr: Option<CdrFile>,
}

impl Book {
    /// A transaction that only the owner can do.
    pub(super) fn txn(&self) -> Txn {
        Txn::new().expect(EPOCH, Expect::At(self.epoch))
    }

    /// Brings the file up to the store. Errors of the store and of the file are told apart.
    pub(super) fn export(&mut self) -> Result<(), ExportError> {
        let Some(file) = &mut self.cdr else { return Ok(()) };
        while file.last() < self.last {
            let (page, _) =
                self.store.list("cdr/", Some(&cdr_key(file.last())), PAGE).map_err(ExportError::Store)?;
            if page.is_empty() {
                break;
            }
            let records: Vec<(u64, &[u8])> = page
                .iter()
                .filter_map(|entry| Some((sequence(&entry.key)?, entry.value.as_slice())))
                .collect();
            file.append(&records).map_err(ExportError::File)?;
        }
        Ok(())
    }
}

/// Where an export failed.
pub(super) enum ExportError {
    Store(StoreError),
    File(std::io::Error),
}

fn sequence(key: &str) -> Option<u64> {
    key.strip_prefix("cdr/")?.parse().ok()
}

/// Takes the store into possession and settles what it holds.
pub(super) fn settle(store: Arc<dyn Store>, settings: &Settings) -> Result<(Book, Restored), LedgerError> {
    let (epoch, revision) = raise_epoch(&*store)?;
    let last = read::<u64>(&*store, LAST)?.unwrap_or(0);
    let exported = read::<u64>(&*store, EXPORTED)?.unwrap_or(0);
    let mut book = Book { store, epoch: revision, last, cdr: None };
    let standing = all::<StableEntry>(&*book.store, "call/")?.into_iter().map(|(_, call)| call).collect();
    let alive = read::<String>(&*book.store, ALIVE)?.and_then(|text| parse_stamp(&text));
    let service = all::<ServiceEntry>(&*book.store, "service/")?.into_iter();
    let service =
        service.map(|(key, entry)| (key.trim_start_matches("service/").to_owned(), entry)).collect();
    if let Some(path) = &settings.cdr {
        let failed = |error| LedgerError::Cdr { path: path.display().to_string(), error };
        book.cdr = Some(CdrFile::open(path, exported).map_err(failed)?);
        book.export().map_err(|error| match error {
            ExportError::Store(error) => LedgerError::Store(error),
            ExportError::File(error) => failed(error),
        })?;
    }
    let mut restored = Restored { epoch: Some(epoch), standing, alive, service, ..Restored::default() };
    read_settings(&*book.store, &mut restored)?;
    let registrations = all::<RegistrationEntry>(&*book.store, REGISTRATION)?.into_iter();
    restored.registrations =
        registrations.map(|(key, entry)| (key.trim_start_matches(REGISTRATION).to_owned(), entry)).collect();
    let subscriptions = all::<SubscriptionsEntry>(&*book.store, SUBSCRIPTION)?.into_iter();
    restored.subscriptions =
        subscriptions.map(|(key, entry)| (key.trim_start_matches(SUBSCRIPTION).to_owned(), entry)).collect();
    Ok((book, restored))
}

/// What was set, and the keys of what this version cannot make.
fn read_settings(store: &dyn Store, restored: &mut Restored) -> Result<(), LedgerError> {
    for (key, entry) in all::<SettingEntry>(store, SETTING)? {
        match setting(&key, &entry) {
            Some(setting) => restored.settings.push(setting),
            None => restored.unknown_settings.push(key),
        }
    }
    Ok(())
}

fn setting(key: &str, entry: &SettingEntry) -> Option<(String, Setting)> {
    let (line, name) = key.strip_prefix(SETTING)?.split_once('/')?;
    let setting = Setting::parse(name, &entry.value).ok()?;
    (entry.version == SettingEntry::VERSION).then(|| (line.to_owned(), setting))
}

fn raise_epoch(store: &dyn Store) -> Result<(Epoch, Revision), LedgerError> {
    loop {
        let current = store.get(EPOCH)?;
        let (expect, epoch) = match &current {
            None => (Expect::Absent, 0),
            Some(entry) => (Expect::At(entry.revision), parse::<u64>(entry)? + 1),
        };
        let txn = Txn::new().expect(EPOCH, expect).put(EPOCH, epoch.to_string());
        // A refusal means that another process has just done the same: look again.
        if let Outcome::Committed(revision) = store.txn(&txn)? {
            return Ok((Epoch(epoch), revision));
        }
    }
}

/// Plain data of ours has no value that JSON cannot hold.
pub(super) fn json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

fn read<T: DeserializeOwned>(store: &dyn Store, key: &str) -> Result<Option<T>, LedgerError> {
    store.get(key)?.map(|entry| parse(&entry)).transpose()
}

fn parse<T: DeserializeOwned>(entry: &Entry) -> Result<T, LedgerError> {
    serde_json::from_slice(&entry.value).map_err(|_| LedgerError::Illegible(entry.key.clone()))
}

/// All entries with a prefix.
fn all<T: DeserializeOwned>(store: &dyn Store, prefix: &str) -> Result<Vec<(String, T)>, LedgerError> {
    let mut out: Vec<(String, T)> = Vec::new();
    loop {
        let after = out.last().map(|(key, _)| key.clone());
        let (page, _) = store.list(prefix, after.as_deref(), usize::MAX)?;
        if page.is_empty() {
            return Ok(out);
        }
        for entry in page {
            let value = parse(&entry)?;
            out.push((entry.key, value));
        }
    }
}
