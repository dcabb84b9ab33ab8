//! The MMSC's engine in virtual time, and its store over restarts: who gets what, who hears of it, and what a crash may undo.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod requests;
mod stage;

use strowger_messaging::handset::Draft;
use strowger_messaging::mmsc::compose::Confirmation;
use strowger_messaging::mmsc::message::State;
use strowger_messaging::mmsc::read::{self, Post, Reply};
use strowger_messaging::mmsc::request::{Answer, Event, NewBody, NotHanded, Purpose, Request, Taken, Ticket};
use strowger_messaging::mmsc::{MessageStore, Mmsc, MmscConfig};
use strowger_mms::message::{ReadStatus, ResponseStatus, RetrieveStatus, Status, When};
use strowger_mms::{FieldCode, Limits, MessageType, Version};
use strowger_sansio::{Duration, Rng};

use stage::{START, Stage, asked, draft, handed, number, report, told};

#[test]
fn a_message_is_announced_fetched_acknowledged_and_reported() {
    let mut stage = Stage::new(MmscConfig::default());
    let submitted = stage.submit("2001", &draft("t1", &["2002"]));
    assert_eq!(submitted.status, ResponseStatus::Ok);
    let (transaction, token) = stage.notification();
    let handed = handed(stage.retrieve("2002", &token));
    let mut octets = handed.head.clone();
    octets.extend(&stage.bodies[&handed.body.0]);
    let pdu = strowger_mms::decode(&octets, &Limits::default()).unwrap();
    assert_eq!(pdu.departures(), []);
    assert_eq!(pdu.from().unwrap().address().unwrap().to_str(), "2001/TYPE=PLMN");
    assert_eq!(pdu.retrieve_status(), Some(RetrieveStatus::Ok));
    let parts = pdu.parts(&Limits::default()).unwrap().unwrap();
    assert_eq!(parts.iter().nth(1).unwrap().data, b"hello");
    assert_eq!(stage.respond("2002", &transaction, Status::Retrieved), Answer::Done);
    let reports = stage.pushes();
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0].to, number("2001"));
    assert_eq!(report(&reports[0]), (Status::Retrieved, "2002/TYPE=PLMN".to_owned()));
    assert!(stage.bodies.is_empty(), "nobody needs the body any more");
    assert_eq!(stage.retrieve("2002", &token), Answer::NotHanded(NotHanded::Over));
    stage.wait(Duration::from_secs(86_400));
    assert_eq!(stage.pushes(), [], "nobody is told again");
}

#[test]
fn a_message_is_handed_to_its_recipient_alone() {
    let mut stage = Stage::new(MmscConfig::default());
    stage.submit("2001", &draft("t1", &["2002"]));
    let (transaction, token) = stage.notification();
    for stranger in ["2001", "2003"] {
        assert_eq!(stage.retrieve(stranger, &token), Answer::NotHanded(NotHanded::Unknown));
        assert_eq!(stage.respond(stranger, &transaction, Status::Rejected), Answer::NotFound);
    }
    assert_eq!(stage.retrieve("2002", "guessed"), Answer::NotHanded(NotHanded::Unknown));
    assert!(matches!(stage.retrieve("2002", &token), Answer::Handed(_)));
}

#[test]
fn a_handset_that_says_it_has_what_it_did_not_fetch_is_told_again() {
    let mut stage = Stage::new(MmscConfig::default());
    stage.submit("2001", &draft("t1", &["2002"]));
    let (transaction, _) = stage.notification();
    assert_eq!(stage.respond("2002", &transaction, Status::Retrieved), Answer::NotFound);
    assert!(std::iter::from_fn(|| stage.mmsc.poll_event()).any(|event| event == Event::Claimed));
    stage.wait(Duration::from_secs(60));
    assert_eq!(stage.pushes().len(), 1);
}

#[test]
fn a_notification_comes_again_ever_more_slowly_until_the_message_expires() {
    let mut stage = Stage::new(MmscConfig::default());
    let draft = Draft { expiry: Some(When::In(3600)), ..draft("t1", &["2002"]) };
    stage.submit("2001", &draft);
    stage.wait(Duration::ZERO);
    let mut times = Vec::new();
    let (mut first, mut reports) = (None, Vec::new());
    for second in 0..7200_u64 {
        for order in stage.pushes() {
            match order.id.purpose {
                Purpose::Notification => {
                    times.push(second);
                    // The handset knows the notification by its transaction and location.
                    let told = told(&order);
                    assert_eq!(*first.get_or_insert(told.clone()), told);
                }
                _ => reports.push((second, report(&order).0)),
            }
        }
        stage.wait(Duration::from_secs(1));
    }
    assert_eq!(times, [0, 60, 180, 420, 900, 1860]);
    assert_eq!(reports, [(3600, Status::Expired)]);
    assert!(stage.bodies.is_empty());
}

