//! MM1, as far as it is octets: what a handset posts, read into the engine's words.
//!
//! Who asks is known from the network; `From` is not looked at. Messages of a type or a major version that an MMSC does not take are
//! answered or discarded as MMS ENC (MMS-Version) has it.

use strowger_mms::message::{
    EncodedString, MessageClass, ReplyCharging, ResponseStatus, SenderVisibility, YesNo,
};
use strowger_mms::{DecodeError, Field, FieldCode, Limits, MessageType, Pdu, Version};

use super::compose::Confirmation;
use super::party::Party;
use super::request::{Forwarding, NewBody, Request, Submission};

/// Characters of a transaction identifier.
const TRANSACTION: usize = 128;
/// Characters of a subject.
const SUBJECT: usize = 1024;
/// Octets of further headers that are carried along.
const FURTHER: usize = 4096;

/// How a post is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// By a confirmation.
    Confirm {
        /// Of this type.
        kind: MessageType,
        /// In this version.
        version: Version,
        /// With this transaction identifier.
        transaction: String,
        /// Whether it was asked to be kept in a box, too.
        store: bool,
    },
    /// By m-delete-conf, which names each message again.
    Deleted {
        /// In this version.
        version: Version,
        /// With this transaction identifier.
        transaction: String,
        /// The content locations as they were asked for.
        locations: Vec<String>,
    },
    /// By the status of HTTP alone.
    Nothing,
}

/// What is to be done with a post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Post {
    /// The engine is asked.
    Ask(Request, Reply),
    /// The answer is known.
    Answer(Vec<u8>, String),
    /// It is discarded, for this reason.
    Discard(String),
}

