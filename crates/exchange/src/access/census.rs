//! What gateways say of themselves: which endpoints there are, and what these can do (RFC 3435 section 2.3.10).
//!
//! A gateway that comes up, or announces a restart, is asked for the names of all its endpoints (AUEP with `*`). What the inventory names and
//! the gateway has not, and what it has beyond the inventory, is for an operator to know. One that has more than an answer can name (533) is asked again for
//! the endpoints of the inventory alone, by ranges (Appendix E.5); it need not understand them. Then one endpoint of each class (the
//! names that differ in their last term alone) is asked for its packages and capabilities: signals of packages that it has not are
//! not asked for, nor are digits and flashes, and of the codecs those are offered that both sides have.
//!
//! Limits: a gateway that refuses these questions, or answers them with nothing, is treated as if it had not been asked: then its
//! refusals of single signals tell what it cannot do. The endpoints of a class are taken to be alike.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use strowger_mgcp::agent::{Audit, Failure, GatewayId, Outcome};
use strowger_mgcp::dialect::Dialect;
use strowger_mgcp::message::{EndpointName, EndpointNameBuf, ParameterCode, RangeWildcard, ReturnCode};
use strowger_sansio::Time;

use super::control::Control;
use super::gateways::Gateways;
use super::{Tag, signal};
use crate::{EndpointsView, Event};

/// A question to a gateway about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inquiry {
    /// Which endpoints it has.
    Endpoints,
    /// Which of those that a range stands for; its place among the ranges.
    Part(u32),
    /// What those of a class can do; its place among the classes.
    Abilities(u32),
}

/// What the endpoints of a class can do; nothing is known where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Abilities {
    packages: Option<BTreeSet<String>>,
    codecs: Option<Vec<String>>,
}

impl Abilities {
    fn of(audit: &Audit) -> Self {
        let packages = audit.packages.iter().map(|package| package.to_ascii_uppercase()).collect();
        Self {
            packages: Some(packages).filter(|packages: &BTreeSet<String>| !packages.is_empty()),
            codecs: Some(audit.codecs.clone()).filter(|codecs| !codecs.is_empty()),
        }
    }

    /// Whether the endpoints can be asked together (RFC 3624).
    pub(super) fn has_bulk_audit(&self) -> bool {
        self.packages.as_ref().is_some_and(|packages| packages.contains("BA"))
    }

    /// The signals and events that need not be tried, by the names that they have inside.
    pub(super) fn lacks(&self, dialect: &Dialect) -> impl Iterator<Item = &'static str> {
        signal::OPTIONAL.into_iter().chain(signal::OPTIONAL_EVENTS).filter(|name| {
            let name = dialect.to_peer(name);
            let package = name.split_once('/').map_or("", |(package, _)| package).to_ascii_uppercase();
            self.packages.as_ref().is_some_and(|packages| !packages.contains(&package))
        })
    }

    /// Those of `offered` that the endpoints have as well; all of them when there is none, as then the names must differ.
    pub(super) fn codecs(&self, offered: Vec<String>) -> Vec<String> {
        let Some(own) = &self.codecs else { return offered };
        let has = |codec: &&String| own.iter().any(|own| own.eq_ignore_ascii_case(codec));
        let both: Vec<_> = offered.iter().filter(has).cloned().collect();
        if both.is_empty() { offered } else { both }
    }
}

/// What one gateway was asked, and has said.
#[derive(Debug, Default)]
struct Entry {
    /// Counts what was asked: an answer from before a restart says nothing.
    serial: u32,
    /// One endpoint of each class, with the class.
    classes: Vec<(String, EndpointNameBuf)>,
    view: Option<EndpointsView>,
    /// What is asked for by ranges, and the endpoints that were named until now.
    parts: Vec<EndpointNameBuf>,
    named: BTreeSet<EndpointNameBuf>,
}

/// What is known of all gateways.
#[derive(Debug, Default)]
pub(super) struct Census {
    entries: BTreeMap<GatewayId, Entry>,
    /// Those that are to be asked.
    due: BTreeSet<GatewayId>,
}

/// What an answer has brought.
#[derive(Debug)]
pub(super) enum Finding {
    /// Something to be told.
    Told(Event),
    /// What the endpoints of a class can do; as if nothing were known, when they do not say.
    Able(String, Abilities),
    /// It says nothing more.
    Silent,
}

