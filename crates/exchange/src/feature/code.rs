//! Feature codes: what subscribers dial to use and to set their features, by country, as data.
//!
//! In North America they are the vertical service codes that subscribers know; elsewhere codes in the form that European
//! networks use (`*` sets, `#` unsets), as far as there are common ones, and others of the same form. Networks differ: neither
//! list was checked against a standard, and each code can be set. A code that asks (`*#` and the number of the feature) is answered by
//! confirmation tone where the feature is active, and by congestion tone where it is not; North America has none.
//! A code is written as a pattern: keys, `S` or `SS` for a speed dial slot of one or two digits, `N` for a number.
//! A code for a feature that needs a number, and whose pattern has none, is answered by recall dial tone, and the
//! number follows.

use std::fmt;
use std::str::FromStr;

use super::setting::Forward;
use crate::Country;
use crate::numbering::{DigitMap, Way};

/// What a feature code asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Forward calls to the number that follows.
    ForwardOn(Forward),
    /// Forward calls no more.
    ForwardOff(Forward),
    /// Say whether a feature is active.
    Query(Feature),
    /// Let a call wait behind another, or no more.
    CallWaiting(bool),
    /// Let calls find the line busy, or no more.
    DoNotDisturb(bool),
    /// Refuse callers who withhold their numbers, or no more.
    RejectAnonymous(bool),
    /// Withhold the line's number from the call that follows.
    WithholdNumber,
    /// Show it in the call that follows, though the line withholds it.
    ShowNumber,
    /// Call the last caller.
    CallReturn,
    /// Call the last number that was called.
    Redial,
    /// Let a slot stand for the number that follows.
    SpeedDialSet(Slot),
    /// Call the number that a slot stands for.
    SpeedDial(Slot),
}

/// A feature that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// Forwarding.
    Forward(Forward),
    /// Call waiting.
    CallWaiting,
    /// Do not disturb.
    DoNotDisturb,
    /// Refusal of anonymous callers.
    RejectAnonymous,
}

/// How many digits a speed dial slot has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    /// One.
    One,
    /// Two.
    Two,
}

impl Slot {
    /// The number of digits.
    #[must_use]
    pub const fn digits(self) -> usize {
        match self {
            Self::One => 1,
            Self::Two => 2,
        }
    }
}

struct Row {
    name: &'static str,
    service: Service,
    /// Empty where there is none.
    north_america: &'static str,
    elsewhere: &'static str,
}

const fn row(
    name: &'static str,
    service: Service,
    north_america: &'static str,
    elsewhere: &'static str,
) -> Row {
    Row { name, service, north_america, elsewhere }
}

use Service::{
    CallReturn, CallWaiting, DoNotDisturb, ForwardOff, ForwardOn, Query, Redial, RejectAnonymous, ShowNumber,
    SpeedDial, SpeedDialSet, WithholdNumber,
};

static TABLE: &[Row] = &[
    row("forward_always_on", ForwardOn(Forward::Always), "*72", "*21*N#"),
    row("forward_always_off", ForwardOff(Forward::Always), "*73", "#21#"),
    row("forward_always_query", Query(Feature::Forward(Forward::Always)), "", "*#21#"),
    row("forward_busy_on", ForwardOn(Forward::Busy), "*90", "*67*N#"),
    row("forward_busy_off", ForwardOff(Forward::Busy), "*91", "#67#"),
    row("forward_busy_query", Query(Feature::Forward(Forward::Busy)), "", "*#67#"),
    row("forward_no_answer_on", ForwardOn(Forward::NoAnswer), "*92", "*61*N#"),
    row("forward_no_answer_off", ForwardOff(Forward::NoAnswer), "*93", "#61#"),
    row("forward_no_answer_query", Query(Feature::Forward(Forward::NoAnswer)), "", "*#61#"),
    row("call_waiting_on", CallWaiting(true), "", "*43#"),
    row("call_waiting_off", CallWaiting(false), "", "#43#"),
    row("call_waiting_query", Query(Feature::CallWaiting), "", "*#43#"),
    row("do_not_disturb_on", DoNotDisturb(true), "*78", "*26#"),
    row("do_not_disturb_off", DoNotDisturb(false), "*79", "#26#"),
    row("do_not_disturb_query", Query(Feature::DoNotDisturb), "", "*#26#"),
    row("reject_anonymous_on", RejectAnonymous(true), "*77", "*77#"),
    row("reject_anonymous_off", RejectAnonymous(false), "*87", "#77#"),
    row("reject_anonymous_query", Query(Feature::RejectAnonymous), "", "*#77#"),
    row("withhold_number", WithholdNumber, "*67", "*31#"),
    row("show_number", ShowNumber, "*82", "#31#"),
    row("call_return", CallReturn, "*69", "*69#"),
    row("redial", Redial, "*66", "*66#"),
    row("speed_dial_1_set", SpeedDialSet(Slot::One), "*74", "*51*S*N#"),
    row("speed_dial_2_set", SpeedDialSet(Slot::Two), "*75", "*51*SS*N#"),
    row("speed_dial_1", SpeedDial(Slot::One), "S#", "**S#"),
    row("speed_dial_2", SpeedDial(Slot::Two), "SS#", "**SS#"),
];

