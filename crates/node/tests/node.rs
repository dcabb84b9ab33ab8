//! A node as its operator meets it: it opens what it is told, answers nobody it does not know, shows itself, and stops.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::mpsc;
use std::time::Duration;

use strowger_exchange::Event;
use strowger_node::{Config, Frame, Node, Observer, StartError};
use strowger_sansio::Time;

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

fn put(console: SocketAddr, path: &str, host: &str, value: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(console).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = value.len();
    write!(
        stream,
        "PUT {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{value}"
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let status = text.split(' ').nth(1).unwrap().parse().unwrap();
    (status, text.split_once("\r\n\r\n").unwrap().1.to_owned())
}

/// Tells the test what the node saw.
struct Witness(mpsc::Sender<String>);

impl Observer for Witness {
    fn datagram(&mut self, frame: &Frame<'_>) {
        let _ = self.0.send(format!("datagram {} > {}", frame.from, frame.to));
    }

    fn event(&mut self, _: Time, event: &Event) {
        let _ = self.0.send(format!("event {event:?}"));
    }
}

#[test]
fn a_stranger_gets_no_byte_back_and_is_counted() {
    let gateway = peer();
    let (seen, witness) = mpsc::channel();
    let config = config(gateway.local_addr().unwrap(), "");
    let node = Node::start(config, vec![Box::new(Witness(seen))]).unwrap();
    let stranger = peer();
    let agent = node.mgcp().unwrap();
    stranger.send_to(b"RSIP 1 aaln/1@gw1.town MGCP 1.0\r\nRM: restart\r\n", agent).unwrap();
    let from = stranger.local_addr().unwrap();
    let expected = format!("event UnlistedSource {{ from: {from} }}");
    loop {
        if witness.recv_timeout(PATIENCE).unwrap() == expected {
            break;
        }
    }
    let console = node.console().unwrap();
    let (_, metrics) = get(console, "/metrics");
    assert!(metrics.contains("\nstrowger_mgcp_agent_total{what=\"unlisted\"} 1\n"), "{metrics}");
    node.stop(Duration::ZERO).unwrap();
    stranger.set_nonblocking(true).unwrap();
    assert!(stranger.recv(&mut [0; 2000]).is_err(), "no byte");
}

#[test]
fn an_exchange_that_stays_awake_answers_again_and_again_has_time_for_others_and_stops() {
    let gateway = peer();
    let mut config = config(gateway.local_addr().unwrap(), "");
    config.listen.busy_poll = Duration::from_millis(1);
    let node = Node::start(config, Vec::new()).unwrap();
    let agent = node.mgcp().unwrap();
    for id in 1..=20 {
        let restart = format!("RSIP {id} aaln/1@gw1.town MGCP 1.0\r\nRM: restart\r\n");
        let answer = format!("200 {id} ");
        gateway.send_to(restart.as_bytes(), agent).unwrap();
        let mut heard = [0; 2000];
        // Its own commands come in between.
        while !heard.starts_with(answer.as_bytes()) {
            gateway.recv(&mut heard).unwrap();
        }
    }
    assert_eq!(get(node.console().unwrap(), "/metrics").0, 200);
    node.stop(Duration::ZERO).unwrap();
}

/// The value of a metric without labels.
fn metric(console: SocketAddr, name: &str) -> u64 {
    let (_, metrics) = get(console, "/metrics");
    let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    value.unwrap_or_else(|| panic!("{name} is not in {metrics}"))
}

#[test]
fn what_a_gateway_sends_beyond_its_share_is_dropped_and_counted() {
    let gateway = peer();
    let limits = "[limits]\ngateway_rate = 10\ngateway_burst = 20\n";
    let node = Node::start(config(gateway.local_addr().unwrap(), limits), Vec::new()).unwrap();
    let (agent, console) = (node.mgcp().unwrap(), node.console().unwrap());
    for _ in 0..1000 {
        gateway.send_to(b"200 123456789 OK\r\n", agent).unwrap();
    }
    let began = std::time::Instant::now();
    let (heard, dropped) = loop {
        let heard = metric(console, "strowger_mgcp_agent_total{what=\"datagrams\"}");
        let refused = metric(console, "strowger_gateway_datagrams_dropped_total");
        // What its filter or its full buffer took away, the kernel counts.
        let taken = metric(console, "strowger_socket_kernel_drops_total{socket=\"mgcp\"}");
        if heard + refused + taken == 1000 {
            break (heard, refused + taken);
        }
        assert!(began.elapsed() < PATIENCE, "{heard} heard, {refused} dropped, {taken} taken of 1000");
    };
    assert!(heard >= 20, "{heard} heard: less than its burst");
    assert!(dropped >= 800, "{dropped} dropped: it was heard beyond its rate");
    node.stop(Duration::ZERO).unwrap();
}

#[test]
fn a_gateway_that_restarts_is_answered() {
    let gateway = peer();
    let node = Node::start(config(gateway.local_addr().unwrap(), ""), Vec::new()).unwrap();
    let rsip = b"RSIP 4711 *@gw1.town MGCP 1.0\r\nRM: restart\r\n";
    gateway.send_to(rsip, node.mgcp().unwrap()).unwrap();
    let mut buffer = [0; 2000];
    loop {
        let (length, from) = gateway.recv_from(&mut buffer).unwrap();
        assert_eq!(from, node.mgcp().unwrap());
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        if text.starts_with("200 4711") {
            break;
        }
    }
    node.stop(Duration::ZERO).unwrap();
}

#[test]
fn the_console_shows_what_is_there() {
    let gateway = peer();
    let address = gateway.local_addr().unwrap();
    let node = Node::start(config(address, ""), Vec::new()).unwrap();
    let console = node.console().unwrap();
    let (status, text) = get(console, "/health");
    assert_eq!(status, 200);
    let health: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&health["status"], &health["ready"]), (&"ok".into(), &true.into()));

    let json = |path| -> serde_json::Value { serde_json::from_str(&get(console, path).1).unwrap() };
    let gateways = json("/api/gateways");
    assert_eq!(gateways[0]["address"], address.to_string());
    assert_eq!((&gateways[0]["protocol"], &gateways[0]["lines"]), (&"mgcp".into(), &1.into()));
    let lines = json("/api/lines");
    assert_eq!((&lines[0]["number"], &lines[0]["name"]), (&"2001".into(), &"Alma".into()));
    assert_eq!(json("/api/calls"), serde_json::json!([]));
    let (_, metrics) = get(console, "/metrics");
    for name in ["strowger_calls{phase=\"talking\"} 0", "strowger_gateways{state=", "process_open_fds "] {
        assert!(metrics.contains(name), "{name} in {metrics}");
    }
    assert_eq!(get(console, "/nothing").0, 404);
    let mut stream = TcpStream::connect(console).unwrap();
    stream.write_all(b"DELETE /api/calls HTTP/1.0\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.0 405"), "{text}");
    node.stop(Duration::ZERO).unwrap();
    assert!(TcpStream::connect(console).is_err(), "closed");
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

