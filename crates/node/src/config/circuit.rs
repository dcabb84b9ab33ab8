//! `circuits = { … }` of a `[[trunk]]`: circuits whose bearers end at a gateway, which signals on them too.

use std::collections::BTreeMap;
use std::ops::Range;

use strowger_exchange::{
    Cic, CircuitEntry, CircuitSignalling, CircuitTrunkEntry, GatewayProtocol, GroupPlace,
};
use toml::Spanned;

use super::diagnostic::Report;
use super::names::{self, Wildcard};
use super::raw::{Gateway, Raw, choice};
use super::reader::{Table, excerpt};

/// How gateways signal: multifrequency or DTMF digits, beside signalling bits (RFC 3064 sections 2.1 and 2.2); or nobody does.
const SIGNALLING: [(&str, CircuitSignalling); 3] =
    [("mf", CircuitSignalling::Mf), ("dtmf", CircuitSignalling::Dtmf), ("none", CircuitSignalling::Nobody)];
/// What a later version knows.
const LATER: [(&str, &str); 1] = [("isup", "signalling system 7 comes")];
/// Circuits of one trunk: the codes that there are (ITU-T Q.763 section 1.2 has 12 bits for them).
const MOST: u64 = 4096;

/// The table.
pub(super) struct Circuits {
    gateway: Option<Spanned<String>>,
    /// The endpoints, ranges spelled out.
    endpoints: Vec<Spanned<String>>,
    signalling: Option<CircuitSignalling>,
    first: Option<Spanned<u64>>,
}

impl Circuits {
    pub(super) fn read(table: &Table<'_>, report: &mut Report) -> Self {
        for key in ["endpoints", "signalling"].into_iter().filter(|key| table.value(key).is_none()) {
            table.missing(key, report);
        }
        let given = table.strings("endpoints", report).map(Spanned::into_inner).unwrap_or_default();
        let mut endpoints = Vec::new();
        for name in given {
            match spelled_out(name.get_ref()) {
                Some(names) if (endpoints.len() as u64).saturating_add(names.len() as u64) <= MOST => {
                    endpoints.extend(names.into_iter().map(|one| Spanned::new(name.span(), one)));
                }
                Some(_) => {
                    let found = format!("more than {MOST} circuits");
                    report.error(name.span(), found, "expected them on several trunks");
                }
                None => {
                    let found = format!("\"{}\" is no range of endpoints", excerpt(name.get_ref()));
                    report.error(name.span(), found, "expected the lower number first: \"ds/ds1-1/1-24\"");
                }
            }
        }
        Self {
            gateway: table.required_string("gateway", report),
            endpoints,
            signalling: choice(table, "signalling", "signalling", &SIGNALLING, &LATER, report),
            first: table.integer("first", 0..=MOST - 1, report),
        }
    }
}

/// The endpoints that a name stands for: itself, or with a range for its last term each of that. None if the range is empty.
fn spelled_out(name: &str) -> Option<Vec<String>> {
    let (before, last) = name.rsplit_once('/').unwrap_or(("", name));
    let bounds = last.split_once('-').and_then(|(from, to)| Some((number(from)?, number(to)?)));
    let Some((from, to)) = bounds.filter(|_| !before.is_empty()) else { return Some(vec![name.to_owned()]) };
    (from <= to && u64::from(to - from) < MOST)
        .then(|| (from..=to).map(|number| format!("{before}/{number}")).collect())
}

fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether the circuits of all trunks are where they can be.
pub(super) fn check(raw: &Raw, gateways: &BTreeMap<&str, &Gateway>, report: &mut Report) {
    let mut endpoints: BTreeMap<(&str, String), Range<usize>> = BTreeMap::new();
    for line in &raw.lines {
        if let (Some(gateway), Some(endpoint)) = (&line.gateway, &line.endpoint) {
            endpoints.insert((gateway.get_ref(), endpoint.get_ref().to_lowercase()), endpoint.span());
        }
    }
    for circuits in raw.trunks.iter().filter_map(|trunk| trunk.circuits.as_ref()) {
        check_gateway(circuits, gateways, report);
        let last =
            circuits.first.as_ref().map_or(1, |first| *first.get_ref()) + circuits.endpoints.len() as u64;
        if let Some(first) = circuits.first.as_ref().filter(|_| last > MOST) {
            report.error(
                first.span(),
                format!("the codes of circuits end at {}", MOST - 1),
                "expected fewer",
            );
        }
        for endpoint in &circuits.endpoints {
            super::check::refuse(
                endpoint,
                "endpoint",
                |name| names::endpoint_fault(name, Wildcard::Forbidden),
                report,
            );
            let Some(gateway) = &circuits.gateway else { continue };
            let key = (gateway.get_ref().as_str(), endpoint.get_ref().to_lowercase());
            match endpoints.get(&key) {
                Some(first) => report.error_with(
                    endpoint.span(),
                    format!("two circuits or lines are on the endpoint \"{}\"", excerpt(endpoint.get_ref())),
                    "expected an endpoint of its own",
                    (first.clone(), "first given here"),
                ),
                None => {
                    endpoints.insert(key, endpoint.span());
                }
            }
        }
    }
}

fn check_gateway(circuits: &Circuits, gateways: &BTreeMap<&str, &Gateway>, report: &mut Report) {
    let Some(gateway) = &circuits.gateway else { return };
    let id = gateway.get_ref().as_str();
    let signals = matches!(circuits.signalling, Some(CircuitSignalling::Mf | CircuitSignalling::Dtmf));
    match gateways.get(id) {
        None => super::check::unknown_gateway(id, gateway.span(), gateways, report),
        Some(own) if own.protocol == Some(GatewayProtocol::Megaco) && signals => {
            let found = format!("nobody signals on circuits of \"{}\", which speaks Megaco", excerpt(id));
            let expected = "expected a gateway that speaks MGCP: the packages for signalling bits are \
                            MGCP's (RFC 3064), and ISUP comes with a later version; or signalling = \"none\" to \
                            test them only";
            report.error(gateway.span(), found, expected);
        }
        Some(_) => {}
    }
}

/// What the exchange is told of it.
pub(super) fn entry(
    id: String,
    transit: bool,
    place: GroupPlace,
    circuits: Circuits,
) -> Option<CircuitTrunkEntry> {
    let gateway = circuits.gateway?.into_inner();
    let first = circuits.first.map_or(1, Spanned::into_inner);
    let codes = (first..).filter_map(|code| u16::try_from(code).ok());
    let own = circuits.endpoints.into_iter().zip(codes).map(|(endpoint, code)| CircuitEntry {
        cic: Cic(code),
        gateway: gateway.clone(),
        endpoint: endpoint.into_inner(),
    });
    Some(CircuitTrunkEntry { id, circuits: own.collect(), signalling: circuits.signalling?, place, transit })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_at_the_end_of_a_name_is_spelled_out() {
        let names = |name| spelled_out(name).map(|names| names.join(" "));
        assert_eq!(names("ds/ds1-1/1-3").as_deref(), Some("ds/ds1-1/1 ds/ds1-1/2 ds/ds1-1/3"));
        // A hyphen elsewhere is part of a name.
        assert_eq!(names("ds/ds1-1").as_deref(), Some("ds/ds1-1"));
        assert_eq!(names("ds1-1").as_deref(), Some("ds1-1"));
        assert_eq!(names("ds/a/7").as_deref(), Some("ds/a/7"));
        for wrong in ["ds/a/3-1", "ds/a/1-9999"] {
            assert_eq!(names(wrong), None, "{wrong}");
        }
    }
}
