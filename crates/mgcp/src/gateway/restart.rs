//! Telling the call agent that endpoints come, go and come back: RFC 3435 sections 2.3.12, 4.4.5, 4.4.6 and 4.4.7.
//!
//! A *procedure* is one RSIP that must get through, for one name that may stand for several endpoints: the restart procedure after
//! a start, the disconnected procedure after a command of an endpoint found no answer. Until it has succeeded, nothing else
//! of its endpoints may reach the call agent before it does.
//!
//! A procedure waits (for its timer, a command, a local activity), then its RSIP is outstanding; a refusal ends or repeats it.

use std::collections::{BTreeMap, BTreeSet};

use strowger_sansio::{Duration, Time};

use super::config::RangeWildcards;
use super::endpoint::{Association, Endpoint};
use super::media::{EndpointIndex, MediaPlane};
use super::reach::TimerKey;
use super::together::Apart;
use super::verb::Origin;
use super::{Gateway, GatewayEvent, Tag};
use crate::message::{
    EndpointNameBuf, ParameterCode, Reason, ReasonCode, Response, RestartMethod, ReturnCode, TransactionId,
    Verb, range,
};
use crate::text::CommandBuilder;
use crate::transaction::PeerId;

/// A procedure, for the life of the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ProcedureId(pub(super) u32);

/// What a procedure announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The endpoints are in service after a start.
    Restart,
    /// They are out of service after a start.
    Forced,
    /// They have lost their call agent.
    Disconnected,
}

/// How far a procedure is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Waiting for its timer, a command or an activity.
    Waiting,
    /// The RSIP is outstanding.
    Sent(TransactionId, Vec<u8>),
    /// The call agent refused for good: waiting for a command (section 4.4.6).
    Refused,
}

/// An RSIP that must get through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Procedure {
    pub(super) kind: Kind,
    name: String,
    pub(super) endpoints: BTreeSet<EndpointIndex>,
    pub(super) peer: PeerId,
    pub(super) stage: Stage,
    /// Since when the endpoints are without their call agent.
    pub(super) since: Time,
    /// When the last attempt ended, for Tdmin.
    pub(super) attempted: Time,
    /// The wait after the next failure.
    pub(super) delay: Duration,
    /// The procedures that it has replaced, if it has.
    pub(super) apart: BTreeMap<EndpointIndex, Apart>,
    /// Redirections in a row.
    redirections: u32,
}

/// How often a call agent may redirect in a row before that counts as a failure: two that point at each other would never end.
const REDIRECTIONS: u32 = 5;

impl Gateway {
    /// Begins the restart procedure of all endpoints: one random delay for each call agent, and as few names as possible.
    pub(super) fn begin_restart(&mut self, now: Time) {
        let mut agents: Vec<PeerId> = self.endpoints.iter().filter_map(Endpoint::peer).collect();
        agents.sort_unstable();
        agents.dedup();
        for peer in agents {
            let delay = self.rng.duration(Duration::ZERO, self.durations.protocol.mwd);
            for (kind, is_in) in [(Kind::Restart, true), (Kind::Forced, false)] {
                let members: BTreeSet<_> = self
                    .endpoints
                    .iter()
                    .filter(|e| e.peer() == Some(peer) && e.service.is_in() == is_in)
                    .map(|e| e.index)
                    .collect();
                for name in self.directory.cover(&members, self.ranges_of(peer)) {
                    let covered =
                        self.directory.all(&name).into_iter().filter(|e| members.contains(e)).collect();
                    self.begin_procedure(now, kind, name, covered, peer, delay);
                }
            }
        }
    }

    pub(super) fn begin_procedure(
        &mut self,
        now: Time,
        kind: Kind,
        name: String,
        endpoints: BTreeSet<EndpointIndex>,
        peer: PeerId,
        wait: Duration,
    ) -> ProcedureId {
        let id = ProcedureId(self.next_procedure);
        self.next_procedure = self.next_procedure.wrapping_add(1);
        for index in &endpoints {
            if let Some(endpoint) = self.endpoint_mut(*index) {
                endpoint.association = match kind {
                    Kind::Disconnected => Association::Disconnected(id),
                    Kind::Restart | Kind::Forced => Association::Restarting(id),
                };
            }
        }
        self.timers.set(TimerKey::Procedure(id), now + wait);
        // A restart has waited a part of MWD, which says nothing about how long to wait for an agent that does not answer.
        let delay = if kind == Kind::Disconnected { wait } else { Duration::ZERO };
        let procedure = Procedure {
            kind,
            name,
            endpoints,
            peer,
            stage: Stage::Waiting,
            since: now,
            attempted: now,
            delay,
            apart: BTreeMap::new(),
            redirections: 0,
        };
        self.procedures.insert(id, procedure);
        id
    }

