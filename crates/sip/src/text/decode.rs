//! Octets to a message, in one pass, borrowing all that it can.

use std::borrow::Cow;

use memchr::memchr;

use crate::error::{DecodeError, Rule};
use crate::limits::Limits;
use crate::message::grammar::{is_token_octet, number, trim};
use crate::message::{Header, Message, Method, Name, StartLine, Status, Uri};

/// What a start line may have besides its URI, or a phrase.
const LONGEST_METHOD: usize = 1024;

/// Whether a datagram or the start of a message holds line ends alone: a peer keeps its way open (RFC 3261 section 7.5,
/// RFC 5626 section 3.5.1).
#[must_use]
pub fn is_keep_alive(bytes: &[u8]) -> bool {
    bytes.iter().all(|octet| matches!(octet, b'\r' | b'\n'))
        || bytes == [0; 4]
        || bytes == b"jaK"
        || bytes == [0]
}

/// Decodes the message of a datagram. Octets behind its body are no part of it (RFC 3261 section 18.3).
///
/// # Errors
/// Where and how it is malformed. A message that is well-formed may still lack what it needs: see [`crate::text::check`].
pub fn decode<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Message<'a>, DecodeError> {
    if bytes.len() > limits.message {
        return Err(DecodeError::at(bytes, limits.message, Rule::MessageSize));
    }
    let mut lines = Lines { bytes, at: 0, limits };
    while bytes[lines.at..].starts_with(b"\r\n") {
        lines.at += 2;
    }
    if lines.at == bytes.len() {
        return Err(DecodeError::at(bytes, 0, Rule::Empty));
    }
    let first = memchr(b'\n', bytes.get(lines.at..).unwrap_or_default());
    if first.is_some_and(|length| length > limits.uri + LONGEST_METHOD) {
        return Err(DecodeError::at(bytes, lines.at, Rule::UriSize));
    }
    let (at, line) = lines.line()?;
    let start = start_line(bytes, at, line, limits)?;
    let mut header = Header::new();
    let mut length = None;
    while let Some((at, name, value)) = lines.field()? {
        if header.len() >= limits.fields {
            return Err(DecodeError::at(bytes, at, Rule::FieldCount));
        }
        let name = Name::new(name);
        if name == Name::ContentLength {
            let counted = number::<u32>(value).filter(|_| length.is_none());
            length = Some(counted.ok_or_else(|| DecodeError::at(bytes, at, Rule::ContentLength))?);
            continue;
        }
        header.push_field(name, value);
    }
    let rest = bytes.get(lines.at..).unwrap_or_default();
    let body = match length.map(|length| usize::try_from(length).unwrap_or(usize::MAX)) {
        None => rest,
        Some(length) => {
            rest.get(..length).ok_or_else(|| DecodeError::at(bytes, lines.at, Rule::BodyShort))?
        }
    };
    Ok(Message { start, header, body: Cow::Borrowed(body) })
}

struct Lines<'a, 'l> {
    bytes: &'a [u8],
    at: usize,
    limits: &'l Limits,
}