#[test]
fn an_expiry_is_kept_within_what_the_operator_allows() {
    let config = MmscConfig { longest_expiry: Duration::from_secs(1000), ..MmscConfig::default() };
    let mut stage = Stage::new(config);
    for (asked, kept) in [(1, 60), (500, 500), (u64::MAX, 1000)] {
        let draft = Draft { expiry: Some(When::In(asked)), ..draft(&format!("t{asked}"), &["2002"]) };
        assert_eq!(stage.submit("2001", &draft).status, ResponseStatus::Ok);
        let row = stage.rows.values().last().unwrap();
        assert_eq!(row.expires - row.accepted, kept * 1000, "{asked}");
    }
}

#[test]
fn a_deferred_delivery_waits_for_its_time() {
    let mut stage = Stage::new(MmscConfig::default());
    let later = Draft { delivery_time: Some(When::In(3600)), ..draft("t1", &["2002"]) };
    stage.submit("2001", &later);
    stage.wait(Duration::from_secs(3599));
    assert_eq!(stage.pushes(), []);
    stage.wait(Duration::from_secs(1));
    assert_eq!(stage.pushes().len(), 1);
    let early =
        Draft { delivery_time: Some(When::In(3600)), expiry: Some(When::In(60)), ..draft("t2", &["2002"]) };
    assert_eq!(stage.submit("2001", &early).status, ResponseStatus::PermanentFormatCorrupt);
}

#[test]
fn a_repeated_submission_is_answered_from_memory_and_other_content_is_another_message() {
    let mut stage = Stage::new(MmscConfig::default());
    let first = stage.submit("2001", &draft("t1", &["2002"]));
    let again = stage.submit("2001", &draft("t1", &["2002"]));
    assert_eq!((again.id.clone(), again.fresh), (first.id.clone(), false));
    stage.restart(MmscConfig::default());
    assert_eq!(stage.submit("2001", &draft("t1", &["2002"])).id, first.id, "and over a restart");
    let other = stage.submit("2001", &draft("t1", &["2003"]));
    assert_eq!(other.status, ResponseStatus::Ok);
    assert_ne!(other.id, first.id);
    let somebody = stage.submit("2009", &draft("t1", &["2002"]));
    assert_ne!(somebody.id, first.id, "another sender's transactions are his own");
    assert_eq!(stage.rows.len(), 3);
}

#[test]
fn a_restart_forgets_no_message_and_repeats_only_what_was_not_handed_over() {
    let mut stage = Stage::new(MmscConfig::default());
    stage.submit("2001", &draft("t1", &["2002", "2003"]));
    stage.wait(Duration::ZERO);
    let first = stage.mmsc.poll_order(stage.now).unwrap();
    let second = stage.mmsc.poll_order(stage.now).unwrap();
    stage.mmsc.handle_taken(stage.now, first.id, Taken::Accepted);
    stage.write();
    stage.restart(MmscConfig::default());
    stage.wait(Duration::ZERO);
    let again = stage.pushes();
    assert_eq!(again.len(), 1);
    assert_eq!(told(&again[0]), told(&second));
    let (transaction, token) = told(&first);
    assert!(matches!(stage.retrieve("2002", &token), Answer::Handed(_)));
    stage.restart(MmscConfig::default());
    assert_eq!(stage.respond("2002", &transaction, Status::Retrieved), Answer::Done);
    stage.restart(MmscConfig::default());
    stage.wait(Duration::ZERO);
    let reports: Vec<_> =
        stage.pushes().into_iter().filter(|order| order.id.purpose == Purpose::DeliveryReport).collect();
    assert_eq!(reports.len(), 1, "the report was not handed over before the restart");
    stage.restart(MmscConfig::default());
    stage.wait(Duration::ZERO);
    assert!(stage.pushes().iter().all(|order| order.id.purpose == Purpose::Notification));
}

