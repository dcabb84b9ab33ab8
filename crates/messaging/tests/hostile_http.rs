//! HTTP from strangers, at both ends of MM1: what is slow, endless, lying, cut off or led astray ends within its deadline or its limit, changes
//! nothing, and others do not notice.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use strowger_messaging::handset::client::Client;
use strowger_messaging::handset::engine::{Action, Failure};
use strowger_messaging::handset::{
    Draft, DraftPart, Event, FetchPolicy, Handset, HandsetConfig, HostRule, Target,
};
use strowger_messaging::mmsc::{HttpLimits, MmscHost, MmscSettings, Subscriber};
use strowger_messaging::push::address::Network;
use strowger_messaging::push::content::{Content, Notification};
use strowger_sansio::Time;
use support::{Town, any, config};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// How long a connection may be silent or take for a request: short, so that the test is.
const PATIENCE: Duration = Duration::from_millis(400);
/// What anything may take that is bounded by it, on a busy machine.
const BOUND: Duration = Duration::from_secs(10);
/// Octets of a request and of an answer.
const LARGEST: usize = 64 * 1024;
/// The media type of MMS.
const TYPED: &str = "Content-Type: application/vnd.wap.mms-message\r\n";

fn submission() -> Vec<u8> {
    let part = DraftPart { name: "a.txt".into(), media: "text/plain".into(), data: b"hello".to_vec() };
    let to = vec!["2001/TYPE=PLMN".into()];
    Draft { transaction: "t1".into(), to, parts: vec![part], ..Draft::default() }.encode()
}

/// An MMSC whose only subscriber is this host.
async fn mmsc() -> (Town, MmscHost) {
    let town = Town::start(config()).await;
    let subscriber = Subscriber { number: "2001".into(), networks: vec!["127.0.0.1".into()], push: None };
    let settings = MmscSettings {
        listen: Some(any()),
        subscribers: vec![subscriber],
        limits: HttpLimits { request: LARGEST, connections: 64, patience: PATIENCE },
        ..MmscSettings::default()
    };
    let host = MmscHost::start(settings, town.gateway.clone()).await.unwrap();
    (town, host)
}

async fn connect(to: SocketAddr) -> TcpStream {
    TcpStream::connect(to).await.unwrap()
}

/// What comes until the other side ends the connection; the test fails when it does not.
async fn until_end(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(BOUND, stream.read_to_end(&mut answer)).await;
    // A connection that is cut off ends by an error: what came before it counts.
    let _ = read.expect("the connection ends by itself");
    String::from_utf8_lossy(&answer).into_owned()
}

async fn ask(to: SocketAddr, request: &[u8]) -> String {
    let mut stream = connect(to).await;
    let _ = stream.write_all(request).await;
    until_end(&mut stream).await
}

