//! Answered calls that are taken over from the records of an exchange that has died.
//!
//! Such a call is *unconfirmed* until the accesses of all its parts have said that their streams still flow. If it turns
//! out to be over before that, it ended when its exchange gave the last sign of life: nobody pays for a time of which
//! nobody knows.
//!
//! A party's calls come back as they were recorded last: in hand, on hold, mixed. What a party with a call on hold had begun
//! besides and nobody had answered is over, and it returns to the call on hold as after any consultation that failed.
//! A call whose party was transferred comes back behind the call that it was transferred to, for its record. If nobody had answered
//! there, or who transferred the party was being sought for it again, the party waits for that as before: it is given back when its
//! own stream is confirmed and the line of who transferred it serves.
//!
//! A channel of a trunk is taken again by the call that it was taken by; who is at its far end is told by the record alone.

use strowger_sansio::Time;

use super::Switch;
use super::call::{Account, Call, Context, Leg, Progress, Returning, StreamEnd};
use super::station::{Pair, Station};
use crate::{
    CallId, CallPhase, CallStable, ContextId, Event, Flow, LegCommand, LegId, LineId, Party, Side, Stream,
    StreamRole, Tone,
};

/// The parts of a call that was taken over, for the accesses to adopt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestoredCall {
    /// The call.
    pub call: CallId,
    /// The legs of its sides, the calling one first; one alone where a party waits to be given back.
    pub legs: [Option<RestoredLeg>; 2],
    /// The context between them.
    pub context: Option<ContextId>,
}

/// A leg of a call that was taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestoredLeg {
    /// The leg.
    pub leg: LegId,
    /// Its line.
    pub line: LineId,
    /// Its side.
    pub side: Side,
    /// Whether its party has it in hand, and not on hold.
    pub in_hand: bool,
}

/// Whom a party waits for that was taken over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Awaited {
    line: LineId,
    /// Whether that line serves.
    serves: bool,
    /// Whether the party is known to be there.
    confirmed: bool,
}

/// The calls that stood, in the order in which they can be taken over: by age, so that of two calls of a party the later one is
/// known, and those that go on for their records alone behind the calls that they hang on.
pub(crate) fn in_order(standing: &[CallStable]) -> Vec<&CallStable> {
    let mut order: Vec<_> = standing.iter().collect();
    let joined_at = |stable: &CallStable| {
        let last = stable.transfers.last().map(|transfer| transfer.at);
        stable.joined.and(last).map(std::cmp::Reverse)
    };
    order.sort_by_key(|stable| (stable.joined.is_some(), joined_at(stable), stable.start));
    order
}

impl Switch {
    /// The lines of those who are in an answered call, the calling side's first, or of the one who waits in it: none when the inventory has
    /// them no more, or not there.
    #[must_use]
    pub fn lines_of(&self, stable: &CallStable) -> Vec<(Side, LineId)> {
        let line = |side: Side| {
            let at = &own_stream(stable, side)?.termination;
            let of_party = || {
                self.find(|party| {
                    party.gateway == at.gateway && party.endpoint.eq_ignore_ascii_case(&at.endpoint)
                })
            };
            let line = self.trunks.circuit_at(&at.gateway, &at.endpoint).or_else(of_party)?;
            Some((side, line))
        };
        let lines: Vec<_> = [Side::Calling, Side::Called].into_iter().filter_map(line).collect();
        let wanted = if stable.awaited.is_some() { 1 } else { 2 };
        if lines.len() == wanted { lines } else { Vec::new() }
    }

    fn line_of(&self, party: &Party) -> Option<LineId> {
        let line = self
            .find(|own| own.gateway == party.gateway && own.endpoint.eq_ignore_ascii_case(&party.endpoint))?;
        // Whoever is at a channel has a number of his own each time.
        let is_same = self.trunks.has(line) || self.party(line)?.number == party.number;
        is_same.then_some(line)
    }

