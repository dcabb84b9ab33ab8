//! Gateways of Megaco at a running node, over UDP and over TCP.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use strowger_node::config::Config;
use strowger_node::node::Node;

const PATIENCE: Duration = Duration::from_secs(10);

const BOOT: &str = "!/1 <gw1.town>\nT=1{C=-{SC=ROOT{SV{MT=RS,RE=\"901 Cold Boot\",V=1}}}}";

fn config(gateway: SocketAddr, transport: &str) -> Config {
    with(&gateway.to_string(), transport, "")
}

fn with(gateway: &str, transport: &str, more: &str) -> Config {
    let text = format!(
        "[exchange]\nname = \"town\"\n[listen]\nmegaco_text = \"127.0.0.1:0\"\n\
         [store]\nkind = \"memory\"\n\
         [[gateway]]\nid = \"gw1\"\nprotocol = \"megaco\"\naddress = \"{gateway}\"\n\
         mid = \"<gw1.town>\"\ntransport = \"{transport}\"\n{more}\
         [[line]]\nnumber = \"2001\"\ngateway = \"gw1\"\nendpoint = \"aaln/1\"\n"
    );
    Config::parse("town.toml", &text).unwrap_or_else(|report| panic!("{report}")).0
}

/// Waits for a message with this in it.
fn wait_for(what: &str, mut next: impl FnMut() -> String) -> String {
    loop {
        let message = next();
        if message.contains(what) {
            return message;
        }
    }
}

#[test]
fn a_gateway_registers_by_datagrams_and_its_line_is_watched() {
    let gateway = UdpSocket::bind("127.0.0.1:0").unwrap();
    gateway.set_read_timeout(Some(PATIENCE)).unwrap();
    // No signals have their braces, but for who cannot read these.
    for (more, signals) in [("", "SG{}"), ("empty_signals = \"token\"\n", "SG")] {
        let config = with(&gateway.local_addr().unwrap().to_string(), "udp", more);
        let node = Node::start(config, Vec::new()).unwrap();
        let mut next = || {
            let mut buffer = [0; 4000];
            let (length, _) = gateway.recv_from(&mut buffer).unwrap();
            String::from_utf8(buffer[..length].to_vec()).unwrap()
        };
        wait_for("MT=HO", &mut next);
        gateway.send_to(BOOT.as_bytes(), node.megaco_text().unwrap()).unwrap();
        wait_for("P=1{C=-{SC=ROOT", &mut next);
        wait_for(&format!("MF=aaln/1{{E=1{{al/of{{strict=failWrong}}}},{signals}}}"), &mut next);
        node.stop(Duration::ZERO).unwrap();
    }
}

#[test]
fn a_gateway_registers_by_a_connection_and_comes_back_by_another() {
    // It connects from its host, by whatever port.
    let node = Node::start(config("127.0.0.1:2944".parse().unwrap(), "tcp"), Vec::new()).unwrap();
    comes_by_connections(node);
}

#[test]
fn connections_come_from_the_hosts_that_a_name_stands_for() {
    comes_by_connections(Node::start(with("localhost:2944", "tcp", ""), Vec::new()).unwrap());
}

#[test]
fn datagrams_come_from_the_hosts_that_a_name_stands_for() {
    let gateway = UdpSocket::bind("127.0.0.1:0").unwrap();
    gateway.set_read_timeout(Some(PATIENCE)).unwrap();
    let name = format!("localhost:{}", gateway.local_addr().unwrap().port());
    let node = Node::start(with(&name, "udp", ""), Vec::new()).unwrap();
    gateway.send_to(BOOT.as_bytes(), node.megaco_text().unwrap()).unwrap();
    let mut next = || {
        let mut buffer = [0; 4000];
        let (length, _) = gateway.recv_from(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    };
    wait_for("P=1{C=-{SC=ROOT", &mut next);
    wait_for("MF=aaln/1{E=1{al/of{strict=failWrong}},SG{}}", &mut next);
    node.stop(Duration::ZERO).unwrap();
}

fn comes_by_connections(node: Node) {
    for _ in 0..2 {
        let mut stream = TcpStream::connect(node.megaco_text().unwrap()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let length = u16::try_from(BOOT.len() + 4).unwrap().to_be_bytes();
        stream.write_all(&[[3, 0, length[0], length[1]].as_slice(), BOOT.as_bytes()].concat()).unwrap();
        let mut next = || {
            let mut header = [0; 4];
            stream.read_exact(&mut header).unwrap();
            assert_eq!(header[..2], [3, 0]);
            let mut message = vec![0; usize::from(u16::from_be_bytes([header[2], header[3]])) - 4];
            stream.read_exact(&mut message).unwrap();
            String::from_utf8(message).unwrap()
        };
        wait_for("P=1{C=-{SC=ROOT", &mut next);
    }
    node.stop(Duration::ZERO).unwrap();
}

#[test]
fn a_host_that_is_no_gateway_gets_no_octet() {
    let node = Node::start(config("127.0.0.9:2944".parse().unwrap(), "tcp"), Vec::new()).unwrap();
    let address = node.megaco_text().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(stream.read(&mut [0; 10]).unwrap_or(0), 0);
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    stranger.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    stranger.send_to(BOOT.as_bytes(), address).unwrap();
    assert!(stranger.recv(&mut [0; 2000]).is_err());
    node.stop(Duration::ZERO).unwrap();
}
