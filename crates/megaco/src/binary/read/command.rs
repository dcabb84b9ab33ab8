//! Actions, commands and their replies from BER.

use super::Reader;
use crate::binary::ber::{Element, Members, Octets, Parsed};
use crate::binary::care::Care;
use crate::error::{Rule, Scope};
use crate::message::{
    Action, ActionReply, AmmDescriptor, AmmRequest, AuditCommand, AuditItems, AuditResult, AuditReturn,
    Command, CommandBody, CommandReply, ContextId, ContextProperties, List, NotifyRequest, StreamId,
    SubtractRequest, TerminationId, TerminationReply, Terminations, Topology, TopologyDirection,
};

/// The marks of a command.
#[derive(Clone, Copy, Debug, Default)]
struct Marks {
    is_optional: bool,
    is_wildcard_reply: bool,
}

impl Marks {
    #[inline(always)]
    fn on(self, body: CommandBody<'_>) -> Command<'_> {
        Command { is_optional: self.is_optional, is_wildcard_reply: self.is_wildcard_reply, body }
    }
}

impl<'a, C: Care> Reader<'a, C> {
    #[inline(always)]
    pub(super) fn action(&mut self, element: Element<'a, C>, into: &mut List<Action<'a>>) -> Parsed<(), C> {
        element.must_be_a_sequence()?;
        self.enter(Scope::Action);
        let mut members = element.members(self.depth())?;
        let Some(context) = members.value(0)? else { return element.lacks(members) };
        let context = ContextId::new(context.unsigned32()?);
        let properties = members.read(1, |member| self.context_properties(member).map(Box::new))?;
        let audit = members.read(2, |member| self.context_audit(member).map(Box::new))?;
        let Some(commands) = members.get(3)? else { return element.lacks(members) };
        let is_bare = audit.is_none() && properties.is_none();
        let action = Action { context, properties, audit, commands: List::new() };
        let Some(action) = into.push_mut(action) else { return Ok(()) };
        self.level().list(commands, &mut action.commands, Self::command)?;
        members.close()?;
        if is_bare && action.commands.is_empty() && !self.care.recovers() {
            return element.fault(Rule::EmptyAction);
        }
        Ok(())
    }

