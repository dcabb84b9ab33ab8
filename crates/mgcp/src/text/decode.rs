//! Bytes to messages (RFC 3435 section 3 and Appendix A), in one pass and without allocating.

use crate::limits::Limits;
use crate::message::{
    Command, EndpointName, Message, Parameters, Response, ReturnCode, TransactionId, Verb, Version,
    read_code_line, read_transaction_id,
};
use crate::scan::{Class, Fault, Scanner};
use crate::text::lines::{Line, Lines};
use crate::text::{DecodeError, Found, Rule, table, value};

/// Decodes exactly one message.
///
/// # Errors
/// The first rule that the bytes break; [`Rule::MessageCount`] if another message follows, see [`datagram`].
pub fn decode<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Message<'a>, DecodeError> {
    let mut reader = Reader::new(bytes, valid_text(bytes), 0, limits);
    let mut message = None;
    if let Err(fault) = reader.message(&mut message) {
        return Err(reader.error(fault));
    }
    if let Some(at) = reader.next {
        return Err(reader.error(Fault { at, rule: Rule::MessageCount }));
    }
    message.ok_or_else(|| reader.error(Fault { at: 0, rule: Rule::FirstLine }))
}

/// Decodes the messages of a datagram: one, or several piggybacked ones that a line with a single dot separates
/// (RFC 3435 section 3.5.5). An error in one does not affect the others. Offsets in errors count from the start
/// of the datagram.
#[must_use]
pub fn datagram<'a>(bytes: &'a [u8], limits: &Limits) -> Datagram<'a> {
    Datagram {
        bytes,
        text: valid_text(bytes),
        text_at: 0,
        start: 0,
        at: Some(0),
        left: limits.messages,
        limits: *limits,
    }
}

/// The messages of a datagram; see [`datagram`].
#[derive(Clone, Debug)]
pub struct Datagram<'a> {
    bytes: &'a [u8],
    /// Text from `text_at` on, so that no byte is looked at again for each message.
    text: &'a str,
    text_at: usize,
    /// Where the last message starts.
    start: usize,
    at: Option<usize>,
    left: usize,
    limits: Limits,
}

impl<'a> Datagram<'a> {
    /// Reads the last message, a response that breaks a rule, once more as the answer to a command with this verb: parameters that it may
    /// not carry are ignored, whatever their values are (RFC 3435 section 3.3).
    pub(crate) fn as_answer_to(&self, verb: Verb) -> Option<Message<'a>> {
        let rest = self.bytes.get(self.start..)?;
        let mut reader = Reader::new(rest, valid_text(rest), self.start, &self.limits);
        reader.ignored = table::forbidden_in_response_bits(verb);
        let mut message = None;
        reader.message(&mut message).ok()?;
        message.filter(|message| matches!(message, Message::Response(_)))
    }
}

impl<'a> Iterator for Datagram<'a> {
    type Item = Result<Message<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.at.take()?;
        self.start = start;
        let rest = self.bytes.get(start..)?;
        // A dot behind the last message announces one that does not come: harmless.
        if rest.is_empty() && start > 0 {
            return None;
        }
        if start >= self.text_at + self.text.len() {
            (self.text, self.text_at) = (valid_text(rest), start);
        }
        let text = self.text.get(start - self.text_at..).unwrap_or_default();
        let mut reader = Reader::new(rest, text, start, &self.limits);
        if self.left == 0 {
            return Some(Err(reader.error(Fault { at: 0, rule: Rule::MessageCount })));
        }
        self.left -= 1;
        let mut message = None;
        if let Err(fault) = reader.message(&mut message) {
            // Of a datagram that is too long nothing is read.
            if fault.rule != Rule::DatagramLength {
                self.at = next_message(rest, reader.lines.position()).map(|ahead| start + ahead);
            }
            return Some(Err(reader.error(fault)));
        }
        self.at = reader.next.map(|ahead| start + ahead);
        message.map(Ok)
    }
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
    /// Where the message starts in the datagram.
    base: usize,
    lines: Lines<'a>,
    limits: &'l Limits,
    transaction_id: Option<TransactionId>,
    is_response: bool,
    /// Known parameters that are passed over, as bits at their places.
    ignored: u32,
    /// Where the next piggybacked message starts.
    next: Option<usize>,
}