impl Service {
    /// All of them with the names of their codes, in the order of the manual.
    pub fn all() -> impl Iterator<Item = (&'static str, Self)> {
        TABLE.iter().map(|row| (row.name, row.service))
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        TABLE.iter().find(|row| row.service == self).map_or("", |row| row.name)
    }

    /// The service with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.name == name).map(|row| row.service)
    }

    /// The slot that its code holds, or that is dialled behind it.
    #[must_use]
    pub const fn slot(self) -> Option<Slot> {
        match self {
            SpeedDialSet(slot) | SpeedDial(slot) => Some(slot),
            _ => None,
        }
    }

    /// Whether a number is part of its code.
    const fn takes_number(self) -> bool {
        matches!(self, ForwardOn(_) | SpeedDialSet(_))
    }

    /// Why its code cannot have this pattern.
    #[must_use]
    pub fn misfit(self, pattern: &Pattern) -> Option<&'static str> {
        let slot = self.slot().map_or(0, Slot::digits);
        if pattern.number && !self.takes_number() {
            return Some("no number belongs to this code: expected it without N");
        }
        if pattern.slot != 0 && pattern.slot != slot {
            return Some(match slot {
                1 => "expected a slot of one digit: S",
                2 => "expected a slot of two digits: SS",
                _ => "no slot belongs to this code: expected it without S",
            });
        }
        if matches!(self, SpeedDial(_)) && pattern.slot == 0 {
            return Some("the slot is missing: expected S or SS in it");
        }
        (pattern.number && pattern.slot != slot).then_some("expected the slot before the number: S or SS")
    }
}

/// A feature code as it is dialled.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern {
    /// The keys before the slot and the number.
    before: String,
    /// Digits of the slot.
    slot: usize,
    /// The keys between slot and number.
    between: String,
    /// A number follows.
    number: bool,
    /// The keys behind all of it.
    after: String,
}

impl FromStr for Pattern {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = |reason| Err(BadPattern { pattern: text.to_owned(), reason });
        let is_key = |c: char| c.is_ascii_digit() || matches!(c, '*' | '#');
        let keys = |text: &str| -> (String, String) {
            let end = text.find(|c| !is_key(c)).unwrap_or(text.len());
            let (keys, rest) = text.split_at(end);
            (keys.to_owned(), rest.to_owned())
        };
        if text.is_empty() || text.len() > 16 {
            return bad("expected 1 to 16 keys");
        }
        let (before, rest) = keys(text);
        let slot = rest.chars().take_while(|c| *c == 'S').count();
        let (between, rest) = keys(rest.get(slot..).unwrap_or_default());
        let number = rest.starts_with('N');
        let (after, rest) = keys(rest.get(usize::from(number)..).unwrap_or_default());
        let (between, after) = if slot > 0 && !number { (String::new(), between) } else { (between, after) };
        if !rest.is_empty() || slot > 2 {
            return bad("expected keys (0 to 9, *, #), then S or SS for a slot, then N for a number, then #");
        }
        if number && !matches!(after.as_str(), "" | "#") {
            return bad("behind a number only # can stand");
        }
        let bare_slot = before.is_empty() && slot > 0 && after == "#" && !number;
        if !(before.starts_with(['*', '#']) || bare_slot) {
            return bad("expected * or # at its beginning, or a slot and # alone: numbers begin with digits");
        }
        Ok(Self { before, slot, between, number, after })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { before, slot, between, number, after } = self;
        let (slot, number) = ("S".repeat(*slot), if *number { "N" } else { "" });
        write!(f, "{before}{slot}{between}{number}{after}")
    }
}

