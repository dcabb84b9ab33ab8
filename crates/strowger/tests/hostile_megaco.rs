//! Bad input at the Megaco ports of a running exchange and of a running gateway: answered where the standard says so, by a code at its level;
//! strangers get nothing; and both serve on.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use support::process::Running;
use support::{PATIENCE, loopback};

/// What is sent, and what its answer begins with; `#` is the number of the transaction.
const FOR_BOTH: [(&[u8], &str); 12] = [
    (b"\xff\xfe\x00 nothing", "ER=400{"),
    (b"AUEP 1 aaln/1@gw1 MGCP 1.0\r\n", "ER=400{"),
    (b"\x30\x80\x30\x80\x30\x80\x30\x80", "ER=400{"),
    (b"\x30\x82\xff\xff\xa1", "ER=400{"),
    (b"!/9 <ME>\nT=#{C=-{SC=ROOT{SV{MT=RS,RE=\"901 x\"}}}}", "ER=406{"),
    (b"!/1 <ME>\nQ=#{C=-{S=a}}", "P=0{ER=403{"),
    (b"!/1 <ME>\nT=0{C=-{N=a{OE=1{al/of}}}}", "P=0{ER=403{"),
    (b"!/1 <ME>\nT=#{N=a{C=-}}", "P=#{ER=422{"),
    (b"!/1 <ME>\nT=#{C=-{Sing=a}}", "P=#{C=-{ER=443{"),
    (b"!/1 <ME>\nT=#{C=-{AV=a}}", "P=#{C=-{ER=442{"),
    (b"!/1 <ME>\nT=#{C=-{MF=a{Zap}}}", "P=#{C=-{ER=444{"),
    (b"!/1 <ME>\nT=#{C=-{MF=a{SG,SG}}}", "P=#{C=-{ER=448{"),
];

/// One side of an association, whose octets the test chooses.
struct Impostor {
    socket: UdpSocket,
    victim: SocketAddr,
    name: &'static str,
    number: u32,
}

impl Impostor {
    fn new(socket: UdpSocket, victim: SocketAddr, name: &'static str) -> Self {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, victim, name, number: 70_000 }
    }

    fn send(&self, octets: &[u8]) {
        self.socket.send_to(octets, self.victim).unwrap();
    }

    /// The next message, behind its header.
    fn hear(&self) -> String {
        let mut buffer = vec![0; 70_000];
        let (length, from) = self.socket.recv_from(&mut buffer).unwrap();
        assert_eq!(from, self.victim);
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        text.split_once('>').map_or(text.clone(), |(_, rest)| rest.trim_start().to_owned())
    }

    /// Registers, or takes a registration.
    fn meet(&self, is_gateway: bool) {
        if is_gateway {
            self.send(
                format!("!/1 <{}>\nT=1{{C=-{{SC=ROOT{{SV{{MT=RS,RE=\"901 Cold Boot\",V=1}}}}}}}}", self.name)
                    .as_bytes(),
            );
            while !self.hear().contains("P=1{C=-{SC=ROOT") {}
        } else {
            let request = self.hear();
            let number = request.strip_prefix("T=").unwrap().split('{').next().unwrap().to_owned();
            self.send(format!("!/1 <{}>\nP={number}{{C=-{{SC=ROOT{{SV{{V=1}}}}}}}}", self.name).as_bytes());
        }
    }

    /// What is answered to octets: all that comes before the answer to a request that follows them.
    fn provoke(&mut self, octets: &[u8], fence: &str) -> Vec<String> {
        self.number += 2;
        let octets = match std::str::from_utf8(octets) {
            Ok(text) if text.contains("<ME>") => {
                let own = text.replace("<ME>", &format!("<{}>", self.name));
                own.replace('#', &self.number.to_string()).into_bytes()
            }
            _ => octets.to_vec(),
        };
        self.send(&octets);
        let end = self.number + 1;
        self.send(format!("!/1 <{}>\nT={end}{{{fence}}}", self.name).as_bytes());
        let mut answers = Vec::new();
        loop {
            let heard = self.hear();
            if heard.contains(&format!("P={end}{{")) {
                let (before, _) = heard.split_once(&format!("P={end}{{")).unwrap();
                // An acknowledgement of its registration's answer may ride along.
                let before = if before.starts_with("K{") { "" } else { before.trim() };
                answers.extend((!before.is_empty()).then(|| before.to_owned()));
                return answers;
            }
            // Requests of the other side are its own affair.
            if !heard.starts_with("T=") && !heard.starts_with("K{") {
                answers.push(heard);
            }
        }
    }

