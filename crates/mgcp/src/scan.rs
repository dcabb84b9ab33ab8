//! A cursor over text and the character classes of RFC 3435 Appendix A.

use crate::text::Rule;

/// A broken rule, at an offset into the text that was scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) rule: Rule,
}

impl Fault {
    /// The same fault, seen from where the text that was scanned is a part that starts there.
    #[cold]
    pub(crate) fn behind(self, start: usize) -> Self {
        Self { at: start + self.at, ..self }
    }
}

/// A cursor over text. No method can panic.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    #[inline]
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    #[inline]
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    #[inline]
    pub(crate) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    /// Goes elsewhere, to a place that was computed from positions.
    #[inline]
    pub(crate) fn seek(&mut self, at: usize) {
        self.at = at.min(self.text.len());
    }

    /// Goes on over bytes that were looked at.
    #[inline]
    pub(crate) fn advance(&mut self, length: usize) {
        self.at += length;
    }

    #[inline]
    pub(crate) fn rest_bytes(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    pub(crate) fn is_end(&self) -> bool {
        self.at >= self.text.len()
    }

    #[inline]
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Steps over one ASCII byte that was peeked at.
    #[inline]
    pub(crate) fn skip(&mut self) {
        self.at += usize::from(self.peek().is_some_and(|byte| byte.is_ascii()));
    }

    #[inline]
    pub(crate) fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    /// Takes bytes while they are of the class. Classes are ASCII, so the cursor stays on a boundary.
    #[inline]
    pub(crate) fn take(&mut self, class: Class) -> &'a str {
        let start = self.at;
        self.at += class.run(self.rest_bytes());
        self.since(start)
    }

    /// Takes a quoted string with its quotes; a doubled quote inside is an escape.
    pub(crate) fn quoted(&mut self) -> Result<&'a str, Fault> {
        let start = self.at;
        if !self.eat(b'"') {
            return Err(self.fault(Rule::Quote));
        }
        loop {
            match memchr::memchr(b'"', self.rest_bytes()) {
                None => return Err(Fault { at: start, rule: Rule::Quote }),
                Some(ahead) => self.at += ahead + 1,
            }
            if !self.eat(b'"') {
                return Ok(self.since(start));
            }
        }
    }

    #[inline]
    pub(crate) fn fault(&self, rule: Rule) -> Fault {
        Fault { at: self.at, rule }
    }

    /// Takes a comma and the spaces around it. Without a comma nothing is taken, so that what was read before
    /// ends where the cursor stands.
    #[inline]
    pub(crate) fn comma(&mut self) -> bool {
        let found = self.spaced(b',');
        if found {
            self.space();
        }
        found
    }

    /// Takes spaces and then this byte. Without the byte nothing is taken.
    #[inline]
    pub(crate) fn spaced(&mut self, byte: u8) -> bool {
        match self.peek() {
            Some(next) if next == byte => {
                self.at += 1;
                true
            }
            Some(b' ' | b'\t') => {
                let before = self.at;
                self.space();
                let found = self.eat(byte);
                if !found {
                    self.at = before;
                }
                found
            }
            _ => false,
        }
    }

    /// What was taken from there on, as bytes.
    #[inline]
    pub(crate) fn taken(&self, start: usize) -> &'a [u8] {
        self.text.as_bytes().get(start..self.at).unwrap_or_default()
    }

    /// Steps over bytes while they are of the class, and says how many.
    #[inline]
    pub(crate) fn pass(&mut self, class: Class) -> usize {
        let length = class.run(self.rest_bytes());
        self.at += length;
        length
    }

    /// The byte at a place, zero where there is none.
    #[inline]
    pub(crate) fn at(&self, place: usize) -> u8 {
        self.text.as_bytes().get(place).copied().unwrap_or(0)
    }

    /// Requires the end of the text, but for spaces.
    #[inline]
    pub(crate) fn end(&mut self, rule: Rule) -> Result<(), Fault> {
        self.space();
        if self.is_end() { Ok(()) } else { Err(self.fault(rule)) }
    }

    /// Takes decimal digits as a number: at least one, at most `most`, and never more than nine.
    #[inline]
    pub(crate) fn number(&mut self, most: usize, rule: Rule) -> Result<u32, Fault> {
        let start = self.at;
        let mut number = 0_u32;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            number = number.wrapping_mul(10).wrapping_add(u32::from(digit - b'0'));
            self.at += 1;
        }
        // Up to nine digits fit, so nothing has wrapped.
        let length = self.at - start;
        if length == 0 || length > most.min(9) { Err(Fault { at: start, rule }) } else { Ok(number) }
    }
}

/// A number that stops at the largest instead of wrapping.
#[inline]
pub(crate) fn saturating(digits: &str) -> u32 {
    digits
        .bytes()
        .fold(0_u32, |sum, digit| sum.saturating_mul(10).saturating_add(u32::from(digit.wrapping_sub(b'0'))))
}

/// A number of up to `most` digits and nothing else.
#[inline]
pub(crate) fn short_number(digits: &str, most: usize) -> Option<u16> {
    let legal = (1..=most).contains(&digits.len()) && Class::DIGIT.holds_all(digits);
    legal.then(|| saturating(digits)).and_then(|wide| u16::try_from(wide).ok())
}

/// Text without spaces and tabulators at its end.
#[inline]
pub(crate) fn trim_end(text: &str) -> &str {
    let mut length = text.len();
    while length > 0 && matches!(text.as_bytes().get(length - 1), Some(b' ' | b'\t')) {
        length -= 1;
    }
    text.get(..length).unwrap_or_default()
}

/// Splits at the first such byte, which is ASCII.
#[inline]
pub(crate) fn cut(text: &str, at: u8) -> Option<(&str, &str)> {
    let place = text.bytes().position(|byte| byte == at)?;
    Some((text.get(..place)?, text.get(place + 1..)?))
}

