//! The names and clauses of fields, as data: what the codecs do not need and people do.

use strowger_mgcp::message::{ParameterCode, Verb};

/// The field and the section of a line of SDP.
pub(super) fn sdp_line(letter: u8) -> (&'static str, &'static str) {
    match letter {
        b'v' => ("protocol version", "RFC 8866 section 5.1"),
        b'o' => ("origin", "RFC 8866 section 5.2"),
        b's' => ("session name", "RFC 8866 section 5.3"),
        b'i' => ("information", "RFC 8866 section 5.4"),
        b'u' => ("URI", "RFC 8866 section 5.5"),
        b'e' => ("email address", "RFC 8866 section 5.6"),
        b'p' => ("phone number", "RFC 8866 section 5.6"),
        b'c' => ("connection information", "RFC 8866 section 5.7"),
        b'b' => ("bandwidth information", "RFC 8866 section 5.8"),
        b't' => ("time active", "RFC 8866 section 5.9"),
        b'r' => ("repeat times", "RFC 8866 section 5.10"),
        b'z' => ("time zone adjustment", "RFC 8866 section 5.11"),
        b'k' => ("encryption key", "RFC 8866 section 5.12"),
        b'm' => ("media description", "RFC 8866 section 5.14"),
        _ => ("attribute", "RFC 8866 section 5.13"),
    }
}

/// The section and the meaning of an attribute of SDP.
pub(super) fn sdp_attribute(name: &str) -> (&'static str, Option<&'static str>) {
    let (clause, meaning) = match name {
        "cat" => ("RFC 8866 section 6.1", "category; obsolete"),
        "keywds" => ("RFC 8866 section 6.2", "keywords; obsolete"),
        "tool" => ("RFC 8866 section 6.3", "the program that made the description"),
        "ptime" => ("RFC 8866 section 6.4", "milliseconds in a packet, as wished"),
        "maxptime" => ("RFC 8866 section 6.5", "milliseconds in a packet, at most"),
        "rtpmap" => ("RFC 8866 section 6.6", "what a payload type means"),
        "recvonly" => ("RFC 8866 section 6.7.1", "the describing side only receives"),
        "sendrecv" => ("RFC 8866 section 6.7.2", "both ways"),
        "sendonly" => ("RFC 8866 section 6.7.3", "the describing side only sends"),
        "inactive" => ("RFC 8866 section 6.7.4", "neither way"),
        "charset" => ("RFC 8866 section 6.10", "the character set of free text"),
        "sdplang" => ("RFC 8866 section 6.11", "the language of the description"),
        "lang" => ("RFC 8866 section 6.12", "the language of the media"),
        "framerate" => ("RFC 8866 section 6.13", "frames a second"),
        "quality" => ("RFC 8866 section 6.14", "the quality of the encoding"),
        "fmtp" => ("RFC 8866 section 6.15", "parameters of a format"),
        "rtcp" => ("RFC 3605 section 2.1", "where RTCP is received"),
        "sqn" | "cdsc" | "cpar" | "cparmin" | "cparmax" => ("RFC 3407 section 3", "capabilities"),
        "require" => ("RFC 2848 section 3.4.4", "what a receiver must understand"),
        _ if name.eq_ignore_ascii_case("MGCPlocalcx") => ("RFC 3435 section 3.4.2", "the local connection"),
        _ => return ("RFC 8866 section 5.13", None),
    };
    (clause, Some(meaning))
}

/// The command and the section of a verb.
pub(super) fn verb(verb: Verb) -> (&'static str, &'static str) {
    match verb {
        Verb::Epcf => ("EndpointConfiguration", "RFC 3435 section 2.3.2"),
        Verb::Rqnt => ("NotificationRequest", "RFC 3435 section 2.3.3"),
        Verb::Ntfy => ("Notify", "RFC 3435 section 2.3.4"),
        Verb::Crcx => ("CreateConnection", "RFC 3435 section 2.3.5"),
        Verb::Mdcx => ("ModifyConnection", "RFC 3435 section 2.3.6"),
        Verb::Dlcx => ("DeleteConnection", "RFC 3435 sections 2.3.7 to 2.3.9"),
        Verb::Auep => ("AuditEndpoint", "RFC 3435 section 2.3.10"),
        Verb::Aucx => ("AuditConnection", "RFC 3435 section 2.3.11"),
        Verb::Rsip => ("RestartInProgress", "RFC 3435 section 2.3.12"),
        Verb::Mesg => ("Message", "RFC 3435 section B.3"),
        Verb::Other(_) => ("an extension", "RFC 3435 section 3.2.1.1"),
    }
}

