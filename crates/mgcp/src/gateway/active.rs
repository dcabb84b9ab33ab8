//! A signal that is being applied, and the signals of a list that are applied one after the other (RFC 3660 section 2.8).

use strowger_sansio::Time;

use super::media::{EndpointIndex, SignalTarget};
use super::reach::{Reach, TimerKey};
use super::signals::{Course, SignalRequest};
use crate::message::SignalBuf;

/// A signal that is being applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Active {
    pub(super) number: u32,
    pub(super) request: SignalRequest,
    pub(super) targets: Vec<SignalTarget>,
    /// Which signal of a list is being given.
    pub(super) step: usize,
}

/// What follows a signal of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The next one, which has begun.
    Begun,
    /// Nothing: that was the last one.
    Over,
    /// The next one cannot be given.
    Failed,
}

impl Active {
    /// What is being given: the signal, or the one of a list whose turn it is.
    pub(super) fn giving(&self) -> &SignalRequest {
        self.request.steps.get(self.step).unwrap_or(&self.request)
    }

    /// Whether this signal is being given there.
    pub(super) fn is_giving(&self, target: SignalTarget, signal: &SignalBuf) -> bool {
        self.targets.contains(&target) && self.giving().signal == *signal
    }

    /// Whether a brief signal of a list is being given.
    pub(super) fn is_brief_step(&self) -> bool {
        !self.request.steps.is_empty() && matches!(self.giving().course, Course::Brief(_))
    }

    pub(super) fn stop(&self, reach: &mut Reach<'_>) {
        for target in &self.targets {
            reach.plane.stop_signal(reach.now, *target, &self.giving().signal);
        }
    }

    pub(super) fn arm(&self, endpoint: EndpointIndex, reach: &mut Reach<'_>) {
        let lasts = match self.giving().course {
            Course::TimeOut(lasts) => lasts,
            Course::Brief(lasts) => Some(lasts),
            Course::On | Course::Off => None,
        };
        if let Some(lasts) = lasts {
            let end: Time = reach.now + lasts;
            reach.timers.set(TimerKey::Signal(endpoint, self.number), end);
        }
    }

    /// What was given is over: begins the next signal of the list.
    pub(super) fn advance(&mut self, endpoint: EndpointIndex, reach: &mut Reach<'_>) -> Next {
        self.step += 1;
        let Some(next) = self.request.steps.get(self.step) else { return Next::Over };
        for target in &self.targets {
            if reach.plane.start_signal(reach.now, *target, &next.signal).is_err() {
                return Next::Failed;
            }
        }
        self.arm(endpoint, reach);
        Next::Begun
    }

    /// Stops it, but for a brief signal of a list, which is given to its end and comes back as the signal of its own that it now is.
    pub(super) fn give_up(self, endpoint: EndpointIndex, reach: &mut Reach<'_>) -> Option<Self> {
        if self.is_brief_step() {
            let request = self.giving().clone();
            return Some(Self { request, step: 0, ..self });
        }
        self.stop(reach);
        reach.timers.cancel(&TimerKey::Signal(endpoint, self.number));
        None
    }
}
