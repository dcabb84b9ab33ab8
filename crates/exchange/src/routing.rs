//! Where a dialled number leads: normalise, match, translate, choose the targets.
//!
//! A dialled number is tried as it was dialled and then in its E.164 form; each time the line with exactly
//! this number goes before the route with the longest matching prefix. A route strips and adds digits and
//! names its targets in the order in which they are hunted. Numbers that lead nowhere are told apart: those
//! that more digits could still complete, and those that nothing can.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::numbering::{DigitMap, Numbering, Way};
use crate::{
    Cause, Codes, FeaturePlan, Features, GroupId, Inventory, LineId, RouteEntry, RouteTarget, TrunkGroupId,
    TrunkId,
};

/// The dialling plan of an exchange, made once from its inventory.
#[derive(Clone, Debug)]
pub struct Plan {
    numbering: Numbering,
    /// Numbers of lines and groups as they stand in the inventory.
    numbers: BTreeMap<String, Target>,
    /// Numbers as they are dialled, with those of the inventory.
    dialled: BTreeMap<String, (String, Target)>,
    /// Prefixes as they are dialled.
    prefixes: BTreeMap<String, Prefix>,
    most_digits: usize,
    digit_map: String,
    number_map: String,
    consultation_map: String,
    codes: Codes,
    trunks: BTreeMap<String, TrunkId>,
    trunk_groups: BTreeMap<String, TrunkGroupId>,
}

/// A route behind one of the ways to dial its numbers.
#[derive(Clone, Debug)]
struct Prefix {
    route: RouteEntry,
    way: Way,
    /// How many digits are dialled.
    lengths: Option<RangeInclusive<usize>>,
}

/// Where a number leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// To these targets, to be tried in this order.
    Hunt {
        /// The number after translation: what the called side is told was called.
        number: String,
        /// Never empty.
        targets: Vec<Target>,
    },
    /// Nowhere yet: a longer number may begin like this.
    Incomplete,
    /// Nowhere.
    Unallocated,
}

/// One thing to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Ring this line.
    Line(LineId),
    /// Call by a channel of this trunk.
    Trunk(TrunkId),
    /// Call by a channel of a trunk of this group.
    Trunks(TrunkGroupId),
    /// Look for a free member of this group.
    Group(GroupId),
    /// End the call.
    Release(Cause),
}

impl Plan {
    /// The plan of `inventory`. Of entries that share a number or a prefix, the first counts; a line on no
    /// gateway does not.
    #[must_use]
    pub fn new(inventory: &Inventory) -> Self {
        let mut plan = Self {
            numbering: Numbering::new(inventory.country),
            numbers: BTreeMap::new(),
            dialled: BTreeMap::new(),
            prefixes: BTreeMap::new(),
            most_digits: inventory.limits.digits,
            digit_map: String::new(),
            number_map: String::new(),
            consultation_map: String::new(),
            codes: inventory.codes.clone(),
            trunks: inventory
                .all_trunks()
                .zip(0..)
                .map(|((id, ..), number)| (id.to_owned(), TrunkId(number)))
                .collect(),
            trunk_groups: inventory
                .trunk_groups
                .iter()
                .zip(0..)
                .map(|(group, id)| (group.id.clone(), TrunkGroupId(id)))
                .collect(),
        };
        // What stands in the inventory as it is dialled goes before the dialled forms of E.164 numbers.
        let by_form = |text: &str| text.starts_with('+');
        for international in [false, true] {
            for (line, id) in inventory.lines.iter().zip(0..) {
                let exists = line.phone().is_some()
                    || inventory.gateways.iter().any(|gateway| gateway.id == line.gateway());
                let further = inventory.subscriptions.get(&line.number).map(|line| line.numbers.as_slice());
                let further = further.unwrap_or_default().iter().map(|(number, _)| number);
                let numbers = std::iter::once(&line.number).chain(further);
                for number in numbers.filter(|number| exists && by_form(number) == international) {
                    plan.add_number(number, Target::Line(LineId(id)));
                }
            }
            for (group, id) in inventory.groups.iter().zip(0..) {
                if by_form(&group.number) == international {
                    plan.add_number(&group.number, Target::Group(GroupId(id)));
                }
            }
            for route in inventory.routes.iter().filter(|route| by_form(&route.prefix) == international) {
                plan.add_route(route);
            }
        }
        let map = |own: &Codes, codes: Vec<&String>| {
            let mut map = plan.collection();
            own.collect(&mut map);
            codes.into_iter().for_each(|code| map.add_number(code));
            map.text(inventory.limits.digit_map)
        };
        let allowed =
            |allows: fn(&Features) -> bool| inventory.lines.iter().any(|line| allows(&line.features));
        let FeaturePlan { cancel_call_waiting, blind_transfer, .. } = &inventory.features;
        let cancel = cancel_call_waiting.iter().filter(|_| allowed(|features| features.call_waiting));
        let transfer = blind_transfer.iter().filter(|_| allowed(|features| features.transfer));
        let number_map = map(&Codes::none(), Vec::new());
        let digit_map = map(&plan.codes, cancel.clone().collect());
        plan.consultation_map = map(&plan.codes, cancel.chain(transfer).collect());
        (plan.number_map, plan.digit_map) = (number_map, digit_map);
        plan
    }

