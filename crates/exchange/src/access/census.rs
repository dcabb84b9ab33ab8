//! What gateways say of themselves: which endpoints there are, and what these can do (RFC 3435 section 2.3.10).
//!
//! A gateway that comes up, or announces a restart, is asked for the names of all its endpoints (AUEP with `*`). What the inventory names and
//! the gateway has not, and what it has beyond the inventory, is for an operator to know. Then one endpoint of each class (the
//! names that differ in their last term alone) is asked for its packages and capabilities: signals of packages that it has not are
//! not asked for, and of the codecs those are offered that both sides have.
//!
//! Limits: a gateway that refuses these questions, or answers them with nothing, is treated as if it had not been asked: then its
//! refusals of single signals tell what it cannot do. The endpoints of a class are taken to be alike.

use std::collections::{BTreeMap, BTreeSet};

use strowger_mgcp::agent::{Audit, Failure, GatewayId, Outcome};
use strowger_mgcp::dialect::Dialect;
use strowger_mgcp::message::{EndpointName, EndpointNameBuf, ParameterCode, ReturnCode};
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

    /// The signals that need not be tried, by the names that they have inside.
    pub(super) fn lacks(&self, dialect: &Dialect) -> impl Iterator<Item = &'static str> {
        signal::OPTIONAL.into_iter().filter(|signal| {
            let name = dialect.to_peer(signal);
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
                        let view = compare(gateways, gateway, &listed);
                        entry.view = Some(view.clone());
                        let gateway = gateways.id(gateway).to_owned();
                        findings.push(Finding::Told(Event::EndpointsListed { gateway, endpoints: view }));
                        Some(listed)
                    }
                    // It has more than it can name at once.
                    Err(Failure::Refused(refused)) if refused.code == ReturnCode::RESPONSE_TOO_LARGE => None,
                    _ => {
                        entry.view = None;
                        return vec![Finding::Silent];
                    }
                };
                entry.classes = classes(gateways, gateway, listed.as_ref());
                for (place, (_, endpoint)) in (0..).zip(&entry.classes) {
                    let tag = Tag::Census(gateway, serial, Inquiry::Abilities(place));
                    let info = vec![ParameterCode::Capabilities, ParameterCode::PackageList];
                    agent.audit_endpoint(now, (gateway, endpoint), info, tag);
                }
                if entry.classes.is_empty() {
                    findings.push(Finding::Silent);
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

    pub(super) fn view(&self, gateway: GatewayId) -> Option<EndpointsView> {
        self.entries.get(&gateway)?.view.clone()
    }
}

/// The class of an endpoint: all that differ from it in the last term alone.
pub(super) fn class(endpoint: EndpointName<'_>) -> String {
    let local = endpoint.local();
    local.rsplit_once('/').map_or("", |(stem, _)| stem).to_ascii_lowercase()
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
    }

    #[test]
    fn codecs_are_offered_that_both_sides_have() {
        let offered = || vec!["PCMU".to_owned(), "PCMA".to_owned()];
        assert_eq!(Abilities::default().codecs(offered()), offered());
        assert_eq!(abilities(&[], &["G729", "pcma"]).codecs(offered()), ["PCMA"]);
        assert_eq!(abilities(&[], &["G.711"]).codecs(offered()), offered(), "it has other names for them");
    }
}
