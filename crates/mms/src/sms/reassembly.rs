//! Parts of concatenated short messages put together again (3GPP TS 23.040 section 9.2.3.24.1 and .8), in bounded memory whatever
//! is sent and by whomever: a sans-IO engine in virtual time.

use std::collections::{BTreeMap, VecDeque};

use strowger_sansio::{Duration, Time, Timers};

use super::header::{Ports, UserData, Width};
use crate::error::DecodeError;

/// Bounds on what unfinished messages may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReassemblyLimits {
    /// Unfinished messages of one originator.
    pub sets_per_originator: usize,
    /// Unfinished messages in all.
    pub sets: usize,
    /// Octets of unfinished messages of one originator.
    pub octets_per_originator: usize,
    /// Octets of unfinished messages in all.
    pub octets: usize,
    /// How long an unfinished message waits for its next part.
    pub age: Duration,
    /// Messages that wait to be taken by [`Reassembly::poll_event`].
    pub events: usize,
}

impl Default for ReassemblyLimits {
    fn default() -> Self {
        Self {
            // A sender has a few messages under way to one receiver; message centres send parts one after another.
            sets_per_originator: 8,
            // A gateway's burst; 1,000 of 255 parts would be 32 MB, which the octets bound.
            sets: 1_000,
            // A set of 255 parts, and some.
            octets_per_originator: 64 * 1024,
            octets: 1024 * 1024,
            // Message centres repeat what was not delivered after minutes.
            age: Duration::from_secs(10 * 60),
            events: 1_024,
        }
    }
}

/// A short message as its bearer delivered it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShortMessage<'a> {
    /// The address that it comes from.
    pub originator: &'a [u8],
    /// The address that it goes to.
    pub destination: &'a [u8],
    /// The protocol identifier (TP-PID).
    pub pid: u8,
    /// The data coding (TP-DCS).
    pub dcs: u8,
    /// The user data, which begin with a header.
    pub user_data: &'a [u8],
}

/// A datagram that is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// The address that it comes from.
    pub originator: Vec<u8>,
    /// The address that it goes to.
    pub destination: Vec<u8>,
    /// The ports, if the parts have any.
    pub ports: Option<Ports>,
    /// The octets.
    pub payload: Vec<u8>,
    /// In how many short messages it came.
    pub parts: u8,
}

/// What became of a short message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// A datagram is whole: [`Reassembly::poll_event`] gives it.
    Whole,
    /// More parts are due.
    Waits,
    /// The part had come before.
    Duplicate,
}

/// Why a short message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// Its header is malformed.
    Malformed(DecodeError),
    /// A part with the same number came before with other octets: the message is dropped, as nobody knows which is right.
    Contradiction,
    /// The parts of a message differ in ports, protocol identifier or data coding.
    Mixed,
    /// The originator has too much under way.
    OriginatorLimit,
    /// All originators together have, and nothing else can give way.
    TotalLimit,
    /// Datagrams wait to be taken.
    Busy,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Malformed(error) => error.fmt(f),
            Self::Contradiction => f.write_str("a part came again with other octets"),
            Self::Mixed => f.write_str("the parts of a message differ in ports, protocol or coding"),
            Self::OriginatorLimit => f.write_str("the originator has too much under way"),
            Self::TotalLimit => f.write_str("too much is under way"),
            Self::Busy => f.write_str("datagrams wait to be taken"),
        }
    }
}

impl std::error::Error for Refused {}

/// What the parts of one message have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    originator: Vec<u8>,
    destination: Vec<u8>,
    reference: u16,
    width: Width,
    total: u8,
}

#[derive(Clone, Debug)]
struct Set {
    ports: Option<Ports>,
    pid: u8,
    dcs: u8,
    parts: BTreeMap<u8, Box<[u8]>>,
    octets: usize,
}

/// Counts of what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Datagrams that became whole.
    pub whole: u64,
    /// Parts that came again.
    pub duplicates: u64,
    /// Short messages that were not taken.
    pub refused: u64,
    /// Unfinished messages that were dropped as their time was over.
    pub expired: u64,
    /// Unfinished messages that gave way to newer ones.
    pub displaced: u64,
}

/// What is kept for one originator.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    sets: usize,
    octets: usize,
}

/// Beside its octets, what a part or a set costs.
const OVERHEAD: usize = 64;

/// The engine.
#[derive(Clone, Debug)]
pub struct Reassembly {
    limits: ReassemblyLimits,
    sets: BTreeMap<Key, Set>,
    shares: BTreeMap<Vec<u8>, Share>,
    octets: usize,
    timers: Timers<Key>,
    events: VecDeque<Datagram>,
    counters: Counters,
}

impl Reassembly {
    /// An engine with nothing under way.
    #[must_use]
    pub fn new(limits: ReassemblyLimits) -> Self {
        Self {
            limits,
            sets: BTreeMap::new(),
            shares: BTreeMap::new(),
            octets: 0,
            timers: Timers::new(),
            events: VecDeque::new(),
            counters: Counters::default(),
        }
    }

