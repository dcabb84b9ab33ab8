//! An operator has the continuity of circuits tested, at a node with the software gateway on real sockets: by MGCP (package T), by signalling
//! bits beside it, and by Megaco (package ct).

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use strowger_megaco::gateway::GatewayConfig as MegacoGateway;
use strowger_megaco::message::{Caseless, Mid};
use strowger_megaco::transaction::PeerConfig;
use strowger_megaco::transport::Route;
use strowger_mgcp::gateway::{CallAgent, GatewayConfig, TrunkSignalling};
use strowger_node::clock::Clock;
use strowger_node::gateway::{GatewayHost, HostConfig, Observer};
use strowger_node::{Config, Node};
use strowger_sansio::Rng;
use strowger_softgateway::{Event, MegacoConfig, SoftGatewayConfig};

const PATIENCE: Duration = Duration::from_secs(20);

struct Nobody;

impl Observer for Nobody {
    fn event(&mut self, _: Event) {}
}

/// A port that was free a moment ago.
fn free() -> SocketAddr {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn put(console: SocketAddr, path: &str, host: &str, value: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(console).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = value.len();
    let head = format!("PUT {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n");
    write!(stream, "{head}Connection: close\r\n\r\n{value}").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let status = text.split(' ').nth(1).unwrap().parse().unwrap();
    (status, text.split_once("\r\n\r\n").unwrap().1.to_owned())
}

/// A node with a trunk of circuits, and the gateway that they end at.
struct Site {
    node: Node,
    _gateway: GatewayHost,
}

fn site(
    listen: &str,
    protocol: &str,
    circuits: &str,
    soft: impl Fn(SocketAddr) -> SoftGatewayConfig,
) -> Site {
    let address = free();
    let text = format!(
        "[exchange]\nname = \"town\"\n[listen]\n{listen} = \"127.0.0.1:0\"\nconsole = \"127.0.0.1:0\"\n\
         [store]\nkind = \"memory\"\n\
         [[gateway]]\nid = \"gw1\"\nprotocol = \"{protocol}\"\naddress = \"{address}\"\ndomain = \"gw1.town\"\n\
         [[trunk]]\nid = \"pbx\"\ncircuits = {{ gateway = \"gw1\", {circuits} }}\n"
    );
    let config = Config::parse("town.toml", &text).unwrap_or_else(|report| panic!("{report}")).0;
    let node = Node::start(config, Vec::new()).unwrap();
    let exchange = if listen == "mgcp" { node.mgcp() } else { node.megaco_text() };
    let config = HostConfig {
        listen: address,
        rtp_ports: None,
        connections: 4,
        recordings: None,
        busy_poll: Duration::ZERO,
        gateway: soft(exchange.unwrap()),
    };
    let gateway = GatewayHost::start(config, Clock::start(), Rng::from_number(1), Box::new(Nobody)).unwrap();
    Site { node, _gateway: gateway }
}

impl Site {
    fn order(&self, circuit: &str, what: &str, value: &str) -> (u16, String) {
        let console = self.node.console().unwrap();
        put(console, &format!("/api/trunks/pbx/circuits/{circuit}/{what}"), "127.0.0.1", value)
    }

    /// Waits until a circuit serves: until then it is out of service, or its far end has not let go.
    fn until_it_serves(&self, circuit: &str, what: &str, value: &str) -> (u16, String) {
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = self.order(circuit, what, value);
            if answer.0 != 409 {
                return answer;
            }
            assert!(Instant::now() < end, "{answer:?}");
            std::thread::yield_now();
        }
    }

    fn stop(self) {
        self.node.stop(Duration::ZERO).unwrap();
    }
}

const PASSED: &str = r#"{"trunk":"pbx","circuit":1,"result":"passed","reason":"the answer came in time"}"#;
const NO_ANSWER: &str =
    r#"{"trunk":"pbx","circuit":1,"result":"failed","reason":"the tone ended without an answer"}"#;

