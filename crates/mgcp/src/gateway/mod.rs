//! The gateway role (RFC 3435 sections 2 and 4): endpoints, connections, events, restart.
//!
//! - [`config`]: what a gateway is provisioned with. [`media`]: [`MediaPlane`], the seam to the media below.
//! - [`counters`]: what it has done.

pub mod config;
pub mod counters;
pub mod media;

pub use config::{
    CallAgent, EndpointKind, EndpointSpec, GatewayConfig, GatewayLimits, GatewayTimers, InitialService,
    SourcePorts,
};
pub use counters::GatewayCounters;
pub use media::{
    ConnectionHandle, EndpointIndex, Hook, LossReason, MediaCapabilities, MediaEvent, MediaFault, MediaMode,
    MediaPlane, MediaSpec, SignalTarget,
};
