//! The writer of the binary form: messages, transactions, actions, commands. `descriptor`, `event` and `audit` write what stands in
//! them.

mod audit;
mod descriptor;
mod event;
mod reply;

use super::ber::Sink;
use super::value::{id, write_text};
use super::{Options, ValueForm};
use crate::error::EncodeError;
use crate::message::{
    Action, Address, AmmDescriptor, AmmRequest, AuditCommand, Body, Command, CommandBody, ContextProperties,
    ErrorDescriptor, Header, Message, Method, Mid, Name, NonStandard, Profile, Reply, ReplyResult, Segment,
    ServiceChange, ServiceTarget, TerminationId, Terminations, TimeStamp, Topology, TopologyDirection,
    Transaction, TransactionId, Version,
};

pub(super) type Written = Result<(), EncodeError>;

/// A sequence as an element of a list.
pub(super) const SEQUENCE: u8 = 0x30;

pub(super) struct Writer<'o, 'p> {
    pub(super) sink: Sink<'o>,
    pub(super) options: &'p Options,
    version: Version,
}

pub(super) fn message(message: &Message<'_>, options: &Options, out: &mut Vec<u8>) -> Written {
    let mut writer = Writer { sink: Sink { out }, options, version: message.version };
    writer.message(&message.header(), |writer| match &message.body {
        Body::Error(error) => {
            writer.error(0xa0, error);
            Ok(())
        }
        Body::Transactions(transactions) if transactions.is_empty() => {
            Err(EncodeError::Illegal { what: "a message without transactions" })
        }
        Body::Transactions(transactions) => writer.list(0xa1, transactions, Writer::transaction),
    })
}

pub(super) fn transaction(
    transaction: &Transaction<'_>,
    version: Version,
    options: &Options,
    out: &mut Vec<u8>,
) -> Written {
    Writer { sink: Sink { out }, options, version }.transaction(transaction)
}

pub(super) fn frame<'t>(
    header: &Header<'_>,
    transactions: impl Iterator<Item = &'t [u8]>,
    out: &mut Vec<u8>,
) -> Written {
    let mut writer = Writer { sink: Sink { out }, options: &Options::default(), version: header.version };
    writer.message(header, |writer| {
        let start = writer.sink.open(0xa1);
        transactions.for_each(|octets| writer.sink.out.extend_from_slice(octets));
        writer.sink.close(start);
        Ok(())
    })
}

impl Writer<'_, '_> {
    /// Refuses what the message's version does not have.
    pub(super) const fn needs(&self, needs: Version, what: &'static str) -> Written {
        if self.version.get() < needs.get() {
            return Err(EncodeError::Newer { what, needs: needs.get(), version: self.version.get() });
        }
        Ok(())
    }

    pub(super) const fn form(&self) -> ValueForm {
        self.options.values
    }

    /// A list: each item by `write`.
    pub(super) fn list<T>(
        &mut self,
        tag: u8,
        items: &[T],
        mut write: impl FnMut(&mut Self, &T) -> Written,
    ) -> Written {
        let start = self.sink.open(tag);
        items.iter().try_for_each(|item| write(self, item))?;
        self.sink.close(start);
        Ok(())
    }

    pub(super) fn optional(&mut self, tag: u8, number: Option<u32>) {
        if let Some(number) = number {
            self.sink.integer(tag, number.into());
        }
    }

    fn message(&mut self, header: &Header<'_>, write_body: impl FnOnce(&mut Self) -> Written) -> Written {
        let whole = self.sink.open(SEQUENCE);
        if let Some(header) = header.authentication {
            if !(12..=32).contains(&header.data.len()) {
                return Err(EncodeError::Illegal {
                    what: "authentication data of other than 12 to 32 octets",
                });
            }
            let start = self.sink.open(0xa0);
            self.sink.primitive(0x80, &header.index);
            self.sink.primitive(0x81, &header.sequence);
            self.sink.primitive(0x82, &header.data);
            self.sink.close(start);
        }
        let inner = self.sink.open(0xa1);
        self.sink.integer(0x80, header.version.get().into());
        let start = self.sink.open(0xa1);
        self.mid(&header.mid, 0);
        self.sink.close(start);
        let body = self.sink.open(0xa2);
        write_body(self)?;
        self.sink.close(body);
        self.sink.close(inner);
        self.sink.close(whole);
        Ok(())
    }

