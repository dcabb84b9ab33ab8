//! PAP's control documents (WAP-247 section 9) as values: what initiators send, and what gateways answer.

use super::codes::Code;
use super::version::{UnknownVersion, Version};
use crate::push::Replacement;
use crate::queue::{Gone, Priority, State};
use crate::time;
use crate::xml::{Document, Element, XmlError, XmlLimits, parse, parse_document};

/// How a push is to be delivered (section 9.2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeliveryMethod {
    /// Confirmed, or not at all.
    Confirmed,
    /// Confirmed where that is possible.
    PreferConfirmed,
    /// Not confirmed.
    Unconfirmed,
    /// As the gateway likes.
    #[default]
    NotSpecified,
}

const METHODS: &[(DeliveryMethod, &str)] = &[
    (DeliveryMethod::Confirmed, "confirmed"),
    (DeliveryMethod::PreferConfirmed, "preferconfirmed"),
    (DeliveryMethod::Unconfirmed, "unconfirmed"),
    (DeliveryMethod::NotSpecified, "notspecified"),
];

/// `quality-of-service`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quality {
    /// Whether others have their turn before it.
    pub priority: Priority,
    /// How it is delivered.
    pub delivery: DeliveryMethod,
    /// The network that is wanted.
    pub network: Option<String>,
    /// Whether no other will do.
    pub network_required: bool,
    /// The bearer that is wanted.
    pub bearer: Option<String>,
    /// Whether no other will do.
    pub bearer_required: bool,
}

/// `push-message`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushMessage {
    /// The initiator's name for it.
    pub push_id: String,
    /// A push that it is to replace (`replace-push-id`, `replace-method`).
    pub replaces: Option<Replacement>,
    /// The recipients.
    pub addresses: Vec<String>,
    /// How.
    pub quality: Quality,
    /// `deliver-before-timestamp`, in milliseconds since 1970.
    pub before: Option<u64>,
    /// `deliver-after-timestamp`, in the same.
    pub after: Option<u64>,
    /// `ppg-notify-requested-to`.
    pub notify: Option<String>,
    /// Whether the answer is to tell how the push was dealt with.
    pub progress_notes: bool,
}

/// What initiators send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `push-message`.
    Push(PushMessage),
    /// `cancel-message`: the push, and the recipients that are meant; none is all.
    Cancel(String, Vec<String>),
    /// `statusquery-message`.
    Status(String, Vec<String>),
    /// `ccq-message`: the query's name, and the client.
    Capabilities(Option<String>, String),
}

