//! HTTP, in both directions: servers with bounds, requests of our own, and what both are made of.
//!
//! - [`server`]: connections with deadlines, from those who may come. [`mod@auth`]: who it is.
//! - [`json`]: the plain interface for programs.
//! - [`client`]: requests of our own.
//! - [`base64`]: octets as text. [`multipart`]: bodies of several parts.

pub mod auth;
pub mod base64;
pub mod client;
pub mod json;
pub mod multipart;
pub mod server;

pub use server::{Server, ServerError};
