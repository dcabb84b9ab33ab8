//! What is kept of a message: one envelope with a delivery for each recipient. Rows on disk are JSON, so that a person can audit
//! them and a later version can read them; unknown members are ignored and absent ones have a default.

use serde::{Deserialize, Serialize};
use strowger_mms::message::{ReadStatus, Status};

use super::party::Party;

/// The place of a message in the order of acceptance; never given twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageSeq(pub u64);

/// One recipient of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId {
    /// The message.
    pub message: MessageSeq,
    /// The place of the recipient in it.
    pub place: usize,
}

/// Where a body is: several messages may share one, after it was forwarded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BodyKey(pub u64);

/// How far a delivery has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The recipient is told about it, again and again.
    #[default]
    Waiting,
    /// The recipient knows and has said that it will be fetched later.
    Deferred,
    /// Another MMSC has it, and has not said what became of it.
    Relayed,
    /// Fetched, and acknowledged.
    Retrieved,
    /// The recipient does not want it.
    Rejected,
    /// Nobody fetched it in time.
    Expired,
    /// The recipient gave it to somebody else without fetching it.
    Forwarded,
    /// The recipient's handset did not understand the notification, or nobody says what became of the message.
    Indeterminate,
    /// There is no way to the recipient.
    Unreachable,
    /// Whoever sent it took it back.
    Cancelled,
}

impl State {
    /// Whether nothing more will happen to it.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Waiting | Self::Deferred | Self::Relayed)
    }

    /// What a delivery report says (MMS ENC, Status); none of what is not reported.
    #[must_use]
    pub const fn report(self) -> Option<Status> {
        match self {
            Self::Waiting | Self::Deferred | Self::Relayed | Self::Cancelled => None,
            Self::Retrieved => Some(Status::Retrieved),
            Self::Rejected => Some(Status::Rejected),
            Self::Expired => Some(Status::Expired),
            Self::Forwarded => Some(Status::Forwarded),
            Self::Indeterminate => Some(Status::Indeterminate),
            Self::Unreachable => Some(Status::Unreachable),
        }
    }

    /// Its word, in the interface for programs and in logs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Deferred => "deferred",
            Self::Relayed => "relayed",
            Self::Retrieved => "retrieved",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Forwarded => "forwarded",
            Self::Indeterminate => "indeterminate",
            Self::Unreachable => "unreachable",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A report that somebody is to get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// There is none.
    #[default]
    None,
    /// It is still to be given to the push gateway.
    Due,
    /// It was.
    Sent,
}

/// What a recipient said about reading a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// As it is on the wire.
    pub status: u8,
    /// When, in seconds since 1970.
    pub date: u64,
    /// Whether the sender knows.
    #[serde(default)]
    pub report: Report,
}

impl Reading {
    /// What was said.
    #[must_use]
    pub const fn read_status(&self) -> ReadStatus {
        ReadStatus::from_code(self.status)
    }
}

/// How a recipient is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// A handset is told by a push and fetches.
    #[default]
    Push,
    /// The message is handed to an application, by the name that it has here.
    Application(String),
    /// It goes out as mail.
    Mail,
    /// It goes to another MMSC, by the name that it has here.
    Peer(String),
}

impl Via {
    /// Whom a message is handed to; none when it waits to be fetched.
    #[must_use]
    pub fn party(&self) -> Option<Party> {
        match self {
            Self::Push => None,
            Self::Application(name) => Some(Party::Application(name.clone())),
            Self::Mail => Some(Party::Mail(String::new())),
            Self::Peer(name) => Some(Party::Peer { peer: name.clone(), number: String::new() }),
        }
    }
}

