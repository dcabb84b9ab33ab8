//! The deployed messages, value by value, and back to the same octets.

use strowger_mms::message::{
    Address, Counted, EncodedString, MessageClass, ReadStatus, ResponseStatus, Sender, Status, When, YesNo,
};
use strowger_mms::wsp::MediaType;
use strowger_mms::{
    Field, FieldCode, Limits, Message, MessageType, Pdu, Rule, Text, Version, binary, decode, encode,
};

use crate::samples::{self, hex};

fn pdu(bytes: &[u8]) -> Pdu<'_> {
    decode(bytes, &Limits::DEFAULT).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_notification_is_read_value_by_value() {
    let bytes = hex(samples::NOTIFICATION);
    let pdu = pdu(&bytes);
    assert_eq!((pdu.kind(), pdu.version()), (MessageType::NotificationInd, Version::V1_2));
    assert_eq!(pdu.transaction_id(), Some(Text::from("T1")));
    let sender = pdu.from().unwrap().address().unwrap().to_str();
    assert_eq!(Address::parse(&sender), Address::number("+15550100"));
    assert_eq!(pdu.message_class(), Some(MessageClass::Personal));
    assert_eq!(pdu.message_size(), Some(10_000));
    assert_eq!(pdu.expiry(), Some(When::In(259_200)));
    assert_eq!(pdu.content_location(), Some(Text::from("http://mmsc/1")));
    assert_eq!((pdu.body(), pdu.departures()), (None, vec![]));
    assert_eq!(pdu.subject(), None);
    let absolute = hex(samples::NOTIFICATION_ABSOLUTE);
    assert_eq!(self::pdu(&absolute).expiry(), Some(When::At(0x6592_0080)));
}

#[test]
fn the_answers_are_read_value_by_value() {
    let bytes = hex(samples::NOTIFYRESP);
    assert_eq!(pdu(&bytes).status(), Some(Status::Deferred));
    let bytes = hex(samples::ACKNOWLEDGE);
    assert_eq!(pdu(&bytes).report_allowed(), Some(YesNo::Yes));
    let bytes = hex(samples::SEND_CONF);
    let conf = pdu(&bytes);
    assert_eq!(conf.response_status(), Some(ResponseStatus::Ok));
    assert_eq!(conf.message_id(), Some(Text::from("m1@mmsc")));
    let bytes = hex(samples::DELIVERY);
    let report = pdu(&bytes);
    assert_eq!((report.status(), report.date()), (Some(Status::Retrieved), Some(0x6592_0080)));
    assert_eq!(report.to().map(|to| to.to_string()).collect::<Vec<_>>(), ["+15550101/TYPE=PLMN"]);
    let bytes = hex(samples::READ_REC);
    let read = pdu(&bytes);
    assert_eq!((read.read_status(), read.from()), (Some(ReadStatus::Read), Some(Sender::InsertAddress)));
    let bytes = hex(samples::FORWARD);
    assert_eq!(pdu(&bytes).content_location(), Some(Text::from("http://mmsc/1")));
}

#[test]
fn a_message_that_was_fetched_has_its_subject_and_its_parts() {
    let bytes = hex(samples::RETRIEVE);
    let pdu = pdu(&bytes);
    assert_eq!(pdu.subject().unwrap().to_str(), "Gr\u{fc}\u{df}");
    let content_type = pdu.content_type().unwrap();
    assert!(content_type.media.is(&MediaType::MULTIPART_RELATED));
    assert_eq!(content_type.start(), Some(Text::from("<s>")));
    assert_eq!(content_type.start_type().unwrap().to_string(), "application/smil");
    let parts = pdu.parts(&Limits::DEFAULT).unwrap().unwrap();
    let found: Vec<_> = parts.iter().collect();
    assert_eq!((parts.len(), found.len()), (2, 2));
    assert!(found[0].is_smil());
    assert_eq!(parts.start(&content_type), Some(found[0]));
    assert_eq!(found[1].to_str().unwrap(), "hi");
    assert_eq!(found[1].file_name(1), "t.txt");
    assert_eq!(parts.find("t.txt"), Some(found[1]));
    assert_eq!(parts.find("cid:s"), Some(found[0]), "with and without angle brackets");
    assert_eq!(found[1].content_type.charset(), Some(strowger_mms::Charset::UTF8));
}

#[test]
fn every_sample_is_as_the_standard_says_and_comes_back_octet_by_octet() {
    for sample in samples::ALL {
        let bytes = hex(sample);
        let pdu = pdu(&bytes);
        assert_eq!(pdu.departures(), [], "{sample}");
        let message = Message::from(&pdu);
        let mut again = Vec::new();
        encode(&message, &mut again).unwrap();
        assert_eq!(again, bytes, "{sample}");
    }
}

#[test]
fn headers_in_any_order_are_read_and_written_in_the_canonical_one() {
    let shuffled = hex(
        "83 687474703a2f2f6d6d73632f3100 8805 81 0303f480 8e022710 8a80 8915 80 2b31353535303130302f545950453d504c4d4e00 \
         8d92 985431 00 8c82",
    );
    let message = Message::from(&pdu(&shuffled));
    let mut out = Vec::new();
    encode(&message, &mut out).unwrap();
    assert_eq!(&out[..8], hex("8c82 98543100 8d92"));
    assert_eq!(pdu(&out).content_location(), pdu(&shuffled).content_location());
}

