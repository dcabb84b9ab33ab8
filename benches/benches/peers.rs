//! Our gateway beside osmo-mgw: CPU time per transaction, from the system's own account of each process.
//!
//! Both are asked the same by one closed-loop client over loopback, in turn, several rounds, and the medians are printed. Wall
//! rates say little on a shared machine, so none is given. Run it with `cargo bench -p strowger-benches --bench peers`; without
//! osmo-mgw only our side is measured, and an argument measures only the loads whose name holds it.
//!
//! Every load has processes of its own, and fewer transactions than our gateway remembers of one peer within T-HIST: past
//! that it would refuse them with 409, as RFC 3435 section 4.4.8 has it, and look cheaper than it is.

#![expect(clippy::print_stdout, reason = "the figures are what the bench is for")]

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Rounds of each measurement; the median counts.
const ROUNDS: usize = 5;
/// Transactions of one round; all rounds of a load are fewer than 2^17.
const TRANSACTIONS: usize = 20_000;
/// Connections that are open meanwhile in the loads that say so, on endpoints of their own.
const OPEN: usize = 400;
/// The first endpoint that has such a connection; those before it are for the windows.
const FIRST_OPEN: usize = 64;
/// An answer that takes longer is taken for lost, and the command is sent again.
const PATIENCE: Duration = Duration::from_millis(500);

const DESCRIPTION: &str = "v=0\r\no=- 25678 753849 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
                           m=audio 65000 RTP/AVP 0\r\na=ptime:20\r\n";

/// A gateway under test, ended with the bench.
struct Peer {
    name: &'static str,
    child: Child,
    address: SocketAddr,
    domain: &'static str,
    /// The local endpoint name with this number.
    endpoint: fn(usize) -> String,
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Peer {
    /// Time on the processor of all its threads until now.
    fn cpu(&self) -> Duration {
        let tasks = format!("/proc/{}/task", self.child.id());
        let threads = std::fs::read_dir(tasks).into_iter().flatten().flatten();
        let nanos = threads.filter_map(|thread| {
            let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
            text.split_whitespace().next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(nanos.sum())
    }
}

fn free_port() -> io::Result<u16> {
    Ok(UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Where cargo puts what it builds for the workspace.
fn target() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

/// Builds our gateway as it is released.
fn build() -> io::Result<()> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "--quiet", "--bin", "strowger"])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .status()?;
    if built.success() { Ok(()) } else { Err(io::Error::other("the gateway does not build")) }
}

fn ours(client: SocketAddr) -> io::Result<Peer> {
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
    let child = Command::new(target().join("release/strowger"))
        .args([
            "gateway",
            "mgcp",
            "--domain",
            "mgw",
            "--lines",
            "0",
            "--relays",
            "1024",
            "--connections",
            "512",
            "--port-rest",
            "0",
        ])
        .args(["--listen", &address.to_string(), "--agent", &client.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()?;
    let endpoint = |number| format!("relay/{number}");
    Ok(Peer { name: "strowger", child, address, domain: "mgw", endpoint })
}

fn osmo(folder: &Path) -> io::Result<Option<Peer>> {
    if Command::new("osmo-mgw").arg("--version").stdout(Stdio::null()).status().is_err() {
        return Ok(None);
    }
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
    let config = folder.join("osmo-mgw.cfg");
    std::fs::write(
        &config,
        format!(
            "log stderr\n logging filter all 1\n logging level set-all fatal\nline vty\n bind 127.0.0.1 {}\nmgcp\n domain mgw\n \
             bind ip 127.0.0.1\n bind port {}\n rtp port-range 20002 59999\n rtp bind-ip 127.0.0.1\n no rtp ip-probing\n \
             no rtp keep-alive\n conn-timeout 0\n number endpoints 1024\n loop 0\n force-realloc 1\n rtcp-omit\n osmux off\n",
            free_port()?,
            address.port()
        ),
    )?;
    let child = Command::new("osmo-mgw")
        .arg("-c")
        .arg(&config)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let endpoint = |number| format!("rtpbridge/{number:x}");
    Ok(Some(Peer { name: "osmo-mgw", child, address, domain: "mgw", endpoint }))
}

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
    fn open(&mut self, peer: &Peer, count: usize) -> io::Result<()> {
        for place in FIRST_OPEN..FIRST_OPEN + count {
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
    format!("C: 1F\r\nL: p:20, a:PCMU\r\nM: sendrecv\r\n\r\n{DESCRIPTION}")
}

/// What deletes the connection that a CRCX was answered with.
fn delete(answer: &str) -> String {
    let connection = answer.lines().find_map(|line| line.strip_prefix("I:")).unwrap_or("");
    format!("C: 1F\r\nI: {}\r\n", connection.trim())
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// One row: a load, measured on fresh processes of both.
fn measure(name: &str, work: Work, window: usize, open: usize) -> io::Result<()> {
    let mut client = Client::new()?;
    let mut peers = vec![ours(client.socket.local_addr()?)?];
    peers.extend(osmo(&std::env::temp_dir())?);
    for peer in &peers {
        client.wait_for(peer)?;
        client.open(peer, open)?;
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
    let medians: Vec<_> = figures.into_iter().map(median).collect();
    print!("{name:34}");
    for (peer, figure) in peers.iter().zip(&medians) {
        print!("  {} {figure:6.2} us", peer.name);
    }
    match medians.as_slice() {
        [ours, theirs, ..] => print!("  ratio {:.2}", ours / theirs),
        _ => print!("  (osmo-mgw is not installed)"),
    }
    match client.repeated {
        0 => println!(),
        repeated => println!("  ({repeated} commands repeated)"),
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    build()?;
    println!("CPU per transaction, median of {ROUNDS} rounds of {TRANSACTIONS} transactions each");
    for open in [0, OPEN] {
        for (load, work, window) in [
            ("AUEP, window 1", Work::Audits, 1),
            ("AUEP, window 32", Work::Audits, 32),
            ("CRCX and DLCX, window 8", Work::Calls, 8),
        ] {
            let name = format!("{load}, {open} open");
            if wanted.as_ref().is_none_or(|wanted| name.contains(wanted.as_str())) {
                measure(&name, work, window, open)?;
            }
        }
    }
    Ok(())
}
