//! What is under way: what requests of this side's were for, and what deadlines are for.

use super::summary::SummaryId;
use super::{PeerId, SessionId};
use crate::locate::Destination;
use crate::transaction::ClientId;

/// What a request of this side's was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The INVITE that begins a session.
    Invite(SessionId),
    /// An INVITE or UPDATE within one.
    Reinvite(SessionId),
    Bye(SessionId),
    Prack(SessionId),
    /// How a transfer goes.
    Notify(SessionId),
    /// A transfer that this side asks for.
    Refer(SessionId),
    /// Whether messages wait.
    Summary(SummaryId),
    /// A key was pressed.
    Info(SessionId),
    /// A request whose answer changes nothing.
    Notice,
    Probe(PeerId, Destination),
    Register(PeerId, Destination),
}

/// What deadlines are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// A 2xx is repeated.
    Repeat(SessionId),
    /// A reliable provisional response is repeated.
    Reliable(SessionId),
    /// A CANCEL was not followed by a final response.
    Cancelled(SessionId),
    /// A session is refreshed, or was not.
    Session(SessionId),
    /// The peer is asked whether it still has a session that was gone on with.
    Resume(SessionId),
    /// This side may offer again that met the peer's offer.
    Glare(SessionId),
    /// The ACK of a session that is over need not be kept any more.
    Ack(ClientId),
    /// A peer is asked whether it is there.
    Probe(PeerId),
    /// The sender of a REFER is not told yet how the transfer went.
    Referral(SessionId),
    /// The peer has not told for long how a transfer goes.
    Asking(SessionId),
    /// Farewells are not waited for any longer.
    Farewell,
    /// A registration is made, or made again.
    Register(PeerId),
    /// A peer that had too much to do may be called again.
    Relieved(PeerId),
    /// A subscription ends.
    Summary(SummaryId),
    /// A subscription that was gone on with is told of.
    Told(SummaryId),
    /// A telephone's registration ends.
    Bindings,
    /// A place that has failed may be tried again.
    Rested,
}
