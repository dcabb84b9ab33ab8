//! The codec of MMS, WSP, multipart bodies and short messages, from bytes to values and back.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod multipart;
mod samples;
mod sms;
mod vectors;
mod wbxml;
mod wsp;
