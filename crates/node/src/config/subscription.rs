//! What decides where calls go beyond numbers and routes: subscriptions of lines, feature codes, `[[class]]`, `[[group]]`.

use std::collections::BTreeMap;
use std::ops::Range;

use strowger_exchange::{
    Codes, Country, GroupEntry, HotLine, HuntOrder, Inventory, Ring, Service, ServiceClass, Subscription,
};
use toml::Spanned;

use super::diagnostic::Report;
use super::names;
use super::reader::{Table, excerpt, found};
use super::schema::{self, nearest};

/// What the whole exchange has.
#[derive(Default)]
pub(super) struct Services {
    pub(super) codes: Codes,
    emergency: Vec<String>,
    diversions: Option<u64>,
    classes: Vec<(Option<Spanned<String>>, ServiceClass)>,
    groups: Vec<(Group, GroupEntry)>,
}

/// The places of a group's numbers.
struct Group {
    number: Option<Spanned<String>>,
    /// None if there are none to be read.
    members: Option<Spanned<Vec<Spanned<String>>>>,
    overflow: Option<Spanned<String>>,
}

/// A line's subscription with the places of what must fit to something else.
#[derive(Default)]
pub(super) struct Subscribed {
    subscription: Subscription,
    class: Option<Spanned<String>>,
    forwards: Vec<Spanned<String>>,
    numbers: Vec<Spanned<String>>,
}

impl Services {
    pub(super) fn read(root: &Table<'_>, country: Country, report: &mut Report) -> Self {
        let mut services = Self { codes: Codes::of(country), ..Self::default() };
        if let Some(table) = root.table("features", &schema::FEATURES, report) {
            if let Some(codes) = table.table("codes", &schema::CODES, report) {
                read_codes(&codes, &mut services.codes, report);
            }
            services.emergency = strings(&table, "emergency", report);
            services.diversions = table.integer("diversions", 1..=20, report).map(Spanned::into_inner);
        }
        for table in root.tables("class", &schema::CLASS, report) {
            let id = table.required_string("id", report);
            let mut class =
                ServiceClass::new(id.as_ref().map(|id| id.get_ref().as_str()).unwrap_or_default());
            let flag =
                |key, report: &mut Report| table.boolean(key, report).is_none_or(|flag| *flag.get_ref());
            class.outgoing = flag("outgoing", report);
            class.incoming = flag("incoming", report);
            class.priority = table.boolean("priority", report).is_some_and(|flag| *flag.get_ref());
            class.allowed = strings(&table, "allowed", report);
            class.barred = strings(&table, "barred", report);
            services.classes.push((id, class));
        }
        for table in root.tables("group", &schema::GROUP, report) {
            services.groups.push(read_group(&table, report));
        }
        services
    }
}

fn read_codes(table: &Table<'_>, codes: &mut Codes, report: &mut Report) {
    for (name, service) in Service::all() {
        let Some(text) = table.string(name, report) else { continue };
        if text.get_ref().is_empty() {
            codes.set(service, None);
            continue;
        }
        let fault = match text.get_ref().parse() {
            Err(strowger_exchange::BadPattern { reason, .. }) => Some(reason),
            Ok(pattern) => {
                let misfit = service.misfit(&pattern);
                codes.set(service, Some(pattern));
                misfit
            }
        };
        if let Some(reason) = fault {
            let found = format!("\"{}\" cannot be the code `{name}`", excerpt(text.get_ref()));
            report.error(text.span(), found, reason);
        }
    }
    if let Some((one, other)) = codes.clash() {
        let place = [other.name(), one.name()].into_iter().find(|name| table.value(name).is_some());
        let place = place.map_or(table.span.clone(), |name| table.key_span(name));
        let found = format!("`{}` and `{}` have the same code", one.name(), other.name());
        report.error(place, found, "expected another code, or \"\" for none");
    }
}

fn read_group(table: &Table<'_>, report: &mut Report) -> (Group, GroupEntry) {
    let number = table.required_string("number", report);
    if table.value("members").is_none() {
        table.missing("members", report);
    }
    let members = table.strings("members", report);
    let overflow = table.string("overflow", report);
    let order = table.string("order", report).and_then(|order| {
        let read = order.get_ref().parse::<HuntOrder>().ok();
        if read.is_none() {
            let words = HuntOrder::ALL.map(|(word, _)| word);
            let expected = match nearest(order.get_ref(), words) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("expected one of: {}", words.join(", ")),
            };
            report.error(order.span(), format!("unknown order \"{}\"", excerpt(order.get_ref())), expected);
        }
        read
    });
    let ring = table.seconds("ring", report);
    let mut entry =
        GroupEntry::new(number.as_ref().map(|number| number.get_ref().as_str()).unwrap_or_default(), &[]);
    let own = members.iter().flat_map(Spanned::get_ref);
    entry.members = own.map(|member| member.get_ref().clone()).collect();
    entry.order = order.unwrap_or_default();
    entry.ring = ring.unwrap_or(entry.ring);
    entry.overflow = overflow.as_ref().map(|overflow| overflow.get_ref().clone());
    (Group { number, members, overflow }, entry)
}

