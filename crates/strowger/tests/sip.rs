//! SIPp, of Debian's package `sip-tester`, as the peer of a trunk: its own scenarios call a subscriber on the software gateway
//! and are called by him, and what he says comes back by RTP.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use support::process::Running;
use support::town::expect;
use support::{loopback, until};

/// Whether SIPp can be tried. It says its version with the code 99.
fn has_sipp() -> bool {
    let found = Command::new("sipp").arg("-v").output().is_ok();
    assert!(
        found || std::env::var_os("STROWGER_REQUIRE_PEERS").is_none(),
        "sip-tester is required and not installed"
    );
    if !found {
        #[allow(clippy::print_stdout, reason = "a test says what it skips")]
        {
            println!("skipped: sip-tester is not installed");
        }
    }
    found
}

/// The media of the peer: what comes goes back, as a stream of its own. SIPp's own echo would give a stream back under the
/// source that sent it, which RFC 3550 section 8.2 takes for a loop.
struct Echo {
    port: u16,
    packets: Arc<AtomicUsize>,
}

impl Echo {
    fn at(host: IpAddr) -> Self {
        let socket = UdpSocket::bind((host, 0)).unwrap();
        socket.set_read_timeout(Some(support::PATIENCE)).unwrap();
        let (port, packets) = (socket.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&packets);
        std::thread::spawn(move || {
            let mut buffer = [0; 2048];
            // It ends with the test, or when nobody has spoken for long.
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                counted.fetch_add(1, Ordering::Relaxed);
                buffer[8..12].copy_from_slice(b"echo");
                let _ = socket.send_to(&buffer[..length], from);
            }
        });
        Self { port, packets }
    }

    fn assert_heard(&self) {
        let packets = self.packets.load(Ordering::Relaxed);
        assert!(packets > 10, "only {packets} packets came");
    }
}

struct Town {
    folder: tempfile::TempDir,
    exchange: Running,
    gateway: Running,
    /// Where SIP peers find the exchange.
    sip: SocketAddr,
    /// Where SIPp is.
    peer: SocketAddr,
}

impl Town {
    fn open(trunk: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = loopback::host();
        let (agent, sip) = (SocketAddr::new(host, 2727), SocketAddr::new(host, 5060));
        let (gateway, peer) = (loopback::at(2427), loopback::at(5060));
        let path = |name: &str| folder.path().join(name).display().to_string();
        let text = format!(
            "[exchange]\nname = \"town\"\n[records]\ncdr = {:?}\n[capture]\npath = {:?}\n\
             [listen]\nmgcp = \"{agent}\"\nsip = \"{sip}\"\n\
             [[gateway]]\nid = \"gw1\"\nprotocol = \"mgcp\"\naddress = \"{gateway}\"\ndomain = \"gw1.town\"\n\
             [[line]]\nnumber = \"2001\"\ngateway = \"gw1\"\nendpoint = \"aaln/1\"\nname = \"A. Subscriber\"\n\
             [[trunk]]\nid = \"carrier\"\nsip = {{ address = \"{peer}\"{trunk} }}\n\
             [[route]]\nprefix = \"9\"\nstrip = 1\nlength = 8\nto = [\"trunk:carrier\"]\n",
            path("cdr.jsonl"),
            path("town.pcapng"),
        );
        std::fs::write(path("town.toml"), text).unwrap();
        let mut exchange = Running::strowger(["run", "-c", &path("town.toml"), "--json"]);
        exchange.line("ready line", |line| line.contains("\"ready\""));
        let (listen, agent) = (gateway.to_string(), agent.to_string());
        let arguments = ["gateway", "mgcp", "--listen", &listen, "--agent", &agent, "--domain", "gw1.town"];
        let more = ["--max-waiting-delay", "0.05", "--control"];
        let mut gateway = Running::strowger(arguments.into_iter().chain(more));
        gateway.json(&[("event", "registered")]);
        Self { folder, exchange, gateway, sip, peer }
    }

    /// SIPp with one of its own scenarios, for one call. Its media are where `echo` is.
    fn sipp(&self, scenario: &str, echo: &Echo, more: &[&str]) -> Running {
        let own = Command::new("sipp").args(["-sd", scenario]).output().unwrap();
        let text = String::from_utf8(own.stdout).unwrap();
        assert!(text.contains("[media_port]"), "{text}");
        let file = self.folder.path().join(format!("{scenario}.xml"));
        std::fs::write(&file, text.replace("[media_port]", &echo.port.to_string())).unwrap();
        let (host, port) = (self.peer.ip().to_string(), self.peer.port().to_string());
        let mut sipp = Command::new("sipp");
        sipp.arg("-sf").arg(file).args(["-i", &host, "-p", &port, "-mi", &host]);
        sipp.args(["-m", "1", "-nostdin", "-timeout", "30", "-timeout_error"])
            .args(more)
            .arg(self.sip.to_string());
        sipp.current_dir(self.folder.path()).env("TERM", "dumb");
        Running::start(sipp)
    }

    fn record(&self) -> serde_json::Value {
        until("the record of the call", || {
            let text = std::fs::read_to_string(self.folder.path().join("cdr.jsonl")).ok()?;
            serde_json::from_str(text.lines().next()?).ok()
        })
    }

    fn close(self) -> tempfile::TempDir {
        for process in [self.gateway, self.exchange] {
            let (status, process) = process.terminate();
            process.assert_code(status, 0);
        }
        self.folder
    }
}

