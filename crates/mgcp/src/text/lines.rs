//! Lines of a message's header (RFC 3435 section 3.1).
//!
//! Lines end in CR LF or LF. A quoted string may hold line ends (Appendix A, quoteChar), so a line goes on while
//! a quote is open, in the parameters whose grammar has quoted strings; in an extension parameter only if its
//! value starts with a quote. Nowhere else does a quote mean anything: not in commentary, not in SDP.

use crate::message::{Known, ParameterCode};
use crate::scan::{Class, Fault};
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
    text: &'a str,
    at: usize,
    known: Option<Known>,
    name: Range,
    value: Range,
}

#[derive(Clone, Copy, Debug)]
struct Range {
    start: usize,
    end: usize,
}

impl<'a> Lines<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        let nothing = Range { start: 0, end: 0 };
        Self { text, at: 0, known: None, name: nothing, value: nothing }
    }

    pub(crate) const fn position(&self) -> usize {
        self.at
    }

    pub(crate) fn rest_from(&self, start: usize) -> &'a str {
        self.text.get(start..).unwrap_or_default()
    }

    /// The parameter of RFC 3435 that the last line held; none of extensions.
    #[inline]
    pub(crate) const fn known(&self) -> Option<Known> {
        self.known
    }

    /// The code of the parameter that the last line held.
    #[inline]
    pub(crate) fn code(&self) -> Option<ParameterCode<'a>> {
        match self.known {
            Some(known) => Some(known.into()),
            None => ParameterCode::extension(self.text.get(self.name.start..self.name.end)?),
        }
    }

    /// The value of the parameter that the last line held, without white space around it.
    #[inline]
    pub(crate) fn value(&self) -> &'a str {
        self.text.get(self.value.start..self.value.end).unwrap_or_default()
    }

    /// Where that value starts.
    pub(crate) const fn value_start(&self) -> usize {
        self.value.start
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn fault<T>(at: usize, rule: Rule) -> Result<T, Fault> {
        Err(Fault { at, rule })
    }

    /// Takes the first line of a message, whatever it is.
    pub(crate) fn first_line(&mut self) -> Result<&'a str, Fault> {
        let rest = self.rest();
        match memchr::memchr(b'\n', rest.as_bytes()) {
            None => Self::fault(self.text.len(), Rule::EndOfLine),
            Some(length) => {
                self.at += length + 1;
                let line = rest.get(..length).unwrap_or_default();
                Ok(line.strip_suffix('\r').unwrap_or(line))
            }
        }
    }

    /// Takes the next line.
    #[inline]
    pub(crate) fn next_line(&mut self) -> Result<Line, Fault> {
        let text = self.text.as_bytes();
        let bytes = text.get(self.at..).unwrap_or_default();
        let name_length = match bytes {
            [] => return Ok(Line::End),
            [b'\n', ..] => return Ok(self.step(1, Line::Blank)),
            [b'\r', b'\n', ..] => return Ok(self.step(2, Line::Blank)),
            [b'.', b'\n', ..] => return Ok(self.step(2, Line::Dot)),
            [b'.', b'\r', b'\n', ..] => return Ok(self.step(3, Line::Dot)),
            // Nearly every parameter's name is one letter.
            [_, b':', ..] => 1,
            _ => Class::PARAMETER.run(bytes),
        };
        let mut colon = name_length;
        while matches!(bytes.get(colon), Some(b' ' | b'\t')) {
            colon += 1;
        }
        if bytes.get(colon) != Some(&b':') {
            return self.odd_line(colon);
        }
        self.known = Known::of(bytes.get(..name_length).unwrap_or_default());
        self.name = Range { start: self.at, end: self.at + name_length };
        if self.known.is_none() && self.code().is_none() {
            return Self::fault(self.at, Rule::ParameterLine);
        }
        let mut start = colon + 1;
        while matches!(bytes.get(start), Some(b' ' | b'\t')) {
            start += 1;
        }
        let value = bytes.get(start..).unwrap_or_default();
        let Some(length) = value_length(value, self.known) else {
            return Self::fault(self.text.len(), Rule::EndOfLine);
        };
        let start = self.at + start;
        self.at = start + length + 1;
        self.value = Range { start, end: start + trimmed(value.get(..length).unwrap_or_default()) };
        Ok(Line::Parameter)
    }

    fn step(&mut self, length: usize, line: Line) -> Line {
        self.at += length;
        line
    }

    /// A line without a colon: blank or a dot with stray spaces, or an error.
    #[cold]
    fn odd_line(&mut self, wrong_at: usize) -> Result<Line, Fault> {
        let rest = self.rest();
        let Some(length) = memchr::memchr(b'\n', rest.as_bytes()) else {
            return Self::fault(self.text.len(), Rule::EndOfLine);
        };
        let line = rest.get(..length).unwrap_or_default();
        match line.trim_matches([' ', '\t', '\r']) {
            "" => Ok(self.step(length + 1, Line::Blank)),
            "." => Ok(self.step(length + 1, Line::Dot)),
            _ => Self::fault(self.at + wrong_at, Rule::ParameterLine),
        }
    }
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
