//! Calls to and from other networks.
//!
//! Each trunk has channels, which are lines behind the last line of the inventory. A call takes one for as long as its leg
//! lives; who is at the far end is kept with the call. The channel that has been free for longest is taken next.
//!
//! The trunks of a group are tried by priority, and among equals in an order that is drawn by their weights (RFC 2782). A trunk without a
//! free channel, whose peer is gone or which refuses a call for a reason of its own is passed over for the next.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use strowger_sansio::{Rng, Time};

use super::Switch;
use super::call::Call;
use crate::{
    CallId, CallingParty, Cause, EarlierDiversion, Event, Inventory, Joins, LegCommand, LegId, LineId, Party,
    ReleasedBy, Target, TrunkGroupId, TrunkId,
};

/// The channels of all trunks.
#[derive(Debug)]
pub(super) struct Trunks {
    trunks: Vec<Trunk>,
    /// How many calls the trunks of each group may have together.
    groups: Vec<Option<u32>>,
    /// The channels that are circuits, by the gateways and endpoints of their bearers.
    circuits: BTreeMap<(String, String), LineId>,
}

#[derive(Debug)]
struct Trunk {
    id: String,
    first: u32,
    channels: u32,
    free: VecDeque<u32>,
    /// Channels that no call may take for now, whether they are free or not.
    closed: BTreeSet<u32>,
    transit: bool,
    /// Its peer is asked to join parties of its own that are transferred to each other.
    refers: bool,
    group: Option<usize>,
    priority: u16,
    weight: u16,
}

impl Trunks {
    /// The channels of an inventory's trunks, behind its lines.
    pub(super) fn new(inventory: &Inventory, parties: &mut Vec<Party>) -> Self {
        let trunks = inventory.all_trunks().zip(inventory.places_in_groups());
        let trunks = trunks.map(|((id, channels, transit), (group, priority, weight))| {
            let first = u32::try_from(parties.len()).unwrap_or(u32::MAX);
            parties.extend((0..channels).map(|channel| nobody(id, channel)));
            Trunk {
                id: id.to_owned(),
                first,
                channels,
                free: (0..channels).collect(),
                closed: BTreeSet::new(),
                transit,
                refers: inventory.trunks.iter().any(|entry| entry.id == id && entry.joins == Joins::Peer),
                group: group.and_then(|id| inventory.trunk_groups.iter().position(|group| group.id == *id)),
                priority,
                weight,
            }
        });
        let trunks: Vec<Trunk> = trunks.collect();
        let groups = inventory.trunk_groups.iter().map(|group| group.channels).collect();
        let behind = trunks.iter().skip(inventory.trunks.len()).map(|trunk| trunk.first);
        let circuits = inventory.circuit_trunks.iter().zip(behind).flat_map(|(entry, first)| {
            entry
                .circuits
                .iter()
                .zip((first..).map(LineId))
                .map(|(own, line)| ((own.gateway.clone(), own.endpoint.to_ascii_lowercase()), line))
        });
        let circuits = circuits.collect();
        Self { trunks, groups, circuits }
    }

    /// The channel whose bearer is there.
    pub(super) fn circuit_at(&self, gateway: &str, endpoint: &str) -> Option<LineId> {
        self.circuits.get(&(gateway.to_owned(), endpoint.to_ascii_lowercase())).copied()
    }

    /// The trunks of a group, in the order in which they are tried this time.
    fn order(&self, group: TrunkGroupId, rng: &mut Rng) -> Vec<TrunkId> {
        let of_group = |trunk: &Trunk| trunk.group.is_some_and(|own| u32::try_from(own) == Ok(group.0));
        let ids = self.trunks.iter().zip(0..).filter(|(trunk, _)| of_group(trunk));
        let mut left: Vec<_> = ids.map(|(trunk, id)| (trunk.priority, trunk.weight, TrunkId(id))).collect();
        // Those without a weight come first, so that they are drawn where the number drawn is 0.
        left.sort_unstable();
        let mut order = Vec::new();
        while let Some((priority, least, _)) = left.first().copied() {
            let equals = left.iter().take_while(|(own, ..)| *own == priority).count();
            let weights = left.iter().take(equals).map(|(_, weight, _)| u64::from(*weight));
            // A number is drawn only where there is a choice, and 0 only where somebody without a weight waits for it: else the shares
            // would not be as the weights.
            let zero = u64::from(least == 0);
            let drawn =
                if equals == 1 { 0 } else { rng.below(weights.clone().sum::<u64>() + zero) + 1 - zero };
            let sums = weights.scan(0, |sum, weight| {
                *sum += weight;
                Some(*sum)
            });
            let place = sums.into_iter().position(|sum| sum >= drawn).unwrap_or(0);
            order.push(left.remove(place).2);
        }
        order
    }

