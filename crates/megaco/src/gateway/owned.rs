//! What outlives the message that it came in: names by their identifiers, values, parameters.
//!
//! A gateway executes what its tables know, so every name that it keeps has an identifier (anything else was refused with 440, 450 to 452
//! or 446), and nothing of the message need stay.

use crate::message::{ItemName, Name, Parameter, Property, Relation, Setting, Value};

/// An item of a package by both identifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Item {
    /// The package.
    pub package: u16,
    /// The property, event, signal or statistic.
    pub item: u16,
}

impl Item {
    /// An item of a package.
    #[must_use]
    pub const fn new(package: u16, item: u16) -> Self {
        Self { package, item }
    }

    /// The identifiers of a name that has both.
    #[must_use]
    pub const fn of(name: ItemName<'_>) -> Option<Self> {
        match (name.package(), name.item()) {
            (Name::Id(package), Name::Id(item)) => Some(Self { package, item }),
            _ => None,
        }
    }

    /// As it stands in messages.
    #[must_use]
    pub const fn name(self) -> ItemName<'static> {
        ItemName::of(self.package, self.item)
    }
}

/// A value that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// Integers of four and eight octets.
    Integer(i64),
    /// `on` or `off`.
    Boolean(bool),
    /// The number of an enumeration's value.
    Enumeration(u32),
    /// A whole number and a fraction of 32 bits each.
    Fraction(u64),
    /// A word.
    Token(Box<str>),
    /// Text.
    Text(Box<str>),
    /// Octets.
    Octets(Box<[u8]>),
    /// An item of a package.
    Item(Item),
}

impl Given {
    fn of(value: &Value<'_>) -> Self {
        match value {
            Value::Integer(number) => Self::Integer(*number),
            Value::Boolean(flag) => Self::Boolean(*flag),
            Value::Enumeration(number) => Self::Enumeration(*number),
            Value::Fraction(number) => Self::Fraction(*number),
            Value::Token(word) => Self::Token((*word).into()),
            Value::String(text) => Self::Text((*text).into()),
            Value::Octets(octets) => Self::Octets(octets.as_ref().into()),
            Value::Item(name) => Item::of(*name).map_or_else(|| Self::Token("".into()), Self::Item),
        }
    }

    fn to_value(&self) -> Value<'_> {
        match self {
            Self::Integer(number) => Value::Integer(*number),
            Self::Boolean(flag) => Value::Boolean(*flag),
            Self::Enumeration(number) => Value::Enumeration(*number),
            Self::Fraction(number) => Value::Fraction(*number),
            Self::Token(word) => Value::Token(word),
            Self::Text(text) => Value::String(text),
            Self::Octets(octets) => Value::Octets(octets.as_ref().into()),
            Self::Item(item) => Value::Item(item.name()),
        }
    }

    /// The number, of those that are numbers.
    #[must_use]
    pub const fn number(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::Enumeration(number) => Some(*number as i64),
            Self::Boolean(flag) => Some(*flag as i64),
            _ => None,
        }
    }
}

/// A setting that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// One value.
    One(Given),
    /// A list: all of them.
    All(Vec<Given>),
    /// One of several, the preferred one first.
    Any(Vec<Given>),
    /// The gateway chooses.
    Choose,
    /// Any from the first to the last.
    Range(Given, Given),
    /// Any that stands in this relation.
    Relation(Relation, Given),
}

impl Choice {
    pub(super) fn of(setting: &Setting<'_>) -> Self {
        let list = |values: &[Value<'_>]| values.iter().map(Given::of).collect();
        match setting {
            Setting::One(value) => Self::One(Given::of(value)),
            Setting::Choose => Self::Choose,
            Setting::Relation(relation, value) => Self::Relation(*relation, Given::of(value)),
            Setting::Range(range) => Self::Range(Given::of(&range.0), Given::of(&range.1)),
            Setting::All(values) => Self::All(list(values)),
            Setting::Any(values) => Self::Any(list(values)),
        }
    }

    pub(super) fn to_setting(&self) -> Setting<'_> {
        match self {
            Self::One(value) => Setting::One(value.to_value()),
            Self::Choose => Setting::Choose,
            Self::Relation(relation, value) => Setting::Relation(*relation, value.to_value()),
            Self::Range(first, last) => Setting::Range(Box::new((first.to_value(), last.to_value()))),
            Self::All(values) => Setting::All(values.iter().map(Given::to_value).collect()),
            Self::Any(values) => Setting::Any(values.iter().map(Given::to_value).collect()),
        }
    }

    /// The values that it names, the preferred one first.
    #[must_use]
    pub fn values(&self) -> &[Given] {
        match self {
            Self::One(value) | Self::Range(value, _) | Self::Relation(_, value) => {
                std::slice::from_ref(value)
            }
            Self::All(values) | Self::Any(values) => values,
            Self::Choose => &[],
        }
    }

    /// The number of its first value.
    #[must_use]
    pub fn number(&self) -> Option<i64> {
        self.values().first().and_then(Given::number)
    }
}

/// A parameter of an event or signal that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Its identifier within the event or signal.
    pub id: u16,
    /// What it is set to.
    pub choice: Choice,
}

impl Argument {
    /// A parameter with one value.
    #[must_use]
    pub const fn new(id: u16, value: Given) -> Self {
        Self { id, choice: Choice::One(value) }
    }

    pub(super) fn of(parameter: &Parameter<'_>) -> Option<Self> {
        match parameter.name {
            Name::Id(id) => Some(Self { id, choice: Choice::of(&parameter.setting) }),
            Name::Text(_) | Name::All => None,
        }
    }

    fn to_parameter(&self) -> Parameter<'_> {
        Parameter { name: Name::Id(self.id), setting: self.choice.to_setting() }
    }
}

/// The parameter with an identifier.
pub(super) fn argument(arguments: &[Argument], id: u16) -> Option<&Choice> {
    arguments.iter().find(|argument| argument.id == id).map(|argument| &argument.choice)
}

pub(super) fn parameters(arguments: &[Argument]) -> Vec<Parameter<'_>> {
    arguments.iter().map(Argument::to_parameter).collect()
}

/// A property that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Quality {
    pub(super) item: Item,
    pub(super) choice: Choice,
}

impl Quality {
    pub(super) fn to_property(&self) -> Property<'_> {
        Property { name: self.item.name(), setting: self.choice.to_setting() }
    }
}
