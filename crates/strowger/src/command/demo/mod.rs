//! `strowger demo`: a whole call on one machine.
//!
//! - `town`: the exchange and the two gateways, on free loopback ports.
//! - `tap`: what passed between them: ladder, capture, records.
//! - `verdict`: what must have held.
//! - `mms`: messages with a picture instead of a call.

mod mms;
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
use town::{CALLED, CALLING, Town};
use verdict::Finding;

/// See a call: an exchange, two gateways, two subscribers
///
/// Starts an exchange and two software gateways on loopback, with real UDP and real RTP. Subscriber 2001 dials 2002 digit by digit, the
/// telephone rings, both talk, and hang up. What each side heard is compared with what the other said. Prints the ladder of the
/// call and its call detail record. With --mms, handsets send each other messages with a picture over an MMSC instead: notified over UDP,
/// in one short message and in two, fetched, compared octet by octet, and reported to the sender. Exit code: 0 only if everything held.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  strowger demo\n  strowger demo --json\n  strowger demo --wav /tmp/demo --pcap demo.pcapng\n  strowger demo --mms"
)]
pub(crate) struct Arguments {
    /// Keep what each side heard, and said, as WAV files in this folder
    #[arg(long, value_name = "DIR")]
    wav: Option<PathBuf>,
    /// Keep every datagram of the call, signalling and media, in this file
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
    cdr: Option<&'r CallDetail>,
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
    let script = town.play(|what| {
        if !arguments.json {
            complain(&format!("{:6.2}  {what}\n", started.elapsed().as_secs_f64()));
        }
    });
    let took = town.take_apart();
    let seconds = started.elapsed().as_secs_f64();
    let findings = verdict::findings(script, &took);
    let good = findings.iter().all(|finding| finding.good);
    let tap = took.tap;
    if arguments.json {
        let report =
            Report { good, seconds, findings: &findings, cdr: tap.cdr.as_ref(), ladder: &tap.ladder };
        print_json(&report);
    } else {
        print(&tap.ladder.to_text(&TextOptions { glyphs: Glyphs::Ascii, ..TextOptions::default() }));
        print("\nCall detail record\n");
        match &tap.cdr {
            Some(cdr) => print(&format!("{}\n", serde_json::to_string_pretty(cdr).unwrap_or_default())),
            None => print("none\n"),
        }
        print("\n");
        print_findings(&findings, seconds);
    }
    let kept = [
        arguments.pcap.as_deref().map(|file| keep(file, &tap.capture)),
        arguments.wav.as_deref().map(|folder| keep_sound(folder, &took.heard)),
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

fn keep_sound(folder: &Path, heard: &town::Heard) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for (name, samples) in [
        (format!("{CALLING}-heard.wav"), &heard.by_calling),
        (format!("{CALLED}-heard.wav"), &heard.by_called),
        (format!("{CALLING}-said.wav"), &heard.said_by_calling),
        (format!("{CALLED}-said.wav"), &heard.said_by_called),
    ] {
        keep(&folder.join(name), &wav::encode(samples))?;
    }
    Ok(())
}
