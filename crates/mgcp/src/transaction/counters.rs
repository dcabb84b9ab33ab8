//! Counters of the transaction layer, for metrics.

/// What the transaction layer has seen and done since it started. Counters only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransactionCounters {
    /// Commands handed up for execution.
    pub executed: u64,
    /// Duplicates answered with the stored response.
    pub replayed: u64,
    /// Duplicates of a command in execution, answered with a provisional response.
    pub in_progress: u64,
    /// Duplicates of a confirmed command, dropped without an answer.
    pub confirmed_duplicates: u64,
    /// New commands refused with 409 since the memory for their peer was full.
    pub refused: u64,
    /// Commands that executed too long and were answered with 406.
    pub execution_timeouts: u64,
    /// Malformed commands answered with their precise return code.
    pub malformed_answered: u64,
    /// Malformed messages dropped: responses, and commands without a readable identifier.
    pub malformed_dropped: u64,
    /// Messages from addresses that belong to no peer.
    pub unlisted: u64,
    /// Responses whose identifier is outstanding, but towards another peer.
    pub wrong_peer: u64,
    /// Responses to nothing outstanding.
    pub stray_responses: u64,
    /// Commands sent for the first time.
    pub requests: u64,
    /// Retransmissions of commands.
    pub retransmissions: u64,
    /// Moves of a command to another address of its peer.
    pub readdressed: u64,
    /// Reports of the network that an address cannot be reached.
    pub unreachable: u64,
    /// Questions to the name service.
    pub name_queries: u64,
    /// Commands that had to wait since their peer was loaded.
    pub delayed: u64,
    /// Signs that a peer is loaded.
    pub loads: u64,
    /// Commands received that were told to queue (101).
    pub queued: u64,
    /// Commands that got a final response.
    pub completed: u64,
    /// Provisional responses received.
    pub provisionals: u64,
    /// Commands given up without a final response.
    pub timed_out: u64,
    /// Commands withdrawn by the requester.
    pub aborted: u64,
    /// Retransmissions of final responses that awaited their `000`.
    pub final_retransmissions: u64,
    /// Responses confirmed by the peer, with `000` or `K:`.
    pub confirmations: u64,
}
