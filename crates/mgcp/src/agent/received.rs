//! Commands of gateways: NTFY, RSIP, DLCX and MESG are carried out; whatever else comes is refused (RFC 3435 section 2.3).
//!
//! Each command is answered here and now, so that it is never in execution when its duplicate comes.

use std::time::Duration;

use strowger_sansio::Time;

use super::event::Event;
use super::inventory::Gateway;
use super::{Agent, GatewayId, answer};
use crate::dialect::Dialect;
use crate::message::{
    Command, ConnectionParameters, EndpointNameBuf, ListedEvent, PackageList, RequestIdBuf, RestartMethod,
    ReturnCode, SignalBuf, Verb, Version,
};
use crate::package::PackageSet;
use crate::text::{self, Refusal, ResponseBuilder};
use crate::transaction::Token;

impl<T: Clone> Agent<T> {
    pub(super) fn execute(&mut self, now: Time, gateway: GatewayId, token: Token, command: &Command<'_>) {
        let Some(known) = self.gateways.get(&gateway) else { return };
        if !known.owns(command.endpoint) {
            self.counters.foreign_domain += 1;
            self.reply(now, token, ReturnCode::UNKNOWN_ENDPOINT);
            return;
        }
        if !matches!(command.verb, Verb::Ntfy | Verb::Rsip | Verb::Dlcx | Verb::Mesg) {
            // Not a command that a gateway gives: unknown here, as is one that nobody knows.
            self.refuse(now, token, Refusal::new(ReturnCode::UNKNOWN_COMMAND, "Not a gateway's command"));
            return;
        }
        self.detect_dialect(gateway, command.version);
        let Some(known) = self.gateways.get(&gateway) else { return };
        if let Err(refusal) = text::check(command, &known.config.dialect, &PackageSet::ALL) {
            self.refuse(now, token, refusal);
            self.suspect_alive(now, gateway);
            return;
        }
        self.heard(now, gateway);
        match command.verb {
            Verb::Ntfy => self.notified(now, gateway, token, command),
            Verb::Rsip => self.restarted(now, gateway, token, command),
            Verb::Dlcx => self.deleted(now, gateway, token, command),
            _ => self.reply(now, token, ReturnCode::OK),
        }
    }

    /// A gateway whose dialect is not configured speaks the one whose version it writes.
    fn detect_dialect(&mut self, gateway: GatewayId, version: Version<'_>) {
        let Some(known) = self.gateways.get_mut(&gateway).filter(|known| known.config.detect) else { return };
        if let Some(dialect) = Dialect::detect(version) {
            known.config.detect = false;
            known.config.dialect = *dialect;
            self.events.push_back(Event::DialectDetected { gateway, dialect: dialect.name });
        }
    }

    fn reply(&mut self, now: Time, token: Token, code: ReturnCode) {
        let response = ResponseBuilder::new(code, token.transaction_id()).finish();
        self.transactions.respond(now, token, response);
    }

    fn refuse(&mut self, now: Time, token: Token, refusal: Refusal) {
        self.counters.refused += 1;
        let packages = PackageSet::ALL.to_string();
        let mut response = ResponseBuilder::new(refusal.code, token.transaction_id());
        response = response.commentary(refusal.commentary);
        if let Some(list) = PackageList::parse(&packages).filter(|_| refusal.package_list) {
            response = response.package_list(list);
        }
        let response = response.finish();
        self.transactions.respond(now, token, response);
    }

    /// NTFY: passed on only when it answers the endpoint's current request. A stale one is answered all the same, so that
    /// the gateway leaves its notification state (section 4.4.1).
    fn notified(&mut self, now: Time, gateway: GatewayId, token: Token, command: &Command<'_>) {
        let (Some(request_id), Some(observed)) = (command.request_id(), command.observed_events()) else {
            self.refuse(now, token, Refusal::new(ReturnCode::PROTOCOL_ERROR, "Nothing is notified"));
            return;
        };
        self.reply(now, token, ReturnCode::OK);
        let dialect = self.gateways.get(&gateway).map(|known| known.config.dialect);
        let standard = |event: SignalBuf| {
            let renamed = dialect.and_then(|dialect| dialect.from_peer(&event.to_string()));
            renamed.and_then(|text| SignalBuf::parse(&text)).unwrap_or(event)
        };
        let events: Vec<_> = observed.iter().map(ListedEvent::to_buf).map(standard).collect();
        if events.is_empty() {
            self.counters.empty_notifications += 1;
            return;
        }
        let endpoint = command.endpoint.to_buf();
        let request_id = request_id.to_buf();
        if !self.is_current(gateway, &endpoint, &request_id) {
            self.counters.stale_notifications += 1;
            return;
        }
        self.counters.notifications += 1;
        self.events.push_back(Event::Notify { gateway, endpoint, request_id, events });
    }