impl<'a, 'l> Reader<'a, 'l> {
    fn new(bytes: &'a [u8], text: &'a str, base: usize, limits: &'l Limits) -> Self {
        Self {
            bytes,
            base,
            lines: Lines::new(text),
            limits,
            transaction_id: None,
            is_response: false,
            ignored: 0,
            next: None,
        }
    }

    #[cold]
    fn error(&self, fault: Fault) -> DecodeError {
        let ends_early = fault.rule == Rule::EndOfLine && fault.at < self.bytes.len();
        DecodeError {
            offset: self.base + fault.at,
            found: Found::at(self.bytes, fault.at),
            // The text ended before the bytes did: what follows is not UTF-8.
            rule: if ends_early { Rule::Utf8 } else { fault.rule },
            transaction_id: self.transaction_id,
            is_response: self.is_response,
        }
    }

    fn message(&mut self, message: &mut Option<Message<'a>>) -> Result<(), Fault> {
        let most = self.limits.datagram_bytes.min(Limits::MAX_DATAGRAM);
        if self.base + self.bytes.len() > most {
            self.identify();
            return Err(Fault { at: most.saturating_sub(self.base), rule: Rule::DatagramLength });
        }
        self.lines.s.space();
        match self.lines.s.peek() {
            Some(byte) if byte.is_ascii_alphabetic() => self.command_line(message)?,
            Some(byte) if byte.is_ascii_digit() => self.response_line(message)?,
            _ => return Err(self.lines.s.fault(Rule::FirstLine)),
        }
        match message {
            Some(Message::Command(command)) => {
                let mut sdp = [None; 2];
                self.rest(&mut command.parameters, &mut sdp)?;
                command.sdp = sdp[0];
                Ok(())
            }
            Some(Message::Response(response)) => self.rest(&mut response.parameters, &mut response.sdp),
            None => Ok(()),
        }
    }

