//! What the controller tells its owner.

use crate::error::DecodeError;
use crate::message::{
    Action, ErrorDescriptor, List, Method, Profile, Reason, ReplyResult, Terminations, TransactionId, Version,
};
use crate::transaction::{Assembled, Failure, PeerId, Token};

/// How a gateway stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// It has not registered.
    Unregistered,
    /// It serves.
    InService,
    /// It will leave service: no new connections (Graceful on ROOT).
    Retiring,
    /// It left service with all its contexts (Forced on ROOT).
    OutOfService,
    /// It does not answer.
    Unreachable,
}

impl Service {
    /// Whether there is an association.
    #[must_use]
    pub const fn is_registered(self) -> bool {
        matches!(self, Self::InService | Self::Retiring)
    }
}

/// How a gateway registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// It restarted: no context is left.
    Restart,
    /// It lost us and kept its contexts: it is to be audited.
    Disconnected,
    /// Another controller sent it.
    HandOff,
    /// Its controller failed, or it takes over for a gateway that did.
    Failover,
}

/// What happened.
#[derive(Debug, PartialEq)]
#[non_exhaustive]
pub enum Event<'m, T> {
    /// A gateway registered.
    Registered {
        /// Which.
        gateway: PeerId,
        /// How.
        how: Registration,
        /// How it stood before.
        was: Service,
        /// The version that was agreed on.
        version: Version,
        /// Why, as it says.
        reason: Reason<'m>,
        /// The profile that it proposes.
        profile: Option<Profile<'m>>,
    },
    /// Its service begins after a delay.
    Delayed {
        /// Which.
        gateway: PeerId,
        /// The delay.
        seconds: u32,
    },
    /// A gateway wanted to register and was refused or sent elsewhere.
    Refused {
        /// Which.
        gateway: PeerId,
    },
    /// The service of terminations changes, or that of the gateway as a whole when it is ROOT. It was answered.
    ServiceChanged {
        /// Whose.
        gateway: PeerId,
        /// Which.
        terminations: Terminations<'m>,
        /// How.
        method: Method<'m>,
        /// In how many seconds.
        delay: Option<u32>,
        /// Why.
        reason: Reason<'m>,
    },
    /// Commands of a gateway: the owner answers them. Of service changes among them it has heard just before, and answers with
    /// [`done`](super::done).
    Commands {
        /// Whose.
        gateway: PeerId,
        /// The right to answer.
        token: Token,
        /// The commands.
        actions: List<Action<'m>>,
    },
    /// The reply to a request of the owner.
    Reply {
        /// Who answered.
        gateway: PeerId,
        /// The request.
        transaction: TransactionId,
        /// The owner's tag.
        tag: T,
        /// What became of it.
        result: ReplyResult<'m>,
    },
    /// The same in segments (version 3).
    Assembled {
        /// Who answered.
        gateway: PeerId,
        /// The request.
        transaction: TransactionId,
        /// The owner's tag.
        tag: T,
        /// What became of it.
        reply: Assembled,
    },
    /// A request of the owner will not be answered.
    Failed {
        /// Who did not answer.
        gateway: PeerId,
        /// The request.
        transaction: TransactionId,
        /// The owner's tag.
        tag: T,
        /// Why.
        reason: Failure,
    },
    /// A gateway does not answer any more.
    Unreachable {
        /// Which.
        gateway: PeerId,
    },
    /// A gateway could not read a message of ours.
    MessageError {
        /// Which.
        gateway: PeerId,
        /// What it says.
        error: ErrorDescriptor<'m>,
    },
    /// A message of a gateway could not be read wholly.
    Malformed {
        /// Whose.
        gateway: PeerId,
        /// The first fault.
        error: DecodeError,
    },
}