    fn provoke_all(&mut self, fence: &str) {
        let deep = [&b"!/1 <x>\nT=1{C=-{MF=a"[..], &[b'{'; 60_000]].concat();
        let name = format!("!/1 <ME>\nT=#{{C=-{{MF={}}}}}", "x".repeat(60_000));
        let more: [(&[u8], &str); 2] = [(&deep, ""), (name.as_bytes(), "P=#{C=-{ER=442{")];
        for (octets, answer) in FOR_BOTH.iter().chain(&more) {
            // Errors of whole messages have a rate of their own, which is not exceeded here.
            std::thread::sleep(Duration::from_millis(100));
            let answers = self.provoke(octets, fence);
            let wanted = answer.replace('#', &self.number.to_string());
            let shown = octets.get(..60).unwrap_or(octets).escape_ascii();
            if answer.is_empty() {
                assert_eq!(answers, [""; 0], "{shown}: another's name");
            } else {
                assert!(
                    answers.len() == 1 && answers[0].starts_with(&wanted),
                    "{shown}: {answers:?}, not {wanted}"
                );
            }
        }
    }
}

/// Whoever is nobody's peer says all of it, and hears nothing.
fn nothing_for_a_stranger(victim: SocketAddr) {
    let stranger = UdpSocket::bind(loopback::at(2944)).unwrap();
    stranger.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    for (octets, _) in FOR_BOTH {
        stranger.send_to(octets, victim).unwrap();
    }
    assert!(stranger.recv(&mut [0; 100]).is_err());
}

#[test]
fn the_exchange_bears_a_hostile_megaco_gateway() {
    let folder = tempfile::tempdir().unwrap();
    let (controller, gateway) = (loopback::at(2944), loopback::at(2944));
    let path = folder.path().join("town.toml");
    let text = format!(
        "[exchange]\nname = \"town\"\n[listen]\nmegaco_text = \"{controller}\"\n\
         [[gateway]]\nid = \"gw1\"\nprotocol = \"megaco\"\naddress = \"{gateway}\"\nmid = \"<gw1.town>\"\n\
         [[line]]\nnumber = \"2001\"\ngateway = \"gw1\"\nendpoint = \"aaln/1\"\n"
    );
    std::fs::write(&path, text).unwrap();
    let mut exchange = Running::strowger(["run", "-c", path.to_str().unwrap(), "--json"]);
    let socket = UdpSocket::bind(gateway).unwrap();
    exchange.line("ready line", |line| line.contains("\"ready\""));
    let mut impostor = Impostor::new(socket, controller, "gw1.town");
    impostor.meet(true);
    impostor.provoke_all("C=-{N=aaln/1{OE=1{20260101T12000000:al/of}}}");
    nothing_for_a_stranger(controller);
    impostor.number += 1;
    impostor.meet(true);
    let (status, exchange) = exchange.terminate();
    exchange.assert_code(status, 0);
}

#[test]
fn a_gateway_bears_a_hostile_megaco_controller() {
    let controller = loopback::at(2944);
    let socket = UdpSocket::bind(controller).unwrap();
    let listen = loopback::at(2944);
    let (mgc, own) = (controller.to_string(), listen.to_string());
    let arguments = ["gateway", "megaco", "--mgc", &mgc, "--listen", &own, "--mid", "gw1.town"];
    let mut gateway =
        Running::strowger(arguments.iter().chain(&["--max-waiting-delay", "0.05", "--control"]));
    let mut impostor = Impostor::new(socket, listen, "town");
    impostor.meet(false);
    gateway.json(&[("event", "registered")]);
    impostor.provoke_all("C=-{AV=ROOT{AT{}}}");
    nothing_for_a_stranger(listen);
    assert_eq!(impostor.provoke(b"!/1 <ME>\nT=#{C=-{MF=aaln/1{SG{cg/dt}}}}", "C=-{AV=ROOT{AT{}}}").len(), 1);
    gateway.say("aaln/1 off-hook");
    support::town::expect(&mut gateway, "aaln/1", "dial-tone");
    let (status, gateway) = gateway.terminate();
    gateway.assert_code(status, 0);
}
