//! What a decode error shows of its input: a few octets, so that an error copies no unbounded input.

use std::fmt;

/// The first `MOST` octets (at most 255) of what stood where a rule was broken.
///
/// `{}` shows them as quoted text, escaped so that it can be logged as it is; `{:x}` as octets in hexadecimal. Dots say that there
/// was more, and `nothing` that there was nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Excerpt<const MOST: usize> {
    bytes: [u8; MOST],
    length: u8,
    is_cut: bool,
}

impl<const MOST: usize> Excerpt<MOST> {
    /// Octets that an excerpt holds at most.
    pub const LONGEST: usize = MOST;

    /// The first octets of `bytes`.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        let mut excerpt = Self { bytes: [0; MOST], length: 0, is_cut: bytes.len() > MOST };
        for (kept, byte) in excerpt.bytes.iter_mut().zip(bytes) {
            *kept = *byte;
            excerpt.length = excerpt.length.saturating_add(1);
        }
        excerpt
    }

    /// The octets of `bytes` from `offset` on.
    #[must_use]
    pub fn at(bytes: &[u8], offset: usize) -> Self {
        Self::new(bytes.get(offset..).unwrap_or_default())
    }

    /// The octets kept.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }
}

impl<const MOST: usize> fmt::Display for Excerpt<MOST> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.length == 0 {
            return f.write_str("nothing");
        }
        write!(f, "\"{}{}\"", self.as_bytes().escape_ascii(), if self.is_cut { "..." } else { "" })
    }
}

impl<const MOST: usize> fmt::LowerHex for Excerpt<MOST> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.length == 0 {
            return f.write_str("nothing");
        }
        for (place, byte) in self.as_bytes().iter().enumerate() {
            write!(f, "{}{byte:02x}", if place == 0 { "" } else { " " })?;
        }
        f.write_str(if self.is_cut { " ..." } else { "" })
    }
}

impl<const MOST: usize> fmt::Debug for Excerpt<MOST> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_short_and_says_when_there_was_more() {
        let whole = Excerpt::<4>::new(b"a\nb");
        assert_eq!(
            (whole.to_string(), format!("{whole:x}")),
            ("\"a\\nb\"".to_owned(), "61 0a 62".to_owned())
        );
        let cut = Excerpt::<4>::at(b"?abcde", 1);
        assert_eq!(
            (cut.to_string(), format!("{cut:x}")),
            ("\"abcd...\"".to_owned(), "61 62 63 64 ...".to_owned())
        );
        assert_eq!(cut.as_bytes(), b"abcd");
    }

    #[test]
    fn nothing_is_called_so() {
        for nothing in [Excerpt::<4>::new(b""), Excerpt::at(b"ab", 2), Excerpt::at(b"ab", 9)] {
            assert_eq!(
                (nothing.to_string(), format!("{nothing:x}")),
                ("nothing".to_owned(), "nothing".to_owned())
            );
        }
    }
}
