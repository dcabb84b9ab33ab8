//! What the switch wants of a leg on a trunk, or on a line whose telephone speaks SIP.

use std::collections::VecDeque;
use std::sync::Arc;

use strowger_sansio::Time;
use strowger_sdp::Direction;
use strowger_sip::agent::{Caller, Invitation, PeerId, SessionId};
use strowger_sip::message::Status;
use strowger_sip::offer::OfferFault;

use super::{Report, SipTrunks, placeholder};
use crate::access::sip_phone::Search;
use crate::{
    CallingParty, Cause, Diversion, Forward, LegCommand, LegEvent, LegId, LineId, ReferTo, Sdp,
    StandingSession, Termination, Tone, TrunkId,
};

/// A leg in a session, or one that will have one.
#[derive(Debug)]
pub(in crate::access) struct Leg {
    /// The session that has the call. A telephone that is called has one when it answers.
    pub(in crate::access) session: Option<SessionId>,
    /// Sessions of it that are not closed.
    pub(in crate::access) open: Vec<SessionId>,
    pub(in crate::access) peer: PeerId,
    pub(in crate::access) termination: Termination,
    /// What the peer described last; the switch knows it.
    pub(in crate::access) remote: Option<Sdp>,
    /// What the other side of the call described last.
    pub(in crate::access) described: Option<Sdp>,
    /// Which way the stream is to go.
    pub(in crate::access) direction: Direction,
    /// What the switch keeps of the session.
    kept: Option<Arc<StandingSession>>,
    /// Whom to call, and for whom.
    outgoing: Option<Outgoing>,
    /// Whom its peer is to be asked to call, when nothing else is under way.
    pub(super) refer: Option<ReferTo>,
    /// A telephone that is called is looked for at its contacts.
    pub(in crate::access) search: Option<Search>,
    /// The peer has put the call on hold.
    pub(super) holds: bool,
    /// The call is nothing but a word to the exchange, which is acknowledged.
    pub(super) acknowledged: bool,
    pub(in crate::access) alerting: bool,
    /// The caller knows that its call was sent on, and of nobody who rings since.
    forwarded: bool,
    pub(in crate::access) answered: bool,
    pub(in crate::access) ended: bool,
}

#[derive(Debug)]
struct Outgoing {
    number: String,
    caller: CallingParty,
    diversions: Vec<Diversion>,
}

impl Leg {
    pub(super) fn incoming(
        session: SessionId,
        peer: PeerId,
        termination: Termination,
        offer: Option<Sdp>,
    ) -> Self {
        let leg = Self::outgoing(peer, termination);
        Self { session: Some(session), open: vec![session], remote: offer, ..leg }
    }

    /// A leg without a session.
    pub(in crate::access) const fn outgoing(peer: PeerId, termination: Termination) -> Self {
        Self {
            session: None,
            open: Vec::new(),
            peer,
            termination,
            remote: None,
            described: None,
            direction: Direction::SendRecv,
            kept: None,
            outgoing: None,
            refer: None,
            search: None,
            holds: false,
            acknowledged: false,
            alerting: false,
            forwarded: false,
            answered: false,
            ended: false,
        }
    }

    /// A leg in a session that was gone on with, between what the peer and what the other side described last.
    pub(super) fn restored(
        session: Option<SessionId>,
        peer: PeerId,
        termination: Termination,
        (remote, described): (Sdp, Sdp),
        direction: Direction,
    ) -> Self {
        let leg = Self::outgoing(peer, termination);
        let (remote, described) = (Some(remote), Some(described));
        let (open, alerting, answered) = (session.into_iter().collect(), true, true);
        Self { session, open, remote, described, direction, alerting, answered, ..leg }
    }

    /// The session has a dialog, or another way to the peer than before: that must be kept.
    pub(super) fn keeps(&mut self, session: StandingSession, say: &mut dyn FnMut(LegEvent)) {
        if !self.kept.as_ref().is_some_and(|kept| kept.is_as(&session)) {
            let session = Arc::new(session);
            self.kept = Some(Arc::clone(&session));
            say(LegEvent::Signalled(session));
        }
    }

    /// The peer describes its stream before, or with, its answer.
    pub(in crate::access) fn describes(&mut self, description: &[u8], say: &mut dyn FnMut(LegEvent)) {
        if let Some(local) = self.renewed(description) {
            say(LegEvent::MediaReady { termination: self.termination.clone(), local });
        }
    }

    /// A description, if it is another than before.
    pub(super) fn renewed(&mut self, description: &[u8]) -> Option<Sdp> {
        let new = Sdp::new(description);
        if self.remote.as_ref() == Some(&new) {
            return None;
        }
        self.remote = Some(new.clone());
        Some(new)
    }
}

