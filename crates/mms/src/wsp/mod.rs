//! The Wireless Session Protocol (WAP-230): PDUs, headers, media types, and the tables behind them.
//!
//! - [`pdu`]: [`Pdu`], [`decode`], [`decode_connectionless`]; capabilities and addresses.
//! - [`header`]: [`Headers`], checked once and read lazily; [`HeadersBuf`] to put a block together.
//! - [`content_type`]: [`ContentType`] with [`Parameters`](content_type::Parameters).
//! - [`table`]: header codes, media types, parameters, applications, status codes.
//! - [`sia`]: session initiation, the push that asks a client to begin a session.
//! - [`session`]: sessions over WTP, with confirmed push, in virtual time.

pub mod content_type;
pub mod header;
pub mod pdu;
pub mod session;
pub mod sia;
pub mod table;

pub use content_type::{ContentType, ContentTypeBuf, MediaType, Parameter};
pub use header::{
    ApplicationId, Disposition, DispositionKind, Header, HeaderName, Headers, HeadersBuf, Value,
};
pub use pdu::{Connectionless, Pdu, Push, decode, decode_connectionless, encode_mms_push};
