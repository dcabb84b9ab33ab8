//! What is encoded comes back; what is not ours never panics.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use strowger_mms::hostile::samples;
use strowger_mms::message::{
    Counted, EncodedString, MessageClass, Presence, PreviousDate, PreviousSender, ResponseStatus, Sender,
    When, presence,
};
use strowger_mms::multipart::{Parts, PartsBuf};
use strowger_mms::sms::{Ports, Reassembly, ReassemblyLimits, Reference, ShortMessage, UserData, segment};
use strowger_mms::wbxml::Document;
use strowger_mms::wsp::{self, ContentTypeBuf, HeadersBuf, Parameter};
use strowger_mms::{
    Charset, Field, FieldCode, Limits, Message, MessageType, Text, Version, binary, decode, encode,
};
use strowger_sansio::Time;

/// Text that a header may hold, by some other language and with odd beginnings.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,40}",
        "\\PC{0,20}",
        Just("\u{e9}t\u{e9}".to_owned()),
        Just("\u{7f}a".to_owned()),
        Just("\"quoted".to_owned()),
        Just("=?utf-8?Q?a?=".to_owned()),
    ]
}

/// What a field of random value is made from.
#[derive(Clone, Debug)]
struct Seed {
    text: String,
    number: u64,
    octet: u8,
    charset: Option<u32>,
}

fn seed() -> impl Strategy<Value = Seed> {
    let number = prop_oneof![0..300_u64, any::<u64>(), Just(u64::MAX), Just(0x7f), Just(0x80)];
    let charset =
        proptest::option::of(prop_oneof![Just(106), Just(3), Just(4), Just(1000), Just(1015), 0..70_000_u32]);
    (text(), number, any::<u8>(), charset).prop_map(|(text, number, octet, charset)| Seed {
        text,
        number,
        octet,
        charset,
    })
}

