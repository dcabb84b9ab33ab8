//! How a call moves from phase to phase.

use strowger_sansio::Time;

use super::Switch;
use super::call::{Call, Context, End, Leg, Progress, StreamEnd};
use crate::feature::Stage;
use crate::{
    CallPhase, CallingParty, Cause, ContextCommand, ContextEvent, Event, Flow, LegCommand, LegEvent, LegId,
    MediaStatistics, Record, ReleasedBy, Sdp, Side, Tone,
};

/// How often the sides of one call may describe their streams anew. 8: each side once for each of the changes
/// that a call can go through; two gateways that answer every description with another one would otherwise
/// never stop.
const REDESCRIPTIONS: u32 = 8;

impl Switch {
    pub(super) fn leg_event(&mut self, now: Time, call: &mut Call, leg: LegId, event: LegEvent) {
        match event {
            LegEvent::Cleared { statistics } => {
                self.leg_cleared(now, call, leg, statistics);
            }
            // What an ended leg still says crossed with its end.
            _ if !call.leg(leg).is_some_and(|leg| leg.is_live()) => {}
            LegEvent::Released { cause } => self.leg_released(now, call, leg, cause),
            LegEvent::Digits { digits } => self.dialled(now, call, leg, &digits),
            LegEvent::NoDigits => self.dialled(now, call, leg, ""),
            LegEvent::Seized => self.seized(now, call, leg),
            LegEvent::MediaReady { termination, local } => {
                self.media_ready(now, call, leg, StreamEnd::new(termination, local));
            }
            LegEvent::Signalled(session) => {
                if let Some(leg) = call.leg(leg) {
                    leg.session = Some(session);
                }
                call.changed |= call.is_answered();
            }
            LegEvent::Alerting => self.alerting(now, call, leg),
            LegEvent::Progress => self.progress(now, call, leg),
            LegEvent::Answered if call.leg(leg).is_some_and(|leg| leg.recalled) => {
                self.returned(now, call, leg);
            }
            LegEvent::Answered => {
                if let Some(line) = call.leg(leg).map(|leg| leg.line) {
                    self.takes_itself(leg, line);
                }
                self.answered(now, call, leg);
            }
            LegEvent::Connected { local } => {
                self.connected(call, leg, local);
                self.found_waiting(now, call);
            }
            LegEvent::Held { .. } | LegEvent::Retrieved => self.held_itself(call, leg, &event),
            LegEvent::Referred(word) => self.network_says(now, call, leg, word),
            LegEvent::Dtmf(key) => self.pressed(call, leg, key),
        }
    }

    pub(super) fn context_event(&mut self, now: Time, call: &mut Call, event: ContextEvent) {
        let clearing = call.phase == CallPhase::Clearing;
        let Some(context) = &mut call.context else { return };
        match event {
            ContextEvent::Cleared { statistics } => {
                let unexpected = !matches!(context.progress, Progress::Ended | Progress::Cleared);
                context.progress = Progress::Cleared;
                for (side, figures) in statistics {
                    if let Some(stream) = context.side(side) {
                        stream.statistics = Some(figures);
                    }
                }
                if unexpected && !clearing {
                    self.end(now, call, Cause::TEMPORARY_FAILURE, ReleasedBy::Exchange);
                }
            }
            // What an ended context still says crossed with its end.
            _ if matches!(context.progress, Progress::Ended | Progress::Cleared) => {}
            ContextEvent::Failed { cause } => {
                if context.progress != Progress::Cleared {
                    context.progress = Progress::Ended;
                }
                self.end(now, call, cause, ReleasedBy::Exchange);
            }
            ContextEvent::Added { side, termination, local } if !clearing => {
                *context.side(side) = Some(StreamEnd::new(termination, local));
                self.prepare(now, call);
            }
            ContextEvent::Modified { side } if !clearing && side == call.sought => {
                context.joined = true;
                self.check_talking(call);
            }
            ContextEvent::Added { .. } | ContextEvent::Modified { .. } => {}
        }
    }

