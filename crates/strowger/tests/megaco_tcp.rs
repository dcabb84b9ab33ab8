//! `strowger gateway megaco --transport tcp` as a process: under our exchange, under a controller that this test is, and under Erlang's.

#![allow(
    clippy::disallowed_types,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and has sockets"
)]

mod support;

#[allow(dead_code, clippy::print_stdout, reason = "the tests of the crate have more to do with it")]
#[path = "../../megaco/tests/erlang/process.rs"]
mod erlang;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use erlang::{Erlang, Role};
use strowger_megaco::message::Version;
use strowger_megaco::text::Layout;
use strowger_megaco::transaction::{Form, Transport};
use strowger_megaco::transport::write_tpkt;
use support::process::Running;
use support::town::expect;
use support::{PATIENCE, loopback};

fn gateway(listen: SocketAddr, controllers: &str, mid: &str, more: &[&str]) -> Running {
    let listen = listen.to_string();
    let arguments = ["gateway", "megaco", "--transport", "tcp", "--listen", &listen, "--mgc", controllers];
    let rest = ["--mid", mid, "--max-waiting-delay", "0.05", "--control"];
    Running::strowger(arguments.iter().chain(&rest).chain(more))
}

/// One line of the gateway calls the other, who answers; both talk.
fn call(gateway: &mut Running) {
    gateway.say("aaln/1 off-hook");
    expect(gateway, "aaln/1", "dial-tone");
    gateway.say("aaln/1 dial 2002");
    expect(gateway, "aaln/2", "ring");
    gateway.say("aaln/2 off-hook");
    gateway.say("aaln/1 play tone:700");
    expect(gateway, "aaln/2", "tone:700");
    gateway.say("aaln/2 play tone:1900");
    expect(gateway, "aaln/1", "tone:1900");
    gateway.say("aaln/1 on-hook");
    gateway.say("aaln/2 on-hook");
}

#[test]
fn lines_call_over_a_connection_and_again_when_the_exchange_has_come_back() {
    for (encoding, port) in [("compact", "megaco_text"), ("ber", "megaco_binary")] {
        let folder = tempfile::tempdir().unwrap();
        let (controller, listen) = (loopback::at(2944), loopback::at(2944));
        let path = folder.path().join("town.toml");
        let word = if encoding == "ber" { "binary" } else { encoding };
        let text = format!(
            "[exchange]\nname = \"town\"\n[listen]\n{port} = \"{controller}\"\n\
             [[gateway]]\nid = \"gw1\"\nprotocol = \"megaco\"\naddress = \"{listen}\"\nmid = \"<gw1.town>\"\n\
             domain = \"gw1.town\"\nencoding = \"{word}\"\ntransport = \"tcp\"\n\
             [[line]]\nnumber = \"2001\"\ngateway = \"gw1\"\nendpoint = \"aaln/1\"\n\
             [[line]]\nnumber = \"2002\"\ngateway = \"gw1\"\nendpoint = \"aaln/2\"\n"
        );
        std::fs::write(&path, text).unwrap();
        let exchange = || {
            let mut exchange = Running::strowger(["run", "-c", path.to_str().unwrap(), "--json"]);
            exchange.line("ready line", |line| line.contains("\"ready\""));
            exchange
        };
        let first = exchange();
        let mut gateway = gateway(listen, &controller.to_string(), "gw1.town", &["--encoding", encoding]);
        gateway.json(&[("event", "registered")]);
        call(&mut gateway);
        first.cut();
        gateway.json(&[("event", "disconnected")]);
        let second = exchange();
        gateway.json(&[("event", "registered")]);
        call(&mut gateway);
        for process in [gateway, second] {
            let (status, process) = process.terminate();
            process.assert_code(status, 0);
        }
    }
}

/// A controller with one gateway, whose octets the test chooses.
struct Desk {
    stream: TcpStream,
}

