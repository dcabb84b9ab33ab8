//! Decoding for people: the ladder model, explained messages, pcapng.
//!
//! - [`ladder`]: [`Ladder`], what passed between the parties of a call, as data, as a picture and as a list.
//! - [`pcapng`]: [`Capture`], capture files of what was sent and received.
//! - [`escape`](mod@escape): [`escape()`], the one place where text from the wire becomes text for people.
//! - [`protocol`]: [`Protocol`], what can be shown.

pub mod escape;
pub mod ladder;
pub mod pcapng;
pub mod protocol;

pub use escape::{Escaped, escape};
pub use ladder::entry::{Entry, EntryKind, Fate, Party, Piggyback, Stream, Verdict};
pub use ladder::outcome::Outcome;
pub use ladder::text::{Glyphs, TextOptions};
pub use ladder::{Ladder, LadderLimits};
pub use pcapng::{Capture, Way};
pub use protocol::Protocol;
