//! Actions, commands and their replies from BER.

use super::Reader;
use crate::binary::ber::{Element, Parsed};
use crate::error::{Rule, Scope};
use crate::message::{
    Action, ActionReply, AmmDescriptor, AmmRequest, AuditCommand, AuditItems, AuditResult, AuditReturn,
    Command, CommandBody, CommandReply, ContextId, ContextProperties, NotifyRequest, StreamId,
    SubtractRequest, TerminationId, TerminationReply, Terminations, Topology, TopologyDirection,
};

impl<'a> Reader<'a> {
    pub(super) fn action(&mut self, element: Element<'a>) -> Parsed<Action<'a>> {
        self.enter(Scope::Action);
        let mut members = element.members(self.depth())?;
        let context = members.read(0, |member| member.unsigned32())?.map(ContextId::new);
        let properties = members.read(1, |member| self.context_properties(member).map(Box::new))?;
        let audit = members.read(2, |member| self.context_audit(member).map(Box::new))?;
        let commands = members.read(3, |member| self.level().sequences(member, Self::command))?;
        members.close()?;
        match (context, commands) {
            (Some(context), Some(commands)) => {
                let is_empty = commands.is_empty() && audit.is_none() && properties.is_none();
                if is_empty && self.faults.is_none() {
                    return element.fault(Rule::EmptyAction);
                }
                Ok(Action { context, properties, audit, commands })
            }
            _ => element.fault(Rule::BerMember),
        }
    }

    fn context_properties(&mut self, element: Element<'a>) -> Parsed<ContextProperties<'a>> {
        let mut members = element.members(self.depth())?;
        let mut properties = ContextProperties::default();
        while let Some((number, member)) = members.next()? {
            match number {
                0 => match member.small(15) {
                    Ok(priority) => properties.priority = Some(priority),
                    Err(_) => return member.fault(Rule::Priority),
                },
                1 => properties.emergency = Some(member.boolean()?),
                2 => properties.topology = self.sequences(member, Self::topology)?,
                3 => properties.ieps = Some(member.boolean()?),
                4 => properties.properties = self.sequences(member, Self::property)?,
                5 => {
                    let mut contexts = Vec::new();
                    self.each(member, |_, element| {
                        contexts.push(ContextId::new(element.unsigned32()?));
                        Ok(())
                    })?;
                    properties.contexts = contexts;
                }
                _ => {}
            }
        }
        Ok(properties)
    }

    fn topology(&mut self, element: Element<'a>) -> Parsed<Topology<'a>> {
        let mut members = element.members(self.depth())?;
        let (mut from, mut to, mut direction, mut stream) = (None, None, None, None);
        while let Some((number, member)) = members.next()? {
            match number {
                0 => from = Some(self.termination(member)?),
                1 => to = Some(self.termination(member)?),
                2 => {
                    direction = Some(match member.small(2)? {
                        0 => TopologyDirection::Bothway,
                        1 => TopologyDirection::Isolate,
                        _ => TopologyDirection::Oneway,
                    });
                }
                3 => stream = Some(StreamId(member.unsigned16()?)),
                4 => {
                    direction = Some(match member.small(1)? {
                        0 => TopologyDirection::OnewayExternal,
                        _ => TopologyDirection::OnewayBoth,
                    });
                }
                _ => {}
            }
        }
        match (from, to, direction) {
            (Some(from), Some(to), Some(direction)) => Ok(Topology { from, to, direction, stream }),
            _ => element.fault(Rule::Topology),
        }
    }

    pub(super) fn termination(&mut self, element: Element<'a>) -> Parsed<TerminationId<'a>> {
        // Nearly all are so: no wildcards, and the identifier.
        let contents = element.constructed()?.rest;
        let read = match contents {
            [0xa0, 0, 0x81, length, id @ ..] if usize::from(*length) == id.len() => {
                self.options.plan.name_of(id, &[])
            }
            _ => self.wild_termination(element)?,
        };
        match read {
            Some(termination) => Ok(termination),
            None => element.fault(Rule::TerminationPlan),
        }
    }

    /// A termination as Annex A prints it, wildcards and extensions included.
    fn wild_termination(&mut self, element: Element<'a>) -> Parsed<Option<TerminationId<'a>>> {
        let mut members = element.members(self.depth())?;
        let mut id = None;
        let mut wildcards = [0; 8];
        let mut count = 0;
        while let Some((number, member)) = members.next()? {
            match number {
                0 => {
                    let mut fields = member.constructed()?;
                    while let Some(field) = fields.next(self.depth())? {
                        match (field.primitive()?, wildcards.get_mut(count)) {
                            ([octet], Some(slot)) if field.tag == 0x04 => *slot = *octet,
                            _ => return field.fault(Rule::TerminationPlan),
                        }
                        count += 1;
                    }
                }
                1 => id = Some(member.primitive()?),
                _ => {}
            }
        }
        let wildcards = wildcards.get(..count).unwrap_or_default();
        Ok(id.and_then(|id| self.options.plan.name_of(id, wildcards)))
    }

    pub(super) fn terminations(&mut self, element: Element<'a>) -> Parsed<Terminations<'a>> {
        let mut octets = element.constructed()?;
        let mut all: Option<Terminations<'a>> = None;
        while let Some(item) = octets.next(self.depth())? {
            if item.tag != 0x30 {
                return item.fault(Rule::BerType);
            }
            let termination = self.termination(item)?;
            match &mut all {
                Some(all) => all.others.push(termination),
                None => all = Some(Terminations::from(termination)),
            }
        }
        match all {
            Some(all) => Ok(all),
            None => element.fault(Rule::TerminationId),
        }
    }

    fn command(&mut self, element: Element<'a>) -> Parsed<Command<'a>> {
        self.enter(Scope::Command);
        let mut members = element.members(self.depth())?;
        let body = members.read(0, |member| self.command_body(member.only(self.depth())?))?;
        let is_optional = members.read(1, |member| member.null())?.unwrap_or_default();
        let is_wildcard_reply = members.read(2, |member| member.null())?.unwrap_or_default();
        members.end()?;
        match body {
            Some(body) => Ok(Command { is_optional, is_wildcard_reply, body }),
            None => element.fault(Rule::Command),
        }
    }

    fn command_body(&mut self, element: Element<'a>) -> Parsed<CommandBody<'a>> {
        Ok(match element.number() {
            0 => CommandBody::Add(self.amm_request(element)?),
            1 => CommandBody::Move(self.amm_request(element)?),
            2 => CommandBody::Modify(self.amm_request(element)?),
            3 => {
                let mut members = element.members(self.depth())?;
                let terminations = members.read(0, |member| self.terminations(member))?;
                let audit = members.read(1, |member| self.audit_descriptor(member))?;
                members.end()?;
                let Some(terminations) = terminations else { return element.fault(Rule::BerMember) };
                CommandBody::Subtract(SubtractRequest { terminations, audit })
            }
            4 => CommandBody::AuditCapabilities(self.audit_command(element)?),
            5 => CommandBody::AuditValue(self.audit_command(element)?),
            6 => CommandBody::Notify(self.notify(element)?),
            7 => {
                let mut members = element.members(self.depth())?;
                let terminations = members.read(0, |member| self.terminations(member))?;
                let change = members.read(1, |member| self.service_change(member).map(Box::new))?;
                members.end()?;
                match (terminations, change) {
                    (Some(terminations), Some(change)) => CommandBody::ServiceChange(terminations, change),
                    _ => return element.fault(Rule::BerMember),
                }
            }
            _ => return element.fault(Rule::Command),
        })
    }

    fn amm_request(&mut self, element: Element<'a>) -> Parsed<AmmRequest<'a>> {
        let mut members = element.members(self.depth())?;
        let terminations = members.read(0, |member| self.terminations(member))?;
        let (mut audit, mut seen) = (None, 0_u16);
        let mut descriptors: Vec<AmmDescriptor<'a>> = Vec::new();
        let mut has_descriptors = false;
        if let Some(member) = members.get(1)? {
            has_descriptors = true;
            descriptors = Vec::with_capacity(member.contents.count());
            self.each(member, |reader, element| {
                let number = element.number();
                if number > 8 {
                    return element.fault(Rule::Descriptor);
                }
                if seen >> number & 1 != 0 {
                    return element.fault(Rule::DescriptorTwice);
                }
                seen |= 1 << number;
                if number == 7 {
                    audit = Some(reader.audit_descriptor(element)?);
                } else {
                    // Statistics stand behind the audit here, and before nothing in replies.
                    let number = if number == 8 { 9 } else { number + 1 };
                    descriptors.push(reader.descriptor(element, number)?);
                }
                Ok(())
            })?;
        }
        members.end()?;
        match terminations {
            Some(terminations) if has_descriptors => Ok(AmmRequest { terminations, descriptors, audit }),
            _ => element.fault(Rule::BerMember),
        }
    }

    fn audit_command(&mut self, element: Element<'a>) -> Parsed<AuditCommand<'a>> {
        let mut members = element.members(self.depth())?;
        let termination = members.read(0, |member| self.termination(member))?;
        let audit = members.read(1, |member| self.audit_descriptor(member))?;
        // The list has the one above as its first (version 3).
        let terminations = members.read(2, |member| self.terminations(member))?;
        members.end()?;
        match (terminations.or_else(|| termination.map(Terminations::from)), audit) {
            (Some(terminations), Some(audit)) => Ok(AuditCommand { terminations, audit }),
            _ => element.fault(Rule::BerMember),
        }
    }

    fn notify(&mut self, element: Element<'a>) -> Parsed<NotifyRequest<'a>> {
        let mut members = element.members(self.depth())?;
        let terminations = members.read(0, |member| self.terminations(member))?;
        let observed = members.read(1, |member| self.observed_events(member))?;
        let error = members.read(2, |member| self.error_descriptor(member))?;
        members.end()?;
        match (terminations, observed) {
            (Some(terminations), Some(observed)) => Ok(NotifyRequest { terminations, observed, error }),
            _ => element.fault(Rule::BerMember),
        }
    }

    pub(super) fn action_reply(&mut self, element: Element<'a>) -> Parsed<ActionReply<'a>> {
        self.enter(Scope::Action);
        let mut members = element.members(self.depth())?;
        let context = members.read(0, |member| member.unsigned32())?.map(ContextId::new);
        let error = members.read(1, |member| self.error_descriptor(member))?;
        let properties = members.read(2, |member| self.context_properties(member).map(Box::new))?;
        let commands = members.read(3, |member| self.command_replies(member))?;
        members.close()?;
        match (context, commands) {
            (Some(context), Some(commands)) => Ok(ActionReply { context, properties, commands, error }),
            _ => element.fault(Rule::BerMember),
        }
    }

    fn command_replies(&mut self, list: Element<'a>) -> Parsed<Vec<CommandReply<'a>>> {
        let mut replies = Vec::with_capacity(list.contents.count());
        self.each(list, |reader, element| {
            reader.enter(Scope::Command);
            replies.push(reader.command_reply(element)?);
            Ok(())
        })?;
        Ok(replies)
    }

    fn command_reply(&mut self, element: Element<'a>) -> Parsed<CommandReply<'a>> {
        Ok(match element.number() {
            0 => CommandReply::Add(self.termination_reply(element)?),
            1 => CommandReply::Move(self.termination_reply(element)?),
            2 => CommandReply::Modify(self.termination_reply(element)?),
            3 => CommandReply::Subtract(self.termination_reply(element)?),
            4 => CommandReply::AuditCapabilities(self.audit_result(element.only(self.depth())?)?),
            5 => CommandReply::AuditValue(self.audit_result(element.only(self.depth())?)?),
            6 => {
                let mut members = element.members(self.depth())?;
                let terminations = members.read(0, |member| self.terminations(member))?;
                let error = members.read(1, |member| self.error_descriptor(member))?;
                members.end()?;
                let Some(terminations) = terminations else { return element.fault(Rule::BerMember) };
                CommandReply::Notify(terminations, error)
            }
            7 => CommandReply::ServiceChange(Box::new(self.service_change_reply(element)?)),
            _ => return element.fault(Rule::Command),
        })
    }

    fn termination_reply(&mut self, element: Element<'a>) -> Parsed<TerminationReply<'a>> {
        let mut members = element.members(self.depth())?;
        let terminations = members.read(0, |member| self.terminations(member))?;
        let audit = members.read(1, |member| self.termination_audit(member))?.unwrap_or_default();
        members.end()?;
        match terminations {
            Some(terminations) => Ok(TerminationReply { terminations, audit }),
            None => element.fault(Rule::BerMember),
        }
    }

    fn audit_result(&mut self, element: Element<'a>) -> Parsed<AuditResult<'a>> {
        match element.number() {
            0 => self.terminations(element).map(AuditResult::Context),
            1 => self.error_descriptor(element).map(AuditResult::ContextError),
            number @ (2 | 3) => {
                let mut members = element.members(self.depth())?;
                let terminations = members.read(0, |member| match number {
                    2 => self.termination(member).map(Terminations::from),
                    _ => self.terminations(member),
                })?;
                let audit = members.read(1, |member| self.termination_audit(member))?;
                members.end()?;
                match (terminations, audit) {
                    (Some(terminations), Some(audit)) => {
                        Ok(AuditResult::Termination(TerminationReply { terminations, audit }))
                    }
                    _ => element.fault(Rule::BerMember),
                }
            }
            _ => element.fault(Rule::BerType),
        }
    }

    fn termination_audit(&mut self, element: Element<'a>) -> Parsed<Vec<AuditReturn<'a>>> {
        let mut all: Vec<AuditReturn<'a>> = Vec::with_capacity(element.contents.count());
        self.each(element, |reader, element| {
            match element.number() {
                0 => all.push(AuditReturn::Error(reader.error_descriptor(element)?)),
                8 => all.push(AuditReturn::ObservedEvents(reader.observed_events(element)?)),
                10 => all.push(AuditReturn::Packages(reader.sequences(element, Self::package_version)?)),
                11 => {
                    let items = reader.audit_descriptor(element)?.items;
                    let known = all.iter_mut().find_map(|found| match found {
                        AuditReturn::Empty(items) => Some(items),
                        _ => None,
                    });
                    match known {
                        Some(known) => *known = AuditItems::from_bits(known.bits() | items.bits()),
                        None => all.push(AuditReturn::Empty(items)),
                    }
                }
                number @ (1..=7 | 9) => {
                    all.push(AuditReturn::Descriptor(reader.descriptor(element, number)?));
                }
                _ => return element.fault(Rule::Descriptor),
            }
            Ok(())
        })?;
        Ok(all)
    }
}
