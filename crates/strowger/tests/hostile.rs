//! What comes from enemies and from broken peers: an exchange and a gateway, as processes, get every class of hostile input
//! that can reach them over MGCP, session descriptions and RTP. Each gets its return code or silence, nothing is changed by it, the log
//! stays a log, and the next call works.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::net::{SocketAddr, UdpSocket};

use serde_json::Value;
use support::town::Town;
use support::{PATIENCE, loopback, until};

/// The largest datagram of UDP over IPv4.
const LARGEST: usize = 65_507;

/// A datagram and the codes that answer it, in order.
struct Case {
    what: &'static str,
    datagram: Vec<u8>,
    answers: &'static [u16],
}

fn case(what: &'static str, datagram: impl AsRef<[u8]>, answers: &'static [u16]) -> Case {
    Case { what, datagram: datagram.as_ref().to_vec(), answers }
}

/// A datagram as long as one can be: a beginning, and one byte again and again.
fn long(beginning: &str, filler: u8) -> Vec<u8> {
    let mut datagram = beginning.as_bytes().to_vec();
    datagram.resize(LARGEST, filler);
    datagram
}

/// One who speaks for a gateway or a call agent from its own address.
struct Impostor {
    socket: UdpSocket,
    victim: SocketAddr,
    fence: u32,
}

impl Impostor {
    fn at(own: SocketAddr, victim: SocketAddr) -> Self {
        let socket = UdpSocket::bind(own).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, victim, fence: 800_000_000 }
    }

    fn send(&self, datagram: &[u8]) {
        self.socket.send_to(datagram, self.victim).unwrap();
    }

    /// Sends a command and gives the whole answer to it.
    fn ask(&self, id: u32, command: impl AsRef<[u8]>) -> String {
        self.send(command.as_ref());
        loop {
            let found = self.receive().into_iter().find(|text| answers(text, id));
            if let Some(text) = found {
                return text;
            }
        }
    }

    /// The answers of the next datagram. Commands of the victim are acknowledged on the way, for its peace of mind.
    fn receive(&self) -> Vec<String> {
        let mut buffer = vec![0; 70_000];
        let (length, from) = self.socket.recv_from(&mut buffer).unwrap();
        assert_eq!(from, self.victim);
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        let mut messages: Vec<String> = text.split("\n.\r\n").map(str::to_owned).collect();
        messages.retain(|message| {
            let is_answer = message.starts_with(|c: char| c.is_ascii_digit());
            if !is_answer {
                let id = message.split(' ').nth(1).unwrap();
                self.send(format!("200 {id} OK\r\n").as_bytes());
            }
            is_answer
        });
        messages
    }

    /// Sends something and, behind it, a command that is certain to be refused with 504: what is answered before that is the
    /// answer to the first.
    fn provoke(&mut self, datagram: &[u8]) -> Vec<u16> {
        self.fence += 1;
        let fence = self.fence;
        self.send(datagram);
        self.send(format!("XFEN {fence} aaln/1@gw1.town MGCP 1.0\r\n").as_bytes());
        let mut codes = Vec::new();
        loop {
            for message in self.receive() {
                if answers(&message, fence) {
                    assert!(message.starts_with("504 "), "{message}");
                    return codes;
                }
                codes.push(message[..3].parse().unwrap());
            }
        }
    }

    /// Sends each, and fails with all that were answered in another way.
    fn provoke_all(&mut self, cases: Vec<Case>) {
        let mut wrong = Vec::new();
        for Case { what, datagram, answers } in cases {
            let found = self.provoke(&datagram);
            if found != answers {
                wrong.push(format!("{what}: answered with {found:?}, expected {answers:?}"));
            }
        }
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    }
}

/// Whether a message is the answer to this transaction.
fn answers(message: &str, id: u32) -> bool {
    message.split_whitespace().nth(1) == Some(id.to_string().as_str())
}

fn ntfy(id: u32, rest: &str) -> String {
    format!("NTFY {id} aaln/1@gw1.town MGCP 1.0\r\n{rest}")
}

