//! Two hundred towns of MGCP and two hundred where gateways speak Megaco as well, each from its seed.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by unwrapping")]

use strowger_sim::{Options, World};

/// Draws a town.
type Draw = fn(u64) -> Options;

fn run(seeds: impl Iterator<Item = u64>, draw: Draw, replay: &str) {
    // All towns are seen before any is told of: a night that ends with the first tells little.
    let (mut broken, mut last) = (Vec::new(), String::new());
    let mut restored = 0;
    let mut features = std::collections::BTreeMap::new();
    let (mut towns, mut calls, mut answered, mut heard, mut compared) = (0, 0, 0, 0, 0);
    for seed in seeds {
        towns += 1;
        let (report, ladder) = World::new(draw(seed)).unwrap().run();
        if !report.violations.is_empty() {
            broken.push(format!("{report}\nreplay it with: strowger sim --seed {seed}{replay}"));
            last = tail(&ladder.to_list(160), 60);
            continue;
        }
        calls += report.calls;
        answered += report.answered;
        heard += report.heard;
        compared += report.compared;
        restored += report.restored;
        for (name, count) in report.features {
            *features.entry(name).or_insert(0_usize) += count;
        }
    }
    assert!(broken.is_empty(), "{}\n\n{last}", broken.join("\n\n"));
    for (name, least) in [
        ("holds", 40),
        ("returns", 10),
        ("settings", 20),
        ("three-way calls", 2),
        ("transfers", 4),
        ("diversions", 20),
    ] {
        assert!(features.get(name).is_some_and(|count| *count >= least), "{name}: {features:?}");
    }
    assert!(restored > 1, "hardly a call outlived its exchange: {restored}");
    // A town in which nobody talks proves nothing.
    assert!(
        calls > 10 * towns && answered >= 3 * towns && heard >= 3 * towns && compared > 10 * towns,
        "{calls} calls, {answered} answered, {heard} heard, {compared} comparisons in {towns} towns"
    );
}

fn tail(text: &str, lines: usize) -> String {
    let all: Vec<_> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

// Two tests of each kind, so that they run side by side.

#[test]
fn the_towns_of_the_first_half_hold() {
    run(1..101, Options::draw, "");
}

#[test]
fn the_towns_of_the_second_half_hold() {
    run(101..201, Options::draw, "");
}

#[test]
fn the_mixed_towns_of_the_first_half_hold() {
    run(1..101, Options::draw_mixed, " --mixed");
}

#[test]
fn the_mixed_towns_of_the_second_half_hold() {
    run(101..201, Options::draw_mixed, " --mixed");
}

/// The nightly run: `cargo test -p strowger-sim --release --test seeds -- --ignored`, with the seeds of `STROWGER_SEEDS`
/// (`FIRST..END`) or two thousand others than those above.
#[test]
#[ignore = "two thousand towns take their time: ./test --night runs them"]
fn a_night_of_towns_holds() {
    run(night(), Options::draw, "");
}

/// The same of towns where gateways speak Megaco as well.
#[test]
#[ignore = "two thousand towns take their time: ./test --night runs them"]
fn a_night_of_mixed_towns_holds() {
    run(night(), Options::draw_mixed, " --mixed");
}

fn night() -> std::ops::Range<u64> {
    let seeds = std::env::var("STROWGER_SEEDS").unwrap_or_else(|_| "1000..3000".to_owned());
    let (first, end) = seeds.split_once("..").unwrap();
    first.parse().unwrap()..end.parse().unwrap()
}

#[test]
fn a_seed_gives_the_same_run_again() {
    for draw in [Options::draw, Options::draw_mixed] {
        let run = || World::new(draw(11)).unwrap().run();
        let ((first, ladder), (second, again)) = (run(), run());
        assert_eq!(first.to_string(), second.to_string());
        assert_eq!(ladder.to_list(200), again.to_list(200));
    }
}
