//! Megaco: a message of text item by item, one of BER by way of text; every fault that the recovering readers find
//! (RFC 3525 Annexes A and B).

use std::ops::Range;

use strowger_megaco::binary::{self, NamePlan};
use strowger_megaco::message::Message;
use strowger_megaco::text::{self, Layout};
use strowger_megaco::{DecodeError, EncodeError};

use super::tree::{Explained, Fault, Node};
use crate::protocol::Protocol;

const TEXT: &str = "RFC 3525 Annex B.2";
const BINARY: &str = "RFC 3525 Annex A.2";
/// Braces within each other that are shown.
const DEEPEST: usize = 32;

/// A form of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MegacoForm {
    /// Text with long tokens, indented.
    Pretty,
    /// Text with short tokens.
    Compact,
    /// BER, as hexadecimal digits.
    Ber,
}

impl MegacoForm {
    /// The form with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "pretty" => Some(Self::Pretty),
            "compact" => Some(Self::Compact),
            "ber" => Some(Self::Ber),
            _ => None,
        }
    }
}

/// Writes a message in another form. `names` is how the names of terminations are octets in the binary form.
///
/// # Errors
/// The rule that it breaks, or what of it the form cannot say.
pub fn convert(octets: &[u8], form: MegacoForm, names: &NamePlan) -> Result<String, String> {
    let (text_options, binary_options) = (text::Options::DEFAULT, options(names));
    let octets = without_tpkt(octets).1;
    let read = if is_binary(octets) {
        binary::decode(octets, &binary_options)
    } else {
        text::decode(octets, &text_options)
    };
    let message = read.map_err(|error| error.to_string())?;
    let mut out = Vec::new();
    let written = match form {
        MegacoForm::Pretty => text::encode(&message, Layout::Pretty, &mut out),
        MegacoForm::Compact => text::encode(&message, Layout::Compact, &mut out),
        MegacoForm::Ber => binary::encode(&message, &binary_options, &mut out),
    };
    written.map_err(|error: EncodeError| error.to_string())?;
    if form == MegacoForm::Ber {
        return Ok(out.iter().map(|octet| format!("{octet:02x}")).chain(["\n".to_owned()]).collect());
    }
    out.push(b'\n');
    // What a peer wrote goes to a terminal: line ends and tabs as they are, all else escaped.
    let lines = out.split_inclusive(|octet| *octet == b'\n').map(|line| {
        let end = line.trim_ascii_end().len();
        let start = line.iter().take_while(|octet| **octet == b'\t').count().min(end);
        let shown = crate::escape::escape(line.get(start..end).unwrap_or_default()).to_string();
        format!("{}{}\n", "\t".repeat(start), shown.replace("\\\\", "\\"))
    });
    Ok(lines.collect())
}

/// The header of TPKT (RFC 1006), which TCP puts before a message: how long it is, and what is behind it.
pub(crate) fn without_tpkt(octets: &[u8]) -> (usize, &[u8]) {
    match octets {
        [3, 0, high, low, rest @ ..] if usize::from(u16::from_be_bytes([*high, *low])) == octets.len() => {
            (4, rest)
        }
        _ => (0, octets),
    }
}

/// Whether a message is BER: no text begins with a zero, which is what a sequence's tag is as a character.
pub(crate) fn is_binary(octets: &[u8]) -> bool {
    octets.first() == Some(&0x30)
}

fn options(names: &NamePlan) -> binary::Options {
    binary::Options { plan: names.clone(), ..binary::Options::default() }
}

/// Explains a message of Megaco. `names` is how the names of terminations are octets in the binary form.
#[must_use]
pub fn explain_megaco(octets: &[u8], names: &NamePlan) -> Explained {
    let mut explained = Explained::new(Protocol::Megaco, octets);
    let (base, octets) = without_tpkt(octets);
    if base > 0 {
        explained.nodes.push(Node::new(
            "TPKT",
            format!("{} octets", octets.len() + base),
            0..base,
            "RFC 1006 6",
        ));
    }
    let (text_options, binary_options) = (text::Options::DEFAULT, options(names));
    let faults = if is_binary(octets) {
        let (message, faults) = binary::decode_recovering(octets, &binary_options);
        if let Some(message) = message {
            explained.nodes.extend(as_text(&message, base..base + octets.len()));
        }
        faults
    } else {
        let (_, faults) = text::decode_recovering(octets, &text_options);
        explained.nodes.extend(items_of(octets, base));
        faults
    };
    explained.faults.extend(faults.iter().map(|fault| fault_of(fault, base)));
    explained
}

fn fault_of(error: &DecodeError, base: usize) -> Fault {
    let answer = error.is_request.then(|| match error.transaction {
        Some(id) => format!("error {} in the reply to {id}", error.code()),
        None => format!("error {} in a reply to 0", error.code()),
    });
    Fault {
        offset: base + error.offset,
        length: error.length,
        found: error.found.to_string(),
        rule: format!("expected {}", error.rule.expected()),
        clause: error.rule.clause().to_owned(),
        answer,
    }
}