#[test]
fn a_load_of_calls_reaches_sipp_by_the_trunk() {
    if !has_sipp() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let host = loopback::host();
    let (agent, sip) = (SocketAddr::new(host, 2727), SocketAddr::new(host, 5060));
    let (gateway, peer) = (loopback::at(2427), loopback::at(5060));
    let config = folder.path().join("town.toml").display().to_string();
    let lines: String = (1..=4)
        .map(|line| {
            format!("[[line]]\nnumber = \"200{line}\"\ngateway = \"gw1\"\nendpoint = \"aaln/{line}\"\n")
        })
        .collect();
    let text = format!(
        "[listen]\nmgcp = \"{agent}\"\nsip = \"{sip}\"\n\
         [[gateway]]\nid = \"gw1\"\nprotocol = \"mgcp\"\naddress = \"{gateway}\"\ndomain = \"gw1.town\"\n\
         {lines}[[trunk]]\nid = \"carrier\"\nsip = {{ address = \"{peer}\" }}\n\
         [[route]]\nprefix = \"9\"\nstrip = 1\nlength = 8\nto = [\"trunk:carrier\"]\n"
    );
    std::fs::write(&config, text).unwrap();
    let mut exchange = Running::strowger(["run", "-c", &config, "--json"]);
    exchange.line("ready line", |line| line.contains("\"ready\""));
    let mut sipp = Command::new("sipp");
    sipp.args(["-sn", "uas", "-i", &peer.ip().to_string(), "-p", &peer.port().to_string(), "-nostdin"])
        .args(["-m", "20", "-timeout", "30", "-timeout_error"])
        .current_dir(folder.path())
        .env("TERM", "dumb");
    let mut sipp = Running::start(sipp);
    let load = |number: &str, count: &str, code: i32| {
        let calls = ["load", "calls", "-c", &config, "--to", number, "--window", "4", "--count", count];
        let mut load = Running::strowger(calls.iter().chain(&["--json"]));
        let report = load.json(&[]);
        let status = load.wait();
        load.assert_code(status, code);
        report
    };
    let report = load("95550102", "20", 0);
    assert_eq!((&report["done"], &report["failed"]), (&20.into(), &0.into()), "{report:#}");
    let measured: Vec<_> = report["latencies"].as_array().unwrap().iter().map(|row| &row["name"]).collect();
    assert_eq!(measured, ["connect", "dial-tone", "release"], "{report:#}");
    let status = sipp.wait();
    sipp.assert_code(status, 0);
    // Nobody is there any more: what the caller hears is told.
    let report = load("2999", "1", 1);
    assert_eq!((&report["done"], &report["failed"]), (&0.into(), &1.into()), "{report:#}");
    let (status, exchange) = exchange.terminate();
    exchange.assert_code(status, 0);
}

/// Every message of SIP in the capture is one to tshark, and none is malformed.
fn check_capture(folder: &Path, requests: &[&str]) {
    if !support::has_peer("tshark", "tshark") {
        return;
    }
    let file = folder.join("town.pcapng");
    let fields = |filter: &str, field: &str| {
        let output = Command::new("tshark")
            .arg("-r")
            .arg(&file)
            .args(["-Y", filter, "-T", "fields", "-e", field])
            .output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    assert_eq!(
        fields(
            "udp.port == 5060 && (!sip || _ws.malformed || _ws.expert.severity >= 8388608)",
            "frame.number"
        ),
        ""
    );
    let seen = fields("sip.Method", "sip.Method");
    for request in requests {
        assert!(seen.lines().any(|line| line == *request), "no {request} in {seen}");
    }
}

#[test]
fn sipp_calls_a_subscriber_and_hears_what_he_says_echoed() {
    if !has_sipp() {
        return;
    }
    let mut town = Town::open("");
    let echo = Echo::at(town.peer.ip());
    let mut sipp = town.sipp("uac", &echo, &["-s", "2001", "-d", "4000"]);
    expect(&mut town.gateway, "aaln/1", "ring");
    town.gateway.say("aaln/1 off-hook");
    town.gateway.say("aaln/1 play tone:700");
    expect(&mut town.gateway, "aaln/1", "tone:700");
    echo.assert_heard();
    let status = sipp.wait();
    sipp.assert_code(status, 0);
    town.gateway.say("aaln/1 on-hook");
    let record = town.record();
    assert_eq!((&record["cause"], &record["dialled"]), (&16.into(), &"2001".into()), "{record:#}");
    assert_eq!(record["calling"]["gateway"], "carrier", "{record:#}");
    let folder = town.close();
    check_capture(folder.path(), &["INVITE", "ACK", "BYE"]);
}

#[test]
fn a_subscriber_calls_sipp_and_hears_himself() {
    if !has_sipp() {
        return;
    }
    let mut town = Town::open("");
    let echo = Echo::at(town.peer.ip());
    let mut sipp = town.sipp("uas", &echo, &[]);
    town.gateway.say("aaln/1 off-hook");
    expect(&mut town.gateway, "aaln/1", "dial-tone");
    town.gateway.say("aaln/1 dial 95550102");
    // The scenario answers at once; who speaks while he dials is not understood.
    until("a packet from who calls", || (echo.packets.load(Ordering::Relaxed) > 0).then_some(()));
    town.gateway.say("aaln/1 play tone:700");
    expect(&mut town.gateway, "aaln/1", "tone:700");
    echo.assert_heard();
    town.gateway.say("aaln/1 on-hook");
    let record = town.record();
    assert_eq!(record["cause"], 16, "{record:#}");
    assert_eq!(
        (&record["called"]["number"], &record["called"]["gateway"]),
        (&"5550102".into(), &"carrier".into())
    );
    let status = sipp.wait();
    sipp.assert_code(status, 0);
    let folder = town.close();
    check_capture(folder.path(), &["INVITE", "ACK", "BYE"]);
}
