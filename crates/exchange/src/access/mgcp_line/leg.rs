//! What the switch wants of a leg on a line, and what becomes of its connection.

use strowger_mgcp::message::ConnectionMode;

use super::Lines;
use super::line::{Leg, Line, Parting, Party, Standing, Waiting};
use super::watch::{Dial, Watch};
use crate::access::stream::{News, Stream};
use crate::access::{Owner, Timer, Turn};
use crate::{
    CallId, CallingParty, Cause, LegCommand, LegEvent, LegId, LineId, Precedence, Referred, Sdp, ServiceState,
};

/// How many keys wait to be played on a line. 32: more than a party presses while a gateway answers.
const KEYS: usize = 32;

impl Lines {
    /// The switch took the seizure of a line: the party dials.
    pub(in crate::access) fn seizure_taken(
        &mut self,
        turn: &mut Turn<'_>,
        id: LineId,
        call: CallId,
        leg: LegId,
    ) {
        self.legs.insert(leg, Leg::new(id, call));
        self.touched.insert(id);
        match self.lines.get_mut(&id) {
            // What it hears is the switch's to say.
            Some(line) if line.party == Party::Seizing => line.party = Party::InCall(leg, None),
            // Whatever took the party away in between, the leg has none.
            _ => self.leave(turn, leg, Cause::NORMAL_CLEARING),
        }
    }

    /// The switch refused it: the party hears why.
    pub(in crate::access) fn seizure_refused(&mut self, turn: &mut Turn<'_>, id: LineId, cause: Cause) {
        if self.lines.get(&id).is_some_and(|line| line.party == Party::Seizing) {
            self.part(turn, id, cause);
        }
    }

    pub(in crate::access) fn command(
        &mut self,
        turn: &mut Turn<'_>,
        call: CallId,
        id: LegId,
        command: LegCommand,
    ) {
        match command {
            LegCommand::Seize { line, precedence } => {
                return self.reserve(turn, call, id, (line, precedence));
            }
            LegCommand::Wait { line, precedence } => return self.queue(turn, call, id, (line, precedence)),
            LegCommand::Consult { line } => {
                self.legs.insert(id, Leg::new(line, call));
                return self.take_in_hand(turn, id);
            }
            LegCommand::Keep { line } => return self.keep(turn, call, id, line),
            _ => {}
        }
        let Some(leg) = self.legs.get_mut(&id).filter(|leg| !leg.ended) else { return };
        let line = leg.line;
        self.touched.insert(line);
        match command {
            LegCommand::Seize { .. }
            | LegCommand::Call { .. }
            | LegCommand::Wait { .. }
            | LegCommand::Consult { .. }
            | LegCommand::Keep { .. } => {}
            // A line hears that somebody rings, and no more.
            LegCommand::Forwarded => {}
            LegCommand::Retrieve => self.take_in_hand(turn, id),
            LegCommand::Recall { calling } => self.recall(turn, id, calling),
            LegCommand::CollectDigits { prompt, digits, patience } => {
                if let Some(line) = self.lines.get_mut(&line).filter(|line| line.talks(id)) {
                    line.party = Party::Dialling(id, Dial { prompt, digits, patience });
                }
            }
            LegCommand::OpenMedia { precedence } => {
                leg.precedence = precedence;
                let at = self.lines.get(&line).map(|line| line.place.gateway);
                if at.is_none_or(|gateway| turn.agent.admits(turn.now, gateway, precedence)) {
                    return self.open(turn, id, None);
                }
                self.fail(turn, id, Cause::SWITCHING_EQUIPMENT_CONGESTION);
            }
            LegCommand::Alert { calling, remote } => {
                leg.alert = Some(calling);
                self.open(turn, id, Some(&remote));
            }
            LegCommand::Play(tone) => self.hear(id, Some(tone)),
            LegCommand::Hear { remote } => {
                self.hear(id, None);
                self.modify(turn, id, ConnectionMode::RecvOnly, Some(&remote));
            }
            LegCommand::Answer => self.hear(id, None),
            LegCommand::Connect { remote } => {
                self.modify(turn, id, ConnectionMode::SendRecv, remote.as_ref());
            }
            LegCommand::Hold { remote } => self.modify(turn, id, ConnectionMode::Inactive, remote.as_ref()),
            LegCommand::Mix { remote } => self.modify(turn, id, ConnectionMode::Conference, remote.as_ref()),
            LegCommand::ReportKeys(on) => {
                if let Some(line) = self.lines.get_mut(&line) {
                    if on {
                        line.reporting.insert(id);
                    } else {
                        line.reporting.remove(&id);
                    }
                }
            }
            LegCommand::Key(key) => {
                if let Some(line) = self.lines.get_mut(&line).filter(|line| line.keys.len() < KEYS) {
                    line.keys.push_back((id, key));
                }
            }
            // There is no network behind a line.
            LegCommand::Refer { .. } => turn.leg(id, LegEvent::Referred(Referred::Refused)),
            LegCommand::Release { cause } => {
                leg.ended = true;
                if let Some(stream) = &mut leg.stream {
                    stream.release(turn);
                }
                self.dismiss(turn, line, id, cause);
                self.check_cleared(turn, id);
            }
        }
    }

