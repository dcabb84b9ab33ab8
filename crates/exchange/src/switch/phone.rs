//! What a telephone does by itself that has more than a hook and keys: it dials before it calls, puts calls on hold, takes those
//! that wait. The switch hears what has been done, and keeps its books of it.

use strowger_sansio::Time;

use super::call::Call;
use super::station::Pair;
use super::{Command, Switch};
use crate::feature::Invitation;
use crate::{CallId, Cause, Event, LegCommand, LegEvent, LegId, LineId, Music, Resolution};

impl Switch {
    /// The telephone on this line calls what its subscriber has dialled: the call begins, and its first command follows. `withheld`:
    /// it asks for its number not to be shown.
    ///
    /// # Errors
    /// The cause to refuse it with: too many calls of all lines or of this one, or a line that is not in the inventory.
    pub fn handle_call(
        &mut self,
        now: Time,
        line: LineId,
        dialled: &str,
        withheld: bool,
    ) -> Result<(CallId, LegId), Cause> {
        let station = self.station(line);
        if station.hand.is_some() && station.held.is_some() {
            return Err(Cause::RESOURCE_UNAVAILABLE);
        }
        let (call, leg) = self.begin(now, line)?;
        self.turn_to(line, leg, Pair::Consultation);
        self.with_call(call, |switch, call| {
            call.withheld = withheld.then_some(true);
            match switch.desk.invitation(line) {
                Invitation::Call(number) => switch.call_out(now, call, line, &number),
                Invitation::Dial { .. } => switch.dialled_whole(now, call, leg, dialled),
            }
        });
        self.settle(now);
        Ok((call, leg))
    }

    /// What was dialled came as a whole: what follows a code comes behind it.
    fn dialled_whole(&mut self, now: Time, call: &mut Call, leg: LegId, dialled: &str) {
        let dialled = self.plan.as_dialled(dialled);
        let (code, rest) = self.split(call, &dialled);
        self.dialled(now, call, leg, code);
        if !rest.is_empty() {
            // It has been invited to dial what is there already.
            if let Some(Command::Leg { command: LegCommand::CollectDigits { .. }, .. }) = self.commands.back()
            {
                self.commands.pop_back();
            }
            self.dialled(now, call, leg, rest);
        }
    }

    /// Cuts what was dialled behind a code that wants more.
    fn split<'d>(&self, call: &Call, dialled: &'d str) -> (&'d str, &'d str) {
        let whole = (dialled, "");
        let is_number = matches!(self.plan.resolve(dialled), Resolution::Hunt { .. });
        if is_number || !dialled.starts_with(['*', '#']) {
            return whole;
        }
        let line = call.calling_leg().map(|leg| leg.line);
        let may_wait = line.is_some_and(|line| self.features(line).call_waiting);
        let undisturbed = self.codes.cancel_call_waiting.as_deref().filter(|_| may_wait);
        let wants_more = |code: &str| self.desk.wants_more(code) || undisturbed == Some(code);
        let mut cuts = (1..dialled.len()).rev().filter_map(|end| dialled.split_at_checked(end));
        if self.desk.is_code(dialled) {
            whole
        } else {
            cuts.find(|(code, _)| wants_more(code)).unwrap_or(whole)
        }
    }

    /// The party has this leg in hand now, and the one that it had before, if any, on hold.
    pub(super) fn turn_to(&mut self, line: LineId, leg: LegId, pair: Pair) {
        let hand = self.station(line).hand.filter(|hand| *hand != leg);
        self.give_in_hand(line, leg);
        if hand.is_some() {
            self.with_station(line, |station| (station.held, station.pair) = (hand, pair));
        }
    }

    /// The party has taken this call, which waited, by itself.
    pub(super) fn takes_itself(&mut self, leg: LegId, line: LineId) {
        if self.station(line).waiting == Some(leg) {
            self.turn_to(line, leg, Pair::Waiting);
        }
    }

    /// The party has put the call on hold, or has returned to it, and its stream is so already.
    pub(super) fn held_itself(&mut self, call: &mut Call, leg: LegId, event: &LegEvent) {
        let answered = call.is_answered();
        let Some(own) = call.leg(leg).filter(|_| answered) else { return };
        let (line, held) = (own.line, matches!(event, LegEvent::Held { .. }));
        own.silent = matches!(event, LegEvent::Held { music: Music::None });
        let by = self.number(Some(line)).unwrap_or_default();
        if self.is_subscriber(line) {
            let station = self.station(line);
            match (held, station.hand, station.held) {
                (true, Some(hand), before) if hand == leg => {
                    self.with_station(line, |station| (station.hand, station.held) = (before, Some(leg)));
                }
                (false, before, Some(kept)) if kept == leg => {
                    self.give_in_hand(line, leg);
                    self.with_station(line, |station| station.held = before);
                }
                _ => {}
            }
        }
        let call_id = call.id;
        self.events.push_back(match held {
            true => Event::Held { call: call_id, by },
            false => Event::Retrieved { call: call_id, by },
        });
        if let Some(peer) = call.peer(leg).map(|peer| peer.id) {
            self.let_hear(call, peer);
        }
    }

    /// Whether a line is a subscriber's, and no channel of a trunk.
    pub(super) fn is_subscriber(&self, line: LineId) -> bool {
        self.desk.features(line).is_some()
    }
}