    /// The parameters before the first one is read: the text behind the first line.
    #[inline]
    fn no_parameters(&self) -> Parameters<'a> {
        Parameters::over(self.lines.s.rest())
    }

    /// Reads the first line alone, for the identifier that an error is answered with.
    #[cold]
    fn identify(&mut self) -> Option<()> {
        let mut s = Scanner::new(self.lines.first_line().ok()?);
        s.space();
        self.is_response = s.peek()?.is_ascii_digit();
        s.take(Class::VISIBLE);
        s.space();
        self.transaction_id = read_transaction_id(&mut s, Rule::TransactionId).ok();
        Some(())
    }

    #[inline]
    fn command_line(&mut self, message: &mut Option<Message<'a>>) -> Result<(), Fault> {
        let s = &mut self.lines.s;
        let start = s.position();
        s.pass(Class::VISIBLE);
        let verb = Verb::of(s.taken(start));
        // The identifier is read even behind a bad verb, so that the error can be answered.
        gap(s)?;
        let transaction_id = read_transaction_id(s, Rule::TransactionId)?;
        if !matches!(s.peek(), None | Some(b' ' | b'\t' | b'\r' | b'\n')) {
            return Err(s.fault(Rule::TransactionId));
        }
        self.transaction_id = Some(transaction_id);
        let verb = verb.ok_or(Fault { at: start, rule: Rule::Verb })?;
        gap(s)?;
        let endpoint = EndpointName::read(s)?;
        if !matches!(s.peek(), None | Some(b' ' | b'\t' | b'\r' | b'\n')) {
            return Err(s.fault(Rule::EndpointName));
        }
        s.space();
        let version = self.version()?;
        let parameters = self.no_parameters();
        let command = Command { verb, transaction_id, endpoint, version, parameters, sdp: None };
        *message = Some(Message::Command(command));
        Ok(())
    }

    #[inline]
    fn response_line(&mut self, message: &mut Option<Message<'a>>) -> Result<(), Fault> {
        self.is_response = true;
        let start = self.lines.position();
        let mut s = Scanner::new(self.lines.first_line()?);
        let read = read_code_line(&mut s, Rule::ResponseLine, |s| {
            gap(s)?;
            self.transaction_id = Some(read_transaction_id(s, Rule::TransactionId)?);
            Ok(())
        });
        let (number, package, commentary) = read.map_err(|fault| fault.behind(start))?;
        let (Some(code), Some(transaction_id)) = (ReturnCode::new(number), self.transaction_id) else {
            return Err(Fault { at: start, rule: Rule::ResponseLine });
        };
        let parameters = self.no_parameters();
        let response = Response { code, transaction_id, package, commentary, parameters, sdp: [None; 2] };
        *message = Some(Message::Response(response));
        Ok(())
    }

    /// The end of a command line.
    #[inline]
    fn version(&mut self) -> Result<Version<'a>, Fault> {
        // Nearly all of them end like this.
        let plain = b"MGCP 1.0\r\n";
        if self.lines.s.rest_bytes().starts_with(plain) {
            self.lines.s.advance(plain.len());
            return Ok(Version::V1_0);
        }
        let start = self.lines.position();
        let line = self.lines.first_line()?;
        Version::read(&mut Scanner::new(line)).map_err(|fault| fault.behind(start))
    }

    /// Reads the parameter lines, and the session descriptions if an empty line follows.
    fn rest(
        &mut self,
        parameters: &mut Parameters<'a>,
        sdp: &mut [Option<&'a [u8]>; 2],
    ) -> Result<(), Fault> {
        let start = self.lines.position();
        let mut left = self.limits.parameters;
        loop {
            let line_start = self.lines.position();
            let line = self.lines.begin()?;
            if line != Line::Parameter {
                parameters.close(line_start - start);
                return self.body(line, sdp);
            }
            left = left.checked_sub(1).ok_or(Fault { at: line_start, rule: Rule::ParameterCount })?;
            let at = self.lines.position();
            match self.lines.known() {
                Some(known) if self.ignored >> known as u32 & 1 == 0 => {
                    let end = value::take(known, &mut self.lines, self.limits)?;
                    parameters.note(known, at - start, end - at);
                }
                _ => {
                    value::take_extension(&mut self.lines)?;
                    parameters.note_extension();
                }
            }
        }
    }

    /// What follows the parameters: nothing, session descriptions, or another message.
    #[inline]
    fn body(&mut self, line: Line, sdp: &mut [Option<&'a [u8]>; 2]) -> Result<(), Fault> {
        let at = self.lines.position();
        match line {
            Line::Blank => {
                let rest = self.bytes.get(at..).unwrap_or_default();
                // Nearly always the rest of the datagram is one session description.
                if rest.last() == Some(&b'\n') && strowger_sdp::decode(rest, &self.limits.sdp()).is_ok() {
                    sdp[0] = Some(without_blank_lines(rest));
                    return Ok(());
                }
                self.session_descriptions(sdp)
            }
            Line::Dot => {
                self.next = Some(at);
                Ok(())
            }
            // The text ended before the bytes did.
            _ if at < self.bytes.len() => Err(Fault { at, rule: Rule::EndOfLine }),
            _ => Ok(()),
        }
    }

    /// Takes the session descriptions behind the empty line: one in a command, up to two in a response, with an
    /// empty line between. Also ends at a line with a dot, behind which the next message starts.
    fn session_descriptions(&mut self, blocks: &mut [Option<&'a [u8]>; 2]) -> Result<(), Fault> {
        let mut filled = 0;
        let mut start = self.lines.position();
        let mut at = start;
        loop {
            let rest = self.bytes.get(at..).unwrap_or_default();
            let length = memchr::memchr(b'\n', rest);
            let line = rest.get(..length.unwrap_or(rest.len())).unwrap_or_default();
            let dot = length.is_some() && line.first() == Some(&b'.') && is_dot(line);
            let blank = length.is_some() && line.trim_ascii().is_empty();
            let ends = rest.is_empty() || dot || blank;
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
                return Ok(());
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

/// A session description without the empty lines that some senders add to it.
#[inline]
fn without_blank_lines(block: &[u8]) -> &[u8] {
    let mut block = block;
    while let [rest @ .., b'\n', b'\r', b'\n'] | [rest @ .., b'\n', b'\n'] = block {
        block = block.get(..=rest.len()).unwrap_or(rest);
    }
    block
}

/// The text from the start on. A session description need not be UTF-8, so a header ends at the latest where UTF-8
/// does.
#[inline]
fn valid_text(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(valid).unwrap_or_default()
        }
    }
}

/// White space, which must be there.
#[inline]
fn gap(s: &mut Scanner<'_>) -> Result<(), Fault> {
    let start = s.position();
    s.space();
    if s.position() == start { Err(s.fault(Rule::FirstLine)) } else { Ok(()) }
}
