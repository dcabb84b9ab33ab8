//! What recipients ask besides fetching: to be rid of messages, and boxes in the network, which are not kept; and deliveries that wait.

use strowger_messaging::handset::Draft;
use strowger_messaging::mmsc::MmscConfig;
use strowger_messaging::mmsc::compose;
use strowger_messaging::mmsc::read::{self, Post, Reply};
use strowger_messaging::mmsc::request::{Answer, NotHanded, Purpose, Request};
use strowger_mms::message::{Counted, ResponseStatus, Status, StoreStatus, When, YesNo};
use strowger_mms::wsp::{ContentType, MediaType};
use strowger_mms::{Field, FieldCode, Limits, Message, MessageType, Text, Version};
use strowger_sansio::Duration;

use super::stage::{Stage, asked, draft, number, report};

fn written(message: &Message<'_>) -> Vec<u8> {
    let mut pdu = Vec::new();
    strowger_mms::encode(message, &mut pdu).unwrap();
    pdu
}

/// m-delete-req for these locations.
fn deletion(transaction: &str, locations: &[&str]) -> Vec<u8> {
    let (first, others) = locations.split_first().unwrap();
    let located = |location| Field::ContentLocation(Counted::plain(Text::from(location)));
    let message = Message::delete_req(transaction, first).version(Version::V1_3);
    written(&others.iter().fold(message, |message, location| message.with(located(*location))))
}

#[test]
fn a_recipient_is_rid_of_his_own_messages_alone_and_their_senders_hear_of_it() {
    let mut stage = Stage::new(MmscConfig::default());
    stage.submit("2001", &draft("t1", &["2002"]));
    let (transaction, unread) = stage.notification();
    stage.submit("2001", &draft("t2", &["2002"]));
    let (_, fetched) = stage.notification();
    stage.retrieve("2002", &fetched);
    stage.submit("2001", &draft("t3", &["2003"]));
    let (_, foreign) = stage.notification();
    stage.respond("2002", &transaction, Status::Deferred);
    let locations: Vec<_> =
        [&unread, &foreign, &fetched].iter().map(|token| format!("http://mmsc/{token}")).collect();
    let locations: Vec<_> = locations.iter().map(String::as_str).collect();
    let request = asked("2002", &deletion("d1", &locations));
    assert_eq!(stage.ask(request.clone()), Answer::Deleted(vec![true, false, true]));
    assert_eq!(stage.retrieve("2002", &unread), Answer::NotHanded(NotHanded::Over));
    assert!(matches!(stage.retrieve("2003", &foreign), Answer::Handed(_)), "it is somebody else's");
    let reports: Vec<_> = stage.pushes().iter().map(report).collect();
    let to = || "2002/TYPE=PLMN".to_owned();
    assert_eq!(reports, [(Status::Rejected, to()), (Status::Indeterminate, to())]);
    // Who asks again, as the answer was lost, changes nothing, and is told that they are gone.
    assert_eq!(stage.ask(request), Answer::Deleted(vec![false; 3]));
    assert_eq!(stage.pushes(), []);
}

#[test]
fn the_answer_to_a_deletion_names_each_message_by_number_with_what_became_of_it() {
    let pdu = deletion("d1", &["http://mmsc/a", "http://mmsc/b"]);
    let Post::Ask(Request::Delete { .. }, Reply::Deleted { version, transaction, locations }) =
        read::post(&pdu, &number("2002"), &Limits::default())
    else {
        panic!("a deletion");
    };
    let messages: Vec<_> = locations.iter().map(String::as_str).zip([true, false]).collect();
    let answer = compose::deletion(version, &transaction, &messages);
    let read = strowger_mms::decode(&answer, &Limits::default()).unwrap();
    assert_eq!(
        (read.kind(), read.version(), read.departures().len()),
        (MessageType::DeleteConf, Version::V1_3, 0)
    );
    assert_eq!(read.transaction_id().unwrap().to_str(), "d1");
    let (mut named, mut told) = (Vec::new(), Vec::new());
    for field in read.fields() {
        match field {
            Field::ContentLocation(Counted { count, value }) => {
                named.push((count, value.to_str().into_owned()));
            }
            Field::ResponseStatus(Counted { count, value }) => told.push((count, value)),
            _ => {}
        }
    }
    let location = |text: &str| text.to_owned();
    assert_eq!(named, [(Some(1), location("http://mmsc/a")), (Some(2), location("http://mmsc/b"))]);
    assert_eq!(told, [(Some(1), ResponseStatus::Ok), (Some(2), ResponseStatus::PermanentMessageNotFound)]);
}

