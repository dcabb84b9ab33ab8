//! The documents that pushes carry, typed: service indication (WAP-167), service loading (WAP-168), cache operation (WAP-175) and
//! e-mail notification (OMA EMN), each from and to WBXML and XML.

use super::element::Element;
use super::table::{CO, EMN, Language, SI, SL};
use crate::date::Utc;
use crate::error::{DecodeError, Fault, Rule};
use crate::limits::Limits;
use crate::xml::XmlError;

/// How strongly a service indication asks for attention.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signal {
    /// Not at all.
    None,
    /// When there is time.
    Low,
    /// As soon as possible without disturbing; this is meant when nothing is said.
    #[default]
    Medium,
    /// At once.
    High,
    /// An indication with the same identifier is to be deleted.
    Delete,
}

/// What a service loading does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Load {
    /// Loads and shows without disturbing; this is meant when nothing is said.
    #[default]
    ExecuteLow,
    /// Loads and shows at once: a stranger must not.
    ExecuteHigh,
    /// Loads into the cache.
    Cache,
}

macro_rules! words {
    ($name:ident { $($item:ident $word:literal,)* }) => {
        impl $name {
            /// The word of its attribute.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$item => $word,)* }
            }

            fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$item),)* _ => None }
            }
        }
    };
}

words! {
    Signal {
        None "signal-none",
        Low "signal-low",
        Medium "signal-medium",
        High "signal-high",
        Delete "delete",
    }
}

words! {
    Load {
        ExecuteLow "execute-low",
        ExecuteHigh "execute-high",
        Cache "cache",
    }
}

/// A service indication: text with a link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceIndication {
    /// The link.
    pub href: Option<String>,
    /// The identifier by which a later one replaces it.
    pub id: Option<String>,
    /// When it was made.
    pub created: Option<Utc>,
    /// When it is of no use any more.
    pub expires: Option<Utc>,
    /// How strongly it asks for attention.
    pub action: Signal,
    /// The text.
    pub text: String,
    /// Further information: class and text.
    pub info: Vec<(String, String)>,
}

/// A service loading: a link that is followed without being asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceLoading {
    /// The link.
    pub href: String,
    /// What is done with it.
    pub action: Load,
}

/// A cache operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheOperation {
    /// What is to be forgotten.
    pub invalidate: Vec<Invalidate>,
}

/// What a cache is to forget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invalidate {
    /// One resource.
    Object(String),
    /// Every resource whose address begins so.
    Service(String),
}

/// An e-mail notification.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmailNotification {
    /// The mailbox: `mailat:user@example.net`, `imap://…`.
    pub mailbox: String,
    /// When the mail came.
    pub timestamp: Option<Utc>,
}

/// The octets are of another document, or its elements are not those that it has.
fn wrong(bytes: &[u8]) -> DecodeError {
    DecodeError::from_fault(bytes, Fault::at(0, Rule::WbxmlDocument))
}

const WRONG_XML: XmlError =
    XmlError { offset: 0, what: "the elements and attributes are those of the document's type" };

macro_rules! document {
    ($name:ident $language:ident) => {
        impl $name {
            /// The names of the document.
            pub const LANGUAGE: &'static Language = &$language;

            /// Decodes WBXML.
            ///
            /// # Errors
            /// [`DecodeError`] with the offset, an excerpt and the rule broken.
            pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Self, DecodeError> {
                let root = Element::decode(bytes, &$language, limits)?;
                Self::from_element(&root).ok_or_else(|| wrong(bytes))
            }

            /// Appends WBXML.
            pub fn encode(&self, out: &mut Vec<u8>) {
                self.to_element().encode(&$language, out);
            }

            /// Reads XML.
            ///
            /// # Errors
            /// [`XmlError`] with the offset and the rule broken.
            pub fn from_xml(text: &str, limits: &Limits) -> Result<Self, XmlError> {
                Self::from_element(&Element::from_xml(text, limits)?).ok_or(WRONG_XML)
            }

            /// The document as XML.
            #[must_use]
            pub fn to_xml(&self) -> String {
                self.to_element().to_xml(&$language)
            }
        }
    };
}

