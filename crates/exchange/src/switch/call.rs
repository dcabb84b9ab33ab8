//! One call: its legs, its media context, and how far it is.

use std::collections::VecDeque;
use std::sync::Arc;

use strowger_sansio::Time;

use super::leaving::Leaving;
use crate::feature::{Search, Stage};
use crate::{
    CallEnded, CallId, CallPhase, CallStable, Cause, ContextId, Diversion, EarlierDiversion, Flow, History,
    Joined, LegId, LineId, MediaStatistics, Party, Precedence, ReleasedBy, Sdp, Side, StandingSession,
    Stream, StreamRecord, StreamRole, Target, Termination, Transfer,
};

/// A call in progress. It may have more legs than parties: a called line that could not take the call stays
/// until it is cleared.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) id: CallId,
    pub(super) start: Time,
    pub(super) phase: CallPhase,
    pub(super) calling: LegId,
    /// The called side that is tried, rung or talked to.
    pub(super) called: Option<LegId>,
    pub(super) legs: Vec<Leg>,
    pub(super) context: Option<Context>,
    pub(super) dialled: String,
    /// Where the caller is in what he dials.
    pub(super) stage: Stage,
    /// The number that is tried.
    pub(super) wanted: String,
    /// Whether the caller's number is withheld, once that is known.
    pub(super) withheld: Option<bool>,
    /// Whose call it is, once a number is called.
    pub(super) precedence: Precedence,
    /// Who sent the call on.
    pub(super) diversions: Vec<Diversion>,
    /// Who sent it on before it came by a trunk …
    pub(super) history: Option<Arc<History>>,
    /// … as the records have it.
    pub(super) earlier: Vec<EarlierDiversion>,
    /// The search through a hunt group.
    pub(super) search: Option<Search>,
    /// What is tried when the called side cannot take the call.
    pub(super) hunt: VecDeque<Target>,
    pub(super) alerting: Option<Time>,
    pub(super) answer: Option<Time>,
    /// The call was taken over from an exchange whose last sign of life was then, and its gateways have not all said yet
    /// that it stands.
    pub(super) unconfirmed: Option<Time>,
    pub(super) redescriptions: u32,
    /// Who began the call, and pays for it, whoever has its calling side now.
    payer: LineId,
    /// Who was tried or has answered, whoever has the called side now.
    reached: Option<LineId>,
    /// Who is at the channels of trunks that the call has taken: the channel is another's when it is free again.
    pub(super) guests: Vec<(LineId, Party)>,
    /// The calling side has changed since the called side was told where it is.
    pub(super) readdress: bool,
    /// The side that is tried or rung: the called one, but for a party that is given back a call that it had transferred.
    pub(super) sought: Side,
    /// How that party is sought; none in any other call.
    pub(super) returning: Option<Returning>,
    /// Contexts that it had before, and that are being freed.
    pub(super) spent: Vec<ContextId>,
    /// The next number is for the held party: a blind transfer.
    pub(super) for_held: bool,
    /// The transfers that it took part in.
    pub(super) transfers: Vec<Transfer>,
    /// Calls whose party a transfer brought into this one: they last as long as it does.
    pub(super) accounts: Vec<Account>,
    /// The call that its party was brought into.
    pub(super) joined: Option<Joined>,
    /// That party's stream, if nobody had answered there, and who brought it there.
    pub(super) lent: Option<(LineId, Stream)>,
    /// This leg takes it, which rang elsewhere until now.
    pub(super) picked_up: Option<LegId>,
    /// Whether it is left to the network of its parties.
    pub(super) leaving: Leaving,
    /// Who is in it, or how, is not what was recorded last.
    pub(super) changed: bool,
    /// How many calls hang on it, one on the other.
    pub(super) depth: u32,
    pub(super) end: Option<End>,
    /// The last record has been given; the call stays for what must still be freed.
    pub(super) recorded: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) at: Time,
    pub(super) cause: Cause,
    pub(super) by: ReleasedBy,
}

/// A call that goes on for its record alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Account {
    pub(super) call: CallId,
    /// The side that its remaining party had in it …
    pub(super) side: Side,
    /// … and the side that it has where it talks now.
    pub(super) here: Side,
}

