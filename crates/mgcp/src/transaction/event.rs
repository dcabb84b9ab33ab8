//! What the transaction layer tells the role above it.

use std::net::SocketAddr;
use std::time::Duration;

use super::PeerId;
use crate::message::TransactionId;

/// The right to answer one received command, once. It cannot be copied: a command has one final response.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a command that is not answered ends in 406 (transaction time-out)"]
pub struct Token {
    pub(super) peer: PeerId,
    pub(super) transaction_id: TransactionId,
    /// Where to answer a command that is not remembered.
    pub(super) unremembered: Option<SocketAddr>,
}

impl Token {
    /// Who sent the command.
    #[must_use]
    pub fn peer(&self) -> PeerId {
        self.peer
    }

    /// The identifier that the response must carry.
    #[must_use]
    pub fn transaction_id(&self) -> TransactionId {
        self.transaction_id
    }
}

/// What became of a received message.
#[derive(Debug, PartialEq, Eq)]
pub enum Received<T> {
    /// A new command: execute it, then answer with the token.
    Execute(Token),
    /// A command that the layer answered itself.
    Answered(Answer),
    /// The final response to a command of ours.
    Completed {
        /// The requester's tag.
        tag: T,
        /// The command's identifier.
        transaction_id: TransactionId,
        /// Who answered.
        peer: PeerId,
        /// From the first transmission to this response.
        elapsed: Duration,
    },
    /// A provisional response to a command of ours; its final response is still to come.
    Provisional {
        /// The requester's tag.
        tag: T,
        /// The command's identifier.
        transaction_id: TransactionId,
        /// Who answered.
        peer: PeerId,
    },
    /// A response acknowledgement (000) that ended the retransmission of a final response.
    Acknowledged,
    /// A response to nothing that is outstanding: late, repeated or forged.
    Stray {
        /// Whose address it came from.
        peer: PeerId,
    },
    /// Dropped without a trace outside the counters.
    Discarded(Discard),
}

/// How the layer answered a command itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A duplicate: the stored response was sent again.
    Replayed,
    /// A duplicate of a command in execution: a provisional response was sent.
    InProgress,
    /// A new command that was refused with 409.
    Refused,
}

/// Why a message was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discard {
    /// The source belongs to no peer.
    Unlisted,
    /// A response to a command that went to another peer.
    WrongPeer,
    /// A duplicate of a command whose response the peer has confirmed (RFC 3435 section 3.5.2).
    Confirmed,
}

/// What happened without a message, drained with `poll_event`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<T> {
    /// A command was repeated Max1 times without an answer (RFC 3435 section 4.3, the suspicion threshold).
    Suspect {
        /// Who does not answer.
        peer: PeerId,
        /// The command.
        transaction_id: TransactionId,
    },
    /// The last permitted retransmission of a command, by Max2 or by T-MAX, has had its time without any answer. The layer
    /// goes on waiting until twice T-HIST; a role that needs to know earlier acts on this.
    Exhausted {
        /// Who does not answer.
        peer: PeerId,
        /// The command.
        transaction_id: TransactionId,
        /// The requester's tag.
        tag: T,
    },
    /// Twice T-HIST passed without a final response: the command's outcome is not known and never will be.
    TimedOut {
        /// Who did not answer.
        peer: PeerId,
        /// The command.
        transaction_id: TransactionId,
        /// The requester's tag.
        tag: T,
    },
    /// Follows [`Event::TimedOut`]: for a gateway, the moment to begin the disconnected procedure (4.4.7).
    Disconnected {
        /// Who did not answer.
        peer: PeerId,
    },
    /// The name of a peer is to be resolved (4.3): the host answers with
    /// [`Transactions::handle_resolved`](super::Transactions::handle_resolved), with nothing when it could not.
    Resolve {
        /// Whose name.
        peer: PeerId,
        /// The name, as it was configured.
        name: String,
    },
    /// A received command executed too long: the layer has answered it with 406, and its token is spent.
    ExecutionTimedOut {
        /// Who sent the command.
        peer: PeerId,
        /// The command.
        transaction_id: TransactionId,
    },
}
