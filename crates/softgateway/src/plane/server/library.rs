//! The recordings of an announcement server: by file name, by number (RFC 2897 section 7) and by alias (section 10).
//!
//! `39.wav` is segment 39, and `busy.wav` is the alias `/busy/`. The library knows the names of all files, and holds the samples of those
//! that were wanted lately: a signal that needs another one waits until the host has read it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use strowger_mgcp::gateway::{EndpointIndex, Progress};
use strowger_mgcp::message::SignalBuf;

/// Recordings by the names of their files.
#[derive(Clone, Debug, Default)]
pub(in crate::plane) struct Library {
    files: BTreeMap<String, Recording>,
    recorded: u32,
    /// Files that were read when they were wanted, the latest one last, and how many samples they have in all.
    read: VecDeque<String>,
    samples: usize,
    /// Files that the host reads.
    asked: BTreeSet<String>,
    questions: VecDeque<String>,
    waiting: Vec<Waiting>,
}

/// A recording, or where it is.
#[derive(Clone, Debug)]
enum Recording {
    Here(Arc<[i16]>),
    /// In a file of this name.
    Elsewhere(String),
}

/// A signal that needs files.
#[derive(Clone, Debug)]
struct Waiting {
    endpoint: EndpointIndex,
    signal: SignalBuf,
    files: BTreeSet<String>,
}

/// The first number of a recording that a subscriber makes: above what an operator numbers by hand.
const FIRST_RECORDED: u32 = 1_000_000;
/// Recordings of subscribers that are kept; the oldest goes first.
const MOST_RECORDED: u32 = 100;
/// Samples of files that are kept after they were played: 64 MiB, more than an hour.
const MOST_SAMPLES: usize = 32 * 1024 * 1024;
/// Signals that wait for files; more are refused as if there were none.
const MOST_WAITING: usize = 256;

impl Library {
    /// Puts a recording under the name of its file.
    pub(in crate::plane) fn insert(&mut self, file: &str, samples: Arc<[i16]>) {
        self.files.insert(file.to_ascii_lowercase(), Recording::Here(samples));
    }

    /// Notes that there is a file, to be read when it is wanted.
    pub(in crate::plane) fn list(&mut self, file: &str) {
        self.files.insert(file.to_ascii_lowercase(), Recording::Elsewhere(file.to_owned()));
    }

    /// The recording of a file, with or without its ending.
    pub(super) fn find(&self, file: &str) -> Option<Arc<[i16]>> {
        match self.files.get(&self.key(file)?) {
            Some(Recording::Here(samples)) => Some(samples.clone()),
            Some(Recording::Elsewhere(_)) | None => None,
        }
    }

    /// Whether there is a recording of this name, read or not.
    pub(super) fn has(&self, file: &str) -> bool {
        self.key(file).is_some()
    }

    fn key(&self, file: &str) -> Option<String> {
        let name = file.to_ascii_lowercase();
        let with_ending = format!("{name}.wav");
        [name, with_ending].into_iter().find(|name| self.files.contains_key(name))
    }

    /// Has the files read that a signal needs.
    pub(in crate::plane) fn fetch(
        &mut self,
        endpoint: EndpointIndex,
        signal: &SignalBuf,
        names: &[String],
    ) -> Progress {
        let mut files = BTreeSet::new();
        for key in names.iter().filter_map(|name| self.key(name)) {
            if matches!(self.files.get(&key), Some(Recording::Elsewhere(_))) {
                files.insert(key);
            }
        }
        if files.is_empty() || self.waiting.len() >= MOST_WAITING {
            return Progress::Done;
        }
        for key in &files {
            if let Some(Recording::Elsewhere(file)) = self.files.get(key)
                && self.asked.insert(key.clone())
            {
                self.questions.push_back(file.clone());
            }
        }
        let signal = signal.clone();
        if !self.waiting.iter().any(|known| known.endpoint == endpoint && known.signal == signal) {
            self.waiting.push(Waiting { endpoint, signal, files });
        }
        Progress::UnderWay
    }

    /// The next file that the host is to read.
    pub(in crate::plane) fn poll_question(&mut self) -> Option<String> {
        self.questions.pop_front()
    }

    /// A file was read, or could not be. Gives the signals that need not wait any more.
    pub(in crate::plane) fn answer(
        &mut self,
        file: &str,
        samples: Option<Arc<[i16]>>,
    ) -> Vec<(EndpointIndex, SignalBuf)> {
        let key = file.to_ascii_lowercase();
        if !self.asked.remove(&key) {
            return Vec::new();
        }
        if let Some(samples) = samples {
            self.samples += samples.len();
            self.read.push_back(file.to_owned());
            self.files.insert(key.clone(), Recording::Here(samples));
        }
        let mut served = Vec::new();
        self.waiting.retain_mut(|waiting| {
            waiting.files.remove(&key);
            let waits = !waiting.files.is_empty();
            if !waits {
                served.push((waiting.endpoint, waiting.signal.clone()));
            }
            waits
        });
        served
    }

    /// Forgets the samples of what was wanted long ago, when there are too many.
    pub(in crate::plane) fn tidy(&mut self) {
        while self.samples > MOST_SAMPLES && self.read.len() > 1 {
            let Some(file) = self.read.pop_front() else { return };
            let key = file.to_ascii_lowercase();
            if let Some(Recording::Here(samples)) = self.files.insert(key, Recording::Elsewhere(file)) {
                self.samples = self.samples.saturating_sub(samples.len());
            }
        }
    }

    /// Keeps what a subscriber said under a new number.
    pub(in crate::plane) fn keep(&mut self, number: u32, samples: Arc<[i16]>) {
        self.recorded = self.recorded.max(number.saturating_sub(FIRST_RECORDED) + 1);
        self.files.insert(format!("{number}.wav"), Recording::Here(samples));
        self.files.remove(&format!("{}.wav", number.wrapping_sub(MOST_RECORDED)));
    }

    /// The number that the next recording gets.
    pub(super) const fn next_number(&self) -> u32 {
        FIRST_RECORDED + self.recorded
    }
}
