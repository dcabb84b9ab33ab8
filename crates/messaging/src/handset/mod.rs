//! A handset, as far as WAP Push and MMS go: it takes pushes from port 2948 and from short messages, fetches what MMS notifications
//! announce, says that it has it, and tells what came.
//!
//! - [`policy`]: which pushes are refused, and from where messages are fetched. [`engine`]: [`Handset`], which decides, without a socket or a
//!   clock. [`event`]: what it tells.
//! - [`draft`]: what it sends. `receive`: what it makes of a message. [`client`]: its HTTP. [`host`]: sockets and the folder around it.

pub mod client;
pub mod draft;
pub mod engine;
pub mod event;
pub mod host;
pub mod policy;

mod receive;

pub use draft::{Draft, DraftPart};
pub use engine::{Handling, Handset, HandsetConfig};
pub use event::{Event, Part, Received};
pub use host::{HandsetHandle, HostConfig};
pub use policy::{FetchPolicy, HostRule, Target};
