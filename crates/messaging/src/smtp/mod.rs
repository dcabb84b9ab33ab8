//! Mail between hosts (SMTP, RFC 5321), as far as an MMSC speaks it: one mail a connection out, and in with everything bounded.
//!
//! - [`server`]: a session with a host that brings mail, without a socket. [`client`]: the other side.
//! - [`host`]: their sockets, with deadlines.
//!
//! Extensions are SIZE (RFC 1870), 8BITMIME (RFC 6152) and PIPELINING (RFC 2920). There is neither TLS nor a password: mail goes to and comes
//! from named hosts of one's own network, and who else comes gets no byte.

pub mod client;
pub mod host;
pub mod server;

/// The longest line of a command or a reply (RFC 5321 section 4.5.3.1 has 512 octets; extensions add to it).
pub(crate) const LINE: usize = 2048;

/// A mail that goes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Who hears when it cannot be delivered; empty is nobody.
    pub from: String,
    /// To whom.
    pub to: String,
    /// Headers and body, with CRLF at the end of each line.
    pub octets: Vec<u8>,
}

/// A mail that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Who wants to hear when it cannot be delivered; empty is nobody.
    pub from: String,
    /// The recipients, each of which was admitted.
    pub to: Vec<String>,
    /// Headers and body as they came, without the dots that were put in front of dots.
    pub octets: Vec<u8>,
}

/// What became of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The other side has it, and will not lose it.
    Accepted,
    /// Not now.
    Later(String),
    /// Not at all.
    Refused(String),
}

/// Bounds of mail that comes in.
#[derive(Clone, Copy, Debug)]
pub struct SmtpLimits {
    /// Octets of one mail.
    pub octets: usize,
    /// Recipients of one mail.
    pub recipients: usize,
    /// Commands that are refused before the connection is ended.
    pub faults: usize,
    /// Mails of one connection.
    pub mails: usize,
}

impl Default for SmtpLimits {
    fn default() -> Self {
        Self { octets: 2 << 20, recipients: 100, faults: 10, mails: 1000 }
    }
}

/// Whether a text may stand between the angle brackets of a path: a mailbox without blanks or control characters, or nobody.
pub(crate) fn is_path(text: &str) -> bool {
    text.len() <= 256 && text.bytes().all(|octet| octet.is_ascii_graphic() && !matches!(octet, b'<' | b'>'))
}
