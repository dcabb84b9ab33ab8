//! The Push Access Protocol, both sides, and what strangers send instead of it.

#![allow(clippy::panic, clippy::print_stdout, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use axum::response::IntoResponse as _;
use serde_json::json;
use strowger_messaging::http::client::{Call, Url};
use strowger_messaging::http::multipart;
use strowger_messaging::pap::client::{Entity, send, to_http};
use strowger_messaging::pap::message::DeliveryMethod;
use strowger_messaging::pap::{Code, Operation, PushMessage, Quality, ResultNotification, Version, notify};
use strowger_messaging::push::Replacement;
use strowger_messaging::push::address::{Address, AddressError, Network};
use strowger_messaging::queue::{Gone, Priority, State};
use strowger_messaging::smpp::simulator::Behaviour;
use strowger_messaging::smpp::{Authorities, ServerTls};
use strowger_messaging::time;
use strowger_messaging::xml::{Element, XmlLimits, parse};
use strowger_mms::wbxml::ServiceIndication;
use strowger_mms::{Limits, wsp};
use support::{Host, Town, call, centre, config, simulator};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;

const SI: &str = r#"<?xml version="1.0"?>
<!DOCTYPE si PUBLIC "-//WAPFORUM//DTD SI 1.0//EN" "http://www.wapforum.org/DTD/si.dtd">
<si><indication href="http://www.example.com/m" si-id="a1" action="signal-medium">Hi</indication></si>"#;

/// The connectionless push of a datagram: media type and data.
fn opened(datagram: &[u8]) -> (String, Vec<u8>) {
    let wsp::Pdu::Push(push) = wsp::decode_connectionless(datagram, &Limits::default()).unwrap().pdu else {
        panic!("a push")
    };
    (push.content_type.media.name().unwrap().into_owned(), push.data.to_vec())
}

fn url(town: &Town) -> Url {
    Url::parse(&format!("http://pi:secret@{}/pap", town.server.local())).unwrap()
}

fn message(id: &str, to: &str) -> PushMessage {
    PushMessage { push_id: id.into(), addresses: vec![to.into()], ..PushMessage::default() }
}

async fn code(town: &Town, operation: &Operation, media: Option<&str>, body: &[u8]) -> Code {
    let entity = media.map(|media| Entity { media, application: None, body });
    send(&url(town), operation, entity.as_ref(), support::PATIENCE).await.unwrap().0.code
}

fn replacing(id: &str, gone: Gone) -> Option<Replacement> {
    Some(Replacement { push_id: id.into(), gone })
}

/// `WAPPUSH=127.0.0.1/TYPE=IPv4@ppg.town` has no port; tests have one of their own, in the plain form.
async fn submit(town: &Town, message: PushMessage, media: &str, body: &[u8]) -> Code {
    code(town, &Operation::Push(message), Some(media), body).await
}

#[tokio::test]
async fn a_service_indication_is_submitted_as_xml_and_arrives_as_wbxml() {
    let town = Town::start(config()).await;
    let host = Host::start().await;
    let answer = submit(&town, message("si1", &host.address()), "text/vnd.wap.si", SI.as_bytes()).await;
    assert_eq!(answer, Code::ACCEPTED);
    let (media, data) = opened(&host.datagram().await);
    assert_eq!(media, "application/vnd.wap.sic");
    let document = ServiceIndication::decode(&data, &Limits::default()).unwrap();
    assert_eq!(document.href.as_deref(), Some("http://www.example.com/m"));
    assert_eq!(document.text, "Hi");
}

