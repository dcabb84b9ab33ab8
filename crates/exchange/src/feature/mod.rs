//! What subscribers can have beyond plain calls, as far as it decides where a call goes and whom it shows.
//!
//! The rooms:
//!
//! - [`subscription`]: what a line has, as provisioned. [`setting`]: what can be changed of it while the
//!   exchange runs, with a name and a value for stores and consoles.
//! - [`class`]: classes of service with number screening. [`group`]: hunt groups.
//! - [`code`]: the feature codes by country, as data, and how a dialled string is read by them.
//! - `desk`: the state of all lines' features, and the decisions that the switch asks for.
//! - [`midcall`]: hold, transfer, three-way call and call waiting, which the switch does.

pub mod class;
pub mod code;
pub mod group;
pub mod midcall;
pub mod setting;
pub mod subscription;

mod check;
mod desk;

pub(crate) use check::check;
pub(crate) use desk::{Desk, Incoming, Invitation, Search, Stage, Step};
pub use midcall::{ControllerLeaves, FeaturePlan, Features};
