//! What a flood costs those who do not flood: latencies of calls through an exchange alone, beside strangers who flood it, and
//! beside one listed gateway gone mad.
//!
//! The exchange and the load are the released program, as processes of their own; so is the flood, which is this bench once
//! more. Each round measures all three in turn with fresh processes. As the machine's other work moves a 99th percentile more than
//! a flood does, a flood is compared with the calls alone of the same round, and the median over many short rounds
//! counts. Run it with `cargo bench -p strowger-benches --bench flood`; a number behind `--` is another rate of the flood in
//! datagrams a second.
//!
//! Flood, exchange and load share the host's processors, where a real flood has its own. So the flood runs at the lowest
//! priority (nice 19) and at a bounded rate, which is printed as it was reached; exchange and load run at nice -15 where the
//! system lets them (to root), so that neighbours are felt less.

#![expect(clippy::print_stdout, reason = "the figures are what the bench is for")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use strowger_benches::{Processor, build, free_port, program};

/// Rounds; the median counts.
const ROUNDS: usize = 15;
/// Gateways and lines of each.
const SIZE: &str = "8x100";
/// Calls a second: each costs the exchange about twenty datagrams in and twenty out.
const CALLS: &str = "200";
/// Seconds of each measurement: eight hundred calls, so that the 99th percentile has eight beyond it.
const SECONDS: &str = "4";
/// Datagrams of the flood a second, unless another rate is asked for.
const FLOOD: u64 = 100_000;
/// A flood ends after this, whatever happens.
const LONGEST_FLOOD: Duration = Duration::from_secs(60);
/// What makes this program the flood.
const POUR: &str = "--pour";
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

    /// The flood with this number in [`Self::ALL`].
    fn numbered(number: usize) -> Option<Self> {
        Self::ALL.get(number).copied()
    }

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

    /// Floods for as long as it is let; ten times a second it says how many datagrams were sent until then.
    fn pour(self, to: SocketAddr, rate: u64) -> io::Result<()> {
        let sockets = self.sockets()?;
        // What is due and was sent or given up, and what was sent.
        let (mut past, mut sent) = (0, 0);
        let (began, mut report) = (Instant::now(), 100_000);
        while !sockets.is_empty() && began.elapsed() < LONGEST_FLOOD {
            let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
            let due = micros.saturating_mul(rate) / 1_000_000;
            let behind = due.saturating_sub(past);
            // A flood that was kept from the processor is not made up for: that would be another flood.
            for socket in sockets.iter().cycle().take(usize::try_from(behind).unwrap_or(0).min(100)) {
                // What the system cannot take is as good as lost on the way.
                let _ = socket.send_to(self.datagram(sent).as_bytes(), to);
                sent += 1;
            }
            past = due;
            if micros >= report {
                println!("{micros} {sent}");
                report = micros + 100_000;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        Ok(())
    }
}

/// A flood as a process of its own, ended with its measurement.
struct Pouring(Child);

impl Pouring {
    fn start(flood: Flood, to: SocketAddr, rate: u64) -> io::Result<Self> {
        let place = Flood::ALL.iter().position(|other| *other == flood).unwrap_or(0);
        let mut command = Command::new("nice");
        command.args(["-n", "19"]).arg(std::env::current_exe()?);
        command.args([POUR, &place.to_string(), &to.to_string(), &rate.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().map(Self)
    }

    /// Ends it; gives how many datagrams it sent a second.
    fn stop(mut self) -> f64 {
        let _ = self.0.kill();
        let said = self.0.stdout.take().map(io::read_to_string).and_then(Result::ok).unwrap_or_default();
        let _ = self.0.wait();
        let last = said.lines().rev().find_map(|line| {
            let (micros, sent) = line.split_once(' ')?;
            Some(sent.parse::<f64>().ok()? * 1e6 / micros.parse::<f64>().ok()?)
        });
        last.unwrap_or(0.0)
    }
}

/// The program, before its neighbours where the system lets it.
fn hurried() -> Command {
    let mut command = Command::new("nice");
    command.args(["-n", "-15"]).arg(program());
    command
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
        let mut command = hurried();
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
    let (before, began) = (processor.used(), Instant::now());
    let pouring = match flood {
        Flood::Nobody => None,
        _ => Some(Pouring::start(flood, files.agent, rate)?),
    };
    let load = hurried()
        .args(["load", "calls", "--rate", CALLS, "--duration", SECONDS, "--json", "-c"])
        .arg(&files.load)
        .stderr(Stdio::null())
        .output();
    let (load, took) = (load?, began.elapsed().as_secs_f64());
    let used = processor.used().saturating_sub(before);
    let poured = pouring.map_or(0.0, Pouring::stop);
    let report: serde_json::Value = serde_json::from_slice(&load.stdout)?;
    let count = |key: &str| report.get(key).and_then(serde_json::Value::as_u64).unwrap_or(0);
    let mut figures = Figures {
        failed: count("failed"),
        retransmissions: count("retransmissions"),
        flood: poured,
        busy: used.as_secs_f64() / took,
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

/// Prints a row for each latency: its value alone, and with each flood also the ratio to the calls alone of the same round.
fn print_latencies(rounds: &[[Figures; 3]]) {
    let names: BTreeSet<&String> = rounds.iter().flatten().flat_map(|f| f.latencies.keys()).collect();
    for name in names {
        for (place, percentile) in ["p50", "p99"].into_iter().enumerate() {
            let of = |figures: &Figures| figures.latencies.get(name)?.get(place).copied();
            let alone = median(rounds.iter().filter_map(|[alone, ..]| of(alone)));
            print!("{name:12} {percentile} {alone:9.3}");
            for flood in [1, 2] {
                let pairs = || rounds.iter().filter_map(|round| Some((of(&round[0])?, of(&round[flood])?)));
                let flooded = median(pairs().map(|(_, flooded)| flooded));
                let ratio = median(pairs().map(|(alone, flooded)| flooded / alone));
                print!("  {flooded:9.3} ({ratio:5.2})");
            }
            println!();
        }
    }
}

/// The arguments of a flood, if this process is to be one.
fn pouring() -> Option<(Flood, SocketAddr, u64)> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [pour, flood, to, rate] if pour == POUR => {
            Some((Flood::numbered(flood.parse().ok()?)?, to.parse().ok()?, rate.parse().ok()?))
        }
        _ => None,
    }
}

fn main() -> io::Result<()> {
    if let Some((flood, to, rate)) = pouring() {
        return flood.pour(to, rate);
    }
    let rate = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(FLOOD);
    build()?;
    let files = Files::write()?;
    let load_average = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load average before: {}", load_average.trim());
    println!("{CALLS} calls a second over {SIZE} lines for {SECONDS} s, median of {ROUNDS} rounds");
    let mut rounds: Vec<[Figures; 3]> = Vec::new();
    for _ in 0..ROUNDS {
        let [alone, strangers, gateway] = Flood::ALL.map(|flood| measure(&files, flood, rate));
        rounds.push([alone?, strangers?, gateway?]);
    }
    for (place, flood) in Flood::ALL.into_iter().enumerate() {
        let all = || rounds.iter().map(|round| &round[place]);
        println!(
            "{:10} {:7.0} datagrams of flood a second, exchange busy {:4.1} %, {} calls failed, {} retransmissions",
            flood.name(),
            median(all().map(|figures| figures.flood)),
            100.0 * median(all().map(|figures| figures.busy)),
            all().map(|figures| figures.failed).sum::<u64>(),
            all().map(|figures| figures.retransmissions).sum::<u64>(),
        );
    }
    println!("latency, ms          alone    strangers (ratio)  a gateway (ratio)");
    print_latencies(&rounds);
    Ok(())
}
