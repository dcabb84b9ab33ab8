//! The client's side of a link (an ESME in the words of SMPP 3.4): binds, submits through a window, takes what the centre delivers,
//! keeps the link alive, and comes back when it is lost.
//!
//! A link that is too fast for its centre (`ESME_RTHROTTLED`, `ESME_RMSGQFUL`) pauses and halves its window, and opens it again by one with
//! each window of good answers. A centre of version 5.0 that tells how busy it is (`congestion_state`) has its window held, made smaller
//! or halved before it has to refuse. Nothing is repeated here: every operation gets exactly one [`Outcome`], and its owner, who has
//! it on disk, decides.
//!
//! The lower version of both sides holds: a centre that says it is older than 3.4 gets no optional parameters.

use std::collections::VecDeque;

use strowger_sansio::{Duration, Rng, Time};

use super::frame::Framer;
use super::pace::Pace;
use super::pdu::{
    self, AlertNotification, Bind, BindKind, Body, DecodeError, MultiResp, Named, Operation, Pdu, QueryResp,
    ShortMessage, command, version,
};
use super::status::Status;
use super::tlv;
use super::window::Window;

/// How a link is set up.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Who we are.
    pub bind: Bind,
    /// What the link is for.
    pub kind: BindKind,
    /// Submissions without their answers.
    pub window: usize,
    /// How long an answer may take.
    pub response_timeout: Duration,
    /// Silence after which the peer is asked whether it is there.
    pub enquire_after: Duration,
    /// The first pause before a lost link is set up again; it doubles.
    pub reconnect_first: Duration,
    /// The longest such pause.
    pub reconnect_longest: Duration,
    /// The first pause when the centre has too much to do; it doubles.
    pub throttle_first: Duration,
    /// The longest such pause.
    pub throttle_longest: Duration,
    /// The longest unit that is read: a message with a payload of 64 kilobytes fits.
    pub longest_unit: usize,
    /// Messages of the centre that wait for an acknowledgement; more are told to wait.
    pub incoming: usize,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            bind: Bind { interface_version: 0x34, ..Bind::default() },
            kind: BindKind::Transceiver,
            window: 100,
            response_timeout: Duration::from_secs(10),
            enquire_after: Duration::from_secs(30),
            reconnect_first: Duration::from_secs(1),
            reconnect_longest: Duration::from_secs(60),
            throttle_first: Duration::from_millis(100),
            throttle_longest: Duration::from_secs(5),
            longest_unit: 70_000,
            incoming: 1000,
        }
    }
}

/// The owner's name for a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Token(pub u64);

/// What became of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The centre has it, under this name; what is no message is done, and has none.
    Accepted(String),
    /// The centre has it, but not for all of its destinations.
    Partly(Box<MultiResp>),
    /// How a message stands that was asked for.
    Standing(QueryResp),
    /// The centre does not want it; [`Status::class`] says whether it may do so later.
    Refused(Status),
    /// The link was lost, or no answer came in time: the centre may have it, or not.
    Unknown,
}

/// Why a link is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Loss {
    /// The transport could not be opened.
    #[error("it cannot be connected to")]
    Unreachable,
    /// The transport ended.
    #[error("the connection ended")]
    Disconnected,
    /// The centre does not want us.
    #[error("the bind was refused with {0}")]
    BindRefused(Status),
    /// No answer in time.
    #[error("the centre does not answer")]
    Silent,
    /// The centre ended the session.
    #[error("the centre has unbound")]
    Unbound,
    /// We ended the session.
    #[error("closed")]
    Closed,
    /// What came cannot be read on.
    #[error("a unit of {0} octets")]
    Garbage(u32),
}

/// What the host has to know or do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Open a transport, and tell.
    Connect,
    /// Close the transport once what is to be sent has been.
    Disconnect,
    /// Messages may go.
    Bound {
        /// What the centre calls itself.
        centre: String,
        /// What it speaks, when it says so.
        version: Option<u8>,
    },
    /// No longer bound, or never.
    Lost(Loss),
    /// A submission has its outcome.
    Answered(Token, Outcome),
    /// A message or a receipt; it waits for [`Client::acknowledge`].
    Incoming(Delivery, Box<ShortMessage>),
    /// A subscriber can be reached again, or not.
    Alert(Box<AlertNotification>),
}