    /// `MId`, or with `shift` 1 the same alternatives of `ServiceChangeAddress`.
    fn mid(&mut self, mid: &Mid<'_>, shift: u8) {
        let (number, octets, port): (u8, &[u8], _) = match mid {
            Mid::Ip4(address, port) => (0, address, *port),
            Mid::Ip6(address, port) => (1, address, *port),
            Mid::Domain(name, port) => (2, name.as_str().as_bytes(), *port),
            Mid::Device(name) => return self.sink.primitive(0x83 + shift, name.as_str().as_bytes()),
            Mid::Mtp(address) => return self.sink.primitive(0x84 + shift, address.as_bytes()),
        };
        let start = self.sink.open(0xa0 + number + shift);
        self.sink.primitive(0x80, octets);
        self.optional(0x81, port.map(Into::into));
        self.sink.close(start);
    }

    fn transaction(&mut self, transaction: &Transaction<'_>) -> Written {
        match transaction {
            Transaction::Request(request) => {
                if request.actions.is_empty() || request.id == TransactionId::UNREADABLE {
                    return Err(EncodeError::Illegal {
                        what: "a request without actions or with the number 0",
                    });
                }
                let start = self.sink.open(0xa0);
                self.sink.integer(0x80, request.id.get().into());
                self.list(0xa1, &request.actions, Self::action)?;
                self.sink.close(start);
            }
            Transaction::Pending(id) => {
                let start = self.sink.open(0xa1);
                self.sink.integer(0x80, id.get().into());
                self.sink.close(start);
            }
            Transaction::Reply(reply) => self.reply(reply)?,
            Transaction::Acknowledgement(ranges) => {
                if ranges.is_empty() {
                    return Err(EncodeError::Illegal { what: "an acknowledgement of nothing" });
                }
                self.list(0xa3, ranges, |writer, range| {
                    let start = writer.sink.open(SEQUENCE);
                    writer.sink.integer(0x80, range.first.get().into());
                    writer.optional(0x81, range.last.map(TransactionId::get));
                    writer.sink.close(start);
                    Ok(())
                })?;
            }
            Transaction::Segment(id, segment) => {
                self.needs(Version::V3, "the acknowledgement of a segment")?;
                let start = self.sink.open(0xa4);
                self.sink.integer(0x80, id.get().into());
                self.segment(*segment, 0x81);
                self.sink.close(start);
            }
        }
        Ok(())
    }

    fn segment(&mut self, segment: Segment, tag: u8) {
        self.sink.integer(tag, segment.number.into());
        if segment.is_last {
            self.sink.null(tag + 1);
        }
    }

    fn reply(&mut self, reply: &Reply<'_>) -> Written {
        let start = self.sink.open(0xa2);
        self.sink.integer(0x80, reply.id.get().into());
        if reply.is_ack_required {
            self.sink.null(0x81);
        }
        let result = self.sink.open(0xa2);
        match &reply.result {
            ReplyResult::Error(error) => self.error(0xa0, error),
            ReplyResult::Actions(actions) if actions.is_empty() => {
                return Err(EncodeError::Illegal { what: "a reply without actions" });
            }
            ReplyResult::Actions(actions) => self.list(0xa1, actions, Self::action_reply)?,
        }
        self.sink.close(result);
        if let Some(segment) = reply.segment {
            self.needs(Version::V3, "a reply in segments")?;
            self.segment(segment, 0x83);
        }
        self.sink.close(start);
        Ok(())
    }

