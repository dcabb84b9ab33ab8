//! The recordings of an announcement server: by file name, by number (RFC 2897 section 7) and by alias (section 10).
//!
//! `39.wav` is segment 39, and `busy.wav` is the alias `/busy/`. `39.lang=dan.gender=female.wav` is what is played instead for those selectors
//! (section 9), and `40.vb=mny-usd.wav` has a variable spoken behind it (section 8). The library knows the names of all files, and holds the samples of those
//! that were wanted lately: a signal that needs another one waits until the host has read it.
//!
//! What subscribers record is numbered above all that. A recording goes when newer ones need its room, unless it was made to stay (persistent audio); then it may
//! take the place of a segment of the operator's until that is restored. Files are never changed: with the gateway this ends.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use strowger_mgcp::gateway::{EndpointIndex, Progress};
use strowger_mgcp::message::SignalBuf;

/// Recordings by the names of their files.
#[derive(Clone, Debug, Default)]
pub(in crate::plane) struct Library {
    files: BTreeMap<String, Recording>,
    /// The types of selectors that some file has.
    selector_types: BTreeSet<String>,
    /// How many numbers recordings have been given.
    recorded: u32,
    /// Recordings that go, the oldest first.
    temporary: VecDeque<u32>,
    /// Recordings that stay, and the segments in whose place some of them are heard.
    persistent: BTreeSet<u32>,
    overrides: BTreeMap<u32, u32>,
    /// Files that were read when they were wanted, the latest one last, and how many samples they have in all.
    read: VecDeque<String>,
    samples: usize,
    /// Files that the host reads.
    asked: BTreeSet<String>,
    questions: VecDeque<String>,
    waiting: Vec<Waiting>,
}

/// What becomes of a recording (RFC 2897 section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plane) enum Keep {
    /// It goes when its room is needed.
    Temporary,
    /// It stays (`rpa`).
    Persistent,
    /// It stays, and is heard in the place of this segment (`oa`).
    InPlaceOf(u32),
}

/// A recording, or where it is.
#[derive(Clone, Debug)]
enum Recording {
    Here(Arc<[i16]>),
    /// In a file of this name.
    Elsewhere(String),
}

/// One of the recordings of a segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Variant {
    /// Its file.
    pub(super) key: String,
    selectors: Vec<(String, String)>,
    /// The types and subtypes of the variables behind it.
    pub(super) variables: Vec<(String, String)>,
}

impl Variant {
    /// Reads what stands in a file's name behind that of the segment.
    fn read(key: &str, rest: &str) -> Option<Self> {
        let mut variant = Self { key: key.to_owned(), ..Self::default() };
        let rest = rest.strip_suffix(".wav").unwrap_or(rest);
        for part in rest.split('.').skip(1) {
            let (kind, value) = part.split_once('=')?;
            if kind == "vb" {
                let (kind, subtype) = value.split_once('-').unwrap_or((value, "null"));
                variant.variables.push((kind.to_owned(), subtype.to_owned()));
            } else {
                variant.selectors.push((kind.to_owned(), value.to_owned()));
            }
        }
        (rest.is_empty() || rest.starts_with('.')).then_some(variant)
    }
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
const MOST_RECORDED: usize = 100;
/// Recordings that stay: with 60 s each 96 MB.
const MOST_PERSISTENT: usize = 100;
/// Samples of files that are kept after they were played: 64 MiB, more than an hour.
const MOST_SAMPLES: usize = 32 * 1024 * 1024;
/// Signals that wait for files; more are refused as if there were none.
const MOST_WAITING: usize = 256;

impl Library {
    /// Puts a recording under the name of its file.
    pub(in crate::plane) fn insert(&mut self, file: &str, samples: Arc<[i16]>) {
        self.note_selectors(file);
        self.files.insert(file.to_ascii_lowercase(), Recording::Here(samples));
    }

    fn note_selectors(&mut self, file: &str) {
        let kinds = file.split('.').skip(1).filter_map(|part| part.split_once('='));
        self.selector_types
            .extend(kinds.map(|(kind, _)| kind.to_ascii_lowercase()).filter(|kind| kind != "vb"));
    }

    /// Notes that there is a file, to be read when it is wanted.
    pub(in crate::plane) fn list(&mut self, file: &str) {
        self.note_selectors(file);
        self.files.insert(file.to_ascii_lowercase(), Recording::Elsewhere(file.to_owned()));
    }

    /// The recording of a file, with or without its ending.
    pub(in crate::plane) fn find(&self, file: &str) -> Option<Arc<[i16]>> {
        match self.files.get(&self.key(file)?) {
            Some(Recording::Here(samples)) => Some(samples.clone()),
            Some(Recording::Elsewhere(_)) | None => None,
        }
    }