impl Entry {
    /// All that could be named is named.
    fn listed(
        &mut self,
        gateways: &Gateways,
        gateway: GatewayId,
        listed: &BTreeSet<EndpointNameBuf>,
    ) -> Finding {
        let view = compare(gateways, gateway, listed);
        self.view = Some(view.clone());
        Finding::Told(Event::EndpointsListed { gateway: gateways.id(gateway).to_owned(), endpoints: view })
    }

    /// Asks for the next range; says whether there is one.
    fn ask_part(
        &self,
        now: Time,
        agent: &mut Control,
        (gateway, serial, place): (GatewayId, u32, u32),
    ) -> bool {
        let part = usize::try_from(place).ok().and_then(|place| self.parts.get(place));
        let Some(part) = part else { return false };
        let tag = Tag::Census(gateway, serial, Inquiry::Part(place));
        agent.audit_endpoint(now, (gateway, part), Vec::new(), tag);
        true
    }
}

impl Census {
    /// A gateway may have become another one.
    pub(super) fn note(&mut self, gateway: GatewayId) {
        self.due.insert(gateway);
    }

    /// Asks the gateways that are to be asked; says whether there were any.
    pub(super) fn ask(&mut self, now: Time, gateways: &Gateways, agent: &mut Control) -> bool {
        let mut asked = false;
        for gateway in std::mem::take(&mut self.due) {
            let Some(all) = gateways.all(agent, gateway) else { continue };
            let entry = self.entries.entry(gateway).or_default();
            entry.serial = entry.serial.wrapping_add(1);
            let tag = Tag::Census(gateway, entry.serial, Inquiry::Endpoints);
            agent.audit_endpoint(now, (gateway, &all), Vec::new(), tag);
            asked = true;
        }
        asked
    }

    /// A gateway has answered, or not.
    pub(super) fn outcome(
        &mut self,
        now: Time,
        (gateways, agent): (&Gateways, &mut Control),
        (gateway, serial, inquiry): (GatewayId, u32, Inquiry),
        result: Result<Outcome, Failure>,
    ) -> Vec<Finding> {
        let Some(entry) = self.entries.get_mut(&gateway).filter(|entry| entry.serial == serial) else {
            return Vec::new();
        };
        let mut findings = Vec::new();
        match inquiry {
            Inquiry::Endpoints => {
                let listed = match result {
                    Ok(outcome) if !outcome.specific_endpoints.is_empty() => {
                        let listed: BTreeSet<_> = outcome.specific_endpoints.into_iter().collect();
                        findings.push(entry.listed(gateways, gateway, &listed));
                        Some(listed)
                    }
                    // It has more than it can name at once.
                    Err(Failure::Refused(refused)) if refused.code == ReturnCode::RESPONSE_TOO_LARGE => {
                        entry.parts = parts(&gateways.endpoints_of(gateway));
                        entry.named.clear();
                        entry.ask_part(now, agent, (gateway, serial, 0));
                        None
                    }
                    _ => {
                        entry.view = None;
                        return vec![Finding::Silent];
                    }
                };
                entry.classes = classes(gateways, gateway, listed.as_ref());
                let lists = agent.agent().dialect(gateway).is_none_or(|dialect| dialect.package_list);
                for (place, (_, endpoint)) in (0..).zip(&entry.classes) {
                    let tag = Tag::Census(gateway, serial, Inquiry::Abilities(place));
                    let mut info = vec![ParameterCode::Capabilities];
                    info.extend(lists.then_some(ParameterCode::PackageList));
                    agent.audit_endpoint(now, (gateway, endpoint), info, tag);
                }
                if entry.classes.is_empty() {
                    findings.push(Finding::Silent);
                }
            }
            // One after the other: the first that is refused shows that the others would be.
            Inquiry::Part(place) => {
                let Ok(outcome) = result else { return Vec::new() };
                entry.named.extend(outcome.specific_endpoints);
                if !entry.ask_part(now, agent, (gateway, serial, place.saturating_add(1))) {
                    let named = std::mem::take(&mut entry.named);
                    findings.push(entry.listed(gateways, gateway, &named));
                }
            }
            Inquiry::Abilities(place) => {
                let class = usize::try_from(place).ok().and_then(|place| entry.classes.get(place));
                let audit = result.ok().and_then(|outcome| outcome.audit);
                let abilities = audit.map(|audit| Abilities::of(&audit)).unwrap_or_default();
                findings.extend(class.map(|(class, _)| Finding::Able(class.clone(), abilities)));
            }
        }
        findings
    }

