//! The redirect and reset package: RFC 3991.
//!
//! `RED/N` and `RED/NL` give endpoints another call agent without touching their state, `RED/R` resets them. On the virtual endpoint `mg`,
//! which stands for the gateway, `RED/EL` and `RED/MP` say which endpoints are meant, whatever their service state.
//!
//! Limits: the endpoints of one command, ranges written out, number at most [`MOST`].

use super::target::{Naming, Targets};
use crate::gateway::Gateway;
use crate::gateway::media::EndpointIndex;
use crate::gateway::refusal::{Refusal, refuse};
use crate::message::{Command, EndpointNameBuf, ParameterCode, ReturnCode, Verb, range};

/// The name of the virtual endpoint that stands for the gateway.
pub(super) const VIRTUAL: &str = "mg";
/// How many endpoints the lists of one command can name: more than a gateway has lines.
const MOST: usize = 16_384;

/// "EndpointMap out of range": also a map without a list.
const MAP_RANGE: ReturnCode = ReturnCode::of_package(800);
/// "Incorrect usage of parameters".
const USAGE: ReturnCode = ReturnCode::of_package(801);

pub(super) const fn red(name: &'static str) -> ParameterCode<'static> {
    ParameterCode::Package { package: "RED", name }
}

/// A refusal with the package's own code for parameters where they do not belong.
pub(super) fn misused(text: &'static str) -> Refusal {
    Refusal::of_package("RED", USAGE, text)
}

impl Gateway {
    /// The endpoints that a command to the virtual endpoint lists; none when it is for another endpoint.
    pub(super) fn virtual_targets(
        &self,
        command: &Command<'_>,
        domain: usize,
    ) -> Result<Option<Targets>, Refusal> {
        let gateway =
            command.endpoint.local().eq_ignore_ascii_case(VIRTUAL) && self.directory.find(VIRTUAL).is_none();
        if gateway && command.verb == Verb::Auep {
            return Ok(Some(Targets { endpoints: Vec::new(), naming: Naming::Listed, domain }));
        }
        let lists = [red("EL"), red("MP")].iter().any(|code| command.parameters.contains(*code));
        match (gateway && command.verb == Verb::Epcf, lists) {
            (true, true) => {
                Ok(Some(Targets { endpoints: self.listed(command)?, naming: Naming::Listed, domain }))
            }
            (true, false) => Err(misused("the gateway as an endpoint needs a list of endpoints")),
            (false, true) => Err(misused("a list of endpoints is for the gateway's virtual endpoint")),
            (false, false) => Ok(None),
        }
    }

    /// The endpoints of RED/EL lines, each perhaps chosen from by the RED/MP line behind it.
    fn listed(&self, command: &Command<'_>) -> Result<Vec<EndpointIndex>, Refusal> {
        let (mut chosen, mut last) = (Vec::new(), None);
        let (mut all, mut ranged, mut mapped) = (false, false, false);
        for parameter in command.parameters.iter() {
            if parameter.code == red("MP") {
                mapped = true;
                let Some(list) = last.take() else {
                    return Err(map_fault("an endpoint map has no endpoint list on the line before it"));
                };
                chosen.extend(mapped_endpoints(list, parameter.value)?);
                continue;
            }
            chosen.extend(last.take().unwrap_or_default());
            if parameter.code == red("EL") {
                let mut list = Vec::new();
                for name in range::names(parameter.value) {
                    all |= name.split('/').any(|term| term == "*");
                    ranged |= range::is_ranged(name);
                    list.extend(self.listed_as(name, MOST.saturating_sub(list.len()))?);
                }
                if chosen.len() + list.len() > MOST {
                    return Err(too_many());
                }
                last = Some(list);
            }
        }
        chosen.extend(last.unwrap_or_default());
        if all && (ranged || mapped) {
            return Err(misused("\"all of\" stands neither with ranges nor with a map"));
        }
        let mut seen = std::collections::BTreeSet::new();
        chosen.retain(|index| seen.insert(*index));
        Ok(chosen)
    }

    fn listed_as(&self, name: &str, most: usize) -> Result<Vec<EndpointIndex>, Refusal> {
        let unknown = || refuse(ReturnCode::UNKNOWN_ENDPOINT, "there is no such endpoint in the list");
        let legal = EndpointNameBuf::from_parts(name, "gateway");
        if legal.is_none_or(|name| name.as_name().any()) {
            return Err(misused("the endpoint list holds no local names"));
        }
        if name.split('/').any(|term| term == "*") {
            let endpoints = self.directory.all(name);
            return if endpoints.is_empty() { Err(unknown()) } else { Ok(endpoints) };
        }
        let names = range::expand(name, most).ok_or_else(too_many)?;
        names.iter().map(|name| self.directory.find(name).ok_or_else(unknown)).collect()
    }
}

fn too_many() -> Refusal {
    refuse(ReturnCode::ALL_OF_TOO_COMPLICATED, "the endpoint lists name too many endpoints")
}

fn map_fault(text: &'static str) -> Refusal {
    Refusal::of_package("RED", MAP_RANGE, text)
}

/// The endpoints of a list that its map marks with `T`; those behind its end are not marked.
fn mapped_endpoints(list: Vec<EndpointIndex>, map: &str) -> Result<Vec<EndpointIndex>, Refusal> {
    if map.is_empty() || !map.bytes().all(|mark| matches!(mark, b'T' | b't' | b'F' | b'f')) {
        return Err(misused("an endpoint map consists of T and F"));
    }
    if map.len() > list.len() {
        return Err(map_fault("an endpoint map is longer than its endpoint list"));
    }
    let marked = |mark: &u8| matches!(mark, b'T' | b't');
    Ok(list
        .into_iter()
        .zip(map.as_bytes())
        .filter(|(_, mark)| marked(mark))
        .map(|(index, _)| index)
        .collect())
}
