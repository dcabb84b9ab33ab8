//! A cursor over text and the character classes of RFC 3435 Appendix A.

use crate::text::Rule;

/// A broken rule, at an offset into the text that was scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) rule: Rule,
}

/// A cursor over text. No method can panic or move backwards.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(crate) fn position(&self) -> usize {
        self.at
    }

    pub(crate) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

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
    pub(crate) fn skip(&mut self) {
        self.at += usize::from(self.peek().is_some_and(|byte| byte.is_ascii()));
    }

    pub(crate) fn space(&mut self) {
        self.take(is_space);
    }

    /// Takes bytes while they are of the class. Classes are ASCII, so the cursor stays on a boundary.
    #[inline]
    pub(crate) fn take(&mut self, class: impl Fn(u8) -> bool) -> &'a str {
        let start = self.at;
        while self.peek().is_some_and(&class) {
            self.at += 1;
        }
        self.since(start)
    }

    /// Takes a quoted string with its quotes; a doubled quote inside is an escape.
    pub(crate) fn quoted(&mut self) -> Result<&'a str, Fault> {
        let start = self.at;
        if !self.eat(b'"') {
            return Err(self.fault(Rule::Quote));
        }
        loop {
            match memchr::memchr(b'"', self.rest().as_bytes()) {
                None => return Err(Fault { at: start, rule: Rule::Quote }),
                Some(ahead) => self.at += ahead + 1,
            }
            if !self.eat(b'"') {
                return Ok(self.since(start));
            }
        }
    }

    pub(crate) fn fault(&self, rule: Rule) -> Fault {
        Fault { at: self.at, rule }
    }

    /// Spaces, then a comma and more spaces, or the end of the list.
    pub(crate) fn comma(&mut self) -> bool {
        self.space();
        let more = self.eat(b',');
        if more {
            self.space();
        }
        more
    }

    /// Requires the end of the text, but for spaces.
    pub(crate) fn end(&mut self, rule: Rule) -> Result<(), Fault> {
        self.space();
        if self.is_end() { Ok(()) } else { Err(self.fault(rule)) }
    }

    /// Takes decimal digits as a number that saturates: at least one, at most `most`.
    pub(crate) fn number(&mut self, most: usize, rule: Rule) -> Result<u32, Fault> {
        let start = self.at;
        let digits = self.take(|byte| byte.is_ascii_digit());
        if digits.is_empty() || digits.len() > most {
            return Err(Fault { at: start, rule });
        }
        Ok(saturating(digits))
    }
}

/// A number that stops at the largest instead of wrapping.
pub(crate) fn saturating(digits: &str) -> u32 {
    digits
        .bytes()
        .fold(0_u32, |sum, digit| sum.saturating_mul(10).saturating_add(u32::from(digit.wrapping_sub(b'0'))))
}

const ALNUM: u8 = 1;
const HEX: u8 = 2;
const EVENT_PARAMETER: u8 = 4;
const OPTION_NAME: u8 = 8;
const ENDPOINT: u8 = 16;
const EVENT_NAME: u8 = 32;
const WORD: u8 = 64;

const CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0_u8; 256];
    let mut byte = 0x21_u8;
    while byte < 0x7f {
        let mut flags = 0;
        if byte.is_ascii_alphanumeric() {
            flags |= ALNUM | WORD | EVENT_NAME | OPTION_NAME;
        }
        if byte.is_ascii_hexdigit() {
            flags |= HEX;
        }
        if byte == b'-' {
            flags |= WORD | EVENT_NAME;
        }
        if matches!(byte, b'*' | b'#') {
            flags |= EVENT_NAME;
        }
        if !matches!(byte, b'"' | b'(' | b')' | b',' | b'=') {
            flags |= EVENT_PARAMETER;
        }
        if matches!(
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
        ) {
            flags |= OPTION_NAME;
        }
        if !matches!(byte, b'$' | b'*' | b'/' | b'@') {
            flags |= ENDPOINT;
        }
        table[byte as usize] = flags;
        byte += 1;
    }
    table
}

#[inline]
fn class(byte: u8, flags: u8) -> bool {
    CLASSES.get(usize::from(byte)).is_some_and(|known| known & flags != 0)
}

#[inline]
pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// ALPHA / DIGIT.
#[inline]
pub(crate) fn is_alnum(byte: u8) -> bool {
    class(byte, ALNUM)
}

/// HEXDIG of either case.
#[inline]
pub(crate) fn is_hex(byte: u8) -> bool {
    class(byte, HEX)
}

/// ALPHA / DIGIT / HYPHEN: package and parameter names.
#[inline]
pub(crate) fn is_word(byte: u8) -> bool {
    class(byte, WORD)
}

/// What event identifiers are made of, with the `*` and `#` of grouped digits.
#[inline]
pub(crate) fn is_event_name(byte: u8) -> bool {
    class(byte, EVENT_NAME)
}

/// SuitableEventParamCharacter.
#[inline]
pub(crate) fn is_event_parameter(byte: u8) -> bool {
    class(byte, EVENT_PARAMETER)
}

/// SuitableLCOCharacter, which includes the slash.
#[inline]
pub(crate) fn is_option_name(byte: u8) -> bool {
    class(byte, OPTION_NAME)
}

/// SuitableExtLCOValChar.
#[inline]
pub(crate) fn is_option_value(byte: u8) -> bool {
    class(byte, OPTION_NAME) || byte == b':'
}

/// range-of-allowed-characters in a term of an endpoint's name.
#[inline]
pub(crate) fn is_endpoint(byte: u8) -> bool {
    class(byte, ENDPOINT)
}

/// A package's name: letters, digits and inner hyphens.
pub(crate) fn is_package_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_word) && !text.starts_with('-') && !text.ends_with('-')
}
