//! Stories of the codec.
//!
//! - `decoding`: the RFC's own examples, and how messages come from real gateways.
//! - `checking`: which code a legal but unacceptable command gets.
//! - `hostile`: input that means harm.
//! - `properties`: what is built decodes, and what decodes is a fixed point.
//! - `values`: the values of parameters as types.
//! - `samples`, `probe`: the sample datagrams, and a walk over everything that a message can be asked.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a story that goes wrong says how")]

mod checking;
mod decoding;
mod hostile;
mod probe;
mod properties;
mod published;
mod samples;
mod values;
