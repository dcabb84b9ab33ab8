//! Our codec beside rusmpp's, an independent one: what we write it reads, and writes again octet by octet; and we read that.

#![allow(clippy::panic, clippy::print_stdout, clippy::unwrap_used, reason = "a test fails by panicking")]

use axum::body::Bytes;
use rusmpp::Command;
use rusmpp::decode::DecodeWithLength as _;
use rusmpp::encode::Length as _;
use rusmpp::encode::owned::Encode as _;
use strowger_messaging::smpp::pdu::{
    self, Address, AlertNotification, Bind, BindKind, Body, CancelSm, Destination, MultiResp, Named, Outbind,
    Pdu, QueryResp, QuerySm, ReplaceSm, ShortMessage, SubmitMulti,
};
use strowger_messaging::smpp::{MessageState, Receipt, Status, Tlv, tlv};

fn message() -> ShortMessage {
    ShortMessage {
        service_type: "WAP".into(),
        source: Address::of("+15550100"),
        destination: Address::of("2948"),
        esm_class: 0x43,
        protocol_id: 0x7f,
        priority: 1,
        validity: "000002000000000R".into(),
        registered_delivery: 1,
        data_coding: 4,
        text: vec![6, 5, 4, 0x0b, 0x84, 0x23, 0xf0, 1, 6, 1, 0x83],
        ..ShortMessage::default()
    }
}

