//! Who calls, as data on a line: from the gateway to a telephone, and from an exchange to a gateway (`L/ci`, `DO/ci`, `H/ci`); and digits of a dial
//! on circuits.

mod support;

use strowger_media::tone::TonePlan;
use strowger_mgcp::gateway::TrunkSignalling;
use strowger_softgateway::{CallerDisplay, LineFact, SoftGatewayConfig};
use support::Bench;

const CALLER: &str = "L/ci(09/14/17/26,\"555 0142\",\"Ann \"\"Ace\"\" Z\")";

fn line(tones: &'static TonePlan) -> Bench {
    Bench::new(|config| {
        let mut config = SoftGatewayConfig::new(config.with_lines(1));
        config.display = CallerDisplay::Data;
        config.tones = tones;
        config
    })
}

fn shown(bench: &Bench) -> Vec<String> {
    let facts = bench.facts.iter().filter_map(|(_, fact)| match fact {
        LineFact::Caller(text) => Some(text.clone()),
        _ => None,
    });
    facts.collect()
}

#[test]
fn a_telephone_hears_who_calls_between_the_first_rings() {
    for tones in [TonePlan::north_america(), TonePlan::of("gb").unwrap()] {
        let mut bench = line(tones);
        bench.good("RQNT aaln/1", &format!("X: 1\nR: L/hd(N)\nS: L/rg, {CALLER}"));
        bench.pass_millis(900);
        assert_eq!(shown(&bench), Vec::<String>::new(), "nothing before the first pause");
        bench.pass_millis(3_500);
        assert_eq!(shown(&bench), ["555 0142 Ann \"Ace\" Z"]);
        bench.pass_millis(10_000);
        assert_eq!(shown(&bench).len(), 1, "once for a call");
    }
}

#[test]
fn who_answers_before_the_data_is_shown_nothing() {
    let mut bench = line(TonePlan::north_america());
    bench.good("RQNT aaln/1", &format!("X: 1\nR: L/hd(N)\nS: L/rg, {CALLER}"));
    bench.pass_millis(2_800);
    bench.step("aaln/1 off-hook");
    bench.pass_millis(5_000);
    assert_eq!(shown(&bench), Vec::<String>::new());
    assert_eq!(bench.notified().as_deref(), Some("L/hd"));
}

#[test]
fn a_caller_who_gives_up_in_the_first_ring_is_not_shown() {
    let mut bench = line(TonePlan::north_america());
    bench.good("RQNT aaln/1", &format!("X: 1\nR: L/hd(N)\nS: L/rg, {CALLER}"));
    bench.pass_millis(1_000);
    bench.good("RQNT aaln/1", "X: 2\nR: L/hd(N)\nS:");
    bench.pass_millis(5_000);
    assert_eq!(shown(&bench), Vec::<String>::new());
}

#[test]
fn in_a_call_who_waits_is_shown_at_once() {
    let mut bench = line(TonePlan::north_america());
    bench.step("aaln/1 off-hook");
    bench.good("RQNT aaln/1", &format!("X: 1\nR: L/hu(N)\nS: L/wt, {CALLER}"));
    bench.pass_millis(20);
    assert_eq!(shown(&bench), ["555 0142 Ann \"Ace\" Z"]);
}

const TRUNK: &str = "ds/o/1";

fn trunk(signalling: TrunkSignalling) -> Bench {
    Bench::new(|config| SoftGatewayConfig::new(config.with_trunks("o", 1, signalling)))
}

#[test]
fn an_exchange_says_who_calls_to_a_circuit_that_listens() {
    for event in ["DO/ci", "H/ci"] {
        let mut bench = trunk(TrunkSignalling::Do);
        bench.good(&format!("RQNT {TRUNK}"), &format!("X: 1\nQ: loop\nR: {event}(N)"));
        bench.step(&format!("{TRUNK} cas ring"));
        bench.pass_millis(2_000);
        bench.step(&format!("{TRUNK} cas quiet"));
        bench.pass_millis(500);
        while bench.notified().is_some() {}
        bench.step(&format!("{TRUNK} caller 5550142 Ann Ace"));
        assert_eq!(bench.await_notified(2_000), format!("{event}(\"\",\"5550142\",\"Ann Ace\")"));
        bench.pass_millis(3_000);
        assert_eq!(bench.notified(), None);
    }
}

#[test]
fn who_calls_is_told_to_nobody_who_did_not_ask() {
    let mut bench = trunk(TrunkSignalling::Do);
    bench.good(&format!("RQNT {TRUNK}"), "X: 1\nQ: loop\nR: DO/rg(N)");
    bench.step(&format!("{TRUNK} caller 5550142"));
    bench.pass_millis(3_000);
    assert_eq!(bench.notified(), None);
}

#[test]
fn digits_of_a_dial_are_collected_on_trunks_and_lines_of_a_pbx() {
    for signalling in [TrunkSignalling::Dt, TrunkSignalling::Bl] {
        let mut bench = trunk(signalling);
        bench.step(&format!("{TRUNK} seize"));
        bench.pass_millis(1_000);
        while bench.notified().is_some() {}
        bench.good(&format!("RQNT {TRUNK}"), "X: 7\nQ: loop\nD: 555xxxx\nR: D/[0-9*#T](D)");
        bench.step(&format!("{TRUNK} pulse 5550109"));
        assert_eq!(bench.await_notified(20_000), "D/5,D/5,D/5,D/0,D/1,D/0,D/9", "{signalling:?}");
        bench.pass_millis(2_000);
        assert_eq!(bench.notified(), None, "{signalling:?}: the end of a digit is not the end of the call");
    }
}
