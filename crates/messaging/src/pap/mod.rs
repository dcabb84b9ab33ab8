//! The Push Access Protocol (WAP-247): how pushes are submitted to a gateway, and results come back.
//!
//! - [`codes`]: its status codes. [`message`]: its documents as values. [`version`]: which of its versions a document is in.
//! - [`server`]: the gateway's side. [`notify`]: reports of results. [`client`]: the initiator's side.

pub mod client;
pub mod codes;
pub mod message;
pub mod notify;
pub mod server;
pub mod version;

pub use codes::Code;
pub use message::{Operation, Outcome, PushMessage, Quality, ResultNotification};
pub use version::Version;
