//! Service states of endpoints: RFC 3435 sections 2.3.12 and 4.4.5.
//!
//! Going out of service is announced as a courtesy: `graceful` before, `forced` at the moment. Coming back is a restart.

use std::collections::BTreeSet;

use strowger_sansio::{Duration, Time};

use super::Gateway;
use super::courtesy::Notice;
use super::endpoint::{Association, Endpoint, Service};
use super::media::{EndpointIndex, MediaPlane};
use super::reach::TimerKey;
use crate::message::{ReasonCode, RestartMethod};

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
        let all: BTreeSet<_> = self.endpoints.iter().map(|endpoint| endpoint.index).collect();
        match how {
            Shutdown::Forced => self.out_of_service(now, &all, ReasonCode::OUT_OF_SERVICE, plane),
            Shutdown::Graceful(after) => self.leave_service(now, &all, after),
        }
    }

    /// Announces that endpoints will leave service: after a while, or when their calls have ended.
    pub fn leave_service(&mut self, now: Time, endpoints: &BTreeSet<EndpointIndex>, after: Option<Duration>) {
        let is_in = |index: &&EndpointIndex| self.endpoint(**index).is_some_and(|e| e.service.is_in());
        let all: BTreeSet<_> = endpoints.iter().filter(is_in).copied().collect();
        for index in &all {
            if let Some(endpoint) = self.endpoint_mut(*index) {
                endpoint.service = Service::Leaving(after.map(|after| now + after));
                endpoint.reason = ReasonCode::OUT_OF_SERVICE;
            }
            match after {
                Some(after) => self.timers.set(TimerKey::Service(*index), now + after),
                None => {
                    self.timers.cancel(&TimerKey::Service(*index));
                }
            }
        }
        let delay = after.map(|after| after.as_secs()).unwrap_or_default();
        let notice = Notice::new(RestartMethod::Graceful).because(ReasonCode::OUT_OF_SERVICE);
        self.announce(now, &all, notice.after(delay));
    }

    /// Calls off a graceful shutdown that has not ended service yet.
    pub fn cancel_shut_down(&mut self, now: Time) {
        let all: BTreeSet<_> = self.endpoints.iter().map(|endpoint| endpoint.index).collect();
        self.stay_in_service(now, &all);
    }

    /// The same for some endpoints.
    pub fn stay_in_service(&mut self, now: Time, endpoints: &BTreeSet<EndpointIndex>) {
        let leaving = |index: &&EndpointIndex| {
            self.endpoint(**index).is_some_and(|endpoint| matches!(endpoint.service, Service::Leaving(_)))
        };
        let all: BTreeSet<_> = endpoints.iter().filter(leaving).copied().collect();
        for index in &all {
            self.timers.cancel(&TimerKey::Service(*index));
            if let Some(endpoint) = self.endpoint_mut(*index) {
                endpoint.service = Service::In;
                endpoint.reason = ReasonCode::NORMAL;
            }
        }
        self.announce(now, &all, Notice::new(RestartMethod::CancelGraceful));
    }

    /// Takes endpoints out of service now; their connections are lost.
    pub fn out_of_service(
        &mut self,
        now: Time,
        endpoints: &BTreeSet<EndpointIndex>,
        reason: ReasonCode,
        plane: &mut dyn MediaPlane,
    ) {
        let is_in = |index: &&EndpointIndex| self.endpoint(**index).is_some_and(|e| e.service.is_in());
        let all: BTreeSet<_> = endpoints.iter().filter(is_in).copied().collect();
        self.take_out(now, &all, reason, plane);
    }

    /// Brings endpoints back into service after `delay`, in their clean default state and under their provisioned call agents. Those that
    /// are in service already stay as they are.
    pub fn into_service(
        &mut self,
        now: Time,
        endpoints: &BTreeSet<EndpointIndex>,
        delay: Duration,
        plane: &mut dyn MediaPlane,
    ) {
        let out = |index: &&EndpointIndex| self.endpoint(**index).is_some_and(|e| !e.service.is_in());
        let all: BTreeSet<_> = endpoints.iter().filter(out).copied().collect();
        for index in &all {
            if let Some(endpoint) = self.endpoint_mut(*index) {
                endpoint.forget_configuration();
            }
        }
        if delay.is_zero() {
            self.bring_in(now, &all, plane);
            return;
        }
        for index in &all {
            if let Some(endpoint) = self.endpoint_mut(*index) {
                endpoint.service = Service::Returning(now + delay);
            }
            self.timers.set(TimerKey::Service(*index), now + delay);
        }
        self.announce(now, &all, Notice::new(RestartMethod::Restart).after(delay.as_secs()));
    }

    /// The restart delay of an endpoint is over.
    pub(super) fn service_due(&mut self, now: Time, first: EndpointIndex, plane: &mut dyn MediaPlane) {
        match self.endpoint(first).map(|endpoint| endpoint.service) {
            Some(Service::Returning(_)) => {
                let due =
                    |endpoint: &&Endpoint| matches!(endpoint.service, Service::Returning(at) if at <= now);
                let all: BTreeSet<_> = self.endpoints.iter().filter(due).map(|e| e.index).collect();
                self.bring_in(now, &all, plane);
            }
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
            self.abort_at(now, *index, plane);
            self.leave_procedure(now, *index);
            let Some((endpoint, mut reach)) = self.visit(*index, now, plane) else { continue };
            endpoint.clean(&mut reach);
            endpoint.service = Service::Out;
            endpoint.reason = reason;
            endpoint.association = Association::Known;
            self.note_free(*index);
        }
        self.part(now, plane);
        self.announce(now, endpoints, Notice::new(RestartMethod::Forced).because(reason));
    }

    fn bring_in(&mut self, now: Time, all: &BTreeSet<EndpointIndex>, plane: &mut dyn MediaPlane) {
        for index in all {
            self.timers.cancel(&TimerKey::Service(*index));
            // A procedure that announced it as out of service has nothing left to say.
            self.leave_procedure(now, *index);
            if let Some(endpoint) = self.endpoint_mut(*index) {
                endpoint.service = Service::In;
                endpoint.reason = ReasonCode::NORMAL;
            }
            self.note_free(*index);
        }
        self.restart_at_once(now, all);
        for index in all {
            self.report_off_hook(now, *index, plane);
        }
        self.flush(now);
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
            (Service::In, Association::Disconnected(id)) => {
                self.disconnected_for(now, id, endpoint.index).as_secs()
            }
            _ => 0,
        };
        u32::try_from(seconds).unwrap_or(u32::MAX)
    }
}
