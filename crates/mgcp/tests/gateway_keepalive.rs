//! Gateways that speak `MGCP 0.1` show their call agent that they live, and change to another one when it is silent.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod gateway_support;

use std::time::Duration;

use gateway_support::{AGENT, Bench, config};
use strowger_mgcp::dialect::Dialect;
use strowger_mgcp::gateway::{CallAgent, GatewayConfig};

const SECOND_AGENT: &str = "127.0.0.3:2727";

fn speaking(dialect: Dialect, agents: &[&str]) -> GatewayConfig {
    let mut config = config();
    config.dialect = dialect;
    config.call_agents = agents.iter().map(|agent| CallAgent::at(agent.parse().unwrap())).collect();
    config
}

fn up(dialect: Dialect, agents: &[&str]) -> Bench {
    let mut bench = Bench::switched_on(speaking(dialect, agents));
    while !bench.gateway.endpoints().all(|endpoint| endpoint.associated) {
        bench.pass(Duration::from_millis(100));
        for command in ["RSIP", "NTFY"].map(|verb| bench.take(verb)).concat() {
            bench.answer(200, &command);
        }
    }
    bench
}

#[test]
fn a_notification_of_nothing_shows_that_the_gateway_lives() {
    let mut bench = up(Dialect::MGCP_0_1, &[AGENT]);
    for _ in 0..8 {
        bench.pass_secs(15);
        let alive = bench.take("NTFY");
        let [alive] = alive.as_slice() else { panic!("{alive:?}") };
        assert_eq!(alive.endpoint(), "*@gw.town");
        assert_eq!((alive.get("X").as_deref(), alive.get("O").as_deref()), (Some("0"), Some("")));
        bench.answer(200, alive);
    }
    assert_eq!(bench.gateway.counters().switch_overs, 0);
    let mut other = up(Dialect::RFC3435, &[AGENT]);
    other.pass_secs(120);
    other.silent();
}

#[test]
fn nothing_comes_before_the_announcement_of_the_restart() {
    let mut config = speaking(Dialect::MGCP_0_1, &[AGENT, SECOND_AGENT]);
    config.timers.protocol.mwd = Duration::from_secs(600);
    let mut bench = Bench::switched_on(config);
    for _ in 0..600 {
        bench.pass_secs(1);
        assert_eq!(bench.take("NTFY").len(), 0);
        if let [rsip] = bench.take("RSIP").as_slice() {
            assert_eq!(rsip.get("RM").as_deref(), Some("restart"));
            assert!(
                bench.sent.iter().all(|(to, _)| to.to_string() == AGENT),
                "no change before anybody was asked"
            );
            return;
        }
    }
    panic!("the gateway did not announce itself");
}

#[test]
fn the_endpoints_of_a_silent_call_agent_change_to_the_next() {
    let mut bench = up(Dialect::MGCP_0_1, &[AGENT, SECOND_AGENT]);
    bench.pass_secs(60);
    let mut said: Vec<_> = bench
        .sent
        .iter()
        .filter(|(_, text)| text.verb() == "RSIP" && text.endpoint() == "*@gw.town")
        .map(|(to, rsip)| (to.to_string(), rsip.get("RM").unwrap()))
        .collect();
    said.sort();
    said.dedup();
    assert_eq!(
        said,
        [(AGENT.to_owned(), "graceful".to_owned()), (SECOND_AGENT.to_owned(), "restart".to_owned())]
    );
    assert_eq!(bench.gateway.counters().switch_overs, 1);
    assert!(bench.gateway.endpoints().all(|endpoint| !endpoint.associated), "it has not answered yet");
}

#[test]
fn who_has_one_call_agent_alone_goes_on_telling_it() {
    let mut bench = up(Dialect::MGCP_0_1, &[AGENT]);
    bench.pass_secs(300);
    assert!(bench.take("NTFY").len() >= 15);
    assert_eq!(bench.gateway.counters().switch_overs, 0);
    assert!(bench.gateway.endpoints().all(|endpoint| endpoint.associated));
}
