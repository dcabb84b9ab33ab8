//! One session, as the user agent keeps it.

use std::collections::VecDeque;

use strowger_sansio::{Duration, Time};

use super::PeerId;
use super::credentials::{Proof, Tried};
use super::keys::Presses;
use super::redirect::Redirection;
use super::refer::Transfers;
use crate::dialog::Dialog;
use crate::message::{Message, Refresher, Secure, Status};
use crate::offer::Negotiation;
use crate::transaction::{ClientId, ServerId};
use crate::transport::{Route, Transport};

/// How far a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// This side has called and heard nothing yet.
    Calling,
    /// The peer works on this side's call.
    Early,
    /// The peer has called.
    Offered,
    /// This side has answered, and the peer has not said that it knows.
    Answered,
    /// Both have.
    Confirmed,
    /// It is over for the user; what must still be said is being said.
    Ending,
}

#[derive(Debug)]
pub(super) struct Session {
    pub(super) peer: PeerId,
    pub(super) route: Route,
    /// The connection of its telephone has ended, and that has not come back by another.
    pub(super) adrift: bool,
    /// Whether it goes over TLS all the way.
    pub(super) secure: Secure,
    pub(super) phase: Phase,
    /// The INVITE of this side that is under way.
    pub(super) client: Option<ClientId>,
    /// The INVITE of the peer that waits for its final response.
    pub(super) server: Option<ServerId>,
    /// The INVITE that this side began with, to be sent again with credentials.
    pub(super) invite: Option<Box<Message<'static>>>,
    /// How often the request under way was sent again.
    pub(super) attempts: u8,
    /// Whether that was for want of credentials.
    pub(super) tried: Tried,
    /// The credentials of the INVITE that was sent last.
    pub(super) proof: Proof,
    /// Where the peer has sent the call on.
    pub(super) redirection: Option<Box<Redirection>>,
    pub(super) dialog: Option<Dialog>,
    /// Its `Call-ID` and the tag of this side, by which it is found.
    pub(super) key: Option<(String, String)>,
    /// The dialogs of forks that are not answered.
    pub(super) early: Vec<Early>,
    /// This side has begun it.
    pub(super) calls: bool,
    pub(super) media: Negotiation,
    /// The description of this side is in a provisional response already.
    pub(super) early_answer: bool,
    /// A 2xx that is repeated until its ACK comes.
    pub(super) repeat: Option<Repeat>,
    /// A reliable provisional response that waits for its PRACK.
    pub(super) reliable: Option<Reliable>,
    /// What the caller is told when that has come: provisional responses in their order, with descriptions.
    pub(super) progress: VecDeque<(Status, Option<Vec<u8>>)>,
    /// The last `RSeq` of this side.
    pub(super) rseq: u32,
    /// How the peer wants provisional responses.
    pub(super) wants_reliable: Wish,
    /// The user has ended it, for this cause.
    pub(super) ending: Option<u8>,
    pub(super) timer: Option<SessionTimer>,
    /// The peer knows session timers.
    pub(super) knows_timer: bool,
    /// Transfers that the peer asks for.
    pub(super) transfers: Transfers,
    /// Keys that the peer is to be told of.
    pub(super) presses: Presses,
    /// What this side offered last was to refresh the session, and was not accepted yet.
    pub(super) refreshes: bool,
    /// A description that waits until this side may offer.
    pub(super) wanted: Option<(Vec<u8>, strowger_sdp::Direction)>,
}

/// What a caller says of reliable provisional responses (RFC 3262 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// It does not know them.
    Unknown,
    /// It takes them.
    Supported,
    /// It wants them.
    Required,
}

/// A dialog that may come to be.
#[derive(Debug)]
pub(super) struct Early {
    pub(super) dialog: Dialog,
    /// The `RSeq` of its last reliable provisional response.
    pub(super) rseq: Option<u32>,
}

/// A 2xx until its ACK.
#[derive(Debug)]
pub(super) struct Repeat {
    pub(super) bytes: Vec<u8>,
    pub(super) route: Route,
    pub(super) interval: Duration,
    pub(super) until: Time,
    /// The number of the INVITE.
    pub(super) number: u32,
    /// The 2xx holds an offer, which the ACK answers.
    pub(super) offers: bool,
}

/// A reliable provisional response until its PRACK.
#[derive(Debug)]
pub(super) struct Reliable {
    pub(super) bytes: Vec<u8>,
    pub(super) route: Route,
    pub(super) interval: Duration,
    pub(super) until: Time,
    pub(super) rseq: u32,
    pub(super) number: u32,
    /// What is to be said next: a 2xx must wait for the PRACK of a response with a description.
    pub(super) answer: Option<Vec<u8>>,
}

/// Who refreshes a session, and how often (RFC 4028).
#[derive(Clone, Copy, Debug)]
pub(super) struct SessionTimer {
    pub(super) interval: u32,
    pub(super) ours: bool,
}

impl SessionTimer {
    /// What was agreed, as the side sees it that sent the request (`uac`) or answered it.
    pub(super) fn of(interval: u32, refresher: Refresher, uac: bool) -> Self {
        Self { interval, ours: (refresher == Refresher::Uac) == uac }
    }

    /// When to do something about it: refresh at half the interval, or give the peer up shortly before its end
    /// (RFC 4028 section 10).
    pub(super) fn due(&self, now: Time) -> Time {
        let whole = u64::from(self.interval);
        let after = if self.ours { whole / 2 } else { whole - (whole / 3).min(32) };
        now + Duration::from_secs(after)
    }
}

impl Session {
    /// How this side is reached within it.
    pub(super) const fn reach(&self) -> (Transport, Secure) {
        (self.route.transport, self.secure)
    }

    /// What is said from here on goes another way. Says whether there was none.
    pub(super) fn go_by(&mut self, to: Route) -> bool {
        self.route = to;
        let repeated = self.repeat.as_mut().map(|repeat| &mut repeat.route);
        let reliable = self.reliable.as_mut().map(|reliable| &mut reliable.route);
        repeated.into_iter().chain(reliable).for_each(|route| *route = to);
        std::mem::take(&mut self.adrift)
    }

    /// The next request is another one than the one that was sent, and perhaps sent again.
    pub(super) const fn forget_attempts(&mut self) {
        (self.attempts, self.tried) = (0, Tried::No);
    }

    pub(super) fn new(peer: PeerId, route: Route, phase: Phase, media: Negotiation) -> Self {
        Self {
            peer,
            route,
            adrift: false,
            secure: Secure::Sip,
            phase,
            client: None,
            server: None,
            invite: None,
            attempts: 0,
            tried: Tried::No,
            proof: Proof::new(),
            redirection: None,
            dialog: None,
            key: None,
            early: Vec::new(),
            calls: phase == Phase::Calling,
            media,
            early_answer: false,
            repeat: None,
            reliable: None,
            progress: VecDeque::new(),
            rseq: 0,
            wants_reliable: Wish::Unknown,
            ending: None,
            timer: None,
            knows_timer: false,
            transfers: Transfers::default(),
            presses: Presses::default(),
            refreshes: false,
            wanted: None,
        }
    }
}
