//! The envelope of MM7 (SOAP 1.1; TS 23.140 section 8.7.8.1): a transaction identifier in the header, one message in the body.

use std::fmt::Write as _;

use super::codes::StatusCode;
use super::message::{Message, Operation, Status};
use super::{read, write};
use crate::xml::{self, Element, XmlLimits};

/// The namespace of SOAP 1.1.
const ENVELOPE: &str = "http://schemas.xmlsoap.org/soap/envelope/";
/// What all namespaces of MM7 begin with.
const SCHEMA: &str = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/";
/// Characters of a transaction identifier.
const TRANSACTION: usize = 128;

/// Version and namespace, which differ from peer to peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// The version, as `6.8.0`.
    pub version: String,
    /// The namespace.
    pub namespace: String,
}

impl Default for Dialect {
    fn default() -> Self {
        Self { version: "6.8.0".to_owned(), namespace: format!("{SCHEMA}REL-6-MM7-1-4") }
    }
}

impl Dialect {
    /// Whether the version is one of those that are spoken: 5 and 6 of the major number.
    #[must_use]
    pub fn is_spoken(&self) -> bool {
        matches!(self.version.split('.').next(), Some("5" | "6"))
    }
}

/// An envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Soap {
    /// The transaction identifier: the same in request and answer.
    pub transaction: String,
    /// Version and namespace.
    pub dialect: Dialect,
    /// What is asked or answered.
    pub message: Message,
}

/// Why an envelope is none: what can be said in an answer, and how it is answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", status.code, status.details.as_deref().unwrap_or_default())]
pub struct SoapError {
    /// What became of it.
    pub status: Status,
    /// The transaction identifier, if it could be read.
    pub transaction: String,
    /// Version and namespace, as far as they could be read.
    pub dialect: Dialect,
    /// The operation, if it could be read.
    pub operation: Option<Operation>,
}

impl Soap {
    /// Reads an envelope.
    ///
    /// # Errors
    /// When it is no XML within bounds, no envelope, or holds something that MM7 does not know.
    pub fn parse(bytes: &[u8], limits: &XmlLimits) -> Result<Self, Box<SoapError>> {
        let mut found = SoapError {
            status: Status::of(StatusCode::VALIDATION),
            transaction: String::new(),
            dialect: Dialect::default(),
            operation: None,
        };
        match take_apart(bytes, limits, &mut found) {
            Ok(message) => Ok(Self { transaction: found.transaction, dialect: found.dialect, message }),
            Err(status) => Err(Box::new(SoapError { status, ..found })),
        }
    }

    /// The document.
    #[must_use]
    pub fn to_document(&self) -> Vec<u8> {
        let namespace = &self.dialect.namespace;
        let transaction = Element { text: self.transaction.clone(), ..Element::new("mm7:TransactionID") }
            .with("xmlns:mm7", namespace)
            .with("env:mustUnderstand", "1");
        let body = Element::new("env:Body").child(write::message(&self.message, &self.dialect));
        let envelope = Element::new("env:Envelope")
            .with("xmlns:env", ENVELOPE)
            .child(Element::new("env:Header").child(transaction))
            .child(body);
        let mut out = String::new();
        let _ = writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
        envelope.write(&mut out);
        out.into_bytes()
    }
}

fn invalid(details: impl Into<String>) -> Status {
    Status::because(StatusCode::VALIDATION, details)
}

/// Fills in what is found on the way, so that the answer to what cannot be read has as much as there is.
fn take_apart(bytes: &[u8], limits: &XmlLimits, found: &mut SoapError) -> Result<Message, Status> {
    let envelope = xml::parse(bytes, limits).map_err(|error| invalid(error.to_string()))?;
    if envelope.name != "Envelope" {
        return Err(invalid(format!("the document is {}, and not an Envelope", shown(&envelope.name))));
    }
    let header = envelope.find("Header").and_then(|header| header.find("TransactionID"));
    if let Some(transaction) = header {
        found.transaction = transaction.text.trim().chars().take(TRANSACTION).collect();
        note_namespace(transaction, &mut found.dialect);
    }
    let mut body = envelope.find("Body").into_iter().flat_map(|body| &body.children);
    let content = body.next().ok_or_else(|| invalid("the Body is empty"))?;
    note_namespace(&envelope, &mut found.dialect);
    note_namespace(content, &mut found.dialect);
    let content = match content.name.as_str() {
        "Fault" => return Ok(Message::Fault(read::fault(content))),
        _ => content,
    };
    if let Some(version) = content.find("MM7Version").map(|version| version.text.trim()) {
        found.dialect.version = version.chars().take(16).collect();
    }
    let known = Operation::TABLE
        .iter()
        .find(|(_, request, response)| content.name == *request || content.name == *response);
    let Some((operation, request, _)) = known else {
        let details = format!("{} is no request of MM7", shown(&content.name));
        return Err(Status::because(StatusCode::OPERATION, details));
    };
    found.operation = Some(*operation);
    if found.transaction.is_empty() {
        return Err(invalid("there is no TransactionID in the Header"));
    }
    if !found.dialect.is_spoken() {
        let details = format!("version {} is not spoken", shown(&found.dialect.version));
        found.dialect.version = Dialect::default().version;
        return Err(Status::because(StatusCode::VERSION, details));
    }
    if content.name == *request {
        read::request(*operation, content)
    } else {
        read::response(*operation, content)
    }
}

fn note_namespace(element: &Element, dialect: &mut Dialect) {
    let mut values = element.attributes.iter().map(|(_, value)| value);
    if let Some(namespace) = values.find(|value| value.starts_with(SCHEMA)) {
        dialect.namespace.clone_from(namespace);
    }
}

/// A word of a stranger, as it may stand in an answer.
fn shown(text: &str) -> String {
    text.chars().take(40).collect::<String>().escape_default().to_string()
}
