//! Stories of audits, names and endpoint configuration: RFC 3435 sections 2.1.2, 2.3.2, 2.3.10, 2.3.11 and 2.1.4.

mod gateway_support;

use gateway_support::{AGENT, Bench, STRANGER, config, remote};
use strowger_mgcp::gateway::{CallAgent, GatewayConfig};

const LINE: &str = "aaln/1";

#[test]
fn an_audit_without_questions_only_says_that_the_endpoint_exists() {
    let mut bench = Bench::new();
    assert_eq!(bench.good("AUEP", "AALN/1", "").0, "200 5001 OK\r\n");
    bench.refused(500, "AUEP", "aaln/3", "");
    bench.refused(510, "AUEP", "aaln/$", "");
}

#[test]
fn a_wildcarded_audit_lists_the_endpoints_and_answers_no_questions() {
    let mut bench = Bench::new();
    let answer = bench.good("AUEP", "*", "F: X");
    assert_eq!(answer.all("Z"), ["aaln/1@gw.town", "aaln/2@gw.town", "relay/1@gw.town", "relay/2@gw.town"]);
    assert_eq!(answer.get("X"), None);
    assert_eq!(bench.good("AUEP", "relay/*", "").all("Z").len(), 2);
    let mut large = Bench::switched_on(GatewayConfig { endpoints: Vec::new(), ..config() }.with_lines(300));
    large.come_up();
    large.refused(533, "AUEP", "aaln/*", "");
}

#[test]
fn all_that_can_be_asked_about_an_endpoint_is_told_even_when_it_is_empty() {
    let mut bench = Bench::new();
    let audit = bench.good("AUEP", LINE, "F: R,D,S,X,N,I,T,O,ES,B,E,Q,RM,RD,PL,MD,A,B/PR,B/NS,foo/bar,X-any");
    let expected = [
        ("R", ""),
        ("D", ""),
        ("S", ""),
        ("X", "0"),
        ("N", "[127.0.0.1]:2727"),
        ("I", ""),
        ("T", ""),
        ("O", ""),
        ("ES", "L/hu"),
        ("B", ""),
        ("E", "000 Normal"),
        ("Q", "step,process"),
        ("RM", "restart"),
        ("RD", "0"),
        ("PL", "L:1,D:1,G:1,R:1,B:0,DM1:0,SST:0,SL:0,FM:0,FXR:0,VBD:0,GPMD:0,KY:0,BP:0,BA:0,RED:0,LCK:0"),
        ("MD", "65507"),
        ("B/PR", ""),
        ("B/NS", "o"),
    ];
    for (code, value) in expected {
        assert_eq!(audit.get(code).as_deref(), Some(value), "{code}");
    }
    let able = audit.get("A").unwrap();
    for part in ["a:PCMU;PCMA;telephone-event", "p:10-40", "e:off", "nt:IN", "v:L;D;G;R;B;DM1", "m:sendonly;"]
    {
        assert!(able.contains(part), "{part} in {able}");
    }
    assert!(!audit.0.contains("foo"));
}

#[test]
fn an_audit_shows_what_is_going_on() {
    let mut bench = Bench::new();
    bench.off_hook(0);
    let first = bench.good("CRCX", LINE, "C: 1\nM: recvonly").get("I").unwrap();
    let second = bench.good("CRCX", LINE, "C: 1\nM: recvonly").get("I").unwrap();
    let body = "N: ca@[127.0.0.1]:2727\nX: 7E\nQ: loop,discard\nR: D/[0-9](A), L/hu(N)\nT: L/hf\nD: (2xxx)\nS: L/dl, L/vmwi";
    bench.good("RQNT", LINE, body);
    bench.dial(0, "5");
    let audit = bench.good("AUEP", LINE, "F: R,D,S,X,N,I,T,O,ES,Q");
    assert_eq!(audit.get("R").unwrap(), "D/[0-9](A),L/hu(N)");
    assert_eq!(audit.get("D").unwrap(), "(2xxx)");
    assert_eq!(audit.get("S").unwrap(), "L/vmwi");
    assert_eq!(audit.get("X").unwrap(), "7E");
    assert_eq!(audit.get("N").unwrap(), "ca@[127.0.0.1]:2727");
    assert_eq!(audit.get("I").unwrap(), format!("{first}, {second}"));
    assert_eq!(audit.get("T").unwrap(), "L/hf");
    assert_eq!(audit.get("O").unwrap(), "D/5");
    assert_eq!(audit.get("ES").unwrap(), "L/hd");
    assert_eq!(audit.get("Q").unwrap(), "loop,discard");
}