/// Names an incoming message, for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    sequence: u32,
    unit: Unit,
}

/// By which unit a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Deliver,
    Data,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    Bind,
    Ask(Token),
    Enquire,
    Unbind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Until [`Client::due`] there is no transport.
    Waiting,
    /// The host opens one.
    Connecting,
    Binding,
    Bound,
    Unbinding,
    /// For good.
    Closed,
}

/// One link.
#[derive(Debug)]
pub struct Client {
    config: ClientConfig,
    rng: Rng,
    state: State,
    framer: Framer,
    window: Window<Request>,
    submitted: usize,
    /// What both sides speak.
    version: u8,
    pace: Pace,
    /// The pause before the next attempt.
    wait: Duration,
    due: Option<Time>,
    heard: Time,
    enquiring: bool,
    incoming: usize,
    /// What is to be sent, one unit behind the other.
    out: Vec<u8>,
    events: VecDeque<Event>,
}

impl Client {
    /// A link that is set up at once.
    #[must_use]
    pub fn new(config: ClientConfig, now: Time, rng: Rng) -> Self {
        Self {
            framer: Framer::new(config.longest_unit),
            window: Window::new(config.response_timeout),
            submitted: 0,
            version: config.bind.interface_version,
            pace: Pace::new(&config),
            wait: config.reconnect_first,
            due: None,
            heard: now,
            enquiring: false,
            incoming: 0,
            out: Vec::new(),
            events: VecDeque::from([Event::Connect]),
            state: State::Connecting,
            config,
            rng,
        }
    }

    /// Whether messages may go.
    #[must_use]
    pub fn is_bound(&self) -> bool {
        self.state == State::Bound
    }

    /// How many messages may be submitted now.
    #[must_use]
    pub fn capacity(&self, now: Time) -> usize {
        if self.state != State::Bound || !self.config.kind.transmits() {
            return 0;
        }
        self.pace.allowed(now).saturating_sub(self.submitted)
    }

    /// What both sides speak, as [`version`] has it, once bound.
    #[must_use]
    pub const fn version(&self) -> u8 {
        self.version
    }

    /// The transport is there.
    pub fn handle_connected(&mut self, now: Time) {
        if self.state != State::Connecting {
            return;
        }
        self.state = State::Binding;
        self.framer.clear();
        self.heard = now;
        self.enquiring = false;
        let body = Body::Bind(self.config.kind, self.config.bind.clone());
        self.request(now, Request::Bind, body);
    }

    /// The transport is gone, or could not be had.
    pub fn handle_disconnected(&mut self, now: Time) {
        match self.state {
            State::Waiting | State::Closed => {}
            State::Unbinding => self.lose(now, Loss::Closed),
            State::Connecting => self.lose(now, Loss::Unreachable),
            State::Binding | State::Bound => self.lose(now, Loss::Disconnected),
        }
    }

    /// Octets from the centre.
    pub fn handle_input(&mut self, now: Time, bytes: &[u8]) {
        if !matches!(self.state, State::Binding | State::Bound | State::Unbinding) {
            return;
        }
        self.heard = now;
        self.framer.push(bytes);
        loop {
            let unit = match self.framer.pop() {
                Ok(Some(unit)) => pdu::decode(unit),
                Ok(None) => return,
                Err(error) => {
                    self.send(&Pdu::response(0, Status::INVALID_COMMAND_LENGTH, Body::GenericNack));
                    self.lose(now, Loss::Garbage(error.length));
                    return;
                }
            };
            match unit {
                Ok(unit) => self.handle_unit(now, unit),
                Err(error) => self.refuse(now, error),
            }
            if !matches!(self.state, State::Binding | State::Bound | State::Unbinding) {
                return;
            }
        }
    }

