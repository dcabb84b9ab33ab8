//! Calls to and from other networks.
//!
//! Each trunk has channels, which are lines behind the last line of the inventory. A call takes one for as long as its leg
//! lives; who is at the far end is kept with the call. The channel that has been free for longest is taken next.

use std::collections::VecDeque;

use strowger_sansio::Time;

use super::Switch;
use super::call::Call;
use crate::{
    CallId, CallingParty, Cause, Event, Inventory, LegCommand, LegId, LineId, Party, ReleasedBy, TrunkId,
};

/// The channels of all trunks.
#[derive(Debug)]
pub(super) struct Trunks {
    trunks: Vec<Trunk>,
}

#[derive(Debug)]
struct Trunk {
    id: String,
    first: u32,
    channels: u32,
    free: VecDeque<u32>,
    transit: bool,
}

impl Trunks {
    /// The channels of an inventory's trunks, behind its lines.
    pub(super) fn new(inventory: &Inventory, parties: &mut Vec<Party>) -> Self {
        let trunks = inventory.trunks.iter().map(|entry| {
            let first = u32::try_from(parties.len()).unwrap_or(u32::MAX);
            parties.extend((0..entry.channels).map(|channel| nobody(&entry.id, channel)));
            let free = (0..entry.channels).collect();
            Trunk { id: entry.id.clone(), first, channels: entry.channels, free, transit: entry.transit }
        });
        Self { trunks: trunks.collect() }
    }

    fn get(&self, trunk: TrunkId) -> Option<&Trunk> {
        self.trunks.get(usize::try_from(trunk.0).ok()?)
    }

    /// The trunk that a channel is of.
    fn of(&self, line: LineId) -> Option<&Trunk> {
        self.trunks.iter().find(|trunk| trunk.has(line))
    }

    /// A channel is free again; a line is none.
    pub(super) fn give_back(&mut self, line: LineId) {
        if let Some(trunk) = self.trunks.iter_mut().find(|trunk| trunk.has(line)) {
            trunk.free.push_back(line.0 - trunk.first);
        }
    }
}

impl Trunk {
    const fn has(&self, line: LineId) -> bool {
        line.0 >= self.first && line.0 - self.first < self.channels
    }
}

/// A channel that nobody is at.
fn nobody(trunk: &str, channel: u32) -> Party {
    Party {
        number: String::new(),
        name: None,
        gateway: trunk.to_owned(),
        endpoint: format!("channel/{}", channel + 1),
    }
}

impl Switch {
    /// A call comes by a trunk for this number: it begins, and its first command follows.
    ///
    /// # Errors
    /// The cause to refuse it with: too many calls, or no free channel.
    pub fn handle_incoming(
        &mut self,
        now: Time,
        trunk: TrunkId,
        called: &str,
        calling: &CallingParty,
    ) -> Result<(CallId, LegId, LineId), Cause> {
        let number = calling.number.clone().unwrap_or_default();
        let line =
            self.take_channel(trunk, number, calling.name.clone()).ok_or(Cause::NO_CIRCUIT_AVAILABLE)?;
        let (call, leg) = match self.begin(now, line) {
            Ok(begun) => begun,
            Err(cause) => {
                self.trunks.give_back(line);
                return Err(cause);
            }
        };
        self.give_in_hand(line, leg);
        self.with_call(call, |switch, call| {
            switch.note_guest(call, line);
            called.clone_into(&mut call.dialled);
            call.withheld = Some(calling.withheld);
            switch.events.push_back(Event::Dialled { call: call.id, digits: called.to_owned() });
            let resolution = switch.plan.resolve_incoming(called);
            switch.follow_route(now, call, (called, resolution), Cause::NO_ROUTE_TO_DESTINATION, None);
        });
        self.settle(now);
        Ok((call, leg, line))
    }

    /// Calls by a trunk. What came by a trunk leaves by one only where that is allowed, or where a line sends it on.
    pub(super) fn try_trunk(&mut self, now: Time, call: &mut Call, trunk: TrunkId, left_because: Cause) {
        let barred =
            self.trunks.of(call.payer()).is_some_and(|from| !from.transit) && call.diversions.is_empty();
        if barred {
            return self.hunt_on(now, call, Cause::BEARER_NOT_AUTHORIZED, ReleasedBy::Exchange);
        }
        let Some(line) = self.take_channel(trunk, call.wanted.clone(), None) else {
            return self.hunt_on(now, call, Cause::NO_CIRCUIT_AVAILABLE, ReleasedBy::Exchange);
        };
        self.note_guest(call, line);
        let leg = self.try_leg(now, call, line, left_because);
        let caller = call.calling_leg().map(|leg| self.identity(leg.line)).unwrap_or_default();
        let (number, diversions) = (call.wanted.clone(), call.diversions.clone());
        self.command(call.id, leg, LegCommand::Call { line, number, caller, diversions });
    }

    /// Takes a channel, for somebody with this number and name.
    fn take_channel(&mut self, trunk: TrunkId, number: String, name: Option<String>) -> Option<LineId> {
        let known = self.trunks.trunks.get_mut(usize::try_from(trunk.0).ok()?)?;
        let channel = known.free.pop_front()?;
        let line = LineId(known.first + channel);
        let party = Party { number, name, ..nobody(&known.id, channel) };
        if let Some(place) = self.parties.get_mut(usize::try_from(line.0).ok()?) {
            *place = party;
        }
        Some(line)
    }

    fn note_guest(&self, call: &mut Call, line: LineId) {
        if let Some(party) = self.party(line) {
            call.guests.push((line, party.clone()));
        }
    }

    /// How many channels of a trunk are taken.
    #[must_use]
    pub fn taken_channels(&self, trunk: TrunkId) -> u32 {
        self.trunks
            .get(trunk)
            .map_or(0, |trunk| trunk.channels - u32::try_from(trunk.free.len()).unwrap_or(0))
    }
}
