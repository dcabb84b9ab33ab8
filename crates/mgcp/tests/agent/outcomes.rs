//! What becomes of operations: answers, refusals with their categories, and answers that are none.

use strowger_mgcp::agent::{Failure, GatewayId};
use strowger_mgcp::dialect::Dialect;
use strowger_mgcp::message::{
    Category, ConnectionIdBuf, EventNameBuf, NotificationControl, ParameterCode, Quarantine,
    QuarantineEvents, RequestedEventBuf, ReturnCode, SignalBuf,
};

use crate::stage::{SECOND, Stage, address, config, create, off_hook};

#[test]
fn a_notification_request_carries_all_that_was_asked_for() {
    let mut stage = Stage::up(1);
    let mut request = off_hook();
    request.events.push(RequestedEventBuf::parse("D/[0-9#*T](D)").unwrap());
    request.signals.push(SignalBuf::parse("L/dl").unwrap());
    request.digit_map = Some("(2xxx|9x.T)".to_owned());
    request.quarantine =
        Some(Quarantine { events: QuarantineEvents::Discard, notifications: NotificationControl::Loop });
    request.detect.push(EventNameBuf::parse("L/hu").unwrap());
    let id = stage.agent.new_request_id();
    request.request_id = Some(id.clone());
    stage.rqnt(1, "aaln/1", request, 5);
    let command = stage.one();
    assert_eq!(command.to, address(1));
    assert_eq!((command.word(), command.endpoint()), ("RQNT", "aaln/1@gw1.town"));
    assert_eq!(command.field("N"), Some("ca@town.example:2727"));
    assert_eq!(command.field("X"), Some(id.as_str()));
    assert_eq!(command.field("R"), Some("L/hd(N), D/[0-9#*T](D)"));
    assert_eq!(command.field("S"), Some("L/dl"));
    assert_eq!(command.field("D"), Some("(2xxx|9x.T)"));
    assert_eq!(command.field("Q"), Some("loop,discard"));
    assert_eq!(command.field("T"), Some("L/hu"));
    stage.answers(1, &command, "200", "");
    assert_eq!(stage.completed(5).code, ReturnCode::OK);
}

#[test]
fn a_refusal_comes_with_the_category_that_decides_what_to_do() {
    let cases = [
        ("401", Category::StateMismatch),
        ("402", Category::StateMismatch),
        ("403", Category::TemporaryFailure),
        ("407", Category::Specific),
        ("418", Category::TemporaryFailure),
        ("500", Category::ProvisioningMismatch),
        ("501", Category::ServiceFailure),
        ("502", Category::ServiceFailure),
        ("505", Category::RemoteDescriptor),
        ("510", Category::ProvisioningMismatch),
        ("515", Category::StateMismatch),
        ("519", Category::StateMismatch),
        ("599", Category::ProvisioningMismatch),
        ("801", Category::ProvisioningMismatch),
    ];
    let mut stage = Stage::up(1);
    for (code, category) in cases {
        stage.rqnt(1, "aaln/1", off_hook(), 5);
        let id = stage.one().id();
        let package = if code.starts_with('8') { " /L" } else { "" };
        stage.says(1, &format!("{code} {id}{package} sorry\r\n"));
        let Failure::Refused(refused) = stage.failed(5) else { panic!("{code}") };
        assert_eq!(refused.code.to_string(), code);
        assert_eq!(refused.category, category, "{code}");
        assert_eq!(refused.commentary.as_deref(), Some("sorry"));
    }
    assert_eq!(stage.agent.pending(), 0);
}

#[test]
fn a_failed_request_leaves_the_one_before_current() {
    let mut stage = Stage::up(1);
    let current = stage.watch(1, "aaln/1");
    stage.rqnt(1, "aaln/1", off_hook(), 5);
    let command = stage.one();
    stage.answers(1, &command, "402", "");
    stage.events.clear();
    stage.says(1, &format!("NTFY 60 aaln/1@gw1.town MGCP 1.0\r\nX: {current}\r\nO: L/hd\r\n"));
    assert_eq!(stage.story(), ["notify aaln/1@gw1.town"]);
    let failed = command.field("X").unwrap();
    stage.says(1, &format!("NTFY 61 aaln/1@gw1.town MGCP 1.0\r\nX: {failed}\r\nO: L/hd\r\n"));
    assert_eq!(stage.story(), [""; 0]);
}

