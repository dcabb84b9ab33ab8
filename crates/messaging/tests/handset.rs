//! A handset in virtual time: what it fetches, what it refuses, what it forgets.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;

use strowger_messaging::handset::engine::{Action, Failure, Handset, JobId};
use strowger_messaging::handset::{Event, FetchPolicy, Handling, HandsetConfig, HostRule};
use strowger_mms::message::{
    CancelStatus, Counted, EncodedString, MessageClass, RetrieveStatus, Sender, Status, When,
};
use strowger_mms::multipart::PartsBuf;
use strowger_mms::sms::{Ports, Reference, ShortMessage, segment};
use strowger_mms::wsp::{ContentTypeBuf, HeadersBuf, encode_mms_push};
use strowger_mms::{Field, Limits, Message, MessageType, Text};
use strowger_sansio::{Duration, Time};

const START: Time = Time::from_secs(1_700_000_000);

fn from() -> SocketAddr {
    "192.0.2.1:9200".parse().unwrap()
}

fn config() -> HandsetConfig {
    HandsetConfig {
        policy: FetchPolicy { hosts: vec![HostRule::parse("mmsc").unwrap()], ..FetchPolicy::default() },
        mmsc: Some("http://mmsc/mms".to_owned()),
        ..HandsetConfig::default()
    }
}

fn notification(transaction: &str, location: &str) -> Vec<u8> {
    let message = Message::new(MessageType::NotificationInd)
        .with(Field::TransactionId(Text::from(transaction)))
        .with(Field::From(Sender::Address(EncodedString::new("2001/TYPE=PLMN"))))
        .with(Field::MessageClass(MessageClass::Personal))
        .with(Field::MessageSize(1000))
        .with(Field::Expiry(When::In(3600)))
        .with(Field::ContentLocation(Counted::plain(Text::from(location))));
    let mut pdu = Vec::new();
    strowger_mms::encode(&message, &mut pdu).unwrap();
    let mut push = Vec::new();
    encode_mms_push(1, &pdu, &mut push);
    push
}

/// m-retrieve-conf with parts of these names.
fn message(names: &[&str]) -> Vec<u8> {
    let mut parts = PartsBuf::new();
    for name in names {
        let media = ContentTypeBuf::new("image/png").named(name);
        parts.add(&media.as_content_type(), &HeadersBuf::new().as_headers(), name.as_bytes());
    }
    let body = parts.finish();
    let content_type = ContentTypeBuf::new("application/vnd.wap.multipart.mixed");
    let message = Message::new(MessageType::RetrieveConf)
        .with(Field::TransactionId(Text::from("t")))
        .with(Field::MessageId(Text::from("m1@mmsc")))
        .with(Field::Date(1))
        .with(Field::RetrieveStatus(RetrieveStatus::Ok))
        .body(content_type.as_content_type(), &body);
    let mut pdu = Vec::new();
    strowger_mms::encode(&message, &mut pdu).unwrap();
    pdu
}

fn events(handset: &mut Handset) -> Vec<Event> {
    std::iter::from_fn(|| handset.poll_event()).collect()
}

fn fetch(handset: &mut Handset) -> JobId {
    match handset.poll_action() {
        Some(Action::Fetch { job, .. }) => job,
        other => panic!("{other:?}"),
    }
}