fn post(length: usize, typed: &str, body: &[u8]) -> Vec<u8> {
    let mut request = format!(
        "POST / HTTP/1.1\r\nHost: mmsc\r\n{typed}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

/// A good submission is taken at once, whoever else is there.
async fn works(host: &MmscHost) {
    let started = Instant::now();
    let before = host.service().counters().accepted.load(Ordering::Relaxed);
    let pdu = submission();
    let answer = ask(host.local(), &post(pdu.len(), TYPED, &pdu)).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let counters = host.service().counters();
    let after = counters.accepted.load(Ordering::Relaxed) + counters.repeated.load(Ordering::Relaxed);
    assert!(after > before, "it was taken, or answered from memory");
    assert!(started.elapsed() < BOUND, "others wait");
}

fn accepted(host: &MmscHost) -> u64 {
    host.service().counters().accepted.load(Ordering::Relaxed)
}

#[tokio::test]
async fn a_body_of_one_octet_at_a_time_is_given_up_and_others_do_not_wait() {
    let (town, host) = mmsc().await;
    let pdu = submission();
    let mut slow = connect(host.local()).await;
    slow.write_all(&post(pdu.len(), TYPED, &[])).await.unwrap();
    let (mut reader, mut writer) = slow.split();
    let dribble = async {
        for octet in &pdu {
            if writer.write_all(&[*octet]).await.is_err() {
                // The other side has closed: what it said is still to be read.
                return std::future::pending().await;
            }
            tokio::time::sleep(PATIENCE / 8).await;
        }
    };
    let answer = async {
        let mut answer = Vec::new();
        let _ = tokio::time::timeout(BOUND, reader.read_to_end(&mut answer)).await.expect("it is given up");
        String::from_utf8_lossy(&answer).into_owned()
    };
    let others = works(&host);
    let (given_up, ()) = tokio::join!(
        async {
            tokio::select! {
                answer = answer => Some(answer),
                () = dribble => None,
            }
        },
        others
    );
    let given_up = given_up.expect("the connection ends before the body is whole");
    assert!(given_up.is_empty() || given_up.starts_with("HTTP/1.1 408"), "{given_up}");
    assert_eq!(accepted(&host), 1, "only the others' message was taken");
    host.stop().await;
    town.stop().await;
}

#[tokio::test]
async fn endless_and_dribbled_headers_end_the_connection() {
    let (town, host) = mmsc().await;
    let mut endless = connect(host.local()).await;
    endless.write_all(b"POST / HTTP/1.1\r\nHost: mmsc\r\n").await.unwrap();
    let line = b"X-Header: 0123456789012345678901234567890123456789\r\n".repeat(64);
    let mut sent = 0;
    while sent < 16 * 1024 * 1024 && endless.write_all(&line).await.is_ok() {
        sent += line.len();
    }
    assert!(sent < 16 * 1024 * 1024, "the headers have no end, and neither has the patience");
    let mut silent = connect(host.local()).await;
    silent.write_all(b"GET /").await.unwrap();
    let answer = until_end(&mut silent).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    works(&host).await;
    host.stop().await;
    town.stop().await;
}

#[tokio::test]
async fn a_length_that_lies_is_refused_and_takes_nothing() {
    let (town, host) = mmsc().await;
    let pdu = submission();
    // Announced too long: answered without waiting for it.
    let answer = ask(host.local(), &post(usize::MAX / 2, TYPED, b"")).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    // Too long without saying so.
    let mut chunked =
        format!("POST / HTTP/1.1\r\nHost: mmsc\r\n{TYPED}Transfer-Encoding: chunked\r\n\r\n").into_bytes();
    for _ in 0..LARGEST / 1024 + 2 {
        chunked.extend_from_slice(b"400\r\n");
        chunked.extend_from_slice(&[b'x'; 1024]);
        chunked.extend_from_slice(b"\r\n");
    }
    let answer = ask(host.local(), &chunked).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413"), "{answer}");
    // More was announced than comes.
    let mut cut = connect(host.local()).await;
    cut.write_all(&post(pdu.len() + 1, TYPED, &pdu)).await.unwrap();
    cut.shutdown().await.unwrap();
    let answer = until_end(&mut cut).await;
    assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
    // Less was announced: the message is cut off in the middle of its content.
    let answer = ask(host.local(), &post(pdu.len() - 3, TYPED, &pdu)).await;
    assert!(!answer.contains("@mmsc"), "it has no identifier: {answer}");
    // Two lengths, and a length beside chunks (RFC 9112 section 6.3): whose end of the request holds nobody can say.
    let two = format!(
        "POST / HTTP/1.1\r\nHost: mmsc\r\n{TYPED}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"
    );
    let answer = ask(host.local(), two.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert_eq!(accepted(&host), 0);
    works(&host).await;
    host.stop().await;
    town.stop().await;
}

#[tokio::test]
async fn what_is_no_message_of_mms_is_refused() {
    let (town, host) = mmsc().await;
    let pdu = submission();
    for typed in ["", "Content-Type: text/html\r\n", "Content-Type: application/vnd.wap.mms-messages\r\n"] {
        let answer = ask(host.local(), &post(pdu.len(), typed, &pdu)).await;
        assert!(answer.starts_with("HTTP/1.1 415"), "{typed}: {answer}");
    }
    for length in [0, 1, pdu.len() / 2] {
        let answer = ask(host.local(), &post(length, TYPED, &pdu[..length])).await;
        assert!(!answer.contains("@mmsc"), "{length}: {answer}");
    }
    let page = b"<html>hello</html>";
    let answer = ask(host.local(), &post(page.len(), TYPED, page)).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert_eq!(accepted(&host), 0);
    works(&host).await;
    host.stop().await;
    town.stop().await;
}

/// An MMSC that answers each connection with these octets, one after the other with a pause, and says where it is.
async fn mock(answer: Vec<u8>, pause: Option<Duration>) -> SocketAddr {
    let listener = TcpListener::bind(any()).await.unwrap();
    let local = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4096]).await;
                let Some(pause) = pause else {
                    let _ = stream.write_all(&answer).await;
                    return;
                };
                for octet in answer {
                    if stream.write_all(&[octet]).await.is_err() {
                        return;
                    }
                    tokio::time::sleep(pause).await;
                }
                std::future::pending::<()>().await;
            });
        }
    });
    local
}

