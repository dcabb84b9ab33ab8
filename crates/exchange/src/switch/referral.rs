//! Transfers that the peer of a trunk asks for, and the places that it gives to others of its users.
//!
//! A transfer is that of a line whose subscriber has two calls (`transfer`): the leg of who asks is the one on hold, and the other leg
//! is that of another call of the peer's, or stands for a call to a number that it has begun and left at once. Who is
//! transferred to a number goes where a call of the peer to that number would go, on the peer's account.

use strowger_sansio::Time;

use super::Switch;
use super::call::{Leg, Progress, Returning};
use super::station::{Pair, Station};
use crate::{
    CallId, CallPhase, CallingParty, Cause, Event, LegId, LineId, ReleasedBy, Resolution, Side, TrunkId,
};

/// Whom a party is transferred to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReferTo {
    /// Whoever a number leads to.
    Number(String),
    /// The other side of this leg, which the same peer has.
    Leg(LegId),
}

/// Whose call takes the place of a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replacing {
    /// One that comes by this trunk.
    Trunk(TrunkId),
    /// One of the telephone on this line.
    Line(LineId),
}

impl Switch {
    /// The peer of a leg transfers who it talks to. Gives the call that says how that goes, and whether that is answered already.
    ///
    /// # Errors
    /// The cause to refuse it with: nobody talks on this leg, or the number leads nowhere.
    pub fn handle_referral(&mut self, now: Time, leg: LegId, to: &ReferTo) -> Result<(CallId, bool), Cause> {
        let first = self.legs.get(&leg).and_then(|call| self.calls.get(call));
        let own = first.and_then(|call| {
            let own = call.legs.iter().find(|own| own.id == leg && own.is_live())?;
            call.is_answered().then_some(())?;
            Some((call.id, own.line))
        });
        let (first, line) = own.ok_or(Cause::FACILITY_REJECTED)?;
        if self.is_subscriber(line) && !self.features(line).transfer {
            return Err(Cause::FACILITY_NOT_SUBSCRIBED);
        }
        let made = match to {
            ReferTo::Leg(other) => {
                let second = self.legs.get(other).copied().filter(|second| *second != first);
                let second = second.filter(|_| self.transfer(now, line, leg, *other));
                second.ok_or(Cause::FACILITY_REJECTED)
            }
            ReferTo::Number(number) => self.transfer_to(now, (first, leg, line), number),
        };
        self.settle(now);
        let call = made?;
        Ok((call, self.calls.get(&call).is_some_and(super::call::Call::is_answered)))
    }

    fn transfer_to(
        &mut self,
        now: Time,
        (first, leg, line): (CallId, LegId, LineId),
        number: &str,
    ) -> Result<CallId, Cause> {
        // A line sends others only where it may call itself.
        self.desk.permit(&self.plan, line, number)?;
        let resolution = if self.is_subscriber(line) {
            self.plan.resolve(&self.plan.as_dialled(number))
        } else {
            self.plan.resolve_incoming(number)
        };
        match resolution {
            Resolution::Hunt { .. } => {}
            Resolution::Incomplete => return Err(Cause::INVALID_NUMBER_FORMAT),
            Resolution::Unallocated => return Err(Cause::UNALLOCATED_NUMBER),
        }
        let withheld = self.calls.get(&first).and_then(|call| {
            let party = call.peer(leg)?;
            let is_caller = call.side(party.id) == Some(Side::Calling);
            Some(if is_caller { call.withheld.unwrap_or_default() } else { self.desk.withholds(party.line) })
        });
        let (second, hand) = self.begin(now, line)?;
        // Nothing stands for who has begun it, and left.
        self.legs.remove(&hand);
        let Some(mut call) = self.calls.remove(&second) else { return Err(Cause::TEMPORARY_FAILURE) };
        if let Some(hand) = call.leg(hand) {
            hand.progress = Progress::Cleared;
        }
        self.note_guest(&mut call, line);
        number.clone_into(&mut call.dialled);
        call.withheld = withheld;
        let mut joined = false;
        self.with_call(first, |switch, first| {
            joined = switch.join(now, line, (first, leg), (&mut call, hand));
        });
        if joined {
            self.events.push_back(Event::Dialled { call: second, digits: number.to_owned() });
            self.follow_route(now, &mut call, (number, resolution), Cause::NO_ROUTE_TO_DESTINATION, None);
        } else {
            self.end(now, &mut call, Cause::FACILITY_REJECTED, ReleasedBy::Exchange);
        }
        self.put_back(call);
        joined.then_some(second).ok_or(Cause::FACILITY_REJECTED)
    }

