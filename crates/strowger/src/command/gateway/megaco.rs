//! `strowger gateway megaco`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use strowger_exchange::MegacoProfile;
use strowger_megaco::binary::{self, NamePlan, ValueForm};
use strowger_megaco::gateway::GatewayConfig;
use strowger_megaco::message::{Caseless, Mid, OwnedMid, Version};
use strowger_megaco::text::Layout;
use strowger_megaco::transaction::{Coding, Dialect, Form, PeerConfig, Route};
use strowger_node::gateway::HostConfig;
use strowger_sansio::SocketId;
use strowger_softgateway::{MegacoConfig, SoftGatewayConfig};

use super::desk::{Orders, run};
use super::endpoints::recordings;
use super::site::Site;
use crate::output::{Exit, fail};

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Encoding {
    /// Text with long tokens
    Pretty,
    /// Text with short tokens
    Compact,
    /// The binary form
    Ber,
}

/// How values are octets in the binary form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Values {
    /// BER within an octet string (RFC 3525 Annex A.2 note 4)
    Wrapped,
    /// As they are: what controllers built on the megaco application of Erlang/OTP read
    Raw,
}

/// Be a Megaco gateway (H.248.1, RFC 3525)
///
/// Registers with a controller and obeys it. Its terminations are the lines aaln/1 to aaln/N, circuits ds/1 to ds/N and, while they
/// are in a context, streams rtp/1 and so on. Commands, scripts and what is printed are those of `strowger gateway mgcp`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  \
    strowger gateway megaco --mgc 127.0.0.1:2944 --mid gw1.town --lines 2 --encoding compact --control")]
pub(crate) struct Arguments {
    /// The controllers, the primary one first
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:2944", value_delimiter = ',')]
    mgc: Vec<SocketAddr>,
    /// Its signalling address; its RTP is on the same host [default: 127.0.0.1 and a free port]
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// What carries its messages
    #[arg(long, value_name = "NAME", value_enum, default_value = "udp")]
    transport: Carrier,
    /// How its messages are written until the controller is found to write otherwise
    #[arg(long, value_name = "NAME", value_enum, default_value = "compact")]
    encoding: Encoding,
    /// What it calls itself: a domain name, `[ADDRESS]` or `[ADDRESS]:PORT`
    #[arg(long, value_name = "NAME", default_value = "gw1.town")]
    mid: String,
    /// How the names of its terminations are octets in the binary form
    #[arg(long, value_name = "PLAN", default_value = "8:aaln,rtp,ds/24:number")]
    names: NamePlan,
    /// How values are octets in the binary form until the controller is found to write otherwise
    #[arg(long, value_name = "FORM", value_enum, default_value = "wrapped")]
    values: Values,
    /// The version of the protocol that it proposes
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=3))]
    protocol_version: u8,
    /// The profile of the protocol that it proposes, with its version
    #[arg(long, value_name = "NAME/VERSION")]
    profile: Option<MegacoProfile>,
    /// How many analogue lines it has
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    lines: u32,
    /// How many circuits of trunks it has: ds/1 to ds/N
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    circuits: u32,
    /// Joins two circuits back to back
    #[arg(long, value_name = "N=M", value_parser = cross)]
    cross: Vec<(u32, u32)>,
    /// The folder with the WAV files of its announcements: 39.wav is what an/apf with the number 39 gives
    #[arg(long, value_name = "DIR")]
    announcements: Option<PathBuf>,
    /// How many streams it can have at a time: so many pairs of UDP ports are opened at once [default: four a line, at least 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=20_000))]
    connections: Option<u32>,
    #[command(flatten)]
    site: Site,
    #[command(flatten)]
    orders: Orders,
}

/// What carries messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Carrier {
    /// Datagrams
    Udp,
    /// A connection to the controller, from the host of --listen
    Tcp,
}

pub(super) fn execute(arguments: &Arguments) -> Exit {
    match host_config(arguments) {
        Ok(config) => run(config, &arguments.orders),
        Err(why) => fail(Exit::Usage, &why),
    }
}

