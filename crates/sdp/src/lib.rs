//! Lossless SDP with the wildcards that MGCP and Megaco need.
//!
//! A session description is decoded once, without allocation, into a view over the bytes that came; every accessor
//! reads those bytes, and an edit changes one field and leaves every other byte as it was. What a gateway said and
//! this crate does not know is therefore never lost on its way to the other side.
//!
//! The rooms:
//!
//! - [`mod@decode`]: [`decode()`], the grammar of RFC 8866 section 9 (and of RFC 2327 before it) in one pass. `class`: its
//!   character classes.
//! - [`session`]: [`SessionDescription`] and [`MediaDescription`], the views; [`line`](mod@line): the lines under them.
//! - [`field`]: the values of the lines that matter to telephony, with [`Wild`] where `$` and `*` may stand.
//! - [`departure`]: what was accepted although the standard says otherwise.
//! - [`edit`]: [`Edit`], single-field changes.
//! - [`audio`]: [`AudioDescription`], the one audio stream of a telephone connection; offer and answer of RFC 3264.
//! - [`image`]: [`ImageDescription`], the one image stream of a fax connection (T.38 over UDPTL).
//! - [`policy`]: [`AddressPolicy`], which addresses of a peer's description may be sent to.
//! - [`error`], [`limits`]: [`DecodeError`] with offset, excerpt and clause; [`Limits`].
//!
//! ```
//! use strowger_sdp::{AudioDescription, Codec, Limits, decode};
//!
//! let text = b"v=0\r\nc=IN IP4 192.0.2.7\r\nm=audio 3456 RTP/AVP 0 96\r\na=rtpmap:96 telephone-event/8000\r\n";
//! let session = decode(text, &Limits::default())?;
//! assert_eq!(session.as_bytes(), text);
//!
//! let audio = AudioDescription::from_session(&session)?;
//! assert_eq!(audio.destination(), "192.0.2.7:3456".parse()?);
//! assert_eq!(audio.codecs[0].codec, Codec::Pcmu);
//! assert_eq!(audio.telephone_event(), Some(96));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod audio;
pub mod decode;
pub mod departure;
pub mod edit;
pub mod error;
pub mod field;
pub mod image;
pub mod limits;
pub mod line;
pub mod policy;
pub mod session;

mod class;

pub use audio::{
    Agreement, AudioDescription, AudioFault, AudioRule, Codec, CodecEntry, Direction, EventSet,
    NoCommonCodec, Purpose,
};
pub use decode::decode;
pub use departure::{Departure, DepartureKind};
pub use edit::{Edit, EditError, Scope};
pub use error::{DecodeError, Found, Rule};
pub use field::{Attribute, Bandwidth, Connection, Host, MediaLine, Origin, Timing, Wild};
pub use image::{ImageDescription, ImageFault, T38Parameters};
pub use limits::Limits;
pub use line::{Line, Lines};
pub use policy::{AddressPolicy, Hosts, PolicyFault};
pub use session::{Media, MediaDescription, SessionDescription};

// The example of the README is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
