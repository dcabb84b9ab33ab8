//! How many commands are under way at a time (RFC 3435 sections 4.4.6 and 4.4.8).
//!
//! A gateway that refuses for overload (409), or since it restarts (405), is given a pause, and the command is given again behind
//! it, unless a call waits for it. How many commands one gateway gets at a time is bounded here, and made less by the
//! transaction layer when it is overloaded; all gateways together have a bound as well, and take turns at it. What waits is
//! held in the order in which it was asked for.

use strowger_sansio::Time;

use super::operation::OperationId;
use super::{Agent, GatewayId};
use crate::message::ReturnCode;

impl<T: Clone> Agent<T> {
    /// Sends an operation now, or as soon as it may be.
    pub(super) fn dispatch(&mut self, now: Time, id: OperationId) {
        let Some(gateway) = self.operations.get(&id).map(|operation| operation.gateway) else { return };
        let Some(known) = self.gateways.get_mut(&gateway) else { return };
        if !known.held.contains(&id) {
            known.held.push_back(id);
        }
        self.take_turn(now, gateway);
    }

    /// Sends what waits for a gateway; others that have waited longer come first.
    pub(super) fn take_turn(&mut self, now: Time, gateway: GatewayId) {
        if self.waiting.is_empty() {
            return self.release(now, gateway);
        }
        if let Some(known) = self.gateways.get_mut(&gateway)
            && !known.held.is_empty()
            && !std::mem::replace(&mut known.queued, true)
        {
            self.waiting.push_back(gateway);
        }
        self.release_others(now);
    }

    /// Sends what waits for a gateway, as far as it may be.
    fn release(&mut self, now: Time, gateway: GatewayId) {
        let most = self.config.limits.outstanding_per_gateway;
        loop {
            let Some(known) = self.gateways.get_mut(&gateway) else { return };
            if known.held.is_empty() || known.resting || known.outstanding >= most {
                return;
            }
            if self.in_flight >= self.config.limits.outstanding {
                if !std::mem::replace(&mut known.queued, true) {
                    self.waiting.push_back(gateway);
                }
                return;
            }
            let Some(id) = known.held.pop_front() else { return };
            if self.operations.get(&id).is_some_and(|operation| operation.sent.is_none()) {
                known.outstanding += 1;
                self.in_flight += 1;
                self.transmit(now, id);
            }
        }
    }

    /// Lets the next gateways have their turn.
    fn release_others(&mut self, now: Time) {
        while self.in_flight < self.config.limits.outstanding {
            let Some(next) = self.waiting.pop_front() else { return };
            if let Some(known) = self.gateways.get_mut(&next) {
                known.queued = false;
            }
            self.release(now, next);
        }
    }

    /// Whether a refused command waits for its gateway to have time for it.
    pub(super) fn is_given_again(&mut self, now: Time, id: OperationId, code: ReturnCode) -> bool {
        let Some(operation) = self.operations.get_mut(&id) else { return false };
        let gateway = operation.gateway;
        let Some(known) = self.gateways.get_mut(&gateway) else { return false };
        let restarting = code == known.config.dialect.restarting || code == ReturnCode::RESTARTING;
        if !(restarting || code == ReturnCode::OVERLOAD) {
            return false;
        }
        let longest = self.config.supervision.pause.1;
        let pause = known.pause;
        if !known.resting {
            known.resting = true;
            known.pause = longest.min(pause * 2);
            let pause = self.rng.duration(pause / 2, pause);
            self.rests.set(gateway, now + pause);
        }
        operation.refused += 1;
        let again = operation.request.can_wait() && operation.refused <= self.config.limits.busy_attempts;
        if again {
            operation.sent = None;
            known.outstanding = known.outstanding.saturating_sub(1);
            known.held.push_front(id);
            self.in_flight = self.in_flight.saturating_sub(1);
            self.counters.given_again += 1;
        }
        self.counters.throttled += 1;
        if again {
            self.release_others(now);
        }
        again
    }

    /// Whether a deletion of many connections that failed for the moment is given again after a pause. What stands behind it waits as long: it
    /// shall not meet what was to be deleted.
    pub(super) fn is_cleared_again(&mut self, now: Time, id: OperationId) -> bool {
        let Some(operation) = self.operations.get_mut(&id) else { return false };
        let own = operation.tag.is_none() && operation.request.is_deletion();
        if !(own || operation.request.clears()) || operation.refused >= self.config.limits.busy_attempts {
            return false;
        }
        let Some(known) = self.gateways.get_mut(&operation.gateway) else { return false };
        operation.refused += 1;
        operation.sent = None;
        operation.resting = true;
        known.outstanding = known.outstanding.saturating_sub(1);
        self.in_flight = self.in_flight.saturating_sub(1);
        self.counters.given_again += 1;
        let pause = self.config.supervision.pause.0;
        self.again.set(id, now + self.rng.duration(pause / 2, pause));
        self.release_others(now);
        true
    }

    /// The pause of an operation is over.
    pub(super) fn cleared_again(&mut self, now: Time, id: OperationId) {
        if let Some(operation) = self.operations.get_mut(&id) {
            operation.resting = false;
            self.dispatch(now, id);
        }
    }

    /// The pause of a gateway is over.
    pub(super) fn rested(&mut self, now: Time, gateway: GatewayId) {
        if let Some(known) = self.gateways.get_mut(&gateway) {
            known.resting = false;
        }
        self.release(now, gateway);
    }
}
