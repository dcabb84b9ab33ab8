//! Who should hear whom: expectations that are put to the telephones when a call flows.
//!
//! An expectation counts only if nothing has changed while it was waited for: both parties have talked all the while, neither has
//! touched the hook, and the exchange has moved neither of them. In a three-way call three voices are one sound, and nobody is asked.

use std::collections::BTreeMap;

use strowger_exchange::{CallId, Event, Snapshot};
use strowger_sansio::Time;

/// One party's check of hearing the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ear {
    pub(crate) since: Time,
    pub(crate) call: CallId,
    pub(crate) listener: usize,
    pub(crate) speaker: usize,
}

/// The checks that are waited for, by gateway and number of the expectation.
#[derive(Debug, Default)]
pub(crate) struct Ears {
    open: BTreeMap<(usize, u64), Ear>,
}

impl Ears {
    /// An expectation was put to a telephone.
    pub(crate) fn expect(&mut self, place: usize, number: u64, ear: Ear) {
        self.open.insert((place, number), ear);
    }

    /// An expectation was met or missed: the check, if it still counts for anything.
    pub(crate) fn take(&mut self, place: usize, number: u64) -> Option<Ear> {
        self.open.remove(&(place, number))
    }

    /// A gateway has restarted, and has forgotten what was expected of it.
    pub(crate) fn forget_gateway(&mut self, place: usize) {
        self.open.retain(|(other, _), _| *other != place);
    }

    /// The exchange has changed who talks to whom: what was expected before is void. The call whose parties may be listened to
    /// now, if there is one.
    pub(crate) fn follow(&mut self, event: &Event) -> Option<CallId> {
        let (changed, now) = match event {
            Event::Connected { call } => ([*call, *call], Some(*call)),
            Event::Held { call, .. } | Event::Ended { call, .. } => ([*call, *call], None),
            Event::Retrieved { call, .. } => ([*call, *call], Some(*call)),
            Event::ThreeWay { call, with, .. } => ([*call, *with], None),
            Event::Transferred { call, with, .. } => ([*call, *with], Some(*call)),
            _ => return None,
        };
        self.open.retain(|_, ear| !changed.contains(&ear.call));
        now
    }
}

/// The numbers of the two lines that have a call in hand, when there are two and neither mixes it with another.
pub(crate) fn parties(snapshot: &Snapshot, call: CallId) -> Option<[&str; 2]> {
    let mut lines = snapshot.lines.iter().filter(|line| line.calls.active == Some(call));
    let (first, second) = (lines.next()?, lines.next()?);
    let plain = lines.next().is_none() && !first.calls.mixed && !second.calls.mixed;
    plain.then_some([first.number.as_str(), second.number.as_str()])
}
