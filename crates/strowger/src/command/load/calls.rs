//! `strowger load calls`: whole calls through a call agent.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use strowger_exchange::{DialectChoice, Inventory};
use strowger_load::Load as _;
use strowger_load::calls::{CallConfig, CallLoad, LoadGateway, LoadLine};
use strowger_mgcp::dialect::Dialect;
use strowger_node::Config;
use strowger_node::clock::Clock;
use strowger_node::load::LoadHost;
use strowger_sansio::Rng;

use super::{Common, report, seconds, seed};
use crate::output::{Exit, complain, fail, print};

/// Offer whole calls to a call agent
///
/// Plays all MGCP gateways of a configuration, and their lines: half of the subscribers call the other half, each a line of another gateway where
/// there are several; or, with --to, all call a number that is not theirs. A call is good if it was dialled, rung, answered, joined both ways and released. The configuration is
/// the exchange's own; for another call agent, write one that names its address under `listen` and the gateways and lines that it knows.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    strowger load calls -c examples/town.toml --window 1 --count 10\n  \
    strowger load calls --make-config 8x250 > load.toml\n  \
    strowger load calls -c load.toml --rate 500 --duration 10 --max-p99 20\n  \
    strowger load calls -c load.toml --to 95550199 --rate 500 --duration 10")]
pub(super) struct Arguments {
    /// The configuration of the exchange
    #[arg(short, long, value_name = "FILE", required_unless_present = "make_config")]
    config: Option<PathBuf>,
    /// The call agent, when it is not where the configuration listens
    #[arg(long, value_name = "ADDRESS:PORT")]
    agent: Option<SocketAddr>,
    /// All lines call this number, which somebody else answers, as a SIP peer behind the call agent
    #[arg(long, value_name = "DIGITS", conflicts_with = "ring")]
    to: Option<String>,
    /// How long the called line rings, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = seconds)]
    ring: Duration,
    /// How long they talk, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = seconds)]
    hold: Duration,
    /// How long a step of the call agent may take before the call has failed, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    patience: Duration,
    /// Print a configuration of so many gateways with so many lines each, on loopback, and do nothing else
    #[arg(long, value_name = "GATEWAYSxLINES", value_parser = size)]
    make_config: Option<(u32, u32)>,
    #[command(flatten)]
    common: Common,
}

pub(super) fn execute(arguments: &Arguments) -> Exit {
    if let Some((gateways, lines)) = arguments.make_config {
        print(&made_config(gateways, lines));
        return Exit::Good;
    }
    let Some(path) = &arguments.config else { return Exit::Usage };
    let (config, addresses) = match prepare(arguments, path) {
        Ok(prepared) => prepared,
        Err(exit) => return exit,
    };
    let mut host = match LoadHost::bind(&addresses) {
        Ok(host) => host,
        Err(error) => return fail(Exit::Finding, &error),
    };
    let seed = match seed() {
        Ok(seed) => seed,
        Err(exit) => return exit,
    };
    let agent = config.agent;
    let clock = Clock::start();
    let mut load = match CallLoad::new(clock.now(), config, Rng::from_seed(seed)) {
        Ok(load) => load,
        Err(error) => return fail(Exit::Usage, &error),
    };
    if let Err(error) = host.run(clock, &mut load, arguments.common.limit()) {
        return fail(Exit::Finding, &error);
    }
    report::report("calls", &agent, &arguments.common, load.tally())
}

fn prepare(arguments: &Arguments, path: &Path) -> Result<(CallConfig, Vec<SocketAddr>), Exit> {
    let (config, warnings) = Config::load(path).map_err(|error| {
        complain(&format!("{error}"));
        Exit::Usage
    })?;
    complain(&warnings.to_string());
    let agent = arguments.agent.or(config.listen.mgcp);
    let Some(agent) = agent else {
        return Err(fail(
            Exit::Usage,
            &"the configuration listens for no gateway: name the call agent with --agent",
        ));
    };
    let (gateways, lines) = players(&config.inventory);
    if lines.len() < if arguments.to.is_some() { 1 } else { 2 } {
        return Err(fail(Exit::Usage, &"there are not lines enough for a call in the configuration"));
    }
    let addresses = gateways.iter().map(|gateway| gateway.address).collect();
    let config = CallConfig {
        agent,
        gateways,
        lines,
        number: arguments.to.clone(),
        offer: arguments.common.offer(),
        amount: arguments.common.amount(),
        ring: arguments.ring,
        hold: arguments.hold,
        patience: arguments.patience,
        restart_delay: Duration::from_millis(100),
    };
    Ok((config, addresses))
}

