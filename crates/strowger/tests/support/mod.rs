//! What the tests between programs share. Each test takes the rooms that it needs.
//!
//! - [`loopback`]: hosts of this test alone. [`until`]: waiting for something, with a deadline.
//! - [`process`]: a program of ours or a peer's that ends with the test.
//! - [`subscriber`]: gateways inside the test, and what is said and heard at their telephones.
//! - [`mmsc`]: an MMSC and its handsets. [`town`]: the example of the manual as separate processes. [`osmo`], [`kannel`],
//!   [`sipp`], [`kamailio`], [`baresip`]: peers from their packages. [`capture`]: what tshark says of what they said.

#![allow(
    dead_code,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "each test takes what it needs, and fails by panicking"
)]

pub(crate) mod baresip;
pub(crate) mod capture;
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
    let asked =
        std::process::Command::new(program).arg("--version").stdin(std::process::Stdio::null()).output();
    is_there(asked.is_ok_and(|output| output.status.success()), package)
}

/// The same for a program that has no code for saying what it is.
pub(crate) fn has_program(program: &str, arguments: &[&str], package: &str) -> bool {
    let asked =
        std::process::Command::new(program).args(arguments).stdin(std::process::Stdio::null()).output();
    is_there(asked.is_ok(), package)
}

/// What the console at an address answers under a path.
pub(crate) fn get_json(console: std::net::SocketAddr, path: &str) -> serde_json::Value {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(console).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: console\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 "), "{path}: {text}");
    serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap()
}

fn is_there(found: bool, package: &str) -> bool {
    if !found {
        assert!(
            std::env::var_os("STROWGER_REQUIRE_PEERS").is_none(),
            "{package} is required and not installed"
        );
        println!("skipped: {package} is not installed");
    }
    found
}
