//! Stories of the gateway: a controller that speaks text, a plane that remembers what it was asked, virtual time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod association;
mod audit;
mod calls;
mod digits;
mod events;
mod media;
mod refusals;
mod service;
mod signals;
mod support;
mod topology;
