//! What operators order of circuits, and the results that they wait for.

use std::collections::BTreeMap;

use strowger_exchange::{Cic, CircuitFault, Continuity, ContinuityResult, Event};
use tokio::sync::oneshot;

use super::Shard;

/// What is ordered of a circuit.
#[derive(Debug)]
pub(crate) struct Order {
    /// The id of its trunk.
    pub(crate) trunk: String,
    /// Its code there.
    pub(crate) circuit: Cic,
    pub(crate) wish: Wish,
}

#[derive(Debug)]
pub(crate) enum Wish {
    /// Test its continuity, and tell what came of it.
    Test(Continuity, oneshot::Sender<Result<ContinuityResult, CircuitFault>>),
    /// Answer the tests of its far end so, or no more.
    Answer(Option<Continuity>, oneshot::Sender<Result<(), CircuitFault>>),
}

/// Who waits for the results of tests. There is one test of a circuit at a time, and whoever asks for another is refused.
#[derive(Debug, Default)]
pub(super) struct Tests(BTreeMap<(String, Cic), oneshot::Sender<Result<ContinuityResult, CircuitFault>>>);

impl Tests {
    /// Tells a result to who waits for it.
    pub(super) fn event(&mut self, event: &Event) {
        if let Event::CircuitTested { trunk, circuit, result } = event
            && let Some(waiting) = self.0.remove(&(trunk.clone(), *circuit))
        {
            // One who does not wait any more needs no answer.
            let _ = waiting.send(Ok(result.clone()));
        }
    }
}

impl Shard {
    pub(super) fn order_circuit(&mut self, order: Order) {
        let Order { trunk, circuit, wish } = order;
        let now = self.clock.now();
        // What is sent of it is drained in this turn of the loop, and so is the event of a test that has failed at once.
        match wish {
            Wish::Test(answer, to) => match self.exchange.test_circuit(now, (&trunk, circuit), answer) {
                Ok(()) => {
                    self.tests.0.insert((trunk, circuit), to);
                }
                Err(fault) => {
                    let _ = to.send(Err(fault));
                }
            },
            Wish::Answer(answer, to) => {
                let _ = to.send(self.exchange.answer_circuit_tests(now, (&trunk, circuit), answer));
            }
        }
    }
}
