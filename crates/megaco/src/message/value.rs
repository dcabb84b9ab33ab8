//! Names of packages and their items, and values of properties and parameters (RFC 3525 sections 6.2.3, 12; Annexes A.2 and B.2).

use std::borrow::Cow;

use super::ids::Caseless;

/// A package, or an item or parameter of one: by identifier where the tables of this crate know it, else as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name<'a> {
    /// An identifier, the binary form. The text form comes from the tables; one that they do not know is written as `id` and four
    /// hexadecimal digits.
    Id(u16),
    /// A name for which the tables have no identifier: it can be written as text alone.
    Text(Caseless<'a>),
    /// All of them, `*`.
    All,
}

/// A package and an item of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemName<'a> {
    package: Name<'a>,
    item: Name<'a>,
}

impl<'a> ItemName<'a> {
    /// Items of all packages, `*/*`.
    pub const ALL: Self = Self { package: Name::All, item: Name::All };

    /// An item of a package. All packages go with all items only.
    #[must_use]
    pub const fn new(package: Name<'a>, item: Name<'a>) -> Option<Self> {
        match (package, item) {
            (Name::All, Name::Id(_) | Name::Text(_)) => None,
            _ => Some(Self { package, item }),
        }
    }

    /// An item by its identifiers.
    #[must_use]
    pub const fn of(package: u16, item: u16) -> Self {
        Self { package: Name::Id(package), item: Name::Id(item) }
    }

    /// The package.
    #[must_use]
    pub const fn package(self) -> Name<'a> {
        self.package
    }

    /// The item.
    #[must_use]
    pub const fn item(self) -> Name<'a> {
        self.item
    }
}

/// One value. Which variant stands for which type is said by the tables; what does not fit its type, or has none, is
/// kept as [`Value::Token`] or [`Value::String`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Integers of four and eight octets.
    Integer(i64),
    /// `on` or `off`.
    Boolean(bool),
    /// The number of an enumeration's value.
    Enumeration(u32),
    /// A whole number in the upper and a fraction in the lower 32 bits, as packet loss of `rtp`.
    Fraction(u64),
    /// A word of text that is none of the above.
    Token(&'a str),
    /// Text in quotes.
    String(&'a str),
    /// Octets, in text as hexadecimal digits.
    Octets(Cow<'a, [u8]>),
    /// An item of a package as a value, as the signal that `g/sc` is about.
    Item(ItemName<'a>),
}

/// How a value bounds what may be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// `>`
    Greater,
    /// `<`
    Smaller,
    /// `#`
    Unequal,
}

/// What a property or parameter is set to (RFC 3525 section 7.1.1 and Annex A.2, the comment on `PropertyParm`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting<'a> {
    /// One value.
    One(Value<'a>),
    /// The gateway is to choose, `$`.
    Choose,
    /// Any value that stands in this relation.
    Relation(Relation, Value<'a>),
    /// Any value from the first to the last. It is rare, and no setting should have to be as large as two values.
    Range(Box<(Value<'a>, Value<'a>)>),
    /// A list as value: all of them.
    All(Vec<Value<'a>>),
    /// One of several.
    Any(Vec<Value<'a>>),
}

/// A property and its setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property<'a> {
    /// The property.
    pub name: ItemName<'a>,
    /// Its setting.
    pub setting: Setting<'a>,
}

/// A parameter of an event or signal and its setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter<'a> {
    /// The parameter, within its event or signal.
    pub name: Name<'a>,
    /// Its setting.
    pub setting: Setting<'a>,
}

/// A statistic; without value where it is asked for or not supported (RFC 3525 section 7.1.15).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistic<'a> {
    /// The statistic.
    pub name: ItemName<'a>,
    /// Its value: [`Setting::One`], or [`Setting::All`] for a list (version 3).
    pub value: Option<Setting<'a>>,
}
