//! Gateways that speak `MGCP 0.1` show their call agent that they live, and change to another one when it is silent.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod gateway_support;

use std::time::Duration;

use gateway_support::{AGENT, Bench, config};
use strowger_mgcp::dialect::Dialect;
use strowger_mgcp::gateway::{CallAgent, GatewayConfig, Switchback};

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

/// Lets time pass in which these call agents answer everything; what they were told of restarts, each once.
fn pass_with(bench: &mut Bench, seconds: u64, alive: &[&str]) -> Vec<(String, String)> {
    let mut said = Vec::new();
    for _ in 0..seconds * 2 {
        bench.pass(Duration::from_millis(500));
        for (to, text) in std::mem::take(&mut bench.sent) {
            let to = to.to_string();
            if text.verb().len() != 4 {
                continue;
            }
            if text.verb() == "RSIP" {
                said.push((to.clone(), text.get("RM").unwrap()));
            }
            if alive.contains(&to.as_str()) {
                bench.give_from(&to, &format!("200 {} OK\n", text.transaction()));
            }
        }
    }
    said.dedup();
    said
}

fn told(agent: &str, method: &str) -> (String, String) {
    (agent.to_owned(), method.to_owned())
}

fn switched(switchback: Switchback) -> Bench {
    let mut config = speaking(Dialect::MGCP_0_1, &[AGENT, SECOND_AGENT]);
    config.timers.keepalive.switchback = switchback;
    let mut bench = Bench::switched_on(config);
    pass_with(&mut bench, 630, &[AGENT, SECOND_AGENT]);
    let said = pass_with(&mut bench, 120, &[SECOND_AGENT]);
    assert!(said.contains(&told(SECOND_AGENT, "restart")), "{said:?}");
    assert!(bench.gateway.endpoints().all(|endpoint| endpoint.associated));
    bench
}

/// The order of a call agent, and its answer.
fn order(bench: &mut Bench, agent: &str, line: &str, body: &str) -> String {
    let id = bench.id();
    bench.give_from(agent, &line.replace("ID", &id.to_string()).replace("END", &format!("MGCP 0.1\n{body}")));
    let answer = bench.answered(id);
    assert!(matches!(answer.code(), 200 | 250), "{}", answer.0);
    answer.get("I").unwrap_or_default()
}

#[test]
fn endpoints_return_to_their_own_call_agent_when_it_lives_and_no_call_is_left() {
    let mut bench = switched(Switchback::Graceful);
    let create = "CRCX ID aaln/1@gw.town END";
    let connection = order(&mut bench, SECOND_AGENT, create, "C: 1\nM: recvonly\n");
    let both = &[AGENT, SECOND_AGENT];
    assert_eq!(pass_with(&mut bench, 600, both), [], "a call keeps them where they are");
    let delete = format!("C: 1\nI: {connection}\n");
    order(&mut bench, SECOND_AGENT, "DLCX ID aaln/1@gw.town END", &delete);
    let said = pass_with(&mut bench, 60, both);
    let mut told_once = said.clone();
    told_once.sort();
    told_once.dedup();
    assert_eq!(told_once, [told(AGENT, "restart"), told(SECOND_AGENT, "graceful")], "{said:?}");
    assert!(bench.gateway.endpoints().all(|endpoint| endpoint.associated));
    assert_eq!((bench.gateway.counters().switch_overs, bench.gateway.counters().switch_backs), (1, 1));
    assert_eq!(pass_with(&mut bench, 300, both), []);
    // And leave it again if it has to be.
    assert!(pass_with(&mut bench, 120, &[SECOND_AGENT]).contains(&told(SECOND_AGENT, "restart")));
}

#[test]
fn endpoints_return_at_once_after_a_time_or_not_as_they_are_told() {
    let both = &[AGENT, SECOND_AGENT];
    let mut bench = switched(Switchback::Immediate);
    order(&mut bench, SECOND_AGENT, "CRCX ID aaln/1@gw.town END", "C: 1\nM: recvonly\n");
    assert!(pass_with(&mut bench, 45, both).contains(&told(AGENT, "restart")), "whatever call there is");
    let mut bench = switched(Switchback::UptimeDelay(Duration::from_secs(300)));
    assert_eq!(pass_with(&mut bench, 290, both), []);
    assert!(pass_with(&mut bench, 60, both).contains(&told(AGENT, "restart")));
    let mut bench = switched(Switchback::UptimeDelay(Duration::from_secs(300)));
    for _ in 0..5 {
        assert_eq!(pass_with(&mut bench, 200, both), []);
        assert_eq!(pass_with(&mut bench, 60, &[SECOND_AGENT]), [], "it dies again each time");
    }
    let mut bench = switched(Switchback::Never);
    assert_eq!(pass_with(&mut bench, 3600, both), []);
    assert_eq!(bench.gateway.counters().switch_backs, 0);
}

#[test]
fn who_was_given_another_call_agent_meanwhile_stays_with_it() {
    let mut bench = switched(Switchback::Graceful);
    let request = "X: 1\nN: ca@[127.0.0.3]:2727\n";
    for line in 1..=2 {
        // The same as they have: that is an order, too, but no other place.
        order(&mut bench, SECOND_AGENT, &format!("RQNT ID aaln/{line}@gw.town END"), request);
    }
    let said = pass_with(&mut bench, 60, &[AGENT, SECOND_AGENT]);
    assert!(said.contains(&told(AGENT, "restart")), "they are where they went: {said:?}");
    let mut bench = switched(Switchback::Graceful);
    pass_with(&mut bench, 30, &[SECOND_AGENT]);
    let request = "X: 1\nN: ca@[127.0.0.1]:2727\n";
    order(&mut bench, SECOND_AGENT, "RQNT ID aaln/1@gw.town END", request);
    let said = pass_with(&mut bench, 60, &[AGENT, SECOND_AGENT]);
    assert!(said.contains(&told(AGENT, "restart")), "{said:?}");
    assert_eq!(bench.gateway.counters().switch_backs, 1, "and the one that is back does not restart");
}
