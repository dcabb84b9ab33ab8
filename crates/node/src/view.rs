//! The exchange as programs and pages see it: what is open, joined with what the inventory says of it.

use std::collections::BTreeMap;

use serde::Serialize;
use strowger_exchange::{
    CallPhase, CircuitSignalling, CircuitTrunkEntry, Contact, DialectChoice, Exchange, GatewayEntry,
    GatewayProtocol, Inventory, LineCondition, LineEntry, Snapshot, TrunkEntry,
};

use strowger_megaco::transaction::TransactionCounters as MegacoCounters;
use strowger_mgcp::agent::AgentCounters;
use strowger_mgcp::transaction::TransactionCounters;

use crate::clock::Wall;
use crate::metrics::Registry;

/// An exchange at one moment: what is open, and what its engines have counted.
#[derive(Clone, Debug)]
pub struct Picture {
    /// What is open.
    pub snapshot: Snapshot,
    /// What the MGCP call agent has counted.
    pub agent: AgentCounters,
    /// What its transaction layer has counted.
    pub transactions: TransactionCounters,
    /// What the transaction layer of Megaco has counted, where a gateway speaks it.
    pub megaco: Option<MegacoCounters>,
}

impl Picture {
    /// Looks at an exchange.
    #[must_use]
    pub fn of(exchange: &Exchange) -> Self {
        Self {
            snapshot: exchange.snapshot(),
            agent: *exchange.agent_counters(),
            transactions: *exchange.transaction_counters(),
            megaco: exchange.megaco_counters().cloned(),
        }
    }
}

/// The part of the inventory that views show.
#[derive(Clone, Debug)]
pub struct Directory {
    lines: BTreeMap<String, LineEntry>,
    gateways: BTreeMap<String, GatewayEntry>,
    trunks: BTreeMap<String, TrunkPlace>,
}

/// What the rows of a trunk say that its state does not.
#[derive(Clone, Debug)]
struct TrunkPlace {
    protocol: &'static str,
    address: String,
    group: Option<String>,
}

impl TrunkPlace {
    fn sip(entry: &TrunkEntry) -> Self {
        let address = match &entry.name {
            Some(name) => name.port.map_or_else(|| name.name.clone(), |port| format!("{}:{port}", name.name)),
            None => entry.address.to_string(),
        };
        Self { protocol: "sip", address, group: entry.group.clone() }
    }

    fn circuits(entry: &CircuitTrunkEntry) -> Self {
        let protocol = match entry.signalling {
            CircuitSignalling::Outside => "circuits",
            CircuitSignalling::Mf => "mf",
            CircuitSignalling::Dtmf => "dtmf",
            CircuitSignalling::Nobody => "none",
        };
        let mut gateways: Vec<_> = entry.circuits.iter().map(|circuit| circuit.gateway.as_str()).collect();
        gateways.sort_unstable();
        gateways.dedup();
        Self { protocol, address: gateways.join(" "), group: entry.place.group.clone() }
    }
}

/// A call in progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CallRow {
    /// The call: 32 hexadecimal digits.
    pub call: String,
    /// How far it is.
    pub phase: &'static str,
    /// The caller's number.
    pub calling: String,
    /// The called line's number, once one is tried.
    pub called: Option<String>,
    /// When the caller's line was seized: RFC 3339, UTC.
    pub start: String,
    /// When it was answered.
    pub answer: Option<String>,
    /// How long it has been there, in milliseconds.
    pub age_ms: u64,
    /// The call that its remaining party talks in since a transfer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joined: Option<String>,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LineRow {
    /// Its number.
    pub number: String,
    /// Its name.
    pub name: Option<String>,
    /// The gateway that it hangs on; `sip` where its telephone registers.
    pub gateway: String,
    /// Its endpoint there, or the user that its telephone registers as.
    pub endpoint: String,
    /// Its service state.
    pub service: &'static str,
    /// What it does.
    pub condition: &'static str,
    /// The call that its party has in hand, or is rung for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<String>,
    /// The call on hold; in a three-way call the first of the two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
    /// The call that waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<String>,
    /// Whether the active and the held call are a three-way call.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub three_way: bool,
    /// Where its telephone has registered from, where that is one that registers: nowhere, when this is empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contacts: Option<Vec<ContactRow>>,
}

