//! Small documents as a tree of elements: what SI, SL, CO and EMN are read from and written to, as WBXML and as XML. A tree is
//! bounded by the limits of the document that it came from.

use std::fmt::Write as _;

use super::document::{Document, Name, Piece, PublicId, Token};
use super::table::Language;
use crate::date::Utc;
use crate::error::{DecodeError, Fault, Rule};
use crate::limits::Limits;
use crate::octets::put_size;
use crate::xml::{self, Event, XmlError};

/// An element with its attributes, its text and the elements within it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, Attribute)>,
    pub(super) text: String,
    pub(super) children: Vec<Element>,
}

/// The value of an attribute: text, or a date, which is written as digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Attribute {
    Text(String),
    Date(Utc),
}

impl Element {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    pub(super) fn put(&mut self, name: &str, value: &str) {
        self.attributes.push((name.to_owned(), Attribute::Text(value.to_owned())));
    }

    pub(super) fn put_date(&mut self, name: &str, date: Option<Utc>) {
        if let Some(date) = date {
            self.attributes.push((name.to_owned(), Attribute::Date(date)));
        }
    }

    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find_map(|(known, value)| match value {
            Attribute::Text(text) if known == name => Some(text.as_str()),
            _ => None,
        })
    }

    pub(super) fn date_of(&self, name: &str) -> Option<Utc> {
        self.attributes.iter().find_map(|(known, value)| match value {
            Attribute::Date(date) if known == name => Some(*date),
            Attribute::Text(text) if known == name => parse_date(text),
            _ => None,
        })
    }

    /// The tree of a WBXML document of this language.
    pub(super) fn decode(bytes: &[u8], language: &Language, limits: &Limits) -> Result<Self, DecodeError> {
        let document = Document::decode(bytes, limits)?;
        let right = match document.public_id {
            // Some writers call every document unknown.
            PublicId::Number(number) => number == language.public_id || number == 1,
            PublicId::Text(text) => text.to_str() == language.public_text,
        };
        if !right {
            return Err(DecodeError::from_fault(bytes, Fault::at(1, Rule::WbxmlDocument)));
        }
        Self::build(&document, language).map_err(|fault| DecodeError::from_fault(bytes, fault))
    }

    fn build(document: &Document<'_>, language: &Language) -> Result<Self, Fault> {
        let mut open: Vec<Self> = Vec::new();
        let mut root = None;
        // An element whose attributes are being read: whether it has content.
        let mut content = false;
        let mut in_instruction = false;
        for (range, token) in document.tokens_at() {
            let fault = |rule| Fault::over(range.start, range.len(), rule);
            match token {
                Token::Element { name, attributes, content: has } => {
                    let element =
                        Self::new(&tag(document, language, name).ok_or(fault(Rule::WbxmlDocument))?);
                    content = has;
                    open.push(element);
                    if !attributes && !has {
                        close(&mut open, &mut root);
                    }
                }
                Token::Instruction(_) => in_instruction = true,
                Token::Attribute(_) | Token::Value(_) if in_instruction => {}
                Token::Attributed if in_instruction => in_instruction = false,
                Token::Attribute(name) => {
                    let (name, value) =
                        attribute(document, language, name).ok_or(fault(Rule::WbxmlDocument))?;
                    if let Some(element) = open.last_mut() {
                        element.attributes.push((name, Attribute::Text(value)));
                    }
                }
                Token::Value(Piece::Opaque(digits)) => {
                    let date = read_date(digits).ok_or(fault(Rule::WbxmlDate))?;
                    if let Some((_, value)) =
                        open.last_mut().and_then(|element| element.attributes.last_mut())
                    {
                        *value = Attribute::Date(date);
                    }
                }
                Token::Value(piece) => {
                    let text = piece_text(document, language, piece).ok_or(fault(Rule::WbxmlDocument))?;
                    if let Some((_, Attribute::Text(value))) =
                        open.last_mut().and_then(|element| element.attributes.last_mut())
                    {
                        value.push_str(&text);
                    }
                }
                Token::Attributed => {
                    if !content {
                        close(&mut open, &mut root);
                    }
                }
                Token::Content(piece) => {
                    let text = piece_text(document, language, piece).ok_or(fault(Rule::WbxmlDocument))?;
                    if let Some(element) = open.last_mut() {
                        element.text.push_str(&text);
                    }
                }
                Token::End => close(&mut open, &mut root),
            }
        }
        root.ok_or(Fault::at(0, Rule::WbxmlRoot))
    }

    /// Appends the document as WBXML 1.2 in UTF-8, without string table.
    pub(super) fn encode(&self, language: &Language, out: &mut Vec<u8>) {
        out.push(0x02);
        out.push(language.public_id as u8);
        out.extend_from_slice(&[0x6a, 0x00]);
        self.encode_element(language, out);
    }

    fn encode_element(&self, language: &Language, out: &mut Vec<u8>) {
        // Trees are built from the types of this crate: their names are in the table.
        let Some(code) = language.tag_code(&self.name) else { return };
        let content = !self.text.is_empty() || !self.children.is_empty();
        out.push(code | if content { 0x40 } else { 0 } | if self.attributes.is_empty() { 0 } else { 0x80 });
        for (name, value) in &self.attributes {
            match value {
                Attribute::Text(text) => put_attribute(language, name, text, out),
                Attribute::Date(date) => {
                    put_attribute(language, name, "", out);
                    put_date(*date, out);
                }
            }
        }
        if !self.attributes.is_empty() {
            out.push(0x01);
        }
        if !self.text.is_empty() {
            put_string(&self.text, out);
        }
        for child in &self.children {
            child.encode_element(language, out);
        }
        if content {
            out.push(0x01);
        }
    }

    /// The document as XML.
    pub(super) fn to_xml(&self, language: &Language) -> String {
        let mut out = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE {} PUBLIC \"{}\" \"{}\">\n",
            self.name, language.public_text, language.system_id
        );
        self.write_xml(&mut out);
        out.push('\n');
        out
    }

    fn write_xml(&self, out: &mut String) {
        let _ = write!(out, "<{}", self.name);
        for (name, value) in &self.attributes {
            let value = match value {
                Attribute::Text(text) => text.clone(),
                Attribute::Date(date) => date.to_string(),
            };
            let _ = write!(out, " {name}=\"{}\"", xml::escape(&value));
        }
        if self.text.is_empty() && self.children.is_empty() {
            out.push_str("/>");
            return;
        }
        let _ = write!(out, ">{}", xml::escape(&self.text));
        for child in &self.children {
            child.write_xml(out);
        }
        let _ = write!(out, "</{}>", self.name);
    }

    /// The tree of an XML document.
    pub(super) fn from_xml(text: &str, limits: &Limits) -> Result<Self, XmlError> {
        let mut open: Vec<Self> = Vec::new();
        let mut root = None;
        for event in xml::Reader::new(text, limits) {
            match event? {
                Event::Start { name, attributes, empty } => {
                    let mut element = Self::new(name);
                    for (name, value) in attributes {
                        element.put(name, &value);
                    }
                    open.push(element);
                    if empty {
                        close(&mut open, &mut root);
                    }
                }
                Event::Text(text) => {
                    if let Some(element) = open.last_mut() {
                        element.text.push_str(&text);
                    }
                }
                Event::End { .. } => close(&mut open, &mut root),
            }
        }
        let mut root = root.ok_or(XmlError { offset: text.len(), what: "a document has one element" })?;
        root.settle();
        Ok(root)
    }

    /// Drops white space around elements, and collapses it in text.
    fn settle(&mut self) {
        self.text = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        for child in &mut self.children {
            child.settle();
        }
    }
}

