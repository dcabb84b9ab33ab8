//! Operations on their way: queued for their endpoint, sent when nothing stands before them, ended by an answer or
//! without one.

use strowger_sansio::Time;

use super::event::Event;
use super::inventory::GatewayState;
use super::operation::{Early, Operation, OperationId, Request, concerns};
use super::outcome::{Failure, Outcome, Refused};
use super::{Agent, GatewayId, answer, encode};
use crate::dialect::Dialect;
use crate::message::{
    CallIdBuf, Category, EndpointNameBuf, RequestIdBuf, Response, ReturnCode, TransactionId,
};

/// A creation whose outcome is not known any more; should its answer come after all, the connection is deleted.
#[derive(Clone, Debug)]
pub(super) struct Orphan {
    gateway: GatewayId,
    endpoint: EndpointNameBuf,
    call_id: CallIdBuf,
    since: Time,
}

/// How many such creations are remembered.
const ORPHANS: usize = 4096;

/// How many confirmations of responses one command carries: RFC 3435 section 3.5.2 asks for short lists.
const CONFIRMATIONS: usize = 4;

impl<T: Clone> Agent<T> {
    pub(super) fn submit(
        &mut self,
        now: Time,
        gateway: GatewayId,
        endpoint: &EndpointNameBuf,
        mut request: Request,
        tag: Option<T>,
    ) {
        if let Some(notification) = request.notification_mut()
            && notification.request_id.is_none()
        {
            notification.request_id = Some(RequestIdBuf::from_u128(self.rng.next_u128()));
        }
        if let Err(failure) = self.admit(gateway, endpoint, &request) {
            self.fail(tag, failure);
            return;
        }
        let id = OperationId(self.next_operation);
        self.next_operation += 1;
        self.step_in_front(now, gateway, endpoint, &request);
        let sweep = endpoint.as_name().is_wildcarded() && matches!(request, Request::DeleteAll(_));
        let operation = Operation {
            gateway,
            endpoint: endpoint.clone(),
            request,
            tag,
            sent: None,
            refused: 0,
            resting: false,
            early: None,
            unwanted: false,
        };
        self.operations.insert(id, operation);
        let Some(known) = self.gateways.get_mut(&gateway) else { return };
        known.endpoints.entry(endpoint.clone()).or_default().order.push(id);
        if sweep {
            known.sweeps.push(id);
        }
        self.pump(now, gateway, endpoint);
    }

    fn admit(
        &self,
        gateway: GatewayId,
        endpoint: &EndpointNameBuf,
        request: &Request,
    ) -> Result<(), Failure> {
        let known = self.gateways.get(&gateway).filter(|known| known.owns(endpoint.as_name()));
        let known = known.ok_or(Failure::UnknownEndpoint)?;
        if known.state == GatewayState::Lost {
            return Err(Failure::GatewayLost);
        }
        encode::check(request, endpoint, &known.config.dialect)?;
        let waiting = known.endpoints.get(endpoint).map_or(0, |known| known.order.len());
        // Deletions get through while there is room for as many again: a queue that is full must be able to empty.
        let room = match request {
            Request::Delete(_) | Request::DeleteAll(_) => self.config.limits.operations_per_endpoint * 2,
            _ => self.config.limits.operations_per_endpoint,
        };
        if waiting < room { Ok(()) } else { Err(Failure::TooMany) }
    }

    /// A deletion ends what it makes pointless: operations that still wait are not sent, and what a creation under way
    /// brings is deleted when it comes (RFC 3435 section 4.4.4 rules 3 and 5).
    fn step_in_front(
        &mut self,
        now: Time,
        gateway: GatewayId,
        endpoint: &EndpointNameBuf,
        request: &Request,
    ) {
        let Some(known) = self.gateways.get(&gateway) else { return };
        let ids: Vec<OperationId> = match request {
            Request::Delete(_) => known.endpoints.get(endpoint).map(|e| e.order.clone()).unwrap_or_default(),
            Request::DeleteAll(_) => {
                let names = known.covered(endpoint.as_name());
                names
                    .iter()
                    .filter_map(|name| known.endpoints.get(name))
                    .flat_map(|e| e.order.clone())
                    .collect()
            }
            _ => return,
        };
        for id in ids {
            let Some(operation) = self.operations.get_mut(&id) else { continue };
            if operation.sent.is_none() && request.supersedes(&operation.request) {
                self.end(now, id, Err(Failure::Superseded));
            } else if let (Request::DeleteAll(call), Request::Create(create)) = (request, &operation.request)
            {
                operation.unwanted |= concerns(call.as_ref(), &create.call_id);
            }
        }
    }

    /// Sends what may be sent of an endpoint's operations.
    pub(super) fn pump(&mut self, now: Time, gateway: GatewayId, endpoint: &EndpointNameBuf) {
        let Some(known) = self.gateways.get(&gateway) else { return };
        let Some(order) = known.endpoints.get(endpoint).map(|known| known.order.clone()) else { return };
        for (index, id) in order.iter().enumerate() {
            let Some(operation) = self.operations.get(id) else { continue };
            if operation.sent.is_some() || operation.resting {
                continue;
            }
            let earlier = order[..index].iter().filter_map(|id| self.operations.get(id));
            let blocked = earlier.into_iter().any(|earlier| operation.waits_for(earlier));
            if !blocked && !self.is_swept(gateway, *id, operation) {
                self.dispatch(now, *id);
            }
        }
    }