impl<'a> Lines<'a, '_> {
    /// Takes a line, without its end.
    fn line(&mut self) -> Result<(usize, &'a str), DecodeError> {
        let at = self.at;
        let rest = self.bytes.get(at..).unwrap_or_default();
        let Some(feed) = memchr(b'\n', rest) else { return Err(self.unfinished(rest)) };
        if at + feed > self.limits.head {
            return Err(DecodeError::at(self.bytes, self.limits.head.min(at), Rule::HeadSize));
        }
        let line = rest.get(..feed).unwrap_or_default();
        let Some(line) = line.strip_suffix(b"\r") else {
            return Err(DecodeError::at(self.bytes, at + feed, Rule::LineEnd));
        };
        // A backslash in a quoted string takes the meaning from any octet but those that end lines.
        let escaped = |at: usize| at > 0 && line.get(at - 1) == Some(&b'\\') && line.get(at) != Some(&b'\r');
        let control = |octet: u8| (octet < b' ' && octet != b'\t') || octet == 0x7f;
        if let Some(odd) =
            (0..line.len()).find(|at| line.get(*at).is_some_and(|octet| control(*octet)) && !escaped(*at))
        {
            let rule = if line.get(odd) == Some(&b'\r') { Rule::LineEnd } else { Rule::Control };
            return Err(DecodeError::at(self.bytes, at + odd, rule));
        }
        let text = std::str::from_utf8(line)
            .map_err(|error| DecodeError::at(self.bytes, at + error.valid_up_to(), Rule::Utf8))?;
        self.at = at + feed + 1;
        Ok((at, text))
    }

    #[cold]
    fn unfinished(&self, rest: &[u8]) -> DecodeError {
        let rule = if rest.len() > self.limits.head { Rule::HeadSize } else { Rule::HeadEnd };
        DecodeError::at(self.bytes, self.at, rule)
    }

    /// Takes a header field with its continuations; none: the header is over.
    fn field(&mut self) -> Result<Option<(usize, &'a str, &'a str)>, DecodeError> {
        let (at, first) = self.line()?;
        if first.is_empty() {
            return Ok(None);
        }
        let name_length = first.bytes().position(|octet| !is_token_octet(octet)).unwrap_or(first.len());
        let (name, rest) = first.split_at(name_length);
        let Some(rest) = rest.trim_start_matches([' ', '\t']).strip_prefix(':').filter(|_| name_length > 0)
        else {
            let folded = first.starts_with([' ', '\t']);
            let rule = if folded { Rule::Continuation } else { Rule::FieldForm };
            return Err(DecodeError::at(self.bytes, at + name_length, rule));
        };
        let begins = at + first.len() - rest.len();
        let mut ends = at + first.len();
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t')) {
            let (at, line) = self.line()?;
            ends = at + line.len();
        }
        if ends - at > self.limits.field {
            return Err(DecodeError::at(self.bytes, at, Rule::FieldSize));
        }
        let value = self.bytes.get(begins..ends).and_then(|value| std::str::from_utf8(value).ok());
        Ok(Some((at, name, trim(value.unwrap_or_default()))))
    }
}

fn start_line<'a>(
    bytes: &'a [u8],
    at: usize,
    line: &'a str,
    limits: &Limits,
) -> Result<StartLine<'a>, DecodeError> {
    let error = |offset: usize, rule| DecodeError::at(bytes, at + offset, rule);
    if line.get(..4).is_some_and(|name| name.eq_ignore_ascii_case("SIP/")) {
        return response_line(line, error);
    }
    let (Some(first), Some(last)) = (line.find(' '), line.rfind(' ')) else {
        return Err(error(0, Rule::StartLine));
    };
    let method = line.get(..first).unwrap_or_default();
    let version = line.get(last + 1..).unwrap_or_default();
    let uri = line.get(first + 1..last).unwrap_or_default();
    if first == last || version.is_empty() || uri.starts_with(' ') || uri.ends_with(' ') || uri.is_empty() {
        return Err(error(first, Rule::StartLine));
    }
    let method = Method::new(method).ok_or_else(|| error(0, Rule::Method))?;
    if !version.eq_ignore_ascii_case("SIP/2.0") {
        let is_version = version.get(..4).is_some_and(|name| name.eq_ignore_ascii_case("SIP/"));
        return Err(error(last + 1, if is_version { Rule::Version } else { Rule::StartLine }));
    }
    if uri.len() > limits.uri {
        return Err(error(first + 1, Rule::UriSize));
    }
    let uri = Uri::parse(uri).ok_or_else(|| error(first + 1, Rule::RequestUri))?;
    // Headers would become those of the request that somebody makes of it (RFC 3261 section 19.1.1, table 1).
    if uri.as_sip().is_some_and(|uri| uri.headers.is_some()) {
        return Err(error(first + 1, Rule::RequestUri));
    }
    Ok(StartLine::Request { method, uri })
}

fn response_line<'a>(
    line: &'a str,
    error: impl Fn(usize, Rule) -> DecodeError,
) -> Result<StartLine<'a>, DecodeError> {
    let (version, rest) = line.split_once(' ').ok_or_else(|| error(0, Rule::StartLine))?;
    if !version.eq_ignore_ascii_case("SIP/2.0") {
        return Err(error(0, Rule::Version));
    }
    // A phrase may be empty, and some leave out the space before it.
    let (code, phrase) = rest.split_once(' ').unwrap_or((rest, ""));
    let status = number::<u16>(code).filter(|_| code.len() == 3).and_then(Status::new);
    let status = status.ok_or_else(|| error(version.len() + 1, Rule::StatusCode))?;
    Ok(StartLine::Response { status, phrase: Cow::Borrowed(phrase) })
}
