//! Load for MGCP peers: transactions and whole calls, at a rate or through a window, with latencies and a tally of what failed.
//!
//! The engines have no sockets and no clock; a host drives them, in real time or in a simulated one.
//!
//! - [`pace`]: when the next unit of work is due, and when it is enough.
//! - [`tally`]: how many were done, how long they took, why others failed.
//! - [`jobs`]: sequences of commands, one endpoint or one pair of endpoints each: [`jobs::JobLoad`]. As a call agent against any
//!   gateway (audits, notification requests, connections, whole calls by two connections each), or as a gateway against any call agent
//!   (notifications, restarts).
//! - [`calls`]: subscribers on gateways of our own against any call agent: [`calls::CallLoad`]. Each call is dialled, rung, answered,
//!   checked for a path both ways, and hung up.
//!
//! Both are a [`Load`].

pub mod calls;
pub mod jobs;
pub mod pace;
pub mod tally;

use std::net::SocketAddr;

use strowger_sansio::{SocketId, Time, Transmit};

pub use pace::{Amount, Offer, Pace};
pub use tally::{Percentiles, Tally};

/// A load engine, as its host sees it.
pub trait Load {
    /// A datagram came to a socket.
    fn handle_input(&mut self, now: Time, socket: SocketId, from: SocketAddr, bytes: &[u8]);

    /// Does what is due.
    fn handle_timeout(&mut self, now: Time);

    /// The next datagram to be sent.
    fn poll_transmit(&mut self) -> Option<Transmit>;

    /// When [`Self::handle_timeout`] is due.
    fn poll_timeout(&self) -> Option<Time>;

    /// Begins nothing more; what was begun goes on to its end.
    fn stop(&mut self, now: Time);

    /// Whether everything that was begun has ended.
    fn is_done(&self) -> bool;

    /// What became of it.
    fn tally(&self) -> &Tally;
}

// The example of the README is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
