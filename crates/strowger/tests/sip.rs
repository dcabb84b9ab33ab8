//! SIPp, of Debian's package `sip-tester`, as the peer of a trunk: its own scenarios call a subscriber on the software gateway
//! and are called by him, and what he says comes back by RTP.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::Ordering;

use support::capture::check_sip;
use support::process::Running;
use support::sipp::{Echo, has_sipp, own_scenario, sipp};
use support::town::{api, await_kept, expect};
use support::{loopback, until};

struct Town {
    folder: tempfile::TempDir,
    exchange: Running,
    gateway: Running,
    /// Where SIP peers find the exchange.
    sip: SocketAddr,
    /// Where SIPp is.
    peer: SocketAddr,
    console: SocketAddr,
    /// What carries its messages, as it calls that.
    transport: &'static str,
}

/// The exchange of a configuration, once it is ready.
fn exchange(folder: &Path) -> Running {
    let config = folder.join("town.toml").display().to_string();
    let mut exchange = Running::strowger(["run", "-c", &config, "--json"]);
    exchange.line("ready line", |line| line.contains("\"ready\""));
    exchange
}

impl Town {
    fn open(trunk: &str) -> Self {
        Self::over("u1", trunk)
    }

    fn over(transport: &'static str, trunk: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = loopback::host();
        let own = |port| SocketAddr::new(host, port);
        let (agent, sip, console) = (own(2727), own(5060), own(8088));
        let (gateway, peer) = (loopback::at(2427), loopback::at(5060));
        let path = |name: &str| folder.path().join(name).display().to_string();
        let text = format!(
            "[exchange]\nname = \"town\"\n[records]\ncdr = {:?}\n[capture]\npath = {:?}\n\
             [store]\nkind = \"embedded\"\npath = {:?}\n\
             [listen]\nmgcp = \"{agent}\"\nsip = \"{sip}\"\nconsole = \"{console}\"\n\
             [[gateway]]\nid = \"gw1\"\nprotocol = \"mgcp\"\naddress = \"{gateway}\"\ndomain = \"gw1.town\"\n\
             [[line]]\nnumber = \"2001\"\ngateway = \"gw1\"\nendpoint = \"aaln/1\"\nname = \"A. Subscriber\"\n\
             [[trunk]]\nid = \"carrier\"\nsip = {{ address = \"{peer}\"{trunk} }}\n\
             [[route]]\nprefix = \"9\"\nstrip = 1\nlength = 8\nto = [\"trunk:carrier\"]\n",
            path("cdr.jsonl"),
            path("town.pcapng"),
            path("town.redb"),
        );
        std::fs::write(path("town.toml"), text).unwrap();
        let exchange = exchange(folder.path());
        let (listen, agent) = (gateway.to_string(), agent.to_string());
        let arguments = ["gateway", "mgcp", "--listen", &listen, "--agent", &agent, "--domain", "gw1.town"];
        let more = ["--max-waiting-delay", "0.05", "--control"];
        let mut gateway = Running::strowger(arguments.into_iter().chain(more));
        gateway.json(&[("event", "registered")]);
        Self { folder, exchange, gateway, sip, peer, console, transport }
    }

    /// SIPp with one of its own scenarios, for one call. Its media are where `echo` is.
    fn sipp(&self, scenario: &str, echo: &Echo, more: &[&str]) -> Running {
        let more = [more, &["-t", self.transport]].concat();
        sipp((self.folder.path(), &own_scenario(scenario)), (self.peer, self.sip), echo, &more)
    }

    /// The exchange is killed, and another starts.
    fn dies(self) -> Self {
        await_kept(self.console);
        self.exchange.cut();
        let exchange = exchange(self.folder.path());
        Self { exchange, ..self }
    }

    /// The one call, once its parties talk.
    fn talked(&self) -> serde_json::Value {
        until("the call", || {
            let calls = api(self.console, "calls");
            (calls[0]["phase"] == "talking").then(|| calls[0].clone())
        })
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

#[test]
fn sipp_calls_a_subscriber_and_hears_what_he_says_echoed() {
    if has_sipp() {
        sipp_calls(Town::open(""));
    }
}

#[test]
fn sipp_calls_a_subscriber_over_tcp() {
    if has_sipp() {
        sipp_calls(Town::over("t1", ", transport = \"tcp\""));
    }
}

fn sipp_calls(mut town: Town) {
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
    check_sip(folder.path(), &["INVITE", "ACK", "BYE"]);
}

#[test]
fn a_subscriber_calls_sipp_and_hears_himself() {
    if has_sipp() {
        sipp_is_called(Town::open(""));
    }
}

#[test]
fn a_subscriber_calls_sipp_over_tcp() {
    if has_sipp() {
        sipp_is_called(Town::over("t1", ", transport = \"tcp\""));
    }
}

fn sipp_is_called(mut town: Town) {
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
    check_sip(folder.path(), &["INVITE", "ACK", "BYE"]);
}

/// SIPp's own called party, made to answer one more INVITE within its call.
fn asked_again() -> String {
    let own = own_scenario("uas");
    let (begins, answer) = ("<send retrans=\"500\">", "</send>");
    let from = own.find(begins).unwrap();
    let to = from + own[from..].find(answer).unwrap() + answer.len();
    let again = own[from..to].replace("[last_To:];tag=[pid]SIPpTag01[call_number]", "[last_To:]");
    let acknowledged = "<recv request=\"ACK\" crlf=\"true\">\n  </recv>\n";
    let more = format!("<recv request=\"INVITE\">\n  </recv>\n{again}\n{acknowledged}");
    let bye = "<recv request=\"BYE\">";
    assert_eq!(own.matches(bye).count(), 1, "{own}");
    own.replace(bye, &format!("{more}{bye}"))
}

#[test]
fn a_talked_call_of_a_trunk_survives_the_death_of_its_exchange() {
    if !has_sipp() {
        return;
    }
    let mut town = Town::open("");
    let echo = Echo::at(town.peer.ip());
    let mut sipp = sipp((town.folder.path(), &asked_again()), (town.peer, town.sip), &echo, &[]);
    town.gateway.say("aaln/1 off-hook");
    expect(&mut town.gateway, "aaln/1", "dial-tone");
    town.gateway.say("aaln/1 dial 95550102");
    until("a packet from who calls", || (echo.packets.load(Ordering::Relaxed) > 0).then_some(()));
    let before = town.talked();
    let mut town = town.dies();
    let after = town.talked();
    assert_eq!((&after["call"], &after["answer"]), (&before["call"], &before["answer"]));
    town.gateway.say("aaln/1 play tone:700");
    expect(&mut town.gateway, "aaln/1", "tone:700");
    assert_eq!(api(town.console, "trunks")[0]["taken"], 1);
    town.gateway.say("aaln/1 on-hook");
    let status = sipp.wait();
    sipp.assert_code(status, 0);
    let record = town.record();
    assert_eq!((&record["call"], &record["cause"]), (&before["call"], &16.into()), "{record:#}");
    assert_eq!(
        (&record["called"]["number"], &record["interrupted"]),
        (&"5550102".into(), &serde_json::Value::Null)
    );
    let folder = town.close();
    check_sip(folder.path(), &["INVITE", "BYE"]);
}
