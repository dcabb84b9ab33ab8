//! Where a peer is that is known by a name: which questions the name service is asked, and what follows from its answers
//! (RFC 3263 section 4, RFC 2782, RFC 3403).
//!
//! ```text
//!   name -- NAPTR --> transports, each with a name -- SRV --> hosts and ports -- A, AAAA --> destinations, the best first
//! ```
//!
//! A name with a port skips NAPTR and SRV, and one whose transport is given skips NAPTR. A name without NAPTR records is asked for the SRV
//! records of each transport, and one without any of those for its addresses.

use std::net::{IpAddr, SocketAddr};

use strowger_sansio::Rng;

use crate::message::Secure;
use crate::transport::{PORT, TLS_PORT, Transport};

/// How many destinations of one name are kept: more than a provider has proxies.
const MOST: usize = 16;
/// How many questions are asked for one name.
const QUESTIONS: usize = 48;

/// What is to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The name of a domain or host.
    pub name: String,
    /// The port, when it is given.
    pub port: Option<u16>,
    /// The transport, when it is given.
    pub transport: Option<Transport>,
    /// Whether only TLS will do.
    pub secure: Secure,
}

/// What the name service is asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// The NAPTR records of a name.
    Naptr(String),
    /// The SRV records of a name.
    Srv(String),
    /// The A and AAAA records of a name.
    Address(String),
}

/// What it says. Nothing, and no answer, are empty lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To [`Question::Naptr`].
    Naptr(Vec<Naptr>),
    /// To [`Question::Srv`].
    Srv(Vec<Srv>),
    /// To [`Question::Address`], in the order in which they are to be tried.
    Address(Vec<IpAddr>),
}

/// A NAPTR record (RFC 3403 section 4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naptr {
    /// Records of the lowest order alone are followed.
    pub order: u16,
    /// The lower is the better among those.
    pub preference: u16,
    /// `s`: the replacement has SRV records. `a`: it is a host.
    pub flags: String,
    /// `SIP+D2U` for UDP, `SIP+D2T` for TCP, `SIPS+D2T` for TLS.
    pub service: String,
    /// The next name; none where an expression makes it, which SIP does not use.
    pub replacement: Option<String>,
}

/// An SRV record (RFC 2782).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Srv {
    /// The lower is tried first.
    pub priority: u16,
    /// How often it is tried first among those of its priority.
    pub weight: u16,
    /// The port.
    pub port: u16,
    /// The host; `.` when the service is not to be had.
    pub target: String,
}

/// A place where a peer is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Destination {
    /// How.
    pub transport: Transport,
    /// Where.
    pub address: SocketAddr,
}

/// Something on the way to destinations, in the order in which they will be tried.
#[derive(Clone, Debug)]
enum Step {
    Naptr,
    /// The SRV records of a name; what to do without any.
    Srv(String, Transport, Without),
    Address(String, Transport, u16),
    There(Destination),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Without {
    /// The name itself has addresses (RFC 3263 section 4.2).
    Host,
    /// Another transport may have some.
    Nothing,
}

/// The search for one target.
#[derive(Clone, Debug)]
pub struct Location {
    target: Target,
    transports: Vec<Transport>,
    steps: Vec<Step>,
    /// SRV records are asked for one transport by one; whether any has said something.
    guesses: bool,
    served: bool,
    asked: usize,
    waiting: Option<Question>,
    rng: Rng,
}

impl Location {
    /// A search. `transports`: those that this side has, the one that it likes best first.
    #[must_use]
    pub fn new(target: Target, transports: &[Transport], rng: Rng) -> Self {
        let secure = target.secure == Secure::Sips;
        let able = |transport: &Transport| !secure || *transport == Transport::Tls;
        let transports: Vec<_> = transports.iter().copied().filter(able).collect();
        let default = if secure { Transport::Tls } else { Transport::Udp };
        let chosen = target.transport.unwrap_or(default);
        let first = match (target.port, target.transport) {
            // Section 4.1: "if the TARGET is not numeric, but an explicit port is provided …"
            (Some(port), _) => Step::Address(target.name.clone(), chosen, port),
            (None, Some(transport)) => Step::Srv(service(transport, &target.name), transport, Without::Host),
            (None, None) => Step::Naptr,
        };
        let steps = if able(&chosen) && !transports.is_empty() { vec![first] } else { Vec::new() };
        Self { target, transports, steps, guesses: false, served: false, asked: 0, waiting: None, rng }
    }

    /// What is to be asked next; none while an answer is awaited, and at the end.
    pub fn poll_question(&mut self) -> Option<Question> {
        if self.waiting.is_some() || self.asked >= QUESTIONS || self.reached() >= MOST {
            return None;
        }
        let question = self.steps.iter().find_map(|step| match step {
            Step::Naptr => Some(Question::Naptr(self.target.name.clone())),
            Step::Srv(name, ..) => Some(Question::Srv(name.clone())),
            Step::Address(name, ..) => Some(Question::Address(name.clone())),
            Step::There(_) => None,
        })?;
        self.asked += 1;
        self.waiting = Some(question.clone());
        Some(question)
    }

