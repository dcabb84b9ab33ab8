//! MGCP in the ladder: one entry a message, joined to its transaction (RFC 3435 section 3.5).
//!
//! A transaction is the requester's address and the identifier. The same message under the same identifier is a
//! repetition; other content under it is a new transaction, as identifiers come again after some minutes. A response
//! belongs to the requester that it is sent to, whatever address it comes from; an acknowledgement (000) to the
//! requester that sends it.

use std::fmt::Write as _;
use std::net::SocketAddr;

use strowger_mgcp::limits::Limits;
use strowger_mgcp::message::{Command, Message, Parameter, ParameterCode, Parameters, Response};
use strowger_mgcp::text::{DecodeError, Found, datagram, encode};

use super::entry::{Entry, EntryKind, Memory, Piggyback, Verdict};
use super::{Frame, Ladder, media};
use crate::escape::{escape, excerpt, shortened};
use crate::protocol::Protocol;

/// The requester and the identifier.
pub(super) type TransactionKey = (SocketAddr, u32);

/// What is known of a transaction.
#[derive(Clone, Debug)]
pub(super) struct Transaction {
    /// The entry of the command.
    pub(super) command: u64,
    /// Its verb and identifier, for its responses.
    title: String,
    endpoint: Option<String>,
    call: Option<String>,
    fingerprint: u64,
    /// Responses seen: what they said, and their entries.
    responses: Vec<(u64, u64)>,
}

/// Different responses to one command that are told apart: 100, 101, the final one and room for what is wrong.
const MOST_RESPONSES: usize = 8;

/// Parameters worth a word in a summary, in this order.
const TELLING: &[ParameterCode<'static>] = &[
    ParameterCode::RestartMethod,
    ParameterCode::RestartDelay,
    ParameterCode::ReasonCode,
    ParameterCode::ObservedEvents,
    ParameterCode::SpecificEndpointId,
    ParameterCode::ConnectionId,
    ParameterCode::SecondEndpointId,
    ParameterCode::SecondConnectionId,
    ParameterCode::ConnectionMode,
    ParameterCode::LocalConnectionOptions,
    ParameterCode::SignalRequests,
    ParameterCode::RequestedEvents,
    ParameterCode::DigitMap,
    ParameterCode::RequestedInfo,
    ParameterCode::NotifiedEntity,
    ParameterCode::ConnectionParameters,
];

impl Ladder {
    /// Each message of a datagram.
    pub(super) fn mgcp(&mut self, frame: &Frame<'_>) {
        let messages: Vec<_> = datagram(frame.octets, &Limits::DEFAULT).collect();
        let of = messages.len();
        for (index, message) in messages.iter().enumerate() {
            let mut entry = match message {
                Ok(Message::Command(command)) => self.command(frame, command),
                Ok(Message::Response(response)) => self.response(frame, response),
                Err(error) => self.undecodable(frame, error),
            };
            entry.piggyback = (of > 1).then_some(Piggyback { place: index + 1, of });
            self.push(entry);
        }
    }

    fn undecodable(&mut self, frame: &Frame<'_>, error: &DecodeError) -> Entry {
        let mut entry = self.blank(frame, Protocol::Mgcp, EntryKind::Undecodable);
        entry.verdict = Verdict::Malformed;
        let id = error.transaction_id.map_or_else(String::new, |id| format!(" {id}"));
        let found = excerpt(error.found.as_bytes(), Found::LONGEST);
        let (offset, expected) = (error.offset, error.rule.expected());
        entry.summary = format!("MGCP{id} malformed at {offset}: found {found}, expected {expected}");
        entry
    }

