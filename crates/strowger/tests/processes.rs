//! Separate processes, as the manual starts them: the exchange of `examples/town.toml` and two gateways carry calls.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use support::town::{Town, expect};
use support::{loopback, until};

#[test]
fn calls_are_carried_between_separate_processes() {
    let town = Town::new();
    let exchange = town.exchange();
    let (mut gw1, mut gw2) = (town.controlled(0), town.controlled(1));
    gw1.say("aaln/1 off-hook");
    expect(&mut gw1, "aaln/1", "dial-tone");
    gw1.say("aaln/1 dial 5552003");
    expect(&mut gw2, "aaln/1", "ring");
    let caller = gw2.seen().iter().any(|row| row.contains("\"caller\"") && row.contains("2001"));
    assert!(caller || gw2.json(&[("event", "caller")])["what"].as_str().unwrap().contains("2001"));
    expect(&mut gw1, "aaln/1", "ringback");
    let calls = town.api("calls");
    let call = &calls[0];
    assert_eq!(
        (&call["phase"], &call["calling"], &call["called"]),
        (&"ringing".into(), &"2001".into(), &"2003".into())
    );
    gw2.say("aaln/1 off-hook");
    gw2.say("aaln/1 play tone:1900");
    expect(&mut gw1, "aaln/1", "tone:1900");
    gw1.say("aaln/1 play tone:700");
    expect(&mut gw2, "aaln/1", "tone:700");
    assert_eq!(town.api("calls")[0]["phase"], "talking");
    // The called party hangs up; the caller is told by a tone or by silence and hangs up too.
    gw2.say("aaln/1 on-hook");
    gw1.say("aaln/1 on-hook");
    let record = &town.records(1)[0];
    assert_eq!((&record["dialled"], &record["cause"]), (&"5552003".into(), &16.into()), "{record:#}");
    assert_eq!((&record["calling"]["number"], &record["called"]["number"]), (&"2001".into(), &"2003".into()));
    assert!(record["answer"].is_string(), "{record:#}");
    town.await_lines(0);
    town.await_lines(1);
    for process in [gw1, gw2, exchange] {
        let (status, process) = process.terminate();
        process.assert_code(status, 0);
    }
}

#[test]
fn a_script_carries_a_call_and_its_exit_code_tells() {
    let town = Town::new();
    let exchange = town.exchange();
    std::fs::write(town.path("called.txt"), "aaln/1 expect ring within 20s\nwait 2s\noff-hook\nplay tone:1900\nexpect tone:700 within 20s\nexpect congestion within 20s\non-hook\n").unwrap();
    std::fs::write(
        town.path("caller.txt"),
        "# 2001 calls 2003\naaln/1 off-hook\nexpect dial-tone\ndial 2003\nexpect ringback\nexpect tone:1900 within 20s\n\
         play tone:700 for 1s\nwait 1500ms\non-hook\nwait 2s\n",
    )
    .unwrap();
    let script = |name| town.path(name).display().to_string();
    let mut called = town.gateway(1, &["--json", "--script", &script("called.txt")]);
    called.json(&[("event", "listening")]);
    town.await_lines(1);
    // The caller's script begins at once, as a person may: a line that was lifted before the exchange knew of it gets its tone.
    let mut caller = town.gateway(0, &["--json", "--script", &script("caller.txt")]);
    let status = caller.wait();
    caller.assert_code(status, 0);
    let status = called.wait();
    called.assert_code(status, 0);
    let record = &town.records(1)[0];
    assert_eq!((&record["dialled"], &record["cause"]), (&"2003".into(), &16.into()), "{record:#}");
    let (status, exchange) = exchange.terminate();
    exchange.assert_code(status, 0);
}

#[test]
fn a_script_that_misses_something_names_its_line_and_exits_with_1() {
    let town = Town::new();
    let _exchange = town.exchange();
    std::fs::write(town.path("wrong.txt"), "# nobody calls\naaln/2 expect silence within 100ms\n").unwrap();
    let script = town.path("wrong.txt").display().to_string();
    let mut gateway = town.gateway(0, &["--script", &script]);
    let status = gateway.wait();
    gateway.assert_code(status, 1);
    let complaints = gateway.complaints();
    assert!(complaints.contains("line 2 of the script: aaln/2 expected silence"), "{complaints}");

    std::fs::write(town.path("wrong.txt"), "aaln/1 off-hook\n\naaln/1 jump\n").unwrap();
    let mut gateway = town.gateway(0, &["--script", &script]);
    let status = gateway.wait();
    gateway.assert_code(status, 2);
    assert!(gateway.complaints().contains("line 3: found `aaln/1 jump`"), "{}", gateway.complaints());
}

