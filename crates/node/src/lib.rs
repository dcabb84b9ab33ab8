//! The input and output around the engines.
//!
//! A node is wired from these rooms, in the order in which a datagram and what follows from it go through them:
//!
//! - [`config`]: the configuration file, checked as a whole, with places in its errors.
//! - [`node`]: opens what the configuration names and starts it; [`Node`] is its handle.
//! - [`socket`]: UDP with large buffers, counted losses, and without the errors that belong to no datagram. `burst` sends several
//!   datagrams in one system call, `inbox` reads several, for the gateway. `megaco`, `sip`: the ports of Megaco and SIP, for datagrams and for connections.
//!   `keepalive`: connections whose other end is gone.
//!   `unreachable`: word of the network that a datagram did not arrive. `vigil`: how long a thread looks for more before it sleeps.
//! - [`admission`]: who is heard, how often and in which order. `filter`: what the kernel takes away of a flood before that. `names`, `dns`: the name service, for gateways known by the names of their hosts, and for SIP peers.
//! - [`strangers`]: how much is heard of hosts that no telephone has proven to be at.
//! - [`tls`]: how SIP peers and the exchange prove themselves to each other.
//! - [`shard`]: the loop that owns an exchange; [`Observer`]s look on from there.
//! - [`tap`]: a live ladder. `recording`: the exchange's own signalling as pcapng files.
//! - [`log`]: events as structured log lines and counts.
//! - [`ledger`]: records into the store and a file, off the call path. [`store`]: what must survive the process.
//! - `signals`: those that tell a process to stop. `console`: health, metrics and [`view`]s over HTTP.
//! - [`metrics`]: atomic numbers with names, and the text that Prometheus reads; [`process`]: those of the process.
//! - [`gateway`]: the host of a software gateway: its sockets, its clock, one thread.
//! - [`load`]: the host of a load engine. `messaging`: the host of the push proxy gateway and the MMSC.
//! - [`clock`]: the one place where the host's clocks are read.

pub mod admission;
pub mod clock;
pub mod config;
pub mod gateway;
pub mod ledger;
pub mod load;
pub mod log;
pub mod metrics;
pub mod node;
pub mod process;
pub mod shard;
pub mod socket;
pub mod store;
pub mod strangers;
pub mod tap;
pub mod tls;
pub mod view;
pub mod vigil;

mod burst;
mod console;
mod dns;
mod filter;
mod inbox;
mod keepalive;
mod megaco;
mod messaging;
mod names;
mod recording;
mod signals;
mod sip;
mod unreachable;

pub use config::Config;
pub use node::{Node, NodeError, StartError};
pub use shard::{Frame, Observer, Summary};
pub use tap::LadderTap;
