//! Stories of the agent role: a call agent, and gateways that are scripted byte by byte.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod bulk;
mod busy;
mod commands_of_gateways;
mod connections;
mod dialects;
mod hostile;
mod names;
mod ordering;
mod outcomes;
mod pace;
mod stage;
mod supervision;