    /// A gateway that speaks Megaco has told its terminations. Of those in contexts, the ones that the inventory does not name are
    /// streams.
    pub(super) fn terminations(
        &mut self,
        gateways: &Gateways,
        gateway: GatewayId,
        idle: Vec<EndpointNameBuf>,
        busy: &[EndpointNameBuf],
    ) -> Event {
        let own = gateways.endpoints_of(gateway);
        let is_own = |name: &&EndpointNameBuf| own.contains(name);
        let listed = idle.into_iter().chain(busy.iter().filter(is_own).cloned()).collect();
        let mut view = compare(gateways, gateway, &listed);
        // Streams exist while they are in contexts: that there is none to be had now says nothing of a relay.
        let is_relay = |name: &String| name.contains('$');
        view.missing.retain(|name| !is_relay(name));
        self.entries.entry(gateway).or_default().view = Some(view.clone());
        Event::EndpointsListed { gateway: gateways.id(gateway).to_owned(), endpoints: view }
    }

    pub(super) fn view(&self, gateway: GatewayId) -> Option<EndpointsView> {
        self.entries.get(&gateway)?.view.clone()
    }
}

/// The class of an endpoint: all that differ from it in the last term alone.
pub(super) fn class(endpoint: EndpointName<'_>) -> String {
    let local = endpoint.local();
    local.rsplit_once('/').map_or("", |(stem, _)| stem).to_ascii_lowercase()
}

/// So many endpoints are asked for by one range: their names fit in the smallest answer that a gateway must be able to give, 4000 octets (RFC 3435 section 3.5.4).
const PART: usize = 32;

/// Ranges for endpoints that differ in the number at their end, in their order; and single names of those that have none.
fn parts(endpoints: &[EndpointNameBuf]) -> Vec<EndpointNameBuf> {
    let mut numbered: BTreeMap<(String, String), BTreeSet<u16>> = BTreeMap::new();
    let mut parts = Vec::new();
    for endpoint in endpoints.iter().filter(|endpoint| !endpoint.as_name().is_wildcarded()) {
        let (stem, last) = endpoint.local().rsplit_once('/').unwrap_or(("", endpoint.local()));
        match last.parse::<u16>() {
            // A number that is written otherwise is another name.
            Ok(number) if number.to_string() == last && !stem.is_empty() => {
                let class = (stem.to_ascii_lowercase(), endpoint.domain().to_owned());
                numbered.entry(class).or_default().insert(number);
            }
            _ => parts.push(endpoint.clone()),
        }
    }
    for ((stem, domain), numbers) in numbered {
        let numbers: Vec<_> = numbers.into_iter().collect();
        let mut chunks: VecDeque<&[u16]> = numbers.chunks(PART).collect();
        while let Some(chunk) = chunks.pop_front() {
            let range = range(chunk);
            if range.len() > RangeWildcard::LONGEST {
                let (one, other) = chunk.split_at(chunk.len() / 2);
                chunks.push_front(other);
                chunks.push_front(one);
            } else {
                parts.extend(EndpointNameBuf::from_parts(&format!("{stem}/{range}"), &domain));
            }
        }
    }
    parts
}

/// Numbers in their order as one term.
fn range(numbers: &[u16]) -> String {
    let runs = numbers.chunk_by(|one, next| one.checked_add(1) == Some(*next));
    let runs = runs.filter_map(|run| match run {
        [one] => Some(one.to_string()),
        [first, .., last] => Some(format!("{first}-{last}")),
        [] => None,
    });
    format!("[{}]", runs.collect::<Vec<_>>().join(","))
}

