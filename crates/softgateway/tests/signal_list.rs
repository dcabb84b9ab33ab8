//! Stories of signal lists with real sound: RFC 3660 section 2.8.

mod support;

use strowger_mgcp::gateway::TrunkSignalling;
use strowger_sansio::Duration;
use strowger_softgateway::SoftGatewayConfig;
use support::{Bench, tone};

fn bench() -> Bench {
    let mut bench = Bench::new(|config| {
        let config = config.with_lines(1).with_announcements(1).with_trunks("a", 2, TrunkSignalling::Dt);
        let mut config = SoftGatewayConfig::new(config);
        config.crossed.push(("ds/a/1".to_owned(), "ds/a/2".to_owned()));
        config
    });
    for (file, hertz) in [("one.wav", 600.0), ("two.wav", 1100.0)] {
        bench.gateway.add_announcement(file, tone(hertz, Duration::from_secs(1)).into());
    }
    bench
}

/// Two circuits, of which the second listens for digits.
fn in_use(bench: &mut Bench) {
    bench.good("RQNT ds/a/1", "X: 1\nR: dt/oc\nS: dt/sup(addr(1))");
    bench.pass_millis(2000);
    while bench.notified().is_some() {}
    bench.good("RQNT ds/a/2", "X: 2\nQ: loop\nR: d/[0-9](N)");
}

fn told(bench: &mut Bench) -> Vec<String> {
    let mut told = Vec::new();
    for _ in 0..200 {
        bench.pass_millis(10);
        told.extend(bench.notified());
    }
    told
}

#[test]
fn digits_of_a_list_are_heard_in_their_order_at_the_other_end_of_a_circuit() {
    let mut bench = bench();
    in_use(&mut bench);
    bench.good("RQNT ds/a/1", "X: 3\nR: sl/oc\nS: sl/s(d/5,d/5,d/0,d/1)");
    assert_eq!(told(&mut bench), ["D/5", "D/5", "D/0", "D/1", "SL/oc(SL/s)"]);
}

#[test]
fn two_equal_digits_are_two_digits() {
    let mut bench = bench();
    in_use(&mut bench);
    bench.good("RQNT ds/a/1", "X: 3\nR: d/oc\nS: d/5");
    bench.good("RQNT ds/a/1", "X: 4\nR: d/oc\nS: d/5");
    assert_eq!(told(&mut bench), ["D/5", "D/5"]);
}

#[test]
fn announcements_of_a_list_are_played_one_after_the_other() {
    let mut bench = bench();
    let party = bench.connect("ann/1", "sendonly");
    bench.good("RQNT ann/1", "X: 1\nR: sl/oc, a/oc\nS: sl/s(a/ann(one),a/ann(two))");
    bench.pass_millis(700);
    assert_eq!(bench.parties[party].hears(&[600, 1100]).into_iter().collect::<Vec<_>>(), [600]);
    bench.pass_millis(1000);
    assert_eq!(bench.parties[party].hears(&[600, 1100]).into_iter().collect::<Vec<_>>(), [1100]);
    assert_eq!(bench.await_notified(1000), "SL/oc(SL/s)");
}

#[test]
fn a_list_that_an_endpoint_cannot_give_as_a_whole_is_refused() {
    let mut bench = bench();
    bench.step("aaln/1 off-hook");
    for (endpoint, list) in [
        ("ann/1", "a/ann(one),a/ann(three)"),
        ("ann/1", "a/ann(one),d/1"),
        ("aaln/1", "d/1,g/pat(3)"),
        ("aaln/1", "d/1,l/s(3)"),
        ("ds/a/1", "d/1,t/lb"),
        ("relay/1", "g/cg"),
    ] {
        let code = if endpoint == "relay/1" { 500 } else { 538 };
        bench.refused(code, &format!("RQNT {endpoint}"), &format!("X: 9\nS: sl/s({list})"));
    }
}
