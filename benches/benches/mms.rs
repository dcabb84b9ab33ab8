//! WAP Push and MMS: a notification of 122 octets in a push, read and written, and a message of 300 kB that was fetched.

use std::hint::black_box;

use divan::counter::BytesCount;
use divan::{AllocProfiler, Bencher};
use strowger_mms::message::{Counted, EncodedString, MessageClass, Sender, When};
use strowger_mms::multipart::PartsBuf;
use strowger_mms::sms::{Ports, Reference, segment};
use strowger_mms::wsp::{ContentTypeBuf, HeadersBuf, Pdu, decode_connectionless, encode_mms_push};
use strowger_mms::{Field, Limits, Message, MessageType, Text, Version, binary, decode, encode};

/// Shows allocations beside the times: decoding and encoding must have none.
#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

/// What an MMSC of today sends: 122 octets with a subject.
fn fields() -> [Field<'static>; 7] {
    [
        Field::TransactionId(Text::from("T0123456789")),
        Field::From(Sender::Address(EncodedString::new("+15550100/TYPE=PLMN"))),
        Field::Subject(EncodedString::new("Pictures of today")),
        Field::MessageClass(MessageClass::Personal),
        Field::MessageSize(29_696),
        Field::Expiry(When::In(259_200)),
        Field::ContentLocation(Counted::plain(Text::from(
            "http://mmsc.example:8002/0123456789abcdef0123456",
        ))),
    ]
}

fn notification() -> Vec<u8> {
    let mut out = Vec::new();
    binary::encode_fields(MessageType::NotificationInd, Version::V1_2, &fields(), &mut out);
    out
}

fn push() -> Vec<u8> {
    let mut out = Vec::new();
    encode_mms_push(1, &notification(), &mut out);
    out
}

fn fetched() -> Vec<u8> {
    let smil = ContentTypeBuf::new("application/smil");
    let picture = ContentTypeBuf::new("image/jpeg").named("p.jpg");
    let related = ContentTypeBuf::new("application/vnd.wap.multipart.related")
        .start_type("application/smil")
        .start("<s>");
    let headers = HeadersBuf::new().content_id("<s>");
    let body = PartsBuf::new()
        .with(&smil.as_content_type(), &headers.as_headers(), b"<smil><body/></smil>")
        .with(&picture.as_content_type(), &HeadersBuf::new().as_headers(), &vec![0xff; 300_000])
        .finish();
    let message = Message::new(MessageType::RetrieveConf)
        .with(Field::Date(0x6592_0080))
        .with(Field::Subject(EncodedString::new("Pictures of today")))
        .body(related.as_content_type(), &body);
    let mut out = Vec::new();
    binary::encode_as_it_is(&message, &mut out);
    out
}

#[divan::bench]
fn decoding_a_notification(bencher: Bencher<'_, '_>) {
    let bytes = notification();
    bencher
        .counter(BytesCount::of_slice(&bytes))
        .bench(|| decode(black_box(&bytes), &Limits::DEFAULT).is_ok());
}

#[divan::bench]
fn decoding_a_push_of_a_notification(bencher: Bencher<'_, '_>) {
    let bytes = push();
    bencher.counter(BytesCount::of_slice(&bytes)).bench(|| {
        let Ok(read) = decode_connectionless(black_box(&bytes), &Limits::DEFAULT) else { return false };
        let Pdu::Push(push) = read.pdu else { return false };
        decode(push.data, &Limits::DEFAULT).is_ok()
    });
}

#[divan::bench]
fn decoding_a_notification_with_every_value_used(bencher: Bencher<'_, '_>) {
    let bytes = notification();
    bencher.counter(BytesCount::of_slice(&bytes)).bench(|| {
        let Ok(pdu) = decode(black_box(&bytes), &Limits::DEFAULT) else { return 0 };
        let mut sum = 0;
        for field in pdu.fields() {
            sum += match field {
                Field::TransactionId(id) => id.as_bytes().len(),
                Field::ContentLocation(location) => location.value.as_bytes().len(),
                Field::From(from) => from.address().map_or(0, |address| address.as_bytes().len()),
                Field::Subject(subject) => subject.as_bytes().len(),
                Field::MessageSize(size) => size as usize,
                _ => 1,
            };
        }
        sum
    });
}

#[divan::bench]
fn encoding_a_notification(bencher: Bencher<'_, '_>) {
    let fields = fields();
    let mut out = Vec::with_capacity(512);
    bencher.bench_local(|| {
        out.clear();
        binary::encode_fields(MessageType::NotificationInd, Version::V1_2, black_box(&fields), &mut out);
        out.len()
    });
}

#[divan::bench]
fn encoding_a_notification_that_is_checked(bencher: Bencher<'_, '_>) {
    let mut message = Message::new(MessageType::NotificationInd);
    for field in fields() {
        message = message.with(field);
    }
    let mut out = Vec::with_capacity(512);
    bencher.bench_local(|| {
        out.clear();
        encode(black_box(&message), &mut out).is_ok()
    });
}

#[divan::bench]
fn decoding_a_message_of_300_kb_and_its_parts(bencher: Bencher<'_, '_>) {
    let bytes = fetched();
    bencher.counter(BytesCount::of_slice(&bytes)).bench(|| {
        let Ok(pdu) = decode(black_box(&bytes), &Limits::DEFAULT) else { return 0 };
        let Some(Ok(parts)) = pdu.parts(&Limits::DEFAULT) else { return 0 };
        parts.iter().map(|part| part.data.len()).sum::<usize>()
    });
}

#[divan::bench]
fn cutting_a_push_into_short_messages(bencher: Bencher<'_, '_>) {
    let bytes = push();
    bencher.bench(|| segment(black_box(&bytes), Ports::PUSH, Reference::narrow(1)).map(|parts| parts.len()));
}
