//! The input and output around the engines.
//!
//! - [`config`]: the configuration file, checked as a whole, with places in its errors.
//! - [`store`]: what must survive the process.

pub mod config;
pub mod store;