/// How a party is sought that is given back a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Returning {
    /// Its line.
    pub(super) by: LineId,
    /// How often it was in vain.
    pub(super) failures: u8,
    /// Until when it may be in another call.
    pub(super) until: Time,
    /// It is in another call, and is sought again when that is over.
    pub(super) waits: bool,
    /// Its receiver is off the hook: it is given the call on hold, and is not rung for it …
    pub(super) kept: bool,
    /// … but that it has hung up since.
    pub(super) gone: bool,
}

#[derive(Debug)]
pub(super) struct Leg {
    pub(super) id: LegId,
    pub(super) line: LineId,
    /// The call that it was made for.
    pub(super) origin: CallId,
    pub(super) progress: Progress,
    pub(super) stream: Option<StreamEnd>,
    /// What is kept of its signalling.
    pub(super) session: Option<Arc<StandingSession>>,
    /// The stream is as it was asked for last.
    pub(super) connected: bool,
    pub(super) flow: Flow,
    /// It rests while its party chooses what a flash was for. Nothing that is kept: a successor finds `flow`.
    pub(super) paused: bool,
    /// Its party has put it on hold by itself, and sends nothing. Nothing that is kept, either: the party says it again.
    pub(super) silent: bool,
    /// It was told to report the keys that its party presses.
    pub(super) reports_keys: bool,
    /// The party has left by a transfer.
    pub(super) left: bool,
    /// The party has hung up with this on hold, and is rung for it.
    pub(super) recalled: bool,
}

/// How far a leg is, as its call sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// It exists: the caller dials, or the called line has been asked for.
    New,
    /// The called line is reserved for the call.
    Seized,
    /// Its stream is being made: the caller's for listening, the called side's together with the offer of the
    /// call.
    Opened,
    /// It was told to release, or released: only `Cleared` is still to come.
    Ended,
    /// It holds nothing any more.
    Cleared,
}

/// A stream's end with what is known of it.
#[derive(Clone, Debug)]
pub(super) struct StreamEnd {
    pub(super) termination: Termination,
    pub(super) local: Sdp,
    pub(super) statistics: Option<MediaStatistics>,
}

impl StreamEnd {
    pub(super) const fn new(termination: Termination, local: Sdp) -> Self {
        Self { termination, local, statistics: None }
    }
}

/// The two streams of a call in a media gateway between the parties.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) id: ContextId,
    pub(super) calling: Option<StreamEnd>,
    pub(super) called: Option<StreamEnd>,
    /// The stream of the side that is sought has been asked for: whoever is tried next is given the same.
    pub(super) completed: bool,
    /// The called side flows to and from the called party.
    pub(super) joined: bool,
    pub(super) progress: Progress,
}

impl Context {
    pub(super) const fn new(id: ContextId) -> Self {
        Self { id, calling: None, called: None, completed: false, joined: false, progress: Progress::New }
    }

    pub(super) const fn at(&self, side: Side) -> Option<&StreamEnd> {
        match side {
            Side::Calling => self.calling.as_ref(),
            Side::Called => self.called.as_ref(),
        }
    }

    pub(super) fn side(&mut self, side: Side) -> &mut Option<StreamEnd> {
        match side {
            Side::Calling => &mut self.calling,
            Side::Called => &mut self.called,
        }
    }
}

impl Call {
    pub(super) fn new(id: CallId, start: Time, calling: LegId, line: LineId) -> Self {
        Self {
            id,
            start,
            phase: CallPhase::Dialling,
            calling,
            called: None,
            legs: vec![Leg::new(calling, line, id)],
            context: None,
            dialled: String::new(),
            stage: Stage::First,
            wanted: String::new(),
            withheld: None,
            precedence: Precedence::Ordinary,
            diversions: Vec::new(),
            history: None,
            earlier: Vec::new(),
            search: None,
            hunt: VecDeque::new(),
            alerting: None,
            answer: None,
            unconfirmed: None,
            redescriptions: 0,
            payer: line,
            reached: None,
            guests: Vec::new(),
            readdress: false,
            sought: Side::Called,
            returning: None,
            spent: Vec::new(),
            for_held: false,
            transfers: Vec::new(),
            accounts: Vec::new(),
            joined: None,
            lent: None,
            picked_up: None,
            leaving: Leaving::No,
            changed: false,
            depth: 0,
            end: None,
            recorded: false,
        }
    }

    pub(super) fn leg(&mut self, id: LegId) -> Option<&mut Leg> {
        self.legs.iter_mut().find(|leg| leg.id == id)
    }

    pub(super) fn calling_leg(&self) -> Option<&Leg> {
        self.legs.iter().find(|leg| leg.id == self.calling)
    }

