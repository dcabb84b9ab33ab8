//! Gateways that speak otherwise than RFC 3435: what the agent writes to each, and how it finds out which one it has.

use strowger_mgcp::agent::{
    Agent, Event, Failure, GatewayConfig, GatewayId, GatewayState, NotificationRequest,
};
use strowger_mgcp::dialect::Dialect;
use strowger_mgcp::message::{Category, RequestedEventBuf, SignalBuf, Version};

use crate::stage::{SDP, SECOND, Stage, address, config, create, domain};

/// Dialling under ringback: digits, a tone of package G, and a time-out.
fn dialling() -> NotificationRequest {
    let events = ["L/hu(N)", "D/[0-9*#T](D)"];
    NotificationRequest {
        events: events.iter().map(|event| RequestedEventBuf::parse(event).unwrap()).collect(),
        signals: vec![SignalBuf::parse("G/rt(to=300000)").unwrap()],
        digit_map: Some("(2xxx)".to_owned()),
        ..NotificationRequest::default()
    }
}

/// A stage with one gateway whose dialect is to be found out.
fn unknown() -> Stage {
    let mut stage = Stage::with(config(), 0, Dialect::RFC3435);
    let gateway = GatewayConfig::new(GatewayId(1), vec![address(1)], &domain(1), Dialect::RFC3435);
    stage.agent.add_gateway(stage.now, GatewayConfig { detect: true, ..gateway }).unwrap();
    stage
}

fn detected(stage: &mut Stage) -> Vec<&'static str> {
    let events = std::mem::take(&mut stage.events);
    let names = events.iter().filter_map(|event| match event {
        Event::DialectDetected { gateway: GatewayId(1), dialect } => Some(*dialect),
        _ => None,
    });
    names.collect()
}

#[test]
fn each_dialect_is_written_as_its_gateways_read_it() {
    for (dialect, version, events, signals) in [
        (Dialect::RFC3435, "MGCP 1.0", "L/hu(N), D/[0-9*#T](D)", "G/rt(to=300000)"),
        (Dialect::RFC2705, "MGCP 1.0", "L/hu(N), D/[0-9*#T](D)", "G/rt"),
        (Dialect::MGCP_0_1, "MGCP 0.1", "L/hu(N), D/[0-9*#T](D)", "G/rt"),
        (Dialect::NCS, "MGCP 1.0 NCS 1.0", "L/hu(N), L/[0-9*#T](D)", "L/rt"),
        (Dialect::TGCP, "MGCP 1.0 TGCP 1.0", "L/hu(N), D/[0-9*#T](D)", "IT/rt"),
    ] {
        let mut stage = Stage::with(config(), 1, dialect);
        stage.rqnt(1, "aaln/1", dialling(), 1);
        let command = stage.one();
        let line = command.text.lines().next().unwrap();
        assert!(line.ends_with(&format!("aaln/1@gw1.town {version}")), "{}: {line}", dialect.name);
        let lists = (command.field("R"), command.field("S"));
        assert_eq!(lists, (Some(events), Some(signals)), "{}", dialect.name);
        assert_eq!(command.field("D"), Some("(2xxx)"), "{}", dialect.name);
    }
}

#[test]
fn what_a_cable_gateway_observes_is_told_in_the_names_of_the_standard() {
    let mut stage = Stage::with(config(), 1, Dialect::NCS);
    stage.rqnt(1, "aaln/1", dialling(), 1);
    let command = stage.one();
    stage.answers(1, &command, "200", "");
    stage.events.clear();
    let request = command.field("X").unwrap();
    stage.says(
        1,
        &format!(
            "NTFY 7 aaln/1@gw1.town MGCP 1.0 NCS 1.0\r\nX: {request}\r\nO: L/2,L/0,L/T,L/hu,L/oc(L/rt)\r\n"
        ),
    );
    let Event::Notify { events, .. } = stage.event() else { panic!("not a notification") };
    let names: Vec<_> = events.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["D/2", "D/0", "D/T", "L/hu", "L/oc(G/rt)"]);
}

#[test]
fn the_dialect_is_found_out_by_the_first_command() {
    for (version, dialect) in [
        ("MGCP 1.0", "rfc3435"),
        ("MGCP 0.1", "mgcp-0.1"),
        ("MGCP 1.0 NCS 1.0", "ncs"),
        ("MGCP 1.0 NCS 1.5", "ncs"),
        ("mgcp 1.0 tgcp 1.0", "tgcp"),
    ] {
        let mut stage = unknown();
        stage.says(1, &format!("RSIP 1 *@gw1.town {version}\r\nRM: restart\r\n"));
        assert_eq!(stage.one().word(), "200", "{version}");
        assert_eq!(detected(&mut stage), [dialect], "{version}");
        // Once and for all: a later command with another version is one of that dialect, or refused.
        stage.says(1, "RSIP 2 *@gw1.town MGCP 1.0 NCS 1.0\r\nRM: restart\r\n");
        assert!(detected(&mut stage).is_empty());
    }
    assert_eq!(Dialect::detect(Version { major: 2, minor: 0, profile: None }), None);
}

