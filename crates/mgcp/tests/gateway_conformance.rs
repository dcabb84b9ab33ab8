//! Stories that hold single statements of RFC 3435 sections 2 and 4 which no other story needs. The table
//! docs/conformance/mgcp.md says which.

mod gateway_support;

use std::collections::BTreeSet;

use gateway_support::{Bench, Plane, Text, config, remote};
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

/// What a gateway says, without what it draws by chance and what was spelled by who asked.
fn spoken(bench: &mut Bench) -> Vec<String> {
    let said = bench.sent.drain(..).map(|(_, text)| text.0.to_ascii_lowercase());
    let lines = said.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>());
    lines.filter(|line| !line.starts_with("o=")).collect()
}

#[test]
fn commands_in_capitals_and_in_small_letters_do_the_same() {
    let story = |spell: fn(&str) -> String| {
        let mut bench = Bench::new();
        let mut said = Vec::new();
        let give = |bench: &mut Bench, text: &str| {
            // A session description is written as it is.
            let (head, body) = text
                .split_once("\n\n")
                .map_or((text, String::new()), |(head, body)| (head, format!("\n{body}")));
            bench.give(&format!("{}\n{body}", spell(head)));
            spoken(bench)
        };
        said.push(give(&mut bench, "EPCF 1 aaln/1@gw.town MGCP 1.0\nB: e:mu"));
        said.push(give(
            &mut bench,
            "RQNT 2 aaln/1@gw.town MGCP 1.0\nX: aB1\nN: ca@[127.0.0.1]\nR: L/hd(A,E(R(D/[0-9#T](D),L/hu(N)),S(L/dl),D((2xxx|2T))))\nQ: loop\nT: L/hf",
        ));
        bench.off_hook(0);
        bench.dial(0, "2001");
        assert!(!bench.sent.is_empty(), "{said:?}");
        let id = bench.sent[0].1.transaction().to_owned();
        said.push(spoken(&mut bench));
        bench.give(&format!("200 {id} OK\n"));
        let creation = format!(
            "CRCX 3 aaln/1@gw.town MGCP 1.0\nC: aB2\nL: a:PCMU;PCMA, p:20, e:off, s:off, nt:IN, x-own:1\nM: recvonly\n{}",
            remote(4000, "8")
        );
        said.push(give(&mut bench, &creation));
        let id = bench.view(0).connections[0].id.clone();
        said.push(give(&mut bench, &format!("MDCX 4 aaln/1@gw.town MGCP 1.0\nC: aB2\nI: {id}\nM: sendrecv")));
        said.push(give(&mut bench, &format!("AUCX 5 aaln/1@gw.town MGCP 1.0\nI: {id}\nF: C,N,L,M,P,LC,RC")));
        said.push(give(
            &mut bench,
            "AUEP 6 aaln/1@gw.town MGCP 1.0\nF: R,D,S,X,N,I,T,O,ES,B,E,Q,RM,RD,PL,MD,A,B/PR,B/NS",
        ));
        said.push(give(
            &mut bench,
            "RQNT 7 aaln/1@gw.town MGCP 1.0\nX: aB3\nR: L/hu(N),L/oc\nS: L/wt(to=3000)\nQ: step,discard\nK: 1-3",
        ));
        bench.pass_secs(4);
        said.push(spoken(&mut bench));
        let plane = format!("{:?} {:?}", bench.plane.open, bench.plane.heard);
        said.push(give(&mut bench, &format!("DLCX 8 aaln/1@gw.town MGCP 1.0\nC: aB2\nI: {id}")));
        said.push(give(&mut bench, "MDCX 9 aaln/1@gw.town MGCP 1.0\nC: aB2\nI: aB9\nM: inactive\nX+own: 1"));
        // Identifiers of connections are drawn, and are the same each time.
        (said, plane, id)
    };
    let (said, plane, id) = story(str::to_owned);
    let codes: Vec<_> =
        said.iter().map(|lines| lines.first().map_or("", |line| &line[..line.len().min(4)])).collect();
    let expected = ["200 ", "200 ", "ntfy", "200 ", "200 ", "200 ", "200 ", "200 ", "ntfy", "250 ", "511 "];
    assert_eq!(codes, expected, "{said:#?}");
    for spell in [str::to_ascii_uppercase, str::to_ascii_lowercase] {
        let again = story(spell);
        for (first, then) in said.iter().zip(&again.0) {
            assert_eq!(first, then);
        }
        assert_eq!((again.1, again.2), (plane.clone(), id.clone()));
    }
}

#[test]
fn a_command_of_four_thousand_octets_and_more_is_carried_out() {
    let mut bench = Bench::new();
    for octets in [4000, 16_000, 62_000] {
        let mut body = "X: 1\nR: L/hd(N)\n".to_owned();
        while body.len() < octets {
            body.push_str("X-Padding: 0123456789012345678901234567890123456789\n");
        }
        bench.good("RQNT", LINE, &body[..body.len() - 1]);
    }
    // And one that is long for its own sake: numbers of a dialling plan.
    let numbers: Vec<_> = (0..400).map(|number| format!("{:06}", 200_000 + number * 7)).collect();
    let map = format!("({})", numbers.join("|"));
    assert!(map.len() > 2048);
    let padding = "X-Padding: 0123456789\n".repeat(70);
    bench.good("RQNT", LINE, &format!("X: 2\nR: L/hd(N), D/[0-9](D)\nD: {map}\n{padding}X-End: 1"));
    assert!(map.len() + padding.len() > 4000);
    assert_eq!(bench.good("AUEP", LINE, "F: D").get("D").unwrap(), map);
}

#[test]
fn commands_to_several_call_agents_have_identifiers_of_their_own() {
    let mut town = config();
    let second = "127.0.0.2:2727";
    town.call_agents.push(CallAgent::at(second.parse().unwrap()).named("ca2@exchange.town"));
    let mut bench = Bench::switched_on(town);
    bench.come_up();
    bench.good("RQNT", "aaln/2", "N: ca2@exchange.town\nX: 1\nR: L/hd(N)\nQ: loop");
    bench.good("RQNT", LINE, "X: 1\nR: L/hd(N)\nQ: loop");
    let mut seen = BTreeSet::new();
    for round in 0..100 {
        for line in [0, 1] {
            if round % 2 == 0 { bench.off_hook(line) } else { bench.on_hook(line) }
        }
        for (to, ntfy) in bench.sent.drain(..).collect::<Vec<_>>() {
            assert_eq!(to.to_string() == second, ntfy.endpoint().starts_with("aaln/2"));
            assert!(seen.insert(ntfy.transaction().to_owned()), "{} is used twice", ntfy.transaction());
            bench.give_from(&to.to_string(), &format!("200 {} OK\n", ntfy.transaction()));
        }
        bench.pass_secs(1);
    }
    assert_eq!(seen.len(), 100);
}