/// What a gateway has, against what the inventory says.
fn compare(gateways: &Gateways, gateway: GatewayId, listed: &BTreeSet<EndpointNameBuf>) -> EndpointsView {
    let local = |name: &EndpointNameBuf| name.local().to_owned();
    let own = gateways.endpoints_of(gateway);
    let is_there = |name: &&EndpointNameBuf| {
        let name = name.as_name();
        if name.is_wildcarded() {
            listed.iter().any(|listed| name.covers(listed.as_name()))
        } else {
            listed.iter().any(|listed| listed.as_name().covers(name))
        }
    };
    let missing = own.iter().filter(|name| !is_there(name)).map(local).collect();
    let is_own = |name: &&EndpointNameBuf| own.iter().any(|own| own.as_name().covers(name.as_name()));
    let unlisted = listed.iter().filter(|name| !is_own(name)).map(local).collect();
    EndpointsView { listed: listed.len(), missing, unlisted }
}

/// One endpoint of each class that the inventory has something of.
fn classes(
    gateways: &Gateways,
    gateway: GatewayId,
    listed: Option<&BTreeSet<EndpointNameBuf>>,
) -> Vec<(String, EndpointNameBuf)> {
    let mut classes = BTreeMap::new();
    for own in gateways.endpoints_of(gateway) {
        let name = own.as_name();
        let of_class = match listed {
            Some(listed) => {
                let mut listed = listed.iter();
                listed.find(|there| name.covers(there.as_name())).cloned()
            }
            None => (!name.is_wildcarded()).then_some(own.clone()),
        };
        if let Some(of_class) = of_class {
            classes.entry(class(name)).or_insert(of_class);
        }
    }
    classes.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn abilities(packages: &[&str], codecs: &[&str]) -> Abilities {
        let own = |list: &[&str]| list.iter().map(|&item| item.to_owned()).collect();
        Abilities::of(&Audit { packages: own(packages), codecs: own(codecs), ..Audit::default() })
    }

    #[test]
    fn signals_of_packages_that_are_not_there_are_not_tried() {
        let lacks = |abilities: &Abilities, dialect: &Dialect| abilities.lacks(dialect).collect::<Vec<_>>();
        assert_eq!(lacks(&Abilities::default(), &Dialect::RFC3435), [""; 0], "nothing is known");
        let all = ["l", "g", "D", "SST"];
        assert_eq!(lacks(&abilities(&all, &[]), &Dialect::RFC3435), [""; 0]);
        assert_eq!(
            lacks(&abilities(&["L", "D"], &[]), &Dialect::RFC3435),
            ["G/rt", "G/cg", "G/cf", "SST/nu", "SST/ht"]
        );
        // All that a cable client has is in one package.
        assert_eq!(lacks(&abilities(&["L"], &[]), &Dialect::NCS), ["SST/nu", "SST/ht"]);
        assert_eq!(lacks(&abilities(&["L", "G", "SST"], &[]), &Dialect::RFC3435), ["D/0"]);
    }

    #[test]
    fn many_endpoints_are_named_by_ranges_that_fit_an_answer() {
        let named = |names: &[&str]| {
            let names: Vec<_> =
                names.iter().filter_map(|name| EndpointNameBuf::from_parts(name, "gw.town")).collect();
            parts(&names).iter().map(|part| part.local().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(
            named(&["aaln/1", "AALN/2", "aaln/4", "aaln/03", "ann/7", "relay/$", "x"]),
            ["aaln/03", "x", "aaln/[1-2,4]", "ann/[7]"]
        );
        let many: Vec<_> = (1..=70).map(|line| format!("aaln/{line}")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert_eq!(named(&many), ["aaln/[1-32]", "aaln/[33-64]", "aaln/[65-70]"]);
        let odd: Vec<_> = (1..=32).map(|line| format!("aaln/{}", line * 2 + 10_000)).collect();
        let odd: Vec<_> = odd.iter().map(String::as_str).collect();
        let parts = named(&odd);
        assert_eq!(parts.len(), 2, "a range has 128 characters at most: {parts:?}");
        assert!(parts.iter().all(|part| part.len() <= 128 + 5));
    }

    #[test]
    fn codecs_are_offered_that_both_sides_have() {
        let offered = || vec!["PCMU".to_owned(), "PCMA".to_owned()];
        assert_eq!(Abilities::default().codecs(offered()), offered());
        assert_eq!(abilities(&[], &["G729", "pcma"]).codecs(offered()), ["PCMA"]);
        assert_eq!(abilities(&[], &["G.711"]).codecs(offered()), offered(), "it has other names for them");
    }
}
