//! What the switch wants of a leg on a circuit, what its signalling says of it, and what becomes of its stream.

use strowger_mgcp::agent::{Failure, GatewayId, Outcome};
use strowger_mgcp::message::{ConnectionIdBuf, ConnectionMode, EndpointNameBuf};

use super::{Circuits, Taken};
use crate::access::stream::{News, Stream};
use crate::access::{Order, Owner, Turn};
use crate::trunk::{CircuitEvent, CircuitFault, CircuitOrder};
use crate::{
    CallId, CallingParty, Cause, Diversion, LegCommand, LegEvent, LegId, LineId, MediaStatistics, Precedence,
    Referred, Sdp, Tone,
};

/// How far the signalling of a leg is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signalling {
    /// It has not been told of the call.
    Silent,
    Active,
    /// It was told to release.
    Releasing,
    /// It has released, and waits for the bearer.
    Released,
    /// It has said that the circuit is idle.
    Over,
}

/// Whom to call, and for whom.
#[derive(Debug)]
struct Outgoing {
    number: String,
    caller: CallingParty,
    diversions: Vec<Diversion>,
    withheld: bool,
}

/// A leg on a circuit.
#[derive(Debug)]
pub(super) struct Leg {
    pub(super) circuit: usize,
    call: CallId,
    precedence: Precedence,
    pub(super) stream: Option<Stream>,
    outgoing: Option<Outgoing>,
    pub(super) signalling: Signalling,
    is_incoming: bool,
    /// Who called by the circuit has been told of the answer.
    answered: bool,
    /// Ringing tone is given towards the caller.
    rings: bool,
    pub(super) ended: bool,
}

impl Leg {
    pub(super) const fn incoming(circuit: usize, call: CallId) -> Self {
        Self {
            circuit,
            call,
            precedence: Precedence::Ordinary,
            stream: None,
            outgoing: None,
            signalling: Signalling::Active,
            is_incoming: true,
            answered: false,
            rings: false,
            ended: false,
        }
    }

    /// A leg of an answered call that another exchange had.
    pub(super) fn resumed((circuit, call): (usize, CallId), stream: Stream, is_incoming: bool) -> Self {
        Self { stream: Some(stream), is_incoming, answered: true, ..Self::incoming(circuit, call) }
    }

    /// Whether it goes on, and its gateway has not said that its stream is there.
    pub(super) fn is_sought(&self) -> bool {
        !self.ended && self.stream.as_ref().is_some_and(Stream::is_sought)
    }

    fn outgoing(circuit: usize, (call, precedence): (CallId, Precedence), outgoing: Outgoing) -> Self {
        Self {
            precedence,
            outgoing: Some(outgoing),
            signalling: Signalling::Silent,
            is_incoming: false,
            ..Self::incoming(circuit, call)
        }
    }
}

