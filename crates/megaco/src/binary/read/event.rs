//! Events, signals, digit maps and observed events from BER.

use super::Reader;
use crate::binary::ber::{Element, Members, Parsed};
use crate::binary::care::Care;
use crate::error::Rule;
use crate::message::{
    Caseless, Completion, DigitMap, DigitMapValue, Direction, Embedded, Event, EventAction, EventDigitMap,
    EventSpec, Events, EventsOf, Name, NotifyBehaviour, ObservedEvent, ObservedEvents, Parameter, RequestId,
    SecondEvents, Signal, SignalList, SignalRequest, SignalType, StreamId, TimeStamp,
};
use crate::package::{ItemRow, Kind, Side, Type};

impl<'a, C: Care> Reader<'a, C> {
    pub(super) fn events(&mut self, element: Element<'a, C>) -> Parsed<Events<'a>, C> {
        self.events_of(element, Self::event_action)
    }

    fn events_of<E>(
        &mut self,
        element: Element<'a, C>,
        read: impl Fn(&mut Self, Element<'a, C>) -> Parsed<EventAction<'a, E>, C>,
    ) -> Parsed<EventsOf<'a, E>, C> {
        let mut members = element.members(self.depth())?;
        let request = members.read_value(0, |member| member.unsigned32())?.map(RequestId::new);
        let events = members.read(1, |member| {
            self.sequences(member, |reader, element, into| reader.event(element, &read, into))
        })?;
        members.end()?;
        match events {
            Some(events) if events.is_empty() || request.is_some() => Ok(EventsOf { request, events }),
            Some(_) => element.fault(Rule::RequestMissing),
            None => element.fault(Rule::BerMember),
        }
    }

    fn event<E>(
        &mut self,
        element: Element<'a, C>,
        read: impl Fn(&mut Self, Element<'a, C>) -> Parsed<EventAction<'a, E>, C>,
        into: &mut Vec<Event<'a, E>>,
    ) -> Parsed<(), C> {
        let mut members = element.members(self.depth())?;
        let Some(name) = members.value(0)? else { return element.lacks(members) };
        let (name, row) = self.item_name(name, Kind::Event)?;
        let stream = members.read_value(1, |member| member.unsigned16())?.map(StreamId);
        let action = members.read(2, |member| read(self, member))?;
        let Some(parameters) = members.get(3)? else { return element.lacks(members) };
        let parameters = self.parameters(parameters, row, Side::Request)?;
        members.end()?;
        into.push(Event { name, stream, action: action.unwrap_or_default(), parameters });
        Ok(())
    }

    fn event_action(&mut self, element: Element<'a, C>) -> Parsed<EventAction<'a, Embedded<'a>>, C> {
        let mut members = element.members(self.depth())?;
        let mut action = EventAction::default();
        let mut embedded = Embedded { signals: None, events: None };
        while let Some((number, member)) = members.next()? {
            match number {
                0 => action.is_keep_active = member.boolean()?,
                1 => action.digit_map = Some(self.event_digit_map(member)?),
                2 => embedded.events = Some(Box::new(self.second_events(member)?)),
                3 => embedded.signals = Some(self.signals(member)?),
                4 => action.notify = Some(self.notify_behaviour(member)?),
                5 => action.is_reset = member.null()?,
                _ => {}
            }
        }
        if action.is_keep_active && embedded.signals.is_some() {
            return element.fault(Rule::KeepActive);
        }
        if embedded.events.is_some() || embedded.signals.is_some() {
            action.embedded = Some(embedded);
        }
        Ok(action)
    }

    fn second_events(&mut self, element: Element<'a, C>) -> Parsed<SecondEvents<'a>, C> {
        self.nested(element, |reader| reader.events_of(element, Self::second_action))
    }

    fn second_action(
        &mut self,
        element: Element<'a, C>,
    ) -> Parsed<EventAction<'a, Vec<SignalRequest<'a>>>, C> {
        let mut members = element.members(self.depth())?;
        let mut action = EventAction::default();
        while let Some((number, member)) = members.next()? {
            match number {
                0 => action.is_keep_active = member.boolean()?,
                1 => action.digit_map = Some(self.event_digit_map(member)?),
                2 => action.embedded = Some(self.signals(member)?),
                3 => action.notify = Some(self.notify_behaviour(member)?),
                4 => action.is_reset = member.null()?,
                _ => {}
            }
        }
        if action.is_keep_active && action.embedded.is_some() {
            return element.fault(Rule::KeepActive);
        }
        Ok(action)
    }

    fn notify_behaviour(&mut self, element: Element<'a, C>) -> Parsed<NotifyBehaviour<'a>, C> {
        let choice = element.only(self.depth())?;
        Ok(match choice.number() {
            0 => NotifyBehaviour::Immediate,
            1 => {
                let mut members = choice.members(self.depth())?;
                let mut embedded = Embedded { signals: None, events: None };
                while let Some((number, member)) = members.next()? {
                    match number {
                        0 => embedded.events = Some(Box::new(self.second_events(member)?)),
                        1 => embedded.signals = Some(self.signals(member)?),
                        _ => {}
                    }
                }
                let is_some = embedded.events.is_some() || embedded.signals.is_some();
                NotifyBehaviour::Regulated(is_some.then(|| Box::new(embedded)))
            }
            2 => NotifyBehaviour::Never,
            _ => return choice.fault(Rule::BerType),
        })
    }

    fn event_digit_map(&mut self, element: Element<'a, C>) -> Parsed<EventDigitMap<'a>, C> {
        let choice = element.only(self.depth())?;
        match choice.number() {
            0 => self.map_name(choice).map(EventDigitMap::Name),
            1 => self.digit_map_value(choice).map(EventDigitMap::Value),
            _ => choice.fault(Rule::DigitMap),
        }
    }

    pub(super) fn map_name(&self, element: Element<'a, C>) -> Parsed<Name<'a>, C> {
        let id = self.id(element)?;
        let known = self.options.digit_maps.iter().find(|(_, known)| *known == id);
        Ok(known.map_or(Name::Id(id), |(name, _)| Name::Text(Caseless::new(name))))
    }

    pub(super) fn digit_map(&mut self, element: Element<'a, C>) -> Parsed<DigitMap<'a>, C> {
        let mut members = element.members(self.depth())?;
        let mut map = DigitMap { name: None, value: None };
        while let Some((number, member)) = members.next()? {
            match number {
                0 => map.name = Some(self.map_name(member)?),
                1 => map.value = Some(self.digit_map_value(member)?),
                _ => return member.fault(Rule::BerMember),
            }
        }
        if map.name.is_none() && map.value.is_none() { element.fault(Rule::DigitMap) } else { Ok(map) }
    }

    fn digit_map_value(&mut self, element: Element<'a, C>) -> Parsed<DigitMapValue<'a>, C> {
        let mut members = element.members(self.depth())?;
        let mut value = DigitMapValue { start: None, short: None, long: None, duration: None, body: "" };
        let mut has_body = false;
        while let Some((number, member)) = members.next()? {
            match number {
                0 => value.start = Some(member.small(99)?),
                1 => value.short = Some(member.small(99)?),
                2 => value.long = Some(member.small(99)?),
                3 => {
                    value.body = member.text()?.trim_ascii();
                    has_body = true;
                    if !value.body.bytes().all(is_of_digit_maps) {
                        return member.fault(Rule::DigitMap);
                    }
                }
                4 => value.duration = Some(member.small(99)?),
                _ => {}
            }
        }
        if has_body { Ok(value) } else { element.fault(Rule::BerMember) }
    }

    fn parameters(
        &mut self,
        element: Element<'a, C>,
        row: Option<&'static ItemRow>,
        side: Side,
    ) -> Parsed<Vec<Parameter<'a>>, C> {
        self.sequences(element, |reader, element, into| {
            let mut members = element.members(reader.depth())?;
            let Some(name) = members.value(0)? else { return element.lacks(members) };
            let id = reader.id(name)?;
            let Some(values) = members.get(1)? else { return element.lacks(members) };
            let extra = members.get(2)?;
            members.end()?;
            let kind = row.and_then(|row| row.parameter(side, id)).map_or(Type::None, |row| row.kind);
            into.push(Parameter { name: Name::Id(id), setting: reader.setting(values, extra, kind)? });
            Ok(())
        })
    }

    pub(super) fn event_spec(
        &mut self,
        element: Element<'a, C>,
        into: &mut Vec<EventSpec<'a>>,
    ) -> Parsed<(), C> {
        let mut members = element.members(self.depth())?;
        let (name, row) = members.read_value(0, |member| self.item_name(member, Kind::Event))?.unzip();
        let stream = members.read_value(1, |member| member.unsigned16())?.map(StreamId);
        let parameters = members.read(2, |member| self.parameters(member, row.flatten(), Side::Request))?;
        members.end()?;
        let Some((name, parameters)) = name.zip(parameters) else { return element.fault(Rule::BerMember) };
        into.push(EventSpec { name, stream, parameters });
        Ok(())
    }

    pub(super) fn observed_events(&mut self, element: Element<'a, C>) -> Parsed<ObservedEvents<'a>, C> {
        let mut members = element.members(self.depth())?;
        let request = members.read_value(0, |member| member.unsigned32())?.map(RequestId::new);
        let events = members.read(1, |member| self.sequences(member, Self::observed_event))?;
        members.close()?;
        match (request, events) {
            (Some(request), Some(events)) if !events.is_empty() || self.care.recovers() => {
                Ok(ObservedEvents { request, events })
            }
            _ => element.fault(Rule::BerMember),
        }
    }

    fn observed_event(
        &mut self,
        element: Element<'a, C>,
        into: &mut Vec<ObservedEvent<'a>>,
    ) -> Parsed<(), C> {
        let mut members = element.members(self.depth())?;
        let Some(name) = members.value(0)? else { return element.lacks(members) };
        let (name, row) = self.item_name(name, Kind::Event)?;
        let stream = members.read_value(1, |member| member.unsigned16())?.map(StreamId);
        let Some(parameters) = members.get(2)? else { return element.lacks(members) };
        let parameters = self.parameters(parameters, row, Side::Observed)?;
        let time = members.read(3, |member| self.time(member))?;
        members.end()?;
        into.push(ObservedEvent { time, name, stream, parameters });
        Ok(())
    }

    pub(super) fn time(&mut self, element: Element<'a, C>) -> Parsed<TimeStamp, C> {
        let mut members = element.members(self.depth())?;
        let date = members.read_value(0, |member| member.primitive())?;
        let time = members.read_value(1, |member| member.primitive())?;
        members.close()?;
        match date.zip(time).and_then(|(date, time)| TimeStamp::new(date, time)) {
            Some(time) => Ok(time),
            None => element.fault(Rule::TimeStamp),
        }
    }

    pub(super) fn signals(&mut self, element: Element<'a, C>) -> Parsed<Vec<SignalRequest<'a>>, C> {
        let mut signals = Vec::with_capacity(element.contents.count());
        self.each(element, |reader, element| match element.number() {
            0 => reader.signal(element, &mut signals, SignalRequest::Signal),
            1 => {
                signals.push(SignalRequest::List(reader.signal_list(element)?));
                Ok(())
            }
            _ => element.fault(Rule::Signal),
        })?;
        Ok(signals)
    }

    fn signal_list(&mut self, element: Element<'a, C>) -> Parsed<SignalList<'a>, C> {
        let mut members = element.members(self.depth())?;
        let (mut id, mut list) = (None, None);
        while let Some((number, member)) = members.next()? {
            match number {
                0 => id = Some(member.unsigned16()?),
                1 => {
                    list = Some(self.sequences(member, |reader, element, into| {
                        reader.signal(element, into, |signal| signal)
                    })?);
                }
                _ => return member.fault(Rule::BerMember),
            }
        }
        match (id, list) {
            (Some(id), Some(signals)) if !signals.is_empty() => Ok(SignalList { id, signals }),
            _ => element.fault(Rule::BerMember),
        }
    }

    /// A signal, put into a list of signals or of what holds one.
    #[inline]
    fn signal<T>(
        &mut self,
        element: Element<'a, C>,
        into: &mut Vec<T>,
        hold: impl Fn(Signal<'a>) -> T,
    ) -> Parsed<(), C> {
        let mut members = element.members(self.depth())?;
        let Some(name) = members.value(0)? else { return self.nameless(element, members) };
        let (name, row) = self.item_name(name, Kind::Signal)?;
        let mut signal = Signal::new(name);
        signal.stream = members.read_value(1, |member| member.unsigned16())?.map(StreamId);
        signal.kind = members.read_value(2, |member| member.small(2))?.map(|kind| match kind {
            0 => SignalType::Brief,
            1 => SignalType::OnOff,
            _ => SignalType::TimeOut,
        });
        signal.duration = members.read_value(3, |member| member.unsigned16())?;
        signal.completion = members.read_value(4, |member| member.bits())?.map(|bits| {
            let [bits, _] = bits.to_be_bytes();
            Completion::from_bits(bits)
        });
        signal.is_keep_active = members.read_value(5, |member| member.boolean())?.unwrap_or_default();
        let parameters = members.read(6, |member| self.parameters(member, row, Side::Request))?;
        let has_parameters = parameters.is_some();
        signal.parameters = parameters.unwrap_or_default();
        // `both` is 2 in the Recommendation, 3 with a widespread peer.
        signal.direction =
            members.read_value(7, |member| member.small(3))?.map(|direction| match direction {
                0 => Direction::Internal,
                1 => Direction::External,
                _ => Direction::Both,
            });
        signal.request = members.read_value(8, |member| member.unsigned32())?.map(RequestId::new);
        signal.delay = members.read_value(9, |member| member.unsigned16())?;
        members.end()?;
        if !has_parameters {
            return element.fault(Rule::BerMember);
        }
        into.push(hold(signal));
        Ok(())
    }

    /// A signal that does not begin with its name.
    #[cold]
    fn nameless(&self, element: Element<'a, C>, mut members: Members<'a, C>) -> Parsed<(), C> {
        members.next()?;
        element.fault(Rule::BerMember)
    }
}

/// Whether a digit map has such a character.
const fn is_of_digit_maps(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'(' | b')' | b'[' | b']' | b'|' | b'.' | b'-' | b'*')
        || matches!(byte, b'#' | b' ' | b'\t' | b'\r' | b'\n')
}