    /// Takes a short message.
    ///
    /// # Errors
    /// [`Refused`], with what is known of its originator as it was, but for a contradiction.
    pub fn handle_input(&mut self, now: Time, message: &ShortMessage<'_>) -> Result<Taken, Refused> {
        let taken = self.take(now, message);
        match taken {
            Ok(Taken::Whole) => self.counters.whole += 1,
            Ok(Taken::Duplicate) => self.counters.duplicates += 1,
            Ok(Taken::Waits) => {}
            Err(_) => self.counters.refused += 1,
        }
        taken
    }

    fn take(&mut self, now: Time, message: &ShortMessage<'_>) -> Result<Taken, Refused> {
        let data = UserData::decode(message.user_data).map_err(Refused::Malformed)?;
        if self.events.len() >= self.limits.events {
            return Err(Refused::Busy);
        }
        let Some(place) = data.concatenation.filter(|place| place.total > 1) else {
            self.events.push_back(Datagram {
                originator: message.originator.to_vec(),
                destination: message.destination.to_vec(),
                ports: data.ports,
                payload: data.payload.to_vec(),
                parts: 1,
            });
            return Ok(Taken::Whole);
        };
        let key = Key {
            originator: message.originator.to_vec(),
            destination: message.destination.to_vec(),
            reference: place.reference,
            width: place.width,
            total: place.total,
        };
        if let Some(set) = self.sets.get(&key) {
            if (set.ports, set.pid, set.dcs) != (data.ports, message.pid, message.dcs) {
                return Err(Refused::Mixed);
            }
            match set.parts.get(&place.part) {
                Some(known) if **known == *data.payload => return Ok(Taken::Duplicate),
                Some(_) => {
                    self.drop_set(&key);
                    return Err(Refused::Contradiction);
                }
                None => {}
            }
        }
        self.make_room(&key, data.payload.len())?;
        let cost = OVERHEAD + data.payload.len();
        let share = self.shares.entry(key.originator.clone()).or_default();
        let set = self.sets.entry(key.clone()).or_insert_with(|| {
            share.sets += 1;
            Set { ports: data.ports, pid: message.pid, dcs: message.dcs, parts: BTreeMap::new(), octets: 0 }
        });
        set.parts.insert(place.part, data.payload.into());
        set.octets += cost;
        share.octets += cost;
        self.octets += cost;
        if set.parts.len() < usize::from(place.total) {
            self.timers.set(key, now + self.limits.age);
            return Ok(Taken::Waits);
        }
        if let Some(set) = self.drop_set(&key) {
            self.events.push_back(Datagram {
                originator: key.originator,
                destination: key.destination,
                ports: set.ports,
                payload: set.parts.into_values().flatten().collect(),
                parts: place.total,
            });
        }
        Ok(Taken::Whole)
    }

    /// Room for a part: an originator beyond its bounds is refused, so that a flood of one cannot displace the others; beyond the
    /// bounds of all, the message whose patience ends first gives way.
    fn make_room(&mut self, key: &Key, payload: usize) -> Result<(), Refused> {
        let cost = OVERHEAD + payload;
        let is_new = !self.sets.contains_key(key);
        let share = self.shares.get(&key.originator).copied().unwrap_or_default();
        let limits = &self.limits;
        if is_new && share.sets >= limits.sets_per_originator
            || share.octets.saturating_add(cost) > limits.octets_per_originator
        {
            return Err(Refused::OriginatorLimit);
        }
        while is_new && self.sets.len() >= self.limits.sets
            || self.octets.saturating_add(cost) > self.limits.octets
        {
            let Some(oldest) = self.timers.first().filter(|oldest| *oldest != key).cloned() else {
                return Err(Refused::TotalLimit);
            };
            self.drop_set(&oldest);
            self.counters.displaced += 1;
        }
        Ok(())
    }

    fn drop_set(&mut self, key: &Key) -> Option<Set> {
        let set = self.sets.remove(key)?;
        self.timers.cancel(key);
        self.octets = self.octets.saturating_sub(set.octets);
        if let Some(share) = self.shares.get_mut(&key.originator) {
            share.sets = share.sets.saturating_sub(1);
            share.octets = share.octets.saturating_sub(set.octets);
            if share.sets == 0 {
                self.shares.remove(&key.originator);
            }
        }
        Some(set)
    }

    /// Drops the messages whose time is over.
    pub fn handle_timeout(&mut self, now: Time) {
        while let Some(key) = self.timers.pop_due(now) {
            if self.drop_set(&key).is_some() {
                self.counters.expired += 1;
            }
        }
    }

    /// The next datagram that is whole.
    pub fn poll_event(&mut self) -> Option<Datagram> {
        self.events.pop_front()
    }

    /// When the next unfinished message is dropped.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.timers.next()
    }

    /// What happened so far.
    #[must_use]
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// How many messages are unfinished.
    #[must_use]
    pub fn unfinished(&self) -> usize {
        self.sets.len()
    }

    /// Octets that unfinished messages take.
    #[must_use]
    pub const fn octets(&self) -> usize {
        self.octets
    }
}
