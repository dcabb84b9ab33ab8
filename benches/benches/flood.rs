//! What a flood costs those who do not flood: latencies of calls through an exchange alone, beside strangers who flood it, and
//! beside one listed gateway gone mad.
//!
//! The exchange and the load are the released program, as processes of their own; the flood comes from a thread of the bench. Each
//! round measures all three in turn with fresh processes, and the medians of the rounds are printed. Run it with
//! `cargo bench -p strowger-benches --bench flood`; a number behind `--` is another rate of the flood in datagrams a second, 0 as fast
//! as one thread can send. Flood, exchange and load share the host's processors: with fewer than three that nobody else
//! uses, the latencies tell of the queue for a processor too.

#![expect(clippy::print_stdout, reason = "the figures are what the bench is for")]

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use strowger_benches::{Processor, build, free_port, program};

/// Rounds; the median counts.
const ROUNDS: usize = 3;
/// Gateways and lines of each.
const SIZE: &str = "8x100";
/// Calls a second: each costs the exchange about twenty datagrams in and twenty out.
const CALLS: &str = "200";
/// Seconds of each measurement: two thousand calls, so that the 99th percentile has twenty beyond it.
const SECONDS: &str = "10";
/// Datagrams of the flood a second, unless another rate is asked for.
const FLOOD: u64 = 100_000;
/// A flood ends after this, whatever happens.
const LONGEST_FLOOD: Duration = Duration::from_secs(60);
/// Where strangers come from.
const STRANGERS: u8 = 8;
/// The gateway that goes mad. It is listed, has no lines and takes no part in the load.
const MAD: &str = "127.0.77.250:2427";

/// Who floods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flood {
    Nobody,
    Strangers,
    Gateway,
}

impl Flood {
    const ALL: [Self; 3] = [Self::Nobody, Self::Strangers, Self::Gateway];

    fn name(self) -> &'static str {
        match self {
            Self::Nobody => "alone",
            Self::Strangers => "strangers",
            Self::Gateway => "a gateway",
        }
    }

    fn sockets(self) -> io::Result<Vec<UdpSocket>> {
        match self {
            Self::Nobody => Ok(Vec::new()),
            Self::Strangers => {
                (1..=STRANGERS).map(|host| UdpSocket::bind((Ipv4Addr::new(127, 0, 78, host), 2427))).collect()
            }
            Self::Gateway => Ok(vec![UdpSocket::bind(MAD)?]),
        }
    }

    /// The next datagram: of strangers, good commands; of the gateway, what answers nothing, what is out of place, and nonsense.
    fn datagram(self, number: u64) -> String {
        let id = number % 999_999_999 + 1;
        match (self, number % 3) {
            (Self::Gateway, 0) => format!("200 {id} OK\r\nES: \r\n"),
            (Self::Gateway, 1) => format!("NTFY {id} aaln/1@mad.load MGCP 1.0\r\nX: 1\r\nO: L/hd\r\n"),
            (Self::Gateway, _) => format!("NTFY {id} aaln/1@mad.load\r\nX: !!\r\n\0"),
            _ => format!("RSIP {id} *@gw1.load MGCP 1.0\r\nRM: restart\r\n"),
        }
    }

    /// Floods until it is told to stop; gives how many datagrams were sent.
    fn pour(self, to: SocketAddr, rate: u64, stop: &AtomicBool) -> io::Result<u64> {
        let sockets = self.sockets()?;
        let began = Instant::now();
        let mut sent = 0;
        while !sockets.is_empty() && !stop.load(Ordering::Relaxed) && began.elapsed() < LONGEST_FLOOD {
            let due = match rate {
                0 => sent + 64,
                rate => {
                    u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX).saturating_mul(rate)
                        / 1_000_000
                }
            };
            // A flood that was kept from the processor is not made up for at once.
            for socket in
                sockets.iter().cycle().take(usize::try_from(due - sent.min(due)).unwrap_or(0).min(1000))
            {
                // What the system cannot take is as good as lost on the way.
                let _ = socket.send_to(self.datagram(sent).as_bytes(), to);
                sent += 1;
            }
            if rate > 0 {
                std::thread::sleep(Duration::from_micros(200));
            }
        }
        Ok(sent)
    }
}

/// What one measurement gave.
#[derive(Default)]
struct Figures {
    /// Milliseconds at the 50th and the 99th percentile, by the name of the latency.
    latencies: BTreeMap<String, [f64; 2]>,
    failed: u64,
    retransmissions: u64,
    /// Datagrams of the flood a second.
    flood: f64,
    /// Share of a processor that the exchange used.
    busy: f64,
}

/// A running exchange, ended with its measurement.
struct Exchange(Child);