#[tokio::test]
async fn each_fault_of_a_push_has_its_code() {
    let mut settings = config();
    settings.network_types = vec!["GSM".into()];
    let town = Town::start(settings).await;
    let to = "127.0.0.1:9";
    let si = "text/vnd.wap.si";
    assert_eq!(submit(&town, message("twice", to), si, SI.as_bytes()).await, Code::ACCEPTED);
    assert_eq!(submit(&town, message("twice", to), si, SI.as_bytes()).await, Code::DUPLICATE_PUSH_ID);
    let sent = async |message, media, body: &str| submit(&town, message, media, body.as_bytes()).await;
    assert_eq!(sent(message("a", "WAPPUSH=x/TYPE=IPv4@y"), si, SI).await, Code::ADDRESS_ERROR);
    assert_eq!(sent(message("b", "WAPPUSH=+15550100/TYPE=PLMN@y"), si, SI).await, Code::ADDRESS_NOT_FOUND);
    assert_eq!(sent(message("c", "WAPPUSH=nobody/TYPE=USER@y"), si, SI).await, Code::ADDRESS_NOT_FOUND);
    assert_eq!(sent(message("d", "WAPPUSH=192.0.2.1/TYPE=IPv4@y"), si, SI).await, Code::FORBIDDEN);
    assert_eq!(sent(message("e", to), si, "<si><indication").await, Code::TRANSFORMATION_FAILURE);
    assert_eq!(sent(message("f", to), "", SI).await, Code::TRANSFORMATION_FAILURE);
    let high = "<sl href=\"http://www.example.com/m\" action=\"execute-high\"/>";
    assert_eq!(sent(message("g", to), "text/vnd.wap.sl", high).await, Code::FORBIDDEN);
    let provisioning = "application/vnd.wap.connectivity-wbxml";
    assert_eq!(sent(message("h", to), provisioning, "\u{3}\u{b}j\0").await, Code::FORBIDDEN);
    let past = PushMessage { before: Some(1_000), ..message("i", to) };
    assert_eq!(sent(past, si, SI).await, Code::BAD_REQUEST);
    let replacing = PushMessage { replaces: replacing("never", Gone::Send), ..message("j", to) };
    assert_eq!(sent(replacing, si, SI).await, Code::PUSH_ID_NOT_FOUND);
    let confirmed = Quality { delivery: DeliveryMethod::Confirmed, ..Quality::default() };
    let confirmed = PushMessage { quality: confirmed, ..message("k", to) };
    assert_eq!(sent(confirmed, si, SI).await, Code::DELIVERY_METHOD_NOT_POSSIBLE);
    let short = Quality { bearer: Some("SMS".into()), bearer_required: true, ..Quality::default() };
    let short = PushMessage { quality: short, ..message("l", to) };
    assert_eq!(sent(short, si, SI).await, Code::BEARER_NOT_AVAILABLE);
    let dects = Quality { network: Some("DECT".into()), network_required: true, ..Quality::default() };
    let dects = PushMessage { quality: dects, ..message("o", to) };
    assert_eq!(sent(dects, si, SI).await, Code::NETWORK_NOT_AVAILABLE);
    let report = PushMessage { notify: Some("http://127.0.0.1:9/".into()), ..message("m", to) };
    assert_eq!(sent(report, si, SI).await, Code::FORBIDDEN, "reports may go nowhere by default");
    let push = Operation::Push(message("n", to));
    assert_eq!(code(&town, &push, None, b"").await, Code::BAD_REQUEST, "there is no content");
}

#[tokio::test]
async fn a_trusted_user_may_send_what_others_may_not() {
    let mut trusting = config();
    trusting.users[0].trusted = true;
    let town = Town::start(trusting).await;
    let host = Host::start().await;
    let high = b"<sl href=\"http://www.example.com/m\" action=\"execute-high\"/>";
    assert_eq!(submit(&town, message("g", &host.address()), "text/vnd.wap.sl", high).await, Code::ACCEPTED);
    assert_eq!(opened(&host.datagram().await).0, "application/vnd.wap.slc");
}

#[tokio::test]
async fn a_push_for_later_is_asked_for_and_cancelled() {
    let town = Town::start(config()).await;
    let later =
        PushMessage { after: Some(town.gateway.now() + 3_600_000), ..message("later", "127.0.0.1:9") };
    assert_eq!(submit(&town, later, "text/vnd.wap.si", SI.as_bytes()).await, Code::ACCEPTED);
    let status = Operation::Status("later".into(), Vec::new());
    assert_eq!(code(&town, &status, None, b"").await, Code::ACCEPTED, "it is pending");
    let elsewhere = Operation::Cancel("later".into(), vec!["127.0.0.1:10".into()]);
    assert_eq!(code(&town, &elsewhere, None, b"").await, Code::ADDRESS_NOT_FOUND);
    let cancel = Operation::Cancel("later".into(), vec!["127.0.0.1:9".into()]);
    assert_eq!(code(&town, &cancel, None, b"").await, Code::OK);
    support::until("its end", async || {
        let (outcome, answer) = send(&url(&town), &status, None, support::PATIENCE).await.unwrap();
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        outcome.code == Code::OK && text.contains("message-state=\"cancelled\"")
    })
    .await;
    assert_eq!(code(&town, &cancel, None, b"").await, Code::CANCELLATION_NOT_POSSIBLE);
    let unknown = Operation::Cancel("never".into(), Vec::new());
    assert_eq!(code(&town, &unknown, None, b"").await, Code::PUSH_ID_NOT_FOUND);
    let query = Operation::Capabilities(Some("q".into()), "WAPPUSH=+15550100/TYPE=PLMN@x".into());
    assert_eq!(code(&town, &query, None, b"").await, Code::CAPABILITIES_NOT_AVAILABLE);
}