    /// Whether a request identifier is that of the endpoint's last request. The notification of a request may overtake the
    /// response to it: the request has then been carried out and is the current one from now on.
    fn is_current(&mut self, gateway: GatewayId, endpoint: &EndpointNameBuf, request: &RequestIdBuf) -> bool {
        let Some(known) = self.gateways.get(&gateway) else { return false };
        let own = known.endpoints.get(endpoint);
        if request.is_zero() {
            return own.is_none_or(|own| own.current.is_none());
        }
        if known.current_request(endpoint) == Some(request) {
            return true;
        }
        let order = own.map(|own| own.order.as_slice()).unwrap_or_default();
        let overtaken = order.iter().filter_map(|id| self.operations.get(id)).any(|operation| {
            let asked = operation.request.notification().and_then(|asked| asked.request_id.as_ref());
            operation.sent.is_some() && asked == Some(request)
        });
        if let Some(known) = self.gateways.get_mut(&gateway).filter(|_| overtaken) {
            known.set_current(endpoint, request.clone());
        }
        overtaken
    }

    /// RSIP: the endpoints' service changes (section 2.3.12).
    fn restarted(&mut self, now: Time, gateway: GatewayId, token: Token, command: &Command<'_>) {
        let method = command.restart_method();
        if method.is_some_and(is_lockstep) {
            self.counters.restarts += 1;
            self.reply(now, token, ReturnCode::OK);
            let endpoints = command.endpoint.to_buf();
            self.events.push_back(Event::Lockstep { gateway, endpoints });
            return;
        }
        let Some(method) = method.and_then(answer::own_method) else {
            self.refuse(now, token, Refusal::new(ReturnCode::RESTART_METHOD, "Unknown restart method"));
            return;
        };
        self.counters.restarts += 1;
        // All of its endpoints at once: the gateway itself has restarted, and does not know which identifiers it used.
        let is_all = |known: &Gateway| known.has_none_beside(command.endpoint);
        if method == RestartMethod::Restart && self.gateways.get(&gateway).is_some_and(is_all) {
            self.transactions.begin_life(now, &token);
        }
        self.acknowledge_restart(now, gateway, token);
        // Connections and requests are gone after a restart, and when the endpoints are out of service.
        if matches!(method, RestartMethod::Restart | RestartMethod::Forced) {
            self.reset_endpoints(now, gateway, command.endpoint);
        }
        let delay = match method {
            // These have none: what a gateway sends nevertheless counts as zero.
            RestartMethod::Forced | RestartMethod::CancelGraceful => Duration::ZERO,
            _ => Duration::from_secs(command.restart_delay().unwrap_or(0).into()),
        };
        self.events.push_back(Event::EndpointsRestarted {
            gateway,
            endpoints: command.endpoint.to_buf(),
            method,
            delay,
            reason: command.reason().map(|reason| reason.code),
        });
    }

    /// The answer names the call agent where the dialect has it: it is where the endpoints send from now on.
    fn acknowledge_restart(&mut self, now: Time, gateway: GatewayId, token: Token) {
        let names = self.gateways.get(&gateway).is_some_and(|known| known.config.dialect.notification);
        let mut response = ResponseBuilder::new(ReturnCode::OK, token.transaction_id());
        if let Some(entity) = self.config.notified_entity.as_ref().filter(|_| names) {
            response = response.notified_entity(entity.as_view());
        }
        self.transactions.respond(now, token, response.finish());
    }

    /// DLCX of a gateway: it has lost or given up a connection (section 2.3.8).
    fn deleted(&mut self, now: Time, gateway: GatewayId, token: Token, command: &Command<'_>) {
        let (Some(call_id), Some(connection_id)) = (command.call_id(), command.connection_id()) else {
            self.refuse(
                now,
                token,
                Refusal::new(ReturnCode::PROTOCOL_ERROR, "A gateway deletes one connection"),
            );
            return;
        };
        self.counters.deletions += 1;
        self.reply(now, token, ReturnCode::CONNECTION_DELETED);
        self.events.push_back(Event::ConnectionDeletedByGateway {
            gateway,
            endpoint: command.endpoint.to_buf(),
            call_id: call_id.to_buf(),
            connection_id: connection_id.to_buf(),
            reason: command.reason().map(|reason| reason.code),
            statistics: command.connection_parameters().map(ConnectionParameters::to_statistics),
        });
    }
}

/// The method of the lockstep package (RFC 3992 section 2.2): no change of service, and without a delay.
fn is_lockstep(method: RestartMethod<'_>) -> bool {
    matches!(method, RestartMethod::Package { package, method }
        if package.eq_ignore_ascii_case("LCK") && method.eq_ignore_ascii_case("lockstep"))
}
