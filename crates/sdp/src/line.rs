//! The lines of a description (RFC 8866 section 5): a type letter, an equals sign, a value.

use std::ops::Range;

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The type letter.
    pub letter: u8,
    /// Everything after the equals sign, without the line end.
    pub value: &'a [u8],
    /// Offset of the type letter in the description.
    pub offset: usize,
}

impl Line<'_> {
    /// The octets of the value in the description.
    #[must_use]
    pub fn value_range(&self) -> Range<usize> {
        self.offset + 2..self.offset + 2 + self.value.len()
    }

    /// The octets of the line in the description, without the line end.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.offset..self.offset + 2 + self.value.len()
    }
}

/// The lines of a decoded description, or of a part of it, in order. Empty lines at the end are skipped.
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(part: &'a [u8], offset: usize) -> Self {
        Self { rest: part, offset }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        while !self.rest.is_empty() {
            let offset = self.offset;
            let (line, rest) = split(self.rest);
            self.offset += self.rest.len() - rest.len();
            self.rest = rest;
            if let [letter, b'=', value @ ..] = line {
                return Some(Line { letter: *letter, value, offset });
            }
        }
        None
    }
}

/// One bit in each octet of a word.
pub(crate) const ONES: u64 = 0x0101_0101_0101_0101;
/// The high bit of each octet.
const HIGH: u64 = ONES << 7;

/// The octets below 14 of eight octets, as their high bits: NUL, line feed and carriage return are among them, and little
/// else that a description holds. Above the lowest of them an octet of 14 may be marked, too.
#[inline]
pub(crate) fn controls(octets: [u8; 8]) -> u64 {
    let word = u64::from_le_bytes(octets);
    word.wrapping_sub(ONES * 14) & !word & HIGH
}

/// The octets equal to `octet`, as their high bits.
#[inline]
pub(crate) fn equal(octets: [u8; 8], octet: u8) -> u64 {
    let other = u64::from_le_bytes(octets) ^ (ONES * u64::from(octet));
    // Adding 127 carries into the high bit unless the seven bits below are zero.
    !(((other & !HIGH) + !HIGH) | other) & HIGH
}

/// The first line without its end, and what follows its end.
#[inline]
fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (line, rest) = match memchr::memchr(b'\n', bytes) {
        Some(end) => (bytes.get(..end).unwrap_or_default(), bytes.get(end + 1..).unwrap_or_default()),
        None => (bytes, [].as_slice()),
    };
    (line.strip_suffix(b"\r").unwrap_or(line), rest)
}

/// Takes the next field of a value whose fields are parted by spaces; empty at the end.
#[inline]
pub(crate) fn field<'a>(value: &mut &'a [u8]) -> &'a [u8] {
    let start = value.iter().position(|byte| *byte != b' ').unwrap_or(value.len());
    let text = value.get(start..).unwrap_or_default();
    let end = text.iter().position(|byte| *byte == b' ').unwrap_or(text.len());
    let (field, rest) = text.split_at_checked(end).unwrap_or((text, &[]));
    *value = rest;
    field
}
