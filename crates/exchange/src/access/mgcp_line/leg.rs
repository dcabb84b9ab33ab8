//! What the switch wants of a leg on a line, and what becomes of its connection.

use strowger_mgcp::agent::{Failure, Outcome};
use strowger_mgcp::message::ConnectionMode;

use super::Lines;
use super::line::{Leg, Parting, Party, Standing};
use super::watch::Dial;
use crate::access::stream::{News, Stream};
use crate::access::{Order, Owner, Turn};
use crate::{CallId, CallingParty, Cause, LegCommand, LegEvent, LegId, LineId, Sdp, ServiceState};

impl Lines {
    /// The switch took the seizure of a line: the party dials.
    pub(in crate::access) fn seizure_taken(
        &mut self,
        turn: &mut Turn<'_>,
        id: LineId,
        call: CallId,
        leg: LegId,
    ) {
        self.legs.insert(leg, Leg { line: id, call, stream: None, alert: None, ended: false });
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
        if let LegCommand::Seize { line } = command {
            return self.reserve(turn, call, id, line);
        }
        let Some(leg) = self.legs.get_mut(&id).filter(|leg| !leg.ended) else { return };
        let line = leg.line;
        self.touched.insert(line);
        match command {
            LegCommand::Seize { .. } => {}
            LegCommand::CollectDigits { prompt, digits, patience } => {
                if let Some(line) = self.lines.get_mut(&line).filter(|line| line.talks(id)) {
                    line.party = Party::Dialling(id, Dial { prompt, digits, patience });
                }
            }
            LegCommand::OpenMedia => self.open(turn, id, None),
            LegCommand::Alert { calling, remote } => {
                leg.alert = Some(calling);
                self.open(turn, id, Some(&remote));
            }
            LegCommand::Play(tone) => self.hear(line, id, Some(tone)),
            LegCommand::Answer => self.hear(line, id, None),
            LegCommand::Connect { remote } => {
                let connecting = leg.stream.as_mut().ok_or(Cause::TEMPORARY_FAILURE);
                if let Err(cause) = connecting.and_then(|stream| stream.connect(turn, remote.as_ref())) {
                    self.fail(turn, id, cause);
                }
            }
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

    fn hear(&mut self, line: LineId, leg: LegId, tone: Option<crate::Tone>) {
        if let Some(line) = self.lines.get_mut(&line)
            && let Party::InCall(own, hears) = &mut line.party
            && *own == leg
        {
            *hears = tone;
        }
    }

    /// A call for the line: it takes it when it is free and serves.
    fn reserve(&mut self, turn: &mut Turn<'_>, call: CallId, id: LegId, line: LineId) {
        self.legs.insert(id, Leg { line, call, stream: None, alert: None, ended: false });
        let refusal = match self.lines.get_mut(&line) {
            Some(line) => match (line.standing, line.service, &line.party) {
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
        // Nothing is sent before the answer: a caller hears ringing, not the room of the called party.
        let mode = ConnectionMode::RecvOnly;
        leg.stream = Some(Stream::create(turn, place, owner, leg.call, mode, remote));
    }

    /// An order of a leg's connection has been answered, or has not.
    pub(in crate::access) fn stream_outcome(
        &mut self,
        turn: &mut Turn<'_>,
        id: LegId,
        order: Order,
        result: Result<Outcome, Failure>,
    ) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let Some(stream) = &mut leg.stream else { return };
        let news = stream.outcome(turn, order, result);
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
            News::Failed(cause) => self.fail(turn, id, cause),
            _ => {}
        }
        self.check_cleared(turn, id);
    }

    fn ring(&mut self, line: LineId, leg: LegId, calling: CallingParty) {
        self.touched.insert(line);
        if let Some(line) = self.lines.get_mut(&line)
            && line.party == Party::Reserved(leg)
        {
            line.party = Party::Ringing(leg, calling);
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
        let Some(line) = self.lines.get_mut(&id).filter(|line| line.leg() == Some(leg)) else { return };
        match line.party {
            Party::Dialling(..) | Party::InCall(..) => self.part(turn, id, cause),
            _ => {
                line.party = Party::Idle;
                self.check_withdrawn(turn, id);
            }
        }
    }
}
