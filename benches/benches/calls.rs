//! What a call costs the exchange: processor time of set-up, answer, release and record, and memory of idle lines and talked calls.
//!
//! - The engine alone, in virtual time: only what the exchange does is measured, not the gateways around it.
//! - The process: `strowger run` with its embedded store, loaded by `strowger load calls` over loopback; processor time from the
//!   system's own account. Its reciprocal is what one core carries.
//!
//! An argument runs only the rows that have it in their names: `-- memory`.

#![expect(clippy::print_stdout, reason = "the figures are what the bench is for")]

use std::collections::VecDeque;
use std::io::{self, BufRead as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use strowger_exchange::{Country, Exchange, GatewayEntry, Input, Inventory, LineEntry};
use strowger_load::calls::{CallConfig, CallLoad, LoadGateway, LoadLine};
use strowger_load::{Amount, Load, Offer};
use strowger_mgcp::dialect::Dialect;
use strowger_sansio::{Epoch, NodeId, Rng, SocketId, Time};

/// The gateways of each town.
const GATEWAYS: u8 = 20;
/// Rounds of a measurement; the median counts.
const ROUNDS: usize = 5;
/// How long a datagram is under way in the virtual town.
const DELAY: Duration = Duration::from_micros(100);

fn agent() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 2727))
}

/// An exchange with the gateways that call through it, and what the exchange used.
struct Town {
    exchange: Exchange,
    load: CallLoad,
    places: Vec<SocketAddr>,
    now: Time,
    to_exchange: VecDeque<(Time, usize, Vec<u8>)>,
    to_load: VecDeque<(Time, usize, Vec<u8>)>,
    /// Where datagrams of the exchange are copied to, so that their memory is not counted as kept.
    copied: Vec<u8>,
    busy: Duration,
    kept: i64,
    records: usize,
    /// Memory is counted instead of time.
    counts_memory: bool,
}

impl Town {
    fn new(
        lines: u32,
        offer: Offer,
        amount: Amount,
        hold: Duration,
        counts_memory: bool,
    ) -> io::Result<Self> {
        let country: Country = "us".parse().map_err(|_| io::Error::other("no country"))?;
        let mut inventory = Inventory::new("town", country);
        let mut config = CallConfig {
            agent: agent(),
            gateways: Vec::new(),
            lines: Vec::new(),
            number: None,
            offer,
            amount,
            ring: Duration::ZERO,
            hold,
            patience: Duration::from_secs(30),
            restart_delay: Duration::from_millis(100),
        };
        for number in 1..=GATEWAYS {
            let (id, domain) = (format!("gw{number}"), format!("gw{number}.town"));
            let address = SocketAddr::from(([10, 0, 1, number], 2427));
            inventory.gateways.push(GatewayEntry::mgcp(&id, address, &domain));
            config.gateways.push(LoadGateway { address, domain, dialect: Dialect::RFC3435 });
        }
        for line in 0..lines {
            let place = line % u32::from(GATEWAYS);
            let (number, gateway) = (format!("2{line:05}"), format!("gw{}", place + 1));
            let endpoint = format!("aaln/{}", line / u32::from(GATEWAYS) + 1);
            inventory.lines.push(LineEntry {
                number: number.clone(),
                gateway,
                endpoint: endpoint.clone(),
                name: None,
                features: strowger_exchange::Features::default(),
            });
            config.lines.push(LoadLine { gateway: place as usize, endpoint, number });
        }
        let places = config.gateways.iter().map(|gateway| gateway.address).collect();
        let mut exchange = None;
        let kept = allocation_counter::measure(|| {
            exchange = Some(Exchange::new(Time::ZERO, inventory, NodeId(0), Epoch(1), Rng::from_number(3)));
        });
        Ok(Self {
            exchange: exchange.ok_or_else(|| io::Error::other("no exchange"))?,
            load: CallLoad::new(Time::ZERO, config, Rng::from_number(4)).map_err(io::Error::other)?,
            places,
            now: Time::ZERO,
            to_exchange: VecDeque::new(),
            to_load: VecDeque::new(),
            copied: Vec::with_capacity(1 << 22),
            busy: Duration::ZERO,
            kept: kept.bytes_current,
            records: 0,
            counts_memory,
        })
    }

