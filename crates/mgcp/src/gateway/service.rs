//! Service states of endpoints: RFC 3435 sections 2.3.12 and 4.4.5.
//!
//! Going out of service is announced as a courtesy: `graceful` before, `forced` at the moment. Coming back is a restart.

use std::collections::BTreeSet;

use strowger_sansio::{Duration, Time};

use super::endpoint::{Association, Endpoint, Service};
use super::media::{EndpointIndex, MediaPlane};
use super::reach::TimerKey;
use super::{Gateway, Tag};
use crate::message::{EndpointNameBuf, Reason, ReasonCode, RestartMethod, TransactionId, Verb};
use crate::text::CommandBuilder;

/// How a gateway is shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// Existing connections end by themselves, and new ones should not be made. After the time, if it is given, service ends.
    Graceful(Option<Duration>),
    /// Service ends now, with all connections.
    Forced,
}

impl Gateway {
    /// Takes all endpoints out of service, now or after a while.
    pub fn shut_down(&mut self, now: Time, how: Shutdown, plane: &mut dyn MediaPlane) {
        let all: BTreeSet<_> = self.endpoints.iter().filter(|e| e.service.is_in()).map(|e| e.index).collect();
        match how {
            Shutdown::Forced => self.take_out(now, &all, ReasonCode::OUT_OF_SERVICE, plane),
            Shutdown::Graceful(after) => {
                for index in &all {
                    if let Some(endpoint) = self.endpoint_mut(*index) {
                        endpoint.service = Service::Leaving(after.map(|after| now + after));
                        endpoint.reason = ReasonCode::OUT_OF_SERVICE;
                    }
                    if let Some(after) = after {
                        self.timers.set(TimerKey::Service(*index), now + after);
                    }
                }
                let delay = after.map(|after| after.as_secs()).unwrap_or_default();
                self.announce(
                    now,
                    &all,
                    RestartMethod::Graceful,
                    Some(delay),
                    Some(ReasonCode::OUT_OF_SERVICE),
                );
            }
        }
    }

    /// Calls off a graceful shutdown that has not ended service yet.
    pub fn cancel_shut_down(&mut self, now: Time) {
        let leaving = |endpoint: &&Endpoint| matches!(endpoint.service, Service::Leaving(_));
        let all: BTreeSet<_> = self.endpoints.iter().filter(leaving).map(|e| e.index).collect();
        for index in &all {
            self.timers.cancel(&TimerKey::Service(*index));
            if let Some(endpoint) = self.endpoint_mut(*index) {
                endpoint.service = Service::In;
                endpoint.reason = ReasonCode::NORMAL;
            }
        }
        self.announce(now, &all, RestartMethod::CancelGraceful, None, None);
    }

    /// Takes one endpoint out of service now; its connections are lost.
    pub fn out_of_service(
        &mut self,
        now: Time,
        endpoint: EndpointIndex,
        reason: ReasonCode,
        plane: &mut dyn MediaPlane,
    ) {
        if self.endpoint(endpoint).is_some_and(|endpoint| endpoint.service.is_in()) {
            self.take_out(now, &BTreeSet::from([endpoint]), reason, plane);
        }
    }

    /// Brings one endpoint back into service after `delay`, in its clean default state.
    pub fn into_service(
        &mut self,
        now: Time,
        endpoint: EndpointIndex,
        delay: Duration,
        plane: &mut dyn MediaPlane,
    ) {
        let Some(state) = self.endpoint_mut(endpoint).filter(|endpoint| !endpoint.service.is_in()) else {
            return;
        };
        if delay.is_zero() {
            self.bring_in(now, endpoint, plane);
            return;
        }
        state.service = Service::Returning(now + delay);
        self.timers.set(TimerKey::Service(endpoint), now + delay);
        let seconds = Some(delay.as_secs());
        self.announce(now, &BTreeSet::from([endpoint]), RestartMethod::Restart, seconds, None);
    }

    /// The restart delay of an endpoint is over.
    pub(super) fn service_due(&mut self, now: Time, first: EndpointIndex, plane: &mut dyn MediaPlane) {
        match self.endpoint(first).map(|endpoint| endpoint.service) {
            Some(Service::Returning(_)) => self.bring_in(now, first, plane),
            Some(Service::Leaving(_)) => {
                // Those that leave at the same time leave under one name.
                let due = |endpoint: &&Endpoint| matches!(endpoint.service, Service::Leaving(Some(at)) if at <= now);
                let all: BTreeSet<_> = self.endpoints.iter().filter(due).map(|e| e.index).collect();
                self.take_out(now, &all, ReasonCode::OUT_OF_SERVICE, plane);
            }
            _ => {}
        }
    }