impl Drop for Exchange {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Exchange {
    /// Starts it and waits until it is ready.
    fn start(config: &Path) -> io::Result<Self> {
        let mut command = Command::new(program());
        command.arg("run").arg("-c").arg(config);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut exchange = Self(child);
        let mut ready = String::new();
        if let Some(output) = exchange.0.stdout.take() {
            BufReader::new(output).read_line(&mut ready)?;
        }
        if ready.contains("is ready") {
            Ok(exchange)
        } else {
            Err(io::Error::other("the exchange does not start"))
        }
    }
}

/// The configurations of the load and, with one gateway more, of the exchange.
struct Files {
    load: PathBuf,
    exchange: PathBuf,
    agent: SocketAddr,
}

impl Files {
    fn write() -> io::Result<Self> {
        let made = Command::new(program()).args(["load", "calls", "--make-config", SIZE]).output()?;
        let agent = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        // Hosts of this bench alone.
        let text = String::from_utf8_lossy(&made.stdout)
            .replace("127.0.0.1:2727", &agent.to_string())
            .replace("127.0.1.", "127.0.77.");
        let folder = std::env::temp_dir().join(format!("strowger-flood-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let (load, exchange) = (folder.join("load.toml"), folder.join("exchange.toml"));
        std::fs::write(&load, &text)?;
        let mad = format!(
            "\n[[gateway]]\nid = \"mad\"\nprotocol = \"mgcp\"\naddress = \"{MAD}\"\ndomain = \"mad.load\"\n"
        );
        std::fs::write(&exchange, text + &mad)?;
        Ok(Self { load, exchange, agent })
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        if let Some(folder) = self.load.parent() {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// Calls through a fresh exchange while somebody floods it.
fn measure(files: &Files, flood: Flood, rate: u64) -> io::Result<Figures> {
    let exchange = Exchange::start(&files.exchange)?;
    let processor = Processor::of(exchange.0.id());
    let (before, began, stop) = (processor.used(), Instant::now(), AtomicBool::new(false));
    let (load, sent) = std::thread::scope(|scope| {
        let flooding = scope.spawn(|| flood.pour(files.agent, rate, &stop));
        let load = Command::new(program())
            .args(["load", "calls", "--rate", CALLS, "--duration", SECONDS, "--json", "-c"])
            .arg(&files.load)
            .stderr(Stdio::null())
            .output();
        stop.store(true, Ordering::Relaxed);
        let sent = flooding.join().unwrap_or_else(|_| Err(io::Error::other("the flood broke off")));
        (load, sent)
    });
    let (load, sent, took) = (load?, sent?, began.elapsed().as_secs_f64());
    let report: serde_json::Value = serde_json::from_slice(&load.stdout)?;
    let count = |key: &str| report.get(key).and_then(serde_json::Value::as_u64).unwrap_or(0);
    let mut figures = Figures {
        failed: count("failed"),
        retransmissions: count("retransmissions"),
        flood: sent as f64 / took,
        busy: processor.used().saturating_sub(before).as_secs_f64() / took,
        ..Figures::default()
    };
    for latency in report.get("latencies").and_then(serde_json::Value::as_array).into_iter().flatten() {
        let millis = |key| latency.get(key).and_then(serde_json::Value::as_f64).unwrap_or(f64::NAN);
        let name = latency.get("name").and_then(serde_json::Value::as_str).unwrap_or("");
        figures.latencies.insert(name.to_owned(), [millis("p50_ms"), millis("p99_ms")]);
    }
    if figures.latencies.is_empty() { Err(io::Error::other("no call ended well")) } else { Ok(figures) }
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Prints a row for each latency: its value alone, and with each flood also the ratio.
fn print_latencies(rounds: &[Vec<Figures>; 3]) {
    let [alone, ..] = rounds;
    let names: Vec<&String> = alone.iter().flat_map(|figures| figures.latencies.keys()).collect();
    let names = std::collections::BTreeSet::from_iter(names);
    for name in names {
        for (place, percentile) in [(0, "p50"), (1, "p99")] {
            let of = |rounds: &[Figures]| {
                median(rounds.iter().filter_map(|figures| figures.latencies.get(name)?.get(place).copied()))
            };
            let base = of(alone);
            print!("{name:12} {percentile} {base:9.3}");
            for flooded in rounds.iter().skip(1).map(|rounds| of(rounds)) {
                print!("  {flooded:9.3} ({:5.2})", flooded / base);
            }
            println!();
        }
    }
}

fn main() -> io::Result<()> {
    let rate = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(FLOOD);
    build()?;
    let files = Files::write()?;
    let load_average = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load average before: {}", load_average.trim());
    println!("{CALLS} calls a second over {SIZE} lines for {SECONDS} s, median of {ROUNDS} rounds");
    let mut rounds = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        for (flood, rounds) in Flood::ALL.into_iter().zip(&mut rounds) {
            rounds.push(measure(&files, flood, rate)?);
        }
    }
    for (flood, rounds) in Flood::ALL.into_iter().zip(&rounds) {
        println!(
            "{:10} {:7.0} datagrams of flood a second, exchange busy {:4.1} %, {} calls failed, {} retransmissions",
            flood.name(),
            median(rounds.iter().map(|figures| figures.flood)),
            100.0 * median(rounds.iter().map(|figures| figures.busy)),
            rounds.iter().map(|figures| figures.failed).sum::<u64>(),
            rounds.iter().map(|figures| figures.retransmissions).sum::<u64>(),
        );
    }
    println!("latency, ms          alone    strangers (ratio)  a gateway (ratio)");
    print_latencies(&rounds);
    Ok(())
}
