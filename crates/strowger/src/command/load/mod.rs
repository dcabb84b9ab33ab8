//! `strowger load`: load for MGCP gateways and call agents.

mod calls;
mod mgcp;
mod report;

use std::time::Duration;

use strowger_load::{Amount, Offer};

use crate::output::{Exit, fail};

/// Load gateways and call agents, and judge how they bear it
///
/// Offers transactions or whole calls through a window (as many at a time) or at a rate (as many a second), prints what ended well, what
/// failed and why, and how long it took. Ctrl-C begins nothing more, ends what was begun, and prints that. Exit code: 0 if the load was
/// borne, 1 if units failed or a limit was passed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    strowger load mgcp --to 127.0.0.1:2427 --endpoint 'relay/1-64@gw1.town' --verb crcx --window 8 --count 10000\n  \
    strowger load calls -c examples/town.toml --rate 20 --duration 10")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Mgcp(mgcp::Arguments),
    Calls(calls::Arguments),
}

pub(crate) fn execute(arguments: &Arguments) -> Exit {
    match &arguments.what {
        What::Mgcp(arguments) => mgcp::execute(arguments),
        What::Calls(arguments) => calls::execute(arguments),
    }
}

/// How much is offered, and what is too much: the same for all loads.
#[derive(Debug, clap::Args)]
struct Common {
    /// So many at the same time
    #[arg(long, value_name = "N", conflicts_with = "rate", value_parser = clap::value_parser!(u32).range(1..))]
    window: Option<u32>,
    /// So many a second, however long each takes [default: a window of 1]
    #[arg(long, value_name = "N", value_parser = rate)]
    rate: Option<f64>,
    /// How many in all
    #[arg(long, value_name = "N", conflicts_with = "duration", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// For how many seconds [default: 10]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    duration: Option<Duration>,
    /// How many may fail before the exit code is 1
    #[arg(long, value_name = "N", default_value_t = 0)]
    max_failed: u64,
    /// The longest 99th percentile, in milliseconds, of any latency
    #[arg(long, value_name = "MS", value_parser = millis)]
    max_p99: Option<Duration>,
    /// The least rate of what ends well, a second
    #[arg(long, value_name = "N", value_parser = rate)]
    min_rate: Option<f64>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

impl Common {
    fn offer(&self) -> Offer {
        match (self.rate, self.window) {
            (Some(rate), _) => Offer::Rate(rate),
            (None, window) => Offer::Window(usize::try_from(window.unwrap_or(1)).unwrap_or(usize::MAX)),
        }
    }

    fn amount(&self) -> Amount {
        match self.count {
            Some(count) => Amount::Count(count),
            None => Amount::For(self.duration.unwrap_or(Duration::from_secs(10))),
        }
    }

    /// When a load that does not end by itself is given up: well after the longest that a transaction can take.
    fn limit(&self) -> Duration {
        let offered = match (self.amount(), self.offer()) {
            (Amount::For(time), _) => time,
            (Amount::Count(count), Offer::Rate(rate)) => {
                Duration::try_from_secs_f64(count as f64 / rate).unwrap_or(Duration::MAX)
            }
            (Amount::Count(_), Offer::Window(_)) => Duration::from_secs(86_400),
        };
        offered.saturating_add(Duration::from_secs(120))
    }
}

/// A random number for an engine; the exit code if the system has none.
fn seed() -> Result<[u8; 32], Exit> {
    let mut seed = [0; 32];
    match getrandom::fill(&mut seed) {
        Ok(()) => Ok(seed),
        Err(error) => Err(fail(Exit::Finding, &format!("the system gave no randomness: {error}"))),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(rate),
        _ => Err("expected a number a second above 0, as 500".into()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| "expected seconds, as 2.5".into())
}

fn millis(text: &str) -> Result<Duration, String> {
    let millis =
        text.parse::<f64>().ok().and_then(|millis| Duration::try_from_secs_f64(millis / 1000.0).ok());
    millis.ok_or_else(|| "expected milliseconds, as 20".into())
}
