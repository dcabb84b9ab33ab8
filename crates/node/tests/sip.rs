//! SIP peers at a running node, over TCP: a trunk's peer connects and is connected to, and those who may not, or do not keep the rules.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use strowger_exchange::{Record, ServiceState, Subject};
use strowger_node::Observer;
use strowger_node::clock::Wall;
use strowger_node::config::Config;
use strowger_node::node::Node;

const PATIENCE: Duration = Duration::from_secs(10);

/// A node with a trunk to this address.
fn node(peer: SocketAddr, trunk: &str) -> Node {
    Node::start(config(peer, trunk), Vec::new()).unwrap()
}

fn config(peer: SocketAddr, trunk: &str) -> Config {
    let text = format!(
        "[exchange]\nname = \"town\"\n[listen]\nsip = \"127.0.0.1:0\"\n[store]\nkind = \"memory\"\n\
         [[trunk]]\nid = \"carrier\"\nsip = {{ address = \"{peer}\", {trunk} }}\n"
    );
    Config::parse("town.toml", &text).unwrap_or_else(|report| panic!("{report}")).0
}

fn connect(node: &Node, host: IpAddr) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(host, 0).into()).unwrap();
    socket.connect(&node.sip().unwrap().into()).unwrap();
    let stream: TcpStream = socket.into();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn options(branch: &str, more: &str) -> String {
    format!(
        "OPTIONS sip:town@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.9:5060;branch=z9hG4bK{branch}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:a@127.0.0.9>;tag=1\r\nTo: <sip:town@127.0.0.1>\r\n\
         Call-ID: {branch}\r\nCSeq: 1 OPTIONS\r\n{more}\r\n"
    )
}

/// Reads until there is this much of a message.
fn until(stream: &mut TcpStream, end: &str) -> String {
    let (mut read, mut octet) = (Vec::new(), [0]);
    while !read.ends_with(end.as_bytes()) {
        assert_eq!(stream.read(&mut octet).unwrap(), 1, "{}", String::from_utf8_lossy(&read));
        read.push(octet[0]);
    }
    String::from_utf8(read).unwrap()
}

fn is_closed(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0; 100]) {
        Ok(length) => length == 0,
        Err(error) => !matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut),
    }
}

const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 9));
const LENGTH: &str = "Content-Length: 0\r\n";

#[test]
fn a_peer_asks_by_a_connection_and_is_answered_by_it() {
    let node = node(SocketAddr::new(PEER, 5060), "transport = \"tcp\"");
    let mut stream = connect(&node, PEER);
    // In one piece, octet by octet, and two at once.
    stream.write_all(options("a", LENGTH).as_bytes()).unwrap();
    let answer = until(&mut stream, "\r\n\r\n");
    assert!(
        answer.starts_with("SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP 127.0.0.9:5060;branch=z9hG4bKa\r\n"),
        "{answer}"
    );
    for octet in options("b", LENGTH).bytes() {
        stream.write_all(&[octet]).unwrap();
    }
    assert!(until(&mut stream, "\r\n\r\n").contains("branch=z9hG4bKb"));
    stream.write_all([options("c", LENGTH), options("d", LENGTH)].concat().as_bytes()).unwrap();
    assert!(until(&mut stream, "\r\n\r\n").contains("branch=z9hG4bKc"));
    assert!(until(&mut stream, "\r\n\r\n").contains("branch=z9hG4bKd"));
    // RFC 5626 section 4.4.1.
    stream.write_all(b"\r\n\r\n").unwrap();
    assert_eq!(until(&mut stream, "\r\n"), "\r\n");
    node.stop(Duration::ZERO).unwrap();
}

