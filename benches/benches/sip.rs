//! Who answers SIPp: our user agent alone, which keeps transactions, dialogs and sessions as RFC 3261 wants, and Kamailio with a stateless
//! reply to each request, which keeps nothing. SIPp's own caller is the load of both, in turn: INVITE, 200, ACK, BYE, 200, so many calls at a
//! time as the window says.
//!
//! Ours is one thread with one socket; Kamailio has one worker. "A call" is processor time of who answers, the kernel's part included; the rate on the
//! wall is mostly SIPp's own. Without `sip-tester` nothing is measured, without `kamailio` only ours.

#![expect(clippy::print_stdout, reason = "the figures are what the bench is for")]

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use strowger_benches::{Processor, free_port, median};
use strowger_sansio::{Rng, SocketId, Time};
use strowger_sdp::Direction;
use strowger_sip::agent::{AgentConfig, Event, Local, Peer, UserAgent};
use strowger_sip::{Route, Transport};

/// Rounds of each; the median counts.
const ROUNDS: usize = 5;
/// Calls of a round.
const CALLS: u32 = 10_000;
/// Calls at a time.
const WINDOW: u32 = 100;
const DESCRIPTION: &[u8] =
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 7000 RTP/AVP 0 8\r\n";

/// Answers all calls of one peer until it is told to stop; its thread's processor time.
fn answer(socket: &UdpSocket, peer: SocketAddr, stop: &AtomicBool) -> io::Result<Duration> {
    let began = Instant::now();
    let now = || Time::ZERO + began.elapsed();
    let local = Local { transport: Transport::Udp, socket: SocketId::MAIN, address: socket.local_addr()? };
    let mut config = AgentConfig::new(vec![local], vec![Peer::new("sipp", peer, Transport::Udp)]);
    // Transactions that are over are remembered for 32 seconds: those of a round, and more.
    (config.sessions, config.transactions) = (100_000, 1_000_000);
    let mut agent = UserAgent::new(now(), config, Rng::from_number(1));
    let mut buffer = vec![0; 65_536];
    while !stop.load(Ordering::Relaxed) {
        let due = agent.poll_timeout().map_or(Duration::MAX, |due| due.since(now()));
        socket.set_read_timeout(Some(due.clamp(Duration::from_millis(1), Duration::from_millis(100))))?;
        if let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let bytes = buffer.get(..length).unwrap_or_default();
            agent.handle_input(now(), Route::udp(from), bytes);
        }
        agent.handle_timeout(now());
        while let Some(event) = agent.poll_event() {
            if let Event::Incoming { session, .. } = event {
                agent
                    .answer(now(), session, DESCRIPTION, Direction::SendRecv)
                    .map_err(|fault| io::Error::other(format!("{fault:?}")))?;
            }
        }
        while let Some(transmit) = agent.poll_transmit() {
            socket.send_to(&transmit.payload, transmit.to)?;
        }
    }
    let used = clock_gettime(ClockId::ThreadCPUTime);
    Ok(Duration::new(used.tv_sec.unsigned_abs(), u32::try_from(used.tv_nsec).unwrap_or_default()))
}

/// Kamailio with one worker, which answers each request without a state.
struct Kamailio(Child);

impl Drop for Kamailio {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

impl Kamailio {
    /// None where it is not installed.
    fn start(folder: &Path, port: u16) -> io::Result<Option<Self>> {
        let config = folder.join("kamailio.cfg");
        let text = format!(
            "#!KAMAILIO\ndebug=-1\nlog_stderror=yes\nchildren=1\ndisable_tcp=yes\nauto_aliases=no\nlisten=udp:127.0.0.1:{port}\n\
             loadmodule \"sl.so\"\nrequest_route {{\n  if (method == \"ACK\") {{ exit; }}\n  sl_send_reply(\"200\", \"OK\");\n}}\n"
        );
        std::fs::write(&config, text)?;
        let started = Command::new("kamailio")
            .args(["-DD", "-f"])
            .arg(&config)
            .arg("-Y")
            .arg(folder)
            .arg("-P")
            .arg(folder.join("pid"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match started {
            Ok(child) => Ok(Some(Self(child))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Processor time of all of its processes.
    fn used(&self) -> Duration {
        let own = self.0.id();
        let children =
            std::fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap_or_default();
        let all = children.split_whitespace().filter_map(|child| child.parse().ok()).chain([own]);
        all.map(|process| Processor::of(process).used()).sum()
    }
}

/// SIPp's own caller; calls a second.
fn call(folder: &Path, from: u16, to: u16) -> io::Result<f64> {
    let began = Instant::now();
    let status = Command::new("sipp")
        .args(["-sn", "uac", "-i", "127.0.0.1", "-p", &from.to_string(), "-nostdin", "-d", "0"])
        .args(["-r", "1000000", "-l", &WINDOW.to_string(), "-m", &CALLS.to_string()])
        .args(["-timeout", "60", "-timeout_error"])
        .arg(format!("127.0.0.1:{to}"))
        .current_dir(folder)
        .env("TERM", "dumb")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if !status.success() {
        return Err(io::Error::other(format!("not all calls were answered: {status}")));
    }
    Ok(f64::from(CALLS) / began.elapsed().as_secs_f64())
}

fn say(name: &str, rates: Vec<f64>, micros: Vec<f64>) {
    let each = median(micros);
    println!(
        "{name:32} {:8.0} calls/s   {each:8.1} us a call   {:8.0} calls/s of a core",
        median(rates),
        1e6 / each
    );
}

fn main() -> io::Result<()> {
    if Command::new("sipp").arg("-v").stdout(Stdio::null()).output().is_err() {
        println!("sipp is not installed");
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let kamailio_port = free_port()?;
    let kamailio = Kamailio::start(folder.path(), kamailio_port)?;
    // It has no other word to say that it is there.
    std::thread::sleep(Duration::from_secs(1));
    let [mut ours, mut theirs] = [const { (Vec::new(), Vec::new()) }; 2];
    for _ in 0..ROUNDS {
        let from = free_port()?;
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        let port = socket.local_addr()?.port();
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let peer = SocketAddr::from(([127, 0, 0, 1], from));
        let agent = std::thread::spawn(move || answer(&socket, peer, &told));
        let rate = call(folder.path(), from, port);
        stop.store(true, Ordering::Relaxed);
        let used = agent.join().map_err(|_| io::Error::other("the user agent has panicked"))??;
        ours.0.push(rate?);
        ours.1.push(used.as_secs_f64() * 1e6 / f64::from(CALLS));
        if let Some(kamailio) = &kamailio {
            let before = kamailio.used();
            theirs.0.push(call(folder.path(), free_port()?, kamailio_port)?);
            theirs.1.push((kamailio.used() - before).as_secs_f64() * 1e6 / f64::from(CALLS));
        }
    }
    println!("{CALLS} calls a round, {WINDOW} at a time, median of {ROUNDS} rounds");
    say("our user agent, with state", ours.0, ours.1);
    match kamailio {
        Some(_) => say("Kamailio, stateless", theirs.0, theirs.1),
        None => println!("kamailio is not installed"),
    }
    Ok(())
}
