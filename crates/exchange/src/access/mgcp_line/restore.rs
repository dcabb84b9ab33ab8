//! Calls that an exchange takes over from one that has died: what is found on their lines' endpoints, and what is left there
//! of others (RFC 3435 sections 2.3.10 and 2.3.11).
//!
//! A line with such a call comes up like any other: its connections are listed, and those of no call are deleted. Then it
//! is asked to watch for the end of its call, which a gateway refuses when the receiver was put back meanwhile; and
//! only then its connection is audited, and the switch hears that the call stands.

use std::sync::Arc;

use strowger_mgcp::agent::{DeleteConnection, Failure, Outcome};
use strowger_mgcp::message::{CallIdBuf, ConnectionIdBuf, ParameterCode};

use super::Lines;
use super::line::{Leg, Party, Standing};
use crate::access::decision::{Fate, decide};
use crate::access::stream::{News, Stream};
use crate::access::{Order, Settings, Tag, Timer, Turn};
use crate::{CallStable, Cause, Event, LegId, LineId, RestoredCall, RestoredLeg, Side};

impl Lines {
    /// Whether the lines of an answered call are there, with nothing but such calls on them.
    pub(in crate::access) fn can_restore(
        &self,
        settings: &Settings,
        stable: &CallStable,
        lines: &[(Side, LineId)],
    ) -> bool {
        let free = |(side, line): &(Side, LineId)| {
            let on = |leg: &Leg| leg.line == *line;
            self.legs
                .values()
                .filter(|leg| on(leg))
                .all(|leg| leg.stream.as_ref().is_some_and(Stream::is_sought))
                && self.adopt(settings, stable, *line, LegId(0), *side).is_some()
        };
        let is_one = matches!(lines, [(_, calling), (_, called)] if calling == called);
        !is_one && lines.iter().all(free)
    }

    /// The legs of an answered call, as they were.
    pub(in crate::access) fn restore(
        &mut self,
        turn: &mut Turn<'_>,
        stable: &CallStable,
        restored: &RestoredCall,
    ) {
        for RestoredLeg { leg, line: id, side, in_hand } in restored.legs.into_iter().flatten() {
            let Some(stream) = self.adopt(turn.settings, stable, id, leg, side) else { continue };
            let Some(line) = self.lines.get_mut(&id) else { continue };
            if in_hand {
                line.party = Party::InCall(leg, None);
                turn.timers.cancel(&Timer::Party(id));
            } else if line.party == Party::Idle {
                // What it was about besides is over, and so it hears; unless it turns out to have hung up.
                self.part(turn, id, Cause::TEMPORARY_FAILURE);
            }
            self.legs.insert(leg, Leg { stream: Some(stream), ..Leg::new(id, stable.call) });
            self.unasked.insert(leg);
        }
    }

    /// The stream of a side.
    fn adopt(
        &self,
        settings: &Settings,
        stable: &CallStable,
        line: LineId,
        leg: LegId,
        side: Side,
    ) -> Option<Stream> {
        Stream::restore(settings, Arc::clone(&self.lines.get(&line)?.place), leg, stable, side)
    }

    /// A line does what it was asked for: if calls of it were taken over, their connections are looked at now.
    pub(super) fn resume(&mut self, turn: &mut Turn<'_>, id: LineId) {
        let on = |leg: &&LegId| self.legs.get(leg).is_none_or(|leg| leg.line == id);
        let due: Vec<_> = self.unasked.iter().filter(on).copied().collect();
        for id in due {
            self.unasked.remove(&id);
            let Some(leg) = self.legs.get_mut(&id).filter(|leg| !leg.ended) else { continue };
            let Some(stream) = &mut leg.stream else { continue };
            let news = stream.verify(turn);
            self.stream_news(turn, id, news);
        }
    }

    /// The connections that a line should have.
    pub(super) fn own_connections(&self, id: LineId) -> Vec<(LegId, ConnectionIdBuf)> {
        let on = self.legs.iter().filter(|(_, leg)| leg.line == id);
        on.filter_map(|(leg, own)| Some((*leg, own.stream.as_ref()?.open()?.clone()))).collect()
    }