/// The state of a push's only recipient.
async fn state(town: &Town, id: &str) -> String {
    let status = Operation::Status(id.into(), Vec::new());
    let (_, answer) = send(&url(town), &status, None, support::PATIENCE).await.unwrap();
    let document = parse(&answer.body, &XmlLimits::default()).unwrap();
    let response = document.find("statusquery-response").unwrap();
    response.find("statusquery-result").unwrap().attribute("message-state").unwrap().into()
}

#[tokio::test]
async fn a_push_that_waits_is_replaced_and_one_that_left_only_if_all_are_meant() {
    let town = Town::start(config()).await;
    let host = Host::start().await;
    let si = |text: &str| SI.replace("Hi", text);
    let to = host.address();
    let sent =
        async |message, text: &str| submit(&town, message, "text/vnd.wap.si", si(text).as_bytes()).await;
    let heard = async || {
        let (_, data) = opened(&host.datagram().await);
        ServiceIndication::decode(&data, &Limits::default()).unwrap().text
    };
    let later = Some(town.gateway.now() + 3_600_000);
    assert_eq!(sent(PushMessage { after: later, ..message("a", &to) }, "old").await, Code::ACCEPTED);
    let new = PushMessage { replaces: replacing("a", Gone::Drop), ..message("b", &to) };
    assert_eq!(sent(new, "new").await, Code::ACCEPTED);
    assert_eq!(heard().await, "new");
    support::until("their ends", async || {
        (state(&town, "a").await, state(&town, "b").await) == ("cancelled".into(), "delivered".into())
    })
    .await;
    let late = PushMessage { replaces: replacing("b", Gone::Drop), ..message("c", &to) };
    assert_eq!(sent(late, "late").await, Code::NOT_POSSIBLE, "it has left for all");
    let all = PushMessage { replaces: replacing("b", Gone::Send), ..message("c", &to) };
    assert_eq!(sent(all, "all").await, Code::ACCEPTED, "what was refused has used up no name");
    assert_eq!(heard().await, "all");
    let other = PushMessage { replaces: replacing("nothing", Gone::Send), ..message("d", &to) };
    assert_eq!(sent(other, "x").await, Code::PUSH_ID_NOT_FOUND);
}

#[tokio::test]
async fn an_answer_is_in_the_version_that_its_sender_speaks() {
    let town = Town::start(config()).await;
    let mut connection = town.connect().await;
    for (kind, answered) in [
        ("", "DTD PAP 2.0//EN"),
        ("<!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP 1.0//EN\" \"x\">", "DTD PAP 1.0//EN"),
        ("<!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP 2.0//EN\" \"x\">", "DTD PAP 2.0//EN"),
        (
            "<!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP 2.1//EN\" \"x\" \
             [<?wap-pap-ver supported-versions=\"2.0,1.*\"?>]>",
            "DTD PAP 2.1//EN",
        ),
        ("<!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP 3.0//EN\" \"x\">", "code=\"3002\""),
    ] {
        let body = format!("<?xml version=\"1.0\"?>{kind}<pap><statusquery-message push-id=\"x\"/></pap>");
        let call = Call {
            method: Method::POST,
            path: "/pap".into(),
            content_type: Some("application/xml".into()),
            body: body.into(),
            user: Some(("pi".into(), "secret".into())),
        };
        let answer = connection.send(call).await.unwrap();
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(text.contains(answered), "{kind}: {text}");
    }
}

