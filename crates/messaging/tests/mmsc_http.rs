//! An MMSC with its sockets: what applications ask by MM7 and by forms, what a handset asks by MM1, and what each hears of the other.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use axum::body::Bytes;
use axum::http::{Method, header};
use serde_json::{Value, json};
use strowger_messaging::http::client::{Call, Connection, Url};
use strowger_messaging::mm7::message::Recipient;
use strowger_messaging::mm7::{
    Address, Cancel, Content, Dialect, Message as Mm7, MmStatus, Operation, Recipients, Replace, Sender,
    Soap, Status as Told, StatusCode, Submit,
};
use strowger_messaging::mmsc::application::{Application, Callback, Interface};
use strowger_messaging::mmsc::{MmscHost, MmscSettings};
use strowger_messaging::push::User;
use strowger_messaging::push::address::Network;
use strowger_messaging::xml::XmlLimits;
use strowger_mms::message::{Counted, ReadStatus, ResponseStatus, Sender as From, Status};
use strowger_mms::{Field, Limits, Message, MessageType, Text, Version};
use support::PATIENCE;
use support::phone::{Phone, draft, holds};
use tokio::sync::mpsc;

const PHONE: &str = "127.0.0.22";
const OTHER: &str = "127.0.0.21";

/// An MMSC with two subscribers and an application of each kind, and what the applications are posted.
struct Town {
    _push: support::Town,
    mmsc: MmscHost,
    phone: Phone,
    other: Phone,
    posted: mpsc::UnboundedReceiver<(String, Bytes)>,
}

/// Thanks by MM7 for what comes by MM7, and with 200 for the rest.
fn thanks(body: &Bytes) -> Vec<u8> {
    let Ok(Soap { transaction, dialect, message }) = Soap::parse(body, &XmlLimits::default()) else {
        return Vec::new();
    };
    let to = match message {
        Mm7::DeliveryReport(_) => Operation::DeliveryReport,
        Mm7::ReadReply(_) => Operation::ReadReply,
        _ => Operation::Deliver,
    };
    let message = Mm7::Response { to, status: Told::of(StatusCode::SUCCESS), id: None };
    Soap { transaction, dialect, message }.to_document()
}

impl Town {
    async fn start() -> Self {
        let (tell, posted) = mpsc::unbounded_channel();
        let routes = axum::Router::new().route(
            "/{place}",
            axum::routing::post(move |place: axum::extract::Path<String>, body: Bytes| {
                let answer = thanks(&body);
                let _ = tell.send((place.0, body));
                std::future::ready(([(header::CONTENT_TYPE, "text/xml")], answer))
            }),
        );
        let listener = tokio::net::TcpListener::bind(support::any()).await.unwrap();
        let url = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let application = |name: &str, number: &str, interface| Application {
            user: User {
                name: name.into(),
                password: Some("secret".into()),
                networks: vec![Network::parse("127.0.0.1").unwrap()],
                ..User::default()
            },
            numbers: vec![number.into()],
            callback: Some(Callback { url: Url::parse(&format!("http://{url}/{name}")).unwrap(), interface }),
            ..Application::default()
        };
        let push = support::Town::start(support::config()).await;
        let (mut phone, mut other) = (Phone::start(PHONE).await, Phone::start(OTHER).await);
        let settings = MmscSettings {
            listen: Some(support::any()),
            subscribers: vec![phone.subscriber("2002"), other.subscriber("2001")],
            applications_listen: Some(support::any()),
            applications: vec![
                application("news", "8000", Interface::Mm7(Dialect::default())),
                application("shop", "8001", Interface::Json),
            ],
            ..MmscSettings::default()
        };
        let mmsc = MmscHost::start(settings, push.gateway.clone()).await.unwrap();
        phone.mmsc = mmsc.local();
        other.mmsc = mmsc.local();
        Self { _push: push, mmsc, phone, other, posted }
    }

    async fn call(&self, user: &str, method: Method, path: &str, kind: &str, body: Vec<u8>) -> (u16, Bytes) {
        let address = self.mmsc.applications().unwrap();
        let mut connection = Connection::open(address, &address.to_string(), PATIENCE).await.unwrap();
        let call = Call {
            method,
            path: path.into(),
            content_type: Some(kind.into()),
            body: body.into(),
            user: Some((user.into(), "secret".into())),
        };
        let answer = connection.send(call).await.unwrap();
        (answer.status.as_u16(), answer.body)
    }

