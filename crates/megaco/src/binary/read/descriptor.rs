//! Media, modem, mux, packages, statistics and properties from BER.

use std::borrow::Cow;

use super::Reader;
use crate::binary::ber::{Element, Parsed};
use crate::binary::care::Care;
use crate::binary::value::{item, text_of};
use crate::error::Rule;
use crate::message::{
    AmmDescriptor, BufferControl, Description, ItemName, Line, LineValue, LocalControl, Media, Modem,
    ModemType, Mux, MuxType, Name, PackageVersion, Property, ServiceState, Setting, Statistic, Stream,
    StreamId, StreamMode, StreamParameters, Streams, Tag, TerminationState,
};
use crate::package::{self, ItemRow, Kind, Type};

impl<'a, C: Care> Reader<'a, C> {
    /// A descriptor by its number in replies, put into a list of descriptors or of what holds one.
    #[inline]
    pub(super) fn descriptor<T>(
        &mut self,
        element: Element<'a, C>,
        number: u8,
        into: &mut Vec<T>,
        hold: impl Fn(AmmDescriptor<'a>) -> T,
    ) -> Parsed<(), C> {
        into.push(hold(match number {
            1 => AmmDescriptor::Media(self.media(element)?),
            2 => AmmDescriptor::Modem(Box::new(self.modem(element)?)),
            3 => AmmDescriptor::Mux(Box::new(self.mux(element)?)),
            4 => AmmDescriptor::Events(self.events(element)?),
            5 => AmmDescriptor::EventBuffer(self.sequences(element, Self::event_spec)?),
            6 => AmmDescriptor::Signals(self.signals(element)?),
            7 => AmmDescriptor::DigitMap(self.digit_map(element)?),
            9 => AmmDescriptor::Statistics(self.statistics(element)?),
            _ => return element.fault(Rule::Descriptor),
        }));
        Ok(())
    }

    fn statistics(&mut self, list: Element<'a, C>) -> Parsed<Vec<Statistic<'a>>, C> {
        self.sequences(list, Self::statistic)
    }

    pub(super) fn properties(&mut self, list: Element<'a, C>) -> Parsed<Vec<Property<'a>>, C> {
        self.sequences(list, Self::property)
    }

    fn media(&mut self, element: Element<'a, C>) -> Parsed<Media<'a>, C> {
        let mut members = element.members(self.depth())?;
        let state = members.read(0, |member| self.termination_state(member))?;
        let mut streams = Streams::None;
        if let Some(member) = members.get(1)? {
            let choice = member.only(self.depth())?;
            streams = match choice.number() {
                0 => Streams::One(Box::new(self.stream_parameters(choice)?)),
                1 => Streams::Many(self.sequences(choice, Self::stream)?),
                _ => return choice.fault(Rule::Media),
            };
        }
        members.end()?;
        Ok(Media { state, streams })
    }

    fn stream(&mut self, element: Element<'a, C>, into: &mut Vec<Stream<'a>>) -> Parsed<(), C> {
        let mut members = element.members(self.depth())?;
        let Some(id) = members.value(0)? else { return element.lacks(members) };
        let id = StreamId(id.unsigned16()?);
        let Some(parameters) = members.get(1)? else { return element.lacks(members) };
        let parameters = self.stream_parameters(parameters)?;
        members.close()?;
        into.push(Stream { id, parameters });
        Ok(())
    }

    fn stream_parameters(&mut self, element: Element<'a, C>) -> Parsed<StreamParameters<'a>, C> {
        let mut members = element.members(self.depth())?;
        let control = members.read(0, |member| self.local_control(member))?;
        let local = members.read(1, |member| self.description(member))?;
        let remote = members.read(2, |member| self.description(member))?;
        let statistics = members.read(3, |member| self.statistics(member))?;
        members.end()?;
        Ok(StreamParameters { control, local, remote, statistics })
    }

    fn local_control(&mut self, element: Element<'a, C>) -> Parsed<LocalControl<'a>, C> {
        let mut members = element.members(self.depth())?;
        let mode = members.read_value(0, |member| self.stream_mode(member))?;
        let reserve_value = members.read_value(1, |member| member.boolean())?;
        let reserve_group = members.read_value(2, |member| member.boolean())?;
        let properties = members.read(3, |member| self.properties(member))?.unwrap_or_default();
        members.end()?;
        Ok(LocalControl { mode, reserve_value, reserve_group, properties })
    }

    pub(super) fn stream_mode(&self, element: Element<'a, C>) -> Parsed<StreamMode, C> {
        Ok(match element.integer()? {
            0 => StreamMode::SendOnly,
            1 => StreamMode::ReceiveOnly,
            2 => StreamMode::SendReceive,
            3 => StreamMode::Inactive,
            4 => StreamMode::Loopback,
            _ => return element.fault(Rule::StreamMode),
        })
    }

    fn termination_state(&mut self, element: Element<'a, C>) -> Parsed<TerminationState<'a>, C> {
        let mut members = element.members(self.depth())?;
        let properties = members.read(0, |member| self.properties(member))?.unwrap_or_default();
        let buffer = members.read_value(1, |member| member.small(1))?.map(|buffer| match buffer {
            0 => BufferControl::Off,
            _ => BufferControl::LockStep,
        });
        let service = members.read_value(2, |member| self.service_state(member))?;
        members.end()?;
        Ok(TerminationState { service, buffer, properties })
    }

    pub(super) fn service_state(&self, element: Element<'a, C>) -> Parsed<ServiceState, C> {
        Ok(match element.small(2)? {
            0 => ServiceState::Test,
            1 => ServiceState::OutOfService,
            _ => ServiceState::InService,
        })
    }

    /// A package's and an item's identifiers, and what the tables say about them.
    pub(super) fn item_name(
        &self,
        element: Element<'a, C>,
        kind: Kind,
    ) -> Parsed<(ItemName<'a>, Option<&'static ItemRow>), C> {
        let [high, low, above, below] = element.primitive()? else { return element.fault(Rule::ItemName) };
        match item(u16::from_be_bytes([*high, *low]), u16::from_be_bytes([*above, *below])) {
            Some(name) => Ok((name, package::item(kind, name))),
            None => element.fault(Rule::ItemName),
        }
    }

    pub(super) fn id(&self, element: Element<'a, C>) -> Parsed<u16, C> {
        match element.primitive()? {
            [high, low] => Ok(u16::from_be_bytes([*high, *low])),
            _ => element.fault(Rule::Name),
        }
    }

    fn property(&mut self, element: Element<'a, C>, into: &mut Vec<Property<'a>>) -> Parsed<(), C> {
        into.push(self.one_property(element)?);
        Ok(())
    }

    #[inline]
    pub(super) fn one_property(&mut self, element: Element<'a, C>) -> Parsed<Property<'a>, C> {
        let mut members = element.members(self.depth())?;
        let Some(name) = members.value(0)? else { return element.lacks(members) };
        let (name, row) = self.item_name(name, Kind::Property)?;
        let Some(values) = members.get(1)? else { return element.lacks(members) };
        let extra = members.get(2)?;
        members.end()?;
        let setting = self.setting(values, extra, row.map_or(Type::None, |row| row.kind))?;
        Ok(Property { name, setting })
    }

    fn description(&mut self, element: Element<'a, C>) -> Parsed<Description<'a>, C> {
        let mut members = element.members(self.depth())?;
        let Some(groups) = members.get(0)? else {
            members.end()?;
            return element.fault(Rule::BerMember);
        };
        let mut lines = Vec::new();
        self.each(groups, |reader, group| {
            if group.tag != 0x30 {
                return group.fault(Rule::BerType);
            }
            let count = group.contents.count();
            if lines.capacity() == 0 {
                lines = Vec::with_capacity(count);
            } else {
                lines.reserve(count);
            }
            let mut is_first = true;
            reader.each(group, |reader, element| {
                reader.line(element, is_first, &mut lines)?;
                is_first = false;
                Ok(())
            })
        })?;
        members.end()?;
        Ok(Description::from_lines(lines))
    }

    #[inline(always)]
    fn line(&mut self, element: Element<'a, C>, is_first: bool, into: &mut Vec<Line<'a>>) -> Parsed<(), C> {
        // Nearly all are so: a line of SDP, with one value in few octets.
        if let [0x80, 4, 0, 0, high, low, 0xa1, values, 0x04, length, text @ ..] = element.contents.rest
            && element.is_constructed()
            && *length < 0x7e
            && usize::from(*length) == text.len()
            && *values == *length + 2
        {
            let tag = Tag(u16::from_be_bytes([*high, *low]));
            let text = text_of(text);
            if tag.letter().is_some() && !ends_lines(text) {
                into.push(Line { is_first, tag, value: LineValue::Text(Cow::Borrowed(text)) });
                return Ok(());
            }
        }
        self.any_line(element, is_first, into)
    }

    #[inline(never)]
    fn any_line(
        &mut self,
        element: Element<'a, C>,
        is_first: bool,
        into: &mut Vec<Line<'a>>,
    ) -> Parsed<(), C> {
        let mut members = element.members(self.depth())?;
        let Some(name) = members.value(0)? else { return element.lacks(members) };
        let Some(values) = members.get(1)? else { return element.lacks(members) };
        let extra = members.get(2)?;
        members.end()?;
        let [0, 0, high, low] = name.primitive()? else { return name.fault(Rule::Description) };
        let tag = Tag(u16::from_be_bytes([*high, *low]));
        let mut octets = values.constructed()?;
        let first = octets.next(self.depth())?;
        if let (Some(_), Some(value), true, None) = (tag.letter(), first, octets.rest.is_empty(), extra) {
            let text = text_of(value.primitive()?);
            // A line end would make two lines of one.
            if ends_lines(text) {
                return value.fault(Rule::Description);
            }
            into.push(Line { is_first, tag, value: LineValue::Text(Cow::Borrowed(text)) });
            return Ok(());
        }
        let setting = self.setting(values, extra, Type::None)?;
        into.push(Line { is_first, tag, value: LineValue::Setting(setting) });
        Ok(())
    }

    fn statistic(&mut self, element: Element<'a, C>, into: &mut Vec<Statistic<'a>>) -> Parsed<(), C> {
        let mut members = element.members(self.depth())?;
        let Some(name) = members.value(0)? else { return element.lacks(members) };
        let (name, row) = self.item_name(name, Kind::Statistic)?;
        let values = members.get(1)?;
        members.close()?;
        let mut value = None;
        if let Some(values) = values {
            value = match self.setting(values, None, row.map_or(Type::None, |row| row.kind))? {
                // Several values are a list here: there is no other mark.
                Setting::Any(values) => Some(Setting::All(values)),
                Setting::Choose => None,
                one => Some(one),
            };
        }
        into.push(Statistic { name, value });
        Ok(())
    }

    #[inline(never)]
    fn modem(&mut self, element: Element<'a, C>) -> Parsed<Modem<'a>, C> {
        let mut members = element.members(self.depth())?;
        let mut modem = Modem { types: Vec::new(), properties: Vec::new(), non_standard: None };
        while let Some((number, member)) = members.next()? {
            match number {
                0 => {
                    let mut types = Vec::new();
                    self.each(member, |_, element| {
                        types.push(match element.small(8)? {
                            0 => ModemType::V18,
                            1 => ModemType::V22,
                            2 => ModemType::V22bis,
                            3 => ModemType::V32,
                            4 => ModemType::V32bis,
                            5 => ModemType::V34,
                            6 => ModemType::V90,
                            7 => ModemType::V91,
                            _ => ModemType::SynchIsdn,
                        });
                        Ok(())
                    })?;
                    modem.types = types;
                }
                1 => modem.properties = self.properties(member)?,
                2 => modem.non_standard = Some(self.non_standard(member)?),
                _ => return member.fault(Rule::BerMember),
            }
        }
        if modem.types.is_empty() { element.fault(Rule::Modem) } else { Ok(modem) }
    }

    #[inline(never)]
    fn mux(&mut self, element: Element<'a, C>) -> Parsed<Mux<'a>, C> {
        let mut members = element.members(self.depth())?;
        let (mut kind, mut terminations, mut non_standard) = (None, None, None);
        while let Some((number, member)) = members.next()? {
            match number {
                0 => {
                    kind = Some(match member.integer()? {
                        0 => MuxType::H221,
                        1 => MuxType::H223,
                        2 => MuxType::H226,
                        3 => MuxType::V76,
                        4 => MuxType::Nx64k,
                        _ => return member.fault(Rule::Mux),
                    });
                }
                1 => terminations = Some(self.terminations(member)?),
                2 => non_standard = Some(self.non_standard(member)?),
                _ => {}
            }
        }
        match (kind, terminations) {
            (Some(kind), Some(terminations)) => Ok(Mux { kind, terminations, non_standard }),
            _ => element.fault(Rule::BerMember),
        }
    }

    pub(super) fn package_version(
        &mut self,
        element: Element<'a, C>,
        into: &mut Vec<PackageVersion<'a>>,
    ) -> Parsed<(), C> {
        into.push(self.one_package_version(element)?);
        Ok(())
    }

    pub(super) fn one_package_version(&mut self, element: Element<'a, C>) -> Parsed<PackageVersion<'a>, C> {
        let mut members = element.members(self.depth())?;
        let package = members.read_value(0, |member| self.id(member))?.map(Name::Id);
        let version = members.read_value(1, |member| member.small(99))?;
        members.end()?;
        match (package, version) {
            (Some(package), Some(version)) => Ok(PackageVersion { package, version }),
            _ => element.fault(Rule::Packages),
        }
    }
}

/// Whether text has the end of a line in it, or an octet of zero.
#[inline]
fn ends_lines(text: &[u8]) -> bool {
    // They are among the octets below the space, of which there is mostly none.
    let (eights, rest) = text.as_chunks::<8>();
    let is_control = |eight: &[u8; 8]| {
        let octets = u64::from_ne_bytes(*eight);
        octets.wrapping_sub(0x2020_2020_2020_2020) & !octets & 0x8080_8080_8080_8080 != 0
    };
    let has_control = eights.iter().any(is_control) || rest.iter().any(|octet| *octet < b' ');
    has_control && memchr::memchr3(b'\r', b'\n', 0, text).is_some()
}
