//! Stories of what extends the protocol: range wildcards (RFC 3435 Appendix E.5), MESG (section B.3), redirect and reset (RFC 3991),
//! lockstep (RFC 3992).

mod gateway_support;

use std::collections::BTreeSet;

use gateway_support::{AGENT, Bench, Text, config};
use strowger_mgcp::gateway::{
    CallAgent, EndpointIndex, GatewayConfig, Hook, MessageFault, RangeWildcards, Shutdown,
};
use strowger_mgcp::message::ReasonCode;
use strowger_sansio::Duration;

const LINE: &str = "aaln/1";
const SECOND: &str = "127.0.0.2:2727";
const THIRD: &str = "127.0.0.3:2727";

/// Two lines and two relays that three call agents may command.
fn three_agents() -> GatewayConfig {
    let mut town = config();
    town.call_agents[0].name = Some("ca1@exchange.town".to_owned());
    for (address, name) in [(SECOND, "ca2@exchange.town"), (THIRD, "ca3@exchange.town")] {
        town.call_agents.push(CallAgent::at(address.parse().expect("an address")).named(name));
    }
    town
}

fn up(town: GatewayConfig) -> Bench {
    let mut bench = Bench::switched_on(town);
    bench.come_up();
    bench
}

/// Lines of a gateway whose call agent is provisioned for ranges.
fn ranged(lines: u32) -> GatewayConfig {
    let mut town = GatewayConfig { endpoints: Vec::new(), ..config() }.with_lines(lines).with_relays(2);
    town.call_agents[0].ranges = RangeWildcards::Supported;
    town
}

fn set(indices: impl IntoIterator<Item = u32>) -> BTreeSet<EndpointIndex> {
    indices.into_iter().map(EndpointIndex).collect()
}

/// A refusal with a code of a package, which stands behind the transaction.
fn refused_by(bench: &mut Bench, package: &str, code: u16, verb: &str, endpoint: &str, body: &str) {
    let answer = bench.refused(code, verb, endpoint, body);
    let first = answer.0.lines().next().expect("a first line");
    assert_eq!(first.split(' ').nth(2), Some(format!("/{package}").as_str()), "{first}");
}

#[test]
fn a_range_names_several_endpoints_and_all_or_none_of_them_obey() {
    let mut bench = up(ranged(12));
    bench.good("RQNT", "aaln/[1,3,10-12]", "X: 7\nR: L/hd(N)");
    let asked: Vec<_> = (0..12).filter(|index| bench.view(*index).request == "7").collect();
    assert_eq!(asked, [0, 2, 9, 10, 11]);
    bench.off_hook(2);
    bench.notified();
    bench.refused(401, "RQNT", "AALN/[1-3]", "X: 8\nR: L/hd(N)");
    bench.good("EPCF", "aaln/[2-3]", "B: e:A");
    assert_eq!(bench.good("AUEP", "aaln/[2-3]", "").all("Z"), ["aaln/2@gw.town", "aaln/3@gw.town"]);
    bench.good("CRCX", LINE, "C: 1\nM: recvonly");
    bench.good("DLCX", "aaln/[1-12]", "");
    assert_eq!(bench.gateway.connections(), 0);
}

#[test]
fn a_range_stands_where_all_of_can_stand_and_nowhere_else() {
    let mut bench = up(ranged(12));
    bench.refused(510, "CRCX", "aaln/[1-2]", "C: 1\nM: recvonly");
    bench.refused(510, "MDCX", "aaln/[1-2]", "C: 1\nI: 1\nM: recvonly");
    bench.refused(510, "AUCX", "aaln/[1-2]", "I: 1\nF: C");
    bench.refused(510, "DLCX", "aaln/[1-2]", "C: 1\nI: 1");
    bench.refused(500, "RQNT", "aaln/[13-20]", "X: 1");
    for unreadable in ["aaln/[2-1]", "aaln/[]", "aaln/[1-2", "aaln/[x]"] {
        bench.refused(500, "RQNT", unreadable, "X: 1");
    }
    let long = format!("aaln/[{}]", vec!["1"; 70].join(","));
    bench.refused(500, "RQNT", &long, "X: 1");
}

