//! Octets to messages and back (MMS ENC sections 6 and 7): in any order on input, in the canonical one on output.

use crate::error::{DecodeError, Fault, Rule};
use crate::limits::Limits;
use crate::message::field::Field;
use crate::message::pdu::{Departure, Message, Pdu};
use crate::message::table;
use crate::message::{MessageType, Version};
use crate::octets::Reader;

/// Decodes a message. What it borrows stays where it is: headers are checked, bodies are not looked at.
///
/// A message is refused when its syntax is broken, or when a field is missing without which no deployed receiver takes it.
/// What else departs from the standard is told by [`Pdu::departures`].
///
/// # Errors
/// [`DecodeError`] with the offset, an excerpt and the rule broken.
#[inline]
pub fn decode<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Pdu<'a>, DecodeError> {
    read(bytes, limits).map_err(|fault| DecodeError::from_fault(bytes, fault))
}

fn read<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Pdu<'a>, Fault> {
    if bytes.len() > limits.bytes {
        return Err(Fault::at(limits.bytes, Rule::Size));
    }
    let mut reader = Reader::new(bytes).limited(limits.text);
    let (mut kind, mut version, mut present, mut count) = (None, None, 0_u64, 0);
    let mut body = None;
    while let Some(first) = reader.peek() {
        count += 1;
        if count > limits.headers {
            return Err(Fault::at(reader.offset(), Rule::HeaderCount));
        }
        let field =
            Field::read(&mut reader).map_err(|fault| if first >= 0x80 { fault.of(first) } else { fault })?;
        match field {
            // Of repeated ones the first counts.
            Field::MessageType(found) => kind = kind.or(Some(found)),
            Field::MmsVersion(found) => version = version.or(Some(found)),
            _ => {}
        }
        if first & 0xc0 == 0x80 {
            present |= 1 << (first & 0x3f);
        }
        // Behind the content type is the body, in messages that have one.
        if first == 0x84 && kind.is_none_or(table::has_body) {
            body = Some(reader.rest());
            break;
        }
    }
    let end = reader.offset();
    let kind = kind.ok_or(Fault::over(end, 0, Rule::NoMessageType))?;
    let version = version.ok_or(Fault::over(end, 0, Rule::NoVersion))?;
    let missing = table::required(kind) & !present;
    if missing != 0 {
        return Err(Fault::over(end, 0, Rule::MissingHeader).of(0x80 | missing.trailing_zeros() as u8));
    }
    Ok(Pdu { kind, version, headers: bytes.get(..end).unwrap_or_default(), body, present })
}

/// The fields of octets that need not be a message, with their ranges, up to a body or to the first that cannot be read: for
/// those who explain what [`decode`] refuses.
pub fn readable_fields(bytes: &[u8]) -> impl Iterator<Item = (std::ops::Range<usize>, Field<'_>)> {
    let mut reader = Reader::new(bytes);
    let mut ended = false;
    std::iter::from_fn(move || {
        if ended || reader.is_empty() {
            return None;
        }
        let start = reader.offset();
        let field = Field::read(&mut reader).ok()?;
        ended = matches!(field, Field::ContentType(_));
        Some((start..reader.offset(), field))
    })
}

/// Appends a message in canonical order: type, transaction identifier, version first; content type and body last.
///
/// # Errors
/// What in it is not as the standard says. Nothing is appended then.
pub fn encode(message: &Message<'_>, out: &mut Vec<u8>) -> Result<(), Departure> {
    match message.departures().first() {
        Some(departure) => Err(*departure),
        None => {
            encode_as_it_is(message, out);
            Ok(())
        }
    }
}

/// Appends a message in canonical order, whatever is in it: for what was decoded and is given on.
pub fn encode_as_it_is(message: &Message<'_>, out: &mut Vec<u8>) {
    encode_fields(message.kind(), message.written_version(), message.fields(), out);
    if let Some((content_type, body)) = message.content() {
        Field::ContentType(content_type).write(out);
        out.extend_from_slice(body);
    }
}

/// Appends a message without body from its fields, without looking at what is mandatory: the quick way, which allocates
/// nothing besides.
#[inline]
pub fn encode_fields(kind: MessageType, version: Version, fields: &[Field<'_>], out: &mut Vec<u8>) {
    out.extend_from_slice(&[0x8c, kind.code()]);
    for field in fields.iter().filter(|field| matches!(field, Field::TransactionId(_))) {
        field.write(out);
    }
    out.extend_from_slice(&[0x8d, version.code()]);
    for field in fields.iter().filter(|field| !matches!(field, Field::TransactionId(_))) {
        field.write(out);
    }
}
