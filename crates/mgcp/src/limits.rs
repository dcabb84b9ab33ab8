//! Bounds on what one datagram may make the codec do.
//!
//! Decoding allocates nothing, so these bound time and the work of the layers above. Each has its reason.

/// The codec's limits. [`Limits::default`] suits any deployment known to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest datagram that is looked at. RFC 3435 section 3.5.4 asks for at least 4000 bytes; 65 507 is
    /// what UDP over IPv4 can carry. Values above [`Limits::MAX_DATAGRAM`] count as that.
    pub datagram_bytes: usize,
    /// Piggybacked messages read from one datagram (RFC 3435 section 3.5.5). A gateway that leaves the
    /// disconnected state with queued notifications sends a handful.
    pub messages: usize,
    /// Parameter lines of one message. The longest legal audit answer has one per code, and one `Z` per
    /// endpoint of the gateway when all endpoints are listed.
    pub parameters: usize,
    /// Items of one comma-separated list (events, options, ranges): as many as fit a datagram of 4000 bytes.
    pub list_items: usize,
    /// How deep parentheses may nest in events and signals. One embedded request with a signal list and
    /// parameters needs five; RFC 3435 section 2.3.3 asks for one level of embedding.
    pub nesting: u8,
    /// Bytes of a digit map. RFC 3435 section 2.1.5 recommends at least 2048.
    pub digit_map_bytes: usize,
    /// States of a compiled digit map: the deterministic automaton of a hostile map is exponential.
    pub digit_map_states: usize,
}

impl Limits {
    /// The most that [`Limits::datagram_bytes`] can be.
    pub const MAX_DATAGRAM: usize = 65_535;

    /// The defaults.
    pub const DEFAULT: Self = Self {
        datagram_bytes: 65_507,
        messages: 64,
        parameters: 4096,
        list_items: 1024,
        nesting: 8,
        digit_map_bytes: 4096,
        digit_map_states: 4096,
    };

    /// The limits of session descriptions: that crate's own, since a datagram bounds their length here.
    pub(crate) fn sdp(&self) -> strowger_sdp::Limits {
        strowger_sdp::Limits::default()
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
