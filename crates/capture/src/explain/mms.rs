//! MMS messages, field by field and part by part (MMS ENC; multipart bodies by WSP 8.5).

use strowger_mms::message::{EncodedString, FieldCode, MessageType};
use strowger_mms::multipart::{Part, Parts};
use strowger_mms::wsp::HeaderName;
use strowger_mms::{DecodeError, Field, Limits, Rule, binary, decode};

use super::place;
use super::tree::{Explained, Fault, Node};
use crate::protocol::Protocol;

pub(super) const FIELDS: &str = "MMS ENC 7";
const BODY: &str = "WSP 8.5";

pub(super) fn explain(octets: &[u8]) -> Explained {
    let mut explained = Explained::new(Protocol::Mms, octets);
    describe(octets, 0, &mut explained);
    explained
}

/// Adds the nodes and faults of a message that begins at `base` of the whole.
pub(super) fn describe(octets: &[u8], base: usize, explained: &mut Explained) {
    let limits = Limits::DEFAULT;
    let pdu = match decode(octets, &limits) {
        Ok(pdu) => pdu,
        Err(error) => {
            let fields = binary::readable_fields(octets).take(limits.headers);
            explained.nodes.extend(fields.map(|(range, field)| node(&field, range, base)));
            let answer = error
                .field
                .filter(|_| error.rule == Rule::MissingHeader)
                .map(|field| format!("nothing: receivers drop the message without {field}"));
            refuse(&error, base, answer, explained);
            return;
        }
    };
    explained.nodes.extend(pdu.fields_at().map(|(range, field)| node(&field, range, base)));
    let end = base + pdu.body_offset();
    for departure in pdu.departures() {
        explained.remarks.push(Fault {
            offset: end,
            length: 0,
            found: String::new(),
            rule: departure.to_string(),
            clause: "MMS ENC 6".to_owned(),
            answer: None,
        });
    }
    if !pdu.version().is_supported() {
        let answer = match pdu.kind() {
            MessageType::NotificationInd => "m-notifyresp-ind with status unrecognised",
            MessageType::SendReq => "m-send-conf with response status unsupported message",
            _ => "nothing: the message is discarded",
        };
        explained.remarks.push(remark(base, "only messages of major version 1 are taken", Some(answer)));
    }
    if matches!(pdu.kind(), MessageType::Unknown(_)) {
        explained.remarks.push(remark(base, "messages of a type that is not known are discarded", None));
    }
    let Some(body) = pdu.body() else { return };
    match pdu.parts(&limits) {
        None => {
            let text = format!("{} octets", body.len());
            explained.nodes.push(Node::new("body", text, end..end + body.len(), BODY));
        }
        Some(Ok(parts)) => {
            let mut node = Node::new("body", format!("{} parts", parts.len()), end..end + body.len(), BODY);
            node.adopt(part_nodes(&parts, end, &limits, limits.depth.min(4)));
            explained.nodes.push(node);
        }
        Some(Err(error)) => {
            explained.nodes.push(Node::new("body", "", end..end + body.len(), BODY));
            refuse(&error, end, None, explained);
        }
    }
}

pub(super) fn remark(offset: usize, rule: &str, answer: Option<&str>) -> Fault {
    Fault {
        offset,
        length: 0,
        found: String::new(),
        rule: rule.to_owned(),
        clause: FIELDS.to_owned(),
        answer: answer.map(str::to_owned),
    }
}

/// A fault, and a node with the range of octets that it is about.
pub(super) fn refuse(error: &DecodeError, base: usize, answer: Option<String>, explained: &mut Explained) {
    let range = base + error.offset..base + error.offset + error.length;
    let mut label = "at fault".to_owned();
    if let Some(field) = error.field {
        label = format!("{label}: {field}");
    }
    explained.nodes.push(Node::new(&label, format!("{:x}", error.found), range, error.rule.clause()));
    explained.faults.push(Fault {
        offset: base + error.offset,
        length: 0,
        found: format!("{:x}", error.found),
        rule: error.rule.to_string(),
        clause: error.rule.clause().to_owned(),
        answer,
    });
}

fn node(field: &Field<'_>, range: std::ops::Range<usize>, base: usize) -> Node {
    let code = field.code().map(FieldCode::code);
    let label = match code {
        Some(code) => format!("{} ({code:02X})", field.name()),
        None => field.name().into_owned(),
    };
    let label = crate::escape::escape(&label).to_string();
    let range = base + range.start..base + range.end;
    Node::new(&label, field.to_string(), range, FIELDS).maybe(note(field))
}

/// What a value means besides what it shows.
fn note(field: &Field<'_>) -> Option<String> {
    let charset = |text: &EncodedString<'_>| text.charset.map(|charset| charset.to_string());
    match field {
        Field::MessageType(kind) => Some(format!("type {:02X}", kind.code())),
        Field::MmsVersion(version) => Some(format!("{:02X}", version.code())),
        Field::Bcc(text)
        | Field::Cc(text)
        | Field::To(text)
        | Field::Subject(text)
        | Field::ResponseText(text)
        | Field::RetrieveText(text)
        | Field::StoreStatusText(text)
        | Field::StatusText(text) => charset(text),
        Field::From(sender) => sender.address().and_then(|address| charset(&address)),
        Field::MessageSize(_) | Field::ReplyChargingSize(_) => Some("octets".to_owned()),
        Field::Unknown { .. } => Some("not known: kept and given on".to_owned()),
        Field::Application { .. } => Some("of an application".to_owned()),
        _ => None,
    }
}

/// The parts of a body, which may be bodies of parts themselves.
fn part_nodes(parts: &Parts<'_>, base: usize, limits: &Limits, depth: usize) -> Vec<Node> {
    let nodes = parts.iter_at().enumerate().map(|(place, (range, part))| {
        let range = base + range.start..base + range.end;
        let data = range.end - part.data.len()..range.end;
        let mut node = Node::new("part", part.content_type.to_string(), range.clone(), BODY);
        node.children.extend(part.headers.iter().map(|header| {
            // Within a part this code has the meaning that deployed handsets give it.
            let name = match header.name {
                HeaderName::Code(0xc8) => "Content-Transfer-Encoding".to_owned(),
                name => crate::escape::escape(&name.to_string()).to_string(),
            };
            Node::new(&name, header.value_text(), range.clone(), BODY)
        }));
        let file = part.file_name(place);
        node.children.push(data_node(&part, data.clone()).note(format!("kept as {file}")));
        let nested = part.content_type.media.is_multipart() && depth > 0;
        if let Some(Ok(inner)) = nested.then(|| Parts::decode(part.data, limits)) {
            node.adopt(part_nodes(&inner, data.start, limits, depth - 1));
        }
        node
    });
    nodes.collect()
}

fn data_node(part: &Part<'_>, range: std::ops::Range<usize>) -> Node {
    /// Characters of a text that are shown.
    const SHOWN: usize = 200;
    let size = format!("{} octets", part.data.len());
    let text = part.to_str().or_else(|| part.is_smil().then(|| String::from_utf8_lossy(part.data)));
    match text {
        Some(text) if text.chars().count() <= SHOWN => Node::new("text", text.as_bytes(), range, BODY),
        Some(text) => {
            let cut: String = text.chars().take(SHOWN).collect();
            Node::new("text", format!("{cut}..."), range, BODY)
        }
        None => Node::new("data", size, range, BODY),
    }
}

/// Where a part that was borrowed from the whole stands in it, or all of it.
pub(super) fn span(whole: &[u8], part: &[u8]) -> std::ops::Range<usize> {
    place(whole, part).unwrap_or(0..whole.len())
}
