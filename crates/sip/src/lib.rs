//! SIP (RFC 3261) without I/O: what a switch needs to call peers and to be called by them.
//!
//! ```text
//!   message, text        octets <-> messages
//!   transaction          a request, its repetitions and responses as one thing
//!   dialog, offer, auth  what outlasts a request: the peer, the descriptions, who is who
//!   registrar            where telephones are, and who may say so
//!   agent                calls to and from listed peers, over all of these
//! ```
//!
//! The rooms:
//!
//! - [`message`]: [`message::Message`] and the values of its fields. [`mod@text`]: the codec, and the verdicts of RFC 4475.
//! - [`transaction`]: the machines of RFC 3261 section 17 and RFC 6026.
//! - [`dialog`]: [`dialog::Dialog`]. [`offer`]: [`offer::Negotiation`]. [`auth`]: digest. [`cause`]: statuses and causes of Q.850.
//! - [`registrar`]: [`registrar::Registrar`]. [`agent`]: [`agent::UserAgent`], the engine that a host drives.
//! - [`locate`]: where a peer is that is known by a name.
//! - [`transport`], [`limits`], [`error`]: ways, bounds, and what is wrong with a message.

pub mod agent;
pub mod auth;
pub mod cause;
pub mod dialog;
pub mod error;
pub mod limits;
pub mod locate;
pub mod message;
pub mod offer;
pub mod registrar;
pub mod text;
pub mod transaction;
pub mod transport;

pub use error::{DecodeError, Rule};
pub use limits::Limits;
pub use transport::{Route, Transport};

// The example of the README is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
