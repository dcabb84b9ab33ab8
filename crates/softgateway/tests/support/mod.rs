//! A software gateway on a bench in virtual time: its call agent is the test, and the far ends of its connections are parties that
//! say a tone each and keep what they hear, over real RTP.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, unreachable_pub, reason = "each story file uses its own part of the bench")]

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;

use strowger_media::analysis::strongest;
use strowger_media::dtmf::{Digit, DtmfGenerator, DtmfLevel, DtmfTiming};
use strowger_media::frame::{sine_peak, to_sample};
use strowger_media::tone::Oscillator;
use strowger_media::{FRAME_TIME, Frame, MediaPort, Payload, RtpSession, SILENCE, SessionConfig};
use strowger_mgcp::gateway::{CallAgent, GatewayConfig};
use strowger_sansio::{Duration, Rng, SocketId, Time};
use strowger_softgateway::{CircuitFrame, LineFact, Parser, SoftGateway, SoftGatewayConfig, What};

const PAIRS: u16 = 72;

fn agent() -> SocketAddr {
    "10.0.0.1:2727".parse().unwrap()
}

fn at(port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 2], port))
}

/// What a party says.
pub enum Voice {
    Nothing,
    Tone(Box<Oscillator>),
    Keys(Box<DtmfGenerator>),
}

/// The far end of a connection.
pub struct Party {
    pub id: String,
    pub address: SocketAddr,
    towards: SocketAddr,
    session: RtpSession,
    pub voice: Voice,
    pub heard: Vec<i16>,
    /// Whether what it sends gets lost: all of it, or each of so many packets.
    pub loses: Loses,
    sent: u32,
}

/// What the network loses of what a party sends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Loses {
    Nothing,
    Everything,
    OneIn(u32),
}

impl Party {
    pub fn say(&mut self, hertz: f64) {
        self.voice = Voice::Tone(Box::new(Oscillator::new(hertz)));
    }

    pub fn press(&mut self, keys: &str) {
        let mut generator = DtmfGenerator::new(DtmfLevel::default());
        for key in keys.chars() {
            assert!(generator.dial(Digit::from_char(key).unwrap(), DtmfTiming::default()));
        }
        self.voice = Voice::Keys(Box::new(generator));
    }

    fn frame(&mut self) -> Frame {
        match &mut self.voice {
            Voice::Nothing => SILENCE,
            Voice::Tone(oscillator) => {
                let peak = sine_peak(-16.0);
                std::array::from_fn(|_| to_sample(oscillator.sample() * peak))
            }
            Voice::Keys(keys) => keys.frame(),
        }
    }

    /// Which of these frequencies it heard in the last 200 ms.
    pub fn hears(&self, of: &[u32]) -> BTreeSet<u32> {
        found(&self.heard, of)
    }
}

/// Which of these frequencies are in the last 200 ms.
pub fn found(heard: &[i16], of: &[u32]) -> BTreeSet<u32> {
    let tail = &heard[heard.len().saturating_sub(1600)..];
    let loud: Vec<_> = strongest(tail, 6).into_iter().filter(|c| c.level > -35.0).collect();
    let is_in = |hertz: &u32| loud.iter().any(|c| (c.hertz - f64::from(*hertz)).abs() < 20.0);
    of.iter().copied().filter(is_in).collect()
}

/// Samples of a tone.
pub fn tone(hertz: f64, length: Duration) -> Vec<i16> {
    let mut oscillator = Oscillator::new(hertz);
    let peak = sine_peak(-16.0);
    (0..length.as_millis() * 8).map(|_| to_sample(oscillator.sample() * peak)).collect()
}

/// A gateway, its parties, and everything it has said.
pub struct Bench {
    pub gateway: SoftGateway,
    pub now: Time,
    id: u32,
    said: VecDeque<String>,
    pub facts: Vec<(String, LineFact)>,
    pub parties: Vec<Party>,
    /// What its circuits sent to elsewhere.
    pub circuits: Vec<(u32, CircuitFrame)>,
    /// What went to elsewhere than a party: from which port, to where, and the octets.
    pub sent: Vec<(u16, SocketAddr, Vec<u8>)>,
}

