//! The name service for SIP: NAPTR, SRV and addresses, asked of the servers of the system or of the configuration (RFC 1035).
//!
//! Questions go out from a port of their own each, with an identifier that nobody guesses, and what is not an answer to them is not looked
//! at (RFC 5452). `search`: the names of trunks, looked for again and again. `wire`: the octets. What follows from the answers is [`strowger_sip::locate`]'s to say.

mod search;
mod wire;

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs as _, UdpSocket};
use std::time::{Duration, Instant};

use strowger_sansio::Rng;
use strowger_sip::Transport;
use strowger_sip::locate::{Answer, Destination, Location, Question, Target};

pub(crate) use search::Search;
use wire::{Data, Kind, Response};

/// How long a server has for an answer.
const PATIENCE: Duration = Duration::from_millis(1500);
/// How often all servers are asked.
const ROUNDS: usize = 2;
/// The most octets of an answer by datagram; what is longer comes over TCP.
const DATAGRAM: usize = 4096;
/// How long what was found is remembered: what the records say within these bounds.
const REMEMBERED: (u32, u32) = (30, 3600);
/// Where the system keeps its servers.
const SYSTEM: &str = "/etc/resolv.conf";

/// Where a name leads, and for how long that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) destinations: Vec<Destination>,
    pub(crate) lasts: Duration,
}

/// Asks name servers. Blocks until they have answered.
#[derive(Clone, Debug)]
pub(crate) struct Resolver {
    servers: Vec<SocketAddr>,
    patience: Duration,
}

impl Resolver {
    /// With these servers, or those of the system when there are none.
    pub(crate) fn new(servers: &[SocketAddr]) -> Self {
        let servers = if servers.is_empty() {
            servers_of(&std::fs::read_to_string(SYSTEM).unwrap_or_default())
        } else {
            servers.to_vec()
        };
        Self { servers, patience: PATIENCE }
    }

    /// Looks for a peer. `local`: what is sent from, which says the family of addresses.
    pub(crate) fn find(&self, target: Target, transports: &[Transport], local: IpAddr, rng: Rng) -> Found {
        let mut location = Location::new(target, transports, rng);
        let mut shortest = REMEMBERED.1;
        while let Some(question) = location.poll_question() {
            let Some((answer, ttl)) = self.answer(&question, local) else { break };
            shortest = shortest.min(ttl.unwrap_or(REMEMBERED.1));
            location.handle_answer(&answer);
        }
        let destinations = location.destinations();
        // What was not found may be there soon.
        let lasts = if destinations.is_empty() { REMEMBERED.0 } else { shortest.max(REMEMBERED.0) };
        Found { destinations, lasts: Duration::from_secs(u64::from(lasts)) }
    }

    /// None when no server answers, as none would the next question.
    fn answer(&self, question: &Question, local: IpAddr) -> Option<(Answer, Option<u32>)> {
        let answer = match question {
            Question::Naptr(name) => {
                let (records, ttl) = self.records(name, Kind::Naptr)?;
                let naptr = |data| if let Data::Naptr(record) = data { Some(record) } else { None };
                (Answer::Naptr(records.into_iter().filter_map(naptr).collect()), ttl)
            }
            Question::Srv(name) => {
                let (records, ttl) = self.records(name, Kind::Srv)?;
                let srv = |data| if let Data::Srv(record) = data { Some(record) } else { None };
                (Answer::Srv(records.into_iter().filter_map(srv).collect()), ttl)
            }
            Question::Address(name) => {
                let kind = if local.is_ipv4() { Kind::A } else { Kind::Aaaa };
                let (records, ttl) = self.records(name, kind).unwrap_or_default();
                let address = |data| if let Data::Address(address) = data { Some(address) } else { None };
                let found: Vec<_> = records.into_iter().filter_map(address).collect();
                let found = if found.is_empty() { of_system(name, local) } else { found };
                (Answer::Address(found), ttl)
            }
        };
        Some(answer)
    }

