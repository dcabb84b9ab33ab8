//! Names: of terminations, of packages and their items (RFC 3525 Annex B.2: pathNAME, NAME, pkgdName). Each is read in one go where it is
//! legal; the readers that use them tell what is wrong where it is not.

use super::scan::Scanner;
use crate::package::is_safe;

/// Characters of names of terminations.
const PATH: u8 = 1;
/// Characters of names of packages and items.
const NAME: u8 = 2;

static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        if byte.is_ascii_alphanumeric() || byte == b'_' {
            classes[byte as usize] = PATH | NAME;
        } else if matches!(byte, b'/' | b'*' | b'$' | b'.' | b'-' | b'@') {
            classes[byte as usize] = PATH;
        }
        byte += 1;
    }
    classes
};

#[inline]
fn is_of(byte: u8, class: u8) -> bool {
    CLASSES.get(usize::from(byte)).is_some_and(|classes| classes & class != 0)
}

/// How many octets at the beginning are of a class.
#[inline]
fn count(octets: &[u8], class: u8) -> usize {
    octets.iter().position(|byte| !is_of(*byte, class)).unwrap_or(octets.len())
}

/// Whether a word of characters of names is a name: a letter and up to 63 others.
#[inline]
fn is_begun(name: &str) -> bool {
    name.len() <= 64 && name.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
}

/// A letter and up to 63 letters, digits and `_`; or `*`.
pub(super) fn is_name(text: &str) -> bool {
    text == "*" || is_begun(text) && text.bytes().all(|byte| is_of(byte, NAME))
}

impl<'a> Scanner<'a> {
    /// The next word, which stays, if it is of the characters of names of terminations; and where it ends.
    #[inline]
    pub(super) fn path_name(&mut self) -> Option<(&'a str, usize)> {
        self.space();
        let start = self.at();
        let end = start + count(self.rest(start), PATH);
        self.ends_word(end).then_some(())?;
        let name = self.cut(start, end).filter(|name| !name.is_empty())?;
        Some((name, end))
    }

    /// The next word, which stays, if it is two names with a slash between: a package, an item, and where they end.
    #[inline]
    pub(super) fn package_and_item(&mut self) -> Option<(&'a str, &'a str, usize)> {
        self.space();
        let start = self.at();
        let slash = start + count(self.rest(start), NAME);
        if self.byte(slash) != Some(b'/') {
            return None;
        }
        let end = slash + 1 + count(self.rest(slash + 1), NAME);
        self.ends_word(end).then_some(())?;
        let (package, item) = (self.cut(start, slash)?, self.cut(slash + 1, end)?);
        (is_begun(package) && is_begun(item)).then_some((package, item, end))
    }

    #[inline]
    fn ends_word(&self, at: usize) -> bool {
        self.byte(at).is_none_or(|byte| !is_safe(byte))
    }
}
