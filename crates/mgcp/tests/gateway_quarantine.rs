//! Stories of the notification state and what ends it: RFC 3435 sections 2.1.4, 4.4.1, 4.4.3 and 4.4.7.

mod gateway_support;

use gateway_support::{AGENT, Bench, config, remote};
use strowger_mgcp::dialect::Dialect;
use strowger_mgcp::gateway::{CallAgent, ConnectionHandle, EndpointIndex, LossReason, MediaEvent};
use strowger_sansio::Duration;

const LINE: &str = "aaln/1";
const SECOND: &str = "127.0.0.2:2727";

fn state(bench: &mut Bench) -> String {
    bench.good("AUEP", LINE, "F: B/NS").get("B/NS").expect("an answer")
}

/// A gateway whose call agent takes one message a datagram.
fn one_by_one() -> Bench {
    let mut town = config();
    town.dialect = Dialect { piggyback: false, ..Dialect::RFC3435 };
    let mut bench = Bench::switched_on(town);
    bench.come_up();
    bench
}

#[test]
fn an_agent_that_takes_no_piggybacking_answers_each_notification_before_the_next() {
    let mut bench = one_by_one();
    bench.good("RQNT", LINE, "X: 1\nR: D/[0-9](N)");
    bench.dial(0, "12");
    let first = bench.notified();
    // The new request is in force, and what it asks for is kept until the agent has heard of the first digit.
    bench.good("RQNT", LINE, "X: 2\nR: D/[0-9](N)");
    bench.dial(0, "3");
    bench.silent();
    assert_eq!(state(&mut bench), "ns");
    bench.answer(200, &first);
    let second = bench.notified();
    assert_eq!((second.get("X").unwrap(), second.get("O").unwrap()), ("2".into(), "D/2".into()));
    bench.answer(200, &second);
    assert_eq!(state(&mut bench), "ls", "step mode goes on as ever");
    bench.good("RQNT", LINE, "X: 3\nR: D/[0-9](N)");
    assert_eq!(bench.notified().get("O").unwrap(), "D/3");
}

#[test]
fn a_request_that_discards_does_so_for_an_agent_without_piggybacking_too() {
    let mut bench = one_by_one();
    bench.good("RQNT", LINE, "X: 1\nR: D/[0-9](N)");
    bench.dial(0, "12");
    let first = bench.notified();
    bench.good("RQNT", LINE, "X: 2\nQ: discard\nR: D/[0-9](N)");
    bench.answer(200, &first);
    bench.silent();
    assert_eq!(state(&mut bench), "o");
    bench.dial(0, "4");
    assert_eq!(bench.notified().get("O").unwrap(), "D/4");
}

#[test]
fn with_piggybacking_a_new_request_ends_the_notification_state_at_once() {
    let mut bench = Bench::new();
    bench.good("RQNT", LINE, "X: 1\nR: D/[0-9](N)");
    bench.dial(0, "1");
    let first = bench.notified();
    bench.good("RQNT", LINE, "X: 2\nR: D/[0-9](N)");
    assert_eq!(state(&mut bench), "o");
    bench.dial(0, "2");
    // Oldest first, in one datagram.
    let both: Vec<_> = bench.take_all("NTFY");
    assert_eq!(both[0], first);
    assert_eq!(both[1].get("O").unwrap(), "D/2");
}

#[test]
fn a_lost_notification_is_over_when_the_agent_is_back_though_another_command_is_kept() {
    let mut bench = Bench::new();
    let body = format!("C: 1\nM: sendrecv\n{}", remote(4000, "0"));
    bench.good("CRCX", LINE, &body);
    let handle: ConnectionHandle = *bench.plane.open.keys().next().unwrap();
    bench.good("RQNT", LINE, "X: 1\nQ: loop\nR: D/[0-9](N)");
    bench.dial(0, "1");
    bench.pass_secs(61);
    bench.take("NTFY");
    assert!(!bench.view(0).associated);
    // The loss of the connection has to wait: it is a command that outlives the lost notification.
    bench.gateway.handle_media_event(
        bench.now,
        EndpointIndex(0),
        MediaEvent::ConnectionLost(handle, LossReason::LowerLayer),
        &mut bench.plane,
    );
    bench.pass_secs(15);
    let rsip = bench.take("RSIP").pop().unwrap();
    bench.answer(200, &rsip);
    let deleted = bench.take("DLCX").pop().unwrap();
    assert_eq!(state(&mut bench), "o", "loop mode goes on");
    bench.dial(0, "2");
    assert_eq!(bench.notified().get("O").unwrap(), "D/2");
    bench.answer(250, &deleted);
}

