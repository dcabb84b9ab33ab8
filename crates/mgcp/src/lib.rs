//! MGCP (RFC 3435): codec, transaction layer, gateway and call-agent roles, packages, digit maps.
//!
//! The rooms, from the wire upwards:
//!
//! - [`limits`]: what one datagram may make the codec do.
//! - [`message`]: the types. A [`message::Command`] or [`message::Response`] borrows from the datagram; its
//!   typed accessors cannot fail, since decoding checked the grammar of every value.
//! - [`text`]: bytes to messages and back, builders, and the checks that need tables ([`text::check`]).
//! - `scan`: the cursor over text that every reader of this crate uses.
//! - [`package`]: the packages of RFC 3660 as one data table.
//! - [`digitmap`]: digit maps compiled to a bounded automaton.
//! - [`dialect`]: how deployed peers differ from the RFC, as data.
//! - [`transaction`]: at-most-once execution and retransmission, for both roles.
//! - [`gateway`] and [`agent`]: the two roles.
//!
//! The codec stands alone:
//!
//! ```
//! use strowger_mgcp::dialect::Dialect;
//! use strowger_mgcp::limits::Limits;
//! use strowger_mgcp::message::{ConnectionMode, Message};
//! use strowger_mgcp::package::PackageSet;
//! use strowger_mgcp::text::{ResponseBuilder, check, datagram};
//!
//! let bytes = b"CRCX 1204 aaln/1@gw1.example.net MGCP 1.0\nC: A3C47F21456789F0\nL: p:10, a:PCMU\nM: recvonly\n";
//! for message in datagram(bytes, &Limits::DEFAULT) {
//!     match message? {
//!         Message::Command(command) => {
//!             assert_eq!(command.mode(), Some(ConnectionMode::RecvOnly));
//!             let answer = match check(&command, &Dialect::RFC3435, &PackageSet::ALL) {
//!                 Ok(()) => continue,
//!                 Err(refusal) => ResponseBuilder::new(refusal.code, command.transaction_id).finish(),
//!             };
//!             unreachable!("refused: {}", answer.escape_ascii());
//!         }
//!         Message::Response(response) => assert!(response.code.is_success()),
//!     }
//! }
//! # Ok::<(), strowger_mgcp::text::DecodeError>(())
//! ```

mod scan;

pub mod agent;
pub mod dialect;
pub mod digitmap;
pub mod gateway;
pub mod limits;
pub mod message;
pub mod package;
pub mod text;
pub mod transaction;

// The example of the README is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
