//! Lines of a message's header (RFC 3435 section 3.1).
//!
//! Lines end in CR LF or LF. A quoted string may hold line ends (Appendix A, quoteChar), so a line goes on while
//! a quote is open, in the parameters whose grammar has quoted strings; in an extension parameter only if its
//! value starts with a quote. Nowhere else does a quote mean anything: not in commentary, not in SDP.

use crate::message::{Known, Parameter, ParameterCode};
use crate::scan::{Class, Fault, Scanner};
use crate::text::Rule;

/// What the line that was just taken is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A parameter: see [`Lines::code`] and [`Lines::value`].
    Parameter,
    /// An empty line: session descriptions follow.
    Blank,
    /// A line that holds a dot alone: another message follows.
    Dot,
    /// There is no further line.
    End,
}

/// A reader of lines. It keeps where the parts of the last parameter stand, instead of handing them on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lines<'a> {
    pub(crate) s: Scanner<'a>,
    known: Option<Known>,
    name: Range,
}

#[derive(Clone, Copy, Debug)]
struct Range {
    start: usize,
    end: usize,
}

impl<'a> Lines<'a> {
    #[inline]
    pub(crate) fn new(text: &'a str) -> Self {
        Self { s: Scanner::new(text), known: None, name: Range { start: 0, end: 0 } }
    }

    #[inline]
    pub(crate) fn position(&self) -> usize {
        self.s.position()
    }

    /// The parameter of RFC 3435 that the last line held; none of extensions.
    #[inline]
    pub(crate) fn known(&self) -> Option<Known> {
        self.known
    }

    /// The code of the parameter that the last line held.
    pub(crate) fn code(&self) -> Option<ParameterCode<'a>> {
        match self.known {
            Some(known) => Some(known.into()),
            None => ParameterCode::extension(self.s.text().get(self.name.start..self.name.end)?),
        }
    }

    /// Takes the first line of a message, whatever it is.
    #[inline]
    pub(crate) fn first_line(&mut self) -> Result<&'a str, Fault> {
        match line_feed(self.s.rest_bytes()) {
            None => Err(Fault { at: self.s.text().len(), rule: Rule::EndOfLine }),
            Some(length) => {
                let start = self.position();
                self.s.advance(length + 1);
                let carriage = length > 0 && self.s.at(start + length - 1) == b'\r';
                Ok(self.s.text().get(start..start + length - usize::from(carriage)).unwrap_or_default())
            }
        }
    }

    /// Takes a whole line of text that was checked before, with its value.
    pub(crate) fn checked_parameter(&mut self) -> Option<Parameter<'a>> {
        match self.begin() {
            Ok(Line::Parameter) => Some(Parameter { code: self.code()?, value: self.value()? }),
            _ => None,
        }
    }

    /// Takes a line up to where a parameter's value starts, or all of any other line.
    #[inline]
    pub(crate) fn begin(&mut self) -> Result<Line, Fault> {
        let start = self.position();
        let bytes = self.s.rest_bytes();
        // Nearly every parameter's name is one letter, and one space follows the colon.
        if let [letter @ b'A'..=b'z', b':', b' ', b'!'..=b'~', ..] = bytes
            && let Some(known) = Known::of_one(letter.to_ascii_uppercase())
        {
            self.known = Some(known);
            self.s.advance(3);
            return Ok(Line::Parameter);
        }
        let name_length = match bytes {
            [] => return Ok(Line::End),
            [b'\n', ..] => return Ok(self.other(1, Line::Blank)),
            [b'\r', b'\n', ..] => return Ok(self.other(2, Line::Blank)),
            [b'.', b'\n', ..] => return Ok(self.other(2, Line::Dot)),
            [b'.', b'\r', b'\n', ..] => return Ok(self.other(3, Line::Dot)),
            _ => Class::PARAMETER.run(bytes),
        };
        self.s.seek(start + name_length);
        if !self.s.spaced(b':') {
            return self.odd_line(start);
        }
        self.known = Known::of(bytes.get(..name_length).unwrap_or_default());
        self.name = Range { start, end: start + name_length };
        if self.known.is_none() && self.code().is_none() {
            return Err(Fault { at: start, rule: Rule::ParameterLine });
        }
        self.s.space();
        Ok(Line::Parameter)
    }

    /// Takes a value, from where it starts to the end of its line.
    pub(crate) fn value(&mut self) -> Option<&'a str> {
        let rest = self.s.rest();
        let length = value_length(rest.as_bytes(), self.known)?;
        self.s.seek(self.position() + length + 1);
        rest.get(..trimmed(rest.as_bytes().get(..length)?))
    }

    /// Requires the end of the line behind a value.
    #[inline]
    pub(crate) fn end_of_line(&mut self, rule: Rule) -> Result<(), Fault> {
        let length = match self.s.rest_bytes() {
            [b'\r', b'\n', ..] => 2,
            [b'\n', ..] => 1,
            _ => return self.odd_end_of_line(rule),
        };
        self.s.advance(length);
        Ok(())
    }

    #[cold]
    fn odd_end_of_line(&mut self, rule: Rule) -> Result<(), Fault> {
        self.s.space();
        let length = match self.s.rest_bytes() {
            [b'\r', b'\n', ..] => 2,
            [b'\n', ..] => 1,
            [] | [b'\r'] => return Err(Fault { at: self.s.text().len(), rule: Rule::EndOfLine }),
            _ => return Err(self.s.fault(rule)),
        };
        self.s.advance(length);
        Ok(())
    }

    #[inline]
    fn other(&mut self, length: usize, line: Line) -> Line {
        self.s.seek(self.position() + length);
        line
    }

    /// A line without a colon: blank or a dot with stray spaces, or an error.
    #[cold]
    fn odd_line(&mut self, start: usize) -> Result<Line, Fault> {
        let wrong = self.s.fault(Rule::ParameterLine);
        self.s.seek(start);
        let rest = self.s.rest();
        let Some(length) = line_feed(rest.as_bytes()) else {
            return Err(Fault { at: self.s.text().len(), rule: Rule::EndOfLine });
        };
        let line = match rest.get(..length).unwrap_or_default().trim_matches([' ', '\t', '\r']) {
            "" => Line::Blank,
            "." => Line::Dot,
            _ => return Err(wrong),
        };
        Ok(self.other(length + 1, line))
    }
}

