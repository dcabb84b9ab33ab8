//! What a command costs the software gateway without its sockets: from the bytes of the command to those of the answer, all
//! layers included.
//!
//! The loads are those of the bench `peers`, so that what is left of its figures is the system's. The memory of past transactions
//! is full as after 7 s of 3,000 commands a second. For counts of instructions run it under
//! `valgrind --tool=callgrind` with `--sample-count 1`.

use std::hint::black_box;
use std::net::SocketAddr;
use std::time::Duration;

use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher};
use strowger_media::MediaPort;
use strowger_mgcp::gateway::{CallAgent, GatewayConfig};
use strowger_sansio::{Rng, SocketId, Time};
use strowger_softgateway::{SoftGateway, SoftGatewayConfig};

/// Shows allocations beside the times.
#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

/// Endpoints that have their turn, each with a connection that comes and goes.
const WINDOW: u32 = 8;
/// Endpoints of the gateway.
const RELAYS: u32 = 1024;
/// Pairs of ports.
const PAIRS: u16 = 512;
/// Between two commands.
const STEP: Duration = Duration::from_micros(333);
/// Answers that are remembered for T-HIST.
const REMEMBERED: u32 = 20_000;

fn main() {
    divan::main();
}

fn agent() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 2727))
}

/// A gateway and its call agent's side.
struct Stand {
    gateway: SoftGateway,
    now: Time,
    id: u32,
    command: String,
    answer: Vec<u8>,
}

impl Stand {
    fn new() -> Option<Self> {
        let config = GatewayConfig::new("mgw", CallAgent::at(agent())).with_relays(RELAYS);
        let mut config = SoftGatewayConfig::new(config);
        config.port_rest = Duration::ZERO;
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let ports = (0..PAIRS).map(|pair| MediaPort {
            rtp: at(10_000 + pair * 2),
            rtcp: at(10_001 + pair * 2),
            rtp_socket: SocketId(u32::from(pair) * 2 + 1),
            rtcp_socket: SocketId(u32::from(pair) * 2 + 2),
        });
        let now = Time::from_secs(1);
        let gateway = SoftGateway::new(now, config, ports.collect(), Rng::from_number(1)).ok()?;
        let mut stand = Self { gateway, now, id: 1000, command: String::new(), answer: Vec::new() };
        // The first command ends the waiting delay; the restart is then acknowledged.
        stand.ask("AUEP", 1, "");
        let restart = String::from_utf8_lossy(&stand.answer).into_owned();
        let id = restart.strip_prefix("RSIP ")?.split(' ').next()?.to_owned();
        stand.gateway.handle_input(stand.now, SocketId::MAIN, agent(), format!("200 {id} OK\r\n").as_bytes());
        for _ in 0..REMEMBERED {
            stand.ask("AUEP", 1, "");
        }
        Some(stand)
    }

    /// Has a command executed; the answer is kept.
    fn ask(&mut self, verb: &str, endpoint: u32, body: &str) {
        use std::fmt::Write as _;
        self.id += 1;
        self.now += STEP;
        self.command.clear();
        let _ = write!(self.command, "{verb} {} relay/{endpoint}@mgw MGCP 1.0\r\n{body}", self.id);
        if self.gateway.poll_timeout().is_some_and(|due| due <= self.now) {
            self.gateway.handle_timeout(self.now);
        }
        self.gateway.handle_input(self.now, SocketId::MAIN, agent(), self.command.as_bytes());
        self.answer.clear();
        while let Some(transmit) = self.gateway.poll_transmit() {
            if transmit.socket == SocketId::MAIN {
                self.answer = transmit.payload;
            }
        }
        while let Some(event) = self.gateway.poll_event() {
            black_box(event);
        }
    }

    /// What deletes the connection that the last answer was about.
    fn deletion(&self) -> String {
        let answer = String::from_utf8_lossy(&self.answer);
        let id = answer.lines().find_map(|line| line.strip_prefix("I: ")).unwrap_or("");
        format!("C: 1F\r\nI: {id}\r\n")
    }
}

/// The creation that `peers` asks for.
const CREATION: &str = "C: 1F\r\nL: p:20, a:PCMU\r\nM: sendrecv\r\n\r\nv=0\r\no=- 25678 753849 IN IP4 127.0.0.1\r\ns=-\r\n\
                        c=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 65000 RTP/AVP 0\r\na=ptime:20\r\n";

#[divan::bench(sample_size = 1000)]
fn audit(bencher: Bencher<'_, '_>) {
    let Some(mut stand) = Stand::new() else { return };
    let mut turn = 0;
    bencher.bench_local(|| {
        turn = turn % WINDOW + 1;
        stand.ask("AUEP", turn, "");
        assert!(stand.answer.starts_with(b"200 "));
    });
}

/// A connection made and deleted: two transactions.
#[divan::bench(sample_size = 1000)]
fn connection(bencher: Bencher<'_, '_>) {
    let Some(mut stand) = Stand::new() else { return };
    let mut turn = 0;
    bencher.counter(ItemsCount::new(2_usize)).bench_local(|| {
        turn = turn % WINDOW + 1;
        stand.ask("CRCX", turn, CREATION);
        assert!(stand.answer.starts_with(b"200 "));
        let deletion = stand.deletion();
        stand.ask("DLCX", turn, &deletion);
        assert!(stand.answer.starts_with(b"250 "));
    });
}
