//! An MMSC and its handsets as processes: a picture from one to the other, what a handset refuses, and what survives a kill.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::time::{Duration, Instant};

use strowger_messaging::handset::{
    Draft, DraftPart, Event, FetchPolicy, HandsetConfig, HandsetHandle, HostConfig, HostRule,
};
use strowger_messaging::push::address::Network;
use strowger_messaging::push::content::{Content, Notification};
use strowger_mms::sms::{Ports, Reference, segment};
use support::mmsc::{PICTURE, Town, picture};
use support::process::Running;
use support::{PATIENCE, loopback};
use tokio::sync::mpsc;

fn file(folder: &Path, name: &str, octets: &[u8]) -> String {
    let path = folder.join(name);
    std::fs::write(&path, octets).unwrap();
    path.display().to_string()
}

#[test]
fn a_picture_goes_from_handset_to_handset_and_the_report_returns() {
    let town = Town::new();
    let exchange = town.run();
    let inbox = town.folder.path().join("inbox").display().to_string();
    let mut receiver = town.handset("2002", &["--folder", &inbox, "--count", "1", "--timeout", "30"]);
    let path = file(town.folder.path(), "picture.png", &picture());
    let message = ["--send", "2002", "--subject", "Hills", "--text", "Look!", "--part", &path];
    let reported = ["--delivery-report", "--count", "1", "--timeout", "30"];
    let mut sender = town.handset("2001", &[&message[..], &reported].concat());
    let sent = sender.json(&[("event", "sent")]);
    receiver.json(&[("event", "notified"), ("from", "2001/TYPE=PLMN"), ("subject", "Hills")]);
    let received = receiver.json(&[("event", "received")]);
    assert_eq!(received["parts"][2]["name"], "picture.png");
    let kept = Path::new(received["folder"].as_str().unwrap()).join("picture.png");
    assert_eq!(std::fs::read(kept).unwrap(), picture());
    receiver.json(&[("event", "acknowledged")]);
    let status = receiver.wait();
    receiver.assert_code(status, 0);
    let report = sender.json(&[("event", "delivered"), ("status", "retrieved")]);
    assert_eq!(report["id"], sent["id"]);
    let status = sender.wait();
    sender.assert_code(status, 0);
    let (status, exchange) = exchange.terminate();
    exchange.assert_code(status, 0);
}

#[test]
fn a_handset_that_nobody_knows_cannot_send() {
    let town = Town::new();
    let _exchange = town.run();
    let stranger = loopback::host().to_string();
    let url = town.url();
    let send = ["handset", "--from", &stranger, "--mmsc", &url, "--send", "2002", "--text", "Hello"];
    let mut handset = Running::strowger(send);
    let status = handset.wait();
    handset.assert_code(status, 1);
    assert!(handset.complaints().contains("sending address unresolved"), "{}", handset.complaints());
}

#[test]
fn a_count_that_is_not_reached_in_time_is_a_finding() {
    let town = Town::new();
    let mut handset = town.handset("2001", &["--count", "1", "--timeout", "1"]);
    let status = handset.wait();
    handset.assert_code(status, 1);
    assert!(handset.complaints().contains("0 of 1 came in time"), "{}", handset.complaints());
}

#[test]
fn a_handset_without_an_mmsc_is_told_what_it_lacks() {
    let mut handset = Running::strowger(["handset", "--count", "1"]);
    let status = handset.wait();
    handset.assert_code(status, 2);
    assert!(handset.complaints().contains("--mmsc"), "{}", handset.complaints());
}

