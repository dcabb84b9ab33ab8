//! Megaco (H.248.1, RFC 3525), sans-IO: one message model, text and binary forms, packages, transactions.
//!
//! The rooms, from the wire upwards:
//!
//! - [`limits`], [`error`]: what one message may make a decoder do; what is wrong with it, where, by which clause, and the code of the answer.
//! - [`message`]: the types, the same for all forms: a superset of version 3.
//! - `token`: the tokens of the text form. [`text`]: messages from and to text, pretty and compact.
//! - [`binary`]: messages from and to BER, with a plan for the names of terminations.
//! - [`package`]: the packages of Annex E as one data table, which gives names their identifiers and values their types.
//! - [`transport`]: where messages come from, and what stands around them on the wire. [`transaction`]: who is listened to, at-most-once
//!   execution and retransmission, for both roles.
//! - [`controller`]: the controller's end of its associations with gateways.
//! - [`gateway`]: the gateway's end: contexts, terminations, events, signals.

mod token;

pub mod binary;
pub mod controller;
pub mod error;
pub mod gateway;
pub mod limits;
pub mod message;
pub mod package;
pub mod text;
pub mod transaction;
pub mod transport;

pub use error::{DecodeError, EncodeError, ErrorCode, Rule};
pub use limits::Limits;
pub use message::Message;

// The example of the README is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
