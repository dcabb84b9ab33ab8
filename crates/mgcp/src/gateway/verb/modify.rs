//! MDCX: RFC 3435 section 2.3.6.

use std::collections::BTreeSet;

use super::encapsulated::Encapsulated;
use super::target::Targets;
use super::{Done, Origin, Progress};
use crate::gateway::Gateway;
use crate::gateway::connection::{Change, Connection};
use crate::gateway::endpoint::Endpoint;
use crate::gateway::media::{ConnectionHandle, EndpointIndex, MediaPlane, Progress as Settling};
use crate::gateway::negotiate::{Wanted, negotiate};
use crate::gateway::options::Options;
use crate::gateway::pending::{Suspended, Wait, Work};
use crate::gateway::prepare::{Current, Readiness};
use crate::gateway::refusal::{Refusal, refuse};
use crate::message::{Command, ReturnCode};
use crate::package::PackageSet;
use crate::text::ResponseBuilder;

/// What a command makes of a connection.
#[derive(Debug)]
pub(in crate::gateway) struct Modification {
    /// The endpoint of the connection.
    pub(in crate::gateway) index: EndpointIndex,
    /// The connection as it will be.
    pub(in crate::gateway) new: Connection,
    /// Whether the plane has been told.
    pub(in crate::gateway) moved: bool,
}

impl Modification {
    /// The answer, or what is known of it before the end: the local description, when it is not what it was.
    fn response(&self, code: ReturnCode, command: &Command<'_>, old: &Connection) -> Vec<u8> {
        let response = ResponseBuilder::new(code, command.transaction_id);
        if self.new.version == old.version {
            return response.finish();
        }
        response.sdp(&self.new.description()).finish()
    }
}

impl Gateway {
    /// ModifyConnection.
    pub(super) fn modify_connection(
        &mut self,
        origin: Origin,
        command: &Command<'_>,
        targets: &Targets,
        plane: &mut dyn MediaPlane,
    ) -> Result<Progress, Refusal> {
        let index = targets.one()?;
        let old = self.named_connection(command, index)?.clone();
        let handle = old.handle;
        let new = self.modified(origin, command, (index, &old), plane)?;
        let carried = self.carried_by(origin, command, targets, (index, &new), plane)?;
        let moved = new.spec != old.spec;
        if moved {
            plane.modify(origin.now, handle, &new.spec).map_err(|fault| {
                refuse(fault.return_code(), "the media plane cannot modify the connection")
            })?;
        }
        let mut waits = BTreeSet::new();
        if plane.progress(handle) == Settling::UnderWay {
            waits.insert(Wait::Connection(handle));
        }
        carried.fetch(origin.now, index, plane, &mut waits);
        let modification = Modification { index, new, moved };
        if waits.is_empty() {
            return self
                .finish_modification(origin, command, modification, carried, plane)
                .map(Progress::Done);
        }
        let provisional = modification.response(ReturnCode::IN_PROGRESS, command, &old);
        let endpoint = self.endpoint_mut(index);
        let known = endpoint.and_then(|e| e.connections.iter_mut().find(|known| known.handle == handle));
        if let Some(known) = known {
            known.change = Change::UnderWay;
        }
        Ok(Progress::Pending(Suspended { work: Work::Modify(Box::new(modification)), waits, provisional }))
    }

    fn carried_by(
        &self,
        origin: Origin,
        command: &Command<'_>,
        targets: &Targets,
        (index, new): (EndpointIndex, &Connection),
        plane: &dyn MediaPlane,
    ) -> Result<Encapsulated, Refusal> {
        let readiness = if new.remote.is_some() { Readiness::Ready } else { Readiness::NoRemote };
        let current = Current::Present(new.handle, new.id.as_str(), readiness);
        self.encapsulated(origin, command, index, targets.domain, current, plane)
    }

    /// The end of a modification for which the plane needed time.
    pub(in crate::gateway) fn finish_late_modification(
        &mut self,
        origin: Origin,
        command: &Command<'_>,
        targets: &Targets,
        modification: Modification,
        plane: &mut dyn MediaPlane,
    ) -> Result<Done, Refusal> {
        let Modification { index, new, .. } = &modification;
        let carried = if self.is_gone(new.spec.local_peer) {
            Err(refuse(ReturnCode::ABORTED, "the other half was deleted meanwhile"))
        } else {
            self.carried_by(origin, command, targets, (*index, new), plane)
        };
        match carried {
            Ok(carried) => self.finish_modification(origin, command, modification, carried, plane),
            Err(refusal) => {
                self.undo(origin.now, Work::Modify(Box::new(modification)), plane);
                Err(refusal)
            }
        }
    }

    fn finish_modification(
        &mut self,
        origin: Origin,
        command: &Command<'_>,
        modification: Modification,
        carried: Encapsulated,
        plane: &mut dyn MediaPlane,
    ) -> Result<Done, Refusal> {
        let (index, handle) = (modification.index, modification.new.handle);
        let Some((endpoint, mut reach)) = self.visit(index, origin.now, plane) else {
            return Err(refuse(ReturnCode::UNKNOWN_ENDPOINT, "there is no such endpoint"));
        };
        let begun = match carried.begin(endpoint, None, &mut reach) {
            Ok(begun) => begun,
            Err(refusal) => {
                self.undo(origin.now, Work::Modify(Box::new(modification)), plane);
                return Err(refusal);
            }
        };
        let Some(place) = endpoint.connections.iter_mut().find(|connection| connection.handle == handle)
        else {
            begun.abort(endpoint, &mut reach);
            return Err(refuse(ReturnCode::CONNECTION_ID, "the endpoint has no such connection"));
        };
        reach.joints.moved(index, handle, place.spec.local_peer, modification.new.spec.local_peer);
        let response = modification.response(ReturnCode::OK, command, place);
        let old = std::mem::replace(place, modification.new);
        begun.commit(endpoint, &mut reach);
        endpoint.connection_ready(handle, &mut reach);
        endpoint.fax_media_changed(&old, &mut reach);
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
            packages: self.endpoint(index).map_or(PackageSet::new(&[]), Endpoint::packages),
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
