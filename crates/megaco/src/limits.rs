//! Bounds on what one message may make the codec do. Each has its reason.

/// The codec's limits. [`Limits::DEFAULT`] suits any deployment known to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest message that is looked at: what UDP can carry, and TPKT (RFC 1006) as well.
    pub message_bytes: usize,
    /// Items of lists in one message, all lists together: a message of the greatest length with the shortest items has fewer
    /// legal ones, and each costs memory.
    pub items: usize,
    /// Braces or constructed headers within each other. The grammar itself needs 14; only regulated events of version 3 nest without end.
    pub depth: usize,
    /// Faults that the recovering mode collects.
    pub faults: usize,
}

impl Limits {
    /// The defaults.
    pub const DEFAULT: Self = Self { message_bytes: 65_535, items: 16_384, depth: 32, faults: 64 };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
