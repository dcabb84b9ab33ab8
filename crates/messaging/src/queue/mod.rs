//! The durable queue: what was accepted is delivered, whatever happens to the process.
//!
//! A push comes through [`writer`] ([`Queue::accept`]), which puts it on disk with all that came at the same time ([`store`]: the
//! tables) and tells its sender only then. Its messages ([`message`]) go to [`lanes`], which says which one goes next: one lane
//! for each destination, in order, with retries, deadlines and rates. How they ended goes back to the writer.

pub mod lanes;
pub mod message;
pub mod store;
pub mod writer;

pub use lanes::{Bearer, LaneEvent, Lanes, LanesConfig, Verdict};
pub use message::{EndedRow, Ending, Gone, Message, Priority, Replaced, Seq, State};
pub use store::{Depth, Found, Known, QueueStore, Restored, StoreError};
pub use writer::{Push, Queue, Refusal, WriterConfig, WriterThread, start};
