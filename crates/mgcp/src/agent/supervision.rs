//! Signs of life: whether each gateway is up, and how its loss and its return are noticed.
//!
//! Anything that a gateway sends legally shows that it lives. One that was silent for the keep-alive interval is sent an AUEP; any
//! answer will do. A command that was repeated in vain, with nothing heard since it was first sent, means that the gateway
//! is lost: one dead endpoint of a gateway that answers elsewhere does not.

use strowger_sansio::Time;

use super::event::Event;
use super::inventory::GatewayState;
use super::operation::{Operation, OperationId, Request};
use super::outcome::Failure;
use super::{Agent, GatewayId};
use crate::dialect::Dialect;
use crate::message::EndpointName;

/// Dialects that differ by the version that they write, the likely first.
const VERSIONS: [Dialect; 4] = [Dialect::RFC3435, Dialect::MGCP_0_1, Dialect::NCS, Dialect::TGCP];

impl<T: Clone> Agent<T> {
    /// A gateway has spoken.
    pub(super) fn heard(&mut self, now: Time, gateway: GatewayId) {
        let Some(known) = self.gateways.get_mut(&gateway) else { return };
        known.last_heard = Some(now);
        let before = std::mem::replace(&mut known.state, GatewayState::Up);
        if before == GatewayState::Up {
            return;
        }
        self.counters.gateways_up += 1;
        self.events.push_back(Event::GatewayUp { gateway, after_loss: before == GatewayState::Lost });
        match self.config.supervision.keep_alive {
            // Gateways that came up together are not probed together.
            Some(interval) => self.watches.set(gateway, now + self.rng.duration(interval / 2, interval)),
            None => {
                self.watches.cancel(&gateway);
            }
        }
    }

    /// The watch over a gateway is due.
    pub(super) fn watch(&mut self, now: Time, gateway: GatewayId) {
        let Some(known) = self.gateways.get(&gateway) else { return };
        if known.state == GatewayState::Up {
            let Some(interval) = self.config.supervision.keep_alive else { return };
            let silent = known.last_heard.map_or(interval, |heard| now.since(heard));
            if silent < interval {
                self.watches.set(gateway, now + (interval - silent));
                return;
            }
            self.watches.set(gateway, now + interval);
            // Commands under way will tell as well.
            if known.outstanding > 0 {
                return;
            }
        }
        self.probe(now, gateway);
    }

    /// Asks a gateway for a sign of life, unless that is under way.
    fn probe(&mut self, now: Time, gateway: GatewayId) {
        let Some(known) = self.gateways.get_mut(&gateway) else { return };
        if known.probe.is_some() {
            return;
        }
        let id = OperationId(self.next_operation);
        self.next_operation += 1;
        known.probe = Some(id);
        let operation = Operation {
            gateway,
            endpoint: known.probe_endpoint.clone(),
            request: Request::Probe,
            tag: None,
            sent: None,
            refused: 0,
            resting: false,
            early: None,
            unwanted: false,
        };
        self.operations.insert(id, operation);
        self.counters.probes += 1;
        self.transmit(now, id);
    }

    /// A gateway that is asked for a sign of life refuses our version (528): if its dialect is not configured, the next of those
    /// that differ by version is tried at once.
    pub(super) fn refused_version(&mut self, now: Time, gateway: GatewayId) {
        let Some(known) = self.gateways.get_mut(&gateway).filter(|known| known.config.detect) else { return };
        let own = known.config.dialect.name;
        let place = VERSIONS.iter().position(|dialect| dialect.name == own);
        let Some(next) = VERSIONS.get(place.map_or(0, |place| place + 1)) else { return };
        known.config.dialect = *next;
        self.probe(now, gateway);
    }

    /// Something came from a gateway's address that proves nothing, such as an answer to no question: if the gateway is not up,
    /// it is asked at once.
    pub(super) fn suspect_alive(&mut self, now: Time, gateway: GatewayId) {
        if self.gateways.get(&gateway).is_some_and(|known| known.state != GatewayState::Up) {
            self.probe(now, gateway);
        }
    }

    /// The retransmissions of a command are used up.
    pub(super) fn exhausted(&mut self, now: Time, id: OperationId) {
        let Some(operation) = self.operations.get(&id) else { return };
        let Some(known) = self.gateways.get(&operation.gateway) else { return };
        let sent = operation.sent.map_or(now, |(_, at)| at);
        if known.last_heard.is_some_and(|heard| heard > sent) {
            self.give_up(now, id, Failure::Unanswered);
        } else {
            self.lose(now, operation.gateway);
        }
    }

    /// A gateway is lost: all that was asked of it fails, and it is probed until it answers.
    fn lose(&mut self, now: Time, gateway: GatewayId) {
        let Some(known) = self.gateways.get_mut(&gateway) else { return };
        let before = std::mem::replace(&mut known.state, GatewayState::Lost);
        known.held.clear();
        known.resting = false;
        known.pause = self.config.supervision.pause.0;
        self.rests.cancel(&gateway);
        let probe = known.probe;
        let mut pending: Vec<_> = known.endpoints.values().flat_map(|e| e.order.iter().copied()).collect();
        pending.extend(probe);
        if before != GatewayState::Lost {
            self.counters.gateways_lost += 1;
            self.events.push_back(Event::GatewayLost { gateway });
        }
        self.fail_all(now, &pending, &Failure::GatewayLost);
        let pause = self.config.supervision.recovery;
        self.watches.set(gateway, now + self.rng.duration(pause / 2, pause));
    }

    /// Endpoints came into a state without connections and requests: what was under way on them is void.
    pub(super) fn reset_endpoints(&mut self, now: Time, gateway: GatewayId, pattern: EndpointName<'_>) {
        let Some(known) = self.gateways.get_mut(&gateway) else { return };
        let mut pending = Vec::new();
        for name in known.covered(pattern) {
            if let Some(endpoint) = known.endpoints.get(&name) {
                pending.extend(endpoint.order.iter().copied());
            }
            known.forget_current(&name);
        }
        // A gateway may have announced its restart before it was asked for the connection that is to go: the deletions of the agent's own stay.
        let operations = &self.operations;
        pending.retain(|id| {
            operations
                .get(id)
                .is_none_or(|operation| operation.tag.is_some() || !operation.request.is_deletion())
        });
        self.fail_all(now, &pending, &Failure::Restarted);
    }
}