#[test]
fn who_defers_is_not_told_again_and_may_fetch_until_the_end() {
    let mut stage = Stage::new(MmscConfig::default());
    stage.submit("2001", &draft("t1", &["2002"]));
    let (transaction, token) = stage.notification();
    assert_eq!(stage.respond("2002", &transaction, Status::Deferred), Answer::Done);
    stage.wait(Duration::from_secs(86_400));
    assert_eq!(stage.pushes(), []);
    assert!(matches!(stage.retrieve("2002", &token), Answer::Handed(_)));
    let acknowledge =
        Request::Acknowledge { by: number("2002"), transaction: transaction.clone(), report_allowed: false };
    assert_eq!(stage.ask(acknowledge.clone()), Answer::Done);
    assert_eq!(stage.ask(acknowledge), Answer::Done, "and once more changes nothing");
    assert_eq!(stage.pushes(), [], "the recipient does not want the sender to know");
}

#[test]
fn a_message_given_on_goes_with_its_first_sender_and_ends_for_who_gave_it_on() {
    use strowger_mms::message::{Counted, EncodedString, Sender};
    use strowger_mms::{Field, Message, Text};
    let mut stage = Stage::new(MmscConfig::default());
    stage.submit("2001", &draft("t1", &["2002"]));
    let (_, token) = stage.notification();
    let location = format!("http://mmsc/{token}");
    let message = Message::new(MessageType::ForwardReq)
        .with(Field::TransactionId(Text::from("f1")))
        .with(Field::From(Sender::InsertAddress))
        .with(Field::To(EncodedString::new("2003/TYPE=PLMN")))
        .with(Field::ContentLocation(Counted::plain(Text::from(location.as_str()))));
    let mut pdu = Vec::new();
    strowger_mms::encode(&message, &mut pdu).unwrap();
    let Answer::Submitted(stolen) = stage.ask(asked("2009", &pdu)) else { panic!("an answer") };
    assert_eq!(stolen.status, ResponseStatus::PermanentMessageNotFound, "it is not his");
    let Answer::Submitted(given) = stage.ask(asked("2002", &pdu)) else { panic!("an answer") };
    assert_eq!(given.status, ResponseStatus::Ok);
    assert_eq!(stage.retrieve("2002", &token), Answer::NotHanded(NotHanded::Over));
    stage.wait(Duration::ZERO);
    let orders = stage.pushes();
    let reported = orders.iter().find(|order| order.id.purpose == Purpose::DeliveryReport).unwrap();
    assert_eq!(report(reported).0, Status::Forwarded);
    let notified = orders.iter().find(|order| order.id.purpose == Purpose::Notification).unwrap();
    assert_eq!(notified.to, number("2003"));
    let (_, token) = told(notified);
    let handed = handed(stage.retrieve("2003", &token));
    let head = strowger_mms::decode(&handed.head, &Limits::default()).unwrap();
    assert_eq!(head.previous_senders().next().unwrap().address.to_str(), "2001/TYPE=PLMN");
    assert_eq!(head.from().unwrap().address().unwrap().to_str(), "2002/TYPE=PLMN");
    assert!(stage.bodies.contains_key(&handed.body.0), "the body lives on");
}

#[test]
fn a_reading_is_reported_once_and_by_a_recipient_alone() {
    let mut stage = Stage::new(MmscConfig::default());
    let id = stage.submit("2001", &draft("t1", &["2002"])).id.unwrap();
    let (_, token) = stage.notification();
    let read =
        |by: &str| Request::Read { by: number(by), id: id.clone(), status: ReadStatus::Read, date: None };
    assert_eq!(stage.ask(read("2002")), Answer::NotFound, "it was not even fetched");
    handed(stage.retrieve("2002", &token));
    assert_eq!(stage.ask(read("2009")), Answer::NotFound);
    assert_eq!(stage.ask(read("2002")), Answer::Done);
    assert_eq!(stage.ask(read("2002")), Answer::Done);
    let orders = stage.pushes();
    assert_eq!(orders.len(), 1);
    let pdu = strowger_mms::decode(&orders[0].pdu, &Limits::default()).unwrap();
    assert_eq!(pdu.kind(), MessageType::ReadOrigInd);
    assert_eq!(pdu.read_status(), Some(ReadStatus::Read));
}

#[test]
fn too_much_for_one_subscriber_is_told_to_the_sender_and_hurts_no_other() {
    let config = MmscConfig { subscriber_messages: 2, ..MmscConfig::default() };
    let mut stage = Stage::new(config);
    for place in 0..2 {
        stage.submit("2001", &draft(&format!("t{place}"), &["2002"]));
    }
    let full = stage.submit("2001", &draft("t8", &["2002"]));
    assert_eq!((full.status, full.id), (ResponseStatus::TransientFailure, None));
    let some = stage.submit("2001", &draft("t9", &["2002", "2003"]));
    assert_eq!(some.status, ResponseStatus::PartialSuccess);
    assert!(some.id.is_some());
}

