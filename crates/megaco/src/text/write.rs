//! The writer of text: messages, transactions, actions, commands. `reply`, `descriptor`, `event`, `audit` and `service` write what stands in them; `layout` is
//! what stands between lines of pretty text.
//!
//! One walk over the model for both layouts: [`Writer`] knows what stands between tokens.

mod audit;
mod descriptor;
mod event;
mod layout;
mod reply;
mod service;

use std::io::Write as _;

use self::layout::{closing, line};
use super::{Layout, NoSignals, Style};
use crate::error::EncodeError;
use crate::message::{
    Action, AmmDescriptor, AmmRequest, AuditDescriptor, Body, Command, CommandBody, ContextId,
    ContextProperties, ErrorDescriptor, Header, Message, Mid, Reply, ReplyResult, Segment, TerminationId,
    Terminations, TimeStamp, TopologyDirection, Transaction, TransactionId, Version,
};
use crate::package::{write_hexadecimal, write_number};
use crate::token::Token;

pub(super) type Written = Result<(), EncodeError>;

pub(super) struct Writer<'o> {
    out: &'o mut Vec<u8>,
    is_pretty: bool,
    no_signals: NoSignals,
    version: Version,
    depth: usize,
    /// Whether the next item of the innermost braces is the first.
    is_first: bool,
}

pub(super) fn message(message: &Message<'_>, style: Style, out: &mut Vec<u8>) -> Written {
    Writer::new(message.version, style, out).message(message)
}

pub(super) fn transaction(
    transaction: &Transaction<'_>,
    version: Version,
    style: Style,
    out: &mut Vec<u8>,
) -> Written {
    Writer::new(version, style, out).transaction(transaction)
}

pub(super) fn header(header: &Header<'_>, style: Style, out: &mut Vec<u8>) {
    Writer::new(header.version, style, out).header(header);
}

impl<'o> Writer<'o> {
    fn new(version: Version, style: Style, out: &'o mut Vec<u8>) -> Self {
        Self {
            out,
            is_pretty: style.layout == Layout::Pretty,
            no_signals: style.no_signals,
            version,
            depth: 0,
            is_first: true,
        }
    }
}

