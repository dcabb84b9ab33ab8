//! SIP, told in stories: both sides in virtual time, and messages as RFC 4475 and worse have them.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a story that goes wrong says how"
)]

mod calls;
mod hostile;
mod offers;
mod pair;
mod properties;
mod raw;
mod registrar;
mod torture;
mod transactions;
mod values;
