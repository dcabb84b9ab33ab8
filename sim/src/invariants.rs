//! What must hold in every town, at every step.
//!
//! - A gateway's role, its media plane and its port pool agree on what is open.
//! - A transaction is executed at most once: all final responses to it are the same bytes.
//! - Every call that began ends with exactly one record, and a call that was answered has exactly one record of that before.
//! - A call that flows lets its parties hear each other.
//! - When nothing is under way, the exchange and its gateways know of the same connections.
//! - At rest every line and gateway is in service and idle, and gives dial tone when its handset is lifted.
//! - At rest nothing is left: no call, leg, connection, port or transaction, on either side.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use strowger_exchange::{CallId, Event, LineCondition, Record, ServiceState};
use strowger_megaco::message::{Body, Transaction};
use strowger_megaco::transaction::Coding;
use strowger_mgcp::limits::Limits;
use strowger_mgcp::message::Message;
use strowger_mgcp::text;
use strowger_sansio::Time;

use crate::network::Packet;
use crate::town::coding;

/// Something that must not be, and when it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// When.
    pub at: Time,
    /// What.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}: {}", self.at, self.what)
    }
}

/// The checks of a run.
#[derive(Debug)]
pub struct Invariants {
    violations: Vec<Violation>,
    /// How Megaco is read.
    coding: Coding,
    begun: BTreeSet<CallId>,
    stable: BTreeSet<CallId>,
    ended: BTreeSet<CallId>,
    /// The final response to each transaction, by who gave it, who asked, the identifier, and the segment where there are several.
    responses: BTreeMap<(IpAddr, IpAddr, u32, u16), String>,
}

impl Default for Invariants {
    fn default() -> Self {
        Self {
            violations: Vec::new(),
            coding: coding(),
            begun: BTreeSet::new(),
            stable: BTreeSet::new(),
            ended: BTreeSet::new(),
            responses: BTreeMap::new(),
        }
    }
}

impl Invariants {
    /// Whether all held until now.
    #[must_use]
    pub fn hold(&self) -> bool {
        self.violations.is_empty()
    }

