//! Legal messages of each kind, from which malformed ones are made; seeds for fuzzers.

use crate::binary::encode_as_it_is;
use crate::charset::Charset;
use crate::message::{
    BoxSize, BoxUnit, Counted, EncodedString, FieldCode, Message, MessageClass, MessageType, MmFlags,
    PreviousDate, PreviousSender, Sender, When,
};
use crate::message::{
    CancelStatus, ContentClass, Field, FlagAction, MmState, Priority, ReadStatus, ReplyCharging,
    ResponseStatus, RetrievalMode, RetrieveStatus, SenderVisibility, Status, StoreStatus, YesNo,
};
use crate::message::{ElementDescriptor, table};
use crate::multipart::PartsBuf;
use crate::text::Text;
use crate::wsp::content_type::Parameters;
use crate::wsp::{ContentType, ContentTypeBuf, HeadersBuf, MediaType};

const NUMBER: &str = "+15550100/TYPE=PLMN";
const OTHER: &str = "+15550101/TYPE=PLMN";

/// A legal value for a field.
#[must_use]
pub fn value(code: FieldCode) -> Field<'static> {
    let text = Text::from("T1");
    let words = EncodedString::new("Gr\u{fc}\u{df}e");
    match code {
        FieldCode::Bcc => Field::Bcc(EncodedString::new(OTHER)),
        FieldCode::Cc => Field::Cc(EncodedString::new(OTHER)),
        FieldCode::ContentLocation => {
            Field::ContentLocation(Counted::plain(Text::from("http://mmsc.example/1")))
        }
        FieldCode::ContentType => Field::ContentType(ContentType::new(MediaType::TEXT_PLAIN)),
        FieldCode::Date => Field::Date(0x6592_0080),
        FieldCode::DeliveryReport => Field::DeliveryReport(YesNo::Yes),
        FieldCode::DeliveryTime => Field::DeliveryTime(When::At(0x6592_0080)),
        FieldCode::Expiry => Field::Expiry(When::In(259_200)),
        FieldCode::From => Field::From(Sender::Address(EncodedString::new(NUMBER))),
        FieldCode::MessageClass => Field::MessageClass(MessageClass::Personal),
        FieldCode::MessageId => Field::MessageId(Text::from("m1@mmsc")),
        FieldCode::MessageType => Field::MessageType(MessageType::NotificationInd),
        FieldCode::MmsVersion => Field::MmsVersion(crate::message::Version::V1_2),
        FieldCode::MessageSize => Field::MessageSize(10_000),
        FieldCode::Priority => Field::Priority(Priority::High),
        FieldCode::ReadReport => Field::ReadReport(YesNo::No),
        FieldCode::ReportAllowed => Field::ReportAllowed(YesNo::Yes),
        FieldCode::ResponseStatus => Field::ResponseStatus(Counted::plain(ResponseStatus::Ok)),
        FieldCode::ResponseText => Field::ResponseText(words),
        FieldCode::SenderVisibility => Field::SenderVisibility(SenderVisibility::Show),
        FieldCode::Status => Field::Status(Status::Retrieved),
        FieldCode::Subject => Field::Subject(words),
        FieldCode::To => Field::To(EncodedString::new(OTHER)),
        FieldCode::TransactionId => Field::TransactionId(text),
        FieldCode::RetrieveStatus => Field::RetrieveStatus(RetrieveStatus::Ok),
        FieldCode::RetrieveText => Field::RetrieveText(words),
        FieldCode::ReadStatus => Field::ReadStatus(ReadStatus::Read),
        FieldCode::ReplyCharging => Field::ReplyCharging(ReplyCharging::Requested),
        FieldCode::ReplyChargingDeadline => Field::ReplyChargingDeadline(When::In(3600)),
        FieldCode::ReplyChargingId => Field::ReplyChargingId(text),
        FieldCode::ReplyChargingSize => Field::ReplyChargingSize(1000),
        FieldCode::PreviouslySentBy => {
            Field::PreviouslySentBy(PreviousSender { count: 1, address: EncodedString::new(NUMBER) })
        }
        FieldCode::PreviouslySentDate => {
            Field::PreviouslySentDate(PreviousDate { count: 1, date: 0x6592_0080 })
        }
        _ => later(code),
    }
}