    /// Takes the channels again that a call has, for who is at them.
    fn take_channels(&mut self, call: &mut Call, lines: &[LineId], known: [&Party; 2]) {
        for line in lines.iter().copied() {
            if !self.trunks.has(line) {
                continue;
            }
            self.trunks.take(line);
            let Some(own) = self.party(line) else { continue };
            let is_at = |party: &&Party| party.gateway == own.gateway && party.endpoint == own.endpoint;
            if let Some(party) = known.into_iter().find(is_at).cloned()
                && let Some(place) = usize::try_from(line.0).ok().and_then(|at| self.parties.get_mut(at))
            {
                *place = party;
            }
        }
        for party in known {
            if let Some(line) = self.line_of(party).filter(|line| self.trunks.has(*line)) {
                call.guests.push((line, party.clone()));
            }
        }
    }

    /// Whether the channels among these lines are free.
    fn are_free(&self, lines: &[LineId]) -> bool {
        lines.iter().all(|line| !self.trunks.has(*line) || self.trunks.is_free(*line))
    }

    fn find(&self, is: impl Fn(&Party) -> bool) -> Option<LineId> {
        let (_, id) = self.parties.iter().zip(0..).find(|(own, _)| is(own))?;
        Some(LineId(id))
    }

    /// A call as it was recorded, without its parts.
    fn recorded(&mut self, stable: &CallStable, alive: Time) -> Option<Call> {
        if self.calls.contains_key(&stable.call) || self.calls.len() >= self.most_calls {
            return None;
        }
        let (payer, reached) = (self.line_of(&stable.calling)?, self.line_of(&stable.called)?);
        let mut call = Call::new(stable.call, stable.start, self.new_leg(), payer);
        call.try_line(self.new_leg(), reached);
        call.phase = CallPhase::Answered;
        call.dialled.clone_from(&stable.dialled);
        call.earlier.clone_from(&stable.earlier);
        call.diversions.clone_from(&stable.diversions);
        call.transfers.clone_from(&stable.transfers);
        // The wall's clock may have been set back since: what was before is not behind what came after it.
        let answer = stable.answer.min(alive);
        call.start = stable.start.min(answer);
        call.alerting = stable.alerting.map(|at| at.clamp(call.start, answer));
        call.answer = Some(answer);
        for transfer in &mut call.transfers {
            transfer.at = transfer.at.clamp(answer, alive);
        }
        call.unconfirmed = Some(alive);
        Some(call)
    }

    /// Takes over an answered call. Its accesses will say what they find by `Connected` and `Modified`, as if they had
    /// been asked to connect.
    pub fn restore(&mut self, stable: &CallStable, alive: Time) -> Option<RestoredCall> {
        let lines = self.lines_of(stable);
        let [(_, calling_line), (_, called_line)] = lines.as_slice() else { return None };
        let (calling_line, called_line) = (*calling_line, *called_line);
        let find = |role: StreamRole| stable.streams.iter().find(|stream| stream.role == role);
        let end = |role: StreamRole| {
            find(role).map(|stream| StreamEnd::new(stream.termination.clone(), stream.local.clone()))
        };
        let relayed = (end(StreamRole::RelayCalling), end(StreamRole::RelayCalled));
        let own = [(StreamRole::Calling, calling_line), (StreamRole::Called, called_line)];
        let room = |(role, line)| find(role).is_some_and(|own| self.station(line).has_room(own.flow));
        let free = self.are_free(&[calling_line, called_line]);
        if !free || !own.into_iter().all(room) || relayed.0.is_some() != relayed.1.is_some() {
            return None;
        }
        let mut call = self.recorded(stable, alive)?;
        self.take_channels(&mut call, &[calling_line, called_line], [&stable.calling, &stable.called]);
        call.context = relayed.0.zip(relayed.1).map(|(calling, called)| {
            let id = self.new_context();
            self.contexts.insert(id, stable.call);
            Context { calling: Some(calling), called: Some(called), ..Context::new(id) }
        });
        let places = [Some(call.calling), call.called];
        for ((role, line), leg) in own.into_iter().zip(places) {
            let (Some(stream), Some(leg)) = (find(role), leg) else { continue };
            self.legs.insert(leg, stable.call);
            if let Some(own) = call.leg(leg) {
                (own.line, own.origin, own.flow) = (line, stream.call, stream.flow);
                (own.progress, own.stream) = (Progress::Opened, end(role));
                own.session.clone_from(&stream.session);
            }
            let pair = if role == StreamRole::Calling { Pair::Consultation } else { Pair::Waiting };
            self.with_station(line, |station| station.place(leg, stream.flow, pair));
        }
        for leg in places.into_iter().flatten() {
            self.let_hear(&call, leg);
        }
        let leg = |side: Side, line| {
            let leg = call.at(side)?;
            Some(RestoredLeg { leg, line, side, in_hand: self.station(line).hand == Some(leg) })
        };
        let legs = [Some(leg(Side::Calling, calling_line)?), Some(leg(Side::Called, called_line)?)];
        let restored = RestoredCall { call: call.id, legs, context: call.context.as_ref().map(|c| c.id) };
        self.calls.insert(stable.call, call);
        self.tell_restored(stable);
        Some(restored)
    }

