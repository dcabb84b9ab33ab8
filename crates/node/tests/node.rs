//! A node as its operator meets it: it opens what it is told, answers nobody it does not know, shows itself, and stops.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use strowger_node::{Config, Node, StartError};

const PATIENCE: Duration = Duration::from_secs(10);

fn config(gateway: SocketAddr, more: &str) -> Config {
    let text = format!(
        "[listen]\nmgcp = \"127.0.0.1:0\"\nconsole = \"127.0.0.1:0\"\n\
         [[gateway]]\nid = \"gw1\"\nprotocol = \"mgcp\"\naddress = \"{gateway}\"\ndomain = \"gw1.town\"\n\
         [[line]]\nnumber = \"2001\"\ngateway = \"gw1\"\nendpoint = \"aaln/1\"\nname = \"Alma\"\n{more}"
    );
    Config::parse("town.toml", &text).unwrap().0
}

fn peer() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn get(console: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(console).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: console\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let status = text.split(' ').nth(1).unwrap().parse().unwrap();
    (status, text.split_once("\r\n\r\n").unwrap().1.to_owned())
}

#[test]
fn connections_that_say_nothing_do_not_keep_others_out_for_long() {
    let gateway = peer();
    let node = Node::start(config(gateway.local_addr().unwrap(), ""), Vec::new()).unwrap();
    let console = node.console().unwrap();
    let mut silent: Vec<_> = (0..31).map(|_| TcpStream::connect(console).unwrap()).collect();
    assert_eq!(get(console, "/health/ready").0, 200);
    silent.clear();
    node.stop(Duration::ZERO).unwrap();
}

#[test]
fn what_cannot_be_opened_is_named_and_nothing_stays_open() {
    let gateway = peer().local_addr().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("town.redb");
    let store = format!("[store]\nkind = \"embedded\"\npath = {path:?}\n");
    let first = Node::start(config(gateway, &store), Vec::new()).unwrap();
    let refusal = |config| match Node::start(config, Vec::new()) {
        Err(error) => error,
        Ok(_) => panic!("it must not start"),
    };
    let error = refusal(config(gateway, &store));
    assert!(matches!(error, StartError::Store { .. }), "{error}");
    assert!(error.to_string().ends_with("another process has the store open"), "{error}");
    let mut taken = config(gateway, "");
    taken.listen.mgcp = first.mgcp();
    let error = refusal(taken);
    assert!(
        error.to_string().starts_with(&format!("mgcp {} cannot be opened", first.mgcp().unwrap())),
        "{error}"
    );
    first.stop(Duration::ZERO).unwrap();
    let again = Node::start(config(gateway, &store), Vec::new()).unwrap();
    assert_eq!(again.restored().epoch().0, 1);
    again.stop(Duration::ZERO).unwrap();
}

#[test]
fn a_node_at_rest_stops_at_once_whatever_its_patience() {
    let gateway = peer();
    let node = Node::start(config(gateway.local_addr().unwrap(), ""), Vec::new()).unwrap();
    let begun = std::time::Instant::now();
    let summary = node.stop(Duration::from_secs(600)).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(60));
    assert_eq!((summary.calls_left, summary.records_lost), (0, 0));
}
