//! What a peer can make the transaction layer keep or do.

/// What one remembered transaction counts for beside its reply: its place in the index and what the allocator adds.
pub(super) const ENTRY: usize = 64;
/// What a range of confirmed transactions counts for.
pub(super) const RANGE: usize = 48;

/// Bounds of the transaction layer.
///
/// Memory of received transactions is counted in octets: 64 for each within LONG-TIMER, and the reply until the peer acknowledges
/// it. Each peer has a share of its own; what it needs beyond comes from a pool that all peers have together, so that a peer gone
/// mad takes the pool but never another's share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionLimits {
    /// Octets for the transactions of one peer. When they are used up and the pool as well, new requests are refused with 510
    /// until the oldest expire.
    pub memory: usize,
    /// Octets that all peers together may use beyond their own.
    pub pool: usize,
    /// Requests of one peer that may execute at the same time.
    pub executing: usize,
    /// Our requests that one peer may leave unanswered.
    pub outstanding: usize,
    /// Transactions of one message that are looked at: the rest is refused with 413, or 400 by a peer of version 1 or 2.
    pub transactions: usize,
    /// Identifiers that the acknowledgements of one message may confirm. Confirming saves memory alone, so what exceeds this is
    /// ignored.
    pub confirmed: u32,
    /// Ranges of acknowledgements that wait for a message to travel in.
    pub acknowledgements: usize,
    /// Segments of one reply that wait for those before them, and octets of all of them.
    pub segments: u16,
    /// Octets of the segments of one reply.
    pub segment_bytes: usize,
    /// Replies in segments that are put together or await acknowledgement at the same time.
    pub segmented: usize,
    /// Replies that await their immediate acknowledgement at the same time; others are sent once and again on demand.
    pub awaiting_acknowledgement: usize,
    /// The longest message that is sent. UDP carries up to 65,507 octets, but what is longer than the path's MTU arrives in pieces,
    /// of which none may be lost.
    pub pdu: usize,
    /// The longest message that is built of transactions that merely go to one peer: what passes an Ethernet whole.
    pub bundle: usize,
    /// Transactions that share a message.
    pub bundled: usize,
    /// Message-level errors a second, to all peers together: two entities that cannot read one another must not go on for ever.
    pub errors_per_second: u32,
}

impl Default for TransactionLimits {
    fn default() -> Self {
        Self {
            memory: 8 << 20,
            pool: 256 << 20,
            executing: 4096,
            outstanding: 4096,
            transactions: 256,
            confirmed: 4096,
            acknowledgements: 64,
            segments: 256,
            segment_bytes: 1 << 20,
            segmented: 256,
            awaiting_acknowledgement: 4096,
            pdu: 65_000,
            bundle: 1400,
            bundled: 32,
            errors_per_second: 10,
        }
    }
}
