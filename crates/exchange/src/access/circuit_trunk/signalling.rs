//! How the signalling that is the gateway's own ([`super::cas`]) is heard and told: it stands where others speak by
//! `Exchange::handle_circuit` and `Exchange::poll_circuit`.

use strowger_mgcp::agent::{Failure, GatewayId, Outcome};
use strowger_mgcp::message::{EndpointNameBuf, ParameterCode, SignalBuf};

use super::{Circuits, Taken};
use crate::access::{Report, Tag, Timer, Turn, stream};
use crate::trunk::{CircuitEvent, CircuitOrder, ContinuityResult};
use crate::{CircuitId, GatewayProtocol, LineId};

impl Circuits {
    /// The circuit at an endpoint.
    pub(in crate::access) fn at(&self, gateway: GatewayId, endpoint: &EndpointNameBuf) -> Option<LineId> {
        self.by_place.get(&(gateway, endpoint.clone())).copied()
    }

    /// Hands an order to whoever signals on a circuit.
    pub(super) fn tell(&mut self, id: CircuitId, order: CircuitOrder) {
        let at = self.by_id.get(&id).copied();
        let circuit = at.and_then(|at| self.circuits.get(at));
        if circuit.is_some_and(|circuit| circuit.is_mute) {
            return;
        }
        let is_own = circuit.is_some_and(|circuit| circuit.cas.is_some());
        match at.filter(|_| is_own) {
            Some(at) => self.due.push_back((at, order)),
            None => self.orders.push_back((id, order)),
        }
    }

    /// Endpoints that are to do something else than before are told so; says whether there was anything to do.
    pub(in crate::access) fn flush(&mut self, turn: &mut Turn<'_>) -> bool {
        let mut worked = false;
        while let Some((at, order)) = self.due.pop_front() {
            worked = true;
            self.with_cas(turn, at, |cas| cas.order(&order));
        }
        // Everything that was ordered has had its consequences.
        for at in std::mem::take(&mut self.touched) {
            worked = true;
            self.request(turn, at);
        }
        worked
    }

    /// Lets something happen to the signalling of a circuit, and what it says of that.
    fn with_cas(&mut self, turn: &mut Turn<'_>, at: usize, act: impl FnOnce(&mut super::cas::Cas)) {
        let Some(circuit) = self.circuits.get_mut(at) else { return };
        let Some(cas) = &mut circuit.cas else { return };
        act(cas);
        let said = cas.take_said();
        if cas.take_touched() {
            self.touched.insert(at);
        }
        let timer = Timer::Signalling(circuit.line);
        match cas.patience(turn.settings) {
            Some(patience) => turn.timers.set(timer, turn.now + patience),
            None => {
                turn.timers.cancel(&timer);
            }
        }
        let is_tested = matches!(circuit.taken, Taken::Tested(_) | Taken::Responding(_));
        let has_begun = is_tested && cas.is_open() && !cas.is_idle();
        let (is_open, is_seized, id) = (cas.is_open(), cas.is_seized() || is_tested, circuit.id);
        if (circuit.is_open, circuit.is_seized) != (is_open, is_seized) {
            (circuit.is_open, circuit.is_seized) = (is_open, is_seized);
            turn.reports.push_back(Report::Channel(circuit.line, circuit.is_free_for_calls()));
        }
        if has_begun {
            self.test_seized(turn, at);
        }
        for event in said {
            let is_call = matches!(event, CircuitEvent::Setup { .. });
            if self.handle(turn, id, event).is_err() && is_call {
                // The leg that had taken it meanwhile is not gone yet.
                self.with_cas(turn, at, super::cas::Cas::not_taken);
            }
        }
    }

    fn request(&mut self, turn: &mut Turn<'_>, at: usize) {
        let Some(circuit) = self.circuits.get_mut(at) else { return };
        let Some(cas) = &mut circuit.cas else { return };
        circuit.request = circuit.request.wrapping_add(1);
        let (request, tag) = (cas.request(turn.settings), Tag::Signalling(circuit.line, circuit.request));
        let place = (circuit.place.gateway, &circuit.place.endpoint);
        turn.agent.notification_request(turn.now, place, request, tag);
        if cas.take_unseen() && circuit.place.audits {
            let info = vec![ParameterCode::EventStates];
            turn.agent.audit_endpoint(turn.now, place, info, Tag::States(circuit.line));
        }
    }

