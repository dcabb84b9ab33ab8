//! A message of SIP explained: the start line, each field, and the session description.

use strowger_sip::message::StartLine;
use strowger_sip::{DecodeError, Limits, text};

use super::tree::{Explained, Fault, Node};
use super::{place, sdp};
use crate::protocol::Protocol;

pub(super) fn explain(octets: &[u8]) -> Explained {
    let mut explained = Explained::new(Protocol::Sip, octets);
    let limits = Limits::default();
    let message = match text::decode(octets, &limits) {
        Ok(message) => message,
        Err(error) => {
            explained.faults.push(fault(&error, error.offset));
            return explained;
        }
    };
    let end = octets.windows(2).position(|pair| pair == b"\r\n").unwrap_or(octets.len());
    let start = match &message.start {
        StartLine::Request { method, uri } => {
            Node::new("request", format!("{method} {uri}"), 0..end, "RFC 3261 7.1")
        }
        StartLine::Response { status, phrase } => {
            Node::new("response", format!("{} {phrase}", status.code()), 0..end, "RFC 3261 7.2")
        }
    };
    explained.nodes.push(start);
    for field in &message.header {
        let range = place(octets, field.value.as_bytes()).unwrap_or(0..0);
        explained.nodes.push(Node::new(field.name.as_str(), field.value.to_string(), range, "RFC 3261 20"));
    }
    if let Err(error) = text::check(&message, &limits) {
        let at =
            message.header.iter().nth(error.offset).and_then(|field| place(octets, field.value.as_bytes()));
        explained.faults.push(fault(&error, at.map_or(0, |at| at.start)));
    }
    if let Some(body) = message.session_description() {
        let base = place(octets, body).map_or(0, |at| at.start);
        let within = sdp::explain(body);
        explained
            .faults
            .extend(within.faults.into_iter().map(|fault| Fault { offset: fault.offset + base, ..fault }));
        let range = base..base + body.len();
        explained.nodes.push(Node::new(
            "body",
            String::from_utf8_lossy(body).into_owned(),
            range,
            "RFC 3261 7.4",
        ));
    }
    explained
}

fn fault(error: &DecodeError, offset: usize) -> Fault {
    let status = error.status();
    Fault {
        offset,
        length: 0,
        found: error.found.to_string(),
        rule: error.rule.to_string(),
        clause: error.rule.clause().to_owned(),
        answer: Some(format!("{} {}", status.code(), status.phrase())),
    }
}
