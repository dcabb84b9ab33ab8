//! The software media gateway, without input or output: virtual lines with telephones on them, packet relays, real RTP.
//!
//! It joins a protocol's gateway role with the media below it. A host gives it sockets (as numbers), datagrams and time, and
//! sends what it is told to; `node` does that for real, the simulator in virtual time.
//!
//! - [`gateway`]: [`SoftGateway`], the whole, with the four kinds of methods of every engine (see [`strowger_sansio`]).
//! - [`plane`]: [`Plane`], the media: lines, signals, connections, relays.
//! - [`script`]: the language in which subscribers are told what to do. [`runner`]: a script on its way.
//! - [`event`]: what happens on a gateway.
//! - `config`: what a gateway is made of. `role`: MGCP or Megaco. `megaco`: how its contexts lie on the plane. `lateness`: whether its host has too much to do.
//! - `subscriber`: who does it. `distant`: the far end of a circuit. `display`: the data messages of telephones with a display.

mod config;
mod display;
mod distant;
pub mod event;
pub mod gateway;
mod lateness;
mod megaco;
pub mod plane;
mod role;
pub mod runner;
pub mod script;
mod subscriber;

pub use config::{ConfigError, MegacoConfig, SoftGatewayConfig};
pub use event::{Event, LineFact, What};
pub use gateway::{Question, Snapshot, SoftGateway};
pub use plane::{
    CallerDisplay, CircuitFrame, Plane, PlaneConfig, PlaneCounters, QualityLimits, TrunkDirection,
    TrunkOptions, TrunkStart,
};
pub use runner::{Outcome, Runner};
pub use script::{Parser, Progress, Sign, Step};
pub use subscriber::ActionError;

// The example of the README is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
