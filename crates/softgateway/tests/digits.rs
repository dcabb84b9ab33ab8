//! Stories of the package D with real sound: RFC 3660 section 2.2.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use strowger_media::frame::level_dbm0;
use strowger_mgcp::gateway::TrunkSignalling;
use strowger_softgateway::SoftGatewayConfig;
use support::Bench;

fn bench() -> Bench {
    let mut bench = Bench::new(|config| {
        let config = config.with_lines(1).with_trunks("a", 2, TrunkSignalling::Dt);
        let mut config = SoftGatewayConfig::new(config);
        config.crossed.push(("ds/a/1".to_owned(), "ds/a/2".to_owned()));
        config
    });
    // The far circuit must be in use to listen for digits.
    bench.good("RQNT ds/a/1", "X: 1\nR: dt/oc\nS: dt/sup(addr(1))");
    bench.pass_millis(2000);
    while bench.notified().is_some() {}
    bench
}

/// What is told within a time, in order.
fn told(bench: &mut Bench, millis: u64) -> Vec<String> {
    let mut all = Vec::new();
    for _ in 0..millis / 10 {
        bench.pass_millis(10);
        all.extend(bench.notified());
    }
    all
}

#[test]
fn a_tone_lasts_as_long_as_it_is_asked_to() {
    let mut bench = bench();
    bench.good("RQNT ds/a/2", "X: 2\nQ: loop\nR: d/dd");
    bench.good("RQNT ds/a/1", "X: 2\nR: d/oc\nS: d/dd(dg=5,to=800)");
    let events = told(&mut bench, 1500);
    assert_eq!(events.len(), 2, "{events:?}");
    assert!(events.contains(&"D/oc(D/DD)".to_owned()), "{events:?}");
    let heard = events.iter().find_map(|event| event.strip_prefix("D/dd(dg=5,to=")).unwrap();
    let millis: u32 = heard.trim_end_matches(')').parse().unwrap();
    assert!((760..=820).contains(&millis), "{millis}");
}

#[test]
fn a_tone_is_turned_on_and_off() {
    let mut bench = bench();
    bench.good("RQNT ds/a/2", "X: 2\nQ: loop\nR: d/8, d/dd");
    bench.good("RQNT ds/a/1", "X: 2\nS: d/do(dg=8,+)");
    assert_eq!(told(&mut bench, 1000), ["D/8"]);
    bench.good("RQNT ds/a/1", "X: 3\nS: d/do(dg=8,-)");
    let events = told(&mut bench, 300);
    assert!(events.len() == 1 && events[0].starts_with("D/dd(dg=8,to="), "{events:?}");
}

#[test]
fn the_timer_as_a_signal_does_nothing_but_end() {
    let mut bench = bench();
    bench.good("RQNT ds/a/1", "X: 2\nR: d/oc\nS: d/t(to=1000)");
    assert_eq!(told(&mut bench, 1200), ["D/oc(D/T)"]);
}

#[test]
fn parameters_of_tones_are_those_of_the_package() {
    let mut bench = bench();
    for signal in [
        "d/dd",
        "d/dd(to=100)",
        "d/dd(dg=x)",
        "d/dd(dg=5,to=49)",
        "d/dd(dg=5,su=true)",
        "d/do",
        "d/do(+)",
        "d/do(dg=5,to=100)",
        "d/do(dg=5,=)",
    ] {
        bench.refused(538, "RQNT ds/a/1", &format!("X: 2\nS: {signal}"));
    }
    for event in ["d/dd(N)(foo=1)", "d/dd(N)(5)", "d/dd(N)(su=perhaps)", "d/dd(N)(to=39)", "d/dd(N)(dg=55)"] {
        bench.refused(538, "RQNT ds/a/1", &format!("X: 2\nR: {event}"));
    }
}

#[test]
fn digits_can_be_kept_from_the_other_side() {
    for (event, hidden) in [
        ("d/dd", false),
        ("d/dd(N)(su=false)", false),
        ("d/dd(N)(su=true)", true),
        ("d/dd(N)(dg=x,su=true)", true),
        ("d/dd(N)(SU=True,DG=5,to=60)", true),
        ("d/dd(N)(dg=6,su=true)", false),
    ] {
        let mut bench = bench();
        bench.step("aaln/1 off-hook");
        let party = bench.connect("aaln/1", "sendrecv");
        bench.pass_millis(200);
        bench.good("RQNT aaln/1", &format!("X: 1\nQ: loop\nR: {event}"));
        bench.parties[party].heard.clear();
        bench.step("aaln/1 dial 5");
        bench.pass_millis(600);
        let heard = &bench.parties[party].heard;
        // 100 ms are heard of a digit that passes; of one that is hidden, no more than its beginning.
        let (frames, _) = heard.as_chunks::<80>();
        let loud = frames.iter().filter(|frame| level_dbm0(frame.as_slice()) > -30.0).count();
        assert_eq!(loud < 6, hidden, "{event}: {loud} frames");
    }
}
