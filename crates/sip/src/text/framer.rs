//! Where messages end on a stream (RFC 3261 section 18.3).
//!
//! A connection that breaks the framing cannot be read any further: the host closes it.

use memchr::memmem;

use crate::error::{DecodeError, Rule};
use crate::limits::Limits;
use crate::message::Name;
use crate::message::grammar::{number, trim};

/// Collects the octets of a connection and cuts messages out of them.
#[derive(Clone, Debug, Default)]
pub struct Framer {
    held: Vec<u8>,
    /// How much of what is held has been searched for the end of a header.
    searched: usize,
    /// How many answers to questions of this side's have not come.
    pongs: u32,
    limits: Limits,
}

/// What a connection brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A message, to be decoded.
    Message(Vec<u8>),
    /// A double line end between messages, which asks for a single one back (RFC 5626 section 4.4.1).
    Ping,
    /// The single line end that answers a [`Frame::Ping`] of this side's.
    Pong,
}

impl Framer {
    /// A framer with these limits.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { held: Vec::new(), searched: 0, pongs: 0, limits }
    }

    /// Takes octets, in the order in which they came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// This side has sent a double line end, so that a single one is an answer.
    pub fn expect_pong(&mut self) {
        self.pongs = self.pongs.saturating_add(1);
    }

    /// How many octets of a message have come that is not complete, without line ends before it: what a deadline is for.
    #[must_use]
    pub fn pending(&self) -> usize {
        let ends = self.held.iter().take_while(|octet| matches!(octet, b'\r' | b'\n')).count();
        self.held.len() - ends
    }

    /// What has come of a message that is not complete, or cannot be cut out.
    #[must_use]
    pub fn held(&self) -> &[u8] {
        &self.held
    }

    /// The next message, if it is complete.
    ///
    /// # Errors
    /// The connection cannot be read any further.
    pub fn pop(&mut self) -> Result<Option<Frame>, DecodeError> {
        if self.pongs > 0 && self.held.starts_with(b"\r\n") {
            self.take(2);
            self.pongs -= 1;
            return Ok(Some(Frame::Pong));
        }
        if self.held.starts_with(b"\r\n\r\n") {
            self.take(4);
            return Ok(Some(Frame::Ping));
        }
        while self.held.starts_with(b"\r\n") && self.held.len() > 2 && !self.held.starts_with(b"\r\n\r") {
            self.take(2);
        }
        let from = self.searched.saturating_sub(3);
        let found =
            memmem::find(self.held.get(from..).unwrap_or_default(), b"\r\n\r\n").map(|at| from + at + 4);
        self.searched = self.held.len();
        let head = match found {
            Some(head) if head <= self.limits.head => head,
            None if self.held.len() <= self.limits.head => return Ok(None),
            _ => return Err(DecodeError::at(&self.held, 0, Rule::HeadSize)),
        };
        let body = self.body_length(head)?;
        let whole = head + body;
        if whole > self.limits.message {
            return Err(DecodeError::at(&self.held, 0, Rule::MessageSize));
        }
        if self.held.len() < whole {
            self.searched = head.saturating_sub(1);
            return Ok(None);
        }
        Ok(Some(Frame::Message(self.take(whole))))
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        let rest = self.held.split_off(length.min(self.held.len()));
        self.searched = 0;
        std::mem::replace(&mut self.held, rest)
    }

    fn body_length(&self, head: usize) -> Result<usize, DecodeError> {
        let text = self.held.get(..head).unwrap_or_default();
        let (mut at, mut length) = (0, None);
        for line in text.split(|octet| *octet == b'\n') {
            let field = std::str::from_utf8(line).ok().and_then(|line| line.split_once(':'));
            if let Some((name, value)) = field
                && Name::new(name.trim_end_matches([' ', '\t'])) == Name::ContentLength
            {
                let counted = number::<u32>(trim(value)).filter(|_| length.is_none());
                length = Some(counted.ok_or_else(|| DecodeError::at(text, at, Rule::ContentLength))?);
            }
            at += line.len() + 1;
        }
        let length = length.ok_or_else(|| DecodeError::at(text, 0, Rule::BodyUnbounded))?;
        Ok(usize::try_from(length).unwrap_or(usize::MAX / 2))
    }
}