#[test]
fn provisioning_and_foreign_locations_are_refused_and_told() {
    let town = Town::new();
    let mut handset = town.handset("2001", &[]);
    let socket = UdpSocket::bind(loopback::at(0)).unwrap();
    let to = (town.hosts["2001"], 2948);
    socket.send_to(b"\x01\x06\x01\xb6\x03\x0b\x6a\x00", to).unwrap();
    let refused = handset.json(&[("event", "refused")]);
    assert!(refused["what"].as_str().unwrap().contains("provisioning"), "{refused}");
    socket.send_to(&datagram("http://169.254.169.254/latest", ""), to).unwrap();
    let refused = handset.json(&[("event", "refused")]);
    assert!(refused["why"].as_str().unwrap().contains("is not an MMSC"), "{refused}");
    socket.send_to(b"\x01\x06\x7f\xbe", to).unwrap();
    handset.json(&[("event", "malformed")]);
    let (status, handset) = handset.terminate();
    handset.assert_code(status, 0);
}

/// A notification as a push over UDP.
fn datagram(location: &str, subject: &str) -> Vec<u8> {
    let notification = Notification {
        location: location.into(),
        transaction: Some("t1".into()),
        from: Some("2001".into()),
        subject: Some(subject.into()).filter(|_| !subject.is_empty()),
        size: 10,
        expiry: Some(3600),
    };
    let content = Content::notification(&notification, 1400).unwrap();
    let mut datagram = vec![1];
    datagram.extend_from_slice(content.payload());
    datagram
}

#[test]
fn a_notification_in_short_messages_is_put_together_from_standard_input() {
    let town = Town::new();
    let url = town.url();
    let mut handset =
        Running::strowger(["handset", "--json", "--sms", "--reject", "--mmsc", &url, "--count", "1"]);
    let push = datagram(&format!("{url}m1"), &"A long subject. ".repeat(9));
    let parts = segment(&push, Ports { destination: 2948, source: 9200 }, Reference::narrow(7)).unwrap();
    assert!(parts.len() > 1, "{}", parts.len());
    handset.say("no digits at all");
    // The last part first: order is nothing that a network keeps.
    for part in parts.iter().rev() {
        let digits: String = part.iter().map(|octet| format!("{octet:02x}")).collect();
        handset.say(&digits);
    }
    let notified = handset.json(&[("event", "notified")]);
    assert_eq!(notified["short_messages"], parts.len());
    let status = handset.wait();
    handset.assert_code(status, 1);
    assert!(handset.complaints().contains("hexadecimal"), "{}", handset.complaints());
}

/// Runs a handset on a file of short messages, and gives its events and its exit code.
fn handset_on(lines: &str, arguments: &[&str]) -> (Vec<serde_json::Value>, Option<i32>) {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("short-messages");
    std::fs::write(&input, lines).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_strowger"))
        .args(["handset", "--json", "--sms", "--timeout", "30"])
        .args(arguments)
        .stdin(std::fs::File::open(&input).unwrap())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), output.status.code())
}

