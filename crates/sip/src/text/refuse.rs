//! The answer to a request that could not be decoded.
//!
//! RFC 3261 section 8.2.6.2 builds an answer from `Via`, `From`, `To`, `Call-ID` and `CSeq` of the request. They are looked
//! for line by line in what came; where one is not to be found, or is malformed so that its line could not be a field at
//! all, it is left out: the sender knows the answer by its branch.

use std::net::SocketAddr;

use crate::error::DecodeError;
use crate::message::grammar::{is_token, split_list, trim};
use crate::message::{Name, Via};

/// The fields that an answer repeats.
const REPEATED: [Name<'static>; 5] = [Name::Via, Name::From, Name::To, Name::CallId, Name::CSeq];

/// Octets that are looked at, and lines: a refusal must not cost more than an answer.
const MOST: usize = 8_192;

/// The response with the status of `error` to what came from `source`, and where it goes by datagram; none when what came is
/// no request, is an ACK, or has no `Via`.
#[must_use]
pub fn refuse(bytes: &[u8], error: &DecodeError, source: SocketAddr) -> Option<(SocketAddr, Vec<u8>)> {
    let bytes = bytes.trim_ascii_start();
    // The first line may be what is too long.
    let (first, rest) = bytes.split_at(memchr::memchr(b'\n', bytes)? + 1);
    let first = String::from_utf8_lossy(first.get(..first.len().min(MOST))?);
    let text = String::from_utf8_lossy(rest.get(..rest.len().min(MOST))?);
    let lines = text.split("\r\n");
    let method = first.split(' ').next()?;
    if !is_token(method)
        || method == "ACK"
        || first.get(..4).is_some_and(|name| name.eq_ignore_ascii_case("SIP/"))
    {
        return None;
    }
    let mut fields: Vec<(Name<'_>, String)> = Vec::new();
    for line in lines.take_while(|line| !line.is_empty()) {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push(' ');
                value.push_str(trim(line));
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((Name::new(trim(name)), trim(value).to_owned()));
        }
    }
    let top = fields.iter().find(|(name, _)| *name == Name::Via).map(|(_, value)| value.clone())?;
    // Where the first Via is what is wrong, the answer goes back to where the request came from, and repeats it as it is.
    let via = split_list(&top).next().and_then(Via::parse);
    let to = via.as_ref().map_or(source, |via| via.answer_to(source));
    let status = error.status();
    let mut answer = format!("SIP/2.0 {} {}\r\n", status.code(), status.phrase());
    let mut is_top = true;
    for wanted in REPEATED {
        let mut of_name = fields.iter().filter(|(name, _)| *name == wanted);
        let repeated: Box<dyn Iterator<Item = &(Name<'_>, String)>> =
            if wanted == Name::Via { Box::new(of_name) } else { Box::new(of_name.next().into_iter()) };
        for (name, value) in repeated {
            let clean: String =
                value.chars().map(|octet| if octet.is_control() { ' ' } else { octet }).collect();
            let clean = match (wanted == Name::Via && std::mem::take(&mut is_top), &wanted) {
                (true, _) => via.as_ref().map_or(clean.clone(), |via| completed_top(&clean, via, source)),
                (false, Name::To) if !clean.contains("tag=") => format!("{clean};tag=refused"),
                _ => clean,
            };
            answer.push_str(&format!("{name}: {clean}\r\n"));
        }
    }
    answer.push_str("Content-Length: 0\r\n\r\n");
    Some((to, answer.into_bytes()))
}

fn completed_top(field: &str, via: &Via<'_>, source: SocketAddr) -> String {
    let others: Vec<&str> = split_list(field).skip(1).collect();
    let completed = via.completed(source);
    if others.is_empty() { completed } else { format!("{completed}, {}", others.join(", ")) }
}
