//! The binary form: BER of the ASN.1 of RFC 3525 Annex A, with what versions 2 and 3 added behind its extension marks.
//!
//! Definite and indefinite lengths are read, definite ones are written. Rooms: `ber`, headers and primitive values; `care`, messages with faults and without; `read` and `write` with one room for each part of the model; [`plan`], the names of terminations; `value`, values and their
//! double wrapping.
//!
//! Strings in several segments (constructed octet strings) are refused: nobody sends them, and each would need a copy.

mod ber;
mod care;
pub mod plan;
mod read;
mod value;
mod write;

pub use plan::{Level, LevelForm, NamePlan, NoNamePlan};

use care::{Exact, Swift};

use crate::error::{DecodeError, EncodeError};
use crate::limits::Limits;
use crate::message::{Header, Message, Opening, Reason, Transaction, Version};

type SwiftReader<'a> = read::Reader<'a, Swift>;
type ExactReader<'a> = read::Reader<'a, Exact>;

/// How values of packages are written (RFC 3525 Annex A.2 note 4). Both are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ValueForm {
    /// Double-wrapped, as the note demands.
    #[default]
    Wrapped,
    /// As text in the octet string, as a widespread peer does.
    Raw,
}

/// How the binary form is read and written: what both sides have to know of each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The limits.
    pub limits: Limits,
    /// The names of terminations.
    pub plan: NamePlan,
    /// The names of digit maps and their identifiers. A map without name is called `id` and four hexadecimal digits.
    pub digit_maps: Vec<(String, u16)>,
    /// How values are written.
    pub values: ValueForm,
}

/// Reads a message.
///
/// # Errors
/// The first rule that the message breaks, and where.
pub fn decode<'a>(bytes: &'a [u8], options: &'a Options) -> Result<Message<'a>, DecodeError> {
    let mut message = SwiftReader::blank();
    let mut reader = SwiftReader::swift(bytes, options);
    match reader.as_mut().map(|reader| reader.message(&mut message)) {
        Some(Ok(())) => Ok(message),
        _ => refuse(bytes, options),
    }
}

/// Reads a message with care, mostly to say what is wrong with it.
#[cold]
fn refuse<'a>(bytes: &'a [u8], options: &'a Options) -> Result<Message<'a>, DecodeError> {
    let mut message = ExactReader::blank();
    let mut reader = ExactReader::exact(bytes, options);
    match reader.message(&mut message) {
        Ok(()) => Ok(message),
        Err(fault) => Err(reader.error(&fault)),
    }
}

/// Reads a message with faults: what can be read, and every fault in the order of the octets. An element of a list that
/// has a fault is left out.
#[must_use]
pub fn decode_recovering<'a>(
    bytes: &'a [u8],
    options: &'a Options,
) -> (Option<Message<'a>>, Vec<DecodeError>) {
    let mut message = SwiftReader::blank();
    let mut reader = SwiftReader::swift(bytes, options);
    match reader.as_mut().map(|reader| reader.message(&mut message)) {
        Some(Ok(())) => (Some(message), Vec::new()),
        _ => ExactReader::recovering(bytes, options).message_and_faults(),
    }
}

/// Reads of a message with faults what may be executed: of each request the actions and commands before its first fault, which is among
/// the faults (RFC 3525 section 8.2.2). Other transactions with a fault are left out. A request may be left without actions.
#[must_use]
pub fn decode_executable<'a>(
    bytes: &'a [u8],
    options: &'a Options,
) -> (Option<Message<'a>>, Vec<DecodeError>) {
    let mut message = SwiftReader::blank();
    let mut reader = SwiftReader::swift(bytes, options);
    match reader.as_mut().map(|reader| reader.message(&mut message)) {
        Some(Ok(())) => (Some(message), Vec::new()),
        _ => ExactReader::executable(bytes, options).message_and_faults(),
    }
}

/// Writes a message behind what `out` holds.
///
/// # Errors
/// What of the message cannot be written in its version, or in binary. `out` is as before then.
pub fn encode(message: &Message<'_>, options: &Options, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let before = out.len();
    let written = write::message(message, options, out);
    if written.is_err() {
        out.truncate(before);
    }
    written
}

/// Writes one transaction behind what `out` holds, without a message around it: what a transaction layer keeps, and
/// [frames](encode_frame) with others.
///
/// # Errors
/// What of the transaction cannot be written in `version`, or in binary. `out` is as before then.
pub fn encode_transaction(
    transaction: &Transaction<'_>,
    version: Version,
    options: &Options,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let before = out.len();
    let written = write::transaction(transaction, version, options, out);
    if written.is_err() {
        out.truncate(before);
    }
    written
}

/// Writes a message around transactions that [`encode_transaction`] wrote: at least one.
///
/// # Errors
/// Authentication data of other than 12 to 32 octets. `out` is as before then.
pub fn encode_frame<'t>(
    header: &Header<'_>,
    transactions: impl Iterator<Item = &'t [u8]>,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let before = out.len();
    let written = write::frame(header, transactions, out);
    if written.is_err() {
        out.truncate(before);
    }
    written
}

/// Reads the header of a message alone: what decides, before the rest is looked at, whether it is looked at. The body is given without
/// the list's own header, so that it is the transactions and nothing else.
///
/// # Errors
/// The first rule that the header breaks, and where.
pub fn decode_opening<'a>(bytes: &'a [u8], options: &'a Options) -> Result<Opening<'a>, DecodeError> {
    let mut reader = ExactReader::exact(bytes, options);
    reader.opening().map_err(|fault| reader.error(&fault))
}

/// How the sender of a message writes values, told from the reason of a service change in it, which is text in both ways.
#[must_use]
pub fn form_of_reason(bytes: &[u8], reason: Reason<'_>) -> Option<ValueForm> {
    let text = reason.as_str().as_bytes();
    let start = (text.as_ptr() as usize).checked_sub(bytes.as_ptr() as usize)?;
    match bytes.get(start.checked_sub(2)?)? {
        0x16 | 0x0c => Some(ValueForm::Wrapped),
        0x04 => Some(ValueForm::Raw),
        _ => None,
    }
}
