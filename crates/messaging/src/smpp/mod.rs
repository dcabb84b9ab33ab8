//! SMPP 3.4, and 5.0 as far as it is the same: short messages to and from a message centre over TCP.
//!
//! Octets go through these rooms on their way up: [`frame`] finds the units in a stream, [`pdu`] reads them ([`tlv`]: optional
//! parameters, [`status`]: the table of codes), `window` joins answers to requests, and [`client`] or [`centre`] is the state of a
//! link. [`receipt`] says which message a delivery receipt is for. None of these has a socket or a clock; [`link`] and
//! [`simulator`] drive them with tokio.

pub mod centre;
pub mod client;
pub mod frame;
pub mod link;
pub mod pdu;
pub mod receipt;
pub mod simulator;
pub mod status;
pub mod tlv;

mod window;

pub use centre::{Centre, CentreConfig};
pub use client::{Client, ClientConfig, Loss, Outcome, Token};
pub use pdu::{Address, Bind, BindKind, Body, Pdu, ShortMessage};
pub use receipt::{IdForm, MessageState, Receipt};
pub use status::{Class, Status};
pub use tlv::Tlv;