#[test]
fn a_length_that_was_quoted_without_need_is_read() {
    let long = hex(
        "8c82 98543100 8d92 891f23802b3335383530313233343536373839302f545950453d504c4d4e2e6c6f6e67657200 8a80 8e022710 \
         8805 81 0303f480 83687474703a2f2f6d6d73632f3100",
    );
    assert_eq!(pdu(&long).from().unwrap().to_string(), "+358501234567890/TYPE=PLMN.longer");
    let needless = hex("8c81 98543100 8d92 9280 931f06 ea 616263 00 00");
    assert!(decode(&needless, &Limits::DEFAULT).is_err(), "an octet is left within the length");
    let needless = hex("8c81 98543100 8d92 9280 931f05 ea 616263 00");
    assert_eq!(pdu(&needless).response_text().unwrap().to_str(), "abc");
}

#[test]
fn unknown_headers_are_kept_and_given_on() {
    let bytes = hex("8c83 98543100 8d92 9583 c1 03 010203 c2 81 c3 7465787400 582d6100 6200");
    let pdu = pdu(&bytes);
    let kept: Vec<_> = pdu.fields().skip(4).collect();
    assert_eq!(
        kept,
        [
            Field::Unknown { code: 0xc1, value: &[3, 1, 2, 3] },
            Field::Unknown { code: 0xc2, value: &[0x81] },
            Field::Unknown { code: 0xc3, value: b"text\0" },
            Field::Application { name: Text::from("X-a"), value: Text::from("b") },
        ]
    );
    let mut again = Vec::new();
    encode(&Message::from(&pdu), &mut again).unwrap();
    assert_eq!(again, bytes);
}

#[test]
fn a_message_without_a_field_that_every_receiver_insists_on_is_refused_by_name() {
    for (sample, code) in [
        (samples::NOTIFICATION, 0x83),
        (samples::NOTIFICATION, 0x88),
        (samples::NOTIFICATION, 0x8a),
        (samples::NOTIFICATION, 0x8e),
        (samples::NOTIFICATION, 0x98),
        (samples::NOTIFYRESP, 0x95),
        (samples::SEND_CONF, 0x92),
        (samples::DELIVERY, 0x85),
        (samples::ACKNOWLEDGE, 0x98),
        (samples::RETRIEVE, 0x85),
    ] {
        let bytes = hex(sample);
        let mut without = Vec::new();
        let pdu = pdu(&bytes);
        for (range, field) in pdu.fields_at() {
            if field.code() != Some(FieldCode::from_code(code)) {
                without.extend_from_slice(&bytes[range]);
            }
        }
        without.extend_from_slice(pdu.body().unwrap_or_default());
        let error = decode(&without, &Limits::DEFAULT).unwrap_err();
        assert_eq!((error.rule, error.field), (Rule::MissingHeader, Some(FieldCode::from_code(code))));
    }
    assert_eq!(decode(&hex("8c83 98543100 9583"), &Limits::DEFAULT).unwrap_err().rule, Rule::NoVersion);
    assert_eq!(decode(&hex("98543100 8d92 9583"), &Limits::DEFAULT).unwrap_err().rule, Rule::NoMessageType);
}

#[test]
fn an_illegal_message_is_not_encoded() {
    let mut out = Vec::new();
    let notification = Message::new(MessageType::NotificationInd)
        .with(Field::TransactionId(Text::from("T1")))
        .with(Field::MessageClass(MessageClass::Personal))
        .with(Field::MessageSize(100))
        .with(Field::Expiry(When::In(60)));
    let missing = encode(&notification, &mut out).unwrap_err();
    assert_eq!(missing.to_string(), "Content-Location is mandatory and missing");
    let notification =
        notification.with(Field::ContentLocation(Counted::plain(Text::from("http://mmsc.example/1"))));
    let forbidden =
        encode(&notification.clone().with(Field::To(EncodedString::new("a@example.net"))), &mut out);
    assert_eq!(forbidden.unwrap_err().to_string(), "To does not belong into such a message");
    let twice = encode(&notification.clone().with(Field::MessageSize(1)), &mut out);
    assert_eq!(twice.unwrap_err().to_string(), "Message-Size occurs more than once");
    assert!(out.is_empty());
    encode(&notification, &mut out).unwrap();
    assert!(decode(&out, &Limits::DEFAULT).is_ok());
    // What was decoded and is given on is not judged again.
    out.clear();
    binary::encode_as_it_is(&notification.with(Field::MessageSize(1)), &mut out);
    assert!(decode(&out, &Limits::DEFAULT).is_ok());
}

#[test]
fn each_limit_is_kept_and_what_was_read_under_a_wider_one_is_read_whole() {
    let long = "a".repeat(20_000);
    let location = Field::ContentLocation(Counted::plain(Text::from(long.as_str())));
    let mut message = Message::new(MessageType::NotificationInd)
        .with(Field::TransactionId(Text::from("T1")))
        .with(Field::MessageClass(MessageClass::Personal))
        .with(Field::MessageSize(100))
        .with(Field::Expiry(When::In(60)))
        .with(location);
    for _ in 0..1_000 {
        message = message.with(Field::Unknown { code: 0xc5, value: &[0x80] });
    }
    let mut bytes = Vec::new();
    encode(&message, &mut bytes).unwrap();
    let wide = Limits { text: 30_000, headers: 2_000, ..Limits::DEFAULT };
    let read = decode(&bytes, &wide).unwrap();
    assert_eq!(read.fields().count(), 1_007);
    assert_eq!(read.content_location(), Some(Text::from(long.as_str())));
    for (limits, rule) in [
        (Limits { text: 19_999, ..wide.clone() }, Rule::TextLong),
        (Limits { headers: 1_006, ..wide.clone() }, Rule::HeaderCount),
        (Limits { bytes: 20_000, ..wide.clone() }, Rule::Size),
    ] {
        assert_eq!(decode(&bytes, &limits).unwrap_err().rule, rule);
    }
}
