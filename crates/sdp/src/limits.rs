//! Bounds on what a description may hold, so that a peer cannot make its reader work without end.

/// Limits of [`decode()`](crate::decode()). Time is linear in the bytes; these bound the items a view can yield.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets of the whole description.
    pub bytes: usize,
    /// Octets of one line, without its end.
    pub line: usize,
    /// `m=` lines.
    pub media: usize,
    /// `a=` lines, at both levels together.
    pub attributes: usize,
    /// Formats of one `m=` line.
    pub formats: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // No UDP datagram over IPv4 carries more.
            bytes: 65_507,
            // Keys and certificates' fingerprints fit with room; telephony lines stay below 200.
            line: 2_048,
            // A telephony description has one stream; conferences of browsers offer a few dozen.
            media: 32,
            // Browsers send about 40 a stream.
            attributes: 1_024,
            // There are 128 payload types.
            formats: 128,
        }
    }
}