    pub(super) fn error(&mut self, tag: u8, error: &ErrorDescriptor<'_>) {
        let start = self.sink.open(tag);
        self.sink.integer(0x80, error.code.get().into());
        if let Some(text) = error.text {
            self.sink.primitive(0x81, text.as_bytes());
        }
        self.sink.close(start);
    }

    fn action(&mut self, action: &Action<'_>) -> Written {
        if action.properties.is_none() && action.audit.is_none() && action.commands.is_empty() {
            return Err(EncodeError::Illegal { what: "an action without anything in it" });
        }
        let start = self.sink.open(SEQUENCE);
        self.sink.integer(0x80, action.context.get().into());
        if let Some(properties) = &action.properties {
            self.context_properties(0xa1, properties)?;
        }
        if let Some(audit) = &action.audit {
            self.context_audit(audit)?;
        }
        self.list(0xa3, &action.commands, Self::command)?;
        self.sink.close(start);
        Ok(())
    }

    pub(super) fn context_properties(&mut self, tag: u8, properties: &ContextProperties<'_>) -> Written {
        let start = self.sink.open(tag);
        self.optional(0x80, properties.priority.map(Into::into));
        if let Some(emergency) = properties.emergency {
            if !emergency {
                self.needs(Version::V2, "EmergencyOff")?;
            }
            self.sink.boolean(0x81, emergency);
        }
        if !properties.topology.is_empty() {
            self.list(0xa2, &properties.topology, Self::topology)?;
        }
        if let Some(ieps) = properties.ieps {
            self.needs(Version::V3, "the mark of the emergency preparedness scheme")?;
            self.sink.boolean(0x83, ieps);
        }
        if !properties.properties.is_empty() {
            self.needs(Version::V3, "a property of a context")?;
            self.list(0xa4, &properties.properties, |writer, property| writer.property(SEQUENCE, property))?;
        }
        if !properties.contexts.is_empty() {
            self.needs(Version::V3, "a list of contexts")?;
            self.list(0xa5, &properties.contexts, |writer, context| {
                writer.sink.integer(0x02, context.get().into());
                Ok(())
            })?;
        }
        self.sink.close(start);
        Ok(())
    }

    fn topology(&mut self, triple: &Topology<'_>) -> Written {
        let start = self.sink.open(SEQUENCE);
        self.termination(0xa0, &triple.from)?;
        self.termination(0xa1, &triple.to)?;
        // The two directions of version 3 are told by a member of their own; the one for all versions is the nearest.
        let (direction, extension) = match triple.direction {
            TopologyDirection::Bothway => (0, None),
            TopologyDirection::Isolate => (1, None),
            TopologyDirection::Oneway => (2, None),
            TopologyDirection::OnewayExternal => (2, Some(0)),
            TopologyDirection::OnewayBoth => (2, Some(1)),
        };
        self.sink.primitive(0x82, &[direction]);
        if let Some(stream) = triple.stream {
            self.needs(Version::V2, "topology of a stream")?;
            self.sink.integer(0x83, stream.0.into());
        }
        if let Some(extension) = extension {
            self.needs(Version::V3, "the direction of a topology")?;
            self.sink.primitive(0x84, &[extension]);
        }
        self.sink.close(start);
        Ok(())
    }

    pub(super) fn termination(&mut self, tag: u8, termination: &TerminationId<'_>) -> Written {
        let Some(binary) = self.options.plan.to_binary(termination) else {
            return Err(EncodeError::Unmapped { what: "termination", name: termination.as_str().to_owned() });
        };
        let start = self.sink.open(tag);
        let wildcards = self.sink.open(0xa0);
        for wildcard in binary.wildcards() {
            self.sink.primitive(0x04, &[*wildcard]);
        }
        self.sink.close(wildcards);
        self.sink.primitive(0x81, binary.id());
        self.sink.close(start);
        Ok(())
    }

    /// Terminations of a command; more than one needs version 3.
    pub(super) fn terminations(&mut self, terminations: &Terminations<'_>) -> Written {
        if !terminations.others.is_empty() {
            self.needs(Version::V3, "a list of terminations")?;
        }
        self.any_terminations(0xa0, terminations)
    }

