//! Which endpoints a command is for (RFC 3435 section 2.1.2), and whether they are in a state to execute it (section 4.4.5).

use crate::dialect::AllWildcard;
use crate::gateway::Gateway;
use crate::gateway::endpoint::Association;
use crate::gateway::media::EndpointIndex;
use crate::gateway::refusal::{Refusal, refuse};
use crate::message::{Command, EndpointName, ReturnCode, Verb, range};

/// The endpoints of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::gateway) struct Targets {
    /// One, or all that a `*` or a range matches; never none, unless a map of RFC 3991 marks none.
    pub(in crate::gateway) endpoints: Vec<EndpointIndex>,
    /// How they were named.
    pub(in crate::gateway) naming: Naming,
    /// Which form of the domain was used.
    pub(super) domain: usize,
}

/// How a command named its endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gateway) enum Naming {
    /// In full.
    Full,
    /// With `$`: the answer says which one it was.
    AnyOf,
    /// With `*` or a range.
    AllOf,
    /// By the lists of RFC 3991, which reach endpoints in any service state.
    Listed,
}

impl Targets {
    /// The only endpoint of a command that has one.
    pub(super) fn one(&self) -> Result<EndpointIndex, Refusal> {
        let first = self.endpoints.first().copied();
        first.ok_or_else(|| refuse(ReturnCode::UNKNOWN_ENDPOINT, "there is no such endpoint"))
    }
}

impl Gateway {
    /// The endpoints that a command names.
    pub(super) fn targets(&self, command: &Command<'_>) -> Result<Targets, Refusal> {
        if !matches!(
            command.verb,
            Verb::Crcx | Verb::Mdcx | Verb::Dlcx | Verb::Rqnt | Verb::Epcf | Verb::Auep | Verb::Aucx
        ) {
            return Err(refuse(ReturnCode::UNKNOWN_COMMAND, "a gateway does not execute this command"));
        }
        let name = command.endpoint;
        let domain = self.domain(name)?;
        let local = name.local();
        let wrong = |text| Err(refuse(ReturnCode::PROTOCOL_ERROR, text));
        if command.verb == Verb::Crcx && name.all() && self.dialect.all_wildcard == AllWildcard::AnyOne {
            return Ok(Targets { endpoints: vec![self.any_of(local, None)?], naming: Naming::AnyOf, domain });
        }
        if let Some(targets) = self.virtual_targets(command, domain)? {
            return Ok(targets);
        }
        if name.any() {
            if command.verb != Verb::Crcx || name.all() {
                return wrong("\"any of\" is for a new connection only");
            }
            return Ok(Targets { endpoints: vec![self.any_of(local, None)?], naming: Naming::AnyOf, domain });
        }
        if name.all() || (range::is_ranged(local) && self.directory.find(local).is_none()) {
            let single = matches!(command.verb, Verb::Crcx | Verb::Mdcx | Verb::Aucx)
                || (command.verb == Verb::Dlcx && command.connection_id().is_some());
            if single {
                return wrong("this command is for one endpoint");
            }
            let endpoints = self.directory.all(local);
            if endpoints.is_empty() {
                return Err(refuse(ReturnCode::UNKNOWN_ENDPOINT, "there is no such endpoint"));
            }
            return Ok(Targets { endpoints, naming: Naming::AllOf, domain });
        }
        Ok(Targets { endpoints: vec![self.named(local)?], naming: Naming::Full, domain })
    }

    /// The second endpoint of a connection within the gateway.
    pub(super) fn second_target(
        &self,
        name: EndpointName<'_>,
        first: EndpointIndex,
    ) -> Result<(EndpointIndex, Naming), Refusal> {
        self.domain(name)?;
        if name.all() {
            return Err(refuse(ReturnCode::PROTOCOL_ERROR, "a connection has one second endpoint"));
        }
        let (second, naming) = match name.any() {
            true => (self.any_of(name.local(), Some(first))?, Naming::AnyOf),
            false => (self.named(name.local())?, Naming::Full),
        };
        self.check_endpoint(second)?;
        Ok((second, naming))
    }

    /// Which of the gateway's domains a name uses.
    fn domain(&self, name: EndpointName<'_>) -> Result<usize, Refusal> {
        let domain = name.domain().trim_end_matches('.');
        self.domains
            .iter()
            .position(|known| known.eq_ignore_ascii_case(domain))
            .ok_or_else(|| refuse(ReturnCode::UNKNOWN_ENDPOINT, "the endpoint is on another gateway"))
    }

    fn named(&self, local: &str) -> Result<EndpointIndex, Refusal> {
        let found = self.directory.find(local);
        found.ok_or_else(|| refuse(ReturnCode::UNKNOWN_ENDPOINT, "there is no such endpoint"))
    }

    fn any_of(&self, pattern: &str, not: Option<EndpointIndex>) -> Result<EndpointIndex, Refusal> {
        if let Some(free) = self.directory.any(pattern, not) {
            return Ok(free);
        }
        match self.directory.knows(pattern) {
            true => Err(refuse(ReturnCode::NO_ENDPOINT_AVAILABLE, "no endpoint of this name is free")),
            false => Err(refuse(ReturnCode::UNKNOWN_ENDPOINT, "there is no such endpoint")),
        }
    }

    /// Refuses all but audits on endpoints that are restarting (405) or out of service (501).
    pub(super) fn check_service(&self, command: &Command<'_>, targets: &Targets) -> Result<(), Refusal> {
        if command.verb.is_audit() || targets.naming == Naming::Listed {
            return Ok(());
        }
        targets.endpoints.iter().try_for_each(|index| self.check_endpoint(*index))
    }

    fn check_endpoint(&self, index: EndpointIndex) -> Result<(), Refusal> {
        let Some(endpoint) = self.endpoint(index) else {
            return Err(refuse(ReturnCode::UNKNOWN_ENDPOINT, "there is no such endpoint"));
        };
        if !endpoint.service.is_in() {
            return Err(refuse(ReturnCode::NOT_READY, "the endpoint is out of service"));
        }
        match endpoint.association {
            Association::Restarting(_) => Err(refuse(self.dialect.restarting, "the endpoint is restarting")),
            Association::Known | Association::Disconnected(_) => Ok(()),
        }
    }
}
