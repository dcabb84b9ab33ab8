//! The text form, pretty and compact (RFC 3525 Annex B.2).
//!
//! Rooms: `scan`, the cursor; `name`, names; `message`, `command`, `descriptor`, `event`, `audit`, `service`, one reader for each part of the model; `write` and its rooms, the writer.

mod audit;
mod command;
mod descriptor;
mod event;
mod message;
mod name;
mod scan;
mod service;
mod write;

use crate::error::{DecodeError, EncodeError};
use crate::limits::Limits;
use crate::message::{Header, Message, Mid, Opening, Transaction, Version};

/// How text is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Long tokens, a line for each item, indented by tabs.
    Pretty,
    /// Short tokens, no white space but where the grammar wants it.
    Compact,
}

/// How a Signals descriptor without signals is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NoSignals {
    /// With its braces, as the standard has it (RFC 3525 Annex B.2, signalsDescriptor).
    #[default]
    Braces,
    /// The token alone: all that the parser of Erlang/OTP takes.
    Token,
}

/// How text is written. A layout alone is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// What stands between tokens, and which tokens.
    pub layout: Layout,
    /// What stands for no signals.
    pub no_signals: NoSignals,
}

impl From<Layout> for Style {
    fn from(layout: Layout) -> Self {
        Self { layout, no_signals: NoSignals::default() }
    }
}

/// How text is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The limits.
    pub limits: Limits,
}

impl Options {
    /// The defaults.
    pub const DEFAULT: Self = Self { limits: Limits::DEFAULT };
}

/// The long form of a token, if a word is one in any case: what it is called by people.
#[must_use]
pub fn long_form(word: &[u8]) -> Option<&'static str> {
    let is_word = word.iter().all(|byte| crate::package::is_safe(*byte));
    crate::token::Token::find(word).filter(|_| is_word).map(crate::token::Token::long)
}

/// Reads a message.
///
/// # Errors
/// The first rule that the message breaks, and where.
pub fn decode<'a>(bytes: &'a [u8], options: &'a Options) -> Result<Message<'a>, DecodeError> {
    let mut scanner = scan::Scanner::new(bytes, options);
    scanner.message().map_err(|fault| scanner.error(&fault))
}

/// Reads a message with faults: what can be read, and every fault in the order of the text. An item of a list that has
/// a fault is left out.
#[must_use]
pub fn decode_recovering<'a>(
    bytes: &'a [u8],
    options: &'a Options,
) -> (Option<Message<'a>>, Vec<DecodeError>) {
    let mut scanner = scan::Scanner::recovering(bytes, options);
    let read = scanner.message();
    let last = read.as_ref().err().map(|fault| scanner.error(fault));
    let mut faults = scanner.take_faults();
    faults.extend(last);
    (read.ok(), faults)
}

/// Reads of a message with faults what may be executed: of each request the actions and commands before its first fault, which is among
/// the faults (RFC 3525 section 8.2.2). Other transactions with a fault are left out. A request may be left without actions.
#[must_use]
pub fn decode_executable<'a>(
    bytes: &'a [u8],
    options: &'a Options,
) -> (Option<Message<'a>>, Vec<DecodeError>) {
    let mut scanner = scan::Scanner::executable(bytes, options);
    let read = scanner.message();
    let last = read.as_ref().err().map(|fault| scanner.error(fault));
    let mut faults = scanner.take_faults();
    faults.extend(last);
    (read.ok(), faults)
}

/// Writes a message behind what `out` holds.
///
/// # Errors
/// What of the message cannot be written in its version, or as text. `out` is as before then.
pub fn encode(message: &Message<'_>, style: impl Into<Style>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let before = out.len();
    let written = write::message(message, style.into(), out);
    if written.is_err() {
        out.truncate(before);
    }
    written
}

/// Writes one transaction behind what `out` holds, without the header of a message: what a transaction layer keeps, and puts behind a
/// [header](encode_header) with others.
///
/// # Errors
/// What of the transaction cannot be written in `version`, or as text. `out` is as before then.
pub fn encode_transaction(
    transaction: &Transaction<'_>,
    version: Version,
    style: impl Into<Style>,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let before = out.len();
    let written = write::transaction(transaction, version, style.into(), out);
    if written.is_err() {
        out.truncate(before);
    }
    written
}

/// Writes the header of a message behind what `out` holds.
pub fn encode_header(header: &Header<'_>, layout: Layout, out: &mut Vec<u8>) {
    write::header(header, layout.into(), out);
}

/// Reads the header of a message alone: what decides, before the rest is looked at, whether it is looked at.
///
/// # Errors
/// The first rule that the header breaks, and where.
pub fn decode_opening<'a>(bytes: &'a [u8], options: &'a Options) -> Result<Opening<'a>, DecodeError> {
    let mut scanner = scan::Scanner::of_header(bytes, options);
    match scanner.header() {
        Ok((authentication, version, mid)) => {
            let body = bytes.get(scanner.at()..).unwrap_or_default();
            Ok(Opening { authentication, version, mid, body })
        }
        Err(fault) => Err(scanner.error(&fault)),
    }
}

/// Reads a message identifier: what a configuration says.
#[must_use]
pub fn decode_mid(text: &str) -> Option<Mid<'_>> {
    let mut scanner = scan::Scanner::new(text.as_bytes(), const { &Options::DEFAULT });
    let mid = scanner.mid(crate::error::Rule::Mid).ok()?;
    (scanner.at() == text.len()).then_some(mid)
}