#[test]
fn a_flood_of_strangers_does_not_push_the_gateways_out_of_sight() {
    let gateway = peer();
    let (seen, witness) = mpsc::channel();
    let node = Node::start(config(gateway.local_addr().unwrap(), ""), vec![Box::new(Witness(seen))]).unwrap();
    let (stranger, agent) = (peer(), node.mgcp().unwrap());
    for _ in 0..2_000 {
        stranger.send_to(b"RSIP 1 aaln/1@gw1.town MGCP 1.0\r\nRM: restart\r\n", agent).unwrap();
    }
    gateway.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut buffer = [0; 2000];
    'commands: for id in 1..=50 {
        let rsip = format!("RSIP {id} aaln/1@gw1.town MGCP 1.0\r\nRM: restart\r\n");
        // The kernel may drop what a flood leaves no room for; a gateway says it again.
        for _ in 0..20 {
            gateway.send_to(rsip.as_bytes(), agent).unwrap();
            while let Ok((length, _)) = gateway.recv_from(&mut buffer) {
                if buffer[..length].starts_with(format!("200 {id} ").as_bytes()) {
                    continue 'commands;
                }
            }
        }
        panic!("command {id} was never answered");
    }
    node.stop(Duration::ZERO).unwrap();
    let seen: Vec<String> = witness.iter().collect();
    let from = |socket: &UdpSocket| {
        let start = format!("datagram {} > ", socket.local_addr().unwrap());
        seen.iter().filter(|line| line.starts_with(&start)).count()
    };
    assert!(from(&gateway) >= 50, "{}", from(&gateway));
    assert!((1..=200).contains(&from(&stranger)), "{}", from(&stranger));
}

#[test]
fn settings_are_made_through_the_console_and_outlive_the_node() {
    let gateway = peer().local_addr().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let store = format!("[store]\nkind = \"embedded\"\npath = {:?}\n", directory.path().join("town.redb"));
    let more = format!("[[line]]\nnumber = \"2002\"\ngateway = \"gw1\"\nendpoint = \"aaln/2\"\n{store}");
    let node = Node::start(config(gateway, &more), Vec::new()).unwrap();
    let console = node.console().unwrap();
    let settings = |console| -> serde_json::Value {
        serde_json::from_str(&get(console, "/api/lines/2001/settings").1).unwrap()
    };
    assert_eq!(settings(console)["forward-busy"], "off");
    let path = "/api/lines/2001/settings";
    for (name, value) in [("forward-busy", "2002"), ("message-waiting", "on"), ("speed-dial-2", "2002")] {
        assert_eq!(put(console, &format!("{path}/{name}"), "127.0.0.1", value), (204, String::new()));
    }
    assert_eq!(settings(console)["forward-busy"], "2002");
    for (name, value, status) in [
        ("forward-busy", "2001", 409),
        ("forward-busy", "2009", 409),
        ("forward-busy", "x", 400),
        ("dnd", "on", 404),
    ] {
        assert_eq!(put(console, &format!("{path}/{name}"), "127.0.0.1", value).0, status, "{name} {value}");
    }
    assert_eq!(put(console, "/api/lines/2009/settings/do-not-disturb", "127.0.0.1", "on").0, 404);
    assert_eq!(put(console, &format!("{path}/do-not-disturb"), "evil.example", "on").0, 403);
    assert_eq!(get(console, "/api/lines/2009/settings").0, 404);
    node.stop(Duration::ZERO).unwrap();

    let node = Node::start(config(gateway, &more), Vec::new()).unwrap();
    assert_eq!(node.restored().settings.len(), 3);
    let settings = settings(node.console().unwrap());
    assert_eq!((&settings["forward-busy"], &settings["message-waiting"]), (&"2002".into(), &"on".into()));
    assert_eq!((&settings["speed-dial-2"], &settings["do-not-disturb"]), (&"2002".into(), &"off".into()));
    node.stop(Duration::ZERO).unwrap();
}
