//! The table of service states, row by row, and what an operator does to them: RFC 3435 sections 2.3.12 and 4.4.5.

mod gateway_support;

use std::collections::BTreeSet;

use gateway_support::{Bench, Text, config};
use strowger_mgcp::gateway::{EndpointIndex, EndpointSpec, GatewayConfig};
use strowger_mgcp::message::ReasonCode;
use strowger_sansio::Duration;

const LINE: &str = "aaln/1";

fn line() -> BTreeSet<EndpointIndex> {
    BTreeSet::from([EndpointIndex(0)])
}

/// A line that has just sent an RSIP with this method and delay, and that RSIP.
fn after(method: &str, delay: u64) -> (Bench, Text) {
    let mut bench = Bench::new();
    let wait = Duration::from_secs(delay);
    let out = |bench: &mut Bench| {
        bench.gateway.out_of_service(bench.now, &line(), ReasonCode::OUT_OF_SERVICE, &mut bench.plane);
    };
    match method {
        "graceful" => {
            let when = Some(wait).filter(|wait| !wait.is_zero());
            bench.gateway.leave_service(bench.now, &line(), when);
        }
        "cancel-graceful" => {
            bench.gateway.leave_service(bench.now, &line(), None);
            bench.gateway.stay_in_service(bench.now, &line());
        }
        "forced" => out(&mut bench),
        "restart" => {
            out(&mut bench);
            bench.gateway.into_service(bench.now, &line(), wait, &mut bench.plane);
        }
        _ => {
            bench.good("RQNT", LINE, "X: 1\nR: D/1(N)");
            bench.dial(0, "1");
            bench.pass_secs(61 + 15);
        }
    }
    bench.good("AUEP", "aaln/2", "");
    let rsip = bench.take("RSIP").pop().expect("an announcement");
    assert_eq!(rsip.get("RM").expect("a method"), method);
    (bench, rsip)
}

#[test]
fn each_row_of_the_table_of_service_states_holds() {
    // Method, delay, whether it was answered; then the code of a command, and the method that an audit shows.
    let rows = [
        ("graceful", 0, false, 200, "graceful"),
        ("graceful", 0, true, 200, "graceful"),
        ("graceful", 300, false, 200, "graceful"),
        ("graceful", 300, true, 200, "graceful"),
        ("forced", 0, false, 501, "forced"),
        ("forced", 0, true, 501, "forced"),
        ("restart", 0, false, 405, "restart"),
        ("restart", 0, true, 200, "restart"),
        ("restart", 300, false, 501, "restart"),
        ("restart", 300, true, 501, "restart"),
        ("disconnected", 0, false, 200, "disconnected"),
        ("disconnected", 0, true, 200, "restart"),
        ("cancel-graceful", 0, false, 200, "restart"),
        ("cancel-graceful", 0, true, 200, "restart"),
    ];
    for (method, delay, answered, code, shown) in rows {
        let (mut bench, rsip) = after(method, delay);
        if answered {
            bench.answer(200, &rsip);
        }
        let row = format!("{method} {delay} {answered}");
        let audit = bench.good("AUEP", LINE, "F: RM,RD");
        assert_eq!(audit.get("RM").expect("a method"), shown, "{row}");
        if delay > 0 {
            assert_eq!(audit.get("RD").expect("a delay"), delay.to_string(), "{row}");
        }
        assert_eq!(bench.command("RQNT", LINE, "X: 2").code(), code, "{row}");
    }
}

#[test]
fn what_a_delay_announces_comes_true_with_an_update() {
    let (mut bench, rsip) = after("graceful", 300);
    assert_eq!(rsip.get("RD").expect("a delay"), "300");
    bench.answer(200, &rsip);
    bench.pass_secs(300);
    let update = bench.take("RSIP").pop().expect("an update");
    assert_eq!((update.get("RM").expect("a method").as_str(), update.get("RD")), ("forced", None));
    assert_eq!(bench.command("RQNT", LINE, "X: 2").code(), 501);

    let (mut bench, rsip) = after("restart", 300);
    bench.answer(200, &rsip);
    bench.pass_secs(120);
    assert_eq!(bench.good("AUEP", LINE, "F: RD").get("RD").expect("a delay"), "180");
    bench.pass_secs(180);
    let update = bench.take("RSIP").pop().expect("an update");
    assert_eq!((update.get("RM").expect("a method").as_str(), update.get("RD")), ("restart", None));
    bench.answer(200, &update);
    assert_eq!(bench.command("RQNT", LINE, "X: 2").code(), 200);
}

