//! Service states of terminations: what an operator or a controller orders, and what becomes of it (RFC 3525 sections 7.1.5, 7.2.8).

use std::time::Duration;

use strowger_sansio::Time;

use super::event::GatewayEvent;
use super::execute::{Outcome, Scene};
use super::media::MediaPlane;
use super::report::{CommandReport, Fault};
use super::target::{fits, is_all, to_owned};
use super::termination::{Key, Kind};
use super::{Gateway, Timer};
use crate::error::ErrorCode;
use crate::message::{Method, Reason, ServiceChange, ServiceState, ServiceTarget, TerminationId};

/// What an operator orders for physical terminations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Out of service at once.
    Forced,
    /// Out of service when their contexts let them go, or after this time if it is not zero.
    Graceful(Duration),
    /// Into service after this time.
    InService(Duration),
}

/// What ended the service of a termination that was leaving it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Its context let it go.
    Left,
    /// Its time was over, or it was forced.
    Ended,
}

const OUT_OF_SERVICE: &str = "905 Termination Taken Out Of Service";
const IMPENDING_FAILURE: &str = "908 MG Impending Failure";

impl Gateway {
    /// Does what an operator orders for the physical terminations that a name means, with wildcards, and tells the controller. Says how
    /// many there are.
    pub fn handle_order(&mut self, now: Time, name: &str, order: Order, media: &mut dyn MediaPlane) -> usize {
        let meant = self.terminations.iter().filter(|(_, termination)| {
            matches!(termination.kind, Kind::Physical(..)) && fits(name, &termination.name)
        });
        let keys: Vec<_> = meant.map(|(key, _)| *key).collect();
        for key in &keys {
            let (method, delay) = self.order(now, *key, order);
            let reason = match method {
                Method::Restart => Some(Reason::SERVICE_RESTORED),
                _ => Reason::new(OUT_OF_SERVICE),
            };
            if let Some(reason) = reason {
                self.tell_service(now, *key, (method, reason, delay));
            }
        }
        self.settle_contexts(now, media);
        keys.len()
    }

    /// The gateway as a whole goes out of service (section 11.4): all contexts end, and the controller is told.
    pub fn shut_down(&mut self, now: Time, media: &mut dyn MediaPlane) {
        if let Some(reason) = Reason::new(IMPENDING_FAILURE) {
            self.tell_service(now, Key::ROOT, (Method::Forced, reason, None));
        }
        let members: Vec<Key> =
            self.contexts.values().flat_map(|context| &context.members).copied().collect();
        members.into_iter().for_each(|key| self.withdraw(now, key, media));
        self.settle_contexts(now, media);
    }

    fn order(&mut self, now: Time, key: Key, order: Order) -> (Method<'static>, Option<Duration>) {
        match order {
            Order::Forced => {
                self.end_service(now, key, Why::Ended);
                (Method::Forced, None)
            }
            Order::Graceful(delay) => {
                let delay = Some(delay).filter(|delay| !delay.is_zero());
                self.begin_leaving(now, key, delay);
                (Method::Graceful, delay)
            }
            Order::InService(delay) => {
                let delay = Some(delay).filter(|delay| !delay.is_zero());
                self.begin_return(now, key, delay);
                (Method::Restart, delay)
            }
        }
    }

    fn begin_leaving(&mut self, now: Time, key: Key, delay: Option<Duration>) {
        let Some(termination) = self.terminations.get_mut(&key) else { return };
        self.timers.cancel(&Timer::Returning(key));
        termination.is_leaving = true;
        let is_idle = termination.context == 0;
        match delay {
            Some(delay) => self.timers.set(Timer::Leaving(key), now + delay),
            None if is_idle => self.end_service(now, key, Why::Ended),
            None => {}
        }
    }

    fn begin_return(&mut self, now: Time, key: Key, delay: Option<Duration>) {
        self.timers.cancel(&Timer::Leaving(key));
        if let Some(termination) = self.terminations.get_mut(&key) {
            termination.is_leaving = false;
        }
        match delay {
            Some(delay) => self.timers.set(Timer::Returning(key), now + delay),
            None => self.returning_over(now, key),
        }
    }

    pub(super) fn end_service(&mut self, _: Time, key: Key, why: Why) {
        self.timers.cancel(&Timer::Leaving(key));
        if why == Why::Ended {
            self.timers.cancel(&Timer::Returning(key));
        }
        self.set_service(key, ServiceState::OutOfService);
    }

    fn set_service(&mut self, key: Key, service: ServiceState) {
        let Some(termination) = self.terminations.get_mut(&key) else { return };
        termination.is_leaving = false;
        if termination.service != service {
            termination.service = service;
            let name = termination.name.to_string();
            self.events.push_back(GatewayEvent::ServiceChanged { termination: name, service });
        }
    }

    pub(super) fn leaving_over(&mut self, now: Time, key: Key, _: &mut dyn MediaPlane) {
        self.end_service(now, key, Why::Ended);
    }

    pub(super) fn returning_over(&mut self, _: Time, key: Key) {
        self.timers.cancel(&Timer::Returning(key));
        self.set_service(key, ServiceState::InService);
    }

    /// A service change that the controller orders.
    pub(super) fn ordered_change(
        &mut self,
        scene: Scene,
        id: &TerminationId<'_>,
        change: &ServiceChange<'_>,
        is_union: bool,
        _: &mut dyn MediaPlane,
    ) -> Outcome {
        let result = match id {
            TerminationId::Root => self.root_change(scene, change).map(|()| Vec::new()),
            _ => self.termination_change(scene, id, change),
        };
        let time = self.clock.stamp(scene.now).filter(|_| *id == TerminationId::Root);
        let whole = |result| Outcome {
            reports: vec![CommandReport::ServiceChange(to_owned(id), result)],
            failed: result.err(),
            ..Outcome::default()
        };
        match result {
            // Each of those that a wildcard means has its answer (section 8), unless one is asked for.
            Ok(keys) if is_all(id) && !is_union => {
                let report = |key: &Key| CommandReport::ServiceChange(self.id_of(*key), Ok(None));
                let reports = keys.iter().map(report).collect();
                self.by_context(scene, Outcome { reports, ..Outcome::default() }, &keys)
            }
            Ok(_) => whole(Ok(time)),
            Err(fault) => whole(Err(fault)),
        }
    }

    fn root_change(&mut self, scene: Scene, change: &ServiceChange<'_>) -> Result<(), Fault> {
        if change.method != Method::HandOff {
            let why = "Only HandOff is ordered for the gateway as a whole";
            return Err(Fault::new(ErrorCode::NOT_IMPLEMENTED, why));
        }
        let to = match change.target {
            Some(ServiceTarget::Mgc(mid)) => Some(mid),
            Some(ServiceTarget::Address(_)) => return Err(ErrorCode::INCORRECT_IDENTIFIER.into()),
            None => None,
        };
        self.hand_off(scene.now, scene.peer, to)
    }

    fn termination_change(
        &mut self,
        scene: Scene,
        id: &TerminationId<'_>,
        change: &ServiceChange<'_>,
    ) -> Result<Vec<Key>, Fault> {
        let delay = Duration::from_secs(u64::from(change.delay.unwrap_or(0)));
        let order = match change.method {
            Method::Forced => Order::Forced,
            Method::Graceful => Order::Graceful(delay),
            Method::Restart => Order::InService(delay),
            _ => return Err(ErrorCode::NOT_IMPLEMENTED.into()),
        };
        let keys = self.targets(scene.context, id)?;
        for key in &keys {
            self.order(scene.now, *key, order);
        }
        Ok(keys)
    }
}