    pub(super) fn any_terminations(&mut self, tag: u8, terminations: &Terminations<'_>) -> Written {
        let start = self.sink.open(tag);
        terminations.iter().try_for_each(|termination| self.termination(SEQUENCE, termination))?;
        self.sink.close(start);
        Ok(())
    }

    fn command(&mut self, command: &Command<'_>) -> Written {
        let start = self.sink.open(SEQUENCE);
        let choice = self.sink.open(0xa0);
        match &command.body {
            CommandBody::Add(request) => self.amm_request(0xa0, request)?,
            CommandBody::Move(request) => self.amm_request(0xa1, request)?,
            CommandBody::Modify(request) => self.amm_request(0xa2, request)?,
            CommandBody::Subtract(request) => {
                let start = self.sink.open(0xa3);
                self.terminations(&request.terminations)?;
                if let Some(audit) = &request.audit {
                    self.audit_descriptor(0xa1, audit)?;
                }
                self.sink.close(start);
            }
            CommandBody::AuditCapabilities(request) => self.audit_command(0xa4, request)?,
            CommandBody::AuditValue(request) => self.audit_command(0xa5, request)?,
            CommandBody::Notify(request) => {
                let start = self.sink.open(0xa6);
                self.terminations(&request.terminations)?;
                self.observed_events(0xa1, &request.observed)?;
                if let Some(error) = &request.error {
                    self.error(0xa2, error);
                }
                self.sink.close(start);
            }
            CommandBody::ServiceChange(terminations, change) => {
                let start = self.sink.open(0xa7);
                self.terminations(terminations)?;
                self.service_change(change)?;
                self.sink.close(start);
            }
        }
        self.sink.close(choice);
        if command.is_optional {
            self.sink.null(0x81);
        }
        if command.is_wildcard_reply {
            self.sink.null(0x82);
        }
        self.sink.close(start);
        Ok(())
    }

    fn audit_command(&mut self, tag: u8, request: &AuditCommand<'_>) -> Written {
        let start = self.sink.open(tag);
        self.termination(0xa0, &request.terminations.first)?;
        self.audit_descriptor(0xa1, &request.audit)?;
        if !request.terminations.others.is_empty() {
            self.needs(Version::V3, "a list of terminations")?;
            self.any_terminations(0xa2, &request.terminations)?;
        }
        self.sink.close(start);
        Ok(())
    }

    fn amm_request(&mut self, tag: u8, request: &AmmRequest<'_>) -> Written {
        let start = self.sink.open(tag);
        self.terminations(&request.terminations)?;
        let list = self.sink.open(0xa1);
        let mut seen = 0;
        for descriptor in &request.descriptors {
            if seen & descriptor.bit() != 0 {
                return Err(EncodeError::Illegal { what: "a descriptor twice in a command" });
            }
            seen |= descriptor.bit();
            // The numbers of replies are one higher, but for statistics.
            if let AmmDescriptor::Statistics(statistics) = descriptor {
                self.needs(Version::V3, "statistics in a command")?;
                self.statistics(0xa8, statistics)?;
            } else {
                self.descriptor(descriptor, 0xa0)?;
            }
        }
        if let Some(audit) = &request.audit {
            self.audit_descriptor(0xa7, audit)?;
        }
        self.sink.close(list);
        self.sink.close(start);
        Ok(())
    }