/// Every unit that we send, in the forms that we send it in.
fn units() -> Vec<Pdu> {
    let bind = Bind {
        system_id: "town".into(),
        password: "secret".into(),
        system_type: "PPG".into(),
        interface_version: 0x34,
        ton: 1,
        npi: 1,
        address_range: String::new(),
    };
    let receipt = Receipt { message_id: "12".into(), state: MessageState::Delivered, error: None };
    let mut receipted = message();
    receipted.esm_class = 0x04;
    receipted.text = receipt.to_text("2601010000", "2601010001").into_bytes();
    receipted.tlvs = receipt.to_tlvs();
    let mut parts = message();
    parts.tlvs = vec![
        Tlv::number(tlv::SOURCE_PORT, 9200),
        Tlv::number(tlv::DESTINATION_PORT, 2948),
        Tlv::number(tlv::SAR_MSG_REF_NUM, 7),
        Tlv::octet(tlv::SAR_TOTAL_SEGMENTS, 2),
        Tlv::octet(tlv::SAR_SEGMENT_SEQNUM, 1),
        Tlv::octet(tlv::MORE_MESSAGES_TO_SEND, 1),
    ];
    let mut payload = message();
    payload.text.clear();
    payload.tlvs = vec![Tlv { tag: tlv::MESSAGE_PAYLOAD, value: vec![0x55; 1000] }];
    let data = ShortMessage {
        protocol_id: 0,
        priority: 0,
        validity: String::new(),
        text: Vec::new(),
        tlvs: vec![Tlv { tag: tlv::MESSAGE_PAYLOAD, value: vec![0x55; 1000] }],
        ..message()
    };
    let requests = [
        Body::Bind(BindKind::Transceiver, bind.clone()),
        Body::Bind(BindKind::Transmitter, bind.clone()),
        Body::Bind(BindKind::Receiver, bind),
        Body::SubmitSm(Box::new(message())),
        Body::SubmitSm(Box::new(parts)),
        Body::SubmitSm(Box::new(payload)),
        Body::DeliverSm(Box::new(receipted)),
        Body::DataSm(Box::new(data)),
        Body::SubmitMulti(Box::new(SubmitMulti {
            message: ShortMessage { destination: Address::default(), ..message() },
            destinations: vec![
                Destination::Address(Address::of("+15550100")),
                Destination::List("staff".into()),
                Destination::Address(Address::of("2001")),
            ],
        })),
        Body::QuerySm(QuerySm { message_id: "a1".into(), source: Address::of("2948") }),
        Body::CancelSm(CancelSm {
            message_id: "a1".into(),
            source: Address::of("2948"),
            ..CancelSm::default()
        }),
        Body::CancelSm(CancelSm {
            service_type: "WAP".into(),
            source: Address::of("2948"),
            destination: Address::of("+15550100"),
            ..CancelSm::default()
        }),
        Body::ReplaceSm(Box::new(ReplaceSm {
            message_id: "a1".into(),
            source: Address::of("2948"),
            validity: "000002000000000R".into(),
            registered_delivery: 1,
            text: b"other".to_vec(),
            ..ReplaceSm::default()
        })),
        Body::AlertNotification(Box::new(AlertNotification {
            source: Address::of("+15550100"),
            esme: Address::of("2948"),
            tlvs: vec![Tlv::octet(tlv::MS_AVAILABILITY_STATUS, 0)],
        })),
        Body::Outbind(Outbind { system_id: "centre".into(), password: "secret".into() }),
        Body::EnquireLink,
        Body::Unbind,
    ];
    let busy = Named { tlvs: vec![Tlv::octet(tlv::CONGESTION_STATE, 85)], ..Named::of("a1") };
    let partly = MultiResp {
        message_id: "a1".into(),
        refused: vec![
            (Address::of("+15550100"), Status::INVALID_DESTINATION),
            (Address::of("2001"), Status::QUEUE_FULL),
        ],
        tlvs: Vec::new(),
    };
    let standing = QueryResp {
        message_id: "a1".into(),
        final_date: "260101000100000+".into(),
        state: MessageState::Delivered,
        error_code: 3,
    };
    let version = Tlv::octet(tlv::SC_INTERFACE_VERSION, 0x34);
    let answers = [
        (Status::OK, Body::BindResp(BindKind::Transceiver, "centre".into(), vec![version])),
        (Status::OK, Body::SubmitSmResp(Named::of("a1"))),
        (Status::OK, Body::SubmitSmResp(busy.clone())),
        (Status::OK, Body::DataSmResp(busy)),
        (Status::OK, Body::SubmitMultiResp(Some(Box::new(partly)))),
        (Status::OK, Body::QuerySmResp(Some(standing))),
        (Status::OK, Body::CancelSmResp),
        (Status::OK, Body::ReplaceSmResp),
        (Status::OK, Body::DeliverSmResp),
        (Status::OK, Body::EnquireLinkResp),
        (Status::OK, Body::UnbindResp),
        (Status::INVALID_COMMAND, Body::GenericNack),
    ];
    let requests = requests.into_iter().zip(1..).map(|(body, sequence)| Pdu::request(sequence, body));
    let answers = answers.into_iter().map(|(status, body)| Pdu::response(9, status, body));
    requests.chain(answers).collect()
}

#[test]
fn an_independent_codec_reads_what_we_write_and_writes_the_same() {
    for unit in units() {
        let mut ours = Vec::new();
        pdu::encode(&unit, &mut ours);
        // Its commands begin behind the length.
        let mut input = Bytes::copy_from_slice(&ours[4..]).into();
        let (command, read) =
            Command::decode(&mut input, ours.len() - 4).unwrap_or_else(|error| panic!("{unit:?}: {error:?}"));
        assert_eq!(read, ours.len() - 4, "{unit:?}");
        assert_eq!(u32::from(command.id()), unit.body.command());
        assert_eq!(u32::from(command.status()), unit.status.0);
        assert_eq!(command.sequence_number(), unit.sequence);
        let mut theirs = Default::default();
        command.encode(&mut theirs);
        assert_eq!(command.length(), ours.len() - 4);
        assert_eq!(theirs[..], ours[4..], "{unit:?}");
        let mut whole = ours[..4].to_vec();
        whole.extend_from_slice(&theirs);
        assert_eq!(pdu::decode(&whole), Ok(unit));
    }
}
