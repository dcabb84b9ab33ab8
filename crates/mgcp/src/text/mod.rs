//! The text codec (RFC 3435 section 3 and Appendix A): bytes to messages and back.
//!
//! - `lines`: a header's lines, aware of quoted strings. `value`: the grammar of each parameter's value.
//! - `decode`: [`decode`] and [`datagram`], one pass, nothing allocated. `error`: [`DecodeError`] and [`Rule`].
//! - `encode`: [`encode`]. `command`, `response`: [`CommandBuilder`] and [`ResponseBuilder`].

mod command;
mod decode;
mod encode;
mod error;
pub(crate) mod lines;
mod response;
mod value;

pub use command::{CommandBuilder, IllegalValue};
pub use decode::{Datagram, datagram, decode};
pub use encode::encode;
pub use error::{DecodeError, Found, Rule};
pub use response::ResponseBuilder;