#[test]
fn an_agent_that_understands_ranges_is_told_of_endpoints_by_ranges() {
    let mut bench = up(ranged(12));
    let lines = set([0, 2, 3, 4]);
    bench.gateway.out_of_service(bench.now, &lines, ReasonCode::OUT_OF_SERVICE, &mut bench.plane);
    bench.good("AUEP", LINE, "");
    let forced = bench.take("RSIP");
    assert_eq!(forced.iter().map(Text::endpoint).collect::<Vec<_>>(), ["aaln/[1,3-5]@gw.town"]);
    bench.answer(200, &forced[0]);
    bench.gateway.into_service(bench.now, &lines, Duration::ZERO, &mut bench.plane);
    bench.good("AUEP", LINE, "");
    let restart = bench.take("RSIP").pop().unwrap();
    assert_eq!((restart.endpoint(), restart.get("RM").unwrap()), ("aaln/[1,3-5]@gw.town", "restart".into()));
    bench.answer(200, &restart);
    assert!(bench.gateway.endpoints().all(|endpoint| endpoint.associated));
}

#[test]
fn an_agent_that_does_not_know_a_range_is_told_of_single_endpoints_from_then_on() {
    let mut bench = up(ranged(4));
    let lines = set([0, 1]);
    bench.gateway.out_of_service(bench.now, &lines, ReasonCode::OUT_OF_SERVICE, &mut bench.plane);
    bench.gateway.into_service(bench.now, &lines, Duration::ZERO, &mut bench.plane);
    bench.good("AUEP", LINE, "");
    let sent = bench.take("RSIP");
    for rsip in &sent {
        bench.answer(500, rsip);
    }
    let again = bench.take("RSIP");
    let named: Vec<_> = again.iter().map(|rsip| (rsip.endpoint(), rsip.get("RM").unwrap())).collect();
    for endpoint in ["aaln/1@gw.town", "aaln/2@gw.town"] {
        for method in ["forced", "restart"] {
            assert!(named.contains(&(endpoint, method.to_owned())), "{endpoint} {method} in {named:?}");
        }
    }
    for rsip in &again {
        bench.answer(200, rsip);
    }
    assert!(bench.gateway.endpoints().all(|endpoint| endpoint.associated));
    bench.gateway.shut_down(bench.now, Shutdown::Graceful(None), &mut bench.plane);
    bench.gateway.stay_in_service(bench.now, &lines);
    bench.good("AUEP", LINE, "");
    let all = bench.take("RSIP");
    assert!(all.iter().all(|rsip| !rsip.endpoint().contains('[')), "{all:?}");
}

#[test]
fn a_group_of_endpoints_is_redirected_without_a_change_of_their_state() {
    let mut bench = up(three_agents());
    bench.good("RQNT", "aaln/*", "X: 1\nR: L/hd(N)\nS: L/vmwi");
    bench.give_from(SECOND, "EPCF 1 *@gw.town MGCP 1.0\nRED/N: ca2@exchange.town\n");
    assert_eq!(bench.sent.pop().unwrap().1.code(), 200);
    let audit = bench.good("AUEP", LINE, "F: N,X,R,S,RED/NL,RED/N,RED/R");
    assert_eq!(audit.get("N").unwrap(), "ca2@exchange.town");
    assert_eq!(audit.get("X").unwrap(), "1");
    assert_eq!(audit.get("RED/NL").unwrap(), "");
    assert_eq!(audit.get("RED/N"), None, "it is audited as N");
    bench.off_hook(0);
    assert_eq!(bench.sent.remove(0).0.to_string(), SECOND);
    // Only all endpoints or none.
    bench.gateway.out_of_service(bench.now, &set([3]), ReasonCode::MALFUNCTIONING, &mut bench.plane);
    bench.refused(501, "EPCF", "*", "RED/N: ca3@exchange.town");
    bench.refused(539, "EPCF", LINE, "RED/N: ca@[192.0.2.66]");
}