    /// Whether the group of a trunk, if it is of one, has as many calls as it may.
    fn is_full(&self, trunk: &Trunk) -> bool {
        let limit = trunk.group.and_then(|group| Some((group, (*self.groups.get(group)?)?)));
        limit.is_some_and(|(group, most)| {
            let own = self.trunks.iter().filter(|trunk| trunk.group == Some(group));
            own.map(Trunk::taken).sum::<u32>() >= most
        })
    }

    fn get(&self, trunk: TrunkId) -> Option<&Trunk> {
        self.trunks.get(usize::try_from(trunk.0).ok()?)
    }

    /// The trunk that a channel is of.
    fn of(&self, line: LineId) -> Option<&Trunk> {
        self.trunks.iter().find(|trunk| trunk.has(line))
    }

    /// Whether the peer of any trunk is asked to join parties of its own.
    pub(super) fn refers_any(&self) -> bool {
        self.trunks.iter().any(|trunk| trunk.refers)
    }

    /// Whether that of this channel's is.
    pub(super) fn refers(&self, line: LineId) -> bool {
        self.of(line).is_some_and(|trunk| trunk.refers)
    }

    /// The place of the trunk that a channel is of.
    pub(super) fn place_of(&self, line: LineId) -> Option<usize> {
        self.trunks.iter().position(|trunk| trunk.has(line))
    }

    /// Whether this is a channel.
    pub(super) fn has(&self, line: LineId) -> bool {
        self.of(line).is_some()
    }

    /// Whether a channel is free; a line is none.
    pub(super) fn is_free(&self, line: LineId) -> bool {
        self.of(line).is_some_and(|trunk| trunk.free.contains(&(line.0 - trunk.first)))
    }

    /// Takes a channel for a call that was taken over.
    pub(super) fn take(&mut self, line: LineId) {
        if let Some(trunk) = self.trunks.iter_mut().find(|trunk| trunk.has(line)) {
            trunk.free.retain(|channel| *channel != line.0 - trunk.first);
        }
    }

    /// Whether calls may take a channel from now on.
    pub(super) fn set_open(&mut self, line: LineId, is_open: bool) {
        if let Some(trunk) = self.trunks.iter_mut().find(|trunk| trunk.has(line)) {
            let channel = line.0 - trunk.first;
            if is_open {
                trunk.closed.remove(&channel);
            } else {
                trunk.closed.insert(channel);
            }
        }
    }

    /// A channel is free again; a line is none.
    pub(super) fn give_back(&mut self, line: LineId) {
        if let Some(trunk) = self.trunks.iter_mut().find(|trunk| trunk.has(line)) {
            trunk.free.push_back(line.0 - trunk.first);
        }
    }
}

impl Trunk {
    fn taken(&self) -> u32 {
        self.channels.saturating_sub(u32::try_from(self.free.len()).unwrap_or(u32::MAX))
    }

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
    /// Whether calls may be sent by a channel of a trunk from now on. A call on it goes on.
    pub fn set_channel(&mut self, line: LineId, is_open: bool) {
        self.trunks.set_open(line, is_open);
    }

    /// A call comes by a trunk for this number, on this channel if it is bound to one: it begins, and its first command follows. As often
    /// as it was sent on before, it is sent on less here.
    ///
    /// # Errors
    /// The cause to refuse it with: too many calls, or no free channel.
    pub fn handle_incoming(
        &mut self,
        now: Time,
        (trunk, channel): (TrunkId, Option<LineId>),
        called: &str,
        calling: &CallingParty,
    ) -> Result<(CallId, LegId, LineId), Cause> {
        let guest = (calling.number.clone().unwrap_or_default(), calling.name.clone());
        let line = self.take_channel(trunk, channel, guest).ok_or(Cause::NO_CIRCUIT_AVAILABLE)?;
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
            call.earlier = calling.history.as_deref().map(EarlierDiversion::of).unwrap_or_default();
            call.history.clone_from(&calling.history);
            call.withheld = Some(calling.withheld);
            call.precedence = switch.desk.precedence(None, called);
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
        if self.calls_itself(now, call, trunk, left_because) {
            return;
        }
        let Some(line) = self.take_channel(trunk, None, (call.wanted.clone(), None)) else {
            return self.hunt_on(now, call, Cause::NO_CIRCUIT_AVAILABLE, ReleasedBy::Exchange);
        };
        self.note_guest(call, line);
        let leg = self.try_leg(now, call, line, left_because);
        let identity = call.calling_leg().map(|leg| self.identity(leg.line)).unwrap_or_default();
        let caller = CallingParty { history: call.history.clone(), ..identity };
        let (number, diversions, precedence) =
            (call.wanted.clone(), call.diversions.clone(), call.precedence);
        self.command(call.id, leg, LegCommand::Call { line, number, caller, diversions, precedence });
    }