/// How far the next line feed is, eight bytes at a time: lines are short.
#[inline]
fn line_feed(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let (words, tail) = bytes.as_chunks::<8>();
    let mut length = 0;
    for word in words {
        let different = u64::from_le_bytes(*word) ^ (ONES * 10);
        let zeros = different.wrapping_sub(ONES) & !different & HIGH;
        if zeros != 0 {
            return Some(length + (zeros.trailing_zeros() / 8) as usize);
        }
        length += 8;
    }
    tail.iter().position(|byte| *byte == b'\n').map(|place| length + place)
}

/// The length of a value without the CR of its line's end and the white space before it.
#[inline]
fn trimmed(value: &[u8]) -> usize {
    let mut length = value.len();
    if value.last() == Some(&b'\r') {
        length -= 1;
    }
    while length > 0 && matches!(value.get(length - 1), Some(b' ' | b'\t')) {
        length -= 1;
    }
    length
}

/// How far the line feed is that ends a value.
#[inline]
fn value_length(value: &[u8], known: Option<Known>) -> Option<usize> {
    let quotable = match known {
        Some(
            Known::RequestedEvents
            | Known::SignalRequests
            | Known::ObservedEvents
            | Known::DetectEvents
            | Known::EventStates
            | Known::LocalConnectionOptions
            | Known::Capabilities
            | Known::BearerInformation,
        ) => true,
        Some(_) => false,
        None => value.first() == Some(&b'"'),
    };
    if !quotable {
        return memchr::memchr(b'\n', value);
    }
    let end = memchr::memchr2(b'\n', b'"', value)?;
    if value.get(end) == Some(&b'\n') { Some(end) } else { quoted_length(value) }
}

/// How far the line feed is that ends a value with quotes in it. A doubled quote closes and opens, so toggling
/// does.
#[cold]
fn quoted_length(value: &[u8]) -> Option<usize> {
    let mut open = false;
    for at in memchr::memchr2_iter(b'\n', b'"', value) {
        match value.get(at) {
            Some(b'"') => open = !open,
            _ if !open => return Some(at),
            _ => {}
        }
    }
    // The quote is never closed: the value ends with its line, and its own grammar says what is wrong.
    memchr::memchr(b'\n', value)
}
