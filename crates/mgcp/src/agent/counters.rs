//! Counters of the agent role, for metrics.

/// What the agent has seen and done since it started, besides its transactions. Counters only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AgentCounters {
    /// Datagrams from listed gateways.
    pub datagrams: u64,
    /// Datagrams from addresses that belong to no gateway: dropped unread, unanswered.
    pub unlisted: u64,
    /// Messages that could not be decoded.
    pub malformed: u64,
    /// Commands refused since they name an endpoint outside the gateway's domain.
    pub foreign_domain: u64,
    /// Commands refused for any other reason.
    pub refused: u64,
    /// Notifications passed on.
    pub notifications: u64,
    /// Notifications of a request that is no longer current: answered, not passed on.
    pub stale_notifications: u64,
    /// Notifications without events, which some gateways send as a sign of life.
    pub empty_notifications: u64,
    /// RSIP commands carried out.
    pub restarts: u64,
    /// Connections deleted by gateways.
    pub deletions: u64,
    /// Operations that ended with a 2xx.
    pub completed: u64,
    /// Operations that ended otherwise.
    pub failed: u64,
    /// Answers by which gateways said that they are overloaded or restarting (405, 409).
    pub throttled: u64,
    /// Commands that were given again after that.
    pub given_again: u64,
    /// AUEPs sent for a sign of life.
    pub probes: u64,
    /// Gateways that came up.
    pub gateways_up: u64,
    /// Gateways that were lost.
    pub gateways_lost: u64,
    /// Connections deleted by the agent on its own, as nobody waits for them any more.
    pub orphans_deleted: u64,
    /// Final responses that contradict the provisional one before (RFC 3435 section 3.5.6).
    pub provisional_mismatches: u64,
}
