//! What the transaction layer counted.

/// Counters since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransactionCounters {
    /// Messages from sources that no peer has.
    pub unlisted: u64,
    /// Messages from a peer's source with an identifier that is not the peer's.
    pub wrong_mid: u64,
    /// Messages whose authentication header is missing, false or was there before.
    pub unauthentic: u64,
    /// Messages that could not be read and were answered.
    pub malformed_answered: u64,
    /// Messages that could not be read and were not answered.
    pub malformed_dropped: u64,
    /// Messages of a version that is not spoken here.
    pub wrong_version: u64,
    /// Requests handed up.
    pub executed: u64,
    /// Requests that had been answered and got the same reply.
    pub replayed: u64,
    /// Requests in execution that came again.
    pub in_progress: u64,
    /// Requests whose reply had been acknowledged: dropped.
    pub confirmed_duplicates: u64,
    /// Requests refused for want of memory.
    pub refused: u64,
    /// Pendings sent.
    pub pendings: u64,
    /// Requests that were answered with 506, or took too long.
    pub aborted: u64,
    /// Requests sent for the first time.
    pub requested: u64,
    /// Requests sent again.
    pub retransmissions: u64,
    /// Our requests that were answered.
    pub answered: u64,
    /// Replies, pendings and segments for nothing that is outstanding.
    pub stray: u64,
    /// Our requests that were given up.
    pub failed: u64,
    /// Replies sent in segments.
    pub segmented: u64,
    /// Segments sent again.
    pub segments_repeated: u64,
    /// Replies sent again until they were acknowledged.
    pub replies_repeated: u64,
    /// Replies that were too long for one message and could not be parted: 533.
    pub too_long: u64,
    /// Messages sent.
    pub messages: u64,
    /// Transactions in them.
    pub transactions: u64,
}
