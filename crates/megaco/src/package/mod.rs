//! Packages as data: properties, events, signals, statistics, their parameters and types (RFC 3525 section 12 and Annex E).
//!
//! One table drives readers, writers, checks and the decoder's explanations. `annex_e` holds the packages of the RFC, `display` that of
//! telephones with a display, `public` those of other Recommendations, `value` turns text and octets into values of their types.

mod annex_e;
mod display;
mod public;
mod value;

pub(crate) use value::{
    Written, from_text, is_safe, write_hexadecimal, write_name, write_number, write_value,
};

use crate::message::{Caseless, ItemName, Name, SignalType};

/// The type of a value (RFC 3525 section 12.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// None: it has no value.
    None,
    /// `on` or `off`.
    Boolean,
    /// A number of four octets, from the first to the last.
    Integer(i64, i64),
    /// A number of eight octets.
    Double,
    /// A whole number and a fraction, of 32 bits each.
    Fraction,
    /// Text.
    String,
    /// Octets.
    Octets,
    /// One of several named numbers.
    Enumeration(&'static [(&'static str, u32)]),
    /// A word for which the tables have no number.
    Word,
    /// The name of a signal: a string in text, four octets in binary.
    Signal,
    /// Several of one type.
    List(&'static Type),
}

impl Type {
    /// Any integer of four octets.
    pub const INTEGER: Self = Self::Integer(i32::MIN as i64, u32::MAX as i64);

    /// The type of one of several values.
    #[must_use]
    pub const fn element(self) -> Self {
        match self {
            Self::List(element) => *element,
            other => other,
        }
    }
}

/// Which table of a package an item is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Properties.
    Property,
    /// Events.
    Event,
    /// Signals.
    Signal,
    /// Statistics.
    Statistic,
}

/// Where a property stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the termination state.
    TerminationState,
    /// In the local control.
    LocalControl,
}

/// Whether a property can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It can.
    ReadWrite,
    /// It cannot.
    ReadOnly,
}

/// A parameter of an event or signal.
#[derive(Clone, Copy, Debug)]
pub struct ParameterRow {
    /// Its name.
    pub name: &'static str,
    /// Its identifier.
    pub id: u16,
    /// Its type.
    pub kind: Type,
}

/// A property, event, signal or statistic.
#[derive(Clone, Copy, Debug)]
pub struct ItemRow {
    /// Its name.
    pub name: &'static str,
    /// Its identifier.
    pub id: u16,
    key: u64,
    /// The type of a property or statistic.
    pub kind: Type,
    /// Where a property stands.
    pub place: Option<Place>,
    /// Whether a property can be set.
    pub access: Access,
    /// How a signal ends.
    pub signal: Option<SignalType>,
    /// Parameters of a signal, or of an event when it is asked for.
    pub parameters: &'static [ParameterRow],
    /// Parameters of an event when it is reported.
    pub observed: &'static [ParameterRow],
}

/// A package.
#[derive(Debug)]
pub struct Package {
    /// Its name.
    pub name: &'static str,
    /// Its identifier.
    pub id: u16,
    key: u64,
    /// The highest version that the tables hold.
    pub version: u8,
    /// What it extends: that package's items are its own as well.
    pub extends: Option<&'static Package>,
    /// Whether it is there only to be extended.
    pub is_base: bool,
    /// Its properties.
    pub properties: &'static [ItemRow],
    /// Its events.
    pub events: &'static [ItemRow],
    /// Its signals.
    pub signals: &'static [ItemRow],
    /// Its statistics.
    pub statistics: &'static [ItemRow],
}

impl Package {
    /// The items of one table, without those of the package that it extends.
    #[must_use]
    pub const fn own(&self, kind: Kind) -> &'static [ItemRow] {
        match kind {
            Kind::Property => self.properties,
            Kind::Event => self.events,
            Kind::Signal => self.signals,
            Kind::Statistic => self.statistics,
        }
    }

    fn find(&self, kind: Kind, wanted: impl Fn(&ItemRow) -> bool) -> Option<&'static ItemRow> {
        let mut package = self;
        loop {
            if let Some(row) = package.own(kind).iter().find(|row| wanted(row)) {
                return Some(row);
            }
            package = package.extends?;
        }
    }

    /// The item with an identifier, of this package or of one that it extends.
    #[must_use]
    pub fn item(&self, kind: Kind, id: u16) -> Option<&'static ItemRow> {
        self.find(kind, |row| row.id == id)
    }

    /// The item with a name in any case.
    #[must_use]
    pub fn item_named(&self, kind: Kind, name: &[u8]) -> Option<&'static ItemRow> {
        let key = key(name);
        self.find(kind, |row| row.key == key && row.name.as_bytes().eq_ignore_ascii_case(name))
    }
}

/// All packages of the tables.
pub static PACKAGES: &[&Package] = &[
    &annex_e::G,
    &annex_e::ROOT,
    &annex_e::TONEGEN,
    &annex_e::TONEDET,
    &annex_e::DG,
    &annex_e::DD,
    &annex_e::CG,
    &annex_e::CD,
    &annex_e::AL,
    &annex_e::CT,
    &annex_e::NT,
    &annex_e::RTP,
    &annex_e::TDMC,
    &public::CTYP,
    &public::AN,
    &display::ANDISP,
    &public::IT,
    &public::OCP,
];

