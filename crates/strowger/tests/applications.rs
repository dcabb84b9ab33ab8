//! Applications at an MMSC, all of them processes or beside them: MM7 and JSON, messages, reports, refusals, and what survives a kill.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::Receiver;

use serde_json::Value;
use strowger_messaging::http::{base64, multipart};
use strowger_messaging::mm7::message::Recipient;
use strowger_messaging::mm7::{
    Address, Content, Dialect, Message, MmStatus, Operation, Recipients, Sender, Soap, Status, StatusCode,
    Submit,
};
use strowger_messaging::xml::XmlLimits;
use support::mmsc::{Town, picture};
use support::{PATIENCE, loopback};

/// What an application was posted.
struct Posted {
    path: String,
    content_type: String,
    authorization: Option<String>,
    body: Vec<u8>,
}

fn read_request(stream: &mut TcpStream) -> Option<Posted> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let mut body = vec![0; headers.get("content-length")?.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    let content_type = headers.remove("content-type").unwrap_or_default();
    Some(Posted { path, content_type, authorization: headers.remove("authorization"), body })
}

/// An application's web server: it is told, and answers with what `answer` makes of it.
fn application(answer: fn(&Posted) -> (u16, Vec<u8>)) -> (SocketAddr, Receiver<Posted>) {
    let listener = TcpListener::bind(loopback::at(0)).unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let Some(posted) = read_request(&mut stream) else { continue };
            let (status, body) = answer(&posted);
            let head = format!(
                "HTTP/1.1 {status} x\r\ncontent-type: text/xml\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(&[head.as_bytes(), &body].concat());
            if tell.send(posted).is_err() {
                return;
            }
        }
    });
    (address, told)
}

/// The envelope in what was posted, alone or as the first part.
fn envelope(posted: &Posted) -> Soap {
    let parts = multipart::parse(&posted.content_type, &posted.body);
    let document = parts.as_ref().map_or(posted.body.as_slice(), |parts| parts[0].body);
    Soap::parse(document, &XmlLimits::default()).unwrap()
}

fn thanks(posted: &Posted) -> (u16, Vec<u8>) {
    let Soap { transaction, dialect, message } = envelope(posted);
    let to = match message {
        Message::Deliver(_) => Operation::Deliver,
        Message::DeliveryReport(_) => Operation::DeliveryReport,
        _ => Operation::ReadReply,
    };
    let message = Message::Response { to, status: Status::of(StatusCode::SUCCESS), id: None };
    (200, Soap { transaction, dialect, message }.to_document())
}

/// A request of an application, and the status and body of its answer.
fn request(to: SocketAddr, method: &str, path: &str, user: &str, kind: &str, body: &[u8]) -> (u16, Vec<u8>) {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: mmsc\r\nauthorization: Basic {}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        base64::encode(user.as_bytes()),
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let split = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let status = String::from_utf8_lossy(&answer[9..12]).parse().unwrap();
    (status, answer.split_off(split + 4))
}

/// A submission by MM7: envelope, and a content of text and picture.
fn submission(transaction: &str, to: &str, sender: &str, picture: &[u8]) -> (String, Vec<u8>) {
    let submit = Submit {
        sender: Sender { address: Some(Address::ShortCode(sender.to_owned())), ..Sender::default() },
        recipients: Recipients {
            to: vec![Recipient { address: Address::Number(to.to_owned()), display_only: false }],
            ..Recipients::default()
        },
        subject: Some("News".to_owned()),
        delivery_report: true,
        content: Some(Content { href: "cid:c1".to_owned(), allow_adaptations: None }),
        ..Submit::default()
    };
    let message = Message::Submit(Box::new(submit));
    let document =
        Soap { transaction: transaction.to_owned(), dialect: Dialect::default(), message }.to_document();
    let part = |headers: &[(&str, &str)], body: &[u8]| {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        [headers.as_bytes(), b"\r\n", body, b"\r\n"].concat()
    };
    let join = |boundary: &str, parts: &[Vec<u8>]| {
        let mark = format!("--{boundary}\r\n").into_bytes();
        let parts: Vec<u8> = parts.iter().flat_map(|part| [mark.as_slice(), part].concat()).collect();
        [parts, format!("--{boundary}--\r\n").into_bytes()].concat()
    };
    let inner = join(
        "inner",
        &[
            part(&[("Content-Type", "text/plain; charset=utf-8")], "Grüße".as_bytes()),
            part(
                &[
                    ("Content-Type", "image/png; name=\"news.png\""),
                    ("Content-Transfer-Encoding", "base64"),
                    ("Content-Location", "news.png"),
                ],
                base64::encode(picture).as_bytes(),
            ),
        ],
    );
    let outer = join(
        "outer",
        &[
            part(&[("Content-Type", "text/xml; charset=utf-8"), ("Content-ID", "<m7>")], &document),
            part(&[("Content-Type", "multipart/mixed; boundary=inner"), ("Content-ID", "<c1>")], &inner),
        ],
    );
    ("multipart/related; type=\"text/xml\"; start=\"<m7>\"; boundary=outer".to_owned(), outer)
}

