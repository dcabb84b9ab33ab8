//! RQNT and EPCF: RFC 3435 sections 2.3.2 and 2.3.3.

use super::redirect::red;
use super::target::Targets;
use super::{Done, Origin, done};
use crate::gateway::Gateway;
use crate::gateway::media::MediaPlane;
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
    ) -> Result<Done, Refusal> {
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
    ) -> Result<Done, Refusal> {
        let done = self.carry_out(origin, command, targets, plane)?;
        if command.parameters.contains(red("R")) {
            for index in &targets.endpoints {
                self.note_free(*index);
                // The endpoint begins anew, and whoever has the handset lifted is an event (section 4.4.1).
                self.report_off_hook(origin.now, *index, plane);
            }
        }
        Ok(done)
    }

    /// A command that consists of what other commands may encapsulate.
    fn carry_out(
        &mut self,
        origin: Origin,
        command: &Command<'_>,
        targets: &Targets,
        plane: &mut dyn MediaPlane,
    ) -> Result<Done, Refusal> {
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
