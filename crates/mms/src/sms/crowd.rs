//! Who gives way when unfinished messages take all the room: fairness between links, between the senders of a link, and in time.
//!
//! The address of a sender is a claim, and a flood may claim another in every message. So room is given by what cannot be claimed
//! first: the link that a message came by, then how much a sender takes beyond one message, then how long a message has been silent.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use strowger_sansio::{Duration, Time};

use super::reassembly::Key;

/// What one sender may take before it counts as two: a message of 40 parts.
const SHARE: usize = 8 * 1024;

/// What a message costs a link beside its octets, so that many small ones weigh as well.
const SET: usize = 256;

/// How much more than one message a sender takes: zero for somebody who sends one message of ordinary length.
pub(super) const fn weight(sets: usize, octets: usize) -> usize {
    sets.saturating_sub(1) + octets / SHARE
}

/// Where an unfinished message stands in the order of those that give way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Standing {
    /// That of its sender.
    pub(super) weight: usize,
    /// When its last part came.
    pub(super) heard: Time,
}

#[derive(Clone, Debug, Default)]
struct Link {
    load: usize,
    by_weight: BTreeSet<(Reverse<usize>, Time, Arc<Key>)>,
    by_age: BTreeSet<(Time, Arc<Key>)>,
}

/// A part that wants room.
pub(super) struct Newcomer<'a> {
    pub(super) key: &'a Key,
    /// What its sender will weigh with it.
    pub(super) weight: usize,
    /// What its link will take beside what it has.
    pub(super) cost: usize,
}

/// The unfinished messages, in the order in which they give way.
#[derive(Clone, Debug, Default)]
pub(super) struct Crowd {
    links: BTreeMap<u32, Link>,
}

impl Crowd {
    /// Puts a message of so many octets in its place.
    pub(super) fn insert(&mut self, key: &Arc<Key>, standing: Standing, octets: usize) {
        let link = self.links.entry(key.link).or_default();
        if link.by_age.insert((standing.heard, Arc::clone(key))) {
            link.load += SET + octets;
        }
        link.by_weight.insert((Reverse(standing.weight), standing.heard, Arc::clone(key)));
    }

    /// Takes a message of so many octets from its place.
    pub(super) fn remove(&mut self, key: &Arc<Key>, standing: Standing, octets: usize) {
        let Some(link) = self.links.get_mut(&key.link) else { return };
        if link.by_age.remove(&(standing.heard, Arc::clone(key))) {
            link.load = link.load.saturating_sub(SET + octets);
        }
        link.by_weight.remove(&(Reverse(standing.weight), standing.heard, Arc::clone(key)));
        if link.by_age.is_empty() {
            self.links.remove(&key.link);
        }
    }

    /// The message that gives way to a newcomer, if one does:
    ///
    /// 1. of the link that takes most, when that is not the newcomer's own;
    /// 2. of a sender of the own link that weighs more than the newcomer's;
    /// 3. of the own link, the one that has been silent longest, when that is longer than the parts of a message lie apart.
    ///
    /// Among equals that all speak nobody gives way: what was begun is not lost to what begins.
    pub(super) fn who_gives_way(
        &self,
        newcomer: &Newcomer<'_>,
        now: Time,
        grace: Duration,
    ) -> Option<Arc<Key>> {
        let own = self.links.get(&newcomer.key.link);
        let load = own.map_or(0, |link| link.load) + newcomer.cost;
        let others = self.links.iter().filter(|(id, _)| **id != newcomer.key.link);
        if let Some((_, heaviest)) = others.max_by_key(|(_, link)| link.load)
            && heaviest.load > load
        {
            return heaviest.by_weight.first().map(|(_, _, key)| Arc::clone(key));
        }
        let own = own?;
        if let Some((Reverse(weight), _, key)) = own.by_weight.first()
            && *weight > newcomer.weight
        {
            return Some(Arc::clone(key));
        }
        let (heard, key) = own.by_age.iter().take(2).find(|(_, key)| **key != *newcomer.key)?;
        (*heard + grace <= now).then(|| Arc::clone(key))
    }
}
