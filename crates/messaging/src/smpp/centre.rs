//! The centre's side of a link (an SMSC in the words of SMPP 3.4): admits who may bind, hands up what is submitted, delivers messages
//! and receipts through a window.

use std::collections::VecDeque;

use strowger_sansio::{Duration, Time};

use super::client::{Outcome, Token};
use super::frame::Framer;
use super::pdu::{
    self, AlertNotification, Answer, BROADCASTS, BindKind, Body, Operation, Outbind, Pdu, ShortMessage,
    command, version,
};
use super::status::Status;
use super::tlv::{self, Tlv};
use super::window::Window;

/// How a centre treats its links.
#[derive(Clone, Debug)]
pub struct CentreConfig {
    /// What it calls itself.
    pub system_id: String,
    /// Who may bind: name and password. Nobody else may.
    pub accounts: Vec<(String, String)>,
    /// Deliveries without their answers.
    pub window: usize,
    /// How long an answer may take.
    pub response_timeout: Duration,
    /// How long a client may take to bind.
    pub bind_timeout: Duration,
    /// Silence after which a client is asked whether it is there.
    pub enquire_after: Duration,
    /// Submissions that wait for an answer; more are told to slow down.
    pub submissions: usize,
    /// The longest unit that is read.
    pub longest_unit: usize,
    /// The highest version that it speaks.
    pub version: u8,
}

impl Default for CentreConfig {
    fn default() -> Self {
        Self {
            system_id: "centre".to_owned(),
            accounts: Vec::new(),
            window: 10,
            response_timeout: Duration::from_secs(10),
            bind_timeout: Duration::from_secs(10),
            enquire_after: Duration::from_secs(60),
            submissions: 1000,
            longest_unit: 70_000,
            version: version::V5_0,
        }
    }
}

/// What the host has to know or do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A client has bound.
    Bound {
        /// Its name.
        system_id: String,
        /// What for.
        kind: BindKind,
    },
    /// A message, or something about one; it waits for [`Centre::answer`] with this number.
    Asked(u32, Operation),
    /// A delivery has its outcome; an accepted one has no name.
    Answered(Token, Outcome),
    /// Close the transport once what is to be sent has been.
    Disconnect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    Deliver(Token),
    Alert,
    Outbind,
    Enquire,
    Unbind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Bound(BindKind),
    Unbinding,
    Closed,
}

/// One link of a centre.
#[derive(Debug)]
pub struct Centre {
    config: CentreConfig,
    state: State,
    framer: Framer,
    window: Window<Request>,
    delivering: usize,
    submissions: usize,
    /// What both sides speak.
    version: u8,
    congestion: Option<u8>,
    opened: Time,
    heard: Time,
    enquiring: bool,
    /// What is to be sent, one unit behind the other.
    out: Vec<u8>,
    events: VecDeque<Event>,
}

impl Centre {
    /// A link whose transport is open.
    #[must_use]
    pub fn new(config: CentreConfig, now: Time) -> Self {
        Self {
            state: State::Open,
            framer: Framer::new(config.longest_unit),
            window: Window::new(config.response_timeout),
            delivering: 0,
            submissions: 0,
            version: config.version,
            congestion: None,
            opened: now,
            heard: now,
            enquiring: false,
            out: Vec::new(),
            events: VecDeque::new(),
            config,
        }
    }

    /// How many messages may be delivered now.
    #[must_use]
    pub fn capacity(&self) -> usize {
        match self.state {
            State::Bound(kind) if kind.receives() => self.config.window.saturating_sub(self.delivering),
            _ => 0,
        }
    }

    /// Octets from the client.
    pub fn handle_input(&mut self, now: Time, bytes: &[u8]) {
        if self.state == State::Closed {
            return;
        }
        self.heard = now;
        self.framer.push(bytes);
        while self.state != State::Closed {
            let unit = match self.framer.pop() {
                Ok(Some(unit)) => pdu::decode(unit),
                Ok(None) => return,
                Err(_) => {
                    self.send(&Pdu::response(0, Status::INVALID_COMMAND_LENGTH, Body::GenericNack));
                    self.end();
                    return;
                }
            };
            match unit {
                Ok(unit) => self.handle_unit(unit),
                Err(error) if error.command & command::RESPONSE == 0 => {
                    self.send(&Pdu::response(error.sequence, error.fault.status(), Body::GenericNack));
                }
                Err(error) => self.settle(error.sequence, Outcome::Unknown),
            }
        }
    }

    /// The transport is gone.
    pub fn handle_disconnected(&mut self) {
        if self.state != State::Closed {
            self.end();
        }
    }

    /// What both sides speak, once bound.
    #[must_use]
    pub const fn version(&self) -> u8 {
        self.version
    }

    /// How busy the centre is, in percent: from now on answers tell it to those who speak 5.0.
    pub fn set_congestion(&mut self, percent: Option<u8>) {
        self.congestion = percent;
    }