    /// A call comes to take the place of a leg: of one that talks, or of one that is rung, which is picked up so. Its new leg and line; its command
    /// follows.
    ///
    /// # Errors
    /// The cause to refuse it with: nobody talks on that leg, or is rung, any more; there is no free channel, or the telephone has two calls
    /// already.
    pub fn handle_replacement(
        &mut self,
        now: Time,
        by: Replacing,
        calling: &CallingParty,
        replaced: Option<LegId>,
    ) -> Result<(LegId, LineId), Cause> {
        let replaced = replaced.ok_or(Cause::CALL_REJECTED)?;
        let id = self.legs.get(&replaced).copied().ok_or(Cause::CALL_REJECTED)?;
        let call = self.calls.get(&id).ok_or(Cause::CALL_REJECTED)?;
        let is_there = call.legs.iter().any(|leg| leg.id == replaced && leg.is_live());
        let rings = matches!(call.phase, CallPhase::Offering | CallPhase::Ringing)
            && call.sought_leg() == Some(replaced)
            && call.returning.is_none();
        let talks = call.is_answered() && call.peer(replaced).is_some();
        if !(is_there && (rings || talks)) {
            return Err(Cause::CALL_REJECTED);
        }
        let line = match by {
            Replacing::Trunk(trunk) => {
                let guest = (calling.number.clone().unwrap_or_default(), calling.name.clone());
                self.take_channel(trunk, None, guest).ok_or(Cause::NO_CIRCUIT_AVAILABLE)?
            }
            Replacing::Line(line) => {
                let Station { hand, held, .. } = self.station(line);
                if held.is_some() && hand.is_some_and(|hand| hand != replaced) {
                    return Err(Cause::USER_BUSY);
                }
                line
            }
        };
        let leg = self.new_leg();
        self.legs.insert(leg, id);
        let is_elsewhere = self.station(line).hand != Some(replaced);
        if self.is_subscriber(line) && is_elsewhere {
            self.turn_to(line, leg, Pair::Consultation);
        } else {
            self.give_in_hand(line, leg);
        }
        self.with_call(id, |switch, call| {
            let Some(side) = call.side(replaced) else { return };
            switch.note_guest(call, line);
            let until = now + switch.timers.setup;
            let new = Leg { progress: Progress::Seized, ..Leg::new(leg, line, id) };
            if rings {
                switch.release(call, replaced, Cause::NON_SELECTED_USER_CLEARING);
                call.pick_up(new);
                let called = switch.number(Some(line)).unwrap_or_default();
                switch.events.push_back(Event::Routed { call: id, called });
            } else {
                if let Some(left) = call.leg(replaced) {
                    left.left = true;
                }
                switch.release(call, replaced, Cause::NORMAL_CLEARING);
                call.adopt(new, side);
                // It is sought as one who is known to be there.
                let (waits, kept, gone) = (false, true, false);
                call.returning = Some(Returning { by: line, failures: 0, until, waits, kept, gone });
                (call.sought, call.changed) = (side, true);
            }
            call.phase = CallPhase::Routing;
            if let Some(context) = &mut call.context {
                context.joined = false;
            }
            switch.deadlines.set(id, until);
            switch.prepare(now, call);
        });
        self.settle(now);
        Ok((leg, line))
    }
}
