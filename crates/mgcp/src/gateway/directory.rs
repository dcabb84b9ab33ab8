//! Which endpoints a name means: RFC 3435 section 2.1.2, with its wildcards.
//!
//! A `*` in place of a term means all endpoints configured for service, whatever their state; a `$` means any one
//! that is in service, and for a new connection one that has none yet (section 2.3.5). A local name that is a single
//! wildcard means the whole gateway. A range (Appendix E.5) means what `*` means, for the numbers in it; call agents that are
//! provisioned for ranges are told of endpoints by ranges too.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::config::RangeWildcards;
use super::media::EndpointIndex;
use crate::message::range::{RangedTerm, compress, numbered};

/// The names of a gateway's endpoints, and which of them are free for a connection.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    /// Local names as provisioned, by index.
    names: Vec<String>,
    index: Index,
    /// Free endpoints by the name in lower case without its last term, sorted, so that `relay/$` need not search the lines.
    free: Vec<(String, BTreeSet<EndpointIndex>)>,
    /// The place of each endpoint's group in that list, by index.
    groups: Vec<usize>,
    /// The endpoint that `$` gave last: the next one comes after it, so that late packets of a call that just
    /// ended do not reach the next call.
    given: Option<EndpointIndex>,
}

/// The endpoints by their names without regard to case: a table with at least twice as many places, so that a command finds its
/// endpoint at its first look or nearly so.
///
/// Names are provisioned: nobody can choose some that collide.
#[derive(Clone, Debug)]
struct Index {
    /// As many as a power of two.
    places: Vec<Option<EndpointIndex>>,
}

impl Index {
    fn new(names: &[String]) -> Self {
        let mut index = Self { places: vec![None; (names.len() * 2).next_power_of_two()] };
        for (endpoint, name) in (0_u32..).map(EndpointIndex).zip(names) {
            let empty = |place: &usize| index.places.get(*place).is_some_and(Option::is_none);
            let place = index.probe(name).find(empty);
            if let Some(place) = place.and_then(|place| index.places.get_mut(place)) {
                *place = Some(endpoint);
            }
        }
        index
    }

    /// The places at which a name may stand, in the order in which they are taken.
    fn probe(&self, name: &str) -> impl Iterator<Item = usize> + use<> {
        let (first, mask) = (hash(name), self.places.len() - 1);
        (0..=mask).map(move |step| first.wrapping_add(step) & mask)
    }

    fn find(&self, names: &[String], name: &str) -> Option<EndpointIndex> {
        let is_it = |known: &String| known.eq_ignore_ascii_case(name);
        let mut taken = self.probe(name).map_while(|place| *self.places.get(place)?);
        taken.find(|endpoint| names.get(endpoint.0 as usize).is_some_and(is_it))
    }
}

/// The hash of Fowler, Noll and Vo (FNV-1a) of a name in lower case.
fn hash(name: &str) -> usize {
    let mix =
        |hash: u64, byte: u8| (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3);
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, mix);
    (hash ^ (hash >> 32)) as usize
}

impl Directory {
    /// A directory of these names, none of them free yet.
    pub(super) fn new(names: Vec<String>) -> Self {
        let index = Index::new(&names);
        let stems: BTreeSet<_> = names.iter().map(|name| stem(name)).collect();
        let free: Vec<_> = stems.into_iter().map(|stem| (stem, BTreeSet::new())).collect();
        let group = |name: &String| free.binary_search_by(|(known, _)| known.cmp(&stem(name))).unwrap_or(0);
        let groups = names.iter().map(group).collect();
        Self { names, index, free, groups, given: None }
    }

    /// The local name of an endpoint.
    pub(super) fn name(&self, endpoint: EndpointIndex) -> &str {
        self.names.get(endpoint.0 as usize).map_or("", String::as_str)
    }

    /// The endpoint of this very name.
    pub(super) fn find(&self, local: &str) -> Option<EndpointIndex> {
        self.index.find(&self.names, local)
    }