/// The gateways and lines of an inventory, in an order in which neighbours hang on different gateways where that is possible.
fn players(inventory: &Inventory) -> (Vec<LoadGateway>, Vec<LoadLine>) {
    let gateways = inventory.gateways.iter().map(|gateway| LoadGateway {
        address: match &gateway.host {
            Some(host) => host.to_socket_addrs().ok().and_then(|mut found| found.next()),
            None => None,
        }
        .unwrap_or(gateway.address),
        domain: gateway.domain.clone(),
        dialect: match gateway.dialect {
            DialectChoice::Auto | DialectChoice::Rfc3435 => Dialect::RFC3435,
            DialectChoice::Mgcp01 => Dialect::MGCP_0_1,
            DialectChoice::Rfc2705 => Dialect::RFC2705,
            DialectChoice::Ncs => Dialect::NCS,
            DialectChoice::Tgcp => Dialect::TGCP,
            DialectChoice::Osmo => Dialect::OSMO,
        },
    });
    let place: BTreeMap<_, _> =
        inventory.gateways.iter().enumerate().map(|(place, gateway)| (gateway.id.as_str(), place)).collect();
    let mut by_gateway: Vec<Vec<LoadLine>> = vec![Vec::new(); inventory.gateways.len()];
    for line in &inventory.lines {
        let Some(gateway) = place.get(line.gateway()).copied() else { continue };
        let of = LoadLine { gateway, endpoint: line.endpoint().to_owned(), number: line.number.clone() };
        if let Some(lines) = by_gateway.get_mut(gateway) {
            lines.push(of);
        }
    }
    // Of two gateways with the most lines left, one gives the caller and one the called line.
    let mut lines = Vec::with_capacity(inventory.lines.len());
    loop {
        by_gateway.sort_by_key(|lines| std::cmp::Reverse(lines.len()));
        let second = usize::from(by_gateway.get(1).is_some_and(|lines| !lines.is_empty()));
        let two = [0, second].map(|place| by_gateway.get_mut(place).and_then(Vec::pop));
        let before = lines.len();
        lines.extend(two.into_iter().flatten());
        if lines.len() < before + 2 {
            break;
        }
    }
    (gateways.collect(), lines)
}

/// `8x250`.
fn size(text: &str) -> Result<(u32, u32), String> {
    let wrong = || "expected GATEWAYSxLINES, as 8x250: up to 250 gateways, 100000 lines in all".to_owned();
    let (gateways, lines) = text.split_once('x').ok_or_else(wrong)?;
    let (gateways, lines) = (gateways.parse().map_err(|_| wrong())?, lines.parse().map_err(|_| wrong())?);
    let legal =
        (1..=250).contains(&gateways) && lines >= 1 && u64::from(gateways) * u64::from(lines) <= 100_000;
    legal.then_some((gateways, lines)).ok_or_else(wrong)
}

/// A configuration that an exchange and a load can share.
fn made_config(gateways: u32, lines: u32) -> String {
    let mut text = String::from(
        "# For a load: strowger run -c FILE, and strowger load calls -c FILE beside it.\n\
         [exchange]\nname = \"load\"\ncountry = \"us\"\n\n\
         [listen]\nmgcp = \"127.0.0.1:2727\"\n",
    );
    for gateway in 1..=gateways {
        let _ = write!(
            text,
            "\n[[gateway]]\nid = \"gw{gateway}\"\nprotocol = \"mgcp\"\naddress = \"127.0.1.{gateway}:2427\"\n\
             domain = \"gw{gateway}.load\"\n"
        );
    }
    for line in 0..gateways * lines {
        let (gateway, endpoint) = (line % gateways + 1, line / gateways + 1);
        let _ = write!(
            text,
            "\n[[line]]\nnumber = \"2{line:05}\"\ngateway = \"gw{gateway}\"\nendpoint = \"aaln/{endpoint}\"\n"
        );
    }
    text
}
