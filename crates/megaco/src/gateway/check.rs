//! What descriptors say, checked against the packages that a termination realises (RFC 3525 sections 6.2.3, 7.1, 12).
//!
//! Nothing is changed here: a command whose descriptors do not pass has done nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::detection::{Buffered, Detection, Instead, Plan, Reporting, Wanted};
use super::digit_map::{self, DigitMap};
use super::owned::{Argument, Choice, Item, Quality};
use super::report::Fault;
use super::signal::{Play, Sound};
use super::termination::Kind;
use crate::error::ErrorCode;
use crate::message::{
    DigitMapValue, Embedded, Event, EventAction, EventDigitMap, EventSpec, Events, Name, NotifyBehaviour,
    Parameter, Property, Relation, SecondEvents, Setting, Signal, SignalRequest, SignalType, StreamId, Value,
};
use crate::package::{Access, ItemRow, Kind as Table, Place, Side, Type};

/// The event of `dd` that a digit map completes, and its package.
pub(super) const COMPLETION: Item = Item::new(6, 4);

/// Digit maps by their names in lower case.
pub(super) type DigitMaps = BTreeMap<Box<str>, Arc<DigitMap>>;

/// What the checks need to know.
#[derive(Clone, Copy)]
pub(super) struct Checker<'c> {
    pub(super) kind: Kind,
    /// The termination's own maps, with those of the command, and those of the gateway.
    pub(super) own_maps: &'c DigitMaps,
    pub(super) root_maps: &'c DigitMaps,
    pub(super) most_signals: usize,
}

/// The name of a digit map as it is kept.
pub(super) fn name_of_map(name: &Name<'_>) -> Box<str> {
    match name {
        Name::Id(id) => format!("id{id:04x}").into(),
        Name::Text(text) => text.as_str().to_ascii_lowercase().into(),
        Name::All => "*".into(),
    }
}

/// A digit map.
pub(super) fn map_of(value: &DigitMapValue<'_>) -> Result<Arc<DigitMap>, Fault> {
    if value.body.len() > digit_map::LONGEST {
        return Err(ErrorCode::NO_DIGIT_MAP_SPACE.into());
    }
    let said = [value.start, value.short, value.long, value.duration];
    let read = DigitMap::read(value.body, said);
    read.map(Arc::new).map_err(|_| Fault::new(ErrorCode::SYNTAX_COMMAND, "Syntax error in a digit map"))
}

