//! Towns whose gateways speak other dialects than RFC 3435: the whole way from the first announcement to the end of a call with features, by what
//! subscribers hear, and by the words on the wire.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod stage;

use strowger_exchange::{DialectChoice, Event, ServiceState};
use strowger_mgcp::dialect::Dialect;
use strowger_sansio::Duration;

use stage::Stage;

/// What a town of these gateways has, with the dialect found out or, where it cannot be, configured.
fn town(dialect: Dialect, choice: DialectChoice, relayed: bool) -> Stage {
    let mut stage = Stage::speaking(dialect, relayed, |inventory| {
        inventory.gateways.iter_mut().for_each(|gateway| gateway.dialect = choice);
    });
    stage.pass(Duration::from_secs(10));
    for line in stage.exchange.snapshot().lines {
        assert_eq!(line.service, ServiceState::InService, "{}: {line:?}", dialect.name);
    }
    stage
}

/// A day in a town: a call with its caller shown, a busy line, consultation, a three-way call, a call that waits, a telephone left off the
/// hook.
fn day(mut stage: Stage) -> Stage {
    stage.does("2001", "off-hook");
    stage.expect("2001", "dial-tone");
    stage.does("2001", "dial 2003");
    stage.expect("2001", "ringback");
    stage.expect("2003", "caller 2001");
    stage.does("2003", "off-hook");
    stage.talk(&["2001", "2003"]);
    stage.does("2004", "off-hook");
    stage.does("2004", "dial 2001");
    stage.expect("2004", "ringback");
    stage.does("2001", "flash");
    stage.talk(&["2001", "2004"]);
    stage.does("2001", "flash");
    stage.talk(&["2001", "2003"]);
    stage.does("2004", "on-hook");
    stage.pass(Duration::from_secs(1));
    stage.does("2001", "flash");
    stage.does("2001", "dial 2002");
    stage.does("2002", "off-hook");
    stage.does("2001", "flash");
    stage.talk(&["2001", "2002", "2003"]);
    for number in ["2001", "2002", "2003"] {
        stage.does(number, "on-hook");
    }
    stage.does("2002", "off-hook");
    stage.does("2002", "dial 2222");
    stage.pass(Duration::from_secs(60));
    stage.does("2002", "on-hook");
    stage
}

fn detected(stage: &Stage) -> Vec<&'static str> {
    let detected = stage.told.iter().filter_map(|event| match event {
        Event::DialectDetected { dialect, .. } => Some(*dialect),
        _ => None,
    });
    detected.collect()
}

/// The lines of these parameters that have passed.
fn lists<'s>(stage: &'s Stage, parameters: &'s [&'s str]) -> impl Iterator<Item = &'s str> {
    let lines = stage.passed.iter().flat_map(|text| text.lines());
    lines.filter(move |line| parameters.iter().any(|start| line.starts_with(start)))
}

/// Every command that has passed bears this version.
fn is_written(stage: &Stage, version: &str) {
    let verbs = ["AUEP", "RQNT", "CRCX", "MDCX", "DLCX", "AUCX", "NTFY", "RSIP", "EPCF", "MESG"];
    let commands: Vec<_> = lists(stage, &verbs).collect();
    assert!(commands.len() > 50, "{}", commands.len());
    assert!(commands.iter().all(|line| line.ends_with(version)), "{commands:#?}");
}

#[test]
fn a_town_of_cable_adapters_lives_through_a_day() {
    for relayed in [false, true] {
        let stage = day(town(Dialect::NCS, DialectChoice::Auto, relayed));
        assert_eq!(detected(&stage), ["ncs", "ncs"]);
        is_written(&stage, " MGCP 1.0 NCS 1.0");
        let events: Vec<_> = lists(&stage, &["R:", "S:", "O:"]).collect();
        let none = ["D/", "G/", "to="].iter().all(|word| events.iter().all(|list| !list.contains(word)));
        assert!(none, "{events:#?}");
        for word in ["L/rt", "L/[0-9*#T](D)", "L/2", "L/wt1", "L/ci(", "L/dl"] {
            assert!(events.iter().any(|list| list.contains(word)), "{word}: {events:#?}");
        }
        // NCS has eight commands.
        assert_eq!(lists(&stage, &["EPCF", "MESG"]).count(), 0);
        stage.end();
    }
}

#[test]
fn a_town_of_old_call_managers_gateways_lives_through_a_day() {
    let stage = day(town(Dialect::MGCP_0_1, DialectChoice::Auto, false));
    assert_eq!(detected(&stage), ["mgcp-0.1", "mgcp-0.1"]);
    is_written(&stage, " MGCP 0.1");
    assert_eq!(lists(&stage, &["K:"]).count(), 0);
    let lists: Vec<_> = lists(&stage, &["R:", "S:"]).collect();
    assert!(lists.iter().all(|list| !list.contains("to=")), "{lists:#?}");
    // Empty notifications for all endpoints, each 15 seconds, are answered.
    assert!(stage.passed.iter().filter(|text| text.starts_with("NTFY") && text.contains(" *@")).count() > 4);
    stage.end();
}

#[test]
fn a_town_of_the_first_standard_lives_through_a_day() {
    let stage = day(town(Dialect::RFC2705, DialectChoice::Rfc2705, false));
    is_written(&stage, " MGCP 1.0");
    let lists: Vec<_> = lists(&stage, &["S:"]).collect();
    assert!(lists.iter().all(|list| !list.contains("to=")), "{lists:#?}");
    stage.end();
}

/// Trunk gateways of cable networks have circuits; here lines stand for them, by whose telephones can be heard what their signals are.
#[test]
fn a_town_of_cable_trunk_gateways_lives_through_a_day() {
    for relayed in [false, true] {
        let stage = day(town(Dialect::TGCP, DialectChoice::Auto, relayed));
        assert_eq!(detected(&stage), ["tgcp", "tgcp"]);
        is_written(&stage, " MGCP 1.0 TGCP 1.0");
        let signals: Vec<_> = lists(&stage, &["S:"]).collect();
        assert!(signals.iter().any(|list| list.contains("IT/rt")), "{signals:#?}");
        assert!(signals.iter().all(|list| !list.contains("G/rt") && !list.contains("to=")), "{signals:#?}");
        stage.end();
    }
}

#[test]
fn a_gateway_that_restarts_with_other_software_is_found_out_anew_only_if_it_was_never_told() {
    // What was configured is not changed: a gateway that speaks otherwise is refused, and out of service.
    let mut stage = Stage::speaking(Dialect::MGCP_0_1, false, |inventory| {
        inventory.gateways[0].dialect = DialectChoice::Rfc3435;
    });
    stage.pass(Duration::from_secs(30));
    let service = |stage: &Stage, number: &str| {
        let lines = stage.exchange.snapshot().lines;
        lines.into_iter().find(|line| line.number == number).unwrap().service
    };
    assert_ne!(service(&stage, "2001"), ServiceState::InService);
    assert_eq!(service(&stage, "2003"), ServiceState::InService);
    assert_eq!(detected(&stage), ["mgcp-0.1"]);
    assert!(stage.passed.iter().any(|text| text.starts_with("528 ")));
}
