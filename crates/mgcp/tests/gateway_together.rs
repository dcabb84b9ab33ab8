//! Stories of disconnected endpoints that are announced by one wildcard: RFC 3435 section 4.4.7.

mod gateway_support;

use gateway_support::{AGENT, Bench, Text, config};
use strowger_mgcp::gateway::{CallAgent, GatewayConfig};
use strowger_sansio::Duration;

/// Two lines and two relays, with another call agent that lines may be given to.
fn town() -> GatewayConfig {
    let mut town = config();
    town.call_agents.push(CallAgent::at("127.0.0.2:2727".parse().expect("an address")));
    town.timers.protocol.tdinit = Duration::from_secs(200);
    town.timers.protocol.tdmax = Duration::from_secs(400);
    town
}

/// Both lines have lost their call agent, the second one 20 s after the first.
fn both_disconnected(town: GatewayConfig) -> Bench {
    let mut bench = Bench::switched_on(town);
    bench.come_up();
    bench.good("RQNT", "aaln/*", "X: 1\nR: L/hd(N)");
    bench.off_hook(0);
    bench.pass_secs(20);
    bench.off_hook(1);
    bench.pass_secs(61);
    assert!((0..2).all(|line| !bench.view(line).associated));
    bench.take_all("RSIP");
    bench
}

/// The next RSIP that is new, within some time.
fn next_rsip(bench: &mut Bench, seconds: u64) -> Option<Text> {
    for _ in 0..seconds {
        bench.pass_secs(1);
        if let Some(rsip) = bench.take("RSIP").into_iter().next() {
            return Some(rsip);
        }
    }
    None
}

#[test]
fn lines_that_are_all_disconnected_are_announced_by_one_name_with_the_longest_delay() {
    let mut bench = both_disconnected(town());
    let since = bench.now;
    let rsip = next_rsip(&mut bench, 400).unwrap();
    assert_eq!((rsip.endpoint(), rsip.get("RM").unwrap().as_str()), ("aaln/*@gw.town", "disconnected"));
    let waited = bench.now.since(since).as_secs();
    // The first was lost 81 s ago, less the time until its command was given up.
    let delay: u64 = rsip.get("RD").unwrap().parse().unwrap();
    assert!((waited + 20..=waited + 22).contains(&delay), "{delay} after {waited}");
    bench.answer(200, &rsip);
    assert!((0..2).all(|line| bench.view(line).associated));
    assert!(next_rsip(&mut bench, 900).is_none());
}

#[test]
fn an_audit_tells_how_long_each_line_itself_has_been_disconnected() {
    let mut bench = both_disconnected(town());
    next_rsip(&mut bench, 400).unwrap();
    let of = |bench: &mut Bench, line: &str| -> u64 {
        bench.good("AUEP", line, "F: RD").get("RD").unwrap().parse().unwrap()
    };
    let (first, second) = (of(&mut bench, "aaln/1"), of(&mut bench, "aaln/2"));
    assert!((19..=21).contains(&(first - second)), "{first} {second}");
}

#[test]
fn one_line_that_is_still_connected_keeps_the_others_from_being_named_together() {
    let mut bench = Bench::switched_on(town());
    bench.come_up();
    bench.good("RQNT", "aaln/1", "X: 1\nR: L/hd(N)");
    bench.off_hook(0);
    bench.pass_secs(61);
    let rsip = next_rsip(&mut bench, 400).unwrap();
    assert_eq!(rsip.endpoint(), "aaln/1@gw.town");
}

#[test]
fn lines_with_different_notified_entities_are_not_named_together() {
    let mut bench = both_disconnected(town());
    bench.give("RQNT 31 aaln/2@gw.town MGCP 1.0\nX: 2\nN: [127.0.0.2]:2727\n");
    for _ in 0..2 {
        let rsip = next_rsip(&mut bench, 400).unwrap();
        assert!(!rsip.endpoint().contains('*'), "{}", rsip.0);
    }
}

#[test]
fn a_line_that_gets_another_agent_ends_the_common_procedure_and_the_other_one_resumes_its_own() {
    let mut bench = both_disconnected(town());
    let rsip = next_rsip(&mut bench, 400).unwrap();
    assert_eq!(rsip.endpoint(), "aaln/*@gw.town");
    bench.give_from("127.0.0.2:2727", "RQNT 31 aaln/2@gw.town MGCP 1.0\nX: 2\nN: [127.0.0.2]:2727\n");
    let own = bench.take("RSIP");
    assert_eq!(own.iter().map(Text::endpoint).collect::<Vec<_>>(), ["aaln/2@gw.town"]);
    // A late answer to the common announcement is nobody's.
    bench.answer(200, &rsip);
    assert!(!bench.view(0).associated);
    bench.give_from("127.0.0.2:2727", &format!("200 {} OK\n", own[0].transaction()));
    assert!(bench.view(1).associated);
    let rsip = next_rsip(&mut bench, 900).unwrap();
    assert_eq!(rsip.endpoint(), "aaln/1@gw.town");
    bench.answer(200, &rsip);
    assert!(bench.view(0).associated);
}

#[test]
fn a_line_that_leaves_service_leaves_the_other_one_to_its_own_procedure() {
    let mut bench = both_disconnected(town());
    let rsip = next_rsip(&mut bench, 400).unwrap();
    assert_eq!(rsip.endpoint(), "aaln/*@gw.town");
    let second = bench.gateway.endpoints_named("aaln/2");
    let reason = strowger_mgcp::message::ReasonCode::OUT_OF_SERVICE;
    bench.gateway.out_of_service(bench.now, &second, reason, &mut bench.plane);
    let next = std::iter::from_fn(|| next_rsip(&mut bench, 900))
        .find(|rsip| rsip.get("RM").as_deref() == Some("disconnected"));
    assert_eq!(next.unwrap().endpoint(), "aaln/1@gw.town");
}

#[test]
fn an_agent_that_does_not_understand_the_wildcard_is_told_of_each_line() {
    let mut bench = both_disconnected(town());
    let rsip = next_rsip(&mut bench, 400).unwrap();
    bench.answer(500, &rsip);
    let mut names = Vec::new();
    while names.len() < 2 {
        let rsip = next_rsip(&mut bench, 900).unwrap();
        names.push(rsip.endpoint().to_owned());
        bench.answer(200, &rsip);
    }
    names.sort();
    assert_eq!(names, ["aaln/1@gw.town", "aaln/2@gw.town"]);
    assert!(AGENT.contains("2727") && (0..2).all(|line| bench.view(line).associated));
}

#[test]
fn a_command_to_one_line_is_answered_behind_the_announcement_of_all() {
    let mut bench = both_disconnected(town());
    let rsip = next_rsip(&mut bench, 400).unwrap();
    bench.sent.clear();
    bench.give("RQNT 31 aaln/2@gw.town MGCP 1.0\nX: 2\n");
    let sent: Vec<_> = bench.sent.drain(..).map(|(_, text)| text).collect();
    assert_eq!(sent.iter().map(Text::verb).collect::<Vec<_>>(), ["RSIP", "200"]);
    assert_eq!(sent[0].0.trim_end(), rsip.0.trim_end());
}
