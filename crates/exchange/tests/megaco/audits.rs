//! What a gateway of the stories says of itself: packages, terminations, streams.

use strowger_megaco::error::ErrorCode;
use strowger_megaco::message::{
    AuditResult, AuditReturn, Caseless, CommandReply, ContextId, Name, PackageVersion, TerminationId,
    Terminations,
};
use strowger_mgcp::message::Verb;

use crate::gateway::{Gateway, mode, reply, stream_name};

impl Gateway {
    pub(crate) fn audit<'m>(
        &mut self,
        context: &mut ContextId,
        named: &str,
        of: &Terminations<'m>,
    ) -> Result<Vec<CommandReply<'m>>, ErrorCode> {
        let value = |of: &Terminations<'m>, parts| {
            CommandReply::AuditValue(AuditResult::Termination(reply(of, parts)))
        };
        let mouth = self.mouth.as_ref().unwrap();
        if named == "root" {
            let of_package = |name: &'static str| {
                let known = strowger_megaco::package::package_named(name.as_bytes());
                let package = known.map_or(Name::Text(Caseless::new(name)), |known| Name::Id(known.id));
                PackageVersion { package, version: 1 }
            };
            let is_told = |package: &&str| !self.root_names_its_own || ["g", "root"].contains(package);
            let told = self.packages.iter().copied().filter(is_told).map(of_package).collect();
            return Ok(vec![value(of, vec![AuditReturn::Packages(told)])]);
        }
        if let Some((local, id)) = self.line_of(named) {
            let connection = &self.base.endpoints[&local].connections[&id];
            let mode = mode(&connection.mode);
            return Ok(vec![value(of, vec![self.media(connection.port, Some(mode))])]);
        }
        if named == "*" && (*context == ContextId::NULL || *context == ContextId::ALL) {
            if !self.tells_terminations {
                return Err(ErrorCode::INTERNAL);
            }
            let is_busy = |local: &str| mouth.contexts.contains_key(local);
            let idle = self.base.endpoints.keys().filter(|local| !is_busy(local)).cloned();
            let busy = self.base.endpoints.iter().filter(|(local, _)| is_busy(local));
            let busy = busy.flat_map(|(local, endpoint)| {
                let streams = endpoint.connections.keys().map(|id| stream_name(self.is_binary, id));
                let line = (!local.starts_with("relay/")).then(|| local.clone());
                line.into_iter().chain(streams).collect::<Vec<_>>()
            });
            let names: Vec<_> = if *context == ContextId::NULL { idle.collect() } else { busy.collect() };
            if names.is_empty() {
                return Err(ErrorCode::NO_MATCH);
            }
            return Ok(names
                .into_iter()
                .map(|name| value(&TerminationId::new(name).unwrap().into(), Vec::new()))
                .collect());
        }
        if named == "*" {
            let found = mouth.contexts.iter().find(|(_, own)| **own == context.get());
            let local = found.ok_or(ErrorCode::UNKNOWN_CONTEXT)?.0;
            let streams = self.base.endpoints[local].connections.keys();
            let streams = streams.map(|id| stream_name(self.is_binary, id));
            let line = (!local.starts_with("relay/")).then(|| local.clone());
            let names = line.into_iter().chain(streams);
            return Ok(names
                .map(|name| value(&TerminationId::new(name).unwrap().into(), Vec::new()))
                .collect());
        }
        self.base.executed.push(format!("AUEP {named}"));
        if let Some(code) = self.refuses(Verb::Auep, named) {
            return Err(code);
        }
        if !self.base.endpoints.contains_key(named) {
            return Err(ErrorCode::UNKNOWN_TERMINATION);
        }
        let own = self.mouth.as_ref().unwrap().contexts.get(named);
        if own.is_none() && *context == ContextId::ALL {
            // All contexts are not the null context (RFC 3525 section 8.1.2).
            return Err(ErrorCode::NOT_IN_CONTEXT);
        }
        *context = ContextId::new(own.copied().unwrap_or(0));
        Ok(vec![value(of, Vec::new())])
    }
}
