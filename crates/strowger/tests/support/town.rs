//! The town of `examples/town.toml` on hosts of the test's own: the exchange and its gateways as separate processes.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::process::Running;
use super::{PATIENCE, loopback, until};

/// The town's configuration with its files, and where everything is.
pub(crate) struct Town {
    folder: tempfile::TempDir,
    /// Where the exchange is.
    pub(crate) agent: SocketAddr,
    /// Where gw1 and gw2 are.
    pub(crate) gateways: [SocketAddr; 2],
    console: SocketAddr,
}

impl Town {
    /// Copies the example: only hosts and paths are others.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/town.toml");
        let mut text = std::fs::read_to_string(example).unwrap();
        let exchange: IpAddr = loopback::host();
        let gateways = [loopback::at(2427), loopback::at(2427)];
        let (agent, console) = (SocketAddr::new(exchange, 2727), SocketAddr::new(exchange, 8088));
        let path = |name: &str| folder.path().join(name).display().to_string();
        for (from, to) in [
            ("mgcp = \"127.0.0.1:2727\"", format!("mgcp = \"{agent}\"")),
            ("console = \"127.0.0.1:8088\"", format!("console = \"{console}\"")),
            ("path = \"town.redb\"", format!("path = {:?}", path("town.redb"))),
            ("cdr = \"town.cdr.jsonl\"", format!("cdr = {:?}", path("town.cdr.jsonl"))),
            ("address = \"127.0.0.9:2427\"", format!("address = \"{}\"", gateways[0])),
            ("address = \"127.0.0.10:2427\"", format!("address = \"{}\"", gateways[1])),
        ] {
            assert_eq!(text.matches(from).count(), 1, "{from} in examples/town.toml");
            text = text.replace(from, &to);
        }
        std::fs::write(folder.path().join("town.toml"), text).unwrap();
        Self { folder, agent, gateways, console }
    }

    /// A file of the test's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts the exchange and waits until it is ready.
    pub(crate) fn exchange(&self) -> Running {
        self.exchange_with(&["--json"])
    }

    /// As [`Self::exchange`], with these options.
    pub(crate) fn exchange_with(&self, more: &[&str]) -> Running {
        let config = self.path("town.toml");
        let arguments = ["run", "-c", config.to_str().unwrap()];
        let mut exchange = Running::strowger(arguments.iter().chain(more));
        let ready = exchange.line("ready line", |line| line.contains("ready"));
        assert!(ready.contains("town") && ready.contains(&self.agent.to_string()), "{ready}");
        exchange
    }

    /// Starts a gateway, 0 or 1, that will do this.
    pub(crate) fn gateway(&self, number: usize, more: &[&str]) -> Running {
        let (listen, agent) = (self.gateways[number].to_string(), self.agent.to_string());
        let domain = format!("gw{}.town", number + 1);
        let sounds = self.folder.path().to_str().unwrap();
        let arguments = ["gateway", "mgcp", "--listen", &listen, "--agent", &agent, "--domain", &domain];
        let rest = ["--lines", "2", "--max-waiting-delay", "0.05", "--sounds", sounds];
        Running::strowger(arguments.iter().chain(&rest).chain(more))
    }

    /// Starts a gateway that takes commands, and waits until the exchange knows of both of its lines.
    pub(crate) fn controlled(&self, number: usize) -> Running {
        let mut gateway = self.gateway(number, &["--control"]);
        gateway.json(&[("event", "listening")]);
        self.await_lines(number);
        gateway
    }

    /// Waits until the exchange has both lines of a gateway in service and idle.
    pub(crate) fn await_lines(&self, number: usize) {
        let id = format!("gw{}", number + 1);
        until(&format!("lines of {id}"), || {
            let rows = self.api("lines");
            let rows = rows.as_array().unwrap().iter().filter(|row| row["gateway"] == id);
            (rows.filter(|row| row["service"] == "in-service" && row["condition"] == "idle").count() == 2)
                .then_some(())
        });
    }

    /// What the console answers under `/api/`.
    pub(crate) fn api(&self, what: &str) -> Value {
        api(self.console, what)
    }

    /// A number of the exchange's metrics.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        metric(self.console, name)
    }

    /// See [`await_kept`].
    pub(crate) fn await_kept(&self) {
        await_kept(self.console);
    }

    /// The call detail records, when there are as many.
    pub(crate) fn records(&self, count: usize) -> Vec<Value> {
        until(&format!("{count} call detail records"), || {
            let text = std::fs::read_to_string(self.path("town.cdr.jsonl")).unwrap_or_default();
            let whole = text.rfind('\n').map_or("", |end| &text[..end]);
            let records: Vec<Value> = whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            assert!(records.len() <= count, "{records:#?}");
            (records.len() == count).then_some(records)
        })
    }

    /// A subscriber of one gateway calls one of another, both talk, and the caller hangs up.
    pub(crate) fn talk(&self, caller: &mut Running, called: &mut Running) {
        caller.say("aaln/1 off-hook");
        expect(caller, "aaln/1", "dial-tone");
        caller.say("aaln/1 dial 2003");
        expect(called, "aaln/1", "ring");
        called.say("aaln/1 off-hook");
        caller.say("aaln/1 play tone:700");
        called.say("aaln/1 play tone:1900");
        expect(called, "aaln/1", "tone:700");
        expect(caller, "aaln/1", "tone:1900");
        caller.say("aaln/1 on-hook");
        called.say("aaln/1 on-hook");
        until("rest", || (self.api("calls").as_array().unwrap().is_empty()).then_some(()));
        self.await_lines(0);
        self.await_lines(1);
    }
}

/// What a console answers under `/api/`.
pub(crate) fn api(console: SocketAddr, what: &str) -> Value {
    serde_json::from_str(&get(console, &format!("/api/{what}"))).unwrap()
}

/// A number of an exchange's metrics.
pub(crate) fn metric(console: SocketAddr, name: &str) -> u64 {
    let text = get(console, "/metrics");
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let value = value.unwrap_or_else(|| panic!("no {name} in\n{text}"));
    value.parse::<f64>().unwrap() as u64
}

/// Waits until all that an exchange has to keep is on stable storage: what a kill may cost is what it had no time to write.
pub(crate) fn await_kept(console: SocketAddr) {
    until("no record that waits", || (metric(console, "strowger_records_waiting") == 0).then_some(()));
}

fn get(console: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(console).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: console\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 "), "{path}: {text}");
    text.split_once("\r\n\r\n").unwrap().1.to_owned()
}

/// Waits until a subscriber of a controlled gateway notices something.
pub(crate) fn expect(gateway: &mut Running, line: &str, sign: &str) {
    gateway.say(&format!("{line} expect {sign} within 20s"));
    let verdict = gateway.line(&format!("verdict on {sign}"), |text| {
        let row: Value = serde_json::from_str(text).unwrap_or_default();
        matches!(row["event"].as_str(), Some("met" | "missed" | "error")) && row["what"] == sign
            || row["event"] == "error"
    });
    let row: Value = serde_json::from_str(&verdict).unwrap();
    assert_eq!(row["event"], "met", "{row}");
}