    /// A command of an endpoint found no answer: it begins the disconnected procedure (section 4.4.7).
    pub(super) fn disconnected(&mut self, now: Time, index: EndpointIndex) {
        let first = self.rng.duration(Duration::from_secs(1), self.durations.protocol.tdinit);
        let name = self.directory.name(index).to_owned();
        let Some(endpoint) = self.endpoint(index) else { return };
        let Some(peer) = endpoint.peer().filter(|_| endpoint.association == Association::Known) else {
            return;
        };
        self.counters.disconnections += 1;
        self.note(GatewayEvent::Disconnected { endpoint: index });
        self.begin_procedure(now, Kind::Disconnected, name, BTreeSet::from([index]), peer, first);
    }

    /// The wait of a procedure is over.
    pub(super) fn procedure_due(&mut self, now: Time, id: ProcedureId) {
        if self.procedures.get(&id).is_some_and(|procedure| procedure.stage == Stage::Waiting) {
            let id = self.join(now, id);
            self.initiate(now, id);
        }
    }

    /// Sends the RSIP of a procedure.
    fn initiate(&mut self, now: Time, id: ProcedureId) {
        let Some(procedure) = self.procedures.get_mut(&id) else { return };
        let reason = procedure
            .endpoints
            .first()
            .and_then(|index| self.endpoints.get(index.0 as usize))
            .map_or(ReasonCode::NORMAL, |endpoint| endpoint.reason);
        // The agent of now: a command may have named another one since the last attempt.
        let entity = procedure.endpoints.first().and_then(|index| self.endpoints.get(index.0 as usize));
        if let Some(peer) = entity.and_then(Endpoint::peer) {
            procedure.peer = peer;
        }
        // The form of the domain that the agent used last, if that is one for all of them (section 2.1.2).
        let mut forms = procedure.endpoints.iter().filter_map(|index| self.endpoints.get(index.0 as usize));
        let form = forms.next().map_or(0, |endpoint| endpoint.domain);
        let form = if forms.all(|endpoint| endpoint.domain == form) { form } else { 0 };
        let domain = self.domains.get(form).or_else(|| self.domains.first());
        let Some(name) = domain.and_then(|domain| EndpointNameBuf::from_parts(&procedure.name, domain))
        else {
            return;
        };
        let (kind, seconds) = (procedure.kind, now.since(procedure.since).as_secs());
        let dialect = self.dialect;
        let mut bytes = Vec::new();
        let build = |transaction: TransactionId| {
            let command = CommandBuilder::new(Verb::Rsip, transaction, &name, &dialect);
            let command = match kind {
                Kind::Restart => command.restart_method(RestartMethod::Restart),
                Kind::Forced => command.restart_method(RestartMethod::Forced).reason(Reason::of(reason)),
                Kind::Disconnected => command
                    .restart_method(RestartMethod::Disconnected)
                    .restart_delay(u32::try_from(seconds).unwrap_or(u32::MAX)),
            };
            bytes = command.finish();
            bytes.clone()
        };
        let transaction = self.transactions.send(now, procedure.peer, build, Tag::Procedure(id));
        procedure.stage = Stage::Sent(transaction, bytes);
        self.timers.cancel(&TimerKey::Procedure(id));
        self.counters.restarts += 1;
    }

    /// A command came for an endpoint. Says what must go before its answer: the RSIP of a procedure that is not complete.
    pub(super) fn command_came(&mut self, now: Time, index: EndpointIndex) -> Vec<u8> {
        let Some(association) = self.endpoint(index).map(|endpoint| endpoint.association) else {
            return Vec::new();
        };
        let Some(id) = association.procedure() else { return Vec::new() };
        self.keep_apart(now, id);
        let association = self.endpoint(index).map_or(association, |endpoint| endpoint.association);
        let Some(id) = association.procedure() else { return Vec::new() };
        let entity = self.endpoint(index).and_then(Endpoint::peer);
        let outstanding = self.procedures.get(&id).and_then(|procedure| match procedure.stage {
            Stage::Sent(transaction, _) => Some((transaction, Some(procedure.peer) == entity)),
            _ => None,
        });
        match outstanding {
            Some((_, true)) => {}
            // The command named another call agent: that one is to be told (section 4.4.7).
            Some((transaction, false)) => {
                self.transactions.abort(now, transaction);
                self.initiate(now, id);
            }
            None => self.initiate(now, id),
        }
        match self.procedures.get(&id).map(|procedure| &procedure.stage) {
            Some(Stage::Sent(_, bytes)) => bytes.clone(),
            _ => Vec::new(),
        }
    }