/// Why a control document is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PapError {
    /// It is no XML that is read here.
    #[error("the control document {0}")]
    Xml(#[from] XmlError),
    /// It is of a version that is not known.
    #[error(transparent)]
    Version(#[from] UnknownVersion),
    /// It is not `pap`, or holds no operation that is known.
    #[error("the control document holds no operation of PAP")]
    NoOperation,
    /// Something is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A time cannot be read.
    #[error("{0} is no time as 2026-01-31T12:00:00Z")]
    Time(&'static str),
    /// A word that is not one of the list.
    #[error("{0} has a value that it cannot have")]
    Word(&'static str),
}

fn addresses(element: &Element) -> Vec<String> {
    let values = element.all("address").filter_map(|address| address.attribute("address-value"));
    values.map(ToOwned::to_owned).collect()
}

fn push_id(element: &Element) -> Result<String, PapError> {
    let id = element.attribute("push-id").filter(|id| !id.is_empty());
    Ok(id.ok_or(PapError::Missing("push-id"))?.to_owned())
}

/// `true` or `false`, which is meant without a word.
fn flag(element: &Element, name: &'static str) -> Result<bool, PapError> {
    match element.attribute(name) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(PapError::Word(name)),
    }
}

fn moment(element: &Element, name: &'static str) -> Result<Option<u64>, PapError> {
    match element.attribute(name) {
        None => Ok(None),
        Some(text) => time::parse_local(text).map(Some).ok_or(PapError::Time(name)),
    }
}

/// Word of `replace-method`, and what it says about recipients that have the replaced push already.
const REPLACE_METHODS: &[(&str, Gone)] = &[("all", Gone::Send), ("pending-only", Gone::Drop)];

fn replacement(element: &Element) -> Result<Option<Replacement>, PapError> {
    let Some(push_id) = element.attribute("replace-push-id") else { return Ok(None) };
    let gone = match element.attribute("replace-method") {
        None => Gone::default(),
        Some(word) => REPLACE_METHODS
            .iter()
            .find(|(known, _)| *known == word)
            .map(|(_, gone)| *gone)
            .ok_or(PapError::Word("replace-method"))?,
    };
    Ok(Some(Replacement { push_id: push_id.to_owned(), gone }))
}

/// The word for a replacement, unless it is the one that is meant without one: PAP 1.0 has none.
fn method(replacement: &Replacement) -> Option<&'static str> {
    let word = REPLACE_METHODS.iter().find(|(_, gone)| *gone == replacement.gone).map(|(word, _)| *word);
    word.filter(|_| replacement.gone != Gone::default())
}

impl Quality {
    fn of(element: &Element) -> Result<Self, PapError> {
        let flag = |name| flag(element, name);
        let text = |name| element.attribute(name).map(ToOwned::to_owned);
        let delivery = match element.attribute("delivery-method") {
            None => DeliveryMethod::NotSpecified,
            Some(word) => METHODS
                .iter()
                .find(|(_, known)| *known == word)
                .map(|(method, _)| *method)
                .ok_or(PapError::Word("delivery-method"))?,
        };
        let priority = match element.attribute("priority") {
            None => Priority::default(),
            Some(word) => Priority::of_word(word).ok_or(PapError::Word("priority"))?,
        };
        Ok(Self {
            priority,
            delivery,
            network: text("network"),
            network_required: flag("network-required")?,
            bearer: text("bearer"),
            bearer_required: flag("bearer-required")?,
        })
    }

    fn to_element(&self) -> Element {
        let word = METHODS.iter().find(|(method, _)| *method == self.delivery).map(|(_, word)| *word);
        let flag = |flag: bool| flag.then_some("true");
        let priority = (self.priority != Priority::default()).then(|| self.priority.word());
        Element::new("quality-of-service")
            .maybe("priority", priority)
            .maybe("delivery-method", word)
            .maybe("network", self.network.as_deref())
            .maybe("network-required", flag(self.network_required))
            .maybe("bearer", self.bearer.as_deref())
            .maybe("bearer-required", flag(self.bearer_required))
    }
}

impl Operation {
    /// Reads a control document.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn parse(document: &[u8]) -> Result<Self, PapError> {
        Ok(Self::parse_with_version(document)?.1)
    }

    /// The same, and the version that its answer is to be in.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn parse_with_version(document: &[u8]) -> Result<(Version, Self), PapError> {
        let document = parse_document(document, &XmlLimits::default())?;
        if document.root.name != "pap" {
            return Err(PapError::NoOperation);
        }
        let version = Version::of_type(document.declared.as_deref())?;
        let element = document.root.children.first().ok_or(PapError::NoOperation)?;
        Ok((version, Self::of_element(element)?))
    }

    fn of_element(element: &Element) -> Result<Self, PapError> {
        match element.name.as_str() {
            "push-message" => Ok(Self::Push(PushMessage {
                push_id: push_id(element)?,
                replaces: replacement(element)?,
                addresses: addresses(element),
                quality: element.find("quality-of-service").map(Quality::of).transpose()?.unwrap_or_default(),
                before: moment(element, "deliver-before-timestamp")?,
                after: moment(element, "deliver-after-timestamp")?,
                notify: element.attribute("ppg-notify-requested-to").map(ToOwned::to_owned),
                progress_notes: flag(element, "progress-notes-requested")?,
            })),
            "cancel-message" => Ok(Self::Cancel(push_id(element)?, addresses(element))),
            "statusquery-message" => Ok(Self::Status(push_id(element)?, addresses(element))),
            "ccq-message" => {
                let address = addresses(element).into_iter().next().ok_or(PapError::Missing("address"))?;
                let query = element.attribute("query-id").map(ToOwned::to_owned);
                Ok(Self::Capabilities(query, address))
            }
            _ => Err(PapError::NoOperation),
        }
    }

    /// The document of it.
    #[must_use]
    pub fn to_document(&self) -> String {
        let with_addresses = |element: Element, addresses: &[String]| {
            addresses.iter().fold(element, |element, address| {
                element.child(Element::new("address").with("address-value", address))
            })
        };
        let element = match self {
            Self::Push(push) => {
                let element = Element::new("push-message")
                    .with("push-id", &push.push_id)
                    .maybe("replace-push-id", push.replaces.as_ref().map(|old| old.push_id.as_str()))
                    .maybe("replace-method", push.replaces.as_ref().and_then(method))
                    .maybe("deliver-before-timestamp", push.before.map(time::stamp).as_deref())
                    .maybe("deliver-after-timestamp", push.after.map(time::stamp).as_deref())
                    .maybe("ppg-notify-requested-to", push.notify.as_deref())
                    .maybe("progress-notes-requested", push.progress_notes.then_some("true"));
                let element = with_addresses(element, &push.addresses);
                if push.quality == Quality::default() {
                    element
                } else {
                    element.child(push.quality.to_element())
                }
            }
            Self::Cancel(id, addresses) => {
                with_addresses(Element::new("cancel-message").with("push-id", id), addresses)
            }
            Self::Status(id, addresses) => {
                with_addresses(Element::new("statusquery-message").with("push-id", id), addresses)
            }
            Self::Capabilities(query, address) => with_addresses(
                Element::new("ccq-message").maybe("query-id", query.as_deref()),
                std::slice::from_ref(address),
            ),
        };
        document(Version::default(), element)
    }
}

