//! The codec: octets to messages and back (RFC 3261 section 7).
//!
//! - [`decode()`]: one datagram, or one message that [`Framer`] has cut out of a stream, without copying.
//! - [`check()`]: whether a message has what every message must have; the verdicts of RFC 4475.
//! - [`encode()`]: a message as octets.
//! - [`refuse()`]: the answer to a request that could not be decoded.

mod check;
mod decode;
mod encode;
mod framer;
mod refuse;

pub use check::check;
pub use decode::{decode, is_keep_alive};
pub use encode::{encode, to_bytes};
pub use framer::{Frame, Framer};
pub use refuse::refuse;