/// What is hostile to an agent and to a gateway alike.
fn for_both() -> Vec<Case> {
    vec![
        case("nothing", b"", &[]),
        case("one byte", b"N", &[]),
        case("NUL bytes", [0; 4000], &[]),
        case("every byte", (0..=255).collect::<Vec<u8>>(), &[]),
        case("64 kB of nonsense", long("", b'A'), &[]),
        case("a verb without end", long("NTFY", b'Y'), &[]),
        case("an id without end", long("AUEP 1", b'1'), &[]),
        case("id 0", b"AUEP 0 aaln/1@gw1.town MGCP 1.0\r\n", &[]),
        case("id 10^9", b"AUEP 1000000000 aaln/1@gw1.town MGCP 1.0\r\n", &[]),
        case("id 2^32 + 1", b"AUEP 4294967297 aaln/1@gw1.town MGCP 1.0\r\n", &[]),
        case("a negative id", b"AUEP -5 aaln/1@gw1.town MGCP 1.0\r\n", &[]),
        case("no endpoint", b"AUEP 5001\r\n", &[510]),
        case("an endpoint without end", long("AUEP 5002 ", b'a'), &[510]),
        case("a NUL in the endpoint", b"AUEP 5003 aaln/1\0@gw1.town MGCP 1.0\r\n", &[510]),
        case("an escape in the endpoint", b"AUEP 5004 \x1b[2Jaaln/1@gw1.town MGCP 1.0\r\n", &[510]),
        case("no version", b"AUEP 5005 aaln/1@gw1.town\r\n", &[510]),
        case("another protocol", b"AUEP 5007 aaln/1@gw1.town MEGACO/1\r\n", &[510]),
        case("an unknown verb", b"XPRB 5008 aaln/1@gw1.town MGCP 1.0\r\n", &[504]),
        case("a line without a colon", b"AUEP 5009 aaln/1@gw1.town MGCP 1.0\r\nnonsense\r\n", &[510]),
        case("a NUL in a line", b"AUEP 5010 aaln/1@gw1.town MGCP 1.0\r\nX: 1\0\r\n", &[510]),
        case("a stray answer", b"200 123456789 OK\r\n", &[]),
        case("a stray answer with an escape", b"200 123456789 \x1b]0;owned\x07\r\nI: 1\r\n", &[]),
        case("a malformed answer", b"200 123456789\r\nI: !!\r\n\r\nv=9\r\n", &[]),
        case("provisional answers", "100 123456789 Wait\r\n.\r\n".repeat(60), &[]),
        case("a request for SIP", b"OPTIONS sip:x@y SIP/2.0\r\nVia: z\r\n\r\n", &[]),
    ]
}

fn clean_lines(bytes: &[u8], stamped: impl Fn(&str) -> bool) {
    let text = std::str::from_utf8(bytes).expect("a log is UTF-8");
    let control = text.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(control, None, "{}", text.escape_debug());
    for line in text.lines() {
        assert!(stamped(line), "a line that the program did not begin: {line}");
    }
}

/// Begins with a time in RFC 3339, as each line of the exchange's log does.
fn is_stamped(line: &str) -> bool {
    line.len() > 30 && line.as_bytes()[4] == b'-' && line.as_bytes()[10] == b'T' && line.contains("Z ")
}

#[test]
fn a_stranger_gets_no_byte_from_the_exchange() {
    let town = Town::new();
    let exchange = town.exchange();
    let stranger = loopback::peer(2427);
    let mut cases = for_both();
    cases.push(case("a good command", b"RSIP 1 *@gw1.town MGCP 1.0\r\nRM: restart\r\n", &[]));
    let count = cases.len() as u64;
    for case in cases {
        stranger.send_to(&case.datagram, town.agent).unwrap();
    }
    // From the host of a listed gateway, and from another port than its own, is not from the gateway.
    let near = UdpSocket::bind((town.gateways[0].ip(), 0)).unwrap();
    near.send_to(b"RSIP 1 *@gw1.town MGCP 1.0\r\nRM: restart\r\n", town.agent).unwrap();
    let unlisted = "strowger_mgcp_agent_total{what=\"unlisted\"}";
    until("all datagrams counted", || (town.metric(unlisted) == count + 1).then_some(()));
    for socket in [stranger, near] {
        socket.set_nonblocking(true).unwrap();
        let answer = socket.recv(&mut [0; 2000]);
        assert_eq!(answer.map_err(|error| error.kind()), Err(std::io::ErrorKind::WouldBlock));
    }
    let (status, exchange) = exchange.terminate();
    exchange.assert_code(status, 0);
}

