//! Session descriptions, line by line (RFC 8866).

use strowger_sdp::{
    Attribute, AudioDescription, AudioFault, Connection, DecodeError, DepartureKind, Direction, EventSet,
    Found, Host, Limits, Line, MediaLine, Origin, SessionDescription, Timing, Wild, decode,
};

use super::tree::{Explained, Fault, Node};
use super::{names, place};
use crate::escape::excerpt;
use crate::protocol::Protocol;

pub(super) fn explain(octets: &[u8]) -> Explained {
    let mut explained = Explained::new(Protocol::Sdp, octets);
    match decode(octets, &Limits::default()) {
        Err(error) => explained.faults.push(fault(&error, 0)),
        Ok(session) => {
            explained.nodes = lines(&session, 0);
            explained.remarks = remarks(&session, 0);
        }
    }
    explained
}

fn fault(error: &DecodeError, base: usize) -> Fault {
    Fault {
        offset: base + error.offset,
        length: 0,
        found: excerpt(error.found.as_bytes(), Found::LONGEST),
        rule: error.rule.text().to_owned(),
        clause: error.rule.clause().to_owned(),
        answer: None,
    }
}

/// The lines of a description that begins at `base` of the whole.
pub(super) fn lines(session: &SessionDescription<'_>, base: usize) -> Vec<Node> {
    let mut nodes: Vec<Node> = session.session_lines().map(|line| node(session, &line, base)).collect();
    for media in session.media() {
        let mut lines = media.lines();
        let Some(first) = lines.next() else { continue };
        let mut stream = node(session, &first, base);
        for line in lines {
            stream.adopt([node(session, &line, base)]);
        }
        nodes.push(stream);
    }
    nodes
}

/// What departs from the standard, and why an audio stream cannot be used.
pub(super) fn remarks(session: &SessionDescription<'_>, base: usize) -> Vec<Fault> {
    let mut departures = session.departures();
    // One bare line feed tells of all: the first is enough.
    let first = departures.iter().position(|departure| departure.kind == DepartureKind::LineFeed);
    let mut index = 0;
    departures.retain(|departure| {
        index += 1;
        departure.kind != DepartureKind::LineFeed || Some(index - 1) == first
    });
    let mut remarks: Vec<Fault> = departures
        .into_iter()
        .map(|departure| Fault {
            offset: base + departure.offset,
            length: 0,
            found: String::new(),
            rule: departure.kind.text().to_owned(),
            clause: departure.kind.clause().to_owned(),
            answer: None,
        })
        .collect();
    for media in session.media().filter(|media| media.line().media == "audio") {
        if let Err(AudioFault { offset, found, rule, .. }) = AudioDescription::from_media(&media) {
            remarks.push(Fault {
                offset: base + offset,
                length: 0,
                found: excerpt(found.as_bytes(), Found::LONGEST),
                rule: rule.text().to_owned(),
                clause: rule.clause().to_owned(),
                answer: None,
            });
        }
    }
    remarks.sort_by_key(|remark| remark.offset);
    remarks
}

