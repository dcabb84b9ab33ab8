//! The vocabulary of every Strowger engine.
//!
//! A protocol engine, and the exchange itself, is a plain struct without sockets, clocks, threads or
//! randomness of its own. It has four kinds of methods, in this order in its file:
//!
//! - `handle_input(now, …)`: bytes from a peer, or a command from above. Never blocks, never fails silently.
//! - `handle_timeout(now)`: called when `poll_timeout()` is due.
//! - `poll_transmit()`, `poll_event()`: drained by the caller after each `handle_*`, until `None`.
//! - `poll_timeout() -> Option<Time>`: the earliest deadline, or none.
//!
//! The rooms of this crate:
//!
//! - [`time`]: [`Time`], a point on the host's monotonic clock or on a simulator's virtual one.
//! - [`transmit`]: [`Transmit`], a datagram that the host is asked to send, and [`SocketId`].
//! - [`timers`]: [`Timers`], the deadline table of an engine.
//! - [`limits`]: [`TokenBucket`] and [`BoundedQueue`], so that nothing grows with what a peer sends.
//! - [`random`]: [`Rng`], the seeded generator (`ChaCha20`) from which every draw comes.
//! - [`retransmission`]: [`AnswerTimes`] and [`Backoff`], when to repeat what was not answered.
//! - [`table`]: [`KeyTable`], the memory of answered transactions.
//! - [`ids`]: [`IdSpace`], unpredictable identifiers from ranges that no two nodes share.
//! - [`calendar`]: [`civil_date`], what day it is.
//! - [`decimal`]: [`put_decimal`], numbers as text.
//! - [`excerpt`]: [`Excerpt`], what a decode error shows of its input.

pub mod calendar;
pub mod decimal;
pub mod excerpt;
pub mod ids;
pub mod limits;
pub mod random;
pub mod retransmission;
pub mod table;
pub mod time;
pub mod timers;
pub mod transmit;

pub use calendar::civil_date;
pub use decimal::put_decimal;
pub use excerpt::Excerpt;
pub use ids::{Epoch, IdSpace, NodeId};
pub use limits::{BoundedQueue, QueueFull, TokenBucket};
pub use random::Rng;
pub use retransmission::{AnswerTimes, Backoff, RtoBounds};
pub use table::KeyTable;
pub use time::Time;
pub use timers::Timers;
pub use transmit::{SocketId, Transmit};

/// The span of time between two [`Time`]s; the standard library's type.
pub use std::time::Duration;

// The example of the README is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
