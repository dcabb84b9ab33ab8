//! CRCX: RFC 3435 section 2.3.5.

use std::collections::BTreeSet;

use strowger_sansio::Time;

use super::encapsulated::Encapsulated;
use super::target::{Naming, Targets};
use super::{Done, Origin, Progress};
use crate::gateway::Gateway;
use crate::gateway::connection::{Change, Connection, Network};
use crate::gateway::media::{
    ConnectionHandle, EndpointIndex, MediaFault, MediaMode, MediaPlane, MediaSpec, Progress as Settling,
};
use crate::gateway::negotiate::{Wanted, join, negotiate};
use crate::gateway::options::Options;
use crate::gateway::pending::{Suspended, Wait, Work};
use crate::gateway::prepare::{Current, Readiness};
use crate::gateway::reach::TimerKey;
use crate::gateway::refusal::{Refusal, refuse};
use crate::gateway::remote::Remote;
use crate::gateway::stream;
use crate::message::{Command, ConnectionIdBuf, ReturnCode};
use crate::text::ResponseBuilder;

/// Room for the description of most connections.
const DESCRIPTION: usize = 256;

/// What a command makes: a connection, or the two halves of one between two endpoints of the gateway.
#[derive(Debug)]
pub(in crate::gateway) struct Halves {
    index: EndpointIndex,
    first: Connection,
    second: Option<(EndpointIndex, Naming, Connection)>,
}

impl Halves {
    /// Each connection with its endpoint.
    pub(in crate::gateway) fn each(&self) -> impl Iterator<Item = (EndpointIndex, &Connection)> {
        let second = self.second.iter().map(|(index, _, second)| (*index, second));
        std::iter::once((self.index, &self.first)).chain(second)
    }

    /// Takes back what was opened.
    pub(in crate::gateway) fn close(&self, now: Time, plane: &mut dyn MediaPlane) {
        for (_, half) in self.each() {
            plane.close(now, half.handle);
        }
    }
}

impl Gateway {
    /// CreateConnection.
    pub(super) fn create_connection(
        &mut self,
        origin: Origin,
        command: &Command<'_>,
        targets: &Targets,
        plane: &mut dyn MediaPlane,
    ) -> Result<Progress, Refusal> {
        let index = targets.one()?;
        let call = command
            .call_id()
            .ok_or_else(|| refuse(ReturnCode::PROTOCOL_ERROR, "a connection belongs to a call"))?;
        let other = self.other_end(command, index)?;
        let (spec, options, remote) = self.wanted(origin, command, index, other.is_some(), plane)?;
        let handle = ConnectionHandle(self.next_handle);
        let id = ConnectionIdBuf::from_u128(self.rng.next_u128());
        let readiness = match remote.is_some() || other.is_some() {
            true => Readiness::Ready,
            false => Readiness::NoRemote,
        };
        let current = Current::Present(handle, id.as_str(), readiness);
        let carried = self.encapsulated(origin, command, index, targets.domain, current, plane)?;
        let mode = spec.mode;
        // Of two halves the first rests until the other one is there.
        let alone = if other.is_some() { MediaMode::Inactive } else { mode };
        let spec = MediaSpec { mode: alone, ..spec };
        let local = plane
            .open(origin.now, index, handle, &spec)
            .map_err(|fault| refuse(fault.return_code(), "the media plane cannot open the connection"))?;
        let session = self.session();
        let call = call.to_buf();
        let network = self.network(&options, remote.as_ref(), index).unwrap_or(Network::Internet);
        let first = Connection {
            handle,
            id,
            call,
            options,
            spec,
            local,
            network,
            session,
            version: 0,
            remote,
            change: Change::None,
        };
        let mut halves = Halves { index, first, second: None };
        if let Some((other, naming)) = other {
            match self.open_second(origin, &mut halves.first, mode, other, plane) {
                Ok(second) => halves.second = Some((other, naming, second)),
                Err(refusal) => {
                    halves.close(origin.now, plane);
                    return Err(refusal);
                }
            }
        }
        let mut waits = BTreeSet::new();
        for (_, half) in halves.each() {
            if plane.progress(half.handle) == Settling::UnderWay {
                waits.insert(Wait::Connection(half.handle));
            }
        }
        carried.fetch(origin.now, index, plane, &mut waits);
        if !waits.is_empty() {
            let provisional = self.created(ReturnCode::IN_PROGRESS, command, targets, &halves);
            self.reserve(targets.naming, &halves);
            return Ok(Progress::Pending(Suspended {
                work: Work::Create(Box::new(halves)),
                waits,
                provisional,
            }));
        }
        self.finish_creation(origin, command, targets, halves, carried, plane).map(Progress::Done)
    }

