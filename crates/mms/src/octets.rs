//! The cursor over octets that every reader of this crate uses, with the value rules of WSP (WAP-230 sections 8.1.2 and
//! 8.4.2): each reads one value, checks every length against what remains, and always consumes something or fails.

use crate::error::{Fault, Rule};

/// What remains to be read, and where that stands in the whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    offset: usize,
    /// Octets of a text beyond which it is refused. What was checked once is read again without limit.
    longest: usize,
}

impl<'a> Reader<'a> {
    #[inline]
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, offset: 0, longest: usize::MAX }
    }

    /// A reader of octets that stand at `offset` of a whole.
    #[inline]
    pub(crate) const fn at(bytes: &'a [u8], offset: usize) -> Self {
        Self { rest: bytes, offset, longest: usize::MAX }
    }

    /// The same with a limit on texts.
    #[inline]
    pub(crate) const fn limited(self, longest: usize) -> Self {
        Self { longest, ..self }
    }

    #[inline]
    pub(crate) const fn offset(&self) -> usize {
        self.offset
    }

    #[inline]
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    #[inline]
    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    #[inline]
    pub(crate) fn octet(&mut self) -> Result<u8, Fault> {
        match self.rest.split_first() {
            Some((octet, rest)) => {
                self.rest = rest;
                self.offset += 1;
                Ok(*octet)
            }
            None => Err(Fault::at(self.offset, Rule::Ends)),
        }
    }

    #[inline]
    pub(crate) fn skip(&mut self, count: usize) {
        let count = count.min(self.rest.len());
        self.rest = self.rest.get(count..).unwrap_or_default();
        self.offset += count;
    }

    /// The next octets; `rule` when there are not as many.
    #[inline]
    pub(crate) fn take(&mut self, count: usize, rule: Rule) -> Result<&'a [u8], Fault> {
        match self.rest.split_at_checked(count) {
            Some((taken, rest)) => {
                self.rest = rest;
                self.offset += count;
                Ok(taken)
            }
            None => Err(Fault::over(self.offset, self.rest.len(), rule)),
        }
    }

    /// A reader of the next octets alone.
    #[inline]
    pub(crate) fn sub(&mut self, count: usize, rule: Rule) -> Result<Self, Fault> {
        let offset = self.offset;
        let longest = self.longest;
        Ok(Self { rest: self.take(count, rule)?, offset, longest })
    }

    /// Everything that remains.
    #[inline]
    pub(crate) fn take_rest(&mut self) -> &'a [u8] {
        let rest = self.rest;
        self.skip(rest.len());
        rest
    }

    #[inline]
    pub(crate) const fn finish(&self, rule: Rule) -> Result<(), Fault> {
        if self.rest.is_empty() { Ok(()) } else { Err(Fault::over(self.offset, self.rest.len(), rule)) }
    }

    /// An unsigned integer of variable length (WSP 8.1.2): at most five octets, at most 32 bits.
    #[inline]
    pub(crate) fn uintvar(&mut self) -> Result<u32, Fault> {
        let start = self.offset;
        let mut value = 0_u64;
        for count in 1..=5 {
            let octet = self.octet()?;
            value = value << 7 | u64::from(octet & 0x7f);
            if octet & 0x80 == 0 {
                return u32::try_from(value).map_err(|_| Fault::over(start, count, Rule::UintvarLarge));
            }
        }
        Err(Fault::over(start, 5, Rule::UintvarLong))
    }

    /// An unsigned integer of variable length that counts octets.
    #[inline]
    pub(crate) fn length(&mut self) -> Result<usize, Fault> {
        self.uintvar().map(|value| usize::try_from(value).unwrap_or(usize::MAX))
    }

    /// Whether a value-length stands here.
    #[inline]
    pub(crate) fn at_length(&self) -> bool {
        self.peek().is_some_and(|octet| octet < 0x20)
    }

    /// A value-length (WSP 8.4.2.2), and a reader of what it covers.
    #[inline]
    pub(crate) fn value(&mut self) -> Result<Self, Fault> {
        let start = self.offset;
        let length = match self.octet()? {
            short @ ..=0x1e => usize::from(short),
            0x1f => self.length()?,
            _ => return Err(Fault::at(start, Rule::LengthExpected)),
        };
        if length > self.rest.len() {
            return Err(Fault::over(start, self.offset - start, Rule::LengthPastEnd));
        }
        self.sub(length, Rule::LengthPastEnd)
    }

    /// Text (WSP 8.4.2.1) without its quote and its NUL.
    #[inline]
    pub(crate) fn text(&mut self) -> Result<&'a [u8], Fault> {
        match self.peek() {
            Some(0x20..=0x7e | 0) => self.terminated(),
            // The quote allows any octet behind it.
            Some(0x7f) => {
                self.skip(1);
                self.terminated()
            }
            Some(_) => Err(Fault::at(self.offset, Rule::TextExpected)),
            None => Err(Fault::at(self.offset, Rule::Ends)),
        }
    }

    /// Octets up to a NUL, which is consumed.
    #[inline]
    pub(crate) fn terminated(&mut self) -> Result<&'a [u8], Fault> {
        let Some(end) = memchr::memchr(0, self.rest) else {
            return Err(Fault::over(self.offset, self.rest.len(), Rule::TextUnterminated));
        };
        if end > self.longest {
            return Err(Fault::over(self.offset, end, Rule::TextLong));
        }
        let text = self.rest.get(..end).unwrap_or_default();
        self.skip(end + 1);
        Ok(text)
    }

    /// A long integer (WSP 8.4.2.1), of which 64 bits are of use.
    #[inline]
    pub(crate) fn long_integer(&mut self) -> Result<u64, Fault> {
        let start = self.offset;
        let length = self.octet()?;
        if !(1..=30).contains(&length) {
            return Err(Fault::at(start, Rule::LongIntegerLength));
        }
        let octets = self.take(usize::from(length), Rule::LengthPastEnd)?;
        let mut value = 0_u64;
        for octet in octets {
            if value >> 56 != 0 {
                return Err(Fault::over(start, octets.len() + 1, Rule::LongIntegerLarge));
            }
            value = value << 8 | u64::from(*octet);
        }
        Ok(value)
    }

    /// A short or a long integer.
    #[inline]
    pub(crate) fn integer(&mut self) -> Result<u64, Fault> {
        match self.peek() {
            Some(short @ 0x80..) => {
                self.skip(1);
                Ok(u64::from(short & 0x7f))
            }
            Some(..0x20) => self.long_integer(),
            Some(_) => Err(Fault::at(self.offset, Rule::IntegerExpected)),
            None => Err(Fault::at(self.offset, Rule::Ends)),
        }
    }

    /// One octet with its highest bit set.
    #[inline]
    pub(crate) fn token(&mut self) -> Result<u8, Fault> {
        match self.octet()? {
            token @ 0x80.. => Ok(token),
            _ => Err(Fault::at(self.offset - 1, Rule::TokenExpected)),
        }
    }

    /// Any well-formed value, by its first octet (WSP 8.4.1.2), as it is on the wire.
    #[inline]
    pub(crate) fn any_value(&mut self) -> Result<&'a [u8], Fault> {
        let before = self.rest;
        match self.peek() {
            Some(0x80..) => self.skip(1),
            Some(0x20..=0x7f) => {
                self.text()?;
            }
            Some(_) => {
                self.value()?;
            }
            None => return Err(Fault::at(self.offset, Rule::Ends)),
        }
        Ok(before.get(..before.len() - self.rest.len()).unwrap_or_default())
    }
}

