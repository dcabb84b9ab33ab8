//! The scripts of the manual's first exchange, run as it says: an exchange and two gateways, a process each. Only the addresses
//! differ, so that they run beside anything else on the host.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// How long a step may take on a host that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(60);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A process that does not outlive its test.
struct Process {
    child: Child,
    lines: Receiver<String>,
    log: Receiver<String>,
}

impl Process {
    fn start(arguments: &[&str], folder: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_strowger"));
        command.args(arguments).current_dir(folder).env_remove("STROWGER_LOG").env("NO_COLOR", "1");
        let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let (sender, log) = mpsc::channel();
        let mut complaints = child.stderr.take().unwrap();
        thread::spawn(move || {
            let mut text = String::new();
            let _ = complaints.read_to_string(&mut text);
            let _ = sender.send(text);
        });
        Self { child, lines, log }
    }

    /// Waits for a line of its output.
    fn says(&self, what: &str) -> String {
        let mut before = String::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(what) => return line,
                Ok(line) => before.extend([line.as_str(), "\n"]),
                Err(why) => panic!("no {what:?} ({why}) after\n{before}"),
            }
        }
    }

    /// Waits for its end: its exit code and what it complained of.
    fn end(mut self) -> (Option<i32>, String) {
        let log = self.log.recv_timeout(PATIENCE).expect("the process does not end");
        (self.child.wait().unwrap().code(), log)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A town on free ports in a folder of its own.
struct Town {
    folder: tempfile::TempDir,
    gateways: [SocketAddr; 2],
    exchange: Process,
    agent: String,
}

impl Town {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let free = ["127.0.0.9", "127.0.0.10"].map(|host| UdpSocket::bind((host, 0)).unwrap());
        let gateways = [0, 1].map(|index| free[index].local_addr().unwrap());
        drop(free);
        let mut text = fs::read_to_string(root().join("examples/town.toml")).unwrap();
        for (from, to) in [
            ("mgcp = \"127.0.0.1:2727\"", "mgcp = \"127.0.0.1:0\"".to_owned()),
            ("console = \"127.0.0.1:8088\"", "console = \"127.0.0.1:0\"".to_owned()),
            ("address = \"127.0.0.9:2427\"", format!("address = \"{}\"", gateways[0])),
            ("address = \"127.0.0.10:2427\"", format!("address = \"{}\"", gateways[1])),
        ] {
            assert_eq!(text.matches(from).count(), 1, "examples/town.toml has no {from}");
            text = text.replace(from, &to);
        }
        fs::write(folder.path().join("town.toml"), text).unwrap();
        let exchange = Process::start(&["run", "-c", "town.toml", "--json"], folder.path());
        let ready: Value = serde_json::from_str(&exchange.says("ready")).unwrap();
        let agent = ready["mgcp"].as_str().unwrap().to_owned();
        Self { folder, gateways, exchange, agent }
    }

    fn gateway(&self, index: usize, more: &[&str]) -> Process {
        let listen = self.gateways[index].to_string();
        let domain = format!("gw{}.town", index + 1);
        let mut arguments = vec!["gateway", "mgcp", "--listen", &listen, "--agent", &self.agent];
        arguments.extend(["--domain", &domain, "--lines", "2", "--max-waiting-delay", "0.1"]);
        arguments.extend(more);
        Process::start(&arguments, self.folder.path())
    }

    /// Stops the exchange and reads its call detail records.
    fn stop(self) -> Vec<Value> {
        let id = self.exchange.child.id().to_string();
        assert!(Command::new("kill").args(["-s", "INT", &id]).status().unwrap().success());
        let (code, log) = self.exchange.end();
        assert_eq!(code, Some(0), "{log}");
        let records = fs::read_to_string(self.folder.path().join("town.cdr.jsonl")).unwrap();
        records.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn example(name: &str) -> String {
    root().join("examples").join(name).display().to_string()
}

/// An answered call that the caller ended, whose streams carried sound both ways.
fn is_talked(record: &Value, calling: &str, called: &str) {
    assert_eq!(
        (&record["calling"]["number"], &record["called"]["number"]),
        (&calling.into(), &called.into())
    );
    assert_eq!((&record["cause"], &record["released_by"]), (&16.into(), &"calling".into()), "{record}");
    assert!(record["talk_ms"].as_u64().unwrap() > 500, "{record}");
    let media = record["media"].as_array().unwrap();
    assert_eq!(media.len(), 2, "{record}");
    for stream in media {
        let statistics = &stream["statistics"];
        for way in ["packets_sent", "packets_received"] {
            assert!(statistics[way].as_u64().unwrap() > 25, "{way}: {record}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_scripts_of_the_manual_carry_calls_between_processes() {
    let town = Town::start();
    let called = town.gateway(1, &["--script", &example("called.script")]);
    called.says("registered");
    let caller = town.gateway(0, &["--script", &example("caller.script")]);
    for gateway in [caller, called] {
        let (code, log) = gateway.end();
        assert_eq!(code, Some(0), "{log}");
    }
    let (code, log) = town.gateway(0, &["--script", &example("call.script")]).end();
    assert_eq!(code, Some(0), "{log}");
    let records = town.stop();
    assert_eq!(records.len(), 2, "{records:?}");
    is_talked(&records[0], "2001", "2003");
    is_talked(&records[1], "2001", "2002");
}
