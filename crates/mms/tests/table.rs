//! Which header field stands in which message: each cell of the table by what the encoder and the decoder do, and the page of
//! conformance by the table.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use strowger_mms::hostile::samples;
use strowger_mms::message::table::{self, PRESENCE};
use strowger_mms::message::{Departure, Presence, presence};
use strowger_mms::wsp::{ContentType, MediaType};
use strowger_mms::{
    DecodeError, Field, FieldCode, Limits, Message, MessageType, Rule, binary, decode, encode,
};

const FIXED: [FieldCode; 3] = [FieldCode::MessageType, FieldCode::MmsVersion, FieldCode::ContentType];

/// A message with what it must have.
fn least(kind: MessageType) -> Message<'static> {
    let mut message = Message::new(kind);
    for code in FieldCode::ALL {
        if presence(kind, *code) == Presence::Mandatory && !FIXED.contains(code) {
            message = message.with(samples::value(*code));
        }
    }
    if matches!(kind, MessageType::SendReq | MessageType::ForwardReq) {
        message = message.with(samples::value(FieldCode::To));
    }
    if presence(kind, FieldCode::ContentType) == Presence::Mandatory {
        message = message.body(ContentType::new(MediaType::TEXT_PLAIN), b"hi");
    }
    message
}

fn without(message: &Message<'static>, code: FieldCode) -> Message<'static> {
    let mut less = Message::new(message.kind());
    for field in message.fields().iter().filter(|field| field.code() != Some(code)) {
        less = less.with(*field);
    }
    if presence(message.kind(), FieldCode::ContentType) == Presence::Mandatory {
        less = less.body(ContentType::new(MediaType::TEXT_PLAIN), b"hi");
    }
    less
}

fn octets(message: &Message<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    binary::encode_as_it_is(message, &mut out);
    out
}

fn departures(bytes: &[u8]) -> Result<Vec<Departure>, DecodeError> {
    decode(bytes, &Limits::DEFAULT).map(|pdu| pdu.departures())
}

#[test]
fn the_table_has_a_row_for_each_field_and_a_column_for_each_message() {
    let codes: Vec<_> = PRESENCE.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, FieldCode::ALL, "in the order of the codes");
    assert_eq!(codes.len(), 63);
    assert_eq!(MessageType::ALL.len(), 24);
    assert!(FieldCode::ALL.iter().zip(0x81..=0xbf).all(|(field, code)| field.code() == code));
    assert!(MessageType::ALL.iter().zip(0x80..=0x97).all(|(kind, code)| kind.code() == code));
}

#[test]
fn a_message_with_what_it_must_have_is_encoded_and_read() {
    for kind in MessageType::ALL {
        let mut out = Vec::new();
        encode(&least(*kind), &mut out).unwrap_or_else(|departure| panic!("{kind}: {departure}"));
        assert_eq!(departures(&out), Ok(vec![]), "{kind}");
    }
}

#[test]
fn a_mandatory_field_that_is_missing_is_not_written_and_what_all_receivers_want_is_not_read_without() {
    let mut cells = 0;
    for kind in MessageType::ALL {
        let full = least(*kind);
        for code in FieldCode::ALL.iter().filter(|code| !FIXED.contains(code)) {
            if presence(*kind, *code) != Presence::Mandatory {
                continue;
            }
            cells += 1;
            let less = without(&full, *code);
            let mut out = Vec::new();
            assert_eq!(encode(&less, &mut out), Err(Departure::Missing(*code)), "{kind}");
            let read = departures(&octets(&less));
            if table::is_confirmed(*kind, *code) {
                let error = read.unwrap_err();
                assert_eq!((error.rule, error.field), (Rule::MissingHeader, Some(*code)), "{kind}");
            } else {
                assert_eq!(read, Ok(vec![Departure::Missing(*code)]), "{kind}");
            }
        }
    }
    assert!(cells > 50, "{cells}");
}

