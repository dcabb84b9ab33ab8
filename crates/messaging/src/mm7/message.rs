//! The requests and answers of MM7 as values. Times are as [`When`]: the schema allows dates and spans alike.

use strowger_mms::message::When;

use super::codes::StatusCode;

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// An application submits a message.
    Submit,
    /// It takes one back.
    Cancel,
    /// It replaces one.
    Replace,
    /// An application gets a message.
    Deliver,
    /// It hears what became of one.
    DeliveryReport,
    /// It hears that one was read.
    ReadReply,
}

impl Operation {
    /// All of them, with the elements of request and answer.
    pub const TABLE: [(Self, &'static str, &'static str); 6] = [
        (Self::Submit, "SubmitReq", "SubmitRsp"),
        (Self::Cancel, "CancelReq", "CancelRsp"),
        (Self::Replace, "ReplaceReq", "ReplaceRsp"),
        (Self::Deliver, "DeliverReq", "DeliverRsp"),
        (Self::DeliveryReport, "DeliveryReportReq", "DeliveryReportRsp"),
        (Self::ReadReply, "ReadReplyReq", "ReadReplyRsp"),
    ];

    /// The element of the answer.
    #[must_use]
    pub fn response(self) -> &'static str {
        Self::TABLE.iter().find(|(known, ..)| *known == self).map_or("", |(.., name)| name)
    }

    /// The element of the request.
    #[must_use]
    pub fn request(self) -> &'static str {
        Self::TABLE.iter().find(|(known, ..)| *known == self).map_or("", |(_, name, _)| name)
    }
}

/// An address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A telephone number.
    Number(String),
    /// A mail address.
    Mail(String),
    /// A short code: digits, or a name.
    ShortCode(String),
}

impl Address {
    /// The address as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Number(text) | Self::Mail(text) | Self::ShortCode(text) => text,
        }
    }

    /// As messages between networks have it (TS 23.140 section 8.4.5.1): numbers with their type.
    #[must_use]
    pub fn written(&self) -> String {
        match self {
            Self::Number(number) if !number.contains("/TYPE=") => format!("{number}/TYPE=PLMN"),
            other => other.as_str().to_owned(),
        }
    }
}

/// A recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Who.
    pub address: Address,
    /// Whether the recipients are only shown it, and it gets nothing.
    pub display_only: bool,
}

/// The recipients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipients {
    /// Those that everybody sees.
    pub to: Vec<Recipient>,
    /// Those of copies.
    pub cc: Vec<Recipient>,
    /// Those that nobody sees.
    pub bcc: Vec<Recipient>,
}

/// Who an application says that it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sender {
    /// The provider.
    pub vaspid: Option<String>,
    /// The service.
    pub vasid: Option<String>,
    /// As whom the message is sent.
    pub address: Option<Address>,
}

/// The content: a reference to a part of the body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// `cid:` and the part's Content-ID.
    pub href: String,
    /// Whether it may be adapted to the handset.
    pub allow_adaptations: Option<bool>,
}

/// MM7_submit.REQ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Submit {
    /// Who asks.
    pub sender: Sender,
    /// For whom.
    pub recipients: Recipients,
    /// For bills.
    pub service_code: Option<String>,
    /// The message that is answered.
    pub linked: Option<String>,
    /// `Personal`, `Informational`, `Advertisement` or `Auto`.
    pub class: Option<String>,
    /// When it was submitted.
    pub time: Option<When>,
    /// Whether a reply is paid for.
    pub reply_charging: bool,
    /// Not before.
    pub earliest: Option<When>,
    /// Not after.
    pub expiry: Option<When>,
    /// Whether deliveries are to be reported.
    pub delivery_report: bool,
    /// Whether readings are.
    pub read_reply: bool,
    /// `Low`, `Normal` or `High`.
    pub priority: Option<String>,
    /// The subject.
    pub subject: Option<String>,
    /// Who pays.
    pub charged_party: Option<String>,
    /// Whether it may be given on.
    pub distribution: Option<bool>,
    /// For which application of the handset.
    pub applic_id: Option<String>,
    /// For which one of the sender an answer is.
    pub reply_applic_id: Option<String>,
    /// More for that application.
    pub aux_applic_info: Option<String>,
    /// The content.
    pub content: Option<Content>,
}

