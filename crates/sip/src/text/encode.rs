//! A message as octets: long names, one field a line, and the `Content-Length` of the body that it has.

use strowger_sansio::put_decimal;

use crate::message::{Message, StartLine};

/// Appends a message.
pub fn encode(message: &Message<'_>, out: &mut Vec<u8>) {
    match &message.start {
        StartLine::Request { method, uri } => {
            out.extend_from_slice(method.as_str().as_bytes());
            out.push(b' ');
            out.extend_from_slice(uri.to_string().as_bytes());
            out.extend_from_slice(b" SIP/2.0\r\n");
        }
        StartLine::Response { status, phrase } => {
            out.extend_from_slice(b"SIP/2.0 ");
            put_decimal(out, u64::from(status.code()));
            out.push(b' ');
            out.extend_from_slice(phrase.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }
    for field in &message.header {
        out.extend_from_slice(field.name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(field.value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"Content-Length: ");
    put_decimal(out, u64::try_from(message.body.len()).unwrap_or(u64::MAX));
    out.extend_from_slice(b"\r\n\r\n");
    out.extend_from_slice(&message.body);
}

/// A message as octets of its own.
#[must_use]
pub fn to_bytes(message: &Message<'_>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(512 + message.body.len());
    encode(message, &mut bytes);
    bytes
}
