//! The messages that an MMSC writes (MMS ENC section 6), from what it keeps.

use strowger_mms::binary::encode_as_it_is;
use strowger_mms::message::{
    Counted, EncodedString, MessageClass, PreviousDate, PreviousSender, Priority, ResponseStatus,
    RetrieveStatus, Sender, Status, StoreStatus, When, YesNo,
};
use strowger_mms::{Field, Message, MessageType, Text, Version};

use super::message::{Delivery, Envelope, Reading};
use super::party::Party;

/// The version that is written: of the fields that are newer, none is sent unasked.
const VERSION: Version = Version::V1_2;
/// Characters of a subject in a notification: the whole is in the message, and the notification is to fit into few short messages.
const SUBJECT: usize = 40;

/// The class by its word.
#[must_use]
pub fn class(word: &str) -> MessageClass<'_> {
    let known = [
        MessageClass::Personal,
        MessageClass::Advertisement,
        MessageClass::Informational,
        MessageClass::Auto,
    ];
    let found = known.into_iter().find(|class| class.to_string() == word);
    found.unwrap_or(MessageClass::Named(Text::from(word)))
}

fn written(message: &Message<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    encode_as_it_is(message, &mut out);
    out
}

/// The first characters of a text that is too long for its place.
fn shortened(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).map_or(text, |(end, _)| text.get(..end).unwrap_or_default())
}

/// m-notification-ind. A repeated one is the same octets, but for what is left of its time.
#[must_use]
pub fn notification(envelope: &Envelope, delivery: &Delivery, base: &str, now_ms: u64) -> Vec<u8> {
    let location = format!("{base}{}", delivery.token);
    let from = envelope.visible_sender().map(Party::address);
    let left = envelope.expires.saturating_sub(now_ms) / 1000;
    let message = Message::new(MessageType::NotificationInd)
        .version(VERSION)
        .with(Field::TransactionId(Text::from(delivery.transaction.as_str())))
        .maybe(from.as_deref().map(|from| Field::From(Sender::Address(EncodedString::new(from)))))
        .maybe(
            envelope
                .subject
                .as_deref()
                .map(|subject| Field::Subject(EncodedString::new(shortened(subject, SUBJECT)))),
        )
        .with(Field::MessageClass(class(&envelope.class)))
        .with(Field::MessageSize(envelope.size))
        .maybe(envelope.priority.filter(|code| *code != Priority::Normal.code()).map(priority))
        .maybe(envelope.delivery_report.then_some(Field::DeliveryReport(YesNo::Yes)))
        .with(Field::Expiry(When::In(left)))
        .with(Field::ContentLocation(Counted::plain(Text::from(location.as_str()))));
    written(&message)
}

fn priority<'a>(code: u8) -> Field<'a> {
    Field::Priority(Priority::from_code(code))
}

/// The headers and the content type of m-retrieve-conf, after which the body follows.
#[must_use]
pub fn retrieval(envelope: &Envelope, delivery: &Delivery) -> Vec<u8> {
    let from = envelope.visible_sender().map(Party::address);
    let mut message = Message::new(MessageType::RetrieveConf)
        .version(VERSION)
        .with(Field::TransactionId(Text::from(delivery.transaction.as_str())))
        .with(Field::MessageId(Text::from(envelope.id.as_str())))
        .with(Field::Date(envelope.date))
        .maybe(from.as_deref().map(|from| Field::From(Sender::Address(EncodedString::new(from)))));
    for to in &envelope.shown_to {
        message = message.with(Field::To(EncodedString::new(to)));
    }
    for cc in &envelope.shown_cc {
        message = message.with(Field::Cc(EncodedString::new(cc)));
    }
    for (count, previous) in (1..).zip(&envelope.previous) {
        let address = EncodedString::new(&previous.address);
        message = message
            .with(Field::PreviouslySentBy(PreviousSender { count, address }))
            .with(Field::PreviouslySentDate(PreviousDate { count, date: previous.date }));
    }
    message = message
        .maybe(envelope.subject.as_deref().map(|subject| Field::Subject(EncodedString::new(subject))))
        .with(Field::MessageClass(class(&envelope.class)))
        .maybe(envelope.priority.map(priority))
        .maybe(envelope.delivery_report.then_some(Field::DeliveryReport(YesNo::Yes)))
        .maybe(envelope.read_report.then_some(Field::ReadReport(YesNo::Yes)))
        .with(Field::RetrieveStatus(RetrieveStatus::Ok));
    let mut out = written(&message);
    out.extend_from_slice(&envelope.further);
    out.extend_from_slice(&envelope.content_type);
    out
}

