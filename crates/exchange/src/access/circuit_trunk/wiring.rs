//! How the exchange reaches the circuits.

use strowger_sansio::Time;

use super::{Circuits, Part};
use crate::access::{Access, Turn};
use crate::{
    CallId, Cause, Cic, CircuitEvent, CircuitFault, CircuitId, CircuitOrder, Continuity, LegId, LineId,
};

impl Access {
    /// Channels that cannot be used before their bearers are known to serve.
    pub(crate) fn closed_channels(&self) -> impl Iterator<Item = LineId> {
        self.circuits.closed()
    }

    pub(crate) fn handle_circuit(
        &mut self,
        now: Time,
        circuit: CircuitId,
        event: CircuitEvent,
    ) -> Result<(), CircuitFault> {
        self.by_circuits(now, |circuits, turn| circuits.handle(turn, circuit, event))
    }

    /// An operator has a circuit tested.
    pub(crate) fn test_circuit(
        &mut self,
        now: Time,
        circuit: (&str, Cic),
        kind: Continuity,
    ) -> Result<(), CircuitFault> {
        let part = Some(Part::Test(kind));
        self.by_circuits(now, |circuits, turn| circuits.ask_test(turn, circuit, part))
    }

    /// An operator has a circuit answer its far end's tests, or do so no more.
    pub(crate) fn answer_tests(
        &mut self,
        now: Time,
        circuit: (&str, Cic),
        kind: Option<Continuity>,
    ) -> Result<(), CircuitFault> {
        let part = kind.map(Part::Respond);
        self.by_circuits(now, |circuits, turn| circuits.ask_test(turn, circuit, part))
    }

    pub(crate) fn poll_circuit(&mut self) -> Option<(CircuitId, CircuitOrder)> {
        self.circuits.poll_order()
    }

    /// The switch took a call that came by a circuit.
    pub(crate) fn circuit_taken(&mut self, line: LineId, call: CallId, leg: LegId) {
        self.circuits.taken(line, call, leg);
    }

    /// The switch refused it.
    pub(crate) fn circuit_refused(&mut self, line: LineId, cause: Cause) {
        self.circuits.refused(line, cause);
    }

    pub(in crate::access) fn by_circuits<R>(
        &mut self,
        now: Time,
        act: impl FnOnce(&mut Circuits, &mut Turn<'_>) -> R,
    ) -> R {
        let Self { agent, circuits, settings, timers, reports, .. } = self;
        act(circuits, &mut Turn { now, agent, timers, reports, settings })
    }
}
