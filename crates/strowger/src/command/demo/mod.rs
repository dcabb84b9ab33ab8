//! `strowger demo`: whole calls on one machine.
//!
//! - `town`: the exchange and the two gateways, on free loopback ports.
//! - `phone`: a SIP telephone, which registers.
//! - `tap`: what passed between them: ladder, capture, records.
//! - `verdict`: what must have held.
//! - `mms`: messages with a picture instead of a call.

mod mms;
mod phone;
mod tap;
mod town;
mod verdict;

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;
use strowger_capture::{Glyphs, Ladder, TextOptions};
use strowger_media::wav;
use strowger_node::ledger::CallDetail;

use crate::output::{Exit, complain, fail, print, print_json};
use town::{Act, CALLING, Town};
use verdict::Finding;

/// See two calls: an exchange, two gateways, a SIP telephone, three subscribers
///
/// Starts an exchange and two software gateways on loopback, with real UDP and real RTP. Subscriber 2001 dials 2002 digit by digit, the
/// telephone rings, both talk, and hang up; then 2001 calls 2003, a SIP telephone that has registered, and that hangs up. What each side heard is
/// compared with what the other said. Prints the ladder of the calls and their call detail records. With --mms, handsets send each other messages with a picture over an MMSC instead: notified over UDP,
/// in one short message and in two, fetched, compared octet by octet, and reported to the sender. Exit code: 0 only if everything held.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  strowger demo\n  strowger demo --json\n  strowger demo --wav /tmp/demo --pcap demo.pcapng\n  strowger demo --mms"
)]
pub(crate) struct Arguments {
    /// Keep what each side heard, and said, as WAV files in this folder
    #[arg(long, value_name = "DIR")]
    wav: Option<PathBuf>,
    /// Keep every datagram of the calls, signalling and media, in this file
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// Send messages with a picture over an MMSC instead of placing a call
    #[arg(long, conflicts_with_all = ["wav", "pcap"])]
    mms: bool,
    /// Print ladder, record and findings as JSON
    #[arg(long)]
    json: bool,
}

/// What is printed with `--json`.
#[derive(Serialize)]
struct Report<'r> {
    good: bool,
    seconds: f64,
    findings: &'r [Finding],
    /// That of the first call.
    cdr: Option<&'r CallDetail>,
    /// Those of all calls, in their order.
    cdrs: &'r [CallDetail],
    ladder: &'r Ladder,
}

pub(crate) fn execute(arguments: &Arguments) -> Exit {
    if arguments.mms {
        return mms::execute(arguments.json);
    }
    let started = Instant::now();
    let mut town = match Town::start() {
        Ok(town) => town,
        Err(why) => return fail(Exit::Finding, &format!("the demo cannot start: {why}")),
    };
    let acts = town.play(|what| {
        if !arguments.json {
            complain(&format!("{:6.2}  {what}\n", started.elapsed().as_secs_f64()));
        }
    });
    let took = town.take_apart();
    let seconds = started.elapsed().as_secs_f64();
    let findings = verdict::findings(&acts, &took);
    let good = findings.iter().all(|finding| finding.good);
    let tap = took.tap;
    if arguments.json {
        let report = Report {
            good,
            seconds,
            findings: &findings,
            cdr: tap.cdrs.first(),
            cdrs: &tap.cdrs,
            ladder: &tap.ladder,
        };
        print_json(&report);
    } else {
        print(&tap.ladder.to_text(&TextOptions { glyphs: Glyphs::Ascii, ..TextOptions::default() }));
        print("\nCall detail records\n");
        for cdr in &tap.cdrs {
            print(&format!("{}\n", serde_json::to_string_pretty(cdr).unwrap_or_default()));
        }
        print("\n");
        print_findings(&findings, seconds);
    }
    let kept = [
        arguments.pcap.as_deref().map(|file| keep(file, &tap.capture)),
        arguments.wav.as_deref().map(|folder| keep_sound(folder, &acts)),
    ];
    for result in kept.into_iter().flatten() {
        if let Err(why) = result {
            return fail(Exit::Finding, &why);
        }
    }
    if good { Exit::Good } else { Exit::Finding }
}

/// What held and what did not, one a line.
fn print_findings(findings: &[Finding], seconds: f64) {
    for finding in findings {
        let mark = if finding.good { "\x1b[32mheld  \x1b[0m" } else { "\x1b[1;31mFAILED\x1b[0m" };
        print(&format!("{mark} {}: {}\n", finding.what, finding.detail));
    }
    let good = findings.iter().all(|finding| finding.good);
    print(&format!("\n{} in {seconds:.1} s\n", if good { "everything held" } else { "not everything held" }));
}

fn keep(file: &Path, bytes: &[u8]) -> Result<(), String> {
    std::fs::write(file, bytes).map_err(|error| format!("{}: {error}", file.display()))
}

fn keep_sound(folder: &Path, acts: &[Act]) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for (number, Act { called, heard, .. }) in acts.iter().enumerate() {
        // What the caller heard in a further call has that call's name.
        let of = if number == 0 { String::new() } else { format!("-{called}") };
        for (name, samples) in [
            (format!("{CALLING}-heard{of}.wav"), &heard.by_calling),
            (format!("{called}-heard.wav"), &heard.by_called),
            (format!("{CALLING}-said.wav"), &heard.said_by_calling),
            (format!("{called}-said.wav"), &heard.said_by_called),
        ] {
            keep(&folder.join(name), &wav::encode(samples))?;
        }
    }
    Ok(())
}
