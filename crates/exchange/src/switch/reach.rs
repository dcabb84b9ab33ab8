//! How a call finds somebody who takes it: the targets of a route in turn, the members of a hunt group, forwarding.
//!
//! Every way on is bounded: a call is forwarded [`crate::Limits::diversions`] times at most and by no line or
//! group twice, so that lines that forward to each other end it with cause 25.

use strowger_sansio::Time;

use super::call::Call;
use super::{LineCommand, Switch};
use crate::feature::Incoming;
use crate::{
    CallPhase, Cause, Diversion, Event, Forward, GroupId, LegCommand, LegId, LineId, ReleasedBy, Target,
};

impl Switch {
    /// Tries the next target; without one the call ends with the reason why the last could not be had.
    pub(super) fn hunt_on(&mut self, now: Time, call: &mut Call, cause: Cause, by: ReleasedBy) {
        match call.hunt.pop_front() {
            Some(Target::Line(line)) => self.approach(now, call, line, cause),
            Some(Target::Trunk(trunk)) => self.try_trunk(now, call, trunk, cause),
            Some(Target::Trunks(group)) => self.try_trunks(now, call, group, (cause, by)),
            Some(Target::Group(group)) => self.enter_group(now, call, group, cause),
            Some(Target::Release(cause)) => self.end(now, call, cause, ReleasedBy::Exchange),
            None => self.end(now, call, cause, by),
        }
    }

    /// A call for a line, which may not want it.
    fn approach(&mut self, now: Time, call: &mut Call, line: LineId, left_because: Cause) {
        let number = self.number(Some(line)).unwrap_or_default();
        if call.diversions.iter().any(|diversion| diversion.by == number) {
            return self.end(now, call, Cause::EXCHANGE_ROUTING_ERROR, ReleasedBy::Exchange);
        }
        let withheld = call.withheld.unwrap_or_default();
        match self.desk.incoming(line, withheld) {
            Incoming::Ring => self.seize(now, call, line, left_because),
            Incoming::Forward(to) => {
                self.note_caller(call, line);
                self.line_command(line, LineCommand::Remind);
                self.divert(now, call, (Some(line), number), (Forward::Always, to), left_because);
            }
            Incoming::Refuse(cause) => {
                self.note_caller(call, line);
                self.not_to_be_had(now, call, line, cause, ReleasedBy::Called);
            }
        }
    }

    fn enter_group(&mut self, now: Time, call: &mut Call, group: GroupId, left_because: Cause) {
        let pilot = self.desk.group(group).map(|group| group.number.clone()).unwrap_or_default();
        if call.diversions.iter().any(|diversion| diversion.by == pilot) {
            return self.end(now, call, Cause::EXCHANGE_ROUTING_ERROR, ReleasedBy::Exchange);
        }
        call.search = self.desk.search(group);
        self.next_member(now, call, left_because);
    }

    /// Tries the next member of a group; behind the last the call overflows or ends.
    fn next_member(&mut self, now: Time, call: &mut Call, left_because: Cause) {
        let Some(search) = &mut call.search else { return };
        if let Some(line) = self.desk.next_member(search, call.withheld.unwrap_or_default()) {
            return self.seize(now, call, line, left_because);
        }
        let cause = search.cause.unwrap_or(Cause::USER_BUSY);
        let group = self.desk.group(search.group);
        let overflow = group.and_then(|group| Some((group.number.clone(), group.overflow.clone()?)));
        call.search = None;
        match overflow {
            Some((pilot, to)) => {
                let when = if cause == Cause::USER_BUSY { Forward::Busy } else { Forward::NoAnswer };
                self.divert(now, call, (None, pilot), (when, to), cause);
            }
            None => self.end(now, call, cause, ReleasedBy::Called),
        }
    }

    /// Sends the call on. A line sends calls only where it may call itself.
    fn divert(
        &mut self,
        now: Time,
        call: &mut Call,
        (line, by): (Option<LineId>, String),
        (reason, to): (Forward, String),
        left_because: Cause,
    ) {
        if call.times_sent_on() >= self.desk.most_diversions {
            return self.end(now, call, Cause::EXCHANGE_ROUTING_ERROR, ReleasedBy::Exchange);
        }
        self.events.push_back(Event::Diverted { call: call.id, by: by.clone(), reason, to: to.clone() });
        call.diversions.push(Diversion { by, reason, to: to.clone() });
        if let Some(line) = line
            && let Err(cause) = self.desk.permit(&self.plan, line, &to)
        {
            return self.end(now, call, cause, ReleasedBy::Exchange);
        }
        if let Some(origin) = call.origin_leg() {
            self.command(call.id, origin, LegCommand::Forwarded);
        }
        self.route(now, call, &to, left_because, None);
    }

