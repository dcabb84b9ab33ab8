//! What happens in the exchange, as structured log lines and counts.
//!
//! Texts that came from a peer are logged in their escaped form, so that nobody can write a line or drive a
//! terminal from outside. What a stranger can cause at will is rate-limited, with the number of what was left out.

use std::time::{Duration, Instant};

use strowger_capture::escape;
use strowger_exchange::{Cause, Event, Record};

use crate::metrics::{Counter, Registry};

/// How many names of a list are logged.
const SHOWN: usize = 8;

/// At most one line a second, counting those between.
#[derive(Debug, Default)]
pub struct Throttle {
    last: Option<Instant>,
    suppressed: u64,
}

impl Throttle {
    /// Whether to log now: then the number of lines that were left out since the last one.
    pub fn admit(&mut self) -> Option<u64> {
        self.admit_at(Instant::now())
    }

    fn admit_at(&mut self, now: Instant) -> Option<u64> {
        if self.last.is_some_and(|last| now.saturating_duration_since(last) < Duration::from_secs(1)) {
            self.suppressed += 1;
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.suppressed))
    }
}

/// The log of an exchange.
#[derive(Debug)]
pub struct EventLog {
    metrics: Registry,
    started: Counter,
    answered: Counter,
    unlisted_endpoints: Counter,
    refused_descriptions: Counter,
    stray: Counter,
    strangers: Throttle,
    unknown_endpoints: Throttle,
}

impl EventLog {
    /// A log that counts into `metrics`.
    #[must_use]
    pub fn new(metrics: &Registry) -> Self {
        let count = |name, help| metrics.counter(name, help, &[]);
        Self {
            started: count("strowger_calls_started_total", "Lines seized by a caller."),
            answered: count("strowger_calls_answered_total", "Calls answered."),
            unlisted_endpoints: count(
                "strowger_unlisted_endpoint_total",
                "Messages for endpoints that are not in the inventory.",
            ),
            refused_descriptions: count(
                "strowger_descriptions_refused_total",
                "Session descriptions that were not accepted.",
            ),
            stray: count("strowger_stray_connections_total", "Connections of no call, found and deleted."),
            metrics: metrics.clone(),
            strangers: Throttle::default(),
            unknown_endpoints: Throttle::default(),
        }
    }

