//! Disconnected endpoints that are announced together: RFC 3435 section 4.4.7.
//!
//! When the time of one comes, those that wait beside it under the same notified entity join its procedure if a wildcard names them all.
//! Once they are not all alike any more, each goes on by itself from where it was.

use std::collections::{BTreeMap, BTreeSet};

use strowger_sansio::{Duration, Time};

use super::Gateway;
use super::endpoint::{Association, Endpoint};
use super::media::EndpointIndex;
use super::reach::TimerKey;
use super::restart::{Kind, Procedure, ProcedureId, Stage};
use crate::message::ReturnCode;
use crate::transaction::PeerId;

/// How far the procedure of an endpoint was when it joined another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Apart {
    pub(super) since: Time,
    attempted: Time,
    delay: Duration,
}

/// Whether a call agent is told of several disconnected endpoints by one wildcard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Together {
    /// It is.
    Announced,
    /// It has refused such a name.
    Refused,
}

impl Gateway {
    /// The procedure to initiate when the time of one has come: itself, or one for all that a wildcard names.
    pub(super) fn join(&mut self, now: Time, id: ProcedureId) -> ProcedureId {
        let Some(first) = self.first_of(id) else { return id };
        let Some(Procedure { kind: Kind::Disconnected, peer, .. }) = self.procedures.get(&id) else {
            return id;
        };
        let peer = *peer;
        let refused =
            self.agents.iter().any(|agent| agent.peer == peer && agent.together == Together::Refused);
        let Some(endpoint) = self.endpoint(first).filter(|_| !refused) else { return id };
        let alike: BTreeSet<_> = self
            .endpoints
            .iter()
            .filter(|other| is_alike(endpoint, other) && self.waits(other))
            .map(|other| other.index)
            .collect();
        let names = self.directory.cover(&alike, self.ranges_of(peer));
        for name in names {
            let covered: BTreeSet<_> =
                self.directory.all(&name).into_iter().filter(|index| alike.contains(index)).collect();
            if covered.len() > 1 && covered.contains(&first) {
                return self.replace(now, id, name, covered, peer);
            }
        }
        id
    }

    /// Whether an endpoint is disconnected and its RSIP not on its way.
    fn waits(&self, endpoint: &Endpoint) -> bool {
        let Association::Disconnected(id) = endpoint.association else { return false };
        self.procedures.get(&id).is_some_and(|procedure| procedure.stage == Stage::Waiting)
    }

    /// Puts one procedure in the place of several.
    fn replace(
        &mut self,
        now: Time,
        due: ProcedureId,
        name: String,
        endpoints: BTreeSet<EndpointIndex>,
        peer: PeerId,
    ) -> ProcedureId {
        let delay = self.procedures.get(&due).map(|procedure| procedure.delay).unwrap_or_default();
        let mut apart = BTreeMap::new();
        for index in &endpoints {
            let Some(id) = self.endpoint(*index).and_then(|endpoint| endpoint.association.procedure()) else {
                continue;
            };
            let Some(old) = self.procedures.get_mut(&id) else { continue };
            let known = old.apart.remove(index);
            let Procedure { since, attempted, delay, .. } = *old;
            apart.insert(*index, known.unwrap_or(Apart { since, attempted, delay }));
            old.endpoints.remove(index);
            if old.endpoints.is_empty() {
                self.procedures.remove(&id);
                self.timers.cancel(&TimerKey::Procedure(id));
            }
        }
        let id = self.begin_procedure(now, Kind::Disconnected, name, endpoints, peer, delay);
        if let Some(procedure) = self.procedures.get_mut(&id) {
            procedure.since = apart.values().map(|apart| apart.since).min().unwrap_or(now);
            procedure.attempted = apart.values().map(|apart| apart.attempted).max().unwrap_or(now);
            procedure.apart = apart;
        }
        id
    }

    /// Lets endpoints go on by themselves whose common name does not hold any more: another notified entity was named for one, or one
    /// has left service.
    pub(super) fn keep_apart(&mut self, now: Time, id: ProcedureId) {
        let Some(procedure) = self.procedures.get(&id).filter(|procedure| !procedure.apart.is_empty()) else {
            return;
        };
        let members: Vec<_> = procedure.endpoints.iter().filter_map(|index| self.endpoint(*index)).collect();
        let alike = members.iter().all(|other| members.first().is_none_or(|first| is_alike(first, other)));
        if procedure.endpoints.len() < procedure.apart.len() || !alike {
            self.divide(now, id);
        }
    }

    /// Resumes the procedure of each endpoint.
    fn divide(&mut self, now: Time, id: ProcedureId) {
        let Some(Procedure { stage, endpoints, apart, peer, attempted, .. }) = self.procedures.remove(&id)
        else {
            return;
        };
        self.timers.cancel(&TimerKey::Procedure(id));
        if let Stage::Sent(transaction, _) = stage {
            self.transactions.abort(now, transaction);
        }
        for index in endpoints {
            let name = self.directory.name(index).to_owned();
            let peer = self.endpoint(index).and_then(Endpoint::peer).unwrap_or(peer);
            let known = apart.get(&index).copied();
            let Apart { since, delay, .. } =
                known.unwrap_or(Apart { since: now, attempted, delay: Duration::ZERO });
            let wait = delay.max(Duration::from_secs(1));
            let own =
                self.begin_procedure(now, Kind::Disconnected, name, BTreeSet::from([index]), peer, wait);
            if let Some(procedure) = self.procedures.get_mut(&own) {
                (procedure.since, procedure.attempted) = (since, attempted);
            }
        }
    }

    /// Whether the answer to a wildcard says that the agent does not understand it; its endpoints then go on by themselves.
    pub(super) fn refuses_together(&mut self, now: Time, id: ProcedureId, code: ReturnCode) -> bool {
        let Some(procedure) = self.procedures.get(&id).filter(|procedure| !procedure.apart.is_empty()) else {
            return false;
        };
        let naming =
            [ReturnCode::UNKNOWN_ENDPOINT, ReturnCode::ALL_OF_TOO_COMPLICATED, ReturnCode::PROTOCOL_ERROR];
        if !naming.contains(&code) {
            return false;
        }
        let peer = procedure.peer;
        for agent in self.agents.iter_mut().filter(|agent| agent.peer == peer) {
            agent.together = Together::Refused;
        }
        self.divide(now, id);
        true
    }
}

/// Whether two endpoints answer to the same entity, under the same name of the gateway.
fn is_alike(one: &Endpoint, other: &Endpoint) -> bool {
    one.entity == other.entity && one.domain == other.domain && one.peer() == other.peer()
}
