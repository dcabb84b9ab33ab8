//! A walk over everything that a message can be asked, with what must hold of any bytes at all.

use strowger_mgcp::limits::Limits;
use strowger_mgcp::message::{
    Embedded, EventList, EventParameter, EventParameters, Message, ParameterCode, Parameters, RequestedEvent,
};
use strowger_mgcp::text::{datagram, decode, encode};

/// Decodes a datagram and asks every message everything; says how many were good.
///
/// What must hold of any bytes at all is asserted here: nothing panics, lines read in passing are those that a
/// walk over the lines finds, and what was accepted is a fixed point of decoding and encoding.
pub(crate) fn probe(bytes: &[u8], limits: &Limits) -> usize {
    let mut good = 0;
    for message in datagram(bytes, limits) {
        match message {
            Err(error) => {
                assert!(error.offset <= bytes.len(), "{error}");
                assert!((500..=541).contains(&error.return_code().get()), "{error}");
                assert!(!error.to_string().is_empty() && error.to_string().is_ascii());
            }
            Ok(message) => {
                good += 1;
                let parameters = match &message {
                    Message::Command(command) => &command.parameters,
                    Message::Response(response) => &response.parameters,
                };
                ask(parameters);
                agree(parameters);
                let mut first = Vec::new();
                encode(&message, &mut first);
                if first.len() <= limits.datagram_bytes {
                    let again = decode(&first, limits).unwrap_or_else(|error| {
                        panic!("{error} in {}", first.escape_ascii());
                    });
                    assert_eq!(again, message);
                }
            }
        }
    }
    good
}

/// The index that decoding filled must say what a walk over the lines says.
fn agree(parameters: &Parameters<'_>) {
    for code in ParameterCode::ALL {
        let walked: Vec<_> =
            parameters.iter().filter(|line| line.code == code).map(|line| line.value).collect();
        assert_eq!(parameters.get(code), walked.first().copied(), "{code}");
        assert_eq!(parameters.repeated().any(|repeated| repeated == code), walked.len() > 1, "{code}");
    }
}

/// Asks for every value as a type: what is there has its type, since decoding checked it.
fn ask(p: &Parameters<'_>) {
    let has = |code: ParameterCode<'_>| p.get(code).is_some_and(|value| !value.is_empty());
    assert_eq!(p.call_id().is_some(), has(ParameterCode::CallId));
    // Audits list connections on one line or on several.
    let connections = p.all(ParameterCode::ConnectionId).any(|value| !value.is_empty());
    assert_eq!(p.connection_id().is_some(), connections);
    assert_eq!(p.mode().is_some(), has(ParameterCode::ConnectionMode));
    assert_eq!(p.notified_entity().is_some(), has(ParameterCode::NotifiedEntity));
    assert_eq!(p.quarantine().is_some(), has(ParameterCode::QuarantineHandling));
    assert_eq!(p.reason().is_some(), has(ParameterCode::ReasonCode));
    assert_eq!(p.request_id().is_some(), has(ParameterCode::RequestIdentifier));
    assert_eq!(p.restart_delay().is_some(), has(ParameterCode::RestartDelay));
    assert_eq!(p.restart_method().is_some(), has(ParameterCode::RestartMethod));
    assert_eq!(p.second_connection_id().is_some(), has(ParameterCode::SecondConnectionId));
    assert_eq!(p.second_endpoint().is_some(), has(ParameterCode::SecondEndpointId));
    assert_eq!(p.specific_endpoint().is_some(), has(ParameterCode::SpecificEndpointId));
    assert_eq!(p.max_datagram().is_some(), has(ParameterCode::MaxMgcpDatagram));
    for option in p
        .local_options()
        .into_iter()
        .chain(p.all_capabilities())
        .flat_map(strowger_mgcp::message::LocalOptions::iter)
    {
        assert!(!option.name.is_empty());
        let _ = (option.option_kind(), option.value);
    }
    if let Some(options) = p.local_options() {
        let rebuilt = options.iter().map(|option| option.name.len()).sum::<usize>();
        assert!(rebuilt <= options.as_str().len());
        assert_eq!(options.is_empty(), options.iter().next().is_none());
        let _ = (options.packetization(), options.gain(), options.type_of_service(), options.reservation());
    }
    for event in p.requested_events().unwrap_or_default().iter() {
        requested(event, 0);
    }
    let lists = [p.signal_requests(), p.observed_events(), p.detect_events(), p.event_states()];
    lists.into_iter().flatten().for_each(listed);
    if let Some(parameters) = p.connection_parameters() {
        assert!(parameters.iter().all(|(name, value)| !name.is_empty() && value <= 999_999_999));
        let _ = parameters.to_statistics().to_string();
    }
    for range in p.response_ack().unwrap_or_default().iter() {
        assert!(range.first <= range.last);
    }
    let _ = p.requested_info().map(|codes| codes.iter().count());
    let _ = p.package_list().map(|packages| packages.iter().count());
    let _ = p.bearer().map(|bearer| (bearer.encoding(), bearer.iter().count()));
    assert_eq!(
        p.specific_endpoints().count(),
        p.all(ParameterCode::SpecificEndpointId).filter(|v| !v.is_empty()).count()
    );
}

fn requested(event: RequestedEvent<'_>, depth: usize) {
    assert!(depth < 16, "nested deeper than any limit");
    assert!(!event.name.event.is_empty());
    assert!(event.actions.iter().count() > 0, "an event has an action, be it the implied one");
    nested(event.parameters, 0);
    assert!(!event.to_buf().to_string().is_empty());
    if let Some(Embedded { requested_events, signal_requests, .. }) = event.actions.embedded() {
        for inner in requested_events.unwrap_or_default().iter() {
            requested(inner, depth + 1);
        }
        listed(signal_requests.unwrap_or_default());
    }
}

fn listed(list: EventList<'_>) {
    for event in list.iter() {
        assert!(!event.name.event.is_empty());
        nested(event.parameters, 0);
        let owned = event.to_buf();
        assert_eq!(owned.name().as_name(), event.name);
    }
}

fn nested(parameters: EventParameters<'_>, depth: usize) {
    assert!(depth < 2048, "a chain of equals signs ends with its list");
    for parameter in parameters.iter() {
        if let EventParameter::Named { name, values } = parameter {
            assert!(!name.is_empty());
            // A chain a=b=c=... nests by one for each sign: look at a part of it.
            if depth < 64 {
                nested(values, depth + 1);
            }
        }
    }
}
