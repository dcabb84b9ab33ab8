//! What the gateway has done, for metrics. Counters only grow.

/// Counters of a gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GatewayCounters {
    /// Datagrams from sources that are not configured: not answered.
    pub unlisted_sources: u64,
    /// Messages that could not be decoded.
    pub malformed: u64,
    /// Commands executed with a 2xx answer.
    pub executed: u64,
    /// Commands refused.
    pub refused: u64,
    /// Commands for which the media below needed time.
    pub pending: u64,
    /// Of those, the ones that another command or event aborted.
    pub aborted: u64,
    /// Responses that belonged to no command of ours.
    pub stray_responses: u64,
    /// Connections opened.
    pub connections_opened: u64,
    /// Connections closed, by the call agent or by the gateway.
    pub connections_closed: u64,
    /// Connections that the gateway had to give up by itself.
    pub connections_lost: u64,
    /// Notifications sent, retransmissions not counted.
    pub notifications: u64,
    /// Notifications answered with an error or with nothing.
    pub notifications_failed: u64,
    /// Restart commands sent, retransmissions not counted.
    pub restarts: u64,
    /// Changes to another call agent, since the one before was silent.
    pub switch_overs: u64,
    /// Returns to a call agent that has been silent.
    pub switch_backs: u64,
    /// Times that an endpoint lost its call agent.
    pub disconnections: u64,
    /// Events kept in quarantine.
    pub events_quarantined: u64,
    /// Events lost because a list was full.
    pub events_lost: u64,
    /// Digit maps compiled.
    pub digit_maps: u64,
    /// Signals started.
    pub signals_started: u64,
}
