//! Our gateway beside osmo-mgw: CPU time per transaction and per RTP packet, from the system's own account of
//! each process.
//!
//! Both are asked the same by one closed-loop client over loopback, in turn, several rounds, and the medians are printed. Wall
//! rates say little on a shared machine, so none is given. Run it with `cargo bench -p strowger-benches --bench peers`; without
//! osmo-mgw only our side is measured, and an argument measures only the loads whose name holds it.
//!
//! Every load has processes of its own, and fewer transactions than our gateway remembers of one peer within T-HIST: past
//! that it would refuse them with 409, as RFC 3435 section 4.4.8 has it, and look cheaper than it is.

#![expect(clippy::print_stdout, reason = "the figures are what the bench is for")]

mod gateways;
mod relay;

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use gateways::{Peer, osmo, ours};
use relay::Load;
use strowger_benches::{build, median};

/// Rounds of each measurement; the median counts.
const ROUNDS: usize = 5;
/// Transactions of one round; all rounds of a load are fewer than 2^17.
const TRANSACTIONS: usize = 20_000;
/// Connections that are open meanwhile in the loads that say so, on endpoints of their own.
const OPEN: usize = 480;
/// As many as 20,000 file descriptors allow: two sockets each. osmo-mgw cannot have that many.
const MANY: usize = 9_900;
/// What our gateway is prepared for in the other loads.
const CONNECTIONS: usize = 512;
/// The first endpoint that has such a connection; those before it are for the windows.
const FIRST_OPEN: usize = 64;
/// An answer that takes longer is taken for lost, and the command is sent again.
const PATIENCE: Duration = Duration::from_millis(500);

/// What a place of the window does in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    /// AUEP, again and again.
    Audits,
    /// CRCX with a description, then DLCX of that connection.
    Calls,
}

/// A command without its answer.
struct Outstanding {
    id: u32,
    /// Whose turn it is: the endpoint of this number.
    place: usize,
    creates: bool,
    datagram: String,
}

/// A closed loop: a window of endpoints, each with one command at a time.
struct Client {
    socket: UdpSocket,
    next_id: u32,
    /// Commands that were sent again since no answer came.
    repeated: u64,
}

