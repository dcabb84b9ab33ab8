//! The store: what must survive the process.
//!
//! - [`api`]: the contract, a small ordered map with compare-and-set transactions and a watchable history.
//! - [`memory`]: it, forgotten at exit. [`embedded`]: it, in one file (redb).

pub mod api;
pub mod embedded;
pub mod memory;

pub use api::{Change, Entry, Expect, Limits, Outcome, Revision, Store, StoreError, Txn, Watch};
pub use embedded::Embedded;
pub use memory::Memory;