#[test]
fn times_are_read_in_each_form_of_their_standard() {
    let noon = time::parse("2026-06-30T12:00:00Z").unwrap();
    for (text, meant) in [
        ("2026-06-30T12:00:00Z", Some(noon)),
        (" 2026-06-30T12:00:00Z ", Some(noon)),
        ("2026-06-30t12:00:00z", Some(noon)),
        ("2026-06-30T12:00:00", Some(noon)),
        ("2026-06-30T12:00Z", Some(noon)),
        ("2026-06-30T14:00:00+02:00", Some(noon)),
        ("2026-06-30T12:00:00.5Z", Some(noon + 500)),
        ("20260630T120000Z", Some(noon)),
        ("2026-06-30", Some(noon - 43_200_000)),
        ("2026-06-30T24:00:00Z", None),
        ("2026-06-30T11:59:60Z", Some(noon - 1000)),
        ("2026-13-01T00:00:00Z", None),
        ("2026-02-30T00:00:00Z", None),
        ("2026-06-30T25:00:00Z", None),
        ("2026-06-30T24:00:01Z", None),
        ("1969-12-31T23:59:59Z", None),
        ("noon", None),
        ("", None),
    ] {
        assert_eq!(time::parse_local(text), meant, "{text}");
    }
}

/// An initiator that takes reports at `/result`, and its address.
async fn initiator() -> (std::net::SocketAddr, mpsc::UnboundedReceiver<axum::body::Bytes>) {
    let (reports, reported) = mpsc::unbounded_channel();
    let routes = axum::Router::new().route(
        "/result",
        axum::routing::post(move |body: axum::body::Bytes| {
            let _ = reports.send(body);
            std::future::ready(StatusCode::OK.into_response())
        }),
    );
    let listener = tokio::net::TcpListener::bind(support::any()).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (address, reported)
}

/// A push as an initiator of another make writes it: the control document in the version that `kind` declares.
async fn submit_as(town: &Town, kind: &str, push: &str, content: &str) -> String {
    let body = format!(
        "--x\r\nContent-Type: application/xml\r\n\r\n<?xml version=\"1.0\"?>{kind}<pap>{push}</pap>\r\n\
         --x\r\nContent-Type: text/vnd.wap.si\r\n\r\n{content}\r\n--x--\r\n"
    );
    let call = Call {
        method: Method::POST,
        path: "/pap".into(),
        content_type: Some("multipart/related; boundary=x; type=\"application/xml\"".into()),
        body: body.into(),
        user: Some(("pi".into(), "secret".into())),
    };
    let answer = town.connect().await.send(call).await.unwrap();
    String::from_utf8_lossy(&answer.body).into_owned()
}

#[tokio::test]
async fn a_result_is_reported_in_the_version_of_its_push_over_a_restart_too() {
    let (initiator, mut reported) = initiator().await;
    let folder = tempfile::tempdir().unwrap();
    let host = Host::start().await;
    let mut settings = config();
    settings.report_to = vec![Network::parse("127.0.0.0/8").unwrap()];
    settings.store = Some(folder.path().join("push.redb"));
    let town = Town::start(settings.clone()).await;
    let typed = |number: &str| format!("<!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP {number}//EN\" \"x\">");
    for (id, kind) in [("a", typed("1.0")), ("b", typed("2.0")), ("c", typed("2.1")), ("d", String::new())] {
        let push = format!(
            "<push-message push-id=\"{id}\" ppg-notify-requested-to=\"http://{initiator}/result\">\
             <address address-value=\"{}\"/></push-message>",
            host.address()
        );
        let answer = submit_as(&town, &kind, &push, SI).await;
        assert!(answer.contains("code=\"1001\""), "{answer}");
        host.datagram().await;
    }
    // Nobody reported until here: the next gateway knows the versions from the disk.
    town.stop().await;
    let mut town = Town::start(settings).await;
    tokio::spawn(notify::run(town.gateway.clone(), town.notices.take().unwrap()));
    let mut heard = Vec::new();
    for _ in 0..4 {
        let body = tokio::time::timeout(support::PATIENCE, reported.recv()).await.unwrap().unwrap();
        let report = ResultNotification::parse(&body).unwrap();
        heard.push((report.push_id, report.version, report.state));
    }
    heard.sort_by(|one, other| one.0.cmp(&other.0));
    let versions = [Version::V1_0, Version::V2_0, Version::V2_1, Version::V2_0];
    let meant = ["a", "b", "c", "d"].into_iter().zip(versions);
    let meant: Vec<_> = meant.map(|(id, version)| (id.to_owned(), version, State::Delivered)).collect();
    assert_eq!(heard, meant);
}

