//! `strowger load` against a running exchange, a running gateway of ours, and osmo-mgw.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::loopback;
use support::osmo::OsmoMgw;
use support::process::Running;
use support::town::Town;

/// Runs a load that must end with this code, and reads its report.
fn load(arguments: &[&str], code: i32) -> Value {
    let mut load = Running::strowger(["load"].iter().chain(arguments).chain(&["--json"]));
    let report = load.json(&[]);
    let status = load.wait();
    load.assert_code(status, code);
    report
}

/// A gateway of ours whose call agent is the load, which will be here.
fn gateway(relays: u32) -> (Running, SocketAddr, SocketAddr) {
    let (listen, agent) = (loopback::at(2427), loopback::at(2727));
    let socket = UdpSocket::bind(agent).unwrap();
    let (relays, listening, agent_text) = (relays.to_string(), listen.to_string(), agent.to_string());
    let mut gateway = Running::strowger([
        "gateway",
        "mgcp",
        "--listen",
        &listening,
        "--agent",
        &agent_text,
        "--domain",
        "gw1.town",
        "--lines",
        "0",
        "--relays",
        &relays,
        "--port-rest",
        "0",
        "--max-waiting-delay",
        "0.05",
        "--json",
    ]);
    gateway.json(&[("event", "listening")]);
    // Until its restart is acknowledged it refuses all but audits.
    let mut octets = [0; 1500];
    socket.set_read_timeout(Some(support::PATIENCE)).unwrap();
    let (length, from) = socket.recv_from(&mut octets).unwrap();
    let command = String::from_utf8_lossy(&octets[..length]).into_owned();
    let number = command.strip_prefix("RSIP ").and_then(|rest| rest.split(' ').next()).unwrap();
    socket.send_to(format!("200 {number} OK\r\n").as_bytes(), from).unwrap();
    gateway.json(&[("event", "registered")]);
    (gateway, listen, agent)
}

#[test]
fn calls_through_a_running_exchange_are_carried_and_recorded() {
    let town = Town::new();
    let exchange = town.exchange();
    let config = town.path("town.toml").display().to_string();
    let report = load(&["calls", "-c", &config, "--window", "2", "--count", "20"], 0);
    assert_eq!(
        (&report["begun"], &report["done"], &report["failed"]),
        (&20.into(), &20.into(), &0.into()),
        "{report:#}"
    );
    assert_eq!(report["verdict"], "pass");
    assert_eq!(report["latencies"].as_array().unwrap().len(), 4, "{report:#}");
    let records = town.records(20);
    assert!(
        records.iter().all(|record| record["cause"] == 16 && record["answer"].is_string()),
        "{records:#?}"
    );
    let (status, exchange) = exchange.terminate();
    exchange.assert_code(status, 0);
}

#[test]
fn a_running_gateway_bears_audits_connections_and_calls() {
    let (gateway, to, from) = gateway(16);
    let (to, from) = (to.to_string(), from.to_string());
    for (verb, count) in [("auep", "500"), ("rqnt", "200"), ("crcx", "200"), ("call", "100")] {
        let arguments = [
            "mgcp",
            "--to",
            &to,
            "--from",
            &from,
            "--endpoint",
            "relay/1-16@gw1.town",
            "--verb",
            verb,
            "--window",
            "8",
            "--count",
            count,
        ];
        let report = load(&arguments, 0);
        assert_eq!(report["done"].to_string(), count, "{report:#}");
        assert_eq!(report["most_at_once"], 8, "{report:#}");
    }
    let report =
        load(&["mgcp", "--to", &to, "--from", &from, "--endpoint", "relay/17@gw1.town", "--count", "3"], 1);
    assert_eq!(report["reasons"][0]["why"], "AUEP: 500 Unknown endpoint", "{report:#}");
    assert_eq!(report["verdict"], "fail");
    let (status, gateway) = gateway.terminate();
    gateway.assert_code(status, 0);
}

#[test]
fn a_limit_that_is_passed_is_a_finding() {
    let (gateway, to, from) = gateway(1);
    let (to, from) = (to.to_string(), from.to_string());
    let arguments = [
        "mgcp",
        "--to",
        &to,
        "--from",
        &from,
        "--endpoint",
        "relay/1@gw1.town",
        "--count",
        "5",
        "--max-p99",
        "0.000001",
    ];
    let report = load(&arguments, 1);
    assert_eq!(report["failed"], 0);
    assert!(report["findings"][0].as_str().unwrap().contains("99th percentile of AUEP"), "{report:#}");
    let (status, gateway) = gateway.terminate();
    gateway.assert_code(status, 0);
}

#[test]
fn osmo_mgw_bears_connections_in_its_own_dialect() {
    if !OsmoMgw::is_installed() {
        return;
    }
    let osmo = OsmoMgw::start();
    let to = osmo.address().to_string();
    let arguments = [
        "mgcp",
        "--to",
        &to,
        "--endpoint",
        "rtpbridge/0x1-0x10@mgw",
        "--dialect",
        "osmo",
        "--verb",
        "crcx",
        "--window",
        "8",
        "--count",
        "200",
    ];
    let report = load(&arguments, 0);
    assert_eq!(report["done"], 200, "{report:#}");
    assert_eq!(osmo.connections(), 0);
}

#[cfg(unix)]
#[test]
fn a_load_that_is_interrupted_ends_what_it_has_begun_and_reports() {
    let (from, to) = (loopback::at(2727), loopback::at(2427));
    let gateway = UdpSocket::bind(to).unwrap();
    gateway.set_read_timeout(Some(support::PATIENCE)).unwrap();
    let (own, peer) = (from.to_string(), to.to_string());
    let mut load = Running::strowger([
        "load",
        "mgcp",
        "--to",
        &peer,
        "--from",
        &own,
        "--endpoint",
        "aaln/1@gw1.town",
        "--verb",
        "auep",
        "--window",
        "1",
        "--duration",
        "3600",
        "--json",
    ]);
    let answer = |socket: &UdpSocket| {
        let mut octets = [0; 1500];
        let (length, from) = socket.recv_from(&mut octets)?;
        let command = String::from_utf8_lossy(&octets[..length]).into_owned();
        let number = command.split(' ').nth(1).unwrap();
        socket.send_to(format!("200 {number} OK\r\n").as_bytes(), from)
    };
    for _ in 0..3 {
        answer(&gateway).unwrap();
    }
    // What is under way when the signal comes is answered behind it, however many that are until it is heard.
    let id = load.id().to_string();
    assert!(std::process::Command::new("kill").args(["-s", "INT", &id]).status().unwrap().success());
    let over = AtomicBool::new(false);
    let (report, status) = std::thread::scope(|scope| {
        gateway.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        scope.spawn(|| {
            let begun = Instant::now();
            while !over.load(Ordering::Acquire) && begun.elapsed() < support::PATIENCE {
                let _ = answer(&gateway);
            }
        });
        let ended = (load.json(&[]), load.wait());
        over.store(true, Ordering::Release);
        ended
    });
    load.assert_code(status, 0);
    assert!(report["done"].as_u64().is_some_and(|done| done >= 3), "{report}");
    assert_eq!(report["failed"], 0, "{report}");
    assert_eq!(report["begun"], report["done"], "{report}");
}
