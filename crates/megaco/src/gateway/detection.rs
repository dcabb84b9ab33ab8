//! Events of a termination: what is asked for, what has happened, and what is remembered of it (RFC 3525 sections 7.1.9, 7.1.10, 7.1.17).

use std::collections::VecDeque;
use std::sync::Arc;

use strowger_sansio::Time;

use super::digit_map::{Collection, DigitMap};
use super::owned::{Argument, Item, parameters};
use super::signal::Play;
use crate::message::{
    DigitMapValue, Embedded, Event, EventAction, EventDigitMap, EventSpec, Events, ItemName, Name,
    NotifyBehaviour, ObservedEvent, RequestId, SecondEvents, StreamId, TimeStamp,
};

/// A dial plan as an event has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// The name, when it was asked for by one.
    pub(super) name: Option<Box<str>>,
    pub(super) map: Arc<DigitMap>,
}

impl Plan {
    fn to_message(&self) -> EventDigitMap<'_> {
        match &self.name {
            Some(name) => EventDigitMap::Name(map_name(name)),
            None => EventDigitMap::Value(map_value(&self.map)),
        }
    }
}

/// The name of a digit map: text has a word, the binary form two octets.
pub(super) fn map_name(name: &str) -> Name<'_> {
    crate::package::foreign(name)
}

pub(super) fn map_value(map: &DigitMap) -> DigitMapValue<'_> {
    let [start, short, long, duration] = map.said();
    DigitMapValue { start, short, long, duration, body: map.body() }
}

/// Whether an event is reported (version 3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Reporting {
    #[default]
    Usual,
    Immediate,
    /// As usual, unless the gateway has too much to do.
    Regulated,
    Never,
}

/// Signals and events that take the place of a report that is held back (version 3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Instead {
    pub(super) signals: Option<Vec<Play>>,
    pub(super) events: Option<Arc<Detection>>,
}

/// An event that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) package: u16,
    /// All of the package, when there is none.
    pub(super) item: Option<u16>,
    pub(super) stream: Option<StreamId>,
    pub(super) arguments: Vec<Argument>,
    pub(super) is_keep_active: bool,
    pub(super) plan: Option<Plan>,
    pub(super) signals: Option<Vec<Play>>,
    pub(super) events: Option<Arc<Detection>>,
    pub(super) reporting: Reporting,
    /// What takes effect in place of a regulated report.
    pub(super) instead: Option<Box<Instead>>,
    pub(super) is_reset: bool,
}

impl Wanted {
    pub(super) fn means(&self, event: &Occurrence) -> bool {
        let stream = self.stream.map_or(0, |stream| stream.0);
        let is_stream = stream == 0 || event.stream.is_none_or(|on| on.0 == stream);
        self.package == event.item.package
            && self.item.is_none_or(|item| item == event.item.item)
            && is_stream
    }

    fn name(&self) -> ItemName<'static> {
        let item = self.item.map_or(Name::All, Name::Id);
        ItemName::new(Name::Id(self.package), item).unwrap_or(ItemName::ALL)
    }

    fn notify(&self) -> Option<NotifyBehaviour<'_>> {
        match self.reporting {
            Reporting::Usual => None,
            Reporting::Immediate => Some(NotifyBehaviour::Immediate),
            Reporting::Regulated => {
                Some(NotifyBehaviour::Regulated(self.instead.as_deref().map(|instead| {
                    let events = instead.events.as_ref().map(|second| Box::new(second.to_second()));
                    Box::new(Embedded { signals: instead.signals.as_deref().map(plays), events })
                })))
            }
            Reporting::Never => Some(NotifyBehaviour::Never),
        }
    }

    fn to_event<'a, E>(&'a self, embedded: Option<E>) -> Event<'a, E> {
        let action = EventAction {
            is_keep_active: self.is_keep_active,
            digit_map: self.plan.as_ref().map(Plan::to_message),
            embedded,
            notify: self.notify(),
            is_reset: self.is_reset,
        };
        Event { name: self.name(), stream: self.stream, action, parameters: parameters(&self.arguments) }
    }

    fn embedded(&self) -> Option<Embedded<'_>> {
        if self.signals.is_none() && self.events.is_none() {
            return None;
        }
        let signals = self.signals.as_deref().map(plays);
        let events = self.events.as_ref().map(|second| Box::new(second.to_second()));
        Some(Embedded { signals, events })
    }
}