    /// Takes over a call of which one party waits to be given back to who has transferred it. Its access will say what it finds by
    /// `Connected`.
    pub(crate) fn restore_waiting(
        &mut self,
        now: Time,
        stable: &CallStable,
        alive: Time,
    ) -> Option<RestoredCall> {
        let by = self.line_of(stable.awaited.as_ref()?)?;
        let [(side, line)] = *self.lines_of(stable).as_slice() else { return None };
        let own = own_stream(stable, side).filter(|own| self.station(line).has_room(own.flow))?;
        if !self.are_free(&[line]) {
            return None;
        }
        let mut call = self.recorded(stable, alive)?;
        self.take_channels(&mut call, &[line], [&stable.calling, &stable.called]);
        let leg = self.new_leg();
        let stream = StreamEnd::new(own.termination.clone(), own.local.clone());
        let party = Leg {
            progress: Progress::Opened,
            stream: Some(stream),
            session: own.session.clone(),
            flow: own.flow,
            ..Leg::new(leg, line, own.call)
        };
        call.legs.clear();
        call.adopt(party, side);
        self.legs.insert(leg, call.id);
        let pair = if side == Side::Calling { Pair::Consultation } else { Pair::Waiting };
        self.with_station(line, |station| station.place(leg, own.flow, pair));
        let until = now + self.timers.returning;
        let returning = Returning { by, failures: 0, until, waits: false, kept: false, gone: false };
        (call.phase, call.sought, call.returning) = (CallPhase::Routing, side.other(), Some(returning));
        self.deadlines.set(call.id, until);
        self.awaited.insert(call.id, Awaited { line: by, serves: false, confirmed: false });
        self.command(call.id, leg, LegCommand::Play(Tone::Hold));
        // Nobody had answered where it was transferred to.
        if let Some(joined) = stable.joined {
            let by = call.transfers.pop().map(|transfer| transfer.by).unwrap_or_default();
            self.events.push_back(Event::TransferFailed { call: call.id, from: joined.call, by });
            call.changed = true;
        }
        let leg = RestoredLeg { leg, line, side, in_hand: self.station(line).hand == Some(leg) };
        let mut legs = [None; 2];
        legs[usize::from(side == Side::Called)] = Some(leg);
        let restored = RestoredCall { call: call.id, legs, context: None };
        self.put_back(call);
        self.tell_restored(stable);
        Some(restored)
    }

    /// The party of a call that was taken over is there.
    pub(super) fn found_waiting(&mut self, now: Time, call: &mut Call) {
        let Some(awaited) = self.awaited.get_mut(&call.id) else { return };
        awaited.confirmed = true;
        let Awaited { line, serves, .. } = *awaited;
        self.confirm(call);
        if serves {
            self.awaited.remove(&call.id);
            self.seek(now, call, line);
        }
    }