#[test]
fn a_list_of_agents_is_tried_in_its_order_within_the_time_of_a_command() {
    // An agent that has been quick so far: its silence is noticed early.
    let mut town = three_agents();
    town.timers.protocol.mwd = Duration::ZERO;
    let mut bench = Bench::switched_on(town);
    bench.pass(Duration::ZERO);
    let rsip = bench.take("RSIP").pop().unwrap();
    bench.answer(200, &rsip);
    bench.good("RQNT", LINE, "RED/NL: ca2@exchange.town, ca3@exchange.town\nX: 1\nR: L/hd(N)");
    assert_eq!(
        bench.good("AUEP", LINE, "F: RED/NL").get("RED/NL").unwrap(),
        "ca2@exchange.town, ca3@exchange.town"
    );
    bench.off_hook(0);
    bench.pass_secs(59);
    let mut order: Vec<_> = bench.sent.drain(..).map(|(to, _)| to.to_string()).collect();
    let last = order.len();
    order.dedup();
    assert_eq!(order, [AGENT, SECOND, THIRD], "each for a while");
    assert!(last > 6, "each several times: {last}");
}

#[test]
fn the_answer_of_a_later_agent_in_the_list_counts() {
    let mut bench = up(three_agents());
    bench.good("RQNT", LINE, "RED/NL: ca2@exchange.town\nX: 1\nR: L/hd(N)");
    bench.off_hook(0);
    let ntfy = bench.notified();
    while !bench.sent.iter().any(|(to, _)| to.to_string() == SECOND) {
        bench.pass(Duration::from_millis(100));
    }
    bench.give_from(SECOND, &format!("200 {} OK\n", ntfy.transaction()));
    assert_eq!(bench.gateway.outstanding(), 0);
    assert_eq!(bench.good("AUEP", LINE, "F: B/NS").get("B/NS").unwrap(), "ls");
    // Without N the list alone says who is notified; without both it is who commands.
    bench.good("RQNT", LINE, "N:\nX: 2\nR: L/hu(N)");
    bench.sent.clear();
    bench.on_hook(0);
    assert_eq!(bench.sent.remove(0).0.to_string(), SECOND);
    bench.good("RQNT", LINE, "RED/NL:\nX: 3\nR: L/hd(N)");
    bench.sent.clear();
    bench.off_hook(0);
    assert_eq!(bench.sent.remove(0).0.to_string(), AGENT);
}

#[test]
fn the_gateway_as_an_endpoint_reaches_listed_endpoints_in_any_state() {
    let mut bench = up(three_agents());
    bench.gateway.out_of_service(bench.now, &set([1]), ReasonCode::MALFUNCTIONING, &mut bench.plane);
    bench.good("EPCF", "MG", "RED/EL: *\nRED/N: ca2@exchange.town");
    for endpoint in ["aaln/1", "aaln/2", "relay/2"] {
        assert_eq!(bench.good("AUEP", endpoint, "F: N").get("N").unwrap(), "ca2@exchange.town");
    }
    bench.good(
        "EPCF",
        "mg",
        "RED/EL: aaln/[1-2],relay/1\nRED/MP: FTT\nRED/EL: relay/2\nRED/NL: ca3@exchange.town",
    );
    let lists: Vec<_> = ["aaln/1", "aaln/2", "relay/1", "relay/2"]
        .map(|endpoint| bench.good("AUEP", endpoint, "F: RED/NL").get("RED/NL").unwrap())
        .into_iter()
        .map(|list| !list.is_empty())
        .collect();
    assert_eq!(lists, [false, true, true, true]);
    // What was configured does not outlive the restart.
    bench.gateway.into_service(bench.now, &set([1]), Duration::ZERO, &mut bench.plane);
    let audit = bench.good("AUEP", "aaln/2", "F: N,RED/NL");
    assert_eq!(
        (audit.get("N").unwrap(), audit.get("RED/NL").unwrap()),
        ("ca1@exchange.town".into(), String::new())
    );
}