    pub(super) fn seize(&mut self, now: Time, call: &mut Call, line: LineId, left_because: Cause) {
        let (leg, precedence) = (self.try_leg(now, call, line, left_because), call.precedence);
        // A group looks for somebody who is free.
        if call.search.is_none() && self.may_wait(line) {
            self.with_station(line, |station| station.waiting = Some(leg));
            self.command(call.id, leg, LegCommand::Wait { line, precedence });
        } else {
            self.command(call.id, leg, LegCommand::Seize { line, precedence });
        }
    }

    /// A leg for who is tried next, on this line or channel.
    pub(super) fn try_leg(&mut self, now: Time, call: &mut Call, line: LineId, left_because: Cause) -> LegId {
        if let Some(before) = call.called {
            self.release(call, before, left_because);
        }
        if let Some(context) = &mut call.context {
            // Whoever was rung before had it joined.
            context.joined = false;
        }
        self.note_caller(call, line);
        let leg = self.new_leg();
        self.legs.insert(leg, call.id);
        call.try_line(leg, line);
        call.phase = CallPhase::Routing;
        self.deadlines.set(call.id, now + self.timers.setup);
        let called = self.number(Some(line)).unwrap_or_default();
        self.events.push_back(Event::Routed { call: call.id, called });
        leg
    }

    /// The called line remembers who called, for its call return.
    fn note_caller(&mut self, call: &Call, line: LineId) {
        if let Some(caller) = self.number(call.calling_leg().map(|leg| leg.line)) {
            self.desk.was_called(line, &caller, call.withheld.unwrap_or_default());
        }
    }

    /// The line that was tried or rung does not take the call: somebody else may.
    pub(super) fn not_to_be_had(
        &mut self,
        now: Time,
        call: &mut Call,
        line: LineId,
        cause: Cause,
        by: ReleasedBy,
    ) {
        if call.returning.is_some() {
            return self.seek_again(now, call, line, cause, by);
        }
        if let Some(search) = &mut call.search {
            search.note(cause);
            return self.next_member(now, call, cause);
        }
        if let Some((when, to)) = self.desk.forward(line, cause) {
            let number = self.number(Some(line)).unwrap_or_default();
            return self.divert(now, call, (Some(line), number), (when, to), cause);
        }
        let rung = call.phase == CallPhase::Ringing;
        if !rung && leads_to_the_next_target(cause) {
            self.hunt_on(now, call, cause, by);
        } else {
            self.end(now, call, cause, by);
        }
    }

    /// The called line has been rung for as long as it is to be.
    pub(super) fn nobody_answers(&mut self, now: Time, call: &mut Call) {
        match call.sought_line() {
            Some(line) => self.not_to_be_had(now, call, line, Cause::NO_ANSWER, ReleasedBy::Exchange),
            None => self.end(now, call, Cause::NO_ANSWER, ReleasedBy::Exchange),
        }
    }

    /// When the ringing of the called line is over.
    pub(super) fn ringing_ends(&self, now: Time, call: &Call) -> Time {
        let line = call.sought_line().filter(|_| call.returning.is_none());
        let wanted = match &call.search {
            Some(search) => self.desk.group(search.group).and_then(|group| {
                // The last member is rung on, when nobody comes behind.
                (search.goes_on() || group.overflow.is_some()).then_some(group.ring)
            }),
            None => line.and_then(|line| self.desk.no_answer(line)),
        };
        // Who was transferred here has somebody to return to.
        let transferred = (!call.accounts.is_empty()).then_some(self.timers.transfer);
        let until = [Some(self.timers.ringing), wanted, transferred].into_iter().flatten().min();
        now + until.unwrap_or(self.timers.ringing)
    }
}

/// Whether the next target of a route is tried after this: not where the party itself has decided.
pub(super) fn leads_to_the_next_target(cause: Cause) -> bool {
    !matches!(
        cause,
        Cause::USER_BUSY | Cause::CALL_REJECTED | Cause::NORMAL_CLEARING | Cause::BEARER_NOT_AUTHORIZED
    )
}
