//! The whole exchange against gateways that speak MGCP in virtual time.
//!
//! - `gateway`: a gateway of analogue lines and relays, just rich enough to be strict: it refuses what RFC
//!   3435 tells it to refuse.
//! - `world`: exchange, gateways and the network between them; what subscribers do, and what must hold at the end.
//! - the stories: `calls`, `clearing`, `glare`, `faults`, `service`, `relay`, `midcall`, `crossing`, `sip`, `sent_on`, `subscriptions`, `phones`, `phone_features` and `phone_flows` with `sip_peer`s; and `chaos`, which makes its
//!   stories up.
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod calls;
mod cas;
mod census;
mod chaos;
mod choosing;
mod circuits;
mod clearing;
mod continuity;
mod crossing;
mod faults;
mod features;
mod forwarding;
mod gateway;
mod glare;
mod hooks;
mod hunting;
mod interplay;
mod keys;
mod leaving;
mod mgcp_only;
mod mgcp_words;
mod midcall;
mod outliving;
mod phone_features;
mod phone_flows;
mod phone_plan;
mod phones;
mod relay;
mod replacing;
mod resuming;
mod resync;
mod returning;
mod sent_on;
mod service;
mod sip;
mod sip_peer;
mod subscriptions;
mod transfers;
mod trunks;
mod world;