/// A document around an operation or a response.
#[must_use]
pub fn document(version: Version, element: Element) -> String {
    let mut out = version.prologue();
    Element::new("pap").with("product-name", "Strowger").child(element).write(&mut out);
    out.push('\n');
    out
}

/// A result: code, words, and more about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The code.
    pub code: Code,
    /// What else is to be said.
    pub detail: String,
}

impl Outcome {
    /// With nothing else to be said.
    #[must_use]
    pub const fn of(code: Code) -> Self {
        Self { code, detail: String::new() }
    }

    /// With the words of a document, of which those that belong to the code say nothing else.
    fn read(code: Code, words: &str) -> Self {
        let rest = words.strip_prefix(code.text()).map(|rest| rest.strip_prefix(": ").unwrap_or(rest));
        Self { code, detail: rest.unwrap_or(words).to_owned() }
    }

    /// On an element.
    #[must_use]
    pub fn on(&self, element: Element) -> Element {
        let text = match self.detail.is_empty() {
            true => self.code.text().to_owned(),
            false => format!("{}: {}", self.code.text(), self.detail),
        };
        element.with("code", self.code.0.to_string()).with("desc", text)
    }

    /// The first result in a response, wherever it stands there.
    ///
    /// # Errors
    /// When the document is no response of PAP.
    pub fn parse(document: &[u8]) -> Result<Self, PapError> {
        let root = parse(document, &XmlLimits::default())?;
        let response = root.children.first().filter(|_| root.name == "pap").ok_or(PapError::NoOperation)?;
        let mut all = std::iter::once(response).chain(&response.children);
        let found =
            all.find(|element| element.attribute("code").is_some() && element.name != "progress-note");
        let found = found.ok_or(PapError::Missing("code"))?;
        let code = found.attribute("code").and_then(|code| code.trim().parse().ok());
        let code = Code(code.ok_or(PapError::Word("code"))?);
        Ok(Self::read(code, found.attribute("desc").unwrap_or_default()))
    }
}

/// `resultnotification-message` (section 9.5): what became of a push at one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultNotification {
    /// The version that it is in: that of the push.
    pub version: Version,
    /// The push.
    pub push_id: String,
    /// The recipient.
    pub address: String,
    /// The gateway's name.
    pub sender: String,
    /// When the push was accepted.
    pub received: u64,
    /// When it ended.
    pub event: u64,
    /// How.
    pub state: State,
    /// The result.
    pub outcome: Outcome,
}

impl ResultNotification {
    /// The document of it.
    #[must_use]
    pub fn to_document(&self) -> String {
        let element = Element::new("resultnotification-message")
            .with("push-id", &self.push_id)
            .with("sender-address", &self.sender)
            .with("sender-name", "Strowger")
            .with("received-time", time::stamp(self.received))
            .with("event-time", time::stamp(self.event))
            .with("message-state", self.state.word());
        let element = self.outcome.on(element);
        document(self.version, element.child(Element::new("address").with("address-value", &self.address)))
    }

    /// Reads one.
    ///
    /// # Errors
    /// When the document is none.
    pub fn parse(document: &[u8]) -> Result<Self, PapError> {
        let Document { root, declared } = parse_document(document, &XmlLimits::default())?;
        let version = Version::of_type(declared.as_deref())?;
        let element = root.find("resultnotification-message").ok_or(PapError::NoOperation)?;
        let text = |name| element.attribute(name).unwrap_or_default().to_owned();
        let state = State::of_word(&text("message-state")).ok_or(PapError::Word("message-state"))?;
        let code = text("code").parse().map_err(|_| PapError::Word("code"))?;
        Ok(Self {
            version,
            push_id: push_id(element)?,
            address: addresses(element).into_iter().next().unwrap_or_default(),
            sender: text("sender-address"),
            received: moment(element, "received-time")?.unwrap_or_default(),
            event: moment(element, "event-time")?.unwrap_or_default(),
            state,
            outcome: Outcome::read(Code(code), &text("desc")),
        })
    }
}
