//! Events, signals, digit maps and observed events as BER.

use super::{SEQUENCE, Writer, Written};
use crate::binary::value::{id, item_octets, write_setting};
use crate::error::EncodeError;
use crate::message::{
    Completion, DigitMap, DigitMapValue, Direction, Embedded, EventAction, EventDigitMap, EventSpec, Events,
    EventsOf, ItemName, NotifyBehaviour, ObservedEvents, Parameter, RequestId, SecondEvents, Signal,
    SignalRequest, SignalType, Version,
};
use crate::package::{self, ItemRow, Kind, Side, Type};

/// The numbers of the members in which the two kinds of events differ.
struct Numbers {
    notify: u8,
    reset: u8,
}

impl Writer<'_, '_> {
    pub(super) fn events(&mut self, tag: u8, events: &Events<'_>) -> Written {
        self.events_of(
            tag,
            events,
            &Numbers { notify: 0xa4, reset: 0x85 },
            |writer, embedded, is_keep_active| {
                if is_keep_active && embedded.signals.is_some() {
                    return Err(EncodeError::Illegal { what: "KeepActive beside embedded signals" });
                }
                writer.embedded(embedded, 0xa2)
            },
        )
    }

    fn second_events(&mut self, tag: u8, events: &SecondEvents<'_>) -> Written {
        self.events_of(
            tag,
            events,
            &Numbers { notify: 0xa3, reset: 0x84 },
            |writer, signals, is_keep_active| {
                if is_keep_active {
                    return Err(EncodeError::Illegal { what: "KeepActive beside embedded signals" });
                }
                writer.signals(0xa2, signals)
            },
        )
    }

    /// Events at `tag` and signals behind it.
    fn embedded(&mut self, embedded: &Embedded<'_>, tag: u8) -> Written {
        if embedded.events.is_none() && embedded.signals.is_none() {
            return Err(EncodeError::Illegal { what: "an embedded descriptor without anything in it" });
        }
        if let Some(events) = &embedded.events {
            self.second_events(tag, events)?;
        }
        if let Some(signals) = &embedded.signals {
            self.signals(tag + 1, signals)?;
        }
        Ok(())
    }

