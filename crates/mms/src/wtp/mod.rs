//! The Wireless Transaction Protocol (WAP-224): transactions of classes 0 to 2 over datagrams, both roles, with
//! retransmission, verification of transactions, segmentation and re-assembly, in virtual time and bounded memory.
//!
//! - [`pdu`]: [`Packet`], octets to values and back.
//! - [`engine`]: [`Wtp`], the engine; `responder`: what only that role does.
//! - `transaction`: one transaction. `transfer`: one message on its way. [`config`]: timers and limits.

pub mod config;
pub mod engine;
pub mod pdu;

mod responder;
mod transaction;
mod transfer;

pub use config::{Timing, WtpLimits};
pub use engine::Wtp;
pub use pdu::{AbortReason, Class, Packet, Tid, Trailer};
pub use transaction::{Event, Transaction, WtpError};
