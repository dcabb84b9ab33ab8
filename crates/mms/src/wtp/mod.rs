//! The Wireless Transaction Protocol (WAP-224): transactions of classes 0 to 2 over datagrams, both roles, with
//! retransmission, verification of transactions, segmentation and re-assembly, in virtual time and bounded memory.
//!
//! - [`pdu`]: [`Packet`], octets to values and back.
//! - [`engine`]: [`Wtp`], the engine. `transfer`: one message on its way. [`config`]: timers and limits.

pub mod config;
pub mod engine;
pub mod pdu;

mod transfer;

pub use config::{Timing, WtpLimits};
pub use engine::{Event, Transaction, Wtp, WtpError};
pub use pdu::{AbortReason, Class, Packet, Tid, Trailer};
