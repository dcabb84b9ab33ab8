//! Server transactions: RFC 3261 sections 17.2.1 (INVITE) and 17.2.2 (all others), and `Accepted` of RFC 6026.

use strowger_sansio::{Duration, Time};

use super::client::Wants;
use super::key::ServerKey;
use super::timing::{Letter, Timing};
use crate::message::{Message, Method, Name, Status};
use crate::text;
use crate::transport::Route;

/// How far a server transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// `Proceeding`, or `Trying`.
    Proceeding,
    Completed,
    Confirmed,
    /// The transaction user has answered an INVITE with 2xx, and repeats that itself (RFC 6026 section 8.7).
    Accepted,
    Terminated,
}

#[derive(Debug)]
pub(super) struct Server {
    pub(super) state: State,
    pub(super) key: ServerKey,
    pub(super) merged: Option<Box<str>>,
    /// Where responses go.
    pub(super) route: Route,
    /// Where they go when that connection has ended.
    pub(super) fallback: Option<Route>,
    pub(super) method: Method<'static>,
    /// What every response repeats.
    pub(super) repeated: Message<'static>,
    /// The tag of this side.
    pub(super) tag: String,
    /// The last response.
    last: Vec<u8>,
    interval: Duration,
}

/// Where a request came from, and where its responses go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    pub(super) from: std::net::SocketAddr,
    pub(super) route: Route,
    pub(super) fallback: Option<Route>,
}

/// What became of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answered {
    Sent,
    /// The transaction has had its final response.
    TooLate,
}

impl Server {
    pub(super) fn new(
        key: ServerKey,
        merged: Option<Box<str>>,
        Origin { from, route, fallback }: Origin,
        request: &Message<'_>,
        tag: String,
        (timing, now): (&Timing, Time),
    ) -> (Self, Wants) {
        let method = request.method().cloned().unwrap_or(Method::Options).into_owned();
        let mut wants = Wants::default();
        if method == Method::Invite {
            wants.set.push((Letter::Trying, now + timing.trying));
        }
        // The `Via` that goes back shows where the request came from.
        let repeated = repeated(request, from);
        let (state, last, interval) = (State::Proceeding, Vec::new(), timing.t1);
        (Self { state, key, merged, route, fallback, method, repeated, tag, last, interval }, wants)
    }

    /// A response without a body, with what it repeats of the request.
    pub(super) fn response(&self, status: Status) -> Message<'static> {
        response_of(&self.repeated, status, &self.tag)
    }

    /// The request came again.
    pub(super) fn repetition(&self) -> Wants {
        let again = matches!(self.state, State::Proceeding | State::Completed) && !self.last.is_empty();
        Wants { send: again.then(|| self.last.clone()), ..Wants::default() }
    }

    /// An ACK came.
    pub(super) fn acknowledged(&mut self, timing: &Timing, now: Time) -> Wants {
        let mut wants = Wants::default();
        match self.state {
            State::Completed => {
                self.state = State::Confirmed;
                wants.cancel.extend([Letter::G, Letter::H]);
                let reliable = self.route.transport.is_reliable();
                wants.set.push((Letter::I, if reliable { now } else { now + timing.t4 }));
            }
            State::Accepted => wants.deliver = true,
            _ => {}
        }
        wants
    }

    /// The transaction user answers.
    pub(super) fn answer(&mut self, response: &Message<'_>, timing: &Timing, now: Time) -> (Answered, Wants) {
        let mut wants = Wants::default();
        let Some(status) = response.status().filter(|_| self.state == State::Proceeding) else {
            return (Answered::TooLate, wants);
        };
        wants.cancel.push(Letter::Trying);
        self.last = text::to_bytes(response);
        wants.send = Some(self.last.clone());
        let reliable = self.route.transport.is_reliable();
        match (status.is_provisional(), self.method == Method::Invite) {
            (true, _) => {}
            (false, false) => {
                self.state = State::Completed;
                wants.set.push((Letter::J, if reliable { now } else { now + timing.timeout() }));
            }
            (false, true) if status.is_success() => {
                self.state = State::Accepted;
                wants.set.push((Letter::L, now + timing.timeout()));
            }
            (false, true) => {
                self.state = State::Completed;
                if !reliable {
                    wants.set.push((Letter::G, now + timing.t1));
                }
                wants.set.push((Letter::H, now + timing.timeout()));
            }
        }
        (Answered::Sent, wants)
    }

    pub(super) fn timeout(&mut self, letter: Letter, timing: &Timing, now: Time) -> Wants {
        let mut wants = Wants::default();
        match (letter, self.state) {
            (Letter::Trying, State::Proceeding) if self.last.is_empty() => {
                self.last = text::to_bytes(&self.response(Status::TRYING));
                wants.send = Some(self.last.clone());
            }
            (Letter::G, State::Completed) => {
                self.interval = self.interval.saturating_mul(2).min(timing.t2);
                wants.send = Some(self.last.clone());
                wants.set.push((Letter::G, now + self.interval));
            }
            (Letter::H, State::Completed) => {
                self.state = State::Terminated;
                wants.timed_out = true;
            }
            (Letter::I, State::Confirmed) | (Letter::J, State::Completed) | (Letter::L, State::Accepted) => {
                self.state = State::Terminated;
            }
            _ => {}
        }
        wants
    }
}

/// What every response repeats of a request (RFC 3261 sections 8.2.6.2, 12.1.1 and 18.2.1), as a message without a start that
/// means anything.
pub(super) fn repeated(request: &Message<'_>, source: std::net::SocketAddr) -> Message<'static> {
    let mut kept = Message::response(Status::TRYING);
    for (at, via) in request.header.list(&Name::Via).enumerate() {
        let completed = crate::message::Via::parse(via).filter(|_| at == 0).map(|via| via.completed(source));
        kept.header.push(Name::Via, completed.unwrap_or_else(|| via.to_owned()));
    }
    // A registration makes no dialog, and its answer must not look as if it did (section 10.3).
    let routes = request.method() != Some(&Method::Register);
    for field in &request.header {
        if matches!(field.name, Name::From | Name::To | Name::CallId | Name::CSeq | Name::Timestamp)
            || field.name == Name::RecordRoute && routes
        {
            kept.header.push(field.name.clone().into_owned(), field.value.clone().into_owned());
        }
    }
    kept
}

/// A response with this status and, beyond 100, this tag.
pub(super) fn response_of(repeated: &Message<'static>, status: Status, tag: &str) -> Message<'static> {
    let mut response = Message::response(status);
    for field in &repeated.header {
        match field.name {
            Name::To
                if status != Status::TRYING && repeated.header.to().is_none_or(|to| to.tag().is_none()) =>
            {
                response.header.push(Name::To, format!("{};tag={tag}", field.value));
            }
            // Only what makes a dialog says how it goes.
            Name::RecordRoute if status == Status::TRYING || status.code() >= 300 => {}
            Name::Timestamp if status != Status::TRYING => {}
            _ => response.header.push(field.name.clone(), field.value.clone()),
        }
    }
    response
}
