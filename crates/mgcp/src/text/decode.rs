//! Bytes to messages (RFC 3435 section 3 and Appendix A), in one pass and without allocating.

use crate::limits::Limits;
use crate::message::{
    Command, EndpointName, Message, Parameters, Response, ReturnCode, TransactionId, Verb, Version,
    read_code_line, read_transaction_id,
};
use crate::scan::{Fault, Scanner, is_space};
use crate::text::lines::{Line, Lines};
use crate::text::{DecodeError, Found, Rule, value};

/// Decodes exactly one message.
///
/// # Errors
/// The first rule that the bytes break. A datagram with several messages is [`Rule::ParameterLine`] here; see
/// [`datagram`].
pub fn decode<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Message<'a>, DecodeError> {
    let mut reader = Reader::new(bytes, limits);
    let message = reader.message()?;
    match reader.next {
        None => Ok(message),
        Some(at) => Err(reader.error(Fault { at, rule: Rule::MessageCount })),
    }
}

/// Decodes the messages of a datagram: one, or several piggybacked ones that a line with a single dot separates
/// (RFC 3435 section 3.5.5). An error in one does not affect the others. Offsets in errors count from the start
/// of the datagram.
#[must_use]
pub fn datagram<'a>(bytes: &'a [u8], limits: &Limits) -> Datagram<'a> {
    Datagram { bytes, at: Some(0), left: limits.messages, limits: *limits }
}

/// The messages of a datagram; see [`datagram`].
#[derive(Clone, Debug)]
pub struct Datagram<'a> {
    bytes: &'a [u8],
    at: Option<usize>,
    left: usize,
    limits: Limits,
}

impl<'a> Iterator for Datagram<'a> {
    type Item = Result<Message<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.at.take()?;
        let rest = self.bytes.get(start..)?;
        // A dot behind the last message announces one that does not come: harmless.
        if rest.is_empty() && start > 0 {
            return None;
        }
        let mut reader = Reader::new(rest, &self.limits);
        if self.left == 0 {
            return Some(Err(shifted(reader.error(Fault { at: 0, rule: Rule::MessageCount }), start)));
        }
        self.left -= 1;
        let result = match reader.oversized(self.bytes.len()) {
            Some(error) => return Some(Err(error)),
            None => reader.message(),
        };
        self.at = match &result {
            Ok(_) => reader.next,
            Err(_) => next_message(rest, reader.lines.position()),
        }
        .map(|ahead| start + ahead);
        Some(result.map_err(|error| shifted(error, start)))
    }
}

fn shifted(error: DecodeError, start: usize) -> DecodeError {
    DecodeError { offset: error.offset + start, ..error }
}

/// Where the message after a broken one starts: behind the next line that holds a dot alone.
fn next_message(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    // The break may be in the middle of a line: a dot there separates nothing.
    if at > 0 && bytes.get(at - 1) != Some(&b'\n') {
        at += memchr::memchr(b'\n', bytes.get(at..)?)? + 1;
    }
    loop {
        let line = bytes.get(at..)?;
        let length = memchr::memchr(b'\n', line)?;
        at += length + 1;
        if is_dot(line.get(..length)?) {
            return Some(at);
        }
    }
}

fn is_dot(line: &[u8]) -> bool {
    line.trim_ascii() == b"."
}

/// One message being read.
struct Reader<'a, 'l> {
    bytes: &'a [u8],
    lines: Lines<'a>,
    limits: &'l Limits,
    transaction_id: Option<TransactionId>,
    is_response: bool,
    /// Where the next piggybacked message starts.
    next: Option<usize>,
}

