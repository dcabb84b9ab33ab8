//! What gateways say, whatever they speak, handed to those whom it concerns: lines, relays, circuits, the census.

use std::sync::Arc;

use strowger_mgcp::agent::{self, Failure, GatewayId, Outcome};
use strowger_mgcp::message::{EndpointNameBuf, RequestIdBuf, RestartMethod};
use strowger_sansio::Time;

use super::census::{self, Finding};
use super::control::News;
use super::mgcp_line::Observed;
use super::{Access, Owner, Report, Tag, Turn, stream};
use crate::{Event, ServiceState, Subject};

impl Access {
    /// Hands what the agent has to say to the adapters; says whether there was anything.
    pub(crate) fn hear_agent(&mut self, now: Time) -> bool {
        let mut heard = self.sip.hear(now, &mut self.reports);
        while let Some(news) = self.agent.poll_event() {
            heard = true;
            match news {
                News::Agent(event) => self.agent_event(now, *event),
                News::Observed { gateway, endpoint, request, observed } => {
                    self.observed(now, gateway, &endpoint, &request, observed);
                }
                News::Forgotten { gateway, endpoint } => {
                    if let Some(line) = self.gateways.line_at(gateway, &endpoint) {
                        self.turn(now, |lines, _, _| lines.forgotten(line));
                    }
                }
                News::Packages { gateway, packages } => {
                    self.turn(now, |lines, _, _| lines.learn_packages(gateway, &packages));
                }
                News::Terminations { gateway, idle, busy } => {
                    let event = self.census.terminations(&self.gateways, gateway, idle, &busy);
                    self.reports.push_back(Report::Event(event));
                }
                News::Overloaded { gateway } => {
                    let gateway = self.gateways.id(gateway).to_owned();
                    self.reports.push_back(Report::Event(Event::GatewayOverloaded { gateway }));
                }
            }
        }
        heard
    }

    fn observed(
        &mut self,
        now: Time,
        gateway: GatewayId,
        endpoint: &EndpointNameBuf,
        request: &RequestIdBuf,
        observed: Observed,
    ) {
        if let Some((line, passed)) = self.circuits.at(gateway, endpoint).zip(observed.continuity) {
            return self.by_circuits(now, |circuits, turn| circuits.test_completed(turn, line, passed));
        }
        let Some(line) = self.gateways.line_at(gateway, endpoint) else {
            return self.unlisted(gateway, endpoint.local());
        };
        self.turn(now, |lines, _, turn| lines.notified(turn, line, request, observed));
    }

    fn agent_event(&mut self, now: Time, event: agent::Event<Tag>) {
        match event {
            agent::Event::Completed { tag, outcome } => self.outcome(now, tag, Ok(outcome)),
            agent::Event::Failed { tag, failure } => self.outcome(now, tag, Err(failure)),
            agent::Event::Notify { gateway, endpoint, request_id, events } => {
                if let Some(line) = self.circuits.at(gateway, &endpoint) {
                    self.by_circuits(now, |circuits, turn| circuits.observed(turn, line, &events));
                } else {
                    self.observed(now, gateway, &endpoint, &request_id, Observed::read(&events));
                }
            }
            agent::Event::GatewayUp { gateway, .. } => {
                self.gateway_service(now, gateway, ServiceState::InService);
                self.census.note(gateway);
                self.turn(now, |lines, relays, turn| {
                    lines.gateway_up(turn, gateway);
                    relays.gateway_up(turn, gateway);
                });
                self.by_circuits(now, |circuits, turn| circuits.gateway_up(turn, gateway));
            }
            agent::Event::GatewayLost { gateway } => {
                self.gateway_service(now, gateway, ServiceState::Unreachable);
                self.turn(now, |lines, relays, turn| {
                    lines.gateway_lost(turn, gateway);
                    relays.gateway_lost(turn, gateway);
                });
                self.by_circuits(now, |circuits, turn| circuits.gateway_lost(turn, gateway));
            }
            agent::Event::DialectDetected { gateway, dialect } => {
                let gateway = self.gateways.id(gateway).to_owned();
                self.reports.push_back(Report::Event(Event::DialectDetected { gateway, dialect }));
            }
            agent::Event::Resolve { gateway, name } => {
                let gateway = self.gateways.id(gateway).to_owned();
                self.reports.push_back(Report::Event(Event::Resolve { gateway, name }));
            }
            agent::Event::EndpointsRestarted { gateway, endpoints, method, delay, reason: _ } => {
                if !self.gateways.has_endpoint_under(gateway, &endpoints) {
                    self.unlisted(gateway, endpoints.local());
                }
                if method == RestartMethod::Restart && endpoints.as_name().is_wildcarded() {
                    self.census.note(gateway);
                }
                self.turn(now, |lines, relays, turn| {
                    lines.restarted(turn, gateway, &endpoints, method, delay);
                    relays.restarted(turn, gateway, &endpoints, method);
                });
                self.by_circuits(now, |circuits, turn| {
                    circuits.restarted(turn, gateway, &endpoints, method);
                });
            }
            agent::Event::Lockstep { gateway, endpoints } => {
                self.turn(now, |lines, _, turn| lines.in_lockstep(turn, gateway, &endpoints));
            }
            agent::Event::ConnectionDeletedByGateway {
                gateway, endpoint, connection_id, statistics, ..
            } => {
                let statistics = statistics.as_ref().map(stream::statistics);
                self.turn(now, |lines, relays, turn| {
                    lines.connection_deleted(turn, gateway, &endpoint, &connection_id, statistics);
                    relays.connection_deleted(turn, gateway, &endpoint, &connection_id, statistics);
                });
                self.by_circuits(now, |circuits, turn| {
                    circuits.connection_deleted(turn, gateway, &endpoint, &connection_id, statistics);
                });
            }
            // The final outcome decides; what a provisional answer told is void if that is a failure.
            _ => {}
        }
    }