#[test]
fn who_is_left_out_of_a_partial_success_is_reported_and_a_repeated_submission_hears_it_again() {
    let config = MmscConfig { subscriber_messages: 1, ..MmscConfig::default() };
    let mut stage = Stage::new(config.clone());
    stage.submit("2001", &Draft { delivery_report: false, ..draft("t0", &["2002"]) });
    stage.notification();
    let mut draft = draft("t1", &["2002", "2003"]);
    draft.to.push("user@example.net".to_owned());
    let some = stage.submit("2001", &draft);
    assert_eq!(some.status, ResponseStatus::PartialSuccess);
    let orders = stage.pushes();
    let told: Vec<_> = orders.iter().filter(|order| order.id.purpose == Purpose::Notification).collect();
    assert!(told.iter().all(|order| order.to == number("2003")), "{told:?}");
    let mut reports: Vec<_> = orders
        .iter()
        .filter(|order| order.id.purpose == Purpose::DeliveryReport)
        .map(|order| (order.to.clone(), report(order)))
        .collect();
    reports.sort_by_key(|(_, (_, to))| to.clone());
    let unreachable = |to: &str| (number("2001"), (Status::Unreachable, to.to_owned()));
    assert_eq!(reports, [unreachable("2002/TYPE=PLMN"), unreachable("user@example.net")]);
    // Also over a restart, and no report comes twice.
    stage.restart(config);
    let again = stage.submit("2001", &draft);
    assert_eq!((again.status, &again.id), (ResponseStatus::PartialSuccess, &some.id));
    stage.wait(Duration::from_secs(1));
    assert!(stage.pushes().iter().all(|order| order.id.purpose == Purpose::Notification));
}

#[test]
fn who_asks_for_no_reports_hears_of_who_was_left_out_in_the_answer_alone() {
    let mut stage = Stage::new(MmscConfig::default());
    let mut draft = Draft { delivery_report: false, ..draft("t1", &["2003"]) };
    draft.to.push("user@example.net".to_owned());
    let some = stage.submit("2001", &draft);
    assert_eq!(some.status, ResponseStatus::PartialSuccess);
    assert!(some.text.unwrap().contains("user@example.net"));
    stage.wait(Duration::ZERO);
    assert!(stage.pushes().iter().all(|order| order.id.purpose == Purpose::Notification));
}

#[test]
fn a_message_that_was_fetched_and_never_acknowledged_is_reported_as_indeterminate() {
    let mut stage = Stage::new(MmscConfig::default());
    let draft = Draft { expiry: Some(When::In(600)), ..draft("t1", &["2002", "2003"]) };
    stage.submit("2001", &draft);
    stage.wait(Duration::ZERO);
    let fetching = stage.pushes().iter().find(|order| order.to == number("2002")).map(told).unwrap();
    handed(stage.retrieve("2002", &fetching.1));
    stage.wait(Duration::from_secs(601));
    let mut reports: Vec<_> = stage.pushes().iter().map(report).collect();
    reports.sort_by_key(|(_, to)| to.clone());
    let expected = [
        (Status::Indeterminate, "2002/TYPE=PLMN".to_owned()),
        (Status::Expired, "2003/TYPE=PLMN".to_owned()),
    ];
    assert_eq!(reports, expected);
    // Too late for the acknowledgement, and for a second fetch.
    assert_eq!(stage.respond("2002", &fetching.0, Status::Retrieved), Answer::Done);
    assert_eq!(stage.retrieve("2002", &fetching.1), Answer::NotHanded(NotHanded::Over));
    assert_eq!(stage.pushes(), []);
}

#[test]
fn a_sender_has_a_rate_and_reports_come_no_faster_than_theirs() {
    let config = MmscConfig { sender_rate: 60, sender_burst: 5, report_rate: 3, ..MmscConfig::default() };
    let mut stage = Stage::new(config);
    let mut waiting = Vec::new();
    for place in 0..5 {
        assert_eq!(stage.submit("2001", &draft(&format!("t{place}"), &["2002"])).status, ResponseStatus::Ok);
        waiting.push(stage.notification());
    }
    assert_eq!(stage.submit("2001", &draft("t9", &["2002"])).status, ResponseStatus::TransientFailure);
    assert_eq!(stage.submit("2009", &draft("t9", &["2002"])).status, ResponseStatus::Ok);
    stage.notification();
    for (transaction, token) in waiting {
        handed(stage.retrieve("2002", &token));
        stage.respond("2002", &transaction, Status::Retrieved);
    }
    assert_eq!(stage.pushes().len(), 3);
    stage.wait(Duration::from_secs(20));
    assert_eq!(stage.pushes().len(), 1);
    stage.wait(Duration::from_secs(20));
    assert_eq!(stage.pushes().len(), 1, "late, but none is lost");
}