    /// Submits a message.
    ///
    /// # Errors
    /// The message comes back when there is no capacity.
    pub fn submit(
        &mut self,
        now: Time,
        token: Token,
        message: Box<ShortMessage>,
    ) -> Result<(), Box<ShortMessage>> {
        self.ask(now, token, Operation::Submit(message)).map_err(|operation| match operation {
            Operation::Submit(message) | Operation::Data(message) => message,
            // What comes back is what was given.
            _ => Box::default(),
        })
    }

    /// Asks the centre something.
    ///
    /// # Errors
    /// The operation comes back when there is no capacity.
    pub fn ask(&mut self, now: Time, token: Token, mut operation: Operation) -> Result<(), Operation> {
        if self.capacity(now) == 0 {
            return Err(operation);
        }
        if self.version < version::V3_4
            && let Err(status) = fit_old_centre(&mut operation)
        {
            self.events.push_back(Event::Answered(token, Outcome::Refused(status)));
            return Ok(());
        }
        self.submitted += 1;
        self.request(now, Request::Ask(token), operation.into_body());
        Ok(())
    }

    /// Answers an [`Event::Incoming`].
    pub fn acknowledge(&mut self, delivery: Delivery, status: Status) {
        self.incoming = self.incoming.saturating_sub(1);
        if matches!(self.state, State::Bound | State::Unbinding) {
            self.answer(delivery, status);
        }
    }

    fn answer(&mut self, delivery: Delivery, status: Status) {
        let body = match delivery.unit {
            Unit::Deliver => Body::DeliverSmResp,
            // The name is there and unused, as in the answer to deliver_sm.
            Unit::Data => Body::DataSmResp(Named::of("")),
        };
        self.send(&Pdu::response(delivery.sequence, status, body));
    }

    /// Ends the link in order; it is not set up again.
    pub fn close(&mut self, now: Time) {
        match self.state {
            State::Bound => {
                self.state = State::Unbinding;
                self.request(now, Request::Unbind, Body::Unbind);
            }
            State::Unbinding | State::Closed => {}
            State::Waiting | State::Connecting | State::Binding => {
                self.state = State::Unbinding;
                self.lose(now, Loss::Closed);
            }
        }
    }

    /// What is due.
    pub fn handle_timeout(&mut self, now: Time) {
        if self.due.is_some_and(|due| due <= now) {
            self.due = None;
            if self.state == State::Waiting {
                self.state = State::Connecting;
                self.events.push_back(Event::Connect);
            }
        }
        self.pace.handle_timeout(now);
        while let Some(request) = self.window.pop_overdue(now) {
            match request {
                Request::Ask(token) => {
                    self.submitted = self.submitted.saturating_sub(1);
                    self.events.push_back(Event::Answered(token, Outcome::Unknown));
                    self.enquire(now);
                }
                Request::Unbind => self.lose(now, Loss::Closed),
                Request::Bind | Request::Enquire => self.lose(now, Loss::Silent),
            }
        }
        if self.state == State::Bound && self.heard + self.config.enquire_after <= now {
            self.enquire(now);
        }
    }

