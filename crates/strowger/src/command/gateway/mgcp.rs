//! `strowger gateway mgcp`.

use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use strowger_mgcp::dialect::Dialect;
use strowger_mgcp::gateway::{CallAgent, GatewayConfig, RangeWildcards, Switchback};
use strowger_node::gateway::HostConfig;
use strowger_softgateway::SoftGatewayConfig;

use super::desk::{Orders, run};
use super::endpoints::MoreEndpoints;
use super::site::Site;
use crate::output::{Exit, fail};

/// Be an MGCP gateway (RFC 3435)
///
/// Announces itself to the call agent and obeys it. With --control it reads commands from standard input, one a line, and
/// prints what happens on each line as JSON; the end of the input stops it. With --script it does the commands of a file one
/// after the other and exits with 0 if every expectation was met, with 1 if not. With neither it serves until SIGINT or
/// SIGTERM.
///
/// Commands: LINE off-hook | on-hook | flash | dial DIGITS | pulse DIGITS | key N | play tone:HZ or FILE [for 2s] | quiet | record FILE |
/// expect SIGN [within 5s], wait 500ms, and of the operator, for all endpoints or behind the name of some: out-of-service,
/// out-of-service forced, out-of-service graceful 30s, in-service, in-service 30s. SIGN: ring, ring-end, caller NUMBER, key N TEXT, dial-tone, ringback, busy, congestion, sit,
/// howler, silence, tone:HZ or FILE. For LINE may stand a circuit, as ds/a/1, whose far end can play, be quiet, flash, and seize | wink | answer | release |
/// outpulse DIGITS | pulse DIGITS | caller NUMBER NAME | cas off-hook, on-hook, ring, quiet, open or closed, and notices off-hook, on-hook, wink, number DIGITS, open, ring,
/// ring-end, tone:HZ and silence. Without LINE the command is for the line named last.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    strowger gateway mgcp --listen 127.0.0.9:2427 --agent 127.0.0.1:2727 --domain gw1.town --lines 2 --control\n  \
    strowger gateway mgcp --listen 127.0.0.9:2427 --agent 127.0.0.1:2727 --domain gw1.town --lines 2 --script call.txt\n  \
    strowger gateway mgcp --lines 0 --conferences 2 --announcements prompts --trunks a:24:ms --trunks b:24:ms --cross a=b")]
pub(crate) struct Arguments {
    /// Where it listens for commands; its RTP is on the same address
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:2427")]
    listen: SocketAddr,
    /// The call agent; several addresses of one call agent with commas between, or its host name, which is looked up again when
    /// it does not answer
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:2727", value_delimiter = ',')]
    agent: Vec<String>,
    /// Further call agents: they may command the gateway, and with dialect mgcp-0.1 take over in this order when one is silent for 30 s
    #[arg(long, value_name = "ADDRESS:PORT", value_delimiter = ',')]
    next_agent: Vec<SocketAddr>,
    /// When its endpoints return to a call agent that was silent, with dialect mgcp-0.1: graceful (no call is left), immediate, never, or
    /// the minutes for which it must have answered, 1 to 1440
    #[arg(long, value_name = "WHEN", default_value = "graceful", value_parser = switchback)]
    switchback: Switchback,
    /// The domain of its endpoint names
    #[arg(long, value_name = "NAME", default_value = "gw1.town")]
    domain: String,
    /// How many analogue lines it has
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    lines: u32,
    /// How many packet relays it has
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    relays: u32,
    #[command(flatten)]
    more: MoreEndpoints,
    /// How many connections it can have at a time: so many pairs of UDP ports are opened at once
    /// [default: two a line, relay and circuit, eight a conference and server, at least 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=20_000))]
    connections: Option<u32>,
    /// How it speaks: rfc3435, rfc2705, mgcp-0.1, ncs, tgcp or osmo
    #[arg(long, value_name = "NAME", default_value = "rfc3435")]
    dialect: String,
    /// The call agent understands range wildcards as aaln/[1-12]
    #[arg(long)]
    range_wildcards: bool,
    #[command(flatten)]
    site: Site,
    #[command(flatten)]
    orders: Orders,
}

