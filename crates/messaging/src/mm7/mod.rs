//! MM7: how applications and an MMSC speak (3GPP TS 23.140 section 8.7 and annex L): SOAP with attachments over HTTP.
//!
//! - [`codes`]: what became of a request. [`message`]: requests and answers as values. [`read`] and [`mod@write`]: from and to elements.
//! - [`soap`]: the envelope, with transaction, version and namespace.
//!
//! The schema was not at hand: elements and codes are those of its releases 5 and 6 as they are published in use. Elements are read in
//! any order and in any namespace, and those that are not known are passed over; they are written in the order of release 6.

pub mod codes;
pub mod message;
pub mod read;
pub mod soap;
pub mod write;

pub use codes::StatusCode;
pub use message::{
    Address, Cancel, Content, Deliver, DeliveryReport, Message, MmStatus, Operation, ReadReply, Recipients,
    Replace, Sender, Status, Submit,
};
pub use soap::{Dialect, Soap};

/// The media type of an envelope (SOAP 1.1 section 6).
pub const XML: &str = "text/xml";