/// A place that a telephone has registered from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ContactRow {
    /// The URI that requests to it name.
    pub uri: String,
    /// Where they go.
    pub address: String,
    /// How: `udp`, `tcp` or `tls`.
    pub transport: String,
    /// When it ends, unless it is told again: RFC 3339, UTC.
    pub expires: String,
}

/// A gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GatewayRow {
    /// Its id.
    pub id: String,
    /// How it is controlled.
    pub protocol: &'static str,
    /// Where commands go.
    pub address: String,
    /// The domain of its endpoint names.
    pub domain: String,
    /// The dialect that it was configured with.
    pub dialect: &'static str,
    /// Its service state.
    pub service: &'static str,
    /// How many lines hang on it.
    pub lines: usize,
    /// How many endpoints it has, when it has told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<usize>,
    /// Endpoints of lines or relays that it has not got.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// Endpoints that it has, and that are no line's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unlisted: Vec<String>,
    /// How many contexts are in use on a gateway that speaks Megaco.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contexts: Option<usize>,
    /// How many streams are in them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub streams: Option<usize>,
    /// Whether it has too much to do, so that calls are held back.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub overloaded: bool,
}

/// A trunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrunkRow {
    /// Its id.
    pub id: String,
    /// How its peer is spoken to: `sip`, or how its gateway signals on circuits, `mf` or `dtmf`.
    pub protocol: &'static str,
    /// Where calls go: of circuits, the gateways that they end at.
    pub address: String,
    /// The group that it is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Its service state.
    pub service: &'static str,
    /// How many calls it has room for.
    pub channels: u32,
    /// How many it has.
    pub taken: u32,
    /// The registration with its peer, where there is to be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration: Option<RegistrationRow>,
}

/// A registration with the peer of a trunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RegistrationRow {
    /// Whether the peer keeps it.
    pub registered: bool,
    /// Until when, unless it is refreshed before: RFC 3339, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// The status of the peer's last answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

impl Directory {
    /// What views need of `inventory`.
    #[must_use]
    pub fn new(inventory: &Inventory) -> Self {
        let lines = inventory.lines.iter().map(|line| (line.number.clone(), line.clone())).collect();
        let gateways =
            inventory.gateways.iter().map(|gateway| (gateway.id.clone(), gateway.clone())).collect();
        let sip = inventory.trunks.iter().map(|trunk| (trunk.id.clone(), TrunkPlace::sip(trunk)));
        let circuits = inventory.circuit_trunks.iter();
        let circuits = circuits.map(|trunk| (trunk.id.clone(), TrunkPlace::circuits(trunk)));
        Self { lines, gateways, trunks: sip.chain(circuits).collect() }
    }

    /// The calls in progress.
    #[must_use]
    pub fn calls(&self, snapshot: &Snapshot, wall: &Wall) -> Vec<CallRow> {
        let row = |call: &strowger_exchange::CallView| CallRow {
            call: call.call.to_string(),
            phase: phase_name(call.phase),
            calling: call.calling.clone(),
            called: call.called.clone(),
            start: wall.stamp(call.start),
            answer: call.answer.map(|at| wall.stamp(at)),
            age_ms: u64::try_from(wall.now().since(call.start).as_millis()).unwrap_or(u64::MAX),
            joined: call.joined.map(|call| call.to_string()),
        };
        snapshot.calls.iter().map(row).collect()
    }

    /// The lines.
    #[must_use]
    pub fn lines(&self, snapshot: &Snapshot, wall: &Wall) -> Vec<LineRow> {
        let contact = |contact: &Contact| ContactRow {
            uri: contact.uri.clone(),
            address: contact.address.to_string(),
            transport: contact.transport.to_string(),
            expires: wall.stamp(contact.expires),
        };
        let row = |line: &strowger_exchange::LineView| {
            let entry = self.lines.get(&line.number);
            LineRow {
                number: line.number.clone(),
                name: entry.and_then(|entry| entry.name.clone()),
                gateway: entry.map(|entry| entry.gateway().to_owned()).unwrap_or_default(),
                endpoint: entry.map(|entry| entry.endpoint().to_owned()).unwrap_or_default(),
                service: line.service.name(),
                condition: condition_name(line.condition),
                active: line.calls.active.map(|call| call.to_string()),
                held: line.calls.held.map(|call| call.to_string()),
                waiting: line.calls.waiting.map(|call| call.to_string()),
                three_way: line.calls.mixed,
                contacts: line.contacts.as_ref().map(|contacts| contacts.iter().map(contact).collect()),
            }
        };
        snapshot.lines.iter().map(row).collect()
    }