    /// Nobody else is given what a command that is not finished has taken.
    fn reserve(&mut self, naming: Naming, halves: &Halves) {
        let second = halves.second.as_ref().map(|(_, naming, _)| *naming);
        let namings = [naming].into_iter().chain(second);
        for ((index, half), naming) in halves.each().zip(namings) {
            self.next_handle = self.next_handle.max(half.handle.0 + 1);
            self.directory.set_free(index, false);
            if naming == Naming::AnyOf {
                self.directory.give(index);
            }
        }
    }

    /// The end of a creation for which the plane needed time.
    pub(in crate::gateway) fn finish_late_creation(
        &mut self,
        origin: Origin,
        command: &Command<'_>,
        targets: &Targets,
        halves: Halves,
        plane: &mut dyn MediaPlane,
    ) -> Result<Done, Refusal> {
        let Halves { index, first, second } = &halves;
        let readiness = match first.remote.is_some() {
            true => Readiness::Ready,
            false => Readiness::NoRemote,
        };
        let carried = if second.is_none() && self.is_gone(first.spec.local_peer) {
            Err(refuse(ReturnCode::ABORTED, "the other half was deleted meanwhile"))
        } else {
            let current = Current::Present(first.handle, first.id.as_str(), readiness);
            self.encapsulated(origin, command, *index, targets.domain, current, plane)
        };
        match carried {
            Ok(carried) => self.finish_creation(origin, command, targets, halves, carried, plane),
            Err(refusal) => {
                halves.close(origin.now, plane);
                halves.each().for_each(|(index, _)| self.note_free(index));
                Err(refusal)
            }
        }
    }

    /// Whether the connection of this gateway that another one sends to does not exist any more.
    pub(in crate::gateway) fn is_gone(&self, peer: Option<ConnectionHandle>) -> bool {
        peer.is_some_and(|peer| !self.endpoints.iter().any(|endpoint| endpoint.connection(peer).is_some()))
    }

    fn finish_creation(
        &mut self,
        origin: Origin,
        command: &Command<'_>,
        targets: &Targets,
        halves: Halves,
        carried: Encapsulated,
        plane: &mut dyn MediaPlane,
    ) -> Result<Done, Refusal> {
        let (index, handle) = (halves.index, halves.first.handle);
        let begun = match self.visit(index, origin.now, plane) {
            Some((endpoint, mut reach)) => carried.begin(endpoint, None, &mut reach),
            None => Err(refuse(ReturnCode::UNKNOWN_ENDPOINT, "there is no such endpoint")),
        };
        let begun = match begun {
            Ok(begun) => begun,
            Err(refusal) => {
                halves.close(origin.now, plane);
                halves.each().for_each(|(index, _)| self.note_free(index));
                return Err(refusal);
            }
        };
        let response = self.created(ReturnCode::OK, command, targets, &halves);
        self.add_halves(origin, targets.naming, halves, plane);
        if let Some((endpoint, mut reach)) = self.visit(index, origin.now, plane) {
            begun.commit(endpoint, &mut reach);
            endpoint.connection_ready(handle, &mut reach);
        }
        Ok((ReturnCode::OK, response))
    }

    /// The second endpoint, if the command names one; and whether both ends can have one more connection.
    fn other_end(
        &self,
        command: &Command<'_>,
        index: EndpointIndex,
    ) -> Result<Option<(EndpointIndex, Naming)>, Refusal> {
        let Some(name) = command.second_endpoint() else {
            self.check_room(index, 0)?;
            return Ok(None);
        };
        if command.sdp.is_some() {
            let text = "a connection has a remote description or a second endpoint, not both";
            return Err(refuse(ReturnCode::PROTOCOL_ERROR, text));
        }
        let (other, naming) = self.second_target(name, index)?;
        self.check_room(index, usize::from(other == index))?;
        self.check_room(other, 0)?;
        Ok(Some((other, naming)))
    }

    /// Whether an endpoint can have one more connection, and `more` besides.
    fn check_room(&self, index: EndpointIndex, more: usize) -> Result<(), Refusal> {
        match self.endpoint(index) {
            Some(endpoint)
                if endpoint.connections.len() + self.pending_connections(index) + more
                    < endpoint.kind.connections() =>
            {
                Ok(())
            }
            _ => Err(refuse(
                ReturnCode::CONNECTION_LIMIT,
                "the endpoint has all the connections that it can have",
            )),
        }
    }