/// The name and the section of a parameter.
pub(super) fn parameter(code: &ParameterCode<'_>) -> (&'static str, &'static str) {
    match code {
        ParameterCode::BearerInformation => ("BearerInformation", "RFC 3435 section 3.2.2.1"),
        ParameterCode::CallId => ("CallId", "RFC 3435 section 3.2.2.2"),
        ParameterCode::Capabilities => ("Capabilities", "RFC 3435 section 3.2.2.3"),
        ParameterCode::ConnectionId => ("ConnectionId", "RFC 3435 section 3.2.2.5"),
        ParameterCode::ConnectionMode => ("ConnectionMode", "RFC 3435 section 3.2.2.6"),
        ParameterCode::ConnectionParameters => ("ConnectionParameters", "RFC 3435 section 3.2.2.7"),
        ParameterCode::DetectEvents => ("DetectEvents", "RFC 3435 section 3.2.2.8"),
        ParameterCode::DigitMap => ("DigitMap", "RFC 3435 section 2.1.5"),
        ParameterCode::EventStates => ("EventStates", "RFC 3435 section 3.2.2.9"),
        ParameterCode::LocalConnectionOptions => ("LocalConnectionOptions", "RFC 3435 section 3.2.2.10"),
        ParameterCode::MaxMgcpDatagram => ("MaxMGCPDatagram", "RFC 3435 section 3.2.2.11"),
        ParameterCode::NotifiedEntity => ("NotifiedEntity", "RFC 3435 section 3.2.1.3"),
        ParameterCode::ObservedEvents => ("ObservedEvents", "RFC 3435 section 3.2.2.12"),
        ParameterCode::PackageList => ("PackageList", "RFC 3435 section 3.2.2.13"),
        ParameterCode::QuarantineHandling => ("QuarantineHandling", "RFC 3435 section 3.2.2.14"),
        ParameterCode::ReasonCode => ("ReasonCode", "RFC 3435 section 3.2.2.15"),
        ParameterCode::RequestedEvents => ("RequestedEvents", "RFC 3435 section 3.2.2.16"),
        ParameterCode::RequestedInfo => ("RequestedInfo", "RFC 3435 section 3.2.2.17"),
        ParameterCode::RequestIdentifier => ("RequestIdentifier", "RFC 3435 section 3.2.2.18"),
        ParameterCode::ResponseAck => ("ResponseAck", "RFC 3435 section 3.2.2.19"),
        ParameterCode::RestartDelay => ("RestartDelay", "RFC 3435 section 2.3.12"),
        ParameterCode::RestartMethod => ("RestartMethod", "RFC 3435 section 3.2.2.20"),
        ParameterCode::SecondConnectionId => ("SecondConnectionId", "RFC 3435 section 2.3.5"),
        ParameterCode::SecondEndpointId => ("SecondEndpointId", "RFC 3435 section 2.3.5"),
        ParameterCode::SignalRequests => ("SignalRequests", "RFC 3435 section 3.2.2.21"),
        ParameterCode::SpecificEndpointId => ("SpecificEndPointId", "RFC 3435 section 3.2.1.3"),
        ParameterCode::RemoteConnectionDescriptor => ("RemoteConnectionDescriptor", "RFC 3435 section 3.4"),
        ParameterCode::LocalConnectionDescriptor => ("LocalConnectionDescriptor", "RFC 3435 section 3.4"),
        ParameterCode::Vendor { critical: true, .. } => {
            ("vendor extension, critical", "RFC 3435 section 3.2.2")
        }
        ParameterCode::Vendor { critical: false, .. } => ("vendor extension", "RFC 3435 section 3.2.2"),
        ParameterCode::Package { .. } => ("package extension", "RFC 3435 section 6.7"),
        ParameterCode::Unknown(_) => ("unknown parameter", "RFC 3435 section 3.2.2"),
    }
}

/// A local connection option, or a capability.
pub(super) fn local_option(name: &str) -> Option<&'static str> {
    const NAMES: &[(&str, &str)] = &[
        ("a", "encoding methods"),
        ("p", "packetization period in ms"),
        ("b", "bandwidth in kbit/s"),
        ("e", "echo cancellation"),
        ("gc", "gain control"),
        ("s", "silence suppression"),
        ("t", "type of service, in hexadecimal digits"),
        ("r", "resource reservation"),
        ("k", "encryption"),
        ("nt", "type of network"),
        ("v", "packages, the default one first"),
        ("m", "modes"),
        ("fmtp", "format parameters (package FM)"),
        ("o-fmtp", "optional format parameters (package FM)"),
        ("r-dir", "reservation direction (package RES)"),
        ("r-cnf", "reservation confirmation (package RES)"),
        ("r-sh", "reservation sharing (package RES)"),
    ];
    find(NAMES, name)
}

/// A statistic of a connection.
pub(super) fn statistic(name: &str) -> Option<&'static str> {
    const NAMES: &[(&str, &str)] = &[
        ("PS", "packets sent"),
        ("OS", "octets sent"),
        ("PR", "packets received"),
        ("OR", "octets received"),
        ("PL", "packets lost"),
        ("JI", "mean jitter in ms"),
        ("LA", "mean latency in ms"),
    ];
    find(NAMES, name)
}

/// A connection mode.
pub(super) fn mode(keyword: &str) -> Option<&'static str> {
    const NAMES: &[(&str, &str)] = &[
        ("sendonly", "packets are only sent"),
        ("recvonly", "packets are only received"),
        ("sendrecv", "packets are sent and received"),
        ("confrnce", "mixed with the endpoint's other connections"),
        ("inactive", "packets are neither sent nor received"),
        ("loopback", "the circuit is looped back"),
        ("conttest", "continuity test of the circuit"),
        ("netwloop", "packets are returned to the network"),
        ("netwtest", "continuity test towards the network"),
    ];
    find(NAMES, keyword)
}

/// A restart method.
pub(super) fn restart_method(keyword: &str) -> Option<&'static str> {
    const NAMES: &[(&str, &str)] = &[
        ("graceful", "going out of service after the delay"),
        ("forced", "out of service now"),
        ("restart", "in service after the delay"),
        ("disconnected", "was cut off and is back"),
        ("cancel-graceful", "the graceful restart is called off"),
    ];
    find(NAMES, keyword)
}

fn find(names: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    names.iter().find(|row| row.0.eq_ignore_ascii_case(name)).map(|row| row.1)
}