#[test]
fn a_profile_that_nobody_knows_is_refused() {
    let mut stage = unknown();
    stage.says(1, "RSIP 1 *@gw1.town MGCP 1.0 ACME 7\r\nRM: restart\r\n");
    assert_eq!(stage.one().word(), "528");
    stage.says(1, "RSIP 2 *@gw1.town MGCP 1.0\r\nRM: restart\r\n");
    assert_eq!(stage.one().word(), "200");
}

#[test]
fn a_gateway_that_refuses_the_version_is_asked_in_the_next_dialect() {
    let mut stage = unknown();
    stage.scripts.insert(
        address(1),
        Box::new(|sent| {
            let code = if sent.text.contains(" MGCP 0.1\r\n") { "200" } else { "528" };
            Some(format!("{code} {} \r\n", sent.id()))
        }),
    );
    stage.run(2 * SECOND);
    let versions: Vec<_> =
        stage.take().iter().map(|sent| sent.text.trim_end().ends_with("MGCP 0.1")).collect();
    assert_eq!(versions, [false, true]);
    assert_eq!(stage.agent.gateway_state(GatewayId(1)), Some(GatewayState::Up));
}

#[test]
fn a_configured_dialect_is_never_changed() {
    let mut stage = Stage::with(config(), 1, Dialect::RFC3435);
    stage.says(1, "RSIP 1 *@gw1.town MGCP 0.1\r\nRM: restart\r\n");
    assert_eq!(stage.one().word(), "528");
    assert!(detected(&mut stage).is_empty());
}

#[test]
fn a_permanent_code_of_an_old_device_is_taken_for_a_temporary_one() {
    for (dialect, code, category) in [
        (Dialect::RFC2705, "520", Category::TemporaryFailure),
        (Dialect::RFC2705, "502", Category::TemporaryFailure),
        (Dialect::RFC2705, "526", Category::TemporaryFailure),
        (Dialect::RFC2705, "501", Category::ServiceFailure),
        (Dialect::RFC3435, "520", Category::ServiceFailure),
        (Dialect::RFC3435, "502", Category::ServiceFailure),
        (Dialect::RFC3435, "526", Category::ProvisioningMismatch),
    ] {
        let mut stage = Stage::with(config(), 1, dialect);
        stage.crcx(1, "aaln/1", create(), 1);
        let command = stage.one();
        stage.answers(1, &command, code, "");
        stage.events.retain(|event| matches!(event, Event::Failed { .. }));
        let Failure::Refused(refused) = stage.failed(1) else { panic!("{code}") };
        assert_eq!(
            (refused.code.to_string().as_str(), refused.category),
            (code, category),
            "{}",
            dialect.name
        );
    }
}

#[test]
fn a_keep_alive_of_an_old_call_managers_gateway_is_answered() {
    let mut stage = Stage::with(config(), 1, Dialect::MGCP_0_1);
    for second in 1..=4 {
        stage.says(1, &format!("NTFY {second} *@gw1.town MGCP 0.1\r\nX: 0\r\nO: \r\n"));
        assert_eq!(stage.one().word(), "200");
        stage.run(15 * SECOND);
        assert!(stage.take().is_empty(), "one that speaks is not asked for a sign of life");
    }
    let agent: &Agent<u32> = &stage.agent;
    assert_eq!((agent.counters().empty_notifications, agent.counters().probes), (4, 0));
}

#[test]
fn a_connection_that_a_gateway_calls_zero_is_a_connection() {
    let mut stage = Stage::with(config(), 1, Dialect::RFC2705);
    stage.restart(1);
    stage.take();
    stage.events.clear();
    stage.crcx(1, "aaln/1", create(), 1);
    let command = stage.one();
    stage.answers(1, &command, "200", &format!("I: 0\r\n\r\n{SDP}"));
    assert_eq!(stage.completed(1).connection_id.unwrap().as_str(), "0");
    stage.mdcx(1, "aaln/1", "0", 2);
    let command = stage.one();
    assert_eq!((command.word(), command.field("I")), ("MDCX", Some("0")));
    stage.answers(1, &command, "200", "");
    stage.completed(2);
    stage.dlcx(1, "aaln/1", "0", 3);
    let command = stage.one();
    assert_eq!((command.word(), command.field("I")), ("DLCX", Some("0")));
    stage.answers(1, &command, "250", "");
    stage.completed(3);
}
