//! Our gateway beside osmo-mgw: CPU time per transaction, from the system's own account of each process.
//!
//! Both are asked the same by one closed-loop client over loopback, in turn, several rounds, and the medians are printed. Wall
//! rates say little on a shared machine, so none is given. Run it with `cargo bench -p strowger-benches --bench peers`; without
//! osmo-mgw only our side is measured.

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Rounds of each measurement; the median counts.
const ROUNDS: usize = 5;
/// Transactions of one round.
const TRANSACTIONS: usize = 100_000;
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

fn ours(client: SocketAddr) -> io::Result<Peer> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "--quiet", "--bin", "strowger"])
        .current_dir(&root)
        .status()?;
    assert!(built.success(), "the gateway does not build");
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
    let child = Command::new(target.join("release/strowger"))
        .args([
            "gateway",
            "mgcp",
            "--domain",
            "mgw",
            "--lines",
            "0",
            "--relays",
            "512",
            "--connections",
            "600",
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

/// A closed loop: a window of endpoints, each with one command at a time.
struct Client {
    socket: UdpSocket,
    next_id: u32,
}

impl Client {
    fn new() -> io::Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { socket, next_id: 1000 })
    }

    /// Sends a command and waits for its final response, answering whatever the gateway asks meanwhile.
    fn ask(&mut self, peer: &Peer, command: &str, body: &str) -> io::Result<String> {
        self.send(peer, 0, command, body)?;
        loop {
            if let Some((_, answer)) = self.receive(peer)? {
                return Ok(answer);
            }
        }
    }

    fn send(&mut self, peer: &Peer, place: usize, command: &str, body: &str) -> io::Result<u32> {
        self.next_id += 1;
        let (verb, endpoint) = command.split_once(' ').unwrap_or((command, ""));
        let endpoint = if endpoint.is_empty() { (peer.endpoint)(place + 1) } else { endpoint.to_owned() };
        let text = format!("{verb} {} {endpoint}@{} MGCP 1.0\r\n{body}", self.next_id, peer.domain);
        self.socket.send_to(text.as_bytes(), peer.address)?;
        Ok(self.next_id)
    }

    /// A final response with its identifier; nothing when something else came.
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

    /// Waits until the gateway serves.
    fn wait_for(&mut self, peer: &Peer) -> io::Result<()> {
        for _ in 0..200 {
            match self.ask(peer, "AUEP", "") {
                Ok(answer) if answer.starts_with("200") => return Ok(()),
                _ => std::thread::sleep(Duration::from_millis(50)),
            }
        }
        Err(io::Error::other(format!("{} does not answer", peer.name)))
    }

    /// `count` audits with a window of `window`.
    fn audits(&mut self, peer: &Peer, window: usize, count: usize) -> io::Result<()> {
        let mut places = VecDeque::new();
        for place in 0..window {
            self.send(peer, place, "AUEP", "")?;
            places.push_back(place);
        }
        let mut done = 0;
        while done < count {
            match self.receive(peer) {
                Ok(Some((_, answer))) => {
                    assert!(answer.starts_with("200"), "{}: {answer}", peer.name);
                    done += 1;
                }
                Ok(None) => continue,
                Err(_) => {}
            }
            let place = places.pop_front().unwrap_or(0);
            self.send(peer, place, "AUEP", "")?;
            places.push_back(place);
        }
        self.settle(peer);
        Ok(())
    }

    /// `count` transactions: connections made with a description and deleted, with a window of `window`.
    fn calls(&mut self, peer: &Peer, window: usize, count: usize) -> io::Result<()> {
        let create = format!("C: 1F\r\nL: p:20, a:PCMU\r\nM: sendrecv\r\n\r\n{DESCRIPTION}");
        let mut waiting: Vec<(u32, usize, bool)> = Vec::new();
        for place in 0..window {
            waiting.push((self.send(peer, place, "CRCX", &create)?, place, true));
        }
        let mut done = 0;
        while done < count {
            let Some((id, answer)) = self.receive(peer)? else { continue };
            let Some(at) = waiting.iter().position(|(waited, ..)| *waited == id) else { continue };
            let (_, place, created) = waiting.swap_remove(at);
            assert!(answer.starts_with('2'), "{}: {answer}", peer.name);
            done += 1;
            if created {
                let connection = answer.lines().find_map(|line| line.strip_prefix("I: ")).unwrap_or("");
                let body = format!("C: 1F\r\nI: {}\r\n", connection.trim());
                waiting.push((self.send(peer, place, "DLCX", &body)?, place, false));
            } else {
                waiting.push((self.send(peer, place, "CRCX", &create)?, place, true));
            }
        }
        self.settle(peer);
        // What the last turn of the window made.
        for place in 0..window {
            let _ = self.ask(peer, &format!("DLCX {}", (peer.endpoint)(place + 1)), "C: 1F\r\n");
        }
        Ok(())
    }

    /// Reads what is still on its way.
    fn settle(&mut self, peer: &Peer) {
        while self.receive(peer).is_ok() {}
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

fn measure(
    client: &mut Client,
    peers: &[Peer],
    name: &str,
    work: impl Fn(&mut Client, &Peer) -> io::Result<()>,
) -> io::Result<()> {
    let mut figures = vec![Vec::new(); peers.len()];
    for _ in 0..ROUNDS {
        for (peer, figures) in peers.iter().zip(&mut figures) {
            let before = peer.cpu();
            work(client, peer)?;
            let used = peer.cpu().saturating_sub(before);
            figures.push(used.as_secs_f64() * 1e6 / TRANSACTIONS as f64);
        }
    }
    let medians: Vec<_> = figures.into_iter().map(median).collect();
    print!("{name:28}");
    for (peer, figure) in peers.iter().zip(&medians) {
        print!("  {} {figure:6.2} us", peer.name);
    }
    match medians.as_slice() {
        [ours, theirs, ..] => println!("  ratio {:.2}", ours / theirs),
        _ => println!(),
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let mut client = Client::new()?;
    let folder = std::env::temp_dir();
    let mut peers = vec![ours(client.socket.local_addr()?)?];
    match osmo(&folder)? {
        Some(peer) => peers.push(peer),
        None => println!("osmo-mgw is not installed: only our side is measured"),
    }
    for peer in &peers {
        client.wait_for(peer)?;
    }
    println!("CPU per transaction, median of {ROUNDS} rounds of {TRANSACTIONS} transactions each");
    measure(&mut client, &peers, "AUEP, window 1", |client, peer| client.audits(peer, 1, TRANSACTIONS))?;
    measure(&mut client, &peers, "AUEP, window 32", |client, peer| client.audits(peer, 32, TRANSACTIONS))?;
    measure(&mut client, &peers, "CRCX and DLCX, window 8", |client, peer| {
        client.calls(peer, 8, TRANSACTIONS)
    })
}
