//! MDCX: RFC 3435 section 2.3.6.

use super::target::Targets;
use super::{Done, Origin};
use crate::gateway::Gateway;
use crate::gateway::connection::Connection;
use crate::gateway::media::{ConnectionHandle, EndpointIndex, MediaPlane};
use crate::gateway::negotiate::{Wanted, negotiate};
use crate::gateway::options::Options;
use crate::gateway::prepare::{Current, Readiness};
use crate::gateway::refusal::{Refusal, refuse};
use crate::message::{Command, ReturnCode};
use crate::text::ResponseBuilder;

impl Gateway {
    /// ModifyConnection.
    pub(super) fn modify_connection(
        &mut self,
        origin: Origin,
        command: &Command<'_>,
        targets: &Targets,
        plane: &mut dyn MediaPlane,
    ) -> Result<Done, Refusal> {
        let index = targets.one()?;
        let old = self.named_connection(command, index)?.clone();
        let handle = old.handle;
        let new = self.modified(origin, command, (index, &old), plane)?;
        let readiness = if new.remote.is_some() { Readiness::Ready } else { Readiness::NoRemote };
        let current = Current::Present(handle, old.id.as_str(), readiness);
        let carried = self.encapsulated(origin, command, index, targets.domain, current, plane)?;
        let moved = new.spec != old.spec;
        if moved {
            plane.modify(origin.now, handle, &new.spec).map_err(|fault| {
                refuse(fault.return_code(), "the media plane cannot modify the connection")
            })?;
        }
        let Some((endpoint, mut reach)) = self.visit(index, origin.now, plane) else {
            return Err(refuse(ReturnCode::UNKNOWN_ENDPOINT, "there is no such endpoint"));
        };
        let begun = match carried.begin(endpoint, None, &mut reach) {
            Ok(begun) => begun,
            Err(refusal) => {
                if moved {
                    // It ran like this a moment ago, so it can again.
                    let _ = plane.modify(origin.now, handle, &old.spec);
                }
                return Err(refusal);
            }
        };
        reach.joints.moved(index, handle, old.spec.local_peer, new.spec.local_peer);
        let described = (new.version != old.version).then(|| new.description());
        if let Some(place) = endpoint.connections.iter_mut().find(|connection| connection.handle == handle) {
            *place = new;
        }
        begun.commit(endpoint, &mut reach);
        endpoint.connection_ready(handle, &mut reach);
        let response = ResponseBuilder::new(ReturnCode::OK, command.transaction_id);
        let response = match &described {
            Some(description) => response.sdp(description).finish(),
            None => response.finish(),
        };
        Ok((ReturnCode::OK, response))
    }

    /// The connection as it would be after the command.
    fn modified(
        &self,
        origin: Origin,
        command: &Command<'_>,
        (index, old): (EndpointIndex, &Connection),
        plane: &dyn MediaPlane,
    ) -> Result<Connection, Refusal> {
        let able = plane.capabilities();
        let mode = super::mode(command)?;
        let options = match command.local_options() {
            Some(list) => Some(Options::read(list, able)?),
            None => None,
        };
        let images = plane.carries_images(index);
        let mut all = old.options.clone();
        if let Some(options) = &options {
            all.update(options.clone());
        }
        let remote = match command.sdp {
            Some(bytes) => Some(self.remote(origin, bytes, &all, Some(old.handle), images)?),
            None => None,
        };
        let modes = plane.modes(index);
        let wanted = Wanted {
            modes: &modes,
            mode,
            options: options.as_ref(),
            remote: remote.as_ref(),
            current: Some(old),
            line: None,
            joined: false,
            images,
            beside: self.endpoint(index).map_or(&[][..], |endpoint| endpoint.connections.as_slice()),
        };
        let spec = negotiate(&wanted, able)?;
        let mut new = old.clone();
        if let Some(network) = self.network(&all, remote.as_ref(), index) {
            new.network = network;
        }
        if old.describes_otherwise(&spec) || old.network != new.network {
            new.version += 1;
        }
        new.spec = spec;
        new.options = all;
        if remote.is_some() {
            new.remote = remote;
        }
        Ok(new)
    }

    /// The connection that a command names with I, and whose call it must name with C.
    pub(super) fn named_connection(
        &self,
        command: &Command<'_>,
        index: EndpointIndex,
    ) -> Result<&Connection, Refusal> {
        let unknown = || refuse(ReturnCode::CONNECTION_ID, "the endpoint has no such connection");
        let id = command
            .connection_id()
            .ok_or_else(|| refuse(ReturnCode::PROTOCOL_ERROR, "the command names its connection"))?;
        let endpoint = self.endpoint(index).ok_or_else(unknown)?;
        let connection = endpoint.connections.iter().find(|known| known.id == id).ok_or_else(unknown)?;
        if command.verb.is_audit() {
            return Ok(connection);
        }
        match command.call_id() {
            None => Err(refuse(ReturnCode::PROTOCOL_ERROR, "the command names the call of its connection")),
            Some(call) if connection.call == call => Ok(connection),
            Some(_) => Err(refuse(ReturnCode::CALL_ID, "the connection belongs to another call")),
        }
    }

    /// The handle of that connection.
    pub(super) fn named_handle(
        &self,
        command: &Command<'_>,
        index: EndpointIndex,
    ) -> Result<ConnectionHandle, Refusal> {
        self.named_connection(command, index).map(|connection| connection.handle)
    }
}