    fn add_number(&mut self, number: &str, target: Target) {
        let target = *self.numbers.entry(number.to_owned()).or_insert(target);
        for form in self.numbering.dialled_forms(number) {
            self.dialled.entry(form.text).or_insert_with(|| (number.to_owned(), target));
        }
    }

    fn add_route(&mut self, route: &RouteEntry) {
        for form in self.numbering.dialled_prefixes(&route.prefix) {
            let dialled = |length: u8| usize::try_from(i32::from(length) + form.longer_by).unwrap_or(0);
            let lengths =
                route.length.as_ref().map(|length| dialled(*length.start())..=dialled(*length.end()));
            let prefix = || Prefix { route: route.clone(), way: form.way, lengths };
            self.prefixes.entry(form.text).or_insert_with(prefix);
        }
    }

    fn collection(&self) -> DigitMap {
        let mut map = DigitMap::default();
        map.set_international_prefix(self.numbering.international_prefix());
        for (text, prefix) in &self.prefixes {
            map.add_prefix(text, prefix.way, prefix.lengths.clone());
        }
        for number in self.dialled.keys() {
            map.add_number(number);
        }
        map
    }

    /// The digit map that collects the numbers of this plan and no feature code.
    #[must_use]
    pub fn number_map(&self) -> &str {
        &self.number_map
    }

    /// The one behind recall dial tone: with the codes that act on a call on hold.
    #[must_use]
    pub fn consultation_map(&self) -> &str {
        &self.consultation_map
    }

    /// The digit map that collects the numbers of this plan and its feature codes.
    #[must_use]
    pub fn digit_map(&self) -> &str {
        &self.digit_map
    }

    /// The E.164 form of a number as it is dialled, if it has one.
    #[must_use]
    pub fn e164(&self, dialled: &str) -> Option<String> {
        self.numbering.e164(dialled)
    }

    /// Where `dialled` leads. A trailing `#` that is not part of a number ended the dialling and is no digit.
    #[must_use]
    pub fn resolve(&self, dialled: &str) -> Resolution {
        if dialled.len() > self.most_digits {
            return Resolution::Unallocated;
        }
        let bare = dialled.strip_suffix('#').filter(|bare| !bare.is_empty());
        for form in std::iter::once(dialled).chain(bare) {
            if let Some((number, target)) = self.dialled.get(form) {
                return Resolution::Hunt { number: number.clone(), targets: vec![*target] };
            }
            if let Some((text, prefix)) = self.longest_prefix(form)
                && prefix.completes(text, form)
            {
                return self.translate(prefix, form);
            }
        }
        if bare.is_none() && self.begins_a_number(dialled) {
            Resolution::Incomplete
        } else {
            Resolution::Unallocated
        }
    }

    /// Where a number leads that comes from another network: as it stands in the inventory, as it would be dialled here, or in E.164
    /// form with `+`.
    #[must_use]
    pub fn resolve_incoming(&self, number: &str) -> Resolution {
        if let Some(target) = self.numbers.get(number) {
            return Resolution::Hunt { number: number.to_owned(), targets: vec![*target] };
        }
        self.resolve(&self.as_dialled(number))
    }

    /// A number as it is dialled here: that in E.164 form behind the international prefix.
    #[must_use]
    pub fn as_dialled(&self, number: &str) -> String {
        match number.strip_prefix('+') {
            Some(digits) => format!("{}{digits}", self.numbering.international_prefix()),
            None => number.to_owned(),
        }
    }

