//! What the transaction layer tells the role above it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Coding, Dialect, PeerId, Route};
use crate::error::{DecodeError, EncodeError, ErrorCode};
use crate::message::{
    Action, ActionReply, Body, ErrorDescriptor, List, ReplyResult, Transaction, TransactionId, Version,
};

/// The right to answer one received request, once. It cannot be copied: a request has one reply.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a request that is not answered ends with an error at its sender"]
pub struct Token {
    pub(super) peer: PeerId,
    pub(super) transaction: TransactionId,
    pub(super) life: u8,
}

impl Token {
    /// Who sent the request.
    #[must_use]
    pub fn peer(&self) -> PeerId {
        self.peer
    }

    /// The request's number.
    #[must_use]
    pub fn transaction(&self) -> TransactionId {
        self.transaction
    }
}

/// What happened. `'m` is the message that it came in; events of timers come by
/// [`poll_event`](super::Transactions::poll_event) and borrow nothing.
#[derive(Debug, PartialEq)]
#[non_exhaustive]
pub enum Event<'m, T> {
    /// A new request: execute the actions in their order, then answer with the token.
    ///
    /// When the end of the request could not be read, the actions are those before, and the layer itself adds the error behind the
    /// replies (RFC 3525 section 8.2.2).
    Request {
        /// The right to answer it.
        token: Token,
        /// Where it came from.
        route: Route,
        /// The version of its message.
        version: Version,
        /// At least one.
        actions: List<Action<'m>>,
    },
    /// The whole reply to a request of ours.
    Reply {
        /// Who answered.
        peer: PeerId,
        /// The request.
        transaction: TransactionId,
        /// The requester's tag.
        tag: T,
        /// What became of it.
        result: ReplyResult<'m>,
        /// From the first transmission to this reply.
        elapsed: Duration,
    },
    /// The whole reply to a request of ours, put together from segments (version 3).
    Assembled {
        /// Who answered.
        peer: PeerId,
        /// The request.
        transaction: TransactionId,
        /// The requester's tag.
        tag: T,
        /// What became of it.
        reply: Assembled,
        /// From the first transmission to the last segment.
        elapsed: Duration,
    },
    /// A request of ours is being executed; the reply is still to come.
    Pending {
        /// Who says so.
        peer: PeerId,
        /// The request.
        transaction: TransactionId,
    },
    /// A request of ours will not be answered any more. What became of it is not known, unless the reason says so.
    Failed {
        /// Who did not answer.
        peer: PeerId,
        /// The request.
        transaction: TransactionId,
        /// The requester's tag.
        tag: T,
        /// Why.
        reason: Failure,
    },
    /// A request was repeated Max1 times without an answer (RFC 3525 Annex D.1.5, the suspicion threshold).
    Suspect {
        /// Who does not answer.
        peer: PeerId,
    },
    /// Max2 repetitions or T-MAX passed without an answer: the peer has failed (RFC 3525 Annex D.1.5). For a gateway, the moment to begin
    /// what section 11.5 says. It comes before the [`Event::Failed`] of the request.
    Lost {
        /// Who did not answer.
        peer: PeerId,
    },
    /// A received request was answered by the layer in the role's stead, with 506 or because it took too long. Its token is spent.
    Aborted {
        /// Who sent the request.
        peer: PeerId,
        /// The request.
        transaction: TransactionId,
    },
    /// The peer could not read a message of ours, or refuses its version.
    MessageError {
        /// Who says so.
        peer: PeerId,
        /// What it says.
        error: ErrorDescriptor<'m>,
    },
    /// A message of the peer could not be read wholly. It was answered as RFC 3525 section 8.2.2 says; this is for the operator.
    Malformed {
        /// Who sent it.
        peer: PeerId,
        /// The first fault.
        error: DecodeError,
    },
    /// The peer acknowledged a reply that had asked for it.
    Acknowledged {
        /// Who did.
        peer: PeerId,
        /// The request that was answered.
        transaction: TransactionId,
    },
}

/// Why a request will not be answered any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// T-MAX passed, or Max2 repetitions, without an answer.
    TimedOut,
    /// More Pendings came than the limit (error 506, version 2).
    TooManyPending,
    /// Segments of the reply are missing (error 459, version 3).
    SegmentsMissing,
    /// The reply in segments is longer than the limit.
    ReplyTooLong,
    /// The reply could not be read; it would come as it is again and again.
    Unreadable,
    /// The role withdrew it, or it cannot be handed over.
    Withdrawn,
    /// The connection that it went by has ended and there is no other way to the peer.
    Disconnected,
}