/// The items of a message of BER as the text form has them, each with the range of the whole.
fn as_text(message: &Message<'_>, range: Range<usize>) -> Vec<Node> {
    let mut text = Vec::new();
    if let Err(error) = text::encode(message, Layout::Pretty, &mut text) {
        return vec![Node::new("message", format!("has no text form: {error}"), range, BINARY)];
    }
    let mut nodes = items_of(&text, 0);
    nodes.iter_mut().for_each(|node| cover(node, &range));
    nodes
}

fn cover(node: &mut Node, range: &Range<usize>) {
    node.start = range.start;
    node.end = range.end;
    node.clause = BINARY;
    node.children.iter_mut().for_each(|child| cover(child, range));
}

/// The items of a text, whether it is legal or not.
fn items_of(octets: &[u8], base: usize) -> Vec<Node> {
    let mut walk = Walk { octets, at: 0, base };
    let mut nodes = Vec::new();
    walk.head(&mut nodes);
    walk.items(&mut nodes, 0);
    nodes
}

struct Walk<'a> {
    octets: &'a [u8],
    at: usize,
    base: usize,
}

impl<'a> Walk<'a> {
    fn peek(&self) -> Option<u8> {
        self.octets.get(self.at).copied()
    }

    fn range(&self, start: usize) -> Range<usize> {
        self.base + start..self.base + self.at
    }

    fn since(&self, start: usize) -> &'a [u8] {
        self.octets.get(start..self.at).unwrap_or_default()
    }

    fn space(&mut self) {
        while let Some(octet) = self.peek() {
            match octet {
                b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                b';' => {
                    self.at += self.octets.iter().skip(self.at).take_while(|octet| **octet != b'\n').count();
                }
                _ => break,
            }
        }
    }

    fn word(&mut self) -> usize {
        self.space();
        let start = self.at;
        while self
            .peek()
            .is_some_and(|octet| !octet.is_ascii_whitespace() && !matches!(octet, b';' | b'{' | b'}'))
        {
            self.at += 1;
        }
        start
    }

    /// The authentication header, the protocol with its version, the message identifier.
    fn head(&mut self, nodes: &mut Vec<Node>) {
        let mut start = self.word();
        let is_header =
            self.since(start).iter().take_while(|octet| **octet != b'=').count() < self.at - start;
        if is_header && !self.since(start).contains(&b'/') {
            nodes.push(Node::new("Authentication", self.since(start), self.range(start), "RFC 3525 10.2"));
            start = self.word();
        }
        nodes.push(Node::new("Message", self.since(start), self.range(start), TEXT));
        let start = self.word();
        if self.since(start).eq_ignore_ascii_case(b"MTP") && self.peek() == Some(b'{') {
            while self.peek().is_some_and(|octet| octet != b'}') {
                self.at += 1;
            }
            self.at += usize::from(self.peek().is_some());
        }
        nodes.push(Node::new("MId", self.since(start), self.range(start), TEXT));
    }

    /// Items up to a closing brace or the end.
    fn items(&mut self, nodes: &mut Vec<Node>, depth: usize) {
        loop {
            self.space();
            match self.peek() {
                None => return,
                Some(b'}') if depth > 0 => return,
                Some(b',' | b'}') => self.at += 1,
                Some(_) => {
                    let node = self.item(depth);
                    nodes.push(node);
                }
            }
        }
    }

    fn item(&mut self, depth: usize) -> Node {
        let start = self.at;
        let mut equal = None;
        let mut brackets = 0_usize;
        let mut is_quoted = false;
        while let Some(octet) = self.peek() {
            match octet {
                b'"' => is_quoted = !is_quoted,
                _ if is_quoted => {}
                b'[' => brackets += 1,
                b']' => brackets = brackets.saturating_sub(1),
                b'=' if equal.is_none() => equal = Some(self.at),
                b'{' | b'}' => break,
                b',' if brackets == 0 => break,
                b';' => break,
                _ => {}
            }
            self.at += 1;
        }
        let head_end = self.at;
        let label = self.octets.get(start..equal.unwrap_or(head_end)).unwrap_or_default().trim_ascii();
        let value = equal.map_or(&b""[..], |equal| self.octets.get(equal + 1..head_end).unwrap_or_default());
        let long = text::long_form(label);
        let label = long.map_or_else(|| crate::escape::escape(label).to_string(), str::to_owned);
        let mut node = Node::new(&label, value.trim_ascii(), self.range(start), TEXT);
        if self.peek() == Some(b'{') {
            self.at += 1;
            let inner = self.at;
            if matches!(label.as_str(), "Local" | "Remote" | "DigitMap") {
                while let Some(octet) = self.peek().filter(|octet| *octet != b'}') {
                    self.at += if octet == b'\\' { 2 } else { 1 };
                }
                self.at = self.at.min(self.octets.len());
                let body = self.since(inner).trim_ascii();
                node.children.push(Node::new("body", body, self.range(inner), TEXT));
            } else if depth < DEEPEST {
                let mut children = Vec::new();
                self.items(&mut children, depth + 1);
                node.children = children;
            }
            self.at += usize::from(self.peek() == Some(b'}'));
        }
        node.end = self.base + self.at;
        if self.at == start {
            self.at += 1;
        }
        node
    }
}
