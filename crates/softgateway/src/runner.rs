//! Runs a script: one step after the other, an `expect` waits.
//!
//! The runner owns no gateway. It says which step is next and is told what happened, so that one script can work the lines of
//! one gateway (`--script`), and a test can work those of several.

use std::collections::VecDeque;

use strowger_sansio::{Duration, Time};

use crate::event::{Event, LineFact, What};
use crate::script::Step;

/// How a script ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every expectation was met.
    Passed,
    /// A step failed; those behind it were not run.
    Failed {
        /// The line in the script, from 1.
        line: usize,
        /// Why.
        why: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ready,
    Pausing(Time),
    Expecting(u64),
}

/// A script on its way.
#[derive(Debug)]
pub struct Runner {
    steps: VecDeque<(usize, Step)>,
    line: usize,
    state: State,
    outcome: Option<Outcome>,
    now: Time,
}

impl Runner {
    /// A script before its first step.
    #[must_use]
    pub fn new(steps: Vec<(usize, Step)>) -> Self {
        Self { steps: steps.into(), line: 0, state: State::Ready, outcome: None, now: Time::ZERO }
    }

    /// Takes what happened on a gateway.
    pub fn handle_event(&mut self, event: &Event) {
        let What::Line { line, fact } = &event.what else { return };
        match (self.state, fact) {
            (State::Expecting(waited), LineFact::Met { expectation, .. }) if *expectation == waited => {
                self.state = State::Ready;
            }
            (State::Expecting(waited), LineFact::Missed { expectation, sign, instead })
                if *expectation == waited =>
            {
                self.fail(format!("{line} expected {sign}, {instead}"));
            }
            _ => {}
        }
    }

    /// Takes what became of the step that [`Self::poll_step`] gave: the number of the expectation that it made, if it made one.
    ///
    /// An error ends the script.
    pub fn handle_result(&mut self, result: Result<Option<u64>, String>) {
        match result {
            Ok(Some(expectation)) => self.state = State::Expecting(expectation),
            Ok(None) => {}
            Err(why) => self.fail(why),
        }
    }

    /// Lets a pause come to its end.
    pub fn handle_timeout(&mut self, now: Time) {
        self.now = self.now.max(now);
        if let State::Pausing(until) = self.state
            && until <= now
        {
            self.state = State::Ready;
        }
    }

    /// The step to do now, if the script is not waiting for anything.
    pub fn poll_step(&mut self, now: Time) -> Option<Step> {
        self.handle_timeout(now);
        while self.state == State::Ready && self.outcome.is_none() {
            let Some((line, step)) = self.steps.pop_front() else {
                self.outcome = Some(Outcome::Passed);
                return None;
            };
            self.line = line;
            match step {
                Step::Wait(span) => self.state = State::Pausing(now + span.max(Duration::from_nanos(1))),
                step => return Some(step),
            }
        }
        None
    }

    /// When the script goes on by itself.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        match self.state {
            State::Pausing(until) => Some(until),
            State::Ready | State::Expecting(_) => None,
        }
    }

    /// How it ended; none while it runs.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    fn fail(&mut self, why: String) {
        self.outcome = Some(Outcome::Failed { line: self.line, why });
        self.steps.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{Parser, Sign};

    fn runner(text: &str) -> Runner {
        Runner::new(Parser::script(text).unwrap())
    }

    fn event(fact: LineFact) -> Event {
        Event { at: Time::ZERO, what: What::Line { line: "aaln/1".into(), fact } }
    }

    #[test]
    fn steps_come_one_by_one_and_a_pause_holds_them() {
        let mut run = runner("aaln/1 off-hook\nwait 1s\naaln/1 on-hook");
        assert!(matches!(run.poll_step(Time::ZERO), Some(Step::Act { .. })));
        assert_eq!(run.poll_step(Time::ZERO), None);
        assert_eq!(run.poll_timeout(), Some(Time::from_secs(1)));
        assert!(run.outcome().is_none());
        assert!(matches!(run.poll_step(Time::from_secs(1)), Some(Step::Act { .. })));
        assert_eq!(run.poll_step(Time::from_secs(1)), None);
        assert_eq!(run.outcome(), Some(&Outcome::Passed));
    }

    #[test]
    fn an_expectation_holds_the_script_until_it_is_met() {
        let mut run = runner("aaln/1 expect ring\naaln/1 off-hook");
        assert!(matches!(run.poll_step(Time::ZERO), Some(Step::Expect { .. })));
        run.handle_result(Ok(Some(7)));
        assert_eq!(run.poll_step(Time::from_secs(1)), None);
        let met = |expectation| LineFact::Met { expectation, sign: Sign::Ring, after: Duration::ZERO };
        run.handle_event(&event(met(6)));
        assert_eq!(run.poll_step(Time::from_secs(1)), None);
        run.handle_event(&event(met(7)));
        assert!(run.poll_step(Time::from_secs(1)).is_some());
    }

    #[test]
    fn a_missed_expectation_ends_the_script_at_its_line() {
        let mut run = runner("# a call\naaln/1 expect ring\naaln/1 off-hook");
        run.poll_step(Time::ZERO);
        run.handle_result(Ok(Some(1)));
        let instead = "heard nothing".to_owned();
        run.handle_event(&event(LineFact::Missed { expectation: 1, sign: Sign::Ring, instead }));
        assert_eq!(run.poll_step(Time::ZERO), None);
        let why = "aaln/1 expected ring, heard nothing".to_owned();
        assert_eq!(run.outcome(), Some(&Outcome::Failed { line: 2, why }));
    }
}
