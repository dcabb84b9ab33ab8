//! The recordings of an announcement server: by file name, by number (RFC 2897 section 7) and by alias (section 10).
//!
//! `39.wav` is segment 39, and `busy.wav` is the alias `/busy/`.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Recordings by the names of their files.
#[derive(Clone, Debug, Default)]
pub(in crate::plane) struct Library {
    files: BTreeMap<String, Arc<[i16]>>,
    recorded: u32,
}

/// The first number of a recording that a subscriber makes: above what an operator numbers by hand.
const FIRST_RECORDED: u32 = 1_000_000;
/// Recordings of subscribers that are kept; the oldest goes first.
const MOST_RECORDED: u32 = 100;

impl Library {
    /// Puts a recording under the name of its file.
    pub(in crate::plane) fn insert(&mut self, file: &str, samples: Arc<[i16]>) {
        self.files.insert(file.to_ascii_lowercase(), samples);
    }

    /// The recording of a file, with or without its ending.
    pub(super) fn find(&self, file: &str) -> Option<Arc<[i16]>> {
        let name = file.to_ascii_lowercase();
        self.files.get(&name).or_else(|| self.files.get(&format!("{name}.wav"))).cloned()
    }

    /// Keeps what a subscriber said under a new number.
    pub(in crate::plane) fn keep(&mut self, number: u32, samples: Arc<[i16]>) {
        self.recorded = self.recorded.max(number.saturating_sub(FIRST_RECORDED) + 1);
        self.files.insert(format!("{number}.wav"), samples);
        self.files.remove(&format!("{}.wav", number.wrapping_sub(MOST_RECORDED)));
    }

    /// The number that the next recording gets.
    pub(super) const fn next_number(&self) -> u32 {
        FIRST_RECORDED + self.recorded
    }
}