    /// The gateways.
    #[must_use]
    pub fn gateways(&self, snapshot: &Snapshot) -> Vec<GatewayRow> {
        let row = |gateway: &strowger_exchange::GatewayView| {
            let entry = self.gateways.get(&gateway.id)?;
            let endpoints = gateway.endpoints.as_ref();
            Some(GatewayRow {
                id: gateway.id.clone(),
                protocol: match entry.protocol {
                    GatewayProtocol::Mgcp => "mgcp",
                    GatewayProtocol::Megaco => "megaco",
                },
                address: entry.host.clone().unwrap_or_else(|| entry.address.to_string()),
                domain: entry.domain.clone(),
                dialect: dialect_name(entry.dialect),
                service: gateway.service.name(),
                lines: self.lines.values().filter(|line| line.gateway() == gateway.id).count(),
                endpoints: endpoints.map(|endpoints| endpoints.listed),
                missing: endpoints.map(|endpoints| endpoints.missing.clone()).unwrap_or_default(),
                unlisted: endpoints.map(|endpoints| endpoints.unlisted.clone()).unwrap_or_default(),
                contexts: gateway.megaco.map(|megaco| megaco.contexts),
                streams: gateway.megaco.map(|megaco| megaco.streams),
                overloaded: gateway.megaco.is_some_and(|megaco| megaco.is_overloaded),
            })
        };
        snapshot.gateways.iter().filter_map(row).collect()
    }

    /// The trunks.
    #[must_use]
    pub fn trunks(&self, snapshot: &Snapshot, wall: &Wall) -> Vec<TrunkRow> {
        let row = |trunk: &strowger_exchange::TrunkView| {
            let entry = self.trunks.get(&trunk.id)?;
            Some(TrunkRow {
                id: trunk.id.clone(),
                protocol: entry.protocol,
                address: entry.address.clone(),
                group: entry.group.clone(),
                service: trunk.service.name(),
                channels: trunk.channels,
                taken: trunk.taken,
                registration: trunk.registration.map(|registration| RegistrationRow {
                    registered: registration.until.is_some(),
                    until: registration.until.map(|at| wall.stamp(at)),
                    status: registration.status,
                }),
            })
        };
        snapshot.trunks.iter().filter_map(row).collect()
    }
}

/// Sets the numbers that a look at the exchange knows.
pub fn measure(picture: &Picture, metrics: &Registry) {
    measure_snapshot(&picture.snapshot, metrics);
    for (what, total) in agent_counts(&picture.agent) {
        let help = "What the MGCP call agent has counted.";
        metrics.counter("strowger_mgcp_agent_total", help, &[("what", what)]).raise_to(total);
    }
    for (what, total) in transaction_counts(&picture.transactions) {
        let help = "What the MGCP transaction layer has counted.";
        metrics.counter("strowger_mgcp_transactions_total", help, &[("what", what)]).raise_to(total);
    }
    for (what, total) in picture.megaco.iter().flat_map(megaco_counts) {
        let help = "What the Megaco transaction layer has counted.";
        metrics.counter("strowger_megaco_transactions_total", help, &[("what", what)]).raise_to(total);
    }
}