    fn longest_prefix(&self, dialled: &str) -> Option<(&str, &Prefix)> {
        let ends = dialled.char_indices().map(|(at, key)| at + key.len_utf8()).rev().chain([0]);
        let prefixes = ends.filter_map(|end| self.prefixes.get_key_value(dialled.get(..end)?));
        // Behind the international prefix no national number goes on.
        let abroad = |text: &str| self.numbering.is_international(text);
        // And behind any prefix there are digits only.
        let digits = |text: &str| dialled.bytes().skip(text.len()).all(|key| key.is_ascii_digit());
        let prefixes = prefixes.filter(|(text, _)| digits(text));
        let mut meant =
            prefixes.filter(|(text, prefix)| prefix.way != Way::National || abroad(text) == abroad(dialled));
        meant.next().map(|(text, prefix)| (text.as_str(), prefix))
    }

    fn translate(&self, prefix: &Prefix, dialled: &str) -> Resolution {
        let route = &prefix.route;
        let form = match prefix.way {
            Way::Plain => dialled.to_owned(),
            Way::National | Way::International => self.numbering.e164(dialled).unwrap_or_default(),
        };
        let kept = form.get(route.strip..).unwrap_or_default();
        let number = format!("{}{kept}", route.add);
        let targets: Vec<_> = route.to.iter().filter_map(|target| self.target(target, &number)).collect();
        if targets.is_empty() { Resolution::Unallocated } else { Resolution::Hunt { number, targets } }
    }

    fn target(&self, target: &RouteTarget, number: &str) -> Option<Target> {
        let found = match target {
            RouteTarget::Release(cause) => return Some(Target::Release(*cause)),
            RouteTarget::Trunk(id) => return self.trunks.get(id).copied().map(Target::Trunk),
            RouteTarget::TrunkGroup(id) => return self.trunk_groups.get(id).copied().map(Target::Trunks),
            RouteTarget::Line(number) => self.numbers.get(number),
            RouteTarget::Lines => {
                self.numbers.get(number).or_else(|| self.numbers.get(&self.numbering.e164(number)?))
            }
        };
        found.copied()
    }

    /// Whether more digits could make a number of the plan of this.
    fn begins_a_number(&self, dialled: &str) -> bool {
        let goes_on = |text: &String| text.len() > dialled.len() && text.starts_with(dialled);
        dialled.is_empty()
            || self.codes.begins_a_code(dialled)
            || self.dialled.keys().chain(self.prefixes.keys()).any(goes_on)
            || self.longest_prefix(dialled).is_some_and(|(text, prefix)| match &prefix.lengths {
                Some(lengths) => dialled.len() < *lengths.start(),
                None => !prefix.completes(text, dialled),
            })
    }
}

