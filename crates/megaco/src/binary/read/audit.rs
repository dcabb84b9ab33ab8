//! Audits of descriptors, of parts of them, and of contexts from BER.

use super::Reader;
use crate::binary::ber::{Element, Parsed};
use crate::binary::care::Care;
use crate::error::Rule;
use crate::message::{
    AuditDescriptor, AuditItems, ContextAudit, IndividualAudit, IndividualControl, IndividualDescription,
    IndividualEvents, IndividualMedia, IndividualProperty, IndividualSignal, IndividualSignals,
    IndividualState, IndividualStream, IndividualStreams, ItemName, RequestId, SelectLogic, Selected,
    StreamId, Tag,
};
use crate::package::Kind;

impl<'a, C: Care> Reader<'a, C> {
    pub(super) fn audit_descriptor(&mut self, element: Element<'a, C>) -> Parsed<AuditDescriptor<'a>, C> {
        let mut members = element.members(self.depth())?;
        let items =
            members.read_value(0, |member| member.bits())?.map_or(AuditItems::NONE, AuditItems::from_bits);
        let mut individual = Vec::new();
        if let Some(list) = members.get(1)? {
            individual = Vec::with_capacity(list.contents.count());
            self.each(list, |reader, element| {
                individual.push(reader.individual(element)?);
                Ok(())
            })?;
        }
        members.end()?;
        Ok(AuditDescriptor { items, individual })
    }

    #[inline(never)]
    fn individual(&mut self, element: Element<'a, C>) -> Parsed<IndividualAudit<'a>, C> {
        Ok(match element.number() {
            0 => IndividualAudit::Media(Box::new(self.individual_media(element)?)),
            1 => {
                let mut members = element.members(self.depth())?;
                let request = members.read_value(0, |member| member.unsigned32())?.map(RequestId::new);
                let name = members
                    .read_value(1, |member| self.item_name(member, Kind::Event))?
                    .map(|(name, _)| name);
                let stream = members.read_value(2, |member| member.unsigned16())?.map(StreamId);
                members.end()?;
                let Some(name) = name else { return element.fault(Rule::BerMember) };
                IndividualAudit::Events(IndividualEvents { request, name, stream })
            }
            2 => {
                let (name, stream, _) = self.name_and_stream(element, Kind::Event)?;
                IndividualAudit::EventBuffer(name, stream)
            }
            3 => IndividualAudit::Signals(self.individual_signals(element.only(self.depth())?)?),
            4 => match element.members(self.depth())?.next()? {
                Some((0, name)) => IndividualAudit::DigitMap(self.map_name(name)?),
                _ => return element.fault(Rule::DigitMap),
            },
            5 => IndividualAudit::Statistics(self.statistic_name(element)?),
            6 => IndividualAudit::Packages(self.one_package_version(element)?),
            _ => return element.fault(Rule::Audit),
        })
    }

    fn statistic_name(&mut self, element: Element<'a, C>) -> Parsed<ItemName<'a>, C> {
        match element.members(self.depth())?.next()? {
            Some((0, name)) => Ok(self.item_name(name, Kind::Statistic)?.0),
            _ => element.fault(Rule::Statistics),
        }
    }

    fn name_and_stream(
        &mut self,
        element: Element<'a, C>,
        kind: Kind,
    ) -> Parsed<(ItemName<'a>, Option<StreamId>, Option<RequestId>), C> {
        let mut members = element.members(self.depth())?;
        let name = members.read_value(0, |member| self.item_name(member, kind))?.map(|(name, _)| name);
        let stream = members.read_value(1, |member| member.unsigned16())?.map(StreamId);
        let request = members.read_value(2, |member| member.unsigned32())?.map(RequestId::new);
        members.end()?;
        match name {
            Some(name) => Ok((name, stream, request)),
            None => element.fault(Rule::BerMember),
        }
    }

    fn individual_signal(&mut self, element: Element<'a, C>) -> Parsed<IndividualSignal<'a>, C> {
        let (name, stream, request) = self.name_and_stream(element, Kind::Signal)?;
        Ok(IndividualSignal { name, stream, request })
    }

    fn individual_signals(&mut self, element: Element<'a, C>) -> Parsed<IndividualSignals<'a>, C> {
        match element.number() {
            0 => self.individual_signal(element).map(IndividualSignals::Signal),
            1 => {
                let mut members = element.members(self.depth())?;
                let id = members.read_value(0, |member| member.unsigned16())?;
                let signal = members.read(1, |member| self.individual_signal(member))?;
                members.close()?;
                match id {
                    Some(id) => Ok(IndividualSignals::List(id, signal)),
                    None => element.fault(Rule::BerMember),
                }
            }
            _ => element.fault(Rule::BerType),
        }
    }

    fn individual_media(&mut self, element: Element<'a, C>) -> Parsed<IndividualMedia<'a>, C> {
        let mut members = element.members(self.depth())?;
        let state = members.read(0, |member| self.individual_state(member))?;
        let mut streams = IndividualStreams::None;
        if let Some(member) = members.get(1)? {
            let choice = member.only(self.depth())?;
            streams = match choice.number() {
                0 => IndividualStreams::One(self.individual_stream(choice)?),
                1 => IndividualStreams::Many(self.sequences(choice, Self::individual_numbered)?),
                _ => return choice.fault(Rule::Media),
            };
        }
        members.end()?;
        Ok(IndividualMedia { state, streams })
    }

    fn individual_numbered(
        &mut self,
        element: Element<'a, C>,
        into: &mut Vec<(StreamId, IndividualStream<'a>)>,
    ) -> Parsed<(), C> {
        let mut members = element.members(self.depth())?;
        let id = members.read_value(0, |member| member.unsigned16())?.map(StreamId);
        let stream = members.read(1, |member| self.individual_stream(member))?;
        members.close()?;
        let Some(both) = id.zip(stream) else { return element.fault(Rule::BerMember) };
        into.push(both);
        Ok(())
    }

    fn individual_stream(&mut self, element: Element<'a, C>) -> Parsed<IndividualStream<'a>, C> {
        let mut members = element.members(self.depth())?;
        let control = members.read(0, |member| self.individual_control(member))?;
        let local = members.read(1, |member| self.individual_description(member))?;
        let remote = members.read(2, |member| self.individual_description(member))?;
        let statistics = members.read(3, |member| self.statistic_name(member))?;
        members.end()?;
        Ok(IndividualStream { control, local, remote, statistics })
    }

    fn individual_description(&mut self, element: Element<'a, C>) -> Parsed<IndividualDescription, C> {
        let mut members = element.members(self.depth())?;
        let mut description = IndividualDescription::default();
        while let Some((number, member)) = members.next()? {
            match number {
                0 => description.group = Some(member.unsigned16()?),
                1 => {
                    description.lines = self.sequences(member, |reader, element, into| {
                        let Some((0, name)) = element.members(reader.depth())?.next()? else {
                            return element.fault(Rule::BerMember);
                        };
                        let [0, 0, high, low] = name.primitive()? else {
                            return name.fault(Rule::Description);
                        };
                        into.push(Tag(u16::from_be_bytes([*high, *low])));
                        Ok(())
                    })?;
                }
                _ => {}
            }
        }
        Ok(description)
    }

    fn individual_property(
        &mut self,
        element: Element<'a, C>,
        into: &mut Vec<IndividualProperty<'a>>,
    ) -> Parsed<(), C> {
        let mut members = element.members(self.depth())?;
        let name =
            members.read_value(0, |member| self.item_name(member, Kind::Property))?.map(|(name, _)| name);
        let when = members.read(1, |member| self.one_property(member))?.map(|property| property.setting);
        members.end()?;
        let Some(name) = name else { return element.fault(Rule::BerMember) };
        into.push(IndividualProperty { name, when });
        Ok(())
    }

    fn individual_control(&mut self, element: Element<'a, C>) -> Parsed<IndividualControl<'a>, C> {
        let mut members = element.members(self.depth())?;
        let asked = members.read_value(0, |member| member.null())?.map(|_| Selected::Asked);
        let is_reserve_value = members.read_value(1, |member| member.null())?.unwrap_or_default();
        let is_reserve_group = members.read_value(2, |member| member.null())?.unwrap_or_default();
        let properties = members.read(3, |member| self.sequences(member, Self::individual_property))?;
        let when = members.read_value(4, |member| self.stream_mode(member))?.map(Selected::When);
        members.end()?;
        let properties = properties.unwrap_or_default();
        Ok(IndividualControl { mode: when.or(asked), is_reserve_value, is_reserve_group, properties })
    }

    fn individual_state(&mut self, element: Element<'a, C>) -> Parsed<IndividualState<'a>, C> {
        let mut members = element.members(self.depth())?;
        let properties = members.read(0, |member| self.sequences(member, Self::individual_property))?;
        let is_buffer = members.read_value(1, |member| member.null())?.unwrap_or_default();
        let asked = members.read_value(2, |member| member.null())?.map(|_| Selected::Asked);
        let when = members.read_value(3, |member| self.service_state(member))?.map(Selected::When);
        members.end()?;
        Ok(IndividualState { properties: properties.unwrap_or_default(), is_buffer, service: when.or(asked) })
    }

    #[inline(never)]
    pub(super) fn context_audit(&mut self, element: Element<'a, C>) -> Parsed<ContextAudit<'a>, C> {
        let mut members = element.members(self.depth())?;
        let mut audit = ContextAudit::default();
        while let Some((number, member)) = members.next()? {
            match number {
                0 => audit.is_topology = member.null()?,
                1 => audit.is_emergency = member.null()?,
                2 => audit.is_priority = member.null()?,
                3 => audit.is_ieps = member.null()?,
                4 => audit.properties = self.sequences(member, Self::individual_property)?,
                5 => audit.when_priority = Some(member.small(15)?),
                6 => audit.when_emergency = Some(member.boolean()?),
                7 => audit.when_ieps = Some(member.boolean()?),
                8 => {
                    let choice = member.only(self.depth())?;
                    audit.logic = Some(match choice.number() {
                        0 => SelectLogic::And,
                        1 => SelectLogic::Or,
                        _ => return choice.fault(Rule::BerType),
                    });
                }
                _ => {}
            }
        }
        Ok(audit)
    }
}
