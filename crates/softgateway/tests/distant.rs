//! Stories of circuits whose far end is worked by a script: the verbs of `--control` for `ds/…`.

mod support;

use strowger_mgcp::gateway::TrunkSignalling;
use strowger_softgateway::{LineFact, Parser, SoftGatewayConfig};
use support::Bench;

const CIRCUIT: &str = "ds/a/1";

fn bench(signalling: TrunkSignalling) -> Bench {
    Bench::new(|config| SoftGatewayConfig::new(config.with_lines(1).with_trunks("a", 2, signalling)))
}

/// What was expected and not noticed.
fn missed(bench: &Bench) -> Vec<String> {
    let missed = bench.facts.iter().filter_map(|(line, fact)| match fact {
        LineFact::Missed { sign, instead, .. } => Some(format!("{line} expected {sign}: {instead}")),
        _ => None,
    });
    missed.collect()
}

/// Expects something and lets time pass.
fn expect(bench: &mut Bench, sign: &str, millis: u64) {
    bench.step(&format!("{CIRCUIT} expect {sign} within {millis}ms"));
    bench.pass_millis(millis + 10);
    assert_eq!(missed(bench), Vec::<String>::new());
}

#[test]
fn a_far_end_seizes_dials_talks_and_releases() {
    let mut bench = bench(TrunkSignalling::Ms);
    bench.good(&format!("RQNT {CIRCUIT}"), "X: 7\nQ: loop\nR: ms/inf");
    bench.step("ds/a/1 seize");
    assert_eq!(bench.await_notified(500), "MS/sup");
    expect(&mut bench, "wink", 800);
    bench.step("ds/a/1 outpulse 5551234");
    assert_eq!(bench.await_notified(2000), "MS/inf(K0,5,5,5,1,2,3,4,S0)");
    bench.good(&format!("RQNT {CIRCUIT}"), "X: 8\nQ: loop\nR: ms/inf\nS: ms/ans");
    expect(&mut bench, "off-hook", 600);
    let party = bench.connect(CIRCUIT, "sendrecv");
    bench.parties[party].say(1200.0);
    bench.step("ds/a/1 play tone:700");
    expect(&mut bench, "tone:1200", 800);
    assert!(bench.parties[party].hears(&[700, 1200]).iter().eq(&[700]));
    bench.step("ds/a/1 release");
    assert_eq!(bench.await_notified(1000), "MS/rel(0)");
    bench.good(&format!("RQNT {CIRCUIT}"), "X: 9\nQ: loop\nR: ms/inf\nS: ms/rlc");
    expect(&mut bench, "on-hook", 600);
    assert!(bench.good(&format!("AUEP {CIRCUIT}"), "F: ES").contains("ES: MS/rlc"));
}

#[test]
fn a_far_end_is_called_winks_and_answers() {
    let mut bench = bench(TrunkSignalling::Ms);
    bench.step("ds/a/1 expect off-hook within 1s");
    let events = "X: 7\nQ: loop\nR: ms/oc, ms/of\nS: ms/sup(addr(k0,5,5,5,s0))";
    bench.good(&format!("RQNT {CIRCUIT}"), events);
    bench.pass_millis(600);
    bench.step("ds/a/1 wink");
    assert_eq!(bench.await_notified(4000), "MS/oc(MS/sup)");
    expect(&mut bench, "number 555", 100);
    let told = bench.facts.iter().any(|(_, fact)| *fact == LineFact::Number("K0,5,5,5,S0".into()));
    assert!(told, "{:?}", bench.facts);
    bench.step("ds/a/1 answer");
    assert_eq!(bench.await_notified(1000), "MS/ans");
    bench.step("ds/a/1 release");
    assert_eq!(bench.await_notified(1000), "MS/sus");
}

#[test]
fn a_pbx_is_rung_lifts_dials_and_flashes() {
    let mut bench = bench(TrunkSignalling::Bl);
    bench.good(&format!("RQNT {CIRCUIT}"), "X: 7\nQ: loop\nR: bl/hd\nS: bl/rg");
    expect(&mut bench, "ring", 3000);
    bench.step("ds/a/1 answer");
    assert_eq!(bench.await_notified(500), "BL/hd");
    bench.good(&format!("RQNT {CIRCUIT}"), "X: 8\nQ: loop\nD: xxx\nR: d/[0-9](D), bl/hf, bl/hu");
    bench.step("ds/a/1 outpulse 911");
    assert_eq!(bench.await_notified(2000), "D/9,D/1,D/1");
    bench.step("ds/a/1 flash");
    assert_eq!(bench.await_notified(2000), "BL/hf");
    bench.good(&format!("RQNT {CIRCUIT}"), "X: 9\nQ: loop\nR: bl/hu\nS: bl/rel");
    expect(&mut bench, "open", 600);
    bench.step("ds/a/1 cas on-hook");
    assert_eq!(bench.await_notified(2000), "BL/hu");
}

#[test]
fn a_line_of_a_pbx_rings_a_circuit_and_hears_its_digits() {
    let mut bench = bench(TrunkSignalling::Do);
    bench.good(&format!("RQNT {CIRCUIT}"), "X: 7\nQ: loop\nR: do/rg, do/oc");
    bench.step("ds/a/1 cas ring");
    assert_eq!(bench.await_notified(500), "DO/rg");
    bench.step("ds/a/1 cas quiet");
    bench.good(&format!("RQNT {CIRCUIT}"), "X: 8\nQ: loop\nR: do/oc\nS: do/sup(addr(5,5,5))");
    expect(&mut bench, "off-hook", 600);
    expect(&mut bench, "number 555", 2500);
    expect(&mut bench, "silence", 1000);
}

#[test]
fn a_far_end_cannot_do_what_is_not_its_own() {
    let mut bench = bench(TrunkSignalling::Ms);
    let mut refuses = |text: &str, why: &str| {
        let step = Parser::new().line(text).unwrap().unwrap();
        let error = bench.gateway.handle_step(bench.now, &step).unwrap_err().to_string();
        assert!(error.contains(why), "{text}: {error}");
    };
    refuses("ds/a/1 release", "on the hook already");
    refuses("ds/a/1 flash", "on the hook");
    refuses("ds/a/1 dial 555", "no telephone");
    refuses("ds/a/1 outpulse 55*", "no such digit");
    refuses("ds/a/3 seize", "no line ds/a/3");
    refuses("aaln/1 seize", "for circuits");
    let step = Parser::new().line("ds/a/1 seize").unwrap().unwrap();
    bench.gateway.handle_step(bench.now, &step).unwrap();
    assert!(bench.gateway.handle_step(bench.now, &step).is_err());
    let mut crossed = Bench::new(|config| {
        let mut config = SoftGatewayConfig::new(config.with_trunks("a", 2, TrunkSignalling::Ms));
        config.crossed.push(("ds/a/1".to_owned(), "ds/a/2".to_owned()));
        config
    });
    assert!(crossed.gateway.handle_step(crossed.now, &step).is_err());
    crossed.pass_millis(10);
}
