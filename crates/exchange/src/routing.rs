//! Where a dialled number leads: normalise, match, translate, choose the targets.
//!
//! A dialled number is tried as it was dialled and then in its E.164 form; each time the line with exactly this number goes
//! before the route with the longest matching prefix. A route strips and adds digits and names its targets in the order in which they are
//! hunted. Numbers that lead nowhere are told apart: those that more digits could still complete, and those that nothing can.

use std::collections::BTreeMap;

use crate::numbering::{DigitMap, Numbering};
use crate::{Cause, Inventory, LineId, RouteEntry, RouteTarget};

/// The dialling plan of an exchange, made once from its inventory.
#[derive(Clone, Debug)]
pub struct Plan {
    numbering: Numbering,
    /// Numbers as they stand in the inventory.
    lines: BTreeMap<String, LineId>,
    /// Routes by prefix.
    routes: BTreeMap<String, RouteEntry>,
    most_digits: usize,
    digit_map: String,
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
    /// End the call.
    Release(Cause),
}

impl Plan {
    /// The plan of `inventory`. Of entries that share a number or a prefix, the first counts; a line on no gateway does not.
    #[must_use]
    pub fn new(inventory: &Inventory) -> Self {
        let (mut lines, mut routes) = (BTreeMap::new(), BTreeMap::new());
        for (line, id) in inventory.lines.iter().zip(0..) {
            if inventory.gateways.iter().any(|gateway| gateway.id == line.gateway) {
                lines.entry(line.number.clone()).or_insert(LineId(id));
            }
        }
        for route in &inventory.routes {
            routes.entry(route.prefix.clone()).or_insert_with(|| route.clone());
        }
        let numbering = Numbering::new(inventory.country);
        let map = digit_map(numbering, &lines, &routes);
        let digit_map = map.text(inventory.limits.digit_map);
        Self { numbering, lines, routes, most_digits: inventory.limits.digits, digit_map }
    }

    /// The digit map that collects the numbers of this plan.
    #[must_use]
    pub fn digit_map(&self) -> &str {
        &self.digit_map
    }

    /// Where `dialled` leads. A trailing `#` that is not part of a number ended the dialling and is no digit.
    #[must_use]
    pub fn resolve(&self, dialled: &str) -> Resolution {
        if dialled.len() > self.most_digits {
            return Resolution::Unallocated;
        }
        let bare = dialled.strip_suffix('#').filter(|bare| !bare.is_empty());
        let forms = std::iter::once(dialled).chain(bare);
        let found = forms.flat_map(|form| [Some(form.to_owned()), self.numbering.e164(form)]).flatten();
        for form in found {
            if let Some(line) = self.lines.get(&form) {
                return Resolution::Hunt { number: form, targets: vec![Target::Line(*line)] };
            }
            if let Some(route) = self.longest_prefix(&form)
                && complete(route, &form)
            {
                return self.translate(route, &form);
            }
        }
        if bare.is_none() && self.begins_a_number(dialled) {
            Resolution::Incomplete
        } else {
            Resolution::Unallocated
        }
    }

    fn longest_prefix(&self, number: &str) -> Option<&RouteEntry> {
        let ends = number.char_indices().map(|(at, c)| at + c.len_utf8()).rev();
        ends.filter_map(|end| number.get(..end)).find_map(|prefix| self.routes.get(prefix))
    }

    fn translate(&self, route: &RouteEntry, form: &str) -> Resolution {
        let kept = form.get(route.strip..).unwrap_or_default();
        let number = format!("{}{kept}", route.add);
        let targets: Vec<_> = route.to.iter().filter_map(|target| self.target(target, &number)).collect();
        if targets.is_empty() { Resolution::Unallocated } else { Resolution::Hunt { number, targets } }
    }

    fn target(&self, target: &RouteTarget, number: &str) -> Option<Target> {
        match target {
            RouteTarget::Release(cause) => Some(Target::Release(*cause)),
            RouteTarget::Line(number) => self.lines.get(number).copied().map(Target::Line),
            RouteTarget::Lines => {
                let e164 = || self.numbering.e164(number);
                let line = self.lines.get(number).copied();
                line.or_else(|| self.lines.get(&e164()?).copied()).map(Target::Line)
            }
        }
    }

    /// Whether more digits could make a number of the plan of this.
    fn begins_a_number(&self, dialled: &str) -> bool {
        if dialled.is_empty() {
            return true;
        }
        let numbers = self.lines.keys().chain(self.routes.keys());
        let longer = |number: &String| {
            let forms = self.numbering.dialled_forms(number);
            forms.iter().any(|form| form.len() > dialled.len() && form.starts_with(dialled))
        };
        if numbers.clone().any(longer) {
            return true;
        }
        let forms = [Some(dialled.to_owned()), self.numbering.e164(dialled)];
        forms.into_iter().flatten().any(|form| {
            self.longest_prefix(&form).is_some_and(|route| match &route.length {
                Some(length) => digits(&form) < usize::from(*length.start()),
                None => form.len() == route.prefix.len(),
            })
        })
    }
}

/// Whether the number has the length that the route asks for. Without one, a service code is complete as it is and any other prefix wants
/// at least one digit after it.
fn complete(route: &RouteEntry, form: &str) -> bool {
    match &route.length {
        Some(length) => (usize::from(*length.start())..=usize::from(*length.end())).contains(&digits(form)),
        None => form.len() > route.prefix.len() || route.prefix.contains(['*', '#']),
    }
}

/// The `+` of an E.164 number is not dialled.
fn digits(form: &str) -> usize {
    form.trim_start_matches('+').len()
}

fn digit_map(
    numbering: Numbering,
    lines: &BTreeMap<String, LineId>,
    routes: &BTreeMap<String, RouteEntry>,
) -> DigitMap {
    let mut map = DigitMap::default();
    // E.164 forms first: where a route as dialled has the same prefix, it counts.
    let (international, dialled): (Vec<_>, Vec<_>) =
        routes.iter().partition(|(prefix, _)| prefix.starts_with('+'));
    for (prefix, route) in international.into_iter().chain(dialled) {
        for form in numbering.dialled_forms(prefix) {
            // What the dialled form has more or fewer digits than the E.164 form, the whole number has too.
            let shift = |length: u8| (usize::from(length) + form.len()).saturating_sub(digits(prefix));
            let lengths = route.length.as_ref().map(|length| shift(*length.start())..=shift(*length.end()));
            map.add_prefix(&form, lengths);
        }
    }
    for number in lines.keys() {
        for form in numbering.dialled_forms(number) {
            map.add_number(&form);
        }
    }
    map
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Country, GatewayEntry, LineEntry};

    fn line(number: &str) -> LineEntry {
        LineEntry { number: number.into(), gateway: "gw1".into(), endpoint: number.into(), name: None }
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
