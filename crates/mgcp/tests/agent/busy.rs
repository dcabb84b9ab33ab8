//! What a busy, lost or badly configured gateway costs the others, and what a late answer is worth.

use strowger_mgcp::agent::{ConfigError, GatewayConfig, GatewayId, GatewayState};
use strowger_mgcp::dialect::Dialect;

use crate::stage::{SECOND, Stage, address, config, create, off_hook};

fn narrow(outstanding: usize, per_gateway: usize, gateways: u32) -> Stage {
    let mut config = config();
    (config.limits.outstanding, config.limits.outstanding_per_gateway) = (outstanding, per_gateway);
    let mut stage = Stage::with(config, gateways, Dialect::RFC3435);
    for gateway in 1..=gateways {
        stage.restart(gateway);
    }
    stage.take();
    stage.events.clear();
    stage
}

#[test]
fn a_gateway_that_contradicts_one_that_is_there_is_not_added() {
    let mut stage = Stage::up(1);
    let now = stage.now;
    let of =
        |id, addresses, domain: &str| GatewayConfig::new(GatewayId(id), addresses, domain, Dialect::RFC3435);
    let mut add = |config| stage.agent.add_gateway(now, config);
    assert_eq!(add(of(1, vec![address(9)], "gw9.town")), Err(ConfigError::DuplicateGateway(GatewayId(1))));
    let taken = add(of(2, vec![address(9), address(1)], "gw2.town"));
    assert_eq!(taken, Err(ConfigError::AddressTaken(GatewayId(2), address(1))));
    assert_eq!(add(of(2, Vec::new(), "gw2.town")), Err(ConfigError::NoAddress(GatewayId(2))));
    assert_eq!(add(of(2, vec![address(9)], "gw 2")), Err(ConfigError::BadName(GatewayId(2))));
    // None of them has left anything behind.
    stage.says(9, "RSIP 1 *@gw9.town MGCP 1.0\r\nRM: restart\r\n");
    assert!(stage.sent.is_empty() && stage.events.is_empty());
    assert_eq!(stage.agent.gateway_state(GatewayId(2)), None);
    assert_eq!(stage.agent.gateway_state(GatewayId(1)), Some(GatewayState::Up));
}

#[test]
fn a_domain_is_the_gateways_in_any_case_with_a_dot_behind_it_and_no_longer() {
    let mut stage = Stage::up(1);
    let mut code = |domain: &str, id: u32| {
        stage.says(1, &format!("RSIP {id} aaln/1@{domain} MGCP 1.0\r\nRM: disconnected\r\n"));
        stage.take().first().map(|sent| sent.word().to_owned())
    };
    for (at, domain) in ["gw1.town", "GW1.Town", "gw1.town."].iter().enumerate() {
        assert_eq!(code(domain, 10 + at as u32).as_deref(), Some("200"), "{domain}");
    }
    for (at, domain) in ["gw1.towns", "gw1.tow", "gw2.town", "gw1.town.evil", "x.gw1.town"].iter().enumerate()
    {
        assert_eq!(code(domain, 20 + at as u32).as_deref(), Some("500"), "{domain}");
    }
}

#[test]
fn a_refused_command_makes_room_for_the_others_while_it_waits() {
    // One command at a time to all gateways together.
    let mut stage = narrow(1, 1, 2);
    stage.rqnt(1, "aaln/1", off_hook(), 1);
    let first = stage.one();
    stage.rqnt(2, "aaln/1", off_hook(), 2);
    assert!(stage.sent.is_empty());
    stage.answers(1, &first, "409", "");
    let second = stage.one();
    assert_eq!(second.to, address(2), "at once");
    stage.answers(2, &second, "200", "");
    stage.completed(2);
    stage.run(2 * SECOND);
    let again = stage.take().remove(0);
    stage.answers(1, &again, "200", "");
    stage.completed(1);
    // And the next ones go on one by one.
    stage.rqnt(1, "aaln/2", off_hook(), 3);
    stage.rqnt(1, "aaln/3", off_hook(), 4);
    let third = stage.one();
    stage.answers(1, &third, "200", "");
    stage.completed(3);
    let fourth = stage.one();
    stage.answers(1, &fourth, "200", "");
    stage.completed(4);
    assert_eq!((stage.agent.pending(), stage.agent.outstanding()), (0, 0));
}

#[test]
fn nothing_else_is_sent_to_a_gateway_that_rests_but_to_others() {
    let mut stage = Stage::up(2);
    stage.rqnt(1, "aaln/1", off_hook(), 1);
    let first = stage.one();
    stage.answers(1, &first, "409", "");
    stage.rqnt(1, "aaln/2", off_hook(), 2);
    assert!(stage.sent.is_empty(), "it has a pause");
    stage.rqnt(2, "aaln/1", off_hook(), 3);
    assert_eq!(stage.one().to, address(2));
    stage.run(SECOND);
    let again = stage.take().into_iter().find(|sent| sent.to == address(1)).unwrap();
    assert_eq!(again.endpoint(), "aaln/1@gw1.town");
    stage.answers(1, &again, "200", "");
    let other = stage.take().into_iter().find(|sent| sent.to == address(1)).unwrap();
    assert_eq!(other.endpoint(), "aaln/2@gw1.town");
}

