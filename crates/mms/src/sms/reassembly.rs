//! Parts of concatenated short messages put together again (3GPP TS 23.040 section 9.2.3.24.1 and .8), in bounded memory whatever
//! is sent and by whomever: a sans-IO engine in virtual time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use strowger_sansio::{Duration, Time, Timers};

use super::crowd::{Crowd, Newcomer, Standing, weight};
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
    /// How long it waits at least when there is no more room: what speaks is not lost to what begins, and what is silent is.
    pub grace: Duration,
    /// Messages that wait to be taken by [`Reassembly::poll_event`].
    pub events: usize,
}

impl Default for ReassemblyLimits {
    fn default() -> Self {
        Self {
            // A sender has a few messages under way to one receiver; message centres send parts one after another.
            sets_per_originator: 8,
            // With the grace, a thousand a second that are never finished; as many of 255 parts would be 133 MB, which the octets bound.
            sets: 4_096,
            // A set of 255 parts, and some.
            octets_per_originator: 64 * 1024,
            octets: 1024 * 1024,
            // Message centres repeat what was not delivered after minutes.
            age: Duration::from_secs(10 * 60),
            // Parts that are sent one after another lie a second or two apart, at the pace of a radio channel.
            grace: Duration::from_secs(4),
            events: 1_024,
        }
    }
}

/// A short message as its bearer delivered it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShortMessage<'a> {
    /// By whom it was delivered: a number for each message centre or modem, not for each connection. Parts of a message come by
    /// one link; a flood by one link leaves the others their room.
    pub link: u32,
    /// The address that it comes from, which anybody may claim.
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
    /// All originators together have, and nothing else gives way.
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
pub(super) struct Key {
    pub(super) link: u32,
    originator: Vec<u8>,
    destination: Vec<u8>,
    reference: u16,
    width: Width,
    total: u8,
}

impl Key {
    fn sender(&self) -> (u32, Vec<u8>) {
        (self.link, self.originator.clone())
    }
}

#[derive(Clone, Debug)]
struct Set {
    ports: Option<Ports>,
    pid: u8,
    dcs: u8,
    parts: BTreeMap<u8, Box<[u8]>>,
    octets: usize,
    standing: Standing,
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

/// What is kept for one originator of one link.
#[derive(Clone, Debug, Default)]
struct Share {
    sets: Vec<Arc<Key>>,
    octets: usize,
}

/// Beside its octets, what a part or a set costs.
const OVERHEAD: usize = 64;

/// The engine.
#[derive(Clone, Debug)]
pub struct Reassembly {
    limits: ReassemblyLimits,
    sets: BTreeMap<Arc<Key>, Set>,
    shares: BTreeMap<(u32, Vec<u8>), Share>,
    crowd: Crowd,
    octets: usize,
    timers: Timers<Arc<Key>>,
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
            crowd: Crowd::default(),
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
        let key = Arc::new(Key {
            link: message.link,
            originator: message.originator.to_vec(),
            destination: message.destination.to_vec(),
            reference: place.reference,
            width: place.width,
            total: place.total,
        });
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
        self.make_room(now, &key, data.payload.len())?;
        let standing = Standing { weight: 0, heard: now };
        let set = self.sets.entry(Arc::clone(&key)).or_insert_with(|| Set {
            ports: data.ports,
            pid: message.pid,
            dcs: message.dcs,
            parts: BTreeMap::new(),
            octets: 0,
            standing,
        });
        set.parts.insert(place.part, data.payload.into());
        if set.parts.len() == usize::from(place.total) {
            let Some(set) = self.drop_set(&key) else { return Err(Refused::TotalLimit) };
            self.events.push_back(Datagram {
                originator: message.originator.to_vec(),
                destination: message.destination.to_vec(),
                ports: set.ports,
                payload: set.parts.into_values().flatten().collect(),
                parts: place.total,
            });
            return Ok(Taken::Whole);
        }
        self.account(now, &key, OVERHEAD + data.payload.len());
        Ok(Taken::Waits)
    }

    /// Writes down what a part takes, and when it came.
    fn account(&mut self, now: Time, key: &Arc<Key>, cost: usize) {
        let Some(set) = self.sets.get_mut(key) else { return };
        let is_new = set.octets == 0;
        if !is_new {
            self.crowd.remove(key, set.standing, set.octets);
        }
        set.octets += cost;
        set.standing.heard = now;
        self.crowd.insert(key, set.standing, set.octets);
        self.octets += cost;
        let share = self.shares.entry(key.sender()).or_default();
        share.octets += cost;
        if is_new {
            share.sets.push(Arc::clone(key));
        }
        self.timers.set(Arc::clone(key), now + self.limits.age);
        self.weigh(key);
    }

    /// Puts the messages of a sender where they belong by what it takes now.
    fn weigh(&mut self, key: &Key) {
        let Some(share) = self.shares.get(&key.sender()) else { return };
        let weight = weight(share.sets.len(), share.octets);
        for key in &share.sets {
            let Some(set) = self.sets.get_mut(key).filter(|set| set.standing.weight != weight) else {
                continue;
            };
            self.crowd.remove(key, set.standing, set.octets);
            set.standing.weight = weight;
            self.crowd.insert(key, set.standing, set.octets);
        }
    }

    /// Room for a part: an originator beyond its bounds is refused, and beyond the bounds of all somebody gives way, see
    /// [`Crowd::who_gives_way`], or nobody.
    fn make_room(&mut self, now: Time, key: &Key, payload: usize) -> Result<(), Refused> {
        let cost = OVERHEAD + payload;
        let is_new = !self.sets.contains_key(key);
        let (sets, octets) =
            self.shares.get(&key.sender()).map_or((0, 0), |share| (share.sets.len(), share.octets));
        let limits = &self.limits;
        if is_new && sets >= limits.sets_per_originator
            || octets.saturating_add(cost) > limits.octets_per_originator
        {
            return Err(Refused::OriginatorLimit);
        }
        let newcomer = Newcomer { key, weight: weight(sets + usize::from(is_new), octets + cost), cost };
        while is_new && self.sets.len() >= self.limits.sets
            || self.octets.saturating_add(cost) > self.limits.octets
        {
            let Some(victim) = self.crowd.who_gives_way(&newcomer, now, self.limits.grace) else {
                return Err(Refused::TotalLimit);
            };
            self.drop_set(&victim);
            self.counters.displaced += 1;
        }
        Ok(())
    }

    fn drop_set(&mut self, key: &Arc<Key>) -> Option<Set> {
        let set = self.sets.remove(key)?;
        self.timers.cancel(key);
        self.crowd.remove(key, set.standing, set.octets);
        self.octets = self.octets.saturating_sub(set.octets);
        if let Some(share) = self.shares.get_mut(&key.sender()) {
            share.sets.retain(|known| known != key);
            share.octets = share.octets.saturating_sub(set.octets);
            if share.sets.is_empty() {
                self.shares.remove(&key.sender());
            } else {
                self.weigh(key);
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
