//! AUEP and AUCX: RFC 3435 sections 2.3.10 and 2.3.11.

use super::GATEWAY_PACKAGES;
use super::bulk::ba;
use super::target::{Naming, Targets};
use super::{Done, Origin, done};
use crate::gateway::Gateway;
use crate::gateway::connection::Connection;
use crate::gateway::endpoint::Endpoint;
use crate::gateway::machine::Phase;
use crate::gateway::media::{Hook, MediaPlane};
use crate::gateway::options::{capabilities, data_capabilities};
use crate::gateway::refusal::{Refusal, refuse};
use crate::limits::Limits;
use crate::message::{
    BearerEncoding, Command, ConnectionId, LocalOptions, PackageList, ParameterCode, Reason, ReturnCode,
};
use crate::package::PackageSet;
use crate::text::ResponseBuilder;

/// What stands for a description that the connection has not got (section 2.3.11).
const NO_DESCRIPTION: &[u8] = b"v=0\r\n";

impl Gateway {
    /// AuditEndpoint. With `*` it lists the endpoints; otherwise it tells what is asked about one.
    pub(super) fn audit_endpoint(
        &self,
        origin: Origin,
        command: &Command<'_>,
        targets: &Targets,
        plane: &dyn MediaPlane,
    ) -> Result<Done, Refusal> {
        if targets.naming == Naming::Listed {
            return self.audit_gateway(command);
        }
        let mut response = ResponseBuilder::new(ReturnCode::OK, command.transaction_id);
        let bulk = command.parameters.contains(ba("F"));
        if bulk {
            response = self.bulk_audit(response, command, targets, plane)?;
        }
        if targets.naming == Naming::AllOf {
            return if bulk {
                self.fitting(response.finish())
            } else {
                self.list_endpoints(command, targets)
            };
        }
        let index = targets.one()?;
        let (Some(endpoint), Some(info)) = (self.endpoint(index), command.requested_info()) else {
            return self.fitting(response.finish());
        };
        let mut told = Vec::new();
        for code in info.iter() {
            if !told.contains(&code) {
                told.push(code);
                response = self.tell(response, origin, endpoint, code, plane);
            }
        }
        self.fitting(response.finish())
    }

    /// Adds a line about an endpoint. A parameter that an endpoint does not have is left out.
    fn tell<'s>(
        &self,
        response: ResponseBuilder<'s>,
        origin: Origin,
        endpoint: &Endpoint,
        code: ParameterCode<'_>,
        plane: &dyn MediaPlane,
    ) -> ResponseBuilder<'s> {
        let machine = &endpoint.machine;
        let text = match code {
            ParameterCode::RequestedEvents => machine.requested_wire(),
            ParameterCode::DigitMap => {
                machine.digit_map.as_ref().map(|map| map.text().to_owned()).unwrap_or_default()
            }
            ParameterCode::SignalRequests => machine.signals.audit(),
            ParameterCode::RequestIdentifier => machine.request.as_str().to_owned(),
            ParameterCode::QuarantineHandling => return response.quarantine(machine.quarantine),
            ParameterCode::DetectEvents => machine.detected_wire(),
            ParameterCode::NotifiedEntity => endpoint.entity.audit(),
            ParameterCode::ConnectionId => {
                let ids: Vec<ConnectionId<'_>> =
                    endpoint.connections.iter().map(|c| c.id.as_view()).collect();
                return response.connection_ids(&ids);
            }
            ParameterCode::ObservedEvents => machine.observed_wire(),
            ParameterCode::EventStates => event_states(endpoint, plane),
            ParameterCode::BearerInformation => match endpoint.bearer {
                Some(BearerEncoding::ALaw) => "e:A".to_owned(),
                Some(BearerEncoding::MuLaw) => "e:mu".to_owned(),
                None => String::new(),
            },
            ParameterCode::RestartMethod => return response.restart_method(self.audited_method(endpoint)),
            ParameterCode::RestartDelay => {
                return response.restart_delay(self.audited_delay(origin.now, endpoint));
            }
            ParameterCode::ReasonCode => return response.reason(Reason::of(endpoint.reason)),
            ParameterCode::PackageList => {
                let list = endpoint.packages().to_string();
                return match PackageList::parse(&list) {
                    Some(list) => response.package_list(list),
                    None => response,
                };
            }
            ParameterCode::MaxMgcpDatagram => {
                return response.max_datagram(self.longest_datagram());
            }
            ParameterCode::Capabilities => {
                let images = plane.carries_images(endpoint.index);
                let modes = plane.modes(endpoint.index);
                let (able, packages, others) =
                    (plane.capabilities(), endpoint.packages(), self.dialect.names.packages);
                let text = capabilities(able, images, &modes, packages, others);
                let data = data_capabilities(able, &modes, packages, others);
                let sets = [Some(text), data];
                let lists = sets.iter().flatten().filter_map(|text| LocalOptions::parse_capabilities(text));
                return lists.fold(response, ResponseBuilder::capabilities);
            }
            ParameterCode::Package { package, name } => {
                match extension(endpoint, &package.to_ascii_uppercase(), &name.to_ascii_uppercase()) {
                    Some(text) => text,
                    None => return response,
                }
            }
            _ => return response,
        };
        put(response, code, &text)
    }

    /// The virtual endpoint `mg`: what the gateway itself has (RFC 3991 section 2.2.1). It has no state to tell about.
    fn audit_gateway(&self, command: &Command<'_>) -> Result<Done, Refusal> {
        let mut response = ResponseBuilder::new(ReturnCode::OK, command.transaction_id);
        let info = command.requested_info();
        let asks = |code| info.is_some_and(|info| info.iter().any(|asked| asked == code));
        let packages = PackageSet::new(GATEWAY_PACKAGES).to_string();
        if let Some(list) = PackageList::parse(&packages).filter(|_| asks(ParameterCode::PackageList)) {
            response = response.package_list(list);
        }
        if asks(ParameterCode::MaxMgcpDatagram) {
            response = response.max_datagram(self.longest_datagram());
        }
        self.fitting(response.finish())
    }

    /// MD: what it can receive.
    fn longest_datagram(&self) -> u32 {
        u32::try_from(self.codec.datagram_bytes.min(Limits::MAX_DATAGRAM)).unwrap_or(u32::MAX)
    }

    fn list_endpoints(&self, command: &Command<'_>, targets: &Targets) -> Result<Done, Refusal> {
        let mut response = ResponseBuilder::new(ReturnCode::OK, command.transaction_id);
        for index in &targets.endpoints {
            if let Some(name) = self.full_name(*index, targets.domain) {
                response = response.specific_endpoint(&name);
            }
        }
        self.fitting(response.finish())
    }

    /// A response that is longer than a peer must accept is refused instead (533).
    fn fitting(&self, response: Vec<u8>) -> Result<Done, Refusal> {
        if response.len() > self.limits.response_bytes {
            return Err(refuse(ReturnCode::RESPONSE_TOO_LARGE, "the answer does not fit a datagram"));
        }
        Ok((ReturnCode::OK, response))
    }

    /// AuditConnection.
    pub(super) fn audit_connection(
        &self,
        origin: Origin,
        command: &Command<'_>,
        targets: &Targets,
        plane: &dyn MediaPlane,
    ) -> Result<Done, Refusal> {
        let index = targets.one()?;
        let connection = self.named_connection(command, index)?;
        let (Some(endpoint), Some(info)) = (self.endpoint(index), command.requested_info()) else {
            return Ok(done(ReturnCode::OK, command));
        };
        let local = connection.description();
        let remote = connection.remote.as_ref().map_or(NO_DESCRIPTION, |remote| &remote.bytes);
        let mut response = ResponseBuilder::new(ReturnCode::OK, command.transaction_id);
        let mut told = Vec::new();
        for code in info.iter() {
            if told.contains(&code) {
                continue;
            }
            told.push(code);
            response = match code {
                ParameterCode::LocalConnectionDescriptor => response.sdp(&local),
                ParameterCode::RemoteConnectionDescriptor => response.remote_sdp(remote),
                _ => tell_connection(response, origin, endpoint, connection, code, plane),
            };
        }
        self.fitting(response.finish())
    }
}

