//! The push proxy gateway: from a push as somebody submits it to octets at a bearer.
//!
//! - [`address`]: who is meant. [`content`]: what goes over the air. [`policy`]: who may send what to whom.
//! - [`config`]: the gateway's settings as data.
//! - [`gateway`]: acceptance. `delivery`: the task that owns lanes and bearers. `sms`: pushes in short messages, through message centres.
//! - [`once`]: one push, by a gateway that exists for it alone.
//! - [`counters`]: what was counted.

pub mod address;
pub mod config;
pub mod content;
pub mod counters;
pub mod gateway;
pub mod once;
pub mod policy;

mod delivery;
mod sms;

pub use address::{Address, AddressError};
pub use config::{CentreEntry, PushConfig, SegmentStyle, User};
pub use content::{Content, ContentError};
pub use gateway::{Accepted, Ended, Gateway, Refused, Replacement, Request, Standing, StartError};