    fn events_of<'a, E: PartialEq>(
        &mut self,
        tag: u8,
        all: &EventsOf<'a, E>,
        numbers: &Numbers,
        embed: fn(&mut Self, &E, bool) -> Written,
    ) -> Written {
        if all.request.is_none() && !all.events.is_empty() {
            return Err(EncodeError::Illegal { what: "events without a request's number" });
        }
        let start = self.sink.open(tag);
        self.optional(0x80, all.request.map(RequestId::get));
        self.list(0xa1, &all.events, |writer, event| {
            let start = writer.sink.open(SEQUENCE);
            writer.sink.primitive(0x80, &item_octets(event.name)?);
            writer.optional(0x81, event.stream.map(|stream| stream.0.into()));
            if !event.action.is_plain() {
                writer.event_action(&event.action, numbers, embed)?;
            }
            writer.parameters(0xa3, Kind::Event, event.name, Side::Request, &event.parameters)?;
            writer.sink.close(start);
            Ok(())
        })?;
        self.sink.close(start);
        Ok(())
    }

    fn event_action<E>(
        &mut self,
        action: &EventAction<'_, E>,
        numbers: &Numbers,
        embed: fn(&mut Self, &E, bool) -> Written,
    ) -> Written {
        let start = self.sink.open(0xa2);
        if action.is_keep_active {
            self.sink.boolean(0x80, true);
        }
        if let Some(map) = &action.digit_map {
            let choice = self.sink.open(0xa1);
            match map {
                EventDigitMap::Name(name) => self.map_name(0x80, *name)?,
                EventDigitMap::Value(value) => self.digit_map_value(0xa1, value)?,
            }
            self.sink.close(choice);
        }
        if let Some(embedded) = &action.embedded {
            embed(self, embedded, action.is_keep_active)?;
        }
        if let Some(notify) = &action.notify {
            self.needs(Version::V3, "the way in which an event is reported")?;
            let choice = self.sink.open(numbers.notify);
            match notify {
                NotifyBehaviour::Immediate => self.sink.null(0x80),
                NotifyBehaviour::Never => self.sink.null(0x82),
                NotifyBehaviour::Regulated(embedded) => {
                    let start = self.sink.open(0xa1);
                    if let Some(embedded) = embedded {
                        self.embedded(embedded, 0xa0)?;
                    }
                    self.sink.close(start);
                }
            }
            self.sink.close(choice);
        }
        if action.is_reset {
            self.needs(Version::V3, "the reset of an events descriptor")?;
            self.sink.null(numbers.reset);
        }
        self.sink.close(start);
        Ok(())
    }

    fn parameters(
        &mut self,
        tag: u8,
        kind: Kind,
        of: ItemName<'_>,
        side: Side,
        parameters: &[Parameter<'_>],
    ) -> Written {
        let row: Option<&'static ItemRow> =
            if parameters.is_empty() { None } else { package::item(kind, of) };
        let form = self.form();
        self.list(tag, parameters, |writer, parameter| {
            let start = writer.sink.open(SEQUENCE);
            let id = id("parameter", parameter.name)?;
            writer.sink.primitive(0x80, &id.to_be_bytes());
            let kind = row.and_then(|row| row.parameter(side, id)).map_or(Type::None, |row| row.kind);
            write_setting(&mut writer.sink, &parameter.setting, kind, form)?;
            writer.sink.close(start);
            Ok(())
        })
    }

    pub(super) fn event_spec(&mut self, event: &EventSpec<'_>) -> Written {
        let start = self.sink.open(SEQUENCE);
        self.sink.primitive(0x80, &item_octets(event.name)?);
        self.optional(0x81, event.stream.map(|stream| stream.0.into()));
        self.parameters(0xa2, Kind::Event, event.name, Side::Request, &event.parameters)?;
        self.sink.close(start);
        Ok(())
    }

    pub(super) fn observed_events(&mut self, tag: u8, observed: &ObservedEvents<'_>) -> Written {
        if observed.events.is_empty() {
            return Err(EncodeError::Illegal { what: "observed events without any" });
        }
        let start = self.sink.open(tag);
        self.sink.integer(0x80, observed.request.get().into());
        self.list(0xa1, &observed.events, |writer, event| {
            let start = writer.sink.open(SEQUENCE);
            writer.sink.primitive(0x80, &item_octets(event.name)?);
            writer.optional(0x81, event.stream.map(|stream| stream.0.into()));
            writer.parameters(0xa2, Kind::Event, event.name, Side::Observed, &event.parameters)?;
            if let Some(time) = event.time {
                writer.time(0xa3, time);
            }
            writer.sink.close(start);
            Ok(())
        })?;
        self.sink.close(start);
        Ok(())
    }

    pub(super) fn signals(&mut self, tag: u8, signals: &[SignalRequest<'_>]) -> Written {
        self.list(tag, signals, |writer, request| match request {
            SignalRequest::Signal(signal) => writer.signal(0xa0, signal),
            SignalRequest::List(list) if list.signals.is_empty() => {
                Err(EncodeError::Illegal { what: "a list of signals without any" })
            }
            SignalRequest::List(list) => {
                let start = writer.sink.open(0xa1);
                writer.sink.integer(0x80, list.id.into());
                writer.list(0xa1, &list.signals, |writer, signal| writer.signal(SEQUENCE, signal))?;
                writer.sink.close(start);
                Ok(())
            }
        })
    }

    fn signal(&mut self, tag: u8, signal: &Signal<'_>) -> Written {
        let start = self.sink.open(tag);
        self.sink.primitive(0x80, &item_octets(signal.name)?);
        self.optional(0x81, signal.stream.map(|stream| stream.0.into()));
        if let Some(kind) = signal.kind {
            let number = match kind {
                SignalType::Brief => 0,
                SignalType::OnOff => 1,
                SignalType::TimeOut => 2,
            };
            self.sink.primitive(0x82, &[number]);
        }
        self.optional(0x83, signal.duration.map(Into::into));
        if let Some(completion) = signal.completion {
            if completion.has(Completion::ITERATION) {
                self.needs(Version::V3, "the report of each round of a list")?;
            }
            self.sink.bits(0x84, u16::from_be_bytes([completion.bits(), 0]));
        }
        if signal.is_keep_active {
            self.sink.boolean(0x85, true);
        }
        self.parameters(0xa6, Kind::Signal, signal.name, Side::Request, &signal.parameters)?;
        if let Some(direction) = signal.direction {
            self.needs(Version::V3, "the direction of a signal")?;
            let number = match direction {
                Direction::Internal => 0,
                Direction::External => 1,
                Direction::Both => 2,
            };
            self.sink.primitive(0x87, &[number]);
        }
        if let Some(request) = signal.request {
            self.needs(Version::V3, "the request's number of a signal")?;
            self.sink.integer(0x88, request.get().into());
        }
        if let Some(delay) = signal.delay {
            self.needs(Version::V3, "the delay between signals")?;
            self.sink.integer(0x89, delay.into());
        }
        self.sink.close(start);
        Ok(())
    }

    pub(super) fn digit_map(&mut self, tag: u8, map: &DigitMap<'_>) -> Written {
        if map.name.is_none() && map.value.is_none() {
            return Err(EncodeError::Illegal { what: "a digit map without name and value" });
        }
        let start = self.sink.open(tag);
        if let Some(name) = map.name {
            self.map_name(0x80, name)?;
        }
        if let Some(value) = &map.value {
            self.digit_map_value(0xa1, value)?;
        }
        self.sink.close(start);
        Ok(())
    }

    fn digit_map_value(&mut self, tag: u8, value: &DigitMapValue<'_>) -> Written {
        if [value.start, value.short, value.long, value.duration]
            .into_iter()
            .flatten()
            .any(|timer| timer > 99)
        {
            return Err(EncodeError::Illegal { what: "a timer of more than two digits" });
        }
        let start = self.sink.open(tag);
        for (tag, timer) in [(0x80, value.start), (0x81, value.short), (0x82, value.long)] {
            self.optional(tag, timer.map(Into::into));
        }
        self.sink.primitive(0x83, value.body.as_bytes());
        if let Some(duration) = value.duration {
            self.needs(Version::V2, "the duration timer of a digit map")?;
            self.sink.integer(0x84, duration.into());
        }
        self.sink.close(start);
        Ok(())
    }
}
