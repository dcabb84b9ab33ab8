//! SIP, told in stories: both sides in virtual time, and messages as RFC 4475 and worse have them.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a story that goes wrong says how"
)]

mod asking;
mod calls;
mod credentials;
mod dialogs;
mod flows;
mod forks;
mod guard;
mod history;
mod hostile;
mod keys;
mod locating;
mod machines;
mod offers;
mod pair;
mod places;
mod properties;
mod published;
mod raw;
mod redirects;
mod registering;
mod registrar;
mod standing;
mod streams;
mod summary;
mod torture;
mod transactions;
mod transfers;
mod values;
mod within;