#[test]
fn the_exchange_bears_a_hostile_gateway() {
    let town = Town::new();
    let exchange = town.exchange_with(&["--log", "debug"]);
    let mut gateway = Impostor::at(town.gateways[0], town.agent);
    let mut cases = for_both();
    cases.extend([
        case(
            "a version of another age",
            b"NTFY 6000 aaln/1@gw1.town MGCP 99.0\r\nX: 1\r\nO: L/hd\r\n",
            &[528],
        ),
        case(
            "a command that is not for an agent",
            b"CRCX 6001 aaln/1@gw1.town MGCP 1.0\r\nC: 1\r\nM: recvonly\r\n",
            &[504],
        ),
        case("an audit", b"AUEP 6002 aaln/1@gw1.town MGCP 1.0\r\n", &[504]),
        case("another's endpoint", b"NTFY 6003 aaln/1@gw2.town MGCP 1.0\r\nX: 1\r\nO: L/hd\r\n", &[500]),
        // In its own domain a gateway may have more than the inventory knows; what it says of that changes nothing.
        case(
            "an endpoint that nobody knows",
            b"NTFY 6004 aaln/99@gw1.town MGCP 1.0\r\nX: 1\r\nO: L/hd\r\n",
            &[200],
        ),
        case("a notification of nothing", ntfy(6005, "X: 1\r\n"), &[510]),
        case("a parameter twice", ntfy(6006, "X: 1\r\nX: 2\r\nO: L/hd\r\n"), &[539]),
        case("a critical extension", ntfy(6007, "X: 1\r\nO: L/hd\r\nX+EVIL: 1\r\n"), &[511]),
        case("an event without end", long(&ntfy(6008, "X: 1\r\nO: L/"), b'h'), &[510]),
        case("parentheses without end", long(&ntfy(6009, "X: 1\r\nO: L/hd"), b'('), &[538]),
        case("commas without end", long(&ntfy(6010, "X: 1\r\nO: D/1"), b','), &[522]),
        case("an escape in an event", ntfy(6011, "X: 1\r\nO: L/hd(\x1b[31m)\r\n"), &[538]),
        case(
            "a restart of an unknown kind",
            b"RSIP 6012 aaln/1@gw1.town MGCP 1.0\r\nRM: explode\r\n",
            &[536],
        ),
        case("a restart of everything everywhere", b"RSIP 6013 */*@* MGCP 1.0\r\nRM: restart\r\n", &[510]),
    ]);
    gateway.provoke_all(cases);
    // At most once: the same command again gets the same answer from memory.
    let again = ntfy(6100, "X: 1\r\nO: L/hd\r\n");
    assert_eq!(gateway.ask(6100, &again), gateway.ask(6100, &again));
    // Cut anywhere, a command has one answer or none, and none of them succeeds by guess.
    let whole = ntfy(6200, "X: 1\r\nO: L/hd\r\n");
    for end in 0..whole.trim_end().len() {
        let codes = gateway.provoke(&whole.as_bytes()[..end]);
        assert!(codes.len() <= 1, "{end}: {codes:?}");
    }
    let bomb = ntfy(6300, "X: 1\r\nO: L/hd\r\n.\r\n").repeat(1000);
    assert!(gateway.provoke(bomb.as_bytes()).len() <= 64);
    drop(gateway);
    assert_eq!(town.api("calls"), Value::Array(Vec::new()));
    let (mut gw1, mut gw2) = (town.controlled(0), town.controlled(1));
    town.talk(&mut gw1, &mut gw2);
    let (status, exchange) = exchange.terminate();
    exchange.assert_code(status, 0);
    let log = exchange.complaint_bytes();
    assert!(log.len() > 1000, "it has something to say");
    clean_lines(&log, is_stamped);
}