impl Checker<'_> {
    /// The item that a name means among those of the termination; none means all of its package.
    fn find(
        &self,
        table: Table,
        name: crate::message::ItemName<'_>,
        missing: ErrorCode,
    ) -> Result<(u16, Option<&'static ItemRow>), Fault> {
        let Name::Id(package) = name.package() else { return Err(ErrorCode::UNKNOWN_PACKAGE.into()) };
        let Some(known) = self.kind.package(package) else { return Err(ErrorCode::UNKNOWN_PACKAGE.into()) };
        match name.item() {
            Name::All => Ok((package, None)),
            Name::Id(id) => match known.item(table, id) {
                Some(row) => Ok((package, Some(row))),
                None => Err(missing.into()),
            },
            Name::Text(_) => Err(missing.into()),
        }
    }

    /// Properties of a local control or a termination state.
    pub(super) fn properties(
        &self,
        properties: &[Property<'_>],
        place: Place,
    ) -> Result<Vec<Quality>, Fault> {
        let mut list: Vec<Quality> = Vec::new();
        for property in properties {
            let (package, row) = self.find(Table::Property, property.name, ErrorCode::NO_PROPERTY)?;
            let Some(row) = row else { return Err(ErrorCode::NO_PROPERTY.into()) };
            let item = Item::new(package, row.id);
            if row.place != Some(place) {
                return Err(ErrorCode::PROPERTY_ILLEGAL.into());
            }
            if row.access == Access::ReadOnly {
                return Err(ErrorCode::READ_ONLY.into());
            }
            if list.iter().any(|known| known.item == item) {
                return Err(ErrorCode::PARAMETER_TWICE.into());
            }
            check_setting(row.kind, &property.setting)?;
            let choice = resolve(row.kind, &property.setting)?;
            list.push(Quality { item, choice });
        }
        Ok(list)
    }

    fn arguments(
        &self,
        row: Option<&ItemRow>,
        side: Side,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Argument>, Fault> {
        let mut list: Vec<Argument> = Vec::new();
        for parameter in parameters {
            let known = match (row, parameter.name) {
                (Some(row), Name::Id(id)) => row.own_parameter(side, id),
                _ => None,
            };
            let Some(known) = known else { return Err(ErrorCode::UNKNOWN_PARAMETER.into()) };
            let Some(argument) = Argument::of(parameter) else {
                return Err(ErrorCode::UNKNOWN_PARAMETER.into());
            };
            if list.iter().any(|other| other.id == argument.id) {
                return Err(ErrorCode::PARAMETER_TWICE.into());
            }
            check_setting(known.kind, &parameter.setting)?;
            list.push(argument);
        }
        Ok(list)
    }

    /// An events descriptor.
    pub(super) fn events(&self, events: &Events<'_>) -> Result<Detection, Fault> {
        let mut list = Vec::new();
        for event in &events.events {
            let mut wanted = self.event(event)?;
            if let Some(embedded) = &event.action.embedded {
                let Embedded { signals, events } = embedded;
                wanted.signals = signals.as_deref().map(|signals| self.signals(signals)).transpose()?;
                wanted.events =
                    events.as_deref().map(|second| self.second(second)).transpose()?.map(Arc::new);
            }
            list.push(self.legal(wanted)?);
        }
        let request = Self::request(events.request, list.is_empty())?;
        Ok(Detection { request, events: list })
    }

    fn second(&self, events: &SecondEvents<'_>) -> Result<Detection, Fault> {
        let mut list = Vec::new();
        for event in &events.events {
            let mut wanted = self.event(event)?;
            let signals = event.action.embedded.as_deref();
            wanted.signals = signals.map(|signals| self.signals(signals)).transpose()?;
            list.push(self.legal(wanted)?);
        }
        let request = Self::request(events.request, list.is_empty())?;
        Ok(Detection { request, events: list })
    }

    fn request(
        request: Option<crate::message::RequestId>,
        is_empty: bool,
    ) -> Result<Option<crate::message::RequestId>, Fault> {
        match request {
            None if !is_empty => Err(Fault::new(ErrorCode::SYNTAX_COMMAND, "Events without a RequestID")),
            _ => Ok(request),
        }
    }

    fn legal(&self, wanted: Wanted) -> Result<Wanted, Fault> {
        if wanted.is_keep_active && wanted.signals.is_some() {
            return Err(Fault::new(ErrorCode::SYNTAX_COMMAND, "KeepActive beside embedded signals"));
        }
        Ok(wanted)
    }

    fn event<E>(&self, event: &Event<'_, E>) -> Result<Wanted, Fault> {
        let (package, row) = self.find(Table::Event, event.name, ErrorCode::NO_EVENT)?;
        let EventAction { is_keep_active, digit_map, notify, is_reset, .. } = &event.action;
        let plan = digit_map.as_ref().map(|map| self.plan(map)).transpose()?;
        let completes = package == COMPLETION.package && row.is_none_or(|row| row.id == COMPLETION.item);
        if completes && plan.is_none() {
            return Err(ErrorCode::MISSING_PARAMETER.into());
        }
        if plan.is_some() && !completes {
            return Err(ErrorCode::UNKNOWN_PARAMETER.into());
        }
        let reporting = match notify {
            None => Reporting::Usual,
            Some(NotifyBehaviour::Immediate) => Reporting::Immediate,
            Some(NotifyBehaviour::Regulated(_)) => Reporting::Regulated,
            Some(NotifyBehaviour::Never) => Reporting::Never,
        };
        let instead = match notify {
            Some(NotifyBehaviour::Regulated(Some(embedded))) => {
                let signals = embedded.signals.as_deref().map(|own| self.signals(own)).transpose()?;
                let events = embedded.events.as_deref().map(|second| self.second(second)).transpose()?;
                Some(Box::new(Instead { signals, events: events.map(Arc::new) }))
            }
            _ => None,
        };
        Ok(Wanted {
            package,
            item: row.map(|row| row.id),
            stream: event.stream,
            arguments: self.arguments(row, Side::Request, &event.parameters)?,
            is_keep_active: *is_keep_active,
            plan,
            signals: None,
            events: None,
            reporting,
            instead,
            is_reset: *is_reset,
        })
    }

    fn plan(&self, map: &EventDigitMap<'_>) -> Result<Plan, Fault> {
        match map {
            EventDigitMap::Value(value) => Ok(Plan { name: None, map: map_of(value)? }),
            EventDigitMap::Name(name) => {
                let name = name_of_map(name);
                let found = self.own_maps.get(&name).or_else(|| self.root_maps.get(&name));
                let map = found.cloned().ok_or(ErrorCode::NO_DIGIT_MAP)?;
                Ok(Plan { name: Some(name), map })
            }
        }
    }

    /// An event buffer descriptor.
    pub(super) fn buffer(&self, events: &[EventSpec<'_>]) -> Result<Vec<Buffered>, Fault> {
        let mut list = Vec::new();
        for event in events {
            let (package, row) = self.find(Table::Event, event.name, ErrorCode::NO_EVENT)?;
            let arguments = self.arguments(row, Side::Request, &event.parameters)?;
            list.push(Buffered { package, item: row.map(|row| row.id), stream: event.stream, arguments });
        }
        Ok(list)
    }

    /// A signals descriptor.
    pub(super) fn signals(&self, signals: &[SignalRequest<'_>]) -> Result<Vec<Play>, Fault> {
        let mut list = Vec::new();
        let mut count = 0;
        for request in signals {
            let play = match request {
                SignalRequest::Signal(signal) => Play::One(self.signal(signal)?),
                SignalRequest::List(signals) => {
                    let sounds = signals.signals.iter().map(|signal| self.signal(signal));
                    Play::List(signals.id, sounds.collect::<Result<_, _>>()?)
                }
            };
            let sounds = play.sounds();
            let but_last = sounds.get(..sounds.len().saturating_sub(1)).unwrap_or_default();
            if but_last.iter().any(|sound| kind_of(sound) == SignalType::OnOff) {
                let why = "An on/off signal that is not the last of its list";
                return Err(Fault::new(ErrorCode::SYNTAX_COMMAND, why));
            }
            count += sounds.len();
            if count > self.most_signals {
                return Err(ErrorCode::INSUFFICIENT_RESOURCES.into());
            }
            list.push(play);
        }
        Ok(list)
    }

    fn signal(&self, signal: &Signal<'_>) -> Result<Sound, Fault> {
        let (package, row) = self.find(Table::Signal, signal.name, ErrorCode::NO_SIGNAL)?;
        let Some(row) = row else { return Err(ErrorCode::NO_SIGNAL.into()) };
        let is_overridden =
            signal.kind == Some(SignalType::TimeOut) && row.signal != Some(SignalType::TimeOut);
        if is_overridden && signal.duration.is_none() {
            return Err(ErrorCode::MISSING_PARAMETER.into());
        }
        Ok(Sound {
            item: Item::new(package, row.id),
            stream: signal.stream,
            kind: signal.kind,
            duration: signal.duration,
            completion: signal.completion,
            is_keep_active: signal.is_keep_active,
            arguments: self.arguments(Some(row), Side::Request, &signal.parameters)?,
            direction: signal.direction,
            request: signal.request,
            delay: signal.delay,
        })
    }
}

/// What ends a signal: as the descriptor says, or as its package does.
pub(super) fn kind_of(sound: &Sound) -> SignalType {
    let row = crate::package::item(Table::Signal, sound.item.name());
    sound.kind.or_else(|| row.and_then(|row| row.signal)).unwrap_or(SignalType::OnOff)
}

/// Whether all values of a setting are of a type; what the readers could not make one of it is a word or text.
fn check_setting(kind: Type, setting: &Setting<'_>) -> Result<(), Fault> {
    let fits = |value: &Value<'_>| {
        let is_of = match (kind.element(), value) {
            (Type::Boolean, Value::Boolean(_))
            | (Type::Double, Value::Integer(_))
            | (Type::Fraction, Value::Fraction(_))
            | (Type::String, Value::String(_) | Value::Token(_))
            | (Type::Octets, Value::Octets(_))
            | (Type::Word, Value::Token(_) | Value::String(_))
            | (Type::Signal, Value::Item(_)) => true,
            (Type::Integer(first, last), Value::Integer(number)) => (first..=last).contains(number),
            (Type::Enumeration(names), Value::Enumeration(number)) => {
                names.iter().any(|(_, known)| known == number)
            }
            _ => false,
        };
        if is_of { Ok(()) } else { Err(Fault::from(ErrorCode::NO_PARAMETER_VALUE)) }
    };
    match setting {
        Setting::One(value) | Setting::Relation(_, value) => fits(value),
        Setting::Choose => Ok(()),
        Setting::Range(range) => fits(&range.0).and_then(|()| fits(&range.1)),
        // A list is a value of lists alone (section 12.2).
        Setting::All(_) if !matches!(kind, Type::List(_)) => Err(ErrorCode::NO_PARAMETER_VALUE.into()),
        Setting::All(values) | Setting::Any(values) => values.iter().try_for_each(fits),
    }
}

/// The value that the gateway takes where the controller leaves it a choice (section 7.1.1).
fn resolve(kind: Type, setting: &Setting<'_>) -> Result<Choice, Fault> {
    let integer = |number: i64| Choice::One(super::owned::Given::Integer(number));
    let chosen = match setting {
        Setting::Any(values) => values.first().map(|value| Choice::of(&Setting::One(value.clone()))),
        Setting::Range(range) => Some(Choice::of(&Setting::One(range.0.clone()))),
        Setting::Relation(Relation::Greater, Value::Integer(number)) => {
            Some(integer(number.saturating_add(1)))
        }
        Setting::Relation(Relation::Smaller, Value::Integer(number)) => {
            Some(integer(number.saturating_sub(1)))
        }
        Setting::Relation(Relation::Unequal, Value::Integer(number)) => {
            Some(integer(number.saturating_add(1)))
        }
        Setting::Relation(..) => None,
        Setting::Choose => match kind {
            Type::Boolean => Some(Choice::One(super::owned::Given::Boolean(false))),
            Type::Integer(first, _) => Some(integer(first.max(0))),
            Type::Double => Some(integer(0)),
            _ => None,
        },
        Setting::One(_) | Setting::All(_) => Some(Choice::of(setting)),
    };
    let fits = |choice: &Choice| match (kind, choice.number()) {
        (Type::Integer(first, last), Some(number)) => (first..=last).contains(&number),
        _ => true,
    };
    chosen.filter(fits).ok_or_else(|| ErrorCode::NO_PARAMETER_VALUE.into())
}

/// Whether a setting leaves the gateway a choice, so that the reply must say what it chose.
pub(super) fn is_open(setting: &Setting<'_>) -> bool {
    !matches!(setting, Setting::One(_) | Setting::All(_))
}

/// The stream that a descriptor without streams is about.
pub(super) const FIRST: StreamId = StreamId(1);
