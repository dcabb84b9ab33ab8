//! Text as it stands on the wire: octets without NUL, in whatever character set.

use std::borrow::Cow;
use std::fmt;

/// Octets of a text, without its quote and its end. They need not be UTF-8.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    /// The text of these octets, up to the first NUL among them.
    #[must_use]
    pub fn new(octets: &'a [u8]) -> Self {
        match memchr::memchr(0, octets) {
            Some(end) => Self(octets.get(..end).unwrap_or_default()),
            None => Self(octets),
        }
    }

    /// Octets that are known to hold no NUL.
    #[inline]
    pub(crate) const fn of(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    /// The octets.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As UTF-8, with U+FFFD for what is not.
    #[must_use]
    pub fn to_str(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.0)
    }

    /// Without the quotation mark in front (WSP 8.4.2.1: a quoted string has no closing one), and without a closing one
    /// that some write.
    #[must_use]
    pub fn unquoted(&self) -> Self {
        match self.0 {
            [b'"', rest @ .., b'"'] | [b'"', rest @ ..] => Self(rest),
            _ => *self,
        }
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self::new(text.as_bytes())
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_str())
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}
