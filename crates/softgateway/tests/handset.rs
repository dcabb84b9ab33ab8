//! Stories of an emulated handset on the line of a PBX: the package H of RFC 3660 section 2.5.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use strowger_mgcp::gateway::TrunkSignalling;
use strowger_softgateway::SoftGatewayConfig;
use support::Bench;

const HANDSET: &str = "ds/o/1";
const PBX: &str = "ds/i/1";

fn bench() -> Bench {
    Bench::new(|config| {
        let config = config.with_trunks("o", 1, TrunkSignalling::Do).with_trunks("i", 1, TrunkSignalling::Bl);
        let mut config = SoftGatewayConfig::new(config);
        config.crossed.push((HANDSET.to_owned(), PBX.to_owned()));
        config
    })
}

fn request(bench: &mut Bench, trunk: &str, events: &str, signals: &str) {
    let signals = if signals.is_empty() { String::new() } else { format!("\nS: {signals}") };
    bench.good(&format!("RQNT {trunk}"), &format!("X: 7\nQ: loop\nR: {events}{signals}"));
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
fn a_handset_is_rung_and_counts_the_rings() {
    let mut bench = bench();
    request(&mut bench, HANDSET, "h/rg", "");
    request(&mut bench, PBX, "bl/hd", "bl/rg");
    let events = told(&mut bench, 3000);
    assert!(events.contains(&"H/rg".to_owned()) && events.contains(&"DO/rg".to_owned()), "{events:?}");
    // The second ring begins after 6 s, the third after 12 s.
    request(&mut bench, HANDSET, "h/rg(N)(rep=3)", "");
    assert!(told(&mut bench, 8000).is_empty());
    assert_eq!(told(&mut bench, 2000), ["H/rg(rep=3)"]);
}

#[test]
fn a_handset_is_lifted_flashed_and_put_down() {
    let mut bench = bench();
    request(&mut bench, PBX, "bl/oc", "");
    for (signal, event) in [("h/hd", "BL/hd"), ("h/hf", "BL/hf"), ("h/hu", "BL/hu")] {
        request(&mut bench, HANDSET, "h/oc", signal);
        assert_eq!(told(&mut bench, 2500).first().map(String::as_str), Some(event));
    }
}

#[test]
fn a_handset_hears_the_tones_of_its_line_and_that_it_is_cut() {
    for (signal, event) in [("bl/dl", "H/dl"), ("bl/bz", "H/bz"), ("bl/ro", "H/ro"), ("bl/rel", "H/osi")] {
        let mut bench = bench();
        request(&mut bench, HANDSET, "h/dl, h/bz, h/ro, h/osi, h/sit(N)(3)", "h/hd");
        told(&mut bench, 1000);
        request(&mut bench, PBX, "bl/hu", signal);
        let events = told(&mut bench, 4000);
        let heard: Vec<_> = events.iter().filter(|told| told.starts_with("H/")).collect();
        assert_eq!(heard, [event], "{signal}: {events:?}");
    }
}

#[test]
fn a_handset_hears_what_another_gives_on_the_line_between_them() {
    const OTHER: &str = "ds/o/2";
    for (signal, event, seconds) in [
        ("h/bz", "H/bz", 4),
        ("h/dl", "H/dl", 4),
        ("h/mwi", "H/mwi", 8),
        ("h/nbz", "H/nbz", 4),
        ("h/ot", "H/ot", 4),
        ("h/sit(3)", "H/sit(3)", 4),
        ("h/sl", "H/sl(del=0)", 8),
        ("h/wt", "H/wt", 14),
        ("h/y", "H/y", 35),
    ] {
        let mut bench = Bench::new(|config| {
            let mut config = SoftGatewayConfig::new(config.with_trunks("o", 2, TrunkSignalling::Do));
            config.crossed.push((HANDSET.to_owned(), OTHER.to_owned()));
            config
        });
        let wanted = event.to_ascii_lowercase();
        let wanted = wanted.split('(').next().unwrap();
        let wanted = if event == "H/sit(3)" { "h/sit(N)(3)" } else { wanted };
        request(&mut bench, HANDSET, wanted, "h/hd");
        request(&mut bench, OTHER, "h/osi", "h/hd");
        told(&mut bench, 1000);
        request(&mut bench, OTHER, "h/osi", signal);
        assert_eq!(told(&mut bench, seconds * 1000).first().map(String::as_str), Some(event), "{signal}");
        request(&mut bench, OTHER, "h/osi", "");
        assert!(told(&mut bench, 20_000).is_empty(), "{signal} is told of once");
    }
}

#[test]
fn what_no_handset_does_on_a_line_is_refused() {
    let mut bench = bench();
    for event in ["h/hd", "h/vmwi", "h/r1", "h/lsa"] {
        bench.refused(512, &format!("RQNT {HANDSET}"), &format!("X: 1\nR: {event}"));
    }
    for signal in ["h/rg", "h/rs", "h/vmwi", "h/ci(,,)", "h/hf"] {
        bench.refused(513, &format!("RQNT {HANDSET}"), &format!("X: 1\nS: {signal}"));
    }
    for event in ["h/rg(N)(rep=0)", "h/rg(N)(rep=256)", "h/rg(N)(to=6000)", "h/dl(N)(to=1)", "h/sit"] {
        bench.refused(538, &format!("RQNT {HANDSET}"), &format!("X: 1\nR: {event}"));
    }
    bench.refused(518, &format!("RQNT {PBX}"), "X: 1\nR: h/rg");
    // Nor is what would have to wait for another signal taken, and that other one is not given then.
    bench.refused(513, &format!("RQNT {HANDSET}"), "X: 1\nS: h/p, h/rs");
    request(&mut bench, PBX, "bl/hd", "");
    bench.refused(513, &format!("RQNT {HANDSET}"), "X: 1\nS: h/hd, h/rs");
    assert!(told(&mut bench, 1000).is_empty(), "the line is not seized");
}