    /// All endpoints that a name with `*` matches, in the order of provisioning.
    pub(super) fn all(&self, pattern: &str) -> Vec<EndpointIndex> {
        (0_u32..)
            .zip(&self.names)
            .filter(|(_, name)| matches(pattern, name))
            .map(|(index, _)| EndpointIndex(index))
            .collect()
    }

    /// Whether any endpoint has a name that this pattern matches.
    pub(super) fn knows(&self, pattern: &str) -> bool {
        self.names.iter().any(|name| matches(pattern, name))
    }

    /// A free endpoint that a name with `$` matches, other than `not`.
    pub(super) fn any(&self, pattern: &str, not: Option<EndpointIndex>) -> Option<EndpointIndex> {
        let fits = |index: &&EndpointIndex| Some(**index) != not && matches(pattern, self.name(**index));
        let groups = || {
            let only = pattern.rsplit_once('/').map(|(stem, _)| stem.to_ascii_lowercase());
            self.free
                .iter()
                .filter(move |(stem, _)| {
                    only.as_ref().is_none_or(|only| only.contains(['$', '*']) || *only == *stem)
                })
                .map(|(_, group)| group)
        };
        let after = self.given.map_or(Bound::Unbounded, Bound::Excluded);
        groups()
            .find_map(|group| group.range((after, Bound::Unbounded)).find(fits))
            .or_else(|| groups().find_map(|group| group.iter().find(fits)))
            .copied()
    }

    /// Remembers that `$` gave this endpoint.
    pub(super) fn give(&mut self, endpoint: EndpointIndex) {
        self.given = Some(endpoint);
    }

    /// Says whether an endpoint may be given for `$`: in service and without connections.
    pub(super) fn set_free(&mut self, endpoint: EndpointIndex, free: bool) {
        let place = self.groups.get(endpoint.0 as usize);
        let Some((_, group)) = place.and_then(|place| self.free.get_mut(*place)) else { return };
        if free {
            group.insert(endpoint);
        } else {
            group.remove(&endpoint);
        }
    }

    /// The fewest local names, with `*` and ranges where they help, that mean exactly `endpoints`.
    pub(super) fn cover(&self, endpoints: &BTreeSet<EndpointIndex>, ranges: RangeWildcards) -> Vec<String> {
        if endpoints.len() == self.names.len() && endpoints.len() > 1 {
            return vec!["*".to_owned()];
        }
        let mut groups: BTreeMap<String, Vec<EndpointIndex>> = BTreeMap::new();
        for index in endpoints {
            let stem = self.name(*index).rsplit_once('/').map_or("", |(stem, _)| stem);
            groups.entry(stem.to_ascii_lowercase()).or_default().push(*index);
        }
        let mut cover = Vec::new();
        for (stem, members) in groups {
            let pattern = format!("{stem}/*");
            if !stem.is_empty() && members.len() > 1 && self.all(&pattern).len() == members.len() {
                cover.push(pattern);
            } else if ranges == RangeWildcards::Supported {
                cover.extend(self.ranged(&members));
            } else {
                cover.extend(members.into_iter().map(|index| self.name(index).to_owned()));
            }
        }
        cover
    }

    /// The endpoints by names with ranges for the numbers at their ends.
    fn ranged(&self, members: &[EndpointIndex]) -> Vec<String> {
        let mut names = Vec::new();
        let mut series: BTreeMap<String, (&str, Vec<u16>)> = BTreeMap::new();
        for index in members {
            let name = self.name(*index);
            match numbered(name) {
                Some((prefix, number)) if !prefix.contains('[') => {
                    let known = series.entry(prefix.to_ascii_lowercase());
                    known.or_insert_with(|| (prefix, Vec::new())).1.push(number);
                }
                _ => names.push(name.to_owned()),
            }
        }
        for (prefix, mut numbers) in series.into_values() {
            numbers.sort_unstable();
            names.extend(compress(&numbers).into_iter().map(|term| format!("{prefix}{term}")));
        }
        names
    }
}

/// A name in lower case without its last term.
fn stem(name: &str) -> String {
    name.rsplit_once('/').map_or("", |(stem, _)| stem).to_ascii_lowercase()
}