    fn service_change(&mut self, change: &ServiceChange<'_>) -> Written {
        let start = self.sink.open(0xa1);
        let method = match change.method {
            Method::Failover => 0,
            Method::Forced => 1,
            Method::Graceful => 2,
            Method::Restart => 3,
            Method::Disconnected => 4,
            Method::HandOff => 5,
            Method::Extension(_) => {
                return Err(EncodeError::Form {
                    what: "a method of an extension",
                    why: "binary has no name for it",
                });
            }
        };
        self.sink.primitive(0x80, &[method]);
        if let Some(ServiceTarget::Address(address)) = change.target {
            self.address(address);
        }
        self.optional(0x82, change.version.map(|version| version.get().into()));
        if let Some(profile) = change.profile {
            self.profile(profile);
        }
        let reason = self.sink.open(0xa4);
        write_text(&mut self.sink, change.reason.as_str().as_bytes(), self.options.values);
        self.sink.close(reason);
        self.optional(0x85, change.delay);
        if let Some(ServiceTarget::Mgc(mid)) = change.target {
            self.explicit_mid(0xa6, &mid);
        }
        if let Some(time) = change.time {
            self.time(0xa7, time);
        }
        if let Some(non_standard) = &change.non_standard {
            self.non_standard(0xa8, non_standard)?;
        }
        if let Some(info) = &change.info {
            self.needs(Version::V2, "what changed, in a service change")?;
            self.audit_descriptor(0xa9, info)?;
        }
        if change.is_incomplete {
            self.needs(Version::V3, "an incomplete service change")?;
            self.sink.null(0x8a);
        }
        self.sink.close(start);
        Ok(())
    }

    pub(super) fn explicit_mid(&mut self, tag: u8, mid: &Mid<'_>) {
        let start = self.sink.open(tag);
        self.mid(mid, 0);
        self.sink.close(start);
    }

    pub(super) fn address(&mut self, address: Address<'_>) {
        let start = self.sink.open(0xa1);
        match address {
            Address::Port(port) => self.sink.integer(0x80, port.into()),
            Address::Mid(mid) => self.mid(&mid, 1),
        }
        self.sink.close(start);
    }

    pub(super) fn profile(&mut self, profile: Profile<'_>) {
        let start = self.sink.open(0xa3);
        let name = self.sink.open(0x80);
        self.sink.out.extend_from_slice(profile.name.as_str().as_bytes());
        self.sink.out.push(b'/');
        crate::package::write_number(profile.version.get().into(), self.sink.out);
        self.sink.close(name);
        self.sink.close(start);
    }

    pub(super) fn time(&mut self, tag: u8, time: TimeStamp) {
        let start = self.sink.open(tag);
        self.sink.primitive(0x80, time.date());
        self.sink.primitive(0x81, time.time());
        self.sink.close(start);
    }

    pub(super) fn non_standard(&mut self, tag: u8, non_standard: &NonStandard<'_>) -> Written {
        use crate::message::Setting;
        let (name, value) = match non_standard {
            NonStandard::Binary(contents) => {
                self.sink.primitive(tag, contents);
                return Ok(());
            }
            NonStandard::Extension(name, Setting::One(value)) => (name, value),
            NonStandard::Extension(..) => {
                return Err(EncodeError::Form {
                    what: "an extension that is not one value",
                    why: "binary has one octet string for it",
                });
            }
        };
        let start = self.sink.open(tag);
        let identifier = self.sink.open(0xa0);
        let mut padded = [b' '; 8];
        padded.iter_mut().zip(name.as_str().bytes()).for_each(|(to, from)| *to = from);
        self.sink.primitive(0x82, &padded);
        self.sink.close(identifier);
        let data = self.sink.out.len();
        super::value::write(&mut self.sink, value, crate::package::Type::None, self.options.values)?;
        if let Some(octet) = self.sink.out.get_mut(data) {
            *octet = 0x81;
        }
        self.sink.close(start);
        Ok(())
    }

    pub(super) fn map_name(&mut self, tag: u8, name: Name<'_>) -> Written {
        let known = match name {
            Name::Text(text) => {
                self.options.digit_maps.iter().find(|(known, _)| known.eq_ignore_ascii_case(text.as_str()))
            }
            Name::Id(_) | Name::All => None,
        };
        let id = match known {
            Some((_, known)) => *known,
            None => id("digit map", name)?,
        };
        self.sink.primitive(tag, &id.to_be_bytes());
        Ok(())
    }
}