    pub(super) fn called_leg(&self) -> Option<&Leg> {
        self.legs.iter().find(|leg| Some(leg.id) == self.called)
    }

    /// How often it was sent on, here and before it came.
    pub(super) fn times_sent_on(&self) -> usize {
        let before = self.history.as_ref().map_or(0, |history| history.times());
        before.saturating_add(self.diversions.len())
    }

    /// The line that began the call.
    pub(super) const fn payer(&self) -> LineId {
        self.payer
    }

    /// The line that was tried or has answered.
    pub(super) const fn reached(&self) -> Option<LineId> {
        self.reached
    }

    /// Tries a line.
    pub(super) fn try_line(&mut self, leg: LegId, line: LineId) {
        self.legs.push(Leg::new(leg, line, self.id));
        self.called = Some(leg);
        self.reached = Some(line);
    }

    /// A leg takes the call that rings elsewhere.
    pub(super) fn pick_up(&mut self, leg: Leg) {
        (self.picked_up, self.reached) = (Some(leg.id), Some(leg.line));
        self.adopt(leg, self.sought);
    }

    /// The side that a leg has.
    pub(super) fn side(&self, leg: LegId) -> Option<Side> {
        if leg == self.calling {
            Some(Side::Calling)
        } else {
            (self.called == Some(leg)).then_some(Side::Called)
        }
    }

    /// The leg of a side.
    pub(super) const fn at(&self, side: Side) -> Option<LegId> {
        match side {
            Side::Calling => Some(self.calling),
            Side::Called => self.called,
        }
    }

    /// The leg that is tried, rung or talked to.
    pub(super) const fn sought_leg(&self) -> Option<LegId> {
        self.at(self.sought)
    }

    /// The leg for which that is done.
    pub(super) const fn origin_leg(&self) -> Option<LegId> {
        self.at(self.sought.other())
    }

    /// The line that is tried or rung.
    pub(super) fn sought_line(&self) -> Option<LineId> {
        let sought = self.sought_leg()?;
        self.legs.iter().find(|leg| leg.id == sought).map(|leg| leg.line)
    }

    /// The leg at the other side of this one, while it lives.
    pub(super) fn peer(&self, leg: LegId) -> Option<&Leg> {
        let peer = self.at(self.side(leg)?.other())?;
        self.legs.iter().find(|leg| leg.id == peer && leg.is_live())
    }

    /// Takes a leg out.
    pub(super) fn take_leg(&mut self, leg: LegId) -> Option<Leg> {
        let at = self.legs.iter().position(|own| own.id == leg)?;
        Some(self.legs.remove(at))
    }

    /// Gives a side to a leg of another call.
    pub(super) fn adopt(&mut self, leg: Leg, side: Side) {
        self.give_side(leg.id, side);
        self.legs.push(leg);
    }

    /// Gives a side to a leg that it has.
    pub(super) const fn give_side(&mut self, leg: LegId, side: Side) {
        match side {
            Side::Calling => self.calling = leg,
            Side::Called => self.called = Some(leg),
        }
    }

    /// Whether the parties have come together.
    pub(super) const fn is_answered(&self) -> bool {
        matches!(self.phase, CallPhase::Answered | CallPhase::Talking)
    }

    /// Whether a party of it is rung for what it had on hold.
    pub(super) fn recalls(&self) -> bool {
        self.legs.iter().any(|leg| leg.recalled && leg.is_live())
    }

    /// Whether nothing that the call held is held any more.
    pub(super) fn is_cleared(&self) -> bool {
        self.spent.is_empty()
            && self.legs.iter().all(|leg| leg.progress == Progress::Cleared)
            && self.context.as_ref().is_none_or(|context| context.progress == Progress::Cleared)
    }

    /// The streams that exist or existed, from the calling to the called side, and those of parties that left.
    fn streams(&self) -> impl Iterator<Item = (StreamRole, &StreamEnd)> {
        let context = self.context.as_ref();
        let calling = self.calling_leg().and_then(|leg| leg.stream.as_ref());
        let called = self.called_leg().and_then(|leg| leg.stream.as_ref());
        let of_side = |leg: &&Leg| self.side(leg.id).is_none() && leg.left;
        let left = self.legs.iter().filter(of_side).filter_map(|leg| leg.stream.as_ref());
        [
            (StreamRole::Calling, calling),
            (StreamRole::RelayCalling, context.and_then(|context| context.calling.as_ref())),
            (StreamRole::RelayCalled, context.and_then(|context| context.called.as_ref())),
            (StreamRole::Called, called),
        ]
        .into_iter()
        .filter_map(|(role, stream)| Some((role, stream?)))
        .chain(left.map(|stream| (StreamRole::Left, stream)))
    }

