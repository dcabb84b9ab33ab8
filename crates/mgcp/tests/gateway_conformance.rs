//! Stories that hold single statements of RFC 3435 sections 2 and 4 which no other story needs. The table
//! docs/conformance/mgcp.md says which.

mod gateway_support;

use std::collections::BTreeSet;

use gateway_support::{Bench, Plane, Text, config};
use strowger_mgcp::gateway::CallAgent;
use strowger_sansio::Duration;

const LINE: &str = "aaln/1";

#[test]
fn a_wildcard_stands_only_where_its_command_lets_it() {
    let mut bench = Bench::new();
    let id = bench.good("CRCX", LINE, "C: 1\nM: recvonly").get("I").unwrap();
    let connection = format!("C: 1\nI: {id}");
    for (verb, body, all, any) in [
        ("EPCF", "B: e:A", 200, 510),
        ("CRCX", "C: 2\nM: inactive", 510, 200),
        ("MDCX", connection.as_str(), 510, 510),
        ("DLCX", connection.as_str(), 510, 510),
        ("RQNT", "X: 1", 200, 510),
        ("AUEP", "", 200, 510),
        ("AUCX", &format!("I: {id}\nF: C"), 510, 510),
        // Of several connections: by their call, and of whole endpoints.
        ("DLCX", "C: 1", 250, 510),
        ("DLCX", "", 250, 510),
    ] {
        for (endpoint, code) in [("aaln/$", any), ("aaln/*", all)] {
            if code == 510 {
                bench.refused(code, verb, endpoint, body);
            } else {
                assert_eq!(bench.good(verb, endpoint, body).code(), code, "{verb} {endpoint}");
            }
        }
    }
}

#[test]
fn a_command_for_a_connection_names_its_call() {
    let mut bench = Bench::new();
    let id = bench.good("CRCX", LINE, "C: 1\nM: recvonly").get("I").unwrap();
    bench.refused(510, "MDCX", LINE, &format!("I: {id}\nM: inactive"));
    bench.refused(516, "MDCX", LINE, &format!("C: 2\nI: {id}\nM: inactive"));
    bench.good("MDCX", LINE, &format!("C: 1\nI: {id}\nM: inactive"));
}

#[test]
fn a_request_inside_another_command_has_an_identifier() {
    let mut bench = Bench::new();
    let id = bench.good("CRCX", LINE, "C: 1\nM: recvonly").get("I").unwrap();
    for list in ["R: L/hd(N)", "S: L/rg", "D: (xx)", "Q: loop", "T: L/hd"] {
        bench.refused(510, "CRCX", LINE, &format!("C: 1\nM: recvonly\n{list}"));
        for verb in ["MDCX", "DLCX"] {
            bench.refused(510, verb, LINE, &format!("C: 1\nI: {id}\n{list}"));
        }
    }
    bench.good("MDCX", LINE, &format!("C: 1\nI: {id}\nX: 7\nR: L/hd(N)"));
    assert_eq!(bench.view(0).request, "7");
}

#[test]
fn an_event_of_another_package_is_named_with_it() {
    let mut bench = Bench::new();
    bench.refused(522, "RQNT", LINE, "X: 1\nR: ft(N)");
    bench.refused(522, "RQNT", LINE, "X: 1\nS: cf");
    bench.good("RQNT", LINE, "X: 1\nR: G/ft(N), hd(N)");
}

#[test]
fn bearer_information_that_is_not_given_stays_as_it_is() {
    let mut bench = Bench::new();
    bench.good("EPCF", LINE, "B: e:A");
    bench.good("EPCF", LINE, "X-Own: 1");
    bench.good("RQNT", LINE, "X: 1\nR: L/hd(N)");
    assert_eq!(bench.good("AUEP", LINE, "F: B").get("B").unwrap(), "e:A");
}

#[test]
fn connection_identifiers_of_an_endpoint_do_not_come_back() {
    let mut bench = Bench::new();
    let mut given = BTreeSet::new();
    for round in 0..300 {
        let id = bench.good("CRCX", LINE, "C: 1\nM: inactive").get("I").unwrap();
        bench.good("DLCX", LINE, &format!("C: 1\nI: {id}"));
        assert!(given.insert(id), "the identifier of round {round} was there before");
    }
}

#[test]
fn echo_is_cancelled_from_the_start_where_it_can_be() {
    let mut bench = Bench::new();
    bench.plane.able.echo_cancellation = true;
    let cancels = |bench: &Bench, place: usize| {
        bench.plane.open[&bench.view(0).connections[place].handle].1.echo_cancellation
    };
    let id = bench.good("CRCX", LINE, "C: 1\nM: recvonly").get("I").unwrap();
    assert!(cancels(&bench, 0));
    bench.good("MDCX", LINE, &format!("C: 1\nI: {id}\nL: e:off"));
    assert!(!cancels(&bench, 0));
    bench.good("CRCX", LINE, "C: 1\nM: recvonly");
    assert!(!cancels(&bench, 1), "beside another connection, what holds for that one");
}