    /// The deadline of the call's phase has passed.
    pub(super) fn deadline(&mut self, now: Time, call: &mut Call) {
        if self.network_is_late(now, call) {
            return;
        }
        match call.phase {
            CallPhase::Dialling if call.stage == Stage::Done => {
                self.end(now, call, Cause::NORMAL_CLEARING, ReleasedBy::Exchange);
            }
            CallPhase::Dialling => self.end(now, call, Cause::INVALID_NUMBER_FORMAT, ReleasedBy::Exchange),
            CallPhase::Routing if call.returning.is_some_and(|returning| returning.waits) => {
                self.end(now, call, Cause::USER_BUSY, call.sought.into());
            }
            CallPhase::Routing => self.end(now, call, Cause::TEMPORARY_FAILURE, ReleasedBy::Exchange),
            CallPhase::Offering => match call.sought_line() {
                Some(line) => {
                    self.not_to_be_had(now, call, line, Cause::NO_USER_RESPONDING, ReleasedBy::Exchange);
                }
                None => self.hunt_on(now, call, Cause::NO_USER_RESPONDING, ReleasedBy::Exchange),
            },
            CallPhase::Ringing => self.nobody_answers(now, call),
            // A party is rung for the call that it has on hold, and does not come.
            CallPhase::Answered | CallPhase::Talking => {
                self.end(now, call, Cause::NO_ANSWER, ReleasedBy::Exchange);
            }
            CallPhase::Clearing => self.give_last_record(call),
        }
    }

    fn seized(&mut self, now: Time, call: &mut Call, leg: LegId) {
        if call.phase != CallPhase::Routing || call.sought_leg() != Some(leg) {
            return;
        }
        let Some(seized) = call.leg(leg) else { return };
        seized.progress = Progress::Seized;
        let line = seized.line;
        if self.station(line).waiting != Some(leg) {
            self.give_in_hand(line, leg);
        }
        self.prepare(now, call);
    }

    fn media_ready(&mut self, now: Time, call: &mut Call, leg: LegId, stream: StreamEnd) {
        let remote = stream.local.clone();
        if let Some(leg) = call.leg(leg) {
            leg.stream = Some(stream);
        }
        if call.origin_leg() == Some(leg) {
            return self.prepare(now, call);
        }
        if call.sought_leg() != Some(leg) {
            return;
        }
        if let Some(context) = &call.context {
            let command = ContextCommand::Modify { side: call.sought, remote };
            self.context_command(call.id, context.id, command);
        }
        if call.picked_up.take_if(|own| *own == leg).is_some() {
            return self.answered(now, call, leg);
        }
        if let Some(returning) = call.returning.filter(|returning| returning.kept) {
            self.answered(now, call, leg);
            if returning.gone {
                self.ring_back(now, call, leg);
            }
        }
    }

    /// Makes the next of what the offer needs: the caller's stream, the two of a relay; then offers the call.
    pub(super) fn prepare(&mut self, now: Time, call: &mut Call) {
        let (id, side, precedence) = (call.id, call.sought.other(), call.precedence);
        let sought = call.sought_leg();
        let seized = sought.and_then(|leg| call.leg(leg)).is_some_and(|leg| leg.progress == Progress::Seized);
        if call.phase != CallPhase::Routing || !seized {
            return;
        }
        let Some(origin) = call.at(side).and_then(|leg| call.leg(leg)) else { return };
        let Some(stream) = &origin.stream else {
            if origin.progress == Progress::New {
                origin.progress = Progress::Opened;
                let leg = origin.id;
                self.command(id, leg, LegCommand::OpenMedia { precedence });
            }
            return;
        };
        let local = stream.local.clone();
        if !self.relayed {
            return self.offer(now, call, local);
        }
        let Some(context) = &mut call.context else {
            let context = self.new_context();
            self.contexts.insert(context, id);
            call.context = Some(Context::new(context));
            let add = ContextCommand::Add { side, remote: Some(local), precedence };
            return self.context_command(id, context, add);
        };
        match (context.at(side), context.at(side.other())) {
            // What is on its way must not be asked for twice, though another line is tried meanwhile.
            (None, _) => {}
            (Some(_), None) if context.completed => {}
            (Some(_), None) => {
                context.completed = true;
                let add = ContextCommand::Add { side: side.other(), remote: None, precedence };
                self.context_command(id, context.id, add);
            }
            (Some(_), Some(sought)) => {
                let remote = sought.local.clone();
                self.offer(now, call, remote);
            }
        }
    }

    fn offer(&mut self, now: Time, call: &mut Call, remote: Sdp) {
        let Some(called) = call.sought_leg() else { return };
        let calling = self.calling_party(call);
        if let Some(search) = &call.search {
            self.desk.member_rung(search);
        }
        if let Some(leg) = call.leg(called) {
            leg.progress = Progress::Opened;
        }
        call.phase = CallPhase::Offering;
        self.deadlines.set(call.id, now + self.timers.setup);
        self.command(call.id, called, LegCommand::Alert { calling, remote });
    }