#[test]
fn an_optional_field_comes_back_in_each_message_that_may_have_it() {
    let mut cells = 0;
    for kind in MessageType::ALL {
        for code in FieldCode::ALL.iter().filter(|code| !FIXED.contains(code)) {
            if !matches!(presence(*kind, *code), Presence::Optional | Presence::Conditional) {
                continue;
            }
            cells += 1;
            let message = least(*kind);
            // A recipient is there already in messages that need one.
            let message = if message.fields().iter().any(|field| field.code() == Some(*code)) {
                message
            } else {
                message.with(samples::value(*code))
            };
            let mut out = Vec::new();
            encode(&message, &mut out).unwrap_or_else(|departure| panic!("{kind}, {code}: {departure}"));
            let pdu = decode(&out, &Limits::DEFAULT).unwrap();
            assert_eq!(pdu.find(*code), Some(samples::value(*code)), "{kind}");
            assert_eq!(pdu.departures(), [], "{kind}, {code}");
        }
    }
    assert!(cells > 160, "{cells}");
}

#[test]
fn a_field_in_the_wrong_message_is_never_written_and_told_of_when_it_is_read() {
    let mut cells = 0;
    for kind in MessageType::ALL {
        for code in FieldCode::ALL.iter().filter(|code| presence(*kind, **code) == Presence::Forbidden) {
            cells += 1;
            let message = least(*kind).with(samples::value(*code));
            let mut out = Vec::new();
            let refused = encode(&message, &mut out);
            assert_eq!(refused, Err(Departure::Forbidden(*code)), "{kind}");
            assert!(out.is_empty());
            let bytes = octets(&message);
            let pdu =
                decode(&bytes, &Limits::DEFAULT).unwrap_or_else(|error| panic!("{kind}, {code}: {error}"));
            assert!(pdu.departures().contains(&Departure::Forbidden(*code)), "{kind}, {code}");
            if *code != FieldCode::ContentType {
                assert_eq!(pdu.find(*code), Some(samples::value(*code)), "{kind}: it is kept");
            }
        }
    }
    assert_eq!(cells + count(|presence| presence != Presence::Forbidden), 24 * 63);
}

fn count(of: impl Fn(Presence) -> bool) -> usize {
    let cells =
        MessageType::ALL.iter().flat_map(|kind| FieldCode::ALL.iter().map(|code| presence(*kind, *code)));
    cells.filter(|presence| of(*presence)).count()
}

#[test]
fn the_rules_beside_the_table_are_kept() {
    let nobody = without(&least(MessageType::SendReq), FieldCode::To);
    assert_eq!(encode(&nobody, &mut Vec::new()), Err(Departure::NoRecipient));
    let auto = least(MessageType::SendReq)
        .with(Field::MessageClass(strowger_mms::message::MessageClass::Auto))
        .with(samples::value(FieldCode::DeliveryReport));
    assert_eq!(encode(&auto, &mut Vec::new()), Err(Departure::ReportOfAuto));
    let insert = Field::From(strowger_mms::message::Sender::InsertAddress);
    assert_eq!(
        encode(&least(MessageType::NotificationInd).with(insert), &mut Vec::new()),
        Err(Departure::InsertAddress)
    );
    let twice = least(MessageType::NotificationInd).with(Field::MessageSize(5));
    assert_eq!(encode(&twice, &mut Vec::new()), Err(Departure::Repeated(FieldCode::MessageSize)));
    let many =
        least(MessageType::SendReq).with(samples::value(FieldCode::To)).with(samples::value(FieldCode::To));
    assert_eq!(encode(&many, &mut Vec::new()), Ok(()));
    let body = least(MessageType::SendConf).body(ContentType::new(MediaType::TEXT_PLAIN), b"hi");
    assert!(encode(&body, &mut Vec::new()).is_err());
}

#[test]
fn the_page_of_conformance_shows_the_table() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/conformance/mms.md");
    let page = std::fs::read_to_string(page).unwrap();
    let shown: Vec<_> = page
        .lines()
        .skip_while(|line| *line != "```text")
        .skip(4)
        .take_while(|line| *line != "```")
        .map(str::to_owned)
        .collect();
    let expected: Vec<_> = PRESENCE
        .iter()
        .map(|(code, cells)| {
            let spaced: Vec<_> = cells.chars().map(String::from).collect();
            format!("{:02X} {:31} {}", code.code(), code.name().unwrap(), spaced.join(" "))
        })
        .collect();
    assert_eq!(shown, expected, "the table of the page is that of the code:\n{}", expected.join("\n"));
}
