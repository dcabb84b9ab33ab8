//! The deterministic simulator.
//!
//! One seed draws everything: the town, the links, what its subscribers do and when. The engines are those that run in
//! production; only sockets and clocks are missing, so that a run takes milliseconds and can be repeated bit by bit.
//!
//! - [`network`]: datagrams in virtual time, lost, doubled, delayed and overtaken.

pub mod network;

pub use network::{Fate, Link, Network, Packet};