/// What cannot be a feature code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadPattern {
    /// The code.
    pub pattern: String,
    /// Why not, and what is expected.
    pub reason: &'static str,
}

impl fmt::Display for BadPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" is no feature code: {}", self.pattern.escape_default(), self.reason)
    }
}

impl std::error::Error for BadPattern {}

impl Pattern {
    /// The slot and the number in what was dialled, if it was dialled by this pattern.
    fn read<'d>(&self, dialled: &'d str) -> Option<(Option<&'d str>, Option<&'d str>)> {
        let digits = |text: &str| text.bytes().all(|key| key.is_ascii_digit());
        let rest = dialled.strip_prefix(self.before.as_str())?;
        let slot = rest.get(..self.slot).filter(|slot| digits(slot))?;
        let rest = rest.get(self.slot..)?;
        if self.number {
            let number = rest.strip_prefix(self.between.as_str())?;
            // A pause ends the number as well as the key.
            let number = number.strip_suffix('#').unwrap_or(number);
            return (!number.is_empty() && digits(number)).then_some((some(slot), Some(number)));
        }
        (rest == self.after).then_some((some(slot), None))
    }

    /// The texts that stand for it in a digit map: one for each slot.
    fn beginnings(&self) -> Vec<String> {
        // Slots without keys before them must not shadow the digits that lead out of the exchange.
        let first = if self.before.is_empty() { '2'..='9' } else { '0'..='9' };
        let slots: Vec<String> = match self.slot {
            0 => vec![String::new()],
            1 => first.map(String::from).collect(),
            _ => first.flat_map(|one| ('0'..='9').map(move |two| format!("{one}{two}"))).collect(),
        };
        let end = if self.number { &self.between } else { &self.after };
        slots.into_iter().map(|slot| format!("{}{slot}{end}", self.before)).collect()
    }
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// The feature codes of an exchange.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Codes(Vec<(Service, Pattern)>);

/// A dialled feature code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dialled<'d> {
    pub(crate) service: Service,
    pub(crate) slot: Option<&'d str>,
    pub(crate) number: Option<&'d str>,
}

impl Codes {
    /// No feature codes.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// The codes that are usual in a country.
    #[must_use]
    pub fn of(country: Country) -> Self {
        let north_america = country.country_code() == "1";
        let code = |row: &Row| {
            let text = if north_america { row.north_america } else { row.elsewhere };
            // The patterns of the table are legal, which a test sees to.
            Some((row.service, text.parse().ok()?))
        };
        Self(TABLE.iter().filter_map(code).collect())
    }

    /// Gives a service another code, or none.
    pub fn set(&mut self, service: Service, pattern: Option<Pattern>) {
        self.0.retain(|(known, _)| *known != service);
        self.0.extend(pattern.map(|pattern| (service, pattern)));
    }

    /// The codes.
    pub fn iter(&self) -> impl Iterator<Item = (Service, &Pattern)> {
        self.0.iter().map(|(service, pattern)| (*service, pattern))
    }

    /// Two services that could be meant by the same digits.
    #[must_use]
    pub fn clash(&self) -> Option<(Service, Service)> {
        self.0.iter().enumerate().find_map(|(index, (service, pattern))| {
            let beginnings = pattern.beginnings();
            let mut before = self.0.iter().take(index);
            before
                .find(|(_, other)| other.beginnings().iter().any(|text| beginnings.contains(text)))
                .map(|(other, _)| (*other, *service))
        })
    }

    /// Which code was dialled.
    pub(crate) fn read<'d>(&self, dialled: &'d str) -> Option<Dialled<'d>> {
        self.0.iter().find_map(|(service, pattern)| {
            let (slot, number) = pattern.read(dialled)?;
            Some(Dialled { service: *service, slot, number })
        })
    }

    /// Whether a longer string of digits could be a code.
    pub(crate) fn begins_a_code(&self, dialled: &str) -> bool {
        self.0.iter().any(|(_, pattern)| {
            pattern.beginnings().iter().any(|text| text.len() > dialled.len() && text.starts_with(dialled))
        })
    }

    /// Lays the codes into a digit map.
    pub(crate) fn collect(&self, map: &mut DigitMap) {
        for (_, pattern) in &self.0 {
            for text in pattern.beginnings() {
                if pattern.number {
                    map.add_prefix(&text, Way::Plain, Some(text.len() + 1..=text.len() + NUMBER));
                } else {
                    map.add_number(&text);
                }
            }
        }
    }
}