#[test]
fn the_exchange_can_be_restarted_under_its_gateways() {
    let town = Town::new();
    let exchange = town.exchange();
    let (mut gw1, mut gw2) = (town.controlled(0), town.controlled(1));
    town.talk(&mut gw1, &mut gw2);
    let (status, exchange) = exchange.terminate();
    exchange.assert_code(status, 0);
    let exchange = town.exchange();
    // The gateways have nothing to announce: the exchange looks for them.
    town.await_lines(0);
    town.await_lines(1);
    town.talk(&mut gw1, &mut gw2);
    let records = town.records(2);
    assert!(records.iter().all(|record| record["cause"] == 16), "{records:#?}");

    // Killed, not stopped, and in the middle of a call that nobody has answered: what was there is cleared away, and new
    // calls work.
    gw1.say("aaln/1 off-hook");
    expect(&mut gw1, "aaln/1", "dial-tone");
    gw1.say("aaln/1 dial 2003");
    expect(&mut gw2, "aaln/1", "ring");
    exchange.cut();
    let exchange = town.exchange();
    gw1.say("aaln/1 on-hook");
    town.await_lines(0);
    town.await_lines(1);
    // A bell that is still known to have rung would be taken for the next call's.
    expect(&mut gw2, "aaln/1", "ring-end");
    town.talk(&mut gw1, &mut gw2);
    until("no connection", || (town.metric("strowger_connections") == 0).then_some(()));
    let (status, exchange) = exchange.terminate();
    exchange.assert_code(status, 0);
}

#[test]
fn a_talked_call_survives_the_death_of_its_exchange() {
    let town = Town::new();
    let exchange = town.exchange();
    let (mut gw1, mut gw2) = (town.controlled(0), town.controlled(1));
    gw1.say("aaln/1 off-hook");
    expect(&mut gw1, "aaln/1", "dial-tone");
    gw1.say("aaln/1 dial 2003");
    expect(&mut gw2, "aaln/1", "ring");
    gw2.say("aaln/1 off-hook");
    gw2.say("aaln/1 play tone:1900");
    expect(&mut gw1, "aaln/1", "tone:1900");
    let before = until("the call", || {
        let calls = town.api("calls");
        (calls[0]["phase"] == "talking").then(|| calls[0].clone())
    });

    town.await_kept();
    exchange.cut();
    // Nobody controls the gateways; the parties do not notice.
    gw1.say("aaln/1 play tone:700");
    expect(&mut gw2, "aaln/1", "tone:700");

    let exchange = town.exchange();
    let after = until("the call again", || {
        let calls = town.api("calls");
        (calls[0]["phase"] == "talking").then(|| calls[0].clone())
    });
    assert_eq!((&after["call"], &after["answer"]), (&before["call"], &before["answer"]));
    gw1.say("aaln/1 play tone:1100");
    expect(&mut gw2, "aaln/1", "tone:1100");
    gw2.say("aaln/1 play tone:1300");
    expect(&mut gw1, "aaln/1", "tone:1300");

    gw2.say("aaln/1 on-hook");
    expect(&mut gw1, "aaln/1", "congestion");
    gw1.say("aaln/1 on-hook");
    let record = &town.records(1)[0];
    assert_eq!((&record["call"], &record["cause"]), (&before["call"], &16.into()), "{record:#}");
    assert_eq!(
        (&record["released_by"], &record["interrupted"]),
        (&"called".into(), &serde_json::Value::Null)
    );
    assert!(record["alerting"].is_string() && record["talk_ms"].as_u64() > Some(0), "{record:#}");
    assert!(record["media"][1]["statistics"]["packets_received"].as_u64() > Some(0), "{record:#}");
    until("no connection", || (town.metric("strowger_connections") == 0).then_some(()));
    let (status, exchange) = exchange.terminate();
    exchange.assert_code(status, 0);
    assert_eq!(town.records(1).len(), 1);
}

/// What comes to a call agent next that begins so.
fn hear(agent: &UdpSocket, beginning: &str) -> String {
    let mut buffer = [0; 2_000];
    loop {
        let (length, _) = agent.recv_from(&mut buffer).unwrap();
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        if text.starts_with(beginning) {
            return text;
        }
    }
}

#[test]
fn a_further_call_agent_commands_a_gateway_and_is_told_of_its_lines() {
    let town = Town::new();
    let exchange = town.exchange();
    let (next, stranger) = (loopback::peer(2727), loopback::peer(2727));
    let address: SocketAddr = next.local_addr().unwrap();
    let mut gw1 = town.gateway(0, &["--control", "--next-agent", &address.to_string()]);
    gw1.json(&[("event", "listening")]);
    town.await_lines(0);
    let request = |id: u32| {
        let entity = format!("next@[{}]:{}", address.ip(), address.port());
        format!("RQNT {id} aaln/1@gw1.town MGCP 1.0\r\nN: {entity}\r\nX: 7\r\nR: L/hd(N)\r\n")
    };
    stranger.send_to(request(7001).as_bytes(), town.gateways[0]).unwrap();
    next.send_to(request(7002).as_bytes(), town.gateways[0]).unwrap();
    hear(&next, "200 7002 ");
    gw1.say("aaln/1 off-hook");
    let notification = hear(&next, "NTFY ");
    assert!(notification.contains("X: 7\r\n") && notification.contains("L/hd"), "{notification}");
    let id = notification.split(' ').nth(1).unwrap();
    next.send_to(format!("200 {id} OK\r\n").as_bytes(), town.gateways[0]).unwrap();
    // Whoever is no call agent of it has had no answer meanwhile.
    stranger.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    assert!(stranger.recv_from(&mut [0; 2_000]).is_err());
    for process in [gw1, exchange] {
        let (status, process) = process.terminate();
        process.assert_code(status, 0);
    }
}
