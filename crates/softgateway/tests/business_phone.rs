//! Stories of a business telephone: its feature keys, and a call agent that works its hook (RFC 3149).

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use strowger_softgateway::{LineFact, SoftGatewayConfig};
use support::Bench;

fn bench() -> Bench {
    Bench::new(|config| SoftGatewayConfig::new(config.with_lines(1)))
}

#[test]
fn a_feature_key_is_told_and_shows_what_the_call_agent_says() {
    let mut bench = bench();
    bench.good("RQNT aaln/1", "X: 1\nQ: loop\nR: KY/fk5\nS: KY/ls(5,\"Do not disturb\"), KY/ks(5,db)");
    bench.step("aaln/1 expect key 5 db");
    bench.step("aaln/1 key 5");
    bench.step("aaln/1 key 6");
    bench.pass_millis(20);
    assert_eq!(bench.notified().as_deref(), Some("KY/fk5"));
    assert_eq!(bench.notified(), None, "nobody asked about key 6");
    bench.good("RQNT aaln/1", "X: 2\nS: KY/ks(5,en)");
    bench.step("aaln/1 expect key 5 en");
    bench.step("aaln/1 expect key 5 db within 1s");
    bench.pass_millis(1_500);
    let shown: Vec<_> = bench
        .facts
        .iter()
        .filter_map(|(_, fact)| match fact {
            LineFact::Key { key: 5, shows } => Some(shows.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(shown, ["Do not disturb", "db", "en"]);
    let met = bench.facts.iter().filter(|(_, fact)| matches!(fact, LineFact::Met { .. })).count();
    let missed = bench.facts.iter().filter(|(_, fact)| matches!(fact, LineFact::Missed { .. })).count();
    assert_eq!((met, missed), (2, 1), "{:?}", bench.facts);
}

#[test]
fn the_call_agent_lifts_beeps_and_hangs_up() {
    let mut bench = bench();
    bench.good("RQNT aaln/1", "X: 1\nQ: loop\nR: L/hd\nS: BP/hd");
    bench.pass_millis(100);
    assert_eq!(bench.notified().as_deref(), Some("L/hd"));
    bench.good("RQNT aaln/1", "X: 2\nQ: loop\nR: L/hu\nS: BP/beep");
    bench.good("RQNT aaln/1", "X: 3\nQ: loop\nR: L/hu\nS: BP/hu");
    assert_eq!(bench.await_notified(2_000), "L/hu");
    // The subscriber may undo what was forced, and it can be forced again.
    bench.good("RQNT aaln/1", "X: 4\nQ: loop\nR: L/hd\nS: BP/hd");
    assert_eq!(bench.await_notified(100), "L/hd");
    bench.step("aaln/1 on-hook");
    bench.pass_millis(2_000);
    bench.good("RQNT aaln/1", "X: 5\nR: L/hd\nS: BP/hd");
    assert_eq!(bench.await_notified(100), "L/hd");
}

#[test]
fn displays_by_scripts_are_for_no_line() {
    let mut bench = bench();
    bench.refused(518, "RQNT aaln/1", "X: 1\nS: XML/xml(http://a.example.net/x.xml)");
    bench.refused(518, "RQNT aaln/1", "X: 1\nR: XML/xml");
}