    /// Takes the answer to the last question; an answer of another kind is none.
    pub fn handle_answer(&mut self, answer: &Answer) {
        self.waiting = None;
        let Some(place) = self.steps.iter().position(|step| !matches!(step, Step::There(_))) else { return };
        let next = match (self.steps.remove(place), answer) {
            (Step::Naptr, Answer::Naptr(records)) => self.by_naptr(records),
            (Step::Naptr, _) => self.by_naptr(&[]),
            (Step::Srv(_, transport, without), Answer::Srv(records)) => {
                self.by_srv(transport, without, records)
            }
            (Step::Srv(_, transport, without), _) => self.by_srv(transport, without, &[]),
            (Step::Address(_, transport, port), Answer::Address(addresses)) => {
                let there = |ip: &IpAddr| {
                    let address = SocketAddr::new(ip.to_canonical(), port);
                    Step::There(Destination { transport, address })
                };
                addresses.iter().map(there).collect()
            }
            (Step::Address(..) | Step::There(_), _) => Vec::new(),
        };
        self.steps.splice(place..place, next);
        let guessing = self.steps.iter().any(|step| matches!(step, Step::Srv(..)));
        if self.guesses && !guessing && !self.served {
            self.guesses = false;
            let transport = self.plain();
            self.steps.extend(transport.map(|transport| {
                Step::Address(self.target.name.clone(), transport, default_port(transport))
            }));
        }
    }

    /// What was found, the best first, when there is nothing more to ask.
    #[must_use]
    pub fn destinations(&self) -> Vec<Destination> {
        let mut found = Vec::new();
        for step in &self.steps {
            if let Step::There(destination) = step
                && !found.contains(destination)
                && found.len() < MOST
            {
                found.push(*destination);
            }
        }
        found
    }

    fn reached(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step, Step::There(_))).count()
    }

    /// What goes where nothing is said of transports (section 4.1).
    fn plain(&self) -> Option<Transport> {
        let default = if self.target.secure == Secure::Sips { Transport::Tls } else { Transport::Udp };
        self.transports
            .iter()
            .copied()
            .find(|own| *own == default)
            .or_else(|| self.transports.first().copied())
    }

    fn by_naptr(&mut self, records: &[Naptr]) -> Vec<Step> {
        let mut fit: Vec<(&Naptr, Transport)> = records
            .iter()
            .filter_map(|record| {
                let transport = transport_of(&record.service)?;
                let named = record.replacement.as_deref().is_some_and(|name| !name.is_empty());
                (named && self.transports.contains(&transport)).then_some((record, transport))
            })
            .collect();
        fit.sort_by_key(|(record, _)| (record.order, record.preference));
        let Some(lowest) = fit.first().map(|(record, _)| record.order) else {
            // Section 4.1: the SRV records of each transport that this side has; TLS where it is asked for alone.
            self.guesses = true;
            let secure = self.target.secure == Secure::Sips;
            let guessed = self.transports.iter().filter(|own| secure || **own != Transport::Tls);
            let name = &self.target.name;
            return guessed.map(|own| Step::Srv(service(*own, name), *own, Without::Nothing)).collect();
        };
        let followed = fit.into_iter().take_while(|(record, _)| record.order == lowest);
        followed
            .filter_map(|(record, transport)| {
                let name = record.replacement.clone()?;
                match record.flags.to_ascii_lowercase().as_str() {
                    "s" => Some(Step::Srv(name, transport, Without::Host)),
                    "a" => Some(Step::Address(name, transport, default_port(transport))),
                    _ => None,
                }
            })
            .collect()
    }

    fn by_srv(&mut self, transport: Transport, without: Without, records: &[Srv]) -> Vec<Step> {
        if records.is_empty() {
            let host = || Step::Address(self.target.name.clone(), transport, default_port(transport));
            return if without == Without::Host { vec![host()] } else { Vec::new() };
        }
        self.served = true;
        let ordered = in_order(records, &mut self.rng);
        // RFC 2782: "a Target of "." means that the service is decidedly not available at this domain".
        let hosts = ordered.into_iter().filter(|record| !matches!(record.target.as_str(), "" | "."));
        hosts.map(|record| Step::Address(record.target.clone(), transport, record.port)).collect()
    }
}

/// SRV records in the order in which they are tried: by priority, and by chance as their weights say (RFC 2782).
fn in_order<'r>(records: &'r [Srv], rng: &mut Rng) -> Vec<&'r Srv> {
    let mut left: Vec<&Srv> = records.iter().collect();
    // Those without weight come first where they are drawn, so that they have a small chance.
    left.sort_by_key(|record| (record.priority, record.weight != 0));
    let mut ordered = Vec::with_capacity(left.len());
    while let Some(priority) = left.first().map(|record| record.priority) {
        let same = left.iter().take_while(|record| record.priority == priority);
        let sum: u64 = same.map(|record| u64::from(record.weight)).sum();
        let drawn = rng.below(sum + 1);
        let mut running = 0;
        let place = left.iter().position(|record| {
            running += u64::from(record.weight);
            running >= drawn
        });
        ordered.push(left.remove(place.unwrap_or(0)));
    }
    ordered
}

/// The name whose SRV records a transport has (section 4.2).
fn service(transport: Transport, name: &str) -> String {
    match transport {
        Transport::Udp => format!("_sip._udp.{name}"),
        Transport::Tcp => format!("_sip._tcp.{name}"),
        Transport::Tls => format!("_sips._tcp.{name}"),
    }
}

/// What a service of NAPTR is carried by (section 4.1); none for those that are not spoken here.
fn transport_of(service: &str) -> Option<Transport> {
    match service.to_ascii_uppercase().as_str() {
        "SIP+D2U" => Some(Transport::Udp),
        "SIP+D2T" => Some(Transport::Tcp),
        "SIPS+D2T" => Some(Transport::Tls),
        _ => None,
    }
}

const fn default_port(transport: Transport) -> u16 {
    match transport {
        Transport::Udp | Transport::Tcp => PORT,
        Transport::Tls => TLS_PORT,
    }
}
