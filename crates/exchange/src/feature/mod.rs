//! What subscribers can have beyond plain calls, as data.
//!
//! [`midcall`]: hold, transfer, three-way call and call waiting, which the switch does.

pub mod midcall;

pub use midcall::{ControllerLeaves, FeaturePlan, Features};
