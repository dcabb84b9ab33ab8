//! Bounds on what octets from the wire can make a decoder do.

/// Limits of the decoders of this crate. Time is linear in the octets; these bound the items that a view can yield.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets of a whole message.
    pub bytes: usize,
    /// Headers of a message or of a part.
    pub headers: usize,
    /// Octets of one text, without its end.
    pub text: usize,
    /// Parts of one multipart body.
    pub parts: usize,
    /// How deep elements of a document, or multipart bodies, may lie within each other.
    pub depth: usize,
}

impl Limits {
    /// The defaults.
    pub const DEFAULT: Self = Self {
        // Networks carry 300 kB, some 600 kB, and a few 1 MB; a store may hold more.
        bytes: 4 * 1024 * 1024,
        // A message to the most recipients that networks allow (100) has some 130.
        headers: 512,
        // The longest locations seen are below 300 octets; no standard gives a number.
        text: 8 * 1024,
        // A presentation of a hundred slides with sound, text and picture.
        parts: 512,
        // Documents of push are 3 deep; a message within a message within a message is 3 deep.
        depth: 16,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
