//! Transfer: a party of two calls joins the others and leaves.
//!
//! The party that was on hold takes the place of the one that leaves in the second call, in whatever phase that is:
//! talking, ringing, or about to be routed (blind). The first call keeps its record and nothing else; it ends when
//! the second does. So each of the two is paid for by who began it, for as long as it was of use. When nobody takes the
//! second, the party returns to the first (see `returning`).

use strowger_sansio::Time;

use super::Switch;
use super::call::{Account, Call, Progress, StreamEnd};
use crate::{
    CallPhase, Cause, ContextCommand, Event, Joined, LegCommand, LegId, LineId, ReleasedBy, Side, Stream,
    StreamRole, Transfer,
};

/// How many calls may hang one on the other. 16: more than an afternoon of a department; without a bound two parties
/// could make the chain as long as there are calls.
const CHAIN: u32 = 16;

impl Switch {
    /// Joins the far parties of two legs of a line; says whether it came to that.
    pub(super) fn transfer(&mut self, now: Time, line: LineId, held: LegId, hand: LegId) -> bool {
        let call = |leg: LegId| self.legs.get(&leg).copied();
        let (Some(first), Some(second)) = (call(held), call(hand)) else { return false };
        let Some(mut second) = self.calls.remove(&second) else { return false };
        let mut joined = false;
        self.with_call(first, |switch, first| {
            joined = switch.join(now, line, (first, held), (&mut second, hand));
        });
        self.put_back(second);
        joined
    }

    /// The number that was dialled is for the held party.
    pub(super) fn transfer_blind(&mut self, now: Time, second: &mut Call, hand: LegId) {
        let Some(line) = second.leg(hand).map(|leg| leg.line) else { return };
        let first = self.station(line).held.and_then(|held| Some((held, self.legs.get(&held).copied()?)));
        if let Some((held, first)) = first {
            self.with_call(first, |switch, first| {
                switch.join(now, line, (first, held), (second, hand));
            });
        }
    }

    pub(super) fn join(
        &mut self,
        now: Time,
        line: LineId,
        (first, held): (&mut Call, LegId),
        (second, hand): (&mut Call, LegId),
    ) -> bool {
        let (Some(side), Some(here)) = (first.side(held), second.side(hand)) else { return false };
        let deep = first.depth >= CHAIN;
        if deep || !first.is_answered() || first.end.is_some() || second.end.is_some() {
            return false;
        }
        // A party is not joined with itself, though it may have answered both.
        let other = second.peer(hand).map(|other| other.line);
        let far = first.peer(held).filter(|far| far.stream.is_some() && Some(far.line) != other);
        let far = far.map(|far| far.id);
        let Some(far) = far.and_then(|far| first.take_leg(far)) else { return false };
        let party = far.id;
        self.legs.insert(party, second.id);
        first.lent = None;
        if let Some(end) = far.stream.clone().filter(|_| !second.is_answered()) {
            let StreamEnd { termination, local, .. } = end;
            let (role, call, flow) = (StreamRole::of(side.other()), far.origin, far.flow);
            let session = far.session.clone();
            first.lent = Some((line, Stream { role, call, termination, local, flow, session }));
        }
        second.adopt(far, here);
        for (call, leg) in [(&mut *first, held), (&mut *second, hand)] {
            if let Some(leg) = call.leg(leg) {
                leg.left = true;
            }
            self.release(call, leg, Cause::NORMAL_CLEARING);
        }
        self.subtract(first);
        self.deadlines.cancel(&first.id);
        let side = side.other();
        first.joined = Some(Joined { call: second.id, side, here });
        (first.changed, second.changed) = (true, true);
        second.depth = second.depth.max(first.depth + 1);
        second.accounts.push(Account { call: first.id, side, here });
        let by = self.number(Some(line)).unwrap_or_default();
        first.transfers.push(Transfer { at: now, by: by.clone(), with: second.id });
        second.transfers.push(Transfer { at: now, by: by.clone(), with: first.id });
        self.events.push_back(Event::Transferred { call: second.id, with: first.id, by });
        if second.phase == CallPhase::Ringing {
            let until = self.ringing_ends(now, second);
            self.deadlines.set(second.id, until);
        } else if second.is_answered() {
            self.await_recalled(now, second);
        }
        self.lead(second, party, here);
        true
    }

    /// Leads the stream of a party that has come into a call to the other side of it.
    fn lead(&mut self, call: &mut Call, party: LegId, here: Side) {
        let Some(local) = call.leg(party).and_then(|leg| leg.local()) else { return };
        let other = call.peer(party).map(|peer| (peer.id, peer.local()));
        let relay = call.context.as_mut().and_then(|context| {
            let id = context.id;
            let stream = context.side(here).as_ref()?;
            Some((id, Some(stream.local.clone())))
        });
        if let Some((id, remote)) = relay {
            self.context_command(call.id, id, ContextCommand::Modify { side: here, remote: local });
            if call.is_answered() {
                self.point(call, party, remote);
            }
        } else if let Some((other, remote)) = other.clone().filter(|_| call.is_answered()) {
            self.point(call, party, remote);
            self.point(call, other, Some(local));
        }
        if !call.is_answered() {
            // Until there is somebody to send to, it must not send to where somebody else may soon be.
            call.readdress = true;
            self.command(call.id, party, LegCommand::Hold { remote: None });
        }
        self.let_hear(call, party);
        if let Some((other, _)) = other.filter(|_| call.is_answered()) {
            self.let_hear(call, other);
        }
    }

    /// A call has ended: those that went on for its sake end too, on the same account.
    pub(super) fn close_accounts(&mut self, now: Time, call: &mut Call, cause: Cause, by: ReleasedBy) {
        for account in std::mem::take(&mut call.accounts) {
            let by = match by.side() {
                None => by,
                Some(side) if side == account.here => account.side.into(),
                Some(_) => account.side.other().into(),
            };
            self.with_call(account.call, |switch, call| switch.end(now, call, cause, by));
        }
    }

    /// Frees the context of a call.
    pub(super) fn subtract(&mut self, call: &mut Call) {
        if let Some(context) = &mut call.context
            && !matches!(context.progress, Progress::Ended | Progress::Cleared)
        {
            context.progress = Progress::Ended;
            let context = context.id;
            self.context_command(call.id, context, ContextCommand::Subtract);
        }
    }
}