    fn records(&self, name: &str, kind: Kind) -> Option<(Vec<Data>, Option<u32>)> {
        for server in std::iter::repeat_n(&self.servers, ROUNDS).flatten() {
            match self.ask(*server, name, kind) {
                // Success, or a name that does not exist; other servers would say the same.
                Ok(response) if matches!(response.code, 0 | 3) => {
                    return Some((response.records, response.ttl));
                }
                Ok(response) => {
                    tracing::debug!(%server, name, code = response.code, "a name server has no answer");
                }
                Err(error) => tracing::debug!(%server, name, %error, "a name server does not answer"),
            }
        }
        tracing::warn!(name, ?kind, "no name server has answered");
        None
    }

    fn ask(&self, server: SocketAddr, name: &str, kind: Kind) -> io::Result<Response> {
        let id = identifier()?;
        let question = wire::question(id, name, kind).ok_or(io::ErrorKind::InvalidInput)?;
        let any =
            if server.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = UdpSocket::bind((any, 0))?;
        // Nobody else is heard then.
        socket.connect(server)?;
        socket.send(&question)?;
        let (until, mut buffer) = (Instant::now() + self.patience, [0; DATAGRAM]);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            socket.set_read_timeout(Some(left))?;
            let length = socket.recv(&mut buffer)?;
            let Some(response) = wire::answer(buffer.get(..length).unwrap_or_default(), id, name, kind)
            else {
                continue;
            };
            if !response.is_truncated {
                return Ok(response);
            }
            return self.ask_by_stream(server, &question).and_then(|octets| {
                wire::answer(&octets, id, name, kind).ok_or_else(|| io::ErrorKind::InvalidData.into())
            });
        }
    }

    /// What did not fit in a datagram (RFC 1035 section 4.2.2).
    fn ask_by_stream(&self, server: SocketAddr, question: &[u8]) -> io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect_timeout(&server, self.patience)?;
        stream.set_write_timeout(Some(self.patience))?;
        let length = u16::try_from(question.len()).map_err(io::Error::other)?;
        stream.write_all(&[&length.to_be_bytes(), question].concat())?;
        let until = Instant::now() + self.patience;
        let mut length = [0; 2];
        read_until(&mut stream, until, &mut length)?;
        let mut octets = vec![0; usize::from(u16::from_be_bytes(length))];
        read_until(&mut stream, until, &mut octets)?;
        Ok(octets)
    }
}

/// Fills a buffer; a server that sends octet by octet has no more time than another.
fn read_until(stream: &mut TcpStream, until: Instant, mut buffer: &mut [u8]) -> io::Result<()> {
    while !buffer.is_empty() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            length => buffer = buffer.get_mut(length..).unwrap_or_default(),
        }
    }
    Ok(())
}

/// What the system knows besides: its own file of hosts.
fn of_system(name: &str, local: IpAddr) -> Vec<IpAddr> {
    let Ok(found) = (name, 0).to_socket_addrs() else { return Vec::new() };
    let found = found.map(|address| address.ip().to_canonical());
    found.filter(|address| address.is_ipv4() == local.is_ipv4()).take(8).collect()
}

fn servers_of(text: &str) -> Vec<SocketAddr> {
    let lines = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
    let servers: Vec<_> =
        lines.filter_map(|rest| rest.trim().parse().ok()).map(|ip: IpAddr| SocketAddr::new(ip, 53)).collect();
    // resolv.conf(5): without one, that of this host.
    if servers.is_empty() { vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 53))] } else { servers }
}

fn identifier() -> io::Result<u16> {
    let mut octets = [0; 2];
    getrandom::fill(&mut octets).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(u16::from_be_bytes(octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_of_the_system_are_read() {
        let text =
            "# a comment\nsearch town\nnameserver 192.0.2.53\n nameserver\t2001:db8::53\nnameserver x\n";
        let expected: Vec<SocketAddr> =
            vec!["192.0.2.53:53".parse().unwrap(), "[2001:db8::53]:53".parse().unwrap()];
        assert_eq!(servers_of(text), expected);
        assert_eq!(servers_of(""), ["127.0.0.1:53".parse().unwrap()]);
    }
}
