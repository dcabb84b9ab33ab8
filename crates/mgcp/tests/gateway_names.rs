//! Stories of a call agent that is known by a host name (RFC 3435 sections 2.1.4 and 4.3).

mod gateway_support;

use std::net::SocketAddr;

use gateway_support::{AGENT, Bench, Text, config};
use strowger_mgcp::gateway::{GatewayConfig, GatewayEvent};

const NAME: &str = "ca.exchange.town:2727";
const NEW: &str = "127.0.0.77:2727";

fn named() -> GatewayConfig {
    let mut town = config();
    let agent = town.call_agents.remove(0);
    town.call_agents.push(agent.resolved_by(NAME));
    town
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

/// The names that the gateway wants resolved.
fn questions(bench: &mut Bench) -> Vec<String> {
    std::iter::from_fn(|| bench.gateway.poll_event())
        .filter_map(|event| match event {
            GatewayEvent::Resolve { agent: 0, name } => Some(name),
            _ => None,
        })
        .collect()
}

/// The call agent answers a first notification at once, so that the timer is short, and then none for twelve seconds.
fn unanswered(bench: &mut Bench) -> Vec<String> {
    bench.good("RQNT", "aaln/2", "X: 5\nR: L/hd(N)");
    bench.off_hook(1);
    let first = bench.notified();
    bench.answer(200, &first);
    bench.good("RQNT", "aaln/1", "X: 7\nR: L/hd(N)");
    bench.off_hook(0);
    bench.pass_secs(12);
    questions(bench)
}

#[test]
fn a_call_agent_that_moved_is_found_by_its_name() {
    let mut bench = Bench::switched_on(named());
    bench.come_up();
    assert_eq!(unanswered(&mut bench), [NAME]);
    let before: Vec<Text> = bench.take("NTFY");
    assert_eq!(before.len(), 1);
    bench.gateway.handle_resolved(bench.now, 0, &[address(NEW)]);
    bench.pass_secs(5);
    assert!(bench.sent.iter().any(|(to, text)| text.verb() == "NTFY" && *to == address(NEW)));
    bench.give_from(NEW, &format!("200 {} OK\n", before[0].transaction()));
    // It is the same call agent: it commands from there, and gets the next notification there.
    bench.sent.clear();
    bench.give_from(NEW, "RQNT 901 aaln/1@gw.town MGCP 1.0\nX: 8\nR: L/hu(N)\n");
    assert!(bench.sent.iter().any(|(to, text)| text.code() == 200 && *to == address(NEW)));
    bench.sent.clear();
    bench.on_hook(0);
    assert!(bench.sent.iter().all(|(to, _)| *to == address(NEW)));
    assert!(bench.view(0).associated);
}

#[test]
fn a_stranger_is_not_made_a_call_agent_by_its_address_before_the_name_says_so() {
    let mut bench = Bench::switched_on(named());
    bench.come_up();
    bench.give_from(NEW, "AUEP 900 aaln/1@gw.town MGCP 1.0\n");
    assert!(bench.sent.is_empty());
    bench.gateway.handle_resolved(bench.now, 0, &[address(NEW), address(AGENT)]);
    bench.give_from(NEW, "AUEP 900 aaln/1@gw.town MGCP 1.0\n");
    assert_eq!(bench.sent.len(), 1);
}

#[test]
fn a_name_in_a_message_is_never_resolved() {
    let mut bench = Bench::switched_on(config());
    bench.come_up();
    bench.good("RQNT", "aaln/1", "X: 6\nN: ca@evil.example.net:2727");
    assert!(unanswered(&mut bench).is_empty());
    let to: Vec<_> =
        bench.sent.iter().filter(|(_, text)| text.verb() == "NTFY").map(|(to, _)| to.to_string()).collect();
    assert!(!to.is_empty() && to.iter().all(|to| to == AGENT), "{to:?}");
}

#[test]
fn an_unreachable_call_agent_is_tried_at_its_other_address_at_once() {
    let mut town = config();
    town.call_agents[0].others.push(address(NEW));
    let mut bench = Bench::switched_on(town);
    bench.come_up();
    bench.good("RQNT", "aaln/1", "X: 7\nR: L/hd(N)");
    bench.off_hook(0);
    bench.gateway.handle_unreachable(bench.now, address(AGENT));
    bench.pass_secs(1);
    assert!(bench.sent.iter().any(|(to, text)| text.verb() == "NTFY" && *to == address(NEW)));
    assert!(bench.view(0).associated, "a hint disconnects nobody");
}
