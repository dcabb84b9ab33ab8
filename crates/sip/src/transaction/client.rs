//! Client transactions: RFC 3261 sections 17.1.1 (INVITE) and 17.1.2 (all others), and `Accepted` of RFC 6026.

use strowger_sansio::{Duration, Time};

use super::timing::{Letter, Timing};
use crate::message::{Header, Message, Method, Name, StartLine, Status};
use crate::text;
use crate::transport::Route;

/// How far a client transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// `Calling`, or `Trying`.
    Calling,
    Proceeding,
    Completed,
    /// A 2xx to INVITE has come; more may (RFC 6026 section 8.4).
    Accepted,
    Terminated,
}

#[derive(Debug)]
pub(super) struct Client {
    pub(super) state: State,
    pub(super) route: Route,
    pub(super) is_invite: bool,
    /// The request on the wire.
    pub(super) bytes: Vec<u8>,
    /// The request as it was sent, for ACK and CANCEL.
    pub(super) request: Message<'static>,
    pub(super) interval: Duration,
    ack: Vec<u8>,
    /// How it goes by datagram that goes by a stream for its size alone (RFC 3261 section 18.1.1).
    pub(super) fallback: Option<Box<(Route, Message<'static>)>>,
    /// It was sent by a second connection because the first ended.
    pub(super) again: bool,
}

/// What a machine wants done.
#[derive(Debug, Default)]
pub(super) struct Wants {
    pub(super) send: Option<Vec<u8>>,
    pub(super) set: Vec<(Letter, Time)>,
    pub(super) cancel: Vec<Letter>,
    /// The response goes to the transaction user.
    pub(super) deliver: bool,
    pub(super) timed_out: bool,
}

impl Client {
    pub(super) fn new(route: Route, request: Message<'static>, timing: &Timing, now: Time) -> (Self, Wants) {
        let is_invite = request.method() == Some(&Method::Invite);
        let bytes = text::to_bytes(&request);
        let mut wants = Wants { send: Some(bytes.clone()), ..Wants::default() };
        let (repeat, give_up) = if is_invite { (Letter::A, Letter::B) } else { (Letter::E, Letter::F) };
        if !route.transport.is_reliable() {
            wants.set.push((repeat, now + timing.t1));
        }
        wants.set.push((give_up, now + timing.timeout()));
        let client = Self {
            state: State::Calling,
            route,
            is_invite,
            bytes,
            request,
            interval: timing.t1,
            ack: Vec::new(),
            fallback: None,
            again: false,
        };
        (client, wants)
    }

    /// Whether a response repeats this side's sent-by, as it must (RFC 3261 section 18.1.2).
    pub(super) fn sent(&self, response: &Header<'_>) -> bool {
        let place = |header: &Header<'_>| header.via().map(|via| (via.host.to_ascii_lowercase(), via.port));
        place(response) == place(&self.request.header)
    }

    /// The request could not be sent as it is: it goes by datagram, if it went by a stream for its size.
    pub(super) fn by_datagram(&mut self, timing: &Timing, now: Time) -> Option<Wants> {
        let (route, request) = *self.fallback.take()?;
        self.bytes = text::to_bytes(&request);
        (self.route, self.request) = (route, request);
        let repeat = if self.is_invite { Letter::A } else { Letter::E };
        let set = vec![(repeat, now + timing.t1)];
        Some(Wants { send: Some(self.bytes.clone()), set, ..Wants::default() })
    }

    pub(super) fn response(
        &mut self,
        status: Status,
        response: &Message<'_>,
        timing: &Timing,
        now: Time,
    ) -> Wants {
        let mut wants = Wants::default();
        let reliable = self.route.transport.is_reliable();
        match (self.state, self.is_invite) {
            (State::Calling | State::Proceeding, true) => {
                wants.deliver = true;
                wants.cancel.extend([Letter::A, Letter::B]);
                if status.is_provisional() {
                    self.state = State::Proceeding;
                } else if status.is_success() {
                    self.state = State::Accepted;
                    wants.set.push((Letter::M, now + timing.timeout()));
                } else {
                    self.state = State::Completed;
                    self.ack = text::to_bytes(&self.acknowledgement(response));
                    wants.send = Some(self.ack.clone());
                    wants.set.push((Letter::D, if reliable { now } else { now + timing.d() }));
                }
            }
            (State::Calling | State::Proceeding, false) => {
                wants.deliver = true;
                if status.is_provisional() {
                    if self.state == State::Calling && !reliable {
                        self.interval = timing.t2;
                        wants.set.push((Letter::E, now + timing.t2));
                    }
                    self.state = State::Proceeding;
                } else {
                    self.state = State::Completed;
                    wants.cancel.extend([Letter::E, Letter::F]);
                    wants.set.push((Letter::K, if reliable { now } else { now + timing.t4 }));
                }
            }
            // A final response that was repeated because its ACK was lost.
            (State::Completed, true) if !status.is_provisional() && !status.is_success() => {
                wants.send = Some(self.ack.clone());
            }
            (State::Accepted, _) => wants.deliver = status.is_success(),
            (State::Completed | State::Terminated, _) => {}
        }
        wants
    }

    pub(super) fn timeout(&mut self, letter: Letter, timing: &Timing, now: Time) -> Wants {
        let mut wants = Wants::default();
        match (letter, self.state) {
            (Letter::A, State::Calling) => {
                self.interval = self.interval.saturating_mul(2);
                wants.send = Some(self.bytes.clone());
                wants.set.push((Letter::A, now + self.interval));
            }
            (Letter::E, State::Calling | State::Proceeding) => {
                self.interval = self.interval.saturating_mul(2).min(timing.t2);
                wants.send = Some(self.bytes.clone());
                wants.set.push((Letter::E, now + self.interval));
            }
            (Letter::B, State::Calling) | (Letter::F, State::Calling | State::Proceeding) => {
                self.state = State::Terminated;
                wants.timed_out = true;
            }
            (Letter::D | Letter::K, State::Completed) | (Letter::M, State::Accepted) => {
                self.state = State::Terminated;
            }
            _ => {}
        }
        wants
    }

    /// The ACK of a final response other than 2xx: it belongs to the transaction (RFC 3261 section 17.1.1.3).
    fn acknowledgement(&self, response: &Message<'_>) -> Message<'static> {
        let mut ack = self.same_branch(&Method::Ack);
        if let Some(to) = response.header.get(&Name::To) {
            ack.header.set(&Name::To, to.to_owned());
        }
        ack
    }

    /// A request that shares the way, the branch and the number of this one: ACK or CANCEL.
    pub(super) fn same_branch(&self, method: &Method<'static>) -> Message<'static> {
        let StartLine::Request { uri, .. } = &self.request.start else { return self.request.clone() };
        let mut request = Message::request(method.clone(), uri.clone());
        let header = &self.request.header;
        if let Some(via) = header.list(&Name::Via).next() {
            request.header.push(Name::Via, via.to_owned());
        }
        for field in header {
            let number = || header.cseq().map(|cseq| cseq.number).unwrap_or_default();
            match field.name {
                Name::MaxForwards | Name::Route | Name::From | Name::To | Name::CallId => {
                    request.header.push(field.name.clone(), field.value.clone());
                }
                // A CANCEL is authorized by nobody; an ACK repeats what authorized its INVITE (section 22.1).
                Name::Authorization | Name::ProxyAuthorization if *method == Method::Ack => {
                    request.header.push(field.name.clone(), field.value.clone());
                }
                Name::CSeq => request.header.push(Name::CSeq, format!("{} {method}", number())),
                _ => {}
            }
        }
        request
    }
}