    /// Who calls, as the called party is shown.
    fn calling_party(&self, call: &Call) -> CallingParty {
        let withheld = call.withheld.unwrap_or_default() && call.sought == Side::Called;
        let origin = call.origin_leg().and_then(|origin| call.legs.iter().find(|leg| leg.id == origin));
        let caller = origin.map(|leg| leg.line).filter(|_| !withheld);
        let calling = caller.map(|line| self.identity(line)).unwrap_or_default();
        let ring = call.sought_line().map(|line| match call.returning {
            Some(_) => self.codes.recall_ring,
            None => self.desk.ring(line, &call.wanted, calling.number.as_deref()),
        });
        let (history, diversions) = match call.sought {
            Side::Called => (call.history.clone(), call.diversions.clone()),
            Side::Calling => (None, Vec::new()),
        };
        CallingParty { withheld, ring: ring.unwrap_or_default(), history, diversions, ..calling }
    }

    fn alerting(&mut self, now: Time, call: &mut Call, leg: LegId) {
        if call.phase != CallPhase::Offering || call.sought_leg() != Some(leg) {
            return;
        }
        call.phase = CallPhase::Ringing;
        call.alerting.get_or_insert(now);
        let until = self.ringing_ends(now, call);
        self.deadlines.set(call.id, until);
        self.events.push_back(Event::Alerting { call: call.id });
        if let Some(origin) = call.origin_leg() {
            self.command(call.id, origin, LegCommand::Play(Tone::Ringback));
        }
    }

    /// The called side is to be heard before it answers. What it says takes the place of the ringing tone.
    fn progress(&mut self, now: Time, call: &mut Call, leg: LegId) {
        let sought = matches!(call.phase, CallPhase::Offering | CallPhase::Ringing)
            && call.sought_leg() == Some(leg)
            && call.returning.is_none();
        let (Some(origin), true) = (call.origin_leg(), sought) else { return };
        if call.phase == CallPhase::Offering {
            call.phase = CallPhase::Ringing;
            let until = self.ringing_ends(now, call);
            self.deadlines.set(call.id, until);
        }
        if let Some(remote) = Self::to_be_heard(call, leg) {
            self.command(call.id, origin, LegCommand::Hear { remote });
        }
    }

    /// What describes a leg's stream to the other side: its own description, or that of the context between.
    fn to_be_heard(call: &mut Call, leg: LegId) -> Option<Sdp> {
        match &call.context {
            Some(context) => context.at(call.sought.other()).map(|stream| stream.local.clone()),
            None => call.leg(leg).and_then(|leg| leg.local()),
        }
    }

    pub(super) fn answered(&mut self, now: Time, call: &mut Call, leg: LegId) {
        let expected = matches!(call.phase, CallPhase::Offering | CallPhase::Ringing);
        let Some(origin) = call.origin_leg().filter(|_| expected && call.sought_leg() == Some(leg)) else {
            return;
        };
        let Some(remote) = Self::to_be_heard(call, leg) else {
            // An access that answers without media has broken its word.
            return self.end(now, call, Cause::TEMPORARY_FAILURE, ReleasedBy::Exchange);
        };
        call.phase = CallPhase::Answered;
        self.talking.extend(call.legs.iter().filter(|leg| leg.is_live()).map(|leg| leg.line));
        self.await_recalled(now, call);
        if call.returning.take().is_some() {
            self.given_back(call, leg);
        } else {
            self.first_answered(now, call);
        }
        let readdressed = call.readdress && call.context.is_none();
        let caller = call.leg(origin).and_then(|leg| leg.local()).filter(|_| readdressed);
        self.point(call, leg, caller);
        self.let_hear(call, origin);
        self.point(call, origin, Some(remote));
        if call.leg(origin).is_some_and(|origin| origin.flows() == Flow::Rest) {
            self.let_hear(call, leg);
        }
    }

    fn first_answered(&mut self, now: Time, call: &mut Call) {
        call.answer = Some(now);
        if let Some(search) = &call.search {
            self.desk.member_answered(search);
        }
        self.events.push_back(Event::Answered { call: call.id });
        call.changed = false;
        if let Some(record) = call.stable(&self.parties) {
            self.records.push_back(Record::CallStable(Box::new(record)));
        }
    }

    fn connected(&mut self, call: &mut Call, leg: LegId, local: Option<Sdp>) {
        let Some(connected) = call.leg(leg) else { return };
        connected.connected = true;
        if let (Some(stream), Some(local)) = (&mut connected.stream, local)
            && stream.local != local
        {
            stream.local = local.clone();
            call.changed |= matches!(call.phase, CallPhase::Answered | CallPhase::Talking);
            call.redescriptions += 1;
            if call.redescriptions <= REDESCRIPTIONS {
                self.redescribe(call, leg, local);
            }
        }
        self.check_talking(call);
    }