    fn modify(
        &mut self,
        turn: &mut Turn<'_>,
        id: LegId,
        mode: ConnectionMode<'static>,
        remote: Option<&Sdp>,
    ) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let news = Stream::modify_of(leg.stream.as_mut(), turn, mode, remote);
        self.stream_news(turn, id, news);
    }

    fn hear(&mut self, id: LegId, tone: Option<crate::Tone>) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        leg.tone = tone;
        if let Some(line) = self.lines.get_mut(&leg.line)
            && let Party::InCall(own, hears) = &mut line.party
            && *own == id
        {
            *hears = tone;
        }
    }

    /// The party turns to this leg, whatever it heard before.
    fn take_in_hand(&mut self, turn: &mut Turn<'_>, id: LegId) {
        let Some(leg) = self.legs.get(&id) else { return };
        let (tone, id_of_line) = (leg.tone, leg.line);
        self.touched.insert(id_of_line);
        let line = self.lines.get_mut(&id_of_line).filter(|line| line.is_off_hook());
        let Some(line) = line else {
            // It has hung up meanwhile.
            return self.leave(turn, id, Cause::NORMAL_CLEARING);
        };
        turn.timers.cancel(&Timer::Party(id_of_line));
        line.party = Party::InCall(id, tone);
        line.waiting = line.waiting.take().filter(|waiting| waiting.leg != id);
        if line.service == ServiceState::Lockout {
            Self::set_service(turn, line, ServiceState::InService);
        }
    }

    /// A leg that the party, who is off the hook, has on hold.
    fn keep(&mut self, turn: &mut Turn<'_>, call: CallId, id: LegId, line: LineId) {
        self.legs.insert(id, Leg::new(line, call));
        if !self.lines.get(&line).is_some_and(Line::is_off_hook) {
            self.leave(turn, id, Cause::NORMAL_CLEARING);
        }
    }

    /// The party has hung up and has this leg still.
    fn recall(&mut self, turn: &mut Turn<'_>, id: LegId, calling: CallingParty) {
        let Some(leg) = self.legs.get(&id) else { return };
        let ready = leg.stream.as_ref().is_some_and(Stream::is_open);
        let Some(line) = self.lines.get_mut(&leg.line) else { return };
        line.waiting = line.waiting.take().filter(|waiting| waiting.leg != id);
        match line.party {
            Party::Idle if ready => line.party = Party::Recalled(id, calling),
            Party::Idle => line.party = Party::Reserved(id),
            // It has begun something else meanwhile.
            _ => self.leave(turn, id, Cause::USER_BUSY),
        }
    }

    /// A call for a line whose party is in another: it waits if that can be told and nobody else does.
    fn queue(
        &mut self,
        turn: &mut Turn<'_>,
        call: CallId,
        id: LegId,
        (line, precedence): (LineId, Precedence),
    ) {
        self.legs.insert(id, Leg { precedence, ..Leg::new(line, call) });
        if let Some(line) = self.lines.get_mut(&line)
            && line.standing == Standing::Up
            && matches!(line.party, Party::InCall(..))
            && line.waiting.is_none()
            && Watch::can_wait(line.place.protocol, &line.lacks)
        {
            if !turn.agent.admits(turn.now, line.place.gateway, precedence) {
                return self.leave(turn, id, Cause::SWITCHING_EQUIPMENT_CONGESTION);
            }
            line.waiting = Some(Waiting { leg: id, calling: None, shown: false });
            return turn.leg(id, LegEvent::Seized);
        }
        self.leave(turn, id, Cause::USER_BUSY);
    }

    /// A call for the line: it takes it when it is free and serves.
    fn reserve(
        &mut self,
        turn: &mut Turn<'_>,
        call: CallId,
        id: LegId,
        (line, precedence): (LineId, Precedence),
    ) {
        self.legs.insert(id, Leg { precedence, ..Leg::new(line, call) });
        let refusal = match self.lines.get_mut(&line) {
            Some(line) => match (line.standing, line.service, &line.party) {
                (Standing::Up, ServiceState::InService, Party::Idle)
                    if !turn.agent.admits(turn.now, line.place.gateway, precedence) =>
                {
                    Cause::SWITCHING_EQUIPMENT_CONGESTION
                }
                (Standing::Up, ServiceState::InService, Party::Idle) => {
                    line.party = Party::Reserved(id);
                    return turn.leg(id, LegEvent::Seized);
                }
                (Standing::Up | Standing::Withdrawn, _, party)
                    if !matches!(party, Party::Idle | Party::Parting(Parting::Lockout)) =>
                {
                    Cause::USER_BUSY
                }
                _ => Cause::DESTINATION_OUT_OF_ORDER,
            },
            None => Cause::DESTINATION_OUT_OF_ORDER,
        };
        self.leave(turn, id, refusal);
    }

    fn open(&mut self, turn: &mut Turn<'_>, id: LegId, remote: Option<&Sdp>) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let Some(line) = self.lines.get(&leg.line) else { return };
        let owner = Owner::Leg(id);
        let place = line.place.clone();
        let rests = line.leg() != Some(id);
        // Nothing is sent before the answer: a caller hears ringing, not the room of the called party. And who
        // waits, or has been put on hold, is not heard in another call.
        let mode = if rests { ConnectionMode::Inactive } else { ConnectionMode::RecvOnly };
        leg.stream = Some(Stream::create(turn, place, owner, (leg.call, leg.precedence), mode, remote));
    }

    /// What became of a leg's connection.
    pub(super) fn stream_news(&mut self, turn: &mut Turn<'_>, id: LegId, news: News) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let line = leg.line;
        match news {
            News::Ready(termination, local) if !leg.ended => {
                let alert = leg.alert.take();
                turn.leg(id, LegEvent::MediaReady { termination, local });
                if let Some(calling) = alert {
                    self.ring(line, id, calling);
                }
            }
            News::Modified(local) if !leg.ended => turn.leg(id, LegEvent::Connected { local }),
            News::Found { flows, local } if !leg.ended => {
                let went_on = leg.stream.as_mut().map(|stream| stream.go_on(turn, flows, local));
                self.stream_news(turn, id, went_on.unwrap_or(News::Nothing));
            }
            News::Failed(cause) => self.fail(turn, id, cause),
            _ => {}
        }
    }

    fn ring(&mut self, line: LineId, leg: LegId, calling: CallingParty) {
        self.touched.insert(line);
        let Some(line) = self.lines.get_mut(&line) else { return };
        if line.party == Party::Reserved(leg) {
            line.party = Party::Ringing(leg, calling);
        } else if let Some(waiting) = line.waiting.as_mut().filter(|waiting| waiting.leg == leg) {
            waiting.calling = Some(calling);
        }
    }

    pub(in crate::access) fn stream_retry(&mut self, turn: &mut Turn<'_>, id: LegId) {
        if let Some(stream) = self.legs.get_mut(&id).and_then(|leg| leg.stream.as_mut()) {
            stream.retry(turn);
        }
        self.check_cleared(turn, id);
    }

    /// The leg releases by itself: the switch hears why, and its connection is not wanted any more. The party
    /// has gone already.
    pub(super) fn leave(&mut self, turn: &mut Turn<'_>, id: LegId, cause: Cause) {
        let Some(leg) = self.legs.get_mut(&id).filter(|leg| !leg.ended) else { return };
        leg.ended = true;
        turn.leg(id, LegEvent::Released { cause });
        if let Some(stream) = &mut leg.stream {
            stream.release(turn);
        }
        self.check_cleared(turn, id);
    }

    /// The leg cannot go on: as `leave`, with the party still there.
    pub(super) fn fail(&mut self, turn: &mut Turn<'_>, id: LegId, cause: Cause) {
        let Some(line) = self.legs.get(&id).filter(|leg| !leg.ended).map(|leg| leg.line) else { return };
        self.leave(turn, id, cause);
        self.dismiss(turn, line, id, cause);
    }

    /// The party has no leg any more: off the hook it hears why, on the hook it is left in peace.
    fn dismiss(&mut self, turn: &mut Turn<'_>, id: LineId, leg: LegId, cause: Cause) {
        self.touched.insert(id);
        let Some(line) = self.lines.get_mut(&id) else { return };
        line.waiting = line.waiting.take().filter(|waiting| waiting.leg != leg);
        if line.leg() != Some(leg) {
            return self.check_withdrawn(turn, id);
        }
        match line.party {
            Party::Dialling(..) | Party::InCall(..) => self.part(turn, id, cause),
            _ => {
                line.party = Party::Idle;
                self.check_withdrawn(turn, id);
            }
        }
    }
}