impl Subscribed {
    /// The part of `features` that a subscription is.
    pub(super) fn read(line: &Table<'_>, report: &mut Report) -> Self {
        let mut read = Self::default();
        let Some(value) = line.value("features").filter(|value| value.get_ref().is_table()) else {
            return read;
        };
        // What is unknown in it has been reported by who read it first.
        let table = Table::checked(value, &schema::LINE_FEATURES);
        let Self { subscription, class, forwards, numbers } = &mut read;
        for (key, place) in [
            ("forward_always", &mut subscription.forward_always),
            ("forward_busy", &mut subscription.forward_busy),
            ("forward_no_answer", &mut subscription.forward_no_answer),
        ] {
            if let Some(number) = number(&table, key, report) {
                *place = Some(number.get_ref().clone());
                forwards.push(number);
            }
        }
        for (key, place) in [
            ("do_not_disturb", &mut subscription.do_not_disturb),
            ("message_waiting", &mut subscription.message_waiting),
            ("reject_anonymous", &mut subscription.reject_anonymous),
            ("withhold_number", &mut subscription.withhold_number),
        ] {
            *place = table.boolean(key, report).is_some_and(Spanned::into_inner);
        }
        if let Some(patience) = table.seconds("no_answer", report) {
            subscription.no_answer = patience;
        }
        let after = table.seconds("hot_line_after", report).unwrap_or_default();
        let hot_line = number(&table, "hot_line", report);
        subscription.hot_line = hot_line.map(|number| HotLine { number: number.into_inner(), after });
        *class = table.string("class", report);
        subscription.class = class.as_ref().map(|class| class.get_ref().clone());
        for (slot, number) in pairs(&table, "speed_dial", report) {
            let legal = matches!(slot.get_ref().len(), 1 | 2) && digits(slot.get_ref());
            if legal && digits(number.get_ref()) {
                subscription.speed_dial.insert(slot.into_inner(), number.into_inner());
            } else {
                let place = if legal { number.span() } else { slot.span() };
                report.error(
                    place,
                    "no speed dial",
                    "expected one or two digits and a number: { 2 = \"2004\" }",
                );
            }
        }
        for (number, ring) in rings(&table, "numbers", report) {
            subscription.numbers.push((number.get_ref().clone(), ring));
            numbers.push(number);
        }
        let by_caller = rings(&table, "rings", report).into_iter();
        subscription.rings = by_caller.map(|(beginning, ring)| (beginning.into_inner(), ring)).collect();
        read
    }
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|key| key.is_ascii_digit())
}

/// A number that calls are sent to.
fn number(table: &Table<'_>, key: &str, report: &mut Report) -> Option<Spanned<String>> {
    let number = table.string(key, report)?;
    match names::number_fault(number.get_ref()) {
        Some(reason) => {
            report.error(number.span(), format!("\"{}\" is no number", excerpt(number.get_ref())), reason);
            None
        }
        None => Some(number),
    }
}

fn strings(table: &Table<'_>, key: &str, report: &mut Report) -> Vec<String> {
    let Some(texts) = table.strings(key, report) else { return Vec::new() };
    let texts = texts.into_inner().into_iter();
    let numbers = texts.filter(|text| match names::number_fault(text.get_ref()) {
        Some(reason) => {
            report.error(text.span(), format!("\"{}\" is no number", excerpt(text.get_ref())), reason);
            false
        }
        None => true,
    });
    numbers.map(Spanned::into_inner).collect()
}

/// A table whose keys the file chooses, with strings.
fn pairs(table: &Table<'_>, key: &str, report: &mut Report) -> Vec<(Spanned<String>, Spanned<String>)> {
    let Some(value) = table.value(key) else { return Vec::new() };
    let expected = || format!("expected a table of strings: {}", table.example(key));
    let Some(own) = value.get_ref().as_table() else {
        report.error(value.span(), found(value), expected());
        return Vec::new();
    };
    let mut out = Vec::new();
    for (name, value) in own {
        match value.get_ref().as_str() {
            Some(text) => out.push((
                Spanned::new(name.span(), name.get_ref().to_string()),
                Spanned::new(value.span(), text.to_owned()),
            )),
            None => report.error(value.span(), found(value), expected()),
        }
    }
    out
}

