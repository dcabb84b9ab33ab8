//! WAP Push (WAP-230 section 8.2), header by header, with what it carries; and short messages that carry it.

use strowger_mms::sms::{Ports, UserData};
use strowger_mms::wbxml::is_provisioning;
use strowger_mms::wsp::pdu::{PDU_TYPES, Push};
use strowger_mms::wsp::{Connectionless, ContentType, Headers, MediaType, Pdu, decode_connectionless, table};
use strowger_mms::{DecodeError, Limits};

use super::tree::{Explained, Fault, Node};
use super::{mms, wbxml};
use crate::protocol::Protocol;

const PDUS: &str = "WSP 8.2";
const HEADERS: &str = "WSP 8.4.2";
const USER_DATA: &str = "3GPP TS 23.040 9.2.3.24";

pub(super) fn explain(octets: &[u8]) -> Explained {
    let mut explained = Explained::new(Protocol::Push, octets);
    describe(octets, octets, &mut explained);
    explained
}

/// Adds the nodes of a datagram that is a part of the whole.
fn describe(whole: &[u8], datagram: &[u8], explained: &mut Explained) {
    let base = mms::span(whole, datagram).start;
    if let Some(tid) = datagram.first() {
        explained.nodes.push(Node::new("TID", format!("{tid:02x}"), base..base + 1, PDUS));
    }
    if let Some(kind) = datagram.get(1) {
        let name = PDU_TYPES.iter().find(|(code, _)| code == kind).map(|(_, name)| *name);
        let node = Node::new("Type", format!("{kind:02x}"), base + 1..base + 2, PDUS).maybe(name);
        explained.nodes.push(node);
    }
    let read = match decode_connectionless(datagram, &Limits::DEFAULT) {
        Ok(Connectionless { pdu, .. }) => pdu,
        Err(error) => return mms::refuse(&error, base, None, explained),
    };
    let place = |part: &[u8]| mms::span(whole, part);
    match read {
        Pdu::Push(push) | Pdu::ConfirmedPush(push) => {
            content(whole, after_uintvar(whole, base + 2), &push, explained);
        }
        Pdu::Reply(reply) => {
            let status = table::http_status(reply.status).map(|status| format!("HTTP {status}"));
            let node =
                Node::new("Status", format!("{:02x}", reply.status), base + 2..base + 3, PDUS).maybe(status);
            explained.nodes.push(node);
            let push = Push { content_type: reply.content_type, headers: reply.headers, data: reply.data };
            content(whole, after_uintvar(whole, base + 3), &push, explained);
        }
        Pdu::Get(get) => {
            explained.nodes.push(Node::new("URI", get.uri.as_bytes(), place(get.uri.as_bytes()), PDUS));
            explained.nodes.extend(header_nodes(whole, &get.headers));
        }
        Pdu::Post(post) => {
            explained.nodes.push(Node::new("URI", post.uri.as_bytes(), place(post.uri.as_bytes()), PDUS));
            let push = Push { content_type: post.content_type, headers: post.headers, data: post.data };
            content(whole, place(post.uri.as_bytes()).end, &push, explained);
        }
        _ => {
            // What is left belongs to sessions, which a connectionless port does not have.
            let rest = base + 2..base + datagram.len();
            explained.nodes.push(Node::new("PDU of a session", read.name(), rest, PDUS));
            explained.remarks.push(remark(base + 1, "sessions begin over WTP, on port 9201", "WSP 8.1"));
        }
    }
}

fn remark(offset: usize, rule: &str, clause: &str) -> Fault {
    Fault {
        offset,
        length: 0,
        found: String::new(),
        rule: rule.to_owned(),
        clause: clause.to_owned(),
        answer: None,
    }
}

