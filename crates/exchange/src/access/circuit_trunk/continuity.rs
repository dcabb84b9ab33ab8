//! Continuity tests of circuits (ITU-T Q.724 section 7): one end sends a tone, the other gives it back or answers with another one.
//!
//! Whoever signals on a circuit orders either part, and an operator the first. The gateway does the rest and says what came of it: package
//! `ct` of RFC 3525 Annex E.10, package `T` of RFC 3660 section 2.5. While it lasts nobody calls by the circuit; a call that comes from the
//! far end of a circuit on which the gateway signals ends the test.

use strowger_mgcp::message::SignalBuf;
use strowger_sansio::Duration;

use super::{Bearer, Cas, Cic, CircuitId, Circuits, Taken};
use crate::access::{Report, Tag, Timer, Turn};
use crate::trunk::{CircuitFault, CircuitOrder, Continuity, ContinuityResult};
use crate::{Event, LineId};

/// How long a result is waited for: gateways end the tone after 3 s (RFC 3660 section 2.5), or as they are provisioned.
const PATIENCE: Duration = Duration::from_secs(15);

/// What an endpoint is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::access) enum Part {
    /// Send the tone and wait for the answer.
    Test(Continuity),
    /// Answer.
    Respond(Continuity),
    /// Nothing more, after a test …
    Rest,
    /// … or after having answered.
    Stop(Continuity),
}

impl Circuits {
    /// An operator has a circuit tested, or answer tests of its far end until he says nothing.
    pub(super) fn ask_test(
        &mut self,
        turn: &mut Turn<'_>,
        (trunk, cic): (&str, Cic),
        part: Option<Part>,
    ) -> Result<(), CircuitFault> {
        let known = self.trunks.iter().find(|(id, _)| id == trunk).map(|(_, trunk)| *trunk);
        let id = known.map(|trunk| CircuitId { trunk, cic });
        let at = id.and_then(|id| self.by_id.get(&id)).copied().ok_or(CircuitFault::Unknown)?;
        let circuit = self.circuits.get(at).ok_or(CircuitFault::Unknown)?;
        if circuit.bearer != Bearer::Serves {
            return Err(CircuitFault::OutOfService);
        }
        let otherwise = if part.is_some() { CircuitFault::Taken } else { CircuitFault::Unexpected };
        self.order_test(turn, at, part).map_err(|_| otherwise)
    }

    /// The signalling orders a part of a test, or ends it.
    pub(super) fn order_test(
        &mut self,
        turn: &mut Turn<'_>,
        at: usize,
        part: Option<Part>,
    ) -> Result<(), CircuitFault> {
        let circuit = self.circuits.get_mut(at).ok_or(CircuitFault::Unknown)?;
        let is_idle = circuit.cas.as_ref().is_none_or(Cas::is_idle);
        let may = is_idle && circuit.bearer == Bearer::Serves;
        let part = match (part, circuit.taken) {
            (Some(part), Taken::Nobody) if may => {
                circuit.taken = match part {
                    Part::Respond(kind) => Taken::Responding(kind),
                    Part::Test(kind) => Taken::Tested(kind),
                    Part::Rest | Part::Stop(_) => return Err(CircuitFault::Unexpected),
                };
                part
            }
            (None, Taken::Responding(kind)) => {
                circuit.taken = Taken::Nobody;
                Part::Stop(kind)
            }
            _ => return Err(CircuitFault::Unexpected),
        };
        circuit.is_seized = circuit.taken != Taken::Nobody;
        turn.reports.push_back(Report::Channel(circuit.line, circuit.is_free_for_calls()));
        if matches!(part, Part::Test(_)) {
            turn.timers.set(Timer::Test(circuit.line), turn.now + PATIENCE);
        }
        self.do_part(turn, at, part);
        Ok(())
    }

    fn do_part(&mut self, turn: &mut Turn<'_>, at: usize, part: Part) {
        let Some(circuit) = self.circuits.get_mut(at) else { return };
        circuit.request = circuit.request.wrapping_add(1);
        let tag = Tag::Signalling(circuit.line, circuit.request);
        let besides = circuit.cas.as_ref().map(|cas| cas.request(turn.settings)).unwrap_or_default();
        turn.agent.test_continuity(turn.now, &circuit.place, part, besides, tag);
    }