    /// Whether a deletion over several endpoints, which this one may be among, has no answer yet.
    fn is_swept(&self, gateway: GatewayId, id: OperationId, operation: &Operation<T>) -> bool {
        let Some(known) = self.gateways.get(&gateway) else { return false };
        known.sweeps.iter().filter(|sweep| **sweep < id).any(|sweep| {
            self.operations.get(sweep).is_some_and(|sweep| {
                operation.waits_for(sweep) && sweep.endpoint.as_name().covers(operation.endpoint.as_name())
            })
        })
    }

    /// Puts a command on the wire.
    pub(super) fn transmit(&mut self, now: Time, id: OperationId) {
        let Some(operation) = self.operations.get_mut(&id) else { return };
        let Some(known) = self.gateways.get(&operation.gateway) else { return };
        let dialect = &known.config.dialect;
        let confirmed = if dialect.response_ack {
            self.transactions.confirmations(now, known.peer, CONFIRMATIONS)
        } else {
            Vec::new()
        };
        let context = encode::Context {
            dialect,
            notified_entity: self.config.notified_entity.as_ref(),
            confirmed: &confirmed,
        };
        let (endpoint, request) = (&operation.endpoint, &operation.request);
        let build = |transaction| encode::command(&context, transaction, endpoint, request);
        let transaction = self.transactions.send(now, known.peer, build, id);
        operation.sent = Some((transaction, now));
    }

    /// A provisional response: what it tells may be used already.
    pub(super) fn proceeding(&mut self, id: OperationId, response: &Response<'_>) {
        let Some(operation) = self.operations.get_mut(&id) else { return };
        let outcome = answer::outcome(&operation.request, response);
        if outcome.connection_id.is_none() && outcome.sdp.is_none() {
            return;
        }
        operation.early =
            Some(Early { connection_id: outcome.connection_id.clone(), sdp: outcome.sdp.clone() });
        if let Some(tag) = operation.tag.clone().filter(|_| !operation.unwanted) {
            self.events.push_back(Event::Proceeding { tag, outcome });
        }
    }

    /// A final response.
    pub(super) fn answered(&mut self, now: Time, id: OperationId, response: &Response<'_>) {
        let Some(operation) = self.operations.get(&id) else { return };
        if !response.code.is_success() {
            let gateway = operation.gateway;
            if self.is_given_again(now, id, response.code) {
                return;
            }
            let known = self.gateways.get(&gateway);
            let dialect = known.map_or(Dialect::RFC3435, |known| known.config.dialect);
            let refused = Refused::from_response(response, &dialect);
            if refused.category == Category::TemporaryFailure && self.is_cleared_again(now, id) {
                return;
            }
            self.end(now, id, Err(Failure::Refused(refused)));
            if response.code == ReturnCode::VERSION {
                self.refused_version(now, gateway);
            }
            return;
        }
        if let Some(early) = &operation.early
            && early.contradicts(response.connection_id(), response.sdp[0])
        {
            self.counters.provisional_mismatches += 1;
        }
        let outcome = answer::outcome(&operation.request, response);
        self.adopt_request(id, &outcome);
        let Some(operation) = self.operations.get(&id) else { return };
        let Request::Create(create) = &operation.request else {
            self.end(now, id, Ok(outcome));
            return;
        };
        let (gateway, call_id) = (operation.gateway, create.call_id.clone());
        let endpoint = operation.endpoint.clone();
        let unwanted = operation.unwanted;
        let result = match answer::created(&endpoint, &outcome) {
            Some(_) if !unwanted => Ok(outcome),
            Some((place, connection)) => {
                self.delete_orphan(now, gateway, &place, Request::delete(call_id, connection));
                Err(Failure::Superseded)
            }
            None => {
                // Without its identifier a connection can only be deleted by its call, and that only where it is.
                if !endpoint.as_name().is_wildcarded() {
                    self.delete_orphan(now, gateway, &endpoint, Request::DeleteAll(Some(call_id)));
                }
                Err(Failure::BadAnswer)
            }
        };
        self.end(now, id, result);
    }

    /// The notification request of a command that was carried out is now the endpoint's current one.
    fn adopt_request(&mut self, id: OperationId, outcome: &Outcome) {
        let Some(operation) = self.operations.get(&id) else { return };
        let Some(request_id) = operation.request.notification().and_then(|n| n.request_id.clone()) else {
            return;
        };
        let endpoint = outcome.specific_endpoint().unwrap_or(&operation.endpoint).clone();
        if let Some(known) = self.gateways.get_mut(&operation.gateway) {
            known.set_current(&endpoint, request_id);
        }
    }

