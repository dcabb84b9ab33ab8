//! Stories of connections within the gateway with real audio: RFC 3435 sections 2.1.3.4, 2.3.5 and 3.4.2.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;

use strowger_softgateway::{LineFact, SoftGatewayConfig};
use support::{Bench, found};

const VOICES: [u32; 2] = [500, 1000];

fn two_lines() -> Bench {
    let mut bench = Bench::new(|config| SoftGatewayConfig::new(config.with_lines(2)));
    for (line, hertz) in ["aaln/1", "aaln/2"].iter().zip(VOICES) {
        bench.step(&format!("{line} off-hook"));
        bench.step(&format!("{line} play tone:{hertz}"));
    }
    bench
}

/// Which voices the earpiece of a line got.
fn ear(bench: &mut Bench, line: &str) -> BTreeSet<u32> {
    bench.step(&format!("{line} record ear.wav"));
    let (_, fact) = bench.facts.pop().unwrap();
    let LineFact::Recording { samples, .. } = fact else { panic!("{fact:?}") };
    found(&samples, &VOICES)
}

fn value(answer: &str, name: &str) -> String {
    answer.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned()
}

fn description(answer: &str) -> String {
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[test]
fn halves_of_a_connection_within_the_gateway_hear_each_other() {
    let mut bench = two_lines();
    let one = bench.good("CRCX aaln/1", "C: 1\nL: nt:LOCAL\nM: inactive");
    let two = bench.good("CRCX aaln/2", &format!("C: 1\nL: nt:LOCAL\nM: sendrecv\n\n{}", description(&one)));
    bench.pass_millis(500);
    assert_eq!(ear(&mut bench, "aaln/1"), BTreeSet::new(), "an inactive half is silent");
    let id = value(&one, "I:");
    bench.good("MDCX aaln/1", &format!("C: 1\nI: {id}\nM: sendrecv\n\n{}", description(&two)));
    bench.pass_millis(700);
    assert_eq!(ear(&mut bench, "aaln/1"), BTreeSet::from([VOICES[1]]));
    assert_eq!(ear(&mut bench, "aaln/2"), BTreeSet::from([VOICES[0]]));
    let gone = bench.good("DLCX aaln/1", &format!("C: 1\nI: {id}"));
    assert!(value(&gone, "P:").starts_with("PS="), "{gone}");
    bench.pass_millis(700);
    assert_eq!(ear(&mut bench, "aaln/2"), BTreeSet::new(), "the other half stays, and is silent");
}

#[test]
fn two_lines_that_one_command_joins_hear_each_other() {
    let mut bench = two_lines();
    let both = bench.good("CRCX aaln/1", "C: 1\nL: nt:LOCAL\nM: sendrecv\nZ2: aaln/2@gw1.town");
    assert!(both.contains("c=LOCAL EPN aaln/1"), "{both}");
    bench.pass_millis(700);
    assert_eq!(ear(&mut bench, "aaln/1"), BTreeSet::from([VOICES[1]]));
    assert_eq!(ear(&mut bench, "aaln/2"), BTreeSet::from([VOICES[0]]));
    let audit = bench.good("AUCX aaln/2", &format!("I: {}\nF: RC,M", value(&both, "I2:")));
    assert!(audit.contains("c=LOCAL EPN aaln/1") && value(&audit, "M:") == "sendrecv", "{audit}");
}
