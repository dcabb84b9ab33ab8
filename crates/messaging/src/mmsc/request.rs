//! What an MMSC is asked, and what it answers: the engine's vocabulary, in which no octet of a protocol occurs. MM1, MM7 and the
//! interface for programs read their requests into it and write its answers out.

use strowger_mms::message::{ReadStatus, ResponseStatus, Status, When};
use strowger_sansio::Time;

use super::message::{BodyKey, DeliveryId, Envelope, MessageSeq, Previous};
use super::party::Party;

/// Joins an answer to its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// A body that comes with a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewBody {
    /// Its octets, to be kept beside the rows.
    Inline(Vec<u8>),
    /// A file that has been written and forced to disk under this temporary name.
    File(String),
}

/// A message that somebody wants to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Who, as the network knows it.
    pub from: Party,
    /// The transaction identifier.
    pub transaction: String,
    /// A digest of the whole submission.
    pub digest: u64,
    /// The version of the sender, as it is on the wire.
    pub version: u8,
    /// The recipients, hidden ones among them, as they were written.
    pub recipients: Vec<String>,
    /// Those that the recipients see.
    pub shown_to: Vec<String>,
    /// And those of copies.
    pub shown_cc: Vec<String>,
    /// The subject.
    pub subject: Option<String>,
    /// The class.
    pub class: String,
    /// The priority, as it is on the wire.
    pub priority: Option<u8>,
    /// Whether the recipients see the sender.
    pub shown: bool,
    /// When it was sent, in seconds since 1970, if it says so.
    pub date: Option<u64>,
    /// When it is to be delivered.
    pub delivery_time: Option<When>,
    /// When it expires.
    pub expiry: Option<When>,
    /// Whether the sender wants to hear of each delivery.
    pub delivery_report: bool,
    /// Whether of each reading.
    pub read_report: bool,
    /// The content type, as an encoded header field.
    pub content_type: Vec<u8>,
    /// Further header fields for the recipients, encoded.
    pub further: Vec<u8>,
    /// The body.
    pub body: NewBody,
    /// Its octets.
    pub size: u64,
    /// What the sender's application calls it.
    pub reference: Option<String>,
    /// As whom the sender appears, when that is another address; whoever reads the submission has seen that he may.
    pub alias: Option<Party>,
    /// The message that this one answers, which the sender must have sent or been given.
    pub linked: Option<String>,
}

/// What takes the place of a message's content, as far as nobody has fetched it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// Who sent the message.
    pub by: Party,
    /// The message's identifier.
    pub id: String,
    /// The new content: its type as an encoded header field, its body and its octets; none leaves the old one.
    pub content: Option<(Vec<u8>, NewBody, u64)>,
    /// When it is to be delivered from now on; none leaves that as it is.
    pub delivery_time: Option<When>,
    /// Whether reading is to be reported from now on; none leaves that as it is.
    pub read_report: Option<bool>,
}

/// A message that is given on without having been fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarding {
    /// Who gives it on.
    pub by: Party,
    /// The transaction identifier.
    pub transaction: String,
    /// A digest of the whole request.
    pub digest: u64,
    /// The version of who gives it on, as it is on the wire.
    pub version: u8,
    /// The content location, of which the last segment counts.
    pub location: String,
    /// The recipients, as they were written.
    pub recipients: Vec<String>,
    /// Those that the recipients see.
    pub shown_to: Vec<String>,
    /// And those of copies.
    pub shown_cc: Vec<String>,
    /// When it was sent, in seconds since 1970, if it says so.
    pub date: Option<u64>,
    /// When it is to be delivered.
    pub delivery_time: Option<When>,
    /// When it expires.
    pub expiry: Option<When>,
    /// Whether a report of each delivery is wanted.
    pub delivery_report: bool,
    /// Whether of each reading.
    pub read_report: bool,
    /// Whether the first sender may be told.
    pub report_allowed: bool,
}

/// How another MMSC names a message that it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Relayed {
    /// By the transaction in which it was given.
    Transaction(String),
    /// By its identifier, and the recipient.
    Recipient {
        /// The identifier.
        id: String,
        /// The recipient.
        to: Party,
    },
}

/// What the engine is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Take a message.
    Submit(Box<Submission>),
    /// Give a message on.
    Forward(Box<Forwarding>),
    /// Hand a message out.
    Retrieve {
        /// Who asks.
        by: Party,
        /// The unguessable part of its location.
        token: String,
    },
    /// A recipient says what he does about a notification (m-notifyresp-ind).
    Respond {
        /// Who.
        by: Party,
        /// The transaction identifier of the notification.
        transaction: String,
        /// What he does.
        status: Status,
        /// Whether the sender may be told.
        report_allowed: bool,
    },
    /// A recipient has a message (m-acknowledge-ind).
    Acknowledge {
        /// Who.
        by: Party,
        /// The transaction identifier of the retrieval.
        transaction: String,
        /// Whether the sender may be told.
        report_allowed: bool,
    },
    /// A recipient has read a message, or deleted it unread (m-read-rec-ind).
    Read {
        /// Who.
        by: Party,
        /// The message's identifier.
        id: String,
        /// Which.
        status: ReadStatus,
        /// When, in seconds since 1970, if he says so.
        date: Option<u64>,
    },
    /// A recipient does not want messages that he was told about and has not acknowledged (m-delete-req).
    Delete {
        /// Who.
        by: Party,
        /// Their content locations, of which the last segments count.
        locations: Vec<String>,
    },
    /// A sender replaces a message as far as it was not fetched.
    Replace(Box<Replacement>),
    /// Another MMSC says what became of a message that it was given.
    Relayed {
        /// Its name here.
        peer: String,
        /// Which message, for whom.
        which: Relayed,
        /// How it ended; none when it has not.
        state: Option<super::message::State>,
    },
    /// A sender takes a message back as far as it was not fetched.
    Cancel {
        /// Who.
        by: Party,
        /// The message's identifier.
        id: String,
    },
    /// A sender asks what became of a message.
    Look {
        /// Who; none may see all.
        by: Option<Party>,
        /// The message's identifier.
        id: String,
    },
}

