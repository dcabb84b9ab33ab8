//! Benches of codecs, transactions, calls and relay. What those that start programs have in common is here.

use std::io;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Builds our program as it is released.
///
/// # Errors
/// When cargo cannot be run, or the program does not build.
pub fn build() -> io::Result<()> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "--quiet", "--bin", "strowger"])
        .current_dir(root())
        .status()?;
    if built.success() { Ok(()) } else { Err(io::Error::other("the program does not build")) }
}

/// What [`build`] has built.
#[must_use]
pub fn program() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    target.join("release/strowger")
}

/// A UDP port of loopback that nobody uses now.
///
/// # Errors
/// When there is none.
pub fn free_port() -> io::Result<u16> {
    Ok(UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The system's account of a process.
#[derive(Clone, Copy, Debug)]
pub struct Processor {
    process: u32,
}

impl Processor {
    /// Of the process with this identifier.
    #[must_use]
    pub const fn of(process: u32) -> Self {
        Self { process }
    }

    /// Time on the processor of all its threads until now; zero when the system does not say.
    #[must_use]
    pub fn used(&self) -> Duration {
        let tasks = format!("/proc/{}/task", self.process);
        let threads = std::fs::read_dir(tasks).into_iter().flatten().flatten();
        let nanos = threads.filter_map(|thread| {
            let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
            text.split_whitespace().next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(nanos.sum())
    }
}

/// The middle one of these figures.
#[must_use]
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Where the workspace is.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
