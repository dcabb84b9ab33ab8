//! The way back of a party that was transferred to somebody who did not take it: busy, no answer, a fault, a number that leads
//! nowhere in the end.
//!
//! It takes its side in the first call again, and who had transferred it is sought for the other side as a called party is:
//! rung where the receiver is on the hook, and given the call on hold where it is still off. Where another call is in the way, behind
//! which none can wait, the party waits for the end of that, for a time. The second call ends by itself, with
//! its own reason. The first was answered long ago, and only where its parties cannot be brought together again it ends.

use std::collections::VecDeque;

use strowger_sansio::Time;

use super::Switch;
use super::call::{Call, Leg, Progress, Returning};
use super::leaving::Leaving;
use super::station::Station;
use crate::{CallPhase, Cause, Event, Flow, LegCommand, LegId, LineId, Precedence, ReleasedBy, Side, Tone};

/// How often a party is sought for what it had transferred. 4: it may lift and put back its receiver in the very moments in which
/// it is asked for, but not for ever.
const SEEKS: u8 = 4;

impl Switch {
    /// The call ends: if a party was transferred into it and nobody has answered, that party goes back.
    pub(super) fn give_back(&mut self, now: Time, call: &mut Call) {
        let in_vain = call.answer.is_none() && call.leaving != Leaving::Done;
        let Some(account) = call.accounts.last().copied().filter(|_| in_vain) else { return };
        let Some((left, by)) = call.legs.iter().find(|leg| leg.left).map(|leg| (leg.id, leg.line)) else {
            return;
        };
        let is_there = |leg: &LegId| call.legs.iter().any(|own| own.id == *leg && own.is_live());
        let Some(party) = call.at(account.here).filter(is_there) else { return };
        let Some(party) = call.take_leg(party) else { return };
        call.accounts.pop();
        call.transfers.pop();
        // This is the call of who transferred, as if nothing had been.
        call.give_side(left, account.here);
        if let Some(left) = call.leg(left) {
            left.left = false;
        }
        self.legs.insert(party.id, account.call);
        let (from, number) = (call.id, self.number(Some(by)).unwrap_or_default());
        self.events.push_back(Event::TransferFailed { call: account.call, from, by: number });
        self.with_call(account.call, |switch, first| switch.take_back(now, first, (party, account.side), by));
    }

    /// A party is in its call again, and `by` is sought for it.
    fn take_back(&mut self, now: Time, call: &mut Call, (party, side): (Leg, Side), by: LineId) {
        call.adopt(party, side);
        (call.joined, call.lent) = (None, None);
        call.changed = true;
        call.transfers.pop();
        if let Some(context) = call.context.take_if(|context| self.contexts.contains_key(&context.id)) {
            call.spent.push(context.id);
        }
        call.context = None;
        call.search = None;
        call.hunt.clear();
        let until = now + self.timers.returning;
        let returning = Returning { by, failures: 0, until, waits: false, kept: false, gone: false };
        (call.sought, call.returning, call.readdress) = (side.other(), Some(returning), false);
        self.seek(now, call, by);
    }

    /// Asks for the line of who transferred.
    pub(super) fn seek(&mut self, now: Time, call: &mut Call, line: LineId) {
        call.phase = CallPhase::Routing;
        self.deadlines.set(call.id, now + self.timers.setup);
        if let Some(context) = &mut call.context {
            // Whoever was rung before had it joined.
            context.joined = false;
        }
        // Somebody has been talking in it.
        let precedence = Precedence::Standing;
        let leg = self.seek_by(call, line);
        if self.may_wait(line) {
            self.with_station(line, |station| station.waiting = Some(leg));
            self.command(call.id, leg, LegCommand::Wait { line, precedence });
        } else {
            self.command(call.id, leg, LegCommand::Seize { line, precedence });
        }
    }

    fn seek_by(&mut self, call: &mut Call, line: LineId) -> LegId {
        let leg = self.new_leg();
        self.legs.insert(leg, call.id);
        call.adopt(Leg::new(leg, line, call.id), call.sought);
        leg
    }

