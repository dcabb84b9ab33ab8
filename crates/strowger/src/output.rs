//! What all commands print by.
//!
//! Colour is for terminals, and not where `NO_COLOR` is set; `anstream` strips it elsewhere. A reader that
//! has gone away (`strowger … | head`) is no failure of ours.

use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All is well.
    Good,
    /// Something was found wrong, or failed.
    Finding,
    /// The command was used wrongly: an argument, a file that is not there.
    Usage,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Good => 0,
            Exit::Finding => 1,
            Exit::Usage => 2,
        })
    }
}

/// Prints a result.
pub(crate) fn print(text: &str) {
    let _ = anstream::stdout().lock().write_all(text.as_bytes());
}

/// Prints a result as one line of JSON.
pub(crate) fn print_json(value: &impl Serialize) {
    let mut out = io::stdout().lock();
    if serde_json::to_writer(&mut out, value).is_ok() {
        let _ = out.write_all(b"\n");
    }
    let _ = out.flush();
}

/// Prints a complaint.
pub(crate) fn complain(text: &str) {
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}

/// Prints why the command cannot go on.
pub(crate) fn fail(exit: Exit, why: &dyn std::fmt::Display) -> Exit {
    complain(&format!("\x1b[1;31merror:\x1b[0m {why}\n"));
    exit
}