impl Writer<'_> {
    /// Refuses what the message's version does not have.
    pub(super) const fn needs(&self, needs: Version, what: &'static str) -> Written {
        if self.version.get() < needs.get() {
            return Err(EncodeError::Newer { what, needs: needs.get(), version: self.version.get() });
        }
        Ok(())
    }

    #[inline]
    pub(super) fn raw(&mut self, text: &[u8]) {
        self.out.extend_from_slice(text);
    }

    /// One of two texts, whose lengths are known here: each is copied at once, where a choice between them would be a copy of any length.
    #[inline]
    fn either<const P: usize, const C: usize>(&mut self, pretty: &[u8; P], compact: &[u8; C]) {
        if self.is_pretty {
            self.out.extend_from_slice(pretty);
        } else {
            self.out.extend_from_slice(compact);
        }
    }

    #[inline]
    pub(super) fn token(&mut self, token: Token) {
        let text = if self.is_pretty { token.long() } else { token.short() };
        self.raw(text.as_bytes());
    }

    #[inline]
    pub(super) fn equal(&mut self) {
        self.either(b" = ", b"=");
    }

    pub(super) fn number(&mut self, number: u32) {
        write_number(number, self.out);
    }

    pub(super) fn open(&mut self) {
        self.either(b" {", b"{");
        self.depth += 1;
        self.is_first = true;
    }

    pub(super) fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        if self.is_pretty {
            self.raw(closing(self.depth));
        } else {
            self.raw(b"}");
        }
        self.is_first = false;
    }

    /// Braces around nothing.
    pub(super) fn braces(&mut self) {
        self.either(b" { }", b"{}");
    }

    /// Begins an item of the innermost braces.
    pub(super) fn item(&mut self) {
        if self.is_pretty {
            self.raw(line(self.depth, usize::from(self.is_first)));
        } else if !self.is_first {
            self.raw(b",");
        }
        self.is_first = false;
    }

    /// Begins an item that is `token`.
    pub(super) fn item_token(&mut self, token: Token) {
        self.item();
        self.token(token);
    }

    /// Begins an item that is `token =`.
    pub(super) fn item_equal(&mut self, token: Token) {
        self.item_token(token);
        self.equal();
    }

    pub(super) fn item_number(&mut self, token: Token, number: Option<u32>) {
        if let Some(number) = number {
            self.item_equal(token);
            self.number(number);
        }
    }

    fn header(&mut self, header: &Header<'_>) {
        if let Some(header) = header.authentication {
            self.token(Token::Authentication);
            self.raw(b"=");
            for (octets, end) in
                [(&header.index[..], ":"), (&header.sequence, ":"), (header.data.as_ref(), "\n")]
            {
                self.raw(b"0x");
                self.hexadecimal(octets);
                self.raw(end.as_bytes());
            }
        }
        self.token(Token::Megaco);
        self.raw(b"/");
        self.number(header.version.get().into());
        self.raw(b" ");
        self.mid(&header.mid);
        self.raw(b"\n");
    }

    fn message(&mut self, message: &Message<'_>) -> Written {
        self.header(&message.header());
        match &message.body {
            Body::Error(error) => self.error(error),
            Body::Transactions(transactions) => {
                if transactions.is_empty() {
                    return Err(EncodeError::Illegal { what: "a message without transactions" });
                }
                for (place, transaction) in transactions.iter().enumerate() {
                    if place > 0 && self.is_pretty {
                        self.raw(b"\n");
                    }
                    self.transaction(transaction)?;
                    // No brace ends this one: without a space the next would be part of its number.
                    let is_last = place + 1 == transactions.len();
                    if matches!(transaction, Transaction::Segment(..)) && !is_last && !self.is_pretty {
                        self.raw(b" ");
                    }
                }
                Ok(())
            }
        }
    }

    pub(super) fn hexadecimal(&mut self, octets: &[u8]) {
        write_hexadecimal(octets, self.out);
    }

    fn port(&mut self, port: Option<u16>) {
        if let Some(port) = port {
            self.raw(b":");
            self.number(port.into());
        }
    }

    fn mid(&mut self, mid: &Mid<'_>) {
        match mid {
            Mid::Ip4([first, second, third, fourth], port) => {
                self.raw(b"[");
                self.number((*first).into());
                for octet in [second, third, fourth] {
                    self.raw(b".");
                    self.number((*octet).into());
                }
                self.raw(b"]");
                self.port(*port);
            }
            Mid::Ip6(address, port) => {
                // Writing to memory cannot fail.
                let _ = write!(self.out, "[{}]", std::net::Ipv6Addr::from(*address));
                self.port(*port);
            }
            Mid::Domain(name, port) => {
                self.raw(b"<");
                self.raw(name.as_str().as_bytes());
                self.raw(b">");
                self.port(*port);
            }
            Mid::Device(name) => self.raw(name.as_str().as_bytes()),
            Mid::Mtp(address) => {
                self.raw(b"MTP{");
                self.hexadecimal(address.as_bytes());
                self.raw(b"}");
            }
        }
    }

    fn transaction(&mut self, transaction: &Transaction<'_>) -> Written {
        match transaction {
            Transaction::Request(request) => {
                if request.actions.is_empty() || request.id == TransactionId::UNREADABLE {
                    return Err(EncodeError::Illegal {
                        what: "a request without actions or with the number 0",
                    });
                }
                self.token(Token::Transaction);
                self.equal();
                self.number(request.id.get());
                self.open();
                for action in &request.actions {
                    self.action(action)?;
                }
                self.close();
            }
            Transaction::Reply(reply) => self.reply(reply)?,
            Transaction::Pending(id) => {
                self.token(Token::Pending);
                self.equal();
                self.number(id.get());
                self.braces();
            }
            Transaction::Acknowledgement(ranges) => {
                if ranges.is_empty() {
                    return Err(EncodeError::Illegal { what: "an acknowledgement of nothing" });
                }
                self.token(Token::ResponseAck);
                self.open();
                for range in ranges {
                    self.item();
                    self.number(range.first.get());
                    if let Some(last) = range.last {
                        self.raw(b"-");
                        self.number(last.get());
                    }
                }
                self.close();
            }
            Transaction::Segment(id, segment) => {
                self.needs(Version::V3, "the acknowledgement of a segment")?;
                self.token(Token::Segment);
                self.equal();
                self.number(id.get());
                self.segment(*segment);
            }
        }
        Ok(())
    }

    fn segment(&mut self, segment: Segment) {
        self.raw(b"/");
        self.number(segment.number.into());
        if segment.is_last {
            self.raw(if self.is_pretty { b"/END" } else { b"/&" });
        }
    }

    fn reply(&mut self, reply: &Reply<'_>) -> Written {
        self.token(Token::Reply);
        self.equal();
        self.number(reply.id.get());
        if let Some(segment) = reply.segment {
            self.needs(Version::V3, "a reply in segments")?;
            self.segment(segment);
        }
        self.open();
        if reply.is_ack_required {
            self.item_token(Token::ImmAckRequired);
        }
        match &reply.result {
            ReplyResult::Error(error) => {
                self.item();
                self.error(error)?;
            }
            ReplyResult::Actions(actions) if actions.is_empty() => {
                return Err(EncodeError::Illegal { what: "a reply without actions" });
            }
            ReplyResult::Actions(actions) => {
                for action in actions {
                    self.action_reply(action)?;
                }
            }
        }
        self.close();
        Ok(())
    }

    pub(super) fn error(&mut self, error: &ErrorDescriptor<'_>) -> Written {
        if error.code.get() > 9999 {
            return Err(EncodeError::Form { what: "an error code", why: "text has four digits at most" });
        }
        self.token(Token::Error);
        self.equal();
        self.number(error.code.get().into());
        self.either(b" {", b"{");
        if let Some(text) = error.text {
            self.quoted(text)?;
        }
        self.raw(b"}");
        Ok(())
    }

    pub(super) fn quoted(&mut self, text: &str) -> Written {
        if text.bytes().any(|byte| matches!(byte, b'"' | b'\r' | b'\n' | 0)) {
            return Err(EncodeError::Form {
                what: "a string with a double quote, a line end or an octet of zero",
                why: "Annex B.2 has no escape for them",
            });
        }
        self.raw(b"\"");
        self.raw(text.as_bytes());
        self.raw(b"\"");
        Ok(())
    }

    fn context(&mut self, context: ContextId) {
        self.item_equal(Token::Context);
        self.context_id(context);
    }

    fn context_id(&mut self, context: ContextId) {
        match context {
            ContextId::NULL => self.raw(b"-"),
            ContextId::CHOOSE => self.raw(b"$"),
            ContextId::ALL => self.raw(b"*"),
            other => self.number(other.get()),
        }
    }

    fn action(&mut self, action: &Action<'_>) -> Written {
        self.context(action.context);
        self.open();
        if let Some(properties) = &action.properties {
            self.context_properties(properties)?;
        }
        if let Some(audit) = &action.audit {
            self.context_audit(audit)?;
        }
        for command in &action.commands {
            self.command(command)?;
        }
        if self.is_first {
            return Err(EncodeError::Illegal { what: "an action without anything in it" });
        }
        self.close();
        Ok(())
    }

    fn context_properties(&mut self, properties: &ContextProperties<'_>) -> Written {
        self.item_number(Token::Priority, properties.priority.map(Into::into));
        match properties.emergency {
            Some(true) => self.item_token(Token::Emergency),
            Some(false) => {
                self.needs(Version::V2, "EmergencyOff")?;
                if self.is_pretty && self.version == Version::V2 {
                    // Version 2 calls it so.
                    self.item();
                    self.raw(b"EmergencyOffToken");
                } else {
                    self.item_token(Token::EmergencyOff);
                }
            }
            None => {}
        }
        if !properties.topology.is_empty() {
            self.item_token(Token::Topology);
            self.open();
            for triple in &properties.topology {
                self.item();
                self.termination(&triple.from);
                self.raw(b",");
                self.termination(&triple.to);
                self.raw(b",");
                self.token(self.topology_direction(triple.direction)?);
                if let Some(stream) = triple.stream {
                    self.needs(Version::V2, "topology of a stream")?;
                    self.raw(b",");
                    self.token(Token::Stream);
                    self.raw(b"=");
                    self.number(stream.0.into());
                }
            }
            self.close();
        }
        if let Some(ieps) = properties.ieps {
            self.needs(Version::V3, "the mark of the emergency preparedness scheme")?;
            self.item_equal(Token::Ieps);
            self.token(if ieps { Token::On } else { Token::Off });
        }
        if !properties.properties.is_empty() {
            self.needs(Version::V3, "a property of a context")?;
            self.item_token(Token::ContextAttr);
            self.open();
            self.properties(&properties.properties)?;
            self.close();
        }
        if !properties.contexts.is_empty() {
            self.needs(Version::V3, "a list of contexts")?;
            self.item_token(Token::ContextAttr);
            self.open();
            self.item_equal(Token::ContextList);
            self.open();
            for context in &properties.contexts {
                self.item();
                self.context_id(*context);
            }
            self.close();
            self.close();
        }
        Ok(())
    }

    fn topology_direction(&self, direction: TopologyDirection) -> Result<Token, EncodeError> {
        let token = match direction {
            TopologyDirection::Bothway => return Ok(Token::Bothway),
            TopologyDirection::Isolate => return Ok(Token::Isolate),
            TopologyDirection::Oneway => return Ok(Token::Oneway),
            TopologyDirection::OnewayExternal => Token::OnewayExternal,
            TopologyDirection::OnewayBoth => Token::OnewayBoth,
        };
        self.needs(Version::V3, "the direction of a topology")?;
        Ok(token)
    }

    pub(super) fn termination(&mut self, termination: &TerminationId<'_>) {
        self.raw(termination.as_bytes());
    }

    fn terminations(&mut self, terminations: &Terminations<'_>) -> Written {
        if terminations.others.is_empty() {
            self.termination(&terminations.first);
            return Ok(());
        }
        self.needs(Version::V3, "a list of terminations")?;
        self.raw(b"[");
        self.listed(terminations);
        self.raw(b"]");
        Ok(())
    }

    pub(super) fn listed(&mut self, terminations: &Terminations<'_>) {
        self.termination(&terminations.first);
        for other in &terminations.others {
            self.raw(b",");
            self.termination(other);
        }
    }

    fn command(&mut self, command: &Command<'_>) -> Written {
        self.item();
        if command.is_optional {
            self.raw(b"O-");
        }
        if command.is_wildcard_reply {
            self.raw(b"W-");
        }
        match &command.body {
            CommandBody::Add(request) => self.amm_request(Token::Add, request),
            CommandBody::Move(request) => self.amm_request(Token::Move, request),
            CommandBody::Modify(request) => self.amm_request(Token::Modify, request),
            CommandBody::Subtract(request) => {
                self.command_start(Token::Subtract, &request.terminations)?;
                match &request.audit {
                    Some(audit) => self.braced_audit(audit),
                    None => Ok(()),
                }
            }
            CommandBody::AuditValue(request) => {
                self.command_start(Token::AuditValue, &request.terminations)?;
                self.braced_audit(&request.audit)
            }
            CommandBody::AuditCapabilities(request) => {
                self.command_start(Token::AuditCapability, &request.terminations)?;
                self.braced_audit(&request.audit)
            }
            CommandBody::Notify(request) => {
                self.command_start(Token::Notify, &request.terminations)?;
                self.open();
                self.observed_events(&request.observed)?;
                if let Some(error) = &request.error {
                    self.item();
                    self.error(error)?;
                }
                self.close();
                Ok(())
            }
            CommandBody::ServiceChange(terminations, change) => {
                self.command_start(Token::ServiceChange, terminations)?;
                self.service_change(change)
            }
        }
    }

    fn command_start(&mut self, token: Token, terminations: &Terminations<'_>) -> Written {
        self.token(token);
        self.equal();
        self.terminations(terminations)
    }

    fn braced_audit(&mut self, audit: &AuditDescriptor<'_>) -> Written {
        self.open();
        self.audit_descriptor(audit)?;
        self.close();
        Ok(())
    }

    fn amm_request(&mut self, token: Token, request: &AmmRequest<'_>) -> Written {
        self.command_start(token, &request.terminations)?;
        if request.descriptors.is_empty() && request.audit.is_none() {
            return Ok(());
        }
        self.open();
        let mut seen = 0;
        for descriptor in &request.descriptors {
            if seen & descriptor.bit() != 0 {
                return Err(EncodeError::Illegal { what: "a descriptor twice in a command" });
            }
            seen |= descriptor.bit();
            if matches!(descriptor, AmmDescriptor::Statistics(_)) {
                self.needs(Version::V3, "statistics in a command")?;
            }
            self.descriptor(descriptor)?;
        }
        if let Some(audit) = &request.audit {
            self.audit_descriptor(audit)?;
        }
        self.close();
        Ok(())
    }

    pub(super) fn time(&mut self, time: TimeStamp) {
        self.raw(time.date());
        self.raw(b"T");
        self.raw(time.time());
    }
}
