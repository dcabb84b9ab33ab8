//! Commands of the gateway: NTFY, the DLCX that gives up a connection (RFC 3435 sections 2.3.4 and 2.3.8), the RSIP of RFC 3992.
//!
//! They go out after the response to the command in hand, in the order in which they arose on their endpoint. While a procedure
//! of [`restart`](super::restart) is under way they wait, and afterwards they go one at a time.

use strowger_sansio::Time;

use super::endpoint::{Association, Unanswered};
use super::media::{ConnectionHandle, EndpointIndex, LossReason, MediaPlane};
use super::reach::{Outbound, Purpose};
use super::{Gateway, Tag};
use crate::message::{NotifiedEntity, ParameterCode, Reason, RestartMethod, TransactionId, Verb};
use crate::text::CommandBuilder;
use crate::transaction::{ChainId, PeerId};

impl Gateway {
    /// Sends what endpoints want to be sent, or keeps it for later.
    pub(super) fn flush(&mut self, now: Time) {
        while let Some(outbound) = self.outbox.pop_front() {
            let most = self.limits.outstanding_notifications;
            let index = outbound.endpoint;
            let Some(endpoint) = self.endpoint(index) else { continue };
            let must_wait = endpoint.association != Association::Known
                || !endpoint.held.is_empty()
                || endpoint.unanswered.len() >= most
                || endpoint.peer().is_none();
            if must_wait {
                self.hold(outbound);
            } else {
                self.send(now, outbound);
            }
        }
    }

    fn hold(&mut self, outbound: Outbound) {
        let most = self.limits.held_commands;
        let Some(endpoint) = self.endpoint_mut(outbound.endpoint) else { return };
        if endpoint.held.len() < most {
            endpoint.held.push_back(outbound);
        } else {
            self.counters.events_lost += 1;
        }
    }

    fn send(&mut self, now: Time, outbound: Outbound) {
        let Outbound { endpoint: index, purpose, .. } = outbound;
        let Some(endpoint) = self.endpoint(index) else { return };
        let (domain, peer) = (endpoint.domain, endpoint.peer());
        let (Some(peer), Some(name)) = (peer, self.full_name(index, domain)) else { return };
        let dialect = self.dialect;
        let (tag, notification) = match purpose {
            Purpose::Notify { serial, .. } => (Tag::Notify(index, serial), Some(serial)),
            Purpose::Lost { .. } => (Tag::Lost(index), None),
            Purpose::Lockstep => (Tag::Lockstep(index), None),
        };
        let build = |transaction: TransactionId| match &purpose {
            Purpose::Notify { request, entity, events, .. } => {
                let mut command = CommandBuilder::new(Verb::Ntfy, transaction, &name, &dialect);
                if let Some(entity) = entity.as_deref().and_then(NotifiedEntity::parse) {
                    command = command.notified_entity(entity);
                }
                let command = command.request_id(request);
                let events = &dialect.to_peer(events);
                let with = command.clone().parameter(ParameterCode::ObservedEvents, events);
                debug_assert!(with.is_ok(), "O: {events}");
                with.unwrap_or(command).finish()
            }
            Purpose::Lost { call, connection, reason, statistics } => {
                CommandBuilder::new(Verb::Dlcx, transaction, &name, &dialect)
                    .call_id(call)
                    .connection_id(connection)
                    .reason(Reason::of(*reason))
                    .connection_parameters(statistics)
                    .finish()
            }
            Purpose::Lockstep => CommandBuilder::new(Verb::Rsip, transaction, &name, &dialect)
                .restart_method(RestartMethod::Package { package: "LCK", method: "lockstep" })
                .finish(),
        };
        // A later notification never overtakes an earlier one: section 4.4.1.
        let id = self.transactions.send_in_order(now, peer, ChainId(u64::from(index.0)), build, tag);
        if let Some(endpoint) = self.endpoint_mut(index) {
            endpoint.unanswered.push(Unanswered { id, notification });
        }
    }