    /// A line serves: the parties that wait for it since they were taken over are given back.
    pub(super) fn give_restored_back(&mut self, now: Time, line: LineId) {
        let mut due = Vec::new();
        self.awaited.retain(|call, awaited| {
            awaited.serves |= awaited.line == line;
            let is_due = awaited.serves && awaited.confirmed;
            due.extend(is_due.then_some(*call));
            !is_due
        });
        for call in due {
            self.with_call(call, |switch, call| switch.seek(now, call, line));
        }
    }

    /// Takes over a call that goes on for its record alone; says whether the call that it hangs on is there.
    pub fn restore_account(&mut self, stable: &CallStable, alive: Time) -> bool {
        let Some(joined) = stable.joined.filter(|joined| self.calls.contains_key(&joined.call)) else {
            return false;
        };
        let Some(mut call) = self.recorded(stable, alive) else { return false };
        call.legs.clear();
        call.joined = Some(joined);
        self.calls.insert(call.id, call);
        let mut depth = 0;
        let mut below = Some(joined.call);
        while let Some(call) = below.and_then(|below| self.calls.get_mut(&below)) {
            depth += 1;
            call.depth = call.depth.max(depth);
            below = call.joined.map(|joined| joined.call);
        }
        if let Some(call) = self.calls.get_mut(&joined.call) {
            call.accounts.push(Account { call: stable.call, side: joined.side, here: joined.here });
        }
        self.tell_restored(stable);
        true
    }

    /// All calls are taken over that can be. A three-way call of which one half could not is a plain call.
    pub(crate) fn restored(&mut self) {
        let halves = self.stations.values_mut().filter(|station| station.mixed && station.held.is_none());
        for leg in halves.filter_map(|station| {
            station.mixed = false;
            station.hand
        }) {
            let call = self.legs.get(&leg).and_then(|call| self.calls.get_mut(call));
            if let Some(leg) = call.and_then(|call| call.leg(leg)) {
                leg.flow = Flow::Both;
            }
        }
    }

    fn tell_restored(&mut self, stable: &CallStable) {
        let (calling, called) = (stable.calling.number.clone(), stable.called.number.clone());
        self.events.push_back(Event::Restored { call: stable.call, calling, called });
    }

    /// The call stands, and with it those that hang on it.
    pub(super) fn confirm(&mut self, call: &mut Call) {
        if call.unconfirmed.take().is_some() {
            for account in call.accounts.clone() {
                self.with_call(account.call, Self::confirm);
            }
        }
    }
}

/// The stream of the party on this side.
fn own_stream(stable: &CallStable, side: Side) -> Option<&Stream> {
    stable.streams.iter().find(|stream| stream.role == StreamRole::of(side))
}

impl Station {
    /// Whether a call can be in this place beside those that there are.
    fn has_room(&self, flow: Flow) -> bool {
        match flow {
            Flow::Both => self.hand.is_none(),
            Flow::Rest => self.held.is_none() && !self.mixed,
            Flow::Mixed => self.held.is_none() && (self.hand.is_none() || self.mixed),
        }
    }

    /// Puts a call in its place. `pair`: how the line came to it, if it is the second.
    fn place(&mut self, leg: LegId, flow: Flow, pair: Pair) {
        if self.hand.is_some() || self.held.is_some() {
            self.pair = pair;
        }
        match flow {
            Flow::Both => self.hand = Some(leg),
            Flow::Rest => self.held = Some(leg),
            Flow::Mixed => {
                (self.held, self.hand) = (self.hand, Some(leg));
                self.mixed = true;
            }
        }
    }
}

impl Call {
    /// When the call ends if it ends now.
    pub(super) fn ended_at(&self, now: Time) -> Time {
        self.unconfirmed.unwrap_or(now)
    }
}
