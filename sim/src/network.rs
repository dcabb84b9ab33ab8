//! A network of datagrams in virtual time: loss, delay, duplication and reordering, all drawn from the seed.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

use strowger_sansio::{Duration, Rng, Time};

/// What a path does to the datagrams on it. Datagrams overtake each other when the delay varies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    /// The probability that a datagram is lost.
    pub loss: f64,
    /// The probability that a datagram arrives twice.
    pub duplication: f64,
    /// The shortest time that a datagram takes.
    pub delay: Duration,
    /// How much longer it may take, evenly spread.
    pub jitter: Duration,
}

impl Link {
    /// A path that loses nothing and keeps the order.
    pub const CLEAN: Self =
        Self { loss: 0.0, duplication: 0.0, delay: Duration::from_millis(1), jitter: Duration::ZERO };

    /// A path for signalling as bad as the seed makes it: up to 20 % loss, 10 % duplicates, 80 ms of jitter.
    #[must_use]
    pub fn draw(rng: &mut Rng) -> Self {
        let part = |rng: &mut Rng, most: f64| rng.below(1000) as f64 / 1000.0 * most;
        Self {
            loss: if rng.chance(0.3) { 0.0 } else { part(rng, 0.2) },
            duplication: if rng.chance(0.3) { 0.0 } else { part(rng, 0.1) },
            delay: rng.duration(Duration::from_micros(100), Duration::from_millis(40)),
            jitter: rng.duration(Duration::ZERO, Duration::from_millis(80)),
        }
    }

    /// A path for media as bad as people still talk over: up to 3 % loss, 2 % duplicates, 40 ms of jitter.
    #[must_use]
    pub fn draw_media(rng: &mut Rng) -> Self {
        let part = |rng: &mut Rng, most: f64| rng.below(1000) as f64 / 1000.0 * most;
        Self {
            loss: part(rng, 0.03),
            duplication: part(rng, 0.02),
            delay: rng.duration(Duration::from_micros(100), Duration::from_millis(60)),
            jitter: rng.duration(Duration::ZERO, Duration::from_millis(40)),
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "loses {:.1} %, doubles {:.1} %, takes {:.1} to {:.1} ms",
            self.loss * 100.0,
            self.duplication * 100.0,
            self.delay.as_secs_f64() * 1000.0,
            (self.delay + self.jitter).as_secs_f64() * 1000.0
        )
    }
}

/// A datagram on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The sender's socket.
    pub from: SocketAddr,
    /// The receiver's socket.
    pub to: SocketAddr,
    /// The bytes.
    pub payload: Vec<u8>,
}

/// What happened to the datagrams so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fate {
    /// Datagrams handed to the network.
    pub sent: u64,
    /// Datagrams lost.
    pub lost: u64,
    /// Datagrams that arrived twice.
    pub duplicated: u64,
    /// Datagrams dropped because one of their ends was cut off.
    pub cut: u64,
}

/// All paths, and the datagrams on them in the order in which they arrive.
#[derive(Debug)]
pub struct Network {
    rng: Rng,
    signalling: Link,
    media: Link,
    signalling_ports: Vec<u16>,
    cut_off: Vec<IpAddr>,
    in_flight: BTreeMap<(Time, u64), Packet>,
    sequence: u64,
    fate: Fate,
}

impl Network {
    /// A network with one kind of path for datagrams to or from `signalling_ports`, and one for all others.
    #[must_use]
    pub fn new(rng: Rng, signalling: Link, media: Link, signalling_ports: &[u16]) -> Self {
        Self {
            rng,
            signalling,
            media,
            signalling_ports: signalling_ports.to_vec(),
            cut_off: Vec::new(),
            in_flight: BTreeMap::new(),
            sequence: 0,
            fate: Fate::default(),
        }
    }

    /// From now on nothing is lost, doubled or overtaken, and nobody is cut off.
    pub fn heal(&mut self) {
        self.signalling = Link::CLEAN;
        self.media = Link::CLEAN;
        self.cut_off.clear();
    }