fn close(open: &mut Vec<Element>, root: &mut Option<Element>) {
    let Some(element) = open.pop() else { return };
    match open.last_mut() {
        Some(parent) => parent.children.push(element),
        None => *root = root.take().or(Some(element)),
    }
}

fn tag(document: &Document<'_>, language: &Language, name: Name<'_>) -> Option<String> {
    match name {
        Name::Token { page: 0, code } => language.tag(code).map(str::to_owned),
        Name::Token { .. } => None,
        Name::Text(text) => Some(document.charset.decode(text.as_bytes()).into_owned()),
    }
}

fn attribute(document: &Document<'_>, language: &Language, name: Name<'_>) -> Option<(String, String)> {
    match name {
        Name::Token { page: 0, code } => {
            language.attribute(code).map(|(name, value)| (name.to_owned(), value.to_owned()))
        }
        Name::Token { .. } => None,
        Name::Text(text) => Some((document.charset.decode(text.as_bytes()).into_owned(), String::new())),
    }
}

fn piece_text(document: &Document<'_>, language: &Language, piece: Piece<'_>) -> Option<String> {
    match piece {
        Piece::Text(text) => Some(document.charset.decode(text.as_bytes()).into_owned()),
        Piece::Entity(character) => Some(character.to_string()),
        Piece::Value { page: 0, code } => language.value(code).map(str::to_owned),
        Piece::Value { .. } | Piece::Opaque(_) | Piece::Extension { .. } => None,
    }
}