/// An unsigned integer of variable length: its octets, at the end of five.
fn uintvar_octets(value: u32) -> ([u8; 5], usize) {
    let group = |shift: u32| (value >> shift) as u8 & 0x7f;
    let octets = [group(28) | 0x80, group(21) | 0x80, group(14) | 0x80, group(7) | 0x80, group(0)];
    (octets, ((32 - (value | 1).leading_zeros()).div_ceil(7)) as usize)
}

/// Writes an unsigned integer of variable length.
pub(crate) fn put_uintvar(value: u32, out: &mut Vec<u8>) {
    let (octets, size) = uintvar_octets(value);
    out.extend_from_slice(octets.get(5 - size..).unwrap_or_default());
}

/// How many octets an unsigned integer of variable length takes.
#[cfg(test)]
pub(crate) const fn uintvar_size(value: u32) -> usize {
    match value {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x0020_0000 => 3,
        0x0020_0000..0x1000_0000 => 4,
        _ => 5,
    }
}

/// Writes a length of octets; lengths beyond 32 bits do not come up, as a message is shorter.
pub(crate) fn put_size(length: usize, out: &mut Vec<u8>) {
    put_uintvar(u32::try_from(length).unwrap_or(u32::MAX), out);
}

/// Writes a value behind its value-length in the shortest form: what `write` appends is moved when the length takes more than
/// one octet.
#[inline]
pub(crate) fn put_value(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.push(0);
    write(out);
    let length = out.len() - start - 1;
    match (u8::try_from(length), out.get_mut(start)) {
        (Ok(short @ ..=0x1e), Some(slot)) => *slot = short,
        _ => {
            let (octets, size) = uintvar_octets(u32::try_from(length).unwrap_or(u32::MAX));
            let octets = octets.into_iter().skip(5 - size);
            out.splice(start..=start, std::iter::once(0x1f).chain(octets));
        }
    }
}

/// Writes octets behind their length: what `write` appends is moved when the length takes more than one octet.
#[inline]
pub(crate) fn put_counted(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.push(0);
    write(out);
    let length = out.len() - start - 1;
    let (octets, size) = uintvar_octets(u32::try_from(length).unwrap_or(u32::MAX));
    match out.get_mut(start) {
        Some(slot) if size == 1 => *slot = length as u8,
        _ => {
            out.splice(start..=start, octets.into_iter().skip(5 - size));
        }
    }
}