impl Bench {
    pub fn new(configure: impl FnOnce(GatewayConfig) -> SoftGatewayConfig) -> Self {
        let config = configure(GatewayConfig::new("gw1.town", CallAgent::at(agent())));
        let ports = (0..PAIRS).map(|pair| MediaPort {
            rtp: at(5000 + pair * 2),
            rtcp: at(5001 + pair * 2),
            rtp_socket: SocketId(u32::from(pair) * 2 + 1),
            rtcp_socket: SocketId(u32::from(pair) * 2 + 2),
        });
        let gateway = SoftGateway::new(Time::ZERO, config, ports.collect(), Rng::from_number(1)).unwrap();
        let mut bench = Self {
            gateway,
            now: Time::ZERO,
            id: 100,
            said: VecDeque::new(),
            facts: Vec::new(),
            parties: Vec::new(),
            circuits: Vec::new(),
            sent: Vec::new(),
        };
        // The first command ends the waiting delay, and is answered with 405 until the restart is known.
        bench.send("AUEP *", "");
        bench.said.clear();
        bench
    }

    fn send(&mut self, command: &str, body: &str) -> u32 {
        self.id += 1;
        let (verb, endpoint) = command.split_once(' ').unwrap();
        let end = if body.is_empty() || body.ends_with('\n') { "" } else { "\n" };
        let text = format!("{verb} {} {endpoint}@gw1.town MGCP 1.0\n{body}{end}", self.id);
        self.gateway.handle_input(self.now, SocketId::MAIN, agent(), text.as_bytes());
        self.take_turns();
        self.id
    }

    /// Sends a command and returns its answer.
    pub fn ask(&mut self, command: &str, body: &str) -> String {
        let id = self.send(command, body).to_string();
        let is_it = |text: &String| text.split_whitespace().nth(1) == Some(&id);
        let place = self.said.iter().position(is_it).unwrap_or_else(|| panic!("{command} is not answered"));
        self.said.remove(place).unwrap()
    }

    /// Sends a command that is not answered at once, and returns its identifier.
    pub fn begin(&mut self, command: &str, body: &str) -> u32 {
        let id = self.send(command, body);
        assert_eq!(self.answer(id), None, "{command}\n{body}");
        id
    }

    /// The code of the latest answer to a command; those before it are forgotten.
    pub fn answer(&mut self, id: u32) -> Option<String> {
        let id = id.to_string();
        let is_it = |text: &String| text.split_whitespace().nth(1) == Some(&id);
        let code = self.said.iter().rev().find(|text| is_it(text))?.get(..3)?.to_owned();
        self.said.retain(|text| !is_it(text));
        Some(code)
    }

    /// Sends a command that must be executed.
    pub fn good(&mut self, command: &str, body: &str) -> String {
        let answer = self.ask(command, body);
        assert!(answer.starts_with('2'), "{command}\n{body}\n{answer}");
        answer
    }

    /// Sends a command that must be refused so.
    pub fn refused(&mut self, code: u16, command: &str, body: &str) {
        let answer = self.ask(command, body);
        assert!(answer.starts_with(&code.to_string()), "{command}\n{body}\n{answer}");
    }

