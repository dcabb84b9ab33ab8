//! A software gateway and its call agent, datagram by datagram, in virtual time.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;

use strowger_media::MediaPort;
use strowger_media::rtcp::{CompoundBuilder, ExtendedBlock, VoipMetrics};
use strowger_mgcp::gateway::{CallAgent, GatewayConfig};
use strowger_sansio::{Duration, Rng, SocketId, Time};
use strowger_softgateway::{LineFact, Parser, Progress, SoftGateway, SoftGatewayConfig, What};

const PAIRS: u16 = 3;

fn agent() -> SocketAddr {
    "10.0.0.1:2727".parse().unwrap()
}

fn at(port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 2], port))
}

/// A gateway with two lines and two relays, and everything it has said.
struct Bench {
    gateway: SoftGateway,
    now: Time,
    id: u32,
    said: VecDeque<String>,
    facts: Vec<(String, LineFact)>,
    /// Media that left for other hosts: destination, local port.
    outside: Vec<(SocketAddr, SocketId, Vec<u8>)>,
}

impl Bench {
    fn new() -> Self {
        let config = GatewayConfig::new("gw1.town", CallAgent::at(agent())).with_lines(2).with_relays(2);
        let ports = (0..PAIRS).map(|pair| MediaPort {
            rtp: at(5000 + pair * 2),
            rtcp: at(5001 + pair * 2),
            rtp_socket: SocketId(u32::from(pair) * 2 + 1),
            rtcp_socket: SocketId(u32::from(pair) * 2 + 2),
        });
        let config = SoftGatewayConfig::new(config);
        let gateway = SoftGateway::new(Time::ZERO, config, ports.collect(), Rng::from_number(1)).unwrap();
        let mut bench = Self {
            gateway,
            now: Time::ZERO,
            id: 100,
            said: VecDeque::new(),
            facts: Vec::new(),
            outside: Vec::new(),
        };
        // The first command ends the waiting delay, and is answered with 405 until the restart is known.
        bench.send("AUEP aaln/1", "");
        bench.take_turns();
        bench.said.clear();
        bench
    }

    /// Sends a command and returns its identifier.
    fn send(&mut self, command: &str, body: &str) -> u32 {
        self.id += 1;
        let (verb, endpoint) = command.split_once(' ').unwrap();
        let text = format!("{verb} {} {endpoint}@gw1.town MGCP 1.0\r\n{body}", self.id);
        self.gateway.handle_input(self.now, SocketId::MAIN, agent(), text.replace("\r\n", "\n").as_bytes());
        self.take_turns();
        self.id
    }

    /// Sends a command and returns its answer.
    fn ask(&mut self, command: &str, body: &str) -> String {
        let id = self.send(command, body).to_string();
        let is_it = |text: &String| text.split_whitespace().nth(1) == Some(&id);
        let place = self.said.iter().position(is_it).unwrap_or_else(|| panic!("{command} is not answered"));
        self.said.remove(place).unwrap()
    }

    /// Takes everything that the gateway has to give; its own packets to itself arrive at once.
    fn take_turns(&mut self) {
        while let Some(transmit) = self.gateway.poll_transmit() {
            if transmit.socket == SocketId::MAIN {
                for text in String::from_utf8(transmit.payload).unwrap().split("\r\n.\r\n") {
                    self.said.push_back(text.to_owned());
                    let mut words = text.split_whitespace();
                    if let (Some("NTFY" | "RSIP"), Some(id)) = (words.next(), words.next()) {
                        let answer = format!("200 {id} OK\r\n");
                        self.gateway.handle_input(self.now, SocketId::MAIN, agent(), answer.as_bytes());
                    }
                }
            } else if transmit.to.ip() == at(0).ip() {
                let from = at(4999 + u16::try_from(transmit.socket.0).unwrap());
                let socket = SocketId(u32::from(transmit.to.port()) - 4999);
                self.gateway.handle_input(self.now, socket, from, &transmit.payload);
            } else {
                self.outside.push((transmit.to, transmit.socket, transmit.payload));
            }
        }
        while let Some(event) = self.gateway.poll_event() {
            if let What::Line { line, fact } = event.what {
                self.facts.push((line, fact));
            }
        }
    }

    fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(due) = self.gateway.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.gateway.handle_timeout(self.now);
            self.take_turns();
        }
        self.now = end;
    }

    fn step(&mut self, text: &str) {
        let step = Parser::new().line(text).unwrap().unwrap();
        self.gateway.handle_step(self.now, &step).unwrap();
        self.take_turns();
    }

    /// The next notification's observed events.
    fn notified(&mut self) -> Option<String> {
        let place = self.said.iter().position(|text| text.starts_with("NTFY"))?;
        let text = self.said.remove(place).unwrap();
        text.lines().find_map(|line| line.strip_prefix("O: ")).map(str::to_owned)
    }

    fn hears(&self, line: &str) -> Option<Progress> {
        self.facts.iter().rev().find_map(|(name, fact)| match fact {
            LineFact::Hears(tone) if name == line => Some(*tone),
            _ => None,
        })
    }
}

fn field<'a>(answer: &'a str, name: &str) -> &'a str {
    answer.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("no {name} in {answer}"))
}

fn media_port(answer: &str) -> u16 {
    field(answer, "m=audio ").split_whitespace().next().unwrap().parse().unwrap()
}

fn description(host: &str, port: u16) -> String {
    format!(
        "\r\nv=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
    )
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_subscriber_hears_dial_tone_until_the_first_key_and_the_number_is_notified_once() {
    let mut bench = Bench::new();
    assert!(bench.ask("RQNT aaln/1", "X: 1\r\nR: L/hd(N)\r\n").starts_with("200"));
    bench.step("aaln/1 off-hook");
    assert_eq!(bench.notified().as_deref(), Some("L/hd"));
    let body = "X: 2\r\nR: L/hu(N), D/[0-9*#](D)\r\nD: (200x|9x.T)\r\nS: L/dl\r\n";
    assert!(bench.ask("RQNT aaln/1", body).starts_with("200"));
    bench.pass(seconds(2));
    assert_eq!(bench.hears("aaln/1"), Some(Progress::Dial));
    bench.facts.clear();
    bench.step("aaln/1 dial 2002");
    bench.step("aaln/1 expect silence within 5s");
    bench.pass(seconds(3));
    assert_eq!(bench.notified().as_deref(), Some("D/2,D/0,D/0,D/2"));
    assert_eq!(bench.notified(), None);
    assert!(
        bench.facts.iter().any(|(_, fact)| matches!(fact, LineFact::Met { .. })),
        "the tone goes on: {:?}",
        bench.facts
    );
}

#[test]
fn a_number_may_be_dialled_by_breaking_the_loop() {
    let mut bench = Bench::new();
    bench.step("aaln/1 off-hook");
    let body = "X: 2\r\nR: L/hu(N), L/hf(N), D/[0-9*#](D)\r\nD: (200x|9x.T|1090)\r\nS: L/dl\r\n";
    assert!(bench.ask("RQNT aaln/1", body).starts_with("200"));
    bench.pass(seconds(1));
    bench.facts.clear();
    bench.step("aaln/1 pulse 2002");
    bench.step("aaln/1 expect silence within 9s");
    bench.pass(seconds(9));
    assert_eq!(bench.notified().as_deref(), Some("D/2,D/0,D/0,D/2"));
    let met = bench.facts.iter().any(|(_, fact)| matches!(fact, LineFact::Met { .. }));
    assert!(met, "the tone goes on: {:?}", bench.facts);
    assert!(bench.ask("RQNT aaln/1", &body.replace("X: 2", "X: 3")).starts_with("200"));
    bench.step("aaln/1 pulse 1090");
    bench.pass(seconds(9));
    assert_eq!(bench.notified().as_deref(), Some("D/1,D/0,D/9,D/0"), "a one is no flash here");
    // Who hangs up while the dial runs back has hung up.
    assert!(bench.ask("RQNT aaln/1", &body.replace("X: 2", "X: 4")).starts_with("200"));
    bench.step("aaln/1 pulse 9");
    bench.pass(Duration::from_millis(1000));
    bench.step("aaln/1 on-hook");
    bench.pass(seconds(3));
    assert_eq!(bench.notified().as_deref(), Some("L/hu"));
    assert_eq!(bench.notified(), None);
}

#[test]
fn a_rung_telephone_shows_the_caller_and_falls_silent_when_it_is_lifted() {
    let mut bench = Bench::new();
    let body = "X: 3\r\nR: L/hd(N)\r\nS: L/rg, L/ci(11/20/15/16,\"2001\",\"A \"\"quoted\"\" name\")\r\n";
    assert!(bench.ask("RQNT aaln/2", body).starts_with("200"));
    bench.pass(seconds(1));
    let facts: Vec<_> = bench.facts.drain(..).map(|(_, fact)| fact).collect();
    assert!(facts.contains(&LineFact::Ringing), "{facts:?}");
    assert!(facts.contains(&LineFact::Caller("2001 A \"quoted\" name".into())), "{facts:?}");
    bench.step("aaln/2 off-hook");
    assert_eq!(bench.notified().as_deref(), Some("L/hd"));
    let facts: Vec<_> = bench.facts.drain(..).map(|(_, fact)| fact).collect();
    assert_eq!(facts, [LineFact::RingingEnded, LineFact::OffHook]);
}

#[test]
fn two_lines_of_one_gateway_talk_over_rtp() {
    two_lines_talk("PCMU", "0");
}

#[test]
fn two_lines_talk_in_wideband_when_the_call_agent_asks_for_it() {
    two_lines_talk("G722", "9");
}

fn two_lines_talk(codec: &str, number: &str) {
    let description = |port| description("10.0.0.2", port).replace("RTP/AVP 0", &format!("RTP/AVP {number}"));
    let options = format!("L: p:20, a:{codec}");
    let mut bench = Bench::new();
    bench.step("aaln/1 off-hook");
    bench.step("aaln/2 off-hook");
    let first = bench.ask("CRCX aaln/1", &format!("C: 1\r\n{options}\r\nM: recvonly\r\n"));
    assert!(field(&first, "m=audio ").ends_with(&format!("RTP/AVP {number}")), "{first}");
    let body = format!("C: 1\r\n{options}\r\nM: sendrecv\r\n{}", description(media_port(&first)));
    let second = bench.ask("CRCX aaln/2", &body);
    let body =
        format!("C: 1\r\nI: {}\r\nM: sendrecv\r\n{}", field(&first, "I: "), description(media_port(&second)));
    assert!(bench.ask("MDCX aaln/1", &body).starts_with("200"));
    bench.step("aaln/1 play tone:1000");
    bench.step("aaln/2 play tone:1400");
    bench.step("aaln/2 expect tone:1000 within 2s");
    bench.step("aaln/1 expect tone:1400 within 2s");
    bench.pass(seconds(2));
    let met = bench.facts.iter().filter(|(_, fact)| matches!(fact, LineFact::Met { .. })).count();
    assert_eq!(met, 2, "{:?}", bench.facts);
    let held = bench.gateway.snapshot();
    assert_eq!((held.connections, held.streams, held.ports), (2, 2, 2));
    let end = bench.ask("DLCX aaln/1", &format!("C: 1\r\nI: {}\r\n", field(&first, "I: ")));
    assert!(end.starts_with("250"), "{end}");
    assert!(field(&end, "P: ").starts_with("PS=1"), "{end}");
    assert!(end.contains("PL=0"), "{end}");
}

#[test]
fn a_modem_on_the_line_is_reported_and_its_silence_is_sent() {
    let mut bench = Bench::new();
    bench.step("aaln/1 off-hook");
    let body = format!(
        "C: 1\r\nL: p:20, a:PCMU, s:on\r\nM: sendrecv\r\nX: 1\r\nR: G/mt(N), G/ft(N)\r\n{}",
        description("10.0.0.7", 7000).replace("RTP/AVP 0", "RTP/AVP 0 13")
    );
    let answer = bench.ask("CRCX aaln/1", &body);
    assert!(field(&answer, "m=audio ").ends_with("RTP/AVP 0 13"), "comfort noise goes with s:on: {answer}");
    bench.pass(seconds(2));
    let sent = |bench: &mut Bench, octets: usize| {
        let outside = std::mem::take(&mut bench.outside);
        outside.iter().filter(|(to, _, bytes)| to.port() == 7000 && bytes.len() == 12 + octets).count()
    };
    sent(&mut bench, 160);
    bench.pass(seconds(4));
    assert_eq!(sent(&mut bench, 1), 2, "silence is told every two seconds");
    bench.step("aaln/1 play tone:2100");
    bench.pass(seconds(1));
    assert_eq!(bench.notified().as_deref(), Some("G/mt"));
    bench.step("aaln/1 quiet");
    bench.pass(seconds(1));
    assert_eq!(bench.notified(), None);
    sent(&mut bench, 160);
    bench.pass(seconds(2));
    assert_eq!(sent(&mut bench, 160), 100, "a modem's silence is sent like any other sound");
}

#[test]
fn extended_reports_are_sent_where_the_other_side_asks_for_them() {
    let mut bench = Bench::new();
    bench.step("aaln/1 off-hook");
    let asked =
        format!("{}a=rtcp-xr:rcvr-rtt=all:10 stat-summary voip-metrics\r\n", description("10.0.0.7", 7000));
    let body = format!("C: 1\r\nL: p:20, a:PCMU\r\nM: sendrecv\r\n{asked}");
    let answer = bench.ask("CRCX aaln/1", &body);
    assert!(answer.contains("a=rtcp-xr:rcvr-rtt=all voip-metrics"), "{answer}");
    let socket = SocketId(u32::from(media_port(&answer)) - 4999);
    for sequence in 0..500_u16 {
        bench.pass(Duration::from_millis(20));
        let mut packet = vec![0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];
        packet[2..4].copy_from_slice(&sequence.to_be_bytes());
        packet[4..8].copy_from_slice(&(u32::from(sequence) * 160).to_be_bytes());
        packet.extend([0x7f; 160]);
        bench.gateway.handle_input(bench.now, socket, "10.0.0.7:7000".parse().unwrap(), &packet);
    }
    // A report of VoIP metrics on source 9: block type 7, eight words, after the reporter.
    let metrics = |bytes: &[u8]| bytes.windows(8).any(|window| window == [7, 0, 0, 8, 0, 0, 0, 9]);
    let reports = bench.outside.iter().filter(|(to, ..)| to.port() == 7001);
    assert!(reports.clone().count() > 0 && reports.clone().any(|(.., bytes)| metrics(bytes)));
    let plain = bench.ask("CRCX relay/1", &body.replace(" voip-metrics", "").replace("rcvr-rtt=all:10", ""));
    assert!(!plain.contains("rtcp-xr"), "{plain}");
}

#[test]
fn what_the_far_end_makes_of_the_sound_is_told_with_the_end_of_the_connection() {
    let mut bench = Bench::new();
    bench.step("aaln/1 off-hook");
    let asked = format!("{}a=rtcp-xr:voip-metrics\r\n", description("10.0.0.7", 7000));
    let answer = bench.ask("CRCX aaln/1", &format!("C: 1\r\nL: p:20, a:PCMU\r\nM: sendrecv\r\n{asked}"));
    bench.pass(seconds(1));
    let sent = bench.outside.iter().find(|(to, ..)| to.port() == 7000).unwrap();
    let ssrc = u32::from_be_bytes(sent.2[8..12].try_into().unwrap());
    let control = SocketId(u32::from(media_port(&answer)) - 4998);
    let report = |bench: &mut Bench, from: &str, r_factor, mos_conversation| {
        let metrics = VoipMetrics {
            ssrc,
            loss_rate: 20,
            discard_rate: 6,
            burst_density: 0,
            gap_density: 0,
            burst_duration: 0,
            gap_duration: 0,
            round_trip: 90,
            end_system_delay: 75,
            signal_level: 127,
            noise_level: 127,
            residual_echo_return_loss: 127,
            gap_threshold: 16,
            r_factor,
            external_r_factor: 127,
            mos_listening: 40,
            mos_conversation,
            receiver_configuration: 0,
            playout: [0; 3],
        };
        let block = [ExtendedBlock::VoipMetrics(metrics)];
        let bytes = CompoundBuilder::report(9, None, &[]).description("far").extended(&block).build();
        bench.gateway.handle_input(bench.now, control, from.parse().unwrap(), &bytes);
    };
    let told = |bench: &mut Bench| {
        let audit = bench.ask("AUCX aaln/1", &format!("I: {}\r\nF: P\r\n", field(&answer, "I: ")));
        let parameters = field(&audit, "P: ").to_owned();
        parameters.split(", ").filter(|p| p.starts_with("X-R")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(told(&mut bench).is_empty());
    report(&mut bench, "10.0.0.66:7001", 10, 10);
    assert!(told(&mut bench).is_empty(), "a stranger is not believed");
    report(&mut bench, "10.0.0.7:7001", 127, 127);
    assert!(told(&mut bench).is_empty(), "127 is no rating");
    report(&mut bench, "10.0.0.7:7001", 71, 36);
    assert_eq!(told(&mut bench), ["X-RL=26", "X-RD=120", "X-RF=71", "X-RM=36"]);
    let end = bench.ask("DLCX aaln/1", &format!("C: 1\r\nI: {}\r\n", field(&answer, "I: ")));
    assert!(field(&end, "P: ").contains("X-RF=71, X-RM=36"), "{end}");
}

#[test]
fn a_relay_passes_what_its_signalled_source_sends_and_nothing_else() {
    let mut bench = Bench::new();
    let body = format!("C: 2\r\nL: p:20, a:PCMU\r\nM: sendrecv\r\n{}", description("10.0.0.7", 7000));
    let first = bench.ask("CRCX relay/1", &body);
    let body = format!("C: 2\r\nL: p:20, a:PCMU\r\nM: sendrecv\r\n{}", description("10.0.0.8", 8000));
    let second = bench.ask("CRCX relay/1", &body);
    let socket = |answer: &str| SocketId(u32::from(media_port(answer)) - 4999);
    let packet = |sequence: u16| {
        let mut packet = vec![0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];
        packet[2..4].copy_from_slice(&sequence.to_be_bytes());
        packet[4..8].copy_from_slice(&(u32::from(sequence) * 160).to_be_bytes());
        packet.extend([0x7f; 160]);
        packet
    };
    for sequence in 0..10 {
        bench.now += Duration::from_millis(20);
        let now = bench.now;
        bench.gateway.handle_input(now, socket(&first), "10.0.0.7:7000".parse().unwrap(), &packet(sequence));
        bench.gateway.handle_input(now, socket(&first), "10.0.0.66:7000".parse().unwrap(), &packet(sequence));
        bench.gateway.handle_input(now, socket(&first), "10.0.0.7:7002".parse().unwrap(), &packet(sequence));
        bench.take_turns();
    }
    let passed: Vec<_> =
        bench.outside.iter().filter(|(to, ..)| *to == "10.0.0.8:8000".parse().unwrap()).collect();
    // The first packet of an unknown source proves nothing (RFC 3550 appendix A.1), all others pass.
    assert!((8..=10).contains(&passed.len()), "{} passed", passed.len());
    for (_, from, bytes) in &passed {
        assert_eq!(*from, socket(&second));
        assert_eq!(&bytes[12..], [0x7f; 160]);
        assert_ne!(&bytes[8..12], [0, 0, 0, 9], "a relay is a source of its own");
    }
    assert!(bench.outside.iter().all(|(to, ..)| to.ip() != "10.0.0.66".parse::<std::net::IpAddr>().unwrap()));
}

/// What left for this port since the last time: the octets behind the header of each packet.
fn payloads_to(bench: &mut Bench, port: u16) -> Vec<Vec<u8>> {
    let outside = std::mem::take(&mut bench.outside);
    outside.into_iter().filter(|(to, ..)| to.port() == port).map(|(.., bytes)| bytes[12..].to_vec()).collect()
}

#[test]
fn a_tone_for_the_subscriber_is_not_sent_to_the_other_side() {
    let mut bench = Bench::new();
    bench.step("aaln/1 off-hook");
    let body = format!("C: 1\r\nL: p:20, a:PCMU\r\nM: sendrecv\r\n{}", description("10.0.0.7", 7000));
    assert!(bench.ask("CRCX aaln/1", &body).starts_with("200"));
    bench.pass(seconds(1));
    let silence: BTreeSet<_> = payloads_to(&mut bench, 7000).into_iter().collect();
    assert_eq!(silence.len(), 1, "nobody speaks");
    assert!(bench.ask("RQNT aaln/1", "X: 1\r\nR: L/hu(N)\r\nS: L/dl\r\n").starts_with("200"));
    bench.pass(seconds(2));
    assert_eq!(bench.hears("aaln/1"), Some(Progress::Dial));
    let sent = payloads_to(&mut bench, 7000);
    assert!(sent.len() > 90 && sent.iter().all(|payload| silence.contains(payload)));
}

#[test]
fn nobody_is_heard_before_the_description_and_nothing_in_a_mode_that_does_not_receive() {
    let mut bench = Bench::new();
    bench.step("aaln/1 off-hook");
    bench.step("aaln/2 off-hook");
    let first = bench.ask("CRCX aaln/1", "C: 1\r\nL: p:20, a:PCMU\r\nM: recvonly\r\n");
    let there = description("10.0.0.2", media_port(&first));
    let body = format!("C: 1\r\nL: p:20, a:PCMU\r\nM: sendonly\r\n{there}");
    let second = bench.ask("CRCX aaln/2", &body);
    let described = description("10.0.0.2", media_port(&second));
    bench.step("aaln/2 play tone:1000");
    for (mode, description, heard) in [
        ("inactive", "", "silence"),
        ("loopback", "", "silence"),
        ("recvonly", "", "silence"),
        ("recvonly", described.as_str(), "tone:1000"),
        ("inactive", "", "silence"),
        ("sendrecv", "", "tone:1000"),
        ("loopback", "", "silence"),
        ("confrnce", "", "tone:1000"),
        ("sendonly", "", "silence"),
    ] {
        let body = format!("C: 1\r\nI: {}\r\nM: {mode}\r\n{description}", field(&first, "I: "));
        let answer = bench.ask("MDCX aaln/1", &body);
        assert!(answer.starts_with("200"), "{mode}: {answer}");
        bench.pass(seconds(1));
        bench.facts.clear();
        bench.step(&format!("aaln/1 expect {heard} within 2s"));
        bench.pass(seconds(3));
        let met = bench.facts.iter().any(|(_, fact)| matches!(fact, LineFact::Met { .. }));
        assert!(met, "{mode}: {:?}", bench.facts);
    }
}

#[test]
fn a_loop_ends_with_its_connection() {
    let mut bench = Bench::new();
    bench.step("aaln/1 off-hook");
    let body = format!("C: 1\r\nL: p:20, a:PCMU\r\nM: netwloop\r\n{}", description("10.0.0.7", 7000));
    let answer = bench.ask("CRCX aaln/1", &body);
    let socket = SocketId(u32::from(media_port(&answer)) - 4999);
    let mut sequence = 0_u16;
    let mut come_back = |bench: &mut Bench| {
        payloads_to(bench, 7000);
        for _ in 0..50 {
            sequence += 1;
            let mut packet = vec![0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];
            packet[2..4].copy_from_slice(&sequence.to_be_bytes());
            packet[4..8].copy_from_slice(&(u32::from(sequence) * 160).to_be_bytes());
            packet.extend([0x35; 160]);
            bench.gateway.handle_input(bench.now, socket, "10.0.0.7:7000".parse().unwrap(), &packet);
            bench.pass(Duration::from_millis(20));
        }
        payloads_to(bench, 7000).iter().filter(|payload| payload.contains(&0x35)).count()
    };
    assert!(come_back(&mut bench) > 30);
    assert!(bench.ask("DLCX aaln/1", "C: 1\r\n").starts_with("250"));
    assert_eq!(come_back(&mut bench), 0);
    assert_eq!(bench.gateway.snapshot().connections, 0);
}

#[test]
fn when_all_ports_are_taken_a_connection_is_refused_until_one_has_rested() {
    let mut bench = Bench::new();
    let create = "C: 3\r\nL: a:PCMU\r\nM: recvonly\r\n";
    for _ in 0..PAIRS {
        assert!(bench.ask("CRCX aaln/1", create).starts_with("200"));
    }
    assert!(bench.ask("CRCX aaln/2", create).starts_with("403"));
    assert_eq!(bench.gateway.snapshot().connections, usize::from(PAIRS));
    assert!(bench.ask("DLCX aaln/1", "").starts_with("250"));
    assert!(bench.ask("CRCX aaln/2", create).starts_with("403"), "late packets may still come");
    bench.pass(seconds(3));
    assert!(bench.ask("CRCX aaln/2", create).starts_with("200"));
}

#[test]
fn a_relay_does_not_turn_packets_round() {
    let mut bench = Bench::new();
    let body = format!("C: 4\r\nL: a:PCMU\r\nM: netwloop\r\n{}", description("10.0.0.7", 7000));
    assert!(bench.ask("CRCX relay/2", &body).starts_with("517"));
    assert_eq!(bench.gateway.snapshot().connections, 0);
}

#[test]
fn a_gateway_at_rest_has_no_media_clock() {
    let mut bench = Bench::new();
    bench.pass(seconds(60));
    let next = bench.gateway.poll_timeout();
    assert!(next.is_none_or(|next| next.since(bench.now) > seconds(1)), "{next:?} at {}", bench.now);
}

#[test]
fn a_flash_is_a_flash_and_no_hang_up() {
    let mut bench = Bench::new();
    bench.step("aaln/1 off-hook");
    assert!(bench.ask("RQNT aaln/1", "X: 5\r\nR: L/hf(N), L/hu(N)\r\n").starts_with("200"));
    bench.step("aaln/1 flash");
    bench.pass(seconds(3));
    assert_eq!(bench.notified().as_deref(), Some("L/hf"));
    assert_eq!(bench.notified(), None);
}

#[test]
fn what_a_subscriber_cannot_do_is_said_and_changes_nothing() {
    let mut bench = Bench::new();
    let mut refuse = |text: &str| {
        let step = Parser::new().line(text).unwrap().unwrap();
        bench.gateway.handle_step(Time::ZERO, &step).unwrap_err().to_string()
    };
    assert!(refuse("aaln/9 off-hook").contains("no line aaln/9"));
    assert!(refuse("relay/1 off-hook").contains("no line relay/1"));
    assert!(refuse("aaln/1 dial 2002").contains("not lifted"));
    assert!(refuse("aaln/1 on-hook").contains("not lifted"));
    bench.step("aaln/1 off-hook");
    let step = Parser::new().line("aaln/1 play nothing.wav").unwrap().unwrap();
    assert!(bench.gateway.handle_step(bench.now, &step).unwrap_err().to_string().contains("not loaded"));
}

#[test]
fn a_handset_that_is_put_down_hears_nothing_more() {
    let mut bench = Bench::new();
    bench.step("aaln/1 off-hook");
    bench.pass(Duration::from_secs(1));
    assert!(bench.ask("RQNT aaln/1", "X: 1\r\nR: L/hu(N)\r\nS: L/ro\r\n").starts_with("200"));
    bench.pass(Duration::from_secs(3));
    assert_eq!(bench.hears("aaln/1"), Some(Progress::Congestion));
    bench.facts.clear();
    bench.step("aaln/1 on-hook");
    bench.pass(Duration::from_secs(3));
    assert_eq!(bench.facts, [("aaln/1".to_owned(), LineFact::OnHook)]);
}

#[test]
fn an_operator_takes_endpoints_out_of_service_and_brings_them_back() {
    let mut bench = Bench::new();
    let announced = |bench: &mut Bench| -> Vec<String> {
        let rsips = bench.said.drain(..).filter(|text| text.starts_with("RSIP"));
        rsips
            .map(|text| {
                let endpoint = text.split_whitespace().nth(2).unwrap().to_owned();
                let delay = text.lines().find_map(|line| line.strip_prefix("RD: ")).unwrap_or("-");
                format!("{endpoint} {} {delay}", field(&text, "RM: "))
            })
            .collect()
    };
    assert!(bench.ask("CRCX relay/1", "C: 1\r\nM: recvonly\r\n").starts_with("200"));
    bench.step("out-of-service graceful");
    assert_eq!(announced(&mut bench), ["*@gw1.town graceful 0"]);
    assert_eq!(bench.gateway.snapshot().connections, 1, "calls go on");
    bench.step("aaln/* in-service");
    assert_eq!(announced(&mut bench), ["aaln/*@gw1.town cancel-graceful -"]);
    bench.step("relay/[1-2] out-of-service forced");
    assert_eq!(announced(&mut bench), ["relay/*@gw1.town forced -"]);
    assert_eq!((bench.gateway.snapshot().connections, bench.gateway.snapshot().ports), (0, 0));
    assert!(bench.ask("RQNT relay/1", "X: 1\r\n").starts_with("501"));
    bench.step("aaln/2 out-of-service graceful 10s");
    bench.pass(seconds(10));
    assert_eq!(announced(&mut bench), ["aaln/2@gw1.town graceful 10", "aaln/2@gw1.town forced -"]);
    bench.step("in-service 5s");
    let soon = announced(&mut bench);
    assert_eq!(soon, ["aaln/2@gw1.town restart 5", "relay/*@gw1.town restart 5"]);
    bench.pass(seconds(5));
    assert_eq!(announced(&mut bench), ["aaln/2@gw1.town restart -", "relay/*@gw1.town restart -"]);
    assert!(bench.ask("RQNT relay/1", "X: 1\r\n").starts_with("200"));
    assert!(bench.gateway.endpoints().all(|endpoint| endpoint.in_service && endpoint.associated));
    let step = Parser::new().line("trunk/1 in-service").unwrap().unwrap();
    assert!(bench.gateway.handle_step(bench.now, &step).unwrap_err().to_string().contains("trunk/1"));
}
