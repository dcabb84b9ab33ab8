//! The push queue as an operator sees it: in `/health`, in `/api/messaging` and in the metrics.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use strowger_node::{Config, Node};

const PATIENCE: Duration = Duration::from_secs(10);

/// `pi:secret`.
const PROOF: &str = "Authorization: Basic cGk6c2VjcmV0\r\n";

fn config() -> Config {
    let text = "[listen]\nconsole = \"127.0.0.1:0\"\n\
        [push]\nlisten = \"127.0.0.1:0\"\nudp = \"127.0.0.1:0\"\nnetworks = [\"127.0.0.0/8\"]\n\
        [[smsc]]\nid = \"away\"\naddress = \"127.0.0.1:9\"\nprefixes = [\"+\"]\n\
        [[push_user]]\nname = \"pi\"\npassword = \"secret\"\n";
    Config::parse("push.toml", text).unwrap().0
}

fn ask(address: SocketAddr, request: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = body.len();
    write!(
        stream,
        "{request} HTTP/1.1\r\nHost: town\r\n{PROOF}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let status = text.split(' ').nth(1).unwrap().parse().unwrap();
    (status, text.split_once("\r\n\r\n").unwrap().1.to_owned())
}

fn json_of(address: SocketAddr, path: &str) -> Value {
    serde_json::from_str(&ask(address, &format!("GET {path}"), "").1).unwrap()
}

/// The queue's figures when they are as expected; they are taken once a second.
fn figures(console: SocketAddr, waiting: u64) -> Value {
    let end = Instant::now() + PATIENCE;
    loop {
        let figures = json_of(console, "/api/messaging")["push"].take();
        if figures["waiting"] == waiting {
            return figures;
        }
        assert!(Instant::now() < end, "{figures}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_queue_with_messages_shows_their_number_their_age_and_its_centres() {
    let node = Node::start(config(), Vec::new()).unwrap();
    let (console, push) = (node.console().unwrap(), node.push().unwrap());
    let empty = figures(console, 0);
    assert_eq!(empty["status"], "ok");
    assert_eq!((&empty["poisoned"], &empty["oldest_s"]), (&json!(0), &Value::Null));
    assert_eq!((&empty["links_up"], &empty["centres"]), (&json!(0), &json!(1)), "the centre is away");
    let later = |id: &str| {
        let body = json!({
            "id": id, "to": "+15550101", "type": "text/plain", "text": "later", "after": "2035-01-01T00:00:00Z",
            "before": "2035-01-02T00:00:00Z",
        });
        body.to_string()
    };
    // What is to go beyond the longest lifetime is refused and does not show.
    assert_eq!(ask(push, "POST /v1/push", &later("far")).0, 400);
    let waits =
        json!({ "id": "a", "to": "+15550101", "type": "text/plain", "text": "no centre" }).to_string();
    assert_eq!(ask(push, "POST /v1/push", &waits).0, 202);
    let one = figures(console, 1);
    assert!(one["oldest_s"].as_u64().is_some_and(|age| age < 60), "{one}");
    let (status, text) = ask(console, "GET /health", "");
    let health: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, &health["status"]), (200, &json!("ok")), "a centre that is away is no fault of ours");
    assert_eq!(health["push"]["waiting"], 1, "{health}");
    let (_, metrics) = ask(console, "GET /metrics", "");
    for line in ["strowger_push_waiting 1", "strowger_push_links_up 0", "strowger_push_queue_healthy 1"] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    assert_eq!(ask(push, "DELETE /v1/push/a", "").0, 200);
    assert_eq!(figures(console, 0)["oldest_s"], Value::Null);
    node.stop(Duration::ZERO).unwrap();
}
