//! A multimedia messaging service centre: submission, store, notification, retrieval, reports (3GPP TS 23.140, MMS ENC).
//!
//! - [`party`]: who takes part. [`config`]: settings and limits. [`message`]: what is kept.
//! - [`request`]: what is asked and answered, without a protocol. [`engine`]: [`Mmsc`], which decides.
//! - [`compose`]: the messages that an MMSC writes. [`mime`]: contents, from and to MIME.
//! - [`mod@read`]: what handsets post. [`directory`]: who is at which address. [`routes`]: which addresses are no handsets. [`mod@http`]: MM1. [`carrier`]: pushes to the push gateway.
//! - [`store`]: rows and bodies on disk. [`service`]: the thread that owns engine and store. [`counters`]: what was counted.
//! - [`application`]: programs that send and receive, by MM7 and JSON. [`mail`]: mail addresses and other MMSCs, by SMTP.
//! - [`host`]: all of it together.

pub mod application;
pub mod carrier;
pub mod compose;
pub mod config;
pub mod counters;
pub mod directory;
pub mod engine;
pub mod host;
pub mod http;
pub mod mail;
pub mod message;
pub mod mime;
pub mod party;
pub mod read;
pub mod request;
pub mod routes;
pub mod service;
pub mod store;

pub use config::MmscConfig;
pub use directory::{Directory, Subscriber};
pub use engine::Mmsc;
pub use host::{MmscError, MmscHost, MmscSettings};
pub use http::{HttpLimits, MmscServer};
pub use party::Party;
pub use service::{Service, ServiceThread};
pub use store::MessageStore;

/// A name that nobody has given before: 128 random bits.
pub(crate) fn fresh_name() -> String {
    let mut bits = [0; 16];
    // Without randomness the name is not fresh, and what it is for is refused at its second use.
    let _ = getrandom::fill(&mut bits);
    format!("{:032x}", u128::from_ne_bytes(bits))
}
