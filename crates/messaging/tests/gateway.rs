//! Pushes from JSON over HTTP to a host over UDP and to subscribers over SMPP.

#![allow(clippy::panic, clippy::print_stdout, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use strowger_messaging::push::address::Network;
use strowger_messaging::push::{Content, PushConfig, Request, SegmentStyle, once};
use strowger_messaging::queue::Priority;
use strowger_messaging::smpp::simulator::Behaviour;
use strowger_messaging::smpp::{ShortMessage, Status, tlv};
use strowger_mms::sms::{Ports, UserData};
use strowger_mms::{Limits, MessageType, wsp};
use support::{Host, Town, ask, call, centre, config, simulator, until};

fn notification(to: &str, id: &str) -> Value {
    json!({ "id": id, "to": to, "mms": {
        "location": "http://mms.town/m1", "transaction": "T1", "from": "+15550100", "size": 10_000 } })
}

/// The location of a notification in a datagram of the connectionless service.
fn location(datagram: &[u8]) -> String {
    let limits = Limits::default();
    let wsp::Pdu::Push(push) = wsp::decode_connectionless(datagram, &limits).unwrap().pdu else {
        panic!("a push")
    };
    let message = strowger_mms::decode(push.data, &limits).unwrap();
    assert_eq!(message.kind(), MessageType::NotificationInd);
    message.content_location().unwrap().to_string()
}