#[test]
fn a_forged_answer_changes_nothing() {
    let mut stage = Stage::up(2);
    stage.rqnt(1, "aaln/1", off_hook(), 5);
    let command = stage.one();
    let right = format!("200 {} OK\r\n", command.id());
    stage.arrives(address(77), right.as_bytes());
    stage.says(2, &right);
    stage.says(1, "200 1234 OK\r\n");
    assert!(stage.events.is_empty() && stage.sent.is_empty());
    stage.says(1, &right);
    assert_eq!(stage.story(), ["completed 5"]);
    stage.says(1, &right);
    assert!(stage.events.is_empty(), "and once is enough");
}

#[test]
fn an_answer_that_cannot_be_read_ends_the_operation_instead_of_being_asked_for_again() {
    let mut stage = Stage::up(1);
    stage.crcx(1, "aaln/1", create(), 5);
    let command = stage.one();
    stage.answers(1, &command, "200", "I: not hexadecimal\r\n");
    assert_eq!(stage.failed(5), Failure::BadAnswer);
    stage.run(10 * SECOND);
    assert!(stage.sent.iter().all(|sent| sent.word() != "CRCX"), "{:?}", stage.sent);
}

#[test]
fn an_audit_tells_what_was_found() {
    let mut stage = Stage::up(1);
    let info =
        vec![ParameterCode::ConnectionId, ParameterCode::EventStates, ParameterCode::RequestIdentifier];
    let endpoint = stage.endpoint(1, "aaln/1");
    stage.agent.audit_endpoint(stage.now, GatewayId(1), &endpoint, info, 5);
    stage.collect();
    let command = stage.one();
    assert_eq!((command.word(), command.field("F"), command.field("N")), ("AUEP", Some("I, ES, X"), None));
    let found = "I: 32F345E2, 5\r\nES: L/hd\r\nX: 0\r\nRM: graceful\r\nRD: 60\r\nMD: 8000\r\n";
    stage.answers(1, &command, "200", found);
    let audit = stage.completed(5).audit.unwrap();
    let connections: Vec<_> = audit.connections.iter().map(ConnectionIdBuf::as_str).collect();
    assert_eq!(connections, ["32F345E2", "5"]);
    assert_eq!(audit.event_states, [EventNameBuf::parse("L/hd").unwrap()]);
    assert!(audit.request_id.unwrap().is_zero());
    assert_eq!((audit.restart_delay, audit.max_datagram), (Some(60 * SECOND), Some(8000)));
}

#[test]
fn an_audited_connection_has_two_descriptions_and_statistics() {
    let mut stage = Stage::up(1);
    let endpoint = stage.endpoint(1, "aaln/1");
    let info = vec![
        ParameterCode::CallId,
        ParameterCode::ConnectionParameters,
        ParameterCode::LocalConnectionDescriptor,
        ParameterCode::RemoteConnectionDescriptor,
    ];
    let connection = ConnectionIdBuf::parse("f").unwrap();
    stage.agent.audit_connection(stage.now, GatewayId(1), &endpoint, connection, info, 5);
    stage.collect();
    let command = stage.one();
    assert_eq!(
        (command.word(), command.field("I"), command.field("F")),
        ("AUCX", Some("f"), Some("C, P, LC, RC"))
    );
    stage.answers(1, &command, "200", "C: AB\r\nP: PS=7\r\n\r\nv=0\r\ns=local\r\n\r\nv=0\r\ns=remote\r\n");
    let outcome = stage.completed(5);
    assert!(outcome.sdp.unwrap().ends_with(b"s=local\r\n"));
    assert!(outcome.remote_sdp.unwrap().ends_with(b"s=remote\r\n"));
    assert_eq!(outcome.statistics.unwrap().packets_sent, 7);
    assert_eq!(outcome.audit.unwrap().call_id.unwrap().as_str(), "AB");
}

