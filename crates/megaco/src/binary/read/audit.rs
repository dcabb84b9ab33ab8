//! Audits of descriptors, of parts of them, and of contexts from BER.

use super::Reader;
use crate::binary::ber::{Element, Parsed};
use crate::error::Rule;
use crate::message::{
    AuditDescriptor, AuditItems, ContextAudit, IndividualAudit, IndividualControl, IndividualDescription,
    IndividualEvents, IndividualMedia, IndividualProperty, IndividualSignal, IndividualSignals,
    IndividualState, IndividualStream, IndividualStreams, ItemName, RequestId, SelectLogic, Selected,
    StreamId, Tag,
};
use crate::package::Kind;

impl<'a> Reader<'a> {
    pub(super) fn audit_descriptor(&mut self, element: Element<'a>) -> Parsed<AuditDescriptor<'a>> {
        let mut members = element.members(self.depth())?;
        let mut audit = AuditDescriptor::default();
        while let Some((number, member)) = members.next()? {
            match number {
                0 => audit.items = AuditItems::from_bits(member.bits()?),
                1 => {
                    let mut individual = Vec::new();
                    self.each(member, |reader, element| {
                        individual.push(reader.individual(element)?);
                        Ok(())
                    })?;
                    audit.individual = individual;
                }
                _ => {}
            }
        }
        Ok(audit)
    }

    fn individual(&mut self, element: Element<'a>) -> Parsed<IndividualAudit<'a>> {
        Ok(match element.number() {
            0 => IndividualAudit::Media(Box::new(self.individual_media(element)?)),
            1 => {
                let mut members = element.members(self.depth())?;
                let (mut request, mut name, mut stream) = (None, None, None);
                while let Some((number, member)) = members.next()? {
                    match number {
                        0 => request = Some(RequestId::new(member.unsigned32()?)),
                        1 => name = Some(self.item_name(member, Kind::Event)?.0),
                        2 => stream = Some(StreamId(member.unsigned16()?)),
                        _ => {}
                    }
                }
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
            6 => IndividualAudit::Packages(self.package_version(element)?),
            _ => return element.fault(Rule::Audit),
        })
    }

    fn statistic_name(&mut self, element: Element<'a>) -> Parsed<ItemName<'a>> {
        match element.members(self.depth())?.next()? {
            Some((0, name)) => Ok(self.item_name(name, Kind::Statistic)?.0),
            _ => element.fault(Rule::Statistics),
        }
    }

    fn name_and_stream(
        &mut self,
        element: Element<'a>,
        kind: Kind,
    ) -> Parsed<(ItemName<'a>, Option<StreamId>, Option<RequestId>)> {
        let mut members = element.members(self.depth())?;
        let (mut name, mut stream, mut request) = (None, None, None);
        while let Some((number, member)) = members.next()? {
            match number {
                0 => name = Some(self.item_name(member, kind)?.0),
                1 => stream = Some(StreamId(member.unsigned16()?)),
                2 => request = Some(RequestId::new(member.unsigned32()?)),
                _ => {}
            }
        }
        match name {
            Some(name) => Ok((name, stream, request)),
            None => element.fault(Rule::BerMember),
        }
    }

    fn individual_signal(&mut self, element: Element<'a>) -> Parsed<IndividualSignal<'a>> {
        let (name, stream, request) = self.name_and_stream(element, Kind::Signal)?;
        Ok(IndividualSignal { name, stream, request })
    }

    fn individual_signals(&mut self, element: Element<'a>) -> Parsed<IndividualSignals<'a>> {
        match element.number() {
            0 => self.individual_signal(element).map(IndividualSignals::Signal),
            1 => {
                let mut members = element.members(self.depth())?;
                let (mut id, mut signal) = (None, None);
                while let Some((number, member)) = members.next()? {
                    match number {
                        0 => id = Some(member.unsigned16()?),
                        1 => signal = Some(self.individual_signal(member)?),
                        _ => return member.fault(Rule::BerMember),
                    }
                }
                match id {
                    Some(id) => Ok(IndividualSignals::List(id, signal)),
                    None => element.fault(Rule::BerMember),
                }
            }
            _ => element.fault(Rule::BerType),
        }
    }

    fn individual_media(&mut self, element: Element<'a>) -> Parsed<IndividualMedia<'a>> {
        let mut members = element.members(self.depth())?;
        let mut media = IndividualMedia::default();
        while let Some((number, member)) = members.next()? {
            match number {
                0 => media.state = Some(self.individual_state(member)?),
                1 => {
                    let choice = member.only(self.depth())?;
                    media.streams = match choice.number() {
                        0 => IndividualStreams::One(self.individual_stream(choice)?),
                        1 => IndividualStreams::Many(self.sequences(choice, Self::individual_numbered)?),
                        _ => return choice.fault(Rule::Media),
                    };
                }
                _ => {}
            }
        }
        Ok(media)
    }

    fn individual_numbered(&mut self, element: Element<'a>) -> Parsed<(StreamId, IndividualStream<'a>)> {
        let mut members = element.members(self.depth())?;
        let (mut id, mut stream) = (None, None);
        while let Some((number, member)) = members.next()? {
            match number {
                0 => id = Some(StreamId(member.unsigned16()?)),
                1 => stream = Some(self.individual_stream(member)?),
                _ => return member.fault(Rule::BerMember),
            }
        }
        match id.zip(stream) {
            Some(both) => Ok(both),
            None => element.fault(Rule::BerMember),
        }
    }

    fn individual_stream(&mut self, element: Element<'a>) -> Parsed<IndividualStream<'a>> {
        let mut members = element.members(self.depth())?;
        let mut stream = IndividualStream::default();
        while let Some((number, member)) = members.next()? {
            match number {
                0 => stream.control = Some(self.individual_control(member)?),
                1 => stream.local = Some(self.individual_description(member)?),
                2 => stream.remote = Some(self.individual_description(member)?),
                3 => stream.statistics = Some(self.statistic_name(member)?),
                _ => {}
            }
        }
        Ok(stream)
    }

    fn individual_description(&mut self, element: Element<'a>) -> Parsed<IndividualDescription> {
        let mut members = element.members(self.depth())?;
        let mut description = IndividualDescription::default();
        while let Some((number, member)) = members.next()? {
            match number {
                0 => description.group = Some(member.unsigned16()?),
                1 => {
                    description.lines = self.sequences(member, |reader, element| {
                        match element.members(reader.depth())?.next()? {
                            Some((0, name)) => match name.primitive()? {
                                [0, 0, high, low] => Ok(Tag(u16::from_be_bytes([*high, *low]))),
                                _ => name.fault(Rule::Description),
                            },
                            _ => element.fault(Rule::BerMember),
                        }
                    })?;
                }
                _ => {}
            }
        }
        Ok(description)
    }

    fn individual_property(&mut self, element: Element<'a>) -> Parsed<IndividualProperty<'a>> {
        let mut members = element.members(self.depth())?;
        let (mut name, mut when) = (None, None);
        while let Some((number, member)) = members.next()? {
            match number {
                0 => name = Some(self.item_name(member, Kind::Property)?.0),
                1 => when = Some(self.property(member)?.setting),
                _ => {}
            }
        }
        match name {
            Some(name) => Ok(IndividualProperty { name, when }),
            None => element.fault(Rule::BerMember),
        }
    }

    fn individual_control(&mut self, element: Element<'a>) -> Parsed<IndividualControl<'a>> {
        let mut members = element.members(self.depth())?;
        let mut control = IndividualControl::default();
        while let Some((number, member)) = members.next()? {
            match number {
                0 => control.mode = member.null()?.then_some(Selected::Asked),
                1 => control.is_reserve_value = member.null()?,
                2 => control.is_reserve_group = member.null()?,
                3 => control.properties = self.sequences(member, Self::individual_property)?,
                4 => control.mode = Some(Selected::When(self.stream_mode(member)?)),
                _ => {}
            }
        }
        Ok(control)
    }

    fn individual_state(&mut self, element: Element<'a>) -> Parsed<IndividualState<'a>> {
        let mut members = element.members(self.depth())?;
        let mut state = IndividualState::default();
        while let Some((number, member)) = members.next()? {
            match number {
                0 => state.properties = self.sequences(member, Self::individual_property)?,
                1 => state.is_buffer = member.null()?,
                2 => state.service = member.null()?.then_some(Selected::Asked),
                3 => state.service = Some(Selected::When(self.service_state(member)?)),
                _ => {}
            }
        }
        Ok(state)
    }

    pub(super) fn context_audit(&mut self, element: Element<'a>) -> Parsed<ContextAudit<'a>> {
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