pub(super) fn execute(arguments: &Arguments) -> Exit {
    match host_config(arguments) {
        Ok(config) => run(config, &arguments.orders),
        Err(why) => fail(Exit::Usage, &why),
    }
}

fn host_config(arguments: &Arguments) -> Result<HostConfig, String> {
    let site = &arguments.site;
    let dialect = Dialect::ALL.iter().find(|dialect| dialect.name == arguments.dialect);
    let dialect = dialect.ok_or_else(|| {
        let known: Vec<_> = Dialect::ALL.iter().map(|dialect| dialect.name).collect();
        format!("no dialect {:?}; known: {}", arguments.dialect, known.join(", "))
    })?;
    let ranges = match arguments.range_wildcards {
        true => RangeWildcards::Supported,
        false => RangeWildcards::Unsupported,
    };
    let gateway = GatewayConfig::new(arguments.domain.clone(), call_agent(&arguments.agent, ranges)?)
        .with_lines(arguments.lines)
        .with_relays(arguments.relays);
    let mut gateway = arguments.more.endpoints(gateway);
    gateway.aliases.push(format!("[{}]", arguments.listen.ip()));
    gateway
        .call_agents
        .extend(arguments.next_agent.iter().map(|address| CallAgent { ranges, ..CallAgent::at(*address) }));
    gateway.dialect = *dialect;
    gateway.timers.protocol.mwd = site.waiting_delay()?;
    gateway.timers.keepalive.switchback = arguments.switchback;
    let mut soft = SoftGatewayConfig::new(gateway);
    soft.tones = site.tones()?;
    soft.display = site.display();
    soft.asks_for_reports = site.rtcp_xr;
    soft.port_rest = site.port_rest()?;
    arguments.more.furnish(&mut soft)?;
    let wanted = (arguments.lines + arguments.relays)
        .saturating_mul(2)
        .saturating_add(arguments.more.connections())
        .clamp(8, 20_000);
    let connections = usize::try_from(arguments.connections.unwrap_or(wanted)).unwrap_or(usize::MAX);
    Ok(HostConfig {
        listen: arguments.listen,
        rtp_ports: site.rtp_ports.clone(),
        connections,
        recordings: arguments.more.announcements.clone(),
        busy_poll: site.busy_poll(),
        gateway: soft,
    })
}

fn switchback(when: &str) -> Result<Switchback, String> {
    match when {
        "graceful" => Ok(Switchback::Graceful),
        "immediate" => Ok(Switchback::Immediate),
        "never" => Ok(Switchback::Never),
        minutes => match minutes.parse::<u64>() {
            Ok(minutes @ 1..=1440) => Ok(Switchback::UptimeDelay(Duration::from_secs(minutes * 60))),
            _ => Err("graceful, immediate, never, or minutes from 1 to 1440".to_owned()),
        },
    }
}

/// The call agent that `--agent` means: its addresses in the order given, a name by what it stands for now.
fn call_agent(given: &[String], ranges: RangeWildcards) -> Result<CallAgent, String> {
    let mut addresses = Vec::new();
    let mut host: Option<&String> = None;
    for text in given {
        if let Ok(address) = text.parse::<SocketAddr>() {
            addresses.push(address);
            continue;
        }
        if let Some(first) = host.replace(text) {
            return Err(format!("--agent: {first} and {text}: one call agent has one host name"));
        }
        let found = text.to_socket_addrs().map_err(|error| format!("--agent {text}: {error}"))?;
        addresses.extend(found);
    }
    let (address, others) = addresses.split_first().ok_or("--agent: the name has no address")?;
    let agent = CallAgent { others: others.to_vec(), ranges, ..CallAgent::at(*address) };
    Ok(match host {
        Some(host) => agent.resolved_by(host),
        None => agent,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_return_to_a_call_agent_has_words_and_minutes() {
        assert_eq!(switchback("graceful"), Ok(Switchback::Graceful));
        assert_eq!(switchback("immediate"), Ok(Switchback::Immediate));
        assert_eq!(switchback("never"), Ok(Switchback::Never));
        assert_eq!(switchback("5"), Ok(Switchback::UptimeDelay(Duration::from_secs(300))));
        for wrong in ["", "0", "1441", "soon", "-1"] {
            assert!(switchback(wrong).is_err(), "{wrong}");
        }
    }
}
