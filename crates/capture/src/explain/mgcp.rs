//! MGCP messages, field by field (RFC 3435).

use std::ops::Range;

use strowger_mgcp::dialect::Dialect;
use strowger_mgcp::limits::Limits;
use strowger_mgcp::message::{Command, Message, Parameter, Parameters, Response, ReturnCode, Version};
use strowger_mgcp::package::PackageSet;
use strowger_mgcp::text::{DecodeError, Found, Refusal, check, datagram};

use super::tree::{Explained, Fault, Node};
use super::{names, place, sdp, values};
use crate::escape::{escape, excerpt};
use crate::protocol::Protocol;

pub(super) fn explain(octets: &[u8]) -> Explained {
    let mut explained = Explained::new(Protocol::Mgcp, octets);
    let messages: Vec<_> = datagram(octets, &Limits::DEFAULT).collect();
    let bounds = bounds(octets);
    for (index, message) in messages.iter().enumerate() {
        let range = bounds.get(index).cloned().unwrap_or(0..octets.len());
        match message {
            Ok(message) => {
                let reader = Reader { octets, range };
                let (node, remarks) = reader.message(message);
                explained.remarks.extend(remarks);
                if let Message::Command(command) = message {
                    refusal(&mut explained, command, node.start);
                }
                explained.nodes.push(node);
            }
            Err(error) => explained.faults.push(fault(error)),
        }
    }
    explained.remarks.sort_by_key(|remark| remark.offset);
    explained
}

/// The messages of a datagram: what lies between lines that hold a dot alone (section 3.5.5).
fn bounds(octets: &[u8]) -> Vec<Range<usize>> {
    let mut bounds = Vec::new();
    let mut start = 0;
    let mut offset = 0;
    for line in octets.split_inclusive(|octet| *octet == b'\n') {
        let next = offset + line.len();
        if line.trim_ascii() == b"." {
            bounds.push(start..offset);
            start = next;
        }
        offset = next;
    }
    if start < octets.len() || bounds.is_empty() {
        bounds.push(start..octets.len());
    }
    bounds
}

fn fault(error: &DecodeError) -> Fault {
    let code = error.return_code();
    let answered = !error.is_response && error.transaction_id.is_some();
    Fault {
        offset: error.offset,
        length: 0,
        found: excerpt(error.found.as_bytes(), Found::LONGEST),
        rule: format!("expected {}", error.rule.expected()),
        clause: error.rule.clause().to_owned(),
        answer: answered.then(|| with_name(code)),
    }
}

fn with_name(code: ReturnCode) -> String {
    match code.name() {
        Some(name) => format!("{code} {name}"),
        None => code.to_string(),
    }
}

/// What a gateway or call agent with every package would refuse the command for. What depends on packages, versions and
/// extensions of a peer is legal all the same.
fn refusal(explained: &mut Explained, command: &Command<'_>, offset: usize) {
    let dialect = if command.version == Version::V0_1 { &Dialect::MGCP_0_1 } else { &Dialect::RFC3435 };
    let Err(Refusal { code, commentary, .. }) = check(command, dialect, &PackageSet::ALL) else { return };
    let illegal = [ReturnCode::PROTOCOL_ERROR, ReturnCode::COMMAND_PARAMETER, ReturnCode::ACTION];
    let fault = Fault {
        offset,
        length: 0,
        found: escape(command.verb.as_str()).to_string(),
        rule: commentary.to_owned(),
        clause: "RFC 3435 section 3.2.2".to_owned(),
        answer: Some(with_name(code)),
    };
    let list = if illegal.contains(&code) { &mut explained.faults } else { &mut explained.remarks };
    list.push(fault);
}

struct Reader<'o> {
    octets: &'o [u8],
    range: Range<usize>,
}

