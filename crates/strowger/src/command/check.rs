//! `strowger check`: everything that is wrong in a configuration, in one run.

use std::path::PathBuf;

use serde::Serialize;
use strowger_node::Config;
use strowger_node::config::{LoadError, Report, Row};

use crate::output::{Exit, complain, fail, print, print_json};

/// Validate a configuration file
///
/// All errors and warnings are shown, each with file, line and column, what was found and what is expected.
/// Nothing is opened. Exit code: 0 when the configuration runs (there may be warnings), 1 when it does not, 2 when the
/// file cannot be read.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  strowger check -c examples/town.toml")]
pub(crate) struct Arguments {
    /// The configuration file
    #[arg(short, long, value_name = "FILE")]
    config: PathBuf,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

/// The verdict as JSON.
#[derive(Serialize)]
struct Verdict {
    file: String,
    good: bool,
    errors: usize,
    warnings: usize,
    findings: Vec<Row>,
}

pub(crate) fn execute(arguments: &Arguments) -> Exit {
    let (config, report) = match Config::load(&arguments.config) {
        Ok((config, report)) => (Some(config), report),
        Err(LoadError::Wrong(report)) => (None, report),
        Err(error @ LoadError::Unreadable { .. }) => return fail(Exit::Usage, &error),
    };
    if arguments.json {
        print_json(&Verdict {
            file: report.file().to_owned(),
            good: config.is_some(),
            errors: report.errors(),
            warnings: report.warnings(),
            findings: report.to_rows(),
        });
    } else {
        complain(&report.render(true));
        print(&summary(config.as_ref(), &report));
    }
    if config.is_some() { Exit::Good } else { Exit::Finding }
}

fn summary(config: Option<&Config>, report: &Report) -> String {
    let file = report.file();
    match config {
        Some(config) => {
            let inventory = &config.inventory;
            let trunks = match inventory.trunks.len() {
                0 => String::new(),
                more => format!(", {}", count(more, "trunk")),
            };
            let telephones = match inventory.lines.iter().filter(|line| line.phone().is_some()).count() {
                0 => String::new(),
                more => format!(", {}", count(more, "telephone")),
            };
            let push = config.push.as_ref().map(|push| {
                let centres = count(push.centres.len(), "message centre");
                format!(", push gateway with {centres} and {}", count(push.users.len(), "user"))
            });
            let mmsc = config.mmsc.as_ref();
            let mmsc = mmsc.map(|mmsc| {
                let applications = match mmsc.applications.len() {
                    0 => String::new(),
                    more => format!(" and {}", count(more, "application")),
                };
                format!(", MMSC with {}{applications}", count(mmsc.subscribers.len(), "subscriber"))
            });
            format!(
                "{file}: \x1b[1;32mgood\x1b[0m: exchange \"{}\" with {}, {} and {}{}{}{}{}{}\n",
                inventory.name,
                count(inventory.gateways.len(), "gateway"),
                count(inventory.lines.len(), "line"),
                count(inventory.routes.len(), "route"),
                trunks,
                telephones,
                push.unwrap_or_default(),
                mmsc.unwrap_or_default(),
                match report.warnings() {
                    0 => String::new(),
                    warnings => format!(" ({})", count(warnings, "warning")),
                }
            )
        }
        None => format!("{file}: \x1b[1;31mnot good\x1b[0m: {}\n", count(report.errors(), "error")),
    }
}

fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