fn node(session: &SessionDescription<'_>, line: &Line<'_>, base: usize) -> Node {
    let (label, clause) = names::sdp_line(line.letter);
    let range = line.range();
    let letter = char::from(line.letter);
    let mut node =
        Node::new(&format!("{label} ({letter}=)"), line.value, base + range.start..base + range.end, clause);
    let whole = session.as_bytes();
    let field = |index: usize| {
        line.value
            .split(|octet| *octet == b' ')
            .filter(|field| !field.is_empty())
            .nth(index)
            .unwrap_or_default()
    };
    let part = |label: &str, text: &[u8]| {
        let range = place(whole, text).unwrap_or(range.clone());
        Node::new(label, text, base + range.start..base + range.end, clause)
    };
    match line.letter {
        b'o' => {
            if let Some(origin) = Origin::parse(line.value) {
                node.children = vec![
                    part("username", origin.username),
                    part("sess-id", origin.session_id),
                    part("sess-version", origin.version),
                    part("nettype", origin.network),
                    part("addrtype", origin.address_type),
                    part("unicast-address", origin.address),
                ];
            }
        }
        b'c' => {
            if let Some(connection) = Connection::parse(line.value) {
                node.children = vec![
                    part("nettype", connection.network.as_bytes()),
                    part("addrtype", connection.address_type.as_bytes()),
                    part("connection-address", field(2)).note(host(&connection)),
                ];
            }
        }
        b'm' => {
            if let Some(media) = MediaLine::parse(line.value) {
                let formats: Vec<_> = media.formats().map(|format| part("fmt", format.as_bytes())).collect();
                node.children = vec![
                    part("media", media.media.as_bytes()),
                    part("port", field(1)).maybe(port(media.port)),
                    part("proto", media.transport.as_bytes()),
                ];
                node.children.extend(formats.into_iter().map(|node| payload(node, media.transport)));
            }
        }
        b't' if Timing::parse(line.value) == Some(Timing { start: Wild::Value(0), stop: Wild::Value(0) }) => {
            node.note = Some("permanent".to_owned());
        }
        b'a' => attribute(&mut node, line, base),
        _ => {}
    }
    node
}

fn host(connection: &Connection<'_>) -> String {
    match connection.host {
        Wild::Choose => "the receiver chooses".to_owned(),
        Wild::All => "any address".to_owned(),
        Wild::Value(Host::Ip { ip, .. }) if ip.is_multicast() => "a multicast group".to_owned(),
        Wild::Value(Host::Ip { ip, .. }) if ip.is_unspecified() => {
            "nothing is to be sent: the old form of hold".to_owned()
        }
        Wild::Value(Host::Ip { ip, .. }) if ip.is_loopback() => "a loopback address".to_owned(),
        Wild::Value(Host::Ip { .. }) => "an address".to_owned(),
        Wild::Value(Host::Name(_)) => "a name, to be resolved".to_owned(),
        Wild::Value(Host::Other(_)) => "an address of another network".to_owned(),
    }
}

fn port(port: Wild<u16>) -> Option<&'static str> {
    match port {
        Wild::Value(0) => Some("refused, or not used"),
        Wild::Choose => Some("the receiver chooses"),
        Wild::All => Some("any port"),
        Wild::Value(_) => None,
    }
}

/// What a payload type means without a map.
fn payload(node: Node, transport: &str) -> Node {
    let known = node.value.parse().ok().filter(|_| transport.starts_with("RTP/"));
    match known.and_then(strowger_sdp::CodecEntry::from_static) {
        Some(entry) => node.note(format!("{}/{}", entry.codec, entry.clock)),
        None => node,
    }
}

fn attribute(node: &mut Node, line: &Line<'_>, base: usize) {
    let Some(attribute) = Attribute::parse(line.value, line.offset) else { return };
    let (clause, note) = names::sdp_attribute(attribute.name);
    node.clause = clause;
    node.note = note.map(str::to_owned);
    if Direction::from_name(attribute.name).is_some() {
        return;
    }
    let value = attribute.value.unwrap_or_default();
    let start = base + attribute.value_offset();
    let name = Node::new(
        "attribute-name",
        attribute.name,
        node.start + 2..node.start + 2 + attribute.name.len(),
        clause,
    );
    node.children.push(name);
    if attribute.value.is_some() {
        node.children.push(Node::new("attribute-value", value, start..start + value.len(), clause));
    }
    // The events of a telephone-event format, when the list has that form.
    let parameters = value.iter().position(|octet| *octet == b' ').and_then(|at| value.get(at + 1..));
    let events = parameters.and_then(|text| str::from_utf8(text).ok()).and_then(EventSet::parse);
    if attribute.name == "fmtp"
        && let Some(events) = events
        && events.and(&EventSet::DTMF) == EventSet::DTMF
    {
        node.note = Some("parameters of a format; all DTMF digits, if it is telephone-event".to_owned());
    }
}