fn client(to: SocketAddr) -> (Client, Target) {
    let policy = FetchPolicy {
        hosts: HostRule::parse(&to.to_string()).into_iter().collect(),
        networks: Network::parse("127.0.0.1").into_iter().collect(),
        tls: false,
    };
    let target = policy.admit(format!("http://{to}/m1").as_bytes()).unwrap();
    (
        Client { policy, from: None, authorities: None, largest: LARGEST, patience: PATIENCE, tap: None },
        target,
    )
}

async fn fetch(answer: impl Into<Vec<u8>>, pause: Option<Duration>) -> Result<Vec<u8>, Failure> {
    let (client, target) = client(mock(answer.into(), pause).await);
    let started = Instant::now();
    let fetched = tokio::time::timeout(BOUND, client.get(&target)).await.expect("a fetch ends");
    assert!(started.elapsed() < BOUND);
    fetched
}

fn failed(fetched: Result<Vec<u8>, Failure>) -> Failure {
    fetched.expect_err("nothing was fetched")
}

#[tokio::test]
async fn a_handset_gives_up_what_is_slow_endless_or_cut_off() {
    let whole = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    assert_eq!(fetch(whole, None).await.unwrap(), b"hello");
    // It may work the next time.
    for (answer, pause) in [
        (whole.to_owned(), Some(PATIENCE / 8)),
        ("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello".to_owned(), None),
        (format!("HTTP/1.1 200 OK\r\n{}", "X-Header: y\r\n".repeat(100_000)), None),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n".to_owned(), None),
        ("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n".to_owned(), None),
        (String::new(), None),
    ] {
        let start: String = answer.chars().take(60).collect();
        let failure = failed(fetch(answer, pause).await);
        assert!(failure.again, "{start:?}: {failure:?}");
    }
    // It will not.
    for answer in [
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", LARGEST + 1, "x".repeat(LARGEST + 1)),
        format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}",
            format!("400\r\n{}\r\n", "x".repeat(1024)).repeat(LARGEST / 1024 + 2)
        ),
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
    ] {
        let start: String = answer.chars().take(60).collect();
        let failure = failed(fetch(answer, None).await);
        assert!(!failure.again, "{start:?}: {failure:?}");
    }
}

#[tokio::test]
async fn a_handset_is_led_to_no_host_that_it_would_not_go_to_by_itself() {
    let secret = mock(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret".to_vec(), None).await;
    for location in [
        format!("http://{secret}/"),
        format!("//{secret}/"),
        "http://169.254.169.254/latest".to_owned(),
        "https://127.0.0.1/m1".to_owned(),
        "file:///etc/hostname".to_owned(),
        String::new(),
    ] {
        let answer = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
        let failure = failed(fetch(answer, None).await);
        assert!(!failure.again && failure.why.contains("redirection"), "{location}: {failure:?}");
    }
    // In circles on its own host.
    let answer = "HTTP/1.1 302 Found\r\nLocation: /m2\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(failed(fetch(answer, None).await).why, "too many redirections");
    // A post goes nowhere else, not even on the same host.
    let (client, target) = client(mock(answer.into(), None).await);
    let failure = client.post(&target, submission()).await.unwrap_err();
    assert_eq!(failure.why, "a post is not sent elsewhere");
}

#[test]
fn an_answer_that_is_no_message_is_told_as_a_failure_and_not_kept() {
    let now = Time::from_secs(1000);
    let policy =
        FetchPolicy { hosts: HostRule::parse("mmsc").into_iter().collect(), ..FetchPolicy::default() };
    for body in [&b"<html>Log in</html>"[..], b"", &submission(), &submission()[..20]] {
        let config =
            HandsetConfig { policy: policy.clone(), retries: Vec::new(), ..HandsetConfig::default() };
        let mut handset = Handset::new(config, now);
        let notification = Notification {
            location: "http://mmsc/m1".into(),
            transaction: Some("t1".into()),
            from: None,
            subject: None,
            size: 10,
            expiry: Some(60),
        };
        let content = Content::notification(&notification, 1400).unwrap();
        let mut datagram = vec![1];
        datagram.extend_from_slice(content.payload());
        handset.handle_datagram(now, any(), &datagram);
        let Some(Action::Fetch { job, .. }) = handset.poll_action() else { panic!("a fetch") };
        handset.handle_fetched(now, job, Ok(body.to_vec()));
        let events: Vec<_> = std::iter::from_fn(|| handset.poll_event()).collect();
        assert!(matches!(events.last(), Some(Event::Failed { .. })), "{events:?}");
        assert!(!events.iter().any(|event| matches!(event, Event::Received(_))), "{events:?}");
        assert!(handset.poll_action().is_none(), "nothing is acknowledged");
    }
}