    /// What goes to the centre: all that there is.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        (!self.out.is_empty()).then(|| std::mem::take(&mut self.out))
    }

    /// The same behind what is in a buffer already.
    pub fn transmit_into(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.out);
    }

    /// What the host has to know or do.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Self::handle_timeout`] is due, or capacity may be back.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        let enquire =
            (self.state == State::Bound && !self.enquiring).then(|| self.heard + self.config.enquire_after);
        [self.due, self.window.deadline(), enquire, self.pace.poll_timeout()].into_iter().flatten().min()
    }

    fn handle_unit(&mut self, now: Time, unit: Pdu) {
        let sequence = unit.sequence;
        match unit.body {
            Body::BindResp(_, centre, tlvs) => self.bound(now, sequence, unit.status, centre, &tlvs),
            Body::SubmitSmResp(_)
            | Body::DataSmResp(_)
            | Body::SubmitMultiResp(_)
            | Body::QuerySmResp(_)
            | Body::CancelSmResp
            | Body::ReplaceSmResp => {
                let asked = |request: &Request| matches!(request, Request::Ask(_));
                if let Some(Request::Ask(token)) = self.window.close_if(sequence, asked) {
                    self.answered(now, token, unit.status, unit.body);
                }
            }
            Body::EnquireLinkResp => {
                if self.window.close_if(sequence, |request| *request == Request::Enquire).is_some() {
                    self.enquiring = false;
                }
            }
            Body::UnbindResp => {
                if self.window.close_if(sequence, |request| *request == Request::Unbind).is_some() {
                    self.lose(now, Loss::Closed);
                }
            }
            Body::GenericNack => self.nacked(now, sequence, unit.status),
            Body::EnquireLink => self.send(&Pdu::response(sequence, Status::OK, Body::EnquireLinkResp)),
            Body::Unbind => {
                self.send(&Pdu::response(sequence, Status::OK, Body::UnbindResp));
                self.lose(now, Loss::Unbound);
            }
            Body::DeliverSm(message) => self.delivered(Delivery { sequence, unit: Unit::Deliver }, message),
            Body::DataSm(message) => self.delivered(Delivery { sequence, unit: Unit::Data }, message),
            Body::AlertNotification(alert) => {
                if self.state == State::Bound && self.config.kind.receives() {
                    self.events.push_back(Event::Alert(alert));
                }
            }
            Body::Other(number, _) if number & command::RESPONSE == 0 => {
                self.send(&Pdu::response(sequence, Status::INVALID_COMMAND, Body::GenericNack));
            }
            // Requests that only a centre answers, and answers to what we never ask. An outbind asks for the bind that is under way.
            Body::Bind(..)
            | Body::SubmitSm(_)
            | Body::SubmitMulti(_)
            | Body::QuerySm(_)
            | Body::CancelSm(_)
            | Body::ReplaceSm(_) => {
                self.send(&Pdu::response(sequence, Status::INVALID_BIND_STATE, Body::GenericNack));
            }
            Body::DeliverSmResp | Body::Outbind(_) | Body::Other(..) => {}
        }
    }

    fn bound(&mut self, now: Time, sequence: u32, status: Status, centre: String, tlvs: &[tlv::Tlv]) {
        if self.window.close_if(sequence, |request| *request == Request::Bind).is_none() {
            return;
        }
        if !status.is_ok() {
            self.lose(now, Loss::BindRefused(status));
            return;
        }
        self.state = State::Bound;
        self.wait = self.config.reconnect_first;
        self.pace.reset();
        let version = tlv::find(tlvs, tlv::SC_INTERFACE_VERSION).and_then(|value| value.first().copied());
        // Centres of 3.4 that leave the parameter out are more common than those that are older.
        self.version = self.config.bind.interface_version.min(version.unwrap_or(version::V3_4));
        self.events.push_back(Event::Bound { centre, version });
    }

    fn answered(&mut self, now: Time, token: Token, status: Status, body: Body) {
        let before = self.submitted;
        self.submitted = self.submitted.saturating_sub(1);
        let congestion = congestion(&body).filter(|_| self.version >= version::V5_0);
        self.pace.answered(now, status, congestion, before);
        let outcome = match body {
            _ if !status.is_ok() => Outcome::Refused(status),
            Body::SubmitSmResp(named) | Body::DataSmResp(named) => {
                Outcome::Accepted(named.message_id.unwrap_or_default())
            }
            Body::SubmitMultiResp(Some(resp)) if resp.refused.is_empty() => {
                Outcome::Accepted(resp.message_id)
            }
            Body::SubmitMultiResp(Some(resp)) => Outcome::Partly(resp),
            Body::QuerySmResp(Some(resp)) => Outcome::Standing(resp),
            _ => Outcome::Accepted(String::new()),
        };
        self.events.push_back(Event::Answered(token, outcome));
    }

    fn nacked(&mut self, now: Time, sequence: u32, status: Status) {
        match self.window.close(sequence) {
            Some(Request::Ask(token)) => self.answered(now, token, status, Body::GenericNack),
            Some(Request::Bind) => self.lose(now, Loss::BindRefused(status)),
            // Whoever refuses the question is there.
            Some(Request::Enquire) => self.enquiring = false,
            Some(Request::Unbind) => self.lose(now, Loss::Closed),
            None => {}
        }
    }

    fn delivered(&mut self, delivery: Delivery, message: Box<ShortMessage>) {
        let status = match self.state {
            State::Bound if self.config.kind.receives() => {
                if self.incoming < self.config.incoming {
                    self.incoming += 1;
                    self.events.push_back(Event::Incoming(delivery, message));
                    return;
                }
                Status::QUEUE_FULL
            }
            State::Unbinding => Status::TEMPORARY_APP_ERROR,
            _ => Status::INVALID_BIND_STATE,
        };
        self.answer(delivery, status);
    }

    /// A unit that cannot be read, but whose end is known.
    fn refuse(&mut self, now: Time, error: DecodeError) {
        if error.command & command::RESPONSE == 0 {
            self.send(&Pdu::response(error.sequence, error.fault.status(), Body::GenericNack));
            return;
        }
        // An answer that cannot be read is one that did not come.
        match self.window.close(error.sequence) {
            Some(Request::Ask(token)) => {
                self.submitted = self.submitted.saturating_sub(1);
                self.events.push_back(Event::Answered(token, Outcome::Unknown));
            }
            Some(Request::Enquire) => self.enquiring = false,
            Some(Request::Bind) => self.lose(now, Loss::Silent),
            Some(Request::Unbind) => self.lose(now, Loss::Closed),
            None => {}
        }
    }

    fn enquire(&mut self, now: Time) {
        if self.state == State::Bound && !self.enquiring {
            self.enquiring = true;
            self.request(now, Request::Enquire, Body::EnquireLink);
        }
    }

    /// The link is gone: everything that waits gets its outcome, and unless we wanted it so, the next attempt its time.
    fn lose(&mut self, now: Time, loss: Loss) {
        for request in self.window.drain() {
            if let Request::Ask(token) = request {
                self.events.push_back(Event::Answered(token, Outcome::Unknown));
            }
        }
        self.submitted = 0;
        self.incoming = 0;
        self.enquiring = false;
        self.pace.reset();
        self.events.push_back(Event::Lost(loss));
        self.events.push_back(Event::Disconnect);
        if loss == Loss::Closed {
            self.state = State::Closed;
            self.due = None;
            return;
        }
        self.state = State::Waiting;
        // Many links that one centre lost at once do not come back at once.
        self.due = Some(now + self.rng.duration(self.wait / 2, self.wait));
        self.wait = (self.wait * 2).min(self.config.reconnect_longest);
    }

    fn request(&mut self, now: Time, what: Request, body: Body) {
        let sequence = self.window.open(now, what);
        self.send(&Pdu::request(sequence, body));
    }

    fn send(&mut self, unit: &Pdu) {
        pdu::encode(unit, &mut self.out);
    }
}