#[test]
fn marked_endpoints_are_reset_and_the_others_are_not() {
    let mut bench = up(three_agents());
    for endpoint in ["relay/1", "relay/2", "aaln/2"] {
        bench.good("CRCX", endpoint, "C: 1\nM: recvonly");
    }
    bench.good("RQNT", "aaln/*", "X: 5\nR: L/hd(N)\nD: (2xxx)\nS: L/vmwi\nB/PR: L/hf");
    bench.good("EPCF", "mg", "RED/EL: relay/[1-2]\nRED/MP: TF\nRED/EL: aaln/[1-2]\nRED/MP: FT\nRED/R: reset");
    let left: Vec<_> = bench.gateway.endpoints().map(|endpoint| endpoint.connections.len()).collect();
    assert_eq!(left, [0, 0, 0, 1]);
    assert_eq!(bench.plane.open.len(), 1);
    let audit = bench.good("AUEP", "aaln/2", "F: X,R,D,S,B/PR");
    for (code, value) in [("X", "0"), ("R", ""), ("D", ""), ("S", ""), ("B/PR", "")] {
        assert_eq!(audit.get(code).unwrap(), value, "{code}");
    }
    assert_eq!(bench.good("AUEP", "aaln/1", "F: X").get("X").unwrap(), "5");
    bench.good("CRCX", "relay/$", "C: 2\nM: recvonly");
    bench.good("EPCF", "relay/*", "RED/R: reset");
    assert_eq!(bench.gateway.connections(), 0);
    assert!(
        bench.take("RSIP").is_empty() && bench.take("DLCX").is_empty(),
        "the agent knows what it asked for"
    );
}

#[test]
fn a_reset_line_whose_handset_is_lifted_says_so() {
    let mut town = three_agents();
    town.endpoints[0].persistent_events = Some("L/hd(N)".to_owned());
    let mut bench = up(town);
    bench.off_hook(0);
    let before = bench.notified();
    bench.answer(200, &before);
    assert_eq!(bench.plane.hooks[&EndpointIndex(0)], Hook::Off);
    bench.good("EPCF", LINE, "RED/R: reset");
    let ntfy = bench.notified();
    assert_eq!((ntfy.get("X").unwrap(), ntfy.get("O").unwrap()), ("0".into(), "L/hd".into()));
}

#[test]
fn lists_and_maps_out_of_place_have_codes_of_their_own() {
    let mut bench = up(three_agents());
    refused_by(&mut bench, "RED", 800, "EPCF", "mg", "RED/EL: aaln/[1-2]\nRED/MP: TTT\nRED/R: reset");
    refused_by(&mut bench, "RED", 800, "EPCF", "mg", "RED/MP: T\nRED/R: reset");
    refused_by(&mut bench, "RED", 800, "EPCF", "mg", "RED/EL: aaln/1\nRED/R: reset\nRED/MP: T");
    refused_by(&mut bench, "RED", 801, "EPCF", LINE, "RED/EL: aaln/1\nRED/R: reset");
    refused_by(&mut bench, "RED", 801, "EPCF", "*", "RED/EL: *\nRED/R: reset");
    refused_by(&mut bench, "RED", 801, "EPCF", "mg", "RED/R: reset");
    refused_by(&mut bench, "RED", 801, "EPCF", "mg", "RED/EL: *\nRED/MP: TTTT\nRED/R: reset");
    refused_by(&mut bench, "RED", 801, "EPCF", "mg", "RED/EL: aaln/*, relay/[1-2]\nRED/R: reset");
    refused_by(&mut bench, "RED", 801, "EPCF", "mg", "RED/EL: aaln/$\nRED/R: reset");
    refused_by(&mut bench, "RED", 801, "EPCF", "mg", "RED/EL: aaln/1\nRED/MP: X\nRED/R: reset");
    refused_by(&mut bench, "RED", 801, "RQNT", LINE, "X: 1\nRED/R: reset");
    refused_by(&mut bench, "RED", 801, "CRCX", LINE, "C: 1\nM: recvonly\nRED/N: ca2@exchange.town");
    bench.refused(500, "EPCF", "mg", "RED/EL: aaln/[1-3]\nRED/R: reset");
    bench.refused(503, "EPCF", "mg", "RED/EL: [0-65535]/[0-65535]\nRED/R: reset");
    bench.refused(539, "EPCF", LINE, "RED/R: restart");
    bench.refused(539, "EPCF", LINE, "RED/R: reset\nRED/R: reset");
    bench.refused(539, "EPCF", LINE, "RED/X: 1");
    bench.refused(539, "AUEP", LINE, "LCK/LST: 1");
}