/// Whether a local name with wildcards means this local name.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    if matches!(pattern, "*" | "$") {
        return true;
    }
    let (mut wanted, mut terms) = (pattern.split('/'), name.split('/'));
    loop {
        match (wanted.next(), terms.next()) {
            (None, None) => return true,
            (Some("*" | "$"), Some(_)) => {}
            (Some(wanted), Some(term)) if wanted.eq_ignore_ascii_case(term) => {}
            (Some(wanted), Some(term))
                if RangedTerm::parse(wanted).is_some_and(|ranged| ranged.covers(term)) => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn town() -> Directory {
        let names = ["aaln/1", "AALN/2", "aaln/10", "relay/1", "relay/2", "ds/ds1-1/1", "ds/ds1-1/2"];
        Directory::new(names.iter().map(|name| (*name).to_owned()).collect())
    }

    fn set(indices: &[u32]) -> BTreeSet<EndpointIndex> {
        indices.iter().map(|n| EndpointIndex(*n)).collect()
    }

    #[test]
    fn a_name_is_found_in_any_case() {
        let town = town();
        assert_eq!(town.find("AaLn/1"), Some(EndpointIndex(0)));
        assert_eq!(town.find("aaln/2"), Some(EndpointIndex(1)));
        assert_eq!(town.find("aaln/3"), None);
        assert_eq!(town.find("aaln/*"), None);
    }

    #[test]
    fn a_star_means_all_values_of_its_term() {
        let town = town();
        assert_eq!(town.all("aaln/*").len(), 3);
        assert_eq!(town.all("*").len(), 7);
        assert_eq!(town.all("*/1").len(), 2);
        assert_eq!(town.all("ds/*/2"), vec![EndpointIndex(6)]);
        assert!(town.all("ds/*").is_empty());
        assert!(town.knows("relay/$"));
        assert!(!town.knows("ann/$"));
    }

    #[test]
    fn any_of_gives_each_free_endpoint_in_turn() {
        let mut town = town();
        assert_eq!(town.any("relay/$", None), None);
        for n in 0..7 {
            town.set_free(EndpointIndex(n), true);
        }
        let first = town.any("RELAY/$", None).unwrap();
        assert_eq!(first, EndpointIndex(3));
        town.give(first);
        assert_eq!(town.any("relay/$", None), Some(EndpointIndex(4)));
        town.set_free(EndpointIndex(4), false);
        assert_eq!(town.any("relay/$", None), Some(EndpointIndex(3)));
        assert_eq!(town.any("relay/$", Some(EndpointIndex(3))), None);
        assert!(town.any("$", None).is_some());
        assert_eq!(town.any("ds/$/2", None), Some(EndpointIndex(6)));
    }

    #[test]
    fn endpoints_are_named_together_where_they_can() {
        let (town, plain) = (town(), RangeWildcards::Unsupported);
        assert_eq!(town.cover(&set(&[0, 1, 2, 3, 4, 5, 6]), plain), ["*"]);
        assert_eq!(town.cover(&set(&[0, 1, 2]), plain), ["aaln/*"]);
        assert_eq!(town.cover(&set(&[0, 2, 3, 4]), plain), ["aaln/1", "aaln/10", "relay/*"]);
        assert_eq!(town.cover(&set(&[3]), plain), ["relay/1"]);
        let ranges = RangeWildcards::Supported;
        assert_eq!(town.cover(&set(&[0, 1]), ranges), ["aaln/[1-2]"]);
        assert_eq!(town.cover(&set(&[0, 2, 3, 4]), ranges), ["aaln/[1,10]", "relay/*"]);
        assert_eq!(town.cover(&set(&[3]), ranges), ["relay/1"]);
    }

    #[test]
    fn a_range_means_the_numbers_in_it() {
        let town = town();
        assert_eq!(town.all("aaln/[1-2,7]"), [EndpointIndex(0), EndpointIndex(1)]);
        assert_eq!(town.all("ds/ds1-[1-3]/*").len(), 2);
        assert_eq!(town.all("*/[2]"), [EndpointIndex(1), EndpointIndex(4)]);
        assert!(town.all("aaln/[3-9]").is_empty());
        assert!(town.all("aaln/[2-1]").is_empty());
    }
}
