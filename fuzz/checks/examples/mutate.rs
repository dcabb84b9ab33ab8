//! Runs a check over messages with something wrong in them, as many as one likes, on the stable compiler:
//!
//! ```text
//! cargo run --release -p strowger-fuzz-checks --example mutate -- --target mgcp --count 10^9 --seed 1 --threads 2
//! ```
//!
//! The same seed makes the same messages, on any number of threads. The first input that breaks the check is printed in hex,
//! with its block, which `--block N` runs again alone; a block that takes more than a minute counts as broken, too.

#![allow(clippy::print_stdout, reason = "a program says what it did")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use strowger_fuzz_checks::corpus::{Corpus, Target};
use strowger_fuzz_checks::mutate::{BLOCK, Mutator};

const USAGE: &str =
    "usage: mutate --target megaco|mgcp|sdp|digit_map|rtp|mms|smpp|pap [--count N] [--seed N] [--threads N] [--block N]
  --count   how many messages, as 1000000, 10^6 or 1e6 (default 10^6); rounded up to blocks of 4096
  --seed    what the messages are drawn from (default 1)
  --threads how many threads (default 1)
  --block   only this block of the run";

/// A block takes milliseconds; digit maps and the longest messages make it some hundred.
const PATIENCE: Duration = Duration::from_secs(60);

struct Options {
    target: Target,
    count: u64,
    seed: u64,
    threads: u64,
    block: Option<u64>,
}

fn number(text: &str) -> Option<u64> {
    let text = text.replace('_', "");
    match text.split_once(['^', 'e']) {
        None => text.parse().ok(),
        Some((base, exponent)) => {
            let power = 10_u64.checked_pow(exponent.parse().ok()?)?;
            match (text.contains('^'), base) {
                (true, "10") => Some(power),
                (true, _) => None,
                (false, base) => base.parse::<u64>().ok()?.checked_mul(power),
            }
        }
    }
}

fn options(arguments: &[String]) -> Option<Options> {
    let (mut target, mut count, mut seed, mut threads, mut block) = (None, 1_000_000, 1, 1, None);
    for pair in arguments.chunks(2) {
        let [name, value] = pair else { return None };
        match name.as_str() {
            "--target" => target = Some(Target::named(value)?),
            "--count" => count = number(value)?,
            "--seed" => seed = number(value)?,
            "--threads" => threads = number(value).filter(|threads| *threads > 0)?,
            "--block" => block = Some(number(value)?),
            _ => return None,
        }
    }
    Some(Options { target: target?, count, seed, threads, block })
}

/// What the threads share.
struct Run<'a> {
    options: &'a Options,
    corpus: &'a Corpus,
    next: AtomicU64,
    done: AtomicU64,
    octets: AtomicU64,
    accepted: AtomicU64,
    ended: AtomicBool,
    failure: Mutex<Option<String>>,
    /// Since when each thread has been at its block, and which it is.
    busy: Vec<Mutex<Option<(Instant, u64)>>>,
}

impl Run<'_> {
    fn fail(&self, what: String) {
        self.ended.store(true, Ordering::Relaxed);
        if let Ok(mut failure) = self.failure.lock() {
            failure.get_or_insert(what);
        }
    }

    fn note(&self, thread: usize, block: Option<u64>) {
        if let Some(Ok(mut busy)) = self.busy.get(thread).map(Mutex::lock) {
            *busy = block.map(|block| (Instant::now(), block));
        }
    }

    /// Takes one block after another until there are none.
    fn work(&self, thread: usize, blocks: std::ops::Range<u64>) {
        let Options { seed, target, .. } = *self.options;
        let mut mutator = Mutator::new(self.corpus);
        while !self.ended.load(Ordering::Relaxed) {
            let block = blocks.start + self.next.fetch_add(1, Ordering::Relaxed);
            if block >= blocks.end {
                break;
            }
            self.note(thread, Some(block));
            mutator.begin(seed, block);
            let (mut octets, mut accepted) = (0, 0);
            let ran = catch_unwind(AssertUnwindSafe(|| {
                for _ in 0..BLOCK {
                    let message = mutator.make();
                    octets += message.len() as u64;
                    accepted += target.check()(message) as u64;
                }
            }));
            if ran.is_err() {
                let hex: String = mutator.last().iter().map(|octet| format!("{octet:02x}")).collect();
                self.fail(format!("FAILED: seed {seed}, block {block}, input:\n{hex}"));
            }
            self.octets.fetch_add(octets, Ordering::Relaxed);
            self.accepted.fetch_add(accepted, Ordering::Relaxed);
            self.done.fetch_add(1, Ordering::Relaxed);
        }
        self.note(thread, None);
    }

    /// Ends the run if a block does not end.
    fn watch(&self) {
        let busy = self.busy.iter().filter_map(|busy| *busy.lock().ok()?);
        if let Some((_, block)) = busy.into_iter().find(|(since, _)| since.elapsed() > PATIENCE) {
            let seed = self.options.seed;
            println!("FAILED: seed {seed}, block {block} takes longer than {} s", PATIENCE.as_secs());
            // The thread cannot be ended otherwise.
            std::process::exit(1);
        }
    }

    fn report(&self, began: Instant) {
        let done = self.done.load(Ordering::Relaxed) * BLOCK;
        let seconds = began.elapsed().as_secs_f64();
        let octets = self.octets.load(Ordering::Relaxed) as f64;
        println!(
            "{}: {done} messages of {:.0} octets on average, {:.1} accepted of 100, in {seconds:.1} s: {:.0} a second",
            self.options.target.name(),
            octets / (done as f64).max(1.0),
            100.0 * self.accepted.load(Ordering::Relaxed) as f64 / (done as f64).max(1.0),
            done as f64 / seconds,
        );
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(options) = options(&arguments) else {
        println!("{USAGE}");
        return ExitCode::from(2);
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let corpus = match Corpus::read(options.target, &root) {
        Ok(corpus) => corpus,
        Err(error) => {
            println!("the corpus cannot be read: {error}");
            return ExitCode::from(2);
        }
    };
    let blocks = match options.block {
        Some(block) => block..block + 1,
        None => 0..options.count.div_ceil(BLOCK),
    };
    let began = Instant::now();
    let busy = (0..options.threads).map(|_| Mutex::new(Some((began, blocks.start)))).collect();
    let run = Run {
        options: &options,
        corpus: &corpus,
        next: AtomicU64::new(0),
        done: AtomicU64::new(0),
        octets: AtomicU64::new(0),
        accepted: AtomicU64::new(0),
        ended: AtomicBool::new(false),
        failure: Mutex::new(None),
        busy,
    };
    std::thread::scope(|scope| {
        let (run, blocks) = (&run, &blocks);
        for thread in 0..run.busy.len() {
            scope.spawn(move || run.work(thread, blocks.clone()));
        }
        let mut reported = began;
        while run.busy.iter().any(|busy| busy.lock().is_ok_and(|busy| busy.is_some())) {
            std::thread::sleep(Duration::from_millis(20));
            if reported.elapsed() > Duration::from_secs(10) {
                reported = Instant::now();
                run.report(began);
                run.watch();
            }
        }
    });
    run.report(began);
    match run.failure.into_inner() {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(failure)) => {
            println!("{failure}");
            ExitCode::from(1)
        }
        Err(_) => ExitCode::from(1),
    }
}