    /// Ends an operation, tells its outcome, and lets others follow.
    pub(super) fn end(&mut self, now: Time, id: OperationId, result: Result<Outcome, Failure>) {
        if let Some((gateway, endpoints)) = self.settle(now, id, result) {
            self.follow(now, gateway, &endpoints);
        }
    }

    /// Ends operations together: none that waited for another of them is sent in between.
    pub(super) fn fail_all(&mut self, now: Time, ids: &[OperationId], failure: &Failure) {
        let settled: Vec<_> =
            ids.iter().filter_map(|id| self.settle(now, *id, Err(failure.clone()))).collect();
        for (gateway, endpoints) in settled {
            self.follow(now, gateway, &endpoints);
        }
    }

    /// Takes an operation off all lists and tells its outcome; the endpoints on which others may follow come back.
    fn settle(
        &mut self,
        now: Time,
        id: OperationId,
        result: Result<Outcome, Failure>,
    ) -> Option<(GatewayId, Vec<EndpointNameBuf>)> {
        let operation = self.operations.remove(&id)?;
        self.again.cancel(&id);
        let gateway = operation.gateway;
        if let Some((transaction, _)) = operation.sent
            && self.transactions.abort(now, transaction).is_some()
        {
            self.remember_orphan(now, &operation, transaction);
        }
        let known = self.gateways.get_mut(&gateway)?;
        if known.probe == Some(id) {
            known.probe = None;
            return None;
        }
        if operation.sent.is_some() {
            known.outstanding = known.outstanding.saturating_sub(1);
            self.in_flight = self.in_flight.saturating_sub(1);
        }
        if let Some(endpoint) = known.endpoints.get_mut(&operation.endpoint) {
            endpoint.order.retain(|other| *other != id);
        }
        known.tidy(&operation.endpoint);
        let swept = known.sweeps.contains(&id);
        known.sweeps.retain(|sweep| *sweep != id);
        let endpoints =
            if swept { known.covered(operation.endpoint.as_name()) } else { vec![operation.endpoint] };
        if result.is_ok() {
            known.pause = self.config.supervision.pause.0;
        }
        match (result, operation.tag) {
            (Ok(outcome), Some(tag)) => {
                self.counters.completed += 1;
                self.events.push_back(Event::Completed { tag, outcome });
            }
            (Err(failure), tag) => self.fail(tag, failure),
            (Ok(_), None) => self.counters.completed += 1,
        }
        Some((gateway, endpoints))
    }

    /// Sends what waited for an operation that has ended.
    fn follow(&mut self, now: Time, gateway: GatewayId, endpoints: &[EndpointNameBuf]) {
        for endpoint in endpoints {
            self.pump(now, gateway, endpoint);
        }
        self.take_turn(now, gateway);
    }

    fn fail(&mut self, tag: Option<T>, failure: Failure) {
        self.counters.failed += 1;
        if let Some(tag) = tag {
            self.events.push_back(Event::Failed { tag, failure });
        }
    }

    /// No answer will be waited for any more, although the gateway lives: there is none, or it cannot be read. A connection that may
    /// have been created is deleted by its call.
    pub(super) fn give_up(&mut self, now: Time, id: OperationId, failure: Failure) {
        let Some(operation) = self.operations.get(&id) else { return };
        let cleaning = match &operation.request {
            Request::Create(create) if !operation.endpoint.as_name().is_wildcarded() => {
                Some((operation.gateway, operation.endpoint.clone(), create.call_id.clone()))
            }
            _ => None,
        };
        self.end(now, id, Err(failure));
        if let Some((gateway, endpoint, call_id)) = cleaning {
            self.delete_orphan(now, gateway, &endpoint, Request::DeleteAll(Some(call_id)));
        }
    }

    fn remember_orphan(&mut self, now: Time, operation: &Operation<T>, transaction: TransactionId) {
        let Request::Create(create) = &operation.request else { return };
        let lifetime = self.config.timers.give_up();
        self.orphans.retain(|_, orphan| now.since(orphan.since) < lifetime);
        if self.orphans.len() < ORPHANS {
            let (gateway, endpoint) = (operation.gateway, operation.endpoint.clone());
            let orphan = Orphan { gateway, endpoint, call_id: create.call_id.clone(), since: now };
            self.orphans.insert(transaction, orphan);
        }
    }

    /// A response that nobody waits for. If it tells of a connection that was given up, that is deleted.
    pub(super) fn stray(&mut self, now: Time, gateway: GatewayId, response: &Response<'_>) {
        let id = response.transaction_id;
        if !response.code.is_success() || self.orphans.get(&id).is_none_or(|orphan| orphan.gateway != gateway)
        {
            return;
        }
        let Some(orphan) = self.orphans.remove(&id) else { return };
        let outcome = answer::connection_outcome(response);
        if let Some((place, connection)) = answer::created(&orphan.endpoint, &outcome) {
            self.delete_orphan(now, gateway, &place, Request::delete(orphan.call_id, connection));
        }
    }

    fn delete_orphan(&mut self, now: Time, gateway: GatewayId, endpoint: &EndpointNameBuf, request: Request) {
        self.counters.orphans_deleted += 1;
        self.submit(now, gateway, endpoint, request, None);
    }
}
