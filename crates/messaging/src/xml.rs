//! Small XML documents from strangers, read into a tree within bounds.
//!
//! A document type declaration is passed over when it only names its type, as every PAP document does, or holds processing instructions, as
//! those of PAP 2.1 do; one that declares anything is refused, and so is every entity but the five of XML itself: nothing is ever
//! expanded or fetched.

use std::fmt::Write as _;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// Bounds of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XmlLimits {
    /// Octets.
    pub octets: usize,
    /// Elements.
    pub elements: usize,
    /// Attributes of one element.
    pub attributes: usize,
    /// How deep elements may lie in each other.
    pub depth: usize,
}

impl Default for XmlLimits {
    fn default() -> Self {
        Self { octets: 256 * 1024, elements: 2_000, attributes: 32, depth: 16 }
    }
}

/// Why a document is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at octet {offset}: {fault}")]
pub struct XmlError {
    /// Where.
    pub offset: u64,
    /// What.
    pub fault: String,
}

/// An element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Its name, without a prefix.
    pub name: String,
    /// Its attributes in order, without prefixes.
    pub attributes: Vec<(String, String)>,
    /// The elements in it.
    pub children: Vec<Self>,
    /// The text in it, that of its children left out.
    pub text: String,
}

impl Element {
    /// An element without anything in it.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// With an attribute more.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.attributes.push((name.to_owned(), value.into()));
        self
    }

    /// With an attribute more, if there is one.
    #[must_use]
    pub fn maybe(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// With an element more in it.
    #[must_use]
    pub fn child(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    /// The value of an attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The first element in it with this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The elements in it with this name.
    pub fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// Appends it as text.
    pub fn write(&self, out: &mut String) {
        let _ = write!(out, "<{}", self.name);
        for (name, value) in &self.attributes {
            let _ = write!(out, " {name}=\"{}\"", escape(value));
        }
        if self.children.is_empty() && self.text.is_empty() {
            out.push_str("/>");
            return;
        }
        out.push('>');
        out.push_str(&escape(&self.text));
        for child in &self.children {
            child.write(out);
        }
        let _ = write!(out, "</{}>", self.name);
    }
}

/// Text as it may stand in an element or an attribute; characters that XML cannot hold are left out.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // Of the controls, XML 1.0 has these, from DEL on all: one that is left out would make two names one.
            '\n' | '\r' | '\t' | '\u{7f}'..='\u{9f}' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            c if is_legal(c) => out.push(c),
            _ => {}
        }
    }
    out
}

/// Whether a document may have a character (XML 1.0 section 2.2).
const fn is_legal(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

const NO_CHARACTER: &str = "a character that XML does not have";

/// A document: its element, and what its type declaration says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// What stands between `<!DOCTYPE` and its end.
    pub declared: Option<String>,
    /// The element.
    pub root: Element,
}

/// Reads the element of a document.
///
/// # Errors
/// When it is not well-formed, declares or uses entities, or breaks a limit.
pub fn parse(bytes: &[u8], limits: &XmlLimits) -> Result<Element, XmlError> {
    Ok(parse_document(bytes, limits)?.root)
}

