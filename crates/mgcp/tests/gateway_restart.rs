//! Stories of starting, stopping and losing the call agent: RFC 3435 sections 2.3.12, 4.3, 4.4.5, 4.4.6 and 4.4.7.

mod gateway_support;

use std::collections::BTreeSet;

use gateway_support::{AGENT, Bench, Plane, Text, config};
use strowger_mgcp::gateway::{
    CallAgent, EndpointIndex, GatewayEvent, Hook, InitialService, LossReason, MediaEvent, Shutdown,
};
use strowger_mgcp::message::ReasonCode;
use strowger_sansio::Duration;

const LINE: &str = "aaln/1";

fn switched_on() -> Bench {
    Bench::switched_on(config())
}

/// The only RSIP that was sent.
fn announced(bench: &mut Bench) -> Text {
    let mut all = bench.take("RSIP");
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// The first line alone.
fn line() -> BTreeSet<EndpointIndex> {
    BTreeSet::from([EndpointIndex(0)])
}

fn code(bench: &mut Bench, verb: &str, endpoint: &str, body: &str) -> u16 {
    bench.command(verb, endpoint, body).code()
}

#[test]
fn a_gateway_announces_itself_once_for_all_endpoints_within_the_maximum_waiting_delay() {
    let mut delays = Vec::new();
    for minutes in 1..=10 {
        let mut town = config();
        town.timers.protocol.mwd = Duration::from_secs(60 * minutes);
        let mut bench = Bench::switched_on(town);
        assert!(bench.sent.is_empty(), "nothing is sent at once");
        let wait = bench.gateway.poll_timeout().unwrap() - bench.now;
        assert!(wait <= Duration::from_secs(60 * minutes));
        delays.push(wait.as_secs() / minutes);
        bench.pass(wait);
        let rsip = announced(&mut bench);
        assert_eq!(rsip.endpoint(), "*@gw.town");
        assert_eq!(rsip.get("RM").unwrap(), "restart");
        assert_eq!(rsip.get("RD"), None);
    }
    assert!(delays.iter().any(|delay| *delay > 0), "the delay is drawn: {delays:?}");
}

#[test]
fn endpoints_of_different_agents_and_states_are_announced_apart() {
    let mut town = config();
    let second = "127.0.0.2:2727";
    town.call_agents.push(CallAgent::at(second.parse().unwrap()));
    town.endpoints[2].call_agent = 1;
    town.endpoints[3].call_agent = 1;
    town.endpoints[1].service = InitialService::Out(LossReason::Facility);
    let mut bench = Bench::switched_on(town);
    bench.pass_secs(600);
    let mut sent: Vec<_> = bench
        .sent
        .drain(..)
        .map(|(to, rsip)| {
            (to.to_string(), rsip.endpoint().to_owned(), rsip.get("RM").unwrap(), rsip.get("E"))
        })
        .collect();
    sent.sort();
    sent.dedup();
    let expected = [
        (AGENT.to_owned(), "aaln/1@gw.town".to_owned(), "restart".to_owned(), None),
        (
            AGENT.to_owned(),
            "aaln/2@gw.town".to_owned(),
            "forced".to_owned(),
            Some("905 Facility failure".to_owned()),
        ),
        (second.to_owned(), "relay/*@gw.town".to_owned(), "restart".to_owned(), None),
    ];
    assert_eq!(sent, expected);
}

#[test]
fn a_command_that_comes_too_early_is_refused_behind_the_announcement() {
    let mut bench = switched_on();
    bench.give("RQNT 17 aaln/1@gw.town MGCP 1.0\nX: 1\nR: L/hd(N)\n");
    let verbs: Vec<_> = bench.sent.iter().map(|(_, text)| text.verb().to_owned()).collect();
    assert_eq!(verbs, ["RSIP", "405"]);
    let rsip = announced(&mut bench);
    // Audits are answered all the same.
    assert_eq!(bench.good("AUEP", LINE, "F: RM,RD").get("RM").unwrap(), "restart");
    assert_eq!(code(&mut bench, "DLCX", "*", ""), 405);
    bench.answer(200, &rsip);
    bench.good("RQNT", LINE, "X: 1\nR: L/hd(N)");
    // The refusal itself is remembered.
    bench.give("RQNT 17 aaln/1@gw.town MGCP 1.0\nX: 1\nR: L/hd(N)\n");
    assert_eq!(bench.sent.pop().unwrap().1.code(), 405);
    assert!(bench.take("RSIP").is_empty());
}

#[test]
fn a_subscriber_who_lifts_the_handset_ends_the_wait_and_is_reported_after_the_announcement() {
    let mut town = config();
    town.endpoints[0].persistent_events = Some("L/hd(N)".to_owned());
    let mut bench = Bench::switched_on(town);
    bench.off_hook(0);
    let rsip = announced(&mut bench);
    bench.silent();
    bench.answer(200, &rsip);
    assert_eq!(bench.notified().get("O").unwrap(), "L/hd");
}

#[test]
fn a_handset_that_is_off_the_hook_at_the_start_is_an_event() {
    let mut town = config();
    town.endpoints[0].persistent_events = Some("L/hd(N), L/hu(N)".to_owned());
    let mut plane = Plane::default();
    plane.hooks.insert(EndpointIndex(0), Hook::Off);
    plane.hooks.insert(EndpointIndex(1), Hook::Off);
    let mut bench = Bench::with_plane(town, plane);
    bench.come_up();
    let ntfy = bench.notified();
    assert_eq!((ntfy.endpoint(), ntfy.get("X").unwrap().as_str()), ("aaln/1@gw.town", "0"));
    assert_eq!(ntfy.get("O").unwrap(), "L/hd");
}

#[test]
fn a_refusal_for_the_moment_is_tried_again_and_one_for_good_waits_for_a_command() {
    let mut bench = switched_on();
    bench.pass_secs(600);
    let first = announced(&mut bench);
    bench.answer(400, &first);
    bench.pass_secs(15);
    let second = announced(&mut bench);
    assert_ne!(first.transaction(), second.transaction());
    bench.answer(500, &second);
    bench.pass_secs(3600);
    assert!(bench.take("RSIP").is_empty());
    let refused = GatewayEvent::RestartRefused { code: strowger_mgcp::message::ReturnCode::UNKNOWN_ENDPOINT };
    assert!(std::iter::from_fn(|| bench.gateway.poll_event()).any(|event| event == refused));
    assert_eq!(code(&mut bench, "RQNT", LINE, "X: 1"), 405);
    let third = announced(&mut bench);
    bench.answer(200, &third);
    assert_eq!(code(&mut bench, "RQNT", LINE, "X: 1"), 200);
}

#[test]
fn a_redirection_leads_to_the_other_agent() {
    let mut town = config();
    let second = "127.0.0.2:2727";
    town.call_agents.push(CallAgent::at(second.parse().unwrap()).named("ca2@exchange.town"));
    let mut bench = Bench::switched_on(town);
    bench.pass_secs(600);
    let first = announced(&mut bench);
    bench.sent.clear();
    bench.give(&format!("521 {} Redirect\nN: ca2@exchange.town\n", first.transaction()));
    let (to, rsip) = bench.sent.remove(0);
    assert_eq!((to.to_string().as_str(), rsip.get("RM").unwrap().as_str()), (second, "restart"));
    bench.give_from(second, &format!("200 {} OK\n", rsip.transaction()));
    assert_eq!(bench.good("AUEP", LINE, "F: N").get("N").unwrap(), "ca2@exchange.town");
    assert!(bench.gateway.endpoints().all(|endpoint| endpoint.associated));
}

#[test]
fn agents_that_redirect_to_each_other_do_not_make_a_storm() {
    let mut bench = switched_on();
    bench.pass_secs(600);
    let mut rounds = 0;
    while let Some(rsip) = bench.take("RSIP").pop() {
        rounds += 1;
        assert!(rounds < 20);
        bench.give(&format!("521 {} Redirect\nN: [127.0.0.1]:2727\n", rsip.transaction()));
    }
    assert_eq!(rounds, 6);
}

#[test]
fn an_answer_counts_whatever_it_carries_that_it_may_not() {
    let mut bench = switched_on();
    bench.pass_secs(600);
    let rsip = announced(&mut bench);
    bench.give(&format!("200 {} OK\nC: no digits\nM: \nRM: explode\n", rsip.transaction()));
    assert!(bench.gateway.endpoints().all(|endpoint| endpoint.associated));
}

#[test]
fn a_redirection_to_nobody_is_a_refusal() {
    let mut bench = switched_on();
    bench.pass_secs(600);
    let rsip = announced(&mut bench);
    bench.answer(521, &rsip);
    bench.pass_secs(3600);
    assert!(bench.take("RSIP").is_empty());
}

#[test]
fn a_success_can_name_the_agent_to_be_notified() {
    let mut bench = switched_on();
    bench.pass_secs(600);
    let rsip = announced(&mut bench);
    bench.give(&format!("200 {} OK\nN: ca9@exchange.town\n", rsip.transaction()));
    assert_eq!(bench.good("AUEP", LINE, "F: N").get("N").unwrap(), "ca9@exchange.town");
}

#[test]
fn an_agent_that_does_not_answer_is_told_of_the_restart_until_it_does() {
    let mut bench = switched_on();
    bench.pass_secs(600);
    let first = announced(&mut bench);
    bench.pass_secs(1200);
    let later = bench.take("RSIP");
    assert!(later.len() >= 3, "{later:?}");
    assert!(later.iter().all(|rsip| rsip.get("RM").unwrap() == "restart"));
    assert!(later.iter().all(|rsip| rsip.transaction() != first.transaction()));
    bench.answer(200, later.last().unwrap());
    assert!(bench.gateway.endpoints().all(|endpoint| endpoint.associated));
}

/// A line whose notification was never answered.
fn disconnected() -> (Bench, Text) {
    let mut bench = Bench::new();
    bench.good("RQNT", LINE, "X: 1\nR: L/hd(N)");
    bench.off_hook(0);
    let lost = bench.notified();
    bench.pass(Duration::from_millis(59_900));
    assert!(bench.view(0).associated);
    bench.take("NTFY");
    bench.pass(Duration::from_millis(200));
    assert!(!bench.view(0).associated);
    assert!(bench.view(1).associated, "only who tried to say something knows");
    assert_eq!(bench.gateway.poll_event(), Some(GatewayEvent::Disconnected { endpoint: EndpointIndex(0) }));
    (bench, lost)
}

#[test]
fn an_unanswered_notification_makes_its_endpoint_disconnected() {
    let (mut bench, _) = disconnected();
    assert_eq!(bench.good("AUEP", "aaln/2", "F: RM").get("RM").unwrap(), "restart");
    bench.pass_secs(15);
    let rsip = announced(&mut bench);
    assert_eq!((rsip.endpoint(), rsip.get("RM").unwrap().as_str()), ("aaln/1@gw.town", "disconnected"));
    assert!(rsip.get("RD").unwrap().parse::<u32>().unwrap() <= 15);
    bench.answer(200, &rsip);
    // The notification is lost; the state that it left behind is over.
    assert_eq!(bench.good("AUEP", LINE, "F: B/NS,O,RM").get("B/NS").unwrap(), "ls");
    assert!(bench.view(0).associated);
}

#[test]
fn the_waits_of_a_disconnected_endpoint_double_up_to_a_limit() {
    let (mut bench, _) = disconnected();
    let mut times = Vec::new();
    let start = bench.now;
    while bench.now - start < Duration::from_secs(7200) {
        bench.pass_secs(1);
        times.extend(bench.take("RSIP").iter().map(|_| (bench.now - start).as_secs()));
    }
    let waits: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // Each round lasts until nobody has answered for 60 s.
    assert!(waits.windows(2).all(|pair| pair[1] + 2 >= (2 * (pair[0] - 60)).min(600) + 60), "{waits:?}");
    assert!(waits.iter().all(|wait| *wait <= 662), "{waits:?}");
    assert!(*waits.last().unwrap() >= 655, "{waits:?}");
}

#[test]
fn a_command_to_a_disconnected_endpoint_is_answered_behind_the_announcement() {
    let (mut bench, _) = disconnected();
    let command = "RQNT 31 aaln/1@gw.town MGCP 1.0\nX: 2\nR: L/hu(N)\n";
    bench.give(command);
    let sent: Vec<_> = bench.sent.drain(..).map(|(_, text)| text).collect();
    let verbs: Vec<_> = sent.iter().map(Text::verb).collect();
    // Once by itself, reliably; once before the answer, in the same datagram.
    assert_eq!(verbs, ["RSIP", "RSIP", "200"]);
    assert_eq!(sent[0], sent[1], "it is the same transaction");
    assert_eq!(sent[0].get("RM").unwrap(), "disconnected");
    bench.give(command);
    let again: Vec<_> = bench.sent.drain(..).map(|(_, text)| text.verb().to_owned()).collect();
    assert_eq!(again, ["RSIP", "200"]);
    // What happens meanwhile waits for the agent to know.
    bench.on_hook(0);
    bench.silent();
    bench.answer(200, &sent[0]);
    let ntfy = bench.notified();
    assert_eq!((ntfy.get("X").unwrap(), ntfy.get("O").unwrap()), ("2".into(), "L/hu".into()));
}

#[test]
fn an_answer_for_several_disconnected_endpoints_announces_each_of_them() {
    let mut bench = Bench::new();
    bench.good("RQNT", "aaln/*", "X: 1\nR: L/hd(N)");
    bench.off_hook(0);
    bench.off_hook(1);
    bench.pass_secs(61);
    bench.sent.clear();
    bench.give("RQNT 31 aaln/*@gw.town MGCP 1.0\nX: 2\nR: L/hu(N)\n");
    let sent: Vec<_> = bench.sent.drain(..).map(|(_, text)| text).collect();
    let said: Vec<_> = sent.iter().map(|text| (text.verb(), text.endpoint())).collect();
    let (one, two) = (("RSIP", "aaln/1@gw.town"), ("RSIP", "aaln/2@gw.town"));
    assert_eq!(said.get(..5).unwrap(), [one, two, one, two, ("200", "OK\r\n")]);
}

#[test]
fn an_audit_of_a_disconnected_endpoint_is_answered_alone() {
    let (mut bench, _) = disconnected();
    let audit = bench.good("AUEP", LINE, "F: RM,RD,X");
    assert_eq!(audit.get("RM").unwrap(), "disconnected");
    assert_eq!(audit.get("RD").unwrap(), "0");
    // It is a command all the same: the procedure need not wait any longer.
    assert_eq!(announced(&mut bench).get("RM").unwrap(), "disconnected");
}

#[test]
fn local_activity_hurries_a_disconnected_endpoint_but_not_too_often() {
    let mut town = config();
    town.timers.protocol.tdinit = Duration::from_secs(900);
    town.timers.protocol.tdmax = Duration::from_secs(900);
    let mut bench = Bench::switched_on(town);
    bench.come_up();
    bench.good("RQNT", LINE, "X: 1\nR: L/hd(N)");
    bench.off_hook(0);
    bench.pass_secs(61);
    bench.sent.clear();
    bench.on_hook(0);
    assert!(bench.take("RSIP").is_empty(), "Tdmin has not passed");
    bench.pass_secs(15);
    bench.off_hook(0);
    assert_eq!(announced(&mut bench).get("RM").unwrap(), "disconnected");
}

#[test]
fn what_waited_too_long_for_its_agent_is_dropped() {
    let mut bench = Bench::new();
    bench.good(
        "RQNT",
        LINE,
        "X: 1\nQ: loop\nR: L/hd(N), L/hu(N)\n".replace("L/hd(N), L/hu(N)", "D/[0-9](N)").as_str(),
    );
    bench.dial(0, "1");
    bench.pass_secs(61);
    bench.take("NTFY");
    bench.good("RQNT", LINE, "X: 2\nQ: loop\nR: D/[0-9](N)");
    bench.dial(0, "2");
    bench.silent();
    bench.pass_secs(30);
    let rsip = bench.take("RSIP").pop().unwrap();
    bench.answer(200, &rsip);
    bench.silent();
    bench.dial(0, "3");
    assert_eq!(bench.notified().get("O").unwrap(), "D/3");
}

#[test]
fn a_forced_shutdown_ends_service_with_all_connections() {
    let mut bench = Bench::new();
    bench.good("CRCX", "relay/1", "C: 1\nM: recvonly");
    bench.good("RQNT", LINE, "X: 1\nR: L/hd(N)\nS: L/rg");
    bench.gateway.shut_down(bench.now, Shutdown::Forced, &mut bench.plane);
    bench.pass(Duration::ZERO);
    bench.give("AUEP 1 aaln/1@gw.town MGCP 1.0\nF: RM,E\n");
    let rsip = announced(&mut bench);
    assert_eq!((rsip.endpoint(), rsip.get("RM").unwrap().as_str()), ("*@gw.town", "forced"));
    assert!(rsip.get("E").unwrap().starts_with("901"));
    assert_eq!(rsip.get("RD"), None, "a delay must not be given");
    assert!(bench.plane.open.is_empty() && bench.plane.heard.is_empty());
    let audit = bench.good("AUEP", LINE, "F: RM,X,I,E");
    assert_eq!((audit.get("RM").unwrap().as_str(), audit.get("X").unwrap().as_str()), ("forced", "0"));
    bench.refused(501, "RQNT", LINE, "X: 2");
    bench.refused(410, "CRCX", "relay/$", "C: 1\nM: recvonly");
    bench.off_hook(0);
    bench.silent();
    assert_eq!(bench.gateway.outstanding(), 1);
    bench.answer(200, &rsip);
    assert_eq!(bench.gateway.outstanding(), 0);
}

#[test]
fn a_graceful_shutdown_leaves_calls_alone_until_its_time_has_come() {
    let mut bench = Bench::new();
    bench.good("CRCX", "relay/1", "C: 1\nM: recvonly");
    bench.gateway.shut_down(bench.now, Shutdown::Graceful(Some(Duration::from_secs(300))), &mut bench.plane);
    bench.pass(Duration::from_millis(1));
    bench.give("AUEP 1 aaln/1@gw.town MGCP 1.0\n");
    let graceful = announced(&mut bench);
    assert_eq!((graceful.get("RM").unwrap(), graceful.get("RD").unwrap()), ("graceful".into(), "300".into()));
    bench.answer(200, &graceful);
    bench.pass_secs(100);
    let audit = bench.good("AUEP", LINE, "F: RM,RD");
    assert_eq!((audit.get("RM").unwrap(), audit.get("RD").unwrap()), ("graceful".into(), "199".into()));
    bench.good("RQNT", LINE, "X: 1\nR: L/hd(N)");
    assert_eq!(bench.plane.open.len(), 1);
    bench.pass_secs(200);
    let forced = announced(&mut bench);
    assert_eq!((forced.endpoint(), forced.get("RM").unwrap().as_str()), ("*@gw.town", "forced"));
    assert!(bench.plane.open.is_empty());
}

#[test]
fn a_graceful_shutdown_can_be_called_off() {
    let mut bench = Bench::new();
    bench.gateway.shut_down(bench.now, Shutdown::Graceful(None), &mut bench.plane);
    bench.pass(Duration::ZERO);
    bench.gateway.cancel_shut_down(bench.now);
    bench.give("AUEP 1 aaln/1@gw.town MGCP 1.0\nF: RM\n");
    let sent: Vec<_> =
        bench.take("RSIP").iter().map(|rsip| (rsip.get("RM").unwrap(), rsip.get("RD"))).collect();
    assert_eq!(sent, [("graceful".to_owned(), Some("0".to_owned())), ("cancel-graceful".to_owned(), None)]);
    assert_eq!(bench.good("AUEP", LINE, "F: RM").get("RM").unwrap(), "restart");
    bench.pass_secs(3600);
    bench.good("RQNT", LINE, "X: 1");
}

#[test]
fn one_endpoint_leaves_service_and_comes_back_clean() {
    let mut bench = Bench::new();
    bench.good("RQNT", LINE, "X: 1\nR: L/hd(N)\nD: (2xxx)\nS: L/vmwi");
    bench.gateway.out_of_service(bench.now, &line(), ReasonCode::MALFUNCTIONING, &mut bench.plane);
    bench.give("AUEP 1 aaln/1@gw.town MGCP 1.0\n");
    let forced = announced(&mut bench);
    assert_eq!((forced.endpoint(), forced.get("RM").unwrap().as_str()), ("aaln/1@gw.town", "forced"));
    bench.answer(200, &forced);
    bench.refused(501, "RQNT", LINE, "X: 2");
    bench.refused(501, "RQNT", "aaln/*", "X: 2");
    assert!(bench.good("AUEP", LINE, "F: E").get("E").unwrap().starts_with("900"));
    bench.good("RQNT", "aaln/2", "X: 2");
    bench.gateway.into_service(bench.now, &line(), Duration::from_secs(60), &mut bench.plane);
    bench.give("AUEP 2 aaln/1@gw.town MGCP 1.0\n");
    let soon = announced(&mut bench);
    assert_eq!((soon.get("RM").unwrap(), soon.get("RD").unwrap()), ("restart".into(), "60".into()));
    bench.answer(200, &soon);
    bench.refused(501, "RQNT", LINE, "X: 3");
    assert_eq!(bench.good("AUEP", LINE, "F: RD").get("RD").unwrap(), "60");
    bench.pass_secs(60);
    let now = announced(&mut bench);
    assert_eq!((now.get("RM").unwrap().as_str(), now.get("RD")), ("restart", None));
    assert_eq!(code(&mut bench, "RQNT", LINE, "X: 3"), 405);
    bench.answer(200, &now);
    let audit = bench.good("AUEP", LINE, "F: X,R,D,S,E");
    for (code, value) in [("X", "0"), ("R", ""), ("D", ""), ("S", ""), ("E", "000 Normal")] {
        assert_eq!(audit.get(code).unwrap(), value, "{code}");
    }
}

#[test]
fn a_burst_of_events_while_the_agent_is_silent_is_bounded() {
    let mut town = config();
    town.limits.held_commands = 2;
    town.limits.outstanding_notifications = 2;
    let mut bench = Bench::switched_on(town);
    bench.come_up();
    for request in 1..=10 {
        bench.good("RQNT", LINE, &format!("X: {request}\nR: D/[0-9](N)"));
        bench.media(0, MediaEvent::Digit('5'));
    }
    let sent = bench.take("NTFY");
    let requests: Vec<_> = sent.iter().map(|ntfy| ntfy.get("X").unwrap()).collect();
    assert_eq!(requests, ["1", "2"]);
    for ntfy in &sent {
        bench.answer(200, ntfy);
    }
    assert_eq!(bench.notified().get("X").unwrap(), "3");
    assert_eq!(bench.gateway.counters().events_lost, 6);
}

#[test]
fn local_activity_does_not_hurry_a_restart_that_has_just_failed() {
    let mut bench = switched_on();
    bench.pass_secs(600);
    bench.take("RSIP");
    // The first attempt gets no answer for 60 s.
    while bench.gateway.outstanding() > 0 {
        bench.pass_secs(1);
    }
    bench.take("RSIP");
    bench.off_hook(0);
    assert!(bench.take("RSIP").is_empty(), "Tdmin has not passed");
    bench.pass_secs(15);
    assert_eq!(bench.take("RSIP").pop().unwrap().get("RM").unwrap(), "restart");
}

#[test]
fn a_disconnected_endpoint_calls_itself_as_its_agent_did_last() {
    let mut town = config();
    town.aliases = vec!["[127.0.0.9]".to_owned()];
    let mut bench = Bench::switched_on(town);
    bench.come_up();
    bench.give("RQNT 9001 aaln/1@[127.0.0.9] MGCP 1.0\nX: 1\nR: L/hd(N)\n");
    bench.off_hook(0);
    bench.pass_secs(61 + 15);
    let rsip = bench.take("RSIP").pop().unwrap();
    assert_eq!((rsip.endpoint(), rsip.get("RM").unwrap()), ("aaln/1@[127.0.0.9]", "disconnected".into()));
}

#[test]
fn no_answer_but_405_reaches_the_agent_before_the_announcement() {
    let mut bench = switched_on();
    // What is wrong with the command is found before the state of the endpoint is looked at.
    for (command, code) in [
        ("RQNT 21 aaln/1@gw.town MGCP 1.0\nX: 1\nM: sendrecv\n", "539"),
        ("EPCF 22 mg@gw.town MGCP 1.0\nRED/EL: *\nRED/NL: [127.0.0.1]:2727\n", "200"),
    ] {
        bench.give(command);
        let sent: Vec<_> = bench.sent.drain(..).map(|(_, text)| text).collect();
        let last = sent.len() - 1;
        assert_eq!((sent[last - 1].verb(), sent[last].verb()), ("RSIP", code), "{command}");
        assert_eq!(sent[last - 1].get("RM").unwrap(), "restart");
        // So does the repetition of the answer.
        bench.give(command);
        let again: Vec<_> = bench.sent.drain(..).map(|(_, text)| text.verb().to_owned()).collect();
        assert_eq!(again, ["RSIP", code]);
    }
}