/// Stage and note of each progress note in an answer, and its code.
fn progress(answer: &str) -> (Vec<(String, String)>, String) {
    let document = parse(answer.as_bytes(), &XmlLimits::default()).unwrap();
    let response = document.find("push-response").unwrap();
    let text = |element: &Element, name| element.attribute(name).unwrap().to_owned();
    let notes = response.all("progress-note").map(|note| {
        assert!(time::parse(&text(note, "time")).is_some(), "{answer}");
        (text(note, "stage"), text(note, "note"))
    });
    let result = response.find("response-result").unwrap();
    (notes.collect(), text(result, "code"))
}

#[tokio::test]
async fn who_asks_for_progress_is_told_each_stage_up_to_the_one_that_failed() {
    let town = Town::start(config()).await;
    let push = |id: &str, more: &str, inside: &str| {
        format!(
            "<push-message push-id=\"{id}\" {more}><address address-value=\"127.0.0.1:9\"/>{inside}</push-message>"
        )
    };
    let asked = "progress-notes-requested=\"true\"";
    let demanding = "<quality-of-service delivery-method=\"confirmed\"/>";
    let (notes, code) = progress(&submit_as(&town, "", &push("a", "", ""), SI).await);
    assert_eq!((notes.len(), code.as_str()), (0, "1001"), "nobody asked");
    for (id, inside, content, stages, code) in [
        ("b", "", SI, &[("validation", "OK"), ("transformation", "OK"), ("acceptance", "OK")][..], "1001"),
        ("c", "", "<si", &[("validation", "OK"), ("transformation", "Transformation Failure")][..], "3006"),
        ("d", demanding, SI, &[("validation", "Specified Delivery Method Not Possible")][..], "3007"),
        (
            "a",
            "",
            SI,
            &[("validation", "OK"), ("transformation", "OK"), ("acceptance", "Duplicate Push ID")][..],
            "2007",
        ),
    ] {
        let answer = submit_as(&town, "", &push(id, asked, inside), content).await;
        let (notes, told) = progress(&answer);
        let notes: Vec<_> = notes.iter().map(|(stage, note)| (stage.as_str(), note.as_str())).collect();
        assert_eq!((notes.as_slice(), told.as_str()), (stages, code), "{answer}");
    }
}

#[tokio::test]
async fn a_result_is_reported_to_whoever_asked_until_it_is_taken() {
    let (initiator, mut reported) = initiator().await;
    let smsc = simulator(Behaviour::default()).await;
    let _subscriber = smsc.subscribe("15550101");
    let mut settings = config();
    settings.report_to = vec![Network::parse("127.0.0.0/8").unwrap()];
    settings.centres = vec![centre(smsc.local())];
    let mut town = Town::start(settings).await;
    tokio::spawn(notify::run(town.gateway.clone(), town.notices.take().unwrap()));
    for (number, state) in [("15550101", State::Delivered), ("15550199", State::Undeliverable)] {
        let mut push = message(number, &format!("WAPPUSH=+{number}/TYPE=PLMN@ppg.town"));
        push.notify = Some(format!("http://{initiator}/result"));
        push.quality.delivery = DeliveryMethod::Confirmed;
        assert_eq!(submit(&town, push, "text/vnd.wap.si", SI.as_bytes()).await, Code::ACCEPTED);
        let body = tokio::time::timeout(support::PATIENCE, reported.recv()).await.unwrap().unwrap();
        let report = ResultNotification::parse(&body).unwrap();
        assert_eq!((report.push_id.as_str(), report.state), (number, state));
        assert_eq!(report.address, format!("WAPPUSH=+{number}/TYPE=PLMN@ppg.town"));
    }
}

