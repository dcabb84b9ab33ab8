//! Trunks that are known by names: a name server of the test's says where they are, and they are asked there.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;

use strowger_node::config::Config;
use strowger_node::node::Node;

const PATIENCE: Duration = Duration::from_secs(10);

fn name(text: &str) -> Vec<u8> {
    let labels = text.split('.').filter(|label| !label.is_empty());
    let mut octets: Vec<u8> =
        labels.flat_map(|label| [&[u8::try_from(label.len()).unwrap()], label.as_bytes()].concat()).collect();
    octets.push(0);
    octets
}

/// The records of a name and type.
type Zone = BTreeMap<(String, u16), Vec<Vec<u8>>>;

fn srv(priority: u16, target: &str, port: u16) -> Vec<u8> {
    let numbers: Vec<u8> = [priority, 0, port].into_iter().flat_map(u16::to_be_bytes).collect();
    [numbers, name(target)].concat()
}

fn naptr(order: u16, service: &str, replacement: &str) -> Vec<u8> {
    let numbers: Vec<u8> = [order, 0].into_iter().flat_map(u16::to_be_bytes).collect();
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    [numbers, text("S"), text(service), text(""), name(replacement)].concat()
}

/// What a name server says to a question.
fn answer(zone: &Zone, question: &[u8]) -> Vec<u8> {
    let (mut at, mut labels) = (12, Vec::new());
    while question[at] != 0 {
        let end = at + 1 + usize::from(question[at]);
        labels.push(String::from_utf8(question[at + 1..end].to_vec()).unwrap());
        at = end;
    }
    let kind = u16::from_be_bytes([question[at + 1], question[at + 2]]);
    let records = zone.get(&(labels.join("."), kind)).cloned().unwrap_or_default();
    let code = if records.is_empty() { 0x83 } else { 0x80 };
    let mut answer = question[..2].to_vec();
    answer.extend([0x81, code, 0, 1, 0, u8::try_from(records.len()).unwrap(), 0, 0, 0, 0]);
    answer.extend(&question[12..]);
    for data in records {
        answer.extend([0xc0, 12]);
        answer.extend(kind.to_be_bytes());
        answer.extend([0, 1, 0, 0, 0, 60]);
        answer.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        answer.extend(data);
    }
    answer
}

/// A name server on loopback, until the test ends.
fn serve(zone: Zone) -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let local = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 600];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let answer = answer(&zone, &buffer[..length]);
            // An answer to another question comes first: it is not taken.
            let mut forged = answer.clone();
            forged[0] ^= 1;
            let _ = socket.send_to(&forged, from);
            let _ = socket.send_to(&answer, from);
        }
    });
    local
}

/// One whose datagrams have room for nothing: it says so, and answers over TCP, in two pieces.
fn serve_by_streams(zone: Zone) -> SocketAddr {
    let (socket, listener) = std::iter::repeat_with(|| {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let listener = TcpListener::bind(socket.local_addr().unwrap()).ok()?;
        Some((socket, listener))
    })
    .flatten()
    .next()
    .unwrap();
    let local = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 600];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let mut cut = buffer[..length].to_vec();
            cut[2..4].copy_from_slice(&[0x83, 0x80]);
            let _ = socket.send_to(&cut, from);
        }
    });
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut length = [0; 2];
            stream.read_exact(&mut length).unwrap();
            let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut question).unwrap();
            let answer = answer(&zone, &question);
            let whole = [&u16::try_from(answer.len()).unwrap().to_be_bytes(), answer.as_slice()].concat();
            stream.write_all(&whole[..1]).unwrap();
            stream.write_all(&whole[1..]).unwrap();
        }
    });
    local
}

fn node(server: SocketAddr, trunk: &str) -> Node {
    let text = format!(
        "[exchange]\nname = \"town\"\n[listen]\nsip = \"127.0.0.1:0\"\n[dns]\nservers = [\"{server}\"]\n\
         [store]\nkind = \"memory\"\n[[trunk]]\nid = \"carrier\"\nsip = {{ {trunk}, probe = 1 }}\n"
    );
    let config = Config::parse("town.toml", &text).unwrap_or_else(|report| panic!("{report}")).0;
    Node::start(config, Vec::new()).unwrap()
}

