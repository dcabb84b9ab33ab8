//! The forms in which a peer speaks, configured or learned from its messages.

use std::sync::Arc;

use crate::binary::{self, ValueForm};
use crate::error::{DecodeError, EncodeError};
use crate::message::{Authentication, Header, Message, Mid, Opening, Transaction, Version};
use crate::text::{self, Layout, NoSignals, Style};

/// The greatest version that is spoken here.
pub const NEWEST: Version = Version::V3;

/// Text or binary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Text.
    Text(Layout),
    /// BER.
    Binary,
}

impl Form {
    /// Writes a message behind what `out` holds.
    pub(super) fn encode(
        self,
        coding: &Coding,
        message: &Message<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        match self {
            Self::Text(layout) => text::encode(message, layout, out),
            Self::Binary => binary::encode(message, &coding.binary, out),
        }
    }
}

/// What both sides have to know of one another to read the two forms. Peers that are configured alike share one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coding {
    /// How text is read.
    pub text: text::Options,
    /// How the binary form is read and written.
    pub binary: binary::Options,
}

/// The first octet of every binary message, which begins no text.
const BINARY: u8 = 0x30;

impl Coding {
    /// Reads a message in either form.
    ///
    /// # Errors
    /// The first rule that the message breaks, and where.
    pub fn decode<'a>(&'a self, bytes: &'a [u8]) -> Result<Message<'a>, DecodeError> {
        match bytes.first() {
            Some(&BINARY) => binary::decode(bytes, &self.binary),
            _ => text::decode(bytes, &self.text),
        }
    }

    /// Reads what may be executed of a message with faults, and the faults.
    #[must_use]
    pub fn decode_executable<'a>(&'a self, bytes: &'a [u8]) -> (Option<Message<'a>>, Vec<DecodeError>) {
        match bytes.first() {
            Some(&BINARY) => binary::decode_executable(bytes, &self.binary),
            _ => text::decode_executable(bytes, &self.text),
        }
    }

    pub(super) fn decode_opening<'a>(&'a self, bytes: &'a [u8]) -> Result<Opening<'a>, DecodeError> {
        match bytes.first() {
            Some(&BINARY) => binary::decode_opening(bytes, &self.binary),
            _ => text::decode_opening(bytes, &self.text),
        }
    }
}

/// The form of a message, by its first octets.
pub(super) fn form_of(bytes: &[u8]) -> Form {
    if bytes.first() == Some(&BINARY) {
        return Form::Binary;
    }
    let rest = bytes.trim_ascii_start();
    // An authentication header is one line before the rest.
    let rest = match rest {
        [b'A' | b'a', ..] => {
            let end = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
            rest.get(end..).unwrap_or_default().trim_ascii_start()
        }
        _ => rest,
    };
    Form::Text(if rest.first() == Some(&b'!') { Layout::Compact } else { Layout::Pretty })
}

/// Whether the way that a peer speaks changes how it is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Learning {
    /// It is spoken to as it speaks.
    #[default]
    On,
    /// The configuration stands.
    Off,
}

/// How a peer is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// In which form.
    pub form: Form,
    /// How values are written in the binary form.
    pub values: ValueForm,
    /// In which version; nothing newer is sent.
    pub version: Version,
    /// How no signals are written in text.
    pub no_signals: NoSignals,
}

/// Compact text of version 1, until something else is learned.
impl Default for Dialect {
    fn default() -> Self {
        Self {
            form: Form::Text(Layout::Compact),
            values: ValueForm::Wrapped,
            version: Version::V1,
            no_signals: NoSignals::Braces,
        }
    }
}

impl Dialect {
    /// Writes one transaction behind what `out` holds.
    pub(super) fn encode(
        self,
        coding: &Coding,
        transaction: &Transaction<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        match self.form {
            Form::Text(layout) => {
                let style = Style { layout, no_signals: self.no_signals };
                text::encode_transaction(transaction, self.version, style, out)
            }
            Form::Binary => binary::encode_transaction(transaction, self.version, &coding.binary, out),
        }
    }

    /// Writes a message around transactions that are written already.
    pub(super) fn frame<'t>(
        self,
        authentication: Option<&Authentication<'_>>,
        mid: Mid<'_>,
        mut transactions: impl Iterator<Item = &'t [u8]>,
        out: &mut Vec<u8>,
    ) {
        let header = Header { authentication, version: self.version, mid };
        match self.form {
            Form::Text(layout) => {
                text::encode_header(&header, layout, out);
                out.extend_from_slice(transactions.next().unwrap_or_default());
                for octets in transactions {
                    out.push(b'\n');
                    out.extend_from_slice(octets);
                }
            }
            // The data of the authentication header are ours, of a legal length.
            Form::Binary => drop(binary::encode_frame(&header, transactions, out)),
        }
    }
}

/// The same coding but for the form of values.
pub(super) fn with_values(coding: &Arc<Coding>, values: ValueForm) -> Arc<Coding> {
    if coding.binary.values == values {
        return Arc::clone(coding);
    }
    let mut other = Coding::clone(coding);
    other.binary.values = values;
    Arc::new(other)
}
