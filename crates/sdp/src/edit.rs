//! Changes of single fields; every other octet stays as it came.
//!
//! Each change is checked by decoding the result, so that an [`Edit`] always holds a well-formed description; a change that
//! would break it is refused and leaves the text as it was. A line that is added ends as its neighbour does, and stands
//! where RFC 8866 section 9 puts it.

use std::fmt;
use std::net::IpAddr;
use std::ops::Range;

use crate::audio::Direction;
use crate::decode::decode;
use crate::departure::{MEDIA_ORDER, SESSION_ORDER};
use crate::error::DecodeError;
use crate::field::{Attribute, Wild};
use crate::limits::Limits;
use crate::line::{Line, Lines, field};
use crate::session::SessionDescription;

/// The part of a description that a change is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The lines before the first stream.
    Session,
    /// The stream with this index, from 0.
    Media(usize),
}

/// Why a change was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EditError {
    /// There is no stream with this index.
    NoSuchMedia,
    /// There is no line with this letter to change.
    NoSuchLine(char),
    /// The value would break a rule; the offset is one of the text that would have come out.
    Illegal(DecodeError),
    /// The value holds a line end, which would start another line.
    LineEnd,
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchMedia => f.write_str("there is no such stream"),
            Self::NoSuchLine(letter) => write!(f, "there is no {letter}= line"),
            Self::Illegal(error) => write!(f, "the new value is illegal: {error}"),
            Self::LineEnd => f.write_str("the new value holds a line end"),
        }
    }
}

impl std::error::Error for EditError {}

/// A description under change.
#[derive(Clone, Debug)]
pub struct Edit {
    text: Vec<u8>,
    limits: Limits,
}

impl Edit {
    pub(crate) fn new(session: &SessionDescription<'_>, limits: &Limits) -> Self {
        Self { text: session.as_bytes().to_vec(), limits: limits.clone() }
    }

