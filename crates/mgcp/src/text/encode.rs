//! Messages to bytes: one canonical spelling, so that `decode(encode(m)) == m`.

use std::fmt::{self, Write};

use crate::message::{Message, Parameters};

/// Text appended to a buffer. Writing to memory cannot fail.
pub(crate) struct Out<'o>(pub(crate) &'o mut Vec<u8>);

impl Write for Out<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// Appends formatted text.
pub(crate) fn put(out: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    // `Out` never fails, and neither do the Display forms of this crate.
    let _ = Out(out).write_fmt(text);
}

/// Appends a message: verbs, known parameter codes and white space in their canonical form, values and session
/// descriptions as they are, lines ended by CR LF.
pub fn encode(message: &Message<'_>, out: &mut Vec<u8>) {
    match message {
        Message::Command(command) => {
            put(out, format_args!("{} {} ", command.verb, command.transaction_id));
            put(out, format_args!("{} {}\r\n", command.endpoint, command.version));
            encode_parameters(&command.parameters, out);
            encode_sdp(&[command.sdp], out);
        }
        Message::Response(response) => {
            put(out, format_args!("{} {}", response.code, response.transaction_id));
            if let Some(package) = response.package {
                put(out, format_args!(" /{package}"));
            }
            if let Some(commentary) = response.commentary {
                put(out, format_args!(" {commentary}"));
            }
            out.extend_from_slice(b"\r\n");
            encode_parameters(&response.parameters, out);
            encode_sdp(&response.sdp, out);
        }
    }
}

fn encode_parameters(parameters: &Parameters<'_>, out: &mut Vec<u8>) {
    for parameter in parameters.iter() {
        put(out, format_args!("{}: {}\r\n", parameter.code, parameter.value));
    }
}

pub(crate) fn encode_sdp(blocks: &[Option<&[u8]>], out: &mut Vec<u8>) {
    for block in blocks.iter().flatten() {
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(block);
    }
}
