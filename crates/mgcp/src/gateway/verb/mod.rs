//! The commands of the call agent, one room for each: RFC 3435 section 2.3.
//!
//! Each command is checked as a whole before anything is touched; then the media plane is asked, and what it has already done is
//! undone if it refuses; then the state changes, which cannot fail. A refused command has therefore changed nothing.
//!
//! - [`mod@target`]: which endpoints a command is for, and whether they may execute it.
//! - [`local`]: connections within the gateway.
//! - [`encapsulated`]: the notification request and endpoint configuration that other commands carry.
//! - [`overtake`]: commands that come while others are executing.
//! - [`redirect`]: RFC 3991. [`mod@extension`]: where the parameters of packages may stand.
//! - [`create`], [`modify`], [`delete`]: CRCX, MDCX, DLCX. [`request`]: RQNT and EPCF. [`audit`]: AUEP and AUCX;
//!   [`bulk`]: RFC 3624.

mod audit;
mod bulk;
mod create;
mod delete;
mod encapsulated;
mod extension;
mod local;
mod modify;
mod overtake;
mod redirect;
mod request;
mod target;

use std::net::SocketAddr;

pub(super) use create::Halves;
use extension::check_places;
pub(super) use modify::Modification;
pub(super) use target::Targets;

use strowger_sansio::Time;

use super::Gateway;
use super::endpoint::Endpoint;
use super::media::{ConnectionHandle, EndpointIndex, MediaMode, MediaPlane};
use super::pending::Suspended;
use super::refusal::{Refusal, refuse};
use crate::message::{Command, PackageList, ReturnCode, TransactionId, Verb};
use crate::package::PackageSet;
use crate::text::{ResponseBuilder, check};
use crate::transaction::PeerId;

/// What the gateway itself has, whatever its endpoints are.
const GATEWAY_PACKAGES: &[&str] = &["B", "RED", "LCK", "BA"];

/// Who sent a command, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    pub(super) now: Time,
    pub(super) peer: PeerId,
    pub(super) from: SocketAddr,
}

/// The code and the bytes of a positive answer.
pub(super) type Done = (ReturnCode, Vec<u8>);

/// How far a command got.
pub(super) enum Ending {
    /// To its end.
    Answered(ReturnCode, Vec<u8>),
    /// The media below need time.
    Pending(Targets, Box<Suspended>),
}

/// How far a verb got with a command that was not refused.
enum Progress {
    Done(Done),
    Pending(Suspended),
}

/// An answer without parameters.
fn done(code: ReturnCode, command: &Command<'_>) -> Done {
    (code, ResponseBuilder::new(code, command.transaction_id).finish())
}

/// The mode that a command asks for: one of the nine, as no package of this gateway has modes.
fn mode(command: &Command<'_>) -> Result<Option<MediaMode>, Refusal> {
    let Some(mode) = command.mode() else { return Ok(None) };
    match MediaMode::of(mode) {
        Some(mode) => Ok(Some(mode)),
        None => Err(refuse(ReturnCode::MODE, "this is no connection mode")),
    }
}

/// What came of a command.
pub(super) struct Outcome {
    /// How it ended, if it did.
    pub(super) ending: Ending,
    /// The endpoints that the command named; none while it is under way.
    pub(super) endpoints: Vec<EndpointIndex>,
}