fn plays(plays: &[Play]) -> Vec<crate::message::SignalRequest<'_>> {
    plays.iter().map(Play::to_message).collect()
}

/// An events descriptor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Detection {
    pub(super) request: Option<RequestId>,
    pub(super) events: Vec<Wanted>,
}

impl Detection {
    pub(super) fn find(&self, event: &Occurrence) -> Option<&Wanted> {
        // An event that is named goes before the package that holds it.
        let named = self.events.iter().find(|wanted| wanted.item.is_some() && wanted.means(event));
        named.or_else(|| self.events.iter().find(|wanted| wanted.means(event)))
    }

    pub(super) fn to_message(&self) -> Events<'_> {
        let events = self.events.iter().map(|wanted| wanted.to_event(wanted.embedded())).collect();
        Events { request: self.request, events }
    }

    fn to_second(&self) -> SecondEvents<'_> {
        let events = self.events.iter().map(|wanted| wanted.to_event(wanted.signals.as_deref().map(plays)));
        SecondEvents { request: self.request, events: events.collect() }
    }
}

/// An event that has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Occurrence {
    pub(super) at: Time,
    pub(super) stamp: Option<TimeStamp>,
    pub(super) item: Item,
    pub(super) stream: Option<StreamId>,
    pub(super) arguments: Vec<Argument>,
}

impl Occurrence {
    pub(super) fn to_message(&self) -> ObservedEvent<'_> {
        ObservedEvent {
            time: self.stamp,
            name: self.item.name(),
            stream: self.stream,
            parameters: parameters(&self.arguments),
        }
    }
}

/// An event that is buffered when it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Buffered {
    pub(super) package: u16,
    pub(super) item: Option<u16>,
    pub(super) stream: Option<StreamId>,
    pub(super) arguments: Vec<Argument>,
}

impl Buffered {
    pub(super) fn means(&self, event: &Occurrence) -> bool {
        self.package == event.item.package && self.item.is_none_or(|item| item == event.item.item)
    }

    pub(super) fn to_message(&self) -> EventSpec<'_> {
        let item = self.item.map_or(Name::All, Name::Id);
        let name = ItemName::new(Name::Id(self.package), item).unwrap_or(ItemName::ALL);
        EventSpec { name, stream: self.stream, parameters: parameters(&self.arguments) }
    }
}

/// Digits that are being collected.
#[derive(Clone, Debug)]
pub(super) struct Dialling {
    pub(super) plan: Plan,
    /// The package whose events are collected.
    pub(super) package: u16,
    pub(super) collection: Collection,
    /// A digit of which the end is awaited, since its duration matters.
    pub(super) held: Option<Occurrence>,
}

/// What is watched for on a termination.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    pub(super) active: Arc<Detection>,
    pub(super) dialling: Option<Dialling>,
    /// A tone that is being heard.
    pub(super) sounding: Option<super::tones::Sounding>,
    /// The progress tones that the plane listens for.
    pub(super) listens_for: Vec<u16>,
    /// In lock step: an event was recognised, and the next descriptor is awaited.
    pub(super) is_suspended: bool,
    /// The event buffer descriptor.
    pub(super) buffered: Vec<Buffered>,
    /// The FIFO queue.
    pub(super) queue: VecDeque<Occurrence>,
    /// Events of the queue were lost, and the controller was not told yet.
    pub(super) is_overflown: bool,
}