/// What is kept about one recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Who.
    pub to: Party,
    /// How the recipient is reached.
    #[serde(default)]
    pub via: Via,
    /// The unguessable part of the content location.
    pub token: String,
    /// The transaction identifier of the notification and of the retrieval.
    pub transaction: String,
    /// How far it has come.
    #[serde(default)]
    pub state: State,
    /// Notifications that the push gateway took.
    #[serde(default)]
    pub notified: u32,
    /// When the next is due, in milliseconds since 1970.
    #[serde(default)]
    pub next: u64,
    /// When it was fetched first, in the same.
    #[serde(default)]
    pub fetched: Option<u64>,
    /// When it ended, in the same.
    #[serde(default)]
    pub ended: Option<u64>,
    /// The delivery report.
    #[serde(default)]
    pub report: Report,
    /// What the recipient said about reading.
    #[serde(default)]
    pub reading: Option<Reading>,
}

impl Delivery {
    /// Whether the message was never to go there, though it was accepted for others at that time.
    #[must_use]
    pub fn was_left_out(&self, accepted: u64) -> bool {
        self.state == State::Unreachable && self.ended == Some(accepted)
    }
}

/// Text that was forwarded from whom and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previous {
    /// The address.
    pub address: String,
    /// Seconds since 1970.
    pub date: u64,
}

/// A message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Envelope {
    /// Its place.
    pub seq: MessageSeq,
    /// What the network calls it: unique, and told to sender and recipients.
    pub id: String,
    /// Who sent it, as the network knows it.
    pub from: Option<Party>,
    /// As whom the sender appears, when that is another address: a number that an application sends as.
    pub alias: Option<Party>,
    /// Whether the recipients see who.
    pub shown: bool,
    /// The transaction identifier of the submission.
    pub transaction: String,
    /// A digest of the submission, by which a repeated one is known.
    pub digest: u64,
    /// The version that the sender speaks, as it is on the wire.
    pub version: u8,
    /// The subject.
    pub subject: Option<String>,
    /// The class: a word of the standard or a name.
    pub class: String,
    /// The priority, as it is on the wire.
    pub priority: Option<u8>,
    /// The recipients that the recipients see, as the sender wrote them.
    pub shown_to: Vec<String>,
    /// And those of copies.
    pub shown_cc: Vec<String>,
    /// When it was sent, in seconds since 1970.
    pub date: u64,
    /// When it was accepted, in milliseconds since 1970.
    pub accepted: u64,
    /// When it may be delivered, in the same.
    pub not_before: u64,
    /// When it expires, in the same.
    pub expires: u64,
    /// Whether the sender wants to hear of each delivery.
    pub delivery_report: bool,
    /// Whether of each reading.
    pub read_report: bool,
    /// Who had it before.
    pub previous: Vec<Previous>,
    /// The content type of the body, as an encoded header field.
    pub content_type: Vec<u8>,
    /// Further header fields that recipients get as they came, encoded.
    pub further: Vec<u8>,
    /// Where the body is.
    pub body: BodyKey,
    /// Its octets.
    pub size: u64,
    /// The recipients.
    pub deliveries: Vec<Delivery>,
    /// What the sender's application calls it, to be told in reports.
    pub reference: Option<String>,
}

impl Envelope {
    /// The sender as the recipients know him; none when nobody is known, or hides.
    #[must_use]
    pub fn visible_sender(&self) -> Option<&Party> {
        self.sender().filter(|_| self.shown)
    }

    /// The sender as he is addressed.
    #[must_use]
    pub fn sender(&self) -> Option<&Party> {
        self.alias.as_ref().or(self.from.as_ref())
    }

    /// When the last delivery ended, in milliseconds since 1970; none while one has not.
    #[must_use]
    pub fn ended(&self) -> Option<u64> {
        let mut last = self.accepted;
        for delivery in &self.deliveries {
            last = last.max(delivery.ended?);
        }
        Some(last)
    }

    /// What memory it takes, about.
    #[must_use]
    pub fn weight(&self) -> usize {
        let texts = self.id.len() + self.subject.as_ref().map_or(0, String::len) + self.further.len();
        600 + texts + self.deliveries.len() * 350
    }

    /// As it is on disk.
    #[must_use]
    pub fn to_row(&self) -> Vec<u8> {
        // A structure without maps and non-finite numbers always has a form in JSON.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The other way round; none when the row is not one.
    #[must_use]
    pub fn of_row(row: &[u8]) -> Option<Self> {
        serde_json::from_slice(row).ok()
    }
}