fn lines(parts: &[Vec<u8>]) -> String {
    let digits = |part: &Vec<u8>| part.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
    parts.iter().map(digits).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_file_of_short_messages_ends_with_its_end() {
    let push = datagram("http://192.0.2.1/m1", &"A long subject. ".repeat(9));
    let parts = segment(&push, Ports { destination: 2948, source: 9200 }, Reference::narrow(7)).unwrap();
    let reject = ["--reject", "--allow", "192.0.2.2"];
    let (events, code) = handset_on(&lines(&parts), &reject);
    assert_eq!(
        (events.len(), events[0]["event"].as_str(), code),
        (1, Some("refused"), Some(0)),
        "{events:?}"
    );
    // A part is missing, and nothing brings it any more: a script is told so.
    let (events, code) = handset_on(&lines(&parts[1..]), &reject);
    assert_eq!(
        (events.len(), events[0]["event"].as_str(), code),
        (1, Some("malformed"), Some(1)),
        "{events:?}"
    );
    // Nothing comes of nothing.
    assert_eq!(handset_on("", &reject), (Vec::new(), Some(0)));
}

#[test]
fn refused_pushes_count_when_that_is_wanted() {
    let push = datagram("http://192.0.2.1/m1", "");
    let parts = segment(&push, Ports { destination: 2948, source: 9200 }, Reference::narrow(7)).unwrap();
    let both = format!("{}\n0000", lines(&parts));
    let (events, code) =
        handset_on(&both, &["--reject", "--allow", "192.0.2.2", "--count", "2", "--count-refused"]);
    let kinds: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!((kinds.as_slice(), code), (&["refused", "refused"][..], Some(0)), "{events:?}");
}

/// A subscriber inside the test.
async fn subscriber(town: &Town, number: &str) -> (HandsetHandle, mpsc::UnboundedReceiver<Event>) {
    let (told, events) = mpsc::unbounded_channel();
    let hosts = vec![HostRule::parse(&town.mmsc.to_string()).unwrap()];
    let networks = vec![Network::parse("127.0.0.0/8").unwrap()];
    let handset = HandsetConfig {
        policy: FetchPolicy { hosts, networks, tls: false },
        mmsc: Some(town.url()),
        rate: 10_000,
        retries: vec![strowger_sansio::Duration::from_millis(200); 50],
        ..HandsetConfig::default()
    };
    let host = town.hosts[number];
    let config = HostConfig {
        handset,
        listen: Some(SocketAddr::new(host, 2948)),
        from: Some(host),
        patience: Duration::from_secs(5),
        ..HostConfig::default()
    };
    (HandsetHandle::start(config, told).await.unwrap(), events)
}

fn message(number: usize) -> Vec<u8> {
    let large = if number.is_multiple_of(5) { PICTURE } else { 300 };
    let data = number.to_string().into_bytes().into_iter().cycle().take(large).collect();
    let part = DraftPart { name: "picture.png".into(), media: "image/png".into(), data };
    Draft {
        transaction: format!("t{number}"),
        to: vec!["2002/TYPE=PLMN".into()],
        subject: Some(number.to_string()),
        parts: vec![part],
        ..Draft::default()
    }
    .encode()
}

#[test]
fn what_was_accepted_is_delivered_over_twenty_kills() {
    let town = Town::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (accepted, received) = runtime.block_on(async {
        let (sender, _unread) = subscriber(&town, "2001").await;
        let (_receiver, mut events) = subscriber(&town, "2002").await;
        let mut accepted = BTreeSet::new();
        let mut number = 0;
        for round in 0..20 {
            let running = town.run();
            let enough = accepted.len() + 5 + round / 3;
            while accepted.len() < enough {
                number += 1;
                if sender.submit(message(number)).await.is_ok() {
                    accepted.insert(number);
                }
            }
            // In the middle of one more, whose fate nobody knows.
            let last = message(number + 1);
            number += 1;
            let (answer, ()) = tokio::join!(sender.submit(last), async {
                tokio::time::sleep(Duration::from_micros(150 * round as u64)).await;
                running.cut();
            });
            if answer.is_ok() {
                accepted.insert(number);
            }
        }
        let _running = town.run();
        let mut received: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
        let deadline = Instant::now() + PATIENCE * 2;
        while accepted.iter().any(|number| !received.contains_key(number)) && Instant::now() < deadline {
            let event = tokio::time::timeout(Duration::from_secs(1), events.recv()).await;
            if let Ok(Some(Event::Received(got))) = event {
                let number: usize = got.subject.unwrap().parse().unwrap();
                let part = got.parts.iter().find(|part| part.media == "image/png").unwrap();
                let digits = number.to_string().into_bytes();
                assert!(part.data.iter().zip(digits.iter().cycle()).all(|(one, other)| one == other));
                assert_eq!(part.data.len(), if number.is_multiple_of(5) { PICTURE } else { 300 });
                received.entry(number).or_default().insert(got.id.unwrap_or_default());
            }
        }
        (accepted, received)
    });
    let lost: Vec<_> = accepted.iter().filter(|number| !received.contains_key(number)).collect();
    assert!(lost.is_empty(), "{} of {} lost: {lost:?}", lost.len(), accepted.len());
    let twice: Vec<_> = received.iter().filter(|(_, ids)| ids.len() > 1).collect();
    assert!(twice.is_empty(), "accepted twice: {twice:?}");
    assert!(accepted.len() >= 100, "{}", accepted.len());
}
