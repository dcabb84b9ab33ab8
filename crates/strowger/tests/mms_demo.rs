//! `strowger demo --mms` as scripts know it: exit code, findings, and a ladder in which everything that passed can be read.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use serde_json::Value;

#[test]
fn a_picture_arrives_over_udp_and_in_one_and_two_short_messages() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_strowger")).args(["demo", "--mms", "--json"]).output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{shown}\n{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["good"], true);
    let findings = report["findings"].as_array().unwrap();
    let named = |what: &str| {
        findings.iter().filter(|finding| finding["what"].as_str().unwrap().starts_with(what)).count()
    };
    assert_eq!(findings.len(), 13, "{shown}");
    for what in ["the notification", "the picture", "sender and subject", "the delivery report"] {
        assert_eq!(named(what), 3, "{what}");
    }
    assert!(findings.iter().all(|finding| finding["good"] == true), "{shown}");
}
