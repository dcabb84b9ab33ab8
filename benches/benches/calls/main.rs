//! What a call costs the exchange: processor time of set-up, answer, release and record, and memory of idle lines and talked calls; between
//! lines of MGCP gateways, and from such lines to a SIP peer.
//!
//! - The engine alone, in virtual time: only what the exchange does is measured, not what is around it.
//! - The process: `strowger run` with its embedded store, loaded by `strowger load calls` over loopback; the SIP peer is SIPp's own callee. Processor
//!   time is by the system's own account; its reciprocal is what one core carries.
//!
//! An argument runs only the rows that have it in their names: `-- memory`, `-- SIP`.

#![expect(clippy::print_stdout, reason = "the figures are what the bench is for")]

mod town;

use std::io::{self, BufRead as _};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use strowger_benches::{Processor, build, free_port, median, program};
use strowger_load::{Amount, Load as _, Offer};
use strowger_sansio::Time;
use town::{Called, GATEWAYS, Plan, Town};

/// Rounds of a measurement; the median counts.
const ROUNDS: usize = 5;

/// What a row is called.
const fn to(called: Called) -> &'static str {
    match called {
        Called::Lines => "",
        Called::Sip => " to SIP",
    }
}

/// Calls through the engine alone.
fn engine(lines: u32, called: Called) -> io::Result<()> {
    const CALLS: u64 = 4_000;
    let mut figures = Vec::new();
    for _ in 0..ROUNDS {
        let mut town = Town::new(Plan {
            lines,
            called,
            offer: Offer::Rate(1000.0),
            amount: Amount::Count(CALLS),
            hold: Duration::from_millis(20),
            counts_memory: false,
        })?;
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
        "engine{:7}, {lines:6} lines         {each:8.1} us a call   {:8.0} calls/s on one core",
        to(called),
        1e6 / each
    );
    Ok(())
}

/// Memory of idle lines, and of calls that are talking.
fn memory(called: Called) -> io::Result<()> {
    const LINES: u32 = 10_000;
    const CALLS: u32 = LINES / 2;
    let hold = Duration::from_secs(3600);
    let plan = Plan {
        lines: LINES,
        called,
        offer: Offer::Rate(0.000_1),
        amount: Amount::Count(1),
        hold,
        counts_memory: true,
    };
    // The calls begin when all gateways are associated: until then nothing but lines.
    let mut idle = Town::new(plan)?;
    idle.run_until(Time::from_secs(300));
    let idle_bytes = idle.kept;
    drop(idle);
    let (offer, amount) = (Offer::Rate(500.0), Amount::Count(u64::from(CALLS)));
    let mut town = Town::new(Plan { offer, amount, ..plan })?;
    // Ten seconds of set-ups, then long enough for every past transaction to be forgotten.
    town.run_until(Time::from_secs(300));
    let calls = town.exchange.snapshot().calls.len();
    let name = to(called);
    if called == Called::Lines {
        println!(
            "memory, idle line                   {:8.0} bytes   (town of {LINES} lines on {GATEWAYS} gateways)",
            idle_bytes as f64 / f64::from(LINES)
        );
    }
    println!(
        "memory, talked call{name:7}          {:8.0} bytes   ({calls} calls, beside their lines)",
        (town.kept - idle_bytes) as f64 / calls as f64
    );
    Ok(())
}

/// A process under test, ended with the bench.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// SIPp's own callee, and what of the configuration leads to it.
struct Sipp {
    process: Process,
    listen: String,
    trunk: String,
}

/// Starts SIPp. None where it is not installed.
fn sipp() -> io::Result<Option<Sipp>> {
    let (here, there) = (free_port()?, free_port()?);
    let started = Command::new("sipp")
        .args(["-sn", "uas", "-i", "127.0.0.1", "-p", &there.to_string(), "-nostdin"])
        .env("TERM", "dumb")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match started {
        Ok(child) => {
            let trunk = format!(
                "\n[[trunk]]\nid = \"peer\"\nchannels = 4000\nsip = {{ address = \"127.0.0.1:{there}\" }}\n\
                 [[route]]\nprefix = \"9\"\nstrip = 1\nlength = 8\nto = [\"trunk:peer\"]\n"
            );
            let listen = format!("sip = \"127.0.0.1:{here}\"");
            Ok(Some(Sipp { process: Process(child), listen, trunk }))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            println!("process to SIP: sipp is not installed");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Calls through a running exchange with its store, at a rate.
fn process(rate: u32, called: Called) -> io::Result<()> {
    const SECONDS: u32 = 4;
    build()?;
    let folder = tempfile::tempdir()?;
    let program = program();
    let config = folder.path().join("load.toml");
    let made = Command::new(&program).args(["load", "calls", "--make-config", "20x200"]).output()?;
    let mut text = String::from_utf8_lossy(&made.stdout).into_owned();
    let peer = match called {
        Called::Lines => None,
        Called::Sip => {
            let Some(peer) = sipp()? else { return Ok(()) };
            text = text.replacen("[listen]\n", &format!("[listen]\n{}\n", peer.listen), 1) + &peer.trunk;
            Some(peer.process)
        }
    };
    let store = format!("\n[store]\nkind = \"embedded\"\npath = {:?}\n", folder.path().join("load.redb"));
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
    let used = Processor::of(child.id());
    let exchange = Process(child);
    let mut figures = Vec::new();
    let mut p99: Vec<f64> = Vec::new();
    for _ in 0..3 {
        let before = used.used();
        let mut load = Command::new(&program);
        load.args(["load", "calls", "--json", "--rate", &rate.to_string()]);
        load.args(["--duration", &SECONDS.to_string(), "-c"]).arg(&config);
        if called == Called::Sip {
            load.args(["--to", "95550199"]);
        }
        let load = load.output()?;
        let took = used.used().saturating_sub(before);
        let report: serde_json::Value = serde_json::from_slice(&load.stdout).map_err(io::Error::other)?;
        let done = report["done"].as_f64().unwrap_or(0.0);
        if report["failed"] != 0 || done == 0.0 {
            println!("  not borne: {report}");
        }
        figures.push(took.as_secs_f64() * 1e6 / done);
        let delays = report["latencies"].as_array().into_iter().flatten();
        p99.push(delays.filter_map(|row| row["p99_ms"].as_f64()).fold(0.0, f64::max));
    }
    drop((exchange, peer));
    let each = median(figures);
    println!(
        "process{:7}, {rate:5} calls/s offered  {each:8.1} us a call   {:8.0} calls/s on one core   slowest p99 {:.2} ms",
        to(called),
        1e6 / each,
        median(p99)
    );
    Ok(())
}

fn main() -> io::Result<()> {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let wanted = |name: &str| wanted.as_ref().is_none_or(|wanted| name.contains(wanted.as_str()));
    for called in [Called::Lines, Called::Sip] {
        let name = |what: &str| format!("{what}{}", to(called));
        if wanted(&name("engine")) {
            for lines in [200, 4_000] {
                engine(lines, called)?;
            }
        }
        if wanted(&name("memory")) {
            memory(called)?;
        }
        if wanted(&name("process")) {
            for rate in [500, 1_000] {
                process(rate, called)?;
            }
        }
    }
    Ok(())
}
