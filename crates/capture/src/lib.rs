//! Decoding for people: the ladder model, explained messages, pcapng.
//!
//! Octets come in with their time and addresses; out comes what a person can read, or a file that other tools can.
//! Nothing here does input or output, and nothing that a peer wrote comes out unescaped.
//!
//! - [`ladder`]: [`Ladder`], what passed between the parties of a call, as data, as a picture and as a list.
//! - [`mod@explain`]: [`explain()`], a message field by field, or the rule that it breaks.
//! - [`pcapng`]: [`Capture`], capture files of what was sent and received.
//! - [`mod@escape`]: [`escape()`], the one place where text from the wire becomes text for people.
//! - [`protocol`]: [`Protocol`], what can be shown.
//!
//! ```
//! use strowger_capture::{Ladder, Protocol, TextOptions, Verdict, explain};
//! use strowger_sansio::Time;
//!
//! let (gateway, agent) = ("127.0.0.9:2427".parse()?, "127.0.0.1:2727".parse()?);
//! let notify = b"NTFY 2001 aaln/1@gw1.town MGCP 1.0\r\nX: 12ab\r\nO: L/hd\r\n";
//! let mut ladder = Ladder::default();
//! ladder.name_address(gateway, "gw1");
//! ladder.name_address(agent, "town");
//! ladder.observe(Time::from_millis(10), gateway, agent, Protocol::Mgcp, notify);
//! ladder.observe(Time::from_millis(12), agent, gateway, Protocol::Mgcp, b"200 2001 OK\r\n");
//! assert_eq!(ladder.transactions()[0].verdict, Verdict::Success);
//! println!("{}", ladder.to_text(&TextOptions::default()));
//!
//! let explained = explain(Protocol::Mgcp, notify);
//! assert!(explained.is_legal());
//! assert!(explained.to_string().contains("event: L/hd (off-hook transition, Line)"));
//! # Ok::<(), std::net::AddrParseError>(())
//! ```

pub mod escape;
pub mod explain;
pub mod ladder;
pub mod pcapng;
pub mod protocol;

pub use escape::{Escaped, escape};
pub use explain::explain;
pub use explain::input::{octets, octets_of};
pub use explain::megaco::{MegacoForm, convert, explain_megaco};
pub use explain::tree::{Explained, Fault, Node};
pub use ladder::entry::{Entry, EntryKind, Fate, Party, Piggyback, Stream, Verdict};
pub use ladder::outcome::Outcome;
pub use ladder::text::{Glyphs, TextOptions};
pub use ladder::{Ladder, LadderLimits};
pub use pcapng::{Capture, Way};
pub use protocol::Protocol;

// The example of the README is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