/// A digest by which repeated requests are known: FNV-1a. It binds a sender to his own requests alone, so nobody gains by a collision.
#[must_use]
pub fn digest(octets: &[u8]) -> u64 {
    octets.iter().fold(0xcbf2_9ce4_8422_2325, |hash, octet| {
        (hash ^ u64::from(*octet)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Reads what `by` has posted.
#[must_use]
pub fn post(bytes: &[u8], by: &Party, limits: &Limits) -> Post {
    let pdu = match strowger_mms::decode(bytes, limits) {
        Ok(pdu) => pdu,
        Err(error) => return malformed(bytes, &error),
    };
    if !pdu.version().is_supported() {
        return unsupported(&pdu);
    }
    match pdu.kind() {
        MessageType::SendReq => submission(&pdu, bytes, by, limits),
        MessageType::ForwardReq => forwarding(&pdu, bytes, by),
        MessageType::NotifyRespInd => match (pdu.transaction_id(), pdu.status()) {
            (Some(transaction), Some(status)) => ask(Request::Respond {
                by: by.clone(),
                transaction: transaction.to_str().into_owned(),
                status,
                report_allowed: allowed(&pdu),
            }),
            _ => Post::Discard("m-notifyresp-ind without a transaction or a status".to_owned()),
        },
        MessageType::AcknowledgeInd => match pdu.transaction_id() {
            Some(transaction) => ask(Request::Acknowledge {
                by: by.clone(),
                transaction: transaction.to_str().into_owned(),
                report_allowed: allowed(&pdu),
            }),
            None => Post::Discard("m-acknowledge-ind without a transaction".to_owned()),
        },
        MessageType::ReadRecInd => match (pdu.message_id(), pdu.read_status()) {
            (Some(id), Some(status)) => {
                ask(Request::Read { by: by.clone(), id: id.to_str().into_owned(), status, date: pdu.date() })
            }
            _ => Post::Discard("m-read-rec-ind without an identifier or a status".to_owned()),
        },
        MessageType::DeleteReq => deletion(&pdu, by),
        kind => boxed(&pdu, kind),
    }
}

const fn ask(request: Request) -> Post {
    Post::Ask(request, Reply::Nothing)
}

/// Reports are allowed unless the recipient says no.
fn allowed(pdu: &Pdu<'_>) -> bool {
    pdu.report_allowed() != Some(YesNo::No)
}

fn transaction(pdu: &Pdu<'_>) -> String {
    pdu.transaction_id().map(|id| id.to_str().chars().take(TRANSACTION).collect()).unwrap_or_default()
}

fn confirm(pdu: &Pdu<'_>, kind: MessageType) -> Reply {
    let store = matches!(pdu.find(FieldCode::Store), Some(Field::Store(YesNo::Yes)));
    Reply::Confirm { kind, version: pdu.version(), transaction: transaction(pdu), store }
}

/// The confirmation that belongs to a request, where there is one.
const fn confirmed_by(kind: MessageType) -> Option<MessageType> {
    match kind {
        MessageType::SendReq => Some(MessageType::SendConf),
        MessageType::ForwardReq => Some(MessageType::ForwardConf),
        _ => None,
    }
}

fn refusal(pdu: &Pdu<'_>, kind: MessageType, status: ResponseStatus, text: &str) -> Post {
    let Reply::Confirm { version, transaction, store, .. } = confirm(pdu, kind) else {
        return Post::Discard(text.to_owned());
    };
    let confirmation = Confirmation { kind, version, transaction: &transaction, status, store };
    Post::Answer(confirmation.encode(Some(text), None), text.to_owned())
}

/// Another major version: a request is answered so that the handset can ask again in ours; anything else is discarded.
fn unsupported(pdu: &Pdu<'_>) -> Post {
    let text = format!("version {} is not spoken here", pdu.version());
    match confirmed_by(pdu.kind()) {
        Some(kind) => refusal(pdu, kind, ResponseStatus::UnsupportedMessage, &text),
        None => Post::Discard(text),
    }
}

/// Messages that a recipient wants to be rid of without fetching them.
fn deletion(pdu: &Pdu<'_>, by: &Party) -> Post {
    let transaction = transaction(pdu);
    if transaction.is_empty() {
        return Post::Discard("m-delete-req without a transaction".to_owned());
    }
    let named = pdu.fields().filter_map(|field| match field {
        Field::ContentLocation(location) => Some(location.value.to_str().trim().to_owned()),
        _ => None,
    });
    let locations: Vec<String> = named.collect();
    let reply = Reply::Deleted { version: pdu.version(), transaction, locations: locations.clone() };
    Post::Ask(Request::Delete { by: by.clone(), locations }, reply)
}

/// Requests for a box, which is not kept here, and messages that no handset sends.
fn boxed(pdu: &Pdu<'_>, kind: MessageType) -> Post {
    use strowger_mms::Text;
    use strowger_mms::message::{Counted, StoreStatus};
    let confirmation = match kind {
        MessageType::MboxStoreReq => MessageType::MboxStoreConf,
        MessageType::MboxViewReq => MessageType::MboxViewConf,
        MessageType::MboxUploadReq => MessageType::MboxUploadConf,
        MessageType::MboxDeleteReq => MessageType::MboxDeleteConf,
        _ => return Post::Discard(format!("{kind} is nothing that an MMSC takes")),
    };
    let transaction = transaction(pdu);
    let status = match kind {
        MessageType::MboxStoreReq | MessageType::MboxUploadReq => {
            Field::StoreStatus(StoreStatus::PermanentServiceDenied)
        }
        _ => Field::ResponseStatus(Counted::plain(ResponseStatus::PermanentServiceDenied)),
    };
    let fields = [Field::TransactionId(Text::from(transaction.as_str())), status];
    let mut answer = Vec::new();
    strowger_mms::binary::encode_fields(confirmation, pdu.version(), &fields, &mut answer);
    Post::Answer(answer, "no box is kept here".to_owned())
}

/// What cannot be read. A submission is told so, if it can be seen that it is one: its sender would try for ever.
fn malformed(bytes: &[u8], error: &DecodeError) -> Post {
    let why = error.to_string();
    let Some((kind, transaction, version)) = salvage(bytes) else { return Post::Discard(why) };
    let Some(kind) = confirmed_by(kind) else { return Post::Discard(why) };
    let status = if version.is_supported() {
        ResponseStatus::PermanentFormatCorrupt
    } else {
        ResponseStatus::UnsupportedMessage
    };
    let confirmation = Confirmation { kind, version, transaction: &transaction, status, store: false };
    Post::Answer(confirmation.encode(Some(&why), None), why)
}

/// Type, transaction and version at the beginning of a message, where the standard has them.
fn salvage(bytes: &[u8]) -> Option<(MessageType, String, Version)> {
    let [0x8c, kind, 0x98, rest @ ..] = bytes else { return None };
    let end = rest.iter().take(TRANSACTION).position(|octet| *octet == 0)?;
    let (transaction, rest) = rest.split_at_checked(end)?;
    let [0, 0x8d, version, ..] = rest else { return None };
    let transaction = transaction.strip_prefix(&[0x7f]).unwrap_or(transaction);
    let text = String::from_utf8_lossy(transaction).into_owned();
    Some((MessageType::from_code(*kind), text, Version::from_code(*version)))
}

fn strings<'a>(values: impl Iterator<Item = EncodedString<'a>>) -> Vec<String> {
    values.map(|value| value.to_str().into_owned()).collect()
}

fn submission(pdu: &Pdu<'_>, bytes: &[u8], by: &Party, limits: &Limits) -> Post {
    let refuse = |status, text: &str| refusal(pdu, MessageType::SendConf, status, text);
    if transaction(pdu).is_empty() {
        return Post::Discard("m-send-req without a transaction".to_owned());
    }
    let (Some(content_type), Some(body)) = (pdu.content_type(), pdu.body()) else {
        return refuse(ResponseStatus::PermanentFormatCorrupt, "the message has no content");
    };
    if let Some(Err(error)) = pdu.parts(limits) {
        let text = format!("the parts of the message: {error}");
        return refuse(ResponseStatus::PermanentFormatCorrupt, &text);
    }
    let asks_for_charging = matches!(
        pdu.find(FieldCode::ReplyCharging),
        Some(Field::ReplyCharging(ReplyCharging::Requested | ReplyCharging::RequestedTextOnly))
    );
    if asks_for_charging {
        return refuse(ResponseStatus::ReplyChargingNotSupported, "replies are not paid for here");
    }
    let class = match pdu.message_class() {
        Some(class @ MessageClass::Named(_)) => class.to_string().chars().take(64).collect(),
        Some(MessageClass::Unknown(_)) | None => MessageClass::Personal.to_string(),
        Some(class) => class.to_string(),
    };
    // A message that a terminal made by itself asks for no reports: they would answer each other for ever.
    let asks = class != MessageClass::Auto.to_string();
    let (to, cc, bcc) = (strings(pdu.to()), strings(pdu.cc()), strings(pdu.bcc()));
    let mut encoded = Vec::new();
    Field::ContentType(content_type).write(&mut encoded);
    let submission = Submission {
        from: by.clone(),
        transaction: transaction(pdu),
        digest: digest(bytes),
        version: pdu.version().code(),
        recipients: [to.as_slice(), &cc, &bcc].concat(),
        shown_to: to,
        shown_cc: cc,
        subject: pdu.subject().map(|subject| subject.to_str().chars().take(SUBJECT).collect()),
        class,
        priority: pdu.priority().map(strowger_mms::message::Priority::code),
        shown: pdu.sender_visibility() != Some(SenderVisibility::Hide),
        date: pdu.date(),
        delivery_time: pdu.delivery_time(),
        expiry: pdu.expiry(),
        delivery_report: asks && pdu.delivery_report() == Some(YesNo::Yes),
        read_report: asks && pdu.read_report() == Some(YesNo::Yes),
        content_type: encoded,
        further: further(pdu),
        size: body.len() as u64,
        body: NewBody::Inline(body.to_vec()),
        reference: None,
        alias: None,
        linked: None,
    };
    let reply = confirm(pdu, MessageType::SendConf);
    Post::Ask(Request::Submit(Box::new(submission)), reply)
}

/// Headers that are for the recipient and not for the network.
fn further(pdu: &Pdu<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    for field in pdu.fields() {
        let carried = matches!(
            field,
            Field::DistributionIndicator(_)
                | Field::ApplicId(_)
                | Field::ReplyApplicId(_)
                | Field::AuxApplicInfo(_)
                | Field::ContentClass(_)
                | Field::DrmContent(_)
                | Field::Unknown { .. }
                | Field::Application { .. }
        );
        let before = out.len();
        if carried {
            field.write(&mut out);
        }
        if out.len() > FURTHER {
            out.truncate(before);
            break;
        }
    }
    out
}

fn forwarding(pdu: &Pdu<'_>, bytes: &[u8], by: &Party) -> Post {
    if transaction(pdu).is_empty() {
        return Post::Discard("m-forward-req without a transaction".to_owned());
    }
    let Some(location) = pdu.content_location() else {
        let text = "the request names no message";
        return refusal(pdu, MessageType::ForwardConf, ResponseStatus::PermanentFormatCorrupt, text);
    };
    let (to, cc, bcc) = (strings(pdu.to()), strings(pdu.cc()), strings(pdu.bcc()));
    let forwarding = Forwarding {
        by: by.clone(),
        transaction: transaction(pdu),
        digest: digest(bytes),
        version: pdu.version().code(),
        location: location.to_str().into_owned(),
        recipients: [to.as_slice(), &cc, &bcc].concat(),
        shown_to: to,
        shown_cc: cc,
        date: pdu.date(),
        delivery_time: pdu.delivery_time(),
        expiry: pdu.expiry(),
        delivery_report: pdu.delivery_report() == Some(YesNo::Yes),
        read_report: pdu.read_report() == Some(YesNo::Yes),
        report_allowed: allowed(pdu),
    };
    let reply = confirm(pdu, MessageType::ForwardConf);
    Post::Ask(Request::Forward(Box::new(forwarding)), reply)
}
