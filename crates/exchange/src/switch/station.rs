//! What a line does with its calls: which leg its party has in hand, which is on hold, which waits.
//!
//! A call knows nothing of the other calls of its parties; a station is what holds them together, and the only
//! thing that a flash of the hook or a hang-up with a held call needs to be looked up in. Most lines have one leg
//! or none.

use super::Switch;
use crate::{Features, LegId, LineCalls, LineId};

/// The legs of a line.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Station {
    /// The hook and the keys act on it; or the party is rung for it. None while the party hears how its last
    /// call ended.
    pub(super) hand: Option<LegId>,
    /// On hold; in a three-way call the first of the two.
    pub(super) held: Option<LegId>,
    /// It waits behind the one in hand.
    pub(super) waiting: Option<LegId>,
    /// How it came to two legs.
    pub(super) pair: Pair,
    /// The legs in hand and on hold are a three-way call.
    pub(super) mixed: bool,
    /// The party has flashed, and is to dial what it wants.
    pub(super) chooses: bool,
    /// The party wants no call to wait.
    pub(super) undisturbed: bool,
}

/// How a line came to two legs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Pair {
    /// Its party put one on hold to dial the other.
    #[default]
    Consultation,
    /// The second one waited.
    Waiting,
}

impl Station {
    pub(super) const fn is_empty(&self) -> bool {
        self.hand.is_none() && self.held.is_none() && self.waiting.is_none()
    }
}

impl Switch {
    pub(super) fn station(&self, line: LineId) -> Station {
        self.stations.get(&line).copied().unwrap_or_default()
    }

    /// Changes what a line does with its legs; without any there is nothing to remember.
    pub(super) fn with_station(&mut self, line: LineId, change: impl FnOnce(&mut Station)) {
        let mut station = self.station(line);
        change(&mut station);
        if station.is_empty() {
            self.stations.remove(&line);
        } else {
            self.stations.insert(line, station);
        }
    }

    /// The party on this line has this leg in hand from now on.
    pub(super) fn give_in_hand(&mut self, line: LineId, leg: LegId) {
        self.with_station(line, |station| {
            for place in [&mut station.held, &mut station.waiting] {
                *place = place.filter(|other| *other != leg);
            }
            station.hand = Some(leg);
        });
    }

    pub(super) fn features(&self, line: LineId) -> Features {
        let index = usize::try_from(line.0).ok();
        index.and_then(|index| self.features.get(index)).copied().unwrap_or(Features::NONE)
    }

    /// Whether a call for this line may wait behind the one that its party is in.
    pub(super) fn may_wait(&self, line: LineId) -> bool {
        let station = self.station(line);
        let talks = station.hand.is_some_and(|leg| self.is_talking(leg));
        let alone = station.held.is_none() && station.waiting.is_none();
        self.desk.lets_wait(line) && !station.undisturbed && alone && talks
    }

    /// Whether the parties of a leg's call have come together, and both are at their receivers.
    pub(super) fn is_talking(&self, leg: LegId) -> bool {
        let call = self.legs.get(&leg).and_then(|call| self.calls.get(call));
        call.is_some_and(|call| call.is_answered() && !call.recalls())
    }

    /// The calls of a line.
    #[must_use]
    pub fn calls_of(&self, line: LineId) -> LineCalls {
        let station = self.station(line);
        let call = |leg: Option<LegId>| self.legs.get(&leg?).copied();
        LineCalls {
            active: call(station.hand),
            held: call(station.held),
            waiting: call(station.waiting),
            mixed: station.mixed,
        }
    }
}
