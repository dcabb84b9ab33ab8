//! What a peer can make the transaction layer keep or do.

use super::pacing::Pacing;

/// What one remembered command counts for beside its response: its places in the index and in the order of expiry, and
/// what the allocator adds.
pub(super) const ENTRY: usize = 96;

/// Bounds of the transaction layer.
///
/// Memory of received commands is counted in bytes: 96 for each within T-HIST, and the response until the peer confirms it
/// (`K:`, 000). Each peer has a share of its own; what it needs beyond comes from a pool that all peers have together. So one busy
/// call agent is served at 20,000 commands a second for as long as it likes (600,000 commands of T-HIST with responses of
/// 250 bytes are 208 MB, or 58 MB when it confirms), and a peer gone mad takes the pool but never another's share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionLimits {
    /// Bytes for the commands of one peer: 40 MiB are some 1,000 calls a second from one gateway. When they are used up and the
    /// pool as well, new commands are refused with 409 until the oldest expire, but for audits, which may be executed again.
    pub memory: usize,
    /// Bytes that all peers together may use beyond their own.
    pub pool: usize,
    /// Commands of one peer that may execute at the same time.
    pub executing: usize,
    /// When this many commands of one peer execute, new ones and repeated ones are told that they queue: 101 (4.4.8) …
    pub high_water: usize,
    /// … until no more than these do.
    pub low_water: usize,
    /// How commands are slowed towards a peer that is loaded itself.
    pub pacing: Pacing,
    /// Identifiers that the `K:` lines of one command may confirm. Confirming is an optimisation, so what
    /// exceeds this is ignored; RFC 3435 section 3.5.2 asks senders for short lists anyway.
    pub confirmed: u32,
    /// Final responses that await the peer's `000` at the same time; others are sent once and replayed on demand.
    pub awaiting_acknowledgement: usize,
    /// The greatest datagram that is built of messages that merely happen to go to one peer: what passes an Ethernet
    /// unfragmented, as a lost fragment would lose them all.
    pub bundle: usize,
    /// The greatest datagram that is built of messages that must arrive in order: 4000 bytes are what every entity must
    /// accept (3.5.4).
    pub chain: usize,
}

impl Default for TransactionLimits {
    fn default() -> Self {
        Self {
            memory: 40 << 20,
            pool: 256 << 20,
            executing: 4096,
            high_water: 1024,
            low_water: 512,
            pacing: Pacing::default(),
            confirmed: 4096,
            awaiting_acknowledgement: 4096,
            bundle: 1400,
            chain: 4000,
        }
    }
}