#[test]
fn an_audit_changes_nothing() {
    let mut bench = Bench::new();
    bench.good("RQNT", LINE, "X: 1\nR: L/hd(N)");
    let before = bench.gateway.snapshot();
    bench.good("AUEP", LINE, "F: R,D,S,X,N,I,T,O,ES,B,E,Q,RM,RD,PL,MD,A,B/PR,B/NS");
    bench.good("AUEP", "*", "");
    assert_eq!(bench.gateway.snapshot(), before);
}

#[test]
fn a_connection_can_be_asked_about_itself() {
    let mut bench = Bench::new();
    let body = "C: A3C47F21456789F0\nL: p:10, a:PCMU;PCMA\nM: recvonly";
    let created = bench.good("CRCX", LINE, body);
    let id = created.get("I").unwrap();
    assert_eq!(bench.good("AUCX", LINE, &format!("I: {id}\nF:")).0.lines().count(), 1);
    let audit = bench.good("AUCX", LINE, &format!("I: {id}\nF: C,N,L,M,P,RC,LC"));
    assert_eq!(audit.get("C").unwrap(), "A3C47F21456789F0");
    assert_eq!(audit.get("N").unwrap(), "[127.0.0.1]:2727");
    assert_eq!(audit.get("L").unwrap(), "a:PCMU;PCMA, p:10");
    assert_eq!(audit.get("M").unwrap(), "recvonly");
    assert!(audit.get("P").unwrap().starts_with("PS=1245"));
    assert_eq!(audit.sdp(), [created.sdp()[0], "v=0"]);
    let description = remote(4000, "0");
    bench.good("MDCX", LINE, &format!("C: A3C47F21456789F0\nI: {id}\nM: sendrecv\n{description}"));
    let audit = bench.good("AUCX", LINE, &format!("I: {id}\nF: RC"));
    assert_eq!(audit.sdp(), [description.trim().replace('\n', "\r\n").as_str()]);
    bench.refused(515, "AUCX", LINE, "I: 1234\nF: C");
    bench.refused(510, "AUCX", "aaln/*", &format!("I: {id}\nF: C"));
}

#[test]
fn the_line_side_is_configured_alone_or_with_another_command() {
    let mut bench = Bench::new();
    bench.good("EPCF", "aaln/*", "B: e:A");
    assert_eq!(bench.good("AUEP", LINE, "F: B").get("B").unwrap(), "e:A");
    bench.refused(402, "RQNT", LINE, "X: 1\nB: e:mu\nR: L/hu(N)");
    bench.good("RQNT", LINE, "X: 1\nB: e:mu\nR: L/hd(N)");
    assert_eq!(bench.good("AUEP", LINE, "F: B").get("B").unwrap(), "e:mu");
    assert_eq!(bench.good("AUEP", "aaln/2", "F: B").get("B").unwrap(), "e:A");
    bench.refused(510, "EPCF", LINE, "");
}

#[test]
fn what_is_no_command_for_a_gateway_is_refused_as_unknown() {
    let mut bench = Bench::new();
    bench.refused(504, "NTFY", LINE, "X: 1\nO: L/hd");
    bench.refused(504, "RSIP", LINE, "RM: restart");
    bench.refused(504, "MESG", LINE, "");
    bench.refused(504, "XFOO", LINE, "");
    bench.refused(539, "RQNT", LINE, "X: 1\nM: sendrecv");
    bench.refused(511, "RQNT", LINE, "X: 1\nX+foo: 1");
    bench.good("RQNT", LINE, "X: 1\nX-foo: 1");
    bench.refused(518, "RQNT", LINE, "X: 1\nfoo/bar: 1");
    bench.refused(510, "RQNT", LINE, "R: L/hd(N)");
}