    /// Answers an [`Event::Asked`].
    pub fn answer(&mut self, sequence: u32, answer: Answer) {
        self.submissions = self.submissions.saturating_sub(1);
        if matches!(self.state, State::Bound(_) | State::Unbinding) {
            self.respond(sequence, answer);
        }
    }

    fn respond(&mut self, sequence: u32, answer: Answer) {
        let told = self.congestion.filter(|_| self.version >= version::V5_0);
        let tlvs = told.map(|percent| Tlv::octet(tlv::CONGESTION_STATE, percent)).into_iter().collect();
        let (status, body) = answer.into_unit(tlvs);
        self.send(&Pdu::response(sequence, status, body));
    }

    /// Asks the client to bind, on a connection that the centre opened.
    pub fn outbind(&mut self, now: Time, outbind: Outbind) {
        if self.state == State::Open {
            let sequence = self.window.open(now, Request::Outbind);
            // It has no answer.
            self.window.close(sequence);
            self.send(&Pdu::request(sequence, Body::Outbind(outbind)));
        }
    }

    /// Tells the client that a subscriber can be reached again, or not.
    pub fn alert(&mut self, now: Time, mut alert: AlertNotification) {
        if !matches!(self.state, State::Bound(kind) if kind.receives()) {
            return;
        }
        if self.version < version::V3_4 {
            alert.tlvs.clear();
        }
        let sequence = self.window.open(now, Request::Alert);
        self.window.close(sequence);
        self.send(&Pdu::request(sequence, Body::AlertNotification(Box::new(alert))));
    }

    /// Delivers a message or a receipt.
    ///
    /// # Errors
    /// The message comes back when there is no capacity.
    pub fn deliver(
        &mut self,
        now: Time,
        token: Token,
        message: Box<ShortMessage>,
    ) -> Result<(), Box<ShortMessage>> {
        if self.capacity() == 0 {
            return Err(message);
        }
        self.deliver_as(now, token, message, Body::DeliverSm);
        Ok(())
    }

    /// Delivers a message by `data_sm`.
    ///
    /// # Errors
    /// The message comes back when there is no capacity, or the client does not know that unit.
    pub fn deliver_data(
        &mut self,
        now: Time,
        token: Token,
        message: Box<ShortMessage>,
    ) -> Result<(), Box<ShortMessage>> {
        if self.capacity() == 0 || self.version < version::V3_4 {
            return Err(message);
        }
        self.deliver_as(now, token, message, Body::DataSm);
        Ok(())
    }

    fn deliver_as(
        &mut self,
        now: Time,
        token: Token,
        mut message: Box<ShortMessage>,
        unit: fn(Box<ShortMessage>) -> Body,
    ) {
        // A client older than 3.4 may be sent no optional parameters (section 3.4.1).
        if self.version < version::V3_4 {
            message.tlvs.clear();
        }
        self.delivering += 1;
        self.request(now, Request::Deliver(token), unit(message));
    }

    /// Ends the link in order.
    pub fn close(&mut self, now: Time) {
        match self.state {
            State::Bound(_) => {
                self.state = State::Unbinding;
                self.request(now, Request::Unbind, Body::Unbind);
            }
            State::Open => self.end(),
            State::Unbinding | State::Closed => {}
        }
    }

    /// What is due.
    pub fn handle_timeout(&mut self, now: Time) {
        while let Some(request) = self.window.pop_overdue(now) {
            match request {
                Request::Deliver(token) => {
                    self.delivering = self.delivering.saturating_sub(1);
                    self.events.push_back(Event::Answered(token, Outcome::Unknown));
                }
                Request::Enquire | Request::Unbind => self.end(),
                Request::Alert | Request::Outbind => {}
            }
        }
        match self.state {
            State::Open if self.opened + self.config.bind_timeout <= now => self.end(),
            State::Bound(_) if !self.enquiring && self.heard + self.config.enquire_after <= now => {
                self.enquiring = true;
                self.request(now, Request::Enquire, Body::EnquireLink);
            }
            _ => {}
        }
    }

    /// What goes to the client: all that there is.
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