    /// An endpoint that does not serve, or that its gateway does not know, has no calls.
    pub(super) fn compare_with_nothing(&mut self, turn: &mut Turn<'_>, id: LineId) {
        self.compare(turn, id, Vec::new());
    }

    /// Compares what an endpoint has with what it should have. Says whether the line can stand up; if not, everything on
    /// it is being deleted.
    pub(super) fn compare(&mut self, turn: &mut Turn<'_>, id: LineId, found: Vec<ConnectionIdBuf>) -> bool {
        let own = self.own_connections(id);
        for (leg, _) in own.iter().filter(|(_, connection)| !found.contains(connection)) {
            if let Some(stream) = self.legs.get_mut(leg).and_then(|leg| leg.stream.as_mut()) {
                stream.lose(turn, None);
            }
            self.fail(turn, *leg, Cause::NETWORK_OUT_OF_ORDER);
            self.check_cleared(turn, *leg);
        }
        let is_own = |connection: &ConnectionIdBuf| own.iter().any(|(_, own)| own == connection);
        let kept = found.iter().any(is_own);
        let strays: Vec<_> = found.into_iter().filter(|connection| !is_own(connection)).collect();
        let Some(line) = self.lines.get_mut(&id).filter(|_| !strays.is_empty()) else { return true };
        let (gateway, endpoint) = (line.place.gateway, line.place.endpoint.clone());
        let place = (line.place.id.to_string(), endpoint.local().to_owned());
        turn.event(Event::StrayConnections { gateway: place.0, endpoint: place.1 });
        if !kept {
            turn.agent.delete_connections(
                turn.now,
                (gateway, &endpoint),
                None,
                Tag::Sweep(id, line.asked.serial),
            );
            return false;
        }
        // Beside a call's own connection they can only go one by one, and that by their calls.
        for (place, connection) in (0..).zip(&strays) {
            let info = vec![ParameterCode::CallId];
            let tag = Tag::Stray(id, place);
            turn.agent.audit_connection(turn.now, (gateway, &endpoint), connection.clone(), info, tag);
        }
        line.strays = strays;
        true
    }

    /// A stray connection has named its call, or is deleted; or neither, and then it is left to its gateway.
    pub(in crate::access) fn stray_outcome(
        &mut self,
        turn: &mut Turn<'_>,
        id: LineId,
        place: u32,
        result: Result<Outcome, Failure>,
    ) {
        let call_id: Option<CallIdBuf> = result.ok().and_then(|outcome| outcome.audit?.call_id);
        let Some(call_id) = call_id else { return };
        let Some(line) = self.lines.get(&id).filter(|line| line.standing != Standing::Down) else { return };
        let connection = usize::try_from(place).ok().and_then(|place| line.strays.get(place));
        if let Some(connection_id) = connection.cloned() {
            let delete = DeleteConnection { call_id, connection_id, notification: None };
            let (gateway, endpoint) = (line.place.gateway, &line.place.endpoint);
            turn.agent.delete_connection(turn.now, (gateway, endpoint), delete, Tag::Stray(id, place));
        }
    }

    /// What came of an order to a leg's connection.
    pub(in crate::access) fn stream_outcome(
        &mut self,
        turn: &mut Turn<'_>,
        id: LegId,
        order: Order,
        result: Result<Outcome, Failure>,
    ) {
        let Some(stream) = self.legs.get_mut(&id).and_then(|leg| leg.stream.as_mut()) else { return };
        let fate = result.as_ref().err().map_or(Fate::Serves, |failure| decide(failure).line);
        let news: News = stream.outcome(turn, order, result);
        let line = self.legs.get(&id).map(|leg| leg.line);
        if let (Some(line), true) = (line, fate != Fate::Serves) {
            self.doubt(turn, line, fate);
        }
        self.stream_news(turn, id, news);
        self.check_cleared(turn, id);
    }
}
