//! A gateway inside the test, and what is done, said and heard at its telephones.

use std::net::SocketAddr;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use strowger_media::speech::SpeechNoise;
use strowger_mgcp::gateway::{CallAgent, GatewayConfig};
use strowger_node::clock::Clock;
use strowger_node::gateway::{Datagram, Direction, GatewayHost, HostConfig, Observer};
use strowger_sansio::{Duration, Rng, SocketId};
use strowger_softgateway::script::{Parser, Step};
use strowger_softgateway::{Event, LineFact, SoftGatewayConfig, What};

use super::{PATIENCE, loopback};

/// A media packet that a gateway sent or received.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packet {
    pub(crate) here: SocketAddr,
    pub(crate) there: SocketAddr,
    pub(crate) direction: Direction,
}

enum News {
    Event(Event),
    Step(Result<Option<u64>, String>),
}

struct Witness {
    news: Sender<News>,
    packets: Arc<Mutex<Vec<Packet>>>,
}

impl Observer for Witness {
    fn event(&mut self, event: Event) {
        let _ = self.news.send(News::Event(event));
    }

    fn step(&mut self, _: &Step, result: Result<Option<u64>, String>) {
        let _ = self.news.send(News::Step(result));
    }

    fn datagram(&mut self, datagram: Datagram<'_>) {
        if datagram.socket == SocketId::MAIN {
            return;
        }
        let direction = datagram.direction;
        let (here, there) = match direction {
            Direction::Received => (datagram.to, datagram.from),
            Direction::Sent => (datagram.from, datagram.to),
        };
        self.packets.lock().unwrap().push(Packet { here, there, direction });
    }
}

/// Where a gateway will listen: its entry in an inventory comes before it is there.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) id: String,
    pub(crate) domain: String,
    pub(crate) address: SocketAddr,
}

impl Site {
    pub(crate) fn new(id: &str) -> Self {
        Self { id: id.to_owned(), domain: format!("{id}.town"), address: loopback::at(2427) }
    }
}

/// A gateway with its telephones.
pub(crate) struct Telephones {
    name: String,
    host: GatewayHost,
    news: Receiver<News>,
    packets: Arc<Mutex<Vec<Packet>>>,
    story: Vec<String>,
}

impl Telephones {
    /// Starts a gateway and waits until its call agent knows of it.
    pub(crate) fn start(site: &Site, agent: SocketAddr, lines: u32) -> Self {
        let mut gateway = GatewayConfig::new(site.domain.clone(), CallAgent::at(agent)).with_lines(lines);
        gateway.timers.protocol.mwd = Duration::from_millis(50);
        let config = HostConfig {
            listen: site.address,
            rtp_ports: None,
            connections: 8,
            recordings: None,
            busy_poll: Duration::ZERO,
            gateway: SoftGatewayConfig::new(gateway),
        };
        let (sender, news) = mpsc::channel();
        let packets = Arc::new(Mutex::new(Vec::new()));
        let witness = Witness { news: sender, packets: Arc::clone(&packets) };
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).unwrap();
        let host =
            GatewayHost::start(config, Clock::start(), Rng::from_seed(seed), Box::new(witness)).unwrap();
        let mut telephones = Self { name: site.id.clone(), host, news, packets, story: Vec::new() };
        telephones.wait("registration", |news| {
            matches!(news, News::Event(Event { what: What::Registered { .. }, .. }))
        });
        telephones
    }

    /// Gives a talk under the name that steps use: noise like speech, another one for another seed.
    pub(crate) fn learn(&self, name: &str, seed: u64, seconds: usize) {
        let mut talk = SpeechNoise::new(Rng::from_number(seed), -12.0);
        let samples: Vec<i16> = (0..seconds * 8000).map(|_| talk.sample()).collect();
        self.host.add_sound(name, samples.into());
    }

    /// A subscriber does something, or notices something in time.
    pub(crate) fn step(&mut self, text: &str) {
        if let Err(why) = self.attempt(text) {
            panic!("{}: {text}: {why}\n{}", self.name, self.story.join("\n"));
        }
    }

    /// As [`Self::step`]; what went wrong comes back.
    pub(crate) fn attempt(&mut self, text: &str) -> Result<(), String> {
        let step = Parser::new().line(text).unwrap().unwrap();
        self.story.push(format!("> {text}"));
        self.host.step(step);
        let result = self.wait("result of a step", |news| matches!(news, News::Step(_)));
        let News::Step(result) = result else { unreachable!() };
        let Some(number) = result? else { return Ok(()) };
        let verdict = |news: &News| match news {
            News::Event(Event { what: What::Line { fact, .. }, .. }) => match fact {
                LineFact::Met { expectation, .. } if *expectation == number => Some(Ok(())),
                LineFact::Missed { expectation, instead, .. } if *expectation == number => {
                    Some(Err(instead.clone()))
                }
                _ => None,
            },
            _ => None,
        };
        let news = self.wait("verdict", |news| verdict(news).is_some());
        verdict(&news).unwrap()
    }

    /// All RTP packets so far: those of the even port of a pair (RFC 3550 section 11).
    pub(crate) fn packets(&self) -> Vec<Packet> {
        let packets = self.packets.lock().unwrap();
        packets.iter().filter(|packet| packet.here.port() % 2 == 0).copied().collect()
    }

    /// The hosts and ports that RTP went to or came from.
    pub(crate) fn media_peers(&self) -> std::collections::BTreeSet<SocketAddr> {
        self.packets().iter().map(|packet| packet.there).collect()
    }

    /// Ends the gateway in order.
    pub(crate) fn stop(self) {
        self.host.stop().unwrap();
    }

    fn wait(&mut self, what: &str, wanted: impl Fn(&News) -> bool) -> News {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(news) = self.news.recv_timeout(left) else {
                panic!("{}: no {what}\n{}", self.name, self.story.join("\n"));
            };
            if let News::Event(event) = &news {
                self.story.push(format!("{event:?}").chars().take(200).collect());
            }
            if wanted(&news) {
                return news;
            }
        }
    }
}