/// What became of a submission or of giving a message on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// In the words of MMS.
    pub status: ResponseStatus,
    /// Why, when it was not taken for all.
    pub text: Option<String>,
    /// The identifier that the message was given.
    pub id: Option<String>,
    /// Whether it was taken now, and not when it came first.
    pub fresh: bool,
}

/// A message that is handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handed {
    /// The headers and the content type of m-retrieve-conf, encoded; the body follows them.
    pub head: Vec<u8>,
    /// Where the body is.
    pub body: BodyKey,
    /// Its octets.
    pub size: u64,
}

/// Why a message is not handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotHanded {
    /// There is none with this location, or it is somebody else's: both are told in the same words.
    Unknown,
    /// It is over: fetched, expired, taken back.
    Over,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Of a submission or of giving a message on.
    Submitted(Submitted),
    /// Of a retrieval.
    Handed(Handed),
    /// The same.
    NotHanded(NotHanded),
    /// Of a recipient's wish to be rid of messages: whether each was there, in their order.
    Deleted(Vec<bool>),
    /// It is noted.
    Done,
    /// There is no such message for who asks.
    NotFound,
    /// It is too late: every recipient has it, or it ended otherwise.
    TooLate,
    /// What is known of a message.
    Known(Box<Envelope>),
    /// The disk failed: nothing has happened, and the request may be repeated.
    Unavailable,
}

/// What a push carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// A notification for the recipient.
    Notification,
    /// A delivery report for the sender.
    DeliveryReport,
    /// A report of reading for the sender.
    ReadReport,
}

/// Names a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId {
    /// About which delivery.
    pub delivery: DeliveryId,
    /// What for.
    pub purpose: Purpose,
}

impl OrderId {
    /// The one that stands before all others of a message.
    #[must_use]
    pub const fn first_of(message: MessageSeq) -> Self {
        Self { delivery: DeliveryId { message, place: 0 }, purpose: Purpose::Notification }
    }
}

/// A push that the host is asked to hand to the push gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its name.
    pub id: OrderId,
    /// How often it was handed over before.
    pub attempt: u32,
    /// To whom.
    pub to: Party,
    /// The MMS message.
    pub pdu: Vec<u8>,
    /// When it is worth nothing any more.
    pub expires: Time,
    /// The message that it is about, for logs and applications.
    pub message: String,
}

/// What the host is asked to hand to an application: a message, or a report about one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handover {
    /// Its name.
    pub id: OrderId,
    /// How often it was tried before, since the start.
    pub attempt: u32,
    /// To whom.
    pub to: Party,
    /// The message, or the one that is reported about.
    pub envelope: Box<Envelope>,
}

/// What became of an order or of what was to be handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The other side has it, and will not lose it.
    Accepted,
    /// The other side cannot take it now.
    Busy,
    /// There is no way to this party.
    NoWay,
    /// The other side does not want it, and would not at another time.
    Refused,
}

/// What is to be written, in this order, before any answer or order of the same turn leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A body.
    PutBody(BodyKey, NewBody),
    /// A body that nobody needs any more.
    DropBody(BodyKey),
    /// The row of a message, as it is now.
    Put(Box<Envelope>),
    /// A message that is forgotten.
    Forget(MessageSeq),
}

/// What happened, for logs and counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A message was taken.
    Accepted {
        /// Its identifier.
        id: String,
        /// Who sent it.
        from: Party,
        /// How many get it.
        recipients: usize,
        /// Octets of the body.
        octets: u64,
    },
    /// A submission was answered from memory.
    Repeated,
    /// A transaction identifier came again with other content, and was taken for another message.
    Reused,
    /// A submission was refused.
    Refused(ResponseStatus),
    /// A message was handed out.
    Fetched,
    /// Somebody asked for what is not his, or is not there.
    Denied,
    /// A delivery ended.
    Ended {
        /// The message's identifier.
        id: String,
        /// Who was to get it.
        to: Party,
        /// How.
        state: super::message::State,
    },
    /// A notification or report was handed over.
    Pushed(Purpose),
    /// The push gateway did not take one.
    Held(Purpose),
    /// An application took a message or a report.
    Handed(Purpose, Party),
    /// It did not.
    NotHanded {
        /// What.
        purpose: Purpose,
        /// Who.
        to: Party,
        /// What became of it.
        taken: Taken,
    },
    /// A recipient says that he has what he did not fetch.
    Claimed,
}

/// The one who had a message before, as it will be told.
impl From<(&Envelope, &Party)> for Previous {
    fn from((envelope, from): (&Envelope, &Party)) -> Self {
        Self { address: from.address(), date: envelope.date }
    }
}
