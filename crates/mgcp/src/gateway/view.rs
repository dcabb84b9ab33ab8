//! What a host, a test or a simulator may know about the state of a gateway.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use super::Gateway;
use super::endpoint::Association;
use super::machine::Phase;
use super::media::{ConnectionHandle, EndpointIndex, MediaMode};

/// An endpoint, as seen from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointView {
    /// Its place.
    pub index: EndpointIndex,
    /// Its local name.
    pub name: String,
    /// X of the request in force; `0` before the first.
    pub request: String,
    /// Whether a notification is unanswered (RFC 3435 section 4.4.1).
    pub notifying: bool,
    /// Whether it takes commands.
    pub in_service: bool,
    /// Whether its call agent knows about it.
    pub associated: bool,
    /// The signals in force, as an audit shows them.
    pub signals: String,
    /// Its connections.
    pub connections: Vec<ConnectionView>,
}

/// A connection, as seen from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionView {
    /// Its name towards the plane.
    pub handle: ConnectionHandle,
    /// Its name towards the call agent.
    pub id: String,
    /// Its call.
    pub call: String,
    /// Its mode.
    pub mode: MediaMode,
    /// Where it receives.
    pub local: SocketAddr,
    /// Where it sends.
    pub remote: Option<SocketAddr>,
}

/// The whole state, for comparison: two are equal when nothing has changed in between.
///
/// Counters, random numbers and the memory of the transaction layer are left out: a refused command changes them.
#[derive(Clone, PartialEq, Eq)]
pub struct GatewaySnapshot(String);

impl std::fmt::Debug for GatewaySnapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Gateway {
    /// The endpoints.
    pub fn endpoints(&self) -> impl Iterator<Item = EndpointView> {
        self.endpoints.iter().map(|endpoint| EndpointView {
            index: endpoint.index,
            name: self.directory.name(endpoint.index).to_owned(),
            request: endpoint.machine.request.as_str().to_owned(),
            notifying: endpoint.machine.phase == Phase::Notification,
            in_service: endpoint.service.is_in(),
            associated: endpoint.association == Association::Known,
            signals: endpoint.machine.signals.audit(),
            connections: endpoint
                .connections
                .iter()
                .map(|connection| ConnectionView {
                    handle: connection.handle,
                    id: connection.id.as_str().to_owned(),
                    call: connection.call.as_str().to_owned(),
                    mode: connection.spec.mode,
                    local: connection.local,
                    remote: connection.spec.remote,
                })
                .collect(),
        })
    }

    /// Whether an endpoint has been told what to watch for since it came into service.
    #[must_use]
    pub fn is_watching(&self, index: EndpointIndex) -> bool {
        self.endpoint(index).is_some_and(|endpoint| !endpoint.machine.request.is_zero())
    }

    /// The endpoint of a local name.
    #[must_use]
    pub fn find_endpoint(&self, local: &str) -> Option<EndpointIndex> {
        self.directory.find(local)
    }

    /// The endpoints that a local name means, which may have `*` or a range.
    #[must_use]
    pub fn endpoints_named(&self, local: &str) -> BTreeSet<EndpointIndex> {
        match self.directory.find(local) {
            Some(index) => BTreeSet::from([index]),
            None => self.directory.all(local).into_iter().collect(),
        }
    }

    /// How many connections are open, unfinished ones included.
    #[must_use]
    pub fn connections(&self) -> usize {
        let made: usize = self.endpoints.iter().map(|endpoint| endpoint.connections.len()).sum();
        made + self.unfinished_connections()
    }

    /// How many of its commands have no final answer: a host that shuts down waits until it is zero.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.transactions.outstanding()
    }

    /// The whole state, for comparison.
    #[must_use]
    pub fn snapshot(&self) -> GatewaySnapshot {
        GatewaySnapshot(format!(
            "{:#?}\n{:#?}\n{:#?}\n{:#?}\n{:#?}\n{:#?}\n{}",
            self.endpoints,
            self.directory,
            self.procedures,
            self.pending,
            self.timers,
            self.outbox,
            self.next_handle
        ))
    }
}
