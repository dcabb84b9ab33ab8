//! Timers, counters and limits of WTP. The standard leaves timers to the bearer: these are for IP.

use strowger_sansio::Duration;

/// Timers and counters (WTP 7.4 and appendix A).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Until a packet is sent again.
    pub retransmission: Duration,
    /// How often it is sent again.
    pub retransmissions: u32,
    /// Until a responder whose user has not answered tells the initiator to wait.
    pub acknowledgement: Duration,
    /// How long the outcome of a transaction is remembered for those who missed it.
    pub wait: Duration,
    /// How long a user may take for a result, and a message for its parts.
    pub patience: Duration,
    /// Octets of data in one packet.
    pub packet: usize,
    /// Packets of a group.
    pub group: usize,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            retransmission: Duration::from_secs(5),
            retransmissions: 8,
            acknowledgement: Duration::from_secs(2),
            wait: Duration::from_secs(45),
            patience: Duration::from_secs(120),
            // What fits the smallest maximum of a path over IP with room for headers.
            packet: 1_400,
            group: 8,
        }
    }
}

/// Bounds on what peers may make an engine keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WtpLimits {
    /// Transactions in all.
    pub transactions: usize,
    /// Transactions that one peer began.
    pub per_peer: usize,
    /// Octets of one message.
    pub message: usize,
    /// Octets of messages that are not whole, in all.
    pub octets: usize,
    /// Peers whose last transaction is remembered.
    pub peers: usize,
    /// Events that wait to be taken; beyond it, invocations are refused.
    pub events: usize,
}

impl Default for WtpLimits {
    fn default() -> Self {
        Self {
            transactions: 10_000,
            per_peer: 32,
            // 256 packets of 1,400 octets carry no more.
            message: 358_400,
            octets: 16 * 1024 * 1024,
            peers: 10_000,
            events: 10_000,
        }
    }
}