    /// Something happened at an endpoint: its procedure need not wait any longer.
    pub(super) fn activity(&mut self, now: Time, index: EndpointIndex) {
        let Some(id) = self.endpoint(index).and_then(|endpoint| endpoint.association.procedure()) else {
            return;
        };
        let Some(procedure) = self.procedures.get(&id) else { return };
        // A restart that found no answer goes on as the disconnected procedure does.
        let tried = procedure.kind == Kind::Disconnected || !procedure.delay.is_zero();
        let early = tried && now.since(procedure.attempted) < self.durations.protocol.tdmin;
        if procedure.stage == Stage::Waiting && !early {
            self.initiate(now, id);
        }
    }

    /// The RSIP of a procedure was answered.
    pub(super) fn procedure_answered(
        &mut self,
        origin: Origin,
        id: ProcedureId,
        response: &Response<'_>,
        plane: &mut dyn MediaPlane,
    ) {
        let Some(procedure) = self.procedures.get_mut(&id) else { return };
        procedure.attempted = origin.now;
        let (name, peer) = (procedure.name.clone(), procedure.peer);
        let endpoints: Vec<_> = procedure.endpoints.iter().copied().collect();
        let named = self.apply_entities(origin, &endpoints, response);
        let code = response.code.fold_unknown();
        let redirected = code == ReturnCode::REDIRECTED && named;
        if code.is_success() {
            self.complete(origin.now, id, plane);
            return;
        }
        self.note(GatewayEvent::RestartRefused { code: response.code });
        if self.refuses_together(origin.now, id, code) {
            return;
        }
        if self.refuses_range(peer, &name, code) {
            self.name_apart(origin.now, id);
            return;
        }
        let Some(procedure) = self.procedures.get_mut(&id) else { return };
        if redirected && procedure.redirections < REDIRECTIONS {
            procedure.redirections += 1;
            self.initiate(origin.now, id);
        } else if matches!(code.get(), 400..500) || redirected {
            self.wait_again(origin.now, id);
        } else {
            procedure.stage = Stage::Refused;
        }
    }

    /// The answer to an RSIP may name the notified entity to be (section 2.3.12). Says whether it does, for the entity itself.
    pub(super) fn apply_entities(
        &mut self,
        origin: Origin,
        endpoints: &[EndpointIndex],
        response: &Response<'_>,
    ) -> bool {
        let entity = response.parameters.get(ParameterCode::NotifiedEntity);
        let entity = entity.and_then(|text| self.entity(text, origin).ok());
        let alternates = response.parameters.get(ParameterCode::Package { package: "RED", name: "NL" });
        let alternates = alternates.and_then(|text| self.alternates(text, origin).ok());
        for index in endpoints {
            let Some(endpoint) = self.endpoint_mut(*index) else { continue };
            if let Some(entity) = &entity {
                endpoint.set_entity(entity.clone());
            }
            if let Some(alternates) = &alternates {
                endpoint.set_alternates(alternates.clone());
            }
            if entity.is_some() || alternates.is_some() {
                self.follow_entity(origin.now, *index);
            }
        }
        entity.is_some()
    }

    /// Whether an answer may mean that the agent does not understand a range wildcard; if so it gets none any more (Appendix E.5).
    pub(super) fn refuses_range(&mut self, peer: PeerId, name: &str, code: ReturnCode) -> bool {
        let naming =
            [ReturnCode::UNKNOWN_ENDPOINT, ReturnCode::ALL_OF_TOO_COMPLICATED, ReturnCode::PROTOCOL_ERROR];
        if !range::is_ranged(name) || !naming.contains(&code) {
            return false;
        }
        for agent in self.agents.iter_mut().filter(|agent| agent.peer == peer) {
            agent.ranges = RangeWildcards::Unsupported;
        }
        true
    }

    /// The endpoints of a procedure are announced again at once, by names without ranges.
    fn name_apart(&mut self, now: Time, id: ProcedureId) {
        let Some(Procedure { kind, endpoints, peer, since, .. }) = self.procedures.remove(&id) else {
            return;
        };
        self.timers.cancel(&TimerKey::Procedure(id));
        for name in self.directory.cover(&endpoints, RangeWildcards::Unsupported) {
            let covered = self.directory.all(&name).into_iter().filter(|e| endpoints.contains(e)).collect();
            let next = self.begin_procedure(now, kind, name, covered, peer, Duration::ZERO);
            if let Some(procedure) = self.procedures.get_mut(&next) {
                procedure.since = since;
            }
            self.initiate(now, next);
        }
    }