#[test]
fn what_cannot_be_cut_is_refused_and_ends_the_connection() {
    let node = node(SocketAddr::new(PEER, 5060), "transport = \"tcp\"");
    for more in ["", "Content-Length: x\r\n", "Content-Length: 0\r\nContent-Length: 9\r\n"] {
        let mut stream = connect(&node, PEER);
        stream.write_all(options("e", more).as_bytes()).unwrap();
        let answer = until(&mut stream, "\r\n\r\n");
        assert!(answer.starts_with("SIP/2.0 400 "), "{answer}");
        assert!(is_closed(&mut stream));
    }
    // Nor what never ends.
    let mut stream = connect(&node, PEER);
    let endless = format!("{}\r\nX: ", options("f", "").trim_end());
    let _ = stream.write_all(format!("{endless}{}", "x".repeat(40_000)).as_bytes());
    let answer = until(&mut stream, "\r\n\r\n");
    assert!(answer.starts_with("SIP/2.0 513 "), "{answer}");
    assert!(is_closed(&mut stream));
    node.stop(Duration::ZERO).unwrap();
}

#[test]
fn a_host_that_is_not_listed_hears_nothing_and_one_that_is_has_few_connections() {
    let node = node(SocketAddr::new(PEER, 5060), "transport = \"tcp\"");
    let mut stranger = connect(&node, IpAddr::from([127, 0, 0, 8]));
    let _ = stranger.write_all(options("g", LENGTH).as_bytes());
    assert!(is_closed(&mut stranger));
    let mut open: Vec<_> = (0..16).map(|_| connect(&node, PEER)).collect();
    // They are let in one by one: the last that is, answers.
    let last = open.last_mut().unwrap();
    last.write_all(options("h", LENGTH).as_bytes()).unwrap();
    until(last, "\r\n\r\n");
    assert!(is_closed(&mut connect(&node, PEER)), "one too many");
    drop(open.pop());
    let until_then = Instant::now() + PATIENCE;
    loop {
        let mut stream = connect(&node, PEER);
        let _ = stream.write_all(options("i", LENGTH).as_bytes());
        if !is_closed(&mut stream) {
            break;
        }
        assert!(Instant::now() < until_then, "the place is not given back");
    }
    node.stop(Duration::ZERO).unwrap();
}

#[test]
fn a_trunk_over_tcp_is_asked_by_one_connection_which_is_made_again() {
    let listener = TcpListener::bind((PEER, 0)).unwrap();
    let node = node(listener.local_addr().unwrap(), "transport = \"tcp\", probe = 1");
    for _ in 0..2 {
        let (mut stream, from) = listener.accept().unwrap();
        assert_eq!(from.ip(), node.sip().unwrap().ip());
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // Two questions by one connection.
        for _ in 0..2 {
            let question = until(&mut stream, "\r\n\r\n");
            let via = format!("\r\nVia: SIP/2.0/TCP {};rport;branch=", node.sip().unwrap());
            assert!(question.starts_with("OPTIONS ") && question.contains(&via), "{question}");
            let lines = question.lines().filter(|line| {
                ["Via", "From", "To", "Call-ID", "CSeq"]
                    .iter()
                    .any(|name| line.starts_with(&format!("{name}:")))
            });
            let repeated: String = lines.map(|line| format!("{line}\r\n")).collect();
            let answer = format!("SIP/2.0 200 OK\r\n{repeated}{LENGTH}\r\n");
            stream.write_all(answer.as_bytes()).unwrap();
        }
    }
    node.stop(Duration::ZERO).unwrap();
}

#[test]
fn datagrams_and_connections_are_taken_at_one_address() {
    let udp = UdpSocket::bind((PEER, 0)).unwrap();
    udp.set_read_timeout(Some(PATIENCE)).unwrap();
    let node = node(udp.local_addr().unwrap(), "transport = \"udp\"");
    let mut stream = connect(&node, PEER);
    stream.write_all(options("k", LENGTH).as_bytes()).unwrap();
    assert!(until(&mut stream, "\r\n\r\n").starts_with("SIP/2.0 200 "));
    let by_datagram = options("l", LENGTH).replace("/TCP", "/UDP").replace(";branch", ";rport;branch");
    udp.send_to(by_datagram.as_bytes(), node.sip().unwrap()).unwrap();
    let mut buffer = [0; 2000];
    let (length, _) = udp.recv_from(&mut buffer).unwrap();
    assert!(buffer[..length].starts_with(b"SIP/2.0 200 "));
    node.stop(Duration::ZERO).unwrap();
}

