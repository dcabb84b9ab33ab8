//! What a peer can make the transaction layer keep or do.

/// Bounds of the transaction layer. Memory per peer is at most `remembered * 64 + stored_bytes` bytes, about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionLimits {
    /// Commands remembered for one peer. 2^17 within T-HIST are 4,300 commands a second, some 1,000 calls a second from one
    /// gateway; a peer that sends more is refused until the oldest expire, but for audits, which may be executed again.
    pub remembered: usize,
    /// Bytes of stored responses for one peer: 32 MiB are 250 bytes for each remembered command.
    pub stored_bytes: usize,
    /// Commands of one peer that may execute at the same time.
    pub executing: usize,
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
            remembered: 1 << 17,
            stored_bytes: 32 << 20,
            executing: 4096,
            confirmed: 4096,
            awaiting_acknowledgement: 4096,
            bundle: 1400,
            chain: 4000,
        }
    }
}
