//! The command line of Strowger.
//!
//! - `command`: one module a command, each with its arguments, its help and what it does.
//! - `output`: what all commands print by, and their exit codes.
//!
//! Results go to standard output, logs and complaints to standard error. Exit codes: 0 good, 1 a finding or a failure,
//! 2 the command was used wrongly.

mod command;
mod output;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    command::Strowger::parse().execute().into()
}