/// m-retrieve-conf for a message that is not handed out. It has a body, since old handsets show that instead of the status.
#[must_use]
pub fn no_retrieval(status: RetrieveStatus, text: &str, now_secs: u64) -> Vec<u8> {
    let message = Message::new(MessageType::RetrieveConf)
        .version(VERSION)
        .with(Field::Date(now_secs))
        .with(Field::RetrieveStatus(status))
        .with(Field::RetrieveText(EncodedString::new(text)))
        .body(strowger_mms::wsp::ContentType::new(strowger_mms::wsp::MediaType::TEXT_PLAIN), text.as_bytes());
    written(&message)
}

/// m-delivery-ind.
#[must_use]
pub fn delivery_report(envelope: &Envelope, delivery: &Delivery, status: Status) -> Vec<u8> {
    let to = delivery.to.address();
    let date = delivery.ended.unwrap_or(envelope.accepted) / 1000;
    let message = Message::new(MessageType::DeliveryInd)
        .version(VERSION)
        .with(Field::MessageId(Text::from(envelope.id.as_str())))
        .with(Field::To(EncodedString::new(&to)))
        .with(Field::Date(date))
        .with(Field::Status(status));
    written(&message)
}

/// m-read-orig-ind.
#[must_use]
pub fn read_report(envelope: &Envelope, delivery: &Delivery, reading: &Reading) -> Vec<u8> {
    let (from, to) = (delivery.to.address(), envelope.sender().map(Party::address).unwrap_or_default());
    let message = Message::new(MessageType::ReadOrigInd)
        .version(VERSION)
        .with(Field::MessageId(Text::from(envelope.id.as_str())))
        .with(Field::To(EncodedString::new(&to)))
        .with(Field::From(Sender::Address(EncodedString::new(&from))))
        .with(Field::Date(reading.date))
        .with(Field::ReadStatus(reading.read_status()));
    written(&message)
}

/// The answer to m-send-req or m-forward-req.
#[derive(Clone, Copy, Debug)]
pub struct Confirmation<'a> {
    /// Its type.
    pub kind: MessageType,
    /// The version of the request.
    pub version: Version,
    /// The transaction identifier of the request.
    pub transaction: &'a str,
    /// What became of it. A peer of version 1.0 is told in the codes that it knows.
    pub status: ResponseStatus,
    /// Whether the request wanted the message to be kept in a box, too, which there is none of here: it is told so (1.2).
    pub store: bool,
}

impl Confirmation<'_> {
    /// With words for people, and the identifier of a message that was taken.
    #[must_use]
    pub fn encode(&self, text: Option<&str>, id: Option<&str>) -> Vec<u8> {
        let old = self.version == Version::V1_0;
        let status = match self.status {
            // It knows no half of a success, and would send to those again who have the message.
            ResponseStatus::PartialSuccess if old => ResponseStatus::Ok,
            status if old => status.for_version_1_0(),
            status => status,
        };
        let store = self.store && self.version >= Version::V1_2;
        let message = Message::new(self.kind)
            .version(answered(self.version))
            .with(Field::TransactionId(Text::from(self.transaction)))
            .with(Field::ResponseStatus(Counted::plain(status)))
            .maybe(text.map(|text| Field::ResponseText(EncodedString::new(text))))
            .maybe(id.map(|id| Field::MessageId(Text::from(id))))
            .maybe(store.then_some(Field::StoreStatus(StoreStatus::PermanentServiceDenied)));
        written(&message)
    }
}

/// The version of an answer to a request of this one.
fn answered(version: Version) -> Version {
    if version.is_supported() && version <= VERSION { version } else { VERSION }
}

/// m-delete-conf: each message with its number among those that were asked for, from 1, and whether it was there.
#[must_use]
pub fn deletion(version: Version, transaction: &str, messages: &[(&str, bool)]) -> Vec<u8> {
    // The message came with version 1.3.
    let version = if version.is_supported() { version } else { Version::V1_3 };
    let message = Message::new(MessageType::DeleteConf)
        .version(version)
        .with(Field::TransactionId(Text::from(transaction)));
    let message = messages.iter().zip(1..).fold(message, |message, ((location, there), number)| {
        let status = if *there { ResponseStatus::Ok } else { ResponseStatus::PermanentMessageNotFound };
        let count = Some(number);
        message
            .with(Field::ContentLocation(Counted { count, value: Text::from(*location) }))
            .with(Field::ResponseStatus(Counted { count, value: status }))
    });
    // Without a location there is nothing to be numbered.
    let nothing = messages.is_empty().then_some(ResponseStatus::PermanentFormatCorrupt);
    written(&message.maybe(nothing.map(|status| Field::ResponseStatus(Counted::plain(status)))))
}