impl Failure {
    /// The code that says so.
    #[must_use]
    pub const fn code(self) -> Option<ErrorCode> {
        match self {
            Self::TooManyPending => Some(ErrorCode::TOO_MANY_PENDING),
            Self::SegmentsMissing => Some(ErrorCode::SEGMENTS_MISSING),
            Self::ReplyTooLong => Some(ErrorCode::RESPONSE_TOO_LONG),
            _ => None,
        }
    }
}

/// Why a request is not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// It cannot be written in the peer's version or form.
    Encode(EncodeError),
    /// It is longer than one message may be.
    TooLong {
        /// Its octets.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// The peer has left too many unanswered.
    Outstanding {
        /// The limit.
        limit: usize,
    },
    /// It is not known where the peer takes requests: it has not registered.
    NoRoute,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(error) => write!(f, "the request cannot be written: {error}"),
            Self::TooLong { length, limit } => {
                write!(f, "the request has {length} octets, more than the {limit} of a message")
            }
            Self::Outstanding { limit } => write!(f, "{limit} requests to the peer are unanswered"),
            Self::NoRoute => f.write_str("the peer has not said where it takes requests"),
        }
    }
}

impl std::error::Error for RequestError {}

impl From<EncodeError> for RequestError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

/// A reply in segments, all of them there.
#[derive(Clone, Debug)]
pub struct Assembled {
    pub(super) coding: Arc<Coding>,
    /// The segments' numbers in order, and the whole messages that they came in.
    pub(super) messages: Vec<(u16, Box<[u8]>)>,
    pub(super) transaction: TransactionId,
}

impl PartialEq for Assembled {
    fn eq(&self, other: &Self) -> bool {
        self.transaction == other.transaction && self.messages == other.messages
    }
}

impl Assembled {
    /// The reply: the actions of all segments one after another, or the error that one of them is. Actions for one context that a
    /// segment's end parted are one again.
    #[must_use]
    pub fn result(&self) -> ReplyResult<'_> {
        let mut actions: List<ActionReply<'_>> = List::new();
        for (number, bytes) in &self.messages {
            let Ok(message) = self.coding.decode(bytes) else { continue };
            let Body::Transactions(transactions) = message.body else { continue };
            for transaction in transactions {
                let Transaction::Reply(reply) = transaction else { continue };
                let is_part = reply.segment.is_some_and(|segment| segment.number == *number);
                if reply.id != self.transaction || !is_part {
                    continue;
                }
                match reply.result {
                    ReplyResult::Error(error) => return ReplyResult::Error(error),
                    ReplyResult::Actions(more) => more.into_iter().for_each(|more| join(&mut actions, more)),
                }
            }
        }
        ReplyResult::Actions(actions)
    }
}

/// Adds an action reply, to the last one when it goes on with that one's context.
pub(super) fn join<'a>(actions: &mut List<ActionReply<'a>>, more: ActionReply<'a>) {
    match actions.last_mut() {
        Some(last) if last.context == more.context && last.error.is_none() && more.properties.is_none() => {
            last.commands.extend(more.commands);
            last.error = more.error;
        }
        _ => actions.push(more),
    }
}

/// What came in a message, read. See [`accept`](super::Transactions::accept).
#[derive(Clone, Debug)]
pub struct Accepted<'b> {
    pub(super) peer: PeerId,
    pub(super) route: Route,
    pub(super) bytes: &'b [u8],
    pub(super) version: Version,
    pub(super) coding: Arc<Coding>,
    /// How its sender is answered, whether the rest can be read or not.
    pub(super) dialect: Dialect,
}

impl Accepted<'_> {
    /// Who sent it.
    #[must_use]
    pub fn peer(&self) -> PeerId {
        self.peer
    }

    /// Where it came from.
    #[must_use]
    pub fn route(&self) -> Route {
        self.route
    }
}

/// The text of an error as it is put behind its code.
pub(super) fn describe(code: ErrorCode) -> ErrorDescriptor<'static> {
    ErrorDescriptor { code, text: code.text() }
}
