//! The codec's stories: what is read, what is refused and why, what is written.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking and says what it skips"
)]

mod annex_b;
mod binary;
mod published;
mod refusals;
mod text;
mod tshark;
mod vectors;