impl Desk {
    fn accept(listener: &TcpListener) -> Self {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream }
    }

    /// The next message.
    fn hear(&mut self) -> String {
        let mut header = [0; 4];
        self.stream.read_exact(&mut header).unwrap();
        assert_eq!(header[..2], [3, 0], "RFC 1006 section 6");
        let mut message = vec![0; usize::from(u16::from_be_bytes([header[2], header[3]])) - 4];
        self.stream.read_exact(&mut message).unwrap();
        String::from_utf8(message).unwrap()
    }

    /// The next message with this in it.
    fn wait_for(&mut self, what: &str) -> String {
        loop {
            let message = self.hear();
            if message.contains(what) {
                return message;
            }
        }
    }

    /// Takes the gateway's registration, which is of this method.
    fn register(&mut self, method: &str) {
        let request = self.wait_for("SC=ROOT");
        assert!(request.contains(&format!("MT={method}")), "{request}");
        let number = request.split("T=").nth(1).unwrap().split('{').next().unwrap();
        let answer = packet(&format!("P={number}{{C=-{{SC=ROOT{{SV{{V=1}}}}}}}}"));
        self.stream.write_all(&answer).unwrap();
    }
}

fn packet(transaction: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    write_tpkt(format!("!/1 <town>\n{transaction}").as_bytes(), &mut octets).unwrap();
    octets
}

/// A request that changes nothing, and its answer.
fn ask(number: u32) -> (Vec<u8>, String) {
    (packet(&format!("T={number}{{C=-{{AV=ROOT{{AT{{}}}}}}}}")), format!("P={number}{{C=-{{AV=ROOT}}}}"))
}

#[test]
fn octets_come_one_by_one_or_many_messages_at_once() {
    let listener = TcpListener::bind(loopback::at(2944)).unwrap();
    let controller = listener.local_addr().unwrap().to_string();
    let mut gateway = gateway(loopback::at(0), &controller, "gw1.town", &[]);
    let mut desk = Desk::accept(&listener);
    desk.register("RS");
    gateway.json(&[("event", "registered")]);
    let (octets, answer) = ask(1);
    for octet in octets {
        desk.stream.write_all(&[octet]).unwrap();
    }
    desk.wait_for(&answer);
    // Two and a half in one segment, and what is missing in another.
    let asked: Vec<_> = (2..5).map(ask).collect();
    let all: Vec<u8> = asked.iter().flat_map(|(octets, _)| octets.clone()).collect();
    let (most, rest) = all.split_at(all.len() - 20);
    desk.stream.write_all(most).unwrap();
    let answered = desk.wait_for(&asked[0].1);
    if !answered.contains(&asked[1].1) {
        desk.wait_for(&asked[1].1);
    }
    desk.stream.write_all(rest).unwrap();
    desk.wait_for(&asked[2].1);
    let (status, gateway) = gateway.terminate();
    gateway.assert_code(status, 0);
}

#[test]
fn a_stream_that_ends_within_a_packet_or_is_none_is_followed_by_another() {
    let listener = TcpListener::bind(loopback::at(2944)).unwrap();
    let controller = listener.local_addr().unwrap().to_string();
    let mut gateway = gateway(loopback::at(0), &controller, "gw1.town", &[]);
    let (octets, _) = ask(7);
    let mut method = "RS";
    for last in [&octets[..octets.len() - 1], &octets[..3], b"GET / HTTP/1.0\r\n\r\n", &[3, 0, 0, 4]] {
        let mut desk = Desk::accept(&listener);
        desk.register(method);
        gateway.json(&[("event", "registered")]);
        desk.stream.write_all(last).unwrap();
        if last.starts_with(&octets[..3]) {
            drop(desk);
        } else {
            // It is the gateway that closes a stream whose bounds are lost; nothing of it is answered.
            let mut rest = Vec::new();
            desk.stream.read_to_end(&mut rest).unwrap();
            assert_eq!(rest, b"", "{:?}", String::from_utf8_lossy(&rest));
        }
        gateway.json(&[("event", "disconnected")]);
        method = "DC";
    }
    let mut desk = Desk::accept(&listener);
    desk.register(method);
    let (octets, answer) = ask(8);
    desk.stream.write_all(&octets).unwrap();
    desk.wait_for(&answer);
}

