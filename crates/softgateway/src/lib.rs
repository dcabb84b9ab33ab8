//! The software media gateway.

pub mod script;