    /// The recording of a segment or word for these selectors: the one that fits most of them. What fails is the return code of RFC 2897
    /// section 6, `missing` when there is no such recording at all.
    pub(super) fn choose(
        &self,
        name: &str,
        selectors: &[(String, String)],
        missing: u16,
    ) -> Result<Variant, u16> {
        if selectors.iter().any(|(kind, _)| kind != "lang" && !self.selector_types.contains(kind)) {
            return Err(302);
        }
        let name = name.to_ascii_lowercase();
        let name = name.strip_suffix(".wav").unwrap_or(&name);
        let named = self.files.range(name.to_owned()..).map(|(key, _)| key);
        let named = named.take_while(|key| key.starts_with(name));
        let variants: Vec<_> = named.filter_map(|key| Variant::read(key, key.get(name.len()..)?)).collect();
        let fits = |variant: &&Variant| variant.selectors.iter().all(|wanted| selectors.contains(wanted));
        let best = variants.iter().filter(fits).max_by_key(|variant| variant.selectors.len());
        // A variant by a value that was not asked for is none of it; one that is usual serves for all values.
        let refused = |(kind, value): &(String, String)| {
            let mut known =
                variants.iter().flat_map(|variant| &variant.selectors).filter(|(of, _)| of == kind);
            known.clone().next().is_some() && !known.any(|(_, known)| known == value)
        };
        match best {
            _ if variants.is_empty() => Err(missing),
            _ if selectors.iter().any(refused) => Err(303),
            Some(best) => Ok(best.clone()),
            None => Err(303),
        }
    }

    /// Whether there is a recording of this name, read or not.
    pub(in crate::plane) fn has(&self, file: &str) -> bool {
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

    /// A number for a recording.
    pub(super) const fn reserve(&mut self) -> u32 {
        let number = FIRST_RECORDED.saturating_add(self.recorded);
        self.recorded = self.recorded.saturating_add(1);
        number
    }

    /// Keeps what a subscriber said under its number.
    pub(in crate::plane) fn keep(&mut self, number: u32, samples: Arc<[i16]>, keep: Keep) {
        self.files.insert(file_of(number), Recording::Here(samples));
        if keep == Keep::Temporary {
            self.temporary.push_back(number);
        } else {
            self.persistent.insert(number);
        }
        if self.temporary.len() > MOST_RECORDED
            && let Some(oldest) = self.temporary.pop_front()
        {
            self.files.remove(&file_of(oldest));
        }
        if let Keep::InPlaceOf(segment) = keep
            && let Some(before) = self.overrides.insert(segment, number)
        {
            self.forget(before);
        }
    }

    fn forget(&mut self, number: u32) {
        self.persistent.remove(&number);
        self.files.remove(&file_of(number));
    }

    /// Whether a recording can be made that stays: the return code if not.
    pub(super) fn may_keep(&self, keep: Keep) -> Result<(), u16> {
        match keep {
            Keep::Temporary => Ok(()),
            Keep::InPlaceOf(segment) if !self.is_provisioned(segment) => Err(321),
            Keep::Persistent | Keep::InPlaceOf(_) if self.persistent.len() >= MOST_PERSISTENT => Err(319),
            Keep::Persistent | Keep::InPlaceOf(_) => Ok(()),
        }
    }

    /// Deletes a recording that stays, and with it what it was heard in place of.
    pub(super) fn delete(&mut self, number: u32) -> Result<(), u16> {
        if !self.persistent.contains(&number) {
            return Err(320);
        }
        self.overrides.retain(|_, recording| *recording != number);
        self.forget(number);
        Ok(())
    }

    /// Lets a segment be heard again, and deletes what was heard in its place.
    pub(super) fn restore(&mut self, segment: u32) -> Result<(), u16> {
        if !self.is_provisioned(segment) {
            return Err(322);
        }
        let number = self.overrides.remove(&segment).ok_or(314_u16)?;
        self.forget(number);
        Ok(())
    }

    /// What is heard in the place of a segment.
    pub(super) fn overriding(&self, segment: u32) -> Option<Arc<[i16]>> {
        self.find(&file_of(*self.overrides.get(&segment)?))
    }

    /// Whether the operator has a segment of this number.
    fn is_provisioned(&self, segment: u32) -> bool {
        let beginning = format!("{segment}.");
        let first = self.files.range(beginning.clone()..).next();
        segment < FIRST_RECORDED && first.is_some_and(|(file, _)| file.starts_with(&beginning))
    }
}

fn file_of(number: u32) -> String {
    format!("{number}.wav")
}