#[test]
fn all_of_means_endpoints_in_any_state_and_any_of_those_in_service() {
    let (mut bench, rsip) = after("forced", 0);
    bench.answer(200, &rsip);
    assert_eq!(bench.good("AUEP", "aaln/*", "").all("Z").len(), 2);
    bench.refused(501, "RQNT", "aaln/*", "X: 2");
    bench.refused(501, "DLCX", "aaln/*", "");
    assert_eq!(
        bench.good("CRCX", "aaln/$", "C: 1\nM: recvonly").get("Z").expect("a name"),
        "aaln/2@gw.town",
        "the only one in service"
    );
    bench.refused(410, "CRCX", "aaln/$", "C: 1\nM: recvonly");
}

#[test]
fn endpoints_that_leave_and_return_together_are_announced_together() {
    let mut town = GatewayConfig { endpoints: Vec::new(), ..config() }.with_lines(4);
    town.endpoints.push(EndpointSpec::relay("relay/1"));
    let mut bench = Bench::switched_on(town);
    bench.come_up();
    let lines: BTreeSet<_> = (0..4).map(EndpointIndex).collect();
    bench.gateway.leave_service(bench.now, &lines, Some(Duration::from_secs(60)));
    bench.good("AUEP", "relay/1", "");
    let graceful = bench.take("RSIP");
    assert_eq!(graceful.iter().map(Text::endpoint).collect::<Vec<_>>(), ["aaln/*@gw.town"]);
    bench.answer(200, &graceful[0]);
    bench.pass_secs(60);
    let forced = bench.take("RSIP");
    assert_eq!(forced.iter().map(Text::endpoint).collect::<Vec<_>>(), ["aaln/*@gw.town"]);
    bench.answer(200, &forced[0]);
    bench.gateway.into_service(bench.now, &lines, Duration::from_secs(60), &mut bench.plane);
    bench.good("AUEP", "relay/1", "");
    let soon = bench.take("RSIP");
    assert_eq!(soon.len(), 1);
    bench.answer(200, &soon[0]);
    bench.pass_secs(60);
    let restart = bench.take("RSIP");
    assert_eq!(restart.iter().map(Text::endpoint).collect::<Vec<_>>(), ["aaln/*@gw.town"]);
    bench.answer(200, &restart[0]);
    bench.good("RQNT", "aaln/*", "X: 1\nR: L/hd(N)");
}

#[test]
fn a_line_that_leaves_while_it_is_disconnected_says_so_and_is_disconnected_no_more() {
    let (mut bench, _) = after("disconnected", 0);
    bench.gateway.out_of_service(bench.now, &line(), ReasonCode::OUT_OF_SERVICE, &mut bench.plane);
    bench.good("AUEP", "aaln/2", "");
    let forced = bench.take("RSIP").pop().expect("an announcement");
    assert_eq!(forced.get("RM").expect("a method"), "forced");
    bench.answer(200, &forced);
    bench.pass_secs(1200);
    assert!(bench.take("RSIP").is_empty(), "the disconnected procedure is over");
    assert_eq!(bench.command("RQNT", LINE, "X: 2").code(), 501);
}

#[test]
fn an_announced_departure_that_nobody_hears_disconnects_the_endpoint() {
    let (mut bench, _) = after("graceful", 0);
    bench.pass_secs(61);
    assert!(!bench.view(0).associated);
    let (mut bench, _) = after("forced", 0);
    bench.pass_secs(61);
    assert!(bench.view(0).associated, "nobody is served there any more");
}

#[test]
fn an_endpoint_that_starts_out_of_service_comes_in_before_its_announcement() {
    let mut town = config();
    town.endpoints[0].service =
        strowger_mgcp::gateway::InitialService::Out(strowger_mgcp::gateway::LossReason::Facility);
    let mut bench = Bench::switched_on(town);
    bench.gateway.into_service(bench.now, &line(), Duration::ZERO, &mut bench.plane);
    bench.good("AUEP", "relay/1", "");
    let mut announced = bench.take("RSIP");
    for rsip in &announced {
        bench.answer(200, rsip);
    }
    announced.extend(bench.take("RSIP"));
    bench.pass_secs(600);
    announced.extend(bench.take("RSIP"));
    let of_line: Vec<_> = announced.iter().filter(|rsip| rsip.endpoint().starts_with("aaln/1@")).collect();
    assert_eq!(of_line.len(), 1, "{of_line:?}");
    assert_eq!(of_line[0].get("RM").expect("a method"), "restart");
    assert_eq!(bench.command("RQNT", LINE, "X: 2").code(), 200);
}