/// MM7_cancel.REQ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cancel {
    /// Who asks.
    pub sender: Sender,
    /// Which message.
    pub id: String,
}

/// MM7_replace.REQ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replace {
    /// Who asks.
    pub sender: Sender,
    /// Which message.
    pub id: String,
    /// Not before.
    pub earliest: Option<When>,
    /// Whether readings are to be reported.
    pub read_reply: Option<bool>,
    /// The new content.
    pub content: Option<Content>,
}

/// MM7_deliver.REQ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deliver {
    /// The MMSC.
    pub server: String,
    /// For whom: the provider and the service.
    pub vaspid: Option<String>,
    /// The service.
    pub vasid: Option<String>,
    /// What an answer refers to.
    pub linked: Option<String>,
    /// Who sent it.
    pub sender: Address,
    /// The recipients that the sender named.
    pub recipients: Recipients,
    /// When it was sent, in seconds since 1970.
    pub time: Option<u64>,
    /// `Low`, `Normal` or `High`.
    pub priority: Option<String>,
    /// The subject.
    pub subject: Option<String>,
    /// The content.
    pub content: Option<Content>,
}

/// What became of a message, in the words of MM7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MmStatus {
    /// Nobody fetched it in time.
    Expired,
    /// It was fetched.
    Retrieved,
    /// It was not wanted.
    Rejected,
    /// Nobody knows.
    Indeterminate,
    /// It was given on.
    Forwarded,
    /// It was read.
    Read,
    /// It was deleted unread.
    Deleted,
}

impl MmStatus {
    /// All of them, with their words: the first five of delivery reports, the others of read replies.
    pub const TABLE: [(Self, &'static str); 7] = [
        (Self::Expired, "Expired"),
        (Self::Retrieved, "Retrieved"),
        (Self::Rejected, "Rejected"),
        (Self::Indeterminate, "Indeterminate"),
        (Self::Forwarded, "Forwarded"),
        (Self::Read, "Read"),
        (Self::Deleted, "Deleted"),
    ];

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::TABLE.iter().find(|(known, _)| *known == self).map_or("", |(_, word)| word)
    }
}

/// MM7_delivery_report.REQ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryReport {
    /// The MMSC.
    pub server: String,
    /// Which message.
    pub id: String,
    /// Who was to get it.
    pub recipient: Address,
    /// Who sent it.
    pub sender: Address,
    /// When it ended, in seconds since 1970.
    pub date: u64,
    /// How.
    pub status: MmStatus,
    /// More about it.
    pub text: Option<String>,
}

/// MM7_read_reply.REQ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadReply {
    /// The MMSC.
    pub server: String,
    /// Which message.
    pub id: String,
    /// Who got it.
    pub recipient: Address,
    /// Who sent it.
    pub sender: Address,
    /// When it was read, in seconds since 1970.
    pub date: u64,
    /// What was done.
    pub status: MmStatus,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// In a number.
    pub code: StatusCode,
    /// In words.
    pub text: String,
    /// More about it.
    pub details: Option<String>,
}

impl Status {
    /// A code with its usual words.
    #[must_use]
    pub fn of(code: StatusCode) -> Self {
        Self { code, text: code.text().to_owned(), details: None }
    }

    /// With more about it.
    #[must_use]
    pub fn because(code: StatusCode, details: impl Into<String>) -> Self {
        Self { details: Some(details.into()), ..Self::of(code) }
    }
}

/// Any message of MM7.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A message is submitted.
    Submit(Box<Submit>),
    /// One is taken back.
    Cancel(Cancel),
    /// One is replaced.
    Replace(Box<Replace>),
    /// One is delivered to an application.
    Deliver(Box<Deliver>),
    /// The application hears of a delivery.
    DeliveryReport(Box<DeliveryReport>),
    /// It hears of a reading.
    ReadReply(Box<ReadReply>),
    /// The answer to any of these.
    Response {
        /// To what.
        to: Operation,
        /// What became of it.
        status: Status,
        /// The identifier of a message that was taken.
        id: Option<String>,
    },
    /// The request could not be dealt with at all: RSErrorRsp of an MMSC, VASPErrorRsp of an application.
    Fault(Status),
}
