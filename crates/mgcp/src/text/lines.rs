//! Lines of a message's header (RFC 3435 section 3.1).
//!
//! Lines end in CR LF or LF. A quoted string may hold line ends (Appendix A, quoteChar), so a line goes on while
//! a quote is open, in the parameters whose grammar has quoted strings; in an extension parameter only if its
//! value starts with a quote. Nowhere else does a quote mean anything: not in commentary, not in SDP.

use crate::message::{ParameterCode, is_parameter_name};
use crate::scan::{Fault, is_space};
use crate::text::Rule;

/// One line after the first.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Line<'a> {
    /// A parameter; `start` is where its value starts.
    Parameter { code: ParameterCode<'a>, value: &'a str, start: usize },
    /// An empty line: session descriptions follow.
    Blank,
    /// A line that holds a dot alone: another message follows.
    Dot,
    /// There is no further line.
    End,
}

/// A reader of lines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lines<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lines<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(crate) const fn position(&self) -> usize {
        self.at
    }

    pub(crate) fn rest_from(&self, start: usize) -> &'a str {
        self.text.get(start..).unwrap_or_default()
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
    pub(crate) fn next_line(&mut self) -> Result<Line<'a>, Fault> {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        match bytes {
            [] => return Ok(Line::End),
            [b'\n', ..] => return Ok(self.step(1, Line::Blank)),
            [b'\r', b'\n', ..] => return Ok(self.step(2, Line::Blank)),
            [b'.', b'\n', ..] => return Ok(self.step(2, Line::Dot)),
            [b'.', b'\r', b'\n', ..] => return Ok(self.step(3, Line::Dot)),
            _ => {}
        }
        let name_length = bytes.iter().take_while(|byte| is_parameter_name(**byte)).count();
        let mut colon = name_length;
        while bytes.get(colon).copied().is_some_and(is_space) {
            colon += 1;
        }
        if bytes.get(colon) != Some(&b':') {
            return self.odd_line(rest, colon);
        }
        let name = rest.get(..name_length).unwrap_or_default();
        let Some(code) = ParameterCode::parse(name) else {
            return Self::fault(self.at, Rule::ParameterLine);
        };
        let mut start = colon + 1;
        while bytes.get(start).copied().is_some_and(is_space) {
            start += 1;
        }
        let Some(end) = value_end(bytes, start, code) else {
            return Self::fault(self.text.len(), Rule::EndOfLine);
        };
        let value = rest.get(start..end).unwrap_or_default();
        let value = value.strip_suffix('\r').unwrap_or(value).trim_end_matches([' ', '\t']);
        let start = self.at + start;
        Ok(self.step(end + 1, Line::Parameter { code, value, start }))
    }

    fn step(&mut self, length: usize, line: Line<'a>) -> Line<'a> {
        self.at += length;
        line
    }

    /// A line without a colon: blank or a dot with stray spaces, or an error.
    #[cold]
    fn odd_line(&mut self, rest: &'a str, wrong_at: usize) -> Result<Line<'a>, Fault> {
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

/// Where the line feed that ends a value stands.
#[inline]
fn value_end(bytes: &[u8], start: usize, code: ParameterCode<'_>) -> Option<usize> {
    let rest = bytes.get(start..)?;
    let end = start + memchr::memchr(b'\n', rest)?;
    let quotable = match code {
        ParameterCode::RequestedEvents
        | ParameterCode::SignalRequests
        | ParameterCode::ObservedEvents
        | ParameterCode::DetectEvents
        | ParameterCode::EventStates
        | ParameterCode::LocalConnectionOptions
        | ParameterCode::Capabilities
        | ParameterCode::BearerInformation => true,
        ParameterCode::Vendor { .. } | ParameterCode::Package { .. } | ParameterCode::Unknown(_) => {
            rest.first() == Some(&b'"')
        }
        _ => false,
    };
    if quotable { quoted_end(bytes, start, end) } else { Some(end) }
}

/// Moves the end of a value behind all its quoted strings. A doubled quote closes and opens, so counting does.
fn quoted_end(bytes: &[u8], start: usize, first_end: usize) -> Option<usize> {
    let mut end = first_end;
    let mut counted = start;
    let mut open = false;
    loop {
        let part = bytes.get(counted..end)?;
        open ^= memchr::memchr_iter(b'"', part).count() % 2 == 1;
        if !open {
            return Some(end);
        }
        counted = end;
        match memchr::memchr(b'\n', bytes.get(end + 1..)?) {
            Some(ahead) => end += 1 + ahead,
            // The quote is never closed: the value ends with its line, and its own grammar says what is wrong.
            None => return Some(first_end),
        }
    }
}