impl Prefix {
    /// Whether the number has the length that the route asks for. Without one, a service code is complete as
    /// it is and any other prefix wants at least one digit after it.
    fn completes(&self, text: &str, dialled: &str) -> bool {
        match &self.lengths {
            Some(lengths) => lengths.contains(&dialled.len()),
            None => dialled.len() > text.len() || text.contains(['*', '#']),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Country, GatewayEntry, LineAccess, LineEntry};

    fn line(number: &str) -> LineEntry {
        let features = Features::default();
        LineEntry { number: number.into(), access: LineAccess::endpoint("gw1", number), name: None, features }
    }

    fn route(prefix: &str, strip: usize, add: &str, to: &[&str]) -> RouteEntry {
        let to = to.iter().map(|target| target.parse().unwrap()).collect();
        RouteEntry { prefix: prefix.into(), strip, add: add.into(), length: None, to }
    }

    fn plan(country: &str, lines: &[&str], routes: Vec<RouteEntry>) -> Plan {
        let country: Country = country.parse().unwrap();
        let mut inventory = Inventory::new("town", country);
        inventory.gateways.push(GatewayEntry::mgcp("gw1", "127.0.0.9:2427".parse().unwrap(), "gw1.town"));
        inventory.lines = lines.iter().map(|number| line(number)).collect();
        inventory.routes = routes;
        assert_eq!(inventory.check(), []);
        Plan::new(&inventory)
    }

    fn to_line(number: &str, id: u32) -> Resolution {
        Resolution::Hunt { number: number.into(), targets: vec![Target::Line(LineId(id))] }
    }

    #[test]
    fn a_line_is_reached_by_its_number_and_nothing_else_is() {
        let plan = plan("us", &["2001", "2002"], vec![]);
        assert_eq!(plan.resolve("2002"), to_line("2002", 1));
        assert_eq!(plan.resolve("2002#"), to_line("2002", 1));
        assert_eq!(plan.resolve("2003"), Resolution::Unallocated);
        assert_eq!(plan.resolve("20021"), Resolution::Unallocated);
        assert_eq!(plan.resolve("*1"), Resolution::Unallocated);
        assert_eq!(plan.resolve(&"2".repeat(100)), Resolution::Unallocated);
        assert_eq!(plan.digit_map(), "(200[12])");
    }

    #[test]
    fn too_few_digits_are_told_from_wrong_ones() {
        let mut fixed = route("8", 0, "", &["cause:21"]);
        fixed.length = Some(5..=6);
        let plan = plan("us", &["2001"], vec![fixed, route("9", 1, "", &["lines"])]);
        for incomplete in ["", "2", "200", "8", "8123", "9"] {
            assert_eq!(plan.resolve(incomplete), Resolution::Incomplete, "{incomplete}");
        }
        for wrong in ["3", "21", "200#", "8123456", "#"] {
            assert_eq!(plan.resolve(wrong), Resolution::Unallocated, "{wrong}");
        }
    }

    #[test]
    fn the_longest_prefix_wins_and_a_line_before_any() {
        let routes = vec![route("9", 1, "", &["cause:21"]), route("91", 0, "", &["line:2001"])];
        let plan = plan("us", &["2001", "9155"], routes);
        let release =
            Resolution::Hunt { number: "55".into(), targets: vec![Target::Release(Cause::CALL_REJECTED)] };
        assert_eq!(plan.resolve("955"), release);
        assert_eq!(plan.resolve("917"), to_line("917", 0));
        assert_eq!(plan.resolve("9155"), to_line("9155", 1));
    }

    #[test]
    fn a_route_translates_before_it_looks_for_a_line() {
        let plan = plan("us", &["2001", "2002"], vec![route("555010", 6, "200", &["lines", "line:2002"])]);
        let both = vec![Target::Line(LineId(0)), Target::Line(LineId(1))];
        assert_eq!(plan.resolve("5550101"), Resolution::Hunt { number: "2001".into(), targets: both });
        assert_eq!(plan.resolve("5550109"), to_line("2009", 1));
    }

    #[test]
    fn a_translation_to_no_line_is_unallocated() {
        let plan = plan("us", &["2001"], vec![route("9", 1, "", &["lines"])]);
        assert_eq!(plan.resolve("92001"), to_line("2001", 0));
        assert_eq!(plan.resolve("92009"), Resolution::Unallocated);
    }

    #[test]
    fn an_e164_line_is_reached_from_home_and_as_from_abroad() {
        let plan = plan("de", &["+4930555100", "2001"], vec![route("+44", 0, "", &["cause:3"])]);
        assert_eq!(plan.resolve("030555100"), to_line("+4930555100", 0));
        assert_eq!(plan.resolve("004930555100"), to_line("+4930555100", 0));
        assert!(matches!(plan.resolve("00441234"), Resolution::Hunt { number, .. } if number == "+441234"));
        assert_eq!(plan.resolve("0044"), Resolution::Incomplete);
        assert_eq!(plan.resolve("0049305551"), Resolution::Incomplete);
        assert_eq!(plan.digit_map(), "(0044xx.[T#]|004930555100|030555100|2001)");
    }

    #[test]
    fn the_length_of_an_e164_route_counts_its_digits_without_the_plus() {
        let mut london = route("+4420", 0, "", &["cause:3"]);
        london.length = Some(12..=12);
        let plan = plan("gb", &["2001"], vec![london]);
        assert_eq!(plan.digit_map(), "(004420xxxxxxxx|020xxxxxxxx|2001)");
        assert!(matches!(plan.resolve("02055501234"), Resolution::Hunt { .. }));
        assert_eq!(plan.resolve("0205550123"), Resolution::Incomplete);
        assert_eq!(plan.resolve("020555012345"), Resolution::Unallocated);
    }

    #[test]
    fn a_service_code_keeps_its_hash() {
        let plan = plan("de", &["2001"], vec![route("*21#", 0, "", &["cause:29"])]);
        assert!(matches!(plan.resolve("*21#"), Resolution::Hunt { number, .. } if number == "*21#"));
        assert_eq!(plan.resolve("*21"), Resolution::Incomplete);
    }
}