fn host_config(arguments: &Arguments) -> Result<HostConfig, String> {
    let site = &arguments.site;
    let mid = mid(&arguments.mid).ok_or_else(|| {
        format!(
            "--mid {:?} is no identifier; expected a domain name, [ADDRESS] or [ADDRESS]:PORT",
            arguments.mid
        )
    })?;
    let mut gateway = GatewayConfig::new(mid).with_lines(arguments.lines).with_circuits(arguments.circuits);
    let form = match arguments.encoding {
        Encoding::Pretty => Form::Text(Layout::Pretty),
        Encoding::Compact => Form::Text(Layout::Compact),
        Encoding::Ber => Form::Binary,
    };
    let values = match arguments.values {
        Values::Wrapped => ValueForm::Wrapped,
        Values::Raw => ValueForm::Raw,
    };
    let binary = binary::Options { plan: arguments.names.clone(), values, ..binary::Options::default() };
    let coding = Arc::new(Coding { binary, ..Coding::default() });
    for address in &arguments.mgc {
        let dialect = Dialect { form, values, ..Dialect::default() };
        let coding = Arc::clone(&coding);
        let peer = match arguments.transport {
            Carrier::Udp => PeerConfig::at(Route::udp(*address)),
            // The way there is known when the connection stands.
            Carrier::Tcp => {
                PeerConfig { route: None, ..PeerConfig::at(Route::tcp(SocketId::MAIN, *address)) }
            }
        };
        gateway = gateway.with_controller(PeerConfig { dialect, coding, ..peer });
    }
    gateway.version = Version::new(arguments.protocol_version).unwrap_or(gateway.version);
    gateway.profile = arguments.profile.clone().map(|profile| (profile.name, profile.version));
    gateway.waiting_delay = site.waiting_delay()?;
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).ok();
    let mut soft = SoftGatewayConfig::megaco(MegacoConfig { gateway, since_1970 });
    soft.tones = site.tones()?;
    soft.display = site.display();
    soft.asks_for_reports = site.rtcp_xr;
    soft.port_rest = site.port_rest()?;
    for (one, other) in &arguments.cross {
        if [one, other].into_iter().any(|number| !(1..=arguments.circuits).contains(number)) {
            return Err(format!("--cross {one}={other} names a circuit that --circuits does not"));
        }
        soft.crossed.push((format!("ds/{one}"), format!("ds/{other}")));
    }
    if let Some(folder) = &arguments.announcements {
        soft.announcements = recordings(folder)?;
    }
    let wanted = arguments.lines.saturating_add(arguments.circuits).saturating_mul(4).clamp(8, 20_000);
    let connections = usize::try_from(arguments.connections.unwrap_or(wanted)).unwrap_or(usize::MAX);
    Ok(HostConfig {
        listen: arguments.listen,
        rtp_ports: site.rtp_ports.clone(),
        connections,
        recordings: arguments.announcements.clone(),
        busy_poll: site.busy_poll(),
        gateway: soft,
    })
}

/// `1=2`.
fn cross(text: &str) -> Result<(u32, u32), String> {
    let two = text.split_once('=').and_then(|(one, two)| Some((one.parse().ok()?, two.parse().ok()?)));
    two.filter(|(one, two)| one != two).ok_or_else(|| "two circuits, as 1=2".into())
}

/// `gw1.town`, `[192.0.2.1]`, `[192.0.2.1]:2944`.
fn mid(text: &str) -> Option<OwnedMid> {
    let Some(rest) = text.strip_prefix('[') else {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        let is_legal = (1..=64).contains(&text.len()) && text.bytes().all(is_name);
        return is_legal.then(|| Mid::Domain(Caseless::new(text), None).into());
    };
    let (address, port) = rest.split_once(']')?;
    let port = match port.strip_prefix(':') {
        Some(port) => Some(port.parse().ok()?),
        None if port.is_empty() => None,
        None => return None,
    };
    Some(match address.parse().ok()? {
        std::net::IpAddr::V4(address) => OwnedMid::Ip4(address.octets(), port),
        std::net::IpAddr::V6(address) => OwnedMid::Ip6(address.octets(), port),
    })
}