/// Answers one request in TLS with 200, and gives its body.
async fn taken_in_tls(listener: &tokio::net::TcpListener, tls: &ServerTls) -> Option<Vec<u8>> {
    let (stream, _) = listener.accept().await.unwrap();
    let mut stream = tls.acceptor().accept(stream).await.ok()?;
    let mut request = Vec::new();
    while !request.ends_with(b"</pap>\n") {
        let mut buffer = [0; 4096];
        let length = stream.read(&mut buffer).await.unwrap();
        assert!(length > 0, "it ends early");
        request.extend_from_slice(&buffer[..length]);
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    stream.flush().await.unwrap();
    let head = request.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    Some(request.split_off(head + 4))
}

#[tokio::test]
async fn a_result_is_reported_over_https_to_a_host_that_proves_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let (ca, chain, key) = support::authority(&folder);
    let tls = ServerTls::new(&chain, &key).unwrap();
    let listener = tokio::net::TcpListener::bind(support::any()).await.unwrap();
    let initiator = listener.local_addr().unwrap();
    let mut settings = config();
    settings.report_to = vec![Network::parse("127.0.0.0/8").unwrap()];
    let host = Host::start().await;
    let reporting = |id: &str| {
        let notify = Some(format!("https://{initiator}/result"));
        PushMessage { notify, ..message(id, &host.address()) }
    };
    let town = Town::start(settings.clone()).await;
    let refused = submit(&town, reporting("a"), "text/vnd.wap.si", SI.as_bytes()).await;
    assert_eq!(refused, Code::FORBIDDEN, "nobody could prove anything");
    settings.report_authorities = Some(Authorities::read(&ca).unwrap());
    let mut town = Town::start(settings.clone()).await;
    tokio::spawn(notify::run(town.gateway.clone(), town.notices.take().unwrap()));
    let accepted = submit(&town, reporting("a"), "text/vnd.wap.si", SI.as_bytes()).await;
    assert_eq!(accepted, Code::ACCEPTED);
    let body = tokio::time::timeout(support::PATIENCE, taken_in_tls(&listener, &tls)).await.unwrap();
    let report = ResultNotification::parse(&body.unwrap()).unwrap();
    assert_eq!((report.push_id.as_str(), report.state), ("a", State::Delivered));
    // Another authority has not signed for that host.
    let elsewhere = tempfile::tempdir().unwrap();
    settings.report_authorities = Some(Authorities::read(&support::authority(&elsewhere).0).unwrap());
    let mut town = Town::start(settings).await;
    tokio::spawn(notify::run(town.gateway.clone(), town.notices.take().unwrap()));
    let accepted = submit(&town, reporting("a"), "text/vnd.wap.si", SI.as_bytes()).await;
    assert_eq!(accepted, Code::ACCEPTED);
    let body = tokio::time::timeout(support::PATIENCE, taken_in_tls(&listener, &tls)).await.unwrap();
    assert_eq!(body, None, "nothing is said to who proves nothing");
}

#[test]
fn operations_are_read_as_they_were_written() {
    let push = PushMessage {
        push_id: "a<&\">b".into(),
        replaces: replacing("c", Gone::Drop),
        addresses: vec!["WAPPUSH=+15550100/TYPE=PLMN@x".into(), "WAPPUSH=127.0.0.1/TYPE=IPv4@x".into()],
        quality: Quality {
            priority: Priority::High,
            delivery: DeliveryMethod::PreferConfirmed,
            network: Some("GSM".into()),
            network_required: true,
            bearer: Some("SMS".into()),
            bearer_required: true,
        },
        before: time::parse("2026-06-30T23:59:59Z"),
        after: time::parse("2026-01-01T00:00:00Z"),
        notify: Some("http://127.0.0.1/?a=1&b=2".into()),
        progress_notes: true,
    };
    let operations = [
        Operation::Push(push),
        Operation::Cancel("x".into(), vec!["y".into()]),
        Operation::Status("x".into(), Vec::new()),
        Operation::Capabilities(None, "y".into()),
    ];
    for operation in operations {
        assert_eq!(Operation::parse(operation.to_document().as_bytes()), Ok(operation));
    }
}

