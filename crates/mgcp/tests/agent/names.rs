//! Gateways that are known by the names of their hosts (RFC 3435 section 4.3).

use std::net::SocketAddr;

use strowger_mgcp::agent::{ConfigError, GatewayConfig, GatewayId};
use strowger_mgcp::dialect::Dialect;

use crate::stage::{SECOND, Stage, address, config, domain};

/// An agent with gateway 1, of which the name alone is known.
fn named() -> Stage {
    let mut stage = Stage::with(config(), 0, Dialect::RFC3435);
    let gateway = GatewayConfig::new(GatewayId(1), Vec::new(), &domain(1), Dialect::RFC3435);
    let fault = stage.agent.add_gateway(stage.now, gateway.clone());
    assert_eq!(fault, Err(ConfigError::NoAddress(GatewayId(1))));
    let gateway = GatewayConfig { host: Some("gw1.example:2427".to_owned()), ..gateway };
    stage.agent.add_gateway(stage.now, gateway).unwrap();
    stage
}

fn resolved(stage: &mut Stage, addresses: &[SocketAddr]) {
    stage.agent.handle_resolved(stage.now, GatewayId(1), addresses);
    stage.collect();
}

const RSIP: &str = "RSIP 7 *@gw1.town MGCP 1.0\r\nRM: restart\r\n";

#[test]
fn a_name_is_looked_up_when_the_gateway_is_to_be_commanded() {
    let mut stage = named();
    stage.run(3 * SECOND);
    assert_eq!(stage.story(), ["resolve gw1.example:2427"]);
    assert!(stage.take().is_empty(), "nobody knows where to");
    stage.says(1, RSIP);
    assert!(stage.take().is_empty(), "nor who that is");
    resolved(&mut stage, &[address(1)]);
    let probe = stage.one();
    assert_eq!((probe.word(), probe.to), ("AUEP", address(1)));
    stage.answers(1, &probe, "200", "");
    assert_eq!(stage.story(), ["up 1 false"]);
}

#[test]
fn the_addresses_of_a_name_are_tried_in_their_order() {
    let mut stage = named();
    stage.run(3 * SECOND);
    resolved(&mut stage, &[address(1), address(2)]);
    assert_eq!(stage.one().to, address(1));
    stage.run(15 * SECOND);
    let sent = stage.take();
    let first = sent.iter().position(|sent| sent.to == address(2)).expect("the second is tried");
    assert!(sent[first..].iter().all(|sent| sent.to == address(2)));
    let probe = sent.last().unwrap().clone();
    stage.answers(2, &probe, "200", "");
    assert!(stage.story().contains(&"up 1 false".to_owned()));
}

#[test]
fn an_address_that_the_network_says_nobody_has_is_passed_over_at_once() {
    let mut stage = named();
    stage.run(3 * SECOND);
    resolved(&mut stage, &[address(1), address(2)]);
    let probe = stage.one();
    let undelivered = |stage: &mut Stage, quoted: &[u8]| {
        stage.agent.handle_undelivered(stage.now, address(1), quoted);
        stage.collect();
        stage.take()
    };
    assert!(undelivered(&mut stage, b"AUEP 1 *@gw1.town MGCP 1.0").is_empty(), "that was never sent");
    let [again] = &undelivered(&mut stage, probe.text.as_bytes())[..] else { panic!("once, elsewhere") };
    assert_eq!((again.to, again.id()), (address(2), probe.id()));
    stage.answers(2, again, "200", "");
    assert_eq!(stage.story(), ["resolve gw1.example:2427", "up 1 false"]);
}

#[test]
fn a_gateway_that_has_moved_is_found_by_its_name_and_its_old_address_is_a_strangers() {
    let mut stage = named();
    resolved(&mut stage, &[address(1)]);
    stage.says(1, RSIP);
    assert_eq!(stage.one().word(), "200");
    stage.events.clear();
    // It does not answer any more, and the name is looked up anew.
    stage.run(60 * SECOND);
    let story = stage.story();
    assert!(story.contains(&"resolve gw1.example:2427".to_owned()), "{story:?}");
    stage.take();
    resolved(&mut stage, &[address(2)]);
    stage.run(30 * SECOND);
    let sent = stage.take();
    assert!(sent.iter().any(|sent| sent.to == address(2)), "{sent:?}");
    let heard = stage.agent.counters().unlisted;
    stage.says(1, &RSIP.replace('7', "8"));
    assert_eq!(stage.agent.counters().unlisted, heard + 1);
    stage.says(2, &RSIP.replace('7', "9"));
    let answers = stage.take();
    assert!(answers.iter().any(|sent| sent.to == address(2) && sent.word() == "200"), "{answers:?}");
    assert!(answers.iter().all(|sent| sent.to == address(2)), "{answers:?}");
}
