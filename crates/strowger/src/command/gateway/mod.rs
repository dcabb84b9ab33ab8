//! `strowger gateway`: the software media gateway.

mod desk;
mod endpoints;
mod megaco;
mod mgcp;
mod report;
mod site;

use crate::output::Exit;

/// Be a media gateway with telephones on it
///
/// A software gateway has virtual lines (aaln/1, aaln/2, …) with a telephone on each, packet relays (relay/1, …), and real
/// RTP. Subscribers do what commands say.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  \
    strowger gateway mgcp --listen 127.0.0.9:2427 --agent 127.0.0.1:2727 --domain gw1.town --lines 2 --control")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    protocol: Protocol,
}

#[derive(Debug, clap::Subcommand)]
enum Protocol {
    Mgcp(mgcp::Arguments),
    Megaco(megaco::Arguments),
}

pub(crate) fn execute(arguments: &Arguments) -> Exit {
    match &arguments.protocol {
        Protocol::Mgcp(arguments) => mgcp::execute(arguments),
        Protocol::Megaco(arguments) => megaco::execute(arguments),
    }
}