#[test]
fn addresses_have_many_forms_and_one_meaning() {
    let number = |text: &str| Ok(Address::Number(text.into()));
    let host = |text: &str| Ok(Address::Host(text.parse().unwrap()));
    for (text, meant) in [
        ("WAPPUSH=+15550100/TYPE=PLMN@ppg.town", number("+15550100")),
        ("wappush=+1-555-0100/type=plmn", number("+15550100")),
        ("WAPPUSH=%2B15550100/TYPE=PLMN@ppg.town", number("+15550100")),
        ("+1 (555) 0100", number("+15550100")),
        ("2948", number("2948")),
        ("WAPPUSH=127.0.0.2/TYPE=IPv4@x", host("127.0.0.2:2948")),
        ("WAPPUSH=2001:db8::1/TYPE=IPv6@x", host("[2001:db8::1]:2948")),
        ("WAPPUSH=0000:0000:0000:0000:0000:0000:0000:0001/TYPE=IPv6@x", host("[::1]:2948")),
        ("127.0.0.2:3000", host("127.0.0.2:3000")),
        ("::ffff:127.0.0.2", host("127.0.0.2:2948")),
        ("WAPPUSH=ann%40town/TYPE=USER@x", Ok(Address::User("ann@town".into()))),
        ("", Err(AddressError::Length)),
        ("WAPPUSH=+15550100@x", Err(AddressError::Type)),
        ("WAPPUSH=+15550100/TYPE=FAX@x", Err(AddressError::Type)),
        ("WAPPUSH=12x/TYPE=PLMN@x", Err(AddressError::Number)),
        ("WAPPUSH=1%2/TYPE=PLMN@x", Err(AddressError::Escape)),
        ("WAPPUSH=1.2.3/TYPE=IPv4@x", Err(AddressError::Host)),
        ("+", Err(AddressError::Number)),
        ("123456789012345678901", Err(AddressError::Number)),
    ] {
        assert_eq!(Address::parse(text), meant, "{text}");
    }
    for text in ["+15550100", "127.0.0.2", "::1", "ann@town"] {
        let address = Address::parse(text).unwrap();
        assert_eq!(Address::parse(&address.to_pap("ppg.town")), Ok(address), "{text}");
    }
    assert_eq!(Address::parse(&"9".repeat(10_000)), Err(AddressError::Length));
}