/// Reads a document.
///
/// # Errors
/// As [`parse`].
pub fn parse_document(bytes: &[u8], limits: &XmlLimits) -> Result<Document, XmlError> {
    let refuse = |offset: u64, fault: &str| XmlError { offset, fault: fault.to_owned() };
    if bytes.len() > limits.octets {
        return Err(refuse(0, "the document is too long"));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        refuse(u64::try_from(error.valid_up_to()).unwrap_or_default(), "the document is not UTF-8")
    })?;
    if let Some((place, _)) = text.char_indices().find(|(_, c)| !is_legal(*c)) {
        return Err(refuse(u64::try_from(place).unwrap_or_default(), NO_CHARACTER));
    }
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    let mut elements = 0;
    let mut declared = None;
    loop {
        let at = reader.buffer_position();
        let event = reader.read_event().map_err(|error| refuse(at, &error.to_string()))?;
        match event {
            Event::Start(start) | Event::Empty(start) if root.is_some() => {
                let _ = start;
                return Err(refuse(at, "something stands behind the document"));
            }
            Event::Start(start) => {
                elements += 1;
                if open.len() >= limits.depth || elements > limits.elements {
                    return Err(refuse(at, "too many elements, or too deep in each other"));
                }
                open.push(element(&start, limits).map_err(|fault| refuse(at, &fault))?);
            }
            Event::Empty(start) => {
                elements += 1;
                if elements > limits.elements {
                    return Err(refuse(at, "too many elements"));
                }
                let element = element(&start, limits).map_err(|fault| refuse(at, &fault))?;
                close(element, &mut open, &mut root);
            }
            Event::End(_) => {
                let Some(element) = open.pop() else { return Err(refuse(at, "nothing is open")) };
                close(element, &mut open, &mut root);
            }
            Event::Text(text) => add(&text.xml10_content(), &mut open).map_err(|fault| refuse(at, fault))?,
            Event::CData(data) => add(&data.xml10_content(), &mut open).map_err(|fault| refuse(at, fault))?,
            Event::GeneralRef(reference) => {
                let resolved = match reference
                    .resolve_char_ref()
                    .map_err(|error| refuse(at, &error.to_string()))?
                {
                    Some(c) => c,
                    None => named(&reference.into_inner()).ok_or_else(|| refuse(at, "an entity is used"))?,
                };
                if !is_legal(resolved) {
                    return Err(refuse(at, NO_CHARACTER));
                }
                add(resolved.encode_utf8(&mut [0; 4]), &mut open).map_err(|fault| refuse(at, fault))?;
            }
            Event::DocType(kind) => {
                let kind = kind.into_inner();
                if declares(&kind) {
                    return Err(refuse(at, "the document type declares something"));
                }
                declared = Some(kind.into_owned());
            }
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof => break,
        }
    }
    match (root, open.is_empty()) {
        (Some(root), true) => Ok(Document { declared, root }),
        _ => Err(refuse(reader.buffer_position(), "the document ends early")),
    }
}

/// Whether a document type has anything in its brackets but processing instructions.
fn declares(kind: &str) -> bool {
    let Some((_, subset)) = kind.split_once('[') else { return false };
    let mut rest = subset.trim_start();
    while let Some(instruction) = rest.strip_prefix("<?") {
        let Some((_, behind)) = instruction.split_once("?>") else { return true };
        rest = behind.trim_start();
    }
    rest.trim_end() != "]"
}

fn named(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

fn element(start: &BytesStart<'_>, limits: &XmlLimits) -> Result<Element, String> {
    let mut element = Element::new(start.local_name().into_inner());
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        if element.attributes.len() >= limits.attributes {
            return Err("too many attributes".to_owned());
        }
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| error.to_string())?;
        if !value.chars().all(is_legal) {
            return Err(NO_CHARACTER.to_owned());
        }
        let name = attribute.key.local_name().into_inner().to_owned();
        element.attributes.push((name, value.into_owned()));
    }
    Ok(element)
}

fn close(element: Element, open: &mut [Element], root: &mut Option<Element>) {
    match open.last_mut() {
        Some(parent) => parent.children.push(element),
        None => *root = Some(element),
    }
}

fn add(text: &str, open: &mut [Element]) -> Result<(), &'static str> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err("text stands outside the document"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_that_xml_does_not_have_is_refused_however_it_is_written() {
        let limits = XmlLimits::default();
        for wrong in
            ["<a b=\"\u{2}\"/>", "<a>\u{0}</a>", "<a>\u{ffff}</a>", "<a b=\"&#2;\"/>", "<a>&#x1F;</a>"]
        {
            assert!(parse(wrong.as_bytes(), &limits).is_err(), "{wrong:?}");
        }
        let fault = parse(b"<a>12\x02</a>", &limits).unwrap_err();
        assert_eq!((fault.offset, fault.fault.as_str()), (5, NO_CHARACTER));
    }

    #[test]
    fn what_xml_has_comes_back_as_it_was() {
        let text = "tab\t line\n \u{7f} \u{85} & < > \" \u{fffd} \u{1f600}";
        let document = format!("<a b=\"{0}\">{0}</a>", escape(text));
        let read = parse(document.as_bytes(), &XmlLimits::default()).unwrap();
        assert_eq!((read.attribute("b"), read.text.as_str()), (Some(text), text));
        assert_eq!(escape("1\u{1}2"), "12");
    }
}
