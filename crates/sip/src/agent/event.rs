//! What a user agent says to its user, and is told by it.

use std::sync::Arc;

use crate::message::{Message, Status};

use super::{History, PeerId, Referral};

/// A session: what an INVITE begins, between this side and one peer. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// Who calls, as a peer is told or tells.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Caller {
    /// The number or user; none when it is not known.
    pub user: Option<String>,
    /// The name.
    pub name: Option<String>,
    /// They are not to be shown to the called party.
    pub withheld: bool,
}

/// A call of this side's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Whom.
    pub peer: PeerId,
    /// The user called there.
    pub called: String,
    /// Who calls.
    pub caller: Caller,
    /// The description of the caller's stream.
    pub offer: Vec<u8>,
    /// Who sent the call on before it came to this side: what the INVITE that brought it said.
    pub history: Option<Arc<History>>,
    /// Who sent the call on from there, the last first: numbers, with the reason of RFC 5806.
    pub diversions: Vec<(String, &'static str)>,
    /// How it is to ring there, if not as usual: the distinctive pattern of GR-506-CORE, 1 to 5.
    pub ring: Option<u8>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A peer calls. To be answered with [`super::UserAgent::progress`], [`super::UserAgent::answer`] or
    /// [`super::UserAgent::end`].
    Incoming {
        /// The new session.
        session: SessionId,
        /// Who.
        peer: PeerId,
        /// The user called.
        called: String,
        /// Who calls.
        caller: Caller,
        /// The description of the caller's stream; none when this side is to offer.
        offer: Option<Vec<u8>>,
        /// The session of the same peer's that this one is to take the place of (RFC 3891).
        replaces: Option<SessionId>,
        /// Who sent the call on before it came, as the peer says (RFC 5806, RFC 7044); none when nobody did.
        history: Option<Arc<History>>,
        /// The INVITE.
        request: Box<Message<'static>>,
    },
    /// The peer works on the call: 180, 183 and the like.
    Progress {
        /// The session.
        session: SessionId,
        /// How far it is.
        status: Status,
        /// The description of a stream that can be heard before the answer, when it is a new one.
        description: Option<Vec<u8>>,
    },
    /// The peer has answered a call of this side's.
    Answered {
        /// The session.
        session: SessionId,
        /// The description of its stream.
        description: Vec<u8>,
    },
    /// The peer knows that this side has answered.
    Confirmed {
        /// The session.
        session: SessionId,
        /// The description of its stream, where this side had to offer.
        description: Option<Vec<u8>>,
    },
    /// The peer describes its stream anew. To be answered with [`super::UserAgent::answer_offer`] or
    /// [`super::UserAgent::refuse_offer`].
    Offered {
        /// The session.
        session: SessionId,
        /// The description.
        description: Vec<u8>,
    },
    /// The peer has answered this side's new description.
    Agreed {
        /// The session.
        session: SessionId,
        /// The description of its stream.
        description: Vec<u8>,
    },
    /// The peer has not accepted this side's new description: all is as before.
    Refused {
        /// The session.
        session: SessionId,
        /// Why.
        status: Status,
    },
    /// A key was pressed at the peer's, as INFO says.
    Dtmf {
        /// The session.
        session: SessionId,
        /// Which.
        key: char,
    },
    /// The peer sends this side's party to somebody else. To be answered with [`super::UserAgent::accept_referral`] or
    /// [`super::UserAgent::refuse_referral`].
    Referred {
        /// The session.
        session: SessionId,
        /// Whom to.
        referral: Box<Referral>,
    },
    /// How a transfer goes that this side has asked for: a final status is the last word.
    Transferring {
        /// The session.
        session: SessionId,
        /// What the peer has heard from whom it calls, or 408 when it does not say; or how it has refused to call anybody.
        status: Status,
        /// It is what the peer has heard.
        accepted: bool,
    },
    /// The session is over, and not because this side ended it. `Closed` follows.
    Ended {
        /// The session.
        session: SessionId,
        /// Why: a cause of Q.850.
        cause: u8,
        /// The status that refused the call; none when it ended otherwise.
        status: Option<Status>,
    },
    /// Nothing is left of the session: its last word.
    Closed {
        /// The session.
        session: SessionId,
    },
    /// A peer answers again, or no more.
    Reachable {
        /// Which.
        peer: PeerId,
        /// Whether it is there.
        up: bool,
    },
    /// A peer has not said in time that it has forgotten a registration that is given up: nobody waits for that any more.
    FarewellUnheard {
        /// Which.
        peer: PeerId,
    },
    /// A telephone is elsewhere than before, at more or fewer places, or nowhere: see [`super::UserAgent::bindings`].
    Moved {
        /// Which.
        peer: PeerId,
    },
    /// A telephone has said again that it is where it was: its registration lasts until another time now.
    Refreshed {
        /// Which.
        peer: PeerId,
    },
    /// A telephone has subscribed, or has not any more, or is told by another way: see [`super::UserAgent::subscriptions`].
    Subscribed {
        /// Which.
        peer: PeerId,
    },
    /// A message that was no SIP, or not what it must be; it changed nothing.
    Malformed {
        /// Whose.
        peer: PeerId,
        /// What is wrong with it.
        error: crate::DecodeError,
    },
}