#[test]
fn a_hidden_sender_is_hidden_and_one_that_is_written_into_the_message_is_not_believed() {
    let mut stage = Stage::new(MmscConfig::default());
    let hidden = Draft { hidden: true, ..draft("t1", &["2002"]) };
    stage.submit("2001", &hidden);
    let (_, token) = stage.notification();
    let head = handed(stage.retrieve("2002", &token)).head;
    assert_eq!(strowger_mms::decode(&head, &Limits::default()).unwrap().from(), None);
    // The same submission with an address of the sender's choice in From.
    let mut forged = draft("t2", &["2002"]).encode();
    let at = forged.windows(3).position(|octets| octets == [0x89, 0x01, 0x81]).unwrap();
    forged.splice(at..at + 3, *b"\x89\x11\x80+1555/TYPE=PLMN\0");
    stage.ask(asked("2001", &forged));
    assert_eq!(stage.rows.values().last().unwrap().from, Some(number("2001")));
}

#[test]
fn a_sender_may_take_back_what_nobody_fetched() {
    let mut stage = Stage::new(MmscConfig::default());
    let id = stage.submit("2001", &draft("t1", &["2002"])).id.unwrap();
    let (_, token) = stage.notification();
    let cancel = |by: &str| Request::Cancel { by: number(by), id: id.clone() };
    assert_eq!(stage.ask(cancel("2002")), Answer::NotFound);
    assert_eq!(stage.ask(cancel("2001")), Answer::Done);
    assert_eq!(stage.ask(cancel("2001")), Answer::TooLate);
    assert_eq!(stage.retrieve("2002", &token), Answer::NotHanded(NotHanded::Over));
    assert_eq!(stage.pushes(), []);
    let Answer::Known(row) = stage.ask(Request::Look { by: Some(number("2001")), id }) else {
        panic!("a row")
    };
    assert_eq!(row.deliveries[0].state, State::Cancelled);
}

#[test]
fn a_full_store_forgets_what_ended_first_and_refuses_when_nothing_has() {
    let config = MmscConfig { messages: 2, sender_burst: 1000, ..MmscConfig::default() };
    let mut stage = Stage::new(config);
    let first = stage.submit("2001", &draft("t0", &["2002"])).id.unwrap();
    stage.submit("2001", &draft("t1", &["2003"]));
    let full = stage.submit("2001", &draft("t2", &["2004"]));
    assert_eq!(full.status, ResponseStatus::TransientFailure);
    stage.ask(Request::Cancel { by: number("2001"), id: first });
    assert_eq!(stage.submit("2001", &draft("t3", &["2004"])).status, ResponseStatus::Ok);
    assert_eq!(stage.rows.len(), 2);
}

#[test]
fn a_peer_of_version_1_0_is_told_in_the_codes_that_it_knows() {
    for status in ResponseStatus::ALL {
        let (kind, version) = (MessageType::SendConf, Version::V1_0);
        let confirmation = Confirmation { kind, version, transaction: "t", status: *status, store: true };
        let octets = confirmation.encode(None, Some("i"));
        let pdu = strowger_mms::decode(&octets, &Limits::default()).unwrap();
        assert_eq!(pdu.version(), Version::V1_0);
        assert!((0x80..=0x88).contains(&pdu.response_status().unwrap().code()), "{status}");
        assert_eq!(pdu.find(FieldCode::StoreStatus), None, "it knows no boxes");
    }
}