impl Reader<'_> {
    fn message(&self, message: &Message<'_>) -> (Node, Vec<Fault>) {
        match message {
            Message::Command(command) => self.command(command),
            Message::Response(response) => self.response(response),
        }
    }

    fn command(&self, command: &Command<'_>) -> (Node, Vec<Fault>) {
        let (name, clause) = names::verb(command.verb);
        let title = format!("{} {}", command.verb, command.transaction_id);
        let mut node = Node::new("command", title, self.range.clone(), clause).note(name);
        let words = self.words();
        let word = |index: usize| words.get(index).cloned().unwrap_or(self.range.clone());
        let endpoint = command.endpoint;
        let wildcard = endpoint.is_wildcarded().then_some(if endpoint.any() { "any of" } else { "all of" });
        let version = word(3).start..words.last().map_or(self.range.end, |last| last.end);
        node.children = vec![
            Node::new("requestedVerb", command.verb.as_str(), word(0), "RFC 3435 section 3.2.1.1").note(name),
            Node::new(
                "TransactionId",
                command.transaction_id.to_string(),
                word(1),
                "RFC 3435 section 3.2.1.2",
            ),
            Node::new("EndpointName", endpoint.to_string(), word(2), "RFC 3435 section 3.2.1.3")
                .maybe(wildcard),
            Node::new("ProtocolVersion", command.version.to_string(), version, "RFC 3435 section 3.2.1.4"),
        ];
        node.children.extend(self.parameters(&command.parameters));
        let mut remarks = Vec::new();
        if let Some(description) = command.sdp {
            self.description("RemoteConnectionDescriptor", description, &mut node, &mut remarks);
        }
        (node, remarks)
    }

    fn response(&self, response: &Response<'_>) -> (Node, Vec<Fault>) {
        let code = response.code;
        let title = format!("{code} {}", response.transaction_id);
        let mut node = Node::new("response", title, self.range.clone(), "RFC 3435 section 3.3");
        let words = self.words();
        let word = |index: usize| words.get(index).cloned().unwrap_or(self.range.clone());
        let meaning = code.name().map_or_else(
            || format!("unknown, to be taken as {}", code.fold_unknown()),
            |name| format!("{name}; RFC 3661: {}", category(code)),
        );
        node.children = vec![
            Node::new("responseCode", code.to_string(), word(0), "RFC 3435 section 2.4").note(meaning),
            Node::new(
                "TransactionId",
                response.transaction_id.to_string(),
                word(1),
                "RFC 3435 section 3.2.1.2",
            ),
        ];
        for (label, text) in [("packageName", response.package), ("responseString", response.commentary)] {
            if let Some(text) = text {
                let range = place(self.octets, text.as_bytes()).unwrap_or(self.range.clone());
                node.children.push(Node::new(label, text, range, "RFC 3435 section 3.3"));
            }
        }
        node.children.extend(self.parameters(&response.parameters));
        let mut remarks = Vec::new();
        for (label, description) in
            ["LocalConnectionDescriptor", "RemoteConnectionDescriptor"].into_iter().zip(response.sdp)
        {
            if let Some(description) = description {
                self.description(label, description, &mut node, &mut remarks);
            }
        }
        (node, remarks)
    }

    /// The words of the first line that is not empty.
    fn words(&self) -> Vec<Range<usize>> {
        let text = self.octets.get(self.range.clone()).unwrap_or_default();
        let line = text.split(|octet| *octet == b'\n').next().unwrap_or_default();
        let mut words = Vec::new();
        let mut offset = self.range.start;
        for word in line.split(u8::is_ascii_whitespace) {
            if !word.is_empty() {
                words.push(offset..offset + word.len());
            }
            offset += word.len() + 1;
        }
        words
    }

    fn parameters(&self, parameters: &Parameters<'_>) -> Vec<Node> {
        parameters.iter().map(|parameter| self.parameter(&parameter)).collect()
    }

    fn parameter(&self, parameter: &Parameter<'_>) -> Node {
        let (name, clause) = names::parameter(&parameter.code);
        let value = parameter.value;
        let range = place(self.octets, value.as_bytes()).map_or(self.range.clone(), |range| {
            let before = self.octets.get(..range.start).unwrap_or_default();
            before.iter().rposition(|octet| *octet == b'\n').map_or(0, |end| end + 1)..range.end
        });
        let label = format!("{name} ({})", escape(&parameter.code.to_string()));
        let mut node = Node::new(&label, value, range, clause);
        values::fill(&mut node, parameter, self.octets);
        node
    }

    fn description(&self, label: &str, description: &[u8], node: &mut Node, remarks: &mut Vec<Fault>) {
        let range = place(self.octets, description).unwrap_or(self.range.clone());
        let base = range.start;
        let title = format!("{} octets", description.len());
        let mut child = Node::new(label, title, range, "RFC 3435 section 3.4");
        if let Ok(session) = strowger_sdp::decode(description, &strowger_sdp::Limits::default()) {
            child.children = sdp::lines(&session, base);
            if session.is_version_only() {
                child.note = Some("there is none".to_owned());
            } else {
                remarks.extend(sdp::remarks(&session, base));
            }
        }
        node.children.push(child);
    }
}

fn category(code: ReturnCode) -> &'static str {
    use strowger_mgcp::message::Category;
    match code.category() {
        Category::Normal => "normal",
        Category::Specific => "handled by its own rule",
        Category::ServiceFailure => "service failure",
        Category::ProvisioningMismatch => "provisioning mismatch",
        Category::TemporaryFailure => "temporary failure",
        Category::StateMismatch => "state mismatch",
        Category::RemoteDescriptor => "remote connection descriptor error",
    }
}