    /// Logs and counts an event.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::CallStarted { call, calling } => {
                self.started.increment();
                tracing::info!(%call, calling = ?escape(calling), "seized");
            }
            Event::Dialled { call, digits } => tracing::info!(%call, digits = ?escape(digits), "dialled"),
            Event::Routed { call, called } => tracing::info!(%call, called = ?escape(called), "routed"),
            Event::Diverted { call, by, reason, to } => {
                tracing::info!(%call, by = ?escape(by), reason = reason.name(), to = ?escape(to), "diverted");
            }
            Event::Alerting { call } => tracing::info!(%call, "alerting"),
            Event::Answered { call } => {
                self.answered.increment();
                tracing::info!(%call, "answered");
            }
            Event::Restored { call, calling, called } => {
                tracing::info!(%call, calling, called, "taken over from the records");
            }
            Event::Connected { call } => tracing::info!(%call, "connected"),
            Event::Ended { call, cause, released_by } => {
                self.ended(*cause);
                tracing::info!(%call, %cause, released_by = released_by.name(), "ended");
            }
            _ => self.in_call(event),
        }
    }

    /// What parties do in the middle of their calls.
    fn in_call(&mut self, event: &Event) {
        match event {
            Event::Held { call, by } => tracing::info!(%call, by = ?escape(by), "held"),
            Event::Retrieved { call, by } => tracing::info!(%call, by = ?escape(by), "retrieved"),
            Event::ThreeWay { call, with, by } => {
                tracing::info!(%call, %with, by = ?escape(by), "three-way call");
            }
            Event::Transferred { call, with, by } => {
                tracing::info!(%call, %with, by = ?escape(by), "transferred");
            }
            Event::TransferFailed { call, from, by } => {
                tracing::info!(%call, %from, by = ?escape(by), "a transfer was in vain");
            }
            Event::DialectDetected { gateway, dialect } => {
                tracing::info!(gateway, dialect, "a gateway has shown its dialect");
            }
            _ => self.trouble(event),
        }
    }

    fn ended(&self, cause: Cause) {
        let cause = cause.value().to_string();
        self.metrics
            .counter(
                "strowger_calls_ended_total",
                "Calls ended, by cause value of Q.850.",
                &[("cause", &cause)],
            )
            .increment();
    }

    fn trouble(&mut self, event: &Event) {
        match event {
            Event::OrderRefused { gateway, endpoint, order, code } => {
                self.metrics
                    .counter(
                        "strowger_orders_refused_total",
                        "Orders that a gateway refused and should have been able to follow.",
                        &[("gateway", gateway)],
                    )
                    .increment();
                tracing::error!(?gateway, endpoint = ?escape(endpoint), order, code, "a gateway refused an order");
            }
            Event::GatewayOverloaded { gateway } => {
                self.metrics
                    .counter(
                        "strowger_gateway_overloads_total",
                        "How often a gateway began to complain that it has too much to do.",
                        &[("gateway", gateway)],
                    )
                    .increment();
                tracing::warn!(?gateway, "a gateway has too much to do: calls are held back");
            }
            Event::DescriptionRefused { gateway, endpoint, reason } => {
                self.refused_descriptions.increment();
                tracing::warn!(?gateway, endpoint = ?escape(endpoint), reason = ?escape(reason), "a session description was refused");
            }
            Event::CircuitTested { trunk, circuit, result } if result.passed() => {
                tracing::info!(?trunk, circuit = circuit.0, "a circuit has passed its test of continuity");
            }
            Event::CircuitTested { trunk, circuit, result } => {
                let why = result.to_string();
                tracing::warn!(
                    ?trunk,
                    circuit = circuit.0,
                    ?why,
                    "a circuit has failed its test of continuity"
                );
            }
            Event::UnlistedEndpoint { gateway, endpoint } => {
                self.unlisted_endpoints.increment();
                if let Some(suppressed) = self.unknown_endpoints.admit() {
                    tracing::warn!(?gateway, endpoint = ?escape(endpoint), suppressed, "an endpoint is not in the inventory");
                }
            }
            Event::UnlistedSource { from } => {
                // The exchange tells of a few a second; how many there were is in its counters.
                if self.strangers.admit().is_some() {
                    tracing::warn!(%from, "a source is not in the inventory; not answered");
                }
            }
            Event::FarewellUnheard { trunk } => {
                let trunk = escape(trunk);
                tracing::warn!(
                    ?trunk,
                    "a peer does not say that it has forgotten the exchange: the stop does not wait for it"
                );
            }
            // What came of it is logged by the one who looks it up.
            Event::MalformedSip { trunk, error } => {
                tracing::warn!(trunk = ?escape(trunk), error = ?escape(error), "a peer sent what is no SIP");
            }
            Event::Resolve { .. } => {}
            Event::EndpointsListed { gateway, endpoints } => {
                let (listed, unlisted) = (endpoints.listed, endpoints.unlisted.len());
                if endpoints.missing.is_empty() {
                    tracing::info!(?gateway, listed, unlisted, "a gateway has told its endpoints");
                } else {
                    let shown = endpoints.missing.iter().take(SHOWN).map(|name| escape(name).to_string());
                    let missing = shown.collect::<Vec<_>>().join(" ");
                    tracing::warn!(
                        ?gateway,
                        listed,
                        unlisted,
                        ?missing,
                        "a gateway has not got all its lines"
                    );
                }
            }
            Event::StrayConnections { gateway, endpoint } => {
                self.stray.increment();
                tracing::info!(?gateway, endpoint = ?escape(endpoint), "connections of no call were deleted");
            }
            other => tracing::info!(event = ?escape(&format!("{other:?}")), "event"),
        }
    }

    /// Logs what a record says that no event does.
    pub fn record(&mut self, record: &Record) {
        match record {
            Record::Service(change) => {
                let (subject, from, to) = (&change.subject, change.from.name(), change.to.name());
                tracing::info!(subject = ?subject.to_string(), from, to, "service state");
            }
            Record::Setting(change) => {
                let (name, value) = (change.setting.name(), change.setting.value());
                tracing::info!(line = ?change.line, name, value, by = change.by.name(), "set");
            }
            // Whether it is there at all is said by its service state.
            Record::Registration(registration) => {
                let (line, contacts) = (&registration.line, registration.contacts.len());
                let at = registration.contacts.first().map(|contact| contact.address.to_string());
                tracing::debug!(?line, contacts, at, "registered");
            }
            Record::Subscriptions(kept) => {
                let (line, subscriptions) = (&kept.line, kept.all.len());
                tracing::debug!(?line, subscriptions, "subscribed");
            }
            Record::CallStable(_) | Record::CallChanged(_) | Record::CallEnded(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_one_line_a_second_with_its_count() {
        let mut throttle = Throttle::default();
        let start = Instant::now();
        assert_eq!(throttle.admit_at(start), Some(0));
        for _ in 0..1000 {
            assert_eq!(throttle.admit_at(start + Duration::from_millis(999)), None);
        }
        assert_eq!(throttle.admit_at(start + Duration::from_secs(1)), Some(1000));
    }

    #[test]
    fn calls_are_counted_by_their_end() {
        let metrics = Registry::new();
        let mut log = EventLog::new(&metrics);
        let call = strowger_exchange::CallId(1);
        for cause in [Cause::NORMAL_CLEARING, Cause::USER_BUSY, Cause::NORMAL_CLEARING] {
            let released_by = strowger_exchange::ReleasedBy::Calling;
            log.event(&Event::Ended { call, cause, released_by });
        }
        let text = metrics.render();
        assert!(text.contains("strowger_calls_ended_total{cause=\"16\"} 2\n"), "{text}");
    }
}
