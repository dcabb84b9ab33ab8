//! Circuits between separate processes: what one trunk of the town's first gateway sends comes back by the other one, by wires that
//! join them.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use support::town::{Town, expect};
use support::until;

/// Two trunks, and what a leading 9 leads to.
fn add_trunks(town: &Town, signalling: &str) {
    let path = town.path("town.toml");
    let mut text = std::fs::read_to_string(&path).unwrap();
    for (id, unit) in [("out", "a"), ("in", "b")] {
        text.push_str(&format!(
            "\n[[trunk]]\nid = \"{id}\"\ncircuits = {{ gateway = \"gw1\", endpoints = [\"ds/{unit}/1-2\"], signalling = \"{signalling}\" }}\n"
        ));
    }
    text.push_str("\n[[route]]\nprefix = \"9\"\nstrip = 1\nlength = 5\nto = [\"trunk:out\"]\n");
    std::fs::write(path, text).unwrap();
}

/// Waits until both trunks serve: their gateway has been found, and their circuits have said that they are idle.
fn await_trunks(town: &Town) {
    until("trunks", || {
        let rows = town.api("trunks");
        let serving = rows.as_array().unwrap().iter().filter(|row| row["service"] == "in-service").count();
        (serving == 2).then_some(())
    });
}

#[test]
fn a_call_leaves_by_one_trunk_comes_in_by_the_other_and_outlives_its_exchange() {
    for (signalling, package) in [("mf", "ms"), ("dtmf", "dt")] {
        let town = Town::new();
        add_trunks(&town, signalling);
        let exchange = town.exchange();
        let (a, b) = (format!("a:2:{package}"), format!("b:2:{package}"));
        let mut gw1 = town.gateway(0, &["--control", "--trunks", &a, "--trunks", &b, "--cross", "a=b"]);
        gw1.json(&[("event", "listening")]);
        let mut gw2 = town.controlled(1);
        town.await_lines(0);
        await_trunks(&town);
        gw1.say("aaln/1 off-hook");
        expect(&mut gw1, "aaln/1", "dial-tone");
        gw1.say("aaln/1 dial 92003");
        expect(&mut gw2, "aaln/1", "ring");
        expect(&mut gw1, "aaln/1", "ringback");
        gw2.say("aaln/1 off-hook");
        gw2.say("aaln/1 play tone:1900");
        expect(&mut gw1, "aaln/1", "tone:1900");
        gw1.say("aaln/1 play tone:700");
        expect(&mut gw2, "aaln/1", "tone:700");
        let calls = until("both calls", || {
            let calls = town.api("calls");
            let talking = calls.as_array().unwrap().iter().filter(|call| call["phase"] == "talking").count();
            (talking == 2).then_some(calls)
        });
        exchange.cut();
        let exchange = town.exchange();
        let after = until("both calls again", || {
            let calls = town.api("calls");
            let talking = calls.as_array().unwrap().iter().filter(|call| call["phase"] == "talking").count();
            (talking == 2).then_some(calls)
        });
        assert_eq!((&after[0]["call"], &after[1]["call"]), (&calls[0]["call"], &calls[1]["call"]));
        gw2.say("aaln/1 play tone:1300");
        expect(&mut gw1, "aaln/1", "tone:1300");
        // Who calls hangs up: the circuit says so at its other end.
        gw1.say("aaln/1 on-hook");
        expect(&mut gw2, "aaln/1", "congestion");
        gw2.say("aaln/1 on-hook");
        let records = town.records(2);
        assert!(records.iter().all(|record| record["cause"] == 16), "{records:#?}");
        assert!(records.iter().any(|record| record["called"]["gateway"] == "out"), "{records:#?}");
        assert!(records.iter().any(|record| record["calling"]["gateway"] == "in"), "{records:#?}");
        await_trunks(&town);
        until("no connection", || (town.metric("strowger_connections") == 0).then_some(()));
        for process in [gw1, gw2, exchange] {
            let (status, process) = process.terminate();
            process.assert_code(status, 0);
        }
    }
}