/// The fields of versions 1.2 and 1.3.
fn later(code: FieldCode) -> Field<'static> {
    let text = Text::from("app");
    let words = EncodedString::with_charset(Charset::UTF8, "Gr\u{fc}\u{df}e".as_bytes());
    match code {
        FieldCode::Store => Field::Store(YesNo::Yes),
        FieldCode::MmState => Field::MmState(MmState::New),
        FieldCode::MmFlags => {
            Field::MmFlags(MmFlags { action: FlagAction::Add, keyword: EncodedString::new("work") })
        }
        FieldCode::StoreStatus => Field::StoreStatus(StoreStatus::Success),
        FieldCode::StoreStatusText => Field::StoreStatusText(words),
        FieldCode::Stored => Field::Stored(YesNo::Yes),
        FieldCode::Attributes => Field::Attributes(FieldCode::Subject),
        FieldCode::Totals => Field::Totals(YesNo::Yes),
        FieldCode::MboxTotals => Field::MboxTotals(BoxSize { unit: BoxUnit::Messages, value: 12 }),
        FieldCode::Quotas => Field::Quotas(YesNo::No),
        FieldCode::MboxQuotas => Field::MboxQuotas(BoxSize { unit: BoxUnit::Octets, value: 1_000_000 }),
        FieldCode::MessageCount => Field::MessageCount(300),
        FieldCode::Content => Field::Content(&[0x83]),
        FieldCode::Start => Field::Start(5),
        FieldCode::AdditionalHeaders => Field::AdditionalHeaders(b"X-a\0"),
        FieldCode::DistributionIndicator => Field::DistributionIndicator(YesNo::No),
        FieldCode::ElementDescriptor => {
            Field::ElementDescriptor(ElementDescriptor { reference: text, parameters: Parameters::NONE })
        }
        FieldCode::Limit => Field::Limit(20),
        FieldCode::RecommendedRetrievalMode => Field::RecommendedRetrievalMode(RetrievalMode::Manual),
        FieldCode::RecommendedRetrievalModeText => Field::RecommendedRetrievalModeText(words),
        FieldCode::StatusText => Field::StatusText(words),
        FieldCode::ApplicId => Field::ApplicId(text),
        FieldCode::ReplyApplicId => Field::ReplyApplicId(text),
        FieldCode::AuxApplicInfo => Field::AuxApplicInfo(text),
        FieldCode::ContentClass => Field::ContentClass(ContentClass::ImageBasic),
        FieldCode::DrmContent => Field::DrmContent(YesNo::No),
        FieldCode::AdaptationAllowed => Field::AdaptationAllowed(YesNo::Yes),
        FieldCode::ReplaceId => Field::ReplaceId(text),
        FieldCode::CancelId => Field::CancelId(text),
        FieldCode::CancelStatus => Field::CancelStatus(CancelStatus::Received),
        _ => Field::Unknown { code: code.code(), value: &[0x80] },
    }
}

/// A legal value for a field in a message of this type: confirmations of several deletions number what they name.
fn value_in(kind: MessageType, code: FieldCode) -> Field<'static> {
    match (kind, value(code)) {
        (MessageType::MboxDeleteConf | MessageType::DeleteConf, Field::ContentLocation(location)) => {
            Field::ContentLocation(Counted { count: Some(1), ..location })
        }
        (_, field) => field,
    }
}

/// A message of a type with every field that it must have, or that it may have.
fn filled(kind: MessageType, full: bool, body: &[u8]) -> Vec<u8> {
    let mut message = Message::new(kind);
    for code in FieldCode::ALL {
        let wanted = match table::presence(kind, *code) {
            table::Presence::Mandatory => true,
            table::Presence::Optional | table::Presence::Conditional => full,
            table::Presence::Forbidden => false,
        };
        let fixed = matches!(code, FieldCode::MessageType | FieldCode::MmsVersion | FieldCode::ContentType);
        let recipient =
            *code == FieldCode::To && matches!(kind, MessageType::SendReq | MessageType::ForwardReq);
        if (wanted || recipient) && !fixed {
            message = message.with(value_in(kind, *code));
        }
    }
    if table::has_body(kind) && table::presence(kind, FieldCode::ContentType) != table::Presence::Forbidden {
        let content_type = ContentTypeBuf::new("application/vnd.wap.multipart.related")
            .start_type("application/smil")
            .start("<smil>");
        let mut out = Vec::new();
        encode_as_it_is(&message.body(content_type.as_content_type(), body), &mut out);
        return out;
    }
    let mut out = Vec::new();
    encode_as_it_is(&message, &mut out);
    out
}

