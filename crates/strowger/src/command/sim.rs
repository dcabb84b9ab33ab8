//! `strowger sim`: a simulated town.

use serde::Serialize;
use strowger_capture::{Glyphs, Ladder, TextOptions};
use strowger_sim::{Options, Report, World};

use crate::output::{Exit, fail, print, print_json};

/// Run a simulated town from a seed
///
/// Exchange, gateways and subscribers run in virtual time over links that lose, delay, double and reorder datagrams; everything comes
/// from the seed. Prints the seed's options first, then the ladder, then what was found. Exit code: 0 if every invariant
/// held, 1 if not.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  strowger sim --seed 7\n  strowger sim --seed 7 --ladder none --json\n  \
    strowger sim --seed 1 --count 1000 --ladder none\n  strowger sim --seed 7 --mixed"
)]
pub(crate) struct Arguments {
    /// The seed
    #[arg(long, value_name = "N")]
    seed: u64,
    /// How many seeds to run, from this one on; the first that fails ends it
    #[arg(long, value_name = "N", default_value_t = 1)]
    count: u64,
    /// Let gateways speak Megaco too: the same town, where the seed also draws what each of them speaks
    #[arg(long)]
    mixed: bool,
    /// What to print of the ladder: the list of transactions, the picture, or none
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Form::List)]
    ladder: Form,
    /// Print the report as JSON, and no ladder but as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// One line a transaction.
    List,
    /// One column a party.
    Picture,
    /// Nothing.
    None,
}

#[derive(Serialize)]
struct Row<'r> {
    seed: u64,
    options: String,
    calls: usize,
    answered: usize,
    heard: usize,
    datagrams: u64,
    lost: u64,
    seconds: f64,
    violations: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ladder: Option<&'r Ladder>,
}

pub(crate) fn execute(arguments: &Arguments) -> Exit {
    for seed in arguments.seed..arguments.seed.saturating_add(arguments.count) {
        let options = if arguments.mixed { Options::draw_mixed(seed) } else { Options::draw(seed) };
        if !arguments.json {
            print(&format!("{options}\n"));
        }
        let world = match World::new(options) {
            Ok(world) => world,
            Err(error) => return fail(Exit::Finding, &error),
        };
        let (report, ladder) = world.run();
        // Of many seeds only the one that fails is looked at.
        let shown = arguments.count == 1 || !report.violations.is_empty();
        if arguments.json {
            print_json(&row(&report, (shown && arguments.ladder != Form::None).then_some(&ladder)));
        } else {
            if shown {
                print_ladder(arguments.ladder, &ladder);
            }
            let text = report.to_string();
            print(&format!("{}\n", text.split_once('\n').map_or(text.as_str(), |(_, rest)| rest)));
        }
        if !report.violations.is_empty() {
            return Exit::Finding;
        }
    }
    Exit::Good
}

fn print_ladder(form: Form, ladder: &Ladder) {
    match form {
        Form::List => print(&ladder.to_list(100)),
        Form::Picture => {
            print(&ladder.to_text(&TextOptions { glyphs: Glyphs::Ascii, ..TextOptions::default() }));
        }
        Form::None => {}
    }
}

fn row<'r>(report: &Report, ladder: Option<&'r Ladder>) -> Row<'r> {
    Row {
        seed: report.options.seed,
        options: report.options.to_string(),
        calls: report.calls,
        answered: report.answered,
        heard: report.heard,
        datagrams: report.fate.sent,
        lost: report.fate.lost,
        seconds: report.took.as_secs_f64(),
        violations: report.violations.iter().map(ToString::to_string).collect(),
        ladder,
    }
}