    /// A request of MM7 with one part for its content, and code and identifier of the answer.
    async fn mm7(&self, message: Mm7, content: Option<&[u8]>) -> (StatusCode, Option<String>) {
        let soap = Soap { transaction: "t".into(), dialect: Dialect::default(), message };
        let envelope = soap.to_document();
        let (kind, body) = match content {
            None => ("text/xml".to_owned(), envelope),
            Some(content) => {
                let parts = [
                    b"--b\r\nContent-Type: text/xml\r\nContent-ID: <m>\r\n\r\n".as_slice(),
                    &envelope,
                    b"\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-ID: <c>\r\n\r\n",
                    content,
                    b"\r\n--b--\r\n",
                ];
                ("multipart/related; type=\"text/xml\"; start=\"<m>\"; boundary=b".to_owned(), parts.concat())
            }
        };
        let (_, answer) = self.call("news", Method::POST, "/mm7", &kind, body).await;
        match Soap::parse(&answer, &XmlLimits::default()).unwrap().message {
            Mm7::Response { status, id, .. } => (status.code, id),
            Mm7::Fault(status) => (status.code, None),
            other => panic!("{other:?}"),
        }
    }

    async fn submit(&self, text: &str, reports: bool) -> String {
        let submit = Submit {
            sender: Sender { address: Some(Address::ShortCode("8000".into())), ..Sender::default() },
            recipients: Recipients {
                to: vec![Recipient { address: Address::Number("2002".into()), display_only: false }],
                ..Recipients::default()
            },
            delivery_report: reports,
            read_reply: reports,
            content: Some(Content { href: "cid:c".into(), allow_adaptations: None }),
            ..Submit::default()
        };
        let (code, id) = self.mm7(Mm7::Submit(Box::new(submit)), Some(text.as_bytes())).await;
        assert_eq!(code, StatusCode::SUCCESS);
        id.unwrap()
    }

    /// What an application is posted next.
    async fn told(&mut self) -> (String, Bytes) {
        tokio::time::timeout(PATIENCE, self.posted.recv()).await.expect("news in time").unwrap()
    }
}

#[tokio::test]
async fn an_application_hears_by_mm7_that_a_handset_has_read_its_message() {
    let mut town = Town::start().await;
    let id = town.submit("Good news", true).await;
    let (transaction, location) = town.phone.notified().await;
    assert!(holds(&town.phone.fetch(&location).await.unwrap(), "Good news"));
    town.phone.post(&Message::notifyresp_ind(&transaction, Status::Retrieved)).await;
    let (_, body) = town.told().await;
    let Mm7::DeliveryReport(report) = Soap::parse(&body, &XmlLimits::default()).unwrap().message else {
        panic!("{}", String::from_utf8_lossy(&body));
    };
    assert_eq!((report.id.as_str(), report.status), (id.as_str(), MmStatus::Retrieved));
    let read = |status| Message::read_rec_ind(&id, From::InsertAddress, "8000", status);
    town.other.post(&read(ReadStatus::Read)).await;
    town.phone.post(&read(ReadStatus::DeletedUnread)).await;
    // Only the recipient's word counts, and his first one.
    town.phone.post(&read(ReadStatus::Read)).await;
    let (place, body) = town.told().await;
    let Soap { message, .. } = Soap::parse(&body, &XmlLimits::default()).unwrap();
    let Mm7::ReadReply(reply) = message else { panic!("{}", String::from_utf8_lossy(&body)) };
    assert_eq!((place.as_str(), reply.id.as_str(), reply.status), ("news", id.as_str(), MmStatus::Deleted));
    assert_eq!((reply.recipient.as_str(), reply.sender.as_str()), ("2002", "8000"));
    // The next thing that it hears of is another message: nothing came of the others' words.
    let second = town.submit("More", true).await;
    let (transaction, _) = town.phone.notified().await;
    town.phone.post(&Message::notifyresp_ind(&transaction, Status::Rejected)).await;
    let (_, body) = town.told().await;
    let Mm7::DeliveryReport(report) = Soap::parse(&body, &XmlLimits::default()).unwrap().message else {
        panic!("{}", String::from_utf8_lossy(&body));
    };
    assert_eq!((report.id, report.status), (second, MmStatus::Rejected));
}

