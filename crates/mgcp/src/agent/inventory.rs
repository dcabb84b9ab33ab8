//! The gateways of the inventory with what the agent remembers of each: endpoints that have operations or a current
//! notification request, commands under way, and signs of life.

use std::collections::{BTreeMap, VecDeque};

use strowger_sansio::{Duration, Time};

use super::config::GatewayConfig;
use super::operation::OperationId;
use crate::message::{EndpointName, EndpointNameBuf, RequestIdBuf};
use crate::transaction::PeerId;

/// Whether a gateway can be commanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GatewayState {
    /// It has not spoken since the agent knows it.
    Unknown,
    /// It answers.
    Up,
    /// It does not answer.
    Lost,
}

#[derive(Clone, Debug)]
pub(super) struct Gateway {
    pub(super) config: GatewayConfig,
    pub(super) peer: PeerId,
    pub(super) probe_endpoint: EndpointNameBuf,
    pub(super) state: GatewayState,
    pub(super) last_heard: Option<Time>,
    pub(super) endpoints: BTreeMap<EndpointNameBuf, Endpoint>,
    /// Those of the endpoints whose names have wildcards and a current request.
    wildcards: Vec<EndpointNameBuf>,
    /// Commands without an answer, audits for a sign of life not counted.
    pub(super) outstanding: usize,
    /// The pause that it gets next when it says that it is busy.
    pub(super) pause: Duration,
    /// It is given a pause now.
    pub(super) resting: bool,
    /// It stands in the line of those that wait for others to answer.
    pub(super) queued: bool,
    /// Operations that may be sent as soon as the gateway, or others, have answered.
    pub(super) held: VecDeque<OperationId>,
    /// Deletions over several endpoints that are not complete.
    pub(super) sweeps: Vec<OperationId>,
    pub(super) probe: Option<OperationId>,
}

/// An endpoint that something is known about. Names with wildcards have their own entry: what was asked of `aaln/*` is kept there.
#[derive(Clone, Debug, Default)]
pub(super) struct Endpoint {
    /// Operations that are not complete, in the order in which they were asked for.
    pub(super) order: Vec<OperationId>,
    /// The notification request that the gateway carried out last.
    pub(super) current: Option<RequestIdBuf>,
}

impl Gateway {
    pub(super) fn new(
        config: GatewayConfig,
        peer: PeerId,
        probe_endpoint: EndpointNameBuf,
        pause: Duration,
    ) -> Self {
        Self {
            config,
            peer,
            probe_endpoint,
            state: GatewayState::Unknown,
            last_heard: None,
            endpoints: BTreeMap::new(),
            wildcards: Vec::new(),
            outstanding: 0,
            pause,
            resting: false,
            queued: false,
            held: VecDeque::new(),
            sweeps: Vec::new(),
            probe: None,
        }
    }

    /// Whether an endpoint is in the gateway's own domain: the only ones that it may speak for or be commanded for.
    pub(super) fn owns(&self, endpoint: EndpointName<'_>) -> bool {
        let bare = |domain: &str| domain.trim_end_matches('.').len();
        let (mine, theirs) = (self.config.domain.as_str(), endpoint.domain());
        bare(mine) == bare(theirs)
            && mine.as_bytes()[..bare(mine)].eq_ignore_ascii_case(&theirs.as_bytes()[..bare(theirs)])
    }

    /// The names of known endpoints that a pattern stands for.
    pub(super) fn covered(&self, pattern: EndpointName<'_>) -> Vec<EndpointNameBuf> {
        if !pattern.is_wildcarded() {
            let exact = pattern.to_buf();
            return self.endpoints.contains_key(&exact).then_some(exact).into_iter().collect();
        }
        self.endpoints.keys().filter(|name| pattern.covers(name.as_name())).cloned().collect()
    }

    /// Whether nothing is known of any endpoint but those that a pattern stands for.
    pub(super) fn has_none_beside(&self, pattern: EndpointName<'_>) -> bool {
        self.endpoints.keys().all(|name| pattern.covers(name.as_name()))
    }

    /// The notification request that is current for an endpoint: its own, or else one of a wildcard that covers it.
    pub(super) fn current_request(&self, endpoint: &EndpointNameBuf) -> Option<&RequestIdBuf> {
        if let Some(own) = self.endpoints.get(endpoint).and_then(|known| known.current.as_ref()) {
            return Some(own);
        }
        let wild = self.wildcards.iter().find(|known| known.as_name().covers(endpoint.as_name()));
        self.endpoints.get(wild?)?.current.as_ref()
    }

    /// Makes a notification request the current one of an endpoint. One of all endpoints replaces those of the single ones.
    pub(super) fn set_current(&mut self, endpoint: &EndpointNameBuf, request: RequestIdBuf) {
        if endpoint.as_name().is_wildcarded() {
            for name in self.covered(endpoint.as_name()) {
                self.forget_current(&name);
            }
            self.wildcards.push(endpoint.clone());
        }
        self.endpoints.entry(endpoint.clone()).or_default().current = Some(request);
    }

    /// An endpoint has no request any more.
    pub(super) fn forget_current(&mut self, endpoint: &EndpointNameBuf) {
        self.wildcards.retain(|known| known != endpoint);
        if let Some(known) = self.endpoints.get_mut(endpoint) {
            known.current = None;
        }
        self.tidy(endpoint);
    }

    /// Drops an endpoint about which nothing is known any more.
    pub(super) fn tidy(&mut self, endpoint: &EndpointNameBuf) {
        let idle = |known: &Endpoint| known.order.is_empty() && known.current.is_none();
        if self.endpoints.get(endpoint).is_some_and(idle) {
            self.endpoints.remove(endpoint);
        }
    }
}