#[test]
fn an_endpoint_is_known_under_each_name_of_the_gateway_and_answers_under_the_one_used_last() {
    let mut town = config();
    town.aliases = vec!["[127.0.0.9]".to_owned()];
    let mut bench = Bench::switched_on(town);
    bench.come_up();
    bench.give("RQNT 9001 aaln/1@[127.0.0.9] MGCP 1.0\nX: 1\nR: L/hd(N)\n");
    bench.give("CRCX 9002 relay/$@GW.TOWN MGCP 1.0\nC: 1\nM: recvonly\n");
    bench.give("AUEP 9003 aaln/1@other.town MGCP 1.0\n");
    let codes: Vec<_> = bench.sent.drain(..).map(|(_, text)| text.code()).collect();
    assert_eq!(codes, [200, 200, 500]);
    bench.off_hook(0);
    assert_eq!(bench.notified().endpoint(), "aaln/1@[127.0.0.9]");
}

#[test]
fn commands_from_strangers_are_not_even_answered() {
    let mut bench = Bench::new();
    let before = bench.gateway.snapshot();
    bench.give_from(STRANGER, "CRCX 1 aaln/1@gw.town MGCP 1.0\nC: 1\nM: recvonly\n");
    bench.give_from(STRANGER, "nonsense\n");
    bench.give_from("127.0.0.1:9999", "AUEP 1 aaln/1@gw.town MGCP 1.0\n");
    assert!(bench.sent.is_empty());
    assert_eq!(bench.gateway.snapshot(), before);
    assert_eq!(bench.gateway.counters().unlisted_sources, 3);
}

#[test]
fn a_message_that_cannot_be_read_is_answered_when_its_identifier_can() {
    let mut bench = Bench::new();
    let before = bench.gateway.snapshot();
    bench.give("CRCX 4711 aaln/1@gw.town MGCP 1.0\nC: hello!\nM: recvonly\n");
    bench.give("CRCX -5 aaln/1@gw.town MGCP 1.0\n");
    bench.give("\0\0\0\n");
    let answers: Vec<_> =
        bench.sent.drain(..).map(|(_, text)| (text.code(), text.transaction().to_owned())).collect();
    assert_eq!(answers, [(510, "4711".to_owned())]);
    assert_eq!(bench.gateway.snapshot(), before);
    assert_eq!(bench.gateway.counters().malformed, 3);
}

#[test]
fn each_of_several_commands_in_a_datagram_is_carried_out_in_order() {
    let mut bench = Bench::new();
    bench.give(
        "CRCX 1 aaln/1@gw.town MGCP 1.0\nC: 1\nM: recvonly\n.\nAUEP 2 aaln/9@gw.town MGCP 1.0\n.\n\
         DLCX 3 aaln/1@gw.town MGCP 1.0\n",
    );
    let answers: Vec<_> =
        bench.sent.drain(..).map(|(_, text)| (text.transaction().to_owned(), text.code())).collect();
    assert_eq!(answers, [("1".to_owned(), 200), ("2".to_owned(), 500), ("3".to_owned(), 250)]);
}

