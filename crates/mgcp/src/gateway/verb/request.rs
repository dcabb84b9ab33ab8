//! RQNT and EPCF: RFC 3435 sections 2.3.2 and 2.3.3.

use std::collections::BTreeSet;

use super::encapsulated::Encapsulated;
use super::redirect::red;
use super::target::Targets;
use super::{Done, Origin, Progress, done};
use crate::gateway::Gateway;
use crate::gateway::media::MediaPlane;
use crate::gateway::pending::{Suspended, Work};
use crate::gateway::prepare::Current;
use crate::gateway::refusal::{Refusal, refuse};
use crate::message::{Command, ReturnCode};

impl Gateway {
    /// NotificationRequest. With `*`, all endpoints carry it out or none does (section 4.4.3).
    pub(super) fn request_notification(
        &mut self,
        origin: Origin,
        command: &Command<'_>,
        targets: &Targets,
        plane: &mut dyn MediaPlane,
    ) -> Result<Progress, Refusal> {
        if command.request_id().is_none() {
            let text = "a notification request has a request identifier";
            return Err(refuse(ReturnCode::PROTOCOL_ERROR, text));
        }
        self.carry_out(origin, command, targets, plane)
    }

    /// EndpointConfiguration.
    pub(super) fn configure_endpoint(
        &mut self,
        origin: Origin,
        command: &Command<'_>,
        targets: &Targets,
        plane: &mut dyn MediaPlane,
    ) -> Result<Progress, Refusal> {
        self.carry_out(origin, command, targets, plane)
    }

    /// The end of a command that consists of what others may encapsulate.
    pub(in crate::gateway) fn finish_request(
        &mut self,
        origin: Origin,
        command: &Command<'_>,
        targets: &Targets,
        plane: &mut dyn MediaPlane,
    ) -> Result<Done, Refusal> {
        let carried = self.all_carried(origin, command, targets, plane)?;
        self.put_in_force(origin, command, targets, carried, plane)
    }

    fn put_in_force(
        &mut self,
        origin: Origin,
        command: &Command<'_>,
        targets: &Targets,
        carried: Vec<Encapsulated>,
        plane: &mut dyn MediaPlane,
    ) -> Result<Done, Refusal> {
        let resets = command.parameters.contains(red("R"));
        if resets {
            for index in &targets.endpoints {
                self.abort_at(origin.now, *index, plane);
            }
        }
        let done = self.start_all(origin, command, targets, carried, plane)?;
        if resets {
            for index in &targets.endpoints {
                self.note_free(*index);
                // The endpoint begins anew, and whoever has the handset lifted is an event (section 4.4.1).
                self.report_off_hook(origin.now, *index, plane);
            }
        }
        Ok(done)
    }

    fn carry_out(
        &mut self,
        origin: Origin,
        command: &Command<'_>,
        targets: &Targets,
        plane: &mut dyn MediaPlane,
    ) -> Result<Progress, Refusal> {
        let carried = self.all_carried(origin, command, targets, plane)?;
        let mut waits = BTreeSet::new();
        for (index, carried) in targets.endpoints.iter().zip(&carried) {
            carried.fetch(origin.now, *index, plane, &mut waits);
        }
        if waits.is_empty() {
            return self.put_in_force(origin, command, targets, carried, plane).map(Progress::Done);
        }
        let (_, provisional) = done(ReturnCode::IN_PROGRESS, command);
        Ok(Progress::Pending(Suspended { work: Work::Request, waits, provisional }))
    }

    /// What a command carries for each of its endpoints.
    fn all_carried(
        &self,
        origin: Origin,
        command: &Command<'_>,
        targets: &Targets,
        plane: &dyn MediaPlane,
    ) -> Result<Vec<Encapsulated>, Refusal> {
        let mut carried = Vec::with_capacity(targets.endpoints.len());
        let mut maps = Vec::new();
        for index in &targets.endpoints {
            let place = (*index, targets.domain);
            let one = self.encapsulated_like(origin, command, place, Current::None, &maps, plane)?;
            if carried.is_empty() {
                maps = one.maps();
            }
            carried.push(one);
        }
        Ok(carried)
    }

    /// Starts what each endpoint is to do, and puts it in force if all can.
    fn start_all(
        &mut self,
        origin: Origin,
        command: &Command<'_>,
        targets: &Targets,
        carried: Vec<Encapsulated>,
        plane: &mut dyn MediaPlane,
    ) -> Result<Done, Refusal> {
        let mut started = Vec::with_capacity(carried.len());
        let mut refusal = None;
        for (index, carried) in targets.endpoints.iter().zip(carried) {
            let Some((endpoint, mut reach)) = self.visit(*index, origin.now, plane) else { continue };
            match carried.begin(endpoint, None, &mut reach) {
                Ok(begun) => started.push((*index, begun)),
                Err(fault) => {
                    refusal = Some(fault);
                    break;
                }
            }
        }
        for (index, begun) in started {
            let Some((endpoint, mut reach)) = self.visit(index, origin.now, plane) else { continue };
            match refusal {
                None => begun.commit(endpoint, &mut reach),
                Some(_) => begun.abort(endpoint, &mut reach),
            }
        }
        match refusal {
            None => Ok(done(ReturnCode::OK, command)),
            Some(refusal) => Err(refusal),
        }
    }
}
