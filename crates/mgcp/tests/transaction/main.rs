//! Stories of the transaction layer (RFC 3435 sections 3.5 and 4.3): two ends in virtual time.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod apart;
mod at_most_once;
mod ladder;
mod pacing;
mod pair;
mod piggyback;
mod provisional;
mod retransmission;