impl SipTrunks {
    pub(crate) fn command(
        &mut self,
        now: Time,
        id: LegId,
        command: LegCommand,
        first: &dyn Fn(LineId) -> Option<(TrunkId, u32)>,
        reports: &mut VecDeque<Report>,
    ) {
        if let LegCommand::Call { line, number, caller, diversions, .. } = command {
            let Some((trunk, first)) = first(line) else { return };
            return self.call(id, (trunk, line, first), Outgoing { number, caller, diversions }, reports);
        }
        match command {
            LegCommand::Seize { line, .. } | LegCommand::Wait { line, .. } => {
                if let Some((trunk, first)) = first(line) {
                    return self.give_back(id, (trunk, line, first), reports);
                }
                let waits = matches!(command, LegCommand::Wait { .. });
                return self.reserve(id, line, waits, reports);
            }
            // Who speaks SIP has its receiver to itself.
            LegCommand::Consult { .. } | LegCommand::Keep { .. } => {
                reports.push_back(Report::Leg(id, LegEvent::Released { cause: Cause::FACILITY_REJECTED }));
                return reports.push_back(Report::Leg(id, LegEvent::Cleared { statistics: None }));
            }
            _ => {}
        }
        let Some(leg) = self.legs.get_mut(&id).filter(|leg| !leg.ended) else { return };
        let mut say = |event| reports.push_back(Report::Leg(id, event));
        match command {
            LegCommand::OpenMedia { .. } => {
                if let Some(kept) = leg.session.and_then(|session| self.agent.standing(session)) {
                    leg.keeps(kept, &mut say);
                }
                let local = leg.remote.clone().unwrap_or_else(placeholder);
                say(LegEvent::MediaReady { termination: leg.termination.clone(), local });
            }
            // Who takes the place of another, or has a party back, is there already.
            LegCommand::Alert { remote, .. } if leg.session.is_some() => {
                if let Some(kept) = leg.session.and_then(|session| self.agent.standing(session)) {
                    leg.keeps(kept, &mut say);
                }
                let (termination, answered) = (leg.termination.clone(), leg.answered);
                let local = leg.remote.clone().unwrap_or_else(placeholder);
                leg.described = Some(remote);
                say(LegEvent::MediaReady { termination, local });
                if answered {
                    say(LegEvent::Answered);
                }
            }
            LegCommand::Alert { calling, remote } => self.send_call(now, id, &calling, remote, reports),
            LegCommand::Play(Tone::Ringback) if !leg.answered => {
                if let Some(session) = leg.session {
                    leg.forwarded = false;
                    // Without a description it cannot fail.
                    let _ = self.agent.progress(now, session, Status::RINGING, None);
                }
            }
            LegCommand::Forwarded if !leg.answered && !leg.forwarded => {
                if let Some(session) = leg.session {
                    leg.forwarded = true;
                    let _ = self.agent.progress(now, session, Status::FORWARDED, None);
                }
            }
            LegCommand::Hear { remote } if !leg.answered => {
                if let Some(session) = leg.session {
                    leg.described = Some(remote.clone());
                    let status = Status::SESSION_PROGRESS;
                    // What cannot be told now is told with the answer, or refused by it.
                    let _ = self.agent.progress(now, session, status, Some(remote.bytes()));
                }
            }
            LegCommand::Play(Tone::Confirmation) if !leg.answered => self.acknowledge(now, id, reports),
            LegCommand::Play(Tone::Hold) => self.turn(now, id, None, Direction::SendOnly, reports),
            LegCommand::Answer if leg.answered && leg.direction != Direction::SendRecv => {
                self.turn(now, id, None, Direction::SendRecv, reports);
            }
            LegCommand::Connect { remote } | LegCommand::Mix { remote } => {
                let direction = leg.direction;
                self.connect(now, id, remote, direction, reports);
            }
            LegCommand::Hold { remote } => self.connect(now, id, remote, Direction::Inactive, reports),
            LegCommand::Release { cause } => self.release(now, id, cause, reports),
            // Nobody who has hung up has a call still.
            LegCommand::Recall { .. } => self.fail(now, id, Cause::FACILITY_REJECTED, reports),
            LegCommand::CollectDigits { .. } => say(LegEvent::NoDigits),
            LegCommand::Refer { to } => {
                leg.refer = Some(to);
                self.referring.insert(id);
                self.refer_on(now, reports);
            }
            LegCommand::Key(key) => {
                if let Some(session) = leg.session {
                    // One more than wait already is not told.
                    let _ = self.agent.press(now, session, key);
                }
            }
            // Its signalling tells them without being asked.
            LegCommand::ReportKeys(_) => {}
            LegCommand::Play(_)
            | LegCommand::Answer
            | LegCommand::Forwarded
            | LegCommand::Hear { .. }
            | LegCommand::Retrieve => {}
            LegCommand::Seize { .. }
            | LegCommand::Wait { .. }
            | LegCommand::Consult { .. }
            | LegCommand::Keep { .. }
            | LegCommand::Call { .. } => {}
        }
    }