#[test]
fn an_endpoint_of_another_domain_or_gateway_is_not_commanded() {
    let mut stage = Stage::up(2);
    let foreign = stage.endpoint(2, "aaln/1");
    stage.agent.notification_request(stage.now, GatewayId(1), &foreign, off_hook(), 5);
    stage.collect();
    assert_eq!(stage.failed(5), Failure::UnknownEndpoint);
    stage.agent.notification_request(stage.now, GatewayId(9), &foreign, off_hook(), 6);
    stage.collect();
    assert_eq!(stage.failed(6), Failure::UnknownEndpoint);
    assert!(stage.sent.is_empty());
}

#[test]
fn an_illegal_digit_map_or_option_never_reaches_the_wire() {
    let mut stage = Stage::up(1);
    let mut request = off_hook();
    request.digit_map = Some("(2xx\r\nX-EVIL: 1".to_owned());
    stage.rqnt(1, "aaln/1", request, 5);
    assert_eq!(stage.failed(5), Failure::IllegalValue);
    let mut connection = create();
    let options = strowger_mgcp::agent::ConnectionOptions {
        others: vec!["x\r\nM: sendrecv".to_owned()],
        ..Default::default()
    };
    connection.options = Some(options);
    stage.crcx(1, "aaln/1", connection, 6);
    assert_eq!(stage.failed(6), Failure::IllegalValue);
    assert!(stage.sent.is_empty());
}

#[test]
fn answered_commands_are_confirmed_where_the_dialect_has_it() {
    let mut stage = Stage::up(1);
    stage.rqnt(1, "aaln/1", off_hook(), 5);
    let first = stage.one();
    assert_eq!(first.field("K"), None);
    stage.answers(1, &first, "200", "");
    stage.rqnt(1, "aaln/2", off_hook(), 6);
    let second = stage.one();
    assert_eq!(second.field("K"), Some(first.id().to_string().as_str()));

    let mut osmo = Stage::with(config(), 1, Dialect::OSMO);
    osmo.restart(1);
    osmo.take();
    osmo.events.clear();
    for tag in 0..2 {
        osmo.crcx(1, "rtpbridge/$", create(), tag);
        let command = osmo.one();
        assert_eq!((command.field("K"), command.field("N")), (None, None));
        assert_eq!(command.endpoint(), "rtpbridge/*@gw1.town", "osmo-mgw's any-of wildcard");
        osmo.answers(1, &command, "200", "I: 5C\r\nZ: rtpbridge/a@gw1.town\r\n");
        assert_eq!(osmo.completed(tag).specific_endpoint().unwrap().local(), "rtpbridge/a");
    }
}

#[test]
fn what_an_answer_may_not_carry_is_passed_over() {
    let mut stage = Stage::up(1);
    stage.rqnt(1, "aaln/1", off_hook(), 5);
    let command = stage.one();
    let odd = "M: sendrecv\r\nYY: 1\r\nX+NEW: 2\r\nX-OLD: 3\r\nfoo/bar: 4\r\nR: L/hd(N)\r\n";
    stage.answers(1, &command, "200", odd);
    assert_eq!(stage.completed(5).code, ReturnCode::OK);
    // Nor need it be legal there.
    stage.rqnt(1, "aaln/1", off_hook(), 5);
    let command = stage.one();
    stage.answers(1, &command, "200", "C: no digits\r\nRM: explode\r\nP: PS\r\nI:\r\nL: p:soon\r\n");
    assert_eq!(stage.completed(5).code, ReturnCode::OK);
    assert_eq!(stage.agent.counters().malformed, 0);

    let endpoint = stage.endpoint(1, "aaln/1");
    stage.agent.audit_endpoint(stage.now, GatewayId(1), &endpoint, vec![ParameterCode::Capabilities], 6);
    stage.collect();
    let command = stage.one();
    let able =
        "A: a:PCMU;nobodys, x-own:1, x+must:2, foo/bar:3, v:L;FOO, m:sendrecv;foo/mode\r\nES: L/hd\r\n";
    stage.answers(1, &command, "200", able);
    assert_eq!(stage.completed(6).audit.unwrap().event_states, [EventNameBuf::parse("L/hd").unwrap()]);

    stage.dlcx(1, "aaln/1", "FDE2", 7);
    let command = stage.one();
    stage.answers(1, &command, "250", "P: PS=1245, X-Own=5, foo/bar=2, PL=10\r\n");
    let statistics = stage.completed(7).statistics.unwrap();
    assert_eq!((statistics.packets_sent, statistics.packets_lost), (1245, 10));
}