/// Numbers, or beginnings of numbers, with their ringing.
fn rings(table: &Table<'_>, key: &str, report: &mut Report) -> Vec<(Spanned<String>, Ring)> {
    let mut out = Vec::new();
    for (number, ring) in pairs(table, key, report) {
        if let Some(reason) = names::number_fault(number.get_ref()) {
            report.error(number.span(), format!("\"{}\" is no number", excerpt(number.get_ref())), reason);
        }
        match ring.get_ref().parse() {
            Ok(ring) => out.push((number, ring)),
            Err(_) => report.error(
                ring.span(),
                format!("unknown ringing \"{}\"", excerpt(ring.get_ref())),
                "expected \"rg\" (as usual) or \"r0\" to \"r7\"",
            ),
        }
    }
    out
}

/// Compares what was read with the numbers of the lines, to which further numbers and groups are added.
pub(super) fn check<'r>(
    services: &'r Services,
    lines: impl Iterator<Item = (Option<&'r Spanned<String>>, &'r Subscribed)>,
    numbers: &mut BTreeMap<&'r str, Range<usize>>,
    report: &mut Report,
) {
    let mut classes: BTreeMap<&str, Range<usize>> = BTreeMap::new();
    for id in services.classes.iter().filter_map(|(id, _)| id.as_ref()) {
        add(id, "class of service", &mut classes, report);
    }
    let of_lines = numbers.clone();
    for (line, subscribed) in lines {
        if let Some(class) = &subscribed.class {
            known(class, "class of service with the id", &classes, report);
        }
        for forward in &subscribed.forwards {
            if Some(forward.get_ref()) == line.map(Spanned::get_ref) {
                report.error(forward.span(), "the line forwards to itself", "expected another number");
            }
        }
        for number in &subscribed.numbers {
            add(number, "number", numbers, report);
        }
    }
    for (group, _) in &services.groups {
        if let Some(number) = &group.number {
            super::check::refuse(number, "number", names::number_fault, report);
            add(number, "number", numbers, report);
        }
        let members = group.members.as_ref();
        if let Some(none) =
            members.filter(|members| members.get_ref().is_empty() && !report.has_within(&members.span()))
        {
            report.error(none.span(), "the group has no members", "expected members = [\"2001\"]");
        }
        for member in members.iter().flat_map(|members| members.get_ref().iter()) {
            known(member, "line with the number", &of_lines, report);
        }
        let own = group.number.as_ref().map(Spanned::get_ref);
        if let Some(overflow) = group.overflow.as_ref().filter(|to| Some(to.get_ref()) == own) {
            report.error(overflow.span(), "the group overflows into itself", "expected another number");
        }
    }
}

fn add<'r>(
    text: &'r Spanned<String>,
    what: &str,
    known: &mut BTreeMap<&'r str, Range<usize>>,
    report: &mut Report,
) {
    match known.get(text.get_ref().as_str()) {
        Some(first) => {
            let found = format!("{what} \"{}\" is given twice", excerpt(text.get_ref()));
            let place = (first.clone(), "first given here");
            report.error_with(text.span(), found, format!("expected each {what} once"), place);
        }
        None => {
            known.insert(text.get_ref(), text.span());
        }
    }
}

fn known(text: &Spanned<String>, what: &str, known: &BTreeMap<&str, Range<usize>>, report: &mut Report) {
    if known.contains_key(text.get_ref().as_str()) {
        return;
    }
    let expected = match nearest(text.get_ref(), known.keys().copied()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => "expected one of this file".to_owned(),
    };
    report.error(text.span(), format!("there is no {what} \"{}\"", excerpt(text.get_ref())), expected);
}

impl Services {
    /// Gives the inventory what was read.
    pub(super) fn fill(self, inventory: &mut Inventory) {
        inventory.codes = self.codes;
        inventory.emergency = self.emergency;
        if let Some(most) = self.diversions.and_then(|most| usize::try_from(most).ok()) {
            inventory.limits.diversions = most;
        }
        inventory.classes = self.classes.into_iter().map(|(_, class)| class).collect();
        inventory.groups = self.groups.into_iter().map(|(_, group)| group).collect();
    }
}

impl Subscribed {
    /// What the inventory has of it; none when the line has what all have.
    pub(super) fn take(&mut self) -> Option<Subscription> {
        let subscription = std::mem::take(&mut self.subscription);
        (subscription != Subscription::default()).then_some(subscription)
    }
}