#[tokio::test]
async fn an_application_replaces_and_takes_back_by_mm7_what_nobody_has_fetched() {
    let town = Town::start().await;
    let sender = || Sender { address: Some(Address::ShortCode("8000".into())), ..Sender::default() };
    let replace = |id: &str| {
        let content = Some(Content { href: "cid:c".into(), allow_adaptations: None });
        Mm7::Replace(Box::new(Replace { sender: sender(), id: id.into(), content, ..Replace::default() }))
    };
    let cancel = |id: &str| Mm7::Cancel(Cancel { sender: sender(), id: id.into() });
    let id = town.submit("Wrong", false).await;
    let (transaction, location) = town.phone.notified().await;
    assert_eq!(town.mm7(replace(&id), Some(b"Right")).await.0, StatusCode::SUCCESS);
    let fetched = town.phone.fetch(&location).await.unwrap();
    assert!(holds(&fetched, "Right") && !holds(&fetched, "Wrong"));
    assert_eq!(town.mm7(replace(&id), Some(b"Late")).await.0, StatusCode::NOT_POSSIBLE);
    assert_eq!(town.mm7(cancel(&id), None).await.0, StatusCode::NOT_POSSIBLE);
    town.phone.post(&Message::notifyresp_ind(&transaction, Status::Retrieved)).await;
    assert_eq!(town.mm7(cancel(&id), None).await.0, StatusCode::NOT_POSSIBLE);

    let id = town.submit("Never mind", false).await;
    let (_, location) = town.phone.notified().await;
    assert_eq!(town.mm7(cancel("another@mmsc"), None).await.0, StatusCode::MESSAGE_NOT_FOUND);
    assert_eq!(town.mm7(cancel(&id), None).await.0, StatusCode::SUCCESS);
    // Handsets show the words of a retrieval that brings nothing.
    let over = town.phone.fetch(&location).await.unwrap();
    assert!(holds(&over, "no longer available") && !holds(&over, "Never mind"));
    assert_eq!(town.mm7(cancel(&id), None).await.0, StatusCode::NOT_POSSIBLE);
    assert_eq!(town.mm7(replace("another@mmsc"), Some(b"x")).await.0, StatusCode::MESSAGE_NOT_FOUND);
}

/// A form with these fields: name, further headers, octets.
fn form(fields: &[(&str, &str, &[u8])]) -> (String, Vec<u8>) {
    let each = fields.iter().flat_map(|(name, headers, octets)| {
        let head = format!("--f\r\nContent-Disposition: form-data; name=\"{name}\"{headers}\r\n\r\n");
        [head.as_bytes(), octets, b"\r\n"].concat()
    });
    let body = each.chain(b"--f--\r\n".iter().copied()).collect();
    ("multipart/form-data; boundary=f".to_owned(), body)
}

