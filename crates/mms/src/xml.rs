//! A small reader of XML for documents from strangers: elements, attributes, text, the five entities and character references.
//! Document types are skipped, never read: no entity can be declared, and nothing is fetched.

use std::borrow::Cow;
use std::fmt;

use crate::limits::Limits;

/// What is wrong with a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XmlError {
    /// Offset of the first octet at fault.
    pub offset: usize,
    /// The rule that is broken.
    pub what: &'static str,
}

impl fmt::Display for XmlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "offset {}: {}", self.offset, self.what)
    }
}

impl std::error::Error for XmlError {}

/// A step through a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// An element begins.
    Start {
        /// Its name.
        name: &'a str,
        /// Its attributes.
        attributes: Vec<(&'a str, Cow<'a, str>)>,
        /// Whether it ends at once.
        empty: bool,
    },
    /// Text.
    Text(Cow<'a, str>),
    /// An element ends.
    End {
        /// Its name.
        name: &'a str,
    },
}

/// Reads events until the end or the first error.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
    open: Vec<&'a str>,
    depth: usize,
    attributes: usize,
    bytes: usize,
    rooted: bool,
    failed: bool,
}

impl<'a> Reader<'a> {
    /// A reader of a document. Limits bound octets, depth, and the attributes of an element.
    #[must_use]
    pub fn new(text: &'a str, limits: &Limits) -> Self {
        Self {
            text: text.strip_prefix('\u{feff}').unwrap_or(text),
            at: 0,
            open: Vec::new(),
            depth: limits.depth,
            attributes: limits.headers,
            bytes: limits.bytes,
            rooted: false,
            failed: false,
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn fault(&self, what: &'static str) -> XmlError {
        XmlError { offset: self.at, what }
    }

    /// Skips up to and with `end`, which must be there.
    fn past(&mut self, end: &str, what: &'static str) -> Result<(), XmlError> {
        match self.rest().find(end) {
            Some(at) => {
                self.at += at + end.len();
                Ok(())
            }
            None => Err(self.fault(what)),
        }
    }

    fn step(&mut self) -> Result<Option<Event<'a>>, XmlError> {
        if self.text.len() > self.bytes {
            return Err(self.fault("a document may not be longer than the limit"));
        }
        loop {
            let rest = self.rest();
            if rest.is_empty() {
                return match (self.open.is_empty(), self.rooted) {
                    (true, true) => Ok(None),
                    _ => Err(self.fault("a document has one element, which ends")),
                };
            }
            if rest.starts_with("<!--") {
                self.past("-->", "a comment ends")?;
            } else if rest.starts_with("<?") {
                self.past("?>", "an instruction ends")?;
            } else if let Some(data) = rest.strip_prefix("<![CDATA[") {
                let Some(end) = data.find("]]>").filter(|_| !self.open.is_empty()) else {
                    return Err(self.fault("a section of text ends, within an element"));
                };
                self.at += "<![CDATA[".len() + end + "]]>".len();
                return Ok(Some(Event::Text(Cow::Borrowed(data.get(..end).unwrap_or_default()))));
            } else if rest.starts_with("<!DOCTYPE") && !self.rooted {
                self.document_type()?;
            } else if rest.starts_with("</") {
                return self.end().map(Some);
            } else if rest.starts_with('<') {
                return self.start().map(Some);
            } else if let Some(text) = self.text()? {
                return Ok(Some(Event::Text(text)));
            }
        }
    }

    /// `<!DOCTYPE name PUBLIC "…" "…">`; a subset within it could declare entities, and is refused.
    fn document_type(&mut self) -> Result<(), XmlError> {
        let rest = self.rest();
        let end = rest.find('>').ok_or(self.fault("a document type ends"))?;
        if rest.get(..end).is_some_and(|declared| declared.contains('[')) {
            return Err(self.fault("a document type declares nothing of its own"));
        }
        self.at += end + 1;
        Ok(())
    }

    fn text(&mut self) -> Result<Option<Cow<'a, str>>, XmlError> {
        let rest = self.rest();
        let end = rest.find('<').unwrap_or(rest.len());
        let raw = rest.get(..end).unwrap_or_default();
        if self.open.is_empty() {
            if !raw.trim().is_empty() {
                return Err(self.fault("text stands within the element"));
            }
            self.at += end;
            return Ok(None);
        }
        let text = unescape(raw).ok_or(self.fault("an entity is one of the five, or a character"))?;
        self.at += end;
        Ok(Some(text))
    }

    fn start(&mut self) -> Result<Event<'a>, XmlError> {
        if self.open.is_empty() && self.rooted {
            return Err(self.fault("a document has one element"));
        }
        self.at += 1;
        let name = self.name()?;
        let mut attributes: Vec<(&str, Cow<'_, str>)> = Vec::new();
        loop {
            let before = self.at;
            self.space();
            let rest = self.rest();
            let empty = rest.starts_with("/>");
            if empty || rest.starts_with('>') {
                self.at += if empty { 2 } else { 1 };
                self.rooted = true;
                if !empty {
                    if self.open.len() >= self.depth {
                        return Err(
                            self.fault("elements may not lie deeper within each other than the limit")
                        );
                    }
                    self.open.push(name);
                }
                return Ok(Event::Start { name, attributes, empty });
            }
            if self.at == before {
                return Err(self.fault("white space stands between attributes"));
            }
            if attributes.len() >= self.attributes {
                return Err(self.fault("there may not be more attributes than the limit"));
            }
            attributes.push(self.attribute()?);
        }
    }