impl<'a, 'l> Reader<'a, 'l> {
    fn new(bytes: &'a [u8], limits: &'l Limits) -> Self {
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            // A session description need not be UTF-8, so the header ends at the latest where UTF-8 does.
            Err(error) => bytes
                .get(..error.valid_up_to())
                .and_then(|valid| std::str::from_utf8(valid).ok())
                .unwrap_or_default(),
        };
        Self { bytes, lines: Lines::new(text), limits, transaction_id: None, is_response: false, next: None }
    }

    #[cold]
    fn error(&self, fault: Fault) -> DecodeError {
        let ends_early = fault.rule == Rule::EndOfLine && fault.at < self.bytes.len();
        DecodeError {
            offset: fault.at,
            found: Found::at(self.bytes, fault.at),
            // The text ended before the bytes did: what follows is not UTF-8.
            rule: if ends_early { Rule::Utf8 } else { fault.rule },
            transaction_id: self.transaction_id,
            is_response: self.is_response,
        }
    }

    /// An error if the datagram is longer than allowed; the first line is still read, so that it can be answered.
    fn oversized(&mut self, length: usize) -> Option<DecodeError> {
        let most = self.limits.datagram_bytes.min(Limits::MAX_DATAGRAM);
        if length <= most {
            return None;
        }
        if let Ok(line) = self.lines.first_line() {
            let _ = self.first_line(line);
        }
        Some(self.error(Fault { at: most, rule: Rule::DatagramLength }))
    }

    fn message(&mut self) -> Result<Message<'a>, DecodeError> {
        if let Some(error) = self.oversized(self.bytes.len()) {
            return Err(error);
        }
        let line = self.lines.first_line().map_err(|fault| self.error(fault))?;
        let first = self.first_line(line).map_err(|fault| self.error(fault))?;
        let (parameters, has_body) = self.parameters().map_err(|fault| self.error(fault))?;
        let mut blocks = [None; 2];
        if has_body {
            blocks = self.session_descriptions().map_err(|fault| self.error(fault))?;
        }
        Ok(match first {
            First::Command { verb, transaction_id, endpoint, version } => Message::Command(Command {
                verb,
                transaction_id,
                endpoint,
                version,
                parameters,
                sdp: blocks[0],
            }),
            First::Response { code, transaction_id, package, commentary } => Message::Response(Response {
                code,
                transaction_id,
                package,
                commentary,
                parameters,
                sdp: blocks,
            }),
        })
    }

    fn first_line(&mut self, line: &'a str) -> Result<First<'a>, Fault> {
        let mut s = Scanner::new(line);
        s.space();
        match s.peek() {
            Some(byte) if byte.is_ascii_digit() => self.response_line(&mut s),
            Some(byte) if byte.is_ascii_alphabetic() => self.command_line(&mut s),
            _ => Err(s.fault(Rule::FirstLine)),
        }
    }

    fn command_line(&mut self, s: &mut Scanner<'a>) -> Result<First<'a>, Fault> {
        let start = s.position();
        let word = s.take(|byte| !is_space(byte) && byte.is_ascii_graphic());
        let verb = Verb::parse(word);
        // The identifier is read even behind a bad verb, so that the error can be answered.
        self.gap(s)?;
        let transaction_id = read_transaction_id(s, Rule::TransactionId)?;
        if s.peek().is_some_and(|byte| !is_space(byte)) {
            return Err(s.fault(Rule::TransactionId));
        }
        self.transaction_id = Some(transaction_id);
        let verb = verb.ok_or(Fault { at: start, rule: Rule::Verb })?;
        self.gap(s)?;
        let endpoint = EndpointName::read(s)?;
        if s.peek().is_some_and(|byte| !is_space(byte)) {
            return Err(s.fault(Rule::EndpointName));
        }
        s.space();
        let version = Version::read(s)?;
        Ok(First::Command { verb, transaction_id, endpoint, version })
    }

    fn response_line(&mut self, s: &mut Scanner<'a>) -> Result<First<'a>, Fault> {
        self.is_response = true;
        let mut transaction_id = None;
        let (number, package, commentary) = read_code_line(s, Rule::ResponseLine, |s| {
            self.gap(s)?;
            let id = read_transaction_id(s, Rule::TransactionId)?;
            self.transaction_id = Some(id);
            transaction_id = Some(id);
            Ok(())
        })?;
        let fault = Fault { at: 0, rule: Rule::ResponseLine };
        let code = ReturnCode::new(number).ok_or(fault)?;
        Ok(First::Response { code, transaction_id: transaction_id.ok_or(fault)?, package, commentary })
    }

    fn gap(&self, s: &mut Scanner<'a>) -> Result<(), Fault> {
        if s.take(is_space).is_empty() { Err(s.fault(Rule::FirstLine)) } else { Ok(()) }
    }

    /// Reads parameter lines. Whether a body follows comes with them.
    fn parameters(&mut self) -> Result<(Parameters<'a>, bool), Fault> {
        let start = self.lines.position();
        let mut parameters = Parameters::over(self.lines.rest_from(start));
        let mut left = self.limits.parameters;
        loop {
            let line_start = self.lines.position();
            let line = self.lines.next_line()?;
            match line {
                Line::Parameter { code, value, start: at } => {
                    left = left.checked_sub(1).ok_or(Fault { at: line_start, rule: Rule::ParameterCount })?;
                    if let Err(fault) = value::check(code, value, self.limits) {
                        return Err(Fault { at: at + fault.at, rule: fault.rule });
                    }
                    parameters.note(code, at - start, value.len());
                }
                Line::Blank | Line::Dot | Line::End => {
                    parameters.close(line_start - start);
                    if matches!(line, Line::End) && self.lines.position() < self.bytes.len() {
                        return Err(Fault { at: self.lines.position(), rule: Rule::EndOfLine });
                    }
                    if matches!(line, Line::Dot) {
                        self.next = Some(self.lines.position());
                    }
                    return Ok((parameters, matches!(line, Line::Blank)));
                }
            }
        }
    }

    /// Takes the session descriptions behind the empty line: one in a command, up to two in a response, with an
    /// empty line between. Also ends at a line with a dot, behind which the next message starts.
    fn session_descriptions(&mut self) -> Result<[Option<&'a [u8]>; 2], Fault> {
        let mut blocks = [None; 2];
        let mut filled = 0;
        let mut start = self.lines.position();
        let mut at = start;
        loop {
            let rest = self.bytes.get(at..).unwrap_or_default();
            let length = memchr::memchr(b'\n', rest);
            let line = rest.get(..length.unwrap_or(rest.len())).unwrap_or_default();
            let dot = line.first() == Some(&b'.') && is_dot(line);
            let ends = rest.is_empty() || dot || line.trim_ascii().is_empty();
            if ends {
                let block = self.bytes.get(start..at).unwrap_or_default();
                if !block.is_empty() {
                    let slot = blocks
                        .get_mut(filled)
                        .ok_or(Fault { at: start, rule: Rule::SessionDescriptionCount })?;
                    *slot = Some(block);
                    filled += 1;
                    self.session_description(block, start)?;
                    if filled > 1 && !self.is_response {
                        return Err(Fault { at: start, rule: Rule::SessionDescriptionCount });
                    }
                }
                start = at + length.map_or(rest.len(), |length| length + 1);
            }
            at += length.map_or(rest.len(), |length| length + 1);
            if dot {
                self.next = Some(at);
            }
            if dot || at >= self.bytes.len() && ends {
                return Ok(blocks);
            }
        }
    }

    /// Checks a session description, whose last line must end: what was cut off is not to be guessed at.
    fn session_description(&self, block: &[u8], start: usize) -> Result<(), Fault> {
        if let Err(error) = strowger_sdp::decode(block, &self.limits.sdp()) {
            return Err(Fault { at: start + error.offset, rule: Rule::SessionDescription(error.rule) });
        }
        if block.last() != Some(&b'\n') {
            return Err(Fault { at: start + block.len(), rule: Rule::EndOfLine });
        }
        Ok(())
    }
}

/// A message's first line.
enum First<'a> {
    Command {
        verb: Verb,
        transaction_id: TransactionId,
        endpoint: EndpointName<'a>,
        version: Version<'a>,
    },
    Response {
        code: ReturnCode,
        transaction_id: TransactionId,
        package: Option<&'a str>,
        commentary: Option<&'a str>,
    },
}