    /// The line of who transferred could not be had so.
    pub(super) fn seek_again(
        &mut self,
        now: Time,
        call: &mut Call,
        line: LineId,
        cause: Cause,
        by: ReleasedBy,
    ) {
        let Some(returning) = call.returning else { return };
        let failures = returning.failures + 1;
        let Station { hand, held, .. } = self.station(line);
        let mut beside = [hand, held].into_iter().flatten().filter(|leg| call.sought_leg() != Some(*leg));
        // The line was kept for it: a call of its own has come in between.
        let overtaken = hand.is_some() && hand == call.sought_leg();
        let elsewhere = beside.next().is_some();
        let rung = call.phase == CallPhase::Ringing;
        if cause == Cause::USER_BUSY && (overtaken || elsewhere && !rung) {
            return self.wait_for(now, call, line, cause, by);
        }
        if rung || elsewhere || failures >= SEEKS {
            return self.end(now, call, cause, by);
        }
        let kept = cause == Cause::USER_BUSY;
        call.returning = Some(Returning { failures, kept, gone: false, ..returning });
        match cause {
            // Off the hook without a call: it has not hung up since, and has this one on hold.
            Cause::USER_BUSY => {
                let leg = self.seek_by(call, line);
                call.phase = CallPhase::Routing;
                self.deadlines.set(call.id, now + self.timers.setup);
                self.with_station(line, |station| station.held = Some(leg));
                self.command(call.id, leg, LegCommand::Keep { line });
                if let Some(leg) = call.leg(leg) {
                    (leg.progress, leg.flow) = (Progress::Seized, Flow::Rest);
                }
                self.prepare(now, call);
            }
            // It has just hung up.
            Cause::NORMAL_CLEARING => self.seek(now, call, line),
            _ => self.end(now, call, cause, by),
        }
    }

    /// Who transferred is in another call: the party waits for the end of that.
    fn wait_for(&mut self, now: Time, call: &mut Call, line: LineId, cause: Cause, by: ReleasedBy) {
        let Some(returning) = call.returning.filter(|returning| now < returning.until) else {
            return self.end(now, call, cause, by);
        };
        call.returning = Some(Returning { failures: 0, waits: true, ..returning });
        call.phase = CallPhase::Routing;
        self.deadlines.set(call.id, returning.until);
        self.returns.entry(line).or_default().push_back(call.id);
        if let Some(party) = call.origin_leg() {
            self.command(call.id, party, LegCommand::Play(Tone::Hold));
        }
    }

    /// A leg of a line has ended, or its party talks now, so that another call may wait: the party that waits for that is given back.
    pub(super) fn give_next_back(&mut self, now: Time, line: LineId) {
        if !self.returns.contains_key(&line) || !(self.station(line).is_empty() || self.may_wait(line)) {
            return;
        }
        let next = self.returns.get_mut(&line).and_then(VecDeque::pop_front);
        self.returns.retain(|_, calls| !calls.is_empty());
        if let Some(next) = next {
            self.with_call(next, |switch, call| {
                if let Some(returning) = &mut call.returning {
                    returning.waits = false;
                }
                switch.seek(now, call, line);
            });
        }
    }

    /// The call does not wait any more for the end of another, if it did.
    pub(super) fn wait_no_more(&mut self, call: &mut Call) {
        self.awaited.remove(&call.id);
        let Some(returning) = call.returning.as_mut().filter(|returning| returning.waits) else { return };
        returning.waits = false;
        self.returns.retain(|_, calls| {
            calls.retain(|waits| *waits != call.id);
            !calls.is_empty()
        });
    }

    /// Whether the party that hangs up had on hold what is just being given back to it: it will be rung for that. The party that
    /// comes back may have it on hold as well, and is not.
    pub(super) fn leaves_what_returns(&mut self, held: LegId) -> bool {
        let mut returns = false;
        self.with_leg(held, |_, call| {
            let sought = call.sought_leg() == Some(held);
            if let Some(returning) = call.returning.as_mut().filter(|_| sought) {
                (returning.gone, returns) = (true, true);
            }
        });
        returns
    }

    /// Who transferred has the party again.
    pub(super) fn given_back(&mut self, call: &mut Call, leg: LegId) {
        call.sought = Side::Called;
        call.changed = true;
        let by = call.leg(leg).map(|leg| leg.line);
        let by = self.number(by).unwrap_or_default();
        self.events.push_back(Event::Retrieved { call: call.id, by });
    }
}