    /// How an agent is told of several endpoints.
    pub(super) fn ranges_of(&self, peer: PeerId) -> RangeWildcards {
        self.agents
            .iter()
            .find(|agent| agent.peer == peer)
            .map_or(RangeWildcards::Unsupported, |agent| agent.ranges)
    }

    /// Whether a procedure has tried to reach a call agent.
    pub(super) fn has_tried(&self, peer: PeerId) -> bool {
        let tried = |procedure: &Procedure| procedure.stage != Stage::Waiting || !procedure.delay.is_zero();
        self.procedures.values().any(|procedure| procedure.peer == peer && tried(procedure))
    }

    /// The first endpoint of a procedure.
    pub(super) fn first_of(&self, id: ProcedureId) -> Option<EndpointIndex> {
        self.procedures.get(&id)?.endpoints.first().copied()
    }

    /// Nobody answered the RSIP of a procedure.
    pub(super) fn procedure_unanswered(&mut self, now: Time, id: ProcedureId) {
        if let Some(procedure) = self.procedures.get_mut(&id) {
            procedure.attempted = now;
            self.wait_again(now, id);
        }
    }

    /// Waits for the next attempt, twice as long as for this one.
    fn wait_again(&mut self, now: Time, id: ProcedureId) {
        let maximum = self.durations.protocol.tdmax;
        let first = self.rng.duration(Duration::from_secs(1), self.durations.protocol.tdinit);
        let Some(procedure) = self.procedures.get_mut(&id) else { return };
        let wait = if procedure.delay.is_zero() { first } else { procedure.delay * 2 };
        procedure.delay = wait.min(maximum);
        procedure.redirections = 0;
        procedure.stage = Stage::Waiting;
        let end = now + procedure.delay;
        self.timers.set(TimerKey::Procedure(id), end);
    }

    /// The call agent knows: what was held back may go out.
    fn complete(&mut self, now: Time, id: ProcedureId, plane: &mut dyn MediaPlane) {
        let Some(procedure) = self.procedures.remove(&id) else { return };
        self.timers.cancel(&TimerKey::Procedure(id));
        self.note(GatewayEvent::Associated { endpoints: procedure.name.clone() });
        for index in procedure.endpoints {
            let lost = procedure.kind == Kind::Disconnected;
            if let Some(endpoint) = self.endpoint_mut(index) {
                endpoint.association = Association::Known;
            }
            self.resume(now, index, lost, plane);
        }
    }

    /// Announces endpoints that came back into service, by as few names as possible.
    pub(super) fn restart_at_once(&mut self, now: Time, endpoints: &BTreeSet<EndpointIndex>) {
        for (peer, members) in self.by_agent(endpoints) {
            for name in self.directory.cover(&members, self.ranges_of(peer)) {
                let covered = self.directory.all(&name).into_iter().filter(|e| members.contains(e)).collect();
                let id = self.begin_procedure(now, Kind::Restart, name, covered, peer, Duration::ZERO);
                self.initiate(now, id);
            }
        }
    }

    /// Endpoints by the call agents that they answer to.
    pub(super) fn by_agent(
        &self,
        endpoints: &BTreeSet<EndpointIndex>,
    ) -> BTreeMap<PeerId, BTreeSet<EndpointIndex>> {
        let mut agents: BTreeMap<PeerId, BTreeSet<EndpointIndex>> = BTreeMap::new();
        for index in endpoints {
            if let Some(peer) = self.endpoint(*index).and_then(Endpoint::peer) {
                agents.entry(peer).or_default().insert(*index);
            }
        }
        agents
    }

    /// An endpoint goes out of service: its procedure has nothing to say about it any more.
    pub(super) fn leave_procedure(&mut self, now: Time, index: EndpointIndex) {
        let Some(id) = self.endpoint(index).and_then(|endpoint| endpoint.association.procedure()) else {
            return;
        };
        let Some(procedure) = self.procedures.get_mut(&id) else { return };
        procedure.endpoints.remove(&index);
        if procedure.endpoints.is_empty()
            && let Some(Procedure { stage, .. }) = self.procedures.remove(&id)
        {
            self.timers.cancel(&TimerKey::Procedure(id));
            if let Stage::Sent(transaction, _) = stage {
                self.transactions.abort(now, transaction);
            }
        }
        self.keep_apart(now, id);
    }

    /// How long an endpoint has been without its call agent.
    pub(super) fn disconnected_for(&self, now: Time, id: ProcedureId, index: EndpointIndex) -> Duration {
        let Some(procedure) = self.procedures.get(&id) else { return Duration::ZERO };
        now.since(procedure.apart.get(&index).map_or(procedure.since, |apart| apart.since))
    }
}
