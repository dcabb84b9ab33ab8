//! The stories of `tests/exchange`, told of gateways that speak Megaco: the same subscribers do the same, and the same must come of
//! it.
//!
//! - `gateway`, `audits`, `telephone`, `words`, `digit_map`: lines as the MGCP gateway of the stories has them, behind a media gateway of RFC 3525 that is strict where the
//!   standard is: packages, hook states, contexts, modes.
//! - `world` and the stories of subscribers: those of `tests/exchange`.
//! - `mixed`: a line on one protocol talks with a line on the other. `ber`: gateways that speak it in binary form. `association`, `relaying`, `root`: what only Megaco has.
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "some stories of the other gateways are not told here")]

mod association;
mod audits;
mod ber;
#[path = "../exchange/calls.rs"]
mod calls;
#[path = "../exchange/chaos.rs"]
mod chaos;
#[path = "../exchange/choosing.rs"]
mod choosing;
#[path = "../exchange/circuits.rs"]
mod circuits;
#[path = "../exchange/clearing.rs"]
mod clearing;
mod continuity;
#[path = "../exchange/crossing.rs"]
mod crossing;
mod digit_map;
#[path = "../exchange/faults.rs"]
mod faults;
#[path = "../exchange/features.rs"]
mod features;
#[path = "../exchange/forwarding.rs"]
mod forwarding;
mod gateway;
#[path = "../exchange/glare.rs"]
mod glare;
#[path = "../exchange/hunting.rs"]
mod hunting;
#[path = "../exchange/interplay.rs"]
mod interplay;
#[path = "../exchange/keys.rs"]
mod keys;
#[path = "../exchange/leaving.rs"]
mod leaving;
#[path = "../exchange/gateway.rs"]
mod mgcp_gateway;
#[path = "../exchange/midcall.rs"]
mod midcall;
mod mixed;
#[path = "../exchange/outliving.rs"]
mod outliving;
#[path = "../exchange/phone_features.rs"]
mod phone_features;
#[path = "../exchange/phone_plan.rs"]
mod phone_plan;
#[path = "../exchange/phones.rs"]
mod phones;
#[path = "../exchange/relay.rs"]
mod relay;
mod relaying;
#[path = "../exchange/replacing.rs"]
mod replacing;
#[path = "../exchange/resuming.rs"]
mod resuming;
#[path = "../exchange/resync.rs"]
mod resync;
#[path = "../exchange/returning.rs"]
mod returning;
mod root;
#[path = "../exchange/service.rs"]
mod service;
#[path = "../exchange/sip.rs"]
mod sip;
#[path = "../exchange/sip_peer.rs"]
mod sip_peer;
mod telephone;
#[path = "../exchange/transfers.rs"]
mod transfers;
#[path = "../exchange/trunks.rs"]
mod trunks;
mod words;
#[path = "../exchange/world.rs"]
mod world;