    /// When [`Self::handle_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        let own = match self.state {
            State::Open => Some(self.opened + self.config.bind_timeout),
            State::Bound(_) if !self.enquiring => Some(self.heard + self.config.enquire_after),
            _ => None,
        };
        [own, self.window.deadline()].into_iter().flatten().min()
    }

    fn handle_unit(&mut self, unit: Pdu) {
        let sequence = unit.sequence;
        match unit.body {
            Body::Bind(kind, bind) => self.bind(sequence, kind, bind),
            Body::SubmitSm(message) => self.asked(sequence, Operation::Submit(message)),
            Body::DataSm(message) => self.asked(sequence, Operation::Data(message)),
            Body::SubmitMulti(multi) => self.asked(sequence, Operation::Multi(multi)),
            Body::QuerySm(query) => self.asked(sequence, Operation::Query(query)),
            Body::CancelSm(cancel) => self.asked(sequence, Operation::Cancel(cancel)),
            Body::ReplaceSm(replace) => self.asked(sequence, Operation::Replace(replace)),
            Body::DeliverSmResp | Body::DataSmResp(_) => {
                let outcome = match unit.status.is_ok() {
                    true => Outcome::Accepted(String::new()),
                    false => Outcome::Refused(unit.status),
                };
                self.settle(sequence, outcome);
            }
            Body::GenericNack => self.settle(sequence, Outcome::Refused(unit.status)),
            Body::EnquireLink => self.send(&Pdu::response(sequence, Status::OK, Body::EnquireLinkResp)),
            Body::EnquireLinkResp | Body::UnbindResp => self.settle(sequence, Outcome::Unknown),
            Body::Unbind => {
                self.send(&Pdu::response(sequence, Status::OK, Body::UnbindResp));
                self.end();
            }
            Body::Other(number, _) if number & command::RESPONSE == 0 => self.unknown(sequence, number),
            Body::DeliverSm(_) | Body::AlertNotification(_) | Body::Outbind(_) => {
                self.send(&Pdu::response(sequence, Status::INVALID_BIND_STATE, Body::GenericNack));
            }
            Body::BindResp(..)
            | Body::SubmitSmResp(_)
            | Body::SubmitMultiResp(_)
            | Body::QuerySmResp(_)
            | Body::CancelSmResp
            | Body::ReplaceSmResp
            | Body::Other(..) => {}
        }
    }

    fn bind(&mut self, sequence: u32, kind: BindKind, bind: pdu::Bind) {
        let status = self.admit(&bind);
        // Clients older than 3.4 get no optional parameter, not even this one.
        let version = Tlv::octet(tlv::SC_INTERFACE_VERSION, self.config.version);
        let tlvs = (bind.interface_version >= version::V3_4).then_some(version).into_iter().collect();
        let body = Body::BindResp(kind, self.config.system_id.clone(), tlvs);
        self.send(&Pdu::response(sequence, status, body));
        if status.is_ok() {
            self.state = State::Bound(kind);
            self.version = self.config.version.min(bind.interface_version);
            self.events.push_back(Event::Bound { system_id: bind.system_id, kind });
        } else if self.state == State::Open {
            self.end();
        }
    }

    fn asked(&mut self, sequence: u32, operation: Operation) {
        let status = match self.state {
            State::Bound(kind) if kind.transmits() && self.submissions < self.config.submissions => {
                self.submissions += 1;
                self.events.push_back(Event::Asked(sequence, operation));
                return;
            }
            State::Bound(kind) if kind.transmits() => Status::THROTTLED,
            _ => Status::INVALID_BIND_STATE,
        };
        self.respond(sequence, operation.refused(status));
    }

    /// Messages to areas are known from version 5.0 on and not sent from here: each has its own refusal. What nobody knows has the
    /// general one.
    fn unknown(&mut self, sequence: u32, number: u32) {
        let broadcast =
            BROADCASTS.iter().find(|(known, _)| *known == number && self.version >= version::V5_0);
        let unit = match (self.state, broadcast) {
            (State::Bound(_), Some((_, status))) => {
                Pdu::response(sequence, *status, Body::Other(number | command::RESPONSE, Vec::new()))
            }
            (State::Bound(_), None) => Pdu::response(sequence, Status::INVALID_COMMAND, Body::GenericNack),
            _ => Pdu::response(sequence, Status::INVALID_BIND_STATE, Body::GenericNack),
        };
        self.send(&unit);
    }

    fn admit(&self, bind: &pdu::Bind) -> Status {
        if self.state != State::Open {
            return Status::ALREADY_BOUND;
        }
        let known = |(name, word): &(String, String)| *name == bind.system_id && *word == bind.password;
        match self.config.accounts.iter().any(known) {
            true => Status::OK,
            false => Status::BIND_FAILED,
        }
    }

    fn settle(&mut self, sequence: u32, outcome: Outcome) {
        match self.window.close(sequence) {
            Some(Request::Deliver(token)) => {
                self.delivering = self.delivering.saturating_sub(1);
                self.events.push_back(Event::Answered(token, outcome));
            }
            Some(Request::Enquire) => self.enquiring = false,
            Some(Request::Unbind) => self.end(),
            Some(Request::Alert | Request::Outbind) | None => {}
        }
    }

    fn end(&mut self) {
        for request in self.window.drain() {
            if let Request::Deliver(token) = request {
                self.events.push_back(Event::Answered(token, Outcome::Unknown));
            }
        }
        self.delivering = 0;
        self.state = State::Closed;
        self.events.push_back(Event::Disconnect);
    }

    fn request(&mut self, now: Time, what: Request, body: Body) {
        let sequence = self.window.open(now, what);
        self.send(&Pdu::request(sequence, body));
    }

    fn send(&mut self, unit: &Pdu) {
        pdu::encode(unit, &mut self.out);
    }
}