/// A presentation, a text and a picture.
#[must_use]
pub fn body() -> Vec<u8> {
    let smil = ContentTypeBuf::new("application/smil");
    let text = ContentTypeBuf::new("text/plain").charset(Charset::UTF8).named("t.txt");
    let picture = ContentTypeBuf::new("image/jpeg").named("p.jpg");
    let none = HeadersBuf::new();
    PartsBuf::new()
        .with(
            &smil.as_content_type(),
            &none.clone().content_id("<smil>").as_headers(),
            b"<smil><body><par><text src=\"t.txt\"/><img src=\"cid:p\"/></par></body></smil>",
        )
        .with(
            &text.as_content_type(),
            &none.clone().content_location("t.txt").as_headers(),
            "Gr\u{fc}\u{df}e".as_bytes(),
        )
        .with(
            &picture.as_content_type(),
            &none.content_id("<p>").as_headers(),
            &[0xff, 0xd8, 0xff, 0xe0, 0, 1, 2, 3],
        )
        .finish()
}

/// Every type of message twice: with what it must have, and with all that it may have.
#[must_use]
pub fn messages() -> Vec<Vec<u8>> {
    let body = body();
    MessageType::ALL
        .iter()
        .flat_map(|kind| [filled(*kind, false, &body), filled(*kind, true, &body)])
        .collect()
}

/// A notification with what it must have.
#[must_use]
pub fn notification() -> Vec<u8> {
    filled(MessageType::NotificationInd, false, &[])
}

/// A message that was fetched, with all that it may have.
#[must_use]
pub fn retrieved() -> Vec<u8> {
    filled(MessageType::RetrieveConf, true, &body())
}

/// Documents of push in WBXML, each with its media type: SI, SL, CO, EMN.
#[must_use]
pub fn documents() -> Vec<(MediaType<'static>, Vec<u8>)> {
    use crate::wbxml::{
        CacheOperation, EmailNotification, Invalidate, Load, ServiceIndication, ServiceLoading, Signal,
    };
    let date = crate::date::Utc::from_fields(2026, 11, 28, 12, 30, 0);
    let mut out = Vec::new();
    let mut add = |media, write: &dyn Fn(&mut Vec<u8>)| {
        let mut octets = Vec::new();
        write(&mut octets);
        out.push((media, octets));
    };
    let indication = ServiceIndication {
        href: Some("http://www.example.com/mail/1".to_owned()),
        id: Some("1".to_owned()),
        created: date,
        expires: date,
        action: Signal::High,
        text: "Gr\u{fc}\u{df}e".to_owned(),
        info: vec![("kind".to_owned(), "more".to_owned())],
    };
    add(MediaType::SI, &|out| indication.encode(out));
    let loading = ServiceLoading { href: "https://www.example.org/x".to_owned(), action: Load::Cache };
    add(MediaType::SL, &|out| loading.encode(out));
    let invalidate = vec![
        Invalidate::Object("http://example.net/a".to_owned()),
        Invalidate::Service("https://example.edu/".to_owned()),
    ];
    let operation = CacheOperation { invalidate };
    add(MediaType::CO, &|out| operation.encode(out));
    let mail = EmailNotification { mailbox: "mailat:a@example.com".to_owned(), timestamp: date };
    add(MediaType::EMN, &|out| mail.encode(out));
    out
}

/// Every message and every document as a datagram of a push.
#[must_use]
pub fn datagrams() -> Vec<Vec<u8>> {
    let mut out: Vec<Vec<u8>> = Vec::new();
    for message in messages() {
        let mut datagram = Vec::new();
        crate::wsp::encode_mms_push(1, &message, &mut datagram);
        out.push(datagram);
    }
    let headers = HeadersBuf::new().text("X-Wap-Content-URI", "http://example.net/").content_id("<x>");
    for (media, document) in documents() {
        let push = crate::wsp::Push {
            content_type: ContentType::new(media),
            headers: headers.as_headers(),
            data: &document,
        };
        let mut datagram = Vec::new();
        crate::wsp::Connectionless { tid: 2, pdu: crate::wsp::Pdu::Push(push) }.write(&mut datagram);
        out.push(datagram);
    }
    out
}