/// The package with an identifier.
#[must_use]
pub fn package(id: u16) -> Option<&'static Package> {
    // Those of Annex E stand in the order of their identifiers.
    let near = PACKAGES.get(usize::from(id).wrapping_sub(1)).filter(|package| package.id == id);
    near.or_else(|| PACKAGES.iter().find(|package| package.id == id)).copied()
}

/// The package with a name in any case.
#[must_use]
pub fn package_named(name: &[u8]) -> Option<&'static Package> {
    let place = usize::from(*SLOTS.get(slot(key(name)))?);
    let found = PACKAGES.get(place)?;
    found.name.as_bytes().eq_ignore_ascii_case(name).then_some(*found)
}

/// Where the packages' names are in a table, by their keys.
static SLOTS: [u8; 256] = {
    let mut slots = [u8::MAX; 256];
    let mut place = 0;
    while place < PACKAGES.len() {
        let slot = slot(PACKAGES[place].key);
        // Two names in one place need another multiplier.
        assert!(slots[slot] == u8::MAX);
        slots[slot] = place as u8;
        place += 1;
    }
    slots
};

#[inline]
const fn slot(key: u64) -> usize {
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize
}

/// The item that a name means, if the tables have it.
#[must_use]
pub fn item(kind: Kind, name: ItemName<'_>) -> Option<&'static ItemRow> {
    match (name.package(), name.item()) {
        (Name::Id(of), Name::Id(id)) => package(of)?.item(kind, id),
        _ => None,
    }
}

/// The first eight characters in lower case, and the length: enough to tell nearly all names apart at once.
#[inline]
const fn key(name: &[u8]) -> u64 {
    crate::token::folded(name) ^ (name.len() as u64) << 56
}

/// The text of an identifier without a name: `id` and four hexadecimal digits. Read back as that identifier.
fn unnamed(id: u16) -> [u8; 6] {
    let digit = |shift: u16| b"0123456789abcdef".get(usize::from(id >> shift & 15)).copied().unwrap_or(b'0');
    [b'i', b'd', digit(12), digit(8), digit(4), digit(0)]
}

fn named_by_id(text: &str) -> Option<u16> {
    let digits = text.get(2..).filter(|digits| digits.len() == 4)?;
    let is_marked = text.get(..2)?.eq_ignore_ascii_case("id");
    (is_marked && digits.bytes().all(|digit| digit.is_ascii_hexdigit())).then_some(())?;
    u16::from_str_radix(digits, 16).ok()
}

/// A name that the tables do not have.
pub(crate) fn foreign(text: &str) -> Name<'_> {
    named_by_id(text).map_or(Name::Text(Caseless::new(text)), Name::Id)
}

/// The name of a package as text has it.
pub(crate) fn package_name(text: &str) -> (Name<'_>, Option<&'static Package>) {
    match package_named(text.as_bytes()) {
        Some(package) => (Name::Id(package.id), Some(package)),
        None => {
            let name = foreign(text);
            let known = if let Name::Id(id) = name { package(id) } else { None };
            (name, known)
        }
    }
}

/// The name of an item as text has it, and what the tables say about it.
pub(crate) fn item_name<'a>(
    kind: Kind,
    package: &'a str,
    item: &'a str,
) -> Option<(ItemName<'a>, Option<&'static ItemRow>)> {
    if package == "*" {
        return (item == "*").then_some((ItemName::ALL, None));
    }
    let (name, known) = package_name(package);
    if item == "*" {
        return Some((ItemName::new(name, Name::All)?, None));
    }
    let row = known.and_then(|package| package.item_named(kind, item.as_bytes()));
    let item = row.map_or_else(|| foreign(item), |row| Name::Id(row.id));
    let row = row.or_else(|| {
        known.and_then(|known| if let Name::Id(id) = item { known.item(kind, id) } else { None })
    });
    Some((ItemName::new(name, item)?, row))
}

/// Which parameters an event has: when it is asked for, and when it is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Asked for, or of a signal.
    Request,
    /// Reported.
    Observed,
}

impl ItemRow {
    /// The parameter with an identifier; the other side's too, since peers take them for one.
    #[must_use]
    pub fn parameter(&self, side: Side, id: u16) -> Option<&'static ParameterRow> {
        self.find_parameter(side, |row| row.id == id)
    }

    /// The parameter with an identifier, of this side alone.
    #[must_use]
    pub fn own_parameter(&self, side: Side, id: u16) -> Option<&'static ParameterRow> {
        let own = match side {
            Side::Request => self.parameters,
            Side::Observed => self.observed,
        };
        own.iter().find(|row| row.id == id)
    }

    fn find_parameter(
        &self,
        side: Side,
        wanted: impl Fn(&ParameterRow) -> bool,
    ) -> Option<&'static ParameterRow> {
        let (near, far) = match side {
            Side::Request => (self.parameters, self.observed),
            Side::Observed => (self.observed, self.parameters),
        };
        near.iter().chain(far).find(|row| wanted(row))
    }

    /// The name of a parameter as text has it, and its type.
    pub(crate) fn parameter_name(row: Option<&Self>, side: Side, text: &str) -> (Option<u16>, Type) {
        let found = row.and_then(|row| row.find_parameter(side, |row| row.name.eq_ignore_ascii_case(text)));
        match found {
            Some(found) => (Some(found.id), found.kind),
            None => {
                let id = named_by_id(text);
                let known = id.and_then(|id| row?.parameter(side, id));
                (id, known.map_or(Type::None, |row| row.kind))
            }
        }
    }
}