/// The message that is posted, and its status.
fn posted(handset: &mut Handset) -> (JobId, MessageType, Option<Status>) {
    match handset.poll_action() {
        Some(Action::Post { job, pdu, target }) => {
            assert_eq!(target.path, "/mms");
            let pdu = strowger_mms::decode(&pdu, &Limits::default()).unwrap();
            (job, pdu.kind(), pdu.status())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_is_fetched_and_the_mmsc_hears_of_it() {
    let mut handset = Handset::new(config(), START);
    handset.handle_datagram(START, from(), &notification("t1", "http://mmsc/1"));
    let job = fetch(&mut handset);
    handset.handle_fetched(START, job, Ok(message(&["a.png"])));
    let (job, kind, status) = posted(&mut handset);
    assert_eq!((kind, status), (MessageType::NotifyRespInd, Some(Status::Retrieved)));
    handset.handle_posted(START, job, Ok(Vec::new()));
    let told = events(&mut handset);
    assert!(matches!(
        told.as_slice(),
        [Event::Notified { .. }, Event::Received(_), Event::Acknowledged { .. }]
    ));
    // The same notification again is the MMSC's doubt, and not another message.
    handset.handle_datagram(START, from(), &notification("t1", "http://mmsc/1"));
    assert_eq!((handset.poll_action(), events(&mut handset)), (None, Vec::new()));
}

#[test]
fn a_message_that_is_deferred_is_fetched_later_and_acknowledged() {
    let pause = Duration::from_secs(600);
    let mut handset = Handset::new(HandsetConfig { handling: Handling::Deferred(pause), ..config() }, START);
    handset.handle_datagram(START, from(), &notification("t1", "http://mmsc/1"));
    let (job, kind, status) = posted(&mut handset);
    assert_eq!((kind, status), (MessageType::NotifyRespInd, Some(Status::Deferred)));
    handset.handle_posted(START, job, Ok(Vec::new()));
    assert_eq!(handset.poll_timeout(), Some(START + pause));
    handset.handle_timeout(START + pause);
    let job = fetch(&mut handset);
    handset.handle_fetched(START + pause, job, Ok(message(&["a.png"])));
    assert_eq!(posted(&mut handset).1, MessageType::AcknowledgeInd);
}

#[test]
fn a_location_of_a_stranger_is_neither_fetched_nor_answered() {
    let mut handset = Handset::new(config(), START);
    let long = format!("http://mmsc/{}", "x".repeat(4000));
    let locations = [
        "file:///etc/passwd",
        "https://mmsc/1",
        "http://127.0.0.1/1",
        "http://169.254.169.254/latest",
        "http://mmsc.example/1",
        "http://mmsc/1\r\nX: y",
        long.as_str(),
    ];
    for (place, location) in locations.into_iter().enumerate() {
        handset.handle_datagram(START, from(), &notification(&format!("t{place}"), location));
        assert_eq!(handset.poll_action(), None, "{location:?}");
        let told = events(&mut handset);
        assert!(matches!(told.as_slice(), [Event::Refused { .. }]), "{location:?}: {told:?}");
    }
}

#[test]
fn dangerous_pushes_are_refused_and_told() {
    let mut handset = Handset::new(config(), START);
    let pushes: [&[u8]; 4] = [
        // OMA client provisioning.
        b"\x01\x06\x01\xb6\x03\x0b\x6a\x00",
        // A service that loads by itself: http://example/, execute-high.
        b"\x01\x06\x01\xb0\x02\x06\x6a\x00\x85\x09\x03example/\x00\x06\x01",
        // Session initiation.
        b"\x01\x06\x03\xb4\xaf\x81\x10\x00\x00",
        // A message of MMS that is for another application.
        b"\x01\x06\x03\xbe\xaf\x82\x8c\x82",
    ];
    for push in pushes {
        handset.handle_datagram(START, from(), push);
        let told = events(&mut handset);
        assert!(matches!(told.as_slice(), [Event::Refused { .. }]), "{push:02x?}: {told:?}");
        assert_eq!(handset.poll_action(), None);
    }
}

#[test]
fn names_of_parts_stay_in_their_folder_and_differ() {
    let mut handset = Handset::new(config(), START);
    handset.handle_datagram(START, from(), &notification("t1", "http://mmsc/1"));
    let job = fetch(&mut handset);
    let names = ["../../etc/passwd", "/etc/passwd", "..\\x\\PASSWD", "..", ".hidden", ""];
    handset.handle_fetched(START, job, Ok(message(&names)));
    let received = events(&mut handset).into_iter().find_map(|event| match event {
        Event::Received(received) => Some(received),
        _ => None,
    });
    let names: Vec<String> = received.unwrap().parts.into_iter().map(|part| part.name).collect();
    let mut lower: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
    lower.sort();
    lower.dedup();
    assert_eq!(lower.len(), names.len(), "{names:?}");
    for name in names {
        assert!(!name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\']), "{name}");
    }
}

#[test]
fn a_fetch_that_fails_is_repeated_and_given_up_and_the_next_notification_is_new() {
    let mut handset = Handset::new(config(), START);
    let push = notification("t1", "http://mmsc/1");
    let mut now = START;
    handset.handle_datagram(now, from(), &push);
    let failed = || Err(Failure { again: true, why: "no answer".to_owned() });
    for _ in 0..3 {
        let job = fetch(&mut handset);
        handset.handle_fetched(now, job, failed());
        now = handset.poll_timeout().unwrap();
        handset.handle_timeout(now);
    }
    let job = fetch(&mut handset);
    handset.handle_fetched(now, job, failed());
    assert!(matches!(events(&mut handset).last(), Some(Event::Failed { .. })));
    handset.handle_datagram(now, from(), &push);
    fetch(&mut handset);
}

#[test]
fn a_message_that_is_gone_is_not_asked_for_again() {
    let mut handset = Handset::new(config(), START);
    handset.handle_datagram(START, from(), &notification("t1", "http://mmsc/1"));
    let job = fetch(&mut handset);
    let gone = strowger_messaging::mmsc::compose::no_retrieval(
        RetrieveStatus::PermanentMessageNotFound,
        "it is gone",
        1,
    );
    handset.handle_fetched(START, job, Ok(gone));
    assert!(matches!(events(&mut handset).last(), Some(Event::Failed { .. })));
    assert_eq!((handset.poll_action(), handset.poll_timeout()), (None, None));
}

#[test]
fn a_notification_in_parts_is_put_together_in_any_order() {
    let mut handset = Handset::new(config(), START);
    let push = notification("t1", &format!("http://mmsc/{}", "x".repeat(120)));
    let mut parts = segment(&push, Ports::PUSH, Reference::narrow(7)).unwrap();
    assert_eq!(parts.len(), 2);
    parts.reverse();
    for user_data in &parts {
        let message =
            ShortMessage { link: 0, originator: b"2948", destination: b"2002", pid: 0, dcs: 4, user_data };
        handset.handle_short_message(START, &message);
    }
    assert!(matches!(events(&mut handset).as_slice(), [Event::Notified { short_messages: Some(2), .. }]));
    fetch(&mut handset);
}

#[test]
fn a_flood_of_a_million_pushes_leaves_memory_as_it_was() {
    let mut handset = Handset::new(HandsetConfig { rate: 1_000_000, burst: 1_000_000, ..config() }, START);
    let mut push = notification("t0000000", "http://mmsc/1");
    let at = push.windows(8).position(|octets| octets == b"t0000000").unwrap();
    let mut now = START;
    for number in 0..1_000_000_u32 {
        push[at..at + 8].copy_from_slice(format!("t{number:07}").as_bytes());
        now += Duration::from_micros(2);
        handset.handle_datagram(now, from(), &push);
        while handset.poll_action().is_some() {}
        if number % 1000 == 0 {
            events(&mut handset);
            let (seen, jobs, octets) = handset.kept();
            assert!(seen <= 4096 && jobs <= 64 && octets == 0, "{seen} {jobs} {octets}");
        }
    }
    assert_eq!(handset.counters().pushes, 1_000_000);
    assert_eq!(handset.counters().dropped, 1_000_000 - 64);
}

#[test]
fn who_sends_too_much_is_not_listened_to() {
    let mut handset = Handset::new(HandsetConfig { rate: 10, burst: 20, ..config() }, START);
    for number in 0..1000 {
        handset.handle_datagram(START, from(), &notification(&format!("t{number}"), "http://mmsc/1"));
    }
    assert_eq!(handset.counters().dropped, 980);
}

/// m-cancel-req, pushed; without an identifier when there is none.
fn cancellation(transaction: &str, id: Option<&str>) -> Vec<u8> {
    let message = Message::new(MessageType::CancelReq)
        .with(Field::TransactionId(Text::from(transaction)))
        .maybe(id.map(|id| Field::CancelId(Text::from(id))));
    let (mut pdu, mut push) = (Vec::new(), Vec::new());
    strowger_mms::binary::encode_as_it_is(&message, &mut pdu);
    encode_mms_push(1, &pdu, &mut push);
    push
}

#[test]
fn a_message_that_is_taken_back_is_told_once_and_each_request_is_answered() {
    let mut handset = Handset::new(config(), START);
    let answer = |handset: &mut Handset| match handset.poll_action() {
        Some(Action::Post { pdu, target, .. }) => {
            assert_eq!(target.path, "/mms");
            let pdu = strowger_mms::decode(&pdu, &Limits::default()).unwrap();
            let transaction = pdu.transaction_id().unwrap().to_str().into_owned();
            (pdu.kind(), transaction, pdu.cancel_status())
        }
        other => panic!("{other:?}"),
    };
    for told in [vec![Event::Cancelled { id: "m1@mmsc".to_owned() }], Vec::new()] {
        handset.handle_datagram(START, from(), &cancellation("c1", Some("m1@mmsc")));
        let expected = (MessageType::CancelConf, "c1".to_owned(), Some(CancelStatus::Received));
        assert_eq!((answer(&mut handset), events(&mut handset)), (expected, told));
    }
    handset.handle_datagram(START, from(), &cancellation("c2", None));
    let expected = (MessageType::CancelConf, "c2".to_owned(), Some(CancelStatus::Corrupted));
    assert_eq!(answer(&mut handset), expected);
    assert!(matches!(events(&mut handset).as_slice(), [Event::Malformed { .. }]));
    let mut homeless = Handset::new(HandsetConfig { mmsc: None, ..config() }, START);
    homeless.handle_datagram(START, from(), &cancellation("c1", Some("m1@mmsc")));
    assert_eq!(homeless.poll_action(), None);
    assert!(matches!(events(&mut homeless).as_slice(), [Event::Refused { .. }]));
}
