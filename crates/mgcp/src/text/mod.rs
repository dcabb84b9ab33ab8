//! The text codec (RFC 3435 section 3 and Appendix A): bytes to messages and back.
//!
//! - `lines`: a header's lines, aware of quoted strings. `value`: the grammar of each parameter's value.
//! - `decode`: [`decode`] and [`datagram`], one pass, nothing allocated. `error`: [`DecodeError`] and [`Rule`].
//! - `table`: which parameter may stand in which message. `check`: [`check`], what else a command is refused for.
//! - `encode`: [`encode`]. `command`, `response`: [`CommandBuilder`] and [`ResponseBuilder`].

mod check;
mod command;
mod decode;
mod encode;
mod error;
pub(crate) mod lines;
mod response;
pub mod table;
mod value;

pub use check::{Refusal, check};
pub use command::{CommandBuilder, IllegalValue};
pub use decode::{Datagram, datagram, decode};
pub use encode::encode;
pub use error::{DecodeError, Found, Rule};
pub use response::ResponseBuilder;