    /// The text as changed so far.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.text
    }

    /// The changed text.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.text
    }

    /// Sets the address of a `c=` line and, to agree with it, its address type; adds the line when there is none.
    ///
    /// # Errors
    /// [`EditError::NoSuchMedia`].
    pub fn set_connection_address(&mut self, scope: Scope, address: IpAddr) -> Result<(), EditError> {
        let value = format!("IN {} {address}", address_type(address));
        match self.line(scope, b'c')? {
            Some(line) => self.replace(line.value_range(), value.as_bytes()),
            None => self.insert(scope, b'c', value.as_bytes()),
        }
    }

    /// Sets the address of the `o=` line and its address type.
    ///
    /// # Errors
    /// [`EditError::NoSuchLine`] without an `o=` line.
    pub fn set_origin_address(&mut self, address: IpAddr) -> Result<(), EditError> {
        let start = self.part_of_line(Scope::Session, b'o', 4)?.start;
        let end = self.part_of_line(Scope::Session, b'o', 5)?.end;
        let value = format!("{} {address}", address_type(address));
        self.replace(start..end, value.as_bytes())
    }

    /// Sets the version in the `o=` line, which grows with every change (RFC 3264 section 8).
    ///
    /// # Errors
    /// [`EditError::NoSuchLine`] without an `o=` line.
    pub fn set_origin_version(&mut self, version: u64) -> Result<(), EditError> {
        let range = self.part_of_line(Scope::Session, b'o', 2)?;
        self.replace(range, version.to_string().as_bytes())
    }

    /// Sets the name of the session, the `s=` line.
    ///
    /// # Errors
    /// [`EditError::NoSuchLine`] without an `s=` line, [`EditError::LineEnd`].
    pub fn set_session_name(&mut self, name: &[u8]) -> Result<(), EditError> {
        let line = self.line(Scope::Session, b's')?.ok_or(EditError::NoSuchLine('s'))?;
        self.replace(line.value_range(), name)
    }

    /// Sets the port of a stream; the number of ports, if written, stays.
    ///
    /// # Errors
    /// [`EditError::NoSuchMedia`].
    pub fn set_port(&mut self, media: usize, port: Wild<u16>) -> Result<(), EditError> {
        let range = self.part_of_line(Scope::Media(media), b'm', 1)?;
        let text = self.text.get(range.clone()).unwrap_or_default();
        let end = text.iter().position(|byte| *byte == b'/').map_or(range.end, |slash| range.start + slash);
        self.replace(range.start..end, port.to_string().as_bytes())
    }

    /// Sets the formats of a stream, in order of preference. Attributes of formats that are no longer listed stay.
    ///
    /// # Errors
    /// [`EditError::NoSuchMedia`], [`EditError::Illegal`] when a format is no token or there is none.
    pub fn set_formats(&mut self, media: usize, formats: &[&str]) -> Result<(), EditError> {
        let start = self.part_of_line(Scope::Media(media), b'm', 3)?.start;
        let end = self.line(Scope::Media(media), b'm')?.ok_or(EditError::NoSuchMedia)?.value_range().end;
        self.replace(start..end, formats.join(" ").as_bytes())
    }

    /// Sets the value of the first attribute with this name, or adds the attribute at the end of its part.
    ///
    /// # Errors
    /// [`EditError::NoSuchMedia`], [`EditError::LineEnd`], [`EditError::Illegal`] when the name is no token.
    pub fn set_attribute(&mut self, scope: Scope, name: &str, value: Option<&[u8]>) -> Result<(), EditError> {
        let line = self.lines(scope)?.find(|line| is_attribute(line, name));
        let Some(line) = line else { return self.add_attribute(scope, name, value) };
        let range = line.offset + 2 + name.len()..line.value_range().end;
        let tail = value.map_or_else(Vec::new, |value| [b":", value].concat());
        self.replace(range, &tail)
    }

    /// Adds an attribute at the end of its part, after others with the same name.
    ///
    /// # Errors
    /// As [`Edit::set_attribute`].
    pub fn add_attribute(&mut self, scope: Scope, name: &str, value: Option<&[u8]>) -> Result<(), EditError> {
        let text = match value {
            Some(value) => [name.as_bytes(), b":", value].concat(),
            None => name.as_bytes().to_vec(),
        };
        self.insert(scope, b'a', &text)
    }

    /// Removes every attribute with this name from a part; says how many there were.
    ///
    /// # Errors
    /// [`EditError::NoSuchMedia`].
    pub fn remove_attributes(&mut self, scope: Scope, name: &str) -> Result<usize, EditError> {
        let mut removed = 0;
        while let Some(range) =
            self.lines(scope)?.find(|line| is_attribute(line, name)).map(|line| line.range())
        {
            let rest = self.text.get(range.end..).unwrap_or_default();
            let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
            self.replace(range.start..range.end + end, b"")?;
            removed += 1;
        }
        Ok(removed)
    }

    /// Sets the direction of a part (RFC 8866 section 6.7): changes the attribute that states one, or adds it.
    ///
    /// # Errors
    /// [`EditError::NoSuchMedia`].
    pub fn set_direction(&mut self, scope: Scope, direction: Direction) -> Result<(), EditError> {
        let stated = self.lines(scope)?.find(|line| {
            line.letter == b'a'
                && str::from_utf8(line.value).is_ok_and(|name| Direction::from_name(name).is_some())
        });
        match stated {
            Some(line) => self.replace(line.value_range(), direction.name().as_bytes()),
            None => self.add_attribute(scope, direction.name(), None),
        }
    }

    fn session(&self) -> Result<SessionDescription<'_>, EditError> {
        decode(&self.text, &self.limits).map_err(EditError::Illegal)
    }

    fn lines(&self, scope: Scope) -> Result<Lines<'_>, EditError> {
        let session = self.session()?;
        match scope {
            Scope::Session => Ok(session.session_lines()),
            Scope::Media(index) => {
                session.media().nth(index).map(|media| media.lines()).ok_or(EditError::NoSuchMedia)
            }
        }
    }

    /// The first line of a part with this letter.
    fn line(&self, scope: Scope, letter: u8) -> Result<Option<Line<'_>>, EditError> {
        Ok(self.lines(scope)?.find(|line| line.letter == letter))
    }

    /// Where a field of a line stands, fields counted from 0.
    fn part_of_line(&self, scope: Scope, letter: u8, index: usize) -> Result<Range<usize>, EditError> {
        let missing = EditError::NoSuchLine(char::from(letter));
        let line = self.line(scope, letter)?.ok_or(missing)?;
        let mut rest = line.value;
        let mut text = field(&mut rest);
        for _ in 0..index {
            text = field(&mut rest);
        }
        let end = line.value_range().end - rest.len();
        Ok(end - text.len()..end)
    }

    /// Puts `value` in the place of a range, if the outcome is well-formed.
    fn replace(&mut self, range: Range<usize>, value: &[u8]) -> Result<(), EditError> {
        if value.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
            return Err(EditError::LineEnd);
        }
        self.splice(range, value)
    }

    fn splice(&mut self, range: Range<usize>, value: &[u8]) -> Result<(), EditError> {
        let before = self.text.get(..range.start).unwrap_or_default();
        let after = self.text.get(range.end..).unwrap_or_default();
        let text = [before, value, after].concat();
        decode(&text, &self.limits).map_err(EditError::Illegal)?;
        self.text = text;
        Ok(())
    }

    /// Adds a line after the last one of its part that it may follow.
    fn insert(&mut self, scope: Scope, letter: u8, value: &[u8]) -> Result<(), EditError> {
        if value.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
            return Err(EditError::LineEnd);
        }
        let order = if scope == Scope::Session { SESSION_ORDER } else { MEDIA_ORDER };
        let place = |letter| order.iter().position(|known| *known == letter).unwrap_or(0);
        let after = self.lines(scope)?.filter(|line| place(line.letter) <= place(letter)).last();
        let end = after.map(|line| line.range().end).ok_or(EditError::NoSuchLine('v'))?;
        let line_end: &[u8] = match self.text.get(end..) {
            Some([b'\n', ..]) => b"\n",
            Some([b'\r', ..]) => b"\r\n",
            // The last line has no end: its neighbours say how lines end here.
            _ if self.text.contains(&b'\n') && !self.text.contains(&b'\r') => b"\n",
            _ => b"\r\n",
        };
        self.splice(end..end, &[line_end, &[letter], b"=", value].concat())
    }
}

fn is_attribute(line: &Line<'_>, name: &str) -> bool {
    line.letter == b'a'
        && Attribute::parse(line.value, line.offset).is_some_and(|attribute| attribute.name == name)
}

pub(crate) fn address_type(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "IP4" } else { "IP6" }
}