fn soap(answer: &[u8]) -> Message {
    let read = Soap::parse(answer, &XmlLimits::default());
    read.unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(answer))).message
}

#[test]
fn an_application_sends_by_mm7_and_is_told_and_gets_what_is_sent_to_its_number() {
    let (url, told) = application(thanks);
    let listen = loopback::at(8191);
    let sections = format!(
        "[[application]]\nname = \"news\"\npassword = \"secret\"\nnumbers = [\"8000\"]\nurl = \"http://mmsc:word@{url}/in\"\n"
    );
    let town = Town::with(&format!("applications = \"{listen}\""), &sections);
    let _running = town.run();
    let inbox = town.folder.path().join("inbox").display().to_string();
    let mut phone = town.handset("2002", &["--folder", &inbox, "--count", "1", "--timeout", "30"]);
    let (kind, body) = submission("t1", "2002", "8000", &picture());
    let (status, answer) = request(listen, "POST", "/mm7", "news:secret", &kind, &body);
    assert_eq!(status, 200);
    let Message::Response { to: Operation::Submit, status, id: Some(id) } = soap(&answer) else {
        panic!("{}", String::from_utf8_lossy(&answer));
    };
    assert_eq!(status.code, StatusCode::SUCCESS);
    phone.json(&[("event", "notified"), ("from", "8000/TYPE=PLMN"), ("subject", "News")]);
    let received = phone.json(&[("event", "received")]);
    let kept = Path::new(received["folder"].as_str().unwrap());
    assert_eq!(std::fs::read(kept.join("news.png")).unwrap(), picture());
    let texts: Vec<_> = received["parts"].as_array().unwrap().iter().map(|part| &part["text"]).collect();
    assert!(texts.iter().any(|text| *text == "Grüße"), "{texts:?}");
    let status = phone.wait();
    phone.assert_code(status, 0);

    let report = told.recv_timeout(PATIENCE).unwrap();
    assert_eq!(report.path, "/in");
    assert_eq!(report.authorization.unwrap(), format!("Basic {}", base64::encode(b"mmsc:word")));
    let Message::DeliveryReport(report) = soap(&report.body) else { panic!("a report") };
    assert_eq!((report.id.as_str(), report.status), (id.as_str(), MmStatus::Retrieved));
    assert_eq!(report.recipient.as_str(), "2002");

    // The same again is answered from memory; the same name for something else is another message.
    let (_, again) = request(listen, "POST", "/mm7", "news:secret", &kind, &body);
    assert!(matches!(soap(&again), Message::Response { id: Some(same), .. } if same == id));

    // And the other way: a handset writes to the application's number.
    let mut sender =
        town.handset("2001", &["--send", "8000", "--text", "Vote: A", "--delivery-report", "--count", "1"]);
    let delivered = told.recv_timeout(PATIENCE).unwrap();
    let Message::Deliver(message) = envelope(&delivered).message else { panic!("a message") };
    assert_eq!(message.sender.as_str(), "2001");
    assert!(delivered.body.windows(7).any(|window| window == b"Vote: A"));
    sender.json(&[("event", "delivered"), ("status", "retrieved")]);
    let status = sender.wait();
    sender.assert_code(status, 0);
}

#[test]
fn an_application_may_only_what_it_may() {
    let listen = loopback::at(8191);
    let sections = "[[application]]\nname = \"news\"\npassword = \"secret\"\nnumbers = [\"8000\"]\nrecipients = [\"2002\"]\nvaspid = \"p\"\n";
    let town = Town::with(&format!("applications = \"{listen}\""), sections);
    let _running = town.run();
    let post = |user: &str, to: &str, sender: &str| {
        let (kind, body) = submission("t1", to, sender, b"octets");
        request(listen, "POST", "/mm7", user, &kind, &body)
    };
    assert_eq!(post("news:wrong", "2002", "8000").0, 401);
    assert_eq!(post("other:secret", "2002", "8000").0, 401);
    for (to, sender) in [("2001", "8000"), ("2002", "2001")] {
        let Message::Response { status, id: None, .. } = soap(&post("news:secret", to, sender).1) else {
            panic!("a refusal");
        };
        assert_eq!(status.code, StatusCode::RESTRICTED, "{to} from {sender}");
    }
    let (status, answer) = request(listen, "POST", "/mm7", "news:secret", "text/xml", b"<a><b></a>");
    let Message::Fault(fault) = soap(&answer) else { panic!("a fault") };
    assert_eq!((status, fault.code), (500, StatusCode::VALIDATION));
    // Handsets' requests are not served where applications come, nor the other way round.
    assert_eq!(request(listen, "POST", "/", "news:secret", "application/vnd.wap.mms-message", b"x").0, 404);
}