    /// Whether nothing reaches `host`.
    #[must_use]
    pub fn is_cut_off(&self, host: IpAddr) -> bool {
        self.cut_off.contains(&host)
    }

    /// Nothing reaches `host` and nothing leaves it.
    pub fn cut_off(&mut self, host: IpAddr) {
        if !self.cut_off.contains(&host) {
            self.cut_off.push(host);
        }
    }

    /// `host` is reached again.
    pub fn reconnect(&mut self, host: IpAddr) {
        self.cut_off.retain(|cut| *cut != host);
    }

    /// Takes a datagram.
    pub fn send(&mut self, now: Time, packet: Packet) {
        self.fate.sent += 1;
        if self.cut_off.iter().any(|host| *host == packet.from.ip() || *host == packet.to.ip()) {
            self.fate.cut += 1;
            return;
        }
        let signalling =
            self.signalling_ports.iter().any(|port| *port == packet.from.port() || *port == packet.to.port());
        let link = if signalling { self.signalling } else { self.media };
        if self.rng.chance(link.loss) {
            self.fate.lost += 1;
            return;
        }
        if self.rng.chance(link.duplication) {
            self.fate.duplicated += 1;
            self.put(now, link, packet.clone());
        }
        self.put(now, link, packet);
    }

    fn put(&mut self, now: Time, link: Link, packet: Packet) {
        let arrival = now + link.delay + self.rng.duration(Duration::ZERO, link.jitter);
        self.sequence += 1;
        self.in_flight.insert((arrival, self.sequence), packet);
    }

    /// The next arrival.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.in_flight.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes the next datagram that has arrived by `now`.
    pub fn receive(&mut self, now: Time) -> Option<Packet> {
        if self.poll_timeout()? > now {
            return None;
        }
        let (_, packet) = self.in_flight.pop_first()?;
        Some(packet)
    }

    /// What happened to the datagrams so far.
    #[must_use]
    pub fn fate(&self) -> Fate {
        self.fate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(number: u8) -> Packet {
        let address = |host: u8| SocketAddr::from(([10, 0, 0, host], 2427));
        Packet { from: address(1), to: address(2), payload: vec![number] }
    }

    fn arrivals(link: Link, count: u8) -> Vec<u8> {
        let mut network = Network::new(Rng::from_number(1), link, Link::CLEAN, &[2427, 2727]);
        for number in 0..count {
            network.send(Time::from_millis(u64::from(number)), packet(number));
        }
        std::iter::from_fn(|| network.receive(Time::MAX)).map(|packet| packet.payload[0]).collect()
    }

    #[test]
    fn a_clean_path_delivers_each_datagram_once_and_in_order() {
        assert_eq!(arrivals(Link::CLEAN, 100), (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn a_bad_path_loses_doubles_and_reorders() {
        let bad = Link { loss: 0.2, duplication: 0.2, jitter: Duration::from_millis(20), ..Link::CLEAN };
        let heard = arrivals(bad, 200);
        let distinct: std::collections::BTreeSet<_> = heard.iter().collect();
        assert!((120..190).contains(&distinct.len()), "{} of 200 arrived", distinct.len());
        assert!(heard.len() > distinct.len());
        assert!(!heard.is_sorted());
        assert_eq!(heard, arrivals(bad, 200), "the same seed gives the same fate");
    }

    #[test]
    fn nothing_passes_to_or_from_a_host_that_is_cut_off() {
        let mut network = Network::new(Rng::from_number(1), Link::CLEAN, Link::CLEAN, &[2427, 2727]);
        network.cut_off(IpAddr::from([10, 0, 0, 2]));
        network.send(Time::ZERO, packet(0));
        assert_eq!(network.poll_timeout(), None);
        network.reconnect(IpAddr::from([10, 0, 0, 2]));
        network.send(Time::ZERO, packet(1));
        assert_eq!(network.receive(Time::from_millis(0)), None);
        assert_eq!(network.receive(Time::from_millis(1)), Some(packet(1)));
        assert_eq!(network.fate(), Fate { sent: 2, lost: 0, duplicated: 0, cut: 1 });
    }
}