    /// Gives ringing tone towards who calls, or ends it; says whether the gateway signals on the circuit.
    pub(super) fn ring_by_signalling(&mut self, turn: &mut Turn<'_>, at: usize, on: bool) -> bool {
        let is_own = self.circuits.get(at).is_some_and(|circuit| circuit.cas.is_some());
        if is_own {
            self.with_cas(turn, at, |cas| cas.ring(on));
        }
        is_own
    }

    /// An endpoint observed something.
    pub(in crate::access) fn observed(&mut self, turn: &mut Turn<'_>, line: LineId, events: &[SignalBuf]) {
        if let Some(at) = self.by_line.get(&line).copied() {
            self.with_cas(turn, at, |cas| cas.observed(events));
            self.test_observed(turn, at, events);
        }
    }

    /// What became of what an endpoint was asked for.
    pub(in crate::access) fn request_outcome(
        &mut self,
        turn: &mut Turn<'_>,
        line: LineId,
        serial: u64,
        result: &Result<Outcome, Failure>,
    ) {
        let Some(at) = self.by_line.get(&line).copied() else { return };
        let Some(circuit) = self.circuits.get(at).filter(|circuit| circuit.request == serial) else { return };
        let failure = result.as_ref().err();
        if let Some(failure) = failure {
            stream::alarm(turn, &circuit.place, "RQNT", failure);
        }
        let refusal = match failure {
            Some(Failure::Refused(refused)) => {
                let words = refused.commentary.clone().unwrap_or_default();
                // What stands for an error code of Megaco is told by that code.
                let is_megaco = circuit.place.protocol == GatewayProtocol::Megaco;
                let answer = if is_megaco { words } else { format!("{:?} {words}", refused.code) };
                Some(ContinuityResult::Refused(answer.trim_end().to_owned()))
            }
            Some(Failure::GatewayLost | Failure::Restarted) => Some(ContinuityResult::BearerLost),
            Some(_) => Some(ContinuityResult::NoResult),
            None => None,
        };
        // What a gateway thinks of a test says nothing of the signalling, which is asked for anew behind it.
        let is_refused_test = matches!(circuit.taken, Taken::Tested(_) | Taken::Responding(_))
            && matches!(failure, Some(Failure::Refused(_)));
        if !is_refused_test {
            self.with_cas(turn, at, |cas| cas.answered(failure));
        }
        if let Some(result) = refusal {
            self.stop_responding(turn, at);
            self.tested(turn, at, result);
        }
    }

    /// An endpoint with a call that was taken over has said which states hold.
    pub(in crate::access) fn states_outcome(
        &mut self,
        turn: &mut Turn<'_>,
        line: LineId,
        result: Result<Outcome, Failure>,
    ) {
        // A gateway that cannot say leaves the call as it is.
        let Some(audit) = result.ok().and_then(|outcome| outcome.audit) else { return };
        let states: Vec<_> = audit.event_states.iter().map(ToString::to_string).collect();
        if let Some(at) = self.by_line.get(&line).copied() {
            self.with_cas(turn, at, |cas| cas.found(&states));
        }
    }

    pub(in crate::access) fn signalling_timeout(&mut self, turn: &mut Turn<'_>, line: LineId) {
        if let Some(at) = self.by_line.get(&line).copied() {
            self.with_cas(turn, at, super::cas::Cas::handle_timeout);
        }
    }

    /// The call on a circuit that was taken over, for its signalling.
    pub(super) fn resume_signalling(&mut self, at: usize, is_incoming: bool) {
        let Some(circuit) = self.circuits.get_mut(at) else { return };
        debug_assert!(matches!(circuit.taken, Taken::Leg(_)), "a circuit with a call");
        if let Some(cas) = &mut circuit.cas {
            cas.resume(is_incoming);
        } else {
            let id = circuit.id;
            self.orders.push_back((id, CircuitOrder::Standing { is_incoming }));
        }
    }
}
