//! What a handset tells: as lines for people, and as JSON.

use std::fmt;

use serde::Serialize;

/// A part of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// A file name that is safe in any folder, unique in its message.
    pub name: String,
    /// The media type.
    pub media: String,
    /// Its octets.
    pub octets: usize,
    /// The text of a part that is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What it holds.
    #[serde(skip)]
    pub data: Vec<u8>,
}

/// A message that was fetched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Received {
    /// The transaction of its notification.
    pub transaction: String,
    /// Its identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Who sent it, unless that is hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The recipients that are shown.
    pub to: Vec<String>,
    /// The subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// When it was sent, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<u64>,
    /// What it holds.
    pub parts: Vec<Part>,
    /// The folder that it was written to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A notification came.
    Notified {
        /// Its transaction.
        transaction: String,
        /// Who sent the message.
        #[serde(skip_serializing_if = "Option::is_none")]
        from: Option<String>,
        /// What it is about.
        #[serde(skip_serializing_if = "Option::is_none")]
        subject: Option<String>,
        /// Its octets, as announced.
        size: u64,
        /// Where it is.
        location: String,
        /// In how many short messages it came; none over UDP.
        #[serde(skip_serializing_if = "Option::is_none")]
        short_messages: Option<u8>,
    },
    /// A message was fetched.
    Received(Received),
    /// The MMSC knows that it was.
    Acknowledged {
        /// The transaction.
        transaction: String,
    },
    /// A message was not fetched.
    Failed {
        /// The transaction.
        transaction: String,
        /// Why.
        why: String,
    },
    /// A report of delivery came.
    Delivered {
        /// The message.
        id: String,
        /// Who got it.
        to: String,
        /// How it ended.
        status: String,
    },
    /// A report of reading came.
    Read {
        /// The message.
        id: String,
        /// Who read it.
        by: String,
        /// What he did.
        status: String,
    },
    /// A sender takes a message back that was fetched.
    Cancelled {
        /// The message.
        id: String,
    },
    /// A service indication came.
    Indication {
        /// Its text.
        text: String,
        /// Where it points to.
        #[serde(skip_serializing_if = "Option::is_none")]
        href: Option<String>,
    },
    /// A push was refused.
    Refused {
        /// What it was.
        what: String,
        /// Why.
        why: String,
    },
    /// A push could not be read.
    Malformed {
        /// Why.
        why: String,
    },
}

/// For a terminal: what strangers wrote is escaped.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let safe = |text: &str| text.escape_debug().to_string();
        match self {
            Self::Notified { transaction, from, subject, size, short_messages, .. } => {
                write!(f, "notification {}: {size} octets", safe(transaction))?;
                write!(f, " from {}", from.as_deref().map_or_else(|| "a hidden sender".to_owned(), safe))?;
                if let Some(subject) = subject {
                    write!(f, ", \"{}\"", safe(subject))?;
                }
                match short_messages {
                    Some(1) => f.write_str(", in one short message"),
                    Some(parts) => write!(f, ", in {parts} short messages"),
                    None => Ok(()),
                }
            }
            Self::Received(message) => {
                write!(f, "message {}", safe(&message.transaction))?;
                if let Some(from) = &message.from {
                    write!(f, " from {}", safe(from))?;
                }
                if let Some(subject) = &message.subject {
                    write!(f, ", \"{}\"", safe(subject))?;
                }
                for part in &message.parts {
                    write!(f, "\n  {} ({}, {} octets)", safe(&part.name), safe(&part.media), part.octets)?;
                    if let Some(text) = &part.text {
                        write!(f, ": {}", safe(text))?;
                    }
                }
                match &message.folder {
                    Some(folder) => write!(f, "\n  in {folder}"),
                    None => Ok(()),
                }
            }
            Self::Acknowledged { transaction } => write!(f, "acknowledged {}", safe(transaction)),
            Self::Failed { transaction, why } => {
                write!(f, "not fetched {}: {}", safe(transaction), safe(why))
            }
            Self::Delivered { id, to, status } => {
                write!(f, "report: {} to {}: {status}", safe(id), safe(to))
            }
            Self::Read { id, by, status } => write!(f, "report: {} by {}: {status}", safe(id), safe(by)),
            Self::Cancelled { id } => write!(f, "taken back: {}", safe(id)),
            Self::Indication { text, href } => {
                write!(f, "indication: {}", safe(text))?;
                href.as_ref().map_or(Ok(()), |href| write!(f, " ({})", safe(href)))
            }
            Self::Refused { what, why } => write!(f, "refused {}: {}", safe(what), safe(why)),
            Self::Malformed { why } => write!(f, "malformed: {}", safe(why)),
        }
    }
}