    /// Lets the exchange do something, and takes from it what it has to give.
    fn exchange(&mut self, act: impl FnOnce(&mut Exchange)) {
        self.copied.clear();
        let mut sent = [(SocketAddr::from(([0, 0, 0, 0], 0)), 0_usize); 4096];
        let (mut count, mut records) = (0, 0);
        let (exchange, copied) = (&mut self.exchange, &mut self.copied);
        let work = || {
            act(exchange);
            while let Some(transmit) = exchange.poll_transmit() {
                copied.extend_from_slice(&transmit.payload);
                if let Some(slot) = sent.get_mut(count) {
                    *slot = (transmit.to, transmit.payload.len());
                }
                count += 1;
            }
            while exchange.poll_event().is_some() {}
            while exchange.poll_record().is_some() {
                records += 1;
            }
        };
        if self.counts_memory {
            self.kept += allocation_counter::measure(work).bytes_current;
        } else {
            let start = Instant::now();
            work();
            self.busy += start.elapsed();
        }
        assert!(count <= sent.len(), "more datagrams at once than there is room for");
        self.records += records;
        let mut rest = self.copied.as_slice();
        for (to, length) in sent.iter().take(count) {
            let (payload, behind) = rest.split_at(*length);
            rest = behind;
            if let Some(place) = self.places.iter().position(|place| place == to) {
                self.to_load.push_back((self.now + DELAY, place, payload.to_vec()));
            }
        }
    }

    /// One step of virtual time; false when nothing is due before `until`.
    fn step(&mut self, until: Time) -> bool {
        while let Some(transmit) = self.load.poll_transmit() {
            self.to_exchange.push_back((self.now + DELAY, transmit.socket.0 as usize, transmit.payload));
        }
        let first = |queue: &VecDeque<(Time, usize, Vec<u8>)>| queue.front().map(|(at, _, _)| *at);
        let due = [
            first(&self.to_exchange),
            first(&self.to_load),
            self.load.poll_timeout(),
            self.exchange.poll_timeout(),
        ];
        let Some(next) = due.into_iter().flatten().min().filter(|next| *next <= until) else {
            self.now = self.now.max(until);
            return false;
        };
        self.now = self.now.max(next);
        let now = self.now;
        while let Some((_, place, bytes)) = arrived(&mut self.to_exchange, now) {
            let Some(from) = self.places.get(place).copied() else { continue };
            self.exchange(|exchange| exchange.handle_input(now, Input::Mgcp { from, bytes: &bytes }));
        }
        while let Some((_, place, bytes)) = arrived(&mut self.to_load, now) {
            self.load.handle_input(now, SocketId(place as u32), agent(), &bytes);
        }
        if self.load.poll_timeout().is_some_and(|due| due <= now) {
            self.load.handle_timeout(now);
        }
        if self.exchange.poll_timeout().is_some_and(|due| due <= now) {
            self.exchange(|exchange| exchange.handle_timeout(now));
        }
        true
    }

    fn run_until_done(&mut self) {
        while !self.load.is_done() && self.step(Time::MAX) {}
    }

    fn run_until(&mut self, until: Time) {
        while self.step(until) {}
    }
}

