//! The input and output around the engines.
//!
//! - [`config`]: the configuration file, checked as a whole, with places in its errors.
//! - [`clock`]: the one place where the host's clocks are read.
//! - [`ledger`]: the records of the exchange into the store and a file, off the call path.
//! - [`metrics`]: atomic numbers with names, and the text that Prometheus reads.
//! - [`store`]: what must survive the process.

pub mod clock;
pub mod config;
pub mod ledger;
pub mod metrics;
pub mod store;
