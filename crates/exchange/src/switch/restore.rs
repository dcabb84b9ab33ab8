//! Answered calls that are taken over from the records of an exchange that has died.
//!
//! Such a call is *unconfirmed* until the accesses of all its parts have said that their streams still flow. If it turns
//! out to be over before that, it ended when its exchange gave the last sign of life: nobody pays for a time of which
//! nobody knows.

use strowger_sansio::Time;

use super::Switch;
use super::call::{Call, Context, Progress, StreamEnd};
use crate::{CallId, CallPhase, CallStable, ContextId, Event, LegId, LineId, Party, StreamRole};

/// The parts of a call that was taken over, for the accesses to adopt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestoredCall {
    /// The call.
    pub call: CallId,
    /// The caller's leg.
    pub calling: LegId,
    /// The called party's leg.
    pub called: LegId,
    /// The context between them.
    pub context: Option<ContextId>,
}

impl Switch {
    /// The lines of an answered call, the caller's first: none when the inventory has them no more, or not there.
    #[must_use]
    pub fn lines_of(&self, stable: &CallStable) -> Option<(LineId, LineId)> {
        Some((self.line_of(&stable.calling)?, self.line_of(&stable.called)?))
    }

    fn line_of(&self, party: &Party) -> Option<LineId> {
        let is = |own: &&Party| {
            own.number == party.number
                && own.gateway == party.gateway
                && own.endpoint.eq_ignore_ascii_case(&party.endpoint)
        };
        let (_, id) = self.parties.iter().zip(0..).find(|(own, _)| is(own))?;
        Some(LineId(id))
    }

    /// Takes over an answered call. Its accesses will say what they find by `Connected` and `Modified`, as if they had
    /// been asked to connect.
    pub fn restore(&mut self, stable: &CallStable, alive: Time) -> Option<RestoredCall> {
        if self.calls.contains_key(&stable.call) || self.calls.len() >= self.most_calls {
            return None;
        }
        let (calling_line, called_line) = self.lines_of(stable)?;
        let end = |role: StreamRole| {
            let stream = stable.streams.iter().find(|stream| stream.role == role)?;
            Some(StreamEnd::new(stream.termination.clone(), stream.local.clone()))
        };
        let (calling_end, called_end) = (end(StreamRole::Calling)?, end(StreamRole::Called)?);
        let relayed = (end(StreamRole::RelayCalling), end(StreamRole::RelayCalled));
        let context = match relayed {
            (None, None) => None,
            (Some(calling), Some(called)) => {
                let id = self.new_context();
                Some(Context { calling: Some(calling), called: Some(called), ..Context::new(id) })
            }
            _ => return None,
        };
        let (calling, called) = (self.new_leg(), self.new_leg());
        let mut call = Call::new(stable.call, stable.start, calling, calling_line);
        call.try_line(called, called_line);
        for (leg, end) in [(calling, calling_end), (called, called_end)] {
            if let Some(leg) = call.leg(leg) {
                leg.progress = Progress::Opened;
                leg.stream = Some(end);
            }
        }
        call.phase = CallPhase::Answered;
        call.dialled.clone_from(&stable.dialled);
        call.diversions.clone_from(&stable.diversions);
        call.alerting = stable.alerting;
        call.answer = Some(stable.answer);
        call.unconfirmed = Some(alive.max(stable.answer));
        let context_id = context.as_ref().map(|context| context.id);
        call.context = context;
        for (leg, line) in [(calling, calling_line), (called, called_line)] {
            self.legs.insert(leg, stable.call);
            self.give_in_hand(line, leg);
        }
        if let Some(context) = context_id {
            self.contexts.insert(context, stable.call);
        }
        self.calls.insert(stable.call, call);
        let (from, to) = (stable.calling.number.clone(), stable.called.number.clone());
        self.events.push_back(Event::Restored { call: stable.call, calling: from, called: to });
        Some(RestoredCall { call: stable.call, calling, called, context: context_id })
    }
}

impl Call {
    /// When the call ends if it ends now.
    pub(super) fn ended_at(&self, now: Time) -> Time {
        self.unconfirmed.unwrap_or(now)
    }
}
