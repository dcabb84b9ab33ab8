//! `strowger run`: the exchange.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use strowger_node::config::{LoadError, StoreConfig};
use strowger_node::{Config, Node, Summary};
use tracing_subscriber::EnvFilter;

use crate::output::{Exit, complain, fail, print, print_json};

/// Run the exchange
///
/// Opens what the configuration names, puts the gateways into service and carries calls until it is told to stop.
/// One line on standard output says when it is ready and where it listens; the log goes to standard error.
/// SIGINT or SIGTERM stops it in order: calls may end for a while (--drain), records are written. A second
/// signal ends the waiting. Exit code: 0 when it stopped in order, 1 when it could not start, failed, or lost records,
/// 2 when the configuration cannot be read.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  strowger run -c examples/town.toml\n  \
    strowger run -c examples/town.toml --log debug --json 2> exchange.log")]
pub(crate) struct Arguments {
    /// The configuration file
    #[arg(short, long, value_name = "FILE")]
    config: PathBuf,
    /// How much to log: error, warn, info, debug, trace, or a filter such as "info,strowger_node=debug"
    #[arg(long, value_name = "FILTER", default_value = "info", env = "STROWGER_LOG")]
    log: String,
    /// Seconds that calls may go on after the signal to stop
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    drain: u64,
    /// Print the ready line and the log as JSON
    #[arg(long)]
    json: bool,
}

/// The ready line.
#[derive(Serialize)]
struct Ready<'r> {
    ready: bool,
    exchange: &'r str,
    mgcp: Option<SocketAddr>,
    megaco_text: Option<SocketAddr>,
    megaco_binary: Option<SocketAddr>,
    sip: Option<SocketAddr>,
    sips: Option<SocketAddr>,
    console: Option<SocketAddr>,
    push: Option<SocketAddr>,
    mmsc: Option<SocketAddr>,
    applications: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mail: Option<SocketAddr>,
}

pub(crate) fn execute(arguments: &Arguments) -> Exit {
    let Ok(filter) = EnvFilter::try_new(&arguments.log) else {
        return fail(
            Exit::Usage,
            &format!("--log {:?} is not a filter; expected info, debug, ...", arguments.log),
        );
    };
    let (config, report) = match Config::load(&arguments.config) {
        Ok(good) => good,
        Err(LoadError::Wrong(report)) => {
            complain(&report.render(true));
            return fail(Exit::Finding, &format!("{} is not good: see above", report.file()));
        }
        Err(error @ LoadError::Unreadable { .. }) => return fail(Exit::Usage, &error),
    };
    start_log(filter, arguments.json);
    for warning in report.to_rows() {
        let (file, line) = (&warning.file, warning.line);
        tracing::warn!(file, line, found = warning.found, expected = warning.expected, "configuration");
    }
    // Where nobody can call there are no records.
    if config.store == StoreConfig::Memory && !config.inventory.gateways.is_empty() {
        tracing::warn!("records are kept in memory: they are lost at exit");
    }
    let name = config.inventory.name.clone();
    let node = match Node::start(config, Vec::new()) {
        Ok(node) => node,
        Err(error) => return fail(Exit::Finding, &error),
    };
    tell_restored(&node);
    let ready = |node: &Node| tell_ready(node, &name, arguments.json);
    match node.run_until_signal(Duration::from_secs(arguments.drain), ready) {
        Ok(Summary { calls_left, records_lost: 0 }) => {
            tracing::info!(calls_left, "stopped");
            Exit::Good
        }
        Ok(Summary { calls_left, records_lost }) => {
            tracing::error!(calls_left, records_lost, "stopped; records were lost");
            Exit::Finding
        }
        Err(error) => fail(Exit::Finding, &error),
    }
}

/// Logs go to standard error: in colour on a terminal, as JSON when asked.
fn start_log(filter: EnvFilter, json: bool) {
    let colour = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started =
        if json { log.json().flatten_event(true).try_init() } else { log.with_ansi(colour).try_init() };
    if let Err(error) = started {
        complain(&format!("no log: {error}\n"));
    }
}

fn tell_restored(node: &Node) {
    let restored = node.restored();
    tracing::info!(
        epoch = restored.epoch().0,
        service_states = restored.service.len(),
        standing_calls = restored.standing.len(),
        settings = restored.settings.len(),
        "store opened"
    );
    for key in &restored.unknown_settings {
        tracing::warn!(key, "a setting is not known to this version and not applied");
    }
}

fn tell_ready(node: &Node, name: &str, json: bool) {
    let ready = Ready {
        ready: true,
        exchange: name,
        mgcp: node.mgcp(),
        megaco_text: node.megaco_text(),
        megaco_binary: node.megaco_binary(),
        sip: node.sip(),
        sips: node.sips(),
        console: node.console(),
        push: node.push(),
        mmsc: node.mmsc(),
        applications: node.applications(),
        mail: node.mail(),
    };
    if json {
        print_json(&ready);
        return;
    }
    let mgcp = ready.mgcp.map(|address| format!(", MGCP on {address}")).unwrap_or_default();
    let megaco = [ready.megaco_text, ready.megaco_binary].into_iter().flatten();
    let megaco: String = megaco.map(|address| format!(", Megaco on {address}")).collect();
    let sip = ready.sip.map(|address| format!(", SIP on {address}")).unwrap_or_default();
    let sips = ready.sips.map(|address| format!(", SIP over TLS on {address}")).unwrap_or_default();
    let console = ready.console.map(|address| format!(", console on http://{address}/health"));
    let push = ready.push.map(|address| format!(", push on http://{address}/pap")).unwrap_or_default();
    let mmsc = ready.mmsc.map(|address| format!(", MMSC on http://{address}/")).unwrap_or_default();
    let applications =
        ready.applications.map(|address| format!(", applications on http://{address}/")).unwrap_or_default();
    let mail = ready.mail.map(|address| format!(", mail on {address}")).unwrap_or_default();
    let console = console.unwrap_or_default();
    print(&format!(
        "exchange \"{name}\" is ready{mgcp}{megaco}{sip}{sips}{console}{push}{mmsc}{applications}{mail}\n"
    ));
}