/// Writes text with its NUL, and with a quote where the first octet needs one. Nothing after a NUL within it is written.
#[inline]
pub(crate) fn put_text(text: &[u8], out: &mut Vec<u8>) {
    let text = match memchr::memchr(0, text) {
        Some(end) => text.get(..end).unwrap_or_default(),
        None => text,
    };
    if text.first().is_some_and(|first| *first >= 0x7f || *first < 0x20) {
        out.push(0x7f);
    }
    out.extend_from_slice(text);
    out.push(0);
}

/// Writes a long integer in its shortest form.
#[inline]
pub(crate) fn put_long_integer(value: u64, out: &mut Vec<u8>) {
    let zeros = (value.leading_zeros() / 8).min(7);
    let octets = value.to_be_bytes();
    let kept = octets.get(zeros as usize..).unwrap_or_default();
    out.push(kept.len() as u8);
    out.extend_from_slice(kept);
}

/// Writes a short integer where it fits, else a long integer.
pub(crate) fn put_integer(value: u64, out: &mut Vec<u8>) {
    match u8::try_from(value) {
        Ok(short @ ..0x80) => out.push(short | 0x80),
        _ => put_long_integer(value, out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uintvar(bytes: &[u8]) -> Result<u32, Rule> {
        Reader::new(bytes).uintvar().map_err(|fault| fault.rule)
    }

    #[test]
    fn a_uintvar_has_at_most_five_octets_and_32_bits() {
        assert_eq!(uintvar(&[0x8f, 0xff, 0xff, 0xff, 0x7f]), Ok(u32::MAX));
        assert_eq!(uintvar(&[0x90, 0x80, 0x80, 0x80, 0x00]), Err(Rule::UintvarLarge));
        assert_eq!(uintvar(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x01]), Err(Rule::UintvarLong));
        assert_eq!(
            uintvar(&[0x80, 0x80, 0x80, 0x80, 0x05]),
            Ok(5),
            "leading empty groups are legal up to five octets"
        );
        assert_eq!(uintvar(&[0x80, 0x80]), Err(Rule::Ends));
        assert_eq!(uintvar(&[]), Err(Rule::Ends));
    }

    #[test]
    fn a_uintvar_is_written_in_its_shortest_form() {
        for value in
            [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, 0x1f_ffff, 0x20_0000, 0x0fff_ffff, 0x1000_0000, u32::MAX]
        {
            let mut out = Vec::new();
            put_uintvar(value, &mut out);
            assert_eq!(uintvar(&out), Ok(value));
            assert_eq!(out.len(), uintvar_size(value), "{value:x}");
        }
    }

    #[test]
    fn long_integers_are_read_up_to_64_bits_and_written_shortest() {
        for value in [0, 1, 0xff, 0x100, 0x6592_0080, u64::from(u32::MAX) + 1, u64::MAX] {
            let mut out = Vec::new();
            put_long_integer(value, &mut out);
            assert_eq!(Reader::new(&out).long_integer(), Ok(value));
        }
        let nine = [9, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(Reader::new(&nine).long_integer().unwrap_err().rule, Rule::LongIntegerLarge);
        let padded = [9, 0, 0, 0, 0, 0, 0, 0, 0, 7];
        assert_eq!(Reader::new(&padded).long_integer(), Ok(7));
        assert_eq!(Reader::new(&[0]).long_integer().unwrap_err().rule, Rule::LongIntegerLength);
        assert_eq!(Reader::new(&[31]).long_integer().unwrap_err().rule, Rule::LongIntegerLength);
    }

    #[test]
    fn a_length_that_was_quoted_without_need_is_read() {
        let inner = Reader::new(&[0x1f, 2, 7, 8, 9]).value().unwrap();
        assert_eq!((inner.rest(), inner.offset()), (&[7, 8][..], 2));
        assert_eq!(Reader::new(&[0x1f, 0]).value().unwrap().rest(), b"");
        assert_eq!(
            Reader::new(&[0x1f, 3, 1, 2]).value().unwrap_err(),
            Fault::over(0, 2, Rule::LengthPastEnd)
        );
        assert_eq!(Reader::new(b"t").value().unwrap_err().rule, Rule::LengthExpected);
    }

    #[test]
    fn a_value_of_more_than_thirty_octets_is_written_behind_a_quoted_length() {
        for size in [0, 30, 31, 127, 128, 20_000] {
            let mut out = vec![0x89];
            put_value(&mut out, |out| out.resize(out.len() + size, 7));
            let mut reader = Reader::new(&out[1..]);
            assert_eq!(reader.value().unwrap().rest(), vec![7; size]);
            assert!(reader.is_empty());
        }
    }

    #[test]
    fn text_is_quoted_where_its_first_octet_needs_it() {
        for text in [&b"a"[..], b"", b" a", b"\x7fa", b"\xe9t\xe9", b"\x05a", b"\"a"] {
            let mut out = Vec::new();
            put_text(text, &mut out);
            assert_eq!(Reader::new(&out).text(), Ok(text));
        }
        let mut cut = Vec::new();
        put_text(b"a\0b", &mut cut);
        assert_eq!(cut, b"a\0");
    }
}