#[test]
fn an_answer_to_an_announcement_can_bring_a_list_of_agents() {
    let mut bench = Bench::switched_on(three_agents());
    bench.pass_secs(600);
    let rsip = bench.take("RSIP").pop().unwrap();
    bench.give(&format!("200 {} OK\nRED/NL: ca2@exchange.town\n", rsip.transaction()));
    assert_eq!(bench.good("AUEP", LINE, "F: RED/NL").get("RED/NL").unwrap(), "ca2@exchange.town");
    // The same of an announcement that nothing waits for.
    bench.gateway.leave_service(bench.now, &set([0]), None);
    bench.good("AUEP", LINE, "");
    let graceful = bench.take("RSIP").pop().unwrap();
    bench.give(&format!("200 {} OK\nN: ca3@exchange.town\n", graceful.transaction()));
    assert_eq!(bench.good("AUEP", LINE, "F: N").get("N").unwrap(), "ca3@exchange.town");
}

/// A line that waits for its next request.
fn in_lockstep(configuration: &str) -> Bench {
    let mut bench = Bench::new();
    if !configuration.is_empty() {
        bench.good("EPCF", LINE, configuration);
    }
    bench.good("RQNT", LINE, "X: 1\nR: L/hd(N)");
    bench.off_hook(0);
    let ntfy = bench.notified();
    bench.answer(200, &ntfy);
    bench
}

#[test]
fn an_endpoint_that_waits_for_a_request_too_long_says_so_once() {
    let mut bench = in_lockstep("LCK/LST: 90");
    bench.pass_secs(89);
    assert!(bench.take("RSIP").is_empty());
    bench.pass_secs(1);
    let rsip = bench.take("RSIP").pop().unwrap();
    assert_eq!((rsip.endpoint(), rsip.get("RM").unwrap()), ("aaln/1@gw.town", "LCK/lockstep".into()));
    assert_eq!(rsip.get("RD"), None);
    bench.answer(200, &rsip);
    let audit = bench.good("AUEP", LINE, "F: RM,LCK/LST,B/NS");
    assert_eq!(audit.get("RM").unwrap(), "restart", "it is no service state");
    assert_eq!((audit.get("LCK/LST").unwrap(), audit.get("B/NS").unwrap()), ("90".into(), "ls".into()));
    bench.pass_secs(3600);
    assert!(bench.take("RSIP").is_empty(), "once for each notification");
    // It can be armed again while the endpoint waits.
    bench.good("EPCF", LINE, "LCK/LST: 5");
    bench.pass_secs(5);
    let again = bench.take("RSIP").pop().unwrap();
    bench.answer(200, &again);
}

#[test]
fn a_request_in_time_or_a_time_of_zero_ends_the_watch() {
    let mut bench = in_lockstep("LCK/LST: 60");
    bench.pass_secs(59);
    bench.good("RQNT", LINE, "X: 2\nR: L/hu(N)");
    bench.pass_secs(600);
    assert!(bench.take("RSIP").is_empty());
    let mut bench = in_lockstep("LCK/LST: 60");
    bench.good("EPCF", LINE, "LCK/LST: 0");
    bench.pass_secs(600);
    assert!(bench.take("RSIP").is_empty());
    let mut bench = in_lockstep("");
    assert_eq!(bench.good("AUEP", LINE, "F: LCK/LST").get("LCK/LST").unwrap(), "0");
    bench.good("RQNT", LINE, "X: 2\nLCK/LST: 7");
    assert_eq!(bench.good("AUEP", LINE, "F: LCK/LST").get("LCK/LST").unwrap(), "7", "it can be encapsulated");
    for wrong in ["10000", "-1", "", "x", "00001"] {
        bench.refused(539, "EPCF", LINE, &format!("LCK/LST: {wrong}"));
    }
}

#[test]
fn a_report_of_lockstep_that_nobody_answers_disconnects_the_endpoint() {
    let mut bench = in_lockstep("LCK/LST: 60");
    bench.pass_secs(60 + 61);
    assert!(!bench.view(0).associated);
}

fn message(bench: &mut Bench, parameters: &[(&str, &str)]) -> Result<(), MessageFault> {
    bench.gateway.send_message(bench.now, EndpointIndex(0), parameters)?;
    bench.good("AUEP", LINE, "");
    Ok(())
}

