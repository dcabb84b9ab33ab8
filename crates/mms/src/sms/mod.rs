//! Push over short messages (3GPP TS 23.040): the header of user data, segmentation, re-assembly.
//!
//! - [`header`]: [`UserData`], [`Ports`], [`Concatenation`].
//! - [`mod@segment`]: [`segment()`], a datagram in as few short messages as it takes.
//! - [`reassembly`]: [`Reassembly`], bounded, in virtual time; `crowd`: who gives way in it when there is no more room.

mod crowd;
pub mod header;
pub mod reassembly;
pub mod segment;

pub use header::{Concatenation, Element, Ports, UserData, Width};
pub use reassembly::{Datagram, Reassembly, ReassemblyLimits, Refused, ShortMessage, Taken};
pub use segment::{Reference, TooLong, segment};