#[test]
fn an_application_sends_by_json_looks_and_takes_back() {
    let (url, told) = application(|_| (200, Vec::new()));
    let listen = loopback::at(8191);
    let sections = format!(
        "[[application]]\nname = \"shop\"\npassword = \"secret\"\nnumbers = [\"8001\"]\ninterface = \"json\"\nurl = \"http://{url}/events\"\n"
    );
    let town = Town::with(&format!("applications = \"{listen}\""), &sections);
    let _running = town.run();
    let ask = |method: &str, path: &str, body: &str| {
        let (status, answer) =
            request(listen, method, path, "shop:secret", "application/json", body.as_bytes());
        (status, serde_json::from_slice::<Value>(&answer).unwrap())
    };
    let message = r#"{"id": "order-7", "to": "2002", "subject": "Ready", "delivery_report": true,
        "parts": [{"type": "text/plain", "text": "Come and get it", "name": "a.txt"}]}"#;
    let (status, accepted) = ask("POST", "/v1/mms", message);
    assert_eq!((status, &accepted["accepted"]), (202, &Value::Bool(true)), "{accepted}");
    let id = accepted["id"].as_str().unwrap();
    let (status, standing) = ask("GET", &format!("/v1/mms/{id}"), "");
    assert_eq!((status, &standing["reference"]), (200, &"order-7".into()), "{standing}");
    assert_eq!(standing["recipients"][0]["state"], "waiting", "{standing}");
    let (status, taken) = ask("DELETE", &format!("/v1/mms/{id}"), "");
    assert_eq!(status, 202, "{taken}");
    let (_, standing) = ask("GET", &format!("/v1/mms/{id}"), "");
    assert_ne!(standing["recipients"][0]["state"], "waiting", "{standing}");

    let mut phone = town.handset("2002", &["--count", "1", "--timeout", "30"]);
    let (_, accepted) = ask("POST", "/v1/mms", &message.replace("order-7", "order-8"));
    let received = phone.json(&[("event", "received")]);
    assert_eq!(received["subject"], "Ready");
    let event = loop {
        let posted = told.recv_timeout(PATIENCE).unwrap();
        let event: Value = serde_json::from_slice(&posted.body).unwrap();
        if event["reference"] == "order-8" {
            break event;
        }
    };
    assert_eq!((&event["event"], &event["state"]), (&"delivery".into(), &"retrieved".into()), "{event}");
    assert_eq!(event["id"], accepted["id"]);

    for (body, why) in [
        ("{}", "nobody is named"),
        (r#"{"to": "2002", "prats": []}"#, "unknown field"),
        (r#"{"to": "2002"}"#, "no content"),
        (r#"{"to": "2002", "parts": [{"type": "text/plain"}]}"#, "either"),
        (r#"{"to": "2002", "after": "soon", "parts": [{"type": "text/plain", "text": "x"}]}"#, "`after`"),
    ] {
        let (status, answer) = ask("POST", "/v1/mms", body);
        assert!(status == 400 && answer["error"].as_str().unwrap().contains(why), "{body}: {answer}");
    }
    assert_eq!(ask("GET", "/v1/mms/nobody", "").0, 404);
}

#[test]
fn a_report_is_kept_for_an_application_that_is_away_over_a_kill() {
    // Nobody listens there yet.
    let url = loopback::at(9000);
    let listen = loopback::at(8191);
    let sections = format!(
        "[[application]]\nname = \"shop\"\npassword = \"secret\"\nnumbers = [\"8001\"]\ninterface = \"json\"\nurl = \"http://{url}/\"\n"
    );
    let town = Town::with(&format!("applications = \"{listen}\""), &sections);
    let running = town.run();
    let mut phone = town.handset("2002", &["--count", "1", "--timeout", "30"]);
    let message = r#"{"id": "order-9", "to": "2002", "delivery_report": true, "parts": [{"type": "text/plain", "text": "x"}]}"#;
    let (status, _) =
        request(listen, "POST", "/v1/mms", "shop:secret", "application/json", message.as_bytes());
    assert_eq!(status, 202);
    phone.json(&[("event", "acknowledged")]);
    running.cut();
    let listener = TcpListener::bind(url).unwrap();
    let _running = town.run();
    listener.set_nonblocking(true).unwrap();
    let (mut stream, _) = support::until("the report", || listener.accept().ok());
    stream.set_nonblocking(false).unwrap();
    let posted = read_request(&mut stream).unwrap();
    let event: Value = serde_json::from_slice(&posted.body).unwrap();
    assert_eq!((&event["event"], &event["reference"]), (&"delivery".into(), &"order-9".into()), "{event}");
}