#[test]
fn a_message_that_the_agent_does_not_know_is_not_sent_to_it_again() {
    let mut bench = up(three_agents());
    message(&mut bench, &[("X-Mood", "\"fine\"")]).unwrap();
    let mesg = bench.take("MESG").pop().unwrap();
    assert_eq!((mesg.endpoint(), mesg.get("X-Mood").unwrap()), ("aaln/1@gw.town", "\"fine\"".into()));
    bench.answer(200, &mesg);
    message(&mut bench, &[("X-Mood", "1"), ("X-Load", "2")]).unwrap();
    let mesg = bench.take("MESG").pop().unwrap();
    bench.answer(539, &mesg);
    assert_eq!(message(&mut bench, &[("x-load", "3")]), Err(MessageFault::NotSupported));
    message(&mut bench, &[]).unwrap();
    let mesg = bench.take("MESG").pop().unwrap();
    bench.answer(504, &mesg);
    assert_eq!(message(&mut bench, &[]), Err(MessageFault::NotSupported));
    bench.good("RQNT", LINE, "N: ca1@exchange.town\nX: 1");
    assert_eq!(message(&mut bench, &[]), Err(MessageFault::NotSupported), "it is the same agent");
    bench.good("RQNT", LINE, "N: ca2@exchange.town\nX: 2");
    message(&mut bench, &[("X-Load", "3")]).unwrap();
    assert_eq!(bench.sent.remove(0).0.to_string(), SECOND);
}

#[test]
fn a_message_without_an_answer_disturbs_nothing() {
    let mut bench = Bench::new();
    message(&mut bench, &[]).unwrap();
    bench.pass_secs(120);
    assert!(bench.view(0).associated);
    assert_eq!(bench.gateway.outstanding(), 0);
    for wrong in [("R", "L/hd"), ("X-Foo", "\u{1}"), ("no name", "1")] {
        assert_eq!(message(&mut bench, &[wrong]), Err(MessageFault::Parameter), "{wrong:?}");
    }
    assert_eq!(bench.gateway.send_message(bench.now, EndpointIndex(99), &[]), Err(MessageFault::Endpoint));
    bench.gateway.shut_down(bench.now, Shutdown::Forced, &mut bench.plane);
    assert_eq!(message(&mut bench, &[]), Err(MessageFault::Endpoint));
}

#[test]
fn an_announced_departure_follows_a_redirection_once() {
    let mut bench = up(three_agents());
    bench.gateway.out_of_service(bench.now, &set([0]), ReasonCode::OUT_OF_SERVICE, &mut bench.plane);
    bench.good("AUEP", "aaln/2", "");
    let forced = bench.take("RSIP").pop().unwrap();
    bench.give(&format!("521 {} Redirect\nN: ca2@exchange.town\n", forced.transaction()));
    let (to, again) = bench.sent.remove(0);
    assert_eq!((to.to_string().as_str(), again.get("RM").unwrap().as_str()), (SECOND, "forced"));
    bench.give_from(SECOND, &format!("521 {} Redirect\nN: ca1@exchange.town\n", again.transaction()));
    assert!(bench.sent.is_empty(), "agents that point at each other make no storm");
    assert_eq!(bench.gateway.outstanding(), 0);
}

#[test]
fn the_gateway_as_an_endpoint_says_which_packages_it_has() {
    let mut bench = up(three_agents());
    let audit = bench.good("AUEP", "MG", "F: PL,MD,X,N");
    assert_eq!(audit.get("PL").unwrap(), "B:0,RED:0,LCK:0,BA:0");
    assert_eq!(audit.get("MD").unwrap(), "65507");
    assert_eq!((audit.get("X"), audit.get("N")), (None, None), "it has no state of its own");
    bench.refused(500, "RQNT", "mg", "X: 1");
    // A gateway that has an endpoint of this name means that one.
    let mut town = three_agents();
    town.endpoints.push(strowger_mgcp::gateway::EndpointSpec::relay("mg"));
    let mut bench = up(town);
    assert_eq!(bench.good("AUEP", "mg", "F: X").get("X").unwrap(), "0");
}