fn crcx(id: u32, rest: &str) -> String {
    format!("CRCX {id} aaln/1@gw1.town MGCP 1.0\r\nC: 1F\r\nM: recvonly\r\n{rest}")
}

fn rqnt(id: u32, rest: &str) -> String {
    format!("RQNT {id} aaln/1@gw1.town MGCP 1.0\r\nX: 1\r\n{rest}")
}

fn with_sdp(id: u32, sdp: &str) -> String {
    crcx(id, &format!("\r\n{sdp}"))
}

fn against_a_gateway() -> Vec<Case> {
    let mut cases = for_both();
    cases.extend([
        case("a version of another age", b"AUEP 7000 aaln/1@gw1.town MGCP 99.0\r\n", &[528]),
        case(
            "a command that is not for a gateway",
            b"NTFY 7001 aaln/1@gw1.town MGCP 1.0\r\nX: 1\r\nO: L/hd\r\n",
            &[504],
        ),
        case("an endpoint that is not there", b"AUEP 7002 aaln/99@gw1.town MGCP 1.0\r\n", &[500]),
        case("another domain", b"AUEP 7003 aaln/1@gw9.town MGCP 1.0\r\n", &[500]),
        case("wildcards", b"CRCX 7004 */*@* MGCP 1.0\r\nC: 1\r\nM: recvonly\r\n", &[510]),
        case("a bad digit map", rqnt(7005, "R: D/[0-9](D)\r\nD: ([2-\r\n"), &[510]),
        case("an unclosed digit map", rqnt(7006, "R: D/[0-9](D)\r\nD: ((((((((((2\r\n"), &[510]),
        case("a digit map without end", long(&rqnt(7007, "R: D/[0-9](D)\r\nD: ("), b'x'), &[510]),
        case(
            "a digit map that explodes",
            rqnt(7008, &format!("R: D/[0-9](D)\r\nD: (x.1{})\r\n", "x".repeat(40))),
            &[502],
        ),
        case("an unknown package", rqnt(7009, "R: EVIL/hd(N)\r\n"), &[518]),
        case("an unknown package's signal", rqnt(7010, "S: EVIL/rg\r\n"), &[518]),
        case("an unknown event", rqnt(7011, "R: L/zz(N)\r\n"), &[522]),
        case("an unknown signal", rqnt(7012, "S: L/zz\r\n"), &[522]),
        case("parentheses without end", long(&rqnt(7013, "R: L/hd"), b'('), &[523]),
        // Legal in a quoted string: what is printed of it must be escaped.
        case("an escape in a signal", rqnt(7014, "S: L/ci(\"\x1b[2J\")\r\n"), &[200]),
        case("a third party to notify", rqnt(7015, "N: ca@[203.0.113.9]:2727\r\nR: L/hd(N)\r\n"), &[539]),
        case("an unknown mode", b"CRCX 7020 aaln/1@gw1.town MGCP 1.0\r\nC: 1\r\nM: evil\r\n", &[517]),
        case("no mode", b"CRCX 7021 aaln/1@gw1.town MGCP 1.0\r\nC: 1\r\n", &[510]),
        case("no call", b"CRCX 7022 aaln/1@gw1.town MGCP 1.0\r\nM: recvonly\r\n", &[510]),
        case("a bad call", b"CRCX 7023 aaln/1@gw1.town MGCP 1.0\r\nC: hello!\r\nM: recvonly\r\n", &[510]),
        case("an unknown codec", crcx(7024, "L: a:EVIL\r\n"), &[534]),
        case("options that are none", crcx(7025, "L: p:p:p,,,\r\n"), &[532]),
        case("a packet time out of reach", crcx(7026, "L: p:999999999, a:PCMU\r\n"), &[532]),
        case("options without end", long(&crcx(7027, "L: a:PCMU"), b';'), &[532]),
        case(
            "a connection that is not there",
            b"MDCX 7028 aaln/1@gw1.town MGCP 1.0\r\nC: 1\r\nI: FF\r\nM: sendrecv\r\n",
            &[515],
        ),
        case("its deletion", b"DLCX 7029 aaln/1@gw1.town MGCP 1.0\r\nC: 1\r\nI: FF\r\n", &[515]),
        case("its audit", b"AUCX 7030 aaln/1@gw1.town MGCP 1.0\r\nI: FF\r\nF: C\r\n", &[515]),
        case("a critical extension", crcx(7031, "X+EVIL: 1\r\n"), &[511]),
        case("SDP of another age", with_sdp(7040, "v=9\r\n"), &[509]),
        case("SDP that is none", with_sdp(7041, "hello world\r\n"), &[509]),
        case(
            "SDP with a NUL",
            with_sdp(7042, "v=0\r\nc=IN IP4 127.0.0.1\0\r\nm=audio 9000 RTP/AVP 0\r\n"),
            &[509],
        ),
        case(
            "a port out of range",
            with_sdp(7043, "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 99999 RTP/AVP 0\r\n"),
            &[509],
        ),
        case(
            "a multicast address",
            with_sdp(7044, "v=0\r\nc=IN IP4 224.0.0.1\r\nm=audio 9000 RTP/AVP 0\r\n"),
            &[505],
        ),
        case(
            "no codec in common",
            with_sdp(7045, "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 9000 RTP/AVP 18\r\n"),
            &[534],
        ),
        case(
            "video alone",
            with_sdp(7046, "v=0\r\nc=IN IP4 127.0.0.1\r\nm=video 9000 RTP/AVP 31\r\n"),
            &[505],
        ),
        case("SDP without end", long(&with_sdp(7047, "v=0\r\na="), b'a'), &[509]),
    ]);
    cases
}