    /// What an endpoint of MGCP observed while its circuit is tested.
    pub(super) fn test_observed(&mut self, turn: &mut Turn<'_>, at: usize, events: &[SignalBuf]) {
        let Some(Taken::Tested(kind)) = self.circuits.get(at).map(|circuit| circuit.taken) else { return };
        let answer = match kind {
            Continuity::Loopback => "co1",
            Continuity::Transponder => "co2",
        };
        let result = events.iter().find_map(|event| {
            let is_own = event.name().package().is_none_or(|package| package.eq_ignore_ascii_case("T"));
            let name = event.name().event().to_ascii_lowercase();
            match name.as_str() {
                name if is_own && name == answer => Some(ContinuityResult::Passed),
                "oc" if is_own => Some(ContinuityResult::NoAnswer),
                "of" if is_own => Some(ContinuityResult::BrokenOff),
                _ => None,
            }
        });
        if let Some(result) = result {
            self.tested(turn, at, result);
        }
    }

    /// A gateway of Megaco says what came of a test.
    pub(in crate::access) fn test_completed(&mut self, turn: &mut Turn<'_>, line: LineId, passed: bool) {
        if let Some(at) = self.by_line.get(&line).copied() {
            self.tested(turn, at, if passed { ContinuityResult::Passed } else { ContinuityResult::NoAnswer });
        }
    }

    /// The result of a test has been waited for long enough.
    pub(in crate::access) fn test_timeout(&mut self, turn: &mut Turn<'_>, line: LineId) {
        if let Some(at) = self.by_line.get(&line).copied() {
            self.tested(turn, at, ContinuityResult::NoResult);
        }
    }

    /// The far end has begun a call on a circuit that was tested from either end.
    pub(super) fn test_seized(&mut self, turn: &mut Turn<'_>, at: usize) {
        if let Some(Taken::Responding(kind)) = self.circuits.get(at).map(|circuit| circuit.taken) {
            self.stop_responding(turn, at);
            // An answer is an on/off signal, which nothing ends but an order (RFC 3435 section 2.3.3).
            self.do_part(turn, at, Part::Stop(kind));
        }
        self.tested(turn, at, ContinuityResult::Seized);
    }

    /// A circuit does not answer its far end's tests any more, if it did: its bearer is gone, or its gateway refuses.
    pub(super) fn stop_responding(&mut self, turn: &mut Turn<'_>, at: usize) {
        let Some(circuit) = self.circuits.get_mut(at) else { return };
        if matches!(circuit.taken, Taken::Responding(_)) {
            circuit.taken = Taken::Nobody;
            circuit.is_seized = circuit.cas.as_ref().is_some_and(Cas::is_seized);
            turn.reports.push_back(Report::Channel(circuit.line, circuit.is_free_for_calls()));
        }
    }

    /// The test on a circuit is over, if there is one.
    pub(super) fn tested(&mut self, turn: &mut Turn<'_>, at: usize, result: ContinuityResult) {
        let Some(circuit) = self.circuits.get_mut(at) else { return };
        if !matches!(circuit.taken, Taken::Tested(_)) {
            return;
        }
        circuit.taken = Taken::Nobody;
        circuit.is_seized = circuit.cas.as_ref().is_some_and(Cas::is_seized);
        turn.timers.cancel(&Timer::Test(circuit.line));
        turn.reports.push_back(Report::Channel(circuit.line, circuit.is_free_for_calls()));
        let (id, serves) = (circuit.id, circuit.bearer == Bearer::Serves);
        let trunk = self.trunks.iter().find(|(_, trunk)| *trunk == id.trunk).map(|(name, _)| name.clone());
        let (passed, is_over) = (result.passed(), result != ContinuityResult::Seized);
        let signals = circuit.cas.is_some();
        turn.event(Event::CircuitTested { trunk: trunk.unwrap_or_default(), circuit: id.cic, result });
        self.tell(id, CircuitOrder::Tested { passed });
        // A call that has begun has ended the tone, and is not to be disturbed.
        match (serves && is_over, signals) {
            (true, true) => {
                self.touched.insert(at);
            }
            (true, false) => self.do_part(turn, at, Part::Rest),
            (false, _) => {}
        }
    }
}
