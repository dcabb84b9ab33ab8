//! A gateway's response, as the outcome of the operation that it answers (RFC 3435 section 3.3).

use std::time::Duration;

use super::operation::Request;
use super::outcome::{Audit, Outcome};
use crate::message::{
    CallId, Capabilities, ConnectionId, ConnectionIdBuf, ConnectionMode, ConnectionParameters, EndpointName,
    EndpointNameBuf, ListedEvent, RequestId, Response, RestartMethod,
};

/// The outcome of an operation.
pub(super) fn outcome(request: &Request, response: &Response<'_>) -> Outcome {
    let mut outcome = connection_outcome(response);
    if matches!(request, Request::AuditEndpoint(_) | Request::AuditConnection(..)) {
        outcome.audit = Some(Box::new(audit(response)));
    }
    if matches!(request, Request::AuditMany(_)) {
        outcome.bulk = super::bulk::read(response);
    }
    outcome
}

/// What a response tells about connections.
pub(super) fn connection_outcome(response: &Response<'_>) -> Outcome {
    Outcome {
        code: response.code,
        connection_id: response.connection_id().map(ConnectionId::to_buf),
        second_connection_id: response.second_connection_id().map(ConnectionId::to_buf),
        specific_endpoints: response.specific_endpoints().map(EndpointName::to_buf).collect(),
        second_endpoint: response.second_endpoint().map(EndpointName::to_buf),
        sdp: response.sdp[0].map(<[u8]>::to_vec),
        remote_sdp: response.sdp[1].map(<[u8]>::to_vec),
        statistics: response.connection_parameters().map(ConnectionParameters::to_statistics),
        audit: None,
        bulk: None,
    }
}

fn audit(response: &Response<'_>) -> Audit {
    Audit {
        connections: response.connection_ids().map(ConnectionId::to_buf).collect(),
        call_id: response.call_id().map(CallId::to_buf),
        mode: response.mode().and_then(|mode| ConnectionMode::ALL.into_iter().find(|known| *known == mode)),
        request_id: response.request_id().map(RequestId::to_buf),
        event_states: response
            .event_states()
            .iter()
            .flat_map(|l| l.iter())
            .map(|e| e.name.to_buf())
            .collect(),
        observed_events: response
            .observed_events()
            .iter()
            .flat_map(|l| l.iter())
            .map(ListedEvent::to_buf)
            .collect(),
        signals: response.signal_requests().iter().flat_map(|l| l.iter()).map(ListedEvent::to_buf).collect(),
        restart_method: response.restart_method().and_then(own_method),
        restart_delay: response.restart_delay().map(|seconds| Duration::from_secs(seconds.into())),
        reason: response.reason().map(|reason| reason.code),
        max_datagram: response.max_datagram(),
        packages: packages(response),
        codecs: of_all_sets(response, |set| set.codecs().into_iter().flatten().map(str::to_owned).collect()),
    }
}

fn packages(response: &Response<'_>) -> Vec<String> {
    if let Some(list) = response.package_list() {
        return list.iter().map(|package| package.name.to_owned()).collect();
    }
    of_all_sets(response, |set| set.packages().into_iter().flatten().map(str::to_owned).collect())
}

/// What the sets of capabilities have of something, each thing once.
fn of_all_sets(response: &Response<'_>, part: impl Fn(Capabilities<'_>) -> Vec<String>) -> Vec<String> {
    let mut all = Vec::new();
    for item in response.all_capabilities().flat_map(part) {
        if !all.contains(&item) {
            all.push(item);
        }
    }
    all
}

/// A method of RFC 3435; none if a package defines it, as the agent knows no such package.
pub(super) fn own_method(method: RestartMethod<'_>) -> Option<RestartMethod<'static>> {
    RestartMethod::ALL.into_iter().find(|known| *known == method)
}

/// Where a creation made which connection; none when the answer lacks what it must have: the connection's identifier, and the
/// endpoint that a wildcard stands for (section 2.3.5).
pub(super) fn created(
    asked: &EndpointNameBuf,
    outcome: &Outcome,
) -> Option<(EndpointNameBuf, ConnectionIdBuf)> {
    let connection = outcome.connection_id.clone()?;
    let place = match outcome.specific_endpoint() {
        Some(specific) => specific,
        None if asked.as_name().is_wildcarded() => return None,
        None => asked,
    };
    Some((place.clone(), connection))
}