/// The next datagram that has arrived.
fn arrived(wire: &mut VecDeque<(Time, usize, Vec<u8>)>, now: Time) -> Option<(Time, usize, Vec<u8>)> {
    let due = wire.front().is_some_and(|(at, _, _)| *at <= now);
    if due { wire.pop_front() } else { None }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Calls through the engine alone.
fn engine(lines: u32) -> io::Result<()> {
    const CALLS: u64 = 4_000;
    let mut figures = Vec::new();
    for _ in 0..ROUNDS {
        let mut town =
            Town::new(lines, Offer::Rate(1000.0), Amount::Count(CALLS), Duration::from_millis(20), false)?;
        // The lines come into service first.
        town.run_until(Time::from_millis(150));
        town.busy = Duration::ZERO;
        town.run_until_done();
        let tally = town.load.tally();
        assert_eq!((tally.done(), tally.failures()), (CALLS, 0), "{tally:?}");
        assert!(town.records as u64 >= 2 * CALLS - 100, "each call gave its records: {}", town.records);
        figures.push(town.busy.as_secs_f64() * 1e6 / CALLS as f64);
    }
    let each = median(figures);
    println!(
        "engine, {lines:6} lines              {each:8.1} us a call   {:8.0} calls/s on one core",
        1e6 / each
    );
    Ok(())
}

/// Memory of idle lines, and of calls that are talking.
fn memory() -> io::Result<()> {
    const LINES: u32 = 10_000;
    const CALLS: u32 = LINES / 2;
    let hold = Duration::from_secs(3600);
    let offer = Offer::Rate(500.0);
    // The calls begin when all gateways are associated: until then nothing but lines.
    let mut idle = Town::new(LINES, Offer::Rate(0.000_1), Amount::Count(1), hold, true)?;
    idle.run_until(Time::from_secs(300));
    let idle_bytes = idle.kept;
    drop(idle);
    let mut town = Town::new(LINES, offer, Amount::Count(u64::from(CALLS)), hold, true)?;
    // Ten seconds of set-ups, then long enough for every past transaction to be forgotten.
    town.run_until(Time::from_secs(300));
    let calls = town.exchange.snapshot().calls.len();
    println!(
        "memory, idle line                   {:8.0} bytes   (town of {LINES} lines on {GATEWAYS} gateways)",
        idle_bytes as f64 / f64::from(LINES)
    );
    println!(
        "memory, talked call                 {:8.0} bytes   ({calls} calls, beside their lines)",
        (town.kept - idle_bytes) as f64 / calls as f64
    );
    Ok(())
}

/// Where cargo puts what it builds for the workspace.
fn target() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

/// An exchange under test, ended with the bench.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    fn cpu(&self) -> Duration {
        let tasks = format!("/proc/{}/task", self.0.id());
        let threads = std::fs::read_dir(tasks).into_iter().flatten().flatten();
        let nanos = threads.filter_map(|thread| {
            let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
            text.split_whitespace().next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(nanos.sum())
    }
}

/// Calls through a running exchange with its store, at a rate.
fn process(rate: u32) -> io::Result<()> {
    const SECONDS: u32 = 4;
    let folder = std::env::temp_dir().join(format!("strowger-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let program = target().join("release/strowger");
    let config = folder.join("load.toml");
    let made = Command::new(&program).args(["load", "calls", "--make-config", "20x200"]).output()?;
    let text = String::from_utf8_lossy(&made.stdout).into_owned();
    let store = format!("\n[store]\nkind = \"embedded\"\npath = {:?}\n", folder.join("load.redb"));
    std::fs::write(&config, text + &store)?;
    let mut child = Command::new(&program)
        .args(["run", "--json", "-c"])
        .arg(&config)
        .env("RUST_LOG", "warn")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut ready = String::new();
    let stdout = child.stdout.take();
    if let Some(stdout) = stdout {
        io::BufReader::new(stdout).read_line(&mut ready)?;
    }
    let exchange = Process(child);
    let mut figures = Vec::new();
    let mut p99: Vec<f64> = Vec::new();
    for _ in 0..3 {
        let before = exchange.cpu();
        let load = Command::new(&program)
            .args([
                "load",
                "calls",
                "--json",
                "--rate",
                &rate.to_string(),
                "--duration",
                &SECONDS.to_string(),
                "-c",
            ])
            .arg(&config)
            .output()?;
        let used = exchange.cpu().saturating_sub(before);
        let report: serde_json::Value = serde_json::from_slice(&load.stdout).map_err(io::Error::other)?;
        let done = report["done"].as_f64().unwrap_or(0.0);
        if report["failed"] != 0 || done == 0.0 {
            println!("  not borne: {report}");
        }
        figures.push(used.as_secs_f64() * 1e6 / done);
        let delays = report["latencies"].as_array().into_iter().flatten();
        p99.push(delays.filter_map(|row| row["p99_ms"].as_f64()).fold(0.0, f64::max));
    }
    let each = median(figures);
    println!(
        "process, {rate:5} calls/s offered       {each:8.1} us a call   {:8.0} calls/s on one core   slowest p99 {:.2} ms",
        1e6 / each,
        median(p99)
    );
    std::fs::remove_dir_all(&folder)
}

fn main() -> io::Result<()> {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let wanted = |name: &str| wanted.as_ref().is_none_or(|wanted| name.contains(wanted.as_str()));
    if wanted("engine") {
        for lines in [200, 4_000] {
            engine(lines)?;
        }
    }
    if wanted("memory") {
        memory()?;
    }
    if wanted("process") {
        for rate in [500, 1_000] {
            process(rate)?;
        }
    }
    Ok(())
}