impl Circuits {
    pub(in crate::access) fn command(
        &mut self,
        turn: &mut Turn<'_>,
        call: CallId,
        id: LegId,
        command: LegCommand,
    ) {
        if let LegCommand::Call { line, number, caller, diversions, precedence } = command {
            let outgoing = Outgoing { number, caller, diversions, withheld: false };
            return self.call(turn, (call, precedence), id, line, outgoing);
        }
        if matches!(command, LegCommand::Seize { .. } | LegCommand::Wait { .. }) {
            // Nobody is left at a circuit whose call is over, and nobody is given back there.
            turn.leg(id, LegEvent::Released { cause: Cause::FACILITY_REJECTED });
            return turn.leg(id, LegEvent::Cleared { statistics: None });
        }
        let Some(leg) = self.legs.get_mut(&id).filter(|leg| !leg.ended) else { return };
        match command {
            LegCommand::OpenMedia { precedence } => {
                leg.precedence = precedence;
                let place = self.circuits.get(leg.circuit).map(|circuit| circuit.place.gateway);
                if place.is_none_or(|gateway| turn.agent.admits(turn.now, gateway, precedence)) {
                    self.open(turn, id, ConnectionMode::RecvOnly, None);
                } else {
                    self.fail(turn, id, Cause::SWITCHING_EQUIPMENT_CONGESTION);
                }
            }
            LegCommand::Alert { calling, remote } => {
                if let Some(outgoing) = &mut leg.outgoing {
                    outgoing.withheld = calling.withheld;
                }
                // What the far end plays is to be heard, and nobody is heard there before he is answered.
                self.open(turn, id, ConnectionMode::SendOnly, Some(&remote));
            }
            LegCommand::Play(Tone::Ringback) if leg.is_incoming => {
                self.order(id, CircuitOrder::Alerting);
                self.ring(turn, id, true);
            }
            LegCommand::Hear { remote } => {
                self.ring(turn, id, false);
                self.order(id, CircuitOrder::Progress);
                self.modify(turn, id, ConnectionMode::RecvOnly, Some(&remote));
            }
            LegCommand::Answer => {
                self.ring(turn, id, false);
                let told = self.legs.get_mut(&id).map(|leg| std::mem::replace(&mut leg.answered, true));
                if told == Some(false) && self.legs.get(&id).is_some_and(|leg| leg.is_incoming) {
                    self.order(id, CircuitOrder::Answered);
                }
            }
            LegCommand::Connect { remote } => {
                self.modify(turn, id, ConnectionMode::SendRecv, remote.as_ref());
            }
            LegCommand::Mix { remote } => {
                self.modify(turn, id, ConnectionMode::Conference, remote.as_ref());
            }
            LegCommand::Hold { remote } => self.modify(turn, id, ConnectionMode::Inactive, remote.as_ref()),
            LegCommand::Release { cause } => {
                self.part(turn, id, cause);
                self.check_cleared(turn, id);
            }
            // A circuit has no party that is rung again, or has several calls.
            LegCommand::Recall { .. } | LegCommand::Consult { .. } | LegCommand::Keep { .. } => {
                self.fail(turn, id, Cause::FACILITY_REJECTED);
            }
            LegCommand::CollectDigits { .. } => turn.leg(id, LegEvent::NoDigits),
            LegCommand::Refer { .. } => turn.leg(id, LegEvent::Referred(Referred::Refused)),
            // Keys are tones on a circuit.
            LegCommand::ReportKeys(_) | LegCommand::Key(_) => {}
            LegCommand::Play(_)
            | LegCommand::Forwarded
            | LegCommand::Retrieve
            | LegCommand::Seize { .. }
            | LegCommand::Wait { .. }
            | LegCommand::Call { .. } => {}
        }
    }

    /// Takes a circuit for a call, if it can be had.
    fn call(
        &mut self,
        turn: &mut Turn<'_>,
        (call, precedence): (CallId, Precedence),
        id: LegId,
        line: LineId,
        outgoing: Outgoing,
    ) {
        let Some(at) = self.by_line.get(&line).copied() else { return };
        let Some(circuit) = self.circuits.get_mut(at) else { return };
        let refusal = if circuit.taken != Taken::Nobody || !circuit.serves() {
            Some(Cause::NO_CIRCUIT_AVAILABLE)
        } else if turn.agent.admits(turn.now, circuit.place.gateway, precedence) {
            None
        } else {
            Some(Cause::SWITCHING_EQUIPMENT_CONGESTION)
        };
        if let Some(cause) = refusal {
            turn.leg(id, LegEvent::Released { cause });
            return turn.leg(id, LegEvent::Cleared { statistics: None });
        }
        circuit.taken = Taken::Leg(id);
        self.legs.insert(id, Leg::outgoing(at, (call, precedence), outgoing));
        turn.leg(id, LegEvent::Seized);
    }

    fn open(&mut self, turn: &mut Turn<'_>, id: LegId, mode: ConnectionMode<'static>, remote: Option<&Sdp>) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let Some(circuit) = self.circuits.get(leg.circuit) else { return };
        let place = circuit.place.clone();
        leg.stream =
            Some(Stream::create(turn, place, Owner::Leg(id), (leg.call, leg.precedence), mode, remote));
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

    /// Gives ringing tone towards the caller, who is at the far end of the circuit, or ends it. A gateway that cannot do so leaves him in silence.
    fn ring(&mut self, turn: &mut Turn<'_>, id: LegId, on: bool) {
        let Some(leg) = self.legs.get_mut(&id).filter(|leg| leg.rings != on) else { return };
        leg.rings = on;
        let at = leg.circuit;
        if self.ring_by_signalling(turn, at, on) {
            return;
        }
        let Some(circuit) = self.circuits.get(at) else { return };
        let place = &circuit.place;
        turn.agent.ring_back(turn.now, place, on, turn.settings, circuit.line);
    }