    #[inline(never)]
    fn context_properties(&mut self, element: Element<'a, C>) -> Parsed<ContextProperties<'a>, C> {
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
                4 => properties.properties = self.properties(member)?,
                5 => {
                    let mut contexts = Vec::with_capacity(member.contents.count());
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

    fn topology(&mut self, element: Element<'a, C>, into: &mut Vec<Topology<'a>>) -> Parsed<(), C> {
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
            (Some(from), Some(to), Some(direction)) => {
                into.push(Topology { from, to, direction, stream });
                Ok(())
            }
            _ => element.fault(Rule::Topology),
        }
    }

    #[inline(always)]
    pub(super) fn termination(&mut self, element: Element<'a, C>) -> Parsed<TerminationId<'a>, C> {
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
    #[inline(never)]
    fn wild_termination(&mut self, element: Element<'a, C>) -> Parsed<Option<TerminationId<'a>>, C> {
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

    pub(super) fn terminations(&mut self, element: Element<'a, C>) -> Parsed<Terminations<'a>, C> {
        let mut octets = element.constructed()?;
        let Some(first) = octets.next(self.depth())? else { return element.fault(Rule::TerminationId) };
        if first.tag != 0x30 {
            return first.fault(Rule::BerType);
        }
        let mut all = Terminations::from(self.termination(first)?);
        if !octets.rest.is_empty() {
            self.more_terminations(octets, &mut all)?;
        }
        Ok(all)
    }

    #[inline(never)]
    fn more_terminations(&mut self, mut octets: Octets<'a, C>, all: &mut Terminations<'a>) -> Parsed<(), C> {
        while let Some(item) = octets.next(self.depth())? {
            if item.tag != 0x30 {
                return item.fault(Rule::BerType);
            }
            all.others.push(self.termination(item)?);
        }
        Ok(())
    }

    fn command(&mut self, element: Element<'a, C>, into: &mut List<Command<'a>>) -> Parsed<(), C> {
        element.must_be_a_sequence()?;
        self.enter(Scope::Command);
        let mut members = element.members(self.depth())?;
        let Some(choice) = members.get(0)? else {
            self.marks(members)?;
            return element.fault(Rule::Command);
        };
        // The marks are read first, that the command need not be moved to them; what is wrong with them is said behind what is wrong with it.
        let marks = if members.is_over() { Ok(Marks::default()) } else { self.marks(members) };
        let body = choice.only(self.depth())?;
        let number = body.number();
        match number {
            0..=2 => self.amm_request(body, marks, into),
            3 => self.subtract(body, marks, into),
            4 | 5 => self.audit_command(body, marks, into),
            6 => self.notify(body, marks, into),
            7 => self.change_service(body, marks, into),
            _ => body.fault(Rule::Command),
        }
    }

    /// What stands behind a command: how it is to be executed.
    #[inline(never)]
    fn marks(&mut self, mut members: Members<'a, C>) -> Parsed<Marks, C> {
        let is_optional = members.read_value(1, |member| member.null())?.unwrap_or_default();
        let is_wildcard_reply = members.read_value(2, |member| member.null())?.unwrap_or_default();
        members.end()?;
        Ok(Marks { is_optional, is_wildcard_reply })
    }

    fn subtract(
        &mut self,
        element: Element<'a, C>,
        marks: Parsed<Marks, C>,
        into: &mut List<Command<'a>>,
    ) -> Parsed<(), C> {
        let mut members = element.members(self.depth())?;
        let Some(terminations) = members.get(0)? else { return element.lacks(members) };
        let terminations = self.terminations(terminations)?;
        let audit = members.read(1, |member| self.audit_descriptor(member))?;
        members.end()?;
        into.push(marks?.on(CommandBody::Subtract(SubtractRequest { terminations, audit })));
        Ok(())
    }

    fn change_service(
        &mut self,
        element: Element<'a, C>,
        marks: Parsed<Marks, C>,
        into: &mut List<Command<'a>>,
    ) -> Parsed<(), C> {
        let mut members = element.members(self.depth())?;
        let Some(terminations) = members.get(0)? else { return element.lacks(members) };
        let terminations = self.terminations(terminations)?;
        let Some(change) = members.get(1)? else { return element.lacks(members) };
        let change = Box::new(self.service_change(change)?);
        members.end()?;
        into.push(marks?.on(CommandBody::ServiceChange(terminations, change)));
        Ok(())
    }

    /// Add, Move and Modify.
    fn amm_request(
        &mut self,
        element: Element<'a, C>,
        marks: Parsed<Marks, C>,
        into: &mut List<Command<'a>>,
    ) -> Parsed<(), C> {
        let mut members = element.members(self.depth())?;
        let Some(terminations) = members.get(0)? else { return element.lacks(members) };
        let terminations = self.terminations(terminations)?;
        let Some(list) = members.get(1)? else { return element.lacks(members) };
        let (mut audit, mut seen) = (None, 0_u16);
        let mut descriptors: Vec<AmmDescriptor<'a>> = Vec::with_capacity(list.contents.count());
        self.each(list, |reader, element| {
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
                return Ok(());
            }
            // Statistics stand behind the audit here, and before nothing in replies.
            let number = if number == 8 { 9 } else { number + 1 };
            reader.descriptor(element, number, &mut descriptors, |descriptor| descriptor)
        })?;
        members.end()?;
        let request = AmmRequest { terminations, descriptors, audit };
        let marks = marks?;
        into.push(marks.on(match element.number() {
            0 => CommandBody::Add(request),
            1 => CommandBody::Move(request),
            _ => CommandBody::Modify(request),
        }));
        Ok(())
    }

    fn audit_command(
        &mut self,
        element: Element<'a, C>,
        marks: Parsed<Marks, C>,
        into: &mut List<Command<'a>>,
    ) -> Parsed<(), C> {
        let mut members = element.members(self.depth())?;
        let termination = members.read(0, |member| self.termination(member))?;
        let audit = members.read(1, |member| self.audit_descriptor(member))?;
        // The list has the one above as its first (version 3).
        let terminations = members.read(2, |member| self.terminations(member))?;
        members.end()?;
        let terminations = match (terminations, termination) {
            (Some(terminations), _) => terminations,
            (None, Some(termination)) => Terminations::from(termination),
            (None, None) => return element.fault(Rule::BerMember),
        };
        let Some(audit) = audit else { return element.fault(Rule::BerMember) };
        let request = AuditCommand { terminations, audit };
        let marks = marks?;
        into.push(marks.on(match element.number() {
            4 => CommandBody::AuditCapabilities(request),
            _ => CommandBody::AuditValue(request),
        }));
        Ok(())
    }

    fn notify(
        &mut self,
        element: Element<'a, C>,
        marks: Parsed<Marks, C>,
        into: &mut List<Command<'a>>,
    ) -> Parsed<(), C> {
        let mut members = element.members(self.depth())?;
        let Some(terminations) = members.get(0)? else { return element.lacks(members) };
        let terminations = self.terminations(terminations)?;
        let Some(observed) = members.get(1)? else { return element.lacks(members) };
        let observed = self.observed_events(observed)?;
        let error = members.read(2, |member| self.error_descriptor(member))?;
        members.end()?;
        into.push(marks?.on(CommandBody::Notify(NotifyRequest { terminations, observed, error })));
        Ok(())
    }

    #[inline(always)]
    pub(super) fn action_reply(
        &mut self,
        element: Element<'a, C>,
        into: &mut List<ActionReply<'a>>,
    ) -> Parsed<(), C> {
        element.must_be_a_sequence()?;
        self.enter(Scope::Action);
        let mut members = element.members(self.depth())?;
        let Some(context) = members.value(0)? else { return element.lacks(members) };
        let context = ContextId::new(context.unsigned32()?);
        let error = members.read(1, |member| self.error_descriptor(member))?;
        let properties = members.read(2, |member| self.context_properties(member).map(Box::new))?;
        let Some(commands) = members.get(3)? else { return element.lacks(members) };
        let action = ActionReply { context, properties, commands: List::new(), error };
        let Some(action) = into.push_mut(action) else { return Ok(()) };
        self.list(commands, &mut action.commands, Self::command_reply)?;
        members.close()
    }

    fn command_reply(&mut self, element: Element<'a, C>, into: &mut List<CommandReply<'a>>) -> Parsed<(), C> {
        self.enter(Scope::Command);
        match element.number() {
            0..=3 => return self.termination_reply(element, into),
            4 => {
                let result = self.audit_result(element.only(self.depth())?)?;
                into.push(CommandReply::AuditCapabilities(result));
            }
            5 => {
                let result = self.audit_result(element.only(self.depth())?)?;
                into.push(CommandReply::AuditValue(result));
            }
            6 => {
                let mut members = element.members(self.depth())?;
                let Some(terminations) = members.get(0)? else { return element.lacks(members) };
                let terminations = self.terminations(terminations)?;
                let error = members.read(1, |member| self.error_descriptor(member))?;
                members.end()?;
                into.push(CommandReply::Notify(terminations, error));
            }
            7 => {
                let reply = Box::new(self.service_change_reply(element)?);
                into.push(CommandReply::ServiceChange(reply));
            }
            _ => return element.fault(Rule::Command),
        }
        Ok(())
    }

    /// Of Add, Move, Modify and Subtract.
    fn termination_reply(
        &mut self,
        element: Element<'a, C>,
        into: &mut List<CommandReply<'a>>,
    ) -> Parsed<(), C> {
        let mut members = element.members(self.depth())?;
        let Some(terminations) = members.get(0)? else { return element.lacks(members) };
        let terminations = self.terminations(terminations)?;
        let audit = members.read(1, |member| self.termination_audit(member))?.unwrap_or_default();
        members.end()?;
        let reply = TerminationReply { terminations, audit };
        into.push(match element.number() {
            0 => CommandReply::Add(reply),
            1 => CommandReply::Move(reply),
            2 => CommandReply::Modify(reply),
            _ => CommandReply::Subtract(reply),
        });
        Ok(())
    }

    fn audit_result(&mut self, element: Element<'a, C>) -> Parsed<AuditResult<'a>, C> {
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

    fn termination_audit(&mut self, element: Element<'a, C>) -> Parsed<Vec<AuditReturn<'a>>, C> {
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
                    return reader.descriptor(element, number, &mut all, AuditReturn::Descriptor);
                }
                _ => return element.fault(Rule::Descriptor),
            }
            Ok(())
        })?;
        Ok(all)
    }
}
