//! Bounds of the exchange, each with the reason for its default.

/// How much the exchange keeps and does at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls in progress, dialling included. 65 536: a shard's worth; past it a new seizure gets congestion tone.
    pub calls: usize,
    /// Digits of a dialled number. 32: E.164 allows 15; prefixes, carrier selection and service codes need
    /// the rest.
    pub digits: usize,
    /// How often one call may be forwarded. 5: what ISUP networks set for call diversion (Q.732.2 section 2.1.4
    /// leaves 1 to 5 to the operator); a chain that is longer is a loop or a mistake.
    pub diversions: usize,
    /// Octets of a session description. 4096: what fits a datagram that every gateway must accept (RFC 3435
    /// section 3.5).
    pub session_description: usize,
    /// Octets of a digit map. 2048: what a gateway must be able to hold (RFC 3435 section 2.1.5).
    pub digit_map: usize,
    /// Events that wait to be polled. 65 536: an exchange whose host stopped listening must not grow; the
    /// oldest stay.
    pub events: usize,
    /// Attempts at the same order to a line that answers with a state mismatch. 4: hook states alternate, so
    /// that a telephone that is still changing after four answers is a fault and not a race.
    pub mismatches: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            calls: 65_536,
            digits: 32,
            diversions: 5,
            session_description: 4096,
            digit_map: 2048,
            events: 65_536,
            mismatches: 4,
        }
    }
}