/// An attribute by the token that says most of its value; the rest as strings and tokens.
fn put_attribute(language: &Language, name: &str, value: &str, out: &mut Vec<u8>) {
    let best = language
        .attributes
        .iter()
        .filter(|(_, known, prefix)| *known == name && value.starts_with(prefix))
        .max_by_key(|(_, _, prefix)| prefix.len());
    let Some((code, _, prefix)) = best else { return };
    out.push(*code);
    let mut rest = value.get(prefix.len()..).unwrap_or_default();
    while !rest.is_empty() {
        let next = language
            .values
            .iter()
            .filter_map(|(code, part)| Some((rest.find(part)?, *code, part.len())))
            .min();
        let Some((at, code, length)) = next else {
            return put_string(rest, out);
        };
        if at > 0 {
            put_string(rest.get(..at).unwrap_or_default(), out);
        }
        out.push(code);
        rest = rest.get(at + length..).unwrap_or_default();
    }
}

fn put_string(text: &str, out: &mut Vec<u8>) {
    out.push(0x03);
    out.extend(text.bytes().filter(|octet| *octet != 0));
    out.push(0);
}

/// A date as digits, two an octet; zeros at its end are left out (WAP-167 8.2.2).
fn put_date(date: Utc, out: &mut Vec<u8>) {
    let Some((year, month, day, hour, minute, second)) = date.fields() else { return };
    let two = |value: u8| ((value / 10) << 4) | (value % 10);
    let mut digits = vec![
        two((year / 100) as u8),
        two((year % 100) as u8),
        two(month),
        two(day),
        two(hour),
        two(minute),
        two(second),
    ];
    while digits.last() == Some(&0) {
        digits.pop();
    }
    out.push(0xc3);
    put_size(digits.len(), out);
    out.extend_from_slice(&digits);
}

fn read_date(digits: &[u8]) -> Option<Utc> {
    if !(4..=7).contains(&digits.len()) {
        return None;
    }
    let two = |place: usize| {
        let octet = digits.get(place).copied().unwrap_or_default();
        let (high, low) = (octet >> 4, octet & 0x0f);
        (high < 10 && low < 10).then_some(high * 10 + low)
    };
    let year = u16::from(two(0)?) * 100 + u16::from(two(1)?);
    Utc::from_fields(year, two(2)?, two(3)?, two(4)?, two(5)?, two(6)?)
}

/// `2024-01-01T00:00:00Z`.
fn parse_date(text: &str) -> Option<Utc> {
    let bytes = text.trim().as_bytes();
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', h0, h1, b':', n0, n1, b':', s0, s1, b'Z'] = bytes
    else {
        return None;
    };
    let digit = |octet: &u8| octet.is_ascii_digit().then(|| octet - b'0');
    let two = |high: &u8, low: &u8| Some(digit(high)? * 10 + digit(low)?);
    let year = u16::from(two(y0, y1)?) * 100 + u16::from(two(y2, y3)?);
    Utc::from_fields(year, two(m0, m1)?, two(d0, d1)?, two(h0, h1)?, two(n0, n1)?, two(s0, s1)?)
}
