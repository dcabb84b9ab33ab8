//! WAP Push and MMS, sans-IO: what a push proxy, an MMSC and a handset say to each other, octet by octet.
//!
//! The rooms, from the wire upwards:
//!
//! - [`limits`], [`error`]: what one datagram may make a decoder do; what is wrong with it, where, and by which rule.
//! - `octets`: the cursor that every reader uses, with the value rules of WSP.
//! - [`mod@text`], [`charset`], [`words`], [`date`]: text in its character sets, RFC 2047 words, dates.
//! - [`wsp`]: PDUs and headers of the Wireless Session Protocol.
//! - [`wtp`]: transactions over datagrams, which sessions of WSP need.
//! - [`message`]: the types of MMS: messages, header fields, values, and which field stands where.
//! - [`binary`]: messages from and to octets.
//! - [`multipart`]: bodies of several parts.
//! - [`location`], [`smil`]: where a notification leads and whether a receiver may follow; presentations.
//! - [`wbxml`], [`xml`]: binary XML and the documents of push; a small reader of XML.
//! - [`sms`]: push in short messages: ports, segmentation, re-assembly.
//! - `hostile`: generators of malformed input, behind the feature of that name.

mod octets;

pub mod binary;
pub mod charset;
pub mod date;
pub mod error;
#[cfg(feature = "hostile")]
pub mod hostile;
pub mod limits;
pub mod location;
pub mod message;
pub mod multipart;
pub mod smil;
pub mod sms;
pub mod text;
pub mod wbxml;
pub mod words;
pub mod wsp;
pub mod wtp;
pub mod xml;

pub use binary::{decode, encode};
pub use charset::Charset;
pub use error::{DecodeError, Found, Rule};
pub use limits::Limits;
pub use message::{Field, FieldCode, Message, MessageType, Pdu, Version};
pub use text::Text;

// The example of the README is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
