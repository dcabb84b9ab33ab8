//! `strowger load mgcp`: transactions.

use std::net::SocketAddr;
use std::time::Duration;

use strowger_load::jobs::{JobConfig, JobLoad, Role, Work};
use strowger_load::{Load as _, Offer};
use strowger_mgcp::dialect::Dialect;
use strowger_mgcp::message::{EndpointNameBuf, SignalBuf};
use strowger_node::clock::Clock;
use strowger_node::load::LoadHost;
use strowger_sansio::Rng;

use super::{Common, report, seconds, seed};
use crate::output::{Exit, fail};

/// The most endpoints that one range may stand for.
const MOST_ENDPOINTS: u64 = 100_000;

/// Offer MGCP transactions to a gateway or a call agent
///
/// As a call agent: auep, rqnt, crcx (each connection is deleted again) and call (two connections joined both ways, then deleted). As a
/// gateway, to a call agent: ntfy and rsip. Every endpoint, or pair of endpoints for a call, has one at a time; give at least as many as the
/// window.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    strowger load mgcp --to 127.0.0.1:2427 --endpoint 'relay/1-64@gw1.town' --verb call --window 16 --duration 10\n  \
    strowger load mgcp --to 127.0.0.1:2427 --endpoint 'rtpbridge/0x1-0x40@mgw' --dialect osmo --verb crcx --rate 500 --json\n  \
    strowger load mgcp --to 127.0.0.1:2727 --from 127.0.0.9:2427 --endpoint 'aaln/1-4@gw1.town' --verb rsip --count 100")]
