//! One transaction as both roles keep it: its name, what is told of it, and where it stands.

use std::net::SocketAddr;

use super::pdu::{AbortReason, Class, Tid, Trailer};
use super::transfer::{Incoming, Outgoing};

/// A transaction: the peer, the identifier as this side writes it without direction, and who began it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Transaction {
    /// The other side.
    pub peer: SocketAddr,
    /// The identifier, without the bit of direction.
    pub tid: Tid,
    /// Whether this side began it.
    pub ours: bool,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A peer began a transaction. One of class 2 is answered by [`Wtp::respond`](super::Wtp::respond), one of class 1 that wants it by
    /// [`Wtp::confirm`](super::Wtp::confirm).
    Invoked {
        /// The transaction.
        transaction: Transaction,
        /// Its class.
        class: Class,
        /// Whether the user is to confirm.
        user_ack: bool,
        /// The data.
        data: Vec<u8>,
    },
    /// The result of a transaction of ours.
    Result {
        /// The transaction.
        transaction: Transaction,
        /// The data.
        data: Vec<u8>,
    },
    /// The peer has what this side sent: an invocation of class 1, or a result.
    Delivered {
        /// The transaction.
        transaction: Transaction,
    },
    /// A transaction ended before its end.
    Aborted {
        /// The transaction.
        transaction: Transaction,
        /// Why.
        reason: AbortReason,
    },
}

/// Why a command was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WtpError {
    /// There is no such transaction, or it does not wait for this.
    NoTransaction,
    /// The message does not fit into 256 packets.
    TooLong,
    /// There are as many transactions as there may be.
    Busy,
}

impl std::fmt::Display for WtpError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoTransaction => "there is no such transaction, or it does not wait for this",
            Self::TooLong => "the message does not fit into 256 packets",
            Self::Busy => "there are as many transactions as there may be",
        })
    }
}

impl std::error::Error for WtpError {}

#[derive(Clone, Debug)]
pub(super) enum State {
    /// Sent, and not acknowledged.
    Sending { outgoing: Outgoing, again: u32 },
    /// Ours: acknowledged for now, the result is due. Theirs: the user is to answer; whether the peer was told to wait.
    Waiting { held: bool },
    /// Parts of the message, or of the result, are due.
    Receiving(Incoming),
    /// Theirs: the peer is asked whether it began the transaction.
    Verifying { invoke: Vec<u8>, user_ack: bool, trailer: Trailer },
    /// Over: what was said last is said again to those who missed it.
    Over { last: Vec<u8> },
}

#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) class: Class,
    pub(super) user_ack: bool,
    pub(super) state: State,
}