#[test]
fn notifications_go_to_the_notified_entity_and_answers_to_who_asked() {
    let mut town = config();
    let second = "127.0.0.2:2727";
    town.call_agents[0].name = Some("ca1@exchange.town".to_owned());
    town.call_agents.push(CallAgent::at(second.parse().unwrap()).named("ca2@exchange.town"));
    let mut bench = Bench::switched_on(town);
    bench.come_up();
    assert_eq!(bench.good("AUEP", LINE, "F: N").get("N").unwrap(), "ca1@exchange.town");
    // Who asks is not who is notified, unless it says so.
    bench.give_from(second, "RQNT 1 aaln/1@gw.town MGCP 1.0\nX: 1\nR: L/hd(N)\n");
    assert_eq!(bench.sent.remove(0).0.to_string(), second);
    bench.off_hook(0);
    let (to, ntfy) = bench.sent.remove(0);
    assert_eq!(to.to_string(), AGENT);
    bench.answer(200, &ntfy);
    bench.good("RQNT", LINE, "N: ca2@exchange.town:2727\nX: 2\nR: L/hu(N)");
    bench.on_hook(0);
    let (to, ntfy) = bench.sent.remove(0);
    assert_eq!(
        (to.to_string().as_str(), ntfy.get("N").unwrap().as_str()),
        (second, "ca2@exchange.town:2727")
    );
    bench.give_from(second, &format!("200 {} OK\n", ntfy.transaction()));
    bench.good("RQNT", LINE, "N: \nX: 3\nR: L/hd(N)");
    bench.off_hook(0);
    assert_eq!(bench.sent.remove(0).0.to_string(), AGENT, "the source of the last command");
    bench.refused(539, "RQNT", LINE, "N: ca@[192.0.2.66]\nX: 4");
}

#[test]
fn what_is_outstanding_follows_the_notified_entity() {
    let mut town = config();
    let second = "127.0.0.2:2727";
    town.call_agents.push(CallAgent::at(second.parse().unwrap()).named("ca2@exchange.town"));
    let mut bench = Bench::switched_on(town);
    bench.come_up();
    bench.good("RQNT", LINE, "X: 1\nR: L/hd(N)");
    bench.off_hook(0);
    let ntfy = bench.notified();
    // The other agent takes over while the first one is silent.
    bench.give_from(second, "RQNT 77 aaln/1@gw.town MGCP 1.0\nN: ca2@exchange.town\nX: 2\nR: L/hu(N)\n");
    let sent: Vec<_> = bench.sent.drain(..).map(|(to, text)| (to.to_string(), text)).collect();
    assert!(sent.contains(&(second.to_owned(), ntfy.clone())), "{sent:?}");
    bench.answer(200, &ntfy);
    assert_eq!(bench.gateway.outstanding(), 1, "the first agent is not asked any more");
    bench.give_from(second, &format!("200 {} OK\n", ntfy.transaction()));
    assert_eq!(bench.gateway.outstanding(), 0);
}

#[test]
fn a_configuration_that_cannot_work_is_named() {
    use gateway_support::Plane;
    use strowger_mgcp::gateway::{ConfigError, EndpointSpec, Gateway};
    use strowger_sansio::{Rng, Time};
    let reject = |config: GatewayConfig| {
        Gateway::new(Time::ZERO, config, Rng::from_number(1), &mut Plane::default())
            .expect_err("a bad configuration")
    };
    assert_eq!(reject(GatewayConfig { call_agents: Vec::new(), ..config() }), ConfigError::NoCallAgent);
    let with = |spec: EndpointSpec| {
        let mut town = config();
        town.endpoints.push(spec);
        town
    };
    assert_eq!(reject(with(EndpointSpec::line("aaln/*"))), ConfigError::Name("aaln/*".to_owned()));
    assert_eq!(reject(with(EndpointSpec::line("AALN/1"))), ConfigError::Repeated("AALN/1".to_owned()));
    let map = EndpointSpec { digit_map: Some("(2xx".to_owned()), ..EndpointSpec::line("a/1") };
    assert_eq!(reject(with(map)), ConfigError::DigitMap("a/1".to_owned()));
    let events = EndpointSpec { persistent_events: Some("L/dl(N)".to_owned()), ..EndpointSpec::line("a/1") };
    assert_eq!(reject(with(events)), ConfigError::PersistentEvents("a/1".to_owned()));
    let agent = EndpointSpec { call_agent: 1, ..EndpointSpec::line("a/1") };
    assert_eq!(reject(with(agent)), ConfigError::CallAgent("a/1".to_owned()));
}
