//! The input and output around the engines.
//!
//! - [`store`]: what must survive the process.

pub mod store;