/// A test passes while the other end answers, and fails when it does not.
fn passes_while_the_other_end_answers(site: &Site, answer: &str) {
    assert_eq!(site.until_it_serves("2", "answer", answer), (204, String::new()));
    assert_eq!(site.until_it_serves("1", "test", answer), (200, PASSED.to_owned()));
    assert_eq!(site.order("2", "test", answer).0, 409, "it answers");
    assert_eq!(site.order("2", "answer", "off"), (204, String::new()));
    assert_eq!(site.order("2", "answer", "off").0, 409, "it does not answer");
    assert_eq!(site.order("1", "test", answer), (200, NO_ANSWER.to_owned()));
}

fn mgcp(agent: SocketAddr) -> SoftGatewayConfig {
    let mut gateway = GatewayConfig::new("gw1.town", CallAgent::at(agent));
    gateway.timers.protocol.mwd = Duration::ZERO;
    let gateway = gateway.with_trunks("a", 1, TrunkSignalling::Ms).with_trunks("b", 1, TrunkSignalling::Ms);
    let mut soft = SoftGatewayConfig::new(gateway);
    soft.crossed.push(("ds/a/1".to_owned(), "ds/b/1".to_owned()));
    soft
}

#[test]
fn circuits_of_a_gateway_of_mgcp_on_which_nobody_signals_are_tested() {
    let circuits = "endpoints = [\"ds/a/1\", \"ds/b/1\"], signalling = \"none\"";
    let site = site("mgcp", "mgcp", circuits, mgcp);
    passes_while_the_other_end_answers(&site, "transponder");
    passes_while_the_other_end_answers(&site, "loopback");
    site.stop();
}

#[test]
fn circuits_with_signalling_bits_are_tested_while_they_are_idle() {
    let circuits = "endpoints = [\"ds/a/1\", \"ds/b/1\"], signalling = \"mf\"";
    let site = site("mgcp", "mgcp", circuits, mgcp);
    passes_while_the_other_end_answers(&site, "loopback");
    site.stop();
}

#[test]
fn circuits_of_a_gateway_of_megaco_are_tested() {
    let circuits = "endpoints = [\"ds/1-2\"], signalling = \"none\"";
    let site = site("megaco_text", "megaco", circuits, |controller| {
        let mid = Mid::Domain(Caseless::new("gw1.town"), None).into();
        let peer = PeerConfig::at(Route::udp(controller));
        let mut gateway = MegacoGateway::new(mid).with_circuits(2).with_controller(peer);
        gateway.waiting_delay = Duration::ZERO;
        let mut soft = SoftGatewayConfig::megaco(MegacoConfig { gateway, since_1970: None });
        soft.crossed.push(("ds/1".to_owned(), "ds/2".to_owned()));
        soft
    });
    passes_while_the_other_end_answers(&site, "transponder");
    site.stop();
}

#[test]
fn what_cannot_be_tested_is_refused_with_its_reason() {
    let circuits = "endpoints = [\"ds/a/1\"], signalling = \"none\"";
    let site = site("mgcp", "mgcp", circuits, mgcp);
    assert_eq!(
        site.until_it_serves("1", "test", "loudly"),
        (400, "expected loopback or transponder\n".to_owned())
    );
    for circuit in ["2", "x", "65536", "-1"] {
        let refused = (404, "there is no such circuit\n".to_owned());
        assert_eq!(site.order(circuit, "test", "loopback"), refused, "{circuit}");
        assert_eq!(site.order(circuit, "answer", "off"), refused, "{circuit}");
    }
    let console = site.node.console().unwrap();
    let path = "/api/trunks/pbx/circuits/1/test";
    assert_eq!(put(console, path, "evil.example", "loopback").0, 403);
    assert_eq!(put(console, "/api/trunks/other/circuits/1/test", "127.0.0.1", "loopback").0, 404);
    site.stop();
}