#[test]
fn a_deletion_that_is_given_again_makes_room_meanwhile() {
    let mut stage = narrow(1, 1, 2);
    stage.dlcx_all(1, "aaln/*", None, 1);
    let sweep = stage.one();
    stage.rqnt(2, "aaln/1", off_hook(), 2);
    assert!(stage.sent.is_empty());
    stage.answers(1, &sweep, "400", "");
    let other = stage.one();
    assert_eq!(other.to, address(2));
    stage.answers(2, &other, "200", "");
    stage.completed(2);
    stage.run(SECOND);
    let again = stage.take().remove(0);
    assert_eq!(again.word(), "DLCX");
    stage.answers(1, &again, "250", "");
    stage.completed(1);
    assert_eq!((stage.agent.pending(), stage.agent.outstanding()), (0, 0));
}

#[test]
fn a_restarting_gateway_of_the_old_dialect_rests_for_its_own_code_and_for_the_new_one() {
    for code in ["405", "409", "520"] {
        let mut stage = Stage::with(config(), 1, Dialect::RFC2705);
        stage.restart(1);
        stage.take();
        stage.events.clear();
        stage.rqnt(1, "aaln/1", off_hook(), 1);
        let first = stage.one();
        stage.answers(1, &first, code, "");
        assert!(stage.events.is_empty(), "{code}: {:?}", stage.events);
        stage.run(SECOND);
        let again = stage.take().remove(0);
        stage.answers(1, &again, "200", "");
        stage.completed(1);
    }
}

#[test]
fn a_pause_of_a_gateway_that_was_lost_is_not_taken_into_its_return() {
    let mut stage = Stage::up(1);
    // Its pauses have become long.
    stage.rqnt(1, "aaln/1", off_hook(), 1);
    for _ in 0..3 {
        let command = stage.take().remove(0);
        stage.answers(1, &command, "409", "");
        while stage.sent.is_empty() {
            stage.run(SECOND / 20);
        }
    }
    stage.run(30 * SECOND);
    assert_eq!(stage.story(), ["lost 1", "failed 1: the gateway is lost"]);
    let probe = stage.take().into_iter().rfind(|sent| sent.word() == "AUEP").unwrap();
    stage.restart_disconnected();
    stage.answers(1, &probe, "200", "");
    stage.take();
    stage.events.clear();
    stage.rqnt(1, "aaln/1", off_hook(), 2);
    let command = stage.one();
    stage.answers(1, &command, "409", "");
    stage.run(SECOND);
    let again = stage.take();
    assert!(!again.is_empty(), "a short pause, as the first was");
    stage.answers(1, &again[0], "200", "");
    stage.completed(2);
}

#[test]
fn a_late_answer_that_refuses_or_is_anothers_deletes_nothing() {
    let lost = || {
        let mut stage = Stage::up(2);
        stage.crcx(1, "aaln/1", create(), 5);
        let command = stage.one();
        stage.run(20 * SECOND);
        stage.restart_disconnected();
        stage.take();
        stage.events.clear();
        (stage, command)
    };
    let (mut stage, command) = lost();
    stage.answers(2, &command, "200", "I: ab\r\n");
    assert!(stage.sent.is_empty(), "another gateway cannot speak of it");
    stage.answers(1, &command, "502", "");
    assert!(stage.sent.is_empty(), "nothing was created");
    stage.answers(1, &command, "200", "I: ab\r\n");
    assert_eq!(stage.one().word(), "DLCX");
    // After twice T-HIST the number may be another command's.
    let (mut stage, command) = lost();
    stage.run(120 * SECOND);
    stage.crcx(2, "aaln/1", create(), 6);
    stage.run(25 * SECOND);
    stage.take();
    stage.answers(1, &command, "200", "I: ab\r\n");
    assert!(!stage.take().iter().any(|sent| sent.word() == "DLCX" && sent.to == address(1)));
}

#[test]
fn what_cannot_be_read_is_a_sign_of_life_when_it_answers_a_command() {
    let mut stage = Stage::up(1);
    stage.rqnt(1, "aaln/1", off_hook(), 1);
    let command = stage.one();
    stage.run(12 * SECOND);
    stage.take();
    stage.answers(1, &command, "200", "no parameter\r\n");
    assert_eq!(stage.story(), ["failed 1: the gateway's answer is not legal"]);
    assert_eq!(stage.agent.gateway_state(GatewayId(1)), Some(GatewayState::Up));
    // One that is unknown is asked when it says what cannot be read.
    let mut stage = Stage::silent(1);
    stage.says(1, "NTFY 5 aaln/1@gw1.town MGCP 1.0\r\nX: zz!\r\n");
    let said: String = stage.take().into_iter().map(|sent| sent.text).collect();
    assert!(said.starts_with("510 5 ") && said.contains("\r\nAUEP "), "{said}");
    assert_eq!(stage.agent.gateway_state(GatewayId(1)), Some(GatewayState::Unknown));
}

#[test]
fn a_notification_without_a_request_identifier_or_events_is_refused_and_passed_to_nobody() {
    let mut stage = Stage::up(1);
    for (id, more) in [(1, "X: 1\r\n"), (2, "O: L/hd\r\n"), (3, "")] {
        stage.says(1, &format!("NTFY {id} aaln/1@gw1.town MGCP 1.0\r\n{more}"));
        assert_eq!(stage.one().word(), "510", "{more:?}");
    }
    assert!(stage.events.is_empty());
}
