//! SMPP 3.4 and 5.0 without broadcasts: short messages to and from a message centre over TCP, with or without TLS.
//!
//! Octets go through these rooms on their way up: [`frame`] finds the units in a stream, [`pdu`] reads them ([`tlv`]: optional
//! parameters, [`status`]: the table of codes), `window` joins answers to requests, `pace` holds a link back, and [`client`] or
//! [`centre`] is the state of a link. [`receipt`] says which message a delivery receipt is for. None of these has a socket or a
//! clock; [`link`] and [`simulator`] drive them with tokio over a `transport`, with or without [`tls`].

pub mod centre;
pub mod client;
pub mod frame;
pub mod link;
pub mod pdu;
pub mod receipt;
pub mod simulator;
pub mod status;
pub mod tls;
pub mod tlv;

mod pace;
mod transport;
mod window;

pub use centre::{Centre, CentreConfig};
pub use client::{Client, ClientConfig, Delivery, Loss, Outcome, Token};
pub use pdu::{Address, Answer, Bind, BindKind, Body, Operation, Pdu, ShortMessage};
pub use receipt::{IdForm, MessageState, Receipt};
pub use status::{Class, Status};
pub use tls::{Authorities, ClientTls, ServerTls, TlsError};
pub use tlv::Tlv;