/// How busy the centre is that gave an answer.
fn congestion(answer: &Body) -> Option<u8> {
    match answer {
        Body::SubmitSmResp(named) | Body::DataSmResp(named) => named.congestion(),
        Body::SubmitMultiResp(Some(resp)) => tlv::find(&resp.tlvs, tlv::CONGESTION_STATE)?.first().copied(),
        _ => None,
    }
}

/// Parameters that a message cannot do without.
const ESSENTIAL: &[u16] = &[
    tlv::MESSAGE_PAYLOAD,
    tlv::SOURCE_PORT,
    tlv::DESTINATION_PORT,
    tlv::SAR_MSG_REF_NUM,
    tlv::SAR_TOTAL_SEGMENTS,
    tlv::SAR_SEGMENT_SEQNUM,
];

/// A centre older than 3.4 may be sent no optional parameters (section 3.4.1): what are hints is left out, what is more is refused here.
fn fit_old_centre(operation: &mut Operation) -> Result<(), Status> {
    if matches!(operation, Operation::Data(_)) {
        return Err(Status::INVALID_COMMAND);
    }
    let Some(tlvs) = operation.tlvs_mut() else { return Ok(()) };
    if tlvs.iter().any(|tlv| ESSENTIAL.contains(&tlv.tag)) {
        return Err(Status::PARAMETER_NOT_ALLOWED);
    }
    tlvs.clear();
    Ok(())
}