    /// What the signalling says of a leg.
    pub(super) fn told(
        &mut self,
        turn: &mut Turn<'_>,
        id: LegId,
        event: CircuitEvent,
    ) -> Result<(), CircuitFault> {
        let leg = self.legs.get_mut(&id).ok_or(CircuitFault::Unexpected)?;
        let is_called = leg.signalling == Signalling::Active && !leg.is_incoming;
        match (event, leg.signalling) {
            (CircuitEvent::Alerting, _) if is_called => turn.leg(id, LegEvent::Alerting),
            (CircuitEvent::Progress, _) if is_called => turn.leg(id, LegEvent::Progress),
            (CircuitEvent::Answered, _) if is_called => turn.leg(id, LegEvent::Answered),
            (CircuitEvent::Released { cause }, Signalling::Active | Signalling::Releasing) => {
                leg.signalling = Signalling::Released;
                if !leg.ended {
                    leg.ended = true;
                    if let Some(stream) = &mut leg.stream {
                        stream.release(turn);
                    }
                    turn.leg(id, LegEvent::Released { cause });
                    self.ring(turn, id, false);
                }
                self.check_cleared(turn, id);
            }
            (CircuitEvent::Cleared, Signalling::Releasing) => {
                leg.signalling = Signalling::Over;
                self.check_cleared(turn, id);
            }
            _ => return Err(CircuitFault::Unexpected),
        }
        Ok(())
    }

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
        self.stream_news(turn, id, news);
    }

    /// What became of the stream of a leg.
    pub(super) fn stream_news(&mut self, turn: &mut Turn<'_>, id: LegId, news: News) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        match news {
            News::Ready(termination, local) if !leg.ended => {
                turn.leg(id, LegEvent::MediaReady { termination, local });
                if let Some(outgoing) = leg.outgoing.take() {
                    leg.signalling = Signalling::Active;
                    let Outgoing { number, caller, diversions, withheld } = outgoing;
                    let caller = CallingParty { withheld, ..caller };
                    self.order(id, CircuitOrder::Setup { number, caller, diversions });
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
        self.check_cleared(turn, id);
    }

    pub(in crate::access) fn stream_retry(&mut self, turn: &mut Turn<'_>, id: LegId) {
        if let Some(stream) = self.legs.get_mut(&id).and_then(|leg| leg.stream.as_mut()) {
            stream.retry(turn);
        }
        self.check_cleared(turn, id);
    }

    /// A gateway deleted a connection by itself.
    pub(in crate::access) fn connection_deleted(
        &mut self,
        turn: &mut Turn<'_>,
        gateway: GatewayId,
        endpoint: &EndpointNameBuf,
        connection: &ConnectionIdBuf,
        statistics: Option<MediaStatistics>,
    ) {
        let on = |leg: &Leg| {
            let circuit = self.circuits.get(leg.circuit);
            circuit.is_some_and(|circuit| circuit.place.gateway == gateway)
        };
        let is = |leg: &Leg| leg.stream.as_ref().is_some_and(|stream| stream.is(endpoint, connection));
        let found = self.legs.iter().find(|(_, leg)| on(leg) && is(leg)).map(|(id, _)| *id);
        let Some(id) = found else { return };
        if let Some(stream) = self.legs.get_mut(&id).and_then(|leg| leg.stream.as_mut()) {
            stream.lose(turn, statistics);
        }
        self.fail(turn, id, Cause::TEMPORARY_FAILURE);
        self.check_cleared(turn, id);
    }

    /// The leg cannot go on: the switch hears why, and so does the signalling.
    pub(super) fn fail(&mut self, turn: &mut Turn<'_>, id: LegId, cause: Cause) {
        if self.legs.get(&id).is_some_and(|leg| !leg.ended) {
            turn.leg(id, LegEvent::Released { cause });
            self.part(turn, id, cause);
            self.check_cleared(turn, id);
        }
    }

    /// The leg ends from this side.
    fn part(&mut self, turn: &mut Turn<'_>, id: LegId, cause: Cause) {
        self.ring(turn, id, false);
        let Some(leg) = self.legs.get_mut(&id) else { return };
        leg.ended = true;
        if let Some(stream) = &mut leg.stream {
            stream.release(turn);
        }
        if leg.signalling == Signalling::Active {
            leg.signalling = Signalling::Releasing;
            self.order(id, CircuitOrder::Release { cause });
        }
    }
}