#[test]
fn each_endpoint_has_a_notified_entity_of_its_own() {
    let mut town = config();
    town.call_agents[0].name = Some("ca1@exchange.town".to_owned());
    town.call_agents.push(CallAgent::at("127.0.0.2:2727".parse().unwrap()).named("ca2@exchange.town"));
    let mut bench = Bench::switched_on(town);
    bench.come_up();
    bench.good("RQNT", LINE, "N: ca2@exchange.town\nX: 1");
    let entity = |bench: &mut Bench, endpoint| bench.good("AUEP", endpoint, "F: N").get("N").unwrap();
    assert_eq!(entity(&mut bench, LINE), "ca2@exchange.town");
    for endpoint in ["aaln/2", "relay/1", "relay/2"] {
        assert_eq!(entity(&mut bench, endpoint), "ca1@exchange.town");
    }
}

#[test]
fn every_answer_has_each_parameter_once() {
    let mut bench = Bench::new();
    let first = bench.good("CRCX", LINE, "C: 1\nM: recvonly");
    bench.good("CRCX", LINE, "C: 1\nM: recvonly");
    let id = first.get("I").unwrap();
    let answers = [
        first,
        bench.good("AUEP", LINE, "F: R,D,S,X,N,I,T,O,ES,B,E,Q,RM,RD,PL,MD,A,B/PR,B/NS,X,R,I,B/NS"),
        bench.good("AUCX", LINE, &format!("I: {id}\nF: C,N,L,M,P,C,M")),
        bench.refused(518, "RQNT", LINE, "X: 1\nR: foo/bar"),
        bench.good("DLCX", LINE, &format!("C: 1\nI: {id}")),
    ];
    for answer in &answers {
        let header = answer.0.split("\r\n\r\n").next().unwrap();
        let codes = header.lines().skip(1).filter_map(|line| line.split(':').next());
        // Capabilities may be repeated: one line for each set.
        let codes: Vec<_> = codes.filter(|code| *code != "A").collect();
        let distinct: BTreeSet<_> = codes.iter().collect();
        assert_eq!(codes.len(), distinct.len(), "{header}");
    }
}

/// Lets time pass until the gateway announces itself.
fn announced(bench: &mut Bench) -> Text {
    loop {
        let due = bench.gateway.poll_timeout().expect("a procedure");
        bench.pass(due - bench.now);
        if let Some(rsip) = bench.take("RSIP").pop() {
            return rsip;
        }
    }
}

/// A hundred gateways that differ by their random numbers alone.
fn a_hundred() -> impl Iterator<Item = Bench> {
    (0..100).map(|seed| Bench::drawn_from(seed, config(), Plane::default()))
}

#[test]
fn gateways_that_start_together_do_not_announce_themselves_together() {
    let wait = |mut bench: Bench| {
        let start = bench.now;
        announced(&mut bench);
        bench.now - start
    };
    let waits: BTreeSet<_> = a_hundred().map(wait).collect();
    assert!(waits.len() > 95, "{} of 100 differ", waits.len());
    let (first, last) = (waits.first().unwrap().as_secs(), waits.last().unwrap().as_secs());
    assert!(first < 60 && (541..=600).contains(&last), "from {first} to {last} s of ten minutes");
}

#[test]
fn disconnected_endpoints_do_not_come_back_in_step() {
    let wait = |mut bench: Bench| {
        let restart = announced(&mut bench);
        bench.answer(200, &restart);
        bench.good("RQNT", LINE, "X: 1\nR: L/hd(N)");
        bench.off_hook(0);
        while bench.view(0).associated {
            bench.pass(Duration::from_millis(10));
        }
        let start = bench.now;
        assert_eq!(announced(&mut bench).get("RM").unwrap(), "disconnected");
        bench.now - start
    };
    let waits: BTreeSet<_> = a_hundred().map(wait).collect();
    assert!(waits.len() > 90, "{} of 100 differ", waits.len());
    assert!(waits.iter().all(|wait| wait.as_secs() <= 15), "Tdinit: {waits:?}");
}

#[test]
fn an_agent_that_a_refusal_names_is_the_one_to_be_tried_next() {
    let mut town = config();
    let second = "127.0.0.2:2727";
    town.call_agents.push(CallAgent::at(second.parse().unwrap()).named("ca2@exchange.town"));
    let mut bench = Bench::switched_on(town);
    let refused = announced(&mut bench);
    bench.sent.clear();
    bench.give(&format!("400 {} Not now\nN: ca2@exchange.town\n", refused.transaction()));
    bench.pass_secs(16);
    let (to, rsip) = bench.sent.first().expect("a new attempt").clone();
    assert_eq!((to.to_string().as_str(), rsip.verb()), (second, "RSIP"));
    assert_ne!(rsip.transaction(), refused.transaction(), "as a new transaction");
    bench.give_from(second, &format!("200 {} OK\n", rsip.transaction()));
    assert!(bench.gateway.endpoints().all(|endpoint| endpoint.associated));
}
