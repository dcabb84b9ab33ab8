//! Pushes over HTTP, in both directions.
//!
//! - [`server`]: connections with deadlines, from those who may come. [`mod@auth`]: who it is.
//! - [`json`]: the plain interface for programs.
//! - [`client`]: requests of our own.
//! - [`base64`]: octets as text.

pub mod auth;
pub mod base64;
pub mod client;
pub mod json;
pub mod server;

pub use server::{Server, ServerError};