    /// Calls by the trunks of a group, one behind the other.
    pub(super) fn try_trunks(
        &mut self,
        now: Time,
        call: &mut Call,
        group: TrunkGroupId,
        (left_because, by): (Cause, ReleasedBy),
    ) {
        for trunk in self.trunks.order(group, &mut self.rng).into_iter().rev() {
            call.hunt.push_front(Target::Trunk(trunk));
        }
        self.hunt_on(now, call, left_because, by);
    }

    /// Takes this channel or any one, for somebody with this number and name. Who comes by a channel finds it open.
    pub(super) fn take_channel(
        &mut self,
        trunk: TrunkId,
        channel: Option<LineId>,
        (number, name): (String, Option<String>),
    ) -> Option<LineId> {
        if self.trunks.is_full(self.trunks.get(trunk)?) {
            return None;
        }
        let known = self.trunks.trunks.get_mut(usize::try_from(trunk.0).ok()?)?;
        let wanted = channel.map(|line| line.0.wrapping_sub(known.first));
        let is_fit = |free: &u32| wanted.map_or(!known.closed.contains(free), |wanted| wanted == *free);
        let place = known.free.iter().position(is_fit)?;
        let channel = known.free.remove(place)?;
        let line = LineId(known.first + channel);
        let party = Party { number, name, ..nobody(&known.id, channel) };
        if let Some(place) = self.parties.get_mut(usize::try_from(line.0).ok()?) {
            *place = party;
        }
        Some(line)
    }

    pub(super) fn note_guest(&self, call: &mut Call, line: LineId) {
        if let Some(party) = self.party(line) {
            call.guests.push((line, party.clone()));
        }
    }

    /// How many channels of a trunk are taken.
    #[must_use]
    pub fn taken_channels(&self, trunk: TrunkId) -> u32 {
        self.trunks.get(trunk).map_or(0, Trunk::taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Country, TrunkEntry, TrunkGroupEntry};

    fn group(trunks: &[(u16, u16)]) -> Trunks {
        let mut inventory = Inventory::new("town", Country::default());
        inventory.trunk_groups.push(TrunkGroupEntry { id: "all".to_owned(), channels: None });
        for (at, (priority, weight)) in trunks.iter().enumerate() {
            let entry = TrunkEntry::sip(&at.to_string(), ([127, 0, 0, 1], 5060).into());
            let group = Some("all".to_owned());
            inventory.trunks.push(TrunkEntry { group, priority: *priority, weight: *weight, ..entry });
        }
        inventory.trunks.push(TrunkEntry::sip("alone", ([127, 0, 0, 1], 5060).into()));
        Trunks::new(&inventory, &mut Vec::new())
    }

    #[test]
    fn trunks_are_tried_by_priority() {
        let trunks = group(&[(3, 1), (1, 1), (2, 1)]);
        let order = trunks.order(TrunkGroupId(0), &mut Rng::from_number(1));
        assert_eq!(order, [TrunkId(1), TrunkId(2), TrunkId(0)]);
    }

    #[test]
    fn equals_are_tried_first_as_often_as_their_weights_say() {
        let trunks = group(&[(1, 3), (1, 1), (2, 9)]);
        let mut rng = Rng::from_number(1);
        let mut first = [0; 3];
        for _ in 0..4000 {
            let order = trunks.order(TrunkGroupId(0), &mut rng);
            assert_eq!((order.len(), order[2]), (3, TrunkId(2)));
            first[usize::try_from(order[0].0).unwrap()] += 1;
        }
        // Three to one.
        assert!((2900..=3100).contains(&first[0]) && first[2] == 0, "{first:?}");
    }

    #[test]
    fn a_trunk_without_a_weight_is_seldom_first() {
        let trunks = group(&[(1, 0), (1, 99)]);
        let mut rng = Rng::from_number(1);
        let first = (0..10_000).filter(|_| trunks.order(TrunkGroupId(0), &mut rng)[0] == TrunkId(0)).count();
        assert!((50..=150).contains(&first), "{first}");
    }
}