#[test]
fn a_notification_that_could_not_be_kept_does_not_hold_the_endpoint_for_ever() {
    let mut town = config();
    town.limits.held_commands = 1;
    town.limits.outstanding_notifications = 1;
    let mut bench = Bench::switched_on(town);
    bench.come_up();
    for (request, digit) in [(1, "1"), (2, "2"), (3, "3")] {
        bench.good("RQNT", LINE, &format!("X: {request}\nQ: loop\nR: D/[0-9](N)"));
        bench.dial(0, digit);
    }
    // One is outstanding, one is kept, for the third there is no room.
    let first = bench.notified();
    bench.answer(200, &first);
    let second = bench.notified();
    bench.answer(200, &second);
    assert_eq!(state(&mut bench), "o");
    bench.dial(0, "4");
    assert_eq!(bench.notified().get("O").unwrap(), "D/4");
}

#[test]
fn the_events_detected_in_quarantine_include_the_persistent_ones() {
    let mut bench = Bench::new();
    bench.good("RQNT", LINE, "X: 1\nT: L/hf\nB/PR: L/hd(N), L/hf(A), D/dd(N)(dg=5)\nR: D/1");
    let audit = bench.good("AUEP", LINE, "F: T,R,B/PR");
    assert_eq!(audit.get("T").unwrap(), "L/hf,L/hd,D/dd(dg=5)");
    assert_eq!(audit.get("R").unwrap(), "D/1");
    bench.good("RQNT", LINE, "X: 2\nT: D/[0-9]\nB/PR: \nR: L/hd");
    assert_eq!(bench.good("AUEP", LINE, "F: T").get("T").unwrap(), "D/[0-9]");
}

#[test]
fn of_two_agents_on_one_host_the_port_tells_which_is_meant() {
    let mut town = config();
    let second = "127.0.0.1:2728";
    town.call_agents.push(CallAgent::at(second.parse().unwrap()));
    let mut bench = Bench::switched_on(town);
    bench.come_up();
    bench.good("RQNT", LINE, "N: ca@[127.0.0.1]:2728\nX: 1\nR: L/hd(N)");
    bench.off_hook(0);
    assert_eq!(bench.sent.remove(0).0.to_string(), second);
    bench.good("RQNT", "aaln/2", "N: ca@[127.0.0.1]\nX: 1\nR: L/hd(N)");
    bench.off_hook(1);
    assert_eq!(bench.sent.remove(0).0.to_string(), AGENT, "2727 when none is given");
}

#[test]
fn an_agent_that_takes_over_a_disconnected_endpoint_is_the_one_to_be_told() {
    let mut town = config();
    town.call_agents.push(CallAgent::at(SECOND.parse().unwrap()).named("ca2@exchange.town"));
    let mut bench = Bench::switched_on(town);
    bench.come_up();
    bench.good("RQNT", LINE, "X: 1\nR: L/hd(N)");
    bench.off_hook(0);
    bench.pass_secs(61 + 15);
    let old = bench.take("RSIP").pop().unwrap();
    bench.sent.clear();
    bench.give_from(SECOND, "RQNT 77 aaln/1@gw.town MGCP 1.0\nN: ca2@exchange.town\nX: 2\nR: L/hu(N)\n");
    let sent: Vec<_> =
        bench.sent.drain(..).map(|(to, text)| (to.to_string(), text.verb().to_owned(), text)).collect();
    let verbs: Vec<_> = sent.iter().map(|(to, verb, _)| (to.as_str(), verb.as_str())).collect();
    assert_eq!(verbs, [(SECOND, "RSIP"), (SECOND, "RSIP"), (SECOND, "200")]);
    assert_ne!(sent[0].2, old, "a new transaction");
    bench.give_from(SECOND, &format!("200 {} OK\n", sent[0].2.transaction()));
    assert!(bench.view(0).associated);
    bench.pass(Duration::from_secs(30));
    assert!(bench.take("RSIP").is_empty(), "nothing is left of the old announcement");
}