    fn command(&mut self, frame: &Frame<'_>, command: &Command<'_>) -> Entry {
        let mut entry = self.blank(frame, Protocol::Mgcp, EntryKind::Command);
        let title = format!("{} {}", escape(command.verb.as_str()), command.transaction_id);
        entry.summary = format!("{title} {}", escape(&command.endpoint.to_string()));
        add_parameters(&mut entry.summary, &command.parameters, &[]);
        if let Some(sdp) = command.sdp {
            let described = add_description(&mut entry.summary, sdp);
            if let Some(described) = described {
                self.passed_on(&described);
            }
        }
        entry.endpoint = Some(escape(&command.endpoint.to_string()).to_string().to_ascii_lowercase());
        entry.call = command.call_id().map(|call| escape(call.as_str()).to_string());

        let key = (frame.from, command.transaction_id.get());
        let fingerprint = fingerprint(&Message::Command(*command));
        match self.transactions.get(&key) {
            Some(known) if known.fingerprint == fingerprint => {
                entry.transaction = Some(known.command);
                entry.repeats = Some(known.command);
            }
            _ => {
                entry.transaction = Some(entry.number);
                entry.memory = Memory::Transaction(key);
                let begun = Transaction {
                    command: entry.number,
                    title,
                    endpoint: entry.endpoint.clone(),
                    call: entry.call.clone(),
                    fingerprint,
                    responses: Vec::new(),
                };
                self.transactions.insert(key, begun);
            }
        }
        entry
    }

    fn response(&mut self, frame: &Frame<'_>, response: &Response<'_>) -> Entry {
        let mut entry = self.blank(frame, Protocol::Mgcp, EntryKind::Response);
        let code = response.code;
        entry.verdict = if code.is_response_ack() {
            Verdict::Neutral
        } else if code.is_provisional() {
            Verdict::Provisional
        } else if code.is_success() {
            Verdict::Success
        } else {
            Verdict::Failure
        };
        let requester = if code.is_response_ack() { frame.from } else { frame.to };
        let key = (requester, response.transaction_id.get());
        let fingerprint = fingerprint(&Message::Response(*response));
        let mut asked = "no such command".to_owned();
        if let Some(known) = self.transactions.get_mut(&key) {
            asked.clone_from(&known.title);
            entry.transaction = Some(known.command);
            entry.call.clone_from(&known.call);
            entry.endpoint.clone_from(&known.endpoint);
            // What was asked of "any of" is answered for one.
            if let Some(chosen) = response.specific_endpoint() {
                let chosen = escape(&chosen.to_string()).to_string().to_ascii_lowercase();
                known.endpoint = Some(chosen.clone());
                entry.endpoint = Some(chosen);
            }
            match known.responses.iter().find(|(said, _)| *said == fingerprint) {
                Some((_, number)) => entry.repeats = Some(*number),
                None if known.responses.len() < MOST_RESPONSES => {
                    known.responses.push((fingerprint, entry.number));
                }
                None => {}
            }
        }
        entry.summary = format!("{code} {} {} ({asked})", response.transaction_id, meaning(response));
        add_parameters(&mut entry.summary, &response.parameters, &[ParameterCode::NotifiedEntity]);
        for (index, sdp) in response.sdp.iter().flatten().enumerate() {
            let described = add_description(&mut entry.summary, sdp);
            match described {
                // The first one is the responder's own.
                Some(described) if index == 0 => self.announced(entry.from, &described),
                Some(described) => self.passed_on(&described),
                None => {}
            }
        }
        entry
    }
}

/// What the responder says, or what the code means.
fn meaning(response: &Response<'_>) -> String {
    match response.commentary.or(response.code.name()) {
        Some(text) => shortened(&escape(text).to_string(), 40),
        None => "unknown code".to_owned(),
    }
}

/// Adds ` M:sendrecv` and the like.
fn add_parameters(summary: &mut String, parameters: &Parameters<'_>, without: &[ParameterCode<'static>]) {
    for code in TELLING.iter().filter(|code| !without.contains(code)) {
        for value in parameters.all(*code).filter(|value| !value.is_empty()) {
            // Writing to a String cannot fail.
            let _ = write!(summary, " {code}:{}", shortened(&escape(value).to_string(), 48));
        }
    }
    let extensions = parameters.iter().filter(|Parameter { code, .. }| code.code().is_none()).count();
    if extensions > 0 {
        let _ = write!(summary, " +{extensions} ext");
    }
}

fn add_description(summary: &mut String, sdp: &[u8]) -> Option<media::Described> {
    match media::describe(sdp) {
        Ok(described) => {
            let _ = write!(summary, " SDP {described}");
            Some(described)
        }
        Err(error) => {
            let _ = write!(summary, " SDP malformed at {}", error.offset);
            None
        }
    }
}

/// FNV-1a over the message as we would write it: what differs in spelling only is the same message.
fn fingerprint(message: &Message<'_>) -> u64 {
    let mut text = Vec::new();
    encode(message, &mut text);
    text.iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, octet| (hash ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3))
}
