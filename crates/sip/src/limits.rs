//! How much a peer can make this crate read, keep and do.

/// Limits of the codec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets of a message. 65 535: what a datagram carries; a stream is held to the same.
    pub message: usize,
    /// Octets of the start line and the header together. 32 KiB: ten times what proxies with long routes send.
    pub head: usize,
    /// Octets of one header field, with its continuations. 8 KiB: a long challenge or identity fits.
    pub field: usize,
    /// Header fields. 128: an INVITE has about fifteen, and a few for each proxy on its way.
    pub fields: usize,
    /// Octets of the Request-URI. 2 KiB: the longest that carries state for a proxy.
    pub uri: usize,
    /// Values of one list, such as Via, Route or Contact. 70 is where `Max-Forwards` ends a route.
    pub values: usize,
}

impl Limits {
    /// The limits given with each field.
    pub const DEFAULT: Self =
        Self { message: 65_535, head: 32_768, field: 8_192, fields: 128, uri: 2_048, values: 70 };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