/// A field of this code with a value from the seed.
fn field<'a>(code: FieldCode, seed: &'a Seed) -> Field<'a> {
    let text = Text::from(seed.text.as_str());
    let words = match seed.charset.map(Charset) {
        None => EncodedString { charset: None, ..EncodedString::new(&seed.text) },
        // The octets need not mean anything, but of wide characters there are whole ones.
        Some(charset) if charset.is_wide() => {
            EncodedString::with_charset(charset, &seed.text.as_bytes()[..seed.text.len() / 2 * 2])
        }
        Some(charset) => EncodedString::with_charset(charset, seed.text.as_bytes()),
    };
    let when = if seed.octet & 1 == 0 { When::At(seed.number) } else { When::In(seed.number) };
    let count = (seed.octet & 2 != 0).then_some(seed.number);
    match samples::value(code) {
        Field::Bcc(_) => Field::Bcc(words),
        Field::Cc(_) => Field::Cc(words),
        Field::To(_) => Field::To(words),
        Field::Subject(_) => Field::Subject(words),
        Field::ResponseText(_) => Field::ResponseText(words),
        Field::RetrieveText(_) => Field::RetrieveText(words),
        Field::StatusText(_) => Field::StatusText(words),
        Field::StoreStatusText(_) => Field::StoreStatusText(words),
        Field::ContentLocation(_) => Field::ContentLocation(Counted { count, value: text }),
        Field::ResponseStatus(_) => {
            Field::ResponseStatus(Counted { count, value: ResponseStatus::from_code(seed.octet | 0x80) })
        }
        Field::Date(_) => Field::Date(seed.number),
        Field::MessageSize(_) => Field::MessageSize(seed.number),
        Field::MessageCount(_) => Field::MessageCount(seed.number),
        Field::DeliveryTime(_) => Field::DeliveryTime(when),
        Field::Expiry(_) => Field::Expiry(when),
        Field::From(_) if seed.octet & 4 == 0 => Field::From(Sender::InsertAddress),
        Field::From(_) => Field::From(Sender::Address(words)),
        Field::MessageClass(_) if !seed.text.is_empty() && seed.text.as_bytes()[0] >= 0x20 => {
            Field::MessageClass(MessageClass::Named(text))
        }
        Field::MessageId(_) => Field::MessageId(text),
        Field::TransactionId(_) => Field::TransactionId(text),
        Field::PreviouslySentBy(_) => {
            Field::PreviouslySentBy(PreviousSender { count: seed.number, address: words })
        }
        Field::PreviouslySentDate(_) => {
            Field::PreviouslySentDate(PreviousDate { count: 1, date: seed.number })
        }
        other => other,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_message_comes_back_as_it_was_encoded(
        kind in 0..24_usize,
        version in 0x80..=0xff_u8,
        seeds in proptest::collection::vec((any::<proptest::sample::Index>(), seed()), 0..30),
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let kind = MessageType::ALL[kind];
        let fixed = [FieldCode::MessageType, FieldCode::MmsVersion, FieldCode::ContentType];
        let mut message = Message::new(kind).version(Version::from_code(version));
        for code in FieldCode::ALL {
            if presence(kind, *code) == Presence::Mandatory && !fixed.contains(code) {
                message = message.with(samples::value(*code));
            }
        }
        for (index, seed) in &seeds {
            let code = *index.get(FieldCode::ALL);
            // The identifier goes first: of two, the order would change.
            if !fixed.contains(&code) && code != FieldCode::TransactionId {
                message = message.with(field(code, seed));
            }
        }
        let content_type = ContentTypeBuf::new("application/octet-stream").named("x");
        if strowger_mms::message::table::has_body(kind) {
            message = message.body(content_type.as_content_type(), &body);
        }
        let mut octets = Vec::new();
        binary::encode_as_it_is(&message, &mut octets);
        let pdu = decode(&octets, &Limits::DEFAULT).unwrap_or_else(|error| panic!("{error} in {octets:02x?}"));
        let mut written: Vec<_> = message.fields().to_vec();
        written.sort_by_key(|field| !matches!(field, Field::TransactionId(_)));
        let read: Vec<_> = pdu.fields().filter(|field| !fixed.contains(&field.code().unwrap())).collect();
        prop_assert_eq!(read, written);
        prop_assert_eq!(pdu.version(), Version::from_code(version));
        prop_assert_eq!(pdu.body(), strowger_mms::message::table::has_body(kind).then_some(&body[..]));
        // And what was read is written to the same octets.
        let mut again = Vec::new();
        binary::encode_as_it_is(&Message::from(&pdu), &mut again);
        prop_assert_eq!(again, octets);
    }

    #[test]
    fn what_the_encoder_takes_departs_from_nothing(
        kind in 0..24_usize,
        codes in proptest::collection::vec(any::<proptest::sample::Index>(), 0..12),
    ) {
        let kind = MessageType::ALL[kind];
        let mut message = Message::new(kind);
        for index in &codes {
            message = message.with(samples::value(*index.get(FieldCode::ALL)));
        }
        let mut octets = Vec::new();
        if encode(&message, &mut octets).is_ok() {
            let pdu = decode(&octets, &Limits::DEFAULT).unwrap();
            prop_assert_eq!(pdu.departures(), vec![]);
        } else {
            prop_assert!(octets.is_empty());
            prop_assert!(!message.departures().is_empty());
        }
    }

    #[test]
    fn a_multipart_body_comes_back(
        parts in proptest::collection::vec((text(), text(), proptest::collection::vec(any::<u8>(), 0..300)), 0..8),
    ) {
        let mut body = PartsBuf::new();
        let mut types = Vec::new();
        for (name, id, data) in &parts {
            let content_type = ContentTypeBuf::new("image/jpeg")
                .charset(Charset(u32::try_from(data.len()).unwrap()))
                .with(&Parameter::Text { name: Text::from("x-a"), value: Text::from(name.as_str()) });
            let headers = HeadersBuf::new().content_id(id).text("X-b", name);
            body.add(&content_type.as_content_type(), &headers.as_headers(), data);
            types.push((content_type, headers));
        }
        let octets = body.finish();
        let read = Parts::decode(&octets, &Limits::DEFAULT).unwrap();
        prop_assert_eq!(read.len(), parts.len());
        for (part, ((content_type, headers), (_, _, data))) in read.iter().zip(types.iter().zip(&parts)) {
            prop_assert_eq!(part.content_type, content_type.as_content_type());
            prop_assert_eq!(part.headers, headers.as_headers());
            prop_assert_eq!(part.data, &data[..]);
        }
    }

    #[test]
    fn a_datagram_in_short_messages_comes_back_in_any_order(
        payload in proptest::collection::vec(any::<u8>(), 0..3_000),
        number in any::<u16>(),
        wide in any::<bool>(),
        order in any::<u64>(),
    ) {
        let reference = if wide { Reference::wide(number) } else { Reference::narrow(number as u8) };
        let mut messages = segment(&payload, Ports::PUSH, reference).unwrap();
        let count = messages.len();
        prop_assert_eq!(count, if payload.len() <= 133 { 1 } else { payload.len().div_ceil(if wide { 127 } else { 128 }) });
        let mut engine = Reassembly::new(ReassemblyLimits::default());
        let mut draw = order;
        while !messages.is_empty() {
            draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let user_data = messages.swap_remove((draw >> 33) as usize % messages.len());
            let message = ShortMessage { link: 0, originator: b"1", destination: b"2", pid: 0, dcs: 4, user_data: &user_data };
            engine.handle_input(Time::ZERO, &message).unwrap();
        }
        let datagram = engine.poll_event().unwrap();
        prop_assert_eq!(datagram.payload, payload);
        prop_assert_eq!(usize::from(datagram.parts), count);
    }

    #[test]
    fn any_octets_are_read_or_refused_with_a_place_inside_them(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
        let limits = Limits::DEFAULT;
        let errors = [
            decode(&octets, &limits).err(),
            wsp::decode(&octets, &limits).err(),
            wsp::decode_connectionless(&octets, &limits).err(),
            Parts::decode(&octets, &limits).err(),
            Document::decode(&octets, &limits).err(),
            UserData::decode(&octets).err(),
        ];
        for error in errors.into_iter().flatten() {
            prop_assert!(error.offset <= octets.len() && error.range().end <= octets.len().max(error.offset), "{:?}", error);
        }
        let _ = strowger_mms::words::decode(&octets).len();
        for charset in [Charset::UTF8, Charset::UCS2, Charset::UTF16, Charset::LATIN1, Charset::ASCII, Charset(2026)] {
            let _ = charset.decode(&octets).len();
        }
    }
}
