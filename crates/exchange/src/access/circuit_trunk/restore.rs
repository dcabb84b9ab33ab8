//! Calls on circuits that an exchange goes on with after the one that had them has died.
//!
//! Nothing is cleared there: when the gateway is found, the stream is looked at, and whoever signals on the circuit is told of the call
//! and says if it is over. A gateway that signals itself is asked for its states (RFC 3064 section 2.0): one that is idle has no call.

use std::sync::Arc;

use strowger_mgcp::agent::{Failure, Outcome};
use strowger_mgcp::message::ParameterCode;

use super::leg::Leg;
use super::{Bearer, Circuits, Taken};
use crate::access::stream::Stream;
use crate::access::{Settings, Tag, Turn};
use crate::{CallStable, Cause, LegEvent, LegId, LineId, RestoredLeg, Side};

impl Circuits {
    /// Whether what was kept of a side's stream is enough to go on with it, on a circuit that nobody has.
    pub(in crate::access) fn can_restore(
        &self,
        settings: &Settings,
        stable: &CallStable,
        side: Side,
        line: LineId,
    ) -> bool {
        self.adopt(settings, stable, line, LegId(0), side).is_some()
    }

    /// A leg of an answered call, as it was.
    pub(in crate::access) fn restore(
        &mut self,
        turn: &mut Turn<'_>,
        stable: &CallStable,
        RestoredLeg { leg, line, side, .. }: RestoredLeg,
    ) {
        let Some(at) = self.by_line.get(&line).copied() else { return };
        let adopted = self.adopt(turn.settings, stable, line, leg, side);
        let (Some(stream), Some(circuit)) = (adopted, self.circuits.get_mut(at)) else {
            turn.leg(leg, LegEvent::Released { cause: Cause::NETWORK_OUT_OF_ORDER });
            return turn.leg(leg, LegEvent::Cleared { statistics: None });
        };
        circuit.taken = Taken::Leg(leg);
        // Who was called by a circuit is on the called side, whoever he talks to now.
        let is_incoming = side == Side::Calling;
        self.legs.insert(leg, Leg::resumed((at, stable.call), stream, is_incoming));
        self.resume_signalling(at, is_incoming);
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
        let circuit = self.circuits.get(*self.by_line.get(&line)?)?;
        let is_free = circuit.taken == Taken::Nobody;
        let stream = Stream::restore(settings, Arc::clone(&circuit.place), leg, stable, side)?;
        is_free.then_some(stream)
    }

    /// The gateway of a circuit is there: a call that was taken over is looked for. Says whether there is one.
    pub(super) fn look(&mut self, turn: &mut Turn<'_>, at: usize) -> bool {
        let Some(Taken::Leg(id)) = self.circuits.get(at).map(|circuit| circuit.taken) else { return false };
        if !self.legs.get(&id).is_some_and(Leg::is_sought) {
            return false;
        }
        self.set_bearer(turn, at, Bearer::Serves);
        let Some(circuit) = self.circuits.get_mut(at) else { return false };
        if circuit.place.audits {
            circuit.serial = circuit.serial.wrapping_add(1);
            let tag = Tag::Look(circuit.line, circuit.serial);
            let place = (circuit.place.gateway, &circuit.place.endpoint);
            turn.agent.audit_endpoint(turn.now, place, vec![ParameterCode::ConnectionId], tag);
        } else {
            self.verify(turn, id);
        }
        true
    }

    /// The connections of a circuit with a call that was taken over are listed, or cannot be.
    pub(in crate::access) fn look_outcome(
        &mut self,
        turn: &mut Turn<'_>,
        line: LineId,
        serial: u32,
        result: Result<Outcome, Failure>,
    ) {
        let Some(at) = self.by_line.get(&line).copied() else { return };
        let circuit = self.circuits.get(at).filter(|circuit| circuit.serial == serial);
        let Some(Taken::Leg(id)) = circuit.map(|circuit| circuit.taken) else { return };
        let found = match result {
            Ok(outcome) => outcome.audit.map(|audit| audit.connections),
            // What follows decides for the whole gateway.
            Err(Failure::GatewayLost | Failure::Restarted) => return,
            Err(_) => None,
        };
        let own = self.legs.get_mut(&id).and_then(|leg| leg.stream.as_mut());
        let is_gone = |stream: &Stream| {
            let own = stream.open();
            found.is_some_and(|found| own.is_some_and(|own| !found.contains(own)))
        };
        match own.filter(|stream| is_gone(stream)) {
            Some(stream) => {
                stream.lose(turn, None);
                self.fail(turn, id, Cause::NETWORK_OUT_OF_ORDER);
                self.check_cleared(turn, id);
            }
            None => self.verify(turn, id),
        }
    }

    fn verify(&mut self, turn: &mut Turn<'_>, id: LegId) {
        let Some(leg) = self.legs.get_mut(&id).filter(|leg| leg.is_sought()) else { return };
        let Some(stream) = &mut leg.stream else { return };
        let news = stream.verify(turn);
        self.stream_news(turn, id, news);
    }
}
