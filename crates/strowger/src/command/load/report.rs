//! What a load prints, and its verdict.

use std::fmt::Write as _;

use serde::Serialize;
use strowger_load::{Percentiles, Tally};

use super::Common;
use crate::output::{Exit, print, print_json};

#[derive(Serialize)]
struct Report<'t> {
    load: &'t str,
    peer: String,
    begun: u64,
    done: u64,
    failed: u64,
    reasons: Vec<Reason<'t>>,
    held_back: u64,
    most_at_once: usize,
    retransmissions: u64,
    seconds: f64,
    per_second: f64,
    latencies: Vec<Latency>,
    verdict: Verdict,
    findings: Vec<String>,
}

#[derive(Serialize)]
struct Reason<'t> {
    why: &'t str,
    count: u64,
}

#[derive(Serialize)]
struct Latency {
    name: &'static str,
    count: u64,
    p50_ms: f64,
    p90_ms: f64,
    p99_ms: f64,
    p999_ms: f64,
    max_ms: f64,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Pass,
    Fail,
}

impl Latency {
    fn new(name: &'static str, measured: Percentiles) -> Self {
        let millis = |time: std::time::Duration| (time.as_secs_f64() * 1e6).round() / 1e3;
        Self {
            name,
            count: measured.count,
            p50_ms: millis(measured.p50),
            p90_ms: millis(measured.p90),
            p99_ms: millis(measured.p99),
            p999_ms: millis(measured.p999),
            max_ms: millis(measured.max),
        }
    }
}

/// What is wrong with a result.
fn findings(common: &Common, tally: &Tally) -> Vec<String> {
    let mut findings = Vec::new();
    if tally.failures() > common.max_failed {
        findings.push(format!("{} failed, {} may", tally.failures(), common.max_failed));
    }
    if tally.done() == 0 {
        findings.push("nothing ended well".into());
    }
    if let Some(most) = common.max_p99 {
        let most_ms = most.as_secs_f64() * 1e3;
        findings.extend(tally.latencies().filter(|(_, measured)| measured.p99 > most).map(
            |(name, measured)| {
                format!(
                    "the 99th percentile of {name} is {:.3} ms, {most_ms} ms may be",
                    measured.p99.as_secs_f64() * 1e3
                )
            },
        ));
    }
    if let Some(least) = common.min_rate.filter(|least| tally.rate() < *least) {
        findings.push(format!("{:.1} a second ended well, {least} should", tally.rate()));
    }
    if tally.held_back() > 0 {
        findings.push(format!(
            "{} were begun late since all endpoints were busy: the rate was not offered; give more endpoints or lines",
            tally.held_back()
        ));
    }
    findings
}

/// Prints a result; the exit code is its verdict.
pub(super) fn report(load: &str, peer: &dyn std::fmt::Display, common: &Common, tally: &Tally) -> Exit {
    let findings = findings(common, tally);
    let verdict = if findings.is_empty() { Verdict::Pass } else { Verdict::Fail };
    let report = Report {
        load,
        peer: peer.to_string(),
        begun: tally.begun(),
        done: tally.done(),
        failed: tally.failures(),
        reasons: tally.reasons().map(|(why, count)| Reason { why, count }).collect(),
        held_back: tally.held_back(),
        most_at_once: tally.most_at_once(),
        retransmissions: tally.retransmissions(),
        seconds: tally.took().as_secs_f64(),
        per_second: tally.rate(),
        latencies: tally.latencies().map(|(name, measured)| Latency::new(name, measured)).collect(),
        verdict,
        findings,
    };
    if common.json {
        print_json(&report);
    } else {
        print(&text(&report));
    }
    if verdict == Verdict::Pass { Exit::Good } else { Exit::Finding }
}

fn text(report: &Report<'_>) -> String {
    let mut out = format!(
        "{} against {}: {} begun, {} done, {} failed in {:.2} s: {:.1} a second, at most {} at once, {} retransmissions\n",
        report.load,
        report.peer,
        report.begun,
        report.done,
        report.failed,
        report.seconds,
        report.per_second,
        report.most_at_once,
        report.retransmissions,
    );
    for reason in &report.reasons {
        let _ = writeln!(out, "  failed: {} times {}", reason.count, reason.why);
    }
    if !report.latencies.is_empty() {
        let _ = writeln!(
            out,
            "  {:<12} {:>9} {:>10} {:>10} {:>10} {:>10} {:>10}",
            "latency, ms", "count", "p50", "p90", "p99", "p99.9", "max"
        );
    }
    for row in &report.latencies {
        let _ = writeln!(
            out,
            "  {:<12} {:>9} {:>10.3} {:>10.3} {:>10.3} {:>10.3} {:>10.3}",
            row.name, row.count, row.p50_ms, row.p90_ms, row.p99_ms, row.p999_ms, row.max_ms
        );
    }
    for finding in &report.findings {
        let _ = writeln!(out, "  finding: {finding}");
    }
    let _ = writeln!(out, "{}", if report.verdict == Verdict::Pass { "pass" } else { "fail" });
    out
}
