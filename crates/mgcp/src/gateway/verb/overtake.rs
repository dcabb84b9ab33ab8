//! Commands that come while others are executing: the rules at the end of RFC 3435 section 4.4.4.
//!
//! The later command wins, whether it then succeeds or not, and the earlier one is answered with 407. Only a modification of a connection
//! that is not made yet is refused itself, with 400. A deletion aborts what is pending on the connections that it is for; section 3.5.6
//! says "for the endpoint", but a second call of a line does not end with the first one.

use super::Origin;
use super::target::Targets;
use crate::gateway::Gateway;
use crate::gateway::media::{ConnectionHandle, EndpointIndex, MediaPlane};
use crate::gateway::pending::{Facets, Pending, Work};
use crate::gateway::refusal::{Refusal, refuse};
use crate::message::{Command, ReturnCode, Verb};

impl Gateway {
    /// Aborts what a command overtakes. Gives the connections that were not made yet and that it may delete; those that it does not are to be closed.
    pub(super) fn overtake(
        &mut self,
        origin: Origin,
        command: &Command<'_>,
        targets: &Targets,
        plane: &mut dyn MediaPlane,
    ) -> Result<Vec<(EndpointIndex, ConnectionHandle)>, Refusal> {
        let mut unmade = Vec::new();
        if self.pending.is_empty() || command.verb.is_audit() {
            return Ok(unmade);
        }
        if command.verb == Verb::Mdcx
            && !self.pending_keys(|pending| creates_what(pending, command, targets)).is_empty()
        {
            return Err(refuse(ReturnCode::TRANSIENT, "the connection is still being created"));
        }
        if command.verb == Verb::Dlcx {
            for key in self.pending_keys(|pending| is_deleted(pending, command, targets)) {
                unmade.extend(self.abort_for_deletion(origin.now, key, plane));
            }
        }
        let facets = Facets::of(command);
        let same = |pending: &Pending| {
            let shared = pending.targets.endpoints.iter().any(|index| targets.endpoints.contains(index));
            shared && (pending.facets.meet(facets) || modifies_same(pending, command))
        };
        for key in self.pending_keys(same) {
            self.abort_pending(origin.now, key, plane);
        }
        Ok(unmade)
    }
}

/// Whether both are modifications of one connection.
fn modifies_same(pending: &Pending, command: &Command<'_>) -> bool {
    match &pending.work {
        Work::Modify(modification) => {
            command.verb == Verb::Mdcx && command.connection_id().is_some_and(|id| modification.new.id == id)
        }
        Work::Create(_) | Work::Request => false,
    }
}

/// Whether a command is for a connection that is being created.
fn creates_what(pending: &Pending, command: &Command<'_>, targets: &Targets) -> bool {
    matches!(pending.work, Work::Create(_)) && is_meant(pending, command, targets)
}

/// Whether a deletion is for what a command makes or changes.
fn is_deleted(pending: &Pending, command: &Command<'_>, targets: &Targets) -> bool {
    match pending.work {
        Work::Create(_) | Work::Modify(_) => is_meant(pending, command, targets),
        Work::Request => false,
    }
}

/// Whether one of the connections of a pending command is one that the command names: by its identifier, by its call, or all.
fn is_meant(pending: &Pending, command: &Command<'_>, targets: &Targets) -> bool {
    let halves: Vec<_> = match &pending.work {
        Work::Create(halves) => halves.each().collect(),
        Work::Modify(modification) => vec![(modification.index, &modification.new)],
        Work::Request => Vec::new(),
    };
    halves.into_iter().any(|(index, half)| {
        targets.endpoints.contains(&index)
            && command.connection_id().is_none_or(|id| half.id == id)
            && command.call_id().is_none_or(|call| half.call == call)
    })
}
