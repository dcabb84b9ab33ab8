//! The commands. Each module has an `Arguments` with its help and an `execute` that does it.

mod check;
mod decode;
mod demo;
mod gateway;
mod handset;
mod load;
mod push;
mod run;
mod sim;

use clap::{Parser, Subcommand};

use crate::output::Exit;

/// Strowger, the softswitch: a call agent for media gateways, and the other side of its protocols.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, arg_required_else_help = true)]
pub(crate) struct Strowger {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Arguments),
    Gateway(gateway::Arguments),
    Sim(sim::Arguments),
    Run(run::Arguments),
    Check(check::Arguments),
    Decode(decode::Arguments),
    Load(load::Arguments),
    Push(push::Arguments),
    Handset(handset::Arguments),
}

impl Strowger {
    /// Does what the command line says.
    pub(crate) fn execute(self) -> Exit {
        match self.command {
            Command::Demo(arguments) => demo::execute(&arguments),
            Command::Gateway(arguments) => gateway::execute(&arguments),
            Command::Sim(arguments) => sim::execute(&arguments),
            Command::Run(arguments) => run::execute(&arguments),
            Command::Check(arguments) => check::execute(&arguments),
            Command::Decode(arguments) => decode::execute(&arguments),
            Command::Load(arguments) => load::execute(&arguments),
            Command::Push(arguments) => push::execute(&arguments),
            Command::Handset(arguments) => handset::execute(&arguments),
        }
    }
}
