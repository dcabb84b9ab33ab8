//! DLCX of the call agent: RFC 3435 sections 2.3.7 (one connection) and 2.3.9 (several).

use super::target::Targets;
use super::{Done, Origin, done};
use crate::gateway::Gateway;
use crate::gateway::media::{ConnectionHandle, EndpointIndex, MediaPlane};
use crate::gateway::prepare::Current;
use crate::gateway::refusal::{Refusal, refuse};
use crate::message::{CallIdBuf, Command, ConnectionStatistics, ParameterCode, ReturnCode};
use crate::text::ResponseBuilder;

/// What the form for several connections may not carry.
const ENCAPSULATED: [ParameterCode<'static>; 7] = [
    ParameterCode::RequestIdentifier,
    ParameterCode::RequestedEvents,
    ParameterCode::SignalRequests,
    ParameterCode::DigitMap,
    ParameterCode::QuarantineHandling,
    ParameterCode::DetectEvents,
    ParameterCode::BearerInformation,
];

impl Gateway {
    /// DeleteConnection, in the form that its parameters say.
    pub(super) fn delete_connections(
        &mut self,
        origin: Origin,
        command: &Command<'_>,
        targets: &Targets,
        plane: &mut dyn MediaPlane,
    ) -> Result<Done, Refusal> {
        let foreign = [ParameterCode::ReasonCode, ParameterCode::ConnectionParameters];
        if foreign.iter().any(|code| command.parameters.contains(*code)) {
            let text = "a reason and statistics are for a gateway's own deletion";
            return Err(refuse(ReturnCode::COMMAND_PARAMETER, text));
        }
        match command.parameters.contains(ParameterCode::ConnectionId) {
            true => self.delete_one(origin, command, targets, plane),
            false => self.delete_several(origin, command, targets, plane),
        }
    }

    fn delete_one(
        &mut self,
        origin: Origin,
        command: &Command<'_>,
        targets: &Targets,
        plane: &mut dyn MediaPlane,
    ) -> Result<Done, Refusal> {
        let index = targets.one()?;
        let handle = self.named_handle(command, index)?;
        let current = Current::Leaving(handle);
        let carried = self.encapsulated(origin, command, index, targets.domain, current, plane)?;
        let Some((endpoint, mut reach)) = self.visit(index, origin.now, plane) else {
            return Err(refuse(ReturnCode::UNKNOWN_ENDPOINT, "there is no such endpoint"));
        };
        // The new list of signals comes first: what it stops has not failed with the connection.
        carried.begin(endpoint, Some(handle), &mut reach)?.commit(endpoint, &mut reach);
        let statistics = self.close(origin, index, handle, plane).unwrap_or_default();
        let response = ResponseBuilder::new(ReturnCode::CONNECTION_DELETED, command.transaction_id)
            .connection_parameters(&statistics)
            .finish();
        Ok((ReturnCode::CONNECTION_DELETED, response))
    }

    fn delete_several(
        &mut self,
        origin: Origin,
        command: &Command<'_>,
        targets: &Targets,
        plane: &mut dyn MediaPlane,
    ) -> Result<Done, Refusal> {
        if ENCAPSULATED.iter().any(|code| command.parameters.contains(*code)) {
            let text = "the deletion of several connections carries no other command";
            return Err(refuse(ReturnCode::COMMAND_PARAMETER, text));
        }
        let call = command.call_id();
        let mut started = Vec::with_capacity(targets.endpoints.len());
        for index in &targets.endpoints {
            // Only a new notified entity can be among it, which needs no signal and cannot fail later.
            let current = Current::None;
            started.push(self.encapsulated(origin, command, *index, targets.domain, current, plane)?);
        }
        for (index, carried) in targets.endpoints.iter().zip(started) {
            let Some((endpoint, mut reach)) = self.visit(*index, origin.now, plane) else { continue };
            carried.begin(endpoint, None, &mut reach)?.commit(endpoint, &mut reach);
            let of_call = |known: &CallIdBuf| call.is_none_or(|call| *known == call);
            let handles: Vec<_> =
                endpoint.connections.iter().filter(|c| of_call(&c.call)).map(|c| c.handle).collect();
            for handle in handles {
                self.close(origin, *index, handle, plane);
            }
        }
        Ok(done(ReturnCode::CONNECTION_DELETED, command))
    }

    pub(super) fn close(
        &mut self,
        origin: Origin,
        index: EndpointIndex,
        handle: ConnectionHandle,
        plane: &mut dyn MediaPlane,
    ) -> Option<ConnectionStatistics> {
        let (endpoint, mut reach) = self.visit(index, origin.now, plane)?;
        let (_, statistics) = endpoint.close(handle, &mut reach)?;
        self.note_free(index);
        Some(statistics)
    }
}