#[test]
fn a_network_has_the_addresses_with_its_beginning() {
    let network = Network::parse("10.20.0.0/14").unwrap();
    for (address, inside) in
        [("10.20.0.1", true), ("10.23.255.255", true), ("10.24.0.0", false), ("::1", false)]
    {
        assert_eq!(network.contains(address.parse().unwrap()), inside, "{address}");
    }
    assert!(Network::parse("0.0.0.0/0").unwrap().contains("192.0.2.1".parse().unwrap()));
    assert!(!Network::parse("0.0.0.0/0").unwrap().contains("::1".parse().unwrap()));
    for wrong in ["10.0.0.0/33", "x", "10.0.0.0/", "::/129"] {
        assert_eq!(Network::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn bombs_entities_and_declarations_are_refused_at_once() {
    let limits = XmlLimits::default();
    let laughs = "<!DOCTYPE pap [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\">]><pap>&b;</pap>";
    let outside = "<!DOCTYPE pap [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><pap>&x;</pap>";
    let deep = "<a>".repeat(100_000);
    let many = format!("<pap>{}</pap>", "<a/>".repeat(50_000));
    let wide: String = (0..1000).map(|number| format!(" a{number}=\"\"")).collect();
    for document in [
        laughs,
        outside,
        "<pap>&b;</pap>",
        "<pap a=\"&b;\"/>",
        "<pap>&#0;</pap>",
        "<pap>&#x110000;</pap>",
        &deep,
        &many,
        &format!("<pap{wide}/>"),
        "<pap a=\"1\" a=\"2\"/>",
        "<!DOCTYPE pap [<?x y?><!ENTITY a \"b\">]><pap/>",
        "<!DOCTYPE pap [<?x y?> x]><pap/>",
        "<pap>",
        "</pap>",
        "<pap/><pap/>",
        "<pap/>x",
        "x",
        "",
        "<pap><a></pap></a>",
    ] {
        let before = Instant::now();
        let shown: String = document.chars().take(60).collect();
        assert!(parse(document.as_bytes(), &limits).is_err(), "{shown}");
        assert!(before.elapsed() < Duration::from_secs(1), "{shown}");
    }
    let named = "<!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP 1.0//EN\" \"http://192.0.2.1/pap.dtd\"><pap>&lt;&#65;</pap>";
    assert_eq!(parse(named.as_bytes(), &limits).unwrap().text, "<A", "nothing is fetched");
    assert!(parse(&[b'<', 0xff], &limits).is_err());
    assert!(parse(&vec![b' '; 300_000], &limits).is_err());
}

#[test]
fn a_multipart_body_is_taken_apart_whatever_is_in_its_parts() {
    let entity = Entity { media: "a/b", application: Some("c"), body: b"--strowger-push--\r\n\0\xff" };
    let (kind, body) = to_http(&Operation::Status("x".into(), Vec::new()), Some(&entity));
    let parts = multipart::parse(&kind, &body).unwrap();
    assert_eq!(parts.len(), 2);
    assert_eq!(parts[1].body, entity.body);
    assert_eq!(parts[1].header("x-wap-application-id"), Some("c"));
    for end in 0..body.len() - 4 {
        // Without its last boundary it is not whole.
        assert!(multipart::parse(&kind, &body[..end]).is_err(), "cut off at {end}");
    }
    assert!(multipart::parse("multipart/related", &body).is_err());
    assert!(multipart::parse("multipart/related; boundary=\"\"", &body).is_err());
    let mixed = "multipart/related; type=\"application/xml\"; boundary=\"a;b\\\"c\"";
    assert_eq!(multipart::parameter(mixed, "Boundary").as_deref(), Some("a;b\"c"));
    let lines = b"preamble\n--x\nA: 1\n 2\n\nbody\n--xy\n--x--";
    let parts = multipart::parse("multipart/mixed; boundary=x", lines).unwrap();
    assert_eq!((parts[0].header("a"), parts[0].body), (Some("1 2"), &b"body\n--xy"[..]));
}

/// Writes to the server and reads until it hangs up, or says something.
async fn raw(town: &Town, bytes: &[u8]) -> String {
    let mut stream = tokio::net::TcpStream::connect(town.server.local()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(support::PATIENCE, stream.read_to_end(&mut answer)).await;
    read.expect("it hangs up").unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn slow_and_oversized_requests_meet_their_bounds_and_others_are_served_meanwhile() {
    let mut settings = config();
    settings.limits.patience = Duration::from_millis(300);
    settings.limits.request = 10_000;
    let town = Town::start(settings).await;
    let proof = "Authorization: Basic cGk6c2VjcmV0\r\n";
    let head = format!("POST /pap HTTP/1.1\r\nHost: x\r\n{proof}");
    // Half a head; a head whose body does not come; a body that is announced longer than it may be; one that is longer.
    let half = raw(&town, head.as_bytes());
    let starving = format!("{head}Content-Length: 100\r\n\r\n<pap>");
    let huge = format!("{head}Content-Length: 999999999\r\nConnection: close\r\n\r\n");
    let chunk = "a".repeat(5_000);
    let chunked = format!(
        "{head}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n{0}\r\n{0}\r\n{0}\r\n",
        format_args!("1388\r\n{chunk}")
    );
    let (half, starving, huge, chunked) = tokio::join!(
        half,
        raw(&town, starving.as_bytes()),
        raw(&town, huge.as_bytes()),
        raw(&town, chunked.as_bytes())
    );
    assert!(half.is_empty() || half.contains(" 408 "), "{half}");
    assert!(starving.contains(" 408 "), "{starving}");
    assert!(huge.contains(" 413 "), "{huge}");
    assert!(chunked.contains(" 413 "), "{chunked}");
    let mut connection = town.connect().await;
    let nothing = connection.send(call(Method::POST, "/v1/push", &json!([]))).await.unwrap();
    assert_eq!(nothing.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn what_is_no_pap_is_shown_to_its_sender_and_changes_nothing() {
    let town = Town::start(config()).await;
    let mut connection = town.connect().await;
    for (kind, body) in [
        ("application/xml", "<pap><push-message push-id='x'"),
        ("application/xml", "<other/>"),
        ("application/xml", "<pap><dance-message/></pap>"),
        ("application/xml", "<pap><cancel-message/></pap>"),
        ("multipart/related; boundary=x", "no boundary"),
        ("multipart/related; boundary=x", "--x\r\n\r\n<pap>&a;</pap>\r\n--x--"),
        ("", ""),
    ] {
        let call = Call {
            method: Method::POST,
            path: "/pap".into(),
            content_type: Some(kind.into()),
            body: body.into(),
            user: Some(("pi".into(), "secret".into())),
        };
        let answer = connection.send(call).await.unwrap();
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(text.contains("<badmessage-response code=\"2000\""), "{body}: {text}");
        assert!(parse(&answer.body, &XmlLimits::default()).is_ok(), "{text}");
    }
}