    /// What did not.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// Calls that were begun.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.begun.len()
    }

    /// Calls that were answered.
    #[must_use]
    pub fn answered(&self) -> usize {
        self.stable.len()
    }

    /// One has restarted: it does not remember what it answered, and need not.
    pub fn forget(&mut self, restarted: IpAddr) {
        self.responses.retain(|(from, ..), _| *from != restarted);
    }

    /// The exchange has restarted: the calls in progress are nobody's any more, but for those that were taken over.
    pub fn forget_calls(&mut self, restored: &BTreeSet<CallId>) {
        self.ended.extend(self.begun.difference(restored));
    }

    /// Something does not hold.
    pub fn broken(&mut self, at: Time, what: String) {
        self.violations.push(Violation { at, what });
    }

    /// Checks a gateway.
    pub fn gateway(&mut self, now: Time, place: usize, held: &strowger_softgateway::Snapshot) {
        if held.connections != held.streams || held.streams != held.ports {
            self.broken(now, format!("gateway {place} disagrees with itself: {held:?}"));
        }
    }

    /// Checks a signalling datagram that is sent.
    pub fn datagram(&mut self, now: Time, packet: &Packet) {
        for message in text::datagram(&packet.payload, &Limits::DEFAULT) {
            match message {
                Err(error) => {
                    let text = packet.payload.escape_ascii();
                    self.broken(now, format!("{} sends what is no MGCP: {error:?}: {text}", packet.from));
                }
                Ok(Message::Command(_)) => {}
                Ok(Message::Response(response)) if (200..1000).contains(&response.code.get()) => {
                    let key = (packet.from.ip(), packet.to.ip(), response.transaction_id.get(), 0);
                    let mut bytes = Vec::new();
                    text::encode(&Message::Response(response), &mut bytes);
                    self.responded(now, key, bytes.escape_ascii().to_string());
                }
                Ok(Message::Response(_)) => {}
            }
        }
    }

    /// Checks a message of Megaco that is sent.
    pub fn message(&mut self, now: Time, from: IpAddr, to: IpAddr, octets: &[u8]) {
        let coding = self.coding.clone();
        let message = match coding.decode(octets) {
            Ok(message) => message,
            Err(error) => {
                let text = octets.escape_ascii();
                return self.broken(now, format!("{from} sends what is no Megaco: {error}: {text}"));
            }
        };
        match message.body {
            Body::Error(error) => self.broken(now, format!("{from} cannot read what {to} sends: {error:?}")),
            Body::Transactions(transactions) => {
                for transaction in transactions {
                    let Transaction::Reply(reply) = transaction else { continue };
                    let segment = reply.segment.map_or(0, |segment| segment.number);
                    let key = (from, to, reply.id.get(), segment);
                    self.responded(now, key, format!("{:?}", reply.result));
                }
            }
        }
    }

    fn responded(&mut self, now: Time, key: (IpAddr, IpAddr, u32, u16), response: String) {
        match self.responses.get(&key) {
            Some(first) if *first != response => {
                let text = format!("{} was executed twice by {}: {first} then {response}", key.2, key.0);
                self.broken(now, text);
            }
            Some(_) => {}
            None => {
                self.responses.insert(key, response);
            }
        }
    }

    /// Takes a record of the exchange.
    pub fn record(&mut self, now: Time, record: &Record) {
        match record {
            Record::CallStable(stable) => {
                if self.ended.contains(&stable.call) || !self.stable.insert(stable.call) {
                    self.broken(now, format!("call {} became stable again", stable.call));
                }
            }
            Record::CallChanged(changed) => {
                if self.ended.contains(&changed.call) || !self.stable.contains(&changed.call) {
                    self.broken(now, format!("call {} changed when it did not stand", changed.call));
                }
            }
            Record::CallEnded(ended) => {
                if !self.ended.insert(ended.call) {
                    self.broken(now, format!("call {} ended twice", ended.call));
                }
                if ended.answer.is_some() != self.stable.contains(&ended.call) {
                    self.broken(now, format!("call {} was answered in one record only", ended.call));
                }
                let order = [Some(ended.start), ended.alerting, ended.answer, Some(ended.end)];
                if !order.into_iter().flatten().is_sorted() {
                    self.broken(now, format!("the times of call {} are out of order: {order:?}", ended.call));
                }
            }
            Record::Service(_) | Record::Setting(_) | Record::Registration(_) | Record::Subscriptions(_) => {}
        }
    }

    /// Takes an event of the exchange. `excused` names the gateways that were in trouble a moment ago: they may not know a
    /// connection that they have lost, or may have lost the exchange's knowledge of them.
    pub fn event(&mut self, now: Time, event: &Event, excused: &[&str]) {
        match event {
            Event::CallStarted { call, .. } => {
                self.begun.insert(*call);
            }
            Event::OrderRefused { gateway, code: 515 | 516, .. } if excused.contains(&gateway.as_str()) => {}
            Event::OrderRefused { gateway, endpoint, order, code } => {
                self.broken(now, format!("{gateway} {endpoint} refused {order} with {code}"));
            }
            Event::DescriptionRefused { gateway, reason, .. } => {
                self.broken(now, format!("the description of {gateway} was refused: {reason}"));
            }
            Event::UnlistedSource { from } => self.broken(now, format!("{from} is a stranger here")),
            _ => {}
        }
    }

    /// Checks the town when it is, or should be, at rest.
    pub fn at_rest(
        &mut self,
        now: Time,
        exchange: &strowger_exchange::Snapshot,
        gateways: impl Iterator<Item = strowger_softgateway::Snapshot>,
    ) {
        if !exchange.is_idle() {
            self.broken(
                now,
                format!(
                    "the exchange does not come to rest: {} calls {:?}, {} legs, {} connections {:?}, {} in transition, {} transactions",
                    exchange.calls.len(),
                    exchange.calls,
                    exchange.legs,
                    exchange.connections.len(),
                    exchange.connections,
                    exchange.connections_in_transition,
                    exchange.transactions
                ),
            );
        }
        for line in &exchange.lines {
            if line.condition != LineCondition::Idle || line.service != ServiceState::InService {
                self.broken(now, format!("a line does not come back: {line:?}"));
            }
        }
        for gateway in exchange.gateways.iter().filter(|one| one.service != ServiceState::InService) {
            self.broken(now, format!("a gateway does not come back: {gateway:?}"));
        }
        for (place, held) in gateways.enumerate() {
            if held.connections + held.streams + held.ports > 0 {
                self.broken(now, format!("gateway {place} keeps {held:?}"));
            }
        }
        let unended: Vec<_> = self.begun.difference(&self.ended).map(ToString::to_string).collect();
        if !unended.is_empty() {
            self.broken(now, format!("calls without a record of their end: {}", unended.join(", ")));
        }
    }
}
