//! The push proxy gateway and its bearers.
//!
//! - [`smpp`]: sessions with message centres, both sides. [`smtp`]: mail between hosts, both sides.
//! - [`push`]: the gateway: who may push what to whom, and how it gets there.
//! - [`queue`]: what was accepted is delivered, whatever happens to the process.
//! - [`pap`], [`http`]: how pushes are submitted.
//! - [`mm7`]: how applications speak with an MMSC.
//! - [`mmsc`]: messages with pictures: submission, store, notification, retrieval, reports. [`handset`]: the other side of it.
//! - [`xml`]: documents from strangers, within bounds. [`mod@time`]: times as text. [`clock`]: the one place where the host's clocks are read.
//! - `accept`: connections for every server here. `counters`: how numbers are declared with their names.

mod accept;
#[macro_use]
mod counters;

pub mod clock;
pub mod handset;
pub mod http;
pub mod mm7;
pub mod mmsc;
pub mod pap;
pub mod push;
pub mod queue;
pub mod smpp;
pub mod smtp;
pub mod time;
pub mod xml;

// The example of the README is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
