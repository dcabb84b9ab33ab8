//! What a peer, a script or a file can make this crate keep: every bound in one place, with its reason.
//!
//! Bounds that a standard gives (31 report blocks, 255 octets of text, 16 events a packet, 200 ms a payload) stand where the standard is read.

use std::time::Duration;

/// The bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections that one endpoint mixes: a conference of 64, which a set of 64 bits holds.
    pub streams: usize,
    /// Events of a session or a line that wait for their host, and its RTCP datagrams: a host that drains after each call never has more than a few.
    pub events: usize,
    /// Events of a telephone that wait for its subscriber: a script may look only now and then.
    pub telephone_events: usize,
    /// Digits that wait to be sent: twice the longest number with its codes.
    pub digits: usize,
    /// Received digits that wait to be heard: what a play-out delay of 200 ms can hold of 50 ms each, twice.
    pub rendered_digits: usize,
    /// Utterances that wait to be said: a long script.
    pub utterances: usize,
    /// Frequencies that one telephone listens for.
    pub watched_frequencies: usize,
    /// Characters of a caller's number and name that a display shows; signalling is bounded elsewhere.
    pub display: usize,
    /// Seconds that an earpiece keeps by default: long enough for any check, and 480 kB.
    pub recording: Duration,
    /// Samples of a WAVE file: ten minutes, 9.6 MB.
    pub wav_samples: usize,
}

impl Limits {
    /// The bounds that hold.
    pub const DEFAULT: Self = Self {
        streams: 64,
        events: 64,
        telephone_events: 256,
        digits: 64,
        rendered_digits: 8,
        utterances: 256,
        watched_frequencies: 8,
        display: 128,
        recording: Duration::from_secs(30),
        wav_samples: 10 * 60 * 8_000,
    };
}