pub(super) struct Arguments {
    /// Where the commands go
    #[arg(long, value_name = "ADDRESS:PORT")]
    to: SocketAddr,
    /// Where they come from: the peer answers whom it knows [default: any free port beside it]
    #[arg(long, value_name = "ADDRESS:PORT")]
    from: Option<SocketAddr>,
    /// The endpoints: a name, with one range in it if there are several, in decimal or as 0x1-0xff; may be given again
    #[arg(long, value_name = "NAME", required = true)]
    endpoint: Vec<String>,
    /// What is done
    #[arg(long, value_enum, value_name = "VERB", default_value_t = Verb::Auep)]
    verb: Verb,
    /// How long a connection or a call stands, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = seconds)]
    hold: Duration,
    /// What notifications report
    #[arg(long, value_name = "EVENTS", default_value = "L/hu")]
    events: String,
    /// How the peer speaks
    #[arg(long, value_name = "NAME", default_value = "rfc3435")]
    dialect: String,
    #[command(flatten)]
    common: Common,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Verb {
    /// Audits of endpoints.
    Auep,
    /// Notification requests that ask for nothing.
    Rqnt,
    /// Connections, each deleted again.
    Crcx,
    /// Two connections joined both ways, then deleted.
    Call,
    /// Notifications.
    Ntfy,
    /// Restarts.
    Rsip,
}

impl Verb {
    const fn work(self) -> Work {
        match self {
            Self::Auep => Work::Audit,
            Self::Rqnt => Work::NotificationRequest,
            Self::Crcx => Work::Connection,
            Self::Call => Work::Call,
            Self::Ntfy => Work::Notification,
            Self::Rsip => Work::Restart,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Auep => "AUEP",
            Self::Rqnt => "RQNT",
            Self::Crcx => "CRCX and DLCX",
            Self::Call => "calls",
            Self::Ntfy => "NTFY",
            Self::Rsip => "RSIP",
        }
    }
}

pub(super) fn execute(arguments: &Arguments) -> Exit {
    let (config, mut host) = match prepare(arguments) {
        Ok(prepared) => prepared,
        Err(exit) => return exit,
    };
    let seed = match seed() {
        Ok(seed) => seed,
        Err(exit) => return exit,
    };
    let clock = Clock::start();
    let mut load = JobLoad::new(clock.now(), config, Rng::from_seed(seed));
    if let Err(error) = host.run(clock, &mut load, arguments.common.limit()) {
        return fail(Exit::Finding, &error);
    }
    report::report(arguments.verb.name(), &arguments.to, &arguments.common, load.tally())
}

fn prepare(arguments: &Arguments) -> Result<(JobConfig, LoadHost), Exit> {
    let usage = |why: String| fail(Exit::Usage, &why);
    let Some(dialect) = Dialect::find(&arguments.dialect) else {
        let known: Vec<_> = Dialect::ALL.iter().map(|dialect| dialect.name).collect();
        return Err(usage(format!("no dialect {:?}; known: {}", arguments.dialect, known.join(", "))));
    };
    let mut endpoints = Vec::new();
    for pattern in &arguments.endpoint {
        endpoints.extend(expand(pattern).map_err(&usage)?);
    }
    let work = arguments.verb.work();
    let places = endpoints.len() / work.endpoints();
    if places == 0 {
        return Err(usage("a call needs two endpoints, as --endpoint 'relay/1-2@gw1.town'".into()));
    }
    if let Offer::Window(window) = arguments.common.offer()
        && window > places
    {
        return Err(usage(format!("a window of {window} needs as many places, and there are {places}")));
    }
    let mut observed = Vec::new();
    for event in arguments.events.split(',').map(str::trim).filter(|event| !event.is_empty()) {
        let event =
            SignalBuf::parse(event).ok_or_else(|| usage(format!("{event:?} is no event, as L/hu is")))?;
        observed.push(event);
    }
    let from = arguments.from.unwrap_or_else(|| beside(arguments.to));
    let host = LoadHost::bind(&[from]).map_err(|error| fail(Exit::Finding, &error))?;
    let local = host.address(0).map_err(|error| fail(Exit::Finding, &error))?;
    let mut config = JobConfig::audits(arguments.to, endpoints);
    (config.work, config.offer, config.amount) = (work, arguments.common.offer(), arguments.common.amount());
    (config.hold, config.dialect, config.observed) = (arguments.hold, *dialect, observed);
    // Gateways may take media only where signalling comes from; nothing is sent on connections that nobody speaks on.
    let media_port = if work.role() == Role::Agent { 9 } else { 0 };
    config.media = SocketAddr::new(local.ip(), media_port);
    Ok((config, host))
}

/// Any free port, where the peer can be reached from.
fn beside(peer: SocketAddr) -> SocketAddr {
    if peer.ip().is_loopback() {
        SocketAddr::new(peer.ip(), 0)
    } else if peer.is_ipv4() {
        SocketAddr::from(([0, 0, 0, 0], 0))
    } else {
        SocketAddr::from(([0_u16; 8], 0))
    }
}

/// The names that a pattern stands for: `relay/1-64@gw1.town`.
fn expand(pattern: &str) -> Result<Vec<EndpointNameBuf>, String> {
    let illegal = || format!("{pattern:?} is no endpoint, as aaln/1@gw1.town or relay/1-64@gw1.town are");
    let (local, domain) = pattern.split_once('@').ok_or_else(illegal)?;
    let range = local.rsplit_once('/').and_then(|(before, last)| Some((before, range(last)?)));
    let Some((before, (numbers, hexadecimal))) = range else {
        return Ok(vec![EndpointNameBuf::parse(pattern).ok_or_else(illegal)?]);
    };
    if numbers.end() - numbers.start() >= MOST_ENDPOINTS {
        return Err(format!("{pattern:?} stands for more than {MOST_ENDPOINTS} endpoints"));
    }
    let name = |number| {
        let number = if hexadecimal { format!("{number:x}") } else { format!("{number}") };
        EndpointNameBuf::parse(&format!("{before}/{number}@{domain}")).ok_or_else(illegal)
    };
    numbers.map(name).collect()
}

/// `1-64` or `0x1-0x40`, and whether it is written in hexadecimal.
fn range(text: &str) -> Option<(std::ops::RangeInclusive<u64>, bool)> {
    let (first, last) = text.split_once('-')?;
    let (radix, first, last) = match (first.strip_prefix("0x"), last.strip_prefix("0x")) {
        (Some(first), Some(last)) => (16, first, last),
        (None, None) => (10, first, last),
        _ => return None,
    };
    let (first, last) = (u64::from_str_radix(first, radix).ok()?, u64::from_str_radix(last, radix).ok()?);
    (first <= last).then_some((first..=last, radix == 16))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_stands_for_its_endpoints_in_either_numbering() {
        let names =
            |pattern| expand(pattern).map(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>());
        let decimal = vec!["relay/9@gw".to_owned(), "relay/10@gw".to_owned()];
        assert_eq!(names("relay/9-10@gw"), Ok(decimal));
        let hexadecimal = vec!["rtpbridge/9@mgw".to_owned(), "rtpbridge/a@mgw".to_owned()];
        assert_eq!(names("rtpbridge/0x9-0xa@mgw"), Ok(hexadecimal));
        assert_eq!(names("ds/ds1-1/3@gw"), Ok(vec!["ds/ds1-1/3@gw".to_owned()]));
        assert!(names("relay/1-64").is_err());
        assert!(names("relay/1-9999999@gw").is_err());
    }
}