/// What begins with a content type at `start`.
fn content(whole: &[u8], start: usize, push: &Push<'_>, explained: &mut Explained) {
    let headers = mms::span(whole, push.headers.as_bytes());
    let data = mms::span(whole, push.data);
    explained.nodes.push(content_type_node(&push.content_type, start.min(headers.start)..headers.start));
    explained.nodes.extend(header_nodes(whole, &push.headers));
    let media = &push.content_type.media;
    if is_provisioning(&push.content_type, push.data) {
        explained.nodes.push(Node::new("data", format!("{} octets", push.data.len()), data.clone(), PDUS));
        explained.remarks.push(Fault {
            answer: Some("a refusal: it would redirect all traffic of the handset".to_owned()),
            ..remark(start, "client provisioning comes from an authenticated sender", "OMA CP 5")
        });
        return;
    }
    if media.is(&MediaType::MMS) {
        mms::describe(push.data, data.start, explained);
    } else if wbxml::is_document(media) {
        wbxml::describe(push.data, data.start, media, explained);
    } else {
        explained.nodes.push(Node::new("data", format!("{} octets", push.data.len()), data, PDUS));
    }
}

/// The place behind an integer of variable length.
fn after_uintvar(whole: &[u8], at: usize) -> usize {
    let more = whole.iter().skip(at).take_while(|octet| **octet >= 0x80).count();
    at + more + 1
}

fn content_type_node(content_type: &ContentType<'_>, range: std::ops::Range<usize>) -> Node {
    let note = match content_type.media {
        MediaType::Number(number) => format!("{:02x} of the registry", number | 0x80),
        MediaType::Name(_) => "as text".to_owned(),
    };
    Node::new("Content-Type", content_type.to_string(), range, "WSP 8.4.2.24").note(note)
}

fn header_nodes(whole: &[u8], headers: &Headers<'_>) -> Vec<Node> {
    let base = mms::span(whole, headers.as_bytes()).start;
    let nodes = headers.iter_at().map(|(range, header)| {
        let label = crate::escape::escape(&header.name.to_string()).to_string();
        let range = base + range.start..base + range.end;
        Node::new(&label, header.value_text(), range, HEADERS)
    });
    nodes.collect()
}

/// The user data of a short message: its header, and the push if it is whole.
pub(super) fn explain_sms(octets: &[u8]) -> Explained {
    let mut explained = Explained::new(Protocol::Sms, octets);
    let data = match UserData::decode(octets) {
        Ok(data) => data,
        Err(error) => {
            refuse_sms(&error, octets, &mut explained);
            return explained;
        }
    };
    let header = octets.len() - data.payload.len();
    let node = |label, value: String| Node::new(label, value, 1..header, USER_DATA);
    explained.nodes.push(Node::new("UDHL", (header - 1).to_string(), 0..1, USER_DATA));
    if let Some(ports) = data.ports {
        let note = (ports == Ports::PUSH).then_some("WAP Push");
        explained.nodes.push(node("destination port", ports.destination.to_string()).maybe(note));
        explained.nodes.push(node("source port", ports.source.to_string()));
    }
    if let Some(place) = data.concatenation {
        let node = node("concatenation", format!("part {} of {}", place.part, place.total));
        explained
            .nodes
            .push(node.note(format!("reference {}, {:?}", place.reference, place.width).to_lowercase()));
    }
    for element in data.elements() {
        let value = format!("{:02x}, {} octets", element.id, element.data.len());
        explained.nodes.push(node("element", value));
    }
    let whole = data.concatenation.is_none_or(|place| place.total == 1);
    match data.ports {
        Some(ports) if whole && ports.destination == Ports::PUSH.destination => {
            describe(octets, data.payload, &mut explained);
        }
        Some(ports) if ports.destination == Ports::PUSH_SECURE => {
            explained.remarks.push(remark(
                header,
                "secure push (WTLS) is recognised and not read",
                "WAP-261",
            ));
            explained.nodes.push(payload(&data, header, octets));
        }
        _ => {
            if !whole {
                let text =
                    "a part is read when all parts are there: give it to a handset that puts them together";
                explained.remarks.push(remark(header, text, "3GPP TS 23.040 9.2.3.24.1"));
            }
            explained.nodes.push(payload(&data, header, octets));
        }
    }
    explained
}

fn payload(data: &UserData<'_>, start: usize, octets: &[u8]) -> Node {
    Node::new("payload", format!("{} octets", data.payload.len()), start..octets.len(), USER_DATA)
}

fn refuse_sms(error: &DecodeError, octets: &[u8], explained: &mut Explained) {
    if let Some(length) = octets.first() {
        explained.nodes.push(Node::new("UDHL", length.to_string(), 0..1, USER_DATA));
    }
    mms::refuse(error, 0, None, explained);
}