#[test]
fn a_peer_that_does_not_take_a_connection_does_not_hold_up_the_end() {
    // Who waits in the queue of a listener that accepts nobody fills it, and the next is not answered.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(PEER, 0).into()).unwrap();
    socket.listen(0).unwrap();
    let peer = socket.local_addr().unwrap().as_socket().unwrap();
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let one = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
            one.set_nonblocking(true).unwrap();
            let _ = one.connect(&peer.into());
            one
        })
        .collect();
    let node = node(peer, "transport = \"tcp\", probe = 1");
    // It has begun to ask.
    let began = Instant::now();
    while node.metrics().render().lines().all(|line| line != "strowger_sip_connections_made_total 1") {
        assert!(began.elapsed() < PATIENCE, "it does not ask");
        std::thread::yield_now();
    }
    let began = Instant::now();
    node.stop(PATIENCE).unwrap();
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    drop(waiting);
}

/// The answer to a request: 200, with these fields.
fn ok(request: &str, more: &str) -> String {
    let repeated = request.lines().filter(|line| {
        ["Via", "From", "To", "Call-ID", "CSeq"].iter().any(|name| line.starts_with(&format!("{name}:")))
    });
    let repeated: String = repeated.map(|line| format!("{line}\r\n")).collect();
    format!("SIP/2.0 200 OK\r\n{repeated}{more}{LENGTH}\r\n")
}

#[test]
fn a_registrar_that_has_gone_deaf_holds_the_stop_up_for_a_second() {
    let listener = TcpListener::bind((PEER, 0)).unwrap();
    let trunk = "transport = \"tcp\", user = \"town\", password = \"secret\", register = true";
    let node = node(listener.local_addr().unwrap(), trunk);
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let register = until(&mut stream, "\r\n\r\n");
    stream.write_all(ok(&register, "Expires: 3600\r\n").as_bytes()).unwrap();
    let began = Instant::now();
    let is_registered = || {
        let trunks = node.look().unwrap().snapshot.trunks;
        trunks[0].registration.is_some_and(|registration| registration.until.is_some())
    };
    while !is_registered() {
        assert!(began.elapsed() < PATIENCE, "it is not registered");
        std::thread::yield_now();
    }
    let began = Instant::now();
    node.stop(PATIENCE).unwrap();
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    // It was told, all the same.
    assert!(until(&mut stream, "\r\n\r\n").contains("\r\nExpires: 0\r\n"));
}

/// Hears of the first trunk that goes out of service.
struct Watcher(std::sync::mpsc::Sender<String>);

impl Observer for Watcher {
    fn record(&mut self, record: &Record, _: &Wall) {
        if let Record::Service(change) = record
            && let (Subject::Trunk(trunk), ServiceState::OutOfService) = (&change.subject, change.to)
        {
            let _ = self.0.send(trunk.clone());
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_peer_whose_host_says_that_nobody_is_there_is_out_of_service_at_once() {
    // A port that nobody has any more: RFC 3261 waits for 32 s for an answer from there.
    let place = UdpSocket::bind((PEER, 0)).unwrap().local_addr().unwrap();
    let (watcher, heard) = std::sync::mpsc::channel();
    let config = config(place, "transport = \"udp\", probe = 30");
    let node = Node::start(config, vec![Box::new(Watcher(watcher))]).unwrap();
    assert_eq!(heard.recv_timeout(PATIENCE).as_deref(), Ok("carrier"));
    node.stop(Duration::ZERO).unwrap();
}