#[test]
fn what_is_not_taken_is_answered_or_discarded_as_the_standard_says() {
    let post = |octets: &[u8]| read::post(octets, &number("2001"), &Limits::default());
    let answer = |octets: &[u8]| match post(octets) {
        Post::Answer(answer, _) => {
            let pdu = strowger_mms::decode(&answer, &Limits::default()).unwrap();
            (pdu.kind(), pdu.response_status(), pdu.transaction_id().unwrap().to_string())
        }
        other => panic!("{other:?}"),
    };
    // Another major version.
    let other = Draft { version: Some(Version::from_code(0xa0)), ..draft("t1", &["2002"]) };
    let expected = (MessageType::SendConf, Some(ResponseStatus::UnsupportedMessage), "t1".to_owned());
    assert_eq!(answer(&other.encode()), expected);
    // A higher minor version is handled as known.
    let newer = Draft { version: Some(Version::from_code(0x97)), ..draft("t1", &["2002"]) };
    assert!(matches!(post(&newer.encode()), Post::Ask(_, Reply::Confirm { .. })));
    // Parts that are none.
    let mut broken = draft("t1", &["2002"]).encode();
    broken.truncate(broken.len() - 3);
    let corrupt = (MessageType::SendConf, Some(ResponseStatus::PermanentFormatCorrupt), "t1".to_owned());
    assert_eq!(answer(&broken), corrupt);
    // Headers that are none, behind those by which the answer is found.
    assert_eq!(answer(b"\x8c\x80\x98t1\0\x8d\x92\x88\x05\x81"), corrupt);
    // A type that nobody knows, messages of an MMSC, and noise.
    assert!(matches!(post(b"\x8c\xf0\x98t1\0\x8d\x92"), Post::Discard(_)));
    assert!(matches!(post(b"\x8c\x83\x98t1\0\x8d\xa0\x95\x81"), Post::Discard(_)));
    assert!(matches!(post(b""), Post::Discard(_)));
    assert!(matches!(post(b"GET / HTTP/1.1"), Post::Discard(_)));
}

#[test]
fn no_prefix_of_a_submission_is_taken_for_it_and_no_octet_changed_stops_anything() {
    let whole = draft("t1", &["2002"]).encode();
    let mut stage = Stage::new(MmscConfig { sender_rate: 0, ..MmscConfig::default() });
    let mut rng = Rng::from_number(7);
    for length in 0..whole.len() {
        if let Post::Ask(request, _) = read::post(&whole[..length], &number("2001"), &Limits::default()) {
            assert!(!matches!(request, Request::Submit(_)), "{length}");
        }
    }
    for _ in 0..5000 {
        let mut octets = whole.clone();
        for _ in 0..=rng.below(3) {
            let at = rng.below(octets.len() as u64) as usize;
            octets[at] = rng.next_u32() as u8;
        }
        if let Post::Ask(request, _) = read::post(&octets, &number("2001"), &Limits::default()) {
            stage.ask(request);
            stage.pushes();
        }
    }
    let after = stage.submit("2001", &draft("last", &["2777"]));
    assert_eq!(after.status, ResponseStatus::Ok, "{after:?}");
}

#[test]
fn what_is_written_is_found_again_and_what_belongs_to_nobody_is_swept() {
    let folder = tempfile::tempdir().unwrap();
    let large = vec![7; 100_000];
    {
        let store = MessageStore::open(folder.path()).unwrap();
        let body = store.take(large.clone(), "a").unwrap();
        assert!(matches!(body, NewBody::File(_)));
        let lost = store.take(large.clone(), "b").unwrap();
        assert!(matches!(lost, NewBody::File(_)), "written, and its message never came");
        let mut mmsc = Mmsc::open(MmscConfig::default(), Rng::from_number(1), START, 0, Vec::new());
        for (place, body) in [body, NewBody::Inline(b"small".to_vec())].into_iter().enumerate() {
            let Request::Submit(mut submission) =
                asked("2001", &draft(&place.to_string(), &["2002"]).encode())
            else {
                panic!("a submission")
            };
            submission.body = body;
            mmsc.handle_request(START, Ticket(0), Request::Submit(submission));
        }
        let changes: Vec<_> = std::iter::from_fn(|| mmsc.poll_change()).collect();
        store.write(&changes).unwrap();
    }
    let store = MessageStore::open(folder.path()).unwrap();
    let found = store.find().unwrap();
    assert_eq!((found.envelopes.len(), found.next, found.unreadable), (2, 2, 0));
    let needed = found.envelopes.iter().map(|envelope| envelope.body).collect();
    store.sweep(&needed).unwrap();
    assert_eq!(store.body(found.envelopes[0].body).unwrap(), Some(large));
    assert_eq!(store.body(found.envelopes[1].body).unwrap(), Some(b"small".to_vec()));
    assert_eq!(std::fs::read_dir(folder.path().join("bodies")).unwrap().count(), 1);
}
