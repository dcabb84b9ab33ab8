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