impl Gateway {
    /// Executes a command and says what to answer. Nothing is sent from here.
    pub(super) fn execute(
        &mut self,
        origin: Origin,
        command: &Command<'_>,
        plane: &mut dyn MediaPlane,
    ) -> Outcome {
        let targets = match self.targets(command) {
            Ok(targets) => targets,
            Err(refusal) => {
                self.part(origin.now, plane);
                let (code, response) = self.outcome(command.transaction_id, Err(refusal), None);
                return Outcome { ending: Ending::Answered(code, response), endpoints: Vec::new() };
            }
        };
        let mut unmade = Vec::new();
        let result = self.execute_on(origin, command, &targets, &mut unmade, plane);
        for (index, handle) in unmade {
            // The creation was aborted for a deletion that then did not come to it.
            self.close(origin, index, handle, plane);
        }
        self.part(origin.now, plane);
        let result = match result {
            Ok(Progress::Pending(suspended)) => {
                let ending = Ending::Pending(targets, Box::new(suspended));
                return Outcome { ending, endpoints: Vec::new() };
            }
            Ok(Progress::Done(done)) => Ok(done),
            Err(refusal) => Err(refusal),
        };
        let endpoints = targets.endpoints;
        let (code, response) = self.outcome(command.transaction_id, result, endpoints.first().copied());
        Outcome { ending: Ending::Answered(code, response), endpoints }
    }

    /// The code and the bytes of the answer to a command.
    pub(super) fn outcome(
        &mut self,
        id: TransactionId,
        result: Result<Done, Refusal>,
        endpoint: Option<EndpointIndex>,
    ) -> Done {
        match result {
            Ok(done) => {
                self.counters.executed += 1;
                done
            }
            Err(refusal) => {
                self.counters.refused += 1;
                (refusal.code, self.refusal(id, &refusal, endpoint))
            }
        }
    }

    fn execute_on(
        &mut self,
        origin: Origin,
        command: &Command<'_>,
        targets: &Targets,
        unmade: &mut Vec<(EndpointIndex, ConnectionHandle)>,
        plane: &mut dyn MediaPlane,
    ) -> Result<Progress, Refusal> {
        *unmade = self.overtake(origin, command, targets, plane)?;
        self.check_for(command, &targets.endpoints)?;
        check_places(command)?;
        self.check_service(command, targets)?;
        Ok(match command.verb {
            Verb::Crcx => self.create_connection(origin, command, targets, plane)?,
            Verb::Mdcx => self.modify_connection(origin, command, targets, plane)?,
            Verb::Dlcx => Progress::Done(self.delete_connections(origin, command, targets, plane)?),
            Verb::Rqnt => self.request_notification(origin, command, targets, plane)?,
            Verb::Epcf => self.configure_endpoint(origin, command, targets, plane)?,
            Verb::Auep => Progress::Done(self.audit_endpoint(origin, command, targets, plane)?),
            Verb::Aucx => Progress::Done(self.audit_connection(origin, command, targets, plane)?),
            _ => return Err(refuse(ReturnCode::UNKNOWN_COMMAND, "a gateway does not execute this command")),
        })
    }

    /// Checks a command against the packages of its endpoints: once for each set that some of them have.
    fn check_for(&self, command: &Command<'_>, endpoints: &[EndpointIndex]) -> Result<(), Refusal> {
        let (mut first, mut others) = (None, Vec::new());
        for packages in endpoints.iter().filter_map(|index| self.endpoint(*index)).map(Endpoint::packages) {
            if first == Some(packages) || others.contains(&packages) {
                continue;
            }
            check(command, &self.dialect, &packages)?;
            match first {
                None => first = Some(packages),
                Some(_) => others.push(packages),
            }
        }
        match first {
            Some(_) => Ok(()),
            // A command for no endpoint at all is still a command to be read.
            None => check(command, &self.dialect, &PackageSet::new(GATEWAY_PACKAGES)),
        }
    }

    /// The response that refuses a command.
    fn refusal(&self, id: TransactionId, refusal: &Refusal, endpoint: Option<EndpointIndex>) -> Vec<u8> {
        let mut response = ResponseBuilder::new(refusal.code, id).commentary(refusal.commentary);
        if let Some(package) = refusal.package {
            response = response.package(package);
        }
        let packages = endpoint.and_then(|index| self.endpoint(index)).map(|e| e.packages().to_string());
        match packages.as_deref().filter(|_| refusal.package_list).and_then(PackageList::parse) {
            Some(list) => response.package_list(list).finish(),
            None => response.finish(),
        }
    }
}