fn measure_snapshot(snapshot: &Snapshot, metrics: &Registry) {
    let gauge = |name, help, labels: &[(&'static str, &str)], count: usize| {
        metrics.gauge(name, help, labels).set(count as f64);
    };
    for phase in PHASES {
        let count = snapshot.calls.iter().filter(|call| call.phase == phase).count();
        gauge("strowger_calls", "Calls in progress, by phase.", &[("phase", phase_name(phase))], count);
    }
    for state in STATES {
        let count = snapshot.lines.iter().filter(|line| line.service == state).count();
        gauge("strowger_lines", "Lines, by service state.", &[("state", state.name())], count);
        let count = snapshot.gateways.iter().filter(|gateway| gateway.service == state).count();
        gauge("strowger_gateways", "Gateways, by service state.", &[("state", state.name())], count);
        let count = snapshot.trunks.iter().filter(|trunk| trunk.service == state).count();
        gauge("strowger_trunks", "Trunks, by service state.", &[("state", state.name())], count);
    }
    for trunk in &snapshot.trunks {
        let help = "Channels of a trunk that calls have taken.";
        gauge("strowger_trunk_channels_taken", help, &[("trunk", trunk.id.as_str())], count_of(trunk.taken));
        if let Some(registration) = trunk.registration {
            let help = "Whether the exchange is registered with the peer of a trunk.";
            let count = usize::from(registration.until.is_some());
            gauge("strowger_trunk_registered", help, &[("trunk", trunk.id.as_str())], count);
        }
    }
    let telephones = || snapshot.lines.iter().filter_map(|line| line.contacts.as_ref());
    for (state, registered) in [("registered", true), ("unregistered", false)] {
        let count = telephones().filter(|contacts| contacts.is_empty() != registered).count();
        gauge(
            "strowger_telephones",
            "Telephones, by whether they are registered.",
            &[("state", state)],
            count,
        );
    }
    let contacts = telephones().map(Vec::len).sum();
    gauge("strowger_contacts", "Places that telephones have registered from.", &[], contacts);
    let missing = snapshot.gateways.iter().filter_map(|gateway| gateway.endpoints.as_ref());
    let missing = missing.map(|endpoints| endpoints.missing.len()).sum();
    gauge("strowger_missing_endpoints", "Endpoints that gateways should have and have not.", &[], missing);
    gauge("strowger_legs", "Legs that have not been cleared.", &[], snapshot.legs);
    gauge("strowger_connections", "Connections known on gateways.", &[], snapshot.connections.len());
    gauge("strowger_transactions", "Commands without an answer yet.", &[], snapshot.transactions);
}

fn count_of(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// The fields of a counter struct with their names.
macro_rules! counts {
    ($counters:ident: $($field:ident)+) => { [$((stringify!($field), $counters.$field)),+] };
}

fn agent_counts(counters: &AgentCounters) -> impl IntoIterator<Item = (&'static str, u64)> {
    counts!(counters: datagrams unlisted malformed foreign_domain refused notifications stale_notifications
        empty_notifications restarts deletions completed failed throttled given_again probes gateways_up gateways_lost orphans_deleted
        provisional_mismatches)
}

fn transaction_counts(counters: &TransactionCounters) -> impl IntoIterator<Item = (&'static str, u64)> {
    counts!(counters: executed replayed in_progress confirmed_duplicates refused execution_timeouts
        malformed_answered malformed_dropped unlisted wrong_peer stray_responses requests retransmissions completed
        provisionals timed_out aborted final_retransmissions confirmations)
}

fn megaco_counts(counters: &MegacoCounters) -> impl IntoIterator<Item = (&'static str, u64)> + use<> {
    counts!(counters: unlisted wrong_mid unauthentic malformed_answered malformed_dropped wrong_version executed replayed in_progress
        confirmed_duplicates refused pendings aborted requested retransmissions answered stray failed segmented segments_repeated
        replies_repeated too_long messages transactions)
}

const PHASES: [CallPhase; 7] = [
    CallPhase::Dialling,
    CallPhase::Routing,
    CallPhase::Offering,
    CallPhase::Ringing,
    CallPhase::Answered,
    CallPhase::Talking,
    CallPhase::Clearing,
];

const STATES: [strowger_exchange::ServiceState; 5] = {
    use strowger_exchange::ServiceState as State;
    [State::Unknown, State::InService, State::OutOfService, State::Lockout, State::Unreachable]
};

fn phase_name(phase: CallPhase) -> &'static str {
    match phase {
        CallPhase::Dialling => "dialling",
        CallPhase::Routing => "routing",
        CallPhase::Offering => "offering",
        CallPhase::Ringing => "ringing",
        CallPhase::Answered => "answered",
        CallPhase::Talking => "talking",
        CallPhase::Clearing => "clearing",
    }
}

fn condition_name(condition: LineCondition) -> &'static str {
    match condition {
        LineCondition::Idle => "idle",
        LineCondition::InCall => "in-call",
        LineCondition::OffHook => "off-hook",
    }
}

fn dialect_name(dialect: DialectChoice) -> &'static str {
    match dialect {
        DialectChoice::Auto => "auto",
        DialectChoice::Rfc3435 => "rfc3435",
        DialectChoice::Rfc2705 => "rfc2705",
        DialectChoice::Ncs => "ncs",
        DialectChoice::Tgcp => "tgcp",
        DialectChoice::Mgcp01 => "mgcp-0.1",
        DialectChoice::Osmo => "osmo",
    }
}