    /// Who is on a line, or was at a channel of a trunk when the call took it.
    fn party(&self, parties: &[Party], line: LineId) -> Option<Party> {
        let guest = self.guests.iter().rev().find(|(own, _)| *own == line).map(|(_, guest)| guest);
        guest.or_else(|| parties.get(usize::try_from(line.0).ok()?)).cloned()
    }

    /// Whether its parties are together, or one of them waits to be given back to who has transferred it.
    pub(super) const fn stands(&self) -> bool {
        self.is_answered() || self.returning.is_some() && !matches!(self.phase, CallPhase::Clearing)
    }

    /// The record of it as it stands; none before its answer.
    pub(super) fn stable(&self, parties: &[Party]) -> Option<CallStable> {
        let waits = self.returning.map(|returning| (returning.by, StreamRole::of(self.sought.other())));
        let lent = self.lent.as_ref().filter(|_| self.joined.is_some());
        // Of one that waits nobody else's is of use.
        let is_kept = |role| match (waits, lent) {
            _ if role == StreamRole::Left => true,
            (Some((_, own)), _) => role == own,
            (None, lent) => lent.is_none(),
        };
        let streams = self.streams().filter(|(role, _)| is_kept(*role)).map(|(role, end)| {
            let (termination, local) = (end.termination.clone(), end.local.clone());
            let leg = match role {
                StreamRole::Calling => self.calling_leg(),
                StreamRole::Called => self.called_leg(),
                StreamRole::RelayCalling | StreamRole::RelayCalled | StreamRole::Left => None,
            };
            let (call, flow) = leg.map_or((self.id, Flow::Both), |leg| (leg.origin, leg.flow));
            let session = leg.and_then(|leg| leg.session.clone());
            Stream { role, call, termination, local, flow, session }
        });
        let awaited = waits.map(|(by, _)| by).or(lent.map(|(by, _)| *by));
        Some(CallStable {
            call: self.id,
            calling: self.party(parties, self.payer)?,
            called: self.party(parties, self.reached?)?,
            dialled: self.dialled.clone(),
            earlier: self.earlier.clone(),
            diversions: self.diversions.clone(),
            start: self.start,
            alerting: self.alerting,
            answer: self.answer?,
            streams: streams.chain(lent.map(|(_, stream)| stream.clone())).collect(),
            transfers: self.transfers.clone(),
            joined: self.joined,
            awaited: awaited.and_then(|line| self.party(parties, line)),
        })
    }

    /// The record of its end; none before it.
    pub(super) fn ended(&self, parties: &[Party]) -> Option<CallEnded> {
        let End { at, cause, by } = self.end?;
        let media = self.streams().map(|(role, end)| {
            let (termination, statistics) = (end.termination.clone(), end.statistics);
            StreamRecord { role, termination, local: end.local.clone(), statistics }
        });
        Some(CallEnded {
            call: self.id,
            calling: self.party(parties, self.payer)?,
            called: self.reached.and_then(|line| self.party(parties, line)),
            dialled: self.dialled.clone(),
            earlier: self.earlier.clone(),
            diversions: self.diversions.clone(),
            start: self.start,
            alerting: self.alerting,
            answer: self.answer,
            end: at,
            cause,
            released_by: by,
            media: media.collect(),
            transfers: self.transfers.clone(),
        })
    }
}

impl Leg {
    pub(super) const fn new(id: LegId, line: LineId, origin: CallId) -> Self {
        Self {
            id,
            line,
            origin,
            progress: Progress::New,
            stream: None,
            session: None,
            connected: false,
            flow: Flow::Both,
            paused: false,
            silent: false,
            reports_keys: false,
            left: false,
            recalled: false,
        }
    }

    pub(super) fn is_live(&self) -> bool {
        !matches!(self.progress, Progress::Ended | Progress::Cleared)
    }

    /// How its stream is now.
    pub(super) const fn flows(&self) -> Flow {
        if self.paused { Flow::Rest } else { self.flow }
    }

    /// The description of its stream.
    pub(super) fn local(&self) -> Option<Sdp> {
        self.stream.as_ref().map(|stream| stream.local.clone())
    }
}