    /// An endpoint may have a new notified entity: what is outstanding goes there (section 4.3).
    pub(super) fn follow_entity(&mut self, now: Time, index: EndpointIndex) {
        let Some(endpoint) = self.endpoints.get(index.0 as usize) else { return };
        let Some(peer) = endpoint.peer() else { return };
        for sent in &endpoint.unanswered {
            self.transactions.redirect(now, sent.id, peer);
        }
    }

    /// A call agent does not answer a command, which has been repeated often enough: the next of the endpoint's list is tried, within
    /// the time that the command has (RFC 3991 section 2.1).
    pub(super) fn suspect(&mut self, now: Time, silent: PeerId, id: TransactionId) {
        let index = match self.transactions.tag(silent, id) {
            Some(Tag::Notify(index, _) | Tag::Lost(index) | Tag::Lockstep(index)) => Some(*index),
            Some(Tag::Procedure(procedure)) => self.first_of(*procedure),
            Some(Tag::Courtesy | Tag::Message | Tag::Keepalive) | None => None,
        };
        let next = index.and_then(|index| self.endpoint(index)?.peer_after(silent));
        if let Some(next) = next {
            self.transactions.redirect(now, id, next);
        }
    }

    /// A command of an endpoint was answered, whatever the answer says.
    pub(super) fn answered(
        &mut self,
        now: Time,
        index: EndpointIndex,
        id: TransactionId,
        serial: Option<u64>,
        plane: &mut dyn MediaPlane,
    ) {
        let Some((endpoint, mut reach)) = self.visit(index, now, plane) else { return };
        endpoint.unanswered.retain(|sent| sent.id != id);
        if let Some(serial) = serial {
            endpoint.notification_over(serial, &mut reach);
        }
        endpoint.give_up_lost_notification(&mut reach);
        self.release(now, index);
    }

    /// A command of an endpoint will never be answered: the endpoint is disconnected.
    pub(super) fn unanswered(&mut self, now: Time, index: EndpointIndex, id: TransactionId) {
        if let Some(endpoint) = self.endpoint_mut(index) {
            endpoint.unanswered.retain(|sent| sent.id != id);
        }
        self.disconnected(now, index);
    }

    /// The call agent is back: what still waits goes out, and a notification that was lost is over (section 4.4.1).
    pub(super) fn resume(&mut self, now: Time, index: EndpointIndex, lost: bool, plane: &mut dyn MediaPlane) {
        let longest = self.durations.protocol.t_max;
        let Some((endpoint, mut reach)) = self.visit(index, now, plane) else { return };
        if lost {
            endpoint.held.retain(|outbound| now.since(outbound.made) <= longest);
        }
        endpoint.give_up_lost_notification(&mut reach);
        self.release(now, index);
    }

    /// Sends the oldest command that waits, if nothing of its endpoint is outstanding.
    fn release(&mut self, now: Time, index: EndpointIndex) {
        let Some(endpoint) = self.endpoint_mut(index) else { return };
        if !endpoint.unanswered.is_empty() || endpoint.association != Association::Known {
            return;
        }
        if let Some(outbound) = endpoint.held.pop_front() {
            self.send(now, outbound);
        }
    }

    /// A connection can no longer be sustained: it is closed, and the call agent is told.
    pub(super) fn lose_connection(
        &mut self,
        now: Time,
        index: EndpointIndex,
        handle: ConnectionHandle,
        loss: LossReason,
        plane: &mut dyn MediaPlane,
    ) {
        self.abort_on(now, handle, plane);
        let reason = super::endpoint::reason(loss);
        let Some((endpoint, mut reach)) = self.visit(index, now, plane) else { return };
        let Some((connection, statistics)) = endpoint.close(handle, &mut reach) else { return };
        endpoint.reason = reason;
        reach.counters.connections_lost += 1;
        reach.outbox.push_back(Outbound {
            endpoint: index,
            made: now,
            purpose: Purpose::Lost { call: connection.call, connection: connection.id, reason, statistics },
        });
        self.note_free(index);
        self.part(now, plane);
    }
}
