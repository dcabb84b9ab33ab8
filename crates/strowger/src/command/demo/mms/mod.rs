//! `strowger demo --mms`: messages with a picture, from handset to handset over one MMSC.
//!
//! - `town`: the MMSC, the push gateway, the message centre and the handsets, on loopback. `picture`: what is sent. `scratch`: where
//!   messages are kept.

mod picture;
mod scratch;
mod town;

use std::time::Instant;

use serde::Serialize;
use strowger_capture::{Glyphs, Ladder, TextOptions};

use super::verdict::Finding;
use crate::output::{Exit, complain, fail, print, print_json};

/// What is printed with `--json`.
#[derive(Serialize)]
struct Report<'r> {
    good: bool,
    seconds: f64,
    findings: &'r [Finding],
    ladder: &'r Ladder,
}

pub(super) fn execute(json: bool) -> Exit {
    let started = Instant::now();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(Exit::Finding, &format!("the demo cannot start: {error}")),
    };
    let played = runtime.block_on(town::play(|what| {
        if !json {
            complain(&format!("{:6.2}  {what}\n", started.elapsed().as_secs_f64()));
        }
    }));
    let (findings, ladder) = match played {
        Ok(played) => played,
        Err(why) => return fail(Exit::Finding, &format!("the demo cannot start: {why}")),
    };
    let seconds = started.elapsed().as_secs_f64();
    let good = findings.iter().all(|finding| finding.good);
    if json {
        print_json(&Report { good, seconds, findings: &findings, ladder: &ladder });
    } else {
        print(&ladder.to_text(&TextOptions { glyphs: Glyphs::Ascii, ..TextOptions::default() }));
        print("\n");
        super::print_findings(&findings, seconds);
    }
    if good { Exit::Good } else { Exit::Finding }
}