    /// Opens a connection to a new party, and returns its place in the list.
    pub fn connect(&mut self, endpoint: &str, mode: &str) -> usize {
        let place = self.parties.len();
        let port = 6000 + u16::try_from(place).unwrap() * 2;
        let address = SocketAddr::from(([10, 0, 0, 9], port));
        let body = format!(
            "C: 1\nL: a:PCMU\nM: {mode}\n\nv=0\no=- 1 1 IN IP4 10.0.0.9\ns=-\nc=IN IP4 10.0.0.9\nt=0 0\nm=audio {port} RTP/AVP 0\n"
        );
        let answer = self.good(&format!("CRCX {endpoint}"), &body);
        let line = |start: &str| answer.lines().find_map(|line| line.strip_prefix(start)).unwrap().to_owned();
        let local: u16 = line("m=audio ").split_whitespace().next().unwrap().parse().unwrap();
        let config = SessionConfig::new(&[Payload::PCMU]).toward(at(local));
        let session = RtpSession::new(self.now, &config, Rng::from_number(u64::from(port)));
        let (id, voice) = (line("I: "), Voice::Nothing);
        self.parties.push(Party {
            id,
            address,
            towards: at(local),
            session,
            voice,
            heard: Vec::new(),
            loses: Loses::Nothing,
            sent: 0,
        });
        place
    }

    /// Lets a datagram come from somewhere to one of the gateway's media ports.
    pub fn datagram(&mut self, from: SocketAddr, port: u16, octets: &[u8]) {
        self.gateway.handle_input(self.now, SocketId(u32::from(port) - 4999), from, octets);
        self.take_turns();
    }

    /// Changes the mode of a party's connection.
    pub fn mode(&mut self, endpoint: &str, party: usize, mode: &str) -> String {
        let id = self.parties[party].id.clone();
        self.ask(&format!("MDCX {endpoint}"), &format!("C: 1\nI: {id}\nM: {mode}"))
    }

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
            } else if let Some(party) = self.parties.iter_mut().find(|party| party.address == transmit.to) {
                party.session.receive(self.now, party.towards, &transmit.payload);
            } else {
                let port = 4999 + u16::try_from(transmit.socket.0).unwrap();
                self.sent.push((port, transmit.to, transmit.payload));
            }
        }
        while let Some((index, frame)) = self.gateway.poll_circuit() {
            self.circuits.push((index.0, frame));
        }
        while let Some(event) = self.gateway.poll_event() {
            if let What::Line { line, fact } = event.what {
                self.facts.push((line, fact));
            }
        }
    }

    /// Lets time pass, in which all parties talk and listen.
    pub fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        while self.now < end {
            self.now += FRAME_TIME;
            for place in 0..self.parties.len() {
                let party = &mut self.parties[place];
                let frame = party.frame();
                let sent = party.session.send_frame(self.now, &frame);
                let heard = party.session.play_frame(self.now);
                party.heard.extend_from_slice(&heard);
                let (from, socket) = (party.address, SocketId(u32::from(party.towards.port()) - 4999));
                party.sent += u32::from(sent.is_some());
                let lost = match party.loses {
                    Loses::Nothing => false,
                    Loses::Everything => true,
                    Loses::OneIn(count) => party.sent.is_multiple_of(count),
                };
                if let Some(packet) = sent.filter(|_| !lost) {
                    self.gateway.handle_input(self.now, socket, from, &packet);
                }
            }
            while self.gateway.poll_timeout().is_some_and(|due| due <= self.now) {
                self.gateway.handle_timeout(self.now);
                self.take_turns();
            }
            self.take_turns();
        }
    }

    pub fn pass_millis(&mut self, millis: u64) {
        self.pass(Duration::from_millis(millis));
    }

    /// Lets a subscriber do something.
    pub fn step(&mut self, text: &str) {
        let step = Parser::new().line(text).unwrap().unwrap();
        self.gateway.handle_step(self.now, &step).unwrap();
        self.take_turns();
    }

    /// The next notification's observed events.
    pub fn notified(&mut self) -> Option<String> {
        let place = self.said.iter().position(|text| text.starts_with("NTFY"))?;
        let text = self.said.remove(place).unwrap();
        text.lines().find_map(|line| line.strip_prefix("O: ")).map(str::to_owned)
    }

    /// Waits for the next notification.
    pub fn await_notified(&mut self, millis: u64) -> String {
        for _ in 0..millis / 10 {
            if let Some(events) = self.notified() {
                return events;
            }
            self.pass(FRAME_TIME);
        }
        panic!("no notification in {millis} ms")
    }
}