#[test]
fn whoever_asks_for_a_box_is_told_in_each_messages_own_words_that_there_is_none() {
    let content = ContentType::new(MediaType::TEXT_PLAIN);
    let at = "http://mmsc/a";
    for (request, answered, stores) in [
        (Message::mbox_store_req("b1", at), MessageType::MboxStoreConf, true),
        (Message::mbox_upload_req("b1", content, b"hi"), MessageType::MboxUploadConf, true),
        (Message::mbox_view_req("b1"), MessageType::MboxViewConf, false),
        (Message::mbox_delete_req("b1", at), MessageType::MboxDeleteConf, false),
    ] {
        let Post::Answer(answer, _) = read::post(&written(&request), &number("2002"), &Limits::default())
        else {
            panic!("{answered}");
        };
        let pdu = strowger_mms::decode(&answer, &Limits::default()).unwrap();
        assert_eq!((pdu.kind(), pdu.departures().len()), (answered, 0));
        assert_eq!(pdu.transaction_id().unwrap().to_str(), "b1");
        match stores {
            true => assert_eq!(
                pdu.find(FieldCode::StoreStatus),
                Some(Field::StoreStatus(StoreStatus::PermanentServiceDenied)),
                "{answered}"
            ),
            false => {
                assert_eq!(pdu.response_status(), Some(ResponseStatus::PermanentServiceDenied), "{answered}");
            }
        }
    }
}

#[test]
fn a_message_that_is_to_be_kept_in_a_box_as_well_is_sent_and_its_sender_told_that_it_is_not_kept() {
    let pdu = draft("t1", &["2002"]).encode();
    let with_store = |store: YesNo| {
        let read = strowger_mms::decode(&pdu, &Limits::default()).unwrap();
        let mut out = Vec::new();
        strowger_mms::binary::encode_as_it_is(&Message::from(&read).with(Field::Store(store)), &mut out);
        match read::post(&out, &number("2001"), &Limits::default()) {
            Post::Ask(Request::Submit(_), Reply::Confirm { kind, version, transaction, store }) => {
                compose::Confirmation {
                    kind,
                    version,
                    transaction: &transaction,
                    status: ResponseStatus::Ok,
                    store,
                }
                .encode(None, Some("m1"))
            }
            other => panic!("{other:?}"),
        }
    };
    for (store, told) in [(YesNo::Yes, Some(StoreStatus::PermanentServiceDenied)), (YesNo::No, None)] {
        let answer = with_store(store);
        let pdu = strowger_mms::decode(&answer, &Limits::default()).unwrap();
        assert_eq!((pdu.response_status(), pdu.departures().len()), (Some(ResponseStatus::Ok), 0));
        assert_eq!(pdu.find(FieldCode::StoreStatus), told.map(Field::StoreStatus));
    }
}

#[test]
fn a_deferred_delivery_waits_for_its_time_over_a_restart_and_is_not_fetched_before() {
    let mut stage = Stage::new(MmscConfig::default());
    let later = Draft { delivery_time: Some(When::In(3600)), ..draft("t1", &["2002"]) };
    let id = stage.submit("2001", &later).id.unwrap();
    let token = stage.rows.values().next().unwrap().deliveries[0].token.clone();
    stage.wait(Duration::from_secs(1800));
    stage.restart(MmscConfig::default());
    stage.wait(Duration::from_secs(1799));
    assert_eq!(stage.pushes(), []);
    assert_eq!(stage.retrieve("2002", &token), Answer::NotHanded(NotHanded::Over), "even by who guesses it");
    stage.wait(Duration::from_secs(1));
    let (transaction, announced) = stage.notification();
    assert_eq!(announced, token);
    assert!(matches!(stage.retrieve("2002", &token), Answer::Handed(_)));
    assert_eq!(stage.respond("2002", &transaction, Status::Retrieved), Answer::Done);
    assert_eq!(stage.pushes().len(), 1, "the report");
    // And what waits can be taken back before anybody hears of it.
    let other = stage.submit("2001", &Draft { transaction: "t2".to_owned(), ..later }).id.unwrap();
    assert_ne!(other, id);
    assert_eq!(stage.ask(Request::Cancel { by: number("2001"), id: other }), Answer::Done);
    stage.wait(Duration::from_secs(7200));
    assert_eq!(stage.pushes(), []);
}

#[test]
fn who_defers_over_a_restart_is_not_told_again_and_the_end_of_the_message_is_reported() {
    let mut stage = Stage::new(MmscConfig::default());
    let brief = Draft { expiry: Some(When::In(7200)), ..draft("t1", &["2002"]) };
    stage.submit("2001", &brief);
    let (transaction, token) = stage.notification();
    assert_eq!(stage.respond("2002", &transaction, Status::Deferred), Answer::Done);
    stage.restart(MmscConfig::default());
    stage.wait(Duration::from_secs(7199));
    assert_eq!(stage.pushes(), []);
    assert_eq!(stage.respond("2002", &transaction, Status::Deferred), Answer::Done, "he may say so again");
    stage.wait(Duration::from_secs(1));
    let orders = stage.pushes();
    assert_eq!(orders.iter().map(|order| order.id.purpose).collect::<Vec<_>>(), [Purpose::DeliveryReport]);
    assert_eq!(report(&orders[0]).0, Status::Expired);
    assert_eq!(stage.retrieve("2002", &token), Answer::NotHanded(NotHanded::Over));
}
