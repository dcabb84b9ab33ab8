//! What the tests between programs share. Each test takes the rooms that it needs.
//!
//! - [`loopback`]: hosts of this test alone. [`until`]: waiting for something, with a deadline.
//! - [`process`]: a program of ours or a peer's that ends with the test.
//! - [`subscriber`]: gateways inside the test, and what is said and heard at their telephones.
//! - [`mmsc`]: an MMSC and its handsets. [`town`]: the example of the manual as separate processes. [`osmo`], [`kannel`],
//!   [`sipp`], [`kamailio`]: peers from their packages.

#![allow(
    dead_code,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "each test takes what it needs, and fails by panicking"
)]

pub(crate) mod kamailio;
pub(crate) mod kannel;
pub(crate) mod loopback;
pub(crate) mod mmsc;
pub(crate) mod osmo;
pub(crate) mod process;
pub(crate) mod sipp;
pub(crate) mod subscriber;
pub(crate) mod town;

use std::time::{Duration, Instant};

/// How long anything may take before a test fails: much longer than it takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Asks until there is an answer. For what has no event to wait for; the pause is between two questions, never for effect.
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "not in {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether a peer program can be tried. When it cannot, this says so; where peers are required, that is a failure.
pub(crate) fn has_peer(program: &str, package: &str) -> bool {
    let found = std::process::Command::new(program)
        .arg("--version")
        .stdin(std::process::Stdio::null())
        .output()
        .is_ok_and(|output| output.status.success());
    if !found {
        assert!(
            std::env::var_os("STROWGER_REQUIRE_PEERS").is_none(),
            "{package} is required and not installed"
        );
        println!("skipped: {package} is not installed");
    }
    found
}