/// A set of ASCII characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Class(u16);

impl Class {
    /// DIGIT.
    pub(crate) const DIGIT: Self = Self(1);
    /// ALPHA.
    pub(crate) const ALPHA: Self = Self(1 << 1);
    /// HEXDIG of either case.
    pub(crate) const HEX: Self = Self(1 << 2);
    /// ALPHA / DIGIT.
    pub(crate) const ALNUM: Self = Self(1 << 3);
    /// ALPHA / DIGIT / HYPHEN: package names and such.
    pub(crate) const WORD: Self = Self(1 << 4);
    /// What event identifiers are made of, with the `*` and `#` of grouped digits.
    pub(crate) const EVENT: Self = Self(1 << 5);
    /// SuitableEventParamCharacter.
    pub(crate) const EVENT_PARAMETER: Self = Self(1 << 6);
    /// SuitableLCOCharacter, which includes the slash.
    pub(crate) const OPTION_NAME: Self = Self(1 << 7);
    /// SuitableExtLCOValChar.
    pub(crate) const OPTION_VALUE: Self = Self(1 << 8);
    /// range-of-allowed-characters in a term of an endpoint's name.
    pub(crate) const ENDPOINT: Self = Self(1 << 9);
    /// What domain names are made of.
    pub(crate) const DOMAIN: Self = Self(1 << 10);
    /// What addresses in brackets are made of.
    pub(crate) const ADDRESS: Self = Self(1 << 11);
    /// What the name of a parameter may hold: a word, a package's slash, the plus of `X+`, and the underscore that
    /// deployed vendor parameters have.
    pub(crate) const PARAMETER: Self = Self(1 << 12);
    /// DigitMapLetter.
    pub(crate) const DIGIT_MAP: Self = Self(1 << 13);
    /// VCHAR.
    pub(crate) const VISIBLE: Self = Self(1 << 14);
    /// WSP.
    pub(crate) const SPACE: Self = Self(1 << 15);

    /// Whether the byte is in the set.
    #[inline]
    pub(crate) fn holds(self, byte: u8) -> bool {
        CLASSES.get(usize::from(byte)).is_some_and(|known| known & self.0 != 0)
    }

    /// How many bytes from the start are in the set.
    #[inline]
    pub(crate) fn run(self, bytes: &[u8]) -> usize {
        let (words, tail) = bytes.as_chunks::<4>();
        let mut length = 0;
        for [first, second, third, fourth] in words {
            if !self.holds(*first) {
                return length;
            }
            if !self.holds(*second) {
                return length + 1;
            }
            if !self.holds(*third) {
                return length + 2;
            }
            if !self.holds(*fourth) {
                return length + 3;
            }
            length += 4;
        }
        length + tail.iter().take_while(|byte| self.holds(**byte)).count()
    }

    /// Whether all bytes are in the set; also of no bytes.
    #[inline]
    pub(crate) fn holds_all(self, text: &str) -> bool {
        let common = |flags: u16, byte: u8| flags & CLASSES.get(usize::from(byte)).copied().unwrap_or(0);
        text.bytes().fold(u16::MAX, common) & self.0 != 0
    }
}

static CLASSES: [u16; 256] = classes();

const fn classes() -> [u16; 256] {
    let mut table = [0; 256];
    table[b' ' as usize] = Class::SPACE.0;
    table[b'\t' as usize] = Class::SPACE.0;
    let mut byte = 0x21_u8;
    while byte < 0x7f {
        table[byte as usize] = flags(byte);
        byte += 1;
    }
    table
}

const fn flags(byte: u8) -> u16 {
    let alnum = byte.is_ascii_alphanumeric();
    let mut flags = Class::VISIBLE.0;
    let sets = [
        (Class::DIGIT, byte.is_ascii_digit()),
        (Class::ALPHA, byte.is_ascii_alphabetic()),
        (Class::HEX, byte.is_ascii_hexdigit()),
        (Class::ALNUM, alnum),
        (Class::WORD, alnum || byte == b'-'),
        (Class::EVENT, alnum || matches!(byte, b'-' | b'*' | b'#')),
        (Class::EVENT_PARAMETER, !matches!(byte, b'"' | b'(' | b')' | b',' | b'=')),
        (Class::OPTION_NAME, is_option(byte)),
        (Class::OPTION_VALUE, is_option(byte) || byte == b':'),
        (Class::ENDPOINT, !matches!(byte, b'$' | b'*' | b'/' | b'@')),
        (Class::DOMAIN, alnum || matches!(byte, b'.' | b'-')),
        (Class::ADDRESS, byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.')),
        (Class::PARAMETER, alnum || matches!(byte, b'-' | b'/' | b'+' | b'_')),
        (Class::DIGIT_MAP, alnum || matches!(byte, b'*' | b'#')),
    ];
    let mut n = 0;
    while n < sets.len() {
        if sets[n].1 {
            flags |= sets[n].0.0;
        }
        n += 1;
    }
    flags
}

const fn is_option(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'+' | b'-'
                | b'_'
                | b'&'
                | b'!'
                | b'\''
                | b'|'
                | b'='
                | b'#'
                | b'?'
                | b'.'
                | b'$'
                | b'*'
                | b'@'
                | b'['
                | b']'
                | b'^'
                | b'`'
                | b'{'
                | b'}'
                | b'~'
                | b'/'
        )
}

/// A package's name: letters, digits and inner hyphens.
#[inline]
pub(crate) fn is_package_name(text: &str) -> bool {
    !matches!(text.as_bytes(), [] | [b'-', ..] | [.., b'-']) && Class::WORD.holds_all(text)
}
