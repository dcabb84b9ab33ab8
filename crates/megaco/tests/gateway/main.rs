//! Stories of the gateway: a controller that speaks text, a plane that remembers what it was asked, virtual time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod association;
mod audit;
mod calls;
mod continuity;
mod digits;
mod events;
mod hostile;
mod media;
mod packages;
mod refusals;
mod sentences;
mod service;
mod signals;
mod silence;
mod support;
mod tones;
mod topology;
mod words;