    /// What the command wants of the new connection.
    fn wanted(
        &self,
        origin: Origin,
        command: &Command<'_>,
        index: EndpointIndex,
        joined: bool,
        plane: &dyn MediaPlane,
    ) -> Result<(MediaSpec, Options, Option<Remote>), Refusal> {
        let Some(endpoint) = self.endpoint(index) else {
            return Err(refuse(ReturnCode::UNKNOWN_ENDPOINT, "there is no such endpoint"));
        };
        let able = plane.capabilities();
        let mode = super::mode(command)?
            .ok_or_else(|| refuse(ReturnCode::PROTOCOL_ERROR, "a new connection has a mode"))?;
        let options = match command.local_options() {
            Some(list) => Options::read(list, able)?,
            None => Options::default(),
        };
        let images = plane.carries_images(index);
        let remote = match command.sdp {
            Some(bytes) => Some(self.remote(origin, bytes, &options, None, images)?),
            None => None,
        };
        let modes = plane.modes(index);
        let wanted = Wanted {
            modes: &modes,
            mode: Some(mode),
            options: Some(&options),
            remote: remote.as_ref(),
            current: None,
            line: endpoint.connections.first().map(|connection| &connection.spec),
            joined,
            images,
            packages: endpoint.packages(),
            beside: &endpoint.connections,
        };
        let spec = negotiate(&wanted, able)?;
        Ok((spec, options, remote))
    }

    /// Opens the second half of a connection within the gateway, and points both halves at each other.
    fn open_second(
        &mut self,
        origin: Origin,
        first: &mut Connection,
        mode: MediaMode,
        other: EndpointIndex,
        plane: &mut dyn MediaPlane,
    ) -> Result<Connection, Refusal> {
        let fault =
            |fault: MediaFault| refuse(fault.return_code(), "the media plane cannot join the endpoints");
        let beside = self.endpoint(other).map_or(&[][..], |endpoint| endpoint.connections.as_slice());
        stream::check_second(&first.spec, beside, &*plane, other)?;
        let handle = ConnectionHandle(first.handle.0 + 1);
        // The second connection is established in this mode (section 2.3.5).
        let spec = join(&first.spec, first.local, first.handle, MediaMode::SendRecv);
        let local = plane.open(origin.now, other, handle, &spec).map_err(fault)?;
        let joined = join(&first.spec, local, handle, mode);
        if let Err(refused) = plane.modify(origin.now, first.handle, &joined) {
            plane.close(origin.now, handle);
            return Err(fault(refused));
        }
        first.spec = joined;
        let mut second = Connection {
            handle,
            id: ConnectionIdBuf::from_u128(self.rng.next_u128()),
            call: first.call.clone(),
            options: Options::default(),
            spec,
            local,
            network: self.network(&first.options, None, other).unwrap_or(Network::Internet),
            session: self.session(),
            version: 0,
            remote: None,
            change: Change::None,
        };
        second.remote = Some(Remote::of(first));
        first.remote = Some(Remote::of(&second));
        Ok(second)
    }

    /// A session identifier for an `o=` line: RFC 8866 section 5.2 wants it unique, and a number of its own for each connection is.
    fn session(&mut self) -> u64 {
        self.rng.below(i64::MAX as u64)
    }

    pub(in crate::gateway) fn add_halves(
        &mut self,
        origin: Origin,
        naming: Naming,
        halves: Halves,
        plane: &mut dyn MediaPlane,
    ) {
        self.add_connection(origin, halves.index, naming, halves.first, plane);
        if let Some((other, naming, second)) = halves.second {
            self.add_connection(origin, other, naming, second, plane);
        }
    }

    fn add_connection(
        &mut self,
        origin: Origin,
        index: EndpointIndex,
        naming: Naming,
        connection: Connection,
        plane: &mut dyn MediaPlane,
    ) {
        let handle = connection.handle;
        self.joints.moved(index, handle, None, connection.spec.local_peer);
        self.next_handle = self.next_handle.max(handle.0 + 1);
        self.counters.connections_opened += 1;
        self.directory.set_free(index, false);
        if naming == Naming::AnyOf {
            self.directory.give(index);
        }
        let Some((endpoint, reach)) = self.visit(index, origin.now, plane) else { return };
        let long = origin.now + reach.durations.long_connection;
        reach.timers.set(TimerKey::LongConnection(index, handle), long);
        endpoint.connections.push(connection);
    }

    /// The answer, or what is known of it before the end: I, Z, I2, Z2 and the local description.
    fn created(
        &self,
        code: ReturnCode,
        command: &Command<'_>,
        targets: &Targets,
        halves: &Halves,
    ) -> Vec<u8> {
        let mut response = ResponseBuilder::new(code, command.transaction_id).connection_id(&halves.first.id);
        if targets.naming == Naming::AnyOf
            && let Some(name) =
                targets.endpoints.first().and_then(|index| self.full_name(*index, targets.domain))
        {
            response = response.specific_endpoint(&name);
        }
        if let Some((other, naming, second)) = &halves.second {
            response = response.second_connection_id(&second.id);
            if *naming == Naming::AnyOf
                && let Some(name) = self.full_name(*other, targets.domain)
            {
                response = response.second_endpoint(&name);
            }
        }
        response.finish_with(DESCRIPTION, |out| halves.first.describe(out))
    }
}