#[tokio::test]
async fn an_application_submits_a_form_with_files_as_they_are() {
    let mut town = Town::start().await;
    // Octets that no text has, the boundary's beginning among them.
    let picture: Vec<u8> = (0..=255).chain(*b"\r\n--g").cycle().take(100_000).collect();
    let message = json!({"id": "order-7", "to": "2002", "subject": "Ready", "delivery_report": true});
    let file = "; filename=\"parcel.png\"\r\nContent-Type: image/png";
    let (kind, body) = form(&[("picture", file, &picture), ("message", "", message.to_string().as_bytes())]);
    let (status, answer) = town.call("shop", Method::POST, "/v1/mms", &kind, body.clone()).await;
    let accepted: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!((status, &accepted["accepted"]), (202, &Value::Bool(true)), "{accepted}");
    let (status, again) = town.call("shop", Method::POST, "/v1/mms", &kind, body).await;
    assert_eq!(
        (status, serde_json::from_slice::<Value>(&again).unwrap()),
        (202, accepted),
        "the same message"
    );
    let (transaction, location) = town.phone.notified().await;
    let fetched = town.phone.fetch(&location).await.unwrap();
    let pdu = strowger_mms::decode(&fetched, &Limits::default()).unwrap();
    let parts = pdu.parts(&Limits::default()).unwrap().unwrap();
    let found =
        parts.iter().find(|part| part.content_type.media.name().as_deref() == Some("image/png")).unwrap();
    assert!(found.data == picture, "{} octets", found.data.len());
    assert!(holds(&fetched, "parcel.png"));
    town.phone.post(&Message::notifyresp_ind(&transaction, Status::Retrieved)).await;
    let event: Value = serde_json::from_slice(&town.told().await.1).unwrap();
    assert_eq!((&event["event"], &event["reference"]), (&json!("delivery"), &json!("order-7")), "{event}");

    let words = message.to_string();
    for (fields, why) in [
        (vec![("picture", file, &picture[..])], "no field `message`"),
        (vec![("message", "", &b"{"[..])], "EOF"),
        (vec![("message", "", words.as_bytes())], "no content"),
    ] {
        let (kind, body) = form(&fields);
        let (status, answer) = town.call("shop", Method::POST, "/v1/mms", &kind, body).await;
        let refused: Value = serde_json::from_slice(&answer).unwrap();
        assert!(status == 400 && refused["error"].as_str().unwrap().contains(why), "{refused}");
    }
}

#[tokio::test]
async fn a_handset_defers_fetches_later_and_acknowledges_and_the_sender_hears_of_it() {
    let town = Town::start().await;
    let message = draft("s1", &["2002/TYPE=PLMN"], "later");
    let sent = town.other.post_octets(message.encode()).await;
    let sent = strowger_mms::decode(&sent, &Limits::default()).unwrap();
    assert_eq!(sent.response_status(), Some(ResponseStatus::Ok));
    let (transaction, location) = town.phone.notified().await;
    town.phone.post(&Message::notifyresp_ind(&transaction, Status::Deferred)).await;
    assert!(holds(&town.phone.fetch(&location).await.unwrap(), "later"));
    town.phone.post(&Message::acknowledge_ind(&transaction)).await;
    let report = town.other.pushed().await;
    let report = strowger_mms::decode(&report, &Limits::default()).unwrap();
    assert_eq!((report.kind(), report.status()), (MessageType::DeliveryInd, Some(Status::Retrieved)));
    assert_eq!(report.message_id().unwrap().to_str(), sent.message_id().unwrap().to_str());
    assert!(holds(&town.phone.fetch(&location).await.unwrap(), "no longer available"));
}

#[tokio::test]
async fn a_handset_deletes_unread_what_it_was_told_of_and_asks_in_vain_for_a_box() {
    let town = Town::start().await;
    town.submit("Spam", false).await;
    let (_, location) = town.phone.notified().await;
    let elsewhere = Field::ContentLocation(Counted::plain(Text::from("http://127.0.0.1/never")));
    let request = Message::delete_req("d1", &location).version(Version::V1_3).with(elsewhere);
    let answer = town.phone.post(&request).await;
    let pdu = strowger_mms::decode(&answer, &Limits::default()).unwrap();
    assert_eq!(
        (pdu.kind(), pdu.transaction_id().unwrap().to_str().as_ref()),
        (MessageType::DeleteConf, "d1")
    );
    let told: Vec<_> = pdu
        .fields()
        .filter_map(|field| match field {
            Field::ResponseStatus(Counted { count, value }) => Some((count, value)),
            _ => None,
        })
        .collect();
    let gone = ResponseStatus::PermanentMessageNotFound;
    assert_eq!(told, [(Some(1), ResponseStatus::Ok), (Some(2), gone)]);
    assert!(holds(&town.phone.fetch(&location).await.unwrap(), "no longer available"));
    let view = town.phone.post(&Message::mbox_view_req("b1").version(Version::V1_2)).await;
    let pdu = strowger_mms::decode(&view, &Limits::default()).unwrap();
    assert_eq!(
        (pdu.kind(), pdu.response_status()),
        (MessageType::MboxViewConf, Some(ResponseStatus::PermanentServiceDenied))
    );
}