/// The port for RTP that an answer's session description names.
fn media_port(answer: &str) -> u16 {
    let (_, rest) = answer.split_once("m=audio ").unwrap_or_else(|| panic!("{answer}"));
    rest.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn a_gateway_bears_a_hostile_agent() {
    let town = Town::new();
    let mut agent = Impostor::at(town.agent, town.gateways[0]);
    let mut gw1 = town.gateway(0, &["--control"]);
    gw1.json(&[("event", "listening")]);
    agent.provoke_all(against_a_gateway());
    let whole = crcx(7200, "L: p:20, a:PCMU\r\n\r\nv=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 9000 RTP/AVP 0\r\n");
    let first_line = whole.find('\n').unwrap();
    for end in 0..first_line - 1 {
        let codes = agent.provoke(&whole.as_bytes()[..end]);
        assert!(codes.len() <= 1 && !codes.contains(&200), "{end}: {codes:?}");
    }
    // Nothing of all this is left: no connection, no request.
    let audit = agent.ask(7300, "AUEP 7300 aaln/1@gw1.town MGCP 1.0\r\nF: I, R, D\r\n");
    assert!(audit.starts_with("200 "), "{audit}");
    let connections = audit.lines().find_map(|line| line.strip_prefix("I:")).unwrap_or_default();
    assert_eq!(connections.trim(), "", "{audit}");

    // Executed once, however often it comes.
    let command = crcx(7400, "L: p:20, a:PCMU\r\n");
    let made = agent.ask(7400, &command);
    assert!(made.starts_with("200 "), "{made}");
    assert_eq!(agent.ask(7400, &command), made);
    let connection = made.lines().find_map(|line| line.strip_prefix("I: ")).unwrap();
    hostile_media(&agent, &made, connection);
    // A stranger is not an agent, whatever it says.
    let stranger = loopback::peer(2727);
    stranger.send_to(b"DLCX 7500 aaln/1@gw1.town MGCP 1.0\r\n", town.gateways[0]).unwrap();
    stranger.send_to(&long("", 0), town.gateways[0]).unwrap();
    let delete = format!("DLCX 7501 aaln/1@gw1.town MGCP 1.0\r\nC: 1F\r\nI: {connection}\r\n");
    let gone = agent.ask(7501, delete);
    assert!(gone.starts_with("250 ") && gone.contains("PR=0,"), "{gone}");
    stranger.set_nonblocking(true).unwrap();
    assert!(stranger.recv(&mut [0; 2000]).is_err(), "no byte");
    drop(agent);

    let exchange = town.exchange();
    town.await_lines(0);
    let mut gw2 = town.controlled(1);
    town.talk(&mut gw1, &mut gw2);
    let (status, gw1) = gw1.terminate();
    gw1.assert_code(status, 0);
    let output = gw1.seen().join("\n");
    assert!(output.contains("\"malformed\"") && output.contains("\"refused\""), "{output}");
    clean_lines(output.as_bytes(), |line| serde_json::from_str::<Value>(line).is_ok());
    let (status, exchange) = exchange.terminate();
    exchange.assert_code(status, 0);
}

/// RTP and RTCP ports get what is not RTP, and RTP from elsewhere; the connection's count says later that nothing was taken.
fn hostile_media(agent: &Impostor, made: &str, connection: &str) {
    let rtp = SocketAddr::new(agent.victim.ip(), media_port(made));
    let party = loopback::peer(9000);
    let mdcx = format!(
        "MDCX 7401 aaln/1@gw1.town MGCP 1.0\r\nC: 1F\r\nI: {connection}\r\nM: sendrecv\r\n\r\n\
         v=0\r\nc=IN IP4 {}\r\nm=audio 9000 RTP/AVP 0\r\n",
        party.local_addr().unwrap().ip()
    );
    let modified = agent.ask(7401, mdcx);
    assert!(modified.starts_with("200 "), "{modified}");
    let mut packet = vec![0x80, 0, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4];
    packet.resize(172, 0x55);
    let elsewhere = loopback::peer(9000);
    for _ in 0..100 {
        elsewhere.send_to(&packet, rtp).unwrap();
    }
    let rtcp = SocketAddr::new(rtp.ip(), rtp.port() + 1);
    let garbage =
        [Vec::new(), vec![0x80], vec![0x80, 0xC8, 0, 1], vec![0xFF; 11], vec![0; 1500], long("", 0x3F)];
    for to in [rtp, rtcp] {
        for garbage in &garbage {
            party.send_to(garbage, to).unwrap();
        }
        // An extension and contributing sources that are longer than the packet.
        party.send_to(&[0x9F, 0, 0, 2, 0, 0, 0, 0, 1, 2, 3, 4, 0xBE, 0xDE, 0xFF, 0xFF], to).unwrap();
        // Padding that is longer than the packet.
        party.send_to(&[0xA0, 0, 0, 3, 0, 0, 0, 0, 1, 2, 3, 4, 0xFF], to).unwrap();
    }
}

#[test]
fn a_gateway_that_prints_for_people_prints_no_control_characters() {
    let town = Town::new();
    let mut agent = Impostor::at(town.agent, town.gateways[0]);
    let mut gateway = town.gateway(0, &[]);
    gateway.line("the line that says where it listens", |line| line.contains("listening"));
    agent.provoke(b"\x1b[2J 7600 aaln/1@gw1.town MGCP 1.0\r\n");
    let caller = "S: L/rg, L/ci(\"\x1b]0;owned\x07\",\"2001\r\n9999.000  forged\",\"\x1b[31m\")\r\n";
    agent.provoke(rqnt(7601, caller).as_bytes());
    let codes = agent.provoke(b"AUEP 7602 aaln/1@gw1.town MGCP 1.0\r\n\x1b[2J\r\n");
    assert_eq!(codes, [510]);
    gateway.line("the malformed command", |line| line.contains("malformed"));
    let (status, gateway) = gateway.terminate();
    gateway.assert_code(status, 0);
    let stamped = |line: &str| {
        let at = line.split_whitespace().next().and_then(|at| at.parse::<f64>().ok());
        at.is_some_and(|at| at < 9000.0)
    };
    clean_lines(gateway.seen().join("\n").as_bytes(), stamped);
}