fn host(last: u8) -> IpAddr {
    IpAddr::from([127, 0, 9, last])
}

fn question(socket: &UdpSocket) -> String {
    let mut buffer = [0; 2000];
    let (length, _) = socket.recv_from(&mut buffer).unwrap();
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

#[test]
fn a_trunk_known_by_a_name_is_found_by_naptr_and_srv_over_the_transport_that_they_say() {
    let (first, second) =
        (TcpListener::bind((host(1), 0)).unwrap(), TcpListener::bind((host(2), 0)).unwrap());
    let mut zone = Zone::new();
    let services = vec![
        naptr(20, "SIP+D2U", "_sip._udp.carrier.example"),
        naptr(10, "SIP+D2T", "_sip._tcp.carrier.example"),
    ];
    zone.insert(("carrier.example".into(), 35), services);
    let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
    let hosts = vec![srv(2, "b.carrier.example", port(&second)), srv(1, "a.carrier.example", port(&first))];
    zone.insert(("_sip._tcp.carrier.example".into(), 33), hosts);
    zone.insert(("a.carrier.example".into(), 1), vec![vec![127, 0, 9, 1]]);
    zone.insert(("b.carrier.example".into(), 1), vec![vec![127, 0, 9, 2]]);
    let node = node(serve(zone), "address = \"carrier.example\"");
    for listener in [&first, &second] {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut buffer = [0; 2000];
        let length = std::io::Read::read(&mut &stream, &mut buffer).unwrap();
        let asked = String::from_utf8_lossy(&buffer[..length]).into_owned();
        assert!(asked.starts_with("OPTIONS sip:carrier.example SIP/2.0\r\nVia: SIP/2.0/TCP "), "{asked}");
    }
    node.stop(Duration::ZERO).unwrap();
}

#[test]
fn an_answer_that_has_no_room_in_a_datagram_is_fetched_over_tcp() {
    let peer = TcpListener::bind((host(5), 0)).unwrap();
    let port = peer.local_addr().unwrap().port();
    // More than a datagram of 512 octets has room for; the peer is the last.
    let mut hosts: Vec<_> =
        (0..40).map(|number| srv(2, &format!("no-{number}.carrier.example"), 5060)).collect();
    hosts.push(srv(1, "a.carrier.example", port));
    let mut zone = Zone::new();
    zone.insert(("_sip._tcp.carrier.example".into(), 33), hosts);
    zone.insert(("a.carrier.example".into(), 1), vec![vec![127, 0, 9, 5]]);
    let node = node(serve_by_streams(zone), "address = \"carrier.example\", transport = \"tcp\"");
    let (stream, _) = peer.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut buffer = [0; 2000];
    let length = (&stream).read(&mut buffer).unwrap();
    assert!(buffer[..length].starts_with(b"OPTIONS sip:carrier.example"));
    node.stop(Duration::ZERO).unwrap();
}

#[test]
fn a_name_with_a_port_is_a_host() {
    let socket = UdpSocket::bind((host(3), 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut zone = Zone::new();
    zone.insert(("proxy.carrier.example".into(), 1), vec![vec![127, 0, 9, 3]]);
    let port = socket.local_addr().unwrap().port();
    let node = node(serve(zone), &format!("address = \"proxy.carrier.example:{port}\", transport = \"udp\""));
    assert!(question(&socket).starts_with("OPTIONS sip:proxy.carrier.example SIP/2.0\r\nVia: SIP/2.0/UDP "));
    // What comes from there is heard.
    let asks = "OPTIONS sip:town SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.9.3;rport;branch=z9hG4bKq\r\nMax-Forwards: 70\r\n\
                From: <sip:a@b>;tag=1\r\nTo: <sip:town>\r\nCall-ID: q\r\nCSeq: 1 OPTIONS\r\n\r\n";
    socket.send_to(asks.as_bytes(), node.sip().unwrap()).unwrap();
    while !question(&socket).starts_with("SIP/2.0 200 ") {}
    node.stop(Duration::ZERO).unwrap();
}