/// The most digits of a number within a code: as of a dialled number.
const NUMBER: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(country: &str) -> Codes {
        Codes::of(country.parse().unwrap())
    }

    #[test]
    fn the_table_holds_legal_patterns_that_fit_and_do_not_clash() {
        for country in ["us", "de"] {
            let codes = codes(country);
            let without = TABLE.iter().filter(|row| country == "us" && row.north_america.is_empty()).count();
            assert_eq!(codes.iter().count(), TABLE.len() - without, "{country}");
            assert_eq!(codes.clash(), None, "{country}");
            for (service, pattern) in codes.iter() {
                assert_eq!(service.misfit(pattern), None, "{pattern}");
                assert_eq!(pattern.to_string().parse::<Pattern>().as_ref(), Ok(pattern));
            }
        }
        for (name, service) in Service::all() {
            assert_eq!((Service::named(name), service.name()), (Some(service), name));
        }
    }

    #[test]
    fn a_code_is_read_with_its_slot_and_number() {
        let de = codes("de");
        let read = |dialled| {
            let found = de.read(dialled)?;
            Some((found.service, found.slot.unwrap_or_default(), found.number.unwrap_or_default()))
        };
        assert_eq!(read("*21*2005#"), Some((ForwardOn(Forward::Always), "", "2005")));
        assert_eq!(read("*21*2005"), Some((ForwardOn(Forward::Always), "", "2005")), "by a pause");
        assert_eq!(read("#21#"), Some((ForwardOff(Forward::Always), "", "")));
        assert_eq!(read("*#21#"), Some((Query(Feature::Forward(Forward::Always)), "", "")));
        assert_eq!(read("*43#"), Some((CallWaiting(true), "", "")));
        assert_eq!(read("*51*3*2004#"), Some((SpeedDialSet(Slot::One), "3", "2004")));
        assert_eq!(read("*51*31*2004#"), Some((SpeedDialSet(Slot::Two), "31", "2004")));
        assert_eq!(read("**31#"), Some((SpeedDial(Slot::Two), "31", "")));
        for nothing in ["*21*#", "*21*20*5#", "2001", "*51**2004#", "*99#", ""] {
            assert_eq!(read(nothing), None, "{nothing}");
        }
        assert!(de.begins_a_code("*2") && de.begins_a_code("**3") && !de.begins_a_code("*3#"));
        let us = codes("us");
        assert_eq!(us.read("*72").map(|found| found.service), Some(ForwardOn(Forward::Always)));
        assert_eq!(us.read("4#").and_then(|found| found.slot), Some("4"));
    }

    #[test]
    fn what_is_no_pattern_is_said_so() {
        for bad in ["", "72", "*72X", "*N2", "*SSS#", "N", "S", "*1N*", "S*#", "*12345678901234567"] {
            assert!(bad.parse::<Pattern>().is_err(), "{bad}");
        }
        let pattern = |text: &str| text.parse::<Pattern>().unwrap();
        assert!(Redial.misfit(&pattern("*66N")).is_some());
        assert!(ForwardOff(Forward::Busy).misfit(&pattern("*9S")).is_some());
        assert!(SpeedDial(Slot::Two).misfit(&pattern("*S")).is_some());
        assert!(SpeedDial(Slot::One).misfit(&pattern("*1")).is_some());
        assert!(SpeedDialSet(Slot::One).misfit(&pattern("*51*N#")).is_some());
        assert_eq!(SpeedDialSet(Slot::One).misfit(&pattern("*51")), None);
    }

    #[test]
    fn two_services_cannot_have_one_code() {
        let mut codes = codes("us");
        codes.set(Redial, Some("*69".parse().unwrap()));
        assert_eq!(codes.clash(), Some((CallReturn, Redial)));
        codes.set(CallReturn, None);
        assert_eq!(codes.clash(), None);
    }

    #[test]
    fn a_digit_map_collects_the_codes() {
        let mut map = DigitMap::default();
        let mut few = codes("de");
        for (_, service) in Service::all() {
            if ![ForwardOn(Forward::Always), ForwardOff(Forward::Always), SpeedDial(Slot::Two)]
                .contains(&service)
            {
                few.set(service, None);
            }
        }
        few.collect(&mut map);
        assert_eq!(map.text(2048), "(*21*xx.[T#]|**xx#|#21#)");
    }
}