    fn take_out(
        &mut self,
        now: Time,
        endpoints: &BTreeSet<EndpointIndex>,
        reason: ReasonCode,
        plane: &mut dyn MediaPlane,
    ) {
        for index in endpoints {
            self.timers.cancel(&TimerKey::Service(*index));
            self.leave_procedure(now, *index);
            let map = self.provisioned_map(*index);
            let Some((endpoint, mut reach)) = self.visit(*index, now, plane) else { continue };
            endpoint.reset_machine(map, &mut reach);
            let handles: Vec<_> = endpoint.connections.iter().map(|connection| connection.handle).collect();
            for handle in handles {
                endpoint.close(handle, &mut reach);
            }
            endpoint.held.clear();
            endpoint.service = Service::Out;
            endpoint.reason = reason;
            endpoint.association = Association::Known;
            self.note_free(*index);
        }
        self.announce(now, endpoints, RestartMethod::Forced, None, Some(reason));
    }

    fn bring_in(&mut self, now: Time, index: EndpointIndex, plane: &mut dyn MediaPlane) {
        self.timers.cancel(&TimerKey::Service(index));
        if let Some(endpoint) = self.endpoint_mut(index) {
            endpoint.service = Service::In;
            endpoint.reason = ReasonCode::NORMAL;
        }
        self.note_free(index);
        self.restart_one(now, index);
        self.report_off_hook(now, index, plane);
        self.flush(now);
    }

    /// Sends RSIPs that nothing waits for.
    fn announce(
        &mut self,
        now: Time,
        endpoints: &BTreeSet<EndpointIndex>,
        method: RestartMethod<'static>,
        delay: Option<u64>,
        reason: Option<ReasonCode>,
    ) {
        let mut agents: Vec<_> = endpoints.iter().filter_map(|e| self.endpoint(*e)?.entity.peer()).collect();
        agents.sort_unstable();
        agents.dedup();
        let dialect = self.dialect;
        for peer in agents {
            let of_agent =
                |index: &EndpointIndex| self.endpoint(*index).and_then(|e| e.entity.peer()) == Some(peer);
            let members: BTreeSet<_> = endpoints.iter().copied().filter(of_agent).collect();
            for name in self.directory.cover(&members) {
                let domain = self.domains.first().map_or("", String::as_str);
                let Some(name) = EndpointNameBuf::from_parts(&name, domain) else { continue };
                let build = |transaction: TransactionId| {
                    let mut command =
                        CommandBuilder::new(Verb::Rsip, transaction, &name, &dialect).restart_method(method);
                    if let Some(delay) = delay {
                        command = command.restart_delay(u32::try_from(delay).unwrap_or(u32::MAX));
                    }
                    if let Some(reason) = reason {
                        command = command.reason(Reason::of(reason));
                    }
                    command.finish()
                };
                self.transactions.send(now, peer, build, Tag::Courtesy);
                self.counters.restarts += 1;
            }
        }
    }

    /// RM of an audit: the last column of section 4.4.5.
    pub(super) fn audited_method(&self, endpoint: &Endpoint) -> RestartMethod<'static> {
        match (endpoint.service, endpoint.association) {
            (Service::Out, _) => RestartMethod::Forced,
            (Service::Leaving(_), _) => RestartMethod::Graceful,
            (_, Association::Disconnected(_)) => RestartMethod::Disconnected,
            _ => RestartMethod::Restart,
        }
    }

    /// RD of an audit: what an RSIP sent now would say (section 2.3.10).
    pub(super) fn audited_delay(&self, now: Time, endpoint: &Endpoint) -> u32 {
        let seconds = match (endpoint.service, endpoint.association) {
            (Service::Returning(at) | Service::Leaving(Some(at)), _) => at.since(now).as_secs(),
            (Service::In, Association::Disconnected(id)) => self.disconnected_for(now, id).as_secs(),
            _ => 0,
        };
        u32::try_from(seconds).unwrap_or(u32::MAX)
    }
}