impl Client {
    fn new() -> io::Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { socket, next_id: 1000, repeated: 0 })
    }

    fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Sends a command to the endpoint of a place.
    fn send(&mut self, peer: &Peer, place: usize, verb: &str, body: &str) -> io::Result<Outstanding> {
        self.next_id += 1;
        let (id, endpoint) = (self.next_id, (peer.endpoint)(place + 1));
        let datagram = format!("{verb} {id} {endpoint}@{} MGCP 1.0\r\n{body}", peer.domain);
        self.socket.send_to(datagram.as_bytes(), peer.address)?;
        Ok(Outstanding { id, place, creates: verb == "CRCX", datagram })
    }

    /// A final response with its identifier; nothing when something else came. What the gateway itself asks is answered.
    fn receive(&mut self, peer: &Peer) -> io::Result<Option<(u32, String)>> {
        let mut buffer = [0; 4096];
        let (length, from) = self.socket.recv_from(&mut buffer)?;
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        let mut words = text.split_whitespace();
        let (first, id) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        if first == "RSIP" {
            self.socket.send_to(format!("200 {id} OK\r\n").as_bytes(), from)?;
            return Ok(None);
        }
        let is_final = from == peer.address && first.len() == 3 && !first.starts_with('1');
        Ok(id.parse().ok().filter(|_| is_final).map(|id| (id, text.clone())))
    }

    /// Waits for the answer of any of these commands, and sends them again when none comes.
    fn answer(&mut self, peer: &Peer, waiting: &mut Vec<Outstanding>) -> io::Result<(Outstanding, String)> {
        let mut silences = 0;
        loop {
            match self.receive(peer) {
                Ok(Some((id, answer))) => {
                    if let Some(at) = waiting.iter().position(|command| command.id == id) {
                        return Ok((waiting.swap_remove(at), answer));
                    }
                }
                Ok(None) => {}
                Err(error) if silences == 20 => return Err(error),
                Err(_) => {
                    silences += 1;
                    for command in waiting.iter() {
                        self.repeated += 1;
                        self.socket.send_to(command.datagram.as_bytes(), peer.address)?;
                    }
                }
            }
        }
    }

    fn ask(&mut self, peer: &Peer, place: usize, verb: &str, body: &str) -> io::Result<String> {
        let mut waiting = vec![self.send(peer, place, verb, body)?];
        self.answer(peer, &mut waiting).map(|(_, answer)| answer)
    }

    /// Waits until the gateway makes connections: our own does once its restart is acknowledged.
    fn wait_for(&mut self, peer: &Peer) -> io::Result<()> {
        for _ in 0..200 {
            let answer = self.ask(peer, 0, "CRCX", &create())?;
            if answer.starts_with('2') {
                return self.ask(peer, 0, "DLCX", &delete(&answer)).map(|_| ());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err(io::Error::other(format!("{} makes no connections", peer.name)))
    }

    /// Opens connections that stay, one on each of as many endpoints.
    fn open(&mut self, peer: &Peer, first: usize, count: usize) -> io::Result<()> {
        for place in first..first + count {
            let answer = self.ask(peer, place, "CRCX", &create())?;
            assert!(answer.starts_with('2'), "{}: {answer}", peer.name);
        }
        Ok(())
    }

    /// `count` transactions, with a window of `window`; whatever is begun is ended.
    fn work(&mut self, peer: &Peer, work: Work, window: usize, count: usize) -> io::Result<()> {
        let create = create();
        let (verb, body) = match work {
            Work::Audits => ("AUEP", ""),
            Work::Calls => ("CRCX", create.as_str()),
        };
        let mut waiting = Vec::with_capacity(window);
        let mut begun = 0;
        for place in 0..window {
            waiting.push(self.send(peer, place, verb, body)?);
            begun += 1;
        }
        while !waiting.is_empty() {
            let (command, answer) = self.answer(peer, &mut waiting)?;
            assert!(answer.starts_with('2'), "{} answers {}: {answer}", peer.name, command.datagram);
            if command.creates {
                waiting.push(self.send(peer, command.place, "DLCX", &delete(&answer))?);
            } else if begun < count {
                waiting.push(self.send(peer, command.place, verb, body)?);
            } else {
                continue;
            }
            begun += 1;
        }
        Ok(())
    }
}

fn create() -> String {
    format!("C: 1F\r\nL: p:20, a:PCMU\r\nM: sendrecv\r\n\r\n{}", description(65_000))
}

/// A description of a stream at this port.
fn description(port: u16) -> String {
    format!(
        "v=0\r\no=- 25678 753849 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\na=ptime:20\r\n"
    )
}

/// What deletes the connection that a CRCX was answered with.
fn delete(answer: &str) -> String {
    let connection = answer.lines().find_map(|line| line.strip_prefix("I:")).unwrap_or("");
    format!("C: 1F\r\nI: {}\r\n", connection.trim())
}

/// Prints a row.
fn compare(name: &str, peers: &[Peer], medians: &[f64], note: &str) {
    print!("{name:34}");
    for (peer, figure) in peers.iter().zip(medians) {
        print!("  {} {figure:6.2} us", peer.name);
    }
    if let [ours, theirs, ..] = medians {
        print!("  ratio {:.2}", ours / theirs);
    }
    println!("{note}");
}

/// One row: a load, measured on fresh processes of both.
fn measure(name: &str, work: Work, window: usize, open: usize) -> io::Result<()> {
    let mut client = Client::new()?;
    let many = open > OPEN;
    let mut peers = vec![ours(client.address()?, if many { open + window } else { CONNECTIONS })?];
    if !many {
        peers.extend(osmo(&std::env::temp_dir())?);
    }
    for peer in &peers {
        client.wait_for(peer)?;
        client.open(peer, FIRST_OPEN, open)?;
    }
    client.repeated = 0;
    let mut figures = vec![Vec::new(); peers.len()];
    for _ in 0..ROUNDS {
        for (peer, figures) in peers.iter().zip(&mut figures) {
            let before = peer.cpu();
            client.work(peer, work, window, TRANSACTIONS)?;
            let used = peer.cpu().saturating_sub(before);
            figures.push(used.as_secs_f64() * 1e6 / TRANSACTIONS as f64);
        }
    }
    let alone = if many || peers.len() > 1 { "" } else { "  (osmo-mgw is not installed)" };
    let repeated = match client.repeated {
        0 => String::new(),
        repeated => format!("  ({repeated} commands repeated)"),
    };
    let medians: Vec<f64> = figures.into_iter().map(median).collect();
    compare(name, &peers, &medians, &format!("{alone}{repeated}"));
    Ok(())
}

fn main() -> io::Result<()> {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let is_wanted = |name: &str| wanted.as_ref().is_none_or(|wanted| name.contains(wanted.as_str()));
    build()?;
    println!("CPU per transaction and per packet, median of {ROUNDS} rounds of 20,000 each");
    for open in [0, OPEN, MANY] {
        for (load, work, window) in [
            ("AUEP, window 1", Work::Audits, 1),
            ("AUEP, window 32", Work::Audits, 32),
            ("CRCX and DLCX, window 8", Work::Calls, 8),
        ] {
            let name = format!("{load}, {open} open");
            if is_wanted(&name) {
                measure(&name, work, window, open)?;
            }
        }
    }
    for (pairs, window, idle) in [(1, 1, 0), (1, 32, 0), (200, 200, 0), (1, 1, OPEN), (1, 32, OPEN)] {
        let load = Load { pairs, window, idle };
        if is_wanted(&load.name()) {
            relay::measure(load)?;
        }
    }
    Ok(())
}