/// Adds a line about a connection.
fn tell_connection<'s>(
    response: ResponseBuilder<'s>,
    origin: Origin,
    endpoint: &Endpoint,
    connection: &Connection,
    code: ParameterCode<'_>,
    plane: &dyn MediaPlane,
) -> ResponseBuilder<'s> {
    let text = match code {
        ParameterCode::CallId => connection.call.as_str().to_owned(),
        ParameterCode::NotifiedEntity => endpoint.entity.audit(),
        ParameterCode::LocalConnectionOptions => connection.options.audit(),
        ParameterCode::ConnectionMode => connection.spec.mode.name().to_owned(),
        ParameterCode::ConnectionParameters => {
            return response.connection_parameters(&plane.statistics(origin.now, connection.handle));
        }
        _ => return response,
    };
    put(response, code, &text)
}

/// The states of the endpoint that events stand for (section 2.3.10).
fn event_states(endpoint: &Endpoint, plane: &dyn MediaPlane) -> String {
    if !endpoint.packages().contains("L") {
        return plane.event_states(endpoint.index).join(", ");
    }
    match plane.hook(endpoint.index) {
        Hook::On => "L/hu".to_owned(),
        Hook::Off => "L/hd".to_owned(),
    }
}

/// What packages add to the audit of an endpoint.
fn extension(endpoint: &Endpoint, package: &str, name: &str) -> Option<String> {
    Some(match (package, name) {
        ("B", "PR") => endpoint.machine.persistent_wire(),
        ("B", "NS") => match endpoint.machine.phase {
            Phase::Notification => "ns".to_owned(),
            Phase::Lockstep => "ls".to_owned(),
            Phase::Normal => "o".to_owned(),
        },
        ("RED", "NL") => endpoint.alternates_wire(),
        ("LCK", "LST") => endpoint.lockstep.to_string(),
        _ => return None,
    })
}

/// Adds a line with a value that this gateway made itself.
fn put<'s>(response: ResponseBuilder<'s>, code: ParameterCode<'_>, value: &str) -> ResponseBuilder<'s> {
    let with = response.clone().parameter(code, value);
    debug_assert!(with.is_ok(), "{code}: {value}");
    with.unwrap_or(response)
}
