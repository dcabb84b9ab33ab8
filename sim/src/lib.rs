//! The deterministic simulator.
//!
//! One seed draws everything: the town, the links, what its people do and when. The engines are those that run in
//! production; only sockets and clocks are missing, so that a run takes a moment and can be repeated bit by bit.
//!
//! - [`options`]: what is drawn before the run begins.
//! - [`tongue`]: what its gateways speak.
//! - [`network`]: datagrams in virtual time, lost, doubled, delayed and overtaken. [`stream`]: connections, which end.
//! - [`person`]: a subscriber who lifts, listens, dials, talks and hangs up.
//! - `town`: what it is built of. `ears`: who should hear whom. `store`: what outlives an exchange.
//! - [`world`]: the town, step by step: awake, then to rest. [`report`]: how it went.
//! - [`invariants`]: what must hold at each step and at the end.

mod ears;
pub mod invariants;
pub mod network;
pub mod options;
pub mod person;
pub mod report;
mod store;
pub mod stream;
pub mod tongue;
mod town;
pub mod world;

pub use invariants::{Invariants, Violation};
pub use network::{Fate, Link, Network, Packet};
pub use options::{Habits, Options, Relay, Trouble, TroubleKind};
pub use person::{Code, Person, Ways};
pub use report::Report;
pub use tongue::{Megaco, Tongue};
pub use world::World;