#[test]
fn a_controller_that_refuses_connections_is_passed_over_and_one_that_is_lost_replaced() {
    // Bound and closed again: nobody is there.
    let nobody = TcpListener::bind(loopback::at(0)).unwrap().local_addr().unwrap();
    let listeners: Vec<_> = (0..2).map(|_| TcpListener::bind(loopback::at(2944)).unwrap()).collect();
    let addresses: Vec<_> =
        listeners.iter().map(|listener| listener.local_addr().unwrap().to_string()).collect();
    let mut gateway = gateway(loopback::at(0), &format!("{nobody},{}", addresses.join(",")), "gw1.town", &[]);
    let mut first = Desk::accept(&listeners[0]);
    first.register("RS");
    gateway.json(&[("event", "registered")]);
    drop(first);
    gateway.json(&[("event", "disconnected")]);
    let mut second = Desk::accept(&listeners[1]);
    second.register("FL");
    gateway.json(&[("event", "registered")]);
    // One connection for each controller, and none besides.
    listeners[1].set_nonblocking(true).unwrap();
    let (octets, answer) = ask(1);
    second.stream.write_all(&octets).unwrap();
    second.wait_for(&answer);
    assert!(listeners[1].accept().is_err());
}

/// What Erlang's controller asks, and what the gateway answers; `{line}` is its line.
const ORDERS: [(&str, &str); 4] = [
    ("T=1{C=-{MF={line}{E=1{al/of}}}}", "P=1{C=-{MF={line}}}"),
    ("T=1{C=${A={line}{M{O{MO=SR}}}}}", "P=1{C=1{A={line}}}"),
    ("T=1{C=1{AV={line}{AT{}}}}", "P=1{C=1{AV={line}}}"),
    ("T=1{C=1{S={line}{AT{}}}}", "P=1{C=1{S={line}}}"),
];

#[test]
fn the_process_is_controlled_by_erlang_over_a_connection() {
    if !Erlang::is_installed() {
        return;
    }
    for (encoding, form) in [
        ("pretty", Form::Text(Layout::Pretty)),
        ("compact", Form::Text(Layout::Compact)),
        ("ber", Form::Binary),
    ] {
        let address = loopback::at(2944);
        let mut erlang = Erlang::start(Role::Listen, Transport::Tcp, form, Version::V2, address);
        let line = if form == Form::Binary { "00000000/00000000/00000001" } else { "aaln/1" };
        let named = |text: &str| text.replace("{line}", line);
        let mid = format!("gw-{encoding}.town");
        // Erlang reads values as they are, and shows three octets of a name as zeros and ones.
        let more = [
            "--encoding",
            encoding,
            "--values",
            "raw",
            "--names",
            "8:aaln,rtp/16:number",
            "--protocol-version",
            "2",
        ];
        let mut gateway = gateway(loopback::at(0), &address.to_string(), &mid, &more);
        let registration = text(&erlang.hear("heard"));
        assert!(registration.contains("sc=root{sv{mt=rs,"), "{registration}");
        erlang.say_in(Version::V1, "answer", "P=1{C=-{SC=ROOT{SV{V=2}}}}");
        gateway.json(&[("event", "registered")]);
        for (place, (order, answer)) in ORDERS.iter().enumerate() {
            erlang.say("call", &named(order));
            let result = text(&erlang.hear("result"));
            assert!(result.trim_end().ends_with(&named(answer).to_ascii_lowercase()), "{order}: {result}");
            if place == 0 {
                gateway.say("aaln/1 off-hook");
                let told = text(&erlang.hear("heard"));
                assert!(
                    told.contains(&named("n={line}{oe=1{")) && told.contains("al/of{init=off}"),
                    "{told}"
                );
                erlang.say("answer", &named("P=1{C=-{N={line}}}"));
            }
        }
        let (status, gateway) = gateway.terminate();
        gateway.assert_code(status, 0);
    }
}

fn text(octets: &[u8]) -> String {
    // Erlang makes some letters small.
    String::from_utf8_lossy(octets).to_ascii_lowercase()
}