    /// Takes a channel for a call, if the peer is there.
    fn call(
        &mut self,
        id: LegId,
        (trunk, line, first): (TrunkId, LineId, u32),
        outgoing: Outgoing,
        reports: &mut VecDeque<Report>,
    ) {
        if !self.agent.is_reachable(PeerId(trunk.0)) {
            reports.push_back(Report::Leg(id, LegEvent::Released { cause: Cause::NETWORK_OUT_OF_ORDER }));
            reports.push_back(Report::Leg(id, LegEvent::Cleared { statistics: None }));
            return;
        }
        let termination = self.termination(trunk, line, first, SessionId(0));
        let leg = Leg::outgoing(PeerId(trunk.0), termination);
        self.legs.insert(id, Leg { outgoing: Some(outgoing), ..leg });
        reports.push_back(Report::Leg(id, LegEvent::Seized));
    }

    fn send_call(
        &mut self,
        now: Time,
        id: LegId,
        calling: &CallingParty,
        remote: Sdp,
        reports: &mut VecDeque<Report>,
    ) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        if self.phones.has(leg.peer) {
            return self.ring(now, id, calling, remote, reports);
        }
        let Some(Outgoing { number, caller, diversions }) = leg.outgoing.take() else { return };
        let invitation = Invitation {
            peer: leg.peer,
            called: number,
            caller: Caller { user: caller.number, name: caller.name, withheld: calling.withheld },
            offer: remote.bytes().to_vec(),
            history: caller.history,
            diversions: told(&diversions),
            ring: None,
        };
        leg.described = Some(remote);
        match self.agent.invite(now, &invitation) {
            Ok(session) => {
                leg.session = Some(session);
                leg.open.push(session);
                leg.termination.connection = session.0.to_string();
                self.sessions.insert(session, id);
            }
            Err(_) => self.fail(now, id, Cause::NETWORK_OUT_OF_ORDER, reports),
        }
    }

    /// Answers a call, or lets its stream go on towards what is given.
    fn connect(
        &mut self,
        now: Time,
        id: LegId,
        remote: Option<Sdp>,
        direction: Direction,
        reports: &mut VecDeque<Report>,
    ) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let (Some(session), answered) = (leg.session, leg.answered) else { return };
        if answered {
            return self.turn(now, id, remote, direction, reports);
        }
        let Some(described) = remote.or_else(|| leg.described.clone()) else { return };
        leg.described = Some(described.clone());
        match self.agent.answer(now, session, described.bytes(), direction) {
            Ok(()) => leg.answered = true,
            Err(OfferFault::NoCommonCodec) => self.fail(now, id, Cause::BEARER_NOT_IMPLEMENTED, reports),
            Err(_) => self.fail(now, id, Cause::TEMPORARY_FAILURE, reports),
        }
    }

    /// Tells the peer what is new of the other side's stream, or says at once that nothing is.
    fn turn(
        &mut self,
        now: Time,
        id: LegId,
        remote: Option<Sdp>,
        direction: Direction,
        reports: &mut VecDeque<Report>,
    ) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        leg.direction = direction;
        if let Some(remote) = remote {
            leg.described = Some(remote);
        }
        let described = leg.described.clone();
        let told = match (leg.session, &described) {
            (Some(session), Some(described)) => self.agent.offer(now, session, described.bytes(), direction),
            _ => false,
        };
        if !told {
            reports.push_back(Report::Leg(id, LegEvent::Connected { local: None }));
        }
    }

    fn release(&mut self, now: Time, id: LegId, cause: Cause, reports: &mut VecDeque<Report>) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        leg.ended = true;
        leg.search = None;
        if leg.open.is_empty() {
            self.forget(id);
            return reports.push_back(Report::Leg(id, LegEvent::Cleared { statistics: None }));
        }
        for session in leg.open.clone() {
            self.agent.end(now, session, cause.value());
        }
    }

    /// Nothing is left of a leg.
    pub(super) fn forget(&mut self, id: LegId) {
        if let Some(leg) = self.legs.remove(&id) {
            self.phones.end(leg.peer, id);
        }
    }

    /// What was dialled was a word to the exchange, and is done: the call is answered, so that it is not taken for refused, and
    /// ends when that has been heard.
    fn acknowledge(&mut self, now: Time, id: LegId, reports: &mut VecDeque<Report>) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let Some(session) = leg.session else { return };
        let silence = super::silence(leg.remote.as_ref());
        leg.acknowledged = true;
        match self.agent.answer(now, session, silence.bytes(), Direction::Inactive) {
            Ok(()) => leg.answered = true,
            Err(_) => self.fail(now, id, Cause::NORMAL_CLEARING, reports),
        }
    }

    /// The leg cannot go on.
    pub(in crate::access) fn fail(
        &mut self,
        now: Time,
        id: LegId,
        cause: Cause,
        reports: &mut VecDeque<Report>,
    ) {
        reports.push_back(Report::Leg(id, LegEvent::Released { cause }));
        self.release(now, id, cause, reports);
    }
}

/// Who sent a call on, as a peer is told: the last first.
pub(in crate::access) fn told(diversions: &[Diversion]) -> Vec<(String, &'static str)> {
    diversions.iter().rev().map(|one| (one.by.clone(), reason(one.reason))).collect()
}

/// The reason of RFC 5806 for a diversion.
const fn reason(why: Forward) -> &'static str {
    match why {
        Forward::Always => "unconditional",
        Forward::Busy => "user-busy",
        Forward::NoAnswer => "no-answer",
    }
}
