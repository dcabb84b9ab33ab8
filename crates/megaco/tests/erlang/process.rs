//! Erlang as a process that ends with the test: what it says line by line, with patience.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use strowger_megaco::message::Version;
use strowger_megaco::text::Layout;
use strowger_megaco::transaction::{Form, Transport};

/// How long anything may take before a test fails: much longer than it takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What Erlang is in the association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// It waits to be spoken to, as a controller does.
    Listen,
    /// It speaks first, as a gateway does.
    Connect,
}

/// Erlang, with a megaco of its own.
pub(crate) struct Erlang {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
    version: Version,
}

impl Erlang {
    /// Whether it can be tried. When it cannot, this says so; where peers are required, that is a failure.
    pub(crate) fn is_installed() -> bool {
        let ask = "case code:lib_dir(megaco) of {error, _} -> halt(1); _ -> halt(0) end.";
        let answer = Command::new("erl").args(["-noshell", "-eval", ask]).output();
        let found = answer.is_ok_and(|output| output.status.success());
        if !found {
            let required = std::env::var_os("STROWGER_REQUIRE_PEERS").is_some();
            assert!(!required, "erlang-megaco is required and not installed");
            println!("skipped: erlang-megaco is not installed");
        }
        found
    }

    /// Starts it and waits until it listens, or is connected.
    pub(crate) fn start(
        role: Role,
        transport: Transport,
        form: Form,
        version: Version,
        address: SocketAddr,
    ) -> Self {
        let role = if role == Role::Listen { "listen" } else { "connect" };
        let transport = if transport == Transport::Tcp { "tcp" } else { "udp" };
        let form = match form {
            Form::Text(Layout::Pretty) => "pretty",
            Form::Text(_) => "compact",
            Form::Binary => "binary",
        };
        let mut command = Command::new("escript");
        command
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../megaco/tests/erlang/peer.escript"))
            .args([role, transport, form, "erlang", &version.to_string()])
            .args([address.ip().to_string(), address.port().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let output = child.stdout.take().unwrap();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut erlang = Self { child, lines, seen: Vec::new(), version };
        assert_eq!(erlang.line(), "ready");
        erlang
    }

    /// Has it say a transaction, which is compact text here.
    pub(crate) fn say(&mut self, word: &str, transaction: &str) {
        self.say_in(self.version, word, transaction);
    }

    /// The same in another version than it begins with.
    pub(crate) fn say_in(&mut self, version: Version, word: &str, transaction: &str) {
        let text = format!("!/{version} <desk>\n{transaction}");
        let hex: String = text.bytes().map(|octet| format!("{octet:02x}")).collect();
        writeln!(self.child.stdin.as_mut().unwrap(), "{word} {hex}").unwrap();
    }

    /// The message that it tells of next, with this word.
    pub(crate) fn hear(&mut self, word: &str) -> Vec<u8> {
        // On a busy machine a registration may be repeated, and its copy is of a version that is over by then.
        let is_copy = |line: &str| line.starts_with("trouble") && line.contains("Not negotiated version: 1");
        let mut line = self.line();
        while is_copy(&line) {
            line = self.line();
        }
        let hex = line.strip_prefix(word).unwrap_or_else(|| panic!("no {word}: {:#?}", self.seen)).trim();
        let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        hex.as_bytes().chunks(2).map(octet).collect()
    }

    fn line(&mut self) -> String {
        let line = self.lines.recv_timeout(PATIENCE);
        let line = line.unwrap_or_else(|why| panic!("{why}: {:#?}", self.seen));
        self.seen.push(line.clone());
        line
    }
}

impl Drop for Erlang {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            self.seen.extend(self.lines.iter());
            println!("Erlang said: {:#?}", self.seen);
        }
    }
}