    /// One side describes its stream anew: the other side must know.
    fn redescribe(&mut self, call: &mut Call, leg: LegId, remote: Sdp) {
        let side = if leg == call.calling { Side::Calling } else { Side::Called };
        if let Some(context) = &call.context {
            return self.context_command(call.id, context.id, ContextCommand::Modify { side, remote });
        }
        // Before the answer the other side is told with the answer.
        if let Some(other) = call.peer(leg).filter(|_| call.is_answered()).map(|peer| peer.id) {
            self.point(call, other, Some(remote));
        }
    }

    fn check_talking(&mut self, call: &mut Call) {
        let flows = |leg: Option<&Leg>| leg.is_some_and(|leg| leg.connected);
        let joined = call.context.as_ref().is_none_or(|context| context.joined);
        if call.phase == CallPhase::Answered
            && joined
            && flows(call.calling_leg())
            && flows(call.called_leg())
        {
            call.phase = CallPhase::Talking;
            self.confirm(call);
            self.events.push_back(Event::Connected { call: call.id });
        }
    }

    fn leg_released(&mut self, now: Time, call: &mut Call, leg: LegId, cause: Cause) {
        if let Some(leg) = call.leg(leg) {
            leg.progress = Progress::Ended;
            self.departed.push((leg.line, leg.id));
        }
        self.leg_gone(now, call, leg, cause);
    }

    /// What becomes of a call when one of its legs has ended so.
    pub(super) fn leg_gone(&mut self, now: Time, call: &mut Call, leg: LegId, cause: Cause) {
        let Some(side) = call.side(leg) else { return };
        let by = on_account_of(cause, side.into());
        if side != call.sought {
            return self.end(now, call, cause, by);
        }
        let line = call.sought_line();
        let offered = matches!(call.phase, CallPhase::Routing | CallPhase::Offering | CallPhase::Ringing);
        match line.filter(|_| offered) {
            Some(line) => self.not_to_be_had(now, call, line, cause, by),
            None => self.end(now, call, cause, by),
        }
    }

    fn leg_cleared(&mut self, now: Time, call: &mut Call, leg: LegId, statistics: Option<MediaStatistics>) {
        let Some(cleared) = call.leg(leg) else { return };
        let ended = !cleared.is_live();
        if !ended {
            self.departed.push((cleared.line, leg));
        }
        cleared.progress = Progress::Cleared;
        let line = cleared.line;
        if let Some(stream) = &mut cleared.stream {
            stream.statistics = statistics;
        }
        // A party may have been given back to who has transferred it by the same channel.
        let shared = call.legs.iter().any(|own| own.line == line && own.progress != Progress::Cleared);
        if !shared {
            self.trunks.give_back(line);
        }
        if !ended && (leg == call.calling || call.called == Some(leg)) {
            self.end(now, call, Cause::TEMPORARY_FAILURE, ReleasedBy::Exchange);
        }
    }

    /// The call is over: whatever it still holds is told so.
    pub(super) fn end(&mut self, now: Time, call: &mut Call, cause: Cause, by: ReleasedBy) {
        if call.phase == CallPhase::Clearing {
            return;
        }
        self.give_back(now, call);
        self.wait_no_more(call);
        call.phase = CallPhase::Clearing;
        let at = call.ended_at(now);
        call.end = Some(End { at, cause, by });
        self.events.push_back(Event::Ended { call: call.id, cause, released_by: by });
        self.deadlines.set(call.id, now + self.timers.record);
        for leg in call.legs.iter().map(|leg| leg.id).collect::<Vec<_>>() {
            self.release(call, leg, cause);
        }
        self.subtract(call);
        self.close_accounts(now, call, cause, by);
    }
}

/// A party is answerable for the causes that it can give; for the others nobody on this side of the gateways is.
fn on_account_of(cause: Cause, party: ReleasedBy) -> ReleasedBy {
    match cause {
        Cause::NORMAL_CLEARING
        | Cause::USER_BUSY
        | Cause::NO_USER_RESPONDING
        | Cause::NO_ANSWER
        | Cause::SUBSCRIBER_ABSENT
        | Cause::CALL_REJECTED
        | Cause::NORMAL_UNSPECIFIED => party,
        _ => ReleasedBy::Exchange,
    }
}