    fn outcome(&mut self, now: Time, tag: Tag, result: Result<Outcome, Failure>) {
        if let Tag::Census(gateway, serial, inquiry) = tag {
            return self.counted(now, (gateway, serial, inquiry), result);
        }
        match tag {
            Tag::Stream(Owner::Leg(leg), order) if self.circuits.has(leg) => {
                return self
                    .by_circuits(now, |circuits, turn| circuits.stream_outcome(turn, leg, order, result));
            }
            Tag::Circuit(line, serial) => {
                return self.by_circuits(now, |circuits, turn| {
                    circuits.clearing_outcome(turn, line, serial, result);
                });
            }
            Tag::Signalling(line, serial) => {
                return self.by_circuits(now, |circuits, turn| {
                    circuits.request_outcome(turn, line, serial, &result);
                });
            }
            Tag::Look(line, serial) => {
                return self.by_circuits(now, |circuits, turn| {
                    circuits.look_outcome(turn, line, serial, result);
                });
            }
            Tag::States(line) => {
                return self.by_circuits(now, |circuits, turn| circuits.states_outcome(turn, line, result));
            }
            _ => {}
        }
        self.turn(now, |lines, relays, turn| match tag {
            // A gateway that cannot ring back leaves silence.
            Tag::Census(..)
            | Tag::Circuit(..)
            | Tag::Look(..)
            | Tag::Tone(_)
            | Tag::Signalling(..)
            | Tag::States(_) => {}
            Tag::Count(serial) => lines.counted(turn, serial, result),
            Tag::Watch(line, serial) => lines.watch_outcome(turn, line, serial, result),
            Tag::Audit(line, serial) => lines.audit_outcome(turn, line, serial, result),
            Tag::Hook(line, serial) => lines.hook_outcome(turn, line, serial, result),
            Tag::Sweep(line, serial) => lines.sweep_outcome(turn, line, serial, result),
            Tag::Stray(line, place) => lines.stray_outcome(turn, line, place, result),
            Tag::Stream(Owner::Leg(leg), order) => lines.stream_outcome(turn, leg, order, result),
            Tag::Stream(Owner::Context(context, side), order) => {
                relays.stream_outcome(turn, context, side, order, result);
            }
            Tag::RelaySweep(gateway) => relays.sweep_outcome(turn, gateway, result),
            Tag::Survey(serial, question) => relays.survey_outcome(turn, serial, question, result),
        });
    }

    /// A gateway has said something of itself.
    fn counted(
        &mut self,
        now: Time,
        asked: (GatewayId, u32, census::Inquiry),
        result: Result<Outcome, Failure>,
    ) {
        let gateway = asked.0;
        for finding in self.census.outcome(now, (&self.gateways, &mut self.agent), asked, result) {
            match finding {
                Finding::Told(event) => self.reports.push_back(Report::Event(event)),
                Finding::Able(class, abilities) => {
                    let Some(dialect) = self.agent.agent().dialect(gateway) else { continue };
                    let abilities = Arc::new(abilities);
                    self.relays.learn(gateway, &class, &abilities);
                    self.turn(now, |lines, _, turn| {
                        lines.learn(gateway, &class, &abilities, &dialect);
                        lines.count(turn, gateway, &class, &abilities);
                    });
                }
                Finding::Silent => self.turn(now, |lines, _, _| lines.release(gateway, None)),
            }
        }
    }

    fn unlisted(&mut self, gateway: GatewayId, endpoint: &str) {
        let (gateway, endpoint) = (self.gateways.id(gateway).to_owned(), endpoint.to_owned());
        self.reports.push_back(Report::Event(Event::UnlistedEndpoint { gateway, endpoint }));
    }

    fn gateway_service(&mut self, now: Time, gateway: GatewayId, to: ServiceState) {
        let Self { agent, gateways, settings, timers, reports, .. } = self;
        let mut turn = Turn { now, agent, timers, reports, settings };
        if let Some(known) = gateways.get_mut(gateway) {
            turn.service(&mut known.service, to, || Subject::Gateway(known.id.to_string()));
        }
    }
}