document!(ServiceIndication SI);
document!(ServiceLoading SL);
document!(CacheOperation CO);
document!(EmailNotification EMN);

impl ServiceIndication {
    fn from_element(root: &Element) -> Option<Self> {
        if root.name != "si" {
            return None;
        }
        let indication = root.children.iter().find(|child| child.name == "indication")?;
        let mut info = Vec::new();
        for block in root.children.iter().filter(|child| child.name == "info") {
            for item in block.children.iter().filter(|child| child.name == "item") {
                info.push((item.text_of("class")?.to_owned(), item.text.clone()));
            }
        }
        let action = match indication.text_of("action") {
            Some(word) => Signal::from_word(word)?,
            None => Signal::default(),
        };
        let dates = ["created", "si-expires"];
        // A date that is written and is none must not pass as one that is not there.
        if dates.iter().any(|name| indication.text_of(name).is_some() && indication.date_of(name).is_none()) {
            return None;
        }
        Some(Self {
            href: indication.text_of("href").map(str::to_owned),
            id: indication.text_of("si-id").map(str::to_owned),
            created: indication.date_of("created"),
            expires: indication.date_of("si-expires"),
            action,
            text: indication.text.clone(),
            info,
        })
    }

    fn to_element(&self) -> Element {
        let mut indication = Element::new("indication");
        if let Some(href) = &self.href {
            indication.put("href", href);
        }
        if let Some(id) = &self.id {
            indication.put("si-id", id);
        }
        indication.put_date("created", self.created);
        indication.put_date("si-expires", self.expires);
        indication.put("action", self.action.as_str());
        indication.text.clone_from(&self.text);
        let mut root = Element::new("si");
        root.children.push(indication);
        if !self.info.is_empty() {
            let mut block = Element::new("info");
            for (class, text) in &self.info {
                let mut item = Element::new("item");
                item.put("class", class);
                item.text.clone_from(text);
                block.children.push(item);
            }
            root.children.push(block);
        }
        root
    }
}

impl ServiceLoading {
    fn from_element(root: &Element) -> Option<Self> {
        let action = match root.text_of("action") {
            Some(word) => Load::from_word(word)?,
            None => Load::default(),
        };
        (root.name == "sl").then_some(Self { href: root.text_of("href")?.to_owned(), action })
    }

    fn to_element(&self) -> Element {
        let mut root = Element::new("sl");
        root.put("href", &self.href);
        root.put("action", self.action.as_str());
        root
    }
}

impl CacheOperation {
    fn from_element(root: &Element) -> Option<Self> {
        if root.name != "co" {
            return None;
        }
        let invalidate = root.children.iter().map(|child| {
            let uri = child.text_of("uri")?.to_owned();
            match child.name.as_str() {
                "invalidate-object" => Some(Invalidate::Object(uri)),
                "invalidate-service" => Some(Invalidate::Service(uri)),
                _ => None,
            }
        });
        Some(Self { invalidate: invalidate.collect::<Option<_>>()? })
    }

    fn to_element(&self) -> Element {
        let mut root = Element::new("co");
        for what in &self.invalidate {
            let (name, uri) = match what {
                Invalidate::Object(uri) => ("invalidate-object", uri),
                Invalidate::Service(uri) => ("invalidate-service", uri),
            };
            let mut child = Element::new(name);
            child.put("uri", uri);
            root.children.push(child);
        }
        root
    }
}

impl EmailNotification {
    fn from_element(root: &Element) -> Option<Self> {
        if root.name != "emn" || root.text_of("timestamp").is_some() && root.date_of("timestamp").is_none() {
            return None;
        }
        Some(Self { mailbox: root.text_of("mailbox")?.to_owned(), timestamp: root.date_of("timestamp") })
    }

    fn to_element(&self) -> Element {
        let mut root = Element::new("emn");
        root.put("mailbox", &self.mailbox);
        root.put_date("timestamp", self.timestamp);
        root
    }
}