async fn state(town: &Town, id: &str) -> String {
    let mut connection = town.connect().await;
    let path = format!("/v1/push/{id}");
    let (status, report) = ask(&mut connection, call(Method::GET, &path, &Value::Null)).await;
    assert_eq!(status, StatusCode::OK, "{report}");
    report["recipients"][0]["state"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_notification_arrives_at_a_host_as_the_shortest_push() {
    let town = Town::start(config()).await;
    let host = Host::start().await;
    let mut connection = town.connect().await;
    let push = notification(&host.address(), "p1");
    let (status, answer) = ask(&mut connection, call(Method::POST, "/v1/push", &push)).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    assert_eq!(answer, json!({ "id": "p1", "accepted": true, "code": 1001 }));
    let datagram = host.datagram().await;
    assert_eq!(datagram[1..6], [0x06, 0x03, 0xbe, 0xaf, 0x84]);
    assert_eq!(location(&datagram), "http://mms.town/m1");
    until("the end", async || state(&town, "p1").await == "delivered").await;
}

#[tokio::test]
async fn a_batch_is_answered_push_by_push() {
    let town = Town::start(config()).await;
    let host = Host::start().await;
    let mut connection = town.connect().await;
    let batch = json!([
        notification(&host.address(), "a"),
        notification(&host.address(), "a"),
        notification("192.0.2.1", "b"),
        notification("+15550100", "c"),
        notification(&host.address(), "d"),
        { "to": host.address(), "type": "application/vnd.wap.mms-message", "body": "jA==" },
        { "to": host.address() },
    ]);
    let (status, answers) = ask(&mut connection, call(Method::POST, "/v1/push", &batch)).await;
    assert_eq!(status, StatusCode::MULTI_STATUS);
    let codes: Vec<u64> =
        answers.as_array().unwrap().iter().map(|row| row["code"].as_u64().unwrap()).collect();
    assert_eq!(codes, [1001, 2007, 2001, 2003, 1001, 3006, 2000], "{answers}");
    let got = [host.datagram().await, host.datagram().await];
    assert!(got.iter().all(|datagram| location(datagram) == "http://mms.town/m1"));
}

#[tokio::test]
async fn who_is_not_known_gets_nothing_and_who_may_not_come_not_even_an_answer() {
    let mut closed = config();
    closed.users[0].networks = vec![Network::parse("192.0.2.0/24").unwrap()];
    let town = Town::start(closed).await;
    let address = town.server.local();
    let opened = strowger_messaging::http::client::Connection::open(address, "town", support::PATIENCE).await;
    if let Ok(mut connection) = opened {
        assert!(connection.send(call(Method::POST, "/v1/push", &json!({}))).await.is_err());
    }
    let town = Town::start(config()).await;
    let mut connection = town.connect().await;
    for user in [None, Some(("pi", "guess")), Some(("nobody", "secret")), Some(("pi", ""))] {
        let mut wrong = call(Method::POST, "/v1/push", &notification("127.0.0.1:9", "x"));
        wrong.user = user.map(|(name, password)| (name.into(), password.into()));
        let (status, _) = ask(&mut connection, wrong).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
    let counted = town.gateway.counters().all().find(|(name, ..)| name.contains("unauthorised")).unwrap();
    assert_eq!(counted.2, 4);
}

#[tokio::test]
async fn a_push_that_is_not_due_can_be_taken_back_and_one_that_left_cannot() {
    let town = Town::start(config()).await;
    let host = Host::start().await;
    let mut connection = town.connect().await;
    let mut held = notification(&host.address(), "held");
    held["after"] = json!(strowger_messaging::time::stamp(town.gateway.now() + 3_600_000));
    let (status, _) = ask(&mut connection, call(Method::POST, "/v1/push", &held)).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(state(&town, "held").await, "pending");
    let (status, answer) = ask(&mut connection, call(Method::DELETE, "/v1/push/held", &Value::Null)).await;
    assert_eq!((status, answer["cancelled"].as_u64()), (StatusCode::OK, Some(1)));
    until("the end", async || state(&town, "held").await == "cancelled").await;
    let (status, _) = ask(&mut connection, call(Method::DELETE, "/v1/push/held", &Value::Null)).await;
    assert_eq!(status, StatusCode::CONFLICT);
    let (status, _) = ask(&mut connection, call(Method::DELETE, "/v1/push/other", &Value::Null)).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

/// What a subscriber's short messages carry.
fn payload(messages: &[ShortMessage]) -> Vec<u8> {
    let mut whole = Vec::new();
    for (message, place) in messages.iter().zip(1..) {
        assert_eq!(message.esm_class, 0x43);
        assert_eq!(message.data_coding, 0x04);
        let data = UserData::decode(&message.text).unwrap();
        assert_eq!(data.ports, Some(Ports::PUSH));
        assert_eq!(data.concatenation.map_or(1, |concatenation| concatenation.part), place);
        whole.extend_from_slice(data.payload);
    }
    whole
}

#[tokio::test]
async fn a_notification_goes_over_smpp_in_one_short_message_and_is_receipted() {
    for behaviour in [
        Behaviour::default(),
        Behaviour { hex_identifiers: true, receipts_as_text: true, ..Behaviour::default() },
    ] {
        let smsc = simulator(behaviour).await;
        let mut subscriber = smsc.subscribe("15550101");
        let mut settings = config();
        settings.centres = vec![centre(smsc.local())];
        let town = Town::start(settings).await;
        let mut connection = town.connect().await;
        for number in 0..20 {
            let mut push = notification("+15550101", &format!("s{number}"));
            push["confirm"] = json!(true);
            ask(&mut connection, call(Method::POST, "/v1/push", &push)).await;
            let message = subscriber.recv().await.unwrap();
            assert_eq!(location(&payload(std::slice::from_ref(&message))), "http://mms.town/m1");
            assert_eq!(message.registered_delivery, 1);
            assert_eq!((message.destination.ton, message.destination.npi), (1, 1));
            assert!(message.validity.ends_with("000R"), "{}", message.validity);
        }
        for number in 0..20 {
            let id = format!("s{number}");
            until("receipt", async || state(&town, &id).await == "delivered").await;
        }
        assert_eq!(smsc.counts().receipts, 20, "each was acknowledged");
    }
}

#[tokio::test]
async fn a_long_push_takes_parts_in_order_in_each_style() {
    let long = "http://mms.town/".to_owned() + &"x".repeat(150);
    for style in [SegmentStyle::Header, SegmentStyle::Payload, SegmentStyle::Data, SegmentStyle::Parameters] {
        let smsc = simulator(Behaviour::default()).await;
        let mut subscriber = smsc.subscribe("15550101");
        let mut settings = config();
        settings.centres = vec![centre(smsc.local())];
        settings.centres[0].style = style;
        let town = Town::start(settings).await;
        let mut connection = town.connect().await;
        let mut push = notification("+15550101", "long");
        push["mms"]["location"] = json!(long);
        ask(&mut connection, call(Method::POST, "/v1/push", &push)).await;
        let first = subscriber.recv().await.unwrap();
        let whole = match style {
            SegmentStyle::Header => {
                assert_eq!(first.text.len(), 140);
                assert_eq!(first.tlv(tlv::MORE_MESSAGES_TO_SEND), Some(&[1][..]));
                let second = subscriber.recv().await.unwrap();
                assert_eq!(second.tlv(tlv::MORE_MESSAGES_TO_SEND), None);
                payload(&[first, second])
            }
            SegmentStyle::Payload | SegmentStyle::Data => {
                assert_eq!(first.tlv(tlv::DESTINATION_PORT), Some(&2948_u16.to_be_bytes()[..]));
                first.user_data().to_vec()
            }
            SegmentStyle::Parameters => {
                let second = subscriber.recv().await.unwrap();
                assert_eq!(first.tlv(tlv::SAR_SEGMENT_SEQNUM), Some(&[1][..]));
                assert_eq!(second.tlv(tlv::SAR_SEGMENT_SEQNUM), Some(&[2][..]));
                assert_eq!(first.tlv(tlv::SAR_MSG_REF_NUM), second.tlv(tlv::SAR_MSG_REF_NUM));
                [first.text, second.text].concat()
            }
        };
        assert_eq!(location(&whole), long);
    }
}

#[tokio::test]
async fn a_refused_number_is_given_up_and_holds_nobody_up() {
    let refuse = [("15550199".to_owned(), Status::INVALID_DESTINATION)].into();
    let smsc = simulator(Behaviour { refuse, ..Behaviour::default() }).await;
    let mut subscriber = smsc.subscribe("15550101");
    let mut settings = config();
    settings.centres = vec![centre(smsc.local())];
    let town = Town::start(settings).await;
    let mut connection = town.connect().await;
    let batch = json!([
        notification("+15550199", "poison"),
        notification("+15550101", "good"),
        notification("+15550199", "poison2"),
    ]);
    ask(&mut connection, call(Method::POST, "/v1/push", &batch)).await;
    subscriber.recv().await.unwrap();
    for id in ["poison", "poison2"] {
        until("the end", async || state(&town, id).await == "undeliverable").await;
    }
    let (_, dead) = ask(&mut connection, call(Method::GET, "/v1/dead", &Value::Null)).await;
    let ids: Vec<_> = dead.as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["poison2", "poison"]);
}

#[tokio::test]
async fn throttled_and_dropped_messages_are_repeated_until_each_has_arrived_in_order() {
    let behaviour = Behaviour { throttle_every: Some(5), drop_every: Some(31), ..Behaviour::default() };
    let smsc = simulator(behaviour).await;
    let mut subscriber = smsc.subscribe("15550101");
    let mut settings = config();
    settings.lanes.retry_first = std::time::Duration::from_millis(20);
    settings.lanes.crowded = std::time::Duration::from_millis(5);
    settings.centres = vec![centre(smsc.local())];
    settings.centres[0].client.response_timeout = std::time::Duration::from_millis(300);
    let town = Town::start(settings).await;
    let mut connection = town.connect().await;
    let batch: Vec<Value> = (0..60)
        .map(|number| {
            let mut push = notification("+15550101", &format!("n{number}"));
            push["mms"]["location"] = json!(format!("http://mms.town/{number}"));
            push
        })
        .collect();
    ask(&mut connection, call(Method::POST, "/v1/push", &json!(batch))).await;
    for number in 0..60 {
        let message = subscriber.recv().await.unwrap();
        assert_eq!(location(&payload(&[message])), format!("http://mms.town/{number}"));
    }
    let counts = smsc.counts();
    assert!(counts.throttled > 5 && counts.dropped >= 1, "{counts:?}");
}

#[tokio::test]
async fn a_centre_that_was_away_gets_what_waited() {
    let smsc = simulator(Behaviour::default()).await;
    let address = smsc.local();
    let mut settings = config();
    settings.centres = vec![centre(address)];
    let town = Town::start(settings).await;
    town.links_up().await;
    drop(smsc);
    let mut connection = town.connect().await;
    for number in 0..5 {
        ask(&mut connection, call(Method::POST, "/v1/push", &notification("+15550101", &number.to_string())))
            .await;
    }
    let config = strowger_messaging::smpp::CentreConfig {
        accounts: vec![("town".into(), "secret".into())],
        ..Default::default()
    };
    let smsc = strowger_messaging::smpp::simulator::Simulator::start(address, config, Behaviour::default())
        .await
        .unwrap();
    let mut subscriber = smsc.subscribe("15550101");
    for _ in 0..5 {
        tokio::time::timeout(support::PATIENCE, subscriber.recv()).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn what_waited_on_disk_goes_out_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let smsc = simulator(Behaviour::default()).await;
    let mut subscriber = smsc.subscribe("15550101");
    let mut settings = config();
    settings.store = Some(folder.path().join("push.redb"));
    settings.centres = vec![centre("127.0.0.1:9".parse().unwrap())];
    let town = Town::start(settings.clone()).await;
    let mut connection = town.connect().await;
    for number in 0..5 {
        let push = notification("+15550101", &format!("r{number}"));
        let (status, _) = ask(&mut connection, call(Method::POST, "/v1/push", &push)).await;
        assert_eq!(status, StatusCode::ACCEPTED);
    }
    drop(connection);
    town.stop().await;
    settings.centres = vec![centre(smsc.local())];
    let town = Town::start(settings).await;
    for _ in 0..5 {
        tokio::time::timeout(support::PATIENCE, subscriber.recv()).await.unwrap().unwrap();
    }
    let mut connection = town.connect().await;
    let again = notification("+15550101", "r0");
    let (status, _) = ask(&mut connection, call(Method::POST, "/v1/push", &again)).await;
    assert_eq!(status, StatusCode::CONFLICT, "its name is still known");
}

#[tokio::test]
async fn a_repeated_push_does_not_use_up_the_rate() {
    let mut settings = config();
    settings.users[0].rate = Some(2);
    let town = Town::start(settings).await;
    let mut connection = town.connect().await;
    let mut send = async |id: &str| {
        let push = notification("127.0.0.1:9", id);
        let (_, answer) = ask(&mut connection, call(Method::POST, "/v1/push", &push)).await;
        answer["code"].as_u64().unwrap()
    };
    assert_eq!(send("a").await, 1001);
    for _ in 0..20 {
        assert_eq!(send("a").await, 2007);
    }
    assert_eq!(send("b").await, 1001, "a second one may come");
}

#[tokio::test]
async fn a_pressing_push_presses_at_its_centre() {
    let smsc = simulator(Behaviour::default()).await;
    let mut settings = config();
    settings.centres = vec![centre(smsc.local())];
    let mut subscriber = smsc.subscribe("15550101");
    let town = Town::start(settings).await;
    town.links_up().await;
    let mut connection = town.connect().await;
    for (word, flag) in [("high", 1), ("medium", 0), ("low", 0)] {
        let mut push = notification("+15550101", word);
        push["priority"] = json!(word);
        let (status, answer) = ask(&mut connection, call(Method::POST, "/v1/push", &push)).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
        assert_eq!(subscriber.recv().await.unwrap().priority, flag, "{word}");
    }
    let mut push = notification("+15550101", "x");
    push["priority"] = json!("urgent");
    let (_, answer) = ask(&mut connection, call(Method::POST, "/v1/push", &push)).await;
    assert_eq!(answer["code"], 2000);
}

#[tokio::test]
async fn a_push_is_replaced_over_json_while_it_waits() {
    let town = Town::start(config()).await;
    let host = Host::start().await;
    let mut connection = town.connect().await;
    let mut held = notification(&host.address(), "held");
    held["after"] = json!(strowger_messaging::time::stamp(town.gateway.now() + 3_600_000));
    let replacing = |id: &str| {
        let mut new = notification(&host.address(), id);
        (new["replaces"], new["pending_only"]) = (json!("held"), json!(true));
        new
    };
    for (push, code) in [(held, 1001), (replacing("new"), 1001)] {
        let (_, answer) = ask(&mut connection, call(Method::POST, "/v1/push", &push)).await;
        assert_eq!(answer["code"], code, "{answer}");
    }
    until("both ends", async || {
        state(&town, "new").await == "delivered" && state(&town, "held").await == "cancelled"
    })
    .await;
    let (_, answer) = ask(&mut connection, call(Method::POST, "/v1/push", &replacing("late"))).await;
    assert_eq!(answer["code"], 3003, "{answer}");
}

#[test]
fn a_push_that_meets_no_message_centre_says_so() {
    // Nobody listens there.
    let port = std::net::TcpListener::bind(support::any()).unwrap().local_addr().unwrap();
    let content = Content::new("text/plain", None, b"x", 1000).unwrap();
    let request = Request {
        push_id: "a".into(),
        to: vec!["+15550101".into()],
        content,
        not_before: None,
        expires: None,
        confirm: false,
        notify: None,
        version: strowger_messaging::pap::Version::default(),
        priority: Priority::default(),
        replaces: None,
    };
    let patience = Duration::from_millis(300);
    // Whichever comes first, the end of the push or of the patience.
    for lifetime in [Duration::from_millis(100), Duration::from_secs(60)] {
        let config = PushConfig { centres: vec![centre(port)], lifetime, ..config() };
        let error = once::deliver(config, request.clone(), patience).unwrap_err();
        assert!(error.to_string().contains("the message centre was not reached"), "{error}");
    }
}