    fn attribute(&mut self) -> Result<(&'a str, Cow<'a, str>), XmlError> {
        let name = self.name()?;
        self.space();
        if !self.rest().starts_with('=') {
            return Err(self.fault("an attribute has a value"));
        }
        self.at += 1;
        self.space();
        let Some(quote @ ('"' | '\'')) = self.rest().chars().next() else {
            return Err(self.fault("a value stands in quotation marks"));
        };
        self.at += 1;
        let rest = self.rest();
        let Some(raw) = rest.find(quote).and_then(|end| rest.get(..end)).filter(|raw| !raw.contains('<'))
        else {
            return Err(self.fault("a value ends with the mark that it began with, and holds no <"));
        };
        let value = unescape(raw).ok_or(self.fault("an entity is one of the five, or a character"))?;
        self.at += raw.len() + 1;
        Ok((name, value))
    }

    fn end(&mut self) -> Result<Event<'a>, XmlError> {
        self.at += 2;
        let name = self.name()?;
        self.space();
        if !self.rest().starts_with('>') || self.open.pop() != Some(name) {
            return Err(self.fault("an element ends with the name that it began with"));
        }
        self.at += 1;
        Ok(Event::End { name })
    }

    fn name(&mut self) -> Result<&'a str, XmlError> {
        let rest = self.rest();
        let is_name =
            |character: char| character.is_alphanumeric() || matches!(character, '-' | '_' | '.' | ':');
        let end = rest.find(|character| !is_name(character)).unwrap_or(rest.len());
        let name = rest.get(..end).unwrap_or_default();
        if name.is_empty()
            || name.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '-' | '.'))
        {
            return Err(self.fault("a name begins with a letter"));
        }
        self.at += end;
        Ok(name)
    }

    fn space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Event<'a>, XmlError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let step = self.step();
        self.failed = step.is_err();
        step.transpose()
    }
}

/// Text without its entities; none where one is not known.
fn unescape(raw: &str) -> Option<Cow<'_, str>> {
    if !raw.contains('&') {
        return Some(Cow::Borrowed(raw));
    }
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, entity)) = rest.split_once('&') {
        out.push_str(before);
        let (name, behind) = entity.split_once(';')?;
        out.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => {
                let number = name.strip_prefix('#')?;
                let value = match number.strip_prefix('x') {
                    Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                    None => number.parse().ok()?,
                };
                char::from_u32(value).filter(|character| is_character(*character))?
            }
        });
        rest = behind;
    }
    out.push_str(rest);
    Some(Cow::Owned(out))
}

/// Whether XML can hold a character (XML 1.0 section 2.2).
#[must_use]
pub const fn is_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Text for XML: the characters that mean something there as entities; those that XML cannot hold left out.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other if is_character(other) => out.push(other),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Event<'_>>, XmlError> {
        Reader::new(text, &Limits::DEFAULT).collect()
    }

    #[test]
    fn a_document_is_read_step_by_step() {
        let text = "<?xml version=\"1.0\"?>\n<!DOCTYPE a PUBLIC \"x\" \"y\">\n<!-- c -->\n<a b='1 &amp; 2'>x&#65;<c/><![CDATA[<&]]></a>\n";
        let events = read(text).unwrap();
        assert_eq!(
            events[0],
            Event::Start { name: "a", attributes: vec![("b", "1 & 2".into())], empty: false }
        );
        assert_eq!(events[1], Event::Text("xA".into()));
        assert_eq!(events[2], Event::Start { name: "c", attributes: vec![], empty: true });
        assert_eq!(events[3], Event::Text("<&".into()));
        assert_eq!(events[4], Event::End { name: "a" });
    }

    #[test]
    fn entities_cannot_be_declared_and_nothing_nests_without_end() {
        for text in [
            "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
            "<a>&b;</a>",
            "<a>&#0;</a>",
            "<a>&#xd800;</a>",
            "<a>&#1;</a>",
            "<a>&#xffff;</a>",
            "<a>&amp</a>",
            "<a",
            "<a>",
            "<a></b>",
            "</a>",
            "<a b=c/>",
            "<a b='<'/>",
            "<a b='1'c='2'/>",
            "<a/><b/>",
            "x",
            "<1/>",
            "<a><!-- ",
            "<![CDATA[x]]>",
            "",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        let deep = "<a>".repeat(1_000_000);
        assert!(read(&deep).is_err());
    }

    #[test]
    fn text_is_escaped_for_xml_and_comes_back() {
        let text = "a<b>&\"'\u{e9}";
        let document = format!("<a b=\"{0}\">{0}</a>", escape(text));
        let events = read(&document).unwrap();
        assert_eq!(events[0], Event::Start { name: "a", attributes: vec![("b", text.into())], empty: false });
        assert_eq!(events[1], Event::Text(text.into()));
        assert_eq!(escape("a\u{1}b"), "ab");
    }
}
