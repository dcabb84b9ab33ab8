//! What stands on a relay beside the contexts that were taken over from an exchange that has died (RFC 3435 sections 2.3.10
//! and 2.3.11): connections of calls that were not answered, of which there is no record.
//!
//! They are found in three steps: the names of the relay's endpoints (AUEP for all of them), the connections of each (AUEP), the call
//! of each connection that is no context's (AUCX). What is no context's then, nor can become one's by an answer that is on its way,
//! is deleted by its call and its identifier: nothing that begins meanwhile is hit, whichever endpoint its gateway gives it.
//!
//! Limits: a gateway whose list does not fit into a datagram (533) is asked for its endpoints by their numbers (Appendix E.1), one
//! after the other, until it does not know one. A gateway that cannot say at all keeps what it has until its own time-out.

use std::collections::BTreeSet;

use strowger_mgcp::agent::{DeleteConnection, Failure, Outcome};
use strowger_mgcp::message::{CallIdBuf, ConnectionIdBuf, EndpointNameBuf, ParameterCode, ReturnCode};

use super::Relays;
use crate::Event;
use crate::access::{Tag, Turn};

/// The highest number of an endpoint that is asked for when the gateway does not list them.
const MOST_ENDPOINTS: u32 = 4096;

/// A question of a survey. The numbers are places in its lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// Which endpoints there are.
    Endpoints,
    /// Which connections this one has.
    Connections(u32),
    /// Whose this connection is.
    Call(u32),
    /// A connection is deleted.
    Deletion,
}

/// One survey.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Counts surveys: an answer to one that was broken off is not taken for one to the next.
    serial: u32,
    /// The endpoints that are asked for their connections.
    endpoints: Vec<EndpointNameBuf>,
    /// Whether they are gone through by their numbers.
    by_number: bool,
    /// Connections that no context has.
    found: Vec<(EndpointNameBuf, ConnectionIdBuf)>,
    /// Endpoints of which it was told that there were such connections.
    told: BTreeSet<EndpointNameBuf>,
}

impl Survey {
    /// Whatever is answered still belongs to the time before.
    pub(super) fn break_off(&mut self) {
        *self = Self { serial: self.serial.wrapping_add(1), ..Self::default() };
    }
}

impl Relays {
    /// Looks for what is left beside the contexts.
    pub(super) fn survey(&mut self, turn: &mut Turn<'_>) {
        self.survey.break_off();
        let Some(place) = self.place.as_ref().filter(|place| place.has_all && place.audits) else { return };
        let all = place.endpoint.local().replace('$', "*");
        let Some(all) = turn.agent.endpoint(place.gateway, &all) else { return };
        if all.as_name().is_wildcarded() {
            let tag = Tag::Survey(self.survey.serial, Question::Endpoints);
            turn.agent.audit_endpoint(turn.now, (place.gateway, &all), Vec::new(), tag);
        } else {
            self.look_at(turn, all);
        }
    }

    /// A question has been answered, or not.
    pub(in crate::access) fn survey_outcome(
        &mut self,
        turn: &mut Turn<'_>,
        serial: u32,
        question: Question,
        result: Result<Outcome, Failure>,
    ) {
        if serial != self.survey.serial {
            return;
        }
        match question {
            Question::Endpoints => self.listed(turn, result),
            Question::Connections(place) => self.looked_at(turn, place, result),
            Question::Call(place) => self.belongs(turn, place, result),
            // What is left of it is for the gateway's own time-out.
            Question::Deletion => {}
        }
    }

    fn listed(&mut self, turn: &mut Turn<'_>, result: Result<Outcome, Failure>) {
        let Some(relay) = self.place.clone() else { return };
        match result {
            Ok(outcome) => {
                let all = relay.endpoint.as_name();
                let own = outcome.specific_endpoints.into_iter().filter(|name| all.covers(name.as_name()));
                for endpoint in own.collect::<BTreeSet<_>>() {
                    self.look_at(turn, endpoint);
                }
            }
            Err(Failure::Refused(refused)) if refused.code == ReturnCode::RESPONSE_TOO_LARGE => {
                self.survey.by_number = true;
                self.look_at_number(turn, 1);
            }
            Err(failure) => super::super::stream::alarm(turn, &relay, "AUEP", &failure),
        }
    }

    /// Endpoints have numbers from one (Appendix E.1).
    fn look_at_number(&mut self, turn: &mut Turn<'_>, number: u32) {
        let Some(place) = self.place.as_ref().filter(|_| number <= MOST_ENDPOINTS) else { return };
        let local = place.endpoint.local().replace('$', &number.to_string());
        if let Some(endpoint) = turn.agent.endpoint(place.gateway, &local) {
            self.look_at(turn, endpoint);
        }
    }

    fn look_at(&mut self, turn: &mut Turn<'_>, endpoint: EndpointNameBuf) {
        let (Some(place), Ok(number)) = (&self.place, u32::try_from(self.survey.endpoints.len())) else {
            return;
        };
        let tag = Tag::Survey(self.survey.serial, Question::Connections(number));
        let info = vec![ParameterCode::ConnectionId];
        turn.agent.audit_endpoint(turn.now, (place.gateway, &endpoint), info, tag);
        self.survey.endpoints.push(endpoint);
    }

    fn looked_at(&mut self, turn: &mut Turn<'_>, place: u32, result: Result<Outcome, Failure>) {
        let endpoint =
            usize::try_from(place).ok().and_then(|place| self.survey.endpoints.get(place)).cloned();
        let (Some(endpoint), Some(relay)) = (endpoint, self.place.clone()) else { return };
        let connections = match result {
            Ok(outcome) => outcome.audit.map(|audit| audit.connections).unwrap_or_default(),
            // The first number that there is not is the end of the numbers; of other endpoints, nothing is known.
            Err(_) => return,
        };
        if self.survey.by_number {
            self.look_at_number(turn, place.saturating_add(2));
        }
        for connection in connections {
            if self.contexts.values().any(|context| context.has(&endpoint, &connection)) {
                continue;
            }
            let Ok(number) = u32::try_from(self.survey.found.len()) else { return };
            let tag = Tag::Survey(self.survey.serial, Question::Call(number));
            let info = vec![ParameterCode::CallId];
            turn.agent.audit_connection(turn.now, (relay.gateway, &endpoint), connection.clone(), info, tag);
            self.survey.found.push((endpoint.clone(), connection));
        }
    }

    fn belongs(&mut self, turn: &mut Turn<'_>, place: u32, result: Result<Outcome, Failure>) {
        let found = usize::try_from(place).ok().and_then(|place| self.survey.found.get(place));
        let (Some((endpoint, connection)), Some(relay)) = (found.cloned(), self.place.clone()) else {
            return;
        };
        let call: Option<CallIdBuf> = result.ok().and_then(|outcome| outcome.audit?.call_id);
        // A context may have begun since, and what it created may have been found before the answer to it came.
        let is_own = |call: &CallIdBuf| {
            let mut contexts = self.contexts.values();
            contexts.any(|context| context.has(&endpoint, &connection) || context.creates_for(call))
        };
        let Some(call_id) = call.filter(|call| !is_own(call)) else { return };
        let tag = Tag::Survey(self.survey.serial, Question::Deletion);
        let delete = DeleteConnection { call_id, connection_id: connection, notification: None };
        turn.agent.delete_connection(turn.now, (relay.gateway, &endpoint), delete, tag);
        if self.survey.told.insert(endpoint.clone()) {
            let (gateway, endpoint) = (relay.id.to_string(), endpoint.local().to_owned());
            turn.event(Event::StrayConnections { gateway, endpoint });
        }
    }
}
